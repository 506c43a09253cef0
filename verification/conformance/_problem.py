"""Checks of a problem: does it keep what it says of its gradient and its prox?

Everything is sampled at points of sizes 0.01 to 100 and at 0, so a failure is proved by its numbers, and a pass is a
measurement. The constants L and mu and the data have files of their own.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch

from ...l2o import Composite
from ...l2o.problems.smooth import SmoothTerm
from ...l2o.runs.rollout import implicit_subgradient
from ..runs.inspection import as_numpy
from ._case import ProblemCase
from ._result import Finding, failed, not_applicable, passed
from .registry import PROBLEM, register


def judge(
    case: ProblemCase, rows: list[tuple[int, np.ndarray, np.ndarray]], bad: str, good: str, **more: Any
) -> Finding:
    """`rows` are points, excesses (B,) and tolerances (B,): an excess above its tolerance fails, as does a NaN."""
    worst: dict[str, Any] = {}
    ratio = -np.inf
    for point, excess, tolerance in rows:
        excess, tolerance = np.broadcast_arrays(np.asarray(excess, float), np.asarray(tolerance, float))
        over = ~(excess <= tolerance)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(over, np.inf, np.where(excess <= 0, 0.0, excess / tolerance))
        b = int(np.argmax(share))
        numbers = {"lhs": float(excess[b]), "tolerance": float(tolerance[b]), "slack": float(tolerance[b] - excess[b])}
        place = {"instance": case.problem.name, "b": b, "point": point, **numbers, **more}
        if over.any():
            words = f"off by {place['lhs']:.3g}, rounding explains {place['tolerance']:.3g}"
            return failed(f"{bad}, instance {b}, point {point}: {words}", **place)
        if share[b] > ratio:
            ratio, worst = share[b], place
    return passed(f"{good} ({len(rows)} points)", **worst) if rows else not_applicable("there is nothing to look at")


def direction(x: torch.Tensor, seed: int) -> torch.Tensor:
    d = torch.as_tensor(np.random.default_rng(seed).standard_normal(x.shape), dtype=x.dtype)
    return d / torch.linalg.vector_norm(d, dim=-1, keepdim=True)


@register(
    level=PROBLEM,
    asserts="Differences of f along random directions are the inner products with `gradient`, up to their rounding and "
    "the second-order term.",
    why="Everything is built from the gradient: the steps, G_k, e_k, every bound. A wrong one makes every verdict a "
    "statement of another problem.",
    breaks="A wrong sign or factor, a missing 1/m, a gradient at another point than the value (the authors' public "
    "code shifts one twice).",
    advice="derive value and gradient from the same intermediate result (value_and_gradient)",
)
def gradient_matches_differences(case: ProblemCase) -> Finding:
    """The step of the difference balances rounding and curvature."""
    f, rows = case.problem.smooth, []
    for i, x in case.points():
        d = direction(x, i)
        error = f.value_error(x)
        L = 2 * torch.maximum(f.smoothness, _quotient(f, x, d))
        tiny = torch.finfo(x.dtype).tiny
        h = (torch.sqrt((error + tiny) / (L + tiny)) + 1e-8 * (1 + torch.linalg.vector_norm(x, dim=-1))).unsqueeze(-1)
        ends = x + h * d, x - h * d
        width = 2 * h.squeeze(-1)
        difference = (f.value(ends[0]) - f.value(ends[1])) / width
        slope = (f.gradient(x) * d).sum(-1)
        tolerance = (f.value_error(ends[0]) + f.value_error(ends[1])) / width + L * width / 2 + f.gradient_error(x)
        moved = torch.finfo(x.dtype).eps * torch.linalg.vector_norm(x, dim=-1)  # x + h d is rounded
        tolerance = tolerance + 4 * moved * (torch.linalg.vector_norm(f.gradient(x), dim=-1) + L * width) / width
        rows.append((i, as_numpy((difference - slope).abs()), as_numpy(tolerance)))
    return judge(case, rows, "differences of f disagree with its gradient", "differences of f agree with its gradient")


def _quotient(f: SmoothTerm, x: torch.Tensor, d: torch.Tensor) -> torch.Tensor:
    h = 1e-3 * (1 + torch.linalg.vector_norm(x, dim=-1, keepdim=True))
    return torch.linalg.vector_norm(f.gradient(x + h * d) - f.gradient(x - h * d), dim=-1) / (2 * h.squeeze(-1))


def steps(case: ProblemCase, i: int) -> torch.Tensor:
    """(B,n) steps around 1/L, all alike within an instance where r is not separable."""
    p = case.problem
    shape = (p.batch_size, p.dim) if p.nonsmooth.separable else (p.batch_size, 1)
    factor = 10.0 ** np.random.default_rng([case.seed, i, 13]).uniform(-1, 1, shape)
    return torch.as_tensor(factor, dtype=p.dtype) / p.smoothness.unsqueeze(-1)


@register(
    level=PROBLEM,
    asserts="(u - prox(u)) / step is in the subdifferential of r at prox(u), for steps that differ by variable where r "
    "is separable, and that subgradient supports r from below at other points.",
    why="This is what a prox is. One that is almost right (exact at t = 0, wrong for a shift) passes every comparison "
    "at the usual points and stalls every proximal method elsewhere.",
    breaks="The prox of the unshifted term moved by hand (the authors' public code), a step used as its inverse, a "
    "factor 2 of the squared norm, a subdifferential that belongs to another term.",
    advice="derive prox by shifting the argument: prox_{r(. + t)}(u) = prox_r(u + t) - t; Composite.shifted does it",
    theory="B1",
)
def prox_is_optimal(case: ProblemCase) -> Finding:
    """By the subdifferential and by values: nothing is compared with another implementation."""
    p, r = case.problem, case.problem.nonsmooth
    if not r.names_subgradients:
        return not_applicable("r does not name its subgradients")
    rows, values = [], []
    points = list(case.points())
    for i, u in points:
        step = steps(case, i)
        x = p.prox(u, step)
        g = implicit_subgradient(p, x, u, step.expand_as(x), torch.zeros_like(x))
        nearest = r.nearest_subgradient(x, g)
        eps = torch.finfo(x.dtype).eps
        size = torch.linalg.vector_norm(g, dim=-1) + torch.linalg.vector_norm(nearest, dim=-1)
        rows.append((i, as_numpy(torch.linalg.vector_norm(g - nearest, dim=-1)), as_numpy(64 * eps * size)))
        for _, y in points[:4]:
            y = p.prox(y, 1.0) if r.is_indicator else y
            below = r.value(x) + (nearest * (y - x)).sum(-1) - r.value(y)
            spread = (nearest.abs() * (r.magnitude(x) + r.magnitude(y))).sum(-1)
            tolerance = 2 * (r.value_error(x) + r.value_error(y)) + 64 * x.shape[-1] * eps * spread
            finite = torch.isfinite(below)
            values.append((i, as_numpy(torch.where(finite, below, 0.0)), as_numpy(torch.where(finite, tolerance, 1.0))))
    optimal = judge(case, rows, "(u - prox u)/step is not in the subdifferential", "the prox is optimal")
    if optimal.status.name == "FAILED":
        return optimal
    supports = judge(case, values, "a subgradient of r does not support r", "the subgradients support r")
    return supports if supports.status.name == "FAILED" else optimal


def _expansion(p: Composite, u: torch.Tensor, v: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B,n) the terms of ||P u - P v||^2 - <P u - P v, u - v> in the metric of the steps, and their rounding."""
    a, b = p.prox(u, step), p.prox(v, step)
    excess = (a - b) * ((a - b) - (u - v)) / step
    size = p.nonsmooth.magnitude(a) + p.nonsmooth.magnitude(b) + u.abs() + v.abs()
    unit = 64 * torch.finfo(u.dtype).eps * size
    return excess, unit * ((a - b).abs() + (u - v).abs() + unit) / step


