"""Makes the lemmas of a proof from its argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from ...hypotheses import R_ZERO
from ...vocabulary import Q, k
from .._claims import Argument, Claim, Earlier, Part, Range, Use
from .._conditions import domain_of, first_index
from .._facts import DEFINITIONS
from .._goal import Goal
from .._symbols import Point
from ._algebra import Reader, minus
from ._lemmas import Lemma, Statement, case_name, own_name
from ._reasons import Reasons
from ._weights import Signs, Weight
from .nodes import Node, add, at, mul, name, number

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
    "a_k >= 1 and A_K >= 1, accelerated": ("accel_a_large",),
}
"""The suppositions that say a range, of the run and of a step."""
_AT_THE_END = {"A_at_least_1": "A_at_least_1", "accel_a_large": "accel_A_at_least_1"}
"""What of a range of each step is of use at K."""
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
    "accelerated, auxiliary": ("accel_u_step", "step"),
    "accelerated, start": ("accel_u_first", ""),
    "accelerated, deviation": ("accel_e_is", "step"),
    "accelerated, ahead": ("accel_y_is", "step"),
    "accelerated, weight": ("accel_A_is", "step"),
    "accelerated, weight before": ("accel_A_before", "step"),
    "accelerated, no weight": ("accel_A_first", ""),
    "decomposition": ("bshift_is", "step"),
    "profile": ("delta2_is", "step"),
}


@dataclass
class Builder:
    """Makes the lemmas of an argument; `hypotheses` are those of the bound, by the digest of their content."""

    goal: Goal
    argument: Argument
    formulas: tuple[tuple[str, sp.Expr], ...]
    first: dict[str, int] = field(default_factory=dict)

    @cached_property
    def reader(self) -> Reader:
        norms = {s.name.rpartition("_")[0] for s in self.argument.norms}
        return Reader(norms)

    @cached_property
    def reasons(self) -> Reasons:
        return Reasons(self.reader, self.argument, self.formulas, self._indexed)

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
        title = own_name(claim.name)
        lemmas = []
        families: dict[str, Node | None] = {}
        for number_, part in enumerate(claim.parts, 1):
            suffix = "start" if part.position != k else "step" if starts or indexed else "sum"
            if len(starts if part.position != k else general) > 1:
                suffix += f"_{number_}"
            lemmas.append(self._lemma(claim, part, f"{title}_{suffix}", indexed, first))
            for r in part.ranges:
                if r.cases and r is not claim.case:
                    families[r.cases] = None if r.of is None else self.reader.scalar(r.of)
        case = () if claim.case is None else (self.case(claim.case),)
        order = tuple(sorted(families.items(), key=lambda one: _ORDER.get(one[0], 2)))
        body = self.reader.scalar(claim.expression)
        return Statement(title, claim.says, body, indexed, first, case, tuple(lemmas), order)

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

    # one part

    def _lemma(self, claim: Claim, part: Part, title: str, indexed: bool, first: int) -> Lemma:
        place = str(part.position) if part.position != k else "step" if indexed else "K"
        domain = domain_of(part.ranges, title)
        if part.position == 1:
            domain[k] = sp.Integer(1)
        reader = Reader(self.reader.norms, self.parameters(part, place))
        terms, facts, weights = [], {}, {}
        signs = Signs(domain, self.reader, reader)
        earlier = False
        for one in part.terms:
            pieces = []
            if one.multiplier != 1:
                pieces.append(self.reader.scalar(one.multiplier))
            equality = False
            for factor in one.factors:
                fact = self.reasons.fact(claim, factor, signs)
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
        formulas += [
            f.arguments[2]
            for one in part.terms
            for f in one.factors
            if isinstance(f, Use) and f.rule.name == "smooth_interpolation"
        ]
        signs.note_divisors(formulas, place == "step")
        times = self._times(claim, part, signs)
        maxima = tuple(self._maxima(claim, signs))
        return Lemma(
            title,
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
            tuple(self.context(part, place, formulas)),
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

    def parameters(self, part: Part, place: str) -> dict[sp.Symbol, Node]:
        """What the symbols of ranges stand for."""
        names: dict[str, Node] = {}
        step = place == "step"
        before = Node("count", ("j",))
        K = Node("count", ("K",))
        one = number(1)
        range_names = {r.says for r in part.ranges}
        if step:
            names |= {"a": before, "b": minus(minus(K, before), one)}
            if "2 <= k <= K" in range_names:
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
            "a_k >= 1 and A_K >= 1, accelerated": {
                "m": minus(at("accel_a", "k"), one),
                "t": minus(at("accel_A", "K"), one),
            },
            "A_k >= 1 and A_K >= 1": {"m": minus(at("A", "k"), one), "t": minus(at("A", "K"), one)},
        }
        for text in range_names:
            names |= table.get(text, {})
        symbols: dict[sp.Symbol, Node] = {}
        for r in part.ranges:
            for value in r.values.values():
                for s in sp.sympify(value).free_symbols:
                    if s.name in names and s != Q.h and s != k:
                        symbols[s] = names[s.name]
        return symbols

    def _equations(self, part: Part, place: str) -> Iterator[str]:

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
        symbols = {
            s
            for one in part.terms
            for f in one.factors
            if isinstance(f, Use)
            for a in f.arguments
            if not isinstance(a, Point)
            for s in a.free_symbols
        }
        if Q.tau in symbols and any(d.hypotheses == (R_ZERO,) for d in self.argument.definitions):
            yield "Tz_is_gradient_step"
        for r in part.ranges:
            if r.says in _VALUES:
                yield _VALUES[r.says]
            if r.says == "Delta = 0" or r.says.startswith("step k is"):
                yield f"C_{case_name(r)}"
            if r.says == "step k is not guarded":
                yield "(momentum_none {k} ltac:(lia) C_guard)"

    def context(self, part: Part, place: str, formulas: list[sp.Expr]) -> Iterator[str]:
        for r in part.ranges:
            for text in _KNOWN.get(r.says, ()):
                yield text
            for text in _KNOWN_OF_STEP.get(r.says, ()):
                if place == "step":
                    extra = " C_guard" if text.startswith("momentum") else ""
                    yield f"({text} {{k}} ltac:(lia){extra})"
                elif text in _AT_THE_END:
                    yield f"({_AT_THE_END[text]} K ltac:(lia))"
        symbols = {s for e in formulas for s in sp.sympify(e).free_symbols}
        for text in ("Delta", "sigma_max", "mu"):
            if any(s.name == text for s in symbols):
                yield f"{text}_nonneg"
        for base in ("sigma", "weight", "share", "delta1", "C1", "C2", "dz", "G_inf", "guarded"):
            if place == "step" and any(s.name == f"{base}_k" for s in symbols):
                yield f"({'delta1_max' if base == 'delta1' else base}_nonneg {{k}} ltac:(lia))"
        renamed = {"accel_weight": "accel_A", "guard_weight": "A", "guard_count": "N", "pot": "pot", "budget": "budget"}
        for base, text in renamed.items():
            for index, where in (("k", "{k}"), ("j", "{j}"), ("0", "0%nat"), ("K", "K")):
                if any(s.name == f"{base}_{index}" for s in symbols) and (index in "0K" or place == "step"):
                    yield f"({text}_nonneg {where} ltac:(lia))"
