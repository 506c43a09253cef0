"""Every bound holds wherever its hypotheses do; a 2 % fault in a constant is caught on a tight instance."""

from functools import cache

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds.vocabulary import Q, k
from tests.helpers import bound_runs as runs
from tests.helpers import guaranteed_runs as guaranteed
from tests.helpers import special_runs as special


@cache
def measured(longest=1.0):
    return [batch.measure() for batch in runs.battery(int(longest > 1), longest=longest)]


@cache
def everything():
    """Runs of all kinds with all that is given, by kind."""
    kinds = {
        "any": runs.battery(),
        "r = 0": special.smooth_runs(),
        "exact": special.exact_runs(),
        "exact, r = 0": special.exact_runs(1, 120, smooth_share=1.0),
        "below": special.below_runs(),
        "box": special.boxed_runs(),
    }
    by_name = {kind: [special.with_given(run, i) for i, run in enumerate(made)] for kind, made in kinds.items()}
    by_name["diagonal"] = [special.diagonal_runs(np.random.default_rng(0), 700, 3).measure()]
    by_name["preconditioned"] = [run.measure() for run in special.preconditioned_runs()]
    by_name["inexact prox"] = special.inexact_prox_runs()
    by_name["transformed"] = [special.transformed(kind) for kind in ("translation", "scaling", "rescaling")]
    by_name["certified"] = guaranteed.certified_runs()
    by_name["not convex"] = [run.measure() for run in special.nonconvex_runs()]
    by_name["guarded"] = guaranteed.guarded_runs()
    by_name["accelerated"] = [*guaranteed.accelerated_runs(), *map(guaranteed.with_accelerated, runs.battery())]
    by_name["energy"] = guaranteed.energy_runs()
    by_name["momentum"] = guaranteed.momentum_runs()
    rng = np.random.default_rng(0)
    by_name["budget"] = [guaranteed.budgeted(run.measure(), rng) for run in runs.battery()]
    by_name["modes"] = [special.frozen_modes()]
    return by_name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=[pytest.mark.slow] * (":" in n and i % 2 == 1))
        for i, n in enumerate(bounds.names(variants=True))
    ],
)
def test_holds_wherever_its_hypotheses_do(name):
    bound, judged = bounds.get(name), 0
    for kind, batches in everything().items():
        if kind == "inexact prox" and name != "ood_multi_step_sharp:inexact_prox":
            continue  # their g_k are no subgradients, which no other bound allows
        for quantities in batches:
            if quantities.missing(bound.quantities):
                continue
            ok, broken = runs.holds(bound, quantities)
            assert not (ok & broken).any(), (name, kind)
            judged += ok.sum()
    assert judged >= 1500


def test_heads_that_do_not_transform_along_break_equivariance():
    def constant_bias(x, gradient, L):
        return 0.5 / L, np.full_like(x, 0.1)

    bound = bounds.get("equivariance")
    broken = {
        kind: runs.holds(bound, special.transformed(kind, heads=constant_bias))[1] for kind in ("scaling", "rescaling")
    }
    assert broken["rescaling"].all()
    assert not broken["scaling"].any()  # a constant bias is of the same size on cF


@pytest.mark.parametrize("name", ["history_stability"])
def test_a_fault_of_two_per_cent_in_the_stability_limit_is_caught(name):
    mode = bounds.history.frozen_mode(1.0, 1.4, 0.3)
    values = {"history_r": 1.0, "history_q": mode.limit - 1e-3, "history_b": 0.3}
    values["history_radius"] = bounds.history.frozen_mode(1.0, values["history_q"], 0.3).radius
    q = bounds.from_scalars(values)
    ok, broken = runs.holds(bounds.get(name), q)
    assert ok.all()
    assert not broken.any()
    bound = bounds.get(name)
    assert runs.holds(bound.replace(rhs=bound.rhs * sp.Rational(49, 50)), q)[1].all()


def test_jury_and_eigenvalues_agree():
    rng = np.random.default_rng(0)
    mode = bounds.history.frozen_mode(rng.uniform(-1, 4, 5000), rng.uniform(-2, 3, 5000), rng.uniform(0, 1.5, 5000))
    clear = np.abs(mode.radius - 1) > 1e-6
    np.testing.assert_array_equal(mode.stable[clear], (mode.radius < 1)[clear])
    assert mode.stable.any()
    assert (~mode.stable).any()
    assert not bounds.history.frozen_mode(0.5, 0.5, 1.2).stable
    with pytest.raises(bounds.InputError, match="finite"):
        bounds.history.frozen_mode(np.nan, 0.0, 0.0)


