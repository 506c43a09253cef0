"""The coordinate-wise network: the formula in torch, the native kernel, and its adjoint."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
import torch

from l2obound import l2o
from l2obound.l2o.optimizers import cell, kernel
from l2obound.l2o.optimizers.cell import Layout

LAYOUTS = (
    Layout(3, 20, 2, ("r", "q", "b")),
    Layout(2, 20, 2, ("p", "a")),
    Layout(1, 1, 1, ("r",)),
    Layout(5, 7, 3, ("r", "q", "b", "b3", "b4")),
    Layout(30, 6, 1, ("r", "q")),
)
PRECISION = {torch.float32: 2e-6, torch.float64: 4e-15}


def weights(layout: Layout, dtype: torch.dtype, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.randn(s, generator=generator, dtype=dtype) / 3 for n, s in layout.shapes.items()}


def arrays(layout: Layout, count: int, dtype: torch.dtype, size: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(count)
    shapes = ((layout.features, count), *[(layout.layers, layout.hidden, count)] * 2)
    return [size * torch.randn(s, generator=generator, dtype=dtype) for s in shapes]


def test_the_formula_is_torch_lstm_and_linear() -> None:
    """With the weights of nn.LSTM and nn.Linear the network gives their outputs and states."""
    torch.manual_seed(0)
    layout = Layout(3, 7, 2, ("r", "q"))
    lstm = torch.nn.LSTM(3, 7, num_layers=2).double()
    modules = {"linear": torch.nn.Linear(7, 7), "linear_r": torch.nn.Linear(7, 1), "linear_q": torch.nn.Linear(7, 1)}
    named = {f"lstm.{n}": w.detach() for n, w in lstm.named_parameters()}
    for name, module in modules.items():
        named |= {f"{name}.{n}": w.detach() for n, w in module.double().named_parameters()}
    features = torch.randn(4, 5, 3, dtype=torch.float64)
    state = torch.randn(2, 2, 5, 7, dtype=torch.float64)
    expected, (h, c) = lstm(features, (state[0], state[1]))
    hidden, memory = state.transpose(2, 3)
    for step in range(4):
        raw, hidden, memory = cell.network(cell.pack(named, layout), features[step].T, hidden, memory, layout)
        signal = torch.relu(modules["linear"](expected[step]))
        for row, head in zip(raw, ("linear_r", "linear_q")):
            torch.testing.assert_close(row, modules[head](signal).squeeze(-1), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(hidden.transpose(1, 2), h, rtol=1e-13, atol=1e-14)
    torch.testing.assert_close(memory.transpose(1, 2), c, rtol=1e-13, atol=1e-14)


def test_the_kernel_is_there_where_a_compiler_is() -> None:
    """Without it every test below holds the formula against itself, and runs are slow without a word."""
    compilers = [c for c in ("cc", "gcc", "clang") if shutil.which(c)]
    assert kernel._library() is not None or not compilers


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_kernel_computes_the_formula(layout: Layout, dtype: torch.dtype) -> None:
    """Both passes: the one that keeps what an adjoint needs, and the faster one that does not."""
    packed = cell.pack(weights(layout, dtype), layout)
    for count in (1, 63, 64, 65, 1000):
        arguments = arrays(layout, count, dtype)
        expected = cell.network(packed, *arguments, layout)
        for trained in (False, True):
            result = kernel.network(packed.clone().requires_grad_(trained), *arguments, layout)
            for ours, theirs in zip(result, expected):
                torch.testing.assert_close(ours.detach(), theirs, rtol=PRECISION[dtype], atol=PRECISION[dtype])


@pytest.mark.parametrize("dtype", PRECISION)
def test_every_gate_from_one_end_to_the_other(dtype: torch.dtype) -> None:
    """A layout of one unit whose gates are the features, over the whole range in which they are not yet constant."""
    layout = Layout(4, 1, 1, ("r",))
    packed = torch.zeros(layout.size, dtype=dtype)
    packed[: 4 * 6].view(4, 6)[:, :4] = torch.eye(4, dtype=dtype)
    generator = torch.Generator().manual_seed(0)
    features = 30 * (2 * torch.rand(4, 5000, generator=generator, dtype=dtype) - 1)
    hidden, memory = torch.zeros(2, 1, 1, 5000, dtype=dtype)
    memory += 10 * torch.rand(5000, generator=generator, dtype=dtype)
    i, f, g, o = features.double()
    c = torch.sigmoid(f) * memory[0, 0] + torch.sigmoid(i) * torch.tanh(g)
    _, h_next, c_next = kernel.network(packed, features, hidden, memory, layout)
    eps = torch.finfo(dtype).eps
    # The exponential of x is known to a few units and x/2 roundings of x, of which the sigmoid keeps x e^-x < 1.
    torch.testing.assert_close(c_next[0, 0].double(), c, rtol=6 * eps, atol=6 * eps)
    torch.testing.assert_close(h_next[0, 0].double(), torch.sigmoid(o) * torch.tanh(c), rtol=0, atol=6 * eps)


def test_memory_that_ran_out_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel answers 0 then; results that it did not compute must not be used."""
    layout = LAYOUTS[0]
    packed = cell.pack(weights(layout, torch.float64), layout)
    monkeypatch.setattr(kernel, "_library", lambda: lambda task: 0)
    with pytest.raises(MemoryError, match="kernel"):
        kernel.network(packed, *arrays(layout, 10, torch.float64), layout)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_adjoint_is_the_gradient_of_the_formula(layout: Layout, dtype: torch.dtype) -> None:
    """Two steps in a row, so that the gradients of hidden and cell state count, and every weight."""
    named = {n: w.requires_grad_() for n, w in weights(layout, dtype).items()}
    inputs = [a.requires_grad_() for a in arrays(layout, 200, dtype)]
    results = []
    for network in (kernel.network, cell.network):
        packed = cell.pack(named, layout)
        raw, hidden, memory = network(packed, *inputs, layout)
        again, hidden, memory = network(packed, inputs[0] + raw[:1], hidden, memory, layout)
        loss = (raw * again).sum() + (hidden * memory).sum()
        results.append(torch.autograd.grad(loss, [*inputs, *named.values()]))
    for ours, theirs in zip(*results):
        scale = float(theirs.abs().max())
        torch.testing.assert_close(ours, theirs, rtol=20 * PRECISION[dtype], atol=20 * PRECISION[dtype] * scale)


