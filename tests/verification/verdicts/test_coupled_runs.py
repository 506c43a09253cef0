"""Verdicts on runs with a term that is not separable: g_k is held against the nearest subgradient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.problems import Composite
from l2obound.l2o.problems.nonsmooth import GroupL1
from l2obound.verification import verify
from l2obound.verification.runs.inspection import Inspection, inspect_run
from tests.helpers import zoo

CHANGES = {"plain": lambda p: p, **zoo.CHANGES}
TERMS = zoo.coupled_terms()


def problem(name: str) -> Composite:
    return Composite(zoo.smooth_terms()["least-squares"], TERMS[name])


def violated(inspection: Inspection) -> set[str]:
    return {check.name for check in inspection.checks if not check.holds.all()}


def sound_runs(name: str, change: str, steps: int, methods: tuple[str, ...] = ("ista", "fista")) -> None:
    """Of prox methods, which record the implicit subgradient, and of iterates of anybody's code."""
    p = CHANGES[change](problem(name))
    for method in methods:
        run = l2o.rollout(l2o.optimizer(method), p, p.prox(l2o.synthetic.starts(p), 1.0), steps)
        assert violated(inspect_run(run, p)) == set()
        assert violated(inspect_run(l2o.run_from_iterates(p, run.x), p)) == set()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param(name, change, marks=[pytest.mark.slow] * ((i + (change == "plain")) % 2))
        for i, name in enumerate(TERMS)
        for change in ("plain", list(zoo.CHANGES)[i % 4])
    ],
)
def test_sound_runs_have_no_violated_data(name: str, change: str) -> None:
    """Plainly with one method, and under one change of variables, another one for each term, with the other."""
    sound_runs(name, change, 60, ("ista",) if change == "plain" else ("fista",))


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", TERMS)
def test_sound_runs_have_no_violated_data_whatever_the_change(name: str, change: str) -> None:
    sound_runs(name, change, 200)


@pytest.mark.parametrize("name", TERMS)
def test_runs_of_learned_optimizers_with_one_step_per_instance(name: str) -> None:
    """A preconditioner of different numbers is taken by the simplex and the ball; group l1 refuses it in words."""
    p = problem(name)

    class Diagonal:
        name = "diagonal"

        def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> State:
            return State(x0)

        def step(self, problem: Composite, state: State) -> State:
            p = torch.linspace(0.2, 1.0, 5, dtype=torch.float64) / problem.smoothness[:, None]
            argument = state.x - p * problem.smooth_gradient(state.x)
            return State(problem.prox(argument, p), argument, p)

    x0 = p.prox(l2o.synthetic.starts(p), 1.0)
    if isinstance(p.nonsmooth, GroupL1):
        with pytest.raises(l2o.InputError, match="one step per group"):
            l2o.rollout(Diagonal(), p, x0, 5)
        return
    run = l2o.rollout(Diagonal(), p, x0, 100)
    assert violated(inspect_run(run, p)) == set()
    assert float(run.bias.abs().max()) <= 1e-13


class State:
    def __init__(self, x: torch.Tensor, argument: torch.Tensor | None = None, p: torch.Tensor | None = None):
        self.x, self.prox_argument, self.preconditioner = x, argument, p


@pytest.mark.parametrize("change", ["all", pytest.param("plain", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("steps", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_bounds_are_verified(name: str, change: str, steps: int) -> None:
    p = CHANGES[change](problem(name))
    run = l2o.rollout(l2o.optimizer("ista"), p, p.prox(l2o.synthetic.starts(p), 1.0), steps)
    for bound in ("per_step_descent", "ood_per_step", "ood_last_iterate", "ind_rate", "nonconvex_stationarity"):
        assert ": VERIFIED" in verify(run, p, bound).summary(), bound


@pytest.mark.parametrize("name", [n for n, f in zoo.losses().items() if not f.convex])
def test_bounds_for_convex_problems_do_not_apply_to_others(name: str) -> None:
    p = Composite(zoo.losses()[name], l2o.l1(0.02))
    run = l2o.rollout(l2o.optimizer("ista"), p, l2o.synthetic.starts(p), 25)
    assert violated(inspect_run(run, p)) == set()
    assert ": VERIFIED" in verify(run, p, "nonconvex_stationarity").summary()
    for bound in ("ood_last_iterate", "ind_rate", "strong_convexity"):
        assert ": NOT APPLICABLE" in verify(run, p, bound).summary(), bound


@pytest.mark.parametrize("change", ["plain", "all"])
@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize(("steps", "draws"), [(8, 8), pytest.param(20, 20, marks=pytest.mark.slow)])
def test_a_wrong_subgradient_is_found(name: str, change: str, steps: int, draws: int) -> None:
    """At step 6, off by 1e-9 into a direction that leaves the subdifferential."""
    p = CHANGES[change](problem(name))
    run = l2o.rollout(l2o.optimizer("ista"), p, p.prox(l2o.synthetic.starts(p), 1.0), steps)
    x, g = run.x[:, 6], run.subgradient[:, 5]
    rng = np.random.default_rng(0)
    result = np.zeros(3, dtype=bool)
    for _ in range(draws):
        wrong = g + 1e-9 * torch.as_tensor(rng.standard_normal((3, 5)))
        away = torch.linalg.vector_norm(wrong - p.nonsmooth.nearest_subgradient(x, wrong), dim=-1).numpy()
        planted = run.subgradient.clone()
        planted[:, 5] = wrong
        check = next(c for c in inspect_run(replace(run, subgradient=planted), p).checks if c.name == "subgradient")
        assert check.holds[:, [*range(5), *range(6, steps)]].all()
        assert not check.holds[away > 1e-10, 5].any()
        assert check.holds[away < 1e-13, 5].all()
        result |= ~check.holds[:, 5]
    assert result.any()


def test_a_wrong_prox_is_found() -> None:
    """A projection that forgets the metric: what it implies is no element of the normal cone."""

    class Careless:
        name = "careless"

        def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> State:
            return State(x0)

        def step(self, problem: Composite, state: State) -> State:
            p = torch.linspace(0.2, 1.0, 5, dtype=torch.float64) / problem.smoothness[:, None]
            argument = state.x - p * problem.smooth_gradient(state.x)
            return State(problem.prox(argument, 1.0), argument, p)

    for name in ("simplex", "l2-ball-per-instance"):
        p = problem(name)
        run = l2o.rollout(Careless(), p, p.prox(l2o.synthetic.starts(p), 1.0), 10)
        assert "subgradient" in violated(inspect_run(run, p))
