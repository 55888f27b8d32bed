"""Text from models and compilers, made safe to show in Markdown, and readable everywhere.

A completion may hold anything: control characters, right-to-left overrides, backticks, pipes, markup. Nothing of
that may change the look or the structure of the document around it.
"""

import re
from collections.abc import Sequence

_VISIBLE = (
    {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)}
    | {0x7F: "\u2421"}
    | dict.fromkeys(range(0x80, 0xA0), "\ufffd")
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    | dict.fromkeys((0x85, 0x2028, 0x2029), "\u2424")
    | {
        code: f"[U+{code:04X}]"
        for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)
    }
)
_SPECIAL = re.compile(r"[\\`*_{}\[\]#~$@!]")
_BACKTICKS = re.compile(r"`+")
_CODE_TAG_CHARACTERS = re.compile(r"[&<>|`\\*_\[\]~$@:]")


def clean(text: str) -> str:
    """Return text in which every control, bidirectional and surrogate character is a visible symbol."""
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def shorten(text: str, limit: int) -> str:
    """Cut text to `limit` characters and say how many are missing."""
    return text if len(text) <= limit else f"{text[:limit]}\n[... {len(text) - limit} more characters]"


def shorten_lines(text: str, lines: int, *, from_end: bool = False) -> str:
    """Cut text to its first lines, or `from_end` to its last ones, and say how many are missing."""
    kept = text.splitlines()
    hidden = len(kept) - lines
    if hidden <= 1:  # a line that says that one line is missing would take its place
        return text
    said = f"[... {hidden} more lines]"
    return "\n".join([said, *kept[hidden:]] if from_end else [*kept[:lines], said])


def one_line(text: str, limit: int = 160) -> str:
    """Return cleaned text on one line, cut to `limit` characters."""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= limit else flat[: limit - 3] + "..."


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line, also inside a table cell."""
    flat = one_line(text, limit=2000)
    flat = _SPECIAL.sub(lambda match: "\\" + match.group(), flat)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")


def code(text: str) -> str:
    """Return text as inline code, on one line, also inside a table cell."""
    flat = one_line(text, limit=2000)
    if not flat:
        return ""
    if any(character in flat for character in "`|\\"):
        inner = _CODE_TAG_CHARACTERS.sub(lambda match: f"&#{ord(match.group())};", flat)
        return f"<code>{inner}</code>"
    return f"`{flat}`"


def fenced(text: str, language: str = "") -> str:
    """Return text as a fenced block whose fence is longer than any run of backticks inside."""
    cleaned = clean(text)
    longest = max((len(run) for run in _BACKTICKS.findall(cleaned)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{cleaned}{'' if cleaned.endswith('\n') else '\n'}{fence}"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """Return a Markdown table; the cells are Markdown already, the columns in `numbers` are aligned right."""
    marks = ["---:" if column in numbers else "---" for column in range(len(headers))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headers, marks, *rows))
