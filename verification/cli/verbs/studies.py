"""`l2obound sensitivity`, `conditioning`, `beyond-convex` and `drift`: the verbs of the studies."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...studies import load
from ..studies import several, verb

LOSSES = several("sigmoid_loss, student_t or welsch; may be repeated. All if left out.")


def _verb(name: str, words: str, example: str, **more: Any) -> Any:
    return verb(name, partial(load, name), f"{words}\n\nExample: l2obound {name} --quick {example}", **more)


VERBS = {
    "conditioning": _verb(
        "conditioning",
        "Whether a very large L, or an ill-conditioned problem, makes a learned optimizer fail, and why.\n\n"
        "Exits with 1 where a run contradicts a theorem of stability, invariance or rate, which would be a defect.",
        "--out conditioning",
        quick="Fewer points, methods and steps, in seconds.",
    ),
    "beyond-convex": _verb(
        "beyond-convex",
        "Which guarantees survive where f is not convex or points are constrained, and which inequality the others "
        "lose.\n\nExits with 1 where a run contradicts what is proved, which would be a defect.",
        "--out beyond-convex",
        quick="One loss, fewer instances and steps, in a quarter of a minute.",
        options={"family": ("families", LOSSES)},
    ),
}
