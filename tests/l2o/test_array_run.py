"""A run of scalars is none with arrays, and both know x_0."""

from __future__ import annotations

import pytest
import torch

from l2obound import l2o
from l2obound.l2o import InputError
from l2obound.l2o.runs.array_run import array_run, first_point, has_arrays, is_affine


def runs(name: str) -> tuple[l2o.Run, l2o.Run, torch.Tensor]:
    """A run with its arrays, the same as scalars, and where both start."""
    problem = l2o.synthetic.lasso(2, 8, 12, seed=0)
    x0 = torch.ones(2, 12, dtype=torch.float64)
    all_, scalars = (l2o.rollout(l2o.optimizer(name), problem, x0, 3, record=record) for record in ("all", "scalars"))
    return all_, scalars, x0


def test_only_a_run_of_all_has_arrays() -> None:
    whole, scalars, _ = runs("ista")
    assert has_arrays(whole)
    assert array_run(whole, "this") is whole
    assert not has_arrays(scalars)
    with pytest.raises(InputError, match="this: the run kept scalars only; record it with record='all'"):
        array_run(scalars, "this")


def test_only_a_method_that_names_its_preconditioner_is_affine() -> None:
    named, scalars, _ = runs("ista")
    assert is_affine(named)
    assert not is_affine(scalars)
    assert not is_affine(l2o.run_from_iterates(l2o.synthetic.lasso(2, 8, 12, seed=0), torch.zeros(2, 4, 12)))


def test_both_know_where_they_start() -> None:
    whole, scalars, x0 = runs("ista")
    assert torch.equal(first_point(whole), x0)
    assert torch.equal(first_point(scalars), x0)
