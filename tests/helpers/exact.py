"""Minima in exact arithmetic: every face of r in rationals, until the optimality conditions hold."""

from __future__ import annotations

import itertools
from fractions import Fraction

import mpmath
import numpy as np


def solve(matrix: list[list[Fraction]], rhs: list[Fraction]) -> list[Fraction] | None:
    """Gauss-Jordan in rationals; None for a singular matrix."""
    n = len(rhs)
    rows = [[*row, b] for row, b in zip(matrix, rhs)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if rows[i][k] != 0), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(n):
            if i != k and rows[i][k] != 0:
                factor = rows[i][k]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[k])]
    return [row[n] for row in rows]


def quadratic_minimum(q, c, constant, lam=0.0, ridge=0.0, lower=None, upper=None) -> Fraction | None:
    """Exact min of 1/2 x'qx - c'x + constant + lam |x|_1 + ridge/2 |x|^2 on lower <= x <= upper; None if not found.

    q and c may hold Fractions; floats are converted without rounding. lam > 0 only without bounds.
    """
    n = len(c)
    q = [[Fraction(v) for v in row] for row in q]
    c = [Fraction(v) for v in c]
    lam, ridge, constant = Fraction(lam), Fraction(ridge), Fraction(constant)
    for i in range(n):
        q[i][i] += ridge
    low, high = ([_bound(side, i) for i in range(n)] for side in (lower, upper))
    states = ["-", "0", "+"] if lam > 0 else ["low", "free", "high"]
    for face in itertools.product(states, repeat=n):
        fixed = {}
        for i, s in enumerate(face):
            if s == "0":
                fixed[i] = Fraction(0)
            elif s in ("low", "high"):
                fixed[i] = low[i] if s == "low" else high[i]
        if any(v is None for v in fixed.values()):
            continue
        free = [i for i in range(n) if i not in fixed]
        sign = {i: {"-": -1, "+": 1}.get(face[i], 0) for i in free}
        rhs = [c[i] - lam * sign[i] - sum(q[i][j] * v for j, v in fixed.items()) for i in free]
        values = solve([[q[i][j] for j in free] for i in free], rhs)
        if values is None:
            continue
        x = dict(fixed) | dict(zip(free, values))
        g = [sum(q[i][j] * x[j] for j in range(n)) - c[i] for i in range(n)]
        if _optimal(face, x, g, lam, low, high):
            quadratic = sum(x[i] * (g[i] - c[i]) for i in range(n)) / 2
            return quadratic + constant + lam * sum(abs(v) for v in x.values())
    return None


def _bound(side, i: int) -> Fraction | None:
    if side is None or isinstance(side[i], Fraction):
        return None if side is None else side[i]
    return None if np.isinf(side[i]) else Fraction(float(side[i]))


def _optimal(face, x, g, lam, low, high) -> bool:
    for i, s in enumerate(face):
        held = {
            "-": x[i] <= 0,
            "+": x[i] >= 0,
            "0": abs(g[i]) <= lam,
            "low": g[i] >= 0,
            "high": g[i] <= 0,
            "free": (low[i] is None or x[i] >= low[i]) and (high[i] is None or x[i] <= high[i]),
        }[s]
        if not held:
            return False
    return True


def objective(p, b: int, x) -> Fraction:
    """F of instance b at the float64 point x (n,), transforms included; quadratic models only, x within any box."""
    s, r = getattr(p.smooth, "base", p.smooth), getattr(p.nonsmooth, "base", p.nonsmooth)
    w, scale = [Fraction(float(v)) for v in x], Fraction(1)
    change = getattr(p.smooth, "change", None)
    if change is not None:
        scale, a = _row(change.scale, b)[0], _row(change.dilation, b)[0]
        shift = _row(change.shift, b)
        w = [v / a + t for v, t in zip(w, shift * len(w) if len(shift) == 1 else shift)]
    matrix = (s.map.matrix if s.map.shared else s.map.matrix[b]).tolist()
    image = [sum(Fraction(m) * v for m, v in zip(row, w)) for row in matrix]
    if s.kind == "least-squares":
        value = sum((z - y) ** 2 for z, y in zip(image, _row(s.target, b))) / 2
    else:
        value = sum(v * (z / 2 - c) for v, z, c in zip(w, image, _row(s.linear, b)))
    if hasattr(r, "lam"):
        value += _row(r.lam, b)[0] * sum(abs(v) for v in w)
    if hasattr(r, "ridge"):
        value += _row(r.ridge, b)[0] / 2 * sum(v * v for v in w)
    return scale * value


