"""The remainder of a proof as a chain of small forms: one for each step, in what it is handed and what is new.

S = sum over cliques c of E_c' Z_c E_c, E_c the clique's basis in that of the run and T_c E_c what is handed on. If
there are forms P_c of what is handed to clique c with

    Z_c + P_c - T_c' P_{c+1} T_c  positive semidefinite for each c,  P_0 and what the last clique hands on being 0,

then S is, because the forms P_c cancel in the sum. The largest P_{c+1} is a Schur complement: the least value of the
form of clique c where T_c b is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .._build import build
from .._model import FRACTIONS, Model, Row
from .._setting import Setting
from ._kinds import Kind, Name, ends_of, kind_of

ZERO = Fraction(0)


@dataclass(frozen=True)
class Block:
    """A clique of a run: its inequalities by kind and place (k less the number of the clique), and what it hands on."""

    rows: tuple[tuple[Kind, int, Row], ...]
    width: int
    carried: int
    handed: np.ndarray | None
    goal: np.ndarray | None

    def form(self, weights: Mapping[Name, Fraction]) -> np.ndarray:
        """Z for multipliers by name."""
        total = np.full((self.width, self.width), ZERO)
        for _, _, row in self.rows:
            if row.matrix is not None and weights.get(row.name):
                total = total + weights[row.name] * row.matrix
        return total if self.goal is None else total - self.goal


def blocks_of(setting: Setting) -> tuple[Model, list[Block]]:
    """The cliques of a question in fractions."""
    model = build(setting, FRACTIONS)
    ends = ends_of([row.name for row in model.rows])
    last = len(model.widths) - 1
    blocks = []
    for c, width in enumerate(model.widths):
        rows = [(*kind_of(row.name, ends), row) for row in model.rows if row.clique == c]
        blocks.append(
            Block(
                tuple((kind, k - c, row) for kind, k, row in rows),
                width,
                model.carried[c],
                model.handed[c] if c < last else None,
                model.metric_matrix if c == last else None,
            )
        )
    return model, blocks


def padded(form: np.ndarray, width: int) -> np.ndarray:
    """A form of what is handed on, as one of the clique that begins with it."""
    total = np.full((width, width), ZERO)
    total[: len(form), : len(form)] = form
    return total


def completed(handed: np.ndarray) -> np.ndarray:
    """An invertible matrix whose first rows are those of T, the others unit vectors."""
    rows = [list(row) for row in handed]
    width = handed.shape[1]
    for i in range(width):
        unit = [Fraction(int(i == j)) for j in range(width)]
        if len(rows) < width and _rank([*rows, unit]) > len(rows):
            rows.append(unit)
    return np.array(rows, object)


def _rank(rows: list[list[Fraction]]) -> int:
    left, rank = [list(row) for row in rows], 0
    for column in range(len(left[0])):
        pivot = next((row for row in left[rank:] if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left.insert(rank, pivot)
        for row in left[rank + 1 :]:
            factor = row[column] / pivot[column]
            for j in range(len(row)):
                row[j] -= factor * pivot[j]
        rank += 1
    return rank


def inverse(matrix: np.ndarray) -> np.ndarray:
    """The inverse of a small matrix of fractions."""
    n = len(matrix)
    wide = [[Fraction(v) for v in row] + [Fraction(int(i == j)) for j in range(n)] for i, row in enumerate(matrix)]
    for column in range(n):
        pivot = next(i for i in range(column, n) if wide[i][column])
        wide[column], wide[pivot] = wide[pivot], wide[column]
        wide[column] = [v / wide[column][column] for v in wide[column]]
        for i in range(n):
            if i != column and wide[i][column]:
                wide[i] = [a - wide[i][column] * b for a, b in zip(wide[i], wide[column])]
    return np.array([row[n:] for row in wide], object)


def least(form: np.ndarray, handed: np.ndarray) -> np.ndarray | None:
    """The form y -> min of b' form b where T b = y; None where there is no least value."""
    B = inverse(completed(handed))
    moved = B.T.dot(form).dot(B)
    first = len(handed)
    for i in reversed(range(first, len(moved))):
        if moved[i, i] < 0 or (moved[i, i] == 0 and moved[i, :i].any()):
            return None
        if moved[i, i]:
            column = moved[:i, i]
            moved = moved[:i, :i] - np.multiply.outer(column, column) / moved[i, i]
        else:
            moved = moved[:i, :i]
    return moved


def remainders(blocks: list[Block], weights: Mapping[Name, Fraction]) -> list[np.ndarray] | None:
    """P_1, P_2, ..., each the largest one; None where the form of a clique has no least value."""
    forms, present = [], np.full((0, 0), ZERO)
    for block in blocks[:-1]:
        assert block.handed is not None, "the last one alone hands nothing on"
        after = least(block.form(weights) + padded(present, block.width), block.handed)
        if after is None:
            return None
        forms.append(after)
        present = after
    return forms


def backwards(blocks: list[Block], weights: Mapping[Name, Fraction]) -> list[np.ndarray] | None:
    """P_1, P_2, ..., each the least one: what the later cliques need; None where there is none."""
    forms: list[np.ndarray] = []
    after: np.ndarray | None = None
    for block in reversed(blocks[1:]):
        form = block.form(weights)
        if after is not None:
            assert block.handed is not None, "the last one alone hands nothing on"
            form = form - block.handed.T.dot(after).dot(block.handed)
        first = np.array([[Fraction(int(i == j)) for j in range(block.width)] for i in range(block.carried)], object)
        needed = least(form, first)
        if needed is None:
            return None
        after = -needed
        forms.insert(0, after)
    return forms


def alike(one: Block, other: Block) -> bool:
    """Whether two cliques have the same inequalities, at the same places from them, with the same numbers."""
    if (one.width, one.carried, len(one.rows)) != (other.width, other.carried, len(other.rows)):
        return False
    for a, b in ((one.handed, other.handed), (one.goal, other.goal)):
        if not _equal(a, b):
            return False
    for (kind, offset, row), (other_kind, other_offset, other_row) in zip(one.rows, other.rows):
        if kind != other_kind or ("k" in kind.pattern and offset != other_offset):
            return False
        if not _equal(row.matrix, other_row.matrix):
            return False
    return True


def _equal(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)
