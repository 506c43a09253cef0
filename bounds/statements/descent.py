r"""Per-step descent: B1 and B2.

B1. f L-smooth (convex or not), r convex. The descent lemma at x_{k-1} and the subgradient inequality of r at
x_k give F(x_k) - F(x_{k-1}) <= -<G, D> + (L/2)||D||^2; put D = (h/L) G + e(h) and expand:

    F(x_k) - F(x_{k-1}) <= -h(2-h)||G||^2/(2L) - (1-h)<G, e(h)> + (L/2)||e(h)||^2.

The right-hand side is the same number for every h, and attained: by f(y) = f(x) + <g, y-x> + (L/2)||y-x||^2
with r affine on the segment from x_{k-1} to x_k.

B2. With L||e(h)|| <= sigma||G|| and h <= 1 the worst direction of e(h) is against G, which gives the decrease
(h - sigma)(2 - h + sigma)||G||^2/(2L): the same share of ||G||^2 on every instance ("homogeneous").
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import (
    BIAS_FREE,
    DEVIATION_BELOW_STEP,
    F_SMOOTH,
    PRECONDITIONER_IN_RANGE,
    R_CONVEX,
    REFERENCE_STEP,
)
from ..vocabulary import Q, k

DECREASE = Q.F[k] - Q.F[k - 1]
HALF = sp.Rational(1, 2)
PER_STEP = -Q.h * (2 - Q.h) * Q.G2[k] / (2 * Q.L) - (1 - Q.h) * Q.Ge[k] + HALF * Q.L * Q.e2[k]
"""Right-hand side of B1."""

ENTRIES = (
    Bound(
        name="per_step_descent",
        number="B1",
        title="Per-step descent",
        level="step",
        lhs=DECREASE,
        rhs=PER_STEP,
        kind="tight",
        source=Source("derived", "descent lemma at x_{k-1}, subgradient inequality of r at x_k, D = (h/L) G + e(h)"),
        hypotheses=(F_SMOOTH, R_CONVEX),
    ),
    Bound(
        name="homogeneous_descent",
        number="B2",
        title="Homogeneous descent: a sufficient condition for robustness",
        level="step",
        lhs=DECREASE,
        rhs=-(Q.h - Q.sigma[k]) * (2 - Q.h + Q.sigma[k]) * Q.G2[k] / (2 * Q.L),
        kind="tight",
        source=Source(
            "paper",
            "sufficient condition for a robust model in distribution, in terms of the deviation; "
            "derived from B1 with e(h) against G",
            "arXiv 2506.14263",
        ),
        hypotheses=(F_SMOOTH, R_CONVEX, REFERENCE_STEP, DEVIATION_BELOW_STEP),
        beyond_proof=("deviation_below_step",),  # it holds for every sigma; below the step it is a decrease
        slop=Q.sigma_slack[k],
    ),
    Bound(
        name="homogeneous_descent",
        number="B2",
        variant="diagonal",
        level="step",
        title="Descent of a diagonally preconditioned step",
        lhs=DECREASE,
        rhs=-Q.pG2[k],
        kind="tight",
        source=Source(
            "paper",
            "sufficient condition for a robust model in distribution, 0 < p <= 2/L and b = 0; "
            "derived as B1 with D = p G",
            "arXiv 2506.14263",
        ),
        hypotheses=(F_SMOOTH, R_CONVEX, BIAS_FREE, PRECONDITIONER_IN_RANGE),
        beyond_proof=("preconditioner_in_range",),  # it holds for every p; in the range it is a decrease
        # with D = p G + b the same expansion leaves -<G, b> + L <D, b> - (L/2)||b||^2
        slop=Q.bnorm[k] * (sp.sqrt(Q.G2[k]) + Q.L * sp.sqrt(Q.D2[k])),
    ),
)
"""B1 and B2."""
