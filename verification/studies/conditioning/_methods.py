"""The methods: shipped models, the same weights under other gradient maps and scalings, and classical ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .... import l2o

GO_MATH, L2O_PA = "go-math-l2o", "l2o-pa"


def _go_math(**options: Any) -> Callable[[], Any]:
    def make() -> Any:
        model: Any = l2o.pretrained(GO_MATH, "lasso")
        return replace(model, **options)

    return make


MODELS: dict[str, tuple[Callable[[], Any], str]] = {
    "go-math-l2o": (_go_math(), "shipped weights for lasso; displacement map, Q unscaled: the default"),
    "displacement, Q x step": (_go_math(q_step_power=1), "the weights of the default, Q times 1/L"),
    "standard, Q x step": (
        _go_math(gradient_map="standard", q_step_power=1),
        "the weights of the default under the standard map, Q times 1/L",
    ),
    "standard, Q unscaled": (_go_math(gradient_map="standard"), "the weights of the default under the standard map"),
    "recurrent, Q x step": (
        _go_math(gradient_map="recurrent", q_step_power=1),
        "the weights of the default under the recurrent map, Q times 1/L",
    ),
    "recurrent, Q unscaled": (_go_math(gradient_map="recurrent"), "the weights of the default, recurrent map"),
    "random weights": (lambda: l2o.optimizer(GO_MATH, seed=1), "the default, not trained"),
    "l2o-pa": (lambda: l2o.pretrained(L2O_PA, "lasso"), "shipped weights for lasso; features with x, not normalised"),
}
"""Learned methods and what they are. Other maps than the default's run weights that were trained under the default."""

PLAIN, RESTART = "gradient step", "fista-restart"
CLASSICAL = {
    PLAIN: "steps 1/L: gradient descent, or ISTA where r is not 0",
    RESTART: "accelerated, restarted where F rises",
}
METHODS = {**{name: words for name, (_, words) in MODELS.items()}, **CLASSICAL}
"""Every method by name, with a description."""


def method(name: str) -> Any:
    """The optimizer of that name."""
    if name in MODELS:
        return MODELS[name][0]()
    if name in CLASSICAL:
        return l2o.optimizer("ista" if name == PLAIN else name)
    raise l2o.InputError(f"method: expected one of {', '.join(METHODS)}, got {name!r}.")
