"""The built-in methods as step functions: one function a method, of vectors and numbers of any kind.

A step function gets the state and the functions that it asks, and returns the next state, as a method that is code does
(`traced`). A state is the iterate, or a dict: "x" is the iterate, "y", where there is one, the point at which the next
gradient is taken, and the rest is what the method remembers. The same functions run on the vectors of a semidefinite
problem (`_model`), on numbers (`_line`), on symbols and on problems (`traced`): there is no other definition of these
methods.

Numbers are one for all steps, a list with one for each step, or a function of k. `r` is left out where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._model import Numbers
    from ._setting import Setting

State = dict[str, Any]
Step = Callable[..., Any]


def of_step(numbers: Any, k: int) -> Any:
    """The number of step k = 1..K."""
    if callable(numbers):
        return numbers(k)
    return numbers[k - 1] if isinstance(numbers, Sequence) else numbers


def start(x0: Any) -> State:
    """The state at x_0 of a method that remembers something."""
    return {"x": x0}


def _landed(r: Any, z: Any, length: Any) -> Any:
    return z if r is None else r.prox(z, length)


def gradient(step: Any) -> Step:
    """x_k = prox_{h r}(x_{k-1} - h grad f(x_{k-1})), h of `step`; gradient, proximal and projected gradient."""

    def gradient_step(x: Any, f: Any, k: int, r: Any = None) -> Any:
        h = of_step(step, k)
        return _landed(r, x - h * f.gradient(x), h)

    return gradient_step


def proximal_point(gamma: Any) -> Step:
    """x_k = prox_{gamma f}(x_{k-1})."""

    def proximal_point_step(x: Any, f: Any, k: int) -> Any:
        return f.prox(x, of_step(gamma, k))

    return proximal_point_step


def heavy_ball(step: Any, momentum: Any) -> Step:
    """x_k = x_{k-1} - h grad f(x_{k-1}) + beta_k (x_{k-1} - x_{k-2}), x_{-1} = x_0."""

    def heavy_ball_step(state: State, f: Any, k: int) -> State:
        x, before = state["x"], state.get("before", state["x"])
        return {"x": x - of_step(step, k) * f.gradient(x) + of_step(momentum, k) * (x - before), "before": x}

    return heavy_ball_step


def go_math(step: Any, momentum: Any) -> Step:
    """x_k = prox_{h r}(x_{k-1} - h grad f(x_{k-1}) - q_k v_{k-1}), v_k = (1 - b_k)(x_{k-1} - x_k) + b_k v_{k-1}.

    v_0 = 0, and (q_k, b_k) are of `momentum` (docs/optimizers.md).
    """

    def go_math_step(state: State, f: Any, k: int, r: Any = None) -> State:
        x, h, (q, b) = state["x"], of_step(step, k), of_step(momentum, k)
        v = state.get("v", 0 * x)
        new = _landed(r, x - h * f.gradient(x) - q * v, h)
        return {"x": new, "v": (1 - b) * (x - new) + b * v}

    return go_math_step


def accelerated_gradient(step: Any, weights: Any) -> Step:
    """x_k = prox_{h r}(y_{k-1} - h grad f(y_{k-1})), y_k = x_k + weight_k (x_k - x_{k-1}); y_k = x_k for None."""

    def accelerated_gradient_step(state: State, f: Any, k: int, r: Any = None) -> State:
        y, h, weight = state.get("y", state["x"]), of_step(step, k), of_step(weights, k)
        new = _landed(r, y - h * f.gradient(y), h)
        return {"x": new} if weight is None else {"x": new, "y": new + weight * (new - state["x"])}

    return accelerated_gradient_step


def accelerated_weights(steps: int, one: Any = 1.0, root: Callable[[Any], Any] = math.sqrt) -> list[Any]:
    """(t_{k-1} - 1)/t_k, t_k = (1 + sqrt(1 + 4 t_{k-1}^2))/2, t_0 = 1; Nesterov 1983, Beck and Teboulle 2009."""
    t, weights = one, []
    for _ in range(steps):
        before, t = t, (1 + root(1 + 4 * t * t)) / 2
        weights.append((before - 1) / t)
    return weights


def parameters(setting: Setting, numbers: Numbers) -> list[Any]:
    """The parameter of each step beside its length: beta_k, (q_k, b_k), the weight of the extrapolation, or None.

    No weight after the first step, where it is 0, and none after the last: the points are then the same.
    """
    K = setting.steps
    if setting.method == "accelerated_gradient":
        if K <= 2:
            return [None] * K
        return [None, *accelerated_weights(K - 1, numbers.of(Fraction(1)), numbers.sqrt)[1:], None]
    if setting.momentum is None:
        return [None] * K
    return [tuple(map(numbers.of, m)) if isinstance(m, tuple) else numbers.of(m) for m in setting.momentum]


def step_function(setting: Setting, numbers: Numbers) -> Step:
    """The method of a question at L = 1, with its numbers in a number type; states are dicts, of every method."""
    lengths = [numbers.of(h) for h in setting.lengths]
    step = with_lengths(setting.method, lengths, parameters(setting, numbers))
    if setting.method in MOMENTUM:
        return step
    return lambda state, **given: {"x": step(state["x"], **given)}


def with_lengths(method: str, lengths: Any, given: Any) -> Step:
    """A method by name with the lengths of its steps and its other numbers."""
    if method == "proximal_point":
        return proximal_point(lengths)
    return MOMENTUM[method](lengths, given) if method in MOMENTUM else gradient(lengths)


MOMENTUM: dict[str, Callable[[Any, Any], Step]] = {
    "heavy_ball": heavy_ball,
    "go_math": go_math,
    "accelerated_gradient": accelerated_gradient,
}
