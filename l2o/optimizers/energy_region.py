r"""GO-Math-L2O with its heads moved into a region in which an energy never rises, whatever the network says.

In units of L = 1 and entry by entry the step is D = r G + q v and the memory becomes v' = (1 - b) D + b v. The energy
E = F(x) + (a L/2) ||v||^2 does not rise for f with an L-Lipschitz gradient, convex or not, and convex r (bound B18), if

    c_1 = 1/r - 1/2 - (a/2)(1-b)^2 >= 0    and    |q/r + a b (1-b)| <= 2 sqrt(c_1 c_2),    c_2 = (a/2)(1 - b^2):

the descent lemma and the subgradient inequality leave -c_1 D^2 + (q/r + a b (1-b)) D v - c_2 v^2 in each entry, which
is then <= 0 for all D and v. The region is {0 <= b < 1} and these two. A head outside is moved to its border, b first,
then r, then q; heads that are no numbers are replaced by r = 1, q = b = 0, the proximal-gradient step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite
from .go_math_l2o import GoMathL2O, GoMathState

INSIDE = 0.4
"""The border is left by eps^0.4: the rounding of what the forms of a region have to be above 0 is then far below it."""


def squashed(
    r: torch.Tensor, q: torch.Tensor, b: torch.Tensor, a: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Heads r (in units of 1/L), q and b of any one shape, moved into the region of the weight `a` > 0."""
    spare = torch.finfo(r.dtype).eps ** INSIDE
    finite = torch.isfinite(r) & torch.isfinite(q) & torch.isfinite(b)
    r = torch.where(finite, r, torch.ones_like(r))
    q, b = (torch.where(finite, head, torch.zeros_like(head)) for head in (q, b))
    b = b.clamp(0.0, 1 - spare)
    bend = 0.5 * a * (1 - b) ** 2
    r = torch.minimum(r, (1 - spare) / (0.5 + bend)).clamp(min=torch.finfo(r.dtype).tiny ** 0.25)
    room = 2 * torch.sqrt((1 / r - 0.5 - bend).clamp(min=0.0) * (0.5 * a * (1 - b**2)))
    shift, room = a * b * (1 - b), (1 - spare) * room
    return r, r * torch.maximum(torch.minimum(q / r, room - shift), -room - shift), b


@dataclass(frozen=True)
class EnergyState(GoMathState):
    """The state of GO-Math-L2O and its energy beyond F, (a L/2) ||v||^2 (B,)."""

    energy: torch.Tensor | None = None

    @property
    def numbers(self) -> Mapping[str, torch.Tensor]:
        """What a run records of it, (B,) each."""
        assert self.energy is not None  # the default is there because fields of the base have one
        return {"energy": self.energy}


@dataclass(frozen=True)
class EnergyRegion(GoMathL2O):
    """GO-Math-L2O of the displacement map, without bias heads, its heads in the region of the weight `energy`."""

    energy: float = 1.0

    name: ClassVar[str] = "go-math-l2o in the energy region"

    @classmethod
    def of(cls, base: Any, energy: float) -> EnergyRegion:
        """`base` with its heads in the region."""
        if type(base) is not GoMathL2O or base.gradient_map != "displacement" or base.q_step_power != 0:
            raise InputError(
                'base: mode "energy" needs an l2o-pa, or a go-math-l2o with gradient_map="displacement" and '
                f'q_step_power=0, got {base!r}; mode "fista" takes any optimizer.'
            )
        if base.b3_norm is not None or base.b4_norm is not None:
            raise InputError('base: mode "energy" needs a go-math-l2o without b3 and b4; set their norms to None.')
        return cls(**{f.name: getattr(base, f.name) for f in fields(base)}, energy=energy)

    def coefficients(
        self, raw: Mapping[str, torch.Tensor], x: torch.Tensor, a: torch.Tensor, problem: Composite
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """r, q and b (B,n) in the region."""
        r, q, b = super().coefficients(raw, x, a, problem)
        smoothness = problem.smoothness.unsqueeze(-1)
        r, q, b = squashed((r * smoothness).expand_as(x), q.expand_as(x), b.expand_as(x), self.energy)
        return r / smoothness, q, b

    def init(
        self,
        problem: Composite,
        x0: torch.Tensor,
        seed: int = 0,
        hidden: torch.Tensor | None = None,
        cell: torch.Tensor | None = None,
    ) -> EnergyState:
        """The state at x_0, as of GO-Math-L2O."""
        return self._with_energy(problem, super().init(problem, x0, seed, hidden, cell))

    def step(self, problem: Composite, state: GoMathState) -> EnergyState:
        """One step."""
        return self._with_energy(problem, super().step(problem, state))

    def _with_energy(self, problem: Composite, state: GoMathState) -> EnergyState:
        energy = 0.5 * self.energy * problem.smoothness * (state.memory**2).sum(-1)
        shared = {f.name: getattr(state, f.name) for f in fields(GoMathState)}
        return EnergyState(**shared, energy=energy)
