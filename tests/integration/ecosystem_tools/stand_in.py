"""Stands in for a program of another package: takes exactly its options, and leaves files as it does.

What it does beside is told by STAND_IN: `fail`, `killed`, `nothing`, `broken` or `hang`.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml


def parser_of(help_file: Path) -> argparse.ArgumentParser:
    """Return a parser for the options that a recorded help lists."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for line in help_file.read_text(encoding="utf-8").splitlines()[1:]:
        names, value = re.fullmatch(r"  ((?:-h, )?--[\w-]+)(?: (.+))?", line).groups()
        if value is None:
            parser.add_argument(*names.split(", "), action="store_true")
        elif value.startswith("{"):
            parser.add_argument(names, choices=value.strip("{}").split(","))
        else:
            parser.add_argument(names, nargs="+" if "[" in value else None)
    return parser


def generate(options: argparse.Namespace, behaviour: str) -> None:
    output = Path(options.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    crates = Path(options.crate_list).read_text(encoding="utf-8").split()
    rows = [{"prompt": f"Use {crate}.", "gen": "fn main() {}", "_source_crate": crate} for crate in crates]
    lines = [] if behaviour == "nothing" else [json.dumps(row) for row in rows]
    output.write_text("".join(line + "\n" for line in lines) + ("{" if behaviour == "broken" else ""))


def train(options: argparse.Namespace, behaviour: str) -> None:
    config = yaml.safe_load(Path(options.cfg).read_text(encoding="utf-8"))
    for name in config["dataset"]["names"]:
        assert Path(name.removeprefix("local:")).stat().st_size
    for number in () if behaviour == "nothing" else (9000, 12000):
        checkpoint = Path(config["misc"]["output_dir"]) / f"checkpoint-{number}"
        shutil.copytree(os.environ["STAND_IN_ADAPTER"], checkpoint, dirs_exist_ok=True)


def main() -> None:
    help_file = Path(sys.argv[1])
    options = parser_of(help_file).parse_args(sys.argv[2:])
    if options.help:
        sys.stdout.write(help_file.read_text(encoding="utf-8"))
        return
    behaviour = os.environ.get("STAND_IN", "")
    sys.stdout.write("at work\n")
    sys.stdout.flush()
    sys.stderr.write("a word of warning\n")
    if behaviour == "fail":
        sys.exit("the registry of crates does not answer")
    if behaviour == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if behaviour == "hang":
        helper = subprocess.Popen(["sleep", "300"], start_new_session=True)
        Path("processes").write_text(f"{os.getpid()} {helper.pid}")
        time.sleep(300)
    (train if "cfg" in options else generate)(options, behaviour)


if __name__ == "__main__":
    main()
