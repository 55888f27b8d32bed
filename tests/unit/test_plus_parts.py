"""Inputs, covers and assertions of the plus suites."""

from hypothesis import given
from hypothesis import strategies as st

from rusteval.plus.assertions import assertion
from rusteval.plus.build import make_task
from rusteval.plus.cover import choose_inputs
from rusteval.plus.drawing import draw_inputs
from rusteval.plus.facts import Facts
from rusteval.plus.known_inputs import inputs_of_tests
from rusteval.problems.models import Problem
from rusteval.rust.syntax import parse
from rusteval.rust.wider_mutation import pairs_of, wider_mutants_of


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
