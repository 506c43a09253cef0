"""AdaPG and Anderson acceleration: what their theorems promise of every step, held against minimisers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.optimizers.anderson import Anderson
from l2obound.l2o.optimizers.evaluations import counted
from l2obound.l2o.problems.smooth import LeastSquares

FAMILIES: dict[str, Callable[[], l2o.Composite]] = {
    "lasso": lambda: l2o.synthetic.lasso(8, 10, 20, seed=3),
    "logistic": lambda: l2o.synthetic.logistic_l1(8, 30, 8, lam=0.02, seed=3),
    "quadratic": lambda: l2o.synthetic.quadratic(8, 12, condition=1e3, seed=3),
    "huber": lambda: l2o.synthetic.huber_l1(8, 15, 10, seed=3),
    "simplex": lambda: l2o.synthetic.simplex_least_squares(8, 10, 12, seed=3),
}
ROUNDING = 1e-7  # of the quantity at the start: minimisers are known to the root of the rounding of F


@cache
def case(family: str) -> tuple[l2o.Composite, torch.Tensor, torch.Tensor]:
    """A problem, starts in the domain of r, and minimisers as far as one can tell."""
    p = FAMILIES[family]()
    x0 = p.prox(l2o.synthetic.starts(p, shift=1.0), 1e-9)
    return p, x0, torch.as_tensor(verification.optimum(p).x)


def path(optimizer: Any, p: l2o.Composite, x0: torch.Tensor, steps: int) -> list[Any]:
    states = [optimizer.init(p, x0)]
    for _ in range(steps):
        states.append(optimizer.step(p, states[-1]))
    return states


def energies(optimizer: Any, family: str, weight: float = 0.5, steps: int = 150) -> torch.Tensor:
    """(B,K) U_1, ..., U_K; the theorem's `weight` of the last displacement is 1/2."""
    p, x0, z = case(family)
    lowest, states = p.objective(z), path(optimizer, p, x0, steps)
    out = []
    for before, now in pairwise(states):
        p_k, ratio = now.preconditioner[:, 0], now.ratio[:, 0]
        distance, moved = ((now.x - z) ** 2).sum(1), ((now.x - before.x) ** 2).sum(1)
        out.append(distance / 2 + weight * moved + p_k * (1 + 1.5 * ratio) * (p.objective(before.x) - lowest))
    return torch.stack(out, dim=1)


