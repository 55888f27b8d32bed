"""Programs that try to pass without solving anything, and awkward honest ones: each gets the verdict it deserves."""

import json

import pytest

from rust_runner import ADVERSARIAL, even_problem, judge
from rusteval.problems.models import Problem

VERDICTS = json.loads((ADVERSARIAL / "manifest.json").read_text())["verdicts"]

RATIO_PROMPT = """#[derive(Debug, PartialEq)]
pub struct Ratio<T> {
    above: T,
    pub below: T,
}

fn encode(n: i64) -> i64 {
    n + 1
}

fn decode(n: i64) -> Ratio<i64> {
"""
RATIO_TESTS = """#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn round_trip() {
        assert_eq!(decode(encode(3)), Ratio { above: 3, below: 1 });
        assert_eq!(decode(encode(7)), Ratio { above: 7, below: 1 });
    }
}
"""
RATIO = Problem(task_id="Example/ratio", prompt=RATIO_PROMPT, entry_point="decode", test=RATIO_TESTS)
RATIO_TYPE = "pub struct Ratio<T> {\n    pub above: T,\n    pub below: T\n}\n"
RATIO_FUNCTION = "fn decode(n: i64) -> Ratio<i64> { Ratio { above: n - 1, below: 1 } }\n"


def test_every_program_has_an_expected_verdict():
    assert sorted(path.stem for path in ADVERSARIAL.glob("*.rs")) == sorted(VERDICTS)


@pytest.mark.parametrize("name", VERDICTS)
def test_program_gets_its_verdict(name, tmp_path):
    for directory in (tmp_path, *tmp_path.parents[:2]):
        directory.chmod(directory.stat().st_mode | 0o055)  # the program runs as nobody
    text = (ADVERSARIAL / f"{name}.rs").read_bytes().decode()
    judged = judge(even_problem(), text, tmp_path, nobody=True)
    assert judged.verdict == VERDICTS[name], judged


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        pytest.param(RATIO_FUNCTION, "passed", id="function alone"),
        pytest.param(
            f"#[derive(Debug, PartialEq)]\n{RATIO_TYPE}{RATIO_FUNCTION}", "passed", id="type repeated"
        ),
        pytest.param(
            f"#[derive(Debug, Clone, Copy, PartialEq)]\n{RATIO_TYPE}"
            "fn decode(n: i64) -> Ratio<i64> { let r = Ratio { above: n - 1, below: 1 }; let _s = r; r }",
            "passed",
            id="type repeated with more derives",
        ),
        pytest.param(
            "use std::fmt;\nimpl<T: fmt::Display> fmt::Display for Ratio<T> {\n"
            '    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { write!(f, "{}", self.above) }\n}\n'
            "impl<T> Ratio<T> { fn swap(self) -> Self { Ratio { above: self.below, below: self.above } } }\n"
            "fn decode(n: i64) -> Ratio<i64> { let _ = Ratio { above: 1, below: 2 }.to_string(); "
            "Ratio { above: 1, below: n - 1 }.swap() }",
            "passed",
            id="impls for the prompt's type",
        ),
        pytest.param(
            "fn encode(n: i64) -> i64 { n }\nfn decode(n: i64) -> Ratio<i64> { Ratio { above: n, below: 1 } }",
            "failed",
            id="prompt's helper redefined",
        ),
        pytest.param(
            f"#[derive(Debug)]\n{RATIO_TYPE}impl<T> PartialEq for Ratio<T> {{ fn eq(&self, _: &Self) -> bool {{ true }} }}\n"
            "fn decode(_: i64) -> Ratio<i64> { Ratio { above: 0, below: 0 } }",
            "compile_error",
            id="always equal",
        ),
        pytest.param(
            "use std::fmt::Debug as PartialEq;\n"
            f"#[derive(PartialEq)]\n{RATIO_TYPE}"
            "impl<T> std::cmp::PartialEq for Ratio<T> { fn eq(&self, _: &Self) -> bool { true } }\n"
            "fn decode(_: i64) -> Ratio<i64> { Ratio { above: 0, below: 0 } }",
            "compile_error",
            id="derive under a false name",
        ),
        pytest.param(
            "#[derive(Debug)]\npub struct Ratio<T> { above: T, below: T, more: u8 }\n"
            "impl<T> PartialEq for Ratio<T> { fn eq(&self, _: &Self) -> bool { true } }\n"
            "fn decode(_: i64) -> Ratio<i64> { Ratio { above: 0, below: 0, more: 0 } }",
            "compile_error",
            id="another type of that name",
        ),
    ],
)
def test_types_and_helpers_of_the_prompt_stay_the_prompts(answer, verdict, tmp_path):
    judged = judge(RATIO, answer, tmp_path)
    assert judged.verdict == verdict, judged
