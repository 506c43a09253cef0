"""Failures by axis and cause, as a table and in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...pages.text import count, join
from ._causes import (
    CAUSES,
    CONDITIONING,
    INSTABILITY,
    PRECISION,
    SCALE,
    UNEXPLAINED,
    WRONG_L,
)
from ._cells import Cell
from ._points import DTYPES, FLOAT32
from ._run import AXES, Conditioning

MEANING = {
    PRECISION: "float32 is too coarse (float64 converges), or the run ends within a bound on its rounding",
    INSTABILITY: "grows, in float64 too, or cannot settle by B14",
    SCALE: "the same problem multiplied to the central L is solved",
    WRONG_L: "with the true L the same method converges, and no cause above is shown",
    CONDITIONING: "falls steadily, stable but too slow, as a gradient step does",
    UNEXPLAINED: "none of these is shown",
}


def failures(result: Conditioning) -> list[dict[str, Any]]:
    """A row for each axis and precision: runs, failed ones, and how many by cause."""
    rows = []
    for axis in AXES:
        for dtype in DTYPES:
            if dtype == FLOAT32 and axis not in ("kappa", "L"):
                continue
            chosen = result.select(axis, dtype=dtype)
            causes = result.failures(chosen)
            rows.append(
                {
                    "axis": axis,
                    "dtype": dtype,
                    "runs": sum(len(c.causes) for c in chosen),
                    "failed": sum(causes.values()),
                    **causes,
                }
            )
    return rows


def in_words(result: Conditioning) -> list[str]:
    """The table of failures in plain words, an axis a sentence."""
    sentences = []
    for row in failures(result):
        chosen = result.select(row["axis"], dtype=row["dtype"])
        parts = [f"{row[cause]} {_word(cause)} ({_most(chosen, cause)})" for cause in CAUSES if row[cause]]
        words = "; ".join(parts) if parts else "none"
        sentences.append(f"{row['axis']}, {row['dtype']}: {row['failed']} of {row['runs']} runs fail, {words}.")
    return sentences


def _word(cause: str) -> str:
    return cause if cause == UNEXPLAINED else f"by {cause}"


def _most(chosen: Sequence[Cell], cause: str) -> str:
    """The methods that fail most often by a cause."""
    by = {c.method: 0 for c in chosen}
    for c in chosen:
        by[c.method] += c.causes.count(cause)
    ranked = [f"{name} {n}" for name, n in sorted(by.items(), key=lambda pair: -pair[1]) if n]
    return join(ranked, 3)


def unexplained(result: Conditioning) -> str:
    """The failures without an explanation, counted."""
    chosen: list[tuple[Cell, str]] = [
        (c, words or "") for c in result.cells for cause, words in zip(c.causes, c.evidence) if cause == UNEXPLAINED
    ]
    if not chosen:
        return "No failure is left unexplained."
    by: dict[tuple[str, str], int] = {}
    for c, _ in chosen:
        by[c.method, c.family] = by.get((c.method, c.family), 0) + 1
    named = [f"{name} on {family} {n}" for (name, family), n in sorted(by.items(), key=lambda pair: -pair[1])]
    falling = sum(words.startswith("it still falls") for _, words in chosen)
    return (
        f"{count(len(chosen), 'failed run')} {'is' if len(chosen) == 1 else 'are'} not explained: {join(named, 12)}. "
        f"Still falling, but too slowly: {falling}; neither growing nor falling steadily: {len(chosen) - falling}."
    )
