"""The coordinate-wise network as one native call (kernel.c), and its adjoint, for training.

Where nothing was compiled, on other devices and under torch's function transforms, `l2o.optimizers.cell.network`
computes the same; see l2o/support/native. `updated` also takes the features and the update around the network into the
call, for r = lam ||x||_1.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from ..support import native
from . import cell as reference
from .cell import Layout

_LANES, CHUNKS = 64, 16  # as in kernel.c
_SMALL = 12_288  # coordinates, some 8 ms of work; with less, two threads wait for each other where cores are shared
_SIZES = ("layers", "hidden", "features", "heads", "size", "doubles", "threads", "adjoint", "level", "update")
_INPUTS = ("weights", "x", "h", "c")
_OUTPUTS = ("raw", "h_next", "c_next", "kept")
_ADJOINT = ("g_raw", "g_h_next", "g_c_next", "g_x", "g_h", "g_c", "g_weights")
_UPDATE = ("point", "memory", "gradient", "lam", "step", "scales")
_UPDATED = ("point_next", "memory_next", "argument", "features_out")
_UPDATE_ADJOINT = ("g_point_next", "g_memory_next", "g_point", "g_memory", "g_gradient")
_ARRAYS = (*_INPUTS, *_OUTPUTS, *_ADJOINT, *_UPDATE, *_UPDATED, *_UPDATE_ADJOINT, "arranged")


class Task(ctypes.Structure):
    """`struct task` of kernel.c."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in _SIZES),
        *((name, ctypes.c_int64) for name in ("n", "dim")),
        ("factor", 3 * ctypes.c_double),
        *((name, ctypes.c_void_p) for name in _ARRAYS),
        ("pool", native.Pool),
        ("failed", ctypes.c_int32),
    ]


GO_MATH, L2O_PA = 1, 2  # as in kernel.c


@dataclass(frozen=True)
class Update:
    """Which update is made around the network, and the numbers of the instances in it, (B,) each.

    A head is its factor times a sigmoid; the first also times `step`. r = lam ||x||_1. See update.h.
    """

    kind: int
    dim: int
    factors: tuple[float, ...]
    lam: torch.Tensor
    step: torch.Tensor
    scales: torch.Tensor | None = None  # (3,B) of GO_MATH

    @property
    def arrays(self) -> dict[str, torch.Tensor | None]:
        """The numbers by their names in kernel.c."""
        return {"lam": self.lam, "step": self.step, "scales": self.scales}


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


def _library() -> Any | None:
    """The compiled network, or None where it was not compiled or is switched off."""
    functions = native.library()
    return None if functions is None else functions.l2o_network


def available(like: torch.Tensor) -> bool:
    """Whether the kernel can take tensors as `like` here and now."""
    return native.takes(like) and _library() is not None


def task(
    layout: Layout,
    weights: torch.Tensor,
    arrays: dict[str, torch.Tensor | None],
    update: Update | None = None,
) -> Task:
    """What is given to the compiled network: its sizes and arrays."""
    hidden = arrays["h"]
    assert hidden is not None
    return Task(
        layers=layout.layers,
        hidden=layout.hidden,
        features=layout.features,
        heads=len(layout.heads),
        size=layout.size,
        doubles=weights.dtype == torch.float64,
        threads=torch.get_num_threads() if hidden.shape[2] >= _SMALL else 1,
        adjoint="g_weights" in arrays,
        level=native.level(),
        update=0 if update is None else update.kind,
        n=hidden.shape[2],
        dim=0 if update is None else update.dim,
        factor=(3 * ctypes.c_double)(*(() if update is None else update.factors)),
        **native.addresses(arrays | {"weights": weights}, weights.dtype),
        pool=native.pool(),
    )


def _run(
    layout: Layout, weights: torch.Tensor, arrays: dict[str, torch.Tensor | None], update: Update | None = None
) -> None:
    call = _library()
    assert call is not None
    if not call(ctypes.byref(task(layout, weights, arrays, update))):
        raise MemoryError("the network's kernel found no memory for its tiles")


