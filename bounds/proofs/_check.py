"""Checking a proof: every identity is 0 = 0, every sign shown, every case there, every hypothesis the bound's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import sympy as sp

from .._hypothesis import Hypothesis
from ..vocabulary import k
from ._claims import CASES, Argument, Claim, Earlier, Factor, Given, Part, Range, Term, Unproved, Use, put_in
from ._conditions import (
    Arguments,
    Ground,
    check_earlier,
    check_entries,
    check_place,
    check_range,
    check_stays,
    check_symbols,
    check_whole,
    depends_on,
    domain_of,
    first_index,
    ground,
)
from ._formulas import check_divisors, divisors
from ._goal import Goal
from ._polynomials import Ring, terms
from ._rules import RULES
from ._signs import is_nonnegative
from ._symbols import Point, is_vector, moved, symbol


def check_argument(argument: Argument, goal: Goal, hypotheses: Iterable[Hypothesis]) -> frozenset[str]:
    """Raise `Unproved` unless the claims of the argument hold and the last one is what `goal` says.

    Returns:
        The digests of the hypotheses that it uses.
    """
    if not argument.claims:
        raise Unproved("the argument has no claims")
    base = ground(goal, argument, hypotheses)
    parts: list[_Checker] = []
    earlier: dict[str, tuple[Claim, int]] = {}
    # side conditions first, which are cheap: most of what is wrong is found by them
    for claim in argument.claims:
        if claim.name in earlier:
            raise Unproved(f"two claims are called `{claim.name}`")
        check_symbols(claim.expression, argument, f"claim `{claim.name}`")
        check_stays(claim.expression, f"claim `{claim.name}`")
        first = _first_index(claim)
        for part in claim.parts:
            where = f"claim `{claim.name}`" + (f" ({part.says})" if part.says else "")
            parts.append(_Checker(claim, part, base, dict(earlier), where, domain_of(part.ranges, where)))
            parts[-1].conditions(first)
        _check_cover(claim)
        earlier[claim.name] = (claim, first)
    last = argument.claims[-1]
    for checker in parts:
        if checker.claim is last:
            check_divisors(goal.divisors, checker.here, f"{checker.where}: the statement")
    if last.case is not None or earlier[last.name][1] > 1:
        raise Unproved("the last claim is not proved for every case and every step")
    if terms(last.expression - goal.expression):
        raise Unproved("the last claim is not what the bound says")
    for checker in reversed(parts):  # what a wrong formula breaks is at the end, as a rule
        checker.check()
    return frozenset(base.used)


def _uses_itself(claim: Claim, part: Part) -> bool:
    return any(
        isinstance(f, Earlier) and (f.claim, f.index) == (claim.name, "j") for t in part.terms for f in t.factors
    )


def _first_index(claim: Claim) -> int:
    """The least index at which a claim holds: an induction has a start, and goes on right after it."""
    general = [part for part in claim.parts if part.position == k]
    begin = {part.position for part in claim.parts if part.position != k}
    first = max((first_index(part) for part in general), default=0)
    if not general:
        raise Unproved(f"claim `{claim.name}` has no proof at a general k")
    if begin and begin != {first - 1}:
        raise Unproved(f"claim `{claim.name}`: the induction goes from {first} on and starts at {begin}")
    if not begin and any(_uses_itself(claim, part) for part in general):
        raise Unproved(f"claim `{claim.name}` has no proof: an induction without a start")
    return first - 1 if begin else first


def _check_cover(claim: Claim) -> None:
    """A range that is one of several cases has the others beside it, at the start and at the steps."""
    if claim.case is not None and not all(claim.case in part.ranges for part in claim.parts):
        raise Unproved(f"claim `{claim.name}` is for {claim.case.says} and is proved elsewhere")
    general = [part for part in claim.parts if part.position == k]
    for group in ([part for part in claim.parts if part.position != k], general):
        cases = [frozenset(r for r in part.ranges if r.cases and r is not claim.case) for part in group]
        _check_cases(claim, cases)


def _check_cases(claim: Claim, cases: list[frozenset[Range]]) -> None:
    """The cases of the parts leave nothing out; a part that does not mention a family stands for all of it."""
    families: dict[str, tuple[Range, ...]] = {}
    for r in (r for ranges in cases for r in ranges):
        if r.cases in CASES:
            families[r.cases] = CASES[r.cases]
        else:
            families[r.cases] = tuple(dict.fromkeys((*families.get(r.cases, ()), r)))
    for name, members in families.items():
        signs = [r.gives for r in members if r.gives is not None]
        two = len(signs) == len(members) == 2
        if name not in CASES and not (two and sp.expand(signs[0] + signs[1]) == 0):
            raise Unproved(f"claim `{claim.name}`: of {name} one case is left out")
    for choice in product(*families.values()):
        if cases and not any(ranges <= set(choice) for ranges in cases):
            raise Unproved(f"claim `{claim.name}`: the case {' and '.join(r.says for r in choice)} is left out")


@dataclass(frozen=True)
class _Checker:
    """One part of one claim."""

    claim: Claim
    part: Part
    ground: Ground
    earlier: Mapping[str, tuple[Claim, int]]
    where: str
    domain: Mapping[sp.Symbol, sp.Expr]

    def conditions(self, first: int) -> None:
        """Everything but the algebra; `first` is the least index at which the claim is to hold."""
        claim, part, where = self.claim, self.part, self.where
        check_place(part, where)
        if part.position == 0 and depends_on(claim.expression, "_j"):
            raise Unproved(f"{where}: the claim speaks of x_(k-1), and there is none before x_0")
        for r in part.ranges:
            check_range(r, self.ground, where)
        self._scalar(part.times)
        check_whole(part.times, where)
        for one in part.terms:
            check_entries(one, where)
            self._scalar(one.multiplier)
            if one.square is not None:
                check_symbols(one.square, self.ground.argument, where)
            for factor in one.factors:
                self._condition(factor, first)
        bases = {moved(b, *place) for formula, place in self._formulas() for b in divisors(formula)}
        check_divisors(bases, self.here, where)

    @property
    def here(self) -> Mapping[sp.Symbol, sp.Expr]:
        """The domain, with k = 1 at a start at 1."""
        return {**self.domain, k: sp.Integer(1)} if self.part.position == 1 else self.domain

    def _formulas(self) -> Iterator[tuple[sp.Expr, tuple[str, sp.Expr | int]]]:
        """Every formula that the part speaks of, and the place it is taken at."""
        part, here = self.part, ("k", k)
        yield self.claim.expression, (part.index, part.position)
        yield part.times, here
        yield from ((r.gives, here) for r in part.ranges if r.gives is not None)
        yield from ((definition.value, here) for definition in self.ground.argument.definitions)
        for one in part.terms:
            yield one.multiplier, here
            if one.square is not None:
                yield one.square, here
            for factor in one.factors:
                if isinstance(factor, Earlier):
                    yield self._source(factor).expression, (factor.index, factor.position)
                    continue
                yield self.factor(factor)[0], here
                if isinstance(factor, Use):
                    yield from ((a, here) for a in factor.arguments if not isinstance(a, Point))

    def _scalar(self, expression: sp.Expr) -> None:
        check_symbols(expression, self.ground.argument, self.where)
        if any(is_vector(s) for s in expression.free_symbols):
            raise Unproved(f"{self.where}: the multiplier {expression} has vectors")

    def _condition(self, factor: Factor, first: int) -> None:
        claim, part, where = self.claim, self.part, f"{self.where}: {factor}"
        if isinstance(factor, Use):
            if RULES.get(factor.rule.name) is not factor.rule:
                raise Unproved(f"{where}: this is none of the rules")
            self.ground.grant(factor.hypotheses, where)
            Arguments(factor.arguments, self.ground, part, self.domain, where).check(factor.rule.takes)
        elif isinstance(factor, Given):
            if factor.range not in part.ranges or factor.range.gives is None:
                raise Unproved(f"{where} is another case")
        elif factor.claim == claim.name:
            if (factor.index, factor.position) != ("j", k - 1) or part.position != k or claim.equality:
                raise Unproved(f"claim `{claim.name}` is used to prove itself")
            check_earlier(factor, claim, first, part, where)
        elif factor.claim not in self.earlier:
            raise Unproved(f"claim `{factor.claim}` is used before it is proved")
        else:
            check_earlier(factor, *self.earlier[factor.claim], part, where)

    def at(self, expression: sp.Expr) -> sp.Expr:
        """The expression at the k of this part, which is 1 at a start at 1."""
        return sp.sympify(expression).subs(k, 1) if self.part.position == 1 else expression

    def check(self) -> None:
        """The algebra: the identity, its degrees and its signs."""
        claim, part, where, domain = self.claim, self.part, self.where, self.domain
        times, wanted = self.at(part.times), moved(claim.expression, part.index, part.position)
        if times != 1 and not (is_nonnegative(times, domain, True) or _conjugate(wanted, times, domain)):
            raise Unproved(f"{where}: the claim is multiplied by {times}, which is not shown to be positive")
        pieces = [(f"{where}: the claim", times * wanted)]
        for one in part.terms:
            pieces.append((f"{where}: {_named(one)}", -self.value(one, domain)))
        fixed = {s: value for s, value in domain.items() if value.is_number}
        pieces = [(label, self.at(self.replaced(piece, domain)).subs(fixed)) for label, piece in pieces]
        ring = Ring([piece for _, piece in pieces])
        vectors = [is_vector(s) for s in ring.gens]
        total = ring(sp.Integer(0))
        for label, piece in pieces:
            polynomial = ring(piece)
            degrees = (sum(p for p, vector in zip(powers, vectors) if vector) for powers in polynomial.monoms())
            if not set(degrees) <= {0, 2}:
                raise Unproved(f"{label} is not quadratic in the vectors, and means nothing in an inner-product space")
            total += polynomial
        if total != 0:
            raise Unproved(f"{where}: the identity leaves the remainder {_short(total.as_expr())}")

    def value(self, one: Term, domain: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
        """The term as an expression, once its sign is shown."""
        value, equality = sp.Integer(1), False
        for factor in one.factors:
            expression, is_equality = self.factor(factor)
            value *= expression
            equality |= is_equality
        if self.claim.equality and not equality:
            raise Unproved(f"{self.where}: an equality is proved by equalities only")
        if not equality and not is_nonnegative(self.at(one.multiplier), domain):
            raise Unproved(f"{self.where}: the multiplier {one.multiplier} of {_named(one)} is not shown to be >= 0")
        return one.multiplier * value * (1 if one.square is None else one.square**2)

    def _source(self, factor: Earlier) -> Claim:
        return self.claim if factor.claim == self.claim.name else self.earlier[factor.claim][0]

    def factor(self, factor: Factor) -> tuple[sp.Expr, bool]:
        """The expression of a factor, and whether it is = 0 rather than >= 0."""
        if isinstance(factor, Use):
            return factor.expression, factor.rule.equality
        if isinstance(factor, Given):
            return factor.range.gives, False
        source = self._source(factor)
        return moved(source.expression, factor.index, factor.position), source.equality

    def replaced(self, piece: sp.Expr, domain: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
        """Partial sums by their recurrence, definitions put in, maxima decided by the range."""
        for name, rule in self.ground.argument.sums.items():
            here, first = symbol(name, "k"), symbol(name, "0")
            if {here, first} & piece.free_symbols:
                now = rule.factor * symbol(name, "j") + rule.increment
                piece = piece.subs({here: now, first: rule.start})
        for maximum in piece.atoms(sp.Max):
            rest = [a for a in maximum.args if a != 0]
            if len(rest) != 1:
                raise Unproved(f"{self.where}: {maximum} is not the positive part of something")
            if is_nonnegative(rest[0], domain):
                piece = piece.subs(maximum, rest[0])
            elif is_nonnegative(-rest[0], domain):
                piece = piece.subs(maximum, 0)
            else:
                raise Unproved(f"{self.where}: the sign of {rest[0]} is not known here")
        return put_in(piece, self.ground.argument.definitions)


def _conjugate(expression: sp.Expr, times: sp.Expr, domain: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether the claim is Y - X and `times` Y + X with X, Y >= 0: where that is 0, so is the claim."""
    return is_nonnegative(times + expression, domain) and is_nonnegative(times - expression, domain)


def _named(one: Term) -> str:
    return " and ".join(str(factor) for factor in one.factors) or "a square"


def _short(expression: sp.Expr, most: int = 160) -> str:
    text = str(expression)
    return text if len(text) <= most else text[:most] + " ..."
