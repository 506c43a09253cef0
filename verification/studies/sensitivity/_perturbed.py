r"""A deviation of known size and pattern, added to the steps of any optimizer.

The base makes its step D = x_{k-1} - x from the iterate of the run, and G = grad f(x_{k-1}) + g is what it stands for,
g the subgradient that a run of the base would record. To the step is added w along a direction of the pattern, with

    L ||w|| = size ||G||,

so that `size` is the relative deviation which is added, in the unit of rho = L ||e|| / ||G||, whatever the base is.
(The weight of "momentum-weight" is the exception: w = size (x_{k-2} - x_{k-1}).) The base goes on from where that ends.

Where r = 0, G does not depend on w: exactly w is added to e, and rho lies in [|rho - size|, rho + size] of the base's
rho at that point. Where r is not 0 and the base names its prox (`prox_argument` and `preconditioner` of its state), w
is subtracted from what the prox is given, so that x stays a point of the prox; G follows x, and what rho becomes is
measured by the run. Where it names none, w is added to D itself, and the result is projected where r is the indicator
of a set. The patterns of `_patterns` are another thing: their base is the exact step 1/L, and their rho is their size
by construction also where r is not 0.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch

from ....l2o import Composite, InputError, adapt, rounding
from ....l2o.optimizers.base import check_number
from ....l2o.runs.rollout import implicit_subgradient
from ._patterns import PATTERNS


@dataclass(frozen=True, eq=False)
class PerturbedState:
    """The iterate `x` (B,n), the base's state there, and the step that led there; `index` counts the steps.

    `preconditioner`, `prox_argument`, `features` and `memory` are what the base exposes, as far as it is still true.
    """

    x: torch.Tensor
    base: Any
    step: torch.Tensor
    index: int = 0
    preconditioner: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None
    features: torch.Tensor | None = None
    memory: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class Perturbed:
    """The optimizer `base`, to whose steps deviations of a pattern are added; see `perturbed`."""

    base: Any
    pattern: str
    size: float
    seed: int = 0

    @property
    def name(self) -> str:
        """That of the base, with what is added."""
        base = getattr(self.base, "name", type(self.base).__name__)
        return f"{base} + {self.pattern} {self.size:g}"

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> PerturbedState:
        """The base's state at x_0."""
        base = self.base.init(problem, x0, seed=seed)
        if hasattr(base, "residual"):
            raise InputError(
                f"{self.name}: the base remembers the residual of its iterate, and cannot go on from another point; "
                f"choose another optimizer."
            )
        return PerturbedState(base.x, base, torch.zeros_like(base.x), memory=getattr(base, "memory", None))

    def step(self, problem: Composite, state: PerturbedState) -> PerturbedState:
        """A step of the base, and the deviation."""
        before = state.x.clone()  # a step of the user's may overwrite its x
        base = self.base.step(problem, state.base)
        p, argument = getattr(base, "preconditioner", None), getattr(base, "prox_argument", None)
        p = None if p is None else p.expand_as(base.x)
        x = base.x
        if self.size:
            added = self._added(problem, state, before, base.x, p, argument)
            x, argument = _displaced(problem, base.x, p, argument, added)
        memory, features = getattr(base, "memory", None), getattr(base, "features", None)
        moved = base if x is base.x else _at(base, x, self.name)
        return PerturbedState(x, moved, before - x, state.index + 1, p, argument, features, memory)

    def _added(
        self,
        problem: Composite,
        state: PerturbedState,
        before: torch.Tensor,
        x: torch.Tensor,
        p: torch.Tensor | None,
        argument: torch.Tensor | None,
    ) -> torch.Tensor:
        """(B,n) w, which is added to D = before - x."""
        if self.pattern == "momentum-weight":
            return self.size * state.step
        L, gradient, step = problem.smoothness.unsqueeze(-1), problem.smooth.gradient(before), before - x
        generalized = gradient + _subgradient(problem, x, p, argument, L * step - gradient)
        generator = _generator(self.seed, state.index)
        direction = _direction(self.pattern, step, state.step, gradient, generalized, generator)
        length = _length(direction)
        unit = torch.where(length > 0, direction / torch.where(length > 0, length, 1.0), 0.0)
        return self.size * _length(generalized) / L * unit


