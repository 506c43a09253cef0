"""Certificates against exact minima, and what happens when one is wrong."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from l2obound.l2o.problems import Composite, lasso, quadratic, synthetic
from l2obound.l2o.problems.nonsmooth import L1, Box, Zero
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, QuadraticForm, SmoothTerm
from l2obound.verification.optima import (
    CertificateError,
    CrossCheckError,
    _cross_check,
    _linear_models,
    _minorants,
    _stages,
    _strict,
    optimum,
)
from l2obound.verification.optima import _certificates as certificates
from l2obound.verification.optima._change import pull_back
from l2obound.verification.optima._curvature import curvature_floor
from l2obound.verification.optima._directed import down, total, up
from tests.helpers.combinations import NONSMOOTH, SMOOTH, problem, tensor
from tests.helpers.sampling import one_in


def certified_upper(p: Composite, x: torch.Tensor) -> torch.Tensor:
    return up(p.objective(x), p.objective_error(x))


@pytest.mark.parametrize("nonsmooth", NONSMOOTH)
@pytest.mark.parametrize("smooth", SMOOTH)
def test_every_certificate_is_valid_at_any_point(smooth, nonsmooth, monkeypatch):
    """Far from the minimiser the bounds are weak, but never above F* (taken from a narrow interval)."""
    monkeypatch.setattr(_strict, "ITERATIONS", 50)
    p = problem(smooth, nonsmooth, batch=3, rows=30 if smooth == "logistic" else 7, dim=3)
    o = optimum(p, cache=False)
    rng = np.random.default_rng(0)
    for scale in (0.0, 1e-8, 1e-3, 1.0, 1e3):
        x = p.prox(torch.as_tensor(o.x + scale * rng.standard_normal(o.x.shape)), 1e-12)
        upper = certified_upper(p, x)
        for entry in certificates.CERTIFICATES:
            bound = entry.bound(p, x, upper)
            assert not torch.isnan(bound).any(), entry.name
            assert (bound.numpy() <= o.upper).all(), entry.name


def test_rounding_terms_are_needed_and_enough(monkeypatch):
    """At x = 0 with a large lam the dual value is F* = |y|^2 / 2 but for rounding, which goes either way.

    With the rounding terms no bound exceeds the exact F*; without them some do, and so the terms do their work.
    """
    cases = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        a, y = rng.standard_normal((1, 40, 2)), rng.standard_normal((1, 40))
        p, x = lasso(a, y, 1e3), torch.zeros(1, 2, dtype=torch.float64)
        value = sum(Fraction(v) ** 2 for v in y[0].tolist()) / 2
        cases.append((p, x, value))

    def bounds():
        return [Fraction(float(certificates.fenchel_dual(p, x, certified_upper(p, x))[0])) for p, x, _ in cases]

    sound = bounds()
    for module in (certificates, _minorants, _linear_models):
        monkeypatch.setattr(module, "down", lambda value, error=0.0: value)
    naive = bounds()
    assert all(bound <= value for bound, (_, _, value) in zip(sound, cases))
    assert any(bound > value for bound, (_, _, value) in zip(naive, cases))


def test_the_slope_error_covers_rounding_in_the_dual_constraint():
    """A'u, exactly, is within the stated error, and about as far off as the error says it may be."""
    for seed, extended in ((s, e) for s in range(10) for e in (False, True)):
        rng = np.random.default_rng(seed)
        a = rng.standard_normal((1, 30, 3)) * 10.0 ** rng.integers(-8, 8, (1, 30, 3))
        p = lasso(a, rng.standard_normal((1, 30)), 0.1)
        x = torch.as_tensor(rng.standard_normal((1, 3)))
        dual, u = _minorants.minorant(p.smooth, x, extended=extended), p.smooth.residual(x)[0].tolist()
        for i in range(3):
            true = sum(Fraction(float(v)) * Fraction(w) for v, w in zip(a[0, :, i], u))
            assert abs(Fraction(float(dual.slope[0, i])) - true) <= Fraction(float(dual.error[0, i]))
        target = p.smooth.target[0].tolist()
        constant = -sum(Fraction(w) ** 2 / 2 + Fraction(w) * Fraction(v) for w, v in zip(u, target))
        assert Fraction(float(dual.constant[0])) <= constant


def plant(monkeypatch, bound):
    entry = certificates.Entry("planted", bound)
    monkeypatch.setattr(certificates, "CERTIFICATES", [entry])


