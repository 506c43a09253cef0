"""What the right-hand sides of B6, B6b and B6c have to spare, split into the inequalities that their proofs add up.

Each proof is an identity: K (rhs - lhs) is a sum of the terms below, with multipliers >= 0, and of squares. For convex
f every term is >= 0. Where f is not convex some are not, and the identity says by how much each of them is short:

    convexity   S_k = f(z) - f(x_k) - <grad f(x_k), z - x_k>
    smoothness  B6: f(x_{k-1}) + <grad f(x_{k-1}), x_k - x_{k-1}> + (L/2)||D_k||^2 - f(x_k), the descent lemma, which
                needs no convexity; B6b, B6c: C_k = f(x_{k-1}) - f(x_k) - <grad f(x_k), D_k> - ||d_k||^2/(2L),
                d_k = grad f(x_{k-1}) - grad f(x_k), the interpolation inequality of smooth convex f, which needs it
    r           r(z) - r(x_k) - <g_k, z - x_k>, and in B6c r(x_{k-1}) - r(x_k) - <g_k, D_k>
    squares     what is left

B6 is elementary (three-point identity); B6b and B6c are Theorems 1 and 2 of the proofs in `bounds.proofs`. The formulas
of the catalogue are not used here, so that agreement with rhs - lhs is a check of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...runs.inspection import Inspection, as_numpy
from ...runs.point_inspection import has_points

PARTS = ("convexity", "smoothness", "r", "squares")
LEDGERS = ("B6", "B6b", "B6c")


@dataclass(frozen=True, eq=False)
class Ledger:
    """Of B runs: `parts[bound][part]` (B,), whose sum is rhs - lhs; `convexity` (B,K+1) the S_k; `size` (B,) what
    rounding is relative to. NaN for runs that leave float64 or the domain of r."""

    parts: dict[str, dict[str, np.ndarray]]
    convexity: np.ndarray
    size: np.ndarray

    def slack(self, bound: str) -> np.ndarray:
        """(B,) rhs - lhs as the parts add up."""
        return np.sum(list(self.parts[bound].values()), axis=0)


def ledger(inspection: Inspection, z: np.ndarray) -> Ledger:
    """The ledger of a run with all its arrays, for the comparator z (B,n), with the reference step 1/L."""
    assert has_points(inspection)
    problem = inspection.problem
    L = as_numpy(problem.smoothness)
    x, K = inspection.x, inspection.run.steps
    gradient = np.concatenate([inspection.gradient, inspection.end_gradient[:, None]], axis=1)
    point = torch.from_numpy(np.array(z))
    with np.errstate(invalid="ignore"):
        f = np.stack([as_numpy(problem.smooth.value(torch.from_numpy(x[:, k]))) for k in range(K + 1)], axis=1)
        r = np.stack([as_numpy(problem.nonsmooth.value(torch.from_numpy(x[:, k]))) for k in range(K + 1)], axis=1)
        # At x_0, where its weight is 0; other runs outside the domain are left out.
        r = np.where(np.isfinite(r), r, 0.0)
        f_z, r_z = (as_numpy(term.value(point))[:, None] for term in (problem.smooth, problem.nonsmooth))
        to_z = z[:, None] - x
        S = f_z - f - _dot(gradient, to_z)
        D, g = x[:, :-1] - x[:, 1:], inspection.subgradient
        d = gradient[:, :-1] - gradient[:, 1:]
        lemma = f[:, :-1] - f[:, 1:] - _dot(gradient[:, :-1], D) + L[:, None] / 2 * _dot(D, D)
        C = f[:, :-1] - f[:, 1:] - _dot(gradient[:, 1:], D) - _dot(d, d) / (2 * L[:, None])
        at_z = r_z - r[:, 1:] - _dot(g, to_z[:, 1:])
        before = r[:, :-1] - r[:, 1:] - _dot(g, D)
    undefined = ~inspection.finite | ~inspection.in_domain[:, 1:].all(axis=1)
    parts = {
        "B6": _plain(S, lemma, at_z),
        "B6b": _sharp(L, x - z[:, None], d, S, C, at_z),
        "B6c": _last(L, x - z[:, None], d, S, C, at_z, before),
    }
    # twice: terms of the parts may be larger than what they add up to
    size = np.abs(f).max(axis=1) + np.abs(f_z[:, 0]) + L * _dot(to_z, to_z).max(axis=1)
    size = size + np.abs(_dot(gradient, to_z)).max(axis=1)
    blank = np.where(undefined, np.nan, 0.0)
    return Ledger(
        {bound: {part: value / K + blank for part, value in sums.items()} for bound, sums in parts.items()},
        S + blank[:, None],
        size + blank,
    )


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=-1)


def _plain(S: np.ndarray, lemma: np.ndarray, at_z: np.ndarray) -> dict[str, np.ndarray]:
    zero = np.zeros(len(S))
    return {"convexity": S[:, :-1].sum(1), "smoothness": lemma.sum(1), "r": at_z.sum(1), "squares": zero}


def _sharp(
    L: np.ndarray, y: np.ndarray, d: np.ndarray, S: np.ndarray, C: np.ndarray, at_z: np.ndarray
) -> dict[str, np.ndarray]:
    """Theorem 1: a_k = (K+1-k)/(K+2-k), b_0 = a_1, b_k = 1 - a_k + a_{k+1}; y_k = x_k - z."""
    K = d.shape[1]
    k = np.arange(1, K + 1)
    a = (K + 1 - k) / (K + 2 - k)
    b = np.concatenate([a[:1], 1 - a + np.append(a[1:], 0.0)])
    w = y[:, 1:] - a[:, None] * y[:, :-1] + a[:, None] / L[:, None, None] * d
    squares = L / 2 * (_dot(w, w) / a).sum(1)
    return {"convexity": (b * S).sum(1), "smoothness": (a * C).sum(1), "r": at_z.sum(1), "squares": squares}


def _last(
    L: np.ndarray, y: np.ndarray, d: np.ndarray, S: np.ndarray, C: np.ndarray, at_z: np.ndarray, before: np.ndarray
) -> dict[str, np.ndarray]:
    """Theorem 2, times K as the others: alpha_k = (k-1)/(2K-k+1), u_k = 2K-k, mu_k = k/u_{k-1}."""
    K = d.shape[1]
    k = np.arange(1, K + 1)
    u, u_before = 2.0 * K - k, 2.0 * K - k + 1
    alpha = np.append((k - 1) / u_before, 1.0)
    mu = np.concatenate([[0.0], k / u_before, [1.0]])
    M = K * (2 * k - 1) - k * (k - 1.0)
    w = u_before[:, None] * y[:, 1:] - u[:, None] * y[:, :-1]
    lean = w + (k * u_before * u / (2 * M))[:, None] / L[:, None, None] * d
    squares = (L[:, None] * M / (u_before * u) ** 2 * _dot(lean, lean)).sum(1)
    squares = squares + (k * (k - 1) * u / (4 * u_before * M) * _dot(d, d) / L[:, None]).sum(1)
    return {
        "convexity": K * (np.diff(mu) * S).sum(1),
        "smoothness": K * (mu[1:-1] * C).sum(1),
        "r": K * ((np.diff(alpha) * at_z).sum(1) + (alpha[:-1] * before).sum(1)),
        "squares": K * squares,
    }
