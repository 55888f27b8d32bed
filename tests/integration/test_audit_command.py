"""`rusteval audit`, problems of other forms, and tests of every form, judged by the real compiler."""

import csv
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from rusteval.audit.shapes import SHAPES
from rusteval.problems.suites import load_suite

SIGN = "// The sign of a number.\nfn sign(a: i32) -> i32 {\n"
SIGN_BODY = "    if a < 0 { -1 } else if a > 0 { 1 } else { 0 }\n}\n"
CASES = "assert_eq!(sign(-5), -1); assert_eq!(sign(-1), -1); assert_eq!(sign(0), 0); assert_eq!(sign(1), 1); assert_eq!(sign(2), 1);"


def problem(task_id: str, tests: str, **changes: str) -> dict[str, object]:
    test = f"#[cfg(test)]\nmod tests {{\n    use super::*;\n{tests}\n}}\n"
    row = {"prompt": SIGN, "entry_point": "sign", "canonical_solution": SIGN_BODY, "test": test}
    return {"task_id": task_id, **row, **changes}


COIN = """#[test] fn t() {
    use std::hash::{BuildHasher, Hasher};
    assert!(std::collections::hash_map::RandomState::new().build_hasher().finish() % 2 == sign(0) as u64);
}"""
SOUND = problem("Own/sound", f"#[test] fn t() {{ {CASES} }}")