def _row(parameter, b: int) -> list[Fraction]:
    return [Fraction(v) for v in parameter[b if parameter.shape[0] > 1 else 0].tolist()]


def least_squares_form(a, y) -> tuple[list[list[Fraction]], list[Fraction], Fraction]:
    """q, c, constant of 1/2 |a x - y|^2, exactly."""
    a = [[Fraction(float(v)) for v in row] for row in a]
    y = [Fraction(float(v)) for v in y]
    n = len(a[0])
    q = [[sum(row[i] * row[j] for row in a) for j in range(n)] for i in range(n)]
    return q, [sum(row[i] * v for row, v in zip(a, y)) for i in range(n)], sum(v * v for v in y) / 2


def logistic_minimum(a, labels, guess, lam=0.0, ridge=0.0, lower=None, upper=None):
    """min of the mean logistic loss plus r to 40 digits, its optimality conditions checked; F at the solution (mpf).

    `guess` only says where Newton's method starts and which face to try.
    """
    with mpmath.workdps(50):
        m, n = len(a), len(a[0])
        a = [[mpmath.mpf(float(v)) for v in row] for row in a]
        sign = [1 - 2 * int(v) for v in labels]
        x = [mpmath.mpf(float(v)) for v in guess]
        lam, ridge = mpmath.mpf(float(lam)), mpmath.mpf(float(ridge))
        held = [
            (lam > 0 and x[i] == 0)
            or (lower is not None and x[i] == float(lower[i]))
            or (upper is not None and x[i] == float(upper[i]))
            for i in range(n)
        ]
        free = [i for i in range(n) if not held[i]]
        slope = [lam * mpmath.sign(v) for v in x]

        def scores():
            return [s * sum(r * v for r, v in zip(row, x)) for s, row in zip(sign, a)]

        def gradient():
            p = [1 / (1 + mpmath.exp(-z)) for z in scores()]
            return p, [sum(s * t * row[i] for s, t, row in zip(sign, p, a)) / m + ridge * x[i] for i in range(n)]

        for _ in range(4 if free else 0):  # each squares the error of the guess
            p, g = gradient()
            if all(abs(g[i] + slope[i]) < mpmath.mpf(10) ** -44 for i in free):
                break
            hessian = mpmath.matrix(len(free))
            for k, i in enumerate(free):
                for j, other in enumerate(free):
                    hessian[k, j] = sum(t * (1 - t) * row[i] * row[other] for t, row in zip(p, a)) / m
                hessian[k, k] += ridge
            step = mpmath.lu_solve(hessian, mpmath.matrix([g[i] + slope[i] for i in free]))
            for k, i in enumerate(free):
                x[i] -= step[k]
        _, g = gradient()
        for i in range(n):
            if i in free:
                assert abs(g[i] + slope[i]) < mpmath.mpf(10) ** -40
                assert lam == 0 or mpmath.sign(x[i]) * lam == slope[i]
            elif lam > 0:
                assert abs(g[i]) <= lam
            elif lower is not None and x[i] == float(lower[i]):
                assert g[i] >= 0
            else:
                assert g[i] <= 0
        loss = sum(mpmath.log1p(mpmath.exp(z)) for z in scores()) / m
        return loss + lam * sum(abs(v) for v in x) + ridge * sum(v * v for v in x) / 2
