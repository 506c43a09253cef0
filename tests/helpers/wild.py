"""Bases that do anything: jump, diverge, stay, leave the domain, climb, produce numbers that are none."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from l2obound import l2o

KINDS = ("random", "diverging", "nan", "late nan", "inf", "ascent", "still", "outside")


@dataclass(frozen=True)
class WildState:
    """Iterate and how many steps led there."""

    x: torch.Tensor
    k: int = 0


@dataclass(frozen=True)
class Wild:
    """A base of one of `KINDS`, the same again for the same seed."""

    kind: str
    seed: int

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> WildState:
        """At x_0."""
        return WildState(problem.point(x0, "x0"))

    def step(self, problem: l2o.Composite, state: WildState) -> WildState:
        """A wild step."""
        generator = torch.Generator().manual_seed(1000 * self.seed + state.k)
        x, n = state.x, problem.dim
        noise = torch.randn(1, n, generator=generator, dtype=torch.float64).to(x.dtype)
        step = (1 / problem.smoothness).unsqueeze(-1)
        if self.kind == "random":
            x = x + noise * 10.0 ** float(torch.randint(-4, 2, (1,), generator=generator))
        elif self.kind == "diverging":
            x = x - 10 * step * problem.smooth.gradient(x) + 0.1 * noise
        elif self.kind == "nan":
            x = x * float("nan")
        elif self.kind == "late nan":  # a good method that breaks down, in one entry
            x = problem.nonsmooth.prox(x - step * problem.smooth.gradient(x), step)
            x = x.clone()
            x[:, 0] = x[:, 0] if state.k < 6 else float("nan")
        elif self.kind == "inf":
            x = torch.where(noise > 0, x + noise * float("inf"), x)
        elif self.kind == "ascent":
            x = x + 0.5 * step * problem.smooth.gradient(x)
        elif self.kind == "outside":
            x = x + 100 * noise
        return WildState(x, state.k + 1)
