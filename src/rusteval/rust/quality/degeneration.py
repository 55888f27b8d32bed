"""Completions that are no attempt at a program: nothing, the same over and over, or no language at all.

The rules and their thresholds are in docs/code-quality.md; they are meant never to fire on honest code.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from rusteval.rust.quality.trees import encode
from rusteval.rust.syntax import COMMENTS, Token, parse, tokens_in

Kind = Literal["empty", "repetition", "garbled"]

_PIECE = re.compile(r"\w+|([-=*#/~.+^])\1+|[^\w\s]")
"""Words, ruled lines and single signs of any text; what repeats itself need not be Rust."""
_LONGEST_PHRASE = 200
_LONG_PIECE = 40
_MOST_OF_TEXT = 0.9
_SAME_BRACKETS = 16
_ENDLESS = ((1, 40), (2, 20), (4, 10), (10, 6), (15, 4))
"""How often a phrase of at least so many pieces may not stand at the end of a text."""
_ENDLESS_CUT = ((1, 24), (2, 12), (4, 6), (8, 4), (15, 3))
_MOSTLY_TIMES = 10
_MOSTLY_SIZE = 50
_SHOWN = 40

_NO_TEXT = frozenset({"Cc", "Co", "Cs"})
_BROKEN_CHARACTERS = 3
_BROKEN_SHARE = 0.05
_ENOUGH_TOKENS = 20
_PROSE_SHARE = 0.6
_FOREIGN_SHARE = 0.3

_SAME_TEXT_PROMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Degeneration:
    """What is wrong with a completion, and one short line that shows it."""

    kind: Kind
    evidence: str


@dataclass(frozen=True, kw_only=True)
class _Run:
    """A phrase that follows itself, counted in pieces of the text."""

    start: int
    end: int
    phrase: int

    @property
    def times(self) -> int:
        return (self.end - self.start) // self.phrase

    @property
    def size(self) -> int:
        return self.end - self.start


def find_degeneration(completion: str, *, truncated: bool) -> Degeneration | None:
    """Return what makes a completion degenerate, or None for an honest attempt, right or wrong.

    Args:
        completion: what the model wrote, without the prompt.
        truncated: whether it stopped at the limit of tokens; a loop that ran into the limit is then seen sooner.
    """
    return (
        _emptiness(completion, truncated=truncated)
        or _repetition(completion, truncated=truncated)
        or _garbling(completion)
    )


def find_collapse(completions_by_prompt: Mapping[str, Sequence[str]]) -> str | None:
    """Return a sentence that says how a model as a whole has collapsed, or None where it has not.

    It has where more than half of all completions are degenerate, or where one text makes up more than half of the
    completions of more than half of the prompts, of three prompts at least.
    """
    texts = [text for samples in completions_by_prompt.values() for text in samples]
    found = [find_degeneration(text, truncated=False) for text in texts]
    kinds = Counter(degeneration.kind for degeneration in found if degeneration is not None)
    if 2 * kinds.total() > len(texts):
        parts = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        return (
            f"{kinds.total()} of {len(texts)} completions are degenerate ({parts}): the model has collapsed"
        )
    return _one_text_for_all(completions_by_prompt)


def _one_text_for_all(completions_by_prompt: Mapping[str, Sequence[str]]) -> str | None:
    ruled: Counter[str] = Counter()
    for samples in completions_by_prompt.values():
        text, count = next(iter(Counter(map(_squeezed, samples)).most_common(1)), ("", 0))
        ruled[text] += 2 * count > len(samples)
    text, prompts = next(iter(ruled.most_common(1)), ("", 0))
    total = len(completions_by_prompt)
    if prompts < _SAME_TEXT_PROMPTS or 2 * prompts <= total:
        return None
    return f"most answers to {prompts} of {total} prompts are the same text, {_shown(text)}: the model has collapsed"


def _emptiness(text: str, *, truncated: bool) -> Degeneration | None:
    if not text.strip():
        return Degeneration(kind="empty", evidence="no text")
    data = encode(text)
    if truncated or tokens_in(data) or _unread(data, tokens=[]):
        return None
    return Degeneration(kind="empty", evidence="nothing but comments")


def _repetition(text: str, *, truncated: bool) -> Degeneration | None:
    pieces = list(_PIECE.finditer(text))
    words = [piece.group() for piece in pieces]
    for place, word in enumerate(words):
        is_most = len(word) >= _MOST_OF_TEXT * len(text) or place == len(words) - 1
        if is_most and len(word) >= _LONG_PIECE and len(set(word)) == 1:
            return Degeneration(kind="repetition", evidence=f"`{word[0]}` {len(word)} times in a row")
    for run in _runs(words):
        if _is_loop(run, words=words, truncated=truncated):
            return Degeneration(kind="repetition", evidence=_description(run, pieces=pieces, text=text))
    return None


def _description(run: _Run, *, pieces: Sequence[re.Match[str]], text: str) -> str:
    """Show the phrase of a run from where it begins a line, or else from where the run begins."""
    starts = range(run.start, run.start + run.phrase)
    start = next((place for place in starts if _begins_line(place, pieces=pieces, text=text)), run.start)
    phrase = text[pieces[start].start() : pieces[start + run.phrase - 1].end()]
    return f"{_shown(phrase)} {(run.end - start) // run.phrase} times in a row"


def _begins_line(place: int, *, pieces: Sequence[re.Match[str]], text: str) -> bool:
    return place == 0 or "\n" in text[pieces[place - 1].end() : pieces[place].start()]


def _runs(words: Sequence[str]) -> Iterator[_Run]:
    """Return for each length of a phrase where it follows itself at least once, short phrases first."""
    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)
    for phrase in range(1, min(_LONGEST_PHRASE, len(words) // 2) + 1):
        same = np.concatenate(([0], (ids[phrase:] == ids[:-phrase]).view(np.int8), [0]))
        edges = np.flatnonzero(np.diff(same))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if end - start >= phrase:
                yield _Run(start=start, end=end + phrase, phrase=phrase)


def _is_loop(run: _Run, *, words: Sequence[str], truncated: bool) -> bool:
    """Whether a phrase repeats itself as no honest program does."""
    if run.phrase == 1 and words[run.start] in "([{" and run.times >= _SAME_BRACKETS:
        return True
    last_word_is_cut = truncated and words[-1][0].isalnum()
    if run.end >= len(words) - last_word_is_cut:
        enough = _ENDLESS_CUT if truncated else _ENDLESS
        return any(run.phrase >= phrase and run.times >= times for phrase, times in enough)
    mostly = 2 * run.size >= len(words) and run.times >= _MOSTLY_TIMES and run.size >= _MOSTLY_SIZE
    return mostly and not _in_list(run, words=words)


def _in_list(run: _Run, *, words: Sequence[str]) -> bool:
    """Whether a run stands in square brackets, as the elements of an array or of `vec![]` do."""
    depth = 0
    for position in range(run.end, len(words)):
        depth += (words[position] in "([{") - (words[position] in ")]}")
        if depth < 0:
            return words[position] == "]"
    return False


def _garbling(text: str) -> Degeneration | None:
    broken = [c for c in text if c == "\ufffd" or (unicodedata.category(c) in _NO_TEXT and c not in "\t\r\n")]
    if len(broken) >= max(_BROKEN_CHARACTERS, _BROKEN_SHARE * len(text)):
        return Degeneration(kind="garbled", evidence=f"{len(broken)} control or replacement characters")
    data = encode(text)
    tokens = [token for token in tokens_in(data) if token.kind != "ERROR"]
    signs = _squeezed(text).replace(" ", "")
    foreign = sum(1 for c in _unread(data, tokens=tokens) if not c.isascii())
    if len(signs) >= _ENOUGH_TOKENS and foreign > _FOREIGN_SHARE * len(signs):
        return Degeneration(
            kind="garbled", evidence=f"{foreign} of {len(signs)} characters are foreign to Rust"
        )
    loose = sum(1 for left, right in pairwise(tokens) if _is_name(left) and _is_name(right))
    if len(tokens) >= _ENOUGH_TOKENS and loose > _PROSE_SHARE * len(tokens):
        return Degeneration(
            kind="garbled", evidence=f"{loose} of {len(tokens)} words follow one another as in prose"
        )
    return None


def _unread(data: bytes, *, tokens: Sequence[Token]) -> str:
    """Return what is neither white space nor in a comment nor in a token."""
    spans = [(token.start, token.end) for token in tokens]
    rest = bytearray(data)
    for start, end in [*spans, *_comments_in(data)]:
        rest[start:end] = b" " * (end - start)
    return "".join(rest.decode("utf-8", "replace").split())


def _comments_in(data: bytes) -> Iterator[tuple[int, int]]:
    pending = [parse(data).root_node]
    while pending:
        node = pending.pop()
        if node.type in COMMENTS:
            yield node.start_byte, node.end_byte
        else:
            pending.extend(node.children)


def _is_name(token: Token) -> bool:
    return token.kind.endswith("identifier")


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _shown(phrase: str) -> str:
    line = "".join(c if c.isprintable() else "\ufffd" for c in _squeezed(phrase))
    return f"`{line}`" if len(line) <= _SHOWN else f"`{line[: _SHOWN - 3]}...`"
