"""The metrics that human-eval-rust 3.0.0 prints, with its own denominators.

Specified in docs/protocol-human-eval-rust.md, section 10. They are for comparison with published numbers; the
project's own metrics have other denominators (`statistics/metrics.py`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from rusteval.judging.verdict import Verdict
from rusteval.statistics.pass_at_k import pass_at_k

DOCUMENTED = (
    "compile_rate",
    "main_free_rate",
    "clippy_pass_rate",
    "avg_compile_time_ms",
    "avg_binary_size_bytes",
    "rustc_version",
)
"""The names of the package's metrics besides pass@k."""


def documented_metrics(
    verdicts: Sequence[Verdict], *, k_values: Sequence[int], rustc_version: str
) -> dict[str, float | str]:
    """Return the package's flat metrics object for verdicts of protocol `human-eval-rust`.

    `pass@k` is there only for those k of which every task has as many samples; it is the mean over tasks, and
    infrastructure errors count as failed. `compile_rate` and `clippy_pass_rate` are shares of the samples that got
    so far (in policy mode, what the filter refuses did not), `main_free_rate` one of all. Times are in
    milliseconds, sizes in bytes, rates in [0, 1]; what has no samples is 0.

    Args:
        verdicts: all verdicts of one sample file, in any order.
        k_values: the k of pass@k; at least 1.
        rustc_version: copied into the result.
    """
    totals = Counter(verdict.sample.task_id for verdict in verdicts)
    passed = Counter(verdict.sample.task_id for verdict in verdicts if verdict.passed)
    fewest = min(totals.values(), default=0)
    estimates = {
        f"pass@{k}": fmean(pass_at_k(total, passed[task], k) for task, total in totals.items())
        for k in k_values
        if k <= fewest
    }
    return {
        **estimates,
        "compile_rate": _rate(verdict.compile_ok for verdict in verdicts),
        "main_free_rate": _rate(verdict.main_free is True for verdict in verdicts),
        "clippy_pass_rate": _rate(verdict.clippy_ok for verdict in verdicts),
        "avg_compile_time_ms": _mean(verdict.compile_time_ms for verdict in verdicts),
        "avg_binary_size_bytes": _mean(verdict.binary_size_bytes for verdict in verdicts),
        "rustc_version": rustc_version,
    }


def _rate(values: Iterable[bool | None]) -> float:
    return _mean(None if value is None else float(value) for value in values)


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fmean(known) if known else 0.0
