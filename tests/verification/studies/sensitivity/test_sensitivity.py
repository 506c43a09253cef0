"""The numbers of theory, the cells, the correlations and the page."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from typer.testing import CliRunner

from l2obound import bounds, l2o
from l2obound.verification import optimum
from l2obound.verification.studies.sensitivity import (
    PATTERNS,
    STUDY,
    Settings,
    StepScale,
    _measure,
    _theory,
    lines,
    pattern,
    sensitivity,
    write,
)
from l2obound.verification.studies.sensitivity._measure import Field, measure
from tests.helpers.briefs import checked

pytestmark = pytest.mark.slow  # by default the code of docs/sensitivity.md runs the study

SMALL = Settings(
    families=("quadratic", "lasso"),
    sizes=(0.0, 0.5, 1.1),
    shifts=(0.0,),
    batch=2,
    steps=3,
    horizon=40,
    trained=8,
    trained_steps=8,
    resamples=200,
    also=(2,),
    widths=(4,),
    seeds=(0, 1),
    stages=(0, 2),
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.mktemp("cache")))
        return sensitivity(SMALL)


@pytest.fixture(scope="module")
def page(result: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is written of the result; a page takes longer to draw than the result to measure."""
    return write(result, tmp_path_factory.mktemp("written"))


# One family, pattern and training, for what is asked of the trainings alone.
TRAININGS = replace(
    SMALL, families=("quadratic",), patterns=("short-step",), sizes=(0.0, 0.5), also=(), steps=2, horizon=20, trained=0,
    resamples=20, seeds=(0,),
)  # fmt: skip


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
    assert result.diverges_at("long-step", "quadratic") == 1.1
    assert result.diverges_at("short-step") is None
    assert result.measured_region("bias-random") == 0.5
    zero = {c.iterations for c in result.select(family="lasso", size=0.0)}
    assert len(zero) == 1


def test_what_counts_as_reached_is_reached_for_certain() -> None:
    """With F* known to less, a run arrives later or not at all, though it is as near to the upper end as it was."""
    options = {"steps": 3, "horizon": 60, "eps": 1e-2}
    sharp = field()
    start = sharp.problem.objective(sharp.x0).numpy() - sharp.optimum.upper
    by_name = {}
    for room in (0.0, 0.005, 0.02):
        certified = replace(sharp.optimum, lower=sharp.optimum.lower - room * start)
        by_name[room] = measure(replace(sharp, optimum=certified), "short-step", StepScale(0.0), **options).iterations
    assert all(a < b for a, b in zip(by_name[0.0], by_name[0.005], strict=True))
    assert by_name[0.02] == (None, None)


def test_what_a_run_breaks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"steps": 3, "horizon": 20, "eps": 1e-1}
    assert not measure(field(), "long-step", StepScale(0.5), **options).broken

    class Claims(StepScale):
        def nominal(self, run: l2o.Run) -> np.ndarray:
            return np.full(tuple(run.relative_deviation.shape), 0.5)

    cell = measure(field(), "long-step", Claims(1.2), **options)
    assert any("claims rho < 1" in line for line in cell.broken)
    assert any("not the nominal one" in line for line in cell.broken)
    assert not cell.guaranteed
    monkeypatch.setattr(_theory, "profile_worst", lambda smooth, profile: _theory.Worst(1e-9))
    cell = measure(field("lasso"), "short-step", pattern("short-step", 0.5), **options)
    assert any("worst case of the profile" in line for line in cell.broken)
    monkeypatch.undo()
    real = _measure.verify

    def half(*args: object, **more: object) -> object:
        bound = bounds.get(args[2])
        return real(args[0], args[1], bound.replace(rhs=bound.rhs / 1e4), **more)

    monkeypatch.setattr(_measure, "verify", half)
    assert "B8 is violated" in measure(field(), "short-step", pattern("short-step", 0.5), **options).broken


def test_the_correlations_of_trained_models(result: object) -> None:
    names = {"go-math-l2o", "l2o-pa"}
    assert {c.model for c in result.correlations if c.family == "lasso"} == names
    assert {c.model for c in result.correlations if c.family == "quadratic"} == {
        f"{n} (trained on lasso)" for n in names
    }
    assert {c.shift for c in result.correlations} == {0.0, 10.0}
    assert {c.family for c in result.correlations} == {"quadratic", "lasso"}
    for c in result.correlations:
        assert c.n == 8
        assert c.value is None or c.low <= c.high


