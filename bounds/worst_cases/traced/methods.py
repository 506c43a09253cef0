"""Known methods as code, each a small function: what a user would write, and what tests and documentation use.

Numbers are those of the class: L of f, gamma of a prox. A method that needs the number of its steps beforehand (OGM,
OptISTA, silver steps) is made for it. Irrational numbers are doubles, and the worst case is that of the method with
these doubles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...errors import InputError
from .. import _methods
from .._setting import METHODS, number, setting
from .as_code import Method, called


def gradient(step: Any = 1) -> Method:
    """x_k = x_{k-1} - step grad f(x_{k-1}); a number, or a list with one for each step."""
    return Method(_methods.gradient(step), name="gradient")


def proximal_gradient(step: Any = 1) -> Method:
    """x_k = prox_{step r}(x_{k-1} - step grad f(x_{k-1})), also with a projection; a number, or a list of them."""
    return Method(_methods.gradient(step), name="proximal_gradient")


def heavy_ball(step: Any, momentum: Any) -> Method:
    """x_{k+1} = x_k - step grad f(x_k) + momentum (x_k - x_{k-1}); Polyak 1964. Numbers, or lists of them."""
    return Method(_methods.heavy_ball(step, momentum), _methods.start, "heavy_ball")


def go_math(step: Any, q: Any, b: Any) -> Method:
    """GO-Math-L2O with numbers for its heads, x_k = prox(x_{k-1} - step grad f - q v_{k-1}); q and b are lists."""
    return Method(_methods.go_math(step, list(zip(q, b))), _methods.start, "go_math")


def nesterov(step: Any = 1, momentum: Any = None) -> Method:
    """y_k = x_k + m_k (x_k - x_{k-1}), x_{k+1} = y_k - step grad f(y_k); m_k of `momentum` or (k - 1)/(k + 2)."""
    return Method(
        _methods.accelerated_gradient(step, _of_nesterov if momentum is None else momentum), _methods.start, "nesterov"
    )


def fista(step: Any = 1, momentum: Any = None) -> Method:
    """Nesterov's method with a prox, momentum as there; Beck and Teboulle, SIAM J. Imaging Sci. 2 (2009)."""
    return Method(
        _methods.accelerated_gradient(step, _of_nesterov if momentum is None else momentum), _methods.start, "fista"
    )


def accelerated_weights(steps: int) -> list[float]:
    """The momentum of Nesterov 1983 and of FISTA: (t_{k-1} - 1)/t_k, t_k = (1 + sqrt(1 + 4 t_{k-1}^2))/2, t_0 = 1."""
    return _methods.accelerated_weights(steps)


def built_in(method: str, steps: int, step: Any = 1, L: Any = 1, momentum: Any = None) -> Method:
    """A method that has a name in `worst_case` as the code that it is, with the numbers that it has there.

    Args:
        method: One of `METHODS`.
        steps: K, on which the momentum of accelerated_gradient does not depend.
        step: h of the step h/L (gamma of proximal_point), one number or a list with one for each step.
        L: Smoothness of f.
        momentum: beta of heavy_ball, (q, b) of go_math.

    Returns:
        The method. Errors of gradients are added by `inexact`.

    Raises:
        InputError: For an unknown method, and for numbers that it does not take.
    """
    kinds = METHODS.get(method)
    if kinds is None:
        raise InputError(f"method: expected one of {', '.join(METHODS)}, got {method!r}.")
    s = setting(kinds[0], 1, None, method, step, steps, "objective", "distance", None, None, momentum)
    lengths = s.step if method == "proximal_point" else [h / number(L, "L") for h in s.step]
    given = accelerated_weights(steps) if method == "accelerated_gradient" else s.momentum
    init = _methods.start if method in _methods.MOMENTUM else None
    return Method(_methods.with_lengths(method, lengths, given), init, method)


def _of_nesterov(k: int) -> Fraction:
    return Fraction(k - 1, k + 2)


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


def ogm_for_gradients(steps: int, L: Any = 1) -> Method:
    """OGM-G, optimal for the last gradient; Kim and Fessler, J. Optim. Theory Appl. 188 (2021)."""
    theta = [1.0]
    for k in reversed(range(steps)):
        theta.insert(0, (1 + math.sqrt(1 + (8 if k == 0 else 4) * theta[0] ** 2)) / 2)

    def ogm_for_gradients_step(state: Any, f: Any, k: int) -> Any:
        here, after = theta[k - 1], theta[k]
        y = state["x"] - f.gradient(state["x"]) / L
        share = (2 * after - 1) / (2 * here - 1)
        x = y + (here - 1) / here * share * (y - state["y"]) + share * (y - state["x"])
        return {"x": x, "y": y}

    return Method(ogm_for_gradients_step, lambda x0: {"x": x0, "y": x0}, "ogm_for_gradients")


