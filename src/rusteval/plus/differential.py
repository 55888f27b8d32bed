"""Run a task's programs on the same inputs, each in a limited process, and note which tells which from the right one."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rusteval.judging.diagnostics import Diagnostic, parse_diagnostics
from rusteval.judging.limits import GIB, compile_limits, run_limits
from rusteval.judging.rustc import RUSTC_FLAGS, CrateBench, fast_linker, run_compiler, take_binary, write_source
from rusteval.judging.sandbox import Sandbox
from rusteval.judging.sandbox.base import Command, Jail, SandboxError, View
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.workplace import Workplace, clean_environment, remove_tree
from rusteval.plus.harness import (
    FIRST_WRONG,
    INPUTS_FILE,
    INPUTS_HEAD,
    REFERENCE,
    SECOND,
    Task,
    inputs_text,
    root_text,
    variant_file,
    variant_text,
)

COMPILE_S = 120.0
RUN_S = 8.0
MEMORY_BYTES = GIB
MOST_ROUNDS = 12
MOST_STARTS = 4
"""How often a program that hangs or dies is started again after the input that ended it."""
SLOW_US = 20_000
"""Inputs for which the reference takes longer are left out, so that tests stay quick."""


class HarnessError(Exception):
    """The crate of a task does not compile although no wrong program and no input is at fault."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where harnesses are compiled and run."""

    sandbox: Sandbox
    toolchain: Toolchain
    workplace: Workplace
    sources: Workplace


@dataclass(kw_only=True)
class Findings:
    """What came of it: `expected` results as Rust expressions by input, and by wrong program what it did.

    `remarks` are the inputs that were left out, with the reason; `outcomes` one letter for each input: "=" as the
    reference, "x" another result, "p" a panic, "A" an abort, "T" a time-out, "-" not asked, "?" not tried.
    """

    expected: dict[int, str] = field(default_factory=dict)
    remarks: dict[int, str] = field(default_factory=dict)
    passes_base: dict[int, bool] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)
    not_compiled: set[int] = field(default_factory=set)


def run_differential(
    task: Task, programs: Sequence[str | None], *, place: Place
) -> Findings:
    """Compile and run everything.

    Args:
        task: with its inputs.
        programs: reference, second solution (or None) and wrong programs, each as a file's text.
        place: where.

    Raises:
        HarnessError: the reference, the second solution or what the facts hold does not compile.
        SandboxError: the sandbox failed.
    """
    findings = Findings()
    directory, sources = place.workplace.new_directory(), place.sources.new_directory()
    try:
        binary = _compile(task, programs, findings, directory=directory, sources=sources, place=place)
        with place.sandbox.open(View(readonly=(binary.parent,))) as jail:
            _survey(binary, findings, count=len(task.inputs), jail=jail)
        wanted = "".join("1" if k in findings.expected else "0" for k in range(len(task.inputs)))
        for index in range(FIRST_WRONG, len(programs)):
            if index not in findings.not_compiled:
                base, outcomes = _run(binary, index, wanted, place=place)
                findings.passes_base[index], findings.outcomes[index] = base, outcomes
        base, outcomes = _run(binary, REFERENCE, wanted, place=place)
        findings.passes_base[REFERENCE], findings.outcomes[REFERENCE] = base, outcomes
    finally:
        remove_tree(sources)
        remove_tree(directory)
    return findings


def _compile(
    task: Task,
    programs: Sequence[str | None],
    findings: Findings,
    *,
    directory: Path,
    sources: Path,
    place: Place,
) -> Path:
    sources.chmod(0o755)
    for index, program in enumerate(programs):
        if program is not None:
            write_source(sources / variant_file(index), variant_text(program))
    output = directory / "output"
    output.mkdir()
    variants = {index for index, program in enumerate(programs) if program is not None}
    kept = set(range(len(task.inputs)))
    view = View(readonly=(sources,), writable=output, toolchain=place.toolchain, system=True)
    with place.sandbox.open(view) as jail:
        bench = CrateBench(
            directory=directory,
            sources=sources,
            output=output,
            jail=jail,
            toolchain=place.toolchain,
            limits=replace(compile_limits(cpu_s=COMPILE_S), address_space_bytes=4 * GIB, output_bytes=32 << 20),
        )
        for _ in range(MOST_ROUNDS):
            with_second = SECOND in variants
            write_source(sources / "main.rs", root_text(task, sorted(variants), with_second=with_second))
            write_source(sources / INPUTS_FILE, inputs_text(task, sorted(kept)))
            errors = _errors(bench, check=True) or _errors(bench, check=False)
            if not errors:
                break
            _take_out(errors, variants, kept, findings)
        else:
            raise HarnessError(f"{task.problem.task_id}: still does not compile after {MOST_ROUNDS} rounds")
    return take_binary(output / "program", edition="2021", bench=bench)


