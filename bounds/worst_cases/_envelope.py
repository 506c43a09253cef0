"""From a solved problem to [lower, upper], both shown.

The semidefinite problem is solved twice: as it is, and with a margin, every inequality tightened by eps and the matrix
by eps times the identity. The second solution is strictly inside of what a dual bound and an instance need; a little of
it mixed into the first survives being rounded, repaired and checked. The price is a gap of about that share of the
margin times the sum of the multipliers and the trace of the Gram matrix, which is measured and not estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..errors import DefectError
from . import _rigour
from ._build import build
from ._closed import Closed, known_at_length, line_of_balls
from ._conic import FINE, SMALL, Data, Solution, chain, solve, whole
from ._crude import crude_upper
from ._fractions import double, root_above
from ._model import FRACTIONS, Model
from ._repair import balanced, dual_value, rounded, row_values
from ._witness import Forms, chain_vector, find_witness

MARGINS = (1e-6, 1e-7, 1e-8, 1e-9)
"""The widest margin that leaves any instance is taken: over many steps gradients change by little."""
SHARES = (0.0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
"""How much of the solution with the margin is mixed into the one without: the first that can be shown is taken."""
CUTS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 0.0)
MOST_WHOLE = 64
"""Width of the Gram matrix up to which the problem with all pairs is solved: above, a solve takes minutes."""

MANY = 40
"""Width above which a run of balls on a line is the instance of an irrational method: one in all vectors takes long."""


@dataclass(frozen=True, eq=False)
class Envelope:
    """Rigorous bounds of the normalised problem, what shows them, and what they rest on.

    `sources`: where `lower` and `upper` come from: "solver" (repaired and checked), "closed form", "sizes" (see
    `_crude`), "" for an end that is not shown.
    """

    model: Model
    lower: float | Fraction
    upper: float | Fraction
    multipliers: dict[tuple[str, ...], Fraction] | None
    basis: np.ndarray | None
    values: np.ndarray | None
    sources: tuple[str, str] = ("solver", "solver")


MARGIN_COST = 1e-9
"""What the margins cost at least: a gap that has to be below it is looked for in closed form first."""


def proved(
    model: Model,
    estimate: float,
    allowed: Callable[[float], float],
    fine: bool,
    chain_is_exact: bool,
    closed: Callable[[], Closed],
) -> Envelope:
    """[lower, upper] by whatever shows it: the solver's solutions, closed forms, runs on a line and crude bounds.

    `allowed` gives the gap that is wanted at a value, `fine` says whether the solver came to its end.
    """
    solvable = not model.setting.one_function
    best = Envelope(model, -np.inf if model.setting.metric == "decrease" else 0.0, np.inf, None, None, None, ("", ""))
    tolerance = allowed(estimate) if np.isfinite(estimate) else 0.0
    first = solvable and fine and tolerance >= MARGIN_COST and not known_at_length(model.setting)
    if first:
        best = _better(best, envelope(model, tolerance, chain_is_exact))
    if not _narrow(best, allowed):
        best = _better(best, _of_closed(model, closed()))
    if solvable and not first and not _narrow(best, allowed):
        best = _better(
            best,
            envelope(
                model, max(tolerance, allowed(abs(double(best.lower)) if finite(best.lower) else 0.0)), chain_is_exact
            ),
        )
    if not solvable and not finite(best.upper):  # the bound holds for what has g = x as for any other
        best = replace(
            best, upper=envelope(model, MARGIN_COST, chain_is_exact).upper, sources=(best.sources[0], "solver")
        )
    if not finite(best.upper):
        upper = crude_upper(model.setting)
        if upper is not None:
            best = replace(best, upper=upper, sources=(best.sources[0], "sizes"))
    if best.lower > best.upper:
        raise DefectError(
            f"a defect of this package, and no fault of the question: in normalised units a worst case was "
            f"shown to be at least {double(best.lower):.17g} ({best.sources[0]}) and at most "
            f"{double(best.upper):.17g} ({best.sources[1]}); please report it with {model.setting}"
        )
    return best


def finite(value: float | Fraction) -> bool:
    """Whether an end is a number; a fraction always is, even one beyond doubles."""
    return isinstance(value, Fraction) or bool(np.isfinite(value))


def _narrow(ends: Envelope, allowed: Callable[[float], float]) -> bool:
    if not (finite(ends.lower) and finite(ends.upper)):
        return False
    gap = Fraction(ends.upper) - Fraction(ends.lower)
    return gap <= Fraction(allowed(max(abs(double(ends.lower)), abs(double(ends.upper)))))


def _better(one: Envelope, other: Envelope) -> Envelope:
    """The better end of each, with what shows it."""
    low = other if other.lower > one.lower or (one.basis is None and other.lower == one.lower) else one
    up = other if other.upper < one.upper else one
    sources = low.sources[0], up.sources[1]
    return Envelope(low.model, low.lower, up.upper, up.multipliers, low.basis, low.values, sources)


def _of_closed(model: Model, closed: Closed) -> Envelope:
    """What closed forms show; the instance in floats."""
    upper = np.inf if closed.upper is None else closed.upper
    lower = -np.inf if closed.lower is None else closed.lower
    witness, sources = closed.witness, ("closed form", "closed form")
    if witness is None:
        return Envelope(model, lower, upper, closed.multipliers, None, None, sources)
    try:
        root = float(root_above(witness.square))
        basis = np.array([[float(v) * root] for v in witness.vector])
        values = np.array([float(witness.values[name] * witness.square) for name in model.value_names])
    except OverflowError:
        return Envelope(model, lower, upper, closed.multipliers, None, None, sources)
    return Envelope(model, lower, upper, closed.multipliers, basis, values, sources)


def upper_bound(
    exact: Model, sets: list, entries: dict, data: Data, multipliers: np.ndarray
) -> tuple[Fraction, dict] | None:
    """b'lambda of the repaired multipliers, if their slack matrix is shown to be positive semidefinite."""
    repaired = balanced(exact, entries, rounded(data.names, multipliers, data.equality))
    if repaired is None or not _rigour.positive_semidefinite(_rigour.slack_matrix(exact, sets, repaired)):
        return None
    return dual_value(exact.setting, repaired), repaired


