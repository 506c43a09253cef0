"""What a search maximises: how far a run is past a bound, as a number that has a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ... import bounds
from ..runs.declarations import declared as facts_of
from ._families import Family, Point
from ._sides import evaluate
from ._trace import Trace, quantities, trace

GOALS = ("violation", "tightness", "deviation")
_NOISE = 1e-8  # sides smaller than this, relative to the run, are rounding or soon will be
_UNUSABLE = -4.0  # below every merit of a run that can be judged


@dataclass(frozen=True, eq=False)
class Merit:
    """(lhs - rhs) / (|lhs| + |rhs|) of the worst step or of the run, in (-1, 1]; > 0 is beyond the bound.

    With the share t of a bound that is used it is (t - 1)/(t + 1), so that violation and tightness are one search. For
    the goal "deviation" it is log max_k rho_k. `guarded`: runs that break a hypothesis do not count.
    """

    bound: bounds.Bound
    optimizer: Any
    family: Family
    steps: int
    goal: str
    reference_step: float
    guarded: bool = True

    def __call__(self, point: Point) -> torch.Tensor:
        """(B,) merits; differentiable where the optimizer is."""
        problem, z, x0 = self.family.problem(point)
        run = trace(self.optimizer, problem, x0, self.steps, z)
        q = quantities(run, self.reference_step)
        if self.goal == "deviation":
            significant = q["G2"].detach().sqrt() > 1e-6 * q["R"].detach()[:, None]
            merit = torch.where(significant, q["sigma"], 0.0).amax(1).clamp(min=1e-12).log()
            usable = run.alive
        else:
            lhs, rhs = self.sides(q)
            size = lhs.abs() + rhs.abs()
            merits = (lhs - rhs) / size.clamp(min=1e-200)
            scale = q["R"].detach()[:, None]
            loud = size.detach() > _NOISE * torch.minimum(scale, scale**2)
            holds = self.applies(run, q) if self.guarded else torch.ones_like(loud)
            finite = torch.isfinite(merits.detach()) & torch.isfinite(size.detach())
            merits = torch.where(loud & holds & finite, merits, _UNUSABLE)
            merit, usable = merits.amax(1), run.alive
        return torch.where(usable, merit, _UNUSABLE)

    def sides(self, q: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Both sides, (B,1) or (B,K), the slop of the bound on the right."""
        lhs, rhs = (evaluate(side, q, self.steps) for side in (self.bound.lhs, self.bound.rhs))
        if self.bound.slop is not None:
            rhs = rhs + evaluate(self.bound.slop, q, self.steps).abs()
        lhs, rhs = torch.broadcast_tensors(lhs, rhs)
        if self.bound.level == "step" and lhs.shape[1] == 1:
            lhs, rhs = (side.expand(-1, self.steps) for side in (lhs, rhs))
        return lhs, rhs

    def applies(self, run: Trace, q: dict[str, torch.Tensor]) -> torch.Tensor:
        """Where the hypotheses that a run can break hold, by the catalogue's own checks; (B,1) or (B,K)."""
        shape = (len(q["L"]), self.steps if self.bound.level == "step" else 1)
        holds = np.ones(shape, dtype=bool)
        moving = [h for h in self.bound.hypotheses if set(h.uses) - {"h"}]
        for hypothesis in (h for h in self.bound.hypotheses if h not in moving):
            declared = bounds.quantities.from_scalars({"h": self.reference_step}, facts=facts_of(run.problem))
            holds &= bool(np.all(hypothesis.check(declared).holds))
        if moving:
            measured = self.measured(run)
            alive = run.alive.numpy()[:, None]
            for hypothesis in moving:
                met = np.asarray(hypothesis.check(measured).holds)
                met = met[:, None] if met.ndim == 1 else met
                if self.bound.level == "run":
                    met = np.asarray(met.all(axis=1, keepdims=True))
                holds &= met & alive
        return torch.from_numpy(holds)

    def measured(self, run: Trace) -> bounds.Quantities:
        """The quantities as `bounds.measure` gives them, with their error bounds; zeros where a run is not alive."""
        problem = run.problem

        def zeroed(tensor: torch.Tensor) -> np.ndarray:
            column = run.alive.reshape(-1, *[1] * (tensor.ndim - 1))
            return torch.where(column & torch.isfinite(tensor), tensor.detach(), 0.0).numpy()

        with torch.no_grad():
            return bounds.measure(
                x=zeroed(run.x),
                gradient=zeroed(run.gradient[:, :-1]),
                subgradient=zeroed(run.subgradient),
                objective=zeroed(run.objective),
                L=problem.smoothness.numpy(),
                comparator=run.z.numpy(),
                comparator_objective=problem.objective(run.z).numpy(),
                comparator_residual=np.zeros(problem.batch_size),
                reference_step=self.reference_step,
                preconditioner=None if run.p is None else zeroed(run.p),
                end_gradient=zeroed(run.gradient[:, -1]),
                comparator_gradient=problem.smooth.gradient(run.z).numpy(),
                mean_objective=zeroed(problem.objective(run.x[:, 1:].mean(1))),
                strong_convexity=problem.strong_convexity.numpy(),
                facts=facts_of(problem),
            )
