"""Affine minorants of smooth terms: the dual side of every certificate.

For convex f = phi(A .) and any vector u, Fenchel's inequality gives for all w

    f(w) >= <A'u, w> - phi*(u).

u may be any float vector, and it is taken to be exact: what the solver or the residual meant it to be does
not matter. Rounding then enters only through phi*(u), taken off the constant here, and through A'u, whose
entries carry a bound.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch

from ...l2o.problems.smooth import (
    Huber,
    LeastSquares,
    LinearMap,
    Logistic,
    QuadraticForm,
    SigmoidLoss,
    SmoothTerm,
    SquaredHinge,
    StudentT,
    Welsch,
)
from ...l2o.problems.transforms import ChangedSmooth
from ._curvature import curvature_floor
from ._directed import TINY, UNIT, down, total


@dataclass(frozen=True)
class Minorant:
    """f(w) >= constant + <g, w> - deficit/2 ||w - anchor||^2 for all w and some g within `error` of `slope`.

    constant (B,), slope and error (B,n), anchor (B,n), deficit (B,) >= 0 (zero where f is certified convex).
    """

    constant: torch.Tensor
    slope: torch.Tensor
    error: torch.Tensor
    anchor: torch.Tensor
    deficit: torch.Tensor


def _adjoint(map_: LinearMap, u: torch.Tensor, extended: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """A'u of an exact u and a bound on the error of each entry."""
    if not extended:
        return map_.adjoint(u), 1.01 * map_.adjoint_error(u, torch.zeros_like(u)) + TINY
    # Long double has 11 more bits on x86; where it is plain double, its own eps keeps the bound sound.
    eps = float(np.finfo(np.longdouble).eps)
    matrix, rows = map_.matrix.numpy(), map_.matrix.shape[-2]
    slopes, sizes = [], []
    for b in range(u.shape[0]):
        a = (matrix if matrix.ndim == 2 else matrix[b]).astype(np.longdouble)
        d = u[b].numpy().astype(np.longdouble)
        slopes.append((d @ a).astype(np.float64))
        sizes.append((np.abs(d) @ np.abs(a)).astype(np.float64))
    slope, size = torch.from_numpy(np.stack(slopes)), torch.from_numpy(np.stack(sizes))
    return slope, 1.01 * ((rows + 3) * eps * size + 2 * UNIT * slope.abs()) + TINY


def _exact(constant: torch.Tensor, slope: torch.Tensor, error: torch.Tensor) -> Minorant:
    return Minorant(constant, slope, error, torch.zeros_like(slope), torch.zeros_like(constant))


@functools.singledispatch
def minorant(
    term: SmoothTerm, x: torch.Tensor, *, shrink: torch.Tensor | float = 1.0, extended: bool = False
) -> Minorant | None:
    """The affine minorant that x (B,n) suggests, tight at x but for rounding; None where the term is not convex.

    `shrink` (B,1) multiplies the dual vector; `extended` evaluates A'u in long double. Of a term that is not known here
    it is the tangent at x, which has no dual vector and no finer evaluation: None where these are asked for.
    """
    if extended or not isinstance(shrink, float) or not term.convex:
        return None
    return _tangent(term, x)


def _tangent(term: SmoothTerm, x: torch.Tensor) -> Minorant:
    """f(x) + <grad f(x), w - x>, from values, gradients and their error bounds alone."""
    value, slope = term.value_and_gradient(x)
    off = 1.01 * term.gradient_error(x) + TINY
    moved, moved_error = total(slope * x, 1)
    reach = (1 + (x.shape[-1] + 8) * UNIT) * torch.linalg.vector_norm(x, dim=-1)
    error = 1.01 * (term.value_error(x) + moved_error + off * reach) + 2 * UNIT * (value.abs() + moved.abs())
    return _exact(down(value - moved, error), slope, off.unsqueeze(-1).expand_as(slope))


@minorant.register
def _(term: LeastSquares, x: torch.Tensor, *, shrink: torch.Tensor | float = 1.0, extended: bool = False) -> Minorant:
    """phi*(u) = 1/2 ||u||^2 + <u, y>."""
    return _residual_minorant(term, term.residual(x) * shrink, extended)


@minorant.register
def _(term: Huber, x: torch.Tensor, *, shrink: torch.Tensor | float = 1.0, extended: bool = False) -> Minorant:
    """phi*(u) = 1/2 ||u||^2 + <u, y> where every |u_j| <= delta, else inf."""
    u = term.slopes(term.argument(x)) * shrink
    return _residual_minorant(term, torch.minimum(torch.maximum(u, -term.delta), term.delta), extended)


def _residual_minorant(term: LeastSquares | Huber, u: torch.Tensor, extended: bool) -> Minorant:
    square, square_error = total(0.5 * u * u, 2)
    inner, inner_error = total(u * term.target, 2)
    constant = down(-(square + inner), square_error + inner_error + 2 * UNIT * (square + inner.abs()))
    return _exact(constant, *_adjoint(term.map, u, extended))


