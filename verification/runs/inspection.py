"""Recomputing what a run claims, before any bound is held against it.

A run is data, and data may be wrong: a recorded objective that is not F(x_k), a g_k that is no subgradient (which is
what a wrong prox leaves behind), a G_k that does not follow, an L that the gradients exceed. Everything here is
recomputed from the iterates and the problem alone; a run that disagrees beyond rounding is reported as violated data,
whatever the bound says. A run of scalars has no iterates: see `verification.runs.scalar_runs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ...l2o import InputError
from ...l2o.problems import Composite
from ...l2o.runs.array_run import ArrayRun, has_arrays
from ...l2o.runs.objectives import Objectives
from ...l2o.runs.rollout import threads_for
from ...l2o.runs.run import Run
from .nearest_pair import moves, nearest_pair
from .probes import probes

# Beyond this size squares and the bounds on their rounding overflow: for float64 the run has diverged.
HUGE = 1e140


@dataclass(frozen=True, eq=False)
class DataCheck:
    """A claim of the run that was recomputed: where it holds, per step (B,K), and the worst excess over rounding."""

    name: str
    holds: np.ndarray
    excess: float
    statement: str


@dataclass(frozen=True, eq=False)
class Inspection:
    """A run as checked NumPy arrays; what bounds are judged on is made of it (`verdicts.evidence`).

    `alive` (B,K+1): x_k and everything computed there fits in float64, up to and including k. `in_domain` (B,K+1):
    F(x_k) is finite. Where a point is not alive arrays hold zeros and must not be judged. `objective` (B,K+1) is
    recomputed, as are `gradient` (B,K,n) = grad f(x_{k-1}) and `end_gradient` (B,n) = grad f(x_K); `subgradient`
    (B,K,n) is the recorded one. On a set, `x` and `subgradient` of a run in float32 are the point and the normal in
    float64 that the recorded ones stand for (`nearest_pair`). `x`, the gradients and `subgradient` are None where the
    run kept scalars only, and then
    `objective` is the recorded one.
    """

    run: Run
    problem: Composite
    alive: np.ndarray
    in_domain: np.ndarray
    objective: np.ndarray
    objective_error: np.ndarray
    gradient_error: np.ndarray
    checks: tuple[DataCheck, ...]
    end_gradient: np.ndarray | None = None
    end_gradient_error: np.ndarray | None = None
    x: np.ndarray | None = None
    gradient: np.ndarray | None = None
    subgradient: np.ndarray | None = None
    preconditioner: np.ndarray | None = None
    nonsmooth_value: np.ndarray | None = None  # (B,K+1) r(x_k), 0 outside its domain
    named: np.ndarray | None = None  # (B,K) whether `subgradient` is in the subdifferential

    @property
    def finite(self) -> np.ndarray:
        """(B,) whether the whole run fits in float64."""
        return self.alive[:, -1]

    @property
    def data_holds(self) -> np.ndarray:
        """(B,K) whether every claim holds at the step."""
        holds = np.ones((self.run.batch_size, self.run.steps), dtype=bool)
        for check in self.checks:
            holds &= check.holds
        return holds


def as_numpy(tensor: torch.Tensor) -> np.ndarray:
    """A tensor as a float64 array."""
    return tensor.detach().cpu().to(torch.float64).numpy()


def data_check(name: str, error: np.ndarray, allowed: np.ndarray | float, statement: str) -> DataCheck:
    """The check that `error` (B,K) is at most `allowed`; an error that is not a number fails it."""
    with np.errstate(invalid="ignore"):
        holds = (error <= allowed) | (error == 0)  # where nothing is judged `allowed` may be no number
        over = np.where(holds, 0.0, error - allowed)
    return DataCheck(name, holds, float(np.nan_to_num(over, nan=np.inf).max(initial=0.0)), statement)


def norm(a: np.ndarray) -> np.ndarray:
    """2-norm over the last axis, scaled so that squares neither overflow nor underflow; NaN passes in silence."""
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.abs(a).max(axis=-1, keepdims=True)
        scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
        return np.linalg.norm(a / scale, axis=-1) * scale[..., 0]


def inspect_run(run: Run, problem: Composite) -> Inspection:
    """Recompute gradients, objectives and subdifferentials of a run in float64, and check what it says of itself.

    Args:
        run: The run, in float32 or float64.
        problem: The problem that it was made on.

    Returns:
        What was recomputed, each with a bound on its error, and the checks of the recorded data. A run whose data do
        not hold is no error: verdicts on it are NOT_APPLICABLE.

    Raises:
        InputError: For a run of another size than the problem, and for objectives without iterates.
    """
    if isinstance(run, Objectives):
        raise InputError(
            f"verify: of {run.optimizer} only the objectives F(x_k) are given, and no bound can be judged from "
            "objectives alone: each needs e_k, G_k or distances, and so the iterates (l2o.run_from_iterates). "
            "l2obound.report shows the gaps of such a log."
        )
    if (run.batch_size, run.dim) != (problem.batch_size, problem.dim):
        raise InputError(
            f"verify: the run has {run.batch_size} instances of {run.dim} variables, the problem "
            f"{problem.batch_size} of {problem.dim}; pass the problem the run was made on."
        )
    problem = problem.to(torch.float64, "cpu")
    if not has_arrays(run):
        from .scalar_runs import inspect_scalars

        return inspect_scalars(run, problem)
    recomputed = _recompute(run, problem)
    step_alive = recomputed.alive[:, 1:]
    checks = tuple(
        data_check(name, np.where(step_alive, error, 0.0), allowed, statement)
        for name, error, allowed, statement in _claims(run, problem, recomputed)
    ) + probe_checks(run, problem, (recomputed.x[:, 0], _last_alive(recomputed)))
    return Inspection(
        run,
        problem,
        alive=recomputed.alive,
        in_domain=np.isfinite(recomputed.value),
        objective=np.where(np.isfinite(recomputed.value), recomputed.value, 0.0),
        objective_error=recomputed.value_error,
        gradient_error=recomputed.gradient_error[:, :-1],
        checks=checks,
        end_gradient=recomputed.gradient[:, -1],
        end_gradient_error=recomputed.gradient_error[:, -1],
        x=recomputed.x,
        gradient=recomputed.gradient[:, :-1],
        subgradient=recomputed.subgradient,
        preconditioner=_where_alive(run.preconditioner, step_alive),
        nonsmooth_value=recomputed.nonsmooth_value,
        named=recomputed.outside == 0,
    )


def probe_checks(run: Run, problem: Composite, ends: tuple[np.ndarray, np.ndarray]) -> tuple[DataCheck, ...]:
    """What is seen of a problem of the user's own at both ends of the run; a fault there is one of every step."""

    def at_each_step(a: np.ndarray) -> np.ndarray:
        return np.repeat(a[:, None], run.steps, axis=1)

    with threads_for(problem):
        return tuple(
            data_check(name, at_each_step(error), at_each_step(allowed), statement)
            for name, error, allowed, statement in probes(problem, ends)
        )


