"""Drawing the next token of each row of a batch from that row's own stream of random numbers."""

from collections.abc import Sequence

import numpy as np
import torch

# How many of the most likely tokens are looked at first; nearly always they hold the whole nucleus.
CANDIDATES = 1024

_BLOCK = 64


class SampleStream:
    """The random numbers of one sample: one uniform number for each token, from a counter-based generator.

    The n-th number depends on the sample's seed alone: not on the batch the sample is in, nor on its neighbours.
    """

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.Philox(key=seed))
        self._ahead: list[float] = []

    def next(self) -> float:
        """Return the next number, at least 0 and below 1."""
        if not self._ahead:
            self._ahead = self._generator.random(_BLOCK).tolist()[::-1]
        return self._ahead.pop()


def next_tokens(
    logits: torch.Tensor, *, temperature: float, top_p: float, uniforms: Sequence[float]
) -> torch.Tensor:
    """Return one token for each row, by inverting the cumulative distribution at the row's own uniform number.

    The cumulative sum runs in the order of token ids, not of probabilities, so that two nearly equal tokens that
    swap ranks by a rounding error do not change the draw.

    Args:
        logits: scores, shape (rows, vocabulary).
        temperature: divisor of the scores; 0 takes the largest.
        top_p: mass of the nucleus: the smallest set of most likely tokens that reaches it is kept, of equally
            likely ones those with the lowest ids.
        uniforms: one number in [0, 1) for each row; unused at temperature 0.

    Returns:
        Token ids, shape (rows,).
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.float() / temperature, dim=-1)
    numbers = torch.tensor(uniforms, dtype=torch.float64, device=logits.device)
    if top_p >= 1:
        return _invert(probabilities, numbers)
    if probabilities.shape[1] <= CANDIDATES:
        return _invert(_nucleus(probabilities, top_p), numbers)
    kept, ids, whole = _nucleus_of_candidates(probabilities, top_p)
    tokens = ids.gather(1, _invert(kept, numbers).unsqueeze(1)).squeeze(1)
    if not bool(whole.all()):
        rest = torch.nonzero(~whole).squeeze(1)
        tokens[rest] = _invert(_nucleus(probabilities[rest], top_p), numbers[rest])
    return tokens


def _invert(weights: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Return for each row the place where its running sum of weights passes the number's share of their total."""
    cumulative = weights.double().cumsum(dim=-1)
    total = cumulative[:, -1:].contiguous()
    places = torch.searchsorted(cumulative, numbers.unsqueeze(1) * total, right=True)
    last = torch.searchsorted(
        cumulative, total
    )  # a draw rounded up to the total stops at the last token kept
    return torch.minimum(places, last).squeeze(1)


def _nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """Return probabilities with 0 outside of the nucleus, found by sorting them all."""
    ranked, order = probabilities.sort(dim=-1, descending=True, stable=True)
    kept = ranked.masked_fill(_mass_before(ranked) >= top_p, 0.0)
    return torch.zeros_like(probabilities).scatter_(-1, order, kept)


def _nucleus_of_candidates(
    probabilities: torch.Tensor, top_p: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Find the nucleus among the most likely tokens alone.

    Returns:
        The candidates' probabilities with 0 outside of the nucleus, and their ids, in the order of ids, both of
        shape (rows, candidates); and for each row whether this is the nucleus of the whole vocabulary.
    """
    ranked, order = probabilities.topk(CANDIDATES, dim=-1)
    inside = _mass_before(ranked) < top_p
    counts = inside.sum(dim=-1, keepdim=True)
    least = ranked.gather(1, counts - 1)
    # Where the least likely candidate is as likely as the least of the nucleus, tokens like it may be missing here.
    whole = (least > ranked[:, -1:]).squeeze(1)
    ids, places = order.sort(dim=-1)
    weights = ranked.gather(1, places)
    equal = weights == least
    room = counts - (ranked > least).sum(dim=-1, keepdim=True)
    kept = (weights > least) | (equal & (equal.cumsum(dim=-1) <= room))
    return weights.masked_fill(~kept, 0.0), ids, whole


def _mass_before(ranked: torch.Tensor) -> torch.Tensor:
    """Return for each token the mass of those that are more likely, shape and order as given."""
    before = torch.zeros_like(ranked, dtype=torch.float64)
    before[:, 1:] = ranked[:, :-1].double().cumsum(dim=-1)
    return before
