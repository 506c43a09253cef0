"""Runs that lie, runs that leave float64 or the domain, and optima of other problems: none passes for verified."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.l2o.problems.smooth import Logistic
from l2obound.verification import Verdict, gather, judge, optimum, verify, verify_all
from tests.helpers import zoo

P = l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=1)
X0 = l2o.synthetic.starts(P)
RUN = l2o.rollout(l2o.optimizer("fista"), P, X0, 30)


def nan_at(tensor: torch.Tensor, *index: int, value: float = float("nan")) -> torch.Tensor:
    other = tensor.clone()
    other[index] = value
    return other


LIES = {
    "objective by 1e-9": {"objective": RUN.objective * (1 + 1e-9)},
    "objective NaN at the end": {"objective": nan_at(RUN.objective, 1, 30)},
    "objective inf in the middle": {"objective": nan_at(RUN.objective, 1, 7, value=float("inf"))},
    "subgradient NaN": {"subgradient": nan_at(RUN.subgradient, 2, 3, 4)},
    "gradient": {"smooth_gradient": RUN.smooth_gradient * (1 + 1e-6)},
    "generalized gradient": {"generalized_gradient": -RUN.generalized_gradient},
    "step": {"step": RUN.step * (1 + 1e-9)},
    "deviation": {"deviation": RUN.deviation * (1 + 1e-6)},
    "relative deviation": {"relative_deviation": RUN.relative_deviation * 0.9},
    "smoothness": {"smoothness": RUN.smoothness * 0.99},
    "x_final": {"x_final": RUN.x_final + 1e-9},
    "iterates": {"x": RUN.x + 1e-6},
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("bound", ["per_step_descent", "ood_multi_step_sharp"])
def test_lies_are_violations(lie: str, bound: str) -> None:
    v = verify(replace(RUN, **LIES[lie]), P, bound)
    assert v.overall is Verdict.VIOLATED
    assert v.to_dict()["broken_data"]


def test_the_honest_run_passes() -> None:
    for v in verify_all(RUN, P, optimum(P)).values():
        assert v.count(Verdict.VIOLATED) == 0
        assert not v.to_dict()["broken_data"]


def test_a_run_of_another_problem_is_found() -> None:
    other = l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=2)
    assert verify(RUN, other, "per_step_descent").count(Verdict.VIOLATED) == 120


def test_an_optimum_of_another_problem_is_refused() -> None:
    other = l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=2)
    with pytest.raises(l2o.InputError, match="another problem"):
        verify(RUN, P, "ood_last_iterate", optimum(other))


def test_a_smoothness_constant_too_small_is_seen_on_given_iterates() -> None:
    """Whatever bound is asked for: the gradients themselves exceed L ||D||."""
    a = np.random.default_rng(0).standard_normal((1, 30, 4))
    p = l2o.logistic_l1(a, np.ones((1, 30)), 0.0)
    low = l2o.Composite(replace(p.smooth, curvature=0.125), p.nonsmooth)
    assert isinstance(low.smooth, Logistic)
    top = np.linalg.eigh(a[0].T @ a[0])[1][:, -1]
    X = np.stack([-1e-3 * top, 1e-3 * top, -1e-3 * top])[None]
    for bound in ("per_step_descent", "ood_multi_step_sharp"):
        o = optimum(p)
        v = verify(l2o.run_from_iterates(low, X), low, bound, replace(o, problem=""))
        assert any(c.name == "smoothness" and not c.holds.all() for c in v.data)
        assert v.overall is Verdict.VIOLATED
        assert verify(l2o.run_from_iterates(p, X), p, bound, o).count(Verdict.VIOLATED) == 0


SCALARS = l2o.rollout(l2o.optimizer("fista"), P, X0, 30, record="scalars", comparator=optimum(P).x)


def scaled(name: str, factor: float) -> dict[str, torch.Tensor]:
    return {**SCALARS.scalars, name: SCALARS.scalars[name] * factor}


SCALAR_LIES = {
    "objective": {"objective": SCALARS.objective * 2},
    "objective reversed": {"objective": SCALARS.objective.flip(1)},
    "distances": {"scalars": scaled("dist", 10.0)},
    "error bounds": {"scalars": scaled("objective_error", 1e9)},
    "squared norms": {"scalars": scaled("D2", 1.1)},
    "negative norms": {"scalars": scaled("G2", -1.0)},
    "inner products": {"scalars": scaled("Dx", 0.9)},
    "gradient products": {"scalars": scaled("Gx", -3.0)},
    "rho": {"relative_deviation": SCALARS.relative_deviation * 0.9},
    "end": {"x_final": SCALARS.x_final * 100},
    "L": {"smoothness": SCALARS.smoothness * 1.01},
}


@pytest.mark.parametrize("lie", SCALAR_LIES)
def test_lies_of_scalars_are_violations(lie: str) -> None:
    o = optimum(P)
    assert verify(SCALARS, P, "ood_last_iterate", o).overall is Verdict.VERIFIED
    v = verify(replace(SCALARS, **SCALAR_LIES[lie]), P, "ood_last_iterate", o)
    assert v.overall is Verdict.VIOLATED
    assert v.to_dict()["broken_data"]


def test_scalars_say_that_they_were_not_recomputed(tmp_path) -> None:
    v = verify(SCALARS, P, "per_step_descent")
    assert v.overall is Verdict.VERIFIED
    assert "not recomputed" in v.summary()
    loaded = l2o.Run.load(SCALARS.save(tmp_path / "s.npz"))
    assert verify(loaded, P, "ood_last_iterate", optimum(P)).overall is Verdict.VERIFIED


def test_scalars_belong_to_a_problem_and_a_comparator() -> None:
    with pytest.raises(l2o.InputError, match="another problem"):
        verify(SCALARS, l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=2), "per_step_descent")
    elsewhere = l2o.rollout(l2o.optimizer("fista"), P, X0, 5, record="scalars", comparator=X0)
    with pytest.raises(l2o.InputError, match="another comparator"):
        verify(elsewhere, P, "ood_last_iterate", optimum(P))
    assert verify(elsewhere, P, "per_step_descent", optimum(P)).overall is Verdict.VERIFIED
    bare = l2o.rollout(l2o.optimizer("fista"), P, X0, 5, record="scalars")
    assert verify(bare, P, "homogeneous_descent", optimum(P)).count(Verdict.VIOLATED) == 0
    with pytest.raises(l2o.InputError, match="intermediate points"):
        SCALARS.head(3)


@pytest.mark.parametrize(("ridge", "t"), [(1e4, 1.0), (1e3, 100.0), (1e6, 10.0)])
@pytest.mark.parametrize("method", ["ista", "fista", "go-math-l2o"])
def test_stiff_shifted_terms_are_no_violation(method: str, ridge: float, t: float) -> None:
    """The rounding of x + t moves the slope of a stiff ridge by more than the quotient's own blur."""
    p = l2o.Composite(P.smooth, l2o.elastic_net(0.1, ridge)).shifted(t)
    v = verify(l2o.rollout(l2o.optimizer(method), p, X0, 30), p, "per_step_descent")
    assert v.count(Verdict.VIOLATED) == 0, v.summary()


