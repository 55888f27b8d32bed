"""`rusteval contamination` from training data to the report that an evaluation takes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contamination_support import HONEST, reformatted, renamed
from rusteval.command_line import CONTEXT, new_app, run
from rusteval.contamination_command import contamination
from rusteval.errors import InputError
from rusteval.pipeline.contamination import open_contamination
from rusteval.problems.suites import load_suite, select_tasks

ROOT = Path(__file__).resolve().parents[2]
SUITE = load_suite()
VERBATIM, RENAMED, REFORMATTED = (SUITE.by_id[f"HumanEval/{number}"] for number in (140, 69, 39))
NAMES = {"search": "mode", "lst": "xs", "freq": "seen", "max": "best", "has": "known", "i": "a", "j": "b"}


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    app = new_app()
    app.command(context_settings=CONTEXT)(contamination)
    with pytest.raises(SystemExit) as ended:
        run(app, [str(argument) for argument in arguments])
    printed = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 1), printed.out, printed.err


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Honest pairs, enough of them to be searched by several processes, with three copies among them."""
    rows = [
        {"prompt": f"{prompt} Variant {number}.", "gen": f"// {number}\n{answer}\n"}
        for number in range(2500)
        for prompt, answer in HONEST
    ]
    rows[700] = {"prompt": VERBATIM.prompt, "gen": VERBATIM.canonical_solution}
    rows[1400] = {"prompt": "Find the best.", "gen": renamed(RENAMED, NAMES)}
    rows[14000] = {"prompt": "Primes, please.", "gen": f"```rust\n{reformatted(REFORMATTED)}\n```"}
    path = tmp_path_factory.mktemp("training") / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def report(training: Path) -> Path:
    """The report on those data, from the command as it is called."""
    path = training.with_name("report.json")
    app = new_app()
    app.command(context_settings=CONTEXT)(contamination)
    with pytest.raises(SystemExit) as ended:
        run(app, ["--train", str(training), "--output", str(path), "--n-workers", "2"])
    assert ended.value.code == 0
    return path


def test_exactly_the_copies_are_found_where_they_stand(training: Path, report: Path) -> None:
    found: dict[str, Any] = json.loads(report.read_text())
    assert (found["format"], found["suite"]["sha256"]) == ("rusteval-contamination-1", SUITE.sha256)
    suspicious = [task for task in found["tasks"] if task["suspicious"]]
    assert {task["task_id"]: {one["line"] for one in task["evidence"] if one["suspicious"]} for task in suspicious} == {
        VERBATIM.task_id: {701}, RENAMED.task_id: {1401}, REFORMATTED.task_id: {14001},
    }  # fmt: skip
    kinds = {
        task["task_id"]: {one["kind"] for one in task["evidence"] if one["suspicious"]} for task in suspicious
    }
    assert kinds[VERBATIM.task_id] == {"prompt text", "reference text", "same function"}
    assert kinds[RENAMED.task_id] == kinds[REFORMATTED.task_id] == {"same function"}
    assert found["tasks"][:3] == suspicious
    assert [one["documents"] for task in suspicious for one in task["evidence"] if one["suspicious"]] == [
        1
    ] * 5
    source = found["training"][0]
    assert (source["documents"], source["files"], source["path"]) == (15000, 1, str(training))
    assert len(found["tasks"]) == len(SUITE.problems)


def test_clean_data_give_exit_code_0_and_a_readable_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "lib.rs").write_text("\n".join(answer for _, answer in HONEST))
    (folder / "rows.jsonl").write_text('{"prompt": "p", "gen": "g"}\nnot json\n')
    code, out, err = call(capsys, "--train", folder)
    assert (code, out, "line 2 is not JSON" in err) == (2, "", True)
    code, out, err = call(capsys, "--train", folder, "--skip-invalid", "--output", tmp_path / "r.md")
    assert (code, "0 of 164 tasks" in out, "left out 1 row that could not be read" in out) == (0, True, True)
    assert "None." in (tmp_path / "r.md").read_text()


def test_the_readable_forms_show_each_copy_with_its_place(
    training: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("".join(line for line in training.open() if "Variant" not in line))
    code, out, _ = call(capsys, "--train", few, "--output", tmp_path / "r.md")
    page = (tmp_path / "r.md").read_text()
    assert code == 0
    for number, task in enumerate((VERBATIM, RENAMED, REFORMATTED), start=1):
        assert f"{task.task_id}  {task.entry_point}" in out
        assert f"{few}, line {number}" in out
        assert f"### {task.task_id} (`{task.entry_point}`)" in page
    assert "3 of 164 tasks of humaneval-rust are suspicious" in out
    assert call(capsys, "--train", few, "--output", tmp_path / "r.txt")[0] == 2


def test_an_evaluation_takes_the_report_of_its_own_problems_only(report: Path, tmp_path: Path) -> None:
    opened = open_contamination(report, suite=SUITE)
    assert opened is not None
    assert opened.contaminated.keys() == {VERBATIM.task_id, RENAMED.task_id, REFORMATTED.task_id}
    assert "train.jsonl, line 701" in opened.contaminated[VERBATIM.task_id]
    assert opened.facts()["sha256"] == subprocess.run(
        ["sha256sum", report], capture_output=True, text=True, check=True
    ).stdout.split()[0]  # fmt: skip
    assert opened.facts()["suspicious_tasks"] == opened.contaminated
    assert open_contamination(report, suite=load_suite(raw=True)) is not None
    one = select_tasks(SUITE, [VERBATIM.task_id, "HumanEval/0"])
    only = open_contamination(report, suite=one)
    assert only is not None
    assert list(only.contaminated) == [VERBATIM.task_id]
    assert open_contamination(None, suite=SUITE) is None
    with pytest.raises(InputError, match="is about other problems"):
        open_contamination(report, suite=load_suite("humaneval-rust-180"))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match="is no report of"):
        open_contamination(tmp_path / "other.json", suite=SUITE)


def test_a_wrong_report_stops_an_evaluation_before_anything_else(report: Path, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "scripts" / "evaluate_humaneval.py", "--checkpoint-path", "none/such"]
    done = subprocess.run(
        [*command, "--suite", "humaneval-rust-180", "--contamination", report, "--output-dir", tmp_path / "o"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "is about other problems" in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "o").exists()