def _last_alive(recomputed: _Recomputed) -> np.ndarray:
    """(B,n) the last point that fits in float64."""
    last = (recomputed.alive.sum(axis=1) - 1).clip(min=0)
    return recomputed.x[np.arange(len(last)), last]


def _where_alive(tensor: torch.Tensor | None, where: np.ndarray) -> np.ndarray | None:
    """A (B,K,n) tensor as an array, zeros where the step is dead or the entries are not finite."""
    if tensor is None:
        return None
    array = as_numpy(tensor)
    return np.where(where[..., None] & np.isfinite(array), array, 0.0)


@dataclass(frozen=True, eq=False)
class _Recomputed:
    """What the iterates and the problem say, in float64, and what the run's own precision explains."""

    x: np.ndarray  # (B,K+1,n) the points that are judged, zeros where not alive
    alive: np.ndarray  # (B,K+1)
    value: np.ndarray  # (B,K+1) F(x_k), inf outside the domain of r
    value_error: np.ndarray  # (B,K+1)
    own_value_error: np.ndarray  # (B,K+1) of F(x_k) as the run computed it
    gradient: np.ndarray  # (B,K+1,n) grad f(x_k)
    gradient_error: np.ndarray  # (B,K+1)
    own_gradient_error: np.ndarray  # (B,K+1)
    subgradient: np.ndarray  # (B,K,n) as recorded, moved into the subdifferential where it is off by rounding only
    outside: np.ndarray  # (B,K) by how much more it is off, inf where it is not a number
    moved: np.ndarray  # (B,K+1) how far x is from the recorded point
    nonsmooth_value: np.ndarray  # (B,K+1) r(x_k), 0 where it is not finite
    turned: np.ndarray  # (B,K) how far the normal that belongs to x is from the recorded g_k


