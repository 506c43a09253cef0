r"""The derivative of a worst case with respect to the numbers of its method: steps and momentum.

A worst case is the largest value c'F + <C, G> over values F and Gram matrices G with a'_j F + <M_j, G> <= b_j for all
j. Steps and momentum enter by M_j and C alone. With a solution G and multipliers lambda the envelope theorem gives

    d value / d theta = <dC/d theta, G> - sum_j lambda_j <dM_j/d theta, G>,

and nothing is differentiated that a solver does. Where solution and multipliers are unique this is the derivative;
elsewhere, at the kinks of a worst case, it is a number between the slopes to the two sides.

No difference quotient is an approximation here. In one h_k, beta_k, q_k or b_k every point of a run is affine, the
others held fixed, because each of these numbers occurs in one step and once. So M_j and C are polynomials of degree 2
in it, for which central differences are the derivative, with any distance: they are taken at a distance of `APART`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import InputError
from ._build import build
from ._conic import FINE, aside, pairs, solve, spectrum, whole
from ._envelope import MOST_WHOLE
from ._model import Model, interpolation
from ._setting import Setting

APART = Fraction(1, 8)
"""How far from a number the two points of its difference are; see the module."""


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Derivatives of a worst case, in the units of the question.

    `step` (K,): by h_k. `momentum`: None, (K,) by beta_k of heavy_ball, or (K, 2) by (q_k, b_k) of go_math. `value` is
    the solver's worst case that they belong to.
    """

    value: float
    step: np.ndarray
    momentum: np.ndarray | None


def sensitivity(model: Model) -> Sensitivity:
    """The derivatives of the worst case of `model` by its steps and its momentum; see `WorstCase.sensitivity`."""
    s = model.setting
    if s.function_class == "convex":
        raise InputError("sensitivity: proximal_point is measured in its longest gamma, of which its worst case is a "
                         "known function, 1/(4 sum gamma_k) for the objective; ask for another method.")  # fmt: skip
    if s.composite and s.metric == "best_gradient":
        raise InputError("sensitivity: the gradient map (x - x_+)/h is not a polynomial in h, which the derivative "
                         "rests on; ask for another metric.")  # fmt: skip
    if len(model.basis) > MOST_WHOLE:
        raise InputError(
            f"sensitivity: expected a run of at most {MOST_WHOLE} vectors, got {len(model.basis)}; ask for fewer steps."
        )
    data = whole(model)
    solution = solve(data)
    if s.one_function or solution.status not in FINE or not np.isfinite(solution.value):
        raise InputError(
            f"sensitivity: the solver has no solution of this question ({solution.status}), and no derivative without "
            f"one; take shorter steps or smaller errors."
        )
    weight, directions = spectrum(solution.grams[0])
    factor = directions * np.sqrt(np.maximum(weight, 0.0))
    multipliers = dict(zip(data.names, solution.multipliers))

    def slope(changed: Callable[[Fraction], Setting]) -> float:
        ends = (_lagrangian(build(changed(sign * APART)), factor, multipliers) for sign in (1, -1))
        above, below = ends
        return float(s.scale) * (above - below) / float(2 * APART)

    def with_step(k: int) -> Callable[[Fraction], Setting]:
        return lambda by: replace(s, step=_moved(s.step, k, by))

    def with_momentum(k: int, i: int | None = None) -> Callable[[Fraction], Setting]:
        def changed(by: Fraction) -> Setting:
            momentum: Any = s.momentum
            if i is None:
                return replace(s, momentum=_moved(momentum, k, by))
            return replace(s, momentum=(*momentum[:k], _moved(momentum[k], i, by), *momentum[k + 1 :]))

        return changed

    step = np.array([slope(with_step(k)) for k in range(s.steps)])
    if s.momentum is None:
        return Sensitivity(float(s.scale) * solution.value, step, None)
    rows: list[Any] = []
    for k, given in enumerate(s.momentum):
        several = isinstance(given, tuple)
        rows.append([slope(with_momentum(k, i)) for i in range(len(given))] if several else slope(with_momentum(k)))
    return Sensitivity(float(s.scale) * solution.value, step, np.array(rows))


def _moved(numbers: tuple[Any, ...], place: int, by: Fraction) -> tuple[Any, ...]:
    return (*numbers[:place], numbers[place] + by, *numbers[place + 1 :])


def _lagrangian(model: Model, factor: np.ndarray, multipliers: dict[tuple[str, ...], float]) -> float:
    """<C, G> - sum_j lambda_j <M_j, G> at G = factor factor', all that depends on steps and momentum."""
    total = 0.0
    alpha, beta, gamma = 0.0, 0.0, 0.0
    for kind, given in (("f", model.f_points), ("r", model.r_points)):
        if not given:
            continue
        names, i, j, x, g = pairs(model, kind)
        alpha, beta, gamma = interpolation(model.setting, kind, float)
        x, g = x @ factor, g @ factor
        dx, dg = x[i] - x[j], g[i] - g[j]
        forms = (g[j] * dx + alpha * dg * dg + beta * dx * dx + gamma * dg * dx).sum(1)
        total -= float(forms @ np.array([multipliers[name] for name in names]))
    into = model.embeddings
    for row in aside(model):
        if row.matrix is not None:
            e = into[row.clique] @ factor
            total -= multipliers[row.name] * float(np.einsum("ij,ia,ja->", row.matrix, e, e))
    if model.metric_matrix is not None:
        e = into[-1] @ factor
        total += float(np.einsum("ij,ia,ja->", model.metric_matrix, e, e))
    return total
