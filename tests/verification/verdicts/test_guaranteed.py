"""B16, B17 and B18: verified whatever the base does, not applicable elsewhere; they can fail."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers.accelerated_guard import AcceleratedGuard, GuardState
from l2obound.l2o.optimizers.energy_region import EnergyRegion
from l2obound.l2o.optimizers.go_math_l2o import GoMathL2O
from l2obound.l2o.optimizers.l2o_pa import L2OPAState
from l2obound.l2o.optimizers.momentum_region import MomentumRegion, MomentumState
from l2obound.verification import optimum, verify
from tests.helpers import zoo
from tests.helpers.wild import KINDS, Wild

BOUNDS = {"fista": ("accelerated_guard", "accelerated_guard:weights"), "budget": ("budgeted_deviations",)}
PROBLEMS = ("least-squares + l1", "quadratic + elastic-net", "logistic + box")


def judged(opt: Any, p: l2o.Composite, bound: str, steps: int = 30, certified: Any = None, **record: Any) -> Any:
    certified = optimum(p) if certified is None else certified
    return verify(l2o.rollout(opt, p, zoo.start(p), steps, **record), p, bound, optimum=certified)


@pytest.mark.parametrize("mode", BOUNDS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_verified_whatever_the_base_does(kind: str, mode: str) -> None:
    name = PROBLEMS[KINDS.index(kind) % 3]
    p = zoo.composites()[name]
    certified = optimum(p)
    for bound in BOUNDS[mode]:
        for record in ({}, {"record": "scalars", "comparator": certified.x}):
            v = judged(l2o.guaranteed(Wild(kind, 1), mode=mode), p, bound, certified=certified, **record)
            assert v.overall.name == "VERIFIED", (bound, v.summary())


@pytest.mark.parametrize(("restart", "dtype"), [(False, torch.float32), (True, torch.float64)])
def test_long_runs_that_have_converged_are_verified(restart: bool, dtype: torch.dtype) -> None:
    p = l2o.synthetic.lasso(2, 10, 20, seed=3)
    certified = optimum(p)
    opt = l2o.guaranteed("l2o-pa", restart=restart)
    run = l2o.rollout(opt, p.to(dtype), l2o.synthetic.starts(p).to(dtype), 200)
    for bound in BOUNDS["fista"]:
        assert verify(run, p, bound, optimum=certified).overall.name == "VERIFIED"


def test_runs_from_the_optimum_are_no_violation() -> None:
    p = zoo.composites()["least-squares + l1"]
    certified = optimum(p)
    run = l2o.rollout(l2o.guaranteed(Wild("random", 0)), p, torch.as_tensor(np.array(certified.x)), 10)
    for bound in BOUNDS["fista"]:
        assert verify(run, p, bound, optimum=certified).overall.name != "VIOLATED"


@pytest.mark.parametrize(
    "name",
    [
        *("accelerated_guard", "accelerated_guard:weights", "budgeted_deviations"),
        *("energy_descent", "energy_descent:momentum"),
    ],
)
def test_it_does_not_apply_to_other_runs(name: str) -> None:
    p = zoo.composites()["least-squares + l1"]
    v = judged(l2o.optimizer("fista"), p, name, 5)
    assert v.overall.name == "NOT_APPLICABLE"


def test_it_does_not_apply_where_f_is_not_convex() -> None:
    p = l2o.Composite(zoo.losses()["welsch"], zoo.nonsmooth_terms()["l1"])
    assert judged(l2o.guaranteed("ista"), p, "accelerated_guard", 5).overall.name == "NOT_APPLICABLE"
    assert judged(l2o.guaranteed("go-math-l2o", mode="energy"), p, "energy_descent", 5).overall.name == "VERIFIED"
    momentum = judged(l2o.guaranteed("l2o-pa", mode="energy"), p, "energy_descent:momentum", 5)
    assert momentum.overall.name == "NOT_APPLICABLE"


# Defects


def flat(steps: int) -> tuple[l2o.Composite, torch.Tensor]:
    """Exact steps of 1/L need R^2 L/(4K) here, far more than an accelerated method: a slope without curvature."""
    p = l2o.lasso(np.array([[[1.0, 0.0]]]), np.array([[0.0]]), 1 / (2 * steps))
    return p, torch.tensor([[0.0, 1.0]], dtype=torch.float64)


@dataclasses.dataclass(frozen=True)
class Backwards(AcceleratedGuard):
    """The momentum's sign flipped: y = x - (u - x)/t."""

    def _guard(self, problem: l2o.Composite, state: GuardState, due: torch.Tensor) -> Any:
        flipped = dataclasses.replace(state, auxiliary=2 * state.x - state.auxiliary)
        following, spent = super()._guard(problem, flipped, due)
        own = following.auxiliary + 2 * (state.auxiliary - state.x)
        return dataclasses.replace(following, auxiliary=own), spent


@dataclasses.dataclass(frozen=True)
class Forgetful(AcceleratedGuard):
    """The auxiliary point stays with x: no momentum."""

    def _guard(self, problem: l2o.Composite, state: GuardState, due: torch.Tensor) -> Any:
        following, spent = super()._guard(problem, state, due)
        return dataclasses.replace(following, auxiliary=following.x), spent


@dataclasses.dataclass(frozen=True)
class Boastful(AcceleratedGuard):
    """It counts two steps for one."""

    def step(self, problem: l2o.Composite, state: GuardState) -> GuardState:
        following = super().step(problem, state)
        return dataclasses.replace(following, counted=2 * following.counted - state.counted)


