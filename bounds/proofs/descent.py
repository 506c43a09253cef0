"""Proofs of the bounds on one step: B1, B2, B5 and B13."""

from __future__ import annotations

from typing import Any

import sympy as sp

from ..hypotheses import BIAS_FREE
from ..statements.features import VIRTUAL
from ._claims import UNIT_STEP, Argument, Claim, Earlier, Part, Range, Term, term, use
from ._facts import DEFINITIONS, DELTA1, DELTA2
from ._goal import Goal, translate
from ._symbols import BEFORE, DEVIATION, NOW, G, L, h, size

GNORM, ENORM = size("Gnorm", "k"), size("enorm", "k")
ONE_STEP = (term(1, use("descent_lemma", BEFORE, NOW)), term(1, use("subgradient", BEFORE, NOW)))
"""F(x_{k-1}) - F(x_k) - <G_k, D_k> + (L/2)||D_k||^2 >= 0."""


def relative_deviation(sigma: sp.Expr, norm: sp.Expr = ENORM) -> list[Term]:
    """Terms that add up to the right-hand side of B2 in ||G_k||, less that of B1: the worst e_k is against G_k."""
    small = use("hypothesis", sigma * GNORM / L - norm, label="L ||e_k|| <= sigma ||G_k||, what sigma means")
    return [
        term(1 - h, use("cauchy_schwarz", GNORM, norm, -G, DEVIATION)),
        term((1 - h) * GNORM, small),
        term(L / 2 * (sigma * GNORM / L + norm), small),
        term(-h * (2 - h) / (2 * L), use("norm", GNORM, G)),
        term(L / 2, use("norm", norm, DEVIATION)),
    ]


def at_once(goal: Goal, *terms: Term, ranges: tuple[Range, ...] = (), **more: Any) -> Argument:
    """The argument of a bound that is one sum of terms."""
    return Argument((Claim("bound", "the bound", goal.expression, (Part(terms, ranges),)),), goal.sums, **more)


def per_step(goal: Goal) -> Argument:
    """B1, and B5 as measured."""
    return at_once(goal, *ONE_STEP)


def homogeneous(goal: Goal) -> Argument:
    """B2."""
    sigma = size("sigma", "k")
    share = (h - sigma) * (2 - h + sigma)
    swap = term(share / (2 * L), use("norm", GNORM, G))
    return at_once(goal, *ONE_STEP, *relative_deviation(sigma), swap, ranges=(UNIT_STEP,))


def diagonal(goal: Goal) -> Argument:
    """B2 of a diagonal step."""
    remark = "b = 0: D = p G, so sum_i p_i (1 - L p_i/2) G_i^2 = <G, D> - (L/2)||D||^2"
    return at_once(goal, *ONE_STEP, remarks=(remark,), needs=(BIAS_FREE,))


def magnitude(goal: Goal) -> Argument:
    """B5 by the magnitude of the feature shift."""
    bound = virtual_norm()
    small = use("hypothesis", bound - ENORM, label="||e'_k|| is at most the virtual decomposition (B4)")
    terms = (
        *ONE_STEP,
        term(1 - h, use("cauchy_schwarz", GNORM, ENORM, -G, DEVIATION)),
        term((1 - h) * GNORM, small),
        term(L / 2 * (bound + ENORM), small),
        term(L / 2, use("norm", ENORM, DEVIATION)),
    )
    return at_once(goal, *terms, ranges=(UNIT_STEP,))


def virtual_norm() -> sp.Expr:
    """What B4 makes of ||e'_k||, in the symbols of proofs."""
    return translate(VIRTUAL)


def deviation_profile(goal: Goal) -> Argument:
    """B13: e = (delta1 G + delta2)/(2L), so L||e|| <= (||delta1||_inf ||G|| + ||delta2||)/2."""
    largest, second, product = (size(name, "k") for name in ("delta1", "delta2", "product"))
    u, w, unit, deviation = DELTA1, DELTA2, size("unit", "k"), DEVIATION.subs(h, 1)
    p, b, g = sp.symbols("p_i b_i G_i", real=True)
    identity = Claim(
        "identity",
        "entry by entry, delta1 G + delta2 = 2L (D - G/L) with D = p G + b",
        (2 * L * p - 1) * g + (2 * L * b - g) - 2 * L * (p * g + b - g / L),
        (Part(()),),
        equality=True,
    )
    triangle = Claim(
        "triangle",
        "2L||e_k(1)|| <= ||delta1 G|| + ||delta2||",
        product + second - 2 * L * unit,
        (
            Part(
                (
                    term(2, use("cauchy_schwarz", product, second, u, w)),
                    term(1, use("norm", product, u)),
                    term(1, use("norm", second, w)),
                    term(-4 * L**2, use("norm", unit, deviation)),
                ),
                times=product + second + 2 * L * unit,
            ),
        ),
    )
    least = (largest * GNORM + second) / (2 * L)
    small = Claim(
        "deviation",
        "||e_k(1)|| <= (||delta1||_inf ||G_k|| + ||delta2||)/(2L)",
        least - unit,
        (
            Part(
                (
                    term(1 / (2 * L), Earlier("triangle")),
                    term(1 / (2 * L), use("entrywise_product", largest, GNORM, product)),
                )
            ),
        ),
    )
    end = (
        *ONE_STEP,
        term(L / 2 * (least + unit), Earlier("deviation")),
        term(L / 2, use("norm", unit, deviation)),
    )
    last = Claim("bound", "the bound", goal.expression, (Part(end),))
    legend = {
        "delta1vec_k, delta2vec_k": "delta1 G and delta2 as vectors",
        "unit_k": "||e_k(1)||",
        "product_k": "||delta1 G||",
        "p_i, b_i, G_i": "entries of p, b, G",
    }
    return Argument(
        (identity, triangle, small, last), definitions=(DEFINITIONS["profile"],), legend=legend, norms={unit: deviation}
    )


ARGUMENTS = {
    "per_step_descent": per_step,
    "homogeneous_descent": homogeneous,
    "homogeneous_descent:diagonal": diagonal,
    "ood_per_step": per_step,
    "ood_per_step:magnitude": magnitude,
    "assumption_sensitivity": deviation_profile,
}
"""Arguments by the name of their bound."""
