"""Bounds called tight are attained with every term at work, and no slop can be left out."""

import numpy as np
import pytest
import sympy as sp

import bounds
from bounds._vocabulary import Q, k
from tests.bounds import runs

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
    }
    return bounds.Quantities({**v, **extra}, q.errors, q.facts, q.steps, q.batch)


TIGHT = {
    "per_step_descent": lambda K: [parabola(K, 0.5), parabola(K, 1.0)],
    "ood_per_step": lambda K: [parabola(K, 0.5), parabola(K, 1.0)],
    "ood_per_step:magnitude": lambda K: [decomposed(against(K))],
    "homogeneous_descent": lambda K: [against(K), against(K, 1.0, 0.75)],
    "homogeneous_descent:diagonal": lambda K: [diagonal(K)],
    "ind_rate:exact": lambda K: [even_path(K, 2 * K, h, 1.0) for h in (0.5, 1.0)],
    "ood_multi_step": lambda K: [stay(K), overshoot(K, 0.5), overshoot(K, 1.0)],
    "ood_multi_step:magnitude": lambda K: [stay(K, z=0.0), overshoot(K, 0.5)],
    "ood_multi_step:virtual": lambda K: [decomposed(stay(K)), decomposed(overshoot(K, 0.5))],
    "ood_multi_step:last_iterate": lambda K: [stay(K)] + ([overshoot(1, 0.8)] if K == 1 else []),
    "ood_multi_step_sharp": lambda K: [even_path(K, K + 1, h, s) for h in (0.5, 1.0, 1.25) for s in (0.5, 1.0, 2.0)],
    "ood_multi_step_sharp:magnitude": lambda K: [even_path(K, K + 1, h, 2.0) for h in (0.5, 1.0, 1.25)],
    "ood_last_iterate": lambda K: [even_path(K, 2 * K, h, s) for h in (0.5, 1.0) for s in (0.0, 0.5, 1.0, 2.0)],
}
STEPS = (1, 2, 5)


def terms(rhs):
    """The summands of a right-hand side, sums over k split into theirs."""
    found = []
    for term in sp.Add.make_args(sp.expand(rhs)):
        total = next(iter(term.atoms(sp.Sum)), None)
        parts = sp.Add.make_args(sp.expand(total.function)) if total else ()
        found += [term / total * sp.Sum(part, *total.limits) for part in parts] or [term]
    return found


def test_the_tight_bounds_are_those_with_an_instance():
    tight = {name for name in bounds.names(variants=True) if bounds.get(name).kind == "tight"}
    assert tight == set(TIGHT)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("name", TIGHT)
def test_tight_bounds_are_attained(name, steps):
    bound, found, deviating = bounds.get(name), False, False
    for q in TIGHT[name](steps):
        e = bound.evaluate(q)
        ok, broken = runs.holds(bound, q)
        assert ok.all()
        assert not broken.any()
        np.testing.assert_allclose(e.lhs, e.rhs, rtol=1e-11, atol=1e-11)
        found |= bool((np.abs(e.rhs) > 1e-3).all())
        deviating |= bool((q.values["enorm"] > 1e-2).any())
    assert found
    assert deviating or "exact_step" in [h.name for h in bound.hypotheses]


@pytest.mark.parametrize("name", TIGHT)
def test_two_per_cent_in_any_term_is_caught(name):
    bound, seen = bounds.get(name), set()
    for q in (q for steps in STEPS for q in TIGHT[name](steps)):
        for term in terms(bound.rhs):
            value = bounds.evaluate_expression(term, q).mid
            for sign in (1, -1):
                lowered = sign * value > 1e-9
                broken = runs.holds(bound.replace(rhs=bound.rhs - sign * term / 50), q)[1]
                assert broken[lowered].all(), (term, sign)
                seen |= {term} if lowered.any() else set()
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


def coarse(precision, preconditioner=None, **line):
    """A run made in arithmetic so coarse that its deviations count as rounding."""
    return bounds.measure(
        **vars(runs.replace(runs.line(**line), preconditioner=preconditioner)), run_precision=precision
    )


def rate(steps=4, e=0.2):
    x = 1 - np.arange(steps + 1) / (2 * steps)
    return coarse(0.05, x=x, r_slope=1 / (2 * steps) + e)


RISING = {"x": [1.5, 1.0, 1.1], "r_slope": 10.0}  # on F = 10|x|, with the second step upwards
SLOPS = {
    "homogeneous_descent": lambda: coarse(2.0**-23, x=[1.0, 1.0], slope=1e-8),
    "homogeneous_descent:diagonal": lambda: coarse(2.0**-8, np.full((1, 1, 1), 0.25), x=[1.0, 0.76], curvature=1.0),
    "ind_rate": rate,
    "ind_rate:exact": rate,
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
