"""Side conditions: what a claim, a range, a definition, an argument of a rule must be before any algebra is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from .. import hypotheses as _hypotheses
from .._hypothesis import Hypothesis
from ..hypotheses import ACCELERATED_GUARD, ACCELERATED_WEIGHTS, MOMENTUM_REGION, R_CONVEX
from ..vocabulary import VOCABULARY, Q, k
from ._claims import (
    INDEX,
    INDEX_FROM_2,
    ONE,
    RANGES,
    ZERO,
    Argument,
    Claim,
    Earlier,
    Part,
    Range,
    Recurrence,
    Term,
    Unproved,
    Use,
)
from ._facts import DEFINITIONS, FACTS, PRODUCTS, SIZES
from ._formulas import check_divisors, check_formula, check_recurrence, check_types, divisors
from ._goal import AT_POINTS, RUN, Goal, formula
from ._goal import SIZES as SIZE_NAMES
from ._polynomials import terms
from ._signs import is_nonnegative
from ._symbols import ENTRYWISE, OF_A_STEP, L, Point, is_vector, size, symbol

PLACES = {("k", k): 0, ("j", k - 1): -1}
"""Places that depend on k, and how far they are from it; the others are the two ends of the run."""
ENDS = {("0", ZERO): 0, ("K", Q.K): 1}
"""The ends of the run, and the least number they stand for."""
_REAL = re.compile(r"[xgsfruvw]_[kj0Kztypeo]|[a-z0-9]+vec_[kj0Kztypeo]|f_inf")
_SIZES = {f"{name}_k" for name in SIZE_NAMES} | {"Gnorm_k", "Dnorm_k", "product_k"}
_SIZES |= {f"{name}_{index}" for name in AT_POINTS if name != "F" for index in "kj0K"}


@dataclass
class Ground:
    """What a proof may stand on: the bound's hypotheses by content, and which of them it has used."""

    goal: Goal
    argument: Argument
    granted: Mapping[str, str]
    formulas: tuple[tuple[str, Goal], ...]
    """The formulas of the hypotheses, each with the digest of its own."""
    inexact: bool
    """Whether g_k is an eps_k-subgradient only: the statement or one of its hypotheses speaks of eps."""
    used: set[str] = field(default_factory=set)

    def grant(self, wanted: Iterable[Hypothesis | str], where: str) -> None:
        """Raise `Unproved` unless the bound has these hypotheses, word for word and judge for judge."""
        for one in wanted:
            hypothesis = by_name(one) if isinstance(one, str) else one
            if hypothesis.digest in self.granted:
                self.used.add(hypothesis.digest)
                continue
            but = ", which is not one of the bound's"
            if hypothesis.name in self.granted.values():
                but = f" ({hypothesis.statement}), and what the bound calls so says another thing"
            raise Unproved(f"{where} needs the hypothesis `{hypothesis.name}`{but}")

    def has(self, wanted: Iterable[Hypothesis]) -> bool:
        """Whether the bound has these hypotheses."""
        return all(one.digest in self.granted for one in wanted)


def by_name(name: str) -> Hypothesis:
    """The hypothesis of that name in `bounds.hypotheses`."""
    for value in vars(_hypotheses).values():
        if isinstance(value, Hypothesis) and value.name == name:
            return value
    raise Unproved(f"there is no hypothesis `{name}` in bounds.hypotheses; give the Hypothesis itself")


def ground(goal: Goal, argument: Argument, hypotheses: Iterable[Hypothesis]) -> Ground:
    """The ground of an argument, once its sums, norms and definitions are in order."""
    hypotheses = tuple(hypotheses)
    for one in hypotheses:
        if type(one) is not Hypothesis:
            raise Unproved(f"the bound has a hypothesis of the type {type(one).__name__}, and not Hypothesis")
    check_types(argument)
    formulas = tuple((one.digest, f) for one in hypotheses for f in _translated(one))
    granted = {one.digest: one.name for one in hypotheses}
    base = Ground(goal, argument, granted, formulas, _is_inexact(goal, hypotheses))
    base.grant(goal.needs, "what the bound says")
    base.grant(argument.needs, "the argument")
    for definition in argument.definitions:
        if definition not in DEFINITIONS.values():
            raise Unproved(f"the definition {definition.symbol} = {definition.value} is not one that proofs know")
        base.grant(definition.hypotheses, f"the definition of {definition.symbol}")
    _check_sums(goal, argument)
    for norm, vector in argument.norms.items():
        _check_norm(norm, vector, argument)
    return base


def _is_inexact(goal: Goal, hypotheses: Iterable[Hypothesis]) -> bool:
    expressions = [goal.expression, *(rule.increment for rule in goal.sums.values())]
    supposed = [sp.sympify(expression) for one in hypotheses for expression in one.formula]
    return (
        any(size("eps", "k") in expression.free_symbols for expression in expressions)
        or any(str(entry.base) == "eps" for expression in supposed for entry in expression.atoms(sp.Indexed))
        or any("eps" in one.uses for one in hypotheses)
    )


