"""Checking a proof: every identity is 0 = 0, every sign shown, every case there, every hypothesis the bound's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

import sympy as sp

from .._vocabulary import k
from ._claims import CASES, INDEX_FROM_2, Argument, Claim, Earlier, Factor, Given, Part, Range, Term, Use, put_in
from ._polynomials import Ring, terms
from ._signs import is_nonnegative
from ._symbols import is_vector, moved, symbol


class Unproved(Exception):
    """An argument that does not hold; the message says where."""


def check_argument(argument: Argument, goal: sp.Expr, hypotheses: Iterable[str]) -> None:
    """Raise `Unproved` unless the claims of the argument hold and the last one is `goal`."""
    granted = set(hypotheses)
    if not argument.claims:
        raise Unproved("the argument has no claims")
    _grant(argument.needs, granted, "the argument")
    for definition in argument.definitions:
        _grant(definition.hypotheses, granted, f"the definition of {definition.symbol}")
    known: dict[str, Claim] = {}
    for claim in argument.claims:
        for part in claim.parts:
            where = f"claim `{claim.name}`" + (f" ({part.says})" if part.says else "")
            _Checker(claim, part, argument, known, granted, where).check()
        _check_cover(claim)
        known[claim.name] = claim
    if terms(argument.claims[-1].expression - goal):
        raise Unproved("the last claim is not what the bound says")


def _grant(names: Iterable[str], granted: set[str], where: str) -> None:
    for name in names:
        if name not in granted:
            raise Unproved(f"{where} needs the hypothesis `{name}`, which is not one of the bound's")


def _uses_itself(claim: Claim, part: Part) -> bool:
    return any(isinstance(f, Earlier) and f.claim == claim.name for t in part.terms for f in t.factors)


def _check_cover(claim: Claim) -> None:
    """Every case has a part: an induction its start, a range that is one of several cases the others."""
    steps = [part for part in claim.parts if _uses_itself(claim, part)]
    starts = [part for part in claim.parts if part not in steps]
    if not starts:
        raise Unproved(f"claim `{claim.name}` has no proof" + (": an induction without a start" if steps else ""))
    if steps:
        # parts that need no induction hypothesis belong to the steps if they are at a general k
        steps += [part for part in starts if part.position == k]
        starts = [part for part in starts if part.position != k]
        first = 2 if all(INDEX_FROM_2 in part.ranges for part in steps) else 1
        begin = {part.position for part in starts}
        if begin != {first - 1}:
            raise Unproved(f"claim `{claim.name}`: the induction goes from {first - 1} on and starts at {begin}")
    if claim.case is not None and not all(claim.case in part.ranges for part in claim.parts):
        raise Unproved(f"claim `{claim.name}` is for {claim.case.says} and is proved elsewhere")
    for group in (starts, steps):
        found = [frozenset(r for r in part.ranges if r.cases and r is not claim.case) for part in group]
        _check_cases(claim, found)


def _check_cases(claim: Claim, found: list[frozenset[Range]]) -> None:
    """The cases of the parts leave nothing out; a part that does not mention a family stands for all of it."""
    families: dict[str, tuple[Range, ...]] = {}
    for r in (r for ranges in found for r in ranges):
        if r.cases in CASES:
            families[r.cases] = CASES[r.cases]
        else:
            families[r.cases] = tuple(dict.fromkeys((*families.get(r.cases, ()), r)))
    for name, members in families.items():
        signs = [r.gives for r in members]
        if name not in CASES and (len(members) != 2 or sp.expand(signs[0] + signs[1]) != 0):
            raise Unproved(f"claim `{claim.name}`: of {name} one case is left out")
    for choice in product(*families.values()):
        if found and not any(ranges <= set(choice) for ranges in found):
            raise Unproved(f"claim `{claim.name}`: the case {' and '.join(r.says for r in choice)} is left out")


@dataclass(frozen=True)
class _Checker:
    """One part of one claim."""

    claim: Claim
    part: Part
    argument: Argument
    known: Mapping[str, Claim]
    granted: set[str]
    where: str

    def check(self) -> None:
        claim, part, where = self.claim, self.part, self.where
        for r in part.ranges:
            _grant((h.name for h in r.hypotheses), self.granted, where)
        domain = {s: value for r in part.ranges for s, value in r.values.items()}
        times = part.times
        if times != 1 and not (is_nonnegative(times, domain, True) or _conjugate(claim.expression, times, domain)):
            raise Unproved(f"{where}: the claim is multiplied by {times}, which is not shown to be positive")
        pieces = [(f"{where}: the claim", times * moved(claim.expression, part.index, part.position))]
        for one in part.terms:
            pieces.append((f"{where}: {_named(one)}", -self.value(one, domain)))
        fixed = {s: value for s, value in domain.items() if value.is_number}
        pieces = [(label, self.replaced(piece, domain).subs(fixed)) for label, piece in pieces]
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
        if not equality and not is_nonnegative(one.multiplier, domain):
            raise Unproved(f"{self.where}: the multiplier {one.multiplier} of {_named(one)} is not shown to be >= 0")
        return one.multiplier * value * (1 if one.square is None else one.square**2)

    def factor(self, factor: Factor) -> tuple[sp.Expr, bool]:
        """The expression of a factor, and whether it is = 0 rather than >= 0."""
        claim, part, where = self.claim, self.part, self.where
        if isinstance(factor, Use):
            _grant(factor.hypotheses, self.granted, f"{where}: {factor}")
            return factor.expression, factor.rule.equality
        if isinstance(factor, Given):
            if factor.range not in part.ranges or factor.range.gives is None:
                raise Unproved(f"{where}: {factor} is another case")
            return factor.range.gives, False
        if factor.claim == claim.name:
            if (factor.index, factor.position) != ("j", k - 1) or part.index != "k" or claim.equality:
                raise Unproved(f"claim `{claim.name}` is used to prove itself")
            return moved(claim.expression, "j", k - 1), False
        if factor.claim not in self.known:
            raise Unproved(f"claim `{factor.claim}` is used before it is proved")
        source = self.known[factor.claim]
        if source.case is not None and source.case not in part.ranges:
            raise Unproved(f"claim `{factor.claim}` holds for {source.case.says} only")
        if factor.index in ("0", "j") and not any(part.position == 0 for part in source.parts):
            # a claim about steps holds from k = 1 on, and at k - 1 = 0 there is none
            raise Unproved(f"claim `{factor.claim}` speaks of steps and is used at {factor.position}")
        return moved(source.expression, factor.index, factor.position), source.equality

    def replaced(self, piece: sp.Expr, domain: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
        """Partial sums by their recurrence, definitions put in, maxima decided by the range."""
        for name, rule in self.argument.sums.items():
            now = rule.factor * symbol(name, "j") + rule.increment
            piece = piece.subs({symbol(name, "k"): now, symbol(name, "0"): rule.start})
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
        return put_in(piece, self.argument.definitions)


def _conjugate(expression: sp.Expr, times: sp.Expr, domain: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether the claim is Y - X and `times` Y + X with X, Y >= 0: where that is 0, so is the claim."""
    return is_nonnegative(times + expression, domain) and is_nonnegative(times - expression, domain)


def _named(one: Term) -> str:
    return " and ".join(str(factor) for factor in one.factors) or "a square"


def _short(expression: sp.Expr, most: int = 160) -> str:
    text = str(expression)
    return text if len(text) <= most else text[:most] + " ..."
