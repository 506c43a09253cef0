"""RNNprop (Lv, Jiang and Li 2017): a coordinate-wise LSTM fed with Adam's normalised gradients.

With d = grad f + g, g the subgradient of r of least norm, and Adam's means m and v of d and d^2, corrected for their
start, the features are (d, m)/(sqrt(v) + eps); a linear layer with ELU leads to an LSTM, its output h to the step
x_k = x_{k-1} - 0.1 tanh(w'h + b). The features are cut off the graph in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import elu

from ..problems.composite import Composite
from .adam import Moments
from .base import check_number, require_finite
from .cell import lstm_shapes
from .learned import CoordinateNetwork, cast, parameters_of

_SIZE, _BETA = 0.1, 0.95  # of the output, and of both means; the authors'


@dataclass(frozen=True)
class RNNpropState:
    """Iterate, means m and v, number of steps made, network state, and the features (B,n,2) of the step that led here
    (None at x_0).
    """

    x: torch.Tensor
    first: torch.Tensor
    second: torch.Tensor
    count: int
    hidden: torch.Tensor
    cell: torch.Tensor
    features: torch.Tensor | None = None


@dataclass(frozen=True)
class RNNprop(CoordinateNetwork):
    """RNNprop; r must be finite. `eps` guards the division by sqrt(v)."""

    eps: float = 1e-8

    name: ClassVar[str] = "l2o-rnnprop"

    def __post_init__(self) -> None:
        check_number("eps", self.eps, 0.0, open_low=True)
        super().__post_init__()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        width = self.hidden_size
        return lstm_shapes(width, width, self.layers) | {
            "linear_in.weight": (width, 2),
            "linear_in.bias": (width,),
            "linear_out.weight": (1, width),
            "linear_out.bias": (1,),
        }

    def draw(self) -> dict[str, torch.Tensor]:
        """torch's own start; that of a layer fed with two numbers is uniform in +-1/sqrt(2)."""
        start = super().draw()
        for name in ("linear_in.weight", "linear_in.bias"):
            start[name] = start[name] * (self.hidden_size / 2) ** 0.5
        return start

    def init(
        self,
        problem: Composite,
        x0: torch.Tensor,
        seed: int = 0,
        hidden: torch.Tensor | None = None,
        cell: torch.Tensor | None = None,
    ) -> RNNpropState:
        """The state at x_0; the network state, (layers, B*n, hidden_size), is zero unless given."""
        require_finite(problem, self.name)
        x0 = problem.point(x0, "x0")
        zero = torch.zeros_like(x0)
        return RNNpropState(x0, zero, zero, 0, *self.network_state(x0, hidden, cell))

    def step(self, problem: Composite, state: RNNpropState) -> RNNpropState:
        """One step."""
        x, weights = state.x, cast(parameters_of(self), state.x)
        d = self.driving_subgradient(problem, x)
        moments = Moments(state.first, state.second, state.count).updated(d, _BETA, _BETA)
        mean, square = moments.corrected(_BETA, _BETA)
        features = torch.stack([d, mean]) / (square.sqrt() + self.eps)
        signal = elu(_linear(weights, "linear_in", features.reshape(2, -1)))
        output, hidden, cell = self.lstm(weights, signal, state.hidden, state.cell)
        x_next = x - _SIZE * torch.tanh(_linear(weights, "linear_out", output)).view_as(x)
        moments_before = moments.first, moments.second, moments.count
        return RNNpropState(x_next, *moments_before, hidden, cell, features.movedim(0, -1))


def _linear(weights: Mapping[str, torch.Tensor], name: str, signal: torch.Tensor) -> torch.Tensor:
    """A linear layer on feature-major numbers (rows,N)."""
    return torch.addmm(weights[f"{name}.bias"].unsqueeze(1), weights[f"{name}.weight"], signal)
