"""How many rows fit into memory at a time."""

import torch

MOST = 256
ON_PROCESSOR = 32

# Scores of the vocabulary while a token is drawn: as the model gives them, as numbers of 32 bits, and probabilities.
_SCORE_BYTES = 16
# Left for activations, the allocator's cuts, and what others take meanwhile.
_MARGIN = 0.1
_MARGIN_BYTES = 1 << 30


def rows_that_fit(*, free: int, longest: int, position_bytes: int, vocabulary: int) -> int:
    """Return how many rows can be drawn at a time, at least 1 and at most 256.

    Args:
        free: bytes that can be had.
        longest: tokens of the longest row, prompt and answer together.
        position_bytes: bytes that keys and values of one token take.
        vocabulary: how many tokens are scored.
    """
    row = longest * position_bytes + vocabulary * _SCORE_BYTES
    prompt = longest * position_bytes  # the prompt that rows start from is kept beside them
    usable = free * (1 - _MARGIN) - _MARGIN_BYTES - prompt
    return max(1, min(MOST, int(usable // row)))


def free_memory(device: torch.device) -> int:
    """Return the bytes of a GPU's memory that PyTorch can have, those that it holds without need among them."""
    free, _ = torch.cuda.mem_get_info(device)
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
