"""What was found: formulas of a rate and of the multipliers of its proof, and the K that they are checked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import sympy as sp

from .._fractions import double
from .._setting import Setting
from ..result import tolerance
from ._fit import Fit
from ._fit import K as K_SYMBOL
from ._kinds import Kind
from ._proofs import Problem, Proof, refusal
from .every_length import Induction
from .induction import proved_by_induction


@dataclass(frozen=True)
class Multiplier:
    """The multipliers of one kind of inequality: a formula in k and K, and others in K for the first and last k.

    `first[0]` is for the least k, `last[0]` for the largest, `last[1]` for the one before it. `span` is (the least k,
    the largest k minus K), None where these depend on K.
    """

    kind: Kind
    inner: Fit
    first: tuple[Fit, ...]
    last: tuple[Fit, ...]
    indexed: bool
    span: tuple[int, int] | None = None

    def at(self, indices: list[int], K: int) -> dict[int, Fraction | None]:
        """The multipliers of a run of K steps by k, of the k that it has."""
        if not self.indexed:
            return {i: self.inner.at(K) for i in indices}
        values = {}
        for which, places in placed(sorted(indices), len(self.first), len(self.last)).items():
            for i in places:
                side = None if which is None else getattr(self, which[0])[which[1]]
                values[i] = self.inner.at(i, K) if side is None else side.at(K)
        return values

    def lines(self) -> list[tuple[str, sp.Expr]]:
        """The formulas.

        Returns:
            For each formula: which inequalities it is for, and the expression in k and K. Zeros beside others are left
            out.
        """
        whose = [(str(self.kind), self.inner.formula)]
        for i, fit in enumerate(self.first):
            place = f"the first but {i}" if self.span is None else f"= {self.span[0] + i}"
            whose.append((f"{self.kind}, k {place}", fit.formula))
        for i, fit in enumerate(self.last):
            place = f"the last but {i}" if self.span is None else f"= {K_SYMBOL + self.span[1] - i}"
            whose.append((f"{self.kind}, k {place}", fit.formula))
        return [(place, formula) for place, formula in whose if formula != 0 or len(whose) == 1]


def placed(indices: list[int], before: int, after: int) -> dict[Any, list[int]]:
    """Which k have formulas of their own: ("first", 0) is the least, ("last", 0) the largest; None for the others.

    In runs too short for all of them the last ones come first.

    Args:
        indices: The k of a run, in order.
        before: How many of the first ones have formulas of their own.
        after: How many of the last ones.

    Returns:
        The k by place.
    """
    places: dict[Any, list[int]] = {}
    left = list(indices)
    for i in range(after):
        if left:
            places["last", i] = [left.pop()]
    for i in range(before):
        if left:
            places["first", i] = [left.pop(0)]
    places[None] = left
    return places


@dataclass(frozen=True, eq=False)
class Discovery:
    """A worst case as a formula in K, with the multipliers of its proof; a conjecture for K that are not named.

    `proofs` are the exact proofs that the formulas were fitted on, by K. `checked_on` are the further K for which the
    formulas make an exact proof, `refused` those for which they do not, with the reason. `attained` is the share of the
    rate that the engine's worst instance attains. `unfitted` says what has no formula, and `failures` which K have no
    exact proof. `recognised` is the bound of the catalogue, if any, that has the multipliers of all `proofs`; its proof
    (`bounds.get(name).prove()`) is for every K. Multipliers are those of `Certificate.multipliers`.
    """

    setting: Callable[[int], Setting] = field(repr=False)
    question: Mapping[str, Any]
    fit: Fit | None = field(repr=False)
    base: Fraction = field(repr=False)
    multipliers: tuple[Multiplier, ...] = field(repr=False)
    unfitted: tuple[str, ...]
    failures: Mapping[int, str]
    proofs: Mapping[int, Proof] = field(repr=False)
    checked_on: tuple[int, ...]
    refused: Mapping[int, str]
    recognised: str | None
    attained: Mapping[int, float] = field(default_factory=dict, repr=False)

    @property
    def rate(self) -> sp.Expr | None:
        """The worst case as a function of K, None where no formula was found."""
        return None if self.fit is None else self.fit.formula

    @property
    def fitted_on(self) -> tuple[int, ...]:
        """The K with exact proofs, on which formulas were fitted."""
        return tuple(sorted(self.proofs))

    @property
    def missing(self) -> tuple[str, ...]:
        """What was not found, in lines."""
        return (*(f"an exact proof for K = {K}: {why}" for K, why in self.failures.items()), *self.unfitted)

    @property
    def complete(self) -> bool:
        """Whether the rate and all multipliers have formulas."""
        return self.fit is not None and not self.unfitted

    @property
    def holds(self) -> bool:
        """Whether formulas were found, and made an exact proof for each further K that they were checked at."""
        return self.complete and bool(self.checked_on) and not self.refused

    def at(self, K: int) -> tuple[Fraction | None, dict[tuple[str, ...], Fraction | None]]:
        """The rate and the multipliers that the formulas have for K.

        Args:
            K: A number of steps.

        Returns:
            The rate, and the multipliers other than 0 by the name of their inequality; None where a denominator is 0.
        """
        return self._at(K, Problem(self.setting(K)))

    def _at(self, K: int, problem: Problem) -> tuple[Fraction | None, dict[tuple[str, ...], Fraction | None]]:
        kinds = problem.kinds(problem.data.names)
        values: dict[tuple[str, ...], Fraction | None] = {}
        for one in self.multipliers:
            names = kinds.get(one.kind, {})
            values |= {names[i]: value for i, value in one.at(list(names), K).items() if value != 0}
        return (None if self.fit is None else self.fit.at(K)), values

    def check(self, K: int) -> str:
        """Whether the formulas make a proof for K, by exact arithmetic.

        Args:
            K: A number of steps.

        Returns:
            "" if they do: the worst case is at most the rate at K. Else the reason why not.
        """
        return self._check(K, Problem(self.setting(K)))

    def _check(self, K: int, problem: Problem) -> str:
        if not self.complete:
            return "there is no formula for the rate, or for some multipliers; see `missing`"
        tau, multipliers = self._at(K, problem)
        if tau is None or None in multipliers.values():
            return "a formula has the denominator 0"
        return refusal(problem, tau, {name: value for name, value in multipliers.items() if value is not None})

    def checked(self, lengths: Iterable[int]) -> Discovery:
        """The same formulas, checked at further K.

        Args:
            lengths: The K.

        Returns:
            A discovery with `checked_on`, `refused` and `attained` of these K: the share of the rate that the engine's
            worst instance attains.
        """
        passed, refused, attained = [], {}, {}
        for K in lengths:
            problem = Problem(self.setting(K))
            why = self._check(K, problem)
            if why:
                refused[K] = why
                continue
            tau, _ = self._at(K, problem)
            value, ends = double(tau or Fraction(0)), problem.answer
            if ends.upper < value - tolerance(value):
                refused[K] = f"the proof holds, but the worst case is less: {ends.upper:.9g} at most, not {value:.9g}"
                continue
            passed.append(K)
            attained[K] = ends.lower / value if value else 1.0
        return replace(self, checked_on=tuple(passed), refused=refused, attained=attained)

    @property
    def latex(self) -> str:
        """The rate and the multipliers as LaTeX, with the K that they were checked for; empty without a rate."""
        if self.fit is None:
            return ""
        lines = [rf"\tau_K &= {sp.latex(self.rate)}"]
        for one in self.multipliers:
            lines += [rf"\lambda_{{\text{{{whose}}}}} &= {sp.latex(formula)}" for whose, formula in one.lines()]
        body = " \\\\\n".join(lines)
        ends = r"\begin{align*}", r"\end{align*}"
        return f"% checked exactly for K = {self._lengths()}\n{ends[0]}\n{body}\n{ends[1]}\n"

    def prove(self) -> Induction:
        """The proof that the rate bounds the worst case for every K, from the pattern of multipliers and remainder.

        Returns:
            The proof, with symbols for k and K. It is not `valid`, and says why, where the pattern is false, where the
            remainder has no pattern that is found, and for methods that are code.
        """
        return proved_by_induction(self)

    def _lengths(self) -> str:
        return ", ".join(str(K) for K in (*self.fitted_on, *self.checked_on))

    @property
    def data(self) -> dict[str, Any]:
        """The discovery as plain JSON; expressions and fractions are text, in the syntax of Python."""
        return {
            "format": "l2obound discovery 1",
            "question": {name: str(value) for name, value in self.question.items()},
            "rate": None if self.rate is None else str(self.rate),
            "multipliers": [
                {"inequalities": str(one.kind), "formulas": {whose: str(formula) for whose, formula in one.lines()}}
                for one in self.multipliers
            ],
            "fitted_on": list(self.fitted_on),
            "checked_on": list(self.checked_on),
            "refused": {str(K): why for K, why in self.refused.items()},
            "missing": list(self.missing),
            "values": {str(K): str(proof.tau) for K, proof in self.proofs.items()},
            "recognised": self.recognised,
            "conjecture": True,
        }

    @property
    def text(self) -> str:
        """What was found and what was not, in lines."""
        values = ", ".join(f"{K}: {proof.tau}" for K, proof in self.proofs.items())
        lines = [f"bounds proved, by K: {values or 'none'}"]
        if self.fit is not None:
            lines.append(f"rate: {self.rate}")
        for one in self.multipliers:
            lines += [f"  {whose}: {formula}" for whose, formula in one.lines()]
        lines += [f"not found: {line}" for line in self.missing]
        lines += [f"refused at K = {K}: {why}" for K, why in self.refused.items()]
        if self.checked_on:
            least = min(self.attained.values(), default=0.0)
            lines.append(f"proved for K = {self._lengths()} by exact arithmetic, attained to a share of {least:.6f};")
            lines.append("a conjecture for other K")
        if self.recognised is not None:
            lines.append(f"the multipliers are those of `{self.recognised}`, which is proved for every K")
        return "\n".join(lines) + "\n"