def test_exact_rates_hold_on_2000_runs():
    rng = np.random.default_rng(5)
    judged = 0
    for steps, h in ((1, 1.0), (4, 1.0), (4, 0.5), (30, 1.0)):
        problem = runs.lasso(rng, 500)
        x0, z = rng.standard_normal((2, 500, 5))
        quantities = runs.inexact(problem, x0, steps, lambda k, x, s: np.zeros_like(x), h, z).measure()
        for name in ("ind_rate", "ind_rate:exact"):
            ok, broken = runs.holds(bounds.get(name), quantities)
            assert ok.all()
            assert not broken.any()
        judged += ok.sum()
    assert judged == 2000


def test_last_iterate_forms_hold_on_2000_monotone_runs():
    rng, judged = np.random.default_rng(6), 0
    for steps, h in ((1, 1.0), (2, 0.6), (5, 1.0), (25, 1.0)):
        problem = runs.lasso(rng, 600, smooth_share=1.0)
        x0, z = rng.standard_normal((2, 600, 5))
        share = rng.uniform(0, 0.99, (600, 1))
        quantities = runs.inexact(
            problem, x0, steps, lambda k, x, s, share=share: share * s * rng.choice([-1, 1], x.shape), h, z
        ).measure()
        for name in (
            "ood_multi_step:last_iterate",
            "ood_multi_step_sharp:last_iterate",
            "homogeneous_descent",
        ):
            ok, broken = runs.holds(bounds.get(name), quantities)
            assert not (ok & broken).any()
        judged += ok.all(1).sum()
    assert judged >= 2000


LONG = {"ood_multi_step_sharp": 1.25, "ood_last_iterate": 1.5}


@pytest.mark.parametrize("form", ["", ":magnitude"])
@pytest.mark.parametrize("name", LONG)
def test_bounds_hold_for_long_reference_steps(name, form):
    for quantities in measured(LONG[name]):
        ok, broken = runs.holds(bounds.get(name + form), quantities)
        assert ok.all()
        assert not broken.any()


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("ood_last_iterate", 1.5),
        ("ind_rate:gradient", 1.4142),
        ("ind_rate:gradient_by_objective", 1.5),
    ],
)
def test_longer_steps_refute(name, limit):
    """One step on f = L x^2/2 from 1, z = 0: no longer h is right for K = 1. B6c: to where it has the least room."""
    for h in (limit, limit + 1e-3):
        x = (h - 1) / (h - 2) if name == "ood_last_iterate" else 1 - h
        bound = bounds.get(name)
        run = runs.line([1.0, x], curvature=2.0, L=2.0, h=h, floor=0.0)
        run = runs.replace(run, facts=run.facts | {"comparator_optimal": True})
        ok, broken = runs.holds(bound, run.measure())
        assert ok.all() == (h == limit)
        assert broken.any() == (h != limit)


def diagonal_runs(rng, batch, steps, bias=0.0):
    problem = runs.lasso(rng, batch, smooth_share=1.0)
    x = [rng.standard_normal((batch, 5))]
    p = rng.uniform(0.01, 2, (batch, steps, 5)) / problem.L[:, None, None]
    for i in range(steps):
        x.append(x[-1] - p[:, i] * problem.gradient(x[-1]) - bias)
    made = runs.finish(problem, x, [problem.gradient(a) for a in x[:-1]], [np.zeros_like(a) for a in x[1:]], x[-1], 1.0)
    return runs.replace(made, preconditioner=p)


def test_diagonal_descent_holds_on_preconditioned_runs():
    quantities = diagonal_runs(np.random.default_rng(2), 700, 3).measure()
    ok, broken = runs.holds(bounds.get("homogeneous_descent:diagonal"), quantities)
    assert ok.all()
    assert not broken.any()


