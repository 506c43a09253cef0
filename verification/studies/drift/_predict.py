"""Whether the distance of the features orders the costs: the paper's claim, asked of measured runs.

Three rank correlations (Spearman) of a predictor with the excess of iterations, over B instances at J levels:

- `pooled`: over all J B pairs of one shift. Stronger levels of most shifts have both larger, so this says that the
  predictor tells levels apart;
- `within`: the mean over the levels of the correlation over instances at one level. This says that it tells instances
  apart;
- `levels`: over all practical levels of all shifts, of the medians over instances. This says that it compares shifts.

Intervals are those of `statistics.rank_correlation`; nothing is proved, and a correlation is no cause.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """Spearman's `value` of `predictor` with the excess, with its interval; None where one of the two does not vary.

    `shift` is "" for the correlation over the levels of all practical shifts.
    """

    model: str
    shift: str
    predictor: str
    way: str
    instances: int
    levels: int
    value: float | None
    low: float | None
    high: float | None

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out 0, else 0."""
        if self.low is None or self.high is None:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "sign": self.sign}
