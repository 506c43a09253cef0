"""Schedules trained under a limit on their exact worst case: they gain, they keep the limit, and it is proved."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o, verification
from l2obound.bounds.worst_cases import checker
from l2obound.l2o.optimizers.scheduled import Scheduled
from l2obound.verification.worst_cases import schedules
from l2obound.verification.worst_cases.schedules import schedule_worst_case

LASSO = l2o.synthetic.lasso(8, 6, 8, sparsity=2, seed=3)
START = l2o.synthetic.starts(LASSO)
SMOOTH = l2o.Composite(LASSO.smooth, l2o.zero())
QUICK: dict[str, Any] = {"steps": 3, "rounds": 6}


@pytest.mark.parametrize(("problem", "method", "exact"), [(LASSO, "go_math", 1 / 12), (SMOOTH, "heavy_ball", 1 / 14)])
def test_a_schedule_gains_and_keeps_its_limit(problem: l2o.Composite, method: str, exact: float) -> None:
    limit = 1.2 * exact
    trained = verification.train_schedule(problem, START, method=method, limit=limit, **QUICK)
    first, last = trained.path[0], trained.loss
    assert first[1] == pytest.approx(exact, rel=1e-6), "it begins with exact steps"
    assert last < first[0] - 0.05
    assert trained.worst.upper <= limit
    run = l2o.rollout(trained.optimizer, problem, START, 3)
    lowest = schedules._Loss(problem, run.x[:, 0], method).ends[0]
    share = (run.objective[:, -1] - lowest) / (run.objective[:, 0] - lowest)
    assert float(torch.log10(share).mean()) == pytest.approx(trained.loss, rel=1e-9)
    proof = trained.worst.certificate()
    assert checker.check(proof.data) == proof.tau
    assert float(proof.tau) <= limit * (1 + 1e-5)


def test_ten_steps_of_a_trained_schedule_are_proved_and_faster_than_fista() -> None:
    """A certificate as docs/examples/schedules.py makes it, for 1.25 times FISTA's worst case, and its speed."""
    data = json.loads((Path(__file__).parents[2] / "data" / "schedule.json").read_text("utf-8"))
    fista = bounds.worst_case("composite", method="accelerated_gradient", steps=10)
    assert checker.check(data) <= Fraction(5, 4) * Fraction(fista.upper)
    with pytest.raises(checker.Wrong):
        checker.check({**data, "tau": str(Fraction(data["tau"]) * Fraction(99, 100))})

    steps = np.array([float(Fraction(step)) for step in data["step"]])
    momentum = np.array([[float(Fraction(value)) for value in row] for row in data["momentum"]])
    problem = l2o.synthetic.lasso(64, 20, 40, sparsity=5, seed=1)
    x0 = l2o.synthetic.starts(problem, seed=1)
    ours = l2o.rollout(Scheduled("go_math", steps, momentum, relative=True), problem, x0, 10).objective[:, -1:]
    theirs = l2o.rollout(l2o.optimizer("fista"), problem, x0, 60).objective
    needed = (theirs <= ours).double().argmax(dim=1)
    assert bool((theirs[:, -1:] <= ours).all())
    assert float(needed.double().mean()) >= 10 / 0.7


def test_only_what_is_shown_to_keep_the_limit_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of six schedules two keep it by the solver's word, and of these the better one is not shown to."""
    values, uppers, asked_for = iter([0.2, 0.05, 0.2, 0.06, 0.2, 0.2]), iter([0.101, 0.06]), []

    def shown(method: str, numbers: np.ndarray, function_class: str) -> Any:
        asked_for.append(numbers)
        return SimpleNamespace(upper=next(uppers))

    monkeypatch.setattr(schedules, "_worst", lambda method, theta, kind: (next(values), np.zeros_like(theta)))
    monkeypatch.setattr(schedules, "schedule_worst_case", shown)
    trained = verification.train_schedule(LASSO, START, limit=0.1, **QUICK)
    losses = [trained.path[1][0], trained.path[3][0]]
    assert trained.loss == max(losses)
    assert trained.worst.upper == 0.06
    assert len(asked_for) == 2


def test_the_penalty_leads_below_the_limit() -> None:
    """In one box: along the slope of the worst case, and further down than without a limit."""
    theta = np.array([[1.0, 0.1, 0.0]] * 3)
    slope = np.zeros((3, 3))
    slope[:, 0] = 5.0
    measure = schedules._Loss(LASSO, START, "go_math")
    free, limited = (schedules._inside_box(measure, theta, 0.1, c) for c in (None, (2.0, slope)))
    assert (limited[:, 0] < theta[:, 0]).all()
    assert (limited[:, 0] < free[:, 0]).all()
    assert np.abs(limited - theta).max() <= 0.1 + 1e-9


def test_steps_in_units_of_the_instances() -> None:
    """h_k/L with the L of each instance: the run on all is the run on each."""
    numbers = np.array([[1.2, 0.0, 0.3], [0.7, 0.2, 0.1]])
    opt = Scheduled("go_math", numbers[:, 0], numbers[:, 1:], relative=True)
    together = l2o.rollout(opt, LASSO, START, 2)
    for i in range(3):
        one = LASSO.select([i])
        steps = numbers[:, 0] / float(one.smoothness[0])
        alone = l2o.rollout(Scheduled("go_math", steps, numbers[:, 1:]), one, START[i : i + 1], 2)
        torch.testing.assert_close(alone.x[0], together.x[i], rtol=1e-12, atol=1e-14)


def test_the_worst_case_is_that_of_the_engine() -> None:
    worst = schedule_worst_case("go_math", np.array([[1.0, 0.0, 0.0]] * 2), "composite")
    assert worst.value == pytest.approx(1 / 8, rel=1e-6)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "method": ({"method": "fista"}, "method: expected one of heavy_ball, go_math"),
    "steps": ({"steps": 21}, "steps: expected an integer from 1 to 20"),
    "rounds": ({"rounds": 0}, "rounds: expected an integer >= 1"),
    "limit": ({"limit": -1.0}, "limit: expected a number > 0"),
    "r": ({"method": "heavy_ball"}, "heavy_ball has no prox"),
    "start": ({"steps": 2, "start": [[1.0, 0.0, 0.0]]}, r"start: expected \(2, 3\) finite numbers"),
    "an impossible limit": ({"steps": 1, "rounds": 1, "limit": 1e-3}, "no schedule that was visited"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_said(what: str) -> None:
    options, message = WRONG[what]
    with pytest.raises(l2o.InputError, match=message):
        verification.train_schedule(LASSO, START, **options)


def test_functions_that_are_not_convex_have_other_worst_cases() -> None:
    p = l2o.Composite(l2o.welsch(np.ones((1, 2, 3)), np.zeros((1, 2))), l2o.l1(0.1))
    with pytest.raises(l2o.InputError, match="expected convex f and r"):
        verification.train_schedule(p, np.zeros((1, 3)))
