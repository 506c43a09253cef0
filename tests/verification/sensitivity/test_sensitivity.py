"""The numbers of theory, the cells, the correlations and the page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from typer.testing import CliRunner

import bounds
import l2o
from verification import optimum
from verification.sensitivity import (
    PATTERNS,
    Settings,
    StepScale,
    _measure,
    _theory,
    lines,
    pattern,
    sensitivity,
    spearman,
    write,
)
from verification.sensitivity._measure import Field, measure

SMALL = Settings(
    families=("quadratic", "lasso"),
    sizes=(0.0, 0.5, 1.1),
    shifts=(0.0,),
    batch=2,
    steps=4,
    horizon=60,
    trained=8,
    trained_steps=8,
    resamples=200,
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.mktemp("cache")))
        return sensitivity(SMALL)


def field(family: str = "quadratic") -> Field:
    problem = {"quadratic": l2o.synthetic.quadratic(2, 6, condition=10.0), "lasso": l2o.synthetic.lasso(2, 6, 8)}[
        family
    ]
    return Field(family, 0.0, problem, l2o.synthetic.starts(problem), optimum(problem))


def test_the_factor_of_the_theory_is_that_of_the_catalogue() -> None:
    assert _theory.vacuous_rho() == 1
    assert _theory.vacuous_delta_sum() == 2
    for rho in (0.0, 0.25, 0.5, 0.9):
        assert _theory.guarantee_factor(rho) == pytest.approx(1 / (1 - rho**2))
    assert _theory.guarantee_factor(1.0) is None
    for name, make in PATTERNS.items():
        expected = None if name == "momentum-weight" else 1.0
        assert _theory.vacuous_size(make) == {"B8": expected, "B13": expected}


def test_the_region_follows_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were B8 weaker, the region would be smaller: nothing is typed in again."""
    real = bounds.get
    sigma = bounds.quantities.VOCABULARY["sigma_max"].symbol
    monkeypatch.setattr(_theory.bounds, "get", lambda n: real(n).replace(rhs=real(n).rhs.subs(sigma, 2 * sigma)))
    for cached in (_theory._rate, _theory._factor, _theory.vacuous_rho):
        cached.cache_clear()
    assert _theory.vacuous_rho() == 0.5
    for cached in (_theory._rate, _theory._factor, _theory.vacuous_rho):
        cached.cache_clear()


def test_costs_are_those_of_the_exact_worst_case() -> None:
    none, half = _theory.costs([0.0, 0.5], 3)
    assert none["smooth"]["ratio"] == pytest.approx(1, abs=1e-3)
    assert none["composite"]["worth"] == pytest.approx(1, abs=1e-3)
    assert half["guarantee_factor"] == pytest.approx(4 / 3)
    # the factor of the guarantee is no bound on the cost: half steps alone cost a factor 2
    own = _theory.method_worst(False, "short-step", 0.5, 3).value
    assert own == pytest.approx(2 * _theory.exact_steps(False, 3), rel=1e-6)
    assert half["composite"]["ratio"] >= own / _theory.exact_steps(False, 3) > half["guarantee_factor"]
    assert half["composite"]["worst"] >= own
    assert half["smooth"]["worth"] > half["smooth"]["ratio"]


def test_worst_cases_that_are_not_finite_say_so() -> None:
    assert _theory.profile_worst(False, _theory.profile_of(np.full((1, 3), 1.1))).reason.startswith("+inf")
    assert _theory.profile_worst(True, _theory.profile_of(np.full((1, 2), 1.1))).value == pytest.approx(
        1.1**4 / 2, rel=1e-5
    )
    assert _theory.profile_of(np.array([[0.5 + 1e-10, 0.2], [0.3, 0.5 - 1e-10]])) == _theory.profile_of(
        np.full((1, 2), 0.5)
    )


def test_the_worst_case_instance_attains_its_number() -> None:
    """The run of the worst case is inside the region, has the deviation asked for, and uses all that is allowed."""
    worst = bounds.worst_case(steps=3, relative_error=0.6)
    run = l2o.rollout(l2o.method_from(worst), l2o.problem_from(worst), l2o.start_from(worst), 3)
    assert float(run.relative_deviation.max()) <= 0.6 + 1e-3
    assert (np.diff(run.objective.numpy()) < 0).all()
    asked = _theory.profile_worst(True, _theory.profile_of(np.full((1, 3), 0.6)))
    assert float(run.objective[0, -1]) == pytest.approx(asked.value, rel=1e-3)


def test_cells_are_within_what_is_guaranteed(result: object) -> None:
    assert not result.broken
    inside = [c for c in result.cells if c.guaranteed]
    assert len(inside) >= 2 * 2 * 7
    for cell in inside:
        assert cell.gap <= cell.closed_form
        assert cell.exact is None or cell.gap <= cell.exact
        assert cell.claimed or cell.nominal is None
    outside = [c for c in result.cells if c.size > 1]
    assert outside
    assert not any(c.guaranteed or c.closed_form is not None for c in outside)
    assert result.lost_at("long-step", "quadratic") == 1.1
    assert result.lost_at("short-step") is None
    assert result.measured_region("bias-random") == 0.5
    zero = {c.iterations for c in result.select(family="lasso", size=0.0)}
    assert len(zero) == 1


