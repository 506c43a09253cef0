"""Methods that are as their inventors meant them, and that no check may call defective."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from l2obound.l2o import Composite, InputError
from l2obound.l2o.problems.smooth import LeastSquares, Logistic, QuadraticForm


@dataclass(frozen=True)
class Named:
    """Iterate, and what the last prox was given."""

    x: torch.Tensor
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None
    previous: torch.Tensor | None = None
    previous_gradient: torch.Tensor | None = None


def _column(problem: Composite, factor: float = 1.0) -> torch.Tensor:
    return (factor / problem.smoothness).unsqueeze(-1)


class BarzilaiBorwein:
    """Proximal gradient with the long step of Barzilai and Borwein (1988), which the state names."""

    name = "barzilai-borwein"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Named:
        return Named(x0, _column(problem))

    def step(self, problem: Composite, state: Named) -> Named:
        g, p = problem.smooth.gradient(state.x), _column(problem)
        if state.previous is not None and state.previous_gradient is not None:
            s, y = state.x - state.previous, g - state.previous_gradient
            along = (s * y).sum(-1, keepdim=True)
            good = along > 1e-9 * (s * s).sum(-1, keepdim=True) * problem.smoothness.unsqueeze(-1)
            p = torch.where(good, (s * s).sum(-1, keepdim=True) / along, p)
        u = state.x - p * g
        return Named(problem.nonsmooth.prox(u, p), p, u, state.x, g)


class Backtracking:
    """Proximal gradient whose step doubles and is halved until f is below its model (Beck and Teboulle, 2009)."""

    name = "backtracking"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Named:
        return Named(x0, _column(problem, 4.0))

    def step(self, problem: Composite, state: Named) -> Named:
        value, g = problem.smooth.value_and_gradient(state.x)
        p = 2 * state.preconditioner
        for _ in range(60):
            u = state.x - p * g
            x = problem.nonsmooth.prox(u, p)
            d = x - state.x
            model = value + (g * d).sum(-1) + (d * d / (2 * p)).sum(-1)
            slack = 4 * torch.finfo(value.dtype).eps * (value.abs() + model.abs())
            short = (p <= _column(problem)).squeeze(-1)
            if bool(((problem.smooth.value(x) <= model + slack) | short).all()):
                break
            fits = (problem.smooth.value(x) <= model + slack) | short
            p = torch.where(fits.unsqueeze(-1), p, torch.maximum(p / 2, _column(problem)))
        return Named(x, p, u)


@dataclass(frozen=True)
class Dual:
    x: torch.Tensor
    dual: torch.Tensor
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None


class DouglasRachford:
    """x = prox_r(z), z <- z + prox_f(2x - z) - x on quadratic f, with a step of 4/L."""

    name = "douglas-rachford"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Dual:
        if not isinstance(problem.smooth, (LeastSquares, QuadraticForm)):
            raise InputError("douglas-rachford: it needs the prox of f, which it knows for quadratics only.")
        return Dual(x0, x0, _column(problem, 4.0))

    def step(self, problem: Composite, state: Dual) -> Dual:
        f, p = problem.smooth, state.preconditioner
        matrix = f.map.matrix.expand(state.x.shape[0], -1, -1)
        if isinstance(f, LeastSquares):
            hessian, linear = matrix.mT @ matrix, f.map.adjoint(f.target)
        else:
            hessian, linear = matrix, f.linear
        z = state.dual
        now = problem.nonsmooth.prox(z, p)
        eye = torch.eye(now.shape[-1], dtype=now.dtype)
        half = torch.linalg.solve(eye + p.unsqueeze(-1) * hessian, (2 * now - z + p * linear).unsqueeze(-1)).squeeze(-1)
        z = z + half - now
        return Dual(problem.nonsmooth.prox(z, p), z, p, z)


class CondatVu:
    """Primal-dual splitting (Condat 2013, Vu 2013) with r taken through its conjugate: K = I, a fresh dual variable."""

    name = "condat-vu"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Dual:
        return Dual(x0, torch.zeros_like(x0), _column(problem))

    def step(self, problem: Composite, state: Dual) -> Dual:
        tau, sigma = _column(problem), 1 / (2 * _column(problem))
        x = state.x - tau * (problem.smooth.gradient(state.x) + state.dual)
        v = state.dual + sigma * (2 * x - state.x)
        dual = v - sigma * problem.nonsmooth.prox(v / sigma, 1 / sigma)
        return Dual(x, dual, tau)

    # x is not the output of a prox here
    lacks = {"respects_domain": "the primal iterate reaches the domain in the limit only"}  # noqa: RUF012


@dataclass(frozen=True)
class Residual:
    x: torch.Tensor
    residual: torch.Tensor
    level: torch.Tensor


class ApproximateMessagePassing:
    """AMP with damping (Donoho, Maleki and Montanari, 2009), its thresholds tuned to the lasso, for one family."""

    name = "amp"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Residual:
        if not isinstance(problem.smooth, LeastSquares) or problem.nonsmooth.kind != "l1":
            raise InputError("amp: it is for least squares + l1.")
        return Residual(x0, problem.smooth.target - problem.smooth.map(x0), torch.zeros_like(x0[:, :1]))

    def step(self, problem: Composite, state: Residual) -> Residual:
        f, p, lam = problem.smooth, _column(problem, 0.5), problem.nonsmooth.lam
        u = state.x + p * f.map.adjoint(state.residual)
        x = problem.nonsmooth.prox(u, p * (1 + state.level))
        share = (x != 0).to(x).mean(-1, keepdim=True)
        onsager = 0.3 * share / (1 + share)
        z = f.target - f.map(x)
        return Residual(x, z + onsager * (state.residual - z), 0.0 * lam)


@dataclass(frozen=True)
class Counted:
    x: torch.Tensor
    count: int


class Continuation:
    """Proximal gradient with a threshold that starts ten times too large and comes down to the right one."""

    name = "continuation"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Counted:
        return Counted(x0, 0)

    def step(self, problem: Composite, state: Counted) -> Counted:
        p = _column(problem)
        level = 1 + 9 * 0.7**state.count
        u = state.x - p * problem.smooth.gradient(state.x)
        return Counted(problem.nonsmooth.prox(u, p * level), state.count + 1)


class LassoOnly:
    """ISTA for plain least squares + l1 only: any image of it is refused."""

    name = "lasso-only"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Counted:
        if not isinstance(problem.smooth, LeastSquares) or problem.nonsmooth.kind != "l1":
            raise InputError("lasso-only: it is for least squares + l1.")
        return Counted(x0, 0)

    def step(self, problem: Composite, state: Counted) -> Counted:
        f, p = problem.smooth, _column(problem)
        u = state.x - p * f.map.adjoint(f.map(state.x) - f.target)
        return Counted(problem.nonsmooth.prox(u, p), state.count + 1)


def logistic_only(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    """A function that refuses in its step."""
    if not isinstance(problem.smooth, Logistic):
        raise InputError("logistic_only: it is for the logistic loss.")
    p = _column(problem)
    return problem.nonsmooth.prox(x - p * problem.smooth.gradient(x), p)


@dataclass(frozen=True)
class Random:
    x: torch.Tensor
    generator: Any


class RandomSteps:
    """Steps between 0.5/L and 1/L, drawn from a generator that the state holds and the seed of init made."""

    name = "random-steps"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Random:
        return Random(x0, np.random.default_rng(seed))

    def step(self, problem: Composite, state: Random) -> Random:
        size = torch.as_tensor(state.generator.uniform(0.5, 1.0, state.x.shape[:1]), dtype=state.x.dtype)
        p = size.unsqueeze(-1) * _column(problem)
        x = problem.nonsmooth.prox(state.x - p * problem.smooth.gradient(state.x), p)
        return replace(state, x=x)


class RandomStepsOfTorch(RandomSteps):
    name = "random-steps-of-torch"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Random:
        return Random(x0, torch.Generator().manual_seed(seed))

    def step(self, problem: Composite, state: Random) -> Random:
        size = 0.5 + 0.5 * torch.rand(state.x.shape[:1], generator=state.generator, dtype=state.x.dtype)
        p = size.unsqueeze(-1) * _column(problem)
        return replace(state, x=problem.nonsmooth.prox(state.x - p * problem.smooth.gradient(state.x), p))


@dataclass(frozen=True)
class Ahead:
    x: torch.Tensor
    gradient: torch.Tensor


class GradientAhead:
    """Proximal gradient whose state holds the gradient at its own x, computed with it."""

    name = "gradient-ahead"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Ahead:
        return Ahead(x0, problem.smooth.gradient(x0))

    def step(self, problem: Composite, state: Ahead) -> Ahead:
        p = _column(problem)
        x = problem.nonsmooth.prox(state.x - p * state.gradient, p)
        return Ahead(x, problem.smooth.gradient(x))


SOUND = (
    BarzilaiBorwein,
    Backtracking,
    DouglasRachford,
    CondatVu,
    ApproximateMessagePassing,
    Continuation,
    LassoOnly,
    logistic_only,
    RandomSteps,
    RandomStepsOfTorch,
    GradientAhead,
)
