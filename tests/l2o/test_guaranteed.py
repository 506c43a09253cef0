"""Optimizers with a guarantee: whatever the base does, the guard's promise holds, at the cost that is counted."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o import InputError
from l2obound.l2o.optimizers.energy_region import squashed
from l2obound.l2o.optimizers.momentum_region import pull_inside, step_inside
from tests.helpers import zoo
from tests.helpers.wild import KINDS, Wild

LASSO = l2o.synthetic.lasso(3, 20, 40, seed=5)
START = l2o.synthetic.starts(LASSO, seed=1)
BASES = [Wild(kind, 0) for kind in KINDS]


def values(opt: Any, problem: l2o.Composite, x0: torch.Tensor, steps: int) -> tuple[l2o.Run, torch.Tensor]:
    """The run, and the least F (B,K+1) of the points that the base has made so far."""
    state, least = opt.init(problem, x0), []
    run = l2o.rollout(opt, problem, x0, steps)
    for _ in range(steps):
        state = opt.step(problem, state)
        least.append(problem.objective(state.base.x).nan_to_num(nan=np.inf))
    return run, torch.stack(least, 1).cummin(1).values


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("problem", ["least-squares + l1", "logistic + box"])
def test_the_guard_is_never_worse_than_the_base_nor_than_before(problem: str, restart: bool) -> None:
    p = zoo.composites()[problem]
    for base in BASES:
        run, least = values(l2o.guaranteed(base, restart=restart), p, zoo.start(p), 15)
        assert bool(torch.isfinite(run.x).all())
        assert bool((run.objective[:, 1:] <= least + 1e-12 * least.abs()).all())
        assert bool((run.objective.diff(dim=1) <= 1e-12 * run.objective[:, 1:].abs()).all())


def test_the_base_goes_on_untouched() -> None:
    base = l2o.pretrained("go-math-l2o", "lasso")
    opt, alone = l2o.guaranteed(base), l2o.rollout(base, LASSO, START, 30)
    state = opt.init(LASSO, START)
    for k in range(30):
        state = opt.step(LASSO, state)
        assert torch.equal(state.base.x, alone.x[:, k + 1])


def test_the_guard_alone_is_monotone_fista() -> None:
    """With a base that stays at x_0 it makes, but for the steps that it leaves out at first, one step in each."""
    run = l2o.rollout(l2o.guaranteed(Wild("still", 0)), LASSO, START, 40)
    made = run.scalars["guard_count"].diff(dim=1)
    assert bool((made[:, 5:] == 1).all())
    plain = l2o.rollout(l2o.optimizer("fista"), LASSO, START, 36)
    assert bool((run.objective[:, -1] <= 1.5 * plain.objective[:, -1]).all())


def test_the_guard_steps_less_where_the_model_leads_and_more_where_it_does_not() -> None:
    leads = l2o.rollout(l2o.guaranteed(l2o.pretrained("l2o-pa", "lasso")), LASSO, START, 20)
    missing = l2o.rollout(l2o.guaranteed(Wild("nan", 0)), LASSO, START, 80)
    assert float(leads.scalars["guard_count"][:, -1].max()) <= 5
    assert float(missing.scalars["guard_count"][:, -1].min()) >= 75


def test_a_base_that_is_lost_later_is_noticed_within_a_few_steps() -> None:
    base = Wild("late nan", 0)  # good for six steps
    made = l2o.rollout(l2o.guaranteed(base), LASSO, START, 40).scalars["guard_count"]
    assert bool((made[:, 20:].diff(dim=1) == 1).all())


def test_a_restart_ends_the_count_of_the_bound_from_the_start() -> None:
    free, restarted = (
        l2o.rollout(l2o.guaranteed(Wild("still", 0), restart=r), LASSO, START, 200).scalars["guard_count"]
        for r in (False, True)
    )
    assert bool((restarted[:, -1] < free[:, -1]).all())
    assert bool((restarted.diff(dim=1) >= 0).all())
    last = l2o.rollout(l2o.optimizer("fista-restart"), LASSO, START, 700).objective[:, -1]
    fast = l2o.rollout(l2o.guaranteed(Wild("still", 0), restart=True), LASSO, START, 200).objective[:, -1]
    assert bool((fast - last <= 1e-9 * last).all()), "the guard keeps the speed of restarted FISTA"


class Counting(l2o.problems.smooth.LeastSquares):
    """Counts how often it is asked for f or its gradient."""

    calls: ClassVar[list[int]] = [0]

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        self.calls[0] += 1
        return super().value_and_gradient(x)

    def value(self, x: torch.Tensor) -> torch.Tensor:
        self.calls[0] += 1
        return super().value(x)

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        self.calls[0] += 1
        return super().gradient(x)


@pytest.mark.parametrize(("options", "base"), [({}, "go-math-l2o"), ({}, "fista"), ({"mode": "budget"}, "go-math-l2o")])
def test_what_is_counted_is_what_is_computed(options: dict[str, Any], base: str) -> None:
    """One instance in a run: a state's count is the calls of a problem that remembers its last points."""
    one = LASSO.select([0])
    p = l2o.Composite(Counting(one.smooth.map, one.smooth.target), one.nonsmooth)
    opt, remembering = l2o.guaranteed(base, **options), p.remembering()
    Counting.calls[0] = 0
    state = opt.init(remembering, START[:1])
    for _ in range(40):
        state = opt.step(remembering, state)
        assert int(state.evaluations[0]) == Counting.calls[0]


