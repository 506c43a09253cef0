"""Exact proofs for one K from few inequalities, and the check of multipliers that a formula gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import fmpq_mat

from .._build import build
from .._conic import FINE, Data, Solution, solve, spectrum, whole
from .._exact import fraction, positive_semidefinite, rational, restricted
from .._fractions import double
from .._model import FRACTIONS
from .._setting import Setting
from .._solve import answer
from .._witness import SNAPS, Forms
from ..result import WorstCase
from ..traced import Inequalities, TracedSetting
from ._kinds import Kind, Name, ends_of, expendable, kind_of

KEEPS = 1e-6
"""A value stays if it changes by less than this part."""
CLOSE = 1e-7
"""A bound is the worst case, as far as the solver's digits go, if it is larger by at most this part."""
PRESENT = (1e-6, 1e-4)
"""Multipliers, and eigenvalues of a Gram matrix, that are a smaller part of the largest are taken to be 0."""
ZERO = Fraction(0)


class Problem:
    """A question for one K: its conic data, and its inequalities in fractions."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.units = setting.units if isinstance(setting, TracedSetting) else None
        if isinstance(setting, TracedSetting):
            traced = Inequalities(setting)
            self.data: Data = traced.data
            self.forms: Forms = traced.forms
        else:
            self.data = whole(build(setting))
            self.forms = Forms(build(setting, FRACTIONS))
        self.ends = ends_of(self.data.names)
        self.solution = solve(self.data)

    @property
    def solved(self) -> bool:
        """Whether the solver has a solution."""
        return self.solution.status in FINE and bool(np.isfinite(self.solution.value))

    @cached_property
    def answer(self) -> WorstCase:
        """The engine's answer, for its lower end and its exact instance."""
        return answer(self.setting)

    @cached_property
    def witnesses(self) -> list[np.ndarray]:
        """Exact one-dimensional worst cases as columns, where the engine knows one."""
        exact = self.answer._exactly
        if isinstance(exact, str) or exact.witness is None or len(exact.witness.vector) != len(self.forms.model.basis):
            return []
        return [np.array([[value] for value in exact.witness.vector], object)]

    def kinds(self, names: Iterable[Name]) -> dict[Kind, dict[int, Name]]:
        """The inequalities by kind and index."""
        sorted_: dict[Kind, dict[int, Name]] = {}
        for name in names:
            kind, k = kind_of(name, self.ends)
            sorted_.setdefault(kind, {})[k] = name
        return sorted_

    def unit(self, name: Name) -> Fraction:
        """What a multiplier of the run in units of its own is multiplied with."""
        return Fraction(1) if self.units is None else self.units.multiplier(name)

    def without(self, gone: set[Name]) -> tuple[Data, Solution]:
        """The problem with fewer inequalities."""
        part = restricted(self.data, np.array([name not in gone for name in self.data.names]))
        return part, solve(part)

    def stays(self, solution: Solution) -> bool:
        """Whether the value is that of all inequalities."""
        value = self.solution.value
        return bool(np.isfinite(solution.value)) and abs(solution.value - value) <= KEEPS * abs(value)

    def close(self, tau: Fraction) -> bool:
        """Whether a bound (of the run in its units) is the solver's value, as far as it can be seen."""
        return double(tau) - self.solution.value <= CLOSE * abs(self.solution.value)


@dataclass(frozen=True)
class Proof:
    """tau in the units of the question, multipliers as in `Certificate`; those that are not named are 0."""

    tau: Fraction
    multipliers: Mapping[Name, Fraction]


def needed_kinds(problem: Problem) -> set[Kind]:
    """Kinds without any of which the value is another one, left after the others were dropped one by one."""
    kinds = problem.kinds(problem.data.names)
    gone: set[Name] = set()
    left = set(kinds)
    order = sorted((kind for kind in kinds if _may_go(problem, kinds[kind])), key=expendable)
    distant = [kind for kind in order if expendable(kind)[0] <= -40]
    for group in ([distant] if distant else []) + [[kind] for kind in order]:
        more = {name for kind in group if kind in left for name in kinds[kind].values()}
        if more and problem.stays(problem.without(gone | more)[1]):
            gone |= more
            left -= set(group)
    return left


def _may_go(problem: Problem, names: Mapping[int, Name]) -> bool:
    """The initial condition stays, and equations do."""
    return not any(name[0] == "initial" or problem.forms.equation(name) for name in names.values())


def exact_proof(problem: Problem, kinds: set[Kind]) -> Proof | str:
    """The proof from inequalities of these kinds, exactly; a sentence where there is none."""
    if not problem.solved:
        return f"the solver has no solution ({problem.solution.status})"
    given = problem.kinds(problem.data.names)
    gone = {name for kind, names in given.items() if kind not in kinds for name in names.values()}
    part, solution = problem.without(gone)
    if not problem.stays(solution):
        return "inequalities of the kinds that suffice for another K do not suffice"
    proof, free = _from_solution(problem, part, solution)
    if free:  # several proofs: inequalities go, one by one and in the same order for every K
        order = sorted(kinds, key=expendable)
        for name in (given[kind][k] for kind in order if kind in given for k in sorted(given[kind], reverse=True)):
            if name[0] == "initial" or problem.forms.equation(name):
                continue
            less, answered = problem.without(gone | {name})
            if problem.stays(answered):
                gone, part, solution = gone | {name}, less, answered
        proof, free = _from_solution(problem, part, solution)
    if proof is None:
        return "no fractions near the solver's numbers make an exact proof"
    return proof


