"""Training data and samples from one form into another, row by row, with every row accounted for."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from rusteval.conversion.pairs import BETWEEN, Pair, read_pair
from rusteval.conversion.parquet import check_keys, write_exact
from rusteval.conversion.problem_rows import ProblemRows
from rusteval.conversion.reading import place, read_file
from rusteval.conversion.rows import BadRows, RowError
from rusteval.conversion.task_ids import TaskIds, is_made_of, prompts_of
from rusteval.errors import InputError
from rusteval.files import atomic_writer, json_line, require_writable, write_jsonl_atomic
from rusteval.problems.models import Problem, Suite

Form = Literal["eval", "human-eval", "pipeline", "text", "same"]
SAMPLE_FORMS = ("eval", "human-eval")
_ENDINGS = (".jsonl", ".jsonl.gz", ".parquet")

OnProgress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to convert into what.

    Attributes:
        source: the file to read.
        output: the file to write; its ending says which container it is.
        form: the form of its rows; `same` leaves them as they are.
        problems: where to write the problems of the samples too, or None.
        suites: problems whose task ids samples of the same prompts get, and whose prompts samples are given back.
        task_id_prefix: what ids begin with that are made of prompts.
        max_samples: the most rows that are written, or None for all.
        skip_invalid: whether rows that cannot be converted are left out instead of refused.
    """

    source: Path
    output: Path
    form: Form
    problems: Path | None = None
    suites: tuple[Suite, ...] = ()
    task_id_prefix: str = "task"
    max_samples: int | None = None
    skip_invalid: bool = False


@dataclass(kw_only=True)
class Converted:
    """What came of it: rows read and written, and what became of the rest.

    Attributes:
        read: rows, those that were left out among them.
        written: rows.
        tasks: different tasks among the samples written; None where rows have none.
        matched: samples that got their id from a suite.
        problems: problems written.
        without_prompt: samples that no problem could be written for.
        skipped: rows left out, by reason.
        named: messages that name the first of them.
    """

    read: int = 0
    written: int = 0
    tasks: int | None = None
    matched: int = 0
    problems: int | None = None
    without_prompt: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        return {key: value for key, value in asdict(self).items() if key != "named"}


def default_form(source: Path, output: Path) -> Form:
    """Return what is meant where no form is named: the same rows in another container, else evaluation samples."""
    tables = [path.name.endswith(".parquet") for path in (source, output)]
    return "same" if tables[0] != tables[1] else "eval"


def convert(wanted: Wanted, *, on_progress: OnProgress | None = None) -> Converted:
    """Convert a file; nothing is written unless all of it could be.

    Raises:
        InputError: the file cannot be read, holds rows that cannot be converted, or would be overwritten.
        OSError: the result cannot be written.
    """
    check_paths(wanted)
    return _Work(wanted, on_progress or (lambda _: None)).run()


def check_paths(wanted: Wanted) -> None:
    """Check what can be known before any row is read.

    Raises:
        InputError: an ending says nothing, an option does not go with the form, or the input would be overwritten.
    """
    if not wanted.output.name.endswith(_ENDINGS):
        raise InputError(f"{wanted.output}: ends in none of {', '.join(_ENDINGS)}, which say what to write")
    if not wanted.source.is_file():
        raise InputError(f"{wanted.source}: {'is no file' if wanted.source.exists() else 'no such file'}")
    written = [wanted.output] if wanted.problems is None else [wanted.output, wanted.problems]
    for path in written:
        refuse_input(path, source=wanted.source)
        if path.is_dir():
            raise InputError(f"{path}: is a directory; name a file in it")
        require_writable(path)
    if len({path.resolve() for path in written}) < len(written):
        raise InputError(f"{wanted.output}: is named for samples and for problems; name two files")
    if wanted.problems is not None and wanted.form not in SAMPLE_FORMS:
        raise InputError(
            f"problems go with samples (--to {' or '.join(SAMPLE_FORMS)}), not with {wanted.form}"
        )


def refuse_input(path: Path, *, source: Path) -> None:
    """Check that a result is not written over what it is made of.

    Raises:
        InputError: it would be.
    """
    if path.exists() and path.samefile(source):
        raise InputError(f"{path}: is the input too; write to another file")


