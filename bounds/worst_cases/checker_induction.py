"""An independent checker of proofs for every K: the standard library, fractions, nothing of the engine.

A certificate has a question without a number of steps, a rate and the multiplier of each inequality as rational
functions of k and K, and forms P_k of what a step is handed: x_k - x*, grad f(x_k) and, with r, the subgradient at
x_k. The checker writes down the inequalities of one step of the method, and checks

1. no multiplier is negative,
2. the function values of each point cancel, and the multiplier of the initial condition is the rate,
3. Z_k + P_k - T' P_{k+1} T is positive semidefinite for every step. Z_k are the inequalities of the step, each times
   its multiplier, less the metric in the last one. T says what the step hands on. P_0 is 0, and so is P_K.

The P_k cancel in the sum of all steps, so that these are a proof for every K. The first `before` and the last `after`
steps are checked with K, those in between with k and K, and all K that are too short for that one by one. A polynomial
is >= 0 on k >= k_0, K >= k + c if no coefficient is negative after k = k_0 + a, K = k + c + b.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from . import _polynomials as p
from . import checker
from ._polynomials import ONE, ZERO, Place, Polynomial, Rational
from .checker import Wrong

FORMAT = "l2obound-every-length-1"
ENTRIES = {"format", "question", "q", "rate", "multipliers", "form", "before", "after", "digest"}
METHODS = ("gradient", "proximal_gradient", "projected_gradient", "proximal_point")
QUESTION = ("function_class", "method", "L", "mu", "metric", "initial", "step")
NAMES = {
    *((kind, *pair) for kind in "fr" for pair in (("k", "k+1"), ("k", "k-1"), ("*", "k"), ("k", "*"))),
    ("metric", "k"), ("metric", "last"), ("initial",),
}  # fmt: skip
FIRST = ("x", "g", "s")
"""What a step is handed, in this order."""
Vector = dict[str, Fraction]
Form = dict[tuple[str, str], Fraction]
NONE = Rational({})


def check(certificate: Mapping[str, Any]) -> str:
    """The rate as text, proved to bound the worst case for every K >= 1.

    Args:
        certificate: What `Induction.data` is.

    Returns:
        The rate in K, with q for the base of its powers where it has one.

    Raises:
        Wrong: Where something does not hold.
    """
    try:
        return _check(certificate)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError, IndexError) as error:
        raise Wrong(f"not a certificate of the format {FORMAT}: {type(error).__name__}: {error}") from None


def digest(certificate: Mapping[str, Any]) -> str:
    """sha256 of all but the digest, as JSON with sorted keys."""
    rest = {name: value for name, value in certificate.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise Wrong(message)


def _count(given: Any, least: int) -> int:
    _demand(type(given) is int and given >= least, f"not a count: {given!r:.20}")
    return int(given)


def _polynomial(given: list[list[Any]]) -> Polynomial:
    total: Polynomial = {}
    for text, *exponents in given:
        _demand(len(exponents) == 4 and all(type(e) is int for e in exponents), "exponents are four whole numbers")
        i, j, m, n = exponents
        _demand(i >= 0 and j >= 0, "a negative power of k or K")
        _demand((i, j, m, n) not in total, "a power stands there twice")
        total[i, j, m, n] = checker._number(text)
    return p.add(total)


def _rational(given: Mapping[str, Any]) -> Rational:
    _demand(set(given) == {"above", "below"}, "a rational function has above and below")
    factors: dict[Any, int] = {}
    for factor, power in given["below"]:
        key = p.key(_polynomial(factor))
        _demand(bool(key), "a denominator is 0")
        factors[key] = factors.get(key, 0) + _count(power, 1)
    return Rational(_polynomial(given["above"]), tuple(factors.items()))


@dataclass(frozen=True)
class _Multiplier:
    """The multipliers of one kind of inequality: of k from span[0] to K + span[1], the first and last by themselves."""

    name: tuple[str, ...]
    inner: Rational
    first: tuple[Rational, ...]
    last: tuple[Rational, ...]
    span: tuple[int, int]

    @property
    def indexed(self) -> bool:
        """Whether there is one for each k."""
        return "k" in self.name


def _multiplier(given: Mapping[str, Any]) -> _Multiplier:
    _demand(set(given) == {"name", "inner", "first", "last", "span"}, "a multiplier has other entries")
    name = tuple(given["name"])
    _demand(name in NAMES, f"there is no inequality {name}")
    first, last = (tuple(_rational(one) for one in given[part]) for part in ("first", "last"))
    low, high = given["span"]
    _count(low, 0)
    _demand(type(high) is int and high <= 0, "a span ends behind K")
    one = _Multiplier(name, _rational(given["inner"]), first, last, (low, high))
    _demand(one.indexed or not (first or last), f"{name} has no first one and no last one")
    alone = (*first, *last) if one.indexed else (one.inner,)
    for formula in alone:
        parts = (formula.above, *(dict(factor) for factor, _ in formula.below))
        _demand(not any(e[0] or e[2] for part in parts for e in part), f"a formula of {name} has k in it")
    return one


class _Chain:
    """The steps of a method for K >= `shortest`, with the multipliers and forms of a certificate."""

    def __init__(self, c: Mapping[str, Any]) -> None:
        self.question = c["question"]
        _demand(set(self.question) == set(QUESTION), "the question has other entries")
        _demand(self.question["method"] in METHODS, "no proofs for every K are known of this method")
        self.before, self.after = _count(c["before"], 1), _count(c["after"], 1)
        self.shortest = self.before + self.after + 1
        self.q = checker._number(c["q"])
        _demand(self.q > 0, "q is not positive")
        self.rate = _rational(c["rate"])
        self.multipliers = {one.name: one for one in map(_multiplier, c["multipliers"])}
        _demand(len(self.multipliers) == len(c["multipliers"]), "two multipliers have one name")
        self.run = self.of_length(self.shortest)
        self.h = self.run.step[0]
        self.handed = [n for n in FIRST if (n != "g" or self.run.smooth) and (n != "s" or self.has_r)]
        rows = [[_rational(entry) for entry in row] for row in c["form"]]
        _demand(len(rows) == len(self.handed) and all(len(row) == len(rows) for row in rows), "P has another size")
        for i in range(len(rows)):
            for j in range(i):
                _demand(rows[i][j] == rows[j][i], "P is not symmetric")
        self.form = {(a, b): rows[i][j] for i, a in enumerate(self.handed) for j, b in enumerate(self.handed)}

    @property
    def has_r(self) -> bool:
        """Whether there is an r."""
        return self.run.composite or not self.run.smooth

    def of_length(self, steps: int) -> checker.Run:
        """The run of K steps."""
        rest = {"steps": steps, "relative_error": None, "absolute_error": None, "momentum": None}
        return checker.Run({**self.question, **rest, "step": [self.question["step"]] * steps})

    # -- multipliers at places

    def at(self, name: tuple[str, ...], place: Place, least: int = 0, most: int = 0) -> Rational:
        """The multiplier of an inequality at a place, for k from `least` to K + `most`; 0 where there is none."""
        one = self.multipliers.get(name)
        if one is None:
            return NONE
        (low, high), before, after = one.span, len(one.first), len(one.last)
        if place.base == "k":
            inside = least + place.offset >= low + before and most + place.offset <= high - after
            _demand(inside, f"the steps in the middle have formulas of {name} of their own")
            return p.placed(one.inner, place, self.q)
        if place.base == "K":
            left = high - place.offset
            if left < after:
                return one.last[left] if left >= 0 else NONE
            _demand(self.shortest + place.offset >= low + before, f"{name}: first and last steps meet")
            return p.placed(one.inner, place, self.q)
        if place.offset < low:
            return NONE
        _demand(place.offset <= self.shortest + high - after, f"{name}: first and last steps meet")
        if place.offset < low + before:
            return one.first[place.offset - low]
        return p.placed(one.inner, place, self.q)

    def single(self, name: tuple[str, ...]) -> Rational:
        """The multiplier of an inequality without k, 0 where there is none."""
        one = self.multipliers.get(name)
        return NONE if one is None else one.inner

    def in_run(self, steps: int) -> dict[tuple[str, ...], Fraction]:
        """The multipliers of a run of a number of steps, by the names that they have there."""
        weights: dict[tuple[str, ...], Fraction] = {}
        for one in self.multipliers.values():
            if not one.indexed:
                name = ("metric", str(steps)) if one.name == ("metric", "last") else one.name
                weights[name] = p.value(one.inner, 0, steps, self.q)
                continue
            places = list(range(one.span[0], steps + one.span[1] + 1))
            chosen: dict[int, Rational] = {}
            for formula in one.last[: len(places)]:
                chosen[places.pop()] = formula
            for formula in one.first[: len(places)]:
                chosen[places.pop(0)] = formula
            chosen |= dict.fromkeys(places, one.inner)
            for k, formula in chosen.items():
                labels = {"k": k, "k+1": k + 1, "k-1": k - 1}
                name = (one.name[0], *(str(labels.get(label, label)) for label in one.name[1:]))
                weights[name] = p.value(formula, k, steps, self.q)
        return {name: weight for name, weight in weights.items() if weight}

    # -- one step

    def point(self, which: str, start: bool) -> tuple[Vector, Vector, Vector | None]:
        """x, the gradient of f, and the subgradient of r of the point that a step begins with or leads to, or of x*."""
        if which == "*":
            return {}, {}, {}
        run = self.run
        x: Vector = {} if start and run.free else {"x": ONE}
        g: Vector = {} if (start and run.tilted) or not run.smooth else {"g": ONE}
        if which == "old":
            return x, g, None if start or not self.has_r else {"s": ONE}
        after = {"s+": ONE} if self.has_r else {}
        x = _sum((ONE, x), (-self.h, g), (-self.h, after))
        return x, {"g+": ONE} if run.smooth else {}, after

    def inequality(self, kind: str, i: str, j: str, start: bool) -> Form:
        """The form of  f_j - f_i + <g_j, x_i - x_j> + ... <= 0."""
        run = self.run
        run.demand_kind(kind)
        (xi, gi, _), (xj, gj, sj) = self.point(i, start), self.point(j, start)
        if "*" in (i, j) and (run.free or run.nonconvex):
            _demand(j == "*" and run.bounded_below, "the minimiser may be far away, and nothing speaks of the infimum")
            return _form((Fraction(1, 2), gi, gi)) if kind == "f" else {}
        dx = _sum((ONE, xi), (-ONE, xj))
        if kind == "r":
            if sj is None:
                raise Wrong("there is no r at point 0")
            return _form((ONE, sj, dx))
        dg = _sum((ONE, gi), (-ONE, gj))
        alpha, beta, gamma = run.law("f")
        return _form((ONE, gj, dx), (alpha, dg, dg), (beta, dx, dx), (gamma, dg, dx))

    def metric_of(self, which: str, start: bool) -> Form:
        """The squared gradient, or gradient map, of a point of a step, with the sign of an inequality."""
        _demand(self.run.metric == "best_gradient", "there is no least of several in this metric")
        if not self.run.composite:
            g = self.point(which, start)[1]
            return _form((-ONE, g, g))
        _demand(which == "new", "there is no gradient map at point 0")
        step = _sum((ONE, self.point("old", start)[0]), (-ONE, self.point("new", start)[0]))
        return _form((-1 / self.h**2, step, step))

    def rows(self, clique: Place, least: int, most: int) -> Iterator[tuple[Rational, Form]]:
        """Multipliers and forms of the inequalities of a step; each is in the first step that has all its points."""
        start = clique == Place("", 0)
        after = Place(clique.base, clique.offset + 1)
        ends = [("new", after), ("old", clique)] if start else [("new", after)]
        for name in self.multipliers:
            kind, labels = name[0], name[1:]
            if name == ("initial",):
                if start:
                    yield self.single(name), self.initial()
            elif name == ("metric", "last"):
                if clique == Place("K", -1):
                    yield self.single(name), self.metric_of("new", start)
            elif labels == ("k", "k+1"):
                yield self.at(name, clique, least, most), self.inequality(kind, "old", "new", start)
            elif labels == ("k", "k-1"):
                weight = self.at(name, after, least, most)
                if weight.above:
                    yield weight, self.inequality(kind, "new", "old", start)
            else:
                for which, place in ends:
                    weight = self.at(name, place, least, most)
                    if not weight.above:
                        continue
                    if kind == "metric":
                        yield weight, self.metric_of(which, start)
                    else:
                        i, j = (which if label == "k" else label for label in labels)
                        yield weight, self.inequality(kind, i, j, start)

    def initial(self) -> Form:
        """The form of the initial condition."""
        x, g, _ = self.point("old", True)
        if self.run.initial == "distance":
            return _form((ONE, x, x))
        return _form((ONE, g, g)) if self.run.initial == "gradient" else {}

    def demand_step(self, clique: Place, least: int, most: int, k: Polynomial, K: Polynomial) -> None:
        """Z_k + P_k - T' P_{k+1} T is positive semidefinite; k and K are written with variables that are >= 0."""
        entries: dict[tuple[str, str], list[Rational]] = {}

        def put(weight: Rational, form: Form) -> None:
            for pair, w in form.items():
                if w and weight.above:
                    entries.setdefault(pair, []).append(p.multiple(weight, w))

        for weight, form in self.rows(clique, least, most):
            put(weight, form)
        start, end = clique == Place("", 0), clique == Place("K", -1)
        if end and self.run.metric == "distance":
            x = self.point("new", start)[0]
            put(Rational(p.UNIT), _form((-ONE, x, x)))
        if not start:
            for (a, b), entry in self.form.items():
                put(p.placed(entry, clique, self.q), {(a, b): ONE})
        if not end:
            after = dict(zip(FIRST, self.point("new", start)))
            place = Place(clique.base, clique.offset + 1)
            for (a, b), entry in self.form.items():
                one, other = after[a], after[b]
                if one is None or other is None:
                    raise Wrong("a step hands on what it has not")
                put(p.placed(entry, place, self.q), {(u, v): -x * y for u, x in one.items() for v, y in other.items()})
        names = sorted({n for pair in entries for n in pair})
        summed = {pair: p.plus(*listed) for pair, listed in entries.items()}
        factors = p.common(*summed.values())
        sign = _demand_sign(factors, k, K)
        rows = [
            [p.scaled(p.moved(p.over(summed[a, b], factors), k, K), sign) if (a, b) in summed else {} for b in names]
            for a in names
        ]
        where = clique.offset + 1 if clique.base == "" else f"{clique.base}{clique.offset + 1:+d}"
        _demand(p.semidefinite(rows), f"the form of step {where} is not shown to be positive semidefinite")

    # -- what has to hold

    def demand_steps(self) -> None:
        """Every step has a positive semidefinite form."""
        variable = {(1, 0, 0, 0): ONE}
        length = p.add({p.NOTHING: Fraction(self.shortest)}, {(0, 1, 0, 0): ONE})
        for c in range(self.before):
            self.demand_step(Place("", c), 0, 0, variable, length)
        k = p.add({p.NOTHING: Fraction(self.before)}, variable)
        K = p.add(k, {p.NOTHING: Fraction(1 + self.after)}, {(0, 1, 0, 0): ONE})
        self.demand_step(Place("k", 0), self.before, -self.after - 1, k, K)
        for c in range(self.after, 0, -1):
            self.demand_step(Place("K", -c), 0, 0, variable, length)

    def demand_signs(self) -> None:
        """No multiplier of an inequality is negative."""
        length = p.add({p.NOTHING: Fraction(self.shortest)}, {(0, 1, 0, 0): ONE})
        for name, one in self.multipliers.items():
            equation = name == ("initial",) and self.run.initial == "gradient"
            low, high = one.span[0] + len(one.first), len(one.last) - one.span[1]
            k = p.add({p.NOTHING: Fraction(low)}, {(1, 0, 0, 0): ONE})
            K = p.add(k, {p.NOTHING: Fraction(high)}, {(0, 1, 0, 0): ONE})
            places = [(one.inner, k, K if one.indexed else length)]
            places += [(formula, k, length) for formula in (*one.first, *one.last)]
            for formula, at_k, at_K in places:
                sign = _demand_sign(dict(formula.below), at_k, at_K)
                above = p.scaled(p.moved(formula.above, at_k, at_K), sign)
                _demand(equation or p.nonnegative(above), f"the multiplier of {name} is not shown to be >= 0")

    def demand_values(self) -> None:
        """Function values cancel at every point, and the multiplier of the initial condition is the rate."""
        nodes = [Place("", i) for i in range(self.before + 1)] + [Place("k", 0)]
        nodes += [Place("K", -i) for i in range(self.after, -1, -1)]
        for kind in [n for n, there in (("f", self.run.smooth), ("r", self.has_r)) if there]:
            for node in nodes:
                rest = p.plus(*self.level(kind, node))
                _demand(not rest.above, f"the values of {kind} at {node.base or 'point '}{node.offset} do not cancel")
        if self.run.metric == "best_gradient":
            self.demand_least()
        initial = p.multiple(self.single(("initial",)), self.run.scale)
        _demand(not p.plus(initial, p.multiple(self.rate, -ONE)).above, "the initial condition has another multiplier")

    def level(self, kind: str, node: Place) -> list[Rational]:
        """What the value of f or r at a point is multiplied with in the sum, less the metric."""
        least, most = self.before + 1, -self.after - 1
        before, after = (Place(node.base, node.offset + o) for o in (-1, 1))
        start, end = node == Place("", 0), node == Place("K", 0)
        terms = [
            (ONE, self.at((kind, "*", "k"), node, least, most)),
            (-ONE, self.at((kind, "k", "*"), node, least, most)),
        ]
        if not end:
            terms.append((-ONE, self.at((kind, "k", "k+1"), node, least, most)))
            terms.append((ONE, self.at((kind, "k", "k-1"), after, least, most)))
        if not start:
            terms.append((ONE, self.at((kind, "k", "k+1"), before, least, most)))
            terms.append((-ONE, self.at((kind, "k", "k-1"), node, least, most)))
        initial = self.single(("initial",))
        if start and self.run.initial in ("objective", "decrease"):
            terms.append((ONE, initial))
        if end and self.run.initial == "decrease":
            terms.append((-ONE, initial))
        if end and self.run.metric in ("objective", "decrease"):
            terms.append((-ONE, Rational(p.UNIT)))
        if start and self.run.metric == "decrease":
            terms.append((ONE, Rational(p.UNIT)))
        if not start and self.run.metric == "average_objective":
            terms.append((-ONE, Rational(p.UNIT, ((p.key({(0, 1, 0, 0): ONE}), 1),))))
        return [p.multiple(weight, w) for w, weight in terms if weight.above] or [NONE]

    def demand_least(self) -> None:
        """The multipliers of the entries of a least add up to 1."""
        total = [self.single(("metric", "last")), Rational({p.NOTHING: -ONE})]
        one = self.multipliers.get(("metric", "k"))
        if one is not None:
            parts = (one.inner.above, *(dict(factor) for factor, _ in one.inner.below))
            _demand(not any(e[0] or e[2] for part in parts for e in part), "the least depends on k")
            low, high = one.span[0] + len(one.first), one.span[1] - len(one.last)
            count = p.add({p.NOTHING: Fraction(high - low + 1)}, {(0, 1, 0, 0): ONE})
            total += [Rational(p.times(one.inner.above, count), one.inner.below), *one.first, *one.last]
        _demand(not p.plus(*total).above, "the multipliers of the entries of the metric do not add up to 1")

    def demand_short(self) -> None:
        """The formulas make a proof for each K that is too short for the rest."""
        for steps in range(1, self.shortest):
            run = self.of_length(steps)
            bound = checker.proved(run, self.in_run(steps)) * run.scale
            rate = p.value(self.rate, 0, steps, self.q)
            _demand(bound == rate, f"for K = {steps} the multipliers prove {bound}, not {rate}")


