"""One local minimisation of a worst case: a sequence of semidefinite problems.

With multipliers lambda the worst case of a method with numbers theta is at most b'lambda if the slack matrix
S(lambda, theta) = sum_j lambda_j M_j(theta) - C(theta) is positive semidefinite and the function values cancel. To
minimise over both is not convex, because lambda and theta are multiplied. Each problem here is linear around the
present pair (lambda_0, theta_0):

    minimise b'lambda   so that   S(lambda, theta_0) + sum_i d_i dS/dtheta_i(lambda_0, theta_0) >= 0,  |d_i| <= radius.

If S >= 0 alone keeps d = 0 from being the least, b'lambda is less than the worst case by what the multipliers promise:
the first-order change is the gradient of `WorstCase.sensitivity`, and where the worst case has a kink, as at the best
steps of gradient descent, the problem sees all its slopes at once. The worst case at theta_0 + d is then solved for
itself, and decides whether the step is taken and whether the radius grows (a trust region).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._conic import Data, solve

APART = 1e-4
"""Half the distance of the central differences of matrices, polynomials of the numbers, mostly of degree 2."""
FIRST, LARGEST, LEAST = 0.2, 1.0, 1e-9
"""Radii: at first, at most, and where it ends."""
ENOUGH = 1e-10
"""It ends where the linear problem promises less than this part of the value."""
ACCEPTED, POOR, GOOD = 1e-3, 0.25, 0.75
"""Of what is promised: enough to step, to shrink the radius below, to double it above."""

At = Callable[[np.ndarray], "tuple[Data, float] | None"]


@dataclass(frozen=True)
class Minimum:
    """Where a sequence ended: numbers, value, and how many problems it solved."""

    numbers: np.ndarray
    value: float
    problems: int


def minimised(at: At, start: np.ndarray, most: int) -> Minimum:
    """The end of the sequence from `start`; `at` is None where there is no method with these numbers."""
    numbers, radius, problems = start, FIRST, 1
    present = at(numbers)
    if present is None:
        return Minimum(start, np.inf, 0)
    solution = solve(present[0])
    value = _worth(solution.status, solution.value)
    while np.isfinite(value) and problems < most and radius > LEAST:
        changes = _changes(at, numbers, present[0], solution.multipliers)
        if changes is None:
            break
        taken = False
        while not taken and problems < most and radius > LEAST:
            linear = solve(_linear(present[0], changes, radius))
            problems += 1
            promised = value - (linear.value - radius * float(changes.bound.sum()))
            if not promised > ENOUGH * abs(value):  # NaN too
                radius = 0.0
                break
            count = len(present[0].names)
            moved = numbers + linear.multipliers[count : count + len(numbers)] - radius
            there = at(moved)
            problems += there is not None
            other = None if there is None else solve(there[0])
            reached = np.inf if other is None else _worth(other.status, other.value)
            share = (value - reached) / promised
            if share < POOR:
                radius /= 3
            elif share > GOOD:
                radius = min(2 * radius, LARGEST)
            if share > ACCEPTED:
                assert there is not None, "its value is finite"
                assert other is not None, "its value is finite"
                numbers, present, solution, value, taken = moved, there, other, reached, True
    return Minimum(numbers, value * present[1], problems)


def _worth(status: str, value: float) -> float:
    """A value, +inf where the solver has none (a worst case that is +inf is an infeasible dual)."""
    return value if np.isfinite(value) and "Infeasible" not in status else np.inf


@dataclass(frozen=True)
class _Changes:
    """Derivatives by each number at fixed multipliers: slack matrix (m, n, n), function values (m, V), bound (m,)."""

    matrices: np.ndarray
    values: np.ndarray
    bound: np.ndarray


def _changes(at: At, numbers: np.ndarray, present: Data, multipliers: np.ndarray) -> _Changes | None:
    """The changes by central differences; None where the inequalities are other ones at a neighbour."""
    parts = []
    for i in range(len(numbers)):
        ends = []
        for sign in (1, -1):
            moved = numbers.copy()
            moved[i] += sign * APART
            there = at(moved)
            if there is None or there[0].names != present.names or there[0].values.shape != present.values.shape:
                return None
            data = there[0]
            if data.blocks[0][1].shape != present.blocks[0][1].shape:
                return None
            slack = np.tensordot(multipliers[data.blocks[0][0]], data.blocks[0][1], 1) - data.blocks[0][2]
            ends.append((slack, data.values @ multipliers - data.metric, data.rhs @ multipliers))
        parts.append([(above - below) / (2 * APART) for above, below in zip(*ends)])
    matrices, values, bound = (np.array(part) for part in zip(*parts))
    return _Changes(matrices, values, bound)


def _linear(data: Data, changes: _Changes, radius: float) -> Data:
    """The linear problem: d_i + radius and radius - d_i are two more multipliers for each number, with sum 2 radius."""
    m, count, n_values = len(changes.bound), len(data.names), len(data.metric)
    values = np.zeros((n_values + m, count + 2 * m))
    values[:n_values, :count] = data.values
    values[:n_values, count : count + m] = changes.values.T
    for i in range(m):
        values[n_values + i, [count + i, count + m + i]] = 1.0
    index, matrices, constant = data.blocks[0]
    block = (
        np.concatenate([index, count + np.arange(m)]),
        np.concatenate([matrices, changes.matrices]),
        constant + radius * changes.matrices.sum(0),
    )
    return Data(
        [*data.names, *(("d", str(i)) for i in range(2 * m))],
        values,
        np.concatenate([data.rhs, changes.bound, np.zeros(m)]),
        np.concatenate([data.equality, np.zeros(2 * m, bool)]),
        np.concatenate([data.metric + radius * changes.values.sum(0), np.full(m, 2 * radius)]),
        [block],
        [0],
        [],
    )
