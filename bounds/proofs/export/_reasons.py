"""Why the factors of a proof are >= 0: named inequalities, earlier claims, and what the bound supposes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from .._claims import Argument, Claim, Earlier, Given, Unproved, Use
from .._conditions import same
from .._facts import FACTS, PRODUCTS, SIZES
from .._goal import formula
from .._symbols import L, Point
from ._algebra import Reader, minus, point, sign_between, subgradient
from ._lemmas import Fact, own_name
from ._weights import Signs
from .nodes import Node, add, at, call, mul, name

_LIPSCHITZ = "apply (smooth_lipschitz f); [exact L_pos | exact f_smooth]"
_DOMINATED = "apply smooth_dominated; [exact L_pos | exact f_smooth | exact f_inf_below]"
_DOMAINS = {"z": "exact z_domain", "0": "exact x_0_domain", "t": "apply Tz_subgradient"}
_FACT_REASONS = {
    "guard, best": "pose proof (no_worse {k} ltac:(lia)) as Q; cbn [pred] in Q; lra",
    "guard, prox": "pose proof (guard_accepts {k} ltac:(lia) C_guard) as Q; cbn [pred] in Q; unfold F in *; "
    "rewrite C_guard; lra",
    "Delta at k-1": "pose proof (Delta_largest {j} ltac:(lia)); lra",
    "Delta at 0": "pose proof (Delta_largest 0%nat ltac:(lia)); lra",
    "sigma_k": "pose proof (sigma_bounds {k} ltac:(lia)); lra",
    "sigma": "pose proof (sigma_max_bounds {k} ltac:(lia)); lra",
    "virtual": "pose proof (virtual_bounds {k} ltac:(lia)); lra",
    "preconditioner head": "pose proof (p_lipschitz {k} ltac:(lia)); lra",
    "bias head": "pose proof (b_lipschitz {k} ltac:(lia)); lra",
    "best iterate": "pose proof (F_best_least {k} ltac:(lia)); lra",
    "lower bound": "pose proof (F_low_below (x K) x_K_domain); lra",
    "determinant": "pose proof (stable_determinant _ _ _ _ history_is_stable); lra",
    "infimum at z": "unfold F; rewrite r_is_0; pose proof (f_inf_below z); lra",
    "lower bound of f": "pose proof F_low_below_f_inf; lra",
}
_FORMULA_REASONS = {
    "reference_step_longer": "pose proof h_at_most_3_2; lra",
    "reference_step_root_2": "pose proof h_square_at_most_2; nra",
    "mu_at_most_L": "pose proof mu_below_L; lra",
    "monotone": "pose proof (monotone_run {k} ltac:(lia)); lra",
    "weights": "pose proof (weight_free {k} ltac:(lia)) as Q; pose proof (weight_heavy {k} ltac:(lia)); "
    "cbn [pred] in Q; lra",
    "guard_weights": "rewrite ?C_guard; lra",
    "not_below": "pose proof (not_below {k} ltac:(lia)); lra",
    "budget": "pose proof (budget_spent {k} ltac:(lia)) as Q; cbn [pred] in Q; lra",
    "shares": "apply share_nonneg; lia",
}


@dataclass
class Reasons:
    """Finds reasons; `forms` are trees that the reasons of facts speak of by their place."""

    reader: Reader
    argument: Argument
    formulas: tuple[tuple[str, sp.Expr], ...]
    indexed: Callable[[Claim], bool]
    forms: list[Node] = field(default_factory=list)

    def fact(self, claim: Claim, factor: Use | Earlier | Given, signs: Signs) -> Fact:
        if isinstance(factor, Given):
            return Fact(self.reader.scalar(factor.range.gives), "assumption")
        if isinstance(factor, Earlier):
            return self._earlier(claim, factor)
        return self._use(factor, signs)

    def _earlier(self, claim: Claim, factor: Earlier) -> Fact:
        title = own_name(factor.claim)
        if factor.claim == claim.name:
            return Fact(call(title, Node("index", (factor.index,))), "IH")
        source = next(c for c in self.argument.claims if c.name == factor.claim)
        if not self.indexed(source):
            return Fact(name(title), f"exact {title}_holds")
        return Fact(
            call(title, Node("index", (factor.index,))),
            f"apply {title}_holds; solve [lia | assumption]",
        )

    def _use(self, factor: Use, signs: Signs) -> Fact:
        rule, values = factor.rule.name, factor.arguments
        points = [p.index for p in values if isinstance(p, Point)]
        nodes = [point(i) for i in points]
        if rule == "descent_lemma":
            return Fact(call("descent f grad L", *nodes), "apply descent_lemma; exact f_smooth")
        if rule == "convexity":
            return Fact(call("tangent_gap f grad", *nodes), "apply convexity; exact f_tangents")
        if rule == "smooth_interpolation":
            constant = self.reader.scalar(values[2])
            larger = "apply Rle_refl"
            if values[2] != L:
                form = self._noted(signs.form(values[2] - L))
                larger = f"apply from_nonneg; by_form ({form})"
            return Fact(
                call("interpolation f grad", constant, *nodes),
                f"apply (smooth_interpolation f grad L); [exact L_pos | {larger} | exact f_smooth | exact f_tangents]",
            )
        if rule in ("subgradient", "inexact_subgradient"):
            a, b = points
            gap = call("subgradient_gap r", *nodes, subgradient(b))
            domain = _domain(a)
            if rule == "subgradient":
                return Fact(gap, f"apply (subgradient_inequality domain); [{domain} | {_subgradient(b)}]")
            eps = at("eps", "k")
            return Fact(
                add(gap, eps),
                f"apply (inexact_subgradient_inequality domain); [{domain} | apply s_inexact; lia]",
            )
        if rule == "monotone_subdifferential":
            a, b = points
            return Fact(
                call("monotone", *nodes, subgradient(a), subgradient(b)),
                f"apply (monotone_subdifferential domain r); [{_subgradient(a)} | {_subgradient(b)}]",
            )
        if rule == "strong_convexity":
            return Fact(call("strong_gap f grad mu", *nodes), "apply strong_convexity; exact f_strongly_convex")
        if rule == "strong_interpolation":
            return Fact(
                call("strong_interpolation f grad L mu", *nodes),
                "apply smooth_strong_interpolation; [exact mu_at_most_L | exact f_smooth | exact f_strongly_convex]",
            )
        if rule == "lipschitz_gradient":
            return Fact(
                call("lipschitz_gap grad L", *nodes), "apply (smooth_lipschitz f); [exact L_pos | exact f_smooth]"
            )
        if rule == "nonconvex_interpolation":
            reason = "apply nonconvex_interpolation; [exact L_pos | exact f_smooth]"
            return Fact(call("nonconvex_gap f grad L", *nodes), reason)
        if rule == "polyak_lojasiewicz":
            return Fact(
                self.reader.scalar(factor.expression),
                f"pose proof (polyak_lojasiewicz ({self._noted(nodes[0])})); lra",
            )
        if rule == "gradient_domination":
            return Fact(
                self.reader.scalar(factor.expression),
                "apply smooth_dominated; [exact L_pos | exact f_smooth | exact f_inf_below]",
            )
        if rule == "cauchy_schwarz":
            return self._schwarz(values)
        if rule == "norm":
            norm = self.reader.scalar(values[0])
            (vector,) = norm.args
            node = minus(Node("power", (norm, 2)), Node("sq", (vector,)))
            return Fact(node, "", equality=True)
        if rule == "entrywise_product":
            reason = "p_inverse" if same(values[0], PRODUCTS["G + b/p"].largest) else "delta1_bounds"
            return Fact(self.reader.scalar(factor.expression), f"pose proof ({reason} {{k}} ltac:(lia)); lra")
        if rule == "jensen":
            return Fact(self.reader.scalar(factor.expression), "exact jensen")
        return self._hypothesis(factor)

    def _noted(self, node: Node) -> str:
        """A mark for a tree in the reason of a fact."""
        self.forms.append(node)
        return f"{{{{{len(self.forms) - 1}}}}}"

    def _schwarz(self, values: tuple[Any, ...]) -> Fact:
        norms = [self.reader.scalar(v) for v in values[:2]]
        sign = 1
        for symbol_, vector in zip(values[:2], values[2:]):
            rows = [row.vector for row in SIZES.values() if row.symbol == symbol_]
            rows += [v for s, v in self.argument.norms.items() if s == symbol_]
            for row in rows:
                direction = sign_between(vector, row)
                if direction:
                    # T(z) - z = -(h/L) grad f(z) where r = 0
                    sign *= -direction if row == SIZES["tau, r = 0"].vector else direction
                    break
            else:
                raise Unproved(f"{symbol_} is no norm of {vector}")
        u, v = (norm.args[0] for norm in norms)
        dot = Node("dot", (u, v))
        node = minus(mul(*norms), dot) if sign > 0 else add(mul(*norms), dot)
        return Fact(node, "apply schwarz_minus" if sign > 0 else "apply schwarz_plus")

    def _hypothesis(self, factor: Use) -> Fact:
        value = factor.arguments[0]
        node = self.reader.scalar(value)
        for key, row in FACTS.items():
            if key in _FACT_REASONS and same(row.expression, value):
                return Fact(node, _FACT_REASONS[key])
        for key, expression in self.formulas:
            try:
                supposed = formula(expression).expression
            except Unproved:
                continue
            if same(supposed, value) and key in _FORMULA_REASONS:
                return Fact(node, _FORMULA_REASONS[key])
        raise Unproved(f"the export has no reason for {value} >= 0")


def _domain(index: str) -> str:
    return {
        "z": "exact z_domain",
        "0": "exact x_0_domain",
        "j": "apply x_domain; lia",
        "t": "apply Tz_subgradient",
    }.get(index, "apply x_domain; lia")


def _subgradient(index: str) -> str:
    return {"t": "exact Tz_subgradient", "p": "apply w_subgradient; lia"}.get(index, "apply s_subgradient; lia")
