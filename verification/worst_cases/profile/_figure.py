"""Certificates beside each other, as curves over K."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ....l2o import InputError
from ._certificates import ProfileCertificate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(certificates: Sequence[ProfileCertificate]) -> Figure:
    """Curves over K, a panel each: largest gap, worst case of the profile, closed forms B8 and B6c, exact steps.

    Both axes are logarithmic. What is not finite is not drawn; a worst case of +inf is a mark at the upper edge.
    """
    if not certificates:
        raise InputError("figure: expected at least one certificate, got none.")
    from matplotlib.figure import Figure as Canvas

    from ...pages.figure_style import MUTED, SERIES, plain, style

    with style():
        drawn = Canvas(figsize=(3.4 * len(certificates), 3.6), layout="constrained")
        panels = drawn.subplots(1, len(certificates), squeeze=False)[0]
        for axes, c in zip(panels, certificates):
            K = np.array(c.steps)
            curves = (
                ("largest gap of the runs", c.gap_up.max(axis=0), "o", "-", SERIES[0]),
                ("worst case of the profile", c.worst, "s", "-", SERIES[1]),
                ("B8, from the largest deviation", c.relative_rate.max(axis=0), "^", "--", SERIES[2]),
                ("B6c, from the deviations", c.last_iterate.max(axis=0), "D", "-.", SERIES[3]),
                ("worst case of exact steps", c.exact, "v", ":", MUTED),
            )
            for label, values, marker, line, colour in curves:
                drawable = np.where(np.isfinite(values) & (values > 0), values, np.nan)
                if np.isfinite(drawable).any():
                    axes.plot(K, drawable, marker=marker, linestyle=line, color=colour, label=label, markersize=4)
            unbounded = np.isposinf(c.worst)
            if unbounded.any():
                axes.plot(
                    K[unbounded], np.full(unbounded.sum(), 0.98), marker="$\\infty$", linestyle="", color=SERIES[1],
                    markersize=8,
                    transform=axes.get_xaxis_transform(), label="worst case unbounded", clip_on=False,
                )  # fmt: skip
            axes.set(xscale="log", yscale="log", xlabel="steps K", title=plain(c.optimizer))
            axes.set_xticks(K, [str(k) for k in K])
            axes.minorticks_off()
        panels[0].set_ylabel("F(x_K) - F*, in units of L R^2")
        handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels())}
        drawn.legend(handles.values(), handles, loc="outside lower center", ncols=min(3, len(certificates)))
    return drawn
