"""A contamination report as text: for the terminal, and as Markdown."""

from pathlib import Path

from rusteval.errors import InputError
from rusteval.files import write_json_atomic, write_text_atomic
from rusteval.pipeline.contamination import ContaminationReport, Evidence, TaskFinding
from rusteval.reports.text import clean, code, escape, fenced, shorten_lines, table
from rusteval.reports.wording import amount

_EXCERPT_LINES = 8
_SHOWN = 20
_KINDS = {
    "prompt text": "of the prompt's text",
    "reference text": "of the reference's text",
    "same function": "the reference up to its names",
    "similar function": "of the reference's code without its names",
}


def check_output(path: Path) -> None:
    """Refuse a file whose ending names no form of report, before any work is done; raises InputError."""
    if path.suffix not in {".json", ".md"}:
        raise InputError(f"{path}: a report is written as .json or .md; choose one of these endings")


def write_report(report: ContaminationReport, path: Path) -> None:
    """Write a report in the form that the file's ending names; raises InputError for any other ending."""
    check_output(path)
    if path.suffix == ".json":
        write_json_atomic(path, report.model_dump(mode="json"))
    else:
        write_text_atomic(path, markdown(report))


def terminal(report: ContaminationReport) -> str:
    """Return what is printed: every suspicious task with its evidence, worst first, and what was searched."""
    lines: list[str] = []
    for task in report.suspicious[:_SHOWN]:
        lines.append(f"{task.task_id}  {task.entry_point}")
        lines += [f"  {_told(one)}" for one in task.evidence if one.suspicious]
        excerpt = shorten_lines(clean(task.evidence[0].excerpt), _EXCERPT_LINES)
        lines += [f"    | {line}" for line in excerpt.splitlines()]
    hidden = len(report.suspicious) - _SHOWN
    if hidden > 0:
        lines.append(f"and {hidden} more suspicious tasks; --output report.md has them all")
    return "\n".join([*lines, *([""] if lines else []), *_summary(report)])


def markdown(report: ContaminationReport) -> str:
    """Return the report as a Markdown page."""
    parts = [
        "# Contamination report",
        "\n".join(f"- {escape(line)}" for line in _summary(report)),
        *_training(report),
        "## Suspicious tasks",
    ]
    if not report.suspicious:
        parts.append("None.")
    for task in report.suspicious:
        parts += [f"### {escape(task.task_id)} ({code(task.entry_point)})", *_evidence(task)]
    too_short = [task.task_id for task in report.tasks if task.status == "too short to tell"]
    if too_short:
        parts += ["## Too short to tell", escape(", ".join(too_short))]
    return "\n\n".join(parts) + "\n"


def _summary(report: ContaminationReport) -> list[str]:
    documents = sum(source.documents for source in report.training)
    characters = sum(source.characters for source in report.training)
    skipped = sum(sum(source.skipped.values()) for source in report.training)
    too_short = sum(task.status == "too short to tell" for task in report.tasks)
    clear = len(report.tasks) - len(report.suspicious) - too_short
    lines = [
        f"{len(report.suspicious)} of {len(report.tasks)} tasks of {report.suite.name} are suspicious, "
        f"{clear} clear, {too_short} too short to tell",
        f"searched {amount(documents, 'training document')}, {characters / 1e6:.1f} million characters",
    ]
    return [*lines, f"left out {amount(skipped, 'row')} that could not be read"] if skipped else lines


def _training(report: ContaminationReport) -> list[str]:
    rows = [
        [
            code(source.path),
            str(source.files),
            str(source.documents),
            str(source.characters),
            code(source.sha256),
        ]
        for source in report.training
    ]
    headers = ("training data", "files", "documents", "characters", "sha256")
    suite = report.suite
    return [
        "## What was searched",
        f"Suite {code(suite.name)}, sha256 {code(suite.sha256)}, from {escape(suite.source)}.",
        table(headers, rows, numbers=(1, 2, 3)),
    ]


def _evidence(task: TaskFinding) -> list[str]:
    told = "\n".join(f"- {escape(_told(one))}" for one in task.evidence)
    return [told, fenced(task.evidence[0].excerpt)]


def _told(one: Evidence) -> str:
    what = _KINDS[one.kind] if one.kind == "same function" else f"{one.overlap:.0%} {_KINDS[one.kind]}"
    others = f", and {one.documents - 1} more documents" if one.documents > 1 else ""
    return f"{what}: {one.file}, line {one.line}{others}"
