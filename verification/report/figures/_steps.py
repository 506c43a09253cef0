"""Single steps: the decrease a step bound guarantees beside the measured one, and the deviation from Assumption 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter

from ...pages.figure_style import INK, MUTED, NEGLIGIBLE, Results, bound_look, line_of, masked, shown
from ...pages.figure_thinning import thinned
from . import _panels as panels

_DOTS = (0, (1, 1.5))
_LEVEL: dict[str, Any] = {"color": INK, "linewidth": 0.9}
_ROUNDING: dict[str, Any] = {"color": MUTED, "linestyle": _DOTS, "linewidth": 1.0}
_HALF_STEP: dict[str, Any] = {"linestyle": _DOTS, "linewidth": 1.2}


def per_step(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """Measured and guaranteed decrease of one optimizer, where there is none, and rho_k."""
    look = line_styles[runs[0]["optimizer"]["name"]]
    promise = {n: v for n, v in bound_look("B1").items() if not n.startswith("mark")} | {"linewidth": 1.3}
    rise: dict[str, Any] = {"color": INK, "linewidth": 0.9}
    free_look: dict[str, Any] = {"color": MUTED, "alpha": 0.35, "linewidth": 0}
    figure, columns = panels.stack(runs, ("decrease of $F$", "instances", "$\\rho_k$"), (1.5, 0.5, 0.9))
    low, high = _decrease_limits(runs)
    rho_low, rho_high = _deviation_limits(runs, lambda run: run["rho"])
    drawn: dict[str, bool] = dict.fromkeys(("measured", "guaranteed", "rounding", "free", "rises"), False)
    for column in columns:
        (top, middle, bottom), (run,) = column.axes, column.runs
        k, descent = run["k"][1:], run["descent"]
        top.set_yscale("log")
        top.set_ylim(low, high)
        measured = panels.line(top, k, descent["measured"], look)
        guaranteed = masked(descent["guaranteed"]["median"])
        (allowed,) = top.plot(*thinned(top, k[: len(guaranteed)], np.array(guaranteed)), **promise)
        noise = masked(descent["rounding"])
        (rounding,) = top.plot(*thinned(top, k[: len(noise)], np.array(noise)), **_ROUNDING)
        for name, one in (("measured", measured), ("guaranteed", allowed), ("rounding", rounding)):
            drawn[name] |= panels.visible(top, one)
        free, rises = descent["unguaranteed"], descent["rises"]
        middle.fill_between(k[: len(free)], 0, free, step="mid", **free_look)
        middle.plot(k[: len(rises)], rises, drawstyle="steps-mid", **rise)
        drawn["free"] |= any(free)
        drawn["rises"] |= bool(rises)
        panels.line(bottom, k, run["rho"], look)
        panels.powers(top)
        middle.set_ylim(0, 1.04)
        middle.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        middle.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        _rho_axis(bottom, rho_low, rho_high)
    entries: list[tuple[str, Any]] = [
        ("measured", Line2D([], [], label="measured decrease", **line_of(look))),
        ("guaranteed", Line2D([], [], label="guaranteed by B1", **promise)),
        ("rounding", Line2D([], [], label="rounding of both", **_ROUNDING)),
        ("free", Patch(label="no decrease guaranteed", **free_look)),
        ("rises", Line2D([], [], label="$F$ rises", **rise)),
    ]
    legend = [entry for name, entry in entries if drawn[name]]
    legend += panels.level([column.axes[2] for column in columns], 1.0, "no guarantee above", _LEVEL)
    panels.legend(figure, legend)
    return figure


def deviation(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """delta1 and delta2 of the learned optimizers, where they tell their preconditioner, and rho of all."""
    telling = [run for run in runs if run["deviation"]]
    rows: list[tuple[str, Callable[[Results], Any]]] = []
    if telling:
        rows = [
            ("$\\|\\delta_1\\|_\\infty$", lambda run: run["deviation"]["delta1"]),
            ("$\\|\\delta_2\\| / \\|G\\|$", lambda run: run["deviation"]["delta2"]["gradient_descent"]),
        ]
    ylabels = [*(name for name, _ in rows), "$\\rho_k$"]
    figure, columns = panels.stack(runs, ylabels, (1.05,) * len(ylabels))
    ranges = [_deviation_limits(telling, read) for _, read in rows]
    rho_low, rho_high = _deviation_limits(runs, lambda run: run["rho"])
    lowest: list[tuple[Axes, dict[str, Line2D]]] = []
    half_steps = False
    for column in columns:
        for panel, (low, high) in zip(column.axes, ranges):
            panel.set_yscale("log")
            panel.set_ylim(low, high)
            panels.numbers(panel, low, high)
        column.axes[-1].set_yscale("log")
        column.axes[-1].set_ylim(rho_low, rho_high)
        upper: list[dict[str, Line2D]] = [{} for _ in rows]
        lines: dict[str, Line2D] = {}
        for run in panels.learned_last(column.runs):
            name, learned = run["optimizer"]["name"], run["optimizer"]["learned"]
            look = line_styles[name]
            if run["deviation"]:
                for panel, (_, read), made in zip(column.axes, rows, upper):
                    made[name] = panels.line(panel, run["k"][1:], read(run), look)
                half_steps |= _half_step(column.axes[1], run, upper[1][name], look)
            lines[name] = panels.line(column.axes[-1], run["k"][1:], run["rho"], look, 0.2 if learned else 0.06)
        for panel, made in zip(column.axes, upper):
            panels.mark_hidden(panel, made, line_styles)
        lowest.append((column.axes[-1], lines))
    entries: list[Any] = []
    for column in columns:
        _rho_axis(column.axes[-1], rho_low, rho_high)
    names = panels.labels_of(runs)
    seen = {name for axes, lines in lowest for name, one in lines.items() if panels.visible(axes, one)}
    for axes, lines in lowest:
        panels.mark_hidden(axes, lines, line_styles)
    entries += [Line2D([], [], label=names[name], **line_of(line_styles[name])) for name in line_styles if name in seen]
    if half_steps:
        entries.append(Line2D([], [], color=MUTED, label="$\\delta_2$ by half step, where it differs", **_HALF_STEP))
    entries += panels.level([axes for axes, _ in lowest], 1.0, "no guarantee above", _LEVEL)
    panels.legend(figure, entries)
    return figure


def _half_step(axes: Axes, run: Results, first: Line2D, look: Mapping[str, Any]) -> bool:
    """Draw delta2 of the other reading where it is apart from that of the first one; whether it can be seen."""
    other = np.array(masked(run["deviation"]["delta2"]["half_step"]["median"]))
    (one,) = axes.plot(*thinned(axes, run["k"][1 : len(other) + 1], other), color=look["color"], **_HALF_STEP)
    if panels.visible(axes, one) and panels.coincide(axes, first, one) < 0.5:
        return True
    one.remove()
    return False


def _rho_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    panels.numbers(axes, low, high)


def _decrease_limits(runs: Sequence[Results]) -> tuple[float, float]:
    medians = [run["descent"][side]["median"] for run in runs for side in ("measured", "guaranteed")]
    values = [v for curve in medians for v in shown(curve, 0.0)]
    noise = [v for run in runs for v in shown(run["descent"]["rounding"], 0.0)]
    least, most = min(values, default=1e-3), max(values, default=1.0)
    low = max(least, min(noise, default=least) / 3) / 2
    return low, max(2 * min(most, 1e30 * low), 10 * low)


def _deviation_limits(runs: Sequence[Results], read: Callable[[Results], Any]) -> tuple[float, float]:
    """Around 1; a median that is rounding does not stretch the axis, nor one that explodes."""
    values = sorted(v for run in runs for v in shown(read(run)["median"], NEGLIGIBLE))
    least, most = (values[len(values) // 100], values[-1]) if values else (0.5, 2.0)
    bands = shown((v for run in runs for v in read(run)["q90"]), NEGLIGIBLE)
    most = max(most, min(max(bands, default=most), 4 * most))
    return max(min(least / 1.5, 0.3), 1e-6), max(3.0, 1.1 * min(most, 1e4))
