"""One instance at a time, in NumPy: what the active-set polish needs of each term."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, NonsmoothTerm, Zero
from ...l2o.problems.smooth import Huber, LeastSquares, Logistic, QuadraticForm, SmoothTerm, SquaredHinge
from ._terms import matrix, row

Array = np.ndarray


@dataclass(frozen=True)
class LocalSmooth:
    """f of one instance: value, gradient (n,), and the Hessian block (k,k) of the variables `free`."""

    value: Callable[[Array], float]
    gradient: Callable[[Array], Array]
    hessian: Callable[[Array, Array], Array]
    quadratic: bool


@dataclass(frozen=True)
class LocalSeparable:
    """r of one instance: sum_i lam |x_i| + ridge/2 x_i^2 on lower <= x <= upper, bounds (n,), maybe +-inf."""

    lam: float
    ridge: float
    lower: Array
    upper: Array

    def value(self, x: Array) -> float:
        """r(x) for x within the bounds."""
        return self.lam * float(np.abs(x).sum()) + 0.5 * self.ridge * float(x @ x)


@functools.singledispatch
def local_smooth(term: SmoothTerm, b: int) -> LocalSmooth | None:
    """Instance b of `term`; None for terms that are not known here."""
    return None


@local_smooth.register
def _(term: LeastSquares, b: int) -> LocalSmooth:
    return least_squares(matrix(term, b), row(term.target, b))


def least_squares(a: Array, y: Array) -> LocalSmooth:
    """1/2 ||a x - y||^2 for arrays, whatever their memory order."""

    def value(x: Array) -> float:
        r = a @ x - y
        return 0.5 * float(r @ r)

    def hessian(x: Array, free: Array) -> Array:
        block = a[:, free]
        return block.T @ block

    return LocalSmooth(value, lambda x: (a @ x - y) @ a, hessian, True)


@local_smooth.register
def _(term: Logistic, b: int) -> LocalSmooth:
    a, labels = matrix(term, b), row(term.labels, b)
    sign, rows = 1 - 2 * labels, a.shape[0]

    def hessian(x: Array, free: Array) -> Array:
        z = a @ x
        block = a[:, free]
        return (block.T * (expit(z) * expit(-z))) @ block / rows

    return LocalSmooth(
        lambda x: float(np.logaddexp(0.0, sign * (a @ x)).mean()),
        lambda x: (sign * expit(sign * (a @ x))) @ a / rows,
        hessian,
        False,
    )


@local_smooth.register
def _(term: Huber, b: int) -> LocalSmooth:
    a, y, delta = matrix(term, b), row(term.target, b), float(row(term.delta, b)[0])

    def value(x: Array) -> float:
        z = a @ x - y
        clipped = np.clip(z, -delta, delta)
        return float(clipped @ (z - 0.5 * clipped))

    def hessian(x: Array, free: Array) -> Array:
        block = a[np.abs(a @ x - y) <= delta][:, free]
        return block.T @ block

    return LocalSmooth(value, lambda x: np.clip(a @ x - y, -delta, delta) @ a, hessian, False)


@local_smooth.register
def _(term: SquaredHinge, b: int) -> LocalSmooth:
    a, rows = matrix(term, b), term.rows
    signed = row(term.signs, b)[:, None] * a

    def short(x: Array) -> Array:
        return np.maximum(1 - signed @ x, 0.0)

    def hessian(x: Array, free: Array) -> Array:
        block = a[short(x) > 0][:, free]
        return 2 * (block.T @ block) / rows

    return LocalSmooth(
        lambda x: float(short(x) @ short(x)) / rows,
        lambda x: -2 * (short(x) @ signed) / rows,
        hessian,
        False,
    )


@local_smooth.register
def _(term: QuadraticForm, b: int) -> LocalSmooth:
    q, c = matrix(term, b), row(term.linear, b)
    return LocalSmooth(
        lambda x: float(x @ (0.5 * (q @ x) - c)),
        lambda x: q @ x - c,
        lambda x, free: q[np.ix_(free, free)],
        True,
    )


@functools.singledispatch
def local_separable(term: NonsmoothTerm, b: int, dim: int) -> LocalSeparable | None:
    """Instance b of `term` in `dim` variables; None for terms that are not known here."""
    return None


def _unbounded(dim: int) -> tuple[Array, Array]:
    return np.full(dim, -np.inf), np.full(dim, np.inf)


@local_separable.register
def _(term: Zero, b: int, dim: int) -> LocalSeparable:
    return LocalSeparable(0.0, 0.0, *_unbounded(dim))


@local_separable.register
def _(term: L1, b: int, dim: int) -> LocalSeparable:
    return LocalSeparable(float(row(term.lam, b)[0]), 0.0, *_unbounded(dim))


@local_separable.register
def _(term: ElasticNet, b: int, dim: int) -> LocalSeparable:
    return LocalSeparable(float(row(term.lam, b)[0]), float(row(term.ridge, b)[0]), *_unbounded(dim))


@local_separable.register
def _(term: Box, b: int, dim: int) -> LocalSeparable:
    lower, upper = (np.broadcast_to(row(t, b), (dim,)) for t in (term.lower, term.upper))
    return LocalSeparable(0.0, 0.0, lower, upper)
