"""Three figures: stationarity against B10, rises against rho, and the counter-examples."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import bounds
from ...pages.figure_style import (
    EXACT,
    INK,
    MUTED,
    bound_look,
    legend_below,
    line_of,
    mark_of,
    masked,
    method_looks,
    plain,
    size,
    style,
)  # fmt: skip
from ._counterexamples import Counterexample
from ._methods import PROXIMAL
from ._run import BeyondConvex

BOUNDS = ("B3", "B6b", "B6c")
_EXAMPLE = method_looks(["gradient-descent"])["gradient-descent"]


def figures(result: BeyondConvex) -> dict[str, Figure]:
    """The counter-examples and stationarity, by name."""
    return {"counter-examples": counterexamples(result.counterexamples), "stationarity": stationarity(result)}


def stationarity(result: BeyondConvex) -> Figure:
    """min ||G_j||^2 over j <= k (solid) and B10 (dashed), a panel for each family; squares: the exact worst case."""
    families = list(dict.fromkeys(c.family for c in result.curves))
    with style():
        drawn = Figure(figsize=size(len(families), 3.0, 2.35), layout="constrained")
        looks = method_looks(c.method for c in result.curves)
        panels = drawn.subplots(1, len(families), squeeze=False)[0]
        for axes, family in zip(panels, families):
            for i, curve in enumerate(c for c in result.curves if c.family == family):
                label = "gradient descent" if curve.method == PROXIMAL else curve.method
                look = line_of(looks[curve.method])
                axes.plot(curve.steps, masked(curve.least), **look, label=label)
                axes.plot(
                    curve.steps, masked(curve.bound), **{**bound_look("B10"), "color": look["color"], "marker": ""},
                    label="B10, in the colour of the method" if i == 0 else None,
                )  # fmt: skip
                solved = [(k, v) for k, v in zip(curve.steps, curve.exact) if v is not None]
                if solved:
                    axes.plot(
                        *zip(*solved), **mark_of(EXACT), markersize=2.6, label="exact worst case, gradient descent"
                    )
            axes.set(xscale="log", yscale="log", xlabel="k")
            axes.set_title(plain(family))
        panels[0].set_ylabel("least ||G||² so far")
        legend_below(drawn, panels[:1], 3)
    return drawn


def rises(result: BeyondConvex) -> Figure:
    """Share of rising steps by method, and the change of F of steps of trained models against rho, under B1."""
    names = list(dict.fromkeys(e.method for e in result.select(part="pairs")))
    with style():
        drawn = Figure(figsize=size(3, 3.0), layout="constrained")
        left, right = drawn.subplots(1, 2)
        for convex, colour, offset, label in (
            (False, INK, -0.2, "f not convex"),
            (True, MUTED, 0.2, "convex"),
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
    axes.plot(dots.rho[~up], dots.change[~up], "o", color=MUTED, markersize=1.6, label="F falls", alpha=0.6)
    axes.plot(dots.rho[up], dots.change[up], "^", color=INK, markersize=2.4, label="F rises")
    rho = np.geomspace(1e-2, max(2.0, float(dots.rho.max(initial=1.0))), 200)
    axes.plot(rho, envelope(rho), **{**bound_look("B1"), "marker": ""}, label="B1")
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
        drawn = Figure(figsize=size(3, 4.4), layout="constrained")
        panels = drawn.subplots(2, len(examples), squeeze=False)
        for column, example in enumerate(examples):
            top, bottom = panels[0, column], panels[1, column]
            line, value = example.landscape
            top.plot(line, value, color=INK, linewidth=1.2, label="F")
            at = np.array(example.x)
            top.plot(
                at, np.array(example.gap) + example.upper, "o", color=_EXAMPLE["color"], markersize=3, label="iterates"
            )
            top.plot([example.minimiser], [example.upper], "*", color=MUTED, markersize=8, label="minimiser")
            top.set(xlabel="x", title=plain(example.name))
            k = np.arange(1, len(at))
            bottom.plot(k, example.gap[1:], color=_EXAMPLE["color"], linewidth=1.6, label="F(x_k) - F*")
            for name in BOUNDS:
                bottom.plot(
                    example.at, masked(example.curves[name]), **{**bound_look(name), "markevery": 4}, label=name
                )
                if (first := example.first_false[name]) is not None:
                    bottom.plot([first], [example.gap[first]], "x", color=INK, markersize=5)
            bottom.set(xscale="log", yscale="log", xlabel="K")
        panels[0, 0].legend(loc="lower right")
        panels[1, 0].legend(loc="upper right")
    return drawn
