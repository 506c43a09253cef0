"""Proofs of B20: steps in the metric of their preconditioner."""

from __future__ import annotations

import sympy as sp

from ..vocabulary import Q, k
from ._claims import COUNT, INDEX, SHORT_PRECONDITIONER, Argument, Claim, Earlier, Part, term, use
from ._facts import DEFINITIONS, ROOT
from ._goal import FORMULAS, Goal, named, translate
from ._symbols import BEFORE, NOW, STEP, L, Z, size, symbol

K = Q.K
AFTER = symbol("aftervec", "k") ** 2
DEFINED = tuple(one for name, one in DEFINITIONS.items() if name.startswith("metric, "))
LEGEND = {
    "rootw_k": "1/sqrt(p) of an entry; a square with it is the sum over the entries",
    "beforevec_k, aftervec_k": "(x_{k-1} - z)/sqrt(p_k) and (x_k - z)/sqrt(p_k), at 0 (x_0 - z)/sqrt(p_1)",
    "ratiovec_k": "b_k/p_k",
}


def rate(goal: Goal) -> Argument:
    """B20."""
    weight = size("metric_weight", "k")
    sums = dict(goal.sums)
    gaps, biases = (symbol(named(sums, weight * e), "k") for e in (NOW.F - Z.F, FORMULAS["metric_bias"]))
    shrinks = translate(Q.metric_weight[k - 1] * Q.metric_dist2[k - 1] - Q.metric_weight[k] * Q.metric_before[k])
    step = Claim(
        "step",
        "F(x_k) - F(z) in the metric of step k",
        FORMULAS["metric_before"] / 2 - AFTER / 2 - FORMULAS["metric_bias"] - NOW.F + Z.F,
        (
            Part(
                (
                    term(1, use("descent_lemma", BEFORE, NOW)),
                    term(1, use("convexity", Z, BEFORE)),
                    term(1, use("subgradient", Z, NOW)),
                    term((ROOT**2 - L) / 2, square=STEP),
                ),
                (SHORT_PRECONDITIONER,),
            ),
        ),
    )
    potential = Claim(
        "potential",
        "what the first k steps leave",
        size("metric_weight", "0") * symbol("aftervec", "0") ** 2 / 2 - weight * AFTER / 2 - biases - gaps,
        (
            Part((), (COUNT,), "at k = 0", index="0", position=0),
            Part(
                (
                    term(1, Earlier("potential", "j", k - 1)),
                    term(weight, Earlier("step")),
                    term(
                        sp.Rational(1, 2), use("hypothesis", shrinks, label="omega_k P_k^-1 <= omega_{k-1} P_{k-1}^-1")
                    ),
                ),
                (INDEX,),
                "from k-1 to k",
            ),
        ),
    )
    last = Claim("bound", "the bound", goal.expression, (Part((term(1, Earlier("potential", "K", K)),), (COUNT,)),))
    return Argument((step, potential, last), sums, DEFINED, LEGEND)


ARGUMENTS = {"variable_metric": rate}
"""Arguments by the name of their bound."""
