"""All runs, the counter-examples and the local minima, as one result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....l2o import InputError, Run
from ...optima import Optimum
from ...optima import optimum as certify
from ...runs.inspection import as_numpy
from ..framework import Progress, chosen, now, plain_fields, require_at_least, require_some, silent
from ._counterexamples import Counterexample, counterexamples
from ._curves import Curve, Scatter, curves, scatter
from ._measure import Entry, entry
from ._methods import TRAINED, methods
from ._minima import Minima, minima
from ._problems import PAIRS, SETS, Case, pairs, sets


@dataclass(frozen=True)
class Settings:
    """What is run.

    `batch` instances of each of `families` and its convex partner, and of each of the constraint `sets`, from starts
    shifted by each of `shifts`, over `steps` steps; `random` draws of random weights; `eps`: the share of the
    initial gap that iterations are counted to. `instances` for the shares of local minima, after `horizon` steps; 0 for
    none.
    """

    families: tuple[str, ...] = tuple(PAIRS)
    sets: tuple[str, ...] = SETS
    shifts: tuple[float, ...] = (0.0, 10.0)
    batch: int = 5
    steps: int = 60
    random: int = 2
    eps: float = 1e-3
    instances: int = 40
    horizon: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        require_some("family", self.families, PAIRS, "the convex partner of each is run as well")
        if self.sets:
            require_some("sets", self.sets, SETS)
        for name in ("families", "sets", "shifts"):
            if len(set(given := getattr(self, name))) < len(given):
                raise InputError(f"{name}: expected each one once, got {list(given)}.")
        if not 0 < self.eps < 1:
            raise InputError(f"eps: expected a share of the initial gap, in (0, 1), got {self.eps!r}.")
        if not self.shifts or not np.isfinite(self.shifts).all():
            raise InputError(f"shifts: expected at least one number, all of them finite, got {list(self.shifts)}.")
        require_at_least(self, {"batch": 1, "steps": 1, "random": 0, "instances": 0, "horizon": 1})


def quick(settings: Settings) -> Settings:
    """A small version of the same question."""
    small = {"batch": 2, "steps": 20, "random": 1, "instances": 12, "horizon": 200}
    return replace(settings, families=("student_t",), sets=("box", "simplex"), shifts=(10.0,), **small)


@dataclass(frozen=True, eq=False)
class BeyondConvex:
    """`entries`, one for each problem, start and method; `counterexamples` in one variable; `minima`, where runs end.

    `curves` and `scatter` are what the figures show. `broken`: entries where a guarantee and a run disagree.
    """

    settings: Settings
    entries: tuple[Entry, ...]
    counterexamples: tuple[Counterexample, ...]
    minima: tuple[Minima, ...]
    curves: tuple[Curve, ...]
    scatter: Scatter
    created: str

    @property
    def broken(self) -> tuple[Entry, ...]:
        """Entries that contradict what is proved: a defect, of theory or of program."""
        return tuple(e for e in self.entries if e.broken)

    def select(self, **wanted: Any) -> tuple[Entry, ...]:
        """The entries with these fields."""
        return chosen(self.entries, **wanted)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        data = plain_fields(self, "entries", "counterexamples", "minima", "curves")
        return {**data, "broken": len(self.broken)}


def beyond_convex(settings: Settings | None = None, progress: Progress = silent) -> BeyondConvex:
    """Which guarantees survive without a convex f and on constraint sets, and which inequality the others lose.

    `progress(done, total, what)` is called before each problem.
    """
    settings = Settings() if settings is None else settings
    cases = [
        *pairs(settings.families, settings.batch, settings.seed),
        *sets(settings.sets, settings.batch, settings.seed),
    ]
    entries: list[Entry] = []
    drawn: list[Curve] = []
    dots = Scatter()
    for done, case in enumerate(cases):
        progress(done, len(cases) + 2, f"{case.family}, {case.term}")
        runs = dict(_runs(case, settings))
        certified = _best_point(case, certify(case.problem), runs.values())
        for (shift, method), run in runs.items():
            entries.append(entry(case, shift, method, run, certified, settings.eps))
        if case.part == "pairs" and not case.convex:
            dots = dots.with_runs(scatter({k: r for k, r in runs.items() if k[1] in TRAINED}, case, certified))
            if case.term == "zero":
                drawn += curves({m: r for (s, m), r in runs.items() if s == settings.shifts[0]}, case, certified)
    progress(len(cases), len(cases) + 2, "counter-examples")
    examples = counterexamples()
    progress(len(cases) + 1, len(cases) + 2, "local minima")
    ends = minima(settings.families, settings.shifts, settings.instances, settings.horizon, settings.seed)
    return BeyondConvex(settings, tuple(entries), examples, ends, tuple(drawn), dots, now())


def _runs(case: Case, settings: Settings) -> Iterator[tuple[tuple[float, str], Run]]:
    """The runs by shift and method; a shift whose start is that of an earlier one (on a simplex) is left out."""
    earlier: list[torch.Tensor] = []
    for shift in settings.shifts:
        x0 = case.start(shift, settings.seed)
        if any(torch.allclose(x0, other, rtol=0, atol=1e-9) for other in earlier):
            continue
        earlier.append(x0)
        for label, optimizer in methods(case, settings.random).items():
            yield (shift, label), l2o.rollout(optimizer, case.problem, x0, settings.steps, seed=settings.seed)


def _best_point(case: Case, certified: Optimum, runs: Any) -> Optimum:
    """The optimum with the best point of the runs as its own, where f is not convex and a run found a better one."""
    if case.convex:
        return certified
    x, upper = np.array(certified.x), np.array(certified.upper)
    for run in runs:
        end = run.x_final
        value = as_numpy(case.problem.objective(end) + case.problem.objective_error(end))
        better = np.isfinite(value) & (value < upper)
        x[better], upper[better] = as_numpy(end)[better], value[better]
    return replace(certified, x=x, upper=upper)
