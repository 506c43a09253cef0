r"""Virtual features: an out-of-distribution deviation as a sum of three terms (catalogue B4).

A step of the run on F' is D' = diag(p') G' + b', with p' = N1(z') and b' = N2(z'). Pair it with a *virtual* step of
the same model on F, whose features are z: p = N1(z), b = N2(z). Then, for every reference step h,

    e'(h) = D' - (h/L') G' = [p G' + b - (h/L') G']    bracket: what the model does at the virtual features
                             + (p' - p) G'             preconditioner shift
                             + (b' - b)                bias shift

which is an identity in p and b: it holds for any virtual step, and so does the bound by norms that follows from it,

    ||e'(h)|| <= ||bracket|| + C1 ||Dz|| ||G'||_inf + C2 ||Dz||,    Dz = z' - z,

for any C1, C2 with ||p' - p|| <= C1 ||Dz|| and ||b' - b|| <= C2 ||Dz||. `magnitudes` takes the least such constants
of the pair, its difference quotients. They are measured on the pair; they are no Lipschitz constants of the model.

Where L' != L, what a model puts in units of its run's own step is compared in one unit: p becomes p L/L', and b
becomes b (L/L')^`bias_power`. Which power is right depends on the model. It is 1 where the bias is the step 1/L times
a function of the features, and 0 where it is that function itself, as the history term of GO-Math-L2O with
unscaled Q: on cF with equal features p' = p/c and b' = b, so that only power 0 sees no shift where there is none.

Source: arXiv 2506.14263 (the construction); the identity is derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .assumptions import Reading
from .errors import InputError
from .evaluation.ball import EPS, TINY
from .evaluation.inputs import array, error_bound, numbers

_SHAPE = "(B, K, n)"


@dataclass(frozen=True, eq=False)
class Terms:
    """The three terms of e'(h), (B, K, n) each, in the unit of x."""

    bracket: np.ndarray
    preconditioner_shift: np.ndarray
    bias_shift: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Their sum, e'(h) up to rounding."""
        return self.bracket + self.preconditioner_shift + self.bias_shift

    def norms(self) -> dict[str, np.ndarray]:
        """Norms by the names of the vocabulary: `bracket`, `pshift`, `bshift`, (B, K) each."""
        named = {"bracket": self.bracket, "pshift": self.preconditioner_shift, "bshift": self.bias_shift}
        return {name: _norm(term) for name, term in named.items()}


def terms(
    *,
    p: Any,
    b: Any,
    p_ood: Any,
    b_ood: Any,
    G_ood: Any,
    L_ood: Any,
    reference_step: Any = 1.0,
    L: Any = None,
    scaled: bool = False,
    bias_power: float = 1.0,
) -> Terms:
    """The three terms of e'(h) from a virtual step and a real one.

    Args:
        p: Preconditioner of the virtual step, (B, K, n).
        b: Bias of the virtual step, (B, K, n).
        p_ood: p', that of the run on F', (B, K, n).
        b_ood: b', that of the run on F', (B, K, n).
        G_ood: G', generalised gradient of the run on F', (B, K, n).
        L_ood: L' > 0: a scalar, (B,), (B, K), or (B, K, n) where each coordinate has a virtual step of its own.
        reference_step: h > 0 in units of 1/L', a scalar or (B,).
        L: That of the virtual steps, in a shape as of `L_ood`; needed with `scaled` only.
        scaled: Whether `p` and `b` are first put in the unit of the run on F' (`in_units_of`).
        bias_power: The power of L/L' that the bias gets then.

    Returns:
        The terms, whose sum is e'(h) for any virtual step. Plain float64; `magnitudes` has error bounds.

    Raises:
        InputError: For wrong shapes, values that are not finite, and `scaled` without `L`.
    """
    G = array("G_ood", G_ood, (None, None, None), _SHAPE)
    names = {"p": p, "b": b, "p_ood": p_ood, "b_ood": b_ood}
    p, b, p_ood, b_ood = (array(name, value, G.shape, _SHAPE) for name, value in names.items())
    if scaled:
        if L is None:
            raise InputError("`scaled` compares models of different L: give `L`, that of the virtual steps")
        p, b = in_units_of(p, b, _column("L", L, G.shape) / _column("L_ood", L_ood, G.shape), bias_power)
    reference = _column("reference_step", reference_step, G.shape) / _column("L_ood", L_ood, G.shape)
    return Terms(p * G + b - reference * G, (p_ood - p) * G, b_ood - b)


