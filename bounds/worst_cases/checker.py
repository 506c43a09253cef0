"""An independent checker of worst-case certificates: the standard library, fractions, nothing of the engine.

The question stands in the certificate: class, L, mu, method, steps, errors, momentum, metric, initial condition. The
checker refuses one that has no meaning or names a number that its class or method has not, and rebuilds from it all
that the proof speaks of: nothing else of the certificate is believed. A digest ties the whole, so that no part of one
can be put into another unnoticed. It unrolls the method in a dictionary of vectors, writes down each inequality that
the certificate names, and checks

1. every multiplier of an inequality is >= 0,
2. the function values of  metric - sum_j lambda_j (left-hand side of j)  cancel,
3. S = sum_j lambda_j M_j - C  is positive semidefinite, by integers or by elimination over the fractions,
4. tau is sum_j lambda_j rhs_j,
5. where a witness is given: it satisfies every inequality between any two of its points, and its metric is tau.

1 to 4 prove that the worst case of the normalised problem (L = 1, or the longest gamma 1; initial condition 1) is at
most tau, 5 that it is.
Inequalities: Taylor, Hendrickx, Glineur, Math. Program. 161 (2017), Theorem 4.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ._semidefinite import semidefinite

FORMAT = "l2obound-worst-case-2"
SMOOTH = ("smooth_convex", "smooth_strongly_convex", "smooth_nonconvex")
COMPOSITE = ("composite", "composite_strongly_convex")
METHODS = {
    "gradient": SMOOTH,
    "heavy_ball": SMOOTH,
    "proximal_gradient": COMPOSITE,
    "projected_gradient": COMPOSITE,
    "accelerated_gradient": (*SMOOTH, *COMPOSITE),
    "go_math": (*SMOOTH, *COMPOSITE),
    "proximal_point": ("convex",),
}
METRICS = ("objective", "average_objective", "distance", "decrease", "best_gradient")
INITIALS = ("distance", "objective", "decrease", "gradient")
QUESTION = (
    "function_class", "method", "L", "mu", "steps", "metric", "initial", "step", "relative_error", "absolute_error",
    "momentum",
)  # fmt: skip
PROOF = ("format", "tau", "scale", "exact", "multipliers", "digest")
NUMBER = re.compile(r"-?[0-9]+(/[0-9]+)?")
Vector = dict[str, Fraction]
ZERO, ONE = Fraction(0), Fraction(1)
LINE = "line"
"""The one vector of a run on a line."""


class Wrong(Exception):
    """What is wrong with a certificate."""


def check(certificate: Mapping[str, Any]) -> Fraction:
    """The proved bound in the units of the question, tau times scale; raises `Wrong` where something does not hold."""
    try:
        return _check(certificate)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError, IndexError) as error:
        raise Wrong(f"not a certificate of the format {FORMAT}: {type(error).__name__}: {error}") from None


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise Wrong(message)


def _add(*terms: tuple[Fraction, Vector]) -> Vector:
    total: Vector = {}
    for weight, vector in terms:
        for name, value in vector.items():
            total[name] = total.get(name, ZERO) + weight * value
    return {name: value for name, value in total.items() if value}


def _minus(a: Vector, b: Vector) -> Vector:
    return _add((ONE, a), (-ONE, b))


class _Form(dict):
    """A quadratic form: coefficient of each pair of basis vectors."""

    def add(self, weight: Fraction, a: Vector, b: Vector) -> None:
        if not weight:
            return
        for p, x in a.items():
            for q, y in b.items():
                half = weight * x * y / 2
                for key in ((p, q), (q, p)):
                    self[key] = self.get(key, ZERO) + half


def _number(text: Any) -> Fraction:
    _demand(isinstance(text, str) and NUMBER.fullmatch(text) is not None, f"not a fraction: {text!r:.40}")
    return Fraction(text)


def _demand_question(c: Mapping[str, Any]) -> None:
    """The question has a meaning: its words are known, and fit to each other."""
    kind, method, metric, initial = c["function_class"], c["method"], c["metric"], c["initial"]
    _demand(method in METHODS, f"unknown method {method}")
    _demand(kind in METHODS[method], f"{method} is not defined for the class {kind}")
    _demand(metric in METRICS, f"unknown metric {metric}")
    _demand(initial in INITIALS, f"unknown initial condition {initial}")
    _demand(type(c["steps"]) is int and c["steps"] >= 1, "steps is not a count")
    if kind == "smooth_nonconvex":
        _demand("distance" not in (metric, initial), "the class has no minimiser")
        _demand(initial != "decrease" or "objective" not in metric, "a decrease says nothing of F*")
    _demand(initial != "gradient" or kind in SMOOTH, "a gradient of F needs r = 0")
    _demand(metric != "best_gradient" or kind != "convex", "the class convex has no gradient")


def digest(certificate: Mapping[str, Any]) -> str:
    """sha256 of all but the digest, as JSON with sorted keys."""
    rest = {name: value for name, value in certificate.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Run:
    """The run of the question: its vectors in the basis x0, g0, s1, u1, ..., or, on a line, as numbers."""

    def __init__(self, c: Mapping[str, Any]) -> None:
        self.at: Mapping[str, Fraction] | None = None
        _demand_question(c)
        self.kind, self.method, self.K = c["function_class"], c["method"], c["steps"]
        self.metric, self.initial = c["metric"], c["initial"]
        L, mu = _number(c["L"]), _number(c["mu"])
        strongly = self.kind.endswith("strongly_convex")
        _demand(0 <= mu < L, "L and mu make no sense")
        _demand(strongly or mu == 0, f"the class {self.kind} has no mu")
        self.step = self._list(c["step"])
        _demand(min(self.step) > 0, "a step is not positive")
        if self.kind == "convex":  # no L: the longest gamma is the unit
            _demand(L == 1, "the class convex has no L")
            L = 1 / max(self.step)
            self.step = [gamma * L for gamma in self.step]
        self.L, self.mu = L, mu / L
        self.smooth = self.kind != "convex"
        self.composite = self.kind in COMPOSITE
        self.nonconvex = self.kind == "smooth_nonconvex"
        # without a distance the minimiser may be anywhere: only inf F = 0 is known of it, and x_0 is the origin
        self.free = "distance" not in (self.initial, self.metric) and self.mu == 0
        self.level = {"distance": ONE, "gradient": 1 / L**2}.get(self.initial, 1 / L)
        self.scale = self.level * {"distance": ONE, "best_gradient": L**2}.get(self.metric, L)
        self.relative = None if c["relative_error"] is None else self._list(c["relative_error"])
        self.absolute = None if c["absolute_error"] is None else self._list(c["absolute_error"])
        for sizes in (self.relative, self.absolute):
            _demand(sizes is None or min(sizes) >= 0, "an error is negative")
        self.momentum: list[Any] = c["momentum"]
        if self.method == "heavy_ball":
            self.momentum = self._list(c["momentum"])
        elif self.method == "go_math":
            _demand(len(self.momentum) == self.K, "a list does not have one entry for each step")
            self.momentum = [tuple(_number(v) for v in pair) for pair in self.momentum]
        else:
            _demand(self.momentum is None, f"{self.method} has no momentum")
        self.bounded_below = self.initial == "objective" or self.metric in ("objective", "average_objective")
        # where nothing is said of a minimiser either, f and r may be tilted to grad f(x_0) = 0
        self.tilted = self.free and self.composite and not self.bounded_below
        self.x: list[Vector] = []
        self.D: list[Vector] = []
        self.G: list[Vector] = []
        self._unroll()

    def on_line(self, at: Mapping[str, Fraction]) -> Run:
        """The same run where the vectors of the basis are these numbers: all vectors are multiples of one."""
        line = copy.copy(self)
        line.at = at
        line.x, line.D, line.G = ([line.placed(v) for v in given] for given in (self.x, self.D, self.G))
        return line

    def placed(self, vector: Vector) -> Vector:
        """A vector, on a line the multiple of the one that there is."""
        if self.at is None:
            return vector
        value = sum((weight * self.at[name] for name, weight in vector.items()), ZERO)
        return {LINE: value} if value else {}

    def _list(self, values: list[str]) -> list[Fraction]:
        _demand(len(values) == self.K, "a list does not have one entry for each step")
        return [_number(v) for v in values]

    def _unroll(self) -> None:
        x: Vector = {} if self.free else {"x0": ONE}
        before = x
        memory: Vector = {}
        self.x.append(x)
        point = x
        for k in range(1, self.K + 1):
            G = self.slope("f", str(k - 1)) if self.smooth else {}
            if self.composite or not self.smooth:
                G = _add((ONE, G), (ONE, {f"s{k}": ONE}))
            self.G.append(G)
            noisy = self.relative is not None or self.absolute is not None
            if noisy and all(e is None or e[k - 1] > 0 for e in (self.relative, self.absolute)):
                G = _add((ONE, G), (ONE, {f"u{k}": ONE}))
            new = _add((ONE, point), (-self.step[k - 1], G))
            if self.method == "heavy_ball":
                new = _add((ONE, new), (self.momentum[k - 1], _minus(x, before)))
            elif self.method == "go_math":
                q, b = self.momentum[k - 1]
                new = _add((ONE, new), (-q, memory))
                memory = _add((b, memory), (1 - b, _minus(x, new)))
            elif self.method == "accelerated_gradient":
                _demand(self.K <= 2, "acceleration has irrational momentum from the third step on")
            self.D.append(_minus(x, new))
            before, x = x, new
            point = x
            self.x.append(x)

    def point(self, label: str) -> Vector:
        """x at a label; the minimiser is the origin."""
        return {} if label == "*" else self.x[int(label)]

    def slope(self, kind: str, label: str) -> Vector:
        """The gradient of f or the subgradient of r at a label; 0 at the minimiser (the gauge)."""
        if label == "*" or (self.tilted and (kind, label) == ("f", "0")):
            return {}
        _demand((0 if kind == "f" else 1) <= int(label) <= self.K, f"there is no {kind} at point {label}")
        return self.placed({("g" if kind == "f" else "s") + str(int(label)): ONE})

    def total(self, label: str) -> Vector:
        """F as a combination of the values of f and r."""
        coefficients = {f"f{label}": ONE} if self.smooth else {}
        if self.composite or not self.smooth:
            coefficients[f"r{label}"] = ONE
        return coefficients

    def demand_kind(self, kind: str) -> None:
        """There is such a function in the class."""
        there = self.smooth if kind == "f" else self.composite or not self.smooth
        _demand(there, f"there is no {kind} in this class")

    def interpolation(self, kind: str, i: str, j: str) -> tuple[Vector, _Form]:
        """Values and form of  f_j - f_i + <g_j, x_i - x_j> + ... <= 0."""
        _demand(i != j, "an inequality between a point and itself")
        self.demand_kind(kind)
        values = _add(*((w, {kind + label: ONE}) for w, label in ((ONE, j), (-ONE, i)) if label != "*"))
        form = _Form()
        if "*" in (i, j) and (self.free or self.nonconvex):
            _demand(j == "*", "without a distance the minimiser may be far away, and above no point")
            _demand(self.bounded_below, "nothing here speaks of the infimum")
            if kind == "f":
                form.add(Fraction(1, 2), self.slope(kind, i), self.slope(kind, i))
            return values, form
        dx = _minus(self.point(i), self.point(j))
        form.add(ONE, self.slope(kind, j), dx)
        if kind == "r":  # at x_0 it has no subgradient here
            return values, form
        dg = _minus(self.slope(kind, i), self.slope(kind, j))
        alpha, beta, gamma = self.law(kind)
        form.add(alpha, dg, dg)
        form.add(beta, dx, dx)
        form.add(gamma, dg, dx)
        return values, form

    def law(self, kind: str) -> tuple[Fraction, Fraction, Fraction]:
        """What ||dg||^2, ||dx||^2 and <dg, dx> are multiplied with in an interpolation inequality."""
        if kind == "r":
            return ZERO, ZERO, ZERO
        if self.nonconvex:
            return Fraction(1, 4), Fraction(-1, 4), Fraction(1, 2)
        weight = 1 / (2 * (1 - self.mu))
        return weight, weight * self.mu, -2 * weight * self.mu

    def inequality(self, name: list[str]) -> tuple[Vector, _Form, Fraction, bool]:
        """Values, form, right-hand side, and whether it is an equation."""
        form = _Form()
        kind = name[0]
        if kind in ("f", "r"):
            return *self.interpolation(*name), ZERO, False
        if kind == "initial":
            if self.initial == "distance":
                form.add(ONE, self.x[0], self.x[0])
                return {}, form, ONE, False
            if self.initial == "gradient":
                g = self.placed({"g0": ONE})
                form.add(ONE, g, g)
                return {}, form, ONE, True
            values = self.total("0")
            if self.initial == "decrease":
                values = _minus(values, self.total(str(self.K)))
            return values, form, ONE, False
        k = int(name[1])
        if kind == "metric":
            _demand(self.metric == "best_gradient", "there is no least of several in this metric")
            if self.composite:
                vector = _add((1 / self.step[k - 1], self.D[k - 1]))
            else:
                vector = self.slope("f", name[1])
            form.add(-ONE, vector, vector)
            return {"t": ONE}, form, ZERO, False
        u = self.placed({f"u{k}": ONE})
        form.add(ONE, u, u)
        if kind == "relative" and self.relative is not None:
            form.add(-(self.relative[k - 1] ** 2), self.G[k - 1], self.G[k - 1])
            return {}, form, ZERO, False
        if kind != "absolute" or self.absolute is None:
            raise Wrong(f"unknown inequality {name}")
        return {}, form, (self.absolute[k - 1] / self.L) ** 2 / self.level, False

    def goal(self) -> tuple[Vector, _Form]:
        """Values and form of the metric."""
        form, last = _Form(), str(self.K)
        if self.metric == "distance":
            form.add(ONE, self.x[-1], self.x[-1])
            return {}, form
        if self.metric == "best_gradient":
            return {"t": ONE}, form
        if self.metric == "average_objective":
            return _add(*((Fraction(1, self.K), self.total(str(k))) for k in range(1, self.K + 1))), form
        values = self.total(last)
        if self.metric == "decrease":
            values = _minus(values, self.total("0"))
        else:
            _demand(self.metric == "objective", f"unknown metric {self.metric}")
        return values, form

    def pairs_on_line(self, values: Mapping[str, Fraction], square: Fraction) -> None:
        """Demand interpolation between any two points of an instance on a line: those with values, and the minimiser.

        Vectors are multiples of a root of `square`, values are multiples of it.
        """
        for kind in "fr":
            levels = {name[1:]: value for name, value in values.items() if name[0] == kind}
            _demand("*" not in levels, "the minimiser has a value, which is 0")
            if levels:
                self.demand_kind(kind)
            if not (self.free or self.nonconvex):
                levels["*"] = ZERO
            alpha, beta, gamma = self.law(kind)
            numbers = [(label, self.point(label).get(LINE, ZERO), level) for label, level in levels.items()]
            # r has no subgradient at x_0 here: one exists, as steep as it has to be, near that point
            steep = {label: self.slope(kind, label).get(LINE, ZERO) for label in levels if (kind, label) != ("r", "0")}
            for i, xi, fi in numbers:
                for j, xj, fj in numbers:
                    if i == j or j not in steep:
                        continue
                    dx, rest = xi - xj, fi - fj
                    if steep[j]:
                        rest -= steep[j] * dx
                    if alpha or beta or gamma:
                        dg = steep[i] - steep[j]
                        rest -= alpha * dg * dg
                        if beta or gamma:
                            rest -= (beta * dx + gamma * dg) * dx
                    _demand(rest >= 0, f"the witness breaks {[kind, i, j]} by {-square * rest}")

    def further(self, values: Mapping[str, Any]) -> list[list[str]]:
        """The inequalities that an instance has to satisfy besides: its points are those with values."""
        inequalities = [["initial"]]
        for kind in "fr":
            if (self.free or self.nonconvex) and self.bounded_below:
                inequalities += [[kind, name[1:], "*"] for name in values if name[0] == kind]
        if self.metric == "best_gradient":
            inequalities += [["metric", str(k)] for k in range(1 if self.composite else 0, self.K + 1)]
        for k in range(1, self.K + 1):
            for name, errors in (("relative", self.relative), ("absolute", self.absolute)):
                if errors is not None and errors[k - 1] > 0:
                    inequalities.append([name, str(k)])
        return inequalities


def _check(certificate: Mapping[str, Any]) -> Fraction:
    _demand(certificate["format"] == FORMAT, f"the format is not {FORMAT}")
    _demand(certificate["digest"] == digest(certificate), "the digest is that of another certificate")
    exact = certificate["exact"]
    _demand(type(exact) is bool, "exact is neither true nor false")
    entries = {*QUESTION, *PROOF, *(("witness",) if exact else ())}
    _demand(set(certificate) == entries, f"its entries are not those of a certificate: {set(certificate) ^ entries}")
    run = Run(certificate)
    tau, scale = _number(certificate["tau"]), _number(certificate["scale"])
    _demand(scale == run.scale, f"the scale is {run.scale}, not {scale}")
    multipliers: dict[tuple[str, ...], Fraction] = {}
    for *name, text in certificate["multipliers"]:
        _demand(tuple(name) not in multipliers, f"{name} stands there twice")
        multipliers[tuple(name)] = _number(text)
    bound = proved(run, multipliers, certificate["witness"]["vectors"] if exact else None)
    _demand(bound == tau, f"the multipliers prove {bound}, not tau = {tau}")
    if exact:
        _check_witness(run, certificate["witness"], tau)
    return tau * scale


def proved(
    run: Run, multipliers: Mapping[tuple[str, ...], Fraction], null: Mapping[str, Any] | None = None
) -> Fraction:
    """The bound that multipliers prove of a normalised run.

    Args:
        run: The run.
        multipliers: By the name of their inequality.
        null: Vectors on a line at which the form that is left may be 0, which saves time.

    Returns:
        The sum of right-hand sides, each times its multiplier.

    Raises:
        Wrong: Where the multipliers prove nothing.
    """
    values, form = run.goal()
    values, slack = dict(values), _Form({key: -value for key, value in form.items()})
    bound = ZERO
    for name, weight in multipliers.items():
        row, matrix, rhs, equation = run.inequality(list(name))
        _demand(weight >= 0 or equation, f"the multiplier of {list(name)} is negative")
        values = _minus(values, {key: weight * v for key, v in row.items()})
        for key, v in matrix.items():
            slack[key] = slack.get(key, ZERO) + weight * v
        bound += weight * rhs
    _demand(not values, f"the function values do not cancel: {values}")
    _positive_semidefinite(slack, null)
    return bound


def _positive_semidefinite(form: _Form, null: Mapping[str, Any] | None) -> None:
    names = sorted({name for pair in form for name in pair})
    rows = [[form.get((p, q), ZERO) for q in names] for p in names]
    at = None if null is None else [_number(null[name]) for name in names]
    _demand(semidefinite(rows, at), "the form is not positive semidefinite")


def _check_witness(run: Run, witness: Mapping[str, Any], tau: Fraction) -> None:
    at = {name: _number(v) for name, v in witness["vectors"].items()}
    level = {name: _number(v) for name, v in witness["values"].items()}
    square = _number(witness["square"])  # vectors are those times its root, values those times it
    _demand(square > 0, "square is not positive")

    run = run.on_line(at)

    def at_instance(row: Vector, form: _Form) -> Fraction:
        total = sum((w * level[name] for name, w in row.items()), ZERO)
        return square * (total + form.get((LINE, LINE), ZERO))

    K = run.K
    wanted = set(run.total(str(K))) if run.metric in ("objective", "average_objective", "decrease") else set()
    if run.initial == "objective" or "decrease" in (run.initial, run.metric):
        wanted |= set(run.total("0"))
    if run.initial == "decrease":
        wanted |= set(run.total(str(K)))
    wanted |= {f"f{k}" for k in range(K)} if run.smooth else set()
    wanted |= {f"r{k}" for k in range(1, K + 1)} if run.composite or not run.smooth else set()
    wanted |= {"t"} | ({f"f{K}"} if not run.composite else set()) if run.metric == "best_gradient" else set()
    _demand(wanted <= set(level), "the witness leaves out a point of the run")
    run.pairs_on_line(level, square)
    for name in run.further(level):
        row, form, rhs, equation = run.inequality(name)
        rest = rhs - at_instance(row, form)
        _demand(rest == 0 if equation else rest >= 0, f"the witness breaks {name} by {-rest}")
    _demand(at_instance(*run.goal()) == tau, "the witness does not attain tau")