def _translated(hypothesis: Hypothesis) -> list[Goal]:
    formulas = []
    for expression in hypothesis.formula:
        try:
            formulas.append(formula(expression))
        except Unproved:  # a formula in quantities that proofs do not know is of no use to them
            continue
    return formulas


def _check_sums(goal: Goal, argument: Argument) -> None:
    for name, rule in goal.sums.items():
        if argument.sums.get(name) != rule:
            raise Unproved(f"the sum {name} is not that of the statement: {rule}")
    check_divisors(goal.step_divisors, INDEX.values, "a sum of the statement")
    for name, rule in argument.sums.items():
        if not re.fullmatch(r"sum\d+|[cuvw]", name):
            raise Unproved(f"a sum is called sum1, sum2, ..., c, or as a vector u, v or w; not {name}")
        check_recurrence(name, rule)
        vector = name in "uvw"
        for expression in (rule.increment, rule.factor, rule.start):
            accumulated = {s for s in expression.free_symbols if s.name.rpartition("_")[0] in argument.sums}
            check_symbols(expression, argument, f"the sum {name}")
            check_stays(expression, f"the sum {name}")
            if accumulated or (not vector and not degrees(expression) <= {0, 2}):
                raise Unproved(f"the sum {name} adds up {expression}, which is no number of a step")
            if vector and expression is not rule.factor and not degrees(expression) <= {1}:
                raise Unproved(f"the sum {name} adds up {expression}, which is no vector")
        if any(s.name.endswith(("_k", "_j")) for s in rule.start.free_symbols) or rule.start.has(k):
            raise Unproved(f"the sum {name} starts from {rule.start}, which depends on k")


def _check_norm(norm: sp.Symbol, vector: sp.Expr, argument: Argument) -> None:
    check_formula(norm, "the symbol of a norm")
    name, _, index = norm.name.rpartition("_") if norm.is_Symbol else ("", "", "")
    if norm != size(name, index) or index != "k" or not re.fullmatch(r"[a-z]{2,}\d*", name):
        raise Unproved(f"the symbol {norm} of a norm is not of the form size('name', 'k')")
    if norm.name in _SIZES or name in VOCABULARY or name in argument.sums or _REAL.fullmatch(norm.name):
        raise Unproved(f"the symbol {norm} has a meaning, and cannot stand for the norm of {vector}")
    check_symbols(vector, argument, f"the norm {norm}")
    check_stays(vector, f"the norm {norm}")
    check_divisors(divisors(vector), INDEX.values, f"the norm {norm}")
    if vector.free_symbols & set(argument.norms) or degrees(vector) != {1}:
        raise Unproved(f"{norm} is said to be the norm of {vector}, which is no vector of the run")


def degrees(expression: sp.Expr) -> set[int]:
    """The degrees in the vectors of the monomials of an expression."""
    return {sum(power for s, power in used.items() if is_vector(s)) for used, _ in terms(expression)}


def check_symbols(expression: sp.Expr, argument: Argument, where: str) -> None:
    """Raise `Unproved` for what is no formula, or a symbol that looks like one of the run or has a sign and is none."""
    check_formula(expression, where)
    for s in expression.free_symbols:
        name = s.name.rpartition("_")[0]
        if name in argument.sums or _REAL.fullmatch(s.name):
            fine = s == sp.Symbol(s.name, real=True)
        elif s.name in _SIZES:
            fine = s == sp.Symbol(s.name, nonnegative=True)
        elif s.name in VOCABULARY:
            fine = s.name in RUN and s == VOCABULARY[s.name].symbol
        else:
            fine = s == k or s in argument.norms or (s == sp.Symbol(s.name, real=True) and s.name != "k")
        if not fine:
            raise Unproved(f"{where}: the symbol {s} is none that proofs know, or has a sign that nothing gives it")


def check_stays(expression: sp.Expr, where: str) -> None:
    """Raise `Unproved` for what speaks of points that belong to a step, and may be taken at others, or of entries."""
    for s in expression.free_symbols:
        if OF_A_STEP.fullmatch(s.name):
            raise Unproved(f"{where} speaks of {s}, a point of the guard or reference that belongs to one step")
    check_whole(expression, where)


def check_whole(expression: sp.Expr, where: str) -> None:
    """Raise `Unproved` for what speaks of numbers that differ from entry to entry."""
    for s in expression.free_symbols:
        if s.name in ENTRYWISE:
            raise Unproved(f"{where} speaks of {s}, which differs from entry to entry; only squares may")


