"""Documents of `rusteval bench` whose every number follows from counts by prompt."""

from collections.abc import Mapping, Sequence

PROMPTS = tuple(f"fn task_{number}(n: u64) -> u64 {{" for number in range(16))


def documented(
    compiled: Sequence[int], *, samples: int = 4, prompts: Sequence[str] = PROMPTS
) -> dict[str, object]:
    """Return a document with the documented keys alone; `compiled` counts samples that compile, by prompt."""
    total = samples * len(compiled)
    return {
        "checkpoint": "runs/a/checkpoint-1000",
        "timestamp": "2026-02-09T23:30:00Z",
        "total_samples": total,
        "compile_success_rate": round(100 * sum(compiled) / total, 1),
        "compile_errors": ["error[E0308]: mismatched types", "error: expected one of `!` or `::`"],
        "avg_lines": 12.3,
        "avg_functions": 1.2,
        "avg_complexity": 3.5,
        "avg_generation_time_ms": 150.0,
        "tokens_per_second": 25.5,
        "samples_by_prompt": [
            {
                "prompt": prompt,
                "n_samples": samples,
                "compile_success": count,
                "avg_lines": 8.5,
                "common_errors": [],
                "sample_outputs": [],
            }
            for prompt, count in zip(prompts, compiled, strict=False)
        ],
    }


def bench_document(
    compiled: Sequence[int],
    *,
    samples: int = 4,
    passed: Sequence[int] | None = None,
    degenerate: Sequence[int] | None = None,
    warned: Sequence[int] | None = None,
    collapse: str | None = None,
    humaneval: float | None = None,
    prompts: Sequence[str] = PROMPTS,
    changes: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return a whole document; by default all that compiles passes, nothing is degenerate and nothing is warned of."""
    passed = compiled if passed is None else passed
    degenerate = [0] * len(compiled) if degenerate is None else degenerate
    warned = [0] * len(compiled) if warned is None else warned
    document = documented(compiled, samples=samples, prompts=prompts)
    total, ok = samples * len(compiled), sum(compiled)
    entries = zip(document["samples_by_prompt"], passed, degenerate, warned, strict=True)  # type: ignore[call-overload]
    document["samples_by_prompt"] = [
        {**row, "tested": True, "passed": good, "degenerate": bad, "warnings": warnings}
        for row, good, bad, warnings in entries
    ]
    rates = {
        "compile_success_rate": 100 * ok / total,
        "pass_rate": 100 * sum(passed) / total,
        "degenerate_rate": 100 * sum(degenerate) / total,
        "warning_free_rate": 100 * (ok - sum(warned)) / ok if ok else None,
    }
    return {
        **document,
        **rates,
        "format": "rusteval-bench-1",
        "prompts": "documented",
        "n_prompts": len(compiled),
        "model": {"name": "org/model"},
        "sampling": {"temperature": 0.8, "top_p": 1.0, "max_tokens": 200, "prompt": "completion"},
        "suite": {"name": "rust-patterns", "sha256": "ab" * 32},
        "environment": {"rustc": "rustc 1.95.0", "sandbox": "bubblewrap"},
        "ci95": {
            name: None if value is None else [max(0.0, value - 10), min(100.0, value + 10)]
            for name, value in rates.items()
        },
        "errors": [{"code": "E0308", "message": "mismatched types", "samples": total - ok}],
        "warnings": {
            "samples": sum(warned),
            "of": ok,
            "by_code": [{"code": "unused_variables", "samples": sum(warned)}],
        },
        "degenerate": {
            "samples": sum(degenerate),
            "kinds": {"repetition": sum(degenerate)},
            "collapse": collapse,
        },
        "diversity": {"programs": total, "distinct_trees": total // 2, "vocabulary": 300},
        "rubric": [{"rule": "unwrap", "title": "No unwrap", "applies": 40, "kept": 30, "share": 0.75}],
        "pass_at_k": {"1": 0.3, "5": None},
        "humaneval": None
        if humaneval is None
        else {"pass@1": humaneval, "ci95": {"pass@1": [humaneval - 0.1, humaneval + 0.1]}},
        **(changes or {}),
    }
