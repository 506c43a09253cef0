"""Holding a bound against the evidence of a run.

The order is: the data (do the recorded numbers agree with the iterates?), the hypotheses (does the bound apply to this
run?), then the inequality, for every F* in the certified interval and up to the rounding of both sides. The point z
with which distances are measured is the certified primal point of the optimum: every bound of the first set holds for
any comparator z, so nothing about the unknown minimiser enters a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import sympy as sp

from ... import bounds
from ...l2o import InputError
from ...l2o.problems import Composite
from ..runs.declarations import declared
from ..runs.inspection import Inspection
from .evidence import Evidence
from .quantities import fitted_step, with_virtual
from .set_slack import allowed
from .verdict import Verdict
from .verification import HypothesisReport, Verification

# The h that "best" takes where it is known: the right-hand sides of B1, B5 and B6 do not depend on h. Those of B6b and
# B6c fall with h, up to 5/4 and 3/2 (catalogue entries). B6c stays at 1, with which its recorded numbers were made.
_BEST_STEP = {"B1": 1.0, "B5": 1.0, "B6": 1.0, "B6b": 1.25, "B6c": 1.0}


def _reference_steps(reference_step: float | str, bound: bounds.Bound, inspection: Inspection) -> list[np.ndarray]:
    batch = inspection.run.batch_size
    if reference_step == "best":
        if bound.number in _BEST_STEP and bound.variant is None:
            return [np.full(batch, _BEST_STEP[bound.number])]
        return [np.full(batch, h) for h in (1.0, 0.75, 0.5, 0.25)] + [fitted_step(inspection)]
    if not isinstance(reference_step, (int, float)) or not 0 < reference_step <= 1.5:
        raise InputError(f'verify: reference_step must be a number in (0, 3/2] or "best", got {reference_step!r}.')
    return [np.full(batch, float(reference_step))]


@dataclass(frozen=True, eq=False)
class _Side:
    """A bound evaluated with one reference step."""

    lhs: np.ndarray
    lhs_upper: np.ndarray
    rhs: np.ndarray
    tolerance: np.ndarray
    applies: np.ndarray
    threshold: np.ndarray
    step: np.ndarray
    hypotheses: tuple[HypothesisReport, ...]


def _spread(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask per run or per step, in the shape of the verdict: all steps must hold for a run."""
    if len(shape) == 1:
        return np.asarray(array.all(axis=1)) if array.ndim == 2 else array
    return np.broadcast_to(array[:, None] if array.ndim == 1 else array, shape)


@cache
def _share_of_comparator(lhs: sp.Expr) -> sp.Expr:
    """How much a left-hand side grows where F(z) falls by 1."""
    return -sp.diff(lhs, bounds.quantities.VOCABULARY["F_z"].symbol).doit()


def _evaluate(bound: bounds.Bound, evidence: Evidence, step: np.ndarray) -> _Side:
    inspection, optimum = evidence.inspection, evidence.optimum
    q = evidence.quantities(step)
    if bound.about_virtual_steps and evidence.pairing is not None:
        q = with_virtual(q, inspection, evidence.pairing, step)
    if bound.about_accelerated_steps:
        q = evidence.with_accelerated(q)
    batch, steps = inspection.run.batch_size, inspection.run.steps
    shape = (batch, steps) if bound.level == "step" else (batch,)
    reports, applies = [], np.ones(shape, dtype=bool)
    for check in bound.check(q):
        holds = _spread(np.asarray(check.holds), shape)
        margin = np.asarray(check.margin, dtype=float)
        worst = float(margin.min()) if margin.size else 0.0
        reports.append(HypothesisReport(check.name, check.required, holds, float(holds.mean()), worst))
        applies &= holds
    step = np.broadcast_to(step[:, None] if bound.level == "step" else step, shape)
    if set(bound.quantities) - set(q.values):  # something it speaks of was not recorded: the checks above say what
        empty = np.full(shape, np.nan)
        return _Side(empty, empty, empty, empty, applies & False, empty, step, tuple(reports))
    e = bound.evaluate(q)
    width = np.zeros(shape)
    share = _share_of_comparator(bound.lhs)
    if share != 0 and optimum is not None:
        # F(z) is the upper end of the interval; with the lower end in its place the left-hand side is larger
        gap = (np.asarray(optimum.upper) - np.asarray(optimum.lower)) * bounds.evaluate_expression(share, q).magnitude
        width = np.broadcast_to(gap[:, None] if bound.level == "step" else gap, shape)
    return _Side(
        e.lhs,
        e.lhs + width,
        e.rhs,
        e.lhs_error + e.rhs_error + e.slop + allowed(bound, evidence.set_slack(), q),
        applies,
        bound.vacuity_threshold(q),
        step,
        tuple(reports),
    )


