"""Turning what users hand over (NumPy arrays, lists, torch tensors) into checked tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from l2o._errors import InputError


def as_tensor(
    value: Any,
    name: str,
    *,
    ndim: tuple[int, ...] | None = None,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
    allow_infinite: bool = False,
) -> torch.Tensor:
    """Return `value` as a finite tensor of `dtype`, or raise `InputError` saying what is wrong with it.

    `ndim` lists the accepted numbers of axes. `allow_infinite` admits +-inf (bounds of a box), never NaN.
    """
    try:
        if isinstance(value, torch.Tensor):
            if value.is_complex():
                raise TypeError(f"dtype {value.dtype}")
            tensor = value.detach() if not value.requires_grad else value
            tensor = tensor.to(dtype=dtype, device=device)
        else:
            array = np.asarray(value)
            if array.dtype.kind not in "fiub":
                raise TypeError(f"dtype {array.dtype}")
            tensor = torch.as_tensor(array.astype(np.float64), dtype=dtype, device=device)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise InputError(
            f"{name}: expected numbers (a NumPy array or a torch tensor), got {type(value).__name__} ({problem}); "
            f"pass a rectangular real array."
        ) from None
    if ndim is not None and tensor.ndim not in ndim:
        axes = " or ".join(str(d) for d in ndim)
        raise InputError(f"{name}: expected {axes} axes, got shape {tuple(tensor.shape)}; reshape it.")
    if tensor.numel() == 0:
        raise InputError(
            f"{name}: it is empty (shape {tuple(tensor.shape)}); give at least one instance, row and variable."
        )
    if bool(torch.isfinite(tensor.sum())):  # then every entry is; else look closer, for a sum may overflow
        return tensor
    bad = torch.isnan(tensor) if allow_infinite else ~torch.isfinite(tensor)
    if bool(bad.any()):
        first = tuple(int(i) for i in torch.nonzero(bad)[0])
        what = "NaN" if allow_infinite else "NaN or inf"
        raise InputError(
            f"{name}: {int(bad.sum())} of {tensor.numel()} entries are {what} (the first at index {first}); "
            f"clean the data before building a problem."
        )
    return tensor


def per_instance(
    value: Any,
    name: str,
    *,
    positive: bool = False,
    nonnegative: bool = False,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Return a scalar or (B,) `value` as a tensor of shape (1,) or (B,), with its sign checked."""
    tensor = as_tensor(value, name, ndim=(0, 1), dtype=dtype, device=device).reshape(-1)
    if positive and bool((tensor <= 0).any()):
        raise InputError(f"{name}: expected > 0, got {float(tensor.min())}; pass a positive number.")
    if nonnegative and bool((tensor < 0).any()):
        raise InputError(f"{name}: expected >= 0, got {float(tensor.min())}; pass a non-negative number.")
    return tensor


def batch_of(size: int, other: int, what: str) -> int:
    """Return the common batch size of two parts, where 1 stands for "the same for every instance"."""
    if size != other and 1 not in (size, other):
        raise InputError(f"{what}: batch sizes {size} and {other} do not agree; make them equal, or one of them 1.")
    return max(size, other)
