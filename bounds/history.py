r"""The history recurrence of GO-Math-L2O on one mode, and whether it is stable: what B14 speaks of.

On a mode of curvature lambda of a quadratic, r = 0, with frozen scalars (r = R lambda, q, b; displacement map)

    y_k = (1 - r) y_{k-1} - q v_{k-1},    v_k = b v_{k-1} + (1 - b)(y_{k-1} - y_k),

the matrix of (y, v) has trace 1 - r + b + (1-b)q and determinant b + (1-b)q - b r. Both eigenvalues are less than 1 in
modulus if and only if 1 - trace + det = r(1-b) > 0, 1 + trace + det = 2(1 + b + (1-b)q) - r(1+b) > 0 and det < 1
(Jury). For r > 0 and 0 <= b < 1 the last one is q < 1 + r b/(1-b). With b > 1 the first one fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError
from .evaluation.inputs import numbers


@dataclass(frozen=True, eq=False)
class FrozenMode:
    """The recurrence on one mode: `matrix` (..., 2, 2) of (y, v), its `radius`, and whether it is `stable`, all (...).

    `stable` is decided by the Jury conditions, `radius` by eigenvalues: two ways to the same answer.
    """

    matrix: np.ndarray
    radius: np.ndarray
    stable: np.ndarray
    limit: np.ndarray
    """The q below which det < 1: 1 + r b/(1-b); NaN where b >= 1."""


def frozen_mode(r: Any, q: Any, b: Any) -> FrozenMode:
    """The history recurrence of GO-Math-L2O on one mode of a quadratic, with frozen scalars.

    The arguments are scalars or arrays and are broadcast against each other; they have no unit.

    Args:
        r: Step on the mode, R times its curvature.
        q: Weight of the memory v in a step.
        b: Forgetting factor of the memory.

    Returns:
        The 2x2 matrix, its spectral radius (plain float64 eigenvalues) and whether it is stable (Jury conditions).

    Raises:
        InputError: If an argument is not finite.
    """
    r, q, b = np.broadcast_arrays(*(numbers(name, a) for name, a in (("r", r), ("q", q), ("b", b))))
    if not all(np.isfinite(a).all() for a in (r, q, b)):
        raise InputError("frozen_mode: r, q and b must be finite numbers")
    matrix = np.stack([np.stack([1 - r, -q], -1), np.stack([(1 - b) * r, b + (1 - b) * q], -1)], -2)
    radius = np.abs(np.linalg.eigvals(matrix)).max(-1)
    trace, det = 1 - r + b + (1 - b) * q, b + (1 - b) * q - b * r
    stable = (r * (1 - b) > 0) & (1 + trace + det > 0) & (det < 1)
    limit = np.full(r.shape, np.nan)
    np.divide(r * b, 1 - b, out=limit, where=b < 1)
    return FrozenMode(matrix, radius, stable, 1 + limit)
