"""Optimizers with one planted defect each, and the checks that must find it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from l2obound.l2o import Composite
from l2obound.l2o.optimizers.adam import AdamHD
from l2obound.l2o.optimizers.fista import Fista
from l2obound.l2o.optimizers.go_math_l2o import GoMathL2O
from l2obound.l2o.optimizers.learned import LearnedOptimizer
from l2obound.l2o.optimizers.subgradient import Subgradient
from l2obound.l2o.problems.nonsmooth import L1
from l2obound.l2o.problems.transforms import ChangedNonsmooth, ChangedSmooth


@dataclass(frozen=True)
class State:
    x: torch.Tensor
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None
    memory: torch.Tensor | None = None


class Sound:
    """Proximal gradient, in parts that a defect replaces."""

    def __init__(self) -> None:
        self.name = type(self).__name__

    def start(self, problem: Composite, x0: torch.Tensor) -> torch.Tensor:
        return x0

    def p(self, problem: Composite, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        return (1 / problem.smoothness).unsqueeze(-1).expand_as(x)

    def gradient(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        return problem.smooth.gradient(x)

    def prox(self, problem: Composite, u: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
        return problem.nonsmooth.prox(u, p)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return State(self.start(problem, x0), self.p(problem, x0, self.gradient(problem, x0)))

    def step(self, problem: Composite, state: Any) -> Any:
        g = self.gradient(problem, state.x)
        p = self.p(problem, state.x, g)
        u = state.x - p * g
        return State(self.prox(problem, u, p), p, u)


class RandomNetworkState(GoMathL2O):
    """As in the authors' code: the LSTM's state is drawn from the global generator at every reset."""

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0, **arguments: Any) -> Any:
        shape = (self.layers, x0.numel(), self.hidden_size)
        return super().init(problem, x0, seed, torch.randn(shape, dtype=x0.dtype), torch.randn(shape, dtype=x0.dtype))


class NoiseInTheStep(Sound):
    def p(self, problem, x, g):
        return super().p(problem, x, g) * float(1 - 0.01 * np.random.rand())  # noqa: NPY002


class SeedsGlobally(Sound):
    def start(self, problem, x0):
        torch.manual_seed(0)
        return x0


class CoupledAdamHD(AdamHD):
    def __init__(self) -> None:
        super().__init__(hyper_step=1e-3, coupled=True)


class BatchMeanGradient(Sound):
    def p(self, problem, x, g):
        return super().p(problem, x, g) / problem.batch_size


class FirstInstanceLeads(Sound):
    def p(self, problem, x, g):
        return super().p(problem, x, g) * (1 - 0.5 * torch.tanh(g[:1].norm() / g[:1].numel()))


class WrongShiftedProx(Sound):
    """The authors' prox of lam ||x + t||_1."""

    def prox(self, problem, u, p):
        r = problem.nonsmooth
        if not (isinstance(r, ChangedNonsmooth) and isinstance(r.base, L1)) or r.change.dilates:
            return super().prox(problem, u, p)
        t, lam = r.change.shift, r.base.lam * r.change.scale
        return -t + torch.sign(u) * (u.abs() - lam * p + torch.sign(u) * t).clamp(min=0)


class DoubleShift(Sound):
    """As the authors' logistic subgradient: a shifted term is looked at with its shift twice."""

    def gradient(self, problem, x):
        smooth = problem.smooth
        term = getattr(smooth, "_term", smooth)  # of a problem that remembers
        shift = term.change.shift if isinstance(term, ChangedSmooth) and not term.change.dilates else 0.0
        return smooth.gradient(x + shift)


class WrongSign(Sound):
    def gradient(self, problem, x):
        return -problem.smooth.gradient(x)


class LongStep(Sound):
    def p(self, problem, x, g):
        return 2.1 * super().p(problem, x, g)


