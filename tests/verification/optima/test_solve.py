"""`solve`: any optimizer until its gap is certified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.problems.nonsmooth import Zero


def lasso() -> l2o.Composite:
    return l2o.synthetic.lasso(3, 20, 40, seed=4)


@pytest.mark.parametrize("name", ["fista-restart", "go-math-l2o"])
def test_it_stops_at_the_certified_gap(name: str) -> None:
    p = lasso()
    optimizer = l2o.optimizer(name) if name == "fista-restart" else l2o.pretrained(name, "lasso")
    result, o = verification.solve(p, optimizer, gap=1e-4), verification.optimum(p, cache=False)
    assert result.certified.all()
    assert (result.gap <= 1e-4).all()
    assert result.reason == (None,) * 3
    assert (result.lower <= o.upper).all()
    assert (p.objective(result.x).numpy() - o.upper <= 1e-4).all()
    assert (p.objective(result.x).numpy() <= result.upper).all()
    last = int(result.iterations.max())
    assert result.proxes == last
    assert last <= result.gradients <= last + 1


def test_it_says_when_the_gap_is_not_reached() -> None:
    p = lasso()
    solution = verification.solve(p, l2o.optimizer("ista"), gap=1e-9, max_steps=20)
    assert not solution.certified.any()
    assert (solution.iterations == 20).all()
    assert all(reason.startswith("after 20 steps the certified gap is") for reason in solution.reason)
    free = l2o.Composite(p.smooth, Zero())
    solution = verification.solve(free, l2o.optimizer("gradient-descent"), gap=1e-9, max_steps=9)
    assert not solution.certified.any()


def test_a_known_radius() -> None:
    p = l2o.synthetic.quadratic(3, 6)
    o = verification.optimum(p, cache=False)
    radius = np.linalg.norm(o.x, axis=1) * 1.01 + 1e-6
    solution = verification.solve(p, l2o.optimizer("nesterov"), gap=1e-5, radius=radius)
    assert solution.certified.all()
    assert (solution.lower <= o.upper).all()


@dataclass(frozen=True)
class _Point:
    x: torch.Tensor
    count: int = 0


class Diverging:
    """Goes to infinity after a few good steps."""

    name = "diverging"

    def init(self, problem, x0, seed=0):
        return _Point(x0)

    def step(self, problem, state):
        step = (1 / problem.smoothness).unsqueeze(-1)
        x = problem.prox(state.x - step * problem.smooth_gradient(state.x), step)
        return _Point(x if state.count < 20 else x * 1e30, state.count + 1)


def test_a_diverging_optimizer_leaves_its_best_point() -> None:
    p = lasso()
    result, o = verification.solve(p, Diverging(), gap=1e-9, max_steps=40), verification.optimum(p, cache=False)
    assert not result.certified.any()
    assert np.isfinite(result.gap).all()
    assert (result.lower <= o.upper).all()


def test_few_points_are_kept() -> None:
    p = lasso()
    solution = verification.solve(p, l2o.optimizer("fista"), gap=1e-3, points=12)
    assert solution.certified.all()
    assert solution.certificate.weights.shape[1] <= 14


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": 0.0}, "gap: expected a number > 0"),
        ({"gap": float("nan")}, "gap: expected"),
        ({"max_steps": 0}, "max_steps: expected an integer >= 1"),
        ({"x0": np.zeros(3)}, "x0"),
    ],
)
def test_wrong_input(options: dict, message: str) -> None:
    with pytest.raises(l2o.InputError, match=message):
        verification.solve(lasso(), l2o.optimizer("ista"), **options)
