"""A run as differentiable tensors: what `l2o.rollout` records and `bounds.measure` measures, without error bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ...l2o.problems import Composite
from ...l2o.runs.rollout import implicit_subgradient

_SMALL = 1e-150


def _norm(a: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(a, dim=-1)


def _dot(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum(-1)


@dataclass(frozen=True, eq=False)
class Trace:
    """K steps on B instances whose minimiser z (B,n) is known by construction.

    x (B,K+1,n); gradient (B,K+1,n) grad f(x_k); subgradient (B,K,n) g_k; p (B,K,n) or None; objective (B,K+1).
    """

    problem: Composite
    x: torch.Tensor
    gradient: torch.Tensor
    subgradient: torch.Tensor
    objective: torch.Tensor
    p: torch.Tensor | None
    z: torch.Tensor

    @cached_property
    def alive(self) -> torch.Tensor:
        """(B,) whether the run stayed a number, with room for squares."""
        return (self.x.detach().abs().amax((1, 2)) < 1e60) & torch.isfinite(self.objective.detach()[:, 1:]).all(1)


def trace(optimizer: Any, problem: Composite, x0: torch.Tensor, steps: int, z: torch.Tensor) -> Trace:
    """Run `optimizer` as `l2o.rollout` does, keeping the graph."""
    state = optimizer.init(problem, x0.clone(), seed=0)
    smoothness = problem.smoothness.unsqueeze(-1)
    x, gradient, subgradient, p, value = [state.x.clone()], [], [], [], []
    for _ in range(steps):
        previous = x[-1]  # a copy: a step may overwrite its own
        f, slope = problem.smooth.value_and_gradient(previous)
        state = optimizer.step(problem, state)
        value.append(f + problem.nonsmooth.value(previous))
        gradient.append(slope)
        x.append(state.x.clone())
        wanted = smoothness * (previous - state.x) - slope
        preconditioner, argument = getattr(state, "preconditioner", None), getattr(state, "prox_argument", None)
        if preconditioner is not None:
            p.append(preconditioner.expand_as(state.x))
        if problem.nonsmooth.is_zero:
            subgradient.append(torch.zeros_like(state.x))
        elif argument is not None and preconditioner is not None:
            subgradient.append(implicit_subgradient(problem, state.x, argument, p[-1], wanted))
        else:
            subgradient.append(problem.nonsmooth.nearest_subgradient(state.x, wanted))
    f, slope = problem.smooth.value_and_gradient(state.x)
    value.append(f + problem.nonsmooth.value(state.x))
    gradient.append(slope)
    xs, gradients, subgradients, values = (torch.stack(parts, 1) for parts in (x, gradient, subgradient, value))
    return Trace(problem, xs, gradients, subgradients, values, torch.stack(p, 1) if len(p) == steps else None, z)


@torch.no_grad()
def _still(run: Trace, D: torch.Tensor, G: torch.Tensor, e: torch.Tensor, h: float) -> torch.Tensor:
    """(B,K) where G and e are both of the size of rounding, so that sigma is 0 by convention."""
    c, size = h / run.problem.smoothness[:, None], _norm(run.x)
    handled = size[:, :-1] + size[:, 1:] + c * (_norm(run.gradient[:, :-1]) + _norm(run.subgradient))
    floor = 16 * torch.finfo(D.dtype).eps * handled
    return (c * _norm(G) <= floor) & (_norm(e) <= floor)


def quantities(run: Trace, h: float) -> dict[str, torch.Tensor]:
    """The named quantities of a run, those of `bounds.measure` at the comparator z = x*."""
    problem, L = run.problem, run.problem.smoothness
    D, G = run.x[:, :-1] - run.x[:, 1:], run.gradient[:, :-1] + run.subgradient
    e = D - (h / L)[:, None, None] * G
    away = run.x - run.z[:, None]
    dist, size = _norm(away), _norm(G)
    at_z = problem.smooth.gradient(run.z)
    F_z = problem.objective(run.z)
    sigma = L[:, None] * _norm(e) / size.clamp(min=_SMALL)
    sigma = torch.where(_still(run, D, G, e, h), torch.zeros_like(sigma), sigma)
    zero = torch.zeros_like(L)
    measured = {
        "L": L,
        "h": torch.full_like(L, h),
        "mu": problem.strong_convexity,
        "F_low": F_z,
        "F_z": F_z,
        "F_best": run.objective[:, 1:].amin(1),
        "F_mean": problem.objective(run.x[:, 1:].mean(1)),
        "R": dist[:, 0],
        "Delta": dist[:, :-1].amax(1),
        "sigma": sigma,
        "sigma_max": sigma.amax(1),
        "sigma_slack": torch.zeros_like(size),
        "tau": zero,
        "F": run.objective,
        "dist": dist,
        "gz2": ((run.gradient - at_z[:, None]) ** 2).sum(-1),
        "grad2": (run.gradient**2).sum(-1),
        "G2": (G**2).sum(-1),
        "D2": (D**2).sum(-1),
        "e2": (e**2).sum(-1),
        "enorm": _norm(e),
        "e_floor": torch.zeros_like(size),
        "Ge": _dot(G, e),
        "ex": _dot(e, away[:, 1:]),
        "ex_prev": _dot(e, away[:, :-1]),
        "G_inf": G.abs().amax(-1),
        "stationarity": _norm(run.gradient[:, 1:] + run.subgradient),
        "vi_gap": _dot(run.gradient[:, 1:], away[:, 1:]),
    }
    if run.p is not None:
        measured |= _preconditioned(run.p, D, G, L)
    return measured


def _preconditioned(p: torch.Tensor, D: torch.Tensor, G: torch.Tensor, L: torch.Tensor) -> dict[str, torch.Tensor]:
    scaled, b = L[:, None, None] * p, D - p * G
    size = _norm(b)
    return {
        "pG2": (p * (1 - scaled / 2) * G**2).sum(-1),
        "Lp_max": scaled.amax(-1),
        "Lp_min": scaled.amin(-1),
        "bnorm": size,
        "b_floor": torch.zeros_like(size),
        "delta1": (2 * scaled - 1).abs().amax(-1),
        "delta2": _norm(2 * L[:, None, None] * b - G),
        "Gb": _norm(G + b / p.clamp(min=_SMALL)),
    }
