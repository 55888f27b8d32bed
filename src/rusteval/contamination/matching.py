"""Two looks at training documents: runs of words, and functions without their names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rusteval.contamination.documents import TrainingText, code_in
from rusteval.contamination.grams import GramIndex
from rusteval.contamination.skeletons import skeletons
from rusteval.contamination.targets import (
    LEAST_TOKEN_RUNS,
    LEAST_WORD_RUNS,
    TOKENS_IN_RUN,
    WORDS_IN_RUN,
    Targets,
    fingerprints_of,
    parts_of_name,
    word_places,
    words_of,
)
from rusteval.pipeline.contamination import EvidenceKind

TEXT_SHARE = 0.5
FUNCTION_SHARE = 0.7
NOTED_SHARE = 0.25
# A function of more than twice as many tokens, or less than half, is another one, whatever they have in common.
_SIZES = (0.5, 2.0)
_EXCERPT_CHARS = 400
_BETWEEN = ""  # no word: runs do not reach from one text of a document into the next

THRESHOLDS = {
    "text_share": TEXT_SHARE,
    "function_share": FUNCTION_SHARE,
    "noted_share": NOTED_SHARE,
    "words_in_run": WORDS_IN_RUN,
    "least_word_runs": LEAST_WORD_RUNS,
    "tokens_in_run": TOKENS_IN_RUN,
    "least_token_runs": LEAST_TOKEN_RUNS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """What one document has of a task: the share of it, whether that is suspicious, and where it stands."""

    task_id: str
    kind: EvidenceKind
    share: float
    suspicious: bool
    file: str
    line: int
    excerpt: str


class Matcher:
    """Looks for targets in documents."""

    def __init__(self, targets: Targets) -> None:
        """Learn what to look for."""
        self._targets = targets
        self._words = GramIndex(
            targets.words, owners=targets.owners, length=WORDS_IN_RUN, least=LEAST_WORD_RUNS
        )
        self._functions = GramIndex(
            targets.functions, owners=targets.owners, length=TOKENS_IN_RUN, least=LEAST_TOKEN_RUNS
        )

    @property
    def searched(self) -> dict[str, tuple[str, ...]]:
        """What of each task is long enough to tell."""
        found: dict[str, dict[str, None]] = {}
        for name in (*self._words.sizes, *self._functions.sizes):
            what, task_id = parts_of_name(name)
            found.setdefault(task_id, {})[what] = None
        return {task_id: tuple(parts) for task_id, parts in found.items()}

    def match(self, documents: Sequence[TrainingText]) -> list[Match]:
        """Return everything worth noting in some documents, in their order for each look."""
        return [*self._in_words(documents), *self._in_functions(documents)]

    def _in_words(self, documents: Sequence[TrainingText]) -> Iterator[Match]:
        numbers = [
            self._words.numbers([word for text in document.texts for word in (*words_of(text), _BETWEEN)])
            for document in documents
        ]
        for overlap in self._words.search(numbers):
            if overlap.share < NOTED_SHARE:
                continue
            what, task_id = parts_of_name(overlap.target)
            document = documents[overlap.document]
            text, start = _place(document.texts, overlap.position)
            yield Match(
                task_id=task_id,
                kind="prompt text" if what == "prompt" else "reference text",
                share=overlap.share,
                suspicious=overlap.share >= TEXT_SHARE,
                file=document.file,
                line=_line(document, text, start),
                excerpt=_excerpt(text, start),
            )

    def _in_functions(self, documents: Sequence[TrainingText]) -> Iterator[Match]:
        found = [
            (document, function)
            for document in documents
            for code in code_in(document.texts)
            for function in skeletons(code)
        ]
        numbers = [self._functions.numbers(function.tokens) for _, function in found]
        for overlap in self._functions.search(numbers):
            document, function = found[overlap.document]
            reference = self._targets.functions[overlap.target]
            size = len(function.tokens) / len(reference)
            if overlap.share < NOTED_SHARE or not _SIZES[0] <= size <= _SIZES[1]:
                continue
            known = self._targets.fingerprints[overlap.target]
            same = overlap.share >= FUNCTION_SHARE and bool(known & fingerprints_of(function.text))
            yield Match(
                task_id=parts_of_name(overlap.target)[1],
                kind="same function" if same else "similar function",
                share=1.0 if same else overlap.share,
                suspicious=overlap.share >= FUNCTION_SHARE,
                file=document.file,
                line=_line(document, document.texts[0], document.texts[0].find(function.text)),
                excerpt=_excerpt(function.text, 0),
            )


def _place(texts: Sequence[str], position: int) -> tuple[str, int]:
    """Return the text that the word at a position of a document stands in, and where it begins there."""
    for text in texts:
        places = word_places(text)
        if position < len(places):
            return text, places[position]
        position -= len(places) + 1
    return texts[-1], 0


def _line(document: TrainingText, text: str, start: int) -> int:
    return document.line if document.rows else document.line + text.count("\n", 0, max(start, 0))


def _excerpt(text: str, start: int) -> str:
    begin = text.rfind("\n", 0, start) + 1
    return text[begin : begin + _EXCERPT_CHARS]
