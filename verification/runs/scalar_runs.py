"""Inspecting a run that kept scalars only.

Without iterates nothing can be recomputed in between, so the run's inner products are held against each other (they
obey identities and the Cauchy-Schwarz inequality) and against F, the distance and the rounding bounds at both ends,
which are recomputed. A run of another problem is refused by its fingerprint. This finds damage and mistakes; it cannot
find every forgery, and the verdict says so.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ...l2o import InputError
from ...l2o.problems import Composite
from ...l2o.runs.array_run import first_point
from ...l2o.runs.run import Run
from .inspection import HUGE, DataCheck, Inspection, as_numpy, data_check, norm, probe_checks
from .nearest_pair import moves, nearest_pair

NOTE = "recorded as scalars: checked for consistency and at both ends, not recomputed step by step"
NEEDED = ("G2", "D2", "GD", "objective_error", "gradient_error")
WITH_COMPARATOR = ("Gx", "Gx_prev", "Dx", "Dx_prev", "dist")


def inspect_scalars(run: Run, problem: Composite) -> Inspection:
    """The run's scalars as arrays, with what can be checked about them."""
    if run.problem != problem.fingerprint():
        raise InputError(
            "verify: this run of scalars was recorded on another problem (the fingerprints differ), and without "
            "iterates it cannot be judged on this one; pass the problem it was made on."
        )
    names = NEEDED + (WITH_COMPARATOR if run.comparator is not None else ())
    missing = [name for name in names if name not in run.scalars]
    if missing:
        raise InputError(f"verify: the run lacks the scalars {', '.join(missing)}; record it again.")
    objective = as_numpy(run.objective)
    alive = ~np.isnan(objective) & ((np.abs(objective) < HUGE) | np.isposinf(objective))
    for name in names:
        series = np.abs(as_numpy(run.scalars[name])) < HUGE
        alive[:, -series.shape[1] :] &= series
    alive = np.logical_and.accumulate(alive, axis=1)
    in_domain = np.isfinite(objective)
    s = {n: np.where(alive[:, -t.shape[1] :], as_numpy(t), 0.0) for n, t in run.scalars.items()}
    ends = as_numpy(first_point(run)), as_numpy(run.x_final)
    checks = (*_checks(run, problem, s, alive), *probe_checks(run, problem, ends))
    return Inspection(
        run,
        problem,
        alive=alive,
        in_domain=in_domain,
        objective=np.where(in_domain & alive, objective, 0.0),
        objective_error=s["objective_error"],
        gradient_error=s["gradient_error"],
        checks=checks,
    )


def _checks(run: Run, problem: Composite, s: dict[str, np.ndarray], alive: np.ndarray) -> Iterator[DataCheck]:
    eps = torch.finfo(run.objective.dtype).eps * (run.dim + 100)
    under = (run.dim + 100) * float(torch.finfo(run.objective.dtype).tiny)  # of the sums of products
    where = alive[:, 1:]

    def check(name: str, error: np.ndarray, allowed: np.ndarray | float, statement: str) -> DataCheck:
        return data_check(name, np.where(where, error, 0.0), allowed, statement)

    lengths = {name: np.sqrt(np.maximum(s[name], 0.0) + under) for name in ("G2", "D2")}
    product, size = lengths["G2"] * lengths["D2"], lengths["G2"] + lengths["D2"]
    yield check("norms", np.maximum(-s["G2"], -s["D2"]), 0.0, "squared norms are not negative")
    yield check("inner products", np.abs(s["GD"]) - product, eps * product + under, "<G, D> is at most ||G|| ||D||")
    L = as_numpy(run.smoothness)[:, None]
    e2 = np.maximum(s["D2"] - 2 * s["GD"] / L + s["G2"] / L**2, 0.0)
    scale = s["D2"] + s["G2"] / L**2
    small = under * (1 + 1 / L) ** 2
    rho = as_numpy(run.relative_deviation)
    # Where G_k = 0 the quotient is infinite, unless e_k = 0 too, and no product tells e_k.
    blank = (s["G2"] == 0) & (np.isposinf(rho) | (rho == 0))
    # Where squares underflow, or the difference that is left of them, rho is a quotient of what was rounded away.
    blank |= (s["G2"] < under / eps) | (s["D2"] < under / eps) | (e2 < small / eps)
    with np.errstate(invalid="ignore", over="ignore"):
        rho2 = np.where(blank, e2, rho**2 * s["G2"] / L**2)
    yield check("rho", np.abs(rho2 - e2), 1e3 * eps * (scale + rho2) + small, "rho_k is L||e_k||/||G_k||")
    constant = np.abs(L - as_numpy(problem.smoothness)[:, None]) / L + 0 * size
    yield check("constant", constant, 100 * eps, "the L recorded with the run is that of the problem")
    yield from _ends(run, problem, s, alive)
    if run.comparator is None:
        return
    after, before = s["dist"][:, 1:], s["dist"][:, :-1]
    scale = after**2 + before**2 + s["D2"]
    off = np.abs(before**2 - after**2 - 2 * s["Dx"] - s["D2"]) + np.abs(s["Dx_prev"] - s["Dx"] - s["D2"])
    yield check(
        "distances", off, 10 * (eps * scale + under), "||x_{k-1}-z||^2 = ||x_k-z||^2 + 2<D_k, x_k-z> + ||D_k||^2"
    )
    norm = lengths["G2"]
    off = np.maximum(np.abs(s["Gx"]) - norm * after, np.abs(s["Gx_prev"]) - norm * before)
    off = np.maximum(off, np.abs(s["Gx_prev"] - s["Gx"] - s["GD"]))
    allowed = 10 * (eps * norm * (after + before) + under + np.sqrt(under) * (norm + after + before))
    yield check("gradient products", off, allowed, "<G_k, x_k-z> is at most ||G_k|| ||x_k-z||")


