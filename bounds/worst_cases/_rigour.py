"""Rounding-sound verdicts on what the solver found: a dual bound and a primal instance.

Coefficients of the method come as balls, the instance as floats, which are exact numbers; every inequality is then
evaluated in ball arithmetic. A matrix of balls is positive semidefinite if the floating-point Cholesky factorisation of
its midpoint, less what the radii and the rounding of the factorisation can do, runs through (Rump, Acta Numerica 19
(2010), section 10.8: one that runs through belongs to A + E, ||E||_2 <= g/(1-g) tr A, g = (n+1) u/(1-(n+1)u)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, ctx

from ..evaluation.ball import EPS, TINY, Ball, made
from ._build import build
from ._conic import points, spectrum
from ._model import STAR, Model, Numbers, interpolation
from ._setting import Setting

BITS, BITS_PER_STEP = 128, 4
"""Of balls: momentum makes radii grow by some two bits a step."""


def _arb(value: Fraction) -> arb:
    return arb(value.numerator) / value.denominator


BALLS = Numbers(_arb, lambda value: value.sqrt(), object)


def _ends(value: arb) -> tuple[Fraction, Fraction]:
    """The ends of a ball, as they are: nothing is rounded to doubles, where small ones would become 0."""
    low, high = value.lower().fmpq(), value.upper().fmpq()
    return Fraction(int(low.p), int(low.q)), Fraction(int(high.p), int(high.q))


@contextmanager
def enclosed(bits: int = BITS) -> Iterator[tuple[Numbers, Callable[[arb], tuple[Fraction, Fraction]]]]:
    """Balls of that many bits to compute with, and what gives their ends in fractions."""
    before = ctx.prec
    ctx.prec = bits  # flint's precision is one per thread
    try:
        yield BALLS, _ends
    finally:
        ctx.prec = before


def exact_model(setting: Setting) -> Model:
    """The model with coefficients as balls of 128 bits and more."""
    with enclosed(_bits(setting)) as (balls, _):
        model = build(setting, balls)
        assert model.embeddings is not None, "made in this precision"
        return model


def _bits(setting: Setting) -> int:
    return BITS + BITS_PER_STEP * setting.steps


def ball_of(entries: np.ndarray) -> Ball:
    """An array of arb or zeros as a ball of doubles."""
    mid = np.array([float(e) for e in entries.ravel()]).reshape(entries.shape)
    # a double is within half a unit of the middle, and the radius of 128 bits is far below that
    rad = np.array([float(e.rad()) if isinstance(e, arb) else 0.0 for e in entries.ravel()]).reshape(entries.shape)
    zero = np.array([bool(e == 0) for e in entries.ravel()]).reshape(entries.shape)  # what underflows is not 0
    return Ball(mid, (rad + EPS * np.abs(mid)) * (1 + 16 * EPS) + np.where(zero, 0.0, TINY))


def product(a: Ball, b: Ball) -> Ball:
    """Matrix product of balls (n, m) and (m, k)."""
    m = a.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):  # beyond doubles nothing is known of an entry
        mid = a.mid @ b.mid
        size_a, size_b = np.abs(a.mid), np.abs(b.mid)
        # each entry is a sum of m products, in any order: at most (m + 1) u of the sum of their sizes
        rad = a.rad @ (size_b + b.rad) + size_a @ b.rad + (m + 2) * EPS * (size_a @ size_b)
        return made(mid, rad * (1 + 4 * (m + 16) * EPS) + (m + 1) * TINY)


def transposed(a: Ball) -> Ball:
    """The transpose."""
    return Ball(a.mid.T, a.rad.T)


def positive_semidefinite(a: Ball) -> bool:
    """Whether every symmetric member of the ball is positive semidefinite, shown; False where it is not shown."""
    n = a.shape[0]
    mid = (a.mid + a.mid.T) / 2
    rad = a.rad + np.abs(a.mid - a.mid.T) + EPS * np.abs(a.mid)
    trace = float(np.trace(np.abs(mid)))
    gamma = (n + 1) * EPS
    shift = (float(rad.sum(axis=1).max()) + 2 * gamma * trace) * (1 + 4 * n * EPS) + TINY
    if not np.isfinite(shift):
        return False
    try:
        np.linalg.cholesky(mid - shift * np.eye(n))
    except np.linalg.LinAlgError:
        return False
    return True


@dataclass(frozen=True)
class Interpolated:
    """Points of f or r of a whole run: labels, and coefficients (P, n) of x and of the (sub)gradients, as balls."""

    kind: str
    labels: list[str]
    x: Ball
    g: Ball
    law: tuple[Ball, Ball, Ball]


def interpolated(model: Model) -> list[Interpolated]:
    """The point sets of a model of balls."""
    sets = []
    for kind, given in (("f", model.f_points), ("r", model.r_points)):
        if given:
            with enclosed(_bits(model.setting)):
                labels, x, g = points(model, kind)
            a, b, c = (ball_of(np.array([v], object)) for v in interpolation(model.setting, kind, _arb))
            sets.append(Interpolated(kind, labels, ball_of(x), ball_of(g), (a, b, c)))
    return sets


Multipliers = Mapping[tuple[str, ...], Fraction]


def other_rows(model: Model) -> list:
    """The rows that are no interpolation inequality between two points of a set."""
    sets = {"f": {p.label for p in model.f_points}, "r": {p.label for p in model.r_points}}
    if not model.setting.starless:
        for labels in sets.values():
            labels.add(STAR)
    return [row for row in model.rows if row.name[0] not in sets or not set(row.name[1:]) <= sets[row.name[0]]]


def slack_matrix(model: Model, sets: list[Interpolated], multipliers: Multipliers) -> Ball:
    """sum_j lambda_j M_j - C over the whole run, as a ball."""
    n = len(model.basis)
    total = Ball(np.zeros((n, n)))
    for points_ in sets:
        place = {label: i for i, label in enumerate(points_.labels)}
        P = len(place)
        mid, rad = np.zeros((P, P)), np.zeros((P, P))
        for name, value in multipliers.items():
            if name[0] == points_.kind and len(name) == 3 and name[1] in place and name[2] in place:
                weight = Ball.rational(value)
                mid[place[name[1]], place[name[2]]], rad[place[name[1]], place[name[2]]] = weight.mid, weight.rad
        w = Ball(mid, rad)  # w[i, j]: i above j
        alpha, beta, gamma = points_.law
        rows, columns = w.sum(axis=1), w.sum(axis=0)
        # sum w_ij <g_j, x_i - x_j> and sum w_ij <a_i - a_j, b_i - b_j> are bilinear forms of the rows
        cross = transposed(w) - _diagonal(columns)
        laplace = _diagonal(rows + columns) - w - transposed(w)
        gx = cross + gamma * laplace
        part = product(product(transposed(points_.g), gx), points_.x)
        part = (part + transposed(part)) * 0.5
        part = part + product(product(transposed(points_.g), alpha * laplace), points_.g)
        part = part + product(product(transposed(points_.x), beta * laplace), points_.x)
        total = total + part
    into = [ball_of(e) for e in model.embeddings]
    for row in other_rows(model):
        multiplier = multipliers.get(row.name)
        if multiplier and row.matrix is not None:
            e = into[row.clique]
            total = total + Ball.rational(multiplier) * product(product(transposed(e), ball_of(row.matrix)), e)
    if model.metric_matrix is not None:
        total = total - product(product(transposed(into[-1]), ball_of(model.metric_matrix)), into[-1])
    return total


def _diagonal(entries: Ball) -> Ball:
    return Ball(np.diag(entries.mid), np.diag(entries.rad))


@dataclass(frozen=True)
class Instance:
    """An instance in vectors: the basis of the run (n, d), the values of F; `metric` is certified from below."""

    basis: np.ndarray
    values: np.ndarray
    metric: float


def certified_instance(model: Model, sets: list[Interpolated], basis: np.ndarray, values: np.ndarray) -> float | None:
    """The metric (a lower bound of it) if the vectors and values satisfy every inequality, shown; else None."""
    vectors = Ball(basis)
    named = dict(zip(model.value_names, values))
    for points_ in sets:
        x, g = product(points_.x, vectors), product(points_.g, vectors)
        alpha, beta, gamma = points_.law
        gx, gg = product(g, transposed(x)), product(g, transposed(g))
        f = Ball([0.0 if label == STAR else named[points_.kind + label] for label in points_.labels])
        diagonal = _diag(gx)
        # <g_j, x_i - x_j> at [i, j]
        slack = f[:, None] - f[None, :] - (transposed(gx) - diagonal[None, :])
        slack = slack - alpha * (_diag(gg)[:, None] - 2.0 * gg + _diag(gg)[None, :])
        if (beta.mid != 0).any():
            xx = product(x, transposed(x))
            slack = slack - beta * (_diag(xx)[:, None] - 2.0 * xx + _diag(xx)[None, :])
            slack = slack - gamma * (diagonal[:, None] - gx - transposed(gx) + diagonal[None, :])
        low = slack.lower
        np.fill_diagonal(low, 1.0)
        low[:, [(points_.kind, label) in model.tops for label in points_.labels]] = 1.0
        if not (low > 0).all():  # strict where the minimiser is far away: it has to be reached by a small tilt
            return None
    into = [product(ball_of(e), vectors) for e in model.embeddings]
    least: list[float] = []
    for row in other_rows(model):
        if row.name[0] == "metric":
            form = _form(-row.matrix, into[row.clique])
            least.append(float(form.lower))
            continue
        total = _values(row.values, values)
        if row.matrix is not None:
            total = total + _form(row.matrix, into[row.clique])
        rest = total - ball_of(np.array([row.rhs], object))[0]
        if row.equality:  # ||g_0|| = 1: to the last digit, which balls cannot show
            if sum(Fraction(v) ** 2 for v in basis[model.basis.index("g0")]) != 1:
                return None
            continue
        # what f leaves above its infimum has to survive the small tilt that moves the minimiser far away
        strict = row.name[0] == "f" and STAR in row.name
        if not (float(rest.upper) < 0 if strict else float(rest.upper) <= 0):
            return None
    if least:
        return min(least)
    metric = _values(model.metric_values, values)
    if model.metric_matrix is not None:
        metric = metric + _form(model.metric_matrix, into[-1])
    return float(metric.lower)


def _diag(a: Ball) -> Ball:
    return Ball(np.diag(a.mid), np.diag(a.rad))


def _form(matrix: np.ndarray, vectors: Ball) -> Ball:
    inner = product(ball_of(matrix), product(vectors, transposed(vectors)))
    return _diag(inner).sum(axis=0)


def _values(entries: Iterable[tuple[int, Fraction]], values: np.ndarray) -> Ball:
    total = Ball(np.zeros(()))
    for i, w in entries:
        total = total + Ball.rational(w) * Ball(values[i])
    return total


def factor(gram: np.ndarray, cut: float = 0.0) -> np.ndarray:
    """Vectors (n, d) whose inner products are the positive part of a Gram matrix, largest directions first."""
    weight, directions = spectrum(gram)
    keep = weight > max(cut, 1e-300) * max(weight.max(), 1e-300)
    return (directions[:, keep] * np.sqrt(weight[keep]))[:, ::-1]
