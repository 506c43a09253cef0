"""The inequalities of a traced run in fractions: matrices, sums of them, slacks, and multipliers made to balance."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq_mat

from .._exact import fraction, rational
from .._witness import Forms
from ._linear import entry
from ._model import Group, Name, TracedModel, dense
from .classes import Law
from .vectors import Scalar

ZERO, ONE = Fraction(0), Fraction(1)

SMALL = Fraction(1, 10**8)
"""Multipliers below this share of the largest are tried as 0 where they cannot be kept."""


class TracedForms(Forms):
    """The `Forms` of a traced model."""

    def __init__(self, model: TracedModel) -> None:
        self.model: TracedModel = model
        self.sets = {}
        self.names: list[Name] = [name for group in model.groups for name in group.names]
        self.names += [one.name for one in model.others]
        self.values = {name: model.values_of(name) for name in self.names}

    @cached_property
    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """x and g of all points in fractions."""
        return self.model.coefficients

    def equation(self, name: Name) -> bool:
        """Whether the multiplier may be below 0."""
        return name in self.model.free

    def matrix(self, name: Name) -> np.ndarray | None:
        """M of an inequality."""
        if name in self.model.other:
            return self.written(self.model.other[name].left)
        group, at = self.model.place[name]
        law, x, g = group.law, *self.coordinates
        i, j = group.i[at], group.j[at]
        single = law.over == "points"
        gj = g[j]
        dx, dg = (x[i], g[i]) if single else (x[i] - x[j], g[i] - g[j])
        total = np.full((len(self.model.basis),) * 2, ZERO)
        for weight, a, b in ((law.slope, gj, dx), (law.alpha, dg, dg), (law.beta, dx, dx), (law.gamma, dg, dx)):
            if weight:
                total = total + weight * np.multiply.outer(a, b)
        return (total + total.T) / 2

    def written(self, one: Scalar) -> np.ndarray:
        """The matrix of an expression."""
        return dense(self.model, one, Fraction, object)

    def metric(self) -> np.ndarray:
        """C."""
        return self.written(self.model.goal)

    def slack_matrix(self, multipliers: dict[Name, Fraction]) -> np.ndarray:
        """sum lambda_j M_j - C, the sum over each law as a product of matrices.

        The multipliers of every matrix of a class of matrices stand below it on the diagonal: they have to be positive
        semidefinite as well.
        """
        n = len(self.model.basis)
        total = -self.metric()
        x, g = (_flint(part) for part in self.coordinates)
        for group in self.model.groups:
            chosen = [(at, multipliers[name]) for at, name in enumerate(group.names) if multipliers.get(name)]
            if chosen:
                total = total + _entries(_summed(group, chosen, x, g, len(self.model.run.points)), n)
        for one in self.model.others:
            if multipliers.get(one.name):
                total = total + multipliers[one.name] * dense(self.model, one.left, Fraction, object)
        return self._with_squares(total, multipliers) if self.model.squares else total

    def _with_squares(self, total: np.ndarray, multipliers: dict[Name, Fraction]) -> np.ndarray:
        n = len(total)
        whole = np.full((n + sum(len(labels) for _, labels in self.model.squares),) * 2, ZERO)
        whole[:n, :n] = total
        for prefix, labels in self.model.squares:
            for a in range(len(labels)):
                for b in range(a, len(labels)):
                    value = multipliers.get(entry(prefix, labels, a, b), ZERO)
                    whole[n + a, n + b] = whole[n + b, n + a] = value
            n += len(labels)
        return whole

    def slacks(
        self, vector: list[Fraction], values: dict[str, Fraction], square: Fraction = ONE, rays: bool = False
    ) -> dict[Name, Fraction]:
        """rhs minus left-hand side of every inequality at a one-dimensional instance."""
        p = np.array(vector, object)
        x, g = (part.dot(p) if len(part) else part for part in self.coordinates)
        slacks = {}
        for group in self.model.groups:
            for name, i, j in zip(group.names, group.i, group.j):
                total = at_points(group.law, x, g, i, j)
                total += sum((w * values[node] for node, w in self.values[name].items()), ZERO)
                slacks[name] = (ZERO if rays else group.law.rhs) - square * total
        for one in self.model.others:
            total = self.at(one.left, vector)
            total += sum((w * values[node] for node, w in self.values[one.name].items()), ZERO)
            slacks[one.name] = (ZERO if rays else one.right) - square * total
        return slacks

    def at(self, one: Scalar, vector: list[Fraction]) -> Fraction:
        """The quadratic part of an expression at a one-dimensional instance."""
        return sum((w * vector[i] * vector[j] for i, j, w in self.model.entries(one)), ZERO)

    def metric_at(self, vector: list[Fraction], values: dict[str, Fraction]) -> Fraction:
        """The metric of a one-dimensional instance."""
        total = sum((w * values[self.model.value_names[i]] for i, w in self.model.metric_values), ZERO)
        return total + self.at(self.model.goal, vector)

    def bound(self, multipliers: dict[Name, Fraction]) -> Fraction:
        """b'lambda."""
        return sum((value * self.model.right(name) for name, value in multipliers.items()), ZERO)

    def balanced(self, multipliers: dict[Name, Fraction]) -> dict[Name, Fraction] | None:
        """Multipliers near these whose function values cancel: the largest that are independent make up for the rest.

        None where there are none, or only with one below 0.
        """
        wanted = {self.model.value_names[i]: w for i, w in self.model.metric_values}
        every = dict.fromkeys(self.model.value_names, ZERO) | wanted
        return balanced_by_largest(self.values, every, multipliers, self.model.free)


