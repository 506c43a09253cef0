"""What only networks with heads and methods with a memory have: Jacobians, the history recurrence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...bounds.history import frozen_mode
from ...l2o.optimizers.learned import HeadNetwork
from ..runs.inspection import as_numpy
from ..virtual_steps.segment_jacobians import segment_jacobians
from ._case import Case
from ._result import Finding, failed, not_applicable, passed
from .registry import register


@register(
    asserts="Between a run and the run from a start moved by 1 the heads' Jacobians, measured on the segments of B4, "
    "have norms of at most the declared `jacobian_limit`.",
    why="The bound out of distribution (B5) has these constants as factors. A limit that a few segments exceed is no "
    "limit, and one that is far too large makes the bound say nothing.",
    breaks="Weights that grew in training, features without normalisation, a scale after the last layer.",
    advice="declare the constant that was measured with room (it is a lower bound of the true one), or train with a "
    "penalty on it",
    theory="B5",
    declares="jacobian_limit",
)
def jacobian_limit(case: Case) -> Finding:
    """A measurement at quadrature nodes: it can refute a limit and cannot prove one."""
    limit = case.declared("jacobian_limit")
    if not isinstance(case.fresh(), HeadNetwork):
        return not_applicable("it has no network with heads (go-math-l2o, l2o-pa)")
    if limit is None:
        return not_applicable(
            "it declares no jacobian_limit (the largest gradient of a head it promises); put declares = "
            "{'jacobian_limit': ...} on the optimizer"
        )
    worst: dict[str, Any] = {}
    for instance, run in case.runs():
        moved = case.run(instance, x0=instance.x0 + 1.0)
        if not bool(run.finite.all() & moved.finite.all()):
            continue
        jacobians = segment_jacobians(moved, run, case.fresh(), steps=range(min(case.steps, 6)), nodes=8)
        heads = [p for p, name in enumerate(jacobians.names) if name not in ("N1", "N2")]
        constant = jacobians.constant[heads]
        p, b, k = (int(i) for i in np.unravel_index(np.argmax(constant), constant.shape))
        lhs = float(constant[p, b, k])
        if lhs > worst.get("lhs", -1.0):
            slack = float(limit) - lhs
            worst = {**instance.shape, "b": b, "step": k + 1, "head": jacobians.names[heads[p]], "lhs": lhs}
            worst |= {"rhs": float(limit), "slack": slack}
    if not worst:
        return not_applicable("no pair of runs is finite")
    words = f"the largest gradient of a head is {worst['lhs']:.4g} ({worst['head']}, step {worst['step']})"
    if worst["lhs"] > float(limit):
        return failed(f"{worst['instance']}: {words}, declared is at most {float(limit):g}", **worst)
    return passed(f"{words}, declared is at most {float(limit):g}", **worst)


@register(
    asserts="With the scalars of its last steps frozen, the history recurrence of a model with a memory (state with "
    "memory, history_weight, forgetting, preconditioner) is stable at the largest curvature, which takes B < 1. "
    "Variables that the nonsmooth term holds, at a bound or at 0, do not follow the recurrence and are left out.",
    why="Outside this region x and v run away on every mode of a quadratic, for the largest curvature is the most "
    "lenient. Inside it, smaller curvatures may still be unstable: the limit on Q falls to 1 there.",
    breaks="A forgetting head without the bound 1 (softplus), Q above 1 + R L B/(1-B), a scale of the heads "
    "initialised from another one's.",
    advice="confine B to [0, 1) (a sigmoid) and keep Q below 1 + R L B/(1-B); by B14 nothing else is stable",
    theory="B14",
)
def memory_stable(case: Case) -> Finding:
    """The region of B14 over the last third of the steps; a coordinate must be outside at each of them to fail."""
    largest, seen, evidence = -np.inf, 0, {}
    for instance in case.instances:
        states = case.states(instance)[1:]
        names = ("history_weight", "forgetting", "preconditioner", "memory")
        if any(getattr(states[-1], name, None) is None for name in names):
            return not_applicable("its state names no memory with history_weight and forgetting")
        last = states[-max(1, len(states) // 3) :]
        like, L = states[-1].x, instance.problem.smoothness.unsqueeze(-1)
        q, b, r = (
            np.stack([as_numpy(torch.as_tensor(getattr(s, n), dtype=like.dtype).expand_as(like)) for s in last])
            for n in names[:3]
        )
        if not all(np.isfinite(a).all() for a in (q, b, r)):
            return failed(f"{instance.name}: the scalars of the memory are not finite", **instance.shape)
        if not _enters(case.fresh()):
            return not_applicable(
                "its memory weight is switched off or has the units of a step, which B14 does not cover"
            )
        mode = frozen_mode(r * as_numpy(L), q, b)
        x = np.stack([as_numpy(s.x) for s in last])
        held = (x == x[0]).all(axis=0) & (len(last) > 1)  # a free variable of an unstable mode moves
        outside = ~mode.stable & ~held
        seen += int((~held).sum())
        always = outside.all(axis=0)
        radius = np.where(held, 0.0, mode.radius)
        k, i, j = (int(a) for a in np.unravel_index(np.argmax(radius), radius.shape))
        place = {
            **instance.shape,
            "b": i,
            "variable": j,
            "radius": float(mode.radius[k, i, j]),
            "R_times_L": float((r * as_numpy(L))[k, i, j]),
            "Q": float(q[k, i, j]),
            "B": float(b[k, i, j]),
            "limit_on_Q": float(mode.limit[k, i, j]),
            "share_outside": float(outside.mean()),
        }
        if always.any():
            i, j = (int(a) for a in np.argwhere(always)[0])
            place |= {"b": i, "variable": j, "Q": float(q[-1, i, j]), "B": float(b[-1, i, j])}
            place |= {"radius": float(mode.radius[-1, i, j]), "limit_on_Q": float(mode.limit[-1, i, j])}
            place |= {"R_times_L": float((r * as_numpy(L))[-1, i, j])}
            return failed(
                f"{instance.name}, instance {i}, variable {j}: Q = {place['Q']:.4g}, B = {place['B']:.4g} is outside "
                f"the region of B14 at each of the last {len(last)} steps (limit on Q {place['limit_on_Q']:.4g}); "
                f"{always.mean():.1%} of the variables are",
                **place,
            )
        if place["radius"] > largest:
            largest, evidence = place["radius"], place
    return passed(f"inside the region of B14 at the largest curvature, {seen} variables", **evidence)


def _enters(optimizer: Any) -> bool:
    return getattr(optimizer, "q_step_power", 0) == 0 and getattr(optimizer, "gradient_map", "displacement") == (
        "displacement"
    )
