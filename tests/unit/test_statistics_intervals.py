import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, sem, t

from rusteval.statistics.intervals import (
    bootstrap_ratio,
    clustered_wilson,
    percentile_interval,
    resample_weights,
    wilson,
)
from rusteval.statistics.tally import ClusterSums


def sums(hits, sizes):
    return ClusterSums(numerator=np.array(hits, dtype=float), denominator=np.array(sizes, dtype=float))


@settings(deadline=None)
@given(st.integers(1, 5000), st.data())
def test_wilson_equals_scipy(total, data):
    successes = data.draw(st.integers(0, total))
    expected = binomtest(successes, total).proportion_ci(method="wilson")
    assert wilson(successes, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("successes", "total"), [(1, 0), (2, 1), (-1, 5)])
def test_wilson_refuses_what_is_no_proportion(successes, total):
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(successes, total)


def test_one_sample_in_each_cluster_gives_the_plain_wilson_interval():
    assert clustered_wilson(sums([1, 0, 1, 1, 0, 0, 0, 1], [1] * 8)) == wilson(4, 8)


def shrunk(size, clusters):
    """The sample size that a spread between few clusters is worth."""
    return size * (norm.ppf(0.975) / t.ppf(0.975, clusters - 1)) ** 2


def test_samples_that_always_agree_within_a_task_count_once_per_task():
    low, high = clustered_wilson(sums([10] * 30 + [0] * 30, [10] * 60))
    size = shrunk(60 * 59 / 60, 60)  # the variance of 60 clusters, estimated with 59 degrees of freedom
    assert (low, high) == pytest.approx(wilson(size / 2, size), abs=1e-9)


def test_independent_samples_keep_their_number_but_for_the_doubt_about_the_spread():
    size = shrunk(400, 40)
    assert 370 < size < 400
    assert clustered_wilson(sums([5] * 40, [10] * 40)) == pytest.approx(wilson(size / 2, size))


def test_a_rate_of_one_is_no_surer_than_the_number_of_tasks_allows():
    assert clustered_wilson(sums([100] * 20, [100] * 20)) == wilson(20, 20)
    assert clustered_wilson(sums([40], [100])) == wilson(0.4, 1)


def test_nothing_counted_has_no_interval():
    assert clustered_wilson(sums([0, 0], [0, 0])) is None


def test_agreement_of_all_clusters_does_not_claim_certainty():
    weights = resample_weights(20, seed=1)
    replicates = bootstrap_ratio(sums([0] * 20, [1] * 20), weights)
    unseen = wilson(0, 20)[1]
    assert percentile_interval(replicates, estimate=0.0, bounds=(0, 1), clusters=20) == (
        0.0,
        pytest.approx(unseen),
    )
    assert percentile_interval(replicates, estimate=0.0, bounds=(-1, 1), clusters=20) == pytest.approx(
        (-unseen, unseen)
    )


def test_resamples_draw_as_many_clusters_as_there_are_and_depend_on_the_seed_alone():
    weights = resample_weights(7, seed=3)
    assert set(weights.sum(axis=1)) == {7.0}
    assert (weights == resample_weights(7, seed=3)).all()
    assert (weights != resample_weights(7, seed=4)).any()


def test_bootstrap_spread_is_that_of_the_mean():
    values = np.random.default_rng(0).random(400)
    replicates = bootstrap_ratio(sums(values, np.ones(400)), resample_weights(400, seed=5))
    assert replicates.std() == pytest.approx(values.std() / 20, rel=0.03)
    low, high = percentile_interval(replicates, estimate=values.mean(), bounds=(0, 1), clusters=400)
    assert (high - low) == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)


@pytest.mark.parametrize("clusters", [2, 5, 9])
def test_few_clusters_have_the_t_interval_of_their_mean(clusters):
    """Two tasks with 61 % and 63 % do not make an interval of 61 to 63 %."""
    values = np.linspace(0.61, 0.63, clusters)
    replicates = bootstrap_ratio(sums(values, np.ones(clusters)), resample_weights(clusters, seed=1))
    found = percentile_interval(replicates, estimate=values.mean(), bounds=(0, 1), clusters=clusters)
    expected = t.interval(0.95, clusters - 1, loc=values.mean(), scale=sem(values))
    assert found == pytest.approx(expected, abs=0.01 * (expected[1] - expected[0]) + 1e-3)


def test_percentiles_are_expanded_as_the_t_distribution_asks():
    """Hesterberg's table: with 20 clusters the tails hold 1.6 % instead of 2.5 %."""
    values = np.random.default_rng(2).random(20)
    replicates = bootstrap_ratio(sums(values, np.ones(20)), resample_weights(20, seed=1))
    found = percentile_interval(replicates, estimate=values.mean(), bounds=(0, 1), clusters=20)
    tail = norm.sf(np.sqrt(20 / 19) * t.ppf(0.975, 19))
    assert tail == pytest.approx(0.016, abs=0.0005)
    assert found == pytest.approx(np.quantile(replicates, [tail, 1 - tail]))


@pytest.mark.parametrize("clusters", [3, 8, 12])
def test_intervals_of_few_clusters_cover_the_truth_too(clusters):
    generator = np.random.default_rng(clusters)
    weights = resample_weights(clusters, seed=0)
    rounds, covered = 400, 0
    for _ in range(rounds):
        data = sums(generator.binomial(10, generator.beta(0.5, 0.5, size=clusters)), np.full(clusters, 10.0))
        low, high = percentile_interval(
            bootstrap_ratio(data, weights), estimate=data.ratio, bounds=(0, 1), clusters=clusters
        )
        covered += low <= 0.5 <= high
    assert covered / rounds >= 0.9


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Tasks with a chance of their own, 10 samples each: the truth is the mean chance, 0.5."""
    generator = np.random.default_rng(2024)
    weights = resample_weights(80, seed=0)
    covered = {"bootstrap": 0, "wilson": 0}
    rounds = 400
    for _ in range(rounds):
        hits = generator.binomial(10, generator.beta(0.5, 0.5, size=80)).astype(float)
        data = sums(hits, np.full(80, 10.0))
        low, high = percentile_interval(
            bootstrap_ratio(data, weights), estimate=data.ratio, bounds=(0, 1), clusters=80
        )
        covered["bootstrap"] += low <= 0.5 <= high
        low, high = clustered_wilson(data)
        covered["wilson"] += low <= 0.5 <= high
    assert 0.92 <= covered["bootstrap"] / rounds <= 0.98
    assert 0.92 <= covered["wilson"] / rounds <= 0.98
