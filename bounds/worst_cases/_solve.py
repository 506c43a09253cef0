"""Which semidefinite problem answers a question, and how it is known that it does."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable, Iterator
from typing import Any

import clarabel
import numpy as np

from ..errors import InputError
from . import traced
from ._build import build
from ._closed import ray
from ._conic import FINE, SMALL, Solution, chain, points, solve, whole
from ._envelope import MOST_WHOLE
from ._model import STAR, Model, interpolation
from ._setting import Setting, UnboundedError, setting
from ._witness import chain_vector
from .result import WorstCase, in_units

AGREE = 1e-7
"""How far a numerical instance may break inequalities and miss the value of a relaxation that it is to confirm."""


def worst_case(
    function_class: str = "smooth_convex",
    L: float = 1.0,
    mu: float | None = None,
    method: str = "gradient",
    step: Any = 1.0,
    steps: int = 5,
    metric: str = "objective",
    initial: str = "distance",
    relative_error: Any = None,
    absolute_error: Any = None,
    momentum: Any = None,
) -> WorstCase:
    """The exact worst case of `metric` after `steps` steps of a method over a function class.

    Args:
        function_class: One of `CLASSES`.
        L: Smoothness of f. The class `convex` has none, and nothing depends on it there.
        mu: Strong convexity, 0 <= mu <= L; the strongly convex classes need it, the others have none.
        method: One of `METHODS`, or a method as code: a function `step(state, f, r, k)` of symbolic vectors, or a
            `Method` with that and `init`. Then `function_class` may also be a class of `classes` or a dict of them by
            the names of the functions, `metric` and `initial` may be functions of the run (see `traced`), and `step`,
            errors and momentum are in the code.
        step: h of the step h/L (gamma of proximal_point), one number or a list with one for each step.
        steps: K.
        metric: One of `METRICS`, at x_K.
        initial: ||x_0 - x*||^2 <= 1, F(x_0) - F* <= 1, F(x_0) - F(x_K) <= 1 or ||grad f(x_0)||^2 = 1.
        relative_error: eps in ||u_k|| <= eps ||G_k||, u_k the gradient error in D_k = (h/L)(G_k + u_k); as `step`.
        absolute_error: delta in ||u_k|| <= delta; as `step`.
        momentum: beta of heavy_ball; (q, b) of go_math; as `step`.

    Returns:
        The answer for every dimension, exact where the dimension is at least the number of vectors (Taylor, Hendrickx
        and Glineur, Math. Program. 2017): `value` in [`lower`, `upper`], both ends shown. Where nothing closes the
        interval it is wide and holds.

    Raises:
        InputError: For a question that makes no sense.
        UnboundedError: Where the answer is +inf, which a ray of instances shows.
    """
    return answer(
        question_of(
            function_class, L, mu, method, step, steps, metric, initial, relative_error, absolute_error, momentum
        )
    )


def question_of(
    function_class: Any,
    L: Any,
    mu: Any,
    method: Any,
    step: Any,
    steps: Any,
    metric: Any,
    initial: Any,
    relative_error: Any,
    absolute_error: Any,
    momentum: Any,
) -> Setting:
    """The checked question, about a built-in method or about code."""
    extras = relative_error, absolute_error, momentum
    if not (callable(method) or isinstance(method, traced.Method)):
        return setting(function_class, L, mu, method, step, steps, metric, initial, *extras)
    if step != 1.0 or any(value is not None for value in extras):
        raise InputError(
            "step, momentum and errors are for the methods that have a name: a method that is code has its numbers in "
            "the code, and errors by f.inexact_gradient."
        )
    return traced.traced_setting(method, function_class, L, mu, steps, metric, initial)


def answer(question: Setting) -> WorstCase:
    """The worst case of a checked question."""
    if isinstance(question, traced.TracedSetting):
        return traced.traced_answer(question)
    start = time.perf_counter()
    solution, kind, relaxed = None, "", False
    for setting_ in question.scalings():
        model = build(setting_)
        if question.one_function:
            break
        solution, kind, relaxed = _solved(model)
        if _usable(solution):
            break
    if solution is None or not _usable(solution):
        _refuse_unbounded(question)
    value, status = (solution.value, solution.status) if solution is not None else (np.nan, "not asked")
    if "Infeasible" in status:  # no ray shows it: it is a matter of the solver's numbers
        value = np.nan
    return WorstCase(
        model.setting,
        in_units(value, question.scale),
        f"Clarabel {clarabel.__version__}, {kind}" if kind else "closed form",
        status,
        time.perf_counter() - start,
        relaxed,
        model,
    )


def _usable(solution: Solution) -> bool:
    return bool(np.isfinite(solution.value)) and solution.status in FINE


def _solved(model: Model) -> tuple[Solution, str, bool]:
    """The solution, "chain" or "whole", and whether it is a relaxation that nothing confirms."""
    width = len(model.basis)
    if width > SMALL:
        solution = solve(chain(model))
        if np.isfinite(solution.value) and confirmed(model, solution):
            return solution, "chain", False
        if width > MOST_WHOLE:
            return solution, "chain", True
    return solve(whole(model)), "whole", False


def _refuse_unbounded(s: Setting) -> None:
    """Raise where the answer is +inf: where instances are found along which the metric grows and nothing else does."""
    if ray(s) is None:
        return
    error = UnboundedError(
        f"the worst case is +inf: over {s.function_class}, no multiple of the initial condition `{s.initial}` bounds "
        f"`{s.metric}` after {s.steps} steps of {s.method}: there is a ray of instances along which it grows; start "
        f"from another condition, such as distance, ask for another metric, or for smaller steps or errors."
    )
    error.setting = s
    raise error


@np.errstate(over="ignore", invalid="ignore")
def confirmed(model: Model, solution: Solution) -> bool:
    """Whether the chain's Gram matrices are those of one one-dimensional instance that satisfies every inequality.

    Then the relaxation is exact, to `AGREE`; the rigorous bounds do not rest on this.
    """
    p = chain_vector(model, solution.grams)[:, 0]
    into = model.embeddings
    for k, gram in enumerate(solution.grams):
        local = into[k] @ p
        if np.abs(gram - np.multiply.outer(local, local)).max() > AGREE:
            return False
    named = dict(zip(model.value_names, solution.values))
    for kind, given in (("f", model.f_points), ("r", model.r_points)):
        if not given:
            continue
        labels, x, g = points(model, kind)
        alpha, beta, gamma = interpolation(model.setting, kind, float)
        x, g = x @ p, g @ p
        f = np.array([0.0 if label == STAR else named[kind + label] for label in labels])
        dx, dg = x[:, None] - x, g[:, None] - g
        slack = f[:, None] - f - g * dx - alpha * dg * dg - beta * dx * dx - gamma * dg * dx
        np.fill_diagonal(slack, 0.0)
        slack[:, [(kind, label) in model.tops for label in labels]] = 0.0
        if slack.min() < -AGREE:
            return False
    return True


def sweep(questions: Iterable[dict[str, Any]], **common: Any) -> Iterator[WorstCase | UnboundedError]:
    """The worst cases of many questions, as they come.

    Every question is checked before the first is solved, so that a typo in the last one costs nothing.

    Args:
        questions: Mappings of arguments of `worst_case`, each of what differs from `common`.
        common: Arguments of `worst_case` that all of them share.

    Returns:
        An iterator of answers in the order of the questions. A question whose answer is +inf ends nothing: its
        `UnboundedError` is yielded in its place, with `value`, `lower` and `upper` +inf.

    Raises:
        InputError: For an unknown argument, and for a question that makes no sense.
    """
    checked = []
    defaults = {name: p.default for name, p in inspect.signature(worst_case).parameters.items()}
    for one in questions:
        given = {**defaults, **common, **one}
        unknown = sorted(set(given) - set(defaults))
        if unknown:
            raise InputError(f"sweep: unknown argument {unknown[0]!r}; known are {', '.join(defaults)}.")
        checked.append(question_of(**given))
    return map(_in_place, checked)


def _in_place(question: Setting) -> WorstCase | UnboundedError:
    try:
        return answer(question)
    except UnboundedError as error:
        return error
