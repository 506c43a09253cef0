"""Whether a method was trained on the data it is run on: in distribution, shifted, or other data.

A learned method is in distribution on instances drawn from the distribution of its training, by the manifest of its
weights: the same generator with the same options, and a start and an objective that are not shifted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...l2o.problems.families import FAMILIES, build, family_of
from ...l2o.training.config import ProblemConfig, split_seed
from .config import ProblemSection, Scenario

IN_DISTRIBUTION = "in distribution"
SHIFTED = "shifted"
OTHER = "other data"
KINDS = (IN_DISTRIBUTION, SHIFTED, OTHER)
"""Draws from the distribution of the training; the same with start or objective shifted; any other problem."""


def trained_here(section: ProblemSection, weights: Mapping[str, Any] | None) -> bool:
    """Whether the problems of a section are draws from the distribution that weights were trained on.

    The first draw of both is compared, so that options that are left out count as what they stand for.

    Args:
        section: The problems.
        weights: The manifest of the weights. Where it does not say what they were trained on, the answer is False.
    """
    trained = ((weights or {}).get("config") or {}).get("problem")
    if not trained or trained.get("family") != section.family or section.family == "data":
        return False  # the same name: no file of weights decides which code is run
    if section.family in FAMILIES and not FAMILIES[section.family].drawn:
        return False
    config, seed = ProblemConfig.model_validate(trained), split_seed("test")
    options = {name: getattr(config, name) for name in ("rows", "dim", "sparsity", "lam")}
    fields = family_of(section.family).fields
    first = build(section.family, 1, seed, **{name: value for name, value in options.items() if name in fields})
    return section.model_copy(update={"instances": 1}).build(0).fingerprint() == first.fingerprint()


def kind_of(scenario: Scenario, trained: bool) -> str:
    """The kind of data under a scenario, for a method that was trained on these problems or was not."""
    if not trained:
        return OTHER
    return SHIFTED if scenario.s or scenario.t else IN_DISTRIBUTION
