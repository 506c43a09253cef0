"""What a statement speaks of, and what it supposes: the declarations at the head of an export.

`_rows` has the rows. A file has those that its text speaks of.
"""

from __future__ import annotations

from dataclasses import dataclass

from .nodes import Node
from .printing import COQ, Language


@dataclass(frozen=True)
class Variable:
    """A thing of a type."""

    name: str
    type: str
    says: str = ""


@dataclass(frozen=True)
class Definition:
    """A vector, or a number, of each step."""

    name: str
    type: str
    body: Node
    says: str = ""
    argument: str = "(k : nat)"


@dataclass(frozen=True)
class Supposition:
    """``over``: ``left relation right``; `relation` "is" takes `left` alone, a proposition."""

    name: str
    over: str
    relation: str
    left: Node
    right: Node
    says: str = ""
    needs: tuple[str, ...] = ()


Row = Variable | Definition | Supposition
_TYPES = {"R": "ℝ", "nat": "ℕ", "V": "V", "Prop": "Prop"}
OVER = {
    "": "",
    "step": "forall k, (1 <= k <= K)%nat -> ",
    "point": "forall p, domain p -> ",
    "anywhere": "forall p, ",
    "index": "forall k, (k <= K)%nat -> ",
    "before K": "forall k, (k < K)%nat -> ",
    "guarded": "forall k, (1 <= k <= K)%nat -> guarded k = 1 -> ",
    "unguarded": "forall k, (1 <= k <= K)%nat -> guarded k = 0 -> ",
    "diagonal": "forall k v, (1 <= k <= K)%nat -> ",
    "below": "forall m, (forall p, m <= f p) -> ",
}
_LEAN_OVER = {
    "step": "∀ k, 1 ≤ k ∧ k ≤ K → ",
    "point": "∀ p, domain p → ",
    "anywhere": "∀ p, ",
    "index": "∀ k, k ≤ K → ",
    "before K": "∀ k, k < K → ",
    "guarded": "∀ k, 1 ≤ k ∧ k ≤ K → guarded k = 1 → ",
    "unguarded": "∀ k, 1 ≤ k ∧ k ≤ K → guarded k = 0 → ",
    "diagonal": "∀ k v, 1 ≤ k ∧ k ≤ K → ",
    "below": "∀ m, (∀ p, m ≤ f p) → ",
    "": "",
}


def lean_type(text: str) -> str:
    """A type of Coq in Lean."""
    return " ".join({"->": "→"}.get(word, _TYPES.get(word, word)) for word in text.split())


def proposition(row: Supposition, language: Language = COQ) -> str:
    """What a supposition says."""
    over = (OVER if language.coq else _LEAN_OVER)[row.over]
    if row.relation == "is":
        return over + language(row.left)
    relation = row.relation if language.coq else {"<=": "≤"}.get(row.relation, row.relation)
    return f"{over}{language(row.left)} {relation} {language(row.right)}"
