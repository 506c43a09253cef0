"""Coordinate descent against certified optima, batch against loop, and the sweep that knows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers.coordinate_descent import CoordinateDescent
from l2obound.l2o.runs.objective_curve import objective_curve
from l2obound.verification.optima import optimum
from l2obound.verification.sweeps import load_sweep, run_sweep
from tests.helpers import zoo
from tests.helpers.sampling import one_in

PROBLEMS = {
    "lasso": lambda: l2o.synthetic.lasso(3, 12, 20, seed=4),
    "tall": lambda: l2o.synthetic.lasso(3, 20, 12, seed=4),
    "shared A": lambda: l2o.lasso(np.random.default_rng(0).standard_normal((8, 10)), np.eye(8)[:3], [0.1, 0.2, 0.0]),
    "quadratic": lambda: l2o.synthetic.quadratic(3, 10, condition=20.0, seed=4),
    "elastic net": lambda: l2o.Composite(
        l2o.synthetic.lasso(3, 12, 20, seed=4).smooth, l2o.elastic_net([0.1, 0.2, 0.3], 0.1)
    ),
    "box": lambda: l2o.Composite(
        l2o.synthetic.quadratic(3, 10, condition=20.0, seed=4).smooth, l2o.box(-np.linspace(0.1, 1, 10), 0.5)
    ),
}


@pytest.mark.parametrize("name", one_in(2, PROBLEMS))
def test_it_reaches_the_certified_optimum_and_never_goes_up(name: str) -> None:
    p = PROBLEMS[name]()
    start = p.nonsmooth.prox(l2o.synthetic.starts(p, seed=1), torch.ones(3, 1, dtype=torch.float64))
    run, o = objective_curve(CoordinateDescent(), p, start, 800), optimum(p, cache=False)
    assert (run.diverged_at == -1).all()
    scale = 1 + np.abs(o.upper)
    assert (run.objective[:, -1] - o.lower <= 1e-9 * scale).all()
    assert (np.diff(run.objective) <= 1e-12 * scale[:, None]).all()


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_batch_is_a_loop_over_its_instances(name: str) -> None:
    p = PROBLEMS[name]()
    x0 = l2o.synthetic.starts(p, seed=1)
    method = CoordinateDescent()

    def run(problem: l2o.Composite, x: torch.Tensor) -> torch.Tensor:
        state = method.init(problem, x)
        for _ in range(4):
            state = method.step(problem, state)
        return state.x

    alone = torch.cat([run(p.select([b]), x0[b : b + 1]) for b in range(3)])
    torch.testing.assert_close(run(p, x0), alone, rtol=1e-12, atol=1e-12)


def test_an_epoch_is_the_loop_written_out() -> None:
    p = l2o.synthetic.lasso(1, 6, 9, lam=0.1, seed=2)
    a, y = (v[0].numpy() for v in p.smooth.arrays().values())
    x = l2o.synthetic.starts(p, seed=2)
    state = CoordinateDescent().step(p, CoordinateDescent().init(p, x))
    expected = x[0].numpy().copy()
    for i in range(9):
        others = y - a @ expected + a[:, i] * expected[i]
        z = a[:, i] @ others
        expected[i] = np.sign(z) * max(abs(z) - 0.1, 0) / (a[:, i] @ a[:, i])
    np.testing.assert_allclose(state.x[0].numpy(), expected, atol=1e-13)
    np.testing.assert_allclose(state.residual[0].numpy(), a @ expected - y, atol=1e-13)


def test_a_column_of_zeros_leaves_r_alone() -> None:
    a = np.array([[1.0, 0.0], [2.0, 0.0]])
    p = l2o.lasso(a, np.ones(2), 0.1)
    state = CoordinateDescent().init(p, zoo.start(p))
    assert CoordinateDescent().step(p, state).x[0, 1] == 0


@pytest.mark.parametrize(
    "problem", [lambda: l2o.synthetic.logistic_l1(2, 10, 5), lambda: l2o.synthetic.lasso(2, 6, 8).shifted(1.0)]
)
def test_other_problems_are_refused(problem) -> None:
    p = problem()
    with pytest.raises(l2o.InputError, match=r"coordinate-descent cannot run on .* use fista"):
        CoordinateDescent().init(p, l2o.synthetic.starts(p))


def test_sweeps_know_it_and_optimizer_names_do_not(tmp_path: Path) -> None:
    assert "coordinate-descent" not in l2o.optimizer_names()
    fixed = {"rows": 6, "dim": 8, "batch": 2, "steps": 200}
    grid = {"fixed": fixed, "grid": [{"optimizer": ["coordinate-descent", "ista"]}]}
    table = run_sweep(load_sweep(grid), tmp_path).tables.table.to_pydict()
    assert max(table["reached_1e-04"][:2]) < min(table["reached_1e-04"][2:])
    with pytest.raises(l2o.InputError, match=r"coordinate-descent: it has no options, got step"):
        load_sweep({**grid, "model": [{"key": "cd", "name": "coordinate-descent", "options": {"step": 1.0}}]})
    with pytest.raises(l2o.InputError, match="neither a model of this sweep nor an optimizer"):
        run_sweep(load_sweep({"grid": [{"optimizer": ["sd"]}]}), tmp_path)
