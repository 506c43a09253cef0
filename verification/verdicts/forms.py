"""Statements that are the same inequality on a run: judged once, the later ones being named as forms of the first.

Two bounds of one level are the same where their formulas are (B5 is B1), or where both sides agree within rounding
at every entry that either of them is judged at, at least one of which rounding does not blur (B13 is B1 on a run whose
deviations lie along its gradients).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .verification import Verification


def forms_of(verifications: Mapping[str, Verification]) -> dict[str, str]:
    """Of verdicts on one run, by key: those that repeat an earlier one, and which."""
    first: list[str] = []
    repeats: dict[str, str] = {}
    for key, one in verifications.items():
        if one.judged.any():
            same = next((other for other in first if _same(one, verifications[other])), None)
            if same is None:
                first.append(key)
            else:
                repeats[key] = same
    return repeats


def _same(one: Verification, other: Verification) -> bool:
    """Whether everything that `one` says on this run is what `other` says."""
    if one.bound.level != other.bound.level or (one.judged & ~other.judged).any():
        return False
    if (one.bound.lhs, one.bound.rhs) == (other.bound.lhs, other.bound.rhs):
        return True
    judged, blur = one.judged, one.tolerance + other.tolerance
    with np.errstate(invalid="ignore"):
        alike = (np.abs(one.lhs - other.lhs) <= blur) & (np.abs(one.rhs - other.rhs) <= blur)
    clear = judged & ~one.within_rounding & ~other.within_rounding
    return bool(alike[judged].all() and clear.any())