def placed(model: Model, basis: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vectors scaled into the initial condition: just inside, or turned so that it holds exactly."""
    if model.setting.initial == "gradient":
        place = model.basis.index("g0")
        first = basis[place]
        size = float(np.linalg.norm(first))
        turn = np.linalg.qr(np.column_stack([first / size, np.eye(basis.shape[1])]))[0]
        turn[:, 0] = first / size
        basis = basis @ turn / size
        basis[place] = 0.0
        basis[place, 0] = 1.0
        return basis, values / size**2
    row = next(row for row in model.rows if row.name == ("initial",))
    level = sum(float(w) * values[i] for i, w in row.values)
    if row.matrix is not None:
        e = model.embeddings[row.clique] @ basis
        level += float(np.einsum("ij,ik,jk->", np.asarray(row.matrix, float), e, e))
    shrink = min(1.0, (1 - 1e-13) / level) if level > 0 else 1.0
    return basis * np.sqrt(shrink), values * shrink


def lower_bound(
    model: Model, exact: Model, sets: list, gram: np.ndarray, values: np.ndarray, enough: float
) -> tuple[float, np.ndarray, np.ndarray] | None:
    """The best metric of an instance made of the Gram matrix, in as few dimensions as lose no more than `enough`."""
    best = None
    for cut in CUTS:
        basis, F = placed(model, _rigour.factor(gram, cut), values)
        metric = _rigour.certified_instance(exact, sets, basis, F)
        if metric is not None and (best is None or metric > best[0] + enough):
            best = (metric, basis, F)
    return best


def envelope(model: Model, tolerance: float, chain_is_exact: bool) -> Envelope:
    """[lower, upper]; further problems are solved until the gap is within `tolerance`, then the best found is returned.

    Errors are written in other units where the gap is not well within it: that changes the digits that are lost.
    """
    best = _envelope(model, tolerance, chain_is_exact)
    for setting in (s for s in model.setting.scalings() if s != model.setting):
        if best.upper - best.lower <= tolerance / 20:
            break
        other = _envelope(build(setting), tolerance, chain_is_exact)
        if other.upper - other.lower < best.upper - best.lower:
            best = other
    return best


def _envelope(model: Model, tolerance: float, chain_is_exact: bool) -> Envelope:
    """The chain is tried first where it may be exact, all pairs where that does not close the gap."""
    search = _Search(model, tolerance)
    if chain_is_exact and len(model.basis) > SMALL:
        search.witness()
        search.run(chain(model), False)
    if not search.closed and len(model.basis) <= MOST_WHOLE:
        search.run(whole(model), True)
    if not search.closed and not chain_is_exact and len(model.basis) > MOST_WHOLE:
        search.run(chain(model), False)
    return search.result()


class _Search:
    """The best bounds so far."""

    def __init__(self, model: Model, tolerance: float) -> None:
        self.model, self.tolerance = model, tolerance
        self.exact = _rigour.exact_model(model.setting)
        self.sets = _rigour.interpolated(self.exact)
        self.entries = row_values(self.exact)
        self.lower: tuple = (-np.inf, None, None)
        self.upper: tuple = (None, None)

    @property
    def closed(self) -> bool:
        if self.upper[0] is None or not np.isfinite(self.lower[0]):
            return False
        return self.upper[0] - Fraction(self.lower[0]) <= self.tolerance

    def witness(self) -> None:
        """A one-dimensional instance in fractions, or in balls where numbers are irrational and the run is long.

        It is the best of lower bounds, and the simplest of instances. Its inequalities may be equations. Where that
        leaves no room for a tilt (see `Setting.free`) the instances between it and a strict one have it, and their
        metrics come as near as one likes.
        """
        model = self.model
        if not model.setting.rational:
            if len(model.basis) > MANY:
                self.lower = _on_line(model)
            return
        solution = solve(chain(model))
        vector = chain_vector(model, solution.grams)[:, 0]
        simple = find_witness(Forms(build(model.setting, FRACTIONS)), vector, solution.values, solution.value)
        if simple is not None:
            basis = np.array([[double(v)] for v in simple.vector])
            values = np.array([double(simple.values[name]) for name in model.value_names])
            self.lower = (_down(simple.metric), basis, values)

    def run(self, data: Data, everything: bool) -> None:
        """One problem: its solution, moved inwards as little as it takes to be shown."""
        sharp = solve(data)
        for margin in MARGINS:
            inner = solve(data, margin, margin)
            if np.isfinite(inner.value) and inner.status in FINE:
                break
        else:
            return
        self._best_upper(data, sharp.multipliers, inner.multipliers)
        if everything:
            self._best_lower(sharp, inner)

    def shown_upper(self, data: Data, multipliers: np.ndarray) -> tuple[Fraction, dict] | None:
        """A bound, with what proves it, from multipliers that may be repaired; see `upper_bound`."""
        return upper_bound(self.exact, self.sets, self.entries, data, multipliers)

    def shown_lower(self, gram: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray, np.ndarray] | None:
        """A metric that is attained, with its instance, from a Gram matrix and values; see `lower_bound`."""
        return lower_bound(self.model, self.exact, self.sets, gram, values, self.tolerance / 100)

    def _best_upper(self, data: Data, sharp: np.ndarray, inner: np.ndarray) -> None:
        for share in SHARES:
            up = self.shown_upper(data, (1 - share) * sharp + share * inner)
            if up is not None:
                if self.upper[0] is None or up[0] < self.upper[0]:
                    self.upper = up
                return

    def _best_lower(self, sharp: Solution, inner: Solution) -> None:
        for share in SHARES:
            gram = (1 - share) * sharp.grams[0] + share * inner.grams[0]
            values = (1 - share) * sharp.values + share * inner.values
            low = self.shown_lower(gram, values)
            if low is not None:
                if low[0] > self.lower[0]:
                    self.lower = low
                return

    def result(self) -> Envelope:
        upper = np.inf if self.upper[0] is None else _up(self.upper[0])
        return Envelope(self.model, self.lower[0], upper, self.upper[1], self.lower[1], self.lower[2])


def _on_line(model: Model) -> tuple:
    """What a run of balls on a function of one variable attains, with the middles of its numbers."""
    best = line_of_balls(model.setting)
    if best is None:
        return (-np.inf, None, None)
    low, line = best
    first = float(line.initial)
    basis = np.array([[float(line.vectors[name])] for name in model.basis]) / np.sqrt(first)
    return _down(low), basis, np.array([float(line.values[name]) for name in model.value_names]) / first


def _up(value: Fraction) -> float:
    nearest = double(value)
    return nearest if Fraction(nearest) >= value else float(np.nextafter(nearest, np.inf))


def _down(value: Fraction) -> float:
    return -_up(-value)
