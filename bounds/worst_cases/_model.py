r"""The performance-estimation problem of a question, as numbers: cliques of vectors, inequalities, metric.

Everything is normalised to L = 1 and an initial condition of 1, x* = 0, F* = 0, and for composite problems to the
gauge g* = 0: tilting (f, r) to (f - <g*, .>, r + <g*, .>) changes neither iterates nor F, and without it every dual
matrix has a null vector.

**Cliques.** Step k speaks of few vectors: what it is handed (x_{k-1}, the gradient there, the memory) and what is new
(s_k, u_k, the gradient at x_k). These are the basis of clique k, in which every inequality between consecutive points
or with the minimiser is a small matrix. `handed` says how a clique's basis begins: with the vectors that the clique
before hands on, as combinations of its own basis. Unrolling that gives the `embedding` of each clique in the basis of
the whole run, in which inequalities between any two points can be written.

The entries of matrices are of any number type: floats to solve with, fractions to certify with, balls to enclose
with. Coefficients of function values are fractions throughout.

Source of the inequalities: Taylor, Hendrickx, Glineur, Math. Program. 161 (2017); of the cliques: the partial minimum
of the dual quadratic form over the vectors of the past is a quadratic form of what is handed on, so that one
semidefinite constraint over the run and a chain of small ones over the cliques say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from ._fractions import nonzero_double
from ._setting import Setting

Form = list[tuple[Any, np.ndarray, np.ndarray]]
STAR = "*"
UNIT = Fraction(1)
ONE_FUNCTION = Fraction(1000)
"""How much of ||(g_i - x_i) - (g_j - x_j)||^2/2, which is 0, the inequalities of mu = L have: any number is true."""


@dataclass(frozen=True)
class Numbers:
    """A number type: how a fraction becomes one, its square root, and the dtype of arrays of them."""

    of: Callable[[Fraction], Any]
    sqrt: Callable[[Any], Any]
    dtype: Any


FLOATS = Numbers(nonzero_double, np.sqrt, np.float64)


def _no_root(value: Any) -> Any:
    raise TypeError("the momentum of acceleration is irrational")


FRACTIONS = Numbers(Fraction, _no_root, object)


@dataclass(frozen=True)
class Point:
    """A point at which f or r is interpolated: its label, clique, and x and (sub)gradient in that clique's basis."""

    label: str
    clique: int
    x: np.ndarray
    g: np.ndarray


@dataclass(frozen=True)
class Row:
    """An inequality ``values'F + <matrix, Gram> <= rhs`` in the basis of a clique; `equality` for "=".

    `name` is (kind, i, j): ("f", "1", "2") says that the interpolation inequality of f with x_1 above x_2 holds.
    """

    name: tuple[str, ...]
    clique: int
    values: tuple[tuple[int, Fraction], ...]
    matrix: np.ndarray | None
    rhs: Any = 0
    equality: bool = False


@dataclass
class Model:
    """What `build` makes; `value_names` are the entries of F, `metric` and `objective` what is maximised."""

    setting: Setting
    numbers: Numbers
    widths: list[int] = field(default_factory=list)
    carried: list[int] = field(default_factory=list)
    handed: list[np.ndarray] = field(default_factory=list)
    basis: list[str] = field(default_factory=list)
    new: list[tuple[int, int]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    value_names: list[str] = field(default_factory=list)
    metric_values: list[tuple[int, Fraction]] = field(default_factory=list)
    metric_matrix: np.ndarray | None = None
    f_points: list[Point] = field(default_factory=list)
    r_points: list[Point] = field(default_factory=list)
    iterates: list[Point] = field(default_factory=list)
    errors: list[Point] = field(default_factory=list)

    @property
    def tops(self) -> frozenset[tuple[str, str]]:
        """Points that are above others and below none: r at x_0, where nothing asks for a subgradient.

        One exists all the same, as steep as it has to be, after x_0 was moved a little off the other points.
        """
        return frozenset({("r", "0")} if self.r_points and self.r_points[0].label == "0" else ())

    def value(self, name: str) -> int:
        """Index of a function value, made where it is new."""
        if name not in self.value_names:
            self.value_names.append(name)
        return self.value_names.index(name)

    @cached_property
    def embeddings(self) -> list[np.ndarray]:
        """For each clique its basis (rows) in the basis of the run; of balls in the precision when first asked for."""
        n = len(self.basis)
        matrices: list[np.ndarray] = []
        for k, width in enumerate(self.widths):
            rows = np.zeros((width, n), self.numbers.dtype)
            if k:
                rows[: self.carried[k]] = times(self.handed[k - 1], matrices[k - 1])
            first, last = self.new[k]
            one = self.numbers.of(Fraction(1))
            for i, column in enumerate(range(first, last)):
                rows[self.carried[k] + i, column] = one
            matrices.append(rows)
        return matrices


def times(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left right, of a vector or a matrix and a matrix; products of fractions that are 0 are left out."""
    if right.dtype != object or not right.size or not isinstance(right.flat[0], (int, Fraction)):
        return left.dot(right)
    rows = left.reshape(-1, left.shape[-1])
    product = np.full((len(rows), right.shape[1]), Fraction(0))
    for total, row in zip(product, rows):
        for j in row.nonzero()[0]:
            add_multiple(total, row[j], right[j])
    return product.reshape(*left.shape[:-1], right.shape[1])


def add_multiple(total: np.ndarray, value: Fraction, row: np.ndarray) -> None:
    """total += value row, of fractions most of which are 0."""
    there = row.nonzero()[0]
    if value and len(there):
        total[there] += value * row[there]


def symmetric(form: Form, width: int, dtype: Any) -> np.ndarray:
    """The symmetric matrix of the quadratic form sum w <a, b>."""
    total = np.zeros((width, width), dtype)
    for w, a, b in form:
        if a is b:
            total += w * np.multiply.outer(a, a)
        else:
            product = np.multiply.outer(a, b)
            total += (w * (product + product.T)) / 2
    return total


def interpolation(setting: Setting, kind: str, of: Callable[[Fraction], Any]) -> tuple[Any, Any, Any]:
    """(alpha, beta, gamma): f_i >= f_j + <g_j, Dx> + alpha ||Dg||^2 + beta ||Dx||^2 + gamma <Dg, Dx>, at L = 1."""
    half, none = of(Fraction(1, 2)), of(Fraction(0))
    if kind == "r":
        return none, none, none
    if setting.function_class == "smooth_nonconvex":
        return of(Fraction(1, 4)), of(Fraction(-1, 4)), half
    mu = setting.mu / setting.L
    if mu == 0:
        return half, none, none
    rest = 1 - mu
    if rest == 0:  # g = x and f = x^2/2, of which this says as much as a number of this size can
        return of(ONE_FUNCTION / 2), of((ONE_FUNCTION + 1) / 2), of(-ONE_FUNCTION)
    return of(1 / (2 * rest)), of(mu / (2 * rest)), of(-mu / rest)
