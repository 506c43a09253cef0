"""What an optimizer read before each step of a recorded run, recomputed.

A run keeps what was fed to the network, not the network's state. Fed with the same features the network passes through
the same states, so they are recomputed, and the preconditioner that comes out is held against the recorded one: a run
of other weights, or from another network state, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ...l2o import InputError
from ...l2o.optimizers.go_math_l2o import GoMathL2O
from ...l2o.optimizers.l2o_pa import L2OPA
from ...l2o.optimizers.learned import HeadNetwork
from ...l2o.runs.array_run import AffineRun, is_affine
from ...l2o.runs.run import Run

OFF: Any = 0.0  # what a head gives where it is switched off; only those are asked that are on


@dataclass(frozen=True, eq=False)
class Read:
    """Before one step: `z` (m,B,n), all the numbers that coordinate i reads in column i; the heads the network then
    gives, (B,n) each; `bias` (B,n), N2(z) by the optimizer's own formula where it is one of z alone, else None.
    """

    z: torch.Tensor
    heads: dict[str, torch.Tensor]
    bias: torch.Tensor | None = None


def check_run(run: Run, optimizer: Any, role: str) -> AffineRun:
    """The run; one clear error where it cannot be attributed with this optimizer; `role` names the run."""
    name = getattr(optimizer, "name", type(optimizer).__name__)
    if run.x is None:
        raise InputError(
            f"{role}: the run holds scalars only, and attribution needs its arrays; record it with rollout(..., "
            f"record='all')."
        )
    if run.optimizer != name:
        raise InputError(f"{role}: the run was made by {run.optimizer}, not by {name}; give a run of this optimizer.")
    if not is_affine(run):
        raise InputError(
            f"{role}: {run.optimizer} names no preconditioner p_k, so its steps are not of the form p_k G_k + b_k; "
            f"use go-math-l2o, l2o-pa or a method whose state has `preconditioner`."
        )
    if isinstance(optimizer, HeadNetwork) and (
        run.features is None or run.features.shape[-1] != optimizer.feature_count
    ):
        raise InputError(
            f"{role}: expected the recorded features (B, K, n, {optimizer.feature_count}) of {name}, got "
            f"{None if run.features is None else tuple(run.features.shape)}; record the run again."
        )
    return run


def base_step(run: Run, optimizer: Any) -> torch.Tensor | None:
    """(B,) the step a that the optimizer's preconditioner is a multiple of; None where it has no option `step`."""
    if not hasattr(optimizer, "step_size"):
        return None
    learned = isinstance(optimizer, HeadNetwork)
    if optimizer.step_size is None:
        return ((0.9999 if learned else 1.0) / run.smoothness).clamp(min=1e-20)
    given = torch.as_tensor(optimizer.step_size, dtype=run.objective.dtype)
    return given.reshape(-1).expand(run.batch_size).clamp(min=1e-20)


@torch.no_grad()
def replay(run: AffineRun, optimizer: Any, role: str, state: Any = None) -> Iterator[Read]:
    """What was read before each step k = 1..K of a run.

    Args:
        run: The run, recorded with record="all".
        optimizer: What made it. Without a network z is what was recorded (features, memory), or x_{k-1} and grad
            f(x_{k-1}).
        role: What the run is called in errors.
        state: The optimizer's state that the run started from, where it was not that of `optimizer.init`; its `hidden`
            and `cell` are taken.

    Yields:
        One record a step.

    Raises:
        InputError: For a state of other sizes, and where the network does not give the recorded preconditioner.
    """
    if not isinstance(optimizer, HeadNetwork):
        yield from _plain(run)
        return
    step = base_step(run, optimizer)
    assert step is not None  # of a network with heads, as are the features
    assert run.features is not None
    width, rows = optimizer.hidden_size, run.batch_size * run.dim
    zeros = run.x.new_zeros((optimizer.layers, rows, width))
    hidden, cell = (zeros if (given := getattr(state, name, None)) is None else given for name in ("hidden", "cell"))
    if hidden.shape != zeros.shape or cell.shape != zeros.shape:
        raise InputError(
            f"{role}: the given state has hidden {tuple(hidden.shape)}, cell {tuple(cell.shape)}, expected "
            f"{tuple(zeros.shape)}; give the state that this run started from."
        )
    memory = getattr(state, "z", run.x[:, 0])  # of L2O-PA: the last output of its prox
    for k in range(run.steps):
        features = run.features[:, k].movedim(-1, 0)
        raw, new_hidden, new_cell = optimizer.network(features, hidden, cell)
        heads: dict[str, torch.Tensor] = {name: optimizer.head(raw, name, OFF) for name in optimizer.heads}
        states = [s.transpose(1, 2).reshape(-1, run.batch_size, run.dim) for s in (hidden, cell)]
        if run.memory is not None:
            memory = run.memory[:, k]
        z = torch.cat([features, *states, memory.unsqueeze(0)])
        _check_preconditioner(run, optimizer, heads, step, k, role)
        yield Read(z, heads, bias_of(optimizer, heads, step.unsqueeze(-1), memory))
        hidden, cell = new_hidden, new_cell
        if isinstance(optimizer, L2OPA):
            memory = _last_prox(run.x[:, k + 1], memory, heads)


def bias_of(
    optimizer: Any, heads: dict[str, torch.Tensor], step: torch.Tensor, memory: torch.Tensor
) -> torch.Tensor | None:
    """N2 = a^power Q v + b3 of GO-Math-L2O; None for others, whose bias is no function of what the network reads."""
    if not isinstance(optimizer, GoMathL2O):
        return None
    return heads.get("q", 1.0) * step**optimizer.q_step_power * memory + heads.get("b3", 0.0)


def _plain(run: AffineRun) -> Iterator[Read]:
    for k in range(run.steps):
        read = [] if run.features is None else [run.features[:, k].movedim(-1, 0)]
        read += [] if run.memory is None else [run.memory[:, k].unsqueeze(0)]
        read = read or [run.x[:, k].unsqueeze(0), run.smooth_gradient[:, k].unsqueeze(0)]
        yield Read(torch.cat(read), {})


def _check_preconditioner(
    run: AffineRun, optimizer: Any, heads: dict[str, torch.Tensor], step: torch.Tensor, k: int, role: str
) -> None:
    ours = heads.get(optimizer.head_names[0], torch.ones_like(run.x[:, k])) * step.unsqueeze(-1)
    recorded = run.preconditioner[:, k]
    off = (ours - recorded).abs()
    wrong = off > 1e6 * torch.finfo(recorded.dtype).eps * (ours.abs() + recorded.abs())
    if wrong.any():
        raise InputError(
            f"{role}: at step {k + 1} the optimizer's network gives a preconditioner that differs from the recorded "
            f"one by up to {float(off[wrong].max()):.3g}; give the optimizer that made the run, and the state it "
            f"started from where that was not the default."
        )


def _last_prox(x: torch.Tensor, last: torch.Tensor, heads: dict[str, torch.Tensor]) -> torch.Tensor:
    """U_k from x_k = U_k + A (U_k - U_{k-1}) + b2, which was not recorded."""
    a = heads.get("a", torch.zeros_like(x))
    return (x - heads.get("b2", 0.0) + a * last) / (1 + a)
