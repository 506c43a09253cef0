"""What `optimum` returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import InputError
from ._cross_check import CrossCheck

GIVEN = "given"
"""The `certificate` of a lower end that the user gave: nothing proves it."""


def interval_width(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """upper - lower, inf where one of them is infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(lower) & np.isfinite(upper), upper - lower, np.inf)


def counted(names: Sequence[str]) -> str:
    """Names and how often each occurs, the most frequent first."""
    return ", ".join(f"{name} {n}" for name, n in Counter(names).most_common())


def relative_width(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """(upper - lower) / max(1, |F*|) with the smallest |F*| of the interval; inf where it is unbounded."""
    smallest = np.where(lower > 0, lower, np.where(upper < 0, -upper, 0.0))
    return interval_width(lower, upper) / np.maximum(1.0, smallest)


@dataclass(frozen=True, eq=False)
class Optimum:
    """Certified optimal values of a batch of B problems in n variables.

    lower, upper   (B,) float64, lower <= F* <= upper with all rounding accounted for; lower = -inf where no
                   dual value is known (see `reason`).
    x              (B,n) float64 points with F(x) <= upper.
    solver         per instance, the stage that produced the interval, as in "coordinate-descent+polish".
    certificate    per instance, the name of the certificate behind `lower`; "none" where lower = -inf, "given" where
                   the user gave it and nothing proves it.
    reason         per instance, None, or why the requested width was not reached.
    from_cache     whether the interval was read from disk.
    messages       what happened on the way that a user may want to know (cache files, failed solvers).
    cross_checked  comparisons with cvxpy and Clarabel.
    seconds        wall-clock time of the call.
    problem        `fingerprint()` of the problem the intervals belong to; "" where it is not known.
    """

    lower: np.ndarray
    upper: np.ndarray
    x: np.ndarray
    solver: tuple[str, ...]
    certificate: tuple[str, ...]
    reason: tuple[str | None, ...]
    from_cache: bool = False
    messages: tuple[str, ...] = ()
    cross_checked: tuple[CrossCheck, ...] = ()
    seconds: float = 0.0
    problem: str = ""

    def __repr__(self) -> str:
        count = f"{self.batch_size} instance{'' if self.batch_size == 1 else 's'}"
        least, greatest = f"{self.lower.min():.6g}", f"{self.upper.max():.6g}"
        values = least if least == greatest else f"{least} to {greatest}"
        return (
            f"Optimum({count}, F* {values}, relative width up to {self.relative_width.max():.2g}, "
            f"{counted(self.certificate)})"
        )

    @property
    def batch_size(self) -> int:
        """Number of instances B."""
        return len(self.lower)

    @property
    def width(self) -> np.ndarray:
        """(B,) upper - lower, inf where there is no lower bound."""
        return interval_width(self.lower, self.upper)

    @property
    def relative_width(self) -> np.ndarray:
        """(B,) width / max(1, |F*|), with the smallest |F*| in the interval."""
        return relative_width(self.lower, self.upper)

    @property
    def trusted(self) -> np.ndarray:
        """(B,) where `lower` is a number that the user gave and that nothing proves."""
        return np.array([name == GIVEN for name in self.certificate], dtype=bool)

    def select(self, index: int | Sequence[int] | np.ndarray) -> Optimum:
        """The optima of some of the instances. They belong to another problem, so `problem` is left empty.

        Args:
            index: Integers in 0..B-1.

        Returns:
            The optima of these instances, in this order.

        Raises:
            InputError: For an index out of range.
        """
        chosen = np.atleast_1d(np.asarray(index))
        size = self.batch_size
        if chosen.size == 0 or chosen.dtype.kind not in "iu" or chosen.min() < 0 or chosen.max() >= size:
            raise InputError(f"select: expected integers in 0..{size - 1}, at least one, got {chosen.tolist()[:8]}.")
        places = {int(b): k for k, b in reversed(list(enumerate(chosen)))}
        return replace(
            self,
            problem="",
            lower=self.lower[chosen],
            upper=self.upper[chosen],
            x=self.x[chosen],
            solver=tuple(self.solver[b] for b in chosen),
            certificate=tuple(self.certificate[b] for b in chosen),
            reason=tuple(self.reason[b] for b in chosen),
            cross_checked=tuple(replace(c, index=places[c.index]) for c in self.cross_checked if c.index in places),
        )
