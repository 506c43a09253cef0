"""A safeguard: a step of another optimizer is taken where it is at least as good as one of proximal gradient.

With T(x) = prox_{r/L}(x - grad f(x)/L) and c the point that the base proposes from x_{k-1}, x_k = c where
F(c) <= F(T(x_{k-1})) and T(x_{k-1}) elsewhere, instance by instance. So F(x_k) <= F(T(x_{k-1})), as computed, whatever
the base does, and for f with an L-Lipschitz gradient and r convex

    F(x_k) <= F(x_{k-1}) - (L/2) ||x_{k-1} - T(x_{k-1})||^2:

F never increases, and sum_k ||x_{k-1} - T(x_{k-1})||^2 <= (2/L)(F(x_0) - F*), convex or not. Where f is strongly convex
with modulus mu, F(x_k) - F* <= (1 - mu/L)(F(x_{k-1}) - F*), as for proximal gradient. Nothing is said of distances to
a minimiser, which a step of the base may increase.

After a step that was not taken the base goes on from T(x_{k-1}), with the rest of its state as if it had made the step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite
from .adapt import as_optimizer


@dataclass(frozen=True)
class SafeguardedState:
    """Iterate, the base's state at it, and whether its last step was taken (B,1) (None at x_0)."""

    x: torch.Tensor
    base: Any
    accepted: torch.Tensor | None = None


@dataclass(frozen=True)
class Safeguarded:
    """The optimizer `base`, a name or an object, under the safeguard.

    The base's state must be a dataclass with the iterate `x`; a point `z` that it looks from is moved along with x.
    """

    base: Any = "go-math-l2o"

    name: ClassVar[str] = "safeguarded"

    def __post_init__(self) -> None:
        if isinstance(self.base, str):
            from . import optimizer  # the registry, of which this class is an entry

            object.__setattr__(self, "base", optimizer(self.base))
        if not callable(getattr(self.base, "init", None)) or not callable(getattr(self.base, "step", None)):
            raise InputError(
                f"base: expected the name of an optimizer or an object with init and step, got "
                f"{type(self.base).__name__}; l2o.optimizer_names() lists the names."
            )
        object.__setattr__(self, "base", as_optimizer(self.base))

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> SafeguardedState:
        """The base's state at x_0, made with `seed`."""
        base = self.base.init(problem, x0, seed=seed)
        if "x" not in (f.name for f in (fields(base) if is_dataclass(base) else ())):
            raise InputError(
                f"base: the state of {type(self.base).__name__} is no dataclass with a field x, so that it cannot go "
                f"on from another point; make it one."
            )
        return SafeguardedState(base.x, base)

    def step(self, problem: Composite, state: SafeguardedState) -> SafeguardedState:
        """One step."""
        proposed = self.base.step(problem, state.base)
        step = (1 / problem.smoothness).unsqueeze(-1)
        plain = problem.nonsmooth.prox(state.x - step * problem.smooth.gradient(state.x), step)
        accepted = (_objective(problem, proposed.x) <= _objective(problem, plain)).unsqueeze(-1)
        if bool(accepted.all()):
            return SafeguardedState(proposed.x, proposed, accepted)
        x = plain if not bool(accepted.any()) else torch.where(accepted, proposed.x, plain)
        moved = {"x": x}
        if isinstance(getattr(proposed, "z", None), torch.Tensor):
            moved["z"] = torch.where(accepted, proposed.z, plain)
        return SafeguardedState(x, replace(proposed, **moved), accepted)


def _objective(problem: Composite, x: torch.Tensor) -> torch.Tensor:
    return problem.smooth.value(x) + problem.nonsmooth.value(x)
