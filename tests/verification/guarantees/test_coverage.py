"""Each interval covers at least as often as it says, within the error of the simulation; a planted one does not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm

from l2obound import l2o
from l2obound.verification.guarantees import (
    cdf_band,
    dkw_ranks,
    dkw_width,
    probability_curves,
    proportion_interval,
    proportion_lower,
    proportion_upper,
    quantile_curves,
    quantile_ranks,
    rank_above,
    rank_below,
)
from l2obound.verification.statistics.bands import DKW, EXACT

TRIALS = 20_000
COUNTS = [(n, p) for n in (1, 2, 5, 30, 400) for p in (0.0, 1e-3, 0.03, 0.5, 0.97, 0.999, 1.0)]


def covers(held: np.ndarray, delta: float) -> bool:
    """Whether the share of trials (T,) in which it held is 1 - delta or more, to 4 standard errors."""
    return held.mean() >= 1 - delta - 4 * math.sqrt(delta * (1 - delta) / len(held))


def drawn(n: int, p: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, n, round(1e4 * p)]).binomial(n, p, TRIALS)


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.3])
def test_bounds_of_a_probability(delta: float) -> None:
    for n, p in COUNTS:
        x = drawn(n, p)
        assert covers(proportion_lower(x, n, delta) <= p, delta), (n, p)
        assert covers(proportion_upper(x, n, delta) >= p, delta), (n, p)
        low, up = proportion_interval(x, n, delta)
        assert covers((low <= p) & (p <= up), delta), (n, p)


def normal_lower(x: np.ndarray, n: int, delta: float) -> np.ndarray:
    share = x / n
    return share - norm.isf(delta) * np.sqrt(share * (1 - share) / n)


def test_the_normal_approximation_is_found_out() -> None:
    results = [(n, p) for n, p in COUNTS if not covers(normal_lower(drawn(n, p), n, 0.05) <= p, 0.05)]
    assert (30, 0.97) in results
    assert (5, 0.97) in results


def test_bounds_of_a_probability_by_hand() -> None:
    assert proportion_lower(10, 10, 0.05) == pytest.approx(0.05**0.1, rel=1e-8)
    assert proportion_upper(0, 10, 0.05) == pytest.approx(1 - 0.05**0.1, rel=1e-8)
    assert proportion_lower(0, 10, 0.05) == 0
    assert proportion_upper(10, 10, 0.05) == 1
    low, up = proportion_interval(np.array([3]), 10, 0.05)  # the table of the original
    assert (float(low[0]), float(up[0])) == pytest.approx((0.0667395, 0.6524529), abs=1e-6)


DRAWS: dict[str, tuple[Callable[[np.random.Generator, tuple[int, ...]], np.ndarray], Callable[[float], float]]] = {
    "uniform": (lambda rng, size: rng.random(size), lambda q: q),
    "cauchy": (lambda rng, size: rng.standard_cauchy(size), lambda q: math.tan(math.pi * (q - 0.5))),
    "constant": (lambda rng, size: np.ones(size), lambda q: 1.0),
    "coin, half of it lost": (
        lambda rng, size: np.where(rng.random(size) < 0.5, 0.0, np.inf),
        lambda q: 0.0 if q <= 0.5 else math.inf,
    ),
    "die": (lambda rng, size: rng.integers(1, 7, size).astype(float), lambda q: float(math.ceil(6 * q - 1e-12))),
    "rare": (lambda rng, size: (rng.random(size) < 0.02).astype(float), lambda q: 0.0 if q <= 0.98 else 1.0),
}


@pytest.mark.parametrize("name", DRAWS)
def test_order_statistics_hold_the_quantile(name: str) -> None:
    sample, quantile = DRAWS[name]
    for n in (1, 5, 30, 150):
        rng = np.random.default_rng([n, 1])
        ends = np.full((4000, n + 2), np.inf)
        ends[:, 1:-1] = np.sort(sample(rng, (4000, n)), axis=1)
        ends[:, 0] = -np.inf
        for q in (0.02, 0.5, 0.9, 0.98):
            true = quantile(q)
            for delta in (0.05, 0.3):
                below, above = rank_below(n, q, delta), rank_above(n, q, delta)
                assert covers(ends[:, below] <= true, delta), (n, q)
                assert covers(ends[:, above] >= true, delta), (n, q)
                for first, last in (quantile_ranks(n, q, delta), dkw_ranks(n, q, dkw_width(n, delta))):
                    held = (ends[:, first] <= true) & (true <= ends[:, last])
                    assert covers(held, delta), (n, q, first, last)


def test_ranks_are_the_sharpest_that_are_proved() -> None:
    """One rank further in, and the continuous case does not cover any more."""
    n, q, delta = 40, 0.5, 0.05
    rng = np.random.default_rng(3)
    ends = np.sort(rng.random((TRIALS, n)), axis=1)
    assert not covers(ends[:, rank_below(n, q, delta)] <= q, delta)  # counted from 0: the next one
    assert not covers(ends[:, rank_above(n, q, delta) - 2] >= q, delta)


@pytest.mark.parametrize("delta", [0.05, 0.4, 0.8])
def test_the_band_of_a_distribution_function(delta: float) -> None:
    for n in (1, 4, 50):
        draws = np.sort(np.random.default_rng(n).random((TRIALS, n)), axis=1)
        over = (np.arange(1, n + 1) / n - draws).max(axis=1)  # sup F_n - F
        under = (draws - np.arange(n) / n).max(axis=1)
        assert covers(np.maximum(over, under) <= dkw_width(n, delta), delta)
        assert covers(over <= dkw_width(n, delta, sides=1), delta)
        dice = np.random.default_rng(n).integers(1, 7, (TRIALS, n))
        off = np.abs((dice[:, :, None] <= np.arange(1, 7)).mean(axis=1) - np.arange(1, 7) / 6).max(axis=1)
        assert covers(off <= dkw_width(n, delta), delta)


def test_a_constant_below_massarts_is_found_out() -> None:
    draws = np.sort(np.random.default_rng(0).random((TRIALS, 50)), axis=1)
    off = np.maximum(np.arange(1, 51) / 50 - draws, draws - np.arange(50) / 50).max(axis=1)
    assert not covers(off <= 0.8 * dkw_width(50, 0.05), 0.05)


def test_the_band_by_hand() -> None:
    low, up = cdf_band([3.0, 1.0, math.inf], [0.0, 1.0, 5.0, math.inf], 0.5)
    width = math.sqrt(math.log(4) / 6)
    np.testing.assert_allclose(low, np.maximum(np.array([0, 1, 2, 3]) / 3 - width, 0))
    np.testing.assert_allclose(up, np.minimum(np.array([0, 1, 2, 3]) / 3 + width, 1))


def curves(rng: np.random.Generator, trials: int, n: int, remaining: int, dependence: float) -> np.ndarray:
    """(T,N,J) numbers that are uniform at each step, and the same at all of them where `dependence` = 1."""
    own, common = rng.random((trials, n, remaining)), rng.random((trials, n, 1))
    return np.where(rng.random((trials, n, remaining)) < dependence, common, own)


@pytest.mark.parametrize("trials", [500, pytest.param(1500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dependence", [0.0, 0.7, 1.0])
def test_curves_hold_at_all_steps_at_once(dependence: float, trials: int) -> None:
    delta, n, steps, qs = 0.1, 60, 7, (0.2, 0.5, 0.9)
    values = curves(np.random.default_rng(5), trials, n, steps + 1, dependence)
    where = np.array(qs)[:, None]
    held, above = [], []
    for sample in values:
        band = quantile_curves(sample, sample, qs, steps, delta)
        held.append(bool(((band.lower <= where) & (where <= band.upper)).all()))
        counts = np.array([(sample <= q).sum(axis=0) for q in qs])
        above.append(bool((probability_curves(counts, n, steps, delta).lower <= where).all()))
    assert covers(np.array(held), delta)
    assert covers(np.array(above), delta)


def test_curves_that_ignore_their_number_are_found_out() -> None:
    """delta for each step, without the union bound: not simultaneous."""
    values = curves(np.random.default_rng(6), 1500, 60, 8, 0.0)
    first, last = quantile_ranks(60, 0.5, 0.1)
    ends = np.sort(values, axis=1)
    assert not covers(((ends[:, first - 1] <= 0.5) & (ends[:, last - 1] >= 0.5)).all(axis=1), 0.1)


@pytest.mark.slow
def test_both_ways_cover_and_the_choice_does_not_look_at_the_data() -> None:
    few, many = (0.5,), tuple(np.linspace(0.2, 0.8, 40))
    rng = np.random.default_rng(7)
    for qs, method in ((few, EXACT), (many, DKW)):
        methods, held = set(), []
        for _ in range(200):
            sample = rng.random((200, 3))
            band = quantile_curves(sample, sample, qs, 2, 0.1)
            methods.add(band.method)
            where = np.array(qs)[:, None]
            held.append(bool(((band.lower <= where) & (where <= band.upper)).all()))
        assert methods == {method}
        assert covers(np.array(held), 0.1)
    counts = rng.integers(0, 201, (40, 3))
    assert probability_curves(counts, 200, 2, 0.1).method == DKW
    assert probability_curves(counts[:1], 200, 2, 0.1).method == EXACT
    assert probability_curves(0 * counts, 200, 2, 0.1).method == DKW


def test_exact_is_sharper_at_one_level() -> None:
    for n in (1, 7, 100):
        for delta in (0.01, 0.2):
            x = np.arange(n + 1)
            assert (proportion_lower(x, n, delta) >= x / n - dkw_width(n, delta, sides=1) - 1e-9).all()


def test_intervals_of_what_is_only_known_to_lie_in_intervals() -> None:
    """Numbers anywhere between their ends: the band holds the quantiles of the numbers themselves."""
    rng = np.random.default_rng(8)
    held = []
    for _ in range(1000):
        true = rng.random((40, 2))
        low, up = true - rng.random((40, 2)) * 0.1, np.where(rng.random((40, 2)) < 0.1, np.inf, true)
        band = quantile_curves(low, up, (0.5,), 1, 0.2)
        held.append(bool(((band.lower <= 0.5) & (band.upper >= 0.5)).all()))
    assert covers(np.array(held), 0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: proportion_lower(1, 2, 0.0),
        lambda: proportion_lower(1, 2, 1.0),
        lambda: proportion_lower(1, 2, math.nan),
        lambda: proportion_lower(1, 2, True),
        lambda: proportion_lower(3, 2, 0.1),
        lambda: proportion_upper(-1, 2, 0.1),
        lambda: proportion_upper(0.5, 2, 0.1),
        lambda: proportion_lower(0, 0, 0.1),
        lambda: quantile_ranks(10, 1.0, 0.1),
        lambda: quantile_ranks(10, 0.5, 2.0),
        lambda: dkw_width(10, 0.1, sides=3),
        lambda: cdf_band([math.nan], [0.0], 0.1),
        lambda: cdf_band([], [0.0], 0.1),
        lambda: quantile_curves(np.array([[math.nan]]), np.array([[1.0]]), (0.5,), 1, 0.1),
        lambda: quantile_curves(np.zeros((2, 1)), np.zeros((3, 1)), (0.5,), 1, 0.1),
        lambda: quantile_curves(np.zeros((2, 3)), np.zeros((2, 3)), (0.5,), 1, 0.1),
        lambda: quantile_curves(np.zeros((2, 1)), np.zeros((2, 1)), (), 1, 0.1),
    ],
)
def test_wrong_input_is_one_clear_error(wrong: Callable[[], object]) -> None:
    with pytest.raises(l2o.InputError, match="guarantee: "):
        wrong()
