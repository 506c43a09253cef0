"""The coordinate-wise network of the learned optimizers, written out as a function of its weights.

A stacked LSTM (gates i, f, g, o), a linear layer with ReLU, and one linear head per quantity, on N = B*n coordinates.
Weights carry the names and shapes of torch.nn.LSTM and torch.nn.Linear, so those of a trained module load as they are;
`pack` lays them out as one vector, which is what the functions here and the native kernel take. Arrays are
feature-major, (rows, N): the numbers of a gate lie side by side.

`network` is plain torch: it runs on every device, under vmap and jacrev, and has second derivatives everywhere. The
kernel (l2o/support/native) computes the same, faster; the tests hold one against the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from ...errors import InputError
from ..support.arrays import as_tensor

Parameters = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Layout:
    """Sizes of a network: input features, width of each layer, number of LSTM layers, names of the heads."""

    features: int
    hidden: int
    layers: int
    heads: tuple[str, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        shapes = lstm_shapes(self.features, self.hidden, self.layers)
        shapes["linear.weight"] = (self.hidden, self.hidden)
        shapes["linear.bias"] = (self.hidden,)
        for head in self.heads:
            shapes[f"linear_{head}.weight"] = (1, self.hidden)
            shapes[f"linear_{head}.bias"] = (1,)
        return shapes

    def _width(self, layer: int) -> int:
        return self.hidden if layer else self.features

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """Shapes of the matrices [W_ih | W_hh | b] of each layer, [W | b] of the linear layer and of the heads."""
        lstm = tuple((4 * self.hidden, self._width(layer) + self.hidden + 1) for layer in range(self.layers))
        return (*lstm, (self.hidden, self.hidden + 1), (len(self.heads), self.hidden + 1))

    @property
    def size(self) -> int:
        """Length of the packed vector."""
        return sum(rows * columns for rows, columns in self.blocks)


def lstm_shapes(width: int, hidden: int, layers: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of an LSTM of `layers` layers fed with `width` numbers."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(layers):
        shapes[f"lstm.weight_ih_l{layer}"] = (4 * hidden, hidden if layer else width)
        shapes[f"lstm.weight_hh_l{layer}"] = (4 * hidden, hidden)
        shapes[f"lstm.bias_ih_l{layer}"] = (4 * hidden,)
        shapes[f"lstm.bias_hh_l{layer}"] = (4 * hidden,)
    return shapes


def lstm_blocks(parameters: Parameters, layers: int) -> list[torch.Tensor]:
    """The matrices [W_ih | W_hh | b] of the layers of an LSTM; differentiable."""
    blocks = []
    for layer in range(layers):
        bias = parameters[f"lstm.bias_ih_l{layer}"] + parameters[f"lstm.bias_hh_l{layer}"]
        names = (f"lstm.weight_ih_l{layer}", f"lstm.weight_hh_l{layer}")
        blocks.append(torch.cat([*(parameters[name] for name in names), bias.unsqueeze(1)], dim=1))
    return blocks


def pack(parameters: Parameters, layout: Layout) -> torch.Tensor:
    """The weights as one vector, the blocks of `layout` row by row; differentiable."""
    rows = lstm_blocks(parameters, layout.layers)
    for name in ("linear", *(f"linear_{head}" for head in layout.heads)):
        rows.append(torch.cat([parameters[f"{name}.weight"], parameters[f"{name}.bias"].unsqueeze(1)], dim=1))
    return torch.cat([block.flatten() for block in rows])


def lstm(
    blocks: Sequence[torch.Tensor], features: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One step of an LSTM: features (d,N), hidden and cell (layers,H,N) -> output (H,N), hidden and cell.

    `blocks` are the matrices [W_ih | W_hh | b] of its layers.
    """
    new_hidden, new_cell, signal = [], [], features
    for layer, block in enumerate(blocks):
        gates = torch.addmm(block[:, -1:], block[:, :-1], torch.cat([signal, hidden[layer]]))
        i, f, g, o = gates.chunk(4)
        c = torch.sigmoid(f) * cell[layer] + torch.sigmoid(i) * torch.tanh(g)
        signal = torch.sigmoid(o) * torch.tanh(c)
        new_hidden.append(signal)
        new_cell.append(c)
    return signal, torch.stack(new_hidden), torch.stack(new_cell)


def network(
    packed: torch.Tensor, features: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor, layout: Layout
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One step: features (d,N), hidden and cell (layers,H,N) -> raw heads (P,N), hidden and cell."""
    blocks = [b.view(shape) for b, shape in zip(packed.split([r * c for r, c in layout.blocks]), layout.blocks)]
    signal, new_hidden, new_cell = lstm(blocks[: layout.layers], features, hidden, cell)
    linear, heads = blocks[-2:]
    signal = torch.relu(torch.addmm(linear[:, -1:], linear[:, :-1], signal))
    raw = torch.addmm(heads[:, -1:], heads[:, :-1], signal)
    return raw, new_hidden, new_cell


def network_state(
    shape: tuple[int, int, int],
    hidden: torch.Tensor | None,
    cell: torch.Tensor | None,
    like: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Initial hidden and cell state of `shape` (layers, B*n, H): what was given, zeros otherwise."""
    given = []
    for name, state in (("hidden", hidden), ("cell", cell)):
        if state is None:
            layers, rows, width = shape
            state = torch.zeros((layers, width, rows), dtype=like.dtype, device=like.device).transpose(1, 2)
        elif not isinstance(state, torch.Tensor) or state.dtype != like.dtype or state.device != like.device:
            state = as_tensor(state, name, dtype=like.dtype, device=like.device)
        if state.shape != shape:
            raise InputError(
                f"{name}: expected shape (layers, B*n, hidden_size) = {shape}, got {tuple(state.shape)}; "
                f"rows are instance-major (b*n + i)."
            )
        given.append(state)
    return given[0], given[1]
