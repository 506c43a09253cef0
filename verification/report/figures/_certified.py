"""The true gap of a run beside what certifies it: the run certificate, the best bound, and how well F* is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...pages.figure_style import Results, bound_look, masked, plain, shown, width
from . import _panels as panels

_CERTIFICATE = bound_look("B15") | {"markevery": None, "drawstyle": "steps-post"}
"""It is made at the marked steps. Between them the last one still holds, which a straight line would fall below."""
_GUARD = bound_look("B16")
Panel = tuple[str, Results]


def certified(
    rows: Sequence[Sequence[Panel]],
    line_styles: Mapping[str, Any],
    numbers: Mapping[str, str],
    narrow: bool = False,
    bound: str | None = None,
) -> Figure:
    """A panel for each run of each row: its gap, the gap that its certificate proves, and a bound on the last gap.

    Args:
        rows: A title and a run for each panel.
        line_styles: The look of each method.
        numbers: The number of each bound by its key.
        narrow: Whether the figure is as wide as a column, and not as the text.
        bound: The bound that is drawn; where it is None, the guaranteed one that is lowest at the last step.
    """
    flat = [run for row in rows for _, run in row]
    best = {run["key"]: best_bound(run, bound) for run in flat}
    columns = max(map(len, rows))
    height = 1.25 if columns > 1 else 1.5
    figure, grids = panels.frame(width(1 if narrow else 3), columns, [height] * len(rows), 1, gap=0.3, left=0.55)
    low, high = _limits(flat, list(best.values()))
    looks: dict[str, dict[str, Any]] = {}
    floors: list[tuple[Axes, list[Results]]] = []
    methods: list[tuple[Axes, dict[str, Line2D]]] = []
    for i, row in enumerate(rows):
        for j, axes in enumerate(grids[0][i]):
            if j >= len(row):
                axes.set_axis_off()
                continue
            title, run = row[j]
            panels.iterations(axes, flat, i == len(rows) - 1)
            methods.append((axes, _gap(axes, [run], line_styles)))
            certificate = run["certificate"]
            if certificate and certificate["k"]:
                axes.plot(certificate["k"], masked(certificate["gap"]["median"]), **_CERTIFICATE)
                looks["certified by the run (B15)"] = _CERTIFICATE
            if curve := best[run["key"]]:
                number = numbers.get(curve["bound"], curve["bound"])
                looks[f"bound {number}"] = bound_look(number)
                axes.plot(curve["k"], masked(curve["median"]), **looks[f"bound {number}"])
            _finish(axes, title, low, high, j == 0)
            floors.append((axes, [run]))
    entries: list[Any] = panels.floor(floors, low)
    entries += panels.label_methods(methods, panels.labels_of(flat), line_styles)
    entries += [Line2D([], [], label=words, **look) for words, look in looks.items()]
    panels.legend(figure, entries)
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


def _gap(axes: Axes, runs: Sequence[Results], line_styles: Mapping[str, Any]) -> dict[str, Line2D]:
    """The measured gaps of runs, each with its band, and their lines by method."""
    axes.set_yscale("log")
    names = [run["optimizer"]["name"] for run in runs]
    return {name: panels.line(axes, run["k"], run["gap"], line_styles[name], 0.2) for name, run in zip(names, runs)}


def _finish(axes: Axes, title: str, low: float, high: float, first: bool) -> None:
    axes.set_ylim(low, high)
    panels.powers(axes, 5)
    axes.set_title(plain(title), loc="left", fontsize=7.5)
    axes.tick_params(labelleft=first)
    axes.set_ylabel("$F(x_k) - F^\\star$" if first else "")


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
    curves = [best_bound(run, "accelerated_guard") for _, run in (pair[1] for pair in pairs)]
    columns = min(len(pairs), 4)
    rows = -(-len(pairs) // columns)
    figure, grids = panels.frame(width(3), columns, [1.4] * rows, 1, gap=0.3, left=0.55)
    low, high = panels.limits(runs, [v for c in curves if c for v in shown(c["median"], 0.0)], reach=1e4)
    floors: list[tuple[Axes, list[Results]]] = []
    methods: list[tuple[Axes, dict[str, Line2D]]] = []
    for place, axes in enumerate(grids[0].flat):
        if place >= len(pairs):
            axes.set_axis_off()
            continue
        panels.iterations(axes, runs, place + columns >= len(pairs))
        both = [run for _, run in pairs[place]]
        methods.append((axes, _gap(axes, both, line_styles)))
        if curve := curves[place]:
            axes.plot(curve["k"], masked(curve["median"]), **_GUARD)
        _finish(axes, pairs[place][0][0], low, high, place % columns == 0)
        floors.append((axes, both[:1]))
    entries: list[Any] = panels.floor(floors, low)
    entries += panels.label_methods(methods, panels.labels_of(runs), line_styles)
    if any(curves):
        entries.append(Line2D([], [], label="guaranteed by the guard (B16)", **_GUARD))
    panels.legend(figure, entries)
    return figure
