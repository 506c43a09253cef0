"""The interval of `optimum`: valid for every combination of terms, narrow where it promises to be."""

from __future__ import annotations

import functools
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch

from l2obound.errors import InputError
from l2obound.l2o.problems import Composite, lasso, logistic_l1, quadratic, real, synthetic
from l2obound.l2o.problems.constructors import nonnegative
from l2obound.l2o.problems.nonsmooth import L1, Box, ElasticNet, Zero
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, Logistic
from l2obound.verification.optima import Optimum, optimum
from tests.helpers import exact
from tests.helpers.combinations import NONSMOOTH, SMOOTH, problem, tensor


def parameters(p: Composite) -> dict:
    """lam, ridge and bounds of the nonsmooth term of a problem with shared parameters."""
    r, n = p.nonsmooth, p.dim
    if isinstance(r, L1):
        return {"lam": float(r.lam[0, 0])}
    if isinstance(r, ElasticNet):
        return {"lam": float(r.lam[0, 0]), "ridge": float(r.ridge[0, 0])}
    if isinstance(r, Box):
        return {"lower": r.lower.expand(1, n)[0].numpy(), "upper": r.upper.expand(1, n)[0].numpy()}
    return {}


def true_minimum(p: Composite, b: int, x: np.ndarray):
    """F* of instance b: a Fraction for quadratic models, 40 digits for the logistic loss."""
    f, options = p.smooth, parameters(p)
    a = f.map.matrix[b].tolist()
    if isinstance(f, LeastSquares):
        return exact.quadratic_minimum(*exact.least_squares_form(a, f.target[b].tolist()), **options)
    if isinstance(f, Logistic):
        return exact.logistic_minimum(a, f.labels[b].tolist(), x, **options)
    return exact.quadratic_minimum(a, f.linear[b].tolist(), 0, **options)


def holds(low: float, value, high: float) -> bool:
    with mpmath.workdps(60):
        if isinstance(value, Fraction):
            return Fraction(low) <= value <= Fraction(high)
        return mpmath.mpf(low) <= value <= mpmath.mpf(high)


def feasible_points(p: Composite, around: np.ndarray, count: int) -> torch.Tensor:
    rng = np.random.default_rng(1)
    for scale in np.logspace(-9, 1, count):
        yield p.prox(torch.as_tensor(around + scale * rng.standard_normal(around.shape)), 1e-12)


@pytest.mark.parametrize("batch", [3, 10], ids=["conic first", "batched first"])
@pytest.mark.parametrize("nonsmooth", NONSMOOTH)
@pytest.mark.parametrize("smooth", SMOOTH)
def test_every_combination_is_narrow_and_contains_the_exact_minimum(smooth, nonsmooth, batch):
    p = problem(smooth, nonsmooth, batch, rows=30 if smooth == "logistic" else 7, dim=3)
    o = optimum(p, cache=False)
    assert o.reason == (None,) * batch, o.reason
    assert (o.relative_width <= 1e-10).all()
    assert (o.lower <= o.upper).all()
    assert torch.isfinite(p.nonsmooth.values(torch.from_numpy(o.x))).all()
    for b in range(3):
        if smooth != "logistic":
            assert exact.objective(p, b, o.x[b]) <= Fraction(o.upper[b])
        value = true_minimum(p, b, o.x[b])
        assert value is not None
        assert holds(o.lower[b], value, o.upper[b])


@pytest.mark.slow
@pytest.mark.usefixtures("effort")
@pytest.mark.parametrize("nonsmooth", NONSMOOTH)
@pytest.mark.parametrize("smooth", SMOOTH)
def test_lower_bounds_hold_at_feasible_points_of_wide_problems(smooth, nonsmooth):
    """Fewer rows than variables: minimisers are not unique, and some problems have no certified minimum."""
    p = problem(smooth, nonsmooth, batch=3, rows=3, dim=5, seed=1)
    o = optimum(p, cache=False)
    assert not np.isnan(np.concatenate([o.lower, o.upper, o.x.ravel()])).any()
    assert np.isfinite(o.upper).all()
    for x in feasible_points(p, o.x, 60):
        value = p.objective(x)
        assert (value + p.objective_error(x) >= torch.from_numpy(o.lower)).all()


