"""From the formulas of a proof to trees: commuting symbols of degree 2 become inner products.

A product of two linear combinations of vector symbols is an inner product, the square of one a squared norm. Steps,
generalised gradients and deviations are recognised and called D, G and e.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import sympy as sp

from ...vocabulary import VOCABULARY, Q, k
from .._claims import Unproved
from .._symbols import DEVIATION, STEP, G, h, is_vector, symbol
from .nodes import Node, add, at, call, mul, name, number, sub

_INDICES = ("k", "j", "0", "K", "z")
_POINTS = {"z": name("z"), "t": name("Tz"), "y": at("y", "k"), "p": at("w", "k"), "e": at("accel_y", "k")}
_SUBGRADIENTS = {"t": name("s_T"), "p": at("s_w", "k"), "z": name("s_z")}
_RENAMED = {"guardvec": "aux", "bracketvec": "bracket", "pshiftvec": "pshift", "bshiftvec": "bshift"}
_RENAMED |= {"delta1vec": "delta1_G", "delta2vec": "delta2", "defectvec": "defect"}
_RENAMED |= {"accelvec": "accel_u", "accerrvec": "accel_e"}
_NUMBERS = {"delta1": "delta1_max", "guard_weight": "A", "guard_count": "N", "guard_momentum": "a", "left": "rest"}
_NUMBERS |= {"accel_weight": "accel_A", "accel_momentum": "accel_a"}
_NORMS = {
    "Gnorm": at("G", "k"),
    "Dnorm": at("D", "k"),
    "enorm": at("e", "k"),
    "bracket": at("bracket", "k"),
    "pshift": at("pshift", "k"),
    "bshift": at("bshift", "k"),
    "product": at("delta1_G", "k"),
    "delta2": at("delta2", "k"),
    "defect": at("defect", "k"),
    "Gb": at("G_b", "k"),
    "accel_enorm": at("accel_e", "k"),
}
_CONSTANTS = {"history_q": "q", "history_r": "rho", "history_b": "b"}


def point(index: str) -> Node:
    """The point of an index."""
    return _POINTS.get(index) or at("x", index)


def subgradient(index: str) -> Node:
    """The subgradient of r at the point of an index."""
    return _SUBGRADIENTS.get(index) or at("s", index)


def vadd(u: Node, v: Node) -> Node:
    """u + v, and u - v where v is a negative."""
    return Node("vsub", (u, v.args[0])) if v.op == "vneg" else Node("vadd", (u, v))


def norm_of(base: str, index: str, named: Collection[str]) -> Node | None:
    """The vector whose norm the symbol is, if it is one."""
    if base in named:
        return at(base, "k")
    if base == "dist":
        return Node("vsub", (point(index), name("z")))
    if base == "accel_dist":
        return Node("vsub", (at("accel_u", index), name("z")))
    if base == "stationarity":
        return Node("vadd", (call("grad", at("x", "k")), at("s", "k")))
    return _NORMS.get(base)


@dataclass(frozen=True)
class Reader:
    """Reads formulas; `norms` are the norms that a proof names, `parameters` what symbols of ranges stand for."""

    norms: Collection[str] = ()
    parameters: Mapping[str, Node] = field(default_factory=dict)

    def scalar(self, e: sp.Expr) -> Node:
        """A number as a tree."""
        e = sp.sympify(e)
        if e.is_Rational:
            size = number(Fraction(abs(int(e.p)), int(e.q)))
            return size if e >= 0 else Node("neg", (size,))
        if e.is_Symbol:
            return self._symbol(e)
        if e.is_Add:
            return add(*_signed([self.scalar(a) for a in _with_F(e)]))
        if e.is_Mul:
            return self._product(e)
        if e.is_Pow and e.exp.is_Integer:
            if e.exp < 0:
                return self._product(e)
            if degree(e.base) == 1 and e.exp == 2:
                return Node("sq", (self.vector(e.base),))
            return Node("power", (self.scalar(e.base), int(e.exp)))
        if isinstance(e, sp.Max):
            (inside,) = (a for a in e.args if a != 0)
            return Node("max0", (self.scalar(inside),))
        raise Unproved(f"the export has no way to write {e}")

    def _symbol(self, s: sp.Symbol) -> Node:
        if s in self.parameters:
            return self.parameters[s]
        if s == k:
            return Node("count", ("k",))
        if s == Q.K:
            return Node("count", ("K",))
        if s == Q.tau:
            return Node("norm", (Node("vsub", (name("Tz"), name("z"))),))
        if s == Q.F_mean:
            mean = Node("vsum", (at("x", "k"), "K"))
            return call("F", Node("vscal", (Node("div", (number(1), Node("count", ("K",)))), mean)))
        if s == Q.mean_grad:
            return Node("norm", (at("u", "K"),))
        base, _, index = s.name.rpartition("_")
        if base == "F" and index in _INDICES:
            return call("F", point(index))
        if s.name in VOCABULARY or not base or s.name == "f_inf":
            return name(_CONSTANTS.get(s.name, s.name))
        if base in ("f", "r"):
            return call(base, point(index))
        vector = norm_of(base, index, self.norms)
        if vector is not None:
            return Node("norm", (vector,))
        return at(_NUMBERS.get(base, base), index)

    def _product(self, e: sp.Expr) -> Node:
        above: list[Node] = []
        below: list[Node] = []
        vectors: list[sp.Expr] = []
        factor = Fraction(1)
        for a in sp.Mul.make_args(e):
            if a.is_Rational:
                factor *= Fraction(int(a.p), int(a.q))
            elif degree(a) == 1:
                vectors.append(a)
            elif a.is_Pow and a.exp.is_negative:
                below.append(self.scalar(a.base ** (-a.exp)))
            else:
                above.append(self.scalar(a))
        if vectors:
            if len(vectors) != 2:
                raise Unproved(f"the export has no way to write {e}, of degree {len(vectors)} in the vectors")
            above.append(Node("dot", tuple(self.vector(v) for v in vectors)))
        if abs(factor.numerator) != 1:
            above.insert(0, number(abs(factor.numerator)))
        if factor.denominator != 1:
            below.insert(0, number(factor.denominator))
        if vectors and below:  # c * <u, v>, with the fraction first
            scale = Node("div", (mul(*above[:-1]), mul(*below)))
            node = mul(scale, above[-1])
        else:
            node = Node("div", (mul(*above), mul(*below))) if below else mul(*above)
        return Node("neg", (node,)) if factor < 0 else node

    def vector(self, e: sp.Expr) -> Node:
        """A linear combination of vectors as a tree."""
        e = sp.sympify(e)
        for combination, base in _NAMED:
            sign = _sign_between(e, combination)
            if sign:
                return at(base, "k") if sign > 0 else Node("vneg", (at(base, "k"),))
        if e == 0:
            return Node("vzero")
        if e.is_Symbol:
            return self._vector_symbol(e)
        if e.is_Add:
            first, *rest = sorted((self.vector(a) for a in e.args), key=lambda node: node.op == "vneg")
            for one in rest:
                first = vadd(first, one)
            return first
        if e.is_Mul:
            inner = [a for a in e.args if degree(a) == 1]
            scale = sp.Mul(*(a for a in e.args if degree(a) != 1))
            (inside,) = inner
            negative = scale.could_extract_minus_sign()
            node = self.vector(inside)
            size = -scale if negative else scale
            node = node if size == 1 else Node("vscal", (self.scalar(size), node))
            return Node("vneg", (node,)) if negative else node
        raise Unproved(f"the export has no way to write {e} as a vector")

    def _vector_symbol(self, s: sp.Symbol) -> Node:
        base, _, index = s.name.rpartition("_")
        if base == "x":
            return point(index)
        if base == "g":
            return call("grad", point(index))
        if base == "s":
            return subgradient(index)
        return at(_RENAMED.get(base, base), index)


def degree(e: sp.Expr) -> int:
    """The degree in the vectors, at most."""
    if e.is_Symbol:
        return int(is_vector(e))
    if e.is_Mul:
        return sum(map(degree, e.args))
    if e.is_Pow:
        return degree(e.base) * (int(e.exp) if e.exp.is_Integer else 1)
    return max(map(degree, e.args), default=0)


_NAMED = ((DEVIATION, "e"), (STEP, "D"), (G, "G"))


def linear(e: sp.Expr) -> dict[sp.Symbol, sp.Expr]:
    """The coefficients of a linear combination of vectors."""
    expanded = sp.expand(e)
    return {s: expanded.coeff(s) for s in e.free_symbols if is_vector(s)}


def _sign_between(a: sp.Expr, b: sp.Expr) -> int:
    """1 if the combinations agree, -1 if they do up to the sign, else 0."""
    mine = {s for s in a.free_symbols if is_vector(s)}
    if mine != {s for s in b.free_symbols if is_vector(s)}:
        return 0
    one, two = linear(a), linear(b)
    for sign in (1, -1):
        if all(sp.cancel(one[s] - sign * two[s]) == 0 for s in mine):
            return sign
    return 0


sign_between = _sign_between


def _with_F(e: sp.Expr) -> list[sp.Expr]:
    """The summands, with c f + c r at a point as c F there."""
    args = list(e.as_ordered_terms())
    for index in "kj0Kz":
        f, r = symbol("f", index), symbol("r", index)
        for one in [a for a in args if a.has(f)]:
            other = one.xreplace({f: r})
            if other in args:
                args[args.index(one)] = one.xreplace({f: symbol("F", index)})
                args.remove(other)
    return args


def _signed(nodes: list[Node]) -> list[Node]:
    """With what is added before what is taken away, if the first is taken away."""
    if nodes and nodes[0].op == "neg":
        nodes = sorted(nodes, key=lambda node: node.op == "neg")
    return nodes


def minus(a: Node, b: Node) -> Node:
    """a - b."""
    return sub(a, b)


assert h is Q.h
