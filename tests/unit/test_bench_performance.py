"""How fast samples were drawn."""

import pytest

from rusteval.bench.performance import describe_performance
from rusteval.generation.samples import Sample


def test_times_are_the_documented_ones():
    runs = [
        {"samples_drawn": 6, "generation_s": 3.0, "tokens_drawn": 150},
        {"samples_drawn": 4, "generation_s": 1.0, "tokens_drawn": 50},
        {"samples_drawn": 0, "generation_s": 9.0, "tokens_drawn": 0},
    ]
    samples = [
        Sample(task_id="t", completion="", completion_id=n, generation_ms=100.0 * n) for n in range(11)
    ]
    found = describe_performance(samples, engines=runs, judging_s=1.0)
    assert found["avg_generation_time_ms"] == pytest.approx(400)
    assert found["tokens_per_second"] == pytest.approx(50)
    assert found["performance"] == {
        "total_time_s": 5.0,
        "generation_time_s": 4.0,
        "samples_per_second": 2.0,  # judging included
        "p50_ms": 500.0,
        "p95_ms": 950.0,
    }


def test_what_was_never_timed_has_no_speed():
    found = describe_performance([], engines=[{}], judging_s=1.0)
    assert (found["avg_generation_time_ms"], found["tokens_per_second"]) == (None, None)
    assert found["performance"]["samples_per_second"] is None
