"""What a problem declares of f and r, held against the run: a declaration that the points contradict does not hold.

That f and r are convex, that f is smooth and strongly convex, that r is 0 or an indicator is declared by the classes of
the terms. The proofs use it between the points of the run and the comparator z, so that is where it is looked at:

    f(y) >= f(x) + <grad f(x), y - x> + (mu/2) ||y - x||^2,     r(y) >= r(x_k) + <g_k, y - x_k>

for x = x_k and y the iterates before and after it, the first, the last, and z. Besides, r is looked at along lines
through the run at all scales (`convexity`). Each inequality is granted its rounding, so a
declaration that is true is never denied; one that is false may go unnoticed where it plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ...l2o.problems import Composite
from ...l2o.runs.array_run import first_point
from .convexity import bends
from .inspection import Inspection, as_numpy, norm
from .point_inspection import PointInspection, has_points

_EPS = float(np.finfo(np.float64).eps)


def declared(problem: Composite) -> dict[str, bool]:
    """What the classes of the two terms say, by the names of `bounds.quantities.FACTS`."""
    f, r = problem.smooth, problem.nonsmooth
    return {
        "f_smooth": True,
        "f_convex": f.convex,
        "r_convex": r.convex,
        "r_zero": r.is_zero,
        "r_indicator": r.is_indicator and r.convex,
        # of a convex f the strong convexity constant is a certified lower bound, 0 where nothing is known
        "strongly_convex": f.convex,
        "polyak_lojasiewicz": f.convex,
    }


def facts(inspection: Inspection, z: np.ndarray | None) -> dict[str, bool | np.ndarray]:
    """What is declared and not contradicted, a bool or (B,); `z` (B,n) is the comparator, None where there is none."""
    holds: dict[str, bool | np.ndarray] = dict(declared(inspection.problem))
    if has_points(inspection):
        with np.errstate(over="ignore", invalid="ignore"):
            contradicted = _contradicted(inspection, z)
        return {name: value & ~contradicted[name] for name, value in holds.items()}
    if holds["r_convex"]:  # scalars have two points to look from
        run = inspection.run
        ends = as_numpy(first_point(run)), as_numpy(run.x_final)
        holds["r_convex"] = not bends(inspection.problem.nonsmooth, *ends).any()
    return holds


def _contradicted(inspection: PointInspection, z: np.ndarray | None) -> dict[str, np.ndarray]:
    """(B,) by name: where the points of the run contradict what may be declared."""
    problem, x, g = inspection.problem, inspection.x, inspection.subgradient
    mu = as_numpy(problem.strong_convexity)[:, None]
    r, error = inspection.nonsmooth_value, inspection.objective_error
    f = inspection.objective - r
    slopes = np.concatenate([inspection.gradient, inspection.end_gradient[:, None]], axis=1)
    off = np.concatenate([inspection.gradient_error, inspection.end_gradient_error[:, None]], axis=1)
    here, size, sums = inspection.alive & inspection.in_domain, norm(x), _EPS * (x.shape[-1] + 4)
    # Sets that are met within rounding only have slacks of their own in the inequality of r, which is 0 = 0 on them.
    judged = here[:, 1:] & inspection.named & (problem.nonsmooth.separable or not problem.nonsmooth.is_indicator)
    f_bent, f_flat, r_bent = (np.zeros(len(x), dtype=bool) for _ in range(3))
    for other in _others(inspection, z, f):
        step = other.x - x
        length, reach = norm(step), sums * (size + norm(other.x))  # of y - x, and of its rounding
        blur = 1.01 * (error + other.error) + 4 * _EPS * (np.abs(f) + np.abs(other.f) + np.abs(r) + np.abs(other.r))
        spare = other.f - f - (slopes * step).sum(-1) + blur + off * length + norm(slopes) * (reach + sums * length)
        both = here & other.usable
        f_bent |= (both & (spare < 0)).any(1)
        f_flat |= (both & (spare < 0.499 * mu * (length - reach).clip(min=0.0) ** 2)).any(1)
        if problem.nonsmooth.is_zero:
            gap = f - other.f - blur  # at most f(x) - inf f
            steep = (norm(slopes) + off) ** 2
            f_flat |= (both & (1.001 * steep < 2 * mu * gap)).any(1)
        spare = (other.r - r)[:, 1:] - (g * step[:, 1:]).sum(-1)
        spare = spare + blur[:, 1:] + norm(g) * (reach + sums * length)[:, 1:]
        r_bent |= (judged & other.usable[:, 1:] & (spare < 0)).any(1)
    # Convexity is declared of all instances at once.
    r_bent[:] = r_bent.any() or bends(problem.nonsmooth, x[:, 0], _last_inside(inspection)).any()
    f_bent[:] = f_bent.any()
    nonzero = (here & (r != 0)).any(1)
    smooth = next(c for c in inspection.checks if c.name == "smoothness").holds.all(1)
    return {
        "f_smooth": ~smooth,
        "f_convex": f_bent,
        "strongly_convex": f_bent | f_flat,
        "polyak_lojasiewicz": f_bent | f_flat,
        "r_convex": r_bent,
        "r_zero": nonzero | (g != 0).any((1, 2)),
        "r_indicator": nonzero | r_bent,
    }


@dataclass(frozen=True)
class _Others:
    """A point y for each x_k: y (B,K+1,n), f, r, a bound on the errors of their sum, and where they may be used."""

    x: np.ndarray
    f: np.ndarray
    r: np.ndarray
    error: np.ndarray
    usable: np.ndarray


def _others(inspection: PointInspection, z: np.ndarray | None, f: np.ndarray) -> Iterator[_Others]:
    x, r, error = inspection.x, inspection.nonsmooth_value, inspection.objective_error
    here, steps = inspection.alive & inspection.in_domain, x.shape[1]
    k = np.arange(steps)
    for index in (np.maximum(k - 1, 0), np.minimum(k + 1, steps - 1), np.zeros_like(k), np.full_like(k, steps - 1)):
        yield _Others(x[:, index], f[:, index], r[:, index], error[:, index], here[:, index])
    if z is not None:
        problem, point = inspection.problem, torch.from_numpy(np.array(z, dtype=np.float64))
        values = [as_numpy(v) for v in (problem.smooth.value(point), problem.nonsmooth.value(point))]
        inside = np.isfinite(values[1])
        columns = [np.where(inside, v, 0.0)[:, None] for v in (*values, as_numpy(problem.objective_error(point)))]
        f_z, r_z, off = (np.broadcast_to(column, r.shape) for column in columns)
        yield _Others(z[:, None], f_z, r_z, off, np.broadcast_to(inside[:, None], r.shape))


def _last_inside(inspection: PointInspection) -> np.ndarray:
    """(B,n) the last point at which F is finite."""
    inside = inspection.alive & inspection.in_domain
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(1)
    return inspection.x[np.arange(len(last)), last]
