"""The worst case of a traced method: solved, shown and certified as that of any other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import clarabel
import numpy as np

from ...errors import DefectError, InputError
from .. import _exact
from .._closed import Closed
from .._conic import Data, Solution, estimate, solve
from .._envelope import Envelope, finite
from .._fractions import double
from .._sensitivity import Sensitivity
from .._setting import UnboundedError
from ..result import Certificate, WorstCase, in_units
from ._faces import without_useless
from ._forms import TracedForms
from ._linear import KINDS
from ._model import ORDINALS, TracedModel, traced_model
from ._ray import ray_of
from ._shown import TracedSearch
from ._twins import of_differences
from ._witness import candidates, line_witness
from .certificate import growth_data, written
from .question import TracedSetting


@dataclass(frozen=True, eq=False)
class TracedWorstCase(WorstCase):
    """The worst case of a method that was given as code; see `WorstCase`.

    Where a class has no interpolation theorem (`tight` is False) the answer is an upper bound, and `lower` is -inf.
    """

    @property
    def question(self) -> TracedSetting:
        """The question."""
        assert isinstance(self.setting, TracedSetting), "made of one"
        return self.setting

    @property
    def traced(self) -> TracedModel:
        """The run with its inequalities."""
        assert isinstance(self.model, TracedModel), "made of one"
        return self.model

    @property
    def tight(self) -> bool:
        """Whether every class has an interpolation theorem; elsewhere the answer is an upper bound."""
        return self.question.tight

    @cached_property
    def _conic(self) -> Data:
        return self.traced.conic

    @cached_property
    def _solution(self) -> Solution:
        return solve(self._conic)

    @property
    def _sharp_estimate(self) -> float:
        value = self._solution.value
        return in_units(value, self.question.scale) if np.isfinite(value) else self.estimate

    @cached_property
    def envelope(self) -> Envelope:
        """Rigorous bounds, with multipliers and vectors."""
        estimate = double(Fraction(self.estimate) / self.setting.scale) if np.isfinite(self.estimate) else np.nan
        allowed = self._tolerance(estimate) if np.isfinite(estimate) else 0.0
        ends = TracedSearch(self.traced, self._conic, self._solution, allowed).search(self.tight)
        if not finite(ends.upper) and np.isfinite(estimate):  # no rounding had room: an exact proof may need none
            exact = self._proof(estimate, None)
            if not isinstance(exact, str):
                ends = replace(ends, upper=exact.tau, multipliers=exact.multipliers)
        if ends.lower > ends.upper:
            raise DefectError(
                f"a defect of this package, and no fault of the question: a worst case was shown to be at least "
                f"{double(ends.lower):.17g} and at most {double(ends.upper):.17g}; please report it with {self.setting}"
            )
        return ends

    @cached_property
    def _closed(self) -> Closed:
        return Closed()

    def _problem(self) -> Data:
        return self._conic

    @cached_property
    def instance(self) -> dict[str, np.ndarray]:
        """The instance behind `lower`: for each function f the arrays f_x, f_g (P, n) and f_f (P,), and x0 (n,)."""
        from .replay import arrays

        if self.envelope.basis is None or self.envelope.values is None:
            raise InputError("no instance was certified: there is a value, but nothing that attains it; see `lower`.")
        return arrays(self.question, self.traced.whole, self.envelope.basis, self.envelope.values)

    @cached_property
    def _exactly(self) -> _exact.Exact | str:
        if len(self.traced.basis) > _exact.MOST_EXACT:
            return (
                f"exact elimination is tried up to {_exact.MOST_EXACT} vectors; this run has {len(self.traced.basis)}"
            )
        if not np.isfinite(self.upper):
            return "nothing was shown from above"
        return self._proof(self._normalised, self.envelope.multipliers)

    def _proof(self, value: float, given: dict[tuple[str, ...], Fraction] | None) -> _exact.Exact | str:
        """A proof near a value, of the run in its units; `given` are multipliers that may be one."""
        if len(self.traced.basis) > _exact.MOST_EXACT:
            return "too many vectors"
        forms = TracedForms(self.traced)
        certain = self.tight and self.traced.attained and not self.traced.squares
        for data, solution in candidates(self._conic, self._solution) if certain else ():
            witness = line_witness(forms, solution)
            if witness is None:
                continue
            tight = _exact.tight_multipliers(forms, witness, data.names, dict(zip(data.names, solution.multipliers)))
            if tight is None or forms.bound(tight) != witness.metric:
                continue
            if _exact.positive_semidefinite(forms.slack_matrix(tight)):
                full = self.traced.full_witness(witness)
                if full is not None:
                    return _exact.Exact(witness.metric, tight, full)
        if given is not None and _exact.positive_semidefinite(forms.slack_matrix(given)):
            return _exact.Exact(forms.bound(given), given, None)
        return _exact.inflated(forms, self._conic, value, self._tolerance(value))

    @cached_property
    def _written(self) -> Certificate | str:
        exact = self._exactly
        if isinstance(exact, str):
            return exact
        every = self.traced.in_full(exact.multipliers)
        named = {spoken(name): value * self._unit(name) for name, value in every.items()}
        tau = exact.tau * self.setting.scale
        return Certificate(tau, exact.witness is not None, named, written(self.question, self.traced, exact))

    def _unit(self, name: tuple[str, ...]) -> Fraction:
        """What a multiplier of the run in units is multiplied with."""
        units = self.question.units
        return Fraction(1) if units is None else units.multiplier(name)

    @property
    def multipliers(self) -> dict[str, float]:
        """Multipliers by the name of their inequality, as few of them as keep the value."""
        every = self.traced.in_full(self._sparse)
        return {spoken(name): value * float(self._unit(name)) for name, value in every.items()}

    @property
    def recognised(self) -> str | None:
        """No bound of the catalogue is about traced methods."""
        return None

    @property
    def text(self) -> str:
        """The proof as a sketch: which inequalities, with which multipliers, add up to the bound."""
        s, exact = self.question, self._exactly
        given: Mapping[tuple[str, ...], Any] = self._sparse if isinstance(exact, str) else exact.multipliers
        tau = self.value if isinstance(exact, str) else exact.tau * s.scale
        lines = [
            f"worst case of {s.method} over {s.function_class}: {s.metric}, K = {s.steps}, {s.initial} at most 1",
            f"it is {'' if self.tight else 'at most '}{_short(tau)}, the sum of these, each times the number before:",
        ]
        lines += [
            f"  {_short(value * self._unit(name)):>12}  {spoken(name)}"
            for name, value in self.traced.in_full(given).items()
        ]
        lines.append("and a positive semidefinite form")
        return "\n".join(lines) + "\n"

    def sensitivity(self) -> Sensitivity:
        """Not for traced methods: their numbers are in their code."""
        raise InputError(
            "sensitivity: a traced method has its numbers in its code; ask for a built-in method, or for several worst "
            "cases of methods with other numbers."
        )

    def summary(self) -> str:
        """One line."""
        line = super().summary()
        if not np.isfinite(self.upper):
            line = f"{line}; not bounded by the solver, and no growth that shows +inf was found"
        return line if self.tight else f"{line}; an upper bound: a class has no interpolation theorem"


def spoken(name: tuple[str, ...]) -> str:
    """An inequality by name: "f[3 over 4]"."""
    if name[0] in KINDS:
        return f"{name[1]}[{', '.join(name[2:])}; {name[0]}]"
    if name[0] in ORDINALS:
        return f"{name[1]}[{name[2]} over {name[3]}; {name[0]}]"
    if len(name) == 3 and name[0] != "bound":
        return f"{name[0]}[{name[1]} over {name[2]}]"
    return f"{name[1]}[{name[2]}; bound]" if name[0] == "bound" else " ".join(name)


def _short(value: Fraction | float) -> str:
    if isinstance(value, Fraction) and max(abs(value.numerator), value.denominator) < 10**20:
        return str(value)
    return f"{double(value):.9g}"


def traced_answer(question: TracedSetting) -> TracedWorstCase:
    """The worst case of a checked question about a traced method.

    Args:
        question: The checked question.

    Returns:
        The answer. Where the solver finds no bound, nothing is shown from above: `upper` is +inf, and it is open.

    Raises:
        UnboundedError: Where the answer is +inf, which instances that grow show.
    """
    start = time.perf_counter()
    assert question.units is not None, "made with its run"
    model = without_useless(of_differences(traced_model(question, question.units.run)))
    data = model.conic
    solution = estimate(data)  # bounds are made of another, of more digits
    value = np.nan if "Infeasible" in solution.status else solution.value  # what it is worth the two ends show
    if not np.isfinite(value):
        _refuse_unbounded(question)
    solver, seconds = f"Clarabel {clarabel.__version__}, whole", time.perf_counter() - start
    answer = TracedWorstCase(question, in_units(value, question.scale), solver, solution.status, seconds, False, model)
    answer.__dict__.update(_conic=data)
    return answer


def _refuse_unbounded(s: TracedSetting) -> None:
    """Raise where the answer is +inf: where instances are found that grow without end, and the metric with them."""
    ray = ray_of(s)
    if ray is None:
        return
    values = sorted({name for name, power in ray.values if power and name != "t"})
    grows = ", ".join(ray.vectors or values)
    bounded = f"no multiple of the initial condition `{s.initial}` bounds" if s.initial != "none" else "nothing bounds"
    error = UnboundedError(
        f"the worst case is +inf: over {s.function_class}, {bounded} `{s.metric}` after {s.steps} steps of {s.method}: "
        f"there are instances in which {grows} grow without end (f'0 is what f returned at its point 0), and the "
        f"metric with them; ask for another metric or initial condition, for a class that bounds what grows, or for "
        f"smaller steps."
    )
    error.setting, error.data = s, growth_data(s, ray)
    raise error
