"""Measuring the quantities of a run, each with a sound bound on its rounding error.

Two facts carry the whole module, with u = 2^-53 and g_n = n u / (1 - n u): a float64 sum of n products, in
any order, is off by at most g_n sum |a_i b_i| (Higham, "Accuracy and Stability of Numerical Algorithms",
2002, section 3.1), and if a and b are themselves off by vectors of norm da and db, by at most ||a|| db + da
||b|| + da db more. `Vectors` therefore keeps an array with a bound on the norm of its error.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..errors import InputError
from .ball import EPS, TINY, Ball
from .inputs import array, error_bound, smoothness, step_size

UNIT = EPS / 2  # u
NORM_UNDERFLOW = 2.0**-500  # squares below 2^-1074 vanish, so a norm may miss sqrt(n) 2^-537
_CHUNK = 2**21  # entries per temporary array: 16 MiB
_FLOOR = 8  # operations on one entry between x_{k-1} and x_k, each rounding at most the sizes that e_floor adds up

Arrays = dict[str, np.ndarray]


def growth(n: int) -> float:
    """At least 1 / (1 - 2 g_n): what bounds made of rounded sums of n terms are multiplied with."""
    return 1.0 + 2 * (n + 4) * EPS


def _norm(a: np.ndarray) -> np.ndarray:
    """The norm along the last axis, off by at most (n/2 + 2) u growth(n) of itself and n NORM_UNDERFLOW."""
    return np.sqrt(np.einsum("bki,bki->bk", a, a))


def upper_norm(norm: np.ndarray, n: int) -> np.ndarray:
    """An upper bound of the norm of n entries whose computed norm is `norm`."""
    return norm * growth(n) + n * NORM_UNDERFLOW


@dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors (B, k, n), their computed norm and a bound `off` on the norm of their error, both (B, k)."""

    array: np.ndarray
    norm: np.ndarray
    off: np.ndarray

    @staticmethod
    def rounded(a: np.ndarray, off: np.ndarray | float = 0.0) -> Vectors:
        """Entries that one more operation rounded, on top of an error of norm `off`."""
        norm = _norm(a)
        return Vectors(a, norm, UNIT * upper_norm(norm, a.shape[-1]) + off)

    def steps(self, cut: slice) -> Vectors:
        """Those of a part of the steps."""
        return Vectors(self.array[:, cut], self.norm[:, cut], self.off[:, cut])

    @property
    def upper(self) -> np.ndarray:
        """An upper bound of the norm of `array`."""
        return upper_norm(self.norm, self.array.shape[-1])

    def dot(self, other: Vectors) -> Ball:
        """Inner products with others, step by step."""
        n, one, two = self.array.shape[-1], self.array, other.array
        mid = np.einsum("bki,bki->bk", one, two)
        size = mid if one is two else np.einsum("bki,bki->bk", np.abs(one), np.abs(two))
        a, b = self.upper, other.upper
        return sound(mid, n, (n + 2) * UNIT * growth(n) * size + a * other.off + self.off * b + self.off * other.off)

    def norm_ball(self) -> Ball:
        """The norms."""
        n = self.array.shape[-1]
        return sound(self.norm, n, (0.5 * n + 2) * UNIT * growth(n) * self.norm + n * NORM_UNDERFLOW + self.off)


def sound(mid: np.ndarray, n: int, rad: np.ndarray) -> Ball:
    """A ball whose radius also pays for the rounding of the radius and for the underflow of n products."""
    rad = rad * (1.0 + 64 * EPS) + n * TINY
    bad = ~(np.isfinite(mid) & np.isfinite(rad))
    return Ball(np.where(bad, 0.0, mid), np.where(bad, np.inf, rad))


def measure_arrays(run: SimpleNamespace) -> tuple[Arrays, Arrays, int, int]:
    """Values, error bounds, steps and batch size of a run given by the arguments of `measure`, under its names."""
    with np.errstate(all="ignore"):
        return _measure(run)


