"""Running cells that share their instances, batch after batch, and measuring them; a failure is an outcome too."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ... import l2o
from ...l2o.optimizers import Optimizer
from ...l2o.problems import Composite, synthetic
from ...l2o.problems.official import with_official_prox
from ...l2o.runs.objective_curve import objective_curve
from ...l2o.support.threads import one_thread
from ...l2o.training.config import split_seed
from ..optima import Optimum, optimum
from ..optima.gaps import Gaps, first_below, gaps, relative_to_optimum
from ..verdicts.verdict import Verdict
from ..verdicts.verification import Verification
from ..verdicts.verify import verify_all
from .cells import Cell, Measures
from .config import CellSpec
from .families import build
from .models import Named

_QUANTILES = {"q10": 0.1, "median": 0.5, "q90": 0.9}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a cell: columns of its two tables, or an error, with the traceback for whoever mends it."""

    key: str
    instances: dict[str, np.ndarray] = field(default_factory=dict)
    curves: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    trace: str = ""


def run_group(cells: Sequence[Cell], optimizers: Mapping[str, Optimizer | Named], measures: Measures) -> list[Outcome]:
    """Run `cells`, which share their instances, with the optimizers of their keys; one outcome each, none raised.

    Torch runs on one thread: results do not depend on how many workers share the machine.
    """
    with one_thread():
        parts: dict[str, list[dict[str, np.ndarray]]] = {cell.key: [] for cell in cells}
        seconds = dict.fromkeys(parts, 0.0)
        failed: dict[str, Outcome] = {}
        made: dict[str, Optimizer] = {}
        for index in range(cells[0].spec.batches):
            open_ = [cell for cell in cells if cell.key not in failed]
            if not open_:
                break
            begun = time.perf_counter()
            try:
                base, x0, certified = _prepare(open_[0].spec, index, measures.rtol)
            except Exception as problem:  # no instances, no cells: all of them fail with it
                failed |= {cell.key: _failure(cell, problem) for cell in open_}
                break
            shared = (time.perf_counter() - begun) / len(open_)
            for cell in open_:
                begun = time.perf_counter()
                try:
                    if cell.key not in made:
                        given = optimizers[cell.key]
                        made[cell.key] = given.made() if isinstance(given, Named) else given
                    parts[cell.key].append(_one(cell.spec, made[cell.key], base, x0, certified, measures))
                except Exception as problem:  # whatever it is, it is this cell's, and the others go on
                    failed[cell.key] = _failure(cell, problem)
                seconds[cell.key] += shared + time.perf_counter() - begun
        return [failed.get(c.key) or _outcome(c, parts[c.key], seconds[c.key], measures) for c in cells]


def _failure(cell: Cell, problem: Exception) -> Outcome:
    message = " ".join(str(problem).split())
    return Outcome(cell.key, error=f"{type(problem).__name__}: {message}", trace=traceback.format_exc())


def _prepare(spec: CellSpec, index: int, rtol: float) -> tuple[Composite, torch.Tensor, Optimum]:
    """Batch `index` of the instances, in distribution and float64, its starts, and its certified optimum."""
    seed = split_seed("test", index, spec.seed)
    base = build(spec, seed)
    return base, synthetic.starts(base, seed=seed), optimum(base, rtol, cache=False, cross_check=0)


def _problem(spec: CellSpec, base: Composite) -> Composite:
    if spec.prox == "official":
        return with_official_prox(base, spec.t)
    return base.shifted(spec.t) if spec.t else base


def _one(
    spec: CellSpec,
    optimizer: Optimizer,
    base: Composite,
    x0: torch.Tensor,
    certified: Optimum,
    measures: Measures,
) -> dict[str, np.ndarray]:
    """The columns of one batch of a cell, (B,) each, and its relative gaps (B,K+1), from above."""
    problem, start = _problem(spec, base), x0 + spec.s
    dtype, there = getattr(torch, spec.precision), problem.to(device=spec.device)
    run = objective_curve(optimizer, there.to(dtype), start.to(dtype).to(spec.device), spec.steps, evaluate_on=there)
    relative = relative_gaps(run.objective, certified, measures.rtol)
    has_gap = np.isfinite(certified.lower)[:, None] & ~np.isnan(run.objective)  # a run that diverged has no numbers
    gap = np.where(has_gap, relative.high, np.nan)
    columns = {
        "L": problem.smoothness.double().numpy(),
        "objective_start": run.objective[:, 0],
        "objective_final": run.objective[:, -1],
        "optimum_lower": certified.lower,
        "optimum_upper": certified.upper,
        "gap_start": gap[:, 0],
        "gap_final": gap[:, -1],
        "diverged_at": run.diverged_at,
        **{f"reached_{eps_name(eps)}": first_below(relative, eps).certain for eps in measures.eps},
    }
    if measures.bounds:
        exact = base.shifted(spec.t) if spec.t else base
        columns |= _verdicts(
            optimizer, problem, start, spec.steps, optimum(exact, measures.rtol, cache=False), measures
        )
    return {**columns, "gap": gap, "objective": run.objective}