class _Work:
    """One conversion under way."""

    def __init__(self, wanted: Wanted, on_progress: OnProgress) -> None:
        self.wanted = wanted
        self.on_progress = on_progress
        self.bad = BadRows()
        self.done = Converted()
        self.known: Mapping[str, Problem] = {
            problem.task_id: problem for suite in reversed(wanted.suites) for problem in suite.problems
        }
        self.ids = TaskIds(prefix=wanted.task_id_prefix, known=prompts_of(wanted.suites))
        self.problems = ProblemRows(self.known)

    def run(self) -> Converted:
        with ExitStack() as stack:
            aside = self.wanted.problems
            problems = None if aside is None else stack.enter_context(atomic_writer(aside))
            if self.wanted.output.name.endswith(".parquet"):
                write_exact(self.wanted.output, self.rows(problems))
            else:
                _write_lines(self.wanted.output, self.rows(problems))
        samples = self.wanted.form in SAMPLE_FORMS
        self.done.tasks = self.ids.tasks if samples else None
        self.done.matched = self.ids.matched
        self.done.problems = None if problems is None else self.problems.written
        self.done.without_prompt = self.problems.without_prompt
        self.done.skipped, self.done.named = self.bad.reasons, self.bad.text()
        return self.done

    def rows(self, problems: IO[bytes] | None) -> Iterator[dict[str, Any]]:
        """Yield the rows to write, and write the problems beside them.

        Raises:
            InputError: there is none, or there are bad ones that may not be left out.
        """
        source = self.wanted.source
        for row in read_file(source, on_bad=self.bad.unreadable):
            try:
                converted, problem = self.convert_row(row.data, number=row.number)
            except RowError as error:
                self.bad.add(f"{place(source, row.number)} {error}", reason=error.reason)
                continue
            if problem is not None and problems is not None:
                problems.write(json_line(problem).encode("ascii"))
            self.done.written += 1
            self.on_progress(self.done.written)
            yield converted
            if self.done.written == self.wanted.max_samples:
                break
        self.done.read = self.done.written + self.bad.total
        if not self.wanted.skip_invalid:
            self.bad.refuse()
        if not self.done.written:
            lost = f": {self.bad.named[0]}" if self.bad.named else ""
            raise InputError(f"{source}: holds no row that can be converted{lost}")

    def convert_row(
        self, data: dict[str, Any], *, number: int
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the row in the form wanted, and its problem where there is one to write.

        Raises:
            RowError: the row cannot be converted; the message says why.
        """
        form, problem = self.wanted.form, None
        if form == "same":
            converted = data
        else:
            pair = read_pair(data)
            if form in SAMPLE_FORMS:
                task_id, completion_id = self.ids.assign(pair, number=number)
                if self.wanted.problems is not None:
                    problem = self.problems.row_of(pair, task_id=task_id)
                converted = _sample(
                    pair, task_id=task_id, completion_id=completion_id, plain=form == "human-eval"
                )
            else:
                converted = _training_row(pair, prompt=self._prompt(pair), text=form == "text")
        if self.wanted.output.name.endswith(".parquet"):
            check_keys(converted)
        return converted, problem

    def _prompt(self, pair: Pair) -> str:
        if pair.prompt is not None:
            return pair.prompt
        problem = self.known.get(pair.task_id or "")
        if problem is None:
            task = f" of task {pair.task_id}" if pair.task_id else ""
            raise RowError("has no prompt", f"{task}; name the problems with --suite or --problem-file")
        return problem.prompt


def _sample(pair: Pair, *, task_id: str, completion_id: int, plain: bool) -> dict[str, Any]:
    if plain:
        return {"task_id": task_id, "completion": pair.answer}
    return {"task_id": task_id, "completion_id": completion_id, "completion": pair.answer, **pair.notes}


def _training_row(pair: Pair, *, prompt: str, text: bool) -> dict[str, Any]:
    """Return a row to train on; an id that says no more than the prompt does is left out."""
    if text:
        return {"text": f"{prompt}{BETWEEN}{pair.answer}", **pair.notes}
    row = {"prompt": prompt, "gen": pair.answer, **pair.notes}
    if pair.task_id is not None and not is_made_of(pair.task_id, prompt):
        row["task_id"] = pair.task_id
    return row


def _write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    if not path.name.endswith(".gz"):
        write_jsonl_atomic(path, rows)
        return
    # Without name and time in its head, the same rows give the same file.
    with atomic_writer(path) as stream, gzip.GzipFile("", "wb", fileobj=stream, mtime=0) as packed:
        for row in rows:
            packed.write(json_line(row).encode("ascii"))