def test_leaving_the_domain_is_not_leaving_float64() -> None:
    p = l2o.Composite(P.smooth, l2o.nonnegative())
    run = l2o.rollout(l2o.optimizer("l2o-pa", seed=1), p, X0.abs(), 30)
    assert bool(torch.isinf(run.objective).any())
    v = verify(run, p, "per_step_descent")
    assert bool(run.finite.all())
    assert "outside the domain" in v.summary()
    assert "left float64" not in v.summary()
    assert v.count(Verdict.VIOLATED) == 0
    lying = replace(run, objective=torch.nan_to_num(run.objective, posinf=1.0))
    assert verify(lying, p, "per_step_descent").overall is Verdict.VIOLATED


@pytest.mark.slow
def test_runs_that_grow_beyond_squares() -> None:
    q = l2o.synthetic.logistic_l1(3, 50, 10)
    wild = l2o.optimizer("go-math-l2o", gradient_map="recurrent", q_scale=5.0)
    run = l2o.rollout(wild, q, l2o.synthetic.starts(q), 900)
    assert float(run.x.abs().max()) > 1e150
    evidence = gather(run, q)
    for name in bounds.names():
        v = judge(name, evidence, "best")
        assert v.count(Verdict.VIOLATED) == 0, v.summary()
        assert np.isfinite(v.tolerance[v.judged]).all()


def test_an_unknown_side_is_inconclusive() -> None:
    """An infinite tolerance means that nothing is known, and never that the bound holds."""
    p = l2o.lasso(np.array([[1e-80]]), np.array([[1e75]]), 0.0)
    run = l2o.run_from_iterates(p, np.array([[[0.0], [-1e150], [1e150]]]))
    assert Verdict.VERIFIED not in set(verify(run, p, "per_step_descent").verdict.ravel())


def test_an_instance_with_a_linear_f() -> None:
    """A = 0: every positive number is a Lipschitz constant, and L = 1 stands in."""
    A = np.stack([np.zeros((3, 4)), np.ones((3, 4))])
    p = l2o.lasso(A, np.ones((2, 3)), 0.1)
    run = l2o.rollout(l2o.optimizer("ista"), p, np.ones((2, 4)), 20)
    for v in verify_all(run, p, optimum(p), reference_step="best").values():
        assert v.count(Verdict.VIOLATED) == 0
        assert v.count(Verdict.VERIFIED) > 0


def test_mixed_and_half_precision_are_refused() -> None:
    with pytest.raises(l2o.InputError, match="one precision"):
        replace(RUN, objective=RUN.objective.float())
    with pytest.raises(l2o.InputError, match="float16"):
        zoo.composites()["quadratic + zero"].to(torch.float16)
