"""A proof for every K: the pattern of the multipliers, and of the remainder as a chain of forms, checked in k and K.

What has to hold for a bound to be proved for K steps are finitely many conditions for each step: multipliers are not
negative, the function values of each point cancel, and Z_c + P_c - T' P_{c+1} T is positive semidefinite (`_blocks`).
Where steps are all alike, the conditions of the steps in the middle are the same with other k. So they are checked
once, as statements about rational functions of k and K: equations by cancelling, signs by a change of variables that
makes every coefficient positive, semidefiniteness by elimination with pivots that are such functions. The first and
the last steps are checked with K alone. Runs too short to have a middle are checked one by one.

P is found, and may be any: it is fitted through the largest or the least forms of short runs. Only the check counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy as sp

from .. import checker_induction
from ..result import question
from ..traced import TracedSetting
from ._blocks import Block, alike, backwards, blocks_of, remainders
from ._fit import Fit, K, fitted, k
from ._kinds import Kind, Name, ends_of, kind_of
from ._signs import OF_K, OF_LENGTH, eliminated, nonnegative, vanishes
from .every_length import Induction

if TYPE_CHECKING:
    from .discovery import Discovery, Multiplier

SAMPLES = range(2, 12)
"""Lengths whose forms the pattern of P is fitted through."""
_a, _b = sp.symbols("a b", nonnegative=True)


class Unproved(Exception):
    """Why there is no proof."""


def proved_by_induction(discovery: Discovery) -> Induction:
    """The proof for every K of what a discovery found, or why there is none.

    Args:
        discovery: The formulas, of a built-in method whose steps are all alike.

    Returns:
        The proof. It never raises for a pattern that is false: it is not `valid` then, and says why.
    """
    if not discovery.complete:
        return Induction(False, "there is no formula for the rate, or for some multipliers; see `missing`")
    reasons = []
    for direction, name in ((remainders, "largest"), (backwards, "least")):
        try:
            return _Attempt(discovery).proof(direction)
        except Unproved as problem:
            reasons.append(f"with the {name} forms, {problem}")
    return Induction(False, "; ".join(dict.fromkeys(reasons)), discovery.rate)


class _Attempt:
    """The structure of runs of a question, and the formulas for it."""

    def __init__(self, discovery: Discovery) -> None:
        self.discovery, self.base = discovery, discovery.base
        self.multipliers = {one.kind: one for one in discovery.multipliers}
        self.settings = {length: discovery.setting(length) for length in (*SAMPLES, max(SAMPLES) + 1)}
        self._demand_alike()
        self.runs = {length: blocks_of(setting) for length, setting in self.settings.items()}
        self.conditions: list[str] = []

    def _demand_alike(self) -> None:
        first = next(iter(self.settings.values()))
        for s in self.settings.values():
            if isinstance(s, TracedSetting) or not s.rational:
                raise Unproved("the method is code, or has irrational numbers: its runs are no chain of fractions")
            if set(s.lengths) != set(first.lengths[:1]) or len(set(s.momentum or ())) > 1:
                raise Unproved("the steps are not all alike")
            if (s.scale, s.momentum and s.momentum[0]) != (first.scale, first.momentum and first.momentum[0]):
                raise Unproved("the question is another one for another K")

    # -- formulas at places: a number, k and an offset, or K less a number

    def at(self, expression: sp.Expr, place: sp.Expr) -> sp.Expr:
        """A formula with a place for k."""
        base = sp.Rational(self.base.numerator, self.base.denominator)
        offset = place - k if place.has(k) else place - K if place.has(K) else place
        symbol = OF_K if place.has(k) else OF_LENGTH if place.has(K) else sp.Integer(1)
        return expression.subs({k: place, OF_K: symbol * base**offset}, simultaneous=True)

    def multiplier(self, kind: Kind, place: sp.Expr) -> sp.Expr:
        """The multiplier of an inequality of a kind at a place of the run."""
        one = self.multipliers.get(kind)
        if one is None:
            return sp.Integer(0)
        if not one.indexed:
            return _in_symbols(one.inner)
        if one.span is None:
            raise Unproved(f"which k have a multiplier of {kind} depends on K")
        low, high = one.span
        if place.is_Integer and int(place) - low < len(one.first):
            return _in_symbols(one.first[int(place) - low])
        if place.has(K) and (left := int(high - (place - K))) < len(one.last):
            return _in_symbols(one.last[left])
        return self.at(_in_symbols(one.inner), place)

    # -- the structure, the same for all K

    def ends(self) -> tuple[int, int]:
        """How many cliques at the beginning and at the end have inequalities with formulas of their own."""
        before, after = 1, 1
        for block in self.runs[max(SAMPLES)][1]:
            for kind, offset, _ in block.rows:
                one = self.multipliers.get(kind)
                if one is not None and one.indexed:
                    low, high = _span(one)
                    if one.first:
                        before = max(before, low + len(one.first) - offset)
                    if one.last:
                        after = max(after, offset - 1 - high + len(one.last))
        return before, after

    def form(self, block: Block, clique: sp.Expr) -> sp.Matrix:
        """Z of a clique with a number in k and K."""
        total = sp.zeros(block.width, block.width)
        for kind, offset, row in block.rows:
            if row.matrix is not None:
                weight = self.multiplier(kind, clique + offset if "k" in kind.pattern else sp.Integer(0))
                if weight != 0:
                    total += weight * _matrix(row.matrix)
        return total if block.goal is None else total - _matrix(block.goal)

    def middle(self, before: int, after: int) -> Block:
        """The clique in the middle, the same in every run."""
        wanted: Block | None = None
        for length, (_, blocks) in self.runs.items():
            for block in blocks[before : length - after]:
                wanted = wanted or block
                if not alike(block, wanted):
                    raise Unproved("the steps in the middle differ")
        assert wanted is not None, "the longest run has one"
        return wanted

    def proof(self, direction: Any) -> Induction:
        """The proof with the pattern of the largest or the least forms; `Unproved` where a condition is not shown."""
        before, after = self.ends()
        first = before + after + 1
        longest = max(self.runs)
        if longest <= first:
            raise Unproved("too many steps have formulas of their own")
        self._chain_only()
        middle = self.middle(before, after)
        pattern = self.pattern(direction)
        for entry in pattern:
            below = sp.fraction(sp.cancel(entry))[1]
            domain = {K: k + 1 + _b, k: 1 + _a}
            if not (nonnegative(below, domain, True) or nonnegative(-below, domain, True)):
                raise Unproved(f"the denominator {below} of the remainder is not shown to be other than 0")
        self._signs()
        self._values(first)
        blocks = self.runs[longest][1]
        for block, other in zip(blocks[-after:], self.runs[longest - 1][1][-after:]):
            if not alike(block, other):
                raise Unproved("the last steps of runs of other lengths differ")
        whole = {K: first + _b}
        for c in range(before):
            self._semidefinite(blocks[c], sp.Integer(c), pattern, whole, f"step {c + 1}")
        inside = {K: k + 1 + after + _b, k: before + _a}
        self._semidefinite(middle, k, pattern, inside, f"steps {before + 1} to K - {after}")
        for c in range(after, 0, -1):
            says = "the last step" if c == 1 else f"step K - {c - 1}"
            self._semidefinite(blocks[longest - c], K - c, pattern, whole, says)
        for length in range(1, first):
            why = self.discovery.check(length)
            if why:
                raise Unproved(f"K = {length} has no proof: {why}")
        self.conditions.append(f"for K = 1 to {first - 1}: the formulas make a proof, by exact elimination")
        handed = _names(middle, self.settings[longest].starless)
        form = pattern.applyfunc(lambda e: self.plain(e))
        certificate = self.written(pattern, before, after)
        return Induction(True, "", self.discovery.rate, form, first, handed, tuple(self.conditions), certificate)

    def written(self, pattern: sp.Matrix, before: int, after: int) -> dict[str, Any] | None:
        """The certificate; None for methods that its checker does not know."""
        setting = next(iter(self.settings.values()))
        if setting.method not in checker_induction.METHODS or setting.relative or setting.absolute:
            return None
        parts = {name: value for name, value in question(setting).items() if name in checker_induction.QUESTION}
        assert self.discovery.fit is not None, "the discovery is complete"
        data: dict[str, Any] = {
            "format": checker_induction.FORMAT,
            "question": parts | {"step": str(setting.step[0])},
            "q": str(self.base),
            "rate": _written(_in_symbols(self.discovery.fit)),
            "multipliers": [
                {
                    "name": _labels(kind),
                    "inner": _written(_in_symbols(one.inner)),
                    "first": [_written(_in_symbols(fit)) for fit in one.first],
                    "last": [_written(_in_symbols(fit)) for fit in one.last],
                    "span": list(_span(one)) if one.indexed else [0, 0],
                }
                for kind, one in self.multipliers.items()
            ],
            "form": [[_written(entry) for entry in pattern.row(i)] for i in range(pattern.rows)],
            "before": before,
            "after": after,
        }
        return data | {"digest": checker_induction.digest(data)}

    def plain(self, expression: sp.Expr) -> sp.Expr:
        """An expression with powers of the base in full."""
        base = sp.Rational(self.base.numerator, self.base.denominator)
        return sp.factor(expression).subs({OF_K: base**k, OF_LENGTH: base**K})

    def _chain_only(self) -> None:
        """Every inequality that is used is in a clique."""
        for _, (_, blocks) in self.runs.items():
            kinds = {kind for block in blocks for kind, _, _ in block.rows}
            for kind in self.multipliers:
                if kind not in kinds and len(blocks) > 2:
                    raise Unproved(f"the inequalities {kind} relate steps that are not next to each other")

    def pattern(self, direction: Any) -> sp.Matrix:
        """P_k as a matrix of rational functions of k and K; what has no formula is 0."""
        entries: dict[tuple[int, int], dict[tuple[int, ...], Fraction]] = {}
        for length in SAMPLES:
            _, blocks = self.runs[length]
            forms = direction(blocks, self.weights(length))
            if forms is None:
                raise Unproved(f"the remainder is not bounded below for K = {length}")
            for c, one in enumerate(forms, 1):
                for (i, j), value in np.ndenumerate(one):
                    entries.setdefault((i, j), {})[c, length] = value
        size = 1 + max(i for i, _ in entries)
        total = sp.zeros(size, size)
        for (i, j), values in entries.items():
            if i >= j:
                fit = fitted(values, self.base)
                total[i, j] = total[j, i] = sp.Integer(0) if fit is None else _in_symbols(fit)
        return total

    def weights(self, length: int) -> dict[Name, Fraction]:
        """The multipliers of a run by name."""
        model, _ = self.runs[length]
        names = [row.name for row in model.rows]
        ends = ends_of(names)
        places: dict[Kind, dict[int, Name]] = {}
        for name in names:
            kind, place = kind_of(name, ends)
            places.setdefault(kind, {})[place] = name
        weights: dict[Name, Fraction] = {}
        for kind, one in self.multipliers.items():
            listed = places.get(kind, {})
            for place, value in one.at(list(listed), length).items():
                if value is None:
                    raise Unproved(f"a formula has the denominator 0 for K = {length}")
                weights[listed[place]] = value
        return weights

    # -- conditions

    def _signs(self) -> None:
        """No multiplier of an inequality is negative."""
        equations = {row.name for row in self.runs[max(SAMPLES)][0].rows if row.equality}
        for kind, one in self.multipliers.items():
            if (*kind.head, kind.pattern) in equations or kind.head in equations:
                continue
            parts = [(fit, {K: 1 + _b}) for fit in (*one.first, *one.last)]
            if not one.indexed:
                parts.append((one.inner, {K: 1 + _b}))
            else:
                low, high = _span(one)
                inside = {K: k - high + len(one.last) + _b, k: low + len(one.first) + _a}
                parts.append((one.inner, inside))
            for fit, domain in parts:
                if not nonnegative(_in_symbols(fit), domain):
                    raise Unproved(f"the multiplier {fit.formula} of {kind} is not shown to be >= 0")
        self.conditions.append("multipliers are >= 0")

    def _values(self, first: int) -> None:
        """Function values cancel, at the points in the middle with k, at the first and the last with K."""
        longest = max(self.runs)
        tables = {length: self._table(length) for length in (longest - 1, longest)}
        middle: dict[str, Any] = {}
        for node, (weight, users) in tables[longest].items():
            letter, place = node[0], node[1:]
            if letter == "t":
                self._least(users, weight)
                continue
            index = int(place)
            inside = first <= index <= longest - first
            where = k if inside else sp.Integer(index) if index < first else K - (longest - index)
            users_at = [(kind, offset, w) for kind, offset, w in users]
            before = tables[longest - 1].get(f"{letter}{index if index < first else index - 1}")
            if before is None or sorted(map(str, before[1])) != sorted(map(str, users_at)):
                raise Unproved(f"what the values {letter} occur in depends on K")
            goal = self._constant({longest - 1: before[0], longest: weight}, letter)
            if inside:
                before = middle.setdefault(letter, (users_at, goal))
                if sorted(map(str, before[0])) != sorted(map(str, users_at)) or before[1] != goal:
                    raise Unproved(f"the values {letter} in the middle differ")
                if before[0] is not users_at:
                    continue
            total = -goal
            for kind, offset, w in users_at:
                place_of = where + offset if "k" in kind.pattern else sp.Integer(0)
                total += sp.Rational(w.numerator, w.denominator) * self.multiplier(kind, place_of)
            if not vanishes(total):
                raise Unproved(f"the values {letter} at {where} do not cancel: {sp.factor(total)} is left")
        initial = self.multiplier(Kind(("initial",), ""), sp.Integer(0))
        scale = next(iter(self.settings.values())).scale
        assert self.discovery.fit is not None, "the discovery is complete"
        rate = _in_symbols(self.discovery.fit)
        if not vanishes(initial * sp.Rational(scale.numerator, scale.denominator) - rate):
            raise Unproved("the multiplier of the initial condition is not the rate")
        self.conditions.append("function values cancel, and the multiplier of the initial condition is the rate")

    def _table(self, length: int) -> dict[str, tuple[Fraction, list[tuple[Kind, int, Fraction]]]]:
        """For each value its weight in the metric and the inequalities that it occurs in, by their place from it."""
        model, _ = self.runs[length]
        goal = {model.value_names[i]: Fraction(w) for i, w in model.metric_values}
        ends = ends_of([row.name for row in model.rows])
        table: dict[str, tuple[Fraction, list]] = {n: (goal.get(n, Fraction(0)), []) for n in model.value_names}
        for row in model.rows:
            kind, place = kind_of(row.name, ends)
            for i, w in row.values:
                node = model.value_names[i]
                at = int(node[1:]) if node != "t" else 0
                offset = place - at if "k" in kind.pattern else 0
                table[node][1].append((kind, offset, Fraction(w)))
        return table

    def _least(self, users: list[tuple[Kind, int, Fraction]], goal: Fraction) -> None:
        """The multipliers of the entries of a least add up to 1; in the middle they are the same for all k."""
        total = -sp.Integer(1)
        counts: dict[Kind, int] = {}
        for kind, _, _ in users:
            counts[kind] = counts.get(kind, 0) + 1
        longest = max(self.runs)
        for kind, count in counts.items():
            one = self.multipliers.get(kind)
            if one is None:
                continue
            formula = _in_symbols(one.inner)
            if formula.has(k):
                raise Unproved("the multipliers of the entries of the metric depend on k")
            apart = (*one.first, *one.last)
            alike = K + (count - longest) - len(apart) if one.indexed else sp.Integer(count)
            total += formula * alike + sum((_in_symbols(fit) for fit in apart), sp.Integer(0))
        if goal != 1 or not vanishes(total):
            raise Unproved("the multipliers of the entries of the metric do not add up to 1")

    @staticmethod
    def _constant(weights: Mapping[int, Fraction], letter: str) -> sp.Expr:
        """The weight of a value in the metric as a formula of K: a number, or 1/K."""
        if len(set(weights.values())) == 1:
            w = next(iter(weights.values()))
            return sp.Rational(w.numerator, w.denominator)
        if all(w == Fraction(1, length) for length, w in weights.items()):
            return 1 / K
        raise Unproved(f"the weight of the values {letter} in the metric has no formula")

    def _semidefinite(
        self, block: Block, clique: sp.Expr, pattern: sp.Matrix, domain: Mapping[sp.Symbol, sp.Expr], says: str
    ) -> None:
        """Z_c + P_c - T' P_{c+1} T is positive semidefinite."""
        total = self.form(block, clique)
        if block.carried:
            given = pattern.applyfunc(lambda e: self.at(e, clique))
            total[: block.carried, : block.carried] += given
        if block.handed is not None:
            T = _matrix(block.handed)
            total -= T.T * pattern.applyfunc(lambda e: self.at(e, clique + 1)) * T
        pivots = eliminated(total, domain)
        if pivots is None:
            raise Unproved(f"the form of {says} is not shown to be positive semidefinite")
        listed = ", ".join(str(self.plain(p)) for p in pivots) or "none: it is 0"
        self.conditions.append(f"{says}: Z + P_k - T' P_(k+1) T is positive semidefinite, pivots {listed}")


