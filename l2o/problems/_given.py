"""What users give for a term, checked: matrices with rows or labels, weights, groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ..support.arrays import as_tensor, batch_of, integer_array, per_instance
from .smooth import LinearMap


def matrix_and_rows(
    matrix: Any, rows: Any, names: tuple[str, str], dtype: torch.dtype
) -> tuple[LinearMap, torch.Tensor]:
    a = as_tensor(matrix, names[0], ndim=(2, 3), dtype=dtype)
    y = as_tensor(rows, names[1], ndim=(1, 2), dtype=dtype, device=a.device)
    y = y.unsqueeze(0) if y.ndim == 1 else y
    if y.shape[1] != a.shape[-2]:
        raise InputError(
            f"{names[1]}: expected {a.shape[-2]} entries per instance, one for each row of {names[0]} "
            f"{tuple(a.shape)}, got shape {tuple(y.shape)}."
        )
    if a.ndim == 3 and y.shape[0] != a.shape[0]:
        if 1 not in (y.shape[0], a.shape[0]):
            raise InputError(f"{names[1]}: {y.shape[0]} instances, but {names[0]} has {a.shape[0]}; make them equal.")
        a = a[0] if a.shape[0] == 1 else a
        y = y.expand(a.shape[0], -1) if y.shape[0] == 1 else y
    return LinearMap(a), y


def nonnegative_weight(value: Any, name: str, dtype: torch.dtype, device: torch.device | None = None) -> torch.Tensor:
    return per_instance(value, name, nonnegative=True, dtype=dtype, device=device).reshape(-1, 1)


def matrix_and_labels(matrix: Any, labels: Any, dtype: torch.dtype) -> tuple[LinearMap, torch.Tensor]:
    map_, y = matrix_and_rows(matrix, labels, ("A", "labels"), dtype)
    if bool(((y != 0) & (y != 1)).any()):
        odd = y[(y != 0) & (y != 1)][0]
        raise InputError(f"labels: expected 0 or 1, got {float(odd)}; map the classes to 0 and 1.")
    return map_, y


def residual_data(
    matrix: Any, rows: Any, scale: Any, name: str, dtype: torch.dtype
) -> tuple[LinearMap, torch.Tensor, torch.Tensor]:
    """A, y and the positive parameter `name` of a loss of the residual, (1,1) or (B,1)."""
    map_, y = matrix_and_rows(matrix, rows, ("A", "y"), dtype)
    parameter = per_instance(scale, name, positive=True, dtype=dtype, device=y.device).reshape(-1, 1)
    if batch_of(y.shape[0], parameter.shape[0], name) != y.shape[0]:
        raise InputError(f"{name}: {parameter.shape[0]} values for one instance of data; repeat the rows of y.")
    return map_, y, parameter


def group_labels(groups: Any) -> torch.Tensor:
    """(n,) the group 0, 1, ... of each variable."""
    if isinstance(groups, (list, tuple)) and len(groups) and all(np.ndim(g) == 1 for g in groups):
        members = [_integers(g, f"groups[{k}]") for k, g in enumerate(groups)]
        owner = np.full(sum(map(len, members)), -1)
        for k, indices in enumerate(members):
            for i in indices.tolist():
                if not 0 <= i < len(owner):
                    raise InputError(
                        f"groups: expected each of 0..n-1 in one group, got index {i} in group {k} where the groups "
                        f"have {len(owner)} entries; leave none out and repeat none."
                    )
                if owner[i] >= 0:
                    raise InputError(
                        f"groups: variable {i} is in the groups {owner[i]} and {k}; they must not overlap, give each "
                        f"variable to one."
                    )
                owner[i] = k
        return torch.as_tensor(owner, dtype=torch.long)
    _, labels = np.unique(_integers(groups, "groups"), return_inverse=True)
    return torch.as_tensor(labels, dtype=torch.long)


def _integers(values: Any, name: str) -> np.ndarray:
    array = integer_array(values, name)
    if array.size == 0:
        raise InputError(f"{name}: it is empty; give every group at least one variable.")
    if array.ndim != 1:
        raise InputError(
            f"{name}: expected integers, a list of lists of indices or one label per variable (n,), got shape "
            f"{array.shape} of {array.dtype}."
        )
    return array
