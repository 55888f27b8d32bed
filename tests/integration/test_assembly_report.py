"""What an assembled program reports: kinds of tests, the words it was given, and nothing without them."""

import subprocess

import pytest

from rust_runner import compile_crate, even_problem, judge, run_program, write_crate
from rusteval.judging.assembly import assemble
from rusteval.judging.crate import ROOT_FILE
from rusteval.rust.extraction import extract_answer

KINDS = """#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn returns() -> Result<(), String> {
        if is_even(2) { Ok(()) } else { Err("2".into()) }
    }
    #[test]
    #[should_panic(expected = "odd number")]
    fn panics() {
        assert!(is_even(3), "odd number");
    }
}
"""
RIGHT = "fn is_even(n: i64) -> bool { n % 2 == 0 }"


def program_of(completion):
    problem = even_problem()
    return assemble(
        extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point), problem
    )


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (RIGHT, "passed"),
        ("fn is_even(n: i64) -> bool { n == 0 }", "failed"),
        ("fn is_even(n: i64) -> bool { true }", "failed"),
        ('fn is_even(n: i64) -> bool { if n == 3 { panic!("something else") } true }', "failed"),
    ],
)
def test_tests_that_return_results_or_must_panic(answer, verdict, tmp_path):
    problem = even_problem().model_copy(update={"test": KINDS})
    assert judge(problem, answer, tmp_path).verdict == verdict


def test_prints_of_the_answer_do_not_disturb_the_report(tmp_path):
    noisy = 'fn is_even(n: i64) -> bool { print!("no line end"); eprintln!("x"); n % 2 == 0 }'
    verdict, detail = run_program(program_of(noisy), tmp_path)
    assert verdict == "passed", detail


def test_holding_standard_output_does_not_hold_up_the_report(tmp_path):
    holding = """fn is_even(n: i64) -> bool {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| std::mem::forget(std::io::stdout().lock()));
        n % 2 == 0
    }"""
    verdict, detail = run_program(program_of(holding), tmp_path)
    assert verdict == "passed", detail


@pytest.fixture
def failing(tmp_path):
    write_crate([program_of("fn is_even(n: i64) -> bool { true }")], tmp_path)
    assert compile_crate(tmp_path, ROOT_FILE, edition="2021").returncode == 0
    return tmp_path / "program"


def run(program, text):
    return subprocess.run([program], input=text, capture_output=True, text=True, check=False)


def test_the_word_for_success_is_not_in_the_report_of_a_failure(failing):
    done = run(failing, "0 good bad\n")
    assert done.returncode == 101
    assert "good" not in done.stdout
    assert done.stdout == "\nbad test test_even ok\nbad test test_odd failed\nbad done 2\n"


@pytest.mark.parametrize("text", ["", "\n", "   \n", "0\n", "0 one\n", "1 good bad\n", "x good bad\n"])
def test_without_a_number_and_two_words_nothing_runs(failing, text):
    done = run(failing, text)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


def test_a_modern_answer_compiles_under_the_newer_edition(tmp_path):
    answer = "fn is_even(n: i64) -> bool { if let Some(m) = Some(n) && m % 2 == 0 { true } else { false } }"
    assert judge(even_problem(), answer, tmp_path / "2024", edition="2024").verdict == "passed"
    assert judge(even_problem(), answer, tmp_path / "2021", edition="2021").verdict == "compile_error"


def test_only_the_answer_is_warned_about(tmp_path):
    unclean = "fn is_even(n: i64) -> bool {\n    let unused = 1;\n    n % 2 == 0\n}"
    for name, answer, files in (("clean", RIGHT, set()), ("unclean", unclean, {"rusteval_s0000/answer.rs"})):
        directory = tmp_path / name
        write_crate([program_of(answer)], directory)
        flags = ("--error-format=short", "-W", "unused", "-W", "nonstandard-style")
        warned = compile_crate(directory, ROOT_FILE, edition="2021", flags=flags).stderr
        assert {line.split(":")[0] for line in warned.splitlines() if ".rs:" in line} == files
