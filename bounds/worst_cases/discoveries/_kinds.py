"""Kinds of inequalities: names such as ("f", "2", "3") of runs of any length, sorted into families with an index k.

A name belongs to a kind by what stays the same from run to run: its function, whether a point is x*, the distance of
the two points along the run, and whether one of two distant points is the first or the last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

Name = tuple[str, ...]
LABEL = re.compile(r"([a-z]*)(\d+)")
STAR = "*"


@dataclass(frozen=True, order=True)
class Kind:
    """Inequalities that differ in k alone: `pattern` says how, with k in it, or is the whole name if it has no k."""

    head: tuple[str, ...]
    pattern: str

    def __str__(self) -> str:
        head = " ".join(self.head)
        return f"{head}[{self.pattern}]" if self.pattern else head


def ends_of(names: Iterable[Name]) -> dict[tuple[str, ...], tuple[int, int]]:
    """The first and the last point that inequalities are about, for each function."""
    ends: dict[tuple[str, ...], tuple[int, int]] = {}
    for name in names:
        head, labels = parted(name)
        for label in labels:
            if match := LABEL.fullmatch(label):
                k = int(match[2])
                first, last = ends.get(head, (k, k))
                ends[head] = min(first, k), max(last, k)
    return ends


def parted(name: Name) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Function (and law), and the labels of the points."""
    count = 0
    for label in reversed(name[1:]):
        if label != STAR and not LABEL.fullmatch(label):
            break
        count += 1
    return (name, ()) if not count else (name[:-count], name[-count:])


def kind_of(name: Name, ends: dict[tuple[str, ...], tuple[int, int]]) -> tuple[Kind, int]:
    """The kind of an inequality, and its k; k = 0 for what has none."""
    head, labels = parted(name)
    if not labels:
        return Kind(head, ""), 0
    if head == ("metric",) and labels[0] == str(ends[head][1]):
        return Kind(head, "last"), 0
    if len(labels) == 1 or STAR in labels:
        match = LABEL.fullmatch(labels[0] if labels[0] != STAR else labels[-1])
        if match is None:
            return Kind(head, " over ".join(labels)), 0
        index = f"{match[1]}k"
        return Kind(head, " over ".join(STAR if label == STAR else index for label in labels)), int(match[2])
    (a, i), (b, j) = ((m[1], int(m[2])) for label in labels if (m := LABEL.fullmatch(label)))
    first, last = ends[head]
    apart = j - i
    if abs(apart) <= 1:
        return Kind(head, f"{a}k over {b}k{apart:+d}" if apart else f"{a}k over {b}k"), i
    if i == last:
        return Kind(head, f"{a}last over {b}k"), j
    if j == last:
        return Kind(head, f"{a}k over {b}last"), i
    if i == first:
        return Kind(head, f"{a}first over {b}k"), j
    if j == first:
        return Kind(head, f"{a}k over {b}first"), i
    return Kind(head, f"{a}k over {b}k{apart:+d}"), i


def expendable(kind: Kind) -> tuple[int, str]:
    """Kinds in the order in which a proof should do without them: distant points first, forward steps last."""
    if kind == Kind(("metric",), "k"):  # if the least is the last, that alone is enough
        return -1000, ""
    apart = re.search(r"k([+-]\d+)$", kind.pattern)
    if apart:
        distance = int(apart[1])
        rank = -100 - abs(distance) if abs(distance) > 1 else (-2 if distance < 0 else 2)
    elif "first" in kind.pattern:
        rank = -50
    elif "last" in kind.pattern:
        rank = -40
    elif kind.pattern.endswith("over *"):
        rank = -3
    else:
        rank = 1 if STAR in kind.pattern else 0
    return rank, str(kind)
