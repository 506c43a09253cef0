"""Optimizers with one planted defect each of those that show in no bound: no progress, other data, idle weights."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from l2obound import l2o
from l2obound.l2o import Composite
from l2obound.l2o.optimizers.fista import Fista, FistaRestart, FistaState
from l2obound.l2o.optimizers.go_math_l2o import GoMathL2O


@dataclass(frozen=True)
class Plain:
    """Iterate, a number of steps, and whatever a defect needs; names no step."""

    x: torch.Tensor
    k: int = 0
    extra: Any = None


class Gradient:
    """Proximal gradient that names nothing, in parts that a defect replaces."""

    def __init__(self) -> None:
        self.name = type(self).__name__

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Plain:
        return Plain(x0, 0, self.first(problem, x0))

    def first(self, problem: Composite, x0: torch.Tensor) -> Any:
        return None

    def factor(self, state: Plain) -> float:
        return 1.0

    def new(self, problem: Composite, x: torch.Tensor, factor: Any = 1.0) -> torch.Tensor:
        p = (1 / problem.smoothness).unsqueeze(-1) * factor
        return problem.nonsmooth.prox(x - p * problem.smooth.gradient(x), p)

    def step(self, problem: Composite, state: Plain) -> Plain:
        return Plain(self.new(problem, state.x, self.factor(state)), state.k + 1, state.extra)


class TinySteps(Gradient):
    def factor(self, state):
        return 1e-6


class ShortSteps(Gradient):
    def factor(self, state):
        return 0.04


class FreezesAfterFifty(Gradient):
    def factor(self, state):
        return 1.0 if state.k < 50 else 1e-9


class DyingSteps(Gradient):
    def factor(self, state):
        return 0.8**state.k + 1e-12


class DoesNothing(Gradient):
    def step(self, problem, state):
        return Plain(state.x.clone(), state.k + 1)


class StopsAltogether(FistaRestart):
    """As FISTA with restarts for 15 steps."""

    name = "stops-altogether"

    def init(self, problem, x0, seed=0):
        return Plain(x0, 0, super().init(problem, x0, seed))

    def step(self, problem, state):
        inner = super().step(problem, state.extra) if state.k < 15 else state.extra
        return Plain(inner.x, state.k + 1, inner)


class UnnamedLongSteps(Gradient):
    def factor(self, state):
        return 2.5


class SlightlyLongSteps(Gradient):
    def factor(self, state):
        return 2.1


class DivergesLate(Gradient):
    """Comes down, and turns round after 80 steps."""

    def factor(self, state):
        return (
            1.0 if state.k < 80 else 4.0
        )  # what is left in the steepest direction is rounding: it has to grow from there


class HidesDivergence(Gradient):
    def step(self, problem, state):
        x = self.new(problem, state.x, 2.5)
        x = torch.nan_to_num(x, nan=0.0, posinf=1e3, neginf=-1e3).clamp(-1e3, 1e3)
        return Plain(problem.nonsmooth.prox(x, 1e-12 / problem.smoothness.unsqueeze(-1)), state.k + 1)


class FrozenBehindClamp(Gradient):
    """Diverges inside, and shows the best point of the first steps for ever."""

    def first(self, problem, x0):
        return x0

    def step(self, problem, state):
        inner = torch.nan_to_num(self.new(problem, state.extra, 2.5)).clamp(-1e6, 1e6)
        better = problem.objective(inner) < problem.objective(state.x)
        return Plain(torch.where(better.unsqueeze(-1), inner, state.x), state.k + 1, inner)


class BackwardFista(Fista):
    """z = x - beta (x - x_before)."""

    name = "backward-fista"

    def step(self, problem, state):
        s = super().step(problem, state)
        return FistaState(s.x, 2 * s.x - s.z, s.t, s.preconditioner, s.prox_argument)


class BackwardHeavyBall(Gradient):
    def first(self, problem, x0):
        return x0

    def step(self, problem, state):
        p = (0.5 / problem.smoothness).unsqueeze(-1)
        u = state.x - p * problem.smooth.gradient(state.x) - 0.7 * (state.x - state.extra)
        return Plain(problem.nonsmooth.prox(u, p), state.k + 1, state.x)


class BackwardGoMath(GoMathL2O):
    """The weight of the memory with its sign flipped."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"q_scale": -1.0, **options})