def _from_solution(problem: Problem, data: Data, solution: Solution) -> tuple[Proof | None, int]:
    """Multipliers with a slack matrix that vanishes on the range of the Gram matrix; and how many of them are free.

    The range is what a worst case is made of. Snapped to fractions it makes the multipliers the solution of linear
    equations, which is believed where the slack matrix is positive semidefinite.
    """
    free, best = 0, None
    for present in PRESENT:
        largest = np.abs(solution.multipliers).max(initial=0.0)
        chosen = [n for n, v in zip(data.names, solution.multipliers) if abs(v) > present * largest]
        snapped = (_range(solution.grams[0], present, snap) for snap in SNAPS)
        for basis in (basis for basis in (*problem.witnesses, *snapped) if basis is not None):
            multipliers, left = _multipliers(problem.forms, chosen, basis)
            free = max(free, left)
            if multipliers is None or left:
                continue
            tau = sound(problem.forms, multipliers)
            # a range that was snapped to other fractions makes proofs, too, of larger bounds
            if tau is not None and problem.close(tau) and (best is None or tau < best[0]):
                best = tau, multipliers
        if best is not None:
            tau, multipliers = best
            named = {name: value * problem.unit(name) for name, value in multipliers.items() if value}
            return Proof(tau * problem.setting.scale, named), 0
    return None, free


def _range(gram: np.ndarray, present: float, most: int) -> np.ndarray | None:
    """The range of a Gram matrix as columns in echelon form, snapped to fractions; None for no columns."""
    weight, directions = spectrum(gram)
    rows = directions[:, weight > present * weight.max(initial=0.0)].T.copy()
    if not len(rows):
        return None
    for at in range(len(rows)):
        pivot = int(np.argmax(np.abs(rows[at])))
        rows[at] /= rows[at, pivot]
        for other in range(len(rows)):
            if other != at:
                rows[other] -= rows[other, pivot] * rows[at]
    return np.array([[Fraction(float(v)).limit_denominator(most) for v in row] for row in rows], object).T


def _multipliers(forms: Forms, names: list[Name], basis: np.ndarray) -> tuple[dict[Name, Fraction] | None, int]:
    """The multipliers of `names` with S basis = 0 and values that cancel, None for none; how many are free."""
    columns = []
    for name in names:
        matrix = forms.matrix(name)
        size = (len(forms.model.basis), basis.shape[1])
        columns.append((np.full(size, ZERO) if matrix is None else matrix.dot(basis)).ravel())
    metric = {forms.model.value_names[i]: w for i, w in forms.model.metric_values}
    rows = [[forms.values[name].get(node, ZERO) for name in names] for node in forms.model.value_names]
    right = [metric.get(node, ZERO) for node in forms.model.value_names]
    rows += [[Fraction(column[i]) for column in columns] for i in range(basis.size)]
    right += [Fraction(v) for v in forms.metric().dot(basis).ravel()]
    full = fmpq_mat(len(rows), len(names) + 1, [rational(v) for row, b in zip(rows, right) for v in (*row, b)])
    reduced, rank = full.rref()
    pivots = [next(j for j in range(len(names) + 1) if reduced[i, j] != 0) for i in range(rank)]
    if len(names) in pivots:
        return None, 0
    if rank < len(names):
        return None, len(names) - rank
    return {name: fraction(reduced[i, len(names)]) for i, name in enumerate(names)}, 0


def sound(forms: Forms, multipliers: Mapping[Name, Fraction]) -> Fraction | None:
    """The bound that multipliers prove (of the run in its units), by exact arithmetic; None if they prove none."""
    if any(value < 0 for name, value in multipliers.items() if not forms.equation(name)):
        return None
    total = {forms.model.value_names[i]: -w for i, w in forms.model.metric_values}
    for name, value in multipliers.items():
        for node, weight in forms.values[name].items():
            total[node] = total.get(node, ZERO) + value * weight
    if any(total.values()):
        return None
    given = {name: value for name, value in multipliers.items() if value}
    return forms.bound(given) if positive_semidefinite(forms.slack_matrix(given)) else None


def refusal(problem: Problem, tau: Fraction, multipliers: Mapping[Name, Fraction]) -> str:
    """Why multipliers (as in `Certificate`) do not prove that the worst case is at most tau; "" if they do."""
    unknown = [name for name in multipliers if name not in set(problem.data.names)]
    if unknown:
        return f"there is no inequality {' '.join(unknown[0])}"
    negative = [name for name, v in multipliers.items() if v < 0 and not problem.forms.equation(name)]
    if negative:
        return f"the multiplier of {' '.join(negative[0])} is negative"
    proved = sound(problem.forms, {name: value / problem.unit(name) for name, value in multipliers.items()})
    if proved is None:
        return "function values do not cancel, or the remainder is not positive semidefinite"
    bound = proved * problem.setting.scale
    return "" if bound <= tau else f"the multipliers prove {bound}, and the formula says {tau}"
