"""Known methods as code, each a small function: what a user would write, and what tests and documentation use.

Numbers are those of the class: L of f, gamma of a prox. A method that needs the number of its steps beforehand (OGM,
OptISTA, silver steps) is made for it. Irrational numbers are doubles, and the worst case is that of the method with
these doubles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from .oracles import Method


def gradient(step: Any = 1) -> Method:
    """x_k = x_{k-1} - step grad f(x_{k-1}); a number, or a list with one for each step."""

    def gradient_step(x: Any, f: Any, k: int) -> Any:
        return x - (step[k - 1] if isinstance(step, Sequence) else step) * f.gradient(x)

    return Method(gradient_step, name="gradient")


def proximal_gradient(step: Any = 1) -> Method:
    """x_k = prox_{step r}(x_{k-1} - step grad f(x_{k-1}))."""

    def proximal_gradient_step(x: Any, f: Any, r: Any) -> Any:
        return r.prox(x - step * f.gradient(x), step)

    return Method(proximal_gradient_step, name="proximal_gradient")


def heavy_ball(step: Any, momentum: Any) -> Method:
    """x_{k+1} = x_k - step grad f(x_k) + momentum (x_k - x_{k-1}); Polyak 1964."""

    def heavy_ball_step(state: Any, f: Any) -> Any:
        x, before = state
        return x - step * f.gradient(x) + momentum * (x - before), x

    return Method(heavy_ball_step, lambda x0: (x0, x0), "heavy_ball")


def nesterov(step: Any = 1, momentum: Any = None) -> Method:
    """y_k = x_k + momentum (x_k - x_{k-1}), x_{k+1} = y_k - step grad f(y_k); (k - 1)/(k + 2) if it is None."""

    def nesterov_step(state: Any, f: Any, k: int) -> Any:
        x = state["y"] - step * f.gradient(state["y"])
        return {"x": x, "y": x + _weight(momentum, k) * (x - state["x"])}

    return Method(nesterov_step, _start, "nesterov")


def fista(step: Any = 1, momentum: Any = None) -> Method:
    """Nesterov's method with a prox; Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009)."""

    def fista_step(state: Any, f: Any, r: Any, k: int) -> Any:
        x = r.prox(state["y"] - step * f.gradient(state["y"]), step)
        return {"x": x, "y": x + _weight(momentum, k) * (x - state["x"])}

    return Method(fista_step, _start, "fista")


def _weight(momentum: Any, k: int) -> Any:
    return Fraction(k - 1, k + 2) if momentum is None else momentum


def _start(x0: Any) -> Any:
    return {"x": x0, "y": x0}


def constant_momentum(L: Any = 1, mu: Any = Fraction(1, 10)) -> Method:
    """Nesterov's method for strongly convex functions, momentum (1 - sqrt(mu/L))/(1 + sqrt(mu/L))."""
    root = math.sqrt(mu / L)
    return nesterov(Fraction(1) / Fraction(L), (1 - root) / (1 + root))


def ogm(steps: int, L: Any = 1) -> Method:
    """The optimized gradient method; Drori and Teboulle 2014, Kim and Fessler, Math. Program. 159 (2016)."""
    theta = [1.0]
    for k in range(1, steps + 1):
        theta.append((1 + math.sqrt(1 + (8 if k == steps else 4) * theta[-1] ** 2)) / 2)

    def ogm_step(state: Any, f: Any, k: int) -> Any:
        before, after = theta[k - 1], theta[k]
        y = state["x"] - f.gradient(state["x"]) / L
        x = y + (before - 1) / after * (y - state["y"]) + before / after * (y - state["x"])
        return {"x": x, "y": y}

    return Method(ogm_step, lambda x0: {"x": x0, "y": x0}, "ogm")


def triple_momentum(L: Any = 1, mu: Any = Fraction(1, 10)) -> Method:
    """The triple momentum method; Van Scoy, Freeman, Lynch, IEEE Control Syst. Lett. 2 (2018); x is its xi."""
    rho = 1 - math.sqrt(mu / L)
    alpha, beta = (1 + rho) / L, rho**2 / (2 - rho)
    gamma = rho**2 / ((1 + rho) * (2 - rho))

    def triple_momentum_step(state: Any, f: Any) -> Any:
        x, before = state["x"], state["before"]
        y = x + gamma * (x - before)
        return {"x": x + beta * (x - before) - alpha * f.gradient(y), "before": x}

    return Method(triple_momentum_step, lambda x0: {"x": x0, "before": x0}, "triple_momentum")


def silver_steps(steps: int) -> list[float]:
    """h_1, ..., h_K of the silver schedule, 1 + rho^(v - 1), v the power of 2 in k; Altschuler and Parrilo 2023."""
    rho = 1 + math.sqrt(2)
    return [1 + rho ** ((k & -k).bit_length() - 2) for k in range(1, steps + 1)]


