"""Cyclic coordinate descent for least squares or a quadratic form plus a separable r: the method to beat on LASSO.

One step is an epoch: for i = 1, ..., n in turn

    x_i <- prox_{r_i / h_i}(x_i - g_i / h_i),    g_i = (grad f(x))_i,   h_i = (second derivative of f along e_i),

which minimises F exactly along coordinate i. The residual A x - y (of a quadratic form: Q x - c) is kept up to date, so
a coordinate costs two products with a column of A, and an epoch as much as one gradient: two products with A (of a
quadratic form: one with Q). It is counted as one gradient call; g_i and h_i need no L.

This loop over coordinates in torch counts iterations. It is no measure of time: see `timing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from ...errors import InputError
from ..problems.composite import Composite

_KINDS = ("least-squares", "quadratic")


@dataclass(frozen=True)
class CoordinateDescentState:
    """Iterate x (B,n), residual (B,m), columns of A or Q (n,B,m) or (n,1,m), and curvatures h (B,n) or (1,n)."""

    x: torch.Tensor
    residual: torch.Tensor
    columns: torch.Tensor
    curvature: torch.Tensor


@dataclass(frozen=True)
class CoordinateDescent:
    """Cyclic coordinate descent; a step is an epoch over all coordinates of all instances."""

    name: ClassVar[str] = "coordinate-descent"
    calls_per_step: ClassVar[int] = 1
    """Gradient calls that an epoch costs as much as."""

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> CoordinateDescentState:
        """The state at x_0; an error unless f is least squares or a quadratic form and r separable. No seed is used."""
        x0 = problem.point(x0, "x0")
        smooth: Any = problem.smooth  # of the two kinds below, with the data that these have
        if smooth.kind not in _KINDS or not problem.nonsmooth.separable:
            raise InputError(
                f"{self.name} cannot run on {problem.name}: it needs f of the kind {' or '.join(_KINDS)} and "
                f"a separable r; use fista."
            )
        matrix = smooth.map.matrix
        matrix = matrix if matrix.ndim == 3 else matrix.unsqueeze(0)
        columns = matrix.permute(2, 0, 1).contiguous()
        if smooth.kind == "quadratic":
            curvature, residual = torch.diagonal(matrix, dim1=-2, dim2=-1), smooth.map(x0) - smooth.linear
        else:
            curvature, residual = (matrix * matrix).sum(-2), smooth.map(x0) - smooth.target
        # Where f does not depend on x_i the step is as long as there is, and x_i minimises r_i.
        return CoordinateDescentState(x0, residual, columns, curvature.clamp(min=4 * torch.finfo(x0.dtype).tiny))

    def step(self, problem: Composite, state: CoordinateDescentState) -> CoordinateDescentState:
        """One epoch."""
        quadratic, r = problem.smooth.kind == "quadratic", problem.nonsmooth
        steps, columns = 1 / state.curvature, state.columns
        new, residual = list(state.x.split(1, dim=1)), state.residual
        whole = state.x.clone() if r.dim is not None else None  # r has parameters of its own for each coordinate
        for i, old in enumerate(new):
            step, column = steps[:, i : i + 1], columns[i]
            slope = residual[:, i : i + 1] if quadratic else (residual * column).sum(-1, keepdim=True)
            argument = old - step * slope
            if whole is None:
                new[i] = r.prox(argument, step)
            else:
                whole[:, i : i + 1] = argument
                new[i] = r.prox(whole, step)[:, i : i + 1]
                whole[:, i : i + 1] = new[i]
            residual = residual + (new[i] - old) * column
        return CoordinateDescentState(torch.cat(new, dim=1), residual, columns, state.curvature)


__all__ = ["CoordinateDescent", "CoordinateDescentState"]
