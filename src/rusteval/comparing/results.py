"""A comparison as numbers: what every report of it is written from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rusteval.statistics.intervals import Interval
from rusteval.statistics.paired import holm

Unit = Literal["task", "prompt"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One result minus the first, as a fraction, on what both answered.

    Attributes:
        value: the difference.
        interval: 95 %, paired bootstrap over clusters.
        p_value: two-sided, paired permutation test; None where none was made.
        p_value_holm: corrected for the number of tests, see `correct_by_holm`.
        smallest_detectable: what a comparison of this size finds with 80 % power; None where not known.
    """

    value: float | None
    interval: Interval | None
    p_value: float | None = None
    p_value_holm: float | None = None
    smallest_detectable: float | None = None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A rate of every result; lists are in the order of the results, fractions in [0, 1].

    Attributes:
        key: its name for programs.
        label: its name for people.
        more_is_better: in which direction a change is good; None where neither is.
        values: None where a result has none.
        intervals: 95 %, as far as they are known.
        differences: from the first result; the first has None.
        reason: why there are no values.
    """

    key: str
    label: str
    more_is_better: bool | None
    values: Sequence[float | None]
    intervals: Sequence[Interval | None]
    differences: Sequence[Difference | None]
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """One task or prompt: of each result (samples that succeed, of how many)."""

    name: str
    counts: Sequence[tuple[int, int]]

    def rate(self, index: int) -> float | None:
        """Return the share of one result's samples that succeed; None where it has none."""
        yes, total = self.counts[index]
        return yes / total if total else None

    def change(self, index: int) -> float | None:
        """Return a result's rate minus that of the first."""
        first, other = self.rate(0), self.rate(index)
        return None if first is None or other is None else other - first


@dataclass(frozen=True, kw_only=True)
class Units:
    """All tasks or prompts in common, and what `success` counts in them."""

    unit: Unit
    success: str
    rows: Sequence[UnitRow]

    def standings(self, index: int) -> tuple[int, int, int]:
        """Return on how many units a result is ahead of the first, level with it, and behind."""
        changes = [change for row in self.rows if (change := row.change(index)) is not None]
        ahead, behind = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
        return ahead, len(changes) - ahead - behind, behind


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Things counted by name, the most frequent first; a count is text where it is more than a number."""

    key: str
    heading: str
    name: str
    rows: Sequence[tuple[str, Sequence[int | str | None]]]


@dataclass(frozen=True, kw_only=True)
class PlainRow:
    """A value of every result that has no interval, as it is and as it is written."""

    key: str
    label: str
    values: Sequence[float | None]
    written: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that was found; every list over results begins with the one that the others are held against.

    Attributes:
        kind: what was compared.
        names: of the results, unique and short.
        given: how the user named them.
        models: who answered, where that is recorded.
        facts: how they were made: label, and a text for each result (None where not recorded).
        same: whether a result says the same of every sample as the first does.
        measures: rates with differences.
        units: the tasks or prompts.
        tallies: errors, warnings and rules.
        plain: further values.
        left_out: tasks or prompts that not all answered, by the name of the result that has them.
        mcnemar: exact McNemar test of each result against the first, where both have one sample of every task.
        notes: what a reader must know before trusting the numbers.
        clusters: what counts as one independent unit, in words.
        n_clusters: how many there are.
    """

    kind: Literal["runs", "benches"]
    names: Sequence[str]
    given: Sequence[str]
    models: Sequence[str | None]
    facts: Sequence[tuple[str, Sequence[str | None]]]
    same: Sequence[bool]
    measures: Sequence[Measure]
    units: Units
    tallies: Sequence[Tally]
    plain: Sequence[PlainRow]
    left_out: Mapping[str, Sequence[str]]
    mcnemar: Sequence[Mapping[str, object] | None]
    notes: Sequence[str]
    clusters: str
    n_clusters: int


def correct_by_holm(measures: Sequence[Measure]) -> list[Measure]:
    """Return the measures with p-values corrected for the number of tests.

    The first measure is the question that is asked, and is corrected for the number of results; all further ones are
    corrected together.
    """
    return [*_corrected(measures[:1]), *_corrected(measures[1:])]


def _corrected(measures: Sequence[Measure]) -> list[Measure]:
    tested = [
        (row, column, found.p_value)
        for row, measure in enumerate(measures)
        for column, found in enumerate(measure.differences)
        if found is not None and found.p_value is not None
    ]
    places = [(row, column) for row, column, _ in tested]
    corrected = dict(zip(places, holm([p for *_, p in tested]), strict=True))
    return [
        replace(
            measure,
            differences=[
                None if found is None else replace(found, p_value_holm=corrected.get((row, column)))
                for column, found in enumerate(measure.differences)
            ],
        )
        for row, measure in enumerate(measures)
    ]
