"""Does a method get anywhere? Long runs, held against proximal gradient with steps of 1/L from the same points."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...l2o import Composite
from ..runs.inspection import as_numpy, norm
from ._case import LAST, LATE, LONG, Case, Instance, LongRun
from ._reference import proximal_gradient, proximal_step, value
from ._result import Finding, failed, not_applicable, passed
from .registry import register

_SHARE = 10  # of its steps a method must be worth one in so many of proximal gradient
_FROZEN = 1e-3  # of one step of proximal gradient: who moves less in LAST steps stands still
_DONE = 1e-6  # of the gap at the start: then there is nothing left that can be asked
_WAY_UP = 100  # times the gap at the start is divergence
_PACE = 0.75  # of the steps of what a method with a memory is held against
_ALONG, _BACKWARDS = 0.9999, 0.3  # cosines: a memory that only changes the length of a step; one that points back


def _late(instance: Instance, run: LongRun) -> np.ndarray:
    """(B,) what F must have come down to after LONG steps: a few steps of proximal gradient from the middle."""
    finite = torch.nan_to_num(run.middle, posinf=0.0, neginf=0.0)
    from_middle = proximal_gradient(instance.problem, finite, LATE // (2 * _SHARE))[:, -1]
    return np.maximum(from_middle, instance.reference[:, -1])  # or proximal gradient from the start, all the way


def _standing_still(problem: Composite, run: LongRun) -> np.ndarray:
    """(B,) how much longer one step of proximal gradient from the end is than the last LAST steps of the run."""
    end = torch.nan_to_num(run.end, posinf=0.0, neginf=0.0)
    one = norm(as_numpy(proximal_step(problem, end) - end))
    rounding = 1e3 * as_numpy(problem.smooth_gradient_error(end)) / as_numpy(problem.smoothness)
    rounding = rounding + 1e3 * np.finfo(np.float64).eps * norm(as_numpy(problem.nonsmooth.magnitude(end)))
    return np.where(one > rounding, one * _FROZEN - run.path, -np.inf)


@register(
    asserts=f"In {LONG} steps F comes down at least as far as {LONG // _SHARE} steps of proximal gradient take it, in "
    f"the first {2 * _SHARE} as far as two do, it goes on from the middle of the run, and the last {LAST} steps "
    "together are not a thousandth of one step of proximal gradient. It is done where a millionth of the gap is left.",
    why="A method that does nothing violates no bound, and a step of 1e-6/L is descent at every step. The least that "
    "can be asked of a method is that it is worth a tenth of the simplest one, at the start and later on.",
    breaks="Steps that are far too short or die out, a head that saturates, iterates that freeze behind a guard "
    "(nan_to_num, clamp, a step refused for ever), a fixed point that is no minimiser, divergence.",
    advice="look at F over the run; a method that converges elsewhere, or slowly on purpose, lists this check in "
    "expected_failed_checks with the reason",
)
def makes_progress(case: Case) -> Finding:
    """The least F so far counts, so that methods which do not go down at every step are not at fault."""
    closest, evidence = np.inf, {}
    for instance in case.long_instances:
        run = case.long(instance)
        least = np.minimum(run.best[:, -1], instance.reference.min(axis=1))
        done = least + _DONE * (run.values[:, 0] - least) + run.error
        wanted = [
            (step, instance.reference[:, step // _SHARE], f"{step // _SHARE} steps of proximal gradient")
            for step in (2 * _SHARE, LONG)
        ]
        wanted.append((LONG, _late(instance, run), f"what is left to do after {LATE} steps"))
        for step, limit, what in wanted:
            limit = np.maximum(limit + run.error, done)
            slack = limit - run.best[:, step]
            b = int(np.argmin(slack))
            numbers = {**instance.shape, "b": b, "step": step, "lhs": float(run.best[b, step]), "rhs": float(limit[b])}
            numbers |= {"slack": float(slack[b]), "tolerance": float(run.error[b]), "start": float(run.values[b, 0])}
            if not slack[b] >= 0:
                return failed(
                    f"{instance.name}, instance {b}: the least F of {step} steps is {numbers['lhs']:.6g}, from "
                    f"{numbers['start']:.6g} at the start; {what} would make it {numbers['rhs']:.6g}",
                    **numbers,
                )
            share = float(slack[b]) / max(abs(float(run.values[b, 0] - run.best[b, -1])), 1e-300)
            if share < closest:
                closest, evidence = share, numbers
        still = _standing_still(instance.problem, run)
        still = np.where(run.best[:, -1] <= done, -np.inf, still)
        if (still > 0).any():
            b = int(np.argmax(still))
            return failed(
                f"{instance.name}, instance {b}: it stands still; the last {LAST} steps together have the length "
                f"{run.path[b]:.3g}, and it is not at a minimiser",
                **instance.shape,
                b=b,
                step=LONG,
                lhs=float(run.path[b]),
            )
    return passed(f"F comes down on {len(case.long_instances)} problems", **evidence)


@register(
    asserts=f"In {LONG} steps every iterate is finite, F - F* never exceeds {_WAY_UP} times what it is at the start, "
    "and F is in the end no larger than at the start: the method is no worse than x_k = x_0.",
    why="Divergence need not show in a few steps, in bounds that hold for every run, or in the least F so far. Who "
    "stops when the budget is spent gets the last iterate.",
    breaks="Steps beyond 2/L that the state does not name, momentum that grows, a memory that is unstable on small "
    "curvatures, infinite numbers that nan_to_num or clamp makes finite, a schedule that ends badly.",
    advice="confine steps and momentum, or safeguard them; do not hide what is not finite",
)
def does_not_diverge(case: Case) -> Finding:
    """F* is the least F that the run or proximal gradient came to."""
    largest, evidence = -np.inf, {}
    for instance in case.long_instances:
        run = case.long(instance)
        least = np.minimum(run.best[:, -1], instance.reference.min(axis=1))
        gap = run.values[:, 0] - least
        room = run.error + 1e-12 * np.abs(run.values[:, 0])
        for limit, reached, what in (
            (least + _WAY_UP * gap + room, run.values.max(axis=1), "the largest F"),
            (run.values[:, 0] + room, run.values[:, -1], "the last F"),
        ):
            over = np.nan_to_num(reached - limit, nan=np.inf)
            b = int(np.argmax(over))
            k = int(np.argmax(run.values[b])) if what == "the largest F" else LONG
            numbers = {**instance.shape, "b": b, "step": k, "lhs": float(reached[b]), "rhs": float(limit[b])}
            numbers |= {"slack": float(-over[b]), "start": float(run.values[b, 0])}
            if over[b] > 0:
                first = f"x_{k} is not finite" if np.isinf(reached[b]) else f"{what} is {reached[b]:.6g}"
                return failed(
                    f"{instance.name}, instance {b}: {first}, at the start it was {run.values[b, 0]:.6g}", **numbers
                )
            share = float((reached[b] - least[b]) / max(gap[b], 1e-300))
            if share > largest:
                largest, evidence = share, numbers
    return passed(f"F stays below {max(largest, 0.0):.3g} times its gap at the start", **evidence)


@register(
    asserts=f"The gap F - F* after {LONG} steps is at most the declared share `converges` of the gap at the start.",
    why="That a method converges is the first thing its authors say, and the share that is left after a stated number "
    "of steps is a form of it that a run can refute.",
    breaks="A floor (a bias, a constant step on a kink, noise), a rate that holds for well-conditioned problems only.",
    advice="declare the share that was measured with some room, on your own problems if need be (problems=)",
    declares="converges",
)
def converges(case: Case) -> Finding:
    """F* from the certified minimiser of each instance."""
    limit = case.declared("converges")
    if limit is None:
        return not_applicable(
            f"it declares no converges (the share of the gap F - F* that {LONG} steps leave); put declares = "
            "{'converges': ...} on the optimizer"
        )
    largest, evidence = -np.inf, {}
    for instance in case.long_instances:
        run, (z, _) = case.long(instance), instance.solution
        least = np.minimum(as_numpy(instance.problem.objective(z)), run.best[:, -1])
        error = run.error + as_numpy(instance.problem.objective_error(z))
        gap = run.values[:, 0] - least
        left = np.maximum(run.values[:, -1] - least - error, 0.0)
        share = np.divide(left, gap, out=np.zeros_like(gap), where=gap > error)
        b = int(np.argmax(share))
        if share[b] > largest:
            largest = float(share[b])
            evidence = {**instance.shape, "b": b, "step": LONG, "lhs": largest, "rhs": float(limit)}
            evidence |= {"slack": float(limit) - largest, "tolerance": float(error[b])}
    words = f"{LONG} steps leave {largest:.3g} of the gap on {evidence['instance']}, declared is {float(limit):g}"
    return failed(words, **evidence) if not largest <= float(limit) else passed(words, **evidence)


def _restarted(case: Case, instance: Instance, steps: int) -> np.ndarray:
    """(B,) F after so many steps of the method that forgets everything but x after each."""
    x, problem = instance.x0, instance.problem
    case.doing = f"single steps on {instance.name}"
    optimizer = case.fresh()
    with torch.no_grad():
        for _ in range(steps):
            x = optimizer.step(problem, optimizer.init(problem, x.clone(), seed=case.seed)).x
    return as_numpy(value(problem, x))


def _memory(case: Case, instance: Instance, steps: int = 20) -> tuple[float, float]:
    """The median cosines of what the memory adds to a step, with the last displacement and with the step itself.

    What it adds is the difference to the step that a fresh state at the same point takes. (0, 1) without a memory.
    """
    problem, optimizer = instance.problem, case.fresh()
    back, along = [], []
    for before, state, last in _triples(case, instance, steps):
        fresh = optimizer.step(problem, optimizer.init(problem, before.x.clone(), seed=case.seed)).x
        added, step = state.x - fresh, fresh - before.x
        lengths = [torch.linalg.vector_norm(a, dim=-1) for a in (added, step, last)]
        if bool((lengths[0] > 1e-9 * lengths[1]).all() and (lengths[2] > 0).all()):
            back.append(_cosine(added, last))
            along.append(_cosine(added, step).abs())
    return (float(torch.stack(back).median()), float(torch.stack(along).median())) if back else (0.0, 1.0)


def _triples(case: Case, instance: Instance, steps: int) -> list[tuple[Any, Any, torch.Tensor]]:
    """States before and after a step, and the displacement of the step before."""
    states = case.states(instance, steps)
    return [(b, c, b.x - a.x) for a, b, c in zip(states, states[1:], states[2:])]


def _cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cosine_similarity(a, b, dim=-1, eps=1e-300)


@register(
    asserts="A method with momentum does not carry it backwards: where what its memory adds to a step points against "
    f"the last displacement, {LONG} steps still bring F at least as far down as three quarters of so many do without "
    "the memory (each step from a fresh state) or with proximal gradient.",
    why="With its sign flipped, momentum converges, violates no bound and stays at minimisers; it only doubles the "
    "number of steps. Nothing but a comparison with the method without it shows that.",
    breaks="The sign of an extrapolation, of a weight of the memory or of a head that multiplies it.",
    advice="compare with the published update: z = x_k + beta (x_k - x_{k-1}) has a plus",
    is_property=True,
)
def momentum_goes_forward(case: Case) -> Finding:
    """Only where the memory adds something across the step that a fresh state takes: no step size does that."""
    seen = []
    for instance in case.long_instances:
        case.doing = f"single steps on {instance.name}"
        with torch.no_grad():
            back, along = _memory(case, instance)
        if along > _ALONG:
            continue
        seen.append(back)
        if back > -_BACKWARDS:
            continue
        run, step = case.long(instance), int(_PACE * LONG)
        alone = _restarted(case, instance, step)
        slower = (run.best[:, -1] > alone + run.error) & (run.best[:, -1] > instance.reference[:, step] + run.error)
        if slower.any():
            b = int(np.argmax(slower))
            return failed(
                f"{instance.name}, instance {b}: what the memory adds has a cosine of {back:.2f} with the last "
                f"displacement, and F is {run.best[b, -1]:.6g} after {LONG} steps; without the memory it is "
                f"{alone[b]:.6g} after {step}",
                **instance.shape,
                b=b,
                step=LONG,
                lhs=float(run.best[b, -1]),
                rhs=float(alone[b]),
                cosine=back,
            )
    if not seen:
        return not_applicable("its steps have no momentum")
    return passed(f"what the memory adds has cosines of {min(seen):.2f} and more with the last displacement")