MULTIPL_E: Mapping[str, object] = MappingProxyType(
    {
        "name": "Made_7_count_signs",
        "language": "rs",
        "prompt": "use std::collections::HashMap;\n\n/// Count the numbers by sign.\nfn count_signs(values: Vec<isize>) -> HashMap<bool, isize> {\n",
        "tests": "}\n\nfn main() {\n    let candidate = count_signs;\n    assert_eq!(candidate(vec![1, 2, -3]), HashMap::from([(true, 2), (false, 1)]));\n    assert_eq!(candidate(Vec::<isize>::new()), HashMap::<bool, isize>::new());\n}\n",
        "stop_tokens": ["\n}"],
    }
)
COUNTED = "    let mut found = HashMap::new();\n    for value in values {\n        *found.entry(value > 0).or_insert(0) += 1;\n    }\n    found"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def rusteval(*arguments: str | Path, cache: Path) -> subprocess.CompletedProcess[str]:
    # The programs here are tame; the sandboxes have tests of their own.
    command = [sys.executable, "-m", "rusteval.cli", *map(str, arguments), "--sandbox-mode", "none"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, stdin=subprocess.DEVNULL
    )


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def verdicts(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_sound_suite_passes_and_weak_tests_are_told(tmp_path: Path, cache: Path) -> None:
    weak = problem("Own/weak", "#[test] fn t() { assert!(sign(5) > 0); }")
    file = write(tmp_path / "own.jsonl", [SOUND, weak])
    done = rusteval("audit", "--problem-file", file, "--output", tmp_path / "audit.csv", cache=cache)
    assert done.returncode == 0, done.stderr
    assert "Own/weak" in done.stdout
    assert "== references and stubs, own" in done.stderr
    assert "/s" in done.stderr
    rows = {row["task"]: row for row in csv.DictReader((tmp_path / "audit.csv").open(newline=""))}
    assert list(rows) == ["Own/sound", "Own/weak", "total (2)"]
    sound = {"status": "ok", "tests": "1", "stub": "fails", "runs": "3", "defects": "", "weaknesses": ""}
    assert rows["Own/sound"].items() >= sound.items()
    assert rows["Own/sound"]["reference"] == f"{len(SHAPES)}/{len(SHAPES)}"
    caught, tried = map(int, rows["Own/sound"]["mutants caught"].split("/"))
    assert caught == tried >= 3
    assert rows["Own/weak"]["status"] == "weak"
    assert "survives: line " in rows["Own/weak"]["weaknesses"]


def test_every_kind_of_defect_is_found(tmp_path: Path, cache: Path) -> None:
    real = f"#[test] fn t() {{ {CASES} }}"
    rows = [
        SOUND,
        problem("Own/wrong", real, canonical_solution="    a\n}\n"),
        problem("Own/vacuous", "#[test] fn t() { let _ = sign as fn(i32) -> i32; }"),
        problem("Own/toothless", "#[test] fn t() { sign(0); sign(3); }"),
        problem("Own/async", "#[test] async fn t() { sign(1); }"),
        problem("Own/crate", f"use rand::Rng;\n{real}"),
        problem("Own/whole", real, canonical_solution=SIGN + SIGN_BODY),
    ]
    file = write(tmp_path / "bad.jsonl", rows)
    done = rusteval(
        "audit", "--problem-file", file, "--repeats", "1", "--mutants", "3", "--json", cache=cache
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: 6 of 7 tasks are defective (Own/wrong, ")
    assert "Traceback" not in done.stderr
    found = json.loads(done.stdout)
    assert found["suite"] == "bad"
    assert found["totals"]["without_defect"] == 1
    defects = {task["task_id"]: " | ".join(task["defects"]) for task in found["tasks"]}
    for task, text in {
        "Own/sound": "",
        "Own/wrong": "the reference does not pass in every shape: failed: t: assertion",
        "Own/vacuous": "an unfinished answer passes",
        "Own/toothless": "the tests catch none of ",
        "Own/async": "no test can run: a test that is async",
        "Own/crate": "needs a crate that it does not declare: rand",
        "Own/whole": "the reference does not pass as whole function",
    }.items():
        assert text in defects[task], (task, defects[task])
    assert defects["Own/sound"] == ""


def test_a_test_that_does_not_always_say_the_same_is_caught_in_the_act(tmp_path: Path, cache: Path) -> None:
    file = write(tmp_path / "coin.jsonl", [problem("Own/random", COIN)])
    # Sixteen throws of a coin fall on one side once in thirty thousand times.
    done = rusteval(
        "audit", "--problem-file", file, "--repeats", "16", "--mutants", "0", "--json", cache=cache
    )
    assert done.returncode == 2, done.stderr
    task = json.loads(done.stdout)["tasks"][0]
    assert task["runs"] == 16
    assert any(defect.startswith("the same answer passed ") for defect in task["defects"])


def test_the_published_defects_are_found_without_repairs_and_gone_with_them(
    tmp_path: Path, cache: Path
) -> None:
    tasks = ("HumanEval/11", "HumanEval/38", "HumanEval/162")
    for raw in (True, False):
        problems = load_suite(raw=raw).by_id
        keys = {"task_id", "prompt", "entry_point", "test", "canonical_solution"}
        file = write(tmp_path / f"{raw}.jsonl", [problems[task].model_dump(include=keys) for task in tasks])
        done = rusteval(
            "audit", "--problem-file", file, "--mutants", "0", "--repeats", "1", "--json", cache=cache
        )
        assert done.returncode == (2 if raw else 0), done.stderr
        found = json.loads(done.stdout)
        assert [task["status"] == "defect" for task in found["tasks"]] == [raw] * len(tasks), found


def test_kill_rates_are_told_for_published_and_added_tests(cache: Path) -> None:
    tasks = ("--tasks", "HumanEval/0,HumanEval/23", "--repeats", "1")
    found = {}
    for suite in ("humaneval-rust", "humaneval-rust-plus"):
        done = rusteval("audit", suite, *tasks, "--all-mutants", "--json", cache=cache)
        assert done.returncode == 0, done.stderr
        found[suite] = json.loads(done.stdout)
    base, plus = (found[suite]["totals"] for suite in found)
    assert base["by_hand"] == plus["by_hand"] >= 8
    assert (
        base["by_hand_caught"] == plus["by_hand_caught_by_base"] < plus["by_hand_caught"] == plus["by_hand"]
    )
    assert base["mutants"] == plus["mutants"] >= 15
    assert (
        base["mutants_caught"] == plus["mutants_caught_by_base"] <= plus["mutants_caught"] == plus["mutants"]
    )
    assert {task["status"] for task in found["humaneval-rust-plus"]["tasks"]} == {"ok"}
    assert plus["mutants_equivalent"] > 0
    weak = found["humaneval-rust"]["tasks"][1]
    assert weak["status"] == "weak"
    assert any(text.startswith("a wrong program passes: ") for text in weak["weaknesses"])
    told = rusteval("audit", "humaneval-rust-plus", *tasks, "--mutants", "2", cache=cache)
    assert "with the added ones" in told.stdout
    assert "(100.00%)" in told.stdout
    # nothing that is known of the repaired tasks is held against the published ones
    raw = ("--raw-problems", "--tasks", "HumanEval/23", "--repeats", "1", "--mutants", "1", "--json")
    assert json.loads(rusteval("audit", *raw, cache=cache).stdout)["totals"]["by_hand"] == 0
    assert rusteval("audit", "--tasks", "Nothing/1", cache=cache).returncode == 2


def test_bad_requests_end_before_any_work(tmp_path: Path, cache: Path) -> None:
    file = write(tmp_path / "own.jsonl", [SOUND])
    for arguments, message in {
        ("nonsense",): "no suite named 'nonsense'",
        ("--problem-file", file, "--output", tmp_path / "table.xlsx"): "choose one of these endings",
        ("--problem-file", tmp_path / "none.jsonl"): "no such file",
        ("--problem-file", file, "--repeats", "0"): "repeats",
    }.items():
        done = rusteval("audit", *arguments, cache=cache)
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_multipl_e_is_scored_and_audited_as_it_is(tmp_path: Path, cache: Path) -> None:
    problems = tmp_path / "mpl.jsonl.gz"
    problems.write_bytes(gzip.compress((json.dumps(dict(MULTIPL_E)) + "\n").encode()))
    prompt = str(MULTIPL_E["prompt"])
    answers = [
        COUNTED,
        f"{COUNTED}\n}}",
        f'Sure:\n```rust\n{prompt}{COUNTED}\n}}\n\nfn main() {{ println!("{{}}", 1); }}\n```',
        COUNTED.replace("> 0", "> 1"),
        "    todo!()",
        "    std::process::exit(0)",
        "    found",
    ]
    samples = write(
        tmp_path / "s.jsonl", [{"task_id": MULTIPL_E["name"], "completion": text} for text in answers]
    )
    arguments = ("--problem-file", problems, "--k", "1", "--no-enforce-policy", "--json")
    done = rusteval("score", samples, *arguments, cache=cache)
    assert done.returncode == 0, done.stderr
    rows = verdicts(tmp_path / "s_results.jsonl")
    assert [row["passed"] for row in rows] == [True, True, True, False, False, False, False]
    assert [row["tests_run"] for row in rows[:3]] == [1, 1, 1]
    assert rows[3]["error_type"] == "assertion_failure"
    done = rusteval("audit", "--problem-file", problems, "--json", cache=cache)
    assert done.returncode == 0, done.stderr
    task = json.loads(done.stdout)["tasks"][0]
    assert (task["status"], task["stub"], task["shapes"], task["mutants"]) == ("no reference", "fails", 0, 0)


NESTED = """
    fn all(pairs: &[(i32, i32)]) -> bool { pairs.iter().all(|(a, b)| super::sign(*a) == *b) }
    #[test]
    // the usual ones
    fn usual() { assert!(all(&[(3, 1), (-3, -1)])); }
    mod edge {
        use super::*;
        #[test]
        fn usual() -> Result<(), String> {
            if crate::sign(0) == 0 && all(&[(i32::MAX, 1)]) { Ok(()) } else { Err("zero".into()) }
        }
        mod deep {
            use super::super::*;
            #[test]
            #[should_panic(expected = "lowest")]
            fn lowest() { if super::super::super::sign(i32::MIN) == -1 { panic!("the lowest") } }
            #[test]
            fn ends() -> std::process::ExitCode { std::process::ExitCode::from((sign(1) != 1) as u8) }
            #[test]
            #[should_panic]
            fn never() -> ! { panic!("{}", sign(2)) }
        }
    }
"""


WRONG: Mapping[str, str] = MappingProxyType(
    {
        "usual": SIGN_BODY.replace("{ 1 }", "{ 2 }"),
        "edge::usual": SIGN_BODY.replace("{ 0 }", "{ 1 }"),
        "edge::deep::lowest": SIGN_BODY.replace("if a < 0", "if a == i32::MIN { 0 } else if a < 0"),
        "edge::deep::ends": SIGN_BODY.replace("if a < 0", "if a == 1 { 0 } else if a < 0"),
    }
)
"""By the name of the one test that should catch it, a wrong answer."""
TRICKS = (
    "macro_rules! assert { ($($t:tt)*) => {}; }\nmacro_rules! panic { ($($t:tt)*) => { loop {} }; }\n",
    "fn all(_: &[(i32, i32)]) -> bool { true }\npub mod edge { pub fn usual() {} }\n",
    "struct Yes;\nimpl PartialEq<i32> for Yes { fn eq(&self, _: &i32) -> bool { true } }\n",
)
UNRUNNABLE = ("#[test] async fn t() { sign(1); }", "fn t() {}", "#[test] #[ignore] fn t() {}")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, dict[str, object]]:
    """Score answers to problems with tests of every form, and return the verdicts by the answers' names."""
    place = tmp_path_factory.mktemp("forms")
    broken = [problem(f"Own/{number}", tests) for number, tests in enumerate(UNRUNNABLE)]
    file = write(place / "p.jsonl", [problem("Own/nested", NESTED), *broken])
    answers = {"right": SIGN_BODY, **WRONG} | {trick: f"{trick}{SIGN}    0\n}}\n" for trick in TRICKS}
    rows = [{"task_id": "Own/nested", "completion": text, "name": name} for name, text in answers.items()]
    rows += [{"task_id": row["task_id"], "completion": SIGN_BODY, "name": row["task_id"]} for row in broken]
    done = rusteval("score", write(place / "s.jsonl", rows), "--problem-file", file, "--k", "1", cache=cache)
    assert done.returncode == 0, done.stderr
    return {str(row["name"]): row for row in verdicts(place / "s_results.jsonl")}


def test_nested_and_returning_tests_all_decide(scored: dict[str, dict[str, object]]) -> None:
    assert (scored["right"]["passed"], scored["right"]["tests_run"]) == (True, 5)
    for name in WRONG:
        assert scored[name]["passed"] is False
        assert f"failed: {name}: " in str(scored[name]["result"])


@pytest.mark.parametrize("trick", TRICKS)
def test_an_answer_reaches_no_nested_test(scored: dict[str, dict[str, object]], trick: str) -> None:
    assert scored[trick]["passed"] is False
    assert scored[trick]["error_type"] in {"assertion_failure", "compile_error"}


@pytest.mark.parametrize("number", range(len(UNRUNNABLE)))
def test_tests_that_cannot_run_pass_nobody(scored: dict[str, dict[str, object]], number: int) -> None:
    row = scored[f"Own/{number}"]
    assert (row["passed"], row["error_type"]) == (False, "tests_not_run")
