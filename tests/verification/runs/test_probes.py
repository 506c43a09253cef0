"""A wrong declaration of a user's own problem is named before any bound is blamed, and a right one never is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.verification import Verdict, inspect_run, optimum, verify, verify_all

B, M, N = 3, 8, 6
rng = np.random.default_rng(1)
A, Y = rng.standard_normal((B, M, N)), rng.standard_normal((B, M))
L = np.linalg.norm(A, 2, axis=(1, 2)) ** 2
D = np.diff(np.eye(N), axis=0)


def squares(x, A, y):
    return 0.5 * (torch.einsum("bmn,bn->bm", A, x) - y).square().sum(-1)


def slopes(factor: float):
    def gradient(x, A, y):
        return factor * torch.einsum("bmn,bm->bn", A, torch.einsum("bmn,bn->bm", A, x) - y)

    return gradient


def l1(x):
    return 0.2 * x.abs().sum(-1)


def shrink(factor: float = 1.0):
    return lambda u, step: u.sign() * (u.abs() - 0.2 * factor * step).clamp(min=0)


def ball(x):
    size = torch.linalg.vector_norm(x, dim=-1)
    return torch.where(size <= 1 + 16 * torch.finfo(x.dtype).eps, 0.0, torch.inf).to(x)


def project(u, step):
    return u / torch.linalg.vector_norm(u, dim=-1, keepdim=True).clamp(min=1)


def problem(L=L, gradient=None, value=l1, prox=None, **options) -> l2o.Composite:
    f = l2o.smooth(squares, dim=N, L=L, gradient=gradient, data={"A": A, "y": Y}, mu=options.pop("mu", 0.0))
    return l2o.Composite(f, l2o.nonsmooth(value, prox or shrink(), dim=N, **options))


def failed(p: l2o.Composite, record: str = "all", steps: int = 15) -> set[str]:
    z = optimum(p, cache=False).x if record == "scalars" else None
    run = l2o.rollout(l2o.optimizer("ista"), p, np.ones((B, N)), steps, record=record, comparator=z)
    return {check.name for check in inspect_run(run, p).checks if not check.holds.all()}


@pytest.mark.parametrize("record", ["all", "scalars"])
@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ({"L": 0.9 * L}, "curvature"),
        ({"L": 0.5 * L}, "curvature"),
        ({"gradient": slopes(1.01)}, "gradient of f"),
        ({"gradient": slopes(-1.0)}, "gradient of f"),
        ({"prox": shrink(2.0)}, "prox"),
        ({"prox": shrink(0.0)}, "prox"),
        ({"value": lambda x: -l1(x).sqrt()}, "prox"),
    ],
)
def test_a_wrong_declaration_is_named(wrong: dict, check: str, record: str) -> None:
    assert check in failed(problem(**wrong), record)


def test_a_wrong_L_is_seen_on_every_run() -> None:
    """Ninety per cent of L, which the steps of a run contradict on few of them only."""
    matrices = np.random.default_rng(0).standard_normal((40, M, N))
    wrong = 0.9 * np.linalg.norm(matrices, 2, axis=(1, 2)) ** 2
    f = l2o.smooth(squares, dim=N, L=wrong, data={"A": matrices, "y": np.tile(Y[:1], (40, 1))})
    p = l2o.Composite(f, l2o.l1(0.1))
    run = l2o.rollout(l2o.optimizer("ista"), p, l2o.synthetic.starts(p), 10)
    assert not next(c for c in inspect_run(run, p).checks if c.name == "curvature").holds.any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"gradient": slopes(1.0)},
        {"value": ball, "prox": project, "indicator": True},
        {"mu": np.linalg.eigvalsh(np.einsum("bmi,bmj->bij", A, A))[:, 0] * 0.999},
    ],
    ids=["autograd", "gradient", "ball", "strongly-convex"],
)
def test_a_right_declaration_is_never_blamed(own: dict, dtype: torch.dtype) -> None:
    p = problem(**own).to(dtype)
    certified = optimum(p.to(torch.float64), cache=False)
    for change in (lambda q: q, lambda q: q.shifted(0.2).scaled(5.0)):
        q = change(p)
        run = l2o.rollout(l2o.optimizer("ista"), q, q.prox(np.ones((B, N)), 1.0), 25)
        assert all(check.holds.all() for check in inspect_run(run, q).checks)
        assert verify(run, q, "per_step_descent").count(Verdict.VERIFIED)
    for v in verify_all(l2o.rollout(l2o.optimizer("ista"), p, np.zeros((B, N)), 25), p, optimum=certified).values():
        assert not v.count(Verdict.VIOLATED)


def test_strong_convexity_bounds_F_without_a_dual() -> None:
    mu = np.linalg.eigvalsh(np.einsum("bmi,bmj->bij", A, A))[:, 0] * 0.999
    f = l2o.smooth(squares, dim=N, L=L, mu=mu, data={"A": A, "y": Y})
    interval = optimum(l2o.Composite(f, l2o.l1(0.2)), cache=False)
    exact = optimum(l2o.Composite(l2o.least_squares(A, Y), l2o.l1(0.2)), cache=False)
    assert (interval.lower <= exact.upper).all()
    assert np.isfinite(interval.lower).all()


def test_an_r_that_is_not_convex_is_contradicted() -> None:
    """Its own prox is right (hard thresholding), and it is declared convex."""

    def count(x):
        return 0.2 * (x != 0).sum(-1).to(x)

    def hard(u, step):
        return torch.where(u.abs() > (0.4 * step).sqrt(), u, torch.zeros_like(u))

    for declared in (True, False):
        p = problem(value=count, prox=hard, convex=declared)
        run = l2o.rollout(l2o.optimizer("ista"), p, np.ones((B, N)), 10)
        v = verify(run, p, "per_step_descent")
        assert v.count(Verdict.NOT_APPLICABLE) == v.verdict.size


def test_the_terms_of_the_package_are_not_looked_at_again() -> None:
    p = l2o.synthetic.lasso(2, 5, 8, seed=0)
    run = l2o.rollout(l2o.optimizer("ista"), p, l2o.synthetic.starts(p), 3)
    assert not {"curvature", "gradient of f", "prox"} & {c.name for c in inspect_run(run, p).checks}
