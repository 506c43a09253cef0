"""What a shift costs a model, apart from what it costs everyone.

T is the number of iterations until F(x_k) - F* <= eps (F(x_0) - F*). Where F* is an interval, or the horizon is too
short, T is an interval too, and all that follows is computed from its ends. With T' out of distribution,

    slowdown = T'(model) / T(model),    excess = slowdown of the model / slowdown of a classical method,

instance by instance. The slowdown of the classical method says how much harder the problem itself has become; an excess
above 1 is what the model loses beyond that. Medians over instances have an interval that holds for any distribution
(order statistics, `verification.studies.speedup.ratios`). A classical method is a yardstick and not the difficulty
itself: another one gives another excess, so two are given.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...optima import Optimum
from ...optima.gaps import first_below, gaps, relative_to_start
from ...statistics.censored import Censored, factors, median
from ...support.plain import plain

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """The median over instances in [low, high] (equal unless some are censored), in [lower, upper] with confidence.

    None stands for what has no bound.
    """

    low: float | None
    high: float | None
    lower: float | None
    upper: float | None

    @property
    def above(self) -> bool:
        """Whether all of it is above 1: slower, with confidence."""
        return self.lower is not None and self.lower > 1

    @property
    def below(self) -> bool:
        """Whether all of it is below 1."""
        return self.upper is not None and self.upper < 1

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers (JSON)."""
        return asdict(self)


@dataclass(frozen=True)
class Cost:
    """Iterations to the share `eps` of the initial gap, for B instances.

    `reached` of them are there for sure within the horizon. `iterations` is the median over all, counting the horizon
    for the others (None where half of them or more have not converged). `slowdown` against the same model in
    distribution, `excess` that over the slowdown of each yardstick, by name.
    """

    eps: float
    reached: int
    iterations: float | None
    slowdown: Interval
    excess: dict[str, Interval]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers (JSON)."""
        return asdict(self)


def iterations(objective: np.ndarray, optimum: Optimum, eps: float) -> Censored:
    """T of each instance from F(x_k), (B,K+1): at least the first k that may be there, at most the first that is.

    Not converged within K: at least K, at most inf. NaN, of a run that diverged, is never converged.
    """
    first = first_below(relative_to_start(gaps(objective, optimum)), eps)
    # an instance that is there at its start would divide by 0; one iteration is the least that is counted
    return Censored(np.maximum(first.low, 1.0), np.maximum(first.high, 1.0))


def over(first: Censored, second: Censored) -> Censored:
    """first / second, instance by instance; both positive, the upper ends may be inf and the lower ends 0."""
    return factors(first, second, np.zeros(len(first.low), dtype=bool))


def interval(values: Censored) -> Interval:
    """The median of the values and its interval."""
    middle = median(values, LEVEL)
    return Interval(*(plain(v) for v in (middle.low, middle.high, middle.lower, middle.upper)))


def cost(eps: float, ood: Censored, ind: Censored, yardsticks: dict[str, tuple[Censored, Censored]]) -> Cost:
    """`yardsticks`: name -> iterations out of and in distribution, on the same instances."""
    slowdown = over(ood, ind)
    there = np.isfinite(ood.high)
    middle = float(np.median(np.where(there, ood.high, np.inf)))
    return Cost(
        eps,
        int(there.sum()),
        plain(middle),
        interval(slowdown),
        {name: interval(over(slowdown, over(out, within))) for name, (out, within) in yardsticks.items()},
    )


def point(ood: Censored, ind: Censored, out: Censored, within: Censored) -> np.ndarray:
    """(B,) excess with the horizon in the place of what has not been reached, for rank correlations."""
    return (ood.low / ind.low) / (out.low / within.low)
