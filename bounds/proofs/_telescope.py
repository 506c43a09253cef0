"""Proofs over K steps: from the inequalities of one step to the invariant that carries them along the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sympy as sp

from ..vocabulary import Q, k
from ._claims import (
    COUNT,
    INDEX,
    ONE,
    Argument,
    Claim,
    Definition,
    Earlier,
    Part,
    Range,
    Term,
    Use,
    absolute,
    is_tilted,
    put_in,
    relative,
    term,
)
from ._goal import Goal
from ._polynomials import collected, terms
from ._symbols import moved, symbol

K = Q.K


def term_sum(terms: Iterable[Term], claims: Sequence[Claim] = ()) -> sp.Expr:
    """The sum of terms whose factors are rules, or `claims` at k."""
    stated = {str(Earlier(claim.name)): claim.expression for claim in claims}
    total = sp.Integer(0)
    for one in terms:
        factors = [f.expression if isinstance(f, Use) else stated[str(f)] for f in one.factors]
        total += one.multiplier * sp.Mul(*factors) * (1 if one.square is None else one.square**2)
    return total


def telescope(
    goal: Goal,
    steps: Sequence[Term],
    start: Sequence[Term] = (),
    end: Sequence[Term] = (),
    *,
    scale: sp.Expr = ONE,
    ranges: Sequence[Range] = (),
    definitions: Sequence[Definition] = (),
    claims: Sequence[Claim] = (),
    name: str = "invariant",
    says: str = "what the first k steps leave is not negative",
) -> tuple[Claim, Part]:
    """A claim and the end of a proof that ``scale * goal = sum over k = 1..K of steps + start + end``.

    The terms are at k, at 0 and at K. The claim says that an invariant is >= 0 for k = 0..K: it grows by `steps` at
    each step. It is found here, by collecting what `steps` leave at the index k alone, and checked like any other.
    `claims` are those that `steps` use at k.
    """
    linear = {name: sp.diff(goal.expression, symbol(name, "K")) * scale for name in goal.sums}
    increments = sum((c * goal.sums[name].increment for name, c in linear.items()), sp.Integer(0))
    growth = put_in(term_sum(steps, claims) - increments, definitions)
    potential = absolute(_at_index_k(relative(growth)), is_tilted(growth))
    partial = sum((c * symbol(name, "k") for name, c in linear.items()), sp.Integer(0))
    invariant = put_in(term_sum(start), definitions) - moved(potential, "0", 0) + partial + potential
    invariant = absolute(collected(relative(invariant)), is_tilted(invariant))
    claim = Claim(
        name,
        says,
        invariant,
        (
            Part(tuple(start), (COUNT, *ranges), "at k = 0", index="0", position=0),
            Part((term(1, Earlier(name, "j", k - 1)), *steps), (INDEX, *ranges), "from k-1 to k"),
        ),
        case=next((r for r in ranges if r.cases), None),
    )
    return claim, Part((term(1, Earlier(name, "K", K)), *end), (COUNT, *ranges), "at k = K", times=scale)


def from_zero(name: str, says: str, expression: sp.Expr, *steps: Term) -> Claim:
    """A claim that is 0 at k = 0 and grows by `steps` at each step."""
    parts = (
        Part((), (COUNT,), "at k = 0", index="0", position=0),
        Part((term(1, Earlier(name, "j", k - 1)), *steps), (INDEX,), "from k-1 to k"),
    )
    return Claim(name, says, expression, parts)


def in_one_go(goal: Goal, claim: Claim, end: Part, *before: Claim, **more: Any) -> Argument:
    """The argument of one invariant and its end, with the claims that it uses."""
    return Argument((*before, claim, Claim("bound", "the bound", goal.expression, (end,))), goal.sums, **more)


def _at_index_k(growth: sp.Expr) -> sp.Expr:
    """The monomials of index k, and k times those without an index (which every step adds alike)."""
    total = sp.Integer(0)
    for powers, coefficient in terms(growth):
        monomial = sp.factor(coefficient) * sp.Mul(*(s**power for s, power in powers.items()))
        before, now = (any(s.name.endswith(end) for s in powers) for end in ("_j", "_k"))
        if now and not before:
            total += monomial
        elif not now and not before:
            total += k * monomial
    return total
