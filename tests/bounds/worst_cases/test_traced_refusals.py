"""What a traced method may not do, and what a checker of its certificates refuses."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from l2obound import bounds
from l2obound.bounds import InputError
from l2obound.bounds.worst_cases import Method, checker_traced, classes, methods, replayed
from l2obound.bounds.worst_cases._conic import solve
from l2obound.bounds.worst_cases._rigour import factor
from l2obound.bounds.worst_cases.checker_traced import Wrong, check, digest
from l2obound.bounds.worst_cases.traced._forms import TracedForms
from l2obound.bounds.worst_cases.traced._shown import TracedSearch

NOT_LINEAR: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "product": (lambda x, f: x * f.gradient(x), r"vector \* vector"),
    "square": (lambda x, f: x - x * f.gradient(x) ** 2, "a vector times a value"),
    "division": (lambda x, f: x / f.value(x), "division of a vector by a value"),
    "reciprocal": (lambda x, f: x - 1 / f.gradient(x), "division by the value"),
    "power": (lambda x, f: x**3, r"a vector \*\* 3"),
    "condition": (lambda x, f: x if f.gradient(x) else -x, "a condition"),
    "comparison": (lambda x, f: x if f.value(x) > 0 else -x, "a comparison"),
    "abs": (lambda x, f: abs(x), "abs of a vector"),
    "entry": (lambda x, f: x[0], r"an entry \[0\]"),
    "numpy": (lambda x, f: np.sign(x), r"np\.sign"),
    "sqrt": (lambda x, f: x - math.sqrt(f.value(x)) * x, "float of a value"),
    "number": (lambda x, f: x + 1, "the sum of a vector and int 1"),
    "values": (lambda x, f: x - f.value(x) * f.value(x) * x, "a value times"),
}


@pytest.mark.parametrize("name", NOT_LINEAR)
def test_an_operation_that_is_not_linear_is_named(name: str) -> None:
    step, words = NOT_LINEAR[name]
    with pytest.raises(InputError, match=words):
        bounds.worst_case(method=lambda x, f: step(x, f), steps=1)


def test_numpy_numbers_are_numbers() -> None:
    for step in (np.float64(0.5), np.float32(0.5), np.int64(1), 0.5, Fraction(1, 2)):
        worst = bounds.worst_case(method=lambda x, f, step=step: x - step * f.gradient(x), steps=1)
        assert worst.certificate().tau == 1 / (4 * Fraction(float(step)) + 2)
    worst = bounds.worst_case(method=lambda x, f: x - np.multiply(0.5, f.gradient(x)), steps=1)
    assert worst.certificate().tau == Fraction(1, 4)


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ({"method": lambda x, g: x}, "asks for 'g'"),
        ({"method": lambda x: 3}, "expected a state that is a vector"),
        ({"method": lambda x: x, "steps": 0}, "K >= 1"),
        ({"method": lambda x, f: x - f.prox(x, -1)}, "gamma > 0"),
        ({"method": lambda x, f: x - f.gradient(3)}, "expected a vector of the run"),
        ({"method": lambda x, f: x - f.project(x)}, "has none"),
        ({"method": lambda x, f: x, "step": 0.5}, "in the code"),
        ({"method": lambda x, f: x, "momentum": 0.5}, "in the code"),
        ({"method": lambda x, f: x, "metric": "objectives"}, "did you mean 'objective'"),
        ({"method": lambda x, f: x, "function_class": "smoth"}, "expected a name"),
        ({"method": lambda x, f: x, "function_class": {"k": classes.convex()}}, "expected names of functions"),
        ({"method": lambda x, f: x, "function_class": {}}, "at least one function"),
        ({"method": lambda x, f: x, "function_class": {"f": "convex"}}, "expected a class"),
        ({"method": lambda x, f: x, "metric": lambda run: run.F(run.x[-1])}, "subtract"),
        ({"method": lambda x, f: x, "metric": lambda run: run.F(run.x[-1]) - run.F_star + 1}, "has the number 1"),
        ({"method": lambda x, f: x, "metric": lambda run: run.x[-1]}, "expected values and inner products"),
        ({"method": lambda x, f: x, "metric": lambda run: run.h(run.x[-1])}, "the functions f"),
        ({"method": lambda x, f: x, "metric": "distance", "function_class": "smooth_nonconvex"}, "no minimiser"),
        ({"method": lambda x, f: f.gradient((1 + 0.1) * x - 0.1000000001 * x)}, "by rounding"),
        ({"method": lambda x, f: x - f.inexact_gradient(x)}, "one of relative and absolute"),
        ({"method": lambda x, f: x - f.inexact_gradient(x, relative=-1)}, "an error >= 0"),
        ({"method": lambda x, f: x - x / 0}, "divided by 0"),
    ],
)
def test_questions_without_a_meaning(question: dict[str, Any], words: str) -> None:
    with pytest.raises((InputError, AttributeError), match=words):
        bounds.worst_case(**{"steps": 1, **question})


def test_classes_without_a_meaning() -> None:
    for made, words in (
        (lambda: classes.smooth_convex(0), "L: expected > 0"),
        (lambda: classes.smooth_strongly_convex(1, 1), "mu < L"),
        (lambda: classes.monotone(-1), "mu: expected >= 0"),
        (lambda: classes.lipschitz_monotone(1, 2), "0 <= mu <= L"),
        (lambda: classes.indicator(0), "diameter: expected > 0"),
    ):
        with pytest.raises(InputError, match=words):
            made()


def test_membership_in_a_set_is_not_guessed() -> None:
    with pytest.raises(InputError, match="lies in the set"):
        bounds.worst_case(
            method=lambda x, f, r: x - f.gradient(x),
            function_class={"f": classes.smooth_convex(), "r": classes.indicator()},
            steps=1,
        )


def test_code_that_changes_between_its_runs_is_noticed() -> None:
    calls = []

    def step(x: Any, f: Any) -> Any:
        calls.append(1)
        return x - (1 if len(calls) <= 2 else 0.5) * f.gradient(x)

    worst = bounds.worst_case(method=step, steps=2)
    with pytest.raises(InputError, match="not the method that was traced"):
        replayed(worst)
    with pytest.raises(Wrong, match="asks f elsewhere"):
        check(worst.certificate().data, step)


@pytest.fixture(scope="module")
def proof() -> dict[str, Any]:
    worst = bounds.worst_case(method=methods.proximal_gradient(Fraction(1, 2)), function_class="composite", steps=2)
    data = worst.certificate().data
    assert data["exact"]
    return dict(data)


def retold(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    new = {**copy.deepcopy(data), **changes}
    new["digest"] = digest(new)
    return new


def test_every_part_of_a_certificate_is_checked(proof: dict[str, Any]) -> None:
    code = methods.proximal_gradient(Fraction(1, 2)).step
    assert check(proof, code) == Fraction(1, 4)

    def changed(part: str, at: Any, key: Any, value: Any) -> dict[str, Any]:
        entries = copy.deepcopy(proof[part])
        (entries if at is None else entries[at])[key] = value
        return retold(proof, **{part: entries})

    f0 = next(i for i, p in enumerate(proof["points"]) if (p["function"], p["label"]) == ("f", "0"))
    star = next(i for i, p in enumerate(proof["points"]) if (p["function"], p["label"]) == ("r", "*"))
    fewer = [m for m in proof["multipliers"] if m[0] != "f"]
    negative = [[*m[:-1], "-" + m[-1]] if m[0] == "r" else m for m in proof["multipliers"]]
    vectors = {**proof["witness"]["vectors"], "x0": "2"}
    for wrong, words in (
        ({**proof, "tau": "1/5"}, "digest"),
        (retold(proof, tau="1/5"), "prove 1/4"),
        (retold(proof, multipliers=fewer), "do not cancel"),
        (retold(proof, multipliers=negative), "negative"),
        (retold(proof, multipliers=[*proof["multipliers"], proof["multipliers"][0]]), "twice"),
        (retold(proof, multipliers=[*proof["multipliers"], ["f", "7", "8", "1"]]), "no inequality"),
        (changed("functions", "f", "L", "4"), "not positive semidefinite|breaks"),
        (changed("functions", "f", "class", "convex"), "its numbers"),
        (changed("points", f0, "x", {"x0": "1/2"}), "positive semidefinite|breaks"),
        (changed("points", star, "g", {}), "do not add up"),
        (retold(proof, inequalities=[{**proof["inequalities"][0], "right": "2"}]), "prove 1/2"),
        (retold(proof, inequalities=[{**proof["inequalities"][0], "name": ["other"]}]), "no source"),
        (retold(proof, upper_bound_only=True), "upper bound"),
        (retold(proof, exact=1), "neither true nor false"),
        (retold(proof, witness={**proof["witness"], "vectors": vectors}), "breaks"),
        (retold(proof, extra=1), "entries"),
        (retold(proof, format="other"), "format"),
        (retold(proof, tau=0.25), "not a fraction"),
        ({}, "not a certificate"),
    ):
        with pytest.raises(Wrong, match=words):
            pytest.fail(f"accepted where it should say {words}: {check(wrong)}")


def test_the_checker_wants_the_same_method(proof: dict[str, Any]) -> None:
    with pytest.raises(Wrong, match="elsewhere"):
        check(proof, methods.proximal_gradient(1).step)
    with pytest.raises(Wrong, match="elsewhere"):
        check(proof, methods.fista(Fraction(1, 2), Fraction(1, 2)).step, methods.fista().init)
    with pytest.raises(Wrong, match="the metric is not distance"):
        check(retold(proof, metric_name="distance"), methods.proximal_gradient(Fraction(1, 2)).step)
    with pytest.raises(Wrong, match="the start is not residual"):
        check(retold(proof, initial_name="residual"), methods.proximal_gradient(Fraction(1, 2)).step)
    inexact = methods.inexact_gradient(1, Fraction(1, 10))
    data = bounds.worst_case(method=inexact, steps=1).certificate().data
    assert check(data, inexact.step) > 0
    with pytest.raises(Wrong, match="another error"):
        check(data, methods.inexact_gradient(1, Fraction(1, 20)).step)


def test_the_checker_reads_numbers_as_the_engine_does() -> None:
    for step in (0.1, 1 / 3, math.sqrt(2), 1e-3):
        code = methods.gradient(step)
        worst = bounds.worst_case(method=code, steps=2)
        assert check(worst.certificate().data, code.step) == worst.certificate().tau


def test_ends_are_not_shown_by_anything() -> None:
    worst = bounds.worst_case(method=methods.gradient(), steps=2)
    search = TracedSearch(worst.traced, worst._conic, worst._solution, 1e-7)
    forms = TracedForms(worst.traced)
    good = worst.envelope.multipliers
    assert forms.balanced(good) == good
    # less of the initial condition leaves a matrix that is not positive semidefinite
    less = np.array([float(good.get(name, 0)) * (0.9 if name == ("initial",) else 1) for name in worst._conic.names])
    assert search.shown_upper(worst._conic, less) is None
    # multipliers that can only balance with one below 0
    assert forms.balanced({("f", "2", "*"): Fraction(5)}) is None
    inner = solve(worst._conic, 1e-6, 1e-6)
    basis, values = search.placed(factor(inner.grams[0]), inner.values)
    assert search.certified(basis, values) is not None
    assert search.certified(basis * 1.001, values * 1.001**2) is None
    assert search.certified(basis * 0.999, values * 1.001) is None


def test_a_method_with_a_state_of_its_own() -> None:
    class State:
        def __init__(self, x: Any) -> None:
            self.x = x

    code = Method(lambda state, f: State(state.x - f.gradient(state.x)), State)
    worst = bounds.worst_case(method=code, steps=1)
    assert worst.certificate().tau == Fraction(1, 6)
    assert replayed(worst)[1] == pytest.approx(1 / 6)
    assert checker_traced.check(worst.certificate().data, code.step, code.init) == Fraction(1, 6)


def test_ends_that_contradict_each_other_are_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    worst = bounds.worst_case(method=methods.gradient(), steps=1)
    monkeypatch.setattr(TracedSearch, "shown_upper", lambda *_: (Fraction(1, 10), {}))
    with pytest.raises(bounds.DefectError, match="a defect of this package"):
        _ = worst.upper


class Counted:
    """A state with a list, or with a position that is set."""

    def __init__(self, x: Any, steps: list[int]) -> None:
        self.x, self.steps = x, steps


def sets_an_entry(state: Any, f: Any) -> Any:
    state["x"] = state["x"] - f.gradient(state["x"])
    return state


def sets_an_attribute(state: Any, f: Any) -> Any:
    state.x = state.x - f.gradient(state.x)
    return state


def appends(state: Any, f: Any) -> Any:
    state.steps.append(1)
    return Counted(state.x - f.gradient(state.x), state.steps)


class Slots:
    """A state without a dictionary."""

    __slots__ = ("x",)

    def __init__(self, x: Any) -> None:
        self.x = x


def sets_in_an_array(state: Any, f: Any) -> Any:
    x = state["both"][0]
    state["both"][0] = x - f.gradient(x)
    return {"x": state["both"][0], "both": state["both"]}


def adds_to_a_queue(state: Any, f: Any) -> Any:
    state.steps.append(state.x)
    return Counted(state.x - f.gradient(state.x), state.steps)


def holds_itself(x: Any) -> Counted:
    """A state that is a part of itself."""
    state = Counted(x, [])
    state.steps = [state]
    return state


IN_PLACE = {
    "slot": Method(sets_an_attribute, Slots),
    "array": Method(sets_in_an_array, lambda x0: {"x": x0, "both": np.array([x0, x0], dtype=object)}),
    "queue": Method(adds_to_a_queue, lambda x0: Counted(x0, deque())),
    "itself": Method(sets_an_attribute, holds_itself),
    "entry": Method(sets_an_entry, lambda x0: {"x": x0}),
    "attribute": Method(sets_an_attribute, lambda x0: Counted(x0, [])),
    "list": Method(appends, lambda x0: Counted(x0, [])),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_step_may_not_change_the_state_that_it_is_given(name: str) -> None:
    """The first state would be the last one, for the initial condition, for metrics and for rates."""
    with pytest.raises(InputError, match="changes the state"):
        bounds.worst_case(method=IN_PLACE[name], steps=2)
    with pytest.raises(InputError, match="changes the state"):
        bounds.worst_cases.lyapunov(IN_PLACE[name], mu=Fraction(1, 10))


def test_a_state_may_hold_itself() -> None:
    made = Method(lambda state, f: holds_itself(state.x - f.gradient(state.x)), holds_itself)
    worst = bounds.worst_case(method=made, steps=2)
    assert worst.upper == pytest.approx(0.1, rel=1e-6)
    assert check(worst.certificate().data, made.step, made.init) == Fraction(1, 10)


@pytest.mark.parametrize("name", IN_PLACE)
def test_the_checker_refuses_a_method_that_changes_its_state(name: str) -> None:
    made = Method(lambda state, f: {"x": state["x"] - f.gradient(state["x"])}, lambda x0: {"x": x0})
    data = bounds.worst_case(method=made, steps=2).certificate().data
    assert check(data, made.step, made.init) == Fraction(1, 10)
    with pytest.raises(Wrong, match="changes the state"):
        check(data, IN_PLACE[name].step, IN_PLACE[name].init)


def test_an_unknown_operation_is_named_with_those_that_there_are() -> None:
    with pytest.raises(AttributeError, match="got 'grad'"):
        bounds.worst_case(method=lambda x, f: x - f.grad(x), steps=1)
