"""The boundary of B14, the size of L, a wrong L, and what is written."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from l2obound import bounds, l2o
from l2obound.l2o.optimizers.scheduled import Scheduled
from l2obound.verification.runs.inspection import as_numpy
from l2obound.verification.studies.conditioning import (
    STUDY,
    Cell,
    Conditioning,
    Point,
    Settings,
    _theory,
    conditioning,
    figures,
    headline,
    lines,
    stability_maps,
    survives,
    with_declared_L,
    write,
)
from l2obound.verification.studies.conditioning import _heads as heads
from l2obound.verification.studies.conditioning import _invariance as invariance
from l2obound.verification.studies.conditioning._points import FLOAT32, FLOAT64, field, stacked
from l2obound.verification.studies.conditioning._stability import frozen, growth
from tests.helpers.briefs import checked

pytestmark = pytest.mark.slow  # by default the code of docs/conditioning.md runs the study

SMALL = Settings(
    methods=("go-math-l2o", "displacement, Q x step", "gradient step"),
    kappas=(1.0, 100.0, 1e6),
    Ls=(1e-6, 10.0, 1e8),
    cs=(0.3, 1.0, 2.0),
    pair_kappas=(1e6,),
    pair_cs=(2.0,),
    instances=1,
    steps=300,
    map_r=7,
    map_q=8,
    map_bs=(0.5,),
    map_kappas=(1.0, 100.0),
    map_steps=1000,
    heads_steps=40,
    invariance_steps=10,
    decade_step=20,
)
GRID: dict[str, Any] = {
    "r": np.linspace(0.07, 3.9, 9), "q": np.linspace(0.03, 2.9, 10), "bs": (0.5,), "kappas": (1.0, 30.0), "steps": 1000,
    "margin": 0.02,
}  # fmt: skip


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Conditioning:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return conditioning(SMALL)


def test_rollouts_grow_where_b14_says_so_and_nowhere_else() -> None:
    for outcome in stability_maps(**GRID):
        assert outcome.disagreements == []
        assert outcome.clear.mean() > 0.8
        assert 0 < outcome.predicted.mean() < 1


def test_a_wrong_limit_or_a_wrong_recurrence_disagrees() -> None:
    def too_strict(r: Any, q: Any, b: Any, kappa: float) -> np.ndarray:
        return _theory.modes_stable(r, np.asarray(q) + 0.5, b, kappa)

    def without_r(r: Any, q: Any, b: Any, kappa: float) -> np.ndarray:  # the limit of large kappa, for every kappa
        return _theory.modes_stable(r, q, b, kappa) & (np.broadcast_arrays(q, r)[0] < 1)

    class Other(Scheduled):
        """v keeps the whole displacement: v = b v + (x - x+), without the factor 1 - b."""

        def step(self, problem: l2o.Composite, state: Any) -> Any:
            after = super().step(problem, state)
            b = float(self.momentum[state.index, 1])
            return replace(after, memory=b * state.memory + (state.x - after.x))

    def make(step: float, q: float, b: float, steps: int) -> Scheduled:
        return Other("go_math", np.full(steps, step), np.tile([q, b], (steps, 1)))

    coarse = {**GRID, "q": GRID["q"][::2]}
    assert sum(len(m.disagreements) for m in stability_maps(**coarse, predict=too_strict)) > 3
    assert sum(len(m.disagreements) for m in stability_maps(**coarse, predict=without_r)) > 3
    assert sum(len(m.disagreements) for m in stability_maps(**coarse, make=make)) > 3


@pytest.mark.parametrize(("r", "b", "kappa"), [(1.0, 0.5, 1.0), (0.8, 0.9, 10.0), (1.9, 0.2, 3.0)])
def test_on_either_side_of_the_limit_on_q(r: float, b: float, kappa: float) -> None:
    edge = float(_theory.limit(r / kappa, b))
    assert edge == pytest.approx(1 + r / kappa * b / (1 - b))
    for q, grows in ((edge - 0.01, False), (edge + 0.01, True)):
        factor = growth(frozen(1.0, q, b, 6000), np.array([r]), np.array([kappa]), 6000)
        assert bool(factor[0] > 1) == grows
        assert bool(_theory.modes_stable(r, q, b, kappa)) != grows


@pytest.mark.parametrize(("q", "b"), [(0.0, 0.5), (0.5, 0.5), (0.04, 0.003)])
def test_on_either_side_of_the_limit_on_the_step(q: float, b: float) -> None:
    low, high = 1.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _theory.modes_stable(middle, q, b) else (low, middle)
    factors = growth(frozen(1.0, q, b, 6000), low * np.array([0.995, 1.005]), np.ones(2), 6000)
    assert (factors > 1).tolist() == [False, True]


def test_a_frozen_network_is_the_frozen_recurrence() -> None:
    """GO-Math-L2O with weights 0 has heads that do not move: sigmoids of its biases."""
    model = l2o.optimizer("go-math-l2o", seed=0)
    bias = {"r": 0.4, "q": -0.3, "b": 0.2}
    weights = {name: torch.zeros_like(w) for name, w in model.parameters.items()}
    for head, value in bias.items():
        weights[f"linear_{head}.bias"] = torch.full_like(weights[f"linear_{head}.bias"], value)
    model = model.with_parameters(weights)
    r, q, b = heads.limiting_heads(model)
    sigmoid = {name: 1 / (1 + np.exp(-value)) for name, value in bias.items()}
    assert (r, q, b) == pytest.approx((2 * 0.9999 * sigmoid["r"], 2 * sigmoid["q"], sigmoid["b"]))
    problem = l2o.synthetic.quadratic(2, 5, condition=10.0)
    x0 = l2o.synthetic.starts(problem)
    one, two = (l2o.rollout(o, problem, x0, 30) for o in (model, frozen(r, q, b, 30)))
    torch.testing.assert_close(one.x, two.x)
    measured = heads.heads("m", model, "quadratic", problem, 10.0, 10)
    assert measured.r == pytest.approx((r, r, r))
    assert (measured.outside, measured.q_beyond, measured.grew) == (0.0, 0.0, 0)
    beyond = model.with_parameters({**weights, "linear_q.bias": torch.full_like(weights["linear_q.bias"], 0.5)})
    measured = heads.heads("m", beyond, "quadratic", problem, 10.0, 10)
    assert (measured.outside, measured.q_beyond) == (1.0, 1.0)
    with pytest.raises(l2o.InputError, match="displacement"):
        heads.heads("m", l2o.optimizer("go-math-l2o", gradient_map="standard"), "quadratic", problem, 10.0, 1)
    assert heads.limiting_heads(l2o.optimizer("go-math-l2o", gradient_map="standard")) is None


def test_which_wrong_l_is_survived() -> None:
    gradient = survives("gradient step", 1.0, 0.0, 0.5, 100.0)
    assert gradient.agree
    assert gradient.predicted[0] == pytest.approx(0.5, rel=0.02)
    assert gradient.predicted[1] is None
    beyond = survives("beyond", 1.0, 1.2, 0.5, 10.0)
    assert beyond.agree
    assert beyond.predicted[1] == pytest.approx(0.5, rel=0.03)  # 1.2 < 1 + 1/(10 c)
    none = survives("none", 1.0, 1.2, 0.5, 1e4)
    assert none.agree
    assert none.none_predicted
    assert none.none_observed
    shorter = survives("x", 1.0, 0.0, 0.5, 100.0, predict=lambda r, q, b, k: _theory.modes_stable(2 * r, q, b, k))
    assert not shorter.agree


def test_limits_come_from_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    real = bounds.get
    monkeypatch.setattr(_theory.bounds, "get", lambda n: real(n).replace(rhs=2 * real(n).rhs))
    for cached in (_theory._limit, _theory._sublinear, _theory._contraction):
        cached.cache_clear()
    try:
        assert float(_theory.limit(0.0, 0.5)) == 2.0
        assert _theory.promised_steps(1.0, 0.0, 0.1, 1e-2) == 500  # twice 1/(4 * 0.1 * 1e-2)
    finally:
        monkeypatch.undo()
        for cached in (_theory._limit, _theory._sublinear, _theory._contraction):
            cached.cache_clear()
    assert float(_theory.limit(0.0, 0.5)) == 1.0
    assert _theory.promised_steps(1.0, 0.0, 0.1, 1e-2) == 250
    assert _theory.promised_steps(1.0, 0.1, 1e-3, 1e-2) == np.ceil(np.log(1e-2) / np.log(0.9))
    assert _theory.promised_steps(0.4, 0.1, 1e-3, 1e-2) is None
    assert _theory.promised_steps(10.0, 0.1, 1e-3, 1e-2) > _theory.promised_steps(1.0, 0.1, 1e-3, 1e-2)
    assert not _theory.stable_at_large_kappa(1.0, 0.9, 1.2)


def test_promises_are_kept_by_gradient_steps() -> None:
    """B9 and B3 against runs, for a true and a wrong L, on both families."""
    from l2obound.verification.studies.conditioning._cells import promises
    from l2obound.verification.studies.conditioning._measure import follow

    points = [Point(k, L, c) for k, L, c in ((1.0, 10.0, 1.0), (30.0, 1e3, 2.0), (30.0, 10.0, 0.7), (10.0, 1e-3, 5.0))]
    for family in ("quadratic", "lasso"):
        made = field(family, points, 2, 1e-3, 0)
        traces = follow(l2o.optimizer("ista"), made, FLOAT64, 400, 1e-3)
        remaining = 0
        for point, promised in promises(made, 1e-3).items():
            for b, steps in zip(made.rows(point), promised):
                if steps is not None and steps <= 400:
                    assert 0 <= traces.reached[b] <= steps
                    remaining += 1
        assert remaining or family == "lasso"


@pytest.mark.parametrize("family", ["quadratic", "lasso"])
def test_a_field_is_what_it_says(family: str) -> None:
    points = [Point(100.0, 1e-6, 1.0), Point(100.0, 1e8, 0.5), Point(1.0, 10.0, 4.0)]
    made = field(family, points, 2, 1e-6, 0)
    L = np.repeat([p.L for p in points], 2)
    np.testing.assert_allclose(made.exact.smoothness, L, rtol=1e-12)
    np.testing.assert_allclose(made.seen.smoothness, L * np.repeat([p.c for p in points], 2), rtol=1e-12)
    x = torch.as_tensor(np.random.default_rng(0).standard_normal(made.x0.shape))
    np.testing.assert_allclose(
        made.exact.objective(x), made.judge.objective(x) * torch.as_tensor(made.factor), rtol=1e-9
    )
    torch.testing.assert_close(made.seen.smooth_gradient(x), made.exact.smooth_gradient(x))
    assert (made.lower <= made.upper).all()
    values = made.exact.smooth.map.gram_eigenvalues if family == "lasso" else made.exact.smooth.eigenvalues
    ratio = as_numpy(values[:, -1] / values[:, 0])
    np.testing.assert_allclose(ratio, np.repeat([p.kappa for p in points], 2), rtol=1e-9)


def test_a_wrong_L_changes_only_what_is_declared() -> None:
    problem = l2o.synthetic.lasso(3, 6, 8)
    wrong = with_declared_L(problem, 0.25)
    x = l2o.synthetic.starts(problem)
    torch.testing.assert_close(wrong.smoothness, problem.smoothness / 4)
    torch.testing.assert_close(wrong.objective(x), problem.objective(x))
    assert wrong.fingerprint() != problem.fingerprint()
    assert wrong.select([1]).smoothness.shape == (1,)
    assert wrong.to(torch.float32).smoothness.dtype == torch.float32
    one = l2o.rollout(l2o.optimizer("ista"), with_declared_L(problem, 2.0), x, 5)
    two = l2o.rollout(l2o.optimizer("ista", step=(0.5 / problem.smoothness).numpy()), problem, x, 5)
    torch.testing.assert_close(one.x, two.x)
    for bad in (0.0, -1.0, float("nan")):
        with pytest.raises(l2o.InputError, match="factor"):
            with_declared_L(problem, bad)


def _base() -> l2o.Composite:
    base = l2o.synthetic.lasso(1, 20, 40, sparsity=5, condition=10.0)
    return stacked([base], 1 / as_numpy(base.smoothness))


def test_the_default_does_not_see_the_size_of_L() -> None:
    row = next(r for r in invariance.rows() if r.name == "GO-Math displacement map, Q unscaled")
    decades = (-24, -20, -18, -6, -3, 8, 18, 20, 22)
    double = invariance.invariance(row, _base(), decades, (-6, 8), FLOAT64, 100)
    assert double.exact  # bit by bit at powers of 4
    assert double.blind
    assert double.agrees
    assert double.roundings < 100
    assert (double.exact_from, double.exact_to) == (1e-18, 1e20)  # as the guards of 1e-20 say
    guards = invariance.guards(_base(), FLOAT64)
    assert 1e-20 < guards["features_below"] < 1e-18
    assert 1e19 < guards["step_above"] < 1e21
    single = invariance.invariance(row, _base(), decades, (-6, 8), FLOAT32, 100)
    assert single.blind
    assert single.roundings < 100
    assert single.exact


def test_who_sees_L_is_found_and_a_wrong_claim_is_too() -> None:
    names = {"GO-Math standard map, Q unscaled": False, "GO-Math standard map, Q x step": True, "L2O-PA": False}
    for row in invariance.rows():
        if row.name in names:
            spread = invariance.invariance(row, _base(), (-6, 8), (-6, 8), FLOAT64, 30)
            assert spread.blind == names[row.name]
            assert spread.agrees
            other = replace(row, scaling="no" if row.scaling == "yes" else "yes")
            assert not invariance.invariance(other, _base(), (-6, 8), (-6, 8), FLOAT64, 30).agrees


def test_a_distance_that_no_count_of_roundings_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that nearly diverges is further from the other than float64 can count roundings: None, and no inf."""
    row = next(r for r in invariance.rows() if r.name == "GO-Math standard map, Q unscaled")
    monkeypatch.setattr(invariance, "_apart", lambda *a: np.array([0.0, 1e300]))
    monkeypatch.setattr(invariance, "_verdict", lambda *a: None)
    spread = invariance.invariance(row, _base(), (0, 1), (0, 1), FLOAT64, 3)
    assert spread.roundings is None
    assert not spread.blind
    assert spread.agrees


