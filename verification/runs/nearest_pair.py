"""A run in lower precision on a set, or with kinks off 0: the points and subgradients that it stands for, in float64.

Few points of a ball or a simplex are floating-point numbers, and those of a box or the kinks of c r(x/a + t) are others
in another precision. So a run that was made in float32 is off its set or kink by roundings of float32, and its g_k is a
subgradient at a point that near to x_k. The bounds speak of pairs (x_k, g_k) with g_k in the subdifferential of r at
x_k, and such pairs are judged: for s > 0,

    x = prox_{s r}(y + s v),  g = (y + s v - x)/s

is a pair for any y and v (Minty, Monotone (nonlinear) operators in Hilbert space, 1962), and since a prox does not
expand it is as near to a recorded (y, v) as that is to any pair: |x - x*| <= |y - x*| + s |v - g*| for every pair
(x*, g*). With s = |y|/|v| both parts are roundings of the size of y. A recorded pair that lies further off than the
roundings of its precision is left as it is, and found to be wrong.
"""

from __future__ import annotations

import numpy as np
import torch

from ...l2o.problems.nonsmooth import NonsmoothTerm
from ...l2o.problems.transforms import ChangedNonsmooth

_UNITS = 256.0  # roundings of the numbers handled, on top of one for each variable; the terms allow a quarter of it


def moves(term: NonsmoothTerm, eps: float) -> bool:
    """Whether the pairs of a run of precision `eps` are moved: where points of float64 are other ones than its own."""
    if term.is_zero or not term.convex:
        return False
    if not term.separable and not term.rounding_bounded:  # in every precision: nothing else tells its subgradients
        return True
    if eps <= np.finfo(np.float64).eps:
        return False
    if isinstance(term, ChangedNonsmooth):
        return term.change.dilates
    return term.is_indicator and (term.separable or term.names_subgradients)


def nearest_pair(
    term: NonsmoothTerm, x: np.ndarray, g: np.ndarray | None, eps: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """A pair (B,n) of r next to (x, g), g = None for a point of a set alone; (x, g) itself where there is none.

    `term` is r in float64, `eps` the precision that x and g were computed in.
    """
    if g is None and not term.is_indicator:  # without a subgradient there is nothing to be near to
        return x, None
    v = np.zeros_like(x) if g is None else g
    usable = np.isfinite(x).all(-1) & np.isfinite(v).all(-1)
    y, v = (np.where(usable[:, None], a, 0.0) for a in (x, v))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        size, length = np.linalg.norm(term.magnitude(torch.from_numpy(y)).numpy(), axis=-1), np.linalg.norm(v, axis=-1)
        s = size / length
        s = np.where(np.isfinite(s) & (s > 0), s, 1.0)[:, None]
        u = y + s * v
        point = term.prox(torch.from_numpy(np.where(np.isfinite(u), u, 0.0)), torch.from_numpy(s)).numpy()
        size = size + np.linalg.norm(term.magnitude(torch.from_numpy(point)).numpy(), axis=-1)
        near = usable & np.isfinite(u).all(-1)
        near &= np.linalg.norm(point - y, axis=-1) <= (_UNITS + x.shape[-1]) * eps * size
        normal = (u - point) / s
    moved = np.where(near[:, None], point, x)
    return moved, None if g is None else np.where(near[:, None], normal, g)
