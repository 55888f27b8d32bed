"""Realistic problem sets and verdicts for tests: every outcome, both models, and hostile text."""

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from hypothesis import strategies as st

from rusteval.generation.samples import Sample
from rusteval.judging.verdict import Verdict
from rusteval.problems.models import Problem, Repair, Suite
from rusteval.reports.run_view import ModelRun, RunView

BORROW_ERROR = """error[E0382]: use of moved value: `numbers`
 --> src/main.rs:12:9
  |
9 | fn sum_all(numbers: Vec<i64>) -> i64 {
  |            ------- move occurs because `numbers` has type `Vec<i64>`, which does not implement the `Copy` trait
12 |     numbers.len()
  |     ^^^^^^^ value used here after move
"""
TYPE_ERROR = """warning: unused variable: `i`
error[E0308]: mismatched types
 --> src/main.rs:4:5
  |
4 |     x | y || "a|b"
  |     ^^^^^ expected `i32`, found `&str`
"""
PANIC = """thread 'tests::test_add' panicked at src/main.rs:21:9:
assertion `left == right` failed
  left: 3
 right: 4
"""

KINDS: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        "passed": {
            "compile_ok": True, "test_ok": True, "clippy_ok": True, "passed": True, "outcome": "passed",
            "result": "passed", "main_free": True, "compile_time_ms": 210.5, "binary_size_bytes": 4_100_000,
            "tests_run": 3, "extraction": "function", "edition": "2021",
        },
        "unclean": {
            "compile_ok": True, "test_ok": True, "clippy_ok": False, "passed": True, "outcome": "passed",
            "result": "passed", "main_free": False, "compile_time_ms": 250.0, "binary_size_bytes": 4_200_000,
            "tests_run": 3, "extraction": "program", "edition": "2021",
        },
        "violation": {
            "compile_ok": True, "test_ok": True, "clippy_ok": True, "passed": True, "outcome": "passed",
            "result": "passed", "main_free": True, "compile_time_ms": 220.0, "binary_size_bytes": 4_100_000,
            "tests_run": 3, "extraction": "function", "policy_violation": "std::process (line 2)",
        },
        "wrong": {
            "compile_ok": True, "test_ok": False, "clippy_ok": True, "error_type": "assertion_failure",
            "stderr": PANIC, "result": "failed: assertion", "main_free": True, "compile_time_ms": 205.0,
            "binary_size_bytes": 4_050_000, "tests_run": 3, "extraction": "body",
        },
        "panics": {
            "compile_ok": True, "test_ok": False, "clippy_ok": False, "error_type": "runtime_error",
            "stderr": "attempt to subtract with overflow", "result": "failed: panicked", "main_free": True,
            "compile_time_ms": 215.0, "binary_size_bytes": 4_060_000, "extraction": "body",
        },
        "borrow": {
            "compile_ok": False, "error_type": "compile_error", "error_code": "E0382", "stderr": BORROW_ERROR,
            "result": "failed: does not compile", "main_free": True, "compile_time_ms": 95.0,
            "extraction": "function",
        },
        "types": {
            "compile_ok": False, "error_type": "compile_error", "error_code": "E0308", "stderr": TYPE_ERROR,
            "result": "failed: does not compile", "main_free": True, "compile_time_ms": 90.0,
            "extraction": "function",
        },
        "syntax": {
            "compile_ok": False, "error_type": "compile_error", "stderr": "error: this file contains an unclosed delimiter\n",
            "result": "failed: does not compile", "main_free": True, "compile_time_ms": 40.0, "extraction": "body",
        },
        "hangs": {
            "compile_ok": True, "test_ok": False, "clippy_ok": True, "error_type": "test_timeout",
            "result": "timed out after 10 s", "main_free": True, "compile_time_ms": 200.0,
            "binary_size_bytes": 4_000_000, "extraction": "function",
        },
        "compiler_hangs": {"compile_ok": False, "error_type": "compile_timeout", "result": "timed out", "main_free": True},
        "prose": {"error_type": "no_code", "result": "failed: no Rust code in the answer", "extraction": "none"},
        "cheats": {
            "compile_ok": True, "test_ok": False, "clippy_ok": True, "error_type": "tests_not_run",
            "result": "failed: no test ran", "main_free": True, "compile_time_ms": 200.0,
        },
        "hungry": {
            "compile_ok": True, "test_ok": False, "clippy_ok": True, "error_type": "memory_limit",
            "result": "failed: out of memory", "main_free": True, "compile_time_ms": 200.0,
        },
        "chatty": {
            "compile_ok": True, "test_ok": False, "clippy_ok": True, "error_type": "output_limit",
            "result": "failed: too much output", "main_free": True, "compile_time_ms": 200.0,
        },
        "infra": {"outcome": "infra_error", "error_type": "infra_sandbox", "stderr": "bwrap: no such device"},
    }
)  # fmt: skip

HOSTILE: tuple[str, ...] = (
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 1</script>",
    "<!--<script>window.pwned = 1//",
    "<img src=x onerror='window.pwned = 1'>",
    "{{ 7 * 7 }}{% for x in y %}${7*7}",
    "a | b || c \\| d \\",
    "``` ```` `x` ~~~\n# not a heading\n| a | b |\n|---|---|\n",
    "fn f() {}\n```\n# not a heading\n\n````\n<b>not bold</b>\n",
    "émoji 🦀 — 日本語 \u202e evil \u2028 line \u0000 nul \x1b[31m red \ud800 lone",
    "]]> &amp; &#x41; \" ' = javascript:window.pwned=1",
    "[link](javascript:window.pwned=1) **bold** <b>bold</b> $x$ @someone",
)


