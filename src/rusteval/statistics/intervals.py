"""95 % intervals for rates whose samples come in clusters.

Samples of one task resemble each other, and so do tasks that share an entry point. Both kinds of interval here
treat such a cluster, not the sample, as the unit that was drawn.
"""

import math
from functools import cache, lru_cache

import numpy as np

from rusteval.statistics.tally import ClusterSums, FloatArray

RESAMPLES = 10_000
Z95 = 1.959963984540054  # 97.5 % point of the normal distribution
FEW_CLUSTERS = 10
"""So few clusters say little about others of their kind, and hold too little to resample."""
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
    rate (ratio estimator) over the variance of independent samples, never below 1. As the spread between few
    clusters is itself uncertain, the size shrinks by the squared ratio of the normal and Student's t quantile.
    Where the rate is 0 or 1, or there is one cluster only, the variance says nothing and each cluster counts as
    one sample. With one sample in each cluster this is the plain Wilson interval. None where nothing was counted.

    Source: Kish 1965 (design effect); Korn and Graubard 1998 (degrees of freedom); Dean and Pagano 2015,
    "Evaluating Confidence Interval Methods for Binomial Proportions in Clustered Surveys".
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
    effective = total / effect * (Z95 / t_quantile(0.975, count - 1)) ** 2
    return wilson(rate * effective, effective)


@lru_cache(
    maxsize=4
)  # one run asks again and again for the same draws, which take longer than all that is done with them
def resample_weights(clusters: int, *, seed: int) -> FloatArray:
    """Return how often each cluster is drawn in each bootstrap resample: shape (RESAMPLES, clusters), read-only."""
    if not clusters:
        return np.zeros((RESAMPLES, 0))
    generator = np.random.default_rng([seed, clusters])
    counts = generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=RESAMPLES)
    weights = counts.astype(np.float64)
    weights.setflags(write=False)
    return weights


def bootstrap_ratio(sums: ClusterSums, weights: FloatArray) -> FloatArray:
    """Return the ratio in every resample, shape (RESAMPLES,); NaN where a resample holds no denominator."""
    numerator, denominator = weights @ sums.numerator, weights @ sums.denominator
    known = denominator > 0
    return np.divide(numerator, denominator, out=np.full(len(weights), np.nan), where=known)


def bootstrap_difference(
    base: ClusterSums, finetuned: ClusterSums, weights: FloatArray
) -> tuple[float | None, Interval | None]:
    """Return fine-tuned minus base with its 95 % interval, both of a cluster drawn together; None without values.

    Args:
        base: sums of the base model.
        finetuned: sums of the fine-tuned model, of the same clusters in the same order.
        weights: how often each cluster is drawn, as `resample_weights` returns it.
    """
    if base.ratio is None or finetuned.ratio is None:
        return None, None
    estimate = finetuned.ratio - base.ratio
    replicates = bootstrap_ratio(finetuned, weights) - bootstrap_ratio(base, weights)
    clusters = weights.shape[1]
    return estimate, percentile_interval(replicates, estimate=estimate, bounds=(-1.0, 1.0), clusters=clusters)


def percentile_interval(
    replicates: FloatArray, *, estimate: float, bounds: tuple[float, float], clusters: int
) -> Interval:
    """Return a 95 % interval from bootstrap replicates.

    The middle 95 % of replicates are too narrow an interval where clusters are few: resampling knows no spread but
    theirs, and understates it. The percentiles therefore lie further out, as far as Student's t distribution and the
    factor sqrt(n / (n - 1)) ask for (expanded percentile interval). With fewer than FEW_CLUSTERS there is not enough
    to resample, and the interval is the estimate plus and minus t times its standard error.

    When all clusters agree exactly (a model that solves nothing, or everything), resampling them shows no spread,
    and [0, 0] would claim a certainty that nobody has. By Wilson, up to `w = wilson(0, clusters)[1]` of all
    clusters may then be of a kind that was never drawn; the interval moves that share to either bound.

    Args:
        replicates: values in the resamples, shape (RESAMPLES,); NaN is left out.
        estimate: the value in the data.
        bounds: smallest and largest possible value, (0, 1) for a rate and (-1, 1) for a difference of rates.
        clusters: how many clusters the data hold.

    Source: Hesterberg 2015, "What Teachers Should Know About the Bootstrap", section 5.2.
    """
    known = replicates[~np.isnan(replicates)]
    if not known.size or float(np.ptp(known)) < _SAME:
        unseen = wilson(0, clusters)[1]
        return estimate - unseen * (estimate - bounds[0]), estimate + unseen * (bounds[1] - estimate)
    inflation, quantile = math.sqrt(clusters / (clusters - 1)), t_quantile(0.975, clusters - 1)
    if clusters < FEW_CLUSTERS:
        half = quantile * inflation * float(known.std())
        low, high = estimate - half, estimate + half
    else:
        tail = 100 * _normal_tail(inflation * quantile)
        low, high = (float(end) for end in np.percentile(known, [tail, 100 - tail]))
    return max(bounds[0], low), min(bounds[1], high)


@cache
def t_quantile(share: float, degrees_of_freedom: int) -> float:
    """Return a quantile of Student's t distribution, which allows for a spread that is known from few clusters."""
    from scipy.special import stdtrit  # noqa: PLC0415 -- slow to import; most commands compute no interval

    return float(stdtrit(degrees_of_freedom, share))


def _normal_tail(z: float) -> float:
    """Return the chance that a standard normal value is larger than z."""
    return math.erfc(z / math.sqrt(2)) / 2
