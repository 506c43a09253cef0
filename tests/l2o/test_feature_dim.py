"""Features of GO-Math-L2O and the number of variables: a problem beside copies of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from l2obound import l2o


def beside_itself(copies: int) -> tuple[l2o.Composite, l2o.Composite, torch.Tensor, torch.Tensor]:
    """LASSO, the same with `copies` blocks of it on the diagonal, and their starts; L is the same."""
    one = l2o.synthetic.lasso(2, 8, 12, sparsity=3, seed=4)
    arrays = one.smooth.arrays()
    A, y = arrays["A"], arrays["y"]
    many = l2o.lasso(torch.stack([torch.block_diag(*[a] * copies) for a in A]), y.repeat(1, copies), 0.1)
    x0 = l2o.synthetic.starts(one)
    torch.testing.assert_close(many.smoothness, one.smoothness)
    return one, many, x0, x0.repeat(1, copies)


@pytest.mark.parametrize("copies", [2, 9])
def test_a_problem_beside_copies_of_itself(copies: int) -> None:
    """With features of one size every copy is the run of the problem alone; with the paper's norms none is."""
    one, many, x0, x0s = beside_itself(copies)
    shipped = l2o.pretrained("go-math-l2o", "lasso")
    matched = replace(shipped, feature_dim=40)
    alone = l2o.rollout(matched, one, x0, 30).x
    together = l2o.rollout(matched, many, x0s, 30).x
    torch.testing.assert_close(together, alone.repeat(1, 1, copies), rtol=0, atol=1e-9)
    alone, together = l2o.rollout(shipped, one, x0, 30).x, l2o.rollout(shipped, many, x0s, 30).x
    assert float((together - alone.repeat(1, 1, copies)).abs().max()) > 1e-3


def test_at_the_trained_size_nothing_changes() -> None:
    problem = l2o.synthetic.lasso(2, 20, 40)
    x0, shipped = l2o.synthetic.starts(problem), l2o.pretrained("go-math-l2o", "lasso")
    one = l2o.rollout(shipped, problem, x0, 20)
    two = l2o.rollout(replace(shipped, feature_dim=40), problem, x0, 20)
    assert torch.equal(one.x, two.x)


def test_other_classical_methods_do_not_see_copies() -> None:
    """What is asked of GO-Math-L2O is what gradient steps do."""
    one, many, x0, x0s = beside_itself(3)
    for name in ("ista", "fista", "fista-restart"):
        alone, together = (l2o.rollout(l2o.optimizer(name), p, x, 30).x for p, x in ((one, x0), (many, x0s)))
        torch.testing.assert_close(together, alone.repeat(1, 1, 3), rtol=0, atol=1e-10)


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan"), "40", True])
def test_bad_sizes(wrong: object) -> None:
    with pytest.raises(l2o.InputError, match="feature_dim"):
        l2o.optimizer("go-math-l2o", feature_dim=wrong)