def _ends(run: Run, problem: Composite, s: dict[str, np.ndarray], alive: np.ndarray) -> Iterator[DataCheck]:
    """F, distance and error bounds recomputed at x_0 and x_K; a disagreement counts against every step."""
    as_recorded, L = problem.to(run.objective.dtype), as_numpy(problem.smoothness)
    shape, eps = (run.batch_size, run.steps), float(torch.finfo(run.objective.dtype).eps)
    for place, x in ((0, first_point(run)), (-1, run.x_final)):
        ok = alive[:, place] & np.isfinite(as_numpy(x)).all(axis=1)
        recorded = as_numpy(run.objective)[:, place]
        point = torch.from_numpy(np.where(ok[:, None], as_numpy(x), 0.0))
        nearest = point
        if moves(problem.nonsmooth, eps):  # on a set, what it stands for in float64 (`nearest_pair`)
            on_set, _ = nearest_pair(problem.nonsmooth, point.numpy(), None, eps)
            nearest = torch.from_numpy(np.where(np.isfinite(recorded)[:, None], on_set, point.numpy()))
        value, moved = as_numpy(problem.objective(nearest)), norm((nearest - point).numpy())
        slope = norm(as_numpy(problem.smooth.gradient(nearest))) + as_numpy(problem.smooth.gradient_error(nearest))
        error = as_numpy(as_recorded.objective_error(point.to(as_recorded.dtype)))
        inside = np.isfinite(value)
        with np.errstate(invalid="ignore"):
            excess = np.abs(recorded - value) - 2 * error - moved * (slope + L * moved)
            off = np.where(inside, excess, np.where(np.isposinf(recorded), 0.0, np.inf))
            stated = np.abs(s["objective_error"][:, place] - error) - 0.01 * error
            if run.comparator is not None:
                distance = np.linalg.norm(point.numpy() - as_numpy(run.comparator), axis=1)
                size = distance + np.linalg.norm(point.numpy(), axis=1)
                blur = 100 * torch.finfo(as_recorded.dtype).eps * (run.dim + 10) * size
                blur = blur + np.sqrt(run.dim * float(torch.finfo(as_recorded.dtype).tiny))
                off = np.maximum(off, np.abs(s["dist"][:, place] - distance) - blur)
        off = np.where(ok, np.maximum(off, np.where(inside, stated, 0.0)), 0.0)
        name = "start" if place == 0 else "end"
        statement = f"F, the distance to z and the rounding bounds at the {name} are what the points give"
        yield data_check(name, np.broadcast_to(off[:, None], shape), 0.0, statement)