def test_a_bound_with_the_wrong_sign_contradicts_the_upper_bound(monkeypatch):
    def wrong(p, x, upper):
        dual = _minorants.minorant(p.smooth, x)
        return -dual.constant + 2 * upper

    plant(monkeypatch, wrong)
    with pytest.raises(CertificateError, match='"planted"'):
        optimum(synthetic.lasso(2, 10, 20), cache=False)


def test_the_cross_check_refutes_a_bound_that_trusts_the_solver(monkeypatch):
    """A certificate that takes any point for the minimiser, next to a solver that returns a poor one."""
    plant(monkeypatch, lambda p, x, upper: upper - 1e-12)
    monkeypatch.setattr(_stages, "coordinate_descent", lambda p, done: torch.zeros(p.batch_size, p.dim).double())
    with pytest.raises(CrossCheckError, match="below the certified lower bound"):
        optimum(synthetic.lasso(10, 10, 20), cache=False)


def test_the_cross_check_refutes_an_interval_that_is_too_high():
    p = synthetic.lasso(2, 10, 20)
    o = optimum(p, cache=False)
    assert _cross_check.cross_check(p, o.lower, o.upper, 1).agrees
    with pytest.raises(CrossCheckError, match="instance 1"):
        _cross_check.cross_check(p, o.lower + 1e-4, o.upper + 1e-4, 1)


def test_a_reported_value_that_differs_becomes_the_reason(monkeypatch):
    """An interval that is too low cannot be refuted by a point, but Clarabel's value does not fit it."""
    real = _cross_check._conic.solve

    def inflated(p, b, solver):
        point, value = real(p, b, solver)
        return point, value + 0.01

    monkeypatch.setattr(_cross_check._conic, "solve", inflated)
    o = optimum(synthetic.lasso(10, 10, 20), cache=False)
    check = o.cross_checked[0]
    assert not check.agrees
    assert "outside of the interval" in o.reason[check.index]
    assert any("cross-check" in m for m in o.messages)


@pytest.mark.parametrize(
    ("smooth", "nonsmooth", "change"),
    one_in(3, SMOOTH, NONSMOOTH, (lambda p: p, lambda p: p.shifted(0.5).scaled(2.0))),
)
def test_cross_checks_on_request_agree(smooth, nonsmooth, change):
    p = change(problem(smooth, nonsmooth, batch=2, rows=30, dim=3))
    o = optimum(p, cache=False, cross_check=2)
    assert [c.index for c in o.cross_checked] == [0, 1]
    assert all(c.agrees for c in o.cross_checked), o.cross_checked


def test_curvature_floor_is_exact_where_it_can_be():
    def floor(q):
        return float(curvature_floor(quadratic(q, np.zeros((1, len(q)))).smooth)[0])

    assert floor(np.ones((3, 3))) == 0.0
    assert floor(np.diag([1.0, 0.0])) == 0.0
    assert floor(np.zeros((2, 2))) == 0.0
    assert floor(np.eye(2)) > 0.9
    assert floor(np.diag([1.0, -1e-13])) <= -1e-13
    nudged = np.ones((2, 2))
    nudged[1, 1] = np.nextafter(1.0, 0.0)  # determinant -1.1e-16
    assert floor(nudged) < 0
    block = np.zeros((40, 40))
    block[:20, :20] = np.eye(20)
    assert floor(block) == 0.0


def test_a_form_that_is_not_symmetric_is_not_trusted():
    f = QuadraticForm(LinearMap(tensor([[2.0, 1.0], [0.0, 2.0]])), tensor([[1.0, 1.0]]))
    assert float(curvature_floor(f)[0]) == -np.inf
    assert optimum(Composite(f, Box(tensor([[0.0]]), tensor([[1.0]]))), cache=False).lower[0] == -np.inf


def test_outward_rounding():
    value = tensor([1.0, -1.0, 0.0, np.inf, -np.inf, np.nan])
    low, high = down(value), up(value)
    assert (low[:3] < value[:3]).all()
    assert (high[:3] > value[:3]).all()
    assert low[5] == -np.inf
    assert high[5] == np.inf
    terms = tensor([[1.0, 1e-17, -1.0]])
    computed, error = total(terms)
    true = sum(Fraction(v) for v in terms[0].tolist())
    assert abs(Fraction(float(computed[0])) - true) <= Fraction(float(error[0]))


def test_a_moved_box_is_pulled_back_outward():
    rng = np.random.default_rng(0)
    base = problem("quadratic", "box", batch=1, dim=5)
    for _ in range(20):
        p = base.rescaled(float(rng.uniform(0.1, 10))).shifted(rng.standard_normal(5))
        pulled, change = pull_back(p)
        a, t = Fraction(float(change.dilation)), change.shift.expand(1, 5)[0].tolist()
        for i in range(5):
            for side, outward in (("lower", 1), ("upper", -1)):
                arguments = Fraction(float(getattr(p.nonsmooth, side).expand(1, 5)[0, i]))
                moved = Fraction(float(getattr(pulled.nonsmooth, side)[0, i]))
                assert outward * (arguments / a + Fraction(t[i]) - moved) >= 0


