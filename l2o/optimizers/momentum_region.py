r"""L2O-PA with its heads moved into a region in which an energy never rises for convex f, whatever the network says.

The iterate is the output of the prox here, and the gradient is taken ahead of it. In units of L = 1 and entry by entry

    y = x_{k-1} + A (x_{k-1} - x_{k-2}),    x_k = prox_{p r}(y - p grad f(y)),

and F(x_k) + (L/2) ||x_k - x_{k-1}||^2 does not rise (bound B18, form "momentum") if in each entry

    0 < p <= 1    and    2 (1 - A^2) >= (1/p - 1) A^2,    that is    A^2/(2 - A^2) <= p <= 1:

with D = x_{k-1} - x_k, w = x_{k-2} - x_{k-1} and s = 1/p - 1 the descent lemma, convexity and the subgradient
inequality leave -(s D^2 - s A w D + (1 - A^2) w^2/2) = -s (D - A w/2)^2 - ((1 - A^2)/2 - s A^2/4) w^2 in each entry.
FISTA has p = 1 and 0 <= A < 1: it is in the region. A head outside is moved to its border, A first, then p; heads that
are no numbers are replaced by p = 1, A = 0, the proximal-gradient step.

A decides where the gradient is taken, and p what is made of it: both belong to one step, and A is the network's answer
one step earlier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite
from .energy_region import INSIDE
from .kernel import Update
from .l2o_pa import L2OPA, L2OPAState


def pull_inside(a: torch.Tensor) -> torch.Tensor:
    """The heads A, of any shape, moved into [-1, 1]."""
    largest = 1 - torch.finfo(a.dtype).eps ** INSIDE
    return torch.where(torch.isfinite(a), a, 0.0).clamp(-largest, largest)


def step_inside(p: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    """The heads p (in units of 1/L) moved to where A = `a` of `pull_inside` allows them."""
    spare = torch.finfo(p.dtype).eps ** INSIDE
    least = (1 + spare) * a**2 / (2 - a**2)
    p = torch.where(torch.isfinite(p), p, 1.0)
    return torch.minimum(torch.maximum(p, least), torch.ones_like(p)).clamp(min=torch.finfo(p.dtype).tiny ** 0.25)


@dataclass(frozen=True)
class MomentumState(L2OPAState):
    """As of L2O-PA, but for `x`, the output of the prox, and `z`, the point ahead of it, where the gradient is taken.

    `pull` is A in z, and `motion` the energy of the last step.
    """

    prox_argument: torch.Tensor | None = None  # (B,n)
    pull: torch.Tensor | None = None  # (B,n)
    motion: torch.Tensor | None = None  # (B,) (L/2) ||x_k - x_{k-1}||^2

    @property
    def numbers(self) -> Mapping[str, torch.Tensor]:
        """What a run records of it, (B,) each."""
        assert self.motion is not None  # of every state but one that is being built
        return {"motion": self.motion}


@dataclass(frozen=True)
class MomentumRegion(L2OPA):
    """An `L2OPA` whose heads stay in the region."""

    name: ClassVar[str] = "l2o-pa in the momentum region"

    @classmethod
    def of(cls, base: L2OPA) -> MomentumRegion:
        """`base` with its heads in the region."""
        if base.heads != ("p", "a"):
            raise InputError(
                f'base: mode "energy" needs an l2o-pa with the heads p and a, got {", ".join(base.heads)}; set the '
                'norms of the others to None, or choose mode "fista", which takes any optimizer.'
            )
        return cls(**{f.name: getattr(base, f.name) for f in fields(base)})

    def init(
        self,
        problem: Composite,
        x0: torch.Tensor,
        seed: int = 0,
        hidden: torch.Tensor | None = None,
        cell: torch.Tensor | None = None,
    ) -> MomentumState:
        """The state at x_0, as of L2O-PA."""
        state = super().init(problem, x0, seed, hidden, cell)
        shared = {f.name: getattr(state, f.name) for f in fields(L2OPAState)}
        return MomentumState(**shared, pull=torch.zeros_like(state.x), motion=torch.zeros_like(state.x[:, 0]))

    def kernel_update(self, problem: Composite, state: L2OPAState) -> Update | None:
        """None: the compiled step knows no region."""
        return None

    def step(self, problem: Composite, state: L2OPAState) -> MomentumState:
        """One step."""
        assert isinstance(state, MomentumState)
        assert state.pull is not None
        x, z, smoothness = state.x, state.z, problem.smoothness.unsqueeze(-1)
        gradient = problem.smooth.gradient(z)
        features = torch.stack([gradient.detach(), z.detach()])
        raw, hidden, cell = self.network(features, state.hidden, state.cell)
        one: Any = torch.ones_like(x)
        p = step_inside(self.head(raw, "p", one) * (state.base_step * smoothness), state.pull) / smoothness
        argument = z - p * gradient
        u = problem.nonsmooth.prox(argument, p)
        pull = pull_inside(self.head(raw, "a", one).expand_as(x))
        motion = 0.5 * problem.smoothness * ((u - x) ** 2).sum(-1)
        return MomentumState(
            x=u,
            z=u + pull * (u - x),
            hidden=hidden,
            cell=cell,
            base_step=state.base_step,
            preconditioner=p,
            features=features.movedim(0, -1),
            acceleration=pull,
            prox_argument=argument,
            pull=pull,
            motion=motion,
        )
