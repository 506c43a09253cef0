"""Upper bounds that are always there: sizes of the iterates, step by step. Far from sharp, and finite at any scale.

They are asked where no multipliers could be shown. Every number is a sum of products of numbers >= 0, so that a factor
of 1 + 1e-9 covers the rounding of all of it. At L = 1, with x* = 0, F* = 0 and g* = 0:

- from a distance: x -> x - h g is max(|1 - h|, |1 - h mu|)-Lipschitz, a proximal step is nonexpansive, and with errors
  of share eps of G = g + s the subgradient is at most (||argument||/h + eps ||g||)/(1 - eps);
- from a value: ||g|| <= sqrt(2 f), and sqrt(f(x + d)) <= sqrt(f(x)) + ||d||/sqrt(2);
- from a gradient: ||g(x + d)|| <= ||g(x)|| + ||d||.
"""

from __future__ import annotations

import math

from ._methods import parameters
from ._model import FLOATS
from ._setting import Setting

SAFE = 1 + 1e-9
ROOT2 = math.sqrt(2.0)


def crude_upper(setting: Setting) -> float:
    """A bound of the normalised worst case, +inf where sizes tell of none."""
    s, low = setting, float(setting.mu / setting.L)
    starts = {"distance": 1.0}
    if low > 0:
        starts |= {"objective": math.sqrt(2 / low), "gradient": 1 / low}
    try:
        if s.function_class != "smooth_nonconvex" and s.initial in starts:
            found = _from_distance(s, low, starts[s.initial])
        elif not s.composite and s.function_class != "convex" and s.initial in ("objective", "gradient"):
            found = _from_here(s)
        else:
            found = math.inf
    except (OverflowError, ZeroDivisionError):
        return math.inf
    if math.isnan(found):  # beyond doubles on the way
        return math.inf
    return found * SAFE if found > 0 else found


def _errors(s: Setting, k: int) -> tuple[float, float]:
    """eps and delta of step k, one of them 0."""
    eps = 0.0 if s.relative is None else float(s.relative[k])
    delta = 0.0 if s.absolute is None else math.sqrt(float(s.squared_error(k + 1)))
    if s.relative is not None and s.absolute is not None:  # either bound alone holds
        return (0.0, delta) if eps >= 1 or not delta else (eps, 0.0)
    return eps, delta


class _Sizes:
    """Sizes of what a method remembers, and of its next iterate."""

    def __init__(self, s: Setting, x: float, distances: bool) -> None:
        self.s, self.given = s, parameters(s, FLOATS)
        self.x, self.moved, self.v, self.before, self.distances = x, 0.0, 0.0, x, distances
        self.y = x

    def extra(self, k: int) -> float:
        """What momentum adds to the argument of the step."""
        if self.s.method == "heavy_ball" and k:
            return abs(self.given[k]) * (self.x + self.before if self.distances else self.moved)
        return abs(self.given[k][0]) * self.v if self.s.method == "go_math" else 0.0

    def step(self, k: int, new: float, moved: float) -> None:
        """Take a step to an iterate of size `new`, `moved` from the last."""
        if self.s.method == "go_math":
            b = self.given[k][1]
            self.v = abs(1 - b) * moved + abs(b) * self.v
        weight = self.given[k] if self.s.method == "accelerated_gradient" else None
        self.before, self.x, self.moved = self.x, new, moved
        self.y = new + abs(weight or 0.0) * moved


def _from_distance(s: Setting, low: float, start: float) -> float:
    smooth, rough = s.function_class != "convex", s.composite or s.function_class == "convex"
    at = _Sizes(s, start, True)
    objective, least, mean = math.inf, start**2, 0.0
    gradients = []
    for k, h in enumerate(map(float, s.lengths)):
        eps, delta = _errors(s, k)
        g = at.y if smooth else 0.0
        b = (max(abs(1 - h), abs(1 - h * low)) if smooth else 1.0) * at.y + at.extra(k) + h * delta
        slope = 0.0
        if rough:
            if eps >= 1:
                return math.inf
            slope = (b / h + eps * g) / (1 - eps)
        b += h * eps * (g + slope)
        gradients.append(((at.x + b) / h) ** 2)
        at.step(k, b, at.x + b)
        objective = (b * b / 2 if smooth else 0.0) + slope * b
        mean += objective / s.steps
        least = min(least, b * b)
    if s.metric == "best_gradient":
        return min(gradients) if s.composite else least
    return {"distance": at.x**2, "average_objective": mean}.get(s.metric, objective)


def _from_here(s: Setting) -> float:
    """f smooth and r = 0, from a value or a gradient; sizes are of sqrt(f) or of the gradient."""
    if s.metric == "distance" or (s.initial == "gradient" and s.metric in ("objective", "average_objective")):
        return math.inf
    value = s.initial == "objective"
    steep, spread = (ROOT2, 1 / ROOT2) if value else (1.0, 1.0)  # gradient per size, size per length moved
    at = _Sizes(s, 1.0, False)
    gained, mean, least = 0.0, 0.0, steep**2
    size = point = 1.0
    ahead = 0.0  # from the iterate to where the gradient is taken
    for k, h in enumerate(map(float, s.lengths)):
        eps, delta = _errors(s, k)
        moved = ahead + h * ((1 + eps) * steep * point + delta) + at.extra(k)
        gained += steep * size * moved + moved**2 / 2
        size += spread * moved
        at.step(k, size, moved)
        ahead = at.y - at.x
        point = size + spread * ahead
        mean += size**2 / s.steps
        least = min(least, (steep * size) ** 2)
    if s.metric == "best_gradient":
        return least
    if s.metric == "decrease":
        return size**2 if value else gained
    return mean if s.metric == "average_objective" else size**2