def check_entries(one: Term, where: str) -> None:
    """A term with numbers of entries is a square, whose other factors are numbers: then its entries add up to one."""
    factors = [a for f in one.factors if type(f) is Use for a in f.arguments if not isinstance(a, Point)]
    spoken = [one.multiplier, *factors, *(() if one.square is None else (one.square,))]
    if not any(s.name in ENTRYWISE for e in spoken for s in e.free_symbols):
        return
    facts = all(type(f) is Use and f.rule.name == "hypothesis" for f in one.factors)
    plain = all(not is_vector(s) and not _REAL.fullmatch(s.name) for e in factors for s in e.free_symbols)
    if one.square is None or not facts or not plain or degrees(one.square) != {1}:
        raise Unproved(f"{where}: a term speaks of single entries, and is no square with facts about numbers")


def check_range(r: Range, ground: Ground, where: str) -> None:
    """A range is one of `RANGES`, its hypotheses those of the bound, or one of two signs."""
    if RANGES.get(r.says) is r:  # and no copy of it: what a range lets a proof suppose is asked by identity
        ground.grant(r.hypotheses, where)
        return
    if (
        r.values
        or r.hypotheses
        or r.gives is None
        or r.sign not in ("+", "-")
        or not r.cases.startswith("the sign of ")
    ):
        raise Unproved(f"{where}: the range {r.says} is not one of those that proofs know")
    check_symbols(r.gives, ground.argument, where)
    check_stays(r.gives, where)
    if not degrees(r.gives) <= {0, 2}:
        raise Unproved(f"{where}: {r.gives} is no number, and has no sign")


def domain_of(ranges: Iterable[Range], where: str) -> dict[sp.Symbol, sp.Expr]:
    """The change of variables of several ranges, which have no symbol in common."""
    domain: dict[sp.Symbol, sp.Expr] = {}
    symbols: set[sp.Symbol] = set()
    for r in dict.fromkeys(ranges):
        mine = set().union(*(sp.sympify(value).free_symbols for value in r.values.values())) if r.values else set()
        mine = {s for s in mine if s != k and s.name not in VOCABULARY and s.name not in _SIZES}
        if mine & symbols or set(r.values) & set(domain):
            raise Unproved(f"{where}: the range {r.says} shares {(mine & symbols) or set(r.values)} with another one")
        symbols |= mine
        domain |= r.values
    return domain


def first_index(part: Part) -> int:
    """The least k that a part speaks of."""
    if part.position == k:
        return 2 if INDEX_FROM_2 in part.ranges else 1
    return int(part.position)


def check_place(part: Part, where: str) -> None:
    """A part is about a general k, about k = 1, or about 0."""
    if (part.index, part.position) not in (("k", k), ("k", 1), ("0", 0)):
        raise Unproved(f"{where}: index {part.index} and position {part.position} do not say the same")
    if part.position != k and INDEX_FROM_2 in part.ranges:
        raise Unproved(f"{where}: the start is at {part.position} and supposes k >= 2")


def depends_on(expression: sp.Expr, ending: str) -> bool:
    """Whether an expression speaks of the index with this ending."""
    return any(s.name.endswith(ending) for s in expression.free_symbols)


def check_earlier(one: Earlier, source: Claim, first: int, part: Part, where: str) -> None:
    """A claim is used where it holds: `first` is the least index at which it does."""
    place = (one.index, sp.sympify(one.position))
    if place not in PLACES and place not in ENDS:
        raise Unproved(f"{where}: index {one.index} and position {one.position} of {one} do not say the same")
    least = ENDS[place] if place in ENDS else max(1, first_index(part)) + PLACES[place]
    if not (source.expression.has(k) or depends_on(source.expression, "_k") or depends_on(source.expression, "_j")):
        least = max(least, 1)  # it speaks of no index, and K >= 1
    elif depends_on(source.expression, "_j") and one.index != "k":
        raise Unproved(f"{where}: claim `{source.name}` speaks of a step, from k-1 to k, and is used at {one.position}")
    if first > least:
        raise Unproved(
            f"{where}: claim `{source.name}` holds from k = {first} on (a claim that speaks of steps from 1), and is "
            f"used at {one.position}, which may be {least}"
        )
    if source.case is not None and source.case not in part.ranges:
        raise Unproved(f"claim `{source.name}` holds for {source.case.says} only")
    if source.case is not None and one.index != "k" and _of_a_step(source.case):
        raise Unproved(f"{where}: claim `{source.name}` holds for {source.case.says}, at k, and is used elsewhere")


def _of_a_step(r: Range) -> bool:
    expressions = [*r.values, *map(sp.sympify, r.values.values()), *(() if r.gives is None else (r.gives,))]
    return any(e.has(k) or depends_on(e, "_k") or depends_on(e, "_j") for e in expressions)


# The arguments of rules


