"""Counting what a step costs: the points at which f is asked for, with or without its gradient."""

from __future__ import annotations

import torch

from ..problems.composite import Composite
from ..problems.smooth import Remembered, SmoothTerm


class Counted(Remembered):
    """`term`, which counts in `calls` the points it is asked about; those in `paid` and repetitions are free."""

    def __init__(self, term: SmoothTerm, *paid: torch.Tensor):
        super().__init__(term)
        self._paid = list(paid)  # held, so that no other tensor gets their place in memory
        self.calls = 0

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        if not any(x is point for point in self._paid):
            self._paid.append(x)
            self.calls += 1
        return super().value_and_gradient(x)


def counted(problem: Composite, *paid: torch.Tensor) -> tuple[Composite, Counted]:
    """The problem with a smooth term that counts, and that term.

    Args:
        problem: B instances in n variables.
        paid: Points (B,n) whose value and gradient were counted before.
    """
    term = Counted(problem.smooth, *paid)
    return Composite(term, problem.nonsmooth), term
