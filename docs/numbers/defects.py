"""What the sweep of the defects shows: the mean gaps at the end with each defect and without it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean, median
from typing import Any

from . import shown, table
from .comparisons import three

Rows = Sequence[Mapping[str, Any]]
SHIFTED = ("ista", "fista", "fista-restart", "go-math-l2o", "l2o-pa")
"""The methods that run with both proximal operators."""
LOGISTIC = ("ista", "fista", "fista-restart", "go-math-l2o")
"""The methods that run with both smoothness constants."""
OF_BATCHES = (("l2o-dm-mean", "l2o-dm"), ("l2o-rnnprop-mean", "l2o-rnnprop"), ("adam-hd-coupled", "adam-hd"))
"""Methods that see the mean of a batch, and the same ones without the defect."""
LABELS = {
    "ista": "ISTA", "fista": "FISTA", "fista-restart": "restarted FISTA", "go-math-l2o": "GO-Math-L2O",
    "l2o-pa": "L2O-PA", "l2o-dm": "L2O-DM", "l2o-rnnprop": "RNNprop", "adam-hd": "AdamHD",
}  # fmt: skip
AT = "reached_1e-04"


def _chosen(rows: Rows, **fields: Any) -> Rows:
    """The instances of a cell; none is an error, which names it."""
    chosen = [row for row in rows if all(row[name] == value for name, value in fields.items())]
    if not chosen:
        raise ValueError(f"no row with {fields}")
    return chosen


def _gap(rows: Rows, **fields: Any) -> str:
    """The mean relative gap at the end over the instances of a cell, two digits."""
    cell = _chosen(rows, **fields)
    gaps = [row["gap_final"] for row in cell if row["gap_final"] is not None]
    lost = len(cell) - len(gaps)
    mean = fmean(gaps) if gaps else 0.0
    text = f"{mean:.0f}" if mean >= 100 else f"{mean:.2g}" if mean >= 1e-2 else shown(mean, ".1e")
    return text if not lost else f"diverges on {lost} of {len(cell)}"


def _proxes(rows: Rows) -> str:
    """The table of the two proximal operators under shifts of the objective."""
    lines = [
        [f"t = {t:g}, {prox}", *(_gap(rows, optimizer=name, t=t, prox=prox, family="lasso") for name in SHIFTED)]
        for t in sorted({row["t"] for row in rows if row["t"]}, reverse=True)
        for prox in ("official", "exact")
    ]
    named = [
        [line[0].replace("official", "the authors' prox").replace("exact", "exact prox"), *line[1:]] for line in lines
    ]
    return table(["", *(LABELS[name] for name in SHIFTED)], named)


def _batches(rows: Rows) -> str:
    """The table of the methods whose run on an instance depends on the others of its batch."""
    sizes = sorted({row["batch"] for row in rows if row["optimizer"] in dict(OF_BATCHES)})
    lines = [
        [LABELS[name], words, *(_gap(rows, optimizer=key, batch=size) for size in sizes)]
        for coupled, name in OF_BATCHES
        for key, words in ((coupled, "as in the authors' code"), (name, "each instance alone"))
    ]
    return table(["", "", *(f"batches of {size}" for size in sizes)], lines)


def _constants(rows: Rows) -> str:
    """The table of the two smoothness constants of the logistic loss."""
    lines = []
    for smoothness, words in (("official", "4 times too large"), ("exact", "exact")):
        of = {"family": "logistic_l1", "smoothness": smoothness}
        lines.append([f"L {words}", *(_gap(rows, optimizer=name, **of) for name in LOGISTIC)])
        lines.append([f"L {words}: iterations to 1e-4", *(_steps(rows, name, smoothness) for name in LOGISTIC)])
    return table(["", *(LABELS[name] for name in LOGISTIC)], lines)


def _steps(rows: Rows, name: str, smoothness: str) -> str:
    """The median iterations to the gap that is shown."""
    cell = _chosen(rows, optimizer=name, family="logistic_l1", smoothness=smoothness)
    middle = median(math.inf if row[AT] is None else row[AT] for row in cell)
    return three(middle) if math.isfinite(middle) else f"more than {cell[0]['steps']:,}"


def _spread(rows: Rows) -> float:
    """With the authors' prox and all methods but L2O-PA: the largest mean gap over the least, for the worse shift."""
    spreads = []
    for t in sorted({row["t"] for row in rows if row["t"]}):
        gaps = [float(_gap(rows, optimizer=name, t=t, prox="official")) for name in SHIFTED[:-1]]
        spreads.append(max(gaps) / min(gaps))
    return max(spreads)


DEFECTS: dict[str, Callable[[Rows], Any]] = {
    "instances": lambda rows: len(_chosen(rows, optimizer="ista", t=10.0, prox="exact")),
    "steps": lambda rows: rows[0]["steps"],
    "proxes": _proxes,
    "batches": _batches,
    "constants": _constants,
    "same_height": _spread,
    **{
        f"{name}_{smoothness}": partial(_steps, name=name, smoothness=smoothness)
        for name in ("ista", "fista")
        for smoothness in ("official", "exact")
    },
}