def test_the_small_result(result: Conditioning) -> None:
    assert result.broken == ()
    assert sum(result.failures().values()) == sum(c.failed for c in result.cells)
    default = result.select("L", method="go-math-l2o", family="lasso")
    assert {c.iterations for c in default if c.dtype == FLOAT64} == {default[0].iterations}
    assert {c.dtype for c in result.select("c and kappa")} == {FLOAT64}
    assert result.select("L", method="displacement, Q x step", L=1e8)[0].failed
    text = " ".join(lines(result))
    assert "needs no tuning" in text
    assert headline(result)[0] in text
    assert {row[0].partition(",")[0] for row in checked(STUDY, result).rows} >= {"L", "condition number"}
    assert set(figures(result)) == {"stability", "kappa", "L", "c"}
    assert "0 disagreements" in text


def test_what_is_broken_is_said(result: Conditioning) -> None:
    wrong = result.maps[0]
    flipped = replace(wrong, observed=~wrong.observed)
    bad = replace(
        result,
        maps=(flipped,),
        invariances=(replace(result.invariances[0], expected=False),),
        survivors=(replace(result.survivors[0], observed=(3.0, None)),),
        promises_broken=("a promise",),
    )
    assert len(bad.broken) == int(wrong.clear.sum()) + 3
    assert "disagreements of theory and runs" in " ".join(lines(bad))
    slow = replace(result, cells=tuple(replace(c, promised=10.0) for c in result.cells))
    from l2obound.verification.studies.conditioning._cells import broken_promises

    assert broken_promises(slow.cells, 300)
    assert not broken_promises(result.cells, 300)
    remaining = next(c for c in result.cells if c.method == "gradient step" and not c.failed and c.promised)
    assert not broken_promises([remaining], 300)
    late = replace(remaining, promised=min(remaining.iterations) - 1.0)  # it converges, and later than promised
    assert broken_promises([late], 300)