@dataclass(frozen=True)
class Arguments:
    """The arguments of one rule in one part."""

    values: tuple[sp.Expr | Point, ...]
    ground: Ground
    part: Part
    domain: Mapping[sp.Symbol, sp.Expr]
    where: str

    def check(self, kinds: tuple[str, ...]) -> None:
        """Raise `Unproved` for an argument that is not what the rule takes."""
        if len(kinds) != len(self.values):
            raise Unproved(f"{self.where}: {len(self.values)} arguments, and the rule takes {len(kinds)}")
        for kind, value in zip(kinds, self.values):
            if isinstance(value, Point) != (kind in ("point", "subgradient", "inexact")):
                raise Unproved(f"{self.where}: the argument {value} is no {kind}")
            if not isinstance(value, Point):
                check_symbols(value, self.ground.argument, self.where)
            if not _KINDS[kind](self, value):
                raise Unproved(f"{self.where}: the argument {getattr(value, 'index', value)} is no {kind}")

    def point(self, value: Point) -> bool:
        if value.index == "t":
            self.ground.grant((R_CONVEX,), f"{self.where}: T(z)")
        if value.index in ("y", "p"):
            self.ground.grant((ACCELERATED_GUARD,), f"{self.where}: the points of the guard")
        if value.index == "e":
            self.ground.grant((ACCELERATED_WEIGHTS,), f"{self.where}: the point of the accelerated reference")
        if value.index == "o":
            self.ground.grant((MOMENTUM_REGION,), f"{self.where}: the point ahead of a step with momentum")
        return value.index in ("k", "j", "0", "K", "z", "t", "y", "p", "e", "o")

    def subgradient(self, value: Point) -> bool:
        early = value.index == "j" and first_index(self.part) < 2
        return self.point(value) and value.index in ("k", "K", "t", "j", "p") and not early and not self.ground.inexact

    def inexact(self, value: Point) -> bool:
        return value.index == "k"

    def eps(self, value: sp.Expr) -> bool:
        return value == size("eps", "k")

    def constant(self, value: sp.Expr) -> bool:
        return is_nonnegative(sp.sympify(value) - L, self.domain)

    def vector(self, value: sp.Expr) -> bool:
        return any(isinstance(v, sp.Symbol) and self.tied(v, value) for v in self.values)

    def tied(self, norm: sp.Expr, vector: sp.Expr) -> bool:
        """Whether the symbol is that of the norm of the vector, up to the sign of the vector."""
        rows = [(s.symbol, s.vector, s.hypotheses) for s in SIZES.values()]
        rows += [(s, v, ()) for s, v in self.ground.argument.norms.items()]
        for length, of, needs in rows:
            if length == norm and self.ground.has(needs) and (same(of, vector) or same(of, -vector)):
                self.ground.grant(needs, self.where)
                return True
        return False

    def product(self, value: sp.Expr) -> bool:
        for row in PRODUCTS.values():
            if same(row.largest, self.values[0]) and (row.norm, row.product) == self.values[1:]:
                self.ground.grant(row.hypotheses, self.where)
                return True
        return False

    def mean(self, value: sp.Expr) -> bool:
        of = Point("k").F
        sums = (name for name, rule in self.ground.argument.sums.items() if rule == Recurrence(of, ONE, ZERO))
        return any(same(symbol(name, "K") / Q.K - Q.F_mean, value) for name in sums)

    def fact(self, value: sp.Expr) -> bool:
        for row in FACTS.values():
            if row.expression.free_symbols == value.free_symbols and same(row.expression, value):
                self.ground.grant(row.hypotheses, self.where)
                return True
        for digest, supposed in self.ground.formulas:
            if same(supposed.expression, value):
                self.ground.grant(supposed.needs, f"{self.where}: what its quantities mean")
                self.ground.used.add(digest)
                return True
        catalogued = [one for one in vars(_hypotheses).values() if isinstance(one, Hypothesis)]
        lacking = [f"`{one.name}`" for one in catalogued if any(same(f.expression, value) for f in _translated(one))]
        if lacking:
            raise Unproved(f"{self.where} needs the hypothesis {' or '.join(lacking)}, which the bound does not have")
        return False


_KINDS: dict[str, Callable[[Arguments, Any], bool]] = {
    "point": Arguments.point,
    "subgradient": Arguments.subgradient,
    "inexact": Arguments.inexact,
    "eps": Arguments.eps,
    "constant": Arguments.constant,
    "vector": Arguments.vector,
    "size of 2": lambda self, value: self.tied(value, self.values[1]),
    "size of 3": lambda self, value: self.tied(value, self.values[2]),
    "size of 4": lambda self, value: self.tied(value, self.values[3]),
    "product": Arguments.product,
    "mean": Arguments.mean,
    "fact": Arguments.fact,
}


def same(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether two expressions are the same polynomial."""
    return a == b or (a.free_symbols == sp.sympify(b).free_symbols and not terms(a - b))