def _verdicts(
    optimizer: Optimizer,
    problem: Composite,
    start: torch.Tensor,
    steps: int,
    certified: Optimum,
    measures: Measures,
) -> dict[str, np.ndarray]:
    """The verdict of every instance on every bound, in a run of its own, which is recorded in full."""
    run = l2o.rollout(optimizer, problem, start, steps)
    verifications = verify_all(run, problem, replace(certified, problem=""), list(measures.bounds), "best")
    return {f"verdict_{name}": _worst(v) for name, v in verifications.items()}


def _worst(verification: Verification) -> np.ndarray:
    """(B,) the overall verdict of each instance: what rounding hides counts where there is nothing else."""
    verdicts, hidden = (a.reshape(len(a), -1) for a in (verification.verdict, verification.hidden))
    order = (Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.VERIFIED)
    worst = []
    for row, blurred in zip(verdicts, hidden, strict=True):
        first = next((v for v in order if ((row == v) & ~blurred).any()), None)
        worst.append(first or (Verdict.INCONCLUSIVE if blurred.any() else Verdict.NOT_APPLICABLE))
    return np.array([str(v) for v in worst])


def relative_gaps(objective: np.ndarray, certified: Optimum, rtol: float = 0.0) -> Gaps:
    """The relative gaps (B,K+1); the gaps themselves where F* is 0 within `rtol`."""
    absolute = gaps(objective, certified)
    relative = relative_to_optimum(absolute, certified)
    size = np.maximum(np.abs(certified.lower), np.abs(certified.upper))[:, None]
    zero = np.isnan(relative.high[:, :1]) & (size <= rtol)
    return Gaps(np.where(zero, absolute.low, relative.low), np.where(zero, absolute.high, relative.high))


def eps_name(eps: float) -> str:
    """eps as columns have it, with all its digits: "1e-02", "1.5e-02"."""
    return np.format_float_scientific(eps, trim="-", exp_digits=2)


def kept_steps(steps: int, points: int) -> np.ndarray:
    """0, K, and about `points` steps between, evenly spaced in log k; all of them where points = 0."""
    if points == 0 or points >= steps:
        return np.arange(steps + 1)
    spaced = np.unique(np.round(np.geomspace(1, steps, points)).astype(int))
    return np.concatenate([[0], spaced])


def _outcome(cell: Cell, parts: list[dict[str, np.ndarray]], seconds: float, measures: Measures) -> Outcome:
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    gap, objective = joined.pop("gap"), joined.pop("objective")
    joined = {"instance": np.arange(len(gap)), **joined}
    recorded = kept_steps(cell.spec.steps, measures.points)
    return Outcome(cell.key, joined, _curves(gap[:, recorded], objective[:, recorded], recorded), seconds)


def no_outcome(measures: Measures) -> Outcome:
    """The columns of an outcome, without a row: what there is where nothing was run."""
    floats = ("L", "objective_start", "objective_final", "optimum_lower", "optimum_upper", "gap_start", "gap_final")
    reached = [f"reached_{eps_name(eps)}" for eps in measures.eps]
    columns = {name: np.empty(0) for name in floats} | {"diverged_at": np.empty(0, int)}
    columns |= {name: np.empty(0, int) for name in reached}
    columns |= {f"verdict_{name}": np.empty(0, str) for name in measures.bounds}
    nothing = np.empty((0, 0))
    return Outcome("", {"instance": np.empty(0, int), **columns}, _curves(nothing, nothing, np.empty(0, int)))


def _curves(gap: np.ndarray, objective: np.ndarray, recorded: np.ndarray) -> dict[str, np.ndarray]:
    """Statistics over the instances that are still running at step k; how many those are stands beside them."""
    diverged = np.isnan(objective)
    columns: dict[str, list[float]] = {name: [] for name in ("mean", *_QUANTILES, "largest", "objective_mean")}
    for j in range(len(recorded)):
        running = ~diverged[:, j]
        defined = gap[running, j]
        defined = defined[~np.isnan(defined)]
        columns["mean"].append(defined.mean() if len(defined) else np.nan)
        columns["largest"].append(defined.max() if len(defined) else np.nan)
        for name, q in _QUANTILES.items():
            columns[name].append(np.quantile(defined, q, method="lower") if len(defined) else np.nan)
        columns["objective_mean"].append(objective[running, j].mean() if running.any() else np.nan)
    return {
        "k": recorded,
        "running": (~diverged).sum(axis=0),
        "diverged": diverged.sum(axis=0),
        **{name: np.array(values, dtype=float) for name, values in columns.items()},
    }
