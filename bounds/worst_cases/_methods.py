"""What each method makes of a step: its next iterate and what it remembers. One function a method.

A recurrence gets `new`, the point that the plain step x - (h/L)(G + u) leads to, the iterate `x` before it, what is
remembered (vectors by name), and the parameter of this step; it returns the next iterate and what to remember. Vectors
are coefficient arrays of any number type. What is remembered under "y" is where the next gradient is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ._model import Numbers
    from ._setting import Setting

Memory = dict[str, np.ndarray]
Recurrence = Callable[[np.ndarray, np.ndarray, Memory, Any], tuple[np.ndarray, Memory]]


def plain(new: np.ndarray, x: np.ndarray, memory: Memory, parameter: Any) -> tuple[np.ndarray, Memory]:
    """Gradient, proximal gradient, projected gradient, proximal point."""
    return new, {}


def heavy_ball(new: np.ndarray, x: np.ndarray, memory: Memory, beta: Any) -> tuple[np.ndarray, Memory]:
    """x_k = ... + beta_k (x_{k-1} - x_{k-2}), x_{-1} = x_0."""
    if "before" in memory:
        new = new + beta * (x - memory["before"])
    return new, {"before": x}


def go_math(new: np.ndarray, x: np.ndarray, memory: Memory, parameter: Any) -> tuple[np.ndarray, Memory]:
    """x_k = ... - q_k v_{k-1}, v_k = (1 - b_k)(x_{k-1} - x_k) + b_k v_{k-1}, v_0 = 0 (docs/optimizers.md)."""
    q, b = parameter
    v = memory.get("v")
    if v is None:
        return new, {"v": (1 - b) * (x - new)}
    new = new - q * v
    return new, {"v": (1 - b) * (x - new) + b * v}


def accelerated(new: np.ndarray, x: np.ndarray, memory: Memory, weight: Any) -> tuple[np.ndarray, Memory]:
    """y_k = x_k + weight (x_k - x_{k-1}); without a weight the next gradient is taken at x_k itself."""
    return new, {} if weight is None else {"y": new + weight * (new - x)}


RECURRENCES: dict[str, Recurrence] = {"heavy_ball": heavy_ball, "go_math": go_math, "accelerated_gradient": accelerated}


def recurrence(setting: Setting) -> Recurrence:
    """The recurrence of a method."""
    return RECURRENCES.get(setting.method, plain)


def parameters(setting: Setting, numbers: Numbers) -> list[Any]:
    """The parameter of each step: beta_k, (q_k, b_k), the weight of the extrapolation, or None."""
    K = setting.steps
    if setting.method == "accelerated_gradient":
        return _weights(K, numbers)
    if setting.momentum is None:
        return [None] * K
    return [tuple(map(numbers.of, m)) if isinstance(m, tuple) else numbers.of(m) for m in setting.momentum]


def _weights(K: int, numbers: Numbers) -> list[Any]:
    """(t_{k-1} - 1)/t_k with t_0 = 1, t_k = (1 + sqrt(1 + 4 t_{k-1}^2))/2; none after the first step, where it is 0,
    and none after the last.
    """
    t: Any = numbers.of(Fraction(1))
    weights: list[Any] = []
    for k in range(1, K + 1):
        if K <= 2 or k == K:
            weights.append(None)
            continue
        after = (1 + numbers.sqrt(1 + 4 * t * t)) / 2
        weights.append(None if k == 1 else (t - 1) / after)
        t = after
    return weights
