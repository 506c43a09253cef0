"""What is drawn is valid, covers what it says it covers, and shrinks to something that can be read."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from l2obound import l2o, verification
from l2obound.verification.testing import strategies

QUICK = settings(derandomize=True, database=None, deadline=None, max_examples=400, phases=(Phase.generate,))
SHRINK = settings(QUICK, phases=(Phase.generate, Phase.shrink))


def smallest(strategy: st.SearchStrategy, condition: Callable, options: settings = SHRINK) -> object:
    return find(strategy, condition, settings=options)


def matrices(problem: l2o.Composite) -> np.ndarray:
    a = np.asarray(problem.smooth.arrays()["A"])
    return a if a.ndim == 3 else a[None]


def singular_values(problem: l2o.Composite) -> np.ndarray:
    return np.linalg.svd(matrices(problem), compute_uv=False)


LASSO = strategies.problems(families="lasso")


def test_the_simplest_problem() -> None:
    assert repr(smallest(strategies.problems(), lambda p: True)) == "l2o.lasso(A=[[0]], y=[0], lam=0.1)"


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        (lambda p: p.objective(torch.zeros(p.batch_size, p.dim)).max() <= 0, "l2o.lasso(A=[[0]], y=[1], lam=0.1)"),
        (lambda p: p.smoothness.max() <= 1, "l2o.lasso(A=[[2]], y=[0], lam=0.1)"),
        (lambda p: p.smoothness.max() <= 1e4, "l2o.lasso(A=[[200]], y=[0], lam=0.1)"),
        (lambda p: p.dim < 2, "l2o.lasso(A=[[0, 0]], y=[0], lam=0.1)"),
        (lambda p: p.batch_size < 2, "l2o.lasso(A=[[[0]], [[0]]], y=[[0], [0]], lam=0.1)"),
        (lambda p: p.nonsmooth.value(torch.ones(p.batch_size, p.dim)).min() > 0, "l2o.lasso(A=[[0]], y=[0], lam=0)"),
        # "the first step of gradient descent from 0 is in the direction of a target >= 0"
        (
            lambda p: p.smooth_gradient(torch.zeros(p.batch_size, p.dim)).max() <= 0,
            "l2o.lasso(A=[[-1]], y=[1], lam=0.1)",
        ),
    ],
)
def test_what_violates_a_false_property_shrinks(wrong: Callable, shown: str) -> None:
    assert repr(smallest(LASSO, lambda p: not bool(wrong(p)))) == shown


def test_what_hypothesis_prints_can_be_run() -> None:
    @settings(SHRINK, max_examples=200)
    @given(problem=strategies.problems(), optimizer=strategies.optimizers(["ista"]))
    def property_(problem: l2o.Composite, optimizer: object) -> None:
        assert problem.smoothness.max() <= 1.5

    with pytest.raises(AssertionError) as failure:
        property_()
    notes = "\n".join(failure.value.__notes__)
    code = re.search(r"problem=(l2o\..*),\n", notes)[1]
    assert float(eval(code, {"l2o": l2o}).smoothness) > 1.5
    assert "optimizer('ista')" in notes


PATHOLOGIES: dict[str, Callable[[l2o.Composite], bool]] = {
    "zero data": lambda p: not p.smooth.arrays()["y"].any(),
    "zero columns": lambda p: p.dim > 1 and bool((matrices(p) == 0).all(1).any()),
    "duplicate columns": lambda p: (
        p.dim > 1 and any(len(np.unique(a, axis=1).T) < p.dim for a in matrices(p) if a.any())
    ),
    "rank-deficient": lambda p: (
        min(matrices(p).shape[1:]) > 2 and bool((np.linalg.matrix_rank(matrices(p)) == 1).any())
    ),
    "ill-conditioned": lambda p: (
        bool((singular_values(p)[:, 0] > 1e5 * singular_values(p)[:, -1]).any())
        and bool((np.linalg.matrix_rank(matrices(p)) == min(matrices(p).shape[1:])).all())
    ),
    "none": lambda p: p.dim > 2 and p.batch_size > 1,
}


@pytest.mark.parametrize("pathology", strategies.PATHOLOGIES)
def test_pathologies_are_drawn(pathology: str) -> None:
    """Each is found among problems of every pathology, and by its own name only such problems are drawn."""
    smallest(LASSO, PATHOLOGIES[pathology], QUICK)
    own = strategies.problems(families="lasso", pathologies=pathology)
    result = smallest(own, PATHOLOGIES[pathology], QUICK)
    assert strategies.condition(matrices(result)[0]) <= 1e6


@pytest.mark.slow
@pytest.mark.parametrize(
    "condition",
    [
        lambda p: p.dim == 1 and p.smooth.arrays()["y"].shape[1] > 1,
        lambda p: p.dim > 1 and p.smooth.arrays()["y"].shape[1] == 1,
        lambda p: bool((p.smoothness > 1e10).any()),
        lambda p: bool(((p.smoothness > 0) & (p.smoothness < 1e-9)).any()),
        lambda p: bool((p.smooth.arrays()["y"].abs() > 1e5).any()),
        lambda p: not p.nonsmooth.arrays()["lam"].any(),
        lambda p: bool((p.nonsmooth.arrays()["lam"] > 1e4).any()),
        lambda p: p.nonsmooth.batch_size == 2,
        lambda p: p.batch_size == 2 and p.smooth.arrays()["A"].ndim == 2,
    ],
    ids=["one variable", "one row", "huge", "tiny", "huge y", "lam = 0", "large lam", "lam each", "shared A"],
)
def test_shapes_and_scales_are_drawn(condition: Callable) -> None:
    smallest(LASSO, condition, settings(QUICK, max_examples=2000))


@pytest.mark.parametrize("family", strategies.FAMILIES + strategies.NONCONVEX)
def test_every_family_is_valid_and_its_code_makes_it_again(family: str) -> None:
    @settings(QUICK, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
    @given(problem=strategies.problems(families=(family,), max_changes=1), draw=st.data())
    def property_(problem: l2o.Composite, draw: st.DataObject) -> None:
        again = eval(repr(problem), {"l2o": l2o})
        assert isinstance(problem, l2o.Composite)
        assert again.fingerprint() == problem.fingerprint()
        x = draw.draw(strategies.starts(problem))
        assert x.shape == (problem.batch_size, problem.dim)
        assert torch.isfinite(problem.objective(x)).all()
        assert torch.isfinite(problem.smoothness).all()
        moved = problem.shifted(draw.draw(strategies.shifts(problem)))
        assert repr(moved) != repr(problem)
        method = draw.draw(strategies.optimizers(problem=problem))
        assert method.step(problem, method.init(problem, x, 0)).x.shape == x.shape

    property_()


@pytest.mark.parametrize("family", strategies.FAMILIES)
def test_optima_are_certified_or_refused_with_a_reason(family: str) -> None:
    @settings(QUICK, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
    @given(problem=strategies.problems(families=(family,), max_rows=3, max_dim=3))
    def property_(problem: l2o.Composite) -> None:
        certified = verification.optimum(problem)
        narrow = certified.upper - certified.lower <= 1e-10 * np.maximum(1.0, np.abs(certified.upper))
        assert (certified.lower <= certified.upper).all()
        for good, reason in zip(narrow, certified.reason):
            assert good or reason

    property_()


def test_quadratics_have_a_minimiser() -> None:
    @QUICK
    @given(problem=strategies.problems(families="quadratic"))
    def property_(problem: l2o.Composite) -> None:
        forms, vectors = (problem.smooth.arrays()[name].numpy() for name in ("Q", "c"))
        for form, linear in zip(forms.reshape(-1, problem.dim, problem.dim), vectors):
            z = np.linalg.lstsq(form, linear, rcond=1e-13)[0]
            assert np.abs(form @ z - linear).max() <= 1e-6 * np.abs(linear).max()

    property_()


def drawn(strategy: st.SearchStrategy) -> list[str]:
    seen = []

    @settings(QUICK, max_examples=30)
    @given(strategy)
    def collect(value: object) -> None:
        seen.append(repr(value))

    collect()
    return seen


def test_draws_can_be_repeated() -> None:
    first = drawn(strategies.problems(max_changes=2))
    assert first == drawn(strategies.problems(max_changes=2))
    assert len(set(first)) > 10


@pytest.mark.parametrize("kind", ["l2o-dm", "l2o-rnnprop", "l2o-pa", "go-math-l2o", "ada-lista", "gated-lista"])
def test_weights_of_networks(kind: str) -> None:
    of_data = {"ada-lista": {"rows": 2, "layers": 1}, "gated-lista": {"rows": 2, "dim": 3, "layers": 1}}
    sizes = of_data.get(kind, {"hidden_size": 2, "layers": 1})
    model = l2o.optimizer(kind, **sizes)

    @settings(QUICK, max_examples=15)
    @given(weights=strategies.network_weights(kind, **sizes))
    def property_(weights: dict[str, torch.Tensor]) -> None:
        taken = dataclasses.replace(model, parameters=weights)
        assert {n: tuple(w.shape) for n, w in weights.items()} == {
            n: tuple(w.shape) for n, w in model.parameters.items()
        }
        assert all(torch.equal(taken.parameters[name], weight) for name, weight in weights.items())

    property_()
    simplest = smallest(strategies.network_weights(kind, **sizes), lambda w: True)
    assert not any(weight.any() for weight in simplest.values())


def test_features_and_shifts() -> None:
    problem = l2o.synthetic.lasso(2, 3, 4)
    result = smallest(strategies.features(problem, 3), lambda f: bool(f.max() > 1))
    assert result.shape == (2, 4, 3)
    assert result.sum() == result.max() == 2
    assert smallest(strategies.shifts(), lambda t: t > 50) == 100.0
    assert isinstance(smallest(strategies.shifts(problem), lambda t: isinstance(t, list)), list)


def test_a_start_is_in_the_domain() -> None:
    problem = l2o.Composite(l2o.least_squares([[1.0]], [0.0]), l2o.box(2.0, 3.0))
    assert smallest(strategies.starts(problem), lambda x: True).item() == 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: strategies.problems(families="laso"), "families: expected some of lasso.*got 'laso'"),
        (lambda: strategies.problems(families=()), "families: expected some of lasso.*got none"),
        (lambda: strategies.problems(pathologies=("odd",)), "pathologies: expected some of none.*got 'odd'"),
        (lambda: strategies.problems(max_dim=0), "max_dim is an integer >= 1, got 0"),
        (lambda: strategies.problems(max_condition=1), r"max_condition is a number in \[100, 1e12\], got 1; leave"),
        (lambda: strategies.problems(max_scale=0.1), r"max_scale: expected a number in \[1, 1e100\], got 0.1"),
        (lambda: strategies.optimizers(["sgd"]), "names: expected some of gradient-descent.*got 'sgd'"),
        (lambda: strategies.network_weights("ista"), "ista has no weights; the learned optimizers are lista"),
        (lambda: strategies.features(l2o.synthetic.lasso(1, 2, 2), 0), "width: expected the number of features"),
        (
            lambda: strategies.optimizers(["heavy-ball"], problem=l2o.synthetic.lasso(1, 2, 2)),
            r"none of heavy-ball runs on least-squares \+ l1; name others",
        ),
    ],
)
def test_wrong_arguments_are_said(call: Callable, message: str) -> None:
    with pytest.raises(l2o.InputError, match=message):
        call()


def test_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    monkeypatch.delitem(sys.modules, "l2obound.verification.testing.strategies")
    monkeypatch.delitem(vars(verification), "strategies", raising=False)
    with pytest.raises(ImportError, match=r'extra `test`: pip install "l2obound\[test\]"') as failure:
        _ = verification.strategies
    assert isinstance(failure.value, l2o.InputError)
