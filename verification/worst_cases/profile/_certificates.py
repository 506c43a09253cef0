"""What is given back: worst cases of a profile, or of a recurrence with scalars, at several numbers of steps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ...support.plain import plain
from ...verdicts.verdict import Verdict


@dataclass(frozen=True, eq=False)
class ProfileCertificate:
    """Worst cases of a profile at several numbers of steps, beside the runs of B instances that it was read from.

    Everything is in units of L R^2, of each instance its own. `profile` (K,) are the eps_k and `step` (K,) the h_k of
    the class, exact; `steps` the J numbers of steps K_j. `worst` (J,): the exact worst case, from above where
    `certified` (J,), as the solver found it elsewhere; +inf where nothing is bounded, NaN where it was not found, with
    the reason in `reasons` (J,). `exact` (J,): that of exact steps 1/L. `relative_rate` (B,J): B8, and
    `last_iterate` (B,J): B6c, which knows the deviations themselves; NaN where a bound does not apply. `gap_low`,
    `gap_up` (B,J): the interval of F(x_K) - F*; `gap_start` (B,): F(x_0) - F* from below. `scale` (B,): L R^2.
    `contained` (B,): whether the run has this profile, which is so unless another was given. `instances` (B,): which
    instances of the run these are.
    """

    optimizer: str
    problem: str
    method: str
    reference: str
    instances: tuple[int, ...]
    profile: tuple[Fraction, ...]
    step: tuple[Fraction, ...]
    steps: tuple[int, ...]
    worst: np.ndarray
    certified: np.ndarray
    reasons: tuple[str, ...]
    exact: np.ndarray
    relative_rate: np.ndarray
    last_iterate: np.ndarray
    gap_low: np.ndarray
    gap_up: np.ndarray
    gap_start: np.ndarray
    scale: np.ndarray
    contained: np.ndarray

    @property
    def vacuous(self) -> np.ndarray:
        """(B,J) whether the worst case is at least what the run began with: it says nothing of the run.

        For r = 0 that is so at L R^2/2 at the latest; with r there is no such number, as R does not bound F(x_0).
        """
        return ~(self.worst[None] < self.gap_start[:, None])

    @property
    def verdict(self) -> np.ndarray:
        """(B,J) Verdict: the gap is at most the worst case, above it, or neither for certain.

        VIOLATED of a run that has the profile is a defect, of the data or of this program; of one that is not
        `contained` it is what one expects of a wrong profile. NOT_APPLICABLE where no worst case was found. A worst
        case that is not `certified` is held to 1e-6 of itself.
        """
        verdicts = np.full(self.gap_up.shape, Verdict.INCONCLUSIVE, dtype=object)
        slack = 1e-6 * np.abs(np.nan_to_num(self.worst, posinf=0.0))[None] * ~self.certified[None]
        verdicts[self.gap_up <= self.worst + slack] = Verdict.VERIFIED
        verdicts[self.gap_low > self.worst + slack] = Verdict.VIOLATED
        verdicts[:, np.isnan(self.worst)] = Verdict.NOT_APPLICABLE
        return verdicts

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON); what is not finite is None."""
        rows = []
        for j, k in enumerate(self.steps):
            rows.append(
                {
                    "steps": k,
                    "worst": plain(self.worst[j]),
                    "unbounded": bool(np.isposinf(self.worst[j])),
                    "certified": bool(self.certified[j]),
                    "reason": self.reasons[j],
                    "exact_steps": plain(self.exact[j]),
                    "largest_gap": [plain(self.gap_low[:, j].max()), plain(self.gap_up[:, j].max())],
                    "relative_deviation_rate": plain(self.relative_rate[:, j].max()),
                    "ood_last_iterate": plain(self.last_iterate[:, j].max()),
                    "vacuous": int(self.vacuous[:, j].sum()),
                    "verdicts": [str(v) for v in self.verdict[:, j]],
                }
            )
        return {
            "optimizer": self.optimizer,
            "problem": self.problem,
            "method": self.method,
            "reference": self.reference,
            "unit": "L R^2, R measured to the certified point",
            "instances": list(self.instances),
            "profile": [float(v) for v in self.profile],
            "step": [float(v) for v in self.step],
            "contained": [bool(v) for v in self.contained],
            "rows": rows,
        }

    def summary(self) -> str:
        """A few lines for people."""
        entries = ", ".join(f"{float(v):.3g}" for v in self.profile[:10]) + (", ..." if len(self.profile) > 10 else "")
        steps = "h = 1" if self.reference == "unit" else "the best h"
        lines = [
            f"{self.optimizer} on {self.problem}, {len(self.instances)} instances, in units of L R^2 "
            f"(R to the certified point, not to x*)",
            f"  profile at {steps}: {entries}",
        ]
        for j, k in enumerate(self.steps):
            B, vacuous = len(self.instances), int(self.vacuous[:, j].sum())
            worst = _word(self.worst[j])
            kind = "shown" if self.certified[j] else self.reasons[j] or "as solved"
            note = f", VACUOUS for {vacuous} of {B}" if vacuous else ""
            broken = int((self.verdict[:, j] == Verdict.VIOLATED).sum())
            note += f", ABOVE IT: {broken} of {B}" if broken else ""
            lines.append(
                f"  K = {k}: largest gap {self.gap_up[:, j].max():.3g}, worst case of the profile {worst} ({kind}), "
                f"of exact steps {self.exact[j]:.4g}{note}"
            )
        if not self.contained.all():
            outside = [b for b, inside in zip(self.instances, self.contained) if not inside]
            lines.append(f"  instances {outside} do not have this profile: nothing is guaranteed for them")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class RecurrenceCertificate:
    """Worst cases of the GO-Math-L2O recurrence with scalars r_k (in units of 1/L), q_k, b_k, in units of L R^2.

    `worst` (J,) at `steps` (J,), `certified` and `reasons` as in `ProfileCertificate`. `label` says what it is of a
    model: a guarantee for the recurrence with these scalars, and none for a network whose heads differ between
    coordinates.
    """

    r: tuple[float, ...]
    q: tuple[float, ...]
    b: tuple[float, ...]
    function_class: str
    steps: tuple[int, ...]
    worst: np.ndarray
    certified: np.ndarray
    reasons: tuple[str, ...]
    exact: np.ndarray
    label: str

    def summary(self) -> str:
        """A line for each number of steps."""
        lines = [f"GO-Math-L2O recurrence, {self.function_class}, in units of L R^2 ({self.label})"]
        for j, k in enumerate(self.steps):
            kind = "shown" if self.certified[j] else self.reasons[j] or "as solved"
            lines.append(f"  K = {k}: {_word(self.worst[j])} ({kind}), exact steps {self.exact[j]:.4g}")
        return "\n".join(lines)


def _word(worst: float) -> str:
    return "+inf" if np.isposinf(worst) else "unknown" if np.isnan(worst) else f"{worst:.4g}"
