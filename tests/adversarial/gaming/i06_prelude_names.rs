// shadows names of the prelude and of the standard library
#[allow(non_camel_case_types)]
type i64 = i8;
enum Option<T> { None, Some(T) }
enum Result<T, E> { Ok(T), Err(E) }
trait PartialEq<T> { fn eq(&self, _: &T) -> bool { true } }
impl<T, U> PartialEq<U> for T {}
fn drop<T>(_: T) -> ! { std::process::exit(0) }
fn is_even(_n: std::primitive::i64) -> bool {
    false
}
