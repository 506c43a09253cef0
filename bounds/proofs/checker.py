"""Checks the certificate of a proof, as JSON, on its own: `check(certificate)`.

It shares nothing with the prover, not even SymPy: formulas are read by a parser of its own, identities are tested at
random points modulo a prime, and the trusted base is written anew in `_checker_base`. From the certificate it takes the
claims, their terms and multipliers, the sums and norms that these name, and the statement. What the statement says is
rebuilt from `lhs` and `rhs`, and the statement has to be the one asked about: that of the catalogue, or of the bound
given.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _checker_base as base
from ._checker_arithmetic import (
    Point,
    Quotient,
    Wrong,
    demand,
    has_sign,
    lookup_in,
    names,
    parse,
    positive_part,
    quotient,
    same,
    value,
    whole,
)

if TYPE_CHECKING:
    from .._bound import Bound

FORMAT = "l2obound-proof-2"
_VECTOR = re.compile(r"([xgsuvw]|[a-z0-9]+vec)_[kj0Kzt]")
_MEANT = re.compile(r"[xgsfr]_[kj0Kzt]|[a-z0-9]+vec_[kj0Kzt]|f_inf")
_SIZES = {f"{name}_k" for name in base.NUMBERS} | {"Gnorm_k", "Dnorm_k", "product_k"}
_SIZES |= {f"{name}_{index}" for name in ("dist", "gz2", "pot") for index in "kj0K"}
_PLACES = {("k", "k"): 0, ("j", "k - 1"): -1}
_ENDS = {("0", "0"): 0, ("K", "K"): 1}

__all__ = ["FORMAT", "Wrong", "check"]


def check(certificate: Mapping[str, Any], bound: Bound | None = None) -> None:
    """Check a certificate of `Proof.certificate()`.

    Args:
        certificate: as it was made, or read from JSON.
        bound: the bound it is to prove; by default the one of that name in the catalogue.

    Raises:
        Wrong: if it does not prove that bound, with the place.
    """
    try:
        _check(certificate, bound)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise Wrong(f"not a certificate: {type(error).__name__}: {error}") from None


def _check(certificate: Mapping[str, Any], bound: Bound | None) -> None:
    demand(certificate["format"] == FORMAT, f"the format is {certificate['format']!r}, and not {FORMAT}")
    demand(certificate["valid"] is True, f"the certificate says that nothing is proved: {certificate['reason']}")
    statement = {name: certificate[name] for name in ("bound", "level", "lhs", "rhs", "hypotheses")}
    digest = hashlib.sha256(json.dumps(statement, sort_keys=True).encode()).hexdigest()
    demand(certificate["digest"] == digest, "the digest is not that of the statement in the certificate")
    demand(digest == _wanted(certificate["bound"], bound), "the statement is not that of the bound")
    proof = _Proof(certificate)
    proof.prepare()
    for claim in certificate["claims"]:
        proof.claim(claim)
    last = certificate["claims"][-1]
    demand(last["case"] is None and proof.first[last["name"]] <= 1, "the last claim leaves out cases or steps")
    demand(same(last["expression"], proof.goal), "the last claim is not what the statement says")
    demand(same(certificate["goal"], proof.goal), "`goal` is not what the statement says")


def _wanted(name: str, bound: Bound | None) -> str:
    if bound is None:
        from ..catalog import get  # to compare the statement with; nothing else is taken from there
        from ..catalog import names as known

        demand(name in known(variants=True), f"the catalogue has no bound `{name}`; give the bound it is to prove")
        bound = get(name)
    return bound.digest


@dataclass
class _Proof:
    """What a certificate stands on: the statement, its sums, norms and definitions, and the claims proved so far."""

    certificate: Mapping[str, Any]
    goal: str = ""
    sums: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    norms: Mapping[str, str] = field(default_factory=dict)
    granted: set[str] = field(default_factory=set)
    facts: list[str] = field(default_factory=list)
    definitions: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)

    def prepare(self) -> None:
        c = self.certificate
        self.sums, self.norms = c["sums"], c["norms"]
        for one in c["hypotheses"]:
            says, judge = base.HYPOTHESES.get(one["name"], ("", ""))
            if (one["statement"], one["judge"]) == (says, judge.format(name=one["name"])):
                self.granted.add(one["name"])
        self._check_sums()
        for name, vector in self.norms.items():
            self._check_norm(name, vector)
        reader = _Reader(self, c["level"] == "step")
        demand(c["level"] in ("step", "run"), f"the level is {c['level']!r}")
        self.goal = f"{reader.read(parse(c['rhs']))} - ({reader.read(parse(c['lhs']))})"
        for one in c["hypotheses"]:
            for formula in one["formula"]:
                try:
                    self.facts.append(_Reader(self, True, inside=True).read(parse(formula)))
                except Wrong:  # in quantities that proofs do not know: of no use here
                    continue
        for name in c["definitions"]:
            symbol, text, needs = base.DEFINITIONS[name]
            self.grant(needs, f"the definition `{name}`")
            demand(symbol not in self.definitions, f"{symbol} is defined twice")
            self.definitions[symbol] = text

    def grant(self, wanted: Iterable[str], where: str) -> None:
        for name in wanted:
            demand(name in self.granted, f"{where} needs the hypothesis `{name}`, which the statement does not have")

    @property
    def inexact(self) -> bool:
        said = [self.goal, *(rule["increment"] for rule in self.sums.values())]
        return any("eps_k" in names(parse(text)) for text in said)

    def check_names(self, text: str) -> None:
        """Names are those of the run, of the certificate's sums and norms, or of free numbers without a sign."""
        for name in names(parse(text)):
            stem = name.rpartition("_")[0]
            fine = _MEANT.fullmatch(name) or name in _SIZES or name in base.RUN or name in self.norms or name == "k"
            free = not name.startswith("_") and stem not in base.NUMBERS and stem not in base.FORMULAS
            demand(fine or stem in self.sums or free, f"the name {name} is none that proofs know")

    def at_least_0(self, name: str) -> bool:
        return name in base.AT_LEAST_0 or name in _SIZES or name in self.norms

    def degree(self, text: str) -> int | None:
        """0, 1 or 2 if the formula is homogeneous in the vectors of that degree, or None."""
        point, scale = Point(), 3

        def at(factor: int) -> int:
            def lookup(name: str) -> int:
                return point(name) * (factor if _VECTOR.fullmatch(name) else 1)

            return value(parse(text), lookup)

        one = at(1)
        return next((d for d in (0, 1, 2) if at(scale) == one * scale**d % (2**521 - 1)), None)

    def _check_sums(self) -> None:
        for name, rule in self.sums.items():
            demand(re.fullmatch(r"sum\d+|[cuvw]", name), f"a sum is called {name}")
            for text in (rule["increment"], rule["factor"], rule["start"]):
                self.check_names(text)
                stems = {n.rpartition("_")[0] for n in names(parse(text))}
                demand(not stems & set(self.sums), f"the sum {name} is made of sums")
            wanted = (1,) if name in "uvw" else (0, 2)
            for text in (rule["increment"], rule["start"]):
                demand(same(text, "0") or self.degrees(text) <= set(wanted), f"the sum {name} adds up {text}")
            demand(self.degrees(rule["factor"]) <= {0}, f"the sum {name} has the factor {rule['factor']}")
            late = [n for n in names(parse(rule["start"])) if n == "k" or n.endswith(("_k", "_j"))]
            demand(not late, f"the sum {name} starts from something that depends on k")

    def degrees(self, text: str) -> set[int]:
        """{0, 2} if the formula has terms of these degrees in the vectors, or what `degree` says."""
        known = self.degree(text)
        if known is not None:
            return {known}
        return {0, 2} if _even(lambda scale: self._scaled(parse(text), scale)) else {-1}

    def _scaled(self, tree: ast.expr, scale: int) -> int:
        point = self.__dict__.setdefault("_point", Point())
        return value(tree, lambda name: point(name) * (scale if _VECTOR.fullmatch(name) else 1))

    def _check_norm(self, name: str, vector: str) -> None:
        stem = name.removesuffix("_k")
        known = {*base.NUMBERS, *base.FORMULAS, *base.RUN, "Gnorm", "Dnorm", "product", "dist", "gz2", "pot", "F"}
        fine = name.endswith("_k") and re.fullmatch(r"[a-z]{2,}\d*", stem) and stem not in known
        demand(fine and stem not in self.sums and not _MEANT.fullmatch(name), f"{name} cannot be the name of a norm")
        self.check_names(vector)
        demand(not names(parse(vector)) & set(self.norms) and self.degree(vector) == 1, f"{name} is of no vector")

    def claim(self, claim: Mapping[str, Any]) -> None:
        """One claim, from its side conditions to its identities; then it may be used."""
        name, expression = claim["name"], claim["expression"]
        demand(name not in self.claims, f"two claims are called {name}")
        self.check_names(expression)
        general = [part for part in claim["parts"] if part["position"] == "k"]
        starts = [part for part in claim["parts"] if part["position"] != "k"]
        demand(general, f"{name}: no proof at a general k")
        first = max(_first(part) for part in general)
        begin = {int(part["position"]) for part in starts}
        demand(begin <= {first - 1}, f"{name}: it starts at {begin} and goes on from {first}")
        itself = any(f.get("claim") == name for p in general for t in p["terms"] for f in t["factors"])
        demand(begin or not itself, f"{name}: an induction without a start")
        first = first - 1 if begin else first
        for group in (general, starts):
            _check_cases(claim, group)
        for part in claim["parts"]:
            demand(claim["case"] is None or claim["case"] in part["ranges"], f"{name}: proved in another case")
            _Part(self, claim, part, first).check()
        self.claims[name], self.first[name] = claim, first


