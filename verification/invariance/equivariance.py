"""B12, equivariance: an optimizer run on F and on the image of F under a change of variables, held side by side.

If the run on the image, mapped back, is the run on F, then what is measured on F holds for the image: for such a model
a shifted objective and a shifted start are one experiment, and the size of L does nothing. In floating point the two
runs agree to rounding only, and an optimizer amplifies rounding, so "agree" needs a yardstick. It is measured:

* a unit of rounding is eps times the numbers handled (|x_k|, and |t| under a translation) plus the bound on the error
  of the gradient over L;
* probes start `ROUNDINGS` such units away from x_0 and are run on F itself. What separates them from the run is how
  this optimizer amplifies rounding here. The tolerance of step k is the largest separation so far, plus `ROUNDINGS`
  units for later roundings. A thousand covers a rounding at every one of some hundred steps, with room;
* a step is judged while the tolerance is below `CLEAR`: beyond, the run is chaotic and says nothing.

Within the tolerance all along: equivariant. Beyond `CLEAR` and ten times the tolerance somewhere: not equivariant.
Anything else is undecided. Sign features jump where a coordinate crosses a kink of r; where the slopes at the two
points differ while the points agree to rounding, such a jump explains what follows, and the instance is undecided.
The verdict is a measurement on these instances and steps, not a proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...l2o import Composite, InputError, Run, rollout
from ..runs.inspection import HUGE, as_numpy, norm
from ..support.plain import plain
from .transforms import Transform, rescaling, scaling, translation

__all__ = ["EquivarianceResult", "Transform", "check_equivariance", "rescaling", "scaling", "translation"]

EQUIVARIANT, BROKEN, UNDECIDED = "equivariant", "not equivariant", "undecided"
ROUNDINGS = 1000.0
CLEAR = 1e-6
_PROBES = 2
_JUMP = 1e-3  # of the largest slope: rounding moves a smooth slope by far less, a kink by the slope itself


@dataclass(frozen=True, eq=False)
class EquivarianceResult:
    """A run and its image, compared; B instances, K steps.

    `defect` (B,K+1) is ||x_k - x'_k mapped back||, `scale` (B,K+1) = max(||x_0||, ||x_j - x_0|| for j <= k) makes it
    relative, `tolerance` (B,K+1) is the relative size that rounding explains, at most 1. `objective_defect` (B,K+1) is
    |F(x_k) - F'(x'_k) mapped back|, relative to max(|F(x_0)|, |F(x_k)|), NaN outside the domain of r, and
    `objective_tolerance` what rounding explains of it. `features_defect` (B,K) is the largest difference of two
    features over the largest feature, None for an optimizer that has none. `judged_steps` (B,): the verdict speaks of
    the first so many steps. `first_broken` (B,): the first k that is clearly broken, -1 where none is. `instances`
    (B,) and `verdict` are "equivariant", "not equivariant" or "undecided".
    """

    optimizer: str
    transform: Transform
    defect: np.ndarray
    scale: np.ndarray
    tolerance: np.ndarray
    objective_defect: np.ndarray
    objective_tolerance: np.ndarray
    features_defect: np.ndarray | None
    judged_steps: np.ndarray
    first_broken: np.ndarray
    instances: np.ndarray
    notes: tuple[str, ...]

    @property
    def relative_defect(self) -> np.ndarray:
        """(B,K+1) `defect` over `scale`; 0 where both vanish."""
        return ratio_of(self.defect, self.scale)

    @property
    def verdict(self) -> str:
        """One word for all: broken if any instance is, else undecided if any is, else equivariant."""
        for word in (BROKEN, UNDECIDED):
            if (self.instances == word).any():
                return word
        return EQUIVARIANT

    @property
    def worst(self) -> float:
        """The largest relative defect at a judged step."""
        judged = np.arange(self.defect.shape[1]) <= self.judged_steps[:, None]
        return float(self.relative_defect[judged].max())

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        broken = self.first_broken[self.first_broken >= 0]
        judged = np.arange(self.defect.shape[1]) <= self.judged_steps[:, None]
        objective = np.nan_to_num(self.objective_defect[judged])
        features = self.features_defect
        worst_features = None if features is None or not np.isfinite(features).any() else float(np.nanmax(features))
        return {
            "optimizer": self.optimizer,
            "transform": self.transform.name,
            "size": self.transform.size,
            "verdict": self.verdict,
            "instances": {w: int((self.instances == w).sum()) for w in (EQUIVARIANT, BROKEN, UNDECIDED)},
            "steps": self.defect.shape[1] - 1,
            "judged_steps": int(self.judged_steps.min()),
            "worst_relative_defect": plain(self.worst),
            "tolerance_at_worst": plain(self.tolerance[judged].max()),
            "worst_objective_defect": plain(objective.max()),
            "worst_features_defect": worst_features,
            "first_broken": int(broken.min()) if broken.size else None,
            "notes": list(self.notes),
        }

    def summary(self) -> str:
        """A few lines for people."""
        d = self.to_dict()
        line = (
            f"{self.optimizer} under {self.transform}: {d['verdict'].upper()}; over {d['judged_steps']} steps the "
            f"mapped run is off by at most {self.worst:.2g} (relative), rounding explains up to "
            f"{d['tolerance_at_worst']:.2g}"
        )
        if d["first_broken"] is not None:
            count = d["instances"][BROKEN]
            line += f"; clearly broken on {count} of {len(self.instances)} instances, first at step {d['first_broken']}"
        return "\n".join([line, *(f"  {note}" for note in self.notes)])


def check_equivariance(
    optimizer: Any,
    problem: Composite,
    x0: Any,
    steps: int,
    transform: Transform,
    *,
    seed: int = 0,
    hidden: Any = None,
    cell: Any = None,
) -> EquivarianceResult:
    """Run an optimizer on a problem and on its image under a change of variables, and compare the runs.

    Args:
        optimizer: Anything with pure `init` and `step`.
        problem: A problem in float64.
        x0: (B,n) where the run starts; that on the image starts from its image.
        steps: Steps of both runs.
        transform: `translation(t)`, `scaling(c)` or `rescaling(a)`.
        seed: Passed to `init` of both.
        hidden: Initial network state of a learned optimizer, (layers, B*n, hidden_size); zeros by default.
        cell: Likewise.

    Returns:
        Defects of each step beside what rounding explains of them, measured by runs from points moved by roundings.

    Raises:
        InputError: For a problem that is not in float64, and for a state that the optimizer does not have.
    """
    if problem.dtype != torch.float64:
        raise InputError(f"check_equivariance: expected a problem in float64, got {problem.dtype}; use problem.to.")
    x0 = problem.point(x0, "x0")
    image = transform.problem(problem)
    given = {name: state for name, state in (("hidden", hidden), ("cell", cell)) if state is not None}

    def run_on(p: Composite, start: torch.Tensor) -> Run:
        state = optimizer.init(p, start, seed=seed, **given) if given else None
        return rollout(optimizer, p, start, steps, state=state, seed=seed)

    run, other = run_on(problem, x0), run_on(image, transform.start(x0))
    assert run.x is not None, "a rollout keeps its iterates"
    assert other.x is not None, "a rollout keeps its iterates"
    back, magnitude = transform.back(other.x), run.x.abs() + transform.magnitude(run.x)
    x = as_numpy(run.x)
    with np.errstate(invalid="ignore", over="ignore"):
        defect, moved = norm(as_numpy(back) - x), norm(x - x[:, :1])
        moved[:, 0] = moved[:, 1]  # so that x_0 = 0 has a scale too
        scale = np.maximum(norm(x[:, :1]), np.maximum.accumulate(moved, axis=1))
        unit = np.finfo(np.float64).eps * norm(as_numpy(magnitude))
        slopes = np.maximum(gradient_unit(problem, run.x), transform.shrink(gradient_unit(image, other.x)))
        # x_k rounds with the gradients before it: that at a far x'_k would explain the very jump that led there
        unit = unit + np.concatenate([slopes[:, :1], slopes[:, :-1]], axis=1)
        probes = [run_on(problem, x0 + nudge(problem, x0, magnitude[:, 0], unit[:, 0], i)) for i in range(_PROBES)]
        apart = np.max([norm(as_numpy(p.x) - x) for p in probes if p.x is not None], axis=0)
        tolerance = ratio_of(np.maximum.accumulate(apart + ROUNDINGS * unit, axis=1), scale)
        value, objective_defect, objective_tolerance = _objectives(transform, problem, image, run, other, probes)
    tolerance = np.minimum(np.nan_to_num(tolerance, nan=1.0), 1.0)  # at 1 it explains everything
    relative = np.nan_to_num(ratio_of(defect, scale), nan=np.inf)
    inside = np.abs(x).max(-1) < HUGE  # an image that leaves floats while the run does not is another run
    judged = np.logical_and.accumulate((tolerance <= CLEAR) & inside, axis=1)
    judged_steps = judged.sum(axis=1) - 1

    comparable = np.isfinite(value) & judged
    clear = judged & (relative > np.maximum(CLEAR, 10 * tolerance))
    clear |= comparable & (objective_defect > np.maximum(CLEAR, 10 * objective_tolerance))
    within = (relative <= tolerance) & (~comparable | (objective_defect <= objective_tolerance))
    first_broken = np.where(clear.any(axis=1), clear.argmax(axis=1), -1)
    jumped = _jumped(transform, problem, image, run, other, within, first_broken)
    instances = np.where((within | ~judged).all(axis=1) & (judged_steps >= 1), EQUIVARIANT, UNDECIDED).astype(object)
    instances[(first_broken >= 0) & ~jumped] = BROKEN
    notes = []
    if jumped.any():
        notes.append(
            f"{int(jumped.sum())} instances part where rounding decides on which side of a kink of r a point is; "
            f"nothing is said of them"
        )
    if (judged_steps < run.steps).any():
        notes.append(
            f"from step {int(judged_steps.min()) + 1} on rounding alone is amplified beyond {CLEAR:g} on some "
            f"instances: not judged there"
        )
    return EquivarianceResult(
        run.optimizer,
        transform,
        defect,
        scale,
        tolerance,
        objective_defect,
        objective_tolerance,
        _features_defect(run, other),
        judged_steps,
        np.where(jumped, -1, first_broken),
        instances,
        tuple(notes),
    )


def ratio_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, 0 where a = 0, inf where only b = 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(a == 0, 0.0, a / b)


def gradient_unit(problem: Composite, x: torch.Tensor) -> np.ndarray:
    """(B,K+1) the bound on the error of grad f(x_k), over L: what it does to a step."""
    errors = torch.stack([problem.smooth_gradient_error(x[:, k]) for k in range(x.shape[1])], dim=1)
    return as_numpy(errors / problem.smoothness.unsqueeze(-1))


def nudge(problem: Composite, x0: torch.Tensor, magnitude: torch.Tensor, unit: np.ndarray, number: int) -> torch.Tensor:
    """(B,n) a step of `ROUNDINGS` units in a random direction; 0 at a kink of r, which a change of variables keeps."""
    signs = np.random.default_rng([number, *x0.shape]).choice([-1.0, 1.0], x0.shape)
    shape = magnitude + torch.finfo(x0.dtype).tiny
    shape = shape / torch.linalg.vector_norm(shape, dim=-1, keepdim=True)
    low, high = problem.subdifferential(x0)
    step = ROUNDINGS * torch.as_tensor(signs) * shape * torch.as_tensor(unit).unsqueeze(-1)
    return torch.where(low == high, step, torch.zeros_like(step))


def _objectives(
    transform: Transform, problem: Composite, image: Composite, run: Run, other: Run, probes: list[Run]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """F(x_k), |F(x_k) - F'(x'_k) mapped back| relative, and what rounding explains of that, (B,K+1) each."""
    assert run.x is not None, "a rollout keeps its iterates"
    assert other.x is not None, "a rollout keeps its iterates"
    value, factor = as_numpy(run.objective), as_numpy(transform.factor(run.objective))
    mapped = as_numpy(other.objective) / factor
    error = _objective_error(problem, run.x) + _objective_error(image, other.x) / factor
    scale = np.maximum(np.abs(value[:, :1]), np.abs(value))
    scale = np.where(np.isfinite(scale), scale, np.abs(value))
    apart = np.max([np.abs(as_numpy(p.objective) - value) for p in probes], axis=0)
    defect = ratio_of(np.abs(mapped - value), scale)
    # A probe that leaves the domain of r says nothing of F; what stays is the bound on its rounding.
    allowed = np.maximum.accumulate(np.where(np.isfinite(apart), apart, 0.0) + ROUNDINGS * error, axis=1)
    allowed = np.minimum(np.nan_to_num(ratio_of(allowed, scale), nan=1.0), 1.0)
    return value, np.where(np.isfinite(value), defect, np.nan), allowed


def _objective_error(problem: Composite, x: torch.Tensor) -> np.ndarray:
    return as_numpy(torch.stack([problem.objective_error(x[:, k]) for k in range(x.shape[1])], dim=1))


def _jumped(
    transform: Transform,
    problem: Composite,
    image: Composite,
    run: Run,
    other: Run,
    within: np.ndarray,
    first_broken: np.ndarray,
) -> np.ndarray:
    """(B,) whether the slopes of r differ at an earlier point at which the two runs still agree to rounding."""
    jumped = np.zeros(len(first_broken), dtype=bool)
    if problem.nonsmooth.is_zero:
        return jumped
    assert run.x is not None, "a rollout keeps its iterates"
    assert other.x is not None, "a rollout keeps its iterates"
    for k in range(int(first_broken.max(initial=0))):
        ends = problem.subdifferential(run.x[:, k])
        images = [transform.slope_back(end) for end in image.subdifferential(other.x[:, k])]
        for end, mapped in zip(ends, images, strict=True):
            a, b = (torch.nan_to_num(e, posinf=1e300, neginf=-1e300) for e in (end, mapped))
            size = torch.maximum(a.abs(), b.abs()).amax(-1, keepdim=True)
            differs = as_numpy(((a - b).abs() > _JUMP * size).any(-1)) > 0
            jumped |= differs & within[:, : k + 1].all(axis=1) & (k < first_broken)
    return jumped


def _features_defect(run: Run, other: Run) -> np.ndarray | None:
    """(B,K) largest difference of two features, relative to the largest one."""
    if run.features is None or other.features is None:
        return None
    a, b = as_numpy(run.features), as_numpy(other.features)
    with np.errstate(invalid="ignore", over="ignore"):
        size = np.maximum(np.abs(a), np.abs(b)).max(axis=(-2, -1))
        return ratio_of(np.abs(a - b).max(axis=(-2, -1)), size)
