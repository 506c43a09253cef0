"""Virtual steps by coordinate: exact for any number of variables, and never further than the paired ones."""

from __future__ import annotations

import numpy as np
import pytest

from l2obound import l2o
from l2obound.verification import decompose
from l2obound.verification.runs.inspection import as_numpy
from l2obound.verification.virtual_steps.decompose import from_pairing
from l2obound.verification.virtual_steps.pairing import pair

STEPS = 6
MODELS = ("go-math-l2o", "l2o-pa")


def runs(model: str, rows: int, dim: int, lam: float = 0.1) -> tuple[object, l2o.Run, l2o.Run]:
    made = l2o.pretrained(model, "lasso")
    ind, ood = l2o.synthetic.lasso(3, 20, 40, seed=1), l2o.synthetic.lasso(2, rows, dim, lam=lam, seed=2)
    x_ind, x_ood = (l2o.synthetic.starts(p, seed=1) for p in (ind, ood))
    return made, l2o.rollout(made, ind, x_ind, STEPS), l2o.rollout(made, ood, x_ood, STEPS)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [(10, 20), (30, 56)])
def test_the_terms_add_up_with_another_number_of_variables(model: str, size: tuple[int, int]) -> None:
    made, ind, ood = runs(model, *size)
    shares = decompose(ood, ind, made, choice="coordinate")
    assert shares.exact.all()
    assert shares.alive.all()
    np.testing.assert_allclose(shares.terms.total, shares.deviation, atol=1e-10)
    assert shares.virtual_index.shape == (2, STEPS, size[1], 3)
    assert (shares.virtual_index.max(axis=(0, 1, 2)) < (3, STEPS, 40)).all()
    assert np.isfinite(shares.assumption_gap["half_step"]).all()


@pytest.mark.parametrize("model", MODELS)
def test_each_coordinate_has_the_heads_of_its_virtual_coordinate(model: str) -> None:
    """By hand, what is gathered is p of that instance, step and coordinate, in the unit of the run."""
    made, ind, ood = runs(model, 10, 20)
    pairing = pair(ood, ind, made, choice="coordinate")
    at = tuple(np.moveaxis(pairing.index, -1, 0))
    ratio = as_numpy(ind.smoothness)[at[0]] / as_numpy(ood.smoothness)[:, None, None]
    np.testing.assert_allclose(pairing.p, as_numpy(ind.preconditioner)[at] * ratio, rtol=1e-12)
    np.testing.assert_array_equal(pairing.L, as_numpy(ind.smoothness)[at[0]])
    unscaled = pair(ood, ind, made, choice="coordinate", scaled=False)
    np.testing.assert_array_equal(unscaled.p, as_numpy(ind.preconditioner)[at])


def test_it_is_the_nearest_of_all_coordinates() -> None:
    """Against all distances by brute force, on the features alone at the first step, where the states are 0."""
    made, ind, ood = runs("go-math-l2o", 10, 20)
    pairing = pair(ood, ind, made, choice="coordinate")
    ours = as_numpy(ood.features)[0, 0]
    first = as_numpy(ind.features)[:, 0].reshape(-1, 3)
    least = np.sqrt(((ours[:, None] - first) ** 2).sum(-1)).min(axis=1)
    assert pairing.dz[0, 0] <= np.linalg.norm(least) * (1 + 1e-12)
    nearest = decompose(ind, ind, made, choice="coordinate")
    assert nearest.dz.max() == 0
    assert nearest.pshift.max() < 1e-12


def test_a_coordinate_is_never_further_than_the_nearest_step() -> None:
    made, ind, ood = runs("l2o-pa", 20, 40, lam=0.3)
    dz = {choice: decompose(ood, ind, made, choice=choice).dz for choice in ("coordinate", "nearest")}
    assert (dz["coordinate"] <= dz["nearest"] * (1 + 1e-9)).all()


def test_a_wrong_virtual_bias_is_still_exact_and_a_wrong_run_is_not() -> None:
    """The identity holds for any virtual step; it fails where the recorded bias is not the run's."""
    made, ind, ood = runs("go-math-l2o", 10, 20)
    pairing = pair(ood, ind, made, choice="coordinate")
    assert from_pairing(ood, pairing).exact.all()
    ood.bias[0, 2] += 1e-3
    assert not from_pairing(ood, pairing).exact[0, 2]


def test_what_cannot_be_paired_by_coordinate_is_refused() -> None:
    made, ind, ood = runs("go-math-l2o", 10, 20)
    with pytest.raises(l2o.InputError, match="by choice='coordinate'"):
        decompose(ood, ind, made, choice="nearest")
    ista = l2o.optimizer("ista")
    problem = l2o.synthetic.lasso(2, 8, 12)
    run = l2o.rollout(ista, problem, l2o.synthetic.starts(problem), 3)
    with pytest.raises(l2o.InputError, match="needs an optimizer whose step in a coordinate"):
        decompose(run, run, ista, choice="coordinate")
    with pytest.raises(l2o.InputError, match="give runs of one size"):
        decompose(ood, [ind, ood], made, choice="coordinate")
