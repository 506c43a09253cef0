"""Rank correlations of planted samples, and how often their intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from l2obound import l2o
from l2obound.verification.statistics.rank_correlation import rank_correlation


def test_spearman_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    a = rng.standard_normal(40)
    for b, sign in ((a**3, 1), (-a, -1)):
        value, low, high, _ = rank_correlation(a, b, resamples=300)
        assert value == pytest.approx(sign)
        assert low == pytest.approx(sign)
        assert high == pytest.approx(sign)
    b = a + 2 * rng.standard_normal(40)
    value, low, high, p = rank_correlation(a, b, resamples=300, seed=3)
    assert (value, p) == pytest.approx(tuple(spearmanr(a, b)))
    draw = np.random.default_rng(3).integers(0, 40, (300, 40))
    by_hand = [spearmanr(a[d], b[d]).statistic for d in draw]
    assert (low, high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])))
    assert rank_correlation(a, b, resamples=300, seed=3) == (value, low, high, p)
    assert rank_correlation(a, np.ones(40)) == (None,) * 4
    with pytest.raises(l2o.InputError, match="finite"):
        rank_correlation(a, np.full(40, np.nan))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "r"), [(24, 0.6), (40, 0.0), (40, -0.8)])
def test_an_interval_covers_the_correlation_as_often_as_it_says(n: int, r: float) -> None:
    """Of normal pairs of correlation r, whose rank correlation is known, within the Monte-Carlo error of 95 %."""
    rng, samples, true = np.random.default_rng(0), 300, 6 / np.pi * np.arcsin(r / 2)
    remaining = 0
    for i in range(samples):
        a, other = rng.standard_normal((2, n))
        _, low, high, _ = rank_correlation(a, r * a + np.sqrt(1 - r * r) * other, resamples=500, seed=i)
        remaining += low <= true <= high
    assert remaining / samples >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / samples)


@pytest.mark.slow
def test_an_interval_over_six_trainings_covers_no_relation() -> None:
    """Four members a group that share its effect; drawn as independent ones the same samples leave out 0 too often."""
    rng, samples = np.random.default_rng(1), 300
    groups = np.repeat(np.arange(6), 4)
    remaining = naive = 0
    for i in range(samples):
        a, b = (rng.standard_normal(6)[groups] + 0.5 * rng.standard_normal(24) for _ in range(2))
        _, low, high, _ = rank_correlation(a, b, resamples=500, seed=i, groups=groups)
        remaining += low <= 0 <= high
        _, low, high, _ = rank_correlation(a, b, resamples=500, seed=i)
        naive += low <= 0 <= high
    assert remaining / samples >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / samples)
    assert naive / samples < 0.8


def test_an_interval_over_groups_is_there_where_all_ranks_agree() -> None:
    """A correlation of 1 has no z: the interval is finite, within [-1, 1], and holds it to 1e-6."""
    a, groups = np.arange(24.0), np.repeat(np.arange(6), 4)
    value, low, high, _ = rank_correlation(a, a, groups=groups)
    assert value == pytest.approx(1)
    assert 1 - 1e-5 < low <= high <= 1


def test_groups_are_drawn_as_a_whole() -> None:
    """Copies of one instance say nothing more than it: the interval stays that of the few, and knows no p-value."""
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal(8), rng.standard_normal(8)
    few = rank_correlation(a, b, resamples=400, groups=range(8))
    copied = rank_correlation(np.repeat(a, 5), np.repeat(b, 5), resamples=400, groups=np.repeat(np.arange(8), 5))
    naive = rank_correlation(np.repeat(a, 5), np.repeat(b, 5), resamples=400)
    assert copied[:3] == pytest.approx(few[:3])
    assert copied[3] is None
    assert naive[2] - naive[1] < 0.7 * (copied[2] - copied[1])
    for wrong in ([0] * 7 + [1], [0, 1], [0, 0, 0, 0, 2, 2, 2, 2]):
        with pytest.raises(l2o.InputError, match="groups"):
            rank_correlation(a, b, groups=wrong)


def test_a_few_trainings_have_no_interval() -> None:
    """One group drawn with replacement is itself again and again: its interval would be a point, and so clear."""
    rng = np.random.default_rng(5)
    for count in (1, 2, 4):
        a, b = rng.standard_normal(4 * count), rng.standard_normal(4 * count)
        correlation = rank_correlation(a, b, resamples=50, groups=np.repeat(np.arange(count), 4))
        assert correlation == (pytest.approx(spearmanr(a, b).statistic), None, None, None)
    a, b = rng.standard_normal(20), rng.standard_normal(20)
    value, low, high, _ = rank_correlation(a, b, resamples=400, groups=np.repeat(np.arange(5), 4))
    assert low < value < high
    assert rank_correlation([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])[:3] == (1.0, None, None)  # by chance in one of three


def test_rank_correlations_of_planted_samples() -> None:
    rng = np.random.default_rng(0)
    level, instance = np.arange(4.0), rng.normal(size=(30, 1))
    noise = 0.01 * rng.normal(size=(30, 4))
    # ordered by the level alone
    by_level = rank_correlation(level + noise, 2 * level + 0.1 * rng.normal(size=(30, 4)), "pooled")
    within = rank_correlation(level + noise, level + 0.01 * rng.normal(size=(30, 4)), "within")
    assert by_level[1] > 0.8
    assert within[1] < 0 < within[2]
    # ordered by the instance alone, the levels in the opposite order
    a, b = instance + 10 * level + noise, instance - 10 * level
    assert rank_correlation(a, b, "within")[1] > 0.9
    assert rank_correlation(a, b, "levels")[2] <= -0.99
    flat = rank_correlation(np.ones((30, 4)), b, "pooled")
    assert flat == (None,) * 4
    assert rank_correlation(a, b, "pooled")[0] == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic)
    few = np.arange(12.0).reshape(4, 3)
    assert rank_correlation(few, few, "within") == (pytest.approx(1), None, None, None)  # by chance in one of twelve
    for wrong in ((a, b, "sideways"), (a, b[:, :2], "pooled"), (np.full((3, 2), np.nan), np.ones((3, 2)), "pooled")):
        with pytest.raises(l2o.InputError, match="rank_correlation"):
            rank_correlation(*wrong)


def test_the_interval_is_wider_where_instances_repeat_themselves() -> None:
    """Levels that are copies of one another bring no information, and the bootstrap over instances knows it."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 20, 1))
    once, often = (rank_correlation(np.tile(a, k), np.tile(b, k), "pooled") for k in (1, 8))
    assert often[2] - often[1] == pytest.approx(once[2] - once[1], abs=0.1)
