"""Convex quadratics over the unit simplex: phi(a) = c'a + w/2 ||M'a - z||^2 with a >= 0, sum a = 1.

Interpolating functions, maxima of affine functions and projections onto polytopes all come down to this program. It
is solved by an active-set method in the manner of Wolfe (Finding the nearest point in a polytope, 1976): phi is
minimised on the face of the points in use, points whose weight reaches 0 leave it, and the point of least slope
enters. Slopes are computed in extended precision, where the platform has it, so that a repeated step on the same face
is a step of iterative refinement; each step solves its equations by a singular value decomposition, so affinely
dependent and repeated points are no special case.

For the minimiser a* and the gap g = max_i <grad phi(a), a - e_i>,

    phi(a) - phi(a*) <= g   and   w ||M'(a - a*)||^2 <= g,

since phi(a*) = phi(a) - <grad phi(a), a - a*> + w/2 ||M'(a - a*)||^2 and phi(a) >= phi(a*) + w/2 ||M'(a - a*)||^2.
An error e of the computed residual M'a - z changes the slopes by w M e, hence <grad phi(a), a - a*> by at most
w ||e|| ||M'(a - a*)||: with the gap g of the computed slopes, ||M'(a - a*)|| <= ||e|| + sqrt(g/w).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EXTENDED = np.longdouble  # 64 bits of significand on x86, at least float64 everywhere
UNIT = float(np.finfo(EXTENDED).eps)
_PATIENCE = 6  # steps without progress after which rounding has the last word


@dataclass(frozen=True)
class Minimum:
    """A minimiser of phi and what is certain about it; arrays in extended precision."""

    weights: np.ndarray  # (P,) a
    residual: np.ndarray  # (n,) M'a - z
    value: np.floating  # phi(a)
    value_error: float  # bound on |value - phi(a*)|
    residual_error: float  # bound on the 2-norm of `residual` less M'a* - z


@dataclass(frozen=True)
class _Point:
    """Weights with phi, its slopes and what they carry of rounding."""

    weights: np.ndarray
    residual: np.ndarray
    slopes: np.ndarray
    value: np.floating
    gap: np.floating  # max_i <slopes, a - e_i>
    blur: np.ndarray  # (P,) bounds on the rounding of `slopes` as a function of `residual`
    spread: np.ndarray  # (n,) bounds on the rounding of `residual`


def minimise(points: np.ndarray, costs: np.ndarray, weight: float, target: np.ndarray) -> Minimum:
    """The minimiser over the simplex of costs'a + weight/2 ||points'a - target||^2.

    `points` (P,n), `costs` (P,), `weight` > 0, `target` (n,), all finite.
    """
    p = points.astype(EXTENDED) - target.astype(EXTENDED)
    c, w = costs.astype(EXTENDED), EXTENDED(weight)
    a = np.zeros(len(p), EXTENDED)
    a[np.argmin(c + 0.5 * w * (p * p).sum(-1))] = 1
    best = at = _evaluate(p, c, w, a)
    least, idle = at.value, 0
    for _ in range(100 + 20 * len(p)):
        if at.gap <= UNIT * abs(at.weights @ at.slopes) or idle > _PATIENCE:
            break
        at = _evaluate(p, c, w, _advance(p, w, at))
        best = at if at.gap < best.gap else best
        idle = 0 if at.value < least else idle + 1
        least = min(least, at.value)
    gap = best.weights @ (best.slopes + best.blur - (best.slopes - best.blur).min())
    rounding = np.sqrt((best.spread**2).sum())
    distance = rounding + np.sqrt(max(gap, 0) / w)
    value_rounding = best.weights @ best.blur + w * (np.abs(best.residual) @ best.spread + rounding**2)
    safe = 1 + 1e-12  # for the rounding of the bounds themselves
    return Minimum(
        weights=best.weights,
        residual=best.residual,
        value=best.value,
        value_error=float(gap + w * rounding * distance + value_rounding) * safe,
        residual_error=float(distance + rounding) * safe,
    )


def _evaluate(p: np.ndarray, c: np.ndarray, w: np.floating, a: np.ndarray) -> _Point:
    residual = a @ p
    slopes = c + w * (p @ residual)
    spread = (p.shape[0] + 8) * UNIT * (a @ np.abs(p))
    blur = (p.shape[1] + 8) * UNIT * (np.abs(c) + w * (np.abs(p) @ np.abs(residual)))
    value = a @ c + 0.5 * w * (residual @ residual)
    return _Point(a, residual, slopes, value, a @ (slopes - slopes.min()), blur, spread)


def _advance(p: np.ndarray, w: np.floating, at: _Point) -> np.ndarray:
    """The next weights: a step on the face in use, or on the one with the point of least slope added to it."""
    used = np.flatnonzero(at.weights > 0)
    on_face = at.weights @ (at.slopes - at.slopes[used].min())
    if on_face >= 0.5 * at.gap:  # most of what is to be gained is on this face
        return _along(at.weights, *_face_direction(p, w, at, used))
    entering = int(np.argmin(at.slopes))
    direction, longest = _face_direction(p, w, at, np.append(used, entering))
    if direction[entering] <= 0:  # rounding: go straight to the vertex, as far as phi falls
        direction = -at.weights
        direction[entering] += 1
        moved = direction @ p
        longest = float(min(EXTENDED(1), at.gap / (w * (moved @ moved)))) if moved.any() else 1.0
    return _along(at.weights, direction, longest)


def _face_direction(p: np.ndarray, w: np.floating, at: _Point, face: np.ndarray) -> tuple[np.ndarray, float]:
    """The direction (P,) to the minimiser on the affine hull of the face, and how far to go at most.

    Where phi is linear and falls along directions that leave M'a as it is, it is such a direction, without end.
    """
    direction = np.zeros_like(at.weights)
    anchor = face[np.argmax(at.weights[face])]
    others = face[face != anchor]
    if not len(others):
        return direction, 1.0
    edges = (p[others] - p[anchor]).astype(np.float64)
    slopes = (at.slopes[others] - at.slopes[anchor]).astype(np.float64)
    u, s, _ = np.linalg.svd(edges, full_matrices=False)
    independent = s > s[0] * max(edges.shape) * np.finfo(np.float64).eps
    u, s = u[:, independent], s[independent]
    flat = slopes - u @ (u.T @ slopes)
    flat -= u @ (u.T @ flat)
    if np.linalg.norm(flat) > 0.5 * np.linalg.norm(slopes):
        step, longest = -flat / np.abs(flat).max(), np.inf
    else:
        # Divided one by one, for the square of a small singular value may underflow.
        step, longest = -(u @ ((u.T @ slopes) / s / s)) / float(w), 1.0
    direction[others] = step
    direction[anchor] = -direction[others].sum()
    return direction, longest


def _along(a: np.ndarray, direction: np.ndarray, longest: float) -> np.ndarray:
    """a + t direction with the greatest t <= longest that leaves no weight negative."""
    falling = np.flatnonzero(direction < 0)
    if not len(falling):
        return a
    limits = a[falling] / -direction[falling]
    first = int(np.argmin(limits))
    t = min(limits[first], longest)
    moved = np.maximum(a + t * direction, 0)
    if limits[first] <= longest:
        moved[falling[first]] = 0
    return moved / moved.sum()