def _sum(*terms: tuple[Fraction, Vector]) -> Vector:
    total: Vector = {}
    for weight, vector in terms:
        for name, value in vector.items():
            total[name] = total.get(name, ZERO) + weight * value
    return {name: value for name, value in total.items() if value}


def _form(*terms: tuple[Fraction, Vector, Vector]) -> Form:
    """A quadratic form as a symmetric matrix."""
    total: Form = {}
    for weight, one, other in terms:
        for a, u in one.items():
            for b, v in other.items():
                for pair in ((a, b), (b, a)):
                    total[pair] = total.get(pair, ZERO) + weight * u * v / 2
    return total


def _demand_sign(factors: Mapping[Any, int], k: Polynomial, K: Polynomial) -> Fraction:
    """The sign of a product of factors, none of which may be 0."""
    sign = ONE
    for factor, power in factors.items():
        polynomial = p.moved(dict(factor), k, K)
        if p.positive(p.scaled(polynomial, -ONE)):
            sign *= (-ONE) ** power
        else:
            _demand(p.positive(polynomial), "a denominator is not shown to be other than 0")
    return sign


def _check(c: Mapping[str, Any]) -> str:
    _demand(c["format"] == FORMAT, f"the format is not {FORMAT}")
    _demand(set(c) == ENTRIES, f"its entries are not those of a certificate: {set(c) ^ ENTRIES}")
    _demand(c["digest"] == digest(c), "the digest is that of another certificate")
    chain = _Chain(c)
    chain.demand_signs()
    chain.demand_values()
    chain.demand_steps()
    chain.demand_short()
    return _text(chain.rate, chain.q)


def _text(one: Rational, q: Fraction) -> str:
    """A rational function of K as text."""

    def polynomial(given: Polynomial) -> str:
        powers = {0: "", 1: "*K"}
        terms = (
            f"{c}{powers.get(j, f'*K**{j}')}" + (f"*({q})**({n}*K)" if n else "")
            for (_, j, _, n), c in sorted(given.items(), reverse=True)
        )
        return " + ".join(terms) or "0"

    below = "".join(
        f"/({polynomial(dict(factor))})" + (f"**{power}" if power > 1 else "") for factor, power in one.below
    )
    return f"({polynomial(one.above)}){below}"
