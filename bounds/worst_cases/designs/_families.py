"""Families of methods: the numbers that are free, what question they make, and where to begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...errors import InputError
from .._build import build
from .._conic import Data, whole
from .._setting import METHODS, Setting
from .._solve import question_of
from ..traced import Inequalities, Method, TracedSetting

DEFAULTS: dict[str, Any] = {
    "function_class": "smooth_convex",
    "L": 1,
    "mu": None,
    "metric": "objective",
    "initial": "distance",
    "relative_error": None,
    "absolute_error": None,
}
"""What is asked about the methods of a family, as in `worst_case`."""
STEPS = (0.5, 2.0)
MOMENTUM = (0.0, 0.8)
"""Between these numbers random starts of built-in methods are drawn."""
SPREAD = 0.3
"""Random starts of a family that is code: the start times 1 plus this times a normal number, plus such a number."""
FIXED_LENGTH = ("proximal_point",)


@dataclass(frozen=True)
class Family:
    """`size` numbers, and what they stand for.

    `arguments` makes those arguments of `worst_case` out of the numbers that the family decides. `start` is the first
    start, and `random` draws others.
    """

    name: str
    size: int
    question: Mapping[str, Any]
    arguments: Callable[[Sequence[Any]], dict[str, Any]]
    start: np.ndarray
    random: Callable[[np.random.Generator], np.ndarray]

    def setting(self, numbers: Sequence[Any]) -> Setting:
        """The checked question at given numbers."""
        given: dict[str, Any] = {**DEFAULTS, "step": 1.0, "momentum": None, **self.question, **self.arguments(numbers)}
        return question_of(**given)

    def data(self, numbers: Sequence[Any]) -> tuple[Data, float]:
        """The conic data at given numbers, and what their value is multiplied with."""
        setting = self.setting(numbers)
        if isinstance(setting, TracedSetting):
            return Inequalities(setting, own_units=False).data, 1.0  # units depend on the numbers, and would jump
        return whole(build(setting)), float(setting.scale)


def built_in(name: str, steps: int, constant: bool, question: Mapping[str, Any]) -> Family:
    """The family of a built-in method: h_k, and beta_k of heavy_ball or (q_k, b_k) of go_math.

    Numbers without effect are 0: beta_1, q_1, the weight b_1 (q_2 has the length of v_1) and b_K.
    """
    if name not in METHODS or name in FIXED_LENGTH:
        fitting = ", ".join(n for n in METHODS if n not in FIXED_LENGTH)
        why = " (the worst case of proximal_point decreases in gamma for ever)" if name in FIXED_LENGTH else ""
        raise InputError(f"design: expected one of {fitting}, or a function of the numbers, got {name!r}{why}.")
    K = steps
    counts = {"heavy_ball": (K, K - 1), "go_math": (K, K - 1, max(K - 2, 0))}.get(name, (K,))
    if constant:
        counts = tuple(min(count, 1) for count in counts)
    cuts = np.cumsum(counts)[:-1]

    def spread(part: Sequence[Any], count: int) -> list[Any]:
        return list(part) * count if constant and len(part) else list(part)

    def arguments(numbers: Sequence[Any]) -> dict[str, Any]:
        ends = [0, *(int(c) for c in cuts), len(numbers)]
        parts = [list(numbers[a:b]) for a, b in pairwise(ends)]
        made: dict[str, Any] = {"method": name, "steps": K, "step": spread(parts[0], K)}
        if name == "heavy_ball":
            made["momentum"] = [0, *spread(parts[1], K - 1)]
        if name == "go_math":
            last = [0] if K > 1 else []
            made["momentum"] = ([0, *spread(parts[1], K - 1)], [0, *spread(parts[2], max(K - 2, 0)), *last])
        return made

    lengths = [STEPS] * counts[0] + [MOMENTUM] * sum(counts[1:])
    low, high = np.array(lengths).T

    def random(generator: np.random.Generator) -> np.ndarray:
        return generator.uniform(low, high)

    start = np.array([1.0] * counts[0] + [0.3] * sum(counts[1:]))
    return Family(name, len(start), question, arguments, start, random)


def from_code(
    make: Callable[[Sequence[Any]], Any], steps: int, start: Sequence[float], question: Mapping[str, Any]
) -> Family:
    """The family of the methods that `make` returns for a list of numbers."""
    first = np.array([float(value) for value in start])

    def arguments(numbers: Sequence[Any]) -> dict[str, Any]:
        method = make(list(numbers))
        if not (callable(method) or isinstance(method, Method)):
            raise InputError(
                f"design: expected a function of the numbers that returns a step function or a Method, it returned "
                f"{method!r}."
            )
        return {"method": method, "steps": steps}

    def random(generator: np.random.Generator) -> np.ndarray:
        return first * (1 + SPREAD * generator.normal(size=len(first))) + SPREAD * generator.normal(size=len(first))

    return Family(getattr(make, "__name__", "family"), len(first), question, arguments, first, random)
