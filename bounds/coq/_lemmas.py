"""The proof of a bound in the intermediate form: one lemma for each part of each claim.

A lemma says that a claim holds at one place, if it does at the place before. Its proof is a list of facts, each a named
inequality or an earlier claim, weights that are >= 0, and the identity that the claim is their sum.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from ..hypotheses import R_ZERO
from ..proofs._claims import Argument, Claim, Earlier, Given, Part, Range, Term, Unproved, Use
from ..proofs._conditions import domain_of, first_index, same
from ..proofs._facts import FACTS, PRODUCTS, SIZES
from ..proofs._goal import Goal, formula
from ..proofs._symbols import L, Point
from ..vocabulary import Q, k
from ._algebra import Reader, minus, point, sign_between, subgradient
from ._context import BY_NAME
from ._derived import DERIVED
from ._nodes import Node, add, at, call, mul, name, number
from ._weights import Signs, Weight

_TAKEN = {"descent", "monotone", "convex", "smooth", "norm", "dot", "sum", "prox", "interpolation", "at", "fit"}


@dataclass(frozen=True)
class Fact:
    """``expression >= 0``, for the reason that the text gives as a tactic of Coq."""

    expression: Node
    reason: str
    equality: bool = False


@dataclass(frozen=True)
class Lemma:
    """``times * claim`` at a place is the sum of terms.

    `place`: "step" for j + 1 after j, "0" and "1" for a start, "K" for the end of the run. `terms` are trees, `facts`
    and `weights` say why each of their factors is >= 0. `below` are the > 0 that is divided by.
    """

    name: str
    says: str
    claim: str
    place: str
    cases: tuple[tuple[str, str | Node], ...]
    first: int
    earlier: bool
    times: Node
    times_form: tuple[Weight, ...]
    terms: tuple[Node, ...]
    facts: tuple[Fact, ...]
    weights: tuple[Weight, ...]
    below: tuple[Weight, ...]
    equations: tuple[str, ...]
    context: tuple[str, ...]
    maxima: tuple[tuple[Node, Weight, bool], ...] = ()


@dataclass(frozen=True)
class Statement:
    """A claim: a number, of each step where `indexed`, and its lemmas."""

    name: str
    says: str
    body: Node
    indexed: bool
    first: int
    cases: tuple[str, ...]
    lemmas: tuple[Lemma, ...]
    families: tuple[tuple[str, tuple[str, str], str], ...]


CASE_TEXT = {
    "0 < h <= 1, of h <= 5/4": "h <= 1",
    "1 < h <= 5/4": "1 < h",
    "sigma_k < h": "sigma {k} < h",
    "sigma_k >= h": "h <= sigma {k}",
    "Delta > 0": "0 < Delta",
    "Delta = 0": "Delta = 0",
    "0 <= mu < L": "mu < L",
    "0 < mu <= L": "0 < mu",
    "step k is guarded": "guarded {k} = 1",
    "step k is not guarded": "guarded {k} = 0",
}
"""What a case supposes."""
SPLITS = {
    "h": "destruct (Rle_or_lt h 1)",
    "sigma_k": "destruct (Rlt_or_le (sigma {k}) h)",
    "Delta": "destruct (positive_or_zero Delta Delta_nonneg)",
    "mu": "destruct (below_or_above mu L L_pos)",
    "guard": "destruct (guarded_or_not {k} ltac:(lia))",
}
_ORDER = {"h": 0, "sigma_k": 0, "Delta": 1, "mu": 1, "guard": 1}
_KNOWN = {
    "0 < h <= 1": ("h_at_most_1",),
    "0 < h <= 1, of h <= 5/4": ("h_at_most_5_4",),
    "1 < h <= 5/4": ("h_at_most_5_4",),
    "h = 1": ("h_is_1",),
    "h = 1/2": ("h_is_half",),
    "sigma < h": ("sigma_below_step", "sigma_max_nonneg"),
    "Delta > 0, of apart": ("apart",),
    "0 <= b < 1": ("b_nonneg", "b_below_1"),
    "0 <= mu < L": ("mu_at_most_L", "mu_nonneg"),
    "0 < mu <= L": ("mu_at_most_L",),
}
_KNOWN_OF_STEP = {
    "0 < h_k <= 1": ("step_h_pos", "step_h_at_most_1"),
    "2 W_k > v_k": ("weight_heavy",),
    "L p_i > 0": ("Lp_min_pos",),
    "step k is guarded": ("momentum_large", "momentum_square"),
    "step k is not guarded": ("momentum_none",),
    "A_k >= 1 and A_K >= 1": ("A_at_least_1",),
}
"""The suppositions that say a range, of the run and of a step."""
_VALUES = {"h = 1": "h_is_1", "h = 1/2": "h_is_half"}
_EQUATIONS = {
    # what a definition of proofs is in a file: (a supposition or derived equation, where it is taken)
    "exact step": ("exact_subgradient", "step"),
    "exact step, r = 0": ("exact_gradient_step", "step"),
    "minimiser, r = 0": ("gradient_vanishes", ""),
    "T(z)": ("s_T_is", ""),
    "potential": ("pot_before", "step"),
    "last potential": ("pot_last", ""),
    "weight left": ("rest_before", "step"),
    "all weight": ("rest_first", ""),
    "no weight": ("rest_last", ""),
    "guard, auxiliary": ("aux_step", "step"),
    "guard, point": ("w_step", "step"),
    "guard, ahead": ("y_step", "step"),
    "guard, start": ("aux_first", ""),
    "guard, weight": ("A_before", "step"),
    "guard, no weight": ("A_first", ""),
    "guard, count": ("N_before", "step"),
    "guard, no count": ("N_first", ""),
    "decomposition": ("bshift_is", "step"),
    "profile": ("delta2_is", "step"),
}
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
    "monotone": "pose proof (monotone_run {k} ltac:(lia)); lra",
    "weights": "pose proof (weight_free {k} ltac:(lia)) as Q; pose proof (weight_heavy {k} ltac:(lia)); "
    "cbn [pred] in Q; lra",
    "guard_weights": "rewrite ?C_guard; lra",
    "budget": "pose proof (budget_spent {k} ltac:(lia)) as Q; cbn [pred] in Q; lra",
    "shares": "apply share_nonneg; lia",
}


def own_name(text: str) -> str:
    """The name of a claim in a file."""
    plain = re.sub(r"\W+", "_", text)
    return f"{plain}_claim" if plain in _TAKEN or plain in BY_NAME or plain in DERIVED else plain


@dataclass
class Builder:
    """Makes the lemmas of an argument; `hypotheses` are those of the bound, by the digest of their content."""

    goal: Goal
    argument: Argument
    formulas: tuple[tuple[str, sp.Expr], ...]
    inexact: bool
    first: dict[str, int] = field(default_factory=dict)
    forms: list[Node] = field(default_factory=list)
    """Forms that the reasons of facts speak of by their place."""

    @cached_property
    def reader(self) -> Reader:
        norms = {s.name.rpartition("_")[0]: None for s in self.argument.norms}
        return Reader(norms)  # type: ignore[arg-type]

    def sums(self) -> dict[str, tuple[Node, bool]]:
        """Definitions of the partial sums at k, and whether they are vectors."""
        made = {}
        for text, rule in self.argument.sums.items():
            vector = text in "uvw"
            read = self.reader.vector if vector else self.reader.scalar
            body = read(rule.increment)
            if rule.factor == 1:
                node = Node("vsum" if vector else "sum", (body, "k"))
                if rule.start != 0:
                    node = Node("vadd", (read(rule.start), node)) if vector else add(read(rule.start), node)
            else:
                node = Node("discounted", (read(rule.factor), read(rule.start), body, "k"))
            made[text] = (node, vector)
        return made

    def norms(self) -> dict[str, Node]:
        """Definitions of the vectors whose norms the proof names, at k."""
        return {s.name.rpartition("_")[0]: self.reader.vector(v) for s, v in self.argument.norms.items()}

    def statements(self) -> list[Statement]:
        return [self.statement(claim) for claim in self.argument.claims if not claim.equality]

    def statement(self, claim: Claim) -> Statement:
        indexed = self._indexed(claim)
        starts = [p for p in claim.parts if p.position != k]
        general = [p for p in claim.parts if p.position == k]
        first = max((first_index(p) for p in general), default=1)
        first = first - 1 if starts else first
        self.first[claim.name] = first
        own = own_name(claim.name)
        lemmas = []
        families: dict[str, tuple[str, tuple[str, str], str]] = {}
        for number_, part in enumerate(claim.parts, 1):
            suffix = "start" if part.position != k else "step" if starts or indexed else "sum"
            if len(starts if part.position != k else general) > 1:
                suffix += f"_{number_}"
            lemmas.append(self._lemma(claim, part, f"{own}_{suffix}", indexed, first))
            for r in part.ranges:
                if r.cases and r is not claim.case:
                    families[r.cases] = self._family(r)
        case = () if claim.case is None else (self.case(claim.case),)
        order = tuple(sorted(families.values(), key=lambda one: _ORDER.get(one[0], 2)))
        body = self.reader.scalar(claim.expression)
        return Statement(own, claim.says, body, indexed, first, case, tuple(lemmas), order)

    def _indexed(self, claim: Claim) -> bool:
        def speaks(e: sp.Expr) -> bool:
            return e.has(k) or any(s.name.endswith(("_k", "_j")) for s in e.free_symbols)

        if speaks(claim.expression):
            return True
        for part in claim.parts:
            for one in part.terms:
                if speaks(one.multiplier) or (one.square is not None and speaks(one.square)):
                    return True
                for f in one.factors:
                    if isinstance(f, Earlier) and f.index in "kj" and self._earlier_indexed(f.claim):
                        return True
        return False

    def _earlier_indexed(self, text: str) -> bool:
        return self._indexed(next(c for c in self.argument.claims if c.name == text))

    def case(self, r: Range) -> Node | str:
        if r.gives is not None:
            return self.reader.scalar(r.gives)
        return CASE_TEXT[r.says]

    def _family(self, r: Range) -> tuple[str, tuple[str, str], str]:
        if r.gives is not None:
            return (r.cases, (self.reader.scalar(r.of), ""), "sign")  # type: ignore[return-value]
        return (r.cases, ("", ""), "range")

    # one part

    def _lemma(self, claim: Claim, part: Part, own: str, indexed: bool, first: int) -> Lemma:
        place = str(part.position) if part.position != k else "step" if indexed else "K"
        domain = domain_of(part.ranges, own)
        if part.position == 1:
            domain[k] = sp.Integer(1)
        reader = Reader(self.reader.norms, self._parameters(part, place))
        terms, facts, weights = [], {}, {}
        signs = Signs(domain, self.reader, reader)
        earlier = False
        for one in part.terms:
            pieces = []
            if one.multiplier != 1:
                pieces.append(self.reader.scalar(one.multiplier))
            equality = False
            for factor in one.factors:
                fact = self._fact(claim, factor, signs)
                earlier |= fact.reason == "IH"
                equality |= fact.equality
                facts[fact.expression] = fact
                pieces.append(fact.expression)
            if one.square is not None:
                pieces.append(self.reader.scalar(one.square**2))
            if one.multiplier != 1 and not equality:
                weights[pieces[0]] = signs.weight(one.multiplier)
            terms.append(mul(*pieces))
        formulas = [claim.expression, part.times, *(one.multiplier for one in part.terms)]
        formulas += [one.square for one in part.terms if one.square is not None]
        formulas += [d.value for d in self.argument.definitions]
        formulas += [rule.increment for rule in self.argument.sums.values()]
        formulas += [f.arguments[2] for one in part.terms for f in one.factors if isinstance(f, Use)
                     and f.rule.name == "smooth_interpolation"]  # fmt: skip
        signs.note_divisors(formulas, place == "step")
        times = self._times(claim, part, signs)
        maxima = tuple(self._maxima(claim, signs))
        return Lemma(
            own,
            part.says,
            own_name(claim.name),
            place,
            tuple((f"C_{case_name(r)}", self.case(r)) for r in part.ranges if r.cases),
            2 if first_index(part) == 2 and place == "step" else 1,
            earlier,
            self.reader.scalar(part.times),
            times,
            tuple(terms),
            tuple(facts.values()),
            tuple(weights.values()),
            tuple(signs.facts.values()),
            tuple(self._equations(part, place)),
            tuple(self._context(part, place, formulas)),
            maxima,
        )

    def _times(self, claim: Claim, part: Part, signs: Signs) -> tuple[Weight, ...]:
        if part.times == 1:
            return ()
        if signs.sees(part.times, strict=True):
            return (signs.weight(part.times, strict=True),)
        both = part.times + claim.expression, part.times - claim.expression
        return tuple(Weight(number(0), signs.form(e)) for e in both)

    def _maxima(self, claim: Claim, signs: Signs) -> Iterator[tuple[Node, Weight, bool]]:
        """The maxima of a claim, each with the sign of what is inside."""
        for one in sorted(claim.expression.atoms(sp.Max), key=str):
            (inside,) = (a for a in one.args if a != 0)
            positive = signs.sees(inside)
            yield self.reader.scalar(inside), signs.weight(inside if positive else -inside), positive

    def _parameters(self, part: Part, place: str) -> dict[sp.Symbol, Node]:
        """What the symbols of ranges stand for."""
        names: dict[str, Node] = {}
        step = place == "step"
        before = Node("count", ("j",))
        K = Node("count", ("K",))
        one = number(1)
        said = {r.says for r in part.ranges}
        if step:
            names |= {"a": before, "b": minus(minus(K, before), one)}
            if "2 <= k <= K" in said:
                names["a"] = minus(before, one)
        else:
            names["b"] = minus(K, one)
        h, mu = name("h"), name("mu")
        table: dict[str, dict[str, Node]] = {
            "0 < h <= 1": {"v": h, "u": minus(one, h)},
            "0 < h <= 1, of h <= 5/4": {"v": h, "u": minus(one, h)},
            "1 < h <= 5/4": {"v": mul(number(4), minus(h, one)), "u": minus(number(5), mul(number(4), h))},
            "0 < h_k <= 1": {"q": at("step_h", "k"), "p": minus(one, at("step_h", "k"))},
            "2 W_k > v_k": {"q": minus(mul(number(2), at("weight", "k")), at("pot", "k"))},
            "L p_i > 0": {"least": at("Lp_min", "k")},
            "sigma < h": {"p": name("sigma_max"), "q": minus(h, name("sigma_max"))},
            "Delta > 0, of apart": {"delta": name("Delta")},
            "Delta > 0": {"delta": name("Delta")},
            "sigma_k < h": {"t": at("sigma", "k"), "w": minus(h, at("sigma", "k"))},
            "sigma_k >= h": {"t": minus(at("sigma", "k"), h)},
            "0 <= b < 1": {"p": name("b"), "q": minus(one, name("b"))},
            "0 <= mu < L": {"m": mu, "l": minus(name("L"), mu)},
            "0 < mu <= L": {"l": mu, "m": minus(name("L"), mu)},
            "step k is guarded": {"p": minus(at("a", "k"), one)},
            "A_k >= 1 and A_K >= 1": {"m": minus(at("A", "k"), one), "t": minus(at("A", "K"), one)},
        }
        for text in said:
            names |= table.get(text, {})
        symbols: dict[sp.Symbol, Node] = {}
        for r in part.ranges:
            for value in r.values.values():
                for s in sp.sympify(value).free_symbols:
                    if s.name in names and s != Q.h and s != k:
                        symbols[s] = names[s.name]
        return symbols

    def _equations(self, part: Part, place: str) -> Iterator[str]:
        from ..proofs._facts import DEFINITIONS

        keys = {id(d): key for key, d in DEFINITIONS.items()}
        for definition in self.argument.definitions:
            key = keys.get(id(definition)) or next(x for x, d in DEFINITIONS.items() if d == definition)
            if key.startswith("r = 0: r"):
                yield "r_is_0"
            elif key.startswith("r = 0: s"):
                if place == "step":
                    yield "(s_is_0 {k} ltac:(lia))"
            elif key.startswith("indicator"):
                if place == "step":
                    yield "(r_indicator (x {k}) (x_domain {k} ltac:(lia)))"
                    yield "(r_indicator z z_domain)"
            else:
                text, where = _EQUATIONS[key]
                if where == "step" and place == "step":
                    yield f"({text} {{k}} ltac:(lia))"
                elif where == "":
                    yield text
        symbols = {s for one in part.terms for f in one.factors if isinstance(f, Use) for a in f.arguments
                   if not isinstance(a, Point) for s in a.free_symbols}  # fmt: skip
        if Q.tau in symbols and any(d.hypotheses == (R_ZERO,) for d in self.argument.definitions):
            yield "Tz_is_gradient_step"
        for r in part.ranges:
            if r.says in _VALUES:
                yield _VALUES[r.says]
            if r.says == "Delta = 0" or r.says.startswith("step k is"):
                yield f"C_{case_name(r)}"
            if r.says == "step k is not guarded":
                yield "(momentum_none {k} ltac:(lia) C_guard)"

    def _context(self, part: Part, place: str, formulas: list[sp.Expr]) -> Iterator[str]:
        for r in part.ranges:
            for text in _KNOWN.get(r.says, ()):
                yield text
            for text in _KNOWN_OF_STEP.get(r.says, ()):
                if place == "step":
                    extra = " C_guard" if text.startswith("momentum") else ""
                    yield f"({text} {{k}} ltac:(lia){extra})"
                elif text == "A_at_least_1":
                    yield "(A_at_least_1 K ltac:(lia))"
        symbols = {s for e in formulas for s in sp.sympify(e).free_symbols}
        for text in ("Delta", "sigma_max", "mu"):
            if any(s.name == text for s in symbols):
                yield f"{text}_nonneg"
        for base in ("sigma", "weight", "share", "delta1", "C1", "C2", "dz", "G_inf", "guarded"):
            if place == "step" and any(s.name == f"{base}_k" for s in symbols):
                yield f"({'delta1_max' if base == 'delta1' else base}_nonneg {{k}} ltac:(lia))"
        renamed = {"guard_weight": "A", "guard_count": "N", "pot": "pot", "budget": "budget"}
        for base, text in renamed.items():
            for index, where in (("k", "{k}"), ("j", "{j}"), ("0", "0%nat"), ("K", "K")):
                if any(s.name == f"{base}_{index}" for s in symbols) and (index in "0K" or place == "step"):
                    yield f"({text}_nonneg {where} ltac:(lia))"

    # factors

    def _fact(self, claim: Claim, factor: Use | Earlier | Given, signs: Signs) -> Fact:
        if isinstance(factor, Given):
            return Fact(self.reader.scalar(factor.range.gives), "assumption")
        if isinstance(factor, Earlier):
            return self._earlier(claim, factor)
        return self._use(factor, signs)

    def _earlier(self, claim: Claim, factor: Earlier) -> Fact:
        own = own_name(factor.claim)
        if factor.claim == claim.name:
            return Fact(call(own, Node("index", (factor.index,))), "IH")
        source = next(c for c in self.argument.claims if c.name == factor.claim)
        if not self._indexed(source):
            return Fact(name(own), f"exact {own}_holds")
        return Fact(
            call(own, Node("index", (factor.index,))),
            f"apply {own}_holds; solve [lia | assumption]",
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
                return Fact(
                    gap, f"apply (subgradient_inequality domain); [{domain} | {_subgradient(b)}]"
                )
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
            return Fact(call("lipschitz_gap grad L", *nodes), "apply (smooth_lipschitz f); [exact L_pos | exact f_smooth]")
        if rule == "polyak_lojasiewicz":
            return Fact(
                self.reader.scalar(factor.expression),
                f"pose proof (polyak_lojasiewicz ({self._noted(nodes[0])})); lra",
            )
        if rule == "gradient_domination":
            return Fact(self.reader.scalar(factor.expression), "apply smooth_dominated; [exact L_pos | exact f_smooth | exact f_inf_below]")
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

    def _schwarz(self, values: tuple) -> Fact:
        norms = [self.reader.scalar(v) for v in values[:2]]
        sign = 1
        for symbol_, vector in zip(values[:2], values[2:]):
            rows = [row.vector for row in SIZES.values() if row.symbol == symbol_]
            rows += [v for s, v in self.argument.norms.items() if s == symbol_]
            for row in rows:
                found = sign_between(vector, row)
                if found:
                    # T(z) - z = -(h/L) grad f(z) where r = 0
                    sign *= -found if row == SIZES["tau, r = 0"].vector else found
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
            if row.expression.free_symbols == value.free_symbols and same(row.expression, value):
                if key in _FACT_REASONS:
                    return Fact(node, _FACT_REASONS[key])
        for key, expression in self.formulas:
            try:
                supposed = formula(expression).expression
            except Unproved:
                continue
            if same(supposed, value) and key in _FORMULA_REASONS:
                return Fact(node, _FORMULA_REASONS[key])
        raise Unproved(f"the export has no reason for {value} >= 0")


def case_name(r: Range) -> str:
    """A short name of the family of a case."""
    return "sign" if r.gives is not None else r.cases


def _domain(index: str) -> str:
    return {"z": "exact z_domain", "0": "exact x_0_domain", "j": "apply x_domain; lia", "t": "apply Tz_subgradient"}.get(
        index, "apply x_domain; lia"
    )


def _subgradient(index: str) -> str:
    return {"t": "exact Tz_subgradient", "p": "apply w_subgradient; lia"}.get(index, "apply s_subgradient; lia")


