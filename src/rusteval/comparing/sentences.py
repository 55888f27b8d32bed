"""What a comparison comes to, in plain words."""

from types import MappingProxyType

from rusteval.comparing.results import Comparison, Difference, Measure
from rusteval.reports.wording import SIGNIFICANT, amount, p_value, percent, points, points_interval, size

NO_DIFFERENCE = "no difference"
_WHERE = MappingProxyType(
    {
        "compile_rate": "in samples that compile",
        "pass_rate": "in samples that pass their tests",
        "clean_rate": "in compiling samples without a warning",
        "degenerate_rate": "in degenerate samples",
    }
)


def sentences(comparison: Comparison) -> list[str]:
    """Return one sentence or two for each result but the first: how it stands against that."""
    return [_sentence(comparison, index) for index in range(1, len(comparison.names))]


def is_sure(difference: Difference | None) -> bool:
    """Say whether a difference is more than chance: its interval leaves out 0, and p (corrected) is below 0.05."""
    if difference is None or difference.interval is None or difference.p_value is None:
        return False
    p = difference.p_value if difference.p_value_holm is None else difference.p_value_holm
    low, high = difference.interval
    return p < SIGNIFICANT and (low > 0 or high < 0)


def _sentence(comparison: Comparison, index: int) -> str:
    first, other = comparison.names[0], comparison.names[index]
    units = comparison.units
    if comparison.same[index]:
        what = "the same verdicts" if comparison.kind == "runs" else "the same results"
        return f"{other} has {what} as {first}: {NO_DIFFERENCE}."
    known = [measure for measure in comparison.measures if _is_measured(measure, index)]
    if not known:
        return f"{other} cannot be compared with {first}: {_reason(comparison)}."
    said = [_first_sentence(known[0], first, other, index)]
    if comparison.kind == "benches":
        said += [
            _further_sentence(measure, index) for measure in known[1:] if is_sure(measure.differences[index])
        ]
    ahead, level, behind = units.standings(index)
    said.append(
        f"By share of samples that {units.success}, it is ahead on {amount(ahead, units.unit)}, level on {level} "
        f"and behind on {behind}."
    )
    test = comparison.mcnemar[index]
    if test is not None:
        said.append(
            f"With one sample a task, the exact McNemar test gives p {_equals(test['p_value'])} "
            f"({test['only_finetuned']} solved by {other} alone, {test['only_base']} by {first} alone)."
        )
    return " ".join(said)


def _is_measured(measure: Measure, index: int) -> bool:
    difference = measure.differences[index]
    return difference is not None and difference.value is not None


def _first_sentence(measure: Measure, first: str, other: str, index: int) -> str:
    difference = _of(measure, index)
    values = f"{percent(measure.values[index])} against {percent(measure.values[0])}"
    if difference.interval is None:
        return f"{other} against {first} {_where(measure)}: {values}; chance cannot be told from change here."
    measured = f"{values}, {_measured(difference)}"
    if is_sure(difference):
        begin = f"{other} is {_direction(measure, difference)} than {first} {_where(measure)}"
        return f"{begin}: {measured}; chance alone would hardly make such a difference."
    said = f"These results do not show whether {other} is better than {first} {_where(measure)}: {measured}."
    if difference.smallest_detectable is not None:
        said += f" A comparison like this one finds differences from about {size(difference.smallest_detectable)} points."
    return said


def _further_sentence(measure: Measure, index: int) -> str:
    difference = _of(measure, index)
    values = f"{percent(measure.values[index])} against {percent(measure.values[0])}"
    direction = _direction(measure, difference).capitalize()
    return f"{direction} {_where(measure)}: {values}, {_measured(difference)}."


def _of(measure: Measure, index: int) -> Difference:
    difference = measure.differences[index]
    if difference is None:
        raise ValueError("the first result is held against nothing")
    return difference


def _measured(difference: Difference) -> str:
    p = f", p {_equals(_p(difference))}" if difference.p_value is not None else ""
    return f"{points(difference.value)} points (95 % interval {points_interval(difference.interval)}{p})"


def _direction(measure: Measure, difference: Difference) -> str:
    rises = (difference.value or 0.0) > 0
    if measure.more_is_better is None:
        return "higher" if rises else "lower"
    return "better" if rises == measure.more_is_better else "worse"


def _where(measure: Measure) -> str:
    return _WHERE.get(measure.key, f"at {measure.label}")


def _p(difference: Difference) -> float | None:
    return difference.p_value if difference.p_value_holm is None else difference.p_value_holm


def _equals(value: object) -> str:
    written = p_value(value)
    return written.replace("<", "< ") if written.startswith("<") else f"= {written}"


def _reason(comparison: Comparison) -> str:
    return next((m.reason for m in comparison.measures if m.reason), "they have no number in common")
