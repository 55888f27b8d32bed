"""95 % intervals for rates whose samples come in clusters.

Samples of one task resemble each other, and so do tasks that share an entry point. Both kinds of interval here
treat such a cluster, not the sample, as the unit that was drawn.
"""

import math

import numpy as np

from rusteval.statistics.tally import ClusterSums, FloatArray

RESAMPLES = 10_000
Z95 = 1.959963984540054  # 97.5 % point of the normal distribution
_SAME = 1e-12  # replicates closer together than this differ by rounding alone

Interval = tuple[float, float]


def wilson(successes: float, total: float) -> Interval:
    """Return the Wilson score interval of a proportion; `total` may be fractional (an effective sample size).

    Raises:
        ValueError: `total` is not positive, or `successes` lies outside [0, total].

    Source: Wilson 1927; Brown, Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion".
    """
    if total <= 0 or not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is not a proportion")
    rate, squared = successes / total, Z95**2
    centre = (rate + squared / (2 * total)) / (1 + squared / total)
    half = Z95 / (1 + squared / total) * math.sqrt(rate * (1 - rate) / total + squared / (4 * total**2))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == total else min(1.0, centre + half)
    return low, high


def clustered_wilson(sums: ClusterSums) -> Interval | None:
    """Return the Wilson interval of a rate with the sample size that clustered samples are really worth.

    The effective size is the number of samples divided by the design effect: the between-cluster variance of the
    rate (ratio estimator) over the variance of independent samples, never below 1. Where the rate is 0 or 1, or
    there is one cluster only, the variance says nothing and each cluster counts as one sample. With one sample
    in each cluster this is the plain Wilson interval. None where nothing was counted.

    Source: Kish 1965 (design effect); Dean and Pagano 2015, "Evaluating Confidence Interval Methods for Binomial
    Proportions in Clustered Surveys".
    """
    used = sums.denominator > 0
    hits, sizes = sums.numerator[used], sums.denominator[used]
    count, total = len(sizes), float(sizes.sum())
    if not count:
        return None
    rate = float(hits.sum()) / total
    if sizes.max() == 1:
        return wilson(float(hits.sum()), total)
    if count == 1 or rate in (0.0, 1.0):
        return wilson(rate * count, count)
    between = count / (count - 1) * float(((hits - rate * sizes) ** 2).sum()) / total**2
    effect = max(1.0, between / (rate * (1 - rate) / total))
    effective = total / effect
    return wilson(rate * effective, effective)


def resample_weights(clusters: int, *, seed: int) -> FloatArray:
    """Return how often each cluster is drawn in each bootstrap resample: shape (RESAMPLES, clusters)."""
    if not clusters:
        return np.zeros((RESAMPLES, 0))
    generator = np.random.default_rng([seed, clusters])
    return generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=RESAMPLES).astype(np.float64)


def bootstrap_ratio(sums: ClusterSums, weights: FloatArray) -> FloatArray:
    """Return the ratio in every resample, shape (RESAMPLES,); NaN where a resample holds no denominator."""
    numerator, denominator = weights @ sums.numerator, weights @ sums.denominator
    known = denominator > 0
    return np.divide(numerator, denominator, out=np.full(len(weights), np.nan), where=known)


def percentile_interval(
    replicates: FloatArray, *, estimate: float, bounds: tuple[float, float], clusters: int
) -> Interval:
    """Return the middle 95 % of bootstrap replicates, or a worst case where they do not vary.

    When all clusters agree exactly (a model that solves nothing, or everything), resampling them shows no spread,
    and [0, 0] would claim a certainty that nobody has. By Wilson, up to `w = wilson(0, clusters)[1]` of all
    clusters may then be of a kind that was never drawn; the interval moves that share to either bound.

    Args:
        replicates: values in the resamples, shape (RESAMPLES,); NaN is left out.
        estimate: the value in the data.
        bounds: smallest and largest possible value, (0, 1) for a rate and (-1, 1) for a difference of rates.
        clusters: how many clusters the data hold.
    """
    known = replicates[~np.isnan(replicates)]
    if not known.size or float(np.ptp(known)) < _SAME:
        unseen = wilson(0, clusters)[1]
        return estimate - unseen * (estimate - bounds[0]), estimate + unseen * (bounds[1] - estimate)
    low, high = np.percentile(known, [2.5, 97.5])
    return max(bounds[0], float(low)), min(bounds[1], float(high))
