"""Verdicts of the bounds by magnitudes of feature shifts, and the choice of virtual steps that makes them least."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.bounds.vocabulary import Q, k
from l2obound.l2o import InputError
from l2obound.verification import Verdict, compare_choices, decompose, verify
from l2obound.verification.verdicts import compare_choices as choices
from tests.helpers.virtual_runs import SHIFTS, certified, model, run_of, shifted


@pytest.mark.parametrize("bound", ["ood_per_step:magnitude", "ood_multi_step:virtual"])
@pytest.mark.parametrize(
    "shift", ["none", *(pytest.param(s, marks=[pytest.mark.slow] * (i > 0)) for i, s in enumerate(SHIFTS))]
)
@pytest.mark.parametrize("name", ["go-math-l2o", "l2o-pa"])
def test_bounds_by_magnitudes_hold_on_trained_models(name: str, shift: str, bound: str) -> None:
    p, _ = shifted(shift)
    run, ind, opt = run_of(name, shift, True), run_of(name, "none", True), model(name, True)
    for h in (1.0, "best"):
        v = verify(run, p, bound, certified(shift), h, ind, opt)
        assert v.count(Verdict.VERIFIED) == v.verdict.size, v.summary()
        assert any("paired step" in note for note in v.notes)
    plain = verify(run, p, bound.split(":")[0], certified(shift))
    assert (v.rhs >= plain.rhs * (1 - np.sign(plain.rhs) * 1e-9)).all()


def test_magnitudes_too_small_by_two_percent_are_found() -> None:
    """On an overshooting step with r = 0 and f a ball, B5 is attained, so bracket and shifts may not be less."""
    p = l2o.quadratic(np.stack([2.0 * np.eye(3)] * 3), np.zeros((3, 3)))
    opt = l2o.optimizer("gradient-descent", step=0.9)
    x0 = torch.ones(3, 3, dtype=torch.float64)
    ind, run = l2o.rollout(opt, p, x0, 4), l2o.rollout(opt, p, -2 * x0, 4)
    bound = bounds.get("ood_per_step:magnitude")
    v = verify(run, p, bound, reference_run=ind, optimizer=opt)
    assert v.count(Verdict.VERIFIED) == v.verdict.size
    np.testing.assert_allclose(v.tightness, 1.0, rtol=1e-9)
    small = bound.replace(rhs=bound.rhs.xreplace({Q.bracket[k]: 0.98 * Q.bracket[k]}))
    assert verify(run, p, small, reference_run=ind, optimizer=opt).count(Verdict.VIOLATED) == v.verdict.size


def test_without_a_reference_the_forms_do_not_apply_and_say_what_they_need() -> None:
    run, ind, opt = run_of("l2o-pa", "start", True), run_of("l2o-pa", "none", True), model("l2o-pa", True)
    p, _ = shifted("start")
    v = verify(run, p, "ood_per_step:magnitude")
    assert v.overall is Verdict.NOT_APPLICABLE
    assert "reference_run and optimizer, which were not given" in v.summary()
    other = verify(run, p, "per_step_descent", reference_run=ind, optimizer=opt)
    assert "no virtual features" in other.summary()
    for arguments in ({"reference_run": ind}, {"optimizer": opt}):
        with pytest.raises(InputError, match="give both"):
            verify(run, p, "ood_per_step:magnitude", **arguments)


@pytest.mark.parametrize("name", ["go-math-l2o", "l2o-pa"])
def test_choices_are_compared_and_the_best_is_the_least(name: str) -> None:
    run, ind, opt = run_of(name, "start", True), run_of(name, "none", True), model(name, True)
    p, _ = shifted("start")
    result = compare_choices(run, ind, opt, p, optimum=certified("start"))
    best = np.minimum(result.deviation["paired"], result.deviation["nearest"])
    np.testing.assert_array_equal(result.deviation[choices.BEST], best)
    for side in (result.step, result.run):
        least = np.minimum(side["paired"], side["nearest"])
        assert (side[choices.BEST] <= least + 1e-12 * np.abs(least)).all()
    np.testing.assert_array_equal(result.tighter_step == "nearest", result.step["nearest"] < result.step["paired"])
    np.testing.assert_array_equal(result.tighter_run == "nearest", result.run["nearest"] < result.run["paired"])
    for choice in ("paired", "nearest"):
        d = decompose(run, ind, opt, choice=choice)
        np.testing.assert_allclose(result.deviation[choice], d.magnitude, rtol=1e-9)
    v = verify(run, p, "ood_multi_step:virtual", certified("start"), 1.0, ind, opt)
    np.testing.assert_allclose(result.run["paired"], v.rhs, rtol=1e-12)
    assert "least bound" in result.summary()
    with pytest.raises(InputError, match="expected some of"):
        compare_choices(run, ind, opt, p, choices=("closest",))
    with pytest.raises(InputError, match="reference_step must be"):
        compare_choices(run, ind, opt, p, reference_step=2.0)


@pytest.mark.parametrize("form", ["shifts", "constants"])
def test_the_decomposition_itself_can_be_held_against_a_run(form: str) -> None:
    """||e|| <= bracket + pshift + bshift and <= bracket + C1 dz G_inf + C2 dz; attained where two terms vanish."""
    rest = {
        "shifts": Q.pshift[k] + Q.bshift[k],
        "constants": Q.C1[k] * Q.dz[k] * Q.G_inf[k] + Q.C2[k] * Q.dz[k],
    }[form]
    bound = bounds.get("ood_per_step").replace(variant="terms", lhs=Q.enorm[k], rhs=Q.bracket[k] + rest)
    for name in ("go-math-l2o", "l2o-pa"):
        opt, ind = model(name, True), run_of(name, "none", True)
        for shift in ("none", *SHIFTS):
            v = verify(run_of(name, shift, True), shifted(shift)[0], bound, None, 0.7, ind, opt)
            assert v.count(Verdict.VERIFIED) == v.verdict.size, v.summary()
    ind, run = (run_of("go-math-l2o", shift, True) for shift in ("none", "both"))
    opt = model("go-math-l2o", True)
    for factor, expected in ((1.0, Verdict.VERIFIED), (0.98, Verdict.VIOLATED)):
        v = verify(run, shifted("both")[0], bound.replace(rhs=factor * bound.rhs), None, 1.0, ind, opt)
        assert v.count(expected) == v.verdict.size
