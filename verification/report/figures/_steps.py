"""Single steps: the decrease a step bound guarantees beside the measured one, and the deviation from Assumption 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter

from ...pages.figure_style import INK, MUTED, NEGLIGIBLE, SERIES, Results, masked, shown
from . import _panels as panels

_DOTS = (0, (1, 1.5))


def per_step(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """Measured and guaranteed decrease of one optimizer, where there is none, and rho_k."""
    ylabels = ("decrease of $F$", "instances", "$\\rho_k$")
    look = line_styles[runs[0]["optimizer"]["name"]]
    colours = [c for c in SERIES if c != look["color"]]
    promise: dict[str, Any] = {"color": colours[1], "linestyle": "--", "linewidth": 1.4}
    rise: dict[str, Any] = {"color": colours[0], "linewidth": 1.1}
    entries = [
        Line2D([], [], label="measured decrease", **look),
        Line2D([], [], label="guaranteed by B1", **promise),
        Line2D([], [], color=MUTED, linestyle=_DOTS, linewidth=1.0, label="rounding of both"),
        Patch(color=MUTED, alpha=0.35, linewidth=0, label="no guarantee"),
        Line2D([], [], label="$F$ rises", **rise),
    ]
    figure, columns = panels.stack(runs, ylabels, (1.5, 0.5, 0.9), entries)
    low, high = _decrease_limits(runs)
    rho_low, rho_high = _deviation_limits(runs, lambda run: run["rho"])
    for (top, middle, bottom), group in columns:
        for run in group:
            k, descent = run["k"][1:], run["descent"]
            top.set_yscale("log")
            panels.line(top, k, descent["measured"], look, low, 0.2)
            panels.line(top, k, descent["guaranteed"], promise, low, 0.2)
            noise = masked(descent["rounding"])
            top.plot(k[: len(noise)], noise, color=MUTED, linestyle=_DOTS, linewidth=1.0)
            free, rises = descent["unguaranteed"], descent["rises"]
            middle.fill_between(k[: len(free)], 0, free, color=MUTED, alpha=0.35, linewidth=0, step="mid")
            middle.plot(k[: len(rises)], rises, drawstyle="steps-mid", **rise)
            panels.line(bottom, run["k"][1:], run["rho"], look, rho_low, 0.2)
        top.set_ylim(low, high)
        panels.powers(top)
        middle.set_ylim(0, 1.04)
        middle.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        middle.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        _rho_axis(bottom, rho_low, rho_high)
    return figure


def deviation(runs: Sequence[Results], line_styles: Mapping[str, Any]) -> Figure:
    """delta1 and delta2 of the learned optimizers, where they tell their preconditioner, and rho of all."""
    telling = [run for run in runs if run["deviation"]]
    rows: list[tuple[str, Any]] = []
    if telling:
        rows = [
            ("$\\|\\delta_1\\|_\\infty$", lambda run: run["deviation"]["delta1"]),
            ("$\\|\\delta_2\\| / \\|G\\|$", lambda run: run["deviation"]["delta2"]["gradient_descent"]),
        ]
    entries: list[Any] = panels.handles(runs, line_styles)
    if telling:
        entries.append(Line2D([], [], color=INK, linestyle=_DOTS, linewidth=1.2, label="$\\delta_2$ by half step"))
    ylabels = [*(name for name, _ in rows), "$\\rho_k$"]
    figure, columns = panels.stack(runs, ylabels, (1.05,) * len(ylabels), entries)
    ranges = [_deviation_limits(telling, read) for _, read in rows]
    rho_low, rho_high = _deviation_limits(runs, lambda run: run["rho"])
    for axes, group in columns:
        for run in panels.learned_last(group):
            look, learned = line_styles[run["optimizer"]["name"]], run["optimizer"]["learned"]
            if run["deviation"]:
                for panel, (_, read), (low, _) in zip(axes, rows, ranges):
                    panels.line(panel, run["k"][1:], read(run), look, low, 0.2)
                other = masked(run["deviation"]["delta2"]["half_step"]["median"])
                thin = look | {"linestyle": _DOTS, "linewidth": 1.2}
                axes[1].plot(run["k"][1 : len(other) + 1], other, **thin)
            panels.line(axes[-1], run["k"][1:], run["rho"], look, rho_low, 0.2 if learned else 0.06)
        for panel, (low, high) in zip(axes, ranges):
            panel.set_yscale("log")
            panel.set_ylim(low, high)
            panels.numbers(panel, low, high)
        _rho_axis(axes[-1], rho_low, rho_high)
    return figure


def _rho_axis(axes: Any, low: float, high: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.axhline(1.0, color=INK, linewidth=0.9, zorder=3)
    panels.remark(axes, 1.0, "no guarantee above 1", "top")
    panels.numbers(axes, low, high)


def _decrease_limits(runs: Sequence[Results]) -> tuple[float, float]:
    medians = [run["descent"][side]["median"] for run in runs for side in ("measured", "guaranteed")]
    values = [v for curve in medians for v in shown(curve, 0.0)]
    noise = [v for run in runs for v in shown(run["descent"]["rounding"], 0.0)]
    least, most = min(values, default=1e-3), max(values, default=1.0)
    low = max(least, min(noise, default=least) / 3) / 2
    return low, max(2 * min(most, 1e30 * low), 10 * low)


def _deviation_limits(runs: Sequence[Results], read: Any) -> tuple[float, float]:
    """Around 1; a median that is rounding does not stretch the axis, nor one that explodes."""
    values = sorted(v for run in runs for v in shown(read(run)["median"], NEGLIGIBLE))
    least, most = (values[len(values) // 100], values[-1]) if values else (0.5, 2.0)
    bands = shown((v for run in runs for v in read(run)["q90"]), NEGLIGIBLE)
    most = max(most, min(max(bands, default=most), 4 * most))
    return max(min(least / 1.5, 0.3), 1e-6), max(3.0, 1.1 * min(most, 1e4))
