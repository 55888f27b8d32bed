"""The table of an audit: on a terminal, as CSV, as Markdown, as plain data; one row a task and one of totals."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rusteval.audit.findings import KillRate, TaskAudit
from rusteval.errors import InputError
from rusteval.files import require_writable, write_text_atomic
from rusteval.reports.text import escape, one_line, table

COLUMNS = (
    *("task", "status", "tests", "reference", "stub", "runs", "mutants caught", "wrong programs caught"),
    *("defects", "weaknesses"),
)
RATES = ("wrong answers", "tried", "caught by the published tests", "with the added ones")
TOTAL = "total"

_WIDTH = 160
_NAMED = 5
_NOTE_CHARS = 400
_COLOURS = {"ok": "green", "weak": "yellow", "no reference": "yellow", "defect": "bold red"}


def check_output(path: Path) -> None:
    """Refuse, before any work is done, a file that cannot be written or whose ending names no form; raises InputError."""
    if path.suffix not in {".csv", ".md"}:
        raise InputError(f"{path}: a table is written as .csv or .md; choose one of these endings")
    require_writable(path)


def write_table(audits: Sequence[TaskAudit], path: Path, *, has_plus: bool = False) -> None:
    """Write the table in the form that the file's ending names: Markdown for .md, else CSV, without the kill rates."""
    rows = [*map(row_of, audits), totals_row(audits)]
    if path.suffix == ".md":
        cells = [[escape(cell) for cell in row] for row in rows]
        rates = rates_rows(audits, has_plus=has_plus)
        text = f"{table(COLUMNS, cells)}\n\n{table(RATES[: len(rates[0])], rates)}\n"
        write_text_atomic(path, text)
        return
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *rows])
    write_text_atomic(path, stream.getvalue())


def print_rates(audits: Sequence[TaskAudit], console: Console, *, has_plus: bool) -> None:
    """Print what the tests caught of all wrong answers."""
    shown = Table(show_footer=False, header_style="bold", expand=False)
    rows = rates_rows(audits, has_plus=has_plus)
    for column in RATES[: len(rows[0])]:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def print_table(audits: Sequence[TaskAudit], console: Console) -> None:
    """Print the table."""
    shown = Table(show_footer=False, header_style="bold", expand=False)
    for column in COLUMNS[:-2]:
        shown.add_column(column, no_wrap=column == "task")
    shown.add_column("notes")
    rows = [*map(row_of, audits), totals_row(audits)]
    for number, row in enumerate(rows):
        if number == len(audits):
            shown.add_section()
        style = _COLOURS.get(row[1], "")
        notes = one_line("; ".join(filter(None, row[-2:])), _NOTE_CHARS)
        cells = [Text(one_line(cell)) for cell in row[2:-2]]
        shown.add_row(Text(one_line(row[0])), Text(row[1], style=style), *cells, Text(notes))
    console.print(shown)


