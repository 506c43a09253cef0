"""Entries that are asked for by name: long reference steps, the last gradient, the PL rates and preconditioners."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.verification import Verdict, optimum, verify

SMOOTH = l2o.synthetic.quadratic(4, 6)
BEST = optimum(SMOOTH)
X0 = torch.ones(4, 6, dtype=torch.float64)
RATES = ("ind_rate:gradient_by_objective", "strong_convexity:pl_inexact", "strong_convexity:pl_exact_steps")


def descent(step: float = 1.0, steps: int = 12) -> l2o.Run:
    """Gradient descent with steps h/L."""
    return l2o.rollout(l2o.optimizer("gradient-descent", step=(step / SMOOTH.smoothness).numpy()), SMOOTH, X0, steps)


@pytest.mark.parametrize("name", RATES)
def test_gradient_descent_has_these_rates(name: str) -> None:
    v = verify(descent(), SMOOTH, name, BEST)
    assert v.overall is Verdict.VERIFIED
    assert not v.vacuous.any()


@pytest.mark.parametrize("name", RATES)
def test_a_lower_bound_that_is_too_high_is_found(name: str) -> None:
    run = descent()
    ends = run.objective[:, 0].numpy() * (1 - 1e-6)
    v = verify(run, SMOOTH, name, replace(BEST, lower=ends))
    assert v.overall is Verdict.VIOLATED


@pytest.mark.parametrize("name", RATES)
def test_half_of_the_bound_is_found(name: str) -> None:
    bound = bounds.get(name)
    v = verify(descent(), SMOOTH, bound.replace(rhs=bound.rhs / 10_000), BEST)
    assert v.count(Verdict.VIOLATED) > 0


def test_they_do_not_apply_to_other_runs() -> None:
    short, lasso = descent(0.5), l2o.synthetic.lasso(4, 5, 8)
    composite = l2o.rollout(l2o.optimizer("ista"), lasso, l2o.synthetic.starts(lasso), 5)
    for name in RATES:
        assert verify(composite, lasso, name).overall is Verdict.NOT_APPLICABLE
        if name != "strong_convexity:pl_inexact":
            assert verify(short, SMOOTH, name, BEST).overall is Verdict.NOT_APPLICABLE
    assert verify(short, SMOOTH, "strong_convexity:pl_inexact", BEST).overall is Verdict.VERIFIED
    assert verify(short, SMOOTH, RATES[0], BEST, 0.5).overall is Verdict.VERIFIED
    # that the comparator is a minimiser is not known of a certified point
    assert verify(descent(), SMOOTH, "ind_rate:gradient", BEST).overall is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("h", [1.25, 1.5])
def test_longer_steps_have_their_rates(h: float) -> None:
    run = descent(h)
    for name in ("ind_rate:exact", "ind_rate:gradient_by_objective", "ood_last_iterate"):
        assert verify(run, SMOOTH, name, BEST, h).overall is Verdict.VERIFIED
    assert verify(run, SMOOTH, "ind_rate", BEST, h).overall is Verdict.NOT_APPLICABLE
    with pytest.raises(l2o.InputError, match=r"\(0, 3/2\]"):
        verify(run, SMOOTH, "ood_last_iterate", BEST, 1.6)


LASSO = l2o.synthetic.lasso(4, 5, 8)
STARTS = l2o.synthetic.starts(LASSO)


def test_steps_of_a_fixed_metric_are_b6() -> None:
    """p = 0.7/L: B20 is K/h times B6 with h = 0.7, but for what steps below 1/L leave."""
    run = l2o.rollout(l2o.optimizer("ista", step=(0.7 / LASSO.smoothness).numpy()), LASSO, STARTS, 10)
    best = optimum(LASSO)
    v = verify(run, LASSO, "variable_metric", best)
    assert v.overall is Verdict.VERIFIED
    x, z = run.x.numpy(), np.asarray(best.x)
    ends = ((x[:, 0] - z) ** 2).sum(-1) - ((x[:, -1] - z) ** 2).sum(-1)
    np.testing.assert_allclose(v.rhs, LASSO.smoothness.numpy() / 0.7 * ends / 2, rtol=1e-9)
    far = 10 * run.objective[:, 0].numpy()
    low = replace(best, lower=best.lower - far, upper=best.upper - far)
    assert verify(run, LASSO, "variable_metric", low).overall is Verdict.VIOLATED


def test_preconditioners_that_are_too_long_or_not_recorded_have_no_verdict() -> None:
    long = l2o.rollout(l2o.optimizer("ista", step=(1.4 / LASSO.smoothness).numpy()), LASSO, STARTS, 10)
    v = verify(long, LASSO, "variable_metric")
    assert v.overall is Verdict.NOT_APPLICABLE
    assert "L p_i <= 1" in v.summary()
    adam = verify(l2o.rollout(l2o.optimizer("adam"), LASSO, STARTS, 10), LASSO, "variable_metric")
    assert adam.overall is Verdict.NOT_APPLICABLE
    learned = l2o.rollout(l2o.optimizer("l2o-pa"), LASSO, STARTS, 5)
    assert "preconditioner_short" in [h.name for h in verify(learned, LASSO, "variable_metric").hypotheses]