def test_shipped_models_whose_gaps_do_not_fall_are_told(result: object) -> None:
    """Planted: one that rises, by its name."""
    falling = [replace(c, rate_median=-0.1) for c in result.correlations]
    sentences = " ".join(lines(replace(result, correlations=tuple(falling))))
    assert "their gaps fall in the median; the region" in sentences
    rising = replace(falling[0], rate_median=0.1, model="this one", family="lasso", shift=3.0)
    sentences = " ".join(lines(replace(result, correlations=(rising, *falling))))
    assert "their gaps fall in the median, except those of this one on lasso at s = 3; the region" in sentences
    sentences = " ".join(lines(replace(result, correlations=(rising,))))
    assert "none of their gaps falls in the median. Many" in sentences


@pytest.mark.slow
def test_few_trainings_are_told_without_an_interval(result: object, page: Path) -> None:
    """Two trainings a family."""
    assert all(c.low is None and not c.clear for c in result.across)
    assert any("without an interval, n = 4" in line for line in lines(result))
    shown = re.sub(r"<script.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.S)
    assert "None" not in shown


def test_bounds_after_fewer_steps(result: object) -> None:
    for cell in result.cells:
        assert [at.steps for at in cell.by_steps] == [2, 3]
        last = cell.by_steps[-1]
        assert (last.gap, last.exact, last.closed_form, last.own) == (
            cell.gap, cell.exact, cell.closed_form, cell.own,
        )  # fmt: skip
        if cell.guaranteed:
            gaps = [at.gap for at in cell.by_steps]
            assert gaps == sorted(gaps, reverse=True)
            assert all(at.exact is None or at.gap <= at.exact for at in cell.by_steps)


def test_what_breaks_after_fewer_steps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = _theory.profile_worst
    monkeypatch.setattr(
        _theory, "profile_worst", lambda smooth, p: _theory.Worst(1e-9) if len(p) == 1 else real(smooth, p)
    )
    options = {"steps": 3, "horizon": 20, "eps": 1e-1}
    assert not measure(field(), "short-step", pattern("short-step", 0.5), **options).broken
    cell = measure(field(), "short-step", pattern("short-step", 0.5), also=(1,), **options)
    assert any("worst case of the profile" in line for line in cell.broken)


def test_checkpoints_are_measured(result: object) -> None:
    assert len(result.checkpoints) == 2 * 2 * 2  # families, seeds, stages
    for c in result.checkpoints:
        assert 0 <= c.inside <= 1
        assert c.cell.nominal is None
        assert not c.cell.broken
        assert c.cell.guaranteed == (c.cell.rho_worst < 1)
        assert c.rate < 0
    assert {c.family for c in result.across} == {"quadratic", "lasso"}
    assert all(c.n == 4 and c.p_value is None for c in result.across)
    assert any("checkpoints have rho < 1" in line for line in lines(result))


def test_checkpoints_inside_the_region_would_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint of steps 1/L counts as inside, and a bound it breaks is found."""
    exact = l2o.optimizer("ista")
    options = {"steps": 3, "horizon": 20, "eps": 1e-1}
    assert measure(field("lasso"), "a checkpoint", exact, **options).guaranteed
    monkeypatch.setattr(_theory, "profile_worst", lambda smooth, profile: _theory.Worst(1e-9))
    assert measure(field("lasso"), "a checkpoint", exact, **options).broken


def test_trainings_are_taken_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "cache"))
    settings = replace(TRAININGS, seeds=(0, 1))
    first = sensitivity(settings, trainings=tmp_path / "trainings")
    monkeypatch.setattr(
        sys.modules["l2obound.l2o.training.loop"], "_train_batch", lambda *a: pytest.fail("trained again")
    )
    again = sensitivity(settings, trainings=tmp_path / "trainings")
    assert replace(again, created=first.created).to_dict() == first.to_dict()


@pytest.mark.slow
def test_other_stages_in_the_same_folder_are_another_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As --quick and then the whole: neither an error nor weights of the other."""
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "cache"))
    for settings in (TRAININGS, replace(TRAININGS, stages=(0, 3)), replace(TRAININGS, stages=(0, 1, 3))):
        again = sensitivity(settings, trainings=tmp_path / "trainings")
        fresh = sensitivity(settings)
        assert replace(again, created=fresh.created).to_dict() == fresh.to_dict()