@register(
    level=PROBLEM,
    asserts="The prox is firmly non-expansive: <P u - P v, u - v> >= ||P u - P v||^2 in the metric of the steps.",
    why="It is the one property of a prox that every convergence proof uses, and what keeps errors from growing.",
    breaks="A prox of something that is not convex (hard thresholding), a step that depends on the argument, a "
    "projection onto a set that is not convex.",
    advice="r must be convex, and the prox exact for it",
    theory="B9",
)
def prox_firmly_nonexpansive(case: ProblemCase) -> Finding:
    """Pairs of points that are far from each other and near, at many sizes; by variable where r is separable."""
    p, rows = case.problem, []
    points = list(case.points())
    for (i, u), (_, w) in pairwise(points):
        step = steps(case, i)
        scaled = ((2.0**k * w, 1.25 * 2.0**k * w) for k in range(-10, 11, 2))
        pairs = [(u, w), (u, u + 1e-3 * direction(u, i)), *scaled]
        for a, b in pairs:
            excess, tolerance = _expansion(p, a, b, step)
            if p.nonsmooth.separable:
                worst = (excess - tolerance).argmax(-1, keepdim=True)
                excess, tolerance = excess.gather(-1, worst).squeeze(-1), tolerance.gather(-1, worst).squeeze(-1)
            else:
                excess, tolerance = excess.sum(-1), tolerance.sum(-1)
            rows.append((i, as_numpy(excess), as_numpy(tolerance)))
    return judge(case, rows, "the prox is not firmly non-expansive", "the prox is firmly non-expansive")


