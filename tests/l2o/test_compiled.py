"""Compiled code for each set of instructions against plain torch: least squares, steps, and segments of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from l2obound import errors, l2o
from l2obound.l2o.optimizers import kernel
from l2obound.l2o.support import native
from l2obound.l2o.support.native import gram as native_gram
from l2obound.l2o.training import loop

from .test_network import LAYOUTS, PRECISION, arrays, cell, weights

MODELS = ("go-math-l2o", "l2o-pa")
SIZES = ((7, 11, 23), (3, 5, 70), (20, 1, 1), (2, 20, 130), (17, 9, 40))
Together = Callable[[Callable[[], Any]], tuple[Any, Any]]


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (native, native_gram):
        monkeypatch.setattr(module, "library", lambda: None)


@pytest.fixture(params=native.LEVELS)
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Each set of instructions that this processor has."""
    functions, wanted = native.library(), native.LEVELS.index(request.param)
    if functions is None or functions.l2o_level() < wanted:
        pytest.skip(f"no {request.param} here")
    monkeypatch.setattr(native, "level", lambda: wanted)
    monkeypatch.setattr(native_gram, "level", lambda: wanted)
    return wanted


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Iterator[Together]:
    """What a function gives with compiled code and without."""

    def run(function: Callable[[], Any]) -> tuple[Any, Any]:
        ours = function()
        with monkeypatch.context() as patched:
            without(patched)
            return ours, function()

    return run


def close(ours: torch.Tensor, theirs: torch.Tensor, units: float) -> None:
    scale = float(theirs.abs().max())
    torch.testing.assert_close(ours, theirs, rtol=0, atol=units * PRECISION[theirs.dtype] * (scale + 1e-30))


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_network_and_its_adjoint(level: int, layout: Any, dtype: torch.dtype) -> None:
    for count in (1, 65, 200):
        inputs = [a.requires_grad_() for a in arrays(layout, count, dtype)]
        packed = cell.pack(weights(layout, dtype), layout).requires_grad_()
        results = []
        for network in (kernel.network, cell.network):
            raw, hidden, memory = network(packed, *inputs, layout)
            loss = raw.square().sum() + (hidden * memory).sum()
            results.append([raw, hidden, memory, *torch.autograd.grad(loss, [packed, *inputs])])
        with torch.no_grad():
            alone = kernel.network(packed, *inputs, layout)
        for ours, theirs in zip([*results[0], *alone], [*results[1], *results[1][:3]], strict=True):
            close(ours.detach(), theirs.detach(), 20)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_least_squares(level: int, size: tuple[int, int, int], dtype: torch.dtype, both: Together) -> None:
    """Value and gradient, both with their adjoint, and the value alone, which is the same to the bit."""
    p = l2o.synthetic.lasso(*size, seed=1).to(dtype)
    x = l2o.synthetic.starts(p, seed=2).requires_grad_()
    u = l2o.synthetic.starts(p, seed=3)

    def run() -> list[torch.Tensor]:
        value, gradient = p.smooth.value_and_gradient(x)
        assert torch.equal(value, p.smooth.value(x))
        (of_both,) = torch.autograd.grad(value.sum() + (u * gradient).sum(), x, retain_graph=True)
        (of_value,) = torch.autograd.grad(value.sum(), x)
        return [value.detach(), gradient.detach(), of_both, of_value]

    for ours, theirs in zip(*both(run), strict=True):
        close(ours, theirs, 20)


