"""Writes a proof as Lean 4. Nobody has checked it: no Lean was at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ._builder import Builder
from ._context import Definition, Row, Supposition, Variable, lean_type, proposition
from ._coq import PLACES
from ._lemmas import Lemma, Statement
from ._statement import Reader
from ._theorem import identifier
from .nodes import Node
from .printing import LEAN, wrapped

if TYPE_CHECKING:
    from ...bound import Bound

PRELUDE = """\
def smooth (f : V → ℝ) (grad : V → V) (L : ℝ) : Prop :=
  ∀ u v, |f v - f u - ⟪grad u, v - u⟫_ℝ| ≤ L / 2 * ‖v - u‖ ^ 2
def convex_smooth (f : V → ℝ) (grad : V → V) : Prop := ∀ u v, f u + ⟪grad u, v - u⟫_ℝ ≤ f v
def strongly_convex (f : V → ℝ) (grad : V → V) (mu : ℝ) : Prop :=
  ∀ u v, f u + ⟪grad u, v - u⟫_ℝ + mu / 2 * ‖v - u‖ ^ 2 ≤ f v
def gradient_dominates (f : V → ℝ) (grad : V → V) (mu lowest : ℝ) : Prop :=
  ∀ u, 2 * mu * (f u - lowest) ≤ ‖grad u‖ ^ 2
def descent (f : V → ℝ) (grad : V → V) (L : ℝ) (a b : V) : ℝ :=
  f a + ⟪grad a, b - a⟫_ℝ + L / 2 * ‖b - a‖ ^ 2 - f b
def tangent_gap (f : V → ℝ) (grad : V → V) (a b : V) : ℝ := f a - f b - ⟪grad b, a - b⟫_ℝ
def interpolation (f : V → ℝ) (grad : V → V) (L : ℝ) (a b : V) : ℝ :=
  tangent_gap f grad a b - ‖grad a - grad b‖ ^ 2 / (2 * L)
def strong_gap (f : V → ℝ) (grad : V → V) (mu : ℝ) (a b : V) : ℝ := tangent_gap f grad a b - mu / 2 * ‖a - b‖ ^ 2
def strong_interpolation (f : V → ℝ) (grad : V → V) (L mu : ℝ) (a b : V) : ℝ :=
  (L - mu) * tangent_gap f grad a b
    - (‖grad a - grad b‖ ^ 2 + mu * L * ‖a - b‖ ^ 2 - 2 * mu * ⟪grad a - grad b, a - b⟫_ℝ) / 2
def nonconvex_gap (f : V → ℝ) (grad : V → V) (L : ℝ) (a b : V) : ℝ :=
  tangent_gap f grad a b - ⟪grad a - grad b, a - b⟫_ℝ / 2 + L / 4 * ‖a - b‖ ^ 2 - ‖grad a - grad b‖ ^ 2 / (4 * L)
def lipschitz_gap (grad : V → V) (L : ℝ) (a b : V) : ℝ := L ^ 2 * ‖a - b‖ ^ 2 - ‖grad a - grad b‖ ^ 2
def subgradient (domain : V → Prop) (r : V → ℝ) (b s : V) : Prop :=
  domain b ∧ ∀ a, domain a → r b + ⟪s, a - b⟫_ℝ ≤ r a
def inexact_subgradient (domain : V → Prop) (r : V → ℝ) (eps : ℝ) (b s : V) : Prop :=
  domain b ∧ ∀ a, domain a → r b + ⟪s, a - b⟫_ℝ - eps ≤ r a
def convex (domain : V → Prop) (r : V → ℝ) : Prop :=
  ∀ a b t, domain a → domain b → 0 ≤ t → t ≤ 1 →
    domain (t • a + (1 - t) • b) ∧ r (t • a + (1 - t) • b) ≤ t * r a + (1 - t) * r b
def subgradient_gap (r : V → ℝ) (a b s : V) : ℝ := r a - r b - ⟪s, a - b⟫_ℝ
def monotone (a b s_a s_b : V) : ℝ := ⟪s_a - s_b, a - b⟫_ℝ
def stable (a b c d : ℝ) : Prop :=
  (∀ root, root ^ 2 - (a + d) * root + (a * d - b * c) = 0 → |root| ≤ 1) ∧
    ((a + d) ^ 2 < 4 * (a * d - b * c) → a * d - b * c ≤ 1)