@pytest.mark.parametrize("nonsmooth", ["l1", "elastic net", "box", "nonnegative"])
def test_least_squares_with_more_variables_than_rows_is_narrow(nonsmooth):
    p = problem("least-squares", nonsmooth, batch=3, rows=3, dim=5, seed=2)
    o = optimum(p, cache=False)
    assert (o.relative_width <= 1e-10).all(), o.reason


@pytest.mark.slow
def test_lasso_256_is_narrow_and_agrees_with_an_independent_solver():
    from sklearn.linear_model import Lasso

    p = synthetic.lasso(256, 250, 500)
    o = optimum(p, cache=False)
    assert o.relative_width.max() <= 1e-10
    assert o.solver == ("coordinate-descent+polish",) * 256
    assert len(o.cross_checked) == 1
    assert o.cross_checked[0].agrees
    for b in (0, 255):
        a, y = p.smooth.map.matrix[b].numpy(), p.smooth.target[b].numpy()
        x = Lasso(alpha=0.1 / 250, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(a, y).coef_
        residual = a.astype(np.longdouble) @ x - y
        value = 0.5 * (residual @ residual) + 0.1 * np.abs(x.astype(np.longdouble)).sum()
        assert o.lower[b] <= value
        assert value - o.upper[b] <= 1e-11


@pytest.mark.parametrize("lam", [0.1, *(pytest.param(lam, marks=pytest.mark.slow) for lam in (0.01, 0.001))])
def test_breast_cancer_is_narrow_and_contains_a_40_digit_minimum(lam):
    p = real.breast_cancer(lam)
    o = optimum(p, cache=False)
    assert o.relative_width.max() <= 1e-10
    value = exact.logistic_minimum(p.smooth.map.matrix.tolist(), p.smooth.labels[0].tolist(), o.x[0], lam=lam)
    assert holds(o.lower[0], value, o.upper[0])


def test_batched_logistic_is_narrow():
    p = synthetic.logistic_l1(12, 100, 20, lam=0.01)
    o = optimum(p, cache=False)
    assert o.relative_width.max() <= 1e-10
    assert {s.split("+")[0] for s in o.solver} == {"fista"}


CHANGES = {
    "shifted": lambda p: p.shifted(np.linspace(-2, 3, p.dim)),
    "scaled": lambda p: p.scaled(1e3),
    "scaled down": lambda p: p.scaled(1e-4),
    "rescaled": lambda p: p.rescaled(0.3),
    "all": lambda p: p.rescaled(3.0).shifted(0.7).scaled(5.0).shifted(-11.0),
}


@functools.cache
def unchanged(smooth: str, nonsmooth: str) -> Optimum:
    return optimum(problem(smooth, nonsmooth, batch=2, rows=30, dim=3), cache=False)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("nonsmooth", ["zero", "l1", "elastic net", "box", "nonnegative"])
@pytest.mark.parametrize("smooth", SMOOTH)
def test_transformed_problems(smooth, nonsmooth, change):
    p = problem(smooth, nonsmooth, batch=2, rows=30, dim=3)
    q = CHANGES[change](p)
    before, after = unchanged(smooth, nonsmooth), optimum(q, cache=False)
    scale = {"scaled": 1e3, "scaled down": 1e-4, "all": 5.0}.get(change, 1.0)
    assert (after.relative_width <= 1e-10).all(), after.reason
    if smooth != "logistic":
        assert all(exact.objective(q, b, after.x[b]) <= Fraction(after.upper[b]) for b in range(2))
    assert torch.isfinite(q.objective(after.x)).all()
    # Both intervals contain c F* (up to the rounding of moved bounds), so they meet.
    slack = 1e-13 * scale
    assert (after.lower <= scale * before.upper + slack).all()
    assert (after.upper >= scale * before.lower - slack).all()


def test_a_transformed_batch_goes_through_the_batched_methods():
    o = optimum(synthetic.lasso(10, 20, 40).shifted(0.5).scaled(2.0), cache=False)
    assert o.solver == ("coordinate-descent+polish",) * 10
    assert o.cross_checked[0].agrees
    assert (o.relative_width <= 1e-10).all()


def test_terms_changed_differently_have_a_reason_or_a_valid_interval():
    p = problem("least-squares", "l1", batch=2)
    mixed = Composite(p.shifted(1.0).smooth, p.nonsmooth)
    o = optimum(mixed, cache=False)
    for x in feasible_points(mixed, o.x, 50):
        assert (mixed.objective(x) + mixed.objective_error(x) >= torch.from_numpy(o.lower)).all()


def test_data_that_require_gradients():
    a = torch.randn(2, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = torch.ones(2, 6, dtype=torch.float64)
    for p in (lasso(a, y, 0.1), lasso(a, y, 0.1).shifted(1.0)):
        assert (optimum(p, cache=False).relative_width <= 1e-10).all()


def test_float32_problems_are_solved_in_float64():
    p = synthetic.lasso(2, 20, 30, dtype=torch.float32)
    o = optimum(p, cache=False)
    assert o.x.dtype == np.float64
    assert (o.relative_width <= 1e-10).all()


class TestNoDualValue:
    def test_unbounded_below_is_minus_infinity_with_a_reason(self):
        p = quadratic(np.diag([1.0, 0.0]), np.array([[0.0, 1.0]]))
        o = optimum(p, cache=False)
        assert o.lower[0] == -np.inf
        assert o.width[0] == np.inf
        assert o.reason[0].startswith("no finite dual value")
        assert o.certificate == ("none",)

    def test_slightly_indefinite_form_gets_no_lower_bound(self):
        """lambda_min = -1e-13 passes the input check, yet F is unbounded below."""
        p = quadratic(np.diag([1.0, -1e-13]), np.array([[0.1, 0.1]]), nonsmooth=L1(tensor([[0.5]])))
        o = optimum(p, cache=False)
        assert o.lower[0] == -np.inf
        assert "positive semidefinite" in o.reason[0]

    def test_slightly_indefinite_form_in_a_box_pays_for_it(self):
        bound = 1e3
        p = quadratic(np.diag([1.0, -1e-13]), np.zeros((1, 2)), nonsmooth=Box(tensor([[-bound]]), tensor([[bound]])))
        o = optimum(p, cache=False)
        assert o.lower[0] <= -0.5e-13 * bound**2
        assert np.isfinite(o.lower[0])

    def test_exactly_singular_form_with_l1_is_certified(self):
        """The minimisers are bounded by lam > |c_2| alone."""
        p = quadratic(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 0.75]]), nonsmooth=L1(tensor([[0.25]])))
        o = optimum(p, cache=False)
        assert o.reason == (None,)
        value = exact.quadratic_minimum([[1, 1], [1, 1]], [1, 0.75], 0, lam=0.25)
        assert holds(o.lower[0], value, o.upper[0])

    def test_separable_logistic_data_have_infimum_zero(self):
        p = logistic_l1(np.array([[1.0], [2.0], [-1.0]]), np.array([[1.0, 1.0, 0.0]]), 0.0)
        o = optimum(p, cache=False)
        assert o.lower[0] == 0.0
        assert 0 <= o.upper[0] <= 1e-10


