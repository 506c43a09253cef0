r"""Bounds out of distribution, where the deviations are arbitrary: B5, B6, B6b and B6c.

f convex and L-smooth, r convex (B5: f need not be convex), any deviations e_k, any comparator z in dom r.

B5 is B1 on the out-of-distribution run; its magnitude form bounds ||e_k|| by the virtual decomposition (B4):
||bracket|| + C1 ||Dz|| ||G||_inf + C2 ||Dz||.

B6. F(x_k) <= F(z) + <G_k, x_k - z> + (L/2)||D_k||^2, the three-point identity, sum over k. The right-hand
side is the same number for every h: it is affine in 1/h, and the coefficient, (1/2)(dist_0^2 - dist_K^2) -
(1/2) sum ||D_k||^2 - sum <D_k, x_k - z>, vanishes identically.

B6b. Smooth interpolation between consecutive points with multipliers a_k = (K+1-k)/(K+2-k) (catalogue B6b)
replaces 1/K by 1/(K+1) and drops nothing: attained by f = 0, r = c|x|, c = L R/(K+1), with exact steps, and
by F = 0, e_k = R/(K+1). The reference step may be up to 5/4: replacing each convexity inequality at z by the
interpolation one (true for any z) adds b_k ||grad f(x_k) - grad f(z)||^2/(2L) to what is left over, which
covers (h-1) a_k ||grad f(x_{k-1}) - grad f(x_k)||^2/(2L) because 2(h-1)(a_k + a_{k+1}) <= b_k = 1 - a_k +
a_{k+1} for h <= 5/4.

B6c. The last iterate, weights alpha_k = (k-1)/(2K-k+1), alpha_{K+1} = 1; no monotonicity is needed, and 1/(4K) is
attained by f = 0, r = c|x|, c = L R/(2hK). Interpolation between consecutive points has the multipliers mu_k =
k/(2K-k+1), and that at z nu_k = mu_{k+1} - mu_k. With d_k = grad f(x_{k-1}) - grad f(x_k) what is left over is a sum
of squares and (L = 1) mu_k ||d_k||^2/2 - h k^2 ||d_k||^2/(4 M_k), M_k = K(2k-1) - k(k-1). At h = 3/2 this is negative
for k = 1 and 2, and nu_k ||grad f(x_k) - grad f(z)||^2/2, which interpolation at z adds, covers it. Beyond 3/2 the
bound is false: f = x^2/2, K = 1, z = 0, x_0 = 1, x_1 = (h-1)/(h-2), where the right-hand side is (2h-3)/(4(2-h))
below F(x_1) - F(z).

The best h. The right-hand sides of B6b and B6c are c0 + c1/h, where on every run c1 >= 0: B6b (L/2K)[dist_K^2
+ sum ||D_k||^2 - R^2/(K+1)] >= 0, K+1 steps lead from x_0 to z; B6c by the sum of squares in its proof. So
they decrease in h: the best is 5/4 for B6b and 3/2 for B6c.

Each bound on the mean holds for the best iterate too, since min_k <= mean_k. Where the relative deviations
are all <= h (rho <= 1 at h = 1) the run is monotone (B2) and it holds for the last iterate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from ..bound import Bound, Source
from ..errors import InputError
from ..evaluation.inputs import numbers
from ..hypotheses import (
    F_CONVEX,
    F_SMOOTH,
    HEADS_LIPSCHITZ,
    MONOTONE,
    OWN_STEPS,
    R_CONVEX,
    REFERENCE_STEP,
    REFERENCE_STEP_LONG,
    REFERENCE_STEP_LONGER,
    WEIGHTS,
)
from ..vocabulary import Q, k
from .descent import DECREASE, HALF, PER_STEP
from .features import VIRTUAL

L, h, K, R = Q.L, Q.h, Q.K, Q.R
STEPS = (k, 1, K)
LAST = Q.F[K] - Q.F_z
MEAN = sp.Sum(Q.F[k], STEPS) / K - Q.F_z
CONVEX = (F_SMOOTH, F_CONVEX, R_CONVEX)
PAPER = "arXiv 2506.14263"

_B6 = L / (2 * h * K) * (Q.dist[0] ** 2 - Q.dist[K] ** 2) - L / 2 * (1 / h - 1) * sp.Sum(Q.D2[k], STEPS) / K
_B6B = L * R**2 / (2 * h * (K + 1))
_INNER = -L / (h * K) * sp.Sum(Q.ex[k], STEPS)
_NORMS = L / (h * K) * sp.Sum(Q.enorm[k] * Q.dist[k], STEPS)
_A, _A_NEXT = (K + 1 - k) / (K + 2 - k), (K - k) / (K + 1 - k)
_ALPHA, _ALPHA_NEXT = (k - 1) / (2 * K - k + 1), k / (2 * K - k)

# by how much F(x_K) may exceed the mean because of steps that B1 does not show to descend: zero on a
# monotone run
_RISE = sp.Sum((k - 1) / K * sp.Max(0, PER_STEP), STEPS)

_B6_SOURCE = Source(
    "paper",
    "multi-step bound out of distribution; derived from convexity, the descent lemma and the three-point identity",
    PAPER,
)
_B6B_SOURCE = Source(
    "derived",
    "exact identity with multipliers a_k = (K+1-k)/(K+2-k) on smooth interpolation between "
    "consecutive iterates and 1 - a_k + a_{k+1} on convexity at z",
)

ENTRIES = (
    Bound(
        name="ood_per_step",
        number="B5",
        title="Per-step bound out of distribution",
        level="step",
        lhs=DECREASE,
        rhs=PER_STEP,
        kind="tight",
        prime=True,
        hypotheses=(F_SMOOTH, R_CONVEX),
        source=Source(
            "paper", "per-step bound out of distribution; derived as B1 on the run out of distribution", PAPER
        ),
    ),
    Bound(
        name="ood_per_step",
        number="B5",
        variant="magnitude",
        level="step",
        kind="tight",
        prime=True,
        title="Per-step bound out of distribution, by the magnitude of the feature shift",
        lhs=DECREASE,
        # <G, e> >= -||G|| ||e||, and ||e|| at most the virtual decomposition
        rhs=-h * (2 - h) * Q.G2[k] / (2 * L) + (1 - h) * sp.sqrt(Q.G2[k]) * VIRTUAL + HALF * L * VIRTUAL**2,
        hypotheses=(F_SMOOTH, R_CONVEX, REFERENCE_STEP, HEADS_LIPSCHITZ),
        source=Source(
            "paper",
            "convergence deteriorates with the magnitude of the input features; an upper bound, not a "
            "proof that it does",
            PAPER,
        ),
    ),
    Bound(
        name="ood_multi_step",
        number="B6",
        title="Multi-step bound out of distribution",
        level="run",
        lhs=MEAN,
        rhs=_B6 + _INNER,
        kind="tight",
        prime=True,
        hypotheses=CONVEX,
        source=_B6_SOURCE,
    ),
    Bound(
        name="ood_multi_step",
        number="B6",
        variant="magnitude",
        level="run",
        lhs=MEAN,
        rhs=_B6 + _NORMS,
        kind="tight",
        title="Multi-step bound out of distribution, by the size of the deviations",
        prime=True,
        hypotheses=CONVEX,
        source=_B6_SOURCE,
    ),
    Bound(
        name="ood_multi_step",
        number="B6",
        variant="virtual",
        level="run",
        lhs=MEAN,
        kind="tight",
        prime=True,
        title="Multi-step bound out of distribution, by the magnitude of the feature shift",
        rhs=_B6 + L / (h * K) * sp.Sum(VIRTUAL * Q.dist[k], STEPS),
        hypotheses=(*CONVEX, HEADS_LIPSCHITZ),
        source=_B6_SOURCE,
    ),
    Bound(
        name="ood_multi_step",
        number="B6",
        variant="last_iterate",
        level="run",
        lhs=LAST,
        rhs=_B6 + _INNER,
        title="Multi-step bound out of distribution, last iterate of a monotone run",
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP, MONOTONE),
        slop=_RISE,
        source=_B6_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        title="Sharp multi-step bound out of distribution",
        level="run",
        lhs=MEAN,
        rhs=_B6B + _INNER,
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP_LONG),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="magnitude",
        level="run",
        lhs=MEAN,
        rhs=_B6B + _NORMS,
        title="Sharp multi-step bound out of distribution, by the size of the deviations",
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP_LONG),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="last_iterate",
        level="run",
        lhs=LAST,
        rhs=_B6B + _INNER,
        title="Sharp multi-step bound out of distribution, last iterate of a monotone run",
        kind="upper",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP, MONOTONE),
        slop=_RISE,
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="best_iterate",
        level="run",
        lhs=Q.F_best - Q.F_z,
        rhs=_B6B + _INNER,
        title="Sharp multi-step bound out of distribution, best iterate",
        kind="upper",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP_LONG),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="average_point",
        level="run",
        lhs=Q.F_mean - Q.F_z,
        rhs=_B6B + _INNER,
        title="Sharp multi-step bound out of distribution, mean of the iterates",
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP_LONG),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="bonus",
        level="run",
        lhs=MEAN,
        rhs=_B6B + _INNER - (K / (K + 1) * Q.gz2[0] + sp.Sum((1 - _A + _A_NEXT) * Q.gz2[k], STEPS)) / (2 * L * K),
        title="Sharp multi-step bound out of distribution, less what the gradients differ",
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="inexact_prox",
        level="run",
        lhs=MEAN,
        rhs=_B6B + _INNER + sp.Sum(Q.eps[k], STEPS) / K,
        title="Sharp multi-step bound out of distribution, inexact prox",
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="varying_steps",
        level="run",
        lhs=sp.Sum(Q.step_h[k] * (Q.F[k] - Q.F_z), STEPS) / K,
        rhs=L * R**2 / (2 * (K + 1)) - L / K * sp.Sum(Q.ex_own[k], STEPS),
        title="Sharp multi-step bound out of distribution, a reference step for each step",
        vacuous=sp.Sum(Q.step_h[k], STEPS) / K * (Q.F[0] - Q.F_z),
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, OWN_STEPS),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_multi_step_sharp",
        number="B6b",
        variant="weighted",
        level="run",
        lhs=sp.Sum(Q.weight[k] * (Q.F[k] - Q.F_z), STEPS),
        rhs=Q.pot[0] * L * R**2 / (2 * h) - L / h * sp.Sum(Q.weight[k] * Q.ex[k], STEPS),
        title="Sharp multi-step bound out of distribution, weighted mean",
        vacuous=sp.Sum(Q.weight[k], STEPS) * (Q.F[0] - Q.F_z),
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP, WEIGHTS),
        source=_B6B_SOURCE,
    ),
    Bound(
        name="ood_last_iterate",
        number="B6c",
        title="Last-iterate bound out of distribution",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (4 * h * K) - L / h * sp.Sum(_ALPHA_NEXT * Q.ex[k] - _ALPHA * Q.ex_prev[k], STEPS),
        kind="tight",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP_LONGER),
        source=Source(
            "derived",
            "exact identity with weights alpha_k = (k-1)/(2K-k+1); the value 1/(4hK) at e = 0 is, where f = 0, the "
            "exact worst case of the proximal point method, and h = 3/2 is the longest reference step for which it "
            "holds at K = 1",
            "Taylor, Hendrickx, Glineur, SIAM J. Optim. 27 (2017), Theorem 4.1",
        ),
    ),
    Bound(
        name="ood_last_iterate",
        number="B6c",
        variant="magnitude",
        title="Last-iterate bound out of distribution, by the size of the deviations",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (4 * h * K)
        + L / h * sp.Sum(Q.enorm[k] * ((_ALPHA_NEXT - _ALPHA) * Q.dist[k] + _ALPHA * sp.sqrt(Q.D2[k])), STEPS),
        kind="upper",
        prime=True,
        hypotheses=(*CONVEX, REFERENCE_STEP_LONGER),
        source=Source("derived", "B6c, its inner products by Cauchy-Schwarz"),
    ),
)
"""B5, B6, B6b and B6c."""


def weight_potentials(weights: Any) -> np.ndarray:
    """The potentials v of the weighted form from its weights: v_K = 0, v_{k-1} = W_k^2 / (2 W_k - v_k).

    Args:
        weights: W_k > 0 of the mean of iterates, (K,) or (B, K), no unit.

    Returns:
        v, (B, K+1). Plain float64.

    Raises:
        InputError: Where the weights are not admissible: 2 W_k > v_k and W_k - v_{k-1} + v_k >= 0.
    """
    W = np.atleast_2d(numbers("weights", weights))
    if W.ndim != 2 or not (np.isfinite(W).all() and (W > 0).all()):
        raise InputError(f"weights must be finite and > 0, of shape (K,) or (B, K); given shape {W.shape}")
    v = np.zeros((W.shape[0], W.shape[1] + 1))
    for step in range(W.shape[1], 0, -1):
        w, after = W[:, step - 1], v[:, step]
        if not (2 * w > after).all():
            raise InputError(f"weights: 2 W_k > v_k fails at k = {step}; let the weights grow more slowly backwards")
        v[:, step - 1] = w**2 / (2 * w - after)
        if not (w - v[:, step - 1] + after >= 0).all():
            raise InputError(f"weights: W_k - v_(k-1) + v_k >= 0 fails at k = {step}; weigh later iterates more")
    return v
