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
from ._linear import Place, matrix_of, places
from ._model import TracedModel, value_name
from .classes import Linear, transposed
from .oracles import Point

SHRINK = 1 - 1e-12
"""By how much the range of a matrix is made smaller, so that it can be shown."""
HALF = Ball.rational(Fraction(1, 2))


@dataclass(frozen=True)
class Made:
    """All vectors of the basis (n, d) as balls, the values that follow from them, and all values in floats."""

    vectors: Ball
    named: dict[str, Ball]
    levels: np.ndarray


@dataclass(frozen=True)
class _Output:
    """A vector that a matrix returns: its place in the basis, the function, its input less the reference (n,) and what
    the reference has (n,), in coordinates; all as balls.
    """

    place: int
    function: str
    off: Ball
    first: Ball


class Maker:
    """What makes instances of a model with classes of matrices; coordinates are made once."""

    def __init__(self, model: TracedModel) -> None:
        self.model = model
        run = model.run
        self.reference = {p.function: p for p in run.points if p.label == run.reference[p.function]}
        self.classes = {name: given for name, given in run.classes.items() if given.linear is not None}
        self.inputs = {name: self._inputs(name, given.linear) for name, given in self.classes.items() if given.linear}
        self.outputs = self._outputs()
        self.levels = self._levels()

    def _ball(self, *vectors: object) -> Ball:
        return _rigour.ball_of(self.model.rows_of(list(vectors)))  # type: ignore[arg-type]

    def _inputs(self, name: str, linear: Linear) -> list[np.ndarray]:
        """Coordinates of inputs and outputs of a matrix, and of its transpose."""
        run = self.model.run
        forth, *back = places(name, linear, run.points, run.reference)
        other: list[Place] = back[0] if back else []

        def floats(listed: list[Place], part: str) -> np.ndarray:
            rows = self.model.rows_of([getattr(p, part) for p in listed])
            return np.array(rows, float).reshape(len(listed), len(self.model.basis))

        return [floats(forth, "x"), floats(forth, "y"), floats(other, "x"), floats(other, "y")]

    def _outputs(self) -> list[_Output] | None:
        """The outputs in the order of the run; None where one is in its own input, as that of a prox of a quadratic."""
        names = {*self.classes, *(transposed(n) for n, given in self.classes.items() if given.kind == "linear")}
        points = [p for p in self.model.run.points if p.function in names and p is not self.reference[p.function]]
        later = {name for p in points for name in p.g.entries}
        outputs = []
        for p in points:
            if list(p.g.entries.values()) != [1] or later & set(p.x.entries):
                return None
            first, [symbol] = self.reference[p.function], list(p.g.entries)
            both = self._ball(p.x - first.x, first.g)
            outputs.append(_Output(self.model.index[symbol], p.function, both[0:1], both[1:2]))
            later.discard(symbol)
        return outputs

    def _levels(self) -> list[tuple[str, Ball]]:
        """Names of the values of quadratic functions, with slope and input of each, in coordinates."""
        levels = []
        for name, given in self.classes.items():
            if given.kind == "function":
                first: Point = self.reference[name]
                for p in self.model.run.points:
                    node = value_name((name, p.label))
                    if p.function == name and node in self.model.value_names:
                        levels.append((node, self._ball(p.g + first.g, p.x - first.x)))
        return levels

    def made(self, basis: np.ndarray, values: np.ndarray) -> Made | None:
        """Outputs and values of an instance whose matrices are near those of the vectors; None where none is shown."""
        if self.outputs is None:
            return None
        matrices: dict[str, Ball] = {}
        for name, given in self.classes.items():
            assert given.linear is not None, "chosen so"
            matrix = _of_class(given.linear, *(part @ basis for part in self.inputs[name]))
            if matrix is None:
                return None
            matrices |= {name: matrix, transposed(name): _rigour.transposed(matrix)}
        mid, rad = basis.copy(), np.zeros_like(basis)
        for one in self.outputs:
            now = Ball(mid, rad)
            x, g = _rigour.product(one.off, now), _rigour.product(one.first, now)
            output = _rigour.product(x, _rigour.transposed(matrices[one.function])) + g
            mid[one.place], rad[one.place] = output.mid[0], output.rad[0]
        vectors, named = Ball(mid, rad), {}
        for node, both in self.levels:
            pair = _rigour.product(both, vectors)
            named[node] = HALF * (pair[0] * pair[1]).sum(axis=0)
        levels = [float(named[n].mid) if n in named else v for n, v in zip(self.model.value_names, values)]
        return Made(vectors, named, np.array(levels))


def _of_class(linear: Linear, x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> Ball | None:
    """A matrix of the class, shown."""
    M, one = matrix_of(linear, x, y, u, v), np.eye(x.shape[1])
    if not np.isfinite(M).all():
        return None
    middle = float((linear.L + linear.mu) / 2) if linear.form == "symmetric" else 0.0
    M = middle * one + SHRINK * (M - middle * one)
    if linear.form != "general":
        M = (M + (1 if linear.form == "symmetric" else -1) * M.T) / 2
    whole = Ball(M)
    if linear.form == "symmetric":
        ends = [Ball.rational(linear.L) * Ball(one) - whole, whole - Ball.rational(linear.mu) * Ball(one)]
    else:
        ends = [Ball.rational(linear.L**2) * Ball(one) - _rigour.product(_rigour.transposed(whole), whole)]
    return whole if all(_rigour.positive_semidefinite(end) for end in ends) else None
