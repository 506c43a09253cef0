"""The settings, the runs of the weights of each stage, and the result."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ....errors import InputError
from ....l2o import Composite, load_trained, optimizer, rollout, synthetic
from ....l2o.optimizers import Optimizer
from ....l2o.optimizers.learned import LearnedOptimizer
from ....l2o.support.arrays import real_array
from ....l2o.support.files import read_npz
from ....l2o.training.config import TrainingConfig, split_seed
from ...optima import optimum
from ...optima.gaps import first_below, gaps, relative_to_optimum
from ...verdicts.verify import verify
from ..framework import Context, now, plain, require_at_least

BASELINES: dict[str, tuple[str, ...]] = {"fista": (), "optista": ("horizon",)}
"""Classical methods, and their options that are the number of steps."""
Test = tuple[Composite, torch.Tensor, Any]
"""Instances, (B,n) their x_0, and the intervals of F*."""
EPS = (1e-2, 1e-4)
"""Relative gaps to which iterations are counted."""
BOUND = "ood_last_iterate"
"""The bound that each run is held against."""
_STAGE = re.compile(r"stage-(\d+)-[0-9a-f]+\.npz")


@dataclass(frozen=True)
class Settings:
    """`batch` instances that no training has seen, of the problem of each of `trainings`, and `steps` steps.

    `trainings` are folders of `l2obound train` with --stage, whose training is finished.
    """

    trainings: tuple[str, ...] = ()
    batch: int = 256
    steps: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(self, {"batch": 1, "steps": 1})


def quick(settings: Settings) -> Settings:
    """A smaller version of the same question."""
    return replace(settings, batch=min(settings.batch, 32))


@dataclass(frozen=True)
class Row:
    """Weights, or a classical method, on the instances of a problem.

    Attributes:
        problem: Of the training, in words.
        method: The model, or the classical method.
        training: The folder of the training; empty for a classical method.
        updates: Updates of the weights; None for a classical method.
        best: The weights with the best validation score, and not those of a stage.
        gap: Median of the relative gap after all steps, its upper end.
        iterations: For each of `EPS` the median of the first k that is certainly there; None where it is not within
            all steps for half of the instances.
        violated: Instances on which B6c is violated; there should be none.
    """

    problem: str
    method: str
    training: str = ""
    updates: int | None = None
    best: bool = False
    gap: float | None = None
    iterations: tuple[int | None, ...] = ()
    violated: int = 0


@dataclass(frozen=True)
class Training:
    """A row for each stage of each training, and for the classical methods on each problem."""

    settings: Settings
    rows: tuple[Row, ...]
    created: str

    @property
    def broken(self) -> tuple[Row, ...]:
        """Rows in which a proved bound is violated: a defect."""
        return tuple(row for row in self.rows if row.violated)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {"settings": plain(self.settings), "created": self.created, "rows": [vars(r) for r in self.rows]}


def run(settings: Settings, context: Context) -> Training:
    """Each stage of each training, and the classical methods once for each problem."""
    if not settings.trainings:
        raise InputError("training-curve: expected a folder of `l2obound train --stage`, got none; give --training.")
    opened = [_opened(Path(folder)) for folder in settings.trainings]
    rows: list[Row] = []
    tests: dict[str, Test] = {}
    total, done = sum(len(stages) for _, stages in opened), 0
    for folder, (config, stages) in zip(settings.trainings, opened):
        name = f"{config.problem.family} {config.problem.data_rows} x {config.problem.dim}"
        if name not in tests:
            tests[name] = _test(config, settings)
            for method, options in BASELINES.items():
                model = optimizer(method, **dict.fromkeys(options, settings.steps))
                rows.append(_row(Row(name, method), model, tests[name], settings))
        for stage, model in stages:
            context.progress(done, total, f"{Path(folder).name}: {stage.updates} updates")
            rows.append(_row(replace(stage, problem=name), model, tests[name], settings))
            done += 1
    return Training(settings, tuple(rows), now())


def _test(config: TrainingConfig, settings: Settings) -> Test:
    """Instances as those of a training, from a seed that no training uses, with x_0 and the interval of F*."""
    seed = split_seed("test", 0, settings.seed)
    problem = config.problem.build(settings.batch, seed)
    return problem, synthetic.starts(problem, seed=seed), optimum(problem)


def _opened(folder: Path) -> tuple[TrainingConfig, list[tuple[Row, Optimizer]]]:
    """The settings of a training, and the model with the weights of each stage and with the best ones."""
    model, manifest = load_trained(folder)
    if not isinstance(model, LearnedOptimizer):
        raise InputError(f"{folder}: expected a learned optimizer without a guard around it, got {manifest['model']}.")
    config = TrainingConfig.model_validate(manifest["config"])
    a_batch = config.training.horizon // config.training.unroll
    names = {path: _STAGE.fullmatch(path.name) for path in folder.iterdir()}
    files = {int(match[1]): path for path, match in names.items() if match}
    if not files:
        raise InputError(f"{folder}: expected weights of stages; train with --stage.")
    row = Row("", config.model.name, folder.name)
    stages: list[tuple[Row, Optimizer]] = []
    for batches, path in sorted(files.items()):
        arrays = read_npz(path, "the weights of a stage", "train again")
        weights = {name: torch.from_numpy(real_array(array, f"{path}: {name}")) for name, array in arrays.items()}
        stages.append((replace(row, updates=a_batch * batches), model.with_parameters(weights)))
    return config, [*stages, (replace(row, updates=int(manifest["best_update"]), best=True), model)]


def _row(row: Row, model: Optimizer, test: Test, settings: Settings) -> Row:
    """The row with its numbers."""
    instances, x0, ends = test
    whole = rollout(model, instances, x0, settings.steps, seed=settings.seed)
    relative = relative_to_optimum(gaps(whole.objective.numpy(), ends), ends)
    last = float(np.median(relative.high[:, -1]))
    return replace(
        row,
        gap=last if np.isfinite(last) else None,
        iterations=tuple(_median(first_below(relative, eps).high) for eps in EPS),
        violated=int(verify(whole, instances, BOUND, ends).to_dict()["counts"]["violated"]),
    )


def _median(first: np.ndarray) -> int | None:
    middle = float(np.sort(first)[(len(first) - 1) // 2])
    return int(middle) if np.isfinite(middle) else None
