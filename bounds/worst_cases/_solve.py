"""Which semidefinite problem answers a question, and how it is known that it does."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable, Iterator
from typing import Any

import clarabel
import numpy as np

from .._errors import InputError
from ._conic import FINE, SMALL, Solution, chain, points, solve, whole
from ._envelope import MOST_WHOLE
from ._model import STAR, Model, build, interpolation
from ._result import WorstCase
from ._setting import Setting, UnboundedError, setting
from ._witness import chain_vector

AGREE = 1e-7
"""How far a numerical instance may break inequalities and miss the value of a relaxation that it is to confirm."""


def worst_case(
    function_class: str = "smooth_convex",
    L: float = 1.0,
    mu: float = 0.0,
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

    `step` is h of h/L (gamma of proximal_point), one number or a list with one for each step, and so are
    `relative_error` (||u_k|| <= eps ||G_k||), `absolute_error` (||u_k|| <= delta; the gradient error u_k in D_k =
    (h/L)(G_k + u_k)) and `momentum` (beta of heavy_ball; (q, b) of go_math). Initial condition: ||x_0 - x*||^2 <= 1,
    F(x_0) - F* <= 1, F(x_0) - F(x_K) <= 1 or ||grad f(x_0)||^2 = 1. The result holds for every dimension, and is exact
    where the dimension is at least the number of vectors (THEORY.md section 4).

    Raises `InputError` for a question that makes no sense and `UnboundedError` where the answer is +inf.
    """
    return answer(
        setting(function_class, L, mu, method, step, steps, metric, initial, relative_error, absolute_error, momentum)
    )


def answer(asked: Setting) -> WorstCase:
    """The worst case of a checked question."""
    start = time.perf_counter()
    for setting_ in asked.scalings():
        model = build(setting_)
        found, kind, relaxed = _solved(model)
        if np.isfinite(found.value) and found.status in FINE:
            break
    _refuse(model, found)
    value = found.value * float(asked.scale)
    return WorstCase(
        model.setting,
        value,
        f"Clarabel {clarabel.__version__}, {kind}",
        found.status,
        time.perf_counter() - start,
        relaxed,
        model,
    )


def _solved(model: Model) -> tuple[Solution, str, bool]:
    """The solution, "chain" or "whole", and whether it is a relaxation that nothing confirms."""
    width = len(model.basis)
    if width > SMALL:
        found = solve(chain(model))
        if np.isfinite(found.value) and confirmed(model, found):
            return found, "chain", False
        if width > MOST_WHOLE:
            return found, "chain", True
    return solve(whole(model)), "whole", False


def _refuse(model: Model, found: Solution) -> None:
    """Raise where there is no answer: an unbounded problem, or numbers beyond the solver."""
    if found.status in (*FINE, "InsufficientProgress") and np.isfinite(found.value):
        return
    s = model.setting
    if "Infeasible" in found.status:
        raise UnboundedError(
            f"the worst case is +inf: over {s.function_class}, no multiple of the initial condition `{s.initial}` "
            f"bounds `{s.metric}` after {s.steps} steps of {s.method} (there is a ray of instances along which it "
            f"grows, or it is too large for the solver to tell); start from another condition, such as distance, "
            f"ask for another metric, or for smaller errors."
        )
    raise InputError(
        f"the solver stopped with `{found.status}` and found no worst case for {s.method}, {s.metric} from "
        f"{s.initial}, K = {s.steps}: the answer may be +inf, or the numbers too large or too small for double "
        f"precision; try fewer steps or smaller errors."
    )


def confirmed(model: Model, found: Solution) -> bool:
    """Whether the chain's Gram matrices are those of one one-dimensional instance that satisfies every inequality.

    Then the relaxation is exact, to `AGREE`; the rigorous bounds do not rest on this.
    """
    p = chain_vector(model, found.grams)[:, 0]
    into = model.embeddings()
    for k, gram in enumerate(found.grams):
        local = into[k] @ p
        if np.abs(gram - np.multiply.outer(local, local)).max() > AGREE:
            return False
    named = dict(zip(model.value_names, found.values))
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


def sweep(questions: Iterable[dict[str, Any]], **common: Any) -> Iterator[WorstCase]:
    """The worst cases of many questions, each a mapping of what differs from `common`, as they come.

    Every question is checked before the first is solved, so that a typo in the last one costs nothing.
    """
    asked = []
    defaults = {name: p.default for name, p in inspect.signature(worst_case).parameters.items()}
    for one in questions:
        given = {**defaults, **common, **one}
        unknown = sorted(set(given) - set(defaults))
        if unknown:
            raise InputError(f"sweep: unknown argument {unknown[0]!r}; known are {', '.join(defaults)}.")
        asked.append(setting(**given))
    return (answer(one) for one in asked)
