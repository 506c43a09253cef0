"""Entries of the catalogue: names, formulas against plain ones, LaTeX, sensitivity, best reference step."""

import copy
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from l2obound import bounds
from l2obound.bounds._latex import _multiplied, in_lines
from l2obound.bounds.statements import catalog
from l2obound.bounds.vocabulary import Q, k
from tests.helpers import bound_runs as runs
from tests.helpers.all_quantities import complete
from tests.helpers.formulas import plain_formulas

NAMES = [
    "per_step_descent",
    "homogeneous_descent",
    "ind_rate",
    "virtual_decomposition",
    "ood_per_step",
    "ood_multi_step",
    "ood_multi_step_sharp",
    "ood_last_iterate",
    "a_priori",
    "relative_deviation_rate",
    "strong_convexity",
    "nonconvex_stationarity",
    "asymptotics",
    "equivariance",
    "assumption_sensitivity",
    "history_stability",
    "run_certificate",
    "accelerated_guard",
    "budgeted_deviations",
    "energy_descent",
    "accelerated_inexact",
    "variable_metric",
]


@pytest.mark.parametrize(("steps", "h"), [(1, 1.0), (2, 0.5), (15, 0.8)])
def test_entries_are_the_formulas_of_the_catalogue(steps, h):
    quantities = complete(steps, steps, h)
    expected = plain_formulas(quantities.values, steps)
    assert set(expected) == set(bounds.names(variants=True))
    for name, (lhs, rhs) in expected.items():
        e = bounds.get(name).evaluate(quantities)
        np.testing.assert_allclose(
            e.lhs, lhs, rtol=1e-12, atol=1e-12 * np.abs(quantities.values["F"]).max(), err_msg=name
        )
        np.testing.assert_allclose(e.rhs, rhs, rtol=1e-12, atol=1e-12 * np.abs(rhs).max(), err_msg=name)


def test_evaluation_errors_are_near_rounding():
    # the recorded values taken as exact, so that what is left is the evaluation's own rounding
    quantities = complete(0, 1000, 0.8, batch=3, scale=1e-2)
    exact = bounds.Quantities(quantities.values, {}, quantities.facts, quantities.steps, quantities.batch)
    for name in bounds.names(variants=True):
        bound = bounds.get(name)
        e = bound.evaluate(exact)
        terms = [bounds.evaluate_expression(t, exact).mid for t in sp.Add.make_args(sp.expand(bound.rhs))]
        size = sum(np.abs(t) if t.ndim == e.rhs.ndim else np.abs(t)[:, None] for t in terms)
        share = 1e-11 if "**(" not in str(bound.rhs) else 1e-9  # a power of K of a number known to its last digit
        assert (e.rhs_error <= share * size + 1e-300).all(), name
    # and with the errors of measuring
    problem_free = runs.line(np.linspace(2, 1, 200), curvature=1.0, r_slope=0.1, L=2.0).measure()
    for name in (
        "per_step_descent",
        "ood_multi_step",
        "ood_multi_step_sharp",
        "ood_last_iterate",
        "a_priori",
    ):
        e = bounds.get(name).evaluate(problem_free)
        assert (e.rhs_error <= 1e-11 * (np.abs(e.rhs) + 1)).all(), name


def test_a_thousand_runs_of_a_thousand_steps_are_one_call():
    rng, shape = np.random.default_rng(0), (1000, 1000)
    values = {name: rng.random(shape) for name in ("ex", "ex_prev", "enorm", "e2", "G2", "D2", "Ge", "sigma")}
    values |= {"F": rng.random((1000, 1001)), "dist": rng.random((1000, 1001))}
    values |= {name: 1 + rng.random(1000) for name in ("L", "h", "F_z", "R", "tau")}
    quantities = bounds.Quantities(values, steps=1000, batch=1000)
    for name in ("per_step_descent", "ood_last_iterate", "a_priori:sharp"):
        evaluation = bounds.get(name).evaluate(quantities)
        assert np.broadcast_shapes(evaluation.lhs.shape, evaluation.rhs.shape)[0] == 1000, name


def test_one_number_from_plain_floats():
    e = bounds.get("ood_multi_step_sharp").evaluate({"L": 1.0, "K": 9, "R": 2.0, "ex": 0.0, "F": 0.1, "F_z": 0.0})
    assert e.rhs == pytest.approx([0.2])
    assert e.lhs == pytest.approx([0.1])
    half = bounds.evaluate_expression(bounds.get("ind_rate").rhs, {"L": 3.0, "h": 0.5, "K": 6, "R": 1.0})
    assert half.mid == pytest.approx([0.5])


