"""B19 and B10 of exact steps on runs: verified with the bound of the theory, not applicable elsewhere, they fail."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.l2o.problems.nonsmooth import Zero
from l2obound.l2o.problems.smooth import LeastSquares, LinearMap
from l2obound.verification import Verdict, gather, judge, optimum, verify
from tests.helpers import zoo

FORMS = tuple(name for name in bounds.names(variants=True) if name.startswith("accelerated_inexact"))
PROBLEMS = ("least-squares + l1", "quadratic + elastic-net", "logistic + box")
P = l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=1)
X0 = l2o.synthetic.starts(P)
BEST = optimum(P)


def accelerated_rate(run: l2o.Run, problem: l2o.Composite, z: np.ndarray) -> np.ndarray:
    a = bounds.accelerated.momenta(run.steps)[0][-1]
    R = np.linalg.norm(run.x[:, 0].double().numpy() - z, axis=-1)
    return problem.smoothness.numpy() * R**2 / (2 * a**2)


@pytest.mark.parametrize("name", PROBLEMS)
def test_fista_has_its_own_rate(name: str) -> None:
    p = zoo.composites()[name]
    best = optimum(p)
    run = l2o.rollout(l2o.optimizer("fista"), p, zoo.start(p), 25)
    evidence = gather(run, p, optimum=best)
    expected = accelerated_rate(run, p, best.x)
    v = judge("B19", evidence)
    assert v.overall is Verdict.VERIFIED
    np.testing.assert_allclose(v.rhs, expected, rtol=1e-9)
    sharp = judge("accelerated_inexact:sharp", evidence)
    assert sharp.overall is Verdict.VERIFIED
    np.testing.assert_allclose(sharp.rhs, expected * 25 / 26, rtol=1e-9)
    assert all(judge(form, evidence).count(Verdict.VIOLATED) == 0 for form in FORMS)


def test_fista_in_float32_has_its_own_rate() -> None:
    run = l2o.rollout(l2o.optimizer("fista"), P.to(torch.float32), X0.float(), 20)
    v = verify(run, P, "B19", optimum=BEST)
    assert v.overall is Verdict.VERIFIED
    np.testing.assert_allclose(v.rhs, accelerated_rate(run, P, BEST.x), rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["ista", "go-math-l2o", "l2o-pa", "subgradient"])
def test_every_method_is_verified(method: str, form: str) -> None:
    learned = method in ("go-math-l2o", "l2o-pa")
    opt = l2o.pretrained(method, "lasso") if learned else l2o.optimizer(method)
    run = l2o.rollout(opt, P, X0, 15)
    v = verify(run, P, form, optimum=BEST)
    assert v.overall is Verdict.VERIFIED, v.summary()
    assert v.count(Verdict.VERIFIED) == 4


def test_deviations_from_fista_cost_something() -> None:
    run = l2o.rollout(l2o.optimizer("ista"), P, X0, 15)
    assert (verify(run, P, "B19", optimum=BEST).rhs > 1.5 * accelerated_rate(run, P, BEST.x)).all()


def test_an_iterate_moved_after_the_run_is_seen() -> None:
    run = l2o.rollout(l2o.optimizer("fista"), P, X0, 10)
    x = run.x.clone()
    x[:, 5] += 1e-3
    v = verify(replace(run, x=x), P, "B19", optimum=BEST)
    assert v.overall is Verdict.VIOLATED
    assert v.to_dict()["broken_data"]
    # as a run of its own it is another one, and its deviations are in the bound
    other = verify(l2o.run_from_iterates(P, x), P, "B19", optimum=BEST)
    assert other.overall is Verdict.VERIFIED
    assert (np.abs(other.rhs / accelerated_rate(run, P, BEST.x) - 1) > 1e-6).all()


def test_half_of_L_is_no_rate_of_fista() -> None:
    """A run with the step 2/L, judged with L: nothing is 0. Judged with L/2 the gradients themselves contradict."""
    run = l2o.rollout(l2o.optimizer("fista", step=(1.9 / P.smoothness).numpy()), P, X0, 15)
    v = verify(run, P, "B19", optimum=BEST)
    assert v.count(Verdict.VIOLATED) == 0
    assert (np.abs(v.rhs / accelerated_rate(run, P, BEST.x) - 1) > 1e-3).all()
    fine = l2o.rollout(l2o.optimizer("fista"), P, X0, 15)
    lying = verify(replace(fine, smoothness=fine.smoothness / 2), P, "B19", optimum=BEST)
    assert lying.overall is Verdict.VIOLATED
    bound = bounds.get("accelerated_inexact:a_priori")
    reach = bound.replace(rhs=bound.rhs / 1e6)
    assert verify(fine, P, reach, optimum=BEST).overall is Verdict.VIOLATED


def test_a_run_without_iterates_has_no_points_to_look_from() -> None:
    run = l2o.rollout(l2o.optimizer("fista"), P, X0, 5, record="scalars", comparator=BEST.x)
    v = verify(run, P, "B19", optimum=BEST)
    assert v.overall is Verdict.NOT_APPLICABLE
    assert "accel" in v.summary()


def test_it_does_not_apply_without_convexity() -> None:
    p = l2o.Composite(zoo.losses()["welsch"], zoo.nonsmooth_terms()["l1"])
    run = l2o.rollout(l2o.optimizer("fista"), p, zoo.start(p), 5)
    assert verify(run, p, "B19").overall is Verdict.NOT_APPLICABLE


def test_diverged_runs_are_not_judged() -> None:
    wild = l2o.optimizer("ista", step=(50 / P.smoothness).numpy())
    v = verify(l2o.rollout(wild, P, X0, 400), P, "B19", optimum=BEST)
    assert v.overall is Verdict.NOT_APPLICABLE
    short = verify(l2o.rollout(wild, P, X0, 40), P, "B19", optimum=BEST)
    assert short.count(Verdict.VIOLATED) == 0


def test_sets_that_are_met_within_rounding_are_allowed_for() -> None:
    for term in ("simplex", "l2-ball"):
        p = l2o.Composite(zoo.smooth_terms()["least-squares"], zoo.coupled_terms()[term])
        best = optimum(p)
        for method in ("fista", "ista"):
            evidence = gather(l2o.rollout(l2o.optimizer(method), p, zoo.start(p), 40), p, optimum=best)
            for form in FORMS:
                v = judge(form, evidence)
                assert v.count(Verdict.VIOLATED) == 0, v.summary()
                assert np.isfinite(v.tolerance).all()


# B10 of exact steps


@pytest.mark.parametrize("loss", ["welsch", "student-t", "sigmoid-loss"])
def test_exact_steps_without_convexity_are_verified(loss: str) -> None:
    p = l2o.Composite(zoo.losses()[loss], zoo.nonsmooth_terms()["zero"])
    name = "nonconvex_stationarity:exact_steps"
    v = verify(l2o.rollout(l2o.optimizer("gradient-descent"), p, zoo.start(p), 20), p, name)
    assert v.overall is Verdict.VERIFIED
    assert (v.rhs < verify(l2o.rollout(l2o.optimizer("ista"), p, zoo.start(p), 20), p, "B10").rhs).all()
    for other in ("fista", "heavy-ball"):
        run = l2o.rollout(l2o.optimizer(other), p, zoo.start(p), 20)
        assert verify(run, p, name).overall is Verdict.NOT_APPLICABLE


def test_exact_steps_that_attain_the_bound_break_a_lower_one() -> None:
    """f = x^2/2 from 1: one step, and all of F is gone."""
    p = l2o.Composite(LeastSquares(LinearMap(torch.ones((1, 1, 1)).double()), torch.zeros((1, 1)).double()), Zero())
    run = l2o.rollout(l2o.optimizer("gradient-descent"), p, torch.ones((1, 1), dtype=torch.float64), 3)
    bound = bounds.get("nonconvex_stationarity:exact_steps")
    v = verify(run, p, bound)
    assert v.overall is Verdict.VERIFIED
    assert v.tightness == pytest.approx(1.0, rel=1e-9)
    assert verify(run, p, bound.replace(rhs=bound.rhs * 99 / 100)).overall is Verdict.VIOLATED
