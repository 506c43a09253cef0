"""Proofs of the catalogue as text for a proof kernel.

`coq_text` writes a bound and its proof as a file of Coq, `lean_text` as one of Lean 4. Where things are: `nodes` (the
intermediate form), `printing` (its two languages), `_statement` (from the formulas of the catalogue: what is stated),
`_context` (what a file declares and supposes), `_derived` (what follows from that), `_algebra` (from the formulas of
proofs), `_weights` (signs), `_lemmas`, `_builder` and `_reasons` (the proof in the intermediate form), `_coq` and
`_lean` (its text), `file` (a whole file).
"""

from .file import coq_text, identifier, lean_text

__all__ = ["coq_text", "identifier", "lean_text"]
