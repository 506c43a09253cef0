"""Checkpoints of trainings at several stages and widths: the deviations that training really leaves.

GO-Math-L2O is trained on the instances of each family, with several hidden sizes and seeds, and its weights are kept
after several numbers of batches, the untrained ones among them. Each is then measured as a pattern is: its deviations
rho_k, what B8 and the exact worst case of that profile allow, and what its runs do. These are small trainings on one
processor, so that the weights stay far from those of long ones.

`across` asks whether the checkpoints that deviate more are those that converge more slowly. The checkpoints of one
training are no independent draws: the interval draws trainings with replacement, each with all its stages, and with few
trainings it is a rough one. It is for these stages and no others: a stage moves both numbers in all trainings at once,
and four stages that move them without any relation leave out 0 in most cases. It says what goes together in training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .... import l2o
from ....l2o import InputError
from ...diagnosis.assumption_meter import assumption_meter
from ...optima.gaps import gaps, relative_to_start
from ...runs.inspection import as_numpy
from ...statistics.rank_correlation import rank_correlation
from . import _theory
from ._correlation import LEAST, Correlation
from ._measure import Cell, Field, measure

MODEL = "go-math-l2o"
SIZES: dict[str, dict[str, int]] = {
    "quadratic": {"dim": 20},
    "lasso": {"rows": 20, "dim": 40},
    "logistic_l1": {"rows": 40, "dim": 20},
}
"""The sizes of the instances of each family, in training and after."""


@dataclass(frozen=True)
class Checkpoint:
    """What the weights after `batches` batches do; `cell` is their measurement, with its deviations and bounds.

    `hidden` size and `seed` of the training; `inside`: share of the steps with rho < 1; `delta_sum`: median of
    ||delta1||_inf + ||delta2||/||G||, reading `gradient_descent` (B13 guarantees descent below 2); `rate`: median over
    the instances of log10((F(x_k) - F*)/(F(x_0) - F*))/k over the k = `rate_steps` steps, in decades a step.
    """

    hidden: int
    seed: int
    batches: int
    inside: float
    delta_sum: float
    rate: float
    rate_steps: int
    cell: Cell

    @property
    def training(self) -> tuple[int, int]:
        """Which training of the family it comes from."""
        return self.hidden, self.seed

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {**asdict(self), "cell": self.cell.to_dict()}


def settings_of(family: str, hidden: int, seed: int, batches: int) -> dict[str, Any]:
    """The training's settings: segments of 20 iterations, two a batch of 32 instances."""
    return {
        "model": {"name": MODEL, "options": {"hidden_size": hidden}},
        "problem": {"family": family, **SIZES[family]},
        "training": {
            "seed": seed, "epochs": 1, "batches": batches, "batch": 32, "horizon": 40, "unroll": 20,
            "learning_rate": 1e-2,
        },
        "validation": {"every": batches, "batch": 32, "steps": 20},
    }  # fmt: skip


def trainings(
    family: str, widths: Sequence[int], seeds: Sequence[int], stages: Sequence[int], folder: Path | None
) -> dict[tuple[int, int], l2o.training.Trained]:
    """A training for each width and seed, in folders of `folder`, where finished ones are taken up again.

    Other stages are another training, in another folder: how long it is, is a setting of it.
    """
    optimizers, file_stem = {}, "-".join(str(batches) for batches in sorted(set(stages)))
    for hidden in widths:
        for seed in seeds:
            out = None if folder is None else folder / f"{family}-width-{hidden}-seed-{seed}-batches-{file_stem}"
            config = settings_of(family, hidden, seed, max(stages))
            optimizers[hidden, seed] = l2o.train(config, out, stages=tuple(stages))
    return optimizers


def measured(
    fields: Sequence[Field],
    trained: dict[tuple[int, int], l2o.training.Trained],
    exact: dict[float, Cell],
    *,
    steps: int,
    also: tuple[int, ...],
    horizon: int,
    eps: float,
    rate_steps: int,
    seed: int,
    tell: Callable[[str], None],
) -> list[Checkpoint]:
    """Each checkpoint on each field of one family; `exact` are the cells of the exact step by shift."""
    checkpoints = []
    for field in fields:
        for (hidden, own_seed), training in trained.items():
            tell(f"{field.family}, s = {field.shift:g}, width {hidden}, seed {own_seed}")
            for batches, model in training.stages.items():
                name = f"width {hidden}, seed {own_seed}, {batches} batches"
                cell = measure(
                    field, name, model, steps=steps, also=also, horizon=horizon, eps=eps,
                    exact_iterations=exact[field.shift].iterations, seed=seed,
                )  # fmt: skip
                checkpoints.append(_checkpoint(field, model, hidden, own_seed, batches, rate_steps, cell, seed))
    return checkpoints


def _checkpoint(
    field: Field, model: Any, hidden: int, seed: int, batches: int, rate_steps: int, cell: Cell, draw: int
) -> Checkpoint:
    run = l2o.rollout(model, field.problem, field.x0, rate_steps, seed=draw)
    meter = assumption_meter(run, field.problem, model)
    if meter.delta_sum is None:
        raise InputError(f"sensitivity: {model.name} has no heads, so its distance from Assumption 1 has no number.")
    share = np.maximum(relative_to_start(gaps(as_numpy(run.objective), field.optimum)).low[:, -1], LEAST)
    return Checkpoint(
        hidden,
        seed,
        batches,
        float((meter.rho[meter.judged] < _theory.vacuous_rho()).mean()),
        float(np.nanmedian(meter.delta_sum["gradient_descent"])),
        float(np.median(np.log10(share))) / rate_steps,
        rate_steps,
        cell,
    )


def across(checkpoints: Sequence[Checkpoint], *, resamples: int, seed: int) -> list[Correlation]:
    """Spearman's correlation over the checkpoints of each family and shift, of deviation with log-rate.

    None for a family with fewer than three.
    """
    table = []
    for family, shift in dict.fromkeys((c.cell.family, c.cell.shift) for c in checkpoints):
        members = [c for c in checkpoints if (c.cell.family, c.cell.shift) == (family, shift)]
        if len(members) < 3:
            continue
        groups = [list(dict.fromkeys(c.training for c in members)).index(c.training) for c in members]
        rate = [c.rate for c in members]
        for name in ("rho_median", "rho_worst", "delta_sum"):
            deviation = [getattr(c if name == "delta_sum" else c.cell, name) for c in members]
            value, low, high, p = rank_correlation(deviation, rate, groups=groups, resamples=resamples, seed=seed)
            label, medians = (
                f"{MODEL}, {len(members)} checkpoints",
                (float(np.median(deviation)), float(np.median(rate))),
            )
            table.append(
                Correlation(
                    label, family, shift, _WORDS[name], len(members), value, low, high, p, *medians, at_rounding=0
                )
            )
    return table


_WORDS = {"rho_median": "median rho", "rho_worst": "largest rho", "delta_sum": "median delta-sum"}
