"""Holding a bound against a run.

The order is: the data (does the run say the truth about itself?), the hypotheses (does the bound speak of this run at
all?), then the inequality, for every F* in the certified interval and up to the rounding of both sides. The point z
with which distances are measured is the certified primal point of the optimum: every bound of the first set holds for
any comparator z, so nothing about the unknown minimiser enters a verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ... import bounds
from ...l2o import InputError
from ...l2o.problems import Composite
from ...l2o.run import Run
from ..optima import Optimum
from ..optima import optimum as certify
from ..runs.declarations import declared
from ..runs.inspection import DataCheck, Inspection, as_numpy, data_check, inspect_run
from ..runs.scalar_runs import NOTE as SCALARS_NOTE
from ..virtual_steps.decompose import from_pairing
from ..virtual_steps.pairing import Pairing, pair
from .quantities import fitted_step, measure, with_virtual
from .set_slack import allowed, set_slack
from .verdict import Verdict
from .verification import HypothesisReport, Verification

# The h at which the right-hand side is least, where that is known: those of B1, B5 and B6 do not depend on h, that of
# B6c falls with h, and so does that of B6b, which holds up to h = 5/4 (catalogue entries).
_BEST_STEP = {"B1": 1.0, "B5": 1.0, "B6": 1.0, "B6b": 1.25, "B6c": 1.0}


def _reference_steps(reference_step: float | str, bound: bounds.Bound, inspection: Inspection) -> list[np.ndarray]:
    batch = inspection.run.batch_size
    if reference_step == "best":
        if bound.number in _BEST_STEP and bound.variant is None:
            return [np.full(batch, _BEST_STEP[bound.number])]
        return [np.full(batch, h) for h in (1.0, 0.75, 0.5, 0.25)] + [fitted_step(inspection)]
    if not isinstance(reference_step, (int, float)) or not 0 < reference_step <= 1:
        raise InputError(f'verify: reference_step must be a number in (0, 1] or "best", got {reference_step!r}.')
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
        return array.all(axis=1) if array.ndim == 2 else array
    return np.broadcast_to(array[:, None] if array.ndim == 1 else array, shape)


def _evaluate(
    bound: bounds.Bound,
    inspection: Inspection,
    optimum: Optimum | None,
    step: np.ndarray,
    pairing: Pairing | None = None,
) -> _Side:
    q = measure(inspection, optimum, step)
    q = q if pairing is None else with_virtual(q, inspection, pairing, step)
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
    if bound.lhs.has(bounds.quantities.VOCABULARY["F_z"].symbol) and optimum is not None:
        # F(z) is the upper end of the interval; with the lower end in its place the left-hand side is larger
        width = np.asarray(optimum.upper) - np.asarray(optimum.lower)
    slack = set_slack(inspection, None if optimum is None else optimum.x)
    return _Side(
        e.lhs,
        e.lhs + width,
        e.rhs,
        e.lhs_error + e.rhs_error + e.slop + allowed(bound, slack, q),
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
        chosen = _Side(*(pick(getattr(side, n), getattr(chosen, n)) for n in names), reports)
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


def _judge(side: _Side, data: np.ndarray, usable: np.ndarray) -> np.ndarray:
    verdict = np.full(side.rhs.shape, Verdict.INCONCLUSIVE, dtype=object)
    with np.errstate(invalid="ignore"):
        verdict[(side.lhs_upper - side.rhs <= side.tolerance) & ~_hidden(side)] = Verdict.VERIFIED
        verdict[side.lhs - side.rhs > side.tolerance] = Verdict.VIOLATED
    # A tolerance that is not finite means that nothing is known of one side.
    verdict[~np.isfinite(side.tolerance)] = Verdict.INCONCLUSIVE
    verdict[~side.applies | ~usable] = Verdict.NOT_APPLICABLE
    verdict[~data] = Verdict.VIOLATED
    return verdict


def _interval_checks(inspection: Inspection, optimum: Optimum) -> tuple[np.ndarray, list[DataCheck]]:
    """Whether the interval of F* agrees with its own point and with what the run attained, (B,)."""
    z = torch.as_tensor(np.array(optimum.x), dtype=torch.float64)
    value = as_numpy(inspection.problem.objective(z))
    error = as_numpy(inspection.problem.objective_error(z))
    lower, upper = np.asarray(optimum.lower), np.asarray(optimum.upper)
    # F(z) - error <= true F(z) <= upper must hold for a sound interval; and no run may get below `lower`.
    excess = np.maximum(value - error - upper, lower - upper)
    known = inspection.in_domain & inspection.alive
    attained = np.where(known, inspection.objective + inspection.objective_error, np.inf)
    below = lower - attained.min(axis=1)
    point, floor = excess <= 0, below <= 0
    shape = (len(value), inspection.run.steps)
    checks = [
        DataCheck(
            "optimum",
            np.broadcast_to(point[:, None], shape),
            float(np.maximum(excess, 0).max()),
            "the interval of F* is not empty and its upper end is not below F at its own point",
        ),
        DataCheck(
            "floor",
            np.broadcast_to(floor[:, None], shape),
            float(np.maximum(below, 0).max()),
            "no iterate of the run lies below the lower end of the interval of F*",
        ),
    ]
    return point & floor, checks


def _virtual_steps(
    bound: bounds.Bound, inspection: Inspection, reference_run: Run | None, optimizer: Any
) -> Pairing | None:
    """The virtual steps that `bound` speaks of; None where it speaks of none or none were given."""
    if not bound.about_virtual_steps or (reference_run is None and optimizer is None):
        return None
    if reference_run is None or optimizer is None:
        given, missing = ("optimizer", "reference_run") if reference_run is None else ("reference_run", "optimizer")
        raise InputError(
            f"verify: `{bound.key}` was given {given} without {missing}; give both, the run in distribution and the "
            f"optimizer of the two runs."
        )
    key = (id(reference_run), id(optimizer))
    if key not in inspection.paired:
        inspection.paired[key] = (reference_run, optimizer, pair(inspection.run, reference_run, optimizer))
    return inspection.paired[key][-1]


def _virtual_check(run: Run, pairing: Pairing) -> DataCheck:
    found = from_pairing(run, pairing)
    allowed = np.where(found.alive, found.residual_allowed, 0.0)
    return data_check(
        "bias",
        np.where(found.alive, found.residual, 0.0),
        allowed,
        "the recorded b_k is D_k - p_k G_k, so that the terms of e_k add up to it",
    )


def _virtual_notes(bound: bounds.Bound, pairing: Pairing | None, given: bool) -> list[str]:
    if pairing is not None:
        notes = ["each step is held against the paired step of reference_run, with the least C1, C2 that fit the pair"]
        if (unlike := np.isnan(pairing.dz)).any():
            notes.append(f"{int(unlike.sum())} steps have no finite virtual step, and nothing is known of them")
        return notes
    if bound.about_virtual_steps:
        return ["its virtual quantities come from reference_run and optimizer, which were not given"]
    return ["this bound speaks of no virtual features: reference_run and optimizer have no part in it"] if given else []


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


def verify(
    run: Run,
    problem: Composite,
    bound: str | bounds.Bound,
    optimum: Optimum | None = None,
    reference_step: float | str = 1.0,
    reference_run: Run | None = None,
    optimizer: Any = None,
    *,
    inspection: Inspection | None = None,
) -> Verification:
    """Hold `bound` (a name of `bounds.names()`, "name:variant", or a `Bound`) against a run on its problem.

    `optimum` is computed where a run bound needs it and none is given. `reference_step` h in (0, 1] (e_k(h) = D_k -
    (h/L) G_k), or "best": the least right-hand side over a few h and a fitted one, every member being valid.
    The forms on virtual features need `reference_run`, a run of the same size in distribution, and `optimizer`, which
    made both: the constants are then those of the pairs of steps (see `decompose`); without the two they are
    NOT_APPLICABLE. `inspection` (from `inspect_run`) saves
    recomputing gradients when several bounds are held against one run.
    """
    bound = bounds.get(bound) if isinstance(bound, str) else bound
    inspection = inspect_run(run, problem) if inspection is None else inspection
    if bound.about_comparator and optimum is None:
        optimum = certify(problem)
    if optimum is not None and np.shape(optimum.x) != (problem.batch_size, problem.dim):
        raise InputError(
            f"verify: the optimum has shape {np.shape(optimum.x)}, the problem ({problem.batch_size}, "
            f"{problem.dim}); pass the optimum of this problem."
        )
    if optimum is not None and optimum.problem not in ("", inspection.problem.fingerprint()):
        raise InputError(
            "verify: the optimum was computed for another problem of this shape (the fingerprints differ); pass the "
            "optimum of this problem."
        )
    steps = _reference_steps(reference_step, bound, inspection)
    judge_with = optimum if bound.about_comparator else None
    # Steps do not need a comparator; with iterates the one at hand is taken, so that all bounds share their quantities.
    measure_with = optimum if inspection.x is not None else judge_with
    pairing = _virtual_steps(bound, inspection, reference_run, optimizer)
    side = _best([_evaluate(bound, inspection, measure_with, h, pairing) for h in steps])
    shape = side.rhs.shape

    in_domain = inspection.in_domain
    if bound.level == "step":
        usable = inspection.alive[:, 1:] & in_domain[:, :-1] & in_domain[:, 1:]
    else:
        usable = inspection.finite & in_domain[:, 1:].all(axis=1)
        if (bound.rhs - bound.lhs).has(bounds.quantities.VOCABULARY["F"].symbol[0]):  # F(x_0) = inf says nothing
            usable &= in_domain[:, 0]
    data, checks = _spread(inspection.data_holds, shape), list(inspection.checks)
    if pairing is not None:
        bias = _virtual_check(run, pairing)
        data, checks = data & _spread(bias.holds, shape), [*checks, bias]
    if judge_with is not None:
        sound, more = _interval_checks(inspection, judge_with)
        data, checks = data & _spread(sound, shape), checks + more
    verdict = _judge(side, data, usable)

    notes = []
    if bound.number == "B5" and bound.variant is None:
        notes.append("without a reference run e_k is measured, and the inequality is that of B1 on this run")
    if not inspection.finite.all():
        gone = int((~inspection.finite).sum())
        notes.append(f"{gone} runs left float64 (inf or NaN): their steps are judged up to there, the runs not at all")
    if (inspection.alive & ~in_domain).any():
        notes.append("points outside the domain of r, where F = inf, are not judged")
    if judge_with is not None and not np.isfinite(judge_with.lower).all():
        notes.append("F* has no finite lower bound for some instances; see optimum.reason")
    if inspection.x is None:
        notes.append(SCALARS_NOTE)
    notes += _virtual_notes(bound, pairing, reference_run is not None or optimizer is not None)
    notes += _contradiction_notes(side, problem)
    notes += _rounding_notes(side, verdict)
    dead = ~(inspection.alive[:, 1:] if bound.level == "step" else inspection.finite)
    blank = np.where(dead, np.nan, 0.0)
    threshold = (
        np.where(_spread(in_domain[:, 0], shape), side.threshold, np.inf) if bound.level == "run" else side.threshold
    )
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
            tuple(checks),
            tuple(notes),
        )


def verify_all(
    run: Run,
    problem: Composite,
    optimum: Optimum,
    names: Iterable[str] | None = None,
    reference_step: float | str = 1.0,
) -> dict[str, Verification]:
    """`verify` for several bounds (default: all that a run is enough for), inspecting the run once."""
    inspection = inspect_run(run, problem)
    return {
        name: verify(run, problem, name, optimum, reference_step, inspection=inspection)
        for name in ([n for n in bounds.names() if bounds.get(n).on_runs] if names is None else names)
    }
