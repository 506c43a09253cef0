"""Bounds called tight are attained with every term at work, and no slop can be left out."""

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds.vocabulary import Q, k
from tests.helpers import bound_runs as runs
from tests.helpers import guaranteed_runs as guaranteed

R, L, VIRTUAL = 2.0, 3.0, (0.2, 0.3, 0.5)  # shares of ||e|| in the terms of the virtual decomposition


def parabola(K, h):
    """B1: any steps on f = (L/2) x^2."""
    return runs.line(1 + 0.3 * np.arange(K + 1) * (-1) ** np.arange(K + 1), curvature=L, L=L, h=h).measure()


def against(K, h=0.75, sigma=0.5):
    """B2: f = (L/2) x^2 and deviations against G, D = (h - sigma) G / L."""
    return runs.line((1 - h + sigma) ** np.arange(K + 1), curvature=L, L=L, h=h).measure()


def diagonal(K):
    run = runs.line(0.5 ** np.arange(K + 1), curvature=2.0, L=2.0)
    return runs.replace(run, preconditioner=np.full((1, K, 1), 0.25)).measure()


def even_path(K, length, h, factor):
    """K of `length` equal steps to z on F = c|x|; exact where c = `factor` L R / (h length) with factor 1."""
    x = R * (1 - np.arange(K + 1) / length)
    return runs.line(x, r_slope=factor * L * R / (h * length), L=L, h=h).measure()


def stay(K, h=1.0, z=0.5):
    """B6: a linear f and a run that stays."""
    return runs.line(np.full(K + 1, R), slope=1.0, L=L, z=z, h=h).measure()


def overshoot(K, h):
    """B6: f = (L/2) x^2, a run that starts at z and makes one step beyond the minimiser at the end."""
    return runs.line([1.0] * K + [-0.5], curvature=L, L=L, z=1.0, h=h).measure()


def decomposed(q):
    """With a virtual decomposition that adds up to ||e||."""
    e, v = q.values["enorm"], q.values
    extra = {
        "bracket": VIRTUAL[0] * e,
        "C1": VIRTUAL[1] * e / v["G_inf"],
        "C2": VIRTUAL[2] * e,
        "dz": np.ones_like(e),
        "pshift": VIRTUAL[1] * e,
        "bshift": VIRTUAL[2] * e,
    }
    return runs.with_further(q, extra, heads_lipschitz=True)


def exact_smooth(K, h):
    """Exact steps on the function that is slope |x| far out: the worst case of gradient descent."""
    c = L * R / (2 * K * h + 1)
    return runs.huber(R - np.arange(K + 1) * h * c / L, c, L=L, h=h).measure()


def steep_to_the_end(K, h):
    """The worst case of the last gradient: the same function, raised, and x_K where its linear part ends."""
    c, level = L * R / (K * h + 1), np.array([0.7])
    run = runs.huber(c / L + (K - np.arange(K + 1)) * h * c / L, c, L=L, h=h)
    return runs.replace(run, objective=run.objective + 0.7, comparator_objective=level, objective_lower=level).measure()


def linear_part(K, h):
    """K+1 equal steps to z on the same function, which is linear there: all gradients differ from that at z alike."""
    return runs.huber(R * (1 - np.arange(K + 1) / (K + 1)), 0.7 * L * R / (K + 1), L=L, h=h).measure()


def even_with(K, h, values):
    """The even path on F = c|x|, with more quantities made of x_k, D and c."""
    x, c = R * (1 - np.arange(K + 1) / (K + 1)), 0.8 * L * R / (K + 1)
    return runs.with_further(runs.line(x, r_slope=c, L=L, h=h).measure(), values(x[None, 1:], R / (K + 1), c))


def inexact(K, h):
    """g_k = s < c on F = c|x|: an epsilon-subgradient with epsilon = (c - s) x_k."""
    x, c = R * (1 - np.arange(K + 1) / (K + 1)), 0.8 * L * R / (K + 1)
    run = runs.line(x, r_slope=c, L=L, h=h)
    q = runs.replace(run, subgradient=0.6 * run.subgradient).measure()
    return runs.with_further(q, {"eps": 0.4 * c * x[None, 1:]})


