"""Which of two models loses less to a shift, instance by instance.

loss(model) = T'(model) / T(model) is its slowdown; the ratio of two is that of their excesses over any yardstick, which
cancels. The first model loses less where the ratio is below 1. Over a whole shift each instance has the geometric mean
of its ratios at the levels, so that what is counted is instances still. Beside it the plain comparison T'(first) over
T'(second): a model may lose less and still be the slower one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...guarantees import proportion_interval
from ...statistics.censored import Censored
from ._cost import Interval, interval, over
from ._measure import DELTA, Field, Trace


@dataclass(frozen=True)
class Comparison:
    """`less`, `more`, `open`: instances on which `first` surely loses less, surely more, or neither (ties, censored).

    `share` is the Clopper-Pearson interval of the probability that it loses less, of those that are decided, None where
    none is. `ratio` of the losses and `ratio_there` of the iterations, medians with their intervals.
    """

    first: str
    second: str
    shift: str
    level: str
    practical: bool
    control: bool
    less: int
    more: int
    open: int
    share: tuple[float, float] | None
    ratio: Interval
    ratio_there: Interval

    @property
    def verdict(self) -> str:
        """The model that loses less, where the interval of the median ratio leaves out 1, else "open"."""
        return self.first if self.ratio.below else self.second if self.ratio.above else "open"

    @property
    def faster(self) -> str:
        """The model that needs fewer iterations under the shift, or "open"."""
        return self.first if self.ratio_there.below else self.second if self.ratio_there.above else "open"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "verdict": self.verdict, "faster": self.faster}


ALL = "all levels"


def compare(
    names: tuple[str, str], at: Field, practical: bool, traces: list[tuple[Trace, Trace]], eps: float
) -> Comparison:
    """`traces`: of each of the two models, on the field `at` and in distribution."""
    where = (at.shift, at.level.label, practical, at.level.control)
    return _compared(names, where, *ratios(traces, eps))


def over_levels(
    names: tuple[str, str], shift: str, practical: bool, traces: list[list[tuple[Trace, Trace]]], eps: float
) -> Comparison:
    """`traces` at each level of the shift, as in `compare`."""
    by_level = [ratios(level, eps) for level in traces]
    means = [_geometric([pair[i] for pair in by_level]) for i in (0, 1)]
    return _compared(names, (shift, ALL, practical, False), *means)


def ratios(traces: list[tuple[Trace, Trace]], eps: float) -> tuple[Censored, Censored]:
    """Ratios of the losses and of the iterations, by instance."""
    (one, own_one), (two, own_two) = traces
    there = over(one.iterations[eps], two.iterations[eps])
    return over(there, over(own_one.iterations[eps], own_two.iterations[eps])), there


def _geometric(levels: list[Censored]) -> Censored:
    """The geometric mean over the levels, of each instance; ends that are 0 or inf stay so."""
    with np.errstate(divide="ignore"):
        low, high = (np.exp(np.mean([np.log(getattr(r, end)) for r in levels], axis=0)) for end in ("low", "high"))
    return Censored(low, high)


def _compared(
    names: tuple[str, str], where: tuple[str, str, bool, bool], ratio: Censored, there: Censored
) -> Comparison:
    less, more = int((ratio.high < 1).sum()), int((ratio.low > 1).sum())
    share = None
    if less + more:
        low, high = proportion_interval(less, less + more, DELTA)
        share = (float(low), float(high))
    rest = int(np.size(ratio.low)) - less - more
    shift, level, practical, control = where
    return Comparison(
        *names, shift, level, practical, control, less, more, rest, share, interval(ratio), interval(there)
    )
