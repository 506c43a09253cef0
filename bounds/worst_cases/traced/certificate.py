"""The certificate of a traced method as plain JSON: the run as the points that it asked for, and the proof."""

from __future__ import annotations

from typing import Any

from .. import _exact, checker_traced
from ._model import TracedModel, value_name
from .oracles import STAR
from .question import TracedSetting
from .vectors import Scalar, Vector


def _vector(vector: Vector) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(vector.entries.items())}


def _expression(one: Scalar) -> dict[str, Any]:
    values = [[*v, str(w)] for v, w in sorted(one.values.items())]
    return {"values": values, "form": [[a, b, str(w)] for (a, b), w in sorted(one.form.items())]}


def trace_of(question: TracedSetting) -> dict[str, Any]:
    """The question as plain JSON: classes, the points of the run, further inequalities, and the metric."""
    run = question.run
    assert run is not None, "made with its run"
    classes = {name: {"class": c.name, **{n: str(v) for n, v in c.numbers}} for name, c in run.classes.items()}
    given, further, metric = run.raw
    points = [{"function": p.function, "label": p.label, "x": _vector(p.x), "g": _vector(p.g)} for p in given]
    sides = [{"name": list(s.name), **_expression(s.left), "right": str(s.right)} for s in further]
    return {
        "method": question.method,
        "steps": question.steps,
        "metric_name": question.metric,
        "initial_name": question.initial,
        "functions": classes,
        "points": points,
        "inequalities": sides,
        "metric": [_expression(one) for one in metric],
        "infimum": run.infimum,
    }


def written(question: TracedSetting, model: TracedModel, exact: _exact.Exact) -> dict[str, Any]:
    """The certificate."""
    data: dict[str, Any] = {
        "format": checker_traced.FORMAT,
        **trace_of(question),
        "tau": str(exact.tau),
        "exact": exact.witness is not None,
        "upper_bound_only": not question.tight,
        "multipliers": [[*name, str(value)] for name, value in sorted(exact.multipliers.items())],
    }
    if exact.witness is not None:
        vectors = {name: str(v) for name, v in zip(model.basis, exact.witness.vector)}
        vectors |= dict.fromkeys(model.run.zero, "0")
        named = exact.witness.values
        labels = [(p.function, p.label) for p in model.run.points if model.run.classes[p.function].kind == "function"]
        if model.run.infimum is not None:
            labels.append((model.run.infimum, STAR))
        values = [[*v, str(named.get(value_name(v), 0))] for v in labels]
        data["witness"] = {"vectors": vectors, "values": values}
    data["digest"] = checker_traced.digest(data)
    return data


__all__ = ["trace_of", "written"]
