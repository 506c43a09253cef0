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
from ....l2o.training.config import ProblemConfig, TrainingConfig, split_seed
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
_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")


@dataclass(frozen=True)
class Settings:
    """`batch` instances that no training has seen, of the problem of each of `trainings`, and `steps` steps.

    `trainings` are folders of `l2obound train` with --stage, whose training is finished. Their best weights are also
    run on the problem of the first one in each of `sizes`, "ROWSxVARIABLES" as "100x200", with as large a share of
    non-zeros, if they were trained on its family.
    """

    trainings: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    batch: int = 256
    steps: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(self, {"batch": 1, "steps": 1})
        for text in self.sizes:
            if not _SIZE.fullmatch(text):
                raise InputError(f"size: expected ROWSxVARIABLES, as 100x200, got {text!r}.")


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
        mean_gap: Mean of the same.
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
    mean_gap: float | None = None
    iterations: tuple[int | None, ...] = ()
    violated: int = 0


@dataclass(frozen=True)
class Training:
    """A row for each stage of each training, and for the classical methods on each problem.

    `carried` has the best weights, and the classical methods, on the problem in other sizes.
    """

    settings: Settings
    rows: tuple[Row, ...]
    created: str
    carried: tuple[Row, ...] = ()

    @property
    def broken(self) -> tuple[Row, ...]:
        """Rows in which a proved bound is violated: a defect."""
        return tuple(row for row in (*self.rows, *self.carried) if row.violated)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        rows, carried = ([vars(row) for row in part] for part in (self.rows, self.carried))
        return {"settings": plain(self.settings), "created": self.created, "rows": rows, "carried": carried}


class _Runs:
    """Runs of methods on problems; the instances of a problem are made once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tests: dict[str, Test] = {}

    def __call__(self, row: Row, model: Optimizer, problem: ProblemConfig) -> Row:
        """The row with the name of the problem and with its numbers."""
        name = _name(problem)
        if name not in self.tests:
            seed = split_seed("test", 0, self.settings.seed)
            instances = problem.build(self.settings.batch, seed)
            self.tests[name] = instances, synthetic.starts(instances, seed=seed), optimum(instances)
        return _row(replace(row, problem=name), model, self.tests[name], self.settings)

    def classical(self, problem: ProblemConfig) -> list[Row]:
        """A row for each classical method."""
        options = {name: dict.fromkeys(words, self.settings.steps) for name, words in BASELINES.items()}
        return [self(Row("", name), optimizer(name, **given), problem) for name, given in options.items()]


def run(settings: Settings, context: Context) -> Training:
    """Each stage of each training, and the classical methods once for each problem."""
    if not settings.trainings:
        raise InputError("training-curve: expected a folder of `l2obound train --stage`, got none; give --training.")
    opened = {folder: _opened(Path(folder)) for folder in settings.trainings}
    runs = _Runs(settings)
    rows: list[Row] = []
    carried: list[Row] = []
    first = next(iter(opened.values()))[0].problem
    sizes = {
        folder: [_in_size(first, text) for text in settings.sizes] if config.problem.family == first.family else []
        for folder, (config, _) in opened.items()
    }
    total, done = sum(len(stages) + len(sizes[folder]) for folder, (_, stages) in opened.items()), 0
    for folder, (config, stages) in opened.items():
        best, model = stages[-1]
        for problem, made in ((config.problem, rows), *((problem, carried) for problem in sizes[folder])):
            if _name(problem) not in {row.problem for row in made}:
                made += runs.classical(problem)
            for stage, weights in stages if made is rows else [(best, model)]:
                context.progress(done, total, f"{Path(folder).name}: {stage.updates} updates, {_name(problem)}")
                made.append(runs(stage, weights, problem))
                done += 1
    return Training(settings, tuple(rows), now(), tuple(carried))


def _name(problem: ProblemConfig) -> str:
    """Family, size and non-zeros: problems of one name in a study are the same."""
    sparsity = "" if problem.sparsity is None else f", {problem.sparsity} non-zeros"
    return f"{problem.family} {problem.data_rows} x {problem.dim}{sparsity}"


def _in_size(problem: ProblemConfig, text: str) -> ProblemConfig:
    """The problem in another size, with the same share of non-zeros."""
    rows, dim = (int(part) for part in text.split("x"))
    share = None if problem.sparsity is None else max(1, round(problem.sparsity * dim / problem.dim))
    return problem.model_copy(update={"rows": rows, "dim": dim, "sparsity": share})


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
    last = relative.high[:, -1]
    median, mean = (float(value) if np.isfinite(value) else None for value in (np.median(last), last.mean()))
    return replace(
        row,
        gap=median,
        mean_gap=mean,
        iterations=tuple(_median(first_below(relative, eps).high) for eps in EPS),
        violated=int(verify(whole, instances, BOUND, ends).to_dict()["counts"]["violated"]),
    )


def _median(first: np.ndarray) -> int | None:
    middle = float(np.sort(first)[(len(first) - 1) // 2])
    return int(middle) if np.isfinite(middle) else None
