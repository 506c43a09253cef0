"""Further examples of PEPit: its values with Clarabel, or its closed forms, and the same question here.

The numbers were computed by the examples of PEPit of March 2026 (commit 27dbd73) with the parameters that stand beside
them; see `pepit_examples`. The worst case of a potential that does not increase is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from l2obound.bounds.worst_cases import Method, classes, methods

from .pepit_examples import MAP, MU, STRONG, TWO_RUNS, half_residual

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
        ahead = after + (phi(k - 1) - 1) / phi(k) * (after - x) - 2 * mu * phi(k - 1) / phi(k) * (y - after)
        return {"x": after, "y": ahead + (1 + 2 * mu) * phi(k - 2) / phi(k) * (before - x), "before": y}

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


STRONG_SILVER, STRONG_SILVER_RATE = strong_silver_steps(0.1, 1)
DECREASING, DECREASING_VALUE = decreasing_steps(3)
FURTHER: dict[str, tuple[dict[str, Any], float]] = {
    "unconstrained_convex_minimization/accelerated_proximal_point, A0 = 5, gammas = 1, 2, 3": (
        {
            **CONVEX,
            "method": accelerated_proximal_point(5, [1, 2, 3]),
            "steps": 3,
            "initial": value_and_distance,
        },
        0.014566971885,
    ),
    "unconstrained_convex_minimization/optimized_gradient, n = 2": (
        {"method": methods.ogm(2), "steps": 2},
        1 / (2 * ((1 + math.sqrt(1 + 8 * ((1 + math.sqrt(5)) / 2) ** 2)) / 2) ** 2),
    ),
    "unconstrained_convex_minimization/proximal_point, gamma = 3, n = 4": (
        {**CONVEX, "method": methods.proximal_point(3), "steps": 4},
        1 / 48,
    ),
    "unconstrained_convex_minimization/inexact_gradient_descent, epsilon = 0.1, n = 2": (
        {
            **STRONG,
            "method": methods.inexact_gradient(2 / (Fraction(9, 10) * MU + Fraction(11, 10)), Fraction(1, 10)),
            "steps": 2,
            "initial": "objective",
        },
        ((1.1 - 0.09) / (1.1 + 0.09)) ** 4,
    ),
    "unconstrained_convex_minimization/inexact_accelerated_gradient, epsilon = 0.1, n = 3": (
        {"method": methods.inexact_nesterov(1, Fraction(1, 10)), "steps": 3},
        0.072992738173,
    ),
    "unconstrained_convex_minimization/accelerated_gradient_convex, n = 4": (
        {"method": methods.nesterov(1, methods.accelerated_weights(4)), "steps": 4},
        0.046833236089,
    ),
    "unconstrained_convex_minimization/gradient_descent_qg_convex_decreasing, n = 3": (
        {"method": methods.gradient(DECREASING), "function_class": classes.quadratically_bounded(1), "steps": 3},
        DECREASING_VALUE,
    ),
    "unconstrained_convex_minimization/gradient_descent_silver_stepsize_strongly_convex, n = 2": (
        {**STRONG, "method": methods.gradient(STRONG_SILVER), "steps": 2, "metric": "distance"},
        STRONG_SILVER_RATE,
    ),
    "unconstrained_convex_minimization/gradient_descent_quadratics, mu = 0.3, n = 3": (
        {"method": methods.gradient(), "function_class": classes.quadratic(1, Fraction(3, 10)), "steps": 3},
        0.15 * 0.7**6,
    ),
    "unconstrained_convex_minimization/gradient_descent_lc, gen, n = 1": (
        {"method": Method(chain_rule), "function_class": behind(classes.linear_operator(1)), "steps": 1},
        composed_value(1, 0.1),
    ),
    "unconstrained_convex_minimization/gradient_descent_lc, sym, muM = 0.1, n = 2": (
        {"method": Method(chain_rule), "function_class": behind(classes.symmetric_operator(1, MU)), "steps": 2},
        composed_value(2, 0.1),
    ),
    "unconstrained_convex_minimization/gradient_descent_lc, skew, n = 2": (
        {"method": Method(chain_rule), "function_class": behind(classes.skew_operator(1)), "steps": 2},
        composed_value(2, 0.1),
    ),
    "composite_convex_minimization/accelerated_douglas_rachford_splitting, alpha = 0.9, n = 3": (
        {
            "method": accelerated_douglas_rachford(0.9),
            "function_class": {"A": classes.convex(), "B": classes.smooth_strongly_convex(1, MU)},
            "steps": 3,
            "metric": lambda run: run.F(run.states[-1]["y"]) - run.F_star,
            "initial": shifted(0.9, 0, "B"),
        },
        0.18392955173,
    ),
    "composite_convex_minimization/proximal_gradient_quadratics, n = 1": (
        {
            "method": methods.proximal_gradient(),
            "function_class": {"f": classes.quadratic(1, MU), "r": classes.convex()},
            "steps": 1,
            "metric": "distance",
        },
        0.9**2,
    ),
    "monotone_inclusions_variational_inequalities/accelerated_proximal_point, alpha = 2, n = 5": (
        {
            "method": methods.accelerated_proximal_point(2),
            "function_class": classes.monotone(),
            "steps": 5,
            "metric": lambda run: (run.states[-1]["x"] - run.states[-2]["y"]) ** 2,
        },
        1 / 25,
    ),
    "monotone_inclusions_variational_inequalities/optimal_strongly_monotone_proximal_point, mu = 0.05, n = 4": (
        {
            "method": optimal_proximal_point(Fraction(1, 20)),
            "function_class": {"A": classes.monotone(Fraction(1, 20))},
            "steps": 4,
            "metric": lambda run: (run.states[-1]["before"] - run.x[-1]) ** 2,
        },
        (0.1 / (1.1**4 - 1)) ** 2,
    ),
    "monotone_inclusions_variational_inequalities/douglas_rachford_splitting_2, beta = 1.2, alpha = 1.35": (
        {
            **TWO_RUNS,
            "method": methods.twice(methods.douglas_rachford(1.35, 0.9)),
            "function_class": {"A": classes.cocoercive(1.2), "B": classes.monotone(MU)},
            "steps": 1,
        },
        0.79736245609,
    ),
    "monotone_inclusions_variational_inequalities/past_extragradient, gamma = 0.25, n = 3": (
        {
            "method": past_extragradient(Fraction(1, 4)),
            "function_class": {"A": classes.lipschitz_monotone(1, 0), "r": classes.indicator()},
            "steps": 3,
            "metric": "residual",
            "initial": lambda run: (run.states[0]["start"] - run.star) ** 2,
        },
        0.13268641631,
    ),
    "fixed_point_problems/krasnoselskii_mann_increasing_step_sizes, n = 3": (
        {
            **MAP,
            "method": Method(lambda x, T, k: x + Fraction(k, k + 1) * (T(x) - x)),
            "steps": 3,
            "metric": half_residual,
        },
        0.11963371139,
    ),
    "inexact_proximal_methods/relatively_inexact_proximal_point_algorithm, gamma = 2, sigma = 0.3, n = 4": (
        {
            **CONVEX,
            "method": methods.relatively_inexact_proximal_point(2, Fraction(3, 10)),
            "steps": 4,
        },
        0.041429975696,
    ),
    "inexact_proximal_methods/partially_inexact_douglas_rachford_splitting, L = 5, sigma = 0.2, n = 2": (
        {
            "method": methods.partially_inexact_douglas_rachford(1.4, 0.2),
            "function_class": {"f": classes.smooth_strongly_convex(5, MU), "r": classes.convex()},
            "steps": 2,
            "metric": shifted(1.4, -1, "f"),
            "initial": shifted(1.4, 0, "f"),
        },
        ((0.8 + 1.4 * 0.1 * 0.2) / (0.8 + 1.4 * 0.1)) ** 4,
    ),
    "low_dimensional_worst_cases_scenarios/alternate_projections, n = 4": (
        {"method": Method(alternate), "function_class": SETS, "steps": 4, "metric": to_the_first_set},
        0.04908699029,
    ),
    "low_dimensional_worst_cases_scenarios/averaged_projections, n = 4": (
        {"method": Method(averaged), "function_class": SETS, "steps": 4, "metric": between_the_sets},
        0.15496819643,
    ),
    "low_dimensional_worst_cases_scenarios/dykstra, n = 4": (
        {
            "method": Method(dykstra, lambda x0: {"x": x0, "p": 0 * x0, "q": 0 * x0}),
            "function_class": SETS,
            "steps": 4,
            "metric": to_the_first_set,
        },
        0.065503194734,
    ),
    "potential_functions/gradient_descent_lyapunov_1, n = 10": (
        {"method": methods.gradient(), "steps": 1, "initial": "none", "metric": change(first_potential)},
        0.0,
    ),
    "potential_functions/gradient_descent_lyapunov_2, n = 10": (
        {"method": methods.gradient(), "steps": 1, "initial": "none", "metric": change(second_potential)},
        0.0,
    ),
    "continuous_time_models/gradient_flow_convex, t = 2.5": (
        {**CONVEX, "method": STILL, "steps": 1, "initial": "none", "metric": flow},
        0.0,
    ),
    "continuous_time_models/gradient_flow_strongly_convex, mu = 0.1": (
        {
            "method": STILL,
            "function_class": classes.strongly_convex(MU),
            "steps": 1,
            "initial": value_at_least_one,
            "metric": lambda run: -(run.f.gradient(run.x[0]) ** 2),
        },
        -0.2,
    ),
    "continuous_time_models/accelerated_gradient_flow_convex, t = 3.4": (
        {**CONVEX, "method": WITH_SPEED, "steps": 1, "initial": "none", "metric": accelerated_flow},
        0.0,
    ),
    "tutorials/gradient_descent_contraction, n = 1": (
        {**STRONG, **TWO_RUNS, "method": methods.twice(methods.gradient()), "steps": 1},
        0.81,
    ),
    "stochastic_and_randomized_convex_minimization/sgd, v = 1, R = 2, n = 2": (
        {
            "method": STILL,
            "function_class": several(classes.smooth_strongly_convex(1, MU), 2),
            "steps": 1,
            "initial": near_with_variance,
            "metric": mean_distance,
        },
        (0.9 + math.sqrt(1.21 * (1 - 2 / 1.1) ** 2 + 1)) ** 2,
    ),
    "stochastic_and_randomized_convex_minimization/point_saga, mu = 0.01, n = 2": (
        point_saga(1, 0.01, 2),
        0.91028295135,
    ),
    "online_learning/online_gradient_descent, n = 2": (online_gradient(2), math.sqrt(2)),
}
