"""Runs that converge to 0 pass below the smallest numbers of their precision; nothing true is violated there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from l2obound import l2o
from l2obound.verification import Verdict, inspect_run, optimum, verify_all

SIZES = np.array([1.0, 3.0, 1e-3])


def vanishing(dtype: torch.dtype, dim: int) -> l2o.Composite:
    """1/2 ||a x||^2, whose minimiser is 0 and whose steps become as small as one likes."""
    matrices = np.eye(dim)[None] * SIZES[:, None, None]
    return l2o.Composite(l2o.least_squares(matrices, np.zeros((3, dim)), dtype=dtype), l2o.zero())


@pytest.mark.parametrize("record", ["all", "scalars"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("h", [0.3, 0.9])
def test_nothing_is_violated_below_the_smallest_numbers(h: float, dtype: torch.dtype, record: str) -> None:
    p = vanishing(dtype, 5)
    certified = optimum(p.to(torch.float64), cache=False)
    steps = {0.3: 150, 0.9: 60}[h] * (1 if dtype == torch.float32 else 7)
    method = l2o.optimizer("gradient-descent", step=(h / p.smoothness).double().numpy())
    x0 = 0.5 + np.random.default_rng(0).random((3, 5))
    run = l2o.rollout(method, p, x0, steps, record=record, comparator=certified.x)
    assert float(run.objective[:, -1].max()) < (1e-38 if dtype == torch.float32 else 1e-300)
    for name, v in verify_all(run, p, optimum=certified).items():
        assert not v.count(Verdict.VIOLATED), name


def test_a_wrong_record_is_still_found_at_ordinary_sizes() -> None:
    p = vanishing(torch.float32, 5)
    method = l2o.optimizer("gradient-descent", step=(0.3 / p.smoothness).double().numpy())
    run = l2o.rollout(method, p, np.ones((3, 5)), 20)
    for name in ("relative_deviation", "deviation", "objective"):
        wrong = replace(run, **{name: 1.001 * getattr(run, name)})
        assert any(not check.holds.all() for check in inspect_run(wrong, p).checks), name
