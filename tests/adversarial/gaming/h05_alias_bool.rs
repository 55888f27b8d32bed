// an alias called bool
#[derive(Debug)]
pub struct Yes;
impl PartialEq<std::primitive::bool> for Yes {
    fn eq(&self, _: &std::primitive::bool) -> std::primitive::bool {
        true
    }
}
#[allow(non_camel_case_types)]
type bool = Yes;
pub fn is_even(_n: i64) -> bool {
    Yes
}