def test_gradients_nobody_asks_for() -> None:
    """Features cut off the graph get no gradient; the others do not change."""
    layout = LAYOUTS[0]
    named = {n: w.requires_grad_() for n, w in weights(layout, torch.float64).items()}
    arguments = arrays(layout, 100, torch.float64)
    packed = cell.pack(named, layout)
    ours = torch.autograd.grad(
        kernel.network(packed, *arguments, layout)[0].sum(), list(named.values()), retain_graph=True
    )
    theirs = torch.autograd.grad(cell.network(packed, *arguments, layout)[0].sum(), list(named.values()))
    for one, two in zip(ours, theirs):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_a_retained_graph_can_be_differentiated_again() -> None:
    layout = LAYOUTS[0]
    packed = cell.pack(weights(layout, torch.float64), layout).requires_grad_()
    workspace = kernel.Workspace()
    loss = kernel.network(packed, *arrays(layout, 100, torch.float64), layout, workspace)[0].square().sum()
    (first,) = torch.autograd.grad(loss, packed, retain_graph=True)
    kernel.network(packed, *arrays(layout, 100, torch.float64, 2.0), layout, workspace)  # takes the buffer over
    (second,) = torch.autograd.grad(loss, packed)
    assert torch.equal(first, second)


def test_second_derivatives() -> None:
    layout = Layout(2, 3, 2, ("r",))
    arguments = arrays(layout, 4, torch.float64)
    packed = cell.pack(weights(layout, torch.float64), layout).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda w: kernel.network(w, *arguments, layout)[0], packed)


