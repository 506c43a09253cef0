"""What VERIFIED, VIOLATED and INCONCLUSIVE may say: certain truths, certain falsehoods, and what rounding hides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from l2obound import bounds, l2o
from l2obound.verification import Verdict, optimum, verify
from tests.helpers import instances

TIGHT = ("per_step_descent", "homogeneous_descent", "ood_multi_step_sharp", "ood_last_iterate", "ind_rate:exact")


def far_target(size: float, width: float = 3.0) -> tuple[l2o.Run, l2o.Composite]:
    """Least squares in one variable with the target (size, -size): F is near size^2 and changes by some width^2.

    The descent lemma is an equality, so B1 is attained.
    """
    p = l2o.least_squares(np.ones((1, 2, 1)), np.array([[size, -size]]))
    problem = l2o.Composite(p, l2o.zero())
    step = (0.3 / problem.smoothness).numpy()
    return l2o.rollout(l2o.optimizer("gradient-descent", step=step), problem, np.full((1, 1), width), 8), problem


@pytest.mark.parametrize("size", [1e9, 1e12, 1e15])
@pytest.mark.parametrize("lowered", [0.0, 1.0, 100.0])
def test_a_target_that_hides_every_change_is_inconclusive(size: float, lowered: float) -> None:
    run, p = far_target(size)
    bound = bounds.get("B1")
    v = verify(run, p, bound.replace(rhs=bound.rhs - lowered))
    assert v.tolerance.min() > 100
    assert v.count(Verdict.INCONCLUSIVE) == v.verdict.size
    assert "centre or scale the data" in v.summary()


def test_centring_the_data_helps() -> None:
    run, p = far_target(1.0)
    v = verify(run, p, "B1")
    assert v.count(Verdict.VERIFIED) == v.verdict.size
    assert "centre" not in v.summary()
    bound = bounds.get("B1")
    assert verify(run, p, bound.replace(rhs=bound.rhs - 100)).count(Verdict.VIOLATED) == v.verdict.size


@pytest.mark.parametrize("kind", ["logistic", "huber", "quadratic"])
def test_other_families_with_large_offsets(kind: str) -> None:
    """F is large and its changes are not: the constant part is in the data of each loss."""
    a, y = np.ones((1, 2, 1)), np.array([[1e13, -1e13]])
    if kind == "huber":
        f = l2o.huber(a, y, 1e14)
    elif kind == "quadratic":
        f = l2o.quadratic_form(np.ones((1, 1, 1)), np.full((1, 1), 3e15))
    else:
        f = l2o.logistic(1e12 * np.array([[[1.0], [-1.0]]]), np.array([[1, 1]]))
    p = l2o.Composite(f, l2o.zero())
    start = np.full((1, 1), -3e15 + 2.0) if kind == "quadratic" else np.full((1, 1), 3.0)
    run = l2o.run_from_iterates(p, np.stack([start, start + 1e-3 / float(p.smoothness[0]) ** 0.5, start], axis=1))
    bound = bounds.get("B1")
    v = verify(run, p, bound)
    lower = verify(run, p, bound.replace(rhs=bound.rhs - 0.5 * v.tolerance.min()))
    for result in (v, lower):
        assert not result.count(Verdict.VIOLATED)
        hidden = result.tolerance > np.maximum(np.abs(result.lhs), np.abs(result.rhs))
        certain = result.lhs_upper + result.tolerance <= result.rhs
        assert not (result.verdict[hidden & ~certain] == Verdict.VERIFIED).any()


def test_what_is_certain_is_verified_however_large_the_tolerance() -> None:
    run, p = far_target(1e9)
    bound = bounds.get("B1")
    tolerance = verify(run, p, bound).tolerance.max()
    assert verify(run, p, bound.replace(rhs=bound.rhs + 3 * tolerance)).overall is Verdict.VERIFIED
    assert verify(run, p, bound.replace(rhs=bound.rhs - 3 * tolerance)).overall is Verdict.VIOLATED


@given(
    name=st.sampled_from(TIGHT),
    size=st.sampled_from([1.0, 1e-8, 1e8]),
    times=st.floats(3.0, 1e6),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_tight_bound_lowered_beyond_its_tolerance_is_violated(name: str, size: float, times: float) -> None:
    run, p = instances.attained(name)
    scaled = p.scaled(size)
    run = l2o.run_from_iterates(scaled, run.x) if p.nonsmooth.is_zero else rerun(run, p, scaled)
    bound, certified = bounds.get(name), optimum(scaled, cache=False)
    v = verify(run, scaled, bound, certified)
    assert v.count(Verdict.VIOLATED) == 0
    less = times * float(v.tolerance.max() + np.abs(v.slack).max())
    assert verify(run, scaled, bound.replace(rhs=bound.rhs - less), certified).count(Verdict.VIOLATED) == v.verdict.size


def rerun(run: l2o.Run, p: l2o.Composite, scaled: l2o.Composite) -> l2o.Run:
    return l2o.rollout(l2o.optimizer("ista"), scaled, run.x[:, 0], run.steps)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_tight_bound_lowered_within_a_tolerance_that_matters_is_not_verified(share: float) -> None:
    run, p = far_target(1e9)
    bound = bounds.get("B1")
    v = verify(run, p, bound)
    low = verify(run, p, bound.replace(rhs=bound.rhs - share * float(v.tolerance.min())))
    assert low.count(Verdict.VERIFIED) == 0


def test_the_last_steps_of_a_converged_run_are_inconclusive_and_say_why() -> None:
    p = l2o.Composite(l2o.least_squares(np.eye(2)[None], np.ones((1, 2))), l2o.zero())
    run = l2o.rollout(l2o.optimizer("gradient-descent", step=0.5), p, np.zeros((1, 2)), 80)
    v = verify(run, p, "B1")
    assert v.verdict[0, 0] is Verdict.VERIFIED
    assert v.verdict[0, -1] is Verdict.INCONCLUSIVE
    assert "where the iterates have stopped moving" in v.summary()
    assert v.overall is Verdict.VERIFIED, "by the steps before"


ERRORS = ("objective", "subgradient", "step", "deviation", "smooth_gradient", "relative_deviation")


@given(
    field=st.sampled_from(ERRORS),
    where=st.integers(0, 10**6),
    size=st.floats(1e-3, 10.0),
    kind=st.sampled_from(["lasso", "logistic", "simplex", "l2-ball", "box"]),
    single=st.booleans(),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_planted_errors_above_rounding_are_found(field: str, where: int, size: float, kind: str, single: bool) -> None:
    smooth = l2o.synthetic.logistic_l1(2, 12, 4, lam=0.05).smooth if kind == "logistic" else None
    terms = {"simplex": l2o.simplex(1.0), "l2-ball": l2o.l2_ball(0.6), "box": l2o.box(-0.1, 0.7)}
    base = l2o.synthetic.lasso(2, 6, 4, sparsity=2)
    p = l2o.Composite(smooth or base.smooth, terms.get(kind, l2o.l1(0.05)))
    p = p.to(torch.float32 if single else torch.float64)
    run = l2o.rollout(l2o.optimizer("ista"), p, p.prox(l2o.synthetic.starts(p), 1e-3), 6)
    assert verify(run, p, "B1").count(Verdict.VIOLATED) == 0
    wrong = getattr(run, field).clone()
    flat = wrong.view(-1)
    place = where % flat.numel()
    flat[place] += size * max(1.0, float(flat.abs().max()))
    v = verify(replace(run, **{field: wrong}), p, "B1")
    assert v.count(Verdict.VIOLATED) > 0
    assert v.to_dict()["broken_data"]
