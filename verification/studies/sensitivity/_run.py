"""All cells of the table, the costs, the regions and the correlations, as one result."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from .... import l2o
from ....l2o import Composite, InputError
from ...optima import optimum
from ..framework import Counter, Progress, chosen, now, plain_fields, require_at_least, require_some, silent
from . import _theory
from ._checkpoints import SIZES, Checkpoint, across, measured, trainings
from ._correlation import Correlation, correlations
from ._measure import Cell, Field, measure
from ._patterns import PATTERNS, largest_size, pattern

MODELS = ("go-math-l2o", "l2o-pa")


@dataclass(frozen=True)
class Settings:
    """What is run.

    `batch` instances of each of `families`, from starts shifted by each of `shifts`; `steps` K of the bounds, which are
    also taken after the numbers of steps in `also`; `horizon` steps that iterations to the share `eps` of the initial
    gap are counted in. `trained`: instances for the correlations of the shipped models, over `trained_steps` steps; 0
    for none. `widths`, `seeds`, `stages`: hidden sizes and seeds of trainings, and the numbers of batches after which
    their weights are measured; no widths for none.
    """

    families: tuple[str, ...] = ("quadratic", "lasso", "logistic_l1")
    patterns: tuple[str, ...] = tuple(PATTERNS)
    sizes: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.1, 1.5)
    shifts: tuple[float, ...] = (0.0, 10.0)
    batch: int = 6
    steps: int = 10
    also: tuple[int, ...] = (1, 2, 5)
    horizon: int = 400
    eps: float = 1e-2
    trained: int = 128
    trained_steps: int = 20
    resamples: int = 2000
    widths: tuple[int, ...] = (4, 10, 20)
    seeds: tuple[int, ...] = (0, 1)
    stages: tuple[int, ...] = (0, 2, 8, 64)
    seed: int = 0

    def __post_init__(self) -> None:
        require_some("family", self.families, FAMILIES)
        require_some("pattern", self.patterns, PATTERNS)
        if not self.sizes or self.sizes[0] != 0 or list(self.sizes) != sorted(set(self.sizes)):
            raise InputError(f"sizes: expected increasing numbers from 0, the exact step, got {list(self.sizes)}.")
        if not 0 < self.eps < 1:
            raise InputError(f"eps: expected a share of the initial gap, in (0, 1), got {self.eps!r}.")
        if not all(k >= 1 for k in self.also):
            raise InputError(f"also: expected numbers of steps from 1 on, got {list(self.also)}.")
        require_at_least(self, {"resamples": 1})
        if self.widths and not (self.seeds and self.stages and max(self.stages) >= 1):
            raise InputError(
                f"widths: expected seeds and a stage of at least 1 batch beside them, got {self.seeds} and "
                f"{self.stages}."
            )


def quick(settings: Settings) -> Settings:
    """A small version of the same question."""
    sizes = (0.0, 0.25, 0.5, 0.9, 1.1)
    return replace(
        settings, sizes=sizes, shifts=(0.0,), batch=3, steps=5, also=(1, 2), horizon=100, trained=32, resamples=500,
        widths=(4,), seeds=(0,), stages=(0, 8),
    )  # fmt: skip


def _problem(family: str, batch: int, seed: int) -> Composite:
    return getattr(l2o.synthetic, family)(batch, **SIZES[family], seed=seed)


FAMILIES: dict[str, Callable[[int, int], Composite]] = {family: partial(_problem, family) for family in SIZES}
"""Small problems by family: (batch, seed) -> problem."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """`cells` of the table; `costs` of deviations rho in theory; `regions`: pattern -> bound -> the size it ends at.

    `correlations` over instances, of shipped models; `checkpoints` of trainings, and `across` them the correlations. A
    region is None where the run decides (`measured_region`). `broken`: cells where a guarantee and a run disagree.
    """

    settings: Settings
    cells: tuple[Cell, ...]
    costs: tuple[dict[str, Any], ...]
    regions: dict[str, dict[str, float | None]]
    correlations: tuple[Correlation, ...]
    checkpoints: tuple[Checkpoint, ...]
    across: tuple[Correlation, ...]
    created: str

    @property
    def broken(self) -> tuple[Cell, ...]:
        """Cells that contradict a guarantee, or their own nominal deviation: a defect, of theory or of program."""
        return tuple(cell for cell in (*self.cells, *(c.cell for c in self.checkpoints)) if cell.broken)

    def select(self, **wanted: Any) -> tuple[Cell, ...]:
        """The cells with these fields."""
        return chosen(self.cells, **wanted)

    def measured_region(self, name: str, family: str | None = None) -> float | None:
        """The largest size tried up to which all runs of the pattern have rho < 1."""
        return _up_to(self._of(name, family), lambda c: c.guaranteed)

    def diverges_at(self, name: str, family: str | None = None) -> float | None:
        """The smallest size tried at which a run ends above F(x_0) or is given up; None if there is none."""
        diverging = [c.size for c in self._of(name, family) if c.diverged]
        return min(diverging, default=None)

    def _of(self, name: str, family: str | None) -> tuple[Cell, ...]:
        return self.select(pattern=name) if family is None else self.select(pattern=name, family=family)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        patterns, families = self.settings.patterns, self.settings.families
        return {
            **plain_fields(self, "regions", "costs", "cells", "correlations", "checkpoints", "across"),
            "unit": "L R^2, R measured to the certified point",
            "measured_regions": {name: self.measured_region(name) for name in patterns},
            "diverges_at": {name: {family: self.diverges_at(name, family) for family in families} for name in patterns},
            "broken": len(self.broken),
        }


def _up_to(cells: Sequence[Cell], holds: Callable[[Cell], bool]) -> float | None:
    largest = None
    for size in sorted({c.size for c in cells}):
        if not all(holds(c) for c in cells if c.size == size):
            break
        largest = size
    return largest


def sensitivity(
    settings: Settings | None = None,
    progress: Progress = silent,
    trainings: str | os.PathLike[str] | None = None,
) -> Sensitivity:
    """How far steps may drift from 1/L before the guarantee, and then the performance, ends.

    `progress(done, total, what)` is called before each cell and each training. `trainings`: a folder where trainings
    are kept, and taken up again by a later call; they are known by their settings, not by the version of the program.
    """
    settings = Settings() if settings is None else settings
    plan = [
        (family, shift, name, size)
        for family in settings.families
        for shift in settings.shifts
        for name in settings.patterns
        for size in settings.sizes
        if size < largest_size(name, family == "quadratic")
    ]
    models = len(settings.families) * (1 + len(settings.shifts)) * len(settings.widths) * len(settings.seeds)
    counter = Counter(progress, len(plan) + models)
    fields = {}
    for family in settings.families:
        problem = FAMILIES[family](settings.batch, settings.seed)
        certified = optimum(problem)
        for shift in settings.shifts:
            x0 = l2o.synthetic.starts(problem, shift=shift, seed=settings.seed)
            fields[family, shift] = Field(family, shift, problem, x0, certified)
    cells: list[Cell] = []
    exact: dict[tuple[str, float], Cell] = {}  # at size 0 all patterns are the exact step
    for family, shift, name, size in plan:
        counter(f"{family}, s = {shift:g}, {name}")
        at = (family, shift)
        if size == 0 and at in exact:
            cells.append(replace(exact[at], pattern=name))
            continue
        cell = measure(
            fields[at], name, pattern(name, size), exact_iterations=exact[at].iterations if at in exact else None,
            **_lengths(settings),
        )  # fmt: skip
        exact.setdefault(at, cell)
        cells.append(cell)
    checkpoints: list[Checkpoint] = []
    for family in settings.families if settings.widths else ():
        exact_runs = {shift: exact[family, shift] for shift in settings.shifts}
        checkpoints += measured(
            [fields[family, shift] for shift in settings.shifts],
            _trainings(settings, family, None if trainings is None else Path(trainings), counter),
            exact_runs,
            rate_steps=settings.trained_steps,
            tell=counter,
            **_lengths(settings),
        )
    counter("worst cases, trained models", step=0)
    inside = [size for size in settings.sizes if size < _theory.vacuous_rho()]
    return Sensitivity(
        settings,
        tuple(cells),
        tuple(_theory.costs(inside, settings.steps)),
        {name: _theory.vacuous_size(PATTERNS[name]) for name in settings.patterns},
        _shipped(settings),
        tuple(checkpoints),
        tuple(across(checkpoints, resamples=settings.resamples, seed=settings.seed)),
        now(),
    )


def _lengths(settings: Settings) -> dict[str, Any]:
    names = ("steps", "also", "horizon", "eps", "seed")
    return {name: getattr(settings, name) for name in names}


def _trainings(
    settings: Settings, family: str, folder: Path | None, counter: Counter
) -> dict[tuple[int, int], l2o.training.Trained]:
    trained: dict[Any, Any] = {}
    for hidden in settings.widths:
        for seed in settings.seeds:
            counter(f"training on {family}, width {hidden}, seed {seed}")
            trained |= trainings(family, [hidden], [seed], settings.stages, folder)
    return trained


def _shipped(settings: Settings) -> tuple[Correlation, ...]:
    """Correlations for the shipped models, in and out of distribution; none were trained on quadratics."""
    table: list[Correlation] = []
    for family in settings.families if settings.trained else ():
        trained_on = "lasso" if family == "quadratic" else family
        problem = FAMILIES[family](settings.trained, settings.seed + 1)
        certified = optimum(problem)
        for model in MODELS:
            label = model if family == trained_on else f"{model} (trained on {trained_on})"
            for shift in (0.0, 10.0):
                table += correlations(
                    label, l2o.pretrained(model, trained_on), family, problem, certified, shift,
                    first=settings.trained_steps, steps=settings.trained_steps, resamples=settings.resamples,
                    seed=settings.seed,
                )  # fmt: skip
    return tuple(table)