def _first(part: Mapping[str, Any]) -> int:
    return 2 if "2 <= k <= K" in part["ranges"] else 1


def _even(at: Callable[[int], int]) -> bool:
    """Whether a polynomial in the scale of the vectors has terms of degree 0 and 2 only."""
    scale = Point()("scale")
    none, one = at(0), at(1)
    return (at(scale) - none - scale * scale * (one - none)) % (2**521 - 1) == 0


def _family(r: str | Mapping[str, str]) -> str:
    return base.RANGES[r][2] if isinstance(r, str) else "the sign of"


def _check_cases(claim: Mapping[str, Any], group: list[Mapping[str, Any]]) -> None:
    """The parts cover every case: of a family of the base, or of the two signs of an expression."""
    key = json.dumps
    found = [{key(r) for r in part["ranges"] if _family(r) and r != claim["case"]} for part in group]
    families: dict[str, tuple[str, ...]] = {}
    for r in (json.loads(text) for cases in found for text in cases):
        if isinstance(r, str):
            families[_family(r)] = tuple(map(key, base.CASES[_family(r)]))
        else:
            families[key(r["of"])] = tuple(key({"of": r["of"], "sign": sign}) for sign in ("+", "-"))
    for choice in itertools.product(*families.values()):
        demand(
            not found or any(cases <= set(choice) for cases in found),
            f"{claim['name']}: the case {' and '.join(choice)} is left out",
        )