def _measure(run: SimpleNamespace) -> tuple[Arrays, Arrays, int, int]:
    x = array("x", run.x, (None, None, None), "(B, K+1, n)")
    batch, points, n = x.shape
    steps = points - 1
    if batch < 1 or steps < 1 or n < 1:
        raise InputError(
            f"`x` has shape {x.shape}: at least one run, one step (two iterates) and one variable are needed"
        )
    big, many, one = (batch, steps, n), (batch, steps), (batch,)
    gradient = array("gradient", run.gradient, big, "(B, K, n)")
    subgradient = array("subgradient", run.subgradient, big, "(B, K, n)")
    z = array("comparator", run.comparator, (batch, n), "(B, n)")
    p = None if run.preconditioner is None else array("preconditioner", run.preconditioner, big, "(B, K, n)")
    L, h = smoothness(run.L, run.L_error, batch, n), step_size(run.reference_step, batch)
    off_gradient = error_bound("gradient_error", run.gradient_error, many, "(B, K)")
    balls = {
        "L": L,
        "h": Ball(h),
        "F": Ball(
            array("objective", run.objective, (batch, points), "(B, K+1)"),
            error_bound("objective_error", run.objective_error, (batch, points), "(B, K+1)"),
        ),
        "F_z": Ball(
            array("comparator_objective", run.comparator_objective, one, "(B,)"),
            error_bound("comparator_objective_error", run.comparator_objective_error, one, "(B,)"),
        ),
    }
    for name, value, error in (
        ("mu", run.strong_convexity, run.strong_convexity_error),
        ("F_mean", run.mean_objective, run.mean_objective_error),
        ("F_low", run.objective_lower, None),
    ):
        if value is not None:
            checked = array(name, value, one, "(B,)", infinite=name == "F_low")
            balls[name] = Ball(checked, error_bound(f"the error of {name}", error, one, "(B,)"))
    if run.comparator_residual is not None:
        off = error_bound("comparator_residual_error", run.comparator_residual_error, one, "(B,)")
        balls["tau"] = Ball(array("comparator_residual", run.comparator_residual, one, "(B,)"), off)
    if p is not None:
        balls["metric_weight"] = Ball(_metric_weights(p))
    ends = _EndGradients.read(run, gradient, off_gradient, batch, n)
    parts: dict[str, list[Ball]] = {}
    width = max(1, _CHUNK // (batch * n))
    for start in range(0, steps, width):
        cut = slice(start, min(start + width, steps))
        chunk = _chunk(
            x[:, cut.start : cut.stop + 1],
            gradient[:, cut],
            subgradient[:, cut],
            off_gradient[:, cut],
            z[:, None],
            L[:, None],
            h[:, None],
            None if p is None else p[:, cut],
            run.run_precision,
        )
        if ends is not None:
            chunk |= ends.measured(x[:, cut.start : cut.stop + 1], subgradient[:, cut], z, cut)
        if start > 0:
            chunk |= {name: chunk[name][:, 1:] for name in ("dist", "gz2", "grad2", "metric_dist2") if name in chunk}
        for name, ball in chunk.items():
            parts.setdefault(name, []).append(ball)
    for name, pieces in parts.items():
        balls[name] = Ball(np.concatenate([b.mid for b in pieces], 1), np.concatenate([b.rad for b in pieces], 1))
    return *unpacked(with_sigma(balls)), steps, batch


@dataclass(frozen=True, eq=False)
class _EndGradients:
    """Gradients of f at all K+1 points, and at the comparator where it is known."""

    gradient: np.ndarray
    end: np.ndarray
    off: np.ndarray  # (B, K+1)
    comparator: np.ndarray | None
    comparator_off: np.ndarray | None

    @staticmethod
    def read(run: SimpleNamespace, gradient: np.ndarray, off: np.ndarray, batch: int, n: int) -> _EndGradients | None:
        if run.end_gradient is None:
            return None
        end = array("end_gradient", run.end_gradient, (batch, n), "(B, n)")
        last = error_bound("end_gradient_error", run.end_gradient_error, (batch,), "(B,)")
        at_z = off_z = None
        if run.comparator_gradient is not None:
            at_z = array("comparator_gradient", run.comparator_gradient, (batch, n), "(B, n)")
            off_z = error_bound("comparator_gradient_error", run.comparator_gradient_error, (batch,), "(B,)")
        return _EndGradients(gradient, end, np.concatenate([off, last[:, None]], 1), at_z, off_z)

    def measured(self, x: np.ndarray, subgradient: np.ndarray, z: np.ndarray, cut: slice) -> dict[str, Ball]:
        """What speaks of the gradient at x_k rather than at x_{k-1}, for the steps of `cut`."""
        here = self.gradient[:, cut.start : cut.stop + 1]
        if here.shape[1] < x.shape[1]:
            here = np.concatenate([here, self.end[:, None]], 1)
        off = self.off[:, cut.start : cut.stop + 1]
        at = Vectors.rounded(here[:, 1:] + subgradient, off[:, 1:])
        every = Vectors(here, _norm(here), off)
        slope = every.steps(slice(1, None))
        balls = {"grad2": every.dot(every), "stationarity": at.norm_ball()}
        balls["vi_gap"] = slope.dot(Vectors.rounded(x[:, 1:] - z[:, None]))
        if self.comparator is not None and self.comparator_off is not None:
            change = Vectors.rounded(here - self.comparator[:, None], off + self.comparator_off[:, None])
            balls["gz2"] = change.dot(change)
        return balls


def _chunk(
    x: np.ndarray,
    gradient: np.ndarray,
    subgradient: np.ndarray,
    off_gradient: np.ndarray,
    z: np.ndarray,
    L: Ball,
    h: np.ndarray,
    p: np.ndarray | None,
    precision: float,
) -> dict[str, Ball]:
    n = x.shape[-1]

    def plain(a: np.ndarray) -> np.ndarray:
        return upper_norm(_norm(a), n)

    D = Vectors.rounded(x[:, :-1] - x[:, 1:])
    G = Vectors.rounded(gradient + subgradient, off_gradient)
    c = Ball(h) / L
    # D and c G are each off by their own error; product and difference round once each
    off = UNIT * c.magnitude * G.upper + D.off + c.rad * (G.upper + G.off) + c.magnitude * G.off
    e = Vectors.rounded(D.array - c.mid[..., None] * G.array, off)
    xz = Vectors.rounded(x - z)
    new, old = xz.steps(slice(1, None)), xz.steps(slice(None, -1))
    out = {
        "dist": xz.norm_ball(),
        "G2": G.dot(G),
        "D2": D.dot(D),
        "e2": e.dot(e),
        "enorm": e.norm_ball(),
        "Ge": G.dot(e),
        "ex": e.dot(new),
        "ex_prev": e.dot(old),
        "Gnorm": G.norm_ball(),
        "G_inf": sound(np.abs(G.array).max(-1), 1, G.off),
    }
    reach = plain(x)
    sizes = reach[:, :-1] + reach[:, 1:]
    out["e_floor"] = Ball(_finite(_FLOOR * precision * (sizes + c.magnitude * (plain(gradient) + plain(subgradient)))))
    if p is not None:
        out |= _preconditioned(p, D, G, L) | _in_metric(p, D, G, xz)
        moved = plain(p * gradient) + plain(p * subgradient)
        out["b_floor"] = Ball(_finite(_FLOOR * precision * (sizes + moved)))
    return out


def _preconditioned(p: np.ndarray, D: Vectors, G: Vectors, L: Ball) -> dict[str, Ball]:
    n = p.shape[-1]
    high, low = p.max(-1), p.min(-1)
    p_max = np.maximum(np.abs(high), np.abs(low))
    pG = p * G.array
    b = Vectors.rounded(D.array - pG, UNIT * upper_norm(_norm(pG), n) + D.off + p_max * G.off)
    deltas = _deltas(p, p_max, low, b, G, L)
    pG *= 1.0 - 0.5 * L.mid[..., None] * p
    mid = np.einsum("bki,bki->bk", pG, G.array)
    weight = p_max * (1.0 + 0.5 * L.magnitude * p_max)  # bounds |p (1 - L p / 2)|, with room for its rounding
    rad = (
        (n + 8) * UNIT * growth(n) * weight * G.upper**2
        + weight * G.off * (2 * G.upper + G.off)
        + 0.5 * L.rad * (p_max * (G.upper + G.off)) ** 2
    )
    return deltas | {
        "pG2": sound(mid, n, rad),
        "Lp_max": L * Ball(high),
        "Lp_min": L * Ball(low),
        "bnorm": b.norm_ball(),
    }


def _in_metric(p: np.ndarray, D: Vectors, G: Vectors, xz: Vectors) -> dict[str, Ball]:
    """Distances from z in the metric 1/p of a step, and the bias against x_k - z in it; inf where p is not positive."""
    n, low = p.shape[-1], p.min(-1)
    positive = np.maximum(low, np.finfo(np.float64).tiny)
    nothing = np.where(low > 0, 0.0, np.inf)
    root = np.sqrt(np.where(p > 0, p, 1.0))

    def scaled(v: Vectors) -> Vectors:
        array = v.array / root
        return Vectors.rounded(array, v.off / np.sqrt(positive) + 4 * UNIT * upper_norm(_norm(array), n))

    old, new = scaled(xz.steps(slice(None, -1))), scaled(xz.steps(slice(1, None)))
    ratio = D.array / root**2
    off = D.off / positive + G.off + 8 * UNIT * upper_norm(_norm(ratio), n)
    bias = Vectors.rounded(ratio - G.array, off).dot(xz.steps(slice(1, None)))
    before, after = old.dot(old), new.dot(new)
    here = Ball(*(np.concatenate([one[:, :1], two], 1) for one, two in zip(_parts(before), _parts(after))))
    balls = {"metric_before": before, "metric_dist2": here, "metric_bias": bias}
    beyond = {"metric_dist2": np.concatenate([nothing[:, :1], nothing], 1)}
    return {name: Ball(ball.mid, ball.rad + beyond.get(name, nothing)) for name, ball in balls.items()}


def _parts(ball: Ball) -> tuple[np.ndarray, np.ndarray]:
    return ball.mid, ball.rad


def _metric_weights(p: np.ndarray) -> np.ndarray:
    """(B, K+1) the largest omega with omega_k/p_k <= omega_{k-1}/p_{k-1} in every entry, rounded down, omega_0 = 1."""
    ratio = np.where(p[:, :-1] > 0, p[:, 1:] / np.where(p[:, :-1] > 0, p[:, :-1], 1.0), 0.0).min(-1)
    shrink = np.clip(ratio * (1.0 - 8 * EPS), 0.0, 1.0)
    return np.concatenate([np.ones((len(p), 2)), np.cumprod(shrink, 1)], 1)


def _deltas(p: np.ndarray, p_max: np.ndarray, low: np.ndarray, b: Vectors, G: Vectors, L: Ball) -> dict[str, Ball]:
    """Deviations from Assumption 1, and how far G is from -b/p where p > 0."""
    twice = 2.0 * L
    # |2 L p - 1| is off by 2 p (error of L), and by the rounding of a product and a difference
    first = np.abs(twice.mid[..., None] * p - 1.0).max(-1)
    rad = twice.rad * p_max + 4 * UNIT * (twice.magnitude * p_max + 1.0)
    off = twice.magnitude * (b.off + UNIT * b.upper) + twice.rad * (b.upper + b.off) + G.off
    second = Vectors.rounded(twice.mid[..., None] * b.array - G.array, off)
    positive = np.maximum(low, np.finfo(np.float64).tiny)
    ratio = np.where((low > 0)[..., None], b.array / np.where(p > 0, p, 1.0), 0.0)
    rest = Vectors.rounded(G.array + ratio, (b.off + UNIT * b.upper) / positive + G.off)
    nothing = np.where(low > 0, 0.0, np.inf)
    at_rest = rest.norm_ball()
    return {
        "delta1": sound(first, 1, rad),
        "delta2": second.norm_ball(),
        "Gb": Ball(at_rest.mid, at_rest.rad + nothing),
    }


def _finite(value: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(value), value, np.finfo(np.float64).max)


def with_sigma(balls: dict[str, Ball]) -> dict[str, Any]:
    """Adds R, sigma, and what the convention sigma = 0 hides.

    Where G and e both vanish within rounding (that of measuring and that of the run itself) their ratio says
    nothing and sigma is 0. What B2 then claims too much is at most B1, which needs no ratio, less B2 at sigma
    = 0: (1-h) ||G|| ||e|| + (L/2) ||e||^2 + h(2-h) ||G||^2/(2L), kept as `sigma_slack`.
    """
    out: dict[str, Any] = dict(balls)
    norm, e, L, h = out.pop("Gnorm"), out["enorm"], out["L"][:, None], out["h"][:, None]
    floor = out["e_floor"].mid if "e_floor" in out else 0.0
    bounded = np.isfinite(norm.rad) & np.isfinite(e.rad)
    no_gradient = norm.mid <= norm.rad + floor * (L / h).mid
    still = bounded & no_gradient & (e.mid <= e.rad + floor)
    sigma = L * e / norm
    unknown = (norm.mid <= norm.rad) & ~still
    mid = np.where(still, 0.0, np.where(unknown, np.inf, sigma.mid))
    out["sigma"] = _Raw(mid, np.where(still, 0.0, np.where(unknown, np.inf, sigma.rad)))
    G, size = Ball(norm.magnitude), Ball(e.magnitude)
    slack = (1.0 - h).maximum(0.0) * G * size + 0.5 * L * size**2 + h * abs(2.0 - h) * G**2 / (2.0 * L)
    out["sigma_slack"] = Ball(np.where(still, slack.magnitude, 0.0))
    out["R"] = out["dist"][:, 0]
    out["Delta"] = _largest(out["dist"][:, :-1])
    out["sigma_max"] = _largest(out["sigma"])
    later = out["F"][:, 1:]
    # as for a maximum: no entry moves by more than its error
    out["F_best"] = _Raw(later.mid.min(1), later.rad.max(1))
    return out


def _largest(values: Any) -> _Raw:
    """The largest entry of each row: off by no more than the largest error."""
    return _Raw(values.mid.max(1), values.rad.max(1))


@dataclass(frozen=True, eq=False)
class _Raw:
    """Value and error as they go out, where a value may be infinite."""

    mid: np.ndarray
    rad: np.ndarray


def unpacked(balls: dict[str, Any]) -> tuple[Arrays, Arrays]:
    """Values and errors; what overflowed (nothing known) is shown as inf, never as the number 0."""
    values = {name: np.where(np.isinf(ball.rad), np.inf, ball.mid) for name, ball in balls.items()}
    return values, {name: ball.rad for name, ball in balls.items()}
