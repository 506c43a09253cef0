"""Curves with no more points than can be seen: the extremes of each column of pixels, so that every peak stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .figure_style import SCREEN


def thinned(axes: Axes, x: Sequence[Any] | np.ndarray, *curves: np.ndarray) -> tuple[np.ndarray, ...]:
    """The points of curves over a common x that a figure can show.

    Args:
        axes: With the limits and scale of x, in a figure of its size.
        x: (n,) in ascending order.
        *curves: (n,) each; NaN is not drawn.

    Returns:
        x and the curves at the points that stay. Curves that have at most as many points as pixels of a screen are
        as they were. Of others there stay, in each column of pixels (of two for a band), the least and the greatest
        value of each curve; and the first and the last point, and those around what is not drawn.
    """
    at, values = np.asarray(x, dtype=float), [np.asarray(curve, dtype=float) for curve in curves]
    pixels = axes.bbox.width / axes.figure.dpi * SCREEN
    if len(at) <= pixels:
        return at, *values
    places = axes.transData.transform(np.column_stack([at, np.ones(len(at))]))[:, 0] / axes.figure.dpi * SCREEN
    stay = np.zeros(len(at), bool)
    stay[[0, -1]] = True
    cells = np.floor(np.where(np.isfinite(places), places, -1.0) / len(values)).astype(int)
    starts = np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))
    for curve in values:
        for filled, chosen in ((np.inf, np.minimum), (-np.inf, np.maximum)):
            full = np.where(np.isnan(curve), filled, curve)
            extreme = np.repeat(chosen.reduceat(full, starts), np.diff(np.append(starts, len(at))))
            hits = np.flatnonzero((full == extreme) & np.isfinite(full))
            # One point of each cell, where several have its extreme value.
            stay[hits[np.unique(np.searchsorted(starts, hits, side="right"), return_index=True)[1]]] = True
        gone = np.isnan(curve)
        edges = np.flatnonzero(gone[1:] != gone[:-1])
        stay[edges] = stay[edges + 1] = True
    return at[stay], *(curve[stay] for curve in values)
