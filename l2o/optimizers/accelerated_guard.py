"""A guard of accelerated proximal-gradient steps around the untouched run of another optimizer.

The base makes its run c_1, c_2, ... as if it were alone. Beside it goes an accelerated method whose step j, from the
best point x known so far and an auxiliary point u (at first x_0), is

    t_j = (1 + sqrt(1 + 4 t_{j-1}^2))/2,  t_0 = 0,      y = x + (u - x)/t_j,
    w = prox_{r/L}(y - grad f(y)/L),                    u <- u + t_j (w - y),

after which x is the best of x, w and all c so far. So F(x) <= F(c) for each of them, and for convex f

    F(x) - F(z) <= L ||x_0 - z||^2 / (2 t_j^2) <= 2 L ||x_0 - z||^2 / (j + 1)^2     for every z

whatever the base does (bound B16): only F(x) <= F(w) is used of x. It is FISTA in the form that takes the best point
(monotone FISTA: Beck, Teboulle, IEEE Trans. Image Process. 18, 2009).

A guard step is made with the first step of the base and then after every m-th one, m from 1 to 16: m is halved where x
is the guard's after it or the base has not bettered x for three steps, and doubled elsewhere. After three such steps a
guard step is made at once, with m at most 4, so that a base that breaks down suddenly is noticed soon. The descent
lemma gives a U >= F(w) for nothing, so F(w) is computed only where U < F(x) or the guard leads: elsewhere F(x) <= U is
enough.

`restart` sets t to 0 and u to x where <y - w, w - x> > 0, x the best point before the step (O'Donoghue, Candes 2015).
The bound from x_0 then stays what it was, since F(x) does not rise, and a new one, from that x, begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..problems.composite import Composite
from .evaluations import counted

LONGEST = 16
"""The most steps of the base between two of the guard."""
_FIRST = 4  # m at the start, and where the base is idle
_PATIENCE = 3  # steps of the base that do not better x before the guard steps in


@dataclass(frozen=True)
class GuardState:
    """The best point and its value, the base's state, the guard's auxiliary point, and counts for each instance.

    `steps` counts the guard steps since the last restart and `counted` those before the first one, of which the bound
    from x_0 speaks; `interval` is m, `wait` what is left of it; `led` says whether x is the guard's, `idle` for how
    many steps the base has not bettered x. `evaluations` counts the points at which f was asked for by the base and by
    the guard, x_0 and c_k included.
    """

    x: torch.Tensor  # (B,n)
    base: Any
    value: torch.Tensor  # (B,) F(x)
    auxiliary: torch.Tensor  # (B,n) u
    weight: torch.Tensor  # (B,) t^2
    steps: torch.Tensor  # (B,) int
    counted: torch.Tensor  # (B,) int
    restarted: torch.Tensor  # (B,) bool
    interval: torch.Tensor  # (B,) int
    wait: torch.Tensor  # (B,) int
    led: torch.Tensor  # (B,) bool
    idle: torch.Tensor  # (B,) int
    evaluations: torch.Tensor  # (B,) int

    @property
    def numbers(self) -> Mapping[str, torch.Tensor]:
        """What a run records of it, (B,) each."""
        return {"guard_count": self.counted.to(self.x.dtype)}


@dataclass(frozen=True)
class AcceleratedGuard:
    """The optimizer `base` under the guard; see the module."""

    base: Any
    restart: bool = False

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> GuardState:
        """The state at x_0; the base's is made with `seed`."""
        problem, calls = counted(problem)
        base = self.base.init(problem, x0, seed=seed)
        x = problem.point(x0, "x0") if base.x.shape != x0.shape or not torch.equal(base.x, x0) else base.x
        value = problem.smooth.value(x) + problem.nonsmooth.value(x)
        none = torch.zeros(problem.batch_size, dtype=torch.int64, device=x.device)
        one = torch.ones_like(none)
        return GuardState(
            x=x,
            base=base,
            value=value,
            auxiliary=x,
            weight=torch.zeros_like(value),
            steps=none,
            counted=none,
            restarted=none > 0,
            interval=_FIRST * one,
            wait=one,
            led=none == 0,
            idle=none,
            evaluations=none + calls.calls,
        )

    def step(self, problem: Composite, state: GuardState) -> GuardState:
        """A step of the base and, where it is due, one of the guard."""
        problem, calls = counted(problem, state.x, state.base.x)
        alarm = (state.idle == _PATIENCE) & ~state.led
        due = (state.wait <= 1) | alarm
        before, spent = state, torch.zeros_like(state.steps)
        # In this order a problem that remembers its last two points (`Remembered`) computes none of them twice.
        base = self.base.step(problem, state.base)
        paid = calls.calls
        if bool(due.any()):
            state, spent = self._guard(problem, state, due)
        calls.calls = paid  # those of the guard are counted for each instance
        value = problem.smooth.value(base.x) + problem.nonsmooth.value(base.x)
        better = torch.isfinite(value) & torch.isfinite(base.x).all(-1) & (value < state.value)
        led, idle_too_long = state.led & ~better, (state.idle >= _PATIENCE) & ~better
        state = replace(state, interval=torch.where(alarm, state.interval.clamp(max=_FIRST), state.interval))
        shorter, longer = (state.interval // 2).clamp(min=1), (2 * state.interval).clamp(max=LONGEST)
        interval = torch.where(due, torch.where(led | idle_too_long, shorter, longer), state.interval)
        return GuardState(
            x=_chosen(better, base.x, state.x),
            base=base,
            value=torch.where(better, value, state.value),
            auxiliary=state.auxiliary,
            weight=state.weight,
            steps=state.steps,
            counted=state.counted,
            restarted=state.restarted,
            interval=interval,
            wait=torch.where(due, interval, state.wait - 1),
            led=led,
            idle=torch.where(better, torch.zeros_like(state.idle), state.idle + 1),
            evaluations=before.evaluations + spent + calls.calls,
        )

    def _guard(self, problem: Composite, state: GuardState, due: torch.Tensor) -> tuple[GuardState, torch.Tensor]:
        """The state after a guard step of the instances `due`, and what it cost each of them."""
        smoothness = problem.smoothness.unsqueeze(-1)
        t = (0.5 * (1 + torch.sqrt(1 + 4 * state.weight))).unsqueeze(-1)
        first = bool((state.counted == 0).all())  # y is x_0, whose gradient is known
        y = state.x if first else state.x + (state.auxiliary - state.x) / t
        f, gradient = problem.smooth.value_and_gradient(y)
        w = problem.nonsmooth.prox(y - gradient / smoothness, 1 / smoothness)
        move, r = w - y, problem.nonsmooth.value(w)
        above = f + (gradient * move).sum(-1) + 0.5 * problem.smoothness * (move**2).sum(-1) + r
        tried = due & (state.led | ~(state.value <= above))
        better = torch.zeros_like(due)
        value = state.value
        if bool(tried.any()):
            at_w = problem.smooth.value(w) + r
            better = tried & torch.isfinite(at_w) & (at_w < value)
            value = torch.where(better, at_w, value)
        x = _chosen(better, w, state.x)
        weight, u = (t**2).squeeze(-1), state.auxiliary + t * move
        again = due & ((-move * (w - state.x)).sum(-1) > 0) if self.restart else torch.zeros_like(due)
        made = due.long()
        following = GuardState(
            x=x,
            base=state.base,
            value=value,
            auxiliary=_chosen(again, x, _chosen(due, u, state.auxiliary)),
            weight=torch.where(again, torch.zeros_like(weight), torch.where(due, weight, state.weight)),
            steps=torch.where(again, torch.zeros_like(made), state.steps + made),
            counted=state.counted + torch.where(state.restarted, torch.zeros_like(made), made),
            restarted=state.restarted | again,
            interval=state.interval,
            wait=state.wait,
            led=state.led | better,
            idle=state.idle,
            evaluations=state.evaluations,
        )
        return following, (0 if first else made) + tried.long()


def _chosen(where: torch.Tensor, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Rows of `one` where `where` (B,) holds and of `other` elsewhere; one of the two tensors itself where it can."""
    if bool(where.all()):
        return one
    return torch.where(where.unsqueeze(-1), one, other) if bool(where.any()) else other
