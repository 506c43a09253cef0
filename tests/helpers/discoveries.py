"""Questions whose worst cases are theorems, and what the engine finds of each, once for all tests of a process."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import sympy as sp

from l2obound import bounds
from l2obound.bounds.worst_cases import classes, methods
from l2obound.bounds.worst_cases.discoveries import Discovery, Induction, _fit

K = _fit.K
MU = Fraction(1, 10)
THEOREMS: dict[str, tuple[dict[str, Any], sp.Expr]] = {
    "gradient": ({}, 1 / (4 * K + 2)),
    "shorter steps": ({"step": Fraction(1, 2), "L": 3}, 3 / (2 * K + 2)),
    "proximal point": ({"method": "proximal_point", "function_class": "convex", "step": 3}, 1 / (12 * K)),
    "proximal gradient": ({"method": "proximal_gradient", "function_class": "composite"}, 1 / (4 * K)),
    "projected gradient": ({"method": "projected_gradient", "function_class": "composite"}, 1 / (4 * K)),
    "best gradient": (
        {"metric": "best_gradient", "initial": "decrease", "function_class": "smooth_nonconvex"},
        4 / (3 * K),
    ),
    "contraction": (
        {"metric": "distance", "function_class": "smooth_strongly_convex", "mu": MU},
        sp.Rational(9, 10) ** (2 * K),
    ),
    "mean of the values": ({"metric": "average_objective", "L": 2}, 1 / (K + 2)),
    "last gradient": ({"metric": "best_gradient", "initial": "objective"}, 2 / (2 * K + 1)),
    "Halpern": (
        {
            "method": methods.halpern(),
            "function_class": {"T": classes.lipschitz_map(1)},
            "metric": lambda run: (run.x[-1] - run.T(run.x[-1])) ** 2,
        },
        4 / (K + 1) ** 2,
    ),
    "last gradient, code": (
        {"method": methods.gradient(), "metric": "gradient", "initial": "objective"},
        2 / (2 * K + 1),
    ),
}
"""Questions, and their worst cases: Drori, Teboulle 2014; Taylor, Hendrickx, Glineur, SIAM J. Optim. 27 (2017) and
J. Optim. Theory Appl. 178 (2018); Rotaru, Glineur, Patrinos, arXiv 2406.17506; Abbaszadehpeivasti, de Klerk, Zamani,
Optim. Lett. 16 (2022); Lieder, Optim. Lett. 15 (2021)."""
FOR_EVERY_K = tuple(name for name in THEOREMS if name not in ("shorter steps", "Halpern", "last gradient, code"))
"""Those of which there is a proof for every K."""


@cache
def discovered(name: str) -> Discovery:
    return bounds.discover(**THEOREMS[name][0])


@cache
def proved(name: str) -> Induction:
    return discovered(name).prove()
