"""Three small experiments to begin with, before a model is trusted with anything larger.

(a) `gradient_normalisation`: does a model whose features are normalised gradients do the same on c F as on F?
(b) `history_recurrence`: does the memory follow its recurrence, and how much of the history of displacements does it
    hold?
(c) `rates_at_small_scale`: do the bounds of the catalogue hold on problems small enough to certify in a moment?

Each returns a frozen result with a verdict, "confirmed", "refuted" or "undecided", and its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from ... import l2o
from ...l2o import Composite, InputError
from ..invariance.equivariance import BROKEN, EQUIVARIANT, EquivarianceResult, check_equivariance, scaling
from ..optima import optimum
from ..runs.inspection import as_numpy
from ..verdicts.verdict import Verdict
from ..verdicts.verification import Verification
from ..verdicts.verify import verify_all

CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
SCALES = (1e-6, 1e-3, 1e3, 1e6)


@dataclass(frozen=True, eq=False)
class GradientNormalisation:
    """Runs on c F against the run on F, for each c: of the model, and of a rival whose features are not normalised.

    "confirmed": the model's features and iterates agree to rounding for every c and the rival's iterates clearly do
    not. "refuted": the model's clearly do not. Otherwise "undecided".
    """

    scales: tuple[float, ...]
    model: tuple[EquivarianceResult, ...]
    rival: tuple[EquivarianceResult, ...]

    @property
    def verdict(self) -> str:
        """Of all scales."""
        if any(r.verdict == BROKEN for r in self.model):
            return REFUTED
        agree = all(r.verdict == EQUIVARIANT and _features_agree(r) for r in self.model)
        return CONFIRMED if agree and all(r.verdict == BROKEN for r in self.rival) else UNDECIDED

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {
            "experiment": "gradient normalisation",
            "verdict": self.verdict,
            "scales": list(self.scales),
            "model": [r.to_dict() for r in self.model],
            "rival": [r.to_dict() for r in self.rival],
        }

    def summary(self) -> str:
        """A few lines for people."""
        lines = [f"(a) gradient normalisation: {self.verdict.upper()}"]
        for results in (self.model, self.rival):
            differences = [
                f"c = {c:g}: iterates {r.worst:.1g}, features {_words(r)}"
                for c, r in zip(self.scales, results, strict=True)
            ]
            lines.append(
                f"  {results[0].optimizer}, largest relative difference between c F and F; " + "; ".join(differences)
            )
        return "\n".join(lines)


def _features_agree(result: EquivarianceResult) -> bool:
    """Whether the features of the judged steps differ by no more than the iterates may."""
    if result.features_defect is None:
        return True
    judged = np.arange(result.features_defect.shape[1]) < result.judged_steps[:, None]
    # Normalised gradients move with L times the points, so their rounding is that of the points but for a condition.
    allowed = 1e3 * np.maximum.accumulate(result.tolerance, axis=1)[:, :-1]
    return bool((result.features_defect <= np.maximum(allowed, 1e-9))[judged].all())


def _words(result: EquivarianceResult) -> str:
    size = result.to_dict()["worst_features_defect"]
    return "none" if size is None else f"{size:.1g}"


def gradient_normalisation(
    model: Any = None,
    rival: Any = None,
    problem: Composite | None = None,
    steps: int = 50,
    *,
    scales: Sequence[float] = SCALES,
    seed: int = 0,
) -> GradientNormalisation:
    """Run `model` (GO-Math-L2O) and `rival` (L2O-PA), by default with shipped weights, on c F for c in `scales`."""
    if not scales or any(not c > 0 or c == 1 for c in scales):
        raise InputError(f"gradient_normalisation: expected scales > 0 other than 1, at least one, got {scales!r}.")
    problem = l2o.synthetic.lasso(4, 10, 20, seed=seed) if problem is None else problem
    x0 = l2o.synthetic.starts(problem, seed=seed)
    model = l2o.pretrained("go-math-l2o", "lasso") if model is None else model
    rival = l2o.pretrained("l2o-pa", "lasso") if rival is None else rival
    differences = [
        tuple(check_equivariance(opt, problem, x0, steps, scaling(c), seed=seed) for c in scales)
        for opt in (model, rival)
    ]
    return GradientNormalisation(tuple(float(c) for c in scales), *differences)


@dataclass(frozen=True, eq=False)
class HistoryRecurrence:
    """The memory v_k of GO-Math-L2O against v_k = B_k v_{k-1} + (1 - B_k) D_k, from the arrays of a run.

    `defect` (B,K): ||v_k - B_k v_{k-1} - (1 - B_k) D_k|| relative to the largest ||v_j||, ||D_j|| with j <= k;
    `sum_defect` (B,K): of the closed form v_k = sum_j w_kj D_j, w_kj = (1 - B_j) B_{j+1} ... B_k. `tolerance` (K,):
    what rounding explains of either. `weights` (K,): the mean of w_Kj over instances and coordinates by age K - j,
    youngest first; `mean_age`: their centre of mass in steps. `captured` (m,): the share of ||v_K||^2 that a
    regression on the last 1..m displacements, one coefficient each for all coordinates, explains. `coefficients`
    (m,): of the regression of v_m on the whole history D_m, ..., D_1 (later, displacements are too much alike to tell
    their coefficients apart), and `products` (m,): the mean of w_mj, which they recover if B is one number for all.
    """

    defect: np.ndarray
    sum_defect: np.ndarray
    tolerance: np.ndarray
    weights: np.ndarray
    mean_age: float
    captured: np.ndarray
    coefficients: np.ndarray
    products: np.ndarray

    @property
    def first_broken(self) -> int | None:
        """The first step at which the recurrence fails on some instance, None where it never does."""
        worst = np.maximum(self.defect, self.sum_defect).max(axis=0)
        broken = np.nonzero(~(worst <= self.tolerance))[0]
        return int(broken[0]) + 1 if broken.size else None

    @property
    def verdict(self) -> str:
        """Whether the recurrence holds to rounding at every step."""
        return CONFIRMED if self.first_broken is None else REFUTED

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {
            "experiment": "history recurrence",
            "verdict": self.verdict,
            "worst_defect": float(np.nan_to_num(np.maximum(self.defect, self.sum_defect), nan=np.inf).max()),
            "first_broken": self.first_broken,
            "weights": [float(w) for w in self.weights],
            "coefficients": [float(c) for c in self.coefficients],
            "products": [float(c) for c in self.products],
            "captured": [float(c) for c in self.captured],
            "mean_age": self.mean_age,
        }

    def summary(self) -> str:
        """A few lines for people."""
        d = self.to_dict()
        broken = "" if d["first_broken"] is None else f", first broken at step {d['first_broken']}"
        shares = ", ".join(f"{m} explain {c:.1%}" for m, c in enumerate(d["captured"], 1))
        return (
            f"(b) history recurrence: {self.verdict.upper()}; v_k is the weighted sum of past displacements up to "
            f"{d['worst_defect']:.1g}{broken}\n"
            f"  weights by age: {', '.join(f'{w:.3g}' for w in d['weights'][:6])}; mean age {self.mean_age:.3g} steps\n"
            f"  regression of v_{len(self.products)} on all displacements so far: "
            f"{', '.join(f'{c:.3g}' for c in self.coefficients)}; products of B: "
            f"{', '.join(f'{c:.3g}' for c in self.products)}\n"
            f"  regression of v_K on the last displacements: {shares}"
        )


def history_recurrence(
    optimizer: Any = None, problem: Composite | None = None, steps: int = 20, *, window: int = 5, seed: int = 0
) -> HistoryRecurrence:
    """Hold the memory of GO-Math-L2O against its recurrence on small quadratics (catalogue B14).

    B_k is the network's, read off the states; v_k and D_k are those of the recorded run, so a memory that is updated
    with anything else is found.

    Args:
        optimizer: A GO-Math-L2O with the displacement map and without b3 and b4; by default the shipped one for LASSO.
        problem: A problem; by default small quadratics.
        steps: Steps of the run.
        window: Displacements of the regression of v_K on the last ones.
        seed: Draws the start.

    Returns:
        What was measured, with the products that the recurrence gives.

    Raises:
        InputError: For another optimizer, and for a run that diverges.
    """
    optimizer = l2o.pretrained("go-math-l2o", "lasso") if optimizer is None else optimizer
    if getattr(optimizer, "gradient_map", None) != "displacement" or {"b3", "b4"} & set(optimizer.heads):
        raise InputError(
            "history_recurrence: expected a GO-Math-L2O with the displacement map and without b3 and b4; its memory "
            "is the one that averages displacements."
        )
    if not 1 <= window <= steps:
        raise InputError(f"history_recurrence: expected 1 <= window <= steps, got window {window}, steps {steps}.")
    problem = l2o.synthetic.quadratic(4, 6, condition=10.0, seed=seed) if problem is None else problem
    x0 = l2o.synthetic.starts(problem, seed=seed)
    run = l2o.rollout(optimizer, problem, x0, steps)
    if not bool(run.finite.all()):
        raise InputError(f"history_recurrence: the run leaves float64 within {steps} steps; take fewer.")
    forgetting, state = [], optimizer.init(problem, x0)
    with torch.no_grad():
        for _ in range(steps):
            state = optimizer.step(problem, state)
            forgetting.append(as_numpy(state.forgetting))
    assert run.memory is not None, "a rollout of GO-Math-L2O keeps both"
    assert run.step is not None, "a rollout of GO-Math-L2O keeps both"
    B, v, D = np.stack(forgetting, axis=1), as_numpy(run.memory), as_numpy(run.step)
    expected = B * v[:, :-1] + (1 - B) * D
    summed, ages = np.zeros_like(D), np.ones_like(D)
    for k in range(steps):
        # w_kj for j = 1..k: the weight of a displacement at its own step, times what was kept since.
        w = (1 - B[:, : k + 1]) * _products(B[:, : k + 1])
        summed[:, k] = (w * D[:, : k + 1]).sum(axis=1)
        ages = w
    size = np.maximum(np.linalg.norm(v[:, 1:], axis=-1), np.linalg.norm(D, axis=-1))
    size = np.maximum.accumulate(size, axis=1)
    weights = ages.mean(axis=(0, 2))[::-1]
    captured = np.array([_regression(v[:, -1], D[:, steps - m :])[0] for m in range(1, window + 1)])
    _, coefficients = _regression(v[:, window], D[:, :window])
    full = (1 - B[:, :window]) * _products(B[:, :window])
    return HistoryRecurrence(
        np.linalg.norm(v[:, 1:] - expected, axis=-1) / size,
        np.linalg.norm(v[:, 1:] - summed, axis=-1) / size,
        64 * np.finfo(np.float64).eps * np.arange(2, steps + 2),
        weights,
        float((weights * np.arange(steps)).sum() / weights.sum()),
        captured,
        coefficients,
        full.mean(axis=(0, 2))[::-1],
    )


def _products(B: np.ndarray) -> np.ndarray:
    """(B,k,n) B_{j+1} ... B_k for j = 1..k, 1 for j = k."""
    later = np.concatenate([B[:, 1:], np.ones_like(B[:, :1])], axis=1)
    return np.cumprod(later[:, ::-1], axis=1)[:, ::-1]


def _regression(v: np.ndarray, D: np.ndarray) -> tuple[float, np.ndarray]:
    """Least squares of v (B,n) on D (B,m,n), one coefficient a step: share explained, and (m,) youngest first."""
    columns = np.stack([D[:, -1 - age].ravel() for age in range(D.shape[1])], axis=1)
    lengths = np.linalg.norm(columns, axis=0)
    lengths = np.where(lengths > 0, lengths, 1.0)
    target = v.ravel()
    solution = np.linalg.lstsq(columns / lengths, target, rcond=None)[0]
    rest = target - columns / lengths @ solution
    return 1 - float(rest @ rest) / max(float(target @ target), np.finfo(float).tiny), solution / lengths


@dataclass(frozen=True, eq=False)
class RatesAtSmallScale:
    """Every bound of the catalogue held against runs on small certified problems: run -> bound -> `Verification`."""

    runs: Mapping[str, Mapping[str, Verification]] = field(repr=False)

    def count(self, verdict: Verdict) -> int:
        """Number of (run, bound) pairs with this overall verdict."""
        return sum(v.overall is verdict for verifications in self.runs.values() for v in verifications.values())

    @property
    def violated(self) -> tuple[tuple[str, str], ...]:
        """The (run, bound) pairs that are violated."""
        return tuple(
            (run, name)
            for run, verifications in self.runs.items()
            for name, v in verifications.items()
            if v.overall is Verdict.VIOLATED
        )

    @property
    def verdict(self) -> str:
        """Refuted by one violation, undecided by an inconclusive verdict, else confirmed."""
        if self.violated:
            return REFUTED
        return UNDECIDED if self.count(Verdict.INCONCLUSIVE) or not self.count(Verdict.VERIFIED) else CONFIRMED

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {
            "experiment": "rates at small scale",
            "verdict": self.verdict,
            "counts": {str(v): self.count(v) for v in Verdict},
            "violated": [list(pair) for pair in self.violated],
            "runs": {run: {name: str(v.overall) for name, v in of_run.items()} for run, of_run in self.runs.items()},
        }

    def summary(self) -> str:
        """A few lines for people."""
        counts = ", ".join(f"{n} {v}" for v, n in self.to_dict()["counts"].items() if n)
        lines = [f"(c) bounds at small scale: {self.verdict.upper()}; run and bound: {counts}"]
        return "\n".join([*lines, *(f"  VIOLATED: {name} on {run}" for run, name in self.violated)])


def rates_at_small_scale(
    problems: Mapping[str, Composite] | None = None,
    optimizers: Mapping[str, Any] | None = None,
    steps: int = 30,
    *,
    seed: int = 0,
) -> RatesAtSmallScale:
    """Hold all bounds against `optimizers` on `problems`; by default GO-Math-L2O, L2O-PA and ISTA on three families."""
    if problems is None:
        problems = {
            "lasso": l2o.synthetic.lasso(3, 6, 10, seed=seed),
            "logistic_l1": l2o.synthetic.logistic_l1(3, 20, 5, seed=seed),
            "quadratic": l2o.synthetic.quadratic(3, 6, seed=seed),
        }
    if optimizers is None:
        optimizers = {
            "go-math-l2o": l2o.pretrained("go-math-l2o", "lasso"),
            "l2o-pa": l2o.pretrained("l2o-pa", "lasso"),
            "ista": l2o.optimizer("ista"),
        }
    runs = {}
    for family, problem in problems.items():
        certified, x0 = optimum(problem), l2o.synthetic.starts(problem, seed=seed)
        for name, optimizer in optimizers.items():
            run = l2o.rollout(optimizer, problem, x0, steps)
            runs[f"{name} on {family}"] = verify_all(run, problem, certified, reference_step="best")
    return RatesAtSmallScale(runs)
