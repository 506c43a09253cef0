"""The meter of Assumption 1, and the three experiments to begin with."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers.go_math_l2o import GoMathL2O, GoMathState
from l2obound.verification import assumption_meter
from l2obound.verification.cli import app as cli
from l2obound.verification.diagnosis import three_claims as first_experiments
from l2obound.verification.diagnosis.assumption_meter import QUANTILES
from l2obound.verification.diagnosis.three_claims import (
    CONFIRMED,
    REFUTED,
    UNDECIDED,
    gradient_normalisation,
    history_recurrence,
    rates_at_small_scale,
)
from l2obound.verification.verdicts.verdict import Verdict

P = l2o.synthetic.lasso(3, 8, 12, seed=1)
X0 = l2o.synthetic.starts(P)


@dataclass(frozen=True)
class ModelState:
    x: torch.Tensor
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class Model:
    """x+ = prox_p(x - p grad f - b) with p = (1 + delta)/(2L), b = share * G/(2L), G of the step it makes."""

    delta: float = 0.0
    share: float = 0.0
    name: str = "model"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> ModelState:
        p = (1 + self.delta) / (2 * problem.smoothness).unsqueeze(-1)
        return ModelState(x0, p)

    def step(self, problem: l2o.Composite, state: ModelState) -> ModelState:
        # D = (p + share/(2L)) G is one proximal step of that length, whose G gives b.
        p = state.preconditioner
        whole = p + self.share / (2 * problem.smoothness).unsqueeze(-1)
        gradient = problem.smooth_gradient(state.x)
        x = problem.prox(state.x - whole * gradient, whole)
        b = (state.x - x) * (1 - p / whole)
        return ModelState(x, p, state.x - p * gradient - b)


def meter(optimizer, steps: int = 25, problem: l2o.Composite = P, shift: float = 0.0):
    run = l2o.rollout(optimizer, problem, l2o.synthetic.starts(problem, shift=shift), steps)
    return run, assumption_meter(run, problem, optimizer)


def test_both_readings_are_met_by_who_meets_them() -> None:
    for share, name, other in ((1.0, "gradient_descent", "half_step"), (0.0, "half_step", "gradient_descent")):
        _, m = meter(Model(share=share))
        assert m.judged.all()
        assert m.overall == m.overall_by_deltas == name
        np.testing.assert_allclose(m.sigma[name], 0.0, atol=1e-9)
        np.testing.assert_allclose(m.delta_sum[name], 0.0, atol=1e-9)
        np.testing.assert_allclose(m.sigma[other], 0.5, rtol=1e-9)
        np.testing.assert_allclose(m.delta_sum[other], 1.0, rtol=1e-9)
        assert not m.fails_by_rho.any()
        assert not m.fails_by_deltas.any()
        assert m.to_dict()["nearer_share"][name] == 1.0
        assert "each is guaranteed to descend" in m.summary()


def test_a_known_deviation_is_measured() -> None:
    _, m = meter(Model(delta=0.3, share=1.0))
    np.testing.assert_allclose(m.delta1, 0.3, rtol=1e-12)
    np.testing.assert_allclose(m.delta2, 0.0, atol=1e-8)
    np.testing.assert_allclose(m.rho, 0.15, rtol=1e-8)
    np.testing.assert_allclose(m.bands["rho"], 0.15, rtol=1e-8)


def test_the_identity_of_deviations_and_rho_on_learned_models() -> None:
    for optimizer in (l2o.optimizer("go-math-l2o"), l2o.pretrained("l2o-pa", "lasso"), l2o.optimizer("fista")):
        run, m = meter(optimizer)
        L, G = P.smoothness.numpy()[:, None, None], run.generalized_gradient.numpy()
        keep = m.judged
        np.testing.assert_allclose(
            ((m.delta1 * G + m.delta2) / (2 * L))[keep], run.deviation.numpy()[keep], rtol=1e-9, atol=1e-13
        )
        np.testing.assert_allclose(m.rho[keep], run.relative_deviation.numpy()[keep], rtol=1e-9, atol=1e-13)
        assert (m.rho[keep] <= m.delta_sum["gradient_descent"][keep] / 2 + 1e-12).all()
        worst = np.take_along_axis(np.abs(run.deviation.numpy()), m.worst_coordinate[..., None], -1)[..., 0]
        np.testing.assert_allclose(worst[keep], np.abs(run.deviation.numpy()).max(-1)[keep], rtol=1e-9, atol=1e-14)


def test_the_step_and_the_deltas_may_disagree() -> None:
    """p = 1/L, b = 0 is the exact step 1/L, with a delta-sum of 2."""
    _, m = meter(l2o.optimizer("ista"))
    assert m.overall == "gradient_descent"
    assert m.overall_by_deltas == "half_step"
    np.testing.assert_allclose(m.delta_sum["gradient_descent"][m.judged], 2.0, rtol=1e-9)
    assert m.fails_by_deltas[m.judged].all(), "2 is not below 2, whatever rounding says"
    assert not m.fails_by_rho.any()


def test_where_it_fails_is_said() -> None:
    """A planted model: exact, but for one step and one coordinate."""

    @dataclass(frozen=True)
    class Slip(Model):
        def step(self, problem: l2o.Composite, state: ModelState) -> ModelState:
            new = super().step(problem, state)
            kick = torch.zeros_like(new.x)
            if bool((state.x == X0).all()):
                kick[1, 4] = 100.0
            return replace(new, x=new.x + kick, prox_argument=None)

    _, m = meter(Slip(share=1.0))
    assert set(zip(*np.nonzero(m.fails_by_rho), strict=True)) == {(1, 0)}
    assert m.fails_by_deltas[1, 0]
    assert m.worst_coordinate[1, 0] == 4
    assert m.to_dict()["first_failing_step"] == 1
    assert "rho >= 1, no guarantee, on" in m.summary()


def test_bands_are_quantiles_over_instances() -> None:
    p = l2o.synthetic.lasso(9, 8, 12, seed=3)
    _, m = meter(l2o.optimizer("go-math-l2o"), problem=p)
    assert set(m.bands) == {"rho", "sigma_half", "rho_accelerated", "delta_sum", "delta_sum_half"}
    np.testing.assert_allclose(m.bands["rho"], np.quantile(m.rho, QUANTILES, axis=0))
    assert (np.diff(m.bands["delta_sum"], axis=0) >= 0).all()


def test_fista_is_no_deviation_from_the_accelerated_step() -> None:
    _, m = meter(l2o.optimizer("fista"))
    assert np.nanmedian(m.rho) > 0.3
    assert np.nanmax(m.rho_accelerated) < 1e-9
    assert np.isfinite(m.rho_accelerated).mean() > 0.9
    assert "distance from the accelerated step: " in m.summary()


def test_the_deviation_from_the_accelerated_step_by_hand() -> None:
    """ISTA, written out once more; its first step is that of FISTA, and the later ones are not."""
    run, m = meter(l2o.optimizer("ista"), 4)
    x, g, L = run.x.numpy(), run.subgradient.numpy(), P.smoothness.numpy()[:, None]
    t, u = 1.0, x[:, 0]
    for k in range(4):
        y = x[:, k] + (u - x[:, k]) / t
        G = P.smooth.gradient(torch.from_numpy(y)).numpy() + g[:, k]
        expected = np.linalg.norm(L * (y - x[:, k + 1]) - G, axis=-1) / np.linalg.norm(G, axis=-1)
        np.testing.assert_allclose(m.rho_accelerated[:, k], expected, rtol=1e-8, atol=1e-12)
        u = x[:, k] + t * (x[:, k + 1] - x[:, k])
        t = 0.5 * (1 + np.sqrt(1 + 4 * t**2))
    assert m.rho_accelerated[:, 0].max() < 1e-12
    assert m.rho_accelerated[:, 2:].min() > 1e-3


def test_within_its_rounding_nothing_is_said_of_the_accelerated_step() -> None:
    _, m = meter(l2o.optimizer("ista"), 600, EASY)
    assert np.isnan(m.rho_accelerated[:, -1]).all()
    assert np.nanmax(m.bands["rho_accelerated"][:, 0]) < 1e-12
    assert np.isnan(m.bands["rho_accelerated"][:, -1]).all()


def test_bias_heads_are_said() -> None:
    assert "only half_step can be approached" in meter(l2o.optimizer("go-math-l2o"))[1].summary()
    _, m = meter(l2o.optimizer("go-math-l2o", b3_norm="tanh"))
    assert m.bias_heads == ("b3",)
    assert "either reading" in m.summary()
    run, _ = meter(l2o.optimizer("go-math-l2o"))
    assert "not known" in assumption_meter(run, P).summary()


EASY = l2o.synthetic.lasso(3, 20, 6, seed=1)  # ISTA is done after a hundred steps


def test_converged_steps_are_not_judged() -> None:
    _, m = meter(l2o.optimizer("ista"), 600, EASY)
    assert m.judged[:, 0].all()
    assert not m.judged[:, -1].any()
    assert np.isnan(m.rho[~m.judged]).all()
    assert m.rho[m.judged].max() < 1e-2, "where it is judged it is no noise"
    assert (m.worst_coordinate[~m.judged] == -1).all()
    json.dumps(m.to_dict(), allow_nan=False)


def test_diverging_runs_are_judged_up_to_there() -> None:
    wild = l2o.optimizer("ista", step=(50 / P.smoothness).numpy())
    _, m = meter(wild, 400)
    assert m.judged[:, 0].all()
    assert not m.judged[:, -1].any()
    assert m.fails_by_rho[m.judged].all()


def test_runs_without_a_model_have_no_deltas() -> None:
    run, _ = meter(l2o.optimizer("ista"))
    m = assumption_meter(l2o.run_from_iterates(P, run.x), P)
    assert m.delta1 is m.delta_sum is m.overall_by_deltas is None
    assert m.overall == "gradient_descent"
    assert "no deltas" in m.summary()
    json.dumps(m.to_dict(), allow_nan=False)


@pytest.mark.parametrize("name", ["bias", "preconditioner", "generalized_gradient", "step", "smoothness", "deviation"])
def test_lies_are_not_measured(name: str) -> None:
    run, _ = meter(l2o.optimizer("go-math-l2o"))
    lying = replace(run, **{name: 1.01 * getattr(run, name)})
    m = assumption_meter(lying, P)
    assert not m.judged[:, 1:].any(), "the first step has no bias to lie about"
    assert m.broken_data
    assert "it is not true that" in m.summary()
    json.dumps(m.to_dict(), allow_nan=False)


def test_wrong_input_says_what_is_wrong() -> None:
    run, _ = meter(l2o.optimizer("ista"), 5)
    with pytest.raises(l2o.InputError, match="the problem the run was made on"):
        assumption_meter(run, l2o.synthetic.lasso(2, 8, 12))
    with pytest.raises(l2o.InputError, match="scalars only"):
        assumption_meter(l2o.rollout(l2o.optimizer("ista"), P, X0, 5, record="scalars"), P)


# The three experiments


def test_gradient_normalisation() -> None:
    e = gradient_normalisation(problem=P, steps=20)
    assert e.verdict == CONFIRMED
    assert all(r.worst < 1e-8 for r in e.model)
    assert all(r.worst > 1e-2 for r in e.rival)
    assert json.loads(json.dumps(e.to_dict(), allow_nan=False))["verdict"] == CONFIRMED
    with pytest.raises(l2o.InputError, match="other than 1"):
        gradient_normalisation(scales=(1.0,))


@dataclass(frozen=True)
class FeaturesOnly(GoMathL2O):
    """Equivariant, but the features it shows are not those it claims to normalise."""

    def step(self, problem: l2o.Composite, state: GoMathState) -> GoMathState:
        new = super().step(problem, state)
        return replace(new, features=new.features * problem.smoothness.reshape(-1, 1, 1))


def test_a_model_without_normalisation_is_found() -> None:
    swapped = gradient_normalisation(l2o.optimizer("l2o-pa"), l2o.optimizer("go-math-l2o"), P, 10, scales=(1e3,))
    assert swapped.verdict == REFUTED
    same = gradient_normalisation(l2o.optimizer("go-math-l2o"), l2o.optimizer("ista"), P, 10, scales=(1e3,))
    assert same.verdict == UNDECIDED
    planted = gradient_normalisation(FeaturesOnly(), l2o.optimizer("l2o-pa"), P, 10, scales=(1e3,))
    assert planted.verdict == UNDECIDED
    assert planted.model[0].features_defect.min() > 0.5


@pytest.mark.parametrize("options", [{}, {"b_norm": "softplus"}, {"q_step_power": 1}])
def test_history_recurrence(options: dict) -> None:
    e = history_recurrence(l2o.optimizer("go-math-l2o", **options))
    assert e.verdict == CONFIRMED
    assert e.defect.max() < 1e-14
    assert e.sum_defect.max() < 1e-14
    np.testing.assert_allclose(e.weights.sum(), 1.0, atol=1e-3)  # what is missing is the weight of v_0 = 0
    assert (np.diff(e.captured) >= -1e-12).all()
    assert e.captured[-1] > 0.98
    np.testing.assert_allclose(e.products.sum(), e.coefficients.sum(), atol=0.2)
    assert history_recurrence().verdict == CONFIRMED


def test_frozen_weights_are_those_of_a_moving_average() -> None:
    """With B = 1/2 throughout, a displacement of age a weighs 2^-(a+1), and the regression finds it."""
    zero = {n: torch.zeros_like(w) for n, w in l2o.optimizer("go-math-l2o").parameters.items()}
    e = history_recurrence(l2o.optimizer("go-math-l2o").with_parameters(zero), steps=12, window=6)
    np.testing.assert_allclose(e.weights, 0.5 ** np.arange(1, 13), rtol=1e-12)
    np.testing.assert_allclose(e.products, 0.5 ** np.arange(1, 7), rtol=1e-12)
    np.testing.assert_allclose(e.coefficients, e.products, rtol=1e-6)
    np.testing.assert_allclose(e.mean_age, 1.0, atol=0.01)


@dataclass(frozen=True)
class Forgetful(GoMathL2O):
    """Averages with the weights exchanged from the fourth step on."""

    def step(self, problem: l2o.Composite, state: GoMathState) -> GoMathState:
        new = super().step(problem, state)
        moved = float((state.x - l2o.synthetic.starts(problem)).abs().max())
        if new.forgetting is None or moved == 0:
            return new
        wrong = (1 - new.forgetting) * state.memory + new.forgetting * (state.x - new.x)
        return replace(new, memory=wrong)


def test_a_wrong_memory_is_found() -> None:
    e = history_recurrence(Forgetful())
    assert e.verdict == REFUTED
    assert e.first_broken == 2
    assert "first broken at step 2" in e.summary()
    with pytest.raises(l2o.InputError, match="displacement map"):
        history_recurrence(l2o.optimizer("go-math-l2o", gradient_map="standard"))
    with pytest.raises(l2o.InputError, match="window"):
        history_recurrence(steps=3, window=5)


def test_rates_at_small_scale() -> None:
    problems = {"lasso": l2o.synthetic.lasso(2, 5, 8), "quadratic": l2o.synthetic.quadratic(2, 4)}
    e = rates_at_small_scale(
        problems, {"go": l2o.pretrained("go-math-l2o", "lasso"), "ista": l2o.optimizer("ista")}, 15
    )
    assert e.verdict == CONFIRMED
    assert set(e.runs) == {"go on lasso", "ista on lasso", "go on quadratic", "ista on quadratic"}
    assert e.count(Verdict.VIOLATED) == 0
    json.dumps(e.to_dict(), allow_nan=False)


@dataclass(frozen=True, eq=False)
class Understated(l2o.problems.smooth.QuadraticForm):
    """A quadratic that claims half its L."""

    @property
    def smoothness(self) -> torch.Tensor:
        return 0.5 * super().smoothness


def test_a_wrong_constant_is_found_at_small_scale() -> None:
    p = l2o.synthetic.quadratic(2, 4)
    lying = l2o.Composite(Understated(p.smooth.map, p.smooth.linear), p.nonsmooth)
    e = rates_at_small_scale({"lie": lying}, {"ista": l2o.optimizer("ista")}, 10)
    assert e.verdict == REFUTED
    assert "VIOLATED: per_step_descent on ista on lie" in e.summary()


# The verb


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["l2obound", "assumption", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code or 0, capsys.readouterr().out


SMALL = ("--batch", "2", "--rows", "5", "--dim", "8", "--steps", "10")


def test_the_verb(monkeypatch, capsys) -> None:
    assert "Example: l2obound" in call(monkeypatch, capsys, "--help")[1]
    for problem in ("lasso", "logistic_l1", "quadratic"):
        code, out = call(monkeypatch, capsys, "--problem", problem, "--s", "2", "--t", "1", *SMALL)
        assert code == 0
        assert "rho_k, the distance of a step from the step 1/L over the size of the latter, is" in out
        assert "exact step" in out
    code, out = call(monkeypatch, capsys, "--optimizer", "ista", "--json", *SMALL)
    assert code == 0
    assert json.loads(out)["nearer"] == "gradient_descent"


@pytest.mark.slow
def test_the_verb_runs_the_experiments(monkeypatch, capsys) -> None:
    code, out = call(monkeypatch, capsys, "--experiments", "--strict", "--json")
    assert code == 0
    assert [e["verdict"] for e in json.loads(out)["experiments"]] == [CONFIRMED] * 3

    def planted(seed):
        return history_recurrence(Forgetful(), seed=seed)

    monkeypatch.setattr(first_experiments, "history_recurrence", planted)
    normalised = gradient_normalisation(problem=P, steps=3, scales=(10.0,))
    monkeypatch.setattr(first_experiments, "gradient_normalisation", lambda seed: normalised)
    rates = rates_at_small_scale({"q": l2o.synthetic.quadratic(1, 3)}, {"ista": l2o.optimizer("ista")}, 5)
    monkeypatch.setattr(first_experiments, "rates_at_small_scale", lambda seed: rates)
    code, out = call(monkeypatch, capsys, "--experiments")
    assert code == 1
    assert "history recurrence      REFUTED" in out
