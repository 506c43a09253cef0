"""The stability boundary of B14 against rollouts: a grid of frozen (r, Q, B), and the c that a model survives.

A rollout is of the optimizer itself on a quadratic with modes from L/kappa to L, minimiser 0, so that x_k is the error.
One rollout covers all r and kappa of a (Q, B): its step is s, and instances of L = r/s have R L = r.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....l2o.optimizers.scheduled import Scheduled
from ._theory import modes_stable

Predict = Callable[..., np.ndarray]
MODES = 8


def frozen(step: float, q: float, b: float, steps: int) -> Scheduled:
    """GO-Math-L2O with the same (R, Q, B) at each step, displacement map."""
    return Scheduled("go_math", np.full(steps, step), np.tile([q, b], (steps, 1)))


@torch.no_grad()
def growth(optimizer: Any, L: np.ndarray, kappa: np.ndarray, steps: int) -> np.ndarray:
    """(I,) the observed factor per step, in the last half of a rollout, on quadratics with modes L/kappa..L.

    The largest (x, v) of the last quarter against that of the quarter before, both over `steps`/4 steps; inf where
    the run leaves floats, 0 where it has decayed below the normal numbers (there rounding may keep it from 0). All
    modes start alike.
    """
    spectrum = np.stack([high * np.logspace(0, -np.log10(k), MODES) for high, k in zip(L, kappa)])
    forms = np.zeros((len(L), MODES, MODES))
    forms[:, np.arange(MODES), np.arange(MODES)] = spectrum
    problem = l2o.quadratic(forms, np.zeros((len(L), MODES)))
    state = optimizer.init(problem, torch.ones(len(L), MODES, dtype=torch.float64))
    sizes = np.empty((steps, len(L)))
    for k in range(steps):
        state = optimizer.step(problem, state)
        sizes[k] = torch.maximum(state.x.abs().amax(-1), state.memory.abs().amax(-1)).numpy()
    quarter = steps // 4
    before, last = sizes[-2 * quarter : -quarter].max(axis=0), sizes[-quarter:].max(axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(last < np.finfo(np.float64).tiny, 0.0, last / before)
    return np.where(np.isfinite(sizes).all(axis=0), ratio, np.inf) ** (1 / quarter)


@dataclass(frozen=True, eq=False)
class StabilityMap:
    """Frozen (r, Q) for one B and kappa: `predicted` and `observed` (nQ,nR) stable, `clear` (nQ,nR) off the boundary.

    A point is clear where the prediction is the same at all of (r (1 +- margin), Q +- margin).
    """

    b: float
    kappa: float
    r: np.ndarray
    q: np.ndarray
    margin: float
    predicted: np.ndarray
    observed: np.ndarray
    factor: np.ndarray
    clear: np.ndarray

    @property
    def disagreements(self) -> list[tuple[float, float]]:
        """The (r, Q) off the boundary at which prediction and rollout differ: there should be none."""
        rows, columns = np.nonzero(self.clear & (self.predicted != self.observed))
        return [(float(self.r[j]), float(self.q[i])) for i, j in zip(rows, columns)]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers (JSON)."""
        return {
            "b": self.b,
            "kappa": self.kappa,
            "r": self.r.tolist(),
            "q": self.q.tolist(),
            "margin": self.margin,
            "points": int(self.clear.size),
            "clear": int(self.clear.sum()),
            "predicted": self.predicted.tolist(),
            "observed": self.observed.tolist(),
            "disagreements": [list(pair) for pair in self.disagreements],
        }


def stability_maps(
    r: Sequence[float] | np.ndarray,
    q: Sequence[float] | np.ndarray,
    bs: Sequence[float],
    kappas: Sequence[float],
    *,
    steps: int,
    margin: float,
    predict: Predict = modes_stable,
    make: Callable[[float, float, float, int], Any] = frozen,
    progress: Callable[[], None] | None = None,
) -> tuple[StabilityMap, ...]:
    """A map for each B and kappa. `predict(r, q, b, kappa)` says stable or not, `make(step, q, b, steps)` runs."""
    steps_tried, weights = np.asarray(r, dtype=float), np.asarray(q, dtype=float)
    L, kappa = np.tile(steps_tried, len(kappas)), np.repeat(np.asarray(kappas, dtype=float), len(steps_tried))
    maps = []
    for b in bs:
        rows = []
        for weight in weights:
            one = growth(make(1.0, float(weight), float(b), steps), L, kappa, steps)
            rows.append(one.reshape(len(kappas), len(steps_tried)))
            if progress is not None:
                progress()
        factors = np.stack(rows, axis=1)  # (kappa, q, r)
        for k, factor in zip(kappas, factors):
            at = predict(steps_tried[None, :], weights[:, None], b, k)
            corners = [
                predict(steps_tried[None, :] * (1 + i * margin), weights[:, None] + j * margin, b, k)
                for i in (-1, 1)
                for j in (-1, 1)
            ]
            clear = np.all([c == at for c in corners], axis=0)
            maps.append(StabilityMap(float(b), float(k), steps_tried, weights, margin, at, factor < 1, factor, clear))
    return tuple(maps)


@dataclass(frozen=True)
class Survives:
    """The c that (r, Q, B) survives where c L is declared on a problem with condition number kappa.

    `predicted` by B14 and `observed` on rollouts: (least, greatest) c of [c_low, c_high]; an end that is not within
    is None. `stable` at c = 1 by B14; `agree`: each end agrees within `resolution`, the ratio of the c tried, or both
    find none.
    """

    name: str
    r: float
    q: float
    b: float
    kappa: float
    predicted: tuple[float | None, float | None]
    observed: tuple[float | None, float | None]
    none_predicted: bool
    none_observed: bool
    stable: bool
    resolution: float

    @property
    def agree(self) -> bool:
        """Whether theory and rollouts name the same ends."""
        if self.none_predicted or self.none_observed:
            return self.none_predicted == self.none_observed
        return all(_near(a, b, self.resolution) for a, b in zip(self.predicted, self.observed))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers (JSON)."""
        return {**asdict(self), "predicted": list(self.predicted), "observed": list(self.observed), "agree": self.agree}


def _near(a: float | None, b: float | None, resolution: float) -> bool:
    if a is None or b is None:
        return a is b
    return max(a / b, b / a) <= resolution * (1 + 1e-9)


def survives(
    name: str,
    r: float,
    q: float,
    b: float,
    kappa: float,
    *,
    c_range: tuple[float, float] = (0.1, 10.0),
    count: int = 321,
    steps: int = 2000,
    predict: Predict = modes_stable,
) -> Survives:
    """Which c of a grid in `c_range` leave (r, Q, B) stable: a declared c L divides r by c."""
    c = np.geomspace(*c_range, count)
    predicted = predict(r / c, q, b, kappa)
    observed = growth(frozen(1.0, q, b, steps), r / c, np.full(count, kappa), steps) < 1
    at_one = bool(predict(np.array([r]), q, b, kappa)[0])
    return Survives(
        name, float(r), float(q), float(b), float(kappa), _ends(c, predicted), _ends(c, observed),
        not predicted.any(), not observed.any(), at_one, float(c[1] / c[0]) ** 2,
    )  # fmt: skip


def _ends(c: np.ndarray, survived: np.ndarray) -> tuple[float | None, float | None]:
    """The first and the last c that is kept, None where that is the end of the grid or there is none."""
    places = np.flatnonzero(survived)
    if places.size == 0:
        return None, None
    first, last = int(places[0]), int(places[-1])
    return (None if first == 0 else float(c[first])), (None if last == len(c) - 1 else float(c[last]))
