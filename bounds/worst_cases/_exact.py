"""Exact certificates: rational multipliers of a worst case, and where there is one a rational witness that attains it.

tau is an upper bound if tau - metric = sum_j lambda_j (slack of inequality j) + (a form S that is positive
semidefinite), with lambda >= 0: the values must cancel exactly and S be positive semidefinite, both over the rationals.

At the optimum S is singular, so rounding the solver's multipliers fails. If the worst case is one-dimensional with
rational numbers (Huber functions, absolute values), the instance is such a null vector: snapped to fractions, checked
against every inequality, it turns the multipliers into the solution of linear equations (S p = 0, values cancel, only
inequalities tight at p). Otherwise tau is inflated a little and S has room for rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from ._build import build
from ._conic import Data, chain, solve, whole
from ._fractions import double
from ._model import FRACTIONS, STAR, Model
from ._repair import rounded
from ._setting import Setting
from ._witness import Forms, Witness, chain_vector, find_witness, slacks_at

Name = tuple[str, ...]
DELTAS = (1e-9, 1e-8, 1e-7, 1e-6)
MOST_EXACT = 90
"""Width of the matrix up to which exact certificates are tried."""


def fraction(value: fmpq) -> Fraction:
    """A Python fraction."""
    return Fraction(int(value.p), int(value.q))


def rational(value: Fraction) -> fmpq:
    """A flint fraction."""
    return fmpq(value.numerator, value.denominator)


def positive_semidefinite(matrix: np.ndarray) -> bool:
    """Whether a symmetric matrix of fractions is positive semidefinite, by elimination over the rationals."""
    n = matrix.shape[0]
    a = [[rational(Fraction(v)) for v in row] for row in matrix]
    left = set(range(n))
    while left:
        pivot = max(left, key=lambda i: a[i][i])
        if a[pivot][pivot] <= 0:  # nothing positive is left: the rest must vanish
            return all(a[i][j] == 0 for i in left for j in left)
        left.remove(pivot)
        for i in left:
            if a[i][pivot] != 0:
                factor = a[i][pivot] / a[pivot][pivot]
                for j in left:
                    if j <= i:
                        a[i][j] -= factor * a[pivot][j]
                        a[j][i] = a[i][j]
    return True


def _linear_solution(rows: list[list[Fraction]], rhs: list[Fraction], near: list[Fraction]) -> list[Fraction] | None:
    """A solution of a rational linear system, its free unknowns as in `near`; None where there is none."""
    n = len(near)
    full = fmpq_mat(len(rows), n + 1, [rational(v) for row, b in zip(rows, rhs) for v in (*row, b)])
    reduced, rank = full.rref()
    pivots = []
    for i in range(rank):
        pivot = next(j for j in range(n + 1) if reduced[i, j] != 0)
        if pivot == n:
            return None
        pivots.append(pivot)
    solution = [rational(v) for v in near]
    free = [j for j in range(n) if j not in set(pivots)]
    for i, pivot in enumerate(pivots):
        solution[pivot] = reduced[i, n] - sum((reduced[i, j] * solution[j] for j in free), fmpq(0))
    return [fraction(v) for v in solution]


def tight_multipliers(
    forms: Forms, witness: Witness, candidates: Iterable[Name], near: dict[Name, float]
) -> dict[Name, Fraction] | None:
    """Multipliers with S p = 0 and cancelling values on the inequalities tight at the witness, near numerical ones."""
    slacks = slacks_at(forms, witness.vector, witness.values, witness.square)
    names = [name for name in candidates if slacks[name] == 0]
    p = np.array(witness.vector, object)
    columns = []
    for name in names:
        matrix = forms.matrix(name)
        columns.append(np.full(len(p), Fraction(0)) if matrix is None else matrix.dot(p))
    rows, rhs = [], []
    metric = {forms.model.value_names[i]: w for i, w in forms.model.metric_values}
    for node in forms.model.value_names:
        rows.append([forms.values[name].get(node, Fraction(0)) for name in names])
        rhs.append(metric.get(node, Fraction(0)))
    for i, right in enumerate(forms.metric().dot(p)):
        rows.append([column[i] for column in columns])
        rhs.append(right)
    start = [Fraction(round(near.get(name, 0.0) * 2**24), 2**24) for name in names]
    solution = _linear_solution([[Fraction(v) for v in row] for row in rows], [Fraction(v) for v in rhs], start)
    if solution is None or any(v < 0 for name, v in zip(names, solution) if not forms.equation(name)):
        return None
    return {name: value for name, value in zip(names, solution) if value}


@dataclass(frozen=True)
class Exact:
    """tau with its multipliers (normalised problem), and the witness that attains it or None."""

    tau: Fraction
    multipliers: dict[Name, Fraction]
    witness: Witness | None


def restricted(data: Data, keep: np.ndarray) -> Data:
    """The problem with some of its inequalities only: its value is an upper bound."""
    place = np.cumsum(keep) - 1
    blocks = []
    for index, matrices, constant in data.blocks:
        chosen = keep[index]
        blocks.append((place[index[chosen]], matrices[chosen], constant))
    return Data(
        [name for name, k in zip(data.names, keep) if k],
        data.values[:, keep],
        data.rhs[keep],
        data.equality[keep],
        data.metric,
        blocks,
        data.carried,
        data.handed,
    )


def _place(label: str) -> float:
    """Where a point is in the run: x_k, then the point that is extrapolated to from it."""
    return int(label.lstrip("y")) + label.startswith("y") / 2


def descending(names: list[Name]) -> np.ndarray:
    """Which inequalities go forwards: the point before above the one after, the minimiser above each point."""

    def forward(name: Name) -> bool:
        if name[0] not in ("f", "r"):
            return True
        return name[1] == STAR or (name[2] != STAR and _place(name[1]) < _place(name[2]))

    return np.array([forward(name) for name in names], bool)


def certify(setting: Setting, floats: Model, value: float, tolerance: float) -> Exact | str:
    """An exact certificate, or the reason why there is none."""
    if not setting.rational:
        return "the momentum of accelerated_gradient is irrational: no rational certificate, see `lower` and `upper`"
    if len(floats.basis) > MOST_EXACT:
        return f"exact elimination is tried up to {MOST_EXACT} vectors; this run has {len(floats.basis)}"
    forms = Forms(build(setting, FRACTIONS))
    data = chain(floats)
    for keep in (descending(data.names), np.ones(len(data.names), bool)):
        part = restricted(data, keep)
        solution = solve(part)
        if not abs(solution.value - value) <= 1e-6 * max(1.0, abs(value)):
            continue
        witness = find_witness(forms, chain_vector(floats, solution.grams)[:, 0], solution.values, value)
        if witness is None:
            continue
        multipliers = tight_multipliers(forms, witness, part.names, dict(zip(part.names, solution.multipliers)))
        if multipliers is None or forms.bound(multipliers) != witness.metric:
            continue
        if positive_semidefinite(forms.slack_matrix(multipliers)):
            return Exact(witness.metric, multipliers, witness)
    data = chain(floats)
    if not abs(solve(data).value - value) <= tolerance / 4:
        data = whole(floats)
    return inflated(forms, data, value, tolerance)


def inflated(forms: Forms, data: Data, value: float, tolerance: float) -> Exact | str:
    """A certificate of a little more than the value: multipliers of a point inside, rounded and repaired."""
    for delta in DELTAS:
        solution = solve(data, 0.0, delta)
        if not np.isfinite(solution.value):
            continue
        repaired = forms.balanced(rounded(data.names, solution.multipliers, data.equality, 44))
        if repaired is None:
            continue
        tau = forms.bound(repaired)
        if double(tau) - value > tolerance:
            break
        if positive_semidefinite(forms.slack_matrix(repaired)):
            return Exact(tau, repaired, None)
    return "no rounding of the multipliers left a positive semidefinite matrix"
