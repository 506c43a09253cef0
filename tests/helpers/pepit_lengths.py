"""The examples of PEPit that have a number of steps, as questions of K: ours, and the arguments of PEPit's example.

They are those of `pepit_examples` and `pepit_further_examples`. Keys are folder and example.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from l2obound.bounds.worst_cases import Method, classes, methods

from .pepit_examples import MAP, MU, STRONG, TWO_RUNS, half_residual, potential, quadratic_momentum, residual_of_map
from .pepit_further_methods import (
    CONVEX,
    SETS,
    accelerated_douglas_rachford,
    accelerated_proximal_point,
    alternate,
    averaged,
    behind,
    between_the_sets,
    chain_rule,
    decreasing_steps,
    dykstra,
    online_gradient,
    optimal_proximal_point,
    past_extragradient,
    shifted,
    to_the_first_set,
    value_and_distance,
)

UNCONSTRAINED, COMPOSITE = "unconstrained_convex_minimization", "composite_convex_minimization"
MONOTONE, FIXED = "monotone_inclusions_variational_inequalities", "fixed_point_problems"
INEXACT, SETS_OF_TWO = "inexact_proximal_methods", "low_dimensional_worst_cases_scenarios"
STEPS = (1, 2, 3, 2, 1)
"""Lengths of proximal steps, which repeat."""


def lengths(K: int) -> list[int]:
    return [STEPS[k % len(STEPS)] for k in range(K)]


def asked(method: Callable[[int], Method] | Method, **more: Any) -> Callable[[int], dict[str, Any]]:
    """A question of K: K steps of a method, which may be made for K."""
    return lambda K: {**more, "method": method if isinstance(method, Method) else method(K), "steps": K}


Question = tuple[Callable[[int], dict[str, Any]], Callable[[int], dict[str, Any]]]
OF_K: dict[str, Question] = {
    f"{UNCONSTRAINED}/gradient_descent": (asked(methods.gradient()), lambda K: {"L": 1, "gamma": 1, "n": K}),
    f"{UNCONSTRAINED}/heavy_ball_momentum": (
        asked(methods.heavy_ball(0.5, 0.3), **STRONG, initial="objective"),
        lambda K: {"mu": 0.1, "L": 1, "alpha": 0.5, "beta": 0.3, "n": K},
    ),
    f"{UNCONSTRAINED}/accelerated_gradient_strongly_convex": (
        asked(methods.constant_momentum(1, MU), **STRONG, initial=potential),
        lambda K: {"mu": 0.1, "L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/accelerated_gradient_convex": (
        asked(lambda K: methods.nesterov(1, methods.accelerated_weights(K))),
        lambda K: {"mu": 0, "L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/accelerated_gradient_convex_simplified": (
        asked(methods.nesterov()),
        lambda K: {"mu": 0, "L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/triple_momentum": (
        asked(methods.triple_momentum(1, MU), **STRONG),
        lambda K: {"mu": 0.1, "L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/information_theoretic_exact_method": (
        asked(lambda K: methods.information_theoretic(K, 1, MU), **STRONG, metric="distance"),
        lambda K: {"mu": 0.1, "L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/optimized_gradient": (asked(methods.ogm), lambda K: {"L": 1, "n": K}),
    f"{UNCONSTRAINED}/optimized_gradient_for_gradient": (
        asked(methods.ogm_for_gradients, metric="gradient", initial="objective"),
        lambda K: {"L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/gradient_descent_silver_stepsize_convex": (
        lambda K: asked(methods.gradient(methods.silver_steps(7 if K < 15 else 15)))(7 if K < 15 else 15),
        lambda K: {"L": 1, "n": 7 if K < 15 else 15},  # a power of 2 less 1
    ),
    f"{UNCONSTRAINED}/subgradient_method": (
        asked(
            lambda K: methods.subgradient((K + 1) ** -0.5),
            function_class=classes.bounded_subgradients(1),
            metric="best_objective",
        ),
        lambda K: {"M": 1, "n": K, "gamma": (K + 1) ** -0.5},
    ),
    f"{UNCONSTRAINED}/subgradient_method_rsi_eb": (
        asked(methods.gradient(0.1), function_class=classes.restricted_secant(1, MU), metric="distance"),
        lambda K: {"mu": 0.1, "L": 1, "gamma": 0.1, "n": K},
    ),
    f"{UNCONSTRAINED}/gradient_descent_qg_convex": (
        asked(methods.gradient(0.2), function_class=classes.quadratically_bounded(1)),
        lambda K: {"L": 1, "gamma": 0.2, "n": K},
    ),
    f"{UNCONSTRAINED}/gradient_descent_qg_convex_decreasing": (
        asked(lambda K: methods.gradient(decreasing_steps(K)[0]), function_class=classes.quadratically_bounded(1)),
        lambda K: {"L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/heavy_ball_momentum_qg_convex": (
        asked(Method(quadratic_momentum, lambda x0: (x0, x0)), function_class=classes.quadratically_bounded(1)),
        lambda K: {"L": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/proximal_point": (asked(methods.proximal_point(3), **CONVEX), lambda K: {"gamma": 3, "n": K}),
    f"{UNCONSTRAINED}/accelerated_proximal_point": (
        asked(lambda K: accelerated_proximal_point(5, lengths(K)), **CONVEX, initial=value_and_distance),
        lambda K: {"A0": 5, "gammas": lengths(K), "n": K},
    ),
    f"{UNCONSTRAINED}/inexact_gradient_descent": (
        asked(
            methods.inexact_gradient(2 / (Fraction(9, 10) * MU + Fraction(11, 10)), Fraction(1, 10)),
            **STRONG,
            initial="objective",
        ),
        lambda K: {"L": 1, "mu": 0.1, "epsilon": 0.1, "n": K},
    ),
    f"{UNCONSTRAINED}/inexact_accelerated_gradient": (
        asked(methods.inexact_nesterov(1, Fraction(1, 10))),
        lambda K: {"L": 1, "epsilon": 0.1, "n": K},
    ),
    f"{UNCONSTRAINED}/gradient_descent_quadratics": (
        asked(methods.gradient(), function_class=classes.quadratic(1, Fraction(3, 10))),
        lambda K: {"mu": 0.3, "L": 1, "gamma": 1, "n": K},
    ),
    f"{UNCONSTRAINED}/gradient_descent_lc": (
        asked(Method(chain_rule), function_class=behind(classes.linear_operator(1))),
        lambda K: {"mug": 0.1, "Lg": 1, "typeM": "gen", "muM": 0, "LM": 1, "gamma": 1, "n": K},
    ),
    f"{COMPOSITE}/proximal_gradient": (
        asked(methods.proximal_gradient(), function_class="composite_strongly_convex", mu=MU, metric="distance"),
        lambda K: {"L": 1, "mu": 0.1, "gamma": 1, "n": K},
    ),
    f"{COMPOSITE}/proximal_gradient_quadratics": (
        asked(
            methods.proximal_gradient(),
            function_class={"f": classes.quadratic(1, MU), "r": classes.convex()},
            metric="distance",
        ),
        lambda K: {"L": 1, "mu": 0.1, "gamma": 1, "n": K},
    ),
    f"{COMPOSITE}/accelerated_proximal_gradient": (
        asked(lambda K: methods.fista(1, methods.accelerated_weights(K)), function_class="composite"),
        lambda K: {"mu": 0, "L": 1, "n": K},
    ),
    f"{COMPOSITE}/accelerated_proximal_gradient_simplified": (
        asked(methods.fista(), function_class="composite"),
        lambda K: {"mu": 0, "L": 1, "n": K},
    ),
    f"{COMPOSITE}/douglas_rachford_splitting": (
        asked(
            methods.douglas_rachford(1),
            function_class={"A": classes.convex(), "B": classes.smooth_convex(1)},
            metric=lambda run: run.F(run.states[-1]["y"]) - run.F_star,
            initial=lambda run: (run.states[1]["shadow"] - run.star) ** 2,
        ),
        lambda K: {"L": 1, "alpha": 1, "theta": 1, "n": K},
    ),
    f"{COMPOSITE}/accelerated_douglas_rachford_splitting": (
        asked(
            accelerated_douglas_rachford(0.9),
            function_class={"A": classes.convex(), "B": classes.smooth_strongly_convex(1, MU)},
            metric=lambda run: run.F(run.states[-1]["y"]) - run.F_star,
            initial=shifted(0.9, 0, "B"),
        ),
        lambda K: {"mu": 0.1, "L": 1, "alpha": 0.9, "n": K},
    ),
    f"{COMPOSITE}/douglas_rachford_splitting_contraction": (
        asked(
            methods.twice(methods.douglas_rachford(3)),
            **TWO_RUNS,
            function_class={"A": classes.smooth_strongly_convex(1, MU), "B": classes.convex()},
        ),
        lambda K: {"mu": 0.1, "L": 1, "alpha": 3, "theta": 1, "n": K},
    ),
    f"{COMPOSITE}/three_operator_splitting": (
        asked(
            methods.twice(methods.three_operators(1)),
            **TWO_RUNS,
            function_class={
                "A": classes.smooth_strongly_convex(10, MU),
                "B": classes.convex(),
                "C": classes.smooth_convex(1),
            },
        ),
        lambda K: {"mu1": 0.1, "L1": 10, "L3": 1, "alpha": 1, "theta": 1, "n": K},
    ),
    f"{COMPOSITE}/frank_wolfe": (
        asked(
            methods.frank_wolfe(),
            function_class={"f": classes.smooth_convex(1), "r": classes.indicator(1)},
            initial="none",
            metric=lambda run: run.f(run.x[-1]) - run.F_star,
        ),
        lambda K: {"L": 1, "D": 1, "R": math.inf, "center": None, "n": K},
    ),
    f"{MONOTONE}/proximal_point": (
        asked(methods.proximal_point(2.2), function_class=classes.monotone(), metric="residual"),
        lambda K: {"alpha": 2.2, "n": K},
    ),
    f"{MONOTONE}/accelerated_proximal_point": (
        asked(
            methods.accelerated_proximal_point(2),
            function_class=classes.monotone(),
            metric=lambda run: (run.states[-1]["x"] - run.states[-2]["y"]) ** 2,
        ),
        lambda K: {"alpha": 2, "n": K},
    ),
    f"{MONOTONE}/optimal_strongly_monotone_proximal_point": (
        asked(
            optimal_proximal_point(Fraction(1, 20)),
            function_class={"A": classes.monotone(Fraction(1, 20))},
            metric=lambda run: (run.states[-1]["before"] - run.x[-1]) ** 2,
        ),
        lambda K: {"n": K, "mu": 0.05},
    ),
    f"{MONOTONE}/optimistic_gradient": (
        asked(
            methods.optimistic_gradient(0.25),
            function_class={"A": classes.lipschitz_monotone(1, 0), "r": classes.indicator()},
            metric="residual",
            initial=lambda run: (run.states[0]["start"] - run.star) ** 2,
        ),
        lambda K: {"n": K, "gamma": 0.25, "L": 1},
    ),
    f"{MONOTONE}/past_extragradient": (
        asked(
            past_extragradient(Fraction(1, 4)),
            function_class={"A": classes.lipschitz_monotone(1, 0), "r": classes.indicator()},
            metric="residual",
            initial=lambda run: (run.states[0]["start"] - run.star) ** 2,
        ),
        lambda K: {"n": K, "gamma": 0.25, "L": 1},
    ),
    f"{FIXED}/halpern_iteration": (asked(methods.halpern(), **MAP, metric=residual_of_map), lambda K: {"n": K}),
    f"{FIXED}/krasnoselskii_mann_constant_step_sizes": (
        asked(methods.krasnoselskii_mann(Fraction(3, 4)), **MAP, metric=half_residual),
        lambda K: {"n": K, "gamma": 0.75},
    ),
    f"{FIXED}/krasnoselskii_mann_increasing_step_sizes": (
        asked(Method(lambda x, T, k: x + Fraction(k, k + 1) * (T(x) - x)), **MAP, metric=half_residual),
        lambda K: {"n": K},
    ),
    f"{FIXED}/optimal_contractive_halpern_iteration": (
        asked(
            methods.contractive_halpern,
            function_class={"T": classes.lipschitz_map(Fraction(10, 11))},
            metric=residual_of_map,
        ),
        lambda K: {"n": K, "gamma": 1.1},
    ),
    "nonconvex_optimization/gradient_descent": (
        asked(methods.gradient(), function_class="smooth_nonconvex", metric="best_gradient", initial="decrease"),
        lambda K: {"L": 1, "gamma": 1, "n": K},
    ),
    f"{INEXACT}/relatively_inexact_proximal_point_algorithm": (
        asked(methods.relatively_inexact_proximal_point(2, Fraction(3, 10)), **CONVEX),
        lambda K: {"n": K, "gamma": 2, "sigma": 0.3},
    ),
    f"{INEXACT}/partially_inexact_douglas_rachford_splitting": (
        asked(
            methods.partially_inexact_douglas_rachford(1.4, 0.2),
            function_class={"f": classes.smooth_strongly_convex(5, MU), "r": classes.convex()},
            metric=shifted(1.4, -1, "f"),
            initial=shifted(1.4, 0, "f"),
        ),
        lambda K: {"mu": 0.1, "L": 5, "n": K, "gamma": 1.4, "sigma": 0.2},
    ),
    f"{SETS_OF_TWO}/alternate_projections": (
        asked(Method(alternate), function_class=SETS, metric=to_the_first_set),
        lambda K: {"n": K},
    ),
    f"{SETS_OF_TWO}/averaged_projections": (
        asked(Method(averaged), function_class=SETS, metric=between_the_sets),
        lambda K: {"n": K},
    ),
    f"{SETS_OF_TWO}/dykstra": (
        asked(
            Method(dykstra, lambda x0: {"x": x0, "p": 0 * x0, "q": 0 * x0}),
            function_class=SETS,
            metric=to_the_first_set,
        ),
        lambda K: {"n": K},
    ),
    "tutorials/gradient_descent_contraction": (
        asked(methods.twice(methods.gradient()), **STRONG, **TWO_RUNS),
        lambda K: {"L": 1, "mu": 0.1, "gamma": 1, "n": K},
    ),
    "online_learning/online_gradient_descent": (online_gradient, lambda K: {"M": 1, "D": 1, "n": K}),
}
