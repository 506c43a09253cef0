"""The recursion of distances behind B7 and B9: the gradient map contracts, the prox does not expand."""

from __future__ import annotations

import sympy as sp

from ..vocabulary import Q
from ._claims import UNIT_STEP, Claim, Earlier, Part, Range, Term, term, use
from ._facts import DEFINITIONS, T
from ._symbols import BEFORE, DEVIATION, NOW, L, Z, h, size
from .descent import ENORM

FIXED_POINT = DEFINITIONS["T(z)"]
LEGEND = {
    "move_k": "||x_{k-1} - (h/L) grad f(x_{k-1}) - z + (h/L) grad f(z)||",
    "near_k": "||x_k - T(z)||",
    "x_t": "T(z), the proximal-gradient step h/L from z",
    "s_t": "the subgradient of r at T(z) that this step makes",
}
MOVED = BEFORE.x - h / L * BEFORE.g - Z.x + h / L * Z.g
DIST, DIST_BEFORE, MOVE, NEAR = (size(*name) for name in (("dist", "k"), ("dist", "j"), ("move", "k"), ("near", "k")))
NORMS = {MOVE: MOVED, NEAR: NOW.x - T.x}


def recursion(modulus: sp.Expr, cases: tuple[tuple[Range, ...], ...] = ((),)) -> tuple[Claim, ...]:
    """Claims up to dist_k <= (1 - h mu/L) dist_{k-1} + ||e_k|| + tau; mu = 0 asks for convexity only."""
    factor = 1 - h * modulus / L
    sizes: list[Term] = [
        term(factor**2, use("norm", DIST_BEFORE, BEFORE.x - Z.x)),
        term(-1, use("norm", MOVE, MOVED)),
    ]
    gradient_map = Claim(
        "gradient map",
        "a gradient step brings x_{k-1} and z nearer to each other",
        factor * DIST_BEFORE - MOVE,
        tuple(
            Part((*_two_sided(modulus), *sizes), (UNIT_STEP, *case), times=factor * DIST_BEFORE + MOVE)
            for case in cases
        ),
    )
    apart = NOW.x - T.x
    prox = Claim(
        "prox",
        "the prox does not expand",
        MOVE + ENORM - NEAR,
        (
            Part(
                (
                    term(2 * h / L, use("monotone_subdifferential", NOW, T)),
                    term(h**2 / L**2, square=NOW.s - T.s),
                    term(2, use("cauchy_schwarz", MOVE, ENORM, MOVED, -DEVIATION)),
                    term(1, use("norm", MOVE, MOVED)),
                    term(1, use("norm", ENORM, DEVIATION)),
                    term(-1, use("norm", NEAR, apart)),
                ),
                (UNIT_STEP,),
                times=MOVE + ENORM + NEAR,
            ),
        ),
    )
    triangle = Claim(
        "triangle",
        "T(z) is tau away from z",
        NEAR + Q.tau - DIST,
        (
            Part(
                (
                    term(2, use("cauchy_schwarz", NEAR, Q.tau, apart, T.x - Z.x)),
                    term(1, use("norm", NEAR, apart)),
                    term(1, use("norm", Q.tau, T.x - Z.x)),
                    term(-1, use("norm", DIST, NOW.x - Z.x)),
                ),
                times=NEAR + Q.tau + DIST,
            ),
        ),
    )
    parts = (Part(tuple(term(1, Earlier(name)) for name in ("gradient map", "prox", "triangle"))),)
    last = Claim("recursion", "the distance to z", factor * DIST_BEFORE + ENORM + Q.tau - DIST, parts)
    return gradient_map, prox, triangle, last


def _two_sided(modulus: sp.Expr) -> list[Term]:
    """(1 - h mu/L)^2 ||dx||^2 - ||dx - (h/L) dg||^2, from interpolation and convexity in both directions."""
    pairs = ((Z, BEFORE), (BEFORE, Z))
    if modulus == 0:
        left = h / L * (2 - h)
        return [term(h**2 / L, use("smooth_interpolation", *pair, L)) for pair in pairs] + [
            term(left, use("convexity", *pair)) for pair in pairs
        ]
    left = h / L * (2 - h - h * modulus / L)
    return [term(h**2 / L**2, use("strong_interpolation", *pair)) for pair in pairs] + [
        term(left, use("strong_convexity", *pair)) for pair in pairs
    ]
