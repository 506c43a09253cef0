"""What `verify` returns: the verdicts with everything they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import bounds
from ...errors import InputError
from ..runs.inspection import DataCheck
from ..support.plain import plain
from . import views
from .verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class HypothesisReport:
    """A hypothesis of the bound: the share of steps or runs that meet it, and the worst margin (negative: broken)."""

    name: str
    required: str
    holds: np.ndarray
    share: float
    worst_margin: float


@dataclass(frozen=True, eq=False)
class Verification:
    """The outcome of `verify`; arrays are (B,K) for per-step bounds and (B,) for run bounds.

    `lhs <= rhs` is the statement, `lhs` at F* = F_up and `lhs_upper` at F* = F_low (equal where F* does not occur).
    `slack` = rhs - lhs_upper. `tightness` is the share of the bound that is used: 1 where it is attained, 0 where it
    permits an increase and there was none, NaN where both sides vanish within rounding. `tolerance` bounds the
    rounding of both sides. `vacuous` marks right-hand sides that say nothing (a step: >= 0; a run: >= F(x_0) - F*).
    `within_rounding` marks entries where the tolerance exceeds 1 % of both sides: VERIFIED there only where lhs_upper +
    tolerance <= rhs, so that rounding has no say.
    Where the verdict is NOT_APPLICABLE the numbers are a comparison without guarantee, and NaN if the run left
    float64.
    """

    bound: bounds.Bound
    verdict: np.ndarray
    lhs: np.ndarray
    lhs_upper: np.ndarray
    rhs: np.ndarray
    slack: np.ndarray
    tightness: np.ndarray
    tolerance: np.ndarray
    vacuous: np.ndarray
    within_rounding: np.ndarray
    reference_step: np.ndarray
    hypotheses: tuple[HypothesisReport, ...]
    data: tuple[DataCheck, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return views.line(self)

    def _repr_html_(self) -> str:
        return views.page_part(self)

    def plot(self, instance: int | None = None) -> Figure:
        """Draw both sides of the bound with their tolerance, marked with the verdicts: over k, or for each run.

        Args:
            instance: Which instance of a bound on steps; the one with the least slack where it is None.

        Returns:
            A figure of matplotlib, which a notebook shows and `savefig` writes.

        Raises:
            InputError: For an instance that there is not, or one of a bound on runs.
        """
        if instance is not None and self.bound.level == "run":
            raise InputError(f"plot: {self.bound.key} is a bound on runs, of which all are drawn; leave instance out.")
        return views.figure_of(self, instance)

    def count(self, verdict: Verdict) -> int:
        """Number of steps or runs with a verdict.

        Args:
            verdict: The verdict.

        Returns:
            The number, over all instances.
        """
        return int((self.verdict == verdict).sum())

    @property
    def judged(self) -> np.ndarray:
        """Where the bound applies."""
        return self.verdict != Verdict.NOT_APPLICABLE

    @property
    def decided(self) -> np.ndarray:
        """Where the statement could have failed, and was found true or false: VERIFIED or VIOLATED, and not vacuous."""
        return ((self.verdict == Verdict.VERIFIED) & ~self.vacuous) | (self.verdict == Verdict.VIOLATED)

    @property
    def hidden(self) -> np.ndarray:
        """Where the verdict is INCONCLUSIVE because of rounding, and not because of the interval of F*."""
        return (self.verdict == Verdict.INCONCLUSIVE) & self.within_rounding

    @property
    def overall(self) -> Verdict:
        """One word for all: VIOLATED if anything is; else INCONCLUSIVE if F* leaves anything open; else VERIFIED if
        anything is, INCONCLUSIVE if rounding hides everything, NOT_APPLICABLE if nothing applies.

        So a run that converged, whose last steps rounding hides, is VERIFIED by what came before; a note says on how
        many steps.
        """
        if self.count(Verdict.VIOLATED):
            return Verdict.VIOLATED
        if ((self.verdict == Verdict.INCONCLUSIVE) & ~self.hidden).any():
            return Verdict.INCONCLUSIVE
        if self.count(Verdict.VERIFIED):
            return Verdict.VERIFIED
        return Verdict.INCONCLUSIVE if self.judged.any() else Verdict.NOT_APPLICABLE

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain numbers and strings (JSON), None for what does not exist."""
        judged = self.judged
        applicable = bool(judged.any())
        tight = self.tightness[judged]
        tight = tight[np.isfinite(tight)]
        any_tight = tight.size > 0
        return {
            "bound": self.bound.key,
            "number": self.bound.number,
            "level": self.bound.level,
            "verdict": str(self.overall),
            "checks": int(self.verdict.size),
            "counts": {str(v): self.count(v) for v in Verdict},
            "decided": int(self.decided.sum()),
            "vacuous_share": float(self.vacuous[judged].mean()) if applicable else None,
            "tightness_median": plain(np.median(tight)) if any_tight else None,
            "tightness_worst": plain(tight.min()) if any_tight else None,
            "tightness_best": plain(tight.max()) if any_tight else None,
            "within_rounding_share": float(self.within_rounding[judged].mean()) if applicable else None,
            "worst_slack": plain(self.slack[judged].min()) if applicable else None,
            "hypotheses": [
                {
                    "name": h.name,
                    "required": h.required,
                    "share": h.share,
                    "worst_margin": plain(h.worst_margin),
                }
                for h in self.hypotheses
            ],
            "broken_data": [c.statement for c in self.data if not c.holds.all()],
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """A few lines for people."""
        d = self.to_dict()
        unit = "steps" if self.bound.level == "step" else "runs"
        counts = ", ".join(f"{n} {v}" for v, n in d["counts"].items() if n)
        lines = [f"{self.bound.number} {self.bound.key}: {d['verdict'].upper()} ({counts} of {d['checks']} {unit})"]
        if d["tightness_median"] is not None:
            lines.append(
                f"  tightness median {d['tightness_median']:.3g}, from {d['tightness_worst']:.3g} to "
                f"{d['tightness_best']:.3g}; vacuous on {d['vacuous_share']:.0%}"
            )
        if d["within_rounding_share"]:
            lines.append(
                f"  rounding matters (the tolerance is over 1 % of both sides) on {d['within_rounding_share']:.0%}"
            )
        for check in self.data:
            if not check.holds.all():
                lines.append(
                    f"  data: it is not true that {check.statement}: {int((~check.holds).sum())} of "
                    f"{check.holds.size} steps, worst excess {check.excess:.3g}"
                )
        for h in self.hypotheses:
            if h.share < 1:
                lines.append(
                    f"  hypothesis {h.name} ({h.required}): met by {h.share:.0%}, worst margin {h.worst_margin:.3g}"
                )
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])
