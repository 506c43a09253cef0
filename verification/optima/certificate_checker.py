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

import numpy as np
import torch

from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1, Box, ElasticNet, GroupL1, L2Ball, NonsmoothTerm, Simplex, Zero
from ...l2o.problems.transforms import ChangedNonsmooth, ChangedSmooth
from ._exact_terms import (
    EXACT,
    ExactLeastSquares,
    ExactQuadratic,
    ExactSmooth,
    Vector,
    WrongCertificate,
    combined,
    dot,
    number,
    row_of,
    semidefinite,
    vector,
)

_WHOLE = 2**52
_NEAR = Fraction(1, 2**40)  # how far outside of a ball or a simplex, relative to its size, a point may lie


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
    lower: list[float] = []
    assumes: list[tuple[str, ...]] = []
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

    f: ExactSmooth
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
            scale, dilation = (Fraction(float(row_of(t, b)[0])) for t in (change.scale, change.dilation))
            shift = [Fraction(float(v)) for v in np.broadcast_to(row_of(change.shift, b), (n,))]
        if type(smooth) not in EXACT:
            raise InputError(f"check_run_certificate: there is no exact form of the smooth term {smooth.kind}.")
        return _Instance(EXACT[type(smooth)](smooth, b), nonsmooth, b, n, record, scale, dilation, shift)

    def parameter(self, name: str) -> Vector:
        values = row_of(getattr(self.r, name), self.b)
        return [Fraction(float(v)) for v in np.broadcast_to(values, (self.n,))]

    def check(self) -> tuple[float, tuple[str, ...]]:
        record = self.record
        assumes: list[str] = []
        L = number(record["smoothness"])
        if L <= 0:
            raise WrongCertificate("L is not positive")
        self.f.check(L)
        weights = [self._weight(c) for c in record["carriers"]]
        if sum(weights) != _WHOLE:
            raise WrongCertificate(f"the weights sum to {sum(weights)} / 2^52, not to 1")
        constant, squares, s, size = Fraction(0), Fraction(0), [Fraction(0)] * self.n, Fraction(0)
        for weight, carrier in zip(weights, record["carriers"]):
            a = Fraction(weight, _WHOLE)
            x = vector(carrier["x"], self.n)
            value, gradient = self.f.at(x)
            self._stored(carrier, value, gradient)
            constant += a * (value - dot(gradient, x))
            squares += a * dot(gradient, gradient)
            s = [p + a * q for p, q in zip(s, gradient)]
            size += a * (1 + abs(value) + dot(gradient, gradient) * (1 + 1 / L) + dot(x, x))
        upper = self._upper(size)
        at_rest = record["at_rest"] is True
        if at_rest and not isinstance(self.r, Zero):
            raise WrongCertificate("the gradient of f vanishes at the minimiser only where r = 0")
        constant += (squares - (0 if at_rest else dot(s, s))) / (2 * L) - self.f.loose * size
        # the file is about F, what follows about the base
        lower = number(record["lower"]) / self.scale
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
        if abs(number(carrier["value"]) - value) > number(carrier["value_error"]) + loose:
            raise WrongCertificate(f"point {carrier['index']}: the value of f is off by more than its error bound")
        off = [p - q for p, q in zip(vector(carrier["gradient"], self.n), gradient)]
        allowed = number(carrier["gradient_error"]) + self.f.loose * (1 + dot(gradient, gradient))
        if allowed < 0 or dot(off, off) > allowed**2:
            raise WrongCertificate(f"point {carrier['index']}: the gradient of f is off by more than its error bound")

    def _upper(self, size: Fraction) -> Fraction:
        """F at the best point, of the base; the upper bound of the file must not be below."""
        outer = vector(self.record["best"], self.n)
        x = [v / self.dilation + t for v, t in zip(outer, self.shift)]
        if self.dilation.numerator & (self.dilation.numerator - 1):
            raise InputError("check_run_certificate: a dilation that is no power of 2 has no exact form here.")
        value, gradient = self.f.at(x)
        away = self._outside(x)
        if away is None:
            raise WrongCertificate("the best point is outside of the domain of r")
        exact = value + self._term(x)
        room = away * (1 + dot(gradient, gradient)) + away**2 * number(self.record["smoothness"])
        if number(self.record["upper"]) + self.scale * room < exact * self.scale:
            raise WrongCertificate("upper is below F at the best point")
        return exact + room + self.f.loose * (1 + abs(value))

    def _outside(self, x: Vector) -> Fraction | None:
        """How far outside of its domain a point may be that counts as inside; None for one that does not."""
        r = self.r
        if isinstance(r, Box):
            lower, upper = row_of(r.lower, self.b), row_of(r.upper, self.b)
            ends = zip(x, np.broadcast_to(lower, (self.n,)), np.broadcast_to(upper, (self.n,)))
            inside = all(l_ <= v <= u for v, l_, u in ends)  # a fraction compares exactly with a float
            return Fraction(0) if inside else None
        if isinstance(r, L2Ball):
            away, radius = [p - q for p, q in zip(x, self.parameter("center"))], self.parameter("radius")[0]
            size = radius + max(map(abs, x)) + max(map(abs, self.parameter("center")))
            slack = size * _NEAR
            return slack if dot(away, away) <= (radius + slack) ** 2 else None
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
            return lam * sum(map(abs, x), Fraction(0)) + ridge / 2 * dot(x, x)
        if isinstance(r, GroupL1):
            away = [p - q for p, q in zip(x, self.parameter("center"))]
            return self.parameter("lam")[0] * sum(map(_root_above, self._group_squares(r.groups, away)), Fraction(0))
        return Fraction(0)

    def _group_squares(self, labels: torch.Tensor, v: Vector) -> Vector:
        groups = labels.tolist()
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
                constant += dot(s, self.parameter("center"))
                largest = max(map(_root_above, self._group_squares(r.groups, s)))
            if largest <= lam:  # <s, z> + r(z) is least at 0, or at the center
                return constant
            if "smooth_lower" not in self.record:
                raise WrongCertificate("nothing bounds the minimisers")
            return constant - max(Fraction(0), upper - self._floor(assumes)) / lam * (largest - lam)
        if isinstance(r, ElasticNet):
            lam, ridge = self.parameter("lam")[0], self.parameter("ridge")[0]
            over = [max(Fraction(0), abs(v) - lam) for v in s]
            return constant - dot(over, over) / (2 * ridge)
        if isinstance(r, Box):
            ends = zip(s, self.parameter("lower"), self.parameter("upper"))
            return constant + sum((min(v * p, v * q) for v, p, q in ends), Fraction(0))
        if isinstance(r, Simplex):
            return constant + dot(s, self.parameter("origin")) + self.parameter("radius")[0] * min(s)
        if isinstance(r, L2Ball):
            return constant + dot(s, self.parameter("center")) - self.parameter("radius")[0] * _root_above(dot(s, s))
        raise InputError(f"check_run_certificate: there is no exact form of a certificate with {r.kind}.")

    def _floor(self, assumes: list[str]) -> Fraction:
        floor = number(self.record["smooth_lower"])
        if not self.f.nonnegative or floor > 0:
            assumes.append(f"f >= {float(floor)!r}")
        return floor

    def _over_ball(self, constant: Fraction, s: Vector, assumes: list[str]) -> Fraction:
        ball = self.record["ball"]
        center, radius = vector(ball["center"], self.n), number(ball["radius"])
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
        return constant + dot(s, center) - radius * _root_above(dot(s, s))

    def _curved(self, center: Vector, radius: Fraction) -> None:
        """||x - x*|| <= ||grad f(x)||/mu, with the mu that this radius needs."""
        if not isinstance(self.r, Zero):
            raise InputError("check_run_certificate: a radius by strong convexity is checked for r = 0 only.")
        gradient = self.f.at(center)[1]
        size = _root_above(dot(gradient, gradient))
        if size == 0:
            return
        mu = size / radius
        if isinstance(self.f, ExactQuadratic):
            fine = semidefinite(combined(-mu, np.eye(self.n), 1, self.f.rows))
        elif isinstance(self.f, ExactLeastSquares):
            exact = self.f.a
            gram, unit = exact.m.T.dot(exact.m), Fraction(2) ** (2 * exact.e)
            fine = semidefinite(
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