class WideHead(GoMathL2O):
    """R up to 3/L."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"r_scale": 2.5, **options})


class InPlace(Sound):
    def step(self, problem, state):
        g = self.gradient(problem, state.x)
        p = self.p(problem, state.x, g)
        state.x.sub_(p * g)
        u = state.x.clone()
        return State(self.prox(problem, u, p), p, u)


class MemoryInPlace(Sound):
    def init(self, problem, x0, seed=0):
        return replace(super().init(problem, x0), memory=torch.zeros_like(x0))

    def step(self, problem, state):
        p = self.p(problem, state.x, state.x)
        v = state.memory.mul_(0.5).add_(p * self.gradient(problem, state.x))
        u = state.x - v
        return State(self.prox(problem, u, p), p, u, v)


class MomentumNotReset(Sound):
    velocity: Any = 0.0

    def step(self, problem, state):
        p = self.p(problem, state.x, state.x)
        v = self.velocity if getattr(self.velocity, "shape", None) == state.x.shape else 0.0
        self.velocity = 0.5 * v + p * self.gradient(problem, state.x)
        u = state.x - self.velocity
        return State(self.prox(problem, u, p), p, u)


class CachesTheStep(Sound):
    cached: Any = None

    def p(self, problem, x, g):
        if self.cached is None:
            self.cached = float((1 / problem.smoothness).min()) / 2
        return torch.full_like(x, self.cached)


class ReadsX(Sound):
    def p(self, problem, x, g):
        return super().p(problem, x, g) * (1 - 0.5 * torch.tanh(x.abs()))


class AbsoluteStep(Sound):
    def p(self, problem, x, g):
        return torch.full_like(x, 1e-4)


class DoublePrecisionOnly(Sound):
    def p(self, problem, x, g):
        return super().p(problem, x, g) * torch.ones(1, dtype=torch.float64)


class SingleInside(Sound):
    """Rounds its gradient to one digit after the point in float32 only."""

    def gradient(self, problem, x):
        g = problem.smooth.gradient(x)
        return g if x.dtype == torch.float64 else g.round(decimals=1)


class NaNAtZeroGradient(Sound):
    def step(self, problem, state):
        g = self.gradient(problem, state.x)
        p = self.p(problem, state.x, g)
        norm = torch.linalg.vector_norm(g, dim=-1, keepdim=True)
        u = state.x - p * norm * (g / norm)
        return State(self.prox(problem, u, p), p, u)


class ProxWithTwiceTheStep(Sound):
    def prox(self, problem, u, p):
        return problem.nonsmooth.prox(u, 2 * p)


class ForgettingScaledAsQ(GoMathL2O):
    """The scale of one head initialised from that of another one, as b4 from b3 in the authors' code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"q_scale": 3.0, "b_scale": 3.0, **options})


class DividesByR(GoMathL2O):
    """The authors' standard map: gradients in the memory, with a weight that has no units."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"gradient_map": "standard", **options})


class BiasHead(GoMathL2O):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"b3_norm": "sigmoid1", "b3_scale": 0.01, **options})


class WeightsByPosition(Sound):
    def p(self, problem, x, g):
        return super().p(problem, x, g) * torch.linspace(1.0, 0.5, x.shape[-1], dtype=x.dtype)


class CumulativeSum(Sound):
    def p(self, problem, x, g):
        size = g.abs().cumsum(-1)
        return super().p(problem, x, g) * (1 - 0.5 * size / (size[:, -1:] + 1e-300))


class ShiftedStart(Sound):
    def start(self, problem, x0):
        return x0 + 0.01


class LeavesTheDomain(Sound):
    def step(self, problem, state):
        new = super().step(problem, state)
        return _Bare(new.x + 0.5 * (new.x - state.x))


@dataclass(frozen=True)
class _Bare:
    x: torch.Tensor


class Overflows(Sound):
    def p(self, problem, x, g):
        size = torch.exp(g.abs())
        return super().p(problem, x, g) * (0.5 + 0.5 * size / (size + 1))


class Boasts(Fista):
    """Declares what acceleration does not have."""

    declares: Any = {"relative_deviation": 0.5, "monotone_objective": True, "assumption_1": 0.01}  # noqa: RUF012


class BoastsOfItsJacobian(GoMathL2O):
    declares: Any = {"jacobian_limit": 1e-6}  # noqa: RUF012


class RefusesToWork(Sound):
    def prox(self, problem, u, p):
        if problem.nonsmooth.is_indicator and not problem.nonsmooth.is_zero:
            raise IndexError("no box today")
        return super().prox(problem, u, p)


class DetachedModule(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.raw = torch.nn.Parameter(torch.zeros(()))

    def p(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        return (2 * torch.sigmoid(self.raw) / problem.smoothness).unsqueeze(-1)

    def forward(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        p = self.p(problem, x).detach()
        return problem.prox(x - p * problem.smooth_gradient(x), p)


class NaNInTheGradient(DetachedModule):
    def forward(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        p = self.p(problem, x) + 0 * torch.sqrt(self.raw * 0)
        return problem.prox(x - p * problem.smooth_gradient(x), p)


class Dropout(DetachedModule):
    def __init__(self) -> None:
        super().__init__()
        self.drop = torch.nn.Dropout(0.1)

    def forward(self, problem: Composite, x: torch.Tensor) -> torch.Tensor:
        p = self.p(problem, x)
        return problem.prox(x - self.drop(p * problem.smooth_gradient(x)), p)


@dataclass(frozen=True)
class RescalesItsWeights(LearnedOptimizer):
    """Halves its weight whenever it is made: the model from the file is another one."""

    parameters: Mapping[str, torch.Tensor] | None = None

    name = "rescales-its-weights"

    def __post_init__(self) -> None:
        arguments = {"raw": torch.ones((), dtype=torch.float64)} if self.parameters is None else self.parameters
        object.__setattr__(self, "parameters", {n: torch.as_tensor(w) / 2 for n, w in arguments.items()})

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        return _Bare(x0)

    def step(self, problem: Composite, state: Any) -> Any:
        p = (self.parameters["raw"].to(state.x) / problem.smoothness).unsqueeze(-1)
        return _Bare(problem.nonsmooth.prox(state.x - p * problem.smooth.gradient(state.x), p))


class KinkedSubgradient(Subgradient):
    """Anyone's subgradient method: it need not stay at a minimiser, and says so nowhere."""


