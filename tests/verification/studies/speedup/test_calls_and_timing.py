"""Gradient calls are those that are made, and what is timed is what the module says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers.coordinate_descent import CoordinateDescent
from l2obound.verification.studies.speedup import timing
from l2obound.verification.studies.speedup.calls import gradient_calls, probe


@dataclass(frozen=True)
class State:
    x: torch.Tensor
    k: int = 0


@dataclass(frozen=True)
class Twice:
    """Asks at two points, or, with `uneven`, as often as k says."""

    uneven: bool = False
    name: str = "twice"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> State:
        return State(x0)

    def step(self, problem: l2o.Composite, state: State) -> State:
        x = state.x - 0.1 * problem.smooth.gradient(state.x)
        for _ in range(state.k if self.uneven else 1):
            problem.smooth.value(x)
        return State(x, state.k + 1)


@pytest.fixture
def lasso() -> tuple[l2o.Composite, torch.Tensor]:
    p = l2o.synthetic.lasso(3, 8, 10, seed=1)
    return p, l2o.synthetic.starts(p)


@pytest.mark.parametrize(
    ("optimizer", "start", "step"),
    [
        (l2o.optimizer("ista"), 0, 1),
        (l2o.optimizer("fista"), 0, 1),
        (l2o.optimizer("fista-restart"), 0, 1),
        (l2o.optimizer("go-math-l2o"), 1, 1),  # the features are scaled by the gradient at x_0
        (l2o.optimizer("l2o-pa"), 0, 1),
        (Twice(), 0, 2),
        (CoordinateDescent(), 0, 1),
    ],
    ids=lambda v: getattr(v, "name", str(v)),
)
def test_calls_are_counted(optimizer: Any, start: int, step: int, lasso: Any) -> None:
    for steps in (5, 40):
        calls = gradient_calls(optimizer, *lasso, steps)
        np.testing.assert_array_equal(calls, [start + step * np.arange(steps + 1)])


def test_the_calls_of_l_bfgs_are_those_of_its_state() -> None:
    p = l2o.synthetic.quadratic(4, 8, condition=30.0, seed=1)
    x0 = l2o.synthetic.starts(p)
    calls, state = gradient_calls(l2o.optimizer("lbfgs"), p, x0, 6), l2o.optimizer("lbfgs").init(p, x0)
    with torch.no_grad():
        for _ in range(6):
            state = l2o.optimizer("lbfgs").step(p, state)
    assert calls.shape == (4, 7)
    np.testing.assert_array_equal(calls[:, -1], state.evaluations.numpy())
    assert (np.diff(calls) >= 1).all()


def test_steps_that_differ_are_not_extrapolated(lasso: Any) -> None:
    assert len(probe(Twice(uneven=True), *lasso)) == 13
    with pytest.raises(l2o.InputError, match=r"twice: its steps call the gradient 1, 2, .* `evaluations`"):
        gradient_calls(Twice(uneven=True), *lasso, 20)


def test_every_method_is_timed_and_comes_back_from_json(lasso: Any) -> None:
    methods = {"ista": l2o.optimizer("ista"), "cd": CoordinateDescent()}
    cell = timing.measure(methods, *lasso, steps=3, repeats=2)
    for clock in timing.CLOCKS:
        assert set(cell[clock]) == {"L", "ista", "cd"}
        assert all(len(t.start) == len(t.step) == 2 for t in cell[clock].values())
        assert min(cell[clock]["ista"].step) > 0
        assert min(cell[clock]["L"].start) > 0
        assert min(np.add(cell[clock]["cd"].start, cell[clock]["cd"].step)) > 0
    assert timing.from_entries(timing.entries(cell)) == cell


def test_a_start_includes_l_even_where_it_is_known(lasso: Any) -> None:
    """What is timed is a problem of which nothing has been computed."""
    p, _ = lasso
    assert p.smoothness is p.smoothness
    assert "smoothness" not in timing._fresh(p).__dict__
    assert "gram_eigenvalues" not in timing._fresh(p).smooth.map.__dict__


@pytest.mark.parametrize("make", [l2o.synthetic.lasso, l2o.synthetic.quadratic])
def test_scikit_learn_solves_the_same_problem(make: Any) -> None:
    """The compiled solver, given what is timed, ends where coordinate descent ends."""
    from sklearn.linear_model import enet_path

    p = make(2, dim=6, seed=3)
    state = CoordinateDescent().init(p, l2o.synthetic.starts(p))
    for _ in range(3000):
        state = CoordinateDescent().step(p, state)
    a, y, lam = timing._as_lasso(p, 1)
    _, path, _ = enet_path(a, y, l1_ratio=1.0, alphas=[max(lam, 1e-14) / len(y)], tol=1e-14, max_iter=100_000)
    np.testing.assert_allclose(path[:, 0], state.x[1].numpy(), atol=1e-6)


def test_a_solver_that_stops_early_is_timed_as_a_whole() -> None:
    """Where a call runs no epochs, or fewer than its own overhead hides, the whole call is the start."""
    assert timing.start_and_epoch((1.0, 1), (2.0, 101)) == pytest.approx((0.99, 0.01))
    assert timing.start_and_epoch((1.0, 1), (1.1, 3)) == (1.1, 0.0)
    assert timing.start_and_epoch((1.0, 1), (0.9, 101)) == (0.9, 0.0)  # the first call was interrupted
    assert timing.start_and_epoch((1.0, 90), (2.0, 101)) == pytest.approx((0.0, 1 / 11))


def test_a_problem_whose_solution_is_zero_is_timed() -> None:
    """With lam this large rounding decides whether the solver stops at once: both are times."""
    p = l2o.synthetic.lasso(1, 8, 10, lam=50.0, seed=1)
    start, epoch = timing._epochs(p, l2o.synthetic.starts(p), 0, 20)
    assert start >= 0
    assert epoch >= 0
    assert start + epoch > 0