def varying(K):
    h = 0.3 + 0.7 * np.arange(1, K + 1)[None] / K
    return even_with(K, 1.0, lambda x, step, c: {"step_h": h, "ex_own": (step - h * c / L) * x})


def weighted(K, h):
    weights = 1 + 0.2 * np.arange(1, K + 1) / K
    pot = bounds.statements.out_of_distribution.weight_potentials(weights)
    x = [R]
    for i in range(K):
        x.append(weights[i] * x[-1] / (2 * weights[i] - pot[0, i + 1]))
    q = runs.line(x, r_slope=0.3, L=L, h=h).measure()
    return runs.with_further(q, {"weight": weights[None], "pot": pot})


def contracting(K, h, mu=0.8, e=0.1):
    """f = (mu/2) x^2 around a comparator that is no minimiser, deviations away from it."""
    z, x = -1.0, [R]
    for _ in range(K):
        x.append(z + (1 - h * mu / L) * (x[-1] - z) + e + h * mu / L)
    return runs.line(x, curvature=mu, L=L, z=z, h=h).measure()


def lifted(K, sigma, h=0.75):
    """f = (L/2) x^2 + 0.7, mu = L, deviations against G."""
    return runs.line((1 - h + sigma) ** np.arange(K + 1), curvature=L, L=L, h=h, offset=0.7, floor=0.7).measure()


def to_the_bottom(K, h):
    x = np.append(1 + 0.3 * np.arange(K), 0.0)
    return runs.line(x, curvature=L, L=L, h=h, offset=0.7, floor=0.7).measure()


def hilltop(K, z=0.0):
    """f = -(L/2) x^2, a run that slides down."""
    run = runs.line(1 + 0.3 * np.arange(K + 1), curvature=-L, L=L, z=z)
    return runs.replace(run, facts=run.facts | {"r_indicator": True}).measure()


def dips(K, slope=0.6):
    """f' is `slope` at every point and half of that between two of them, and falls to 0 behind x_K: steps 1/L."""
    run = runs.line(1 - np.arange(K + 1) * slope / L, slope=slope, L=L, floor=0.7)
    fall = slope**2 / L
    objective = 0.7 + fall / 2 + 0.75 * fall * np.arange(K, -1, -1)[None]
    return runs.replace(run, objective=objective, facts={"f_smooth": True, "r_zero": True}).measure()


def short_steps(K):
    """p < 1/(2L) and b = 0 on a parabola: delta1 and delta2 both against G."""
    run = runs.line(0.75 ** np.arange(K + 1), curvature=L, L=L)
    return runs.replace(run, preconditioner=np.full((1, K, 1), 0.25 / L)).measure()


def biased(K):
    run = runs.line(1 + 0.3 * np.arange(K + 1), curvature=L, L=L)
    return runs.replace(run, preconditioner=np.full((1, K, 1), 0.25)).measure()


def at_the_limit(b):
    r, q = 0.9, 1 + 0.9 * b / (1 - b)
    return bounds.from_scalars(
        {"history_r": r, "history_q": q, "history_b": b, "history_radius": 1.0}, errors={"history_radius": 1e-12}
    )


def shared(run, weights):
    """With weights of x_1..x_K that are proportional to `weights`, and what a run certificate is made of."""
    a = np.asarray(weights, float) / np.sum(weights)
    left = np.append(np.cumsum(a[::-1])[::-1], 0.0)
    x, z = run.x[0, 1:, 0], run.comparator[0, 0]
    g = np.append(run.gradient[0, 1:, 0], run.end_gradient[0, 0])
    f = run.objective[0, 1:]
    made = {"model": f + g * (z - x), "model_0": f + g * (run.x[0, 0, 0] - x)}
    rows = {name: row[None] for name, row in {"share": a, "left": left, **made}.items()}
    return runs.with_further(run.measure(), {**rows, "mean_grad": np.array([abs(float(a @ g))])})