SCALES = {"objective_scale_equivariant", "variable_scale_equivariant"}

OFFENDERS: dict[Callable[[], Any], tuple[str, set[str]]] = {
    RandomNetworkState: (
        "seeds_matter_not",
        {"global_rng_untouched", "batch_equals_loop", "permutation_equivariant", "float32_matches_float64"},
    ),
    NoiseInTheStep: ("seeds_matter_not", {"global_rng_untouched"}),
    SeedsGlobally: ("global_rng_untouched", set()),
    CoupledAdamHD: ("batch_equals_loop", {"fixed_point", "makes_progress", *SCALES}),
    BatchMeanGradient: ("batch_equals_loop", set()),
    FirstInstanceLeads: ("batch_equals_loop", {"permutation_equivariant", *SCALES}),
    WrongShiftedProx: (
        "prox_optimal",
        {"translation_equivariant", "variable_scale_equivariant", "fixed_point", "descent"},
    ),
    DoubleShift: ("translation_equivariant", {"fixed_point", "variable_scale_equivariant"}),
    WrongSign: ("fixed_point", {"makes_progress", "does_not_diverge"}),
    LongStep: ("outputs_in_range", {"makes_progress", "does_not_diverge"}),
    WideHead: ("outputs_in_range", set()),
    InPlace: ("state_not_mutated", set()),
    MemoryInPlace: ("state_not_mutated", {"fixed_point"}),
    MomentumNotReset: ("deterministic", {"state_not_mutated", "fixed_point"}),
    CachesTheStep: ("deterministic", {"batch_equals_loop", *SCALES}),
    ReadsX: ("translation_equivariant", {"variable_scale_equivariant"}),
    AbsoluteStep: ("objective_scale_equivariant", {"variable_scale_equivariant", "makes_progress"}),
    DoublePrecisionOnly: ("float32_matches_float64", set()),
    SingleInside: ("float32_matches_float64", set()),
    NaNAtZeroGradient: ("fixed_point", set()),
    ProxWithTwiceTheStep: ("prox_optimal", {"fixed_point", "descent", "makes_progress"}),
    ForgettingScaledAsQ: ("memory_stable", {"makes_progress", "does_not_diverge"}),
    DividesByR: ("objective_scale_equivariant", {"variable_scale_equivariant", "makes_progress"}),
    BiasHead: ("fixed_point", {"variable_scale_equivariant"}),
    WeightsByPosition: ("permutation_equivariant", set()),
    CumulativeSum: ("permutation_equivariant", set()),
    ShiftedStart: ("starts_at_x0", {"fixed_point", "variable_scale_equivariant"}),
    LeavesTheDomain: ("respects_domain", set()),
    Overflows: ("scale_wild", {*SCALES}),
    Boasts: ("relative_deviation", {"monotone_objective", "assumption_1"}),
    BoastsOfItsJacobian: ("jacobian_limit", set()),
    DetachedModule: ("finite_gradients", {"every_weight_has_a_part", "derivative_is_that_of_the_loss"}),
    NaNInTheGradient: ("finite_gradients", set()),
    Dropout: (
        "seeds_matter_not",
        {"global_rng_untouched", "batch_equals_loop"},
    ),
    RescalesItsWeights: ("save_load", set()),
    KinkedSubgradient: ("fixed_point", {"makes_progress"}),
}
"""Each with the check that is meant for it, and the others that it fails."""
