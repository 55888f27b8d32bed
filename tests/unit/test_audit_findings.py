"""What an audit concludes from what it saw, and the tables that say so."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from builders import KINDS, make_verdict
from rusteval.audit.findings import Evidence, TaskAudit, conclude
from rusteval.audit.shapes import SHAPES
from rusteval.audit.table import (
    COLUMNS,
    check_output,
    data_of,
    print_table,
    refuse_defects,
    totals_of,
    write_table,
)
from rusteval.errors import InputError
from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Problem
from rusteval.rust.mutation import Mutant

PROBLEM = Problem(
    task_id="T/0",
    prompt="fn f(a: i32) -> i32 {",
    entry_point="f",
    test="#[cfg(test)]\nmod tests { use super::*; #[test] fn t() { assert_eq!(f(1), 1); } }",
    canonical_solution=" a }",
)


def verdict(kind: str, **changes: object) -> Verdict:
    return make_verdict(kind, task_id="T/0", **{"edition": "2021", "policy_violation": None, **changes})


def evidence(
    *,
    problem: Problem = PROBLEM,
    shapes: Mapping[str, str] | None = None,
    stub: str = "panics",
    repeats: tuple[str, ...] = ("passed", "passed"),
    mutants: tuple[tuple[str, str], ...] = (
        ("literal", "wrong"),
        ("constant", "wrong"),
        ("literal", "wrong"),
    ),
    **changes: object,
) -> Evidence:
    judged = {shape: verdict((shapes or {}).get(shape, "passed"), **changes) for shape in SHAPES}
    made = [
        (Mutant(kind=kind, line=n, before="1", after="2", source=str(n)), verdict(how))
        for n, (kind, how) in enumerate(mutants, start=1)
    ]
    return Evidence(
        problem=problem,
        shapes=judged if problem.canonical_solution else {},
        stub=verdict(stub),
        repeats=[verdict(kind) for kind in repeats],
        mutants=made,
    )


def test_a_sound_task_has_no_finding() -> None:
    audit = conclude(evidence())
    assert (audit.status, audit.defects, audit.weaknesses) == ("ok", (), ())
    assert (audit.tests, audit.shapes_passed, audit.shapes, audit.stub, audit.runs) == (1, 7, 7, "fails", 3)
    assert (audit.mutants.caught, audit.mutants.tried, audit.mutation_score) == (3, 3, 1.0)


@pytest.mark.parametrize(
    ("seen", "defect"),
    [
        ({"shapes": dict.fromkeys(SHAPES, "types")}, "the reference does not pass in every shape: failed: does not compile [E0308]"),
        ({"shapes": {"Windows line ends": "wrong"}}, "the reference does not pass as Windows line ends: failed: assertion"),
        ({"stub": "passed"}, "an unfinished answer passes"),
        ({"stub": "types"}, "an unfinished answer does not compile: failed: does not compile [E0308]"),
        ({"repeats": ("passed", "wrong", "passed")}, "the same answer passed 3 of 4 runs"),
        ({"repeats": ("hangs",)}, "the same answer passed 1 of 2 runs"),
        ({"mutants": (("literal", "passed"),) * 3}, "the tests catch none of 3 wrong answers"),
        ({"mutants": (("literal", "wrong"), ("constant", "passed"))}, "a constant result passes: line 2: 1 -> 2"),
        ({"problem": PROBLEM.model_copy(update={"entry_point": "g"})}, "the prompt leaves `f` open, not the entry point `g`"),
        ({"problem": PROBLEM.model_copy(update={"test": "mod tests {}"})}, "no test can run: there is no test in it"),
        ({"problem": PROBLEM.model_copy(update={"canonical_solution": " rand::random() }"})}, "needs a crate that it does not declare: rand"),
        ({"problem": PROBLEM.model_copy(update={"canonical_solution": " std::fs::read(a) }"})}, "depends on files"),
    ],
)  # fmt: skip
def test_defects(seen: dict[str, object], defect: str) -> None:
    audit = conclude(evidence(**seen))
    assert audit.status == "defect"
    assert defect in audit.defects


def test_added_tests_count_and_the_published_ones_are_told_beside() -> None:
    seen = evidence(shapes={"Windows line ends": "wrong"})
    missed = verdict("passed", plus_passed=False, plus_result="failed: plus_1: assertion")
    seen.shapes["body"] = missed
    seen.mutants[0] = (seen.mutants[0][0], missed)
    audit = conclude(seen)
    assert audit.status == "defect"
    assert audit.shapes_passed == audit.shapes - 2
    assert (audit.mutants.tried, audit.mutants.caught, audit.mutants.caught_by_base) == (3, 3, 2)


@pytest.mark.parametrize(
    ("seen", "weakness"),
    [
        ({"mutants": (("literal", "passed"), ("literal", "wrong"))}, "survives: line 1: 1 -> 2"),
        ({"mutants": (("literal", "passed"),) * 2}, "survives: line 2: 1 -> 2"),
        ({"policy_violation": "unsafe (line 2)"}, "the reference breaks the policy: unsafe (line 2)"),
        ({"edition": "2024"}, "the reference compiles under edition 2024 only"),
        ({"problem": PROBLEM.model_copy(update={"canonical_solution": " rand::random() }", "crates": ("rand",)})}, "declares crates that the judge does not have: rand"),
    ],
)  # fmt: skip
def test_weaknesses_are_no_defects(seen: dict[str, object], weakness: str) -> None:
    audit = conclude(evidence(**seen))
    assert (audit.status, audit.defects) == ("weak", ())
    assert weakness in audit.weaknesses


def test_mutants_that_say_nothing_are_not_counted() -> None:
    audit = conclude(evidence(mutants=(("literal", "types"), ("literal", "infra"), ("literal", "hangs"))))
    assert (audit.mutants.caught, audit.mutants.tried, audit.status) == (1, 1, "ok")
    assert conclude(evidence(mutants=())).mutation_score is None


def test_a_task_without_reference_says_so_and_is_no_defect() -> None:
    bare = PROBLEM.model_copy(update={"canonical_solution": ""})
    audit = conclude(evidence(problem=bare, repeats=(), mutants=()))
    assert (audit.status, audit.defects, audit.shapes, audit.runs) == ("no reference", (), 0, 0)
    assert conclude(evidence(problem=bare, stub="passed", repeats=(), mutants=())).status == "defect"


def test_what_the_machinery_could_not_judge_is_no_finding_about_the_stub() -> None:
    assert set(KINDS) >= {"infra"}
    assert conclude(evidence(stub="infra")).defects == ()


def audits() -> list[TaskAudit]:
    weak = conclude(evidence(mutants=(("literal", "passed"), ("literal", "wrong"))))
    return [conclude(evidence()), weak, conclude(evidence(stub="passed"))]


def test_totals_add_up() -> None:
    totals = totals_of(audits())
    expected = {"tasks": 3, "without_defect": 2, "defect": 1, "weak": 1, "mutants": 8, "mutants_caught": 7}
    assert {key: totals[key] for key in expected} == expected
    assert totals["mutation_score"] == pytest.approx(7 / 8)
    assert (totals["references_passing"], totals["stubs_failing"]) == (3, 2)


def test_csv_has_a_row_for_each_task_and_one_of_totals(tmp_path: Path) -> None:
    write_table(audits(), tmp_path / "out" / "audit.csv")
    rows = list(csv.reader((tmp_path / "out" / "audit.csv").open(newline="")))
    assert rows[0] == list(COLUMNS)
    assert [row[1] for row in rows[1:]] == ["ok", "weak", "defect", "2 without defect"]
    assert rows[3][COLUMNS.index("defects")] == "an unfinished answer passes"
    assert rows[2][COLUMNS.index("weaknesses")] == "survives: line 1: 1 -> 2"


def test_markdown_cells_cannot_break_the_table(tmp_path: Path) -> None:
    odd = Mutant(kind="logic", line=1, before="a || b\n| c", after="<b>`x`", source="")
    seen = evidence()
    seen.mutants.append((odd, verdict("passed")))
    write_table([conclude(seen)], tmp_path / "audit.md")
    lines = (tmp_path / "audit.md").read_text().splitlines()
    assert {line.count("|") for line in lines[:4]} == {len(COLUMNS) + 1}
    assert lines[4] == ""
    assert lines[7].startswith("| mutants | 4 | 3 (75.00%) |")
    assert "<b>" not in lines[2]


def test_other_endings_are_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.csv or \.md"):
        check_output(tmp_path / "audit.xlsx")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        check_output(tmp_path / "file" / "audit.csv")


def test_the_terminal_shows_every_task_and_markup_as_it_is() -> None:
    seen = evidence(problem=PROBLEM.model_copy(update={"task_id": "[red]T/9"}), stub="passed")
    stream = io.StringIO()
    print_table([*audits(), conclude(seen)], Console(file=stream, width=160))
    text = stream.getvalue()
    assert "[red]T/9" in text
    assert text.count("an unfinished answer passes") == 2
    assert "total (4)" in text


def test_data_is_json_with_the_score() -> None:
    rows = json.loads(json.dumps(data_of(audits())))["tasks"]
    assert rows[1]["mutation_score"] == 0.5
    assert rows[2]["defects"] == ["an unfinished answer passes"]


def test_a_defect_ends_in_one_line_with_the_code_of_bad_input() -> None:
    refuse_defects(audits()[:2])
    with pytest.raises(InputError, match=r"1 of 3 tasks are defective \(T/0\)") as caught:
        refuse_defects(audits())
    assert caught.value.exit_code == 2
