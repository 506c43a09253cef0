"""One-dimensional worst cases of traced methods, in fractions: a numerical one, snapped, with values that fit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np

from .._conic import Data, Solution, solve, spectrum
from .._exact import descending, restricted
from .._fractions import double
from .._witness import SNAPS, Witness, slacks_at
from ._forms import TracedForms, at_points
from ._linear import KINDS
from ._model import Name
from .oracles import STAR

ZERO = Fraction(0)
Edge = tuple[str, str, Fraction]
MOST = 40
"""Points of a function up to which values are looked for along paths."""


ACTIVE = 1e-3
"""Multipliers below this share of the largest belong to inequalities that are tried without."""


def active(data: Data, solution: Solution) -> np.ndarray:
    """The inequalities that a solution uses, as a mask, and those that are of no class."""
    with np.errstate(invalid="ignore"):
        used = solution.multipliers > ACTIVE * np.nanmax(solution.multipliers, initial=0.0)
    return used | np.array([name[0] in ("initial", "error", "metric", *KINDS) for name in data.names], bool)


def candidates(data: Data, solution: Solution) -> Iterator[tuple[Data, Solution]]:
    """Problems of the same value, those of fewer inequalities first: they are solved to more digits, more often in one
    dimension.
    """
    for mask in (active(data, solution), descending(data.names)):
        if not mask.all():
            part = restricted(data, mask)
            less = solve(part)
            if abs(less.value - solution.value) <= 1e-5 * max(1e-6, abs(solution.value)):
                yield part, less
    yield data, solution


def line_witness(forms: TracedForms, solution: Solution) -> Witness | None:
    """The best instance of one dimension near the solver's; every inequality holds, all but the value is attained."""
    if not (np.isfinite(solution.value) and np.isfinite(solution.values).all()):
        return None
    weight, directions = spectrum(solution.grams[0])
    vector = directions[:, -1] * np.sqrt(max(weight[-1], 0.0))
    first = next((v for v in vector if abs(v) > 1e-9), 1.0)
    vector = vector * np.sign(first)
    best: Witness | None = None
    for snapped, named in _candidates(forms, vector, solution.values):
        metric = forms.metric_at(snapped, named)
        if abs(double(metric) - solution.value) > 1e-6 * max(1.0, abs(solution.value)):
            continue
        if best is not None and metric <= best.metric:
            continue
        if all(rest >= 0 for rest in slacks_at(forms, snapped, named).values()):
            best = Witness(snapped, named, metric)
            if abs(double(metric) - solution.value) <= 1e-9 * abs(solution.value):
                break
    return best


def _candidates(
    forms: TracedForms, vector: np.ndarray, values: np.ndarray
) -> Iterator[tuple[list[Fraction], dict[str, Fraction]]]:
    model = forms.model
    for most in SNAPS:
        snapped = [Fraction(float(v)).limit_denominator(most) for v in vector]
        p = np.array(snapped, object)
        near = {n: Fraction(float(v)).limit_denominator(most * most) for n, v in zip(model.value_names, values)}
        edges = _edges(forms, p)
        for chosen in (_highest(edges, model.run.reference), _lowest(edges, model.run.reference), {}):
            if chosen is None:
                continue
            named = near | {name: value for name, value in chosen.items() if name in near}
            if "t" in named:
                metric = [name for name in model.other if name[0] == "metric"]
                named["t"] = min(_expression_at(forms, name, snapped, named) for name in metric)
            yield snapped, named


def _expression_at(forms: TracedForms, name: Name, p: list[Fraction], named: dict[str, Fraction]) -> Fraction:
    """The expression of an entry of a metric; the left-hand side of its inequality is t less that."""
    rest = sum((w * named[node] for node, w in forms.values[name].items() if node != "t"), ZERO)
    return -forms.at(forms.model.other[name].left, p) - rest


def _edges(forms: TracedForms, p: np.ndarray) -> list[Edge]:
    """(i, j, c): the value i is at least the value j and c."""
    model = forms.model
    x, g = (part.dot(p) for part in forms.coordinates)
    edges = []
    for group in model.groups:
        if group.law.values and len(group.names) <= MOST * MOST:
            edges += [
                (model.value_at(i), model.value_at(j), at_points(group.law, x, g, i, j))
                for i, j in zip(group.i, group.j)
            ]
    name = model.run.infimum
    if name is not None:
        weight = model.run.classes[name].infimum
        assert weight is not None, "an infimum is asked of classes that have one"
        star = f"{name}[{STAR}]"
        edges += [
            (model.value_at(i), star, weight * g[i] * g[i])
            for i, q in enumerate(model.run.points)
            if q.function == name
        ]
    return edges


def _roots(reference: Mapping[str, str]) -> dict[str, Fraction]:
    return {f"{name}[{label}]": ZERO for name, label in reference.items()}


def _highest(edges: list[Edge], reference: Mapping[str, str]) -> dict[str, Fraction] | None:
    """The highest values that the inequalities leave: shortest paths from what is 0; None where there are none."""
    values = _roots(reference)
    for _ in range(MOST + 2):
        changed = False
        for i, j, c in edges:
            if i in values and (j not in values or values[j] > values[i] - c):
                values[j], changed = values[i] - c, True
        if not changed:
            return values
    return None


def _lowest(edges: list[Edge], reference: Mapping[str, str]) -> dict[str, Fraction] | None:
    """The lowest values that the inequalities leave."""
    mirrored = _highest([(j, i, c) for i, j, c in edges], reference)
    return None if mirrored is None else {name: -value for name, value in mirrored.items()}
