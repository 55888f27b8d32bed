"""`rusteval convert` as it is called: what it says, what it writes, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from rusteval.command_line import CONTEXT, new_app, run
from rusteval.convert_command import convert

GOOD = json.dumps({"prompt": "Write f.", "gen": "fn f() {}"}) + "\n"
BAD = GOOD + "not json\n" + json.dumps({"prompt": "no answer"}) + "\n" + GOOD


def call(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    app = new_app()
    app.command(context_settings=CONTEXT)(convert)
    with pytest.raises(SystemExit) as ended:
        run(app, [str(argument) for argument in arguments])
    printed = capsys.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 1), printed.out, printed.err


def test_bad_rows_are_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output, problems = tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "problems.jsonl"
    source.write_text(BAD)
    code, out, err = call(capsys, source, output, "--problems", problems)
    assert (code, out) == (2, "")
    assert f"error: {source}: line 2 is not JSON" in err
    assert f"error: {source}: line 3 has no answer" in err
    assert "--skip-invalid" in err
    assert sorted(tmp_path.iterdir()) == [source]


def test_bad_rows_are_left_out_on_request_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(BAD)
    code, out, err = call(capsys, source, output, "--skip-invalid", "--json")
    counts: dict[str, Any] = json.loads(out)
    assert (code, counts["read"], counts["written"], counts["tasks"]) == (0, 4, 2, 1)
    assert counts["skipped"] == {"cannot be read": 1, "has no answer": 1}
    assert "line 2 is not JSON" in err
    assert [json.loads(line)["completion_id"] for line in output.read_text().splitlines()] == [0, 1]


def test_between_json_and_parquet_rows_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, table, back = tmp_path / "in.jsonl", tmp_path / "t.parquet", tmp_path / "back.jsonl"
    source.write_text(GOOD * 3)
    assert call(capsys, source, table)[0] == call(capsys, table, back)[0] == 0
    assert back.read_text() == source.read_text()
    assert call(capsys, source, back, "--to", "human-eval", "--max-samples", "1")[0] == 0
    assert json.loads(back.read_text()).keys() == {"task_id", "completion"}


def test_what_would_do_harm_or_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, other = tmp_path / "in.jsonl", tmp_path / "samples.jsonl"
    source.write_text(GOOD)
    (tmp_path / "link.jsonl").symlink_to(source)
    (tmp_path / "empty.jsonl").write_text("\n")
    other.write_text(json.dumps({"task_id": "a", "completion": "x"}) + "\n")
    wrong = {
        "is the input too": (source, tmp_path / "link.jsonl"),
        "ends in none of": (source, tmp_path / "out.csv"),
        "no such file": (tmp_path / "none.jsonl", tmp_path / "out.jsonl"),
        "no row that can be converted": (tmp_path / "empty.jsonl", tmp_path / "out.jsonl"),
        "name two files": (source, tmp_path / "out.jsonl", "--problems", tmp_path / "out.jsonl"),
        "go with samples": (
            source,
            tmp_path / "out.jsonl",
            "--to",
            "text",
            "--problems",
            tmp_path / "p.jsonl",
        ),
        "name the problems": (other, tmp_path / "out.jsonl", "--to", "pipeline"),
    }
    for message, arguments in wrong.items():
        code, _, err = call(capsys, *arguments)
        assert (code, message in err) == (2, True), err
    assert source.read_text() == GOOD
    assert not (tmp_path / "out.jsonl").exists()
