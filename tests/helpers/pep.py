"""The exact worst case of an optimizer as its code runs, by a performance estimation problem (Drori, Teboulle; Taylor).

The optimizer is run on a problem that has no function: every gradient it asks for and every subgradient that a prox
implies is a new basis vector. Its points are then coefficients of these, exactly, and the worst case over all convex f
with a 1-Lipschitz gradient, and convex r, is a semidefinite program in their Gram matrix. For methods whose
coefficients do not depend on what they see.
"""

from __future__ import annotations

import itertools
from typing import Any

import cvxpy
import numpy as np
import torch


class Unknown:
    """f, r and their problem; what it is asked for is written down, and answered by a new basis vector."""

    batch_size, dim, device, dtype = 1, 0, torch.device("cpu"), torch.float64
    smoothness = torch.ones(1, dtype=torch.float64)

    def __init__(self, steps: int, composite: bool):
        self.size, self.used, self.is_zero = 3 + 4 * steps, 1, not composite
        self.smooth = self.nonsmooth = self
        self.points: list[tuple[torch.Tensor, torch.Tensor]] = []  # of f: (point, gradient)
        self.proxes: list[tuple[torch.Tensor, torch.Tensor]] = []  # of r: (point, subgradient)

    def new(self) -> torch.Tensor:
        vector = torch.zeros(1, self.size, dtype=torch.float64)
        vector[0, self.used] = 1
        self.used += 1
        return vector

    def point(self, x: torch.Tensor, name: str = "x") -> torch.Tensor:
        return x

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        for point, gradient in self.points:
            if torch.equal(point, x):
                return gradient
        self.points.append((x, self.new()))
        return self.points[-1][1]

    def prox(self, u: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        if self.is_zero:
            return u
        slope = self.new()
        self.proxes.append((u - step * slope, slope))
        return self.proxes[-1][0]


def worst_case_of(optimizer: Any, steps: int, *, composite: bool) -> float:
    """The largest F(x_K) - F* with L = 1 and ||x_0 - x*|| = 1, in any dimension."""
    problem = Unknown(steps, composite)
    start = torch.zeros(1, problem.size, dtype=torch.float64)
    start[0, 0] = 1  # x_0, with x* at the origin
    state = optimizer.init(problem, start)
    for _ in range(steps):
        state = optimizer.step(problem, state)
    end = state.x
    problem.gradient(end)
    origin = torch.zeros_like(start)
    slope = problem.new() if composite else origin  # of r at x*; that of f is the opposite one
    f_data = [(p[0].numpy(), g[0].numpy()) for p, g in [*problem.points, (origin, -slope)]]
    r_data = [(p[0].numpy(), s[0].numpy()) for p, s in [*problem.proxes, (origin, slope)]]
    gram = cvxpy.Variable((problem.size, problem.size), PSD=True)
    f, r = cvxpy.Variable(len(f_data)), cvxpy.Variable(len(r_data))

    def inner(a: np.ndarray, b: np.ndarray) -> Any:
        return cvxpy.sum(cvxpy.multiply(gram, (np.outer(a, b) + np.outer(b, a)) / 2))

    rules = [gram[0, 0] <= 1, f[-1] == 0, r[-1] == 0]
    for (i, (x, g)), (j, (y, h)) in itertools.permutations(enumerate(f_data), 2):
        rules.append(f[i] >= f[j] + inner(h, x - y) + 0.5 * inner(g - h, g - h))
    for (i, (x, _)), (j, (y, h)) in itertools.permutations(enumerate(r_data), 2):
        rules.append(r[i] >= r[j] + inner(h, x - y))
    where = next(i for i, (p, _) in enumerate(problem.points) if torch.equal(p, end))
    gap = f[where] + (r[len(problem.proxes) - 1] if composite else 0)
    return float(cvxpy.Problem(cvxpy.Maximize(gap), rules).solve(solver="CLARABEL"))
