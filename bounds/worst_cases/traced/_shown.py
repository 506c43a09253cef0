"""Both ends of the worst case of a traced method, shown by the search that shows those of every other method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from ...evaluation.ball import Ball
from .. import _rigour
from .._conic import FINE, Data, Solution, solve
from .._envelope import CUTS, MARGINS, Envelope, _down, _Search
from .._fractions import double
from .._repair import rounded
from ._forms import TracedForms
from ._matrices import Maker
from ._model import Group, Name, TracedModel
from ._witness import candidates, line_witness

ZERO = Fraction(0)
NARROW = 1e-2
"""The gap that is looked for, in units of the largest of a closed answer: answers are compared with closed forms."""
SHORT = 1e-5
"""What the squares of all vectors cost, in units of the metric, where short ones are looked for."""
SIZES = (1e4, 1e2, 1.0)
"""Sizes of instances where none was found without: the first that one is found for."""
LESS_NARROW = 1e-1
"""The same where matrices have to be made: each further try takes longer there."""


class TracedSearch(_Search):
    """The best bounds so far of a traced question."""

    model: TracedModel

    def __init__(self, model: TracedModel, data: Data, solution: Solution, tolerance: float) -> None:
        self.model, self.tolerance = model, tolerance * (LESS_NARROW if model.squares else NARROW)
        self.data, self.solution = data, solution
        self.forms = TracedForms(model)
        self.lower = (-np.inf, None, None)
        self.upper = (None, None)

    def search(self, tight: bool) -> Envelope:
        """[lower, upper]; nothing is shown from below where points of a class need not be those of a member."""
        problems = list(candidates(self.data, self.solution))
        if tight and not self.model.run.tilts and not self.model.squares:
            self.witness([solution for _, solution in problems])
        for margin in MARGINS:
            for data, solution in problems:
                inner = solve(data, margin, margin)
                if np.isfinite(inner.value):
                    self._best_upper(data, solution.multipliers, inner.multipliers)
                if tight and data is self.data and np.isfinite(inner.value):
                    self._best_lower(solution, inner)
                    self._best_lower(problems[0][1], inner)
            if self.closed:
                break
        if tight and not self.closed:
            self.short()
        if tight and not np.isfinite(self.lower[0]):
            self.sized()
        result = self.result()
        return (
            result
            if tight
            else Envelope(self.model, -np.inf, result.upper, result.multipliers, None, None, ("", "solver"))
        )

    def short(self) -> None:
        """An instance with short vectors, where nothing bounds what a solver that looks inside makes long."""
        short = solve(self.data, 0.0, -SHORT)
        for margin in MARGINS:
            inner = solve(self.data, margin, -SHORT)
            if np.isfinite(short.value) and np.isfinite(inner.value) and inner.status in FINE:
                self._best_lower(short, inner)
                return

    def sized(self) -> None:
        """An instance where the solver finds no bound: squares of its vectors, and the metric, are at most a size."""
        index, matrices, goal = self.data.blocks[0]
        count = len(self.data.names)
        rows = np.append(index, [count, count + 1])
        sizes = np.stack([np.eye(len(goal)), goal])
        data = replace(
            self.data,
            names=[*self.data.names, ("size",), ("top",)],
            values=np.column_stack([self.data.values, np.zeros_like(self.data.metric), self.data.metric]),
            equality=np.append(self.data.equality, [False, False]),
            blocks=[(rows, np.concatenate([matrices, sizes]), goal), *self.data.blocks[1:]],
        )
        for size in SIZES:
            data = replace(data, rhs=np.append(self.data.rhs, [size, size]))
            for margin in MARGINS:
                inner = solve(data, margin, margin)
                if np.isfinite(inner.value) and np.isfinite(inner.grams[0]).all():
                    self._best_lower(solve(data), inner)
                if np.isfinite(self.lower[0]):
                    return

    def witness(self, solutions: list[Solution]) -> None:  # type: ignore[override]
        """A one-dimensional instance in fractions, the simplest there is."""
        lines = (line_witness(self.forms, one) for one in solutions)
        simple = next((w for w in map(self.model.full_witness, lines) if w is not None), None)
        if simple is not None:
            basis = np.array([[double(v)] for v in simple.vector])
            values = np.array([double(simple.values[name]) for name in self.model.whole.value_names])
            self.lower = (_down(simple.metric), basis, values)

    def shown_upper(self, data: Data, multipliers: np.ndarray) -> tuple[Fraction, dict] | None:
        """b'lambda of the repaired multipliers, if their matrix is shown to be positive semidefinite."""
        repaired = self.forms.balanced(rounded(data.names, multipliers, data.equality))
        if repaired is None:
            return None
        if not _rigour.positive_semidefinite(_rigour.ball_of(self.forms.slack_matrix(repaired))):
            return None
        return self.forms.bound(repaired), repaired

    def shown_lower(self, gram: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray] | None:
        """The best metric of an instance made of the Gram matrix."""
        best = None
        for cut in CUTS:
            basis, F = self.placed(_rigour.factor(gram, cut), values)
            if self.model.common is not None:
                basis, F = self.model.common.instance(self.model.basis, basis)
            metric = self.whole.certified(basis, F)
            if metric is not None and (best is None or metric > best[0] + self.tolerance / 100):
                best = (metric, basis, F)
        return best

    def placed(self, basis: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The vectors scaled just into what is bounded: the initial condition, and errors and sizes of classes."""
        data = self.data
        gram = basis @ basis.T
        left = np.einsum("rij,ij->r", data.blocks[0][1], gram) + values @ data.values
        bounded = data.rhs > 0
        most = float((left[bounded] / data.rhs[bounded]).max(initial=0.0))
        shrink = min(1.0, (1 - 1e-12) / most) if most > 0 else 1.0
        return basis * np.sqrt(shrink), values * shrink

    @cached_property
    def whole(self) -> TracedSearch:
        """What checks an instance: all inequalities of the question."""
        whole = self.model.whole
        return self if whole is self.model else TracedSearch(whole, whole.conic, self.solution, self.tolerance)

    @cached_property
    def _maker(self) -> Maker:
        return Maker(self.model)

    @cached_property
    def _exactly(self) -> tuple[Ball, Ball, dict[Name, Ball], Ball]:
        """x and g of all points, the matrices of what is no law, and that of the metric, as balls."""
        x, g = (_rigour.ball_of(part) for part in self.forms.coordinates)
        others = {
            one.name: _rigour.ball_of(self.forms.written(one.left))
            for one in self.model.others
            if one.name not in self.model.free
        }
        return x, g, others, _rigour.ball_of(self.forms.metric())

    def certified(self, basis: np.ndarray, values: np.ndarray) -> float | None:
        """The metric, from below, where every inequality holds with room to spare, shown; None elsewhere."""
        x, g, others, goal = self._exactly
        vectors = Ball(basis)
        named = {name: Ball(value) for name, value in zip(self.model.value_names, values)}
        if self.model.squares:  # matrices that are shown to be of their classes, and what they make of the vectors
            made = self._maker.made(basis, values)
            if made is None:
                return None
            vectors, named = made.vectors, named | made.named
            basis[:], values[:] = made.vectors.mid, made.levels  # what is attained is what they make
        gram = _rigour.product(vectors, _rigour.transposed(vectors))
        if self.model.groups:
            x, g = _rigour.product(x, vectors), _rigour.product(g, vectors)
            xx, gx, gg = (_rigour.product(a, _rigour.transposed(b)) for a, b in ((x, x), (g, x), (g, g)))
        for group in self.model.groups:
            left = _left(group, xx, gx, gg)
            if self.model.run.tilts:
                table = np.array([[self.forms.values[name].get(n, ZERO) for n in named] for name in group.names])
                column = Ball([float(named[n].mid) for n in named], [float(named[n].rad) for n in named])[:, None]
                part = _rigour.product(_rigour.ball_of(table), column)
                left = left + Ball(part.mid[:, 0], part.rad[:, 0])
            elif group.law.values:
                at = [self.model.value_at(p) for p in range(len(self.model.run.points))]
                levels = Ball([float(named[n].mid) if n in named else 0.0 for n in at],
                              [float(named[n].rad) if n in named else 0.0 for n in at])  # fmt: skip
                left = left + levels[group.j] - levels[group.i]
            if not ((Ball.rational(group.law.rhs) - left).lower > 0).all():
                return None
        least = []
        for name, right in ((one.name, one.right) for one in self.model.others):
            if name in self.model.free:  # they hold by what `Maker` showed
                continue
            left = self._at(others[name], gram, self.forms.values[name], named)
            if name[0] == "metric":  # t - expression <= 0: the least expression is what t may be
                least.append(float((named["t"] - left).lower))
            elif not float((Ball.rational(right) - left).lower) > 0:
                return None
        if least:
            return min(least)
        weights = {self.model.value_names[i]: w for i, w in self.model.metric_values}
        return float(self._at(goal, gram, weights, named).lower)

    def _at(self, matrix: Ball, gram: Ball, weights: Mapping[str, Fraction], named: Mapping[str, Ball]) -> Ball:
        total = (matrix * gram).sum(axis=0).sum(axis=0)
        for node, weight in weights.items():
            total = total + Ball.rational(weight) * named[node]
        return total


def _left(group: Group, xx: Ball, gx: Ball, gg: Ball) -> Ball:
    """The quadratic part of the inequalities of a law, at an instance; products are those of all points."""
    law, i, j = group.law, group.i, group.j
    total = Ball(np.zeros(len(i)))
    if law.over == "points":
        for weight, products in ((law.alpha, gg), (law.beta, xx), (law.gamma, gx)):
            if weight:
                total = total + Ball.rational(weight) * products[i, i]
        return total
    for weight, part in (
        (law.slope, lambda: gx[j, i] - gx[j, j]),
        (law.alpha, lambda: gg[i, i] - 2.0 * gg[i, j] + gg[j, j]),
        (law.beta, lambda: xx[i, i] - 2.0 * xx[i, j] + xx[j, j]),
        (law.gamma, lambda: gx[i, i] - gx[i, j] - gx[j, i] + gx[j, j]),
    ):
        if weight:
            total = total + Ball.rational(weight) * part()
    return total
