"""The figure of a guarantee: quantile curves in their bands, and the probability of being there over k."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..statistics.bands import QuantileCurves
from .result import Guarantee

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEAST = 1e-16  # what a logarithmic axis shows of a gap of 0, or of less than rounding


def figure(guarantee: Guarantee) -> Figure:
    """Quantiles of F(x_k) - F* and of max rho, with their bands, and P(F(x_k) - F* <= eps) with its lower bound.

    A band that is open above, because the sample is too small or runs diverged, reaches the upper edge.
    """
    from matplotlib.figure import Figure

    from ..pages.figure_style import PARTS, plain, size, style

    with style():
        drawn = Figure(figsize=size(3, 2.6, 2.4), layout="constrained")
        gap, probability, rho = drawn.subplots(1, 3)
        _bands(gap, guarantee, guarantee.gap_curves, 0, "F(x_k) - F*")
        for i, eps in enumerate(guarantee.eps):
            look = PARTS[i % len(PARTS)]
            probability.plot(
                guarantee.recorded, guarantee.probability.lower[i], **look, linewidth=1.5, label=f"{eps:g}"
            )
            probability.plot(guarantee.recorded, guarantee.probability.share[i], **look, linewidth=0.6)
        probability.set_ylim(-0.02, 1.02)
        probability.set_title("P(gap <= eps); thin: sample")
        probability.legend(loc="lower right", title="eps", title_fontsize="small")
        _bands(rho, guarantee, guarantee.deviation_curves, 1, "max rho up to k")
        for axes in (gap, probability, rho):
            axes.set_xscale("symlog", linthresh=1)
            axes.set_xlim(0, guarantee.steps)
            axes.set_xlabel("k")
        head = (
            f"{guarantee.label} on {guarantee.describe()}; N = {guarantee.instances}, "
            f"confidence {1 - guarantee.delta:g} each"
        )
        drawn.suptitle(plain(head), fontsize="medium")
    return drawn


def _bands(axes: Axes, guarantee: Guarantee, curves: QuantileCurves, first: int, title: str) -> None:
    """Draw the curves from the kept step of index `first` on."""
    from ..pages.figure_style import PARTS

    recorded, values = guarantee.recorded[first:], np.stack([curves.lower, curves.sample, curves.upper])[:, :, first:]
    drawn = values[np.isfinite(values) & (values > _LEAST)]
    low, high = (drawn.min(), drawn.max()) if drawn.size else (_LEAST, 1.0)
    floor, ceiling = low / 3, high * 3
    for i, q in enumerate(guarantee.quantiles):
        look = PARTS[i % len(PARTS)]
        lower, middle, upper = values[:, i]
        ends = np.clip(lower, floor, ceiling), np.clip(upper, floor, ceiling)
        axes.fill_between(recorded, *ends, color=look["color"], alpha=0.2, linewidth=0)
        line = np.where(np.isfinite(middle), np.maximum(middle, floor), np.nan)
        axes.plot(recorded, line, **look, label=f"{q:g}")
    axes.set_yscale("log")
    axes.set_ylim(floor, ceiling)
    axes.set_title(title)
    axes.legend(loc="lower left", title="quantile", title_fontsize="small")


def write_figure(guarantee: Guarantee, folder: Path) -> list[Path]:
    """The figure as guarantee.svg and guarantee.pdf in `folder`; equal guarantees give equal bytes."""
    from .. import pages

    return pages.write_figure(figure(guarantee), folder / "guarantee")