class StaleGradient(Gradient):
    """Steps by the gradient of the step before."""

    def first(self, problem, x0):
        return problem.smooth.gradient(x0)

    def step(self, problem, state):
        p = 0.8 * (1 / problem.smoothness).unsqueeze(-1)
        x = problem.nonsmooth.prox(state.x - p * state.extra, p)
        return Plain(x, state.k + 1, problem.smooth.gradient(state.x))


class LagsByOne(Gradient):
    """Shows the iterate of the step before."""

    def first(self, problem, x0):
        return x0

    def step(self, problem, state):
        return Plain(state.extra, state.k + 1, self.new(problem, state.extra))


class LaggingFista(Fista):
    name = "lagging-fista"

    def init(self, problem, x0, seed=0):
        return Plain(x0, 0, super().init(problem, x0, seed))

    def step(self, problem, state):
        return Plain(state.extra.x, state.k + 1, super().step(problem, state.extra))


class GuessedPolyak(Gradient):
    """(F(x) - 0)/||g||^2, at most 1/L."""

    guess = 0.0

    def step(self, problem, state):
        g = problem.smooth.gradient(state.x)
        size = (g * g).sum(-1) + 1e-300
        ratio = ((problem.objective(state.x) - self.guess) * problem.smoothness / size).clamp(0.2, 1.0)
        return Plain(self.new(problem, state.x, ratio.unsqueeze(-1)), state.k + 1)


class StepByTheValue(Gradient):
    """A shorter step where F is positive."""

    def step(self, problem, state):
        factor = torch.where(problem.objective(state.x) > 0, 0.5, 1.0).unsqueeze(-1).to(state.x)
        return Plain(self.new(problem, state.x, factor), state.k + 1)


class KnowsTheSolution(Gradient):
    """Solves the problem in init, and scales its steps by the distance to the solution."""

    def first(self, problem, x0):
        return l2o.rollout(l2o.optimizer("fista-restart"), problem, x0, 60).x_final

    def step(self, problem, state):
        away = (state.x - state.extra).abs()
        factor = 0.5 + 0.5 * away / (away.amax(-1, keepdim=True) + 1e-300)
        return Plain(self.new(problem, state.x, factor), state.k + 1, state.extra)


class SeedFromTheClock(Gradient):
    def first(self, problem, x0):
        return int(time.time())

    def step(self, problem, state):
        generator = torch.Generator().manual_seed(state.extra + state.k)
        size = float(0.6 + 0.4 * torch.rand((), generator=generator))
        return Plain(self.new(problem, state.x, size), state.k + 1, state.extra)


class DaytimeSteps(Gradient):
    def factor(self, state):
        return 0.7 + 0.01 * datetime.datetime.now().second


class BoastsOfConvergence(Gradient):
    declares = {"converges": 1e-8}  # noqa: RUF012


