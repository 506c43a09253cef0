"""Proofs of what rests on identities: B4, B11, B12 and B14."""

from __future__ import annotations

import sympy as sp

from ..vocabulary import Q
from ._claims import MEMORY, POSITIVE_PRECONDITIONER, Argument, Claim, Earlier, Part, term, use
from ._facts import BRACKET, BSHIFT, DEFECT, DEFINITIONS, PSHIFT
from ._goal import Goal
from ._symbols import DEVIATION, L, h, size
from .descent import ENORM

N1, N2, M1, M2, GI, P, B, PMIN = sp.symbols("N1 N2 M1 M2 G_i p_i b_i p_min", real=True)
SIZES = tuple(size(name, "k") for name in ("bracket", "pshift", "bshift"))
_SPLIT = (DEFINITIONS["decomposition"],)
_IDENTITY = Claim(
    "identity",
    "entry by entry, the deviation is bracket + preconditioner shift + bias shift",
    (M1 * GI + M2 - h / L * GI) - ((N1 - h / L) * GI + N2) - (M1 - N1) * GI - (M2 - N2),
    (Part(()),),
    equality=True,
)
_LEGEND = {
    "N1, N2": "an entry of p and b at the virtual features",
    "M1, M2": "the same at the run's own features",
    "G_i": "an entry of G'_k",
    "bracketvec_k, pshiftvec_k, bshiftvec_k": "bracket and shifts as vectors; their sum is e'_k by the identity",
}


def _triangle(expression: sp.Expr) -> Claim:
    vectors = (BRACKET, PSHIFT, BSHIFT)
    pairs = ((0, 1), (0, 2), (1, 2))
    terms = [term(2, use("cauchy_schwarz", SIZES[i], SIZES[j], vectors[i], vectors[j])) for i, j in pairs]
    terms += [term(1, use("norm", norm, vector)) for norm, vector in zip(SIZES, vectors)]
    terms.append(term(-1, use("norm", ENORM, DEVIATION)))
    part = Part(tuple(terms), times=sum(SIZES) + ENORM)
    return Claim("triangle", "the triangle inequality", expression, (part,))


def decomposition(goal: Goal) -> Argument:
    """B4."""
    last = Claim("bound", "the bound", goal.expression, _triangle(goal.expression).parts)
    return Argument((_IDENTITY, last), definitions=_SPLIT, legend=_LEGEND)


def decomposition_magnitude(goal: Goal) -> Argument:
    """B4 by the magnitude of the feature shift."""
    c1, c2, dz, top = (size(name, "k") for name in ("C1", "C2", "dz", "G_inf"))
    first = use("hypothesis", c1 * dz * top - SIZES[1], label="||diag(dp) G|| <= ||dp|| ||G||_inf, dp = J1 Dz")
    second = use("hypothesis", c2 * dz - SIZES[2], label="||J2 Dz|| <= C2 ||Dz||")
    end = Part((term(1, Earlier("triangle")), term(1, first), term(1, second)))
    last = Claim("bound", "the bound", goal.expression, (end,))
    return Argument((_IDENTITY, _triangle(sum(SIZES) - ENORM), last), definitions=_SPLIT, legend=_LEGEND)


def rest(goal: Goal) -> Argument:
    """B11."""
    ratio = sp.Symbol("q_i", real=True)
    identity = Claim(
        "identity",
        "entry by entry, p (G + b/p) = D for D = p G + b; q_i = b_i/p_i",
        P * (GI + ratio) - (P * GI + P * ratio),
        (Part(()),),
        equality=True,
    )
    least = L / size("Lp_min", "k")
    summed = use("entrywise_product", least, size("Dnorm", "k"), size("Gb", "k"))
    last = Claim("bound", "the bound", goal.expression, (Part((term(1, summed),), (POSITIVE_PRECONDITIONER,)),))
    remark = "L p_min is the quantity Lp_min. That a run converges, so that its steps vanish, is measured, not proved."
    return Argument((identity, last), legend={"G_i, p_i, q_i": "entries of G, p, b/p"}, remarks=(remark,))


