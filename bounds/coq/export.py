"""A bound of the catalogue, with its proof, as text for a proof kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import sympy as sp

from ..proofs._claims import Unproved
from ..proofs._conditions import domain_of
from ..proofs._goal import goal as read_goal
from ..proofs._proof import ARGUMENTS, _argued
from ._context import ROWS, Definition, Supposition, Variable, proposition
from ._coq import _why, holds_lines, lemma_lines, wrapped
from ._derived import DERIVED
from ._lemmas import Builder, Statement
from ._nodes import Node, call
from ._print import COQ, STEP
from ._statement import Reader
from ._weights import Signs

if TYPE_CHECKING:
    from ..bound import Bound

_RULES = (
    *("descent", "interpolation", "strong_gap", "strong_interpolation", "tangent_gap", "lipschitz_gap"),
    *("subgradient_gap", "monotone"),
)
_VECTORS = ("F", "e", "D", "G")


def identifier(key: str) -> str:
    """The name of a bound in a proof kernel."""
    return key.replace(":", "_")


def coq_text(bound: Bound) -> str:
    """The bound and its proof as a file of Coq that stands on `L2O.v`.

    Args:
        bound: A bound, of the catalogue or changed; its formulas are what the theorem states.

    Returns:
        The text of the file.

    Raises:
        Unproved: Where the bound has no proof here, or one that the export has no way to write.
    """
    build = ARGUMENTS.get(bound.key)
    if build is None:
        raise Unproved(f"`{bound.key}` has no proof here")
    wanted, argument = _argued(build, bound.lhs, bound.rhs, bound.level)
    formulas = tuple((h.name, e) for h in bound.hypotheses for e in h.formula)
    builder = Builder(wanted, argument, formulas, any("eps" in str(e) for e in (bound.lhs, bound.rhs)))
    statements = builder.statements()
    body = list(_body(bound, builder, statements))
    return "\n".join([*_head(bound), *_declared(bound, "\n".join(body)), *body, "", f"End {identifier(bound.key)}_proof.", ""])


def _head(bound: Bound) -> Iterator[str]:
    yield f"(* {bound.number} {bound.key}: {bound.title}."
    yield ""
    yield wrapped(f"{bound.source}.", 3)
    yield "   This file is written by l2obound from its catalogue; the text of the theorem is that of the catalogue. *)"
    yield ""
    yield "From L2O Require Import L2O."
    yield "Require Import Reals Lra Psatz Lia."
    yield "Open Scope R_scope."
    yield ""
    yield f"Section {identifier(bound.key)}_proof."
    yield ""
    yield "  Context {V : InnerSpace}."


def _words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\(\*.*?\*\)", "", text, flags=re.S)))


def _declared(bound: Bound, body: str) -> Iterator[str]:
    """The rows and derived lemmas that the body speaks of."""
    granted = {h.name for h in bound.hypotheses}
    by_name = {row.name: row for row in ROWS}
    words = _words(body) | {"L_pos", "h_pos", "K_pos"}
    derived: dict[str, str] = {}
    supposed: dict[str, None] = {}
    queue = sorted(words)
    seen: set[str] = set()
    while queue:
        word = queue.pop()
        if word in seen:
            continue
        seen.add(word)
        if word == "f_tangents" and "strongly_convex" in granted:
            word = "f_tangents_strong"
        if word in ("f_smooth", "f_convex") and word not in granted:
            continue
        if word in DERIVED and not _is_direct(word, granted):
            derived[word] = DERIVED[word]
            queue += _words(DERIVED[word])
        elif word in by_name:
            row = by_name[word]
            supposed[word] = None
            queue += _words(_row_text(row))
    body_words = seen
    if {"descent", "interpolation", "lipschitz_gap", "strong_interpolation"} & body_words and "f_smooth" in granted:
        supposed["f_smooth"] = None
    rows = [row for row in ROWS if row.name in supposed]
    names = {row.name for row in rows}
    more: set[str] = set()
    for row in rows:
        more |= _words(_row_text(row))
    for word in sorted(more):
        if word in by_name and word not in names and not isinstance(by_name[word], Supposition):
            rows.append(by_name[word])
    rows.sort(key=ROWS.index)
    variables = [r for r in rows if isinstance(r, Variable)]
    for row in variables:
        yield f"  Variable {row.name} : {row.type}." + (f"  (* {row.says} *)" if row.says else "")
    yield ""
    for row in rows:
        if isinstance(row, Definition):
            yield wrapped(f"Definition {row.name} {row.argument} : {row.type} := {COQ(row.body)}.", 2) + (
                f"  (* {row.says} *)" if row.says else ""
            )
    yield ""
    for row in rows:
        if isinstance(row, Supposition):
            if row.needs and not any(set(alternative.split("|")) & granted for alternative in row.needs):
                raise Unproved(f"the proof needs `{row.name}`, which the bound does not suppose")
            if row.says:
                yield f"  (* {row.says} *)"
            yield wrapped(f"Hypothesis {row.name} : {proposition(row)}.", 2)
    for text in DERIVED:
        if text in derived:
            yield DERIVED[text]
    vectors = [v for v in _VECTORS if v in names or v in {r.name for r in rows}]
    yield ""
    yield f"  Ltac use H := let Q := fresh \"Q\" in pose proof H as Q; unfold {', '.join(vectors)} in Q;"
    yield "    cbn [pred] in Q; rewrite ?Q."
    for text in ("h_is_1", "h_is_half"):
        if text in supposed:
            yield f"  Ltac known ::= rewrite ?{text}."


def _is_direct(word: str, granted: set[str]) -> bool:
    """Whether what could be derived is supposed."""
    return word in ("z_domain", "x_0_domain") and "r_zero" not in granted


def _row_text(row: Variable | Definition | Supposition) -> str:
    if isinstance(row, Variable):
        return ""
    return COQ(row.body) if isinstance(row, Definition) else proposition(row)


def _body(bound: Bound, builder: Builder, statements: list[Statement]) -> Iterator[str]:
    sums, norms = builder.sums(), builder.norms()
    for text, (node, vector) in sums.items():
        yield wrapped(f"Definition {text} (k : nat) : {'V' if vector else 'R'} := {COQ(node)}.", 2)
    for text, node in norms.items():
        yield wrapped(f"Definition {text} (k : nat) : V := {COQ(node)}.", 2)
    own = [*sums, *norms]
    for statement in statements:
        yield ""
        yield f"  (* {statement.says} *)"
        argument = " (k : nat)" if statement.indexed else ""
        yield wrapped(f"Definition {statement.name}{argument} : R := {COQ(statement.body)}.", 2)
        for lemma in statement.lemmas:
            yield ""
            text = "\n".join(lemma_lines(lemma, "UNFOLDED", builder.forms))
            used = _words(text) | _words(COQ(statement.body))
            for other in statements:
                if other.name in used:
                    used |= _words(COQ(other.body))
            names = [s.name for s in statements if s.name in used]
            names += [n for n in own if n in used]
            if {"interpolation", "strong_gap", "strong_interpolation"} & used:
                used.add("tangent_gap")
            names += [n for n in _RULES if n in used]
            unfolded = ", ".join(dict.fromkeys([*names, *_VECTORS]))
            yield text.replace("UNFOLDED", unfolded)
        yield ""
        yield from holds_lines(statement)
    yield ""
    yield from _theorem(bound, builder, statements, own)


def _theorem(bound: Bound, builder: Builder, statements: list[Statement], own: list[str]) -> Iterator[str]:
    reader = Reader({})
    lhs, rhs = reader(bound.lhs), reader(bound.rhs)
    last = statements[-1]
    step = bound.level == "step"
    yield f"  (* {bound.title} *)"
    over = "forall k, (1 <= k <= K)%nat -> " if step else ""
    yield wrapped(f"Theorem {identifier(bound.key)} : {over}{COQ(lhs)} <= {COQ(rhs)}.", 2)
    yield "  Proof."
    if step:
        yield f"    intros k Hk. pose proof ({last.name}_holds k Hk) as B. revert B."
        yield "    destruct k as [|j]; [lia|]. intro B. destruct (step_numbers j K (proj2 Hk)) as (N1 & N2 & N3)."
    else:
        yield f"    pose proof {last.name}_holds as B. pose proof (run_numbers K K_pos) as N1."
    claim = builder.argument.claims[-1]
    ranges = [r for r in claim.parts[0].ranges if not r.cases]
    part = claim.parts[0]
    from dataclasses import replace

    bare = replace(part, ranges=tuple(ranges), terms=())
    place = "step" if last.indexed else "K"
    domain = domain_of(ranges, "theorem")
    from ._algebra import Reader as ProofReader

    parameters = ProofReader(builder.reader.norms, builder._parameters(bare, place))
    language = COQ
    from ._coq import _PLACES, _INDEX

    language = COQ.with_indices(_PLACES[place])
    k_text, j_text = _INDEX[place]
    formulas = [claim.expression, bound.lhs, bound.rhs]
    for text in dict.fromkeys(builder._context(bare, place, [claim.expression])):
        yield f"    pose proof {text.replace('{k}', k_text).replace('{j}', j_text)}."
    signs = Signs(domain, builder.reader, parameters)
    signs.note_divisors([claim.expression], step)
    for i, one in enumerate(signs.facts.values(), 1):
        yield wrapped(f"assert (P{i} : 0 < {language(one.expression)}) by {_why(language, one)}.", 4)
    sums = []
    for i, (expression, node) in enumerate(reader.sums.items(), 1):
        name, factor = _sum_name(expression, builder)
        target = f"{name} K"
        body = node.args[0]
        sums.append(f"S{i}")
        if factor is not None:
            yield wrapped(f"assert (S{i} : {COQ(node)} = {target}).", 4)
            yield f"    {{ unfold {name}. rewrite <- discounted_sum. apply sum_ext. intros i Hi. reflexivity || (unfold {', '.join(_VECTORS)}; f_equal; expand; ring). }}"
        else:
            yield wrapped(f"assert (S{i} : {COQ(node)} = {target}).", 4)
            yield f"    {{ apply sum_ext. intros i Hi. destruct i as [|i]; [lia|]. destruct (step_numbers i K (proj2 Hi)) as (M1 & M2 & M3).{_step_facts(builder, bare)} unfold {', '.join(_VECTORS)}. cbn [pred]. expand. calculate. }}"
        del body
    for text in sums:
        yield f"    rewrite {text}."
    if any(node.op == "power_of_K" for node in _all(lhs)) or any(node.op == "power_of_K" for node in _all(rhs)):
        for power in {n for side in (lhs, rhs) for n in _all(side) if n.op == "power_of_K"}:
            name = _power_name(builder)
            yield wrapped(f"assert (S0 : {COQ(power)} = {name} K) by (unfold {name}; rewrite <- discounted_power; reflexivity).", 4)
            yield "    rewrite S0."
    vectors = [text for text in own if text in "uvw" or text in builder.norms()]
    yield f"    apply (from_difference _ _ _ B). unfold {', '.join([last.name, *vectors, *_VECTORS])}. rewrite ?norm_sq. cbn [pred]."
    bias_free = "bias_free" in {h.name for h in bound.hypotheses}
    equations = " use (bias_free (S j) Hk)." if bias_free else "".join(f" use {t.replace('{k}', k_text).replace('{j}', j_text)}." for t in builder._equations(bare, place)) if False else ""
    yield f"   {equations} expand. calculate."
    yield "  Qed."


def _step_facts(builder: Builder, part: object) -> str:
    return ""


def _all(node: Node) -> Iterator[Node]:
    yield node
    for a in node.args:
        if isinstance(a, Node):
            yield from _all(a)


def _sum_name(expression: sp.Expr, builder: Builder) -> tuple[str, sp.Expr | None]:
    (rule,) = read_goal(sp.Integer(0), expression, "run").sums.values()
    for text, one in builder.argument.sums.items():
        if one == rule:
            return text, None if rule.factor == 1 else rule.factor
    raise Unproved(f"no sum of the proof is {expression}")


def _power_name(builder: Builder) -> str:
    return next(text for text, rule in builder.argument.sums.items() if rule.factor != 1 and rule.increment == 0)


assert STEP and call
