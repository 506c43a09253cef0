r"""Rates from a relative deviation (B8), strong convexity and the Polyak-Lojasiewicz inequality (B9).

B8. With c = (h - sigma)(2 - h + sigma), sigma = max_k sigma_k < h, B2 gives F(x_k) <= F(x_{k-1}) - q||G_k||^2, q =
c/(2L), and convexity with B2 F(x_k) - F(z) <= ||G_k|| Delta - q||G_k||^2, Delta = max_{k<K} ||x_k - z||. So d_k =
F(x_k) - F(z) obeys 1/d_k >= 1/d_{k-1} + q/Delta^2 while it is positive, and 1/d_1 >= 4 q/Delta^2: the number of
iterations grows by the factor 1/c. Where r = 0 the start is better, d_0 <= L Delta^2/2 + (L/h) tau Delta. Any
comparator z will do; at h = 1, c = 1 - rho^2.

B9. f mu-strongly convex: x - (h/L) grad f(x) contracts by 1 - h mu/L for h <= 1 and the prox does not expand, so the
distance to the comparator shrinks by that factor up to ||e_k(h)|| and the fixed-point residual tau of the comparator.
With mu > 0 that is a linear rate down to a floor. With r = 0 and the Polyak-Lojasiewicz inequality ||grad f(x)||^2 >=
2 mu (f(x) - inf f), which strong convexity implies, B2 is a linear rate of the objective.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import (
    APART,
    DEVIATION_BELOW_STEP,
    F_CONVEX,
    F_SMOOTH,
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
)
"""B8 and B9."""
