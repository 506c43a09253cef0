"""Panels with common axes, one a scenario, and what is drawn on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ...pages.figure_labels import coincide as coincide
from ...pages.figure_labels import label_level, label_lines
from ...pages.figure_style import BAND, MUTED, SHADE, Results, legend_in, line_of, mark_of, masked, plain, shown
from ...pages.figure_style import width as width_of
from ...pages.figure_thinning import thinned
from ...support.paper_styles import current_style

_TITLE, _FOOT, _RIGHT, _BETWEEN, _LEFT = 0.22, 0.42, 0.12, 0.24, 0.64  # inches
_ENDS = (("q10", "q90"), ("least", "greatest"))  # of a band
_HIDDEN = 0.8
"""A line of which this share or more lies on another one has markers above it."""
FLOOR_WORDS = "accuracy of $F^\\star$"


@dataclass(frozen=True)
class Column:
    """The panels of a scenario, from top to bottom, and the runs that are drawn on them."""

    axes: list[Axes]
    runs: list[Results]


def by_scenario(runs: Sequence[Results]) -> list[list[Results]]:
    """The runs, grouped by scenario in order of appearance."""
    groups: dict[str, list[Results]] = {}
    for run in runs:
        groups.setdefault(run["scenario"]["key"], []).append(run)
    return list(groups.values())


def learned_last(runs: Sequence[Results]) -> list[Results]:
    """In the order of drawing: the learned ones on top."""
    return sorted(runs, key=lambda r: r["optimizer"]["learned"])


def columns_of(groups: int, least: float = 1.2) -> int:
    """How many of so many columns stand side by side: at most four, and none narrower than `least` inches."""
    paper = current_style()
    most = max(1, int((paper.text - _LEFT * paper.scale) / (least * paper.scale + _BETWEEN)))
    several = min(groups, 4, most)
    return 2 if groups == 4 and several == 3 else several


def stack(
    runs: Sequence[Results],
    ylabels: Sequence[str],
    heights: Sequence[float],
    *,
    right: float = 0.0,
    log: bool = False,
    columns: int | None = None,
) -> tuple[Figure, list[Column]]:
    """A column of panels for each scenario; those that do not stand side by side follow below.

    Args:
        runs: What is drawn.
        ylabels: Of the panels of a column.
        heights: Of them, in inches.
        right: Inches right of each panel for labels.
        log: Whether the axis of k is logarithmic.
        columns: How many stand side by side; as many as there is room for where it is None.

    Returns:
        The figure and its columns. Panels of a row have a common axis.
    """
    groups = by_scenario(runs)
    columns = columns or columns_of(len(groups), 1.2 + right)
    blocks = math.ceil(len(groups) / columns)
    figure, grids = frame(width_of(columns), columns, heights, blocks, right=right)
    made = []
    for index in range(len(grids) * columns):
        axes_of = list(grids[index // columns][:, index % columns])
        if index >= len(groups):
            for axes in axes_of:
                axes.set_axis_off()
            continue
        title(axes_of[0], groups[index])
        for row, axes in enumerate(axes_of):
            iterations(axes, runs, row == len(axes_of) - 1, log)
            axes.set_ylabel(ylabels[row] if index % columns == 0 else "")
            axes.tick_params(labelleft=index % columns == 0)
        made.append(Column(axes_of, groups[index]))
    figure.align_ylabels()
    return figure, made


def frame(
    width: float,
    columns: int,
    heights: Sequence[float],
    blocks: int,
    *,
    gap: float = 0.14,
    left: float = _LEFT,
    right: float = 0.0,
    head: float = _TITLE,
) -> tuple[Figure, list[Any]]:
    """A figure with `blocks` grids of axes; widths, heights and gaps in inches, for text of the style "none".

    The places are computed here: matplotlib's own layout draws each figure twice, and figures are most of the time a
    report takes to write. `legend` makes room above.
    """
    scale = current_style().scale
    heights = [scale * height for height in heights]
    gap, left, right, head = scale * gap, scale * left, scale * right, scale * head
    foot, between = scale * _FOOT, _BETWEEN + right
    inner = sum(heights) + gap * (len(heights) - 1)
    block = head + inner + foot
    height = blocks * block
    figure = Figure(figsize=(width, height))
    free = (width - left - _RIGHT - right - between * (columns - 1)) / columns
    grids = []
    for index in range(blocks):
        top = height - index * block - head
        grid = figure.add_gridspec(
            len(heights),
            columns,
            left=left / width,
            right=1 - (_RIGHT + right) / width,
            top=top / height,
            bottom=(top - inner) / height,
            wspace=between / free,
            hspace=gap * len(heights) / sum(heights),
            height_ratios=list(heights),
        )
        grids.append(grid.subplots(sharex=True, squeeze=False))
    return figure, grids


def legend(figure: Figure, entries: Sequence[Any]) -> None:
    """A legend above the panels, for which the figure grows; without entries none."""
    if not entries:
        return
    # What hides another line is as wide as it is drawn; the labels of all are those of the entries.
    box = legend_in(
        figure, list(entries), [str(entry.get_label()) for entry in entries], len(entries), loc="upper left",
        bbox_to_anchor=(0.0, 1.0), handlelength=2.4, columnspacing=1.2, borderaxespad=0.2, labelspacing=0.25,
        borderpad=0.2,
    )  # fmt: skip
    above = box.get_window_extent().height / figure.dpi + 0.04
    width, height = (float(side) for side in figure.get_size_inches())
    for axes in figure.axes:
        place = axes.get_position(original=True)
        share = height / (height + above)
        axes.set_position((place.x0, place.y0 * share, place.width, place.height * share))
    figure.set_size_inches(width, height + above)


def title(axes: Axes, group: Sequence[Results]) -> None:
    """The scenario above its panel."""
    axes.set_title(plain(group[0]["scenario"]["label"]), loc="left", fontweight="bold")


def iterations(axes: Axes, runs: Sequence[Results], lowest: bool, log: bool = False) -> None:
    """The axis of k; numbers and a name on the lowest panel only."""
    axes.tick_params(labelbottom=lowest)
    axes.set_xlabel("iteration $k$" if lowest else "")
    last = max(run["steps"] for run in runs) or 1
    if log:
        axes.set_xscale("log")
        axes.set_xlim(1, max(last, 2))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        return
    axes.set_xlim(0, last)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def powers(axes: Axes, most: int = 6) -> None:
    """Ticks at powers of ten only, a few."""
    axes.yaxis.set_major_locator(LogLocator(numticks=most))
    axes.yaxis.set_minor_formatter(NullFormatter())


def numbers(axes: Axes, low: float, high: float) -> None:
    """Ticks of a logarithmic axis as plain numbers."""
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 1e2 else (1,), numticks=7))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def labels_of(runs: Sequence[Results]) -> dict[str, str]:
    """What each optimizer is called, by its name."""
    return {run["optimizer"]["name"]: plain(run["optimizer"]["label"]) for run in runs}


def line(axes: Axes, k: Sequence[int], data: Results, look: Mapping[str, Any], band: float = BAND) -> Line2D:
    """Median and band, which is drawn where both of its ends have a place on the axis. Data may be empty: all diverged.

    The limits of x are set before, as they decide how many points can be seen.
    """
    k = list(k[: len(data["median"])])
    ends = next(pair for pair in _ENDS if pair[0] in data)
    low, high = (np.array(masked(data[end])) for end in ends)
    gone = np.isnan(low) | np.isnan(high)
    low[gone], high[gone] = np.nan, np.nan
    at, low, high = thinned(axes, k, low, high)
    axes.fill_between(at, low, high, color=look["color"], alpha=band, linewidth=0)
    return axes.plot(*thinned(axes, k, np.array(masked(data["median"]))), **line_of(look))[0]


def label_methods(
    columns: Sequence[tuple[Axes, Mapping[str, Line2D]]], names: Mapping[str, str], line_styles: Mapping[str, Any]
) -> list[Line2D]:
    """Label the lines of methods on each panel where there is room, and mark those that lie below others.

    Args:
        columns: Panels with the line of each method.
        names: What the methods are called.
        line_styles: Their looks.

    Returns:
        Entries of a legend for methods that are drawn and have no label on any panel.
    """
    labelled: set[str] = set()
    seen: dict[str, None] = {}
    for axes, lines in columns:
        for name, one in lines.items():
            one.set_label(names[name])
        seen |= dict.fromkeys(name for name, one in lines.items() if visible(axes, one))
        mark_hidden(axes, lines, line_styles)
        left_over = label_lines(axes, [(one, names[name]) for name, one in lines.items()])
        labelled |= {name for name, one in lines.items() if one not in left_over}
    return [
        Line2D([], [], label=names[name], **line_of(line_styles[name]))
        for name in line_styles
        if name in seen and name not in labelled
    ]


def visible(axes: Axes, one: Line2D) -> bool:
    """Whether a part of a line is inside its axes."""
    x, y = (np.asarray(values, dtype=float) for values in (one.get_xdata(), one.get_ydata()))
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    with np.errstate(invalid="ignore"):
        return bool(((x >= left) & (x <= right) & (y >= low) & (y <= high)).any())


def mark_hidden(axes: Axes, lines: Mapping[str, Line2D], looks: Mapping[str, Any]) -> None:
    """Put markers, above all lines, where a line lies nearly everywhere on one that was drawn after it."""
    drawn = list(lines.items())
    for place, (name, one) in enumerate(drawn):
        if any(coincide(axes, other, one) >= _HIDDEN for _, other in drawn[place + 1 :]):
            x, y = (np.asarray(values, dtype=float) for values in (one.get_xdata(), one.get_ydata()))
            some = slice(len(x) // 16, None, max(1, len(x) // 6))
            axes.plot(x[some], y[some], **mark_of(looks[name]), markersize=3.2, zorder=3)


def floor(panels: Sequence[tuple[Axes, Sequence[Results]]], bottom: float) -> list[Patch]:
    """The band of gaps below the accuracy of F*, with words where there is room, else an entry of a legend."""
    drawn = []
    for axes, runs in panels:
        height = max(shown((run["floor"] for run in runs), 0.0), default=0.0)
        if height > bottom:
            axes.axhspan(bottom, height, color=MUTED, alpha=SHADE, linewidth=0)
            axes.axhline(height, color=MUTED, linewidth=0.8)
            drawn.append((axes, height))
    if not drawn or any(label_level([axes], height, FLOOR_WORDS) for axes, height in drawn):
        return []
    return [Patch(color=MUTED, alpha=SHADE, linewidth=0, label=FLOOR_WORDS)]


def level(panels: Sequence[Axes], height: float, words: str, look: Mapping[str, Any]) -> list[Line2D]:
    """A horizontal line on each panel, with words on one of them; without room an entry of a legend is given back."""
    for axes in panels:
        axes.axhline(height, **look)
    return [] if label_level(panels, height, words) else [Line2D([], [], label=f"{height:g}: {words}", **look)]


def limits(runs: Sequence[Results], more: Sequence[float] = (), reach: float = 1e3) -> tuple[float, float]:
    """The range of gaps to show, with the floor unless it is far below, and at most `reach` times the start.

    A run that diverges or a bound that explodes leaves the panel rather than flattens all that is of interest.
    """
    curves = [v for run in runs for v in shown(run["gap"]["median"], 0.0)]
    start = max((v for run in runs for v in shown(run["gap"]["median"][:1], 0.0)), default=math.inf)
    floors = shown((run["floor"] for run in runs), 0.0)
    least = min([*curves, *more], default=1e-3)
    lowest = min(floors, default=0.0)
    low = lowest / 4 if lowest >= least / 1e4 else least / 2
    return low, max(2 * min(max([*curves, *more], default=1.0), reach * start), 10 * low)
