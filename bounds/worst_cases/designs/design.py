"""`design`: the numbers of a family of methods with the least worst case among those that were tried, certified."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from ....errors import suggestion
from ...errors import InputError
from .._conic import Data
from .._setting import UnboundedError
from .._solve import worst_case
from ..result import Certificate, WorstCase
from ._families import DEFAULTS, Family, built_in, from_code
from ._sequence import Minimum, minimised

DIGITS = range(1, 10)
"""Fractions have denominators of at most 10^d, for the first d that costs no more than `ROUNDING`."""
ROUNDING = 1e-7
"""By how much, relative to the least value, fractions may raise the worst case."""
SAME = 1e-6
"""Values that differ by less than this part are called the same."""
MOST_PROBLEMS = 400
"""Semidefinite problems of one start."""


@dataclass(frozen=True)
class Start:
    """One local minimisation: where it began, where it ended, the worst case there, and problems solved."""

    start: tuple[float, ...]
    end: tuple[float, ...]
    value: float
    problems: int


@dataclass(frozen=True, eq=False)
class Design:
    """The method with the least worst case of all starts, its numbers rounded to fractions.

    `numbers` are those fractions in the order of the family, `arguments` what `worst_case` is asked with, and `worst`
    its answer. `least` is the value before the rounding. It is a local minimum of a function that is not convex, the
    least of `starts`: nothing shows that no other numbers are better.
    """

    family: str
    numbers: tuple[Fraction, ...]
    arguments: dict[str, Any] = field(repr=False)
    worst: WorstCase = field(repr=False)
    least: float
    starts: tuple[Start, ...] = field(repr=False)

    @property
    def value(self) -> float:
        """The worst case of the method with these fractions."""
        return self.worst.value

    @property
    def step(self) -> tuple[Fraction, ...]:
        """h_k of a built-in method; empty for code."""
        return self.worst.setting.step

    @property
    def momentum(self) -> tuple[Any, ...] | None:
        """beta_k of heavy_ball, (q_k, b_k) of go_math, None for others."""
        return self.worst.setting.momentum

    @property
    def agreeing(self) -> int:
        """How many starts ended within 1e-6 (relative) of the least value."""
        return sum(one.value <= self.least + SAME * abs(self.least) for one in self.starts)

    def certificate(self) -> Certificate | None:
        """A proof in fractions that the worst case of the method is at most `tau`; None as in `WorstCase`."""
        return self.worst.certificate()

    def summary(self) -> str:
        """One line, with what is not shown."""
        return (
            f"{self.family}, {self.worst.setting.function_class}, K = {self.worst.setting.steps}: worst case "
            f"{self.value:.9g} at ({', '.join(map(str, self.numbers))}); the least of {len(self.starts)} starts, "
            f"{self.agreeing} of which ended there; no proof that it is the least of all"
        )


def design(
    method: str | Callable[[Sequence[Any]], Any] = "gradient",
    steps: int = 3,
    *,
    constant: bool = False,
    start: Sequence[float] | None = None,
    starts: int = 4,
    seed: int = 0,
    **question: Any,
) -> Design:
    """Steps and momentum that make the exact worst case after `steps` steps as small as the starts that are tried find.

    From each start a sequence of semidefinite problems goes down, in which multipliers and numbers change together:
    their first-order part is the gradient that multipliers give, and where the worst case has a kink they see all its
    slopes. The best end is rounded to fractions, and `worst_case` answers for the method with these fractions.

    Args:
        method: The family: a built-in method, with h_k/L as its steps (and beta_k of heavy_ball, (q_k, b_k) of
            go_math); or a function that makes a method as code (`worst_case`) out of a list of numbers.
        steps: K.
        constant: Whether every step of a built-in method has the same numbers.
        start: The first start. A family that is code needs one: it says how many numbers there are. For a built-in
            method h_1, ..., h_K, then beta_2, ..., beta_K, or q_2, ..., q_K, b_2, ..., b_{K-1}; one of each if
            `constant`.
        starts: How many starts; those after the first are random.
        seed: Of the random starts.
        **question: `function_class`, `L`, `mu`, `metric`, `initial` and, for built-in methods, `relative_error` and
            `absolute_error`, as in `worst_case`.

    Returns:
        The best of all starts. It is a local minimum; no claim of global optimality is made.

    Raises:
        InputError: For a question that makes no sense, and where no start has a finite worst case.

    Source: the worst case as a function of steps, Drori, Teboulle, Math. Program. 145 (2014); Das Gupta, Van Parys,
    Ryu, Math. Program. 204 (2024), who search globally.
    """
    for name in question:
        if name not in DEFAULTS:
            raise InputError(f"design: unknown argument {name!r}; {suggestion(name, DEFAULTS)}known are "
                             f"{', '.join(DEFAULTS)}.")  # fmt: skip
    for what, count in (("steps", steps), ("starts", starts)):
        if isinstance(count, bool) or not hasattr(count, "__index__") or operator.index(count) < 1:
            raise InputError(f"{what}: expected an integer >= 1, got {count!r}.")
    family = _family(method, operator.index(steps), constant, start, question)
    family.setting(list(family.start))  # a question that makes no sense is told before anything is solved
    first = family.start if start is None else np.array([float(value) for value in start])
    if first.shape != family.start.shape or not np.isfinite(first).all():
        raise InputError(f"start: expected {family.size} numbers, got {start!r}.")
    generator = np.random.default_rng(seed)
    begins = [first, *(family.random(generator) for _ in range(operator.index(starts) - 1))]
    ends = [(begin, minimised(_trial(family), begin, MOST_PROBLEMS)) for begin in begins]
    best = min((end for _, end in ends), key=lambda end: end.value)
    if not np.isfinite(best.value):
        raise InputError("design: no start has a finite worst case; give another `start`, or ask for another metric.")
    numbers, arguments, worst = _in_fractions(family, best)
    tried = tuple(Start(tuple(map(float, b)), tuple(map(float, e.numbers)), e.value, e.problems) for b, e in ends)
    return Design(family.name, numbers, arguments, worst, best.value, tried)


def _family(method: Any, steps: int, constant: bool, start: Any, question: dict[str, Any]) -> Family:
    if not callable(method):
        return built_in(method, steps, constant, question)
    if constant:
        raise InputError("constant: a family that is code decides for itself which numbers are the same.")
    if start is None or not len(start):
        raise InputError("start: a family that is code needs a start, a list of its numbers; got none.")
    return from_code(method, steps, start, question)


def _trial(family: Family) -> Callable[[np.ndarray], tuple[Data, float] | None]:
    def at(numbers: np.ndarray) -> tuple[Data, float] | None:
        """The data there; None where there is no such method, such as one with a step of -0.1."""
        try:
            return family.data([float(value) for value in numbers])
        except (InputError, ZeroDivisionError, ValueError, OverflowError):
            return None

    return at


def _in_fractions(family: Family, best: Minimum) -> tuple[tuple[Fraction, ...], dict[str, Any], WorstCase]:
    """The numbers as fractions that are as short as they may be, and the answer for the method with them."""
    answers = []
    for digits in DIGITS:
        numbers = tuple(Fraction(float(value)).limit_denominator(10**digits) for value in best.numbers)
        arguments = {**family.question, **family.arguments(numbers)}
        try:
            worst = worst_case(**arguments)
        except (InputError, UnboundedError):  # a step that is rounded to 0, or one that is too long
            continue
        answers.append((worst.estimate, numbers, arguments, worst))
        if worst.estimate <= best.value + ROUNDING * abs(best.value):
            break
    if not answers:
        raise InputError(f"design: the best numbers, {best.numbers}, have no answer as fractions; give another start.")
    _, numbers, arguments, worst = min(answers, key=lambda one: (not np.isfinite(one[0]), one[0]))
    return numbers, arguments, worst
