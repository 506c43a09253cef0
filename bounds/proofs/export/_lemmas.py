"""The proof of a bound in the intermediate form: one lemma for each part of each claim.

A lemma says that a claim holds at one place, if it does at the place before. Its proof is a list of facts, each a named
inequality or an earlier claim, weights that are >= 0, and the identity that the claim is their sum.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .._claims import Range
from ._derived import DERIVED
from ._rows import BY_NAME
from ._weights import Weight
from .nodes import Node

_TAKEN = {"descent", "monotone", "convex", "smooth", "norm", "dot", "sum", "interpolation", "mean", "stable", "known"}


@dataclass(frozen=True)
class Fact:
    """``expression >= 0``, for the reason that the text gives as a tactic of Coq."""

    expression: Node
    reason: str
    equality: bool = False


@dataclass(frozen=True)
class Lemma:
    """``times * claim`` at a place is the sum of terms.

    `place`: "step" for j + 1 after j, "0" and "1" for a start, "K" for the end of the run. `terms` are trees, `facts`
    and `weights` say why each of their factors is >= 0. `below` are the > 0 that is divided by.
    """

    name: str
    says: str
    claim: str
    place: str
    cases: tuple[tuple[str, str | Node], ...]
    first: int
    earlier: bool
    times: Node
    times_form: tuple[Weight, ...]
    terms: tuple[Node, ...]
    facts: tuple[Fact, ...]
    weights: tuple[Weight, ...]
    below: tuple[Weight, ...]
    equations: tuple[str, ...]
    context: tuple[str, ...]
    maxima: tuple[tuple[Node, Weight, bool], ...] = ()


@dataclass(frozen=True)
class Statement:
    """A claim: a number, of each step where `indexed`, and its lemmas."""

    name: str
    says: str
    body: Node
    indexed: bool
    first: int
    cases: tuple[str | Node, ...]
    lemmas: tuple[Lemma, ...]
    families: tuple[tuple[str, Node | None], ...]
    """The families of cases, each with the number whose sign it is."""


def own_name(text: str) -> str:
    """The name of a claim in a file."""
    plain = re.sub(r"\W+", "_", text)
    return f"{plain}_claim" if plain in _TAKEN or plain in BY_NAME or plain in DERIVED else plain


def case_name(r: Range) -> str:
    """A short name of the family of a case."""
    return "sign" if r.gives is not None else r.cases
