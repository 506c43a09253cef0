"""Gaps are intervals that hold the truth, reached is reached for certain, and a quotient that is none is no number."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l2obound import l2o
from l2obound.verification import optimum
from l2obound.verification.optima.gaps import Gaps, first_below, gaps, relative_to_optimum, relative_to_start
from l2obound.verification.statistics.censored import NEVER

QUOTIENTS = ("gap", "relative", "share")
sizes = st.floats(1e-6, 1e6)


def ends(lower: Any, upper: Any) -> Any:
    return SimpleNamespace(lower=np.atleast_1d(lower).astype(float), upper=np.atleast_1d(upper).astype(float))


def all_of(objective: np.ndarray, certified: Any, error: Any = 0.0) -> dict[str, Gaps]:
    plain = gaps(objective, certified, error)
    return dict(zip(QUOTIENTS, (plain, relative_to_optimum(plain, certified), relative_to_start(plain))))


@st.composite
def cases(draw: st.DrawFn) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, tuple[float, float]]:
    """F*, F(x_k) (1,K+1) as it is and as it was computed, the bound on that rounding, and room on both sides of F*."""
    star = draw(st.sampled_from((-1.0, 1.0))) * draw(sizes)
    exact = star + np.array([draw(st.lists(st.floats(0, 1e3), min_size=2, max_size=5))]) * abs(star)
    error = draw(st.floats(0, 1e-3)) * np.abs(exact)
    computed = exact + draw(st.floats(-1, 1)) * error
    room = draw(st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)))
    return star, exact, computed, error, (room[0] * abs(star), room[1] * abs(star))


@given(cases())
def test_the_interval_holds_the_truth(case: Any) -> None:
    star, exact, computed, error, (below, above) = case
    slack = np.spacing(np.abs(computed) + np.abs(exact))  # of writing `computed` itself
    gap_ends = all_of(computed, ends(star - below, star + above), error + slack)
    F = [Fraction(float(v)) - Fraction(star) for v in exact[0]]
    truth = {
        "gap": F,
        "relative": [v / abs(Fraction(star)) for v in F],
        "share": [v / F[0] for v in F] if F[0] else None,
    }
    for name in QUOTIENTS:
        if truth[name] is None or np.isnan(gap_ends[name].low).any():
            continue
        for value, low, high in zip(truth[name], gap_ends[name].low[0], gap_ends[name].high[0], strict=False):
            assert np.isinf(high) or value <= Fraction(float(high)), name
            assert Fraction(float(low)) <= value, name


@given(cases(), st.floats(0, 0.5), st.floats(1e-6, 2))
def test_less_is_certain_where_less_is_known_of_the_optimum(case: Any, more: float, eps: float) -> None:
    star, _, computed, error, (below, above) = case
    room = more * abs(star)
    sharp = all_of(computed, ends(star - below, star + above), error)
    wide = all_of(computed, ends(star - below - room, star + above + room), error)
    for name in QUOTIENTS:
        finite = ~np.isnan(wide[name].low) & ~np.isnan(sharp[name].low)
        assert (wide[name].low <= sharp[name].low)[finite].all(), name
        assert (wide[name].high >= sharp[name].high)[finite].all(), name
        one, two = first_below(sharp[name], eps), first_below(wide[name], eps)
        assert (two.low <= one.low).all()
        assert (two.high >= one.high).all()


@given(cases(), st.floats(1e-6, 2))
def test_what_is_reached_is_reached_for_certain(case: Any, eps: float) -> None:
    star, exact, computed, error, (below, above) = case
    slack = np.spacing(np.abs(computed) + np.abs(exact))
    first = first_below(gaps(computed, ends(star - below, star + above), error + slack), eps)
    there = [Fraction(float(v)) - Fraction(star) <= Fraction(eps) for v in exact[0]]
    if (k := int(first.certain[0])) != NEVER:
        assert there[k]
    true_first = there.index(True) if True in there else len(there) - 1
    assert first.low[0] <= true_first


def test_first_below_says_from_when_possibly_and_from_when_certainly() -> None:
    values = Gaps(
        np.array([[3.0, 1, 0, 0], [3, 2, 2, 2], [3, 1, 1, 1]]), np.array([[4.0, 3, 2, 1], [4, 3, 3, 3], [9, 9, 9, 9]])
    )
    first = first_below(values, 1.0)
    assert first.low.tolist() == [1, 3, 1]
    assert first.high.tolist() == [3, np.inf, np.inf]
    assert first.certain.tolist() == [3, NEVER, NEVER]


def test_a_relative_gap_needs_an_optimum_that_is_not_zero() -> None:
    objective = np.ones((5, 2))
    interval = ends([0, -1e-9, -np.inf, 1e-9, -3], [0, 1e-9, 0.5, 0.5, -2])
    relative = relative_to_optimum(gaps(objective, interval), interval)
    assert np.isnan(relative.low).all(axis=1).tolist() == [True, True, True, False, False]
    np.testing.assert_array_equal(np.isnan(relative.low), np.isnan(relative.high))
    first = first_below(relative, 1e3)
    assert (first.certain[:3] == NEVER).all(), "nothing is claimed where there is no quotient"
    assert (first.low[:3] == 0).all(), "and nothing is denied"
    np.testing.assert_allclose([relative.low[4, 0], relative.high[4, 0]], [1, 2])


def test_a_share_needs_a_start_with_a_gap() -> None:
    objective = np.array([[1.0, 1], [2, 1], [np.inf, 3], [2, np.nan], [3, np.inf]])
    interval = ends([1, 0.5, 1, 1, 1], [1, 2.5, 1, 1, 1])
    share = relative_to_start(gaps(objective, interval))
    assert np.isnan(share.low).all(axis=1).tolist() == [True, False, True, False, False]
    assert np.isposinf(share.high[1]).all(), "it may start at F*"
    assert np.isposinf(share.low[3:, 1]).all()
    assert first_below(share, 0.5).certain.tolist() == [NEVER] * 5
    np.testing.assert_allclose(share.high[3, 0], 1)


def test_lost_runs_and_contradictions_claim_nothing() -> None:
    interval = ends([1.0, 1.0, -np.inf], [1.0, 1.0, 1.0])
    gap_ends = gaps(np.array([[2.0, np.nan], [2, 0.5], [2, 1]]), interval)
    assert np.isposinf(gap_ends.low[0, 1])
    assert np.isposinf(gap_ends.high).tolist() == [[False, True], [False, True], [True, True]]
    assert gap_ends.low[1:, 1].tolist() == [0, 0]
    rounded = gaps(np.array([[1 - 2.0**-50]]), ends(1, 1))
    assert (rounded.low, rounded.high) == (0, 0), "rounding of F is no contradiction"
    assert np.isposinf(gaps(np.array([[1 - 2.0**-30]]), ends(1, 1)).high)
    assert np.isposinf(gaps(np.array([[1 - 2.0**-50]]), ends(1, 1), np.array([[2.0**-52]])).high), "beyond its error"
    with pytest.raises(l2o.InputError, match="gaps: expected objectives of shape"):
        gaps(np.zeros((2, 3)), interval)
    with pytest.raises(l2o.InputError, match="gaps: expected objectives of shape"):
        gaps(np.zeros(3), interval)


def test_the_quotients_of_a_run() -> None:
    problem = l2o.synthetic.lasso(3, 8, 10, seed=0)
    certified = optimum(problem)
    run = l2o.rollout(l2o.optimizer("ista"), problem, l2o.synthetic.starts(problem), 60)
    F = run.objective.numpy()
    gap_ends = all_of(F, certified)
    np.testing.assert_allclose(
        gap_ends["relative"].high, (F - certified.lower[:, None]) / certified.lower[:, None], rtol=1e-9
    )
    np.testing.assert_allclose(gap_ends["share"].high[:, 0], 1, rtol=1e-9)
    np.testing.assert_allclose(
        gap_ends["share"].low[:, -1], gap_ends["gap"].low[:, -1] / gap_ends["gap"].high[:, 0], rtol=1e-12
    )
