"""How different the programs of a set are from one another."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rusteval.rust.quality.fingerprints import tree_fingerprint
from rusteval.rust.quality.trees import encode
from rusteval.rust.syntax import tokens_in


@dataclass(frozen=True, kw_only=True)
class Diversity:
    """Counts over a set of programs.

    Attributes:
        programs: how many programs there are.
        distinct_texts: how many of them differ as text, white space at the ends apart.
        distinct_trees: how many of them differ by more than names, layout and comments.
        words: identifiers and keywords in all programs together, comments and strings apart.
        vocabulary: how many different ones these are.
        distinct_bigrams: distinct-2 of Li et al. (2016): different pairs of neighbouring tokens, per token; 0 for
            no tokens. It falls as a set grows: compare sets of equal size only.
    """

    programs: int
    distinct_texts: int
    distinct_trees: int
    words: int
    vocabulary: int
    distinct_bigrams: float

    @property
    def distinct_tree_share(self) -> float:
        """The share of programs that differ by more than names, from 0 to 1; 0 for no programs."""
        return self.distinct_trees / self.programs if self.programs else 0.0


def diversity(sources: Sequence[str]) -> Diversity:
    """Count how different programs are from one another."""
    tokens = [tokens_in(encode(source)) for source in sources]
    words = [token.word for program in tokens for token in program if token.is_word and not token.is_string]
    pairs = {(left.text, right.text) for program in tokens for left, right in pairwise(program)}
    size = sum(len(program) for program in tokens)
    return Diversity(
        programs=len(sources),
        distinct_texts=len({source.strip() for source in sources}),
        distinct_trees=len({tree_fingerprint(source) for source in sources}),
        words=len(words),
        vocabulary=len(set(words)),
        distinct_bigrams=len(pairs) / size if size else 0.0,
    )
