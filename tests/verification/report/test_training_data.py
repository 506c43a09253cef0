"""In distribution is what the manifest of the weights says, and certificates of runs are judged as bounds are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification import optimum
from l2obound.verification.report import _run_certificates, load_report_config, run_report
from l2obound.verification.report._run_certificates import certified_steps, certify_run
from l2obound.verification.report._training_data import IN_DISTRIBUTION, OTHER, SHIFTED, kind_of, trained_here
from l2obound.verification.report.config import ProblemSection, Scenario

LASSO = {"key": "p", "family": "lasso", "rows": 20, "dim": 40, "sparsity": 5, "instances": 2}
TRAINED = {"config": {"problem": {"family": "lasso", "rows": 20, "dim": 40, "sparsity": 5, "lam": 0.1}}}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"lam": 0.1, "instances": 7, "steps": 3}, True),
        ({"lam": 0.2}, False),
        ({"rows": 21}, False),
        ({"sparsity": None}, False),  # four
        ({"family": "logistic_l1"}, False),
        ({"family": "patches"}, False),
    ],
)
def test_trained_on_such_problems(changed: dict[str, Any], expected: bool) -> None:
    assert trained_here(ProblemSection(**{**LASSO, **changed}), TRAINED) is expected


def test_options_that_are_left_out_count_as_what_they_stand_for() -> None:
    section = ProblemSection(**{**LASSO, "sparsity": 4})
    trained = {"config": {"problem": {**TRAINED["config"]["problem"], "sparsity": None}}}
    assert trained_here(section, trained)


@pytest.mark.parametrize("weights", [None, {}, {"config": None}, {"config": {}}, {"family": "lasso", "sha256": "0"}])
def test_weights_of_unknown_training_are_trained_elsewhere(weights: Any) -> None:
    assert not trained_here(ProblemSection(**LASSO), weights)


def test_kinds_of_data() -> None:
    assert kind_of(Scenario(), True) == IN_DISTRIBUTION
    assert kind_of(Scenario(s=1.0), True) == kind_of(Scenario(t=1.0), True) == SHIFTED
    assert kind_of(Scenario(), False) == kind_of(Scenario(s=1.0), False) == OTHER


def test_a_report_says_which_data_are_in_distribution(tmp_path: Any) -> None:
    small = {"instances": 1, "steps": 4, "optimizers": ["go-math-l2o", "ista"], "scenarios": [{}, {"s": 2}]}
    sections = [{**LASSO, **small, "guaranteed": ["go-math-l2o"]}, {**LASSO, **small, "key": "q", "rows": 9}]
    settings = {"bounds": ["per_step_descent"], "proofs": False, "problem": sections}
    results = run_report(load_report_config(settings), tmp_path)
    kinds = {run["key"]: run["scenario"]["data"] for run in results["runs"]}
    for method in ("go-math-l2o", "ista", "guaranteed-go-math-l2o"):
        assert kinds[f"p/unshifted/{method}"] == IN_DISTRIBUTION
        assert kinds[f"p/s2/{method}"] == SHIFTED
    assert {kind for key, kind in kinds.items() if key.startswith("q/")} == {OTHER}
    labels = {run["scenario"]["label"] for run in results["runs"] if run["problem"] == "q"}
    assert labels == {"other data", "s = 2"}
    own = next(run for run in results["runs"] if run["key"] == "p/s2/guaranteed-go-math-l2o")
    assert (own["optimizer"]["label"], own["optimizer"]["guards"]) == ("guarded GO-Math-L2O", "go-math-l2o")
    assert [v["number"] for v in own["verdicts"]] == ["B1", "B15"]
    with pytest.raises(l2o.InputError, match="guaranteed names fista, which optimizers does not"):
        load_report_config({"problem": [{**LASSO, "optimizers": ["ista"], "guaranteed": ["fista"]}]})


# --- certificates --------------------------------------------------------------------------------------------------

P = l2o.synthetic.lasso(3, 8, 5, sparsity=2, seed=3)
RUN = l2o.rollout(l2o.optimizer("fista"), P, l2o.synthetic.starts(P, shift=1.0), 30)
KNOWN = optimum(P)


def test_steps_of_the_curve() -> None:
    assert certified_steps(1) == [1]
    assert certified_steps(200)[0] == 1
    assert certified_steps(200)[-1] == 200
    assert len(certified_steps(200)) == 7


def test_a_certificate_is_a_verdict() -> None:
    curve, verdict = certify_run(RUN, P, KNOWN)
    assert curve["k"][-1] == 30
    assert all(gap >= best for gap, best in zip(curve["gap"]["median"], curve["best"]["median"]))
    assert curve["ratio"] >= 1
    assert (verdict["verdict"], verdict["checks"], verdict["decided"]) == ("verified", 3, 3)
    assert verdict["vacuous_share"] == 0
    assert 0 < verdict["tightness_median"] <= 1


def test_a_lower_bound_above_f_star_is_violated() -> None:
    low = replace(KNOWN, lower=KNOWN.lower - 9.0, upper=KNOWN.upper - 8.0)
    _, verdict = certify_run(RUN, P, low)
    assert verdict["verdict"] == "violated"
    assert verdict["counts"]["violated"] == 3


def test_an_interval_that_the_certificate_lies_in_leaves_it_open() -> None:
    wide = replace(KNOWN, lower=KNOWN.lower - 9.0)
    _, verdict = certify_run(RUN, P, wide)
    assert verdict["verdict"] == "inconclusive"


def test_a_run_that_stood_still_certifies_nothing_of_use() -> None:
    still = replace(RUN, x=RUN.x[:, :1].expand_as(RUN.x), objective=RUN.objective[:, :1].expand_as(RUN.objective))
    curve, verdict = certify_run(still, P, KNOWN)
    assert verdict["vacuous_share"] == 1
    assert verdict["decided"] == 0
    assert np.isfinite(curve["gap"]["median"][-1])


def test_a_contradiction_is_said_and_the_report_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise _run_certificates.CertificateError("above F at a point")

    monkeypatch.setattr(_run_certificates, "run_certificate", refuse)
    curve, verdict = certify_run(RUN, P, KNOWN)
    assert verdict["verdict"] == "violated"
    assert verdict["broken_data"] == curve["reason"] == ["above F at a point"]
    assert curve["ratio"] is None
