"""What the compiler says of free-standing code: together as alone, and true of the benchmark's prompts."""

import contextlib
import json
import subprocess

from judging_support import back_end, toolchain
from rusteval.generation.samples import Sample
from rusteval.judging.cache import VerdictCache
from rusteval.judging.code_check import check_code
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.judging.sandbox.base import SandboxError
from rusteval.judging.trust_gate import STUB
from rusteval.problems.patterns import judged_completion, judging_suite, load_patterns
from rusteval.rust.mutation import mutants_of, pick
from rusteval.rust.standalone import standalone_source

PATTERNS = load_patterns(extended=True)
CLEAN = "fn double(n: i64) -> i64 { n * 2 }\n"
UNUSED = "fn double(n: i64) -> i64 { let m = 3; n * 2 }\n"
BOMB = """const fn f() -> u64 { let mut x = 1; while x != 0 { x = 3 * x % 1_000_003; } x }
#[allow(long_running_const_eval)]
pub const X: u64 = f();
"""
WRONG = {
    "E0308": 'fn f() -> i32 { "text" }',
    "E0425": "fn f() -> i32 { nowhere }",
    "E0432": "use nowhere::Thing;\nfn f(_: Thing) {}",
    "E0433": "fn f() -> u64 { rand::random() }",
    "E0382": "fn f(v: Vec<i32>) -> usize { let w = v; v.len() + w.len() }",
    "E0277": 'fn f(a: i32) -> i32 { a + "b" }',
    "E0282": "fn f() { let v = Vec::new(); }",
    "E0583": "mod elsewhere;",
    "E0428": "fn f() {}\nfn f() {}",
    "E0599": "struct S;\nfn f(s: S) { s.go() }",
}
SYNTAX = ["fn f( {", "{" * 150, "fn f() { /* never closed", 'fn f() { "never closed }', "fn f() -> i32 { 1 + + }", "Sure! Here is the code:"]  # fmt: skip
NEIGHBOURS = [
    # each of these could hide, or cause, a remark about another source in its crate
    "pub struct String;\npub struct Vec;\nimpl From<i32> for String { fn from(_: i32) -> Self { String } }",
    "pub trait Go { fn go(&self); }\nimpl<T> Go for T { fn go(&self) {} }",
    "pub struct Thing;\npub fn nowhere() -> i32 { 1 }\npub mod rand { pub fn random() -> u64 { 4 } }",
    "pub fn f() -> i32 { super::rusteval_s0000::f() }",
    "pub use super::*;",
    "pub use crate::rusteval_s0001 as other;",
    '#[path = "rusteval_s0001.rs"]\npub mod other;',
    "mod rusteval_s0000;\nmod lib;",
    "macro_rules! nowhere { () => { 1 } }\nfn f() -> i32 { nowhere!() }",
    "#[macro_export]\nmacro_rules! exported { () => { 1 } }",
    "fn f() -> i32 { crate::exported!() }",
    "impl From<std::io::Error> for String { fn from(_: std::io::Error) -> Self { String::new() } }",
    "fn \u0441\u0435\u0430() {}",
    "fn f(a: i32) -> i32 { a }",
    "fn \u043f\u0440\u0438\u0432\u0435\u0442() {}",
    "#![no_std]\npub fn f() -> core::option::Option<u8> { None }",
    "#![no_core]\nfn f() {}",
    "#![deny(warnings)]\nfn f() { let x = 1; }",
    "#![warn(dead_code)]\nfn f() {}",
    "#[warn(dead_code)]\nfn f() {}",
    '#[no_mangle]\npub extern "C" fn f() {}',
    '#[no_mangle]\npub extern "C" fn f() -> i32 { 1 }',
    'compile_error!("no");',
    "fn main() {}",
    "#!/usr/bin/env rust\nfn f() {}",
    "//! Documentation.\nfn f() {}",
    "pub trait Fetch { async fn fetch(&self) -> u8; }",
    "trait Fetch { async fn fetch(&self) -> u8; }",
    "struct Private;\npub fn shown() -> Private { Private }",
    "use std::collections::HashMap;\nfn f() {}",
    "pub use std::collections::HashMap;\nfn BadName() {}",
    "fn f() { loop {} ; let x = 1; }",
    "#[test]\nfn t() { nowhere() }",
    "mod tests { use super::*; #[test] fn t() { f(); } }\nfn f() {}",
    "",
    "\ufefffn f() {}",
    "fn f() -> \u0000 {}",
    "\ud800",
]  # fmt: skip


