"""From the formulas of the catalogue to the symbols of proofs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from .._vocabulary import Q, k
from ._claims import ONE, Recurrence
from ._symbols import BEFORE, DEVIATION, NOW, STEP, G, L, Point, size, symbol

ZERO = sp.Integer(0)
_INDEX = {k: "k", k - 1: "j", sp.Integer(0): "0", Q.K: "K"}


@dataclass(frozen=True)
class Goal:
    """``expression >= 0`` is what a bound says; `sums` are its sums over k as partial sums, by name."""

    expression: sp.Expr
    sums: Mapping[str, Recurrence]


def _squared(entry: sp.Indexed) -> sp.Expr:
    name, point = str(entry.base), Point(_INDEX[entry.indices[0]])
    if name == "dist":
        return (point.x - symbol("x", "z")) ** 2
    return _plain(entry) ** 2


def _plain(entry: sp.Indexed) -> sp.Expr:
    name, index = str(entry.base), _INDEX[entry.indices[0]]
    z = symbol("x", "z")
    if name == "F":
        return Point(index).F
    if name == "gz2":
        return (Point(index).g - symbol("g", "z")) ** 2
    formulas = {
        "G2": G**2,
        "D2": STEP**2,
        "e2": DEVIATION**2,
        "Ge": G * DEVIATION,
        "ex": DEVIATION * (NOW.x - z),
        "ex_prev": DEVIATION * (BEFORE.x - z),
        # with b = 0 the step is D = p G, and sum_i p_i G_i^2 = <G, D>, sum_i (p_i G_i)^2 = ||D||^2
        "ex_own": (STEP - size("step_h", "k") / L * G) * (NOW.x - z),
        "vi_gap": NOW.g * (NOW.x - z),
        "pG2": G * STEP - L / 2 * STEP**2,
    }
    if name in formulas and index == "k":
        return formulas[name]
    return size(name, index)


def named(sums: dict[str, Recurrence], increment: sp.Expr, factor: sp.Expr = ONE, start: sp.Expr = ZERO) -> str:
    """The name of what accumulates like this, added to `sums` where it is new."""
    wanted = Recurrence(increment, factor, start)
    for name, known in sums.items():
        if known == wanted:
            return name
    name = f"sum{len(sums) + 1}"
    sums[name] = wanted
    return name


def translate(expression: sp.Expr, sums: dict[str, Recurrence]) -> sp.Expr:
    """The expression in the symbols of proofs; sums over k become symbols, their terms are added to `sums`."""
    for term in sorted(expression.atoms(sp.Sum), key=str):
        # sum_k c^(K-k) a_k = c (sum up to K-1) + a_K
        discount = [p for p in term.function.atoms(sp.Pow) if p.exp == Q.K - k]
        factor = discount[0].base if discount else ONE
        inner = translate(term.function.xreplace({discount[0]: ONE}) if discount else term.function, sums)
        expression = expression.xreplace({term: symbol(named(sums, inner, factor), "K")})
    for power in sorted((p for p in expression.atoms(sp.Pow) if p.exp == Q.K), key=str):
        expression = expression.xreplace({power: symbol(named(sums, ZERO, power.base, ONE), "K")})
    swaps: dict[sp.Basic, sp.Expr] = {Q.F_z: Point("z").F, Q.R: size("dist", "0")}
    swaps[Q.R**2] = (symbol("x", "0") - symbol("x", "z")) ** 2
    for entry in expression.atoms(sp.Indexed):
        swaps[entry] = _plain(entry)
        swaps[entry**2] = _squared(entry)
        swaps[sp.sqrt(entry)] = size(f"{str(entry.base)[:-1]}norm", _INDEX[entry.indices[0]])
    squares = {old: new for old, new in swaps.items() if isinstance(old, sp.Pow)}
    expression = expression.xreplace(squares)
    return expression.xreplace({old: new for old, new in swaps.items() if old not in squares})


def goal(lhs: sp.Expr, rhs: sp.Expr) -> Goal:
    """What the bound ``lhs <= rhs`` says, as an expression that is >= 0."""
    sums: dict[str, Recurrence] = {}
    return Goal(translate(rhs, sums) - translate(lhs, sums), sums)