def one_slope(K, z=0.5):
    """B15: f is linear, so that every tangent is f."""
    return shared(runs.line(1 + 0.3 * np.arange(K + 1), slope=2.0, L=L, z=z, offset=0.7), np.arange(1, K + 1))


def far_out(K):
    """B15 within a ball: all points on the linear part of a Huber function."""
    run = runs.huber(R - 0.5 * np.arange(K + 1) / K, 0.5, L=L)
    higher = runs.replace(run, objective=run.objective + 0.7, comparator_objective=run.comparator_objective + 0.7)
    return shared(higher, np.arange(1, K + 1))


def resting(K):
    """B19: f and r linear, and a run that stays."""
    return guaranteed.with_accelerated(runs.line(np.full(K + 1, R), slope=0.4, r_slope=0.3, L=L, z=0.5))


def even_u(K, factor, z=0.0):
    """B19: r = c|x| and u_k that goes to z in K of K+1 equal parts."""
    u, a = R * (1 - np.arange(K + 1) / (K + 1)), bounds.accelerated.momenta(K)[0]
    x = [R]
    for i in range(1, K + 1):
        x.append(x[-1] + (u[i] - x[-1]) / a[i])
    return guaranteed.with_accelerated(runs.line(x, r_slope=factor * L * R / ((K + 1) * a[K]), L=L, z=z))


def changing(K):
    """B20: f and r linear, a run that stays, and a preconditioner that halves."""
    run = runs.line(np.full(K + 1, R), slope=0.4, r_slope=0.3, L=L, z=0.5)
    return runs.replace(run, preconditioner=0.5 ** np.arange(K)[None, :, None] / L).measure()


def too_long():
    """B20: steps of 1.05/L on f = L x^2/2, where rounding explains the excess."""
    values = {"L": 1.0, "F": [[0.5, 0.1]], "F_z": 0.0, "metric_dist2": [[0.2, 0.0]], "metric_before": [[0.2]]}
    values |= {"metric_weight": [[1.0, 1.0]], "metric_bias": [[0.05]], "Lp_min": [[1.0]], "Lp_max": [[1.05]]}
    return bounds.from_scalars(values | {"D2": [[4.0]]}, errors={"Lp_max": [[0.1]]}, facts=CONVEX)


def coasting(K):
    """p = 1 and A = 1 on f(x) = max(x, 0)^2/2 from x_0 = 1: x_k = 1 - k, and what F loses at first is in the motion."""
    F, motion = [0.5] + [0.0] * K, [0.0] + [0.5] * K
    values = {"L": 1.0, "F": [F], "motion": [motion], "x_floor": [[0.0] * K], "G2": [[1.0] + [0.0] * (K - 1)]}
    return bounds.from_scalars(values, facts=CONVEX | {"momentum_region": True})


