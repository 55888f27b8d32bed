"""The comparison of bench documents, prompt by prompt."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rusteval.comparing.results import (
    Comparison,
    Difference,
    Measure,
    PlainRow,
    Tally,
    UnitRow,
    Units,
    correct_by_holm,
)
from rusteval.comparing.sources import BenchSource, facts_table
from rusteval.reports.bench_rates import (
    COMPILE_RATE,
    PASS_RATE,
    RATES,
    VALUES,
    BenchRate,
    Document,
    counts_of,
    interval_of,
    look_up,
    paired_difference,
    prompts_of,
    rate_of,
    value_of,
    written,
)
from rusteval.reports.wording import FEW_CLUSTERS, amount, number, percent, plain
from rusteval.statistics.intervals import clustered_wilson
from rusteval.statistics.tally import sum_by_cluster

_SEED = 0
_MENTIONED = "named"  # for errors that a document lists without counting them
_AT_K = ("compile_at_k", "pass_at_k")
_TIMES = ("checkpoint", "timestamp", "completed", "model", "performance", "step")


def compare_benches(
    sources: Sequence[BenchSource], names: Sequence[str], *, notes: Sequence[str]
) -> Comparison:
    """Compare bench documents on the prompts that all have, every document against the first.

    Args:
        sources: two or more.
        names: unique names of them.
        notes: what is to be said beside the numbers.
    """
    documents = [source.document for source in sources]
    asked = [prompts_of(document) for document in documents]
    common = [prompt for prompt in asked[0] if all(prompt in one for one in asked)]
    measures = [
        measure for rate in RATES if (measure := _measure(documents, rate, common=common)) is not None
    ]
    further = [
        f"{name}: {plain(broken)} samples could not be judged."
        for name, document in zip(names, documents, strict=True)
        if (broken := number(document.get("not_judged")))
    ]
    if len(common) < FEW_CLUSTERS:
        further += [f"Only {amount(len(common), 'prompt')}: read intervals and p-values as rough."]
    return Comparison(
        kind="benches",
        names=names,
        given=[source.given for source in sources],
        models=[source.model for source in sources],
        facts=facts_table(sources),
        same=[_essence(document) == _essence(documents[0]) for document in documents],
        measures=correct_by_holm(measures),
        units=_units(documents, common),
        tallies=_tallies(documents),
        plain=_plain_rows(documents),
        left_out={
            name: [prompt for prompt in one if prompt not in common]
            for name, one in zip(names, asked, strict=True)
            if len(one) > len(common)
        },
        mcnemar=[None] * len(sources),
        notes=[*notes, *further],
        clusters="prompts",
        n_clusters=len(common),
    )


def _measure(documents: Sequence[Document], rate: BenchRate, *, common: Sequence[str]) -> Measure | None:
    """Return one rate of all documents; from the counts of the common prompts where these are known."""
    stated = [rate_of(document, rate) for document in documents]
    if all(value is None for value in stated):
        return None
    counts = []
    for document in documents:
        found = counts_of(document, rate)
        counts.append(None if found is None else {prompt: found[prompt] for prompt in common})
    whole = all(len(prompts_of(document)) == len(common) for document in documents)
    sums = [None if own is None else sum_by_cluster(own, names=sorted(own), clusters={}) for own in counts]
    values = [
        one.ratio if one is not None and not whole else value if whole else None
        for one, value in zip(sums, stated, strict=True)
    ]
    intervals = [
        (interval_of(document, rate) if whole else None) or (None if one is None else clustered_wilson(one))
        for document, one in zip(documents, sums, strict=True)
    ]
    return Measure(
        key=rate.key,
        label=rate.label,
        more_is_better=rate.more_is_better,
        values=values,
        intervals=[
            None if value is None else interval for value, interval in zip(values, intervals, strict=True)
        ],
        differences=[
            None,
            *(
                _difference(counts[0], other, values[0], value)
                for other, value in zip(counts[1:], values[1:], strict=True)
            ),
        ],
    )


def _difference(
    first: Mapping[str, tuple[float, float]] | None,
    other: Mapping[str, tuple[float, float]] | None,
    first_value: float | None,
    value: float | None,
) -> Difference:
    if first is None or other is None:
        bare = None if first_value is None or value is None else value - first_value
        return Difference(value=bare, interval=None)
    found = paired_difference(first, other, seed=_SEED)
    return Difference(value=found.difference, interval=found.interval, p_value=found.p_value)


def _units(documents: Sequence[Document], common: Sequence[str]) -> Units:
    """Return the prompts with what passes where all documents test it, else with what compiles."""
    tested = all(counts_of(document, PASS_RATE) is not None for document in documents)
    rows = []
    for prompt in common:
        entries = [prompts_of(document)[prompt] for document in documents]
        found = [
            (PASS_RATE if tested and entry.get("tested") else COMPILE_RATE).count(entry) for entry in entries
        ]
        rows.append(UnitRow(name=prompt, counts=[_whole(pair) for pair in found]))
    return Units(
        unit="prompt", success="pass (compile, where there are no tests)" if tested else "compile", rows=rows
    )


def _whole(pair: tuple[object, object] | None) -> tuple[int, int]:
    known = [number(value) for value in pair or ()]
    if len(known) != 2 or known[0] is None or known[1] is None:  # noqa: PLR2004 -- a count and a total
        return 0, 0
    return int(known[0]), int(known[1])


def _tallies(documents: Sequence[Document]) -> list[Tally]:
    by_code = [_counted(document, "warnings.by_code") for document in documents]
    kinds = [_kinds(document) for document in documents]
    return [
        _tally("errors", "Errors by code", "error", [_errors(document) for document in documents]),
        _tally("warnings", "Warnings by code", "warning", by_code),
        _tally("degenerate", "Degenerate output", "kind", kinds),
        _tally("rubric", "Idiom and style, by rule", "rule", [_rubric(document) for document in documents]),
    ]


def _tally(key: str, heading: str, name: str, found: Sequence[Mapping[str, int | str] | None]) -> Tally:
    """Put counts side by side; a document that counts such things and lacks one has 0 of it, else nothing is known."""
    total: Counter[str] = Counter()
    for own in found:
        total.update({entry: count if isinstance(count, int) else 0 for entry, count in (own or {}).items()})
    ordered = list(total) if key == "rubric" else sorted(total, key=lambda entry: (-total[entry], entry))
    absent = [
        None if own is None or not all(isinstance(n, int) for n in own.values()) else 0 for own in found
    ]
    rows = [
        (entry, [(own or {}).get(entry, none) for own, none in zip(found, absent, strict=True)])
        for entry in ordered
    ]
    return Tally(key=key, heading=heading, name=name, rows=rows)


def _errors(document: Document) -> dict[str, int | str] | None:
    """Return samples by rustc's code, or by message where an error has none; without counts they are only named."""
    if "errors" in document:
        return _counted(document, "errors")
    named = document.get("compile_errors")
    return {_code_of(str(line)): _MENTIONED for line in named} if isinstance(named, list) else None


