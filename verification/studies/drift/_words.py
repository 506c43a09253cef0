"""Intervals and cells in words, and which cells are spoken of."""

from __future__ import annotations

from ...pages.text import number
from ._cost import Interval
from ._measure import Cell
from ._run import Drift


def factor(interval: Interval) -> str:
    """ "×1.3 [1.1, 1.6]"; "at least" where censoring leaves the median open above."""
    ends = f"[{number(interval.lower)}, {'∞' if interval.upper is None else number(interval.upper)}]"
    if interval.high is None and not interval.low:
        return "not known"
    if interval.high is None:
        return f"at least ×{number(interval.low)} {ends}"
    middle = (
        number(interval.low) if interval.low == interval.high else f"{number(interval.low)} to {number(interval.high)}"
    )
    return f"×{middle} {ends}"


def place(cell: Cell) -> str:
    """The shift and its level."""
    return f"{cell.shift} {cell.level}"


def shifted(result: Drift, model: str, practical: bool = True) -> list[Cell]:
    """The model's cells out of distribution that apply: neither `none` nor the control."""
    cells = result.select(model=model, practical=practical, none=False, control=False)
    return [c for c in cells if c.applies]


def control(result: Drift, model: str) -> Cell | None:
    """The model's cell of another draw of the same distribution."""
    return next((c for c in result.select(model=model, control=True) if c.applies), None)
