r"""Any run against accelerated proximal-gradient steps (B19).

With a_1 = 1, a_{k+1} = (1 + sqrt(1 + 4 a_k^2))/2 and A_k = a_k^2, so that A_k = A_{k-1} + a_k and A_0 = 0, let

    u_k = x_{k-1} + a_k (x_k - x_{k-1}),   u_0 = x_0,      y_k = x_{k-1} + (u_{k-1} - x_{k-1})/a_k,

and e_k = y_k - x_k - (grad f(y_k) + g_k)/L, g_k the subgradient of r at x_k. Every run has these; FISTA is e_k = 0.
With A_k (x_k - y_k) = a_k (u_k - u_{k-1}), the descent lemma from y_k to x_k, convexity of f at y_k and the subgradient
inequality of r at x_k, the last two at x_{k-1} with the weight A_{k-1} and at z with the weight a_k, give

    A_k (F(x_k) - F(z)) + (L/2)||u_k - z||^2 <= A_{k-1} (F(x_{k-1}) - F(z)) + (L/2)||u_{k-1} - z||^2
                                                - L a_k <e_k, u_k - z>,

and the sum over k is the bound, for any comparator z.

The sharp form. The step is taken in two ways. With the share c_k = (K+1-k)/(K+2-k), smooth interpolation from y_k to
x_k takes the place of the descent lemma; with the share 1 - c_k, convexity at x_k that of both. With U_k = u_k - z and
d = grad f(y_k) - grad f(x_k) this leaves

    -L <U_k - U_{k-1}, U_k> - <a_k d, U_k - c_k U_{k-1}> - c_k ||a_k d||^2/(2L)
        <= (L/2) [c_k ||U_{k-1}||^2 - (2 - 1/c_k) ||U_k||^2],

and 2 - 1/c_k = c_{k+1}, c_1 = K/(K+1), c_{K+1} = 0. It is attained by f = 0, r = c|x| and u_0, ..., u_K that go to z in
K of K+1 equal parts. The same weights give B6b from B6.

A priori. If F(x_k) >= F(z), then ||u_k - z||^2 <= R^2 + 2 sum_{i<=k} a_i ||e_i|| ||u_i - z||, and so
||u_k - z|| <= R + 2 sum_{i<=k} a_i ||e_i||.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import ACCELERATED_WEIGHTS, F_CONVEX, F_SMOOTH, NOT_BELOW, R_CONVEX
from ..vocabulary import Q, k

L, K, R = Q.L, Q.K, Q.R
STEPS = (k, 1, K)
LAST = Q.F[K] - Q.F_z
_A = Q.accel_weight[K]
_INNER = -L / _A * sp.Sum(Q.accel_momentum[k] * Q.accel_ex[k], STEPS)
_SIZES = L / _A * sp.Sum(Q.accel_momentum[k] * Q.accel_enorm[k] * Q.accel_dist[k], STEPS)
_NEEDS = (F_SMOOTH, F_CONVEX, R_CONVEX, ACCELERATED_WEIGHTS)
_SCHMIDT = "Schmidt, Le Roux, Bach, NIPS 2011, Proposition 2"

ENTRIES = (
    Bound(
        name="accelerated_inexact",
        number="B19",
        title="Rate of any run against accelerated steps",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (2 * _A) + _INNER,
        kind="upper",
        source=Source("derived", "the potential of FISTA with deviations, which may be of any size and kind", _SCHMIDT),
        hypotheses=_NEEDS,
    ),
    Bound(
        name="accelerated_inexact",
        number="B19",
        variant="distance",
        title="Rate of any run against accelerated steps, with where it ends",
        level="run",
        lhs=LAST,
        rhs=L * (R**2 - Q.accel_dist[K] ** 2) / (2 * _A) + _INNER,
        kind="tight",
        source=Source("derived", "B19, with the distance of u_K from the comparator"),
        hypotheses=_NEEDS,
    ),
    Bound(
        name="accelerated_inexact",
        number="B19",
        variant="sharp",
        title="Sharp rate of any run against accelerated steps",
        level="run",
        lhs=LAST,
        rhs=L * R**2 * K / (2 * (K + 1) * _A) + _INNER,
        kind="tight",
        source=Source("derived", "B19 with smooth interpolation, weighted as in B6b"),
        hypotheses=_NEEDS,
    ),
    Bound(
        name="accelerated_inexact",
        number="B19",
        variant="size",
        title="Sharp rate against accelerated steps, by the size of the deviations",
        level="run",
        lhs=LAST,
        rhs=L * R**2 * K / (2 * (K + 1) * _A) + _SIZES,
        kind="tight",
        source=Source("derived", "B19:sharp and Cauchy-Schwarz"),
        hypotheses=_NEEDS,
    ),
    Bound(
        name="accelerated_inexact",
        number="B19",
        variant="a_priori",
        title="A-priori rate against accelerated steps, from the sizes of the deviations",
        level="run",
        lhs=LAST,
        rhs=L * (R + 2 * sp.Sum(Q.accel_momentum[k] * Q.accel_enorm[k], STEPS)) ** 2 / (2 * _A),
        kind="upper",
        source=Source(
            "literature",
            "rate of inexact accelerated proximal gradient; the comparator need not be a minimiser, but no iterate "
            "may be below it; the proof is our own",
            _SCHMIDT,
        ),
        hypotheses=(*_NEEDS, NOT_BELOW),
    ),
)
"""B19."""
