"""Function and operator classes: the inequalities that their points satisfy, and whether these say all there is.

A class is a list of laws. A law holds for every ordered pair of points, every pair, every point, or every pair with x*:

    [f_j - f_i] + slope <g_j, x_i - x_j> + alpha ||g_i - g_j||^2 + beta ||x_i - x_j||^2 + gamma <g_i - g_j, x_i - x_j>
        <= rhs,

where a single point counts as a pair with the origin. Where points that satisfy the laws are always those of a member
of the class (an interpolation theorem), worst cases are exact; else they are upper bounds (`tight`).

Sources: Taylor, Hendrickx, Glineur, Math. Program. 161 (2017), curvature; the same, SIAM J. Optim. 27 (2017), bounded
subgradients, indicators; Rotaru, Glineur, Patrinos, arXiv 2203.00775, curvature below 0; Ryu, Taylor, Bergeling,
Giselsson, SIAM J. Optim. 30 (2020), operators, and that the inequalities of two operator classes together are not
enough; Bousselmi, Hendrickx, Glineur, SIAM J. Optim. 34 (2024), arXiv 2302.08781, linear operators and quadratics;
Kirszbraun's theorem for Lipschitz maps; Goujaud, Taylor, Dieuleveut, arXiv 2205.15033, quadratic upper bounds;
Guille-Escuret, Ibrahim, Goujaud, Mitliagkas, NeurIPS 2022, restricted secant inequalities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ...errors import InputError
from .._setting import number

NONE, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class Law:
    """One kind of inequality of a class.

    `over`: "ordered", "pairs", "points", or with x* alone, "above x*" where j is x* and "below x*" where i is.
    """

    over: str
    values: bool = False
    slope: Fraction = NONE
    alpha: Fraction = NONE
    beta: Fraction = NONE
    gamma: Fraction = NONE
    rhs: Fraction = NONE


@dataclass(frozen=True)
class Linear:
    """A condition on all points at once: outputs are those of one matrix M with mu I <= M <= L I or ||M|| <= L.

    `form` is "general" (M and its transpose, ||M|| <= L), "skew" (M' = -M, ||M|| <= L) or "symmetric".
    """

    form: str
    L: Fraction
    mu: Fraction


@dataclass(frozen=True)
class Class:
    """A class of functions, of monotone operators, of maps (whose points x* are fixed), or of linear operators.

    `kind` is "function", "indicator", "operator", "map" or "linear". `numbers` are its parameters by name. `infimum` is
    1/(2L) where the laws allow a minimiser that is far away, with f_j - inf f >= infimum ||g_j||^2, else None. `linear`
    is the condition of classes that are made of matrices. `inside` is the name of the linear operator M where the
    question is about f(M x), None elsewhere.
    """

    name: str
    kind: str
    laws: tuple[Law, ...]
    numbers: tuple[tuple[str, Fraction], ...] = ()
    tight: bool = True
    infimum: Fraction | None = None
    linear: Linear | None = None
    inside: str | None = None

    def __str__(self) -> str:
        given = ", ".join(f"{name} = {value}" for name, value in self.numbers)
        words = f"{self.name}({given})" if given else self.name
        return words if self.inside is None else f"{words} of {self.inside} x"


def _positive(value: Any, name: str) -> Fraction:
    given = number(value, name)
    if given <= 0:
        raise InputError(f"{name}: expected > 0, got {float(given)}.")
    return given


def _curved(mu: Fraction, L: Fraction | None) -> Law:
    """Curvature from mu to L, L = None for infinity."""
    half = Fraction(1, 2)
    if L is None:
        return Law("ordered", True, ONE, beta=mu * half)
    rest = 1 / (2 * (L - mu))
    return Law("ordered", True, ONE, alpha=rest, beta=rest * mu * L, gamma=-2 * rest * mu)


def smooth_convex(L: Any = 1) -> Class:
    """Convex functions whose gradient is L-Lipschitz."""
    L = _positive(L, "L")
    return Class("smooth_convex", "function", (_curved(NONE, L),), (("L", L),), infimum=1 / (2 * L))


def smooth_strongly_convex(L: Any = 1, mu: Any = Fraction(1, 10)) -> Class:
    """mu-strongly convex functions whose gradient is L-Lipschitz, mu < L."""
    L, mu = _positive(L, "L"), _positive(mu, "mu")
    if mu >= L:
        raise InputError(f"mu: expected mu < L, got mu = {float(mu)} and L = {float(L)}.")
    return Class("smooth_strongly_convex", "function", (_curved(mu, L),), (("L", L), ("mu", mu)))


def smooth_nonconvex(L: Any = 1) -> Class:
    """Functions whose gradient is L-Lipschitz; they have an infimum, and no minimiser is a point of the run."""
    L = _positive(L, "L")
    return Class("smooth_nonconvex", "function", (_curved(-L, L),), (("L", L),), infimum=1 / (2 * L))


def convex() -> Class:
    """Closed convex proper functions."""
    return Class("convex", "function", (_curved(NONE, None),))


def strongly_convex(mu: Any) -> Class:
    """mu-strongly convex functions, smooth or not."""
    mu = _positive(mu, "mu")
    return Class("strongly_convex", "function", (_curved(mu, None),), (("mu", mu),))


def weakly_convex(rho: Any) -> Class:
    """Functions f for which f + rho/2 ||x||^2 is convex."""
    rho = _positive(rho, "rho")
    return Class("weakly_convex", "function", (_curved(-rho, None),), (("rho", rho),))


def quadratically_bounded(L: Any = 1) -> Class:
    """Convex functions with f(x) - f* <= L/2 ||x - x*||^2, smooth or not."""
    L = _positive(L, "L")
    laws = (_curved(NONE, None), Law("below x*", True, ONE, alpha=1 / (2 * L)))
    return Class("quadratically_bounded", "function", laws, (("L", L),))


def restricted_secant(L: Any = 1, mu: Any = Fraction(1, 10)) -> Class:
    """Functions with <g, x - x*> >= mu ||x - x*||^2 and ||g|| <= L ||x - x*||: answers are upper bounds."""
    L, mu = _positive(L, "L"), _positive(mu, "mu")
    if mu > L:
        raise InputError(f"mu: expected mu <= L, got mu = {float(mu)} and L = {float(L)}.")
    laws = (Law("above x*", beta=mu, gamma=-ONE), Law("above x*", alpha=ONE, beta=-L * L))
    return Class("restricted_secant", "function", laws, (("L", L), ("mu", mu)), tight=False)


def lojasiewicz(L: Any = 1, mu: Any = Fraction(1, 10)) -> Class:
    """L-smooth functions with f(x) - f* <= ||grad f(x)||^2/(2 mu) (Polyak, Lojasiewicz): answers are upper bounds."""
    L, mu = _positive(L, "L"), _positive(mu, "mu")
    if mu >= L:
        raise InputError(f"mu: expected mu < L, got mu = {float(mu)} and L = {float(L)}.")
    laws = (
        _curved(-L, L),
        Law("below x*", True, alpha=-1 / (2 * mu)),
        Law("above x*", True, alpha=1 / (2 * L)),
    )
    return Class("lojasiewicz", "function", laws, (("L", L), ("mu", mu)), tight=False)


def bounded_subgradients(M: Any = 1) -> Class:
    """Convex functions that are M-Lipschitz: no subgradient is longer than M."""
    M = _positive(M, "M")
    laws = (_curved(NONE, None), Law("points", alpha=ONE, rhs=M * M))
    return Class("bounded_subgradients", "function", laws, (("M", M),))


def indicator(diameter: Any = None) -> Class:
    """Indicators of closed convex sets, of at most that diameter where one is given."""
    laws: tuple[Law, ...] = (Law("ordered", slope=ONE),)
    if diameter is None:
        return Class("indicator", "indicator", laws)
    D = _positive(diameter, "diameter")
    return Class("indicator", "indicator", (*laws, Law("pairs", beta=ONE, rhs=D * D)), (("diameter", D),))


def monotone(mu: Any = 0) -> Class:
    """Maximally monotone operators, mu-strongly where mu > 0."""
    mu = number(mu, "mu")
    if mu < 0:
        raise InputError(f"mu: expected >= 0, got {float(mu)}.")
    return Class("monotone", "operator", (Law("pairs", beta=mu, gamma=-ONE),), (("mu", mu),))


def cocoercive(beta: Any = 1) -> Class:
    """beta-cocoercive operators: <Ax - Ay, x - y> >= beta ||Ax - Ay||^2."""
    beta = _positive(beta, "beta")
    return Class("cocoercive", "operator", (Law("pairs", alpha=beta, gamma=-ONE),), (("beta", beta),))


def lipschitz_monotone(L: Any = 1, mu: Any = 0) -> Class:
    """L-Lipschitz operators that are monotone, mu-strongly: no interpolation theorem, so answers are upper bounds."""
    L, mu = _positive(L, "L"), number(mu, "mu")
    if not 0 <= mu <= L:
        raise InputError(f"mu: expected 0 <= mu <= L, got mu = {float(mu)} and L = {float(L)}.")
    laws = (Law("pairs", beta=mu, gamma=-ONE), Law("pairs", alpha=ONE, beta=-L * L))
    return Class("lipschitz_monotone", "operator", laws, (("L", L), ("mu", mu)), tight=False)


def lipschitz_map(L: Any = 1) -> Class:
    """L-Lipschitz maps T with a fixed point, nonexpansive where L = 1."""
    L = _positive(L, "L")
    return Class("lipschitz_map", "map", (Law("pairs", alpha=ONE, beta=-L * L),), (("L", L),))


def quadratic(L: Any = 1, mu: Any = 0) -> Class:
    """Quadratic functions whose matrix Q has mu I <= Q <= L I."""
    L, mu = _positive(L, "L"), number(mu, "mu")
    if not 0 <= mu < L:
        raise InputError(f"mu: expected 0 <= mu < L, got mu = {float(mu)} and L = {float(L)}.")
    return Class("quadratic", "function", (), (("L", L), ("mu", mu)), linear=Linear("symmetric", L, mu))


def linear_operator(L: Any = 1) -> Class:
    """Linear operators M with ||M|| <= L: `M(x)` and `M.adjoint(u)`."""
    L = _positive(L, "L")
    return Class("linear_operator", "linear", (), (("L", L),), linear=Linear("general", L, -L))


def symmetric_operator(L: Any = 1, mu: Any = 0) -> Class:
    """Symmetric linear operators M with mu I <= M <= L I; mu may be below 0."""
    L, mu = _positive(L, "L"), number(mu, "mu")
    if mu >= L:
        raise InputError(f"mu: expected mu < L, got mu = {float(mu)} and L = {float(L)}.")
    return Class("symmetric_operator", "linear", (), (("L", L), ("mu", mu)), linear=Linear("symmetric", L, mu))


def skew_operator(L: Any = 1) -> Class:
    """Skew-symmetric linear operators M, M' = -M, with ||M|| <= L."""
    L = _positive(L, "L")
    return Class("skew_operator", "linear", (), (("L", L),), linear=Linear("skew", L, -L))


def composed(given: Class, operator: str) -> Class:
    """The functions of a class behind a linear operator of the question: F has the term f(M x).

    Args:
        given: The class of f, functions or indicators.
        operator: The name M in `function_class`.

    Returns:
        The class with `inside` set. The method asks f itself, at points such as M(x), and M.adjoint of its gradients.

    Raises:
        InputError: For operators and maps.
    """
    if given.kind not in ("function", "indicator"):
        raise InputError(f"composed: expected a class of functions or sets, got {given}.")
    return replace(given, inside=operator)


def transposed(name: str) -> str:
    """The name under which the points of the transpose of an operator are recorded."""
    return f"{name}.T"


def with_transposes(classes: Mapping[str, Class]) -> dict[str, Class]:
    """The classes, and beside each linear operator its transpose, whose points stand under a name of their own."""
    every = {}
    for name, given in classes.items():
        every[name] = given
        if given.kind == "linear":
            every[transposed(name)] = replace(given, linear=None)
    return every


CLASSES = {
    made.__name__: made
    for made in (
        smooth_convex,
        smooth_strongly_convex,
        smooth_nonconvex,
        convex,
        strongly_convex,
        weakly_convex,
        quadratically_bounded,
        restricted_secant,
        lojasiewicz,
        bounded_subgradients,
        indicator,
        monotone,
        cocoercive,
        lipschitz_monotone,
        lipschitz_map,
        quadratic,
        linear_operator,
        symmetric_operator,
        skew_operator,
    )
}
"""The classes by name."""
