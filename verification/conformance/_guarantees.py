"""What theory asks of a run: fixed points, the prox, steps in range, descent, and what the optimizer declares."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ... import l2o
from ...l2o import Composite
from ..diagnosis.assumption_meter import assumption_meter
from ..invariance.equivariance import CLEAR, ROUNDINGS, nudge
from ..runs.inspection import as_numpy, norm
from ..verdicts.judge import judge
from ..verdicts.verdict import Verdict
from ._case import Case, Instance
from ._model import holds_weights
from ._progress import does_not_diverge, makes_progress
from ._result import Finding, Status, failed, not_applicable, passed
from .registry import register

_EPS = float(np.finfo(np.float64).eps)


def at_zero(taken: list[Instance]) -> list[Instance]:
    """Problems of kinds that are taken, whose minimiser is 0 with a gradient that is exactly 0 there."""
    batch, n = taken[0].problem.batch_size, taken[0].problem.dim
    rng = np.random.default_rng(n)
    matrix, zero = rng.standard_normal((batch, n + 2, n)), np.zeros((batch, n + 2))
    x0 = torch.zeros(batch, n, dtype=torch.float64)
    smooth = l2o.least_squares(matrix, zero)
    kinds = {getattr(i.problem.nonsmooth, "base", i.problem.nonsmooth).kind for i in taken}
    problems = {"zero": Composite(smooth, l2o.zero()), "l1": l2o.lasso(matrix, zero, 0.1)}
    return [Instance(f"{p.name} at a zero gradient", p, x0) for kind, p in problems.items() if kind in kinds]


@register(
    asserts="Started at a minimiser, certified by the distance of 0 from the subdifferential of F, the run stays there "
    "up to what rounding and its amplification explain; where the gradient is exactly 0 it stays finite and at rest. A "
    "run that leaves and comes back is not at fault: a fresh dual variable or threshold is not that of a solution.",
    why="A method that leaves the solution has a floor: far from it the defect hides behind the progress, near it the "
    "defect is all there is.",
    breaks="The wrong sign of the gradient, a prox with the wrong step or threshold, a bias that does not vanish, a "
    "division by the norm of a gradient that is 0, subgradient steps with a constant step size.",
    advice="make every displacement a multiple of the generalised gradient or of an earlier displacement, and guard "
    "divisions; a model with bias heads lists this check in expected_failed_checks",
    theory="B11",
    is_property=True,
)
def fixed_point(case: Case) -> Finding:
    """A run from the minimiser, and probes that show how rounding is amplified."""
    worst: dict[str, Any] = {}
    decided, returned = 0, 0
    for instance in case.instances:
        problem = instance.problem
        z, residual = instance.solution
        with np.errstate(invalid="ignore", over="ignore"):
            scale = np.maximum(norm(as_numpy(z)), norm(as_numpy(instance.x0)))
            unit = _EPS * (norm(as_numpy(z)) + 1e-300) + residual / as_numpy(problem.smoothness)
            run = case.run(instance, x0=z)
            nudges = [nudge(problem, z, z.abs() + 1e-3 * z.abs().amax(-1, keepdim=True), unit, i) for i in range(2)]
            probes = [case.run(instance, x0=z + nudge) for nudge in nudges]
            apart = np.max([norm(as_numpy(p.x - run.x)) for p in probes], axis=0)
            tolerance = np.maximum.accumulate(apart + ROUNDINGS * unit[:, None], axis=1) / scale[:, None]
            moved = norm(as_numpy(run.x - z.unsqueeze(1))) / scale[:, None]
        moved, tolerance = np.nan_to_num(moved, nan=np.inf), np.nan_to_num(tolerance, nan=0.0, posinf=1.0)
        judged = np.logical_and.accumulate(tolerance <= CLEAR, axis=1)
        decided += int((judged.sum(axis=1) >= 2).sum())
        broken = judged & (moved > 10 * tolerance)
        if broken.any():
            if _comes_back(case, instance, z, broken.any(axis=1)):
                returned += 1
                continue
            return _left(instance, broken, moved, tolerance, residual)
        worst = max(worst, _worst(instance, judged, moved, tolerance), key=lambda e: e.get("relative_distance", -1.0))
    for instance in at_zero(case.instances):
        try:
            run = case.run(instance)
        except l2o.InputError:  # it does not take this problem
            continue
        moved = np.nan_to_num(norm(as_numpy(run.x)), nan=np.inf)
        tolerance = np.full(moved.shape, ROUNDINGS * _EPS)
        if (moved > tolerance).any():
            return _left(instance, moved > tolerance, moved, tolerance, np.zeros(len(moved)))
    if returned:
        return not_applicable(
            f"on {returned} problems it leaves the minimiser and comes back: x alone is no fixed point, because the "
            "rest of the state starts elsewhere (a dual variable, a threshold, a schedule)"
        )
    if not decided:
        return not_applicable("near every minimiser rounding is amplified so much that nothing can be said")
    return passed(f"{decided} instances stay at their minimiser for {case.steps} steps", **worst)


_BACK = 200
"""Steps in which a run that left its minimiser may come back."""


def _comes_back(case: Case, instance: Instance, z: torch.Tensor, left: np.ndarray) -> bool:
    """Whether the instances `left` (B,) of a run from z come back to within a thousandth of the way."""
    if holds_weights(case.fresh()):  # what a network does elsewhere is no theorem
        return False
    for steps in (_BACK, 10 * _BACK):
        run = case.run(instance, x0=z, steps=steps)
        away = np.nan_to_num(norm(as_numpy(run.x - z.unsqueeze(1))), nan=np.inf)[left]
        farthest = away.max(axis=1)
        last = away[:, -steps // 20 :].max(axis=1)
        if not np.isfinite(farthest).all() or not (last <= 0.7 * farthest).all():
            return False
        if (last <= 1e-3 * farthest).all():
            return True
    return False


def _left(
    instance: Instance, broken: np.ndarray, moved: np.ndarray, tolerance: np.ndarray, residual: np.ndarray
) -> Finding:
    b = int(np.argmax(broken.any(axis=1)))
    k = int(np.argmax(broken[b]))
    lhs, allowed = float(moved[b, k]), float(tolerance[b, k])
    return failed(
        f"{instance.name}, instance {b}: after {k} steps the run is {lhs:.2g} (relative) from the minimiser it started "
        f"at; rounding explains {allowed:.2g}",
        **instance.shape,
        b=b,
        step=k,
        relative_distance=lhs,
        tolerance=allowed,
        slack=allowed - lhs,
        residual_of_the_minimiser=float(residual[b]),
    )


def _worst(instance: Instance, judged: np.ndarray, moved: np.ndarray, tolerance: np.ndarray) -> dict[str, Any]:
    where = np.where(judged, moved, -1.0)
    b, k = (int(i) for i in np.unravel_index(np.argmax(where), where.shape))
    return {
        **instance.shape,
        "b": b,
        "step": k,
        "relative_distance": float(where[b, k]),
        "tolerance": float(tolerance[b, k]),
        "slack": float(tolerance[b, k] - where[b, k]),
    }


@register(
    asserts="Where the state names the argument and the step of its prox, g_k = (argument - x_k) / step is in the "
    "subdifferential of r at x_k, up to the rounding of that quotient.",
    why="This is what makes x_k the prox it claims to be, whatever the code does, and every bound on composite "
    "problems rests on it. It needs no second implementation to compare with.",
    breaks="Another step in the prox than the one named, the prox of the unshifted term on a shifted problem (the "
    "authors' public code), a change of x after the prox that the state does not tell.",
    advice="use problem.prox(argument, step) and put just this argument and this step into the state; leave "
    "prox_argument out where x is not the output of the prox",
    theory="B1",
)
def prox_optimal(case: Case) -> Finding:
    """The check `subgradient` of the inspection, on every instance with r other than 0."""
    steps, slackest = 0, 0.0
    for instance, run in case.runs():
        if instance.problem.nonsmooth.is_zero or run.subgradient_rule != "prox":
            continue
        check = next(c for c in case.inspection(instance).checks if c.name == "subgradient")
        steps += check.holds.size
        slackest = max(slackest, check.excess)
        if not check.holds.all():
            b, k = (int(i) for i in np.argwhere(~check.holds)[0])
            return failed(
                f"{instance.name}, instance {b}, step {k + 1}: the implied g_k misses the subdifferential of r at x_k; "
                f"{int((~check.holds).sum())} of {check.holds.size} steps do, by up to {check.excess:.2g}",
                **instance.shape,
                b=b,
                step=k + 1,
                worst_distance=check.excess,
                share=float((~check.holds).mean()),
            )
    if not steps:
        return not_applicable("its state names no prox_argument and preconditioner on a problem with r other than 0")
    return passed(f"g_k is in the subdifferential at each of {steps} steps", steps=steps, worst_distance=slackest)


def _gets_there(case: Case) -> bool:
    """Whether a method that was not trained has long runs that come down and do not diverge."""
    if holds_weights(case.fresh()):
        return False
    return all(check(case).status is Status.PASSED for check in (does_not_diverge, makes_progress))


@register(
    asserts="Every iterate is finite, of the shape and precision of x_0, and where the state names a preconditioner, "
    "it is positive (0 is allowed where r = 0) and below 2/L. A method without weights may take longer steps if its "
    "long runs get somewhere all the same (`makes_progress`, `does_not_diverge`): no theorem says 2/L of line "
    "searches, of Barzilai-Borwein steps or of Douglas-Rachford.",
    why="0 < p < 2/L with no bias is descent for every instance (B2): a model whose outputs are confined to it is safe "
    "by construction, and one whose outputs are not is safe where it happened to be looked at.",
    breaks="A head without an upper bound (softplus, exp), a scale that takes it beyond 2/L, a step from another "
    "problem's L, an L without the 1/4 of the logistic loss.",
    advice="confine the head (2 sigmoid times 0.9999/L), or list this check in expected_failed_checks with the reason "
    "why larger steps are wanted",
    theory="B2",
)
def outputs_in_range(case: Case) -> Finding:
    """Over the runs on every instance."""
    largest, named = 0.0, False
    for instance, run in case.runs():
        if not bool(run.finite.all()):
            b = int((~run.finite).nonzero()[0, 0])
            k = int((~torch.isfinite(run.x[b]).all(-1)).nonzero()[0, 0])
            return failed(f"{instance.name}, instance {b}: x_{k} is not finite", **instance.shape, b=b, step=k)
        if run.x_final.shape != instance.x0.shape or run.x_final.dtype != instance.x0.dtype:
            return failed(f"{instance.name}: x_K is {run.x_final.dtype} {tuple(run.x_final.shape)}", **instance.shape)
        if run.preconditioner is None:
            continue
        named = True
        scaled = as_numpy(run.preconditioner) * as_numpy(instance.problem.smoothness)[:, None, None]
        low = scaled < 0 if instance.problem.nonsmooth.is_zero else scaled <= 0
        bad = low | ~(scaled < 2)
        if bad.any() and not low.any() and _gets_there(case):
            return not_applicable(
                f"L p_k is up to {np.nanmax(scaled):.4g} on {instance.name}; no theorem covers such steps, and its "
                "long runs come down all the same"
            )
        if bad.any():
            b, k, i = (int(j) for j in np.argwhere(bad)[0])
            return failed(
                f"{instance.name}, instance {b}, step {k + 1}: L p_k is {scaled[b, k, i]:.4g}, outside (0, 2), on "
                f"{bad.mean():.1%} of all entries",
                **instance.shape,
                b=b,
                step=k + 1,
                variable=i,
                lhs=float(scaled[b, k, i]),
                rhs=2.0,
                slack=2.0 - float(scaled[b, k, i]),
                share=float(bad.mean()),
            )
        largest = max(largest, float(scaled.max()))
    if not named:
        return passed("every iterate is finite; the state names no preconditioner")
    return passed(
        f"every iterate is finite and L p_k is at most {largest:.4g}", lhs=largest, rhs=2.0, slack=2 - largest
    )


@register(
    asserts="B1, F(x_k) - F(x_{k-1}) <= -||G_k||^2/(2L) + (L/2)||e_k||^2, is violated at no step of any run, and no "
    "recorded quantity disagrees with the problem.",
    why="B1 holds for every method whatever it does, so a violation is never bad luck: the problem's L, gradient or "
    "prox is wrong, or the method claims something of its step that is not so.",
    breaks="An L that is too small, a gradient that is not that of F, a state that names a prox it did not take.",
    advice="run verification.check_problem on the problem, and the check prox_optimal on the optimizer",
    theory="B1",
)
def descent(case: Case) -> Finding:
    """`verify` with per_step_descent on every run."""
    steps, worst, evidence = 0, np.inf, {}
    for instance, _ in case.runs():
        v = judge("per_step_descent", case.evidence(instance))
        violated = v.verdict == Verdict.VIOLATED
        slack = np.where(v.verdict == Verdict.VERIFIED, v.slack, np.inf)
        at = np.argwhere(violated)[0] if violated.any() else np.unravel_index(np.argmin(slack), slack.shape)
        b, k = (int(i) for i in at)
        numbers = {"lhs": v.lhs[b, k], "rhs": v.rhs[b, k], "slack": v.slack[b, k], "tolerance": v.tolerance[b, k]}
        place = {**instance.shape, "b": b, "step": k + 1, **{n: float(x) for n, x in numbers.items()}}
        if violated.any():
            data = [c.statement for c in v.data if not c.holds.all()]
            what = f"it is not true that {data[0]}" if data else f"{place['lhs']:.6g} > {place['rhs']:.6g}"
            return failed(
                f"{instance.name}, instance {b}, step {k + 1}: {what}; {int(violated.sum())} of {violated.size} steps",
                **place,
                violated=int(violated.sum()),
            )
        steps += v.count(Verdict.VERIFIED)
        if slack[b, k] < worst:
            worst, evidence = float(slack[b, k]), place
    return passed(f"B1 is verified at {steps} steps and violated at none", **evidence)


def _undeclared(name: str, what: str, measured: str = "") -> Finding:
    return not_applicable(
        f"it declares no {name} ({what}){measured}; put declares = {{{name!r}: ...}} on the optimizer"
    )


@register(
    asserts="rho_k = L||e_k|| / ||G_k|| is at most the declared `relative_deviation` at every step, up to rounding.",
    why="rho < 1 is descent at the same rate on every instance (B2), and the rate of B8 follows from it: a promise "
    "worth declaring, and one that a single run can refute.",
    breaks="Momentum and extrapolation (rho > 1 is normal there), heads that wander away from 1/L on features they "
    "have not seen.",
    advice="declare what the architecture guarantees, or confine the heads: p in [(1-rho)/L, (1+rho)/L] and no bias",
    theory="B8",
    declares="relative_deviation",
)
def relative_deviation(case: Case) -> Finding:
    """Where G_k is well above rounding."""
    limit, largest = case.declared("relative_deviation"), 0.0
    evidence: dict[str, Any] = {}
    for instance, run in case.runs():
        inspection = case.inspection(instance)
        L = as_numpy(instance.problem.smoothness)[:, None]
        x, G = norm(as_numpy(run.x)), norm(as_numpy(run.generalized_gradient))
        size = norm(as_numpy(run.smooth_gradient)) + norm(as_numpy(run.subgradient)) + L * (x[:, 1:] + x[:, :-1])
        error = 4 * inspection.gradient_error + 64 * _EPS * size
        with np.errstate(divide="ignore", invalid="ignore"):
            tolerance = np.where(error < G / ROUNDINGS, 2 * error / G, np.inf)
        rho = as_numpy(run.relative_deviation)
        judged = np.isfinite(tolerance) & np.isfinite(rho)
        if not judged.any():
            continue
        where = np.where(judged, rho - tolerance, -np.inf)
        b, k = (int(i) for i in np.unravel_index(np.argmax(where), where.shape))
        if where[b, k] > largest or not evidence:
            largest = float(where[b, k])
            evidence = {**instance.shape, "b": b, "step": k + 1, "lhs": float(rho[b, k]), "tolerance": tolerance[b, k]}
    if limit is None:
        return _undeclared("relative_deviation", "the largest rho it promises", f"; measured: {largest:.4g}")
    if not evidence:
        return not_applicable("G_k is within rounding of 0 at every step")
    evidence = {**evidence, "rhs": float(limit), "slack": float(limit) - evidence["lhs"]}
    place = f"{evidence['instance']}, instance {evidence['b']}, step {evidence['step']}: rho is {evidence['lhs']:.4g}"
    if largest > float(limit):
        return failed(f"{place}, declared is at most {float(limit):g}", **evidence)
    return passed(f"the largest rho, {evidence['lhs']:.4g}, is within the declared {float(limit):g}", **evidence)


@register(
    asserts="The deviation from Assumption 1, ||delta1||_inf + ||delta2||/||G||, is at most the declared "
    "`assumption_1` at every judged step, for the nearer of its two readings.",
    why="The rates of B3 are proved under Assumption 1 exactly. How far a model is from it is the number to look at "
    "before one of them is quoted.",
    breaks="Training: no trained model meets the assumption exactly, and out of distribution the deviation grows.",
    advice="declare the deviation that was measured with some room, or none, and quote the bound corrected for it",
    theory="B13",
    declares="assumption_1",
)
def assumption_1(case: Case) -> Finding:
    """The assumption meter on every run."""
    limit = case.declared("assumption_1")
    if limit is None:
        return _undeclared("assumption_1", "the largest deviation it promises")
    largest: dict[str, float] = {}
    where: dict[str, dict[str, Any]] = {}
    for instance, run in case.runs():
        meter = assumption_meter(run, instance.problem, case.fresh())
        for reading, values in (meter.delta_sum or {}).items():
            if np.isfinite(values).any():
                b, k = (int(i) for i in np.unravel_index(np.nanargmax(values), values.shape))
                if values[b, k] > largest.get(reading, -1.0):
                    largest[reading] = float(values[b, k])
                    where[reading] = {**instance.shape, "b": b, "step": k + 1, "reading": reading}
    if not largest:
        return not_applicable("its state names no preconditioner, so the deltas are not known")
    reading = min(largest, key=largest.__getitem__)
    tolerance = 1e6 * _EPS  # judged steps have G_k that much above its rounding, see the meter
    lhs = largest[reading]
    evidence = {**where[reading], "lhs": lhs, "rhs": float(limit), "slack": float(limit) - lhs, "tolerance": tolerance}
    words = f"{lhs:.4g} from the reading {reading}"
    if lhs > float(limit) + tolerance:
        return failed(
            f"{evidence['instance']}, step {evidence['step']}: {words}, declared {float(limit):g}", **evidence
        )
    return passed(f"at most {words}, declared {float(limit):g}", **evidence)


@register(
    asserts="Where `monotone_objective` is declared, F(x_k) <= F(x_{k-1}) at every step, up to the rounding of F.",
    why="A method that never increases F can be stopped at any time, and bounds on means hold for the last iterate.",
    breaks="Momentum, steps above 1/L on curved directions, subgradient steps; a safeguard that compares wrong values.",
    advice="do not declare it, or accept a step only where the objective does not rise (l2o's safeguarded does)",
    theory="B2",
    declares="monotone_objective",
)
def monotone_objective(case: Case) -> Finding:
    """Recorded objectives against the bound on their rounding."""
    if not case.declared("monotone_objective"):
        return _undeclared("monotone_objective", "True where F never rises")
    worst, evidence = -np.inf, {}
    for instance, run in case.runs():
        inspection = case.inspection(instance)
        F, error = as_numpy(run.objective), inspection.objective_error
        with np.errstate(invalid="ignore"):
            rise = F[:, 1:] - F[:, :-1]
            allowed = error[:, 1:] + error[:, :-1]
            over = np.where(np.isfinite(F[:, :-1]), np.nan_to_num(rise - allowed, nan=np.inf), -np.inf)
        b, k = (int(i) for i in np.unravel_index(np.argmax(over), over.shape))
        place = {**instance.shape, "b": b, "step": k + 1, "lhs": float(F[b, k + 1]), "rhs": float(F[b, k])}
        place |= {"slack": float(-rise[b, k]), "tolerance": float(allowed[b, k])}
        if over[b, k] > 0:
            return failed(f"{instance.name}, instance {b}, step {k + 1}: F rises by {rise[b, k]:.3g}", **place)
        if over[b, k] > worst:
            worst, evidence = float(over[b, k]), place
    return passed("F rises at no step", **evidence)


@register(
    asserts="On problems with a constraint every iterate has a finite objective: it lies in the domain of r.",
    why="Outside the domain F is infinite, and no bound, gap or objective says anything of the point.",
    breaks="Steps, extrapolation or averaging after the prox, rounding of a projected point, a method without a prox "
    "that takes the problem nevertheless.",
    advice="let x_k be the output of the prox and keep an extrapolated one beside it, or refuse such problems in init",
)
def respects_domain(case: Case) -> Finding:
    """Instances whose r is an indicator."""
    seen = 0
    for instance, run in case.runs():
        if not instance.problem.nonsmooth.is_indicator or instance.problem.nonsmooth.is_zero:
            continue
        seen += 1
        outside = ~np.isfinite(as_numpy(run.objective))
        outside[:, 0] = False
        if outside.any():
            b, k = (int(i) for i in np.argwhere(outside)[0])
            return failed(
                f"{instance.name}, instance {b}: x_{k} has left the domain; {outside.mean():.0%} of the iterates have",
                **instance.shape,
                b=b,
                step=k,
                share=float(outside.mean()),
            )
    return (
        passed("every iterate is in the domain of r")
        if seen
        else not_applicable("it takes no problem with a constraint")
    )
