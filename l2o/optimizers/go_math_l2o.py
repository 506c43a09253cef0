"""GO-Math-L2O (arXiv 2506.14263): gradient-only features and a gradient-based history.

With a = 0.9999/L and phi the gradient of f and the two ends of the subdifferential of r (of an r that is not separable
twice its subgradient nearest to -grad f), each divided by its norm at x_0, a coordinate-wise LSTM followed by linear
heads gives R, Q, B (and b3, b4), and

    x_k = prox_R(x_{k-1} - R grad f(x_{k-1}) - Q v_{k-1} - b3),
    v_k = B v_{k-1} + (1 - B) M_k - b4,    v_0 = 0,

with one of three gradient maps: displacement  M = x_{k-1} - x_k - b3,  standard  M = (x_{k-1} - x_k - b3 - Q v)/R,
recurrent  M = (x_{k-1} - x_k - b3)/R.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite
from .base import check_number, step_size
from .cell import network_state
from .kernel import GO_MATH, Update
from .learned import HeadNetwork, xavier

_TINY = 1e-20  # the authors' guard of every division
_MAPS = ("displacement", "standard", "recurrent")


@dataclass(frozen=True)
class GoMathState:
    """Iterate, memory v, network state, and the quantities of the step that led here.

    These are None at x_0, and after a step of a prepared model, which training takes.
    """

    x: torch.Tensor
    memory: torch.Tensor
    hidden: torch.Tensor
    cell: torch.Tensor
    scales: torch.Tensor  # (3,B,1) what the three features are divided by, their norms at x_0
    base_step: torch.Tensor  # (B,1) a
    preconditioner: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None
    features: torch.Tensor | None = None
    history_weight: torch.Tensor | None = None
    forgetting: torch.Tensor | None = None


@dataclass(frozen=True)
class GoMathL2O(HeadNetwork):
    """GO-Math-L2O; the defaults are the authors' LASSO setting. A norm of None switches its head off.

    The norms that features are divided by grow as sqrt(n), so that a network sees smaller features where there are more
    variables than it was trained on. With `feature_dim` d they are divided by sqrt(d/n) times the norms, which for d =
    the trained number of variables gives features of the trained size at any n. Not in the paper.
    """

    r_norm: str | None = "sigmoid"
    r_scale: float = 1.0
    q_norm: str | None = "sigmoid"
    q_scale: float = 1.0
    b_norm: str | None = "sigmoid1"
    b_scale: float = 1.0
    b3_norm: str | None = None
    b3_scale: float = 1.0
    b4_norm: str | None = None
    b4_scale: float = 1.0
    q_step_power: float = 0
    gradient_map: str = "displacement"
    feature_dim: float | None = None

    name: ClassVar[str] = "go-math-l2o"
    feature_count: ClassVar[int] = 3
    memory_name: ClassVar[str] = "memory"
    head_names: ClassVar[tuple[str, ...]] = ("r", "q", "b", "b3", "b4")

    def __post_init__(self) -> None:
        if self.gradient_map not in _MAPS:
            raise InputError(f"gradient_map: expected one of {', '.join(_MAPS)}, got {self.gradient_map!r}.")
        if self.q_step_power not in (0, 0.5, 1, 2):
            raise InputError(f"q_step_power: expected 0, 0.5, 1 or 2, got {self.q_step_power!r}.")
        if self.feature_dim is not None:
            check_number("feature_dim", self.feature_dim, 0.0, float("inf"), open_low=True)
        super().__post_init__()

    def draw(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
        """Xavier-uniform matrices, zero biases."""
        return xavier(shapes, self.seed)

    def init(
        self,
        problem: Composite,
        x0: torch.Tensor,
        seed: int = 0,
        hidden: torch.Tensor | None = None,
        cell: torch.Tensor | None = None,
    ) -> GoMathState:
        """The state at x_0; the network state, (layers, B*n, hidden_size), is zero unless given."""
        x0 = problem.point(x0, "x0")
        shape = (self.layers, x0.numel(), self.hidden_size)
        hidden, cell = network_state(shape, hidden, cell, x0)
        raw = self._raw_features(problem, x0, problem.smooth.gradient(x0))
        scales = torch.linalg.vector_norm(raw, dim=-1, keepdim=True)
        if self.feature_dim is not None:
            scales = math.sqrt(self.feature_dim / problem.dim) * scales
        scales = scales.clamp(min=_TINY)
        base_step = step_size(self.step_size, problem, 0.9999).clamp(min=_TINY)
        return GoMathState(x0, torch.zeros_like(x0), hidden, cell, scales, base_step)

    @staticmethod
    def _raw_features(problem: Composite, x: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        term = problem.nonsmooth
        if not term.separable and term.names_subgradients and not term.boxed(x.shape[-1]):
            # No box holds the subdifferential. Its element that is nearest to -grad f stands for both ends: the choice
            # that makes the gradient of F least, and one that moves and scales along with F.
            return torch.stack([gradient, *2 * [term.nearest_subgradient(x, -gradient)]])
        low, high = term.subdifferential(x)
        if not term.finite_slopes:
            # The normal cone of a box has infinite ends; its direction is the information, so +-inf becomes +-1.
            low, high = (torch.nan_to_num(end, posinf=1.0, neginf=-1.0) for end in (low, high))
        return torch.stack([gradient, low, high])

    def kernel_update(self, problem: Composite, state: GoMathState) -> Update | None:
        """That of the paper's LASSO setting, where r and the options are as there."""
        if (
            self.heads != ("r", "q", "b")
            or self.gradient_map != "displacement"
            or self.q_step_power
            or type(self).coefficients is not GoMathL2O.coefficients
        ):
            return None
        return self._update(GO_MATH, problem, state.x, state.base_step, state.scales)

    def coefficients(
        self, raw: Mapping[str, torch.Tensor], x: torch.Tensor, a: torch.Tensor, problem: Composite
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """R, Q and B, (B,n) each or what broadcasts to it, from the raw heads."""
        one: Any = torch.ones_like(x) if {"r", "q", "b"} - set(raw) else 1.0
        q = self.head(raw, "q", one)
        return (
            self.head(raw, "r", one) * a,
            q * a**self.q_step_power if self.q_step_power else q,
            self.head(raw, "b", one),
        )

    def step(self, problem: Composite, state: GoMathState) -> GoMathState:
        """One step."""
        x, v, a = state.x, state.memory, state.base_step
        gradient = problem.smooth.gradient(x)
        update = self.kernel_update(problem, state)
        if update is not None:
            x, v, hidden, cell, records = self.updated(update, x, v, gradient, state.hidden, state.cell)
            if records is None:
                return GoMathState(x, v, hidden, cell, state.scales, a)
            r, q, b = records.heads
            features = records.features.movedim(0, -1)
            return GoMathState(x, v, hidden, cell, state.scales, a, r, records.argument, features, q, b)
        features = self._raw_features(problem, x, gradient) / state.scales
        raw, hidden, cell = self.network(features, state.hidden, state.cell)
        r, q, b = self.coefficients(raw, x, a, problem)
        b3, b4 = self.head(raw, "b3", 0.0), self.head(raw, "b4", 0.0)
        argument = x - r * gradient - q * v
        argument = argument - b3 if "b3" in raw else argument
        x_next = problem.nonsmooth.prox(argument, r)
        direction = x - x_next
        direction = direction - b3 if "b3" in raw else direction
        if self.gradient_map == "standard":
            direction = (direction - q * v) / (r + _TINY)
        elif self.gradient_map == "recurrent":
            direction = direction / (r + _TINY)
        memory = b * v + (1 - b) * direction
        memory = memory - b4 if "b4" in raw else memory
        return GoMathState(x_next, memory, hidden, cell, state.scales, a, r, argument, features.movedim(0, -1), q, b)
