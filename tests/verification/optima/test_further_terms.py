"""Intervals of Huber and squared hinge losses, of simplices, balls and groups, and of losses that are not convex."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.problems import Composite
from l2obound.l2o.problems.nonsmooth import GroupL1, L2Ball, Simplex
from l2obound.l2o.problems.smooth import Huber, SquaredHinge
from l2obound.verification.optima import (
    CertificateError,
    CrossCheckError,
    _linear_models,
    _minorants,
    _strict,
    optimum,
)
from l2obound.verification.optima import _certificates as certificates
from l2obound.verification.optima._directed import up, value_error
from tests.helpers.combinations import NONSMOOTH, smooth_term, tensor

CONVEX = ("huber", "squared-hinge")
PLAIN = ("least-squares", "quadratic", "logistic")
SEPARABLE = ("zero", "l1", "elastic net", "box")
COUPLED = {
    "simplex": lambda: l2o.simplex(1.0),
    "l2-ball": lambda: l2o.l2_ball(0.4),
    "group-l1": lambda: l2o.group_l1([0, 0, 1], 0.1),
}
PAIRS = [(f, r) for f in CONVEX for r in SEPARABLE] + [(f, r) for f in ("huber", *PLAIN) for r in COUPLED]


def problem(smooth: str, nonsmooth: str, batch: int = 3, rows: int = 20, seed: int = 0) -> Composite:
    r = COUPLED[nonsmooth]() if nonsmooth in COUPLED else NONSMOOTH[nonsmooth]()
    if smooth not in CONVEX:
        return Composite(smooth_term(smooth, batch, rows, 3, seed), r)
    rng = np.random.default_rng([seed, batch, rows])
    a, y = rng.standard_normal((batch, rows, 3)), rng.standard_normal((batch, rows))
    return Composite(l2o.huber(a, y, 0.5) if smooth == "huber" else l2o.squared_hinge(a, y > 0), r)


@pytest.mark.parametrize("batch", [2, pytest.param(10, marks=pytest.mark.slow)], ids=["conic first", "batched first"])
@pytest.mark.parametrize(("smooth", "nonsmooth"), PAIRS)
def test_every_pair_is_narrow_and_agrees_with_cvxpy(smooth, nonsmooth, batch):
    p = problem(smooth, nonsmooth, batch)
    o = optimum(p, cache=False, cross_check=2)
    assert o.reason == (None,) * batch, o.reason
    assert (o.relative_width <= 1e-10).all()
    assert all(c.agrees for c in o.cross_checked), o.cross_checked
    x = torch.from_numpy(o.x)
    rng = np.random.default_rng(1)
    for scale in np.logspace(-9, 1, 60):
        w = p.prox(x + torch.as_tensor(scale * rng.standard_normal(o.x.shape)), 1e-12)
        assert (p.objective(w) + p.objective_error(w) >= torch.from_numpy(o.lower)).all()


@pytest.mark.parametrize(("smooth", "nonsmooth"), PAIRS)
def test_every_certificate_is_valid_at_any_point(smooth, nonsmooth, monkeypatch):
    monkeypatch.setattr(_strict, "ITERATIONS", 50)
    p = problem(smooth, nonsmooth)
    o = optimum(p, cache=False)
    rng = np.random.default_rng(0)
    for scale in (0.0, 1e-8, 1e-3, 1.0, 1e3):
        x = p.prox(torch.as_tensor(o.x + scale * rng.standard_normal(o.x.shape)), 1e-12)
        upper = up(p.objective(x), value_error(p, x))
        for entry in certificates.CERTIFICATES:
            bound = entry.bound(p, x, upper)
            assert not torch.isnan(bound).any(), entry.name
            assert (bound.numpy() <= o.upper).all(), entry.name


@pytest.mark.parametrize(("smooth", "nonsmooth"), [*((f, r) for f in CONVEX for r in ("l1", "box")), *PAIRS[8:11]])
def test_changed_problems_have_the_changed_interval(smooth, nonsmooth):
    """Of a moved simplex, ball or group norm there is no base problem: f is certified where it stands."""
    p = problem(smooth, nonsmooth)
    q = p.shifted([0.3, -1.0, 2.0]).scaled([0.5, 1.0, 2.0]).rescaled(1.9)
    one, two = optimum(p, cache=False), optimum(q, cache=False)
    assert (two.relative_width <= 1e-10).all(), two.reason
    scale = np.array([0.5, 1.0, 2.0])
    slack = 1e-12 * (1 + abs(one.upper))  # the moved data are rounded
    assert (two.lower <= scale * one.upper + slack).all()
    assert (scale * one.lower <= two.upper + slack).all()


def test_huber_with_l1_against_the_closed_form():
    """With A = I the minimum is the sum of Moreau envelopes: Huber losses of y with the smaller of lam and delta."""
    rng = np.random.default_rng(0)
    for lam, delta in ((0.3, 0.5), (0.5, 0.3), (2.0, 0.1)):
        y = 2 * rng.standard_normal((3, 6))
        o = optimum(Composite(l2o.huber(np.eye(6), y, delta), l2o.l1(lam)), cache=False)
        bend = Fraction(min(lam, delta))
        for b in range(3):
            sizes = [abs(Fraction(v)) for v in y[b].tolist()]
            truth = sum(s * s / 2 if s <= bend else bend * (s - bend / 2) for s in sizes)
            assert Fraction(o.lower[b]) <= truth <= Fraction(o.upper[b])
        assert (o.relative_width <= 1e-10).all()


def test_the_nearest_points_of_simplex_and_ball_in_closed_form():
    y = np.array([[0.5, 0.75, -3.0], [4.0, 0.0, 0.0]])
    o = optimum(Composite(l2o.least_squares(np.eye(3), y), l2o.simplex()), cache=False)
    for b, truth in enumerate((Fraction(1, 64) + Fraction(9, 2), Fraction(9, 2))):  # at (3/8, 5/8, 0) and (1, 0, 0)
        assert Fraction(o.lower[b]) <= truth <= Fraction(o.upper[b])
    assert (o.width <= 1e-13).all()
    o = optimum(Composite(l2o.least_squares(np.eye(2), [[3.0, 4.0], [0.3, 0.4]]), l2o.l2_ball(1.0)), cache=False)
    for b, truth in enumerate((Fraction(8), Fraction(0))):
        assert Fraction(o.lower[b]) <= truth <= Fraction(o.upper[b])
    o = optimum(Composite(l2o.least_squares(np.eye(2), [[3.0, 4.0], [0.3, 0.4]]), l2o.group_l1([0, 0], 1.0)))
    for b, truth in enumerate((Fraction(9, 2), Fraction(0.3) ** 2 / 2 + Fraction(0.4) ** 2 / 2)):  # lam s - lam^2/2
        assert Fraction(o.lower[b]) <= truth <= Fraction(o.upper[b])


@pytest.mark.parametrize("name", ["huber_l1", "squared_hinge_l1", "simplex_least_squares", "group_lasso"])
def test_the_families_are_narrow(name):
    p = getattr(l2o.synthetic, name)(10, 60, 40)
    o = optimum(p, cache=False)
    assert (o.relative_width <= 1e-10).all(), o.reason


@pytest.mark.parametrize("smooth", ["huber", "least-squares", "logistic"])
def test_groups_are_polished_to_rounding(smooth):
    """More variables than rows: the accelerated method alone leaves some of these wider than asked for."""
    p = l2o.synthetic.huber_l1(10, 50, 100, outliers=0.1, delta=0.1)
    a, y = p.smooth.map.matrix, p.smooth.target
    f = {
        "huber": lambda: p.smooth,
        "least-squares": lambda: l2o.least_squares(a, y),
        "logistic": lambda: l2o.logistic(a, y > 0),
    }[smooth]()
    lam = 0.005 if smooth == "logistic" else 0.02
    o = optimum(Composite(f, l2o.group_l1(np.arange(100) // 5, lam)), cache=False)
    assert (o.relative_width <= 1e-10).all(), o.reason


REFUTED = (CertificateError, CrossCheckError)


def unclipped(term, x, *, shrink=1.0, extended=False):
    return _minorants._residual_minorant(term, term.argument(x) * shrink, extended)


def without_the_square(term, x, *, shrink=1.0, extended=False):
    right = REAL[SquaredHinge](term, x, shrink=shrink, extended=extended)
    t = term.shortfall(term.argument(x)) * shrink
    return replace(right, constant=right.constant + (t * t).sum(-1) / term.rows)


def half_the_ball(term, slope, error):
    return REAL[L2Ball](replace(term, radius=0.5 * term.radius), slope, error)


def the_mean_of_the_vertices(term, slope, error):
    base, slack = REAL[Simplex](term, slope, error)
    return base + term.radius[:, 0] * (slope.mean(-1) - slope.amin(-1)), slack


def slack_by_the_largest_entry(term, slope, error):
    base, slack = REAL[GroupL1](term, slope, error)
    return base, slack + term.lam


REAL = {
    **{kind: _minorants.minorant.dispatch(kind) for kind in (Huber, SquaredHinge)},
    **{kind: _linear_models.linear_model.dispatch(kind) for kind in (L2Ball, Simplex, GroupL1)},
}
WRONG = [
    (_minorants.minorant, Huber, unclipped, ("huber", "box")),
    (_minorants.minorant, SquaredHinge, without_the_square, ("squared-hinge", "l1")),
    (_linear_models.linear_model, L2Ball, half_the_ball, ("least-squares", "l2-ball")),
    (_linear_models.linear_model, Simplex, the_mean_of_the_vertices, ("least-squares", "simplex")),
    (_linear_models.linear_model, GroupL1, slack_by_the_largest_entry, ("least-squares", "group-l1")),
]


@pytest.mark.parametrize(("hook", "kind", "wrong", "pair"), WRONG, ids=lambda v: getattr(v, "__name__", None))
def test_a_wrong_conjugate_is_refuted(hook, kind, wrong, pair, monkeypatch):
    """As an interval that contradicts itself, or by the point of an independent solver."""
    p = problem(*pair, batch=10)
    if kind is GroupL1:  # a dual point that is feasible only by the wrong slack
        gradient = p.smooth_gradient(torch.zeros(10, 3, dtype=torch.float64))
        p = Composite(p.smooth, replace(p.nonsmooth, lam=0.7 * p.nonsmooth.lengths(gradient).amax(-1, keepdim=True)))
    assert (optimum(p, cache=False, cross_check=10).relative_width <= 1e-10).all()
    hook.register(kind, wrong)
    try:
        with pytest.raises(REFUTED):
            optimum(p, cache=False, cross_check=10)
    finally:
        hook.register(kind, REAL[kind])


@pytest.mark.usefixtures("effort")
@pytest.mark.parametrize("nonsmooth", [*SEPARABLE, *COUPLED])
@pytest.mark.parametrize("smooth", [l2o.student_t, l2o.welsch, l2o.sigmoid_loss], ids=lambda f: f.__name__)
def test_of_a_loss_that_is_not_convex_only_zero_is_claimed(smooth, nonsmooth):
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((3, 12, 3)), rng.standard_normal((3, 12))
    r = COUPLED[nonsmooth]() if nonsmooth in COUPLED else NONSMOOTH[nonsmooth]()
    p = Composite(smooth(a, y > 0 if smooth is l2o.sigmoid_loss else y), r)
    for q in (p, p.shifted(0.5).scaled(2.0)):
        o = optimum(q, cache=False)
        assert (o.lower <= 0).all()
        assert (o.lower >= -1e-299).all()  # 0 of the base, carried over
        assert set(o.certificate) == {"nonnegativity"}
        narrow = o.relative_width <= 1e-10  # sigmoid losses of separable data go to 0 along a ray
        assert all(done if reason is None else "not convex" in reason for reason, done in zip(o.reason, narrow))
        assert not narrow.all()
        x = torch.from_numpy(o.x)
        assert (q.objective(x) <= torch.from_numpy(o.upper)).all()
        assert (o.upper <= q.objective(q.prox(torch.zeros_like(x), 1.0)).numpy() + 1e-12).all()
        assert not o.messages


def test_a_fit_without_residual_is_found_to_be_one():
    a = np.random.default_rng(0).standard_normal((2, 12, 3))
    y = a @ np.array([0.3, -0.2, 0.1])
    for smooth in (l2o.student_t, l2o.welsch):
        o = optimum(Composite(smooth(a, y), l2o.zero()), cache=False)
        assert (o.relative_width <= 1e-10).all()


def test_local_curvature_says_nothing_where_it_may_not():
    """On separable data, and with fewer parabolas than variables, there is no modulus."""
    a = np.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    far = Composite(l2o.huber(a, [[9.0, 9.0, -9.0]], 0.1), l2o.zero())
    x = torch.zeros(1, 2, dtype=torch.float64)
    assert float(certificates.local_curvature(far, x, far.objective(x))) == -np.inf
    near = Composite(l2o.huber(a, [[0.01, 0.02, 0.03]], 0.1), l2o.zero())
    w = tensor([[0.01, 0.02]])
    assert float(certificates.local_curvature(near, w, near.objective(w))) == pytest.approx(0.0, abs=1e-15)
    # An inclination that would carry the point out of the zone of the parabolas.
    assert float(certificates.local_curvature(near, x + 0.04, near.objective(x + 0.04))) == -np.inf
