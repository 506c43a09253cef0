"""A bound of the catalogue, with its proof, as a file for a proof kernel."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ...errors import InputError
from .._claims import Unproved
from .._proof import ARGUMENTS, argued
from ._builder import Builder
from ._context import Definition, Row, Supposition, Variable, proposition
from ._coq import holds_lines, lemma_lines
from ._derived import DERIVED
from ._lean import lean_lines
from ._lemmas import Statement
from ._rows import BY_NAME, ROWS
from ._theorem import VECTORS, identifier, theorem_lines
from .printing import COQ, wrapped

if TYPE_CHECKING:
    from ...bound import Bound

_RULES = (
    *("descent", "interpolation", "strong_gap", "strong_interpolation", "nonconvex_gap", "tangent_gap"),
    *("lipschitz_gap", "subgradient_gap", "monotone"),
)
_ALWAYS = ("L_pos", "h_pos", "K_pos", *VECTORS)
_VALUES = ("h_is_1", "h_is_half")


def coq_text(bound: Bound) -> str:
    """The bound and its proof as a file of Coq that stands on `L2O.v`.

    Args:
        bound: A bound, of the catalogue or changed; its formulas are what the theorem states. Nothing is checked here:
            that is what the file is for.

    Returns:
        The text of the file.

    Raises:
        InputError: Where the bound has no proof here, or one that the export has no way to write.
    """
    return _exported(bound, _coq_text)


def lean_text(bound: Bound) -> str:
    """The bound and its proof as a file of Lean 4 that stands on Mathlib. No Lean has checked it.

    Args:
        bound: A bound, of the catalogue or changed.

    Returns:
        The text of the file, which says itself that it is unchecked.

    Raises:
        InputError: Where the bound has no proof here, or one that the export has no way to write.
    """
    return _exported(bound, _lean_text)


def _exported(bound: Bound, write: Callable[[Bound], str]) -> str:
    try:
        return write(bound)
    except Unproved as error:
        raise InputError(f"`{bound.key}` cannot be exported: {error}") from None
    except (ArithmeticError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"`{bound.key}` cannot be exported: its proof does not fit its formulas ({why})") from None


def _coq_text(bound: Bound) -> str:
    builder, statements = prepared(bound)
    body = list(_body(bound, builder, statements))
    declared = _declared(bound, "\n".join(body))
    return "\n".join([*_head(bound), *declared, *body, "", f"End {identifier(bound.key)}_proof.", ""])


def _lean_text(bound: Bound) -> str:
    builder, statements = prepared(bound)
    rows, _ = needed(bound, "\n".join(_body(bound, builder, statements)))
    return "\n".join(lean_lines(bound, builder, statements, rows))


def prepared(bound: Bound) -> tuple[Builder, list[Statement]]:
    """The proof of a bound in the intermediate form."""
    build = ARGUMENTS.get(bound.key)
    if build is None:
        raise Unproved(f"`{bound.key}` has no proof here")
    wanted, argument = argued(build, bound.lhs, bound.rhs, bound.level)
    builder = Builder(wanted, argument, tuple((h.name, e) for h in bound.hypotheses for e in h.formula))
    return builder, builder.statements()


def _head(bound: Bound) -> Iterator[str]:
    yield f"(* {bound.number} {bound.key}: {bound.title}."
    yield ""
    yield wrapped(f"Source: {bound.source}.", 3)
    yield "   Written by l2obound from its catalogue, whose formulas the theorem at the end states. *)"
    yield ""
    yield "From L2O Require Import L2O."
    yield "Require Import Reals Lra Psatz Lia."
    yield "Open Scope R_scope."
    yield ""
    yield f"Section {identifier(bound.key)}_proof."
    yield ""
    yield "  Context {V : InnerSpace}."


def words(text: str) -> set[str]:
    """The names in a text of Coq, comments aside."""
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\(\*.*?\*\)", "", text, flags=re.S)))


def needed(bound: Bound, text: str) -> tuple[list[Row], list[str]]:
    """The rows and the derived lemmas that a text speaks of.

    Raises:
        Unproved: For a row that the bound does not suppose.
    """
    granted = {h.name for h in bound.hypotheses}
    rows: set[str] = set()
    derived: set[str] = set()
    queue, seen = sorted(words(text) | set(_ALWAYS)), set[str]()
    while queue:
        word = queue.pop()
        if word in seen:
            continue
        seen.add(word)
        if word == "f_tangents" and "strongly_convex" in granted:
            word = "f_tangents_strong"
        direct = word in ("z_domain", "x_0_domain") and "r_zero" not in granted
        if word in DERIVED and not direct:
            derived.add(word)
            queue += words(DERIVED[word])
        elif word in BY_NAME:
            rows.add(word)
            queue += words(_row_text(BY_NAME[word]))
    for word in rows:
        row = BY_NAME[word]
        if isinstance(row, Supposition) and not all(set(one.split("|")) & granted for one in row.needs):
            raise Unproved(f"the proof needs `{word}`, which the bound does not suppose")
    return [row for row in ROWS if row.name in rows], [text for text in DERIVED if text in derived]


def _declared(bound: Bound, body: str) -> Iterator[str]:
    rows, derived = needed(bound, body)
    for row in rows:
        if isinstance(row, Variable):
            yield f"  Variable {row.name} : {row.type}.  (* {row.says} *)"
    yield ""
    for row in rows:
        if isinstance(row, Definition):
            yield f"  (* {row.says} *)"
            yield wrapped(f"Definition {row.name} {row.argument} : {row.type} := {COQ(row.body)}.", 2)
    yield ""
    for row in rows:
        if isinstance(row, Supposition):
            if row.says:
                yield f"  (* {row.says} *)"
            yield wrapped(f"Hypothesis {row.name} : {proposition(row)}.", 2)
    for text in derived:
        yield DERIVED[text]
    yield ""
    yield "  (* Puts an equation in wherever its left-hand side occurs. *)"
    yield f'  Ltac use H := let Q := fresh "Q" in pose proof H as Q; unfold {", ".join(VECTORS)} in Q;'
    yield "    cbn [pred] in Q; rewrite ?Q."
    for text in _VALUES:
        if text in {row.name for row in rows}:
            yield f"  Ltac equations ::= rewrite ?{text}."


def _row_text(row: Row) -> str:
    if isinstance(row, Variable):
        return ""
    return COQ(row.body) if isinstance(row, Definition) else proposition(row)


def _body(bound: Bound, builder: Builder, statements: list[Statement]) -> Iterator[str]:
    sums, norms = builder.sums(), builder.norms()
    if sums or norms:
        yield ""
    for text, (node, vector) in sums.items():
        yield wrapped(f"Definition {text} (k : nat) : {'V' if vector else 'R'} := {COQ(node)}.", 2)
    for text, node in norms.items():
        yield wrapped(f"Definition {text} (k : nat) : V := {COQ(node)}.", 2)
    for statement in statements:
        yield ""
        yield f"  (* {statement.says} *)"
        argument = " (k : nat)" if statement.indexed else ""
        yield wrapped(f"Definition {statement.name}{argument} : R := {COQ(statement.body)}.", 2)
        for lemma in statement.lemmas:
            yield ""
            text = "\n".join(lemma_lines(lemma, "UNFOLDED", builder.reasons.forms))
            unfolded = _unfolded(words(text) | words(COQ(statement.body)), statements, {**sums, **norms})
            yield text.replace("UNFOLDED", unfolded)
        yield ""
        yield from holds_lines(statement)
    yield ""
    yield from theorem_lines(bound, builder, statements)


def _unfolded(used: set[str], statements: list[Statement], names: Iterable[str]) -> str:
    """What the identity of a lemma unfolds: what it speaks of, from the outside in."""
    for other in statements:
        if other.name in used:
            used |= words(COQ(other.body))
    if {"interpolation", "strong_gap", "strong_interpolation", "nonconvex_gap"} & used:
        used.add("tangent_gap")
    names = [*(s.name for s in statements), *names, *_RULES]
    return ", ".join([*(text for text in names if text in used), *VECTORS])
