"""The proposals: each solver on its own, and the chain when links of it fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2obound.l2o.problems import lasso, synthetic
from l2obound.verification.optima import _conic, _stages, _strict, optimum
from l2obound.verification.optima._descent import coordinate_descent, suits_descent
from l2obound.verification.optima._fista import fista, safe_step, start
from l2obound.verification.optima._polish import polish
from tests.helpers.combinations import NONSMOOTH, SMOOTH, problem


@pytest.mark.parametrize("nonsmooth", NONSMOOTH)
@pytest.mark.parametrize("smooth", SMOOTH)
def test_polish_reaches_the_minimum_from_a_rough_point(smooth, nonsmooth):
    p = problem(smooth, nonsmooth, batch=4, rows=40, dim=6)
    rough = fista(p, start(p), safe_step(p), 5)
    polished = polish(p, rough)
    o = optimum(p, cache=False)
    assert (p.objective(polished).numpy() <= o.upper + 1e-13 * np.abs(o.upper)).all()


def test_polish_needs_no_particular_start():
    p = synthetic.lasso(3, 30, 20)
    o = optimum(p, cache=False)
    for x in (torch.zeros(3, 20), torch.ones(3, 20), -torch.ones(3, 20)):
        assert (p.objective(polish(p, x.double())).numpy() <= o.upper + 1e-10).all()


def test_coordinate_descent_is_for_positive_lam_only():
    assert suits_descent(synthetic.lasso(2, 5, 5))
    assert not suits_descent(synthetic.lasso(2, 5, 5, lam=0.0))
    assert not suits_descent(problem("logistic", "l1"))
    p = lasso(np.random.default_rng(0).standard_normal((6, 4)), np.random.default_rng(1).standard_normal((3, 6)), 0.1)
    assert p.smooth.map.shared
    assert coordinate_descent(p).shape == (3, 4)


def failing(*names):
    real = _conic.solve

    def solve(p, b, solver):
        if solver.name in names:
            raise _conic.ConicError("planted failure")
        return real(p, b, solver)

    return solve


def test_a_failing_solver_hands_on_to_the_next(monkeypatch):
    monkeypatch.setattr(_conic, "solve", failing("clarabel", "clarabel-default"))
    o = optimum(synthetic.lasso(2, 10, 20), cache=False)
    assert o.solver == ("osqp+polish (after clarabel, clarabel-default failed)",) * 2
    assert (o.relative_width <= 1e-10).all()
    assert "clarabel gave no point (planted failure)" in o.messages[0]


def test_a_solver_that_raises_is_a_failure_like_any_other(monkeypatch):
    import cvxpy

    def broken(self, *args, **kwargs):
        raise RuntimeError("segmentation of the mind")

    monkeypatch.setattr(cvxpy.Problem, "solve", broken)
    o = optimum(problem("logistic", "zero", rows=30), cache=False)
    assert {s.split("+")[0] for s in o.solver} == {"fista"}
    assert (o.relative_width <= 1e-10).all()
    assert any("RuntimeError: segmentation of the mind" in m for m in o.messages)


def test_a_solver_that_returns_nonsense_costs_only_time(monkeypatch):
    monkeypatch.setattr(_conic, "solve", lambda p, b, solver: (np.full(p.dim, 1e6), 0.0))
    o = optimum(problem("logistic", "elastic net", rows=30), cache=False)
    assert (o.relative_width <= 1e-10).all()


def test_descent_that_gives_up_is_followed_by_others(monkeypatch):
    monkeypatch.setattr(_stages, "coordinate_descent", lambda p, done: torch.zeros(p.batch_size, p.dim).double())
    o = optimum(synthetic.lasso(9, 10, 20), cache=False)
    assert {s.split("+")[0] for s in o.solver} <= {"clarabel", "clarabel-default", "osqp", "scs", "fista"}
    assert (o.relative_width <= 1e-10).all()


def test_conic_stage_gives_up_when_it_narrows_nothing(monkeypatch):
    monkeypatch.setattr(_stages, "PATIENCE", 2)
    monkeypatch.setattr(_stages, "ROUNDS", (100,))
    monkeypatch.setattr(_strict, "AMOUNTS", (0.1,))
    p = problem("least-squares", "zero", batch=9, rows=6, dim=5)
    # A repeated column: F* > 0, no curvature to certify it, and 0 as the only lower bound.
    p.smooth.map.matrix[:, :, 1] = p.smooth.map.matrix[:, :, 0]
    o = optimum(p, cache=False)
    assert any("were not given to them" in m for m in o.messages)
    assert (o.lower == 0).all()
    assert all("smallest eigenvalue" in r for r in o.reason)


@pytest.mark.parametrize("solver", _conic.CHAIN, ids=lambda s: s.name)
def test_every_solver_of_the_chain_solves_a_lasso(solver):
    p = synthetic.lasso(1, 10, 20)
    point, value = _conic.solve(p, 0, solver)
    o = optimum(p, cache=False)
    assert value == pytest.approx(o.upper[0], abs=1e-6)
    assert float(p.objective(point)[0]) >= o.lower[0]
