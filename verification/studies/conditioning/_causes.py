"""Why a run did not converge: decided by evidence, in a fixed order, and `unexplained` where there is none.

1. precision: the same run in float64 converges; or only its precision makes it grow, the same run in float64 ends
   below F(x_0); or the exact step from where it ends is shorter than a bound on what rounding does to it, and it has
   fallen behind the float64 run by a factor `BEHIND`, or falls no more, unless that run stops as early, far above its
   own rounding.
2. instability: it grows (ends above F(x_0), or leaves floats), in float64 too; or it does not settle (falls no more,
   far above rounding), and by B14 it cannot: with the heads that the model has at rest the minimiser is unstable.
3. scale: the same method on the same problem, multiplied to have the central L, converges.
4. wrong L: the same run with the true L converges.
5. conditioning: it falls steadily, and at its rate needs no more steps than theory promises a gradient step of that
   kappa; and the plain gradient step with the same declared L falls too and does not converge either, nor does theory
   promise that it would. Where that step grows, because the declared L is too small, or theory promises it nothing,
   the one with the true L stands in.
6. unexplained: none of these; what is known is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...support.plain import plain

PRECISION, INSTABILITY, SCALE, WRONG_L, CONDITIONING, UNEXPLAINED = CAUSES = (
    "precision", "instability", "scale", "wrong L", "conditioning", "unexplained",
)  # fmt: skip
BEHIND = 2.0


@dataclass(frozen=True)
class Outcome:
    """What became of one run: `reached` the step at which it converged or None; `gap` at its end, None if it diverged.

    `falls`: steadily, that is the medians of the gap over the last four eighths of the steps fall, each by more
    than rounding of F. `more`: the steps it would need at the rate of these medians, a straight line in log(gap), so
    too few for a run that slows down; None where it does not fall. `step` and `rounding` as in `Traces`.
    """

    reached: int | None
    grew: bool
    gap: float | None
    falls: bool
    more: float | None
    step: float | None
    rounding: float | None

    @property
    def within_rounding(self) -> bool:
        """Whether rounding may undo the whole step from where the run ends."""
        return self.step is not None and self.rounding is not None and self.step <= self.rounding


@dataclass(frozen=True)
class Evidence:
    """A run that failed, and what it is held against; None where there is no such run.

    `twin`: the same in float64 (of a float32 run); `rescaled`: at the central L, same precision; `plain`: the gradient
    step with the same declared L, float64; `plain_true`: the one with the true L; `promised` steps of theory for
    `plain`, and `promised_true` for `plain_true`. `rest_unstable`: B14 at the heads at rest, None where it says
    nothing. `same_method_true_L`: the same method in the same precision, with the true L.
    """

    run: Outcome
    steps: int
    twin: Outcome | None = None
    rescaled: Outcome | None = None
    plain: Outcome | None = None
    plain_true: Outcome | None = None
    promised: float | None = None
    rest_unstable: bool | None = None
    promised_true: float | None = None
    same_method_true_L: Outcome | None = None


def outcome_of(
    gap: np.ndarray, blur: float, reached: int, grew: bool, step: float, rounding: float, eps: float
) -> Outcome:
    """The outcome of one curve (K+1,) of shares of the initial gap."""
    K = len(gap) - 1
    falls, more = False, None
    if not grew and np.isfinite(gap).all():
        eighth = K // 8
        middles = np.median(gap[K - 4 * eighth + 1 :].reshape(4, eighth), axis=1)
        falls = bool((np.diff(middles) < -2 * blur).all())
        if falls and middles[-1] > eps:
            per_step = np.log(middles[0] / middles[-1]) / (3 * eighth)
            more = float(np.ceil(K - eighth / 2 + np.log(middles[-1] / eps) / per_step))
    return Outcome(
        int(reached) if reached >= 0 else None,
        bool(grew),
        plain(gap[-1]),
        falls,
        more,
        plain(step),
        plain(rounding),
    )


def classify(evidence: Evidence) -> tuple[str, str]:
    """The cause of a failed run, and the evidence in words."""
    for decide in (_precision, _instability, _scale, _wrong_L, _conditioning):
        cause_and_words = decide(evidence)
        if cause_and_words is not None:
            return cause_and_words
    return UNEXPLAINED, _what_is_known(evidence)


def _precision(e: Evidence) -> tuple[str, str] | None:
    run, twin = e.run, e.twin
    if twin is not None and twin.reached is not None:
        return PRECISION, f"the same run in float64 converges in {twin.reached} steps"
    if run.grew:
        if twin is not None and not twin.grew:
            return PRECISION, "it grows, and the same run in float64 ends below F(x_0)"
        return None
    if not run.within_rounding:
        return None
    short = f"rounding may move its step by {run.rounding:.2g}, and the exact step has {run.step:.2g}"
    behind, alike, times = False, False, 1.0
    if twin is not None and not twin.grew and twin.gap is not None and run.gap is not None:
        behind, times = run.gap > BEHIND * twin.gap, run.gap / max(twin.gap, 1e-300)
        alike = not behind and not twin.falls and not twin.within_rounding
    if not run.falls and not alike:
        return PRECISION, f"it falls no more: {short}"
    if behind:
        return PRECISION, f"it is {times:.2g} times behind the float64 run: {short}"
    return None


def _instability(e: Evidence) -> tuple[str, str] | None:
    if not e.run.grew:
        settles = e.run.falls or e.run.within_rounding or not e.rest_unstable
        return None if settles else (INSTABILITY, "it does not settle, and at its heads at rest B14 says unstable")
    words = "it leaves floats or diverges" if e.run.gap is None else f"it ends at {e.run.gap:.2g} times its first gap"
    if e.twin is not None:
        words += ", and grows in float64 too"
    if e.rescaled is not None and e.rescaled.reached is not None:
        words += f"; at the central L it converges in {e.rescaled.reached} steps"
    return INSTABILITY, words


def _scale(e: Evidence) -> tuple[str, str] | None:
    if e.rescaled is None or e.rescaled.reached is None:
        return None
    return SCALE, f"at the central L the same problem is solved in {e.rescaled.reached} steps"


def _wrong_L(e: Evidence) -> tuple[str, str] | None:
    if e.same_method_true_L is None or e.same_method_true_L.reached is None:
        return None
    return WRONG_L, f"with the true L the same method converges in {e.same_method_true_L.reached} steps"


def _conditioning(e: Evidence) -> tuple[str, str] | None:
    if not e.run.falls:
        return None
    plain, promised, whose, owner = e.plain, e.promised, "with the same declared L", "it"
    if plain is not None and plain.grew:
        plain, promised, whose = e.plain_true, e.promised_true, "with the true L"
    elif promised is None:
        promised, owner = e.promised_true, "one with the true L"
    if plain is None or plain.reached is not None or plain.grew or not plain.falls or promised is None:
        return None
    if promised <= e.steps:
        return None  # kappa lets a gradient step converge: nothing is explained
    if e.run.more is not None and e.run.more > promised:
        return None  # slower than any gradient step may be: the method is slow, whatever kappa does
    words = "it still falls" + ("" if e.run.more is None else f", at its rate {e.run.more:.3g} steps are needed")
    words += f"; a gradient step {whose} has not converged either"
    if plain.more is not None:
        words += f" ({plain.more:.3g} steps at its rate)"
    return CONDITIONING, f"{words}, theory promises {owner} within {promised:.3g}"


def _what_is_known(e: Evidence) -> str:
    run = e.run
    if run.falls:
        words = "it still falls" + ("" if run.more is None else f", at its rate {run.more:.3g} steps are needed")
        if e.plain is not None and e.plain.reached is not None:
            return (
                f"{words}, and a gradient step with the same declared L converges in {e.plain.reached}: the method is "
                f"slow here"
            )
        return words if e.promised is None else f"{words}; theory promises a gradient step {e.promised:.3g}"
    words = "it neither grows nor falls steadily"
    if run.within_rounding:
        return f"{words}, and the same run in float64 stops as early, above its own rounding"
    if run.step is not None and run.rounding is not None:
        words += f"; its exact step, {run.step:.2g}, is beyond what rounding explains, {run.rounding:.2g}"
    return words
