import json
import re

import pytest

from builders import HOSTILE, make_run, make_task, make_verdict
from markdown_tables import MARKDOWN, row_of, table_with, tables_of
from rusteval.reports.analysis import analyse, error_rows, warnings
from rusteval.reports.charts import CHART_NAMES
from rusteval.reports.run_view import ModelRun
from rusteval.reports.write import write_reports
from rusteval.statistics.metrics import compute_metrics


def test_all_files_of_a_run_with_two_models_and_two_modes(tmp_path):
    paths = write_reports(make_run(tasks=5, samples=4), output_dir=tmp_path)
    written = {str(path.relative_to(tmp_path)) for path in paths}
    charts = {name for name in written if name.startswith("charts/")}
    assert written - charts == {
        "no-policy/metrics.json", "no-policy/comparison_report.md",
        "policy/metrics.json", "policy/comparison_report.md",
        "combined_summary.md", "report.html", "eval_metadata.json",
    }  # fmt: skip
    assert charts <= {f"charts/{name}.{suffix}" for name in CHART_NAMES for suffix in ("png", "svg")}
    for name in ("pass_at_k", "outcomes", "task_differences"):
        assert {f"charts/{name}.png", f"charts/{name}.svg"} <= charts
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} == written


def test_metrics_json_holds_what_the_verdicts_say(tmp_path):
    run = make_run(tasks=4, samples=3, k_values=(1, 3))
    write_reports(run, output_dir=tmp_path)
    document = json.loads((tmp_path / "no-policy/metrics.json").read_text())
    assert list(document) == [
        "base", "finetuned", "comparison", "categories", "without_suspicious_tasks", "human_eval_rust",
        "config", "timestamp",
    ]  # fmt: skip
    assert list(document["categories"]) == ["numbers"]
    assert document["without_suspicious_tasks"] is None
    for model in run.models:
        expected = compute_metrics(
            model.verdicts,
            k_values=(1, 3),
            clusters=run.clusters,
            rustc_version=run.rustc_version,
            seed=run.seed,
        )
        assert document[model.role] == json.loads(json.dumps(expected))
    difference = document["finetuned"]["pass@1"] - document["base"]["pass@1"]
    assert document["comparison"]["pass@1"]["difference"] == pytest.approx(difference)
    assert document["config"] == run.config
    assert document["timestamp"] == run.timestamp


def test_a_single_model_and_a_single_mode_give_null_for_the_rest(tmp_path):
    run = make_run(tasks=3, samples=2, roles=("finetuned",), modes=("policy",))
    paths = write_reports(run, output_dir=tmp_path)
    document = json.loads((tmp_path / "policy/metrics.json").read_text())
    assert document["base"] is None
    assert document["comparison"] is None
    assert document["finetuned"]["n_tasks"] == 3
    assert not (tmp_path / "no-policy").exists()
    assert "task_differences.png" not in {path.name for path in paths}
    report = (tmp_path / "policy/comparison_report.md").read_text()
    assert "Fine-tuned model: pass@1 is" in report
    assert "difference" not in tables_of(report)[1][0]
    summary = (tmp_path / "combined_summary.md").read_text()
    assert "not run" in summary
    assert "difference" not in summary.lower()


def test_charts_of_an_earlier_run_do_not_stay_beside_the_new_one(tmp_path):
    write_reports(make_run(tasks=3, samples=2), output_dir=tmp_path)
    assert (tmp_path / "charts/task_differences.png").exists()
    write_reports(make_run(tasks=3, samples=2, roles=("base",)), output_dir=tmp_path)
    assert not (tmp_path / "charts/task_differences.png").exists()
    assert not (tmp_path / "charts/task_differences.svg").exists()


def test_the_same_run_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_reports(make_run(tasks=3, samples=2), output_dir=tmp_path / name)
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path


