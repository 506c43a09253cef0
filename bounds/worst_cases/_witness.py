"""One-dimensional worst cases in fractions: a numerical one, snapped, and believed once every inequality holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from ._conic import points, spectrum
from ._fractions import double
from ._model import STAR, UNIT, Model, add_multiple, interpolation, times
from ._repair import balanced, dual_value, row_values

Name = tuple[str, ...]
SNAPS = (16, 64, 256, 1000, 4000, 20_000)


class Forms:
    """The matrices of all inequalities of a model of fractions, in the basis of the run, made when asked for."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.into = model.embeddings
        self.rows = {row.name: row for row in model.rows}
        self.values = row_values(model)
        self.sets = {}
        for kind, given in (("f", model.f_points), ("r", model.r_points)):
            if given:
                labels, x, g = points(model, kind)
                self.sets[kind] = (labels, x, g, interpolation(model.setting, kind, Fraction))

    def matrix(self, name: Name) -> np.ndarray | None:
        """M of an inequality, None where it has none."""
        if name in self.rows:
            row = self.rows[name]
            return None if row.matrix is None else _moved(row.matrix, self.into[row.clique])
        labels, x, g, (alpha, beta, gamma) = self.sets[name[0]]
        i, j = labels.index(name[1]), labels.index(name[2])
        used = _used(np.stack([x[i], x[j], g[i], g[j]]).T)
        n, slope = len(self.model.basis), g[j][used]
        dx, dg = (x[i] - x[j])[used], (g[i] - g[j])[used]
        half = np.multiply.outer(slope, dx) + gamma * np.multiply.outer(dg, dx)
        half = half + alpha * np.multiply.outer(dg, dg) + beta * np.multiply.outer(dx, dx)
        return _spread((half + half.T) / 2, used, n)

    def equation(self, name: Name) -> bool:
        """Whether the row is an equation."""
        return name in self.rows and self.rows[name].equality

    def metric(self) -> np.ndarray:
        """C."""
        n = len(self.model.basis)
        if self.model.metric_matrix is None:
            return np.full((n, n), Fraction(0))
        return _moved(self.model.metric_matrix, self.into[-1])

    def slack_matrix(self, multipliers: dict[Name, Fraction]) -> np.ndarray:
        """sum lambda_j M_j - C, the sum over the pairs of points of a function as products of sparse matrices."""
        total = -self.metric()
        rest = dict(multipliers)
        for kind, (labels, x, g, law) in self.sets.items():
            place = {label: i for i, label in enumerate(labels)}
            pairs = [name for name in rest if name[0] == kind and place.keys() >= set(name[1:])]
            total = total + summed([(place[n[1]], place[n[2]], rest.pop(n)) for n in pairs], x, g, law)
        for name, value in rest.items():
            matrix = self.matrix(name)
            if matrix is not None and value:
                there = matrix.nonzero()
                total[there] += value * matrix[there]
        return total

    @cached_property
    def entries(self) -> dict[Name, list[tuple[int, int, Fraction]]]:
        """The entries other than 0 of the matrix of each row of the model, in the basis of its clique."""
        table = {}
        for row in self.model.rows:
            if row.matrix is not None:
                table[row.name] = [(i, j, row.matrix[i, j]) for i, j in zip(*map(list, row.matrix.nonzero()))]
        return table

    def slacks(
        self, vector: list[Fraction], values: dict[str, Fraction], square: Fraction = UNIT, rays: bool = False
    ) -> dict[Name, Fraction]:
        """rhs minus left-hand side of every inequality at a one-dimensional instance; see `slacks_at`."""
        model = self.model
        p = np.array(vector, object)
        slacks: dict[Name, Fraction] = {}
        for kind, (labels, x, g, (alpha, beta, gamma)) in self.sets.items():
            at, slope = times(x, p[:, None])[:, 0], times(g, p[:, None])[:, 0]
            f = [Fraction(0) if label == STAR else values[kind + label] for label in labels]
            for i, one in enumerate(labels):
                for j, other in enumerate(labels):
                    if i != j and (kind, other) not in model.tops:
                        dx, dg = at[i] - at[j], slope[i] - slope[j]
                        rest = f[i] - f[j] - slope[j] * dx - alpha * dg * dg - beta * dx * dx - gamma * dg * dx
                        slacks[kind, one, other] = rest
        local = [times(into, p[:, None])[:, 0] for into in self.into]
        for row in model.rows:
            if row.name not in slacks:
                total = sum((w * values[model.value_names[i]] for i, w in row.values), Fraction(0))
                if row.matrix is not None:
                    at = local[row.clique]
                    total += sum((w * at[i] * at[j] for i, j, w in self.entries[row.name]), Fraction(0))
                slacks[row.name] = Fraction(0 if rays else row.rhs) - square * total
        return slacks

    def metric_at(self, vector: list[Fraction], values: dict[str, Fraction]) -> Fraction:
        """The metric of a one-dimensional instance."""
        model = self.model
        total = sum((w * values[model.value_names[i]] for i, w in model.metric_values), Fraction(0))
        if model.metric_matrix is not None:
            local = self.into[-1].dot(np.array(vector, object))
            total += local.dot(model.metric_matrix).dot(local)
        return total

    def balanced(self, multipliers: dict[Name, Fraction]) -> dict[Name, Fraction] | None:
        """Multipliers near these whose function values cancel, None where there are none; see `_repair.balanced`."""
        return balanced(self.model, self.values, multipliers)

    def bound(self, multipliers: dict[Name, Fraction]) -> Fraction:
        """b'lambda."""
        return dual_value(self.model.setting, multipliers)


