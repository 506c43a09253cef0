r"""Deviation patterns: proximal-gradient steps that miss the step 1/L by a known amount.

All of them are x+ = prox_{p r}(x - p (grad f(x) + u)) with L p = 1 + (a pattern) or u a pattern, so that with
G = grad f(x) + g, g in the subdifferential of r at x+, the deviation e = D - G/L has L e = (L p - 1) G + L p u. Each
has a knob `size`, 0 for the exact step 1/L, and realises the relative deviation rho_k = `nominal` (derived, and held
against the measured rho_k by `check_pattern`):

* StepScale: L p = 1 + size, -1 < size < 2. rho = |size|.
* RandomSigns: L p_i = 1 + size or 1 - size, a fair coin for each coordinate and step. The ends of the interval only:
  a draw from inside would realise less than `size`. rho = |size|.
* WorstSigns: L p_i = 1 + size where G_i D_i < 0, D the step before and G of least norm at x: there that step has gone
  too far and this one goes too far again; 1 - size elsewhere, where there is way to go. Greedy, from what the method
  knows: the descent lemma has no worst sign (B1 is even in e), so that it is the worst for the run is not proved.
  rho = |size|.
* Bias: L p = 1 and ||u|| = size ||G||. `random`: a direction drawn for each step; `against`: u along -grad f(x). (Along
  -G it would be the short step p = (1 - size)/L; where r = 0 `against` is that.) G depends on u through g, by a
  1-Lipschitz function of ||u||, so for size < 1 there is exactly one such length, found by bracketing. rho = size.
* Momentum: the same with u along x_{k-1} - x_{k-2} backwards, which pushes x on; the first step is exact. Heavy ball
  whose weight follows ||G||. rho = size after the first step.
* MomentumWeight: x+ = prox_{r/L}(x_{k-1} - grad f/L + q (x_{k-1} - x_{k-2})), q = size. Its rho_k = q L ||x_{k-1} -
  x_{k-2}|| / ||G_k|| is known from the run alone and not from q: it may be 1 or more for any q > 0.

Where r is not 0 a prox needs p > 0, and the length of a bias is only determined below 1: sizes stay below 1 there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from ....l2o import Composite, InputError, Run
from ....l2o.optimizers.base import check_number, subgradient
from ....l2o.runs.array_run import ArrayRun, array_run
from ...runs.inspection import as_numpy, norm

_ROUNDS = 80
"""Evaluations of a bracketing that ends earlier at rounding (bisection alone would need about 55)."""
BLUR = 1e-6
"""Steps whose rho is known worse than this, because G is near its rounding, are not compared with the nominal one."""


@dataclass(frozen=True)
class PatternState:
    """Iterate, the one before (itself at the start), number of steps made, seed of the draws."""

    x: torch.Tensor
    previous: torch.Tensor
    index: int
    seed: int
    preconditioner: torch.Tensor
    prox_argument: torch.Tensor | None = None


@dataclass(frozen=True)
class Pattern:
    """`size` says how far the steps are from 1/L; it is checked against the problem in `init`."""

    size: float

    name: ClassVar[str] = "pattern"
    below_one: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number(f"{self.name}: size", self.size, 0.0, 3.0)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> PatternState:
        """The state at x_0; an error where the pattern is not defined for this size and r."""
        if self.below_one and self.size >= 1 and not problem.nonsmooth.is_zero:
            raise InputError(
                f"{self.name}: expected size < 1 on {problem.name}, where r is not 0, got {self.size:g}: the prox "
                f"needs p > 0 and a bias below ||G||; choose a smaller size, or a problem with r = 0."
            )
        x0 = problem.point(x0, "x0")
        return PatternState(x0, x0, 0, seed, (1 / problem.smoothness).unsqueeze(-1).expand_as(x0))

    def step(self, problem: Composite, state: PatternState) -> PatternState:
        """One step."""
        step = (1 / problem.smoothness).unsqueeze(-1).expand_as(state.x)
        gradient = problem.smooth.gradient(state.x)
        p, u = self.deviate(problem, state, step, gradient)
        argument = state.x - p * (gradient if u is None else gradient + u)
        x = problem.nonsmooth.prox(argument, p)
        return PatternState(x, state.x, state.index + 1, state.seed, p, argument)

    def deviate(
        self, problem: Composite, state: PatternState, step: torch.Tensor, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """p (B,n) and u (B,n), None for 0; `step` is 1/L."""
        raise NotImplementedError

    def nominal(self, run: ArrayRun) -> np.ndarray:
        """(B,K) the relative deviation that the steps of `run` are meant to have."""
        return np.full(tuple(run.relative_deviation.shape), abs(self.size))

    @property
    def level(self) -> float | None:
        """The largest nominal deviation, None where it depends on the run."""
        return abs(self.size)

    @property
    def deltas(self) -> tuple[float, float] | None:
        """(||delta1||_inf, ||delta2||/||G||) from the reading `gradient_descent`, p = 1/(2L) and b = G/(2L), at most.

        What multiplies G deviates in p and the rest in b, so that the sum is twice the nominal deviation; None where it
        depends on the run.
        """
        return 2 * abs(self.size), 0.0


@dataclass(frozen=True)
class StepScale(Pattern):
    """The step (1 + size)/L, size in (-1, 2)."""

    name: ClassVar[str] = "step-scale"
    below_one: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_number(f"{self.name}: size", self.size, -1.0, 2.0, open_low=True)

    def deviate(
        self, problem: Composite, state: PatternState, step: torch.Tensor, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """L p = 1 + size."""
        return (1 + self.size) * step, None


@dataclass(frozen=True)
class RandomSigns(Pattern):
    """Steps (1 + size)/L or (1 - size)/L, at random for each coordinate and step."""

    name: ClassVar[str] = "random-signs"

    def deviate(
        self, problem: Composite, state: PatternState, step: torch.Tensor, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """L p_i = 1 +- size."""
        coin = 2.0 * torch.randint(0, 2, state.x.shape, generator=_generator(state)).to(state.x) - 1
        return (1 + self.size * coin) * step, None


@dataclass(frozen=True)
class WorstSigns(Pattern):
    """Steps (1 + size)/L where the step before went too far, (1 - size)/L where there is way to go."""

    name: ClassVar[str] = "worst-signs"

    def deviate(
        self, problem: Composite, state: PatternState, step: torch.Tensor, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """L p_i = 1 +- size, by the sign of G_i D_i."""
        overshot = subgradient(problem, state.x) * (state.previous - state.x) < 0
        return (1 + self.size * (2.0 * overshot.to(state.x) - 1)) * step, None


@dataclass(frozen=True)
class _Directed(Pattern):
    """L p = 1 and u of length size ||G|| along a direction."""

    def deviate(
        self, problem: Composite, state: PatternState, step: torch.Tensor, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """A bias along `direction`, of the length that G asks for."""
        direction = self.direction(problem, state, gradient)
        length = torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
        unit = torch.where(length > 0, direction / torch.where(length > 0, length, 1.0), 0.0)
        return step, _length(problem, state.x, step, gradient, unit, self.size) * unit

    def direction(self, problem: Composite, state: PatternState, gradient: torch.Tensor) -> torch.Tensor:
        """(B,n) the direction of u, of any length; 0 for an exact step."""
        raise NotImplementedError

    @property
    def deltas(self) -> tuple[float, float] | None:
        """All of it in b."""
        return 0.0, 2 * self.size


@dataclass(frozen=True)
class Bias(_Directed):
    """A bias of size ||G|| along a random direction, or against the gradient."""

    way: str = "random"

    name: ClassVar[str] = "bias"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.way not in ("random", "against"):
            raise InputError(f"bias: expected way random or against, got {self.way!r}.")

    def direction(self, problem: Composite, state: PatternState, gradient: torch.Tensor) -> torch.Tensor:
        """A normal draw, or -grad f."""
        if self.way == "against":
            return -gradient
        draw = torch.randn(state.x.shape, generator=_generator(state), dtype=torch.float64)
        return draw.to(state.x)


@dataclass(frozen=True)
class Momentum(_Directed):
    """A push of size ||G||/L along the step before."""

    name: ClassVar[str] = "momentum"

    def direction(self, problem: Composite, state: PatternState, gradient: torch.Tensor) -> torch.Tensor:
        """x_{k-2} - x_{k-1}; 0 at the first step."""
        return state.previous - state.x

    def nominal(self, run: ArrayRun) -> np.ndarray:
        """`size` after a step that moved, else 0."""
        moved = norm(as_numpy(run.step)) > 0
        deviation = np.zeros(moved.shape)
        deviation[:, 1:] = np.where(moved[:, :-1], self.size, 0.0)
        return deviation


@dataclass(frozen=True)
class MomentumWeight(Pattern):
    """Momentum of constant weight q = size, as the heavy ball has it, with a prox."""

    name: ClassVar[str] = "momentum-weight"
    below_one: ClassVar[bool] = False

    def deviate(
        self, problem: Composite, state: PatternState, step: torch.Tensor, gradient: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """u = -q L (x_{k-1} - x_{k-2})."""
        return step, -self.size * (state.x - state.previous) / step

    def nominal(self, run: ArrayRun) -> np.ndarray:
        """The weight times L ||D_{k-1}|| / ||G_k||, 0 at the first step."""
        L = as_numpy(run.smoothness)[:, None]
        deviation = np.zeros(tuple(run.relative_deviation.shape))
        pushed, size = self.size * L * norm(as_numpy(run.step))[:, :-1], norm(as_numpy(run.generalized_gradient))[:, 1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation[:, 1:] = np.where(pushed > 0, pushed / size, 0.0)
        return deviation

    @property
    def level(self) -> float | None:
        """None, but for the exact step."""
        return 0.0 if self.size == 0 else None

    @property
    def deltas(self) -> tuple[float, float] | None:
        """None, but for the exact step."""
        return (0.0, 0.0) if self.size == 0 else None


PATTERNS: dict[str, Callable[[float], Any]] = {
    "short-step": lambda size: StepScale(-size),
    "long-step": StepScale,
    "random-signs": RandomSigns,
    "worst-signs": WorstSigns,
    "bias-random": Bias,
    "bias-against": lambda size: Bias(size, "against"),
    "momentum": Momentum,
    "momentum-weight": MomentumWeight,
}
"""The patterns by name, as functions of a size >= 0."""
DESCRIPTIONS = {
    "short-step": "steps (1 - size)/L",
    "long-step": "steps (1 + size)/L",
    "random-signs": "steps (1 ± size)/L, a coin for each coordinate",
    "worst-signs": "steps (1 ± size)/L, too long where the last one was too long",
    "bias-random": "a bias of size·||G|| in a random direction",
    "bias-against": "a bias of size·||G|| against the gradient",
    "momentum": "a push of size·||G||/L along the last step",
    "momentum-weight": "momentum of constant weight q = size",
}


def pattern(name: str, size: float) -> Any:
    """The optimizer of that pattern and size."""
    if name not in PATTERNS:
        raise InputError(f"pattern: expected one of {', '.join(PATTERNS)}, got {name!r}.")
    return PATTERNS[name](size)


def largest_size(name: str, smooth: bool) -> float:
    """The size that a pattern stays below: of its step, or where r is not 0 of its prox."""
    if name == "short-step":
        return 1.0
    if name == "long-step":
        return 2.0
    return 3.0 if smooth or name == "momentum-weight" else 1.0


@dataclass(frozen=True, eq=False)
class PatternCheck:
    """A pattern's nominal deviation held against the measured one of a run.

    `error`: largest |rho_k - nominal|, over the `compared` (B,K) steps, whose rho is known to `BLUR`; `allowed` what
    rounding explains there. `agrees`: the error is within rounding at each of them. `claims_region`: the nominal
    deviation is below 1 at all steps; `in_region`: the measured one is.
    """

    error: float
    agrees: bool
    claims_region: bool
    in_region: bool
    compared: np.ndarray


def check_pattern(optimizer: Any, run: Run, least: float = 1.0) -> PatternCheck:
    """Hold `optimizer.nominal(run)` against rho of `run`; `least` is the deviation the region ends at."""
    run = array_run(run, "check_pattern")
    rho, nominal = as_numpy(run.relative_deviation), np.asarray(optimizer.nominal(run), dtype=np.float64)
    if nominal.shape != rho.shape:
        raise InputError(f"nominal: expected shape {rho.shape}, one number a step, got {nominal.shape}.")
    L, G = as_numpy(run.smoothness)[:, None], norm(as_numpy(run.generalized_gradient))
    parts = L * norm(as_numpy(run.x[:, :-1])) + norm(as_numpy(run.smooth_gradient)) + norm(as_numpy(run.subgradient))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        blur = 64 * np.finfo(np.float64).eps * (1 + rho) * (parts + L * norm(as_numpy(run.step))) / G
        compared = np.isfinite(rho) & (blur <= BLUR)
        error = np.where(compared, np.abs(rho - nominal), 0.0)
    return PatternCheck(
        float(error.max(initial=0.0)),
        bool((error[compared] <= blur[compared]).all()),
        bool((nominal[compared] < least).all()),
        bool((rho[compared] < least).all()),
        compared,
    )


def _generator(state: PatternState) -> torch.Generator:
    """Draws that depend on the seed and the step alone, so that a step is pure."""
    mixed = np.random.SeedSequence([state.seed, state.index]).generate_state(1)[0]
    return torch.Generator().manual_seed(int(mixed))


def _length(
    problem: Composite, x: torch.Tensor, step: torch.Tensor, gradient: torch.Tensor, unit: torch.Tensor, size: float
) -> torch.Tensor:
    """(B,1) t >= 0 with t = size ||G(t)||, G(t) = L (x - prox(x - (grad f + t unit)/L)) - t unit.

    ||G(t)|| is 1-Lipschitz, so t - size ||G(t)|| increases and has its zero below size ||G(0)||/(1 - size). Regula
    falsi with the Illinois weights.
    """
    if problem.nonsmooth.is_zero:
        return size * torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)

    def excess(t: torch.Tensor) -> torch.Tensor:
        moved = x - problem.nonsmooth.prox(x - step * (gradient + t * unit), step)
        return t - size * torch.linalg.vector_norm(moved / step - t * unit, dim=-1, keepdim=True)

    low = x.new_zeros(x.shape[0], 1)
    at_low = excess(low)
    high = -at_low / (1 - size)
    at_high = excess(high).clamp(min=0.0)
    tiny = torch.finfo(x.dtype).eps
    blur = 4 * tiny * size * torch.linalg.vector_norm(x / step, dim=-1, keepdim=True)  # of L (x - x+)
    best, done = high, torch.zeros_like(high, dtype=torch.bool)
    for _ in range(_ROUNDS):
        slope = at_high - at_low
        t = torch.where(slope > 0, high - at_high * (high - low) / torch.where(slope > 0, slope, 1.0), high)
        t = torch.minimum(torch.maximum(t, low), high)
        value = excess(t)
        best = torch.where(done, best, t)  # an instance that has arrived stays where it is
        done |= (value.abs() <= 4 * tiny * t + blur) | (high - low <= 4 * tiny * high + blur)
        if bool(done.all()):
            break
        up, down = value > 0, value < 0
        at_low, at_high = torch.where(up, at_low / 2, at_low), torch.where(down, at_high / 2, at_high)
        low, at_low = torch.where(up, low, t), torch.where(up, at_low, value)
        high, at_high = torch.where(down, high, t), torch.where(down, at_high, value)
    return best
