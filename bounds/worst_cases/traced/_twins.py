"""Two runs from two starts, where the question speaks of their difference alone: a run of differences.

Nothing bounds what both runs have in common. If both may be one run on which all other pairs of points satisfy their
inequalities strictly, multiples of it can be added to every instance, so that no proof can use these pairs: the only
inequalities left are between twins, a point of one run and the same point of the other. A function value occurs in two
of them, with opposite signs, so both have the same multiplier, and their sum is an inequality of differences.

A proof from fewer inequalities is one for all of them. The lower end does not rest on this either: its instance is made
of differences and a multiple of the common run, and every inequality is checked on it. On the common run functions are
c ||x||^2/2 + <w, x>, with c well inside of what their class allows, and operators c x + w.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from .._fractions import double
from .._model import FLOATS
from .._witness import Witness, slacks_at
from ._faces import without_useless
from ._forms import TracedForms
from ._frame import directions, rows_of
from ._model import Group, Name, TracedModel
from .classes import Class, Law
from .oracles import STAR
from .vectors import Coefficients, Vector

ZERO, ONE = Fraction(0), Fraction(1)
INSIDE, SHORT = 0.05, 1000
"""Where the curvature of the common run is between the least and the largest that a class allows: near the least, where
iterates move slowly and stay apart; and its largest denominator."""
SIZES = tuple(4**power for power in range(16))
"""Multiples of the common run that are tried where an instance has fractions."""
Twins = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class Common:
    """What both runs have in common: a run on a line, by name of its vectors, and the values at all points.

    `model` has all inequalities. `twins` are those between twins, `mirrored` one of two with the same multiplier beside
    the other, `gone` the vectors that are left out.
    """

    model: TracedModel
    line: Coefficients
    levels: list[Fraction]
    twins: frozenset[Name]
    mirrored: Mapping[Name, Name]
    gone: frozenset[str]

    @cached_property
    def whole(self) -> TracedModel:
        """The model that instances are checked on."""
        return without_useless(self.model)

    @cached_property
    def forms(self) -> TracedForms:
        """Its inequalities in fractions."""
        return TracedForms(self.whole)

    def instance(self, names: Sequence[str], differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All vectors (n, d + 1) and values, from the differences (m, d), which are those vectors less the twins.

        The common run has a direction of its own, and is as long as all inequalities but those between twins need.
        """
        whole, data = self.whole, self.whole.conic
        line = np.array([double(self.line.get(name, ZERO)) for name in whole.basis])
        basis = np.zeros((len(whole.basis), differences.shape[1] + 1))
        basis[[whole.index[name] for name in names], :-1] = differences
        left = np.einsum("rij,ij->r", data.blocks[0][1], basis @ basis.T)
        values = self._values(self._between(dict(zip(data.names, left)))).astype(float)
        left += values @ data.values
        common = self._values(self.levels).astype(float)
        room = np.einsum("rij,i,j->r", data.blocks[0][1], line, line) + common @ data.values
        others = np.array([name not in self.twins for name in data.names]) & (room < 0)
        square = 2 * float((left[others] / -room[others]).max(initial=1.0))
        basis[:, -1] = np.sqrt(square) * line
        return basis, values + square * common

    def witness(self, names: Sequence[str], witness: Witness) -> Witness | None:
        """The same in fractions and one dimension; None where no multiple that is tried is long enough."""
        whole, forms = self.whole, self.forms
        given = dict(zip(names, witness.vector))
        nothing = dict.fromkeys(whole.value_names, ZERO)
        for size in SIZES:
            vector = [given.get(name, ZERO) + size * self.line.get(name, ZERO) for name in whole.basis]
            left = {name: -rest for name, rest in slacks_at(forms, vector, nothing, rays=True).items()}
            levels = [one + size * size * other for one, other in zip(self._between(left), self.levels)]
            values = dict(zip(whole.value_names, self._values(levels)))
            if all(rest >= 0 for rest in slacks_at(forms, vector, values).values()):
                return Witness(vector, values, witness.metric)
        return None

    def _between(self, left: Mapping[Name, float | Fraction]) -> list:
        """Values at all points for which both inequalities between twins have the same room."""
        levels: list = [0] * len(self.levels)
        for one, other in self.mirrored.items():
            group, at = self.whole.place[one]
            half = (left[one] - left[other]) / 4  # the value at i less that at j is between two bounds
            levels[group.i[at]], levels[group.j[at]] = half, -half
        return levels

    def _values(self, levels: Sequence) -> np.ndarray:
        """The values of the model from those of all points, with 0 where each function has its 0."""
        whole = self.whole
        zero = {p.function: levels[at] for at, p in enumerate(whole.run.points) if whole.is_zero(at)}
        named = {whole.value_at(at): levels[at] - zero[p.function] for at, p in enumerate(whole.run.points)}
        return np.array([named[name] for name in whole.value_names], object)


