"""The search of training data for a suite: read in batches, matched by several processes, told task by task."""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rusteval import __version__
from rusteval.contamination.documents import TrainingFiles, TrainingText, find_files, read_documents
from rusteval.contamination.matching import THRESHOLDS, Match, Matcher
from rusteval.contamination.targets import Targets, targets_of
from rusteval.conversion.rows import BadRows
from rusteval.errors import InputError
from rusteval.pipeline.contamination import (
    FORMAT,
    ContaminationReport,
    Evidence,
    EvidenceKind,
    SearchedSuite,
    Status,
    TaskFinding,
    TrainingData,
)
from rusteval.problems.models import Problem, Suite
from rusteval.status import StatusReporter

_BATCH_CHARS = 1_000_000
# Starting processes takes longer than searching so little.
_FEW_BYTES = 4_000_000
_MEGABYTE = 1_000_000


@dataclass(kw_only=True)
class _Found:
    """The best match of one kind of one task, and how many documents have a suspicious one."""

    best: Match
    documents: int = 0
    last: tuple[str, int] | None = None

    def add(self, match: Match) -> None:
        if match.share > self.best.share:
            self.best = match
        place = (match.file, match.line)
        if match.suspicious and place != self.last:
            self.documents += 1
            self.last = place


@dataclass(kw_only=True)
class _Evidence:
    """Everything found so far."""

    found: dict[tuple[str, EvidenceKind], _Found] = field(default_factory=dict)

    def add(self, matches: Sequence[Match]) -> None:
        for match in matches:
            self.found.setdefault((match.task_id, match.kind), _Found(best=match)).add(match)

    def of(self, task_id: str) -> tuple[Evidence, ...]:
        """Return what there is of a task, suspicious kinds first, then by overlap."""
        own = [found for (task, _), found in self.found.items() if task == task_id]
        own.sort(key=lambda found: (not found.best.suspicious, -found.best.share, found.best.kind))
        return tuple(
            Evidence(
                kind=one.best.kind,
                overlap=round(one.best.share, 4),
                suspicious=one.best.suspicious,
                documents=one.documents,
                file=one.best.file,
                line=one.best.line,
                excerpt=one.best.excerpt,
            )
            for one in own
        )


def search(
    training: Sequence[Path],
    *,
    versions: Sequence[Suite],
    skip_invalid: bool,
    n_workers: int | None,
    reporter: StatusReporter,
) -> tuple[ContaminationReport, list[str]]:
    """Search training data for the tasks of a suite.

    Args:
        training: files and folders.
        versions: the suite, and after it further versions of it whose texts are searched for as well.
        skip_invalid: whether rows that cannot be read are left out instead of refused.
        n_workers: processes, or None for as many as there are cores.
        reporter: told how far it is.

    Returns:
        What was found, and messages that name rows that were left out.

    Raises:
        InputError: a path names no training data, or holds no text, or a file or a row cannot be read.
    """
    sources = [find_files(path) for path in training]
    targets = targets_of(versions)
    evidence, told, named = _Evidence(), [], []
    size = sum(file.stat().st_size for source in sources for file in source.files)
    reporter.begin("searching training data", unit="MB")
    with ExitStack() as stack:
        workers = n_workers or (1 if size < _FEW_BYTES else len(os.sched_getaffinity(0)))
        pool = stack.enter_context(_pool(targets, workers)) if workers > 1 else None
        progress = _Progress(reporter)
        for source in sources:
            reading = _Reading(source)
            for matches in _matches(reading.batches(progress), targets, pool=pool, workers=workers):
                evidence.add(matches)
            if not skip_invalid:
                reading.bad.refuse()
            if not reading.documents:
                raise InputError(
                    f"{source.path}: holds no text that could be searched; give data before tokenising"
                )
            told.append(reading.facts())
            named += reading.bad.text()
    report = ContaminationReport(
        format=FORMAT,
        rusteval_version=__version__,
        suite=_suite_facts(versions),
        training=tuple(told),
        thresholds=dict(THRESHOLDS),
        tasks=_findings(versions[0].problems, evidence=evidence, searched=Matcher(targets).searched),
    )
    return report, named


