"""Gradient calls: counted at the smooth term, not taken from a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ....errors import InputError
from ....l2o.optimizers import Optimizer
from ....l2o.problems import Composite
from ....l2o.problems.smooth import Remembered, SmoothTerm

_PROBE = 12  # steps of the probe; from the third on each is expected to call as often as the one before


class Counted(Remembered):
    """`term`, which remembers nothing and counts in `calls` how often it is asked: for f, its gradient or both."""

    def __init__(self, term: SmoothTerm):
        super().__init__(term)
        self.calls = 0

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        self.calls += 1
        return self._term.value_and_gradient(x)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        self.calls += 1
        return self._term.value(x)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,n)."""
        self.calls += 1
        return self._term.gradient(x)


@torch.no_grad()
def gradient_calls(optimizer: Optimizer, problem: Composite, x0: torch.Tensor, steps: int) -> np.ndarray:
    """(B,K+1) or (1,K+1) calls that reaching x_k took, k = 0..`steps`.

    A state that counts `evaluations` (B,) for each instance is run and asked (L-BFGS, whose line searches differ; a
    point at which only f is asked for counts in full). A method with `calls_per_step` says what a step costs as much
    as (coordinate descent). Every other one is run for a few steps on a term that counts, and asked no more.
    """
    k = np.arange(steps + 1)
    per_step = getattr(optimizer, "calls_per_step", None)
    if per_step is not None:
        return per_step * k[None, :]
    state: Any = optimizer.init(problem, x0)
    if hasattr(state, "evaluations"):
        seen, counts = problem.remembering(), [state.evaluations]
        for _ in range(steps):
            state = optimizer.step(seen, state)
            counts.append(state.evaluations)
        return torch.stack(counts, dim=1).cpu().numpy()
    counted = probe(optimizer, problem, x0)
    step = counted[-1] - counted[-2]
    if (np.diff(counted)[2:] != step).any():
        raise InputError(
            f"{getattr(optimizer, 'name', type(optimizer).__name__)}: its steps call the gradient "
            f"{', '.join(map(str, np.diff(counted)))} times, expected as many each; give its state a count "
            f"`evaluations` (B,)."
        )
    more = counted[-1] + step * (k[len(counted) :] - (len(counted) - 1))
    return np.concatenate([counted, more])[None, : steps + 1]


@torch.no_grad()
def probe(optimizer: Optimizer, problem: Composite, x0: torch.Tensor) -> np.ndarray:
    """(_PROBE+1,) calls made by `init` and by each of the first steps, added up."""
    counted = Counted(problem.smooth)
    counting = Composite(counted, problem.nonsmooth)
    state: Any = optimizer.init(counting, x0)
    counts = [counted.calls]
    for _ in range(_PROBE):
        state = optimizer.step(counting, state)
        counts.append(counted.calls)
    return np.array(counts)
