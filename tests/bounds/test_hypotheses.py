"""Each hypothesis holds where it should and fails where it should; Assumption 1 and its deviations."""

from dataclasses import replace

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds import assumptions, hypotheses
from tests.helpers import bound_runs as runs


def checks(name, quantities):
    return {check.name: check for check in bounds.get(name).check(quantities)}


@pytest.mark.parametrize("fact", ["f_smooth", "f_convex", "r_convex"])
def test_undeclared_facts_fail(fact):
    run = runs.line([1.0, 0.5])
    assert checks("ood_multi_step", run.measure())[fact].holds.all()
    for facts in ({**runs.ALL_FACTS, fact: False}, {n: v for n, v in runs.ALL_FACTS.items() if n != fact}):
        check = checks("ood_multi_step", run.measure(facts=facts))[fact]
        assert not check.holds.any()
        assert (check.margin < 0).all()
        assert "declares" in check.required


def test_per_step_descent_does_not_ask_for_a_convex_f():
    assert set(checks("per_step_descent", runs.line([1.0, 0.5]).measure())) == {"f_smooth", "r_convex"}


def test_deviation_below_step():
    # D = (h - sigma) G / L on f = x^2/2
    run = runs.line([1.0, 0.5, 0.5], curvature=1.0)
    check = checks("homogeneous_descent", run.measure())["deviation_below_step"]
    assert check.holds.tolist() == [[True, False]]
    np.testing.assert_allclose(check.measured, [[0.5, 1.0]])
    np.testing.assert_allclose(check.margin, [[0.5, 0.0]], atol=1e-12)
    monotone = checks("ood_multi_step:last_iterate", runs.line([1.0, 0.0, 0.5], curvature=1.0).measure())["monotone"]
    assert monotone.holds.tolist() == [[True, False]]
    assert monotone.margin[0, 1] == -np.inf


def test_exact_step():
    rng = np.random.default_rng(0)
    problem = runs.lasso(rng, 50)
    x0 = rng.standard_normal((50, 5))
    exact = runs.inexact(problem, x0, 30, lambda k, x, s: np.zeros_like(x))
    assert checks("ind_rate", exact.measure())["exact_step"].holds.all()
    assert not checks("ind_rate", exact.measure(reference_step=0.5))["exact_step"].holds[:, 0].any()
    nearly = runs.inexact(problem, x0, 30, lambda k, x, s: 1e-9 * rng.standard_normal(x.shape))
    check = checks("ind_rate", replace(nearly, gradient_error=np.zeros((50, 30))).measure())["exact_step"]
    assert not check.holds.all(axis=1).any()
    assert (check.margin < 0)[~check.holds].all()


def test_half_step_runs_are_exact_at_one_half():
    rng = np.random.default_rng(0)
    problem = runs.lasso(rng, 20)
    run = runs.inexact(problem, rng.standard_normal((20, 5)), 5, lambda k, x, s: np.zeros_like(x), h=0.5)
    assert checks("ind_rate", run.measure())["exact_step"].holds.all()
    assert bounds.get("ind_rate").evaluate(run.measure()).rhs == pytest.approx(
        run.L * np.sum((run.x[:, 0] - run.comparator) ** 2, -1) / 5
    )


def test_reference_step():
    run = runs.line([1.0, 0.5])
    limits = {
        ("ind_rate", "reference_step"): 1.0,
        ("ood_multi_step_sharp", "reference_step_long"): 1.25,
        ("ind_rate:gradient", "reference_step_root_2"): 1.4142,
        ("ood_last_iterate", "reference_step_longer"): 1.5,
    }
    for (name, hypothesis), limit in limits.items():
        for h in (0.5, limit, limit + 1e-4):
            check = checks(name, run.measure(reference_step=h))[hypothesis]
            assert check.holds.all() == (h <= limit)
            assert (check.margin >= 0).all() == (h <= limit)


def test_weights_of_metrics_pay_for_their_change():
    values = {"metric_dist2": [[2.0, 1.0, 3.0]], "metric_before": [[2.0, 4.0]]}
    for weights, holds in (
        ([1.0, 1.0, 0.25], [True, True]),
        ([1.0, 1.0, 0.26], [True, False]),
        ([1.0, 1.1, 0.25], [False, True]),
        ([1.0, 1.0, -1.0], [True, False]),
    ):
        check = bounds.hypotheses.METRIC_WEIGHTS.check(bounds.from_scalars({**values, "metric_weight": [weights]}))
        assert check.holds.tolist() == [holds]
    for high, short in ((0.9, True), (1.0, True), (1.01, False)):
        check = bounds.hypotheses.PRECONDITIONER_SHORT.check(bounds.from_scalars({"Lp_max": [[high]]}))
        assert check.holds.all() == short


def test_a_modulus_above_the_smoothness_is_found():
    # f = 1 is L-smooth for every L and obeys the inequality of Polyak and Lojasiewicz for every mu
    run = runs.line([1.0, 0.5], offset=1.0, floor=0.0)
    for name in ("strong_convexity:pl_inexact", "strong_convexity:pl_exact_steps"):
        for mu in (1.0, 1.5):
            check = checks(name, run.measure(strong_convexity=np.array([mu])))["mu_at_most_L"]
            assert check.holds.all() == (mu == 1.0)


