"""Factors and their intervals: known answers, censoring on both sides, coverage, verdicts, what training costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2obound.verification.statistics.censored import (
    NEVER,
    Censored,
    Claim,
    Median,
    break_even_instances,
    cost,
    factors,
    median,
    rank,
    verdict,
)
from l2obound.verification.statistics.censored import saved as difference

K = 100


def iterations(*reached: int) -> Censored:
    return cost(np.array(reached), K, lambda k: k)


def compared(baseline: list[int], learned: list[int]) -> Censored:
    there = (np.array(baseline) == 0) & (np.array(learned) == 0)
    return factors(iterations(*baseline), iterations(*learned), there)


def test_a_table_by_hand() -> None:
    ratios = compared([50, NEVER, 30, NEVER, 0], [10, 20, NEVER, NEVER, 0])
    np.testing.assert_array_equal(ratios.low, [5.0, 5.0, 0.0, 0.0, 1.0])
    np.testing.assert_array_equal(ratios.high, [5.0, math.inf, 0.3, math.inf, 1.0])
    middle = median(ratios, 0.95)
    assert (middle.low, middle.high) == (1.0, 5.0)
    assert (middle.lower, middle.upper) == (-math.inf, math.inf)  # five instances are too few


def test_censored_instances_count_and_are_not_dropped() -> None:
    """Nine of ten learned runs never arrive: the one that does is not the median."""
    middle = median(compared([40] * 10, [2] + [NEVER] * 9), 0.95)
    assert middle.low == middle.lower == 0
    assert middle.high == 0.4
    assert verdict(middle, 10) is Claim.FAILS
    beaten = median(compared([NEVER] * 10, [5] * 10), 0.95)
    assert (beaten.low, beaten.lower, beaten.high) == (20.0, 20.0, math.inf)
    assert verdict(beaten, 10) is Claim.HOLDS
    assert verdict(median(compared([NEVER] * 10, [50] * 10), 0.95), 10) is Claim.OPEN
    assert verdict(median(compared([NEVER] * 10, [NEVER] * 10), 0.95), 10) is Claim.OPEN


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=6, max_size=40))
def test_censoring_never_moves_an_end_inwards(pairs: list[tuple[int, int]]) -> None:
    """With all costs known the interval lies within the one that a limit of K iterations leaves."""
    costs = np.array(pairs, dtype=float)
    full = median(Censored(costs[:, 0] / costs[:, 1], costs[:, 0] / costs[:, 1]), 0.95)
    cut = median(compared(*(np.where(c <= K, c, NEVER).astype(int).tolist() for c in costs.T)), 0.95)
    assert cut.lower <= full.lower
    assert cut.upper >= full.upper
    assert cut.low <= full.low <= full.high <= cut.high


def test_ten_times_holds_and_eight_times_fails() -> None:
    learned = np.random.default_rng(0).integers(5, 40, 32)
    for factor, expected in ((10, Claim.HOLDS), (8, Claim.FAILS)):
        ratios = factors(*(cost(k, 10**4, lambda k: k) for k in (factor * learned, learned)), np.zeros(32, bool))
        assert verdict(median(ratios, 0.95), 10.0) is expected
    noisy = np.where(np.arange(32) % 2, 8, 12) * learned
    ratios = factors(*(cost(k, 10**4, lambda k: k) for k in (noisy, learned)), np.zeros(32, bool))
    assert verdict(median(ratios, 0.95), 10.0) is Claim.OPEN


@pytest.mark.parametrize("n", [7, 16, 32, 33])
def test_the_interval_is_the_bootstraps_percentile_interval_or_wider(n: int) -> None:
    rng = np.random.default_rng(n)
    x = np.sort(rng.lognormal(size=n))
    middle = median(Censored(x, x), 0.95)
    medians = np.sort(x[rng.integers(n, size=(200_000, n))], axis=1)
    resampled = np.quantile(medians[:, (n - 1) // 2], 0.025), np.quantile(medians[:, n // 2], 0.975)
    assert middle.lower <= resampled[0] * (1 + 1e-12)
    assert middle.upper >= resampled[1] * (1 - 1e-12)
    j = int(np.searchsorted(x, resampled[0]))  # how many order statistics it is wider at most
    assert j - (rank(n, 0.95) - 1) in (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("n", [6, 8, 12, 31, 64])
@pytest.mark.parametrize("draw", ["lognormal", "counts"])
def test_coverage_by_simulation(n: int, draw: str) -> None:
    """The interval of a 95 % level covers the true median at least as often, within the error of 4,000 simulations."""
    rng, runs = np.random.default_rng(1), 4000
    if draw == "lognormal":
        samples, true = rng.lognormal(size=(runs, n)), 1.0
    else:
        samples, true = rng.geometric(0.1, size=(runs, n)).astype(float), 7.0
    results = [median(Censored(x, x), 0.95) for x in samples]
    share = np.mean([m.lower <= true <= m.upper for m in results])
    assert share >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)


def test_a_median_may_rest_on_a_wider_range() -> None:
    point = Censored(np.full(8, 10.0), np.full(8, 10.0))
    wide = Censored(np.full(8, 9.0), np.full(8, 12.0))
    assert median(point, 0.95, wide) == Median(10.0, 10.0, 9.0, 12.0)


def test_what_training_costs() -> None:
    base, learned = iterations(50, NEVER, 30), iterations(10, 20, NEVER)
    change = difference(base, learned)
    np.testing.assert_array_equal(change.low, [40.0, 80.0, -math.inf])
    np.testing.assert_array_equal(change.high, [40.0, math.inf, -70.0])
    assert break_even_instances(1000.0, 0.5) == 2000.0
    assert break_even_instances(1000.0, 0.0) == break_even_instances(1000.0, -1.0) == math.inf
    assert break_even_instances(0.0, -1.0) == 0.0
    assert break_even_instances(1000.0, math.inf) == 0.0
