"""Proofs of many steps from that of one: each step shrinks what the next one begins with.

If metric <= rho * initial condition is proved for one step, the same inequalities at the points of every step, those of
step k times rho^(K - k), prove rho^K for K steps. Two runs show why this is needed: nothing bounds how far both drift
together, so inequalities between different steps have multiplier 0, and a solver that looks inside finds no proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from .. import _exact
from .._closed import proved
from ._forms import TracedForms
from ._model import Name
from .oracles import STAR
from .question import TracedSetting

ZERO, ONE = Fraction(0), Fraction(1)
PLAIN = ("initial",)


def repeated(
    question: TracedSetting, one: TracedSetting, rho: Fraction, multipliers: Mapping[Name, Fraction], forms: TracedForms
) -> _exact.Exact | None:
    """The proof of K steps that a proof of one step makes, in the units of the run; None where it makes none.

    Args:
        question: The question of K steps.
        one: The same question of one step.
        rho: The bound of one step.
        multipliers: Its multipliers, in the units of the question `one`.
        forms: The inequalities of K steps.
    """
    units, count = question.units, question.steps
    assert units is not None, "made with its run"
    places = _places(question, one)
    if places is None or len(forms.model.basis) > _exact.MOST_EXACT:
        return None
    given: dict[Name, Fraction] = {}
    for name, value in multipliers.items():
        if name == PLAIN:
            given[name] = rho ** (count - 1) * value
            continue
        function = next((part for part in name if part in places), None)
        if function is None:
            return None
        for step in range(count):
            at = tuple(places[function][step].get(part, part) for part in name)
            given[at] = given.get(at, ZERO) + rho ** (count - 1 - step) * value
    if any(name not in forms.values for name in given):
        return None
    inner = {name: value / units.multiplier(name) for name, value in given.items()}
    return _exact.Exact(forms.bound(inner), inner, None) if proved(forms, inner) else None


def _places(question: TracedSetting, one: TracedSetting) -> dict[str, list[dict[str, str]]] | None:
    """For each function and each of K steps: which point of the run is that point of the run of one step."""
    many, few = _labels(question), _labels(one)
    places = {}
    for function, labels in few.items():
        more, rest = divmod(len(many[function]) - len(labels), question.steps - 1)
        if rest:
            return None
        places[function] = [
            {label: many[function][at + step * more] for at, label in enumerate(labels)}
            for step in range(question.steps)
        ]
    return places


def _labels(question: TracedSetting) -> dict[str, list[str]]:
    """The points of each function in the order of the run."""
    assert question.run is not None, "made with its question"
    points = [p for p in question.run.points if p.label != STAR]
    return {name: [p.label for p in points if p.function == name] for name in question.classes}