def _recompute(run: ArrayRun, problem: Composite) -> _Recomputed:
    points, n = run.objective.shape, run.dim
    as_recorded = problem if run.x.dtype == torch.float64 else problem.to(run.x.dtype)
    many = (run.batch_size, run.steps)
    recomputed = _Recomputed(
        x=as_numpy(run.x).copy(),
        alive=np.ones(points, dtype=bool),
        value=np.zeros(points),
        value_error=np.zeros(points),
        own_value_error=np.zeros(points),
        gradient=np.zeros((*points, n)),
        gradient_error=np.zeros(points),
        own_gradient_error=np.zeros(points),
        subgradient=np.zeros((*many, n)),
        outside=np.zeros(many),
        moved=np.zeros(points),
        nonsmooth_value=np.zeros(points),
        turned=np.zeros(many),
    )
    recorded = as_numpy(run.subgradient).copy()
    eps = torch.finfo(as_recorded.dtype).eps
    if moves(problem.nonsmooth, eps):
        _move(recomputed, problem, recorded, np.isfinite(as_numpy(run.objective)), eps)
    alive = np.ones(run.batch_size, dtype=bool)
    with threads_for(problem), np.errstate(over="ignore", invalid="ignore"):
        for k in range(points[1]):
            alive = alive & (np.abs(recomputed.x[:, k]).max(axis=1) < HUGE)
            alive = _evaluate_point(recomputed, problem, as_recorded, k, alive)
            if k > 0:
                _compare_subgradient(recomputed, problem, k, recorded[:, k - 1], eps)
    return recomputed


def _move(recomputed: _Recomputed, problem: Composite, g: np.ndarray, inside: np.ndarray, eps: float) -> None:
    """Replace x_k and g_k (B,K,n) by the point and the normal in float64 that they stand for.

    Where the run itself says F(x_k) = inf, as it may of a point just off the set, the point is left outside.
    """
    for k in range(recomputed.x.shape[1]):
        here = inside[:, k, None]
        x, normal = nearest_pair(problem.nonsmooth, recomputed.x[:, k], g[:, k - 1] if k else None, eps)
        x = np.where(here, x, recomputed.x[:, k])
        normal = None if normal is None else np.where(here, normal, g[:, k - 1])
        recomputed.moved[:, k] = np.nan_to_num(norm(x - recomputed.x[:, k]))
        recomputed.x[:, k] = x
        if normal is not None:
            recomputed.turned[:, k - 1] = np.nan_to_num(norm(normal - g[:, k - 1]))
            g[:, k - 1] = normal


