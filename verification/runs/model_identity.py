"""What is read of the model behind a run: p_k and b_k, whether they fit the step, and whether it has bias heads."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...l2o import Composite, Run
from ...l2o.optimizers.learned import HeadNetwork
from ...l2o.runs.array_run import array_run, is_affine
from .inspection import Inspection, as_numpy, inspect_run, norm

_BIAS_HEADS = {"go-math-l2o": ("b3", "b4"), "l2o-pa": ("b1", "b2")}
IDENTITY = "D_k = p_k G_k + b_k, up to rounding"


def bias_heads(optimizer: Any) -> tuple[str, ...] | None:
    """The heads of `optimizer` that add a bias which need not vanish; () for none; None where it is not known."""
    if not isinstance(optimizer, HeadNetwork):
        return None
    heads = _BIAS_HEADS.get(optimizer.name)
    return None if heads is None else tuple(head for head in optimizer.heads if head in heads)


def inspected(run: Run, problem: Composite, what: str) -> tuple[Inspection, np.ndarray, tuple[str, ...]]:
    """The run recomputed on its problem; (B,K) where its data hold, p_k and b_k included; and what does not hold."""
    run = array_run(run, what)
    inspection = inspect_run(run, problem)
    holds = inspection.data_holds
    broken = [check.statement for check in inspection.checks if not check.holds.all()]
    if is_affine(run):
        G, D, p, b = (as_numpy(a) for a in (run.generalized_gradient, run.step, run.preconditioner, run.bias))
        with np.errstate(over="ignore", invalid="ignore"):
            size = norm(D) + norm(p * G) + norm(b)
            fits = norm(D - p * G - b) <= 64 * torch.finfo(run.x.dtype).eps * size
        fits |= ~inspection.alive[:, 1:]
        holds = holds & fits
        broken += [] if fits.all() else [IDENTITY]
    return inspection, holds, tuple(broken)