def test_least_squares_has_second_derivatives() -> None:
    p = l2o.synthetic.lasso(3, 4, 6, seed=1)
    x = l2o.synthetic.starts(p, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(p.smooth.value_and_gradient, x)
    assert torch.autograd.gradgradcheck(p.smooth.value_and_gradient, x)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", MODELS)
def test_steps_of_a_run(level: int, name: str, dtype: torch.dtype, both: Together) -> None:
    """Every field of the state: iterate, memory, network, and what a run records."""
    p = l2o.synthetic.lasso(7, 11, 23, seed=3).to(dtype)
    opt, x0 = l2o.optimizer(name, seed=3), l2o.synthetic.starts(p)
    x0[0, :5] = 0.0

    def run() -> Any:
        state = opt.init(p, x0)
        for _ in range(4):
            state = opt.step(p, state)
        return state

    ours, theirs = both(run)
    for field in theirs.__dataclass_fields__:
        close(getattr(ours, field), getattr(theirs, field), 40)


def trained(name: str, p: l2o.Composite, steps: int = 5, kind: str = "weighted_sum", **options: Any) -> list[Any]:
    """Loss, gradients of the weights, and the state after a segment."""
    model = l2o.optimizer(name, seed=3, **options)
    leaves = {n: w.to(p.dtype).requires_grad_() for n, w in model.parameters.items()}
    state = model.init(p, l2o.synthetic.starts(p))
    prepared = model.with_parameters(leaves).prepared(kernel.Workspace())
    loss, state = loop._segment(prepared, p.remembering(), state, steps, kind)
    results = [loss, *torch.autograd.grad(loss, list(leaves.values()))]
    return [*results, state.x, getattr(state, model.memory_name), state.hidden, state.cell]


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", MODELS)
def test_segments(level: int, name: str, size: tuple[int, int, int], dtype: torch.dtype, both: Together) -> None:
    p = l2o.synthetic.lasso(*size, seed=3).to(dtype)
    for ours, theirs in zip(*both(lambda: trained(name, p)), strict=True):
        close(ours.detach(), theirs.detach(), 400)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("one_call", [True, False])
def test_segments_on_the_logistic_loss(
    level: int, name: str, dtype: torch.dtype, one_call: bool, both: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one call, and step by step with each step one call."""
    if not one_call:
        monkeypatch.setattr(loop, "one_call", lambda *_: None)
    p = l2o.synthetic.logistic_l1(5, 12, 9, seed=3).to(dtype)
    for ours, theirs in zip(*both(lambda: trained(name, p)), strict=True):
        close(ours.detach(), theirs.detach(), 400)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("go-math-l2o", {"b3_norm": "eye"}),
        ("go-math-l2o", {"gradient_map": "standard"}),
        ("go-math-l2o", {"q_step_power": 1}),
        ("go-math-l2o", {"r_norm": "softplus"}),
        ("l2o-pa", {"b_norm": "sigmoid"}),
    ],
)
def test_options_without_compiled_code_keep_their_meaning(name: str, options: dict[str, Any], both: Together) -> None:
    p = l2o.synthetic.lasso(4, 6, 9, seed=3)
    model = l2o.optimizer(name, **options)
    assert model.kernel_update(p, model.init(p, l2o.synthetic.starts(p))) is None
    for ours, theirs in zip(*both(lambda: trained(name, p, **options)), strict=True):
        close(ours.detach(), theirs.detach(), 400)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("options", [{"hidden_size": 5, "layers": 1}, {"hidden_size": 17, "layers": 3}], ids=str)
def test_segments_of_other_sizes(name: str, options: dict[str, int], both: Together) -> None:
    p = l2o.synthetic.lasso(4, 6, 33, seed=3)
    for ours, theirs in zip(*both(lambda: trained(name, p, kind="mean", **options)), strict=True):
        close(ours.detach(), theirs.detach(), 400)


def test_a_segment_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the comparisons above say nothing about it."""
    if native.library() is None:
        pytest.skip("nothing is compiled here")
    p = l2o.synthetic.lasso(4, 6, 9, seed=3)
    steps = []
    monkeypatch.setattr(type(l2o.optimizer("l2o-pa")), "step", lambda *a: steps.append(a))
    trained("l2o-pa", p)
    assert not steps


@pytest.mark.parametrize("name", MODELS)
def test_segments_have_the_same_bytes_on_any_number_of_threads(name: str) -> None:
    p = l2o.synthetic.lasso(37, 10, 20, seed=3).to(torch.float32)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            results.append(trained(name, p))
    finally:
        torch.set_num_threads(before)
    for one, two, three in zip(*results, strict=True):
        assert torch.equal(one, two)
        assert torch.equal(one, three)


def test_a_segment_that_diverges_says_so(level: int) -> None:
    """NaN in one instance is NaN in the loss, and no crash."""
    p = l2o.synthetic.lasso(4, 6, 9, seed=3)
    model = l2o.optimizer("go-math-l2o", seed=3)
    x0 = l2o.synthetic.starts(p)
    state = model.init(p, x0)
    x0[2, 3] = torch.nan
    leaves = {n: w.clone().requires_grad_() for n, w in model.parameters.items()}
    prepared = model.with_parameters(leaves).prepared(kernel.Workspace())
    loss, after = loop._segment(prepared, p, state, 3, "mean")
    assert bool(loss.isnan())
    assert bool(after.x[[0, 1, 3]].isfinite().all())


def test_a_planted_fault_is_seen(both: Together, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factor of a head that is not the formula's."""
    monkeypatch.setitem(l2o.optimizers.learned.SIGMOIDS, "sigmoid", 1.9)
    if native.library() is None:
        pytest.skip("nothing is compiled here")
    p = l2o.synthetic.lasso(4, 6, 9, seed=3)
    ours, theirs = both(lambda: trained("go-math-l2o", p))
    with pytest.raises(AssertionError):
        close(ours[0].detach(), theirs[0].detach(), 400)


@pytest.mark.parametrize(("value", "place"), [("1", 2), ("generic", 0), ("avx2", 1), ("avx512", 2)])
def test_instructions_by_the_environment(value: str, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_KERNEL", value)
    assert native.level.__wrapped__() == place


def test_an_unknown_set_of_instructions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L2OBOUND_KERNEL", "sse9")
    with pytest.raises(errors.InputError, match=r"L2OBOUND_KERNEL.*generic, avx2, avx512.*sse9"):
        native.level.__wrapped__()


@pytest.mark.parametrize("name", MODELS)
def test_a_prox_in_place_of_the_own_one_is_called(name: str) -> None:
    p, x0 = l2o.synthetic.lasso(2, 6, 9, seed=3), torch.ones(2, 9, dtype=torch.float64)
    counted = l2o.l1(p.nonsmooth.lam.reshape(-1))
    calls = []

    def prox(u: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        calls.append(u)
        return p.nonsmooth.prox(u, step)

    object.__setattr__(counted, "prox", prox)
    runs = [l2o.rollout(l2o.optimizer(name), l2o.Composite(p.smooth, r), x0, 5) for r in (p.nonsmooth, counted)]
    assert len(calls) == 5
    torch.testing.assert_close(runs[0].x, runs[1].x)
