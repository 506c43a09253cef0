"""What is kept of a run, held against a loop over its arrays."""

from dataclasses import replace

import numpy as np
import pytest

from l2obound import l2o
from l2obound.bounds.assumptions import HALF_STEP, READINGS, deviations
from l2obound.verification.optima import optimum
from l2obound.verification.report._series import (
    TOLERANCES,
    bands,
    descent_series,
    deviation_series,
    kept_steps,
    listed,
    series,
)
from l2obound.verification.verdicts.evidence import gather
from l2obound.verification.verdicts.judge import judge


@pytest.fixture(scope="module")
def case():
    problem = l2o.synthetic.lasso(5, 8, 12, seed=3)
    certified = optimum(problem)
    run = l2o.rollout(l2o.pretrained("go-math-l2o", "lasso"), problem, l2o.synthetic.starts(problem, shift=2.0), 40)
    evidence = gather(run, problem, optimum=certified)
    inspection, descent = evidence.inspection, judge("per_step_descent", evidence, "best")
    return run, inspection, certified, descent, series(run, inspection, certified, descent, True)


def test_all_iterations_are_kept_up_to_a_few_hundred():
    assert kept_steps(300).tolist() == list(range(301))
    for steps in (301, 500, 10_000):
        steps_of_series = kept_steps(steps)
        assert steps_of_series[:200].tolist() == list(range(200))
        assert steps_of_series[-1] == steps
        assert len(steps_of_series) <= 300
        assert (np.diff(steps_of_series) > 0).all()


def test_bands_are_quantiles_and_what_is_not_finite_is_none():
    array = np.array([[1.0, np.inf], [2.0, 5.0], [3.0, 6.0]])
    assert bands(array) == {"median": [2.0, 6.0], "q10": [1.2, 5.2], "q90": [2.8, None]}
    many = np.random.default_rng(0).standard_normal((7, 3))
    for name, q in (("median", 0.5), ("q10", 0.1), ("q90", 0.9)):
        np.testing.assert_allclose(bands(many)[name], np.quantile(many, q, axis=0), rtol=1e-5)
    assert bands(array[:0]) == {"median": [], "q10": [], "q90": []}
    assert listed([1 / 3, np.nan]) == [0.333333, None]


def test_gaps_and_reach_are_those_of_the_run(case):
    run, _, certified, _, remaining = case
    value = run.objective.numpy()
    gap = value - certified.upper[:, None]
    np.testing.assert_allclose(remaining["gap"]["median"], np.median(gap, axis=0), rtol=1e-5, atol=1e-14)
    for entry, tolerance in zip(remaining["reach"], TOLERANCES, strict=True):
        first = []
        for b in range(5):
            excess = (value[b] - certified.lower[b]) / abs(certified.upper[b])
            first.append(next((k for k, e in enumerate(excess) if e <= tolerance), np.inf))
        median = sorted(first)[2]
        assert entry["median"] == (median if np.isfinite(median) else None)
        assert entry["reached"] == sum(np.isfinite(first))
    for b, (least, k) in enumerate(zip(remaining["lowest"]["gap"], remaining["lowest"]["k"], strict=True)):
        assert least == pytest.approx(gap[b].min(), rel=1e-5, abs=1e-14)
        assert k == gap[b].argmin()


def test_steps_are_counted_as_they_are_judged(case):
    run, _, _, descent, remaining = case
    value = run.objective.numpy()
    step = value[:, :-1] - value[:, 1:]
    np.testing.assert_allclose(
        remaining["descent"]["measured"]["median"], np.median(step, axis=0), rtol=1e-4, atol=1e-13
    )
    totals = remaining["descent"]["totals"]
    assert totals["steps"] == 200
    assert totals["unguaranteed"] == int((descent.rhs >= 0).sum()) == int(descent.vacuous.sum())
    assert totals["rises"] == int((descent.lhs > descent.tolerance).sum())
    share = (descent.rhs >= 0).mean(axis=0)
    np.testing.assert_allclose(remaining["descent"]["unguaranteed"], share, rtol=1e-5)
    # No step that has a guarantee rises: B1 holds.
    assert not ((descent.rhs < 0) & (descent.lhs > descent.tolerance)).any()


