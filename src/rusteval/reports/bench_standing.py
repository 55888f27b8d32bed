"""How a training went: where it was best, whether it is worse now, and from where on the model has collapsed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rusteval.reports.bench_rates import (
    COMPILE_RATE,
    PASS_RATE,
    BenchRate,
    PairedDifference,
    counts_of,
    look_up,
    paired_difference,
    rate_of,
)
from rusteval.reports.wording import SIGNIFICANT

_SEED = 0


@dataclass(frozen=True, kw_only=True)
class ProgressPoint:
    """One checkpoint: its name for people, its training step where that is known, and its bench document."""

    label: str
    step: int | None
    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How sentences call it."""
        return self.label if self.step is None else f"step {self.step}"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a rate is best, and how the last checkpoint stands against that.

    Attributes:
        rate: which rate.
        best: the first checkpoint that reaches the highest value.
        last: the last checkpoint that has the rate.
        known: how many checkpoints have it.
        change: last minus best; None where they are the same one, or prompts are not recorded.
        p_value: of that change, corrected for the best one being chosen among all (Bonferroni).
    """

    rate: BenchRate
    best: ProgressPoint
    last: ProgressPoint
    known: int
    change: PairedDifference | None
    p_value: float | None

    @property
    def is_worse(self) -> bool:
        """Whether the last is worse than the best, more than chance alone would hardly explain."""
        return self.p_value is not None and self.p_value < SIGNIFICANT

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON values; rates are fractions."""
        change = self.change
        return {
            "rate": self.rate.key,
            "best": self.best.label,
            "best_step": self.best.step,
            "best_value": rate_of(self.best.document, self.rate),
            "last": self.last.label,
            "last_value": rate_of(self.last.document, self.rate),
            "difference": None if change is None else change.difference,
            "ci95": None if change is None or change.interval is None else list(change.interval),
            "p_value_corrected": self.p_value,
            "last_is_worse": self.is_worse,
        }


def standings_of(points: Sequence[ProgressPoint]) -> list[Standing]:
    """Return the standings by the rates that checkpoints are chosen by, the most telling first."""
    return [found for rate in (PASS_RATE, COMPILE_RATE) if (found := standing_of(points, rate))]


def standing_of(points: Sequence[ProgressPoint], rate: BenchRate) -> Standing | None:
    """Find the best checkpoint by a rate and compare the last with it, prompt by prompt; None without values."""
    known = [(value, point) for point in points if (value := rate_of(point.document, rate)) is not None]
    if not known:
        return None
    highest = max(value for value, _ in known)
    best, last = next(point for value, point in known if value == highest), known[-1][1]
    counts = [counts_of(point.document, rate) for point in (best, last)]
    change = None
    if best is not last and counts[0] is not None and counts[1] is not None:
        change = paired_difference(counts[0], counts[1], seed=_SEED)
    chance = None if change is None else change.p_value
    corrected = None if chance is None else min(1.0, chance * (len(known) - 1))
    return Standing(rate=rate, best=best, last=last, known=len(known), change=change, p_value=corrected)


def collapse_of(points: Sequence[ProgressPoint]) -> tuple[ProgressPoint, bool] | None:
    """Return the first checkpoint of the last stretch of collapse, and whether that stretch lasts to the end."""
    fallen = [collapse_text(point) is not None for point in points]
    if not any(fallen):
        return None
    end = max(index for index, is_down in enumerate(fallen) if is_down)
    start = end
    while start and fallen[start - 1]:
        start -= 1
    return points[start], end == len(points) - 1


def collapse_text(point: ProgressPoint) -> str | None:
    """Return what the document says of a collapse; None where there is none."""
    found = look_up(point.document, "degenerate.collapse")
    return found if isinstance(found, str) and found else None