def _code_of(line: str) -> str:
    code, bracket, _ = line.removeprefix("error[").partition("]")
    return code if bracket and line.startswith("error[") else line.removeprefix("error: ")


def _counted(document: Document, path: str) -> dict[str, int | str] | None:
    entries = look_up(document, path)
    if not isinstance(entries, list):
        return None
    found: Counter[str] = Counter()
    for entry in _listed(entries):
        name, samples = entry.get("code") or entry.get("message"), number(entry.get("samples"))
        if name is not None and samples is not None:
            found[str(name)] += int(samples)
    return dict(found)


def _kinds(document: Document) -> dict[str, int | str] | None:
    kinds = look_up(document, "degenerate.kinds")
    if not isinstance(kinds, Mapping):
        return None
    return {str(kind): int(count) for kind, value in kinds.items() if (count := number(value)) is not None}


def _rubric(document: Document) -> dict[str, int | str]:
    """Return the share of samples that keep each rule, of those that it applies to."""
    return {
        str(entry.get("title") or entry.get("rule")): (
            f"{percent(entry.get('share'))} ({plain(entry.get('kept'))} of {plain(entry.get('applies'))})"
        )
        for entry in _listed(document.get("rubric"))
        if number(entry.get("applies"))
    }


def _listed(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain_rows(documents: Sequence[Document]) -> list[PlainRow]:
    rows = []
    for value in VALUES:
        found = [value_of(document, value) for document in documents]
        shown = [written(document, value) for document in documents]
        rows.append(PlainRow(key=value.key, label=value.label, values=found, written=shown))
    for key in _AT_K:
        for k in sorted({k for document in documents for k in _mapping(document.get(key))}, key=int):
            found = [number(_mapping(document.get(key)).get(k)) for document in documents]
            label = f"{key.partition('_')[0]}@{k}"
            rows.append(
                PlainRow(key=f"{key}.{k}", label=label, values=found, written=[percent(one) for one in found])
            )
    return [row for row in rows if any(value is not None for value in row.values)]


def _essence(document: Document) -> dict[str, Any]:
    """Return what a document says of the samples, without when and how fast they were made."""
    times = ("avg_generation_time_ms", "tokens_per_second", *_TIMES)
    return {key: value for key, value in document.items() if key not in times}