@dataclasses.dataclass(frozen=True)
class Reckless(AcceleratedGuard):
    """It goes to the base's point even where that is worse."""

    def step(self, problem: l2o.Composite, state: GuardState) -> GuardState:
        following = super().step(problem, state)
        return dataclasses.replace(following, x=following.base.x)


STEPS = 60
DEFECTS = {
    Backwards: ("still", "VIOLATED"),
    Forgetful: ("still", "VIOLATED"),
    Reckless: ("still", "VIOLATED"),
    Boastful: ("still", "NOT_APPLICABLE"),
    AcceleratedGuard: ("still", "VERIFIED"),
}


@pytest.mark.parametrize("guard", DEFECTS, ids=lambda kind: kind.__name__)
def test_a_defect_of_the_guard_is_seen(guard: type[AcceleratedGuard]) -> None:
    base, status = DEFECTS[guard]
    p, x0 = flat(STEPS)
    run = l2o.rollout(guard(Wild(base, 0)), p, x0, STEPS)
    for bound in BOUNDS["fista"]:
        assert verify(run, p, bound).overall.name == status


def test_a_budget_that_is_charged_too_little_is_seen() -> None:
    p = zoo.composites()["least-squares + l1"]
    run = l2o.rollout(l2o.guaranteed(Wild("random", 1), mode="budget"), p, zoo.start(p), 10)
    spent = run.scalars["budget"][:, :1] - run.scalars["budget"]
    cheap = dataclasses.replace(run, scalars={"budget": run.scalars["budget"][:, :1] - spent / 2})
    assert verify(run, p, "budgeted_deviations").overall.name == "VERIFIED"
    v = verify(cheap, p, "budgeted_deviations")
    assert v.overall.name == "NOT_APPLICABLE"


@dataclasses.dataclass(frozen=True)
class Outside(EnergyRegion):
    """It declares the energy and leaves the heads where they are."""

    def coefficients(self, raw: Mapping[str, torch.Tensor], x: torch.Tensor, a: torch.Tensor, problem: Any) -> Any:
        r, _, b = GoMathL2O.coefficients(self, raw, x, a, problem)
        return r, torch.full_like(x, 3.0), b


def test_heads_outside_of_the_region_are_seen() -> None:
    p, base = zoo.composites()["least-squares + l1"], l2o.optimizer("go-math-l2o")
    inside, outside = (kind.of(base, 1.0) for kind in (EnergyRegion, Outside))
    assert judged(inside, p, "energy_descent", 20).overall.name == "VERIFIED"
    assert judged(outside, p, "energy_descent", 20).overall.name == "VIOLATED"


class Ahead(MomentumRegion):
    """It declares the energy, and looks three times as far ahead as the region allows."""

    def step(self, problem: l2o.Composite, state: L2OPAState) -> MomentumState:
        following = super().step(problem, state)
        return dataclasses.replace(following, z=following.x + 3 * (following.x - state.x))


def test_momentum_outside_of_the_region_is_seen() -> None:
    p, base = zoo.composites()["least-squares + l1"], l2o.optimizer("l2o-pa")
    inside, outside = (kind.of(base) for kind in (MomentumRegion, Ahead))
    assert judged(inside, p, "energy_descent:momentum", 40).overall.name == "VERIFIED"
    assert judged(outside, p, "energy_descent:momentum", 40).overall.name == "VIOLATED"
    assert judged(inside, p, "energy_descent", 5).overall.name == "NOT_APPLICABLE"


# Many networks


def network(seed: int) -> Any:
    """A random learned optimizer: weights as drawn, far too large, far too small, or one that overflows."""
    rng = np.random.default_rng(seed)
    base = l2o.optimizer(("go-math-l2o", "l2o-pa", "l2o-dm", "l2o-rnnprop")[seed % 4], seed=seed)
    factor = float(rng.choice([1.0, 10.0, 1e3, 1e-3, 1e30, 1e300]))
    weights = {name: factor * w * (1 if rng.random() < 0.7 else -1) for name, w in base.parameters.items()}
    if rng.random() < 0.2:
        weights = {name: torch.full_like(w, float("nan")) for name, w in weights.items()}
    return base.with_parameters(weights)


@functools.cache
def certified_problem(index: int) -> tuple[str, l2o.Composite, Any]:
    name, p = list(zoo.composites().items())[index]
    return name, p, optimum(p)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_a_thousand_networks(part: int) -> None:
    for seed in range(100 * part, 100 * (part + 1)):
        name, p, certified = certified_problem(seed % len(zoo.composites()))
        base = network(seed) if seed % 3 else Wild(KINDS[seed % len(KINDS)], seed)
        if "box" in name or "nonnegative" in name:  # the subgradient methods refuse a set
            base = Wild(KINDS[seed % len(KINDS)], seed)
        x0 = zoo.start(p)
        for mode, names in BOUNDS.items():
            opt = l2o.guaranteed(base, mode=mode, **({"restart": bool(seed % 2)} if mode == "fista" else {}))
            run = l2o.rollout(opt, p, x0, 12)
            assert bool(torch.isfinite(run.x).all()), (seed, name, mode)
            for bound in names:
                v = verify(run, p, bound, optimum=certified)
                assert v.overall.name == "VERIFIED", (seed, name, mode, v.summary())