def balanced_by_largest(
    values: dict[Name, dict[str, Fraction]],
    wanted: dict[str, Fraction],
    multipliers: dict[Name, Fraction],
    free: frozenset[Name] = frozenset(),
) -> dict[Name, Fraction] | None:
    """Multipliers near these with sum_j lambda_j values_j = wanted: the largest independent ones make up for the rest.

    Those of `free` may be below 0. Where small ones cannot be kept they are left out.
    """
    large = max((abs(v) for v in multipliers.values()), default=ZERO) * SMALL
    large_ones = {name: value for name, value in multipliers.items() if abs(value) > large}
    every = _balanced(values, wanted, multipliers, list(values), free)
    return every if every is not None else _balanced(values, wanted, large_ones, list(large_ones), free)


def _balanced(
    values: dict[Name, dict[str, Fraction]],
    wanted: dict[str, Fraction],
    multipliers: dict[Name, Fraction],
    names: list[Name],
    free: frozenset[Name],
) -> dict[Name, Fraction] | None:
    missing = dict(wanted)
    for name, value in multipliers.items():
        for node, weight in values[name].items():
            missing[node] -= value * weight
    repaired = dict(multipliers)
    if any(missing.values()):
        chosen = _independent(values, sorted(names, key=lambda name: -abs(multipliers.get(name, ZERO))))
        rows = [[values[name].get(node, ZERO) for name in chosen] for node in missing]
        amounts = _solved(rows, list(missing.values()))
        if amounts is None:
            return None
        for name, amount in zip(chosen, amounts):
            repaired[name] = repaired.get(name, ZERO) + amount
    if any(value < 0 for name, value in repaired.items() if name not in free):
        return None
    return {name: value for name, value in repaired.items() if value}


def at_points(law: Law, x: np.ndarray, g: np.ndarray, i: int, j: int) -> Any:
    """The quadratic part of a law at two points of one dimension."""
    dx, dg = (x[i], g[i]) if law.over == "points" else (x[i] - x[j], g[i] - g[j])
    return law.slope * g[j] * dx + law.alpha * dg * dg + law.beta * dx * dx + law.gamma * dg * dx


def _flint(array: np.ndarray) -> fmpq_mat:
    rows, columns = array.shape
    return fmpq_mat(rows, columns, [rational(v) for v in array.ravel()])


def _entries(matrix: fmpq_mat, n: int) -> np.ndarray:
    return np.array([fraction(v) for v in matrix.entries()], object).reshape(n, n)


def _summed(group: Group, chosen: list[tuple[int, Fraction]], x: fmpq_mat, g: fmpq_mat, count: int) -> fmpq_mat:
    """sum lambda_j M_j over one law: bilinear forms of x and g whose matrices are those of a weighted graph."""
    cross, laplace = np.full((count, count), ZERO), np.full((count, count), ZERO)
    for at, weight in chosen:
        i, j = group.i[at], group.j[at]
        laplace[i, i] += weight
        if group.law.over != "points":
            cross[j, i] += weight
            cross[j, j] -= weight
            laplace[j, j] += weight
            laplace[i, j] -= weight
            laplace[j, i] -= weight
    law = group.law
    gt, xt = g.transpose(), x.transpose()
    mixed = gt * _flint(law.slope * cross + law.gamma * laplace) * x
    total = (mixed + mixed.transpose()) * rational(Fraction(1, 2))
    for weight, left, right in ((law.alpha, gt, g), (law.beta, xt, x)):
        if weight:
            total = total + left * _flint(weight * laplace) * right
    return total


def _independent(values: dict[Name, dict[str, Fraction]], names: list[Name]) -> list[Name]:
    """The first of `names` whose function values are independent."""
    echelon: dict[str, dict[str, Fraction]] = {}
    chosen = []
    for name in names:
        rest = dict(values[name])
        while (node := next((node for node in rest if node in echelon), None)) is not None:
            factor = rest[node]
            for other, weight in echelon[node].items():
                rest[other] = rest.get(other, ZERO) - factor * weight
            rest = {other: weight for other, weight in rest.items() if weight}
        if rest:
            node = next(iter(rest))  # it is in no row before: rows refer to later ones only
            pivot = rest[node]
            echelon[node] = {other: weight / pivot for other, weight in rest.items()}
            chosen.append(name)
    return chosen


def _solved(rows: list[list[Fraction]], right: list[Fraction]) -> list[Fraction] | None:
    """The solution of a linear system with independent columns, None where there is none."""
    width = len(rows[0]) if rows else 0
    full = fmpq_mat(len(rows), width + 1, [rational(v) for row, b in zip(rows, right) for v in (*row, b)])
    reduced, rank = full.rref()
    if rank > width or any(reduced[i, i] != 1 for i in range(rank)):
        return None
    return [fraction(reduced[i, width]) for i in range(width)] if rank == width else None