def assert_tight(name, run, planted, tolerance=1e-12):
    """The bound is attained on the run, and each planted fault is broken beyond rounding there."""
    quantities = run.measure()
    bound = bounds.get(name)
    e = bound.evaluate(quantities)
    scale = max(abs(e.rhs).max(), abs(e.lhs).max())
    assert np.abs(e.lhs - e.rhs).max() <= tolerance * scale
    assert runs.holds(bound, quantities)[0].all()
    assert not runs.holds(bound, quantities)[1].any()
    for rhs in planted:
        assert runs.holds(bound.replace(rhs=rhs), quantities)[1].any(), rhs


L, h, K, R = Q.L, Q.h, Q.K, Q.R
LESS, MORE = sp.Rational(98, 100), sp.Rational(102, 100)
SUM_EX = sp.Sum(Q.ex[k], (k, 1, K))


@pytest.mark.parametrize("name", ["per_step_descent", "ood_per_step"])
@pytest.mark.parametrize("step", [1.0, 0.5])
def test_per_step_descent_is_tight(name, step):
    rhs = bounds.get(name).rhs
    run = runs.line([1.0, -0.7, 0.3, 2.0], curvature=3.0, L=3.0, h=step)
    faults = [rhs.subs(Q.G2[k], MORE * Q.G2[k]), rhs.subs(Q.e2[k], LESS * Q.e2[k])]
    if step < 1:
        faults += [rhs.subs(Q.Ge[k], c * Q.Ge[k]) for c in (LESS, MORE)][1:]
    assert_tight(name, run, faults)


def test_homogeneous_descent_is_tight():
    # f = (L/2) x^2, e against G: D = (h - sigma) G / L
    step, sigma, x = 0.75, 0.5, [1.0]
    for _ in range(3):
        x.append(x[-1] * (1 - (step - sigma)))
    rhs = bounds.get("homogeneous_descent").rhs
    assert_tight("homogeneous_descent", runs.line(x, curvature=2.0, L=2.0, h=step), [MORE * rhs])


def test_diagonal_descent_is_tight():
    run = runs.line([1.0, 0.5, 0.25], curvature=2.0, L=2.0)
    run = runs.replace(run, preconditioner=np.full((1, 2, 1), 0.25))
    assert_tight("homogeneous_descent:diagonal", run, [MORE * bounds.get("homogeneous_descent:diagonal").rhs])


@pytest.mark.parametrize("name", ["ind_rate:exact", "ood_last_iterate"])
@pytest.mark.parametrize(("steps", "step"), [(1, 1.0), (8, 1.0), (8, 0.5)])
def test_last_iterate_rates_are_tight(name, steps, step):
    start, smooth = 2.0, 3.0
    c = smooth * start / (2 * steps * step)
    x = start - np.arange(steps + 1) * c * step / smooth
    run = runs.line(x, r_slope=c, L=smooth, h=step)
    rhs = bounds.get(name).rhs
    assert_tight(name, run, [rhs - (1 - LESS) * L * R**2 / (4 * h * K)])
    # and the classical form is twice the exact one
    e = bounds.get("ind_rate").evaluate(run.measure())
    np.testing.assert_allclose(e.rhs, 2 * e.lhs, rtol=1e-12)


def test_a_fault_of_more_than_half_in_the_classical_rate_is_caught():
    run = runs.line(2.0 - np.arange(9) * 2.0 / 16, r_slope=3 * 2.0 / 16, L=3.0)
    bound = bounds.get("ind_rate")
    assert runs.holds(bound.replace(rhs=bound.rhs * LESS / 2), run.measure())[1].all()


@pytest.mark.parametrize("steps", [1, 5])
def test_the_sharp_multi_step_bound_is_tight(steps):
    start, smooth = 2.0, 3.0
    leading = L * R**2 / (2 * (K + 1))
    rhs = bounds.get("ood_multi_step_sharp").rhs
    x = start * (1 - np.arange(steps + 1) / (steps + 1))
    exact = runs.line(x, r_slope=smooth * start / (steps + 1), L=smooth)
    assert_tight("ood_multi_step_sharp", exact, [rhs - (1 - LESS) * leading])
    for name in ("ood_multi_step_sharp:magnitude", "ood_multi_step_sharp:last_iterate")[: 2 if steps == 1 else 1]:
        assert_tight(name, exact, [bounds.get(name).rhs - (1 - LESS) * leading])
    inexact = runs.line(x, L=smooth)  # F = 0 and e_k = D_k
    quantities = inexact.measure()
    e = bounds.get("ood_multi_step_sharp").evaluate(quantities)
    assert abs(e.rhs[0]) <= 1e-12
    for fault in (rhs - (1 - LESS) * leading, rhs.subs(SUM_EX, MORE * SUM_EX)):
        assert runs.holds(bounds.get("ood_multi_step_sharp").replace(rhs=fault), quantities)[1].all()


