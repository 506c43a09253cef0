"""Worst cases as problems: the interpolating functions, the methods of a schedule, and their replay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers.scheduled import METHODS, Scheduled
from l2obound.l2o.problems import _simplex
from l2obound.l2o.problems.nonsmooth import Hull, MaxAffine
from l2obound.l2o.problems.smooth import Interpolated

Arrays = dict[str, np.ndarray]
PLANES = ("smooth_convex", "smooth_strongly_convex", "smooth_nonconvex")


def instance(function_class: str, method: str, **arrays: Any) -> Arrays:
    words = {"function_class": np.array(function_class), "method": np.array(method)}
    return words | {name: np.asarray(a) for name, a in arrays.items()}


def huber(h: float, steps: int) -> Arrays:
    """The worst case of gradient descent (Drori and Teboulle 2014): a Huber function, seen at the iterates and at 0."""
    c = 1 / (2 * h * steps + 1)
    x = 1 - h * c * np.arange(steps + 1)
    return instance(
        "smooth_convex",
        "gradient",
        L=1.0,
        mu=0.0,
        smooth_x=np.append(x, 0.0)[:, None],
        smooth_g=np.append(np.full_like(x, c), 0.0)[:, None],
        smooth_f=np.append(c * x - c**2 / 2, 0.0),
        x0=x[:1],
        x=x[:, None],
        step=np.full(steps, h),
    )


def slope(steps: int) -> Arrays:
    """The worst case of the proximal gradient method at h = 1: f = 0 and r = c |x|."""
    c = 1 / (2 * steps)
    x = 1 - c * np.arange(steps + 1)
    points = np.append(x, 0.0)[:, None]
    return instance(
        "composite",
        "proximal_gradient",
        L=1.0,
        mu=0.0,
        smooth_x=points,
        smooth_g=0 * points,
        smooth_f=0 * points[:, 0],
        nonsmooth_x=np.vstack([points, [[0.0]]]),
        nonsmooth_s=np.vstack([np.full_like(points, c), [[-c]]]),
        nonsmooth_r=np.append(c * points[:, 0], 0.0),
        x0=x[:1],
        x=x[:, None],
        step=np.ones(steps),
    )


def curved(kind: str, seed: int, dim: int = 5) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Q, c and the ends of the curvature of a quadratic of the class."""
    rng = np.random.default_rng(seed)
    low, high = {"smooth_convex": (0.0, 2.0), "smooth_strongly_convex": (0.3, 2.0), "smooth_nonconvex": (-2.0, 2.0)}[
        kind
    ]
    basis = np.linalg.qr(rng.standard_normal((dim, dim)))[0]
    return basis @ np.diag(np.linspace(low, high, dim)) @ basis.T, rng.standard_normal(dim), low, high


def sampled(kind: str, seed: int = 0, points: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray, Interpolated]:
    q, c, low, high = curved(kind, seed)
    x = np.random.default_rng(seed + 1).standard_normal((points, 5))
    g, f = x @ q + c, 0.5 * ((x @ q) * x).sum(-1) + x @ c
    return x, g, f, Interpolated.through(x, g, f, low, high)


