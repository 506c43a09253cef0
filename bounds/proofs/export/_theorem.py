"""The theorem of a file: what the catalogue says, from the last claim of the proof."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import sympy as sp

from .._claims import Unproved
from .._conditions import domain_of
from .._goal import goal as read_goal
from ._algebra import Reader as ProofReader
from ._builder import Builder
from ._coq import INDEX, PLACES, why
from ._lemmas import Statement
from ._statement import Reader
from ._weights import Signs
from .nodes import Node
from .printing import COQ, wrapped

if TYPE_CHECKING:
    from ...bound import Bound

VECTORS = ("F", "e", "D", "G")
"""What identities unfold, in the order in which it has to be done."""
_UNFOLD = f"unfold {', '.join(VECTORS)}. cbn [pred]. expand. calculate."


def identifier(key: str) -> str:
    """The name of a bound in a proof kernel."""
    return key.replace(":", "_")


def theorem_lines(bound: Bound, builder: Builder, statements: list[Statement]) -> Iterator[str]:
    """The theorem, and its proof: the sums of the catalogue are those of the proof, and the rest is algebra."""
    reader = Reader({})
    lhs, rhs = reader(bound.lhs), reader(bound.rhs)
    last = statements[-1]
    step = bound.level == "step"
    yield f"  (* {bound.title} *)"
    over = "forall k, (1 <= k <= K)%nat -> " if step else ""
    yield wrapped(f"Theorem {identifier(bound.key)} : {over}{COQ(lhs)} <= {COQ(rhs)}.", 2)
    yield "  Proof."
    if step:
        yield f"    intros k Hk. pose proof ({last.name}_holds{' k Hk' if last.indexed else ''}) as B. revert B."
        yield "    destruct k as [|j]; [lia|]. intro B. destruct (step_numbers j K (proj2 Hk)) as (N1 & N2 & N3)."
    else:
        yield f"    pose proof {last.name}_holds as B. pose proof (run_numbers K K_pos) as N1."
    yield from _facts(builder, last)
    yield from _sums(reader, builder)
    powers = {node for side in (lhs, rhs) for node in _all(side) if node.op == "power_of_K"}
    for power in powers:
        title = next(text for text, rule in builder.argument.sums.items() if rule.factor != 1 and rule.increment == 0)
        proof = f"unfold {title}; rewrite <- discounted_power; reflexivity"
        yield wrapped(f"assert (S0 : {COQ(power)} = {title} K) by ({proof}).", 4)
        yield "    rewrite S0."
    vectors = [*(text for text in builder.argument.sums if text in "uvw"), *builder.norms()]
    unfolded = ", ".join([last.name, *vectors, *VECTORS])
    yield wrapped(f"apply (from_difference _ _ _ B). unfold {unfolded}. rewrite ?norm_sq. cbn [pred].", 4)
    bias = "use (bias_free (S j) Hk). " if "bias_free" in {h.name for h in bound.hypotheses} else ""
    yield f"    {bias}expand. calculate."
    yield "  Qed."


def _facts(builder: Builder, last: Statement) -> Iterator[str]:
    """What the last claim supposes in all of its cases, and the signs of what it divides by."""
    claim = builder.argument.claims[-1]
    ranges = tuple(r for r in claim.parts[0].ranges if not r.cases)
    bare = replace(claim.parts[0], ranges=ranges, terms=())
    place = "step" if last.indexed else "K"
    parameters = ProofReader(builder.reader.norms, builder.parameters(bare, place))
    language = COQ.with_indices(PLACES[place])
    k, j = INDEX[place]
    for text in dict.fromkeys(builder.context(bare, place, [claim.expression])):
        yield f"    pose proof {text.replace('{k}', k).replace('{j}', j)}."
    signs = Signs(domain_of(ranges, "the theorem"), builder.reader, parameters)
    signs.note_divisors([claim.expression], place == "step")
    for i, one in enumerate(signs.facts.values(), 1):
        yield wrapped(f"assert (P{i} : 0 < {language(one.expression)}) by {why(language, one)}.", 4)


def _sums(reader: Reader, builder: Builder) -> Iterator[str]:
    """That the sums of the catalogue are those of the proof."""
    for i, (expression, node) in enumerate(reader.sums.items(), 1):
        title, discount = _sum_name(expression, builder)
        yield wrapped(f"assert (S{i} : {COQ(node)} = {title} K).", 4)
        if discount:
            yield f"    {{ unfold {title}. rewrite <- discounted_sum. apply sum_ext. intros."
            yield "      first [reflexivity | ring]. }"
        else:
            yield "    { apply sum_ext. intros i Hi. destruct i as [|i]; [lia|]."
            yield f"      destruct (step_numbers i K (proj2 Hi)) as (M1 & M2 & M3). {_UNFOLD} }}"
        yield f"    rewrite S{i}."


def _sum_name(expression: sp.Expr, builder: Builder) -> tuple[str, bool]:
    (rule,) = read_goal(sp.Integer(0), expression, "run").sums.values()
    for text, one in builder.argument.sums.items():
        if one == rule:
            return text, rule.factor != 1
    raise Unproved(f"no sum of the proof is {expression}")


def _all(node: Node) -> Iterator[Node]:
    yield node
    for a in node.args:
        if isinstance(a, Node):
            yield from _all(a)
