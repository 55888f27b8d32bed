"""The README says what the program does."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_of_options_is_the_programs_own() -> None:
    table = subprocess.run(
        [ROOT / "eval_setup.sh", "--options-markdown"], capture_output=True, text=True, check=True
    ).stdout
    shown = README.split("<!-- options: ./eval_setup.sh --options-markdown -->\n")[1].split(
        "<!-- end of options -->"
    )[0]
    assert shown == table


def test_every_linked_file_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_every_command_shown_is_there() -> None:
    commands = re.findall(r"^(?:\w+=\S+ )*((?:\./|scripts/)[\w./-]+)", README, flags=re.MULTILINE)
    assert {"./eval_setup.sh", "./tests/run.sh", "scripts/evaluate_humaneval.py"} <= set(commands)
    assert [command for command in commands if not (ROOT / command).is_file()] == []
