"""A checker of run certificates that shares nothing with their maker: exact arithmetic on the numbers of the file.

f and its gradient are computed anew at the points of the certificate, as fractions (of the logistic loss to 60 digits,
with an allowance of 1e-45 of the sizes), and with them the bound of the formula; the lower bound of the file must not
exceed it. That L is large enough is decided by exact elimination up to 48 rows, above by a Cholesky factorisation in
float64 with its error bounded (Rump, Verification of positive definiteness, BIT 46, 2006).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, GroupL1, L2Ball, NonsmoothTerm, Simplex, Zero
from ...l2o.problems.smooth import Huber, LeastSquares, Logistic, QuadraticForm, SmoothTerm, SquaredHinge
from ...l2o.problems.transforms import ChangedNonsmooth, ChangedSmooth
from ..errors import VerificationError

_WHOLE = 2**52
_EXACT_ROWS = 48
_DIGITS = 60
_LOOSE = Fraction(1, 10**45)
_NEAR = Fraction(1, 2**40)  # how far outside of a ball or a simplex, relative to its size, a point may lie

Vector = list[Fraction]


class WrongCertificate(VerificationError, ValueError):
    """A certificate that does not hold; the message says what of it."""


@dataclass(frozen=True)
class CheckedCertificate:
    """What the checker found: exact lower bounds (B,), rounded down, and what was taken on trust per instance."""

    lower: tuple[float, ...]
    assumes: tuple[tuple[str, ...], ...]


def check_run_certificate(data: Mapping[str, Any], problem: Composite) -> CheckedCertificate:
    """Verify the data of `RunCertificate.to_dict` against the problem.

    Args:
        data: the data, as read from JSON.
        problem: the problem, in float64.

    Returns:
        A `CheckedCertificate`. Assumptions are a radius or a lower bound of f that the user gave.

    Raises:
        WrongCertificate: something in the data is not so.
        InputError: a term of which the checker knows no exact form.
    """
    if not isinstance(data, Mapping) or data.get("format") != 1 or not isinstance(data.get("instances"), list):
        raise WrongCertificate("not the data of a run certificate in format 1")
    if data.get("problem") != problem.fingerprint():
        raise WrongCertificate("the certificate is of another problem: the fingerprints differ")
    if len(data["instances"]) != problem.batch_size:
        raise WrongCertificate(f"{len(data['instances'])} instances, the problem has {problem.batch_size}")
    lower, assumes = [], []
    for b, record in enumerate(data["instances"]):
        if "reason" in record:
            lower.append(-math.inf)
            assumes.append(())
            continue
        try:
            bound, trusted = _Instance.of(problem, b, record).check()
        except WrongCertificate as wrong:
            raise WrongCertificate(f"instance {b}: {wrong}") from None
        except (KeyError, TypeError, AttributeError, IndexError) as odd:
            raise WrongCertificate(f"instance {b}: not in the format ({type(odd).__name__}: {odd})") from None
        lower.append(bound)
        assumes.append(trusted)
    return CheckedCertificate(tuple(lower), tuple(assumes))


def _number(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise WrongCertificate(f"expected a finite number, got {value!r}")
    return Fraction(value)


def _vector(values: Any, n: int) -> Vector:
    if not isinstance(values, list) or len(values) != n:
        raise WrongCertificate(f"expected a list of {n} numbers")
    return [_number(v) for v in values]


def _row(tensor: Any, b: int) -> np.ndarray:
    array = tensor.detach().cpu().numpy().astype(np.float64)
    return array[b if array.shape[0] > 1 else 0]


def _dot(u: Vector, v: Vector) -> Fraction:
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


class _Smooth:
    """f of one instance in exact arithmetic; `loose` is what values and gradients may be off, relatively."""

    nonnegative = True
    loose = Fraction(0)

    def __init__(self, term: SmoothTerm, b: int):
        matrix = term.map.matrix
        self.rows = _row(matrix.unsqueeze(0) if matrix.ndim == 2 else matrix, b)
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


class _LeastSquares(_Smooth):
    def __init__(self, term: LeastSquares, b: int):
        super().__init__(term, b)
        self.y = _Dyadic.of(_row(term.target, b))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        r = self.product(_Dyadic.of(x)).minus(self.y)
        return Fraction(int(r.m.dot(r.m))) * Fraction(2) ** (2 * r.e) / 2, self.adjoint(r).fractions()


class _Huber(_Smooth):
    def __init__(self, term: Huber, b: int):
        super().__init__(term, b)
        self.y, self.delta = _Dyadic.of(_row(term.target, b)), Fraction(float(_row(term.delta, b)[0]))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        r = self.product(_Dyadic.of(x)).minus(self.y).fractions()
        c = [min(max(v, -self.delta), self.delta) for v in r]
        return sum((p * (q - p / 2) for p, q in zip(c, r)), Fraction(0)), self.adjoint(_Dyadic.of(c)).fractions()


class _Logistic(_Smooth):
    loose = _LOOSE

    def __init__(self, term: Logistic, b: int):
        super().__init__(term, b)
        self.labels = [int(v) for v in _row(term.labels, b)]

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


class _SquaredHinge(_Smooth):
    def __init__(self, term: SquaredHinge, b: int):
        super().__init__(term, b)
        self.signs = [2 * int(v) - 1 for v in _row(term.labels, b)]

    def curvature(self) -> tuple[np.ndarray, Fraction]:
        return self.rows, Fraction(2, len(self.rows))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        z, m = self.product(_Dyadic.of(x)).fractions(), len(self.rows)
        short = [max(Fraction(0), 1 - s * v) for s, v in zip(self.signs, z)]
        slopes = [-2 * s * t for s, t in zip(self.signs, short)]
        return _dot(short, short) / m, [g / m for g in self.adjoint(_Dyadic.of(slopes)).fractions()]


def _fraction(value: mpmath.mpf) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    number = int(mantissa) * Fraction(2) ** int(exponent)
    return -number if sign else number


class _Quadratic(_Smooth):
    nonnegative = False

    def __init__(self, term: QuadraticForm, b: int):
        super().__init__(term, b)
        self.c = _Dyadic.of(_row(term.linear, b))

    def at(self, x: Vector) -> tuple[Fraction, Vector]:
        curved = self.product(_Dyadic.of(x))
        linear = self.c.fractions()
        value = _dot(x, [q / 2 - c for q, c in zip(curved.fractions(), linear)])
        return value, curved.minus(self.c).fractions()

    def check(self, L: Fraction) -> None:
        q = self.rows
        if not np.array_equal(q, q.T):
            raise WrongCertificate("Q is not symmetric")
        eye = np.eye(len(q))
        if not _semidefinite(_combined(L, eye, -1, q)):
            raise WrongCertificate(f"L = {float(L)!r} is not confirmed: it must be at least the largest curvature of f")
        if not _semidefinite(_combined(0, eye, 1, q)):
            raise WrongCertificate("Q is not confirmed to be positive semidefinite, and f convex")


_SMOOTH: dict[type, type[_Smooth]] = {
    LeastSquares: _LeastSquares,
    Huber: _Huber,
    Logistic: _Logistic,
    SquaredHinge: _SquaredHinge,
    QuadraticForm: _Quadratic,
}


def _combined(c: Fraction | int, eye: np.ndarray, sign: int, q: np.ndarray) -> list[Vector]:
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
    return _semidefinite(rows)


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


def _semidefinite(rows: list[Vector]) -> bool:
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


def _inverse(term: NonsmoothTerm, smooth: ChangedSmooth) -> NonsmoothTerm:
    if isinstance(term, Zero):
        return term
    if isinstance(term, ChangedNonsmooth):
        ours, theirs = smooth.change.arrays(), term.change.arrays()
        if all(bool((ours[name] == theirs[name]).all()) for name in ours):
            return term.base
    raise InputError("check_run_certificate: the two terms have different changes of variables: no exact form.")


@dataclass(frozen=True)
class _Instance:
    """One instance and its record; f and r are those of the base, F(x) = scale (f + r)(x/dilation + shift)."""

    f: _Smooth
    r: NonsmoothTerm
    b: int
    n: int
    record: Mapping[str, Any]
    scale: Fraction
    dilation: Fraction
    shift: Vector

    @staticmethod
    def of(problem: Composite, b: int, record: Mapping[str, Any]) -> _Instance:
        smooth, nonsmooth, n = problem.smooth, problem.nonsmooth, problem.dim
        scale, dilation, shift = Fraction(1), Fraction(1), [Fraction(0)] * n
        if isinstance(smooth, ChangedSmooth):
            nonsmooth = _inverse(nonsmooth, smooth)
            change, smooth = smooth.change, smooth.base
            scale, dilation = (Fraction(float(_row(t, b)[0])) for t in (change.scale, change.dilation))
            shift = [Fraction(float(v)) for v in np.broadcast_to(_row(change.shift, b), (n,))]
        if type(smooth) not in _SMOOTH:
            raise InputError(f"check_run_certificate: there is no exact form of the smooth term {smooth.kind}.")
        return _Instance(_SMOOTH[type(smooth)](smooth, b), nonsmooth, b, n, record, scale, dilation, shift)

    def parameter(self, name: str) -> Vector:
        values = _row(getattr(self.r, name), self.b)
        return [Fraction(float(v)) for v in np.broadcast_to(values, (self.n,))]

    def check(self) -> tuple[float, tuple[str, ...]]:
        record = self.record
        assumes: list[str] = []
        L = _number(record["smoothness"])
        if L <= 0:
            raise WrongCertificate("L is not positive")
        self.f.check(L)
        weights = [self._weight(c) for c in record["carriers"]]
        if sum(weights) != _WHOLE:
            raise WrongCertificate(f"the weights sum to {sum(weights)} / 2^52, not to 1")
        constant, squares, s, size = Fraction(0), Fraction(0), [Fraction(0)] * self.n, Fraction(0)
        for weight, carrier in zip(weights, record["carriers"]):
            a = Fraction(weight, _WHOLE)
            x = _vector(carrier["x"], self.n)
            value, gradient = self.f.at(x)
            self._stored(carrier, value, gradient)
            constant += a * (value - _dot(gradient, x))
            squares += a * _dot(gradient, gradient)
            s = [p + a * q for p, q in zip(s, gradient)]
            size += a * (1 + abs(value) + _dot(gradient, gradient) * (1 + 1 / L) + _dot(x, x))
        upper = self._upper(size)
        at_rest = record["at_rest"] is True
        if at_rest and not isinstance(self.r, Zero):
            raise WrongCertificate("the gradient of f vanishes at the minimiser only where r = 0")
        constant += (squares - (0 if at_rest else _dot(s, s))) / (2 * L) - self.f.loose * size
        # the file is about F, what follows about the base
        lower = _number(record["lower"]) / self.scale
        bound = self._bound(constant, s, upper, at_rest, lower, assumes)
        if lower > bound:
            raise WrongCertificate(
                f"lower = {float(record['lower'])!r} exceeds the bound of the formula, {float(bound * self.scale)!r}"
            )
        return math.nextafter(float(bound * self.scale), -math.inf), tuple(assumes)

    @staticmethod
    def _weight(carrier: Mapping[str, Any]) -> int:
        weight = carrier["weight"]
        if isinstance(weight, bool) or not isinstance(weight, int) or weight < 0:
            raise WrongCertificate(f"a weight is an integer >= 0, got {weight!r}")
        return weight

    def _stored(self, carrier: Mapping[str, Any], value: Fraction, gradient: Vector) -> None:
        """The values of the file against the exact ones."""
        loose = self.f.loose * (1 + abs(value))
        if abs(_number(carrier["value"]) - value) > _number(carrier["value_error"]) + loose:
            raise WrongCertificate(f"point {carrier['index']}: the value of f is off by more than its error bound")
        off = [p - q for p, q in zip(_vector(carrier["gradient"], self.n), gradient)]
        allowed = _number(carrier["gradient_error"]) + self.f.loose * (1 + _dot(gradient, gradient))
        if allowed < 0 or _dot(off, off) > allowed**2:
            raise WrongCertificate(f"point {carrier['index']}: the gradient of f is off by more than its error bound")

    def _upper(self, size: Fraction) -> Fraction:
        """F at the best point, of the base; the upper bound of the file must not be below."""
        outer = _vector(self.record["best"], self.n)
        x = [v / self.dilation + t for v, t in zip(outer, self.shift)]
        if self.dilation.numerator & (self.dilation.numerator - 1):
            raise InputError("check_run_certificate: a dilation that is no power of 2 has no exact form here.")
        value, gradient = self.f.at(x)
        away = self._outside(x)
        if away is None:
            raise WrongCertificate("the best point is outside of the domain of r")
        exact = value + self._term(x)
        room = away * (1 + _dot(gradient, gradient)) + away**2 * _number(self.record["smoothness"])
        if _number(self.record["upper"]) + self.scale * room < exact * self.scale:
            raise WrongCertificate("upper is below F at the best point")
        return exact + room + self.f.loose * (1 + abs(value))

    def _outside(self, x: Vector) -> Fraction | None:
        """How far outside of its domain a point may be that counts as inside; None for one that does not."""
        r = self.r
        if isinstance(r, Box):
            lower, upper = _row(r.lower, self.b), _row(r.upper, self.b)
            ends = zip(x, np.broadcast_to(lower, (self.n,)), np.broadcast_to(upper, (self.n,)))
            inside = all(l_ <= v <= u for v, l_, u in ends)  # a fraction compares exactly with a float
            return Fraction(0) if inside else None
        if isinstance(r, L2Ball):
            away, radius = [p - q for p, q in zip(x, self.parameter("center"))], self.parameter("radius")[0]
            size = radius + max(map(abs, x)) + max(map(abs, self.parameter("center")))
            slack = size * _NEAR
            return slack if _dot(away, away) <= (radius + slack) ** 2 else None
        if isinstance(r, Simplex):
            above, radius = [p - q for p, q in zip(x, self.parameter("origin"))], self.parameter("radius")[0]
            slack = (radius + sum(map(abs, x), Fraction(0))) * _NEAR
            near = min(above) >= -slack and abs(sum(above, Fraction(0)) - radius) <= slack
            return 4 * self.n * slack if near else None
        return Fraction(0)

    def _term(self, x: Vector) -> Fraction:
        """r(x), rounded up where it has roots."""
        r = self.r
        if isinstance(r, L1):
            return self.parameter("lam")[0] * sum(map(abs, x), Fraction(0))
        if isinstance(r, ElasticNet):
            lam, ridge = self.parameter("lam")[0], self.parameter("ridge")[0]
            return lam * sum(map(abs, x), Fraction(0)) + ridge / 2 * _dot(x, x)
        if isinstance(r, GroupL1):
            away = [p - q for p, q in zip(x, self.parameter("center"))]
            return self.parameter("lam")[0] * sum(map(_root_above, self._group_squares(away)), Fraction(0))
        return Fraction(0)

    def _group_squares(self, v: Vector) -> Vector:
        groups = self.r.groups.tolist()
        total = [Fraction(0)] * (max(groups) + 1)
        for g, entry in zip(groups, v):
            total[g] += entry * entry
        return total

    def _bound(
        self, constant: Fraction, s: Vector, upper: Fraction, at_rest: bool, lower: Fraction, assumes: list[str]
    ) -> Fraction:
        """The lower bound of F* that the formula gives; roots are rounded to the safe side."""
        r = self.r
        if "ball" in self.record:
            return self._over_ball(constant, s, assumes)
        if at_rest:
            raise WrongCertificate("r = 0 needs a ball")
        if isinstance(r, (L1, GroupL1)):
            lam = self.parameter("lam")[0]
            if lam <= 0:
                raise WrongCertificate("lam = 0 bounds no minimiser")
            if isinstance(r, L1):
                largest = max(map(abs, s))
            else:
                constant += _dot(s, self.parameter("center"))
                largest = max(map(_root_above, self._group_squares(s)))
            if largest <= lam:  # <s, z> + r(z) is least at 0, or at the center
                return constant
            if "smooth_lower" not in self.record:
                raise WrongCertificate("nothing bounds the minimisers")
            return constant - max(Fraction(0), upper - self._floor(assumes)) / lam * (largest - lam)
        if isinstance(r, ElasticNet):
            lam, ridge = self.parameter("lam")[0], self.parameter("ridge")[0]
            over = [max(Fraction(0), abs(v) - lam) for v in s]
            return constant - _dot(over, over) / (2 * ridge)
        if isinstance(r, Box):
            ends = zip(s, self.parameter("lower"), self.parameter("upper"))
            return constant + sum((min(v * p, v * q) for v, p, q in ends), Fraction(0))
        if isinstance(r, Simplex):
            return constant + _dot(s, self.parameter("origin")) + self.parameter("radius")[0] * min(s)
        if isinstance(r, L2Ball):
            return constant + _dot(s, self.parameter("center")) - self.parameter("radius")[0] * _root_above(_dot(s, s))
        raise InputError(f"check_run_certificate: there is no exact form of a certificate with {r.kind}.")

    def _floor(self, assumes: list[str]) -> Fraction:
        floor = _number(self.record["smooth_lower"])
        if not self.f.nonnegative or floor > 0:
            assumes.append(f"f >= {float(floor)!r}")
        return floor

    def _over_ball(self, constant: Fraction, s: Vector, assumes: list[str]) -> Fraction:
        ball = self.record["ball"]
        center, radius = _vector(ball["center"], self.n), _number(ball["radius"])
        if radius < 0:
            raise WrongCertificate("a radius is >= 0")
        if isinstance(self.r, L1):
            lam = self.parameter("lam")[0]
            s = [v + min(max(-v, -lam), lam) for v in s]
        elif not isinstance(self.r, Zero):
            raise InputError(f"check_run_certificate: there is no exact form of a certificate with {self.r.kind} cuts.")
        if ball["source"] == "given":
            assumes.append(f"a minimiser within {float(radius)!r} of the center")
        else:
            self._curved(center, radius)
        return constant + _dot(s, center) - radius * _root_above(_dot(s, s))

    def _curved(self, center: Vector, radius: Fraction) -> None:
        """||x - x*|| <= ||grad f(x)||/mu, with the mu that this radius needs."""
        if not isinstance(self.r, Zero):
            raise InputError("check_run_certificate: a radius by strong convexity is checked for r = 0 only.")
        gradient = self.f.at(center)[1]
        size = _root_above(_dot(gradient, gradient))
        if size == 0:
            return
        mu = size / radius
        if isinstance(self.f, _Quadratic):
            fine = _semidefinite(_combined(-mu, np.eye(self.n), 1, self.f.rows))
        elif isinstance(self.f, _LeastSquares):
            exact = self.f.a
            gram, unit = exact.m.T.dot(exact.m), Fraction(2) ** (2 * exact.e)
            fine = _semidefinite(
                [[int(v) * unit - (mu if i == j else 0) for j, v in enumerate(row)] for i, row in enumerate(gram)]
            )
        else:
            fine = False
        if not fine:
            raise WrongCertificate("the radius by strong convexity is not confirmed")


def _root_above(value: Fraction) -> Fraction:
    """A fraction at least the root of value >= 0, by less than 2^-120 of it."""
    if value == 0:
        return Fraction(0)
    # value 4^shift is about 2^260
    shift = 130 - (value.numerator.bit_length() - value.denominator.bit_length()) // 2
    scaled = value * Fraction(4) ** shift
    return (math.isqrt(math.ceil(scaled)) + 1) / Fraction(2) ** shift