def test_failures_that_are_alike_at_each_L_are_not_its_doing(result: Conditioning) -> None:
    """With a central condition number that is too large for the steps every run fails, whatever L is."""

    def failing(c: Cell) -> Cell:
        return replace(c, causes=("conditioning",) * len(c.causes)) if "L" in c.axes else c

    hard = replace(result, cells=tuple(failing(c) for c in result.cells))
    sentences = headline(hard)[0]
    assert sentences.startswith("The size of L needs no tuning")
    assert "fails in 12 of 12 runs" in sentences
    assert "the same ones at each L (12 conditioning)" in sentences
    one = replace(hard, cells=tuple(failing(c) if c.L == 1e8 else c for c in result.cells))
    assert headline(one)[0].startswith("The size of L does matter")
    gentle = replace(result, cells=tuple(replace(c, causes=(None,)) for c in result.cells))
    assert not any("does harm" in line or "costs steps" in line for line in headline(gentle))
    assert any("does harm" in line for line in headline(result))


@pytest.fixture(scope="module")
def page(result: Conditioning, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(result, tmp_path_factory.mktemp("written"))


@pytest.mark.slow
def test_the_page_is_the_same_again(result: Conditioning, page: Path) -> None:
    assert STUDY.render(result) == page.read_text(encoding="utf-8")


def test_what_is_written(result: Conditioning, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count('class="plot"') == 5
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "NaN" not in text
    data = json.loads(page.with_name("conditioning.json").read_text(encoding="utf-8"))
    assert len(data["cells"]) == len(result.cells)
    assert data["broken"] == []
    with page.with_name("conditioning.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.cells)
    assert any("conditioning" in row["causes"] for row in rows)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers() -> None:
    tiny = replace(
        SMALL, families=("quadratic",), methods=("gradient step",), kappas=(1.0, 100.0), steps=40, map_r=3, map_q=3,
        map_kappas=(100.0,), heads_steps=5, invariance_steps=3,
    )  # fmt: skip
    one, two = (replace(conditioning(tiny), created="") for _ in range(2))
    assert one.to_dict() == two.to_dict()


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: Conditioning) -> None:
    from l2obound.verification.cli import app as cli
    from l2obound.verification.studies import conditioning as package

    planted = replace(package.STUDY, run=lambda settings, context: result)
    monkeypatch.setattr(package, "STUDY", planted)
    done = CliRunner().invoke(cli.app, ["conditioning", "--quick", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["page"] == str(tmp_path / "conditioning.html")
    assert json.loads(done.stdout)["failures"] == result.to_dict()["failures"]
    bad = replace(result, promises_broken=("a promise",))
    monkeypatch.setattr(package, "STUDY", replace(planted, run=lambda settings, context: bad))
    assert CliRunner().invoke(cli.app, ["conditioning", "--out", str(tmp_path)]).exit_code == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"families": ("cubic",)},
        {"methods": ("go-math-l2o",)},
        {"kappas": (0.0,)},
        {"eps": 2.0},
        {"steps": 3},
        {"methods": ()},
        {"kappas": (0.5,)},
        {"central_kappa": 0.0},
        {"Ls": ()},
        {"Ls": (1.0, 2.0)},  # no size of L to compare
        {"Ls": (1e40,)},
        {"map_steps": 400},
        {"map_bs": ()},
        {"map_bs": (1.0,)},  # v is frozen at 0: a gradient step, and no history
        {"map_kappas": (float("nan"),)},
        {"instances": 0},
        {"decade_step": 0},
        {"map_r": 1},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(l2o.InputError, match="expected"):
        Settings(**wrong)
