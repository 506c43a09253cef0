"""`l2o.smooth` and `l2o.nonsmooth`: the same numbers as the terms of the package, one clear error each, no mix-up."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o import InputError

B, M, N = 3, 8, 5
rng = np.random.default_rng(0)
A, Y = rng.standard_normal((B, M, N)), rng.standard_normal((B, M))
L = np.linalg.norm(A, 2, axis=(1, 2)) ** 2


def squares(x, A, y):
    return 0.5 * (torch.einsum("bmn,bn->bm", A, x) - y).square().sum(-1)


def one_square(x, A, y):
    return 0.5 * (A @ x - y).square().sum()


def slopes(x, A, y):
    return torch.einsum("bmn,bm->bn", A, torch.einsum("bmn,bn->bm", A, x) - y)


def l1(x, lam=0.1):
    return lam * x.abs()


def total_l1(x, lam=0.1):
    return lam * x.abs().sum(-1)


def shrink(u, step, lam=0.1):
    return u.sign() * (u.abs() - lam * step).clamp(min=0)


def ends(x, lam=0.1):
    kink = lam * (x == 0)
    return lam * x.sign() - kink, lam * x.sign() + kink


def least_squares(**options) -> l2o.SmoothTerm:
    return l2o.smooth(options.pop("value", squares), **{"dim": N, "L": L, "data": {"A": A, "y": Y}, **options})


@pytest.mark.parametrize(
    "options", [{}, {"gradient": slopes}, {"value": one_square, "batched": False}], ids=["autograd", "given", "single"]
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_function_is_as_good_as_the_class(options: dict, dtype: torch.dtype) -> None:
    mine, ours = least_squares(dtype=dtype, **options), l2o.least_squares(A, Y, dtype=dtype)
    x = torch.from_numpy(rng.standard_normal((B, N))).to(dtype)
    eps = torch.finfo(dtype).eps
    for one, two in zip(mine.value_and_gradient(x), ours.value_and_gradient(x)):
        torch.testing.assert_close(one, two, rtol=100 * eps, atol=100 * eps)
    exact = [a.to(dtype) for a in l2o.least_squares(A, Y).to(torch.float64).value_and_gradient(x.double())]
    value, gradient = mine.value_and_gradient(x)
    assert bool(((value - exact[0]).abs() <= mine.value_error(x)).all())
    assert bool((torch.linalg.vector_norm(gradient - exact[1], dim=-1) <= mine.gradient_error(x)).all())
    assert not mine.rounding_bounded
    assert ours.rounding_bounded


@pytest.mark.parametrize("subdifferential", [None, ends], ids=["coupled", "separable"])
def test_runs_are_those_of_the_classes(subdifferential) -> None:
    r = l2o.nonsmooth(l1 if subdifferential else total_l1, shrink, dim=N, subdifferential=subdifferential)
    mine, ours = l2o.Composite(least_squares(), r), l2o.Composite(l2o.least_squares(A, Y), l2o.l1(0.1))
    for change in (lambda p: p, lambda p: p.shifted(0.3).rescaled(2.0).scaled(3.0)):
        p, q = change(mine), change(ours)
        run, other = (l2o.rollout(l2o.optimizer("ista"), r, np.ones((B, N)), 20) for r in (p, q))
        torch.testing.assert_close(run.x, other.x, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(run.objective, other.objective, rtol=1e-9, atol=1e-12)
    part = mine.select([2, 0])
    torch.testing.assert_close(part.objective(np.ones((2, N))), ours.select([2, 0]).objective(np.ones((2, N))))


def test_learned_optimizers_run_on_a_separable_term() -> None:
    r = l2o.nonsmooth(l1, shrink, dim=N, subdifferential=ends)
    model = l2o.pretrained("go-math-l2o", "lasso")
    mine = l2o.rollout(model, l2o.Composite(least_squares(), r), np.zeros((B, N)), 15)
    ours = l2o.rollout(model, l2o.Composite(l2o.least_squares(A, Y), l2o.l1(0.1)), np.zeros((B, N)), 15)
    torch.testing.assert_close(mine.x, ours.x, rtol=1e-6, atol=1e-8)


def test_what_a_function_does_belongs_to_the_fingerprint() -> None:
    """Two functions on the same data are two problems, and so are two values that they close over."""

    def weighted(weight: float):
        return lambda x, A, y: weight * squares(x, A, y)

    def fingerprint(value) -> str:
        return l2o.Composite(least_squares(value=value), l2o.l1(0.1)).fingerprint()

    assert fingerprint(squares) == fingerprint(squares)
    different = [fingerprint(f) for f in (squares, weighted(1.0), weighted(2.0), lambda x, A, y: -squares(x, A, y))]
    assert len(set(different)) == 4
    proxes = [
        l2o.Composite(least_squares(), l2o.nonsmooth(total_l1, prox, dim=N)).fingerprint()
        for prox in (shrink, lambda u, step: shrink(u, 2 * step))
    ]
    assert len(set(proxes)) == 2


def test_training_sees_through_the_gradient() -> None:
    """The gradient is differentiable where x depends on weights."""
    term = least_squares()
    w = torch.ones(B, N, dtype=torch.float64, requires_grad=True)
    (second,) = torch.autograd.grad(term.gradient(w).sum(), w)
    hessian = torch.from_numpy(A).mT @ torch.from_numpy(A)
    torch.testing.assert_close(second, hessian.sum(-1), rtol=1e-10, atol=1e-10)


def test_largest_curvature_is_a_lower_bound_and_finds_it() -> None:
    seen = l2o.largest_curvature(least_squares(), np.ones((B, N)), iterations=60).numpy()
    assert (seen <= L).all()
    assert (seen >= 0.99 * L).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: least_squares(L=None), "L is needed.*at least"),
        (lambda: least_squares(L=-1.0), "L: expected > 0"),
        (lambda: least_squares(mu=1e9), "mu exceeds L"),
        (lambda: least_squares(dim=0), "dim must be"),
        (lambda: least_squares(value=3), "value must be a function"),
        (lambda: least_squares(value=lambda x, A, y: 1.0), r"expected a tensor of shape \(B,\).*got float"),
        (lambda: least_squares(value=lambda x, A, y: x), r"got shape \(3, 5\)"),
        (lambda: least_squares(gradient=lambda x, A, y: x[0]), r"the gradient of squares: expected"),
        (lambda: least_squares(data={"A": A, "y": Y[:2]}), "one entry per instance, but A has 3, y has 2"),
        (lambda: least_squares(batch=7), "do not agree"),
        (lambda: least_squares(data=[A, Y]), "data must map names"),
        (lambda: least_squares(shared={"y": Y}), "y is in both data and shared"),
        (lambda: l2o.smooth(lambda x: x.sum(), dim=2, L=1.0, batched=False), "batched=False needs data"),
        (lambda: l2o.smooth(lambda x: torch.from_numpy(x.detach().numpy()).sum(-1), dim=2, L=1.0), "cannot differ"),
        (lambda: l2o.nonsmooth(total_l1, None, dim=N), "prox must be a function"),
        (lambda: l2o.nonsmooth(l1, shrink, dim=N), r"expected a tensor of shape \(B,\)"),
        (lambda: l2o.nonsmooth(total_l1, lambda u, step: u[0], dim=N), "the prox of total_l1: expected"),
        (lambda: l2o.nonsmooth(l1, shrink, dim=N, subdifferential=ends, subgradient=l1), "give one of the two"),
    ],
)
def test_errors_say_what_to_do(make, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def test_a_method_with_a_step_per_coordinate_is_refused_by_a_coupled_term() -> None:
    p = l2o.Composite(least_squares(), l2o.nonsmooth(total_l1, shrink, dim=N))
    with pytest.raises(InputError, match=r"one step per instance|subdifferential is not known"):
        l2o.rollout(l2o.pretrained("go-math-l2o", "lasso"), p, np.zeros((B, N)), 2)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_one_evaluation_gives_value_gradient_and_their_errors(shift: float) -> None:
    """The function is called once in each of the two precisions; the numbers are those asked for one by one."""
    calls: list[torch.dtype] = []

    def value(x: torch.Tensor) -> torch.Tensor:
        calls.append(x.dtype)
        return torch.log1p(x.square()).sum(-1)

    p = l2o.Composite(l2o.smooth(value, dim=3, L=2.0, batch=2, convex=False), l2o.box(-1.0, 1.0)).shifted(shift)
    x = torch.linspace(-0.9, 0.7, 6, dtype=torch.float64).reshape(2, 3)
    calls.clear()
    together = p.evaluated(x)
    assert sorted(map(str, calls)) == ["torch.float32", "torch.float64"]
    f, s = p.smooth, together.smooth
    for one, alone in (
        (s.value, f.value(x)),
        (s.gradient, f.gradient(x)),
        (s.value_error, f.value_error(x)),
        (s.gradient_error, f.gradient_error(x)),
        (together.nonsmooth, p.nonsmooth.value(x)),
        (together.error, p.objective_error(x)),
    ):
        assert torch.equal(one, alone)