def information_theoretic(steps: int, L: Any = 1, mu: Any = Fraction(1, 10)) -> Method:
    """ITEM, optimal for the distance; Taylor and Drori, Math. Program. 199 (2023). The state's "x" is their z."""
    q = float(mu / L)
    A = [0.0]
    for _ in range(steps):
        root = math.sqrt((1 + A[-1]) * (1 + q * A[-1]))
        A.append(((1 + q) * A[-1] + 2 * (1 + root)) / (1 - q) ** 2)

    def information_theoretic_step(state: Any, f: Any, k: int) -> Any:
        before, after, z = A[k - 1], A[k], state["x"]
        delta = ((1 - q) ** 2 * after - (1 + q) * before) / (2 * (1 + q + q * before))
        y = z + before / ((1 - q) * after) * (state["y"] - z)
        g = f.gradient(y)
        return {"x": z + q * delta * (y - z) - delta / L * g, "y": y - g / L}

    return Method(information_theoretic_step, lambda x0: {"x": x0, "y": x0}, "information_theoretic")


def triple_momentum(L: Any = 1, mu: Any = Fraction(1, 10)) -> Method:
    """The triple momentum method; Van Scoy, Freeman, Lynch, IEEE Control Syst. Lett. 2 (2018)."""
    rho = 1 - math.sqrt(mu / L)
    alpha, beta = (1 + rho) / L, rho**2 / (2 - rho)
    gamma, delta = rho**2 / ((1 + rho) * (2 - rho)), rho**2 / (1 - rho**2)

    def triple_momentum_step(state: Any, f: Any) -> Any:
        xi, before = state["xi"], state["before"]
        y = xi + gamma * (xi - before)
        after = xi + beta * (xi - before) - alpha * f.gradient(y)
        return {"x": after + delta * (after - xi), "xi": after, "before": xi}

    return Method(triple_momentum_step, lambda x0: {"x": x0, "xi": x0, "before": x0}, "triple_momentum")


def silver_steps(steps: int) -> list[float]:
    """h_1, ..., h_K of the silver schedule, 1 + rho^(v - 1), v the power of 2 in k; Altschuler and Parrilo 2023."""
    rho = 1 + math.sqrt(2)
    return [1 + rho ** ((k & -k).bit_length() - 2) for k in range(1, steps + 1)]


def proximal_point(gamma: Any = 1) -> Method:
    """x_k = prox_{gamma f}(x_{k-1}), or a resolvent; a number, or a list with one for each step."""
    return Method(_methods.proximal_point(gamma), name="proximal_point")


def accelerated_proximal_point(gamma: Any = 1) -> Method:
    """Kim's accelerated proximal point method for monotone operators, Math. Program. 190 (2021)."""

    def accelerated_proximal_point_step(state: Any, f: Any, k: int) -> Any:
        x = f.prox(state["y"], gamma)
        y = x + Fraction(k - 1, k + 1) * (x - state["x"] - state["x"] + state["z"])
        return {"x": x, "y": y, "z": state["y"]}

    return Method(accelerated_proximal_point_step, lambda x0: {"x": x0, "y": x0, "z": x0}, "accelerated_proximal_point")


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


def three_operators(gamma: Any = 1, relaxation: Any = 1) -> Method:
    """Douglas-Rachford with a forward step of C at x; Davis and Yin, Set-Valued Var. Anal. 25 (2017)."""

    def three_operators_step(state: Any, A: Any, B: Any, C: Any) -> Any:
        w = state["x"]
        x = B.prox(w, gamma)
        y = A.prox(2 * x - w - gamma * C.gradient(x), gamma)
        return {"x": w + relaxation * (y - x), "shadow": x, "y": y}

    return Method(three_operators_step, lambda x0: {"x": x0}, "three_operators")


