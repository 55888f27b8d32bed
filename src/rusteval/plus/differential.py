"""Run a task's programs on the same inputs, each in a limited process, and note which tells which from the right one."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rusteval.judging.diagnostics import Diagnostic, parse_diagnostics
from rusteval.judging.limits import GIB, compile_limits, run_limits
from rusteval.judging.rustc import (
    RUSTC_FLAGS,
    CrateBench,
    fast_linker,
    run_compiler,
    take_binary,
    write_source,
)
from rusteval.judging.sandbox.base import Command, Jail, SandboxError, View
from rusteval.judging.workplace import clean_environment, remove_tree
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
from rusteval.plus.place import Place

COMPILE_S = 120.0
RUN_S = 8.0
MEMORY_BYTES = GIB
MOST_ROUNDS = 12
HASHED_RUNS = 5
CHANCE = "~"
CHANCE_RUNS = 100
MOSTLY = 2 / 3
"""What another result has to be of the runs of a program of chance, to be told from the reference."""
MOST_STARTS = 4
"""How often a program that hangs or dies is started again after the input that ended it."""
SLOW_US = 20_000
"""Inputs for which the reference takes longer are left out, so that tests stay quick."""


class HarnessError(Exception):
    """The crate of a task does not compile although no wrong program and no input is at fault."""


@dataclass(kw_only=True)
class Findings:
    """What came of it: `expected` results as Rust expressions by input, and by wrong program what it did.

    `repeats` and `plus_us` are of the runs of the reference: whether it passed, and microseconds of the new tests.
    `remarks` are the inputs that were left out, with the reason; `outcomes` one letter for each input: "=" as the
    reference, "x" another result, "p" a panic, "A" an abort, "T" a time-out, "~" now and then the reference's result, "-" not asked, "?" not tried.
    """

    expected: dict[int, str] = field(default_factory=dict)
    remarks: dict[int, str] = field(default_factory=dict)
    passes_base: dict[int, bool] = field(default_factory=dict)
    passes_plus: dict[int, bool] = field(default_factory=dict)
    repeats: list[bool] = field(default_factory=list)
    plus_us: list[int] = field(default_factory=list)
    outcomes: dict[int, str] = field(default_factory=dict)
    not_compiled: set[int] = field(default_factory=set)


def run_differential(
    task: Task, programs: Sequence[str | None], *, place: Place, repeats: int = 0
) -> Findings:
    """Compile and run everything.

    Args:
        task: with its inputs.
        programs: reference, second solution (or None) and wrong programs, each as a file's text.
        place: where.
        repeats: how often the reference takes the tests again, for `Findings.repeats`.

    Raises:
        HarnessError: the reference, the second solution or what the facts hold does not compile.
        SandboxError: the sandbox failed.
    """
    findings = Findings()
    directory, sources = place.workplace.new_directory(), place.sources.new_directory()
    try:
        binary = _compile(task, programs, findings, directory=directory, sources=sources, place=place)
        with contextlib.ExitStack() as stack:
            runner = _Runner(binary, place=place, stack=stack)
            _survey(findings, count=len(task.inputs), runner=runner)
            wanted = "".join("1" if k in findings.expected else "0" for k in range(len(task.inputs)))
            for index in (REFERENCE, *range(FIRST_WRONG, len(programs))):
                if index not in findings.not_compiled:
                    run = _run_steadily(task, index, wanted, runner=runner)
                    findings.passes_base[index], findings.passes_plus[index] = run.base, run.plus
                    findings.outcomes[index] = run.outcomes
            for _ in range(repeats):
                run = _run(REFERENCE, "", runner=runner)
                findings.repeats.append(run.base and run.plus)
                micros = runner.order(f"time {REFERENCE}")
                findings.plus_us.append(int(micros) if micros.isdigit() else 0)
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
            limits=replace(
                compile_limits(cpu_s=COMPILE_S), address_space_bytes=4 * GIB, output_bytes=32 << 20
            ),
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
                    name = "the reference" if index == REFERENCE else "the second solution"
                    raise HarnessError(f"{name} does not compile: {error.rendered}"[:2000])
                variants.discard(index)
                findings.not_compiled.add(index)
    if (len(variants), len(kept)) == before:
        told = "\n".join(error.rendered for error in errors)
        raise HarnessError(f"tests, `where`, `compare` or `property` do not compile: {told}"[:2000])


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


def _survey(findings: Findings, *, count: int, runner: "_Runner") -> None:
    start = 0
    while start < count:
        lines = runner.order(f"survey {start}").split("\n")
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
    if key in findings.remarks:  # it does not compile, and is not called
        return
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


class _Runner:
    """Runs the programs of one executable in one jail, which is replaced when it fails."""

    def __init__(self, binary: Path, *, place: Place, stack: contextlib.ExitStack) -> None:
        self._binary, self._place, self._stack = binary, place, stack
        self._jail = self._open()

    def _open(self) -> Jail:
        return self._stack.enter_context(self._place.sandbox.open(View(readonly=(self._binary.parent,))))

    def order(self, text: str) -> str:
        """Return what the executable says to an order; "" where the sandbox lost it."""
        try:
            return _order(self._binary, text, jail=self._jail)
        except SandboxError:
            self._jail = self._open()
            return ""


@dataclass(frozen=True, kw_only=True)
class _Run:
    base: bool
    plus: bool
    outcomes: str


def _run_steadily(task: Task, index: int, wanted: str, *, runner: _Runner) -> _Run:
    """Run a program several times where hash maps make its order differ; published tests that it once passes are passed.

    Where the runs differ, many more say what it mostly does: with the new tests, and with each input.
    """
    hashed = any("Hash" in text for text in (*task.signature.parameters, task.problem.canonical_solution))
    runs = [_run(index, wanted, runner=runner) for _ in range(HASHED_RUNS if hashed else 1)]
    if any(len(set(column)) > 1 for column in _columns(runs)):
        runs += [_run(index, wanted, runner=runner) for _ in range(CHANCE_RUNS)]
    return _Run(
        base=any(run.base for run in runs),
        plus=sum(run.plus for run in runs) > (1 - MOSTLY) * len(runs),
        outcomes="".join(map(_mostly, _columns(runs))),
    )


def _columns(runs: Sequence["_Run"]) -> list[tuple[str, ...]]:
    return list(zip(*(run.outcomes for run in runs), strict=True))


def _mostly(column: Sequence[str]) -> str:
    """Return the letter of one input: the reference's result, another one, or chance."""
    right = column.count("=")
    if right in {0, len(column)}:
        return column[0]
    others = [letter for letter in column if letter != "="]
    return others[0] if len(others) >= MOSTLY * len(column) else CHANCE


def _run(index: int, wanted: str, *, runner: _Runner) -> _Run:
    """Run one program; it is started again after an input that ended it."""
    said = runner.order(f"run {index} 0 {wanted}")
    base, plus, outcomes = said[:1] == "B", said[1:2] == "P", said[2:]
    if said[1:2] not in {"P", "p"}:
        # the tests themselves ended it; it is not asked more
        return _Run(base=base, plus=False, outcomes="?" * len(wanted))
    for _ in range(MOST_STARTS):
        if outcomes.endswith("E"):
            return _Run(base=base, plus=plus, outcomes=outcomes[:-1])
        if not outcomes.endswith("T"):
            outcomes += "A"
        if len(outcomes) >= len(wanted):
            break
        outcomes += runner.order(f"run {index} {len(outcomes)} {wanted}")
    return _Run(base=base, plus=plus, outcomes=outcomes.ljust(len(wanted), "?")[: len(wanted)])
