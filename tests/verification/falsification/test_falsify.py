"""The search for violations: false bounds are found, true ones are not accused, exact worst cases are reached."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from l2obound import bounds, l2o
from l2obound.l2o import InputError
from l2obound.verification import Verdict, falsify
from l2obound.verification.cli import app as cli
from l2obound.verification.falsification import FAMILIES, Falsification, Instance
from l2obound.verification.falsification._families import drawn
from l2obound.verification.falsification._judge import judge
from l2obound.verification.falsification._merit import Merit
from l2obound.verification.falsification._trace import quantities, trace

L, R, K, H = (bounds.VOCABULARY[name].symbol for name in ("L", "R", "K", "h"))
ON_RUNS = [name for name in bounds.names(variants=True) if bounds.get(name).on_runs]


def without(name: str, *hypotheses: str, **changes: Any) -> bounds.Bound:
    """The bound with hypotheses forgotten."""
    bound = bounds.get(name)
    remaining = tuple(h for h in bound.hypotheses if h.name not in hypotheses)
    assert len(remaining) == len(bound.hypotheses) - len(hypotheses)
    return bound.replace(hypotheses=remaining, **changes)


def points(family: str, batch: int = 6, dim: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    return FAMILIES[family].projected(drawn(torch.Generator().manual_seed(seed), batch, dim), True)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_minimiser_of_a_point_is_known(family: str) -> None:
    point = points(family)
    problem, z, x0 = FAMILIES[family].problem(point)
    step = 1 / problem.smoothness[:, None]
    again = problem.prox(z - step * problem.smooth_gradient(z), step)
    size = 1 + z.abs().amax() + point["w"].abs().amax()
    assert float((again - z).abs().max()) < 1e-9 * float(size)
    for i in range(len(z)):
        instance = FAMILIES[family].instance(point, i)
        np.testing.assert_allclose(instance.x0, x0[i].numpy(), rtol=1e-9, atol=1e-9)
        value = float(instance.problem().objective(instance.start())[0])
        assert value == pytest.approx(float(problem.objective(x0)[i]), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("family", "optimizer"), [("composite", "ista"), ("smooth", "nesterov"), ("lasso", "fista"), ("box", "ista")]
)
def test_torch_and_the_catalogue_evaluate_the_same(family: str, optimizer: str) -> None:
    """Quantities against `bounds.measure`, both sides of every bound against `Bound.evaluate`."""
    problem, z, x0 = FAMILIES[family].problem(points(family, seed=3))
    run = trace(l2o.optimizer(optimizer), problem, x0, 4, z)
    q = quantities(run, 0.75)
    measured = Merit(bounds.get("B1"), None, FAMILIES[family], 4, "tightness", 0.75).measured(run)
    names = {n for n in measured.values if n in q and not n.startswith(("sigma", "e_floor", "b_floor", "mu"))}
    for name in names:
        value, mine = measured.values[name], q[name].numpy()
        finite = np.isfinite(value) & np.isfinite(mine)
        off = np.abs(np.where(finite, value - mine, 0.0))
        assert (off <= 1e-7 * (1 + np.abs(value).max(where=finite, initial=0.0))).all(), name
    for name in ON_RUNS:
        bound = bounds.get(name)
        arguments = {n: q[n].numpy() for n in bound.quantities if n in q}
        if set(arguments) != set(bound.quantities) or not all(np.isfinite(a).all() for a in arguments.values()):
            continue
        plain = bound.replace(slop=None)
        values = bounds.Quantities(arguments, steps=4, batch=len(z))
        wanted = plain.evaluate(values)
        lhs, rhs = Merit(plain, None, FAMILIES[family], 4, "tightness", 0.75).sides(q)
        for mine, theirs in ((lhs, wanted.lhs), (rhs, wanted.rhs)):
            shown = mine.numpy() if bound.level == "step" else mine[:, 0].numpy()
            finite = np.isfinite(theirs)
            np.testing.assert_allclose(shown[finite], theirs[finite], rtol=1e-9, atol=1e-12 * (1 + np.abs(shown).max()))
    assert {"F", "R", "G2", "e2", "Ge", "ex", "ex_prev", "dist", "gz2", "stationarity"} <= names


def test_the_gradient_of_the_merit_is_its_slope() -> None:
    point = points("composite", batch=4, dim=2, seed=5)
    merit = Merit(bounds.get("ood_last_iterate"), l2o.optimizer("ista", step=0.7), FAMILIES["composite"], 3, "", 1.0)
    leaves = {name: a.clone().requires_grad_() for name, a in point.items()}
    slopes = torch.autograd.grad(merit(leaves).sum(), list(leaves.values()), allow_unused=True)
    for name, slope in zip(leaves, slopes):
        if slope is None or name == "shift":
            continue
        way = torch.randn(slope.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        ends = [merit({**point, name: point[name] + sign * 1e-6 * way}) for sign in (1, -1)]
        value = (ends[0] - ends[1]) / 2e-6
        expected = (slope * way).flatten(1).sum(1)
        near = (value - expected).abs() <= 1e-4 * (1 + expected.abs())
        assert int(near.sum()) >= 3, name  # one of them may stand at a kink


@pytest.mark.slow
@pytest.mark.parametrize("steps", [1, *(pytest.param(k, marks=pytest.mark.slow) for k in (3, 5))])
@pytest.mark.parametrize(
    ("optimizer", "family", "asked"),
    [
        ("ista", "composite", {"function_class": "composite", "method": "proximal_gradient"}),
        ("gradient-descent", "smooth", {"method": "gradient"}),
    ],
)
def test_exact_worst_cases_are_reached(optimizer: str, family: str, asked: dict[str, str], steps: int) -> None:
    """From draws that know nothing of them: B6b of exact steps, attained with l1 terms and not where r = 0."""
    exact = bounds.worst_case(metric="average_objective", steps=steps, **asked).value * 2 * (steps + 1)
    search = falsify(
        "ood_multi_step_sharp",
        optimizer,
        family=family,
        steps=steps,
        goal="tightness",
        evaluations=20_000,
        target=0.999 * exact,
        method="gradient",
    )
    assert not search.violated
    assert 0.99 * exact < search.reached < (1 + 1e-6) * exact
    assert search.tightness > 0.99 * search.reached


@pytest.mark.slow
def test_descent_is_attained() -> None:
    search = falsify("per_step_descent", goal="tightness", evaluations=10_000)
    assert search.tightness == pytest.approx(1, abs=0.01)
    assert search.verdict is Verdict.VERIFIED
    assert search.index is not None


PLANTED = {
    "B1, 2 % more": ("per_step_descent", "ista", {"constant": 1.02}),
    "B1, 2 % less where it allows an increase": (
        "per_step_descent",
        l2o.optimizer("ista", step=2.1),
        {"constant": 0.98},
    ),
    "B6b, 2 % less": ("ood_multi_step_sharp", "ista", {"constant": 0.98}),
    "B6b on lasso": ("ood_multi_step_sharp", "ista", {"constant": 0.98, "family": "lasso", "steps": 5}),
    "B6c, 2 % less": ("ood_last_iterate", "ista", {"constant": 0.98, "steps": 4}),
    "4hK + 3": (
        without("ind_rate:smooth", "comparator_optimal", rhs=L * R**2 / (4 * H * K + 3)),
        "gradient-descent",
        {"family": "smooth", "steps": 5},
    ),
    "steps of 2.1/L": (without("ind_rate", "exact_step", slop=None), l2o.optimizer("ista", step=2.1), {}),
}


FIRST = ("steps of 2.1/L",)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in FIRST)) for n in PLANTED])
def test_planted_false_bounds_are_found(name: str) -> None:
    bound, optimizer, more = PLANTED[name]
    search = falsify(bound, optimizer, evaluations=30_000, **more)
    assert search.violated
    assert search.verdict is Verdict.VIOLATED
    assert search.lhs > search.rhs
    assert search.slack < 0
    again = search.judged_again()
    assert again.violated
    assert again.lhs == pytest.approx(search.lhs, rel=1e-9)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("bound", "optimizer", "family"),
    [
        ("per_step_descent", "adam", "lasso"),
        pytest.param("ood_multi_step", "fista", "box", marks=pytest.mark.slow),
        ("ood_multi_step_sharp", "ista", "composite"),
        ("ood_last_iterate", "heavy-ball", "quadratic"),
        ("homogeneous_descent", "ista", "composite"),
        pytest.param("strong_convexity", "ista", "quadratic", marks=pytest.mark.slow),
    ],
)
def test_true_bounds_are_not_accused(bound: str, optimizer: str, family: str, seed: int) -> None:
    chosen = l2o.optimizer("heavy-ball", momentum=0.5) if optimizer == "heavy-ball" else optimizer
    search = falsify(bound, chosen, family=family, evaluations=1_000 if seed == 0 else 4_000, seed=seed, dim=(1, 2))
    assert not search.violated
    assert search.verdict is not Verdict.VIOLATED
    assert not search.tightness > 1 + 1e-6
    assert "no violation found" in search.summary()


@pytest.mark.slow
def test_a_finding_is_made_small() -> None:
    search = falsify("per_step_descent", "ista", constant=1.05, dim=3, evaluations=20_000)
    assert search.dim == 1
    assert len(str(search.x0[0])) <= 4
    assert not search.shift.any()
    numbers = np.concatenate([np.ravel(a) for a in search.instance.all_arrays().values()])
    assert all(float(f"{v:.2e}") == v for v in numbers)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_finding() -> None:
    one, two = (falsify("ood_last_iterate", goal="tightness", evaluations=2_000, seed=3) for _ in range(2))
    assert one.tightness == two.tightness
    assert one.evaluations == two.evaluations
    assert one.instance.dim == two.instance.dim


@pytest.mark.parametrize("method", ["random", pytest.param("gradient", marks=pytest.mark.slow)])
def test_methods_and_progress(method: str) -> None:
    seen = []
    search = falsify(
        "ood_multi_step",
        goal="tightness",
        method=method,
        evaluations=1_500,
        progress=lambda share, best, what: seen.append((share, best, what)),
    )
    assert 0 < search.tightness <= 1 + 1e-9
    assert seen
    assert 0 <= seen[-1][0] <= 1


@pytest.mark.slow
def test_learned_optimizers_are_measured() -> None:
    """Nothing is proved of them: B6c applies and holds, the exact rate does not apply and is compared with."""
    search = falsify("ood_last_iterate", "go-math-l2o", family="lasso", goal="tightness", evaluations=2_000, dim=2)
    assert search.verdict is Verdict.VERIFIED
    assert search.tightness > 0.5
    assert search.optimizer == "go-math-l2o:lasso"
    far = falsify("ood_last_iterate", "go-math-l2o", family="lasso", goal="deviation", evaluations=2_000, dim=2)
    assert far.measured["rho_max"] > 1
    rate = falsify("ind_rate:exact", "go-math-l2o", family="lasso", goal="tightness", evaluations=800, dim=2)
    assert rate.verdict is Verdict.NOT_APPLICABLE
    assert rate.tightness == pytest.approx(rate.measured["gap_units"], rel=1e-6)
    assert not rate.violated
    assert "comparison without guarantee" in rate.summary()


@dataclass(frozen=True)
class State:
    x: torch.Tensor


@dataclass(frozen=True)
class NumpySteps:
    """Gradient descent that leaves torch, so that no gradient passes through it."""

    name = "numpy-steps"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> State:
        return State(problem.point(x0))

    def step(self, problem: l2o.Composite, state: State) -> State:
        g = problem.smooth_gradient(state.x) / problem.smoothness[:, None]
        return State(torch.from_numpy(state.x.numpy() - g.numpy()))


@dataclass(frozen=True)
class Liar:
    """Says that its iterate is the output of a prox, which it is not."""

    name = "liar"

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return l2o.optimizer("ista").init(problem, x0, seed)

    def step(self, problem: l2o.Composite, state: Any) -> Any:
        after = l2o.optimizer("ista").step(problem, state)
        return type(after)(1.5 * after.x + 0.3, after.preconditioner, after.prox_argument)


@pytest.mark.parametrize(("evaluations", "method"), [(1, "both"), (65, "random"), (150, "gradient")])
def test_no_more_runs_are_tried_than_were_asked_for(evaluations: int, method: str) -> None:
    search = falsify("ood_multi_step_sharp", method=method, evaluations=evaluations, dim=1, steps=2)
    assert search.evaluations == evaluations


def test_few_runs_of_one_variable_show_that_a_bound_is_nearly_attained() -> None:
    """The worst run of B6b has f = 0 and r = c|x|, which a search of one variable must be able to draw."""
    search = falsify("ood_multi_step_sharp", evaluations=100, dim=1)
    assert search.tightness > 0.9
    assert search.instance.arrays["Q"].tolist() == [[0.0]]


def test_a_run_that_uses_nothing_of_a_bound_is_left_as_it_is() -> None:
    """One step of 1/L ends at the minimiser of a quadratic of one variable, so no simpler one can keep anything."""
    search = falsify("ind_rate", family="quadratic", evaluations=70, dim=1)
    assert search.tightness == pytest.approx(0, abs=1e-12)
    assert search.measured["R"] > 0


def test_the_search_tells_how_far_it_is_until_it_ends() -> None:
    reports: list[tuple[float, float, str]] = []
    falsify("ood_multi_step_sharp", evaluations=70, dim=1, steps=2, progress=lambda *what: reports.append(what))
    assert reports[0][2] == "1 variable"
    assert reports[-1][2].startswith("made simpler, ")
    assert all(0 <= share <= 1 for share, _, _ in reports)
    assert reports[-1][0] == 1


def test_an_optimizer_without_gradients_is_searched_all_the_same() -> None:
    search = falsify("per_step_descent", NumpySteps(), family="quadratic", constant=1.02, evaluations=20_000)
    assert search.violated
    search = falsify("ood_multi_step_sharp", NumpySteps(), family="quadratic", evaluations=700)
    assert search.tightness > 0
    assert any("no gradient through the run" in note for note in search.notes)


def test_wrong_data_are_no_violation_of_a_bound() -> None:
    search = falsify("per_step_descent", Liar(), evaluations=1_500, dim=1)
    assert not search.violated
    assert any("data are wrong" in note for note in search.notes)


def test_save_load_and_replay(tmp_path: Any) -> None:
    search = falsify("ood_last_iterate", constant=0.97, evaluations=20_000)
    path = search.save(tmp_path / "finding.npz")
    assert search.reproduce == f"l2obound falsify --replay {path}"
    again = Falsification.load(path)
    assert {**again.to_dict(), "reproduce": ""} == {**search.to_dict(), "reproduce": ""}
    assert str(path) in again.summary()
    assert again.judged_again().violated
    assert float(again.problem().objective(again.x0)[0]) == float(search.problem().objective(search.x0)[0])
    assert again.run().steps == 3
    with np.load(path) as written:
        arrays = dict(written)
    for kind in (complex, int, np.float32):
        np.savez(tmp_path / "kinds.npz", **{**arrays, "x0": arrays["x0"].astype(kind)})
        with pytest.raises(InputError, match="not a finding written by"):
            Falsification.load(tmp_path / "kinds.npz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="damaged"):
        Falsification.load(path)
    np.savez(path, x0=np.zeros(1))
    with pytest.raises(InputError, match="not a finding written by"):
        Falsification.load(path)


@pytest.mark.slow
def test_what_is_only_in_code_must_be_given_again(tmp_path: Any) -> None:
    name = "steps of 2.1/L"
    bound, optimizer, _ = PLANTED[name]
    path = falsify(bound, optimizer, evaluations=5_000).save(tmp_path / "finding.npz")
    with pytest.raises(InputError, match="its bound is no bound of the catalogue"):
        Falsification.load(path)
    with pytest.raises(InputError, match="was an object"):
        Falsification.load(path, bound=bound)
    assert Falsification.load(path, bound=bound, optimizer=optimizer).judged_again().violated


def test_an_instance_that_is_not_admissible_is_refused() -> None:
    arrays = {"Q": np.array([[-1.0]]), "c": np.zeros(1), "lam": np.array(0.1)}
    with pytest.raises(InputError):
        judge(
            Instance("quadratic_l1", arrays, np.ones(1), np.zeros(1)),
            l2o.optimizer("ista"),
            bounds.get("per_step_descent"),
            1,
            1.0,
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bound": "nonsense"}, "there is no bound"),
        ({"bound": "history_stability"}, "more than a run"),
        ({"bound": 3}, "bound must be"),
        ({"optimizer": "nonsense"}, "nonsense"),
        ({"family": "cubic"}, "family must be one of"),
        ({"goal": "win"}, "goal must be one of"),
        ({"method": "luck"}, "method must be one of"),
        ({"steps": 0}, "steps must be an integer"),
        ({"dim": ()}, "dim is empty"),
        ({"dim": 0}, "dim must be an integer"),
        ({"budget": 0}, "budget must be a number > 0"),
        ({"target": -1}, "target must be a number > 0"),
        ({"evaluations": 0}, "evaluations must be an integer"),
        ({"constant": float("nan")}, "constant must be a finite number"),
        ({"reference_step": 1.5}, "reference_step must be"),
        ({"seed": -1}, "seed must be an integer"),
    ],
)
def test_wrong_input(arguments: dict[str, Any], message: str) -> None:
    inputs = {"bound": "per_step_descent", "optimizer": "ista", "evaluations": 100, **arguments}
    with pytest.raises(InputError, match=message):
        falsify(inputs.pop("bound"), inputs.pop("optimizer"), **inputs)


def call(monkeypatch: pytest.MonkeyPatch, capsys: Any, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["l2obound", "falsify", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    out, err = capsys.readouterr()
    return stopped.value.code or 0, out, err


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Any) -> None:
    path = tmp_path / "finding.npz"
    few = ("--evaluations", "3000")
    code, out, _ = call(monkeypatch, capsys, "B6b", "--constant", "0.98", *few, "--out", path)
    assert code == 1
    assert "VIOLATED" in out
    code, out, _ = call(monkeypatch, capsys, "--replay", path)
    assert code == 1
    assert "Its numbers and its verdict are those of the file." in out
    assert "Written" not in out
    code, out, _ = call(monkeypatch, capsys, "--replay", path, "--json")
    assert json.loads(out)["agrees"] is True
    code, out, _ = call(monkeypatch, capsys, "B6b", "--goal", "tightness", *few, "--json", "--dim", "2")
    assert code == 0
    assert json.loads(out)["violated"] is False
    for wrong in (("nonsense",), (), ("B1", "--replay", path), ("--replay", tmp_path / "none.npz")):
        code, out, err = call(monkeypatch, capsys, *wrong)
        assert code == 2
        assert err.count("error:") == 1
