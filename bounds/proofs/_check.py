"""Checking a proof: every identity expanded to zero, every sign shown, every hypothesis among those of the bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import sympy as sp

from .._vocabulary import k
from ._claims import CASES, INDEX_FROM_2, Argument, Claim, Earlier, Part, Term, Use
from ._polynomials import Ring, terms
from ._signs import is_nonnegative
from ._symbols import is_vector, moved, symbol


class Unproved(Exception):
    """An argument that does not hold; the message says where."""


def check_argument(argument: Argument, goal: sp.Expr, hypotheses: Iterable[str]) -> None:
    """Raise `Unproved` unless the claims of the argument hold and the last one is `goal`."""
    granted, known = set(hypotheses), {}
    if not argument.claims:
        raise Unproved("the argument has no claims")
    for claim in argument.claims:
        for part in claim.parts:
            _check_part(claim, part, argument, known, granted)
        _check_cover(claim)
        known[claim.name] = claim
    if terms(argument.claims[-1].expression - goal):
        raise Unproved("the last claim is not what the bound says")


def _uses_itself(claim: Claim, part: Part) -> bool:
    return any(isinstance(t.factor, Earlier) and t.factor.claim == claim.name for t in part.terms)


def _check_cover(claim: Claim) -> None:
    """Every case has a part: an induction its start, a range that is one of several cases the others."""
    steps = [part for part in claim.parts if _uses_itself(claim, part)]
    starts = [part for part in claim.parts if part not in steps]
    if not starts:
        raise Unproved(f"claim `{claim.name}` has no proof" + (": an induction without a start" if steps else ""))
    if steps:
        first = 2 if all(INDEX_FROM_2 in part.ranges for part in steps) else 1
        begin = {part.position if part.index == "0" else part.where.get(k) for part in starts}
        if begin != {first - 1}:
            raise Unproved(f"claim `{claim.name}`: the induction goes from {first - 1} on and starts at {begin}")
    if claim.case is not None and not all(claim.case in part.ranges for part in claim.parts):
        raise Unproved(f"claim `{claim.name}` is for {claim.case.says} and is proved elsewhere")
    for group in (starts, steps):
        found = {frozenset(r for r in part.ranges if r.cases and r is not claim.case) for part in group}
        families = sorted({r.cases for ranges in found for r in ranges})
        wanted = {frozenset(choice) for choice in product(*(CASES[name] for name in families))}
        if group and not wanted <= found:
            missing = [" and ".join(r.says for r in ranges) for ranges in wanted - found]
            raise Unproved(f"claim `{claim.name}`: the case {'; '.join(sorted(missing))} is left out")


def _factor(term: Term, claim: Claim, part: Part, known: Mapping[str, Claim]) -> tuple[sp.Expr, bool]:
    """The expression of the factor of a term, and whether it is = 0 rather than >= 0."""
    factor = term.factor
    if factor is None:
        return sp.Integer(1), False
    if isinstance(factor, Use):
        return factor.expression, factor.rule.equality
    if factor.claim == claim.name:
        if (factor.index, factor.position) != ("j", k - 1) or part.index != "k" or claim.equality:
            raise Unproved(f"claim `{claim.name}` is used to prove itself")
        return moved(claim.expression, "j", k - 1), False
    if factor.claim not in known:
        raise Unproved(f"claim `{factor.claim}` is used before it is proved")
    source = known[factor.claim]
    if source.case is not None and source.case not in part.ranges:
        raise Unproved(f"claim `{factor.claim}` holds for {source.case.says} only")
    return moved(source.expression, factor.index, factor.position), source.equality


def _definitions(argument: Argument, part: Part) -> dict[sp.Symbol, sp.Expr]:
    """What is put in for symbols: the partial sums by their recurrence, then the definitions of the part."""
    found: dict[sp.Symbol, sp.Expr] = {}
    for name, increment in argument.sums.items():
        found[symbol(name, "k")] = symbol(name, "j") + increment
        found[symbol(name, "0")] = sp.Integer(0)
    return {**found, **part.where}


def _check_part(
    claim: Claim, part: Part, argument: Argument, known: Mapping[str, Claim], granted: set[str]
) -> None:
    where = f"claim `{claim.name}`" + (f" ({part.says})" if part.says else "")
    domain = {s: value for r in part.ranges for s, value in r.values.items()}
    definitions = _definitions(argument, part)
    for name in (h.name for r in part.ranges for h in r.hypotheses):
        _grant(name, granted, where)
    times = part.times
    if times != 1 and not is_nonnegative(times, domain, strict=True) and not _conjugate(claim.expression, times, domain):
        raise Unproved(f"{where}: the claim is multiplied by {times}, which is not shown to be positive")
    pieces = [(f"{where}: the claim", times * moved(claim.expression, part.index, part.position))]
    for term in part.terms:
        expression, equality = _factor(term, claim, part, known)
        for name in () if not isinstance(term.factor, Use) else term.factor.hypotheses:
            _grant(name, granted, f"{where}: {term.factor}")
        if claim.equality and not equality:
            raise Unproved(f"{where}: an equality is proved by equalities only")
        if not equality and not is_nonnegative(term.multiplier, domain):
            raise Unproved(f"{where}: the multiplier {term.multiplier} of {term.factor or 'a square'} is not shown >= 0")
        square = sp.Integer(1) if term.square is None else term.square**2
        pieces.append((f"{where}: {term.factor or 'a square'}", -term.multiplier * expression * square))
    pieces = [(label, piece.subs(definitions)) for label, piece in pieces]
    ring = Ring([piece for _, piece in pieces])
    vectors = [is_vector(s) for s in ring.gens]
    total = ring(sp.Integer(0))
    for label, piece in pieces:
        polynomial = ring(piece)
        if any(sum(p for p, vector in zip(powers, vectors) if vector) not in (0, 2) for powers in polynomial.monoms()):
            raise Unproved(f"{label} is not quadratic in the vectors, and means nothing in an inner-product space")
        total += polynomial
    if total != 0:
        raise Unproved(f"{where}: the identity leaves the remainder {_short(total.as_expr())}")


def _conjugate(expression: sp.Expr, times: sp.Expr, domain: Mapping[sp.Symbol, sp.Expr]) -> bool:
    """Whether the claim is Y - X and `times` Y + X with X, Y >= 0: where that is 0, so is the claim."""
    return is_nonnegative(times + expression, domain) and is_nonnegative(times - expression, domain)


def _grant(name: str, granted: set[str], where: str) -> None:
    if name not in granted:
        raise Unproved(f"{where} needs the hypothesis `{name}`, which is not one of the bound's")


def _short(expression: sp.Expr, most: int = 160) -> str:
    text = str(expression)
    return text if len(text) <= most else text[:most] + " ..."
