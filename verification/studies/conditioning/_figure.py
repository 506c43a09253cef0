"""The stability map, and what becomes of runs along each axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from ...pages.figure_style import INK, MUTED, SHADE, legend_below, method_looks, plain, size, style
from . import _heads, _theory
from ._cells import Cell
from ._methods import GO_MATH, L2O_PA, METHODS, MODELS, PLAIN, RESTART
from ._points import DTYPES, FLOAT32, FLOAT64
from ._run import Conditioning
from ._stability import StabilityMap

_FLOOR = 1e-16
"""Shares of the initial gap below this are rounding of F, and are drawn here."""
_AXES = {"kappa": "condition number κ", "L": "L", "c": "c: the declared L is c L"}
_SHOWN = (GO_MATH, L2O_PA, PLAIN, RESTART)


def by_option(result: Conditioning) -> tuple[str, ...]:
    """The methods of the figures by map and scaling of Q: the forms of GO-Math-L2O, L2O-PA and the gradient step."""
    return tuple(m for m in result.settings.methods if m in MODELS or m == PLAIN)


def figures(result: Conditioning) -> dict[str, Figure]:
    """The figures that show the answer, by name."""
    return {"stability": stability(result), **{axis: along(result, axis) for axis in _AXES}}


def along(result: Conditioning, axis: str) -> Figure:
    """What becomes of runs along an axis; all methods of `by_option`, but along kappa the few of `_SHOWN`."""
    return against(result, axis, axis, _AXES[axis], None if axis == "kappa" else by_option(result))


def stability(result: Conditioning) -> Figure:
    """A panel for each B and kappa: where rollouts grow, the boundary of B14, and where shipped models are."""
    bs, kappas = result.settings.map_bs, result.settings.map_kappas
    with style():
        drawn = Figure(figsize=size(max(3, len(kappas)), 2.2 * len(bs) + 0.8, 2.4), layout="constrained")
        looks = method_looks((*METHODS, *(h.model for h in result.heads)))
        panels = drawn.subplots(len(bs), len(kappas), squeeze=False, sharex=True, sharey=True)
        for m, axes in zip(result.maps, panels.flat):
            _map(axes, m)
        at = {h.model: h for h in result.heads if h.kappa in (None, 1.0)}
        for i, axes in enumerate(panels.flat):
            for h, marker in zip(at.values(), ("*", "P", "X")):
                if abs(h.b[1] - result.maps[i].b) == min(abs(h.b[1] - b) for b in bs):
                    label = f"{plain(h.model)}, median"
                    look = {
                        "markersize": 7,
                        "markeredgecolor": "white",
                        "markeredgewidth": 0.5,
                        "clip_on": False,
                        "zorder": 3,
                    }
                    colour = looks[h.model]["color"]
                    axes.plot(h.r[1], h.q[1], marker=marker, color=colour, linestyle="", label=label, **look)
        for axes in panels[-1]:
            axes.set_xlabel("r = R L")
        for axes in panels[:, 0]:
            axes.set_ylabel("Q")
        legend_below(drawn, panels.flat, 3)
    return drawn


def _map(axes: Axes, m: StabilityMap) -> None:
    axes.add_patch(
        PathPatch(_cells(m.r, m.q, ~m.observed), color=MUTED, alpha=SHADE, linewidth=0, label="rollout grows")
    )
    wrong = m.clear & (m.predicted != m.observed)
    if wrong.any():
        R, Q = np.meshgrid(m.r, m.q)
        axes.scatter(R[wrong], Q[wrong], s=40, marker="s", color=INK, linewidths=0.6, label="disagrees with B14")
    r, q = np.meshgrid(np.linspace(m.r[0], m.r[-1], 141), np.linspace(m.q[0], m.q[-1], 141))
    axes.contour(r, q, _theory.modes_radius(r, q, m.b, m.kappa), levels=[1.0], colors=INK, linewidths=1.3)
    axes.plot([], [], color=INK, linewidth=1.3, label="boundary of B14")
    axes.set(xlim=(m.r[0], m.r[-1]), ylim=(m.q[0], m.q[-1]))
    axes.set_title(f"B = {m.b:g}, κ = {m.kappa:,.0f}", color=INK)


def _cells(x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> Path:
    """The cells (len(y), len(x)) that are chosen, around their points; neighbours in a row are one rectangle."""
    right, top = (np.append((v[1:] + v[:-1]) / 2, v[-1]) for v in (x, y))
    left, bottom = (np.append(v[0], (v[1:] + v[:-1]) / 2) for v in (x, y))
    corners: list[tuple[float, float]] = []
    for i, row in enumerate(chosen):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(int), [0]))))
        for first, beyond in edges.reshape(-1, 2):
            x0, x1 = left[first], right[beyond - 1]
            corners += [(x0, bottom[i]), (x1, bottom[i]), (x1, top[i]), (x0, top[i]), (x0, bottom[i])]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * (len(corners) // 5)
    return Path(np.reshape(corners, (-1, 2)), codes or None)


def heads(result: Conditioning) -> Figure:
    """How often a model uses which (R L, Q): a panel for each model, all its runs together; the limit Q = 1."""
    models = list(dict.fromkeys(h.model for h in result.heads))
    with style():
        drawn = Figure(figsize=size(len(models), 2.6, 2.4), layout="constrained")
        panels = drawn.subplots(1, len(models), squeeze=False, sharey=True)[0]
        for axes, model in zip(panels, models):
            counts = np.sum([h.counts for h in result.heads if h.model == model], axis=0).astype(float)
            share = np.where(counts > 0, counts / counts.sum(), np.nan)
            mesh = axes.pcolormesh(
                _heads.R_EDGES, _heads.Q_EDGES, share, norm=LogNorm(1e-5, 1.0), cmap="Greys", rasterized=False
            )
            limit = float(_theory.limit(0.0, 0.5))
            axes.axhline(limit, color=INK, linestyle="--", linewidth=1.2, label="limit on Q as κ grows (B14)")
            axes.set(xlabel="R L", title=plain(model))
        panels[0].set_ylabel("Q")
        drawn.colorbar(mesh, ax=list(panels), label="share of steps")
        legend_below(drawn, panels, 3)
    return drawn


def against(result: Conditioning, axis: str, field: str, label: str, methods: tuple[str, ...] | None = None) -> Figure:
    """Iterations (above) and the gap at the end (below) against `field` of the cells of `axis`, a column a family.

    Float64 is solid and float32 dashed, where there is any. A run that diverges, or ends above F(x_0), is at the top.
    """
    families = result.settings.families
    names = [m for m in (methods or _SHOWN) if m in result.settings.methods]
    with style():
        drawn = Figure(figsize=size(len(families), 4.6 + 0.16 * len(names), 3.5), layout="constrained")
        panels = drawn.subplots(2, len(families), squeeze=False, sharex=True, sharey="row")
        for column, family in enumerate(families):
            looks = method_looks(METHODS)
            for k, name in enumerate(names):
                for dtype in DTYPES if axis in ("kappa", "L") else (FLOAT64,):
                    chosen = sorted(
                        result.select(axis, family=family, method=name, dtype=dtype), key=lambda c: getattr(c, field)
                    )
                    if chosen:
                        _curves(panels[:, column], chosen, field, name, dtype, k, looks[name])
            panels[0, column].set_title(plain(family), color=INK)
            panels[1, column].set(xscale="log", xlabel=label)
            panels[1, column].axhline(result.settings.eps, color=MUTED, linewidth=0.8)
        panels[0, 0].set(yscale="log", ylabel="iterations (median)", ylim=(0.8, 1.6 * result.settings.steps))
        panels[1, 0].set(
            yscale="log", ylabel=f"share of the initial gap after {result.settings.steps}", ylim=(_FLOOR / 2, 3.0)
        )
        legend_below(drawn, panels.flat, 3)
    return drawn


def _curves(panels: Any, chosen: list[Cell], field: str, name: str, dtype: str, k: int, method: dict[str, Any]) -> None:
    at = np.array([getattr(c, field) for c in chosen])
    single = dtype == FLOAT32
    colour = method["color"]
    look: dict[str, Any] = {
        "color": colour,
        "marker": method["marker"],
        "linestyle": "--" if single else "-",
        "linewidth": 1.0,
        "markersize": 5.5 if single else 3.5,
        "markerfacecolor": "none" if single else colour,
        "label": plain(name) + (", float32" if single else ""),
    }
    panels[0].plot(at, [np.nan if c.median is None else max(1.0, c.median) for c in chosen], **look)
    diverged = np.array([c.grew > 0 for c in chosen])
    gaps = np.array([np.nan if c.worst_gap is None else max(c.worst_gap, _FLOOR) for c in chosen], dtype=float)
    panels[1].plot(at, np.where(diverged, np.nan, gaps), **look)
    if diverged.any():
        panels[1].plot(
            at[diverged], np.full(int(diverged.sum()), 0.97 - 0.035 * k), marker="^", linestyle="", color=look["color"],
            markersize=4, markerfacecolor=look["markerfacecolor"], transform=panels[1].get_xaxis_transform(),
        )  # fmt: skip
