r"""Bounds for non-convex f, and for constrained problems (B10).

B1 holds for non-convex f. Summed over k it bounds the mean of ||G_k||^2, and so its least value. G_k is no gradient at
a point; but grad f(x_k) + g_k, which is in the subdifferential of F at x_k, differs from G_k by grad f(x_k) -
grad f(x_{k-1}), of norm at most L ||D_k||. Where r is the indicator of a convex set and z a point of it, <g_k, x_k - z>
>= 0, so the variational inequality of the constrained problem holds up to (||G_k|| + L||D_k||) ||x_k - z||.

Exact steps 1/L with r = 0 have a sharper form. f + (L/2)||x||^2 is convex and 2L-smooth, and its smooth interpolation
between x_{k-1} and x_k = x_{k-1} - grad f(x_{k-1})/L says

    f(x_{k-1}) - f(x_k) >= ||grad f(x_{k-1})||^2/(2L) + ||grad f(x_k)||^2/(4L).

The sum over k, with f(x_K) - inf f >= ||grad f(x_K)||^2/(2L), has the weight 2/(4L) at x_0 and 3/(4L) at every later
point. The least of the K+1 squared norms is at most their mean with these weights.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import EXACT_STEP, F_SMOOTH, FULL_STEP, R_CONVEX, R_INDICATOR, R_ZERO, REFERENCE_STEP
from ..vocabulary import Q, k

L, h, K = Q.L, Q.h, Q.K
STEPS = (k, 1, K)
_MEAN_G2 = sp.Sum(Q.G2[k], STEPS) / K
_DEVIATIONS = sp.Sum(L**2 * Q.e2[k] - 2 * L * (1 - h) * Q.Ge[k], STEPS)

ENTRIES = (
    Bound(
        name="nonconvex_stationarity",
        number="B10",
        title="Stationarity without convexity",
        level="run",
        lhs=_MEAN_G2,
        rhs=(2 * L * (Q.F[0] - Q.F_low) + _DEVIATIONS) / (h * (2 - h) * K),
        kind="tight",
        source=Source("derived", "B1 summed over k; the least ||G_k||^2 is at most the mean"),
        hypotheses=(F_SMOOTH, R_CONVEX, REFERENCE_STEP),
        vacuous=Q.G2[1],
    ),
    Bound(
        name="nonconvex_stationarity",
        number="B10",
        variant="descent",
        title="Stationarity without convexity, by the descent of the run",
        level="run",
        lhs=_MEAN_G2,
        rhs=(2 * L * (Q.F[0] - Q.F[K]) + _DEVIATIONS) / (h * (2 - h) * K),
        kind="tight",
        source=Source("derived", "B1 summed over k"),
        hypotheses=(F_SMOOTH, R_CONVEX, REFERENCE_STEP),
        vacuous=Q.G2[1],
    ),
    Bound(
        name="nonconvex_stationarity",
        number="B10",
        variant="exact_steps",
        title="Exact stationarity of gradient descent without convexity",
        level="run",
        lhs=(2 * Q.grad2[0] + 3 * sp.Sum(Q.grad2[k], STEPS)) / (3 * K + 2),
        rhs=4 * L * (Q.F[0] - Q.F_low) / (3 * K + 2),
        kind="tight",
        source=Source(
            "literature",
            "the exact worst case of the least gradient, here of a weighted mean that is no less; the proof is our own",
            "Abbaszadehpeivasti, de Klerk, Zamani, Optim. Lett. 16 (2022), Theorem 2",
        ),
        hypotheses=(F_SMOOTH, R_ZERO, FULL_STEP, EXACT_STEP),
        vacuous=Q.grad2[0],
        # interpolation with D = grad f(x_{k-1})/L + e leaves 2L <grad f(x_k), e> - L^2 ||e||^2
        slop=sp.Sum(2 * L * sp.sqrt(Q.grad2[k]) * Q.enorm[k] + L**2 * Q.e2[k], STEPS) / (3 * K + 2),
    ),
    Bound(
        name="nonconvex_stationarity",
        number="B10",
        variant="subdifferential",
        title="From the generalised gradient to the subdifferential",
        level="step",
        lhs=Q.stationarity[k],
        rhs=sp.sqrt(Q.G2[k]) + L * sp.sqrt(Q.D2[k]),
        kind="tight",
        source=Source("derived", "grad f changes by at most L||D_k|| between x_{k-1} and x_k"),
        hypotheses=(F_SMOOTH,),
    ),
    Bound(
        name="nonconvex_stationarity",
        number="B10",
        variant="constrained",
        title="Variational inequality of a constrained problem",
        level="step",
        lhs=Q.vi_gap[k],
        rhs=(sp.sqrt(Q.G2[k]) + L * sp.sqrt(Q.D2[k])) * Q.dist[k],
        kind="tight",
        source=Source("derived", "<g_k, x_k - z> >= 0 for z in the set, and the bound on grad f(x_k) + g_k"),
        hypotheses=(F_SMOOTH, R_CONVEX, R_INDICATOR),
    ),
)
"""B10."""
