"""What the quantities of a bound mean to a proof: norms of vectors, inequalities and equalities, by name.

Together with `_rules.RULES` and `_claims.RANGES` these tables are all that is taken for granted. Each row says why it
holds and under which hypotheses; a new row is taken on trust by every reader.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from .._hypothesis import Hypothesis
from ..hypotheses import (
    ACCELERATED_GUARD,
    ACCELERATED_WEIGHTS,
    COMPARATOR_OPTIMAL,
    ENERGY_REGION,
    EQUIVARIANT_HEADS,
    EXACT_STEP,
    GUARD_WEIGHTS,
    HEADS_LIPSCHITZ,
    HISTORY_STABLE,
    MOMENTUM_REGION,
    PRECONDITIONER_POSITIVE,
    R_CONVEX,
    R_INDICATOR,
    R_ZERO,
    SHARES,
    WEIGHTS,
)
from ..statements.features import VIRTUAL
from ..vocabulary import Q
from ._claims import ZERO, Definition
from ._goal import ENERGY_A, translate
from ._symbols import (
    AHEAD,
    BEFORE,
    DEVIATION,
    EXTRAPOLATED,
    FIRST,
    FORWARD,
    GUARD,
    INFIMUM,
    NOW,
    STEP,
    G,
    L,
    Point,
    Z,
    h,
    size,
    symbol,
)

T = Point("t")
"""T(z), the proximal-gradient step h/L from z, and the subgradient of r there that it makes."""
BRACKET, PSHIFT, BSHIFT, DELTA1, DELTA2, DEFECT = (
    symbol(f"{name}vec", "k") for name in ("bracket", "pshift", "bshift", "delta1", "delta2", "defect")
)
"""Vectors whose norms are quantities."""


@dataclass(frozen=True)
class Size:
    """``symbol = ||vector||``."""

    symbol: sp.Symbol
    vector: sp.Expr
    says: str
    hypotheses: tuple[Hypothesis, ...] = ()


@dataclass(frozen=True)
class Product:
    """``largest * norm >= product``, norms of diag(a) v and v and the largest |a_i|."""

    largest: sp.Expr
    norm: sp.Symbol
    product: sp.Symbol
    says: str
    hypotheses: tuple[Hypothesis, ...] = ()


@dataclass(frozen=True)
class Fact:
    """``expression >= 0``."""

    expression: sp.Expr
    says: str
    hypotheses: tuple[Hypothesis, ...] = ()


def _size(name: str, vector: sp.Expr, says: str) -> Size:
    return Size(size(name, "k"), vector, says)


SIZES: dict[str, Size] = {
    "Gnorm": _size("Gnorm", G, "the root of G2"),
    "Dnorm": _size("Dnorm", STEP, "the root of D2"),
    "enorm": _size("enorm", DEVIATION, "the quantity enorm, the root of e2"),
    **{
        f"dist at {index}": Size(size("dist", index), symbol("x", index) - Z.x, "the quantity dist; R at 0")
        for index in "kj0K"
    },
    "stationarity": _size("stationarity", NOW.g + NOW.s, "the quantity stationarity"),
    "bracket": _size("bracket", BRACKET, "the quantity bracket"),
    "pshift": _size("pshift", PSHIFT, "the quantity pshift"),
    "bshift": _size("bshift", BSHIFT, "the quantity bshift"),
    "delta1 G": _size("product", DELTA1, "the norm of delta1 G, delta1 = 2 L p - 1"),
    "delta2": _size("delta2", DELTA2, "the quantity delta2"),
    "defect": _size("defect", DEFECT, "the quantity defect"),
    "mean of gradients": Size(
        Q.mean_grad, symbol("u", "K"), "u_K is the sum of a_k grad f(x_k) (or mean_grad is free)"
    ),
    "accelerated deviation": Size(
        size("accel_enorm", "k"), symbol("accerrvec", "k"), "the quantity accel_enorm", (ACCELERATED_WEIGHTS,)
    ),
    **{
        f"accelerated dist at {index}": Size(
            size("accel_dist", index),
            symbol("accelvec", index) - Z.x,
            "the quantity accel_dist",
            (ACCELERATED_WEIGHTS,),
        )
        for index in "kK"
    },
    "tau": Size(Q.tau, T.x - Z.x, "the quantity tau", (R_CONVEX,)),
    "tau, r = 0": Size(Q.tau, h / L * Z.g, "with r = 0, T(z) = z - (h/L) grad f(z)", (R_ZERO,)),
}
"""Symbols of numbers that are norms, and of which vectors."""
PRODUCTS: dict[str, Product] = {
    "delta1 G": Product(
        size("delta1", "k"), size("Gnorm", "k"), size("product", "k"), "delta1 is the largest |2 L p_i - 1|"
    ),
    "G + b/p": Product(
        L / size("Lp_min", "k"),
        size("Dnorm", "k"),
        size("Gb", "k"),
        "G + b/p = D/p entry by entry, and the largest 1/p_i is L/Lp_min",
        (PRECONDITIONER_POSITIVE,),
    ),
}
"""Norms of entrywise products: the largest factor, the norm of the other one, the norm of the product."""
_VIRTUAL = translate(VIRTUAL)
_C1, _C2, _DZ, _G_INF = (size(name, "k") for name in ("C1", "C2", "dz", "G_inf"))
_SMALL, _DETERMINANT = size("enorm", "k"), Q.history_b + (1 - Q.history_b) * Q.history_q - Q.history_b * Q.history_r
_UNIT = DEVIATION.subs(h, 1)
_MOVE, _MOMENTUM, _MADE = GUARD.x - AHEAD.x, size("guard_momentum", "k"), size("guarded", "k")
_A, _N, _U = (lambda i: size("guard_weight", i)), (lambda i: size("guard_count", i)), (lambda i: symbol("guardvec", i))
_ABOVE = AHEAD.f + AHEAD.g * _MOVE + L / 2 * _MOVE**2 + GUARD.r
_R, _QH, _B = (symbol(name, "k") for name in ("rhead", "qhead", "bhead"))
_V = symbol("memoryvec", "j")
ROOT = symbol("rootw", "k")
"""1/sqrt(p) of an entry."""
FORM_1 = 1 / _R - sp.Rational(1, 2) - ENERGY_A / 2 * (1 - _B) ** 2
FORM_2 = ENERGY_A / 2 * (1 - _B**2)
FORM_3 = (_QH / _R + ENERGY_A * _B * (1 - _B)) / 2
"""The form c_1 D^2 - 2 c_3 D v + c_2 v^2 of an entry."""
_P, PULL = symbol("phead", "k"), symbol("pull", "k")
_W = symbol("stepvec", "j")
SHORTER = 1 / _P - 1
"""s of an entry."""
FACTS: dict[str, Fact] = {
    "guard, best": Fact(BEFORE.F - NOW.F, "x_k is no worse than x_{k-1}", (ACCELERATED_GUARD,)),
    "guard, prox": Fact(
        _MADE * (_ABOVE - NOW.F),
        "in a step of the guard F(x_k) is at most what the descent lemma says of its point",
        (ACCELERATED_GUARD,),
    ),
    "energy region": Fact(FORM_1 * FORM_2 - FORM_3**2, "the form of each entry is >= 0", (ENERGY_REGION,)),
    "momentum region": Fact(
        (1 - PULL**2) / 2 - SHORTER * PULL**2 / 4, "2 (1 - A^2) >= (1/p - 1) A^2 in each entry", (MOMENTUM_REGION,)
    ),
    "Delta at k-1": Fact(Q.Delta - size("dist", "j"), "Delta is the largest distance of x_0..x_{K-1} from z"),
    "Delta at 0": Fact(Q.Delta - size("dist", "0"), "Delta is the largest distance of x_0..x_{K-1} from z"),
    "sigma_k": Fact(size("sigma", "k") * size("Gnorm", "k") / L - _SMALL, "sigma_k is L||e_k||/||G_k||"),
    "sigma": Fact(Q.sigma_max * size("Gnorm", "k") / L - _SMALL, "sigma is the largest sigma_k"),
    "virtual": Fact(_VIRTUAL - _SMALL, "B4 by the magnitude of the feature shift", (HEADS_LIPSCHITZ,)),
    "preconditioner head": Fact(
        _C1 * _DZ * _G_INF - size("pshift", "k"),
        "||diag(dp) G|| <= ||dp|| max|G_i|, ||dp|| <= C1||Dz||",
        (HEADS_LIPSCHITZ,),
    ),
    "bias head": Fact(_C2 * _DZ - size("bshift", "k"), "||db|| <= C2||Dz||", (HEADS_LIPSCHITZ,)),
    "best iterate": Fact(NOW.F - Q.F_best, "F_best is the least F(x_k), 1 <= k <= K"),
    "lower bound": Fact(Point("K").F - Q.F_low, "F_low is a lower bound of F"),
    "infimum at z": Fact(Z.F - INFIMUM, "inf f <= f(z) = F(z), r = 0", (R_ZERO,)),
    "lower bound of f": Fact(INFIMUM - Q.F_low, "F_low <= inf F = inf f, r = 0", (R_ZERO,)),
    "determinant": Fact(1 - _DETERMINANT, "the determinant is the product of the two eigenvalues", (HISTORY_STABLE,)),
}
"""Inequalities that hold by what quantities mean."""
_a_k, _U_k = size("accel_momentum", "k"), (lambda i: symbol("accelvec", i))
_a = size("weight", "k") / (2 * size("weight", "k") - size("pot", "k"))
DEFINITIONS: dict[str, Definition] = {
    "guard, auxiliary": Definition(
        _U("k"), _U("j") + _MOMENTUM * _MOVE, "u_k = u_{k-1} + a_k (w - y)", (ACCELERATED_GUARD, GUARD_WEIGHTS)
    ),
    "guard, point": Definition(
        GUARD.x, AHEAD.x - (AHEAD.g + GUARD.s) / L, "w = prox_{r/L}(y - grad f(y)/L)", (ACCELERATED_GUARD, R_CONVEX)
    ),
    "guard, ahead": Definition(
        AHEAD.x,
        BEFORE.x + _MOMENTUM / _A("k") * (_U("j") - BEFORE.x),
        "y = x_{k-1} + (a_k/A_k)(u_{k-1} - x_{k-1})",
        (ACCELERATED_GUARD, GUARD_WEIGHTS),
    ),
    "guard, start": Definition(_U("0"), FIRST.x, "u_0 = x_0", (ACCELERATED_GUARD,)),
    "guard, weight": Definition(_A("j"), _A("k") - _MOMENTUM, "A_k - a_k = A_{k-1}", (GUARD_WEIGHTS,)),
    "guard, no weight": Definition(_A("0"), ZERO, "A_0 = 0", (GUARD_WEIGHTS,)),
    "guard, count": Definition(_N("j"), _N("k") - _MADE, "the guard made N_k - N_{k-1} steps", (GUARD_WEIGHTS,)),
    "guard, no count": Definition(_N("0"), ZERO, "N_0 = 0", (GUARD_WEIGHTS,)),
    "accelerated, auxiliary": Definition(
        _U_k("k"), BEFORE.x + _a_k * (NOW.x - BEFORE.x), "u_k = x_{k-1} + a_k (x_k - x_{k-1})", (ACCELERATED_WEIGHTS,)
    ),
    "accelerated, start": Definition(_U_k("0"), FIRST.x, "u_0 = x_0", (ACCELERATED_WEIGHTS,)),
    "accelerated, deviation": Definition(
        EXTRAPOLATED.g,
        L * (EXTRAPOLATED.x - NOW.x - symbol("accerrvec", "k")) - NOW.s,
        "the deviation is y_k - x_k - (grad f(y_k) + g_k)/L",
        (ACCELERATED_WEIGHTS,),
    ),
    "accelerated, ahead": Definition(
        EXTRAPOLATED.x,
        BEFORE.x + (_U_k("j") - BEFORE.x) / _a_k,
        "y_k = x_{k-1} + (u_{k-1} - x_{k-1})/a_k",
        (ACCELERATED_WEIGHTS,),
    ),
    "accelerated, weight": Definition(size("accel_weight", "k"), _a_k**2, "A_k = a_k^2", (ACCELERATED_WEIGHTS,)),
    "accelerated, weight before": Definition(
        size("accel_weight", "j"), _a_k**2 - _a_k, "A_{k-1} = A_k - a_k", (ACCELERATED_WEIGHTS,)
    ),
    "accelerated, no weight": Definition(size("accel_weight", "0"), ZERO, "A_0 = 0", (ACCELERATED_WEIGHTS,)),
    "energy, memory": Definition(
        symbol("memoryvec", "k"), (1 - _B) * STEP + _B * _V, "entry by entry, v_k = (1-b) D + b v", (ENERGY_REGION,)
    ),
    "energy, step": Definition(
        NOW.s, L / _R * (STEP - _QH * _V) - BEFORE.g, "entry by entry, D = (r/L) G + q v", (ENERGY_REGION,)
    ),
    "momentum, step": Definition(symbol("stepvec", "k"), STEP, "D_k = x_{k-1} - x_k", (MOMENTUM_REGION,)),
    "momentum, ahead": Definition(
        FORWARD.x, BEFORE.x - PULL * _W, "entry by entry, y = x_{k-1} + A (x_{k-1} - x_{k-2})", (MOMENTUM_REGION,)
    ),
    "momentum, prox": Definition(
        NOW.s,
        L / _P * (FORWARD.x - NOW.x) - FORWARD.g,
        "entry by entry, x_k = prox_{p r/L}(y - (p/L) grad f(y))",
        (MOMENTUM_REGION,),
    ),
    "metric, before": Definition(
        symbol("beforevec", "k"),
        ROOT * (BEFORE.x - Z.x),
        "entry by entry, (x_{k-1} - z)/sqrt(p)",
        (PRECONDITIONER_POSITIVE,),
    ),
    "metric, after": Definition(
        symbol("aftervec", "k"), ROOT * (NOW.x - Z.x), "entry by entry, (x_k - z)/sqrt(p)", (PRECONDITIONER_POSITIVE,)
    ),
    "metric, bias": Definition(
        symbol("ratiovec", "k"), ROOT**2 * STEP - G, "entry by entry, b/p = D/p - G", (PRECONDITIONER_POSITIVE,)
    ),
    "exact step": Definition(
        NOW.s, L / h * (BEFORE.x - NOW.x) - BEFORE.g, "e_k(h) = 0: D_k = (h/L) G_k", (EXACT_STEP,)
    ),
    "exact step, r = 0": Definition(NOW.x, BEFORE.x - h / L * BEFORE.g, "e_k(h) = 0, r = 0", (EXACT_STEP, R_ZERO)),
    "minimiser, r = 0": Definition(Z.g, ZERO, "z is a minimiser, r = 0", (COMPARATOR_OPTIMAL, R_ZERO)),
    **{
        f"r = 0: {base}_{index}": Definition(symbol(base, index), ZERO, "r = 0", (R_ZERO,))
        for base in "rs"
        for index in "kj0Kz"
    },
    **{
        f"indicator: r_{index}": Definition(symbol("r", index), ZERO, "r = 0 on its set", (R_INDICATOR,))
        for index in "kz"
    },
    "T(z)": Definition(
        T.x, Z.x - h / L * (Z.g + T.s), "x_t = T(z), the proximal-gradient step h/L from z", (R_CONVEX,)
    ),
    "potential": Definition(size("pot", "j"), size("weight", "k") * _a, "v_{k-1} = W_k^2/(2 W_k - v_k)", (WEIGHTS,)),
    "last potential": Definition(size("pot", "K"), ZERO, "v_K = 0", (WEIGHTS,)),
    "weight left": Definition(
        size("left", "j"), size("left", "k") + size("share", "k"), "A_{k-1} = A_k + a_k", (SHARES,)
    ),
    "all weight": Definition(size("left", "0"), sp.Integer(1), "A_0 = 1", (SHARES,)),
    "no weight": Definition(size("left", "K"), ZERO, "A_K = 0", (SHARES,)),
    "decomposition": Definition(BSHIFT, DEVIATION - BRACKET - PSHIFT, "entry by entry, the three add up to e_k (B4)"),
    "profile": Definition(
        DELTA2, 2 * L * _UNIT - DELTA1, "entry by entry, delta1 G + delta2 = 2L (D - G/L) with D = p G + b (B13)"
    ),
    "mapped back": Definition(
        DEFECT, ZERO, "each step transforms along (B12), so the runs do, from 0 to k", (EQUIVARIANT_HEADS,)
    ),
}
"""Equalities that hold by what quantities mean; a proof puts them in wherever the symbol occurs."""
