"""What the measured rounds come to: speeds, the share of the memory's bandwidth, ratios, a table."""

import statistics
from collections.abc import Mapping
from typing import Any

from generation_shapes import Shape, bytes_read

DOCUMENTED = "documented"
STOPPING = "documented-stopping"
GOAL = 10
# A server hands tokens over as they come through the network, which tells nothing about the model's steps.
_STEPS_UNKNOWN = frozenset({"vllm-server"})
_ROW = "{:<20} {:>8} {:>8} {:>10} {:>10} {:>10} {:>8} {:>7} {:>8} {:>9} {:>7} {:>7}"
_HEAD = (
    "contestant",
    "samples",
    "s",
    "samples/s",
    "tokens/s",
    "drawn/s",
    "ms/step",
    "rows",
    "load s",
    "MiB",
    "share",
    "x",
)


def speeds(
    name: str, measured: Mapping[str, Any], *, shape: Shape, bandwidth_gb_s: float
) -> list[dict[str, Any]]:
    """Return the speed of every round of a contestant.

    Args:
        name: the contestant.
        measured: what its worker wrote.
        shape: of the model.
        bandwidth_gb_s: of the memory that holds the model, in GB/s.
    """
    found = []
    for entry in measured["rounds"]:
        seconds = entry["seconds"]
        useful, drawn = (sum(answer[place] for answer in entry["answers"]) for place in (2, 1))
        steps = None if name in _STEPS_UNKNOWN else entry["steps"]
        share = None
        if steps:
            answers = ((prompt, tokens) for prompt, tokens, _ in entry["answers"])
            read = bytes_read(shape, dtype=measured["dtype"], steps=steps, answers=answers)
            share = _round(read / (seconds * bandwidth_gb_s * 1e9))
        found.append(
            {
                "seconds": _round(seconds),
                "cpu_s": _round(entry["cpu_s"]),
                "samples": len(entry["answers"]),
                "useful_tokens": useful,
                "drawn_tokens": drawn,
                "samples_per_s": _round(len(entry["answers"]) / seconds),
                "useful_tokens_per_s": _round(useful / seconds),
                "drawn_tokens_per_s": _round(drawn / seconds),
                "steps": steps,
                "ms_per_step": _round(seconds / steps * 1000) if steps else None,
                "rows_per_step": _round(drawn / steps) if steps else None,
                "share_of_bandwidth": share,
                "batch_seconds": entry["batch_seconds"],
                "finish_reasons": entry["finish_reasons"],
            }
        )
    return found


def median_round(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the round with the median of samples per second, the slower one of two in the middle."""
    middle = statistics.median_low(entry["samples_per_s"] for entry in rounds)
    return next(entry for entry in rounds if entry["samples_per_s"] == middle)


def ratios(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Return how many times as fast as each documented loop everything else is: {loop: {name: {what: ratio}}}."""
    return {
        loop: {
            name: {
                what: _round(run["median"][what] / runs[loop]["median"][what])
                for what in ("samples_per_s", "useful_tokens_per_s")
            }
            for name, run in runs.items()
            if name not in {DOCUMENTED, STOPPING}
        }
        for loop in (DOCUMENTED, STOPPING)
        if loop in runs
    }


def goal(runs: Mapping[str, Mapping[str, Any]], *, applies: bool) -> dict[str, Any]:
    """Return the ratio to be reached, and what the best engine reached; None unless it applies to what was measured."""
    found = (
        {}
        if not applies
        else {name: ratio["samples_per_s"] for name, ratio in ratios(runs).get(DOCUMENTED, {}).items()}
    )
    best = max(found, key=lambda name: found[name], default=None)
    return {
        "what": "samples per second, 8B model in bf16 on one GPU, times those of the documented loop",
        "reach": GOAL,
        "found": None if best is None else found[best],
        "engine": best,
    }


def not_ahead(runs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the engines that do not draw more samples per second than the documented loop."""
    return [
        name for name, ratio in ratios(runs).get(DOCUMENTED, {}).items() if not ratio["samples_per_s"] > 1
    ]


def table(runs: Mapping[str, Mapping[str, Any]], *, bandwidth: Mapping[str, Any]) -> str:
    """Return what matters for people: the median round of every contestant."""
    found = ratios(runs).get(DOCUMENTED, {})
    lines = [_ROW.format(*_HEAD)]
    for name, run in runs.items():
        middle = run["median"]
        ratio = found.get(name, {}).get("samples_per_s")
        lines.append(
            _ROW.format(
                *(name, middle["samples"], f"{middle['seconds']:.1f}", f"{middle['samples_per_s']:.4g}"),
                *(f"{middle[f'{what}_tokens_per_s']:.0f}" for what in ("useful", "drawn")),
                *(_or_dash(middle[what], "{:.3g}") for what in ("ms_per_step", "rows_per_step")),
                *(f"{run['load_s']:.1f}", _or_dash(_memory_mib(run), "{:.0f}")),
                *(_or_dash(middle["share_of_bandwidth"], "{:.1%}"), _or_dash(ratio, "{:.2f}")),
            ).rstrip()
        )
    return "\n".join(
        [
            *lines,
            "",
            "tokens/s: those of answers; drawn/s: all; rows: answers drawn at a time, on average; x: samples/s times",
            f"those of the documented loop; share: of the time that reading {bandwidth['gb_s']:g} GB/s allows",
            f"({bandwidth['from']}); MiB: most memory of the GPU, without one that of all processes",
        ]
    )


def _memory_mib(run: Mapping[str, Any]) -> float | None:
    on_gpu: float | None = run["gpu_peak_mib"]
    in_all: float | None = run["process"]["tree_peak_mib"]
    return in_all if on_gpu is None else on_gpu


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _round(value: float) -> float:
    return float(f"{value:.4g}")
