"""Any optimizer until its gap is certified: a run certificate as the stopping rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from ...errors import InputError
from ...l2o.optimizers import Optimizer
from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import NonsmoothTerm
from ...l2o.problems.smooth import Remembered, SmoothTerm
from ...l2o.runs.rollout import threads_for
from ...l2o.support.arrays import as_tensor
from .run_certificate import POINTS, RunCertificate, certify

FIRST_CHECK = 8
"""Steps before the first certificate."""
GROWTH = 1.25
"""Factor between the steps at which a certificate is asked for."""


@dataclass(frozen=True, eq=False)
class Solution:
    """What `solve` found; B instances in n variables.

    x              (B,n) the best point of each instance.
    upper, lower   (B,) lower <= F* <= F(x) <= upper, rounding included.
    gap            (B,) F(x) - F* is at most this; inf where nothing is certified.
    certified      (B,) whether the gap that was asked for is reached.
    iterations     (B,) the step at which it was found to be reached, or the steps made.
    gradients, proxes  how often the optimizer asked for f or its gradient at a new point, and for the prox of r, each
                   for the whole batch.
    certificate_gradients  how often f and its gradient were evaluated anew for the certificates; besides, F was
                   evaluated once at each point.
    certificate    the last certificate, of all instances; its steps count the points that were kept.
    reason         per instance, None, or why the gap is not reached.
    """

    x: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    certified: np.ndarray
    iterations: np.ndarray
    gradients: int
    proxes: int
    certificate_gradients: int
    certificate: RunCertificate
    reason: tuple[str | None, ...]

    @property
    def gap(self) -> np.ndarray:
        """(B,) certified gap."""
        with np.errstate(invalid="ignore"):
            gap = np.nextafter(self.upper - self.lower, np.inf)
        return np.where(np.isfinite(self.upper) & np.isfinite(self.lower), np.maximum(gap, 0.0), np.inf)


class _CountedSmooth(Remembered):
    """Counts how often f or its gradient is computed; a point asked about again is remembered and not counted."""

    def __init__(self, term: SmoothTerm):
        self._counter = _Counter(term)
        super().__init__(self._counter)

    @property
    def calls(self) -> int:
        return self._counter.calls


class _Counter(Remembered):
    def __init__(self, term: SmoothTerm):
        super().__init__(term)
        self.calls = 0

    def value_and_gradient(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B,n) -> (B,), (B,n)."""
        self.calls += 1
        return self._term.value_and_gradient(x)


@dataclass(eq=False)
class _Proxes:
    """The prox of a term, counted, put in place of its method for one run."""

    term: NonsmoothTerm
    calls: int = 0

    def __call__(self, u: torch.Tensor, step: Any) -> torch.Tensor:
        self.calls += 1
        return type(self.term).prox(self.term, u, step)


def _counted(problem: Composite) -> tuple[Composite, _CountedSmooth, _Proxes]:
    smooth = _CountedSmooth(problem.smooth)
    given: Any = problem.nonsmooth
    term: NonsmoothTerm = replace(given) if hasattr(given, "__dataclass_fields__") else given
    proxes = _Proxes(problem.nonsmooth)
    if term is not problem.nonsmooth:
        object.__setattr__(term, "prox", proxes)  # terms are frozen; this copy is nobody else's
    return Composite(smooth, term), smooth, proxes


