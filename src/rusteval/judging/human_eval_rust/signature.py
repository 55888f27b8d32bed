"""Find the brace that opens the body of a named function, the protocol's way (specification, section 3.3).

Each function states the expression that the protocol prescribes. Tried as it stands, such an expression can take
cubic time; what it finds is found here by looking up the next bracket of a kind.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from rusteval.judging.human_eval_rust.text import skip_space

_STOPS = re.compile(r"[{}wher]")
_BRACES = re.compile(r"[{}]")


def find_body(text: str, name: str) -> int | None:
    """Return the position of the brace that opens the body of function `name`: with generics, else without."""
    brace = _generic_body(text, name)
    return brace if brace is not None else _plain_body(text, name)


def opens_main(line: str) -> bool:
    r"""Return whether a line begins as `^fn\s+main\s*\([^)]*\)\s*(?:->[^{]*)?\s*\{` says."""
    parenthesis = _bracket_after(line, 0, name="main", bracket="(") if line.startswith("fn") else None
    return parenthesis is not None and _plain_tail(line, parenthesis) is not None


def _plain_body(text: str, name: str) -> int | None:
    r"""Find `fn\s+NAME\s*\([^)]*\)\s*(?:->[^{]*)?\s*\{`."""
    for parenthesis in _heads(text, name, bracket="("):
        brace = _plain_tail(text, parenthesis)
        if brace is not None:
            return brace
    return None


def _generic_body(text: str, name: str) -> int | None:
    r"""Find `fn\s+NAME\s*<[^>]*>?\s*\([^)]*\)\s*(?:->\s*[^{}where]+)?\s*(?:where\s+[^{}]+)?\s*\{`.

    The parameters may begin behind the first `>`, or else, as that is optional, at any parenthesis before it: the
    last of these from which the rest matches.
    """
    parameters: _Parameters | None = None
    for angle in _heads(text, name, bracket="<"):
        parameters = parameters or _Parameters(text)
        closing = text.find(">", angle + 1)
        if closing >= 0:
            brace = parameters.body_at(skip_space(text, closing + 1))
            if brace is not None:
                return brace
        brace = parameters.last_body_between(angle, closing if closing >= 0 else len(text))
        if brace is not None:
            return brace
    return None


class _Parameters:
    """All parentheses of a text that open what the generic expression takes for parameters and the rest."""

    def __init__(self, text: str) -> None:
        stops = [found.start() for found in _STOPS.finditer(text)]
        braces = [found.start() for found in _BRACES.finditer(text)]
        closings = [found.start() for found in re.finditer(r"\)", text)]
        bodies = {at: _generic_tail(text, at + 1, stops=stops, braces=braces) for at in closings}
        pairs = [
            (found.start(), bodies[closings[index]])
            for found in re.finditer(r"\(", text)
            if (index := bisect_left(closings, found.start())) < len(closings)
        ]
        self._bodies = {opening: brace for opening, brace in pairs if brace is not None}
        self._openings = list(self._bodies)

    def body_at(self, position: int) -> int | None:
        return self._bodies.get(position)

    def last_body_between(self, low: int, high: int) -> int | None:
        """Return the body's brace for the last parenthesis that lies strictly between two positions."""
        index = bisect_left(self._openings, high) - 1
        if index < 0 or self._openings[index] <= low:
            return None
        return self._bodies[self._openings[index]]


def _generic_tail(text: str, at: int, *, stops: Sequence[int], braces: Sequence[int]) -> int | None:
    r"""Match `\s*(?:->\s*[^{}where]+)?\s*(?:where\s+[^{}]+)?\s*\{`, where `[...]` is a set of characters.

    Behind an arrow, nothing but the next character of that set can end the return type.
    """
    at = skip_space(text, at)
    if text.startswith("->", at):
        end = _next(stops, at + 2, otherwise=len(text))
        if end == at + 2:
            return None
        at = end
    if text.startswith("{", at):
        return at
    clause = at + len("where")
    brace = _next(braces, clause, otherwise=-1)
    # two characters at least: white space, and then anything, white space too
    fits = text.startswith("where", at) and brace >= clause + 2 and text[clause].isspace()
    return brace if fits and text[brace] == "{" else None


def _plain_tail(text: str, parenthesis: int) -> int | None:
    r"""Match `\([^)]*\)\s*(?:->[^{]*)?\s*\{` at a parenthesis."""
    closing = text.find(")", parenthesis)
    if closing < 0:
        return None
    after = skip_space(text, closing + 1)
    if text.startswith("->", after):
        brace = text.find("{", after + 2)
        return brace if brace >= 0 else None
    return after if text.startswith("{", after) else None


def _heads(text: str, name: str, *, bracket: str) -> Iterator[int]:
    r"""Yield where the bracket is for each place in the text where `fn\s+NAME\s*BRACKET` matches."""
    at = text.find("fn")
    while at >= 0:
        found = _bracket_after(text, at, name=name, bracket=bracket)
        if found is not None:
            yield found
        at = text.find("fn", at + 1)


def _bracket_after(text: str, at: int, *, name: str, bracket: str) -> int | None:
    named = skip_space(text, at + 2)
    if named == at + 2 or not text.startswith(name, named):
        return None
    position = skip_space(text, named + len(name))
    return position if text.startswith(bracket, position) else None


def _next(positions: Sequence[int], at: int, *, otherwise: int) -> int:
    index = bisect_right(positions, at - 1)
    return positions[index] if index < len(positions) else otherwise
