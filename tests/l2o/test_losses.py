"""Sums and means of one loss over samples: derivatives, curvature, rounding, changes of variables, and bad input."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from l2obound import l2o
from l2obound.l2o.problems.smooth import SampleLoss
from l2obound.l2o.problems.smooth.sample_loss import ResidualLoss
from tests.helpers import zoo

LOSSES = zoo.losses()
KINDS = [name for name in LOSSES if "shared" not in name]


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_the_derivative(name: str) -> None:
    """By automatic differentiation of the value, and of the gradient by differences: training goes through both."""
    term = LOSSES[name]
    x = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    value, gradient = term.value_and_gradient(x)
    (expected,) = torch.autograd.grad(value.sum(), x)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(term.value(x), value, rtol=1e-15, atol=0)
    assert torch.autograd.gradcheck(term.value, x)
    assert torch.autograd.gradcheck(term.gradient, x)


@pytest.mark.parametrize("name", LOSSES)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([1e-3, 1.0, 1e3]))
def test_smoothness_bounds_the_gradient(name: str, seed: int, size: float) -> None:
    term = LOSSES[name]
    x, y = size * torch.randn(2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    difference = torch.linalg.vector_norm(term.gradient(x) - term.gradient(y), dim=-1)
    distance = torch.linalg.vector_norm(x - y, dim=-1)
    rounding = term.gradient_error(x) + term.gradient_error(y)
    assert bool((difference <= term.smoothness * distance * (1 + 1e-12) + rounding).all())
    if term.convex:
        rise = ((term.gradient(x) - term.gradient(y)) * (x - y)).sum(-1)
        assert bool((rise >= -rounding * distance).all())


def scalar_loss(name: str, scale: float) -> SampleLoss:
    """The loss as a function of one number: A = 1, y = 0, label 1."""
    one, zero = np.ones((1, 1)), np.zeros(1)
    return {
        "huber": lambda: l2o.huber(one, zero, scale),
        "student-t": lambda: l2o.student_t(one, zero, scale),
        "welsch": lambda: l2o.welsch(one, zero, scale),
        "squared-hinge": lambda: l2o.squared_hinge(one, zero + 1),
        "sigmoid-loss": lambda: l2o.sigmoid_loss(one, zero + 1),
    }[name]()


@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("name", KINDS)
def test_the_curvature_is_the_largest_second_derivative(name: str, scale: float) -> None:
    """On a grid it is not exceeded, and nearly attained; a loss that is not convex has negative curvature somewhere."""
    term = scalar_loss(name, scale)
    z = torch.linspace(-30, 30, 600_001, dtype=torch.float64, requires_grad=True)
    (bend,) = torch.autograd.grad(term.slopes(z).sum(), z)
    assert float(bend.abs().max()) <= term.curvature * (1 + 1e-12)
    assert float(bend.abs().max()) >= term.curvature * (1 - 1e-6)
    assert (float(bend.min()) < 0) == (not term.convex)
    assert float(term.smoothness) == pytest.approx(term.curvature)
    assert float(term.strong_convexity) == 0.0


def precise(name: str, scale: float) -> tuple[Callable, Callable]:
    """phi and phi' in mpmath."""
    exp, log, m = mpmath.exp, mpmath.log, mpmath.mpf
    s = m(scale)
    return {
        "huber": (
            lambda z: z * z / 2 if abs(z) <= s else s * (abs(z) - s / 2),
            lambda z: max(min(z, s), -s),
        ),
        "student-t": (lambda z: s / 2 * log(1 + z * z / s), lambda z: z / (1 + z * z / s)),
        "welsch": (lambda z: s * s / 2 * (1 - exp(-z * z / s**2)), lambda z: z * exp(-z * z / s**2)),
        "squared-hinge": (lambda z: max(0, 1 - z) ** 2, lambda z: -2 * max(m(0), 1 - z)),
        "sigmoid-loss": (lambda z: 1 / (1 + exp(z)), lambda z: -1 / (1 + exp(z)) / (1 + exp(-z))),
    }[name]


def build(name: str, a: np.ndarray, y: np.ndarray, scale: float, dtype: torch.dtype) -> SampleLoss:
    makers = {"huber": l2o.huber, "student-t": l2o.student_t, "welsch": l2o.welsch}
    if name in makers:
        return makers[name](a, y, scale, dtype=dtype)
    return {"squared-hinge": l2o.squared_hinge, "sigmoid-loss": l2o.sigmoid_loss}[name](a, y > 0, dtype=dtype)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", KINDS)
