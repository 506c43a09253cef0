"""The (R L, Q, B) that shipped models use along their runs, held against the frozen-coefficient region of B14.

Frozen coefficients prove nothing of varying ones: a step outside of the region may be undone by the next, and a
sequence of steps each inside of its own region may still grow. What is measured is where the steps are, and, apart from
that, whether the runs grow.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....l2o import Composite
from ....l2o.optimizers.go_math_l2o import GoMathL2O
from ...runs.inspection import as_numpy
from . import _theory

R_EDGES, Q_EDGES = np.linspace(0.0, 2.0, 41), np.linspace(0.0, 2.0, 41)
"""Bins of the figure: the heads of the shipped models are sigmoids of height 2."""
SHIPPED, RANDOM = "go-math-l2o (lasso)", "go-math-l2o (random weights)"


@dataclass(frozen=True, eq=False)
class Heads:
    """R L, Q and B of `model` on `instances` problems over `steps` steps, one of each for every coordinate and step.

    `r`, `q`, `b`: their 5 %, 50 % and 95 % quantiles. `outside`: the share of (instance, step, coordinate) outside of
    the stable region as the condition number grows without bound; `q_beyond`: the share with Q at or above its limit
    there; `outside_own`: the share outside at the problem's own `kappa` (None where that is not known). `outside_first`
    and `outside_last`: `outside` over the first and the last tenth of the steps. `grew`: runs that end above F(x_0) or
    leave floats. `counts` over (Q, R L) bins.
    """

    model: str
    family: str
    kappa: float | None
    instances: int
    steps: int
    r: tuple[float, float, float]
    q: tuple[float, float, float]
    b: tuple[float, float, float]
    outside: float
    q_beyond: float
    outside_own: float | None
    outside_first: float
    outside_last: float
    grew: int
    counts: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        lists = {name: list(getattr(self, name)) for name in ("r", "q", "b")}
        return {**asdict(self), **lists, "counts": self.counts.tolist()}


@torch.no_grad()
def heads(
    model: str, optimizer: Any, family: str, problem: Composite, kappa: float | None, steps: int, seed: int = 0
) -> Heads:
    """Run a GO-Math-L2O model with its displacement map and keep what its heads give."""
    if getattr(optimizer, "gradient_map", None) != "displacement":
        raise l2o.InputError("heads: B14 is of GO-Math-L2O with its displacement map; give such a model.")
    x0 = l2o.synthetic.starts(problem, seed=seed)
    state = optimizer.init(problem, x0, seed=seed)
    L = problem.smoothness[:, None]
    rows: list[tuple[torch.Tensor, ...]] = []
    for _ in range(steps):
        state = optimizer.step(problem, state)
        rows.append((L * state.preconditioner, state.history_weight, state.forgetting))
    r, q, b = (as_numpy(torch.stack([row[i].expand_as(x0) for row in rows])) for i in range(3))
    start, end = as_numpy(problem.objective(x0)), as_numpy(problem.objective(state.x))
    with np.errstate(invalid="ignore"):
        grew = ~(end <= start)
    finite = np.isfinite(r) & np.isfinite(q) & np.isfinite(b)
    if not finite.all():
        raise l2o.InputError(f"heads: {model} on {family} leaves float64 within {steps} steps; choose fewer.")
    outside = ~_theory.stable_at_large_kappa(r, q, b)
    tenth = max(1, steps // 10)
    counts, _, _ = np.histogram2d(q.ravel(), r.ravel(), bins=(Q_EDGES, R_EDGES))
    return Heads(
        model,
        family,
        kappa,
        problem.batch_size,
        steps,
        _quantiles(r),
        _quantiles(q),
        _quantiles(b),
        float(outside.mean()),
        float((q >= _theory.limit(0.0, 0.5)).mean()),
        None if kappa is None else float((~_theory.modes_stable(r, q, b, kappa)).mean()),
        float(outside[:tenth].mean()),
        float(outside[-tenth:].mean()),
        int(grew.sum()),
        counts.astype(int),
    )


@torch.no_grad()
def limiting_heads(optimizer: Any, steps: int = 500) -> tuple[float, float, float] | None:
    """(R L, Q, B) of a GO-Math-L2O model whose features have been 0 for `steps` steps, L as it is told.

    Where r = 0 the features vanish with the gradient, so these are the scalars with which a run settles, or does not.
    None for a model whose recurrence is not that of B14.
    """
    if not isinstance(optimizer, GoMathL2O) or optimizer.gradient_map != "displacement" or optimizer.q_step_power:
        return None
    if {"b3", "b4"} & set(optimizer.heads):
        return None
    flat = l2o.quadratic(np.ones((1, 1, 1)), np.zeros((1, 1)))
    state = optimizer.init(flat, torch.zeros(1, 1, dtype=torch.float64))
    for _ in range(steps):
        state = optimizer.step(flat, state)
    assert state.preconditioner is not None, "every step of such a model sets it"
    numbers = (flat.smoothness * state.preconditioner, state.history_weight, state.forgetting)
    r, q, b = (float(torch.as_tensor(v).reshape(-1)[0]) for v in numbers)
    return r, q, b


def _quantiles(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)


def shipped(instances: int, kappas: tuple[float, ...], steps: int, seed: int, problem_of: Any) -> tuple[Heads, ...]:
    """The shipped GO-Math-L2O models; `problem_of(family, kappa)` gives problems of the families with a kappa.

    The model for lasso and one that is not trained on lasso and on quadratics, the model for logistic_l1 on problems of
    its own family.
    """
    measured = []
    models = {SHIPPED: l2o.pretrained("go-math-l2o", "lasso"), RANDOM: l2o.optimizer("go-math-l2o", seed=1)}
    for model, optimizer in models.items():
        for family in ("lasso", "quadratic"):
            for kappa in kappas:
                measured.append(heads(model, optimizer, family, problem_of(family, kappa), kappa, steps, seed))
    logistic = l2o.synthetic.logistic_l1(instances, 40, 20, seed=seed)
    other = l2o.pretrained("go-math-l2o", "logistic_l1")
    measured.append(heads("go-math-l2o (logistic_l1)", other, "logistic_l1", logistic, None, steps, seed))
    return tuple(measured)
