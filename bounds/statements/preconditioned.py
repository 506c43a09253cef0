r"""Preconditioned proximal gradient as a method of its own (B20).

A step with a diagonal preconditioner p_k > 0, x_k = x_{k-1} - p_k G_k - b_k, minimises r(x) + <grad f(x_{k-1}), x> +
||x - x_{k-1}||^2/2 in the metric P_k^-1, sum_i v_i^2/p_{k,i}, up to the bias b_k. B1 to B9 take its distance from the
step G_k/L for a deviation. Where p_k <= 1/L in every entry, nothing is one but the bias: as 1/p_{k,i} >= L, the descent
lemma, convexity at z, the subgradient inequality and the three-point identity in the metric give

    F(x_k) - F(z) <= (||x_{k-1} - z||^2 - ||x_k - z||^2)/2 - <b_k, x_k - z>, all in the metric P_k^-1.

Over K steps the metrics change. Weights with omega_k P_k^-1 <= omega_{k-1} P_{k-1}^-1, omega_0 = 1, make the sum
telescope. A fixed metric has omega = 1: without a bias the mean is at most ||x_0 - z||^2/(2K) in it. If P_k^-1 <= (1 +
eta_k) P_{k-1}^-1, omega_k = 1/prod (1 + eta_i), and the rate is that times prod (1 + eta_i).

For any p > 0 the step has (L/2)||D_k||^2 less ||D_k||^2/2 in the metric on the right as well. Then its right-hand
side is the same number in every metric, that of B6.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import (
    F_CONVEX,
    F_SMOOTH,
    METRIC_WEIGHTS,
    PRECONDITIONER_POSITIVE,
    PRECONDITIONER_SHORT,
    R_CONVEX,
)
from ..vocabulary import Q, k

STEPS = (k, 1, Q.K)

ENTRIES = (
    Bound(
        name="variable_metric",
        number="B20",
        title="Rate in the metrics of the preconditioners",
        level="run",
        lhs=sp.Sum(Q.metric_weight[k] * (Q.F[k] - Q.F_z), STEPS),
        rhs=Q.metric_weight[0] * Q.metric_dist2[0] / 2
        - Q.metric_weight[Q.K] * Q.metric_dist2[Q.K] / 2
        - sp.Sum(Q.metric_weight[k] * Q.metric_bias[k], STEPS),
        kind="tight",
        source=Source(
            "derived",
            "the three-point identity in the metric of each step, with weights under which the metrics shrink",
            "Chouzenoux, Pesquet, Repetti, J. Optim. Theory Appl. 162 (2014), for the method",
        ),
        hypotheses=(F_SMOOTH, F_CONVEX, R_CONVEX, PRECONDITIONER_POSITIVE, PRECONDITIONER_SHORT, METRIC_WEIGHTS),
        vacuous=sp.Sum(Q.metric_weight[k], STEPS) * (Q.F[0] - Q.F_z),
        # where L p_i is above 1 by rounding, a step leaves at most (L p_i - 1) (L/2)||D||^2
        slop=sp.Sum(Q.metric_weight[k] * Q.L / 2 * sp.Max(0, Q.Lp_max[k] - 1) * Q.D2[k], STEPS),
    ),
)
"""B20."""
