"""Independent comparison of certified intervals with cvxpy and Clarabel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...l2o.problems import Composite
from ..errors import VerificationError
from . import _conic
from ._directed import up, value_error

ACCURACY = 1e-5
"""Agreement asked of the value that Clarabel reports, relative to max(1, |F*|).

On l1-logistic problems its default tolerances have been seen to leave gaps of 7e-6; a wrong model is off by
far more.
"""


class CrossCheckError(VerificationError, RuntimeError):
    """An independent solver's point lies below a certified lower bound: one of the two is wrong."""


@dataclass(frozen=True)
class CrossCheck:
    """One instance against cvxpy and Clarabel.

    value is what the solver reports, objective F at its point as evaluated here; agrees says whether both fit
    the interval; note says what was off, or why the solver gave no point (then value and objective are None).
    """

    index: int
    value: float | None
    objective: float | None
    agrees: bool
    note: str | None = None


def sample(batch: int, count: int) -> list[int]:
    """`count` instances of a batch, always the same ones."""
    chosen = np.random.default_rng(20250614).choice(batch, size=min(count, batch), replace=False)
    return sorted(int(b) for b in chosen)


def cross_check(p: Composite, lower: np.ndarray, upper: np.ndarray, index: int) -> CrossCheck:
    """Solve instance `index` of p again and compare.

    Raises `CrossCheckError` if the solver's point has an objective below the certified lower bound.
    """
    try:
        point, value = _conic.solve(p, index, _conic.CHAIN[0])
    except _conic.ConicError as failure:
        return CrossCheck(index, None, None, False, f"Clarabel gave no point ({failure})")
    one = p.select([index])
    # Interior-point solutions may leave a box by their feasibility tolerance.
    x = torch.from_numpy(point).reshape(1, -1)
    x = torch.where(torch.isfinite(one.objective(x)).reshape(-1, 1), x, one.prox(x, 1.0))
    objective = float(one.objective(x)[0])
    highest = float(up(one.objective(x), value_error(one, x))[0])
    low, high = float(lower[index]), float(upper[index])
    if highest < low:
        raise CrossCheckError(
            f"instance {index}: cvxpy and Clarabel reach F = {objective!r}, below the certified lower bound "
            f"{low!r}; the certificate or the objective of {p.name} is wrong, please report it."
        )
    slack = ACCURACY * max(1.0, abs(high))
    outside = max(value - high, low - value if np.isfinite(low) else 0.0)
    if not outside <= slack:
        note = f"Clarabel reports F* = {value:.12g}, {outside:.2e} outside of the interval [{low:.12g}, {high:.12g}]"
        return CrossCheck(index, value, objective, False, note)
    return CrossCheck(index, value, objective, True)
