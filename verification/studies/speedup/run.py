"""Running the comparison: a sweep for the iterations, gradient calls, times, and what follows from them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch

from ....l2o.optimizers import Optimizer
from ....l2o.problems import Composite, synthetic
from ....l2o.training.config import split_seed
from ...statistics.censored import (
    NEVER,
    Censored,
    Median,
    break_even_instances,
    cost,
    factors,
    median,
    saved,
    verdict,
)
from ...support.plain import plain
from ...support.provenance import machine, versions
from ...support.store import read_partial, write_partial
from ...sweeps import Cell, Status, Tables, cells_of, run_sweep
from ...sweeps.config import CellSpec
from ...sweeps.families import build
from ...sweeps.measure import eps_name
from ...sweeps.models import optimizer_of
from . import timing
from ._weights import training_seconds
from .calls import gradient_calls
from .config import SettingSection, SpeedupConfig
from .timing import CLOCKS, Timing

Results = dict[str, Any]
FORMAT = 1
ITERATIONS, CALLS = "iterations", "gradient calls"
MEASURES = (ITERATIONS, CALLS, *CLOCKS)
BEST_OF_PAPER, BEST = "best of the paper's baselines", "best of all baselines"
"""Baselines that are none: on each instance the cheapest of the paper's, or of all."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What is known of a method on a setting: the first iteration at each eps (n,), calls (n or 1,K+1), times by
    clock.
    """

    reached: dict[float, np.ndarray]
    steps: int
    calls: np.ndarray
    times: dict[str, Timing]


def run_speedup(
    config: SpeedupConfig,
    folder: str | os.PathLike[str],
    *,
    jobs: int = 1,
    retry_failed: bool = False,
    command: str = "",
    progress: Callable[[Status], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Results:
    """Measure everything `config` asks for and give it back as JSON-like values.

    The runs are a sweep in `folder`/sweep, the times are in `folder`/times: what is there is not run again. `jobs`
    processes make the runs; times are taken afterwards, by this process alone. inf is None.
    """
    begun, folder = time.perf_counter(), Path(folder)
    sweep = config.sweep(folder / "weights")
    summary = run_sweep(sweep, folder / "sweep", jobs=jobs, retry_failed=retry_failed, progress=progress)
    cells = {cell.spec: cell for cell in cells_of(sweep)}
    settings, compared, paid = [], [], []
    for setting in config.setting:
        if tell is not None:
            tell(setting.key)
        chosen = {m: cells[config.spec(setting, m)] for m in _run(config, setting)}
        counted = {m: _reached(summary.tables, cell, config.eps) for m, cell in chosen.items()}
        reached = {m: counts for m, counts in counted.items() if counts is not None}
        done = {m: chosen[m] for m in reached}
        measured = _measured(config, done, reached, folder) if done else {}
        training = {m: training_seconds(done[m], folder / "sweep") for m in config.learned if m in done}
        settings.append(_setting_entry(config, setting, chosen, measured, training, summary.tables))
        compared += comparisons(config, setting.key, measured)
        paid += amortisation(config, setting.key, measured, training)
    return {
        "format": FORMAT,
        "title": config.title,
        "claim": config.claim,
        "level": config.level,
        "config": config.model_dump(mode="json"),
        "labels": {m: config.label(m) for m in config.methods},
        "settings": settings,
        "comparisons": compared,
        "amortisation": paid,
        "claims": claims(config, compared),
        "provenance": {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command,
            "seconds": time.perf_counter() - begun,
            "cells": {name: getattr(summary, name) for name in ("total", "ran", "reused", "failed")},
            "versions": versions(),
            "machine": machine(),
        },
    }


def _run(config: SpeedupConfig, setting: SettingSection) -> list[str]:
    return [m for m in config.methods if config.left_out(setting, m) is None]


def _reached(tables: Tables, cell: Cell, eps: Sequence[float]) -> dict[float, np.ndarray] | None:
    """eps -> first iterations (n,), `NEVER` where there is none; None where the cell has no results."""
    if "cell" not in tables.table.column_names:
        return None
    rows = tables.table.filter(pc.equal(tables.table["cell"], cell.index))
    if not rows.num_rows:
        return None
    return {e: rows[f"reached_{eps_name(e)}"].fill_null(NEVER).to_numpy().astype(int) for e in eps}


def _instances(spec: CellSpec) -> tuple[Composite, torch.Tensor]:
    """The problem and the starts that a sweep's cell runs on."""
    seed = split_seed("test", 0, spec.seed)
    base = build(spec, seed)
    problem = base.shifted(spec.t) if spec.t else base
    dtype = getattr(torch, spec.precision)
    return problem.to(dtype), (synthetic.starts(base, seed=seed) + spec.s).to(dtype)


