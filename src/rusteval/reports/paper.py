"""A short paper of tables and charts, as Markdown and as one HTML file that needs nothing else.

All texts in it are plain: what they hold is escaped here, whatever a model or a compiler wrote.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from rusteval.files import write_bytes_atomic, write_text_atomic
from rusteval.reports.drawing import Chart
from rusteval.reports.page import asset, content_hash, data_uri
from rusteval.reports.templating import environment
from rusteval.reports.text import clean, escape, table

_BEFORE_NUMBER = re.compile(r"&lt;(?=[ 0-9])")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table under a heading: the first column names the row, all others are set like numbers.

    Attributes:
        heading: what the table shows.
        headers: one text for each column.
        rows: cells as plain text.
        remark: how to read it; may be empty.
    """

    heading: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    remark: str = ""

    def to_markdown(self) -> str:
        """Return the table alone."""
        rows = [[_escape(cell) for cell in row] for row in self.rows]
        return table([_escape(name) for name in self.headers], rows, numbers=range(1, len(self.headers)))


@dataclass(frozen=True, kw_only=True)
class Paper:
    """What is shown: sentences, then the first table, the charts, and the other tables.

    Attributes:
        title: one line.
        subtitle: what it was made from, one line.
        lead: the result in sentences, the most important first.
        notes: what a reader must know before trusting the numbers.
        sheets: the tables; those without rows are left out.
        charts: the pictures; Markdown names their files, the page holds them.
    """

    title: str
    subtitle: str
    lead: Sequence[str]
    notes: Sequence[str]
    sheets: Sequence[Sheet]
    charts: Sequence[Chart] = field(default_factory=tuple)

    @property
    def shown(self) -> list[Sheet]:
        """The tables that have rows."""
        return [sheet for sheet in self.sheets if sheet.rows]

    def to_markdown(self) -> str:
        """Return the text; its pictures are expected beside it as PNG."""
        return environment().get_template("paper.md.j2").render(paper=self, escape=_escape)

    def to_html(self) -> str:
        """Return the page; it needs no network and runs no script."""
        style = asset("report.css")
        return (
            environment()
            .get_template("paper.html.j2")
            .render(
                paper=self,
                charts=[(chart, data_uri(chart.svg), data_uri(chart.dark_svg)) for chart in self.charts],
                clean=clean,
                style=Markup(style),  # noqa: S704 -- a file of this package
                style_hash=content_hash(style),
            )
        )


def write_paper(
    paper: Paper, *, folder: Path, name: str, chart_names: Sequence[str], texts: dict[str, str]
) -> list[Path]:
    """Write `<name>.md`, `<name>.html`, the charts as PNG and SVG, and further texts; return what was written.

    A chart of `chart_names` that this paper does not have is removed: beside these numbers it would lie.

    Raises:
        OSError: a file cannot be written.
    """
    pictures = {f"{chart.name}.png": chart.png for chart in paper.charts}
    pictures |= {f"{chart.name}.svg": chart.svg for chart in paper.charts}
    written = {**texts, f"{name}.md": paper.to_markdown(), f"{name}.html": paper.to_html()}
    for file, data in pictures.items():
        write_bytes_atomic(folder / file, data)
    for file, text in written.items():
        write_text_atomic(folder / file, text)
    for file in (f"{chart}.{form}" for chart in chart_names for form in ("png", "svg")):
        if file not in pictures:
            (folder / file).unlink(missing_ok=True)
    return [folder / file for file in (*pictures, *written)]


def _escape(text: str) -> str:
    """Escape text, but leave `pass@1` and `<0.001` readable: after a letter @ mentions nobody, before a digit < is no tag."""
    escaped = escape(text).replace("pass\\@", "pass@").replace("compile\\@", "compile@")
    return _BEFORE_NUMBER.sub("<", escaped)
