"""What a change of data costs one model: a pair of data sets of one's own, as trained on and as deployed on.

The model and two classical methods run on both from the same starts. Instance i of the one is paired with instance i
of the other. A data set that is one instance is repeated, from different starts; where both are, the intervals are
about starts on these data and about nothing else. What is counted is that of `_cost`, `_measure` and `_attribution`.
The control, which an attribution must be read beside, is the training data from other starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .... import l2o
from ....l2o import Composite, InputError, Run
from ....l2o.support.threads import one_thread
from ...optima import Optimum, optimum
from ...optima.gaps import gaps, relative_to_start
from ...runs.inspection import as_numpy
from ..framework import Counter, Progress, chosen, now, plain_fields, require_at_least, silent
from ..framework.starts import starts
from ._attribution import Attribution, attribution
from ._measure import BOUNDS, Cell, Field, Trace, live_steps, measure, trace
from ._run import YARDSTICKS
from ._shifts import Level

MODEL_BOUNDS = (*BOUNDS, "relative_deviation_rate")
"""B5, B6b, B6c and B8."""
TRAIN, DEPLOYED = "train", "deployed"
MODEL = "model"


@dataclass(frozen=True, eq=False)
class ModelSettings:
    """What is run.

    Attributes:
        optimizer: Whatever `l2o.resolve_optimizer` takes.
        train: The problem that the model was trained for.
        deployed: The problem that it is used on, of the same number of variables.
        x0: (B,n) the starts of both; normal draws by `seed` where None, on a set their projections.
        label: The optimizer's name for people; from the optimizer where empty.
        train_data: The name of the training data for people.
        deployed_data: The name of the others.
        starts: How often a data set that is one instance is repeated.
        steps: K, of the runs that are judged and attributed.
        horizon: Steps in which iterations are counted.
        eps: Shares of the initial gap to which they are counted; the first one is spoken of.
        seed: Of the starts.
    """

    optimizer: Any
    train: Composite
    deployed: Composite
    x0: Any = None
    label: str = ""
    train_data: str = ""
    deployed_data: str = ""
    starts: int = 24
    steps: int = 40
    horizon: int = 400
    eps: tuple[float, ...] = (1e-3, 1e-2)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, problem in ((TRAIN, self.train), (DEPLOYED, self.deployed)):
            if not isinstance(problem, Composite):
                raise InputError(f"{name}: expected a problem (Composite), got {type(problem).__name__}.")
        if self.train.dim != self.deployed.dim:
            raise InputError(
                f"drift: expected two data sets of as many variables, got {self.train.dim} and {self.deployed.dim}; "
                f"`l2obound drift --shift dimension` is about other sizes."
            )
        sizes = (self.train.batch_size, self.deployed.batch_size)
        if sizes[0] != sizes[1] and 1 not in sizes:
            raise InputError(
                f"drift: expected as many instances in both data sets, or one instance, got {sizes[0]} and {sizes[1]}; "
                f"take some of them, as in problem.select(range({min(sizes)}))."
            )
        if not self.eps or not all(0 < e < 1 for e in self.eps):
            raise InputError(f"eps: expected shares of the initial gap, in (0, 1), got {list(self.eps)}.")
        require_at_least(self, {"starts": 1, "steps": 1, "horizon": self.steps})

    @property
    def instances(self) -> int:
        """B: the instances of the larger data set, or `starts` where both are one instance."""
        most = max(self.train.batch_size, self.deployed.batch_size)
        return self.starts if most == 1 else most

    @property
    def repeated(self) -> bool:
        """Whether both data sets are one instance, so that nothing but the start varies."""
        return self.train.batch_size == self.deployed.batch_size == 1

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON): names in the place of objects."""
        names = ("label", "train_data", "deployed_data", "steps", "horizon", "seed", "instances", "repeated")
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "eps": list(self.eps), "variables": self.train.dim}


@dataclass(frozen=True)
class Curve:
    """Medians over the instances at k = 0..K: share of the initial gap, from above, and rho_k (K of them).

    None where a median is not finite.
    """

    method: str
    data: str
    gap: tuple[float | None, ...]
    rho: tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class ModelDrift:
    """`cells` of the model and of the yardsticks on both data sets, with `curves` of their runs.

    `control`: the attribution of runs on the training data from other starts.
    """

    settings: ModelSettings
    label: str
    train_data: str
    deployed_data: str
    cells: tuple[Cell, ...]
    curves: tuple[Curve, ...]
    control: Attribution
    created: str

    @property
    def train(self) -> Cell:
        """The model on the training data."""
        return self.of(MODEL, TRAIN)

    @property
    def deployed(self) -> Cell:
        """The model on the deployed data."""
        return self.of(MODEL, DEPLOYED)

    def of(self, method: str, data: str) -> Cell:
        """A cell.

        Args:
            method: "model", or the name of a yardstick.
            data: "train" or "deployed".

        Returns:
            The cell.
        """
        (cell,) = chosen(self.cells, model=method, level=data)
        return cell

    @property
    def broken(self) -> tuple[str, ...]:
        """A violated bound, or an attribution that does not add up: a wrong declaration of a problem, or a defect."""
        return tuple(f"{c.level} data: {what}" for c in self.cells for what in c.broken)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        names = ("label", "train_data", "deployed_data", "cells", "curves", "control", "broken")
        return {**plain_fields(self, *names), "yardsticks": list(YARDSTICKS)}


