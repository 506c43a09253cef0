"""What a proof is made of: claims "expression >= 0", each a sum of terms that are >= 0 for a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from .._hypothesis import Hypothesis
from ..hypotheses import (
    ACCELERATED_WEIGHTS,
    APART,
    DEVIATION_BELOW_STEP,
    ENERGY_REGION,
    F_SMOOTH,
    FULL_STEP,
    GUARD_WEIGHTS,
    HALF_STEP,
    HISTORY_RANGE,
    MOMENTUM_REGION,
    OWN_STEPS,
    PRECONDITIONER_POSITIVE,
    PRECONDITIONER_SHORT,
    REFERENCE_STEP,
    REFERENCE_STEP_LONG,
    STRONGLY_CONVEX,
    WEIGHTS,
)
from ..vocabulary import Q, k
from ._rules import RULES, Rule
from ._symbols import Point, h, symbol

K = Q.K
ZERO, ONE = sp.Integer(0), sp.Integer(1)


class Unproved(Exception):
    """An argument that does not hold; the message says where."""


@dataclass(frozen=True, eq=False)
class Range:
    """Where parameters lie, and the hypotheses that say so.

    `values` is a change of variables (see `_signs`) that reaches every value the hypotheses allow; a symbol whose value
    is a number has that value in the identity too. A range that is one of several cases says in `cases` of which
    family: the members of `CASES[cases]`, or the two signs of one expression (`signs_of`), which is then `gives`. A
    proof may use the ranges of `RANGES` and `signs_of`, and no others.
    """

    says: str
    values: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)
    hypotheses: tuple[Hypothesis, ...] = ()
    cases: str = ""
    gives: sp.Expr | None = None
    sign: str = ""

    @property
    def of(self) -> sp.Expr | None:
        """The expression whose sign this is."""
        return -self.gives if self.sign == "-" and self.gives is not None else self.gives


# symbols of their own, so that ranges can be combined
_a, _b, _t, _u, _p, _m = sp.symbols("a b t u p m", nonnegative=True)
_v, _w, _q, _l, _delta, _least = sp.symbols("v w q l delta least", positive=True)
_sigma, _step = (sp.Symbol(name, nonnegative=True) for name in ("sigma_k", "step_h_k"))
_weight, _pot, _Lp_min = (sp.Symbol(name, nonnegative=True) for name in ("weight_k", "pot_k", "Lp_min_k"))
INDEX = Range("1 <= k <= K", {K: k + _b, k: 1 + _a})
INDEX_FROM_2 = Range("2 <= k <= K", {K: k + _b, k: 2 + _a})
COUNT = Range("K >= 1", {K: 1 + _b})
UNIT_STEP = Range("0 < h <= 1", {h: _v / (_u + _v)}, (REFERENCE_STEP,))
SHORT_CASE = Range("0 < h <= 1, of h <= 5/4", {h: _v / (_u + _v)}, (REFERENCE_STEP_LONG,), "h")
LONG_CASE = Range("1 < h <= 5/4", {h: (_u + sp.Rational(5, 4) * _v) / (_u + _v)}, (REFERENCE_STEP_LONG,), "h")
AT_ONE = Range("h = 1", {h: sp.Integer(1)}, (FULL_STEP,))
AT_HALF = Range("h = 1/2", {h: sp.Rational(1, 2)}, (HALF_STEP,))
EACH_UNIT_STEP = Range("0 < h_k <= 1", {_step: _q / (_p + _q)}, (OWN_STEPS,))
HEAVY_WEIGHT = Range("2 W_k > v_k", {_weight: (_pot + _q) / 2}, (WEIGHTS,))
POSITIVE_PRECONDITIONER = Range("L p_i > 0", {_Lp_min: _least}, (PRECONDITIONER_POSITIVE,))
BELOW_STEP = Range("sigma < h", {Q.sigma_max: h * _p / (_p + _q)}, (DEVIATION_BELOW_STEP,))
MEMORY = Range("0 <= b < 1", {Q.history_b: _p / (_p + _q)}, (HISTORY_RANGE,))
DISTANT = Range("Delta > 0, of apart", {Q.Delta: _delta}, (APART,))
SMALL_DEVIATION = Range("sigma_k < h", {_sigma: h * _t / (_t + _w)}, (), "sigma_k")
LARGE_DEVIATION = Range("sigma_k >= h", {_sigma: h + _t}, (), "sigma_k")
SOME_DISTANCE = Range("Delta > 0", {Q.Delta: _delta}, (), "Delta")
NO_DISTANCE = Range("Delta = 0", {Q.Delta: sp.Integer(0)}, (), "Delta")
BELOW_L = Range("0 <= mu < L", {Q.mu: Q.L * _m / (_m + _l)}, (F_SMOOTH, STRONGLY_CONVEX), "mu")
ABOVE_0 = Range("0 < mu <= L", {Q.mu: Q.L * _l / (_m + _l)}, (F_SMOOTH, STRONGLY_CONVEX), "mu")
_guarded, _momentum, _A, _A_K = (
    sp.Symbol(name, nonnegative=True) for name in ("guarded_k", "guard_momentum_k", "guard_weight_k", "guard_weight_K")
)
_rhead, _bhead, _energy_a = (sp.Symbol(name, real=True) for name in ("rhead_k", "bhead_k", "energy_a"))
GUARD_STEP = Range("step k is guarded", {_guarded: ONE, _momentum: 1 + _p}, (GUARD_WEIGHTS,), "guard")
NO_GUARD_STEP = Range("step k is not guarded", {_guarded: ZERO, _momentum: ZERO}, (GUARD_WEIGHTS,), "guard")
GUARD_WEIGHT = Range("A_k >= 1 and A_K >= 1", {_A: 1 + _m, _A_K: 1 + _t}, (GUARD_WEIGHTS,))
_a_k, _A_end = (sp.Symbol(name, nonnegative=True) for name in ("accel_momentum_k", "accel_weight_K"))
ACCELERATED_WEIGHT = Range("a_k >= 1 and A_K >= 1, accelerated", {_a_k: 1 + _m, _A_end: 1 + _t}, (ACCELERATED_WEIGHTS,))
_share = _p / (_p + _q)
IN_ENERGY_REGION = Range(
    "a > 0, 0 <= b < 1, 0 < r, 1/r > 1/2 + (a/2)(1-b)^2",
    {_energy_a: _w, _bhead: _share, _rhead: 1 / (sp.Rational(1, 2) + _w / 2 * (1 - _share) ** 2 + _l)},
    (ENERGY_REGION,),
)
IN_MOMENTUM_REGION = Range("0 < p <= 1", {sp.Symbol("phead_k", real=True): 1 / (1 + _t)}, (MOMENTUM_REGION,))
_rootw = sp.Symbol("rootw_k", real=True)
SHORT_PRECONDITIONER = Range(
    "0 < L p_i <= 1",
    {_rootw: _q, Q.L: _q**2 * _v / (_u + _v)},
    (PRECONDITIONER_POSITIVE, PRECONDITIONER_SHORT),
)
_ALL = (
    SHORT_PRECONDITIONER,
    *(GUARD_STEP, NO_GUARD_STEP, GUARD_WEIGHT, IN_ENERGY_REGION, IN_MOMENTUM_REGION, ACCELERATED_WEIGHT),
    *(INDEX, INDEX_FROM_2, COUNT, UNIT_STEP, SHORT_CASE, LONG_CASE, AT_ONE, AT_HALF, EACH_UNIT_STEP, HEAVY_WEIGHT),
    *(
        POSITIVE_PRECONDITIONER,
        BELOW_STEP,
        MEMORY,
        DISTANT,
        SMALL_DEVIATION,
        LARGE_DEVIATION,
        SOME_DISTANCE,
        NO_DISTANCE,
        BELOW_L,
        ABOVE_0,
    ),
)
RANGES = {r.says: r for r in _ALL}
"""Every range that a proof may use, by what it says."""
CASES = {
    "h": (SHORT_CASE, LONG_CASE),
    "sigma_k": (SMALL_DEVIATION, LARGE_DEVIATION),
    "Delta": (SOME_DISTANCE, NO_DISTANCE),
    "mu": (BELOW_L, ABOVE_0),
    "guard": (GUARD_STEP, NO_GUARD_STEP),
}
"""The families of cases; the members of each cover all there is (0 <= mu <= L of f that is smooth and convex)."""


def signs_of(name: str, expression: sp.Expr) -> tuple[Range, Range]:
    """The two cases expression >= 0 and expression <= 0."""
    family = f"the sign of {name}"
    return (
        Range(f"{name} >= 0", cases=family, gives=expression, sign="+"),
        Range(f"{name} <= 0", cases=family, gives=-expression, sign="-"),
    )


@dataclass(frozen=True)
class Use:
    """A rule with its arguments; `needs` are hypotheses beyond those of the rule, `label` says it in words."""

    rule: Rule
    arguments: tuple[Any, ...]
    needs: tuple[Hypothesis | str, ...] = ()
    label: str = ""

    @property
    def expression(self) -> sp.Expr:
        return sp.sympify(self.rule.build(*self.arguments))

    @property
    def hypotheses(self) -> tuple[Hypothesis | str, ...]:
        return self.rule.hypotheses + self.needs

    def __str__(self) -> str:
        if self.label:
            return f"{self.label}: {self.expression} >= 0"
        arguments = ", ".join(a.index if isinstance(a, Point) else str(a) for a in self.arguments)
        return f"{self.rule.name}({arguments})"


def use(rule: str, *arguments: Any, needs: tuple[Hypothesis | str, ...] = (), label: str = "") -> Use:
    """The rule of that name on these arguments."""
    return Use(RULES[rule], arguments, needs, label)


@dataclass(frozen=True)
class Earlier:
    """A claim proved before, or the one being proved at the index before, taken at an index.

    `index` and `position` say the same: "k" and k, "j" and k-1, "K" and K, "0" and 0.
    """

    claim: str
    index: str = "k"
    position: sp.Expr | int = k

    def __str__(self) -> str:
        return f"claim `{self.claim}`" + ("" if self.position == k else f" at {self.position}")


@dataclass(frozen=True)
class Given:
    """What the range of this case says, one of the two signs of `signs_of`."""

    range: Range

    def __str__(self) -> str:
        return self.range.says


Factor = Use | Earlier | Given


@dataclass(frozen=True)
class Term:
    """``multiplier * product of factors * square^2``: the multiplier >= 0 (of an equality it may have any sign)."""

    multiplier: sp.Expr
    factors: tuple[Factor, ...] = ()
    square: sp.Expr | None = None


def term(multiplier: Any, *factors: Factor, square: sp.Expr | None = None) -> Term:
    """A term of a proof."""
    return Term(sp.sympify(multiplier), factors, square)


@dataclass(frozen=True, eq=False)
class Part:
    """``times * expression = sum of terms`` where `ranges` say, times > 0.

    `index` and `position`: the expression is taken at 0 ("0" and 0) or at k = 1 ("k" and 1) instead of at k.
    """

    terms: tuple[Term, ...]
    ranges: tuple[Range, ...] = ()
    says: str = ""
    times: sp.Expr = ONE
    index: str = "k"
    position: sp.Expr | int = k


@dataclass(frozen=True)
class Claim:
    """``expression >= 0`` (with `equality`: ``= 0``), proved by its parts, which together cover all cases.

    With `case` it is claimed, and may be used, in that one case only.
    """

    name: str
    says: str
    expression: sp.Expr
    parts: tuple[Part, ...]
    equality: bool = False
    case: Range | None = None


@dataclass(frozen=True)
class Definition:
    """What a symbol stands for, and the hypotheses that let it; a proof may use those of `_facts.DEFINITIONS`."""

    symbol: sp.Symbol
    value: sp.Expr
    says: str
    hypotheses: tuple[Hypothesis, ...] = ()


@dataclass(frozen=True)
class Recurrence:
    """A symbol P with P_0 = `start` and P_k = `factor` P_{k-1} + `increment`: a partial sum, a power."""

    increment: sp.Expr
    factor: sp.Expr = ONE
    start: sp.Expr = ZERO

    def __str__(self) -> str:
        if self.factor == 1:
            return f"sum over i <= k of {self.increment} at i"
        return f"P_0 = {self.start}, P_k = ({self.factor}) P_(k-1) + {self.increment}"


@dataclass(frozen=True)
class Argument:
    """A whole proof: claims in order, the last one saying right-hand side minus left-hand side >= 0.

    `sums` gives what accumulates along the run, by the name of its symbol. `definitions` are put in wherever their
    symbols occur. `norms` gives the vectors whose norms new symbols are. `legend` says what other symbols mean.
    """

    claims: tuple[Claim, ...]
    sums: Mapping[str, Recurrence] = field(default_factory=dict)
    definitions: tuple[Definition, ...] = ()
    legend: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    needs: tuple[Hypothesis | str, ...] = ()
    """Hypotheses beyond those of its rules, ranges and definitions."""
    norms: Mapping[sp.Symbol, sp.Expr] = field(default_factory=dict)


def put_in(expression: sp.Expr, definitions: Iterable[Definition]) -> sp.Expr:
    """The expression with definitions put in, one after the other."""
    for definition in definitions:
        if definition.symbol in expression.free_symbols:
            expression = expression.subs(definition.symbol, definition.value)
    return expression


def relative(expression: sp.Expr) -> sp.Expr:
    """The expression seen from the comparator: x_k for x_k - x_z, and values likewise.

    Where the gradient at the comparator occurs, f is tilted to make it 0 and r tilted back, which changes no F.
    """
    return _seen_from(expression, 1)


def absolute(expression: sp.Expr, tilted: bool) -> sp.Expr:
    """The inverse of `relative`."""
    return _seen_from(expression, -1, tilted)


def is_tilted(expression: sp.Expr) -> bool:
    """Whether the gradient of f at the comparator occurs."""
    return symbol("g", "z") in expression.free_symbols


def _seen_from(expression: sp.Expr, sign: int, tilted: bool | None = None) -> sp.Expr:
    tilt = symbol("g", "z") if (is_tilted(expression) if tilted is None else tilted) else sp.Integer(0)
    swaps = {}
    for s in expression.free_symbols:
        base, _, index = s.name.partition("_")
        if base in ("x", "g", "s", "f", "r") and index and index != "z":
            origin, point = symbol(base, "z"), symbol("x", index)
            # seen from the comparator a point is x + x_z; the other way round its distance is x - x_z
            along = tilt * (point if sign > 0 else point - symbol("x", "z"))
            swaps[s] = s + sign * {"x": origin, "g": tilt, "s": -tilt, "f": origin + along, "r": origin - along}[base]
    return expression.xreplace(swaps)
