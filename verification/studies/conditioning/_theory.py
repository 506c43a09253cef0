r"""What the catalogue says: the steps a gradient step needs (B9, B3), and where a frozen history is stable (B14).

Numbers are read off the entries' own expressions. A gradient step with a declared L of c L is the step (1/c)/L: the
reference step h = 1/c where c >= 1, and the full step with a relative deviation of 1/c - 1 where c < 1.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from .... import bounds
from ....bounds.history import frozen_mode
from ....bounds.quantities import VOCABULARY

RATE, SUBLINEAR, STABILITY = "strong_convexity:pl", "ind_rate:exact", "history_stability"


def _symbol(name: str) -> Any:
    return VOCABULARY[name].symbol


@cache
def _contraction() -> Any:
    """(h, sigma, mu/L) -> the factor of F - F* in one step, from B9 with an exact minimum."""
    change = bounds.get(RATE).closed_form("h", "sigma", "mu", F=1, F_z=0, F_low=0, L=1)
    return lambda h, sigma, share: 1 + change(h, sigma, share)


@cache
def _sublinear() -> Any:
    """(h, value over L R^2) -> the K at which B3 promises that value."""
    rhs = bounds.get(SUBLINEAR).rhs.subs({_symbol("L"): 1, _symbol("R"): 1})
    steps, value = sp.symbols("steps value", positive=True)
    (solution,) = sp.solve(sp.Eq(value, rhs.subs(_symbol("K"), steps)), steps)
    return sp.lambdify((_symbol("h"), value), solution, "math")


def promised_steps(c: float, share: float, gap_over_LR2: float, eps: float) -> float | None:
    """Steps after which F - F* <= eps (F(x_0) - F*) is guaranteed for the gradient step with a declared L of c L.

    `share` is mu/L, and `gap_over_LR2` (F(x_0) - F*)/(L R^2). The better of B9 and B3; None where neither says
    anything.
    """
    h, sigma = (1 / c, 0.0) if c >= 1 else (1.0, 1 / c - 1)
    promises = []
    factor = float(_contraction()(h, sigma, share))
    if share > 0 and factor < 1:
        promises.append(1.0 if factor <= 0 else np.ceil(np.log(eps) / np.log(factor)))
    if sigma == 0:
        promises.append(np.ceil(float(_sublinear()(h, eps * gap_over_LR2))))
    return float(min(promises)) if promises else None


@cache
def _limit() -> Any:
    """(r, b) -> the q up to which B14 holds, of the catalogue's entry."""
    return bounds.get(STABILITY).closed_form("history_r", "history_b")


def limit(r: Any, b: Any) -> np.ndarray:
    """The limit on q of B14 for 0 <= b < 1; at r = 0, the limit of large condition numbers."""
    r, b = np.broadcast_arrays(np.asarray(r, float), np.asarray(b, float))
    return np.broadcast_to(np.asarray(_limit()(r, b), dtype=float), r.shape)


def modes_stable(r: Any, q: Any, b: Any, kappa: float = 1.0) -> np.ndarray:
    """Whether B14 calls every mode with curvature in [L/kappa, L] stable, r = R L; arrays are broadcast.

    For a given q and b the stable r are an interval, so the two ends of the spectrum decide.
    """
    r, q, b = np.broadcast_arrays(np.asarray(r, float), np.asarray(q, float), np.asarray(b, float))
    return frozen_mode(r, q, b).stable & frozen_mode(r / kappa, q, b).stable


def modes_radius(r: Any, q: Any, b: Any, kappa: float = 1.0) -> np.ndarray:
    """The larger spectral radius of the two ends of the spectrum: 1 on the boundary of `modes_stable`."""
    return np.maximum(frozen_mode(r, q, b).radius, frozen_mode(np.asarray(r) / kappa, q, b).radius)


def stable_at_large_kappa(r: Any, q: Any, b: Any) -> np.ndarray:
    """Whether every mode with curvature in (0, L] is stable: the mode at L, and the limit on q as r falls to 0."""
    r, q, b = np.broadcast_arrays(np.asarray(r, float), np.asarray(q, float), np.asarray(b, float))
    sound = (b >= 0) & (b < 1)
    at_zero = q < limit(np.zeros_like(r), np.where(sound, b, 0.0))
    return frozen_mode(r, q, b).stable & sound & at_zero
