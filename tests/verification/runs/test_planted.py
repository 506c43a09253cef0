"""Each fault that a user's work may have is named by `verify` or `check_problem`, so that no bound is blamed for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.verification import Verdict, check_problem, optimum, verify, verify_all

B, M, N = 2, 8, 6
rng = np.random.default_rng(3)
A, Y = rng.standard_normal((B, M, N)), rng.standard_normal((B, M))
L = np.linalg.norm(A, 2, axis=(1, 2)) ** 2


def squares(x, A, y):
    return 0.5 * (torch.einsum("bmn,bn->bm", A, x) - y).square().sum(-1)


def slopes(x, A, y):
    return torch.einsum("bmn,bm->bn", A, torch.einsum("bmn,bn->bm", A, x) - y)


class Stale:
    """The gradient of the point that was asked about before: the object returns the last one and keeps the new one."""

    last: torch.Tensor | None = None

    def __call__(self, x, A, y):
        fresh = slopes(x, A, y)
        arguments, self.last = self.last, fresh
        return fresh if arguments is None or arguments.shape != fresh.shape else arguments.to(fresh)


def l1(x):
    return 0.2 * x.abs().sum(-1)


def shrink(u, step):
    return u.sign() * (u.abs() - 0.2 * step).clamp(min=0)


def count(x):
    return 0.2 * (x != 0).sum(-1).to(x)


def hard(u, step):
    return torch.where(u.abs() > (0.4 * step).sqrt(), u, torch.zeros_like(u))


def problem(L: Any = L, gradient: Any = None, value: Any = l1, prox: Any = shrink) -> l2o.Composite:
    f = l2o.smooth(squares, dim=N, L=L, gradient=gradient, data={"A": A, "y": Y})
    return l2o.Composite(f, l2o.nonsmooth(value, prox, dim=N))


def run_on(p: l2o.Composite, steps: int = 12) -> l2o.Run:
    return l2o.rollout(l2o.optimizer("ista"), p, np.ones((B, N)), steps)


FAULTS: dict[str, tuple[Callable[[], l2o.Composite], str, set[str]]] = {
    "L x 0.9": (lambda: problem(L=0.9 * L), "the declared L is too small", {"smoothness_upper_bound"}),
    "L x 0.5": (lambda: problem(L=0.5 * L), "the declared L is too small", {"smoothness_upper_bound"}),
    "a prox of another weight": (
        lambda: problem(prox=lambda u, s: shrink(u, 2 * s)),
        "prox and value belong to different terms",
        {"value_and_prox_belong_together"},
    ),
    "a gradient times 1.01": (
        lambda: problem(gradient=lambda x, A, y: 1.01 * slopes(x, A, y)),
        "the gradient is not that of f",
        {"gradient_matches_differences"},
    ),
    "a gradient of other data": (
        lambda: problem(gradient=lambda x, A, y: slopes(x, A, y + 0.1)),
        "the gradient is not that of f",
        {"gradient_matches_differences"},
    ),
    "a stale gradient": (
        lambda: problem(gradient=Stale()),
        "keeps a value or a gradient of another point",
        {"gradient_matches_differences"},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_problem_is_named_by_verify_and_by_check_problem(fault: str) -> None:
    make, words, checks = FAULTS[fault]
    v = verify(run_on(make()), make(), "per_step_descent")
    assert any(words in statement for statement in v.to_dict()["broken_data"]), v.summary()
    assert f"{words}: " in v.summary(), "the data line is there before any hypothesis"
    failed = {result.name for result in check_problem(make(), profile="dev").failed}
    assert checks & failed, failed


def test_without_a_fault_nothing_is_named() -> None:
    for p in (problem(), problem(gradient=slopes)):
        v = verify(run_on(p), p, "per_step_descent")
        assert (v.overall, v.to_dict()["broken_data"]) == (Verdict.VERIFIED, [])
        assert check_problem(p, profile="dev").passed


def test_an_r_that_is_not_convex_is_named() -> None:
    p = problem(value=count, prox=hard)
    v = verify(run_on(p), p, "per_step_descent")
    assert v.overall is Verdict.NOT_APPLICABLE
    assert (
        "the problem declares that r is proper, closed and convex, and the points of the run contradict it"
        in v.summary()
    )
    assert "convex_as_declared" in {result.name for result in check_problem(p, profile="dev").failed}


def in_place(problem: l2o.Composite, x: torch.Tensor) -> torch.Tensor:
    step = 1 / problem.smoothness[:, None]
    moved = problem.prox(x - step * problem.smooth_gradient(x), step)
    x.copy_(moved)
    return x


def test_a_step_in_place_harms_no_bound() -> None:
    p = l2o.Composite(l2o.least_squares(A, Y), l2o.l1(0.2))
    x0 = torch.ones(B, N, dtype=torch.float64)
    run = l2o.rollout(in_place, p, x0, 12)
    assert bool((x0 == 1).all())
    torch.testing.assert_close(run.x, run_on(p).x)
    assert not any(v.count(Verdict.VIOLATED) for v in verify_all(run, p, optimum(p)).values())


class Lagging:
    """An optimizer that steps along the gradient of the iterate before: bad, and honest about where it goes."""

    def __init__(self) -> None:
        self.last: torch.Tensor | None = None

    def __call__(self, problem, x):
        fresh = problem.smooth_gradient(x)
        stale = self.last if self.last is not None and self.last.shape == fresh.shape else fresh
        self.last = fresh
        step = 1 / problem.smoothness[:, None]
        return problem.prox(x - step * stale, step)


def test_a_stale_gradient_of_an_optimizer_is_a_deviation_and_in_a_record_it_is_wrong_data() -> None:
    p = l2o.Composite(l2o.least_squares(A, Y), l2o.l1(0.2))
    run = l2o.rollout(Lagging(), p, np.ones((B, N)), 12)
    assert float(run.relative_deviation[:, 1:].max()) > 0.1
    assert not any(v.count(Verdict.VIOLATED) for v in verify_all(run, p, optimum(p)).values())
    stale = replace(run, smooth_gradient=torch.cat([run.smooth_gradient[:, :1], run.smooth_gradient[:, :-1]], dim=1))
    v = verify(stale, p, "per_step_descent")
    assert any("gradient" in statement for statement in v.to_dict()["broken_data"]), v.summary()
