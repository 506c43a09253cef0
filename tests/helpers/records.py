"""207 worst cases computed elsewhere, as questions to the engine."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from l2obound import bounds

DATA = Path(__file__).resolve().parents[1] / "data" / "worst_cases.json"
METHODS = {
    "gd": "gradient",
    "inexact_gd_absolute": "gradient",
    "inexact_gd_relative": "gradient",
    "heavy_ball": "heavy_ball",
    "fista": "accelerated_gradient",
    "nesterov_fgm": "accelerated_gradient",
    "proximal_gradient": "proximal_gradient",
    "inexact_proxgrad_absolute": "proximal_gradient",
    "inexact_proxgrad_relative": "proximal_gradient",
    "projected_gradient": "projected_gradient",
    "proximal_point": "proximal_point",
}
CLASSES = {
    "smooth_convex+convex": "composite",
    "smooth_convex+convex_indicator": "composite",
    "smooth_strongly_convex+convex": "composite_strongly_convex",
}
METRICS = (
    ("min", "best_gradient"),
    ("||x_K", "distance"),
    ("(1/K)", "average_objective"),
    ("f(x_1)-f(x_0)", "decrease"),
    ("", "objective"),
)
INITIALS = (("||x0", "distance"), ("||grad", "gradient"), ("f(x0)-f(x_K)", "decrease"), ("", "objective"))


def _first(text: str, table: tuple[tuple[str, str], ...]) -> str:
    return next(name for start, name in table if text.startswith(start))


def question(record: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `bounds.worst_case` for a record."""
    p, method = record["params"], record["method"]
    asked = {
        "function_class": CLASSES.get(record["function_class"], record["function_class"]),
        "L": record["L"] or 1.0,
        "mu": record["mu"] or 0.0,
        "method": METHODS[method],
        "steps": record["K"],
        "metric": _first(record["metric"], METRICS),
        "initial": _first(record["init_condition"], INITIALS),
        "step": p.get("h", p.get("gamma", p.get("alpha", 1.0))),
        "momentum": p.get("beta"),
    }
    if method.endswith("relative"):
        asked["relative_error"] = p["eps"]
    if method.endswith("absolute"):
        asked["absolute_error"] = p.get("delta", p.get("eps"))
    return asked


def ends(arguments: dict[str, Any]) -> tuple[float, float, float]:
    """The value and the interval around it; here, where another process finds it without loading much."""
    answer = bounds.worst_case(**arguments)
    return answer.value, answer.lower, answer.upper


@cache
def records() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(DATA.read_text()))


def categories() -> list[str]:
    return sorted({record["category"] for record in records()})
