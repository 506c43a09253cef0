"""`l2obound sensitivity`, `conditioning`, `beyond-convex`, `drift`: the verbs of the studies."""

from __future__ import annotations

from functools import partial

from ...studies import load
from ..studies import several, verb

ALL = "all"

VERBS = {
    "beyond-convex": verb(
        "beyond-convex",
        partial(load, "beyond-convex"),
        "Which guarantees survive where f is not convex or points are constrained, and which inequality the others "
        "lose.\n\nExits with 1 where a run contradicts what is proved, which would be a defect.\n\n"
        "Example: l2obound beyond-convex --quick --out beyond-convex",
        quick="One loss, fewer instances and steps, in a quarter of a minute.",
        options={
            "family": ("families", several("sigmoid_loss, student_t or welsch; may be repeated. All if left out.")),
        },
    ),
}
