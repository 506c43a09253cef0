"""Data at the ends of the range of float64: an interval that holds, or an error that says what to do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from l2obound.errors import InputError
from l2obound.l2o.problems import Composite, lasso, logistic_l1, quadratic, synthetic
from l2obound.l2o.problems.nonsmooth import ElasticNet, Zero
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap
from l2obound.verification.optima import optimum
from l2obound.verification.optima._directed import up, value_error
from tests.helpers import exact
from tests.helpers.combinations import tensor


def assert_holds(p: Composite, b: int = 0, minimum: Fraction | None = None) -> None:
    o = optimum(p, cache=False)
    value = exact.objective(p, b, o.x[b])
    assert value <= Fraction(o.upper[b])
    if np.isfinite(o.lower[b]):
        assert Fraction(o.lower[b]) <= (value if minimum is None else minimum)


@pytest.mark.usefixtures("effort")
@pytest.mark.parametrize("scale", [1e-155, 1e-158, 1e-160, 8.1e-162, 3e-162, 1e-165])
def test_curvature_made_of_underflow_certifies_nothing(scale):
    rng = np.random.default_rng(0)
    for rows in (1, 1, 1, 3):
        a, y = scale * (1 + rng.random((1, rows, 1))), rng.standard_normal((1, rows))
        p = Composite(LeastSquares(LinearMap(tensor(a)), tensor(y)), Zero())
        assert_holds(p, 0, exact.quadratic_minimum(*exact.least_squares_form(a[0], y[0])))


def test_rows_whose_norm_underflows_still_round():
    for seed in range(5):
        a = np.random.default_rng(seed).standard_normal((1, 1, 4))
        p = lasso(1e-163 * a, np.full((1, 1), 1e-13), 0.0)
        x = tensor(1e150 * a[0] / (a[0] @ a[0].T))
        assert exact.objective(p, 0, x[0].tolist()) <= Fraction(float(up(p.objective(x), value_error(p, x))[0]))


@pytest.mark.parametrize("size", [1.5e-162, 1e-170, 1e-300])
def test_values_made_of_underflow(size):
    assert_holds(lasso(np.zeros((1, 100, 1)), np.full((1, 100), size), 1.0))
    assert_holds(lasso(np.zeros((1, 100, 1)), np.full((1, 100), size), 1.0).scaled(1e200))


@pytest.mark.parametrize("ridge", [1e-300, 1e-200, 1e200])
def test_penalties_at_the_ends_of_the_range(ridge):
    for c in (1e-170, 1e-160, 1.0):
        a, y = np.ones((1, 1, 1)), np.full((1, 1), c)
        p = Composite(LeastSquares(LinearMap(tensor(a)), tensor(y)), ElasticNet(tensor([[0.0]]), tensor([[ridge]])))
        assert_holds(p, 0, exact.quadratic_minimum(*exact.least_squares_form(a[0], y[0]), ridge=ridge))


@pytest.mark.usefixtures("effort")
def test_the_start_has_a_finite_value_where_solvers_overflow():
    rng = np.random.default_rng(0)
    a, y = 1e-150 * rng.standard_normal((1, 4, 2)), 1e10 * rng.standard_normal((1, 4))
    p = lasso(a, y, 1e-151)
    o = optimum(p, cache=False)
    assert np.isfinite(o.upper).all()
    assert_holds(p)


def test_an_overflow_is_an_error_of_the_input():
    a, y = 1e155 * np.random.default_rng(0).standard_normal((1, 4, 2)), np.ones((1, 4))
    huge = np.diag([1e305, 1.0])
    problems = [lasso(a, y, 0.1), logistic_l1(a, y, 0.1), lasso(a, y, 0.1).shifted(1.0)]
    problems += [quadratic(huge, np.ones((1, 2))), lasso(1e-100 * a, y, 0.1).rescaled(1e-150)]
    for p in problems:
        with pytest.raises(InputError, match="rescale the data"):
            optimum(p, cache=False)


@pytest.mark.parametrize("rtol", [1e-15, 1e-16])
@pytest.mark.parametrize("batch", [2, 10])
def test_a_tolerance_below_rounding_stops_early(batch, rtol):
    """The solvers that come after a point with nothing but rounding left are not asked."""
    p = synthetic.lasso(batch, 20, 40)
    o = optimum(p, rtol=rtol, cache=False, cross_check=0)
    assert (o.width <= 4 * p.objective_error(torch.from_numpy(o.x)).numpy()).all()
    assert any(r is not None for r in o.reason)
    assert all("rounding" in r for r in o.reason if r is not None)
    assert set(o.solver) <= {"clarabel+polish", "coordinate-descent+polish"}


def test_a_number_of_any_kind_is_a_tolerance(tmp_path):
    p = synthetic.lasso(2, 8, 12)
    assert not optimum(p, rtol=1, cache_dir=tmp_path).from_cache
    assert optimum(p, rtol=1.0, cache_dir=tmp_path).from_cache
    assert optimum(p, rtol=np.float32(1), cache_dir=tmp_path).from_cache
