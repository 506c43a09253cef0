r"""A run against accelerated proximal-gradient steps: the quantities of B19.

With a_1 = 1, a_{k+1} = (1 + sqrt(1 + 4 a_k^2))/2, u_0 = x_0 and u_k = x_{k-1} + a_k (x_k - x_{k-1}), FISTA of step 1/L
goes from y_k = x_{k-1} + (u_{k-1} - x_{k-1})/a_k. The deviation of any run from it is

    e_k = y_k - x_k - (grad f(y_k) + g_k)/L,

g_k the subgradient of r at x_k. grad f(y_k) is not among the gradients of a run, so there are two calls: `look_ahead`
gives the points y_k, `measure` takes the gradients there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .errors import InputError
from .evaluation.ball import EPS, Ball
from .evaluation.inputs import array, error_bound, smoothness
from .evaluation.measure import UNIT, Vectors, unpacked


def momenta(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The momentum of FISTA.

    Args:
        steps: K.

    Returns:
        a_0 = 0, a_1 = 1, ..., a_K, (K+1,), and a bound on the rounding error of each.
    """
    a = [0.0]
    for _ in range(steps):
        a.append(0.5 * (1 + np.sqrt(1 + 4 * a[-1] ** 2)))
    values = np.array(a)
    # each step adds some units of rounding to a and takes none of its error away: da_{k+1} <= da_k + 4 eps a_{k+1}
    return values, 4 * EPS * np.arange(steps + 1) * values


@dataclass(frozen=True, eq=False)
class LookAhead:
    """Where accelerated steps look from along a run.

    `point` (B,K,n): y_k. `error` (B,K): a bound on the distance of `point` from the exact y_k.
    """

    point: np.ndarray
    error: np.ndarray
    _x: np.ndarray = field(repr=False)
    _u: Vectors = field(repr=False)  # (B, K+1, n)


def look_ahead(x: Any) -> LookAhead:
    """The points y_k of a batch of runs.

    Args:
        x: Iterates x_0..x_K, (B, K+1, n), taken as exact numbers.

    Returns:
        y_1..y_K, with a bound on their rounding.

    Raises:
        InputError: For a wrong shape, and for values that are not finite.
    """
    x = array("x", x, (None, None, None), "(B, K+1, n)")
    if min(x.shape) < 1 or x.shape[1] < 2:
        raise InputError(
            f"`x` has shape {x.shape}: at least one run, one step (two iterates) and one variable are needed"
        )
    with np.errstate(all="ignore"):
        a, off_a = momenta(x.shape[1] - 1)
        D = Vectors.rounded(x[:, 1:] - x[:, :-1])
        # the difference, the product and a_k itself are off, and the sum rounds
        off = a[1:] * (D.off + UNIT * D.upper) + off_a[1:] * (D.upper + D.off)
        later = Vectors.rounded(x[:, :-1] + a[1:, None] * D.array, off)
        u = Vectors(*(np.concatenate(parts, 1) for parts in zip(_exact(x[:, :1]), _fields(later), strict=True)))
        away = Vectors.rounded(u.array[:, :-1] - x[:, :-1], u.off[:, :-1])
        share = 1 / a[1:]
        off = share * (away.off + 2 * UNIT * away.upper) + share * (off_a[1:] * share) * (away.upper + away.off)
        y = Vectors.rounded(x[:, :-1] + share[:, None] * away.array, off)
        # u_0 = x_0 = y_1
        error = np.where(np.arange(x.shape[1] - 1) == 0, 0.0, y.off * (1 + 64 * EPS))
    return LookAhead(y.array, error, x, u)


def measure(
    ahead: LookAhead,
    *,
    gradient: Any,
    subgradient: Any,
    L: Any,
    comparator: Any,
    gradient_error: Any = None,
    L_error: Any = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The quantities of B19, and the length of the accelerated reference step.

    Args:
        ahead: What `look_ahead` made of the run.
        gradient: grad f at `ahead.point`, (B, K, n).
        subgradient: g_k in the subdifferential of r at x_k, (B, K, n).
        L: Smoothness of f, > 0, (B,) or a scalar.
        comparator: z, (B, n).
        gradient_error: Bound on the 2-norm of the error of `gradient`, (B, K); inf where nothing is known.
        L_error: Bound on the error of L, (B,), less than L; by default n eps L.

    Returns:
        Values and bounds on their rounding errors, by names of the vocabulary.

    Raises:
        InputError: For wrong shapes, and for values that are not finite.
    """
    batch, steps, n = ahead.point.shape
    shape = (batch, steps, n)
    g = array("gradient", gradient, shape, "(B, K, n)") + array("subgradient", subgradient, shape, "(B, K, n)")
    z = array("comparator", comparator, (batch, n), "(B, n)")[:, None]
    off_g = error_bound("gradient_error", gradient_error, (batch, steps), "(B, K)")
    L_ball = smoothness(L, L_error, batch, n)[:, None]
    with np.errstate(all="ignore"):
        e = _deviation(ahead, g, off_g, L_ball)
        away = Vectors.rounded(ahead._u.array - z, ahead._u.off)
        balls = {
            "accel_dist": away.norm_ball(),
            "accel_ex": e.dot(away.steps(slice(1, None))),
            "accel_enorm": e.norm_ball(),
        }
    values, errors = unpacked(balls)
    a, off_a = momenta(steps)
    for name, value, off in (
        ("accel_momentum", a[1:], off_a[1:]),
        ("accel_weight", a**2, 3 * off_a * a + EPS * a**2),
    ):
        values[name], errors[name] = (np.tile(row, (batch, 1)) for row in (value, off))
    return values, errors


def _deviation(ahead: LookAhead, g: np.ndarray, off_g: np.ndarray, L: Ball) -> Vectors:
    # grad f is taken at a point that is off by `error`, and changes by at most L times that
    G = Vectors.rounded(g, off_g + L.magnitude * ahead.error)
    c = Ball(1.0) / L
    move = Vectors.rounded(ahead.point - ahead._x[:, 1:], ahead.error)
    off = UNIT * c.magnitude * G.upper + move.off + c.rad * (G.upper + G.off) + c.magnitude * G.off
    return Vectors.rounded(move.array - c.mid[..., None] * G.array, off)


def _exact(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors (B,1,n) that are exact, as array, norm and error."""
    vectors = Vectors.rounded(x)
    return vectors.array, vectors.norm, np.zeros_like(vectors.norm)


def _fields(vectors: Vectors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return vectors.array, vectors.norm, vectors.off
