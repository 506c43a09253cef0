"""L2O-PA (Math-L2O, arXiv 2305.18577): a learned preconditioner P and accelerator A.

    U_k = prox_P( B (x - P grad f(x)) + (1 - B)(Z - P grad f(Z)) + b1 ),
    x_k = U_k + A (U_k - Z_{k-1}) + b2,   Z_k = U_k,   Z_0 = x_0,

with features (grad f(x), x), not normalised. In L2O-PA proper B = 1 and b1 = b2 = 0. The iterate extrapolates, so it
is not itself the output of a prox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ..problems.composite import Composite
from .base import step_size
from .cell import network_state
from .kernel import L2O_PA, Update
from .learned import HeadNetwork, uniform


@dataclass(frozen=True)
class L2OPAState:
    """Iterate, last prox output Z, network state, and the quantities of the step that led here.

    These are None at x_0, and after a step of a prepared model, which training takes.
    """

    x: torch.Tensor
    z: torch.Tensor
    hidden: torch.Tensor
    cell: torch.Tensor
    base_step: torch.Tensor
    preconditioner: torch.Tensor | None = None
    features: torch.Tensor | None = None
    acceleration: torch.Tensor | None = None


@dataclass(frozen=True)
class L2OPA(HeadNetwork):
    """L2O-PA; the defaults are the authors' LASSO setting. A norm of None switches its head off."""

    p_norm: str | None = "sigmoid"
    p_scale: float = 1.0
    a_norm: str | None = "sigmoid"
    a_scale: float = 1.0
    b_norm: str | None = None
    b_scale: float = 1.0
    b1_norm: str | None = None
    b1_scale: float = 1.0
    b2_norm: str | None = None
    b2_scale: float = 1.0

    name: ClassVar[str] = "l2o-pa"
    feature_count: ClassVar[int] = 2
    memory_name: ClassVar[str] = "z"
    head_names: ClassVar[tuple[str, ...]] = ("p", "a", "b", "b1", "b2")

    def draw(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
        """torch's own start for linear and LSTM layers."""
        return uniform(shapes, self.hidden_size, self.seed)

    def init(
        self,
        problem: Composite,
        x0: torch.Tensor,
        seed: int = 0,
        hidden: torch.Tensor | None = None,
        cell: torch.Tensor | None = None,
    ) -> L2OPAState:
        """The state at x_0; the network state, (layers, B*n, hidden_size), is zero unless given."""
        x0 = problem.point(x0, "x0")
        shape = (self.layers, x0.numel(), self.hidden_size)
        hidden, cell = network_state(shape, hidden, cell, x0)
        return L2OPAState(x0, x0, hidden, cell, step_size(self.step_size, problem, 0.9999))

    def kernel_update(self, problem: Composite, state: L2OPAState) -> Update | None:
        """That of L2O-PA proper, where r is the l1 norm."""
        return self._update(L2O_PA, problem, state.x, state.base_step) if self.heads == ("p", "a") else None

    def step(self, problem: Composite, state: L2OPAState) -> L2OPAState:
        """One step."""
        x, z = state.x, state.z
        gradient = problem.smooth.gradient(x)
        update = self.kernel_update(problem, state)
        if update is not None:
            x, z, hidden, cell, records = self.updated(update, x, z, gradient, state.hidden, state.cell)
            if records is None:
                return L2OPAState(x, z, hidden, cell, state.base_step)
            p, a = records.heads
            return L2OPAState(x, z, hidden, cell, state.base_step, p, records.features.movedim(0, -1), a)
        # The authors cut the features off the graph: the network learns from what it did, not from what it saw.
        features = torch.stack([gradient.detach(), x.detach()])
        raw, hidden, cell = self.network(features, state.hidden, state.cell)
        one: Any = torch.ones_like(x) if "p" not in raw else 1.0
        zero: Any = torch.zeros_like(x) if "a" not in raw else 0.0
        p, a = self.head(raw, "p", one) * state.base_step, self.head(raw, "a", zero)
        argument = x - p * gradient
        if "b" in raw:
            b = self.head(raw, "b", 1.0)
            argument = b * argument + (1 - b) * (z - p * problem.smooth.gradient(z))
        argument = argument + self.head(raw, "b1", 0.0) if "b1" in raw else argument
        u = problem.nonsmooth.prox(argument, p)
        x_next = u + a * (u - z)
        x_next = x_next + self.head(raw, "b2", 0.0) if "b2" in raw else x_next
        return L2OPAState(x_next, u, hidden, cell, state.base_step, p, features.movedim(0, -1), a)
