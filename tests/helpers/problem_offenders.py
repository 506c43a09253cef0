"""Problems whose terms say of themselves what is not so: constants off, a little or by a tenth, values and proxes of
different terms, data in hiding."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from l2obound import l2o
from l2obound.l2o import Composite
from l2obound.l2o.problems.nonsmooth import L1, Box, NonsmoothTerm
from l2obound.l2o.problems.nonsmooth.l1 import soft_threshold
from l2obound.l2o.problems.official import with_official_prox
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap, QuadraticForm

_RNG = np.random.default_rng(5)
_A = torch.as_tensor(_RNG.standard_normal((3, 9, 5)))
_Y = torch.as_tensor(_RNG.standard_normal((3, 9)))
_LAM = torch.full((1, 1), 0.3, dtype=torch.float64)


def _smooth(kind: type, **extra: Any) -> Composite:
    return Composite(kind(LinearMap(_A), _Y, **extra), l2o.l1(0.1))


def _with(r: NonsmoothTerm) -> Composite:
    return Composite(LeastSquares(LinearMap(_A), _Y), r)


@dataclass(frozen=True, eq=False)
class SlightlyLargeMu(LeastSquares):
    @property
    def strong_convexity(self):
        return 1.02 * super().strong_convexity


@dataclass(frozen=True, eq=False)
class SlightlySmallL(LeastSquares):
    @property
    def smoothness(self):
        return 0.99 * super().smoothness


@dataclass(frozen=True, eq=False)
class RidgeLogistic(l2o.problems.smooth.Logistic):
    """Logistic loss + ridge whose mu is 2 % too large: the curvature falls to the ridge far away only."""

    @property
    def smoothness(self):
        return super().smoothness + 0.1

    @property
    def strong_convexity(self):
        return torch.full((self.batch_size,), 0.102, dtype=torch.float64)

    def value_and_gradient(self, x):
        value, gradient = super().value_and_gradient(x)
        return value + 0.05 * (x * x).sum(-1), gradient + 0.1 * x

    def value(self, x):
        return self.value_and_gradient(x)[0]

    def gradient(self, x):
        return self.value_and_gradient(x)[1]

    def value_error(self, x):
        return super().value_error(x) + 1e-14 * (1 + (x * x).sum(-1))


class HuberValue(L1):
    """lam times the Huber function of every coordinate, with the prox and the slopes of lam |x|."""

    def values(self, x):
        return self.lam * torch.where(x.abs() < 1e-3, x * x / 2e-3, x.abs() - 5e-4)


class TwoThirdsOfTheValue(L1):
    def values(self, x):
        return super().values(x) * 2 / 3


class ElasticValue(L1):
    def values(self, x):
        return super().values(x) + 1e-3 * x * x


class WiderBox(Box):
    """The value of a larger box, so that points outside of the set that prox projects onto are free."""

    def values(self, x):
        return torch.where((x < 1.3 * self.lower) | (x > 1.3 * self.upper), torch.inf, torch.zeros_like(x))


class NegativeLinear(L1):
    """A linear part that value has and prox has not."""

    def values(self, x):
        return super().values(x) + 0.05 * x


@dataclass(frozen=True, eq=False)
class HiddenFloat(LeastSquares):
    """f(x) + w/2 ||x||^2, w a Python float that arrays leaves out."""

    weight: Any = 0.7

    def number(self) -> float:
        return float(self.weight)

    @property
    def smoothness(self):
        return super().smoothness + self.number()

    @property
    def strong_convexity(self):
        return 0 * super().strong_convexity

    def value_and_gradient(self, x):
        value, gradient = super().value_and_gradient(x)
        return value + 0.5 * self.number() * (x * x).sum(-1), gradient + self.number() * x

    def value(self, x):
        return self.value_and_gradient(x)[0]

    def gradient(self, x):
        return self.value_and_gradient(x)[1]

    def value_error(self, x):
        single = torch.finfo(x.dtype).eps
        return super().value_error(x) + 16 * single * self.number() * (x * x).sum(-1) + 4 * single * self.value(x).abs()

    def gradient_error(self, x):
        size = torch.linalg.vector_norm(x, dim=-1) * self.number() + torch.linalg.vector_norm(self.gradient(x), dim=-1)
        return super().gradient_error(x) + 16 * torch.finfo(x.dtype).eps * size


class HiddenInt(HiddenFloat):
    pass


class HiddenArray(HiddenFloat):
    def number(self) -> float:
        return float(self.weight[1])


class HiddenMapping(HiddenFloat):
    def number(self) -> float:
        return self.weight["ridge"][0]


class Holder:
    def __init__(self, number: float) -> None:
        self.number = number


class HiddenObject(HiddenFloat):
    def number(self) -> float:
        return self.weight.number


class FromAnIterator(HiddenFloat):
    """Holds what nobody can read without using it up."""

    def number(self) -> float:
        return 0.7


@dataclass(frozen=True, eq=False)
class ForgetsOnTheWay(HiddenFloat):
    """`to` makes it with the default weight."""

    def arrays(self):
        return {**super().arrays(), "weight": torch.full((1, 1), self.number(), dtype=self.map.matrix.dtype)}

    def to(self, dtype=None, device=None):
        plain = super().to(dtype, device)
        return type(self)(plain.map, plain.target)


MORE_PROBLEMS: dict[str, tuple[Callable[[], Composite], str, set[str]]] = {
    "mu 2 % too large": (lambda: _smooth(SlightlyLargeMu), "strong_convexity_lower_bound", set()),
    "L 1 % too small": (lambda: _smooth(SlightlySmallL), "smoothness_upper_bound", set()),
    "mu of a ridge 2 % too large": (
        lambda: Composite(RidgeLogistic(LinearMap(_A), (_Y > 0).double()), l2o.l1(0.1)),
        "strong_convexity_lower_bound",
        set(),
    ),
    "the value of Huber with the prox of l1": (
        lambda: _with(HuberValue(_LAM)),
        "value_and_prox_belong_together",
        set(),
    ),
    "a factor of the value": (
        lambda: _with(TwoThirdsOfTheValue(_LAM)),
        "value_and_prox_belong_together",
        {"prox_is_optimal"},
    ),
    "the value of an elastic net with the prox of l1": (
        lambda: _with(ElasticValue(_LAM)),
        "value_and_prox_belong_together",
        {"prox_is_optimal"},
    ),
    "a larger box in the value": (
        lambda: _with(
            WiderBox(torch.full((1, 1), -0.5, dtype=torch.float64), torch.full((1, 1), 0.8, dtype=torch.float64))
        ),
        "value_and_prox_belong_together",
        set(),
    ),
    "a linear part of the value": (
        lambda: _with(NegativeLinear(_LAM)),
        "value_and_prox_belong_together",
        {"prox_is_optimal"},
    ),
    "a Python float in hiding": (lambda: _smooth(HiddenFloat, weight=0.7001), "fingerprint_follows_data", set()),
    "an integer in hiding": (lambda: _smooth(HiddenInt, weight=2), "fingerprint_follows_data", set()),
    "a NumPy array in hiding": (
        lambda: _smooth(HiddenArray, weight=np.array([0.1, 0.7])),
        "fingerprint_follows_data",
        set(),
    ),
    "a mapping in hiding": (
        lambda: _smooth(HiddenMapping, weight={"ridge": [0.7, 0.1]}),
        "fingerprint_follows_data",
        set(),
    ),
    "an object in hiding": (lambda: _smooth(HiddenObject, weight=Holder(0.7)), "fingerprint_follows_data", set()),
    "an iterator": (lambda: _smooth(FromAnIterator, weight=itertools.count()), "fingerprint_follows_data", set()),
    "a weight lost by `to`": (lambda: _smooth(ForgetsOnTheWay, weight=1.5), "float32_consistent", set()),
}
"""Each with the check that is meant for it, and the others that it fails."""


class SmallL(LeastSquares):
    @property
    def smoothness(self):
        return 0.9 * super().smoothness


class SignOfTheGradient(LeastSquares):
    def value_and_gradient(self, x):
        value, gradient = super().value_and_gradient(x)
        return value, -gradient


class LargeMu(LeastSquares):
    @property
    def strong_convexity(self):
        return 1.1 * super().strong_convexity


class SaysConvex(QuadraticForm):
    """An indefinite matrix."""

    @property
    def smoothness(self):
        return self.eigenvalues.abs().amax(-1)

    @property
    def strong_convexity(self):
        return torch.zeros(self.batch_size, dtype=self.linear.dtype)


class NoValueError(LeastSquares):
    def value_error(self, x):
        return torch.zeros(x.shape[0], dtype=x.dtype)


class NoGradientError(LeastSquares):
    def gradient_error(self, x):
        return torch.zeros(x.shape[0], dtype=x.dtype)


class FirstOfTheBatch(LeastSquares):
    def select(self, index):
        return super().select(torch.zeros_like(index))


class HiddenTarget(LeastSquares):
    def arrays(self):
        return {"matrix": self.map.matrix}


class DoubleInside(LeastSquares):
    def value(self, x):
        return super().value(x) * torch.ones(1, dtype=torch.float64)


class HardThreshold(L1):
    def prox(self, u, step):
        return torch.where(u.abs() > self.lam * step, u, torch.zeros_like(u))


class TwiceTheStep(L1):
    def prox(self, u, step):
        return soft_threshold(u, 2 * self.lam * step)


def _term(kind: type) -> Any:
    return _as(l2o.synthetic.lasso(3, 12, 6, seed=1).smooth, kind)


def _as(term: Any, kind: type) -> Any:
    other = object.__new__(kind)
    other.__dict__.update({n: v for n, v in term.__dict__.items() if n in term.__dataclass_fields__})
    return other


def _on_lasso(kind: type) -> Callable[[], Composite]:
    return lambda: Composite(_term(kind), l2o.l1(0.1))


def _sixteenth() -> Composite:
    p = l2o.synthetic.logistic_l1(3, 24, 6, seed=1)
    return Composite(replace(p.smooth, curvature=1 / 16), p.nonsmooth)


def _indefinite() -> Composite:
    q = l2o.synthetic.quadratic(3, 6, seed=1).smooth
    matrix = q.map.matrix - 0.5 * torch.eye(6, dtype=torch.float64) * q.smoothness.reshape(-1, 1, 1)
    term = _as(q, SaysConvex)
    term.__dict__["map"] = type(q.map)(matrix)
    return Composite(term, l2o.zero())


def _official() -> Composite:
    return with_official_prox(l2o.synthetic.lasso(3, 12, 6, seed=1), 10.0)


def _with_r(kind: type) -> Callable[[], Composite]:
    return lambda: Composite(_term(LeastSquares), _as(l2o.l1(0.1), kind))


PROBLEM_OFFENDERS: dict[str, tuple[Callable[[], Composite], str, set[str]]] = {
    "L too small": (_on_lasso(SmallL), "smoothness_upper_bound", set()),
    "L of the logistic loss too small": (_sixteenth, "smoothness_upper_bound", set()),
    "sign of the gradient": (
        _on_lasso(SignOfTheGradient),
        "gradient_matches_differences",
        {"convex_as_declared", "strong_convexity_lower_bound"},
    ),
    "mu too large": (_on_lasso(LargeMu), "strong_convexity_lower_bound", set()),
    "not convex": (_indefinite, "convex_as_declared", set()),
    "no error of the value": (_on_lasso(NoValueError), "value_error_sound", set()),
    "no error of the gradient": (_on_lasso(NoGradientError), "float32_consistent", {"smoothness_upper_bound"}),
    "wrong instance": (_on_lasso(FirstOfTheBatch), "select_consistent", set()),
    "data without a part in the fingerprint": (_on_lasso(HiddenTarget), "fingerprint_follows_data", set()),
    "float64 inside": (_on_lasso(DoubleInside), "float32_consistent", set()),
    "hard thresholding": (
        _with_r(HardThreshold),
        "prox_firmly_nonexpansive",
        {"prox_is_optimal", "value_and_prox_belong_together"},
    ),
    "prox with twice the step": (_with_r(TwiceTheStep), "prox_is_optimal", {"value_and_prox_belong_together"}),
    "the authors' shifted prox": (
        _official,
        "prox_is_optimal",
        {"prox_firmly_nonexpansive", "value_and_prox_belong_together"},
    ),
}
"""Each with the check that is meant for it, and the others that it fails."""
