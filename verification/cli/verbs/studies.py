"""`l2obound sensitivity`, `conditioning`, `beyond-convex` and `drift`: the verbs of the studies."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import typer

from ...studies import load
from ..options import SPLIT_SEED
from ..studies import several, verb

ALL = "all"


def _none_of_all(given: list[str] | None) -> list[str] | None:
    """The patterns that are asked for; None for all of them."""
    return None if ALL in (given or ()) else given


FAMILIES = several("quadratic, lasso or logistic_l1; may be repeated. All if left out.")
LOSSES = several("sigmoid_loss, student_t or welsch; may be repeated. All if left out.")
PATTERNS = several("A deviation pattern, or all; may be repeated. All if left out.", callback=_none_of_all)
MODELS = several(
    "go-math-l2o, l2o-pa, l2o-dm, l2o-rnnprop or ada-lista; may be repeated. All if left out, the first two with "
    "--quick."
)
SHIFTS = several(
    "dictionary, noise, sparsity, lam, conditioning, dimension, start or objective; may be repeated. All if left out."
)


def _verb(name: str, words: str, example: str, **more: Any) -> Any:
    return verb(name, partial(load, name), f"{words}\n\nExample: l2obound {name} --quick {example}", **more)


VERBS = {
    "sensitivity": _verb(
        "sensitivity",
        "Measure how far steps may drift from 1/L before the guarantee, and then the performance, is lost.\n\n"
        "Exits with 1 where a run contradicts a guarantee, which would be a defect.",
        "--problem lasso --out sensitivity",
        quick="Fewer sizes, instances and steps.",
        options={"problem": ("families", FAMILIES), "pattern": ("patterns", PATTERNS)},
    ),
    "conditioning": _verb(
        "conditioning",
        "Find whether a very large L, or an ill-conditioned problem, makes a learned optimizer fail, and why.\n\n"
        "Exits with 1 where a run contradicts a theorem of stability, invariance or rate, which would be a defect.",
        "--out conditioning",
        quick="Fewer points, methods and steps.",
    ),
    "beyond-convex": _verb(
        "beyond-convex",
        "Find which guarantees survive where f is not convex or points are constrained, and which inequality the "
        "others lose.\n\nExits with 1 where a run contradicts what is proved, which would be a defect.",
        "--out beyond-convex",
        quick="One loss, fewer instances and steps.",
        options={"problem": ("families", LOSSES)},
    ),
    "drift": _verb(
        "drift",
        "Measure what practical shifts of the distribution cost the shipped models for LASSO, and what the deviations "
        "consist of.\n\n"
        "Exits with 1 where a bound is violated or an attribution does not add up, which would be a defect.",
        "--shift noise --shift lam --out drift",
        quick="Fewer models, instances and steps.",
        options={"optimizer": ("models", MODELS), "shift": ("shifts", SHIFTS)},
        seed=Annotated[int, typer.Option(callback=SPLIT_SEED, help="Seed of the instances and starts, 0 to 999.")],
    ),
}