def _measured(
    config: SpeedupConfig, cells: Mapping[str, Cell], reached: Mapping[str, dict[float, np.ndarray]], folder: Path
) -> dict[str, Measured]:
    problem, x0 = _instances(next(iter(cells.values())).spec)
    optimizers = {m: optimizer_of(cell, folder / "sweep") for m, cell in cells.items()}
    times = _times(config, cells, optimizers, problem, x0, folder / "times")
    measured = {}
    for method, optimizer in optimizers.items():
        ks = np.concatenate(list(reached[method].values()))
        steps = cells[method].spec.steps
        needed = steps if (ks == NEVER).any() else max(1, int(ks.max()))
        calls = gradient_calls(optimizer, problem, x0, needed)
        measured[method] = Measured(reached[method], steps, calls, {clock: times[clock][method] for clock in CLOCKS})
    return measured


def _times(
    config: SpeedupConfig,
    cells: Mapping[str, Cell],
    optimizers: Mapping[str, Optimizer],
    problem: Composite,
    x0: torch.Tensor,
    folder: Path,
) -> dict[str, dict[str, Timing]]:
    """Those that are kept for these cells, this code and this machine, or new ones."""
    parts = [FORMAT, {m: c.key for m, c in cells.items()}, config.timed_steps, config.repeats, machine()]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
    path = folder / f"{key}.json"
    stored = read_partial(path)
    if stored is not None:
        return timing.from_entries(stored)
    times = timing.measure(optimizers, problem, x0, steps=config.timed_steps, repeats=config.repeats)
    write_partial(path, timing.entries(times))
    return times


def _costs(measured: Measured, eps: float, measure: str, level: float) -> tuple[Censored, Censored]:
    """Costs to eps, and the wider range that they have where the clock is only known to an interval."""
    reached, instances = measured.reached[eps], np.arange(len(measured.reached[eps]))
    if measure == ITERATIONS:
        exact = cost(reached, measured.steps, lambda k: k)
    elif measure == CALLS:
        calls = np.broadcast_to(measured.calls, (len(reached), measured.calls.shape[1]))
        exact = cost(reached, measured.steps, lambda k: calls[instances, k])
    else:
        times = measured.times[measure]
        start, step = (_seconds(values, level) for values in (times.start, times.step))
        point, low, high = (cost(reached, measured.steps, partial(_clock, a, b)) for a, b in zip(start, step))
        return point, Censored(low.low, high.high)
    return exact, exact


def _clock(start: float, step: float, k: Any) -> Any:
    return start + k * step


def _seconds(values: Sequence[float], level: float) -> tuple[float, float, float]:
    """The median of the repeats, and the ends of its interval; of few repeats the shortest and the longest."""
    middle = median(Censored(np.array(values), np.array(values)), level)
    low, high = max(middle.lower, min(values)), min(middle.upper, max(values))
    return middle.low, low, high


def comparisons(config: SpeedupConfig, setting: str, measured: Mapping[str, Measured]) -> list[Results]:
    """A row for each eps, learned method, baseline and measure: the median factor, its interval, the verdict."""
    rows = []
    for eps in config.eps:
        for learned in (m for m in config.learned if m in measured):
            others = [b for b in config.baselines if b in measured and b != learned]
            paper = [b for b in others if b in config.paper]
            groups = {**{b: [b] for b in others}, BEST_OF_PAPER: paper, BEST: others}
            for baseline, members in groups.items():
                if members:
                    for measure in MEASURES:
                        rows.append(_comparison(config, setting, eps, learned, baseline, members, measure, measured))
    return rows


def _comparison(
    config: SpeedupConfig,
    setting: str,
    eps: float,
    learned: str,
    baseline: str,
    members: Sequence[str],
    measure: str,
    measured: Mapping[str, Measured],
) -> Results:
    cost_learned, cost_learned_wide = _costs(measured[learned], eps, measure, config.level)
    rivals = [_costs(measured[m], eps, measure, config.level) for m in members]
    point, wide = (_least([pair[i] for pair in rivals]) for i in (0, 1))
    reached = measured[learned].reached[eps]
    arrived = np.any([measured[m].reached[eps] != NEVER for m in members], axis=0)
    there = (reached == 0) & np.any([measured[m].reached[eps] == 0 for m in members], axis=0)
    factor = median(factors(point, cost_learned, there), config.level, factors(wide, cost_learned_wide, there))
    factor = Median(factor.low, factor.high, max(0.0, factor.lower), factor.upper)  # no factor is below 0
    group = "best" if baseline in (BEST_OF_PAPER, BEST) else "paper" if baseline in config.paper else "stronger"
    return {
        "setting": setting,
        "eps": eps,
        "learned": learned,
        "baseline": baseline,
        "group": group,
        "measure": measure,
        "instances": len(reached),
        "reached_learned": float(np.mean(reached != NEVER)),
        "reached_baseline": float(np.mean(arrived)),
        "median_low": plain(factor.low),
        "median_high": plain(factor.high),
        "lower": plain(factor.lower),
        "upper": plain(factor.upper),
        "verdict": str(verdict(factor, config.claim)),
    }


