"""The gate for arrays and precisions: the same numbers, or one clear error, at every public border."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.support.arrays import as_tensor, float_dtype, integer_array
from tests.helpers.odd_arrays import EXACT, REFUSED

P = l2o.lasso([[2.0, 0.0], [0.0, 1.0]], [1.0, 2.0], 0.1)


@pytest.mark.parametrize("arguments", EXACT)
def test_numbers_come_in_exactly(arguments: str) -> None:
    value, right = EXACT[arguments]
    tensor = as_tensor(value, "A")
    assert type(tensor) is torch.Tensor
    assert (tensor.dtype, tensor.layout) == (torch.float64, torch.strided)
    assert not tensor.is_inference()
    assert tensor.tolist() == right


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_would_change_is_refused(arguments: str) -> None:
    value, word = REFUSED[arguments]
    with pytest.raises(l2o.InputError, match=r"^A: ") as caught:
        as_tensor(value, "A")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


MASKED = np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]])
SPARSE = torch.tensor([[1.0, 2.0]], dtype=torch.float64).to_sparse()
BORDERS = {
    "A": lambda v: l2o.least_squares(v, [1.0]),
    "y": lambda v: l2o.lasso(np.eye(2), v, 0.1),
    "labels": lambda v: l2o.logistic(np.eye(2), v),
    "Q": lambda v: l2o.quadratic(v, [1.0, 2.0]),
    "c": lambda v: l2o.quadratic(np.eye(2), v),
    "lam": lambda v: l2o.l1(v),
    "ridge": lambda v: l2o.elastic_net(0.1, v),
    "bounds": lambda v: l2o.box(v, 9.0),
    "radius": lambda v: l2o.simplex(v),
    "center": lambda v: l2o.l2_ball(1.0, v),
    "delta": lambda v: l2o.huber(np.eye(2), [1.0, 2.0], v),
    "groups": lambda v: l2o.group_l1(v, 0.1),
    "x": lambda v: P.objective(v),
    "u": lambda v: P.prox(v, 1.0),
    "step of a prox": lambda v: P.prox(np.zeros((1, 2)), v),
    "t": lambda v: P.shifted(v),
    "scale": lambda v: P.scaled(v),
    "index": lambda v: P.select(v),
    "x0": lambda v: l2o.rollout(l2o.optimizer("ista"), P, v, 1),
    "comparator": lambda v: l2o.rollout(l2o.optimizer("ista"), P, [[0.0, 0.0]], 1, comparator=v),
    "step": lambda v: l2o.rollout(l2o.optimizer("ista", step=v), P, [[0.0, 0.0]], 1),
    "hidden": lambda v: l2o.optimizer("go-math-l2o").init(P, torch.zeros(1, 2, dtype=torch.float64), hidden=v),
    "iterates": lambda v: l2o.run_from_iterates(P, [v]),
    "instance": lambda v: l2o.start_from({"x0": v}),
}


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    "value", [MASKED, SPARSE, np.array([[1j, 2]]), [["1", "2"]]], ids=["masked", "sparse", "complex", "text"]
)
def test_no_border_without_the_gate(border: str, value: object) -> None:
    with pytest.raises(l2o.InputError) as caught:
        BORDERS[border](value)
    assert "\n" not in str(caught.value)


def test_index_arrays() -> None:
    assert integer_array([2, 0], "groups").tolist() == [2, 0]
    assert l2o.synthetic.lasso(3, 2, 2).select(torch.tensor([2, 0])).batch_size == 2
    for wrong in ([0.0, 1.0], [True, False], np.ma.masked_array([0, 1], mask=[False, True])):
        with pytest.raises(l2o.InputError):
            P.select(wrong)
        with pytest.raises(l2o.InputError):
            l2o.group_l1(wrong, 0.1)


DTYPES = (
    torch.int64,
    torch.bool,
    torch.bfloat16,
    torch.half,
    torch.complex64,
    "int64",
    np.int32,
    "double precision",
    None,
)
MAKERS = {
    "lasso": lambda d: l2o.lasso([[2, 1], [1, 3]], [3, 1], 0.9, dtype=d),
    "quadratic": lambda d: l2o.quadratic([[1.5, 0], [0, 1.0]], [0.7, 0.2], dtype=d),
    "logistic": lambda d: l2o.logistic_l1(np.eye(2), [0, 1], 0.1, dtype=d),
    "huber": lambda d: l2o.huber(np.eye(2), [0, 1], dtype=d),
    "box": lambda d: l2o.box(0.5, 1.5, dtype=d),
    "nonnegative": lambda d: l2o.nonnegative(dtype=d),
    "simplex": lambda d: l2o.simplex(dtype=d),
    "l2_ball": lambda d: l2o.l2_ball(0.5, dtype=d),
    "group_l1": lambda d: l2o.group_l1([[0, 1]], 0.5, dtype=d),
    "synthetic": lambda d: l2o.synthetic.lasso(1, 3, 4, dtype=d),
    "synthetic quadratic": lambda d: l2o.synthetic.quadratic(1, 3, dtype=d),
    "breast_cancer": lambda d: l2o.real.breast_cancer(dtype=d),
}
MOVERS = {
    "problem": lambda d: P.to(d),
    "smooth": lambda d: P.smooth.to(d),
    "l1": lambda d: l2o.l1(0.5).to(d),
    "zero": lambda d: l2o.zero().to(d),
    "simplex": lambda d: l2o.simplex(0.5).to(d),
    "shifted": lambda d: P.shifted(0.5).nonsmooth.to(d),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_precisions_without_rounding_bounds_are_refused(dtype: object) -> None:
    for make in (*MAKERS.values(), *(MOVERS.values() if dtype is not None else ())):
        with pytest.raises(l2o.InputError, match=r"expected torch\.float32 or torch\.float64, got"):
            make(dtype)


@pytest.mark.parametrize("dtype", ["float32", np.float32, np.dtype("f4"), torch.float32], ids=repr)
def test_precisions_by_name(dtype: object) -> None:
    assert float_dtype(dtype) == torch.float32
    assert MAKERS["lasso"](dtype).dtype == torch.float32 == P.to(dtype).dtype


def test_integer_data_keep_their_weights() -> None:
    a, y = torch.tensor([[2, 1], [1, 3]]), torch.tensor([3, 1])
    p = l2o.lasso(a, y, 0.9)
    assert p.nonsmooth.lam.tolist() == [[0.9]]
    assert p.fingerprint() == l2o.lasso(a.double(), y.double(), 0.9).fingerprint()


def test_what_float32_cannot_hold_is_refused() -> None:
    for act in (
        lambda: l2o.lasso(np.eye(2), [1, 1e300], 0.1, dtype=torch.float32),
        lambda: l2o.box(-np.inf, 1e300, dtype=torch.float32),
        lambda: l2o.lasso(np.eye(2), [1, 1e300], 0.1).to(torch.float32),
        lambda: l2o.l1(1e-60, dtype=torch.float32),  # the weight would be 0
        lambda: l2o.lasso(np.eye(2), [1, 2], 1e-60).to(torch.float32),
    ):
        with pytest.raises(l2o.InputError, match="float32"):
            act()
    assert l2o.box(-np.inf, 1, dtype=torch.float32).lower.tolist() == [[-np.inf]]
    assert l2o.l1(0.0, dtype=torch.float32).lam.tolist() == [[0.0]]


def _verdict(p: l2o.Composite) -> tuple[np.ndarray, float]:
    x0 = l2o.synthetic.starts(p)
    run = l2o.rollout(l2o.pretrained("go-math-l2o", "lasso"), p, x0, 4)
    scalars = l2o.rollout(l2o.optimizer("fista"), p, x0, 4, record="scalars", comparator=x0)
    assert torch.equal(scalars.objective, l2o.rollout(l2o.optimizer("fista"), p, x0, 4).objective)
    o = verification.optimum(p, cache=False)
    v = verification.verify(l2o.run_from_iterates(p, run.x), p, "ood_last_iterate", optimum=o)
    return v.verdict.tolist(), float(o.upper[0])


def test_modes_and_defaults_of_torch_change_nothing() -> None:
    p = l2o.synthetic.lasso(1, 6, 8, seed=3)
    right = _verdict(p)
    with torch.no_grad():
        assert _verdict(p) == right
    with torch.inference_mode():
        assert _verdict(p) == right
        inside = l2o.synthetic.lasso(1, 6, 8, seed=3)
        assert _verdict(inside) == right
    assert _verdict(inside) == right
    for dtype in (torch.float64, torch.bfloat16):
        torch.set_default_dtype(dtype)
        try:
            assert _verdict(p) == right
        finally:
            torch.set_default_dtype(torch.float32)


def test_training_under_inference_mode() -> None:
    config = {
        "model": {"name": "go-math-l2o", "options": {"hidden_size": 2, "layers": 1}},
        "problem": {"rows": 3, "dim": 4},
        "training": {"epochs": 1, "batches": 1, "batch": 2, "horizon": 2, "unroll": 2},
        "validation": {"batch": 2, "steps": 2},
    }
    right = l2o.train(config).optimizer.parameters
    with torch.inference_mode():
        assert all(torch.equal(w, right[n]) for n, w in l2o.train(config).optimizer.parameters.items())
    with torch.device("meta"):  # weights have numbers wherever other tensors go
        assert all(w.device.type == "cpu" for w in l2o.optimizer("go-math-l2o").parameters.values())


@pytest.mark.parametrize(
    "sizes",
    [(-1, 3, 4), (0, 3, 4), (1, 10**9, 10**9), (10**18, 3, 4), (1, 3, 10**18), (1, 2.5, 4), (1, 3, "4"), (True, 3, 4)],
    ids=str,
)
def test_sizes_are_checked_before_anything_is_made(sizes: tuple) -> None:
    for make in (l2o.synthetic.lasso, l2o.synthetic.logistic_l1, l2o.synthetic.huber_l1, l2o.synthetic.group_lasso):
        with pytest.raises(l2o.InputError):
            make(*sizes)
    with pytest.raises(l2o.InputError):
        l2o.synthetic.quadratic(sizes[0], sizes[1] if sizes[1] != 3 else sizes[2] if sizes[2] != 4 else 3)