TIGHT = {
    "variable_metric": lambda K: [changing(K)],
    "energy_descent:momentum": lambda K: [coasting(K)],
    "accelerated_inexact:distance": lambda K: [resting(K)],
    "accelerated_inexact:sharp": lambda K: [even_u(K, s) for s in (0.5, 1.0, 2.0)],
    "accelerated_inexact:size": lambda K: [even_u(K, s) for s in (K, 2.0 * K)],
    "run_certificate": lambda K: [one_slope(K)],
    "run_certificate:ball": lambda K: [far_out(K)],
    "per_step_descent": lambda K: [parabola(K, 0.5), parabola(K, 1.0)],
    "ood_per_step": lambda K: [parabola(K, 0.5), parabola(K, 1.0)],
    "ood_per_step:magnitude": lambda K: [decomposed(against(K))],
    "homogeneous_descent": lambda K: [against(K), against(K, 1.0, 0.75)],
    "homogeneous_descent:diagonal": lambda K: [diagonal(K)],
    "ind_rate:exact": lambda K: [even_path(K, 2 * K, h, 1.0) for h in (0.5, 1.0, 1.5)],
    "ood_multi_step": lambda K: [stay(K), overshoot(K, 0.5), overshoot(K, 1.0)],
    "ood_multi_step:magnitude": lambda K: [stay(K, z=0.0), overshoot(K, 0.5)],
    "ood_multi_step:virtual": lambda K: [decomposed(stay(K)), decomposed(overshoot(K, 0.5))],
    "ood_multi_step:last_iterate": lambda K: [stay(K)] + ([overshoot(1, 0.8)] if K == 1 else []),
    "ood_multi_step_sharp": lambda K: [even_path(K, K + 1, h, s) for h in (0.5, 1.0, 1.25) for s in (0.5, 1.0, 2.0)],
    "ood_multi_step_sharp:magnitude": lambda K: [even_path(K, K + 1, h, 2.0) for h in (0.5, 1.0, 1.25)],
    "ood_multi_step_sharp:average_point": lambda K: [even_path(K, K + 1, h, 2.0) for h in (0.5, 1.0, 1.25)],
    "ood_multi_step_sharp:bonus": lambda K: [linear_part(K, h) for h in (0.5, 1.0)],
    "ood_multi_step_sharp:inexact_prox": lambda K: [inexact(K, h) for h in (0.5, 1.0)],
    "ood_multi_step_sharp:varying_steps": lambda K: [varying(K)],
    "ood_multi_step_sharp:weighted": lambda K: [weighted(K, h) for h in (0.5, 1.0)],
    "ind_rate:average": lambda K: [even_path(K, K + 1, h, 1.0) for h in (0.5, 1.0)],
    "ind_rate:smooth": lambda K: [exact_smooth(K, h) for h in (0.5, 1.0)],
    "ind_rate:gradient": lambda K: [steep_to_the_end(K, h) for h in (0.5, 1.0, 1.4)],
    "ind_rate:gradient_by_objective": lambda K: [steep_to_the_end(K, h) for h in (0.5, 1.0, 1.5)],
    "virtual_decomposition": lambda K: [decomposed(against(K))],
    "virtual_decomposition:magnitude": lambda K: [decomposed(against(K))],
    "strong_convexity": lambda K: [contracting(K, h) for h in (0.5, 1.0)],
    "strong_convexity:rate": lambda K: [contracting(K, h) for h in (0.5, 1.0)],
    "strong_convexity:pl": lambda K: [lifted(K, 0.5), lifted(K, 0.9)],
    "nonconvex_stationarity": lambda K: [to_the_bottom(K, h) for h in (0.5, 1.0)],
    "nonconvex_stationarity:descent": lambda K: [parabola(K, 0.5), parabola(K, 1.0)],
    "nonconvex_stationarity:exact_steps": lambda K: [dips(K)],
    "nonconvex_stationarity:subdifferential": lambda K: [hilltop(K)],
    "nonconvex_stationarity:constrained": lambda K: [hilltop(K, z=10.0)],
    "asymptotics": lambda K: [biased(K)],
    "assumption_sensitivity": lambda K: [short_steps(K)],
    "history_stability": lambda K: [at_the_limit(b) for b in (0.0, 0.4)],
    "ood_last_iterate": lambda K: [even_path(K, 2 * K, h, s) for h in (0.5, 1.0, 1.5) for s in (0.0, 0.5, 1.0, 2.0)],
}
STEPS = (1, 2, 5)


def terms(rhs):
    """The summands of a right-hand side, sums over k split into theirs."""
    results = []
    for term in sp.Add.make_args(sp.expand(rhs)):
        total = next(iter(term.atoms(sp.Sum)), None)
        parts = sp.Add.make_args(sp.expand(total.function)) if total else ()
        results += [term / total * sp.Sum(part, *total.limits) for part in parts] or [term]
    return results


