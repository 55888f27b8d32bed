"""Values that try to be more than text, for every option of the harness, and what must become of each.

Usage: fuzz_options.py make|judge KIND SEED COUNT FOLDER. `make` writes FOLDER/cases (assignments, each ended by a zero
byte; an empty one ends a case) and the folders and files that they name; `judge` reads FOLDER/results (per case: the
number of errors, the errors, the value of every option) and says what differs. KIND is any, good or bad: what the cases
have of values.
"""

import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

SHELL = r"""
$(touch CANARY)|`touch CANARY`|;touch CANARY|'; touch CANARY; '|"; touch CANARY; "|& touch CANARY &
a[$(touch CANARY)]|$((a[$(touch CANARY)]))|${x:=$(touch CANARY)}|>CANARY|<(touch CANARY)|$HOME|${PATH}
'|"|\|\n|$|`|!|!!|#|%s%n%d|&|*|?|[a-z]|{a,b}|(|)|-n|-e|--help|--|-|~root|^|=|a=b|:|::|@|@DEMO_DIR@
é|日本語|🦀|a b|0x10|1e9|null|1,2|../..
"""
HOSTILE = [
    *SHELL.strip().replace("\n", "|").split("|"),
    "|",
    " ",
    "  two  spaces  ",
    "\u202e",
    "\u00a0",
    "x" * 120,
]
CONTROL = [
    "\n",
    "\r",
    "\t",
    "\x1b[31m",
    "\x7f",
    "\x01",
    "\ntouch CANARY\n",
    "\udcff",
    "\udcc3",
]  # the last two: no UTF-8
NO_VENV = set(':"$`\\')  # what the first line of a virtual environment's programs cannot carry
PLAIN = {
    "csvint": ["1", "1,10", "100,1,50", "001,02"],
    "version": ["3.12.11", "3.13.0", "3.20.100"],
    "url": [
        "http://127.0.0.1:9/$(touch${IFS}CANARY)",
        "https://u:p@example.org/a'b\"c;d",
        "http://x/{a,b}`x`",
    ],
    "secret": ["hf_Abcdefgh", "a.b-c_d=/+~"],
    "model": ["org/name", "name", "org/name/checkpoint-9", "o.r_g-/n"],
    "tasks": ["HumanEval/0", "HumanEval/0,HumanEval/163", "a,b,c"],
}


@dataclass
class Value:
    """One value: as it is given, and the form in which it is to arrive (None: it must be refused)."""

    text: str
    arrives: str | None


