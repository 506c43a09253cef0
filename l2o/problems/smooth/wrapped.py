"""What is the same for every smooth term around another one."""

from __future__ import annotations

from .base import SmoothTerm


class WrappedSmooth(SmoothTerm):
    """A smooth term made of `base` that has its sizes, is convex where it is, and knows as much of its rounding."""

    base: SmoothTerm

    @property
    def rounding_bounded(self) -> bool:
        """As of the base."""
        return self.base.rounding_bounded

    @property
    def convex(self) -> bool:
        """Whether the base is convex."""
        return self.base.convex

    @property
    def batch_size(self) -> int:
        """Of the base."""
        return self.base.batch_size

    @property
    def dim(self) -> int:
        """Of the base."""
        return self.base.dim