@torch.no_grad()
def solve(
    problem: Composite,
    optimizer: Optimizer,
    gap: float = 1e-6,
    *,
    x0: Any = None,
    max_steps: int = 10_000,
    radius: Any = None,
    center: Any = None,
    smooth_lower: Any = None,
    points: int = POINTS,
    seed: int = 0,
    progress: Callable[[int, np.ndarray], None] | None = None,
) -> Solution:
    """Run `optimizer` until F(x) - F* <= gap is certified for every instance, or `max_steps` steps are made.

    Certificates (`run_certificate`) are asked for after 8 steps, and then each time a quarter more steps are made. The
    optimizer may be any, learned or not.

    Args:
        problem: the problem, f and r convex.
        optimizer: an object with `init` and `step`.
        gap: the gap wanted, absolute, > 0.
        x0: (B,n) start, default 0.
        max_steps: steps after which it gives up.
        radius: as in `run_certificate`.
        center: as in `run_certificate`; x0 by default.
        smooth_lower: as in `run_certificate`.
        points: at most so many points are kept and carry weight.
        seed: of the optimizer's state.
        progress: called with the step and the gaps (B,) after each certificate.

    Returns:
        A `Solution`, whether or not the gap was reached: `certified` and `reason` say.

    Raises:
        InputError: a gap or a number of steps that is none, or a start of the wrong shape.
        CertificateError: as `run_certificate`.
    """
    if isinstance(gap, bool) or not isinstance(gap, (int, float)) or not (math.isfinite(gap) and gap > 0):
        raise InputError(f"gap: expected a number > 0, got {gap!r}.")
    if isinstance(max_steps, bool) or not isinstance(max_steps, (int, np.integer)) or max_steps < 1:
        raise InputError(f"max_steps: expected an integer >= 1, got {max_steps!r}.")
    if x0 is None:
        start = torch.zeros(problem.batch_size, problem.dim, dtype=problem.dtype, device=problem.device)
    else:
        start = problem.point(as_tensor(x0, "x0", dtype=problem.dtype, device=problem.device), "x0")
    if radius is not None and center is None:
        center = start
    given = {"radius": radius, "center": center, "smooth_lower": smooth_lower, "points": points}
    counted, smooth, proxes = _counted(problem)
    history = _Kept(problem, points)
    iterations = np.full(problem.batch_size, max_steps)
    lower = np.full(problem.batch_size, -np.inf)
    done = np.zeros(problem.batch_size, dtype=bool)
    evaluated, check = 0, min(FIRST_CHECK, max_steps)
    with threads_for(problem):
        state = optimizer.init(counted, start, seed=seed)
        history.add(state.x)
        for k in range(1, max_steps + 1):
            state = optimizer.step(counted, state)
            history.add(state.x)
            if k < check:
                continue
            x = history.stacked()
            certificate = certify(problem, x, [x.shape[1] - 1], **given)
            evaluated += x.shape[1]
            lower = np.maximum(lower, certificate.lower[:, 0])
            upper = certificate.upper[:, 0]
            reached = np.nextafter(upper - lower, np.inf) <= gap
            iterations[reached & ~done] = k
            done = done | reached
            if progress is not None:
                progress(k, upper - lower)
            if done.all():
                break
            check = min(max_steps, max(k + 1, math.ceil(GROWTH * k)))
    best = x[torch.arange(problem.batch_size), torch.from_numpy(certificate.best[:, 0])].numpy()
    reason = [None if ok else _why(certificate.reason[b], k, upper[b] - lower[b], gap) for b, ok in enumerate(done)]
    cost = (smooth.calls, proxes.calls, evaluated)
    return Solution(best, upper, lower, done, iterations, *cost, certificate, tuple(reason))


def _why(reason: str | None, steps: int, width: float, gap: float) -> str:
    if reason is not None:
        return reason
    return f"after {steps} steps the certified gap is {width:.3g}, more than {gap:.3g}"


class _Kept:
    """The best point so far of each instance, the last points, and some earlier ones: at most `limit`."""

    def __init__(self, problem: Composite, limit: int):
        self.problem, self.limit = problem, max(4, limit)
        self.points: list[torch.Tensor] = []
        self.best: torch.Tensor | None = None
        self.value: torch.Tensor | None = None

    def add(self, x: torch.Tensor) -> None:
        """Take one more point."""
        x = x.detach().clone()
        value = self.problem.objective(x).nan_to_num(nan=torch.inf, posinf=torch.inf)
        if self.best is None or self.value is None:
            self.best, self.value = x, value
        else:
            better = value < self.value
            self.best = torch.where(better.unsqueeze(-1), x, self.best)
            self.value = torch.where(better, value, self.value)
        self.points.append(x)
        if len(self.points) > self.limit:
            # every other one of the earlier half goes, so that what is kept grows sparser towards the start
            early = len(self.points) // 2
            self.points = self.points[:early:2] + self.points[early:]

    def stacked(self) -> torch.Tensor:
        """(B,T,n) in float64: the best points first, then the others in order."""
        assert self.best is not None  # a point was added
        return torch.stack([self.best, *self.points], 1).cpu().to(torch.float64)