def test_in_distribution_the_guard_costs_little() -> None:
    opt = l2o.guaranteed(l2o.pretrained("go-math-l2o", "lasso"))
    state = opt.init(LASSO, START)
    for _ in range(40):
        state = opt.step(LASSO, state)
    assert int(state.evaluations.max()) <= 41 + 14


@pytest.mark.parametrize("base", [*BASES, "l2o-pa", "adam"], ids=str)
@pytest.mark.parametrize("problem", ["least-squares + l1", "quadratic + box"])
def test_deviations_stay_within_the_budget(problem: str, base: Any) -> None:
    if base == "adam" and problem.endswith("box"):
        base = "ista"
    p = zoo.composites()[problem]
    run = l2o.rollout(l2o.guaranteed(base, mode="budget", budget=0.7, radius=[1.0, 2.0, 0.5]), p, zoo.start(p), 20)
    size = torch.linalg.vector_norm(run.deviation, dim=-1).sum(1)
    assert bool(torch.isfinite(run.x).all())
    assert bool((size <= 0.7 * torch.tensor([1.0, 2.0, 0.5]) * (1 + 1e-9) + 1e-9).all())
    spent = run.scalars["budget"][:, 0] - run.scalars["budget"][:, -1]
    assert bool((size <= spent * (1 + 1e-9) + 1e-9).all())


def test_a_budget_that_is_large_enough_changes_nothing() -> None:
    base = l2o.pretrained("go-math-l2o", "lasso")
    alone = l2o.rollout(base, LASSO, START, 30)
    guarded = l2o.rollout(l2o.guaranteed(base, mode="budget", budget=1e6), LASSO, START, 30)
    assert torch.equal(guarded.x, alone.x)


@pytest.mark.parametrize("base", BASES, ids=str)
def test_descent_is_the_safeguard(base: Wild) -> None:
    one = l2o.rollout(l2o.guaranteed(base, mode="descent"), LASSO, START, 10)
    two = l2o.rollout(l2o.optimizer("safeguarded", base=base), LASSO, START, 10)
    assert torch.equal(one.x, two.x)
    assert bool((one.objective.diff(dim=1) <= 0).all())


def in_region(r: torch.Tensor, q: torch.Tensor, b: torch.Tensor, a: float) -> torch.Tensor:
    first, second = 1 / r - 0.5 - a / 2 * (1 - b) ** 2, a / 2 * (1 - b**2)
    mixed = (q / r + a * b * (1 - b)) / 2
    return (r > 0) & (b >= 0) & (b < 1) & (first >= 0) & (first * second >= mixed**2)


