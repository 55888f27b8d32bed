"""What a search of training data found of a suite: the file that `rusteval contamination` writes, and its use in a run."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rusteval.errors import InputError
from rusteval.files import sha256_file
from rusteval.problems.models import Suite

FORMAT: Literal["rusteval-contamination-1"] = "rusteval-contamination-1"

EvidenceKind = Literal["prompt text", "reference text", "same function", "similar function"]
Status = Literal["suspicious", "clear", "too short to tell"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Model):
    """What one training document has of a task.

    Attributes:
        kind: what they have in common.
        overlap: the share of it that the document has, from 0 to 1.
        suspicious: whether that is too much for chance.
        documents: how many training documents are suspicious in this way.
        file: of the document that has most.
        line: of that file from 1; in a Parquet file its row.
        excerpt: of the document, where the overlap begins.
    """

    kind: EvidenceKind
    overlap: float
    suspicious: bool
    documents: int
    file: str
    line: int
    excerpt: str


class TaskFinding(_Model):
    """What was found of one task; `searched` are the parts of it that are long enough to tell, `evidence` best first."""

    task_id: str
    entry_point: str
    status: Status
    suspicious: bool
    overlap: float
    searched: tuple[str, ...]
    evidence: tuple[Evidence, ...]


class TrainingData(_Model):
    """One file or folder that was searched; the hash of a folder is over the hashes of its files.

    `skipped` are rows that could not be read, by reason; `left_out` are files of kinds that hold no training text.
    """

    path: str
    sha256: str
    files: int
    documents: int
    characters: int
    skipped: dict[str, int]
    left_out: int


class SearchedSuite(_Model):
    """The problems that were searched for; `versions` are the hashes of all versions of them that were."""

    name: str
    source: str
    sha256: str
    versions: tuple[str, ...]
    tasks: int


class ContaminationReport(_Model):
    """All that a search found; `thresholds` are those that it went by."""

    format: Literal["rusteval-contamination-1"]
    rusteval_version: str
    suite: SearchedSuite
    training: tuple[TrainingData, ...]
    thresholds: dict[str, float]
    tasks: tuple[TaskFinding, ...]

    @property
    def suspicious(self) -> tuple[TaskFinding, ...]:
        """The tasks that the training data seems to hold, worst first."""
        return tuple(task for task in self.tasks if task.suspicious)


class Contamination(_Model):
    """A report as a run uses it: where it is, its hash, and the tasks of the run that it suspects, each with why."""

    path: str
    sha256: str
    contaminated: dict[str, str]
    too_short: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """Return what metadata say of it."""
        return {
            "report": self.path,
            "sha256": self.sha256,
            "suspicious_tasks": self.contaminated,
            "too_short_to_tell": list(self.too_short),
        }


def read_report(path: Path) -> ContaminationReport:
    """Read a report.

    Raises:
        InputError: it is missing, or is no such report.
    """
    try:
        return ContaminationReport.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a contamination report") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            f"{path}: is no report of `rusteval contamination` ({where}: {first['msg'].lower()}); "
            "write one with --output report.json"
        ) from error


def open_contamination(path: Path | None, *, suite: Suite) -> Contamination | None:
    """Return what a report says of the tasks of a run; None where no report is named.

    Raises:
        InputError: it is no report, or one of other problems.
    """
    if path is None:
        return None
    report = read_report(path)
    if suite.sha256 not in report.suite.versions:
        raise InputError(
            f"{path}: is about other problems ({report.suite.name}, sha256 {report.suite.sha256[:12]}) than this "
            f"run's ({suite.name}, sha256 {suite.sha256[:12]}); search for these with rusteval contamination"
        )
    found = {task.task_id: task for task in report.tasks}
    tasks = [found[problem.task_id] for problem in suite.problems if problem.task_id in found]
    return Contamination(
        path=str(path),
        sha256=sha256_file(path),
        contaminated={task.task_id: reason(task) for task in tasks if task.suspicious},
        too_short=tuple(task.task_id for task in tasks if task.status == "too short to tell"),
    )


def reason(task: TaskFinding) -> str:
    """Return one line on why a task is suspicious."""
    best = task.evidence[0]
    told = {
        "prompt text": f"{best.overlap:.0%} of the prompt's text stands in",
        "reference text": f"{best.overlap:.0%} of the reference's text stands in",
        "same function": "the reference, up to its names, is a function in",
        "similar function": f"{best.overlap:.0%} of the reference's code, without its names, is in a function of",
    }
    return f"{told[best.kind]} {best.file}, line {best.line}"
