r"""What features do: virtual decomposition (B4), asymptotics (B11), equivariance (B12), sensitivity (B13).

B4. Pair each step of a run with features z'_k with a virtual one with features z_k. With N1, N2 the heads (p = N1, b =
N2) the deviation is, exactly,

    e'_k(h) = [(N1(z_k) - h/L) G'_k + N2(z_k)] + (N1(z'_k) - N1(z_k)) G'_k + (N2(z'_k) - N2(z_k)),

so its norm is at most the sum of the three norms, and with Lipschitz constants C1, C2 of the heads on the segment of
features at most ||[.]|| + C1||Dz|| ||G'||_inf + C2||Dz||.

B11. D = p G + b says G + b/p = D/p. So where steps vanish while p stays away from 0, the generalised gradient tends to
-b/p: a run that converges stops at a minimiser only if b/p vanishes there. That it converges is measured.

B12. Under F(x + t), c F and F(x/a) the steps of a model whose heads transform along lead to the same run, seen from the
transformed problem. Which method does so is a table, in `bounds.equivariance` where it is kept and in the tests that
run it; here is the identity that each "yes" rests on.

B13. e = (delta1 G + delta2)/(2L) (Assumption 1, gradient_descent) and B1 at h = 1 give a descent that holds for every
deviation profile and says something where (||delta1||_inf + ||delta2||/||G||) < 2: the guaranteed region.
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import EQUIVARIANT_HEADS, F_SMOOTH, HEADS_LIPSCHITZ, PRECONDITIONER_POSITIVE, R_CONVEX
from ..vocabulary import Q, k
from .descent import DECREASE

L = Q.L
PAPER = "arXiv 2506.14263"
VIRTUAL = Q.bracket[k] + Q.C1[k] * Q.dz[k] * Q.G_inf[k] + Q.C2[k] * Q.dz[k]
"""What B4 makes of ||e'_k|| from the magnitude of the feature shift."""

ENTRIES = (
    Bound(
        name="virtual_decomposition",
        number="B4",
        title="Virtual decomposition of the deviation",
        level="step",
        lhs=Q.enorm[k],
        rhs=Q.bracket[k] + Q.pshift[k] + Q.bshift[k],
        kind="tight",
        prime=True,
        source=Source("paper", "virtual features and trajectories; derived as an identity", PAPER),
        hypotheses=(),
    ),
    Bound(
        name="virtual_decomposition",
        number="B4",
        variant="magnitude",
        title="Virtual decomposition, by the magnitude of the feature shift",
        level="step",
        lhs=Q.enorm[k],
        rhs=VIRTUAL,
        kind="tight",
        prime=True,
        source=Source("paper", "virtual features and trajectories; derived from the identity", PAPER),
        hypotheses=(HEADS_LIPSCHITZ,),
    ),
    Bound(
        name="asymptotics",
        number="B11",
        title="Where a run with a bias comes to rest",
        level="step",
        lhs=Q.Gb[k],
        rhs=L * sp.sqrt(Q.D2[k]) / Q.Lp_min[k],
        kind="tight",
        source=Source("derived", "G + b/p = D/p; that the run converges is measured, not proved"),
        hypotheses=(PRECONDITIONER_POSITIVE,),
    ),
    Bound(
        name="equivariance",
        number="B12",
        title="Equivariance",
        level="step",
        lhs=Q.defect[k],
        rhs=sp.Integer(0),
        kind="tight",
        source=Source("derived", "the step of the transformed problem is the transformed step"),
        hypotheses=(EQUIVARIANT_HEADS,),
        slop=Q.defect_floor[k],
    ),
    Bound(
        name="assumption_sensitivity",
        number="B13",
        title="Descent under a deviation from Assumption 1",
        level="step",
        lhs=DECREASE,
        rhs=-(Q.G2[k] - (Q.delta1[k] * sp.sqrt(Q.G2[k]) + Q.delta2[k]) ** 2 / 4) / (2 * L),
        kind="tight",
        source=Source("derived", "B1 at h = 1 and e = (delta1 G + delta2)/(2L); rates for a profile are measured"),
        hypotheses=(F_SMOOTH, R_CONVEX),
    ),
)
"""B4, B11, B12 and B13."""
