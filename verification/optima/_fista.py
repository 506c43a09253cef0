"""Batched accelerated proximal gradient with adaptive restart.

The iteration of Beck and Teboulle (SIAM J. Imaging Sciences 2, 2009) with the gradient restart of O'Donoghue
and Candes (Foundations of Computational Mathematics 15, 2015), restarted for each instance on its own.
"""

from __future__ import annotations

import torch

from ...l2o.problems import Composite


def safe_step(p: Composite) -> torch.Tensor:
    """(B,1) step 1/L; 1 where f is flat."""
    smoothness = p.smoothness.reshape(-1, 1)
    return torch.where(smoothness > 0, 1 / smoothness, 1.0)


def start(p: Composite) -> torch.Tensor:
    """(B,n) the point of dom r nearest to 0."""
    return p.prox(torch.zeros(p.batch_size, p.dim, dtype=torch.float64), 1.0)


def fista(
    p: Composite, x: torch.Tensor, step: torch.Tensor, iterations: int, tilt: torch.Tensor | None = None
) -> torch.Tensor:
    """(B,n) point after `iterations` steps on F(x) + <tilt, x> from x; step (B,1), tilt (B,n) or none."""
    y, momentum = x, torch.ones_like(step)
    for _ in range(iterations):
        gradient = p.smooth_gradient(y)
        if tilt is not None:
            gradient = gradient + tilt
        new = p.prox(y - step * gradient, step)
        uphill = ((y - new) * (new - x)).sum(-1, keepdim=True) > 0
        momentum = torch.where(uphill, 1.0, momentum)
        following = 0.5 * (1 + torch.sqrt(1 + 4 * momentum * momentum))
        ahead = new + torch.where(uphill, 0.0, (momentum - 1) / following) * (new - x)
        if torch.equal(new, x) and torch.equal(ahead, y):
            break  # a fixed point: nothing will move any more
        x, y, momentum = new, ahead, following
    return x