def test_the_same_bytes_on_any_number_of_threads() -> None:
    layout = LAYOUTS[0]
    packed = cell.pack(weights(layout, torch.float32), layout).requires_grad_()
    arguments = arrays(layout, 5000, torch.float32)
    before, result = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            outputs = kernel.network(packed, *arguments, layout)
            alone = kernel.network(packed.detach(), *arguments, layout)
            result.append([*outputs, *alone, *torch.autograd.grad(outputs[0].square().sum(), packed)])
    finally:
        torch.set_num_threads(before)
    for one, two, three in zip(*result):
        assert torch.equal(one, two)
        assert torch.equal(one, three)


Interval = tuple[torch.Tensor, torch.Tensor]


def enclosure(packed: torch.Tensor, arrays: list[torch.Tensor], layout: Layout, unit: float) -> list[Interval]:
    """Where the network's results lie that were computed in an arithmetic with rounding `unit`, in whatever order.

    A sum of n products may be off by (n + 2) units of the sum of their sizes; sigmoid and tanh grow with their
    argument, and are known to six units (see the test of every gate).
    """
    blocks = [b.view(s) for b, s in zip(packed.split([r * c for r, c in layout.blocks]), layout.blocks)]

    def affine(block: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> Interval:
        middle, radius = (low + high) / 2, (high - low) / 2
        sizes = block[:, :-1].abs() @ (middle.abs() + radius) + block[:, -1:].abs()
        spread = block[:, :-1].abs() @ radius + (block.shape[1] + 2) * unit * sizes
        centre = block[:, :-1] @ middle + block[:, -1:]
        return centre - spread, centre + spread

    def gate(function: Callable, low: torch.Tensor, high: torch.Tensor) -> Interval:
        return function(low) - 6 * unit, function(high) + 6 * unit

    def times(one: Interval, two: Interval) -> Interval:
        corners = torch.stack([a * b for a in one for b in two])
        low, high = corners.amin(0), corners.amax(0)
        return low - unit * low.abs(), high + unit * high.abs()

    features, hidden, memory = arrays
    signal, states, cells = (features, features), [], []
    for block, old, c in zip(blocks[: layout.layers], hidden, memory):
        low, high = affine(block, *(torch.cat([side, old]) for side in signal))
        i, f, g, o = zip(low.chunk(4), high.chunk(4))
        remembered = times(gate(torch.sigmoid, *f), (c, c))
        added = times(gate(torch.sigmoid, *i), gate(torch.tanh, *g))
        cells.append(tuple(a + b + s * unit * (a + b).abs() for a, b, s in zip(remembered, added, (-1, 1))))
        signal = times(gate(torch.sigmoid, *o), gate(torch.tanh, *cells[-1]))
        states.append(signal)
    raw = affine(blocks[-1], *(torch.relu(side) for side in affine(blocks[-2], *signal)))
    return [raw, *(tuple(map(torch.stack, zip(*sides))) for sides in (states, cells))]


@pytest.mark.parametrize("dtype", PRECISION)
def test_saturated_gates_and_undefined_coordinates(dtype: torch.dtype) -> None:
    """Huge features saturate the gates without overflow; NaN stays in its own coordinate."""
    layout = LAYOUTS[0]
    packed = cell.pack(weights(layout, dtype), layout)
    features, hidden, memory = arrays(layout, 130, dtype)
    features = features * 10.0 ** torch.linspace(-3, 30, 130, dtype=dtype)
    features[:, 7], features[:, 100] = torch.nan, torch.inf
    defined = [k for k in range(130) if k not in (7, 100)]
    exact = [a[..., defined].double() for a in (features, hidden, memory)]
    sides = enclosure(packed.double(), exact, layout, 2 * torch.finfo(dtype).eps)  # twice: its own rounding in float64
    theirs = cell.network(packed, features, hidden, memory, layout)
    for trained in (False, True):
        ours = kernel.network(packed.clone().requires_grad_(trained), features, hidden, memory, layout)
        for one, two, (low, high) in zip(ours, theirs, sides):
            for result in (one.detach(), two):
                inside = result[..., defined].double()
                assert bool(((low <= inside) & (inside <= high)).all())
                assert bool(torch.isnan(result[..., 7]).all())
            assert torch.equal(torch.isnan(one[..., 100]), torch.isnan(two[..., 100]))
    # The enclosures say something: a sum that cancels may put a gate anywhere, which is rare.
    widths = torch.cat([((high - low) / (1 + high.abs())).flatten() for low, high in sides])
    assert float((widths < 5e3 * torch.finfo(dtype).eps).double().mean()) > 0.95


def test_a_planted_fault_is_seen() -> None:
    """The comparison above can fail: a kernel that forgets its cell state is not the formula."""
    layout = LAYOUTS[0]
    packed = cell.pack(weights(layout, torch.float64), layout)
    features, hidden, memory = arrays(layout, 100, torch.float64)
    ours = kernel.network(packed, features, hidden, torch.zeros_like(memory), layout)
    theirs = cell.network(packed, features, hidden, memory, layout)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(ours[0], theirs[0], rtol=1e-6, atol=1e-6)
    for (low, high), result in zip(enclosure(packed, [features, hidden, memory], layout, 4e-16), ours):
        assert not bool(((low <= result) & (result <= high)).all())


def test_without_the_kernel_plain_torch_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole run, without a C compiler: the same to rounding."""
    p = l2o.synthetic.lasso(3, 10, 20, seed=1)
    x0 = l2o.synthetic.starts(p)
    opt = l2o.optimizer("go-math-l2o", seed=3)
    run = l2o.rollout(opt, p, x0, 20)
    monkeypatch.setattr(kernel, "_library", lambda: None)
    assert not kernel.available(x0)
    torch.testing.assert_close(l2o.rollout(opt, p, x0, 20).x, run.x, rtol=1e-10, atol=1e-12)


def test_weights_changed_in_place_are_seen() -> None:
    """Packed weights are kept between steps, but never longer than the weights themselves."""
    p = l2o.synthetic.lasso(2, 10, 20, seed=1)
    x0 = l2o.synthetic.starts(p)
    opt = l2o.optimizer("go-math-l2o", seed=3)
    before = l2o.rollout(opt, p, x0, 3)
    with torch.no_grad():
        opt.parameters["linear_r.bias"].add_(1.0)
    after = l2o.rollout(opt, p, x0, 3)
    assert not torch.equal(before.x_final, after.x_final)
    fresh = l2o.optimizer("go-math-l2o").with_parameters({n: w.clone() for n, w in opt.parameters.items()})
    assert torch.equal(after.x_final, l2o.rollout(fresh, p, x0, 3).x_final)


def test_jacobians_under_vmap() -> None:
    opt = l2o.optimizer("go-math-l2o", hidden_size=4)
    state = torch.zeros(2, 1, 4, dtype=torch.float64)

    def heads(phi: torch.Tensor) -> torch.Tensor:
        return opt.network(phi.reshape(3, 1, 1), state, state)[0]["r"].reshape(())

    phi = torch.randn(6, 3, dtype=torch.float64)
    jacobian = torch.func.vmap(torch.func.jacrev(heads))(phi)
    for row, point in zip(jacobian, phi):
        leaf = point.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(heads(leaf), leaf)  # by the kernel's adjoint, where there is one
        torch.testing.assert_close(row, gradient, rtol=1e-11, atol=1e-13)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")  # torch's own use of it
def test_tangents_are_not_lost() -> None:
    """Forward-mode derivatives agree with reverse mode."""
    opt = l2o.optimizer("go-math-l2o", hidden_size=4)
    state = torch.zeros(2, 1, 4, dtype=torch.float64)
    phi, direction = torch.randn(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def head(p: torch.Tensor) -> torch.Tensor:
        return opt.network(p.reshape(3, 1, 1), state, state)[0]["r"].reshape(())

    with torch.autograd.forward_ad.dual_level():
        tangent = torch.autograd.forward_ad.unpack_dual(
            head(torch.autograd.forward_ad.make_dual(phi, direction))
        ).tangent
    leaf = phi.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(head(leaf), leaf)
    torch.testing.assert_close(tangent, gradient @ direction, rtol=1e-11, atol=1e-13)