def _evaluate_point(
    recomputed: _Recomputed, problem: Composite, as_recorded: Composite, k: int, alive: np.ndarray
) -> np.ndarray:
    """Fill in point k; return which instances are alive there."""
    x = np.where(alive[:, None], recomputed.x[:, k], 0.0)
    point = torch.from_numpy(x)
    at = problem.evaluated(point)
    # a run in another precision has the rounding of that one
    as_run = at if as_recorded is problem else as_recorded.evaluated(point.to(as_recorded.dtype))
    value, slope, r = at.smooth.value, at.smooth.gradient, at.nonsmooth
    columns = {
        "value": value + r,
        "value_error": at.error,
        "own_value_error": as_run.error,
        "gradient_error": at.smooth.gradient_error,
        "own_gradient_error": as_run.smooth.gradient_error,
    }
    arrays = {name: as_numpy(c) for name, c in columns.items()}
    fits = (np.abs(as_numpy(value)) < HUGE) & (norm(as_numpy(slope)) < HUGE)
    for name, array in arrays.items():
        fits &= (name == "value") | (array < HUGE)  # F itself may be inf: outside the domain of r
    alive = alive & fits
    recomputed.alive[:, k] = alive
    recomputed.nonsmooth_value[:, k] = np.where(alive & np.isfinite(as_numpy(r)), as_numpy(r), 0.0)
    recomputed.x[:, k] = np.where(alive[:, None], x, 0.0)
    recomputed.gradient[:, k] = np.where(alive[:, None], as_numpy(slope), 0.0)
    for name, array in arrays.items():
        getattr(recomputed, name)[:, k] = np.where(alive, array, 0.0)
    return alive


def _compare_subgradient(recomputed: _Recomputed, problem: Composite, k: int, g: np.ndarray, eps: float) -> None:
    """Where the recorded g_k stands to the subdifferential of r at x_k."""
    if not problem.nonsmooth.separable:
        compare = _compare_coupled if problem.nonsmooth.names_subgradients else _compare_by_support
        compare(recomputed, problem, k, g, eps)
        return
    point = torch.from_numpy(recomputed.x[:, k])
    low, high = (as_numpy(end) for end in problem.nonsmooth.subdifferential(point))
    units = 32.0 * eps / np.finfo(np.float64).eps
    low_near, high_near = (as_numpy(end) for end in problem.nonsmooth.subdifferential_near(point, units))
    defined = (low <= high) & recomputed.alive[:, k, None]
    inside = np.where(defined, np.clip(np.nan_to_num(g), low, high), 0.0)
    miss = np.where(defined, np.abs(g - inside), 0.0)
    blur = 64 * eps * (np.abs(g) + np.abs(inside))
    near = ~defined | ((g >= low_near - blur) & (g <= high_near + blur))
    recomputed.subgradient[:, k - 1] = np.where(near | ~(np.abs(g) < HUGE), inside, g)
    recomputed.outside[:, k - 1] = np.where(near, 0.0, np.nan_to_num(miss, nan=np.inf)).max(axis=-1)


def _compare_coupled(recomputed: _Recomputed, problem: Composite, k: int, g: np.ndarray, eps: float) -> None:
    """The same for a term that is not separable, by the distance to the nearest subgradient instead of per variable."""
    term, point = problem.nonsmooth, torch.from_numpy(recomputed.x[:, k])
    defined = recomputed.alive[:, k] & np.isfinite(as_numpy(term.value(point)))
    wanted = torch.from_numpy(np.nan_to_num(g, posinf=HUGE, neginf=-HUGE).clip(-HUGE, HUGE))
    nearest = term.nearest_subgradient(point, wanted)
    inside = np.where(defined[:, None], as_numpy(nearest), 0.0)
    miss = np.where(defined, norm(g - inside), 0.0)
    units = 32.0 * eps / np.finfo(np.float64).eps
    blur = as_numpy(term.subgradient_blur(point, wanted, units)) + 64 * eps * (norm(g) + norm(inside))
    near = ~defined | (miss <= blur)
    small = (np.abs(g) < HUGE).all(axis=-1)
    recomputed.subgradient[:, k - 1] = np.where((near | ~small)[:, None], inside, g)
    recomputed.outside[:, k - 1] = np.where(near, 0.0, np.nan_to_num(miss, nan=np.inf))


