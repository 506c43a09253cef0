"""L-BFGS, and a method whose sums overflow."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers.lbfgs import _search
from l2obound.l2o.problems.smooth import LeastSquares
from tests.helpers import zoo

SMOOTH = [name for name in zoo.composites() if name.endswith("+ zero")]


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("memory", [1, 10])
def test_lbfgs_never_increases_and_arrives(name: str, memory: int) -> None:
    p = zoo.composites()[name]
    run = l2o.rollout(l2o.optimizer("lbfgs", memory=memory), p, zoo.start(p, size=10.0), 150)
    assert bool((run.objective.diff(dim=1) <= 0).all())
    # Steps end where differences of F drown in its rounding: at ||g||^2 / L of the size of eps F, and a margin.
    eps, flat = torch.finfo(torch.float64).eps, p.objective(run.x_final).abs() + p.objective(run.x[:, 0]).abs()
    gradient = torch.linalg.vector_norm(p.smooth_gradient(run.x_final), dim=-1)
    assert bool((gradient <= 30 * (eps * flat * p.smoothness).sqrt()).all()), gradient


def test_lbfgs_on_an_ill_conditioned_quadratic() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((3, 20, 20)))[0]
    values = np.logspace(-4, 0, 20)
    q = (basis * values) @ basis.transpose(0, 2, 1)
    x_star = rng.standard_normal((3, 20))
    p = l2o.quadratic(0.5 * (q + q.transpose(0, 2, 1)), np.einsum("bij,bj->bi", q, x_star))
    x0 = zoo.start(p)
    run = l2o.rollout(l2o.optimizer("lbfgs"), p, x0, 400)
    lowest = p.objective(x_star)
    gap = (run.objective - lowest.unsqueeze(1)) / (run.objective[:, :1] - lowest.unsqueeze(1))
    assert bool((run.objective.diff(dim=1) <= 0).all())
    assert float(gap[:, -1].max()) < 1e-9
    slow = l2o.rollout(l2o.optimizer("gradient-descent"), p, x0, 400).objective[:, -1]
    assert bool((run.objective[:, -1] < slow).all())


@dataclasses.dataclass(frozen=True, eq=False)
class Wells(LeastSquares):
    """sum_i x_i^4/4 - x_i^2/2 near the unit box: not convex, with minima at +-1; A and y only carry the shape."""

    @property
    def convex(self) -> bool:
        return False

    @property
    def smoothness(self) -> torch.Tensor:
        return torch.full((self.batch_size,), 11.0, dtype=torch.float64)  # 3 x^2 - 1 up to |x| = 2

    def value(self, x: torch.Tensor) -> torch.Tensor:
        return (x**4 / 4 - x**2 / 2).sum(-1)

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.value(x), x**3 - x


def test_lbfgs_where_f_is_not_convex() -> None:
    base = zoo.smooth_terms()["least-squares"]
    p = l2o.Composite(Wells(base.map, base.target), l2o.zero())
    x0 = 0.3 * torch.sign(zoo.start(p)) + 1e-3 * zoo.start(p)
    run = l2o.rollout(l2o.optimizer("lbfgs"), p, x0, 60)
    assert bool((run.objective.diff(dim=1) <= 0).all())
    torch.testing.assert_close(run.x_final.abs(), torch.ones_like(x0), rtol=1e-7, atol=0)


def test_lbfgs_falls_back_on_gradient_descent_and_rests_at_the_optimum() -> None:
    """A direction too long for 30 halvings, in one instance only; and a start where there is nothing to do."""
    p = zoo.composites()["quadratic + zero"]
    x = zoo.start(p)
    value, gradient = p.smooth.value_and_gradient(x)
    plain = -gradient / p.smoothness.unsqueeze(-1)
    direction = torch.tensor([[1.0], [1e12], [1.0]], dtype=torch.float64) * plain
    result, evaluations = _search(p, x, value, gradient, direction, (gradient * direction).sum(-1))
    torch.testing.assert_close(result, x + plain, rtol=1e-14, atol=0)
    assert evaluations.tolist() == [1, 31, 1]
    q = torch.eye(3, dtype=torch.float64).unsqueeze(0)
    run = l2o.rollout(l2o.optimizer("lbfgs"), l2o.quadratic(q, torch.ones(1, 3)), torch.ones(1, 3), 5)
    assert torch.equal(run.x, torch.ones_like(run.x))


def test_shampoo_whose_sums_overflow_diverges_alone() -> None:
    """An instance of 1e200 is not finite, its neighbour does not notice, and nothing is raised."""
    p, x0 = zoo.problem_for("shampoo"), zoo.start(zoo.problem_for("shampoo"))
    far = x0 * torch.tensor([[1.0], [1e200], [1.0]], dtype=torch.float64)
    run, usual = (l2o.rollout(l2o.optimizer("shampoo"), p, x, 5) for x in (far, x0))
    assert bool(torch.isnan(run.x_final[1]).all())
    assert torch.equal(run.x[[0, 2]], usual.x[[0, 2]])


def test_lbfgs_counts_the_points_it_looked_at() -> None:
    p = zoo.composites()["logistic + zero"]
    opt = l2o.optimizer("lbfgs")
    state = opt.init(p, zoo.start(p))
    assert state.evaluations.tolist() == [1, 1, 1]
    state = opt.step(p, state)
    assert state.evaluations.tolist() == [2, 2, 2], "the step of 1/L is taken as it is"
    alone = opt.init(p.select([2]), zoo.start(p)[2:])
    for _ in range(30):
        state, alone = opt.step(p, state), opt.step(p.select([2]), alone)
    assert int(state.evaluations[2]) >= 31
