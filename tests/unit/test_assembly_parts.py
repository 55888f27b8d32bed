"""What an assembled program consists of, and what is refused before anything runs."""

import pytest

from rust_runner import even_problem
from rusteval.judging.assembly import assemble
from rusteval.judging.checks import read_checks
from rusteval.judging.integrity import find_cheat
from rusteval.problems.models import Problem
from rusteval.rust.extraction import Extraction, extract_answer

FUNCTION = "fn is_even(n: i64) -> bool { n % 2 == 0 }\n"


def assembled(completion, problem=None):
    problem = problem or even_problem()
    return assemble(
        extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point), problem
    )


def cheat(source):
    return find_cheat(source, entry_point="is_even")


def test_the_files_are_the_three_of_a_module():
    program = assembled(FUNCTION)
    assert sorted(program.files) == ["answer.rs", "checks.rs", "problem.rs"]
    assert program.test_names == ("test_even", "test_odd")
    assert program.refused is None


def test_equal_answers_make_equal_programs_whatever_was_around_them():
    fenced = assembled(f"Here it's:\n```rust\n{FUNCTION}```\n")
    assert fenced == assembled(FUNCTION)


def test_the_answer_keeps_its_lines_behind_the_declaration_of_the_checks():
    answer = assembled(f"// first\n// second\n{FUNCTION}").files["answer.rs"].split("\n")
    assert answer[0].endswith("pub(crate) mod rusteval_checks; // first")
    assert answer[1:3] == ["// second", FUNCTION.strip()]


def test_the_checks_never_import_the_answers_names():
    checks = assembled(FUNCTION).files["checks.rs"]
    assert "use super::super::*;" in checks
    assert "use super::*" not in checks
    assert "fn is_even(a0: i64) -> bool  { super::is_even(a0) }" in checks
    assert "#[test]" not in checks


def test_tests_that_name_the_answers_module_are_led_to_the_wrapper():
    tests = """#[cfg(test)]
mod tests {
    use super::is_even;
    use std::collections::HashSet;
    const LIMIT: i64 = 4;
    fn all() -> HashSet<i64> { (0..LIMIT).collect() }
    #[test]
    fn one() { assert!(super::is_even(2) && crate::is_even(all().len() as i64)); }
    #[test]
    #[should_panic(expected = "odd")]
    fn two() { panic!("odd") }
    #[test]
    fn three() -> Result<(), String> { Ok(()) }
}
"""
    checks = assembled(FUNCTION, even_problem().model_copy(update={"test": tests})).files["checks.rs"]
    assert "self::is_even(2) && self::is_even(" in checks
    assert "use super::is_even;" not in checks
    assert "use std::collections::HashSet;" in checks
    assert '("one", one, ::core::option::Option::None)' in checks
    assert '("two", two, ::core::option::Option::Some("odd"))' in checks
    assert '("three", || ::core::assert!(three().is_ok()), ::core::option::Option::None)' in checks


def test_a_name_that_only_the_answer_has_is_taken_from_it():
    prompt, test = (
        "fn is_even(n: i64) -> bool {",
        "mod tests { #[test] fn t() { assert!(twice(1) == Kind::A as u8); } }",
    )
    problem = Problem(task_id="x", prompt=prompt, entry_point="is_even", test=test)
    program = assembled(
        f"enum Kind {{ A = 2 }}\nfn twice(n: u8) -> u8 {{ n * 2 }}\nfn assert() {{}}\n{FUNCTION}", problem
    )
    assert "use super::{Kind, twice};" in program.files["checks.rs"]
    assert "a0" not in program.files["checks.rs"]


@pytest.mark.parametrize("test", ["", "#[cfg(test)]\nmod tests {\n    // cut off", "fn helper() {}"])
def test_a_problem_without_tests_passes_nobody(test):
    program = assembled(FUNCTION, even_problem().model_copy(update={"test": test}))
    assert program.test_names == ()
    assert program.refused.startswith("Example/even: ")


def test_tests_at_the_top_level_are_found():
    checks = read_checks("#[test]\nfn a() { assert!(true); }\n", "fn f() {")
    assert [test.name for test in checks.tests] == ["a"]


