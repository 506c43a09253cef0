"""A method that is code, run by `l2o.rollout` on the function that is its worst case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ... import l2o
from ...bounds.worst_cases import Method, TracedWorstCase
from ...bounds.worst_cases.traced.as_code import called, iterate
from ...bounds.worst_cases.traced.replay import Array, NumericRun, lowest

SMOOTH = ("smooth_convex", "smooth_strongly_convex", "smooth_nonconvex")
ROUGH = ("convex", "indicator")


@dataclass(frozen=True)
class CodeState:
    """What `l2o.rollout` keeps of a run: the iterate (1, n), the state of the code, and how many steps were made."""

    x: torch.Tensor
    inner: Any
    index: int = 0


class Asked:
    """f or r of a problem of `l2o`, as the code of a method asks it."""

    def __init__(self, problem: l2o.Composite, smooth: bool, errors: list[torch.Tensor]) -> None:
        self.problem, self.smooth, self.errors = problem, smooth, errors
        self.made = 0

    def gradient(self, x: Array) -> Array:
        """The gradient of f at x."""
        if not self.smooth:
            raise l2o.InputError("the code asks r for a subgradient, of which there may be several; it can be replayed "
                                 "by bounds.worst_cases.replayed, and not by l2o.rollout.")  # fmt: skip
        return Array(self.problem.smooth_gradient(x.entries))

    subgradient = gradient

    def inexact_gradient(self, x: Array, relative: Any = None, absolute: Any = None) -> Array:
        """The gradient of f at x and the next error of the worst case."""
        if not (absolute if relative is None else relative):
            return self.gradient(x)
        self.made += 1
        return self.gradient(x) + Array(self.errors[self.made - 1])

    def prox(self, x: Array, gamma: Any) -> Array:
        """The prox of r."""
        return Array(self.problem.prox(x.entries, float(gamma)))

    def project(self, x: Array) -> Array:
        """The projection on the set whose indicator r is."""
        return self.prox(x, 1.0)

    def contains(self, x: Array) -> None:
        """Nothing is to be computed."""

    def value(self, x: Array) -> float:
        """The value of f or r at x."""
        if self.smooth:
            return float(self.problem.smooth.value_and_gradient(x.entries)[0])
        return float(self.problem.nonsmooth.value(x.entries))

    __call__ = value


@dataclass(frozen=True, eq=False)
class CodeMethod:
    """A method that is code, as an optimizer of `l2o`; `errors` (n,) are those of its inexact gradients, in order."""

    method: Method
    errors: tuple[torch.Tensor, ...]
    smooth: tuple[str, ...]
    rough: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the method is called."""
        return f"code-{self.method.title.replace('_', '-')}"

    def functions(self, problem: l2o.Composite, made: int = 0) -> dict[str, Asked]:
        """f and r of a problem by the names that the code has for them."""
        named = {name: Asked(problem, True, list(self.errors)) for name in self.smooth}
        named |= {name: Asked(problem, False, list(self.errors)) for name in self.rough}
        for one in named.values():
            one.made = made
        return named

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> CodeState:
        """The state at x_0; `seed` is not used."""
        inner: Any = Array(problem.point(x0, "x0"))
        if self.method.init is not None:
            inner = called(self.method.init, inner, self.functions(problem), "init")
        return CodeState(iterate(inner, Array).entries, inner)

    def step(self, problem: l2o.Composite, state: CodeState) -> CodeState:
        """One step."""
        k = state.index + 1
        given: Mapping[str, Any] = {**self.functions(problem, state.index if self.errors else 0), "k": k}
        inner = called(self.method.step, state.inner, given, "step")
        return replace(state, x=iterate(inner, Array).entries, inner=inner, index=k)


def code_problem(answer: TracedWorstCase) -> l2o.Composite:
    """The worst case of a traced method as a problem that runs.

    Args:
        answer: The worst case, of a smooth f, a convex r (or the indicator of a set), or both.

    Returns:
        The problem, which interpolates the instance.

    Raises:
        InputError: Where no instance was certified, and for other classes, which `l2o` has no problems for.
    """
    smooth, rough = _parts(answer)
    instance, arrays = answer.instance, dict[str, Any]()
    n = len(instance["x0"])
    if smooth:
        given = answer.question.classes[smooth[0]]
        numbers = dict(given.numbers)
        word = (
            given.name
            if not rough
            else given.name.replace("smooth", "composite").replace("composite_convex", "composite")
        )
        arrays |= {"function_class": word, "L": float(numbers["L"]), "mu": float(numbers.get("mu", 0))}
        arrays |= _points(instance, smooth[0], "smooth", "g", "f", n)
    else:
        arrays |= {"function_class": "convex", "L": 1.0}
    if rough:
        arrays |= _points(instance, rough[0], "nonsmooth", "s", "r", n)
        arrays["indicator"] = answer.question.classes[rough[0]].name == "indicator"
    return l2o.problem_from({**arrays, "x0": instance["x0"]})


def _points(instance: Mapping[str, np.ndarray], name: str, word: str, slope: str, level: str, n: int) -> dict[str, Any]:
    x, g = instance[f"{name}_x"], instance[f"{name}_g"]
    f = instance.get(f"{name}_f", np.zeros(len(x)))
    finite = np.isfinite(g).all(axis=1)  # a subgradient that no inequality needs is none
    return {f"{word}_x": x[finite], f"{word}_{slope}": g[finite], f"{word}_{level}": f[finite]}


def _parts(answer: TracedWorstCase) -> tuple[list[str], list[str]]:
    """The names of the smooth function and of the other."""
    classes = answer.question.classes
    smooth = [name for name, given in classes.items() if given.name in SMOOTH]
    rough = [name for name, given in classes.items() if given.name in ROUGH]
    if len(smooth) > 1 or len(rough) > 1 or len(smooth) + len(rough) < len(classes):
        raise l2o.InputError(
            f"l2o has problems of one smooth function, one convex function or set, or one of each; got "
            f"{answer.question.function_class}. bounds.worst_cases.replayed runs every traced method."
        )
    return smooth, rough


def code_method(answer: TracedWorstCase) -> CodeMethod:
    """The code of a worst case as an optimizer of `l2o`, with the errors of its worst case.

    Args:
        answer: The worst case.

    Returns:
        An optimizer for `l2o.rollout`.

    Raises:
        InputError: As for `code_problem`.
    """
    smooth, rough = _parts(answer)
    instance = answer.instance
    errors: list[torch.Tensor] = []
    while f"u{len(errors)}" in instance:
        errors.append(torch.from_numpy(instance[f"u{len(errors)}"][None]))
    return CodeMethod(answer.question.program, tuple(errors), tuple(smooth), tuple(rough))


def replay_code(answer: TracedWorstCase) -> tuple[l2o.Run, float]:
    """Run the code by `l2o.rollout` on the function that interpolates its worst case.

    Args:
        answer: The worst case of a traced method.

    Returns:
        The run, and its metric.

    Raises:
        InputError: As for `code_problem`.
    """
    question, optimizer, problem = answer.question, code_method(answer), code_problem(answer)
    x0 = torch.from_numpy(answer.instance["x0"][None])
    run = l2o.rollout(optimizer, problem, x0, question.steps)
    states = [optimizer.init(problem, x0)]
    for _ in range(question.steps):
        states.append(optimizer.step(problem, states[-1]))
    star = Array(torch.from_numpy(answer.instance["star"][None]))
    level = lowest(question, answer.instance)
    seen = NumericRun([state.inner for state in states], optimizer.functions(problem), question, star, level)
    return run, seen.metric()