def at(term: Any, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and gradients of a term of one instance at many points."""
    results = [term.value_and_gradient(torch.from_numpy(p[None])) for p in x]
    return np.array([float(v) for v, _ in results]), np.array([g[0].numpy() for _, g in results])


@pytest.mark.parametrize("points", ["random", "repeated", "on a line", "nearly repeated"])
@pytest.mark.parametrize(("count", "dim"), [(1, 3), (3, 1), (12, 12), (40, 6), (8, 30), (90, 90)])
def test_minimum_over_the_simplex_has_its_certificate(points: str, count: int, dim: int) -> None:
    """Least slope on the support, in float64 and by hand: nothing of the solver's own is used."""
    rng = np.random.default_rng(count + dim)
    p, c = rng.standard_normal((count, dim)), rng.random(count)
    if points == "repeated":
        p, c = p[rng.integers(0, (count + 1) // 2, count)], np.round(2 * c) / 2
    elif points == "on a line":
        p = np.round(rng.standard_normal((count, 1)), 1) * p[:1]
    elif points == "nearly repeated":
        p = p[rng.integers(0, (count + 1) // 2, count)] + 1e-9 * p
    z = 0.3 * rng.standard_normal(dim)
    result = _simplex.minimise(p, c, 1.3, z)
    a = result.weights.astype(np.float64)
    assert a.min() >= 0
    assert a.sum() == pytest.approx(1, abs=1e-15 * count)
    residual = a @ p - z
    np.testing.assert_allclose(residual, result.residual.astype(np.float64), atol=1e-14)
    slopes = c + 1.3 * p @ residual
    assert a @ slopes - slopes.min() <= 1e-13
    assert result.value_error <= 1e-13
    assert result.residual_error <= 1e-6


@pytest.mark.parametrize("kind", PLANES)
def test_interpolant_takes_the_values_and_gradients(kind: str) -> None:
    x, g, f, term = sampled(kind)
    values, gradients = at(term, x)
    np.testing.assert_allclose(values, f, atol=1e-12)
    np.testing.assert_allclose(gradients, g, atol=1e-9)
    assert term.convex == (kind != "smooth_nonconvex")
    assert float(term.smoothness) == 2.0
    assert float(term.strong_convexity) == (0.3 if kind == "smooth_strongly_convex" else 0.0)


@pytest.mark.parametrize("kind", PLANES)
def test_interpolant_is_of_its_class(kind: str) -> None:
    """The interpolation inequality of the class on 200 pairs, and the gradient against finite differences."""
    x, _, _, term = sampled(kind)
    low, high = float(term.lower), float(term.upper)
    rng = np.random.default_rng(5)
    z = np.vstack([2 * rng.standard_normal((30, 5)), x])
    values, gradients = at(term, z)
    values, gradients = values - 0.5 * low * (z * z).sum(-1), gradients - low * z  # convex and (high - low)-smooth
    for _ in range(200):
        i, j = rng.choice(len(z), 2, replace=False)
        bound = gradients[j] @ (z[i] - z[j]) + ((gradients[i] - gradients[j]) ** 2).sum() / (2 * (high - low))
        assert values[i] - values[j] >= bound - 1e-12
    for point in z[:5]:
        width = 1e-5 * np.eye(5)
        quotient = (at(term, point + width)[0] - at(term, point - width)[0]) / 2e-5
        np.testing.assert_allclose(quotient, at(term, point[None])[1][0], atol=1e-4)


def test_errors_of_the_interpolant_bound_what_float32_loses() -> None:
    """The same data, evaluated at once in float32 and in float64; the errors bound the difference."""
    *_, term = sampled("smooth_strongly_convex")
    rough = term.to(torch.float32)
    fine = rough.to(torch.float64)
    for seed in range(20):
        x = torch.randn(1, 5, generator=torch.Generator().manual_seed(seed))
        (v, g), (w, h) = rough.value_and_gradient(x), fine.value_and_gradient(x.double())
        assert abs(float(v) - float(w)) <= float(rough.value_error(x)) <= 1e-5
        assert float((g.double() - h).norm()) <= float(rough.gradient_error(x)) <= 1e-5
        assert float(fine.value_error(x.double())) <= 1e-14
        assert float(fine.gradient_error(x.double())) <= 1e-7


def test_a_wrong_gradient_is_not_interpolated() -> None:
    """A worst case leaves its data no room: one gradient off by 1 % and values and gradients are missed by as much."""
    for factor, missed in ((1.0, False), (1.01, True), (0.99, True)):
        worst = huber(1.0, 5)
        worst["smooth_g"][2] *= factor
        values, gradients = at(l2o.problem_from(worst).smooth, worst["smooth_x"])
        miss = max(np.abs(values - worst["smooth_f"]).max(), np.abs(gradients - worst["smooth_g"]).max())
        assert (miss > 1e-5) == missed
        assert missed or miss < 1e-14


def test_value_of_the_interpolant_has_a_derivative() -> None:
    *_, term = sampled("smooth_nonconvex")
    x = torch.randn(1, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2), requires_grad=True)
    value, gradient = term.value_and_gradient(x)
    torch.testing.assert_close(torch.autograd.grad(value.sum(), x)[0], gradient, rtol=0, atol=0)


@pytest.mark.parametrize("count", [1, 4, 30])
def test_projection_onto_a_hull(count: int) -> None:
    """<u - x, x_i - x> <= 0 for every point, and the value tells inside from outside."""
    rng = np.random.default_rng(count)
    points = rng.standard_normal((2, count, 4))
    term = Hull(torch.from_numpy(points))
    for size in (0.1, 1.0, 100.0):
        u = size * rng.standard_normal((2, 4))
        x = term.prox(torch.from_numpy(u), 0.7)
        inner = ((u - x.numpy())[:, None] * (points - x.numpy()[:, None])).sum(-1)
        assert inner.max() <= 1e-13 * (1 + size)
        assert term.value(x).tolist() == [0, 0]
    assert torch.isinf(term.value(x + 1e-9 * (torch.from_numpy(u) - x).sign())).all()
    assert term.value(torch.from_numpy(points.mean(1))).tolist() == [0, 0]
    vertex = torch.from_numpy(points[:, 0])
    away = vertex + 50 * (vertex - torch.from_numpy(points.mean(1)))
    assert count != 1 or torch.equal(term.prox(away, 1.0), vertex)


def test_prox_of_a_maximum_satisfies_the_subgradient_inequality() -> None:
    """r(z) >= r(x) + <(u - x)/step, z - x> at many z, for steps of all sizes."""
    rng = np.random.default_rng(4)
    term = MaxAffine(torch.from_numpy(rng.standard_normal((2, 9, 4))), torch.from_numpy(rng.standard_normal((2, 9))))
    for size in (1e-3, 0.1, 1.0, 30.0):
        u = torch.from_numpy(rng.standard_normal((2, 4)))
        step = torch.tensor([[size], [2 * size]], dtype=torch.float64)
        x = term.prox(u, step)
        g = (u - x) / step
        for _ in range(100):
            z = x + float(rng.choice([1e-3, 1.0])) * torch.from_numpy(rng.standard_normal((2, 4)))
            assert (term.value(z) >= term.value(x) + (g * (z - x)).sum(-1) - 1e-14 * (1 + 1 / size)).all()
        assert (term.value_error(x) <= 1e-14).all()
    torch.testing.assert_close(term.prox(u, step.expand(2, 4)), x, rtol=0, atol=0)  # one number per instance, still


def test_coupled_terms_in_one_variable_are_separable() -> None:
    x = torch.tensor([[-1.0], [0.0], [2.0]], dtype=torch.float64)
    kink = MaxAffine.through(np.zeros((2, 1)), np.array([[-0.5], [2.0]]), np.zeros(2))
    low, high = kink.subdifferential(x)
    assert (low.ravel().tolist(), high.ravel().tolist()) == ([-0.5, -0.5, 2.0], [-0.5, 2.0, 2.0])
    assert kink.values(x).ravel().tolist() == [0.5, 0.0, 4.0]
    interval = Hull(torch.tensor([[[0.0], [2.0]]], dtype=torch.float64))
    low, high = interval.subdifferential(x)
    assert low.ravel().tolist() == [torch.inf, -torch.inf, 0.0]
    assert high.ravel().tolist() == [-torch.inf, 0.0, torch.inf]


def coupled(kind: str, dim: int = 3) -> l2o.Composite:
    rng = np.random.default_rng(7)
    points, costs = torch.from_numpy(rng.standard_normal((1, 8, dim))), torch.from_numpy(rng.standard_normal((1, 8)))
    r = Hull(points) if kind == "hull" else MaxAffine(points, costs)
    x = rng.standard_normal((6, dim))
    return l2o.Composite(Interpolated.through(x, x, 0.5 * (x * x).sum(-1), 0.0, 1.5), r)


@pytest.mark.parametrize("kind", ["hull", "max-affine"])
def test_changes_of_variables(kind: str) -> None:
    """Value, gradient and prox of the changed problem against their definitions; the parts stay what they were."""
    p = coupled(kind)
    t = np.array([1.0, -2.0, 0.5])
    q = p.shifted(t).scaled(3.0).rescaled(1.9)
    shift = torch.from_numpy(t)
    w = p.prox(torch.randn(1, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), 0.3)
    x = 1.9 * (w - shift)
    torch.testing.assert_close(q.objective(x), 3 * p.objective(w), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(q.smooth_gradient(x), 3 / 1.9 * p.smooth_gradient(w), rtol=0, atol=1e-12)
    u = torch.full((1, 3), 2.2, dtype=torch.float64)
    inner = p.prox(u / 1.9 + shift, 0.37 * 3 / 1.9**2)
    torch.testing.assert_close(q.prox(u, 0.37), 1.9 * (inner - shift), rtol=0, atol=1e-12)
    assert q.nonsmooth.kind == kind
    assert q.select([0]).fingerprint() == q.fingerprint() != p.fingerprint()
    assert p.to(torch.float32).objective(w).dtype == torch.float32


@pytest.mark.parametrize("kind", ["hull", "max-affine"])
def test_what_a_coupled_term_cannot_do_is_said(kind: str) -> None:
    p = coupled(kind)
    with pytest.raises(l2o.InputError, match=rf"{kind}.*one step per instance"):
        p.prox(torch.zeros(1, 3), torch.tensor([[0.1, 0.2, 0.1]]))
    with pytest.raises(l2o.InputError, match=rf"{kind} in 3 variables.*not separable"):
        p.subdifferential(torch.zeros(1, 3))
    with pytest.raises(l2o.InputError, match="not separable"):
        p.nonsmooth.values(torch.zeros(1, 3, dtype=torch.float64))
    with pytest.raises(l2o.InputError, match="prox_argument"):
        l2o.run_from_iterates(p, np.zeros((1, 3, 3)))
    run = l2o.rollout(l2o.optimizer("fista"), p, np.ones((1, 3)), 5)
    assert run.subgradient_rule == "prox"
    x = run.x[:, 1:]
    torch.testing.assert_close(run.step[:, :1], (run.generalized_gradient / 1.5)[:, :1], rtol=0, atol=1e-14)
    assert bool(torch.isfinite(run.objective[:, 1:]).all())
    assert x.shape == (1, 5, 3)


@pytest.mark.parametrize("h", [0.3, 1.0, 1.4])
@pytest.mark.parametrize("steps", [1, 5, 30])
def test_gradient_descent_attains_its_worst_case(h: float, steps: int) -> None:
    worst = SimpleNamespace(instance=huber(h, steps))
    p = l2o.problem_from(worst)
    run = l2o.rollout(l2o.method_from(worst), p, l2o.start_from(worst), steps)
    assert p.smooth.kind == "interpolated"
    np.testing.assert_allclose(run.x[0].numpy(), worst.instance["x"], atol=1e-13)
    assert float(run.objective[0, -1]) == pytest.approx(1 / (2 * (2 * h * steps + 1)), abs=1e-12)
    assert float(p.objective(np.zeros((1, 1)))) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("steps", [1, 4, 20])
def test_the_proximal_gradient_method_attains_its_worst_case(steps: int) -> None:
    worst = slope(steps)
    run = l2o.rollout(l2o.method_from(worst), l2o.problem_from(worst), l2o.start_from(worst), steps)
    assert float(run.objective[0, -1]) == pytest.approx(1 / (4 * steps), abs=1e-12)
    torch.testing.assert_close(run.subgradient, torch.full_like(run.subgradient, 1 / (2 * steps)))


def by_hand(method: str, exact: bool, steps: int = 6) -> Arrays:
    """The method, written out in NumPy on a quadratic with an r whose prox is known, and what it meets."""
    rng = np.random.default_rng(METHODS.index(method) + 10)
    kind = "convex" if method == "proximal_point" else "smooth_convex"
    q, c, _, L = curved("smooth_convex", 3)
    q, c, L = (0 * q, 0 * c, 1.0) if kind == "convex" else (q, c, L)
    h = rng.uniform(0.5, 1.2, steps)
    u = 0 * rng.standard_normal((steps, 5)) if exact else 0.05 * rng.standard_normal((steps, 5))
    beta = rng.uniform(0.1, 0.6, steps)
    rows = np.stack([0.4 * beta, beta], -1)
    a, b = rng.standard_normal((2, 5))  # r = |<a, x>| + b'x, or the segment between a and b
    # prox of t |<a,x>| + t b'x: shift by t b, then move along a by at most t

    def prox(z: np.ndarray, t: float) -> np.ndarray:
        if method in ("gradient", "heavy_ball"):
            return z
        if method == "projected_gradient":
            return a + np.clip((z - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1) * (b - a)
        z = z - t * b
        return z - np.clip(a @ z / (a @ a), -t, t) * a

    x, line_styles, sub = [rng.standard_normal(5)], [], []
    previous = look = x[0]
    v, t = np.zeros(5), 1.0
    for k in range(steps):
        p = h[k] / L
        line_styles.append(look)
        z = look - p * (q @ look + c + u[k])
        z = z + beta[k] * (x[-1] - previous) if method == "heavy_ball" else z
        z = z - rows[k, 0] * v if method == "go_math" else z
        new = prox(z, p)
        sub.append((z - new) / p)
        v = rows[k, 1] * v + (1 - rows[k, 1]) * (x[-1] - new)
        t_new = (1 + np.sqrt(1 + 4 * t**2)) / 2
        look = new + (t - 1) / t_new * (new - x[-1]) if method == "accelerated_gradient" else new
        t, previous = t_new, x[-1]
        x.append(new)
    x, line_styles = np.array(x), np.array(line_styles)
    by_name = {"x0": x[0], "x": x, "step": h, "L": L, "mu": 0.0}
    if not exact:
        by_name["error"] = u
    if kind != "convex":
        seen = np.vstack([line_styles, x])
        by_name |= {
            "smooth_x": seen,
            "smooth_g": seen @ q + c,
            "smooth_f": 0.5 * ((seen @ q) * seen).sum(-1) + seen @ c,
        }
    if method == "heavy_ball":
        by_name["momentum"] = beta
    if method == "go_math":
        by_name["momentum"] = rows
    if method == "projected_gradient":
        by_name |= {"nonsmooth_x": np.array([a, b]), "indicator": True}
    elif method not in ("gradient", "heavy_ball"):
        r = np.abs(x[1:] @ a) + x[1:] @ b
        by_name |= {"nonsmooth_x": x[1:], "nonsmooth_s": np.array(sub), "nonsmooth_r": r, "indicator": False}
    classes = {"gradient": "smooth_convex", "heavy_ball": "smooth_convex", "proximal_point": "convex"}
    return instance(classes.get(method, "composite"), method, **by_name)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_meets_its_iterates_again(method: str, exact: bool) -> None:
    worst = by_hand(method, exact)
    steps = len(worst["step"])
    p, optimizer = l2o.problem_from(worst), l2o.method_from(worst)
    run = l2o.rollout(optimizer, p, l2o.start_from(worst), steps)
    np.testing.assert_allclose(run.x[0].numpy(), worst["x"], atol=1e-9)
    if exact and method not in ("heavy_ball", "accelerated_gradient", "go_math"):
        torch.testing.assert_close(run.bias, torch.zeros_like(run.bias), rtol=0, atol=1e-13)
    elif method in ("gradient", "proximal_gradient", "projected_gradient", "proximal_point"):
        expected = worst["step"][:, None] / worst["L"] * worst["error"]
        np.testing.assert_allclose(run.bias[0].numpy(), expected, atol=1e-13)
    assert (run.memory is not None) == (method == "go_math")
    last = optimizer.init(p, l2o.start_from(worst))
    for _ in range(steps):
        last = optimizer.step(p, last)
    assert torch.equal(last.x, run.x[:, -1])
    with pytest.raises(l2o.InputError, match=f"step {steps + 1} was asked of a schedule of {steps} steps"):
        optimizer.step(p, last)


def test_momentum_of_heavy_ball_may_be_one_number() -> None:
    worst = by_hand("heavy_ball", True) | {"momentum": np.array(0.25)}
    assert l2o.method_from(worst).momentum.tolist() == [0.25] * 6


def test_strongly_convex_and_nonconvex_instances() -> None:
    for kind, (low, convex) in {"smooth_strongly_convex": (0.3, True), "smooth_nonconvex": (0.0, False)}.items():
        x, g, f, _ = sampled(kind)
        data = {"L": 2.0, "mu": 0.3, "smooth_x": x, "smooth_g": g, "smooth_f": f, "x0": x[0], "x": x[:2], "step": [1.0]}
        p = l2o.problem_from(instance(kind, "gradient", **data))
        assert (float(p.strong_convexity), float(p.smoothness), p.smooth.convex) == (low, 2.0, convex)
        np.testing.assert_allclose(p.smooth_gradient(x[:1]).numpy(), g[:1], atol=1e-9)


def changed(worst: Arrays, **arrays: Any) -> Arrays:
    remaining = {name: a for name, a in worst.items() if name not in arrays}
    return remaining | {name: np.asarray(a) for name, a in arrays.items() if a is not None}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"smooth_g": None}, r"no 'smooth_g'.*bounds\.worst_case"),
        ({"L": None}, "no 'L'"),
        ({"function_class": None}, "no 'function_class'"),
        ({"function_class": "convexe"}, r"expected one of smooth_convex.*got 'convexe'"),
        ({"smooth_f": np.zeros(3)}, r"'smooth_f'.*expected shape \(4\), got \(3,\)"),
        ({"smooth_g": np.full((4, 1), np.nan)}, r"'smooth_g'.*4 of 4 entries are NaN"),
        ({"smooth_x": np.zeros((4, 2))}, r"'smooth_x'.*expected shape \(any, 1\), got \(4, 2\)"),
        ({"smooth_x": np.array([["a"]] * 4)}, r"'smooth_x'.*expected numbers"),
        ({"L": -1.0}, "expected 0 <= mu < L"),
        ({"function_class": "smooth_strongly_convex", "mu": 1.0}, r"where mu = L.*l2o\.quadratic"),
        ({"nonsmooth_x": np.zeros((2, 1))}, "no 'nonsmooth_s'"),
    ],
)
def test_a_broken_instance_is_refused(arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(l2o.InputError, match=words):
        l2o.problem_from(changed(huber(1.0, 2), **arrays))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"step": np.ones(3)}, r"'x'.*expected shape \(4, 1\), got \(3, 1\)"),
        ({"step": [1.0, -1.0]}, r"steps: expected > 0, got -1"),
        ({"method": "newton"}, "expected one of gradient.*got 'newton'"),
        ({"error": np.zeros((2, 4))}, r"'error'.*expected shape \(2, 1\)"),
        ({"method": "go_math"}, "no 'momentum'"),
        ({"method": "go_math", "momentum": np.ones(2)}, r"'momentum'.*expected shape \(2, 2\)"),
        ({"x0": None}, "no 'x0'"),
    ],
)
def test_a_broken_method_is_refused(arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(l2o.InputError, match=words):
        l2o.method_from(changed(huber(1.0, 2), **arrays))


def test_what_is_no_worst_case_is_refused() -> None:
    for wrong in (3, None, SimpleNamespace(instance=None)):
        with pytest.raises(l2o.InputError, match="expected an object with an `instance`"):
            l2o.problem_from(wrong)
    ones = np.ones(2)
    with pytest.raises(l2o.InputError, match=r"heavy_ball with 2 steps expects \(2,\), got none"):
        Scheduled("heavy_ball", ones)
    with pytest.raises(l2o.InputError, match="one row for each of the 2 steps, got 1"):
        Scheduled("gradient", ones, errors=np.ones((1, 1)))
    with pytest.raises(l2o.InputError, match="method: expected one of"):
        Scheduled("newton", ones)
    with pytest.raises(l2o.InputError, match=r"errors: expected shape \(2, 3\)"):
        Scheduled("proximal_gradient", ones, errors=np.ones((2, 2))).init(coupled("hull"), np.zeros(3))
    with pytest.raises(l2o.InputError, match="needs r = 0"):
        Scheduled("gradient", ones).init(coupled("hull"), np.zeros(3))
    assert "scheduled-gradient" not in l2o.optimizer_names()