def test_the_tight_bounds_are_those_with_an_instance():
    tight = {name for name in bounds.names(variants=True) if bounds.get(name).kind == "tight"}
    assert tight == {*TIGHT, "equivariance"}  # 0 <= 0, on every run whose heads transform along


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("name", TIGHT)
def test_tight_bounds_are_attained(name, steps):
    bound, result, deviating = bounds.get(name), False, False
    for q in TIGHT[name](steps):
        e = bound.evaluate(q)
        ok, broken = runs.holds(bound, q)
        assert ok.all()
        assert not broken.any()
        np.testing.assert_allclose(e.lhs, e.rhs, rtol=1e-11, atol=1e-11)
        result |= bool((np.abs(e.rhs) > 1e-3).all())
        deviating |= bool((q.values.get("enorm", np.ones(1)) > 1e-2).any())
    assert result
    assert deviating or "exact_step" in [h.name for h in bound.hypotheses]


@pytest.mark.parametrize("name", TIGHT)
def test_two_per_cent_in_any_term_is_caught(name):
    bound, seen = bounds.get(name), set()
    instances = [q for steps in STEPS for q in TIGHT[name](steps)]
    for term in terms(bound.rhs):
        values = [bounds.evaluate_expression(term, q).mid for q in instances]
        for sign in (1, -1):
            wrong = bound.replace(rhs=bound.rhs - sign * term / 50)
            for q, value in zip(instances, values):
                lowered = sign * value > 1e-9
                if lowered.any():
                    assert runs.holds(wrong, q)[1][lowered].all(), (term, sign)
                    seen.add(term)
    assert seen == set(terms(bound.rhs))


def test_the_square_of_the_sum_of_deviations_is_needed():
    # many small deviations climb from z to A, an even path leads back: attained as 1/m + m/K -> 0. Of the terms
    # in sum ||e_k||^2 and in tau no run is known that needs them: a single deviation attains half of the bound.
    m, K, top = 150, 60000, 1.0
    c = L * top / (K - m + 1)
    x = np.concatenate([top * np.arange(m + 1) / m, top - np.arange(1, K - m + 1) * c / L])
    q = runs.line(x, r_slope=c, L=L).measure()
    A = sp.Sum(Q.enorm[k], (k, 1, Q.K))
    for name, share in (("a_priori:sharp", sp.Rational(98, 100)), ("a_priori", sp.Rational(49, 100) / 2)):
        bound = bounds.get(name)
        ok, broken = runs.holds(bound, q)
        assert ok.all()
        assert not broken.any()
        rhs = bound.rhs.subs(A**2, share * A**2) if "sharp" in name else share * bound.rhs
        assert rhs != bound.rhs
        assert runs.holds(bound.replace(rhs=rhs), q)[1].all(), name


def coarse(precision, preconditioner=None, optimal=False, **line):
    """A run made in arithmetic so coarse that its deviations count as rounding."""
    run = runs.line(**line)
    run = runs.replace(run, preconditioner=preconditioner, facts=run.facts | {"comparator_optimal": optimal})
    return bounds.measure(**vars(run), run_precision=precision)


def rate(steps=4, e=0.2):
    x = 1 - np.arange(steps + 1) / (2 * steps)
    return coarse(0.05, x=x, r_slope=1 / (2 * steps) + e)


RISING = {"x": [1.5, 1.0, 1.1], "r_slope": 10.0}  # on F = 10|x|, with the second step upwards
CONVEX = {"f_smooth": True, "f_convex": True, "r_convex": True}


def guarded():
    """One step of a guard whose F ends above L R^2/2, by less than its rounding explains."""
    values = {"L": 1.0, "F": [[1.0, 0.55]], "F_z": 0.0, "dist": [[1.0, 1.0]], "guard_count": [[0.0, 1.0]]}
    values |= {"guard_weight": [[0.0, 1.0]], "guard_momentum": [[1.0]], "guarded": [[1.0]], "guard_floor": [[0.1]]}
    return bounds.from_scalars(values, facts=CONVEX | {"accelerated_guard": True})


