"""What is asked of the worst-case engine, checked: one frozen `Setting` for each question."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ..errors import InputError
from ._fractions import root_above

SMOOTH = ("smooth_convex", "smooth_strongly_convex", "smooth_nonconvex")
COMPOSITE = ("composite", "composite_strongly_convex")
CLASSES = (*SMOOTH, *COMPOSITE, "convex")
METHODS = {
    "gradient": SMOOTH,
    "proximal_gradient": COMPOSITE,
    "projected_gradient": COMPOSITE,
    "accelerated_gradient": (*SMOOTH, *COMPOSITE),
    "heavy_ball": SMOOTH,
    "proximal_point": ("convex",),
    "go_math": (*SMOOTH, *COMPOSITE),
}
"""The methods, and the function classes that each is defined for."""
METRICS = ("objective", "average_objective", "distance", "decrease", "best_gradient")
INITIALS = ("distance", "objective", "decrease", "gradient")
BITS = 1000
LEAST, MOST = Fraction(1, 2**BITS), Fraction(2**BITS)
"""Sizes of the numbers of a question, 0 aside, 1e-301 to 1e301: what is beyond is not far from the end of doubles."""
SIMPLE = 10**6
"""A float is read as the simplest fraction that rounds to it, if its denominator is at most this."""


class UnboundedError(InputError):
    """The worst case is +inf, shown: along a ray of instances the metric grows and the initial condition stays.

    Where `sweep` yields one it stands for its question's answer: `value`, `lower` and `upper` are +inf, `setting` is
    the question. For a method that is code `data` are the instances as plain JSON, which `checker_growth` checks.
    """

    value = lower = upper = math.inf
    closed = True
    status = "unbounded"
    setting: Setting | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Setting:
    """One question: sup of `metric` over a function class and all runs of a method from an initial condition.

    Lists have one entry for each step. Numbers are exact rationals: a float is read as the simplest fraction that
    rounds to it where its denominator is at most 10^6, else as the binary fraction that it is. `momentum` holds beta_k
    of heavy_ball and (q_k, b_k) of go_math. `relative`, `absolute` are None where no step has such an error.
    """

    function_class: str
    method: str
    steps: int
    step: tuple[Fraction, ...]
    metric: str
    initial: str
    L: Fraction = Fraction(1)
    mu: Fraction = Fraction(0)
    relative: tuple[Fraction, ...] | None = None
    absolute: tuple[Fraction, ...] | None = None
    momentum: tuple[Any, ...] | None = None
    error_scale: Fraction | None = None

    @property
    def composite(self) -> bool:
        """Whether r is not 0."""
        return self.function_class in COMPOSITE

    @property
    def indicator(self) -> bool:
        """Whether r is the indicator of a convex set.

        The value is that of any convex r: a strict instance of one becomes an instance of an indicator if x gets a
        further coordinate r(x_i)/T, the steps what that takes, and r is tilted by T times it; all changes are O(1/T^2).
        """
        return self.method == "projected_gradient"

    @property
    def has_start_value(self) -> bool:
        """Whether F(x_0) appears, so that a subgradient of r at x_0 is needed."""
        return self.initial in ("objective", "decrease") or self.metric == "decrease"

    @property
    def free(self) -> bool:
        """Whether nothing measures a distance to x*: then x_0 may be the origin, and x* as far away as it likes.

        No multiple of f* >= f_j + <g_j, x* - x_j> + ... can be in a proof: the form would be indefinite in x_0 - x*.
        """
        return "distance" not in (self.initial, self.metric) and self.mu == 0

    @property
    def starless(self) -> bool:
        """Whether the minimiser is no point among the others: the infimum alone is known."""
        return self.free or self.function_class == "smooth_nonconvex"

    @property
    def bounded_below(self) -> bool:
        """Whether F* has a part in the question."""
        return self.initial == "objective" or self.metric in ("objective", "average_objective")

    @property
    def tilted(self) -> bool:
        """Whether nothing is said of a minimiser, so that (f, r) may be tilted to grad f(x_0) = 0."""
        return self.free and self.composite and not self.bounded_below

    @property
    def rational(self) -> bool:
        """Whether every coefficient of the method is rational (the momentum of acceleration is not)."""
        return self.method != "accelerated_gradient" or self.steps <= 2

    @property
    def one_function(self) -> bool:
        """Whether f can only be L/2 ||x - x*||^2, because mu = L."""
        return self.mu == self.L

    @property
    def curvature(self) -> Fraction:
        """What f is divided by to be normalised: L, and 1/(the longest gamma) for a class that has no L."""
        return 1 / max(self.step) if self.function_class == "convex" else self.L

    @property
    def lengths(self) -> tuple[Fraction, ...]:
        """The steps of the normalised problem: h_k, and gamma_k over the longest of them for proximal_point."""
        return tuple(h / max(self.step) for h in self.step) if self.function_class == "convex" else self.step

    @property
    def level(self) -> Fraction:
        """The square of what lengths are multiplied with, from the normalised problem to this one."""
        return {"distance": Fraction(1), "gradient": 1 / self.curvature**2}.get(self.initial, 1 / self.curvature)

    @property
    def scale(self) -> Fraction:
        """What the metric of the normalised problem (L = 1, initial condition at most 1) is multiplied with.

        F and the metric are homogeneous: scaling x and the gradients by c scales values, squared distances and squared
        gradients by c^2; dividing f by L scales values by L and squared gradients by L^2.
        """
        return self.level * {"distance": Fraction(1), "best_gradient": self.curvature**2}.get(
            self.metric, self.curvature
        )

    def squared_error(self, k: int) -> Fraction:
        """The square of the absolute error of step k in the normalised problem."""
        assert self.absolute is not None, "asked only where there are absolute errors"
        return (self.absolute[k - 1] / self.curvature) ** 2 / self.level

    def error_unit(self, k: int) -> Fraction:
        """What the vector of the error of step k is multiplied with: 1, or `error_scale` times its size.

        It changes nothing but the conditioning. With 1, small errors leave the problem without an interior to speak of.
        """
        if self.error_scale is None:
            return Fraction(1)
        if self.relative is not None:
            return self.error_scale * self.relative[k - 1]
        return self.error_scale * root_above(self.squared_error(k))

    def scalings(self) -> list[Setting]:
        """The same question with its errors in other units, where it has any; no unit is best for all."""
        if self.relative is None and self.absolute is None:
            return [self]
        return [replace(self, error_scale=scale) for scale in (Fraction(10), None, Fraction(1))]

    def error_factor(self, name: tuple[str, ...]) -> Fraction:
        """What the inequality of an error was divided by when its vector was."""
        return self.error_unit(int(name[1])) ** 2 if name[0] in ("relative", "absolute") else Fraction(1)


def number(value: Any, name: str) -> Fraction:
    """A number as an exact fraction (see `SIMPLE`); an `InputError` where it is none, or beyond `LEAST` or `MOST`."""
    exact = _exact(value, name)
    size = exact.numerator.bit_length() - exact.denominator.bit_length()
    if not -BITS < size < BITS and exact and not LEAST <= abs(exact) <= MOST:  # bits first: comparisons take longer
        digits = math.floor(size * math.log10(2))
        raise InputError(
            f"{name}: expected 0 or a number from 1e-300 to 1e300 in size, got one of some 1e{digits:+d}; "
            f"ask the question in other units."
        )
    return exact


def _exact(value: Any, name: str) -> Fraction:
    if type(value) is Fraction:
        return value
    if isinstance(value, (Fraction, int)) and not isinstance(value, bool):
        return Fraction(value)
    try:
        given = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: expected a number, got {value!r}.") from None
    if isinstance(value, (str, bytes, bool)) or not math.isfinite(given):
        raise InputError(f"{name}: expected a finite number, got {value!r}.")
    return _simplest(given)


@lru_cache(1024)  # a method multiplies with the same numbers at every step
def _simplest(given: float) -> Fraction:
    exact = Fraction(given)
    if exact.denominator <= SIMPLE:
        return exact
    simple = exact.limit_denominator(SIMPLE)
    return simple if float(simple) == given else exact


def _choice(value: Any, name: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise InputError(f"{name}: expected one of {', '.join(allowed)}, got {value!r}.")
    return value


def _is_list(value: Any) -> bool:
    return getattr(value, "ndim", 1) > 0 and hasattr(value, "__len__") and not isinstance(value, (str, bytes))


def _per_step(value: Any, name: str, steps: int) -> tuple[Fraction, ...]:
    """One number for each step, from a number or from a list of K."""
    if not _is_list(value):
        return (number(value, name),) * steps
    if len(value) != steps:
        raise InputError(f"{name}: expected a number or one for each of the {steps} steps, got {len(value)} of them.")
    return tuple(number(v, f"{name}[{i}]") for i, v in enumerate(value))


def _errors(value: Any, name: str, steps: int) -> tuple[Fraction, ...] | None:
    if value is None:
        return None
    sizes = _per_step(value, name, steps)
    if min(sizes) < 0:
        raise InputError(f"{name}: expected errors >= 0, got {float(min(sizes))}.")
    return sizes if max(sizes) > 0 else None


def _momentum(method: str, value: Any, steps: int) -> tuple[Any, ...] | None:
    if method == "heavy_ball":
        if value is None:
            raise InputError("heavy_ball needs momentum: a number beta, or one for each step.")
        return _per_step(value, "momentum", steps)
    if method == "go_math":
        if not _is_list(value) or len(value) != 2:
            raise InputError("go_math needs momentum = (q, b): two numbers, or two lists with one for each step.")
        q, b = (_per_step(v, f"momentum[{i}]", steps) for i, v in enumerate(value))
        return tuple(zip(q, b))
    if value is not None:
        raise InputError(f"momentum: {method} takes none; use heavy_ball or go_math, or leave it out.")
    return None


def setting(
    function_class: str,
    L: Any,
    mu: Any,
    method: str,
    step: Any,
    steps: Any,
    metric: str,
    initial: str,
    relative_error: Any,
    absolute_error: Any,
    momentum: Any,
) -> Setting:
    """The checked question; an `InputError` names what is wrong with it."""
    _choice(function_class, "function_class", CLASSES)
    _choice(method, "method", tuple(METHODS))
    _choice(metric, "metric", METRICS)
    _choice(initial, "initial", INITIALS)
    if isinstance(steps, bool) or not hasattr(steps, "__index__") or operator.index(steps) < 1:
        raise InputError(f"steps: expected an integer K >= 1, got {steps!r}.")
    steps = operator.index(steps)
    if function_class not in METHODS[method]:
        fitting = [name for name, classes in METHODS.items() if function_class in classes]
        raise InputError(
            f"{method} is not defined for the class {function_class}: use one of {', '.join(fitting)}, "
            f"or one of the classes {', '.join(METHODS[method])}."
        )
    strongly = function_class.endswith("strongly_convex")
    if strongly and mu is None:
        raise InputError(
            f"mu: the class {function_class} needs one, 0 < mu <= L; for convex functions without it use "
            f"{function_class.replace('strongly_', '').replace('composite_convex', 'composite')}."
        )
    L, mu = (Fraction(1) if L is None else number(L, "L")), (Fraction(0) if mu is None else number(mu, "mu"))
    if L <= 0:
        raise InputError(f"L: expected a number > 0, got {float(L):g}.")
    if mu < 0:
        raise InputError(f"mu: expected a number >= 0, got {float(mu):g}.")
    if function_class == "convex":
        L = Fraction(1)  # the class has none: nothing depends on it
    if mu > 0 and not strongly:
        raise InputError(f"mu: the class {function_class} has none, got {float(mu)}; use smooth_strongly_convex.")
    if mu > L:
        raise InputError(f"mu: expected mu < L or mu = L, got mu = {float(mu)} and L = {float(L)}.")
    if function_class == "smooth_nonconvex" and "distance" in (metric, initial):
        raise InputError("smooth_nonconvex: the class has no minimiser x*, so there is no `distance`; use objective.")
    if function_class == "smooth_nonconvex" and initial == "decrease" and metric in ("objective", "average_objective"):
        raise InputError(f"initial: a decrease says nothing of F*, which the metric {metric} speaks of; use objective.")
    if initial == "gradient" and function_class not in SMOOTH:
        raise InputError(f"initial: `gradient` is for r = 0, got the class {function_class}; use distance.")
    if function_class == "convex" and metric == "best_gradient":
        raise InputError("best_gradient: the class convex has no gradient; use objective or distance.")
    sizes = _per_step(step, "step", steps)
    if min(sizes) <= 0:
        raise InputError(f"step: expected steps > 0, got {float(min(sizes))}.")
    return Setting(
        function_class,
        method,
        steps,
        sizes,
        metric,
        initial,
        L,
        mu,
        _errors(relative_error, "relative_error", steps),
        _errors(absolute_error, "absolute_error", steps),
        _momentum(method, momentum, steps),
    )