class TestDegenerate:
    def test_zero_matrix(self):
        o = optimum(lasso(np.zeros((1, 2, 3)), np.ones((1, 2)), 0.1), cache=False)
        assert o.lower[0] <= 1.0 <= o.upper[0]
        assert o.relative_width[0] <= 1e-10

    def test_zero_target_in_a_batch(self):
        p = lasso(np.random.default_rng(0).standard_normal((10, 4, 6)), np.zeros((10, 4)), 0.1)
        o = optimum(p, cache=False)
        assert (o.upper <= 1e-10).all()
        assert (o.lower >= -1e-10).all()

    def test_mixed_lam_zero_and_positive(self):
        rng = np.random.default_rng(0)
        lam = np.where(np.arange(10) % 2, 0.1, 0.0)
        o = optimum(lasso(rng.standard_normal((10, 8, 4)), rng.standard_normal((10, 8)), lam), cache=False)
        assert (o.relative_width <= 1e-10).all(), o.reason

    def test_large_lam_gives_the_zero_point(self):
        o = optimum(synthetic.lasso(10, 10, 20, lam=100.0), cache=False)
        assert (o.x == 0).all()
        assert (o.relative_width <= 1e-10).all()

    def test_badly_scaled_data_keep_a_valid_interval(self):
        rng = np.random.default_rng(3)
        a = rng.standard_normal((10, 6, 2)) * np.array([1e6, 1e-6])
        y = 1e4 * rng.standard_normal((10, 6))
        p = lasso(a, y, 0.5)
        o = optimum(p, cache=False)
        for b in range(10):
            value = exact.quadratic_minimum(*exact.least_squares_form(a[b], y[b]), lam=0.5)
            assert holds(o.lower[b], value, o.upper[b])

    def test_box_of_one_point(self):
        p = Composite(problem("least-squares", "zero", 1).smooth, Box(tensor([[0.25]]), tensor([[0.25]])))
        o = optimum(p, cache=False)
        assert (o.x == 0.25).all()
        assert o.relative_width[0] <= 1e-10