def of_differences(model: TracedModel) -> TracedModel:
    """The model of what two runs differ by; the same one where a question is not of that kind."""
    run = model.run
    if not _only_differences(model):
        return model
    curvature = {name: _curvature(given) for name, given in run.classes.items()}
    if not all(curvature.values()):
        return model
    line = _common(model, curvature)
    at, slope = ([_product(getattr(p, part), line) for p in run.points] for part in ("x", "g"))
    twins = _twins(model, at)
    if twins is None:
        return model
    levels = []
    for p, x, g in zip(run.points, at, slope):
        c = curvature[p.function]
        levels.append(g * x - c * x * x / 2)  # c x^2/2 + w x with c x + w = g
    return _reduced(model, twins, line, levels)


def _product(vector: Vector, line: Coefficients) -> Fraction:
    return sum((w * line[name] for name, w in vector.entries.items() if name in line), ZERO)


def _only_differences(model: TracedModel) -> bool:
    """Whether there may be two runs of which only the difference is bounded, at a glance."""
    run = model.run
    if model.squares or run.tilts or run.infimum is not None or model.metric_values:
        return False
    if any(side.values for side in run.sides):
        return False
    count = dict.fromkeys(run.classes, 0)
    for p in run.points:
        if p.label == STAR:
            return False
        count[p.function] += 1
    return not any(n % 2 for n in count.values()) and max(count.values()) > 2


def _curvature(given: Class) -> Fraction:
    """c well inside of the class: its laws hold strictly for c ||x||^2/2, or c x; 0 where there is none."""
    least, most = 0.0, math.inf
    coefficients = []
    for law in given.laws:
        if law.rhs or (law.over, law.values, law.slope) not in (("ordered", True, ONE), ("pairs", False, ZERO)):
            return ZERO
        a, b, c = law.alpha, law.gamma - law.slope / 2, law.beta  # a c^2 + b c + beta < 0
        coefficients.append((a, b, c))
        inside = double(b * b - 4 * a * c)
        if a > 0 and inside > 0:
            ends = sorted((-double(b) + sign * math.sqrt(inside)) / (2 * double(a)) for sign in (-1, 1))
            least, most = max(least, ends[0]), min(most, ends[1])
        elif a == 0 and b < 0:
            least = max(least, double(-c / b))
        else:
            return ZERO
    chosen = Fraction(least + INSIDE * (min(most, least + 1) - least)).limit_denominator(SHORT)
    return chosen if chosen > 0 and all(a * chosen**2 + b * chosen + c < 0 for a, b, c in coefficients) else ZERO


def _common(model: TracedModel, curvature: Mapping[str, Fraction]) -> Coefficients:
    """A run on a line that the metric and what is bounded do not see, empty where there is none."""
    run = model.run
    rows = [{**(p.g - curvature[p.function] * p.x).entries, f"slope of {p.function}": -ONE} for p in run.points]
    rows += rows_of([model.goal, *(side.left for side in run.sides)], model.basis)
    total = Vector({})
    for direction in directions(rows, run.classes, model.basis).values():
        total = total + Vector(direction)
    return total.entries


def _twins(model: TracedModel, at: Sequence[Fraction]) -> Twins | None:
    """Pairs of points that are one on the common run; None where a point has no twin or several."""
    twins: dict[str, list[tuple[int, int]]] = {}
    for function in model.run.classes:
        places: dict[Fraction, list[int]] = {}
        for i, p in enumerate(model.run.points):
            if p.function == function:
                places.setdefault(at[i], []).append(i)
        if any(len(same) != 2 for same in places.values()):
            return None
        twins[function] = [(i, j) for i, j in places.values()]
    return twins


def _reduced(model: TracedModel, twins: Twins, line: Coefficients, levels: list[Fraction]) -> TracedModel:
    run = model.run
    groups = []
    mirrored: dict[Name, Name] = {}
    between: set[Name] = set()
    for group in model.groups:
        name_of = {(i, j): name for name, i, j in zip(group.names, group.i, group.j)}
        pairs = twins[group.function]
        names = [name_of[pair] for pair in pairs]
        between |= {*names, *(name_of[j, i] for i, j in pairs if (j, i) in name_of)}
        law = group.law
        if law.values:
            mirrored |= {name: name_of[j, i] for name, (i, j) in zip(names, pairs)}
            law = Law("pairs", alpha=2 * law.alpha, beta=2 * law.beta, gamma=2 * law.gamma - law.slope)
        groups.append(Group(group.function, law, names, [i for i, _ in pairs], [j for _, j in pairs]))
    apart = [(run.points[i], run.points[j]) for pairs in twins.values() for i, j in pairs]
    measured = [row for p, q in apart for row in ((p.x - q.x).entries, (p.g - q.g).entries)]
    measured += rows_of([model.goal, *(side.left for side in run.sides)], model.basis)
    # every form is one of differences, so that one vector for each direction that none of them measures may be 0
    gone = frozenset(directions(measured, {}, model.basis))
    return TracedModel(
        model.setting,
        FLOATS,
        basis=[name for name in model.basis if name not in gone],
        framed=run,
        groups=groups,
        others=model.others,
        goal=model.goal,
        dropped=model.dropped | gone,
        common=Common(model, line, levels, frozenset(between), mirrored, gone),
    )
