"""What a run certificate is computed from besides the run: the ball of the comparator, a floor of f, which points."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.problems.transforms import Change
from ...l2o.support.arrays import as_tensor, per_instance
from ._directed import UNIT, down, up
from ._minorants import nonnegative_smooth
from ._run_forms import Ball
from ._terms import doubtful, nonsmooth_convex

HUGE = 1e140


def _positive(value: Any, p: Composite) -> torch.Tensor:
    reach = per_instance(value, "radius", positive=True).reshape(-1)
    if reach.shape[0] not in (1, p.batch_size):
        raise InputError(f"radius: expected a number or one for each of {p.batch_size} instances.")
    return reach.expand(p.batch_size)


def given_ball(p: Composite, x: torch.Tensor, radius: Any, center: Any) -> Ball | None:
    if radius is None:
        if center is not None:
            raise InputError("center: it is the center of a ball; give its radius as well.")
        return None
    if center is None:
        middle = x[:, 0]
        if not bool(torch.isfinite(middle).all()):
            raise InputError("center: x_0 is not finite; give a center.")
    else:
        middle = as_tensor(center, "center", ndim=(1, 2))
        if tuple(middle.shape) not in ((p.dim,), (p.batch_size, p.dim)):
            raise InputError(f"center: expected ({p.dim},) or ({p.batch_size}, {p.dim}), got {tuple(middle.shape)}.")
        middle = middle.expand(p.batch_size, p.dim)
    return Ball(middle, _positive(radius, p), "given")


def inward(ball: Ball | None, change: Change | None) -> Ball | None:
    """The ball in the variables of the problem before its change of variables, its radius rounded up."""
    if ball is None or change is None:
        return ball
    moved = torch.linalg.vector_norm(change.inward_error(ball.center), dim=-1)
    reach = up(ball.reach / change.dilation.reshape(-1) + 1.01 * moved, 4 * UNIT * (ball.reach + moved))
    reach = up(reach, 4 * UNIT * reach)
    return Ball(change.inward(ball.center), reach, ball.source)


def floor_of_smooth(p: Composite, base: Composite, change: Change | None, given: Any) -> torch.Tensor | None:
    """(B,) a number that f of the base is never below."""
    lowest = torch.zeros(p.batch_size, dtype=torch.float64) if nonnegative_smooth(base.smooth) else None
    if given is None:
        return lowest
    floor = per_instance(given, "smooth_lower").reshape(-1)
    if floor.shape[0] not in (1, p.batch_size):
        raise InputError(f"smooth_lower: expected a number or one for each of {p.batch_size} instances.")
    floor = floor.expand(p.batch_size)
    if change is not None:
        inner = floor / change.scale.reshape(-1)
        floor = down(inner, 2 * UNIT * inner.abs())
    return floor if lowest is None else torch.maximum(floor, lowest)


def obstacle(p: Composite) -> str | None:
    if not p.smooth.convex:
        return "the smooth term is not convex, and a tangent is no lower bound of it"
    if not nonsmooth_convex(p):
        return "the nonsmooth term is not convex"
    if (doubt := doubtful(p)) is not None:
        return f"{doubt}, so that what is known of the class may not hold; derive from SmoothTerm or NonsmoothTerm"
    return None


def selection(k: int, limit: int, best: torch.Tensor) -> torch.Tensor:
    """(B,N) the points among 0..k that may carry weight: all, or the last ones, some earlier ones and the best one."""
    if k < limit:
        chosen = torch.arange(k + 1)
    else:
        recent = limit // 2
        early = np.unique(np.linspace(0, k - recent, limit - recent).astype(int))
        chosen = torch.from_numpy(np.concatenate([early, np.arange(k - recent + 1, k + 1)]))
    index = chosen.expand(best.shape[0], -1).clone()
    missing = ~(index == best.unsqueeze(1)).any(1)
    index[missing, 0] = best[missing]
    return index
