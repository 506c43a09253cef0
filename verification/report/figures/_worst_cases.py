"""How loose each bound is: the ratio of bound and exact worst case over the number of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ...pages.figure_labels import label_ends
from ...pages.figure_style import GRID, INK, MUTED, bound_looks, plain
from ...pages.figure_style import width as width_of
from ...support.paper_styles import current_style
from ..worst_cases import Looseness
from . import _panels as panels

PANELS = (
    ("B3", ("B3",), "in distribution"),
    ("B6, B6b, B6c", ("B6", "B6b", "B6c"), "exact steps"),
    ("B7", ("B7",), "absolute deviations"),
    ("B8", ("B8",), "relative deviations"),
    ("B9", ("B9",), "strong convexity"),
    ("B10", ("B10",), "no convexity"),
)
_LETTER = 0.052  # inches that a letter of a label takes


@dataclass
class _Line:
    """A ratio over K: that of the largest step size, and the range over all step sizes."""

    label: str
    k: list[int]
    main: list[float]
    low: list[float]
    high: list[float]


def worst_cases(groups: Sequence[Looseness]) -> Figure | None:
    """A panel for each family of bounds, on common logarithmic axes; labels stand at the end of their line.

    None where no bound was asked at several K.
    """
    panels_drawn = [
        (title, words, _lines([g for g in groups if g.number in numbers])) for title, numbers, words in PANELS
    ]
    panels_drawn = [panel for panel in panels_drawn if panel[2]]
    if not panels_drawn:
        return None
    longest = max(len(line.label) for _, _, lines in panels_drawn for line in lines)
    right = 0.15 + _LETTER * longest
    columns = max(
        1, min(3, len(panels_drawn), int((current_style().text - 0.5) / (1.0 + right * current_style().scale)))
    )
    rows = math.ceil(len(panels_drawn) / columns)
    figure, grids = panels.frame(width_of(columns), columns, [1.55] * rows, 1, gap=0.3, left=0.5, right=right)
    steps = sorted({k for _, _, lines in panels_drawn for line in lines for k in line.k})
    top = max(max(line.high) for _, _, lines in panels_drawn for line in lines)
    bottom = min(min(line.low) for _, _, lines in panels_drawn for line in lines)
    low, high = min(0.88, 0.95 * bottom), max(1.5, 1.12 * top)
    for place, axes in enumerate(grids[0].flat):
        if place >= len(panels_drawn):
            axes.set_axis_off()
            continue
        name, words, lines = panels_drawn[place]
        _panel(axes, lines, steps, low, high)
        axes.set_title(f"{name}: {words}", loc="left", fontweight="bold")
        axes.tick_params(labelleft=place % columns == 0, labelbottom=place + columns >= len(panels_drawn))
        axes.set_ylabel("bound / worst case" if place % columns == 0 else "")
        axes.set_xlabel("steps $K$" if place + columns >= len(panels_drawn) else "")
    entries: list[Any] = [
        Line2D([], [], color=INK, marker="o", markersize=3, label="bound / exact worst case at the largest $h$")
    ]
    if any(line.low != line.high for _, _, lines in panels_drawn for line in lines):
        entries.append(Patch(color=MUTED, alpha=0.2, linewidth=0, label="over all $h$"))
    panels.legend(figure, entries)
    return figure


def _lines(groups: Sequence[Looseness]) -> list[_Line]:
    """A line for each bound, question and parameter with more than one K; those that coincide are one."""
    lines: dict[tuple[str, ...], _Line] = {}
    names: dict[tuple[str, ...], list[str]] = {}
    several = {g.names[0] for g in groups if sum(o.names[0] == g.names[0] for o in groups) > 1}
    for group in groups:
        for parameter in dict.fromkeys(row["parameter"] for row in group.rows):
            rows = [
                r for r in group.rows if r["parameter"] == parameter and None not in (r["ratio_low"], r["ratio_high"])
            ]
            steps = sorted({row["steps"] for row in rows})
            if len(steps) < 2:
                continue
            line = _Line("", steps, [], [], [])
            for k in steps:
                members = sorted(
                    (row["step"], math.sqrt(row["ratio_low"] * row["ratio_high"])) for row in rows if row["steps"] == k
                )
                line.main.append(members[-1][1])
                line.low.append(min(value for _, value in members))
                line.high.append(max(value for _, value in members))
            where = " r = 0" if group.names[0] in several and "smooth convex" in group.question else ""
            key = tuple(f"{v:.2e}" for values in (line.main, line.low, line.high) for v in values)
            attained = key and all(abs(v - 1) < 2e-3 for v in (*line.low, *line.high))
            key = ("attained",) if attained else key
            if attained and key in lines and len(line.k) > len(lines[key].k):
                lines[key] = line
            lines.setdefault(key, line)
            names.setdefault(key, []).extend(
                f"{name}{where}" + (f", {parameter}" if parameter and not attained else "") for name in group.names
            )
    for key, line in lines.items():
        line.label = _short(list(dict.fromkeys(names[key])))
    return list(lines.values())


def _short(names: Sequence[str]) -> str:
    """One name, or two of one number, or how many more there are."""
    if len(names) == 2 and names[1].startswith(f"{names[0]}:") and len(names[1]) < 18:
        return f"{names[0]}, {names[1][len(names[0]) :]}"
    return f"{names[0]} + {len(names) - 1}" if len(names) > 1 else names[0]


def _panel(axes: Axes, lines: Sequence[_Line], steps: Sequence[int], low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    first, last = steps[0], steps[-1]
    axes.set_xlim(first / 1.25, last * 1.2)
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(list(steps)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ticks = [t for t in (0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 10, 20, 50, 100) if low <= t <= high]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axhline(1.0, color=MUTED, linewidth=0.6, zorder=0)
    axes.grid(visible=True, axis="y", color=GRID)
    labels = []
    looks = bound_looks([line.label for line in lines])
    for line, look in zip(lines, looks):
        if line.low != line.high:
            axes.fill_between(line.k, line.low, line.high, color=MUTED, alpha=0.2, linewidth=0)
        (one,) = axes.plot(line.k, line.main, **look)
        labels.append((one, plain(line.label)))
    label_ends(axes, labels)
