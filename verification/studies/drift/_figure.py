"""Two figures: what each level costs each model, a panel for each shift, and what the deviations are made of."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...pages.figure_style import GREYS, INK, MUTED, legend_below, line_of, mark_of, method_looks, plain, size, style
from ...virtual_steps.decompose import TERMS
from ._cost import Interval
from ._measure import Cell
from ._run import YARDSTICKS, Drift
from ._shifts import SHIFTS

COLUMNS = 4
CEILING, FLOOR = 60.0, 0.2
"""Costs outside of this are drawn at the edge."""
_TERMS = {
    "bracket": ("bracket: the model at the virtual features", GREYS[0]),
    "pshift": ("preconditioner shift", GREYS[1]),
    "bshift": ("bias shift, memory included", GREYS[2]),
}


def figures(result: Drift) -> dict[str, Figure]:
    """The figures that show the answer, by name."""
    drawn = {"costs": costs(result), "attribution": attributions(result)}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def costs(result: Drift) -> Figure:
    """Excess of iterations over the first yardstick, with intervals; dashed: the yardstick's own slowdown.

    An open triangle is a lower bound: half of the instances or more have not been there within the horizon.
    """
    shifts = result.settings.shifts
    columns = min(COLUMNS, len(shifts))
    rows = -(-len(shifts) // columns)
    with style():
        drawn = Figure(figsize=size(columns, 2.3 * rows + 0.6, 2.45), layout="constrained")
        panels = drawn.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, shift in zip(panels.flat, shifts):
            _panel(axes, result, shift)
        for axes in panels.flat[len(shifts) :]:
            axes.set_visible(False)
        for axes in panels[:, 0]:
            axes.set_ylabel("iterations, relative")
        legend_below(drawn, panels.flat[: len(shifts)], min(4, columns + 1))
    return drawn


def _panel(axes: Axes, result: Drift, shift: str) -> None:
    levels = SHIFTS[shift].levels
    for i, level in enumerate(levels):
        if level.none or level.control:
            colour = MUTED if level.none else INK
            axes.axvspan(i - 0.5, i + 0.5, color=colour, alpha=0.12, linewidth=0)
    axes.axhline(1.0, color=MUTED, linewidth=0.8)
    yardstick = result.select(model=YARDSTICKS[0], shift=shift)
    hard = np.array([c.cost.slowdown.low for c in yardstick], dtype=float)
    looks = method_looks((*YARDSTICKS, *result.models))
    axes.plot(range(len(hard)), hard, **line_of(looks[YARDSTICKS[0]]), label=f"slowdown of {YARDSTICKS[0]}")
    wide = 0.5 / max(1, len(result.models))
    for place, model in enumerate(result.models):
        cells = [c for c in result.select(model=model, shift=shift) if c.applies]
        by = {c.level: c for c in cells}
        at = [i + (place - (len(result.models) - 1) / 2) * wide for i in range(len(levels))]
        colour, marker = (mark_of(looks[model])[name] for name in ("color", "marker"))
        drawn = [(x, by[level.label].cost.excess[YARDSTICKS[0]]) for x, level in zip(at, levels) if level.label in by]
        closed = [(x, e) for x, e in drawn if e.high is not None]
        for chosen, shape, face in ((closed, marker, colour), ([d for d in drawn if d[1].high is None], "^", "none")):
            if chosen:
                _marks(axes, chosen, colour, shape, face, model if shape == marker and face == colour else None)
    axes.set(yscale="log", ylim=(FLOOR, CEILING), xlim=(-0.6, len(levels) - 0.4))
    axes.set_xticks(range(len(levels)), [plain(v.label) for v in levels], rotation=35, ha="right")
    axes.set_yticks([0.3, 1, 3, 10, 30], ["0.3", "1", "3", "10", "30"])
    axes.minorticks_off()
    axes.set_title(plain(shift if SHIFTS[shift].practical else f"{shift} (for reference)"), color=INK)


def _middle(e: Interval) -> float:
    """The median, FLOOR where it has no lower end; where it is known to an interval, the geometric mean of its ends."""
    low = FLOOR if e.low is None else e.low
    return low if e.high is None else float(np.sqrt(low * e.high))


def _marks(
    axes: Axes, chosen: list[tuple[float, Interval]], colour: str, marker: str, face: str, label: str | None
) -> None:
    x = np.array([at for at, _ in chosen])
    middle = np.clip([_middle(e) for _, e in chosen], FLOOR, CEILING)
    low = np.clip([e.lower or FLOOR for _, e in chosen], FLOOR, middle)
    high = np.clip([CEILING if e.upper is None else e.upper for _, e in chosen], middle, CEILING)
    axes.errorbar(
        x, middle, yerr=[middle - low, high - middle], color=colour, marker=marker, markersize=3.2, linestyle="",
        markerfacecolor=face, elinewidth=0.9, label=label,
    )  # fmt: skip


def attributed(result: Drift) -> list[str]:
    """The models that have an attribution."""
    return [m for m in result.models if any(c.of("paired") for c in result.select(model=m))]


def attributions(result: Drift) -> Figure | None:
    """Stacked shares of the three norms, a bar for each level out of distribution and the control; None without any."""
    models = attributed(result)
    if not models:
        return None
    with style():
        drawn = Figure(figsize=size(4, 1.35 * len(models) + 1.5), layout="constrained")
        panels = drawn.subplots(len(models), 1, squeeze=False, sharex=True)[:, 0]
        for axes, model in zip(panels, models):
            bars = _bars(axes, result, model)
        panels[-1].set_xticks([x for x, _ in bars], [plain(label) for _, label in bars], rotation=90, fontsize=6.5)
        legend_below(drawn, panels[:1], 3)
    return drawn


def _bars(axes: Axes, result: Drift, model: str) -> list[tuple[float, str]]:
    """The bars of a model, and where their labels go."""
    x, ticks, first = 0.0, [], True
    for shift in result.settings.shifts:
        begun = x
        for cell in [c for c in result.select(model=model, shift=shift) if not c.none]:
            _stack(axes, x, cell, first)
            first = first and cell.attributed is None
            ticks.append((x, f"{cell.level}{' (control)' if cell.control else ''}"))
            x += 1
        cell_of_grid = axes.get_subplotspec()
        if x > begun and cell_of_grid is not None and cell_of_grid.is_first_row():
            axes.text((begun + x - 1) / 2, 1.03, plain(shift), ha="center", va="bottom", fontsize=7.5, color=INK)
        x += 0.8
    axes.set(ylim=(0, 1), xlim=(-0.7, x - 1.1))
    axes.set_ylabel(plain(model))
    axes.grid(False)
    return ticks


def _stack(axes: Axes, x: float, cell: Cell, label: bool) -> None:
    a = cell.attributed
    if a is None:
        axes.text(x, 0.5, "n/a", ha="center", va="center", rotation=90, fontsize=6.5, color=MUTED)
        return
    below = 0.0
    for name in TERMS:
        words, face = _TERMS[name]
        hatch = "///" if a.choice != "paired" else None
        axes.bar(
            x, a.share[name], bottom=below, **face, width=0.85, label=words if label else None, hatch=hatch,
            edgecolor="white" if hatch else INK if cell.control else "none", linewidth=0.9 if cell.control else 0.0,
        )  # fmt: skip
        below += a.share[name]