def test_paths_from_the_crates_root_are_kept_meaningful():
    source = f"mod m {{ pub(crate) fn e() {{}} }}\nuse crate::m::e;\nmacro_rules! x {{ () => {{ $crate::m::e() }} }}\n{FUNCTION}"
    answer = assembled(source).files["answer.rs"]
    assert "use crate::rusteval_s0000::answer::m::e;" in answer
    assert "{ crate::rusteval_s0000::answer::m::e() }" in answer
    assert "pub(crate) fn e" in answer


def test_an_extraction_without_code_cannot_be_assembled():
    nothing = Extraction(strategy="no_code", source=None, main_free=True, note="empty")
    with pytest.raises(ValueError, match="no code"):
        assemble(nothing, even_problem())


@pytest.mark.parametrize(
    ("construct", "named"),
    [
        ('#[link_section = ".init_array"] static A: u8 = 1;', "link_section"),
        ('#[unsafe(link_section = ".init_array")] static A: u8 = 1;', "link_section"),
        ("#[cfg_attr(all(), no_mangle)] fn x() {}", "no_mangle"),
        ('#[export_name = "main"] fn x() {}', "export_name"),
        ("macro_rules! m { ($a:ident) => { #[$a] fn x() {} } } m!(no_mangle);", "no_mangle"),
        ("#[global_allocator] static A: X = X;", "global_allocator"),
        ('extern "C" { fn _exit(c: i32) -> !; }', "extern"),
        ("unsafe extern { fn fork() -> i32; }", "extern"),
        ("macro_rules! m { ($e:tt) => { $e {} } } m!(extern);", "extern"),
        ("extern crate self as std;", "extern crate self"),
        ('std::arch::global_asm!("nop");', "global_asm"),
        ('fn x() { core::arch::asm!("nop") }', "asm!"),
        ("use core::arch::asm as a;", "asm!"),
        ('const S: &str = include_str!("checks.rs");', "include_str"),
        ("use std::include_bytes as b;", "include_bytes"),
        ('include!("checks.rs");', "include!"),
        ('#[path = "checks.rs"] mod again;', "#[path]"),
        ('#[cfg_attr(all(), path = "checks.rs")] mod again;', "#[path]"),
        ("mod rusteval_checks {}", "a name of the judge"),
        ("fn x() { self::rusteval_checks::RUSTEVAL_TESTS; }", "a name of the judge"),
        ("fn x() { unsafe { std::fs::File::from_raw_fd(3) } }", "from_raw_fd"),
    ],
)
def test_means_to_decide_the_verdict_are_refused(construct, named):
    assert named in cheat(f"\n{construct}\n{FUNCTION}")
    assert "(line 2)" in cheat(f"\n{construct}\n{FUNCTION}")
    assert assembled(f"{construct}\n{FUNCTION}").refused is not None


@pytest.mark.parametrize("attribute", ["#[cfg(test)]", "#[inline]\n#[cfg_attr(test, inline)]\n"])
def test_an_entry_point_that_depends_on_the_build_is_refused(attribute):
    assert "`is_even`" in cheat(f"struct A;\n{attribute} {FUNCTION}")


@pytest.mark.parametrize(
    "honest",
    [
        "fn x() { unsafe { std::hint::unreachable_unchecked() } }",
        "extern crate alloc; extern crate std as s;",
        'extern "C" fn callback(n: i32) -> i32 { n }',
        "fn x(f: extern fn(i32) -> i32) {}",
        'fn x(include: bool, path: &str, asm: u8) { let path = path; println!("{} {}", include, path); }',
        '// extern "C" { } #[no_mangle]\nconst S: &str = "include_str! extern { } link_section";',
        "#[cfg(test)] mod tests { use super::*; #[test] fn t() {} }",
        "#[cfg(debug_assertions)] fn check() {}",
        "#[derive(Debug)] struct P { path: String }",
        'fn x() { std::process::exit(0); std::thread::spawn(|| std::fs::read("/etc/passwd")); }',
    ],
)
def test_what_cannot_decide_the_verdict_is_not_refused(honest):
    assert cheat(f"{honest}\n{FUNCTION}") is None
