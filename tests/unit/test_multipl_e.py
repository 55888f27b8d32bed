"""MultiPL-E files load as they are published, and files of human-eval form load with what they have."""

import gzip
import json
from pathlib import Path

import pytest

from rusteval.errors import InputError
from rusteval.judging.checks import read_checks
from rusteval.problems.suites import load_problem_file

ROW = {
    "name": "Made_1_count_above",
    "language": "rs",
    "prompt": "use std::collections::HashMap;\n\n/// Count by sign.\n/// fn wrong() {\nfn count_above(values: Vec<isize>) -> HashMap<bool, isize> {\n",
    "doctests": "transform",
    "original": "somewhere/made_1_count_above.py",
    "prompt_terminology": "reworded",
    "tests": "}\n\nfn main() {\n    let candidate = count_above;\n    assert_eq!(candidate(vec![1, 2, -3]), HashMap::from([(true, 2), (false, 1)]));\n    assert_eq!(candidate(Vec::<isize>::new()), HashMap::from([]));\n}\n",
    "stop_tokens": ["\n}"],
}


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("key", ["tests", "test"])
def test_a_row_becomes_a_problem_whose_main_is_the_test(tmp_path: Path, key: str) -> None:
    row = {name: value for name, value in ROW.items() if name != "tests"} | {key: ROW["tests"]}
    problem = load_problem_file(write(tmp_path / "mpl.jsonl", row)).problems[0]
    assert (problem.task_id, problem.entry_point) == ("Made_1_count_above", "count_above")
    assert (problem.prompt, problem.canonical_solution, problem.suite) == (ROW["prompt"], "", "mpl")
    checks = read_checks(problem.test, problem.prompt)
    assert [test.name for test in checks.tests] == ["test_count_above"]
    assert "fn main" not in problem.test
    assert "let candidate = count_above;" in checks.items[0]


def test_packed_and_plain_files_are_the_same_suite(tmp_path: Path) -> None:
    plain = write(tmp_path / "mpl.jsonl", ROW, ROW | {"name": "Other"})
    packed = tmp_path / "mpl.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert load_problem_file(plain).problems == load_problem_file(packed).problems
    assert load_problem_file(plain).sha256 == load_problem_file(packed).sha256


def test_helpers_and_imports_of_the_tests_stay(tmp_path: Path) -> None:
    tests = "use std::collections::BTreeMap;\nfn close(a: f64) -> bool { a < 1.0 }\nfn main() { assert!(close(0.0)); }\n"
    problem = load_problem_file(write(tmp_path / "mpl.jsonl", ROW | {"tests": tests})).problems[0]
    assert len(read_checks(problem.test, problem.prompt).items) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompt": "// nothing is open\n"}, "line 1 has a prompt that does not end inside a function"),
        ({"prompt": None}, "line 1 has no text under prompt"),
        ({"tests": 5}, "line 1 has no text under tests"),
        ({"tests": "}\n\nfn check() {}\n"}, "line 1 has tests that are no `fn main` in Rust"),
        ({"tests": "}\n\nfn main() {\n    assert_eq!(1"}, "line 1 has tests that are no `fn main` in Rust"),
    ],
)
def test_rows_that_cannot_be_judged_are_named(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_problem_file(write(tmp_path / "mpl.jsonl", ROW | change))


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2 repeats task Made_1_count_above"):
        load_problem_file(write(tmp_path / "mpl.jsonl", ROW, ROW))


@pytest.mark.parametrize("reference", [{}, {"canonical_solution": None}, {"canonical_solution": "1 }"}])
def test_human_eval_rows_need_no_reference(tmp_path: Path, reference: dict[str, object]) -> None:
    row = {
        "task_id": "T/0",
        "prompt": "fn f() -> i32 {",
        "entry_point": "f",
        "test": "mod tests {}",
        **reference,
    }
    problem = load_problem_file(write(tmp_path / "own.jsonl", row | {"note": [1]})).problems[0]
    assert problem.canonical_solution == (reference.get("canonical_solution") or "")


def test_a_reference_that_is_no_text_is_named(tmp_path: Path) -> None:
    row = {"task_id": "T/0", "prompt": "p", "entry_point": "f", "test": "t", "canonical_solution": 5}
    with pytest.raises(
        InputError, match="line 1 has something else than was expected under canonical_solution"
    ):
        load_problem_file(write(tmp_path / "own.jsonl", row))
