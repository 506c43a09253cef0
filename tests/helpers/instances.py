"""Instances on which bounds are attained, runs of adversaries, and hand-made optima."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from l2obound import l2o
from l2obound.l2o.problems.nonsmooth import L1, Box, ElasticNet
from l2obound.verification import Optimum, optimum
from tests.helpers import zoo


def interval(lower: np.ndarray, upper: np.ndarray, x: np.ndarray) -> Optimum:
    batch = len(x)
    return Optimum(
        np.asarray(lower, float), np.asarray(upper, float), x, ("given",) * batch, ("given",) * batch, (None,) * batch
    )


def flat(steps: int, weight: float) -> tuple[l2o.Composite, torch.Tensor]:
    """f is flat along the second axis (L = 1 along the first) and r = c|x|, c = weight * R: paths of equal steps."""
    form = np.diag([1.0, 0.0])
    r = L1(zoo.column(3.0 * weight))
    return l2o.quadratic(form, np.zeros(2), nonsmooth=r), torch.tensor([[0.0, 3.0]], dtype=torch.float64)


def attained(name: str, steps: int = 6) -> tuple[l2o.Run, l2o.Composite]:
    """A run on which the bound `name` holds with equality."""
    if name in ("per_step_descent", "homogeneous_descent", "ood_per_step"):
        # f = (L/2)||x||^2: the descent lemma is an equality for every step.
        p = l2o.quadratic(np.stack([2.0 * np.eye(3)] * 4), np.zeros((4, 3)))
        if name == "homogeneous_descent":  # and e_k = rho G_k/L, for which B1 and B2 agree
            return l2o.rollout(l2o.optimizer("gradient-descent", step=0.3), p, zoo.start(p), steps), p
        X = np.random.default_rng(0).standard_normal((4, steps + 1, 3))
        return l2o.run_from_iterates(p, X), p
    weights = {
        "ood_multi_step_sharp": 1 / (steps + 1),
        "ood_last_iterate": 1 / (2 * steps),
        "ind_rate:exact": 1 / (2 * steps),
    }
    p, x0 = flat(steps, weights[name])
    return l2o.rollout(l2o.optimizer("ista"), p, x0, steps), p


@dataclass(frozen=True)
class Adversary:
    """An "optimizer" that errs on purpose: proximal gradient with an error of a given kind and size inside the prox."""

    kind: str
    size: float
    seed: int = 0

    @property
    def name(self) -> str:
        return f"adversary ({self.kind}, {self.size:g})"

    def init(self, problem, x0, seed=0):
        step = (1 / problem.smoothness).unsqueeze(-1)
        return _Wandering(x0, step, None, torch.Generator().manual_seed(self.seed), x0)

    def step(self, problem, state):
        x, step = state.x, state.preconditioner
        gradient = problem.smooth.gradient(x)
        generator = torch.Generator().set_state(state.generator.get_state())
        noise = torch.randn(x.shape, dtype=x.dtype, generator=generator)
        error = {
            "random": self.size * noise,
            "uphill": -self.size * (x - state.anchor) - 1.5 * step * gradient,
            "outward": -self.size * x,
            "overshoot": 1.3 * step * gradient,
            "jump": torch.where(noise[:, :1] > 1.0, 100 * self.size * noise, torch.zeros_like(x)),
        }[self.kind]
        argument = x - step * gradient - error
        return _Wandering(problem.nonsmooth.prox(argument, step), step, argument, generator, state.anchor)


@dataclass(frozen=True)
class _Wandering:
    x: torch.Tensor
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None
    generator: torch.Generator
    anchor: torch.Tensor


FAMILIES = ("lasso", "logistic", "quadratic", "elastic-net", "box")


def family(name: str, batch: int, seed: int) -> l2o.Composite:
    """Small problems, many at a time."""
    if name == "lasso":
        return l2o.synthetic.lasso(batch, 4, 6, sparsity=2, seed=seed)
    if name == "logistic":
        return l2o.synthetic.logistic_l1(batch, 8, 4, lam=0.05, seed=seed)
    if name == "quadratic":
        return l2o.synthetic.quadratic(batch, 5, condition=30.0, smoothness=7.0, seed=seed)
    smooth = l2o.synthetic.lasso(batch, 6, 5, sparsity=2, seed=seed).smooth
    if name == "elastic-net":
        return l2o.Composite(smooth, ElasticNet(zoo.column(0.1), zoo.column(0.3)))
    return l2o.Composite(
        smooth, Box(-torch.ones(1, 1, dtype=torch.float64), torch.full((1, 1), 0.5, dtype=torch.float64))
    )


def runs(problem: l2o.Composite, steps: int, seed: int) -> Iterator[l2o.Run]:
    """Learned, classical and adversarial runs from near and far, and iterates that nobody optimized."""
    x0 = zoo.start(problem, seed)
    methods = [
        l2o.optimizer("ista"),
        l2o.optimizer("ista", step=(0.5 / problem.smoothness).numpy()),
        l2o.optimizer("ista", step=(0.21 / problem.smoothness).numpy()),
        l2o.optimizer("fista"),
        l2o.optimizer("fista-restart"),
        l2o.optimizer("go-math-l2o", seed=seed),
        l2o.optimizer("l2o-pa", seed=seed),
        l2o.pretrained("go-math-l2o", "lasso"),
        Adversary("random", 0.3, seed),
        Adversary("uphill", 0.1, seed),
        Adversary("outward", 0.2, seed),
        Adversary("overshoot", 0.0, seed),
        Adversary("jump", 1.0, seed),
    ]
    for method in methods:
        yield l2o.rollout(method, problem, x0, steps)
    wild = np.random.default_rng(seed).standard_normal((problem.batch_size, steps + 1, problem.dim))
    points = torch.as_tensor(wild * 10.0 ** np.linspace(-3, 2, steps + 1)[None, :, None])
    yield l2o.run_from_iterates(
        problem, torch.stack([problem.prox(points[:, k], 1e-6) for k in range(steps + 1)], dim=1)
    )


def exact_runs(problem: l2o.Composite, steps: int, seed: int) -> Iterator[l2o.Run]:
    """Runs whose every step is the proximal-gradient step h/L for some h: Assumption 1, met to rounding."""
    x0 = zoo.start(problem, seed)
    heads_off = {"r_norm": None, "q_norm": None, "b_norm": None}
    methods = [l2o.optimizer("go-math-l2o", **heads_off), l2o.optimizer("l2o-pa", p_norm=None, a_norm=None)]
    methods += [l2o.optimizer("ista", step=(h / problem.smoothness).numpy()) for h in (0.9, 0.7, 0.35, 0.1)]
    if problem.nonsmooth.is_zero:
        methods += [l2o.optimizer("gradient-descent"), l2o.optimizer("heavy-ball", momentum=0.0)]
    for method in methods:
        yield l2o.rollout(method, problem, x0, steps)


def certified(problem: l2o.Composite) -> Optimum:
    return optimum(problem)
