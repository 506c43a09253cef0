r"""Rates over K steps: B3 (exact steps) and B7 (only the size of the deviations is known).

Both hold for any comparator z in dom r in place of a minimiser.

B3. With exact steps h/L, 0 < h <= 3/2, B6c with no deviation gives F(x_K) - F(z) <= L R^2/(4hK), attained by f = 0, r =
c|x|, c = L R/(2hK). The classical form is twice that.

The last gradient, r = 0, L = 1, d = grad f(x_{k-1}) - grad f(x_k). Interpolation in both directions says that <d, grad
f(x_{k-1})> >= ||d||^2/h, so the gradients shrink, and f(x_{k-1}) - f(x_k) >= h ||grad f(x_k)||^2 for h <= 3/2. The sum
over k, with f(x_K) - inf f >= ||grad f(x_K)||^2/2, is the form with F(x_0) - F_low. In that with the distance

    2kh (f(x_k) - f(z)) + kh(kh+1) ||grad f(x_k)||^2 + ||x_k - z||^2

does not rise for h^2 <= 2, where z is a minimiser, and is at least (Kh+1)^2 ||grad f(x_K)||^2 at K. Both limits of h
are the largest for K = 1: f = x^2/2.

B7. The map T(x) = prox_{h r/L}(x - h grad f(x)/L) is nonexpansive and x_k differs from T(x_{k-1}) by at most
||e_k(h)||, so with tau = ||T(z) - z||

    ||x_k - z|| <= R + sum_{i<=k} ||e_i|| + k tau;

put this into B6b with <e_k, z - x_k> <= ||e_k|| ||x_k - z||, and use sum_k ||e_k|| sum_{i<=k} ||e_i|| = (A^2
+ sum ||e_k||^2)/2, A = sum ||e_k||. That is the sharp form. The classical form follows from it: sum ||e_k||^2
<= A^2 and sum k ||e_k|| <= K A. At a minimiser tau = 0. The terms R A and A^2/2 are attained in the limit of many
steps; of those in sum ||e_k||^2 and tau no run is known that needs them.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import (
    COMPARATOR_OPTIMAL,
    EXACT_STEP,
    F_CONVEX,
    F_SMOOTH,
    FULL_STEP,
    HALF_STEP,
    R_CONVEX,
    R_ZERO,
    REFERENCE_STEP,
    REFERENCE_STEP_LONGER,
    REFERENCE_STEP_ROOT_2,
)
from ..vocabulary import Q, k

L, h, K, R = Q.L, Q.h, Q.K, Q.R
STEPS = (k, 1, K)
LAST = Q.F[K] - Q.F_z
MEAN = sp.Sum(Q.F[k], STEPS) / K - Q.F_z
CONVEX = (F_SMOOTH, F_CONVEX, R_CONVEX)
_A = sp.Sum(Q.enorm[k], STEPS)
# B6c for the deviations that rounding leaves, with weights alpha <= 1 and Cauchy-Schwarz
_ROUNDING = L / h * sp.Sum(Q.enorm[k] * (Q.dist[k] + Q.dist[k - 1]), STEPS)
_GRADIENTS = sp.sqrt(Q.grad2[k - 1]) + sp.sqrt(Q.grad2[k])

ENTRIES = (
    Bound(
        name="ind_rate",
        number="B3",
        title="In-distribution rate under Assumption 1",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (2 * h * K),
        kind="upper",
        source=Source(
            "paper",
            "rate under Assumption 1, the classical one of proximal gradient: gradient_descent h = 1, "
            "half_step h = 1/2",
            "arXiv 2506.14263; Beck, Teboulle, SIAM J. Imaging Sci. 2 (2009), Theorem 3.1",
        ),
        hypotheses=(*CONVEX, REFERENCE_STEP, EXACT_STEP),
        slop=_ROUNDING,
    ),
    Bound(
        name="ind_rate",
        number="B3",
        variant="exact",
        title="Exact in-distribution rate",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (4 * h * K),
        kind="tight",
        source=Source(
            "derived",
            "B6c with e = 0; where f = 0 it is the exact worst case of the proximal point method",
            "Taylor, Hendrickx, Glineur, SIAM J. Optim. 27 (2017), Theorem 4.1",
        ),
        hypotheses=(*CONVEX, REFERENCE_STEP_LONGER, EXACT_STEP),
        slop=_ROUNDING,
    ),
    Bound(
        name="ind_rate",
        number="B3",
        variant="average",
        title="Exact in-distribution rate of the mean",
        level="run",
        lhs=MEAN,
        rhs=L * R**2 / (2 * h * (K + 1)),
        kind="tight",
        source=Source("derived", "B6b with e = 0"),
        hypotheses=(*CONVEX, REFERENCE_STEP, EXACT_STEP),
        slop=_ROUNDING,
    ),
    Bound(
        name="ind_rate",
        number="B3",
        variant="gradient_descent",
        title="In-distribution rate, Assumption 1 read as exact steps 1/L",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (2 * K),
        kind="upper",
        source=Source("paper", "rate under Assumption 1 in the reading gradient_descent", "arXiv 2506.14263"),
        hypotheses=(*CONVEX, FULL_STEP, EXACT_STEP),
        slop=_ROUNDING,
    ),
    Bound(
        name="ind_rate",
        number="B3",
        variant="half_step",
        title="In-distribution rate, Assumption 1 read as exact steps 1/(2L)",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / K,
        kind="upper",
        source=Source("paper", "rate under Assumption 1 in the reading half_step", "arXiv 2506.14263"),
        hypotheses=(*CONVEX, HALF_STEP, EXACT_STEP),
        slop=_ROUNDING,
    ),
    Bound(
        name="ind_rate",
        number="B3",
        variant="smooth",
        title="Exact in-distribution rate of gradient descent, r = 0",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (4 * h * K + 2),
        kind="tight",
        source=Source(
            "literature",
            "the exact worst case of gradient descent; the comparator must be a minimiser; the proof is our own",
            "Drori, Teboulle, Math. Program. 145 (2014), Theorem 3.1",
        ),
        hypotheses=(*CONVEX, R_ZERO, COMPARATOR_OPTIMAL, REFERENCE_STEP, EXACT_STEP),
        beyond_proof=("r_convex",),  # r = 0 is convex
        slop=_ROUNDING,
    ),
    Bound(
        name="ind_rate",
        number="B3",
        variant="gradient",
        title="Exact in-distribution rate of the last gradient, r = 0",
        level="run",
        lhs=Q.grad2[K],
        rhs=L**2 * R**2 / (h * K + 1) ** 2,
        kind="tight",
        source=Source(
            "literature",
            "the exact worst case of the last gradient, conjectured by Taylor, Hendrickx and Glineur; the comparator "
            "must be a minimiser; the potential is that of Taylor and Bach at h = 1 without its term at x_0, the proof "
            "for other steps our own; Wang, Ma, Yang and Zhou prove it for relaxed proximal point steps",
            "Taylor, Hendrickx, Glineur, Math. Program. 161 (2017), Conjecture 3; Taylor, Bach, COLT 2019, Theorem 3; "
            "Wang, Ma, Yang, Zhou, arXiv 2410.08890, Theorem 3.1",
        ),
        hypotheses=(F_SMOOTH, F_CONVEX, R_ZERO, COMPARATOR_OPTIMAL, REFERENCE_STEP_ROOT_2, EXACT_STEP),
        vacuous=Q.grad2[0],
        # a deviation changes the potential by 2 L^2 <x_k - z, e> and 2k(hk+1) L ||e|| times the two gradients
        slop=2 * L * sp.Sum(Q.enorm[k] * (L * Q.dist[k] + k * (h * k + 1) * _GRADIENTS), STEPS) / (h * K + 1) ** 2,
    ),
    Bound(
        name="ind_rate",
        number="B3",
        variant="gradient_by_objective",
        title="Exact in-distribution rate of the last gradient by the objective, r = 0",
        level="run",
        lhs=Q.grad2[K],
        rhs=2 * L * (Q.F[0] - Q.F_low) / (2 * h * K + 1),
        kind="tight",
        source=Source(
            "literature",
            "the exact worst case of the last gradient from a bounded objective; the proof is our own",
            "Rotaru, Glineur, Patrinos, arXiv 2406.17506; Kim, arXiv 2412.04427, Theorem 1.5",
        ),
        hypotheses=(F_SMOOTH, F_CONVEX, R_ZERO, REFERENCE_STEP_LONGER, EXACT_STEP),
        vacuous=Q.grad2[0],
        slop=4 * L * sp.Sum(k * Q.enorm[k] * _GRADIENTS, STEPS) / (2 * h * K + 1),
    ),
    Bound(
        name="a_priori",
        number="B7",
        title="A-priori rate from the sizes of the deviations",
        level="run",
        lhs=MEAN,
        rhs=L / (2 * h * K) * (R + 2 * _A) ** 2 + L / h * Q.tau * _A,
        kind="upper",
        source=Source(
            "literature",
            "rate of inexact proximal gradient; the term in tau, derived, makes it hold for any comparator",
            "Schmidt, Le Roux, Bach, NIPS 2011, Proposition 1",
        ),
        hypotheses=(*CONVEX, REFERENCE_STEP),
    ),
    Bound(
        name="a_priori",
        number="B7",
        variant="sharp",
        title="Sharper a-priori rate",
        level="run",
        lhs=MEAN,
        rhs=L * R**2 / (2 * h * (K + 1))
        + L / (h * K) * (R * _A + (_A**2 + sp.Sum(Q.e2[k], STEPS)) / 2 + Q.tau * sp.Sum(k * Q.enorm[k], STEPS)),
        kind="upper",
        source=Source("derived", "B6b and ||x_k - z|| <= R + sum_{i<=k} ||e_i|| + k tau"),
        hypotheses=(*CONVEX, REFERENCE_STEP),
    ),
)
"""B3 and B7."""
