"""All shifts, levels and models, as one result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .... import l2o
from ....l2o import InputError
from ....l2o.support.threads import one_thread
from ....l2o.training import split_seed
from ...invariance.equivariance import check_equivariance
from ...invariance.transforms import translation
from ...optima import optimum
from ...statistics.rank_correlation import rank_correlation
from ..framework import Progress, chosen, now, plain_fields, require_at_least, require_some, silent
from ._compare import Comparison, compare, over_levels
from ._measure import Cell, Field, Trace, measure, not_applicable, trace
from ._predict import Prediction
from ._shifts import SHIFTS, Family, trained_family
from ._size import Rescaled, rescaled

MODELS = ("go-math-l2o", "l2o-pa", "l2o-dm", "l2o-rnnprop", "ada-lista")
YARDSTICKS = ("fista-restart", "ista")
"""Excesses are measured against the first, where no other is named."""
RIVALS = ("go-math-l2o", "l2o-pa")


@dataclass(frozen=True)
class Settings:
    """What is run.

    `batch` instances at every level of each of `shifts`; `steps` are recorded and attributed, `horizon` steps counted
    to the shares `eps` of the initial gap, of which the first is the one that is spoken of. `few_steps` steps of `few`
    instances are attributed by nearest features too. `translation` is the t of the check of B12.
    """

    models: tuple[str, ...] = MODELS
    shifts: tuple[str, ...] = tuple(SHIFTS)
    batch: int = 24
    steps: int = 40
    horizon: int = 400
    eps: tuple[float, ...] = (1e-3, 1e-2)
    few: int = 4
    few_steps: int = 20
    translation: float = 10.0
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        require_some("model", self.models, MODELS)
        require_some("shift", self.shifts, SHIFTS)
        if not self.eps or not all(0 < e < 1 for e in self.eps):
            raise InputError(f"eps: expected shares of the initial gap, in (0, 1), got {list(self.eps)}.")
        if not 3 <= self.few <= self.batch:
            raise InputError(f"few: expected 3 to batch = {self.batch} instances, got {self.few}.")
        require_at_least(self, {"resamples": 1})
        for name, most in (("steps", "horizon"), ("few_steps", "steps")):
            if not 1 <= getattr(self, name) <= getattr(self, most):
                expected = f"expected 1 to {most} = {getattr(self, most)}"
                raise InputError(f"{name}: {expected}, got {getattr(self, name)}.")


def quick(settings: Settings) -> Settings:
    """A small version of the same question."""
    return replace(
        settings, models=settings.models[:2], batch=6, few=3, steps=10, few_steps=5, horizon=60, resamples=50
    )


@dataclass(frozen=True, eq=False)
class Drift:
    """`cells` of models and yardsticks, `predictions` of the costs, `comparisons` of the two rivals,
    `overall` of them over all levels of a shift.

    `moved`: model -> "equivariant", "not equivariant" or "undecided" under a translation (B12). `unlike`: shifts whose
    level `none` has other instances than those in distribution; there should be none. `sizes`: models whose features
    depend on the number of variables, as shipped and with that mended.
    """

    settings: Settings
    family: Family
    cells: tuple[Cell, ...]
    predictions: tuple[Prediction, ...]
    comparisons: tuple[Comparison, ...]
    overall: tuple[Comparison, ...]
    moved: dict[str, str]
    unlike: tuple[str, ...]
    sizes: tuple[Rescaled, ...]
    created: str

    @property
    def broken(self) -> tuple[str, ...]:
        """What contradicts a bound, an identity or B12, or a level that is not what it is named: a defect."""
        statements = [f"{c.model}, {c.shift} {c.level}: {what}" for c in self.cells for what in c.broken]
        statements += [f"{where}: level `none` is not the family in distribution" for where in self.unlike]
        if self.moved.get("go-math-l2o") == "not equivariant":
            statements.append("go-math-l2o: a shifted objective and a shifted start are not one experiment (B12)")
        return tuple(statements)

    def select(self, **wanted: Any) -> tuple[Cell, ...]:
        """The cells with these fields."""
        return chosen(self.cells, **wanted)

    @property
    def models(self) -> tuple[str, ...]:
        """The learned models."""
        return self.settings.models

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        data = plain_fields(self, "family", "cells", "predictions", "comparisons", "overall", "sizes", "broken")
        return {**data, "yardsticks": list(YARDSTICKS), "translation": self.moved}


def drift(settings: Settings | None = None, progress: Progress = silent) -> Drift:
    """What practical shifts of the distribution cost the shipped models for LASSO, and what they consist of.

    `progress(done, total, what)` is called before each level.
    """
    settings = Settings() if settings is None else settings
    with one_thread():
        return _drift(settings, progress)


def _drift(settings: Settings, progress: Progress) -> Drift:
    family = trained_family(settings.models)
    base, x0 = _field_in_distribution(family, settings)
    optimizers = {name: l2o.optimizer(name) for name in YARDSTICKS}
    optimizers |= {name: l2o.pretrained(name, "lasso") for name in settings.models}
    in_distribution = {name: _trace(optimizer, base, settings) for name, optimizer in optimizers.items()}
    plan = [(SHIFTS[name], level) for name in settings.shifts for level in SHIFTS[name].levels]
    cells: list[Cell] = []
    comparisons: list[Comparison] = []
    unlike: list[str] = []
    sizes: list[Rescaled] = []
    rivals: dict[str, list[list[tuple[Trace, Trace]]]] = {}
    exact: dict[str, Cell] = {}  # in distribution all shifts are one experiment
    for done, (shift, level) in enumerate(plan):
        progress(done, len(plan), f"{shift.name} {level.label}")
        problem, start = shift.build(family, level, settings.batch, settings.seed)
        same = problem.fingerprint() == base.problem.fingerprint() and bool((start == x0).all())
        if level.none and not same:
            unlike.append(shift.name)
        # what is the same in every bit is not computed twice
        certified = base.optimum if same else optimum(problem)
        at = Field(shift.name, level, problem, start, certified)
        traces: dict[str, Trace] = {}
        for name, optimizer in optimizers.items():  # yardsticks first
            try:
                traces[name] = in_distribution[name] if same else _trace(optimizer, at, settings)
            except InputError as wrong:
                cells.append(not_applicable(name, at, shift.practical, wrong))
        yardsticks = {name: (traces[name], in_distribution[name]) for name in YARDSTICKS}
        for name, one in traces.items():
            if same and name in exact:
                here: dict[str, Any] = {"shift": shift.name, "level": level.label, "practical": shift.practical}
                cells.append(replace(exact[name], **here))
                continue
            learned = name in settings.models
            few = _few(optimizers[name], at, base, settings) if learned else None
            reference = in_distribution[name].run if learned else None
            cell = measure(
                name, optimizers[name], at, one, in_distribution[name], yardsticks, shift.practical, reference, few
            )
            cells.append(cell)
            if same:
                exact[name] = cell
            if learned and problem.dim != family.dim:
                other = rescaled(
                    name, optimizers[name], at, family.dim, settings.horizon, settings.eps[0], settings.seed
                )
                sizes += [other] if other else []
        if all(name in traces for name in RIVALS) and not level.none:
            pairs = [(traces[name], in_distribution[name]) for name in RIVALS]
            if not level.control:
                rivals.setdefault(shift.name, []).append(pairs)
            comparisons.append(compare(RIVALS, at, shift.practical, pairs, settings.eps[0]))
    progress(len(plan), len(plan), "correlations")
    overall = [
        over_levels(RIVALS, name, SHIFTS[name].practical, pairs, settings.eps[0]) for name, pairs in rivals.items()
    ]
    moved = {
        name: check_equivariance(optimizers[name], base.problem, base.x0, 20, translation(settings.translation))
        for name in settings.models
    }
    return Drift(
        settings,
        family,
        tuple(cells),
        tuple(_predictions(cells, settings)),
        tuple(comparisons),
        tuple(overall),
        {name: result.verdict for name, result in moved.items()},
        tuple(unlike),
        tuple(sizes),
        now(),
    )


def _field_in_distribution(family: Family, settings: Settings) -> tuple[Field, Any]:
    """What no shift has touched: the family by its generator's defaults, not by way of any axis."""
    seed = split_seed("test", 0, settings.seed)
    problem = family.build(settings.batch, seed)
    x0 = l2o.synthetic.starts(problem, seed=seed)
    level = next(level for level in SHIFTS["noise"].levels if level.none)
    return Field("none", level, problem, x0, optimum(problem)), x0