class Maker:
    """Values of every type, by the type's name in the table of options."""

    def __init__(self, seed: int, kind: str, folder: Path) -> None:
        self.random = random.Random(seed)
        self.kind = kind
        self.folder = folder
        self.home = os.environ["HOME"]

    def case(self, types: dict[str, str]) -> dict[str, Value]:
        """Some options, each with a good or a bad value; the rules between options are kept."""
        chosen = self.random.sample(
            sorted(types), self.random.randint(1, 6 if self.kind != "good" else len(types))
        )
        case = {}
        for name in chosen:
            bad = self.kind == "bad" or (self.kind == "any" and self.random.random() < 0.4)
            case[name] = self.bad(types[name], name) if bad else self.good(types[name], name)
        if "VLLM_PYTHON" in case and (case.get("ENGINE") or Value("", "")).arrives is not None:
            case["ENGINE"] = Value("vllm-server", "vllm-server")
        return case

    def hostile(self) -> str:
        return "".join(self.random.choices(HOSTILE, k=self.random.choice([1, 1, 2, 3, 8])))

    def name(self) -> str:
        """A hostile name of a file."""
        return "f" + self.hostile().replace("/", "_")[:60].strip("\udcff") + "f"

    def there(self, mode: int | None = None) -> tuple[str, str]:
        """A folder, or a file of some mode, with a hostile name: how to call it, and its whole path."""
        name = self.name()
        if mode is None:
            path = self.folder / "there" / name
            path.mkdir(exist_ok=True)
        else:
            path = self.folder / f"files-{mode:o}" / name
            path.touch(mode)
        return self.random.choice([str(path), os.path.relpath(path, self.folder), f"{path}/../{name}"]), str(
            path
        )

    def good(self, kind: str, name: str) -> Value:
        choice = self.random.choice
        text = arrives = ""
        if kind == "bool":
            text = choice(["1", "true", "YES", "On", "0", "FALSE", "no", "oFf"])
            arrives = str(int(text.lower() in {"1", "true", "yes", "on"}))
        elif kind.startswith("int:"):
            arrives = str(self.random.randint(100, 100000))
            text = "0" * self.random.randint(0, 3) + arrives
        elif kind == "path":
            text = self.hostile().replace("/", "_")[:40]
            text = (
                choice(["", "./", "~/", f"{self.folder}/"])
                + name
                + text
                + choice(["", "/", "/.", "/sub", f"/../{name}"])
            )
            if name == "VENV_DIR":
                text = "".join(letter for letter in text if letter not in NO_VENV)
            arrives = self.whole(text)
        elif kind == "program":
            text, arrives = self.there(0o700)
        elif kind == "model" and self.random.random() < 0.6:
            text, arrives = self.there()
        elif kind == "tasks" and self.random.random() < 0.6:
            text, arrives = ("@" + path for path in self.there(0o600))
        elif kind.startswith("enum:"):
            text = arrives = choice(kind.removeprefix("enum:").split("|"))
        else:
            text = arrives = choice(PLAIN[kind])
        return Value(text, arrives)

    def bad(self, kind: str, name: str) -> Value:
        text = self.hostile()
        if kind == "path" and not (name == "VENV_DIR" and self.random.random() < 0.5):
            text = "p" + text + self.random.choice(CONTROL) + self.hostile()
        elif kind == "path":
            text = f"v{self.random.choice(sorted(NO_VENV))}{text}"
        elif self.random.random() < 0.3:
            text = self.good(kind, name).text + self.random.choice(CONTROL) + "1"
        elif self.random.random() < 0.1:
            text = "$(touch CANARY)" * 2000
        elif kind == "url":
            text = self.random.choice(["ftp://x", "https://", "http://a b", "file:///x", text])
        else:
            text = self.random.choice(["?", "-", "@no such file ", " ", "$(touch CANARY)"]) + text + "?"
        return Value(text, None)

    def whole(self, text: str) -> str:
        """The whole path, as the harness is to make it."""
        if text == "~" or text.startswith("~/"):
            text = self.home + text[1:]
        return "/" + os.path.normpath(os.path.join(self.folder, text)).lstrip("/")  # noqa: PTH118


def judge(case: dict[str, Value], errors: list[str], values: dict[str, str]) -> list[str]:
    """Say what is not as it must be."""
    refused = {name for name, value in case.items() if value.arrives is None}
    named = [error.split("=", 1)[0] for error in errors]
    wrong = []
    if sorted(named) != sorted(refused):
        wrong.append(f"refused {named}, to be refused: {sorted(refused)}")
    for error in errors:
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in error) or len(error) > 500:
            wrong.append(f"no plain line: {error!r}")
        if (
            error.startswith("HF_TOKEN=")
            and len(case["HF_TOKEN"].text) > 3
            and case["HF_TOKEN"].text in error
        ):
            wrong.append("the token is shown")
    for name, value in case.items():
        if value.arrives is not None and values[name] != value.arrives:
            wrong.append(f"{name}: {value.arrives!r} arrived as {values[name]!r}")
    return wrong


def main(verb: str, kind: str, seed: int, count: int, folder: Path) -> int:
    """Make the cases, or judge what has become of them."""
    types = dict(line.split(" ", 1) for line in (folder / "types").read_text().splitlines())
    for below in ("there", "files-600", "files-700"):
        (folder / below).mkdir(exist_ok=True)
    maker = Maker(seed, kind, folder)
    cases = [maker.case(types) for _ in range(count)]
    if verb == "make":
        text = "".join(
            "".join(f"{name}={value.text}\0" for name, value in case.items()) + "\0" for case in cases
        )
        (folder / "cases").write_bytes(os.fsencode(text))
        return 0
    fields = iter((folder / "results").read_bytes().decode(errors="surrogateescape").split("\0")[:-1])
    failed = 0
    for number, case in enumerate(cases):
        errors = [next(fields) for _ in range(int(next(fields)))]
        for wrong in judge(case, errors, {name: next(fields) for name in types}):
            given = {name: value.text[:200] for name, value in case.items()}
            print(f"case {number}: {wrong}\n  of {given}")  # noqa: T201
            failed += 1
    assert next(fields, None) is None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5])))
