"""The coordinate-wise network as one native call (kernel.c), and its adjoint, for training.

Compiled when the package is installed, where there is a C compiler; without one, on other devices and under torch's
function transforms, `l2o.optimizers.cell.network` computes the same. L2OBOUND_KERNEL=0 in the environment switches the
kernel off.
"""

from __future__ import annotations

import ctypes
import functools
import os
from dataclasses import dataclass, field
from typing import Any

import torch

from .. import cell as reference
from ..cell import Layout

_LANES, _CHUNKS = 64, 16  # as in kernel.c
_SIZES = ("layers", "hidden", "features", "heads", "size", "doubles", "threads", "adjoint")
_INPUTS = ("weights", "x", "h", "c")
_OUTPUTS = ("raw", "h_next", "c_next", "kept")
_ADJOINT = ("g_raw", "g_h_next", "g_c_next", "g_x", "g_h", "g_c", "g_weights")
_OPENMP = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")


class _Task(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in _SIZES),
        ("n", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in (*_INPUTS, *_OUTPUTS, *_ADJOINT, "arranged", *_OPENMP)),
        ("failed", ctypes.c_int32),
    ]


@dataclass(frozen=True)
class Workspace:
    """Buffers of the forward passes of a segment of training, used again in the next segment."""

    spare: list[torch.Tensor] = field(default_factory=list)

    def take(self, size: int, like: torch.Tensor) -> torch.Tensor:
        """A buffer of `size` numbers."""
        for place, buffer in enumerate(self.spare):
            if buffer.numel() == size and buffer.dtype == like.dtype:
                return self.spare.pop(place)
        return like.new_empty(size)

    def give(self, buffer: torch.Tensor) -> None:
        """Hand a buffer back."""
        self.spare.append(buffer)


@functools.cache
def _library() -> Any | None:
    """The kernel, or None where it was not compiled or is switched off."""
    if os.environ.get("L2OBOUND_KERNEL") == "0":
        return None
    try:
        from . import _kernel
    except ImportError:
        return None
    call = ctypes.CDLL(_kernel.__file__).l2o_network
    call.restype, call.argtypes = ctypes.c_int, [ctypes.POINTER(_Task)]
    return call


@functools.cache
def _openmp() -> dict[str, int]:
    """The OpenMP functions of the process (torch's own), so that the kernel runs on the threads that torch has."""
    process, paths = ctypes.CDLL(None), {}
    for name in _OPENMP:
        try:
            paths[name] = ctypes.cast(getattr(process, name), ctypes.c_void_p).value or 0
        except AttributeError:
            return {}
    return paths


def available(like: torch.Tensor) -> bool:
    """Whether the kernel can take tensors as `like` here and now."""
    return (
        like.device.type == "cpu"
        and like.dtype in (torch.float32, torch.float64)
        and _library() is not None
        # Under vmap and jacrev a tensor has no address, and a dual number would lose its tangent.
        and torch._C._functorch.peek_interpreter_stack() is None
        and torch.autograd.forward_ad._current_level < 0
    )


def _run(layout: Layout, weights: torch.Tensor, arrays: dict[str, torch.Tensor | None]) -> None:
    arrays["weights"] = weights
    for name, array in arrays.items():
        # The kernel reads memory, not tensors: what it is given must be what it expects.
        assert array is None or (array.is_contiguous() and array.dtype == weights.dtype), name
    task = _Task(
        layers=layout.layers,
        hidden=layout.hidden,
        features=layout.features,
        heads=len(layout.heads),
        size=layout.size,
        doubles=weights.dtype == torch.float64,
        threads=torch.get_num_threads(),
        adjoint="g_weights" in arrays,
        n=arrays["x"].shape[1],
        **{name: None if array is None else array.data_ptr() for name, array in arrays.items()},
        **_openmp(),
    )
    if not _library()(ctypes.byref(task)):
        raise MemoryError("the network's kernel found no memory for its tiles")


def _kept_size(x: torch.Tensor, layout: Layout) -> int:
    return -(-x.shape[1] // _LANES) * _LANES * (5 * layout.layers + 1) * layout.hidden


def _forward(
    packed: torch.Tensor,
    x: torch.Tensor,
    h: torch.Tensor,
    c: torch.Tensor,
    layout: Layout,
    stored: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    raw = x.new_empty(len(layout.heads), x.shape[1])
    h_next, c_next = torch.empty_like(h), torch.empty_like(c)
    _run(layout, packed, {"x": x, "h": h, "c": c, "raw": raw, "h_next": h_next, "c_next": c_next, "kept": stored})
    return raw, h_next, c_next


class _Network(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        packed: torch.Tensor,
        x: torch.Tensor,
        h: torch.Tensor,
        c: torch.Tensor,
        layout: Layout,
        workspace: Workspace,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        ctx.stored = workspace.take(_kept_size(x, layout), x)
        raw, h_next, c_next = _forward(packed, x, h, c, layout, ctx.stored)
        ctx.save_for_backward(packed, x, h, c, h_next)
        ctx.layout, ctx.workspace = layout, workspace
        return raw, h_next, c_next

    @staticmethod
    def backward(ctx: Any, g_raw: torch.Tensor, g_h_next: torch.Tensor, g_c_next: torch.Tensor) -> tuple[Any, ...]:
        packed, x, h, c, h_next = ctx.saved_tensors
        if torch.is_grad_enabled():  # second derivatives are asked for: differentiate the formula itself
            inputs = [packed, x, h, c]
            wanted = [t for t, needed in zip(inputs, ctx.needs_input_grad) if needed]
            outputs = reference.network(*inputs, ctx.layout)
            gradients = iter(torch.autograd.grad(outputs, wanted, (g_raw, g_h_next, g_c_next), create_graph=True))
            return *(next(gradients) if needed else None for needed in ctx.needs_input_grad[:4]), None, None
        if ctx.stored is None:  # the graph was retained and this is its second backward pass
            ctx.stored = ctx.workspace.take(_kept_size(x, ctx.layout), x)
            _forward(packed, x, h, c, ctx.layout, ctx.stored)
        g_x = torch.empty_like(x) if ctx.needs_input_grad[1] else None
        g_h, g_c = torch.empty_like(h), torch.empty_like(c)
        g_weights = x.new_empty(_CHUNKS, packed.numel())
        given = {"g_raw": g_raw.contiguous(), "g_h_next": g_h_next.contiguous(), "g_c_next": g_c_next.contiguous()}
        made = {"g_x": g_x, "g_h": g_h, "g_c": g_c, "g_weights": g_weights}
        arrays = {"x": x, "h": h, "c": c, "h_next": h_next, "kept": ctx.stored}
        _run(ctx.layout, packed, arrays | given | made)
        ctx.workspace.give(ctx.stored)
        ctx.stored = None
        return g_weights.sum(0), g_x, g_h, g_c, None, None


def network(
    packed: torch.Tensor,
    features: torch.Tensor,
    hidden: torch.Tensor,
    cell: torch.Tensor,
    layout: Layout,
    workspace: Workspace | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`cell.network`, by the kernel where it is available: the same arguments, the same results to rounding."""
    if not available(features):
        return reference.network(packed, features, hidden, cell, layout)
    arrays = (packed.contiguous(), features.contiguous(), hidden.contiguous(), cell.contiguous())
    if torch.is_grad_enabled() and any(array.requires_grad for array in arrays):
        return _Network.apply(*arrays, layout, workspace or Workspace())
    return _forward(*arrays, layout, None)
