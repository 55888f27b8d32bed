"""The templates of the reports."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def environment() -> Environment:
    """Return the templates; HTML is escaped by itself, Markdown by the functions of `rusteval.reports.text`."""
    return Environment(
        loader=PackageLoader("rusteval.reports"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