def perturbed(base: Any, pattern: str, size: float, seed: int = 0) -> Perturbed:
    """An optimizer with a deviation of known relative size in each of its steps.

    A run of it records G_k, e_k and rho_k of what it did, as any run does. Steps are pure, and draws depend on the seed
    and the number of the step alone.

    Args:
        base: An optimizer, or whatever `l2o.adapt` takes. Its state is a dataclass, a named tuple or a plain object
            with the iterate `x` (B,n); a point `z` that it looks from is moved along with x.
        pattern: A name of `PATTERNS`. For the two steps the direction is that of the base's step D, and for the
            patterns by signs its entries with these signs.
        size: L ||w|| / ||G||, what is added to the step, relative; >= 0. With 0 the runs are those of the base, to the
            last bit.
        seed: Of the draws, in [0, 2^32).

    Returns:
        The optimizer, with `init` and `step`.

    Raises:
        InputError: There is no such pattern, the size is no number from 0 on, or `base` is no optimizer.
    """
    if pattern not in PATTERNS:
        raise InputError(f"pattern: expected one of {', '.join(PATTERNS)}, got {pattern!r}.")
    check_number(f"{pattern}: size", size, 0.0)
    return Perturbed(adapt(base), pattern, float(size), seed)


def _direction(
    pattern: str,
    step: torch.Tensor,
    last: torch.Tensor,
    gradient: torch.Tensor,
    generalized: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """(B,n) the direction of w in D + w; 0 where the pattern has none, as a momentum at the first step."""
    if pattern == "random-signs":
        return step * (2.0 * torch.randint(0, 2, step.shape, generator=generator).to(step) - 1)
    if pattern == "bias-random":
        return torch.randn(step.shape, generator=generator, dtype=torch.float64).to(step)
    directions: dict[str, Callable[[], torch.Tensor]] = {
        "short-step": lambda: -step,
        "long-step": lambda: step,
        "worst-signs": lambda: step * (2.0 * (generalized * last < 0).to(step) - 1),
        "bias-against": lambda: -gradient,
        "momentum": lambda: last,
    }
    return directions[pattern]()


def _displaced(
    problem: Composite,
    x: torch.Tensor,
    p: torch.Tensor | None,
    argument: torch.Tensor | None,
    added: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The point with `added` in its step, and what its prox was given, None where it has none."""
    r = problem.nonsmooth
    if r.is_zero:
        return x - added, None
    if argument is not None and p is not None and bool((p > 0).all()):
        argument = argument - added
        return r.prox(argument, p), argument
    x = x - added
    return (r.prox(x, (1 / problem.smoothness).unsqueeze(-1).expand_as(x)) if r.is_indicator else x), None


def _subgradient(
    problem: Composite, x: torch.Tensor, p: torch.Tensor | None, argument: torch.Tensor | None, wanted: torch.Tensor
) -> torch.Tensor:
    """(B,n) g at x, as a run records it."""
    if problem.nonsmooth.is_zero:
        return torch.zeros_like(x)
    if argument is not None and p is not None:
        return implicit_subgradient(problem, x, argument, p, wanted)
    return problem.nonsmooth.nearest_subgradient(x, wanted)


def _at(state: Any, x: torch.Tensor, name: str) -> Any:
    """The state with its iterate moved to x, and a point z by as much; all else as it is."""
    changes = {"x": x}
    if isinstance(getattr(state, "z", None), torch.Tensor):
        changes["z"] = state.z + (x - state.x)
    try:
        if is_dataclass(state) and not isinstance(state, type) and {"x"} <= {f.name for f in fields(state)}:
            return replace(state, **changes)
        if hasattr(state, "_replace"):
            return state._replace(**changes)
        moved = copy.copy(state)
        for attribute, value in changes.items():
            setattr(moved, attribute, value)
    except (AttributeError, TypeError, ValueError) as problem:
        raise InputError(
            f"{name}: the iterate of a {type(state).__name__} cannot be set ({problem}), so that the base cannot go on "
            f"from another point; make it a dataclass with a field x."
        ) from None
    return moved


def _length(a: torch.Tensor) -> torch.Tensor:
    """(B,1) the 2-norms of rows, scaled so that no square overflows or underflows."""
    return rounding.norms(a).unsqueeze(-1)


def _generator(seed: int, index: int) -> torch.Generator:
    mixed = np.random.SeedSequence([seed, index]).generate_state(1)[0]
    return torch.Generator().manual_seed(int(mixed))
