"""Compiler messages as the writer of an answer should see them: without what the judge put before its first line."""


def without_head(rendered: str, *, head: str) -> str:
    """Return a rendered diagnostic in which the first line of the answer is shown as it was written.

    The judge's head stands on the answer's own first line, so that all lines keep their numbers. Where rustc quotes
    that line, the head goes, and the marks below it move with the text.

    Args:
        rendered: a message as rustc renders it, quoted lines not shortened.
        head: the text before the answer on its first line.
    """
    if head not in rendered:
        return rendered
    lines = rendered.split("\n")
    gutter = None  # the width of the line numbers' column while marks below the quoted line are moved
    for number, line in enumerate(lines):
        if head in line:
            lines[number] = line.replace(head, "", 1)
            # A proposed change quotes the line behind `-` or `+` instead, with no marks below it.
            bar = line.partition(head)[0].find("|")
            gutter = bar + 1 if bar >= 0 else None
            continue
        if gutter is None:
            continue
        marks, room = line[:gutter], line[gutter + 1 :]
        if not marks.endswith("|") or marks[:-1].strip() or room[: len(head)].strip():
            gutter = None
        elif room:
            lines[number] = f"{marks} {room[len(head) :]}"
    return "\n".join(_without_column(line, head=head) for line in lines)


def _without_column(line: str, *, head: str) -> str:
    """Move the column of a place on the first line of a file: `--> answer.rs:1:COLUMN`."""
    place, _, column = line.rpartition(":1:")
    if place.strip() not in {"--> answer.rs", "::: answer.rs"} or not column.isdigit():
        return line
    return f"{place}:1:{max(1, int(column) - len(head))}"