def summed(
    pairs: list[tuple[int, int, Fraction]], x: np.ndarray, g: np.ndarray, law: tuple[Fraction, Fraction, Fraction]
) -> np.ndarray:
    """The sum of the matrices of inequalities with point i above point j, each times a weight, for (i, j, weight).

    sum w <g_j, x_i - x_j> and sum w <a_i - a_j, b_i - b_j> are bilinear forms of the rows of x and g, whose matrices
    are those of a graph with these weights.
    """
    cross, laplace = _Sparse(), _Sparse()
    for i, j, weight in pairs:
        cross.add(j, i, weight)
        cross.add(j, j, -weight)
        for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
            laplace.add(a, b, sign * weight)
    alpha, beta, gamma = law
    mixed = _form(g, cross.times(x))
    if gamma:
        mixed = mixed + gamma * _form(g, laplace.times(x))
    total = (mixed + mixed.T) / 2
    for weight, part in ((alpha, g), (beta, x)):
        if weight:
            total = total + weight * _form(part, laplace.times(part))
    return total


class _Sparse:
    """A matrix of fractions by rows."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, Fraction]] = {}

    def add(self, i: int, j: int, value: Fraction) -> None:
        """Add to an entry."""
        row = self.rows.setdefault(i, {})
        row[j] = row.get(j, 0) + value

    def times(self, dense: np.ndarray) -> np.ndarray:
        """The product with a dense matrix."""
        product = np.full(dense.shape, Fraction(0))
        for i, row in self.rows.items():
            for j, value in row.items():
                add_multiple(product[i], value, dense[j])
        return product


def _form(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left' right, most entries of `left` being 0."""
    total = np.full((left.shape[1], right.shape[1]), Fraction(0))
    for a, b in zip(left, right):
        for i in a.nonzero()[0]:
            add_multiple(total[i], a[i], b)
    return total


# Most entries of vectors and matrices are 0, and arithmetic of fractions takes as long for them as for any other.


def _used(rows: np.ndarray) -> list[int]:
    """Which rows have an entry other than 0."""
    return [i for i, row in enumerate(rows) if row.any()]


def _spread(matrix: np.ndarray, places: list[int], n: int) -> np.ndarray:
    """A square matrix put into a larger one of zeros."""
    total = np.full((n, n), Fraction(0))
    total[np.ix_(places, places)] = matrix
    return total