def test_what_a_run_breaks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"steps": 3, "horizon": 20, "eps": 1e-1}
    assert not measure(field(), "long-step", StepScale(0.5), **options).broken

    class Claims(StepScale):
        def nominal(self, run: l2o.Run) -> np.ndarray:
            return np.full(tuple(run.relative_deviation.shape), 0.5)

    found = measure(field(), "long-step", Claims(1.2), **options)
    assert any("claims rho < 1" in line for line in found.broken)
    assert any("not the nominal one" in line for line in found.broken)
    assert not found.guaranteed
    monkeypatch.setattr(_theory, "profile_worst", lambda smooth, profile: _theory.Worst(1e-9))
    found = measure(field("lasso"), "short-step", pattern("short-step", 0.5), **options)
    assert any("worst case of the profile" in line for line in found.broken)
    monkeypatch.undo()
    real = _measure.verify

    def half(*args: object, **more: object) -> object:
        bound = bounds.get(args[2])
        return real(args[0], args[1], bound.replace(rhs=bound.rhs / 1e4), **more)

    monkeypatch.setattr(_measure, "verify", half)
    assert "B8 is violated" in measure(field(), "short-step", pattern("short-step", 0.5), **options).broken


def test_spearman_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    a = rng.standard_normal(40)
    for b, sign in ((a**3, 1), (-a, -1)):
        value, low, high, _ = spearman(a, b, resamples=300)
        assert value == pytest.approx(sign)
        assert low == pytest.approx(sign)
        assert high == pytest.approx(sign)
    b = a + 2 * rng.standard_normal(40)
    value, low, high, p = spearman(a, b, resamples=300, seed=3)
    assert (value, p) == pytest.approx(tuple(spearmanr(a, b)))
    draw = np.random.default_rng(3).integers(0, 40, (300, 40))
    by_hand = [spearmanr(a[d], b[d]).statistic for d in draw]
    assert (low, high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])))
    assert spearman(a, b, resamples=300, seed=3) == (value, low, high, p)
    assert spearman(a, np.ones(40)) == (None,) * 4
    with pytest.raises(l2o.InputError, match="finite"):
        spearman(a, np.full(40, np.nan))


def test_an_interval_covers_the_correlation_about_as_often_as_it_says() -> None:
    """Of independent samples, about 95 % of the intervals hold 0."""
    rng = np.random.default_rng(0)
    kept = 0
    for i in range(100):
        _, low, high, _ = spearman(rng.standard_normal(40), rng.standard_normal(40), resamples=300, seed=i)
        kept += low <= 0 <= high
    assert kept >= 86


def test_the_correlations_of_trained_models(result: object) -> None:
    assert {c.model for c in result.correlations} == {"go-math-l2o", "l2o-pa"}
    assert {c.shift for c in result.correlations} == {0.0, 10.0}
    for c in result.correlations:
        assert c.n == 8
        assert c.value is None or c.low <= c.high


def test_what_is_written(result: object, tmp_path: Path) -> None:
    page = write(result, tmp_path).read_text(encoding="utf-8")
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "×1.33" in page
    data = json.loads((tmp_path / "sensitivity.json").read_text(encoding="utf-8"))
    assert len(data["cells"]) == len(result.cells)
    assert data["regions"]["long-step"] == {"B8": 1.0, "B13": 1.0}
    with (tmp_path / "sensitivity.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.cells)
    assert any("rho = 0.5: the guarantee B8 grows by ×1.33" in line for line in lines(result))
    assert any("no bound on what iterations cost" in line for line in lines(result))


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from verification import cli
    from verification import sensitivity as package

    monkeypatch.setattr(package, "Settings", lambda seed: SMALL)
    monkeypatch.setattr(package, "quick", lambda settings: settings)
    ask = ["sensitivity", "--quick", "--family", "quadratic", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.app, [*ask, "--pattern", "long-step", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["broken"] == 0
    assert {c["pattern"] for c in found["cells"]} == {"long-step"}
    assert Path(found["page"]).exists()
    for wrong in (["--pattern", "zigzag"], ["--family", "cubic"]):
        with pytest.raises(l2o.InputError, match="expected some of"):
            CliRunner().invoke(cli.app, [*ask[:2], *wrong], catch_exceptions=False)


def test_settings_that_make_no_sense() -> None:
    for wrong in ({"sizes": (0.1, 0.5)}, {"sizes": (0.0, 0.5, 0.2)}, {"eps": 0.0}, {"patterns": ()}):
        with pytest.raises(l2o.InputError, match="expected"):
            Settings(**wrong)
