"""All problems in one figure: the last gaps, the iterations to a tolerance, and how accurately F* is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from ...pages.figure_style import GRID, MUTED, mark_of, plain, shown
from ...support.paper_styles import current_style
from .._compare import Row
from . import _panels as panels

_ROW, _GROUP = 0.27, 0.22  # inches a row and a problem's title take


def final_gaps(rows: Sequence[Row], line_styles: Mapping[str, Any]) -> Figure:
    """Median relative gap after the last step; grey: the accuracy of F*. Diverged methods stand at the right."""
    values = [v for row in rows for entry in row.entries for v in shown([entry.gap], 0.0)]
    floors = [v for row in rows for v in shown([row.floor], 0.0)]
    low, high = min([*values, *floors], default=1e-3) / 5, max(values, default=1.0) * 5
    marks = _marks(rows, line_styles)
    dark = [row for row in rows if row.floor is not None and row.floor > low]
    extra: list[Any] = [Patch(color=MUTED, alpha=0.2, linewidth=0, label="accuracy of $F^\\star$")] if dark else []
    if any(entry.gap is None for row in rows for entry in row.entries):
        extra.append(Line2D([], [], color=MUTED, marker="x", linestyle="none", label="diverged"))
    figure, (axes,), places = _frame(rows, 1)
    for row, place in zip(rows, places):
        if row.floor is not None and row.floor > low:
            axes.fill_betweenx([place - 0.42, place + 0.42], low, row.floor, color=MUTED, alpha=0.2, linewidth=0)
        for entry, offset in _dodged(row):
            diverged = entry.gap is None
            where = high / 1.6 if diverged else max(entry.gap, low * 1.3)
            axes.plot([where], [place + offset], **marks[entry.name] | ({"marker": "x"} if diverged else {}))
    _logarithmic(axes, low, high)
    axes.set_xlabel("median of $(F(x_K) - F^\\star) / |F^\\star|$ after the last step")
    panels.legend(figure, [*_mark_handles(rows, marks), *extra])
    return figure


def iterations(rows: Sequence[Row], line_styles: Mapping[str, Any]) -> Figure:
    """Median iterations to each tolerance; methods that do not converge to it stand in the strip on the right."""
    tolerances = [t for t, _ in rows[0].entries[0].reach]
    marks = _marks(rows, line_styles)
    strip = Patch(color=MUTED, alpha=0.14, linewidth=0, label="not reached")
    figure, panels_, places = _frame(rows, len(tolerances))
    longest = max(row.steps for row in rows)
    edge, end = longest * 1.25, longest * 2.6
    for column, (axes, tolerance) in enumerate(zip(panels_, tolerances)):
        axes.axvspan(edge, end, color=MUTED, alpha=0.14, linewidth=0)
        for row, place in zip(rows, places):
            for entry, offset in _dodged(row):
                k = entry.reach[column][1]
                where = (edge * end) ** 0.5 if k is None else max(k, 1)
                faint = {"alpha": 0.65, "markersize": 3} if k is None else {}
                axes.plot([where], [place + offset], **marks[entry.name] | faint)
        _logarithmic(axes, 0.8, end)
        axes.set_title(f"gap $10^{{{round(math.log10(tolerance))}}}$", loc="left", fontweight="bold")
        axes.set_xlabel("iterations")
    panels.legend(figure, [*_mark_handles(rows, marks), strip])
    return figure


def f_star(rows: Sequence[Row], line_styles: Mapping[str, Any]) -> Figure:
    """Relative width of the certified interval beside the lowest relative gap each method reached."""
    marks = _marks(rows, line_styles)
    values = [v for row in rows for entry in row.entries for v in shown([entry.lowest], 0.0)]
    widths = [v for row in rows for v in shown(row.widths, 0.0)]
    low, high = min([*values, *widths], default=1e-3) / 5, max([*values, *widths], default=1.0) * 5
    extra = [Line2D([], [], color=MUTED, linewidth=5, alpha=0.35, label="certified width")] if widths else []
    figure, (axes,), places = _frame(rows, 1)
    hollows = False
    for row, place in zip(rows, places):
        bar = sorted(shown(row.widths, 0.0))
        if bar:
            axes.plot([bar[0], bar[-1]], [place, place], color=MUTED, linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot([bar[len(bar) // 2]] * 2, [place - 0.42, place + 0.42], color=MUTED, linewidth=1.6)
        for entry, offset in _dodged(row):
            if entry.lowest is not None:
                above_floor = row.floor is None or entry.lowest > row.floor
                where = max(entry.lowest if row.floor is None or above_floor else row.floor, low * 1.3)
                hollow = {} if above_floor else {"markerfacecolor": "none"}
                hollows |= not above_floor
                axes.plot([where], [place + offset], **marks[entry.name] | hollow)
    _logarithmic(axes, low, high)
    axes.set_xlabel("relative to $|F^\\star|$")
    if hollows:
        extra.append(
            Line2D([], [], color=MUTED, marker="o", markerfacecolor="none", linestyle="none", label="not above it")
        )
    panels.legend(figure, [*_mark_handles(rows, marks), *extra])
    return figure


def _frame(rows: Sequence[Row], columns: int) -> tuple[Figure, list[Axes], list[float]]:
    """Panels whose rows are the scenarios, under the names of their problems; and the height of each row."""
    places, names, at = [], [], 0.0
    before = None
    for row in rows:
        if row.problem_key != before:
            at += _GROUP / _ROW * (1.0 if before is None else 1.4)
            names.append((at, row.problem_key))
            at += _GROUP / _ROW
            before = row.problem_key
        places.append(at)
        at += 1.0
    longest = max(*(len(row.scenario["label"]) for row in rows), *(min(len(n), 30) for _, n in names))
    left = 0.15 + 0.073 * longest
    head = {"head": 0.05} if columns == 1 else {}
    figure, (grid,) = panels.frame(current_style().text, columns, [at * _ROW], 1, left=left, **head)
    grid = list(grid[0])
    for axes in grid:
        axes.set_ylim(at - 0.3, 0.0)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0, labelleft=axes is grid[0])
        axes.set_yticks(places, [plain(row.scenario["label"]) for row in rows])
        for place in places:
            axes.axhline(place, color=GRID, linewidth=0.5, zorder=0)
    for height, name in names:
        grid[0].annotate(
            plain(name if len(name) <= 30 else f"{name[:29]}…"), (0, height), xycoords=("axes fraction", "data"),
            xytext=(-2, 0), textcoords="offset points", ha="right", va="center", fontweight="bold", fontsize="medium",
        )  # fmt: skip
    return figure, grid, places


def _dodged(row: Row) -> list[tuple[Any, float]]:
    """The entries of a row with small offsets, so that equal values stay apart."""
    count = len(row.entries)
    return [(entry, 0.6 * ((i + 0.5) / count - 0.5)) for i, entry in enumerate(row.entries)]


def _marks(rows: Sequence[Row], line_styles: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A marker for each optimizer: the learned ones filled and larger."""
    learned = {entry.name: entry.learned for row in rows for entry in row.entries}
    return {
        name: {**mark_of(look), "markersize": 5 if learned[name] else 4, "markeredgewidth": 1.0}
        for name, look in line_styles.items()
        if name in learned
    }


def _mark_handles(rows: Sequence[Row], marks: Mapping[str, Any]) -> list[Line2D]:
    labels = {entry.name: entry.label for row in rows for entry in row.entries}
    return [Line2D([], [], label=plain(labels[name]), **mark) for name, mark in marks.items()]


def _logarithmic(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.xaxis.set_minor_formatter(NullFormatter())
