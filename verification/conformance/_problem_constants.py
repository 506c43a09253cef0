"""Checks of the constants of a problem: L, mu, and convexity.

The curvatures of f at a point are looked for in all directions: a Hessian of differences of gradients in up to 64
variables, a Krylov space in more. The direction that comes out is then held against the constant itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch

from ...l2o.problems.smooth import SmoothTerm
from ..runs.inspection import as_numpy
from ._case import ProblemCase
from ._problem import direction, judge
from ._result import Finding, Status, not_applicable
from .registry import PROBLEM, register

_FULL = 64  # variables up to which all of the Hessian is taken


def _images(f: SmoothTerm, x: torch.Tensor, h: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    """(B,n) the Hessian times d, by differences of gradients."""
    return (f.gradient(x + h * d) - f.gradient(x - h * d)) / (2 * h)


def _extremes(f: SmoothTerm, x: torch.Tensor, seed: int) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
    """Two pairs of points x -+ h d, d a direction of the smallest and one of the largest curvature at x."""
    n = x.shape[-1]
    h = 1e-3 * (1 + torch.linalg.vector_norm(x, dim=-1, keepdim=True))
    if n <= _FULL:
        basis = torch.eye(n, dtype=x.dtype).expand(x.shape[0], n, n)
        images = torch.stack([_images(f, x, h, basis[:, j]) for j in range(n)], dim=-1)
    else:
        columns, products = [direction(x, seed)], []
        for _ in range(_FULL):
            products.append(_images(f, x, h, columns[-1]))
            new = products[-1]
            for _ in range(2):  # twice is enough
                for q in columns:
                    new = new - (q * new).sum(-1, keepdim=True) * q
            size = torch.linalg.vector_norm(new, dim=-1, keepdim=True)
            fits = size > 1e-10 * torch.linalg.vector_norm(products[-1], dim=-1, keepdim=True)
            columns.append(torch.where(fits, new / size.clamp(min=1e-300), direction(x, seed + len(columns))))
        basis, images = torch.stack(columns[:-1], dim=-1), torch.stack(products, dim=-1)
        basis = torch.linalg.qr(basis)[0]
        images = torch.stack([_images(f, x, h, basis[..., j]) for j in range(basis.shape[-1])], dim=-1)
    quotient = torch.nan_to_num(basis.mT @ images)
    vectors = basis @ torch.linalg.eigh((quotient + quotient.mT) / 2)[1]
    return tuple((x - h * d, x + h * d) for d in (vectors[..., 0], vectors[..., -1]))


def _points(case: ProblemCase) -> Iterator[tuple[int, torch.Tensor]]:
    """The points of the case, one to which gradient descent leads, and far ones, where a loss may be flat."""
    number = 0
    for number, x in case.points():
        yield number, x
    f, x = case.problem.smooth, torch.zeros(case.problem.batch_size, case.problem.dim, dtype=case.problem.dtype)
    for _ in range(50):
        x = x - f.gradient(x) / case.problem.smoothness.unsqueeze(-1)
    if bool(torch.isfinite(x).all()):
        yield number + 1, x
    for j in range(2):
        yield number + 2 + j, 1e4 * direction(x, case.seed + j)


@register(
    level=PROBLEM,
    asserts="||grad f(x) - grad f(y)|| <= L ||x - y|| for pairs along directions of large curvature.",
    why="Every bound has L in it, and steps of 1/L descend only if L is an upper bound. One that is too large costs "
    "speed and breaks nothing.",
    breaks="A forgotten factor (a sum taken for a mean), the norm of A for its square, too few power iterations.",
    advice="compute L as an eigenvalue and round it up; logistic regression has lambda_max(A'A)/(4m)",
    theory="B1",
)
def smoothness_upper_bound(case: ProblemCase) -> Finding:
    """At each point along the direction of the largest curvature there."""
    f, rows = case.problem.smooth, []
    for i, x in _points(case):
        for d in (_extremes(f, x, i)[1], (x, x + direction(x, i))):
            change = torch.linalg.vector_norm(f.gradient(d[1]) - f.gradient(d[0]), dim=-1)
            length = torch.linalg.vector_norm(d[1] - d[0], dim=-1)
            tolerance = f.gradient_error(d[0]) + f.gradient_error(d[1]) + f.smoothness_error * length
            rows.append((i, as_numpy(change - case.problem.smoothness * length), as_numpy(tolerance)))
    return judge(case, rows, "the gradient changes by more than L ||x - y||", "L is an upper bound")


def _monotone(case: ProblemCase, modulus: torch.Tensor) -> list[tuple[int, np.ndarray, np.ndarray]]:
    f, rows = case.problem.smooth, []
    for i, x in _points(case):
        for a, b in (_extremes(f, x, i)[0], (x, x + direction(x, i))):
            step = b - a
            length = torch.linalg.vector_norm(step, dim=-1)
            product = ((f.gradient(b) - f.gradient(a)) * step).sum(-1)
            tolerance = (f.gradient_error(a) + f.gradient_error(b)) * length + f.smoothness_error * length**2
            tolerance = tolerance + 8 * x.shape[-1] * torch.finfo(x.dtype).eps * f.smoothness * length**2
            rows.append((i, as_numpy(modulus * length**2 - product), as_numpy(tolerance)))
    return rows


@register(
    level=PROBLEM,
    asserts="<grad f(x) - grad f(y), x - y> >= mu ||x - y||^2 for pairs along directions of small curvature.",
    why="Linear rates and error bars on x* are made of mu (B9). One that is too large promises what does not happen.",
    breaks="The least eigenvalue of a matrix with more columns than rows, an eigenvalue whose rounding is not "
    "subtracted, the curvature at one point of a function that is flat elsewhere.",
    advice="round mu down, and use 0 where nothing is certain",
    theory="B9",
)
def strong_convexity_lower_bound(case: ProblemCase) -> Finding:
    """At each point along the direction of the smallest curvature there."""
    mu = case.problem.strong_convexity
    if not bool((mu > 0).any()):
        return not_applicable("mu is 0")
    return judge(case, _monotone(case, mu), "f is less convex than mu says", "mu is a lower bound")


@register(
    level=PROBLEM,
    asserts="Where the smooth term says it is convex its gradient is monotone, and r lies below its chords.",
    why="Rates and dual bounds of F* hold for convex f and r. A problem that only seems convex gets certificates that "
    "are none.",
    breaks="A quadratic form that is not positive semidefinite, a robust loss that forgot to say convex = False, a "
    "concave penalty.",
    advice="set convex = False on the smooth term; r must be convex",
    theory="B6",
)
def convex_as_declared(case: ProblemCase) -> Finding:
    """Along directions of small curvature, and at midpoints of r."""
    f, r = case.problem.smooth, case.problem.nonsmooth
    if f.convex:
        finding = judge(case, _monotone(case, torch.zeros_like(f.smoothness)), "f is not convex", "f is convex")
        if finding.status is Status.FAILED:
            return finding
    rows, points = [], list(case.domain_points())
    for (i, x), (_, y) in pairwise(points):
        middle = (x + y) / 2
        chord = (r.value(x) + r.value(y)) / 2
        tolerance = r.value_error(x) + r.value_error(y) + r.value_error(middle)
        finite = torch.isfinite(chord) & torch.isfinite(r.value(middle))
        rows.append((i, as_numpy(torch.where(finite, r.value(middle) - chord, 0.0)), as_numpy(tolerance)))
    finding = judge(case, rows, "r lies above its chord", "r is convex, and f where it says so")
    return finding