def test_the_report_shows_rates_with_their_denominators(tmp_path):
    base = make_task(["passed", "types", "borrow", "types", "prose", "infra"], task_id="HumanEval/0")
    finetuned = make_task(
        ["passed", "passed", "violation", "unclean", "wrong", "passed"], task_id="HumanEval/0"
    )
    run = make_run(tasks=1, verdicts={"base": base, "finetuned": finetuned}, k_values=(1, 6))
    write_reports(run, output_dir=tmp_path)
    text = (tmp_path / "no-policy/comparison_report.md").read_text()
    rates = table_with(text, ["a sample"])
    assert row_of(rates, "compiles")[1:3] == ["20.0 %", "1 of 5"]
    assert row_of(rates, "compiles")[4:6] == ["100 %", "6 of 6"]
    assert row_of(rates, "violates the policy")[4:6] == ["16.7 %", "1 of 6"]
    assert row_of(table_with(text, ["k"]), "6")[1] == "n/a"
    assert "pass@6 is missing because it needs 6 judged samples of every task" in text
    errors = table_with(text, ["error"])
    assert row_of(errors, "compile_error")[2:4] == ["3", "0"]
    assert row_of(errors, "infra_sandbox")[2:4] == ["1", "0"]
    codes = table_with(text, ["code"])
    assert row_of(codes, "E0308")[1:] == ["2", "0", "HumanEval/0 sample 1: error[E0308]: mismatched types"]
    assert "Base model: 1 of 6 samples could not be judged" in text
    assert "Only 1 independent task" in text
    assert "sum of `two`" not in text


def test_the_report_lists_wins_losses_and_repairs(tmp_path):
    base = [
        *make_task(["passed", "wrong"], task_id="HumanEval/0"),
        *make_task(["wrong", "wrong"], task_id="HumanEval/1"),
        *make_task(["passed", "passed"], task_id="HumanEval/2"),
    ]
    finetuned = [
        *make_task(["wrong", "wrong"], task_id="HumanEval/0"),
        *make_task(["passed", "wrong"], task_id="HumanEval/1"),
        *make_task(["passed", "passed"], task_id="HumanEval/2"),
    ]
    run = make_run(
        tasks=3,
        verdicts={"base": base, "finetuned": finetuned},
        repairs={"HumanEval/1": "tests `0.1 + 0.2` with == | exactly"},
    )
    write_reports(run, output_dir=tmp_path)
    text = (tmp_path / "no-policy/comparison_report.md").read_text()
    ahead, behind = (
        table for table in tables_of(text) if table[0][0] == "task" and table[0][1] == "function"
    )
    assert ahead[1:] == [["HumanEval/1", "add_1", "0 of 2", "1 of 2", "+50.0"]]
    assert behind[1:] == [["HumanEval/0", "add_0", "1 of 2", "0 of 2", "-50.0"]]
    assert (
        "solved by both: 1; only by the fine-tuned model: 1; only by the base model: 1; by neither: 0" in text
    )
    assert table_with(text, ["task", "field"])[1] == [
        "HumanEval/1",
        "test",
        "tests `0.1 + 0.2` with == | exactly",
    ]


def test_the_summary_says_what_the_policy_changed(tmp_path):
    base = make_task(["passed", "violation", "wrong", "wrong"])
    finetuned = [
        *make_task(["passed", "violation", "violation"]),
        make_verdict("wrong", completion_id=3, policy_violation="a | b"),
    ]
    finetuned[1] = finetuned[1].model_copy(update={"policy_violation": "std::process (line 7)"})
    write_reports(make_run(tasks=1, verdicts={"base": base, "finetuned": finetuned}), output_dir=tmp_path)
    text = (tmp_path / "combined_summary.md").read_text()
    policy = table_with(text, ["model", "samples that violate it"])
    assert row_of(policy, "Base")[1:] == ["1 of 4", "1", "50.0 %", "25.0 %"]
    assert row_of(policy, "Fine-tuned")[1:] == ["3 of 4", "2", "75.0 %", "25.0 %"]
    lost = table_with(text, ["model", "task", "sample"])
    assert lost[1:] == [
        ["Base", "HumanEval/0", "1", "std::process (line 2)"],
        ["Fine-tuned", "HumanEval/0", "1", "std::process (line 7)"],
        ["Fine-tuned", "HumanEval/0", "2", "std::process (line 2)"],
    ]
    found = table_with(text, ["what was found most"])
    assert row_of(found, "a | b")[1:] == ["0", "1"]
    assert row_of(found, "std::process")[1:] == ["1", "2"], "the line it stands in makes no other kind of it"
    numbers = table_with(text, [""])
    assert numbers[0][1:] == [
        "Base, without policy",
        "Fine-tuned, without policy",
        "Base, policy enforced",
        "Fine-tuned, policy enforced",
    ]
    assert [cell.split(" (")[0] for cell in row_of(numbers, "pass@1")[1:]] == [
        "50.0 %",
        "75.0 %",
        "25.0 %",
        "25.0 %",
    ]


