"""What two runs come to beside each other: verdicts, rates and ratios, as JSON values and as a table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contestants import Judged
from corpus import Line, count_distinct, count_kinds
from measuring import Usage

NO_MAIN = "E0601"
MOST_SAMPLES = 16_400
MEMORY_GOAL_MIB = 1024
_ROW = "{:>7} {:>7} {:<16} {:>7} {:>9} {:>9} {:>11} {:>11} {:>9} {:>9} {:>7} {:>7}"
_HEAD = (
    "lines",
    "repeats",
    "judge",
    "judged",
    "wall s",
    "cpu s",
    "ms/distinct",
    "wall ms/line",
    "MiB own",
    "MiB all",
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One file, judged by both: `theirs` on `their_lines`, `ours` by sandbox on all `lines`; `repeats` is its share."""

    repeats: float
    lines: Sequence[Line]
    their_lines: Sequence[Line]
    theirs: Judged
    ours: Mapping[str, Judged]

    @property
    def distinct(self) -> int:
        """How many completions differ from all others."""
        return count_distinct(self.lines)

    def cpu_ms(self, usage: Usage, *, judged: int) -> float:
        """Return processor time per distinct sample; what was measured on fewer lines is taken to grow with them."""
        return usage.cpu_s * 1000 / judged * len(self.lines) / self.distinct

    def ratios(self, sandbox: str) -> dict[str, float]:
        """Return how many times our time theirs is."""
        theirs, ours = self.theirs.usage, self.ours[sandbox].usage
        judged, count = len(self.their_lines), len(self.lines)
        return {
            "cpu_per_distinct": _round(self.cpu_ms(theirs, judged=judged) / self.cpu_ms(ours, judged=count)),
            "wall_per_line": _round(theirs.wall_s / judged / (ours.wall_s / count)),
            "main_peak_memory": _round(theirs.main_peak_mib / ours.main_peak_mib),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all that was measured."""
        return {
            "samples": len(self.lines),
            "distinct": self.distinct,
            "repeats": self.repeats,
            "tasks": len({line.task_id for line in self.lines}),
            "made": count_kinds(self.lines),
            "theirs": self._run(self.theirs, judged=len(self.their_lines)),
            "theirs_judged_all": len(self.their_lines) == len(self.lines),
            "ours": {
                sandbox: self._run(run, judged=len(self.lines))
                | {
                    "their_time_to_ours": self.ratios(sandbox),
                    "agreement": agreement(self.their_lines, theirs=self.theirs, ours=run),
                }
                for sandbox, run in self.ours.items()
            },
        }

    def _run(self, run: Judged, *, judged: int) -> dict[str, Any]:
        return {
            "command": list(run.command),
            "judged": judged,
            **asdict(run.usage),
            "cpu_ms_per_distinct": _round(self.cpu_ms(run.usage, judged=judged)),
            "wall_ms_per_line": _round(run.usage.wall_s * 1000 / judged),
            "passed": sum(row["passed"] is True for row in run.rows.values()),
            "outcomes": outcomes(run.rows.values()),
            "clippy": clippy(run.rows.values()),
        }


def outcomes(rows: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """Return how often a judge gave each reason; "passed" where there is none."""
    return dict(Counter(str(row["error_type"] or "passed") for row in rows).most_common())


def clippy(rows: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """Return what Clippy said.

    A package's row keeps Clippy's words only if its tests passed; `no_main` counts those that say that the program
    lacks a `main`, after which Clippy looks at nothing else.
    """
    asked = [row for row in rows if row["clippy_ok"] is not None]
    return {
        "asked": len(asked),
        "ok": sum(row["clippy_ok"] is True for row in asked),
        "asked_and_passed": sum(row["passed"] is True for row in asked),
        "no_main": sum(row["passed"] is True and NO_MAIN in str(row["stderr"]) for row in asked),
    }


def agreement(lines: Sequence[Line], *, theirs: Judged, ours: Judged) -> dict[str, Any]:
    """Return on how many lines both say the same, and how the others were made and what each judge says of them."""
    differ: Counter[tuple[str, str, str]] = Counter()
    both = neither = 0
    for line in lines:
        their_row, our_row = theirs.rows[line.number], ours.rows[line.number]
        if their_row["passed"] == our_row["passed"]:
            both += our_row["passed"] is True
            neither += our_row["passed"] is not True
        else:
            their_reason, our_reason = (str(row["error_type"] or "passed") for row in (their_row, our_row))
            differ[line.kind, their_reason, our_reason] += 1
    return {
        "both_pass": both,
        "both_fail": neither,
        "differ": sum(differ.values()),
        "differences": [
            {"made": kind, "theirs": their_reason, "ours": our_reason, "samples": count}
            for (kind, their_reason, our_reason), count in differ.most_common()
        ],
    }


def goals(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Return the ratios to be reached, each with what was found in the largest file that can tell; None without one."""
    found: list[dict[str, Any]] = []

    def add(what: str, *, reach: float, repeats: bool, sandboxed: bool, ratio: str) -> None:
        fitting = [
            (case, sandbox)
            for case in cases
            for sandbox in case.ours
            if bool(case.repeats) == repeats and (sandbox != "none") == sandboxed
        ]
        case, sandbox = max(fitting, key=lambda pair: len(pair[0].lines), default=(None, ""))
        value = None if case is None else case.ratios(sandbox)[ratio]
        found.append(
            {
                "what": what,
                "reach": reach,
                "found": value,
                "samples": None if case is None else len(case.lines),
                "sandbox": sandbox or None,
                "reached": None if value is None else value >= reach,
            }
        )

    cpu, wall = "cpu_per_distinct", "wall_per_line"
    add("processor time per distinct sample, no sandbox", reach=20, repeats=False, sandboxed=False, ratio=cpu)
    add(
        "processor time per distinct sample, our sandbox on",
        reach=10,
        repeats=False,
        sandboxed=True,
        ratio=cpu,
    )
    add("wall time of a file with repeats, no sandbox", reach=40, repeats=True, sandboxed=False, ratio=wall)
    add(
        "wall time of a file with repeats, our sandbox on", reach=40, repeats=True, sandboxed=True, ratio=wall
    )
    return [*found, _memory_goal(cases)]


def _memory_goal(cases: Sequence[Case]) -> dict[str, Any]:
    large = [
        run.usage.main_peak_mib
        for case in cases
        if len(case.lines) >= MOST_SAMPLES
        for run in case.ours.values()
    ]
    return {
        "what": f"memory of our own process for {MOST_SAMPLES} samples, MiB, at most",
        "reach": MEMORY_GOAL_MIB,
        "found": max(large, default=None),
        "samples": MOST_SAMPLES if large else None,
        "sandbox": None,
        "reached": max(large) < MEMORY_GOAL_MIB if large else None,
    }


def table(cases: Sequence[Case]) -> str:
    """Return everything that matters for people, with what is to be reached below."""
    lines = [_ROW.format(*_HEAD, "x cpu", "x wall")]
    for case in cases:
        lines.append(
            _table_row(case, "human-eval-rust", case.theirs, judged=len(case.their_lines), ratios={})
        )
        lines += [
            _table_row(case, f"ours, {name}", run, judged=len(case.lines), ratios=case.ratios(name))
            for name, run in case.ours.items()
        ]
    lines += ["", "to reach (x: how many times our time theirs is)"]
    for goal in goals(cases):
        found = "not measured" if goal["found"] is None else f"{goal['found']:g}"
        where = f" ({goal['samples']} lines)" if goal["samples"] else ""
        lines.append(f"  {goal['what']}: {goal['reach']:g}, found {found}{where}")
    if any(len(case.their_lines) < len(case.lines) for case in cases):
        lines += [
            "",
            "human-eval-rust judged fewer lines where `judged` says so; its times grow with the lines, and",
        ]
        lines += ["ratios compare times per line."]
    return "\n".join(lines)


def _table_row(case: Case, name: str, run: Judged, *, judged: int, ratios: Mapping[str, float]) -> str:
    usage = run.usage
    return _ROW.format(
        *(len(case.lines), f"{case.repeats:g}", name, judged, f"{usage.wall_s:.1f}", f"{usage.cpu_s:.1f}"),
        *(f"{case.cpu_ms(usage, judged=judged):.1f}", f"{usage.wall_s * 1000 / judged:.1f}"),
        *(f"{usage.main_peak_mib:.0f}", "-" if usage.tree_peak_mib is None else f"{usage.tree_peak_mib:.0f}"),
        *(f"{ratios[key]:.1f}" if key in ratios else "" for key in ("cpu_per_distinct", "wall_per_line")),
    ).rstrip()


def _round(value: float) -> float:
    return float(f"{value:.4g}")