@minorant.register
def _(term: SquaredHinge, x: torch.Tensor, *, shrink: torch.Tensor | float = 1.0, extended: bool = False) -> Minorant:
    """u_j = -2 s_j t_j / m with t >= 0, where phi*(u) is the mean of t^2 - 2t."""
    t = term.shortfall(term.argument(x)) * shrink
    linear, linear_error = total(2 * t)
    square, square_error = total(t * t, 1)
    error = linear_error + square_error + 2 * UNIT * (linear + square)
    constant = down((linear - square) / term.rows, 1.01 * error / term.rows)
    slope, slope_error = _adjoint(term.map, -2 * term.signs * t, extended)
    slope = slope / term.rows
    return _exact(constant, slope, 1.01 * slope_error / term.rows + 2 * UNIT * slope.abs())


@minorant.register
def _(
    term: ChangedSmooth, x: torch.Tensor, *, shrink: torch.Tensor | float = 1.0, extended: bool = False
) -> Minorant | None:
    """c f(x/a + t) >= c (constant + <g, t>) + <c g/a, x>: where the two terms have no common change to go back to."""
    change = term.change
    inner = minorant(term.base, change.inward(x), shrink=shrink, extended=extended)
    if inner is None:
        return None
    scale, shift = change.scale, change.shift.expand_as(x)
    moved, moved_error = total(inner.slope * shift, 1)
    moved_error = moved_error + 1.01 * (inner.error * shift.abs()).sum(-1)
    size = inner.constant.abs() + moved.abs()
    constant = scale.reshape(-1) * down(inner.constant + moved, 1.01 * moved_error + 2 * UNIT * size)
    slope = scale * (inner.slope / change.dilation)
    error = 1.01 * scale * (inner.error / change.dilation) + 4 * UNIT * slope.abs() + TINY
    constant = down(constant, 2 * UNIT * constant.abs() + TINY)
    # Of a form that may be indefinite nothing is said: its anchor would have to be moved, rounding included.
    return _exact(torch.where(inner.deficit > 0, -torch.inf, constant), slope, error)


@minorant.register
def _(term: Logistic, x: torch.Tensor, *, shrink: torch.Tensor | float = 1.0, extended: bool = False) -> Minorant:
    """u_j = +-s_j / m with s in [0, 1] and phi*(u) = mean of s log s + (1 - s) log(1 - s).

    s is the probability of the wrong label, so that u, -s where the label is 1 and +s where it is 0, is
    exact.
    """
    sign = 1 - 2 * term.labels
    s = (torch.sigmoid(sign * term.map(x)) * shrink).clamp(0.0, 1.0)
    # Eight units a term: the logarithms (2 ulp each), 1 - s, and two products.
    first, first_error = total(torch.special.xlogy(s, s), 8)
    second, second_error = total(torch.special.xlog1py(1 - s, -s).nan_to_num(nan=0.0), 8)
    entropy = -(first + second)
    error = first_error + second_error + 4 * UNIT * entropy
    constant = down(entropy / term.rows, error / term.rows * 1.01)
    slope, slope_error = _adjoint(term.map, sign * s, extended)
    slope = slope / term.rows
    return _exact(constant, slope, 1.01 * slope_error / term.rows + 2 * UNIT * slope.abs())


@minorant.register
def _(term: QuadraticForm, x: torch.Tensor, *, shrink: torch.Tensor | float = 1.0, extended: bool = False) -> Minorant:
    """The linearisation at v = x: -1/2 v'Qv + <Qv - c, w>, less the curvature that Q may lack."""
    if extended:
        curved, curved_error = _adjoint(term.map, x, True)
    else:
        curved, curved_error = term.map(x), 1.01 * term.map.forward_error(x) + TINY
    half, half_error = total(0.5 * x * curved, 2)
    half_error = half_error + 0.51 * (x.abs() * curved_error).sum(-1)
    slope = curved - term.linear
    error = curved_error + 2 * UNIT * slope.abs()
    deficit = (-curvature_floor(term)).clamp(min=0.0)
    return Minorant(down(-half, half_error + UNIT * half.abs()), slope, error, x, deficit)


@functools.singledispatch
def nonnegative_smooth(term: SmoothTerm) -> bool:
    """Whether f >= 0 everywhere."""
    return False


@nonnegative_smooth.register(LeastSquares)
@nonnegative_smooth.register(Logistic)
@nonnegative_smooth.register(Huber)
@nonnegative_smooth.register(SquaredHinge)
@nonnegative_smooth.register(StudentT)
@nonnegative_smooth.register(Welsch)
@nonnegative_smooth.register(SigmoidLoss)
def _(term: SmoothTerm) -> bool:
    return True


def zero_minorant(x: torch.Tensor) -> Minorant:
    """f >= 0, of use for bounding the minimisers."""
    zero = torch.zeros(x.shape[0], dtype=x.dtype)
    return Minorant(zero, torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x), zero)
