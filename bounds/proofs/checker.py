"""Checks the certificate of a proof, as JSON, on its own: `check(certificate)`.

It shares nothing with the prover, not even SymPy: formulas are read by a parser of its own, identities are tested at
random points modulo a random prime, and the trusted base is written anew in `_checker_base`. From the certificate it
takes the claims, their terms and multipliers, the sums and norms that these name, and the statement. What the statement
says is rebuilt from `lhs` and `rhs`, and the statement has to be the one asked about: that of the catalogue, or of the
bound given.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
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
    fresh_prime,
    is_never_0,
    lookup_in,
    names,
    parse,
    prime,
    quotient,
    same,
    value,
)
from ._checker_part import Part, first_index
from ._checker_statement import Reader

if TYPE_CHECKING:
    from ..bound import Bound

FORMAT = "l2obound-proof-2"
_MEANT = re.compile(r"[xgsfr]_[kj0Kztypeo]|[a-z0-9]+vec_[kj0Kztypeo]|f_inf")
_OF_A_STEP = re.compile(r".*_[ypeo]")
_SIZES = {f"{name}_k" for name in base.NUMBERS} | {"Gnorm_k", "Dnorm_k", "product_k"}
_SIZES |= {f"{name}_{index}" for name in base.AT_POINTS if name != "F" for index in "kj0K"}

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
        _check(json.loads(json.dumps(certificate)), bound)  # plain data, which stays as it is
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise Wrong(f"not a certificate: {type(error).__name__}: {error}") from None


def _check(certificate: Mapping[str, Any], bound: Bound | None) -> None:
    demand(certificate["format"] == FORMAT, f"the format is {certificate['format']!r}, and not {FORMAT}")
    demand(certificate["valid"] is True, f"the certificate says that nothing is proved: {certificate['reason']}")
    statement = {name: certificate[name] for name in ("bound", "level", "lhs", "rhs", "hypotheses")}
    digest = hashlib.sha256(json.dumps(statement, sort_keys=True).encode()).hexdigest()
    demand(certificate["digest"] == digest, "the digest is not that of the statement in the certificate")
    demand(digest == _wanted(certificate["bound"], bound), "the statement is not that of the bound")
    with fresh_prime():
        _check_claims(certificate)


def _check_claims(certificate: Mapping[str, Any]) -> None:
    proof = Ground(certificate)
    proof.prepare()
    last = certificate["claims"][-1]
    demand(same(last["expression"], proof.goal), "the last claim is not what the statement says")
    demand(same(certificate["goal"], proof.goal), "`goal` is not what the statement says")
    for claim in certificate["claims"]:
        proof.claim(claim)
    demand(last["case"] is None and proof.first[last["name"]] <= 1, "the last claim leaves out cases or steps")


def _wanted(name: str, bound: Bound | None) -> str:
    if bound is None:
        from ..statements.catalog import get  # to compare the statement with; nothing else is taken from there
        from ..statements.catalog import names as catalogue

        demand(name in catalogue(variants=True), f"the catalogue has no bound `{name}`; give the bound it is to prove")
        bound = get(name)
    return bound.digest


@dataclass
class Ground:
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
            self.demand_finite(vector, f"the norm {name}")
        reader = Reader(self, c["level"] == "step")
        demand(c["level"] in ("step", "run"), f"the level is {c['level']!r}")
        self.goal = f"{reader.read(parse(c['rhs']))} - ({reader.read(parse(c['lhs']))})"
        for one in c["hypotheses"]:
            for formula in one["formula"]:
                try:
                    self.facts.append(Reader(self, True, inside=True).read(parse(formula)))
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
        """Whether g_k is an eps_k-subgradient only: the statement or one of its hypotheses speaks of eps."""
        formulas = [self.goal, *(rule["increment"] for rule in self.sums.values())]
        supposed = [text for one in self.certificate["hypotheses"] for text in (*one["formula"], *one["uses"])]
        in_formulas = any("eps_k" in names(parse(text)) for text in formulas)
        return in_formulas or any(re.search(r"\beps\b", text) for text in supposed)

    def demand_finite(self, text: str, where: str) -> None:
        """A formula of each step divides by 0 at no k from 1 to K."""
        steps = {name: parse(value) for name, value in base.RANGES["1 <= k <= K"][0].items()}
        for one in divisors(parse(text)):
            self.demand_never_0(one, quotient(one, lookup_in(steps, {})), where)

    def demand_never_0(self, divisor: ast.expr, fraction: Quotient, where: str) -> None:
        vectors = any(map(VECTOR.fullmatch, names(divisor)))
        if vectors or not is_never_0(fraction, self.at_least_0, base.ABOVE_0.__contains__):
            text = ast.unparse(divisor)[:80]
            raise Wrong(f"{where}: it divides by {text}, which is not shown to be > 0 or < 0")

    def check_names(self, text: str) -> None:
        """Names are those of the run, of the certificate's sums and norms, or of free numbers without a sign."""
        for name in names(parse(text)):
            stem = name.rpartition("_")[0]
            fine = _MEANT.fullmatch(name) or name in _SIZES or name in base.RUN or name in self.norms or name == "k"
            free = not name.startswith("_") and stem not in base.NUMBERS and stem not in base.FORMULAS
            demand(fine or stem in self.sums or free, f"the name {name} is none that proofs know")

    def check_stays(self, text: str, where: str) -> None:
        """No point of the guard or the accelerated reference, which belongs to one step, and no number of an entry."""
        for name in names(parse(text)):
            demand(not _OF_A_STEP.fullmatch(name), f"{where} speaks of {name}, which belongs to one step")
            demand(name not in base.ENTRYWISE, f"{where} speaks of {name}, which differs from entry to entry")

    def at_least_0(self, name: str) -> bool:
        return name in base.AT_LEAST_0 or name in _SIZES or name in self.norms

    def degree(self, text: str) -> int | None:
        """0, 1 or 2 if the formula is homogeneous in the vectors of that degree, or None."""
        point, scale = Point(), 3

        def at(factor: int) -> int:
            def lookup(name: str) -> int:
                return (
                    point(name) * (factor if VECTOR.fullmatch(name) else 1) % prime()
                )  # a bare name is not reduced later

            return value(parse(text), lookup)

        one = at(1)
        return next((d for d in (0, 1, 2) if at(scale) == one * scale**d % prime()), None)

    def _check_sums(self) -> None:
        for name, rule in self.sums.items():
            demand(re.fullmatch(r"sum\d+|[cuvw]", name), f"a sum is called {name}")
            for text in (rule["increment"], rule["factor"], rule["start"]):
                self.check_names(text)
                self.check_stays(text, f"the sum {name}")
                self.demand_finite(text, f"the sum {name}")
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
        degree = self.degree(text)
        if degree is not None:
            return {degree}
        return {0, 2} if even(lambda scale: self._scaled(parse(text), scale)) else {-1}

    def _scaled(self, tree: ast.expr, scale: int) -> int:
        point = self.__dict__.setdefault("_point", Point())
        return value(tree, lambda name: point(name) * (scale if VECTOR.fullmatch(name) else 1))

    def _check_norm(self, name: str, vector: str) -> None:
        stem = name.removesuffix("_k")
        taken = {*base.NUMBERS, *base.FORMULAS, *base.RUN, "Gnorm", "Dnorm", "product", *base.AT_POINTS}
        fine = name.endswith("_k") and re.fullmatch(r"[a-z]{2,}\d*", stem) and stem not in taken
        demand(fine and stem not in self.sums and not _MEANT.fullmatch(name), f"{name} cannot be the name of a norm")
        self.check_names(vector)
        self.check_stays(vector, f"the norm {name}")
        demand(not names(parse(vector)) & set(self.norms) and self.degree(vector) == 1, f"{name} is of no vector")

    def claim(self, claim: Mapping[str, Any]) -> None:
        """One claim, from its side conditions to its identities; then it may be used."""
        name, expression = claim["name"], claim["expression"]
        demand(name not in self.claims, f"two claims are called {name}")
        self.check_names(expression)
        self.check_stays(expression, f"claim {name}")
        general = [part for part in claim["parts"] if part["position"] == "k"]
        starts = [part for part in claim["parts"] if part["position"] != "k"]
        demand(general, f"{name}: no proof at a general k")
        first = max(first_index(part) for part in general)
        begin = {int(part["position"]) for part in starts}
        demand(begin <= {first - 1}, f"{name}: it starts at {begin} and goes on from {first}")
        itself = any(f.get("claim") == name for p in general for t in p["terms"] for f in t["factors"])
        demand(begin or not itself, f"{name}: an induction without a start")
        first = first - 1 if begin else first
        for group in (general, starts):
            _check_cases(claim, group)
        for part in claim["parts"]:
            demand(claim["case"] is None or claim["case"] in part["ranges"], f"{name}: proved in another case")
            Part(self, claim, part, first).check()
        self.claims[name], self.first[name] = claim, first


def _family(r: str | Mapping[str, str]) -> str:
    return base.RANGES[r][2] if isinstance(r, str) else "the sign of"


def _check_cases(claim: Mapping[str, Any], group: list[Mapping[str, Any]]) -> None:
    """The parts cover every case: of a family of the base, or of the two signs of an expression."""
    key = json.dumps
    cases_of_parts = [{key(r) for r in part["ranges"] if _family(r) and r != claim["case"]} for part in group]
    families: dict[str, tuple[str, ...]] = {}
    for r in (json.loads(text) for cases in cases_of_parts for text in cases):
        if isinstance(r, str):
            families[_family(r)] = tuple(map(key, base.CASES[_family(r)]))
        else:
            families[key(r["of"])] = tuple(key({"of": r["of"], "sign": sign}) for sign in ("+", "-"))
    for choice in itertools.product(*families.values()):
        demand(
            not cases_of_parts or any(cases <= set(choice) for cases in cases_of_parts),
            f"{claim['name']}: the case {' and '.join(choice)} is left out",
        )
