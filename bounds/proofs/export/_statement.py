"""From the formulas of the catalogue to trees: what a bound says, as an export states it.

It reads the two sides of a bound and nothing of its proof. Together with the rows of `_context` and the definitions of
`L2O.v` it is the trusted base of an export.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from ...vocabulary import Q, k
from .._claims import Unproved
from .nodes import Node, add, at, call, mul, name, number, sub

_INDICES = {k: "k", k - 1: "j", sp.Integer(0): "0", Q.K: "K"}
_X, _XJ, _D, _G, _E, _Z, _L = at("x", "k"), at("x", "j"), at("D", "k"), at("G", "k"), at("e", "k"), name("z"), name("L")


def _vsub(a: Node, b: Node) -> Node:
    return Node("vsub", (a, b))


def _sq(a: Node) -> Node:
    return Node("sq", (a,))


def _dot(a: Node, b: Node) -> Node:
    return Node("dot", (a, b))


def _norm(a: Node) -> Node:
    return Node("norm", (a,))


_GRAD = call("grad", _X)
_P = call("precond k", _G)
_OWN = _vsub(_D, Node("vscal", (Node("div", (at("step_h", "k"), _L)), _G)))
STEP_QUANTITIES: dict[str, Node] = {
    "G2": _sq(_G),
    "D2": _sq(_D),
    "e2": _sq(_E),
    "enorm": _norm(_E),
    "Ge": _dot(_G, _E),
    "ex": _dot(_E, _vsub(_X, _Z)),
    "ex_prev": _dot(_E, _vsub(_XJ, _Z)),
    "pG2": sub(_dot(_G, _P), mul(Node("div", (_L, number(2))), _sq(_P))),
    "ex_own": _dot(_OWN, _vsub(_X, _Z)),
    "vi_gap": _dot(_GRAD, _vsub(_X, _Z)),
    "model": add(call("f", _X), _dot(_GRAD, _vsub(_Z, _X)), call("r", _Z)),
    "model_0": add(call("f", _X), _dot(_GRAD, _vsub(at("x", "0"), _X))),
    "accel_ex": _dot(at("accel_e", "k"), _vsub(at("accel_u", "k"), _Z)),
    "accel_enorm": _norm(at("accel_e", "k")),
    "stationarity": _norm(Node("vadd", (_GRAD, at("s", "k")))),
    **{text: _norm(at(text, "k")) for text in ("bracket", "pshift", "bshift", "delta2")},
    "Gb": _norm(at("G_b", "k")),
    "delta1": at("delta1_max", "k"),
}
"""Quantities of a step that are made of its vectors."""
_NUMBERS = {"guard_weight": "A", "guard_count": "N", "guard_momentum": "a", "left": "rest"}
_NUMBERS |= {"accel_weight": "accel_A", "accel_momentum": "accel_a"}
_PLAIN = ("sigma", "eps", "step_h", "weight", "share", "C1", "C2", "dz", "G_inf", "Lp_min", "guarded", "pot", "budget")
_RENAMED = {"history_q": "q", "history_r": "rho", "history_b": "b"}
_RUN = ("L", "h", "mu", "F_low", "F_best", "Delta", "sigma_max", *_RENAMED)
_MEAN = Node("vscal", (Node("div", (number(1), Node("count", ("K",)))), Node("vsum", (_X, "K"))))


@dataclass
class Reader:
    """Reads the sides of a bound; `sums` are the sums that it met, each with its tree."""

    sums: dict[sp.Expr, Node]
    inside: bool = False

    def __call__(self, e: sp.Expr) -> Node:
        e = sp.sympify(e)
        if e.is_Rational:
            size = number(Fraction(abs(int(e.p)), int(e.q)))
            return size if e >= 0 else Node("neg", (size,))
        if isinstance(e, sp.Indexed):
            return self._entry(e)
        if isinstance(e, sp.Symbol):
            return self._symbol(e)
        if isinstance(e, sp.Sum):
            return self._sum(e)
        if e.is_Add:
            terms = [self(a) for a in e.as_ordered_terms()]
            return add(*sorted(terms, key=lambda node: node.op == "neg") if terms[0].op == "neg" else terms)
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow:
            return self._power(e)
        if isinstance(e, sp.Max) and 0 in e.args:
            (inside,) = (a for a in e.args if a != 0)
            return Node("max0", (self(inside),))
        raise Unproved(f"the export has no way to write {e}")

    def _symbol(self, s: sp.Symbol) -> Node:
        if s in (k, Q.K):
            return Node("count", ("k" if s == k else "K",))
        special = {
            Q.F_z: call("F", _Z),
            Q.R: _norm(_vsub(at("x", "0"), _Z)),
            Q.tau: _norm(_vsub(name("Tz"), _Z)),
            Q.F_mean: call("F", _MEAN),
            Q.mean_grad: _norm(Node("vsum", (Node("vscal", (at("share", "k"), _GRAD)), "K"))),
        }
        if s in special:
            return special[s]
        if s.name in _RUN:
            return name(_RENAMED.get(s.name, s.name))
        raise Unproved(f"the export has no way to write the quantity {s}")

    def _entry(self, e: sp.Indexed) -> Node:
        text, index = str(e.base), _INDICES.get(e.indices[0])
        if index == "k" and text in STEP_QUANTITIES:
            return STEP_QUANTITIES[text]
        if index is not None and text == "F":
            return call("F", at("x", index))
        if index is not None and text == "dist":
            return _norm(_vsub(at("x", index), _Z))
        if index is not None and text == "accel_dist":
            return _norm(_vsub(at("accel_u", index), _Z))
        if index is not None and text == "grad2":
            return _sq(call("grad", at("x", index)))
        if index is not None and text == "gz2":
            return _sq(_vsub(call("grad", at("x", index)), call("grad", _Z)))
        if index is not None and (text in _NUMBERS or text in _PLAIN):
            return at(_NUMBERS.get(text, text), index)
        raise Unproved(f"the export has no way to write the quantity {e}")

    def _product(self, e: sp.Expr) -> Node:
        above, below, factor = [], [], Fraction(1)
        for a in e.args:
            if a.is_Rational:
                factor *= Fraction(int(a.p), int(a.q))
            elif a.is_Pow and a.exp.is_Rational and a.exp < 0:
                below.append(self(a.base ** (-a.exp)))
            else:
                above.append(self(a))
        if abs(factor.numerator) != 1:
            above.insert(0, number(abs(factor.numerator)))
        if factor.denominator != 1:
            below.insert(0, number(factor.denominator))
        inner = [a for a in above if a.op in ("sum", "dot", "sq")]
        if below and inner:  # what is divided stands before the sum
            outer = [a for a in above if a not in inner]
            node = mul(Node("div", (mul(*outer), mul(*below))), *inner)
        else:
            node = Node("div", (mul(*above), mul(*below))) if below else mul(*above)
        return Node("neg", (node,)) if factor < 0 else node

    def _power(self, e: sp.Pow) -> Node:
        if e.exp == sp.Rational(1, 2):
            inside = self(e.base)
            if inside.op == "sq":
                return _norm(inside.args[0])
        elif e.exp == Q.K:
            return Node("power_of_K", (self(e.base),))
        elif e.exp == Q.K - k and self.inside:
            return Node("discount", (self(e.base),))
        elif e.exp.is_Integer and e.exp > 0:
            return Node("power", (self(e.base), int(e.exp)))
        elif e.exp.is_Rational and e.exp < 0:
            return Node("div", (number(1), self(e.base ** (-e.exp))))
        raise Unproved(f"the export has no way to write {e}")

    def _sum(self, e: sp.Sum) -> Node:
        if self.inside or tuple(map(tuple, e.limits)) != ((k, 1, Q.K),):
            raise Unproved(f"the export has no way to write {e}")
        node = Node("sum", (Reader({}, True)(e.function), "K"))
        self.sums[e] = node
        return node
