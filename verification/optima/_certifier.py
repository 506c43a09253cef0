"""The points of a run, and the lower bounds of F* that they and their gradients give: what `run_certificate` asks."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...l2o.problems import Composite
from ...l2o.problems.nonsmooth import L1
from ...l2o.problems.transforms import Change
from . import _certificates
from ._averaged import WHOLE, Evaluated, exact_weights, upper_smoothness
from ._change import pull_back
from ._curvature import curvature_floor
from ._directed import ROOT_TINY, TINY, UNIT, down, up, value_error
from ._run_forms import Ball, Form, evaluate, form_of
from ._run_inputs import floor_of_smooth, given_ball, inward, obstacle, selection
from ._run_result import RunCertificate
from ._run_shapes import Norms
from ._run_weights import Cuts, best_weights, normalised
from .ledger import CertificateError

HUGE = 1e140
"""Points with larger numbers are left out: squares of them overflow."""
POINTS = 128
"""Points whose gradients a certificate is made of at most."""
DUALS = ("nonnegativity", "fenchel-dual", "strong-convexity", "rescaled-dual")
"""Certificates of one point that are tried at the best and the last point."""


@dataclass(eq=False)
class Certifier:
    """The points of a run as a problem without change of variables sees them, and what is asked about them."""

    p: Composite
    base: Composite
    change: Change | None
    outer: torch.Tensor  # (B,T,n) points of p
    x: torch.Tensor  # (B,T,n) points of base, 0 where not alive
    alive: torch.Tensor  # (B,T)
    value: torch.Tensor  # (B,T) f, of base
    gradient: torch.Tensor  # (B,T,n)
    objective: torch.Tensor  # (B,T) F of p, inf where not alive or outside of dom r
    ball: Ball | None
    floor: torch.Tensor | None
    limit: int
    obstacle: str | None
    deficit: torch.Tensor  # (B,) c >= 0 with f + c/2 ||.||^2 convex
    weights: torch.Tensor | None = None  # (B,T) what to use instead of the best ones

    @classmethod
    def make(cls, p: Composite, x: torch.Tensor, radius: Any, center: Any, smooth_lower: Any, limit: int) -> Certifier:
        base, change = pull_back(p)
        ball = inward(given_ball(p, x, radius, center), change)
        fits = (x.abs() < HUGE).all(-1)  # False for NaN, too
        outer = torch.where(fits.unsqueeze(-1), x, 0.0)
        inner = outer if change is None else change.inward(outer.transpose(0, 1)).transpose(0, 1)
        columns = [base.smooth.value_and_gradient(inner[:, k]) for k in range(x.shape[1])]
        value = torch.stack([c[0] for c in columns], 1)
        gradient = torch.stack([c[1] for c in columns], 1)
        if change is None:
            objective = torch.stack([value[:, k] + p.nonsmooth.value(outer[:, k]) for k in range(x.shape[1])], 1)
        else:
            objective = torch.stack([p.objective(outer[:, k]) for k in range(x.shape[1])], 1)
        alive = fits & (value.abs() < HUGE) & (gradient.abs() < HUGE).all(-1)
        objective = torch.where(alive & ~torch.isnan(objective), objective, torch.inf)
        return cls(
            p,
            base,
            change,
            outer,
            torch.where(alive.unsqueeze(-1), inner, 0.0),
            alive,
            torch.where(alive, value, 0.0),
            torch.where(alive.unsqueeze(-1), gradient, 0.0),
            objective,
            ball,
            floor_of_smooth(p, base, change, smooth_lower),
            limit,
            obstacle(p),
            (-curvature_floor(base.smooth)).clamp(min=0.0).expand(p.batch_size),
        )

    def result(self, steps: Sequence[int], identity: str) -> RunCertificate:
        """The certificates of the steps, in order."""
        batch = self.p.batch_size
        lower = torch.full((batch,), -torch.inf, dtype=torch.float64)
        source = np.full(batch, "none", dtype=object)
        rows: dict[str, list[Any]] = {"lower": [], "upper": [], "best": [], "source": []}
        last: _Step | None = None
        for k in steps:
            last = self._step(k)
            _check_order(last, k)
            better = (last.lower > lower).numpy()
            lower = torch.maximum(lower, last.lower)
            source = np.where(better, last.source, source)
            for name, entry in (("lower", lower), ("upper", last.upper), ("best", last.best), ("source", source)):
                rows[name].append(entry if isinstance(entry, np.ndarray) else entry.numpy())
        assert last is not None  # a certificate is asked for at one step at least
        stacked: dict[str, Any] = {name: np.stack(column, 1) for name, column in rows.items()}
        why = [None if math.isfinite(v) else self._why(last, b) for b, v in enumerate(lower.tolist())]
        return RunCertificate(
            **stacked,
            steps=np.asarray(steps),
            weights=last.numbers,
            points=last.index.numpy(),
            averaged=last.averaged.numpy(),
            extent=last.extent.numpy(),
            intercept=last.intercept.numpy(),
            rate=last.rate.numpy(),
            reason=tuple(why),
            problem=identity,
            records=functools.partial(self._records, last),
        )

    def _why(self, last: _Step, b: int) -> str:
        if last.reason is not None:
            return last.reason
        if not math.isfinite(float(last.upper[b])):
            return "no point of the run has a finite objective"
        return "nothing bounds the minimisers of this instance; give a radius"

    def _step(self, k: int) -> _Step:
        batch, n = self.p.batch_size, self.p.dim
        rows = torch.arange(batch)
        best = self.objective[:, : k + 1].argmin(1)
        inside = torch.isfinite(self.objective[rows, best])
        outer, point = self.outer[rows, best], self.x[rows, best]
        upper = up(self.objective[rows, best], value_error(self.p, outer))
        upper = torch.where(inside, upper, torch.inf)
        base_upper = upper
        if self.change is not None:
            base_upper = up(self.base.objective(point), value_error(self.base, point))
            # F of p at a point that rounding moved into the variables of the base is not F of the base there.
            scaled = up(upper / self.change.scale.reshape(-1), 4 * UNIT * upper.abs() / self.change.scale.reshape(-1))
            base_upper = torch.maximum(base_upper, scaled)
        nothing, none = torch.full_like(upper, -torch.inf), np.full(batch, "none", dtype=object)
        empty = torch.zeros(batch, 1, dtype=torch.long)
        blank = torch.full_like(upper, torch.nan)
        at_step = _Step(
            nothing,
            upper,
            best,
            none,
            nothing,
            blank,
            blank,
            blank,
            empty,
            empty.numpy(),
        )
        if self.obstacle is not None:
            at_step.reason = self.obstacle
            return at_step
        self._duals(at_step, k, point, base_upper, inside)
        ball = self.ball if self.ball is not None else self._curved_ball(point, inside)
        form = form_of(self.base, torch.where(inside, base_upper, 1.0), self.floor, ball)
        if isinstance(form, str):
            at_step.reason = form
            return at_step
        self._averaged(at_step, form, k, point, base_upper, inside, ball, n)
        return at_step

    def _curved_ball(self, point: torch.Tensor, inside: torch.Tensor) -> Ball | None:
        if isinstance(self.base.nonsmooth, L1) and self.floor is not None:
            return None  # the l1 norm of the minimisers is bounded already
        reach = _certificates.minimiser_distance(self.base, point)
        reach = torch.where(inside, reach, torch.inf)
        return Ball(point, reach, "strong convexity") if bool(torch.isfinite(reach).any()) else None

    def _duals(self, at_step: _Step, k: int, point: torch.Tensor, upper: torch.Tensor, inside: torch.Tensor) -> None:
        for x, fits in ((point, inside), (self.x[:, k], torch.isfinite(self.objective[:, k]))):
            if not bool(fits.any()):
                continue
            for entry in _certificates.CERTIFICATES:
                if entry.name in DUALS:
                    bound = torch.where(fits, entry.bound(self.base, x, upper), -torch.inf)
                    self._offer(
                        at_step, bound.nan_to_num(nan=-torch.inf, posinf=-torch.inf, neginf=-torch.inf), entry.name
                    )

    def _offer(self, at_step: _Step, bound: torch.Tensor, name: str | np.ndarray) -> None:
        if self.change is not None:
            value = self.change.scale.reshape(-1) * bound
            bound = down(value, 2 * UNIT * value.abs() + TINY)
        better = bound > at_step.lower
        at_step.lower = torch.where(better, bound, at_step.lower)
        at_step.source = np.where(better.numpy(), name, at_step.source)

    def _averaged(
        self,
        at_step: _Step,
        form: Form,
        k: int,
        point: torch.Tensor,
        upper: torch.Tensor,
        inside: torch.Tensor,
        ball: Ball | None,
        n: int,
    ) -> None:
        index = selection(k, self.limit, at_step.best)
        rows = torch.arange(index.shape[0]).unsqueeze(1)
        x, value, gradient = self.x[rows, index], self.value[rows, index], self.gradient[rows, index]
        alive = self.alive[rows, index]
        smoothness = (upper_smoothness(self.base.smooth) + 2 * self.deficit).expand(index.shape[0])
        smoothness = torch.where(smoothness > 0, smoothness, 1.0)
        at_best = self.gradient[rows[:, 0], at_step.best].unsqueeze(1)
        around = form.at_rest or form.by_cuts
        assert ball is not None or not around  # such a form is made of a ball
        origin = (ball.center if ball is not None and around else torch.zeros_like(point)).unsqueeze(1)
        bent = gradient if form.at_rest else gradient - at_best
        constant = value - (gradient * (x - origin)).sum(-1) + (bent * bent).sum(-1) / (2 * smoothness.unsqueeze(1))
        if not (form.at_rest or form.by_cuts):
            constant = constant + (gradient * form.offset.unsqueeze(1)).sum(-1)
        above = (
            self.value[rows[:, 0], at_step.best].unsqueeze(1) - value - (gradient * (point.unsqueeze(1) - x)).sum(-1)
        )
        above = torch.where(alive, above.clamp(min=0.0), torch.nan)
        usual = 0.3 * above.nanmedian(1, keepdim=True).values + 1e-12 * upper.abs().unsqueeze(1) + 1e-200
        first = 1 / (above + usual).nan_to_num(nan=1.0)
        kind = alive.to(torch.float64).unsqueeze(-1)
        cuts = self._cuts(index, x, gradient, ball) if ball is not None and form.by_cuts else None
        slope, bends = gradient, None if form.at_rest else bent
        if cuts is not None:
            extra = torch.stack([kind[..., 0], torch.zeros_like(kind[..., 0])], -1)
            other = torch.stack([torch.zeros_like(kind[..., 0]), cuts.used], -1)
            kind = torch.cat([extra, other], 1)
            constant, slope = torch.cat([constant, cuts.constant], 1), torch.cat([gradient, cuts.points.gradient], 1)
            bends, first = torch.cat([bent, torch.zeros_like(bent)], 1), torch.cat([first, first], 1)
        certain = inside & (kind.sum(1) > 0).all(-1)
        best = torch.where(inside, upper, 1.0)
        if self.weights is None:
            weights = best_weights(Cuts(constant, slope, bends, 1 / smoothness, kind, best, first, form.shape))
            weights = torch.where(torch.isfinite(weights), weights, 0.0)
        else:
            weights = normalised(self.weights[rows, index].repeat(1, kind.shape[2]), kind)
        numbers = exact_weights(weights, kind)
        share = torch.from_numpy(numbers / WHOLE)
        count = index.shape[1]
        far: torch.Tensor | float = 0.0
        if ball is not None and form.at_rest:
            assert isinstance(form.shape, Norms)
            far = torch.linalg.vector_norm(ball.center, dim=-1) + form.shape.extent[:, 0]
        points = self._evaluated(index, x, value, gradient, share[:, :count], far)
        by_cuts = None if cuts is None else (cuts.points, share[:, count:])
        worth = evaluate(self.base, form, points, share[:, :count], smoothness, upper, self.floor, ball, by_cuts)
        bound = torch.where(certain, worth.bound, -torch.inf)
        self._offer(
            at_step,
            bound,
            np.where(worth.over_ball.numpy(), "averaged gradients over a ball", "averaged gradients"),
        )
        scale = 1.0 if self.change is None else self.change.scale.reshape(-1)
        at_step.averaged = (
            down(scale * bound, 2 * UNIT * (scale * bound).abs() + TINY) if self.change is not None else bound
        )
        at_step.intercept, at_step.rate = scale * worth.intercept, scale * worth.rate
        extent = torch.full_like(upper, torch.nan) if form.extent is None else form.extent
        at_step.extent = torch.where(worth.over_ball, ball.reach if ball is not None else extent, extent)
        at_step.index, at_step.numbers = index, numbers[:, :count]
        at_step.form, at_step.points, at_step.over_ball, at_step.ball = form, points, worth.over_ball, ball
        at_step.smoothness = smoothness

    def _evaluated(
        self,
        index: torch.Tensor,
        x: torch.Tensor,
        value: torch.Tensor,
        gradient: torch.Tensor,
        share: torch.Tensor,
        far: torch.Tensor | float,
    ) -> Evaluated:
        """The points with errors where they carry weight; `far` (B,) bounds ||x*|| where grad f(x*) = 0 counts."""
        f, deficit = self.base.smooth, self.deficit
        errors = [torch.full(value.shape, torch.inf, dtype=torch.float64) for _ in range(2)]
        for column in torch.unique(index[share > 0]).tolist():
            at = self.x[:, column]
            size = at.abs().sum(-1)
            tiny = UNIT * ROOT_TINY * (1 + size)
            here = index == column
            v, g = f.errors(at)
            v = v + tiny * (1 + size + self.value[:, column].abs().sqrt()) + deficit * size * size
            g = g + tiny + 2 * deficit * (size + far)
            errors[0] = torch.where(here, v.unsqueeze(1), errors[0])
            errors[1] = torch.where(here, g.unsqueeze(1), errors[1])
        return Evaluated(x, value, gradient, errors[0], errors[1], deficit)

    def _cuts(self, index: torch.Tensor, x: torch.Tensor, gradient: torch.Tensor, ball: Ball) -> _TermCuts:
        """r(z) >= r_k + <s_k, z - x_k> with the subgradient s_k of r at x_k that is nearest to -grad f(x_k)."""
        r, slopes, values, errors, used = self.base.nonsmooth, [], [], [], []
        for j in range(index.shape[1]):
            at = x[:, j]
            value = r.value(at)
            fits = torch.isfinite(value) & self.alive.gather(1, index[:, j : j + 1]).squeeze(1)
            slope = r.nearest_subgradient(at, -gradient[:, j])
            slack = torch.zeros_like(value) if r.separable else r.subgradient_slack(at, slope)
            fits = fits & torch.isfinite(slope).all(-1) & torch.isfinite(slack)
            slopes.append(torch.where(fits.unsqueeze(-1), slope, 0.0))
            values.append(torch.where(fits, value, 0.0))
            errors.append(torch.where(fits, r.value_error(at) + slack, torch.inf))
            used.append(fits.to(torch.float64))
        slope, value, error = torch.stack(slopes, 1), torch.stack(values, 1), torch.stack(errors, 1)
        zero = torch.zeros_like(error)
        constant = value - (slope * (x - ball.center.unsqueeze(1))).sum(-1)
        return _TermCuts(Evaluated(x, value, slope, error, zero, zero[:, 0]), constant, torch.stack(used, 1))

    def _records(self, last: _Step) -> list[dict[str, Any]]:
        return [self._record(last, b) for b in range(self.p.batch_size)]

    def _record(self, last: _Step, b: int) -> dict[str, Any]:
        """Plain data of instance b: numbers as floats, which JSON keeps to the last bit."""
        averaged = float(last.averaged[b])
        if last.form is None or not math.isfinite(averaged):
            return {"reason": self._why(last, b) if last.form is None else "no bound from averaged gradients"}
        form, points, ball = last.form, last.points, last.ball
        assert points is not None  # with the form, as are the next two
        assert last.over_ball is not None
        assert last.smoothness is not None
        carriers = np.flatnonzero(last.numbers[b])
        record: dict[str, Any] = {
            "form": form.name,
            "lower": averaged,
            "upper": float(last.upper[b]),
            "best": self.outer[b, int(last.best[b])].tolist(),
            "smoothness": float(last.smoothness[b]),
            "at_rest": form.at_rest,
            "carriers": [
                {
                    "index": int(last.index[b, j]),
                    "weight": int(last.numbers[b, j]),
                    "x": points.x[b, j].tolist(),
                    "value": float(points.value[b, j]),
                    "value_error": float(points.value_error[b, j]),
                    "gradient": points.gradient[b, j].tolist(),
                    "gradient_error": float(points.gradient_error[b, j]),
                }
                for j in carriers
            ],
        }
        if self.floor is not None:
            record["smooth_lower"] = float(self.floor[b])
        if bool(last.over_ball[b]):
            assert ball is not None  # that the bound is over
            record["ball"] = {
                "center": ball.center[b].tolist(),
                "radius": float(ball.reach[b]),
                "source": ball.source,
            }
        return record


@dataclass(eq=False)
class _TermCuts:
    points: Evaluated
    constant: torch.Tensor
    used: torch.Tensor


@dataclass(eq=False)
class _Step:
    """What is known at one step; filled in by the parts of the certifier."""

    lower: torch.Tensor
    upper: torch.Tensor
    best: torch.Tensor
    source: np.ndarray
    averaged: torch.Tensor
    extent: torch.Tensor
    intercept: torch.Tensor
    rate: torch.Tensor
    index: torch.Tensor
    numbers: np.ndarray
    reason: str | None = None
    form: Form | None = None
    points: Evaluated | None = None
    over_ball: torch.Tensor | None = None
    ball: Ball | None = None
    smoothness: torch.Tensor | None = None


def _check_order(at_step: _Step, k: int) -> None:
    over = at_step.lower > at_step.upper
    if bool(over.any()):
        b = int(over.to(torch.int).argmax())
        raise CertificateError(
            f"instance {b}, step {k}: the lower bound {float(at_step.lower[b])!r} exceeds F at a point, "
            f"{float(at_step.upper[b])!r}. The radius or smooth_lower that was given is wrong, or the problem is not "
            f"what it declares: its L is too small, f or r is not convex, or its error bounds are none."
        )