@pytest.mark.parametrize("a", [0.1, 1.0, 5.0])
def test_heads_are_moved_into_the_region_and_left_alone_inside(a: float) -> None:
    generator = torch.Generator().manual_seed(0)
    r, q, b = (scale * torch.rand(4000, generator=generator, dtype=torch.float64) for scale in (3, 3, 1.2))
    q, inside = q - 1, in_region(r, q - 1, b, a)
    new = squashed(r, q, b, a)
    assert bool(in_region(*new, a).all())
    assert 0 < int(inside.sum()) < 4000
    for before, after in zip((r, q, b), new, strict=True):
        torch.testing.assert_close(after[inside], before[inside], rtol=1e-5, atol=1e-5)
    odd = torch.tensor([np.nan, np.inf, -np.inf, 1.0, 1.0], dtype=torch.float64)
    assert bool(in_region(*squashed(odd, odd.roll(1), odd.roll(2), a), a).all())


@pytest.mark.parametrize("problem", ["least-squares + l1", "welsch + l1", "sigmoid-loss + box"])
def test_the_energy_never_rises(problem: str) -> None:
    """Convex f and f that are not, random weights, and weights that are a hundred times and 1e300 times as large."""
    terms = {**zoo.smooth_terms(), **zoo.losses()}
    f, r = problem.split(" + ")
    p = l2o.Composite(terms[f], zoo.nonsmooth_terms()[r])
    for seed in range(2):
        for factor in (1.0, 100.0, 1e300):
            base = l2o.optimizer("go-math-l2o", seed=seed)
            wild = base.with_parameters({name: factor * w for name, w in base.parameters.items()})
            run = l2o.rollout(l2o.guaranteed(wild, mode="energy", energy=0.7), p, zoo.start(p), 30)
            total = run.objective + run.scalars["energy"]
            assert bool(torch.isfinite(run.x).all())
            assert bool((total.diff(dim=1) <= 1e-13 * (1 + total[:, 1:].abs())).all())