def test_names_and_get():
    assert bounds.names() == NAMES
    assert all(bounds.get(name).key == name for name in bounds.names(variants=True))
    with pytest.raises(bounds.InputError, match=r"Did you mean `ood_multi_step_sharp`.*`l2obound bounds` lists all"):
        bounds.get("ood_multistep_sharp")
    for number, name in (
        ("B1", "per_step_descent"),
        ("B6b", "ood_multi_step_sharp"),
        ("B7", "a_priori"),
        ("B7:sharp", "a_priori:sharp"),
        ("B2:diagonal", "homogeneous_descent:diagonal"),
    ):
        assert bounds.get(number) is bounds.get(name)
    for wrong, hint in (
        ("B6d", r"ood_multi_step\S+ .B6"),
        ("B99", "B"),
        ("@", "`"),
        ("a_prior", "`a_priori`"),
    ):
        with pytest.raises(bounds.InputError, match=rf"Did you mean .*{hint}"):
            bounds.get(wrong)
    with pytest.raises(bounds.InputError, match="two entries"):
        catalog._collect((bounds.get("ind_rate"),), (bounds.get("ind_rate"),))


@pytest.mark.parametrize("name", bounds.names(variants=True))
def test_every_entry_is_complete(name):
    bound = bounds.get(name)
    assert bound.title
    assert str(bound.source)
    assert bound.source.origin in ("paper", "literature", "derived")
    assert bound.source.origin == "derived" or bound.source.reference
    assert bound.hypotheses or name == "virtual_decomposition"  # an identity and the triangle inequality
    assert set(bound.quantities) <= set(bound.needs)
    text = bound.latex()
    assert text.count("{") == text.count("}")
    assert r"\le" in text
    assert not any(raw in text for raw in ("enorm", "ex_", "dist", "G2", "F_z"))
    assert ("'" in text) == bound.prime


def test_latex_reads_as_written():
    assert bounds.get("ind_rate:exact").latex() == r"F(x_{K}) - F(z) \le \frac{L \lVert x_0 - z \rVert^{2}}{4 K h}"
    assert bounds.get("per_step_descent").latex().startswith(r"F(x_{k}) - F(x_{k - 1}) \le ")


@pytest.mark.parametrize("width", [3.25, 5.5])
def test_displays_are_broken_between_terms(width: float) -> None:
    """Each line has whole brackets and fractions. Where no product is multiplied out, all lines are the formula."""
    assert bounds.get("ind_rate").display(width).count(r"\\") == 0
    assert bounds.get("ood_multi_step").display(width).count(r"\\") >= 1
    for name in bounds.names(variants=True):
        bound = bounds.get(name)
        lines = bound.display(width).split("\n")[1:-2]
        for line in lines:
            assert line.count("{") == line.count("}"), name
            assert line.count(r"\left(") == line.count(r"\right)"), name
        joined = "".join(line.removesuffix(r" \\").removeprefix("&").removeprefix(r"\quad {}") for line in lines)
        if name in ("per_step_descent", "ood_multi_step", "budgeted_deviations"):
            assert joined == bound.latex()


def test_a_wide_product_is_multiplied_out() -> None:
    a, b, c = sp.symbols("a b c", positive=True)
    term = a * (b + c) / (2 * b)
    assert sp.expand(_multiplied(term) - term) == 0
    assert isinstance(_multiplied(term), sp.Add)
    assert _multiplied(a * b) == a * b
    assert in_lines(a, term, 20.0).count(r"\\") == 0


def test_vacuity_thresholds():
    quantities = complete(1, 3, 1.0, batch=4)
    np.testing.assert_array_equal(bounds.get("per_step_descent").vacuity_threshold(quantities), np.zeros((4, 3)))
    v = quantities.values
    np.testing.assert_allclose(bounds.get("a_priori").vacuity_threshold(quantities), v["F"][:, 0] - v["F_z"])


def test_missing_quantities_are_named():
    with pytest.raises(bounds.InputError, match=r"missing: F_z .objective at the comparator"):
        bounds.get("ind_rate").evaluate({"L": 1.0, "dist": 1.0, "F": 1.0, "enorm": 0.0})