def test_hostile_text_breaks_no_markdown_table(tmp_path):
    verdicts = [
        make_verdict(
            "types", task_id=f"HumanEval/{number}", completion=text, stderr=text, result=text, error_code=text,
            policy_violation=text, extraction=text,
        )
        for number, text in enumerate(HOSTILE)
    ]  # fmt: skip
    passing = [
        v.model_copy(update={"passed": True, "outcome": "passed", "error_type": None}) for v in verdicts
    ]
    run = make_run(
        tasks=len(HOSTILE), verdicts={"base": verdicts, "finetuned": passing}, warnings=HOSTILE, name="a|b`c<d>",
        config={"note": HOSTILE[5], "nested": {"list": list(HOSTILE)}},
    )  # fmt: skip
    write_reports(run, output_dir=tmp_path)
    for path in (*tmp_path.glob("*/comparison_report.md"), tmp_path / "combined_summary.md"):
        text = path.read_bytes().decode("utf-8")
        for table in tables_of(text):
            assert {len(row) for row in table} == {len(table[0])}
        tokens = MARKDOWN.parse(text)
        inline = [child for token in tokens for child in token.children or []]
        assert {c.content for c in inline if c.type == "html_inline"} <= {"<code>", "</code>"}
        assert not [token for token in tokens if token.type == "html_block"]
        links = {child.attrs["href"] for child in inline if child.type == "link_open"}
        assert all(re.match(r"https://doc\.rust-lang\.org/|[a-z_-]+[./]", link) for link in links)


def test_missing_tasks_are_said(tmp_path):
    run = make_run(tasks=4, verdicts={"base": make_task(["passed"], task_id="HumanEval/0")}, roles=("base",))
    found = warnings(run, analyse(run))
    assert any("3 tasks of 4 without any sample" in warning for warning in found)
    write_reports(run, output_dir=tmp_path)


def test_every_failed_sample_is_in_the_error_table():
    run = make_run(tasks=20, samples=10)
    view = analyse(run)[1]
    rows = error_rows(view)
    for model in view.models:
        assert sum(row.counts[model.role] for row in rows) == sum(
            not verdict.passed for verdict in model.verdicts
        )
    assert {row.name for row in rows} >= {"policy_violation", "compile_error", "no_code"}


def test_metadata_says_which_modes_ran_and_where_they_are(tmp_path):
    write_reports(
        make_run(tasks=2, samples=1, modes=("no-policy",), warnings=("Careful.",)), output_dir=tmp_path
    )
    document = json.loads((tmp_path / "eval_metadata.json").read_text())
    assert document["modes_run"] == ["no-policy"]
    assert document["results"] == {"no-policy": "no-policy/"}
    assert document["warnings"] == ["Careful."]
    assert document["os"] == "Debian"


def test_values_that_are_no_numbers_are_shown_as_they_are(tmp_path):
    run = make_run(tasks=1, verdicts={"base": [make_verdict("prose")], "finetuned": [make_verdict("infra")]})
    write_reports(run, output_dir=tmp_path)
    document = json.loads((tmp_path / "no-policy/metrics.json").read_text())
    assert document["finetuned"]["pass@1"] is None
    assert document["finetuned"]["compile_rate"] is None
    assert document["comparison"]["compile_rate"]["difference"] is None
    averages = table_with((tmp_path / "no-policy/comparison_report.md").read_text(), ["average"])
    assert averages[1] == ["time to compile", "n/a", "0", "n/a", "0"]


def test_a_run_that_cannot_be_reported_is_refused():
    with pytest.raises(ValueError, match="different roles"):
        make_run(tasks=1, roles=())
    with pytest.raises(ValueError, match="modes"):
        make_run(tasks=1, modes=())
    with pytest.raises(ValueError, match="at least one k"):
        make_run(tasks=1, k_values=())
    with pytest.raises(TypeError):
        ModelRun("base", "x", ())
