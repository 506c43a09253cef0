"""Measuring: against exact arithmetic, against plain formulas, and from recorded inner products."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds.evaluation import measure as _measure
from tests.helpers import bound_runs as runs


def sample(seed=0, batch=6, steps=4, h=0.75, n=5):
    rng = np.random.default_rng(seed)
    problem = runs.lasso(rng, batch, n=n)
    x0, z = rng.standard_normal((2, batch, n))
    made = runs.inexact(problem, x0, steps, lambda k, x, s: 0.3 * rng.standard_normal(x.shape), h, z)
    return replace(made, preconditioner=rng.uniform(0, 2, (batch, steps, n)) / problem.L[:, None, None])


def plain(run):
    """The definitions, in plain NumPy."""
    x, z, L, h, p = (
        run.x,
        run.comparator[:, None],
        run.L[:, None],
        run.reference_step[:, None],
        run.preconditioner,
    )
    G, D = run.gradient + run.subgradient, x[:, :-1] - x[:, 1:]
    e = D - (h / L)[..., None] * G

    def dot(a, b):
        return (a * b).sum(-1)

    def norm(a):
        return np.sqrt(dot(a, a))

    here = np.concatenate([run.gradient, run.end_gradient[:, None]], 1)
    bias, away = D - p * G, x - z
    shrink = np.minimum((p[:, 1:] / p[:, :-1]).min(-1), 1)
    return {
        "metric_before": dot(away[:, :-1], away[:, :-1] / p),
        "metric_dist2": dot(away, away / np.concatenate([p[:, :1], p], 1)),
        "metric_bias": dot(bias / p, away[:, 1:]),
        "metric_weight": np.concatenate([np.ones((len(p), 2)), np.cumprod(shrink, 1)], 1),
        "mu": run.strong_convexity,
        "F_low": run.objective_lower,
        "F_mean": run.mean_objective,
        "F_best": run.objective[:, 1:].min(1),
        "Delta": norm(x - z)[:, :-1].max(1),
        "sigma_max": (L * norm(e) / norm(G)).max(1),
        "gz2": dot(here - run.comparator_gradient[:, None], here - run.comparator_gradient[:, None]),
        "grad2": dot(here, here),
        "stationarity": norm(here[:, 1:] + run.subgradient),
        "vi_gap": dot(here[:, 1:], x[:, 1:] - z),
        "delta1": np.abs(2 * L[..., None] * p - 1).max(-1),
        "delta2": norm(2 * L[..., None] * bias - G),
        "Gb": norm(G + bias / p),
        "G2": dot(G, G),
        "D2": dot(D, D),
        "e2": dot(e, e),
        "enorm": norm(e),
        "Ge": dot(G, e),
        "ex": dot(e, x[:, 1:] - z),
        "ex_prev": dot(e, x[:, :-1] - z),
        "sigma": L * norm(e) / norm(G),
        "dist": norm(x - z),
        "R": norm(x - z)[:, 0],
        "pG2": (p * (1 - L[..., None] * p / 2) * G**2).sum(-1),
        "Lp_max": L * p.max(-1),
        "Lp_min": L * p.min(-1),
        "bnorm": norm(D - p * G),
        "G_inf": np.abs(G).max(-1),
        "F": run.objective,
        "F_z": run.comparator_objective,
        "tau": run.comparator_residual,
        "L": run.L,
        "h": run.reference_step,
    }


def test_values_are_the_definitions():
    run = sample()
    quantities, expected = run.measure(), plain(run)
    for name, value in expected.items():
        np.testing.assert_allclose(quantities.values[name], value, rtol=1e-12, atol=1e-13, err_msg=name)
    assert set(quantities.values) == {*expected, "e_floor", "b_floor", "sigma_slack"}


def test_errors_enclose_exact_arithmetic():
    run = sample(batch=3)
    run = replace(run, gradient_error=np.zeros((3, 4)), L_error=np.full(3, 1e-6))
    quantities = run.measure()
    for b in range(3):
        for L in (run.L[b], run.L[b] - 1e-6, run.L[b] + 1e-6):  # any L that the error bound allows
            L, h = Fraction(L), Fraction(run.reference_step[b])
            x, g, s, p = (
                [[Fraction(v) for v in row] for row in a[b]]
                for a in (run.x, run.gradient, run.subgradient, run.preconditioner)
            )
            z = [Fraction(v) for v in run.comparator[b]]

            def dot(a, c):
                return sum((u * v for u, v in zip(a, c)), Fraction(0))

            for i in range(4):
                G = [u + v for u, v in zip(g[i], s[i])]
                D = [u - v for u, v in zip(x[i], x[i + 1])]
                e = [d - h / L * u for d, u in zip(D, G)]
                new, old = ([u - v for u, v in zip(x[i + j], z)] for j in (1, 0))
                bias = [d - q * u for d, q, u in zip(D, p[i], G)]
                exact = {
                    "G2": dot(G, G),
                    "D2": dot(D, D),
                    "e2": dot(e, e),
                    "Ge": dot(G, e),
                    "ex": dot(e, new),
                    "ex_prev": dot(e, old),
                    "Lp_max": L * max(p[i]),
                    "Lp_min": L * min(p[i]),
                    "pG2": sum(q * (1 - L * q / 2) * u * u for q, u in zip(p[i], G)),
                    "G_inf": max(abs(u) for u in G),
                    "metric_before": sum(u * u / q for q, u in zip(p[i], old)),
                    "metric_bias": sum(u / q * v for q, u, v in zip(p[i], bias, new)),
                }
                squares = {
                    "enorm": dot(e, e),
                    "bnorm": dot(bias, bias),
                    "sigma": L * L * dot(e, e) / dot(G, G),
                }
                for name, value in exact.items():
                    assert abs(Fraction(quantities.values[name][b, i]) - value) <= Fraction(
                        quantities.error(name)[b, i]
                    ), name
                for name, value in squares.items():
                    low, high = (
                        Fraction(quantities.values[name][b, i]) + sign * Fraction(quantities.error(name)[b, i])
                        for sign in (-1, 1)
                    )
                    assert max(low, 0) ** 2 <= value <= high**2, name
                low, high = (
                    Fraction(quantities.values["dist"][b, i + 1]) + sign * Fraction(quantities.error("dist")[b, i + 1])
                    for sign in (-1, 1)
                )
                assert low**2 <= dot(new, new) <= high**2


@pytest.mark.parametrize("n", [1, 3, 400])
def test_errors_of_long_sums_enclose_exact_arithmetic(n):
    rng = np.random.default_rng(n)
    batch, steps = 2, 5
    x, G = rng.random((batch, steps + 1, n)), rng.random((batch, steps, n)) - 0.3 * rng.random()
    z = rng.random((batch, n))
    q = bounds.measure(
        x=x,
        gradient=G,
        subgradient=np.zeros_like(G),
        objective=np.zeros((batch, steps + 1)),
        L=2.0,
        L_error=0.0,
        comparator=z,
        comparator_objective=0.0,
    )

    def inside(name, b, i, exact, square=False):
        value, error = Fraction(q.values[name][b, i]), Fraction(q.error(name)[b, i])
        assert error <= Fraction(n + 20, 2**52) * max(abs(value), 4 * n)
        if square:
            return max(value - error, 0) ** 2 <= exact <= (value + error) ** 2
        return abs(value - exact) <= error

    for b in range(batch):
        for i in range(steps):
            g, old, new, c = ([Fraction(v) for v in a] for a in (G[b, i], x[b, i], x[b, i + 1], z[b]))
            d = [u - v for u, v in zip(old, new)]
            e = [u - v / 2 for u, v in zip(d, g)]
            far = [u - v for u, v in zip(new, c)]
            assert inside("G2", b, i, sum(u * u for u in g))
            assert inside("D2", b, i, sum(u * u for u in d))
            assert inside("Ge", b, i, sum(u * v for u, v in zip(g, e)))
            assert inside("ex", b, i, sum(u * v for u, v in zip(e, far)))
            assert inside("enorm", b, i, sum(u * u for u in e), square=True)
            assert inside("dist", b, i + 1, sum(u * u for u in far), square=True)


@pytest.mark.parametrize("planted", ["UNIT", "no error of L"])
def test_error_bounds_that_forget_something_are_caught(monkeypatch, planted):
    if planted == "UNIT":
        monkeypatch.setattr(_measure, "UNIT", 0.0)
    else:
        whole = _measure.smoothness
        monkeypatch.setattr(_measure, "smoothness", lambda *arguments: bounds.Ball(whole(*arguments).mid))
    with pytest.raises(AssertionError):
        test_errors_enclose_exact_arithmetic()


def test_a_gradient_error_is_carried_into_everything_it_touches():
    run, rng = sample(batch=40), np.random.default_rng(3)
    off = rng.standard_normal(run.gradient.shape)
    off *= 1e-3 / np.linalg.norm(off, axis=-1, keepdims=True)
    quantities = replace(run, gradient_error=np.full(off.shape[:2], 1e-3 * (1 + 1e-12))).measure()
    for sign in (1, -1):
        moved = plain(replace(run, gradient=run.gradient + sign * off))
        for name, value in moved.items():
            assert (np.abs(value - quantities.values[name]) <= quantities.error(name) + 1e-14 * np.abs(value)).all(), (
                name
            )


def test_error_bounds_are_small():
    quantities = sample(n=50).measure(gradient_error=np.zeros((6, 4)))
    v = quantities.values
    scale = {
        "G2": v["G2"],
        "D2": v["D2"],
        "ex": v["enorm"] * v["dist"][:, 1:],
        "Ge": v["enorm"] * np.sqrt(v["G2"]),
        "dist": v["dist"],
        "bnorm": v["bnorm"],
        "sigma": v["sigma"],
        "pG2": v["G2"] / v["L"][:, None],
        "enorm": v["enorm"] + np.sqrt(v["D2"]),
    }
    for name, size in scale.items():
        assert (quantities.error(name) <= 1e-13 * size).all(), name


def test_chunks_do_not_matter(monkeypatch):
    run = sample()
    whole = run.measure()
    monkeypatch.setattr(_measure, "_CHUNK", 30)
    pieces = run.measure()
    for name, value in whole.values.items():
        np.testing.assert_array_equal(value, pieces.values[name])
        np.testing.assert_array_equal(whole.error(name), pieces.error(name))


@pytest.mark.parametrize("h", [1.0, 0.75, 0.25])
def test_inner_products_give_every_reference_step(h):
    run = replace(sample(batch=30), reference_step=np.full(30, h))
    x, z, G = run.x, run.comparator[:, None], run.gradient + run.subgradient
    D = x[:, :-1] - x[:, 1:]

    def dot(a, b):
        return (a * b).sum(-1)

    direct = run.measure()
    gram = bounds.from_inner_products(
        dimension=5,
        G2=dot(G, G),
        D2=dot(D, D),
        GD=dot(G, D),
        Gx=dot(G, x[:, 1:] - z),
        Gx_prev=dot(G, x[:, :-1] - z),
        Dx=dot(D, x[:, 1:] - z),
        Dx_prev=dot(D, x[:, :-1] - z),
        dist=np.linalg.norm(x - z, axis=-1),
        F=run.objective,
        L=run.L,
        F_z=run.comparator_objective,
        reference_step=h,
        tau=run.comparator_residual,
        gradient_error=run.gradient_error,
        L_error=0.0,
        extra={"pG2": direct.values["pG2"]},
        errors={"F": run.objective_error},
        facts=run.facts,
    )
    assert gram.facts == direct.facts
    for name, value in gram.values.items():
        allowed = gram.error(name) + direct.error(name)
        assert (np.abs(value - direct.values[name]) <= allowed).all(), name
        assert (gram.error(name) <= 1e-4 * (1 + np.abs(value))).all(), name
    for name in ("ood_multi_step_sharp", "ood_last_iterate", "per_step_descent"):
        np.testing.assert_allclose(
            bounds.get(name).evaluate(gram).rhs, bounds.get(name).evaluate(direct).rhs, rtol=1e-9
        )


def test_steps_where_nothing_is_left_have_deviation_zero():
    run = runs.line([1.0, 0.0, 0.0, 0.5], curvature=1.0)
    quantities = run.measure()
    np.testing.assert_array_equal(quantities.values["sigma"][0, :2], 0)  # G = e = 0 at the second step
    assert quantities.values["sigma"][0, 2] == np.inf  # G = 0, e is not
    assert quantities.error("sigma")[0, 2] == np.inf
    bound = bounds.get("homogeneous_descent")
    ok, broken = runs.holds(bound, quantities)
    assert ok[0].tolist() == [True, True, False]
    assert not broken.any()


def test_homogeneous_descent_survives_steps_of_pure_rounding():
    # a declared gradient error larger than what is left: no step may be called a violation
    rng = np.random.default_rng(0)
    x = rng.standard_normal(400) * 1e-9
    run = replace(runs.line(np.abs(x), curvature=1.0), gradient_error=np.full((1, 399), 1e-8))
    assert not runs.holds(bounds.get("homogeneous_descent"), run.measure())[1].any()


def test_a_converged_run_stays_monotone_and_homogeneous():
    """Steps of a run that has converged to rounding are neither violations nor broken hypotheses."""
    rng = np.random.default_rng(0)
    problem = runs.lasso(rng, 40, n=4, m=12)
    run = runs.inexact(problem, rng.standard_normal((40, 4)), 3000, lambda k, x, s: 0.5 * s)
    quantities = run.measure()
    last = np.linalg.norm(run.x[:, -1] - run.x[:, -2], axis=-1) < 1e-14
    assert last.sum() >= 10
    for name in ("ood_multi_step:last_iterate", "ood_multi_step_sharp:last_iterate"):
        e = bounds.get(name).evaluate(quantities)
        check = {c.name: c for c in bounds.get(name).check(quantities)}["monotone"]
        assert check.holds[last].mean() > 0.9
        assert (e.slop <= 1e-9 * np.maximum(1, np.abs(e.rhs)))[check.holds.all(1)].all()
        assert not runs.holds(bounds.get(name), quantities)[1].any()
    assert not (np.logical_and(*runs.holds(bounds.get("homogeneous_descent"), quantities))).any()
    # with the objective taken as exact and no gradient error declared there must be no violation either,
    # beyond the rounding of the objective itself
    bare = replace(run, gradient_error=np.zeros_like(run.gradient_error)).measure()
    assert not (np.logical_and(*runs.holds(bounds.get("homogeneous_descent"), bare))).any()


def test_overflow_is_infinite_with_infinite_error():
    run = runs.line([1.0, 0.1], curvature=1.0)
    run = replace(run, x=run.x * 1e200, gradient=run.gradient * 1e200, objective=np.array([[1e300, 1e299]]))
    quantities = run.measure()
    assert quantities.values["D2"][0, 0] == np.inf
    assert quantities.error("D2")[0, 0] == np.inf
    e = bounds.get("per_step_descent").evaluate(quantities)
    assert np.isnan(e.rhs).all()
    assert np.isinf(e.rhs_error).all()


def test_infinite_error_bounds_mean_that_nothing_is_known():
    quantities = sample().measure(gradient_error=np.inf, objective_error=np.inf)
    for name in ("G2", "Ge", "ex", "e2", "enorm", "sigma", "F", "pG2"):
        assert np.isinf(quantities.error(name)).all(), name
        assert np.isinf(quantities.values[name]).all(), name
    for name in ("D2", "dist", "F_z"):
        assert np.isfinite(quantities.error(name)).all(), name
    for bound in (bounds.get(name) for name in bounds.names(variants=True)):
        if not set(bound.quantities) - set(quantities.values):
            assert not runs.holds(bound, quantities)[1].any()
        held = {check.name: check.holds.any() for check in bound.check(quantities)}
        assert not any(held.get(name) for name in ("deviation_below_step", "monotone", "exact_step", "bias_free"))
    some = sample().measure(gradient_error=np.where(np.arange(4) == 2, np.inf, 0.0) * np.ones((6, 1)))
    assert np.isinf(some.error("e2")).any(0).tolist() == [False, False, True, False]


def test_tensors_that_carry_a_gradient_are_read():
    torch = pytest.importorskip("torch")
    run = sample()
    one = run.measure()
    two = run.measure(x=torch.tensor(run.x, requires_grad=True), L=torch.tensor(run.L, requires_grad=True))
    np.testing.assert_array_equal(one.values["e2"], two.values["e2"])
    q = bounds.from_scalars({"L": torch.tensor(2.0, requires_grad=True)})
    assert q.values["L"] == 2
    with pytest.raises(bounds.InputError, match="array of numbers"):
        run.measure(x=torch.zeros(6, 5, 5).to_sparse())


def test_inner_products_of_tiny_vectors_keep_what_underflows():
    # x_1 - z has norm 1e-170, recorded as 0 because its square is, and an error of the gradient still meets it
    zero = np.zeros((1, 1))
    q = bounds.from_inner_products(
        dimension=1,
        **dict.fromkeys(("G2", "D2", "GD", "Gx", "Gx_prev", "Dx", "Dx_prev"), zero),
        dist=np.zeros((1, 2)),
        F=np.zeros((1, 2)),
        L=1.0,
        F_z=0.0,
        gradient_error=np.full((1, 1), 1e100),
    )
    assert (q.error("dist") >= 1e-170).all()
    assert q.error("ex") >= 1e-70
    assert q.error("ex_prev") >= 1e-70


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((2, 3))}, r"`x` has shape \(2, 3\)"),
        ({"x": np.zeros((6, 1, 5))}, "two iterates"),
        ({"gradient": np.zeros((6, 5, 5))}, "expected .B, K, n. = .6, 4, 5."),
        ({"subgradient": np.full((6, 4, 5), np.nan)}, "cut the run"),
        ({"L": np.zeros(6)}, "`L` must be > 0"),
        ({"L_error": np.full(6, 1e9)}, "error bound"),
        ({"reference_step": -1.0}, "reference_step"),
        ({"gradient_error": np.full((6, 4), -1.0)}, "must be >= 0"),
        ({"gradient_error": np.nan}, "give inf where nothing is known"),
        ({"L_error": np.inf}, "error bound less than it"),
        ({"gradient": np.full((6, 4, 5), np.inf)}, "cut the run"),
        ({"objective": "no"}, "array of numbers"),
        ({"facts": {"convex": True}}, "unknown fact `convex`"),
    ],
)
def test_wrong_arrays_are_refused(change, message):
    with pytest.raises(bounds.InputError, match=message):
        sample().measure(**change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"G2": np.zeros((1, 2))},), "expected"),
        (({"G3": np.zeros((1, 1))},), "unknown quantity"),
        (({"G2": np.full((1, 1), np.nan)},), "NaN"),
        (({}, {"G2": np.zeros((1, 1))}), "without its value"),
        (({"G2": np.ones((1, 1))}, {"G2": -np.ones((1, 1))}), "negative"),
        (({}, {}, {}, 0), "at least one step"),
    ],
)
def test_wrong_quantities_are_refused(arguments, message):
    with pytest.raises(bounds.InputError, match=message):
        bounds.Quantities(*arguments)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nonsense": 1.0}, "unknown quantity"),
        ({"G2": [1.0, 2.0], "F": [1.0, 2.0]}, "different runs"),
        ({"L": [1.0, 2.0], "G2": np.ones((3, 2))}, "different runs"),
        ({"L": [[1.0]]}, "run quantity"),
        ({"K": 1.5}, "whole number"),
        ({"L": "one"}, "must be a number"),
        ({"L": float("nan")}, "NaN"),
        ({"L": -1.0}, "`L` must be > 0"),
        ({"L": [1.0, 0.0]}, "`L` must be > 0"),
        ({"R": -1.0}, "`R` must be >= 0"),
        ({"enorm": [[-1.0]]}, "`enorm` must be >= 0"),
    ],
)
def test_wrong_scalars_are_refused(values, message):
    with pytest.raises(bounds.InputError, match=message):
        bounds.from_scalars(values)


def test_scalars_fill_up():
    q = bounds.from_scalars(
        {"L": 2.0, "K": 3, "dist": [3.0, 2.0, 1.0, 0.5], "G2": np.ones((2, 3)), "ex": 0.0},
        errors={"dist": 1e-3},
    )
    assert (q.batch, q.steps) == (2, 3)
    assert q.values["ex"].shape == (2, 3)
    np.testing.assert_array_equal(q.values["R"], [3.0, 3.0])
    np.testing.assert_array_equal(q.error("R"), [1e-3, 1e-3])
    np.testing.assert_array_equal(q.values["h"], [1.0, 1.0])
    with pytest.raises(bounds.InputError, match="`G_inf`"):
        q.ball("G_inf")