def drift_of(
    optimizer: Any, train: Composite, deployed: Composite, *, progress: Progress = silent, **options: Any
) -> ModelDrift:
    """What it costs an optimizer that data are not those it was trained for.

    Args:
        optimizer: Whatever `l2o.resolve_optimizer` takes: a name, code, a folder, a module, a function, an object.
        train: The problem of the training data.
        deployed: The problem of the deployed data, of as many variables and instances, or with one instance.
        progress: Called before each run with what is done, of how much, and what comes next.
        options: Further fields of `ModelSettings`, as `steps`, `horizon`, `x0`.

    Returns:
        Iterations, bounds and attributions on both, with `to_dict`; `MODEL_STUDY.write` makes the page of it.

    Raises:
        InputError: For wrong settings, and an optimizer that does not run on one of the problems.
    """
    return run_model(ModelSettings(optimizer, train, deployed, **options), progress)


def run_model(settings: ModelSettings, progress: Progress = silent) -> ModelDrift:
    """The answer to settings; see `drift_of`.

    Args:
        settings: What is run.
        progress: As there.

    Returns:
        Iterations, bounds and attributions.
    """
    with one_thread():
        return _run(settings, progress)


def _run(settings: ModelSettings, progress: Progress) -> ModelDrift:
    source = l2o.resolve_optimizer(settings.optimizer)
    model = source.fresh()
    methods = {**{name: l2o.optimizer(name) for name in YARDSTICKS}, MODEL: model}
    tell = Counter(progress, 2 * len(methods) + 2)
    tell("optima")
    fields = {name: _field(settings, name, getattr(settings, name)) for name in (TRAIN, DEPLOYED)}
    traces: dict[tuple[str, str], Trace] = {}
    for data, at in fields.items():
        for name, method in methods.items():
            tell(f"{source.label if name == MODEL else name} on the {data} data")
            traces[name, data] = trace(
                method, at, steps=settings.steps, horizon=settings.horizon, eps=settings.eps, seed=settings.seed
            )
    tell("bounds and attributions")
    cells: list[Cell] = []
    for data, at in fields.items():
        yardsticks = {name: (traces[name, data], traces[name, TRAIN]) for name in YARDSTICKS}
        for name, method in methods.items():
            reference = traces[name, TRAIN].run if name == MODEL else None
            pair = (traces[name, data], traces[name, TRAIN])
            cells.append(measure(name, method, at, *pair, yardsticks, True, reference, names=MODEL_BOUNDS))
    order = [(name, data) for name in (MODEL, YARDSTICKS[0]) for data in fields]
    return ModelDrift(
        settings,
        settings.label or source.label,
        settings.train_data or f"the training data ({settings.train.name})",
        settings.deployed_data or f"the deployed data ({settings.deployed.name})",
        tuple(cells),
        tuple(_curve(name, data, traces[name, data].run, fields[data].optimum) for name, data in order),
        _control(settings, model, fields[TRAIN], traces[MODEL, TRAIN].run),
        now(),
    )


def _field(settings: ModelSettings, name: str, problem: Composite) -> Field:
    interval = optimum(problem)
    if problem.batch_size < settings.instances:
        copies = np.zeros(settings.instances, dtype=int)
        problem, interval = problem.select(copies), interval.select(copies)
    return Field("data", Level(name, none=name == TRAIN), problem, _starts(settings, problem, settings.seed), interval)


def _starts(settings: ModelSettings, problem: Composite, seed: int) -> torch.Tensor:
    if settings.x0 is not None:
        return problem.point(settings.x0, "x0")
    return starts(problem, seed)


def _control(settings: ModelSettings, model: Any, at: Field, reference: Run) -> Attribution:
    """Runs on the training data from starts of another seed, or with starts that are given in another order."""
    x0 = at.x0.roll(1, dims=0) if settings.x0 is not None else _starts(settings, at.problem, settings.seed + 1)
    run = l2o.rollout(model, at.problem, x0, settings.steps, seed=settings.seed)
    return attribution(run, reference, model, "paired", live_steps(run, at.optimum))


def _curve(method: str, data: str, run: Run, interval: Optimum) -> Curve:
    high = relative_to_start(gaps(as_numpy(run.objective), interval)).high
    return Curve(method, data, _medians(high), _medians(as_numpy(run.relative_deviation)))


def _medians(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(float(v) if np.isfinite(v) else None for v in np.median(values, axis=0))
