r"""Optimizers with a guarantee whatever their network does: B16, B17 and B18.

B16. A guard of accelerated steps is beside a run (`l2o.guaranteed`, mode "fista"). In step k, with a_k^2 = A_k =
A_{k-1} + a_k, A_0 = 0 and u_0 = x_0,

    y = x_{k-1} + (a_k/A_k)(u_{k-1} - x_{k-1}),    w = prox_{r/L}(y - grad f(y)/L),    u_k = u_{k-1} + a_k (w - y),

or the guard does nothing, a_k = 0. Of x_k only this is used: F(x_k) <= F(x_{k-1}), and in a step of the guard
F(x_k) <= f(y) + <grad f(y), w - y> + (L/2)||w - y||^2 + r(w). The prox-gradient inequality from y to w, at x_{k-1} with
the weight A_{k-1} and at z with the weight a_k, gives, since A_k y = A_{k-1} x_{k-1} + a_k u_{k-1},

    A_k (F(x_k) - F(z)) + (L/2)||u_k - z||^2 <= A_{k-1} (F(x_{k-1}) - F(z)) + (L/2)||u_{k-1} - z||^2,

so F(x_K) - F(z) <= L R^2/(2 A_K). With t_j = a_k of the guard's j-th step: t_{j+1}^2 - t_{j+1} = t_j^2, hence
t_j >= (j+1)/2, and after N of them F(x_K) - F(z) <= 2 L R^2/(N+1)^2.

B17. The deviations of a run have sizes of at most E together. B7 then holds with E in place of their sum.

B18. Entry by entry D = (r/L) G + q v and v_k = (1-b) D + b v_{k-1}. With E_k = F(x_k) + (a L/2)||v_k||^2 the descent
lemma and the subgradient inequality leave E_k - E_{k-1} <= -L sum_i [c_1 D^2 - 2 c_3 D v + c_2 v^2]_i, where

    c_1 = 1/r - 1/2 - (a/2)(1-b)^2,    c_2 = (a/2)(1 - b^2),    c_3 = (q/r + a b (1-b))/2,

a sum of forms that are >= 0 where c_1 > 0 and c_1 c_2 >= c_3^2. f need not be convex.

In the form "momentum" the gradient is taken ahead of the iterate: entry by entry y = x_{k-1} + A (x_{k-1} - x_{k-2})
and x_k = prox_{p r/L}(y - (p/L) grad f(y)). With D = x_{k-1} - x_k, w = x_{k-2} - x_{k-1}, s = 1/p - 1 and E_k =
F(x_k) + (L/2)||D||^2 the descent lemma from y, convexity between y and x_{k-1}, and the subgradient inequality leave

    E_k - E_{k-1} <= -L sum_i [s (D - A w/2)^2 + ((1 - A^2)/2 - s A^2/4) w^2]_i,

which is <= 0 where 0 < p <= 1 and (1 - A^2)/2 >= s A^2/4. FISTA is in this region, and f has to be convex.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import (
    ACCELERATED_GUARD,
    BUDGET,
    ENERGY_REGION,
    F_CONVEX,
    F_SMOOTH,
    GUARD_WEIGHTS,
    MOMENTUM_REGION,
    R_CONVEX,
    REFERENCE_STEP,
)
from ..vocabulary import Q, k

L, h, K, R = Q.L, Q.h, Q.K, Q.R
STEPS = (k, 1, K)
LAST = Q.F[K] - Q.F_z
CONVEX = (F_SMOOTH, F_CONVEX, R_CONVEX)
_E = Q.budget[0]
_ROUNDING = sp.Sum(Q.guard_floor[k], STEPS) / Q.guard_weight[K]
_GUARD = Source(
    "literature",
    "monotone FISTA, in which any point that is good enough may take the place of the iterate; the proof for a point "
    "from elsewhere, and with steps that the guard leaves out, is our own",
    "Beck, Teboulle, IEEE Trans. Image Process. 18 (2009), Theorem 5.1",
)

ENTRIES = (
    Bound(
        name="accelerated_guard",
        number="B16",
        title="The rate of FISTA under an accelerated guard",
        level="run",
        lhs=LAST,
        rhs=2 * L * R**2 / (Q.guard_count[K] + 1) ** 2,
        kind="upper",
        source=_GUARD,
        hypotheses=(*CONVEX, ACCELERATED_GUARD, GUARD_WEIGHTS),
        beyond_proof=("f_smooth",),  # without it there may be no x_k as good as the descent lemma says
        slop=_ROUNDING,
    ),
    Bound(
        name="accelerated_guard",
        number="B16",
        variant="weights",
        title="The rate under an accelerated guard, by its weights",
        level="run",
        lhs=LAST,
        rhs=L * R**2 / (2 * Q.guard_weight[K]),
        kind="upper",
        source=_GUARD,
        hypotheses=(*CONVEX, ACCELERATED_GUARD, GUARD_WEIGHTS),
        beyond_proof=("f_smooth",),
        slop=_ROUNDING,
    ),
    Bound(
        name="budgeted_deviations",
        number="B17",
        title="A-priori rate under a budget of deviations",
        level="run",
        lhs=sp.Sum(Q.F[k], STEPS) / K - Q.F_z,
        rhs=L * R**2 / (2 * h * (K + 1)) + L / (h * K) * (R * _E + _E**2) + L / h * Q.tau * _E,
        kind="upper",
        source=Source(
            "derived",
            "B7 with a budget in place of the sum of the deviations",
            "Schmidt, Le Roux, Bach, NIPS 2011, Proposition 1",
        ),
        hypotheses=(*CONVEX, REFERENCE_STEP, BUDGET),
        # charges may miss sizes by rounding, which adds up to a larger budget
        slop=L / h * (R + 2 * _E + Q.tau * K + sp.Sum(Q.x_floor[k], STEPS)) * sp.Sum(2 * Q.x_floor[k], STEPS) / K,
    ),
    Bound(
        name="energy_descent",
        number="B18",
        title="Descent of an energy",
        level="step",
        lhs=Q.F[k] + Q.energy[k],
        rhs=Q.F[k - 1] + Q.energy[k - 1],
        kind="upper",
        source=Source("derived", "descent lemma, subgradient inequality, and a form in (D_i, v_i) that is >= 0"),
        hypotheses=(F_SMOOTH, R_CONVEX, ENERGY_REGION),
        # the prox is exact to rounding, which moves x_k and with it G and v
        slop=Q.x_floor[k] * (sp.sqrt(Q.G2[k]) + L * sp.sqrt(Q.D2[k]) + 8 * sp.sqrt(L * Q.energy[k])),
        vacuous=sp.oo,
    ),
    Bound(
        name="energy_descent",
        number="B18",
        variant="momentum",
        title="Descent of an energy of steps with momentum",
        level="step",
        lhs=Q.F[k] + Q.motion[k],
        rhs=Q.F[k - 1] + Q.motion[k - 1],
        kind="tight",
        source=Source(
            "derived",
            "descent lemma and convexity from the point ahead, subgradient inequality, and two squares an entry",
        ),
        hypotheses=(*CONVEX, MOMENTUM_REGION),
        # the prox and the point ahead are exact to rounding, which moves x_k, and with it D
        slop=Q.x_floor[k] * (2 * sp.sqrt(Q.G2[k]) + 8 * sp.sqrt(L * Q.motion[k]) + 8 * sp.sqrt(L * Q.motion[k - 1])),
        vacuous=sp.oo,
    ),
)
"""B16, B17 and B18."""
