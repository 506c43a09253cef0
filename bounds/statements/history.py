"""Stability of the history recurrence of GO-Math-L2O (B14), which `bounds.history` has as a matrix."""

from __future__ import annotations

from ..bound import Bound, Source
from ..hypotheses import HISTORY_RANGE, HISTORY_STABLE
from ..vocabulary import Q

q, r, b = Q.history_q, Q.history_r, Q.history_b

ENTRIES = (
    Bound(
        name="history_stability",
        number="B14",
        title="Stability of the history recurrence",
        level="run",
        lhs=q,
        rhs=1 + r * b / (1 - b),
        kind="tight",
        source=Source("derived", "Jury conditions of the 2x2 recurrence of (x - x*, v) with frozen scalars"),
        hypotheses=(HISTORY_RANGE, HISTORY_STABLE),
    ),
)
"""B14."""