def _on(usable: np.ndarray, report: HypothesisReport) -> HypothesisReport:
    """The report with the share taken over the entries that are looked at."""
    held = report.holds[usable]
    return replace(report, share=float(held.mean())) if held.size else report


def _best(sides: list[_Side]) -> _Side:
    """Entry by entry the side that applies with the least right-hand side; the first one where none applies."""
    chosen = sides[0]
    for side in sides[1:]:
        # A right-hand side of which nothing is known is NaN, and any other is better.
        less = (side.rhs < chosen.rhs) | (np.isnan(chosen.rhs) & ~np.isnan(side.rhs))
        better = side.applies & (~chosen.applies | less)

        def pick(new: np.ndarray, old: np.ndarray, better: np.ndarray = better) -> np.ndarray:
            return np.where(better, new, old)

        reports = tuple(
            HypothesisReport(
                a.name,
                a.required,
                holds := pick(a.holds, b.holds),
                float(holds.mean()),
                max(a.worst_margin, b.worst_margin),
            )
            for a, b in zip(side.hypotheses, chosen.hypotheses, strict=True)
        )
        names = ("lhs", "lhs_upper", "rhs", "tolerance", "applies", "threshold", "step")
        chosen = _Side(**{n: pick(getattr(side, n), getattr(chosen, n)) for n in names}, hypotheses=reports)
    return chosen


