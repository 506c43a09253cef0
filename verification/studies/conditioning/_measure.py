"""One method on all points of a family: curves, and at the end how long the next step is beside its rounding."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any

import numpy as np
import torch

from ....l2o import Composite
from ....l2o.runs.objective_curve import objective_curve
from ...optima.gaps import first_below, gaps, relative_to_start
from ...runs.inspection import as_numpy, norm
from ._points import DTYPES, FLOAT64, Field


@dataclass(frozen=True, eq=False)
class RemembersLastIterate:
    """The optimizer `inner`, with the last iterate of its run left in `at`."""

    inner: Any
    at: list[torch.Tensor] = made_by(default_factory=list)

    def init(self, problem: Composite, x0: torch.Tensor, seed: int = 0) -> Any:
        """The state of `inner` at x_0."""
        state = self.inner.init(problem, x0, seed=seed)
        self.at[:] = [state.x]
        return state

    def step(self, problem: Composite, state: Any) -> Any:
        """One step of `inner`."""
        state = self.inner.step(problem, state)
        self.at[:] = [state.x]
        return state


@dataclass(frozen=True, eq=False)
class Traces:
    """Runs of K steps on the B rows of a field, judged in float64.

    `gap` (B,K+1) is the share of the initial gap, (F(x_k) - F*)/(F(x_0) - F*), from above, NaN where a run diverges;
    `blur` (B,) the bound on its rounding at the last iterate; `reached` (B,): the first k at which it is certainly at
    most eps, -1 where there is none;
    `grew` (B,): the run leaves floats, diverges, or ends above F(x_0). `step` (B,): ||x - prox(x - grad f(x)/L)|| at
    the last iterate, exact data and float64; `rounding` (B,): a bound on what the run's precision does to that step.
    """

    gap: np.ndarray
    blur: np.ndarray
    reached: np.ndarray
    grew: np.ndarray
    step: np.ndarray
    rounding: np.ndarray


@torch.no_grad()
def follow(optimizer: Any, field: Field, dtype: str, steps: int, eps: float, seed: int = 0) -> Traces:
    """Run `optimizer` in `dtype` for `steps` steps on every row of `field`."""
    remembering = RemembersLastIterate(optimizer)
    seen = field.seen.to(DTYPES[dtype])
    curve = objective_curve(remembering, seen, field.x0.to(DTYPES[dtype]), steps, evaluate_on=field.judge, seed=seed)
    share = relative_to_start(gaps(curve.objective, field))
    gap = np.where(np.isnan(curve.objective), np.nan, share.high)
    x = remembering.at[0]
    finite = torch.isfinite(x).all(dim=-1)
    with np.errstate(invalid="ignore"):
        grew = (curve.diverged_at >= 0) | ~finite.numpy() | ~(curve.objective[:, -1] <= curve.objective[:, 0])
    x = torch.where(finite.unsqueeze(-1), x, torch.zeros_like(x))
    step, rounding = exact_step(field.exact, x, dtype)
    blur = as_numpy(field.judge.objective_error(x.double())) / field.start
    undefined = np.where(finite.numpy(), 0.0, np.nan)
    return Traces(gap, blur + undefined, first_below(share, eps).certain, grew, step + undefined, rounding + undefined)


def exact_step(problem: Composite, x: torch.Tensor, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """(B,) the length of the proximal gradient step 1/L from x, and a bound on how rounding in `dtype` may move it.

    Rounding enters by the data, whose effect on the gradient is evaluated in float64; by the arithmetic of the
    gradient, which has the term's own bound; and by forming the prox argument and the next iterate: each of the three
    operations and the prox round to within a unit roundoff of the numbers they handle, ||x|| + ||grad f||/L.
    """
    exact, rounded = x.double(), problem.to(DTYPES[dtype])
    L = problem.smoothness
    gradient = problem.smooth.gradient(exact)
    target = problem.nonsmooth.prox(exact - gradient / L.unsqueeze(-1), 1 / L.unsqueeze(-1))
    step = norm(as_numpy(exact - target))
    error = as_numpy(rounded.smooth.gradient_error(x.to(DTYPES[dtype])).double())
    if dtype != FLOAT64:
        error = error + norm(as_numpy(rounded.to(torch.float64).smooth.gradient(exact) - gradient))
    sizes = norm(as_numpy(exact)) + norm(as_numpy(gradient)) / as_numpy(L)
    return step, error / as_numpy(L) + 4 * np.finfo(dtype).eps * sizes