def test_deviations_are_those_of_assumption_1(case):
    run, _, _, _, remaining = case
    arrays = [a.numpy() for a in (run.smoothness, run.preconditioner, run.bias, run.generalized_gradient)]
    for name, reading in READINGS.items():
        d = deviations(*arrays, reading)
        second = np.linalg.norm(d.delta2, axis=-1) / np.linalg.norm(arrays[3], axis=-1)
        np.testing.assert_allclose(
            remaining["deviation"]["delta2"][name]["q90"], np.quantile(second, 0.9, axis=0), rtol=1e-5
        )
        np.testing.assert_allclose(
            remaining["deviation"]["delta1"]["median"], np.median(np.abs(d.delta1).max(axis=-1), axis=0), rtol=1e-5
        )


def test_a_rise_within_rounding_is_none(case):
    _, inspection, _, descent, _ = case
    for factor, rises in ((0.5, 0), (2.0, 200)):
        planted = replace(descent, lhs=factor * descent.tolerance)
        assert descent_series(planted, inspection.finite, kept_steps(40))["totals"]["rises"] == rises


def test_what_is_not_known_of_f_star_counts(case):
    """A wider interval: gaps are to its upper end, a tolerance is reached by the lower one, the floor is the median."""
    run, inspection, certified, descent, remaining = case
    wider = replace(certified, lower=certified.upper - np.abs(certified.upper) * [1e-3, 2e-3, 3e-3, 4e-3, 1e-1])
    other = series(run, inspection, wider, descent, True)
    assert other["gap"] == remaining["gap"]
    assert other["relative_floor"] == pytest.approx(3e-3 / (1 - 3e-3)), "of the end of F* that is nearer to 0"
    assert other["floor"] == pytest.approx(np.median(wider.width))
    assert [entry["reached"] for entry in other["reach"]] == [min(4, remaining["reach"][0]["reached"]), 0, 0]
    assert remaining["reach"][1]["reached"] > 0
    unknown = series(run, inspection, replace(certified, lower=certified.lower - np.inf), descent, True)
    assert unknown["floor"] is unknown["relative_floor"] is None
    assert [entry["reached"] for entry in unknown["reach"]] == [0, 0, 0]


def test_a_perfect_half_step_has_no_deviation_by_its_reading():
    """A planted model: p = 1/(2L), b = 0."""
    problem = l2o.synthetic.lasso(2, 5, 6, seed=1)
    half = l2o.optimizer("ista", step=0.5 / problem.smoothness)
    run = l2o.rollout(half, problem, l2o.synthetic.starts(problem), 6)
    curves = deviation_series(run, np.array([True, True]), kept_steps(6))
    assert max(curves["delta1"]["q90"]) < 1e-12
    assert max(curves["delta2"][HALF_STEP.name]["q90"]) < 1e-6
    np.testing.assert_allclose(curves["delta2"]["gradient_descent"]["median"], 1.0, atol=1e-6)


def test_lost_instances_are_left_out_and_a_lost_run_is_empty():
    problem = l2o.synthetic.lasso(3, 5, 6, seed=1)
    certified = optimum(problem)
    wild = l2o.optimizer("ista", step=1e60 / problem.smoothness)
    run = l2o.rollout(wild, problem, l2o.synthetic.starts(problem, shift=5.0), 30)
    evidence = gather(run, problem, optimum=certified)
    inspection = evidence.inspection
    assert not inspection.finite.any()
    descent = judge("per_step_descent", evidence)
    curves = series(run, inspection, certified, descent, True)
    assert curves["gap"] == curves["rho"] == curves["descent"]["measured"] == {"median": [], "q10": [], "q90": []}
    assert curves["descent"]["totals"]["steps"] == 0
    assert all(entry == {"tolerance": t, "median": None, "reached": 0} for entry, t in zip(curves["reach"], TOLERANCES))
    assert all(gap is not None for gap in curves["lowest"]["gap"])  # x_0 was there
