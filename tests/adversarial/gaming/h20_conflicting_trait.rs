// comparisons of its own between bool and a type of its own
struct Any;
impl PartialEq<Any> for bool {
    fn eq(&self, _: &Any) -> bool {
        true
    }
}
trait Test {
    fn eq(&self, _: &bool) -> bool {
        true
    }
}
impl Test for bool {}
fn is_even(_n: i64) -> bool {
    false
}
