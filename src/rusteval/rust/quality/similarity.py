"""How like two programs are, whatever their names: by their tokens and by the shape of their trees."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rusteval.rust.quality.fingerprints import normal_tokens
from rusteval.rust.quality.trees import NOISE, Place, children_of, root_of

_LONGEST = 4
_MARKS = ("%", "@")


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Two measures from 0 (nothing in common) to 1; both are 1 for programs that are equal up to their names."""

    tokens: float
    tree: float


def similarity(source: str, reference: str) -> Similarity:
    """Compare two programs; which of them is the reference makes no difference.

    `tokens` is the F-score of chrF with beta 1 (Popović 2015) over runs of one to four normal tokens instead of
    characters. The names in a run are numbered by first use in that run, as in Baker's search for parameterized
    duplicates (1995), so that one more variable at the head of a function does not change all that follows.

    `tree` is the syntactic match of CodeBLEU (Ren et al. 2020), made symmetric: of all subtrees of both programs,
    compared by kinds of nodes without names, literals and operators, the share that has a partner in the other
    program (Dice coefficient of the two multisets).
    """
    return Similarity(
        tokens=_f_score(normal_tokens(source), normal_tokens(reference)),
        tree=_dice(_subtrees([source, reference])),
    )


def _f_score(ours: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    """Return the harmonic mean of precision and recall, each a mean over the lengths that both texts have."""
    lengths = range(1, 1 + min(_LONGEST, len(ours), len(theirs)))
    if not lengths:
        return float(not ours and not theirs)
    precision = recall = 0.0
    for length in lengths:
        left, right = _runs(ours, length), _runs(theirs, length)
        shared = (left & right).total()
        precision += shared / left.total()
        recall += shared / right.total()
    both = precision + recall
    return 2 * precision * recall / both / len(lengths) if both else 0.0


def _runs(tokens: tuple[str, ...], length: int) -> Counter[tuple[str, ...]]:
    return Counter(_renumbered(tokens[start : start + length]) for start in range(len(tokens) - length + 1))


def _renumbered(run: tuple[str, ...]) -> tuple[str, ...]:
    numbers: dict[str, str] = {}
    return tuple(
        numbers.setdefault(token, f"{token[0]}{len(numbers) + 1}")
        if token.startswith(_MARKS) and token[1:].isdigit()
        else token
        for token in run
    )


def _dice(multisets: list[Counter[int]]) -> float:
    left, right = multisets
    total = left.total() + right.total()
    return 2 * (left & right).total() / total if total else 1.0


def _subtrees(sources: Iterable[str]) -> list[Counter[int]]:
    """Return the shapes of all subtrees of each text that have a named child; equal shapes have equal numbers."""
    shapes: dict[tuple[object, ...], int] = {}
    return [_shapes_in(source, shapes) for source in sources]


def _shapes_in(source: str, shapes: dict[tuple[object, ...], int]) -> Counter[int]:
    """Number shapes from the leaves up: the shape of a node is its kind and the numbers of its children."""
    found: Counter[int] = Counter()
    order: list[tuple[Place, int]] = [(Place(root_of(source)), -1)]
    for position, (place, _) in enumerate(
        order
    ):  # grows while it is read: parents come before their children
        named = (
            child for child in children_of(place) if child.node.is_named and child.node.type not in NOISE
        )
        order.extend((child, position) for child in named)
    below: list[list[int]] = [[] for _ in order]
    for position in range(len(order) - 1, -1, -1):
        place, parent = order[position]
        key = (place.node.type, *reversed(below[position]))
        number = shapes.setdefault(key, len(shapes))
        if below[position]:
            found[number] += 1
        if parent >= 0:
            below[parent].append(number)
    return found
