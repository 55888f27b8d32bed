"""Comparing verdicts: what is read, what is refused, and the numbers."""

import json

import pytest
from scipy import stats

from builders import make_model, make_suite, make_task, make_verdict
from plus_builders import with_plus
from run_folders import write_problems, write_run
from rusteval.comparing.compare import CompareSettings, compare_results
from rusteval.comparing.sentences import sentences
from rusteval.comparing.writing import to_document, to_paper
from rusteval.errors import InputError
from rusteval.files import write_json_atomic, write_jsonl_atomic
from rusteval.judging.verdict import enforce_policy
from rusteval.pipeline.many_models.evaluation import verdict_columns
from rusteval.pipeline.many_models.folders import ModelFolder, write_results


def compare(*named, **settings):
    return compare_results([str(name) for name in named], settings=CompareSettings(**settings))


def measure(comparison, key):
    return next(found for found in comparison.measures if found.key == key)


def write_verdicts(path, verdicts):
    write_jsonl_atomic(path, (verdict.to_row() for verdict in verdicts))
    return path


def tasks(kinds_by_task):
    return [
        verdict
        for number, kinds in enumerate(kinds_by_task)
        for verdict in make_task(kinds, task_id=f"mine/{number}")
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of both models, with the metrics that the main job writes of it."""
    suite = make_suite(24)
    verdicts = {
        role: make_model(suite, samples=5, skill=skill, seed=seed)
        for role, skill, seed in (("base", 0.3, 1), ("finetuned", 0.6, 2))
    }
    folder = tmp_path_factory.mktemp("run")
    write_run(folder / "run", verdicts, suite=suite, k_values=(1, 5), reports=True)
    write_problems(folder / "problems.jsonl", suite)
    return folder


@pytest.mark.parametrize("mode", ["no-policy", "policy"])
def test_both_models_of_a_run_compare_as_its_own_report_says(run, mode):
    found = compare(f"{run}/run:base", f"{run}/run:finetuned", problem_file=run / "problems.jsonl", mode=mode)
    metrics = json.loads((run / f"run/{mode}/metrics.json").read_text())
    assert [one.key for one in found.measures][:2] == ["pass@1", "pass@5"]
    for one in found.measures:
        stated = metrics["comparison"][one.key]
        assert one.values == [metrics["base"][one.key], metrics["finetuned"][one.key]]
        assert list(one.intervals[1]) == metrics["finetuned"]["ci95"][one.key]
        assert one.differences[0] is None
        assert one.differences[1].value == stated["difference"]
        assert list(one.differences[1].interval) == stated["ci95"]
        if one.key.startswith("pass@"):
            assert one.differences[1].p_value == stated["p_value"]
    standings = metrics["comparison"]["wins"], metrics["comparison"]["ties"], metrics["comparison"]["losses"]
    assert found.units.standings(1) == standings
    assert dict(found.facts)["policy mode"] == ["enforced" if mode == "policy" else "not enforced"] * 2


def test_a_run_against_itself_has_no_difference_anywhere(run):
    found = compare(f"{run}/run", f"{run}/run", f"{run}/run:finetuned", problem_file=run / "problems.jsonl")
    assert found.same == [True, True, True]
    assert sentences(found) == [
        f"{name} has the same verdicts as run:finetuned: no difference." for name in found.names[1:]
    ]
    for one in found.measures:
        assert one.differences[1].value == one.differences[2].value == 0
    sheet = next(sheet for sheet in to_paper(found).sheets if sheet.heading == "Against run:finetuned")
    assert {row[1] for row in sheet.rows} == {"no difference"}
    assert {row[-1] for row in sheet.rows} == {"no"}
    assert found.units.standings(1) == (0, 24, 0)


def test_numbers_are_those_that_a_hand_would_compute(tmp_path):
    first = tasks([["passed", "wrong"], ["wrong", "types"], ["passed", "passed"], ["types", "borrow"]])
    second = tasks([["passed", "passed"], ["passed", "types"], ["passed", "passed"], ["passed", "wrong"]])
    found = compare(
        write_verdicts(tmp_path / "a_results.jsonl", first),
        write_verdicts(tmp_path / "b_results.jsonl", second),
    )
    passes = measure(found, "pass@1")
    assert passes.values == pytest.approx([3 / 8, 6 / 8])
    assert passes.differences[1].value == pytest.approx(3 / 8)
    # three tasks gain one sample each: both signs of each are equally likely, two of eight patterns reach that far
    assert passes.differences[1].p_value == pytest.approx(2 / 8)
    assert measure(found, "compile_rate").values == pytest.approx([5 / 8, 7 / 8])
    assert found.units.standings(1) == (3, 1, 0)
    codes = next(tally for tally in found.tallies if tally.key == "error_codes")
    assert dict(codes.rows) == {"E0308": [2, 1], "E0382": [1, 0]}
    assert found.clusters == "tasks"
    assert (
        "do not show whether b_results.jsonl is better than a_results.jsonl at pass@1" in sentences(found)[0]
    )
    document = to_document(found)
    assert document["measures"]["pass@1"]["differences"][1]["difference"] == pytest.approx(3 / 8)
    assert document["units"][1] == {"name": "mine/1", "counts": [[0, 2], [1, 2]]}
    assert document["standings"] == [None, {"wins": 3, "ties": 1, "losses": 0}]
    json.dumps(document, allow_nan=False)


def test_one_sample_of_each_task_is_tested_by_mcnemar(tmp_path):
    first = tasks([["wrong"]] * 9 + [["passed"]] * 3)
    second = tasks([["passed"]] * 9 + [["wrong"]] + [["passed"]] * 2)
    found = compare(write_verdicts(tmp_path / "a.jsonl", first), write_verdicts(tmp_path / "b.jsonl", second))
    assert found.mcnemar[1]["p_value"] == pytest.approx(stats.binomtest(9, 10).pvalue)
    # an exact permutation test of single samples is McNemar's
    assert measure(found, "pass@1").differences[1].p_value == pytest.approx(stats.binomtest(9, 10).pvalue)
    assert "b.jsonl is better than a.jsonl at pass@1: 91.7 % against 25.0 %" in sentences(found)[0]
    assert (
        "McNemar test gives p = 0.021 (9 solved by b.jsonl alone, 1 by a.jsonl alone)" in sentences(found)[0]
    )


def test_p_values_of_several_results_are_corrected(tmp_path):
    paths = [
        write_verdicts(tmp_path / f"{name}.jsonl", tasks([["passed"]] * good + [["wrong"]] * (12 - good)))
        for name, good in (("a", 2), ("b", 8), ("c", 10))
    ]
    passes = measure(compare(*paths), "pass@1")
    raw = [2 / 2**6, 2 / 2**8]
    assert [d.p_value for d in passes.differences[1:]] == pytest.approx(raw)
    assert [d.p_value_holm for d in passes.differences[1:]] == pytest.approx([raw[0], 2 * raw[1]])


def test_only_tasks_in_common_count_and_the_others_are_named(tmp_path):
    first = write_verdicts(tmp_path / "a.jsonl", tasks([["passed"], ["wrong"], ["wrong"]]))
    second = write_verdicts(tmp_path / "b.jsonl", tasks([["passed"], ["passed"]]))
    found = compare(first, second)
    assert [row.name for row in found.units.rows] == ["mine/0", "mine/1"]
    assert found.left_out == {"a.jsonl": ["mine/2"]}
    assert measure(found, "pass@1").values == [0.5, 1.0]
    assert any("mine/2" in note for note in to_paper(found).notes)
    other = write_verdicts(tmp_path / "c.jsonl", make_task(["passed"], task_id="other/0"))
    with pytest.raises(InputError, match="no task in common"):
        compare(first, other)


def test_the_policy_is_enforced_on_all_or_on_none(tmp_path):
    verdicts = tasks([["violation", "passed"], ["passed", "wrong"]])
    free = write_verdicts(tmp_path / "free.jsonl", verdicts)
    strict = write_verdicts(tmp_path / "strict.jsonl", [enforce_policy(one) for one in verdicts])
    found = compare(free, strict)
    assert found.same == [True, True]  # the same samples in the same mode
    assert measure(found, "pass@1").values == [0.5, 0.5]
    assert any("only such verdicts are there of" in note for note in found.notes)
    assert measure(compare(free, free), "pass@1").values == [0.75, 0.75]
    assert measure(compare(free, free, mode="policy"), "pass@1").values == [0.5, 0.5]
    with pytest.raises(InputError, match="compare with --mode policy"):
        compare(free, strict, mode="no-policy")


def test_what_differs_is_said_and_other_problems_are_refused(tmp_path, run):
    suite = make_suite(24)
    verdicts = {"base": make_model(suite, samples=3, skill=0.5, seed=4)}
    changed = write_run(tmp_path / "warm", verdicts, suite=suite, rustc="rustc 1.80.0", temperature=0.8)
    notes = " ".join(compare(f"{run}/run:base", changed, problem_file=run / "problems.jsonl").notes)
    for difference in ("temperature", "rustc", "samples of a task or prompt"):
        assert f"Different {difference}:" in notes
    assert "Different protocol" not in notes
    elsewhere = write_run(tmp_path / "elsewhere", verdicts, suite=suite, suite_sha256="cd" * 32)
    with pytest.raises(InputError, match=r"problems differ .*--force"):
        compare(changed, elsewhere)
    notes = compare(changed, elsewhere, force=True, problem_file=run / "problems.jsonl").notes
    assert any(note.startswith("Different problems:") for note in notes)
    unknown = write_verdicts(tmp_path / "b.jsonl", verdicts["base"])
    notes = compare(changed, unknown, problem_file=run / "problems.jsonl").notes
    assert any(note.startswith("Not recorded for b.jsonl, and so not checked: problems,") for note in notes)


def test_the_identity_of_samples_tells_how_they_were_drawn(tmp_path):
    for name, temperature in (("a", 0.2), ("b", 0.9)):
        write_verdicts(tmp_path / f"{name}_results.jsonl", tasks([["passed"]]))
        identity = {"model": f"org/{name}", "suite_sha256": "ab" * 32, "temperature": temperature}
        write_json_atomic(tmp_path / f"{name}.jsonl.identity.json", identity)
    found = compare(tmp_path / "a_results.jsonl", tmp_path / "b_results.jsonl")
    assert found.models == ["org/a", "org/b"]
    assert any(
        "Different temperature: a_results.jsonl 0.2, b_results.jsonl 0.9." in note for note in found.notes
    )


def test_other_words_for_the_same_task_are_noticed(tmp_path):
    paths = []
    for name in "ab":
        verdict = make_verdict("passed", task_id="mine/0")
        sample = verdict.sample.model_copy(update={"prompt_sha256": name * 64})
        paths.append(
            write_verdicts(tmp_path / f"{name}.jsonl", [verdict.model_copy(update={"sample": sample})])
        )
    assert any(
        "1 tasks were put to the models in different words (mine/0)" in n for n in compare(*paths).notes
    )


def test_a_model_of_a_run_over_many_compares_with_a_scored_file(tmp_path):
    verdicts = tasks([["passed", "unclean", "types"], ["wrong", "infra", "violation"]])
    rows = [
        {
            "task_id": verdict.sample.task_id,
            "response": verdict.sample.completion,
            "completion_id": verdict.sample.completion_id,
            "model_name": "org/many",
            **verdict_columns(verdict, tools=("build", "clippy", "test")),
        }
        for verdict in verdicts
    ]
    folder = ModelFolder(path=tmp_path / "many")
    write_results(
        folder, rows, facts={"suite": "mine", "suite_sha256": "ab" * 32, "rustc_version": "rustc 1"}
    )
    found = compare(write_verdicts(tmp_path / "a.jsonl", verdicts), tmp_path / "many")
    assert found.same == [True, True]
    assert found.models[1] == "org/many"
    assert measure(found, "clippy_pass_rate").values[0] == measure(found, "clippy_pass_rate").values[1]


def test_plus_scores_are_compared_where_all_have_them(tmp_path):
    plain = tasks([["passed", "passed"], ["passed", "wrong"]])
    all_pass = [with_plus(verdict) for verdict in plain]
    weak = [with_plus(verdict, result="failed: plus_1") for verdict in plain]
    doubtful = [*all_pass[1:], with_plus(plain[0], result="not judged: no jail")]
    named = {"plain": plain, "all": all_pass, "weak": weak, "doubtful": doubtful}
    paths = {name: write_verdicts(tmp_path / f"{name}.jsonl", own) for name, own in named.items()}
    found = compare(paths["all"], paths["weak"])
    assert measure(found, "pass@1").values == [0.75, 0.75]
    assert measure(found, "pass@1+").values == [0.75, 0.0]
    assert found.same == [True, False]
    without = compare(paths["all"], paths["plain"])
    assert "pass@1+" not in [one.key for one in without.measures]
    assert "No pass@k+: plain.jsonl was judged without added tests." in without.notes
    unsure = compare(paths["all"], paths["doubtful"])
    assert any("the added tests of 1 sample could not be judged" in note for note in unsure.notes)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (["{0}/one.jsonl"], "two or more"),
        (["{0}/gone.jsonl", "{0}/one.jsonl"], "no such file"),
        (["{0}/samples.jsonl", "{0}/one.jsonl"], "no verdict; judge samples first"),
        (["{0}/empty.jsonl", "{0}/one.jsonl"], "holds no verdict"),
        (["{0}/bad.json", "{0}/one.jsonl"], "cannot be read as JSON"),
        (["{0}/other.json", "{0}/one.jsonl"], "has no number under compile_success_rate"),
        (["{0}", "{0}/one.jsonl"], "neither eval_metadata.json nor results.parquet"),
        (["{0}/one.jsonl:base", "{0}/one.jsonl"], ":base names a model of a results folder"),
        (["{0}/run:finetuned", "{0}/one.jsonl"], "no verdicts of finetuned"),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path, named, message):
    write_verdicts(tmp_path / "one.jsonl", tasks([["passed"]]))
    (tmp_path / "samples.jsonl").write_text('{"task_id": "mine/0", "completion": "x"}\n')
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "bad.json").write_text('{"compile_success_rate": NaN}')
    (tmp_path / "other.json").write_text("{}")
    write_run(tmp_path / "run", {"base": make_task(["passed"])}, suite=make_suite(1))
    with pytest.raises(InputError, match=message) as raised:
        compare(*(name.format(tmp_path) for name in named))
    assert len(raised.value.lines) == 1