def _moved(matrix: np.ndarray, into: np.ndarray) -> np.ndarray:
    """into' M into, of a symmetric M."""
    rows = _used(matrix)
    columns = _used(into[rows].T)
    part = into[np.ix_(rows, columns)]
    return _spread(part.T.dot(matrix[np.ix_(rows, rows)]).dot(part), columns, into.shape[1])


@dataclass(frozen=True)
class Witness:
    """A one-dimensional instance in fractions: the basis of the run, the values, and the metric that it attains.

    Vectors are those times the root of `square`, values those times `square`: the root need not be a fraction.
    """

    vector: list[Fraction]
    values: dict[str, Fraction]
    metric: Fraction
    square: Fraction = Fraction(1)


def slacks_at(
    forms: Forms,
    vector: list[Fraction],
    values: dict[str, Fraction],
    square: Fraction = UNIT,
    rays: bool = False,
) -> dict[Name, Fraction]:
    """rhs minus left-hand side of every inequality at a one-dimensional instance (see `Witness.square`).

    `rays`: with 0 for every rhs, so that all multiples of what satisfies them do.
    """
    return forms.slacks(vector, values, square, rays)


def metric_at(forms: Forms, vector: list[Fraction], values: dict[str, Fraction]) -> Fraction:
    """The metric of a one-dimensional instance."""
    return forms.metric_at(vector, values)


def _candidates(forms: Forms, vector: np.ndarray, values: np.ndarray) -> Iterator[tuple[list, dict[str, Fraction]]]:
    """A numerical instance snapped to growing denominators; its values once from the minimiser, once snapped."""
    model = forms.model
    if not (np.isfinite(vector).all() and np.isfinite(values).all()):
        return
    if "x0" in model.basis and vector[model.basis.index("x0")] < 0:
        vector = -vector
    for most in SNAPS:
        snapped = [Fraction(float(v)).limit_denominator(most) for v in vector]
        p = np.array(snapped, object)
        named = {n: Fraction(float(v)).limit_denominator(most * most) for n, v in zip(model.value_names, values)}
        tight = dict(named)
        for kind, (labels, x, g, (alpha, beta, gamma)) in forms.sets.items():
            for label, at, slope in zip(labels, x.dot(p), g.dot(p)):
                if label != STAR:  # the minimiser above the point, with equality
                    rest = alpha * slope * slope + beta * at * at + gamma * slope * at
                    tight[kind + label] = slope * at - rest
        for levels in (tight, named):
            if "t" in levels:
                at = [
                    -slacks_at(forms, snapped, {**levels, "t": Fraction(0)})[n] for n in forms.rows if n[0] == "metric"
                ]
                levels["t"] = min(-v for v in at)
            yield snapped, levels


def find_witness(forms: Forms, vector: np.ndarray, values: np.ndarray, value: float) -> Witness | None:
    """The best instance in fractions near a numerical one; every inequality holds, and all but `value` is attained."""
    best: Witness | None = None
    for snapped, named in _candidates(forms, vector, values):
        metric = metric_at(forms, snapped, named)
        if abs(double(metric) - value) > 1e-6 * max(1.0, abs(value)) or (best is not None and metric <= best.metric):
            continue
        slacks = slacks_at(forms, snapped, named)
        if all(rest == 0 if forms.equation(name) else rest >= 0 for name, rest in slacks.items()):
            best = Witness(snapped, named, metric)
            if abs(double(metric) - value) <= 1e-9 * abs(value):
                break
    return best


def chain_vector(model: Model, grams: list[np.ndarray]) -> np.ndarray:
    """The Gram matrices of a chain as vectors of one dimension (n, 1): leading directions, signs agreeing."""
    vector = np.zeros(len(model.basis))
    into = model.embeddings
    for k, gram in enumerate(grams):
        weight, directions = spectrum(gram)
        local = directions[:, -1] * np.sqrt(max(weight[-1], 0.0))
        carried = model.carried[k]
        carried_part = into[k][:carried] @ vector
        if carried_part @ local[:carried] < 0:
            local = -local
        first, last = model.new[k]
        vector[first:last] = local[carried:]
    return vector[:, None]