def _least(costs: Sequence[Censored]) -> Censored:
    return Censored(np.min([c.low for c in costs], axis=0), np.min([c.high for c in costs], axis=0))


def amortisation(
    config: SpeedupConfig, setting: str, measured: Mapping[str, Measured], training: Mapping[str, float | None]
) -> list[Results]:
    """A row for each eps, learned method, baseline and clock: the seconds saved per instance, and after how many
    instances the training has paid off (from `instances_low` to `instances_high`, None for never).
    """
    rows = []
    for eps in config.eps:
        for learned, seconds in training.items():
            if seconds is None:
                continue
            for baseline in (b for b in config.baselines if b in measured and b != learned):
                for clock in CLOCKS:
                    pair = (_costs(measured[m], eps, clock, config.level)[0] for m in (baseline, learned))
                    less = saved(*pair)
                    low, high = float(np.median(less.low)), float(np.median(less.high))
                    rows.append(
                        {
                            "setting": setting,
                            "eps": eps,
                            "learned": learned,
                            "baseline": baseline,
                            "clock": clock,
                            "training_seconds": seconds,
                            "saved_low": plain(low),
                            "saved_high": plain(high),
                            "instances_low": plain(break_even_instances(seconds, high)),
                            "instances_high": plain(break_even_instances(seconds, low)),
                        }
                    )
    return rows


def claims(config: SpeedupConfig, compared: Sequence[Results]) -> list[Results]:
    """The verdicts counted, for each learned method, baseline and measure; and where the claim holds."""
    rows = []
    names = (*config.baselines, BEST_OF_PAPER, BEST)
    for learned in config.learned:
        for baseline in names:
            for measure in MEASURES:
                verdicts = list(_of(compared, learned=learned, baseline=baseline, measure=measure))
                if verdicts:
                    counts = {v: sum(c["verdict"] == v for c in verdicts) for v in ("HOLDS", "FAILS", "OPEN")}
                    best = max(verdicts, key=lambda c: c["lower"])
                    rows.append(
                        {
                            "learned": learned,
                            "baseline": baseline,
                            "measure": measure,
                            **counts,
                            "largest_lower": best["lower"],
                            "largest_at": [best["setting"], best["eps"]],
                            "up_to": "HOLDS" if counts["HOLDS"] else "OPEN" if counts["OPEN"] else "FAILS",
                            "holds_in": [[c["setting"], c["eps"]] for c in verdicts if c["verdict"] == "HOLDS"],
                        }
                    )
    return rows


def _of(rows: Sequence[Results], **wanted: Any) -> Iterator[Results]:
    return (row for row in rows if all(row[name] == value for name, value in wanted.items()))


def _setting_entry(
    config: SpeedupConfig,
    setting: SettingSection,
    cells: Mapping[str, Cell],
    measured: Mapping[str, Measured],
    training: Mapping[str, float | None],
    tables: Tables,
) -> Results:
    spec = config.spec(setting, config.learned[0])
    errors = dict(zip(tables.cells["cell"].to_pylist(), tables.cells["error"].to_pylist()))
    left_out = {m: config.left_out(setting, m) for m in config.methods}
    why = {m: reason or errors.get(cells[m].index) or "not run" for m, reason in left_out.items() if m not in measured}
    return {
        "key": setting.key,
        "title": setting.title or setting.key,
        "vary": setting.vary,
        "trained": setting.trained,
        "weights": setting.weights,
        "instances": spec.batch,
        "steps": spec.steps,
        "cell": spec.model_dump(mode="json", exclude={"optimizer"}),
        "not_run": why,
        "methods": [_method_entry(config, m, values, training.get(m)) for m, values in measured.items()],
    }


def _method_entry(config: SpeedupConfig, method: str, measured: Measured, training: float | None) -> Results:
    k = measured.calls.shape[1] - 1
    return {
        "method": method,
        "label": config.label(method),
        "steps": measured.steps,
        "learned": config.own(method).learned,
        "training_seconds": training,
        "calls_per_step": float(np.mean(measured.calls[:, -1] - measured.calls[:, 0]) / k),
        "seconds": {c: {"start": list(t.start), "step": list(t.step)} for c, t in measured.times.items()},
        "reached": [
            {
                "eps": eps,
                "share": float(np.mean(reached != NEVER)),
                "median": plain(np.median(np.where(reached == NEVER, np.inf, reached))),
            }
            for eps, reached in measured.reached.items()
        ],
    }