@dataclass
class _Reader:
    """What a formula of the statement says, as text in the names of proofs; what is not understood is `Wrong`."""

    proof: _Proof
    stepwise: bool
    inside: bool = False

    def read(self, tree: ast.expr) -> str:
        if isinstance(tree, ast.Constant):
            return str(tree.value)
        if isinstance(tree, ast.Name):
            return self._name(tree.id)
        if isinstance(tree, ast.Subscript):
            return self._entry(tree)
        if isinstance(tree, ast.UnaryOp):
            return f"(-{self.read(tree.operand)})" if isinstance(tree.op, ast.USub) else self.read(tree.operand)
        if isinstance(tree, ast.Call):
            return self._call(tree)
        demand(isinstance(tree, ast.BinOp), f"the statement has {ast.unparse(tree)}")
        if isinstance(tree.op, ast.Pow):
            return self._power(tree)
        sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}[type(tree.op)]
        return f"({self.read(tree.left)}{sign}({self.read(tree.right)}))"

    def _name(self, name: str) -> str:
        demand(name in base.RUN or (name == "k" and self.stepwise), f"the statement has {name}, here of no meaning")
        return {"F_z": "(f_z + r_z)", "R": "dist_0"}.get(name, name)

    def _entry(self, tree: ast.Subscript) -> str:
        demand(isinstance(tree.value, ast.Name), f"the statement has {ast.unparse(tree)}")
        name, text = tree.value.id, ast.unparse(tree.slice)
        index = {"k": "k", "k - 1": "j", "0": "0", "K": "K"}.get(text)
        demand(index is not None and (index in "0K" or self.stepwise), f"the statement has {name}[{text}]")
        demand(index == "k" or name in ("F", "dist", "gz2", "pot"), f"the statement has {name}[{text}]")
        if name in base.MEANT_UNDER:
            self.proof.grant((base.MEANT_UNDER[name],), f"the quantity {name}")
        if name in base.FORMULAS:
            return f"({base.FORMULAS[name]})"
        if name == "F":
            return f"(f_{index} + r_{index})"
        if name == "gz2":
            return f"((g_{index} - g_z)**2)"
        demand(name in base.NUMBERS or name in ("dist", "pot"), f"the statement has {name}, of which nothing is known")
        return f"{name}_{index}"

    def _call(self, tree: ast.Call) -> str:
        if tree.func.id == "sqrt":
            (inside,) = tree.args
            return base.ROOTS[inside.value.id] if self._entry(inside) else ""
        if tree.func.id == "Max":
            return f"Max(0, {self.read(positive_part(tree))})"
        demand(not self.inside, "the statement has a sum within a sum")
        body, *limits = tree.args
        demand([ast.unparse(one) for one in limits] == ["(k, 1, K)"], f"the statement has {ast.unparse(tree)}")
        factors, divisors = _factors(body)
        discounts = [f for f in factors if _is_power_of(f, "K - k")]
        demand(len(discounts) <= 1, f"the statement has {ast.unparse(tree)}")
        factor = self._constant(discounts[0].left) if discounts else "1"
        reader = _Reader(self.proof, True, inside=True)
        rest = "*".join(["1", *(reader.read(f) for f in factors if f not in discounts)])
        rest = "/".join([rest, *(f"({reader.read(d)})" for d in divisors)])
        return f"{self._sum(rest, factor, '0')}_K"

    def _sum(self, increment: str, factor: str, start: str) -> str:
        for name, rule in self.proof.sums.items():
            if all(
                same(rule[key], text) for key, text in zip(("increment", "factor", "start"), (increment, factor, start))
            ):
                return name
        raise Wrong(f"no sum of the certificate is that of the statement, of {increment[:80]}")

    def _constant(self, tree: ast.expr) -> str:
        fine = not any(isinstance(node, (ast.Subscript, ast.Call)) for node in ast.walk(tree)) and "k" not in names(
            tree
        )
        demand(fine, f"the statement has a power of {ast.unparse(tree)}")
        return self.read(tree)

    def _power(self, tree: ast.BinOp) -> str:
        if _is_power_of(tree, "K") and not self.inside:
            return f"{self._sum('0', self._constant(tree.left), '1')}_K"
        power = whole(tree.right)
        demand(power is not None, f"the statement has the power {ast.unparse(tree)}")
        inside = self.read(tree.left)
        if power == 2 and re.fullmatch(r"dist_[kj0K]", inside):
            return f"((x_{inside[5:]} - x_z)**2)"
        return f"({inside})**({power})"