def _compare_by_support(recomputed: _Recomputed, problem: Composite, k: int, g: np.ndarray, eps: float) -> None:
    """The same for a term that does not name its subgradients.

    On a set <g_k, y - x_k> <= 0 has to hold for its points y. Any other r is held against its g_k where declarations
    are (`declarations`): where r(y) < r(x_k) + <g_k, y - x_k>, it is not convex or its prox is another's.
    """
    term, x = problem.nonsmooth, torch.from_numpy(recomputed.x[:, k])
    defined = recomputed.alive[:, k] & np.isfinite(as_numpy(term.value(x)))
    worst = np.zeros(len(g))
    if term.is_indicator and term.convex:
        slope = torch.from_numpy(np.nan_to_num(g, posinf=HUGE, neginf=-HUGE).clip(-HUGE, HUGE))
        before, first = (torch.from_numpy(recomputed.x[:, j]) for j in (k - 1, 0))
        L = problem.smoothness.unsqueeze(-1)
        steps = 1 / L
        for y in (before, first, x + (x - before), x + 1e-3 * (x - before)):
            y = term.prox(y, steps)
            size = (slope.abs() * (term.magnitude(x) + term.magnitude(y))).sum(-1)
            # g_k is a quotient by a step, of which 1/L is a measure: inside the set nothing but rounding is left of it
            blur = 1024 * eps * L * (term.magnitude(x) + term.magnitude(y))
            excess = (slope * (y - x)).sum(-1) - (64 + 2 * x.shape[-1]) * eps * size - (blur * (y - x).abs()).sum(-1)
            worst = np.maximum(worst, np.nan_to_num(as_numpy(excess), nan=0.0, posinf=0.0, neginf=0.0))
    finite = np.isfinite(g).all(axis=-1)
    recomputed.subgradient[:, k - 1] = np.where(defined[:, None] & (np.abs(g) < HUGE), g, 0.0)
    recomputed.outside[:, k - 1] = np.where(defined, np.where(finite, worst, np.inf), 0.0)


