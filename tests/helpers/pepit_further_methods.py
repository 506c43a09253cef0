"""Methods and metrics of the further examples of PEPit (`pepit_further_examples`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from l2obound.bounds.worst_cases import Method, classes

from .pepit_examples import MU

SETS = {"r": classes.indicator(), "q": classes.indicator()}
STILL = Method(lambda x: x, name="still")
WITH_SPEED = Method(lambda state: state, lambda x0, x1: {"x": x0, "speed": x1 - x0}, "with_speed")
CONVEX = {"function_class": "convex"}


# -- unconstrained convex minimization


def accelerated_proximal_point(start: float, lengths: Sequence[float]) -> Method:
    weight, alphas = start, []
    for length in lengths:
        share = weight * length
        alphas.append((math.sqrt(share**2 + 4 * share) - share) / 2)
        weight *= 1 - alphas[-1]

    def step(state: Any, f: Any, k: int) -> Any:
        y = state["x"] + alphas[k - 1] * (state["v"] - state["x"])
        x = f.prox(y, lengths[k - 1])
        return {"x": x, "v": state["v"] + (x - y) / alphas[k - 1]}

    return Method(step, lambda x0: {"x": x0, "v": x0}, "accelerated_proximal_point")


def value_and_distance(run: Any) -> Any:
    return run.F(run.x[0]) - run.F_star + Fraction(5, 2) * (run.x[0] - run.star) ** 2


def decreasing_steps(count: int) -> tuple[list[float], float]:
    u, steps = 1.0, []
    for _ in range(count):
        u = u / 2 + math.sqrt((u / 2) ** 2 + 2)
        steps.append(1 / u)
    return steps, 1 / (2 * u)


def strong_silver_steps(mu: float, doublings: int) -> tuple[list[float], float]:
    """Steps for mu-strongly convex functions, L = 1, and their rate; Altschuler and Parrilo, arXiv 2309.07879."""

    def psi(t: float) -> float:
        return (1 + t / mu) / (1 + t)

    z, steps = mu, [psi(mu)]
    for _ in range(doublings):
        root = (1 - z) + math.sqrt(1 + (1 - z) ** 2)
        y, z = z / root, z * root
        steps = [*steps[:-1], psi(y), *steps[:-1], psi(z)]
    return steps, ((1 - z) / (1 + z)) ** 2


def behind(operator: classes.Class) -> dict[str, classes.Class]:
    return {"g": classes.composed(classes.smooth_strongly_convex(1, MU), "M"), "M": operator}


def chain_rule(x: Any, g: Any, M: Any) -> Any:
    return x - M.adjoint(g.gradient(M(x)))


def composed_value(steps: int, kappa: float) -> float:
    """The worst value of gradient steps of 1 on g(M x), ||M|| <= 1: that of a quadratic or of a kinked function."""
    low, high = 1e-9, 1 / (2 * steps + 1)

    def excess(x: float) -> float:
        return (1 - (2 * steps + 1) * x) * (1 - x) ** (-2 * steps - 1) - 1 + kappa

    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    square = min(1.0, low / kappa)
    return kappa * square / 2 / (kappa - 1 + (1 - kappa * square) ** (-2 * steps))


# -- composite convex minimization


def accelerated_douglas_rachford(alpha: float) -> Method:
    theta = (1 - alpha) / (1 + alpha)

    def step(state: Any, A: Any, B: Any, k: int) -> Any:
        x = B.prox(state["u"], alpha)
        y = A.prox(2 * x - state["u"], alpha)
        w = state["u"] + theta * (y - x)
        return {"x": w, "u": w + Fraction(max(k - 2, 0), k + 1) * (w - state["x"]), "y": y}

    return Method(step, lambda x0: {"x": x0, "u": x0}, "accelerated_douglas_rachford")


def shifted(length: Any, place: int, of: str) -> Callable[[Any], Any]:
    """||w - w*||^2 with w* = x* + length grad f(x*)."""
    return lambda run: (run.x[place] - run.star - length * getattr(run, of).gradient(run.star)) ** 2


# -- monotone inclusions


def optimal_proximal_point(mu: Fraction) -> Method:
    def phi(k: int) -> Fraction:
        return ((1 + 2 * mu) ** (2 * k + 2) - 1) / ((1 + 2 * mu) ** 2 - 1)

    def step(state: Any, A: Any, k: int) -> Any:
        x, y, before = state["x"], state["y"], state["before"]
        after = A.prox(y, 1)
        last, now, following = phi(k - 2), phi(k - 1), phi(k)
        ahead = after + (now - 1) / following * (after - x) - 2 * mu * now / following * (y - after)
        return {"x": after, "y": ahead + (1 + 2 * mu) * last / following * (before - x), "before": y}

    return Method(step, lambda x0: {"x": x0, "y": x0, "before": x0}, "optimal_proximal_point")


def past_extragradient(length: Any) -> Method:
    def step(state: Any, A: Any, r: Any) -> Any:
        slope = A(r.prox(state["x"] - length * state["slope"], length))
        return {"x": r.prox(state["x"] - length * slope, length), "slope": slope}

    def start(x0: Any, A: Any, r: Any) -> Any:
        x = r.prox(x0, length)
        return {"x": x, "slope": A(x), "start": x0}

    return Method(step, start, "past_extragradient")


# -- projections on two sets


def alternate(x: Any, r: Any, q: Any) -> Any:
    return q.project(r.project(x))


def averaged(x: Any, r: Any, q: Any) -> Any:
    return (r.project(x) + q.project(x)) / 2


def dykstra(state: Any, r: Any, q: Any) -> Any:
    ahead = state["x"] + state["p"]
    y = r.project(ahead)
    x = q.project(y + state["q"])
    return {"x": x, "p": ahead - y, "q": y + state["q"] - x}


def to_the_first_set(run: Any) -> Any:
    return (run.x[-1] - run.r.project(run.x[-1])) ** 2


def between_the_sets(run: Any) -> Any:
    return (run.q.project(run.x[-1]) - run.r.project(run.x[-1])) ** 2


# -- potentials, and continuous time


def first_potential(run: Any, k: int, at: int = 10) -> Any:
    return (at + k) * (run.F(run.x[k]) - run.F_star) + (run.x[k] - run.star) ** 2 / 2


def second_potential(run: Any, k: int, at: int = 10) -> Any:
    x, n = run.x[k], at + k
    return (2 * n + 1) * (run.F(x) - run.F_star) + n * (n + 2) * run.gradient(x) ** 2 + (x - run.star) ** 2


def change(potential: Callable) -> Callable[[Any], Any]:
    return lambda run: potential(run, 1) - potential(run, 0)


def flow(run: Any) -> Any:
    """The derivative of t (f(x) - f*) + ||x - x*||^2/2 along x' = -g, at t = 5/2."""
    x, g = run.x[0], run.f.gradient(run.x[0])
    return run.F(x) - run.F_star - Fraction(5, 2) * g**2 - (x - run.star) @ g


