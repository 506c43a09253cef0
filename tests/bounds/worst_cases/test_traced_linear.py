"""Linear operators and quadratic functions: known values, matrices of instances, and a checker that refuses others."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds import InputError
from l2obound.bounds.worst_cases import Method, checker_lyapunov, classes, lyapunov, methods, replayed
from l2obound.bounds.worst_cases._conic import solve
from l2obound.bounds.worst_cases._rigour import factor
from l2obound.bounds.worst_cases.checker_traced import Wrong, check
from l2obound.bounds.worst_cases.traced import Inequalities, TracedWorstCase, _matrices, traced_setting
from l2obound.bounds.worst_cases.traced._linear import matrix_of
from l2obound.bounds.worst_cases.traced._matrices import Maker
from l2obound.bounds.worst_cases.traced.classes import Linear
from tests.helpers.tampering import retold

MU = Fraction(1, 10)
ONE = Fraction(1)


def chain_rule(x: Any, g: Any, M: Any) -> Any:
    return x - M.adjoint(g.gradient(M(x)))


def behind(operator: classes.Class, inner: classes.Class | None = None) -> dict[str, classes.Class]:
    return {"g": classes.composed(inner or classes.smooth_convex(1), "M"), "M": operator}


def primal_dual(method: Method, tau: Fraction, sigma: Fraction, L: Any, **more: classes.Class) -> dict[str, Any]:
    """The residual of a primal-dual step in the norm of the method, from a distance of 1 in that norm."""

    def size(run: Any, dx: Any, du: Any, dv: Any) -> Any:
        return dx**2 / tau - 2 * dx @ dv + du**2 / sigma

    def residual(run: Any) -> Any:
        a, b = run.states[-1], run.states[-2]
        return size(run, a["x"] - b["x"], a["u"] - b["u"], run.M.adjoint(a["u"]) - run.M.adjoint(b["u"]))

    def start(run: Any) -> Any:
        state, u = run.states[0], run.h.gradient(run.M(run.star))
        return size(run, state["x"] - run.star, state["u"] - u, run.M.adjoint(state["u"]) - run.M.adjoint(u))

    terms = {"f": classes.convex(), "h": classes.composed(classes.convex(), "M"), "M": classes.linear_operator(L)}
    return {"method": method, "function_class": {**more, **terms}, "metric": residual, "initial": start}


HALF = Fraction(1, 2)
QUESTIONS: dict[str, tuple[dict[str, Any], float]] = {
    # a step is a proximal point step in its norm: Gu and Yang, SIAM J. Optim. 30 (2020), (1 - 1/K)^(K-1)/K
    "Chambolle-Pock": ({**primal_dual(methods.chambolle_pock(HALF, 1), HALF, ONE, 1), "steps": 1}, 1.0),
    "alternating directions": (
        {
            "method": methods.admm(2),
            "function_class": {"f": classes.convex(), "r": classes.convex()},
            "steps": 2,
            "metric": lambda run: (run.states[-1]["x"] - run.states[-2]["z"]) ** 2,
            "initial": lambda run: (run.x[0] - run.star - run.r.gradient(run.star) / 2) ** 2,
        },
        1 / 4,
    ),
    # f(M x) with ||M|| <= 2 is 4-smooth
    "chain rule": (
        {
            "method": Method(lambda x, g, M: x - M.adjoint(g.gradient(M(x))) / 4),
            "function_class": behind(classes.linear_operator(2)),
            "steps": 1,
        },
        4 / 6,
    ),
    "quadratic": ({"method": methods.gradient(), "function_class": classes.quadratic(1), "steps": 1}, 2 / 27),
    "quadratic of size 100": (
        {"method": methods.gradient(MU**2), "function_class": classes.quadratic(100), "steps": 1},
        200 / 27,
    ),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, TracedWorstCase]:
    return {}


def answer(name: str, answers: dict[str, TracedWorstCase]) -> TracedWorstCase:
    if name not in answers:
        answers[name] = bounds.worst_case(**QUESTIONS[name][0])
    return answers[name]


@pytest.mark.parametrize("name", QUESTIONS)
def test_known_values_are_closed_and_replayed(name: str, answers: dict[str, TracedWorstCase]) -> None:
    worst, (question, expected) = answer(name, answers), QUESTIONS[name]
    assert abs(worst.value - expected) <= 1e-6 * expected
    assert worst.closed
    method, data = question["method"], json.loads(json.dumps(worst.certificate().data))
    assert check(data, method.step, method.init) == worst.certificate().tau
    assert abs(replayed(worst)[1] - worst.lower) <= 1e-9 * expected


@pytest.mark.slow
@pytest.mark.parametrize("K", [2, 3])
def test_chambolle_pock_over_more_steps(K: int) -> None:
    question = primal_dual(methods.chambolle_pock(HALF, 1), HALF, ONE, 1)
    worst = bounds.worst_case(**question, steps=K)
    expected = (1 - 1 / K) ** (K - 1) / K
    assert worst.closed
    assert abs(worst.value - expected) <= 1e-6 * expected
    assert check(worst.certificate().data, question["method"].step, question["method"].init)


@pytest.mark.slow
def test_a_smooth_term_makes_the_residual_larger() -> None:
    more = {"g": classes.smooth_convex(1)}
    worst = bounds.worst_case(**primal_dual(methods.condat_vu(HALF, HALF), HALF, HALF, 1, **more), steps=1)
    assert worst.closed
    assert worst.lower > 1.1  # 9/8; Chambolle-Pock has 1


def test_one_matrix_makes_the_instance(answers: dict[str, TracedWorstCase]) -> None:
    made = answer("chain rule", answers).instance
    x, y, u, v = (made[name] for name in ("M_x", "M_g", "M.T_x", "M.T_g"))
    M = matrix_of(Linear("general", Fraction(2), Fraction(-2)), x, y, u, v)
    np.testing.assert_allclose(x @ M.T, y, atol=1e-7)
    np.testing.assert_allclose(u @ M, v, atol=1e-7)
    assert np.linalg.norm(M, 2) <= 2 * (1 + 1e-12)


@pytest.mark.parametrize("form", ["general", "symmetric", "skew"])
@pytest.mark.parametrize("seed", range(4))
def test_a_matrix_is_completed_within_its_norm(form: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    d, L, mu = 6, 2.0, -0.5 if form == "symmetric" else -2.0
    M = draw.normal(size=(d, d))
    if form == "symmetric":
        values = draw.uniform(mu, L, d)
        values[:2] = L, mu  # both ends are attained
        turn = np.linalg.qr(M)[0]
        M = turn @ np.diag(values) @ turn.T
    else:
        M = M if form == "general" else M - M.T
        M = L * M / np.linalg.norm(M, 2)
    x, u = draw.normal(size=(2, d)), draw.normal(size=(2 if form == "general" else 0, d))
    linear = Linear(form, Fraction(L), Fraction(mu))
    made = matrix_of(linear, x, x @ M.T, u, u @ M)
    np.testing.assert_allclose(x @ made.T, x @ M.T, atol=1e-6)
    np.testing.assert_allclose(u @ made, u @ M, atol=1e-6)
    if form == "symmetric":
        ends = np.linalg.eigvalsh(made)
        assert mu - 1e-9 <= ends[0] <= ends[-1] <= L + 1e-9
    else:
        assert np.linalg.norm(made, 2) <= L + 1e-9
    # longer outputs are those of no member
    longer = matrix_of(linear, x, 3 * L * x, u, u @ M)
    assert np.abs(x @ longer.T - 3 * L * x).max() > 0.1


def test_lower_ends_are_not_shown_by_a_matrix_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (classes.quadratic(1), classes.linear_operator(1)):
        quadratic = one.kind == "function"
        method = methods.gradient() if quadratic else Method(chain_rule)
        worst = bounds.worst_case(method=method, function_class=one if quadratic else behind(one), steps=1)
        inner = solve(worst._conic, 1e-6, 1e-6)
        maker, basis = Maker(worst.traced), factor(inner.grams[0], 1e-7)
        assert maker.made(basis, inner.values) is not None
        monkeypatch.setattr(_matrices, "SHRINK", 4.0)
        assert maker.made(basis, inner.values) is None
        monkeypatch.undo()


def test_a_prox_of_a_quadratic_function_is_bounded_from_above_only() -> None:
    worst = bounds.worst_case(
        method=methods.proximal_point(1), function_class=classes.quadratic(1, MU), steps=1, metric="distance"
    )
    assert abs(worst.upper - 1.1**-2) <= 1e-6
    assert not worst.closed


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"function_class": {"g": classes.smooth_convex(1), "M": classes.linear_operator(1)}}, "expected in one term"),
        ({"function_class": {"g": classes.composed(classes.smooth_convex(1), "N")}}, "composed with 'N'"),
        (
            {"function_class": behind(classes.linear_operator(1), classes.indicator()), "metric": "distance"},
            "cannot be moved to 0",
        ),
    ],
)
def test_operators_without_a_meaning(question: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        bounds.worst_case(**{"method": Method(chain_rule), "steps": 1, **question})


def test_classes_without_a_meaning() -> None:
    for made, words in (
        (lambda: classes.quadratic(1, 1), "mu < L"),
        (lambda: classes.quadratic(1, -1), "mu < L"),
        (lambda: classes.linear_operator(0), "L: expected > 0"),
        (lambda: classes.symmetric_operator(1, 2), "mu < L"),
        (lambda: classes.skew_operator(-1), "L: expected > 0"),
        (lambda: classes.composed(classes.monotone(), "M"), "functions or sets"),
    ):
        with pytest.raises(InputError, match=words):
            made()
    with pytest.raises(InputError, match="whose conditions are on all points"):
        lyapunov(methods.gradient(1), classes.quadratic(1, MU))
    question = traced_setting(methods.gradient(), classes.quadratic(1), 1, None, 1, "objective", "distance")
    with pytest.raises(InputError, match="only worst_case knows"):
        Inequalities(question)


def point(data: dict[str, Any], function: str, label: str) -> dict[str, Any]:
    return next(p for p in data["points"] if (p["function"], p["label"]) == (function, label))


def multiplier(data: dict[str, Any], *name: str) -> list[str]:
    return next(m for m in data["multipliers"] if tuple(m[:-1]) == name)


def test_every_part_of_an_operator_is_checked(answers: dict[str, TracedWorstCase]) -> None:
    data = dict(answer("chain rule", answers).certificate().data)
    for change, words in (
        (lambda c: multiplier(c, "square", "M", "0", "0").__setitem__(-1, "-1"), "semidefinite"),
        (lambda c: c["multipliers"].remove(multiplier(c, "square", "M", "1", "1")), "semidefinite"),
        (lambda c: c["multipliers"].remove(multiplier(c, "adjoint", "M", "0", "T0")), "semidefinite"),
        (lambda c: c["multipliers"].remove(multiplier(c, "adjoint", "M", "1", "*")), "semidefinite"),
        (lambda c: c["functions"]["M"].update(L="3"), "semidefinite"),
        (lambda c: c["functions"]["M"].update({"class": "skew_operator"}), "no inequality|semidefinite"),
        (lambda c: c["functions"]["M"].update({"class": "symmetric_operator", "mu": "2"}), "not below L"),
        (lambda c: c["functions"]["g"].pop("inside"), "belong together"),
        (lambda c: point(c, "g", "*").update(x={"x*": "1"}), "elsewhere"),
        (lambda c: point(c, "M.T", "*").update(x={"x*": "1"}), "transpose is not applied"),
        (lambda c: point(c, "M.T", "*").update(g={"x*": "1"}), "do not add up"),
        (lambda c: c["points"].remove(point(c, "M", "*")), "without a point at x|not a certificate"),
        (lambda c: point(c, "M", "0").update(x={"x0": "2"}), "semidefinite"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted where it should say {words}: {check(retold(data, change))}")


def test_what_is_at_the_minimiser_is_no_choice(answers: dict[str, TracedWorstCase]) -> None:
    data = dict(answer("chain rule", answers).certificate().data)

    def with_a_function(c: dict[str, Any]) -> None:
        c["functions"]["M.T"] = {"class": "convex"}

    def flat(c: dict[str, Any]) -> None:
        point(c, "M", "*").update(g={})
        point(c, "g", "*").update(x={})

    for change, words in (
        (flat, "M has at x. is not its own"),
        (with_a_function, "whose name is no name"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted where it should say {words}: {check(retold(data, change))}")
    composite = bounds.worst_case(method=methods.proximal_gradient(), function_class="composite", steps=1)
    data = dict(composite.certificate().data)

    def both_stationary(c: dict[str, Any]) -> None:
        for function in "fr":
            point(c, function, "*").update(g={})

    for change, words in (
        (both_stationary, "f, r have at x. is not their own"),
        (lambda c: c["points"].remove(point(c, "r", "*")), "of some functions and not of others"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted where it should say {words}: {check(retold(data, change))}")


def test_a_rate_has_no_multipliers_of_matrices() -> None:
    data = copy.deepcopy(dict(lyapunov(methods.gradient(1), mu=MU, rate=Fraction(9, 10)).data))
    data["functions"]["f"]["class"] = "quadratic"
    data["decrease"] = [["square", "f", "0", "1", "1"]]
    data["digest"] = checker_lyapunov.digest(data)
    with pytest.raises(Wrong, match="which has no rate"):
        checker_lyapunov.check(data)


def test_the_checker_wants_the_same_operators(answers: dict[str, TracedWorstCase]) -> None:
    data = answer("chain rule", answers).certificate().data
    assert check(data, QUESTIONS["chain rule"][0]["method"].step)
    for other in (
        lambda x, g, M: x - M.adjoint(g.gradient(M(x))),
        lambda x, g, M: x - M(g.gradient(M.adjoint(x))) / 4,
        lambda x, g, M: x - M.adjoint(g.gradient(M(x) / 2)) / 4,
    ):
        with pytest.raises(Wrong, match=r"elsewhere|not its own"):
            check(data, other)


def test_every_part_of_a_quadratic_function_is_checked(answers: dict[str, TracedWorstCase]) -> None:
    data = dict(answer("quadratic", answers).certificate().data)
    for change, words in (
        (lambda c: multiplier(c, "square", "f", "0", "0").__setitem__(-1, "-1"), "semidefinite"),
        (lambda c: c["multipliers"].remove(multiplier(c, "level", "f", "1")), "do not cancel"),
        (lambda c: multiplier(c, "level", "f", "1").__setitem__(-1, "2"), "do not cancel"),
        (lambda c: c["functions"]["f"].update(L="2"), "semidefinite"),
        (lambda c: c["functions"]["f"].update(mu="1"), "not below L"),
        (lambda c: c["functions"]["f"].update({"class": "linear_operator"}), "its numbers|belong together|not a cert"),
        (lambda c: c["points"].remove(point(c, "f", "*")), "without its reference|no inequality|do not cancel|semid"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted where it should say {words}: {check(retold(data, change))}")
    assert any(name[0] in ("square", "adjoint") and Fraction(w) < 0 for *name, w in data["multipliers"])
