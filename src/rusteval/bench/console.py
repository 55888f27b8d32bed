"""The result of a benchmark at a terminal, laid out as documented."""

from collections.abc import Mapping
from typing import Any

_RULE = "═" * 59
_PROMPT_CHARS = 50


def header_text(
    checkpoint: str, *, device: str, prompts: int, samples: int, temperature: float, max_tokens: int
) -> str:
    """Return what is said before the first sample is drawn."""
    each = samples // prompts
    per_prompt = str(each) if samples == each * prompts else f"{each} or {each + 1}"
    return "\n".join(
        [
            *_title("Code Quality Benchmark"),
            "Configuration:",
            f"  Checkpoint: {checkpoint}",
            f"  Device: {device}",
            f"  Prompts: {prompts}",
            f"  Samples per prompt: {per_prompt}",
            f"  Total samples: {samples}",
            f"  Temperature: {temperature:g}",
            f"  Max tokens: {max_tokens}",
            "",
        ]
    )


def result_text(document: Mapping[str, Any], *, saved: str) -> str:
    """Return the documented blocks of a result, each followed by what goes beyond them."""
    prompts = document["samples_by_prompt"]
    lines = [f"Checkpoint: {document['checkpoint']}"]
    lines += [
        f"Prompt {number}/{len(prompts)}: {' '.join(row['prompt'].split())[:_PROMPT_CHARS]}\n"
        f"  {row['compile_success']}/{row['n_samples']} compiled{_passed(row)}{_degenerate(row)}"
        for number, row in enumerate(prompts, start=1)
    ]
    lines += ["", *_title("Benchmark Results"), *_compilation(document), *_quality(document)]
    lines += [*_performance(document), *_humaneval(document), f"Results saved to: {saved}"]
    return "\n".join(lines)


def _title(text: str) -> list[str]:
    return [_RULE, f"  {text}", _RULE, ""]


def _passed(row: Mapping[str, Any]) -> str:
    return f", {row['passed']} passed the tests" if row["tested"] else ""


def _degenerate(row: Mapping[str, Any]) -> str:
    return f", {row['degenerate']} degenerate" if row["degenerate"] else ""


def _compilation(document: Mapping[str, Any]) -> list[str]:
    total, good = document["total_samples"], document["compile_successes"]
    suite, tests, warnings = document["suite"], document["tests"], document["warnings"]
    lines = [
        "Compilation:",
        f"  Success: {good}/{total} ({_number(document['compile_success_rate'])}%){_interval(document)}",
        f"  Failures: {total - good}",
        f"  Possible: {suite['floor_rate']:.1f}% by writing nothing, {suite['ceiling_rate']:.1f}% at best",
        f"  With warnings: {warnings['samples']}/{warnings['of']} of those that compile",
        f"  Tests passed: {tests['passed']}/{tests['samples']} of the {tests['prompts']} prompts that have tests",
    ]
    lines += [f"  {error['samples']} x {_error(error)}" for error in document["errors"][:5]]
    return [*lines, ""]


def _error(error: Mapping[str, Any]) -> str:
    code = f"error[{error['code']}]" if error["code"] else "error"
    return f"{code}: {' '.join(str(error['message']).split())[:90]}"


def _interval(document: Mapping[str, Any]) -> str:
    ends = document["ci95"]["compile_success_rate"]
    return "" if ends is None else f", 95% interval {ends[0]:.1f} to {ends[1]:.1f}%"


def _quality(document: Mapping[str, Any]) -> list[str]:
    degenerate, diversity = document["degenerate"], document["diversity"]
    lines = [
        "Code Quality:",
        f"  Avg lines per sample: {_number(document['avg_lines'])}",
        f"  Avg functions per sample: {_number(document['avg_functions'])}",
        f"  Avg complexity per sample: {_number(document['avg_complexity'])}",
        f"  Avg nesting per sample: {_number(document['avg_nesting'])}",
        f"  Distinct programs: {diversity['distinct_trees']}/{diversity['programs']}",
        f"  Degenerate: {degenerate['samples']}/{document['total_samples']}{_kinds(degenerate['kinds'])}",
    ]
    if degenerate["collapse"]:
        lines.append(f"  COLLAPSED: {degenerate['collapse']}")
    return [*lines, ""]


def _kinds(kinds: Mapping[str, int]) -> str:
    listed = ", ".join(f"{kind} {count}" for kind, count in kinds.items())
    return f" ({listed})" if listed else ""


def _performance(document: Mapping[str, Any]) -> list[str]:
    performance = document["performance"]
    return [
        "Performance:",
        f"  Total time: {performance['total_time_s']:.1f}s",
        f"  Avg generation time: {_number(document['avg_generation_time_ms'], digits=0)}ms",
        f"  Samples per second: {_number(performance['samples_per_second'], digits=2)}",
        f"  Tokens per second: {_number(document['tokens_per_second'])}",
        "",
    ]


def _humaneval(document: Mapping[str, Any]) -> list[str]:
    found = document["humaneval"]
    if found is None:
        return []
    values = [
        f"  {key}: {100 * value:.1f}%"
        for key, value in found.items()
        if (key.startswith("pass@") or key == "compile_rate") and isinstance(value, float)
    ]
    return ["HumanEval-Rust:", *values, ""]


def _number(value: float | None, *, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
