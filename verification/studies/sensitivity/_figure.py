"""One figure for each family: a panel for each pattern, size against what F(x_K) - F* is, may be and can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...pages.figure_style import (
    EXACT,
    INK,
    MARKERS,
    MUTED,
    REGION,
    bound_look,
    legend_below,
    method_looks,
    plain,
    size,
    style,
)  # fmt: skip
from . import _theory
from ._run import Sensitivity

COLUMNS = 4
CEILING = 30.0
"""Values above this, in units of L R^2, are outside the panel: nothing is learned from how large a diverging run is."""
FLOOR = 1e-5
_LEAST_RHO = 0.05
"""Where the exact step, whose rho is rounding, is put on a logarithmic axis."""


def figure(result: Sensitivity, family: str) -> Figure:
    """F(x_K) - F* over L R^2: B8, the exact worst cases and the largest gap of the runs, by size.

    The shaded sizes are guaranteed: by theory, or where the run decides by the measured rho. What is above the panel is
    a triangle at its upper edge.
    """
    names = [n for n in result.settings.patterns if result.select(family=family, pattern=n)]
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    with style():
        drawn = Figure(figsize=size(columns, 2.1 * rows + 0.7), layout="constrained")
        panels = drawn.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes, name in zip(panels.flat, names):
            _panel(axes, result, family, name)
        for axes in panels.flat[len(names) :]:
            axes.set_visible(False)
        for axes in panels[:, 0]:
            axes.set_ylabel(f"F(x_{result.settings.steps}) - F*, in L R²")
        for column in range(columns):
            last = max(r for r in range(rows) if r * columns + column < len(names))
            panels[last, column].set_xlabel("size")
            panels[last, column].tick_params(labelbottom=True)
        legend_below(drawn, panels.flat[: len(names)], min(3, columns))
    return drawn


def figures(result: Sensitivity) -> dict[str, Figure]:
    """The figures that show the answer, by name."""
    return (
        {"checkpoints": trained(result)}
        if result.checkpoints
        else {f: figure(result, f) for f in result.settings.families}
    )


def single(result: Sensitivity, family: str, name: str) -> Figure:
    """The panel of one pattern, which a page shows where no script runs."""
    with style():
        drawn = Figure(figsize=size(2, 3.4, 2.5), layout="constrained")
        axes = drawn.subplots()
        _panel(axes, result, family, name)
        axes.set(xlabel="size", ylabel=f"F(x_{result.settings.steps}) - F*, in L R²")
        legend_below(drawn, [axes], 2)
    return drawn


def trained(result: Sensitivity) -> Figure:
    """Iterations over those of the exact step against the measured median rho: checkpoints, patterns and theory.

    A row for each shift and a column for each family. Colours are stages of training, from pale to dark, markers are
    widths; the cells of the patterns are crosses.
    """
    settings = result.settings
    rows, columns = len(settings.shifts), len(settings.families)
    shades = colormaps["viridis_r"](np.linspace(0.15, 1.0, len(settings.stages)))
    with style():
        drawn = Figure(figsize=size(columns, 2.2 * rows + 0.9, 2.4), layout="constrained")
        panels = drawn.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for row, shift in zip(panels, settings.shifts):
            for axes, family in zip(row, settings.families):
                _theory_lines(axes, result, family)
                cells = [c for c in result.select(family=family, shift=shift) if c.factor_median is not None]
                axes.plot(
                    [max(c.rho_median, _LEAST_RHO) for c in cells], [c.factor_median for c in cells], "x",
                    color=MUTED, markersize=3.5, markeredgewidth=0.8, label="patterns",
                )  # fmt: skip
                members = [c for c in result.checkpoints if (c.cell.family, c.cell.shift) == (family, shift)]
                for shade, batches in zip(shades, settings.stages):
                    for marker, hidden in zip(MARKERS, settings.widths):
                        mine = [c.cell for c in members if (c.batches, c.hidden) == (batches, hidden)]
                        converging = [c for c in mine if c.factor_median is not None]
                        axes.plot(
                            [c.rho_median for c in converging], [c.factor_median for c in converging], marker,
                            color=shade, markersize=4.5,
                            label=f"{batches} batches" if hidden == settings.widths[0] else None,
                        )  # fmt: skip
                axes.set(xscale="log", yscale="log", xlim=(_LEAST_RHO / 1.2, 12), ylim=(0.1, 100))
                axes.set_title(plain(f"{family}, s = {shift:g}"), color=INK)
        for axes in panels[:, 0]:
            axes.set_ylabel("iterations, over exact steps")
        for axes in panels[-1]:
            axes.set_xlabel("median rho")
        legend_below(drawn, panels[0, :1], 4)
    return drawn


def _theory_lines(axes: Axes, result: Sensitivity, family: str) -> None:
    """The region, what the guarantee grows by, and what the exact worst case costs in steps."""
    end = _theory.vacuous_rho()
    axes.axvspan(_LEAST_RHO / 10, end, **REGION, label="guaranteed: rho < 1")
    axes.axhline(1, color=MUTED, linewidth=0.8)
    grid = np.geomspace(_LEAST_RHO, 0.995 * end, 60)
    look = {name: value for name, value in bound_look("B8").items() if not name.startswith("mark")}
    factors = np.array([_theory.guarantee_factor(r) for r in grid], dtype=float)
    axes.plot(grid, factors, **look, label="guarantee B8 grows by")
    word = "smooth" if family == "quadratic" else "composite"
    costs_known = [(r["rho"], r[word]["worth"]) for r in result.costs if r["rho"] and r[word]["worth"] is not None]
    if costs_known:
        axes.plot(*zip(*costs_known), **EXACT, label="exact worst case costs")


def _panel(axes: Axes, result: Sensitivity, family: str, name: str) -> None:
    end = result.regions[name]["B8"]
    if end is None:
        end = result.measured_region(name, family) or 0.0
    axes.axvspan(0, end, **REGION, label="guaranteed: rho < 1")
    cells = result.select(family=family, pattern=name)
    first = cells[0].shift
    members = [c for c in cells if c.shift == first]
    itself = EXACT | {"color": MUTED, "linestyle": ":", "marker": "D"}
    curves: list[tuple[str, Sequence[Any], str, dict[str, Any]]] = [
        ("closed form B8 (largest of the runs)", members, "closed_form", bound_look("B8") | {"markevery": 1}),
        ("exact worst case of the deviation", members, "exact", EXACT),
        ("exact worst case of the method itself", members, "own", itself),
    ]
    runs = list(method_looks(f"runs {place}" for place in range(len(result.settings.shifts))).values())
    for place, shift in enumerate(result.settings.shifts):
        of_shift = [c for c in cells if c.shift == shift]
        curves.append((f"largest gap of the runs, s = {shift:g}", of_shift, "gap", runs[place]))
    for label, chosen, field, look in curves:
        at = np.array([c.size for c in chosen])
        value = np.array([np.nan if getattr(c, field) is None else getattr(c, field) for c in chosen], dtype=float)
        if not np.isfinite(value).any():
            continue
        drawn_values = np.where(value > CEILING, np.nan, np.maximum(value, FLOOR))
        axes.plot(at, drawn_values, **{**look, "markersize": 3, "linewidth": 1.2}, label=label)
        above = value > CEILING
        if field == "exact":
            above |= np.array([c.exact is None for c in chosen])
        if above.any():
            axes.plot(
                at[above], np.full(above.sum(), 0.97), marker="^", linestyle="", color=look["color"], markersize=4,
                transform=axes.get_xaxis_transform(), clip_on=False, label=None,
            )  # fmt: skip
    axes.axvline(end, color=MUTED, linewidth=0.8)
    axes.set(yscale="log", ylim=(FLOOR, CEILING), xlim=(-0.03, max(result.settings.sizes) + 0.05))
    axes.set_title(plain(name), color=INK)
