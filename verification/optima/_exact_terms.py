"""f and its gradient as fractions, and whether matrices are semidefinite: the arithmetic of `check_run_certificate`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from ...errors import InputError
from ...l2o.problems.smooth import Huber, LeastSquares, Logistic, QuadraticForm, SquaredHinge
from ..errors import VerificationError

_EXACT_ROWS = 48
_DIGITS = 60
_LOOSE = Fraction(1, 10**45)

Vector = list[Fraction]


class WrongCertificate(VerificationError, ValueError):
    """A certificate that does not hold; the message says what of it."""


def number(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise WrongCertificate(f"expected a finite number, got {value!r}")
    return Fraction(value)


def vector(values: Any, n: int) -> Vector:
    if not isinstance(values, list) or len(values) != n:
        raise WrongCertificate(f"expected a list of {n} numbers")
    return [number(v) for v in values]


def row_of(tensor: Any, b: int) -> np.ndarray:
    array = tensor.detach().cpu().numpy().astype(np.float64)
    return array[b if array.shape[0] > 1 else 0]


def dot(u: Vector, v: Vector) -> Fraction:
    return sum((p * q for p, q in zip(u, v)), Fraction(0))


@dataclass(frozen=True)
class _Dyadic:
    """An array of numbers m 2^e: integers m of any size, one exponent e."""

    m: np.ndarray
    e: int

    @staticmethod
    def of(values: Any) -> _Dyadic:
        """From floats or fractions whose denominators are powers of 2."""
        array = np.asarray(values, dtype=object)
        parts = [Fraction(v) for v in array.reshape(-1)]
        shift = max((p.denominator.bit_length() - 1 for p in parts), default=0)
        if any(p.denominator & (p.denominator - 1) for p in parts):
            raise InputError("check_run_certificate: a number is no binary fraction, as after a change of variables.")
        m = np.empty(len(parts), dtype=object)
        m[:] = [p.numerator << (shift - p.denominator.bit_length() + 1) for p in parts]
        return _Dyadic(m.reshape(array.shape), -shift)

    def times(self, other: _Dyadic) -> _Dyadic:
        return _Dyadic(self.m.dot(other.m), self.e + other.e)

    def minus(self, other: _Dyadic) -> _Dyadic:
        e = min(self.e, other.e)
        return _Dyadic(self.m * 2 ** (self.e - e) - other.m * 2 ** (other.e - e), e)

    def fractions(self) -> Vector:
        unit = Fraction(2) ** self.e
        return [int(m) * unit for m in self.m]


class ExactSmooth:
    """f of one instance in exact arithmetic; `loose` is what values and gradients may be off, relatively."""

    nonnegative = True
    loose = Fraction(0)

    def __init__(self, term: Any, b: int):  # a SmoothTerm with a map
        matrix = term.map.matrix
        self.rows = row_of(matrix.unsqueeze(0) if matrix.ndim == 2 else matrix, b)
        self.a = _Dyadic.of(self.rows)

    def product(self, x: _Dyadic) -> _Dyadic:
        return self.a.times(x)

    def adjoint(self, u: _Dyadic) -> _Dyadic:
        return _Dyadic(self.a.m.T, self.a.e).times(u)

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        """f(x) and its gradient."""
        raise NotImplementedError

    def curvature(self) -> tuple[np.ndarray, Fraction]:
        """A matrix M (floats) and a factor c so that the Hessians are at most c M'M."""
        return self.rows, Fraction(1)

    def check(self, L: Fraction) -> None:
        """Raise unless f is convex with a gradient of this Lipschitz constant."""
        matrix, factor = self.curvature()
        if not _dominates(L / factor, matrix):
            raise WrongCertificate(f"L = {float(L)!r} is not confirmed: it must be at least the largest curvature of f")


class ExactLeastSquares(ExactSmooth):
    def __init__(self, term: LeastSquares, b: int):
        super().__init__(term, b)
        self.y = _Dyadic.of(row_of(term.target, b))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        r = self.product(_Dyadic.of(x)).minus(self.y)
        return Fraction(int(r.m.dot(r.m))) * Fraction(2) ** (2 * r.e) / 2, self.adjoint(r).fractions()


class ExactHuber(ExactSmooth):
    def __init__(self, term: Huber, b: int):
        super().__init__(term, b)
        self.y, self.delta = _Dyadic.of(row_of(term.target, b)), Fraction(float(row_of(term.delta, b)[0]))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        r = self.product(_Dyadic.of(x)).minus(self.y).fractions()
        c = [min(max(v, -self.delta), self.delta) for v in r]
        return sum((p * (q - p / 2) for p, q in zip(c, r)), Fraction(0)), self.adjoint(_Dyadic.of(c)).fractions()


class ExactLogistic(ExactSmooth):
    loose = _LOOSE

    def __init__(self, term: Logistic, b: int):
        super().__init__(term, b)
        self.labels = [int(v) for v in row_of(term.labels, b)]

    def curvature(self) -> tuple[np.ndarray, Fraction]:
        return self.rows, Fraction(1, 4 * len(self.rows))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        z, m = self.product(_Dyadic.of(x)).fractions(), len(self.rows)
        value, slopes = Fraction(0), []
        with mpmath.workdps(_DIGITS):
            for v, label in zip(z, self.labels):
                t = mpmath.mpf(v.numerator) / v.denominator * (1 - 2 * label)
                wrong = 1 / (1 + mpmath.exp(-t)) if t > 0 else mpmath.exp(t) / (1 + mpmath.exp(t))
                value += _fraction(max(t, 0) + mpmath.log1p(mpmath.exp(-abs(t))))
                slopes.append((1 - 2 * label) * _fraction(wrong))
        return value / m, [g / m for g in self.adjoint(_Dyadic.of(slopes)).fractions()]


