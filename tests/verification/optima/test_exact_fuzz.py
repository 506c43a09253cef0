"""Random tiny problems of every scale, plain and transformed, against exact minima."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from l2obound.l2o.problems import Composite
from l2obound.l2o.problems.nonsmooth import L1, Box, ElasticNet
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, QuadraticForm
from l2obound.verification.optima import optimum
from l2obound.verification.optima._stages import SMALL_BATCH
from tests.helpers import exact
from tests.helpers.combinations import tensor


def random_problem(rng: np.random.Generator, batch: int) -> tuple[Composite, list]:
    """A batch, and for each instance a function from (box bounds or None) to its exact minimum."""
    rows, dim = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    magnitude = 10.0 ** rng.integers(-4, 5)
    a = magnitude * rng.standard_normal((batch, rows, dim)) * 10.0 ** rng.integers(-2, 3, dim)
    y = 10.0 ** rng.integers(-3, 4) * rng.standard_normal((batch, rows))
    if rng.random() < 0.2:
        a = np.round(a / magnitude) * magnitude  # zeros and repeated values
    if rng.random() < 0.6:
        smooth = LeastSquares(LinearMap(tensor(a)), tensor(y))
        forms = [exact.least_squares_form(a[b], y[b]) for b in range(batch)]
    else:
        q = np.einsum("bmi,bmj->bij", a, a) + magnitude**2 * np.eye(dim)
        c = np.einsum("bmi,bm->bi", a, y)
        smooth = QuadraticForm(LinearMap(tensor(0.5 * (q + q.transpose(0, 2, 1)))), tensor(c))
        forms = [(smooth.map.matrix[b].tolist(), smooth.linear[b].tolist(), 0) for b in range(batch)]
    lam, ridge = 10.0 ** rng.integers(-3, 3), 10.0 ** rng.integers(-3, 3)
    which = rng.integers(4)
    if which == 0:
        r, options = L1(tensor([[lam]])), {"lam": lam}
    elif which == 1:
        r, options = ElasticNet(tensor([[lam]]), tensor([[ridge]])), {"lam": lam, "ridge": ridge}
    else:
        low, high = np.sort(10.0 ** rng.integers(-2, 3) * rng.standard_normal((2, 1, dim)), axis=0)
        if which == 3:
            high = np.where(rng.random((1, dim)) < 0.5, np.inf, high)
        r, options = Box(tensor(low), tensor(high)), {"lower": low[0].tolist(), "upper": high[0].tolist()}
    return Composite(smooth, r), [(form, options) for form in forms]


def transformed(rng: np.random.Generator, p: Composite) -> Composite:
    for _ in range(int(rng.integers(0, 4))):
        factor = float(10.0 ** rng.uniform(-3, 3))
        p = [p.scaled, p.rescaled, p.shifted][rng.integers(3)](factor)
    return p


def exact_minimum(p: Composite, form, options) -> Fraction | None:
    """F* of an instance of the transformed p, exactly: the base's, times c, on the box as p has it."""
    change = getattr(p.smooth, "change", None)
    if change is None:
        return exact.quadratic_minimum(*form, **options)
    c, a, t = (Fraction(float(v.reshape(-1)[0])) for v in (change.scale, change.dilation, change.shift))
    if isinstance(p.nonsmooth, Box):
        options = {
            side: [v if np.isinf(v) else Fraction(v) / a + t for v in getattr(p.nonsmooth, side)[0].tolist()]
            for side in ("lower", "upper")
        }
    value = exact.quadratic_minimum(*form, **options)
    return None if value is None else c * value


def check(seed: int) -> tuple[int, int]:
    """Assert validity on one random batch; how many instances were narrow, and how many were compared."""
    rng = np.random.default_rng(seed)
    base, instances = random_problem(rng, SMALL_BATCH + 2)
    p = transformed(rng, base)
    o = optimum(p, cache=False)
    assert not np.isnan(np.concatenate([o.lower, o.upper, o.x.ravel()])).any()
    assert torch.isfinite(p.nonsmooth.values(torch.from_numpy(o.x))).all()
    compared = 0
    for b, (form, options) in enumerate(instances):
        assert exact.objective(p, b, o.x[b]) <= Fraction(o.upper[b]), (seed, b)
        value = exact_minimum(p, form, options)
        if value is None:
            continue  # a singular face: the minimum is attained elsewhere, or not found by enumeration
        compared += 1
        if np.isfinite(o.lower[b]):
            assert Fraction(o.lower[b]) <= value, (seed, b)
        assert value <= Fraction(o.upper[b]), (seed, b)
    return int((o.relative_width <= 1e-10).sum()), compared


def test_random_problems_quick():
    narrow, compared = np.sum([check(seed) for seed in range(12)], axis=0)
    assert compared >= 90
    assert narrow >= 100


@pytest.mark.parametrize("change", [lambda p: p, lambda p: p.rescaled(3.0).shifted(0.1)])
@pytest.mark.parametrize("ridge", [0.0, 1e-8, 1.0, 1e12])
def test_the_point_has_the_stated_value(ridge, change):
    """A steep term turns the rounding of x/a + t into a large error of F, which `upper` has to include."""
    smooth = LeastSquares(LinearMap(torch.ones(1, 1, 1, dtype=torch.float64)), tensor([[0.0]]))
    for lam in (0.0, 1.0, 1e6):
        p = change(Composite(smooth, ElasticNet(tensor([[lam]]), tensor([[ridge]]))))
        o = optimum(p, cache=False)
        value = exact.objective(p, 0, o.x[0])
        assert Fraction(o.lower[0]) <= value <= Fraction(o.upper[0])


@pytest.mark.slow
def test_random_problems_thorough():
    narrow, compared = np.sum([check(seed) for seed in range(12, 400)], axis=0)
    assert compared >= 3000
    assert narrow >= 3500
