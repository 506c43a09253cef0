"""What is read out of the results of `l2obound drift`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from .sentences import sentences

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

_YARDSTICK = "fista-restart"


def _levels(results: Results, model: str) -> list[Results]:
    """The cells of a model at the practical levels that shift something, where it fits the problem."""
    return [
        c
        for c in results["cells"]
        if c["model"] == model and c["practical"] and not (c["none"] or c["control"] or c["reason"])
    ]


def _part(results: Results, model: str, term: str) -> float:
    """The median over the practical levels of the part of a term along the deviation."""
    paired = [a for c in _levels(results, model) for a in c["attributions"] if a["choice"] == "paired"]
    return median(a["along"][term] for a in paired if a["along"] is not None)


def _levels_correlation(results: Results, model: str) -> float:
    """The rank correlation of the distance of the features with the excess, over all practical levels."""
    wanted = (model, "", "levels")
    return next(p["value"] for p in results["predictions"] if (p["model"], p["shift"], p["way"]) == wanted)


DRIFT: dict[str, Callable[[Results], Any]] = {
    "bracket_go_math_l2o": lambda r: _part(r, "go-math-l2o", "bracket"),
    "preconditioner_shift_go_math_l2o": lambda r: _part(r, "go-math-l2o", "pshift"),
    "bias_shift_go_math_l2o": lambda r: _part(r, "go-math-l2o", "bshift"),
    "correlation_go_math_l2o": lambda r: _levels_correlation(r, "go-math-l2o"),
    "correlation_l2o_pa": lambda r: _levels_correlation(r, "l2o-pa"),
    "correlation_ada_lista": lambda r: _levels_correlation(r, "ada-lista"),
    "costs": sentences("iterations in distribution and loses most under"),
    "yardstick": sentences("The problems themselves become harder", "as the yardstick in place of", "At eps ="),
    "attribution": sentences("of the sum of ||e'|| the largest part"),
    "sizes": sentences("other sizes, each coordinate beside", "divides its features by norms"),
    "features": sentences("rank correlation of ||Dz||", "Caution for"),
    "bounds": sentences("bound is violated under any shift"),
    "loses_most": lambda r: " ".join(
        line.removeprefix("- ")
        for line in sentences("The practical shift that costs most", "The paper says that")(r).splitlines()
    ),
    "rivals": sentences("The paper says that", "the loss of go-math-l2o is"),
}