def test_half_bounded_variables_with_a_free_one_have_a_reason():
    """min (w_1 - w_2 - 1)^2 / 2 + w_3^2 / 2 over w_1 <= 0 <= w_2 is 1/2, at 0; no dual point is strict."""
    inf = np.inf
    r = Box(tensor([[-inf, 0.0, -inf]]), tensor([[0.0, inf, inf]]))
    a, y = tensor([[[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]]]), tensor([[1.0, 0.0]])
    o = optimum(Composite(LeastSquares(LinearMap(a), y), r), cache=False)
    assert o.lower[0] <= 0.5 <= o.upper[0]
    assert o.upper[0] <= 0.5 + 1e-10
    assert "no strictly feasible dual point" in o.reason[0]


def test_a_subclass_that_computes_something_else_does_not_inherit_the_dual():
    """Both terms less 100, and half the matrix: the bounds of what they derive from would be too high."""
    p = problem("least-squares", "l1", batch=2)

    class Lowered(LeastSquares):
        def value_and_gradient(self, x):
            value, gradient = super().value_and_gradient(x)
            return value - 100, gradient

        def value(self, x):
            return self.value_and_gradient(x)[0]

    class LoweredNorm(L1):
        def values(self, x):
            return super().values(x) - 100

    class OtherMap(LinearMap):
        def __call__(self, x):
            return 0.5 * super().__call__(x)

    f, r = p.smooth, p.nonsmooth
    others = [
        Composite(Lowered(f.map, f.target), r),
        Composite(f, LoweredNorm(r.lam)),
        Composite(Lowered(f.map, f.target), r).shifted(0.5).scaled(2.0),
        Composite(LeastSquares(OtherMap(f.map.matrix), f.target), r),
    ]
    for other in others:
        o = optimum(other, cache=False, cross_check=1)
        assert (o.lower == -np.inf).all()
        assert all("overrides" in reason for reason in o.reason)
        assert np.isfinite(o.upper).all()


def test_a_subclass_of_the_same_function_is_solved_as_what_it_derives_from():
    p = problem("least-squares", "l1", batch=2)

    class Understated(LeastSquares):
        smoothness = property(lambda self: 0.1 * super().smoothness)

    class WrongProx(L1):
        def prox(self, u, step):
            return u + 1

    o = optimum(Composite(Understated(p.smooth.map, p.smooth.target), WrongProx(p.nonsmooth.lam)), cache=False)
    right = optimum(p, cache=False)
    assert (o.lower == right.lower).all()
    assert (o.upper == right.upper).all()


def test_unknown_terms_get_points_but_no_dual():
    p = problem("least-squares", "zero", batch=1)

    class Wrapped(SmoothTerm):
        kind = "wrapped"
        batch_size = property(lambda self: self.base.batch_size)
        dim = property(lambda self: self.base.dim)
        smoothness = property(lambda self: self.base.smoothness)
        strong_convexity = property(lambda self: 0 * self.base.strong_convexity)

        def __init__(self, base):
            self.base = base

        def value_and_gradient(self, x):
            return self.base.value_and_gradient(x)

        def value_error(self, x):
            return self.base.value_error(x)

        def gradient_error(self, x):
            return self.base.gradient_error(x)

        def arrays(self):
            return self.base.arrays()

        def select(self, index):
            return Wrapped(self.base.select(index))

        def to(self, dtype=None, device=None):
            return Wrapped(self.base.to(dtype, device))

    certified, unknown = optimum(p, cache=False), optimum(Composite(Wrapped(p.smooth), Zero()), cache=False)
    assert unknown.lower[0] == -np.inf
    assert "no dual" in unknown.reason[0]
    assert unknown.solver[0].startswith("fista")
    assert abs(unknown.upper[0] - certified.upper[0]) < 1e-9

    class Nonconvex(Wrapped):
        convex = False
        strong_convexity = property(lambda self: self.base.strong_convexity)

        def select(self, index):
            return Nonconvex(self.base.select(index))

        def to(self, dtype=None, device=None):
            return Nonconvex(self.base.to(dtype, device))

    o = optimum(Composite(Nonconvex(p.smooth), Zero()), cache=False)
    assert o.lower[0] == -np.inf
    assert "not convex" in o.reason[0]
