"""Three figures: stationarity against B10, rises against rho, and the counter-examples."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import bounds
from ...pages.figure_style import INK, MUTED, SERIES, legend_below, masked, plain, style
from ._counterexamples import Counterexample
from ._methods import PROXIMAL
from ._run import BeyondConvex

BOUND_STYLES = {"B3": "--", "B6b": "-.", "B6c": ":"}


def figures(result: BeyondConvex) -> dict[str, Figure]:
    """The counter-examples and stationarity, by name."""
    return {"counter-examples": counterexamples(result.counterexamples), "stationarity": stationarity(result)}


def stationarity(result: BeyondConvex) -> Figure:
    """min ||G_j||^2 over j <= k (solid) and B10 (dashed), a panel for each family; squares: the exact worst case."""
    families = list(dict.fromkeys(c.family for c in result.curves))
    with style():
        drawn = Figure(figsize=(max(3.4, 2.35 * len(families)), 3.0), layout="constrained")
        panels = drawn.subplots(1, len(families), squeeze=False)[0]
        for axes, family in zip(panels, families):
            for i, curve in enumerate(c for c in result.curves if c.family == family):
                label = "gradient descent" if curve.method == PROXIMAL else curve.method
                axes.plot(curve.steps, masked(curve.least), color=SERIES[i], label=label, linewidth=1.4)
                axes.plot(curve.steps, masked(curve.bound), color=SERIES[i], linestyle="--", linewidth=0.9)
                solved = [(k, v) for k, v in zip(curve.steps, curve.exact) if v is not None]
                if solved:
                    axes.plot(*zip(*solved), "s", color=INK, markersize=2.6, label="exact worst case, gradient descent")
            axes.set(xscale="log", yscale="log", xlabel="k")
            axes.set_title(plain(family))
        panels[0].set_ylabel("least ||G||² so far")
        legend_below(drawn, panels[:1], 3)
    return drawn


def rises(result: BeyondConvex) -> Figure:
    """Share of rising steps by method, and the change of F of steps of trained models against rho, under B1."""
    names = list(dict.fromkeys(e.method for e in result.select(part="pairs")))
    with style():
        drawn = Figure(figsize=(7.0, 3.0), layout="constrained")
        left, right = drawn.subplots(1, 2)
        for convex, colour, offset, label in (
            (False, SERIES[1], -0.2, "f not convex"),
            (True, SERIES[0], 0.2, "convex"),
        ):
            shares = []
            for name in names:
                entries = [e for e in result.select(part="pairs", method=name) if e.convex == convex]
                shares.append(100 * sum(e.rises for e in entries) / max(1, sum(e.steps_judged for e in entries)))
            left.barh(np.arange(len(names)) + offset, shares, height=0.38, color=colour, label=label)
        left.set_yticks(range(len(names)), [plain(n) for n in names])
        left.invert_yaxis()
        left.set_xlabel("steps at which F rises, %")
        left.legend(loc="center right", bbox_to_anchor=(1.0, 0.3))  # beside methods that never rise
        _scatter(right, result)
    return drawn


def _scatter(axes: Axes, result: BeyondConvex) -> None:
    dots = result.scatter.thinned()
    up = dots.change > 0
    axes.plot(dots.rho[~up], dots.change[~up], "o", color=SERIES[0], markersize=1.6, label="F falls", alpha=0.6)
    axes.plot(dots.rho[up], dots.change[up], "^", color=SERIES[1], markersize=2.2, label="F rises")
    rho = np.geomspace(1e-2, max(2.0, float(dots.rho.max(initial=1.0))), 200)
    axes.plot(rho, envelope(rho), color=INK, linewidth=1.0, label="B1")
    axes.axvline(1, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set(xscale="log", xlabel="rho", ylabel="change of F, in ||G||²/(2L)")
    axes.set_yscale("symlog", linthresh=1.0)
    axes.legend(loc="upper left")


def envelope(rho: np.ndarray) -> np.ndarray:
    """What B1 allows in units of ||G||^2/(2L), read off the catalogue: h = 1, L = 1, ||G||^2 = 2, ||e||^2 = 2 rho^2."""
    return np.asarray(bounds.get("B1").closed_form("e2", h=1, L=1, G2=2, Ge=0)(2 * rho**2), dtype=float)


def counterexamples(examples: tuple[Counterexample, ...]) -> Figure:
    """F and the iterates; below, F(x_k) - F* and the bounds that pass under it."""
    with style():
        drawn = Figure(figsize=(7.0, 4.4), layout="constrained")
        panels = drawn.subplots(2, len(examples), squeeze=False)
        for column, example in enumerate(examples):
            top, bottom = panels[0, column], panels[1, column]
            line, value = example.landscape
            top.plot(line, value, color=INK, linewidth=1.2, label="F")
            at = np.array(example.x)
            top.plot(at, np.array(example.gap) + example.upper, "o", color=SERIES[1], markersize=3, label="iterates")
            top.plot([example.minimiser], [example.upper], "*", color=SERIES[2], markersize=8, label="minimiser")
            top.set(xlabel="x", title=plain(example.name))
            k = np.arange(1, len(at))
            bottom.plot(k, example.gap[1:], color=SERIES[1], linewidth=1.6, label="F(x_k) - F*")
            for name, dashes in BOUND_STYLES.items():
                bottom.plot(example.at, masked(example.curves[name]), linestyle=dashes, color=SERIES[0], label=name)
                if (first := example.first_false[name]) is not None:
                    bottom.plot([first], [example.gap[first]], "x", color=INK, markersize=5)
            bottom.set(xscale="log", yscale="log", xlabel="K")
        panels[0, 0].legend(loc="lower right")
        panels[1, 0].legend(loc="upper right")
    return drawn