def test_the_panel_of_the_page(result: object, page: Path, tmp_path: Path) -> None:
    """What the script is given, and with a browser what it draws."""
    source = page.read_text(encoding="utf-8")
    raw = source.split('id="cells">')[1].split("</script>")[0]
    data = json.loads(raw)
    assert len(data["points"]) == 2 * (len(result.cells) + len(result.checkpoints))
    (point,) = [
        p for p in data["points"]
        if (p["family"], p["pattern"], p["K"], p["x"], p["shift"]) == ("lasso", "short-step", 2, 0.5, 0.0)
    ]  # fmt: skip
    (cell,) = result.select(family="lasso", pattern="short-step", size=0.5)
    assert point["gap"] == cell.by_steps[0].gap
    assert "panel" in source.split("<script>")[1]
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser to draw it")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
    for choice in ("lasso/short-step/2", "quadratic/trained checkpoints/3"):
        asked = [*options, f"--user-data-dir={tmp_path / 'browser'}", f"file://{page}#explore={quote(choice)}"]
        shown = subprocess.run([browser, *asked], capture_output=True, text=True, timeout=60, check=False)
        if shown.returncode:
            pytest.skip(f"{browser} does not start here")
        drawn = shown.stdout
        family, name, K = choice.split("/")
        assert f'aria-label="{name} on {family} after {K} steps"' in drawn
        panel = drawn.split('id="panel"')[1].split("</figure>")[0]
        own = [p for p in data["points"] if (p["family"], p["pattern"], p["K"]) == (family, name, int(K))]
        assert panel.count("<circle") == len(own) > 0
    for odd in ("%", "%E0%A4%A/x", "lasso/none/-1", "lasso/%3Cscript%3E/NaN"):
        asked = [*options, f"--user-data-dir={tmp_path / 'browser'}", f"file://{page}#explore={odd}"]
        shown = subprocess.run([browser, *asked], capture_output=True, text=True, timeout=60, check=False)
        drawn = shown.stdout.split('id="panel"')[1].split("</figure>")[0]
        assert "<circle" in drawn, odd
        assert "after 3 steps" in drawn


def test_what_is_written(result: object, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count('class="plot"') == 4  # two families, the panel without a script, the checkpoints
    assert "http" not in text.replace("http://www.w3.org", "")
    assert "×1.33" in text
    data = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    assert len(data["cells"]) == len(result.cells)
    assert data["regions"]["long-step"] == {"B8": 1.0, "B13": 1.0}
    with page.with_suffix(".csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.cells)
    assert any("rho = 0.5: the guarantee B8 grows by ×1.33" in line for line in lines(result))
    assert any("no bound on what iterations cost" in line for line in lines(result))
    rows = {row[0]: row[1] for row in checked(STUDY, result).rows}
    assert rows["0.5"] == "×1.33"


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from l2obound.verification.cli import app as cli
    from l2obound.verification.studies import sensitivity as package

    small = replace(package.STUDY, settings=lambda seed: TRAININGS, quick=lambda settings: settings)
    monkeypatch.setattr(package, "STUDY", small)
    ask = ["sensitivity", "--quick", "--problem", "quadratic", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.app, [*ask, "--pattern", "long-step", "--json"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert data["broken"] == 0
    assert {c["pattern"] for c in data["cells"]} == {"long-step"}
    assert Path(data["page"]).exists()
    for wrong in (["--pattern", "zigzag"], ["--problem", "cubic"]):
        with pytest.raises(l2o.InputError, match="expected some of"):
            CliRunner().invoke(cli.app, [*ask[:2], *wrong], catch_exceptions=False)


def test_settings_that_make_no_sense() -> None:
    for wrong in (
        {"sizes": (0.1, 0.5)},
        {"sizes": (0.0, 0.5, 0.2)},
        {"eps": 0.0},
        {"patterns": ()},
        {"resamples": 0},
        {"also": (0,)},
    ):
        with pytest.raises(l2o.InputError, match="expected"):
            Settings(**wrong)


def test_what_training_buys_follows_the_signs(result: object) -> None:
    """Planted: more deviation goes with faster checkpoints, or with slower ones."""
    own = [c for c in result.across if c.deviation == "median rho"]

    def sentence_of(value: float) -> str:
        planted = [replace(c, value=value, low=value - 0.1, high=value + 0.1) for c in own]
        return next(s for s in lines(replace(result, across=tuple(planted))) if "clear correlations" in s)

    assert sentence_of(-0.5).startswith("So less deviation is not what training buys: of 2 clear")
    assert "in 2 the checkpoints that deviate more are the faster ones, in 0 the slower ones" in sentence_of(-0.5)
    assert sentence_of(0.5).startswith("Of 2 clear")
    assert "in 0 the checkpoints that deviate more are the faster ones, in 2 the slower ones" in sentence_of(0.5)
    assert not any("clear correlation" in s for s in lines(result))
