r"""Rates from a relative deviation (B8), strong convexity and the Polyak-Lojasiewicz inequality (B9).

B8. With c = (h - sigma)(2 - h + sigma), sigma = max_k sigma_k < h, B2 gives F(x_k) <= F(x_{k-1}) - q||G_k||^2, q =
c/(2L), and convexity with B2 F(x_k) - F(z) <= ||G_k|| Delta - q||G_k||^2, Delta = max_{k<K} ||x_k - z||. So d_k =
F(x_k) - F(z) obeys 1/d_k >= 1/d_{k-1} + q/Delta^2 while it is positive, and 1/d_1 >= 4 q/Delta^2: the number of
iterations grows by the factor 1/c. Where r = 0 the start is better, d_0 <= L Delta^2/2 + (L/h) tau Delta. Any
comparator z will do; at h = 1, c = 1 - rho^2.

B9. f mu-strongly convex: x - (h/L) grad f(x) contracts by 1 - h mu/L for h <= 1 and the prox does not expand, so the
distance to the comparator shrinks by that factor up to ||e_k(h)|| and the fixed-point residual tau of the comparator.
With mu > 0 that is a linear rate down to a floor. With r = 0 and the Polyak-Lojasiewicz inequality ||grad f(x)||^2 >=
2 mu (f(x) - inf f), which strong convexity implies, B2 is a linear rate of the objective. f need not be convex for it.

Over K steps 1/L, B1 and the inequality give d_k <= (1 - mu/L) d_{k-1} + (L/2)||e_k||^2, d_k = f(x_k) - inf f: a
linear rate down to a floor for any deviations. Exact steps have a better factor: interpolation (B10) gives d_{k-1} -
d_k >= ||grad f(x_{k-1})||^2/(2L) + ||grad f(x_k)||^2/(4L) >= (mu/L) d_{k-1} + (mu/2L) d_k, so d_k <= (2L - 2mu)/(2L +
mu) d_{k-1}.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import (
    APART,
    DEVIATION_BELOW_STEP,
    EXACT_STEP,
    F_CONVEX,
    F_SMOOTH,
    FULL_STEP,
    MU_AT_MOST_L,
    POLYAK_LOJASIEWICZ,
    R_CONVEX,
    R_ZERO,
    REFERENCE_STEP,
    STRONGLY_CONVEX,
)
from ..vocabulary import Q, k
from .descent import DECREASE

L, h, K = Q.L, Q.h, Q.K
LAST = Q.F[K] - Q.F_z
SHARE = (h - Q.sigma_max) * (2 - h + Q.sigma_max)
"""c, the share of ||G||^2/(2L) by which F decreases at least; 1 - rho^2 at h = 1."""
_STEP_SHARE = (h - Q.sigma[k]) * (2 - h + Q.sigma[k])
_PL_CONTRACTION = 1 - Q.mu / L
_START = Q.F[0] - Q.F_low
_PL = (F_SMOOTH, POLYAK_LOJASIEWICZ, R_ZERO)
_CONTRACTION = 1 - h * Q.mu / L
_B8 = (F_SMOOTH, F_CONVEX, R_CONVEX, REFERENCE_STEP, DEVIATION_BELOW_STEP)
_B8_SLOP = sp.Sum(Q.sigma_slack[k], (k, 1, K))

ENTRIES = (
    Bound(
        name="relative_deviation_rate",
        number="B8",
        title="Rate from the relative deviation",
        level="run",
        lhs=LAST,
        rhs=2 * L * Q.Delta**2 / (SHARE * (K + 3)),
        kind="upper",
        source=Source("derived", "B2, convexity, and 1/d_k >= 1/d_{k-1} + q/Delta^2"),
        hypotheses=_B8,
        slop=_B8_SLOP,
    ),
    Bound(
        name="relative_deviation_rate",
        number="B8",
        variant="smooth",
        title="Rate from the relative deviation, r = 0",
        level="run",
        lhs=LAST,
        rhs=2 * L * Q.Delta**2 * (Q.Delta + 2 * Q.tau / h) / (SHARE * K * (Q.Delta + 2 * Q.tau / h) + 4 * Q.Delta),
        kind="upper",
        source=Source("derived", "as B8, started from the descent lemma at the comparator"),
        hypotheses=(*_B8, R_ZERO, APART),
        slop=_B8_SLOP,
    ),
    Bound(
        name="strong_convexity",
        number="B9",
        title="Contraction under strong convexity",
        level="step",
        lhs=Q.dist[k],
        rhs=_CONTRACTION * Q.dist[k - 1] + Q.enorm[k] + Q.tau,
        kind="tight",
        source=Source("derived", "the gradient map contracts, the prox does not expand, triangle inequality"),
        vacuous=Q.dist[k - 1],
        hypotheses=(F_SMOOTH, STRONGLY_CONVEX, R_CONVEX, REFERENCE_STEP),
    ),
    Bound(
        name="strong_convexity",
        number="B9",
        variant="rate",
        title="Linear rate under strong convexity, down to a floor",
        level="run",
        lhs=Q.dist[K],
        rhs=_CONTRACTION**K * Q.R + sp.Sum(_CONTRACTION ** (K - k) * (Q.enorm[k] + Q.tau), (k, 1, K)),
        kind="tight",
        source=Source("derived", "B9 step by step"),
        vacuous=Q.R,
        hypotheses=(F_SMOOTH, STRONGLY_CONVEX, R_CONVEX, REFERENCE_STEP),
    ),
    Bound(
        name="strong_convexity",
        number="B9",
        variant="pl",
        title="Descent under the Polyak-Lojasiewicz inequality",
        level="step",
        lhs=DECREASE,
        rhs=-sp.Max(0, _STEP_SHARE) * Q.mu / L * (Q.F[k - 1] - Q.F_z)
        + sp.Max(0, -_STEP_SHARE) * (Q.F[k - 1] - Q.F_low),
        kind="tight",
        source=Source(
            "derived",
            "B2 with ||grad f||^2 >= 2 mu (f - inf f), or <= 2 L (f - inf f) where the deviation is too large; "
            "at F_low = F(z) = F* the factor max{1 - (1 - rho^2) mu/L, rho^2}",
        ),
        hypotheses=(F_SMOOTH, POLYAK_LOJASIEWICZ, R_CONVEX, R_ZERO, REFERENCE_STEP),
        slop=Q.sigma_slack[k],
    ),
    Bound(
        name="strong_convexity",
        number="B9",
        variant="pl_inexact",
        title="Linear rate under the Polyak-Lojasiewicz inequality, down to a floor",
        level="run",
        lhs=LAST,
        rhs=_PL_CONTRACTION**K * _START + L / 2 * sp.Sum(_PL_CONTRACTION ** (K - k) * Q.e2[k], (k, 1, K)),
        kind="upper",
        source=Source("derived", "B1 at h = 1 and ||grad f||^2 >= 2 mu (f - inf f), step by step"),
        vacuous=_START,
        hypotheses=(*_PL, MU_AT_MOST_L, FULL_STEP),
    ),
    Bound(
        name="strong_convexity",
        number="B9",
        variant="pl_exact_steps",
        title="Linear rate of gradient descent under the Polyak-Lojasiewicz inequality",
        level="run",
        lhs=LAST,
        rhs=((2 * L - 2 * Q.mu) / (2 * L + Q.mu)) ** K * _START,
        kind="upper",
        source=Source(
            "literature",
            "the factor of one step; the proof is our own; it is not the least factor for all mu, as Rubbens, "
            "Hendrickx and Taylor found by stronger inequalities",
            "Abbaszadehpeivasti, de Klerk, Zamani, Optim. Lett. 17 (2023), Theorem 3; arXiv 2504.14377",
        ),
        vacuous=_START,
        hypotheses=(*_PL, MU_AT_MOST_L, FULL_STEP, EXACT_STEP),
        # in a step D = grad f(x_{k-1})/L + e leaves <grad f(x_k), e>/2 - (L/4)||e||^2
        slop=sp.Sum(sp.sqrt(Q.grad2[k]) * Q.enorm[k] / 2 + L / 4 * Q.e2[k], (k, 1, K)),
    ),
)
"""B8 and B9."""
