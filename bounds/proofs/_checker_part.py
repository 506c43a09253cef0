"""One part of one claim: its place, its ranges, its terms, and the identity that they add up to."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _checker_base as base
from ._checker_arithmetic import (
    VECTOR,
    Point,
    Quotient,
    Wrong,
    demand,
    divisors,
    even,
    has_sign,
    lookup_in,
    names,
    parse,
    place_in,
    prime,
    quotient,
    same,
    value,
)

if TYPE_CHECKING:
    from .checker import Ground

_PLACES = {("k", "k"): 0, ("j", "k - 1"): -1}
_ENDS = {("0", "0"): 0, ("K", "K"): 1}


def first_index(part: Mapping[str, Any]) -> int:
    """The least k of a part at a general k."""
    return 2 if "2 <= k <= K" in part["ranges"] else 1


@dataclass
class Part:
    """One part of one claim."""

    ground: Ground
    claim: Mapping[str, Any]
    part: Mapping[str, Any]
    first: int
    domain: dict[str, ast.expr] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)
    quotients: dict[str, Quotient] = field(default_factory=dict)
    not_0: set[tuple[str, tuple[str, str]]] = field(default_factory=set)

    @property
    def at_1(self) -> bool:
        return self.part["position"] == "1"

    def check(self) -> None:
        part, where = self.part, f"claim {self.claim['name']}"
        place = (part["index"], part["position"])
        demand(place in (("k", "k"), ("k", "1"), ("0", "0")), f"{where}: index and position {place} do not agree")
        demand(place == ("k", "k") or "2 <= k <= K" not in part["ranges"], f"{where}: a start that supposes k >= 2")
        early = place[1] == "0" and any(n.endswith("_j") for n in names(parse(self.claim["expression"])))
        demand(not early, f"{where}: it speaks of x_(k-1), and there is none before x_0")
        self._ranges(where)
        self._finite(parse(self.claim["expression"]), where, place)
        for text in (*self.ground.definitions.values(), *self._goal(), part["times"]):
            self._finite(parse(text), where)
        times, wanted = parse(part["times"]), parse(self.claim["expression"])
        self._scalar(part["times"], where)
        self.ground.check_stays(part["times"], where)
        pieces: list[Callable[[int], int]] = []

        def claimed(scale: int) -> int:
            return self.value(times, scale) * self.value(wanted, scale, place)

        demand(self._positive(times, place), f"{where}: it is multiplied by {part['times'][:80]}, of no known sign")
        pieces.append(claimed)
        for one in part["terms"]:
            pieces.append(self._term(one, where))
        for piece in pieces:
            demand(even(piece), f"{where}: a term is not quadratic in the vectors")
        total = claimed(1) - sum(piece(1) for piece in pieces[1:])
        demand(total % prime() == 0, f"{where}: the identity leaves a remainder")

    def _ranges(self, where: str) -> None:
        taken: set[str] = set()
        signs: list[str] = []
        for r in {json.dumps(r): r for r in self.part["ranges"]}.values():
            if not isinstance(r, str):
                demand(set(r) == {"of", "sign"} and r["sign"] in ("+", "-"), f"{where}: no range: {r}")
                self.ground.check_names(r["of"])
                self.ground.check_stays(r["of"], where)
                demand(self.ground.degrees(r["of"]) <= {0, 2}, f"{where}: {r['of']} has no sign")
                signs.append(r["of"])
                continue
            values, needs, _ = base.RANGES[r]
            self.ground.grant(needs, f"{where}: the range {r}")
            mine = {n for text in values.values() for n in names(parse(text)) if n.startswith("_")}
            demand(not mine & taken and not set(values) & set(self.domain), f"{where}: {r} shares symbols with another")
            taken |= mine
            self.domain |= {name: parse(text) for name, text in values.items()}
        if self.at_1:
            self.domain["k"] = parse("1")
        for text in signs:
            self._finite(parse(text), where)

    def _goal(self) -> tuple[str, ...]:
        return (self.ground.goal,) if self.claim is self.ground.certificate["claims"][-1] else ()

    def _finite(self, tree: ast.expr, where: str, place: tuple[str, str] = ("k", "k")) -> None:
        """All that a formula divides by, taken at that place, is shown to be > 0 or < 0 before anything cancels."""
        for divisor in divisors(tree):
            key = ast.unparse(divisor), place
            if key not in self.not_0:
                lookup = place_in(lookup_in(self.domain, self.quotients), *place)
                self.ground.demand_never_0(divisor, quotient(divisor, lookup), where)
                self.not_0.add(key)

    def _scalar(self, text: str, where: str) -> None:
        self.ground.check_names(text)
        demand(not any(map(VECTOR.fullmatch, names(parse(text)))), f"{where}: the multiplier {text} has vectors")

    def _sign(self, tree: ast.expr, strict: bool = False) -> bool:
        try:
            fraction = quotient(tree, lookup_in(self.domain, self.quotients))
        except Wrong:
            return False
        return has_sign(fraction, self.ground.at_least_0, base.ABOVE_0.__contains__, strict)

    def _positive(self, times: ast.expr, place: tuple[str, str]) -> bool:
        if self._sign(times, True):
            return True
        if place != ("k", "k"):
            return False
        # the claim is Y - X and `times` Y + X, both >= 0: where that is 0, so is the claim
        wanted = parse(self.claim["expression"])
        both = [ast.BinOp(times, op, wanted) for op in (ast.Add(), ast.Sub())]
        return all(map(self._sign, both))

    def value(self, tree: ast.expr, scale: int, place: tuple[str, str] = ("k", "k")) -> int:
        """The value of a formula taken at a place, with sums by their recurrence and definitions put in."""
        index, position = place

        def lookup(name: str) -> int:
            if name == "k":
                return self.value(parse(position), scale) if position != "k" else self._name("k", scale)
            return self._name(f"{name[:-1]}{index}" if name.endswith("_k") else name, scale)

        return value(tree, lookup, lambda inside: self._maximum(inside, scale, place))

    def _maximum(self, inside: ast.expr, scale: int, place: tuple[str, str]) -> int:
        demand(place == ("k", "k"), "a maximum is taken elsewhere")
        if self._sign(inside):
            return self.value(inside, scale)
        demand(self._sign(ast.UnaryOp(ast.USub(), inside)), f"the sign of {ast.unparse(inside)[:80]} is not known")
        return 0

    def _name(self, name: str, scale: int) -> int:
        stem, _, index = name.rpartition("_")
        rule = self.ground.sums.get(stem)
        if rule is not None and index == "k":
            before = self.value(parse(rule["factor"]), scale) * self._name(f"{stem}_j", scale)
            return before + self.value(parse(rule["increment"]), scale)
        if rule is not None and index == "0":
            return self.value(parse(rule["start"]), scale)
        if name in self.ground.definitions:
            return self.value(parse(self.ground.definitions[name]), scale)
        if name in self.domain and not names(self.domain[name]):
            return value(self.domain[name], self._never)
        if name not in self.points:
            self.points[name] = Point()(name)
        return self.points[name] * (scale if VECTOR.fullmatch(name) else 1)

    @staticmethod
    def _never(name: str) -> int:
        raise Wrong(f"no number: {name}")

    def _term(self, one: Mapping[str, Any], where: str) -> Callable[[int], int]:
        multiplier, square = parse(one["multiplier"]), parse(one["square"] or "1")
        self._scalar(one["multiplier"], where)
        if one["square"]:
            self.ground.check_names(one["square"])
        factors = [self._factor(factor, where) for factor in one["factors"]]
        self._entries(one, where)
        for tree, place in ((multiplier, ("k", "k")), (square, ("k", "k")), *(factor[:2] for factor in factors)):
            self._finite(tree, where, place)
        equality = any(is_equality for _, _, is_equality in factors)
        demand(equality or not self.claim["equality"], f"{where}: an equality is proved by equalities only")
        demand(equality or self._sign(multiplier), f"{where}: the sign of {one['multiplier'][:80]} is not known")

        def total(scale: int) -> int:
            product = self.value(multiplier, scale) * self.value(square, scale) ** 2
            for tree, place, _ in factors:
                product = product * self.value(tree, scale, place) % prime()
            return product

        return total

    def _entries(self, one: Mapping[str, Any], where: str) -> None:
        """Numbers that differ from entry to entry occur in squares only, beside facts about numbers."""
        used = [a for f in one["factors"] for a in f.get("arguments", ()) if not a.startswith("@")]
        spoken = {name for text in (one["multiplier"], one["square"] or "1", *used) for name in names(parse(text))}
        if not spoken & base.ENTRYWISE:
            return
        fine = bool(one["square"]) and self.ground.degree(one["square"]) == 1
        fine = fine and all(f.get("rule") == "hypothesis" for f in one["factors"])
        inside = {name for text in used for name in names(parse(text))}
        numbers = not any(VECTOR.fullmatch(n) or re.fullmatch(r"[fr]_.|f_inf", n) for n in inside)
        demand(fine and numbers, f"{where}: a term speaks of single entries, and is no square with facts about numbers")

    def _factor(self, factor: Mapping[str, Any], where: str) -> tuple[ast.expr, tuple[str, str], bool]:
        """A factor as a formula, the place it is taken at, and whether it is = 0."""
        here = ("k", "k")
        if "rule" in factor:
            template, kinds, needs = base.RULES[factor["rule"]]
            arguments = tuple(factor["arguments"])
            where = f"{where}: {factor['rule']}({', '.join(arguments)[:80]})"
            self.ground.grant(needs, where)
            demand(len(arguments) == len(kinds), f"{where}: {len(kinds)} arguments")
            for kind, argument in zip(kinds, arguments):
                point = kind in ("point", "subgradient", "inexact")
                demand(argument.startswith("@") == point and (point or argument), f"{where}: {argument} is no {kind}")
                if not point:
                    self.ground.check_names(argument)
                demand(self._is(kind, argument, arguments, where), f"{where}: {argument[:80]} is no {kind}")
            points = dict(zip("ab", (a[1:] for a in arguments if a.startswith("@"))))
            rest = [a for a in arguments if not a.startswith("@")]
            return parse(template.format(*rest, **points)), here, factor["rule"] in base.EQUALITIES
        if "given" in factor:
            r = factor["given"]
            demand(not isinstance(r, str) and r in self.part["ranges"], f"{where}: {r} is another case")
            return parse(r["of"] if r["sign"] == "+" else f"-({r['of']})"), here, False
        place = (factor["index"], factor["position"])
        name = factor["claim"]
        if name == self.claim["name"]:
            fine = place == ("j", "k - 1") and self.part["position"] == "k" and not self.claim["equality"]
            demand(fine, f"{where}: it is used to prove itself")
            self._usable(self.claim, self.first, place, where)
            return parse(self.claim["expression"]), place, False
        demand(name in self.ground.claims, f"{where}: claim {name} is used before it is proved")
        source = self.ground.claims[name]
        self._usable(source, self.ground.first[name], place, where)
        return parse(source["expression"]), place, source["equality"] is True

    def _usable(self, source: Mapping[str, Any], first: int, place: tuple[str, str], where: str) -> None:
        demand(place in _PLACES or place in _ENDS, f"{where}: index and position {place} do not agree")
        low = first_index(self.part) if self.part["position"] == "k" else max(1, int(self.part["position"]))
        least = _ENDS[place] if place in _ENDS else low + _PLACES[place]
        used = names(parse(source["expression"]))
        if not any(n == "k" or n.endswith(("_k", "_j")) for n in used):
            least = max(least, 1)
        elif any(n.endswith("_j") for n in used):
            demand(place[0] == "k", f"{where}: claim {source['name']} is about a step and used at {place[1]}")
        demand(first <= least, f"{where}: claim {source['name']} holds from {first} on and is used at {place[1]}")
        case = source["case"]
        demand(case is None or case in self.part["ranges"], f"{where}: claim {source['name']} holds in another case")
        if case is not None and place[0] != "k":
            texts = (
                [case["of"]] if not isinstance(case, str) else [*base.RANGES[case][0], *base.RANGES[case][0].values()]
            )
            moving = [n for text in texts for n in names(parse(text)) if n == "k" or n.endswith(("_k", "_j"))]
            demand(not moving, f"{where}: claim {source['name']} holds in a case at k and is used at {place[1]}")

    def _is(self, kind: str, argument: str, arguments: tuple[str, ...], where: str) -> bool:
        if kind in ("point", "subgradient", "inexact"):
            index = argument[1:]
            if index == "t":
                self.ground.grant(("r_convex",), f"{where}: T(z)")
            if index in ("y", "p"):
                self.ground.grant(("accelerated_guard",), f"{where}: the points of the guard")
            if index == "e":
                self.ground.grant(("accelerated_weights",), f"{where}: the point of the accelerated reference")
            if index == "o":
                self.ground.grant(("momentum_region",), f"{where}: the point ahead of a step with momentum")
            if kind == "inexact":
                return index == "k"
            if kind == "subgradient":
                early = index == "j" and not (self.part["position"] == "k" and first_index(self.part) == 2)
                return index in ("k", "K", "t", "j", "p") and not early and not self.ground.inexact
            return index in ("k", "j", "0", "K", "z", "t", "y", "p", "e", "o")
        if kind == "eps":
            return same(argument, "eps_k")
        if kind == "constant":
            return self._sign(parse(f"{argument} - L"))
        if kind == "vector":
            return any(self._tied(a, argument) for a in arguments if re.fullmatch(r"\w+", a))
        if kind.startswith("size of "):
            return self._tied(argument, arguments[int(kind[-1]) - 1])
        if kind == "product":
            rows = [row for row in base.PRODUCTS.values() if all(map(same, row[0], arguments))]
            return any(set(needs) <= self.ground.granted for _, needs in rows)
        if kind == "mean":
            of = [n for n, r in self.ground.sums.items() if (r["factor"], r["start"]) == ("1", "0")]
            of = [n for n in of if same(self.ground.sums[n]["increment"], "f_k + r_k")]
            return any(same(argument, f"{n}_K/K - F_mean") for n in of)
        texts = [text for text, needs in base.FACTS.values() if set(needs) <= self.ground.granted]
        return any(same(argument, text) for text in (*texts, *self.ground.facts))

    def _tied(self, norm: str, vector: str) -> bool:
        rows = [(s, v) for s, v, needs in base.SIZES.values() if set(needs) <= self.ground.granted]
        rows += self.ground.norms.items()
        return any(s == norm and (same(v, vector) or same(f"-({v})", vector)) for s, v in rows)