SENSITIVITIES = [
    ("per_step_descent", "e2", None, Q.L / 2),
    ("ood_multi_step_sharp", "ex", None, -Q.L / (Q.h * Q.K)),
    ("ood_multi_step_sharp", "R", None, Q.L * Q.R / (Q.h * (Q.K + 1))),
    ("ood_last_iterate", "ex_prev", None, Q.L / Q.h * (k - 1) / (2 * Q.K - k + 1)),
    ("ood_multi_step", "dist", 0, Q.L * Q.dist[0] / (Q.h * Q.K)),
    ("ood_multi_step", "dist", Q.K, -Q.L * Q.dist[Q.K] / (Q.h * Q.K)),
    ("ood_multi_step:magnitude", "dist", None, Q.L * Q.enorm[k] / (Q.h * Q.K)),
    ("a_priori", "tau", None, Q.L / Q.h * sp.Sum(Q.enorm[k], (k, 1, Q.K))),
    ("a_priori:sharp", "e2", None, Q.L / (2 * Q.h * Q.K)),
    ("ind_rate", "F", None, sp.Integer(0)),
]


@pytest.mark.parametrize(("name", "quantity", "at", "expected"), SENSITIVITIES)
def test_sensitivity(name, quantity, at, expected):
    assert sp.simplify(bounds.get(name).sensitivity(quantity, at) - expected) == 0


@pytest.mark.parametrize("name", ["a_priori", "a_priori:sharp", "ood_multi_step_sharp:magnitude", "ood_last_iterate"])
@pytest.mark.parametrize("quantity", ["enorm", "ex", "h"])
def test_sensitivity_is_the_finite_difference(name, quantity):
    bound, q = bounds.get(name), complete(3, 4, 0.7, batch=2)
    slope = bounds.evaluate_expression(bound.sensitivity(quantity), q).mid

    def moved(amount):
        value = q.values[quantity].copy()
        value[..., *([2] if value.ndim == 2 else [])] += amount  # step 3, or the run quantity
        return bound.evaluate(bounds.Quantities({**q.values, quantity: value}, {}, {}, q.steps, q.batch)).rhs

    expected = (moved(1e-5) - moved(-1e-5)) / 2e-5
    np.testing.assert_allclose(slope[:, 2] if slope.ndim == 2 else slope, expected, rtol=1e-5, atol=1e-6)


def test_sensitivity_refuses_what_it_cannot_mean():
    with pytest.raises(bounds.InputError, match="unknown quantity"):
        bounds.get("a_priori").sensitivity("norm")
    with pytest.raises(bounds.InputError, match="no index"):
        bounds.get("a_priori").sensitivity("R", at=0)


@pytest.mark.parametrize(
    "expression",
    [
        sp.Symbol("W"),
        sp.sin(Q.L),
        Q.G2[0],
        Q.F[k + 1],
        Q.F[Q.K + 1],
        sp.IndexedBase("W")[k],
        sp.Sum(Q.G2[k], (k, 2, Q.K)),
        Q.L ** sp.Rational(1, 3),
        Q.F[k / 2],
    ],
)
def test_forms_that_cannot_be_evaluated_are_refused(expression):
    with pytest.raises(bounds.InputError):
        bounds.evaluate_expression(expression, {"L": 1.0, "G2": [1.0, 2.0], "F": 1.0})


def test_max_min_abs_and_constants():
    value = sp.Max(Q.G2[k], 2) + sp.Min(Q.G2[k], sp.Float(0.5)) + sp.Abs(-Q.G2[k]) + sp.Sum(Q.L, (k, 1, Q.K)) + k
    np.testing.assert_allclose(bounds.evaluate_expression(value, {"L": 3.0, "G2": [1.0, 4.0]}).mid, [[10.5, 16.5]])


@cache
def with_reference_steps():
    """Runs of many kinds, each measured with three reference steps."""
    return [[run.measure(reference_step=h) for h in (0.25, 0.5, 1.0)] for run in runs.battery(seed=11, batch=20)]


@pytest.mark.parametrize("name", ["ood_multi_step", "ood_multi_step_sharp", "ood_last_iterate", "per_step_descent"])
def test_the_best_reference_step(name):
    """B1 and B6 do not depend on h; B6b and B6c are c0 + c1/h with c1 >= 0: the largest h is the best."""
    for measured in with_reference_steps():
        sides = [bounds.get(name).evaluate(quantities) for quantities in measured]
        small, half, full = (e.rhs for e in sides)
        off = sum(e.rhs_error for e in sides)
        if name in ("ood_multi_step", "per_step_descent"):
            assert (np.abs(small - full) <= off).all()
        else:
            assert (full <= half + off).all()
            assert (half <= small + off).all()
            assert (np.abs((small - half) - 2 * (half - full)) <= 4 * off).all()


