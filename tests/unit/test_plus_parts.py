"""Inputs, covers and assertions of the plus suites."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rusteval.errors import InputError
from rusteval.plus.assertions import assertion
from rusteval.plus.build import make_task
from rusteval.plus.cover import choose_inputs
from rusteval.plus.drawing import draw_inputs
from rusteval.plus.facts import Facts
from rusteval.plus.known_inputs import inputs_of_tests
from rusteval.plus.suite_data import UNEXPLAINED, suite_rows
from rusteval.plus.task_by_task import task_by_task
from rusteval.problems.models import Problem
from rusteval.rust.syntax import parse
from rusteval.rust.wider_mutation import named, pairs_of, wider_mutants_of


def facts(kind: str, spec: dict[str, object], *, compare: str = "eq") -> Facts:
    return Facts.model_validate(
        {
            "task_id": "T/1",
            "entry_point": "f",
            "params": [{"name": "x", "type": kind, "spec": spec}],
            "basis": "types only",
            "compare": compare,
        }
    )


def problem(signature: str, test: str = "") -> Problem:
    return Problem(task_id="T/1", prompt=f"{signature} {{", entry_point="f", test=test)


def test_the_same_seed_draws_the_same_inputs_and_another_seed_draws_others() -> None:
    known = facts("Vec<i32>", {"len": [0, 6], "item": {"min": -9, "max": 9}})
    first, again = (draw_inputs(known, count=50, seed="a") for _ in range(2))
    assert first == again
    assert len(set(first)) == 50
    assert first != draw_inputs(known, count=50, seed="b")


@given(low=st.integers(-50, 50), width=st.integers(0, 400), seed=st.text(max_size=3))
def test_drawn_integers_keep_within_their_bounds(low: int, width: int, seed: str) -> None:
    drawn = draw_inputs(facts("i32", {"min": low, "max": low + width}), count=30, seed=seed)
    assert all(low <= int(value) <= low + width for (value,) in drawn)


@given(chars=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5))
def test_any_letters_become_a_literal_that_parses(chars: str) -> None:
    for (value,) in draw_inputs(facts("&str", {"len": [0, 5], "chars": chars}), count=5, seed="s"):
        assert not parse(f"const S: &str = {value};".encode()).root_node.has_error


def test_a_whole_small_domain_and_every_given_value_are_drawn() -> None:
    assert {value for (value,) in draw_inputs(facts("bool", {}), count=9, seed="s")} == {"true", "false"}
    assert ("1000",) in draw_inputs(
        facts("i32", {"min": 0, "max": 999, "values": ["1000"]}), count=5, seed="s"
    )


def test_inputs_of_tests_are_those_written_out() -> None:
    test = 'fn t() { let a = 1; assert_eq!(f(vec![1, 2], "a"), 3); assert!(f(vec![], "") > f(a, "b")); g(f(1)); }'
    assert set(inputs_of_tests(test, entry_point="f", parameters=2)) == {
        ("vec![1, 2]", '"a"'),
        ("vec![]", '""'),
    }


def test_everything_that_can_be_caught_is_caught_by_few_and_short_inputs() -> None:
    kills = {1: ["a"], 2: ["a", "b"], 3: ["a", "b"], 4: ["c"], 5: []}
    chosen = choose_inputs(kills, must=["c"], lengths={1: 1, 2: 9, 3: 5, 4: 5, 5: 1})
    assert [each.key for each in chosen[:2]] == [4, 3]
    assert chosen[0].kills == ("c",)
    assert chosen[1].kills == ("a", "b")
    assert 5 not in {each.key for each in chosen}


def test_inputs_that_are_always_asked_come_first() -> None:
    kills = {1: ["a"], 2: ["a", "b"], 3: []}
    chosen = choose_inputs(kills, must=["b"], lengths=dict.fromkeys(kills, 1), always=[1, 3])
    assert [(each.key, each.kills) for each in chosen] == [(1, ("a",)), (3, ()), (2, ("b",))]


def test_slices_in_slices_are_slices_whatever_their_lengths() -> None:
    known = facts("&[&[i32]]", {"len": [2, 2], "item": {"len": [0, 3]}})
    for (value,) in draw_inputs(known, count=9, seed="s"):
        assert value.count("[..]") == 2, value


def test_mutants_that_read_alike_have_names_of_their_own() -> None:
    made = named(wider_mutants_of("fn f(a: i32) -> i32 { a + 1 + 1 }", entry_point="f"))
    assert {"literal, line 1: 1 -> 2", "literal, line 1: 1 -> 2 #2"} <= made.keys()
    assert len({mutant.source for mutant in made.values()}) == len(made)


def test_reasons_that_people_gave_stay_with_their_mutants() -> None:
    survivors = [
        {"name": name, "code": "x", "text": ""}
        for name in ("literal, line 1: 1 -> 2", "logic, line 2: && -> ||", "two changes, line 1: a; b")
    ]
    row = {"task_id": "T/1", "assertions": [], "inputs": 7, "survivors": survivors}
    known = {"T/1": facts("i32", {}), "T/2": facts("i32", {})}
    reasons = {("T/1", "literal, line 1: 1 -> 2"): "the value is not used"}
    told = suite_rows(known, [row], reasons=reasons)[".equivalent"]
    assert [each["reason"] for each in told] == [
        "the value is not used",
        f"{UNEXPLAINED} 7 inputs drawn in the stated domain",
    ]


def test_tasks_that_are_done_are_not_done_again_and_failures_keep_the_others(tmp_path: Path) -> None:
    problems = [Problem(task_id=f"T/{n}", prompt="fn f() {", entry_point="f", test="") for n in range(3)]
    known = {each.task_id: facts("i32", {}) for each in problems}
    seen: list[str] = []

    def work(one: Problem, _: Facts) -> dict[str, str]:
        seen.append(one.task_id)
        if one.task_id == "T/1" and len(seen) <= 3:
            raise ValueError("no way is known")
        return {"task": one.task_id}

    arguments = {"work_dir": tmp_path / "w", "n_workers": 1, "told": str}
    with pytest.raises(InputError, match="1 of 3 tasks not done"):
        task_by_task(problems, known, work, **arguments)
    rows = task_by_task(problems, known, work, **arguments)
    assert [row["task"] for row in rows] == ["T/0", "T/1", "T/2"]
    assert seen == ["T/0", "T/1", "T/2", "T/1"]


def test_assertions_are_written_as_the_facts_compare() -> None:
    task = make_task(
        problem("fn f(x: f64) -> f64"), facts("f64", {"min": 0, "max": 1}, compare="float:1e-6"), seed="s"
    )
    text = assertion(task, ("0.5",), "1.5")
    assert "(got - expected).abs() <= 1e-6" in text
    lent = make_task(problem("fn f(x: &mut [i32])"), facts("&mut [i32]", {}), seed="s")
    assert assertion(lent, ("&mut [1]",), "vec![2]") == (
        "{ let mut values = [1]; f(&mut values); assert_eq!(values, [2]); }"
    )


def test_more_mutants_than_an_audit_makes_each_different_from_its_source() -> None:
    source = "fn f(v: Vec<i32>) -> i32 { let mut s = 0; for i in 0..v.len() { if v[i] == 2 { s += v[i] + 1; } } s }"
    texts = [mutant.source for mutant in wider_mutants_of(source, entry_point="f")]
    assert len(texts) == len(set(texts))
    assert source not in texts
    assert any("v[i] <= 2" in text for text in texts)
    assert any("0..(v.len() - 1)" in text for text in texts)
    lines = source.replace("{ ", "{\n")
    assert pairs_of(lines, entry_point="f", count=5, seed="a") == pairs_of(
        lines, entry_point="f", count=5, seed="a"
    )
