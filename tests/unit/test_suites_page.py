"""The page of the suites tells the hashes and the counts of the data as they are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rusteval.plus.facts import load_facts
from rusteval.problems.plus import load_equivalents, load_plus
from rusteval.problems.repairs import load_repairs
from rusteval.problems.suites import PACKAGED, load_suite

PAGE = (Path(__file__).parents[2] / "docs" / "suites.md").read_text()


def mended(suite: str, *, kind: str = "", field: str = "") -> int:
    """Return how many tasks have a repair of a kind, of a field."""
    return len(
        {
            repair.task_id
            for repair in load_repairs(suite)
            if repair.reason.startswith(f"[{kind}" if kind else "") and field in {"", repair.field}
        }
    )


ROWS: dict[str, Callable[[str], object]] = {
    "SHA-256 of the wheel": lambda suite: f"`{PACKAGED[suite].wheel_sha256}`",
    "SHA-256 of the file": lambda suite: f"`{PACKAGED[suite].sha256}`",
    "SHA-256 of the repaired suite": lambda suite: f"`{load_suite(suite).sha256}`",
    "SHA-256 of the suite with added tests": lambda suite: f"`{load_suite(f'{suite}-plus').sha256}`",
    "in all": lambda suite: f"{mended(suite)} of {len(load_suite(suite).problems)}",
    "prompt": lambda suite: mended(suite, field="prompt"),
    "test": lambda suite: mended(suite, field="test"),
    "reference": lambda suite: mended(suite, field="canonical_solution"),
    "name of the function": lambda suite: mended(suite, field="entry_point"),
    "*required*": lambda suite: mended(suite, kind="required"),
    "*fairness*": lambda suite: mended(suite, kind="fairness"),
    "*canonical*": lambda suite: mended(suite, kind="canonical"),
    "added assertions": lambda suite: len(load_plus(suite)[0]),
    "tasks that have some": lambda suite: len({each.task_id for each in load_plus(suite)[0]}),
    "wrong programs written by hand": lambda suite: sum(
        len(each.wrong) for each in load_facts(suite).values()
    ),
    "equivalent mutants, each with its reason": lambda suite: len(load_equivalents(suite)),
    "silences": lambda suite: sum(len(each.silent) for each in load_facts(suite).values()),
    "second solutions": lambda suite: sum(bool(each.second) for each in load_facts(suite).values()),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_page_tells_what_the_data_are(name: str) -> None:
    cells = " | ".join(str(ROWS[name](suite)) for suite in PACKAGED)
    assert f"| {name} | {cells} |" in PAGE.splitlines()
