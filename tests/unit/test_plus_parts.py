"""Inputs, covers and assertions of the plus suites."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rusteval.errors import InputError
from rusteval.plus.assertions import assertion
from rusteval.plus.build import make_task
from rusteval.plus.cover import choose_inputs
from rusteval.plus.drawing import draw_inputs
from rusteval.plus.facts import Facts, load_facts, read_facts
from rusteval.plus.known_inputs import inputs_of_tests
from rusteval.plus.suite_data import UNEXPLAINED, check_place, reasons_so_far, suite_rows, write_suite
from rusteval.plus.task_by_task import choose_tasks, task_by_task
from rusteval.problems.models import Problem
from rusteval.problems.plus import load_equivalents
from rusteval.problems.suites import load_suite
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


def test_lists_are_sorted_and_without_repeats_where_the_facts_say_so() -> None:
    item = {"min": -9, "max": 9}
    spec = {"len": [0, 9], "item": item, "sorted": True, "unique": True}
    for (value,) in draw_inputs(facts("Vec<i32>", spec), count=40, seed="s"):
        numbers = [int(each) for each in value[len("vec![") : -1].split(", ") if each]
        assert numbers == sorted(set(numbers))


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


def test_reasons_that_people_gave_stay_with_their_mutants(tmp_path: Path) -> None:
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
    write_suite(tmp_path, "own", {".equivalent": told})
    assert reasons_so_far(tmp_path, "own") == reasons
    assert len(reasons_so_far(None, "humaneval-rust")) == len(load_equivalents("humaneval-rust"))


def test_tasks_that_are_done_are_not_done_again_and_failures_keep_the_others(tmp_path: Path) -> None:
    problems = [Problem(task_id=f"T/{n}", prompt="fn f() {", entry_point="f", test="") for n in range(3)]
    known = {each.task_id: facts("i32", {}) for each in problems}
    seen: list[str] = []

    def work(one: Problem, _: Facts) -> dict[str, str]:
        seen.append(one.task_id)
        if one.task_id == "T/1" and len(seen) <= 3:
            raise ValueError("no way is known")
        return {"task": one.task_id}

    arguments = {"settings": {"seed": "a"}, "work_dir": tmp_path / "w", "n_workers": 1, "told": str}
    with pytest.raises(InputError, match="1 of 3 tasks not done"):
        task_by_task(problems, known, work, **arguments)
    rows = task_by_task(problems, known, work, **arguments)
    assert [row["task"] for row in rows] == ["T/0", "T/1", "T/2"]
    assert seen == ["T/0", "T/1", "T/2", "T/1"]
    assert task_by_task(problems, known, work, **arguments) == rows
    (tmp_path / "w" / "T_2.json").write_text('{"task": "nobody knows from what"}')
    assert task_by_task(problems, known, work, **arguments) == rows
    assert seen.pop() == "T/2"
    known["T/2"] = known["T/2"].model_copy(update={"silent": ("order",)})  # decides nothing
    known["T/0"] = facts("i32", {"min": 1, "max": 2})
    task_by_task(problems, known, work, **arguments)
    assert seen[4:] == ["T/0"]
    task_by_task(problems, known, work, **{**arguments, "settings": {"seed": "b"}})
    assert seen[5:] == ["T/0", "T/1", "T/2"]


def test_a_task_that_is_not_there_or_of_which_nothing_is_known_is_not_passed_over() -> None:
    base = load_suite("humaneval-rust")
    known = {"HumanEval/1": facts("i32", {})}
    assert [each.task_id for each in choose_tasks(base, known, tasks=None)] == ["HumanEval/1"]
    for tasks, message in {
        "HumanEval/1,HumanEval/999": "does not have: HumanEval/999",
        "HumanEval/1,HumanEval/2": "no facts of HumanEval/2",
    }.items():
        with pytest.raises(InputError, match=message):
            choose_tasks(base, known, tasks=tasks.split(","))
    with pytest.raises(InputError, match="no task of suite humaneval-rust has facts"):
        choose_tasks(base, {}, tasks=None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wher": "true"}, "wher: "),
        ({"compare": None}, "a property must say"),
        ({"always": [["1", "2"]]}, "always has 2 values for 1 parameters"),
        ({"params": [{"name": "x", "type": "i32", "spec": {"min": 3, "max": 2}}]}, "min 3 is above max 2"),
        ({"params": [{"name": "x", "type": "&str", "spec": {"len": [3, 2]}}]}, "fewest and the most"),
        ({"params": [{"name": "x", "type": "&str", "spec": {"chars": ""}}]}, r"params\.0\.spec\.chars"),
    ],
)
def test_facts_that_cannot_be_used_are_refused_with_their_line(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "own.jsonl"
    row = facts("i32", {}).model_dump(mode="json", exclude_defaults=True)
    path.write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'task_id': 'T/2', **changes})}\n")
    with pytest.raises(InputError, match=f"line 2: .*{message}"):
        read_facts(path)


def test_written_facts_are_read_again_with_the_wrong_programs_beside_them(tmp_path: Path) -> None:
    packaged = load_facts("humaneval-rust")
    write_suite(tmp_path, "own", suite_rows(packaged, [], reasons={}))
    assert read_facts(tmp_path / "own.facts.jsonl") == packaged
    assert sum(len(known.wrong) for known in packaged.values()) > 0
    (tmp_path / "own.facts.jsonl").write_text("")
    with pytest.raises(InputError, match="wrong programs of tasks without facts: HumanEval/0"):
        read_facts(tmp_path / "own.facts.jsonl")


def test_files_of_a_suite_are_not_replaced_by_those_of_fewer_tasks(tmp_path: Path) -> None:
    known = {"T/1": facts("i32", {})}
    write_suite(tmp_path, "own", suite_rows(known, [], reasons={}))
    check_place(tmp_path, "own", tasks={"T/1", "T/2"})
    with pytest.raises(InputError, match=r"1 tasks that would be lost \(T/1\)"):
        check_place(tmp_path, "own", tasks={"T/2"})


def test_facts_of_another_function_are_refused() -> None:
    for signature in ("fn g(x: i32)", "fn f(x: u32)", "fn f(x: i32, y: i32)"):
        with pytest.raises(ValueError, match=r"the facts are of f\(i32\)"):
            make_task(
                problem(signature).model_copy(update={"entry_point": signature[3]}),
                facts("i32", {}),
                seed="s",
            )


def test_assertions_are_written_as_the_facts_compare() -> None:
    task = make_task(
        problem("fn f(x: f64) -> f64"), facts("f64", {"min": 0, "max": 1}, compare="float:1e-6"), seed="s"
    )
    text = assertion(task, ("0.5",), "1.5")
    assert "(got - expected).abs() <= 1e-6" in text
    texts = make_task(
        problem("fn f(x: i32) -> Vec<String>"), facts("i32", {"max": 1}, compare="sorted"), seed="s"
    )
    assert 'let expected: Vec<&str> = vec!["a"];' in assertion(texts, ("1",), 'vec!["a"]')
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
