"""The table of B12 measured: every row whose optimizer exists is run under the three changes of variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ... import l2o
from ...bounds.equivariance import EQUIVARIANCE_TABLE, NO, TRANSFORMS, UP_TO_EPS, YES, Equivariance
from ...l2o import Composite, InputError
from .equivariance import (
    BROKEN,
    EQUIVARIANT,
    EquivarianceResult,
    check_equivariance,
    rescaling,
    scaling,
    translation,
)

AS_EXPECTED, OTHERWISE, OPEN, ABSENT = "as expected", "not as expected", "undecided", "not available"


@dataclass(frozen=True, eq=False)
class EquivarianceCell:
    """One entry of the table: what is expected ("yes", "no", "up to eps"), what was measured, and how they compare.

    `status`: "as expected", "not as expected", "undecided", or "not available" where the optimizer does not exist
    (then `measured` is None). `measured_limit` is the run under the options of the limit, for "up to eps".
    """

    row: Equivariance
    transform: str
    expected: str
    measured: EquivarianceResult | None
    measured_limit: EquivarianceResult | None
    status: str

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        measured = {} if self.measured is None else self.measured.to_dict()
        return {
            "name": self.row.name,
            "optimizer": self.row.optimizer,
            "options": dict(self.row.options),
            "transform": self.transform,
            "expected": self.expected,
            "measured": measured.get("verdict"),
            "worst_relative_defect": measured.get("worst_relative_defect"),
            "status": self.status,
        }


@dataclass(frozen=True, eq=False)
class EquivarianceTable:
    """Every entry of the table of B12."""

    cells: tuple[EquivarianceCell, ...]

    def count(self, status: str) -> int:
        """Number of entries with a status.

        Args:
            status: "as expected", "not as expected", "undecided" or "not available".

        Returns:
            The number.
        """
        return sum(cell.status == status for cell in self.cells)

    @property
    def agrees(self) -> bool:
        """Whether every entry that could be run is as expected."""
        return all(cell.status in (AS_EXPECTED, ABSENT) for cell in self.cells)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {
            "agrees": self.agrees,
            "counts": {s: self.count(s) for s in (AS_EXPECTED, OTHERWISE, OPEN, ABSENT)},
            "cells": [cell.to_dict() for cell in self.cells],
        }

    def summary(self) -> str:
        """One line a row: what was measured under each change, and what is expected where that differs."""
        lines = []
        for start in range(0, len(self.cells), len(TRANSFORMS)):
            cells = self.cells[start : start + len(TRANSFORMS)]
            lines.append(f"{cells[0].row.name}: " + ", ".join(f"{c.transform} {_words(c)}" for c in cells))
        counts = ", ".join(f"{n} {s}" for s, n in self.to_dict()["counts"].items() if n)
        return "\n".join([*lines, f"{len(self.cells)} entries: {counts}"])


def _words(cell: EquivarianceCell) -> str:
    if cell.measured is None:
        return f"{cell.expected} ({ABSENT})"
    size = f"{cell.measured.worst:.1g}"
    if cell.status == AS_EXPECTED:
        return f"{cell.expected} ({size})"
    return f"{cell.status.upper()}: expected {cell.expected}, measured {cell.measured.verdict} ({size})"


def equivariance_table(
    problem: Composite | None = None,
    x0: Any = None,
    steps: int = 20,
    *,
    t: Any = 1.7,
    c: Any = 300.0,
    a: Any = 0.05,
    seed: int = 0,
    rows: Iterable[Equivariance] = EQUIVARIANCE_TABLE,
) -> EquivarianceTable:
    """Run rows of B12 and compare what happens with what is expected.

    Learned optimizers have random weights: the statements are of the architecture, not of the training. "no" is
    confirmed by a clear violation; "up to eps" where the limit eps -> 0 is equivariant.

    Args:
        problem: A problem; by default a small LASSO. Methods without a prox run on its smooth term alone.
        x0: (B,n) where the runs start.
        steps: Steps of each run.
        t: Translation, in the unit of x.
        c: Factor of F, > 0.
        a: Factor of x, > 0.
        seed: Draws the weights of learned optimizers.
        rows: Rows of the table; all by default.

    Returns:
        What is expected and what was measured, row by row.

    Raises:
        InputError: For fewer than 3 steps, and for numbers out of range.
    """
    if problem is None:
        problem = l2o.synthetic.lasso(3, 10, 20, seed=1)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 3:
        raise InputError(f"equivariance_table: expected steps >= 3, for memory acts late, got {steps!r}.")
    x0 = l2o.synthetic.starts(problem, seed=seed) if x0 is None else problem.point(x0, "x0")
    smooth = Composite(problem.smooth, l2o.zero())
    transforms = {"translation": translation(t), "scaling": scaling(c), "rescaling": rescaling(a)}

    def measure(row: Equivariance, transform: str, options: Mapping[str, Any]) -> EquivarianceResult:
        learned = "seed" in l2o.optimizers.option_names(row.optimizer)
        optimizer = l2o.optimizer(row.optimizer, **({"seed": seed} if learned else {}), **options)
        return check_equivariance(optimizer, smooth if row.smooth_only else problem, x0, steps, transforms[transform])

    available, cells = set(l2o.optimizer_names()), []
    for row in rows:
        for transform in TRANSFORMS:
            expected = row.expected(transform)
            if row.optimizer not in available:
                cells.append(EquivarianceCell(row, transform, expected, None, None, ABSENT))
                continue
            measured = measure(row, transform, row.options)
            limit = measure(row, transform, {**row.options, **row.limit}) if expected == UP_TO_EPS else None
            cells.append(EquivarianceCell(row, transform, expected, measured, limit, status(expected, measured, limit)))
    return EquivarianceTable(tuple(cells))


def status(expected: str, measured: EquivarianceResult, limit: EquivarianceResult | None = None) -> str:
    """How a measurement compares with "yes", "no" or "up to eps" (judged by `limit`, the run with eps near 0)."""
    judged = limit if expected == UP_TO_EPS and limit is not None else measured
    agrees = {YES: EQUIVARIANT, NO: BROKEN, UP_TO_EPS: EQUIVARIANT}
    if judged.verdict == agrees[expected]:
        return AS_EXPECTED
    return OTHERWISE if judged.verdict in (EQUIVARIANT, BROKEN) else OPEN
