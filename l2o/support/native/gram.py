"""A x - y and A'(A x - y) for a batch of dense matrices, each read once from memory."""

from __future__ import annotations

import ctypes

import torch

from ..threads import SMALL
from . import Pool, addresses, level, library, pool, takes

_ARRAYS = ("matrix", "x", "y", "residual", "gradient", "value")


class _Task(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in ("doubles", "threads", "level")),
        *((name, ctypes.c_int64) for name in ("batch", "rows", "dim")),
        *((name, ctypes.c_void_p) for name in _ARRAYS),
        ("pool", Pool),
    ]


def available(matrix: torch.Tensor) -> bool:
    """Whether `gram` can take this matrix here and now, and is not slower than torch."""
    # One matrix, or fewer than there are threads, is torch's: it shares the rows among the threads.
    return (
        matrix.ndim == 3
        and matrix.shape[0] >= torch.get_num_threads()
        and matrix.is_contiguous()
        and takes(matrix)
        and library() is not None
    )


def gram(
    matrix: torch.Tensor, x: torch.Tensor, y: torch.Tensor | None = None, *, gradient: bool = True
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """(B,m,n), (B,n) and (B,m) -> values |A x - y|^2 / 2 (B,), residuals (B,m), and A'(A x - y) (B,n) if asked for."""
    batch, rows, dim = matrix.shape
    residual, value = matrix.new_empty(batch, rows), matrix.new_empty(batch)
    out = matrix.new_empty(batch, dim) if gradient else None
    x, y = x.contiguous(), None if y is None else y.contiguous()
    arrays = {"matrix": matrix, "x": x, "y": y, "residual": residual, "gradient": out, "value": value}
    assert x.shape == (batch, dim)
    assert y is None or y.shape == (batch, rows)
    task = _Task(
        doubles=matrix.dtype == torch.float64,
        threads=torch.get_num_threads() if matrix.numel() >= SMALL else 1,
        level=level(),
        batch=batch,
        rows=rows,
        dim=dim,
        **addresses(arrays, matrix.dtype),
        pool=pool(),
    )
    functions = library()
    assert functions is not None
    functions.l2o_gram(ctypes.byref(task))
    return value, residual, out
