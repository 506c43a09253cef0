"""The true gap of a run beside what certifies it: the run certificate, the best bound, and how well F* is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...pages.figure_style import INK, MUTED, Results, masked, plain, shown
from . import _panels as panels

_CERTIFICATE: dict[str, Any] = {"color": INK, "linestyle": "-", "linewidth": 1.0, "marker": "o", "markersize": 2.5}
_BOUND: dict[str, Any] = {"color": INK, "linestyle": (0, (1, 1.2)), "linewidth": 1.3}
Panel = tuple[str, Results]


def certified(
    rows: Sequence[Sequence[Panel]],
    line_styles: Mapping[str, Any],
    numbers: Mapping[str, str],
    width: float = 7.0,
    bound: str | None = None,
) -> Figure:
    """A panel for each run of each row: its gap, the gap that its certificate proves, and a bound on the last gap.

    Args:
        rows: A title and a run for each panel.
        line_styles: The look of each method.
        numbers: The number of each bound by its key.
        width: In inches.
        bound: The bound that is drawn; where it is None, the guaranteed one that is lowest at the last step.
    """
    flat = [run for row in rows for _, run in row]
    best = [best_bound(run, bound) for run in flat]
    entries: list[Any] = list(panels.handles(flat, line_styles))
    if any(run["certificate"] and run["certificate"]["k"] for run in flat):
        entries.append(Line2D([], [], label="certified by the run (B15)", **_CERTIFICATE))
    named = {numbers.get(curve["bound"], curve["bound"]): None for curve in best if curve}
    if named:
        entries.append(Line2D([], [], label=f"bound {', '.join(named)}", **_BOUND))
    floors = shown((run["floor"] for run in flat), 0.0)
    if floors:
        entries.append(Patch(color=MUTED, alpha=0.25, linewidth=0, label="below what is known of $F^\\star$"))
    columns = max(map(len, rows))
    height = 1.25 if columns > 1 else 1.5
    figure, grids = panels.frame(width, columns, [height] * len(rows), 1, entries, gap=0.3, left=0.55)
    low, high = _limits(flat, best)
    place = 0
    for i, row in enumerate(rows):
        for j in range(columns):
            axes = grids[0][i][j]
            if j >= len(row):
                axes.set_axis_off()
                continue
            title, run = row[j]
            _panel(axes, run, best[place], line_styles, low, high)
            axes.set_title(plain(title), loc="left", fontsize=7.5)
            panels.iterations(axes, flat, i == len(rows) - 1)
            axes.tick_params(labelleft=j == 0)
            axes.set_ylabel("$F(x_k) - F^\\star$" if j == 0 else "")
            place += 1
    return figure


def best_bound(run: Results, bound: str | None = None) -> Results | None:
    """The curve of `bound`, or of the guaranteed bound on the last gap that is lowest at the last step."""
    curves = [
        curve
        for curve in run["bound_curves"]
        if curve["guaranteed"] and not curve["of"].startswith("mean") and curve["median"]
        and curve["median"][-1] is not None and bound in (None, curve["bound"])
    ]  # fmt: skip
    return min(curves, key=lambda curve: curve["median"][-1], default=None)


def _panel(
    axes: Axes, run: Results, best: Results | None, line_styles: Mapping[str, Any], low: float, high: float
) -> None:
    axes.set_yscale("log")
    if run["floor"] and run["floor"] > low:
        axes.axhspan(low, run["floor"], color=MUTED, alpha=0.25, linewidth=0)
    panels.line(axes, run["k"], run["gap"], line_styles[run["optimizer"]["name"]], low, 0.25)
    certificate = run["certificate"]
    if certificate and certificate["k"]:
        axes.plot(certificate["k"], masked(certificate["gap"]["median"]), **_CERTIFICATE)
    if best is not None:
        axes.plot(best["k"], masked(best["median"]), **_BOUND)
    axes.set_ylim(low, high)
    panels.powers(axes, 5)


def _limits(runs: Sequence[Results], best: Sequence[Results | None]) -> tuple[float, float]:
    """From below the lowest gap or what is known of F*, to what bounds allow, at most 1e4 times the start."""
    certificates = [v for run in runs if run["certificate"] for v in shown(run["certificate"]["gap"]["median"], 0.0)]
    bounds = [v for curve in best if curve for v in shown(curve["median"], 0.0)]
    return panels.limits(runs, [*certificates, *bounds], reach=1e4)


def guarded(pairs: Sequence[Sequence[Panel]], line_styles: Mapping[str, Any]) -> Figure:
    """A panel for each pair of a method and its guarded form: both gaps, and what the guard guarantees (B16).

    Args:
        pairs: For each panel the run of the base and that of the guarded form, each below the title of the panel.
        line_styles: The look of each method.
    """
    runs = [run for pair in pairs for _, run in pair]
    entries: list[Any] = list(panels.handles(runs, line_styles))
    curves = [best_bound(run, "accelerated_guard") for _, run in (pair[1] for pair in pairs)]
    if any(curves):
        entries.append(Line2D([], [], label="guaranteed by the guard (B16)", **_BOUND))
    columns = min(len(pairs), 4)
    rows = -(-len(pairs) // columns)
    figure, grids = panels.frame(7.0, columns, [1.4] * rows, 1, entries, gap=0.3, left=0.55)
    low, high = panels.limits(runs, [v for c in curves if c for v in shown(c["median"], 0.0)], reach=1e4)
    for place, axes in enumerate(grids[0].flat):
        if place >= len(pairs):
            axes.set_axis_off()
            continue
        axes.set_yscale("log")
        for _, run in pairs[place]:
            panels.line(axes, run["k"], run["gap"], line_styles[run["optimizer"]["name"]], low, 0.2)
        if curve := curves[place]:
            axes.plot(curve["k"], masked(curve["median"]), **_BOUND)
        axes.set_ylim(low, high)
        panels.powers(axes, 5)
        panels.floor(axes, [pairs[place][0][1]], low)
        axes.set_title(plain(pairs[place][0][0]), loc="left", fontsize=7.5)
        panels.iterations(axes, runs, place + columns >= len(pairs))
        axes.tick_params(labelleft=place % columns == 0)
        axes.set_ylabel("$F(x_k) - F^\\star$" if place % columns == 0 else "")
    return figure