def in_units_of(p: np.ndarray, b: np.ndarray, ratio: Any, bias_power: float) -> tuple[np.ndarray, np.ndarray]:
    """A virtual step of a run with L, in the unit of a run with L' = L / `ratio`.

    Args:
        p: Preconditioner, (B, K, n).
        b: Bias, (B, K, n).
        ratio: L / L', anything that broadcasts against (B, K, n).
        bias_power: 1 where the bias is the step 1/L times a function of the features, 0 where it is that function.

    Returns:
        (p ratio, b ratio^bias_power).
    """
    return p * ratio, (b * np.asarray(ratio) ** bias_power if bias_power else b)


def predicted_bracket(
    reading: Reading,
    *,
    G: Any,
    G_ood: Any,
    L: Any,
    L_ood: Any,
    reference_step: Any = 1.0,
    scaled: bool = False,
    bias_power: float = 0.0,
) -> np.ndarray:
    """The bracket of a model that meets a reading of Assumption 1 at the virtual features.

    `gradient_descent`: (1/(2L) - h/L') G' + G/(2L), which is (G - G')/(2L) at h = 1 and L' = L. `half_step`: (1/(2L) -
    h/L') G', which vanishes at h = 1/2 and L' = L.

    Args:
        reading: The reading.
        G: Generalised gradient of the virtual steps, (B, K, n).
        G_ood: G' of the run on F', (B, K, n).
        L: That of the virtual steps: a scalar, (B,), (B, K) or (B, K, n).
        L_ood: L', likewise.
        reference_step: h > 0 in units of 1/L', a scalar or (B,).
        scaled: Whether 1/(2L') takes the place of 1/(2L).
        bias_power: The power of L/L' that the bias gets then. The bias G/(2L) is a step of x, the same on cF, so that
            the default is 0.

    Returns:
        The bracket, (B, K, n), in the unit of x. Plain float64.

    Raises:
        InputError: For wrong shapes, and for values that are not finite.
    """
    G_ood = array("G_ood", G_ood, (None, None, None), _SHAPE)
    G, L = array("G", G, G_ood.shape, _SHAPE), _column("L", L, G_ood.shape)
    p, b = np.broadcast_to(reading.preconditioner(L), G.shape), reading.bias_factor * G / (2.0 * L)
    if scaled:
        p, b = in_units_of(p, b, L / _column("L_ood", L_ood, G.shape), bias_power)
    reference = _column("reference_step", reference_step, G.shape) / _column("L_ood", L_ood, G.shape)
    return p * G_ood + b - reference * G_ood


def bracket_deviation(measured: Terms, predicted: np.ndarray) -> np.ndarray:
    """How far the model is from Assumption 1 where it matters for this run.

    Args:
        measured: The terms of the run.
        predicted: The bracket of a model that meets the assumption (`predicted_bracket`), (B, K, n).

    Returns:
        ||bracket - predicted||, (B, K), in the unit of x.
    """
    return _norm(measured.bracket - predicted)


def quotient(change: Any, dz: Any) -> np.ndarray:
    """The least C with change <= C dz, entry by entry.

    Args:
        change: Sizes >= 0.
        dz: Distances >= 0 of the features, in the same shape.

    Returns:
        C in that shape: 0 where both vanish, inf where only `dz` does.

    Raises:
        InputError: If an argument holds no numbers.
    """
    change, dz = numbers("change", change), numbers("dz", dz)
    with np.errstate(over="ignore"):
        return np.divide(change, dz, out=np.where(change > 0, np.inf, np.zeros(change.shape)), where=dz > 0)


