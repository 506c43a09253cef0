"""A segment of training as one call of compiled code: T steps on one group of instances after another, and back.

Step after step over the whole batch, every matrix and the state of every coordinate is read from memory at each step.
Instance after instance through all steps they stay in the caches, and no step costs a call from Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch

from ..problems.composite import Composite
from ..problems.smooth import LeastSquares, Logistic, Remembered
from ..support import native
from ..support.native.gram import available as dense
from .kernel import CHUNKS, Task, Update, next_names, task
from .learned import HeadNetwork

_COORDINATES = 320  # of a group at least: tiles of 64, of which the last may be filled in part


_LOSSES: dict[type, int] = {LeastSquares: 0, Logistic: 1}  # as in kernel.c


def _targets(term: LeastSquares | Logistic) -> torch.Tensor:
    return term.labels if isinstance(term, Logistic) else term.target


def _compiled_term(problem: Composite) -> LeastSquares | Logistic | None:
    """The smooth term, if it is one of those in kernel.c and no subclass with a meaning of its own."""
    smooth = problem.smooth
    term = smooth.term if type(smooth) is Remembered else smooth
    return term if isinstance(term, LeastSquares | Logistic) and type(term) in _LOSSES else None


class _Segment(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in ("steps", "group", "loss")),
        *((name, ctypes.c_int64) for name in ("batch", "rows")),
        *((name, ctypes.c_void_p) for name in ("matrix", "target", "loss_weights", "values")),
        ("network", Task),
    ]


class _Loss(torch.autograd.Function):
    """Packed weights -> loss, and the state after the segment, which nothing is differentiated through."""

    @staticmethod
    def forward(
        ctx: Any,
        packed: torch.Tensor,
        model: HeadNetwork,
        update: Update,
        term: LeastSquares | Logistic,
        given: Mapping[str, torch.Tensor],
        weights: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        batch, rows, dim = term.map.matrix.shape
        outputs = {name: torch.empty_like(a) for name, a in next_names(**given).items()}
        values, gradients = weights.new_empty(len(weights), batch), packed.new_zeros(CHUNKS, packed.numel())
        network = task(model.layout, packed, {**given, **outputs, **update.arrays, "g_weights": gradients}, update)
        loss_weights = weights / batch
        data = {"matrix": term.map.matrix, "target": _targets(term).contiguous()}
        segment = _Segment(
            steps=len(weights),
            loss=_LOSSES[type(term)],
            group=-(-_COORDINATES // dim),
            batch=batch,
            rows=rows,
            **native.addresses(data | {"loss_weights": loss_weights, "values": values}, packed.dtype),
            network=network,
        )
        functions = native.library()
        assert functions is not None
        if not functions.l2o_segment(ctypes.byref(segment)):
            raise MemoryError("a training segment found no memory for its steps")
        ctx.save_for_backward(gradients.sum(0))
        ctx.mark_non_differentiable(*outputs.values())
        return (values.mean(1) * weights).sum(), *outputs.values()

    @staticmethod
    def backward(ctx: Any, g_loss: torch.Tensor, *_: Any) -> tuple[Any, ...]:
        (gradient,) = ctx.saved_tensors
        return g_loss * gradient, *5 * [None]


def one_call(model: Any, problem: Composite, state: Any, weights: torch.Tensor) -> tuple[torch.Tensor, Any] | None:
    """The loss sum_t weights_t mean_b F_b(x_t) and the state after the segment; None where no code is there for it.

    There is for prepared models with `kernel_update`, on least squares or logistic loss with one dense matrix
    an instance. The loss can
    be differentiated once, by the weights of the model.
    """
    term = _compiled_term(problem)
    if term is None or not isinstance(model, HeadNetwork) or not dense(term.map.matrix):
        return None
    if not torch.is_grad_enabled() or term.map.matrix.requires_grad or _targets(term).requires_grad:
        return None
    update = model.kernel_update(problem, state)
    if update is None:
        return None
    given = {"point": state.x, "memory": getattr(state, model.memory_name)}
    given |= {"h": state.hidden.transpose(1, 2), "c": state.cell.transpose(1, 2)}
    if any(a.requires_grad for a in given.values()):
        return None
    given = {name: a.contiguous() for name, a in given.items()}
    loss, x, memory, h, c = _Loss.apply(model.packed(state.x), model, update, term, given, weights)
    records = {f.name: None for f in fields(state) if f.default is None}
    carried = {"x": x, model.memory_name: memory, "hidden": h.transpose(1, 2), "cell": c.transpose(1, 2)}
    return loss, replace(state, **records, **carried)
