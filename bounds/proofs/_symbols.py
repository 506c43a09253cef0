"""The symbols of proofs: vectors, function values, norms and parameters, all of them plain sympy symbols.

A vector is a commuting symbol, and the inner product of two vectors their product. That is exact, not a restriction
to one dimension: a form of degree 2 in the vectors, sum c_ij <v_i, v_j>, vanishes for all vectors of every space with
an inner product if and only if the polynomial sum c_ij v_i v_j does, since both say that the symmetric matrix c is 0.
It holds for degree 2 only, so every term of a proof is checked to have degree 0 or 2 in the vectors.

Names carry the index after an underscore: `x_k` is x_k, `x_j` is x_{k-1}, `x_z` the comparator, `x_0` and `x_K` the two
ends of the run. `f`, `r` are values of f and r, `g` the gradient of f, `s` a subgradient of r, each at the point of its
index; the generalised gradient of step k is `g_j + s_k`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sympy as sp

from ..vocabulary import Q, k

L, h, mu, K = Q.L, Q.h, Q.mu, Q.K
OF_A_STEP = re.compile(r".*_[ypeo]")
"""Names of what belongs to points of a step that are no iterates, as those of a guard, and stays with the step."""
ENTRYWISE = frozenset({"rhead_k", "qhead_k", "bhead_k", "phead_k", "pull_k", "rootw_k"})
"""Names of numbers that differ from entry to entry."""
_VECTOR = re.compile(r"([xgsuvw]|[a-z0-9]+vec)_[kj0Kztypeo]")
"""Names of vectors: points, gradients, subgradients, sums of vectors (u, v, w) and those of `_facts`."""


def symbol(base: str, index: str) -> sp.Symbol:
    """The symbol of a vector or a function value, `base` at `index`."""
    return sp.Symbol(f"{base}_{index}", real=True)


def size(base: str, index: str) -> sp.Symbol:
    """The symbol of a number >= 0, such as a norm."""
    return sp.Symbol(f"{base}_{index}", nonnegative=True)


def is_vector(s: sp.Symbol) -> bool:
    """Whether the symbol is a vector, by its name."""
    return _VECTOR.fullmatch(s.name) is not None


@dataclass(frozen=True)
class Point:
    """A point of the run or the comparator: x, grad f, a subgradient of r, and the values of f and r."""

    index: str

    @property
    def x(self) -> sp.Symbol:
        return symbol("x", self.index)

    @property
    def g(self) -> sp.Symbol:
        return symbol("g", self.index)

    @property
    def s(self) -> sp.Symbol:
        return symbol("s", self.index)

    @property
    def f(self) -> sp.Symbol:
        return symbol("f", self.index)

    @property
    def r(self) -> sp.Symbol:
        return symbol("r", self.index)

    @property
    def F(self) -> sp.Expr:
        return self.f + self.r


INFIMUM = sp.Symbol("f_inf", real=True)
"""inf f."""
NOW, BEFORE, END, FIRST, Z = (Point(index) for index in "kjK0z")
AHEAD, GUARD = Point("y"), Point("p")
"""Where an accelerated guard looks from in step k, and its prox-gradient point."""
EXTRAPOLATED = Point("e")
"""y_k, where the accelerated reference looks from in step k."""
FORWARD = Point("o")
"""The point ahead of x_{k-1} where a step with momentum takes its gradient."""
STEP = BEFORE.x - NOW.x
"""D_k."""
G = BEFORE.g + NOW.s
"""G_k."""
DEVIATION = STEP - h / L * G
"""e_k(h)."""


def moved(expression: sp.Expr, index: str, position: sp.Expr | int) -> sp.Expr:
    """What an expression in the symbols of index k is at another one; `position` is that index as a number."""
    renamed = {s: _renamed(s, index) for s in expression.free_symbols if s.name.endswith("_k")}
    return expression.xreplace(renamed).subs(k, position)


def _renamed(s: sp.Symbol, index: str) -> sp.Symbol:
    return sp.Symbol(s.name[: -len("k")] + index, **s.assumptions0)


def at_step(expression: sp.Expr) -> sp.Expr:
    """What an expression in the symbols of index K is with index k in their place; K as a number stays."""
    ends = (s for s in expression.free_symbols if s.name.endswith("_K"))
    return expression.xreplace({s: sp.Symbol(s.name[: -len("K")] + "k", **s.assumptions0) for s in ends})
