"""`rusteval report`: everything again from what a run left, and nothing from what does not fit together."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from run_folder import TASKS, edit_lines, judged_once, snapshot, written_once
from rusteval.errors import InputError
from rusteval.pipeline.rebuilding import load_run, rebuild_reports
from rusteval.pipeline.result_files import hash_data_files, remove_results
from rusteval.reports.analysis import analyse, metrics_document, policy_changes
from rusteval.reports.markdown import combined_summary, comparison_report

VARIANTS = {
    "policy_only": {"policy_only": True},
    "no_policy_only": {"no_policy_only": True, "k_values": (2,)},
    "one_model": {"roles": ("finetuned",), "compare_protocols": False},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return shutil.copytree(written_once(), tmp_path / "run")


def test_the_same_bytes_again_and_other_k_until_they_are_changed_back(run: Path) -> None:
    before = snapshot(run)
    rebuild_reports(run, k_values=(2,))
    assert "pass@2" in (run / "combined_summary.md").read_text()
    assert load_run(run).view.k_values == (2,)
    for name in before:
        if not name.endswith((".jsonl", ".log", "eval_metadata.json")):
            (run / name).unlink()
    rebuild_reports(run, k_values=(1, 3))
    assert snapshot(run) == before


@pytest.mark.parametrize("variant", VARIANTS)
def test_runs_of_every_kind_are_read_as_they_were(tmp_path: Path, variant: str) -> None:
    view = judged_once().write(tmp_path / "run", reports=False, **VARIANTS[variant])
    found = load_run(tmp_path / "run").view
    reports = []
    for one in (view, found):
        views = analyse(one)
        texts = [comparison_report(one, mode, views) for mode in views]
        reports.append(
            [*(metrics_document(mode, one) for mode in views), *texts, combined_summary(one, views)]
        )
    assert json.loads(json.dumps(reports[0])) == json.loads(json.dumps(reports[1]))
    assert [(change.violations, len(change.lost)) for change in policy_changes(found)] == [
        (1, 1) for _ in found.models
    ]
    assert [(c.violations, len(c.lost)) for c in policy_changes(view)] == [(1, 1) for _ in view.models]


def test_the_command_needs_neither_compiler_nor_torch_nor_network(run: Path, tmp_path: Path) -> None:
    path = run / "eval_metadata.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "contaminated": {TASKS[0]: "seen in line 3"}})
    )
    before = snapshot(run)
    script = (
        "import sys, socket\n"
        "def refuse(*_, **__): raise AssertionError('network')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        "from rusteval.command_line import new_app, run, CONTEXT\n"
        "from rusteval.report_command import report\n"
        "app = new_app()\napp.command(context_settings=CONTEXT)(report)\n"
        "try: run(app, sys.argv[1:])\n"
        "finally: print([m for m in ('torch', 'transformers', 'huggingface_hub') if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(run), "--output", str(tmp_path / "new"), "--k", "1,2"],
        capture_output=True, text=True, check=False,
        env={"PATH": "/nonexistent", "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert snapshot(run) == before
    metrics = json.loads((tmp_path / "new/policy/metrics.json").read_text())
    assert {"pass@1", "pass@2"} <= metrics["finetuned"].keys()
    assert "pass@3" not in metrics["finetuned"]
    assert metrics["config"]["k_values"] == [1, 2]
    metadata = json.loads((tmp_path / "new/eval_metadata.json").read_text())
    assert metadata["contaminated"] == {TASKS[0]: "seen in line 3"}


def _edit(run: Path, name: str, change: object) -> None:
    edit_lines(run / name, change)


def _count(run: Path) -> None:
    path = run / "eval_metadata.json"
    document = json.loads(path.read_text())
    document["judging"]["statistics"]["base"]["samples"] += 1
    path.write_text(json.dumps(document))


def _pass(rows: list[dict]) -> list[dict]:
    return [{**rows[0], "passed": True, "outcome": "passed"}, *rows[1:]]


VERDICTS = "no-policy/base_model_samples_results.jsonl"
DAMAGE = {
    "a verdict less": (
        lambda run: _edit(run, VERDICTS, lambda rows: rows[1:]),
        "holds 9 verdicts, and the run judged 10",
    ),
    "an edited verdict": (lambda run: _edit(run, VERDICTS, _pass), "enforcing the policy"),
    "no verdicts": (lambda run: (run / VERDICTS).unlink(), "no such file"),
    "another count": (_count, "judged 11 samples"),
    "other samples": (
        lambda run: _edit(run, "policy/base_model_samples.jsonl", lambda rows: rows[::-1]),
        "line by line",
    ),
    "a task less": (lambda run: _edit(run, "problems.jsonl", lambda rows: rows[1:]), "other problems"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_files_that_do_not_fit_together_are_refused(run: Path, damage: str) -> None:
    cause, said = DAMAGE[damage]
    cause(run)
    before = snapshot(run)
    if (
        damage != "another count"
    ):  # a changed count is no file of its own; all else is found by its hash first
        with pytest.raises(InputError, match=r"was changed since|is missing"):
            rebuild_reports(run)
        path = run / "eval_metadata.json"
        document = json.loads(path.read_text())
        path.write_text(json.dumps({**document, "files": hash_data_files(run)}))
        before = snapshot(run)
    with pytest.raises(InputError, match=said) as refused:
        rebuild_reports(run)
    assert len(refused.value.lines) == 1
    assert snapshot(run) == before


def test_older_runs_find_their_problems_by_name_and_hash(run: Path) -> None:
    """Versions before kept neither problems nor hashes."""
    now = load_run(run)
    for path in run.glob("problems*"):
        path.unlink()
    path = run / "eval_metadata.json"
    document = json.loads(path.read_text())
    del document["files"], document["judging"]["clippy_version"], document["judging"]["judge_version"]
    path.write_text(json.dumps(document))
    older = load_run(run)
    assert older.suites == now.suites
    assert older.verdicts == now.verdicts
    document["suite"]["sha256"] = "0" * 64
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="is another now"):
        load_run(run)


def test_what_is_no_run_is_said(tmp_path: Path, run: Path) -> None:
    scored = tmp_path / "scored"
    scored.mkdir()
    (scored / "x_results.jsonl").write_text("{}\n")
    (tmp_path / "many/model").mkdir(parents=True)
    (tmp_path / "many/model/predictions.parquet").write_text("")
    (tmp_path / "going").mkdir()
    (tmp_path / "going/status.json").write_text("{}")
    (run / "eval_metadata.json").write_text("{}")
    for place, said in (
        (scored, "verdicts of `rusteval score`"),
        (scored / "x_results.jsonl", "verdicts of `rusteval score`"),
        (tmp_path / "none", "no such folder"),
        (tmp_path / "many", "comparison of many models"),
        (tmp_path / "going", "not finished"),
        (tmp_path, "holds no eval_metadata.json"),
        (run, "field required"),
    ):
        before = snapshot(tmp_path)
        with pytest.raises(InputError, match=said):
            rebuild_reports(place)
        assert snapshot(tmp_path) == before


def test_a_later_run_removes_the_problems_of_an_earlier_one(run: Path) -> None:
    assert len(list(run.glob("problems*"))) == 2
    remove_results(run)
    assert not list(run.glob("problems*"))
