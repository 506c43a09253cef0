"""The coordinate-wise LSTM of the learned optimizers, written out as a function of its weights.

A functional cell, unlike torch.nn.LSTM, works under vmap and jacrev and has second derivatives everywhere. Weights
carry torch.nn.LSTM's names and layout (gates i, f, g, o; two biases), so those of a trained module load as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from l2o._errors import InputError

Parameters = Mapping[str, torch.Tensor]


def lstm_shapes(prefix: str, features: int, hidden: int, layers: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of an LSTM with `layers` layers."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(layers):
        width = features if layer == 0 else hidden
        shapes[f"{prefix}weight_ih_l{layer}"] = (4 * hidden, width)
        shapes[f"{prefix}weight_hh_l{layer}"] = (4 * hidden, hidden)
        shapes[f"{prefix}bias_ih_l{layer}"] = (4 * hidden,)
        shapes[f"{prefix}bias_hh_l{layer}"] = (4 * hidden,)
    return shapes


def lstm(
    parameters: Parameters,
    features: torch.Tensor,
    hidden: torch.Tensor,
    cell: torch.Tensor,
    prefix: str = "lstm.",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One time step of a stacked LSTM: features (N,d), hidden and cell (layers,N,H) -> output (N,H), hidden, cell."""
    new_hidden, new_cell = [], []
    signal = features
    for layer in range(hidden.shape[0]):
        h, c = hidden[layer], cell[layer]
        bias = parameters[f"{prefix}bias_ih_l{layer}"] + parameters[f"{prefix}bias_hh_l{layer}"]
        gates = torch.addmm(bias, signal, parameters[f"{prefix}weight_ih_l{layer}"].T)
        gates = torch.addmm(gates, h, parameters[f"{prefix}weight_hh_l{layer}"].T)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        signal = torch.sigmoid(o) * torch.tanh(c)
        new_hidden.append(signal)
        new_cell.append(c)
    return signal, torch.stack(new_hidden), torch.stack(new_cell)


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
            state = torch.zeros(shape, dtype=like.dtype, device=like.device)
        state = torch.as_tensor(state, dtype=like.dtype, device=like.device)
        if state.shape != shape:
            raise InputError(
                f"{name}: expected shape (layers, B*n, hidden_size) = {shape}, got {tuple(state.shape)}; "
                f"rows are instance-major (b*n + i)."
            )
        given.append(state)
    return given[0], given[1]
