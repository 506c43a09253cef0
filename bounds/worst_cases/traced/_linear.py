"""Conditions on all points of a linear operator or of a quadratic function at once, and matrices that satisfy them.

Points are differences from the reference of their function, x* where it is a point. Inputs x_a with outputs y_a, and
inputs u_b of the transpose with outputs v_b, are those of a matrix M with ||M|| <= L exactly if

    <x_a, v_b> = <y_a, u_b> for all a and b,   L^2 <x_a, x_b> - <y_a, y_b> and L^2 <u_a, u_b> - <v_a, v_b>

are positive semidefinite as matrices in a and b. A symmetric M with mu I <= M <= L I asks <x_a, y_b> = <y_a, x_b>, and
<L x_a - y_a, y_b - mu x_b>; a skew one <x_a, y_b> = -<y_a, x_b>, and the first matrix. A quadratic function has a
symmetric M, and f_a - f = <g_a + g, x_a - x>/2, x and g those of the reference.

Source: Bousselmi, Hendrickx, Glineur, SIAM J. Optim. 34 (2024), arXiv 2302.08781.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from .classes import Class, Linear, transposed
from .oracles import Point
from .vectors import Scalar, Value, Vector

Name = tuple[str, ...]
Product = tuple[Fraction, Vector, Vector]
ZERO, ONE, HALF = Fraction(0), Fraction(1), Fraction(1, 2)
SQUARE, ADJOINT, LEVEL = "square", "adjoint", "level"
KINDS = (SQUARE, ADJOINT, LEVEL)
"""How the names of their rows begin: entries of a matrix, and the equations of products and of values."""
RANKS = (1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
"""Singular values below this share of the largest are 0, by what may be meant."""
ROOT = 1e-6
"""What is less is no length of a complement."""


@dataclass(frozen=True)
class Place:
    """A point as a difference from its reference: its label, input and output, and how slopes count in it (0 or 1)."""

    label: str
    x: Vector
    y: Vector
    slopes: int


@dataclass(frozen=True)
class Row:
    """An entry of a matrix, or an equation: `left` is its part of what is at most 0, of values and inner products.

    `slopes` is how often a slope is a factor of it: its unit is that of slopes to this power, and two lengths.
    """

    name: Name
    products: tuple[Product, ...]
    slopes: int
    values: Mapping[Value, Fraction] = field(default_factory=dict)
    right: Fraction = ZERO

    @cached_property
    def left(self) -> Scalar:
        """Values and inner products in fractions."""
        return sum((w * (u @ v) for w, u, v in self.products), Scalar(dict(self.values), {}))


@dataclass(frozen=True)
class Conditions:
    """The rows of one function, and its matrices: the labels of each, and what the names of its entries begin with."""

    rows: list[Row]
    squares: list[tuple[Name, list[str]]]


def entry(prefix: Name, labels: Sequence[str], a: int, b: int) -> Name:
    """The name of an entry of a matrix, a <= b."""
    return (*prefix, labels[a], labels[b])


def conditions(classes: Mapping[str, Class], points: Sequence[Point], reference: Mapping[str, str]) -> list[Conditions]:
    """The conditions of every class of matrices of a question."""
    return [
        _of_function(name, given, given.linear, points, reference)
        for name, given in classes.items()
        if given.linear is not None
    ]


def places(name: str, linear: Linear, points: Sequence[Point], reference: Mapping[str, str]) -> list[list[Place]]:
    """The points of M; those of its transpose are a list of their own where M is general, and points of M elsewhere."""
    forth = _differences(name, points, reference, 0, 1, "")
    back = _differences(transposed(name), points, reference, 1, -1 if linear.form == "skew" else 1, "T")
    return [forth, back] if linear.form == "general" else [forth + back]


def _differences(
    name: str, points: Sequence[Point], reference: Mapping[str, str], slopes: int, sign: int, prefix: str
) -> list[Place]:
    mine = [p for p in points if p.function == name]
    first = next((p for p in mine if p.label == reference[name]), None)
    if first is None:
        return []
    return [Place(prefix + p.label, p.x - first.x, sign * (p.g - first.g), slopes) for p in mine if p is not first]


def _of_function(
    name: str, given: Class, linear: Linear, points: Sequence[Point], reference: Mapping[str, str]
) -> Conditions:
    lists = places(name, linear, points, reference)
    function = given.kind == "function"
    rows: list[Row] = []
    squares = []
    for at, listed in enumerate(lists):
        prefix: Name = (SQUARE, transposed(name) if at else name)
        squares.append((prefix, [p.label for p in listed]))
        entry_of = _entries(linear, listed)
        for a, p in enumerate(listed):
            for b, q in enumerate(listed[a:], a):
                form = entry_of(a, b) if a == b else entry_of(a, b) + entry_of(b, a)
                slopes = 2 if function else p.slopes + q.slopes
                rows.append(Row((*prefix, p.label, q.label), form, slopes))
    for products, p, q in _products(linear, lists):
        rows.append(Row((ADJOINT, name, p.label, q.label), products, 1 if function else p.slopes + q.slopes))
    if function:
        rows += _levels(name, points, reference)
    return Conditions(rows, squares)


def _entries(linear: Linear, listed: list[Place]) -> Callable[[int, int], tuple[Product, ...]]:
    """The entries of the matrix of some points, with the sign of what is at most 0."""
    if linear.form == "symmetric":
        above, below = [linear.L * p.x - p.y for p in listed], [p.y - linear.mu * p.x for p in listed]
        return lambda a, b: ((-ONE, above[a], below[b]),)
    square = linear.L**2
    return lambda a, b: ((-square, listed[a].x, listed[b].x), (ONE, listed[a].y, listed[b].y))


def _products(linear: Linear, lists: list[list[Place]]) -> list[tuple[tuple[Product, ...], Place, Place]]:
    """The equations of inner products, as what is 0."""
    sign = -ONE if linear.form == "skew" else ONE
    if linear.form == "general":
        pairs = [(p, q) for p in lists[0] for q in lists[1]]
    else:
        pairs = [(p, q) for a, p in enumerate(lists[0]) for q in lists[0][a if sign < 0 else a + 1 :]]
    return [(((ONE, p.x, q.y), (-sign, p.y, q.x)), p, q) for p, q in pairs]


def _levels(name: str, points: Sequence[Point], reference: Mapping[str, str]) -> list[Row]:
    mine = [p for p in points if p.function == name]
    first = next(p for p in mine if p.label == reference[name])
    rows = []
    for p in mine:
        if p is not first:
            # the value of the reference is 0
            product = (-HALF, p.g + first.g, p.x - first.x)
            rows.append(Row((LEVEL, name, p.label), (product,), 1, {(name, p.label): ONE}))
    return rows


def matrix_of(linear: Linear, x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A matrix (d, d) of the class near one that takes inputs to outputs, from those of it and of its transpose.

    Args:
        linear: Its form and norms.
        x: Inputs (N, d).
        y: Outputs (N, d).
        u: Inputs of the transpose (P, d), none where M is not general.
        v: Outputs of the transpose (P, d).

    Returns:
        M, which takes x to y where they satisfy the conditions, and whose norm is within the bounds, both to rounding.
        The inputs of a solver have a numerical rank: the one that fits best is taken.
    """
    best, least = np.zeros((x.shape[1],) * 2), np.inf
    for tolerance in RANKS:
        M = _of_rank(linear, x, y, u, v, tolerance)
        off = float(np.abs(x @ M.T - y).max(initial=0.0) + np.abs(u @ M - v).max(initial=0.0))
        if off < least:
            best, least = M, off
    return best


