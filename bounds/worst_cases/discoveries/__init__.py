"""Formulas found by the engine: a worst case and the multipliers of its proof as functions of k and K.

Where things are: `_kinds` (inequalities of runs of any length), `_proofs` (exact proofs from few inequalities, and the
check of given multipliers), `_fit` (rational functions through exact numbers), `discover`, `discovery` (the result),
`_blocks` and `induction` (the proof for every K).
"""

from .discover import discover
from .discovery import Discovery, Multiplier
from .every_length import Induction

__all__ = ["Discovery", "Induction", "Multiplier", "discover"]