class TestInput:
    def test_not_a_problem(self):
        with pytest.raises(InputError, match="expected a Composite"):
            optimum(np.zeros(3))

    @pytest.mark.parametrize("rtol", [0.0, -1.0, float("nan"), "small"])
    def test_tolerance(self, rtol):
        with pytest.raises(InputError, match="rtol"):
            optimum(problem("least-squares", "l1"), rtol=rtol)

    def test_nan_data(self):
        smooth = LeastSquares(LinearMap(tensor([[1.0, np.nan]])), tensor([[1.0]]))
        with pytest.raises(InputError, match="A of the least-squares term has NaN"):
            optimum(Composite(smooth, Zero()))

    def test_empty_box(self):
        p = Composite(problem("quadratic", "zero").smooth, Box(tensor([[1.0]]), tensor([[0.0]])))
        with pytest.raises(InputError, match="box is empty"):
            optimum(p)

    def test_cross_check_count(self):
        with pytest.raises(InputError, match="cross_check"):
            optimum(problem("least-squares", "l1"), cross_check=-1)


def test_select_and_progress():
    seen = []
    p = synthetic.lasso(10, 10, 20)
    o = optimum(p, cache=False, progress=lambda *event: seen.append(event))
    assert seen[-1] == ("coordinate descent", 10, 10)
    part = o.select([3, 1])
    assert part.batch_size == 2
    assert part.lower[0] == o.lower[3]
    assert (part.x[1] == o.x[1]).all()
    checked = o.cross_checked[0].index
    assert o.select(checked).cross_checked[0].index == 0
    with pytest.raises(InputError, match="select"):
        o.select([10])


def test_same_input_same_bytes():
    p = synthetic.lasso(10, 20, 40)
    first, second = (optimum(p, cache=False) for _ in range(2))
    for name in ("lower", "upper", "x"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_nonnegative_least_squares_bounded_by_the_data_only():
    """Two rows, four variables: a strictly feasible dual point has to be found."""
    a = np.abs(np.random.default_rng(0).standard_normal((1, 2, 4))) + 0.1
    p = Composite(LeastSquares(LinearMap(tensor(a)), tensor([[-1.0, 2.0]])), nonnegative())
    o = optimum(p, cache=False)
    assert o.reason == (None,)