def tightness(lhs: np.ndarray, rhs: np.ndarray, tolerance: np.ndarray) -> np.ndarray:
    """The share of the bound lhs <= rhs that is used.

    rhs / lhs where a decrease is promised (both negative), lhs / rhs where a size is bounded (both positive), 0 where
    an increase is allowed and none happened; NaN where both sides are within rounding of 0, and nothing is known.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(rhs < 0, rhs / lhs, np.where(lhs <= 0, 0.0, lhs / rhs))
        return np.where((np.abs(lhs) <= tolerance) & (np.abs(rhs) <= tolerance), np.nan, share)


# VERIFIED without certainty: up to a tolerance of this share of the larger side. A bound that is wrong by twice as much
# is then never VERIFIED where the run attains it.
_RESOLVED = 0.01


def _within_rounding(side: _Side) -> np.ndarray:
    """Where the tolerance exceeds 1 % of both sides."""
    return side.tolerance > _RESOLVED * np.maximum(np.abs(side.lhs), np.abs(side.rhs))


def _hidden(side: _Side) -> np.ndarray:
    """Where rounding hides what is judged: the two sides agree to within it, and it is no small part of them.

    Nothing is hidden where lhs + tolerance <= rhs or lhs - tolerance > rhs: those are certain however large the
    tolerance is. Elsewhere the two sides are equal as far as is known, which says something as long as the tolerance is
    small beside them.
    """
    with np.errstate(invalid="ignore"):
        certain = (side.lhs_upper + side.tolerance <= side.rhs) | (side.lhs - side.tolerance > side.rhs)
        return ~certain & _within_rounding(side)


def _verdicts(side: _Side, data: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """The verdicts of a side; `data`: whether the claims hold, `usable`: whether there is anything to judge."""
    verdict = np.full(side.rhs.shape, Verdict.INCONCLUSIVE, dtype=object)
    with np.errstate(invalid="ignore"):
        verdict[(side.lhs_upper - side.rhs <= side.tolerance) & ~_hidden(side)] = Verdict.VERIFIED
        verdict[side.lhs - side.rhs > side.tolerance] = Verdict.VIOLATED
    # A tolerance that is not finite means that nothing is known of one side.
    verdict[~np.isfinite(side.tolerance)] = Verdict.INCONCLUSIVE
    verdict[~side.applies | ~usable] = Verdict.NOT_APPLICABLE
    verdict[~data] = Verdict.VIOLATED
    return verdict


def _rounding_notes(side: _Side, verdict: np.ndarray) -> list[str]:
    """What to do where rounding hides what is judged; where the iterates do not move there is nothing to be done."""
    hidden = (verdict == Verdict.INCONCLUSIVE) & _hidden(side)
    if not hidden.any():
        return []
    where = f"{int(hidden.sum())} of {hidden.size} {'runs' if hidden.ndim == 1 else 'steps'}"
    return [
        f"rounding (up to {side.tolerance[hidden].max():.3g}) is over 1 % of both sides at {where}; this is as it must "
        "be where the iterates have stopped moving; elsewhere centre or scale the data"
    ]


def _contradiction_notes(side: _Side, problem: Composite) -> list[str]:
    """Each declaration of the problem that the bound needs and that the points of the run contradict."""
    declarations = declared(problem)
    denied = [h.name for h in side.hypotheses if declarations.get(h.name) and not h.holds.all()]
    return [
        f"the problem declares that {bounds.quantities.FACTS[name]}, and the points of the run contradict it: mend the "
        "declaration, or the term"
        for name in denied
    ]


def _precision_notes(side: _Side, evidence: Evidence) -> list[str]:
    """What to do where a hypothesis fails on iterates that may be of float32 though they are declared float64."""
    if all(h.holds.all() for h in side.hypotheses) or not evidence.looks_single:
        return []
    return [
        "all iterates are numbers of float32, and hypotheses are judged to the rounding of float64: if the run was "
        'made in float32, give its iterates in float32, or run_from_iterates(..., dtype="float32")'
    ]


def _usable(bound: bounds.Bound, inspection: Inspection) -> np.ndarray:
    """Steps (B,K) between points of the domain in float64, or runs (B,) of such points only."""
    in_domain = inspection.in_domain
    if bound.level == "step":
        return inspection.alive[:, 1:] & in_domain[:, :-1] & in_domain[:, 1:]
    usable = inspection.finite & in_domain[:, 1:].all(axis=1)
    if (bound.rhs - bound.lhs).has(bounds.quantities.VOCABULARY["F"].symbol[0]):  # F(x_0) = inf says nothing
        usable &= in_domain[:, 0]
    return usable


def judge(bound: str | bounds.Bound, evidence: Evidence, reference_step: float | str = 1.0) -> Verification:
    """Hold a bound against the evidence of a run.

    Args:
        bound: A name of `bounds.names()`, "name:variant", or a `Bound`.
        evidence: What `gather` returned; it serves any number of bounds.
        reference_step: h in (0, 3/2], for e_k(h) = D_k - (h/L) G_k, or "best": the least right-hand side over a few h
            and a fitted one, every member being valid.

    Returns:
        Verdicts with everything they rest on, (B,K) for a bound on steps and (B,) for one on runs.

    Raises:
        InputError: Where there is no such bound or reference step, or a run of scalars was recorded for another
            comparator.
    """
    bound = bounds.get(bound) if isinstance(bound, str) else bound
    inspection = evidence.inspection
    steps = _reference_steps(reference_step, bound, inspection)
    side = _best([_evaluate(bound, evidence.about(bound), h) for h in steps])
    shape, usable, data = side.rhs.shape, _usable(bound, inspection), np.ones(side.rhs.shape, dtype=bool)
    checks = evidence.checks(bound)
    for check in checks:
        data = data & _spread(check.holds, shape)
    verdict = _verdicts(side, data, usable)
    dead = ~(inspection.alive[:, 1:] if bound.level == "step" else inspection.finite)
    blank = np.where(dead, np.nan, 0.0)
    threshold = side.threshold
    if bound.level == "run":
        threshold = np.where(inspection.in_domain[:, 0], threshold, np.inf)
    with np.errstate(invalid="ignore"):
        return Verification(
            bound,
            verdict,
            side.lhs + blank,
            side.lhs_upper + blank,
            side.rhs + blank,
            side.rhs - side.lhs_upper + blank,
            tightness(side.lhs, side.rhs, side.tolerance) + blank,
            side.tolerance,
            side.rhs >= threshold,
            _within_rounding(side),
            side.step,
            tuple(_on(usable, h) for h in side.hypotheses),
            checks,
            (
                *evidence.notes(bound),
                *_contradiction_notes(side, inspection.problem),
                *_precision_notes(side, evidence),
                *_rounding_notes(side, verdict),
            ),
        )
