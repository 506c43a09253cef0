"""The objective along a run, and nothing else of it: in memory that does not grow with the number of variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..optimizers import Optimizer
from ..optimizers.adapt import as_optimizer, is_optimizer
from ..problems import Composite
from .rollout import threads_for

DIVERGED = 1e6
"""A run has diverged from the first step at which F exceeds this many times max(|F(x_0)|, 1), or is not finite."""


@dataclass(frozen=True, eq=False)
class ObjectiveCurve:
    """K steps of an optimizer on B instances.

    `objective` (B,K+1) is F(x_k) in float64, NaN from `diverged_at` (B,) on: the first step at which F(x_k) is not
    finite or above `DIVERGED` times max(|F(x_0)|, 1), -1 where there is none. A start outside the domain of r, where
    F is inf, is no divergence; its objective is inf. Where f itself overflows the run has diverged.
    """

    objective: np.ndarray
    diverged_at: np.ndarray


@torch.no_grad()
def objective_curve(
    optimizer: Optimizer,
    problem: Composite,
    x0: torch.Tensor,
    steps: int,
    *,
    evaluate_on: Composite | None = None,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> ObjectiveCurve:
    """Run an optimizer and keep the objectives alone.

    Instances that diverge do not disturb the others.

    Args:
        optimizer: Of `optimizer`, `load_trained`, or your own.
        problem: B instances, which the optimizer sees.
        x0: (B,n) the starts.
        steps: K, the number of steps.
        evaluate_on: Where F is evaluated, in its own precision: with the problem in float64, a run in float32 is judged
            in float64. The problem itself where it is not given.
        seed: For random optimizers.
        progress: Called with k after each step.

    Returns:
        The curve, (B,K+1).
    """
    optimizer = as_optimizer(optimizer) if is_optimizer(optimizer) else optimizer
    seen = problem.remembering()
    evaluated = seen if evaluate_on is None or evaluate_on is problem else evaluate_on.remembering()
    state: Any = optimizer.init(seen, x0.clone(), seed=seed)
    # One array made beforehand: small ones, one a step, would pin freed memory between them, gigabytes in a long run.
    values = torch.empty(steps + 1, problem.batch_size, dtype=torch.float64)
    values[0] = _objective(evaluated, state.x)
    with threads_for(problem):
        for k in range(steps):
            state = optimizer.step(seen, state)
            values[k + 1] = _objective(evaluated, state.x)
            if progress is not None:
                progress(k + 1)
    return ObjectiveCurve(*cut_where_diverged(values.T.numpy()))


def _objective(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    x = x.to(problem.dtype)
    smooth, _ = problem.smooth.value_and_gradient(x)  # the gradient is for the next step
    # Outside its domain r is inf by right; an f that is not finite has overflowed.
    return torch.where(torch.isfinite(smooth), smooth + problem.nonsmooth.value(x), torch.nan)


def cut_where_diverged(objective: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Objectives with NaN where a run has diverged, and where that begins.

    Args:
        objective: (B,K+1) F(x_k).

    Returns:
        The objectives (B,K+1), and `diverged_at` (B,) as in `ObjectiveCurve`.
    """
    first = np.where(np.isfinite(objective[:, 0]), np.abs(objective[:, 0]), 1.0)
    with np.errstate(invalid="ignore"):
        diverged = ~(objective <= DIVERGED * np.maximum(first, 1.0)[:, None])
    diverged[:, 0] = np.isnan(objective[:, 0])
    # Outside the domain F is inf by right, and a run may begin there; once it has been inside, inf is divergence.
    outside = np.cumprod(np.isposinf(objective), axis=1).astype(bool)
    diverged &= ~outside
    diverged = np.logical_or.accumulate(diverged, axis=1)
    at = np.where(diverged.any(axis=1), diverged.argmax(axis=1), -1)
    return np.where(diverged, np.nan, objective), at
