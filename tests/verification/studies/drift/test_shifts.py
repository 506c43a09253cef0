"""Axes are what they are named, their level `none` is the family in distribution, and draws stay paired."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.l2o.training import split_seed
from l2obound.verification.runs.inspection import as_numpy
from l2obound.verification.studies.drift import SHIFTS, Family, Level, Shift, drift, trained_family
from l2obound.verification.studies.drift._run import MODELS, Settings

FAMILY = trained_family(MODELS)


def arrays(problem: l2o.Composite) -> dict[str, np.ndarray]:
    return {name: as_numpy(a) for name, a in problem.smooth.arrays().items()}


def test_the_family_is_that_of_the_manifests() -> None:
    assert Family(20, 40, 5, 0.1) == FAMILY
    with pytest.raises(l2o.InputError, match="one family"):
        trained_family(())


@pytest.mark.parametrize("name", SHIFTS)
def test_level_none_is_the_family_byte_for_byte(name: str) -> None:
    """Problem, start and the iterates of a learned model."""
    seed = split_seed("test", 0, 3)
    base = l2o.synthetic.lasso(3, 20, 40, sparsity=5, lam=0.1, seed=seed)
    x0 = l2o.synthetic.starts(base, seed=seed)
    none = [level for level in SHIFTS[name].levels if level.none]
    assert len(none) == 1
    problem, start = SHIFTS[name].build(FAMILY, none[0], 3, 3)
    assert problem.fingerprint() == base.fingerprint()
    model = l2o.pretrained("l2o-pa", "lasso")
    one, two = l2o.rollout(model, problem, start, 8), l2o.rollout(model, base, x0, 8)
    assert as_numpy(one.x).tobytes() == as_numpy(two.x).tobytes()


@pytest.mark.parametrize("name", SHIFTS)
def test_other_levels_are_other_instances(name: str) -> None:
    none = next(level for level in SHIFTS[name].levels if level.none)
    base, x0 = SHIFTS[name].build(FAMILY, none, 3, 0)
    for level in SHIFTS[name].levels:
        if level.none:
            continue
        problem, start = SHIFTS[name].build(FAMILY, level, 3, 0)
        assert problem.fingerprint() != base.fingerprint() or not torch.equal(start, x0)


def test_a_level_that_is_named_none_and_is_not_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Level("0", (("noise", 0.01),), none=True)
    monkeypatch.setitem(SHIFTS, "noise", replace(SHIFTS["noise"], levels=(wrong,)))
    small = Settings(models=("go-math-l2o",), shifts=("noise",), batch=3, few=3, steps=3, few_steps=2, horizon=5)
    result = drift(small)
    assert result.unlike == ("noise",)
    assert any("not the family" in what for what in result.broken)


def test_one_thing_changes_and_the_rest_is_kept() -> None:
    base = arrays(FAMILY.build(2, 5))
    for name in ("noise", "sparsity", "lam"):
        for level in SHIFTS[name].levels:
            changed = arrays(FAMILY.build(2, 5, **dict(level.change)))
            np.testing.assert_array_equal(changed["A"], base["A"])
    noisy = arrays(FAMILY.build(2, 5, noise=0.5))
    twice = arrays(FAMILY.build(2, 5, noise=1.0))
    np.testing.assert_allclose(twice["y"] - base["y"], 2 * (noisy["y"] - base["y"]))


@pytest.mark.parametrize("change", [{"law": "signs"}, {"law": "student"}, {"correlation": 0.5}])
def test_another_dictionary_has_the_same_signal_and_noise(change: dict[str, object]) -> None:
    size = {"rows": 12, "dim": 8, "sparsity": 3, "seed": 4}
    signal, noise, tables = [], [], []
    for more in ({}, change):
        clean, noisy = (arrays(l2o.synthetic.lasso(3, **size, noise=s, **more)) for s in (0.0, 1.0))
        signal.append([np.linalg.lstsq(A, y)[0] for A, y in zip(clean["A"], clean["y"])])
        noise.append(noisy["y"] - clean["y"])
        tables.append(clean["A"])
    np.testing.assert_allclose(*signal, atol=1e-10)
    np.testing.assert_allclose(*noise, atol=1e-12)
    assert not np.allclose(*tables, atol=0.1)


def test_correlated_columns_are_correlated_and_of_unit_length() -> None:
    for c in (0.0, 0.3, 0.9):
        A = arrays(l2o.synthetic.lasso(4, 200, 30, correlation=c, seed=1))["A"]
        np.testing.assert_allclose(np.linalg.norm(A, axis=1), 1.0)
        gram = np.einsum("bmi,bmj->bij", A, A)
        off = gram[:, ~np.eye(30, dtype=bool)]
        assert abs(off.mean() - c) < 0.06
    remaining = arrays(l2o.synthetic.lasso(2, 20, 40, correlation=0.5, noise=0.1, seed=1))
    plain = arrays(l2o.synthetic.lasso(2, 20, 40, noise=0.1, seed=1))
    assert not np.allclose(remaining["A"], plain["A"])


def test_the_laws_of_entries() -> None:
    A = arrays(l2o.synthetic.lasso(3, 20, 40, law="signs", seed=2))["A"]
    assert ((np.abs(A) > 0).sum(axis=1) == 5).all()
    assert np.allclose(np.abs(A[np.abs(A) > 0]), 1 / np.sqrt(5))
    assert (arrays(l2o.synthetic.lasso(2, 3, 4, law="signs"))["A"] != 0).any(axis=1).all()
    heavy = arrays(l2o.synthetic.lasso(3, 200, 40, law="student", seed=2))["A"]
    normal = arrays(l2o.synthetic.lasso(3, 200, 40, seed=2))["A"]
    assert np.abs(heavy).max() > 2 * np.abs(normal).max()
    for wrong in ({"law": "cauchy"}, {"correlation": 1.0}, {"correlation": -0.1}):
        with pytest.raises(l2o.InputError, match=next(iter(wrong))):
            l2o.synthetic.lasso(1, 4, 4, **wrong)


@pytest.mark.parametrize(
    ("options", "A", "y"),
    [
        (
            {},
            [0.0814640374633, -0.0667114035874, 0.2714615013202],
            [0.1835263963514, -0.5018116478545, -0.0857800080924],
        ),
        ({"noise": 0.3}, [0.0814640374633, -0.0667114035874], [0.3090694204132, -0.0260390841905, -0.3323723410571]),
        ({"condition": 30.0}, [0.0343487804381, 0.0627327424500], [-0.2257057419090, -0.3069137420981]),
    ],
)
def test_the_generator_gives_the_instances_it_always_gave(
    options: dict[str, float], A: list[float], y: list[float]
) -> None:
    """Entries from before `law` and `correlation` were there, to rounding: bytes differ between processors."""
    made = arrays(l2o.synthetic.lasso(3, 8, 12, seed=5, **options))
    for name, entries in {"A": A, "y": y}.items():
        np.testing.assert_allclose(made[name].ravel()[[0, 7, -1]][: len(entries)], entries, rtol=1e-10)


def test_a_shift_of_the_objective_and_of_the_start_are_one_experiment_for_go_math() -> None:
    """B12: F(x + t) from x_0 is F from x_0 + t, step by step; for a model that reads x it is not."""
    (start, objective) = (
        SHIFTS[name].build(FAMILY, next(v for v in SHIFTS[name].levels if v.label == "3"), 4, 0)
        for name in ("start", "objective")
    )
    for model, same in (("go-math-l2o", True), ("fista", True), ("l2o-pa", False)):
        made = l2o.optimizer(model) if model == "fista" else l2o.pretrained(model, "lasso")
        one, two = (as_numpy(l2o.rollout(made, p, x0, 15).x) for p, x0 in (start, objective))
        gap = np.abs(one - (two + 3.0)).max()
        assert (gap < 1e-8) == same, (model, gap)


def test_the_control_is_another_draw() -> None:
    control = next(level for level in SHIFTS["dictionary"].levels if level.control)
    none = next(level for level in SHIFTS["dictionary"].levels if level.none)
    (one, x_one), (two, x_two) = (SHIFTS["dictionary"].build(FAMILY, v, 2, 0) for v in (control, none))
    assert torch.equal(x_one, x_two)
    assert not np.allclose(arrays(one)["A"], arrays(two)["A"])
    assert isinstance(SHIFTS["dictionary"], Shift)
