"""Which local minimum: the end of a trained model against that of proximal gradient from the same start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....l2o import Composite
from ....l2o.runs.rollout import threads_for
from ...guarantees import proportion_interval
from ...runs.inspection import as_numpy, norm
from ._methods import PROXIMAL, TRAINED, safeguarded, trained
from ._problems import PAIRS, Case, l1_case

TOLERANCE = 1e-4
"""Values of F are equal where they differ by at most this share of F(x_0) less the lower of the two."""
SETTLED = 1e-5
"""A run has settled where its proximal-gradient step is at most this share of that at x_0."""
DELTA = 0.05
WORDS = ("lower", "equal", "higher", "not settled")


@dataclass(frozen=True)
class Minima:
    """Of n instances, F + the l1 norm: where a model ends against proximal gradient, after `horizon` steps each.

    `counts` and Clopper-Pearson intervals `low`, `high` (95 %, each by itself) for `lower`, `equal`, `higher` and
    `not settled` (either of the two runs). `restless`: instances on which the model has not settled, and `last_step`
    the median of its last step there over the proximal-gradient step at x_K, None if there are none. `least` and
    `most`: extremes of F_model - F_ista over F(x_0) - F_ista of the settled ones.
    """

    family: str
    shift: float
    method: str
    n: int
    horizon: int
    counts: dict[str, int]
    low: dict[str, float]
    high: dict[str, float]
    restless: int
    last_step: float | None
    least: float | None
    most: float | None


def minima(
    families: Sequence[str], shifts: Sequence[float], instances: int, horizon: int, seed: int
) -> tuple[Minima, ...]:
    """The shares for each family with the l1 norm, start and trained model."""
    rows: list[Minima] = []
    if instances == 0:
        return ()
    for family in families:
        for name, data in ((family, family), (PAIRS[family], family)):
            case = l1_case(name, data, instances, seed + 1)
            for shift in shifts:
                x0 = case.start(shift, seed + 1)
                plain, _ = endpoint(l2o.optimizer(PROXIMAL), case.problem, x0, horizon)
                for label, optimizer in _models(case).items():
                    end, before = endpoint(optimizer, case.problem, x0, horizon)
                    rows.append(compare(case.problem, x0, plain, end, before, (name, shift, label, horizon)))
    return tuple(rows)


def _models(case: Case) -> dict[str, Any]:
    """The trained models, and where f is not convex themselves under the safeguard."""
    optimizers: dict[str, Any] = {name: trained(name, case.family) for name in TRAINED}
    if not case.convex:
        optimizers |= {safeguarded(name): l2o.optimizer("safeguarded", base=optimizers[name]) for name in TRAINED}
    return optimizers


@torch.no_grad()
def endpoint(optimizer: Any, problem: Composite, x0: torch.Tensor, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(B,n) x_K and x_{K-1}."""
    seen = problem.remembering()
    state = optimizer.init(seen, x0, seed=0)
    before = state.x
    with threads_for(problem):
        for _ in range(steps):
            before, state = state.x, optimizer.step(seen, state)
    return state.x, before


def compare(
    problem: Composite,
    x0: torch.Tensor,
    plain: torch.Tensor,
    end: torch.Tensor,
    before: torch.Tensor,
    label: tuple[str, float, str, int],
) -> Minima:
    """Shares of the instances on which `end` (B,n) is lower than `plain` (B,n), equal to it, or higher.

    `before` (B,n) is the iterate before `end`.
    """
    start, one, other = (as_numpy(problem.objective(torch.nan_to_num(x))) for x in (x0, plain, end))
    at_rest = [_residual(problem, x) <= SETTLED * _residual(problem, x0) for x in (plain, end)]
    moved = norm(as_numpy(end - before))[~at_rest[1]] / _residual(problem, end)[~at_rest[1]]
    moved = moved[np.isfinite(moved)]
    settled = at_rest[0] & at_rest[1] & np.isfinite(as_numpy(end)).all(axis=1) & np.isfinite(other)
    size = start - np.minimum(one, other)
    apart = np.where(settled, other - one, 0.0)
    equal = np.abs(apart) <= TOLERANCE * np.abs(size)
    kinds = (settled & ~equal & (apart < 0), settled & equal, settled & ~equal & (apart > 0), ~settled)
    counts = {word: int(kind.sum()) for word, kind in zip(WORDS, kinds)}
    n = len(start)
    low, high = proportion_interval(np.array(list(counts.values())), n, DELTA)
    relative = (apart / np.abs(start - one))[settled & (start != one)]
    return Minima(
        *label[:3],
        n,
        label[3],
        counts,
        dict(zip(WORDS, map(float, low))),
        dict(zip(WORDS, map(float, high))),
        int((~at_rest[1]).sum()),
        float(np.median(moved)) if moved.size else None,
        float(relative.min()) if relative.size else None,
        float(relative.max()) if relative.size else None,
    )


def _residual(problem: Composite, x: torch.Tensor) -> np.ndarray:
    """(B,) ||x - T(x)||, T the proximal-gradient step; inf where x is not finite."""
    fine = torch.isfinite(x).all(-1)
    x = torch.where(fine.unsqueeze(-1), x, torch.zeros_like(x))
    step = (1 / problem.smoothness).unsqueeze(-1)
    moved = problem.nonsmooth.prox(x - step * problem.smooth.gradient(x), step)
    return np.where(as_numpy(fine.to(torch.float64)) > 0, norm(as_numpy(x - moved)), np.inf)
