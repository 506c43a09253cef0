"""Objectives without iterates, and where a run diverges."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.runs.objective_curve import DIVERGED, cut_where_diverged


def test_it_is_the_objective_of_a_rollout() -> None:
    problem = l2o.synthetic.lasso(3, 8, 5, sparsity=2, seed=1)
    start, done = l2o.synthetic.starts(problem, seed=1), []
    curve = l2o.objective_curve(l2o.optimizer("ista"), problem, start, 6, progress=done.append)
    run = l2o.rollout(l2o.optimizer("ista"), problem, start, 6)
    np.testing.assert_allclose(curve.objective, run.objective, rtol=1e-14)
    assert curve.diverged_at.tolist() == [-1] * 3
    assert done == [1, 2, 3, 4, 5, 6]


def test_a_run_in_float32_is_evaluated_in_float64() -> None:
    problem = l2o.synthetic.lasso(2, 8, 5, sparsity=2, seed=1)
    start = l2o.synthetic.starts(problem, seed=1).float()
    single = l2o.objective_curve(l2o.optimizer("ista"), problem.to(torch.float32), start, 4, evaluate_on=problem)
    assert single.objective[:, 0] == pytest.approx(problem.objective(start.double()).numpy(), rel=1e-14)


def test_a_run_that_diverges_does_not_disturb_the_others() -> None:
    """Steps of 3/L on x^2/2 grow by 2; F = 4^k/2 exceeds the limit from the first k with 4^k > 2 DIVERGED on."""
    problem = l2o.quadratic(torch.tensor([[[1.0]], [[1.0]]], dtype=torch.float64), torch.zeros(2, 1).double())
    start = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    curve = l2o.objective_curve(l2o.optimizer("gradient-descent", step=3.0), problem, start, 20)
    first = int(np.ceil(np.log(2 * DIVERGED) / np.log(4)))
    assert curve.diverged_at.tolist() == [first, -1]
    assert np.isnan(curve.objective[0, first:]).all()
    assert np.isfinite(curve.objective[0, :first]).all()
    assert (curve.objective[1] == 0).all()


@pytest.mark.parametrize(
    ("objective", "at"),
    [
        ([1.0, 1e6, 2.0], -1),
        ([1.0, 1.1e6, 2.0], 1),
        ([10.0, 5e6, 2.0], -1),
        ([1.0, np.nan, 1.0], 1),
        ([1.0, np.inf, 1.0], 1),
        ([np.inf, np.inf, 3.0], -1),  # a start outside the domain is no divergence
        ([np.inf, 3.0, np.inf], 2),  # and leaving it again is
        ([np.nan, 1.0, 1.0], 0),
        ([1.0, -1e9, 1.0], -1),
    ],
)
def test_where_a_run_diverges(objective: list[float], at: int) -> None:
    curve, diverged_at = cut_where_diverged(np.array([objective]))
    assert diverged_at.tolist() == [at]
    end = len(objective) if at < 0 else at
    assert curve[0, :end].tolist() == objective[:end]
    assert np.isnan(curve[0, end:]).all()
