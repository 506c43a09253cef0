"""The gradients that accelerated reference steps take along a run, which the run itself does not have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ... import bounds
from ...l2o.runs.rollout import threads_for
from .inspection import HUGE, Inspection, as_numpy, norm


@dataclass(frozen=True, eq=False)
class AcceleratedSteps:
    """Where accelerated steps look from along a run (`bounds.accelerated`), and the gradients there.

    `gradient` (B,K,n): grad f(y_k), 0 where it does not fit in float64. `gradient_error` (B,K): a bound on its error,
    inf there.
    """

    ahead: bounds.accelerated.LookAhead
    gradient: np.ndarray
    gradient_error: np.ndarray


def accelerated_steps(inspection: Inspection) -> AcceleratedSteps | None:
    """Evaluate grad f at the points y_k of an inspected run.

    Args:
        inspection: The run, recomputed.

    Returns:
        The points and their gradients; None for a run that kept scalars only.
    """
    if inspection.x is None:
        return None
    smooth = inspection.problem.smooth
    ahead = bounds.accelerated.look_ahead(inspection.x)
    gradient, error = np.zeros_like(ahead.point), np.full(ahead.point.shape[:2], np.inf)
    with threads_for(inspection.problem), np.errstate(over="ignore", invalid="ignore"):
        for k in range(ahead.point.shape[1]):
            near = np.abs(ahead.point[:, k]).max(axis=1) < HUGE
            point = torch.from_numpy(np.where(near[:, None], ahead.point[:, k], 0.0))
            slope, off = as_numpy(smooth.gradient(point)), as_numpy(smooth.gradient_error(point))
            fits = near & (norm(slope) < HUGE) & (off < HUGE)
            gradient[:, k] = np.where(fits[:, None], slope, 0.0)
            error[:, k] = np.where(fits, off, np.inf)
    return AcceleratedSteps(ahead, gradient, error)