def preconditioned(p, **facts):
    run = runs.line([1.0, 0.5], curvature=2.0, L=2.0)
    return replace(run, preconditioner=np.full((1, 1, 1), p), facts={**runs.ALL_FACTS, **facts}).measure()


def test_preconditioner_and_bias():
    for p, r_zero, expected in (
        (0.25, False, True),
        (1.0, False, True),
        (1.01, False, False),
        (-0.1, True, False),
        (0.0, True, True),
        (0.0, False, False),
    ):
        check = checks("homogeneous_descent:diagonal", preconditioned(p, r_zero=r_zero))["preconditioner_in_range"]
        assert check.holds.all() == expected, p
        assert check.measured == pytest.approx(2 * p)
    assert checks("homogeneous_descent:diagonal", preconditioned(0.25))["bias_free"].holds.all()
    check = checks("homogeneous_descent:diagonal", preconditioned(0.5))["bias_free"]
    assert not check.holds.any()
    assert check.measured == pytest.approx(0.5)
    assert check.margin == pytest.approx(-0.5)


def test_what_is_missing_is_a_failed_hypothesis():
    quantities = runs.line([1.0, 0.5]).measure()
    result = checks("homogeneous_descent:diagonal", quantities)
    for name in ("pG2_available", "bnorm_available", "preconditioner_in_range", "bias_free"):
        assert not result[name].holds.any()
        assert "it was not given" in result[name].required
    result = checks("ood_per_step:magnitude", quantities)
    assert not result["C1_available"].holds.any()
    result = checks("a_priori", runs.line([1.0, 0.5]).measure(comparator_residual=None))
    assert not result["tau_available"].holds.any()


@pytest.mark.parametrize("hypothesis", [h for h in vars(hypotheses).values() if isinstance(h, hypotheses.Hypothesis)])
def test_hypotheses_state_themselves(hypothesis):
    assert hypothesis.statement
    assert hypothesis.latex
    quantities = preconditioned(0.25)
    check = hypothesis.check(quantities)
    assert check.holds.shape in [(1,), (1, 1)]
    assert check.holds.shape == check.margin.shape == check.measured.shape
    assert not np.isnan(check.margin).any()


def deviating(seed=0, batch=50):
    rng = np.random.default_rng(seed)
    L = rng.uniform(0.1, 10, batch)
    G, b = rng.standard_normal((2, batch, 3, 4))
    return L, rng.uniform(0, 2, (batch, 3, 4)) / L[:, None, None], b, G


def test_deviations_are_an_identity_and_bound_the_relative_deviation():
    L, p, b, G = deviating()
    deltas = assumptions.deviations(L, p, b, G)
    e = p * G + b - G / L[:, None, None]
    np.testing.assert_allclose(assumptions.deviation_from(deltas, L, G), e, rtol=1e-12, atol=1e-13)
    rho = L[:, None] * np.linalg.norm(e, axis=-1) / np.linalg.norm(G, axis=-1)
    bound = assumptions.relative_deviation_bound(deltas, G)
    assert (rho <= bound * (1 + 1e-12)).all()
    # attained: p constant and b along G
    deltas = assumptions.deviations(1.0, np.full_like(G, 0.9), 0.3 * G, G)
    np.testing.assert_allclose(assumptions.relative_deviation_bound(deltas, G), 0.6)
    still = assumptions.deviations(1.0, p, b, 0 * G)
    assert np.isinf(assumptions.relative_deviation_bound(still, 0 * G)).all()


@pytest.mark.parametrize("reading", assumptions.READINGS.values(), ids=lambda r: r.name)
def test_a_model_that_meets_a_reading_makes_its_exact_step(reading):
    L, _, _, G = deviating()
    p = np.broadcast_to(reading.preconditioner(L)[:, None, None], G.shape)
    b = reading.bias(L, G)
    np.testing.assert_allclose(p * G + b, reading.reference_step * G / L[:, None, None])
    own = assumptions.deviations(L, p, b, G, reading)
    np.testing.assert_allclose(own.delta1, 0, atol=1e-14)
    np.testing.assert_allclose(own.delta2, 0, atol=1e-14)
    rho = assumptions.relative_deviation_bound(assumptions.deviations(L, p, b, G), G)
    np.testing.assert_allclose(rho, 1 - reading.reference_step, atol=1e-12)
    assert assumptions.reading(reading.name) is reading


def test_wrong_input_is_refused():
    L, p, b, G = deviating()
    with pytest.raises(bounds.InputError, match="one shape"):
        assumptions.deviations(L, p[:, 0], b, G)
    with pytest.raises(bounds.InputError, match="finite"):
        assumptions.deviations(L, p, b * np.nan, G)
    with pytest.raises(bounds.InputError, match="`L`"):
        assumptions.deviations(-L, p, b, G)
    with pytest.raises(bounds.InputError, match="no reading"):
        assumptions.reading("perfect")
