"""Where runs end: a floor where the bias stays, none where it vanishes, and a transient that is counted."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.problems.nonsmooth.l1 import L1, soft_threshold
from l2obound.verification import asymptotics, optimum
from l2obound.verification.diagnosis.asymptotics import FLOOR, NO_FLOOR, OPEN, UNSOUND, floor

P = l2o.synthetic.lasso(2, 10, 12, seed=1)
X0 = l2o.synthetic.starts(P)


def settle(optimizer, steps: int = 400, **options):
    run = l2o.rollout(optimizer, P, X0, steps)
    return run, asymptotics(run, P, optimum(P), optimizer=optimizer, **options)


def test_a_bias_head_that_does_not_vanish_leaves_a_floor() -> None:
    run, a = settle(l2o.optimizer("go-math-l2o", b3_norm="tanh"), 300, eps=1e-9)
    assert a.verdict == FLOOR
    assert a.bias_heads == ("b3",)
    assert (a.floor[:, -1] > 1e-4).all()
    np.testing.assert_allclose(floor(run), a.floor[:, -1])
    # G_k tends to -b_k/p_k: the floor is the size of the gradient that stays
    np.testing.assert_allclose(a.gradient[:, -1], a.floor[:, -1], rtol=1e-2)
    assert (a.residual[:, -1] < 1e-2 * a.floor[:, -1]).all()
    assert "bias heads b3: FLOOR" in a.summary()


def test_where_r_is_zero_the_floor_keeps_the_gap_open() -> None:
    p = l2o.synthetic.quadratic(2, 4, condition=5.0)
    opt = l2o.optimizer("go-math-l2o", q_norm="sigmoid1", b3_norm="sigmoid1", b3_scale=0.1)
    a = asymptotics(l2o.rollout(opt, p, l2o.synthetic.starts(p), 150), p, optimum(p), optimizer=opt)
    assert a.verdict == FLOOR
    assert (a.floor[:, -1] > 1e-2).all()
    np.testing.assert_allclose(a.stationarity, a.floor[:, -1], rtol=1e-2)
    assert (a.gap[:, -1] > 0.1 * a.gap[:, -50]).all()
    assert (a.transient == -1).all()


def test_where_f_star_may_be_zero_there_is_no_relative_gap() -> None:
    p = l2o.quadratic(np.eye(3)[None], np.zeros((1, 3)))
    certified = replace(optimum(p), lower=np.array([-1e-12]), upper=np.array([1e-12]))
    opt = l2o.optimizer("go-math-l2o", seed=1)
    a = asymptotics(l2o.rollout(opt, p, np.ones((1, 3)), 20), p, certified, optimizer=opt)
    assert np.isnan(a.gap).all()
    assert a.transient.tolist() == [-1]
    assert "F* may be 0" in a.summary()
    assert json.loads(json.dumps(a.to_dict(), allow_nan=False))["gap"] is None


def test_kinks_take_up_a_small_bias() -> None:
    """x* = 0: the bias is a slope within the subdifferential of r, G_k stays away from 0, and F(x_k) = F*."""
    p = l2o.lasso(np.eye(3)[None], np.full((1, 3), 0.1), 5.0)
    opt = l2o.optimizer("go-math-l2o", q_norm="sigmoid1", b3_norm="sigmoid1", b3_scale=0.1)
    a = asymptotics(l2o.rollout(opt, p, np.ones((1, 3)), 80), p, optimum(p), optimizer=opt)
    assert a.verdict == FLOOR
    assert a.gradient[0, -1] > 0.02
    assert a.stationarity[0] == 0
    assert a.gap[0, -1] < 1e-12
    assert "kinks of r take up the whole floor" in a.summary()


@pytest.mark.parametrize("options", [{"b4_norm": "tanh"}, {"b3_norm": "tanh", "b4_norm": "tanh"}])
def test_a_bias_of_the_memory_leaves_one_too(options: dict[str, str]) -> None:
    _, a = settle(l2o.optimizer("go-math-l2o", **options, b4_scale=0.01), 500)
    assert a.verdict == FLOOR
    assert a.bias_heads == tuple(option[:2] for option in options)


def test_without_bias_heads_there_is_none() -> None:
    _, a = settle(l2o.pretrained("go-math-l2o", "lasso"))
    assert a.verdict == NO_FLOOR
    assert a.bias_heads == ()
    assert (a.gap[:, -1] < 1e-12).all()
    assert ((a.transient > 0) & (a.transient < 200)).all()
    assert "no bias heads: NO FLOOR" in a.summary()


def test_the_statement_itself() -> None:
    """||G_k + b_k/p_k|| = ||D_k/p_k|| <= ||D_k|| / min p, on every run."""
    for optimizer in (l2o.optimizer("go-math-l2o", b3_norm="tanh"), l2o.optimizer("l2o-pa"), l2o.optimizer("fista")):
        run, a = settle(optimizer, 30)
        G, b, p = (t.numpy() for t in (run.generalized_gradient, run.bias, run.preconditioner))
        direct = np.linalg.norm(G + b / p, axis=-1)
        np.testing.assert_allclose(a.residual, direct, rtol=1e-7, atol=1e-12)
        assert (a.residual <= a.residual_bound * (1 + 1e-12)).all()
        assert a.consistent.all()


@pytest.mark.slow
def test_far_from_home_l2o_pa_pays_with_a_long_transient_and_no_floor() -> None:
    p = l2o.synthetic.lasso(1, 10, 20, seed=1)
    opt = l2o.optimizer("l2o-pa")
    run = l2o.rollout(opt, p, l2o.synthetic.starts(p, shift=10.0), 400)
    a = asymptotics(run, p, optimum(p), optimizer=opt, eps=1e-9)
    assert a.verdict == NO_FLOOR
    assert a.bias_heads == ()
    assert (a.gap[:, 100] > 0.05).all()
    assert (a.gap[:, 400] < 1e-13).all()
    assert (a.transient > 150).all()
    near = l2o.rollout(opt, p, l2o.synthetic.starts(p), 400)
    assert (asymptotics(near, p, optimum(p), eps=1e-9).transient < a.transient).all()


def test_the_transient_is_for_good() -> None:
    """A gap that rises again after it was small does not count."""
    run, a = settle(l2o.optimizer("ista"), 300, eps=1e-3)
    k = int(a.transient[0])
    assert 0 < k < 250
    np.testing.assert_array_equal(a.gap[0, k:] <= 1e-3, True)
    assert a.gap[0, k - 1] > 1e-3
    x = run.x.clone()
    x[0, 250] += 1.0
    b = asymptotics(replace(l2o.run_from_iterates(P, x), **_model(x)), P, optimum(P), eps=1e-3)
    assert b.transient[0] == 251
    assert b.transient[1] == a.transient[1]


def _model(x: torch.Tensor) -> dict[str, torch.Tensor]:
    """p = 1/L and the bias that goes with it."""
    run = l2o.run_from_iterates(P, x)
    p = (1 / P.smoothness).reshape(-1, 1, 1).expand_as(run.step)
    return {"preconditioner": p, "bias": run.step - p * run.generalized_gradient}


@pytest.mark.slow
def test_an_early_end_is_not_settled() -> None:
    _, a = settle(l2o.optimizer("go-math-l2o"), 20)
    assert a.verdict == OPEN
    assert "run more steps" in a.summary()


LIES = {
    "no bias": lambda run: {"bias": torch.zeros_like(run.bias)},
    "bias of another sign": lambda run: {"bias": -run.bias},
    "preconditioner": lambda run: {"preconditioner": 1.01 * run.preconditioner},
    "gradient": lambda run: {"generalized_gradient": run.generalized_gradient + 1e-6},
    "objective": lambda run: {"objective": run.objective + 1e-6},
}


@pytest.mark.parametrize("lie", LIES)
def test_lies_are_found(lie: str) -> None:
    run, honest = settle(l2o.optimizer("go-math-l2o", b3_norm="tanh"), 40)
    assert honest.verdict != UNSOUND
    a = asymptotics(replace(run, **LIES[lie](run)), P, optimum(P))
    assert a.verdict == UNSOUND
    assert not a.consistent.any()
    assert "it is not true that" in a.summary()


@dataclass(frozen=True, eq=False)
class WrongProx(L1):
    """Soft thresholding at half the level: it converges, to another point."""

    def prox(self, u: torch.Tensor, step: torch.Tensor | float) -> torch.Tensor:
        return soft_threshold(u, 0.5 * self.lam * step)


def test_a_wrong_prox_is_no_floor_but_wrong_data() -> None:
    wrong = l2o.Composite(P.smooth, WrongProx(P.nonsmooth.lam))
    run = l2o.rollout(l2o.optimizer("ista"), wrong, X0, 300)
    a = asymptotics(run, wrong, optimum(P))
    assert a.verdict == UNSOUND
    assert "subdifferential" in a.summary()


@dataclass(frozen=True)
class Stuck:
    """A model that says it has no bias heads, and has a bias."""

    inner: object

    name = "go-math-l2o"

    def init(self, problem, x0, seed=0):
        return self.inner.init(problem, x0, seed)

    def step(self, problem, state):
        return self.inner.step(problem, state)


def test_a_floor_without_bias_heads_is_a_contradiction_that_is_said() -> None:
    biased = l2o.optimizer("go-math-l2o", b3_norm="tanh")
    run = l2o.rollout(Stuck(biased), P, X0, 250)
    a = asymptotics(run, P, optimum(P), optimizer=l2o.optimizer("go-math-l2o"))
    assert a.verdict == FLOOR
    assert "contradicts B11" in a.summary()
    assert "not known" in asymptotics(run, P, optimum(P), optimizer=Stuck(biased)).summary()


def test_unknown_optima_give_no_transient() -> None:
    run, _ = settle(l2o.optimizer("ista"), 50)
    o = optimum(P)
    a = asymptotics(run, P, replace(o, lower=np.full(2, -np.inf)))
    assert (a.transient == -1).all()
    assert np.isnan(a.gap).all()
    assert "no finite lower bound" in a.summary()
    json.dumps(a.to_dict(), allow_nan=False)


def test_vanishing_preconditioners_have_no_quotient() -> None:
    run, _ = settle(l2o.optimizer("ista"), 10)
    p = run.preconditioner.clone()
    p[0, 3, 2] = 0.0
    a = asymptotics(replace(run, preconditioner=p, bias=run.step - p * run.generalized_gradient), P, optimum(P))
    assert np.isnan(a.floor[0, 3])
    assert np.isnan(a.residual_bound[0, 3])
    assert np.isfinite(a.floor[1]).all()
    assert "zeros" in a.summary()


def test_wrong_input_says_what_is_wrong() -> None:
    run, _ = settle(l2o.optimizer("ista"), 5)
    with pytest.raises(l2o.InputError, match="0 < eps < 1"):
        asymptotics(run, P, eps=0.0)
    with pytest.raises(l2o.InputError, match="p_k was not recorded"):
        asymptotics(l2o.run_from_iterates(P, run.x), P)
    with pytest.raises(l2o.InputError, match="scalars only"):
        floor(l2o.rollout(l2o.optimizer("ista"), P, X0, 5, record="scalars"))
    with pytest.raises(l2o.InputError, match="the problem the run was made on"):
        asymptotics(run, l2o.synthetic.lasso(3, 10, 12))
