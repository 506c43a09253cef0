"""The answer: a value, both ends of the interval it lies in, and the evidence for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError
from . import _exact, checker
from ._closed import Closed, closed_form
from ._conic import FINE, Data, chain, solve, whole
from ._envelope import Envelope, finite, proved
from ._fractions import double
from ._instance import arrays
from ._model import STAR, Model
from ._patterns import recognised
from ._sensitivity import Sensitivity, sensitivity
from ._setting import Setting

RELATIVE = 1e-5
"""Largest gap between `upper` and `lower` of an answer that is called closed, relative to the larger of them."""
FLOORS = {"decrease": 1e-2}
LEAST_FLOOR = 1e-12


def tolerance(value: float, floor: float = LEAST_FLOOR) -> float:
    """Largest gap between `upper` and `lower` of a closed answer.

    Args:
        value: The size of the answer.
        floor: Below this size the tolerance is absolute. That of a question (`WorstCase.floor`) is 1e-12 in its own
            unit, the `scale` of its normalised problem; for a decrease, a difference of two values of the size of that
            unit, it is 1e-2.

    Returns:
        1e-5 of |value|, or of `floor` where that is larger.
    """
    return RELATIVE * max(abs(value), floor)


def spoken(name: tuple[str, ...]) -> str:
    """An inequality by name: "f[3 over 4]" is f(x_3) >= f(x_4) + <g_4, x_3 - x_4> + ..., "*" the minimiser."""
    if name[0] in ("f", "r"):
        return f"{name[0]}[{name[1]} over {name[2]}]"
    return " ".join(name)


@dataclass(frozen=True, eq=False)
class Certificate:
    """A proof in fractions that the worst case is at most `tau`, and where `exact` that it is `tau`.

    `multipliers` are those of the normalised problem (L = 1, initial condition 1), by name of the inequality. `data` is
    plain JSON, for `bounds.worst_cases.checker.check` or anybody else's.
    """

    tau: Fraction
    exact: bool
    multipliers: Mapping[str, Fraction]
    data: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, eq=False)
class WorstCase:
    """The worst case of a method over a function class.

    [`lower`, `upper`] holds the worst case for certain: `lower` is the metric of an instance that satisfies every
    interpolation inequality, `upper` an exactly balanced dual bound, both shown (made when first asked for, and kept).
    `value` is a number in between: what the solver found (`estimate`) where it lies there. `relaxed` says that the
    estimate comes from a chain of small matrices that is not known to be exact. Made by `worst_case`.
    """

    setting: Setting
    estimate: float
    solver: str
    status: str
    seconds: float
    relaxed: bool
    model: Model = field(repr=False)

    @cached_property
    def envelope(self) -> Envelope:
        """Rigorous bounds of the normalised problem, with multipliers and vectors."""
        scale = self.setting.scale
        estimate = double(Fraction(self.estimate) / scale) if np.isfinite(self.estimate) else np.nan
        fine, chain_is_exact = self.status in FINE, not self.relaxed
        with np.errstate(over="ignore", invalid="ignore"):  # numbers that are no longer any are shown by nothing
            return proved(self.model, estimate, self._tolerance, fine, chain_is_exact, lambda: self._closed)

    def _tolerance(self, value: float) -> float:
        """Largest gap of a closed answer of the normalised problem."""
        return tolerance(value, FLOORS.get(self.setting.metric, LEAST_FLOOR))

    @cached_property
    def _closed(self) -> Closed:
        return closed_form(self.setting)

    @cached_property
    def lower(self) -> float:
        """A number that the worst case is at least, for certain."""
        return _outwards(self.envelope.lower, self.setting.scale, -np.inf)

    @cached_property
    def upper(self) -> float:
        """A number that the worst case is at most, for certain; +inf where none could be shown."""
        return _outwards(self.envelope.upper, self.setting.scale, np.inf)

    @cached_property
    def value(self) -> float:
        """A number in [lower, upper]: the solver's, or the end it misses by little, else the middle (geometric)."""
        lower, upper = self.lower, self.upper
        if not np.isfinite(upper) or lower == upper:
            return lower
        if not np.isfinite(lower):
            return upper
        estimate = self._sharp_estimate
        nearest = min(max(estimate, lower), upper)
        if abs(nearest - estimate) <= tolerance(nearest, self.floor):
            return nearest
        middle = np.sqrt(lower) * np.sqrt(upper) if lower > 0 else lower + (upper - lower) / 2
        return float(min(max(middle, lower), upper))

    @property
    def _sharp_estimate(self) -> float:
        """The solver's value, of the solution that bounds are made of where that is another one."""
        return self.estimate

    @property
    def sources(self) -> tuple[str, str]:
        """What shows `lower` and `upper`: "solver" (its solution, repaired and checked), "closed form" (multipliers and
        a function that are known, checked), "sizes" (a crude bound of every iterate), "" for an end that is not shown.

        At mu = L a "closed form" is the run on the one function there is, or a bound for a mu just below L.
        """
        return self.envelope.sources

    @property
    def floor(self) -> float:
        """Below this size `closed` is absolute: 1e-12 in the question's own unit (1e-2 for a decrease)."""
        return in_units(FLOORS.get(self.setting.metric, LEAST_FLOOR), self.setting.scale)

    @property
    def gap(self) -> float:
        """upper - lower."""
        return self.upper - self.lower

    @property
    def closed(self) -> bool:
        """Whether the gap is at most 1e-5 of the larger of |lower|, |upper| and `floor`."""
        ends = max(abs(self.lower), abs(self.upper))
        return bool(np.isfinite(ends)) and self.gap <= tolerance(ends, self.floor)

    @property
    def _normalised(self) -> float:
        return double(Fraction(self.value) / self.setting.scale)

    @cached_property
    def multipliers(self) -> dict[str, float]:
        """Multipliers of the normalised problem by the name of their inequality, as few of them as keep the value."""
        return {spoken(name): value for name, value in self._sparse.items()}

    def _problem(self) -> Data:
        """The conic problem whose multipliers are those of the answer."""
        return chain(self.model) if self.solver.endswith("chain") else whole(self.model)

    @cached_property
    def _sparse(self) -> dict[tuple[str, ...], float]:
        target = self._normalised
        allowed = 1e-7 * max(1.0, abs(target))
        data = self._problem()
        forward = _exact.restricted(data, _exact.descending(data.names))
        solution = solve(forward)
        if not abs(solution.value - target) <= allowed:
            forward, solution = data, solve(data)
        if not abs(solution.value - target) <= allowed and self._closed.multipliers is not None:
            return {name: double(value) for name, value in self._closed.multipliers.items()}
        # the smallest ones are dropped as long as the value stays: the largest number of them by bisection
        order = np.argsort(np.where(forward.equality, np.inf, solution.multipliers))
        low, high, best = 0, len(order) - 1, (forward, solution)
        while low < high:
            middle = (low + high + 1) // 2
            keep = np.ones(len(order), bool)
            keep[order[:middle]] = False
            part = _exact.restricted(forward, keep)
            less = solve(part)
            if np.isfinite(less.value) and abs(less.value - target) <= allowed:
                low, best = middle, (part, less)
            else:
                high = middle - 1
        data, solution = best
        return dict(zip(data.names, (float(v) for v in solution.multipliers)))

    @cached_property
    def instance(self) -> dict[str, np.ndarray]:
        """The instance behind `lower` as plain arrays; `l2o.problem_from` makes it a runnable problem."""
        if self.envelope.basis is None or self.envelope.values is None:
            raise InputError("no instance was certified: there is a value, but nothing that attains it; see `lower`.")
        return arrays(self.envelope.model, self.envelope.basis, self.envelope.values)

    @cached_property
    def _exactly(self) -> _exact.Exact | str:
        if self.setting.one_function:
            return "mu = L leaves one function f, whose runs are computed and need no inequality"
        closed, value = self._closed, self._normalised
        if closed.exact and closed.upper is not None and closed.multipliers is not None:
            return _exact.Exact(closed.upper, closed.multipliers, closed.witness)
        exact = _exact.certify(self.setting, self.model, value, self._tolerance(value))
        if closed.upper is None or closed.multipliers is None:
            return exact
        if isinstance(exact, str) and closed.upper <= value + self._tolerance(value):
            return _exact.Exact(closed.upper, closed.multipliers, None)
        return exact

    def certificate(self) -> Certificate | None:
        """A proof over the rationals, None where there is none: `why_no_certificate` says why."""
        return None if isinstance(self._written, str) else self._written

    @cached_property
    def _written(self) -> Certificate | str:
        exact = self._exactly
        if isinstance(exact, str):
            return exact
        s = self.setting
        multipliers = {name: value / s.error_factor(name) for name, value in exact.multipliers.items()}
        try:
            data = self._data(exact, multipliers)
        except ValueError as problem:  # Python writes no number of more than 4300 digits
            return f"its fractions are too long to be written ({problem})"
        named = {spoken(name): value for name, value in multipliers.items()}
        return Certificate(exact.tau * self.setting.scale, exact.witness is not None, named, data)

    def _data(self, exact: _exact.Exact, multipliers: Mapping[tuple[str, ...], Fraction]) -> dict[str, Any]:
        s = self.setting
        data: dict[str, Any] = {
            "format": checker.FORMAT,
            **question(s),
            "tau": str(exact.tau),
            "scale": str(self.setting.scale),
            "exact": exact.witness is not None,
            "multipliers": [[*name, str(value)] for name, value in sorted(multipliers.items())],
        }
        if exact.witness is not None:
            units = {name: s.error_unit(int(name[1:])) for name in self.model.basis if name[0] == "u"}
            vectors = {n: str(v * units.get(n, 1)) for n, v in zip(self.model.basis, exact.witness.vector)}
            values = {k: str(v) for k, v in exact.witness.values.items()}
            data["witness"] = {"vectors": vectors, "values": values, "square": str(exact.witness.square)}
        data["digest"] = checker.digest(data)
        return data

    @property
    def why_no_certificate(self) -> str:
        """The reason why `certificate` returns None; empty where it does not."""
        return self._written if isinstance(self._written, str) else ""

    @property
    def recognised(self) -> str | None:
        """The bound of the catalogue whose proof for every K has just these multipliers; None where none is known.

        `bounds.get(found.recognised).prove()` is then the proof for all K of what `certificate` proves for one.
        """
        return None if isinstance(self._exactly, str) else recognised(self.setting, self._exactly.multipliers)

    @property
    def text(self) -> str:
        """The proof as a sketch: which inequalities, with which multipliers, add up to the bound."""
        s, scale = self.setting, self.setting.scale
        exact = self._exactly
        multipliers: dict[tuple[str, ...], Any] = self._sparse if isinstance(exact, str) else exact.multipliers
        tau = self._normalised if isinstance(exact, str) else exact.tau
        lines = [
            f"worst case of {s.method} over {s.function_class}: {s.metric}, K = {s.steps}, {s.initial} at most 1",
            f"normalised to L = 1, the value is {_short(tau)}; in the units of the question times {_short(scale)}",
            "it is the sum of, each multiplied by the number before it:",
        ]
        for name, value in multipliers.items():
            number = _short(value)
            lines.append(f"  {number:>12}  {spoken(name)}: {statement(s, name)}")
        if isinstance(exact, str):
            lines.append(f"and a positive semidefinite form, to rounding (no exact certificate: {exact})")
        elif exact.witness is None:
            lines.append("and a positive semidefinite form, by exact elimination; tau is inflated a little")
        else:
            lines.append("and a positive semidefinite form, by exact elimination; attained by the instance")
            pairs = zip(self.model.basis, exact.witness.vector)
            root = "" if exact.witness.square == 1 else f", each times the root of {_short(exact.witness.square)}"
            lines.append("  " + ", ".join(f"{name} = {_short(value)}" for name, value in pairs) + root)
        if self.recognised is not None:
            lines.append(f"these are the multipliers of `{self.recognised}`, which is proved for every K")
        return "\n".join(lines) + "\n"

    def sensitivity(self) -> Sensitivity:
        """How the worst case changes with steps and momentum: its derivatives, from multipliers and the worst instance.

        Returns:
            Derivatives by each h_k, and by each beta_k (heavy_ball) or (q_k, b_k) (go_math). Where the solution is not
            unique the worst case may have a kink, and the numbers are between the slopes to its two sides.

        Raises:
            InputError: For proximal_point, for the best gradient of a composite class, for runs of more than 64
                vectors, and where the solver has no solution.
        """
        return sensitivity(self.model)

    def summary(self) -> str:
        """One line."""
        state = "closed" if self.closed else "OPEN"
        return (
            f"{self.setting.method}, {self.setting.function_class}, K = {self.setting.steps}, {self.setting.metric} | "
            f"{self.setting.initial}: {self.value:.9g} in [{self.lower:.9g}, {self.upper:.9g}], gap {self.gap:.1e} "
            f"({state}; shown by {' and '.join(dict.fromkeys(s or 'nothing' for s in self.sources))}; {self.solver}, "
            f"{self.status}, {self.seconds:.3f} s)"
        )


