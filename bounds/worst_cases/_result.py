"""The answer: a value, what it is known to, and what shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from .._errors import InputError
from . import _exact
from ._conic import chain, solve, whole
from ._envelope import Envelope, envelope
from ._instance import arrays
from ._model import STAR, Model
from ._patterns import recognised
from ._setting import Setting

FORMAT = "l2obound-worst-case-1"


def tolerance(value: float) -> float:
    """Largest gap between `upper` and `lower` of an answer: 1e-6 + 1e-5 |value|."""
    return 1e-6 + 1e-5 * abs(value)


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

    `value` is what the solver found; [`lower`, `upper`] holds the worst case for certain: `lower` is the metric of an
    instance that satisfies every interpolation inequality, `upper` an exactly balanced dual bound, both checked in ball
    arithmetic (made when first asked for, and kept). `relaxed` says that `value` comes from a chain of small matrices
    that is not known to be exact. Made by `worst_case`.
    """

    setting: Setting
    value: float
    solver: str
    status: str
    seconds: float
    relaxed: bool
    model: Model = field(repr=False)

    @cached_property
    def envelope(self) -> Envelope:
        """Rigorous bounds of the normalised problem, with multipliers and vectors."""
        return envelope(self.model, tolerance(self.value) / float(self.setting.scale), not self.relaxed)

    @cached_property
    def lower(self) -> float:
        """A number that the worst case is at least, for certain."""
        if not np.isfinite(self.envelope.lower):
            return -np.inf
        return _rounded(Fraction(self.envelope.lower) * self.setting.scale, -np.inf)

    @cached_property
    def upper(self) -> float:
        """A number that the worst case is at most, for certain."""
        if not np.isfinite(self.envelope.upper):
            return np.inf
        return _rounded(Fraction(self.envelope.upper) * self.setting.scale, np.inf)

    @property
    def gap(self) -> float:
        """upper - lower."""
        return self.upper - self.lower

    @property
    def closed(self) -> bool:
        """Whether the gap is within 1e-6 + 1e-5 |value|."""
        return self.gap <= tolerance(self.value)

    @cached_property
    def multipliers(self) -> dict[str, float]:
        """Multipliers of the normalised problem by the name of their inequality, as few of them as keep the value."""
        return {spoken(name): value for name, value in self._sparse.items()}

    @cached_property
    def _sparse(self) -> dict[tuple[str, ...], float]:
        target = self.value / float(self.setting.scale)
        allowed = 1e-7 * max(1.0, abs(target))
        data = chain(self.model) if self.solver.endswith("chain") else whole(self.model)
        forward = _exact.restricted(data, _exact.descending(data.names))
        found = solve(forward)
        if abs(found.value - target) > allowed:
            forward, found = data, solve(data)
        # the smallest ones are dropped as long as the value stays: the largest number of them by bisection
        order = np.argsort(np.where(forward.equality, np.inf, found.multipliers))
        low, high, best = 0, len(order) - 1, (forward, found)
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
        data, found = best
        return dict(zip(data.names, (float(v) for v in found.multipliers)))

    @cached_property
    def instance(self) -> dict[str, np.ndarray]:
        """The instance behind `lower` as plain arrays; `l2o.problem_from` makes it a runnable problem."""
        if self.envelope.basis is None:
            raise InputError("no instance was certified: there is a value, but nothing that attains it; see `lower`.")
        return arrays(self.envelope.model, self.envelope.basis, self.envelope.values)

    @cached_property
    def _exactly(self) -> _exact.Exact | str:
        scale = float(self.setting.scale)
        return _exact.certify(self.setting, self.model, self.value / scale, tolerance(self.value) / scale)

    def certificate(self) -> Certificate | None:
        """A proof over the rationals, None where there is none: `why_no_certificate` says why."""
        found = self._exactly
        if isinstance(found, str):
            return None
        s = self.setting
        multipliers = {name: value / s.error_factor(name) for name, value in found.multipliers.items()}
        data: dict[str, Any] = {
            "format": FORMAT,
            **question(s),
            "tau": str(found.tau),
            "scale": str(self.setting.scale),
            "exact": found.witness is not None,
            "multipliers": [[*name, str(value)] for name, value in sorted(multipliers.items())],
        }
        if found.witness is not None:
            units = {name: s.error_unit(int(name[1:])) for name in self.model.basis if name[0] == "u"}
            vectors = {n: str(v * units.get(n, 1)) for n, v in zip(self.model.basis, found.witness.vector)}
            data["witness"] = {"vectors": vectors, "values": {k: str(v) for k, v in found.witness.values.items()}}
        named = {spoken(name): value for name, value in multipliers.items()}
        return Certificate(found.tau * self.setting.scale, found.witness is not None, named, data)

    @property
    def why_no_certificate(self) -> str:
        """The reason why `certificate` returns None; empty where it does not."""
        return self._exactly if isinstance(self._exactly, str) else ""

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
        found = self._exactly
        shown: dict[tuple[str, ...], Any] = self._sparse if isinstance(found, str) else found.multipliers
        tau = self.value / float(scale) if isinstance(found, str) else found.tau
        lines = [
            f"worst case of {s.method} over {s.function_class}: {s.metric}, K = {s.steps}, {s.initial} at most 1",
            f"normalised to L = 1, the value is {tau}; in the units of the question times {scale}",
            "it is the sum of, each multiplied by the number before it:",
        ]
        for name, value in shown.items():
            number = str(value) if isinstance(value, Fraction) else f"{value:.6g}"
            lines.append(f"  {number:>12}  {spoken(name)}: {statement(s, name)}")
        if isinstance(found, str):
            lines.append(f"and a positive semidefinite form, to rounding (no exact certificate: {found})")
        elif found.witness is None:
            lines.append("and a positive semidefinite form, by exact elimination; tau is inflated a little")
        else:
            lines.append("and a positive semidefinite form, by exact elimination; attained by the instance")
            pairs = zip(self.model.basis, found.witness.vector)
            lines.append("  " + ", ".join(f"{name} = {value}" for name, value in pairs))
        if self.recognised is not None:
            lines.append(f"these are the multipliers of `{self.recognised}`, which is proved for every K")
        return "\n".join(lines) + "\n"

    def summary(self) -> str:
        """One line."""
        state = "closed" if self.closed else "OPEN"
        return (
            f"{self.setting.method}, {self.setting.function_class}, K = {self.setting.steps}, {self.setting.metric} | "
            f"{self.setting.initial}: {self.value:.9g} in [{self.lower:.9g}, {self.upper:.9g}], gap {self.gap:.1e} "
            f"({state}; {self.solver}, {self.status}, {self.seconds:.3f} s)"
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


def _rounded(value: Fraction, towards: float) -> float:
    found = float(value)
    wrong = Fraction(found) < value if towards > 0 else Fraction(found) > value
    return float(np.nextafter(found, towards)) if wrong else found