def _is_power_of(tree: ast.expr, exponent: str) -> bool:
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Pow) and ast.unparse(tree.right) == exponent


def _factors(tree: ast.expr) -> tuple[list[ast.expr], list[ast.expr]]:
    """A product and what it is divided by."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Mult, ast.Div)):
        left, right = _factors(tree.left), _factors(tree.right)
        if isinstance(tree.op, ast.Div):
            right = right[1], right[0]
        return left[0] + right[0], left[1] + right[1]
    return [tree], []


@dataclass
class _Part:
    """One part of one claim."""

    proof: _Proof
    claim: Mapping[str, Any]
    part: Mapping[str, Any]
    first: int
    domain: dict[str, ast.expr] = field(default_factory=dict)
    points: dict[str, int] = field(default_factory=dict)
    known: dict[str, Quotient] = field(default_factory=dict)

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
        times, wanted = parse(part["times"]), parse(self.claim["expression"])
        self._scalar(part["times"], where)
        pieces: list[Callable[[int], int]] = []

        def claimed(scale: int) -> int:
            return self.value(times, scale) * self.value(wanted, scale, place)

        demand(self._positive(times, place), f"{where}: it is multiplied by {part['times'][:80]}, of no known sign")
        pieces.append(claimed)
        for one in part["terms"]:
            pieces.append(self._term(one, where))
        for piece in pieces:
            demand(_even(lambda scale, piece=piece: piece(scale)), f"{where}: a term is not quadratic in the vectors")
        total = claimed(1) - sum(piece(1) for piece in pieces[1:])
        demand(total % (2**521 - 1) == 0, f"{where}: the identity leaves a remainder")

    def _ranges(self, where: str) -> None:
        taken: set[str] = set()
        for r in {json.dumps(r): r for r in self.part["ranges"]}.values():
            if not isinstance(r, str):
                demand(set(r) == {"of", "sign"} and r["sign"] in ("+", "-"), f"{where}: no range: {r}")
                self.proof.check_names(r["of"])
                demand(self.proof.degrees(r["of"]) <= {0, 2}, f"{where}: {r['of']} has no sign")
                continue
            values, needs, _ = base.RANGES[r]
            self.proof.grant(needs, f"{where}: the range {r}")
            mine = {n for text in values.values() for n in names(parse(text)) if n.startswith("_")}
            demand(not mine & taken and not set(values) & set(self.domain), f"{where}: {r} shares symbols with another")
            taken |= mine
            self.domain |= {name: parse(text) for name, text in values.items()}
        if self.at_1:
            self.domain["k"] = parse("1")

    def _scalar(self, text: str, where: str) -> None:
        self.proof.check_names(text)
        demand(not any(map(_VECTOR.fullmatch, names(parse(text)))), f"{where}: the multiplier {text} has vectors")

    def _sign(self, tree: ast.expr, strict: bool = False) -> bool:
        try:
            found = quotient(tree, lookup_in(self.domain, self.known))
        except Wrong:
            return False
        return has_sign(found, self.proof.at_least_0, base.ABOVE_0.__contains__, strict)

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
        rule = self.proof.sums.get(stem)
        if rule is not None and index == "k":
            before = self.value(parse(rule["factor"]), scale) * self._name(f"{stem}_j", scale)
            return before + self.value(parse(rule["increment"]), scale)
        if rule is not None and index == "0":
            return self.value(parse(rule["start"]), scale)
        if name in self.proof.definitions:
            return self.value(parse(self.proof.definitions[name]), scale)
        if name in self.domain and not names(self.domain[name]):
            return value(self.domain[name], self._never)
        if name not in self.points:
            self.points[name] = Point()(name)
        return self.points[name] * (scale if _VECTOR.fullmatch(name) else 1)

    @staticmethod
    def _never(name: str) -> int:
        raise Wrong(f"no number: {name}")

    def _term(self, one: Mapping[str, Any], where: str) -> Callable[[int], int]:
        multiplier, square = parse(one["multiplier"]), parse(one["square"] or "1")
        self._scalar(one["multiplier"], where)
        if one["square"]:
            self.proof.check_names(one["square"])
        factors = [self._factor(factor, where) for factor in one["factors"]]
        equality = any(is_equality for _, _, is_equality in factors)
        demand(equality or not self.claim["equality"], f"{where}: an equality is proved by equalities only")
        demand(equality or self._sign(multiplier), f"{where}: the sign of {one['multiplier'][:80]} is not known")

        def total(scale: int) -> int:
            found = self.value(multiplier, scale) * self.value(square, scale) ** 2
            for tree, place, _ in factors:
                found = found * self.value(tree, scale, place) % (2**521 - 1)
            return found

        return total

    def _factor(self, factor: Mapping[str, Any], where: str) -> tuple[ast.expr, tuple[str, str], bool]:
        """A factor as a formula, the place it is taken at, and whether it is = 0."""
        here = ("k", "k")
        if "rule" in factor:
            template, kinds, needs = base.RULES[factor["rule"]]
            arguments = tuple(factor["arguments"])
            where = f"{where}: {factor['rule']}({', '.join(arguments)[:80]})"
            self.proof.grant(needs, where)
            demand(len(arguments) == len(kinds), f"{where}: {len(kinds)} arguments")
            for kind, argument in zip(kinds, arguments):
                point = kind in ("point", "subgradient", "inexact")
                demand(argument.startswith("@") == point and (point or argument), f"{where}: {argument} is no {kind}")
                point or self.proof.check_names(argument)
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
        demand(name in self.proof.claims, f"{where}: claim {name} is used before it is proved")
        source = self.proof.claims[name]
        self._usable(source, self.proof.first[name], place, where)
        return parse(source["expression"]), place, source["equality"] is True

    def _usable(self, source: Mapping[str, Any], first: int, place: tuple[str, str], where: str) -> None:
        demand(place in _PLACES or place in _ENDS, f"{where}: index and position {place} do not agree")
        low = _first(self.part) if self.part["position"] == "k" else max(1, int(self.part["position"]))
        least = _ENDS[place] if place in _ENDS else low + _PLACES[place]
        said = names(parse(source["expression"]))
        if not any(n == "k" or n.endswith(("_k", "_j")) for n in said):
            least = max(least, 1)
        elif any(n.endswith("_j") for n in said):
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
                self.proof.grant(("r_convex",), f"{where}: T(z)")
            if kind == "inexact":
                return index == "k"
            if kind == "subgradient":
                early = index == "j" and not (self.part["position"] == "k" and _first(self.part) == 2)
                return index in ("k", "K", "t", "j") and not early and not self.proof.inexact
            return index in ("k", "j", "0", "K", "z", "t")
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
            return any(set(needs) <= self.proof.granted for _, needs in rows)
        if kind == "mean":
            of = [n for n, r in self.proof.sums.items() if (r["factor"], r["start"]) == ("1", "0")]
            of = [n for n in of if same(self.proof.sums[n]["increment"], "f_k + r_k")]
            return any(same(argument, f"{n}_K/K - F_mean") for n in of)
        rows = [text for text, needs in base.FACTS.values() if set(needs) <= self.proof.granted]
        return any(same(argument, text) for text in (*rows, *self.proof.facts))

    def _tied(self, norm: str, vector: str) -> bool:
        rows = [(s, v) for s, v, needs in base.SIZES.values() if set(needs) <= self.proof.granted]
        rows += self.proof.norms.items()
        return any(s == norm and (same(v, vector) or same(f"-({v})", vector)) for s, v in rows)
