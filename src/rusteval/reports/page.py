"""`report.html`: one file that shows a whole run without network, server or trust in what models wrote."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from rusteval.judging.verdict import Verdict
from rusteval.reports import wording
from rusteval.reports.analysis import (
    ModeView,
    TaskRow,
    code_rows,
    error_rows,
    headline_k,
    policy_changes,
    task_rows,
    warnings,
)
from rusteval.reports.answers import DETAILS, PackedAnswers, pack_answers
from rusteval.reports.drawing import Chart
from rusteval.reports.protocol_sections import SHARED_RATES, agreement_rows, example_text
from rusteval.reports.published import dispute_rows
from rusteval.reports.run_view import RunView
from rusteval.reports.sections import counted, first_message, passes
from rusteval.reports.templating import environment
from rusteval.reports.text import clean, one_line


def report_page(run: RunView, views: Sequence[ModeView], charts: Sequence[Chart]) -> str:
    """Return the page; every text in it is escaped, and its content policy allows no script but its own."""
    script, style = asset("report.js"), asset("report.css")
    packed = pack_answers(run.suite.problems, views[0])
    template = environment().get_template("report.html.j2")
    return template.render(
        run=run,
        views=views,
        main=views[0],
        k=headline_k(run),
        headlines=[(view, view.headline(headline_k(run))) for view in views],
        warnings=[clean(warning) for warning in warnings(run, views)],
        charts=[(chart, data_uri(chart.svg), data_uri(chart.dark_svg)) for chart in charts],
        errors=error_rows(views[0]),
        codes=code_rows(views[0]),
        rows=_rows(run, views),
        filters=_filters(views[0]),
        policy=policy_changes(run),
        protocol_values={f"pass@{k}": f"pass@{k}" for k in run.k_values} | SHARED_RATES,
        agreement_rows=agreement_rows(views),
        disputes_by_view=[(view, dispute_rows(view.published)) for view in views],
        dispute_example=example_text,
        packed=packed,
        cut=_cut(packed),
        labels=Markup(_embedded_json(dict(wording.ERROR_LABELS))),  # noqa: S704 -- escaped by _embedded_json
        config=clean(json.dumps(run.config, indent=2, ensure_ascii=False)),
        metadata=clean(json.dumps(run.metadata, indent=2, ensure_ascii=False)),
        script=Markup(script),  # noqa: S704 -- a file of this package
        style=Markup(style),  # noqa: S704 -- a file of this package
        script_hash=content_hash(script),
        style_hash=content_hash(style),
        wording=wording,
        counted=counted,
        passes=passes,
        example=_example,
        clean=clean,
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


def _embedded_json(value: object) -> str:
    """Return JSON that cannot end the script element that it stands in."""
    text = json.dumps(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _rows(run: RunView, views: Sequence[ModeView]) -> list[dict[str, Any]]:
    """Return the rows of the task table, with what the filters look at."""
    by_mode = [task_rows(view, run) for view in views]
    errors = _errors_by_task(views[0])
    return [
        {
            "row": rows[0],
            "cells": [
                [passes(row.counts[model.role]) for model in view.models]
                for row, view in zip(rows, views, strict=True)
            ],
            "passed": {role: count.passed if count else 0 for role, count in rows[0].counts.items()},
            "difference": _rounded(rows[0]),
            "errors": " ".join(sorted(errors.get(rows[0].task_id, ()))),
        }
        for rows in zip(*by_mode, strict=True)
    ]


def _rounded(row: TaskRow) -> float | None:
    return None if row.difference is None else round(row.difference, 6)


def _errors_by_task(view: ModeView) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for model in view.models:
        for verdict in model.verdicts:
            names = found.setdefault(verdict.sample.task_id, set())
            names.update(_words(verdict))
    return found


def _words(verdict: Verdict) -> list[str]:
    """Return the error type and rustc's code of a verdict, as words without spaces."""
    return ["_".join(name.split()) for name in (verdict.error_type, verdict.error_code) if name]


def _filters(view: ModeView) -> list[str]:
    rows = [*error_rows(view), *code_rows(view)]
    return list(dict.fromkeys("_".join(row.name.split()) for row in rows if row.name != "unclassified"))


def _example(verdict: Verdict) -> str:
    return one_line(first_message(verdict.stderr, verdict.result))


def _cut(packed: PackedAnswers) -> str:
    if packed.detail == DETAILS[0]:
        return ""
    detail = packed.detail
    text = (
        f"To keep this page small, code is cut at {detail.code:,} characters and messages at {detail.message:,}; "
        "the results files hold everything."
    )
    return text if detail.answers >= DETAILS[0].answers else f"{text} Rare answers are left out."
