"""Verdicts: what a check can say."""

from __future__ import annotations

import enum


class Verdict(enum.Enum):
    """The outcome of holding a bound against a run (or one of its steps)."""

    VERIFIED = "verified"
    VIOLATED = "violated"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"

    def __str__(self) -> str:
        return self.value

    @property
    def meaning(self) -> str:
        """What to make of it."""
        return _MEANING[self]


_MEANING = {
    Verdict.VERIFIED: "it holds for every F* in the certified interval, for certain or to within 1 % of what is judged",
    Verdict.VIOLATED: "it fails for every F* in the certified interval, beyond rounding: the bound, the constants "
    "declared by the problem, or the recorded data are wrong",
    Verdict.INCONCLUSIVE: "it holds for some F* in the certified interval and fails for others: certify F* more "
    "tightly; or rounding is over 1 % of both sides and hides it: centre or scale the data",
    Verdict.NOT_APPLICABLE: "the run breaks a hypothesis of the bound, so the bound promises nothing for it",
}
