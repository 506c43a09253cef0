"""Gated LISTA (Wu, Guo, Li and Zhang, ICLR 2020): LISTA with gates against estimates and steps that are too small.

With u = kappa_k(x) x, a = 1/L and entries multiplied one by one, layer k makes

    c   = prox_{|theta_k| a r}(u - s_k a (A + V)'(A u - y)),          kappa_k(x) = 1 + mu_k exp(-|nu_k| |x|),
    x_k = c + o_k (c - x)/(|c - x| + 1/10),    x = x_{k-1}.

This is the form with coupled weights, an exponential gain gate kappa and an overshoot gate in inverse proportion. V
(m,n) is the same in all layers. At the start V, mu_k and o_k are 0, and s_k = theta_k = nu_k = 1, which is ISTA. The
gates have units; on c f(x/b + t) they act at x/b + t. After the overshoot x_k is no output of the prox, and may leave
the domain of r. All instances have to share A.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .fixed_dictionary import FixedDictionary, LayerState, inside, inside_step, shared_map

_SOFT = 0.1  # of the overshoot gate, the authors'


@dataclass(frozen=True)
class GatedLISTA(FixedDictionary):
    """Gated LISTA for one dictionary; without `rows` and `dim` only steps, thresholds and gates are learned."""

    name: ClassVar[str] = "gated-lista"
    ends_with_prox: ClassVar[bool] = False
    start: ClassVar[Mapping[str, float]] = {"steps": 1.0, "thresholds": 1.0, "gain_width": 1.0}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        names = ("steps", "thresholds", "gain", "gain_width", "overshoot")
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(names, (self.layers,))
        if self.rows is not None and self.dim is not None:
            shapes["coupled"] = (self.rows, self.dim)
        return shapes

    def learned_step(
        self, problem: Composite, state: LayerState, a: torch.Tensor, weights: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """The step of a layer."""
        w, target, b = inside(problem, state.x)
        dictionary = shared_map(problem)
        u = w + weights["gain"] * torch.exp(-weights["gain_width"].abs() * w.abs()) * w
        residual = dictionary(u) - target
        direction = dictionary.adjoint(residual)
        if "coupled" in weights:
            direction = direction + residual @ weights["coupled"]
        argument = state.x + b * (u - w - weights["steps"] * inside_step(problem) * direction)
        x = problem.nonsmooth.prox(argument, a * weights["thresholds"].abs())
        moved = (x - state.x) / b
        return x + b * weights["overshoot"] * moved / (moved.abs() + _SOFT), None, None
