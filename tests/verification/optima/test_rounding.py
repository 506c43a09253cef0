"""Each rounding term on its own, where the bound without it would exceed what exact arithmetic says."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import torch

from l2obound.l2o.problems import Composite, logistic_l1
from l2obound.l2o.problems.nonsmooth import Box, ElasticNet, Zero
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, Logistic, QuadraticForm
from l2obound.verification.optima import _certificates as certificates
from l2obound.verification.optima._change import carry_over, pull_back
from l2obound.verification.optima._directed import up, value_error
from l2obound.verification.optima._linear_models import linear_model
from l2obound.verification.optima._minorants import minorant
from tests.helpers import exact
from tests.helpers.combinations import tensor

SEEDS = range(30)


def fractions(tensor_: torch.Tensor) -> list[Fraction]:
    return [Fraction(v) for v in tensor_.flatten().tolist()]


@dataclass(frozen=True, eq=False)
class Linear(QuadraticForm):
    """-c'x, whose gradient is evaluated without any error."""

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(x), dtype=x.dtype)


def test_the_distance_covers_the_rounding_of_the_slopes():
    """The sum of an exact gradient and of slopes of r that cancel it."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        lam, ridge, x = rng.random((1, 1)), rng.random((1, 1)), rng.random((1, 3)) + 0.1
        c = ridge * x + lam + 1e-16 * rng.standard_normal((1, 3))
        p = Composite(Linear(LinearMap(torch.zeros(3, 3).double()), tensor(c)), ElasticNet(tensor(lam), tensor(ridge)))
        slopes = [Fraction(ridge[0, 0]) * Fraction(v) + Fraction(lam[0, 0]) for v in x[0]]
        square = sum((s - Fraction(v)) ** 2 for s, v in zip(slopes, c[0]))
        assert Fraction(float(certificates._distance(p, tensor(x))[0])) ** 2 >= square


def test_the_distance_covers_the_rounding_of_the_gradient():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        a, y = rng.standard_normal((1, 20, 3)), rng.standard_normal((1, 20))
        x = np.linalg.lstsq(a[0], y[0], rcond=None)[0][None]
        p = Composite(LeastSquares(LinearMap(tensor(a)), tensor(y)), Zero())
        q, c, _ = exact.least_squares_form(a[0], y[0])
        square = sum((sum(v * Fraction(w) for v, w in zip(row, x[0])) - d) ** 2 for row, d in zip(q, c))
        assert Fraction(float(certificates._distance(p, tensor(x))[0])) ** 2 >= square


@pytest.mark.parametrize("ones", [52, 55, 57, 60])
def test_self_concordance_covers_the_loss_of_curvature_on_the_way(ones):
    """One variable, a_j = 1: from 0, where the curvature is largest, to the minimiser, with F* an entropy."""
    labels = (np.arange(100) < ones).astype(float)[None]
    p = logistic_l1(np.ones((1, 100, 1)), labels, 0.0)
    x = torch.zeros(1, 1, dtype=torch.float64)
    bound = certificates.self_concordance(p, x, up(p.objective(x), value_error(p, x)))
    with mpmath.workdps(30):
        share = mpmath.mpf(ones) / 100
        entropy = -share * mpmath.log(share) - (1 - share) * mpmath.log(1 - share)
        assert mpmath.mpf(float(bound[0])) <= entropy
        assert float(bound[0]) > entropy - 0.02


def test_the_modulus_covers_the_rounding_of_the_eigenvalue():
    """Columns that are equal but for their last digits: the smallest eigenvalue is all rounding."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        a = rng.standard_normal((1, 12, 3))
        a[:, :, 1] = a[:, :, 0] * (1 + 1e-9 * rng.standard_normal((1, 12)))
        x = 0.3 * rng.standard_normal((1, 3))
        f = Logistic(LinearMap(tensor(a)), torch.zeros(1, 12, dtype=torch.float64))
        with mpmath.workdps(50):
            matrix = mpmath.matrix(a[0].tolist())
            z = matrix * mpmath.matrix(x[0].tolist())
            weight = [1 / (2 + mpmath.exp(v) + mpmath.exp(-v)) / 12 for v in z]
            hessian = matrix.T * mpmath.diag(weight) * matrix
            smallest = min(mpmath.eigsy(hessian, eigvals_only=True))
            assert mpmath.mpf(float(certificates._modulus_at(f, tensor(x))[0])) <= smallest


def test_the_entropy_is_rounded_down():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        a, labels = rng.standard_normal((1, 5, 3)), (rng.random((1, 5)) < 0.5).astype(float)
        f, x = Logistic(LinearMap(tensor(a)), tensor(labels)), tensor(rng.standard_normal((1, 3)))
        share = torch.sigmoid((1 - 2 * f.labels) * f.map(x))[0].tolist()
        with mpmath.workdps(40):
            entropy = -sum(
                s * mpmath.log(s) + (1 - s) * mpmath.log(1 - s) for s in (mpmath.mpf(value) for value in share)
            )
            assert mpmath.mpf(float(minorant(f, x).constant[0])) <= entropy / 5


def test_the_box_model_covers_the_error_of_the_slope():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        low, high = np.sort(10.0 ** rng.integers(-3, 6) * rng.standard_normal((2, 1, 4)), axis=0)
        slope, error = tensor(rng.standard_normal((1, 4))), tensor(1e-12 * rng.random((1, 4)))
        base, _ = linear_model(Box(tensor(low), tensor(high)), slope, error)
        worst = sum(
            min((g + side * e) * bound for side in (-1, 1) for bound in (Fraction(lo), Fraction(hi)))
            for g, e, lo, hi in zip(fractions(slope), fractions(error), low[0], high[0])
        )
        assert Fraction(float(base[0])) <= worst


def test_the_scaled_lower_bound_is_rounded_down():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        f = LeastSquares(LinearMap(tensor(np.ones((1, 1, 1)))), tensor([[1.0]]))
        p = Composite(f, Zero()).scaled(float(rng.random()))
        _, change = pull_back(p)
        lower = tensor(rng.random(1))
        carried, _, _ = carry_over(p, change, lower, torch.zeros(1, 1, dtype=torch.float64))
        assert Fraction(float(carried[0])) <= fractions(change.scale)[0] * fractions(lower)[0]


def test_a_ridged_variable_is_not_lost_to_underflow():
    """-(1e-170)^2 / (2e-300): the square alone underflows."""
    r = ElasticNet(tensor([[0.0]]), tensor([[1e-300]]))
    base, _ = linear_model(r, tensor([[1e-170]]), tensor([[0.0]]))
    assert Fraction(float(base[0])) <= -(Fraction(1e-170) ** 2) / (2 * Fraction(1e-300))