def _names(block: Block, starless: bool) -> tuple[str, ...]:
    """What a step is handed, in words."""
    x = "x_k - x_0" if starless else "x_k - x*"
    names = {2: (x, "g_k"), 3: (x, "g_k", "s_k")}
    return names.get(block.carried, tuple(f"v_{i}" for i in range(block.carried)))


def _labels(kind: Kind) -> list[str]:
    """The name of a kind of inequality in a certificate: ["f", "k", "k+1"]."""
    return [*kind.head, *(kind.pattern.split(" over ") if kind.pattern else ())]


def _written(expression: sp.Expr) -> dict[str, list]:
    """A rational function as coefficients and exponents of k, K and the powers of the base, over a product."""
    symbols = (k, K, OF_K, OF_LENGTH)
    above, below = sp.fraction(sp.cancel(sp.together(expression)))
    constant, factors = sp.factor_list(below, *symbols)

    def terms(part: sp.Expr) -> list[list[Any]]:
        return [[str(c), *map(int, e)] for e, c in sp.Poly(part, *symbols).terms() if c != 0]

    return {
        "above": terms(above / constant),
        "below": [[terms(factor), int(power)] for factor, power in factors],
    }


def _span(one: Multiplier) -> tuple[int, int]:
    if one.span is None:
        raise Unproved(f"which k have a multiplier of {one.kind} depends on K")
    return one.span


def _matrix(array: np.ndarray) -> sp.Matrix:
    return sp.Matrix([[sp.Rational(Fraction(v).numerator, Fraction(v).denominator) for v in row] for row in array])


def _in_symbols(fit: Fit) -> sp.Expr:
    """A fit with symbols for powers of its base."""
    symbols = (OF_K, OF_LENGTH)[-len(fit.exponents) :]
    plain = Fit(fit.above, fit.below).formula if len(fit.exponents) == 1 else _plain(fit)
    return plain * sp.Mul(*(s**e for s, e in zip(symbols, fit.exponents)))


def _plain(fit: Fit) -> sp.Expr:
    return Fit(fit.above, fit.below, Fraction(1), (0,) * len(fit.exponents)).formula
