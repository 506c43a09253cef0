"""The proof of a bound: checked, readable, and as plain data for another checker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sympy as sp

from . import (
    accelerated,
    certificate,
    descent,
    features,
    guaranteed,
    linear,
    nonconvex,
    out_of_distribution,
    preconditioned,
    rates,
)
from ._check import check_argument
from ._claims import Argument, Claim, Earlier, Factor, Part, Range, Term, Unproved, Use
from ._facts import DEFINITIONS
from ._goal import Goal, goal
from ._symbols import Point
from .checker import FORMAT, Wrong, check

if TYPE_CHECKING:
    from ..bound import Bound

ARGUMENTS = {
    key: build
    for module in (
        *(descent, rates, out_of_distribution, linear, nonconvex, features, certificate, guaranteed),
        accelerated,
        preconditioned,
    )
    for key, build in module.ARGUMENTS.items()
}
"""How each bound is argued for, by its name in the catalogue."""
_NOTATION = (
    "x_k, f_k, r_k, g_k, s_k: the iterate, f and r there, grad f there, a subgradient of r there (index j = k-1, z the "
    "comparator, 0 and K the ends); vectors are multiplied by their inner product; G_k = g_j + s_k, D_k = x_j - x_k, "
    "e_k = D_k - (h/L) G_k; Gnorm, Dnorm, enorm, dist their norms and ||x_k - x_z||"
)


@dataclass(frozen=True)
class Multiplier:
    """An inequality of a proof and what it is multiplied by; `square` of a square of its own."""

    claim: str
    part: str
    inequality: str
    multiplier: sp.Expr
    square: sp.Expr | None = None


@dataclass(frozen=True, eq=False)
class Proof:
    """What checking the proof of a bound found.

    `valid`: every identity was expanded to 0 = 0 exactly and every sign shown, for symbolic L, h, mu, sigma and K, and
    the independent `checker` accepts the certificate; if not, `reason` says what failed and which of the two refused,
    or that there is no proof. `identity` states, claim by claim, what the terms add up
    to; `multipliers` lists the terms; `hypotheses` names those of the bound that the proof uses.
    """

    bound: str
    valid: bool
    reason: str
    multipliers: tuple[Multiplier, ...] = ()
    identity: tuple[str, ...] = ()
    text: str = ""
    data: dict[str, Any] | None = None
    hypotheses: tuple[str, ...] = ()

    def certificate(self) -> dict[str, Any]:
        """The proof as plain JSON: all that a checker needs that knows the rules and nothing of this package."""
        return {"format": FORMAT, "bound": self.bound, "valid": self.valid, "reason": self.reason, **(self.data or {})}


def prove(bound: Bound) -> Proof:
    """Check the proof of a bound, by the prover and then by the independent checker.

    Args:
        bound: A bound, of the catalogue or changed; its formulas are compared, not its name only.

    Returns:
        The proof. It never raises: what is missing or wrong is the `reason` of a proof that is not `valid`.
    """
    build = ARGUMENTS.get(bound.key)
    if build is None:
        return Proof(bound.key, False, f"not proved here: {bound.source}", text=f"{_head(bound)}\nNot proved here.\n")
    try:
        wanted, argument = argued(build, bound.lhs, bound.rhs, bound.level)
        used = check_argument(argument, wanted, bound.hypotheses)
    except Unproved as error:
        return _refused(bound, str(error))
    except (ArithmeticError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        # a bound in other symbols than its proof speaks of: the algebra says so in its own ways
        why = f"{type(error).__name__}: {error}"
        return _refused(bound, f"the proof does not fit the formulas of the bound ({why})")
    lines = tuple(line for claim in argument.claims for line in _identities(claim))
    proof = Proof(
        bound.key,
        True,
        "",
        tuple(_multipliers(argument)),
        lines,
        "\n".join((_head(bound), *_body(argument), "")) + "\n",
        _data(bound, wanted.expression, argument),
        tuple(hypothesis.name for hypothesis in bound.hypotheses if hypothesis.digest in used),
    )
    try:
        check(proof.certificate(), bound)
    except Wrong as error:  # a hole in the prover, or a formula that the checker cannot read
        return _refused(bound, f"the independent checker refuses the certificate: {error}")
    return proof


def _refused(bound: Bound, reason: str) -> Proof:
    return Proof(bound.key, False, reason, text=f"{_head(bound)}\nNOT PROVED: {reason}\n")


@lru_cache(maxsize=128)
def argued(build: Callable[[Goal], Argument], lhs: sp.Expr, rhs: sp.Expr, level: str) -> tuple[Goal, Argument]:
    wanted = goal(lhs, rhs, level)
    return wanted, build(wanted)


def _multipliers(argument: Argument) -> Iterator[Multiplier]:
    for claim in argument.claims:
        for part in claim.parts:
            for one in part.terms:
                yield Multiplier(claim.name, part.says, _product(one), one.multiplier, one.square)


def _product(one: Term) -> str:
    return " * ".join(map(str, one.factors)) or "1"


def _identities(claim: Claim) -> Iterator[str]:
    for part in claim.parts:
        left = f"({part.times}) * [{claim.name}]" if part.times != 1 else f"[{claim.name}]"
        right = " + ".join(_term(one) for one in part.terms) or "0"
        yield f"{left} = {right}"


def _term(one: Term) -> str:
    pieces = [
        f"({_shortest(one.multiplier)})",
        *(f"[{factor}]" for factor in one.factors),
    ]
    if one.square is not None:
        pieces.append(f"({one.square})^2")
    return " * ".join(pieces)


@lru_cache(maxsize=1024)
def _shortest(expression: sp.Expr) -> str:
    """The text of an expression or of its factors."""
    return min(str(expression), str(sp.factor(expression)), key=len)


def _head(bound: Bound) -> str:
    needs = "; ".join(hypothesis.statement for hypothesis in bound.hypotheses) or "nothing"
    return f"{bound.number} {bound.key}: {bound.title}\n  claim: {bound.lhs} <= {bound.rhs}\n  supposed: {needs}"


def _body(argument: Argument) -> Iterator[str]:
    yield f"  notation: {_NOTATION}"
    for name, meaning in argument.legend.items():
        yield f"  {name}: {meaning}"
    for name, rule in argument.sums.items():
        yield f"  {name}_k: {rule}"
    for definition in argument.definitions:
        yield f"  put in: {definition.symbol} = {definition.value} ({definition.says})"
    for number, claim in enumerate(argument.claims, 1):
        yield f"  ({number}) {claim.name}: {claim.says}"
        yield f"      {claim.expression} {'=' if claim.equality else '>='} 0"
        for part in claim.parts:
            yield from _part_lines(claim, part)
    for remark in argument.remarks:
        yield f"  note: {remark}"
    yield "  Every identity above was expanded to 0 = 0, every multiplier shown to be >= 0."


def _part_lines(claim: Claim, part: Part) -> Iterator[str]:
    ranges = ", ".join(r.says for r in part.ranges)
    says = ", ".join(text for text in (part.says, ranges) if text)
    times = f" times {part.times}" if part.times != 1 else ""
    if not part.terms:
        yield f"      {says + ': ' if says else ''}it is 0"
        return
    yield f"      {says + ': ' if says else ''}it is{times and ','}{times}{times and ','} the sum of"
    for one in part.terms:
        yield f"        {_term(one)}"


def _data(bound: Bound, expression: sp.Expr, argument: Argument) -> dict[str, Any]:
    return {
        **bound.statement,
        "digest": bound.digest,
        "goal": str(expression),
        "sums": {
            name: {"increment": str(rule.increment), "factor": str(rule.factor), "start": str(rule.start)}
            for name, rule in argument.sums.items()
        },
        "norms": {s.name: str(vector) for s, vector in argument.norms.items()},
        "definitions": [name for name, row in DEFINITIONS.items() if row in argument.definitions],
        "claims": [_claim_data(claim) for claim in argument.claims],
    }


def _claim_data(claim: Claim) -> dict[str, Any]:
    return {
        "name": claim.name,
        "expression": str(claim.expression),
        "equality": claim.equality,
        "case": None if claim.case is None else _range_data(claim.case),
        "parts": [
            {
                "ranges": [_range_data(r) for r in part.ranges],
                "times": str(part.times),
                "index": part.index,
                "position": str(part.position),
                "terms": [
                    {
                        "multiplier": str(one.multiplier),
                        "square": None if one.square is None else str(one.square),
                        "factors": [_factor_data(factor) for factor in one.factors],
                    }
                    for one in part.terms
                ],
            }
            for part in claim.parts
        ],
    }


def _range_data(r: Range) -> str | dict[str, str]:
    """A range by what it says, and a sign with the expression that has it."""
    return r.says if r.gives is None else {"of": str(r.of), "sign": r.sign}


def _factor_data(factor: Factor) -> dict[str, Any]:
    if isinstance(factor, Use):
        arguments = [f"@{a.index}" if isinstance(a, Point) else str(a) for a in factor.arguments]
        return {"rule": factor.rule.name, "arguments": arguments}
    if isinstance(factor, Earlier):
        return {"claim": factor.claim, "index": factor.index, "position": str(factor.position)}
    return {"given": _range_data(factor.range)}
