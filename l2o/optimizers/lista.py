"""LISTA (Gregor and LeCun, ICML 2010): ISTA on a LASSO with one dictionary A, its two matrices learned.

With a = 1/L, layer k = 1, 2, ... makes

    x_k = prox_{|theta_k| a r}(S x_{k-1} + W y),    W = A'/L + W_d,  S = I - A'A/L + S_d,

S_d (n,n) and W_d (n,m) the same in all layers. At the start they are 0 and theta_k = 1, which is ISTA. What is learned
belongs to A: all instances have to share it, and weights are of no use with another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .fixed_dictionary import FixedDictionary, LayerState, inside


@dataclass(frozen=True)
class LISTA(FixedDictionary):
    """LISTA for one dictionary; without `rows` and `dim` only the thresholds are learned."""

    name: ClassVar[str] = "lista"
    start: ClassVar[Mapping[str, float]] = {"thresholds": 1.0}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        shapes: dict[str, tuple[int, ...]] = {"thresholds": (self.layers,)}
        if self.rows is not None and self.dim is not None:
            shapes |= {"state": (self.dim, self.dim), "input": (self.dim, self.rows)}
        return shapes

    def learned_step(
        self, problem: Composite, state: LayerState, a: torch.Tensor, weights: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """The step of a layer."""
        argument = state.x - a * problem.smooth.gradient(state.x)
        if "state" in weights:
            w, target, b = inside(problem, state.x)
            argument = argument + b * (w @ weights["state"].mT + target @ weights["input"].mT)
        p = a * weights["thresholds"].abs()
        return problem.nonsmooth.prox(argument, p), p, argument
