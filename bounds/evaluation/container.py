"""The container of measured quantities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import InputError
from ..vocabulary import VOCABULARY
from .ball import Ball
from .inputs import numbers

FACTS = {
    "f_convex": "f is convex",
    "f_smooth": "f is L-smooth",
    "r_convex": "r is proper, closed and convex",
    "r_zero": "r = 0",
    "r_indicator": "r is the indicator of a convex set",
    "strongly_convex": "f is convex, and mu-strongly convex with the mu >= 0 given",
    "polyak_lojasiewicz": "||grad f(x)||^2 >= 2 mu (f(x) - inf f) with the mu given",
    "comparator_optimal": "the comparator is a minimiser",
    "heads_lipschitz": "C1 and C2 are Lipschitz constants of the heads on the segments of features",
    "equivariant_heads": "the heads transform along with the problem",
    "accelerated_guard": "an accelerated guard is beside the run, and x_k no worse than x_{k-1} and the guard's point",
    "energy_region": "the steps are D = (r/L) G + q v, v_k = (1-b) D + b v, with heads in the energy region",
    "momentum_region": "the steps are proximal-gradient steps of p/L from x_{k-1} + A (x_{k-1} - x_{k-2}), with p and "
    "A in the momentum region",
}
"""What may be declared about the problem; a fact that is not declared does not hold."""

_GIVEN = tuple(name for name in VOCABULARY if name != "K")


@dataclass(frozen=True, eq=False)
class Quantities:
    """Values of named quantities on a batch of `batch` runs of `steps` steps.

    `values` maps names of the vocabulary to float64 arrays: (B,), (B, K+1) or (B, K) by level. `errors` maps
    the same names to bounds on the rounding error of each value, same shapes (missing: 0; inf: nothing
    known). A value that overflowed is inf with error inf. `facts` maps keys of `FACTS` to a bool, or to one for
    each run, (B,). A NaN, a negative error or a wrong shape is an `InputError`.
    """

    values: Mapping[str, np.ndarray]
    errors: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, bool | np.ndarray] = field(default_factory=dict)
    steps: int = 1
    batch: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise InputError(f"a run needs at least one step and a batch one run; given {self.steps=}, {self.batch=}")
        for attribute in ("values", "errors"):
            checked = {name: self._checked(name, value, attribute) for name, value in getattr(self, attribute).items()}
            object.__setattr__(self, attribute, MappingProxyType(checked))
        for name, error in self.errors.items():
            if name not in self.values:
                raise InputError(f"an error bound for `{name}` is given without its value")
            if (error < 0).any():
                raise InputError(f"the error bound of `{name}` is negative; give a bound on the absolute error, >= 0")
        check_known(self.facts, FACTS, "fact")
        object.__setattr__(self, "facts", MappingProxyType({n: self._fact(n, v) for n, v in self.facts.items()}))

    def __reduce__(self) -> tuple[Any, ...]:
        # read-only views of dicts neither copy nor pickle; their contents do
        return Quantities, (dict(self.values), dict(self.errors), dict(self.facts), self.steps, self.batch)

    def _checked(self, name: str, value: Any, attribute: str) -> np.ndarray:
        check_known([name], _GIVEN, "quantity")
        array = numbers(f"{attribute}[{name!r}]", value)
        expected = self.shape_of(name)
        if array.shape != expected:
            raise InputError(
                f"{attribute}[{name!r}] has shape {array.shape}, expected {expected}: "
                f"a {VOCABULARY[name].level} quantity of {self.batch} runs of {self.steps} steps"
            )
        if np.isnan(array).any():
            raise InputError(f"{attribute}[{name!r}] holds a NaN; cut the run before it, or give an infinite error")
        return array

    def _fact(self, name: str, value: Any) -> bool | np.ndarray:
        holds = np.asarray(value)
        if holds.ndim == 0:
            return bool(value)
        if holds.dtype != bool or holds.shape != (self.batch,):
            raise InputError(
                f"facts[{name!r}] must be a bool, or one for each of the {self.batch} runs; given {value!r}"
            )
        return True if holds.all() else holds

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Shape of the array of a quantity.

        Args:
            name: A name of the vocabulary.

        Returns:
            (B,) for a run quantity, (B, K+1) for one of iterates, (B, K) for one of steps.
        """
        return shape_of(VOCABULARY[name].level, self.batch, self.steps)

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the names that have no value here.

        Args:
            names: Names of the vocabulary; `K` is never missing.

        Returns:
            The missing ones, in the order given.
        """
        return tuple(name for name in names if name not in self.values and name != "K")

    def error(self, name: str) -> np.ndarray:
        """Bound on the absolute rounding error of a quantity.

        Args:
            name: A name of the vocabulary.

        Returns:
            An array in the shape of the quantity; zeros where no bound was given.
        """
        return self.errors[name] if name in self.errors else np.zeros(self.shape_of(name))

    def ball(self, name: str) -> Ball:
        """Value and error as a ball.

        Args:
            name: A name of the vocabulary.

        Returns:
            A ball in the shape of the quantity.

        Raises:
            InputError: If the quantity has no value here.
        """
        if name not in self.values:
            raise InputError(f"quantity `{name}` ({VOCABULARY[name].meaning}) is needed and was not given")
        return Ball(self.values[name], self.error(name))


def shape_of(level: str, batch: int, steps: int) -> tuple[int, ...]:
    """Shape of a quantity of the level."""
    return {"run": (batch,), "iterate": (batch, steps + 1), "step": (batch, steps)}[level]


def check_known(names: Iterable[str], allowed: Iterable[str], what: str) -> None:
    """Raises `InputError` at the first name that is not known."""
    allowed = tuple(allowed)
    for name in names:
        if name not in allowed:
            raise InputError(f"unknown {what} `{name}`; known: {', '.join(allowed)}")