def _of_rank(
    linear: Linear, x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray, tolerance: float
) -> np.ndarray:
    if linear.form == "general":
        M = _extended(x, y / float(linear.L), u, v / float(linear.L), tolerance)
        return float(linear.L) * M / max(1.0, float(np.linalg.norm(M, 2)))
    middle, half = (float((linear.L + s * linear.mu) / 2) for s in (1, -1))
    sign = 1.0 if linear.form == "symmetric" else -1.0
    z = (y - middle * x) / half
    M = _extended(x, z, x, sign * z, tolerance)
    M = (M + sign * M.T) / 2
    M = half * M / max(1.0, float(np.linalg.norm(M, 2)))
    return M + middle * np.eye(len(M))


def _extended(x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray, tolerance: float) -> np.ndarray:
    """M with M x = y and M' u = v, of norm 1 where there is one: the corner that is left is Parrott's."""
    (qx, r), (qu, s) = _frame(x, tolerance), _frame(u, tolerance)
    right = qu[:, :s].T @ np.linalg.pinv(u, tolerance) @ v @ qx  # what is known: rows by u, columns by x
    below = qu.T @ (np.linalg.pinv(x, tolerance) @ y).T @ qx[:, :r]
    A = (right[:, :r] + below[:s]) / 2
    B, C = right[:, r:], below[s:]
    left, middle, other = np.linalg.svd(A)
    shorter = np.sqrt(np.clip(1 - middle**2, 0.0, None))

    def inverse(basis: np.ndarray) -> np.ndarray:
        size = np.ones(len(basis))
        size[: len(shorter)] = shorter
        return basis @ np.diag(np.where(size > ROOT, 1 / np.maximum(size, ROOT), 0.0)) @ basis.T

    D = -(C @ inverse(other.T)) @ A.T @ (inverse(left) @ B)
    return qu @ np.block([[A, B], [C, D]]) @ qx.T


def _frame(rows: np.ndarray, tolerance: float) -> tuple[np.ndarray, int]:
    """An orthonormal basis whose first vectors span the rows, and how many do."""
    _, sizes, basis = np.linalg.svd(rows, full_matrices=True)
    return basis.T, int((sizes > tolerance * sizes.max(initial=0.0)).sum())


__all__ = [
    "ADJOINT", "KINDS", "LEVEL", "SQUARE", "Conditions", "Place", "Row", "conditions", "entry", "matrix_of", "places",
]  # fmt: skip