@dataclass(frozen=True)
class _Inexact:
    """f whose gradients are wrong by a share of their length, or by a length."""

    f: Any
    relative: Any
    absolute: Any

    def gradient(self, x: Any) -> Any:
        """The wrong gradient."""
        return self.f.inexact_gradient(x, relative=self.relative, absolute=self.absolute)


def inexact(method: Method, relative: Any = None, absolute: Any = None) -> Method:
    """A method of f whose gradients are wrong by a share of their length, or by a length."""

    def inexact_step(state: Any, f: Any, k: int, **functions: Any) -> Any:
        return called(method.step, state, {**functions, "f": _Inexact(f, relative, absolute), "k": k}, method.title)

    return Method(inexact_step, method.init, f"inexact_{method.title}")


def inexact_gradient(step: Any = 1, relative: Any = None, absolute: Any = None) -> Method:
    """Gradient steps whose gradients are wrong by a share of their length, or by a length."""
    return inexact(gradient(step), relative, absolute)


def inexact_nesterov(step: Any = 1, relative: Any = Fraction(1, 10)) -> Method:
    """Nesterov's method whose gradients are wrong by a share of their length."""
    return inexact(nesterov(step), relative)


def relatively_inexact_proximal_point(gamma: Any = 1, relative: Any = Fraction(1, 10)) -> Method:
    """x_k = prox_{gamma f}(x_{k-1} + e), e at most a share of the step long; Rockafellar 1976."""

    def relatively_inexact_proximal_point_step(x: Any, f: Any, error: Any) -> Any:
        e = error.vector()
        after = f.prox(x + e, gamma)
        error.bounded(e, after - x, relative)
        return after

    return Method(relatively_inexact_proximal_point_step, name="relatively_inexact_proximal_point")


def partially_inexact_douglas_rachford(gamma: Any = 1, relative: Any = Fraction(1, 10)) -> Method:
    """Douglas-Rachford whose prox of f is inexact, prox_{gamma f}(z + e); Svaiter, SIAM J. Optim. 29 (2019)."""

    def partially_inexact_douglas_rachford_step(z: Any, f: Any, r: Any, error: Any) -> Any:
        e = error.vector()
        x = f.prox(z + e, gamma)
        slope = gamma * f.gradient(x)
        y = r.prox(x - slope, gamma)
        error.bounded(e, y - z + slope, relative)
        return z + y - x

    return Method(partially_inexact_douglas_rachford_step, name="partially_inexact_douglas_rachford")


def chambolle_pock(tau: Any = Fraction(1, 2), sigma: Any = 1) -> Method:
    """The method of Chambolle and Pock, J. Math. Imaging Vision 40 (2011), for f(x) + h(M x).

    x <- prox_{tau f}(x - tau M'u), u <- prox_{sigma h*}(u + sigma M(2 x_k - x_{k-1})). The prox of the conjugate h* is
    that of h by Moreau's identity.

    Args:
        tau: The step of x.
        sigma: The step of u.

    Returns:
        The method; x_0 is its first start, u_0 the second.
    """
    return _primal_dual(tau, sigma, False)


def condat_vu(tau: Any = Fraction(1, 2), sigma: Any = Fraction(1, 2)) -> Method:
    """`chambolle_pock` for g(x) + f(x) + h(M x) with a gradient step of g; Condat 2013, Vu 2013."""
    return _primal_dual(tau, sigma, True)


def _primal_dual(tau: Any, sigma: Any, smooth: bool) -> Method:
    def advanced(state: Any, slope: Any, f: Any, h: Any, M: Any) -> Any:
        x = f.prox(state["x"] - tau * slope - tau * M.adjoint(state["u"]), tau)
        w = state["u"] + sigma * M(2 * x - state["x"])
        return {"x": x, "u": w - sigma * h.prox(w / sigma, 1 / Fraction(sigma))}

    def chambolle_pock_step(state: Any, f: Any, h: Any, M: Any) -> Any:
        return advanced(state, 0 * state["x"], f, h, M)

    def condat_vu_step(state: Any, g: Any, f: Any, h: Any, M: Any) -> Any:
        return advanced(state, g.gradient(state["x"]), f, h, M)

    step = condat_vu_step if smooth else chambolle_pock_step
    return Method(step, lambda x0, x1: {"x": x0, "u": x1}, step.__name__.removesuffix("_step"))


