"""Runs of n tokens that texts have in common, found at the speed of arrays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Numbers = NDArray[np.int64]
_Hashes = NDArray[np.uint64]

# Odd, so that multiplying by it loses nothing modulo 2**64.
_BASE = np.uint64(0x9E3779B97F4A7C15)
_SEED = 20_240_229
_OWNERS_OF_BOILERPLATE = 3


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """What a document has of one target: the share of the target's runs, and where in the document the first stands.

    `document` and `position` count from 0 in the batch and in the document's tokens.
    """

    target: str
    document: int
    share: float
    position: int


class GramIndex:
    """The runs of n tokens of some targets, by which documents are searched for any of them.

    A run that targets of three owners or more have in common says nothing of any, and counts for none. Two may share
    theirs: suites have tasks that come in pairs.
    """

    def __init__(
        self, targets: Mapping[str, Sequence[str]], *, owners: Mapping[str, str], length: int, least: int
    ) -> None:
        """Learn the targets.

        Args:
            targets: tokens by name.
            owners: what each target belongs to; two targets of one owner may share runs.
            length: tokens in a run.
            least: the fewest runs by which a target can be told; targets with fewer are left out.
        """
        self.length = length
        self._vocabulary: dict[str, int] = {}
        for tokens in targets.values():
            for token in tokens:
                self._vocabulary.setdefault(token, len(self._vocabulary) + 1)
        self._weights = np.random.default_rng(_SEED).integers(
            1, 1 << 63, size=len(self._vocabulary) + 1, dtype=np.uint64
        )
        self._powers = np.array([pow(int(_BASE), power, 1 << 64) for power in range(length)], dtype=np.uint64)
        runs = {name: self._runs_of(tokens) for name, tokens in targets.items()}
        found: dict[int, set[str]] = {}
        for name, hashes in runs.items():
            for value in hashes:
                found.setdefault(value, set()).add(name)
        told = {
            value: names
            for value, names in found.items()
            if len({owners[name] for name in names}) < _OWNERS_OF_BOILERPLATE
        }
        counts = {name: len(hashes & told.keys()) for name, hashes in runs.items()}
        self.sizes = {name: count for name, count in counts.items() if count >= least}
        self._hashes: _Hashes = np.array(sorted(told), dtype=np.uint64)
        self._names = [tuple(sorted(told[int(value)] & self.sizes.keys())) for value in self._hashes]

    def _runs_of(self, tokens: Sequence[str]) -> set[int]:
        _, hashes = self._windows(self.numbers(tokens))
        return {int(value) for value in hashes}

    def numbers(self, tokens: Sequence[str]) -> list[int]:
        """Return the number of each token; 0 for one that no target has."""
        known = self._vocabulary
        return [known.get(token, 0) for token in tokens]

    def search(self, documents: Sequence[Sequence[int]]) -> Iterator[Overlap]:
        """Yield what documents have in common with targets.

        Args:
            documents: their tokens as `numbers` gives them.
        """
        starts = np.cumsum([0, *(len(document) + 1 for document in documents)])
        joined = np.zeros(int(starts[-1]), dtype=np.int64)  # a 0 stands between two documents
        for start, document in zip(starts, documents, strict=False):
            joined[start : start + len(document)] = document
        positions, hashes = self._windows(joined)
        if not len(self._hashes) or not len(hashes):
            return
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        hit = self._hashes[places] == hashes
        yield from self._overlaps(positions[hit], places[hit], starts=starts)

    def _overlaps(self, positions: _Numbers, places: _Numbers, *, starts: _Numbers) -> Iterator[Overlap]:
        documents = np.searchsorted(starts, positions, side="right") - 1
        seen: dict[tuple[int, str], set[int]] = {}
        first: dict[tuple[int, str], int] = {}
        for document, position, place in zip(
            documents.tolist(), positions.tolist(), places.tolist(), strict=True
        ):
            for name in self._names[place]:
                seen.setdefault((document, name), set()).add(place)
                first.setdefault((document, name), position)
        for (document, name), runs in seen.items():
            yield Overlap(
                target=name,
                document=document,
                share=len(runs) / self.sizes[name],
                position=first[document, name] - int(starts[document]),
            )

    def _windows(self, numbers: Sequence[int] | _Numbers) -> tuple[_Numbers, _Hashes]:
        """Return where runs begin that hold no unknown token, and the hash of each."""
        ids = np.asarray(numbers, dtype=np.int64)
        count = len(ids) - self.length + 1
        if count <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
        unknown = np.concatenate([[0], np.cumsum(ids == 0)])
        positions = np.flatnonzero(unknown[self.length :] == unknown[:count])
        weights = self._weights[ids]
        hashes = np.zeros(len(positions), dtype=np.uint64)
        for offset in range(self.length):
            hashes += weights[positions + offset] * self._powers[offset]
        return positions, hashes
