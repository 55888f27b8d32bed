"""One program at a time, with the real compiler, in every back end: each verdict for its true reason."""

import pytest

from judging_support import ALL_BACK_ENDS, RIGHT, WRONG, bench, judge_program, program
from rusteval.judging.batch import Bench

LET_CHAIN = (
    "pub fn is_even(n: i64) -> bool { if let Some(m) = n.checked_rem(2) && m == 0 { true } else { false } }"
)
SIGNATURE_LINTS = "#[allow(dead_code)] fn helper() {}\npub fn is_even(n: i64) -> bool { _bf(&vec![n]) }\nfn _bf(Xs: &Vec<i64>) -> bool { Xs[0] % 2 == 0 }"

CASES = {
    "right": (RIGHT, "passed", None),
    "wrong": (WRONG, "failed", "assertion_failure"),
    "panic": ("pub fn is_even(n: i64) -> bool { [true][n as usize % 2 + 1] }", "failed", "runtime_error"),
    "stub": ("pub fn is_even(_n: i64) -> bool { todo!() }", "failed", "runtime_error"),
    "overflow": ("pub fn is_even(n: i64) -> bool { n + i64::MAX > 0 && n % 2 == 0 }", "failed", "runtime_error"),
    "types": ("pub fn is_even(n: i64) -> bool { n }", "failed", "compile_error"),
    "link": ('extern "C" { fn nowhere_at_all(); }\npub fn is_even(n: i64) -> bool { unsafe { nowhere_at_all() }; n % 2 == 0 }', "failed", "compile_error"),
    "recursion": ("#[allow(unconditional_recursion)] pub fn is_even(n: i64) -> bool { !is_even(n + 2) }", "failed", "runtime_error"),
    "endless": ("pub fn is_even(_n: i64) -> bool { loop { std::hint::spin_loop() } }", "failed", "test_timeout"),
    "memory": ("pub fn is_even(n: i64) -> bool { vec![1u8; 3 << 30].len() as i64 > n }", "failed", "memory_limit"),
    "output": ('pub fn is_even(_n: i64) -> bool { loop { println!("{:9999}", 1) } }', "failed", "output_limit"),
    "exit": ("pub fn is_even(_n: i64) -> bool { std::process::exit(0) }", "failed", "tests_not_run"),
    "abort": ("pub fn is_even(_n: i64) -> bool { std::process::abort() }", "failed", "runtime_error"),
    "compile bomb": ("const fn f() -> u64 { let mut x = 1; while x != 0 { x = 3 * x % 1_000_003; } x }\nconst X: u64 = f();\npub fn is_even(n: i64) -> bool { X == 0 && n % 2 == 0 }", "failed", "compile_timeout"),
    "compiler crash": (f"pub fn is_even(n: i64) -> bool {{ {'(' * 100_000}n{')' * 100_000} % 2 == 0 }}", "failed", "compile_error"),
    "wordless error": ('compile_error!("");\npub fn is_even(n: i64) -> bool { n % 2 == 0 }', "failed", "compile_error"),
    "no text": ("", "failed", "compile_error"),
    "odd text": ("\ud800\x00\ufeff pub fn is_even(n: i64) -> bool { n % 2 == 0 }", "failed", "compile_error"),
    "prints": ('pub fn is_even(n: i64) -> bool { print!("no line end"); eprintln!("n = {n}"); n % 2 == 0 }', "passed", None),
}  # fmt: skip


@pytest.fixture(scope="module", params=ALL_BACK_ENDS)
def court(request):
    with bench(request.param, compile_cpu_s=3.0, run_cpu_s=1.0, clippy=True) as on:
        yield on


@pytest.mark.parametrize("case", CASES)
def test_verdict(court: Bench, case: str) -> None:
    source, outcome, error_type = CASES[case]
    judgement = judge_program(program(source), bench=court)
    assert (judgement.outcome, judgement.error_type) == (outcome, error_type), judgement
    assert judgement.compile_ok == (not str(error_type).startswith("compile"))
    assert judgement.test_ok == (True if outcome == "passed" else False if judgement.compile_ok else None)
    assert judgement.final


def test_what_is_recorded_of_a_pass(court: Bench) -> None:
    judgement = judge_program(program(RIGHT), bench=court)
    assert (judgement.edition, judgement.tests_run, judgement.clippy_ok) == ("2021", 2, True)
    assert (judgement.result, judgement.stderr) == ("passed", "")
    assert judgement.compile_time_ms is not None
    assert judgement.compile_time_ms > 1
    assert judgement.binary_size_bytes is not None
    assert 10 < judgement.binary_size_bytes < 10_000


def test_code_and_text_of_a_compile_error(court: Bench) -> None:
    judgement = judge_program(program(CASES["types"][0]), bench=court)
    assert judgement.error_code == "E0308"
    assert "mismatched types" in judgement.stderr
    assert "answer.rs:1:34" in judgement.stderr
    assert str(court.toolchain.sysroot) not in judgement.stderr
    assert judgement.result == "compile error: mismatched types"


def test_text_of_a_failed_assertion(court: Bench) -> None:
    judgement = judge_program(program(WRONG), bench=court)
    assert judgement.result.startswith("failed: test_even: assertion `left == right` failed")
    assert "checks.rs:3" in judgement.stderr


def test_a_program_that_needs_the_2024_edition(court: Bench) -> None:
    judgement = judge_program(program(LET_CHAIN), bench=court)
    assert (judgement.outcome, judgement.edition) == ("passed", "2024")


@pytest.mark.parametrize(
    ("source", "clean"),
    [
        (RIGHT, True),
        ("pub fn is_even(n: i64) -> bool { return n % 2 == 0; }", False),
        ("pub fn is_even(n: i64) -> bool { let unused = 1; n % 2 == 0 }", False),
        (
            "use std::collections::HashMap;\nfn spare() {}\npub fn is_even(n: i64) -> bool { n % 2 == 0 }",
            True,
        ),
        (SIGNATURE_LINTS.replace("&vec![n]", "&[n].to_vec()"), True),
    ],
)
def test_clippy_judges_the_answer_and_nothing_else(court, source, clean):
    judgement = judge_program(program(source), bench=court)
    assert judgement.compile_ok
    assert judgement.clippy_ok is clean


def test_without_clippy_nothing_is_said_about_it(court: Bench) -> None:
    bare = type(court.toolchain)(**{**vars(court.toolchain), "clippy_driver": None})
    judgement = judge_program(program(RIGHT), bench=type(court)(**{**vars(court), "toolchain": bare}))
    assert (judgement.outcome, judgement.clippy_ok) == ("passed", None)


def test_a_refused_program_is_not_run(court: Bench) -> None:
    refused = program(RIGHT)
    refused = type(refused)(
        files=refused.files, test_names=refused.test_names, refused="tampers with its tests"
    )
    judgement = judge_program(refused, bench=court)
    assert (judgement.outcome, judgement.error_type, judgement.compile_ok) == (
        "failed",
        "tests_not_run",
        None,
    )
    assert "tampers" in judgement.result
