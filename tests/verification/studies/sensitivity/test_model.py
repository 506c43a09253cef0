"""The sensitivity of a model of one's own: deviations of known size, and guarantees that end where they must."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from l2obound import l2o
from l2obound.verification import verify
from l2obound.verification.cli import app as cli
from l2obound.verification.studies.sensitivity import MODEL_STUDY, PATTERNS, StepScale, perturbed, sensitivity_of
from tests.helpers.briefs import checked

MINE = '''
import torch


class Net(torch.nn.Module):
    """An LSTM for each coordinate, beside a gradient step."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.cell = torch.nn.LSTMCell(2, 4)
        self.head = torch.nn.Linear(4, 1)

    def forward(self, x, gradient, state=None):
        features = torch.stack([x, gradient], dim=-1).reshape(-1, 2)
        state = self.cell(features, state)
        return x - 0.05 * gradient + 0.01 * self.head(state[0]).reshape(x.shape), state


def make():
    return Net()
'''


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "cache"))


def smooth(batch: int = 2) -> l2o.Composite:
    return l2o.synthetic.quadratic(batch, 5, seed=1)


def lasso(batch: int = 2) -> l2o.Composite:
    return l2o.synthetic.lasso(batch, 8, 12, sparsity=3, seed=1)


def norms(a: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(a, dim=-1)


@settings(max_examples=8)
@given(st.sampled_from([n for n in PATTERNS if n != "momentum-weight"]), st.floats(0.0, 2.0), st.integers(0, 99))
def test_where_r_is_zero_exactly_the_size_is_added(pattern: str, size: float, seed: int) -> None:
    """One step from any point: L ||e - e of the base|| / ||G|| is the size, and G is that of the base."""
    problem = smooth()
    x0 = l2o.synthetic.starts(problem, seed=seed)
    runs = [l2o.rollout(perturbed("fista", pattern, s, seed), problem, x0, 2) for s in (0.0, size)]
    plain, moved = runs
    added = (
        norms(moved.deviation - plain.deviation)[:, 0] * problem.smoothness / norms(plain.generalized_gradient)[:, 0]
    )
    torch.testing.assert_close(moved.generalized_gradient[:, 0], plain.generalized_gradient[:, 0])
    expected = 0.0 if pattern == "momentum" else size  # there is no step before the first one
    torch.testing.assert_close(added, torch.full_like(added, expected), rtol=1e-9, atol=1e-12)


def test_the_exact_step_has_the_rho_that_is_added() -> None:
    for pattern in PATTERNS:
        if pattern != "momentum-weight":
            run = l2o.rollout(perturbed("ista", pattern, 0.6), smooth(), l2o.synthetic.starts(smooth()), 6)
            rho = run.relative_deviation[:, 1:]
            torch.testing.assert_close(rho, torch.full_like(rho, 0.6))


def test_a_long_step_is_that_of_the_existing_pattern() -> None:
    x0 = l2o.synthetic.starts(smooth())
    pair = [l2o.rollout(o, smooth(), x0, 8).x for o in (perturbed("ista", "long-step", 0.7), StepScale(0.7))]
    torch.testing.assert_close(pair[0], pair[1])


def test_runs_on_a_set_start_in_it() -> None:
    problem = l2o.synthetic.simplex_least_squares(2, 6, 5, seed=1)
    result = sensitivity_of("ista", problem, patterns=("long-step",), sizes=(0.0, 0.5), steps=4, horizon=9, refine=0)
    assert not result.broken
    assert all(c.gap_largest is not None and c.gap_largest < 1 for c in result.cells)


class Tuple(NamedTuple):
    x: torch.Tensor


class Plain:
    def __init__(self, x: torch.Tensor) -> None:
        self.x = x


@dataclass(frozen=True)
class Gradient:
    """Gradient steps, with states of a kind."""

    kind: Any

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return self.kind(x0)

    def step(self, problem: l2o.Composite, state: Any) -> Any:
        step = (1 / problem.smoothness).unsqueeze(-1)
        return self.kind(problem.nonsmooth.prox(state.x - step * problem.smooth.gradient(state.x), step))


@pytest.mark.parametrize(
    "base", ["ista", "fista", "go-math-l2o", "adam", "heavy-ball", Gradient(Tuple), Gradient(Plain)], ids=str
)
def test_size_zero_changes_no_bit_and_records_are_true(base: Any) -> None:
    problem = smooth()
    x0 = l2o.synthetic.starts(problem)
    plain = l2o.rollout(base, problem, x0, 5)
    assert torch.equal(l2o.rollout(perturbed(base, "long-step", 0.0), problem, x0, 5).x, plain.x)
    run = l2o.rollout(perturbed(base, "bias-random", 0.3, seed=3), problem, x0, 5)
    assert not torch.equal(run.x, plain.x)
    assert verify(run, problem, "per_step_descent").data
    assert all(check.holds.all() for check in verify(run, problem, "per_step_descent").data)
    assert torch.equal(run.x, l2o.rollout(perturbed(base, "bias-random", 0.3, seed=3), problem, x0, 5).x)
    assert not torch.equal(run.x, l2o.rollout(perturbed(base, "bias-random", 0.3, seed=4), problem, x0, 5).x)


@pytest.mark.parametrize("pattern", ["long-step", "worst-signs", "bias-random", "momentum-weight"])
def test_records_with_a_prox_and_without_one_are_true(pattern: str) -> None:
    problems = [lasso(), l2o.synthetic.simplex_least_squares(2, 6, 5, seed=1)]
    for problem in problems:
        x0 = problem.nonsmooth.prox(l2o.synthetic.starts(problem), torch.ones(2, problem.dim, dtype=torch.float64))
        for base in ("fista", Gradient(Tuple)):
            run = l2o.rollout(perturbed(base, pattern, 0.4), problem, x0, 5)
            checked = verify(run, problem, "per_step_descent")
            assert all(check.holds.all() for check in checked.data)
            assert str(checked.overall) == "verified"


def test_a_guarantee_ends_where_it_must() -> None:
    """B8 asks rho < 1 and B1 is vacuous from 1 on; the exact step plus a deviation of the size has rho = size."""
    patterns = ("short-step", "long-step")
    result = sensitivity_of("ista", smooth(), patterns=patterns, sizes=(0.0, 0.75, 1.25), steps=4, horizon=30, refine=2)
    assert not result.broken
    for pattern in patterns:
        b8, b1 = result.end(pattern, "B8"), result.end(pattern, "B1")
        assert (b8.applies.to, b8.applies.until) == (0.875, 1.0)
        assert "sigma_k < h" in b8.why or "vacuous" in b8.why
        assert b1.stands.to is not None
        assert b1.stands.until is not None
        assert 0.875 <= b1.stands.to < b1.stands.until <= 1.125  # at 1 rounding decides
        b3 = result.end(pattern, "B3")
        assert b3.applies.to == 0.0
    whole = result.select(pattern="long-step", size=0.75)[0]
    assert whole.rho_largest == pytest.approx(0.75)
    assert whole.of("B8").share > result.tried[0].of("B8").share  # the guarantee grows with rho
    assert all(c.gap_largest <= c.of("B6c").share * 1.01 for c in result.cells if c.of("B6c").applies)
    assert result.select(pattern="short-step", size=1.25)[0].diverged == 2
    # a model whose own rho is 0.5 has half of the region left
    half = sensitivity_of(
        StepScale(0.5), smooth(), patterns=("long-step",), sizes=(0.0, 0.25, 0.75), steps=2, horizon=5, refine=1
    )
    assert (half.end("long-step", "B8").applies.to, half.end("long-step", "B8").applies.until) == (0.25, 0.5)


def test_a_model_outside_of_a_guarantee_is_told_so() -> None:
    result = sensitivity_of(StepScale(1.5), smooth(), patterns=("long-step",), sizes=(0.0, 0.1), steps=4, horizon=20)
    end = result.end("long-step", "B8")
    assert (end.applies.to, end.applies.until) == (None, 0.0)
    assert "B8 does not cover the model even without a deviation" in " ".join(MODEL_STUDY.lines(result))
    assert "diverge already" in " ".join(MODEL_STUDY.lines(result))
    brief = checked(MODEL_STUDY, result)
    assert "B8" in brief.sentences[-1]
    assert brief.sentences[-1].endswith("nothing even without a deviation.")
    assert ["B8", "–", "–"] in [list(row) for row in brief.rows]  # where no bound says anything all of them are shown


@dataclass(frozen=True)
class Liar:
    """Gradient steps that name a prox which they did not take."""

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> LiarState:
        return LiarState(x0)

    def step(self, problem: l2o.Composite, state: LiarState) -> LiarState:
        step = (1 / problem.smoothness).unsqueeze(-1).expand_as(state.x)
        return LiarState(state.x - step * problem.smooth.gradient(state.x), state.x + 1, step)


@dataclass(frozen=True)
class LiarState:
    x: torch.Tensor
    prox_argument: torch.Tensor | None = None
    preconditioner: torch.Tensor | None = None


def test_a_run_that_breaks_a_bound_is_broken() -> None:
    result = sensitivity_of(Liar(), lasso(), patterns=("long-step",), sizes=(0.0,), steps=3, horizon=5)
    assert result.broken
    assert "A bound is violated" in MODEL_STUDY.lines(result)[-1]


def test_the_command_takes_a_model_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_lstm.py").write_text(MINE)
    p = lasso(1)
    np.savez("data.npz", A=p.smooth.arrays()["A"][0], y=p.smooth.arrays()["y"][0], lam=0.1)
    words = ["--optimizer", "mine_lstm.py:make", "--data", "data.npz", "--pattern", "long-step", "--steps", "4"]
    done = CliRunner().invoke(cli.app, ["sensitivity", *words, "--size", "0.5", "--quick", "--json", "--out", "o"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["label"] == "Net" or "mine_lstm" in data["label"]
    assert data["data"] == "lasso of data.npz"
    assert {(c["pattern"], c["size"]) for c in data["cells"]} == {("long-step", 0.0), ("long-step", 0.5)}
    assert data["settings"]["steps"] == 4
    page = Path(data["page"]).read_text(encoding="utf-8")
    for words_of_page in ("Where each guarantee ends", "Proved: the bounds", "Measured: rho", "<svg"):
        assert words_of_page in page
    with open(Path(data["page"]).with_suffix(".csv"), newline="") as file:
        table = list(csv.DictReader(file))
    assert {row["bound"] for row in table} >= {"B3", "B6", "B6b", "B6c", "B8", "B13"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--optimizer", "ista", "--problem", "lasso", "--problem", "quadratic"], "give one, got lasso, quadratic"),
        (["--data", "none.npz", "--rows", "3"], "has its own size"),
        (["--optimizer", "nosuch"], "nosuch"),
    ],
)
def test_what_does_not_fit_is_an_error(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["sensitivity", *arguments])
    assert isinstance(done.exception, l2o.InputError)
    assert words in str(done.exception)


def test_wrong_settings_are_errors() -> None:
    with pytest.raises(l2o.InputError, match="pattern: expected one of"):
        perturbed("ista", "wave", 0.1)
    with pytest.raises(l2o.InputError, match="size: expected a number"):
        perturbed("ista", "momentum", -0.1)
    with pytest.raises(l2o.InputError, match="remembers the residual"):
        l2o.rollout(perturbed("coordinate-descent", "momentum", 0.1), lasso(), l2o.synthetic.starts(lasso()), 2)
    with pytest.raises(l2o.InputError, match="sizes: expected increasing numbers from 0"):
        sensitivity_of("ista", smooth(), sizes=(0.1,))
    with pytest.raises(l2o.InputError, match="expected a problem"):
        sensitivity_of("ista", "lasso")
    assert MODEL_STUDY.quick(replace(sensitivity_settings(), patterns=("short-step",))).patterns == ("short-step",)


def sensitivity_settings() -> Any:
    return MODEL_STUDY.settings("ista", smooth())