def proximal_point(gamma: Any = 1) -> Method:
    """x_k = prox_{gamma f}(x_{k-1}), or a resolvent; a number, or a list with one for each step."""

    def proximal_point_step(x: Any, f: Any, k: int) -> Any:
        return f.prox(x, gamma[k - 1] if isinstance(gamma, Sequence) else gamma)

    return Method(proximal_point_step, name="proximal_point")


def accelerated_proximal_point(gamma: Any = 1) -> Method:
    """Kim's accelerated proximal point method for monotone operators, Math. Program. 190 (2021)."""

    def accelerated_proximal_point_step(state: Any, f: Any, k: int) -> Any:
        x = f.prox(state["y"], gamma)
        y = x + Fraction(k - 1, k + 1) * (x - state["x"] - state["x"] + state["z"])
        return {"x": x, "y": y, "z": state["y"]}

    return Method(accelerated_proximal_point_step, lambda x0: {"x": x0, "y": x0, "z": x0}, "accelerated_proximal_point")


def fast_proximal_point(gamma: Any = 1) -> Method:
    """Guler's second accelerated proximal point method, SIAM J. Optim. 2 (1992)."""

    def fast_proximal_point_step(state: Any, f: Any) -> Any:
        x = f.prox(state["y"], gamma)
        t = (1 + math.sqrt(1 + 4 * state["t"] ** 2)) / 2
        y = x + (state["t"] - 1) / t * (x - state["x"]) + state["t"] / t * (x - state["y"])
        return {"x": x, "y": y, "t": t}

    return Method(fast_proximal_point_step, lambda x0: {"x": x0, "y": x0, "t": 1.0}, "fast_proximal_point")


def optista(steps: int, L: Any = 1) -> Method:
    """OptISTA, the optimal composite method; Jang, Das Gupta, Ryu, Math. Program. 2025 (arXiv 2305.15704)."""
    theta = [1.0]
    for k in range(1, steps + 1):
        theta.append((1 + math.sqrt(1 + (8 if k == steps else 4) * theta[-1] ** 2)) / 2)
    last = theta[-1]
    gamma = [2 * theta[i] / last**2 * (last**2 - 2 * theta[i] ** 2 + theta[i]) for i in range(steps)]

    def optista_step(state: Any, f: Any, r: Any, k: int) -> Any:
        i, look = k - 1, state["look"]
        y = r.prox(state["x"] - gamma[i] / L * f.gradient(look), gamma[i] / L)
        z = look + (y - state["x"]) / gamma[i]
        ahead = z + (theta[i] - 1) / theta[k] * (z - state["z"]) + theta[i] / theta[k] * (z - look)
        return {"x": y, "look": ahead, "z": z}

    return Method(optista_step, lambda x0: {"x": x0, "look": x0, "z": x0}, "optista")


def subgradient(step: Any) -> Method:
    """x_k = x_{k-1} - step g, g a subgradient at x_{k-1}."""

    def subgradient_step(x: Any, f: Any) -> Any:
        return x - step * f.subgradient(x)

    return Method(subgradient_step, name="subgradient")


def douglas_rachford(gamma: Any = 1, relaxation: Any = 1) -> Method:
    """x = J_{gamma B} w, y = J_{gamma A}(2x - w), w <- w + relaxation (y - x); the state's "x" is w."""

    def douglas_rachford_step(state: Any, A: Any, B: Any) -> Any:
        w = state["x"]
        x = B.prox(w, gamma)
        y = A.prox(2 * x - w, gamma)
        return {"x": w + relaxation * (y - x), "shadow": x, "y": y}

    return Method(douglas_rachford_step, lambda x0: {"x": x0}, "douglas_rachford")


def inexact_gradient(step: Any = 1, relative: Any = Fraction(1, 10)) -> Method:
    """Gradient steps whose gradients are wrong by a share of their length."""

    def inexact_gradient_step(x: Any, f: Any) -> Any:
        return x - step * f.inexact_gradient(x, relative=relative)

    return Method(inexact_gradient_step, name="inexact_gradient")


def halpern() -> Method:
    """x_k = x_0/(k+1) + k/(k+1) T(x_{k-1}); Halpern 1967, Lieder, Optim. Lett. 15 (2021)."""

    def halpern_step(state: Any, T: Any, k: int) -> Any:
        x, start = state
        return start / (k + 1) + Fraction(k, k + 1) * T(x), start

    return Method(halpern_step, lambda x0: (x0, x0), "halpern")


def krasnoselskii_mann(weight: Any = Fraction(1, 2)) -> Method:
    """x_k = (1 - weight) x_{k-1} + weight T(x_{k-1})."""

    def krasnoselskii_mann_step(x: Any, T: Any) -> Any:
        return (1 - Fraction(weight)) * x + weight * T(x)

    return Method(krasnoselskii_mann_step, name="krasnoselskii_mann")