def _errors(bench: CrateBench, *, check: bool) -> list[Diagnostic]:
    target = ("--emit=metadata",) if check else fast_linker(bench.toolchain)
    name = "metadata" if check else "program"
    flags = (*RUSTC_FLAGS, *target, "--edition", "2021", "-o", str(bench.output / name))
    result = run_compiler(bench.toolchain.rustc, flags, root="main.rs", members=1, bench=bench)
    if result.exit_code == 0:
        return []
    errors = [found for found in parse_diagnostics(result.stderr) if found.level.startswith("error")]
    if not errors:
        raise HarnessError(f"the compiler ended without a word: {result}"[:500])
    return errors


def _take_out(errors: Sequence[Diagnostic], variants: set[int], kept: set[int], findings: Findings) -> None:
    """Remove the programs and inputs that errors name; raises HarnessError where that is none."""
    before = len(variants), len(kept)
    for error in errors:
        for file in error.files:
            if file == INPUTS_FILE and error.line is not None:
                kept.discard(error.line - 1 - INPUTS_HEAD)
                findings.remarks[error.line - 1 - INPUTS_HEAD] = f"does not compile: {error.message}"
            elif file.startswith("v") and file.removeprefix("v").removesuffix(".rs").isdigit():
                index = int(file.removeprefix("v").removesuffix(".rs"))
                if index < FIRST_WRONG:
                    raise HarnessError(f"program {index} does not compile: {error.rendered}"[:2000])
                variants.discard(index)
                findings.not_compiled.add(index)
    if (len(variants), len(kept)) == before:
        raise HarnessError("\n".join(error.rendered for error in errors)[:2000])


def _order(binary: Path, text: str, *, jail: Jail) -> str:
    result = jail.run(
        Command(
            argv=(str(binary),),
            cwd=binary.parent,
            limits=run_limits(cpu_s=RUN_S, address_space_bytes=MEMORY_BYTES),
            stdin=f"{text}\n".encode(),
            environment=clean_environment(temporary=None),
        )
    )
    return result.stdout.decode("utf-8", "replace")


def _survey(binary: Path, findings: Findings, *, count: int, jail: Jail) -> None:
    start = 0
    while start < count:
        lines = _order(binary, f"survey {start}", jail=jail).split("\n")
        last = start
        for line in lines:
            number, _, said = line.partition(" ")
            if number.isdigit():
                last = int(number)
                _note(last, said, findings)
        if lines[-1] == "end":
            return
        findings.expected.pop(last, None)
        findings.remarks[last] = "the reference hangs or dies"
        start = last + 1


def _note(key: int, said: str, findings: Findings) -> None:
    word, _, rest = said.partition(" ")
    if word != "ok":
        findings.remarks[key] = said
        return
    micros, _, text = rest.partition(" ")
    if int(micros) > SLOW_US:
        findings.remarks[key] = f"slow ({micros} us)"
    else:
        findings.expected[key] = _unquoted(text)


def _unquoted(text: str) -> str:
    r"""Return the text that Rust's debug form quotes; it writes \u{e9} where JSON has \u00e9."""
    out, index = [], 1
    plain = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
    while index < len(text) - 1:
        c = text[index]
        if c != "\\":
            out.append(c)
        elif text[index + 1] == "u":
            end = text.index("}", index)
            out.append(chr(int(text[index + 3 : end], 16)))
            index = end - 1
        else:
            out.append(plain.get(text[index + 1], text[index + 1]))
        index += 1 if c != "\\" else 2
    return "".join(out)


def _run(binary: Path, index: int, wanted: str, *, place: Place) -> tuple[bool, str]:
    """Return whether a program passes the base tests, and its outcomes; it is started again after it was ended."""
    base, outcomes = "?", ""
    with contextlib.ExitStack() as stack:
        jail = stack.enter_context(place.sandbox.open(View(readonly=(binary.parent,))))
        for _ in range(MOST_STARTS):
            try:
                said = _order(binary, f"run {index} {len(outcomes)} {wanted}", jail=jail)
            except SandboxError:
                jail = stack.enter_context(place.sandbox.open(View(readonly=(binary.parent,))))
                said = ""
            if base == "?":
                base, said = said[:1] or "A", said[1:]
                if base not in "Bb":
                    # nothing of the inputs was tried: the base tests themselves ended it
                    return False, outcomes.ljust(len(wanted), "?")
            if said.endswith("E"):
                return base == "B", outcomes + said[:-1]
            outcomes += said if said.endswith("T") else said + "A"
            if len(outcomes) >= len(wanted):
                break
    return base == "B", outcomes.ljust(len(wanted), "?")[: len(wanted)]