def _claims(
    run: ArrayRun, problem: Composite, recomputed: _Recomputed
) -> Iterator[tuple[str, np.ndarray, np.ndarray | float, str]]:
    """Name, error (B,K), what rounding allows, and the claim in words."""
    eps = torch.finfo(run.objective.dtype).eps
    under = 4 * run.dim * float(torch.finfo(run.objective.dtype).tiny)  # of products of entries
    fields = (run.smooth_gradient, run.generalized_gradient, run.step, run.deviation, run.relative_deviation)
    gradient, generalized, step, deviation, rho = (as_numpy(f) for f in fields)
    yield (
        "objective",
        _objective_error(run, problem, recomputed, eps),
        0.0,
        "the recorded objective is F(x_k), up to rounding",
    )
    yield (
        "subgradient",
        recomputed.outside,
        0.0,
        "the recorded g_k is in the subdifferential of r at x_k (otherwise x_k was not the prox it claims)",
    )
    total = recomputed.gradient[:, :-1] + recomputed.subgradient
    size = norm(recomputed.gradient[:, :-1]) + norm(recomputed.subgradient)
    L = as_numpy(problem.smoothness)[:, None]
    allowed = (
        2 * recomputed.own_gradient_error[:, :-1] + 64 * eps * size + L * recomputed.moved[:, :-1] + recomputed.turned
    )
    statement = "the recorded gradients are grad f(x_{k-1}) and G_k = grad f(x_{k-1}) + g_k, up to rounding"
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.maximum(norm(gradient - recomputed.gradient[:, :-1]), norm(generalized - total))
        yield "gradients", off, allowed, statement
        x = as_numpy(run.x)
        true_step = np.where(recomputed.alive[:, 1:, None], x[:, :-1] - x[:, 1:], 0.0)
        moved = norm(true_step)
        still = bool(((norm(step) == 0) & (moved > 0)).any())  # D_k = x_k - x_k
        yield "step", norm(step - true_step), 4 * eps * moved + under, _STEP + _IN_PLACE * still
        constant = np.abs(as_numpy(run.smoothness)[:, None] - L) / L + 0 * moved
        slack = 100 * eps * (problem.dim + 100)
        yield "constant", constant, slack, "the L recorded with the run is that of the problem"
        true_deviation = true_step - total / L[..., None]
        allowed = 4 * eps * moved + (allowed + slack * size) / L + under * (1 + 1 / L)
        allowed = allowed + 4 * eps * norm(true_deviation)
        yield (
            "deviation",
            norm(deviation - true_deviation),
            allowed,
            "the recorded e_k is D_k - G_k/L with the problem's L",
        )
        # Of the recorded vectors, which were just checked: near a solution rho_k is a quotient of their rounding, and
        # where squares underflow it is nothing at all.
        error, length = norm(deviation), norm(generalized)
        least = max(1 / HUGE, np.sqrt(problem.dim * float(torch.finfo(run.objective.dtype).tiny) / eps))
        measurable = (error > least) & (length > least)
        off = np.where(measurable, np.abs(rho * length - L * error), 0.0)
        off = np.where(error == 0, np.abs(rho), off)  # without a deviation it is 0, whatever G_k is
        allowed = 8 * (problem.dim + 10) * eps * L * error
        yield "relative deviation", off, allowed, "the recorded rho_k is L||e_k|| / ||G_k||"
        final, last = as_numpy(run.x_final), as_numpy(run.x[:, -1])
        differ = ~((final == last) | (np.isnan(final) & np.isnan(last))).all(axis=1)
        yield "end", differ[:, None] + 0 * moved, 0.0, "x_final is x_K"
        rise, moved = (
            norm(recomputed.gradient[:, 1:] - recomputed.gradient[:, :-1]),
            norm(recomputed.x[:, :-1] - recomputed.x[:, 1:]),
        )
        error = recomputed.gradient_error[:, 1:] + recomputed.gradient_error[:, :-1]
        error = error + as_numpy(problem.smooth.smoothness_error)[:, None] * moved
        yield "smoothness", rise, L * moved + 2 * error, "between x_{k-1} and x_k grad f changes by at most L ||D_k||"


_STEP = "the recorded D_k is x_{k-1} - x_k"
_IN_PLACE = (
    " (it is recorded as 0 where x_k moved: the step probably updated x_{k-1} in place, as x.add_(...) or x -= ... do, "
    "before D_k was taken; make a new tensor, x = x - ..., or run it by l2o.rollout, which makes copies)"
)


def _objective_error(run: Run, problem: Composite, recomputed: _Recomputed, eps: float) -> np.ndarray:
    """(B,K) by how much the recorded objective at either end of a step is off, beyond rounding."""
    recorded = as_numpy(run.objective)
    inside = np.isfinite(recomputed.value)
    exact = np.where(inside, recomputed.value, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(recorded - exact) - 2 * recomputed.own_value_error - 4 * eps * np.abs(exact)
        slope = norm(recomputed.gradient) + recomputed.gradient_error
        if not problem.nonsmooth.is_indicator and recomputed.moved.any():
            near = [problem.nonsmooth.steepness(torch.from_numpy(x)) for x in np.moveaxis(recomputed.x, 1, 0)]
            slope = slope + 1.01 * norm(as_numpy(torch.stack(near, 1)))
        off = off - recomputed.moved * (slope + as_numpy(run.smoothness)[:, None] * recomputed.moved)
        off = np.where(inside, off, np.where(np.isposinf(recorded), 0.0, np.inf))  # F = inf must be recorded so
        off = np.where(recomputed.alive, np.nan_to_num(off, nan=np.inf, posinf=np.inf), 0.0)
        return np.maximum(np.maximum(off[:, 1:], off[:, :-1]), 0.0)