class _Progress:
    """Counts the text that was read, in all files."""

    def __init__(self, reporter: StatusReporter) -> None:
        self._reporter = reporter
        self._characters = 0

    def add(self, characters: int) -> None:
        self._characters += characters
        self._reporter.update(self._characters // _MEGABYTE)


class _Reading:
    """One source under way."""

    def __init__(self, source: TrainingFiles) -> None:
        self.source = source
        self.bad = BadRows()
        self.documents = 0
        self.characters = 0

    def batches(self, progress: _Progress) -> Iterator[list[TrainingText]]:
        batch: list[TrainingText] = []
        size = 0
        for file in self.source.files:
            for document in read_documents(file, bad=self.bad):
                batch.append(document)
                size += document.characters
                self.documents += 1
                if size >= _BATCH_CHARS:
                    self.characters += size
                    progress.add(size)
                    yield batch
                    batch, size = [], 0
        self.characters += size
        progress.add(size)
        yield batch

    def facts(self) -> TrainingData:
        return TrainingData(
            path=str(self.source.path),
            sha256=self.source.sha256(),
            files=len(self.source.files),
            documents=self.documents,
            characters=self.characters,
            skipped=self.bad.reasons,
            left_out=self.source.left_out,
        )


def _matches(
    batches: Iterator[list[TrainingText]], targets: Targets, *, pool: ProcessPoolExecutor | None, workers: int
) -> Iterator[list[Match]]:
    """Yield the matches of each batch in order, with no more batches in memory than keep the processes busy."""
    if pool is None:
        matcher = Matcher(targets)
        yield from (matcher.match(batch) for batch in batches)
        return
    waiting: deque[Future[list[Match]]] = deque()
    for batch in batches:
        waiting.append(pool.submit(_match, batch))
        if len(waiting) > 2 * workers:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_matcher: list[Matcher] = []  # one in each process of the pool, made once


def _pool(targets: Targets, workers: int) -> ProcessPoolExecutor:
    # Reading Parquet starts threads, beside which a process must not be forked.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_learn, initargs=(targets,))


def _learn(targets: Targets) -> None:
    _matcher[:] = [Matcher(targets)]


def _match(batch: list[TrainingText]) -> list[Match]:
    return _matcher[0].match(batch)


def _suite_facts(versions: Sequence[Suite]) -> SearchedSuite:
    suite = versions[0]
    return SearchedSuite(
        name=suite.name,
        source=suite.source,
        sha256=suite.sha256,
        versions=tuple(dict.fromkeys(version.sha256 for version in versions)),
        tasks=len(suite.problems),
    )


def _findings(
    problems: Sequence[Problem], *, evidence: _Evidence, searched: dict[str, tuple[str, ...]]
) -> tuple[TaskFinding, ...]:
    """Return what was found of each task: suspicious ones first, the worst of them at the head; then as they come."""
    found = [
        _finding(problem, own=evidence.of(problem.task_id), searched=searched.get(problem.task_id, ()))
        for problem in problems
    ]
    return tuple(sorted(found, key=lambda task: (not task.suspicious, -task.overlap)))


def _finding(problem: Problem, *, own: tuple[Evidence, ...], searched: tuple[str, ...]) -> TaskFinding:
    suspicious = any(one.suspicious for one in own)
    status: Status = "suspicious" if suspicious else "clear" if searched else "too short to tell"
    return TaskFinding(
        task_id=problem.task_id,
        entry_point=problem.entry_point,
        status=status,
        suspicious=suspicious,
        overlap=max((one.overlap for one in own), default=0.0),
        searched=searched,
        evidence=own,
    )
