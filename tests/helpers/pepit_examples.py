"""Examples of PEPit: its values with Clarabel, or its closed forms, and the same question here.

The numbers were computed by PEPit's own examples with the parameters that stand beside them, those of this module by
version 0.5.1. A solver's value is good to some 1e-7; the closed form is used where there is one. Keys are folder,
example and parameters.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from l2obound.bounds.worst_cases import Method, classes, methods

MU = Fraction(1, 10)
STRONG = {"function_class": "smooth_strongly_convex", "mu": MU}
MAP = {"function_class": {"T": classes.lipschitz_map(1)}}


def residual_of_map(run: Any) -> Any:
    return (run.x[-1] - run.T(run.x[-1])) ** 2


def half_residual(run: Any) -> Any:
    return residual_of_map(run) / 4


def potential(run: Any) -> Any:
    return run.F(run.x[0]) - run.F_star + MU / 2 * (run.x[0] - run.star) ** 2


def apart(run: Any) -> Any:
    return (run.states[-1]["x"] - run.states[-1]["other"]) ** 2


def apart_at_first(run: Any) -> Any:
    return (run.states[0]["x"] - run.states[0]["other"]) ** 2


TWO_RUNS = {"metric": apart, "initial": apart_at_first}


def quadratic_momentum(state: Any, f: Any, k: int) -> Any:
    x, before = state
    return x - f.gradient(x) / (k + 1) + Fraction(k - 1, k + 1) * (x - before), x


EXAMPLES: dict[str, tuple[dict[str, Any], float]] = {
    # unconstrained convex minimization
    "unconstrained_convex_minimization/gradient_descent, n = 4": ({"method": methods.gradient(), "steps": 4}, 1 / 18),
    "unconstrained_convex_minimization/heavy_ball_momentum, alpha = 0.5, beta = 0.3, n = 3": (
        {**STRONG, "method": methods.heavy_ball(0.5, 0.3), "steps": 3, "initial": "objective"},
        0.679594118874043,
    ),
    "unconstrained_convex_minimization/accelerated_gradient_strongly_convex, n = 3": (
        {**STRONG, "method": methods.constant_momentum(1, MU), "steps": 3, "initial": potential},
        0.21538970332092397,
    ),
    "unconstrained_convex_minimization/accelerated_gradient_convex_simplified, n = 5": (
        {"method": methods.nesterov(), "steps": 5},
        2 / 56,
    ),
    "unconstrained_convex_minimization/triple_momentum, n = 4": (
        {**STRONG, "method": methods.triple_momentum(1, MU), "steps": 4},
        0.23892505536720063,
    ),
    "unconstrained_convex_minimization/information_theoretic_exact_method, n = 4": (
        {**STRONG, "method": methods.information_theoretic(4, 1, MU), "steps": 4, "metric": "distance"},
        0.09442675531,
    ),
    "unconstrained_convex_minimization/optimized_gradient_for_gradient, n = 4": (
        {"method": methods.ogm_for_gradients(4), "steps": 4, "metric": "gradient", "initial": "objective"},
        0.10233576819972882,
    ),
    "unconstrained_convex_minimization/gradient_descent_silver_stepsize_convex, n = 7": (
        {"method": methods.gradient(methods.silver_steps(7)), "steps": 7},
        0.0184215424,
    ),
    "unconstrained_convex_minimization/subgradient_method, n = 4": (
        {
            "method": methods.subgradient(5**-0.5),
            "function_class": classes.bounded_subgradients(1),
            "steps": 4,
            "metric": "best_objective",
        },
        5**-0.5,
    ),
    "unconstrained_convex_minimization/gradient_descent_qg_convex, gamma = 0.2, n = 4": (
        {"method": methods.gradient(0.2), "function_class": classes.quadratically_bounded(1), "steps": 4},
        max(1 / (2 * 4 * 0.2 + 1), 0.2) / 2,
    ),
    "unconstrained_convex_minimization/heavy_ball_momentum_qg_convex, n = 5": (
        {
            "method": Method(quadratic_momentum, lambda x0: (x0, x0)),
            "function_class": classes.quadratically_bounded(1),
            "steps": 5,
        },
        1 / 12,
    ),
    "unconstrained_convex_minimization/subgradient_method_rsi_eb, gamma = 0.1, n = 4": (
        {
            "method": methods.gradient(0.1),
            "function_class": classes.restricted_secant(1, MU),
            "steps": 4,
            "metric": "distance",
        },
        (1 - 2 * 0.01 + 0.01) ** 4,
    ),
    # composite convex minimization
    "composite_convex_minimization/proximal_gradient, n = 2": (
        {
            "method": methods.proximal_gradient(),
            "function_class": "composite_strongly_convex",
            "mu": MU,
            "steps": 2,
            "metric": "distance",
        },
        0.9**4,
    ),
    "composite_convex_minimization/accelerated_proximal_gradient, n = 4": (
        {"method": methods.fista(1, methods.accelerated_weights(4)), "function_class": "composite", "steps": 4},
        0.0516732908,
    ),
    "composite_convex_minimization/accelerated_proximal_gradient_simplified, n = 4": (
        {"method": methods.fista(), "function_class": "composite", "steps": 4},
        2 / 38,
    ),
    "composite_convex_minimization/douglas_rachford_splitting_contraction, alpha = 3, n = 1": (
        {
            **TWO_RUNS,
            "method": methods.twice(methods.douglas_rachford(3)),
            "function_class": {"A": classes.smooth_strongly_convex(1, MU), "B": classes.convex()},
            "steps": 1,
        },
        1.3**-2,
    ),
    "composite_convex_minimization/douglas_rachford_splitting, n = 4": (
        {
            "method": methods.douglas_rachford(1),
            "function_class": {"A": classes.convex(), "B": classes.smooth_convex(1)},
            "steps": 4,
            "metric": lambda run: run.F(run.states[-1]["y"]) - run.F_star,
            "initial": lambda run: (run.states[1]["shadow"] - run.star) ** 2,
        },
        0.06268866,
    ),
    "composite_convex_minimization/three_operator_splitting, n = 1": (
        {
            **TWO_RUNS,
            "method": methods.twice(methods.three_operators(1)),
            "function_class": {
                "A": classes.smooth_strongly_convex(10, MU),
                "B": classes.convex(),
                "C": classes.smooth_convex(1),
            },
            "steps": 1,
        },
        0.8303797424,
    ),
    "composite_convex_minimization/frank_wolfe, n = 6": (
        {
            "method": methods.frank_wolfe(),
            "function_class": {"f": classes.smooth_convex(1), "r": classes.indicator(1)},
            "steps": 6,
            "initial": "none",
            "metric": lambda run: run.f(run.x[-1]) - run.F_star,
        },
        0.12424091,
    ),
    # monotone inclusions
    "monotone_inclusions_variational_inequalities/proximal_point, alpha = 2.2, n = 5": (
        {
            "method": methods.proximal_point(2.2),
            "function_class": classes.monotone(),
            "steps": 5,
            "metric": "residual",
        },
        0.8**4 / 5,
    ),
    "monotone_inclusions_variational_inequalities/douglas_rachford_splitting, alpha = 1.3, theta = 0.9": (
        {
            **TWO_RUNS,
            "method": methods.twice(methods.douglas_rachford(1.3, 0.9)),
            "function_class": {"A": classes.lipschitz_monotone(1, 0), "B": classes.monotone(MU)},
            "steps": 1,
        },
        0.9287706932298526,
    ),
    "monotone_inclusions_variational_inequalities/three_operator_splitting, alpha = 0.9, theta = 1.3": (
        {
            **TWO_RUNS,
            "method": methods.twice(methods.three_operators(0.9, 1.3)),
            "function_class": {
                "A": classes.monotone(),
                "B": classes.cocoercive(1),
                "C": classes.smooth_strongly_convex(1, MU),
            },
            "steps": 1,
        },
        0.779689,
    ),
    "monotone_inclusions_variational_inequalities/optimistic_gradient, gamma = 0.25, n = 3": (
        {
            "method": methods.optimistic_gradient(0.25),
            "function_class": {"A": classes.lipschitz_monotone(1, 0), "r": classes.indicator()},
            "steps": 3,
            "metric": "residual",
            "initial": lambda run: (run.states[0]["start"] - run.star) ** 2,
        },
        0.16966868,
    ),
    # fixed-point problems
    "fixed_point_problems/halpern_iteration, n = 5": (
        {**MAP, "method": methods.halpern(), "steps": 5, "metric": residual_of_map},
        1 / 9,
    ),
    "fixed_point_problems/krasnoselskii_mann_constant_step_sizes, gamma = 0.75, n = 3": (
        {**MAP, "method": methods.krasnoselskii_mann(Fraction(3, 4)), "steps": 3, "metric": half_residual},
        0.140625,
    ),
    "fixed_point_problems/optimal_contractive_halpern_iteration, gamma = 1.1, n = 5": (
        {
            "method": methods.contractive_halpern(5),
            "function_class": {"T": classes.lipschitz_map(Fraction(10, 11))},
            "steps": 5,
            "metric": residual_of_map,
        },
        0.061222729029856614,
    ),
    # nonconvex optimization
    "nonconvex_optimization/gradient_descent, n = 4": (
        {
            "method": methods.gradient(),
            "function_class": "smooth_nonconvex",
            "steps": 4,
            "metric": "best_gradient",
            "initial": "decrease",
        },
        1 / 3,
    ),
}