def _rivals(p: Composite, u: torch.Tensor, x: torch.Tensor, step: torch.Tensor, seed: int) -> list[torch.Tensor]:
    """Points of the domain near to x, by many factors, and far from it: rivals of the prox x at u."""
    rng = np.random.default_rng([seed, 23])
    size = torch.maximum((u - x).abs(), 1e-3 * (u.abs() + x.abs())).amax(-1, keepdim=True) + 1e-6
    rivals = [torch.zeros_like(x), u]
    for j in range(-30, 6, 3):
        for _ in range(2):
            d = torch.as_tensor(rng.standard_normal(x.shape), dtype=x.dtype)
            d = torch.where(torch.as_tensor(rng.random(x.shape)) < 0.5, torch.zeros_like(d), d)
            rivals.append(x + 2.0**j * size * d)
        rivals.append(x + 2.0**j * (u - x))
    return rivals + [p.prox(y, step) for y in rivals] if p.nonsmooth.is_indicator else rivals


@register(
    level=PROBLEM,
    asserts="The prox belongs to the value: with x = prox(u) and any y, near or far, r(y) + ||y - u||^2/(2 step) is at "
    "least r(x) + ||x - u||^2/(2 step) + ||y - x||^2/(2 step), in the metric of the steps.",
    why="A prox and a subdifferential may agree with each other and be those of another term than the value. Then "
    "methods go to the minimiser of one problem and are judged by the objective of another.",
    breaks="The value of a smoothed term with the prox of the term itself, a factor that one of the two forgets, the "
    "prox of a lasso under an elastic net, a set whose value and projection have different radii.",
    advice="write the value first and derive the prox from it; compare prox(u) with a minimisation on a grid",
    theory="B1",
)
def value_and_prox_belong_together(case: ProblemCase) -> Finding:
    """The inequality holds for every convex r with this prox, and for no other value."""
    p, r, rows = case.problem, case.problem.nonsmooth, []
    for i, u in case.points():
        step = steps(case, i)
        x = p.prox(u, step)
        here = r.value(x)
        if not bool(torch.isfinite(here).all()):
            return failed(f"point {i}: r is not finite at prox(u)", instance=case.problem.name, point=i)
        eps = torch.finfo(x.dtype).eps
        for y in _rivals(p, u, x, step, case.seed + i):
            # ||y-u||^2 - ||x-u||^2 - ||y-x||^2 = 2 <y - x, x - u>
            product = (y - x) * (x - u) / step
            excess = here - r.value(y) - product.sum(-1)
            size = r.magnitude(x) + r.magnitude(y) + u.abs()
            rounding = (32 * eps * size * ((y - x).abs() + (x - u).abs() + eps * size) / step).sum(-1)
            tolerance = 2 * (r.value_error(x) + r.value_error(y)) + rounding
            inside = torch.isfinite(excess)
            rows.append((i, as_numpy(torch.where(inside, excess, 0.0)), as_numpy(torch.where(inside, tolerance, 1.0))))
    return judge(case, rows, "the prox is not that of the value of r", "the prox is that of the value of r")