READERS = [
    'include!("/etc/passwd");',
    'include!("rusteval_s0000.rs");',
    'pub const T: &str = include_str!("rusteval_s0001.rs");',
    'pub const T: &[u8] = include_bytes!(concat!(env!("TMPDIR"), "/program.rmeta"));',
]


def check(sources, *, sandbox=None, cache=None, timeout_s=3.0, on_progress=None):
    return check_code(
        sources,
        sandbox=sandbox or back_end("bubblewrap"),
        toolchain=toolchain(),
        n_workers=2,
        cache=cache,
        compile_timeout_s=timeout_s,
        on_progress=on_progress,
    )


def program(pattern, continuation):
    return standalone_source(pattern.prelude, pattern.text + continuation)


def codes(remarks):
    return [remark.code for remark in remarks]


class Failing:
    """A real sandbox that cannot open its jails the first few times."""

    def __init__(self, failures):
        self._inner, self.failures = back_end("bubblewrap"), failures

    def __getattr__(self, name):
        return getattr(self._inner, name)

    @contextlib.contextmanager
    def open(self, view, *, stop=None):
        if self.failures:
            self.failures -= 1
            raise SandboxError("cannot fork")
        with self._inner.open(view, stop=stop) as jail:
            yield jail


def rustc_alone(source, directory):
    """What rustc itself says of a source, outside every sandbox."""
    (directory / "lib.rs").write_bytes(source.encode("utf-8", "replace"))
    flags = [
        "--crate-type=lib",
        "--crate-name=program",
        "--edition=2021",
        "--emit=metadata",
        "-Adead_code",
        "-Aunused_macros",
    ]
    done = subprocess.run(
        [toolchain().rustc, *flags, "--error-format=json", "--diagnostic-width=10000", "lib.rs"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [json.loads(line) for line in done.stderr.splitlines()]
    own = [
        (one["level"], (one["code"] or {}).get("code"), one["message"], one["rendered"])
        for one in said
        if one["spans"]
    ]
    good = done.returncode == 0
    level = "warning" if good else "error"
    return good, [one[1:] for one in own if one[0] == level and one[1] != "dead_code"]


def test_sources_get_together_what_rustc_says_of_each_alone(tmp_path):
    references = [program(pattern, pattern.reference) for pattern in PATTERNS]
    mutants = [
        mutant.source
        for pattern, text in zip(PATTERNS, references, strict=True)
        for mutant in pick(mutants_of(text, entry_point=pattern.entry_point), count=1, seed="a")
    ]
    varied = [*references, *mutants, *WRONG.values(), *SYNTAX, *NEIGHBOURS, CLEAN, UNUSED]
    together = check([*varied, *varied[::7]])
    assert together[len(varied) :] == together[: len(varied)][::7]
    found = dict(zip(varied, together, strict=False))
    assert len(found) > 100
    differing = []
    for source, check_of in found.items():
        compiles, remarks = rustc_alone(source, tmp_path)
        own = [(one.code, one.message, one.rendered) for one in (*check_of.errors, *check_of.warnings)]
        if (check_of.compiles, own) != (compiles, remarks):
            differing.append((source, own, remarks))
    assert differing == []


def test_what_reads_files_finds_no_neighbour_s():
    found = check([CLEAN, UNUSED, "#![no_std]\n", *READERS])
    assert [one.compiles for one in found] == [True, True, True, *[False] * len(READERS)]
    assert ["couldn't read" in one.errors[0].message for one in found[3:]] == [True] * len(READERS)


def test_errors_and_warnings_are_told_apart_and_located():
    found = dict(zip([CLEAN, UNUSED, *WRONG.values()], check([CLEAN, UNUSED, *WRONG.values()]), strict=True))
    assert (found[CLEAN].compiles, found[CLEAN].errors, found[CLEAN].warnings) == (True, (), ())
    assert (found[UNUSED].compiles, codes(found[UNUSED].warnings)) == (True, ["unused_variables"])
    assert [found[text].errors[0].code for text in WRONG.values()] == list(WRONG)
    assert not any(found[text].compiles or found[text].warnings for text in WRONG.values())
    (error,) = found[WRONG["E0425"]].errors
    assert (error.line, error.message) == (1, "cannot find value `nowhere` in this scope")
    assert "lib.rs:1:17" in error.rendered
    assert found[WRONG["E0428"]].errors[0].line == 2
    (in_macro,) = check(['fn f() {\n    println!("{}", nowhere);\n}\n'])
    assert in_macro.errors[0].line == 2


def test_items_that_nobody_uses_are_no_fault():
    library = f"struct Never {{ field: i32 }}\nmacro_rules! unused {{ () => {{}} }}\n{CLEAN}"
    (found,) = check([library])
    assert (found.compiles, found.warnings) == (True, ())
    (found,) = check([f"#![warn(dead_code)]\n{library}"])
    assert found.warnings == ()


def test_a_compiler_that_does_not_end_costs_only_its_own_source():
    clean, bomb, unused = check([CLEAN, BOMB, UNUSED], timeout_s=1.0)
    assert (clean.compiles, unused.compiles) == (True, True)
    assert (bomb.compiles, bomb.note) == (False, "compiling timed out")
    assert bomb.errors[-1].message == "compiling timed out"


def test_a_failing_sandbox_is_tried_again_and_says_nothing_of_the_code(tmp_path):
    with VerdictCache(tmp_path) as cache:
        for found in check([CLEAN, UNUSED], sandbox=Failing(1000), cache=cache):
            assert (found.compiles, found.errors) == (None, ())
            assert found.note == "not judged: cannot fork"
        assert [found.compiles for found in check([CLEAN, UNUSED], sandbox=Failing(2), cache=cache)] == [
            True,
            True,
        ]
        assert codes(check([UNUSED], sandbox=Failing(1000), cache=cache)[0].warnings) == ["unused_variables"]


def test_progress_counts_distinct_sources_to_the_end():
    progress = []
    check([CLEAN, UNUSED, CLEAN], on_progress=lambda done, total: progress.append((done, total)))
    assert (progress[0], progress[-1]) == ((0, 2), (2, 2))
    assert check([]) == []


def test_the_floor_is_2_of_the_16_prompts_and_the_ceiling_all_of_them():
    found = check(
        [program(pattern, "") for pattern in PATTERNS] + [program(p, p.reference) for p in PATTERNS]
    )
    floor, ceiling = found[: len(PATTERNS)], found[len(PATTERNS) :]
    assert [p.pattern_id for p, check in zip(PATTERNS, floor, strict=True) if check.compiles] == [
        "data_structures/point",
        "data_structures/color",
    ]
    remarks = [(p.pattern_id, check) for p, check in zip(PATTERNS, ceiling, strict=True)]
    assert [one for one in remarks if not one[1].compiles or one[1].warnings] == []


def test_references_pass_their_tests_and_unfinished_answers_fail():
    tested = [pattern for pattern in PATTERNS if pattern.test]
    suite = judging_suite(PATTERNS)
    samples = [
        Sample(task_id=pattern.pattern_id, completion=completion)
        for pattern in tested
        for completion in (
            suite.by_id[pattern.pattern_id].canonical_solution,
            judged_completion(pattern, pattern.text + pattern.reference),
            STUB,
        )
    ]
    verdicts = judge_samples(
        samples,
        suite=suite,
        sandbox=back_end("bubblewrap"),
        toolchain=toolchain(),
        settings=JudgeSettings(n_workers=2, timeout_s=2.0, clippy=False),
        cache=None,
    )
    assert [verdict.passed for verdict in verdicts] == [True, True, False] * len(tested)
    assert all(verdict.compile_ok for verdict in verdicts)


def test_a_probe_tells_a_wrong_answer_from_a_right_one():
    wrong = {
        "traits/to_string": " fn to_string(&self) -> String { String::new() } }\n",
        "macros/vec_of_strings": " ($($t:expr),*) => { Vec::<String>::new() }; }\n",
    }
    right = {
        "traits/to_string": ' fn to_string(&self) -> String { format!("{}", self.x) } }\nstruct Point { x: i32, y: i32 }\n',
        "macros/vec_of_strings": " ($($t:expr),+) => { { let mut v = vec![]; $(v.push(String::from($t));)+ v } }; }\n",
    }
    patterns = {pattern.pattern_id: pattern for pattern in PATTERNS}
    samples = [
        Sample(task_id=name, completion=judged_completion(patterns[name], patterns[name].text + continuation))
        for answers in (wrong, right)
        for name, continuation in answers.items()
    ]
    verdicts = judge_samples(
        samples,
        suite=judging_suite(PATTERNS),
        sandbox=back_end("bubblewrap"),
        toolchain=toolchain(),
        settings=JudgeSettings(n_workers=2, timeout_s=2.0, clippy=False),
        cache=None,
    )
    assert [verdict.error_type for verdict in verdicts] == [
        "assertion_failure",
        "assertion_failure",
        None,
        None,
    ]
