"""Iterates that any code has made, as one tensor, and the precision that they were made in."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ..problems.composite import Composite
from ..support.arrays import as_tensor, float_dtype

SHAPES = "an array (B, K+1, n), for one instance (K+1, n), or a list of the K+1 points (B, n)"


def precision(value: Any) -> torch.dtype:
    """The precision of iterates: float32 where any of their arrays is, float64 where they are of float64 or of numbers.

    Args:
        value: An array, a tensor, a table, or a (nested) sequence of these or of numbers.

    Returns:
        torch.float32 or torch.float64.
    """
    if isinstance(value, (list, tuple)):
        single = any(precision(entry) is torch.float32 for entry in value if not isinstance(entry, (int, float)))
        return torch.float32 if single else torch.float64
    if not hasattr(value, "dtype") and callable(getattr(value, "to_numpy", None)):
        value = value.to_numpy()
    dtype = getattr(value, "dtype", None)
    return torch.float32 if dtype is torch.float32 or dtype == np.float32 else torch.float64


def stacked(problem: Composite, X: Any, name: str = "X") -> tuple[torch.Tensor, torch.dtype]:
    """Iterates in one tensor, in float64, and the precision that they came in.

    A list of arrays with two axes is one of points (B, n), one for each k, where the sizes fit that; else it is what an
    array of that shape is.

    Args:
        problem: The problem of B instances in n variables that they belong to.
        X: Iterates, see `SHAPES`.
        name: Of the argument, for errors.

    Returns:
        (B,K+1,n) iterates with K >= 1, in float64 on the device of the problem, and their precision.

    Raises:
        InputError: For another shape, for a list whose first axis may be that of the instances or that of the steps,
            and for iterates that are not finite.
    """
    batch, dim = problem.batch_size, problem.dim
    iterates = as_tensor(X, name, ndim=(2, 3), device=problem.device)
    if iterates.ndim == 2:
        iterates = iterates.unsqueeze(0)
    elif isinstance(X, (list, tuple)) and iterates.shape[1] == batch:
        if iterates.shape[0] != batch:
            iterates = iterates.transpose(0, 1)
        elif batch > 1 and not isinstance(X[0], (list, tuple)):
            raise InputError(
                f"{name}: a list of {batch} arrays {tuple(iterates.shape[1:])} may be {batch} points of {batch} "
                f"instances or {batch} runs of {batch} points; pass numpy.stack(points, axis=1), or numpy.stack(runs)."
            )
    if iterates.shape[0] != batch or iterates.shape[2] != dim or iterates.shape[1] < 2:
        shape = tuple(iterates.shape)
        swapped = shape[1:] == (batch, dim) and shape[0] > 1
        advice = "the axis of the steps is the second one, so swap the first two" if swapped else f"give {SHAPES}"
        raise InputError(f"{name}: expected shape (B, K+1, n) = ({batch}, >= 2, {dim}), got {shape}; {advice}.")
    return iterates, precision(X)


def rounded(problem: Composite, X: Any, dtype: Any = None) -> tuple[Composite, torch.Tensor]:
    """The iterates in the precision that a run was made in, and the problem in that precision.

    Args:
        problem: The problem that they belong to.
        X: Iterates, see `SHAPES`.
        dtype: The precision of the run, where that of `X` is another, as after a csv; None takes that of `X`, and
            float32 where the problem is in float32.

    Returns:
        The problem and (B,K+1,n), both in the one precision.

    Raises:
        InputError: Where the iterates make no run of this problem, and for numbers that float32 cannot hold.
    """
    iterates, its_own = stacked(problem, X)
    wanted = its_own if dtype is None else float_dtype(dtype)
    wanted = torch.float32 if dtype is None and problem.dtype is torch.float32 else wanted
    if wanted is torch.float64 and problem.dtype is torch.float32:
        raise InputError("dtype: the problem is in float32; give problem.to(torch.float64), or leave dtype out.")
    return problem.to(wanted), as_tensor(iterates, "X", dtype=wanted)
