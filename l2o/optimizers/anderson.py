"""Anderson-accelerated proximal gradient (Mai and Johansson, ICML 2020) with a safeguard.

With p = 1/L, proximal gradient is a fixed-point iteration of the argument of its prox, y -> g(y) = x - p grad f(x),
x = prox_{p r}(y). Of the last `memory` changes of g and of the residual g(y) - y, the next argument is

    y = g_k - sum_i c_i (change i of g),    c = argmin ||residual_k - sum_i c_i (change i of the residual)||,

(type II; the normal equations are regularised), and its point prox_{p r}(y) is taken where F there is at most

    m_k = f(x_k) + <grad f(x_k), t - x_k> + (L/2) ||t - x_k||^2 + r(t),    t = prox_{p r}(g_k),

the value that the model of proximal gradient promises. Elsewhere x_{k+1} = t, for which F(t) <= m_k. So, with r convex
and f convex with an L-Lipschitz gradient, F never increases, and with delta_k = F(x_k) - F*, R_k = ||x_k - x*||,

    delta_{k+1} <= min over 0 <= s <= 1 of (1 - s) delta_k + (L/2) s^2 R_k^2,

the step of the method without a memory in the analysis of Nesterov (Math. Program. 2013): delta_k = O(1/k) where level
sets are bounded. The safeguard of the paper asks for a decrease by a share of the squared gradient mapping; this one
keeps that proof. A step costs f at two points, or one where the point that was tried is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ..problems.composite import Composite
from .learned import check_sizes

_RIDGE = 1e-6  # a change that the others give to a thousandth counts as theirs: in float32 the rest is noise


@dataclass(frozen=True)
class AndersonState:
    """Iterate, what the last prox was given, and the memory.

    `g` and `residual` (B,n) are those of the last argument (None before the second step), `g_changes` and
    `residual_changes` (B,memory,n) of steps before, oldest first, 0 where there is none. `looked` (B,) says whether f
    was evaluated at x, `evaluations` (B,) at how many points it was.
    """

    x: torch.Tensor
    preconditioner: torch.Tensor
    g_changes: torch.Tensor
    residual_changes: torch.Tensor
    evaluations: torch.Tensor
    looked: torch.Tensor
    g: torch.Tensor | None = None
    residual: torch.Tensor | None = None
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class Anderson:
    """Proximal gradient with Anderson acceleration from the last `memory` changes, and a safeguard."""

    memory: int = 5

    name: ClassVar[str] = "anderson"

    def __post_init__(self) -> None:
        check_sizes(self, ("memory",))

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> AndersonState:
        """The state at x_0; `seed` is not used."""
        x0 = problem.point(x0, "x0")
        none = x0.new_zeros((problem.batch_size, self.memory, problem.dim))
        count = torch.zeros(problem.batch_size, dtype=torch.int64, device=x0.device)
        return AndersonState(x0, (1 / problem.smoothness).unsqueeze(-1), none, none, count, count.bool())

    def step(self, problem: Composite, state: AndersonState) -> AndersonState:
        """One step."""
        value, gradient = problem.smooth.value_and_gradient(state.x)
        evaluations = state.evaluations + ~state.looked
        p, g = state.preconditioner, state.x - state.preconditioner * gradient
        plain = problem.nonsmooth.prox(g, p)
        if state.prox_argument is None:  # x_0 is no prox, so it has no residual
            unseen = torch.zeros_like(state.looked)
            return AndersonState(
                plain, p, state.g_changes, state.residual_changes, evaluations, unseen, prox_argument=g
            )
        residual = g - state.prox_argument
        g_changes, residual_changes = state.g_changes, state.residual_changes
        if state.g is not None and state.residual is not None:
            g_changes = _appended(g_changes, g - state.g)
            residual_changes = _appended(residual_changes, residual - state.residual)
        argument = g - _combination(g_changes, residual_changes, residual)
        trial = problem.nonsmooth.prox(argument, p)
        step = plain - state.x
        model = value + (gradient * step).sum(-1) + 0.5 * (step * step / p).sum(-1) + problem.nonsmooth.value(plain)
        taken = problem.smooth.value(trial) + problem.nonsmooth.value(trial) <= model
        evaluations = evaluations + 1
        where = taken.unsqueeze(-1)
        if bool(taken.all()):  # this very tensor, of which a run remembers the gradient
            x = trial
        else:
            x, argument = torch.where(where, trial, plain), torch.where(where, argument, g)
        return AndersonState(x, p, g_changes, residual_changes, evaluations, taken, g, residual, argument)


def _appended(changes: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
    return torch.cat([changes[:, 1:], change.unsqueeze(1)], dim=1)


def _combination(g_changes: torch.Tensor, residual_changes: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
    """(B,n) sum_i c_i (change i of g), c the regularised least-squares coefficients; a change that is 0 counts nothing.

    Columns have norm 1 in the normal equations, so that old changes, which are long, do not drown new ones.
    """
    size = torch.linalg.vector_norm(residual_changes, dim=-1, keepdim=True)
    size = torch.where(size > 0, size, torch.ones_like(size))
    unit = residual_changes / size
    gram = unit @ unit.mT
    eye = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    empty = (gram.diagonal(dim1=-2, dim2=-1) == 0).to(gram.dtype)
    gram = gram + _RIDGE * eye + torch.diag_embed(empty)
    right = unit @ residual.unsqueeze(-1)
    coefficients = torch.linalg.solve(gram, torch.nan_to_num(right)) / size
    return (coefficients * g_changes).sum(1)