def magnitudes(
    *,
    p: Any,
    b: Any,
    p_ood: Any,
    step_ood: Any,
    G_ood: Any,
    L_ood: Any,
    dz: Any,
    reference_step: Any = 1.0,
    G_error: Any = None,
    L_error: Any = None,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The quantities of B4 in its form by norms, each with a bound on its error.

    C1 and C2 are measured: difference quotients of the pair, the least constants that the inequality holds with. They
    are no Lipschitz constants of the model.

    Args:
        p: Preconditioner of the virtual step, (B, K, n), taken as exact: the decomposition holds for any.
        b: Bias of the virtual step, (B, K, n), taken as exact.
        p_ood: p' of the run on F', (B, K, n), taken as exact.
        step_ood: D', (B, K, n); the bias of the run is b' = D' - p' G' by definition.
        G_ood: G', (B, K, n).
        L_ood: L' > 0: a scalar, (B,), (B, K) or (B, K, n).
        dz: ||z' - z||, (B, K), taken as exact: C1 and C2 are quotients by it.
        reference_step: h > 0 in units of 1/L', a scalar or (B,).
        G_error: Bound on the 2-norm of the error of G', (B, K).
        L_error: Bound on the error of L', (B,).

    Returns:
        `bracket`, `pshift`, `bshift`, `C1`, `C2` and `dz` by name, (B, K) each, and rigorous error bounds by the same
        names. C is inf, of which nothing is known, where Dz = 0 and the heads still differ.

    Raises:
        InputError: For wrong shapes, and for values that are not finite.
    """
    G = array("G_ood", G_ood, (None, None, None), _SHAPE)
    names = {"p": p, "b": b, "p_ood": p_ood, "step_ood": step_ood}
    p, b, p_ood, D = (array(name, value, G.shape, _SHAPE) for name, value in names.items())
    batch, steps, n = G.shape
    dz = array("dz", dz, (batch, steps), "(B, K)")
    off = error_bound("G_error", G_error, (batch, steps), "(B, K)")
    L_off = error_bound("L_error", L_error, (batch,), "(B,)")[:, None]
    L = _column("L_ood", L_ood, G.shape)
    reference = _column("reference_step", reference_step, G.shape) / L
    b_ood = D - p_ood * G
    with np.errstate(over="ignore", invalid="ignore"):
        values = terms(p=p, b=b, p_ood=p_ood, b_ood=b_ood, G_ood=G, L_ood=L_ood, reference_step=reference_step).norms()
        unit = (n + 32) * EPS  # a sum of n squares, its root, and the handful of operations of an entry

        def size(*parts: np.ndarray) -> np.ndarray:
            return np.sum([_norm(part) for part in parts], axis=0)

        def largest(part: np.ndarray) -> np.ndarray:
            return np.abs(part).max(axis=-1) * (1 + unit)

        change = size(p_ood - p)
        c = reference[..., 0] * (1 + L_off / (L[..., 0] - L_off))
        # c is off by h/L' times the relative error of L', which grows by 1/(1 - that error) when it is inverted
        c_off = c - reference[..., 0] + unit * c
        errors = {
            "bracket": unit * size(p * G, b, reference * G) + (largest(p) + c) * off + c_off * size(G),
            "pshift": unit * values["pshift"] + largest(p_ood - p) * off,
            "bshift": unit * size(D, p_ood * G, b) + largest(p_ood) * off,
        }
        values |= {"C1": quotient(change, dz), "C2": quotient(values["bshift"], dz), "dz": dz}
        inverse = np.divide(1.0, dz, out=np.zeros(dz.shape), where=dz > 0)
        # Where Dz = 0 and the step is that of p and b up to rounding, p' = p and the b' of the step may be taken: then
        # C1 = C2 = 0, and the bracket is off by the difference.
        difference, allowed = _norm(D - p * G - b), unit * size(D, p * G, b) + largest(p) * off
        same = (dz == 0) & (difference <= allowed)
        values |= {name: np.where(same, 0.0, values[name]) for name in ("C1", "C2")}
        errors["bracket"] = errors["bracket"] + np.where(same, difference + allowed, 0.0)
        errors["C1"] = unit * values["C1"]
        errors["C2"] = unit * values["C2"] + errors["bshift"] * inverse * (1 + unit)
        errors = {name: error + n * TINY for name, error in errors.items()}  # underflow
        errors["dz"] = np.zeros(dz.shape)
    for name, error in errors.items():
        unbounded = ~(np.isfinite(error) & np.isfinite(values[name]))
        values[name], errors[name] = np.where(unbounded, np.inf, values[name]), np.where(unbounded, np.inf, error)
    return values, errors


def _column(name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A positive scalar, (B,), (B, K) or (B, K, n), so that it broadcasts against (B, K, n); three axes always."""
    value = numbers(name, value)
    if value.ndim > 3 or value.shape != shape[: value.ndim] or not (value > 0).all():
        accepted = f"a scalar, {shape[:1]}, {shape[:2]} or {shape}"
        raise InputError(f"`{name}` must be > 0, {accepted}; given shape {value.shape}")
    return value.reshape(value.shape + (1,) * (3 - value.ndim)) if value.ndim else value.reshape(1, 1, 1)


def _norm(a: np.ndarray) -> np.ndarray:
    """2-norm over the last axis, scaled so that squares neither overflow nor underflow."""
    largest = np.abs(a).max(axis=-1, keepdims=True)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    return np.linalg.norm(a / scale, axis=-1) * scale[..., 0]