def budgeted():
    """A step without deviation and without budget, whose F ends above L R^2/4 by rounding."""
    values = {"L": 1.0, "h": 1.0, "F": [[1.0, 0.27]], "F_z": 0.0, "tau": 0.0, "dist": [[1.0, 1.0]]}
    return bounds.from_scalars(values | {"budget": [[0.0, 0.0]], "enorm": [[0.0]], "x_floor": [[0.1]]}, facts=CONVEX)


def energetic():
    """A step that raises F, without memory, by what its rounding allows."""
    values = {"L": 1.0, "F": [[1.0, 1.05]], "energy": [[0.0, 0.0]], "x_floor": [[0.1]], "G2": [[1.0]], "D2": [[1.0]]}
    return bounds.from_scalars(values, facts={"f_smooth": True, "r_convex": True, "energy_region": True})


def moving():
    """A step that raises F + L D^2/2 by what its rounding allows."""
    values = {"L": 1.0, "F": [[1.0, 1.05]], "motion": [[0.0, 0.0]], "x_floor": [[0.1]], "G2": [[1.0]]}
    return bounds.from_scalars(values, facts=CONVEX | {"momentum_region": True})


SLOPS = {
    "variable_metric": too_long,
    "energy_descent:momentum": moving,
    "accelerated_guard": guarded,
    "accelerated_guard:weights": guarded,
    "budgeted_deviations": budgeted,
    "energy_descent": energetic,
    "homogeneous_descent": lambda: coarse(2.0**-23, x=[1.0, 1.0], slope=1e-8),
    "homogeneous_descent:diagonal": lambda: coarse(2.0**-8, np.full((1, 1, 1), 0.25), x=[1.0, 0.76], curvature=1.0),
    # from the top of f = -x^2/2, a step that is off by what counts as rounding
    "nonconvex_stationarity:exact_steps": lambda: coarse(0.05, x=[1.0, 1.7], curvature=-1.0, floor=-2.9),
    "ind_rate": rate,
    "ind_rate:exact": rate,
    "ind_rate:gradient": lambda: coarse(0.05, optimal=True, x=[1.0] * 5, curvature=0.3, slope=0.1, z=-1 / 3),
    "ind_rate:gradient_by_objective": lambda: coarse(0.05, x=[1.0] * 5, curvature=0.3, floor=0.0),
    "strong_convexity:pl_exact_steps": lambda: coarse(0.05, x=[1.0] * 5, curvature=0.3, floor=0.0),
    "ind_rate:average": lambda: coarse(0.05, x=[1.0] * 5, r_slope=0.3),
    "ind_rate:gradient_descent": rate,
    "ind_rate:half_step": lambda: coarse(0.05, x=[1.0] * 5, r_slope=0.3, h=0.5),
    "ind_rate:smooth": lambda: coarse(0.05, optimal=True, x=[1.0] * 5, slope=0.3),
    "relative_deviation_rate": lambda: coarse(2.0**-23, x=[1.0, 1.0], slope=1e-8, z=1 - 1e-9),
    "relative_deviation_rate:smooth": lambda: coarse(2.0**-23, x=[1.0, 1.0], slope=1e-8, z=1 - 1e-9),
    "strong_convexity:pl": lambda: coarse(2.0**-23, x=[1.0, 1.0], curvature=1e-8, floor=0.0),
    "equivariance": lambda: bounds.from_scalars(
        {"defect": 0.1, "defect_floor": 0.2}, facts={"equivariant_heads": True}
    ),
    "ood_multi_step:last_iterate": lambda: coarse(0.25, **RISING),
    "ood_multi_step_sharp:last_iterate": lambda: coarse(0.25, **RISING),
}


def test_every_slop_has_an_instance():
    assert {name for name in bounds.names(variants=True) if bounds.get(name).slop is not None} == set(SLOPS)


@pytest.mark.parametrize("name", SLOPS)
def test_without_its_slop_a_bound_is_broken_by_rounding(name):
    bound, q = bounds.get(name), SLOPS[name]()
    ok, broken = runs.holds(bound, q)
    assert ok.all()
    assert not broken.any()
    for slop in (None, sp.Integer(0)):
        assert runs.holds(bound.replace(slop=slop), q)[1].any()