def test_momentum_is_moved_into_the_region_and_left_alone_inside() -> None:
    generator = torch.Generator().manual_seed(0)
    p, a = 2 * torch.rand(4000, generator=generator, dtype=torch.float64), torch.linspace(-2, 2, 4000).double()
    inside = (p > 0) & (p <= 1) & (2 * (1 - a**2) >= (1 / p - 1) * a**2)
    pull = pull_inside(a)
    step = step_inside(p, pull)
    assert bool(((step > 0) & (step <= 1) & (2 * (1 - pull**2) >= (1 / step - 1) * pull**2)).all())
    assert 0 < int(inside.sum()) < 4000
    torch.testing.assert_close(pull[inside], a[inside], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(step[inside], p[inside], rtol=1e-5, atol=1e-5)
    odd = torch.tensor([np.nan, np.inf, -np.inf, 1.0], dtype=torch.float64)
    assert pull_inside(odd).tolist()[:3] == [0.0] * 3
    assert step_inside(odd, torch.zeros_like(odd)).tolist()[:3] == [1.0] * 3


def test_fista_is_in_the_momentum_region() -> None:
    """Its momenta are left alone, and its energy falls although its objective does not."""
    t, pulls = 1.0, []
    for _ in range(100):
        after = 0.5 * (1 + (1 + 4 * t**2) ** 0.5)
        pulls.append((t - 1) / after)
        t = after
    a = torch.tensor(pulls, dtype=torch.float64)
    assert torch.equal(pull_inside(a), a)
    assert torch.equal(step_inside(torch.ones_like(a), a), torch.ones_like(a))


@pytest.mark.parametrize("problem", ["least-squares + l1", "logistic + box", "huber + l1"])
def test_the_energy_of_momentum_never_rises(problem: str) -> None:
    """Random weights, and weights a hundred times and 1e300 times as large."""
    terms = {**zoo.smooth_terms(), **zoo.losses()}
    f, r = problem.split(" + ")
    p = l2o.Composite(terms[f], zoo.nonsmooth_terms()[r])
    for seed in range(2):
        for factor in (1.0, 100.0, 1e300):
            base = l2o.optimizer("l2o-pa", seed=seed)
            wild = base.with_parameters({name: factor * w for name, w in base.parameters.items()})
            run = l2o.rollout(l2o.guaranteed(wild, mode="energy"), p, zoo.start(p), 40)
            total = run.objective + run.scalars["motion"]
            assert bool(torch.isfinite(run.x).all())
            assert bool((total.diff(dim=1) <= 1e-13 * (1 + total[:, 1:].abs())).all())


def test_in_its_region_the_shipped_l2o_pa_stays_ahead_of_fista() -> None:
    opt = l2o.guaranteed(l2o.pretrained("l2o-pa", "lasso"), mode="energy")
    ours, fista = (l2o.rollout(o, LASSO, START, 20).objective[:, -1] for o in (opt, l2o.optimizer("fista")))
    assert bool((ours < fista).all())


WRONG = {
    "mode": (lambda: l2o.guaranteed("ista", mode="fast"), "mode: expected one of fista, budget, descent, energy"),
    "restart": (lambda: l2o.guaranteed("ista", restart=1), "restart: expected True or False"),
    "another mode's": (
        lambda: l2o.guaranteed("ista", mode="descent", restart=True),
        'restart: it belongs to mode "fista"',
    ),
    "base": (lambda: l2o.guaranteed(3), "base: expected the name"),
    "energy of ista": (
        lambda: l2o.guaranteed("ista", mode="energy"),
        'mode "energy" needs an l2o-pa, or a go-math-l2o',
    ),
    "energy with a bias": (
        lambda: l2o.guaranteed(l2o.optimizer("go-math-l2o", b3_norm="sigmoid"), mode="energy"),
        "without b3 and b4",
    ),
    "energy with an offset": (
        lambda: l2o.guaranteed(l2o.optimizer("l2o-pa", b1_norm="sigmoid"), mode="energy"),
        "needs an l2o-pa with the heads p and a, got p, a, b1",
    ),
    "energy of momentum": (
        lambda: l2o.guaranteed("l2o-pa", mode="energy", energy=0.5),
        "energy: of an l2o-pa it is 1, got 0.5",
    ),
    "no energy": (lambda: l2o.guaranteed("go-math-l2o", mode="energy", energy=0.0), "energy: expected a number in"),
    "budget": (lambda: l2o.guaranteed("ista", mode="budget", budget=-1.0).init(LASSO, START), "budget: "),
    "radius": (
        lambda: l2o.guaranteed("ista", mode="budget", radius=[1.0, 2.0]).init(LASSO, START),
        r"radius: expected a scalar or \(3,\)",
    ),
    "a state that cannot move": (
        lambda: l2o.guaranteed(Opaque(), mode="budget").init(LASSO, START),
        "no dataclass with a field x",
    ),
}


class Opaque:
    """An optimizer whose state is no dataclass."""

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return type("S", (), {"x": x0})()

    def step(self, problem: l2o.Composite, state: Any) -> Any:
        return state


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_said(what: str) -> None:
    make, message = WRONG[what]
    with pytest.raises(InputError, match=message):
        make()


def test_the_guard_takes_a_base_whose_state_cannot_move() -> None:
    run = l2o.rollout(l2o.guaranteed(Opaque()), LASSO, START, 5)
    assert bool((run.objective[:, -1] < run.objective[:, 0]).all())


def test_the_registry_makes_it_from_options() -> None:
    opt = l2o.optimizer("guaranteed", base="l2o-pa", mode="budget", budget=3.0)
    assert dataclasses.asdict(dataclasses.replace(opt, base="ista"))["mode"] == "budget"
    assert isinstance(opt.base, type(l2o.optimizer("l2o-pa")))


def test_what_a_state_says_of_itself_is_kept_cut_and_saved(tmp_path: Any) -> None:
    run = l2o.rollout(l2o.guaranteed("ista"), LASSO, START, 12)
    assert run.head(5).scalars["guard_count"].shape == (3, 6)
    run.save(tmp_path / "run.npz")
    assert torch.equal(l2o.Run.load(tmp_path / "run.npz").scalars["guard_count"], run.scalars["guard_count"])
