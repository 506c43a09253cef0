"""The ledger of worst cases as the page shows it: which bounds are attained, which are loose, and by how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import bounds
from ..pages.text import count, join, number
from ..worst_cases.ledger import REASONS, number_of, to_dict, worst_case_ledger

Results = Mapping[str, Any]
SYMBOLS = {"attained": "✓", "loose": "≥", "violated": "✗", "not known": "?"}


@dataclass(frozen=True)
class Looseness:
    """Bounds with one number ("B6b") whose ratios to one question are the same everywhere, and these ratios.

    `names` are their numbers with forms, `rows` the rows of the first of them, one for each K, h and parameter.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    question: str
    rows: tuple[Results, ...]

    @property
    def number(self) -> str:
        """The number without a form."""
        return self.names[0].partition(":")[0]

    @property
    def label(self) -> str:
        """ "B6b, :bonus, :weighted": the number is written once."""
        first, *others = self.names
        return ", ".join([first, *(f":{name.partition(':')[2]}" for name in others)])

    @property
    def verdict(self) -> str:
        """The verdict of all rows, "violated" if that of any; "in part": attained at some rows, loose at others."""
        verdicts = {row["verdict"] for row in self.rows}
        if "violated" in verdicts:
            return "violated"
        if len(verdicts) == 1:
            return verdicts.pop()
        if "loose" not in verdicts:
            return "not known"
        return "in part" if "attained" in verdicts else "loose"

    @property
    def least(self) -> float | None:
        """The least ratio."""
        return min((row["ratio_low"] for row in self.rows if row["ratio_low"] is not None), default=None)

    @property
    def greatest(self) -> float | None:
        """The greatest ratio."""
        return max((row["ratio_high"] for row in self.rows if row["ratio_high"] is not None), default=None)

    @property
    def words(self) -> str:
        """The verdict in words."""
        verdicts = {row["verdict"] for row in self.rows}
        if self.verdict == "violated":
            return f"violated: {factor(self.least)} of the worst case"
        if self.verdict == "attained":
            return "attained"
        if self.verdict == "not known":
            return "not known"
        ratios = [row["ratio_low"] for row in self.rows if row["verdict"] == "loose"]
        least, most = min(ratios), max(ratios)
        span = f"by {factor(least)}" if same(least, most) else f"by {factor(least)} to {factor(most)}"
        opening = "attained in part, loose " if self.verdict == "in part" else "loose "
        return opening + span + (", in part not known" if "not known" in verdicts else "")

    @property
    def grid(self) -> str:
        """The K, the h and the other parameters it was asked at."""
        parts = [f"K = {_list(self.rows, 'steps')}", f"h = {_list(self.rows, 'step')}"]
        return "; ".join(parts + [text for text in dict.fromkeys(row["parameter"] for row in self.rows) if text])


def _list(rows: Sequence[Results], name: str) -> str:
    return ", ".join(f"{value:g}" for value in sorted({row[name] for row in rows}))


def factor(value: float | None) -> str:
    """A ratio to three digits; what is not 1 is not written as 1."""
    if value is None:
        return "?"
    text = f"{value:.3g}"
    return text if text != "1" or abs(value - 1) < 1e-9 else f"{value:.6g}"


def same(a: float | None, b: float | None) -> bool:
    """Whether two ratios are one to the accuracy that they are shown in."""
    return a is not None and b is not None and math.isclose(a, b, rel_tol=2e-3)


def measured(steps: Sequence[int], step_sizes: Sequence[float]) -> dict[str, Any]:
    """What the results hold: a row for each bound, question, K, h and parameter; and why others have none."""
    entries = worst_case_ledger(steps, step_sizes)
    without = [
        {"bound": key, "number": number_of(bounds.get(key)), "title": bounds.get(key).title, "why": why}
        for key, why in REASONS.items()
    ]
    return {"rows": [to_dict(entry) for entry in entries], "without": without}


def grouped(results: Results) -> list[Looseness]:
    """The rows by question; bounds with one number and the same ratios stand together."""
    by_bound: dict[tuple[str, str], list[Results]] = {}
    for row in _rows(results):
        by_bound.setdefault((row["bound"], row["question"]), []).append(row)
    groups: dict[Any, Looseness] = {}
    for (bound, question), rows in by_bound.items():
        values = tuple((r["steps"], r["step"], r["parameter"], r["verdict"], factor(r["ratio_low"])) for r in rows)
        number_of_bound = rows[0]["number"]
        key = (number_of_bound.partition(":")[0], question, values)
        before = groups.get(key)
        if before is None:
            groups[key] = Looseness((number_of_bound,), (bound,), question, tuple(rows))
        else:
            groups[key] = Looseness((*before.names, number_of_bound), (*before.keys, bound), question, before.rows)
    return list(groups.values())


def _rows(results: Results) -> Sequence[Results]:
    return (results.get("worst_cases") or {"rows": ()})["rows"]


def violated(results: Results) -> list[str]:
    """The numbers of the bounds that are below an exact worst case."""
    return list(dict.fromkeys(row["number"] for row in _rows(results) if row["verdict"] == "violated"))


def _attained(rows: Sequence[Results], keys: Sequence[str]) -> tuple[int, int]:
    """How many bounds are attained everywhere, and how many at some points only.

    A question over a part of a bound's class counts only where no other is asked: a bound may be loose on a part.
    """
    every, some = 0, 0
    for key in keys:
        rows_of = [row for row in rows if row["bound"] == key]
        reached = [row["verdict"] == "attained" for row in [r for r in rows_of if not r["narrower"]] or rows_of]
        every += all(reached)
        some += any(reached) and not all(reached)
    return every, some


def worst_case_words(results: Results) -> str:
    """What the ledger of worst cases says, in a few sentences computed from it."""
    rows = _rows(results)
    if not rows:
        return "No bound was held against a worst case."
    wrong = violated(results)
    keys = list(dict.fromkeys(row["bound"] for row in rows))
    attained, some = _attained(rows, keys)
    parts = []
    if wrong:
        parts.append(f"VIOLATED: {join(wrong)} below the exact worst case; such a bound is false")
    parts.append(
        f"of {count(len(keys), 'bound')} that claim a worst case {number(attained)} are attained at every point of the "
        f"grid and {number(some)} at some"
    )
    loose = [row for row in rows if row["verdict"] == "loose" and row["ratio_low"] is not None]
    if loose:
        most = max(loose, key=lambda row: row["ratio_low"])
        where = f"{most['question']}; K = {most['steps']}, h = {most['step']:g}"
        where += f", {most['parameter']}" if most["parameter"] else ""
        parts.append(f"the loosest is {most['number']}, by a factor of {factor(most['ratio_low'])} ({where})")
    if not wrong:
        parts.append("none is below the exact worst case")
    unknown = sum(row["verdict"] == "not known" for row in rows)
    if unknown:
        parts.append(f"of {count(unknown, 'point')} it is not known")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
