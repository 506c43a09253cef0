"""The methods: trained weights as shipped, random weights, classical ones, and the trained ones under a safeguard."""

from __future__ import annotations

from typing import Any

from .... import l2o
from ._problems import LOGISTIC, Case

TRAINED = ("go-math-l2o", "l2o-pa")
PROXIMAL = "ista"
"""Proximal gradient with the step 1/L: gradient descent where r = 0, projected gradient on a set."""


def safeguarded(name: str) -> str:
    """The label of a trained model under the safeguard."""
    return f"safeguarded {name}"


def random(name: str, seed: int) -> str:
    """The label of a model with random weights."""
    return f"{name}, random {seed}"


def trained(name: str, family: str) -> Any:
    """The shipped weights: those for l1-logistic problems on losses of margins, those for LASSO elsewhere."""
    return l2o.pretrained(name, "logistic_l1" if family in LOGISTIC else "lasso")


def methods(case: Case, seeds: int) -> dict[str, Any]:
    """The optimizers by label; `seeds` random draws of weights for each architecture."""
    optimizers: dict[str, Any] = {name: trained(name, case.family) for name in TRAINED}
    optimizers |= {random(name, seed): l2o.optimizer(name, seed=seed) for name in TRAINED for seed in range(seeds)}
    optimizers |= {safeguarded(name): l2o.optimizer("safeguarded", base=optimizers[name]) for name in TRAINED}
    optimizers |= {name: l2o.optimizer(name) for name in (PROXIMAL, "fista")}
    if case.problem.nonsmooth.is_zero:
        optimizers["heavy-ball"] = l2o.optimizer("heavy-ball")
    return optimizers


def learned(label: str) -> bool:
    """Whether the label is that of a learned model without a safeguard."""
    return label.startswith(TRAINED)
