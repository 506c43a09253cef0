"""A smooth term that remembers its last values, so that no gradient is computed twice."""

from __future__ import annotations

from typing import Any, Self

import torch

from .base import SmoothTerm

_POINTS = 2  # the iterate, and the point at which an accelerated method looks


def _equal(one: torch.Tensor, two: torch.Tensor) -> bool:
    return (one.dtype, one.device) == (two.dtype, two.device) and torch.equal(one, two)


class Remembered(SmoothTerm):
    """`term`, with value and gradient kept for the last points asked about.

    A run needs F(x_k) and grad f(x_k) for its record and the optimizer needs the same gradient for its next step. A
    point is known again by its numbers, since a tensor may be written into where torch does not count it (x.data,
    x.numpy()); where a graph is kept it must be the same tensor, unchanged since. Anything else is the term's.
    """

    def __init__(self, term: SmoothTerm):
        self._term = term
        self._last: list[tuple[torch.Tensor, int, bool, tuple[torch.Tensor, torch.Tensor]]] = []

    @property
    def term(self) -> SmoothTerm:
        """What is remembered."""
        return self._term

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        with_graph = torch.is_grad_enabled()
        if with_graph and x.is_inference():  # such a tensor has no version, so nobody knows whether it was changed
            return self._term.value_and_gradient(x)
        for point, version, graph, result in self._last:
            if graph == with_graph and (point is x and version == x._version if graph else _equal(point, x)):
                return result
        computed = self._term.value_and_gradient(x)
        entry = (x, x._version, True, computed) if with_graph else (x.detach().clone(), 0, False, computed)
        self._last = [*self._last[1 - _POINTS :], entry]
        return computed

    def value(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,)."""
        return self.value_and_gradient(x)[0]

    def gradient(self, x: torch.Tensor) -> torch.Tensor:
        """(B,n) -> (B,n)."""
        return self.value_and_gradient(x)[1]

    @property  # type: ignore[misc]  # an attribute of `object`; here it follows the term
    def __class__(self) -> type:
        """Of the term, so that a method for one family knows its family (`isinstance`) within a run, too."""
        return type(self._term)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._term, name)

    @property
    def kind(self) -> str:  # type: ignore[override]  # a class attribute of the others; here it follows the term
        """Of the term."""
        return self._term.kind

    @property
    def convex(self) -> bool:
        """Of the term."""
        return self._term.convex

    @property
    def rounding_bounded(self) -> bool:
        """Of the term."""
        return self._term.rounding_bounded

    @property
    def batch_size(self) -> int:
        """Of the term."""
        return self._term.batch_size

    @property
    def dim(self) -> int:
        """Of the term."""
        return self._term.dim

    @property
    def smoothness(self) -> torch.Tensor:
        """Of the term."""
        return self._term.smoothness

    @property
    def smoothness_error(self) -> torch.Tensor:
        """Of the term."""
        return self._term.smoothness_error

    @property
    def strong_convexity(self) -> torch.Tensor:
        """Of the term."""
        return self._term.strong_convexity

    def value_error(self, x: torch.Tensor) -> torch.Tensor:
        """Of the term."""
        return self._term.value_error(x)

    def gradient_error(self, x: torch.Tensor) -> torch.Tensor:
        """Of the term."""
        return self._term.gradient_error(x)

    def arrays(self) -> dict[str, torch.Tensor]:
        """Of the term."""
        return self._term.arrays()

    def select(self, index: torch.Tensor) -> Self:
        """The instances `index` of the term, nothing remembered."""
        return type(self)(self._term.select(index))

    def to(self, dtype: torch.dtype | None = None, device: torch.device | str | None = None) -> Self:
        """The term elsewhere, nothing remembered."""
        return type(self)(self._term.to(dtype, device))