def accelerated_flow(run: Any) -> Any:
    """That of t^2 (f(x) - f*) + 2 ||x - x* + t x'/2||^2 along x'' = -3 x'/t - g, at t = 17/5."""
    t, x, speed = Fraction(17, 5), run.x[0], run.states[0]["speed"]
    g = run.f.gradient(x)
    turned = Fraction(3, 2) * speed + t / 2 * (-3 / t * speed - g)
    return 2 * t * (run.F(x) - run.F_star) + t**2 * (speed @ g) + 4 * (x - run.star + t / 2 * speed) @ turned


def value_at_least_one(run: Any) -> Any:
    return 2 - (run.F(run.x[0]) - run.F_star)


# -- several functions


def several(kind: classes.Class, count: int) -> dict[str, classes.Class]:
    return {f"f{i}": kind for i in range(count)}


def each(run: Any, count: int) -> list[Any]:
    return [getattr(run, f"f{i}") for i in range(count)]


def mean_distance(run: Any) -> Any:
    x = run.x[0]
    return sum((x - f.gradient(x) - run.star) ** 2 for f in each(run, 2)) / 2


def near_with_variance(run: Any) -> Any:
    return [(run.x[0] - run.star) ** 2 / 4, sum(f.gradient(run.star) ** 2 for f in each(run, 2)) / 2]


def point_saga(L: float, mu: float, count: int) -> dict[str, Any]:
    """One step of Defazio's method, NIPS 2016, for each of the functions that may be drawn."""
    length = math.sqrt((count - 1) ** 2 + 4 * count * L / mu) / (2 * L * count) - (1 - 1 / count) / (2 * L)

    def step(state: Any, **functions: Any) -> Any:
        table, drawn = state["table"], []
        for i in range(count):
            f = functions[f"f{i}"]
            x = f.prox(state["x"] + length * (table[i] - sum(table) / count), length)
            drawn.append((x, [f.gradient(x) if j == i else table[j] for j in range(count)]))
        return {"x": state["x"], "table": table, "drawn": drawn}

    def start(x0: Any, error: Any) -> Any:
        return {"x": x0, "table": [error.vector() for _ in range(count)]}

    def potential(run: Any, x: Any, table: Any) -> Any:
        away = sum((f.gradient(run.star) - g) ** 2 for f, g in zip(each(run, count), table))
        return (x - run.star) ** 2 + away / (count * mu * L)

    return {
        "method": Method(step, start, "point_saga"),
        "function_class": several(classes.smooth_strongly_convex(L, mu), count),
        "steps": 1,
        "initial": lambda run: potential(run, run.x[0], run.states[0]["table"]),
        "metric": lambda run: sum(potential(run, *one) for one in run.states[1]["drawn"]) / count,
    }


def online_gradient(count: int) -> dict[str, Any]:
    """Regret of projected subgradient steps on functions that are 1-Lipschitz, over a set of diameter 1."""
    length = count**-0.5

    def step(state: Any, r: Any, k: int, **functions: Any) -> Any:
        g = functions[f"f{k - 1}"].gradient(state["x"])
        return {"x": r.prox(state["x"] - length * g, length), "other": state["other"]}

    def start(x0: Any, x1: Any, r: Any) -> Any:
        r.contains(x0)
        r.contains(x1)
        return {"x": x1, "other": x0}

    def regret(run: Any) -> Any:
        other = run.states[0]["other"]
        return sum(f.value(state["x"]) - f.value(other) for f, state in zip(each(run, count), run.states))

    return {
        "method": Method(step, start, "online_gradient"),
        "function_class": {**several(classes.bounded_subgradients(1), count), "r": classes.indicator(1)},
        "steps": count,
        "initial": "none",
        "metric": regret,
    }
