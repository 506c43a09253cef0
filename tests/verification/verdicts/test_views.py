"""What is printed of a verification, and its figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from l2obound import l2o, verification
from l2obound.verification import Verdict
from l2obound.verification.verdicts.views import COLOURS

P = l2o.synthetic.lasso(3, 12, 8, sparsity=2, seed=4)
RUN = l2o.rollout(l2o.optimizer("fista"), P, l2o.synthetic.starts(P, shift=1.0), 12)
OPTIMUM = verification.optimum(P)
STEPS = verification.verify(RUN, P, "per_step_descent", OPTIMUM)
RUNS = verification.verify(RUN, P, "ood_last_iterate", OPTIMUM)
FALSE = verification.verify(replace(RUN, objective=RUN.objective + 1.0), P, "per_step_descent", OPTIMUM)


@pytest.mark.parametrize("outcome", [STEPS, RUNS, FALSE], ids=["steps", "runs", "false"])
def test_a_verification_in_a_line(outcome: verification.Verification) -> None:
    assert str(outcome) == repr(outcome)
    assert "\n" not in str(outcome)
    assert str(outcome) == f"Verification({outcome.summary().splitlines()[0]})"
    html = outcome._repr_html_()
    assert html.startswith(f"<b style='color:{COLOURS[outcome.overall]}'>{outcome.bound.number} ")
    assert html.count("<li>") == len(outcome.summary().splitlines()) - 1


def test_notes_are_escaped() -> None:
    assert "&lt;i&gt;" in replace(STEPS, notes=("<i>",))._repr_html_()


def marked(outcome: verification.Verification, verdict: Verdict, instance: int | None = None) -> int:
    (axes,) = outcome.plot(instance).axes
    lines = [line for line in axes.lines if str(line.get_label()).startswith(f"{verdict} (")]
    return sum(len(line.get_xdata()) for line in lines)


def test_the_figure_has_both_sides_and_each_verdict() -> None:
    (axes,) = STEPS.plot(1).axes
    right, left = axes.lines[:2]
    np.testing.assert_array_equal(right.get_ydata(), STEPS.rhs[1])
    np.testing.assert_array_equal(left.get_ydata(), STEPS.lhs_upper[1])
    np.testing.assert_array_equal(right.get_xdata(), np.arange(1, 13))
    for k in range(3):
        for verdict in Verdict:
            assert marked(STEPS, verdict, k) == int((STEPS.verdict[k] == verdict).sum())
    assert marked(FALSE, Verdict.VIOLATED, 0) == 12
    assert marked(RUNS, Verdict.VERIFIED) == 3
    STEPS.plot().canvas.draw()
    RUNS.plot().canvas.draw()


def test_the_instance_drawn_is_the_one_with_the_least_slack() -> None:
    (axes,) = STEPS.plot().axes
    least = int(STEPS.slack.min(axis=1).argmin())
    assert f"instance {least} of 3" in axes.get_title(loc="left")


def test_where_nothing_applies_there_is_a_figure_too() -> None:
    nothing = verification.verify(RUN, P, "ind_rate", OPTIMUM)
    assert nothing.overall is Verdict.NOT_APPLICABLE
    nothing.plot().canvas.draw()
    wild = l2o.rollout(l2o.optimizer("ista", step=1e3), P, l2o.synthetic.starts(P), 200)
    verification.verify(wild, P, "per_step_descent", OPTIMUM).plot().canvas.draw()


@pytest.mark.parametrize(("outcome", "instance"), [(STEPS, 3), (STEPS, -1), (STEPS, 0.0), (STEPS, True), (RUNS, 0)])
def test_an_instance_that_is_not_there(outcome: verification.Verification, instance: int) -> None:
    with pytest.raises(l2o.InputError, match="plot: "):
        outcome.plot(instance)
