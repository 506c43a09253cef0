"""The guarantee of an optimizer: known answers, what is not known counts against it, the same again, clear errors."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.optimizers.base import Optimizer
from l2obound.l2o.training.config import split_seed
from l2obound.verification import guarantees
from l2obound.verification.cli import app as cli
from l2obound.verification.guarantees import Guarantee, Sample, proportion_lower
from l2obound.verification.guarantees.sample import largest_deviation
from l2obound.verification.optima.gaps import gaps

SMALL = {"family": "lasso", "rows": 6, "dim": 10}


@pytest.fixture(scope="module")
def statement() -> Guarantee:
    return verification.guarantee(
        "ista", SMALL, 40, eps=(1e-2, 1e-4), rho=(0.5,), instances=50, batch=20, quantiles=(0.5, 0.9), compare=True
    )


def test_it_is_what_its_parts_say(statement: Guarantee) -> None:
    """The same instances by hand: the gaps, the counts and the bound of each eps."""
    gaps = []
    for index, size in enumerate((20, 20, 10)):
        seed = split_seed("test", index)
        problem = l2o.synthetic.lasso(size, 6, 10, seed=seed)
        certified = verification.optimum(problem)
        run = l2o.rollout(l2o.optimizer("ista"), problem, l2o.synthetic.starts(problem, seed=seed), 40)
        gaps.append(run.objective.numpy()[:, -1] - certified.lower)
    gap = np.concatenate(gaps)
    np.testing.assert_allclose(statement.sample.gap_up[:, -1], gap, rtol=1e-6, atol=1e-12)
    assert (statement.sample.gap_up[:, -1] >= gap).all()
    for i, eps in enumerate(statement.eps):
        assert statement.successes[i, -1] == (gap <= eps).sum()
        assert statement.final[i] == proportion_lower((gap <= eps).sum(), 50, 0.05)
    assert 0 < statement.final[1] < statement.final[0] < 1
    assert statement.recorded[[0, -1]].tolist() == [0, 40]
    assert (statement.probability.lower[:, -1] <= statement.final).all()
    assert (statement.gap_curves.lower <= statement.gap_curves.sample).all()
    assert (statement.gap_curves.sample <= statement.gap_curves.upper).all()
    assert (statement.sample.gap_low <= statement.sample.gap_up).all()


def test_proximal_gradient_has_no_deviation_and_keeps_its_bounds(statement: Guarantee) -> None:
    assert statement.within.tolist() == [50]
    assert statement.deviation_final[0] == pytest.approx(0.05 ** (1 / 50))
    assert statement.sample.deviation.max() < 1e-9
    gap, last, worst = statement.sample.gap_up[:, -1], statement.sample.last_iterate, statement.sample.worst_case
    assert (gap <= last).all()
    np.testing.assert_allclose(last, worst, rtol=1e-6)  # B6c is attained where e_k = 0
    low, up = statement.bound_quantiles("worst_case")
    assert (low <= up).all()


def test_a_new_sample_agrees_with_the_statement(statement: Guarantee) -> None:
    """Measured on other instances: 1,000 of them, another seed."""
    fresh = verification.guarantee("ista", SMALL, 40, eps=(1e-2, 1e-4), instances=1000, seed=7, batch=500, points=1)
    share = (fresh.sample.gap_up[:, -1][None] <= np.array(statement.eps)[:, None]).mean(axis=1)
    assert (statement.final <= share + 0.02).all()


def test_the_same_again_whatever_is_asked(statement: Guarantee) -> None:
    again = verification.guarantee("ista", SMALL, 40, eps=1e-3, instances=50, batch=20)
    for name in ("gap_low", "gap_up", "deviation", "diverged_at"):
        np.testing.assert_array_equal(getattr(statement.sample, name), getattr(again.sample, name))
    assert (again.sample.last_iterate, again.bound_quantiles("last_iterate")) == (None, None)
    other = verification.guarantee("ista", SMALL, 40, instances=50, batch=20, seed=1)
    assert not (other.sample.gap_up[:, -1] == statement.sample.gap_up[:, -1]).any()


def test_it_comes_back_from_a_file(statement: Guarantee, tmp_path: Path) -> None:
    path = statement.save(tmp_path / "g.npz")
    back = Guarantee.load(path)
    assert json.dumps(back.to_dict(), allow_nan=False) == json.dumps(statement.to_dict(), allow_nan=False)
    assert back.summary() == statement.summary()
    assert back.save(tmp_path / "again.npz").read_bytes() == path.read_bytes()
    with np.load(path) as written:
        arrays = dict(written)
    for name, changed in (("gap_low", arrays["gap_low"] + 0j), ("diverged_at", arrays["diverged_at"] + 0.5)):
        np.savez(tmp_path / "kinds.npz", **{**arrays, name: changed})
        with pytest.raises(l2o.InputError, match="not a guarantee written by"):
            Guarantee.load(tmp_path / "kinds.npz")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(l2o.InputError, match="not a guarantee written by"):
        Guarantee.load(path)
    np.savez(tmp_path / "other.npz", meta=np.frombuffer(b'{"format": 1}', dtype=np.uint8))
    with pytest.raises(l2o.InputError, match="make it again"):
        Guarantee.load(tmp_path / "other.npz")


def test_it_says_what_it_is_about(statement: Guarantee) -> None:
    text = statement.summary()
    assert "not for a single instance, not for another distribution" in text
    assert "confidence 0.95 over the sample of 50" in text
    assert "P(F(x_40) - F* <= 0.01) >= 0." in text
    assert guarantees.result.floored(0.99999) == "0.9999"  # rounded down


class Lost:
    """Proximal gradient steps, but for instances with x_0 > 0 in the first variable, which run away or to NaN."""

    name = "lost"

    def __init__(self, how: float) -> None:
        self.base, self.how = l2o.optimizer("ista"), how

    def init(self, problem: Any, x0: Any, seed: int = 0) -> Any:
        self.bad = x0[:, :1] > 0
        return self.base.init(problem, x0, seed=seed)

    def step(self, problem: Any, state: Any) -> Any:
        after = self.base.step(problem, state)
        return replace(after, x=torch.where(self.bad, self.how * state.x, after.x))


@pytest.mark.parametrize("how", [1e4, math.nan, math.inf])
def test_runs_that_are_lost_count_as_failures(how: float) -> None:
    plain = verification.guarantee("ista", SMALL, 60, eps=10.0, rho=1e9, instances=30)
    result = verification.guarantee(Lost(how), SMALL, 60, eps=10.0, rho=1e9, instances=30)
    assert 0 < result.diverged < 30
    assert plain.successes[0, -1] == 30
    assert result.successes[0, -1] == 30 - result.diverged == result.within[0]
    missing = result.sample.diverged_at >= 0
    assert np.isposinf(result.sample.gap_up[missing, -1]).all()
    np.testing.assert_array_equal(result.sample.gap_up[~missing], plain.sample.gap_up[~missing])
    assert (result.final <= plain.final).all()
    assert (result.gap_curves.upper >= plain.gap_curves.upper).all()
    assert f"{result.diverged} runs diverged" in result.summary()
    json.dumps(result.to_dict(), allow_nan=False)


def test_what_is_not_certified_counts_as_a_failure(statement: Guarantee) -> None:
    certified = verification.optimum(l2o.lasso(np.eye(3), np.ones((3, 3)), 0.1))
    blank = replace(certified, lower=np.array([certified.lower[0], -np.inf, certified.upper[2] + 1.0]))
    objective = np.repeat(certified.upper[:, None], 2, axis=1) + np.array([1.0, 0.0])
    gap = gaps(objective, blank, np.full((3, 2), 1e-12))
    low, up = gap.low, gap.high
    np.testing.assert_allclose(up[0], [1, 1e-12], rtol=1e-2)
    assert np.isposinf(up[1]).all()
    assert np.isposinf(up[2, 1])  # F(x) below a "lower bound": something is wrong, and nothing is claimed
    assert (low[:, 1] == 0).all()
    sample = replace(statement.sample, gap_up=np.where(np.arange(50)[:, None] < 5, np.inf, statement.sample.gap_up))
    fewer = replace(statement, sample=replace(sample, certified=np.arange(50) >= 5))
    assert (fewer.final < statement.final).all()
    assert fewer.uncertain == 5
    assert (
        fewer.undecided[:, -1] == (statement.sample.gap_low[:5, -1] <= np.array(statement.eps)[:, None]).sum(axis=1)
    ).all()


def test_deviations_that_are_not_known_are_the_largest() -> None:
    rho = np.array([[0.1, 0.5, 0.2], [0.1, np.nan, 0.2], [0.3, 0.2, 0.1]])
    objective = np.array([[1.0, 1, 1, 1], [1, 1, 1, 1], [1, 1, np.nan, np.nan]])
    expected = [[0, 0.1, 0.5, 0.5], [0, 0.1, np.inf, np.inf], [0, 0.3, np.inf, np.inf]]
    np.testing.assert_array_equal(largest_deviation(rho, objective), expected)


class Coupled(Lost):
    """A step that depends on the whole batch."""

    name = "coupled"

    def init(self, problem: Any, x0: Any, seed: int = 0) -> Any:
        return self.base.init(problem, x0, seed=seed)

    def step(self, problem: Any, state: Any) -> Any:
        after = self.base.step(problem, state)
        return replace(after, x=after.x - 0.01 * after.x.mean(dim=0))


def test_steps_that_depend_on_the_batch_are_no_independent_sample() -> None:
    with pytest.raises(l2o.InputError, match=r"depend on the others in its batch.*batch = 1"):
        verification.guarantee(Coupled(0.0), SMALL, 3, instances=8)
    assert verification.guarantee(Coupled(0.0), SMALL, 3, instances=3, batch=1).instances == 3


@pytest.mark.parametrize(
    ("changed", "sentences"),
    [
        ({"delta": 0.0}, "delta must be a number in"),
        ({"delta": 1}, "delta must be a number in"),
        ({"delta": "x"}, "delta must be a number in"),
        ({"instances": 0}, "instances, an integer >= 1, got 0"),
        ({"instances": 2.5}, "instances, an integer >= 1, got 2.5"),
        ({"eps": 0.0}, "eps must be finite and > 0, got 0"),
        ({"eps": (1e-3, -1.0)}, "eps must be finite and > 0, got -1"),
        ({"eps": math.nan}, "eps must be finite"),
        ({"eps": ()}, "eps is empty"),
        ({"rho": -0.1}, "rho must be finite and >= 0"),
        ({"quantiles": (0.5, 1.0)}, "a quantile must be a number in"),
        ({"quantiles": ()}, "quantiles is empty"),
        ({"steps": 0}, "steps must be an integer >= 1"),
        ({"batch": 0}, "batch must be an integer >= 1"),
        ({"points": -1}, "points must be an integer >= 0"),
        ({"family": "nothing"}, "unknown family 'nothing'; expected one of lasso"),
        ({"family": "breast_cancer"}, "no independent draws"),
        ({"family": "patches"}, "no independent draws"),
        ({"family": {"famly": "lasso"}}, "famly"),
        ({"family": 3}, "family must be"),
        ({"family": {"family": "lasso", "rows": 0}}, "rows"),
        ({"seed": 1000}, "seed"),
        ({"optimizer": "nobody"}, "nobody"),
    ],
)
def test_wrong_input_is_one_clear_error(changed: dict[str, Any], sentences: str) -> None:
    with pytest.raises(l2o.InputError, match=sentences):
        verification.guarantee(**{"optimizer": "ista", "family": SMALL, "steps": 2, "instances": 2, **changed})


@pytest.mark.parametrize("family", ["logistic_l1", "quadratic", "simplex_least_squares"])
def test_other_families_and_shifts(family: str) -> None:
    fields = {"family": family, "rows": 8, "dim": 4, "s": 1.0, "t": 0.5}
    result = verification.guarantee("fista", fields, 30, eps=1e-2, instances=12, compare=True)
    assert result.uncertain == 0
    assert (result.sample.gap_up >= result.sample.gap_low).all()
    assert result.sample.worst_case is None  # 30 steps are too many to solve for
    assert "s = 1.0, t = 0.5" in result.summary()


def test_accelerated_steps_stay_below_their_exact_worst_case() -> None:
    result = verification.guarantee("fista", SMALL, 3, instances=5, compare=True)
    assert (result.sample.gap_up[:, -1] <= result.sample.worst_case).all()


@pytest.mark.parametrize("case", ["own step", "not convex"])
def test_there_is_no_worst_case_where_none_is_known(case: str) -> None:
    optimizer = l2o.optimizer("ista", step=0.1) if case == "own step" else "ista"
    family = SMALL if case == "own step" else {**SMALL, "family": "student_t_l1"}
    result = verification.guarantee(optimizer, family, 3, instances=3, compare=True)
    assert result.sample.worst_case is None
    assert np.isfinite(result.sample.last_iterate).all() == (case == "own step")


def test_a_learned_optimizer_by_its_name_has_its_weights() -> None:
    result = verification.guarantee("go-math-l2o", SMALL, 2, instances=2)
    assert result.optimizer == "go-math-l2o:lasso"


@pytest.mark.slow
def test_the_figure_is_the_same_bytes(statement: Guarantee, tmp_path: Path) -> None:
    from l2obound.verification.guarantees.figures import figure, write_figure
    from l2obound.verification.pages.figure_export import file_bytes

    first, second = (write_figure(statement, tmp_path / name) for name in ("a", "b"))
    assert [p.name for p in first] == ["guarantee.svg", "guarantee.pdf"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    nothing = Sample(
        *(np.full((50, len(statement.recorded)), np.inf) for _ in range(3)), np.zeros(50, int), np.zeros(50, bool)
    )
    assert file_bytes(figure(replace(statement, sample=nothing)), "svg")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["l2obound", "guarantee", *arguments])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code or 0


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    small = ("ista", "--rows", "6", "--dim", "10", "--instances", "20", "--steps", "10", "--eps", "1", "--s", "1")
    assert run(monkeypatch, *small, "--out", str(tmp_path)) == 0
    assert re.search(r"^P\(F\(x_10\) - F\* <= 1\) +at least 0\.\d{4} +\d+ of \d+$", capsys.readouterr().out, flags=re.M)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"guarantee.npz", "guarantee.json", "guarantee.svg", "guarantee.pdf"}
    assert run(monkeypatch, *small, "--json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "guarantee.json").read_text())
    for wrong in (("--delta", "2"), ("--instances", "0"), ("--eps", "0"), ("--problem", "nothing")):
        assert run(monkeypatch, *small, *wrong) == 2
        says = capsys.readouterr().err
        assert wrong[0] in says or says.strip().startswith("error: guarantee: ")
        assert "Traceback" not in says


def test_an_optimizer_is_left_as_it_was() -> None:
    optimizer: Optimizer = l2o.optimizer("ista")
    before = repr(optimizer)
    verification.guarantee(optimizer, SMALL, 2, instances=3)
    assert repr(optimizer) == before