def question(s: Setting) -> dict[str, Any]:
    """The question as plain JSON, fractions as text."""
    lists = {
        "step": [str(v) for v in s.step],
        "relative_error": None if s.relative is None else [str(v) for v in s.relative],
        "absolute_error": None if s.absolute is None else [str(v) for v in s.absolute],
        "momentum": None
        if s.momentum is None
        else [[str(v) for v in m] if isinstance(m, tuple) else str(m) for m in s.momentum],
    }
    return {
        "function_class": s.function_class,
        "method": s.method,
        "L": str(s.L),
        "mu": str(s.mu),
        "steps": s.steps,
        "metric": s.metric,
        "initial": s.initial,
        **lists,
    }


def statement(s: Setting, name: tuple[str, ...]) -> str:
    """An inequality in words of mathematics, at L = 1."""
    kind, *rest = name
    if kind in ("f", "r"):
        i, j = rest
        g = "g" if kind == "f" else "s"
        left = f"{kind}_{i}"
        tail = "" if kind == "r" else f" + ||g_{i} - g_{j}||^2/2"
        if kind == "f" and (s.mu or s.function_class == "smooth_nonconvex"):
            tail = " + (interpolation)"
        return f"{left} >= {kind}_{j} + <{g}_{j}, x_{i} - x_{j}>{tail}" if j != STAR else f"{left} >= {kind}_*{tail}"
    return {
        "initial": "the initial condition",
        "metric": f"the least is at most that of step {rest[0] if rest else ''}",
        "relative": f"||u_{rest[0] if rest else ''}|| <= eps ||G||",
        "absolute": f"||u_{rest[0] if rest else ''}|| <= delta",
    }[kind]


def _short(value: Fraction | float) -> str:
    """A fraction as it is, in floating point where it is longer than a line."""
    if isinstance(value, Fraction) and max(abs(value.numerator), value.denominator) < 10**60:
        return str(value)
    return f"{double(value):.6g}"


def in_units(value: float | Fraction, scale: Fraction) -> float:
    """A number of the normalised problem in the units of the question; the largest double for what is beyond it."""
    if not finite(value):
        return float(value)
    return double(Fraction(value) * scale)


def _outwards(end: Fraction | float, scale: Fraction, towards: float) -> float:
    """An end of the normalised problem in the units of the question, rounded outwards."""
    nearest = in_units(end, scale)
    if not np.isfinite(nearest):
        return nearest
    value = Fraction(end) * scale
    wrong = Fraction(nearest) < value if towards > 0 else Fraction(nearest) > value
    with np.errstate(over="ignore"):  # beyond the largest double is +inf
        return float(np.nextafter(nearest, towards)) if wrong else nearest
