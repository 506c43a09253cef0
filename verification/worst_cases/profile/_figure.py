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

    from ...pages.figure_style import EXACT, MUTED, bound_look, legend_in, method_looks, plain, size, style

    with style():
        drawn = Canvas(figsize=size(len(certificates), 3.6, 3.4), layout="constrained")
        looks = method_looks(c.optimizer for c in certificates)
        exact = EXACT | {"color": MUTED, "linestyle": ":", "marker": "v"}
        panels = drawn.subplots(1, len(certificates), squeeze=False)[0]
        for axes, c in zip(panels, certificates):
            K = np.array(c.steps)
            curves = (
                ("largest gap of the runs", c.gap_up.max(axis=0), looks[c.optimizer]),
                ("worst case of the profile", c.worst, EXACT),
                ("B8, from the largest deviation", c.relative_rate.max(axis=0), bound_look("B8") | {"markevery": 1}),
                ("B6c, from the deviations", c.last_iterate.max(axis=0), bound_look("B6c") | {"markevery": 1}),
                ("worst case of exact steps", c.exact, exact),
            )
            for label, values, look in curves:
                drawable = np.where(np.isfinite(values) & (values > 0), values, np.nan)
                if np.isfinite(drawable).any():
                    axes.plot(K, drawable, **{**look, "markersize": 4}, label=label)
            unbounded = np.isposinf(c.worst)
            if unbounded.any():
                axes.plot(
                    K[unbounded], np.full(unbounded.sum(), 0.98), marker="$\\infty$", linestyle="", markersize=8,
                    color=EXACT["color"],
                    transform=axes.get_xaxis_transform(), label="worst case unbounded", clip_on=False,
                )  # fmt: skip
            axes.set(xscale="log", yscale="log", xlabel="steps K", title=plain(c.optimizer))
            axes.set_xticks(K, [str(k) for k in K])
            axes.minorticks_off()
        panels[0].set_ylabel("F(x_K) - F*, in units of L R^2")
        handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels())}
        legend_in(drawn, list(handles.values()), list(handles), 3, loc="outside lower center")
    return drawn
