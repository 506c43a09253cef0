"""Settings, and everything of the page as one result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....l2o import InputError
from ...runs.inspection import as_numpy
from ..framework import Counter, Progress, chosen, now, plain_fields, require_at_least, require_some, silent
from . import _heads, _invariance
from ._causes import CAUSES
from ._cells import Cell, broken_promises, cells, run_all
from ._heads import Heads
from ._invariance import Invariance
from ._methods import METHODS, PLAIN
from ._points import BASES, DTYPES, FLOAT32, FLOAT64, Point, field, stacked
from ._stability import StabilityMap, Survives, stability_maps, survives

AXES = ("kappa", "L", "c", "c and kappa")
"""One axis at a time around the centre, and the pair of c and kappa; kappa and L in both precisions."""

_NUMBERS = ("kappas", "Ls", "cs", "pair_kappas", "pair_cs", "central_kappa", "central_L", "map_bs", "map_kappas")
_LEAST = {"instances": 1, "map_r": 2, "map_q": 2, "heads_steps": 1, "invariance_steps": 1, "decade_step": 1}


@dataclass(frozen=True)
class Settings:
    """What is run.

    `instances` of each of `families` at each point, by each of `methods`, for `steps` steps, to the share `eps` of the
    initial gap.
    Points: `kappas`, `Ls` and `cs` one at a time around (`central_kappa`, `central_L`, 1), and each of `pair_cs` with
    each of `pair_kappas`. Stability: a grid of `map_r` and `map_q` values for each of `map_bs` and `map_kappas`, over
    `map_steps` steps, judged off the boundary by `margin`. Invariance over `invariance_steps` steps, tried at every
    `decade_step`-th decade.
    """

    families: tuple[str, ...] = tuple(BASES)
    methods: tuple[str, ...] = tuple(METHODS)
    kappas: tuple[float, ...] = tuple(10.0**k for k in range(9))
    Ls: tuple[float, ...] = (1e-6, 1e-4, 1e-2, 1.0, 10.0, 1e2, 1e4, 1e6, 1e8)
    cs: tuple[float, ...] = (0.1, 0.2, 0.4, 0.7, 0.9, 1.0, 1.5, 2.0, 5.0, 10.0)
    pair_kappas: tuple[float, ...] = (1.0, 1e4, 1e6)
    pair_cs: tuple[float, ...] = (0.2, 0.7, 2.0, 10.0)
    central_kappa: float = 100.0
    central_L: float = 10.0
    instances: int = 2
    steps: int = 2000
    eps: float = 1e-8
    map_r: int = 28
    map_q: int = 31
    map_bs: tuple[float, ...] = (0.0, 0.5, 0.9)
    map_kappas: tuple[float, ...] = (1.0, 100.0, 1e4)
    map_steps: int = 2000
    margin: float = 0.02
    heads_steps: int = 500
    invariance_steps: int = 100
    decade_step: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        require_some("family", self.families, BASES)
        require_some("method", self.methods, METHODS)
        if PLAIN not in self.methods:
            raise InputError(f"methods: expected {PLAIN!r} among them, which the others are held against; add it.")
        for name in _NUMBERS:
            given, least = np.atleast_1d(getattr(self, name)), 1.0 if "kappa" in name else 0.0
            if not (np.isfinite(given) & (given >= least) & ((given > 0) | (name == "map_bs"))).all():
                expected = ">= 1" if least else ">= 0" if name == "map_bs" else "> 0"
                raise InputError(f"{name}: expected finite numbers {expected}, got {given.tolist()}.")
            if name == "map_bs" and not (given < 1).all():
                raise InputError(f"map_bs: expected B < 1, of which B14 speaks, got {given.tolist()}.")
            if not given.size and name in ("Ls", "map_kappas", "map_bs"):
                raise InputError(f"{name}: expected at least one number, got none.")
        if not all(1e-16 <= L <= 1e10 for L in self.Ls) or all(abs(np.log10(L)) < 0.5 for L in self.Ls):
            raise InputError(
                f"Ls: expected numbers from 1e-16 to 1e10, beyond which the models' guards of 1e-20 show, and B12 does "
                f"not speak of them, one of them nearer to another power of 10 than to 1, got {list(self.Ls)}."
            )
        if not 0 < self.eps < 1:
            raise InputError(f"eps: expected a share of the initial gap, in (0, 1), got {self.eps!r}.")
        require_at_least(self, _LEAST)
        if self.steps < 16:
            raise InputError(f"steps: expected at least 16, whose last parts are compared, got {self.steps!r}.")
        if self.map_steps < 1000:
            raise InputError(
                f"map_steps: expected at least 1000, because shorter rollouts do not tell growth from decay near the "
                f"boundary, got {self.map_steps!r}."
            )

    @property
    def axes(self) -> dict[str, tuple[Point, ...]]:
        """The points of each axis."""
        kappa, L = self.central_kappa, self.central_L
        return {
            "kappa": tuple(Point(k, L, 1.0) for k in self.kappas),
            "L": tuple(Point(kappa, value, 1.0) for value in self.Ls),
            "c": tuple(Point(kappa, L, c) for c in self.cs),
            "c and kappa": tuple(Point(k, L, c) for k in self.pair_kappas for c in self.pair_cs),
        }


def quick(settings: Settings) -> Settings:
    """A small version of the same question."""
    methods = ("go-math-l2o", "standard, Q x step", "standard, Q unscaled", "l2o-pa", PLAIN, "fista-restart")
    return replace(
        settings, methods=methods, kappas=(1.0, 1e2, 1e4, 1e8), Ls=(1e-6, 1.0, 10.0, 1e8),
        cs=(0.1, 0.4, 0.7, 1.0, 2.0, 10.0), pair_kappas=(1e4,), pair_cs=(0.7, 10.0), instances=2, steps=800,
        map_r=12, map_q=13, map_bs=(0.5,), map_kappas=(1.0, 100.0), map_steps=1000, heads_steps=100,
        invariance_steps=30, decade_step=10,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Conditioning:
    """`cells` of the axes, `maps`, `survivors` and `heads` of B14, `invariances` of the size of L (B12).

    `guards`: dtype -> where theory says that each guard or limit is met. `broken`: what theory and runs disagree on;
    there should be nothing.
    """

    settings: Settings
    cells: tuple[Cell, ...]
    maps: tuple[StabilityMap, ...]
    survivors: tuple[Survives, ...]
    heads: tuple[Heads, ...]
    invariances: tuple[Invariance, ...]
    guards: dict[str, dict[str, float]]
    created: str
    promises_broken: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[str, ...]:
        """Disagreements of theory and runs, in words: a defect, of theory or of program."""
        statements = list(self.promises_broken)
        for m in self.maps:
            for r, q in m.disagreements:
                word = "stable" if m.predicted[list(m.q).index(q), list(m.r).index(r)] else "unstable"
                statements.append(f"B14 says {word} at r = {r:.3g}, Q = {q:.3g}, B = {m.b:g}, kappa = {m.kappa:g}")
        statements += [
            f"B14 and rollouts name other c for {s.name}, kappa = {s.kappa:g}" for s in self.survivors if not s.agree
        ]
        statements += [f"B12 and runs disagree on {i.name} in {i.dtype}" for i in self.invariances if not i.agrees]
        return tuple(statements)

    def select(self, axis: str | None = None, **wanted: Any) -> tuple[Cell, ...]:
        """The cells of an axis with these fields."""
        return chosen((c for c in self.cells if axis is None or axis in c.axes), **wanted)

    def failures(self, cells: tuple[Cell, ...] | None = None) -> dict[str, int]:
        """Failed runs by cause."""
        causes = [cause for c in (self.cells if cells is None else cells) for cause in c.causes]
        return {name: causes.count(name) for name in CAUSES}

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        failures = {axis: {d: self.failures(self.select(axis, dtype=d)) for d in DTYPES} for axis in AXES}
        data = plain_fields(self, "cells", "maps", "survivors", "heads", "invariances", "guards", "broken")
        return {**data, "failures": failures}


def conditioning(settings: Settings | None = None, progress: Progress = silent) -> Conditioning:
    """Does gradient-only feature construction need tuning for a very large L, or for ill-conditioned problems?

    `progress(done, total, what)` is called before each piece of work.
    """
    settings = Settings() if settings is None else settings
    axes, rows = settings.axes, _invariance.rows()
    total = len(settings.families) * len(settings.methods) * 2 + len(rows) * 2 + len(settings.map_bs) + 2
    tell = Counter(progress, total)
    table: list[Cell] = []
    for family in settings.families:
        every = list(dict.fromkeys(p for points in axes.values() for p in points))
        single = list(dict.fromkeys((*axes["kappa"], *axes["L"])))
        fields = {
            dtype: field(family, points, settings.instances, settings.eps, settings.seed)
            for dtype, points in ((FLOAT64, every), (FLOAT32, single))
        }
        outcomes = run_all(fields, settings.methods, settings.steps, settings.eps, settings.seed, tell)
        table += cells(fields, outcomes, settings.methods, axes, settings.central_L, settings.steps, settings.eps)
    tell("heads of the shipped models")
    heads = _heads.shipped(
        settings.instances, tuple(k for k in settings.kappas if k in (1.0, 1e2, 1e4, 1e6, 1e8)), settings.heads_steps,
        settings.seed, lambda family, kappa: BASES[family](settings.instances, kappa, settings.seed),
    )  # fmt: skip
    maps: list[StabilityMap] = []
    r, q = np.linspace(0.05, 4.1, settings.map_r), np.linspace(0.0, 3.0, settings.map_q)
    for b in settings.map_bs:
        tell(f"stability, B = {b:g}")
        maps += stability_maps(r, q, (b,), settings.map_kappas, steps=settings.map_steps, margin=settings.margin)
    tell("declared L of other sizes")
    return Conditioning(
        settings,
        tuple(table),
        tuple(maps),
        tuple(_survivors(settings, heads)),
        heads,
        tuple(_invariances(settings, rows, tell)),
        {dtype: _invariance.guards(_unit_base(settings), dtype) for dtype in DTYPES},
        now(),
        tuple(broken_promises(table, settings.steps)),
    )


def _survivors(settings: Settings, heads: tuple[Heads, ...]) -> list[Survives]:
    named = [
        ("gradient step", 1.0, 0.0, 0.5),
        ("moderate history", 1.0, 0.5, 0.5),
        ("history at its limit", 1.0, 1.0, 0.5),
        ("history beyond it", 1.0, 1.2, 0.5),
    ]
    for h in heads:
        if h.kappa in (None, settings.central_kappa) and h.model != _heads.RANDOM:
            named.append((f"{h.model} on {h.family}", h.r[1], h.q[1], h.b[1]))
    return [
        survives(name, r, q, b, kappa, steps=settings.map_steps)
        for name, r, q, b in named
        for kappa in settings.map_kappas
    ]


def _unit_base(settings: Settings) -> Any:
    """One LASSO instance with L = 1."""
    base = BASES["lasso"](1, settings.central_kappa, settings.seed)
    return stacked([base], 1 / as_numpy(base.smoothness))


def _invariances(settings: Settings, rows: Any, tell: Callable[[str], None]) -> list[Invariance]:
    base = _unit_base(settings)
    range_asked = tuple(round(np.log10(end)) for end in (min(settings.Ls), max(settings.Ls)))
    reach = {
        dtype: sorted({*range_asked, *range(-span, span + 1, settings.decade_step)})
        for dtype, span in ((FLOAT64, 40), (FLOAT32, 38))
    }
    invariances = []
    for dtype in DTYPES:
        for row in rows:
            tell(f"invariance, {row.name}, {dtype}")
            one = _invariance.invariance(row, base, reach[dtype], range_asked, dtype, settings.invariance_steps)
            invariances.append(one)
    return invariances
