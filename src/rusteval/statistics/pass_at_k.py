"""The chance that at least one of k answers is right, estimated from n judged answers."""

import math


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the unbiased estimate of pass@k for one task.

    The estimate is `1 - C(n - c, k) / C(n, k)`: the share of the k-subsets of the n samples that hold at least
    one right answer. It is computed as a product of factors in [0, 1], so no large binomial is ever formed.

    Args:
        n: judged samples of the task.
        c: samples among them that passed.
        k: how many answers the user may try; at least 1 and at most n.

    Raises:
        ValueError: the numbers do not fit together.

    Source: Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1.
    """
    if not 0 <= c <= n:
        raise ValueError(f"{c} passed of {n} samples is impossible")
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} cannot be estimated from {n} samples")
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))
