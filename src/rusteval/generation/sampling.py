"""Drawing the next token of each row of a batch from that row's own stream of random numbers."""

from collections.abc import Sequence

import numpy as np
import torch


class SampleStream:
    """The random numbers of one sample: one uniform number for each token, from a counter-based generator.

    The n-th number depends on the sample's seed alone: not on the batch the sample is in, nor on its neighbours.
    """

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.Philox(key=seed))

    def next(self) -> float:
        """Return the next number, at least 0 and below 1."""
        return float(self._generator.random())


def next_tokens(
    logits: torch.Tensor, *, temperature: float, top_p: float, uniforms: Sequence[float]
) -> torch.Tensor:
    """Return one token for each row, by inverting the cumulative distribution at the row's own uniform number.

    The cumulative sum runs in the order of token ids, not of probabilities, so that two nearly equal tokens that
    swap ranks by a rounding error do not change the draw.

    Args:
        logits: scores, shape (rows, vocabulary).
        temperature: divisor of the scores; 0 takes the largest.
        top_p: mass of the nucleus: the smallest set of most likely tokens that reaches it is kept.
        uniforms: one number in [0, 1) for each row; unused at temperature 0.

    Returns:
        Token ids, shape (rows,).
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.float() / temperature, dim=-1)
    if top_p < 1:
        probabilities = _nucleus(probabilities, top_p)
    cumulative = probabilities.double().cumsum(dim=-1)
    total = cumulative[:, -1:].contiguous()
    draws = torch.tensor(uniforms, dtype=torch.float64, device=logits.device).unsqueeze(1) * total
    tokens = torch.searchsorted(cumulative, draws, right=True)
    last = torch.searchsorted(
        cumulative, total
    )  # the last token kept: a draw rounded up to the total stops there
    return torch.minimum(tokens, last).squeeze(1)


def _nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    ranked, order = probabilities.sort(dim=-1, descending=True, stable=True)
    before = ranked.double().cumsum(dim=-1) - ranked
    kept = ranked.masked_fill(before >= top_p, 0.0)
    return torch.zeros_like(probabilities).scatter_(-1, order, kept)
