"""Further examples of PEPit: its values with Clarabel, or its closed forms, and the same question here.

The numbers were computed by the examples of PEPit of March 2026 (commit 27dbd73) with the parameters that stand beside
them; see `pepit_examples`. The worst case of a potential that does not increase is 0.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from l2obound.bounds.worst_cases import Method, classes, methods

from .pepit_examples import MAP, MU, STRONG, TWO_RUNS, half_residual
from .pepit_further_methods import (
    CONVEX,
    SETS,
    STILL,
    WITH_SPEED,
    accelerated_douglas_rachford,
    accelerated_flow,
    accelerated_proximal_point,
    alternate,
    averaged,
    behind,
    between_the_sets,
    chain_rule,
    change,
    composed_value,
    decreasing_steps,
    dykstra,
    first_potential,
    flow,
    mean_distance,
    near_with_variance,
    online_gradient,
    optimal_proximal_point,
    past_extragradient,
    point_saga,
    second_potential,
    several,
    shifted,
    strong_silver_steps,
    to_the_first_set,
    value_and_distance,
    value_at_least_one,
)

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
