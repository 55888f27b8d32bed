"""`report.html`: one file that shows a whole run without network, server or trust in what models wrote."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from rusteval.reports import wording
from rusteval.reports.analysis import ModeView, headline_k, policy_changes, task_rows, warnings
from rusteval.reports.answers import DETAILS, PackedAnswers, pack_answers
from rusteval.reports.drawing import Chart
from rusteval.reports.page_index import embedded_index, error_filters
from rusteval.reports.page_overview import example_line, example_role, fragment, overviews
from rusteval.reports.protocol_sections import SHARED_RATES, agreement_rows, example_text
from rusteval.reports.published import dispute_rows
from rusteval.reports.run_view import RunView
from rusteval.reports.sections import counted, passes, plus_lines
from rusteval.reports.templating import environment
from rusteval.reports.text import clean
from rusteval.statistics.intervals import FEW_CLUSTERS

_STYLES = ("report.css", "explorer.css")
_SCRIPTS = ("highlight.js", "answers.js", "tasks.js", "viewer.js", "report.js")


def report_page(run: RunView, views: Sequence[ModeView], charts: Sequence[Chart]) -> str:
    """Return the page; every text in it is escaped, and its content policy allows no script but its own."""
    packed = pack_answers(run.suite.problems, views)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            views=views,
            main=views[0],
            several=len(views) > 1,
            k=headline_k(run),
            overviews=overviews(run, views),
            warnings=[clean(warning) for warning in warnings(run, views)],
            charts=[(chart, data_uri(chart.svg), data_uri(chart.dark_svg)) for chart in charts],
            policy=policy_changes(run),
            few_clusters=FEW_CLUSTERS,
            packed=packed,
            cut=_cut(packed),
            config=clean(json.dumps(run.config, indent=2, ensure_ascii=False)),
            metadata=clean(json.dumps(run.metadata, indent=2, ensure_ascii=False)),
            wording=wording,
            counted=counted,
            passes=passes,
            plus_lines=plus_lines,
            example=example_line,
            example_role=example_role,
            link=fragment,
            clean=clean,
            **_tasks(run, views),
            **_protocols(run, views),
            **_assets(),
        )
    )


def asset(name: str) -> str:
    """Return a file that belongs to the page."""
    return files("rusteval.reports").joinpath("templates", name).read_text(encoding="utf-8")


def content_hash(text: str) -> str:
    """Return the hash by which a content security policy allows one inline element."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def data_uri(svg: bytes) -> str:
    """Return a picture as an address that holds it."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def _assets() -> Mapping[str, Any]:
    """Return the one style and the one script of the page with their hashes; the script leaves no global names."""
    style = "\n".join(map(asset, _STYLES))
    script = '"use strict";\n(() => {\n' + "\n".join(map(asset, _SCRIPTS)) + "})();\n"
    return {
        "script": Markup(script),  # noqa: S704 -- files of this package
        "style": Markup(style),  # noqa: S704 -- files of this package
        "script_hash": content_hash(script),
        "style_hash": content_hash(style),
    }


def _tasks(run: RunView, views: Sequence[ModeView]) -> Mapping[str, Any]:
    """Return what the table of tasks and its filters are made of."""
    columns = {"suite": "Task", "category": "Category", **{m.role: m.label for m in views[0].models}}
    if views[0].comparison is not None:
        columns["difference"] = "Points"
    return {
        "columns": columns,
        "rows": task_rows(views[0], run),
        "index": embedded_index(run, views),
        "filters": error_filters(views),
        "categories": sorted({clean(name) for name in run.categories.values()}),
    }


def _protocols(run: RunView, views: Sequence[ModeView]) -> Mapping[str, Any]:
    """Return what the section on the published protocol is made of; nearly nothing where it was not asked."""
    return {
        "protocol_values": {f"pass@{k}": f"pass@{k}" for k in run.k_values} | SHARED_RATES,
        "agreement_rows": agreement_rows(views),
        "disputes_by_view": [(view, dispute_rows(view.published)) for view in views],
        "dispute_example": example_text,
    }


def _cut(packed: PackedAnswers) -> str:
    if packed.detail == DETAILS[0]:
        return ""
    detail = packed.detail
    text = (
        f"To keep this page small, code is cut at {detail.code:,} characters and messages at {detail.message:,}; "
        "the results files hold everything."
    )
    return text if detail.answers >= DETAILS[0].answers else f"{text} Rare answers are left out."
