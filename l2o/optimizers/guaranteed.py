"""A learned optimizer with a guarantee that does not depend on its network: `guaranteed(base, mode=...)`.

| mode | what it does | the bound, known before the run |
| --- | --- | --- |
| "fista" | an accelerated guard beside the untouched run (`accelerated_guard`) | B16, the rate of FISTA |
| "budget" | deviations of a total size of at most E (`budgeted`) | B17, the rate of inexact proximal gradient |
| "descent" | a step is taken where it beats the proximal-gradient step (`safeguarded`) | F falls as under that step |
| "energy" | GO-Math-L2O with heads in a region (`energy_region`) | B18: F(x_k) + (a L/2) ||v_k||^2 never rises |
|  | L2O-PA with heads in another (`momentum_region`) | B18: F(x_k) + (L/2) ||x_k - x_{k-1}||^2 never rises |
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import torch

from ...errors import InputError
from ..problems.composite import Composite
from .accelerated_guard import AcceleratedGuard
from .adapt import as_optimizer
from .base import check_number
from .budgeted import Budgeted
from .energy_region import EnergyRegion
from .kernel import Workspace
from .l2o_pa import L2OPA
from .learned import LearnedOptimizer
from .momentum_region import MomentumRegion
from .safeguarded import Safeguarded

MODES = ("fista", "budget", "descent", "energy")
_OPTIONS = {"restart": "fista", "budget": "budget", "radius": "budget", "energy": "energy"}


@dataclass(frozen=True)
class Guaranteed:
    """The optimizer `base`, a name, NAME:FAMILY for shipped weights, or an object, with the guarantee of `mode`.

    `restart` belongs to "fista", `budget` and `radius` to "budget", `energy` to "energy"; see `guaranteed`.
    """

    base: Any = "go-math-l2o"
    mode: str = "fista"
    restart: bool = False
    budget: Any = 2.0
    radius: Any = None
    energy: float = 1.0

    name: ClassVar[str] = "guaranteed"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"mode: expected one of {', '.join(MODES)}, got {self.mode!r}.")
        if not isinstance(self.restart, bool):
            raise InputError(f"restart: expected True or False, got {self.restart!r}.")
        check_number("energy", self.energy, 0.0, open_low=True)
        for f in fields(self):
            mode, value = _OPTIONS.get(f.name, self.mode), getattr(self, f.name)
            if mode != self.mode and (type(value) is not type(f.default) or value != f.default):
                raise InputError(f'{f.name}: it belongs to mode "{mode}" and the mode is "{self.mode}"; leave it out.')
        if isinstance(self.base, str):
            object.__setattr__(self, "base", _named(self.base))
        if not callable(getattr(self.base, "init", None)) or not callable(getattr(self.base, "step", None)):
            raise InputError(
                f"base: expected the name of an optimizer or an object with init and step, got "
                f"{type(self.base).__name__}; l2o.optimizer_names() lists the names."
            )
        object.__setattr__(self, "base", as_optimizer(self.base))
        if self.mode == "energy":
            _in_region(self.base, self.energy)  # its demands on the base

    @cached_property
    def method(self) -> Any:
        """The optimizer that `init` and `step` are."""
        if self.mode == "fista":
            return AcceleratedGuard(self.base, self.restart)
        if self.mode == "budget":
            return Budgeted(self.base, self.budget, self.radius)
        return Safeguarded(self.base) if self.mode == "descent" else _in_region(self.base, self.energy)

    @property
    def learns(self) -> bool:
        """Whether the base has something to learn: then the guaranteed form can be trained as a whole."""
        return isinstance(self.base, LearnedOptimizer) and self.base.learns

    @property
    def parameters(self) -> Mapping[str, torch.Tensor] | None:
        """The weights of the base; None where it has none."""
        return self.base.parameters if isinstance(self.base, LearnedOptimizer) else None

    def with_parameters(self, parameters: Mapping[str, torch.Tensor]) -> Self:
        """The same with other weights in the base, taken as they are (training differentiates through them)."""
        return self._around(lambda model: model.with_parameters(parameters))

    def prepared(self, workspace: Workspace | None = None) -> Self:
        """The same, ready for many steps that are differentiated together."""
        return self._around(lambda model: model.prepared(workspace))

    def _around(self, changed: Callable[[Any], Any]) -> Self:
        other, method = copy.copy(self), self.method
        object.__setattr__(other, "base", changed(self.base))
        within = isinstance(method, LearnedOptimizer)  # of mode "energy", a model of its own; the others have a base
        other.__dict__["method"] = changed(method) if within else replace(method, base=changed(method.base))
        return other

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        """The state at x_0; the base's is made with `seed`."""
        x0 = problem.point(x0, "x0")
        state = self.method.init(problem, x0, seed=seed)
        moves = {"budget": "x", "descent": "x"}.get(self.mode)
        inner = getattr(state, "base", state)
        if moves and (not is_dataclass(inner) or moves not in {f.name for f in fields(inner)}):
            raise InputError(
                f"base: the state of {type(self.base).__name__} is no dataclass with a field x, so that it cannot go "
                f'on from another point; make it one, or choose mode "fista", which leaves the base alone.'
            )
        return state

    def step(self, problem: Composite, state: Any) -> Any:
        """One step."""
        return self.method.step(problem, state)


def _in_region(base: Any, energy: float) -> EnergyRegion | MomentumRegion:
    """`base` with its heads in the region that there is for it; of L2O-PA the energy has one weight, 1."""
    if type(base) is not L2OPA:
        return EnergyRegion.of(base, energy)
    if energy != 1:
        raise InputError(f"energy: of an l2o-pa it is 1, got {energy:g}; leave it out.")
    return MomentumRegion.of(base)


def _named(base: str) -> Any:
    """The optimizer of a name, of NAME:FAMILY, or of any other spelling that verbs take."""
    from .by_name import resolve_optimizer  # which looks names up in the registry, where this class is an entry

    return resolve_optimizer(base).fresh()


def guaranteed(base: Any, mode: str = "fista", **options: Any) -> Guaranteed:
    """The optimizer `base` with a guarantee that holds whatever `base` does.

    Args:
        base: The name of an optimizer, NAME:FAMILY for one with shipped weights, or an object with `init` and `step`;
            in mode "energy" a go-math-l2o or an l2o-pa.
        mode: "fista", "budget", "descent" or "energy".
        options: `restart` (False) of mode "fista": restart the momentum of the guard where it points uphill, which is
            faster as a rule and ends the growth of the bound from x_0. `budget` (2.0) and `radius` (None) of mode
            "budget": the total size of the deviations is at most `budget`, a scalar or (B,) in the unit of x, or
            `budget` times `radius`, an estimate of ||x_0 - x*||. `energy` (1.0) of mode "energy": the weight a, of a
            go-math-l2o.

    Returns:
        An optimizer. Its runs record what the bound of the mode needs, so that `verify` can judge it.

    Raises:
        InputError: For an unknown mode, an option of another mode, or a base that the mode cannot take.
    """
    return Guaranteed(base, mode, **options)
