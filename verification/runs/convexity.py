"""Whether a term that is declared convex is seen not to be: along lines, the graph lies below its chords.

A few lines are looked at, at points from 1e-6 to 1e6 times the size of the points given, each inequality being granted
its rounding. So a convex term is never denied, while one that is not may go unnoticed.
"""

from __future__ import annotations

import numpy as np
import torch

from ...l2o import InputError
from ...l2o.problems.nonsmooth import NonsmoothTerm
from ...l2o.problems.transforms import ChangedNonsmooth

_EPS = float(np.finfo(np.float64).eps)
_SCALES = 10.0 ** np.arange(-6, 6.5, 0.5)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def bends(term: NonsmoothTerm, first: np.ndarray, base: np.ndarray) -> np.ndarray:
    """(B,) whether r lies above a chord of its graph, on lines through 0 and `base` and from there to `first` (B,n)."""
    first, base = (np.where(np.isfinite(point), point, 0.0) for point in (first, base))
    if isinstance(term, ChangedNonsmooth):  # as convex as what it is made of, whose kinks are near 0
        first, base = (_array(term.change.inward(torch.from_numpy(point))) for point in (first, base))
        return bends(term.base, first, base)
    size = np.maximum(np.abs(first), np.abs(base)).max(1)
    size = np.where((size > 0) & (size < 1e100), size, 1.0)
    t = np.concatenate([-_SCALES[::-1], [0.0], _SCALES])
    bent = np.zeros(len(base), dtype=bool)
    ones = np.ones_like(base)
    with np.errstate(over="ignore", invalid="ignore"):
        for start, direction in ((base, ones), (0 * base, ones), (base, first - base)):
            longest = np.abs(direction).max(1)
            unit = direction * (size / longest.clip(1e-300))[:, None]
            bent |= _above_chord(term, t, start + t[:, None, None] * unit, longest > 0)
    return bent


def _above_chord(term: NonsmoothTerm, t: np.ndarray, points: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """(B,) whether r at one of the points (T,B,n) of a line, at t, exceeds the chord between its neighbours."""
    tensors = [torch.from_numpy(np.ascontiguousarray(p)) for p in points]
    error = np.stack([_array(term.value_error(p)) for p in tensors])
    if term.separable:  # the line is of the coordinates themselves, which are exact numbers
        values, at, error = np.stack([_array(term.values(p)) for p in tensors]), points, error[..., None]
    else:
        values, at = np.stack([_array(term.value(p)) for p in tensors]), np.broadcast_to(t[:, None], error.shape)
        if not term.is_indicator:
            try:
                steep = np.stack([np.linalg.norm(_array(term.steepness(p)), axis=-1) for p in tensors])
            except InputError:  # it does not know how steep it is, hence not what the rounding of a point does
                return np.zeros(len(moving), dtype=bool)
            error = error + 8 * _EPS * steep * np.linalg.norm(points, axis=-1)
    finite = np.isfinite(values)
    v, error = np.where(finite, values, 0.0), np.where(finite, error, 0.0)
    left, right = at[1:-1] - at[:-2], at[2:] - at[1:-1]
    share = left / np.where(left + right > 0, left + right, 1.0)
    chord = (1 - share) * v[:-2] + share * v[2:]
    blur = 1.01 * (error[:-2] + error[1:-1] + error[2:]) + 32 * _EPS * (
        np.abs(v[:-2]) + np.abs(v[1:-1]) + np.abs(v[2:])
    )
    ends = finite[:-2] & finite[2:] & (left > 0) & (right > 0)
    above = ends & ((finite[1:-1] & (v[1:-1] > chord + blur)) | ~finite[1:-1])
    return above.reshape(len(above), len(moving), -1).any((0, 2)) & moving
