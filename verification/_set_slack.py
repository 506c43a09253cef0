"""What verdicts allow for sets of which few points are floating-point numbers: balls and simplices.

A point counts as one of the set, or of its surface, where it is so within rounding. So r(y) >= r(x_k) + <g_k, y - x_k>
may fail by eps_k = ||g_k|| times the distance of x_k from the point that g_k is normal at, and of y from the set. B1,
B2, B5, B6, B6b, B6c, B10 and what follows from them use that inequality with a known weight, and their tolerance grows
by that much; that of B8 and B9 does not. For terms that are exact (boxes, norms) there is nothing to allow for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import bounds
from bounds.hypotheses import R_CONVEX
from verification.inspection import Inspection, as_numpy, norm

_SUMMED = ("B3", "B6", "B6b", "B6c", "B7")
"""Run bounds on F - F(z) whose proofs use the inequality with weights of at most 2 in all at each step."""


def set_slack(inspection: Inspection, z: np.ndarray | None) -> np.ndarray | None:
    """(B,K) eps_k for y = x_{k-1} and y = z; None where r is exact, or the run kept scalars only."""
    key = None if z is None else np.ascontiguousarray(z).tobytes()
    if key not in inspection.slacks:
        inspection.slacks[key] = _set_slack(inspection, z)
    return inspection.slacks[key]


def _set_slack(inspection: Inspection, z: np.ndarray | None) -> np.ndarray | None:
    term = inspection.problem.nonsmooth
    if term.separable or not term.is_indicator or not term.names_subgradients or inspection.x is None:
        return None
    x, g = inspection.x, inspection.subgradient
    points = [torch.from_numpy(x[:, k]) for k in range(x.shape[1])]
    other = np.stack([_distance(term, point) for point in points[:-1]], axis=1)
    if z is not None:
        other = np.maximum(other, _distance(term, torch.from_numpy(np.array(z, dtype=np.float64)))[:, None])
    own = [as_numpy(term.subgradient_slack(points[k + 1], torch.from_numpy(g[:, k]))) for k in range(g.shape[1])]
    return np.stack(own, axis=1) + norm(g) * other


def _distance(term: Any, x: torch.Tensor) -> np.ndarray:
    error = term.domain_error(x)
    return np.zeros(len(x)) if error is None else as_numpy(error)


def allowed(bound: bounds.Bound, slack: np.ndarray | None, q: bounds.Quantities) -> np.ndarray | float:
    """By how much the tolerance of `bound` grows: (B,K) for steps, (B,) for runs."""
    if slack is None or R_CONVEX not in bound.hypotheses:
        return 0.0
    if bound.level == "step":
        return slack
    total = slack.sum(axis=1)
    if bound.number == "B10":  # B1 summed, over h(2-h)K/(2L)
        L, h = q.values["L"], q.values["h"]
        return 2 * L * total / (h * (2 - h) * slack.shape[1])
    return 2 * total if bound.number in _SUMMED else 0.0
