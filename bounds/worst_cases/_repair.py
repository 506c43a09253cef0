"""Multipliers of the solver made exact: rational, >= 0, and balanced, so that every function value cancels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ._model import STAR, Model
from ._setting import Setting

BITS = 60


def rounded(
    names: list[tuple[str, ...]], multipliers: np.ndarray, equality: np.ndarray, bits: int = BITS
) -> dict[tuple[str, ...], Fraction]:
    """Multipliers as binary fractions; those of inequalities that are below 0 or round to 0 are left out."""
    unit = 2**bits
    fractions = {}
    for name, value, equation in zip(names, multipliers, equality):
        count = round(Fraction(float(value)) * unit)
        if count > 0 or (equation and count):
            fractions[name] = Fraction(count, unit)
    return fractions


def balanced(
    model: Model, entries: dict[tuple[str, ...], dict[str, Fraction]], multipliers: dict[tuple[str, ...], Fraction]
) -> dict[tuple[str, ...], Fraction] | None:
    """`multipliers` with the least inequalities added so that sum_j lambda_j values_j is the metric exactly.

    What is missing at a value is made up for by an inequality between its point and the minimiser, or, where the class
    has none, passed on to the value before; a multiplier is made smaller where there is no other way. None where there
    is no way at all, or only one below 0.
    """
    repaired = dict(multipliers)
    missing = {name: Fraction(0) for name in model.value_names}
    for i, weight in model.metric_values:
        missing[model.value_names[i]] += weight
    for name, value in repaired.items():
        for node, weight in entries[name].items():
            missing[node] -= value * weight
    if missing.get("t"):
        best = max((name for name in repaired if name[0] == "metric"), key=lambda name: repaired[name], default=None)
        if best is None or repaired[best] + missing["t"] < 0:
            return None
        repaired[best] += missing.pop("t")
    missing.pop("t", None)
    for _ in range(4):  # the initial condition may speak of two values, and what is passed on has to arrive
        for node, before in reversed(_in_order(model)):
            if missing.get(node) and not _mend(model, entries, repaired, missing, node, before):
                return None
    if any(missing.values()):
        return None
    signed = {("initial",)} if model.setting.initial == "gradient" else set()  # the one equation there may be
    if any(value < 0 for name, value in repaired.items() if name not in signed):
        return None
    return {name: value for name, value in repaired.items() if value}


def _in_order(model: Model) -> list[tuple[str, str | None]]:
    """The values of f and r along the run, each with the one before."""
    placed = []
    for kind, points in (("r", model.r_points), ("f", model.f_points)):
        before: str | None = None
        for point in points:
            place = int(point.label.lstrip("y")) + point.label.startswith("y") / 2
            placed.append((place, (kind + point.label, before)))
            before = kind + point.label
    return [pair for _, pair in sorted(placed, key=lambda item: item[0])]


def _mend(
    model: Model,
    entries: dict[tuple[str, ...], dict[str, Fraction]],
    repaired: dict[tuple[str, ...], Fraction],
    missing: dict[str, Fraction],
    node: str,
    before: str | None,
) -> bool:
    """Make up for what is missing at one value; whether there was a way."""
    rest, kind, label = missing[node], node[0], node[1:]
    options: list[tuple[str, ...]] = [(kind, STAR, label) if rest > 0 else (kind, label, STAR)]
    if before is not None:
        options.append((kind, before[1:], label) if rest > 0 else (kind, label, before[1:]))
    options.append(("initial",))
    for name in options:
        weight = entries.get(name, {}).get(node, Fraction(0))
        if weight * rest > 0:
            _add(entries, repaired, missing, name, rest / weight)
            return True
    # nothing to add: something is taken away, where there is enough of it
    users = [n for n, row in entries.items() if row.get(node, 0) * rest < 0 and repaired.get(n, 0) >= abs(rest)]
    if not users:
        return False
    name = max(users, key=lambda n: repaired[n])
    _add(entries, repaired, missing, name, rest / entries[name][node])
    return True


def _add(
    entries: dict[tuple[str, ...], dict[str, Fraction]],
    multipliers: dict[tuple[str, ...], Fraction],
    missing: dict[str, Fraction],
    name: tuple[str, ...],
    amount: Fraction,
) -> None:
    multipliers[name] = multipliers.get(name, Fraction(0)) + amount
    for node, weight in entries[name].items():
        missing[node] -= amount * weight


def row_values(model: Model) -> dict[tuple[str, ...], dict[str, Fraction]]:
    """For each inequality that may occur its values by name: those of the model, and every pair of points."""
    rows = {row.name: {model.value_names[i]: Fraction(w) for i, w in row.values} for row in model.rows}
    for kind, points in (("f", model.f_points), ("r", model.r_points)):
        labels = [p.label for p in points]
        if not model.setting.starless:
            labels.append(STAR)
        for i in labels:
            for j in labels:
                if i != j and (kind, j) not in model.tops and (kind, i, j) not in rows:
                    rows[kind, i, j] = {kind + label: Fraction(w) for label, w in ((j, 1), (i, -1)) if label != STAR}
    return rows


def dual_value(setting: Setting, multipliers: dict[tuple[str, ...], Fraction]) -> Fraction:
    """b'lambda: the multiplier of the initial condition, and what absolute errors cost."""
    total = multipliers.get(("initial",), Fraction(0))
    for name, value in multipliers.items():
        if name[0] == "absolute":
            total += value * setting.squared_error(int(name[1])) / setting.error_factor(name)
    return total
