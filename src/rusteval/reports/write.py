"""Writing every report of a run."""

from pathlib import Path

from rusteval.files import write_bytes_atomic, write_json_atomic, write_text_atomic
from rusteval.reports.analysis import analyse, metrics_document
from rusteval.reports.charts import CHART_NAMES, draw_charts
from rusteval.reports.markdown import combined_summary, comparison_report
from rusteval.reports.page import report_page
from rusteval.reports.run_view import RunView

MODE_REPORTS = ("metrics.json", "comparison_report.md")
RUN_REPORTS = ("combined_summary.md", "report.html", "eval_metadata.json")


def write_reports(run: RunView, *, output_dir: Path) -> list[Path]:
    """Write all report files of a run and return their paths; each appears complete or not at all.

    Per mode: `metrics.json` and `comparison_report.md` in a folder named after it. At the root:
    `combined_summary.md`, `report.html`, `eval_metadata.json` and `charts/`. Everything is computed before the
    first file is written. Samples and verdicts are not written here.

    Args:
        run: the finished run.
        output_dir: the results folder; made if it is missing.

    Raises:
        OSError: a file cannot be written.
    """
    views = analyse(run)
    charts = draw_charts(run, views)
    documents = {f"{view.mode}/metrics.json": metrics_document(view, run) for view in views}
    documents["eval_metadata.json"] = _metadata(run)
    texts = {f"{view.mode}/comparison_report.md": comparison_report(run, view, views) for view in views}
    texts["combined_summary.md"] = combined_summary(run, views)
    texts["report.html"] = report_page(run, views, charts)
    written = []
    for name, document in documents.items():
        write_json_atomic(output_dir / name, document)
        written.append(output_dir / name)
    for name, text in texts.items():
        write_text_atomic(output_dir / name, text)
        written.append(output_dir / name)
    drawn = {f"{chart.name}.png": chart.png for chart in charts} | {
        f"{chart.name}.svg": chart.svg for chart in charts
    }
    for name, data in drawn.items():
        write_bytes_atomic(output_dir / "charts" / name, data)
        written.append(output_dir / "charts" / name)
    for name in (f"{chart}.{suffix}" for chart in CHART_NAMES for suffix in ("png", "svg")):
        if name not in drawn:  # an earlier run in this folder had data for it; beside this run it would lie
            (output_dir / "charts" / name).unlink(missing_ok=True)
    return written


def _metadata(run: RunView) -> dict[str, object]:
    """Return the run's metadata, with the modes, their folders and the warnings where it does not name them."""
    own: dict[str, object] = {
        "modes_run": list(run.modes),
        "results": {mode: f"{mode}/" for mode in run.modes},
        "warnings": list(run.warnings),
    }
    if run.contaminated is not None:
        own["contaminated"] = dict(run.contaminated)
    return {**run.metadata, **{name: value for name, value in own.items() if name not in run.metadata}}
