"""Problems: gradients, proxes, constants, rounding bounds, changes of variables, and bad input."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from l2obound import l2o
from l2obound.l2o.problems.nonsmooth import NonsmoothTerm
from tests.helpers import zoo

COMPOSITES = zoo.composites()
SMOOTH = zoo.smooth_terms()
NONSMOOTH = zoo.nonsmooth_terms()


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient_is_the_derivative(name: str) -> None:
    term = SMOOTH[name]
    x = torch.randn(term.batch_size, term.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    value, gradient = term.value_and_gradient(x)
    (expected,) = torch.autograd.grad(value.sum(), x)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(term.value(x), value, rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", SMOOTH)
def test_both_errors_at_once_are_the_two_errors(name: str) -> None:
    term = SMOOTH[name]
    x = torch.randn(term.batch_size, term.dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for one, other in zip(term.errors(x), (term.value_error(x), term.gradient_error(x)), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", SMOOTH)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([1e-3, 1.0, 1e3]))
def test_smoothness_and_strong_convexity_bound_the_gradient(name: str, seed: int, size: float) -> None:
    term = SMOOTH[name]
    generator = torch.Generator().manual_seed(seed)
    x, y = size * torch.randn(2, term.batch_size, term.dim, dtype=torch.float64, generator=generator)
    difference = torch.linalg.vector_norm(term.gradient(x) - term.gradient(y), dim=-1)
    distance = torch.linalg.vector_norm(x - y, dim=-1)
    rounding = term.gradient_error(x) + term.gradient_error(y)
    assert bool((difference <= term.smoothness * distance * (1 + 1e-12) + rounding).all())
    assert bool((difference >= term.strong_convexity * distance - rounding).all())


def test_slopes_of_l1_near_a_point_are_those_on_both_sides_of_it() -> None:
    """The short cut of L1 against the definition, on both sides of the kink and within roundings of it."""
    term, tiny = l2o.l1(0.3), 10 * torch.finfo(torch.float64).eps
    x = torch.tensor([[-2.0, -1e-300, -0.0, 0.0, 1e-300, tiny, 2.0, torch.inf]], dtype=torch.float64)
    low, high = term.subdifferential(x)
    assert low.tolist() == [[-0.3] * 4 + [0.3] * 4]
    assert high.tolist() == [[-0.3] * 2 + [0.3] * 6]
    finite = x[:, :-1]
    for ours, general in zip(term.subdifferential_near(finite), NonsmoothTerm.subdifferential_near(term, finite)):
        assert torch.equal(ours, general)
    wide, _ = term.subdifferential_near(finite, units=2 / torch.finfo(torch.float64).eps)
    assert wide[0, -1] == -0.3


@pytest.mark.parametrize("name", NONSMOOTH)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([0.1, 1.0, 10.0]))
def test_prox_satisfies_its_optimality_condition(name: str, seed: int, size: float) -> None:
    """(u - x)/step in the subdifferential of r at x: a certificate, not a comparison with another solver."""
    term = NONSMOOTH[name]
    generator = torch.Generator().manual_seed(seed)
    u = size * torch.randn(3, 5, dtype=torch.float64, generator=generator)
    step = torch.rand(3, 5, dtype=torch.float64, generator=generator) + 0.01
    x = term.prox(u, step)
    low, high = term.subdifferential(x)
    slope = (u - x) / step
    slack = 1e-13 * (1 + slope.abs() + (u.abs() + x.abs()) / step)
    assert bool((slope >= low - slack).all())
    assert bool((slope <= high + slack).all())


@pytest.mark.parametrize("change", zoo.CHANGES)
@pytest.mark.parametrize("name", [n for n in COMPOSITES if "shared" not in n])
def test_changes_of_variables_are_exact(name: str, change: str) -> None:
    """Value, gradient, constants and prox of the changed problem, each against its definition."""
    p = COMPOSITES[name]
    q = zoo.CHANGES[change](p)
    c, a, t = {
        "shifted": (1.0, 1.0, 1.7),
        "scaled": (3.0, 1.0, 0.0),
        "rescaled": (1.0, 0.6, 0.0),
        "all": (torch.tensor([[0.5], [1.0], [2.0]]).double(), 1.9, None),
    }[change]
    if t is None:  # ((x - 0.3)/1.9) + linspace
        t = torch.linspace(-1, 2, 5, dtype=torch.float64) - 0.3 / 1.9
    w = zoo.start(p, 3)
    x = a * (w - t)
    x = q.prox(x, 1e-9)  # into the domain of a moved box, where rounding may have left it
    scale = torch.as_tensor(c).double().reshape(-1)
    torch.testing.assert_close(q.objective(x), scale * p.objective(w), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(q.smooth.value(x), scale * p.smooth.value(w), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(q.smoothness, scale / a**2 * p.smoothness, rtol=1e-14, atol=0)
    x.requires_grad_()
    (slope,) = torch.autograd.grad(q.smooth.value(x).sum(), x)
    torch.testing.assert_close(q.smooth_gradient(x.detach()), slope, rtol=1e-10, atol=1e-10)
    u = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(5)) * 2
    step = torch.full((3, 5), 0.37, dtype=torch.float64)
    v = q.prox(u, step)
    low, high = q.subdifferential(v)
    slope = (u - v) / step
    assert bool(((slope >= low - 1e-12) & (slope <= high + 1e-12)).all())


def test_changes_compose_in_order() -> None:
    p = COMPOSITES["least-squares + l1"]
    x = zoo.start(p, 2)
    q = p.shifted(2.0).rescaled(3.0)
    torch.testing.assert_close(q.objective(x), p.objective(x / 3 + 2), rtol=1e-13, atol=0)
    q = p.rescaled(3.0).shifted(2.0)
    torch.testing.assert_close(q.objective(x), p.objective((x + 2) / 3), rtol=1e-13, atol=0)


def test_moved_box_keeps_its_prox_in_its_domain() -> None:
    p = COMPOSITES["least-squares + box"]
    for seed in range(50):
        t = np.random.default_rng(seed).standard_normal(5) * 10.0 ** (seed % 7)
        q = p.shifted(t)
        assert bool(torch.isfinite(q.objective(q.prox(zoo.start(p, seed, 100.0), 1.0))).all())


@given(seed=st.integers(0, 10**6), size=st.sampled_from([1e-8, 1.0, 1e8]))
def test_rounding_bounds_are_sound(seed: int, size: float) -> None:
    """Against exact rational arithmetic, for least squares and quadratic forms, with and without a shift."""
    rng = np.random.default_rng(seed)
    a, y, x = rng.standard_normal((4, 3)), rng.standard_normal(4), size * rng.standard_normal(3)
    q = a.T @ a
    q = 0.5 * (q + q.T)
    t = 0.1

    def exact(matrix: np.ndarray) -> list[list[Fraction]]:
        return [[Fraction(float(v)) for v in row] for row in matrix]

    fa, fq = exact(a), exact(q)
    fy, fx, fc = ([Fraction(float(v)) for v in w] for w in (y, x, y[:3]))
    fs = [v + Fraction(t) for v in fx]

    def residual(w: list[Fraction]) -> list[Fraction]:
        return [sum(r * v for r, v in zip(row, w, strict=True)) - b for row, b in zip(fa, fy, strict=True)]

    def least_squares(w: list[Fraction]) -> tuple[Fraction, list[Fraction]]:
        r = residual(w)
        return sum(v * v for v in r) / 2, [sum(fa[i][j] * r[i] for i in range(4)) for j in range(3)]

    def form(w: list[Fraction]) -> tuple[Fraction, list[Fraction]]:
        qx = [sum(r * v for r, v in zip(row, w, strict=True)) for row in fq]
        value = sum(v * (h / 2 - c) for v, h, c in zip(w, qx, fc, strict=True))
        return value, [h - c for h, c in zip(qx, fc, strict=True)]

    point = torch.as_tensor(x).unsqueeze(0)
    lasso = l2o.lasso(a, y, 0.0)
    for problem, truth in (
        (lasso, least_squares(fx)),
        (lasso.shifted(t), least_squares(fs)),
        (l2o.quadratic(q, y[:3]), form(fx)),
    ):
        value, gradient = problem.smooth.value_and_gradient(point)
        off = abs(Fraction(float(value)) - truth[0])
        assert off <= Fraction(float(problem.smooth.value_error(point)))
        assert off <= Fraction(float(problem.objective_error(point)))
        squares = sum((Fraction(float(g)) - e) ** 2 for g, e in zip(gradient[0], truth[1], strict=True))
        assert squares <= Fraction(float(problem.smooth_gradient_error(point))) ** 2
        scale = abs(float(value)) + float(gradient.norm()) * size + 1
        assert float(problem.objective_error(point)) <= 1e-11 * scale * max(1, size)


def test_rounding_bounds_survive_underflow() -> None:
    """Entries whose squares underflow: the norms behind the bounds must not vanish with them."""
    a = np.random.default_rng(0).standard_normal(4)
    row, target = 1e-163 * a, 1e-13
    x = 1e150 * a / (a @ a)
    p = l2o.lasso(row[None, None], np.array([[target]]), 0.0)
    residual = sum(Fraction(float(r)) * Fraction(float(v)) for r, v in zip(row, x, strict=True)) - Fraction(target)
    off = abs(Fraction(float(p.objective(x[None]))) - residual * residual / 2)
    assert 0 <= off <= Fraction(float(p.objective_error(x[None])))


def test_logistic_rounding_bound_against_high_precision() -> None:
    from mpmath import exp, log, mp, mpf

    mp.dps = 40
    rng = np.random.default_rng(0)
    for size in (1e-3, 1.0, 30.0, 300.0):
        a, x = rng.standard_normal((6, 3)), size * rng.standard_normal(3)
        labels = (rng.random(6) > 0.5).astype(float)
        p = l2o.logistic_l1(a, labels, 0.0)
        z = [sum(mpf(float(v)) * mpf(float(w)) for v, w in zip(row, x, strict=True)) for row in a]
        truth = sum(log(1 + exp(v)) - mpf(float(b)) * v for v, b in zip(z, labels, strict=True)) / 6
        weights = [(1 / (1 + exp(-v)) - mpf(float(b))) / 6 for v, b in zip(z, labels, strict=True)]
        slope = [sum(mpf(float(a[i, j])) * weights[i] for i in range(6)) for j in range(3)]
        point = torch.as_tensor(x).unsqueeze(0)
        value, gradient = p.smooth.value_and_gradient(point)
        assert abs(mpf(float(value)) - truth) <= mpf(float(p.smooth.value_error(point)))
        off = sum((mpf(float(g)) - s) ** 2 for g, s in zip(gradient[0], slope, strict=True)) ** mpf(0.5)
        assert off <= mpf(float(p.smooth_gradient_error(point)))


def test_constants() -> None:
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((2, 6, 4)), rng.standard_normal((2, 6))
    top = [np.linalg.eigvalsh(m.T @ m)[-1] for m in a]
    low = [np.linalg.eigvalsh(m.T @ m)[0] for m in a]
    np.testing.assert_allclose(l2o.lasso(a, y, 0.1).smoothness, top, rtol=1e-12)
    np.testing.assert_allclose(l2o.lasso(a, y, 0.1).strong_convexity, low, rtol=1e-10)
    np.testing.assert_allclose(l2o.logistic_l1(a, y > 0, 0.1).smoothness, np.array(top) / 24, rtol=1e-12)
    official = l2o.logistic_l1(a, y > 0, 0.1, smoothness="official")
    np.testing.assert_allclose(official.smoothness, np.array(top) / 6, rtol=1e-12)
    assert float(l2o.lasso(a.transpose(0, 2, 1), y[:, :4], 0.1).strong_convexity.max()) == 0.0


def test_numpy_and_torch_are_both_taken() -> None:
    rng = np.random.default_rng(0)
    a, y = rng.standard_normal((2, 6, 4)), rng.standard_normal((2, 6))
    one = l2o.lasso(a, y, 0.1)
    two = l2o.lasso(torch.as_tensor(a), torch.as_tensor(y), torch.tensor([0.1, 0.1]).double())
    x = rng.standard_normal((2, 4))
    torch.testing.assert_close(one.objective(x), two.objective(torch.as_tensor(x)))


def test_shared_and_repeated_matrix_agree() -> None:
    shared = COMPOSITES["least-squares-shared + l1"]
    a = shared.smooth.map.matrix
    repeated = l2o.lasso(a.expand(3, -1, -1), shared.smooth.target, 0.3)
    x = zoo.start(shared, 1)
    torch.testing.assert_close(shared.objective(x), repeated.objective(x))
    torch.testing.assert_close(shared.smooth_gradient(x), repeated.smooth_gradient(x))


def test_generators_are_seeded_and_nested() -> None:
    small, large = (l2o.synthetic.lasso(b, 5, 8, seed=3) for b in (2, 4))
    torch.testing.assert_close(large.select([0, 1]).smooth.map.matrix, small.smooth.map.matrix)
    assert small.fingerprint() == l2o.synthetic.lasso(2, 5, 8, seed=3).fingerprint()
    assert small.fingerprint() != l2o.synthetic.lasso(2, 5, 8, seed=4).fingerprint()
    norms = torch.linalg.vector_norm(small.smooth.map.matrix, dim=-2)
    torch.testing.assert_close(norms, torch.ones_like(norms))
    quadratic = l2o.synthetic.quadratic(2, 6, condition=50.0, smoothness=3.0)
    np.testing.assert_allclose(quadratic.smoothness, 3.0, rtol=1e-12)
    np.testing.assert_allclose(quadratic.strong_convexity, 3.0 / 50, rtol=1e-10)


def test_breast_cancer() -> None:
    p = l2o.real.breast_cancer(0.01)
    assert (p.batch_size, p.dim) == (1, 30)
    assert p.objective(np.zeros((1, 30))).item() == pytest.approx(np.log(2))


EYE, ROW = np.eye(3), np.ones(3)
NAN = np.array([[1.0, np.nan], [0.0, 1.0]])
BAD = {
    "NaN in A": (lambda: l2o.lasso(NAN, [1.0, 2.0], 0.1), "NaN"),
    "inf in y": (lambda: l2o.lasso(np.eye(2), [1.0, np.inf], 0.1), "inf"),
    "wrong rows": (lambda: l2o.lasso(EYE, np.ones(4), 0.1), "expected 3 entries"),
    "four axes": (lambda: l2o.lasso(np.ones((1, 1, 2, 2)), [1.0, 1.0], 0.1), "axes"),
    "negative lam": (lambda: l2o.lasso(EYE, ROW, -0.1), ">= 0"),
    "NaN lam": (lambda: l2o.lasso(EYE, ROW, np.nan), "NaN"),
    "lam of another batch": (
        lambda: l2o.lasso(np.ones((3, 2, 2)), np.ones((3, 2)), [0.1, 0.2]),
        "batch sizes",
    ),
    "empty batch": (lambda: l2o.lasso(np.ones((0, 3, 2)), np.ones((0, 3)), 0.1), "empty"),
    "batches disagree": (lambda: l2o.lasso(np.ones((2, 3, 2)), np.ones((4, 3)), 0.1), "instances"),
    "text": (lambda: l2o.lasso([["a"]], [1.0], 0.1), "expected numbers"),
    "ragged": (lambda: l2o.lasso([[1.0, 2.0], [3.0]], [1.0, 1.0], 0.1), "expected numbers"),
    "labels -1": (lambda: l2o.logistic_l1(EYE, [-1.0, 1.0, 1.0], 0.1), "0 or 1"),
    "unknown smoothness": (lambda: l2o.logistic_l1(EYE, ROW, 0.1, smoothness="big"), "official"),
    "not symmetric": (lambda: l2o.quadratic([[1.0, 2.0], [0.0, 1.0]], [1.0, 1.0]), "symmetric"),
    "indefinite": (lambda: l2o.quadratic([[1.0, 0.0], [0.0, -1.0]], [1.0, 1.0]), "semidefinite"),
    "not square": (lambda: l2o.quadratic(np.ones((2, 3)), np.ones(2)), "square"),
    "negative scale": (lambda: COMPOSITES["quadratic + zero"].scaled(-1.0), "> 0"),
    "shift of another size": (
        lambda: COMPOSITES["quadratic + zero"].shifted(np.ones(4)),
        "expected a scalar",
    ),
    "point of another size": (lambda: COMPOSITES["quadratic + zero"].objective(np.ones((3, 4))), r"\(B, n\)"),
    "select out of range": (lambda: COMPOSITES["quadratic + zero"].select([7]), "indices"),
    "swapped terms": (lambda: l2o.Composite(NONSMOOTH["l1"], SMOOTH["logistic"]), "SmoothTerm"),
    "no instances": (lambda: l2o.synthetic.lasso(0), "at least one"),
    "negative seed": (lambda: l2o.synthetic.lasso(1, 2, 3, seed=-1), "seed"),
    "empty box": (lambda: l2o.box(1.0, 0.0), "empty"),
    "bounds of two sizes": (lambda: l2o.box([0.0, 0.0], [1.0, 1.0, 1.0]), "do not fit"),
    "NaN bound": (lambda: l2o.box(np.nan, 1.0), "NaN"),
    "negative ridge": (lambda: l2o.elastic_net(0.1, -1.0), ">= 0"),
    "sparsity": (lambda: l2o.synthetic.lasso(1, 2, 3, sparsity=4), "sparsity"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error(case: str) -> None:
    build, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_terms_compose_as_the_shorthands_do() -> None:
    rng = np.random.default_rng(0)
    a, y, x = rng.standard_normal((2, 6, 4)), rng.standard_normal((2, 6)), rng.standard_normal((2, 4))
    pairs = (
        (l2o.Composite(l2o.least_squares(a, y), l2o.l1(0.3)), l2o.lasso(a, y, 0.3)),
        (l2o.Composite(l2o.logistic(a, y > 0), l2o.l1([0.1, 0.2])), l2o.logistic_l1(a, y > 0, [0.1, 0.2])),
        (
            l2o.Composite(l2o.quadratic_form(np.eye(4), y[:, :4]), l2o.zero()),
            l2o.quadratic(np.eye(4), y[:, :4]),
        ),
    )
    for one, two in pairs:
        assert one.fingerprint() == two.fingerprint()
    ridge = l2o.Composite(l2o.least_squares(a, y), l2o.elastic_net(0.3, 2.0))
    torch.testing.assert_close(ridge.objective(x) - pairs[0][0].objective(x), torch.as_tensor((x * x).sum(1)))
    boxed = l2o.Composite(l2o.least_squares(a, y), l2o.box(-1.0, [0.5, 0.5, 1.0, np.inf]))
    assert float(boxed.prox(np.full((2, 4), 9.0), 1.0)[0, 3]) == 9.0
    assert float(l2o.Composite(l2o.least_squares(a, y), l2o.nonnegative()).prox(-x.clip(min=0), 1.0).abs().max()) == 0.0


@pytest.mark.parametrize("first", [torch.float32, torch.float64])
def test_terms_of_two_precisions_are_no_problem(first: torch.dtype) -> None:
    f = l2o.least_squares(np.eye(2)[None], np.ones((1, 2)), dtype=first)
    r = l2o.l1(0.1, dtype=torch.float64 if first == torch.float32 else torch.float32)
    with pytest.raises(l2o.InputError, match="give both the same dtype"):
        l2o.Composite(f, r)
    assert l2o.Composite(f, r.to(first)).dtype == first