@pytest.mark.parametrize("first", [None, 1e-3, 100.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_energy_of_adapg_never_rises(family: str, first: float | None) -> None:
    energy = energies(l2o.optimizer("adapg", initial_step=first), family)
    assert bool((energy.diff(dim=1) <= ROUNDING * energy[:, :1]).all())


def test_a_smaller_weight_in_the_energy_is_refuted() -> None:
    energy = energies(l2o.optimizer("adapg", initial_step=100.0), "logistic", weight=0.25)
    assert float((energy.diff(dim=1) / energy[:, :1]).max()) > 0.05


@dataclass(frozen=True)
class TooLong:
    """AdaPG whose steps grow by twice as much."""

    def init(self, problem, x0, seed=0):
        return l2o.optimizer("adapg").init(problem, x0)

    def step(self, problem, state):
        ratio = 4 * state.ratio + 2  # sqrt(2/3 + this) is twice sqrt(2/3 + ratio)
        return l2o.optimizer("adapg").step(problem, replace(state, ratio=ratio))


def test_steps_that_grow_too_fast_raise_the_energy() -> None:
    rises = [float((e.diff(dim=1) / e[:, :1]).max()) for e in (energies(TooLong(), f) for f in FAMILIES)]
    assert max(rises) > 1e-3


@pytest.mark.parametrize("first", [None, 1e-3])
@pytest.mark.parametrize("family", FAMILIES)
def test_adapg_is_within_its_rate(family: str, first: float | None) -> None:
    p, x0, z = case(family)
    optimizer = l2o.optimizer("adapg", initial_step=first)
    states = path(optimizer, p, x0, 60)
    gap = torch.stack([p.objective(s.x) - p.objective(z) for s in states], dim=1)
    steps = torch.stack([s.preconditioner[:, 0] for s in states[1:]], dim=1).cumsum(1)
    bound = energies(optimizer, family, steps=1) / steps[:, 1:]  # of the best of x_0, ..., x_k, k = 1, 2, ...
    least = gap.cummin(dim=1).values[:, 1:-1]
    assert bool((least <= bound[:, : least.shape[1]] + ROUNDING).all())
    if family == "huber":
        assert float((least / bound[:, : least.shape[1]]).max()) > 0.3, "it says something"


class OverstatedL(LeastSquares):
    """Least squares that declares a hundred times its L."""

    @property
    def smoothness(self) -> torch.Tensor:
        return 100 * super().smoothness


def test_adapg_needs_no_smoothness_constant() -> None:
    p, x0, _ = case("lasso")
    overstated = l2o.Composite(OverstatedL(p.smooth.map, p.smooth.target), p.nonsmooth)
    assert torch.equal(overstated.smoothness, 100 * p.smoothness)
    optimizer = l2o.optimizer("adapg", initial_step=0.01)
    assert torch.equal(l2o.rollout(optimizer, overstated, x0, 30).x, l2o.rollout(optimizer, p, x0, 30).x)
    # ISTA, which believes it, is far behind
    gap = [l2o.rollout(o, overstated, x0, 200).objective[:, -1] for o in (optimizer, l2o.optimizer("ista"))]
    lowest = torch.as_tensor(verification.optimum(p).lower)
    assert bool((100 * (gap[0] - lowest) < gap[1] - lowest).all())


def test_where_f_is_linear_the_steps_grow_and_stay_finite() -> None:
    p = l2o.Composite(l2o.quadratic([[[0.0]]], [[-1.0]]).smooth, l2o.nonnegative())
    run = l2o.rollout(l2o.optimizer("adapg", initial_step=1e-3), p, [[1e3]], 400)
    assert float(run.objective[0, -1]) == 0
    assert bool(torch.isfinite(run.preconditioner).all())


@pytest.mark.parametrize("step", [-1.0, 0.0, float("nan"), [0.1, 0.2]])
def test_the_first_step_is_positive_and_of_each_instance(step: Any) -> None:
    p, x0, _ = case("lasso")
    with pytest.raises(l2o.InputError, match="initial_step"):
        l2o.optimizer("adapg", initial_step=step).init(p, x0)


def excess(optimizer: Any, family: str, steps: int = 60) -> float:
    """By how much a step exceeds min over s of (1 - s) delta + L s^2 R^2/2, at most, over F at the start."""
    p, x0, z = case(family)
    states = path(optimizer, p, x0, steps)
    gap = torch.stack([p.objective(s.x) - p.objective(z) for s in states], dim=1)
    radius = torch.stack([((s.x - z) ** 2).sum(1) for s in states], dim=1)
    half = 0.5 * p.smoothness[:, None] * radius
    share = (gap / (2 * half)).nan_to_num().clamp(0, 1)  # 0/0 at z
    promised = (1 - share) * gap + half * share**2
    return float(((gap[:, 1:] - promised[:, :-1]) / gap[:, :1]).max())


@pytest.mark.parametrize("memory", [1, 5, 10])
@pytest.mark.parametrize("family", FAMILIES)
def test_anderson_keeps_the_promise_of_proximal_gradient(family: str, memory: int) -> None:
    optimizer = l2o.optimizer("anderson", memory=memory)
    assert excess(optimizer, family) <= ROUNDING
    p, x0, _ = case(family)
    values = torch.stack([p.objective(s.x) for s in path(optimizer, p, x0, 60)], dim=1)
    assert bool((values.diff(dim=1) <= 1e-12 * values[:, :1].abs()).all())


class Unguarded(Anderson):
    """Every point that is tried is taken."""

    def step(self, problem, state):
        return super().step(SimpleNamespace(smooth=AlwaysLow(problem.smooth), nonsmooth=problem.nonsmooth), state)


@dataclass(frozen=True)
class AlwaysLow:
    """A smooth term that calls every point good of which the value alone is asked for."""

    term: Any

    def value_and_gradient(self, x):
        return self.term.value_and_gradient(x)

    def value(self, x):
        return torch.full_like(x[:, 0], -torch.inf)


def test_without_the_safeguard_the_promise_is_broken() -> None:
    assert max(excess(Unguarded(5), f) for f in FAMILIES) > 1e-3


@pytest.mark.parametrize("family", ["quadratic", "logistic"])
def test_anderson_is_sooner_there_than_ista(family: str) -> None:
    p, x0, _ = case(family)
    lowest = torch.as_tensor(verification.optimum(p).lower)
    gap = {n: l2o.rollout(l2o.optimizer(n), p, x0, 150).objective[:, -1] - lowest for n in ("anderson", "ista")}
    assert float(gap["anderson"].median()) < 1e-3 * float(gap["ista"].median())


def test_evaluations_are_counted() -> None:
    """At every point where f is asked for, once."""
    for b in range(3):
        p, x0, _ = case("lasso")
        p, x0 = p.select([b]), x0[b : b + 1]
        optimizer = l2o.optimizer("anderson")
        seen, calls = counted(p)
        state, rejected = optimizer.init(seen, x0), 0
        for _ in range(40):
            state = optimizer.step(seen, state)
            rejected += int(not state.looked)
            assert int(state.evaluations) == calls.calls
        assert rejected > 1, "the first step tries nothing; others are refused"


@pytest.mark.parametrize("memory", [0, 1.5, True])
def test_the_memory_is_a_number_of_changes(memory: Any) -> None:
    with pytest.raises(l2o.InputError, match="memory: expected an integer"):
        l2o.optimizer("anderson", memory=memory)
