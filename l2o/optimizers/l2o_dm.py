"""L2O-DM (Andrychowicz et al. 2016): a coordinate-wise LSTM whose output is the step.

x_k = x_{k-1} + 0.1 ELU(w'h + b), h the output of an LSTM fed with (d, x_{k-1}), d = grad f + g with g the subgradient
of r of least norm, both as they are. The features are cut off the graph in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import elu

from ..problems.composite import Composite
from .base import require_finite
from .cell import lstm_shapes
from .learned import CoordinateNetwork, cast, parameters_of

_SIZE = 0.1  # of the output, the authors'


@dataclass(frozen=True)
class L2ODMState:
    """Iterate, network state (layers,B*n,H), and the features (B,n,2) of the step that led here (None at x_0)."""

    x: torch.Tensor
    hidden: torch.Tensor
    cell: torch.Tensor
    features: torch.Tensor | None = None


@dataclass(frozen=True)
class L2ODM(CoordinateNetwork):
    """L2O-DM; r must be finite."""

    name: ClassVar[str] = "l2o-dm"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        width = self.hidden_size
        return lstm_shapes(2, width, self.layers) | {"linear.weight": (1, width), "linear.bias": (1,)}

    def init(
        self,
        problem: Composite,
        x0: torch.Tensor,
        seed: int = 0,
        hidden: torch.Tensor | None = None,
        cell: torch.Tensor | None = None,
    ) -> L2ODMState:
        """The state at x_0; the network state, (layers, B*n, hidden_size), is zero unless given."""
        require_finite(problem, self.name)
        x0 = problem.point(x0, "x0")
        return L2ODMState(x0, *self.network_state(x0, hidden, cell))

    def step(self, problem: Composite, state: L2ODMState) -> L2ODMState:
        """One step."""
        x, weights = state.x, cast(parameters_of(self), state.x)
        features = torch.stack([self.driving_subgradient(problem, x), x.detach()])
        output, hidden, cell = self.lstm(weights, features.reshape(2, -1), state.hidden, state.cell)
        raw = torch.addmm(weights["linear.bias"].unsqueeze(1), weights["linear.weight"], output)
        return L2ODMState(x + _SIZE * elu(raw).view_as(x), hidden, cell, features.movedim(0, -1))
