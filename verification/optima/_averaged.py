r"""The averaged minorant of a run, with its rounding: the inequality behind every run certificate (B15).

For convex, L-smooth f, points x_i with f_i, g_i = grad f(x_i), and weights a_i >= 0 with sum a = 1 and s = sum a_i g_i,

    f(z) >= sum a_i (f_i - <g_i, x_i>) + <s, z> + (1/2L) sum a_i ||g_i - s||^2      for every z,

the average of f(z) >= f_i + <g_i, z - x_i> + ||grad f(z) - g_i||^2/(2L) with the least value that it has for any
grad f(z). Where grad f(z) = 0 is known, the last sum is that of ||g_i||^2 instead.

Weights are multiples of 2^-52 whose integers sum to 2^52, so that they sum to 1 exactly. What is computed of f and of
its gradient is off by at most `value_error` and `gradient_error`; sums are bounded as in `l2o.rounding`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...l2o import rounding
from ...l2o.problems.smooth import SmoothTerm
from ._directed import ROOT_TINY, TINY, UNIT, down, up
from ._minorants import Minorant

WHOLE = 2**52
"""What the integers of the weights sum to."""


def exact_weights(a: torch.Tensor, kind: torch.Tensor) -> np.ndarray:
    """(B,N) weights as integers that sum to 2^52 in each of the k simplices of `kind` (B,N,k)."""
    numbers = np.rint(a.numpy() * WHOLE).astype(np.int64)
    for k in range(kind.shape[-1]):
        mine = kind[..., k].numpy() > 0
        for row, here in zip(numbers, mine):
            if here.any():
                place = int(np.where(here, row, -1).argmax())
                row[place] += WHOLE - int(row[here].sum())
    return numbers


def upper_smoothness(f: SmoothTerm) -> torch.Tensor:
    """(B,) a number >= L, by so much that arithmetic of finite precision can confirm it."""
    return up(f.smoothness, f.smoothness_error) * (1 + 2.0**-30)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """f and its gradient at N points of each of B instances, as computed, with bounds on the errors.

    x, gradient (B,N,n); value, value_error, gradient_error (B,N), the last one of the 2-norm. Errors are inf where
    nothing was asked, and such points must have no weight.
    """

    x: torch.Tensor
    value: torch.Tensor
    gradient: torch.Tensor
    value_error: torch.Tensor
    gradient_error: torch.Tensor
    deficit: torch.Tensor  # (B,) c >= 0 with f + c/2 ||.||^2 convex; the errors are those of this sum


def _length(v: torch.Tensor) -> torch.Tensor:
    """Upper bound of the 2-norm over the last axis."""
    return torch.linalg.vector_norm(v, dim=-1) * (1 + (v.shape[-1] + 8) * UNIT) + ROOT_TINY


def _least(v: torch.Tensor, error: torch.Tensor) -> torch.Tensor:
    """Lower bound of the 2-norm of a vector within `error` of v."""
    size = torch.linalg.vector_norm(v, dim=-1) * (1 - (v.shape[-1] + 8) * UNIT)
    return (size - (1 + 8 * UNIT) * error).clamp(min=0.0)


@dataclass(frozen=True, eq=False)
class Averaged:
    """f(z) >= constant + <g, z - origin> for all z and some g within `error` (B,n) and `radius` (B,) of `slope`.

    `error` bounds the entries, `radius` the 2-norm. Less deficit/2 ||z||^2 where f is only nearly convex.
    """

    constant: torch.Tensor
    slope: torch.Tensor
    error: torch.Tensor
    radius: torch.Tensor
    deficit: torch.Tensor

    def minorant(self) -> Minorant:
        """The same for the other certificates, where the origin is 0."""
        zero = torch.zeros_like(self.slope)
        return Minorant(self.constant, self.slope, self.error, zero, self.deficit)


def average(
    points: Evaluated, weights: torch.Tensor, smoothness: torch.Tensor, origin: torch.Tensor, *, at_rest: bool
) -> Averaged:
    """The minorant of weights (B,N), seen from `origin` (B,n); `at_rest`: at points with grad f = 0 only."""
    count, n = weights.shape[1], points.x.shape[-1]
    used = weights > 0
    a = weights.unsqueeze(-1)
    value_error = torch.where(used, points.value_error, 0.0)
    gradient_error = torch.where(used, points.gradient_error, 0.0)
    step = points.x - origin.unsqueeze(1)  # rounded once, which two of the spare units of gamma are for
    products = points.gradient * step
    dot, dot_size = products.sum(-1), products.abs().sum(-1)
    dot_error = rounding.gamma(n + 2, dot.dtype) * dot_size + gradient_error * _length(step) * (1 + 4 * UNIT) + n * TINY
    terms = points.value - dot
    error = value_error + dot_error + 2 * UNIT * (points.value.abs() + dot.abs())
    terms, error = torch.where(used, terms, 0.0), torch.where(used, error, 0.0)
    constant = (weights * terms).sum(-1)
    off = (weights * error).sum(-1) + rounding.gamma(count + 2, dot.dtype) * (weights * terms.abs()).sum(-1)
    slope = (a * points.gradient).sum(1)
    entries = rounding.gamma(count + 2, dot.dtype) * (a * points.gradient.abs()).sum(1) + TINY
    gradient_radius = (weights * gradient_error).sum(-1) * (1 + (count + 8) * UNIT)
    radius = (_length(entries) + gradient_radius) * (1 + 4 * UNIT)
    away = points.gradient if at_rest else points.gradient - slope.unsqueeze(1)
    blur = gradient_error if at_rest else gradient_error + radius.unsqueeze(1) + 2 * UNIT * _length(away)
    squares = torch.where(used, weights * _least(away, blur) ** 2, 0.0).sum(-1)
    spread = down(squares / (2 * smoothness), (count + 16) * UNIT * squares / smoothness)
    total = down(constant + spread, 1.01 * off + 4 * UNIT * (constant.abs() + spread.abs()) + TINY)
    return Averaged(total, slope, (entries + gradient_radius.unsqueeze(-1)) * (1 + 4 * UNIT), radius, points.deficit)


def over_ball(
    average: Averaged, added: torch.Tensor, center: torch.Tensor, reach: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B,) lower bound of constant + <g + u, z - origin> over ||z - center|| <= reach, where the origin is the center.

    u = `added` (B,n) is exact. The second result is the upper bound of ||g + u|| that was used.
    """
    slope = average.slope + added
    size = (_length(slope) + 2 * UNIT * _length(slope) + average.radius) * (1 + 4 * UNIT)
    far = _length(center) + reach
    loss = reach * size + torch.where(average.deficit > 0, 0.5 * average.deficit * far * far, 0.0)
    return down(average.constant - loss, 4 * UNIT * (average.constant.abs() + loss) + TINY), size