def test_affine_in_the_inverse_step_symbolically():
    """Coefficients of 1/h; a scalar run stands for vectors, as only inner products occur."""
    for steps in (1, 2, 3, 5):
        x, g = sp.symbols(f"x:{steps + 1}"), sp.symbols(f"g:{steps + 1}")
        d = [None, *(x[i - 1] - x[i] for i in range(1, steps + 1))]
        inverse = sp.Symbol("inverse")
        e = [None, *(d[i] - g[i] / inverse for i in range(1, steps + 1))]  # L = 1, z = 0
        b6 = (
            inverse / (2 * steps) * (x[0] ** 2 - x[-1] ** 2)
            - (inverse - 1) / (2 * steps) * sum(v**2 for v in d[1:])
            - inverse / steps * sum(e[i] * x[i] for i in range(1, steps + 1))
        )
        assert sp.expand(b6).coeff(inverse, 1) == 0
        b6b = inverse * x[0] ** 2 / (2 * (steps + 1)) - inverse / steps * sum(e[i] * x[i] for i in range(1, steps + 1))
        path = x[-1] ** 2 + sum(v**2 for v in d[1:]) - x[0] ** 2 / (steps + 1)  # K+1 steps lead from x_0 to z
        assert sp.expand(sp.expand(b6b).coeff(inverse, 1) - path / (2 * steps)) == 0


def test_the_identity_behind_long_reference_steps():
    """B6b for any h, with smooth interpolation at z: what is left is >= 0 up to h = 5/4."""
    for steps in (1, 2, 3, 4):
        x, g, s = sp.symbols(f"x:{steps + 1}"), sp.symbols(f"g:{steps + 1}"), sp.symbols(f"s:{steps + 1}")
        f, r, h = sp.symbols(f"f:{steps + 1}"), sp.symbols(f"r:{steps + 1}"), sp.Symbol("h")
        a = [0, *(sp.Rational(steps + 1 - i, steps + 2 - i) for i in range(1, steps + 1)), 0]
        b = [a[1], *(1 - a[i] + a[i + 1] for i in range(1, steps + 1))]
        span = range(1, steps + 1)
        e = [
            0,
            *(x[i - 1] - x[i] - h * (g[i - 1] + s[i]) for i in span),
        ]  # L = 1, z = 0, f tilted: grad f(z) = 0
        target = sp.Rational(steps, steps + 1) * x[0] ** 2 / 2 - sum(e[i] * x[i] + h * (f[i] + r[i]) for i in span)
        near = sum(h * a[i] * (f[i - 1] - f[i] - g[i] * (x[i - 1] - x[i]) - (g[i - 1] - g[i]) ** 2 / 2) for i in span)
        star = sum(h * b[i] * (-f[i] + g[i] * x[i] - g[i] ** 2 / 2) for i in range(steps + 1))
        nonsmooth = sum(h * (-r[i] + s[i] * x[i]) for i in span)
        square = sum((x[i] - a[i] * x[i - 1] + h * a[i] * (g[i - 1] - g[i])) ** 2 / (2 * a[i]) for i in span)
        rest = target - near - star - nonsmooth - square
        form = (
            h
            / 2
            * (
                sum(b[i] * g[i] ** 2 for i in range(steps + 1))
                - (h - 1) * sum(a[i] * (g[i - 1] - g[i]) ** 2 for i in span)
            )
        )
        assert sp.expand(rest - form) == 0
        assert sp.hessian(form.subs(h, sp.Rational(5, 4)), g).is_positive_semidefinite
        assert all(b[i] >= (a[i] + a[i + 1]) / 2 for i in range(steps + 1))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_bounds_and_quantities_copy_and_pickle(duplicate):
    quantities = complete(4, 3, 0.8, batch=5)
    twin = duplicate(quantities)
    assert (twin.steps, twin.batch, twin.facts) == (quantities.steps, quantities.batch, quantities.facts)
    for name in bounds.names(variants=True):
        bound = bounds.get(name)
        other = duplicate(bound)
        assert (other.key, other.lhs, other.rhs, other.slop) == (bound.key, bound.lhs, bound.rhs, bound.slop)
        assert other.latex() == bound.latex()
        assert other.sensitivity("enorm") == bound.sensitivity("enorm")
        one, two = bound.evaluate(quantities), other.evaluate(twin)
        for part in ("lhs", "rhs", "lhs_error", "rhs_error", "slop"):
            np.testing.assert_array_equal(getattr(one, part), getattr(two, part))
        for a, b in zip(bound.check(quantities), other.check(twin), strict=True):
            assert (a.name, a.required) == (b.name, b.required)
            np.testing.assert_array_equal(a.holds, b.holds)
            np.testing.assert_array_equal(a.margin, b.margin)


