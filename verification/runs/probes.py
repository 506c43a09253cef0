"""What a problem of a user's own declares, looked at where the run begins and ends, before any bound is blamed.

A wrong L, a gradient of another function and a prox of another term make true bounds come out violated. Each of them is
contradicted by two evaluations, rounding granted:

- f and grad f: they are the same at a point whatever was asked before, which a gradient kept from another point is not;
- L: two points whose gradients differ by more than L times their distance (power iteration finds such points);
- grad f: |f(x + d) - f(x) - <grad f(x), d>| <= L ||d||^2/2 for every d, along grad f itself and along random lines;
- prox: r(p) + ||p - u||^2/(2s) <= r(y) + ||y - u||^2/(2s) for p = prox_s(u) and every y, near and far.

The terms of this package are tested for all of this once and for all; they are not looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ...l2o.problems import Composite, largest_curvature
from ...l2o.problems.nonsmooth import NonsmoothTerm
from ...l2o.problems.smooth import SmoothTerm

_PACKAGE = __name__.partition(".verification.")[0]
Claim = tuple[str, np.ndarray, np.ndarray, str]


def of_the_user(term: SmoothTerm | NonsmoothTerm) -> bool:
    """Whether the term, without its change of variables, is made of functions or of a class from elsewhere."""
    base = getattr(term, "base", term)
    return not (base.rounding_bounded and type(base).__module__.startswith(f"{_PACKAGE}."))


def probes(problem: Composite, ends: tuple[np.ndarray, np.ndarray]) -> Iterator[Claim]:
    """Name, (B,) excess, (B,) what is allowed, and the claim in words; `ends` are x_0 and x_K, (B,n) each."""
    points = [torch.from_numpy(np.where(np.isfinite(x).all(1, keepdims=True), x, 0.0)) for x in ends]
    smooth, nonsmooth = (of_the_user(term) for term in (problem.smooth, problem.nonsmooth))
    with torch.no_grad():
        if smooth:
            off = torch.stack([_unsteady(problem.smooth, x, y) for x, y in (points, points[::-1])])
            yield (
                "same gradient",
                off.amax(0).numpy(),
                np.zeros(len(off[0])),
                "f and grad f at x_0 and x_K do not depend on what was asked before; if they do, the term keeps a "
                "value or a gradient of another point",
            )
            seen = torch.stack([largest_curvature(problem.smooth, x, start=points[1] - points[0]) for x in points])
            L = problem.smoothness + problem.smooth.smoothness_error
            curvature = seen.amax(0)
            yield (
                "curvature",
                curvature.numpy(),
                L.numpy(),
                "grad f changes by at most L ||x - y|| near x_0 and x_K; if not, the declared L is too small",
            )
            off = torch.stack([_mismatch(problem.smooth, x, torch.maximum(L, 1.1 * curvature)) for x in points])
            yield (
                "gradient of f",
                off.amax(0).numpy(),
                np.zeros(len(off[0])),
                "f changes along lines as grad f says, near x_0 and x_K; if not, the gradient is not that of f",
            )
        if nonsmooth and not problem.nonsmooth.is_zero:
            off = torch.stack([_not_minimal(problem, x, points) for x in points])
            yield (
                "prox",
                off.amax(0).numpy(),
                np.zeros(len(off[0])),
                "prox(u) minimises r(x) + ||x - u||^2/(2 step) among the points tried; if not, prox and value belong "
                "to different terms",
            )


def _unsteady(f: SmoothTerm, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """(B,) by how much value or gradient at x change after another point was asked about."""
    f.value_and_gradient(x)  # what is kept of a point before must not stand in for x
    value, gradient = f.value_and_gradient(x)
    f.value_and_gradient(other)
    again, anew = f.value_and_gradient(x)
    rounding = f.evaluated(x)
    off = (again - value).abs() - 2 * rounding.value_error
    turned = torch.linalg.vector_norm(anew - gradient, dim=-1) - 2 * rounding.gradient_error
    return torch.maximum(off, turned).nan_to_num(nan=0.0, posinf=0.0).clamp(min=0.0)


def _mismatch(f: SmoothTerm, x: torch.Tensor, L: torch.Tensor) -> torch.Tensor:
    """(B,) by how much f changes otherwise along lines than grad f and L allow."""
    here = f.evaluated(x)
    value, gradient, error, off = here.value, here.gradient, here.value_error, here.gradient_error
    generator, worst = torch.Generator().manual_seed(0), torch.zeros_like(value)
    eps = torch.finfo(x.dtype).eps
    for direction in (gradient, *(torch.randn(x.shape, generator=generator, dtype=x.dtype) for _ in range(3))):
        length = torch.linalg.vector_norm(direction, dim=-1)
        unit = direction / torch.where(length > 0, length, 1.0).unsqueeze(-1)
        # as short as the rounding of f allows, so that L ||d||^2/2 is small beside what a wrong gradient changes
        reach = (4 * (error + eps * value.abs()) / L).sqrt() + 64 * eps * torch.linalg.vector_norm(x, dim=-1)
        for factor in (-64.0, -1.0, 1.0, 64.0):
            y = x + (factor * reach).unsqueeze(-1) * unit
            d = y - x
            step = torch.linalg.vector_norm(d, dim=-1)
            there = f.evaluated(y)
            allowed = 0.5 * L * step**2 + off * step + error + there.value_error
            allowed = allowed + 8 * eps * (value.abs() + (gradient * d).abs().sum(-1))
            excess = (there.value - value - (gradient * d).sum(-1)).abs() - 1.01 * allowed
            worst = torch.maximum(worst, torch.where(torch.isfinite(excess), excess, 0.0))
    return worst


def _not_minimal(problem: Composite, x: torch.Tensor, others: list[torch.Tensor]) -> torch.Tensor:
    """(B,) by how much the prox of a gradient step from x fails to be a minimiser."""
    r, step = problem.nonsmooth, 1 / problem.smoothness.unsqueeze(-1)
    u = x - step * problem.smooth.gradient(x)
    u = torch.where(torch.isfinite(u), u, 0.0)
    p = r.prox(u, step)
    eps, s = torch.finfo(x.dtype).eps, step.squeeze(-1)

    def penalised(y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        distance = ((y - u) ** 2).sum(-1) / (2 * s)
        size = distance + ((y - u).abs() * (y.abs() + u.abs())).sum(-1) / s
        return r.value(y) + distance, r.value_error(y) + (8 + x.shape[-1]) * eps * size

    best, error = penalised(p)
    worst = torch.where(torch.isfinite(best), 0.0, torch.inf)
    generator = torch.Generator().manual_seed(0)
    size = (u - p).abs().amax(-1, keepdim=True) + 1e-3 * (1 + u.abs().amax(-1, keepdim=True))
    rivals = [torch.zeros_like(p), u, *others]
    for j in range(-20, 2, 2):
        noise = torch.randn(p.shape, generator=generator, dtype=p.dtype)
        rivals += [p + 2.0**j * (u - p), p - 2.0**j * (u - p), p + 2.0**j * size * noise, p * (1 + 2.0**j)]
    for y in rivals + ([r.prox(y, step) for y in rivals] if r.is_indicator else []):
        value, off = penalised(y)
        excess = best - value - 1.01 * (error + off)
        worst = torch.maximum(worst, torch.where(torch.isfinite(value) & torch.isfinite(excess), excess, 0.0))
    return worst
