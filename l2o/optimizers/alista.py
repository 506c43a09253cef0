"""ALISTA (Liu, Chen, Wang and Yin, ICLR 2019): LISTA whose matrix is computed from A, so that two numbers a layer are
left to learn.

With B = argmin ||B'A||_F over the B with b_j'a_j = 1, sigma = ||B'A||_2 and a = 1/L, layer k makes

    x_k = prox_{|theta_k| a r}(x_{k-1} - (s_k/sigma) B'(A x_{k-1} - y)).

The columns of B are M a_j/(a_j'M a_j), M the pseudoinverse of A A'. At the start s_k = theta_k = 1. As B is not A, a
fixed point is no minimiser of F: the method was made to find the sparse x behind y, and trained on F it comes near a
minimiser within its layers. All instances have to share A.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .fixed_dictionary import FixedDictionary, LayerState, inside, shared_dictionary, shared_map


@dataclass(frozen=True)
class AnalyticState(LayerState):
    """That of a layer, and (n,m) B'/||B'A||_2."""

    weight: torch.Tensor | None = None


@dataclass(frozen=True)
class ALISTA(FixedDictionary):
    """ALISTA for one dictionary: learned steps and thresholds, and a matrix that is computed from A."""

    name: ClassVar[str] = "alista"
    start: ClassVar[Mapping[str, float]] = {"steps": 1.0, "thresholds": 1.0}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the weights."""
        return {"steps": (self.layers,), "thresholds": (self.layers,)}

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> AnalyticState:
        """The state at x_0; an error where the instances do not share A. `seed` is not used."""
        start = super().init(problem, x0, seed)
        weight = analytic_weight(shared_dictionary(problem, self.name).double())
        return AnalyticState(start.x, weight=weight.to(start.x.dtype))

    def learned_step(
        self, problem: Composite, state: LayerState, a: torch.Tensor, weights: Mapping[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """The step of a layer."""
        weight = state.weight if isinstance(state, AnalyticState) else None
        assert weight is not None
        w, target, b = inside(problem, state.x)
        argument = state.x - b * weights["steps"] * ((shared_map(problem)(w) - target) @ weight.mT)
        p = a * weights["thresholds"].abs()
        return problem.nonsmooth.prox(argument, p), p, argument


def analytic_weight(dictionary: torch.Tensor) -> torch.Tensor:
    """(n,m) B'/||B'A||_2 of A (m,n) in closed form; a column that is 0 has the weight 0."""
    rows = dictionary.mT @ torch.linalg.pinv(dictionary @ dictionary.mT, hermitian=True)
    diagonal = (rows * dictionary.mT).sum(1, keepdim=True)
    weight = torch.where(diagonal > 0, rows / diagonal, torch.zeros_like(rows))
    norm = torch.linalg.matrix_norm(weight @ dictionary, ord=2)
    return weight / norm if bool(norm > 0) else weight
