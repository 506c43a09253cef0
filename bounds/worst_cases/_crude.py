"""Upper bounds that are always there: sizes of the iterates, step by step. Far from sharp, and finite at any scale.

They are asked where no multipliers could be shown. Everything is computed in fractions, where no digit is dropped and
nothing underflows: differences are exact, and what is rounded, to keep fractions short, and every root is rounded
upwards. At L = 1, with x* = 0, F* = 0 and g* = 0:

- from a distance: x -> x - h g is max(|1 - h|, |1 - h mu|)-Lipschitz, a proximal step is nonexpansive, and with errors
  of share eps of G = g + s the subgradient is at most (||argument||/h + eps ||g||)/(1 - eps);
- from a value: ||g|| <= sqrt(2 f), and sqrt(f(x + d)) <= sqrt(f(x)) + ||d||/sqrt(2);
- from a gradient: ||g(x + d)|| <= ||g(x)|| + ||d||.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ._fractions import root_above, rounded_up
from ._methods import parameters
from ._model import FRACTIONS
from ._rigour import enclosed
from ._setting import Setting

ZERO, ONE = Fraction(0), Fraction(1)
ROOT2, HALF_ROOT2 = root_above(Fraction(2)), root_above(Fraction(1, 2))


def crude_upper(setting: Setting) -> Fraction | None:
    """A bound of the normalised worst case, None where sizes tell of none."""
    s, low = setting, setting.mu / setting.L
    starts = {"distance": ONE}
    if low > 0:
        starts |= {"objective": root_above(2 / low), "gradient": 1 / low}
    if s.function_class != "smooth_nonconvex" and s.initial in starts:
        return _from_distance(s, low, starts[s.initial])
    if not s.composite and s.function_class != "convex" and s.initial in ("objective", "gradient"):
        return _from_here(s)
    return None


def _errors(s: Setting, k: int) -> tuple[Fraction, Fraction]:
    """eps and delta of step k, one of them 0."""
    eps = ZERO if s.relative is None else s.relative[k]
    delta = ZERO if s.absolute is None else root_above(s.squared_error(k + 1))
    if s.relative is not None and s.absolute is not None:  # either bound alone holds
        return (ZERO, delta) if eps >= 1 or not delta else (eps, ZERO)
    return eps, delta


def _weights(s: Setting) -> list[Fraction]:
    """The weights of the extrapolation of acceleration, which are >= 0, or a little above them."""
    with enclosed() as (balls, ends):
        return [ZERO if weight is None else ends(weight)[1] for weight in parameters(s, balls)]


class _Sizes:
    """Sizes of what a method remembers, and of its next iterate; `ahead` is how far the next gradient is from it."""

    def __init__(self, s: Setting, x: Fraction, distances: bool) -> None:
        self.s = s
        self.given: list[Any] = _weights(s) if s.method == "accelerated_gradient" else parameters(s, FRACTIONS)
        self.x = self.before = x
        self.moved = self.v = self.ahead = ZERO
        self.distances = distances

    @property
    def y(self) -> Fraction:
        """The size of where the next gradient is taken."""
        return self.x + self.ahead

    def extra(self, k: int) -> Fraction:
        """What momentum adds to the argument of the step."""
        if self.s.method == "heavy_ball" and k:
            return abs(self.given[k]) * (self.x + self.before if self.distances else self.moved)
        return abs(self.given[k][0]) * self.v if self.s.method == "go_math" else ZERO

    def step(self, k: int, new: Fraction, moved: Fraction) -> None:
        """Take a step to an iterate of size `new`, `moved` from the last."""
        moved = rounded_up(moved)
        if self.s.method == "go_math":
            b = self.given[k][1]
            self.v = rounded_up(abs(1 - b) * moved + abs(b) * self.v)
        self.before, self.x, self.moved = self.x, new, moved
        if self.s.method == "accelerated_gradient":
            self.ahead = self.given[k] * moved


def _from_distance(s: Setting, low: Fraction, start: Fraction) -> Fraction | None:
    smooth, rough = s.function_class != "convex", s.composite or s.function_class == "convex"
    at = _Sizes(s, start, True)
    objective, least, mean = ZERO, start**2, ZERO
    gradients = []
    for k, h in enumerate(s.lengths):
        eps, delta = _errors(s, k)
        g = at.y if smooth else ZERO
        b = (max(abs(1 - h), abs(1 - h * low)) if smooth else ONE) * at.y + at.extra(k) + h * delta
        slope = ZERO
        if rough:
            if eps >= 1:
                return None
            slope = rounded_up((b / h + eps * g) / (1 - eps))
        b = rounded_up(b + h * eps * (g + slope))
        gradients.append(((at.x + b) / h) ** 2)
        at.step(k, b, at.x + b)
        objective = (b * b / 2 if smooth else ZERO) + slope * b
        mean = rounded_up(mean + objective / s.steps)
        least = min(least, b * b)
    if s.metric == "best_gradient":
        return min(gradients) if s.composite else least
    return {"distance": at.x**2, "average_objective": mean}.get(s.metric, objective)


def _from_here(s: Setting) -> Fraction | None:
    """f smooth and r = 0, from a value or a gradient; sizes are of sqrt(f) or of the gradient."""
    if s.metric == "distance" or (s.initial == "gradient" and s.metric in ("objective", "average_objective")):
        return None
    value = s.initial == "objective"
    steep, spread = (ROOT2, HALF_ROOT2) if value else (ONE, ONE)  # gradient per size, size per length moved
    at = _Sizes(s, ONE, False)
    gained, mean, size = ZERO, ZERO, ONE
    least = Fraction(2) if value else ONE
    for k, h in enumerate(s.lengths):
        eps, delta = _errors(s, k)
        point = size + spread * at.ahead
        moved = rounded_up(at.ahead + h * ((1 + eps) * steep * point + delta) + at.extra(k))
        gained = rounded_up(gained + steep * size * moved + moved**2 / 2)
        size = rounded_up(size + spread * moved)
        at.step(k, size, moved)
        mean = rounded_up(mean + size**2 / s.steps)
        least = min(least, (steep * size) ** 2)
    if s.metric == "best_gradient":
        return least
    if s.metric == "decrease":
        return size**2 if value else gained
    return mean if s.metric == "average_objective" else size**2
