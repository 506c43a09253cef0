r"""Schedules of steps and momentum, trained on instances under a limit on their exact worst case.

A schedule theta is (h_k, beta_k) of heavy_ball or (r_k, q_k, b_k) of go_math, for K steps (`l2o.optimizers.scheduled`).
Its loss is the mean over instances of log10 of the share of the initial gap that is left after K steps. Its worst case
tau(theta) over all L-smooth convex f, and all convex r, is the value of a semidefinite problem, with a derivative from
the multipliers of that (`WorstCase.sensitivity`). Minimised is

    loss + WEIGHT (log tau - log(AIM limit))_+^2,

in rounds. Each solves one semidefinite problem and takes log tau to be linear within a box around theta, in which Adam
makes some steps; the boxes shrink. A penalty alone would end a little above a limit: so AIM is a little below 1, and
the answer is the schedule of least loss of all that were visited and whose worst case is *shown* to be at most the
limit, by the upper end of the enclosure.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ...bounds.worst_cases import UnboundedError, WorstCase, worst_case
from ...l2o import Composite, InputError
from ...l2o.optimizers.scheduled import Scheduled
from ...l2o.support.arrays import as_tensor
from ...l2o.training.measures import reference_values

MOST_STEPS = 20
WEIGHT, AIM = 30.0, 0.985
DIGITS = 4
"""Decimals of a schedule: short fractions in its certificate, and finer than what training can tell apart."""
_INNER = 30  # steps of Adam in a box
_WIDEST, _NARROWEST = 0.12, 0.004  # half the sides of the boxes
_LEAST_STEP = 0.05
_NEGLIGIBLE = 1e-12  # of the initial gap: less than the reference value is known to
_ENTRIES = {"heavy_ball": 2, "go_math": 3}


@dataclass(frozen=True, eq=False)
class Schedule:
    """A trained schedule.

    `numbers` are (K, 2) rows (h_k, beta_k) or (K, 3) rows (r_k, q_k, b_k), steps in units of 1/L. `loss` is its mean of
    log10 of the share of the gap on the training instances; `worst` its worst case in units of L R^2; `path` holds
    (loss, the solver's worst case) of each round.
    """

    method: str
    numbers: np.ndarray
    loss: float
    worst: WorstCase
    limit: float | None
    path: tuple[tuple[float, float], ...]

    @cached_property
    def optimizer(self) -> Scheduled:
        """The method, for K steps."""
        momentum = self.numbers[:, 1] if self.method == "heavy_ball" else self.numbers[:, 1:]
        return Scheduled(self.method, self.numbers[:, 0].copy(), momentum.copy(), relative=True)


def schedule_worst_case(method: str, numbers: np.ndarray, function_class: str) -> WorstCase:
    """The worst case of F(x_K) - F* in units of L R^2 of the schedule `numbers` (K, 2) or (K, 3)."""
    momentum = numbers[:, 1] if method == "heavy_ball" else (numbers[:, 1], numbers[:, 2])
    return worst_case(function_class, method=method, steps=len(numbers), step=numbers[:, 0], momentum=momentum)


def train_schedule(
    problem: Composite,
    x0: Any,
    steps: int = 10,
    method: str = "go_math",
    *,
    limit: float | None = None,
    rounds: int = 25,
    start: Any = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> Schedule:
    """The schedule of K steps with the least mean log gap on instances, and a worst case of at most `limit`.

    Args:
        problem: The training instances, B of them.
        x0: (B, n) their starts.
        steps: K, from 1 to 20.
        method: "go_math", or "heavy_ball" for problems with r = 0.
        limit: What the worst case of F(x_K) - F* may be, in units of L R^2; None for no limit.
        rounds: How many worst cases are solved on the way.
        start: (K, 2) or (K, 3) the schedule to begin with; by default steps of 1/L without momentum, with the worst
            case 1/(4K) with r and 1/(4K + 2) without.
        progress: Called after each round with the rounds done, all of them, and the loss.

    Returns:
        The schedule, rounded to four decimals, with its worst case, whose `certificate` proves it over the fractions.

    Raises:
        InputError: For arguments that make no sense, and where no schedule that was visited keeps the limit.
    """
    if method not in _ENTRIES:
        raise InputError(f"method: expected one of {', '.join(_ENTRIES)}, got {method!r}.")
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
        raise InputError(f"steps: expected an integer from 1 to {MOST_STEPS}, got {steps!r}.")
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise InputError(f"rounds: expected an integer >= 1, got {rounds!r}.")
    if limit is not None and not (isinstance(limit, (int, float)) and 0 < limit < math.inf):
        raise InputError(f"limit: expected a number > 0 in units of L R^2, or None, got {limit!r}.")
    if not (problem.smooth.convex and problem.nonsmooth.convex):
        raise InputError("problem: expected convex f and r; the worst cases are those of convex functions.")
    function_class = "smooth_convex" if problem.nonsmooth.is_zero else "composite"
    if method == "heavy_ball" and function_class == "composite":
        raise InputError("heavy_ball has no prox: expected a problem with r = 0; use go_math.")
    x0 = problem.point(x0, "x0")
    theta = _start(start, steps, _ENTRIES[method])
    measure = _Loss(problem, x0, method)
    path: list[tuple[float, float]] = []
    visited: list[tuple[float, np.ndarray]] = []
    for done in range(rounds):
        loss = float(measure(torch.as_tensor(theta)))
        value, slope = _worst(method, theta, function_class)
        path.append((loss, value))
        if limit is None or value <= limit:
            visited.append((loss, theta))
        if progress is not None:
            progress(done + 1, rounds, loss)
        share = done / max(1, rounds - 1)
        box = _WIDEST ** (1 - share) * _NARROWEST**share
        theta = _inside_box(measure, theta, box, None if limit is None else (value / (AIM * limit), slope / value))
    for loss, numbers in sorted(visited, key=lambda pair: pair[0]):
        worst = schedule_worst_case(method, numbers, function_class)
        if limit is None or worst.upper <= limit:
            return Schedule(method, numbers, loss, worst, limit, tuple(path))
    raise InputError(
        f"limit: no schedule that was visited has a worst case of at most {limit:.6g}; the least was "
        f"{min(value for _, value in path):.6g}. Give a larger limit, more rounds, or a start that keeps it."
    )


def _start(given: Any, steps: int, entries: int) -> np.ndarray:
    if given is None:
        return np.column_stack([np.ones(steps), np.zeros((steps, entries - 1))])
    numbers = as_tensor(given, "start").numpy().astype(float)
    if numbers.shape != (steps, entries) or not np.isfinite(numbers).all() or (numbers[:, 0] <= 0).any():
        raise InputError(f"start: expected ({steps}, {entries}) finite numbers with steps > 0, got {numbers.shape}.")
    return numbers.round(DIGITS)


def _worst(method: str, theta: np.ndarray, function_class: str) -> tuple[float, np.ndarray]:
    """The solver's worst case and its derivative by theta; +inf and 0 where there is none."""
    try:
        derivative = schedule_worst_case(method, theta, function_class).sensitivity()
    except UnboundedError:
        return math.inf, np.zeros_like(theta)
    assert derivative.momentum is not None, "both methods have momentum"
    return derivative.value, np.column_stack([derivative.step, derivative.momentum])


@dataclass(frozen=True, eq=False)
class _Loss:
    """theta (K, entries) -> mean of log10 of (F(x_K) - F*)/(F(x_0) - F*), F* as restarted FISTA finds it."""

    problem: Composite
    x0: torch.Tensor
    method: str

    @cached_property
    def ends(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,) F*, and F(x_0) - F*."""
        lowest = reference_values(self.problem, self.x0)
        return lowest, self.problem.objective(self.x0) - lowest

    def __call__(self, theta: torch.Tensor) -> torch.Tensor:
        """() the loss."""
        momentum = theta[:, 1] if self.method == "heavy_ball" else theta[:, 1:]
        opt = Scheduled(self.method, theta[:, 0], momentum, relative=True)
        state = opt.init(self.problem, self.x0)
        for _ in range(len(theta)):
            state = opt.step(self.problem, state)
        lowest, first = self.ends
        return torch.log10(((self.problem.objective(state.x) - lowest) / first).clamp(min=_NEGLIGIBLE)).mean()


def _inside_box(
    measure: _Loss, theta: np.ndarray, box: float, constraint: tuple[float, np.ndarray] | None
) -> np.ndarray:
    """Steps of Adam on loss and penalty, log tau linear, within `box` of theta; rounded."""
    centre = torch.as_tensor(theta)
    low, high = centre - box, centre + box
    low[:, 0] = low[:, 0].clamp(min=_LEAST_STEP)
    high = torch.maximum(high, low)
    current, first, second = centre.clone(), torch.zeros_like(centre), torch.zeros_like(centre)
    for n in range(1, _INNER + 1):
        leaf = current.clone().requires_grad_()
        with torch.enable_grad():
            total = measure(leaf)
            if constraint is not None and math.isfinite(constraint[0]):
                over = math.log(constraint[0]) + (torch.as_tensor(constraint[1]) * (leaf - centre)).sum()
                total = total + WEIGHT * over.clamp(min=0) ** 2
            (slope,) = torch.autograd.grad(total, leaf)
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        move = first / (1 - 0.9**n) / ((second / (1 - 0.99**n)).sqrt() + 1e-12)
        rate = 0.3 * box * (1 - n / (_INNER + 1))
        current = torch.minimum(torch.maximum(current - rate * move, low), high)
    return current.numpy().round(DIGITS)
