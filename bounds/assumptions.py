r"""Assumption 1, "the model is perfectly trained in distribution": its two readings, deviations from it.

A step is D = diag(p) G + b. The assumption fixes p = 1/(2L) in distribution; of b it has two readings:
`gradient_descent`, b = G/(2L), the exact step 1/L (e = 0), and `half_step`, b = 0, the exact step 1/(2L)
(e(1/2) = 0, e = -G/(2L)). Deviations are measured relative to `gradient_descent`:

    delta1 = 2 L p - 1,  delta2 = 2 L b - G,  and then exactly  e = (delta1 * G + delta2) / (2L),
    rho = L ||e|| / ||G|| <= (||delta1||_inf + ||delta2|| / ||G||) / 2.

Source: arXiv 2506.14263, Assumption 1; the identity and the inequality are derived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError
from .evaluation.inputs import numbers


@dataclass(frozen=True)
class Reading:
    """A reading of Assumption 1: p = 1/(2L), b = `bias_factor` G/(2L), exact steps `reference_step`/L."""

    name: str
    statement: str
    latex: str
    bias_factor: float
    reference_step: float

    def preconditioner(self, L: Any) -> np.ndarray:
        """The preconditioner p that it asks for.

        Args:
            L: Smoothness of f, > 0, any shape.

        Returns:
            1/(2L), in the shape of `L`.
        """
        return 0.5 / numbers("L", L)

    def bias(self, L: Any, generalized_gradient: Any) -> np.ndarray:
        """The bias b that it asks for.

        Args:
            L: Smoothness of f, > 0, a scalar or (B,).
            generalized_gradient: G_k, (B, K, n).

        Returns:
            `bias_factor` G/(2L), (B, K, n).

        Raises:
            InputError: If `L` is not positive or of another shape.
        """
        G = numbers("generalized_gradient", generalized_gradient)
        return self.bias_factor * G / (2.0 * _like(L, G))


GRADIENT_DESCENT = Reading(
    "gradient_descent",
    "N1 = 1/(2L) and N2 = G/(2L) in distribution: the model makes exact steps 1/L",
    r"N_1 = \tfrac{1}{2L},\ N_2 = \tfrac{G}{2L}",
    1.0,
    1.0,
)
HALF_STEP = Reading(
    "half_step",
    "N1 = 1/(2L) and N2 = 0 in distribution: the model makes exact steps 1/(2L)",
    r"N_1 = \tfrac{1}{2L},\ N_2 = 0",
    0.0,
    0.5,
)
READINGS = {reading.name: reading for reading in (GRADIENT_DESCENT, HALF_STEP)}
"""The readings by name."""


def reading(name: str) -> Reading:
    """The reading of Assumption 1 of a name.

    Args:
        name: A key of `READINGS`: "gradient_descent" or "half_step".

    Returns:
        The reading.

    Raises:
        InputError: For another name.
    """
    if name not in READINGS:
        raise InputError(f"there is no reading `{name}` of Assumption 1; known: {', '.join(READINGS)}")
    return READINGS[name]


@dataclass(frozen=True, eq=False)
class Deviations:
    """`delta1` and `delta2`, (B, K, n)."""

    delta1: np.ndarray
    delta2: np.ndarray


def deviations(
    L: Any, preconditioner: Any, bias: Any, generalized_gradient: Any, reading: Reading = GRADIENT_DESCENT
) -> Deviations:
    """Deviations from a reading: delta1 = 2 L p - 1, delta2 = 2 L b - `bias_factor` G. Plain float64, no error bounds.

    Args:
        L: Smoothness of f, > 0, a scalar or (B,).
        preconditioner: p_k, (B, K, n).
        bias: b_k = D_k - p_k G_k, (B, K, n), in the unit of x.
        generalized_gradient: G_k, (B, K, n).
        reading: The reading of Assumption 1; by default exact steps 1/L.

    Returns:
        delta1 (no unit) and delta2 (the unit of G), (B, K, n) each.

    Raises:
        InputError: If the shapes differ, or entries are not finite.
    """
    p = numbers("preconditioner", preconditioner)
    b, G = (
        numbers("bias", bias),
        numbers("generalized_gradient", generalized_gradient),
    )
    if not p.shape == b.shape == G.shape or p.ndim != 3:
        raise InputError(
            f"preconditioner {p.shape}, bias {b.shape} and generalized_gradient {G.shape} must have one shape (B, K, n)"
        )
    if not all(np.isfinite(a).all() for a in (p, b, G)):
        raise InputError("preconditioner, bias and generalized_gradient must be finite; cut the run before it diverges")
    L = _like(L, G)
    return Deviations(2 * L * p - 1, 2 * L * b - reading.bias_factor * G)


def deviation_from(deltas: Deviations, L: Any, generalized_gradient: Any) -> np.ndarray:
    """The deviation e = (delta1 * G + delta2) / (2L) of a step from the exact one.

    Args:
        deltas: Deviations relative to `GRADIENT_DESCENT`; from another reading they say something else.
        L: Smoothness of f, > 0, a scalar or (B,).
        generalized_gradient: G_k, (B, K, n).

    Returns:
        e_k, (B, K, n), in the unit of x.

    Raises:
        InputError: If `L` is not positive or of another shape.
    """
    G = numbers("generalized_gradient", generalized_gradient)
    return (deltas.delta1 * G + deltas.delta2) / (2 * _like(L, G))


def relative_deviation_bound(deltas: Deviations, generalized_gradient: Any) -> np.ndarray:
    """An upper bound (||delta1||_inf + ||delta2||/||G||)/2 of the relative deviation rho = L ||e|| / ||G||.

    Args:
        deltas: Deviations relative to `GRADIENT_DESCENT`.
        generalized_gradient: G_k, (B, K, n).

    Returns:
        (B, K), no unit; inf where G = 0 and delta2 is not. The inequality holds in exact arithmetic (triangle
        inequality); the numbers are plain float64.

    Raises:
        InputError: If `generalized_gradient` holds no numbers.
    """
    G = np.linalg.norm(numbers("generalized_gradient", generalized_gradient), axis=-1)
    second = np.linalg.norm(deltas.delta2, axis=-1)
    ratio = np.divide(second, G, out=np.where(second > 0, np.inf, 0.0), where=G > 0)
    return (np.abs(deltas.delta1).max(axis=-1) + ratio) / 2


def _like(L: Any, G: np.ndarray) -> np.ndarray:
    value = numbers("L", L)
    if not (value > 0).all() or value.ndim > 1 or (value.ndim and value.shape != G.shape[:1]):
        raise InputError(f"`L` must be > 0, a scalar or one per run ({G.shape[:1]}); given shape {value.shape}")
    return value.reshape((-1,) + (1,) * (G.ndim - 1)) if value.ndim else value