def _kept_size(count: int, layout: Layout, more: int = 0) -> int:
    return -(-count // _LANES) * _LANES * ((5 * layout.layers + 1) * layout.hidden + more)


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
        ctx.stored = workspace.take(_kept_size(x.shape[1], layout), x)
        raw, h_next, c_next = _forward(packed, x, h, c, layout, ctx.stored)
        ctx.save_for_backward(packed, x, h, c, h_next)
        ctx.layout, ctx.workspace = layout, workspace
        return raw, h_next, c_next

    @staticmethod
    def backward(ctx: Any, g_raw: torch.Tensor, g_h_next: torch.Tensor, g_c_next: torch.Tensor) -> tuple[Any, ...]:
        packed, x, h, c, h_next = ctx.saved_tensors
        if torch.is_grad_enabled():  # second derivatives are asked for: differentiate the formula itself
            wanted = [t for t, needed in zip((packed, x, h, c), ctx.needs_input_grad) if needed]
            outputs = reference.network(packed, x, h, c, ctx.layout)
            gradients = iter(torch.autograd.grad(outputs, wanted, (g_raw, g_h_next, g_c_next), create_graph=True))
            return *(next(gradients) if needed else None for needed in ctx.needs_input_grad[:4]), None, None
        if ctx.stored is None:  # the graph was retained and this is its second backward pass
            ctx.stored = ctx.workspace.take(_kept_size(x.shape[1], ctx.layout), x)
            _forward(packed, x, h, c, ctx.layout, ctx.stored)
        g_x = torch.empty_like(x) if ctx.needs_input_grad[1] else None
        g_h, g_c = torch.empty_like(h), torch.empty_like(c)
        g_weights = x.new_zeros(CHUNKS, packed.numel())
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


@dataclass(frozen=True)
class Records:
    """What a step leaves for the record of a run: heads (P,B,n), argument of the prox (B,n), features (d,B,n)."""

    heads: torch.Tensor
    argument: torch.Tensor
    features: torch.Tensor


class _Updated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        packed: torch.Tensor,
        point: torch.Tensor,
        memory: torch.Tensor,
        gradient: torch.Tensor,
        h: torch.Tensor,
        c: torch.Tensor,
        layout: Layout,
        update: Update,
        workspace: Workspace,
    ) -> tuple[torch.Tensor, ...]:
        stored = workspace.take(_kept_size(h.shape[2], layout, len(layout.heads)), h)
        outputs = {name: torch.empty_like(a) for name, a in next_names(point, memory, h, c).items()}
        given = {"point": point, "memory": memory, "gradient": gradient, "h": h, "c": c}
        _run(layout, packed, given | outputs | update.arrays | {"kept": stored}, update)
        ctx.save_for_backward(packed, point, memory, gradient, h, c, outputs["h_next"])
        ctx.layout, ctx.update, ctx.workspace, ctx.stored = layout, update, workspace, stored
        ctx.set_materialize_grads(False)
        return tuple(outputs.values())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *g: torch.Tensor | None) -> tuple[Any, ...]:
        packed, point, memory, gradient, h, c, h_next = ctx.saved_tensors
        if ctx.stored is None:
            raise RuntimeError("a prepared model's step is differentiated once; take the model itself for more")
        inputs = {"point": point, "memory": memory, "gradient": gradient, "h": h, "c": c}
        given = {
            f"g_{name}": torch.zeros_like(a) if of is None else of.contiguous()
            for of, (name, a) in zip(g, next_names(point, memory, h, c).items(), strict=True)
        }
        made = {f"g_{name}": torch.empty_like(a) for name, a in inputs.items()}
        g_weights = packed.new_zeros(CHUNKS, packed.numel())
        arrays = inputs | {"h_next": h_next, "kept": ctx.stored} | given | made | ctx.update.arrays
        _run(ctx.layout, packed, arrays | {"g_weights": g_weights}, ctx.update)
        ctx.workspace.give(ctx.stored)
        ctx.stored = None
        return g_weights.sum(0), *made.values(), None, None, None


def next_names(point: torch.Tensor, memory: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> dict[str, torch.Tensor]:
    """The arrays that a step carries on, by the names of what it makes of them."""
    return {"point_next": point, "memory_next": memory, "h_next": h, "c_next": c}


def updated(
    packed: torch.Tensor,
    point: torch.Tensor,
    memory: torch.Tensor,
    gradient: torch.Tensor,
    hidden: torch.Tensor,
    cell: torch.Tensor,
    layout: Layout,
    update: Update,
    workspace: Workspace | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, Records | None]:
    """One step, where the kernel is available: next point and memory (B,n), hidden and cell (layers,H,N).

    With a graph, which needs a workspace, nothing is recorded and the step can be differentiated once.
    """
    point, memory, gradient, hidden, cell = (a.contiguous() for a in (point, memory, gradient, hidden, cell))
    if torch.is_grad_enabled() and any(a.requires_grad for a in (packed, point, memory, gradient, hidden, cell)):
        assert workspace is not None
        outputs = _Updated.apply(packed, point, memory, gradient, hidden, cell, layout, update, workspace)
        return *outputs, None
    outputs = {name: torch.empty_like(a) for name, a in next_names(point, memory, hidden, cell).items()}
    shape = tuple(point.shape)
    heads, argument = point.new_empty(len(layout.heads), *shape), torch.empty_like(point)
    features = point.new_empty(layout.features, *shape)
    records = {"raw": heads, "argument": argument, "features_out": features}
    given = {"point": point, "memory": memory, "gradient": gradient, "h": hidden, "c": cell}
    _run(layout, packed.contiguous(), given | outputs | records | update.arrays, update)
    return *outputs.values(), Records(heads, argument, features)
