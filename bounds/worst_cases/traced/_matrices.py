"""Instances of classes of matrices: the matrices themselves, shown to be of their class, and what they make of vectors.

The solver's vectors satisfy the conditions of `_linear` to rounding only, and equations cannot be shown with room to
spare. So a matrix near them is made, its norm is shown, and every output is computed again from its input by balls.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ...evaluation.ball import Ball
from .. import _rigour
from ._linear import matrix_of, places
from ._model import TracedModel, value_name
from .classes import Linear, transposed
from .oracles import Point
from .vectors import Vector

SHRINK = 1 - 1e-12
"""By how much the range of a matrix is made smaller, so that it can be shown."""


@dataclass(frozen=True)
class Made:
    """All vectors of the basis (n, d) as balls, the values that follow from them, and all values in floats."""

    vectors: Ball
    named: dict[str, Ball]
    levels: np.ndarray


def made_of_matrices(model: TracedModel, basis: np.ndarray, values: np.ndarray) -> Made | None:
    """Outputs and values of an instance whose matrices are near those of the vectors; None where none is shown."""
    run, rows = model.run, {name: Ball(basis[i]) for name, i in model.index.items()}
    matrices: dict[str, Ball] = {}
    for name, given in run.classes.items():
        if given.linear is not None:
            matrix = _matrix(model, name, given.linear, basis)
            if matrix is None:
                return None
            matrices[name] = matrix
            if given.kind == "linear":
                matrices[transposed(name)] = _rigour.transposed(matrix)
    if not _outputs_again(model, matrices, rows, basis.shape[1]):
        return None
    vectors = Ball(np.array([rows[n].mid for n in model.basis]), np.array([rows[n].rad for n in model.basis]))
    named = _levels(model, rows, basis.shape[1])
    levels = np.array([float(named[n].mid) if n in named else v for n, v in zip(model.value_names, values)])
    return Made(vectors, named, levels)


def _matrix(model: TracedModel, name: str, linear: Linear, basis: np.ndarray) -> Ball | None:
    """A matrix of the class, shown."""
    run, n = model.run, basis.shape[1]

    def at(vectors: list[Vector]) -> np.ndarray:
        return np.array(model.rows_of(vectors), float).reshape(len(vectors), len(model.basis)) @ basis

    forth, *back = places(name, linear, run.points, run.reference)
    other = back[0] if back else []
    x, y, u, v = (
        at([getattr(p, part) for p in listed]) for listed, part in ((forth, "x"), (forth, "y"), (other, "x"), (other, "y"))
    )
    M = matrix_of(linear, x, y, u, v)
    if not np.isfinite(M).all():
        return None
    middle = float((linear.L + linear.mu) / 2) if linear.form == "symmetric" else 0.0
    M = middle * np.eye(n) + SHRINK * (M - middle * np.eye(n))
    if linear.form != "general":
        M = (M + (1 if linear.form == "symmetric" else -1) * M.T) / 2
    whole, one = Ball(M), np.eye(n)
    if linear.form == "symmetric":
        ends = [Ball.rational(linear.L) * Ball(one) - whole, whole - Ball.rational(linear.mu) * Ball(one)]
    else:
        ends = [Ball.rational(linear.L**2) * Ball(one) - _rigour.product(_rigour.transposed(whole), whole)]
    return whole if all(_rigour.positive_semidefinite(end) for end in ends) else None


def _combined(vector: Vector, rows: dict[str, Ball], n: int) -> Ball:
    total = Ball(np.zeros(n))
    for name, weight in vector.entries.items():
        if name in rows:
            total = total + Ball.rational(weight) * rows[name]
    return total


def _outputs_again(model: TracedModel, matrices: dict[str, Ball], rows: dict[str, Ball], n: int) -> bool:
    """Replace the vectors that matrices return by what they return, in the order of the run; whether that was possible.

    A point whose input has its own output in it (a prox of a quadratic function) is not computed.
    """
    reference = {p.function: p for p in model.run.points if p.label == model.run.reference[p.function]}
    later = {next(iter(p.g.entries)) for p in model.run.points if _is_output(p, matrices, reference)}
    for p in model.run.points:
        if not _is_output(p, matrices, reference):
            if p.function in matrices and p is not reference[p.function]:
                return False
            continue
        if later & set(p.x.entries):
            return False
        first = reference[p.function]
        off = _combined(p.x, rows, n) - _combined(first.x, rows, n)
        made = _rigour.product(matrices[p.function], off[:, None])[:, 0] + _combined(first.g, rows, n)
        symbol = next(iter(p.g.entries))
        rows[symbol] = made
        later.discard(symbol)
    return True


def _is_output(p: Point, matrices: dict[str, Ball], reference: dict[str, Point]) -> bool:
    """Whether the point has a vector of its own as its output."""
    alone = len(p.g.entries) == 1 and next(iter(p.g.entries.values())) == 1
    return p.function in matrices and p is not reference.get(p.function) and alone


def _levels(model: TracedModel, rows: dict[str, Ball], n: int) -> dict[str, Ball]:
    """The values of quadratic functions."""
    run, named = model.run, {}
    for name, given in run.classes.items():
        if given.linear is None or given.kind != "function":
            continue
        mine = [p for p in run.points if p.function == name]
        first = next(p for p in mine if p.label == run.reference[name])
        for p in mine:
            slope, off = _combined(p.g + first.g, rows, n), _combined(p.x - first.x, rows, n)
            if p is not first:
                named[value_name((name, p.label))] = Ball.rational(Fraction(1, 2)) * (slope * off).sum(axis=0)
    return {node: value for node, value in named.items() if node in model.value_names}
