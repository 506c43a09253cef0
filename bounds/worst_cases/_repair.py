"""Multipliers of the solver made exact: rational, >= 0, and balanced, so that every function value cancels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ._model import STAR, Model
from ._setting import Setting

BITS = 60


def rounded(names: list[tuple[str, ...]], multipliers: np.ndarray, bits: int = BITS) -> dict[tuple[str, ...], Fraction]:
    """Multipliers as binary fractions, what is below 0 or rounds to 0 left out."""
    unit = 2**bits
    found = {}
    for name, value in zip(names, multipliers):
        count = round(float(value) * unit)
        if count > 0 or name == ("initial",):
            found[name] = Fraction(count, unit)
    return found


def balanced(
    model: Model, entries: dict[tuple[str, ...], dict[str, Fraction]], multipliers: dict[tuple[str, ...], Fraction]
) -> dict[tuple[str, ...], Fraction] | None:
    """`multipliers` with the least inequalities added so that sum_j lambda_j values_j is the metric exactly.

    What is missing at a value is made up for by an inequality between its point and the minimiser, or, where the class
    has no minimiser, passed on to the value before. None where that is not possible.
    """
    found = dict(multipliers)
    missing = {name: Fraction(0) for name in model.value_names}
    for i, weight in model.metric_values:
        missing[model.value_names[i]] += weight
    for name, value in found.items():
        for node, weight in entries[name].items():
            missing[node] -= value * weight
    if missing.get("t"):
        best = max((name for name in found if name[0] == "metric"), key=lambda name: found[name], default=None)
        if best is None or found[best] + missing["t"] < 0:
            return None
        found[best] += missing.pop("t")
    missing.pop("t", None)
    starred = not model.setting.starless
    start = entries[("initial",)]
    order = sorted(missing, key=lambda n: int(n[1:].lstrip("y")), reverse=True)
    for node in [*order, *order[-2:]]:  # the initial condition may speak of two values, f_0 and r_0: look at both twice
        rest, missing[node] = missing[node], Fraction(0)
        if not rest:
            continue
        kind, label = node[0], node[1:]
        if starred:
            name = (kind, STAR, label) if rest > 0 else (kind, label, STAR)
        elif rest < 0 and (kind, label, STAR) in entries:
            name = (kind, label, STAR)
        elif label != "0" and kind + _before(label) in missing:
            before = _before(label)
            name = (kind, before, label) if rest > 0 else (kind, label, before)
            missing[kind + before] += rest
        elif rest > 0 and start.get(node, 0) > 0:
            name, rest = ("initial",), rest / start[node]
            for other, weight in start.items():
                missing[other] -= rest * weight * (other != node)
        else:
            return None
        found[name] = found.get(name, Fraction(0)) + abs(rest)
    if any(missing.values()):
        return None
    return {name: value for name, value in found.items() if value or name == ("initial",)}


def row_values(model: Model) -> dict[tuple[str, ...], dict[str, Fraction]]:
    """For each inequality that may occur its values by name: those of the model, and every pair of points."""
    found = {row.name: {model.value_names[i]: Fraction(w) for i, w in row.values} for row in model.rows}
    for kind, points in (("f", model.f_points), ("r", model.r_points)):
        labels = [p.label for p in points]
        if not model.setting.starless:
            labels.append(STAR)
        for i in labels:
            for j in labels:
                if i != j and (kind, i, j) not in found:
                    found[kind, i, j] = {kind + label: Fraction(w) for label, w in ((j, 1), (i, -1)) if label != STAR}
    return found


def dual_value(setting: Setting, multipliers: dict[tuple[str, ...], Fraction]) -> Fraction:
    """b'lambda: the multiplier of the initial condition, and what absolute errors cost."""
    total = multipliers.get(("initial",), Fraction(0))
    for name, value in multipliers.items():
        if name[0] == "absolute":
            total += value * setting.squared_error(int(name[1]))
    return total


def _before(label: str) -> str:
    """The label of the iterate before."""
    return str(int(label.lstrip("y")) - (not label.startswith("y")))
