"""Which of two models loses less to a shift, instance by instance.

loss(model) = T'(model) / T(model) is its slowdown; the ratio of two is that of their excesses over any yardstick, which
cancels. The first model loses less where the ratio is below 1. Beside it the plain comparison T'(first) / T'(second):
a model may lose less and still be the slower one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from verification.drift._cost import Interval, interval, over
from verification.drift._measure import DELTA, Field, Trace
from verification.guarantees import proportion_interval


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


def compare(
    names: tuple[str, str], at: Field, practical: bool, traces: list[tuple[Trace, Trace]], eps: float
) -> Comparison:
    """`traces`: of each of the two models, on the field `at` and in distribution."""
    (one, own_one), (two, own_two) = traces
    there = over(one.iterations[eps], two.iterations[eps])
    ratio = over(there, over(own_one.iterations[eps], own_two.iterations[eps]))
    less, more = int((ratio.high < 1).sum()), int((ratio.low > 1).sum())
    share = None
    if less + more:
        low, high = proportion_interval(less, less + more, DELTA)
        share = (float(low), float(high))
    rest = int(np.size(ratio.low)) - less - more
    where = (at.shift, at.level.label, practical, at.level.control)
    return Comparison(*names, *where, less, more, rest, share, interval(ratio), interval(there))
