"""How fast the samples were drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rusteval.generation.samples import Sample


def describe_performance(
    samples: Sequence[Sample], *, engines: Sequence[Mapping[str, Any]], judging_s: float
) -> dict[str, Any]:
    """Return the documented times, and what goes beyond them.

    Samples are drawn many at a time, so the time of one is what it took of the clock: time over samples. Samples per
    second count the time of judging too, as documented. Runs that were killed left no time behind and count neither
    with their samples nor with their tokens.

    Args:
        samples: the samples.
        engines: one entry for each run that drew some of them, as the sample store keeps them.
        judging_s: seconds that the compiler, the tests and the measuring took.
    """
    timed = [entry for entry in engines if entry.get("samples_drawn")]
    seconds = sum(float(entry["generation_s"]) for entry in timed)
    drawn = sum(int(entry["samples_drawn"]) for entry in timed)
    tokens = sum(int(entry["tokens_drawn"]) for entry in timed)
    latencies = [sample.generation_ms for sample in samples if sample.generation_ms is not None]
    return {
        "avg_generation_time_ms": round(1000 * seconds / drawn, 2) if drawn else None,
        "tokens_per_second": round(tokens / seconds, 2) if seconds and tokens else None,
        "performance": {
            "total_time_s": round(seconds + judging_s, 2),
            "generation_time_s": round(seconds, 2),
            "samples_per_second": round(drawn / (seconds + judging_s), 2) if drawn else None,
            "p50_ms": _percentile(latencies, 50),
            "p95_ms": _percentile(latencies, 95),
        },
    }


def _percentile(values: Sequence[float], percent: float) -> float | None:
    """Return how long a sample took from its start to its end, beside the others."""
    return round(float(np.percentile(values, percent)), 1) if values else None