def admm(rho: Any = 1) -> Method:
    """The alternating direction method of multipliers for f(x) + r(z), x = z; Gabay and Mercier 1976.

    x = prox_{f/rho}(z - w), z = prox_{r/rho}(x + w), w <- w + x - z, from z = prox_{r/rho}(x_0) and w = x_0 - z.

    Args:
        rho: The penalty.

    Returns:
        The method; its multipliers are rho w.
    """
    length = 1 / Fraction(rho)

    def admm_step(state: Any, f: Any, r: Any) -> Any:
        x = f.prox(state["z"] - state["w"], length)
        z = r.prox(x + state["w"], length)
        return {"x": x, "z": z, "w": state["w"] + x - z}

    def start(x0: Any, r: Any) -> Any:
        z = r.prox(x0, length)
        return {"x": x0, "z": z, "w": x0 - z}

    return Method(admm_step, start, "admm")


def optimistic_gradient(step: Any = Fraction(1, 4)) -> Method:
    """The projected optimistic gradient method for A and a set r; Popov 1980."""

    def optimistic_gradient_step(state: Any, A: Any, r: Any) -> Any:
        ahead = r.prox(state["base"] - step * state["slope"], step)
        slope = A(ahead)
        return {"x": ahead, "base": ahead + step * (state["slope"] - slope), "slope": slope}

    def start(x0: Any, A: Any, r: Any) -> Any:
        x = r.prox(x0, step)
        return {"x": x, "base": x, "slope": A(x), "start": x0}

    return Method(optimistic_gradient_step, start, "optimistic_gradient")


def halpern() -> Method:
    """x_k = x_0/(k+1) + k/(k+1) T(x_{k-1}); Halpern 1967, Lieder, Optim. Lett. 15 (2021)."""

    def halpern_step(state: Any, T: Any, k: int) -> Any:
        x, start = state
        return start / (k + 1) + Fraction(k, k + 1) * T(x), start

    return Method(halpern_step, lambda x0: (x0, x0), "halpern")


def contractive_halpern(steps: int, factor: Any = Fraction(11, 10)) -> Method:
    """Halpern's method for maps that shorten by `factor`; Park and Ryu, ICML 2022."""
    total, sums = Fraction(1), [Fraction(1)]
    for k in range(1, steps + 1):
        total += Fraction(factor) ** (2 * k)
        sums.append(total)

    def contractive_halpern_step(state: Any, T: Any, k: int) -> Any:
        x, start = state
        return T(x) + (start - T(x)) / sums[k], start

    return Method(contractive_halpern_step, lambda x0: (x0, x0), "contractive_halpern")


def krasnoselskii_mann(weight: Any = Fraction(1, 2)) -> Method:
    """x_k = (1 - weight) x_{k-1} + weight T(x_{k-1})."""

    def krasnoselskii_mann_step(x: Any, T: Any) -> Any:
        return (1 - Fraction(weight)) * x + weight * T(x)

    return Method(krasnoselskii_mann_step, name="krasnoselskii_mann")


def frank_wolfe() -> Method:
    """x_k = x_{k-1} + 2/(k+1) (y - x_{k-1}), y the minimiser of <grad f(x_{k-1}), .> over a set; Jaggi 2013."""

    def frank_wolfe_step(x: Any, f: Any, r: Any, k: int) -> Any:
        return x + Fraction(2, k + 1) * (r.linear_minimiser(f.gradient(x)) - x)

    def start(x0: Any, r: Any) -> Any:
        r.contains(x0)
        return x0

    return Method(frank_wolfe_step, start, "frank_wolfe")


def twice(method: Method) -> Method:
    """Two runs of a method, from x0 and x1, for its contraction over steps: states have "x" and "other"."""

    def start(x0: Any, x1: Any, **functions: Any) -> Any:
        return {"x": x0, "other": x1, "states": tuple(_first(method, x, functions) for x in (x0, x1))}

    def twice_step(state: Any, k: int, **functions: Any) -> Any:
        given = {**functions, "k": k}
        one, other = (called(method.step, part, given, method.title) for part in state["states"])
        return {"x": position(one), "other": position(other), "states": (one, other)}

    return Method(twice_step, start, f"two runs of {method.title}")


def position(state: Any) -> Any:
    """The iterate of a state, of symbols or numbers."""
    if isinstance(state, Mapping):
        return state["x"]
    return state[0] if isinstance(state, tuple) else getattr(state, "x", state)


def _first(method: Method, x: Any, functions: Any) -> Any:
    return x if method.init is None else called(method.init, x, functions, method.title)
