"""A question about a traced method, checked: classes, metric and initial condition by name or as an expression."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ....errors import suggestion
from ...errors import InputError
from .._setting import Setting
from . import classes as _classes
from ._frame import Framed, framed
from ._linear import KINDS
from ._units import Units, in_units
from .as_code import Method
from .classes import Class, with_transposes
from .oracles import Run, least, traced
from .vectors import Scalar

UNIT = Fraction(1)


def _mean(run: Run) -> Scalar:
    return sum((run.F(x) - run.F_star for x in run.x[1:]), Scalar({}, {})) / run.K


def _gradients(run: Run) -> list[Scalar]:
    """At every iterate, but at x_0 where there are several functions: the method does not ask for all of them there."""
    return [run.gradient(x) ** 2 for x in (run.x if len(run.oracles) == 1 else run.x[1:])]


METRICS: dict[str, Callable[[Run], Scalar | list[Scalar]]] = {
    "objective": lambda run: run.F(run.x[-1]) - run.F_star,
    "average_objective": _mean,
    "best_objective": lambda run: [run.F(x) - run.F_star for x in run.x],
    "distance": lambda run: (run.x[-1] - run.star) ** 2,
    "decrease": lambda run: run.F(run.x[-1]) - run.F(run.x[0]),
    "gradient": lambda run: run.gradient(run.x[-1]) ** 2,
    "best_gradient": _gradients,
    "residual": lambda run: (run.x[-1] - run.x[-2]) ** 2,
}
"""Metrics by name; a list means the least of its entries."""
INITIALS: dict[str, Callable[[Run], Scalar | list[Scalar]]] = {
    "distance": lambda run: (run.x[0] - run.star) ** 2,
    "objective": lambda run: run.F(run.x[0]) - run.F_star,
    "decrease": lambda run: run.F(run.x[0]) - run.F(run.x[-1]),
    "gradient": lambda run: run.gradient(run.x[0]) ** 2,
    "residual": lambda run: (run.x[0] - run.x[1]) ** 2,
    "none": lambda run: [],
}
"""Initial conditions by name: what is at most 1; "none" where the class itself bounds the run."""


@dataclass(frozen=True)
class TracedSetting(Setting):
    """A question about a traced method; `run` is its run, `units` the run in units of its own."""

    program: Method = field(default_factory=lambda: Method(lambda state: state))
    classes: Mapping[str, Class] = field(default_factory=dict)
    run: Framed | None = None
    units: Units | None = None
    metric_of: Callable | None = None

    @property
    def scale(self) -> Fraction:
        """What the metric of the run in units is multiplied with."""
        return UNIT if self.units is None else self.units.metric

    @property
    def rational(self) -> bool:
        """Coefficients are fractions: those of floats are what the floats are."""
        return True

    @property
    def one_function(self) -> bool:
        """No class has one member only."""
        return False

    @property
    def starless(self) -> bool:
        """Points are all in the run."""
        return True

    def scalings(self) -> list[Setting]:
        """There are no other units."""
        return [self]

    def error_factor(self, name: tuple[str, ...]) -> Fraction:
        """No inequality was divided by anything."""
        return UNIT

    @property
    def tight(self) -> bool:
        """Whether every class has an interpolation theorem, so that the upper bound may be the worst case."""
        return all(given.tight for given in self.classes.values())


def classes_of(function_class: Any, L: Any, mu: Any) -> dict[str, Class]:
    """The classes of a question by the names of their functions: f, and r for the composite ones."""
    if isinstance(function_class, Class):
        return {"f": function_class}
    if isinstance(function_class, Mapping):
        for name, given in function_class.items():
            if not isinstance(given, Class):
                raise InputError(
                    f"function_class[{name!r}]: expected a class of bounds.worst_cases.classes, got {given!r}."
                )
            if not (
                isinstance(name, str)
                and name.isidentifier()
                and name not in ("k", "error", "metric", "initial", "second", "third", "bound", "t", *KINDS)
            ):
                raise InputError(f"function_class: expected names of functions such as f and r, got {name!r}.")
        if not function_class:
            raise InputError("function_class: expected at least one function, got none.")
        _demand_operators(function_class)
        return dict(function_class)
    if function_class == "smooth_strongly_convex":
        return {"f": _classes.smooth_strongly_convex(L, mu)}
    if function_class == "composite":
        return {"f": _classes.smooth_convex(L), "r": _classes.convex()}
    if function_class == "composite_strongly_convex":
        return {"f": _classes.smooth_strongly_convex(L, mu), "r": _classes.convex()}
    if function_class == "smooth_convex":
        return {"f": _classes.smooth_convex(L)}
    if function_class == "smooth_nonconvex":
        return {"f": _classes.smooth_nonconvex(L)}
    if function_class == "convex":
        return {"f": _classes.convex()}
    raise InputError(
        f"function_class: {suggestion(function_class, _classes.CLASSES)}expected a name of bounds.worst_cases.CLASSES, "
        f"a class of bounds.worst_cases.classes, or a dict such as {{'f': classes.smooth_convex(L=1)}}; got "
        f"{function_class!r}."
    )


def _demand_operators(given: Mapping[str, Class]) -> None:
    """Terms f(M x) name their operator, and each operator has one."""
    linear = [name for name, one in given.items() if one.kind == "linear"]
    inside = [one.inside for one in given.values() if one.inside is not None]
    for name in linear:
        if inside.count(name) != 1:
            raise InputError(
                f"function_class: the operator {name} is expected in one term, classes.composed(..., {name!r}); it is "
                f"in {inside.count(name)}."
            )
    for name in inside:
        if name not in linear:
            raise InputError(f"function_class: a term is composed with {name!r}, which is no linear operator of it.")


def _expressions(given: Any, named: Mapping[str, Callable], run: Run, what: str) -> tuple[str, list[Scalar]]:
    if callable(given):
        name = getattr(given, "__name__", "expression")  # a name of the table is what the table says
        return "expression" if name in named else name, least(given(run), what)
    if given not in named:
        raise InputError(
            f"{what}: {suggestion(given, named)}expected one of {', '.join(named)}, or a function of the run that "
            f"returns an expression; got {given!r}."
        )
    return given, least(named[given](run), what)


def traced_setting(
    method: Any, function_class: Any, L: Any, mu: Any, steps: Any, metric: Any, initial: Any
) -> TracedSetting:
    """The checked question: the method is run on symbols, and its run framed."""
    if isinstance(steps, bool) or not hasattr(steps, "__index__") or operator.index(steps) < 1:
        raise InputError(f"steps: expected an integer K >= 1, got {steps!r}.")
    program = method if isinstance(method, Method) else Method(method)
    given = classes_of(function_class, L, mu)
    run = traced(program, given, operator.index(steps))
    metric_name, goals = _expressions(metric, METRICS, run, "metric")
    initial_name, starts = _expressions(initial, INITIALS, run, "initial")
    for goal in goals:
        if goal.constant:
            raise InputError(
                f"metric: it has the number {float(goal.constant):g} in it; leave it out, and add it to the answer."
            )
    frame = framed(with_transposes(given), run._recorder, goals, starts)
    words = ", ".join(f"{name} in {one}" for name, one in given.items())
    return TracedSetting(
        function_class=words,
        method=program.title,
        steps=run.K,
        step=(),
        metric=metric_name,
        initial=initial_name,
        program=program,
        classes=given,
        run=frame,
        units=in_units(frame),
        metric_of=metric if callable(metric) else None,
    )
