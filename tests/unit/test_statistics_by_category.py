import pytest

from builders import make_model, make_suite, make_task
from rusteval.statistics.by_category import score_categories
from rusteval.statistics.intervals import FEW_CLUSTERS, wilson
from rusteval.statistics.metrics import compute_metrics
from rusteval.statistics.paired import compare_models


def tasks(kinds_by_task):
    return [v for task, kinds in kinds_by_task.items() for v in make_task(kinds, task_id=task)]


def score(base, finetuned, categories, clusters=None):
    return score_categories(
        {"base": base, "finetuned": finetuned}, categories=categories, clusters=clusters or {}, seed=4
    )


def test_one_category_of_everything_has_the_numbers_of_the_whole_run():
    suite = make_suite(40)
    base = make_model(suite, samples=5, skill=0.4, seed=1)
    finetuned = make_model(suite, samples=5, skill=0.6, seed=2)
    names = {problem.task_id: "all" for problem in suite.problems}
    (row,) = score(base, finetuned, names)
    whole = compare_models(base, finetuned, k_values=(1,), clusters={}, seed=4)["pass@1"]
    assert (row.tasks, row.n_clusters, row.is_rough) == (40, 40, False)
    assert row.difference == pytest.approx(whole["difference"])
    assert list(row.interval) == pytest.approx(whole["ci95"])
    alone = compute_metrics(base, k_values=(1,), clusters={}, rustc_version="", seed=4)
    assert row.rates["base"].estimate == pytest.approx(alone["pass@1"])
    assert [row.rates["base"].low, row.rates["base"].high] == pytest.approx(alone["ci95"]["pass@1"])


def test_every_task_is_in_one_category_and_the_largest_comes_first():
    base = tasks(
        {"a": ["passed", "wrong"], "b": ["wrong", "wrong"], "c": ["passed"], "only base": ["passed"]}
    )
    finetuned = tasks({"a": ["passed", "passed"], "b": ["passed", "wrong"], "c": ["infra", "wrong"]})
    names = {"a": "text", "b": "text", "c": "lists", "only base": "lists"}
    text, lists = score(base, finetuned, names)
    assert (text.name, text.tasks, lists.name, lists.tasks) == ("text", 2, "lists", 1)
    assert text.difference == pytest.approx(0.5)
    assert (text.rates["finetuned"].passed, text.rates["finetuned"].samples) == (3, 4)
    assert (lists.rates["finetuned"].passed, lists.rates["finetuned"].samples) == (0, 1)
    assert lists.difference == -1.0
    assert lists.to_dict()["rough"] is True


def test_tasks_that_share_an_entry_point_are_one_draw_also_here():
    base = tasks({str(number): ["wrong"] for number in range(FEW_CLUSTERS)})
    names = dict.fromkeys(map(str, range(FEW_CLUSTERS)), "text")
    (free,) = score(base, base, names)
    (tied,) = score(base, base, names, clusters={"0": "f", "1": "f"})
    assert (free.n_clusters, free.is_rough) == (FEW_CLUSTERS, False)
    assert (tied.n_clusters, tied.is_rough) == (FEW_CLUSTERS - 1, True)
    assert tied.rates["base"].high == pytest.approx(wilson(0, FEW_CLUSTERS - 1)[1])
    assert tied.rates["base"].high > free.rates["base"].high


def test_a_task_that_nobody_could_judge_leaves_no_value():
    base, finetuned = tasks({"a": ["passed"], "b": ["wrong"]}), tasks({"a": ["infra"], "b": ["passed"]})
    (row,) = score(base, finetuned, {"a": "text", "b": "text"})
    assert row.rates["finetuned"].estimate is None
    assert row.rates["base"].estimate == 0.5
    assert row.difference is None
    assert row.to_dict()["ci95"] is None


def test_a_single_model_has_rates_and_no_difference():
    rows = score_categories({"base": tasks({"a": ["passed"]})}, categories={"a": "text"}, clusters={}, seed=1)
    assert (rows[0].rates["base"].estimate, rows[0].difference) == (1.0, None)
    assert score_categories({"base": []}, categories={}, clusters={}, seed=1) == []
