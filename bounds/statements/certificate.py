r"""Run certificates: lower bounds of F from the gradients of a run (B15).

For convex, L-smooth f, weights a_k >= 0 with sum a_k = 1 and s = sum a_k grad f(x_k), every z satisfies

    F(z) >= sum a_k [f(x_k) + <grad f(x_k), z - x_k>] + r(z) + (1/2L) (sum a_k ||grad f(x_k)||^2 - ||s||^2):

the average of f(z) >= f(x_k) + <grad f(x_k), z - x_k> + ||grad f(z) - grad f(x_k)||^2/(2L), in which the unknown
grad f(z) makes the right-hand side least at s. The least value over a set with a minimiser is a lower bound of F*.
Where r = 0 and z is a minimiser, grad f(z) = 0 is known and -||s||^2 is not needed; what is left of z is <s, z - x_0>,
at least -||s|| R.

Certificates of this kind are accuracy certificates (Nemirovski, Onn and Rothblum, Mathematics of Operations Research
35, 2010). For two points the inequality is the interpolation condition of smooth convex functions (Taylor, Hendrickx
and Glineur, Mathematical Programming 161, 2017).
"""

from __future__ import annotations

import sympy as sp

from ..bound import Bound, Source
from ..hypotheses import COMPARATOR_OPTIMAL, F_CONVEX, F_SMOOTH, R_ZERO, SHARES
from ..vocabulary import Q, k

STEPS = (k, 1, Q.K)
_SQUARES = sp.Sum(Q.share[k] * Q.grad2[k], STEPS)
_REFERENCE = "Nemirovski, Onn, Rothblum 2010"

ENTRIES = (
    Bound(
        name="run_certificate",
        number="B15",
        title="Lower bound of F from the gradients of a run",
        level="run",
        lhs=sp.Sum(Q.share[k] * Q.model[k], STEPS) + (_SQUARES - Q.mean_grad**2) / (2 * Q.L),
        rhs=Q.F_z,
        kind="tight",
        source=Source("derived", "smooth interpolation at z, averaged; an accuracy certificate", _REFERENCE),
        vacuous=sp.oo,
        hypotheses=(F_SMOOTH, F_CONVEX, SHARES),
    ),
    Bound(
        name="run_certificate",
        number="B15",
        variant="ball",
        title="Lower bound of the minimum from the gradients of a run, r = 0",
        level="run",
        lhs=sp.Sum(Q.share[k] * Q.model_0[k], STEPS) + _SQUARES / (2 * Q.L) - Q.R * Q.mean_grad,
        rhs=Q.F_z,
        kind="tight",
        source=Source("derived", "B15 with grad f(z) = 0, and <s, z - x_0> >= -||s|| R", _REFERENCE),
        vacuous=sp.oo,
        hypotheses=(F_SMOOTH, F_CONVEX, R_ZERO, COMPARATOR_OPTIMAL, SHARES),
    ),
)
"""B15."""
