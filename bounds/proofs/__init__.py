"""Proofs of the bounds of the catalogue, checked by machine.

`prove(bound)`, or `Bound.prove()`, checks the argument of a bound against its formulas: every claim is a sum of
named inequalities with multipliers >= 0 and of squares, expanded exactly to 0 = 0, for symbolic constants and any
number of steps. Claims over K steps are inductions: what the first k steps leave stays >= 0.

Where things are: `_symbols` (vectors as commuting symbols, and why that is exact), `_rules` (what is taken for
granted), `_claims` (what an argument is made of), `_check` and `_signs` (checking it), `_telescope` (finding the
invariant of a sum over k), `_goal` (from the formulas of the catalogue), `_proof` (text, certificate). Arguments are in
`descent`, `rates`, `out_of_distribution`, `linear`, `nonconvex`, `features`, `certificate`, `guaranteed`,
`accelerated` and `preconditioned`, named as their bounds.
"""

from ._proof import ARGUMENTS, Multiplier, Proof, prove

__all__ = ["ARGUMENTS", "Multiplier", "Proof", "prove"]
