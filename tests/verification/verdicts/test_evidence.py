"""Evidence is gathered once and serves many bounds: none of them changes what the next one is judged on."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification import Verdict, gather, judge, optimum, verify
from l2obound.verification.verdicts import evidence as module

P = l2o.synthetic.lasso(3, 6, 10, seed=0)
X0 = l2o.synthetic.starts(P)
RUN = l2o.rollout(l2o.optimizer("ista"), P, X0, 12)
STEP, WHOLE = "per_step_descent", "ood_last_iterate"


def _refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("an optimum was certified that no bound needs")


def same(one: Any, other: Any) -> bool:
    arrays = ("verdict", "lhs", "rhs", "tolerance")
    return one.notes == other.notes and all(
        np.array_equal(getattr(one, n), getattr(other, n), equal_nan=n != "verdict") for n in arrays
    )


def test_an_optimum_is_certified_where_a_bound_needs_it_and_only_there(monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = gather(RUN, P)
    with monkeypatch.context() as patch:
        patch.setattr(module, "certify", _refuse)
        assert judge(STEP, evidence).overall is Verdict.VERIFIED
        with pytest.raises(AssertionError, match="no bound needs"):
            judge(WHOLE, evidence)
    assert judge(WHOLE, evidence).overall is Verdict.VERIFIED
    assert evidence.optimum is None
    assert evidence.certified is evidence.certified
    assert evidence.certified.certified is evidence.certified


@pytest.mark.parametrize("certified", [None, optimum(P)], ids=["certified on demand", "given"])
def test_the_order_in_which_bounds_are_judged_does_not_matter(certified: Any) -> None:
    names = [STEP, WHOLE, "B10", "B2", "B6", "B8"]
    forward, backward = gather(RUN, P, optimum=certified), gather(RUN, P, optimum=certified)
    first = {n: judge(n, forward, "best") for n in names}
    second = {n: judge(n, backward, "best") for n in reversed(names)}
    for name in names:
        assert same(first[name], second[name])
        assert same(first[name], verify(RUN, P, name, certified, "best"))


def test_quantities_and_slacks_are_worked_out_once() -> None:
    evidence = gather(RUN, P, optimum=optimum(P))
    assert evidence.quantities(0.5) is evidence.quantities(np.full(3, 0.5))
    assert evidence.quantities(0.5) is not evidence.quantities(1.0)
    assert evidence.set_slack() is None, "the l1 norm is exact"
    ball = l2o.Composite(P.smooth, l2o.l2_ball(0.5))
    on_ball = gather(l2o.rollout(l2o.optimizer("ista"), ball, 0 * X0, 5), ball)
    assert on_ball.set_slack() is on_ball.set_slack()
    assert on_ball.set_slack().at_z is None, "there is no z yet"
    assert on_ball.certified.set_slack().at_z.shape == (3, 5)


def test_a_planted_error_shows_in_every_bound_judged_on_the_evidence() -> None:
    wrong = replace(RUN, objective=RUN.objective + 1.0)
    evidence = gather(wrong, P, optimum=optimum(P))
    assert all(judge(name, evidence).overall is Verdict.VIOLATED for name in (STEP, WHOLE))
    high = replace(optimum(P), problem="", lower=optimum(P).upper + 1.0, upper=optimum(P).upper + 2.0)
    evidence = gather(RUN, P, optimum=high)
    assert judge(WHOLE, evidence).overall is Verdict.VIOLATED
    assert [c.name for c in judge(WHOLE, evidence).data if not c.holds.all()] == ["floor"]
    assert judge(STEP, evidence).overall is Verdict.VERIFIED, "it says nothing of F*"


def test_scalars_for_another_comparator_serve_bounds_on_steps() -> None:
    run = l2o.rollout(l2o.optimizer("ista"), P, X0, 8, record="scalars", comparator=optimum(P).x + 1.0)
    evidence = gather(run, P, optimum=optimum(P))
    with pytest.raises(l2o.InputError, match="kept scalars for another comparator"):
        judge(WHOLE, evidence)
    assert judge(STEP, evidence).overall is Verdict.VERIFIED


def test_virtual_steps_need_a_run_and_an_optimizer() -> None:
    optimizer = l2o.optimizer("go-math-l2o", seed=1)
    run, reference = (l2o.rollout(optimizer, P, x0, 4) for x0 in (X0 + 1, X0))
    for half in ({"reference_run": reference}, {"optimizer": optimizer}):
        with pytest.raises(l2o.InputError, match="give both"):
            gather(run, P, **half)
    evidence = gather(run, P, reference_run=reference, optimizer=optimizer)
    form = judge("ood_per_step:magnitude", evidence)
    assert "bias" in [c.name for c in form.data]
    assert same(judge(STEP, evidence), judge(STEP, gather(run, P))), "a bound on other things is not touched"


def test_neither_evidence_nor_inspection_can_be_written_to() -> None:
    evidence = gather(RUN, P)
    with pytest.raises(FrozenInstanceError):
        evidence.optimum = optimum(P)  # type: ignore[misc]  # that it is refused is what is tested
    assert not [f.name for f in fields(evidence.inspection) if isinstance(getattr(evidence.inspection, f.name), dict)]
