"""The certificate of a traced method as plain JSON: the run as the points that it asked for, and the proof."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .. import _exact, checker_growth, checker_lyapunov, checker_sublinear, checker_traced
from ._linear import ADJOINT
from ._model import Name, TracedModel, value_name
from ._ray import Ray
from ._steps import TwoSteps
from ._units import Units
from .as_code import Method, iterate
from .classes import Class
from .oracles import STAR
from .question import TracedSetting
from .vectors import Scalar, Value, Vector

Vectors = tuple[list[Vector], list[Value]]


def _vector(vector: Vector) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(vector.entries.items())}


def _expression(one: Scalar) -> dict[str, Any]:
    values = [[*v, str(w)] for v, w in sorted(one.values.items())]
    return {"values": values, "form": [[a, b, str(w)] for (a, b), w in sorted(one.form.items())]}


def _class(given: Class) -> dict[str, str]:
    inside = {} if given.inside is None else {"inside": given.inside}
    return {"class": given.name, **{name: str(value) for name, value in given.numbers}, **inside}


def trace_of(question: TracedSetting) -> dict[str, Any]:
    """The question as plain JSON: classes, the points of the run, further inequalities, and the metric."""
    run = question.run
    assert run is not None, "made with its run"
    given, further, metric = run.raw
    points = [{"function": p.function, "label": p.label, "x": _vector(p.x), "g": _vector(p.g)} for p in given]
    sides = [{"name": list(s.name), **_expression(s.left), "right": str(s.right)} for s in further]
    return {
        "method": question.method,
        "steps": question.steps,
        "metric_name": question.metric,
        "initial_name": question.initial,
        "functions": {name: _class(c) for name, c in question.classes.items()},
        "points": points,
        "inequalities": sides,
        "metric": [_expression(one) for one in metric],
        "infimum": run.infimum,
    }


def written(question: TracedSetting, model: TracedModel, exact: _exact.Exact) -> dict[str, Any]:
    """The certificate, in the units of the question."""
    units = question.units
    assert units is not None, "made with its run"
    data: dict[str, Any] = {
        "format": checker_traced.FORMAT,
        **trace_of(question),
        "tau": str(exact.tau * question.scale),
        "exact": exact.witness is not None,
        "upper_bound_only": not question.tight,
        "multipliers": [[*name, str(w)] for name, w in sorted(_multipliers(question, model, exact, units).items())],
    }
    if exact.witness is not None:
        vectors = {name: str(v * units.vector(name)) for name, v in zip(model.whole.basis, exact.witness.vector)}
        vectors |= dict.fromkeys(model.run.zero, "0")
        named = exact.witness.values
        labels = [(p.function, p.label) for p in model.run.points if model.run.classes[p.function].kind == "function"]
        if model.run.infimum is not None:
            labels.append((model.run.infimum, STAR))
        values = [[*v, str(named.get(value_name(v), 0) * units.values[v[0]])] for v in labels]
        data["witness"] = {"vectors": vectors, "values": values}
    data["digest"] = checker_traced.digest(data)
    return data


def growth_data(question: TracedSetting, ray: Ray) -> dict[str, Any]:
    """The certificate that the answer is +inf, in the units of the question."""
    run, units = question.run, question.units
    assert run is not None, "made with its question"
    assert units is not None, "made with its run"
    labels = [(p.function, p.label) for p in run.points if run.classes[p.function].kind == "function"]
    if run.infimum is not None:
        labels.append((run.infimum, STAR))
    scales = [(list(v), value_name(v), units.values[v[0]]) for v in labels]
    if len(run.metric) > 1:
        scales.append((["t"], "t", question.scale))
    values = [[*v, [str(ray.values.get((n, power), 0) * s) for power in range(3)]] for v, n, s in scales]
    vectors = [
        [one, p, other, q, str(w * units.vector(one) * units.vector(other))]
        for ((one, p), (other, q)), w in sorted(ray.form.items())
    ]
    data = {"format": checker_growth.FORMAT, **trace_of(question), "vectors": vectors, "values": values}
    data["digest"] = checker_growth.digest(data)
    return data


def _multipliers(
    question: TracedSetting, model: TracedModel, exact: _exact.Exact, units: Units
) -> dict[Name, Fraction]:
    """The multipliers in the units of the question, and those of what the choice of an origin rests on."""
    # in the frame what a term h(M x) has at x* is 0, by an exchange of linear functions: <u*, M x - M x*> for
    # <v*, x - x*>, v* the transpose times u*; where an expression has a value of h, that equation has its weight
    given = {name: w * units.multiplier(name) for name, w in model.in_full(exact.multipliers).items()}
    points, sides, metric = model.run.raw
    used = [(given.get(side.name, Fraction(0)), side.left) for side in sides]
    if len(metric) == 1:
        used.append((Fraction(-1), metric[0]))
    else:
        used += [(-given.get(("metric", str(i)), Fraction(0)), one) for i, one in enumerate(metric)]
    labels = {next(iter(p.g.entries)): (p.function, p.label) for p in points if len(p.g.entries) == 1}
    at = {(p.function, p.label): p.x.entries for p in points}
    for weight, one in used:
        for value, w in one.values.items():
            inside = question.classes[value[0]].inside
            for name, part in at[value].items() if inside is not None else ():
                operator, label = labels.get(name, ("", STAR))
                if operator == inside and label != STAR:
                    row: Name = (ADJOINT, operator, label, STAR)
                    given[row] = given.get(row, Fraction(0)) + weight * w * part
    return {name: w for name, w in given.items() if w}


def _two_steps(
    steps: TwoSteps, classes: Mapping[str, Class], method: Method, target: str, now: Vectors, after: Vectors
) -> dict[str, Any]:
    """What the certificates of rates have in common: two steps, and what potentials are made of."""
    points = [
        {"function": p.function, "label": p.label, "x": _vector(p.x), "g": _vector(p.g)} for p in steps.recorder.points
    ]
    return {
        "method": method.title,
        "functions": {name: _class(c) for name, c in classes.items()},
        "points": points,
        "state": len(steps.fixed),
        "fixed": [_vector(v) for v in steps.fixed],
        "now": {"vectors": [_vector(v) for v in now[0]], "values": [list(v) for v in now[1]]},
        "after": {"vectors": [_vector(v) for v in after[0]], "values": [list(v) for v in after[1]]},
        "target": target,
        "x": _vector(iterate(steps.states[0])),
        "goal": _vector(steps.goal),
    }


def lyapunov_data(
    steps: TwoSteps,
    classes: Mapping[str, Class],
    method: Method,
    target: str,
    rate: Fraction,
    given: Mapping[Name, Fraction],
    now: Vectors,
    after: Vectors,
) -> dict[str, Any]:
    """The certificate of a rate: points of two steps, V before and after a step, and both proofs."""
    data: dict[str, Any] = {
        "format": checker_lyapunov.FORMAT,
        **_two_steps(steps, classes, method, target, now, after),
        "rate": str(rate),
        "form": [[int(a), int(b), str(w)] for (kind, a, *rest), w in given.items() if kind == "form" for b in rest],
        "weights": [[int(name[1]), str(w)] for name, w in given.items() if name[0] == "value"],
        "decrease": [[*name[1:], str(w)] for name, w in given.items() if name[0] == "decrease"],
        "above": [[*name[1:], str(w)] for name, w in given.items() if name[0] == "above"],
    }
    data["digest"] = checker_lyapunov.digest(data)
    return data


def sublinear_data(
    steps: TwoSteps,
    classes: Mapping[str, Class],
    method: Method,
    target: str,
    constant: Fraction,
    given: Mapping[Name, Fraction],
    now: Vectors,
    after: Vectors,
    start: list[Fraction],
) -> dict[str, Any]:
    """The certificate of a rate 1/k: points of two steps, A and B before and after a step, and five proofs."""

    def potential(part: str) -> dict[str, list]:
        forms = [(name, w) for name, w in given.items() if name[:2] == (part, "form") and w]
        values = [(name, w) for name, w in given.items() if name[:2] == (part, "value") and w]
        return {
            "form": [[int(name[2]), int(name[3]), str(w)] for name, w in forms],
            "weights": [[int(name[2]), str(w)] for name, w in values],
        }

    data: dict[str, Any] = {
        "format": checker_sublinear.FORMAT,
        **_two_steps(steps, classes, method, target, now, after),
        "next": _vector(iterate(steps.states[1])),
        "constant": str(constant),
        "start": [str(w) for w in start],
        "A": potential("A"),
        "B": potential("B"),
        "proofs": {
            part: [[*name[1:], str(w)] for name, w in given.items() if name[0] == part and w]
            for part in checker_sublinear.PROOFS
        },
    }
    data["digest"] = checker_sublinear.digest(data)
    return data


__all__ = ["lyapunov_data", "sublinear_data", "trace_of", "written"]
