"""The plus suites as they are packaged: right answers pass, known wrong programs do not, the data can be made again."""

from pathlib import Path

import pytest

from judging_support import back_end, toolchain
from rusteval.files import read_jsonl
from rusteval.generation.samples import Sample
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.plus.build import build_task
from rusteval.plus.facts import load_facts
from rusteval.plus.mutants import single_mutants
from rusteval.plus.place import open_place
from rusteval.plus.suite_data import UNEXPLAINED
from rusteval.problems.plus import load_equivalents, load_plus
from rusteval.problems.suites import PLUS, load_suite

SETTINGS = JudgeSettings(n_workers=2, timeout_s=1.0, clippy=False)
MADE_AGAIN = {"humaneval-rust-plus": "HumanEval/2", "humaneval-rust-180-plus": "Fix/6dfaa0ae7e34"}
SEED = "plus-1"
RIGHT_ANSWERS = Path(__file__).parents[1] / "data" / "right_answers"
"""Written from the prompts alone, by somebody who saw neither references nor tests."""


@pytest.mark.parametrize("name", PLUS)
def test_right_answers_pass_and_no_known_wrong_program_does(name: str) -> None:
    suite, facts = load_suite(name), load_facts(PLUS[name])
    right = {
        f"{problem.task_id} reference": Sample(task_id=problem.task_id, completion=problem.canonical_solution)
        for problem in suite.problems
    } | {
        f"{row['task_id']} right": Sample.model_validate(row)
        for _, row in read_jsonl(RIGHT_ANSWERS / f"{PLUS[name]}.jsonl")
    }
    samples = right | {
        f"{task_id} {wrong.name}": Sample(task_id=task_id, completion=wrong.code)
        for task_id, known in facts.items()
        for wrong in known.wrong
    }
    verdicts = judge_samples(
        list(samples.values()),
        suite=suite,
        sandbox=back_end("none"),
        toolchain=toolchain(),
        settings=SETTINGS,
        cache=None,
    )
    judged = dict(zip(samples, verdicts, strict=True))
    assert not [each for each, verdict in judged.items() if verdict.passed_plus is None]
    passing = {each for each, verdict in judged.items() if verdict.passed_plus}
    assert passing == right.keys()
    assert len(right) > len(suite.problems) + 50
    # what the published tests alone are worth
    assert sum(verdict.passed for verdict in verdicts) > len(right) + 300


@pytest.mark.parametrize("name", PLUS)
def test_every_equivalent_mutant_is_a_mutant_and_has_a_reason(name: str) -> None:
    problems = {problem.task_id: problem for problem in load_suite(name).problems}
    equivalents = load_equivalents(PLUS[name])
    for task_id in {each.task_id for each in equivalents}:
        mutants = single_mutants(problems[task_id])
        for each in equivalents:
            if each.task_id == task_id:
                assert each.mutant in mutants, task_id
                assert each.code in mutants[each.mutant].source, task_id
                assert each.reason
                assert not each.reason.startswith(UNEXPLAINED), (task_id, each.mutant)


@pytest.mark.parametrize("name", PLUS)
def test_the_packaged_assertions_are_made_again_by_their_seed(name: str) -> None:
    task_id = MADE_AGAIN[name]
    problem = next(each for each in load_suite(PLUS[name]).problems if each.task_id == task_id)
    with open_place() as place:
        built = build_task(problem, load_facts(PLUS[name])[task_id], seed=SEED, place=place)
    packaged = [each for each in load_plus(PLUS[name])[0] if each.task_id == task_id]
    assert packaged
    assert list(built.assertions) == packaged


def test_the_two_suites_share_no_facts_by_mistake() -> None:
    for base in PLUS.values():
        tasks = {problem.task_id: problem for problem in load_suite(base).problems}
        facts = load_facts(base)
        assert facts.keys() == tasks.keys()
        assert all(known.entry_point == tasks[task_id].entry_point for task_id, known in facts.items())
