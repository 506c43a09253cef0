"""A verification in a line, as HTML for notebooks, and as a figure of both sides."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from .verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .verification import Verification

COLOURS = {
    Verdict.VERIFIED: "#00795a",
    Verdict.VIOLATED: "#c0232c",
    Verdict.INCONCLUSIVE: "#8a6500",
    Verdict.NOT_APPLICABLE: "#8b949e",
}
_MARKERS = {Verdict.VERIFIED: "o", Verdict.VIOLATED: "X", Verdict.INCONCLUSIVE: "D", Verdict.NOT_APPLICABLE: "."}


def line(verification: Verification) -> str:
    """The first line of the summary."""
    return f"Verification({verification.summary().splitlines()[0]})"


def page_part(verification: Verification) -> str:
    """The summary as HTML, its first line in the colour of the verdict."""
    first, *rest = (html.escape(text.strip()) for text in verification.summary().splitlines())
    more = "".join(f"<li>{text}</li>" for text in rest)
    return f"<b style='color:{COLOURS[verification.overall]}'>{first}</b>" + (f"<ul>{more}</ul>" if more else "")


def figure_of(verification: Verification, instance: int | None = None) -> Figure:
    """Both sides of the bound with their tolerance, marked with the verdicts.

    Args:
        verification: What is drawn.
        instance: Which instance of a bound on steps; None for the one with the least slack, and for a bound on runs.

    Returns:
        A figure of matplotlib that belongs to no window.

    Raises:
        InputError: For an instance that there is not.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

    bound, batch = verification.bound, len(verification.verdict)
    entries: int | slice
    if bound.level == "run":
        entries, places, axis = slice(None), np.arange(batch), "instance"
        where = f"{batch} runs"
    else:
        chosen = _least_slack(verification) if instance is None else instance
        if isinstance(chosen, bool) or not isinstance(chosen, int) or not 0 <= chosen < batch:
            raise InputError(f"plot: expected an instance in 0..{batch - 1}, got {instance!r}.")
        entries, places, axis = chosen, 1 + np.arange(verification.verdict.shape[1]), "step k"
        where = f"instance {chosen} of {batch}"
    lhs, rhs, tolerance, verdict = (
        np.asarray(getattr(verification, name)[entries]) for name in ("lhs_upper", "rhs", "tolerance", "verdict")
    )
    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    axes = figure.subplots()
    style = {"linewidth": 1.2} if bound.level == "step" else {"linestyle": "none", "marker": "_", "markersize": 9}
    axes.plot(places, rhs, color="#0072b2", label="right-hand side", **style)
    axes.plot(places, lhs, color="#59636e", label="left-hand side", **style)
    bars = np.where(np.isfinite(tolerance), tolerance, 0.0)
    axes.fill_between(places, rhs - bars, rhs + bars, color="#0072b2", alpha=0.2, linewidth=0)
    for kind in Verdict:
        here = verdict == kind
        if here.any():
            axes.plot(
                places[here], lhs[here], color=COLOURS[kind], marker=_MARKERS[kind], linestyle="none", markersize=4,
                label=f"{kind} ({int(here.sum())})",
            )  # fmt: skip
    sizes = np.abs(np.concatenate([lhs, rhs]))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if sizes.size and sizes.max() > 100 * sizes.min():
        least = float(max(sizes.min(), sizes.max() * 1e-16))
        axes.set_yscale("symlog", linthresh=least)
        locator = SymmetricalLogLocator(base=10, linthresh=least)
        locator.set_params(numticks=9)
        axes.yaxis.set_major_locator(locator)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(axis)
    axes.set_title(f"{bound.number} {bound.title}: {verification.overall}, {where}", loc="left", fontsize=9)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _least_slack(verification: Verification) -> int:
    """The instance with the least slack among the steps that are judged."""
    slack = np.where(verification.judged & np.isfinite(verification.slack), verification.slack, np.inf)
    return int(slack.min(axis=1).argmin())
