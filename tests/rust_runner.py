"""Compile and run assembled programs for tests: real rustc, no sandbox, so only for programs known to be tame."""

import os
import secrets
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from rusteval.judging.assembly import Program, assemble
from rusteval.judging.crate import ROOT_FILE, cfg_flags, module_name, root_text
from rusteval.judging.toolchain import find_toolchain
from rusteval.problems.models import Problem
from rusteval.rust.extraction import extract_answer

ADVERSARIAL = Path(__file__).parent / "adversarial" / "gaming"
RUN_SECONDS = 60
NOBODY = 65534


@dataclass(frozen=True, kw_only=True)
class Judged:
    """`verdict` is passed, failed, compile_error, no_code or refused; `detail` is what explains it."""

    verdict: str
    detail: str
    strategy: str


@cache
def rustc() -> str:
    return str(find_toolchain(environ=os.environ).rustc)


def even_problem() -> Problem:
    tests = """#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn test_even() {
        assert_eq!(is_even(2), true);
        assert_eq!(is_even(0), true);
        assert_eq!(is_even(-4), true);
    }
    #[test]
    fn test_odd() {
        assert_eq!(is_even(3), false);
        assert_eq!(is_even(-1), false);
        assert_eq!(is_even(7), false);
    }
}
"""
    prompt = "// Is it even?\n// It's {simple}.\nfn is_even(n: i64) -> bool {"
    return Problem(task_id="Example/even", prompt=prompt, entry_point="is_even", test=tests)


def judge(
    problem: Problem, completion: str, directory: Path, *, edition: str = "2021", nobody: bool = False
) -> Judged:
    answer = extract_answer(completion, prompt=problem.prompt, entry_point=problem.entry_point)
    if answer.source is None:
        return Judged(verdict="no_code", detail=answer.note or "", strategy=answer.strategy)
    program = assemble(answer, problem)
    if program.refused is not None:
        return Judged(verdict="refused", detail=program.refused, strategy=answer.strategy)
    verdict, detail = run_program(program, directory, edition=edition, nobody=nobody)
    return Judged(verdict=verdict, detail=detail, strategy=answer.strategy)


def run_program(
    program: Program,
    directory: Path,
    *,
    edition: str = "2021",
    nobody: bool = False,
    flags: tuple[str, ...] = (),
) -> tuple[str, str]:
    write_crate([program], directory)
    compiled = compile_crate(directory, ROOT_FILE, edition=edition, flags=flags)
    if compiled.returncode != 0:
        return "compile_error", compiled.stderr
    passed, other = secrets.token_hex(16), secrets.token_hex(16)
    try:
        run = subprocess.run(
            [directory / "program"],
            input=f"0 {passed} {other}\n".encode(),
            capture_output=True,
            timeout=RUN_SECONDS,
            check=False,
            user=NOBODY if nobody and os.geteuid() == 0 else None,
            cwd="/",
        )
    except subprocess.TimeoutExpired:
        return "failed", "timed out"
    stdout = run.stdout.decode(errors="replace")
    reported = [
        line.removeprefix(passed + " ") for line in stdout.split("\n") if line.startswith(passed + " ")
    ]
    wanted = [*(f"test {name} ok" for name in program.test_names), f"done {len(program.test_names)}"]
    ok = run.returncode == 0 and reported == wanted
    shown = stdout.replace(passed, "PASSED").replace(other, "OTHER")
    return "passed" if ok else "failed", f"{run.returncode}\n{shown}\n{run.stderr.decode(errors='replace')}"


def run_batch(programs: Mapping[str, Program], directory: Path, *, edition: str = "2021") -> dict[str, bool]:
    """Compile many programs as modules of one crate; return whether all tests of each passed."""
    write_crate(list(programs.values()), directory)
    compiled = compile_crate(directory, ROOT_FILE, edition=edition)
    assert compiled.returncode == 0, compiled.stderr[:4000]
    return {
        name: _passes(directory / "program", index, program.test_names)
        for index, (name, program) in enumerate(programs.items())
    }


def _passes(binary: Path, index: int, test_names: Sequence[str]) -> bool:
    order = f"{index} PASSED OTHER\n"
    run = subprocess.run(
        [binary], input=order, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
    )
    reported = [line for line in run.stdout.splitlines() if line.startswith("PASSED test ")]
    return run.returncode == 0 and reported == [f"PASSED test {name} ok" for name in test_names]


def write_crate(programs: Sequence[Program], directory: Path) -> None:
    for index, program in enumerate(programs):
        write_files(program.files, directory / module_name(index))
    write_files({ROOT_FILE: root_text(range(len(programs)))}, directory)


def write_files(files: Mapping[str, str], directory: Path) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(text.encode())


def compile_crate(
    directory: Path, root: str, *, edition: str, flags: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    lints = () if flags else ("--cap-lints", "allow")
    return subprocess.run(
        [
            rustc(),
            "--edition",
            edition,
            *lints,
            *cfg_flags(lint=False),
            "-C",
            "debuginfo=0",
            *flags,
            "-o",
            "program",
            root,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def _open(problem: Problem) -> str:
    return problem.canonical_solution.rstrip().removesuffix("}")


def _whole(problem: Problem) -> str:
    return problem.prompt + problem.canonical_solution


def _signature_on(problem: Problem) -> str:
    """The answer without the prompt's comments and helpers: from the open function's line on."""
    lines = problem.prompt.rstrip().split("\n")
    start = max(i for i, line in enumerate(lines) if line.startswith(("fn ", "pub fn ")))
    return "\n".join(lines[start:]) + problem.canonical_solution


def _everything(problem: Problem) -> str:
    code = (
        "#![allow(dead_code)]\n//! Solution.\nuse std::collections::BTreeSet as Seen9;\n"
        "#[derive(Debug, Clone)]\nstruct Extra9 { seen: Seen9<i32> }\n"
        'impl Extra9 { /// Brace: }\n fn text(&self) -> &\'static str { "} { \\" {" } }\n'
        f"{_whole(problem)}\n"
        "fn main() {\n    no_such_crate::call();\n}\n"
        f"{problem.test}"
    )
    prose = 'It\'s "simple" {really}:\n'
    return f"<think>fn x() {{ }}</think>\n{prose}```rust\n{code}\n```\n{prose}".replace("\n", "\r\n")


SHAPES: Mapping[str, Callable[[Problem], str]] = MappingProxyType(
    {
        "body": lambda p: p.canonical_solution,
        "body without its last brace": _open,
        "body with a brace too many": lambda p: p.canonical_solution + "\n}\n",
        "body between braces": lambda p: "{\n" + _open(p) + "\n}",
        "body in a fence": lambda p: f"```rust\n{p.canonical_solution}\n```",
        "body and runaway text": lambda p: (
            f'{p.canonical_solution}\n\nIt\'s "done".\n\nfn main() {{\n    nothing_here();\n}}\n\nfn cut(a: i32) {{ (['
        ),
        "prompt and body": _whole,
        "prompt and body, last brace missing": lambda p: p.prompt + _open(p),
        "signature and body": _signature_on,
        "public function in a fence that never closes": lambda p: f"Sure:\n```rs\npub {_signature_on(p).removeprefix('pub ')}",
        "whole program in a fence": lambda p: f'Here:\n~~~\n{_whole(p)}\nfn main() {{ println!("hi"); }}\n~~~\nBye.',
        "everything at once": _everything,
    }
)
