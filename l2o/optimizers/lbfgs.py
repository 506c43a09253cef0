"""Limited-memory BFGS (Nocedal 1980) with Armijo backtracking; needs r = 0.

x_{k+1} = x_k + t d with d = -H grad f(x_k), H from the last pairs s = x_j - x_{j-1}, y = grad f(x_j) - grad f(x_{j-1})
by the two-loop recursion, started from s'y/y'y of the last pair, and from 1/L before the first. t is the first of
1, 1/2, 1/4, ... with f(x_k + t d) <= f(x_k) + 1e-4 t <grad f(x_k), d>; where none of the first 30 will do, or the
change t <grad f(x_k), d> that is looked for drowns in the rounding of f, the step is that of gradient descent,
x_k - grad f(x_k)/L, if it does not increase f, and none otherwise. So f never increases, as computed, whether it is
convex or not. A pair is left out where s'y <= sqrt(eps) ||s|| ||y||, eps the rounding unit:
every H is then positive definite, and d a direction of descent, without a Wolfe condition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .base import require_smooth
from .learned import check_sizes

_SUFFICIENT = 1e-4
_HALVINGS = 30


@dataclass(frozen=True)
class LBFGSState:
    """Iterate x (B,n), and what the next step needs.

    `previous` and `previous_gradient` (B,n) are None at x_0. `s` and `y` (B,memory,n) are the pairs, oldest first, and
    `weights` (B,memory) their 1/s'y, 0 where there is no pair. `scale` (B,1) is s'y/y'y of the last pair, or 1/L.
    `evaluations` (B,) counts the points at which f was asked for, with or without its gradient.
    """

    x: torch.Tensor
    s: torch.Tensor
    y: torch.Tensor
    weights: torch.Tensor
    scale: torch.Tensor
    evaluations: torch.Tensor
    previous: torch.Tensor | None = None
    previous_gradient: torch.Tensor | None = None


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS with the last `memory` pairs; every instance searches along its own line."""

    memory: int = 10

    name: ClassVar[str] = "lbfgs"

    def __post_init__(self) -> None:
        check_sizes(self, ("memory",))

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> LBFGSState:
        """The state at x_0; an error where r is not 0. `seed` is not used."""
        require_smooth(problem, self.name, "fista")
        x0 = problem.point(x0, "x0")
        pairs = x0.new_zeros((problem.batch_size, self.memory, problem.dim))
        ones = torch.ones(problem.batch_size, dtype=torch.int64, device=x0.device)
        scale = (1 / problem.smoothness).unsqueeze(-1)
        return LBFGSState(x0, pairs, pairs, x0.new_zeros(pairs.shape[:2]), scale, ones)

    def step(self, problem: Composite, state: LBFGSState) -> LBFGSState:
        """One step."""
        value, gradient = problem.smooth.value_and_gradient(state.x)
        s, y, weights, scale = _with_last_pair(state, gradient)
        direction = -_two_loop(gradient, s, y, weights, scale)
        slope = (gradient * direction).sum(-1)
        plain = ~(slope < 0)  # rounding, or a gradient that is 0
        direction = torch.where(plain.unsqueeze(-1), -gradient / problem.smoothness.unsqueeze(-1), direction)
        slope = torch.where(plain, (gradient * direction).sum(-1), slope)
        x, evaluations = _search(problem, state.x, value, gradient, direction, slope)
        return LBFGSState(x, s, y, weights, scale, state.evaluations + evaluations, state.x, gradient)


def _with_last_pair(state: LBFGSState, gradient: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The pairs, their weights and the scale with the pair of the last step taken in, where its curvature allows it."""
    if state.previous is None or state.previous_gradient is None:
        return state.s, state.y, state.weights, state.scale
    s, y = state.x - state.previous, gradient - state.previous_gradient
    curvature, square = (s * y).sum(-1, keepdim=True), (y * y).sum(-1, keepdim=True)
    size = torch.linalg.vector_norm(s, dim=-1, keepdim=True) * square.sqrt()
    keep = curvature > torch.finfo(s.dtype).eps ** 0.5 * size
    weight = torch.where(keep, 1 / curvature, torch.zeros_like(curvature))
    scale = torch.where(keep, curvature / square, state.scale)
    usable = keep & torch.isfinite(weight) & torch.isfinite(scale) & (scale > 0)

    def appended(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        where = usable.reshape(-1, *[1] * (old.ndim - 1))
        return torch.where(where, torch.cat([old[:, 1:], new], dim=1), old)

    pairs = appended(state.s, s.unsqueeze(1)), appended(state.y, y.unsqueeze(1))
    return *pairs, appended(state.weights, weight), torch.where(usable, scale, state.scale)


def _two_loop(
    gradient: torch.Tensor, s: torch.Tensor, y: torch.Tensor, weights: torch.Tensor, scale: torch.Tensor
) -> torch.Tensor:
    """(B,n) H grad f; a pair of weight 0 changes nothing."""
    q, alphas = gradient, {}
    for j in reversed(range(s.shape[1])):
        alphas[j] = weights[:, j : j + 1] * (s[:, j] * q).sum(-1, keepdim=True)
        q = q - alphas[j] * y[:, j]
    q = scale * q
    for j in range(s.shape[1]):
        beta = weights[:, j : j + 1] * (y[:, j] * q).sum(-1, keepdim=True)
        q = q + s[:, j] * (alphas[j] - beta)
    return q


def _search(
    problem: Composite,
    x: torch.Tensor,
    value: torch.Tensor,
    gradient: torch.Tensor,
    direction: torch.Tensor,
    slope: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The next iterate (B,n) and the evaluations (B,) that each instance needed; none hangs on another."""
    point, searching = x, torch.ones_like(value, dtype=torch.bool)
    evaluations, pending = torch.zeros_like(searching, dtype=torch.int64), torch.zeros_like(searching)
    seen = torch.finfo(x.dtype).eps * value.abs()
    t = 1.0
    for _ in range(_HALVINGS):
        trial = x + t * direction
        evaluations = evaluations + searching
        accepted = problem.smooth.value(trial) <= value + _SUFFICIENT * t * slope
        new = searching & accepted
        # Where all accept at once the next iterate is this very tensor, of which a run remembers the gradient.
        point = trial if bool(new.all()) else torch.where(new.unsqueeze(-1), trial, point)
        t *= 0.5
        pending = (pending | searching) & ~new
        searching = pending & (t * slope.abs() > seen)
        if not bool(searching.any()):
            break
    if not bool(pending.any()):
        return point, evaluations
    trial = x - gradient / problem.smoothness.unsqueeze(-1)
    evaluations = evaluations + pending
    new = pending & (problem.smooth.value(trial) <= value)
    return torch.where(new.unsqueeze(-1), trial, point), evaluations