class ExactSquaredHinge(ExactSmooth):
    def __init__(self, term: SquaredHinge, b: int):
        super().__init__(term, b)
        self.signs = [2 * int(v) - 1 for v in row_of(term.labels, b)]

    def curvature(self) -> tuple[np.ndarray, Fraction]:
        return self.rows, Fraction(2, len(self.rows))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        z, m = self.product(_Dyadic.of(x)).fractions(), len(self.rows)
        short = [max(Fraction(0), 1 - s * v) for s, v in zip(self.signs, z)]
        slopes = [-2 * s * t for s, t in zip(self.signs, short)]
        return dot(short, short) / m, [g / m for g in self.adjoint(_Dyadic.of(slopes)).fractions()]


def _fraction(value: mpmath.mpf) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    magnitude = int(mantissa) * Fraction(2) ** int(exponent)
    return -magnitude if sign else magnitude


class ExactQuadratic(ExactSmooth):
    nonnegative = False

    def __init__(self, term: QuadraticForm, b: int):
        super().__init__(term, b)
        self.c = _Dyadic.of(row_of(term.linear, b))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        curved = self.product(_Dyadic.of(x))
        linear = self.c.fractions()
        value = dot(x, [q / 2 - c for q, c in zip(curved.fractions(), linear)])
        return value, curved.minus(self.c).fractions()

    def check(self, L: Fraction) -> None:
        q = self.rows
        if not np.array_equal(q, q.T):
            raise WrongCertificate("Q is not symmetric")
        eye = np.eye(len(q))
        if not semidefinite(combined(L, eye, -1, q)):
            raise WrongCertificate(f"L = {float(L)!r} is not confirmed: it must be at least the largest curvature of f")
        if not semidefinite(combined(0, eye, 1, q)):
            raise WrongCertificate("Q is not confirmed to be positive semidefinite, and f convex")


EXACT: dict[type, type[ExactSmooth]] = {
    LeastSquares: ExactLeastSquares,
    Huber: ExactHuber,
    Logistic: ExactLogistic,
    SquaredHinge: ExactSquaredHinge,
    QuadraticForm: ExactQuadratic,
}


def combined(c: Fraction | int, eye: np.ndarray, sign: int, q: np.ndarray) -> list[Vector]:
    return [[c * int(i) + sign * Fraction(v) for i, v in zip(e, row)] for e, row in zip(eye, q.tolist())]


def _dominates(c: Fraction, matrix: np.ndarray) -> bool:
    """Whether c I - M'M is positive semidefinite, from the smaller of the two Gram matrices."""
    m = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    if len(m) > _EXACT_ROWS:
        return _dominates_in_float(c, m)
    exact = _Dyadic.of(m)
    gram = _Dyadic(exact.m.dot(exact.m.T), 2 * exact.e)
    unit = Fraction(2) ** gram.e
    rows = [[(c if i == j else 0) - int(v) * unit for j, v in enumerate(row)] for i, row in enumerate(gram.m)]
    return semidefinite(rows)


def _dominates_in_float(c: Fraction, m: np.ndarray) -> bool:
    """The same in float64: Cholesky of the matrix less all that rounding may hide."""
    size, columns = m.shape
    unit = 2.0**-53
    gram = m @ m.T
    total = float((m * m).sum()) * (1 + 1e-9)
    # The Gram matrix is off by at most (columns + 2) u of ||M||_F^2 in norm, c by a unit, the factorisation by
    # (size + 2) u of the trace.
    low = math.nextafter(float(c), 0.0)
    trace = size * low
    hidden = 1.1 * unit * ((columns + 4) * total + (size + 4) * trace + 4 * low)
    return _factorises((low - hidden) * np.eye(size) - gram)


def _factorises(matrix: np.ndarray) -> bool:
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


def semidefinite(rows: list[Vector]) -> bool:
    """Whether a symmetric matrix is positive semidefinite: elimination without fractions (Bareiss, 1968)."""
    size = len(rows)
    if size > _EXACT_ROWS:
        matrix = np.array([[float(v) for v in row] for row in rows])
        hidden = 1.1 * 2.0**-53 * (size + 6) * (np.trace(np.abs(matrix)) + np.abs(matrix).sum(0).max())
        return _factorises(matrix - hidden * np.eye(size))
    scale = math.lcm(*(v.denominator for row in rows for v in row))
    a = [[int(v * scale) for v in row] for row in rows]
    before = 1
    for k in range(size):
        pivot = a[k][k]
        if pivot < 0:
            return False
        if pivot == 0:
            if any(a[k][j] for j in range(k + 1, size)):
                return False
            continue
        for i in range(k + 1, size):
            for j in range(i, size):
                a[i][j] = (a[i][j] * pivot - a[k][i] * a[k][j]) // before
                a[j][i] = a[i][j]
        before = pivot
    return True
