"""What is said of a training in plain words."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rusteval.reports.bench_rates import (
    HUMANEVAL,
    BenchRate,
    Document,
    interval_of,
    look_up,
    rate_of,
    value_of,
)
from rusteval.reports.bench_standing import ProgressPoint, Standing, collapse_of, collapse_text
from rusteval.reports.wording import number, p_value, percent, percent_interval, points

_PLURALS = MappingProxyType({"compile_rate": "compile", "pass_rate": "pass their tests"})


def _collapse_sentence(points: Sequence[ProgressPoint]) -> list[str]:
    found = collapse_of(points)
    if found is None:
        return []
    first, lasts = found
    kinds = look_up(first.document, "degenerate.kinds")
    known = kinds if isinstance(kinds, Mapping) else {}
    most = max(known, key=lambda kind: number(known[kind]) or 0, default="")
    what = "repeats itself" if most == "repetition" else "has collapsed"
    if len(points) == 1:
        begin = f"At {first.name}"
    elif lasts:
        begin = f"At the last checkpoint, {first.name}," if first is points[-1] else f"From {first.name} on"
    else:
        begin = f"At {first.name}, though not at the end,"
    return [f"{begin} the model {what}: {_ended(collapse_text(first) or '')}"]


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def sentences(points: Sequence[ProgressPoint], standings: Sequence[Standing]) -> list[str]:
    """Return what came out, the most important first.

    Args:
        points: the checkpoints in the order of training.
        standings: of the rates that checkpoints are chosen by, the most telling first.
    """
    lead = []
    for standing in standings:
        found = [_best_sentence(standing)]
        if standing.known > 1 and rate_of(standing.best.document, standing.rate):
            found.append(_last_sentence(standing))
        lead.append(" ".join(found))
    known = [(value, p) for p in points if (value := value_of(p.document, HUMANEVAL)) is not None]
    if len(known) > 1:
        value, best = max(known, key=lambda item: item[0])
        lead.append(
            f"On HumanEval the best is {best.name} with pass@1 {percent(value)}; the last one asked, "
            f"{known[-1][1].name}, has {percent(known[-1][0])}."
        )
    return [*_collapse_sentence(points), *lead] or ["No checkpoint has a rate that could be compared."]


def _best_sentence(standing: Standing) -> str:
    rate, best = standing.rate, standing.best
    measured = with_interval(best.document, rate)
    if standing.known == 1:
        return f"{_capital(best.name)}: {measured} of the samples {_plural(rate)}."
    if not rate_of(best.document, rate):
        return f"No sample of any checkpoint {rate.label}."
    return f"Best at {best.name}: {measured} of the samples {_plural(rate)}."


def _plural(rate: BenchRate) -> str:
    return _PLURALS.get(rate.key, rate.label)


def _last_sentence(standing: Standing) -> str:
    last, change = standing.last, standing.change
    if last is standing.best:
        return "That is the last checkpoint: training has not gone past its best."
    begin = f"At the last one, {last.name}, it is {percent(rate_of(last.document, standing.rate))}"
    if change is None or change.difference is None or standing.p_value is None:
        return f"{begin}; without counts by prompt, chance cannot be told from change."
    if change.difference == 0:
        return f"The last one, {last.name}, is level with it."
    chance = f"p {_equals(standing.p_value)}, corrected for choosing the best of {standing.known}"
    begin = f"{begin}, {points(change.difference)} points:"
    if standing.is_worse:
        return f"{begin} it is worse, and chance alone would hardly do that ({chance})."
    return f"{begin} chance alone could do that, so it is not shown to be worse ({chance})."


def _equals(value: float) -> str:
    written = p_value(value)
    return written.replace("<", "< ") if written.startswith("<") else f"= {written}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def with_interval(document: Document, rate: BenchRate) -> str:
    """Write a rate with its interval."""
    interval = percent_interval(interval_of(document, rate))
    return percent(rate_of(document, rate)) + (f" ({interval})" if interval else "")


def notes_on(points: Sequence[ProgressPoint]) -> list[str]:
    """Say what the prompts allow at all, and what differs between the checkpoints beside their training."""
    notes = _bounds_note(points)
    for path, what in (
        ("prompts", "sets of prompts"),
        ("suite.sha256", "prompts"),
        ("sampling.temperature", "temperatures"),
        ("sampling.top_p", "top_p"),
        ("sampling.max_tokens", "token limits"),
        ("sampling.prompt", "prompt templates"),
        ("environment.rustc", "compilers"),
        ("environment.sandbox", "sandboxes"),
        ("total_samples", "numbers of samples"),
    ):
        values = list(
            dict.fromkeys(str(found) for p in points if (found := look_up(p.document, path)) is not None)
        )
        if len(values) > 1:
            shown = ", ".join(value[:40] for value in values[:4]) + (", ..." if len(values) > 4 else "")  # noqa: PLR2004 -- named
            notes.append(f"The checkpoints were measured with different {what}: {shown}.")
    return notes


def _bounds_note(points: Sequence[ProgressPoint]) -> list[str]:
    """Say which rates silence and the references reach; nothing where that is unknown or not the same for all."""
    bounds = {
        tuple(number(look_up(point.document, f"suite.{key}")) for key in ("floor_rate", "ceiling_rate"))
        for point in points
    }
    floor, ceiling = bounds.pop() if len(bounds) == 1 else (None, None)
    if floor is None or ceiling is None:
        return []
    return [
        f"Writing nothing at all makes {percent(floor / 100)} of the samples compile, since some prompts are complete "
        f"as they stand; the references reach {percent(ceiling / 100)}."
    ]
