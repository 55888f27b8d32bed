"""Read what rustc and Clippy report as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One message of the compiler.

    `files` are the source files that the primary spans lie in, with macro expansions followed back to the code
    that was written; empty for messages about no place, such as the linker's.
    """

    level: str
    code: str | None
    message: str
    rendered: str
    files: frozenset[str]
    labelled: frozenset[str] = frozenset()


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
    spans = value.get("spans") or []
    return Diagnostic(
        level=str(value.get("level", "")),
        code=(value.get("code") or {}).get("code"),
        message=str(value.get("message", "")),
        rendered=str(value.get("rendered") or ""),
        files=frozenset(_written_in(span) for span in spans if span.get("is_primary")),
        labelled=frozenset(_written_in(span) for span in spans if not span.get("is_primary")),
    )


def _written_in(span: dict[str, Any]) -> str:
    while span.get("expansion"):
        span = span["expansion"]["span"]
    return str(span.get("file_name", ""))


def crash_text(output: bytes) -> str:
    """Return the lines of an error output that are no diagnostics: a crash report, the linker's own words."""
    lines = [line for line in output.split(b"\n") if not line.startswith(b"{")]
    return b"\n".join(lines).decode(errors="replace").strip()
