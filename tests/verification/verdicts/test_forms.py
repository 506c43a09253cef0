"""Statements that are the same inequality on a run are counted once."""

from __future__ import annotations

import numpy as np

from l2obound import bounds, l2o
from l2obound.verification import Verdict, optimum, verify, verify_all
from l2obound.verification.verdicts.forms import forms_of
from tests.helpers import instances, zoo

P = l2o.synthetic.lasso(4, 10, 20, sparsity=3, seed=1)
X0 = l2o.synthetic.starts(P)


def test_b5_is_b1_on_every_run_and_b2_is_at_h_1() -> None:
    run = l2o.rollout(l2o.optimizer("fista"), P, X0, 20)
    verdicts = verify_all(run, P, optimum(P))
    repeats = forms_of(verdicts)
    assert repeats["ood_per_step"] == "per_step_descent"
    assert repeats["homogeneous_descent"] == "per_step_descent", "with sigma = L||e||/||G|| and h = 1"
    for key, first in repeats.items():
        both = verdicts[key].judged
        np.testing.assert_allclose(verdicts[key].rhs[both], verdicts[first].rhs[both], rtol=1e-9, atol=1e-12)
    assert "per_step_descent" not in repeats
    assert "ood_last_iterate" not in repeats


def test_b13_is_b1_where_the_deviation_lies_along_the_gradient() -> None:
    p = l2o.quadratic(np.stack([2.0 * np.eye(3)] * 2), np.zeros((2, 3)))
    methods = {True: "gradient-descent", False: "go-math-l2o"}
    for alike, name in methods.items():
        run = l2o.rollout(l2o.optimizer(name), p, zoo.start(p)[:2], 6)
        verdicts = verify_all(run, p, optimum(p), ["per_step_descent", "assumption_sensitivity"])
        assert verdicts["assumption_sensitivity"].judged.any()
        same = np.allclose(
            verdicts["assumption_sensitivity"].rhs, verdicts["per_step_descent"].rhs, rtol=1e-9, atol=1e-13
        )
        assert (forms_of(verdicts) == {"assumption_sensitivity": "per_step_descent"}) == same
        if alike:
            continue
        assert not same


def test_other_inequalities_are_none_of_them() -> None:
    """A bound that is larger by a hundredth of a percent is another one, and so is one of another level."""
    run = l2o.rollout(l2o.optimizer("ista"), P, X0, 10)
    one = bounds.get("B1")
    by_name = {"one": verify(run, P, one), "other": verify(run, P, one.replace(rhs=one.rhs * 0.9999))}
    assert forms_of(by_name) == {}
    o = optimum(P)
    assert forms_of({n: verify(run, P, n, o) for n in ("B6", "B6b", "B6c", "B9", "B10")}) == {}


def test_what_rounding_hides_is_the_same_as_nothing() -> None:
    p = l2o.Composite(l2o.least_squares(np.ones((1, 2, 1)), np.array([[1e12, -1e12]])), l2o.zero())
    run = l2o.rollout(l2o.optimizer("gradient-descent"), p, np.ones((1, 1)), 4)
    one = bounds.get("B1")
    by_name = {"one": verify(run, p, one), "other": verify(run, p, one.replace(rhs=one.rhs - 1.0))}
    assert forms_of(by_name) == {}


def test_what_could_have_failed_is_counted() -> None:
    run = l2o.rollout(instances.Adversary("jump", 5.0), P, X0, 20)
    v = verify(run, P, "B1")
    could = v.judged & ~v.vacuous
    assert 0 < v.to_dict()["decided"] == int(could.sum()) < v.verdict.size
    wrong = verify(run, P, v.bound.replace(rhs=v.bound.rhs * 0 - 1e9))
    assert wrong.to_dict()["decided"] == wrong.count(Verdict.VIOLATED) == v.verdict.size
    flat = l2o.rollout(l2o.optimizer("ista"), P, X0, 10)
    assert verify(flat, P, "B9").to_dict()["decided"] == 0, "without strong convexity the distance may only not grow"