def make_verdict(
    kind: str = "passed",
    *,
    task_id: str = "HumanEval/0",
    completion_id: int = 0,
    completion: str = "    a + b\n}",
    **changes: object,
) -> Verdict:
    """Return a verdict of one of KINDS, with any field changed."""
    sample = Sample(task_id=task_id, completion=completion, completion_id=completion_id)
    return Verdict.model_validate({**KINDS[kind], **changes, "sample": sample})


def make_task(kinds: Sequence[str], *, task_id: str = "HumanEval/0") -> list[Verdict]:
    """Return one verdict per kind, all of one task, with distinct completions."""
    return [
        make_verdict(
            kind,
            task_id=task_id,
            completion_id=index,
            completion=f"    // answer {index}\n    a + {index}\n}}",
        )
        for index, kind in enumerate(kinds)
    ]


def make_suite(tasks: int = 3, *, repairs: Mapping[str, str] = MappingProxyType({})) -> Suite:
    """Return a suite of `tasks` problems called HumanEval/N; `repairs` gives a reason by task id."""
    problems = []
    for number in range(tasks):
        task_id = f"HumanEval/{number}"
        mended = [
            Repair(task_id=task_id, field="test", reason=reason, new_text="mod tests {}")
            for task, reason in repairs.items()
            if task == task_id
        ]
        problems.append(
            Problem(
                task_id=task_id,
                prompt=f"/// Returns the sum | of `two` numbers <{number}>.\nfn add_{number}(a: i64, b: i64) -> i64 {{\n",
                entry_point=f"add_{number}",
                test="#[cfg(test)]\nmod tests {}\n",
                suite="humaneval-rust",
                repairs=tuple(mended),
            )
        )
    return Suite(
        name="humaneval-rust",
        source=f"package 1.0: data.jsonl (sha256 {'5b9acb9d' * 8})",
        sha256="ab" * 32,
        problems=tuple(problems),
    )


FAILURES = ("wrong", "wrong", "types", "types", "borrow", "syntax", "panics", "hangs", "prose", "cheats")


def make_model(suite: Suite, *, samples: int, skill: float, seed: int, repeats: float = 0.4) -> list[Verdict]:
    """Return verdicts of a made-up model: each task has its own chance to pass, around `skill`.

    A share `repeats` of the answers repeats an earlier one of the same task, with its verdict.
    """
    dice = random.Random(seed)
    verdicts = []
    for number, problem in enumerate(suite.problems):
        ease = min(1.0, max(0.0, random.Random(number).gauss(0, 0.3) + dice.gauss(skill, 0.2)))
        mine: list[Verdict] = []
        for index in range(samples):
            if mine and dice.random() < repeats:
                earlier = dice.choice(mine)
                sample = earlier.sample.model_copy(update={"completion_id": index})
                mine.append(earlier.model_copy(update={"sample": sample}))
                continue
            good = dice.choices(("passed", "unclean", "violation"), (90, 6, 4))[0]
            kind = good if dice.random() < ease else dice.choice(FAILURES)
            code = f"    // attempt {dice.randrange(10**9)}\n    let sum = a.wrapping_add(b);\n    sum\n}}"
            mine.append(make_verdict(kind, task_id=problem.task_id, completion_id=index, completion=code))
        verdicts += mine
    return verdicts


def hostile_text() -> st.SearchStrategy[str]:
    """Return a strategy of text that tries to break tables, pages and templates."""
    anything = st.text(st.characters(), max_size=60)
    return st.lists(st.one_of(st.sampled_from(HOSTILE), anything), min_size=1, max_size=3).map("".join)


def verdict_lists(*, tasks: int = 4, samples: int = 4) -> st.SearchStrategy[list[Verdict]]:
    """Return a strategy of verdicts of up to `tasks` tasks with 1 to `samples` samples each, all kinds mixed."""
    kinds = st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=samples)
    by_task = st.lists(kinds, min_size=1, max_size=tasks)
    return by_task.map(
        lambda chosen: [
            verdict
            for number, task in enumerate(chosen)
            for verdict in make_task(task, task_id=f"HumanEval/{number}")
        ]
    )


def make_run(
    *,
    tasks: int = 3,
    samples: int = 4,
    roles: Sequence[str] = ("base", "finetuned"),
    modes: Sequence[str] = ("no-policy", "policy"),
    k_values: Sequence[int] = (1,),
    suite: Suite | None = None,
    verdicts: Mapping[str, Sequence[Verdict]] | None = None,
    repairs: Mapping[str, str] = MappingProxyType({}),
    warnings: Sequence[str] = (),
    name: str = "org/Model-8B",
    config: Mapping[str, object] | None = None,
) -> RunView:
    """Return a finished run; `verdicts` by role replaces those of the made-up models."""
    suite = suite or make_suite(tasks, repairs=repairs)
    skills = {"base": 0.35, "finetuned": 0.55}
    models = [
        ModelRun(
            role=role,
            name=f"{name}-{role}",
            verdicts=tuple(
                verdicts[role]
                if verdicts
                else make_model(suite, samples=samples, skill=skills[role], seed=len(role))
            ),
        )
        for role in roles
    ]
    return RunView(
        suite=suite,
        models=tuple(models),
        modes=tuple(modes),
        k_values=tuple(k_values),
        config=dict(
            config or {"temperature": 0.2, "k_values": list(k_values), "sandbox": {"mode": "bubblewrap"}}
        ),
        metadata={"os": "Debian", "pip_freeze": ["numpy==1.26.4"]},
        warnings=tuple(warnings),
        rustc_version="rustc 1.95.0",
        seed=1234,
        timestamp="2026-11-20T12:00:00+00:00",
    )
