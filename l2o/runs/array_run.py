"""A run that kept its arrays, as the type checker sees it: `Run` says of each array that it may be None."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import torch

from ...errors import InputError
from .run import Run

if TYPE_CHECKING:

    class ArrayRun(Run):
        """A `Run` recorded with `record="all"`, or made from iterates."""

        x: torch.Tensor
        smooth_gradient: torch.Tensor
        subgradient: torch.Tensor
        generalized_gradient: torch.Tensor
        step: torch.Tensor
        deviation: torch.Tensor

    class AffineRun(ArrayRun):
        """An `ArrayRun` whose optimizer names p_k, so that its steps are p_k G_k + b_k."""

        preconditioner: torch.Tensor
        bias: torch.Tensor

else:  # There is one class of runs; these are names for what `Run` makes sure of when it is made.
    ArrayRun = AffineRun = Run


def has_arrays(run: Run) -> TypeGuard[ArrayRun]:
    """Whether the run kept its arrays; with its iterates it has them all."""
    return run.x is not None


def array_run(run: Run, what: str) -> ArrayRun:
    """The run itself, for a function that needs its arrays.

    Args:
        run: A run.
        what: The function, for the error.

    Returns:
        `run`.

    Raises:
        InputError: For a run of scalars.
    """
    if not has_arrays(run):
        raise InputError(f"{what}: the run kept scalars only; record it with record='all'.")
    return run


def first_point(run: Run) -> torch.Tensor:
    """(B,n) x_0, which a run of either kind has kept."""
    start = run.x_start if run.x is None else run.x[:, 0]
    assert start is not None  # `Run` refuses to be without both
    return start


def is_affine(run: Run) -> TypeGuard[AffineRun]:
    """Whether the run kept its arrays, and p_k and b_k among them."""
    return run.x is not None and run.preconditioner is not None and run.bias is not None
