"""Read what rustc and Clippy report as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One message of the compiler.

    `files` are the source files that the primary spans lie in, with macro expansions followed back to the code
    that was written; empty for messages about no place, such as the linker's. `line` is that of the first of them.
    """

    level: str
    code: str | None
    message: str
    rendered: str
    files: frozenset[str]
    labelled: frozenset[str] = frozenset()
    line: int | None = None


def parse_diagnostics(output: bytes) -> Iterator[Diagnostic]:
    """Yield the diagnostics in the error output of `--error-format=json`; other lines (a crash) are passed over."""
    for line in output.split(b"\n"):
        if not line.startswith(b"{"):
            continue
        try:
            value = json.loads(line)
        except ValueError:  # cut off by the output limit
            continue
        if isinstance(value, dict) and value.get("$message_type", "diagnostic") == "diagnostic":
            yield _diagnostic(value)


def _diagnostic(value: dict[str, Any]) -> Diagnostic:
    spans = [(_written(span), bool(span.get("is_primary"))) for span in value.get("spans") or []]
    lines = [span.get("line_start") for span, primary in spans if primary]
    return Diagnostic(
        level=str(value.get("level", "")),
        code=(value.get("code") or {}).get("code"),
        message=str(value.get("message", "")),
        rendered=str(value.get("rendered") or ""),
        files=frozenset(str(span.get("file_name", "")) for span, primary in spans if primary),
        labelled=frozenset(str(span.get("file_name", "")) for span, primary in spans if not primary),
        line=lines[0] if lines else None,
    )


def _written(span: dict[str, Any]) -> dict[str, Any]:
    """Return the span of the code that was written, of which this one may be a macro's expansion."""
    while span.get("expansion"):
        span = span["expansion"]["span"]
    return span


def crash_text(output: bytes) -> str:
    """Return the lines of an error output that are no diagnostics: a crash report, the linker's own words."""
    lines = [line for line in output.split(b"\n") if not line.startswith(b"{")]
    return b"\n".join(lines).decode(errors="replace").strip()