def test_rounding_bounds_against_high_precision(name: str, dtype: torch.dtype) -> None:
    """Value and gradient with 60 digits, from the parabola to far outside; the bounds hold and say something."""
    unit = torch.finfo(dtype).eps
    with mpmath.workdps(60):
        for seed in range(12):
            rng = np.random.default_rng(seed)
            for size in (1e-6, 1e-2, 1.0, 30.0, 1e4):
                a, y = rng.standard_normal((6, 3)).astype(np.float32), rng.standard_normal(6).astype(np.float32)
                scale = float(np.float32(10.0 ** rng.uniform(-2, 2)))
                term = build(name, a, y, scale, dtype)
                point = torch.as_tensor(size * rng.standard_normal((1, 3)), dtype=dtype)
                phi, slope = precise(name, scale)
                inner = [mpmath.fdot(map(float, row), point[0].tolist()) for row in a]
                if isinstance(term, ResidualLoss):
                    z, sign, count = [v - mpmath.mpf(float(t)) for v, t in zip(inner, y)], [1] * 6, 1
                else:
                    sign, count = [1 if t > 0 else -1 for t in y], 6
                    z = [s * v for s, v in zip(sign, inner)]
                truth = sum(phi(v) for v in z) / count
                weights = [s * slope(v) / count for s, v in zip(sign, z)]
                rise = [sum(mpmath.mpf(float(a[i, j])) * weights[i] for i in range(6)) for j in range(3)]
                value, gradient = term.value_and_gradient(point)
                allowed = float(term.value_error(point))
                assert abs(mpmath.mpf(float(value)) - truth) <= allowed
                off = mpmath.sqrt(sum((mpmath.mpf(float(g)) - s) ** 2 for g, s in zip(gradient[0], rise)))
                assert off <= float(term.gradient_error(point))
                reach = float(sum(abs(w) * (1 + abs(v)) for w, v in zip(weights, z))) * (1 + size)
                assert allowed <= 1e3 * unit * (float(truth) + reach + (1 + size) ** 2)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", KINDS)
def test_rounding_of_the_loss_itself_against_high_precision(name: str, dtype: torch.dtype) -> None:
    """phi and phi' at a given z, apart from the rounding of z, which is larger as a rule."""
    with mpmath.workdps(60):
        for seed, scale in enumerate((0.0625, 1.0, 8.0)):
            term = scalar_loss(name, scale).to(dtype)
            rng = np.random.default_rng(seed)
            z = torch.as_tensor(rng.standard_normal(400) * 10.0 ** rng.uniform(-4, 2, 400), dtype=dtype)
            phi, slope = precise(name, scale)
            errors = term.evaluation_error(z.unsqueeze(0))
            for result, allowed, truth in zip((term.losses(z), term.slopes(z)), errors, (phi, slope)):
                for v, f, e in zip(z.tolist(), result.reshape(-1).tolist(), allowed.reshape(-1).tolist()):
                    assert abs(mpmath.mpf(f) - truth(mpmath.mpf(v))) <= e, (v, f, e)


def test_losses_survive_the_ends_of_the_range() -> None:
    for name in KINDS:
        term = scalar_loss(name, 1.0)
        for z in (0.0, 1e-300, -1e-300, 1e100, -1e100):
            x = torch.full((1, 1), z, dtype=torch.float64)
            for number in (*term.value_and_gradient(x), term.value_error(x), term.gradient_error(x)):
                assert bool(torch.isfinite(number).all()), (name, z)


@pytest.mark.parametrize("change", zoo.CHANGES)
@pytest.mark.parametrize("name", KINDS)
def test_changes_of_variables_are_exact(name: str, change: str) -> None:
    p = l2o.Composite(LOSSES[name], l2o.l1(0.3))
    q = zoo.CHANGES[change](p)
    x = zoo.start(q, 3).requires_grad_()
    (slope,) = torch.autograd.grad(q.smooth.value(x).sum(), x)
    torch.testing.assert_close(q.smooth_gradient(x.detach()), slope, rtol=1e-10, atol=1e-10)
    w = q.smooth.change.inward(x.detach())
    scale = q.smooth.change.scale.reshape(-1)
    torch.testing.assert_close(q.smooth.value(x.detach()), scale * p.smooth.value(w), rtol=1e-14, atol=0)
    assert q.smooth.convex == p.smooth.convex


@pytest.mark.parametrize("name", LOSSES)
def test_selection_precision_and_fingerprint(name: str) -> None:
    p = l2o.Composite(LOSSES[name], l2o.l1(0.3))
    x = zoo.start(p, 1)
    chosen = p.select([2, 0])
    torch.testing.assert_close(chosen.objective(x[[2, 0]]), p.objective(x)[[2, 0]], rtol=1e-13, atol=0)
    single = p.to(torch.float32)
    assert single.dtype == single.objective(x).dtype == torch.float32
    torch.testing.assert_close(single.objective(x).double(), p.objective(x), rtol=1e-5, atol=1e-5)
    assert p.fingerprint() == l2o.Composite(zoo.losses()[name], l2o.l1(0.3)).fingerprint()
    assert p.fingerprint() != l2o.Composite(zoo.losses(seed=1)[name], l2o.l1(0.3)).fingerprint()
    assert p.fingerprint() != chosen.fingerprint()


def test_the_parameter_of_a_loss_is_part_of_the_fingerprint() -> None:
    for name in ("huber", "student-t", "welsch"):
        digests = {l2o.Composite(scalar_loss(name, s), l2o.zero()).fingerprint() for s in (0.5, 1.0, 2.0)}
        assert len(digests) == 3