@pytest.mark.parametrize("name", bounds.names(variants=True))
def test_what_is_not_known_is_no_number(name):
    """An infinite error gives NaN with error inf, no warning, and neither a violation nor a verification."""
    bound, q = bounds.get(name), complete(4, 3, 0.8, batch=5)
    unknown_of = [n for n in bound.quantities if n not in ("h", "sigma_slack", "bnorm", "defect_floor")]
    for unknown in unknown_of:
        errors = {**q.errors, unknown: np.full(q.shape_of(unknown), np.inf)}
        poor = bounds.Quantities(q.values, errors, q.facts, q.steps, q.batch)
        e = bound.evaluate(poor)
        sides = [(e.lhs, e.lhs_error), (e.rhs, e.rhs_error)]
        assert all((np.isnan(value) == np.isinf(error)).all() for value, error in sides)
        tolerance = e.lhs_error + e.rhs_error + e.slop
        assert np.isinf(tolerance).any()
        missing = np.isinf(tolerance)
        assert not ((e.lhs - e.rhs > tolerance) & missing).any()
        assert not runs.holds(bound, poor)[1][missing].any()
        assert np.isnan(e.rhs - e.lhs)[np.isinf(e.lhs_error + e.rhs_error)].all()
        bound.vacuity_threshold(poor)


def test_an_infinite_error_is_not_the_number_zero():
    values = {"L": 1.0, "G2": 1.0, "Ge": 0.0, "e2": 1.0, "F": [0.0, 1e300]}
    e = bounds.get("per_step_descent").evaluate(bounds.from_scalars(values, errors={"e2": np.inf}))
    assert e.lhs == 1e300
    assert np.isnan(e.rhs)
    assert e.rhs_error == np.inf
    missing = bounds.from_scalars({"L": 1.0, "R": 1.0, "F": [0.0, 1.0], "F_z": 0.0}, errors={"F": np.inf})
    assert np.isnan(bounds.get("ind_rate").vacuity_threshold(missing))


def test_importing_bounds_imports_no_heavy_package():
    heavy = ["torch", "l2obound.l2o", "l2obound.verification", "cvxpy", "matplotlib"]
    code = f"import sys, l2obound.bounds; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(bounds.__file__).parents[1],
    )
    assert out.stdout.strip() == "[]"


def test_closed_forms_are_the_right_hand_sides():
    rate = bounds.get("ind_rate:exact").closed_form("K", "L", R=2.0, h=0.5)
    steps, smoothness = np.array([1.0, 7.0, 100.0]), np.array([3.0, 1.0, 0.25])
    expected = smoothness * 2.0**2 / (4 * steps * 0.5)
    np.testing.assert_allclose(rate(steps, smoothness), expected, rtol=1e-14)
    step = bounds.get("per_step_descent").closed_form("e2", h=1, L=2.0, G2=3.0, Ge=0.0)
    assert step(0.0) == pytest.approx(-3.0 / 4)


@pytest.mark.parametrize(
    ("name", "free", "fixed", "message"),
    [
        ("ind_rate:exact", ("K",), {"L": 1}, "give R a value, or make it free|give h a value"),
        ("ind_rate:exact", ("K", "Q"), {"L": 1, "R": 1, "h": 1}, "has no Q; it has"),
        ("ind_rate:exact", ("K", "L"), {"L": 1, "R": 1, "h": 1}, "L is free and fixed"),
        ("ood_multi_step_sharp", ("K",), {}, "sum over steps"),
    ],
)
def test_what_has_no_closed_form(name, free, fixed, message):
    with pytest.raises(bounds.InputError, match=message):
        bounds.get(name).closed_form(*free, **fixed)