def new_console() -> Console:
    """Return a console on standard output that is wide enough where nobody knows how wide it is."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def row_of(audit: TaskAudit) -> tuple[str, ...]:
    """Return the cells of one task, in the order of COLUMNS."""
    return (
        audit.task_id,
        audit.status,
        str(audit.tests),
        f"{audit.shapes_passed}/{audit.shapes}",
        audit.stub,
        str(audit.runs),
        _caught(audit.mutants),
        _caught(audit.by_hand),
        "; ".join(audit.defects),
        "; ".join(audit.weaknesses),
    )


def totals_row(audits: Sequence[TaskAudit]) -> tuple[str, ...]:
    """Return the cells of the last line."""
    totals = totals_of(audits)
    mutants, by_hand = kill_rates(audits)
    return (
        f"{TOTAL} ({totals['tasks']})",
        f"{totals['without_defect']} without defect",
        str(totals["tests"]),
        f"{sum(a.shapes_passed for a in audits)}/{sum(a.shapes for a in audits)}",
        f"{totals['stubs_failing']} fail",
        str(sum(audit.runs for audit in audits)),
        _caught(mutants),
        _caught(by_hand),
        f"{totals['defect']} tasks",
        f"{totals['weak']} tasks",
    )


def totals_of(audits: Sequence[TaskAudit]) -> dict[str, int | float | None]:
    """Return the sums over all tasks; `weak` counts tasks with a weakness and no defect."""
    by_status = Counter(audit.status for audit in audits)
    mutants, by_hand = kill_rates(audits)
    return {
        "tasks": len(audits),
        "without_defect": len(audits) - by_status["defect"],
        "defect": by_status["defect"],
        "weak": by_status["weak"],
        "no_reference": by_status["no reference"],
        "tests": sum(audit.tests for audit in audits),
        "references_passing": sum(a.shapes > 0 and a.shapes_passed == a.shapes for a in audits),
        "stubs_failing": sum(audit.stub == "fails" for audit in audits),
        "mutants": mutants.tried,
        "mutants_caught": mutants.caught,
        "mutants_caught_by_base": mutants.caught_by_base,
        "mutants_equivalent": sum(audit.equivalent for audit in audits),
        "mutation_score": mutants.caught / mutants.tried if mutants.tried else None,
        "by_hand": by_hand.tried,
        "by_hand_caught": by_hand.caught,
        "by_hand_caught_by_base": by_hand.caught_by_base,
    }


def kill_rates(audits: Sequence[TaskAudit]) -> tuple[KillRate, KillRate]:
    """Return what was caught of all mutants, and of all wrong programs that people wrote."""
    nothing = KillRate(tried=0, caught=0, caught_by_base=0)
    return sum((a.mutants for a in audits), nothing), sum((a.by_hand for a in audits), nothing)


def rates_rows(audits: Sequence[TaskAudit], *, has_plus: bool) -> list[tuple[str, ...]]:
    """Return the cells of the table of kill rates, in the order of RATES; the last only where tests are added."""
    rows = []
    equivalent = sum(audit.equivalent for audit in audits)
    left_out = f" ({equivalent} equivalent ones left out)" if equivalent else ""
    names = (f"mutants{left_out}", "wrong programs by hand")
    for name, rate in zip(names, kill_rates(audits), strict=True):
        shares = [_share(rate.caught_by_base, rate.tried)]
        if has_plus:
            shares.append(_share(rate.caught, rate.tried))
        rows.append((name, str(rate.tried), *shares))
    return rows


def _caught(rate: KillRate) -> str:
    return f"{rate.caught}/{rate.tried}"


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.2%})" if whole else "none tried"


def data_of(audits: Sequence[TaskAudit]) -> dict[str, object]:
    """Return one JSON object: the totals, and every task."""
    tasks = [_plain(audit) for audit in audits]
    return {"totals": totals_of(audits), "tasks": tasks}


def _plain(audit: TaskAudit) -> dict[str, object]:
    return asdict(audit) | {
        "mutants": audit.mutants.tried,
        "mutants_caught": audit.mutants.caught,
        "mutants_caught_by_base": audit.mutants.caught_by_base,
        "mutation_score": audit.mutation_score,
        "by_hand": audit.by_hand.tried,
        "by_hand_caught": audit.by_hand.caught,
        "by_hand_caught_by_base": audit.by_hand.caught_by_base,
    }


def refuse_defects(audits: Sequence[TaskAudit]) -> None:
    """Raise InputError where a task is defective, so that a command ends as with any bad input."""
    defective = [audit.task_id for audit in audits if audit.status == "defect"]
    if defective:
        more = ", ..." if len(defective) > _NAMED else ""
        raise InputError(
            f"{len(defective)} of {len(audits)} tasks are defective ({', '.join(defective[:_NAMED])}{more}); "
            "their defects are in the table; mend them, or leave these tasks out"
        )