def discounted (factor start : ℝ) (a : ℕ → ℝ) : ℕ → ℝ
  | 0 => start
  | m + 1 => factor * discounted factor start a m + a (m + 1)
"""


def lean_lines(bound: Bound, builder: Builder, statements: list[Statement], rows: list[Row]) -> Iterator[str]:
    """The file: definitions, what is supposed, the claims, and the theorem."""
    yield f"/- {bound.number} {bound.key}: {bound.title}."
    yield "   UNCHECKED: written by l2obound from the same proof as its file of Coq; no Lean has seen it. The facts"
    yield "   I1, I2, ... are lemmas of L2O.v, and stand here without proof (`sorry`). -/"
    yield "import Mathlib"
    yield ""
    yield "open scoped BigOperators RealInnerProductSpace"
    yield ""
    yield f"namespace {identifier(bound.key)}"
    yield ""
    yield "variable {V : Type*} [NormedAddCommGroup V] [InnerProductSpace ℝ V]"
    yield ""
    yield PRELUDE
    for row in rows:
        if isinstance(row, Variable):
            yield f"variable ({row.name} : {lean_type(row.type)})  -- {row.says}"
    yield ""
    for row in rows:
        if isinstance(row, Definition):
            argument = row.argument.replace("nat", "ℕ")
            yield wrapped(f'local notation3 "{row.name}" => fun {argument} => {LEAN(row.body)}', 0)
    yield ""
    for row in rows:
        if isinstance(row, Supposition):
            yield wrapped(f"variable ({row.name} : {proposition(row, LEAN).replace('%nat', '')})", 0)
    for text, (node, _) in builder.sums().items():
        yield wrapped(f'local notation3 "{text}" => fun (k : ℕ) => {LEAN(node)}', 0)
    for text, node in builder.norms().items():
        yield wrapped(f'local notation3 "{text}" => fun (k : ℕ) => {LEAN(node)}', 0)
    for statement in statements:
        yield ""
        yield f"/-- {statement.says} -/"
        body = LEAN(statement.body)
        value = f"fun (k : ℕ) => {body}" if statement.indexed else f"({body})"
        yield wrapped(f'local notation3 "{statement.name}" => {value}', 0)
        for lemma in statement.lemmas:
            yield ""
            yield from _lemma(lemma)
    reader = Reader({})
    over = "(k : ℕ) (hk : 1 ≤ k ∧ k ≤ K) " if bound.level == "step" else ""
    yield ""
    lhs, rhs = LEAN(reader(bound.lhs)), LEAN(reader(bound.rhs))
    yield wrapped(f"theorem {identifier(bound.key)} {over}: {lhs} ≤ {rhs} := by", 0)
    yield f"  have B := {statements[-1].name}_holds"
    yield "  nlinarith [B]"
    yield ""
    yield f"end {identifier(bound.key)}"
    yield ""


def _lemma(lemma: Lemma) -> Iterator[str]:
    language = LEAN.with_indices(PLACES[lemma.place])
    place = {"step": " (j + 1)", "0": " 0", "1": " 1", "K": ""}[lemma.place]
    over = "(j : ℕ) (hj : j + 1 ≤ K) " if lemma.place == "step" else ""
    earlier = f"(IH : 0 ≤ {lemma.claim} j) " if lemma.earlier else ""
    yield f"lemma {lemma.name} {over}{earlier}: 0 ≤ {lemma.claim}{place} := by"
    facts = [fact for fact in lemma.facts if not fact.equality and fact.reason != "IH"]
    for i, fact in enumerate(facts, 1):
        yield wrapped(f"have I{i} : 0 ≤ {language(fact.expression)} := by sorry", 2)
    for i, one in enumerate(lemma.weights, 1):
        yield wrapped(f"have W{i} : 0 ≤ {language(one.expression)} := by positivity", 2)
    total = " + ".join(_piece(language(term), term) for term in lemma.terms) or "0"
    times = f"{language.atom(lemma.times)} * " if lemma.times_form else ""
    claim = f"({lemma.claim}{place})" if place else lemma.claim
    yield wrapped(f"have E : {times}{claim} = {total} := by", 2)
    yield "    simp only [inner_sub_left, inner_sub_right, inner_add_left, inner_add_right, inner_smul_left,"
    yield "      inner_smul_right, real_inner_self_eq_norm_sq, real_inner_comm]; field_simp; ring"
    yield "  nlinarith [E]"


def _piece(text: str, term: Node) -> str:
    return f"({text})" if term.op in ("add", "neg") else text
