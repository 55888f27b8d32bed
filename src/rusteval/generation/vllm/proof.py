"""The proof that an adapter does something: the scores of the next token with and without it."""

import math
from collections.abc import Mapping
from typing import TypeVar

from rusteval.errors import InputError

Token = TypeVar("Token")


def adapter_change(base: Mapping[Token, float], adapted: Mapping[Token, float], *, name: str) -> float:
    """Return by how much an adapter changes the log probability of a token, above 0.

    Args:
        base: log probabilities of the likeliest tokens, without the adapter.
        adapted: the same with it.
        name: the adapter's.

    Raises:
        InputError: by nothing, or to what is no number.
    """
    if not all(math.isfinite(score) for score in adapted.values()):
        raise InputError(
            f"{name}: the base with this adapter gives scores that are no numbers; the checkpoint is damaged"
        )
    change = score_change(base, adapted)
    if change == 0:
        raise InputError(f"{name}: changes nothing in the base's answers; it is untrained or was not loaded")
    return change


def score_change(before: Mapping[Token, float], after: Mapping[Token, float]) -> float:
    """Return by how much scores differ, at the token where they differ most.

    Args:
        before: those of the likeliest tokens.
        after: the same of another model; a token that it does not list is no likelier than its last.
    """
    least_before, least_after = min(before.values()), min(after.values())
    tokens = {*before, *after}
    return max(abs(before.get(token, least_before) - after.get(token, least_after)) for token in tokens)
