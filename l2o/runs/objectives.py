"""Objectives that were logged without their iterates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..support.arrays import as_tensor


@dataclass(frozen=True, eq=False)
class Objectives:
    """The objectives F(x_0), ..., F(x_K) of a run whose iterates are not there; made by `run_from_objectives`.

    No bound of the catalogue can be judged on them: each speaks of steps, of gradients or of distances, too. A report
    draws them beside runs, and compares them with the interval of F*.
    """

    objective: torch.Tensor  # (B,K+1) float64
    optimizer: str = "given objectives"

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return self.objective.shape[0]

    @property
    def steps(self) -> int:
        """Number of steps K."""
        return self.objective.shape[1] - 1


def run_from_objectives(problem: Composite, F: Any, *, name: str = "given objectives") -> Objectives:
    """Objectives of a run whose iterates were not kept.

    Args:
        problem: The problem that they belong to.
        F: (B,K+1) F(x_0)..F(x_K), or (K+1,) where there is one instance. They may be infinite, as of a run that
            diverged.
        name: What the run is called.

    Returns:
        The objectives, for `l2obound.report`.

    Raises:
        InputError: For another shape, and for what is no number.
    """
    values = as_tensor(F, "F", ndim=(1, 2), allow_infinite=True)
    values = values.unsqueeze(0) if values.ndim == 1 else values
    if values.shape[0] != problem.batch_size or values.shape[1] < 2:
        raise InputError(
            f"F: expected shape (B, K+1) = ({problem.batch_size}, >= 2), got {tuple(values.shape)}; give a row for "
            "each instance."
        )
    return Objectives(values, name)
