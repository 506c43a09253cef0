"""Why GO-Math-L2O loses where there are more variables, and what mends it without training.

It divides its features by their 2-norms at x_0, which grow as sqrt(n): at n' variables each coordinate's features are
sqrt(n/n') times those that its network was trained on, those of signs exactly so. Dividing by sqrt(n/n') times these
norms (its option `feature_dim`), the root mean square in the unit of the trained n, gives each coordinate features of
the trained size again. It is the model as shipped in all else. That the trained size is the right one is tried by
halves and doubles of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .... import l2o
from ....l2o.optimizers.go_math_l2o import GoMathL2O
from ...runs.inspection import as_numpy
from ...support.plain import plain
from ._cost import Interval, interval, iterations, over
from ._measure import Field


@dataclass(frozen=True)
class Rescaled:
    """Median iterations of a model `shipped` and with features `rescaled` to its trained number of variables.

    `half` and `twice`: with features of half and twice that size. None where half of the instances or more have
    not converged within the horizon. `ratio` of shipped to rescaled.
    """

    model: str
    level: str
    variables: int
    shipped: float | None
    rescaled: float | None
    half: float | None
    twice: float | None
    ratio: Interval


HORIZON = 120
"""Steps that are counted at most; what needs more is not mended."""


def rescaled(
    model: str, optimizer: Any, at: Field, trained_dim: int, horizon: int, eps: float, seed: int
) -> Rescaled | None:
    """The runs on a field; None for a model that does not divide by norms at x_0."""
    if not isinstance(optimizer, GoMathL2O):
        return None
    there = []
    for size in (None, trained_dim, 4 * trained_dim, trained_dim / 4):
        resized = replace(optimizer, feature_dim=size)
        run = l2o.rollout(resized, at.problem, at.x0, min(horizon, HORIZON), seed=seed, record="scalars")
        there.append(iterations(as_numpy(run.objective), at.optimum, eps))
    shipped, mended, half, twice = (plain(np.median(t.high)) for t in there)
    ratio = interval(over(there[0], there[1]))
    return Rescaled(model, at.level.label, at.problem.dim, shipped, mended, half, twice, ratio)