@pytest.mark.parametrize("name", KINDS)
def test_accelerated_runs_end_at_stationary_points(name: str) -> None:
    p = l2o.Composite(LOSSES[name], l2o.l1(0.02))
    method = "fista-restart" if p.smooth.convex and "fista-restart" in l2o.optimizer_names() else "ista"
    x = zoo.end_of(l2o.optimizer(method), p, zoo.start(p), 6000, lambda x: zoo.stationarity(p, x) <= 1e-8)
    assert zoo.stationarity(p, x) <= 1e-8
    if method == "ista":  # it descends, convex or not, on the way and at its end
        for begin in (zoo.start(p), x):
            objective = l2o.rollout(l2o.optimizer(method), p, begin, 300).objective
            assert bool((objective.diff(dim=1) <= 1e-14 * (1 + objective[:, 1:])).all())


ROWS, Y = np.eye(3), np.ones(3)
BAD = {
    "delta = 0": (lambda: l2o.huber(ROWS, Y, 0.0), "delta: expected > 0"),
    "delta < 0": (lambda: l2o.huber(ROWS, Y, -1.0), "delta: expected > 0"),
    "delta NaN": (lambda: l2o.huber(ROWS, Y, np.nan), "delta.*NaN"),
    "nu = 0": (lambda: l2o.student_t(ROWS, Y, 0.0), "nu: expected > 0"),
    "nu infinite": (lambda: l2o.student_t(ROWS, Y, np.inf), "nu.*inf"),
    "c < 0": (lambda: l2o.welsch(ROWS, Y, -2.0), "c: expected > 0"),
    "deltas of another batch": (lambda: l2o.huber(ROWS, np.ones((3, 3)), [1.0, 2.0]), "batch sizes"),
    "deltas for one instance": (lambda: l2o.huber(ROWS, Y, [1.0, 2.0]), "repeat the rows of y"),
    "label 2": (lambda: l2o.squared_hinge(ROWS, [0.0, 1.0, 2.0]), "0 or 1"),
    "label -1": (lambda: l2o.sigmoid_loss(ROWS, [0.0, 1.0, -1.0]), "0 or 1"),
    "NaN in A": (lambda: l2o.squared_hinge(ROWS * np.nan, Y), "NaN"),
    "wrong rows": (lambda: l2o.welsch(ROWS, np.ones(4)), "expected 3 entries"),
    "outliers": (lambda: l2o.synthetic.huber_l1(1, 4, 5, outliers=1.5), "fraction"),
    "flips": (lambda: l2o.synthetic.sigmoid_l1(1, 4, 5, flips=-0.5), "fraction"),
    "condition": (lambda: l2o.synthetic.lasso(1, 4, 5, condition=0.5), "condition: expected a number >= 1"),
    "sparsity of the simplex": (lambda: l2o.synthetic.simplex_least_squares(1, 4, 5, sparsity=0), "sparsity"),
    "active groups": (lambda: l2o.synthetic.group_lasso(1, 4, 5, active=4), "active"),
    "size of groups": (lambda: l2o.synthetic.group_lasso(1, 4, 5, size=0), "size"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str) -> None:
    make, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says) as caught:
        make()
    assert "\n" not in str(caught.value)


GENERATORS = (
    *("huber_l1", "student_t_l1", "welsch_l1", "squared_hinge_l1", "sigmoid_l1"),
    *("simplex_least_squares", "group_lasso"),
)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_are_seeded_nested_and_apart(name: str) -> None:
    make = getattr(l2o.synthetic, name)
    small, large = (make(b, 6, 10, seed=3) for b in (2, 4))
    assert large.select([0, 1]).fingerprint() == small.fingerprint()
    assert small.fingerprint() == make(2, 6, 10, seed=3).fingerprint()
    matrices = {make(1, 6, 10, seed=s).smooth.map.matrix.numpy().tobytes() for s in (3, 4)}
    matrices |= {getattr(l2o.synthetic, g)(1, 6, 10, seed=3).smooth.map.matrix.numpy().tobytes() for g in GENERATORS}
    assert len(matrices) == len(GENERATORS) + 1
    assert make(1, 6, 10, dtype=torch.float32).dtype == torch.float32


def test_lasso_with_a_condition_number() -> None:
    for condition in (1.0, 30.0, 1e4):
        a = l2o.synthetic.lasso(2, 6, 10, condition=condition).smooth.map.matrix
        values = torch.linalg.svdvals(a)
        torch.testing.assert_close(values[:, 0] / values[:, -1], torch.full((2,), condition).double())
        torch.testing.assert_close((a * a).sum((1, 2)) / 10, torch.ones(2).double())
    # Without it the data are what they were, to rounding: bytes differ between processors.
    data = l2o.synthetic.lasso(2, 5, 8, seed=3).smooth.arrays()
    for name, entries in {
        "A": [-0.3452148125382, -0.5059664299357, -0.7294256418813],
        "y": [0.5458889451192, -0.7344662797214, -1.0674391349660],
    }.items():
        np.testing.assert_allclose(data[name].numpy().ravel()[[0, 7, -1]], entries, rtol=1e-10)
