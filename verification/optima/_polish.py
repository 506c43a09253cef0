"""Active-set Newton: from an approximate minimiser to one that is exact up to rounding.

On the face of r that a point lies on (signs fixed for l1, bounds fixed for boxes) F is smooth; Newton's
method solves it there, exactly in one step where f is quadratic, and further steps refine the rounding. Steps
stop at the first kink or bound in their way, whose variable is fixed; fixed variables that the optimality
conditions do not hold are freed. The result need not be trusted: it counts only if its certified interval is
better. On the groups of a group l1 norm it is the same without changes of the face.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.linalg import LinAlgError
from scipy.linalg import cho_factor, cho_solve

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import GroupL1
from ._local import Array, LocalSeparable, LocalSmooth, local_separable, local_smooth
from ._terms import row

ROUNDS = 60


def polish(p: Composite, x: torch.Tensor) -> torch.Tensor:
    """(B,n) -> (B,n), each instance polished from its point; terms without a local form are left alone."""
    rows = [row.numpy() for row in x]
    for b in range(p.batch_size):
        f, r = local_smooth(p.smooth, b), local_separable(p.nonsmooth, b, p.dim)
        if f is not None and r is not None:
            rows[b] = polish_instance(f, r, rows[b])
        elif f is not None and isinstance(p.nonsmooth, GroupL1):
            rows[b] = polish_groups(f, p.nonsmooth, b, rows[b])
    return torch.from_numpy(np.stack(rows))


@np.errstate(over="ignore", invalid="ignore")  # steps that overflow are refused, not reported
def polish_instance(f: LocalSmooth, r: LocalSeparable, x: Array, rounds: int = ROUNDS) -> Array:
    """(n,) -> (n,), of the visited points the one that violates the optimality conditions least."""
    x = np.clip(np.array(x), r.lower, r.upper)
    value = f.value(x) + r.value(x)
    best, least = x, np.inf
    factored: tuple[Array, Array] | None = None
    stalled = 0
    for _ in range(rounds):
        gradient = f.gradient(x) + r.ridge * x
        free, sign, violation = _face(r, x, gradient)
        # Newton at least halves a violation until rounding is reached; no progress twice means done.
        noise = 1e-10 * (np.abs(gradient).max(initial=0.0) + r.lam)
        stalled = stalled + 1 if violation > 0.5 * least and violation <= noise else 0
        if violation < least:
            best, least = x, violation
        if violation == 0.0 or stalled == 2 or not free.any():
            break
        index = np.flatnonzero(free)
        if f.quadratic and factored is not None and np.array_equal(factored[0], index):
            hessian = factored[1]
        else:
            hessian = f.hessian(x, index)
            factored = (index, hessian)
        moved = _step(f, r, x, value, index, hessian, gradient[index] + r.lam * sign[index], sign)
        if moved is None:
            break
        x, value = moved
    return best


def _face(r: LocalSeparable, x: Array, gradient: Array) -> tuple[Array, Array, float]:
    """Free variables (mask), the sign of each for the l1 slope, and the largest violation of optimality."""
    sign = np.sign(x)
    if r.lam > 0:
        kink = x == 0
        residual = np.where(kink, np.maximum(np.abs(gradient) - r.lam, 0.0), np.abs(gradient + r.lam * sign))
        leaving = kink & (residual > 1e-13 * (r.lam + np.abs(gradient)))
        sign = np.where(leaving, -np.sign(gradient), sign)
        free = ~kink | leaving
    else:
        at_lower, at_upper = x <= r.lower, x >= r.upper
        held = (at_lower & (gradient >= 0)) | (at_upper & (gradient <= 0))
        residual = np.where(held, 0.0, np.abs(gradient))
        free = ~held & (r.lower < r.upper)
        residual = np.where(r.lower < r.upper, residual, 0.0)
    return free, sign, float(residual.max(initial=0.0))


def _newton(hessian: Array, ridge: float, slope: Array) -> Array:
    matrix = hessian + ridge * np.eye(len(slope)) if ridge else hessian
    try:
        direction = -cho_solve(cho_factor(matrix, check_finite=False), slope, check_finite=False)
        if np.isfinite(direction).all() and direction @ slope < 0:
            return direction
    except LinAlgError:
        pass  # singular or indefinite by rounding: the least-norm step below
    damping = 1e-14 * max(float(np.trace(matrix)) / len(slope), np.finfo(float).tiny)
    try:
        values, vectors = np.linalg.eigh(matrix)
    except LinAlgError:
        return np.zeros_like(slope)  # entries that overflowed: there is no step to take
    nonzero = values > damping * len(slope)
    along = vectors.T @ slope
    return -(vectors[:, nonzero] @ (along[nonzero] / values[nonzero]))


def _step(
    f: LocalSmooth,
    r: LocalSeparable,
    x: Array,
    value: float,
    index: Array,
    hessian: Array,
    slope: Array,
    sign: Array,
) -> tuple[Array, float] | None:
    """A Newton step over the variables `index`: projected if that lowers F, else to its first obstacle."""
    here, signs = x[index], sign[index]
    direction = _newton(hessian, r.ridge, slope)
    if not np.isfinite(direction).all() or not direction.any():
        return None
    noise = 4 * np.finfo(float).eps * abs(value)
    low = np.where(signs > 0, 0.0, -np.inf) if r.lam > 0 else r.lower[index]
    high = np.where(signs < 0, 0.0, np.inf) if r.lam > 0 else r.upper[index]
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(direction > 0, (high - here) / direction, (low - here) / direction)
    reach = np.where(direction == 0, np.inf, reach)
    first = float(reach.min(initial=np.inf))
    if first <= 0:  # a freed variable would leave at once on the wrong side: keep it fixed this time
        keep = reach > 0
        if not keep.any():
            return None
        block = hessian[np.ix_(keep, keep)]
        return _step(f, r, x, value, index[keep], block, slope[keep], sign)
    for length in (1.0, min(first, 1.0), *(min(first, 1.0) * 0.5**k for k in range(1, 12))):
        new = x.copy()
        new[index] = np.clip(here + length * direction, low, high)
        if length == first:
            new[index[reach == first]] = np.where(direction > 0, high, low)[reach == first]
        new_value = f.value(new) + r.value(new)
        if np.isfinite(new_value) and new_value <= value + noise:
            return new, new_value
    return None


@np.errstate(over="ignore", invalid="ignore")
def polish_groups(f: LocalSmooth, term: GroupL1, b: int, x: Array, rounds: int = ROUNDS) -> Array:
    """(n,) -> (n,): Newton on the groups that differ from their center, where F is smooth; the others stay there."""
    lam, groups = float(row(term.lam, b)[0]), term.groups.numpy()
    center = np.broadcast_to(row(term.center, b), x.shape)

    def lengths(v: Array) -> Array:
        return np.sqrt(np.bincount(groups, v * v, term.count))[groups]

    def objective(x: Array) -> float:
        return f.value(x) + lam * float(np.sqrt(np.bincount(groups, (x - center) ** 2, term.count)).sum())

    free = np.flatnonzero(lengths(x - center) > 0)
    same = groups[free][:, None] == groups[free]
    best, least = x, np.inf
    for _ in range(rounds if len(free) else 0):
        away = lengths(x - center)[free]
        outward = (x - center)[free] / away
        slope = f.gradient(x)[free] + lam * outward
        violation = float(np.abs(slope).max())
        if not violation < least:
            break
        best, least = x, violation
        bend = same * (np.eye(len(free)) - np.outer(outward, outward)) * (lam / away)
        new = x.copy()
        new[free] = x[free] + _newton(f.hessian(x, free) + bend, 0.0, slope)
        noise = 4 * np.finfo(float).eps * abs(objective(x))
        if not (objective(new) <= objective(x) + noise and (lengths(new - center)[free] > 0).all()):
            break
        x = new
    return best
