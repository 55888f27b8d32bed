"""What every command promises: one line for an error, and its documented exit code."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from typer import Option, Typer

from rusteval.command_line import new_app, parse_k_values, parse_tasks, run
from rusteval.errors import InfrastructureError, InputError, RustevalError, SandboxUnavailableError


def app_that(failure: BaseException | None = None) -> Typer:
    app = new_app()

    @app.command()
    def main(number: Annotated[int, Option(help="A number.")] = 1) -> None:
        if failure is not None:
            raise failure
        sys.stdout.write(f"{number}\n")

    return app


def ending(
    app: Typer, *arguments: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as left:
        run(app, arguments)
    output = capsys.readouterr()
    return left.value.code, output.out, output.err


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (InputError("bad\n  file"), 2),
        (SandboxUnavailableError("bad file"), 3),
        (InfrastructureError("bad file"), 4),
        (RustevalError("bad file"), 1),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "out.json"), 2),
    ],
)
def test_each_error_is_one_line_with_its_code(
    failure: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    got, out, err = ending(app_that(failure), capsys=capsys)
    assert got == code
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("--nmber", "3"), ("--number", "three"), ("--number",), ("stray",)])
def test_bad_usage_is_one_line_and_code_2(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ending(app_that(), *arguments, capsys=capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--help" in err


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(app_that(ZeroDivisionError()), [])


def test_options_come_from_the_environment_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUSTEVAL_NUMBER", "7")
    assert ending(app_that(), capsys=capsys)[:2] == (0, "7\n")
    assert ending(app_that(), "--number", "8", capsys=capsys)[:2] == (0, "8\n")


def test_termination_cleans_up_and_ends_with_130() -> None:
    program = (
        "import sys, time\n"
        "from rusteval.command_line import new_app, run\n"
        "app = new_app()\n"
        "@app.command()\n"
        "def main() -> None:\n"
        "    try:\n"
        "        print('ready', flush=True); time.sleep(60)\n"
        "    finally:\n"
        "        print('cleaned', flush=True)\n"
        "run(app, [])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        os.kill(child.pid, signal.SIGTERM)
        out, err = child.communicate()
    assert (child.returncode, out) == (130, "cleaned\n")
    assert err.count("\n") == 1


def test_an_interruption_that_python_ignores_is_not_lost() -> None:
    program = """
import os, signal, time
from rusteval.command_line import new_app, run

class Chart:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

app = new_app()

@app.command()
def draw():
    chart = Chart()
    del chart  # what is raised here, Python ignores
    time.sleep(60)

run(app, [])
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False
    )
    assert ended.returncode == 130
    assert ended.stderr == "error: interrupted; run the same command again to go on\n"


def test_k_values_are_sorted_and_checked() -> None:
    assert parse_k_values("10, 1,100,1") == (1, 10, 100)
    for bad in ("", "0", "-1", "1,a", "1.5", "٣"):
        with pytest.raises(InputError, match="k values"):
            parse_k_values(bad)


def test_tasks_from_a_list_and_from_a_file(tmp_path: Path) -> None:
    listed = tmp_path / "tasks.txt"
    listed.write_text("HumanEval/1\nHumanEval/2\n\n")
    assert parse_tasks(None) is None
    assert (
        parse_tasks("HumanEval/1, HumanEval/2") == parse_tasks(f"@{listed}") == ("HumanEval/1", "HumanEval/2")
    )
    with pytest.raises(InputError, match="cannot be read"):
        parse_tasks(f"@{tmp_path / 'none'}")