class Learned(torch.nn.Module):
    """A step by a gate of two features per coordinate; parts of it are what a defect replaces."""

    hidden = 4

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)

        def draw(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(0.4 * torch.randn(shape, generator=generator, dtype=torch.float64))

        self.inner, self.outer, self.bias = draw(2, self.hidden), draw(self.hidden), draw(self.hidden)

    def features(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        g = problem.smooth_gradient(x)
        size = torch.sqrt((g * g).sum(-1, keepdim=True) + 1e-30)
        return torch.stack([g / size, (g / size) ** 2], dim=-1)

    def gate(self, features: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.tanh(features @ self.inner + self.bias) @ self.outer)

    def forward(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        p = (0.3 + 0.7 * self.gate(self.features(problem, x))) / problem.smoothness.unsqueeze(-1)
        return problem.prox(x - p * problem.smooth_gradient(x), p)


class UntrainedHead(Learned):
    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))


class DetachedHead(Learned):
    def gate(self, features):
        return torch.sigmoid(torch.tanh(features @ self.inner + self.bias.detach()) @ self.outer)


class HalfCutOff(Learned):
    hidden = 8

    def gate(self, features):
        mask = (torch.arange(self.hidden) < self.hidden // 2).to(features)
        return torch.sigmoid((torch.tanh(features @ self.inner + self.bias) * mask) @ self.outer)


class DetachesBetweenSteps(Learned):
    def forward(self, problem, x):
        return super().forward(problem, x.detach())


class NoSecondDerivatives(Learned):
    def features(self, problem, x):
        return super().features(problem, x).detach()


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
        return 2 * g


class WrongBackward(Learned):
    def gate(self, features):
        return _Doubled.apply(super().gate(features))


class SquareRootAtZero(Learned):
    def features(self, problem, x):
        g = problem.smooth_gradient(x) / problem.smoothness.unsqueeze(-1)
        size = torch.sqrt((g * g).sum(-1, keepdim=True) + 1e-30)
        return torch.stack([torch.sqrt(g * g) / size, g / size], dim=-1)


class SignByDivision(Learned):
    def features(self, problem, x):
        g = problem.smooth_gradient(x)
        sign = torch.where(g == 0, torch.zeros_like(g), g / g.abs())
        return torch.stack([sign, 0.5 * sign], dim=-1)


class LogarithmAtZero(Learned):
    def features(self, problem, x):
        g = problem.smooth_gradient(x)
        g = g / torch.sqrt((g * g).sum(-1, keepdim=True) + 1e-30)
        size = torch.where(g.abs() > 1e-4, torch.log(g.abs()) / 10, -torch.ones_like(g))
        return torch.stack([size, g], dim=-1)


SLOW_OFFENDERS: dict[Callable[[], Any], tuple[str, set[str]]] = {
    TinySteps: ("makes_progress", set()),
    ShortSteps: ("makes_progress", set()),
    FreezesAfterFifty: ("makes_progress", set()),
    DyingSteps: ("makes_progress", set()),
    DoesNothing: ("makes_progress", {"record_is_of_this_step"}),
    StopsAltogether: ("makes_progress", set()),
    UnnamedLongSteps: ("does_not_diverge", {"makes_progress"}),
    SlightlyLongSteps: ("does_not_diverge", {"makes_progress"}),
    DivergesLate: ("does_not_diverge", set()),
    HidesDivergence: ("does_not_diverge", {"makes_progress"}),
    FrozenBehindClamp: ("makes_progress", {"record_is_of_this_step"}),
    BackwardFista: ("momentum_goes_forward", set()),
    BackwardHeavyBall: ("momentum_goes_forward", set()),
    BackwardGoMath: ("momentum_goes_forward", set()),
    StaleGradient: ("record_is_of_this_step", set()),
    LagsByOne: ("record_is_of_this_step", set()),
    LaggingFista: ("record_is_of_this_step", set()),
    GuessedPolyak: ("uses_nothing_of_the_solution", set()),
    StepByTheValue: ("uses_nothing_of_the_solution", set()),
    KnowsTheSolution: ("uses_nothing_of_the_solution", set()),
    SeedFromTheClock: ("clock_matters_not", set()),
    DaytimeSteps: ("clock_matters_not", set()),
    BoastsOfConvergence: ("converges", set()),
    UntrainedHead: ("every_weight_has_a_part", set()),
    DetachedHead: ("every_weight_has_a_part", {"derivative_is_that_of_the_loss"}),
    HalfCutOff: ("every_weight_has_a_part", set()),
    DetachesBetweenSteps: ("derivative_is_that_of_the_loss", set()),
    NoSecondDerivatives: ("derivative_is_that_of_the_loss", set()),
    WrongBackward: ("derivative_is_that_of_the_loss", set()),
    SquareRootAtZero: ("finite_gradients", set()),
    SignByDivision: ("finite_gradients", set()),
    LogarithmAtZero: ("finite_gradients", set()),
}
"""Each with the check that is meant for it, and the others that it fails."""

SOUND_MODULE = Learned
