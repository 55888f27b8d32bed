"""Every command line of this project on the page about the ecosystem is one that its program takes."""

import importlib.util
import re
import shlex
import typing
from pathlib import Path
from types import ModuleType

import pytest
import typer

from rusteval import cli
from rusteval.spellings import plain_arguments

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ecosystem.md").read_text(encoding="utf-8")
OWN = re.compile(r"(?:\./)?(?:rusteval|scripts/\w+\.py|lib/\w+\.sh|eval_setup\.sh)(?: .*)?", re.DOTALL)


def command_lines() -> list[str]:
    """Return what is written as code and begins with a program of this project."""
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", rest)]
    return list(dict.fromkeys(line for line in lines if OWN.fullmatch(line)))


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parse(program: str, arguments: list[str]) -> None:
    """Let a program read its command line without doing anything; raises what it would tell a user."""
    if program == "rusteval":
        group = typer.main.get_command(cli.app)
        command = typing.cast("typing.Any", group).commands[arguments[0]]
        arguments = arguments[1:]
    else:
        module = load_script(ROOT / program)
        command = typer.main.get_command(module.app)
        if hasattr(module, "SWITCHES"):
            arguments = plain_arguments(arguments, switches=module.SWITCHES, unset=module.UNSET)
    if arguments and "--help" not in arguments:
        command.make_context(program, arguments)


@pytest.mark.parametrize("line", command_lines())
def test_a_command_line_is_taken(line: str) -> None:
    program, *arguments = shlex.split(line, comments=True)
    program = program.removeprefix("./")
    if program.endswith(".sh"):
        assert (ROOT / program).is_file()
    else:
        parse(program, arguments)


def test_an_option_that_there_is_not_is_found() -> None:
    with pytest.raises(Exception, match="--num-sample"):
        parse("rusteval", ["score", "x.jsonl", "--num-sample", "3"])


def test_the_commands_of_the_documents_are_all_there() -> None:
    for documented in (
        "sigil-ecosystem",
        "python -m sigil_pipeline.main",
        "sigilderg-train",
        "sigilderg-eval",
        "gen_eval_samples",
        "evaluate_functional_correctness",
        "prompt_gen_to_eval_format",
        "lib/sigilderg.sh evaluate",
        "benchmark_model",
        "jq '.compile_success_rate'",
        "read_problems(get_human_eval_dataset())",
    ):
        assert documented in PAGE
    assert len(command_lines()) > 20


def test_every_linked_page_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []
