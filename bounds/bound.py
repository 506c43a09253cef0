"""A bound: two formulas in named quantities, what it needs to hold, and where it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import sympy as sp

from ._hypothesis import Hypothesis, HypothesisCheck, unavailable
from ._latex import in_lines, to_latex
from .errors import InputError
from .evaluation.ball import Ball
from .evaluation.evaluate import evaluate_expression
from .quantities import Quantities, as_quantities
from .vocabulary import ACCELERATED, BEYOND_A_RUN, VIRTUAL, VOCABULARY, Q, k, used

if TYPE_CHECKING:
    from .proofs import Proof


COMPARATOR = frozenset(
    {"F_z", "F_low", "R", "tau", "dist", "ex", "ex_prev", "ex_own", "gz2", "vi_gap", "Delta", "accel_dist", "accel_ex"}
)
"""The quantities that depend on the comparator."""


@dataclass(frozen=True)
class Source:
    """Where a statement comes from.

    `origin` is "paper" (a claim of arXiv 2506.14263), "literature" (a known result, `reference` says which)
    or "derived" (proved in `text`).
    """

    origin: Literal["paper", "literature", "derived"]
    text: str
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.origin}: {self.text}" + (f" [{self.reference}]" if self.reference else "")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Both sides of a bound in numbers, (B,) or (B, K), each with an error bound; `slop` is extra tolerance.

    The bound is broken beyond rounding where ``lhs - lhs_error > rhs + rhs_error + slop``. Where nothing is
    known of a side (an operand with infinite error, an overflow) its error is inf and its value NaN, so that no
    comparison with it is true; where nothing is known of the slop, it is inf.
    """

    lhs: np.ndarray
    rhs: np.ndarray
    lhs_error: np.ndarray
    rhs_error: np.ndarray
    slop: np.ndarray


@dataclass(frozen=True, eq=False)
class Bound:
    """The statement ``lhs <= rhs`` under `hypotheses`.

    `number` is its place in the catalogue ("B6b"), `variant` names another form of the main entry. `level`
    says whether it speaks of each step or of the run. `kind` is "tight" if for every K some run that meets the
    hypotheses attains it, its deviations not all 0 unless a hypothesis says so (tests/bounds/test_tight.py has
    one for each entry), and "upper" if no such run is known. `slop` is what must be added on the right because
    a hypothesis "... = 0" can only be checked to within rounding. `prime`: LaTeX writes the run as F', x'. `vacuous` is
    the value from which on the right-hand side says nothing, where it is not the usual one. `beyond_proof` names the
    hypotheses that the proof does not use: they say what the statement is for, or let its quantities be measured.
    """

    name: str
    number: str
    title: str
    level: Literal["step", "run"]
    lhs: sp.Expr
    rhs: sp.Expr
    kind: Literal["tight", "upper"]
    source: Source
    hypotheses: tuple[Hypothesis, ...]
    variant: str | None = None
    slop: sp.Expr | None = None
    prime: bool = False
    vacuous: sp.Expr | None = None
    beyond_proof: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name in the catalogue: "name" or "name:variant"."""
        return self.name if self.variant is None else f"{self.name}:{self.variant}"

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """Names of the quantities that its formulas use, slop included."""
        return used(self.lhs, self.rhs, self.slop)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """Names of the quantities that its formulas and its hypotheses use."""
        names = {*self.quantities, *(name for hypothesis in self.hypotheses for name in hypothesis.uses)}
        return tuple(name for name in VOCABULARY if name in names)

    @cached_property
    def vacuous_above(self) -> sp.Expr:
        """A right-hand side this large says nothing: 0 for a decrease of F, F(x_0) - F(z) for a gap, else `vacuous`."""
        if self.vacuous is not None:
            return self.vacuous
        if self.lhs.has(Q.F_z):
            return Q.F[0] - Q.F_z
        return sp.Integer(0) if self.lhs == Q.F[k] - Q.F[k - 1] else sp.oo

    @property
    def about_comparator(self) -> bool:
        """Whether it speaks of the comparator z or of inf F, so that a certified optimum is needed."""
        return not COMPARATOR.isdisjoint(self.needs)

    @property
    def about_virtual_steps(self) -> bool:
        """Whether it speaks of virtual steps, so that a run in distribution to be paired with belongs to it."""
        return not VIRTUAL.isdisjoint(self.needs)

    @property
    def about_accelerated_steps(self) -> bool:
        """Whether it speaks of accelerated reference steps, whose gradients are taken at points of their own."""
        return not ACCELERATED.isdisjoint(self.needs)

    @property
    def on_runs(self) -> bool:
        """Whether a run, its problem and a certified optimum are enough to judge it."""
        return BEYOND_A_RUN.isdisjoint(self.needs)

    def latex(self) -> str:
        """The statement in LaTeX, without its hypotheses."""
        return rf"{to_latex(self.lhs, self.prime)} \le {to_latex(self.rhs, self.prime)}"

    def display(self, width: float = 5.5) -> str:
        """The statement as a display of a paper, over several lines where it is long.

        Args:
            width: Of a line, in inches; the text of NeurIPS has 5.5, a column of ICML 3.25.

        Returns:
            An environment align* of the package amsmath.
        """
        return in_lines(self.lhs, self.rhs, width, self.prime)

    def evaluate(self, quantities: Quantities | Mapping[str, Any]) -> Evaluation:
        """Both sides in numbers. Hypotheses are not looked at: see `check`.

        Args:
            quantities: Measured quantities, or a mapping that `from_scalars` takes.

        Returns:
            Both sides with error bounds; arrays are (B, K) for step bounds, else (B,).

        Raises:
            InputError: If a quantity of `quantities` is missing.
        """
        quantities = as_quantities(quantities)
        missing = quantities.missing(self.quantities)
        if missing:
            raise InputError(
                f"`{self.key}` needs the quantities {', '.join(self.quantities)}; missing: "
                f"{', '.join(f'{name} ({VOCABULARY[name].meaning})' for name in missing)}"
            )
        shape = (quantities.batch, quantities.steps) if self.level == "step" else (quantities.batch,)
        lhs, rhs = (evaluate_expression(side, quantities) for side in (self.lhs, self.rhs))
        slop = np.zeros(shape) if self.slop is None else evaluate_expression(self.slop, quantities).magnitude
        parts = (_finite_or_nan(lhs), _finite_or_nan(rhs), lhs.rad, rhs.rad, slop)
        return Evaluation(*(np.broadcast_to(_column(a, shape), shape) for a in parts))

    def check(self, quantities: Quantities | Mapping[str, Any]) -> tuple[HypothesisCheck, ...]:
        """Check each hypothesis; quantities that are missing come first, as failed checks of their own.

        Args:
            quantities: Measured quantities, or a mapping that `from_scalars` takes.

        Returns:
            One check for each missing quantity, then one for each hypothesis, in their order.

        Raises:
            InputError: For a mapping that `from_scalars` refuses.
        """
        quantities = as_quantities(quantities)
        missing = tuple(unavailable(name, quantities) for name in quantities.missing(self.quantities))
        return missing + tuple(hypothesis.check(quantities) for hypothesis in self.hypotheses)

    def vacuity_threshold(self, quantities: Quantities | Mapping[str, Any]) -> np.ndarray:
        """The number from which on the right-hand side says nothing: `vacuous_above` in numbers.

        Args:
            quantities: Measured quantities, or a mapping that `from_scalars` takes.

        Returns:
            (B, K) for step bounds, else (B,); inf where no value is too large, NaN where F(x_0) or F(z) is not known.

        Raises:
            InputError: If a quantity that the threshold is made of is missing.
        """
        quantities = as_quantities(quantities)
        shape = (quantities.batch, quantities.steps) if self.level == "step" else (quantities.batch,)
        if self.vacuous_above == sp.oo:
            return np.full(shape, np.inf)
        threshold = _finite_or_nan(evaluate_expression(self.vacuous_above, quantities))
        return np.broadcast_to(_column(threshold, shape), shape)

    def sensitivity(self, quantity: str, at: sp.Expr | int | None = None) -> sp.Expr:
        """Derivative of the right-hand side with respect to a quantity (catalogue B13).

        Args:
            quantity: A name of the vocabulary.
            at: None: an indexed quantity is varied at a step k inside the run, its entries at fixed indices (dist[0],
                dist[K]) held. An index (0, Q.K, ...): the entry at that fixed index is varied alone, what sums over k
                make of it left out.

        Returns:
            A formula; k is free in it for an indexed quantity with `at` None.

        Raises:
            InputError: For an unknown quantity, and for `at` with one that has no index.
        """
        if quantity not in VOCABULARY:
            raise InputError(f"unknown quantity `{quantity}`; known: {', '.join(VOCABULARY)}")
        symbol = VOCABULARY[quantity].symbol
        sums = {term: sp.Dummy(real=True) for term in self.rhs.atoms(sp.Sum)}
        outer, back = self.rhs.xreplace(sums), {dummy: term for term, dummy in sums.items()}
        if at is not None:
            if isinstance(symbol, sp.Symbol):
                raise InputError(f"`{quantity}` is one number per run: it has no index")
            return _entry_derivative(outer, symbol[at]).xreplace(back)
        if isinstance(symbol, sp.Symbol):
            total = outer.diff(symbol)
            for term, dummy in sums.items():
                total += outer.diff(dummy) * _run_derivative(term, symbol)
            return total.xreplace(back)
        total = sp.Add(*(_shifted_derivative(outer, entry) for entry in _moving(outer, symbol)))
        for term, dummy in sums.items():
            inner = sp.Add(*(_shifted_derivative(term.function, entry) for entry in _moving(term.function, symbol)))
            total += outer.diff(dummy) * inner
        return sp.simplify(total.xreplace(back))

    def closed_form(self, *free: str, **fixed: float) -> Callable[..., np.ndarray]:
        """The right-hand side as a function of some of its quantities, for curves and for numbers that go into others.

        Args:
            free: Names of quantities, in the order of the arguments of the function.
            fixed: A number for every other quantity. One of iterates or steps has the same value at all of them.

        Returns:
            A function of as many arrays (any shapes that broadcast) or numbers. It knows no rounding and checks no
            hypothesis: verdicts come from `evaluate`.

        Raises:
            InputError: For a quantity that the right-hand side does not have, one that is missing or given twice, or
                a sum over steps, which has no value without the whole run.

        >>> bounds.get("ind_rate:exact").closed_form("K", L=1, R=1, h=1)(10)
        """
        there = {*used(self.rhs), *(["K"] if self.rhs.has(VOCABULARY["K"].symbol) else [])}
        if self.rhs.has(sp.Sum):
            raise InputError(f"`{self.key}`: its right-hand side has a sum over steps; use evaluate.")
        if twice := sorted({*free} & {*fixed}):
            raise InputError(f"`{self.key}`: {twice[0]} is free and fixed; leave out one of them.")
        if other := sorted({*free, *fixed} - there):
            raise InputError(f"`{self.key}`: its right-hand side has no {other[0]}; it has {', '.join(sorted(there))}.")
        if missing := sorted(there - {*free} - {*fixed}):
            raise InputError(f"`{self.key}`: give {missing[0]} a value, or make it free.")
        plain = {name: sp.Symbol(f"at_{name}") for name in free} | {name: sp.sympify(v) for name, v in fixed.items()}
        at = {
            atom: plain[name]
            for name in plain
            for atom in self.rhs.atoms(sp.Indexed, sp.Symbol)
            if atom == VOCABULARY[name].symbol or getattr(atom, "base", None) == VOCABULARY[name].symbol
        }
        return sp.lambdify([plain[name] for name in free], self.rhs.xreplace(at), "numpy")

    @property
    def statement(self) -> dict[str, Any]:
        """What it says, as plain data: name, level, both sides, and the content of its hypotheses."""
        return {
            "bound": self.key,
            "level": self.level,
            "lhs": _text(self.lhs),
            "rhs": _text(self.rhs),
            "hypotheses": [hypothesis.content for hypothesis in self.hypotheses],
        }

    @property
    def digest(self) -> str:
        """SHA-256 of `statement`: two bounds with the same digest say the same."""
        return hashlib.sha256(json.dumps(self.statement, sort_keys=True).encode()).hexdigest()

    def prove(self) -> Proof:
        """Check the machine proof of this bound; never raises, `Proof.reason` says what is missing."""
        from .proofs import prove  # the proofs import the catalogue's vocabulary, and take a moment to load

        return prove(self)

    def replace(self, **changes: Any) -> Bound:
        """A copy with some fields changed.

        Args:
            changes: Fields of `Bound` by name.

        Returns:
            The copy. Its `digest` differs where its statement does, so that no proof of this bound counts for it
            unchecked.
        """
        return replace(self, **changes)


_KNOWN = {k, *(quantity.symbol for quantity in VOCABULARY.values())}


def _text(expression: sp.Expr) -> str:
    """The formula as text, in which what is only called like a quantity of the vocabulary is marked by a `?`."""
    expression = sp.sympify(expression)
    entries = {e: sp.Symbol(f"{e}?") for e in expression.atoms(sp.Indexed) if e.base not in _KNOWN}
    expression = expression.xreplace(entries)
    bases = {e.base.label for e in expression.atoms(sp.Indexed)}
    symbols = expression.atoms(sp.Symbol) - _KNOWN - bases - set(entries.values())
    return str(expression.xreplace({s: sp.Symbol(f"{s}?") for s in symbols}))


def _finite_or_nan(ball: Ball) -> np.ndarray:
    return np.where(np.isinf(ball.rad), np.nan, ball.mid)


def _column(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return array[:, None] if array.ndim < len(shape) else array


def _moving(expression: sp.Expr, base: sp.IndexedBase) -> list[sp.Indexed]:
    return [entry for entry in expression.atoms(sp.Indexed) if entry.base == base and entry.indices[0].has(k)]


def _entry_derivative(expression: sp.Expr, entry: sp.Indexed) -> sp.Expr:
    # as a plain symbol: differentiating by an Indexed also asks about the entries k+1, k-1 that might be it
    dummy = sp.Dummy(real=True)
    return expression.xreplace({entry: dummy}).diff(dummy).xreplace({dummy: entry})


def _shifted_derivative(expression: sp.Expr, entry: sp.Indexed) -> sp.Expr:
    return _entry_derivative(expression, entry).subs(k, 2 * k - entry.indices[0])


def _run_derivative(term: sp.Sum, symbol: sp.Symbol) -> sp.Expr:
    inner = term.function.diff(symbol)
    return sp.Sum(inner, *term.limits) if inner != 0 else sp.Integer(0)
