"""From the formulas of the catalogue to the symbols of proofs.

Every node of a formula is read or refused: a sum is over k = 1..K, a discount c^(K-k) is one factor of what is summed,
a power has a whole exponent or K, an index is k, k-1, 0 or K where the quantity has one there. What is not understood
raises `Unproved`; nothing is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy as sp

from .._hypothesis import Hypothesis
from ..hypotheses import (
    ACCELERATED_WEIGHTS,
    BIAS_FREE,
    BUDGET,
    ENERGY_REGION,
    GUARD_WEIGHTS,
    METRIC_WEIGHTS,
    MOMENTUM_REGION,
    OWN_STEPS,
    PRECONDITIONER_POSITIVE,
    SHARES,
    WEIGHTS,
)
from ..vocabulary import ACCELERATED, VOCABULARY, Q, k
from ._claims import ONE, ZERO, Recurrence, Unproved
from ._symbols import BEFORE, DEVIATION, NOW, STEP, G, L, Point, Z, is_vector, size, symbol

INDICES = {k: "k", k - 1: "j", sp.Integer(0): "0", Q.K: "K"}
"""The indices that a proof knows, by their position."""
FORMULAS: dict[str, sp.Expr] = {
    "G2": G**2,
    "D2": STEP**2,
    "e2": DEVIATION**2,
    "Ge": G * DEVIATION,
    "ex": DEVIATION * (NOW.x - Z.x),
    "ex_prev": DEVIATION * (BEFORE.x - Z.x),
    # with b = 0 the step is D = p G, and sum_i p_i G_i^2 = <G, D>, sum_i (p_i G_i)^2 = ||D||^2
    "pG2": G * STEP - L / 2 * STEP**2,
    "ex_own": (STEP - size("step_h", "k") / L * G) * (NOW.x - Z.x),
    "accel_ex": symbol("accerrvec", "k") * (symbol("accelvec", "k") - Z.x),
    "metric_before": symbol("beforevec", "k") ** 2,
    "metric_bias": symbol("ratiovec", "k") * (NOW.x - Z.x),
    "vi_gap": NOW.g * (NOW.x - Z.x),
    "model": NOW.f + NOW.g * (Z.x - NOW.x) + Z.r,
    "model_0": NOW.f + NOW.g * (symbol("x", "0") - NOW.x),
}
"""Quantities of a step that are polynomials in its vectors, at k."""
AT_POINTS = (
    "F",
    "dist",
    "gz2",
    "grad2",
    "pot",
    "left",
    "guard_count",
    "guard_weight",
    "budget",
    "energy",
    "motion",
    "metric_dist2",
    "metric_weight",
    "accel_weight",
    "accel_dist",
)
"""Quantities of a point x_k, for k = 0..K."""
SIZES = (
    *("enorm", "sigma", "sigma_slack", "eps", "step_h", "weight", "stationarity", "defect", "defect_floor", "share"),
    *("bracket", "pshift", "bshift", "C1", "C2", "dz", "G_inf", "Gb", "delta1", "delta2", "Lp_min"),
    *("bnorm", "b_floor", "e_floor", "guard_momentum", "guarded", "accel_momentum", "accel_enorm"),
)
"""Quantities of a step that are numbers >= 0, at k."""
RUN = (
    *("L", "h", "K", "mu", "F_low", "F_best", "F_mean", "F_z", "R", "Delta", "sigma_max", "tau"),
    *("history_q", "history_r", "history_b", "history_radius", "mean_grad"),
)
"""Quantities of a run."""
MEANT_UNDER: dict[str, Hypothesis] = {
    "pG2": BIAS_FREE,
    "step_h": OWN_STEPS,
    "ex_own": OWN_STEPS,
    "weight": WEIGHTS,
    "pot": WEIGHTS,
    "share": SHARES,
    "left": SHARES,
    "Lp_min": PRECONDITIONER_POSITIVE,
    **dict.fromkeys(("guard_count", "guard_weight", "guard_momentum", "guarded"), GUARD_WEIGHTS),
    "budget": BUDGET,
    **dict.fromkeys(ACCELERATED, ACCELERATED_WEIGHTS),
    "energy": ENERGY_REGION,
    "motion": MOMENTUM_REGION,
    **dict.fromkeys(("metric_before", "metric_dist2", "metric_bias"), PRECONDITIONER_POSITIVE),
    "metric_weight": METRIC_WEIGHTS,
}
"""Quantities whose formula or sign rests on a hypothesis."""
ENERGY_A = sp.Symbol("energy_a", real=True)
"""The weight a of the energy (a L/2) ||v||^2."""
_ROOTS = {"G2": "Gnorm", "D2": "Dnorm", "e2": "enorm"}


@dataclass(frozen=True)
class Goal:
    """``expression >= 0`` is what a bound says; `sums` are its sums over k as partial sums, by name.

    `needs` are the hypotheses without which its quantities do not mean what `expression` says. `divisors` is what its
    two sides divide by, `step_divisors` what they divide by inside of sums, before anything cancels.
    """

    expression: sp.Expr
    sums: Mapping[str, Recurrence] = field(default_factory=dict)
    needs: tuple[Hypothesis, ...] = ()
    divisors: tuple[sp.Expr, ...] = ()
    step_divisors: tuple[sp.Expr, ...] = ()


@dataclass(frozen=True)
class _Reader:
    """Reads a formula; `sums`, `needs` and `divisors` grow on the way."""

    sums: dict[str, Recurrence]
    needs: dict[str, Hypothesis]
    stepwise: bool  # whether k may occur
    inside: bool = False  # whether this is what a sum adds up
    divisors: dict[tuple[sp.Expr, bool], None] = field(default_factory=dict)  # each with `inside`

    def read(self, e: sp.Expr) -> sp.Expr:
        if e.is_Rational:
            return e
        if isinstance(e, sp.Symbol):
            return self._symbol(e)
        if isinstance(e, sp.Indexed):
            return self._entry(e)
        if isinstance(e, sp.Add):
            return sp.Add(*map(self.read, e.args))
        if isinstance(e, sp.Mul):
            return _in_a_space(e, [self.read(a) for a in e.args])
        if isinstance(e, sp.Pow):
            return self._power(e)
        if isinstance(e, sp.Sum):
            return self._sum(e)
        if isinstance(e, sp.Max) and len(e.args) == 2 and ZERO in e.args:
            (inner,) = (a for a in e.args if a != 0)
            return sp.Max(0, self.read(inner))
        raise Unproved(f"the formula has {e}, which proofs do not know ({type(e).__name__})")

    def _symbol(self, e: sp.Symbol) -> sp.Expr:
        if e == k:
            if not self.stepwise:
                raise Unproved("the formula has the index k outside of a sum, and speaks of a whole run")
            return e
        if e.name not in RUN or e != VOCABULARY[e.name].symbol:
            raise Unproved(f"the formula has the symbol {e}, which is no quantity of a run that proofs know")
        if e.name == "mean_grad":
            self._mean_gradient()
        return {"F_z": Z.F, "R": size("dist", "0")}.get(e.name, e)

    def _mean_gradient(self) -> None:
        """The mean of the gradients is u_K, a sum of the statement: nothing else may be called u."""
        if self.stepwise:
            raise Unproved("the formula has mean_grad, and speaks of a step")
        self.needs["share"] = MEANT_UNDER["share"]
        self.sums["u"] = Recurrence(size("share", "k") * NOW.g)

    def _entry(self, e: sp.Indexed) -> sp.Expr:
        name = str(e.base)
        index = INDICES.get(e.indices[0]) if len(e.indices) == 1 else None
        if name not in VOCABULARY or e.base != VOCABULARY[name].symbol:
            raise Unproved(f"the formula has {e}, and `{name}` is no quantity of the vocabulary")
        if index in ("k", "j") and not self.stepwise:
            raise Unproved(f"the formula has {e} outside of a sum, and speaks of a whole run")
        if index is None or (name not in AT_POINTS and index != "k"):
            raise Unproved(f"the formula has {e}, an index that proofs do not know of `{name}`")
        if name in MEANT_UNDER:
            self.needs[name] = MEANT_UNDER[name]
        if name in FORMULAS:
            return FORMULAS[name]
        if name == "F":
            return Point(index).F
        if name == "gz2":
            return (Point(index).g - Z.g) ** 2
        if name == "grad2":
            return Point(index).g ** 2
        if name == "metric_dist2":
            return symbol("aftervec", index) ** 2
        if name == "energy":
            return ENERGY_A * L / 2 * symbol("memoryvec", index) ** 2
        if name == "motion":
            return L / 2 * symbol("stepvec", index) ** 2
        if name in AT_POINTS or name in SIZES:
            return size(name, index)
        raise Unproved(f"the formula has {e}, and proofs know nothing of `{name}`")

    def _power(self, e: sp.Pow) -> sp.Expr:
        base, exponent = e.base, e.exp
        if exponent == Q.K and not self.inside:
            c = self._constant(base)
            return symbol(named(self.sums, ZERO, c, ONE), "K")
        if exponent in (sp.Rational(1, 2), -sp.Rational(1, 2)) and isinstance(base, sp.Indexed):
            name = str(base.base)
            if name in _ROOTS and self._entry(base) == FORMULAS[name]:
                root = size(_ROOTS[name], "k")
                return root if exponent > 0 else self._one_over(root)
        if not exponent.is_Integer:
            raise Unproved(f"the formula has {e}: proofs know whole exponents, c^K, and roots of G2, D2 and e2")
        inside = self.read(base)
        if exponent == 2 and inside.is_Symbol and inside.name.startswith("dist_"):
            return (symbol("x", inside.name.removeprefix("dist_")) - Z.x) ** 2
        power = _in_a_space(e, [inside] * abs(int(exponent)))
        return power if exponent > 0 else self._one_over(power)

    def _one_over(self, base: sp.Expr) -> sp.Expr:
        if base == 0:
            raise Unproved("the formula divides by what is 0")
        self.divisors[base, self.inside] = None
        return 1 / base

    def _constant(self, c: sp.Expr) -> sp.Expr:
        if c.has(k) or c.atoms(sp.Indexed, sp.Sum):
            raise Unproved(f"the formula has a power of {c}, which is not one number per run")
        return self.read(c)

    def _sum(self, e: sp.Sum) -> sp.Expr:
        """c^(K-k) a_k summed over k: up to K it is c times what it is up to K-1, and a_K."""
        if self.inside:
            raise Unproved(f"the formula has a sum within a sum: {e}")
        if len(e.limits) != 1 or tuple(e.limits[0]) != (k, sp.Integer(1), Q.K):
            raise Unproved(f"the formula has a sum over {', '.join(map(str, e.limits))}; proofs know (k, 1, K)")
        factors = sp.Mul.make_args(e.function)
        discounts = [f for f in factors if isinstance(f, sp.Pow) and f.exp == Q.K - k]
        if len(discounts) > 1:
            raise Unproved(f"the formula has more than one discount in a sum: {e}")
        c = self._constant(discounts[0].base) if discounts else ONE
        rest = sp.Mul(*(f for f in factors if f not in discounts))
        inner = _Reader(self.sums, self.needs, True, True, self.divisors).read(rest)
        return symbol(named(self.sums, inner, c), "K")


def _in_a_space(e: sp.Expr, factors: list[sp.Expr]) -> sp.Expr:
    """The product of what was read; ||u||^2 ||v||^2 and <u, v>^2 would be one polynomial, and are not the same."""
    if sum(map(_degree, factors)) > 2:
        raise Unproved(f"the formula has {e}, a product of inner products; proofs know it on a line only")
    return sp.Mul(*factors)


def _degree(e: sp.Expr) -> int:
    """The degree in the vectors, at most."""
    if isinstance(e, sp.Symbol):
        return int(is_vector(e))
    if isinstance(e, sp.Mul):
        return sum(map(_degree, e.args))
    if isinstance(e, sp.Pow):
        return abs(int(e.exp)) * _degree(e.base)
    return max(map(_degree, e.args), default=0)


def named(sums: dict[str, Recurrence], increment: sp.Expr, factor: sp.Expr = ONE, start: sp.Expr = ZERO) -> str:
    """The name of what accumulates like this, added to `sums` where it is new."""
    wanted = Recurrence(increment, factor, start)
    for name, recurrence in sums.items():
        if recurrence == wanted:
            return name
    name = f"sum{len(sums) + 1}"
    sums[name] = wanted
    return name


def formula(expression: sp.Expr) -> Goal:
    """A formula without sums, >= 0 at every step, in the symbols of proofs."""
    needs: dict[str, Hypothesis] = {}
    read = _Reader({}, needs, stepwise=True, inside=True).read(sp.sympify(expression))
    return Goal(read, needs=tuple(dict.fromkeys(needs.values())))


def translate(expression: sp.Expr) -> sp.Expr:
    """The expression of `formula`."""
    return formula(expression).expression


def goal(lhs: sp.Expr, rhs: sp.Expr, level: str | None = None) -> Goal:
    """What the bound ``lhs <= rhs`` says, as an expression that is >= 0.

    `level` is "run" or "step"; by default "step" where k occurs outside of sums.
    """
    lhs, rhs = sp.sympify(lhs), sp.sympify(rhs)
    stepwise = level == "step" if level is not None else k in lhs.free_symbols | rhs.free_symbols
    sums: dict[str, Recurrence] = {}
    needs: dict[str, Hypothesis] = {}
    reader = _Reader(sums, needs, stepwise)
    expression = reader.read(rhs) - reader.read(lhs)
    divisors, inner = (tuple(e for e, inside in reader.divisors if inside is wanted) for wanted in (False, True))
    return Goal(expression, sums, tuple(dict.fromkeys(needs.values())), divisors, inner)