def _trace(optimizer: Any, at: Field, settings: Settings) -> Trace:
    return trace(optimizer, at, steps=settings.steps, horizon=settings.horizon, eps=settings.eps, seed=settings.seed)


def _few(optimizer: Any, at: Field, base: Field, settings: Settings) -> dict[str, tuple[l2o.Run, l2o.Run]]:
    """Runs on the first few instances, for virtual steps by nearest features, and by nearest coordinates.

    The latter where the number of variables differs, and on the control, which they are compared with.
    """
    if at.level.none:
        return {}
    choices: tuple[str, ...] = ("coordinate",) if at.problem.dim != base.problem.dim else ("nearest",)
    if at.level.control:
        choices = ("nearest", "coordinate")
    runs = [_first(optimizer, field, settings) for field in (at, base)]
    return dict.fromkeys(choices, (runs[0], runs[1]))


def _first(optimizer: Any, at: Field, settings: Settings) -> l2o.Run:
    few = np.arange(settings.few)
    return l2o.rollout(optimizer, at.problem.select(few), at.x0[: settings.few], settings.few_steps, seed=settings.seed)


def _predictions(cells: list[Cell], settings: Settings) -> list[Prediction]:
    """By model: each shift, pooled and within its levels, and all practical levels together."""
    predictions: list[Prediction] = []
    for model in settings.models:
        usable = [c for c in cells if c.model == model and not c.none and _paired(c)]
        groups = {shift: [c for c in usable if c.shift == shift and not c.control] for shift in settings.shifts}
        everything = [c for c in usable if c.practical and not c.control]
        wanted = [(shift, group, way) for shift, group in groups.items() for way in ("pooled", "within")]
        for shift, group, way in [*wanted, ("", everything, "levels")]:
            if len(group) < 2:
                continue
            cost = np.log(np.array([c.excess_by for c in group]).T)
            dz = np.array([paired.dz_by for c in group if (paired := c.of("paired"))]).T
            value, low, high, _ = rank_correlation(dz, cost, way, resamples=settings.resamples, seed=settings.seed)
            predictions.append(Prediction(model, shift, "||Dz||", way, settings.batch, len(group), value, low, high))
    return predictions


def _paired(cell: Cell) -> bool:
    paired = cell.of("paired")
    return paired is not None and bool(paired.dz_by) and bool(cell.excess_by)
