"""Where runs of a study start: at points where F is finite."""

from __future__ import annotations

import torch

from ....l2o import Composite, synthetic


def starts(problem: Composite, seed: int) -> torch.Tensor:
    """Normal draws, and where r is the indicator of a set their projections onto it.

    Args:
        problem: B instances of n variables.
        seed: In [0, 2^32).

    Returns:
        (B,n) x_0, in the unit of x.
    """
    x0 = synthetic.starts(problem, seed=seed)
    return problem.prox(x0, 1.0) if problem.nonsmooth.is_indicator else x0