def test_the_multi_step_bound_is_attained():
    # a linear f and a run that stays: only the inner products count
    stay = runs.line([2.0, 2.0, 2.0, 2.0], slope=1.0, z=0.5)
    rhs = bounds.get("ood_multi_step").rhs
    assert_tight("ood_multi_step", stay, [rhs.subs(SUM_EX, LESS * SUM_EX)])
    # magnitudes are the inner products where the deviation points away from z
    sizes = sp.Sum(Q.enorm[k] * Q.dist[k], (k, 1, K))
    name = "ood_multi_step:magnitude"
    assert_tight(name, runs.line([2.0] * 4, slope=1.0), [bounds.get(name).rhs.subs(sizes, LESS * sizes)])


def test_the_multi_step_bound_is_attained_by_an_overshoot():
    # f = (L/2) u^2 in the plane, z beside x_0 on its level line: convexity and descent lemma both hold with
    # equality
    x = np.array([[[1.0, 1.0], [-0.5, 1.0]]])
    line = runs.line([1.0, -0.5], curvature=1.0)
    run = runs.replace(
        line,
        x=x,
        gradient=np.array([[[1.0, 0.0]]]),
        subgradient=np.zeros((1, 1, 2)),
        comparator=np.array([[1.0, -2.0]]),
        comparator_objective=np.array([0.5]),
        end_gradient=None,
    )
    rhs = bounds.get("ood_multi_step").rhs
    square = Q.dist[0] ** 2 - Q.dist[K] ** 2
    assert_tight("ood_multi_step", run, [rhs.subs(square, MORE * square)])


def test_faults_in_the_a_priori_forms_are_caught():
    # one deviation, outward, at the first step, then the worst case from R + A: attained to first order in A
    # / R
    steps, start, smooth = 1000, 1.0, 2.0
    for share in (0.0, 0.01, 0.1):
        far = start * (1 + share)
        c = smooth * far / (steps + 1)
        x = np.concatenate([[start], far - np.arange(1, steps + 1) * c / smooth])
        quantities = runs.line(x, r_slope=c, L=smooth).measure()
        sharp, literature, A = (
            bounds.get("a_priori:sharp"),
            bounds.get("a_priori"),
            sp.Sum(Q.enorm[k], (k, 1, K)),
        )
        assert quantities.values["enorm"].sum() == pytest.approx(share * start, abs=1e-12)
        for bound in (sharp, literature):
            ok, broken = runs.holds(bound, quantities)
            assert ok.all()
            assert not broken.any()
        if share == 0.01:
            faults = [(sharp, sharp.rhs.subs(R * A, LESS * R * A))]
        elif share:  # the literature form is twice too large in A
            faults = [(literature, literature.rhs.subs(2 * A, LESS * A))]
        else:
            faults = [
                (sharp, sharp.rhs - (1 - LESS) * L * R**2 / (2 * (K + 1))),
                (literature, literature.rhs - (1 - LESS) * L * R**2 / (2 * K)),
            ]
        for bound, rhs in faults:
            assert rhs != bound.rhs
            assert runs.holds(bound.replace(rhs=rhs), quantities)[1].all(), rhs


def test_the_literature_form_is_implied_by_the_sharp_one():
    for quantities in measured():
        sharp = bounds.get("a_priori:sharp").evaluate(quantities)
        literature = bounds.get("a_priori").evaluate(quantities)
        assert (sharp.rhs - sharp.rhs_error <= literature.rhs + literature.rhs_error).all()


def test_distances_obey_the_recursion_behind_the_a_priori_forms():
    for quantities in measured():
        v = quantities.values
        grown = v["R"][:, None] + np.cumsum(v["enorm"], 1) + v["tau"][:, None] * np.arange(1, quantities.steps + 1)
        assert (v["dist"][:, 1:] <= grown * (1 + 1e-9) + 1e-9).all()