def equivariance(goal: Goal) -> Argument:
    """B12: one step of the template under the three transformations; the rest is induction over k."""
    x, v, g, s, Q1, B1, t, c, a, nxt = sp.symbols("X V gr sg Q_i B_i t c a Y", real=True)

    def step(x: sp.Expr, p: sp.Expr, g: sp.Expr, s: sp.Expr, v: sp.Expr, b: sp.Expr) -> sp.Expr:
        return x - (p * (g + s) + Q1 * v + b)

    # each new step, and what the old one is mapped to; p = c p' and g = a g' need no division
    one = {
        "translation": (
            "F(x + t): same p, q, b, same gradients, x' = x - t",
            step(x - t, P, g, s, v, B) - (step(x, P, g, s, v, B) - t),
        ),
        "scaling": (
            "c F: p = c p' with p' = p_i, gradients times c, same q v and b",
            step(x, P, c * g, c * s, v, B) - step(x, c * P, g, s, v, B),
        ),
        "rescaling": (
            "F(x/a): p' = a^2 p, old gradients a times the new ones, v' = a v, b' = a b, x' = a x",
            step(a * x, a**2 * P, g, s, a * v, a * B) - a * step(x, P, a * g, a * s, v, B),
        ),
    }
    claims = [Claim(name, says, difference, (Part(()),), equality=True) for name, (says, difference) in one.items()]
    memory = B1 * v + (1 - B1) * (x - nxt)
    remainders = {
        "memory under translation": B1 * v + (1 - B1) * ((x - t) - (nxt - t)) - memory,
        "memory under rescaling": (B1 * a * v + (1 - B1) * (a * x - a * nxt)) - a * memory,
    }
    says = "the displacement memory of GO-Math-L2O transforms along"
    claims += [Claim(name, says, rest_, (Part(()),), equality=True) for name, rest_ in remainders.items()]
    defect = size("defect", "k")
    part = Part((term(-1, use("norm", defect, DEFECT)),), times=defect)
    claims.append(Claim("bound", "the bound", goal.expression, (part,)))
    remark = (
        "Whether the heads of a method transform along is a table (B12), and measured; here is what follows if they do."
    )
    legend = {
        "X, V, Y": "entries of x_{k-1}, v_{k-1}, x_k",
        "defectvec_k": "mapped x'_k - x_k",
        "gr, sg": "entries of grad f(x_{k-1}), g_k",
    }
    return Argument(tuple(claims), definitions=(DEFINITIONS["mapped back"],), legend=legend, remarks=(remark,))


def stability(goal: Goal) -> Argument:
    """B14: Jury's conditions of the 2x2 recurrence."""
    q, r, b = Q.history_q, Q.history_r, Q.history_b
    root = sp.Symbol("root", real=True)
    trace, det = 1 - r + b + (1 - b) * q, b + (1 - b) * q - b * r
    matrix = ((1 - r, -q), ((1 - b) * r, b + (1 - b) * q))
    polynomial = (matrix[0][0] - root) * (matrix[1][1] - root) - matrix[0][1] * matrix[1][0]
    facts = {
        "characteristic polynomial": polynomial - (root**2 - trace * root + det),
        "at 1": 1 - trace + det - r * (1 - b),
        "at -1": 1 + trace + det - (2 * (1 + b + (1 - b) * q) - r * (1 + b)),
        "determinant": (1 - det) - ((1 - b) * (1 - q) + b * r),
    }
    says = {
        "characteristic polynomial": "of (y, v) -> ((1-r) y - q v, (1-b) r y + (b + (1-b) q) v)",
        "at 1": "1 - trace + det = r(1-b), so > 0",
        "at -1": "1 + trace + det, > 0 by itself for q >= 0 and 0 < r < 2",
        "determinant": "1 - det = (1-b)(1 + r b/(1-b) - q): det < 1 if and only if q is below the bound",
    }
    claims = [Claim(name, says[name], expression, (Part(()),), equality=True) for name, expression in facts.items()]
    inside = use("hypothesis", 1 - det, label="det = product of the eigenvalues <= 1")
    part = Part((term(1, inside),), (MEMORY,), times=1 - b)
    claims.append(Claim("bound", "the bound", goal.expression, (part,)))
    remark = (
        "Conversely q below the bound, r > 0, 0 <= b < 1 and 1 + trace + det > 0 make the recurrence stable, by Jury's "
        "criterion: the three facts above are its three conditions."
    )
    return Argument(tuple(claims), legend={"root": "an eigenvalue"}, remarks=(remark,))


ARGUMENTS = {
    "virtual_decomposition": decomposition,
    "virtual_decomposition:magnitude": decomposition_magnitude,
    "asymptotics": rest,
    "equivariance": equivariance,
    "history_stability": stability,
}
"""Arguments by the name of their bound."""
