"""The optimizers that cells are run with: made, loaded, or trained before the cells are run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import l2o
from ...errors import InputError
from ...l2o.optimizers import Optimizer, make, option_names
from ...l2o.optimizers.by_name import make_method
from .cells import Cell, weights_of
from .config import ModelSection

TRAINED = "weights"  # the folder of a sweep that its own trainings are kept in


@dataclass(frozen=True)
class Training:
    """A training that cells wait for: the model, and the folder it is kept in."""

    model: ModelSection
    folder: Path

    @property
    def done(self) -> bool:
        """Whether its weights are there."""
        return (self.folder / "weights.npz").exists() and (self.folder / "manifest.json").exists()


def trainings(cells: Sequence[Cell], folder: Path) -> list[Training]:
    """The trainings that `cells` need, each once, in order."""
    trainings: dict[str, Training] = {}
    for cell in cells:
        if weights_of(cell.model, cell.spec) == "trained":
            digest = cell.model.training_key
            trainings.setdefault(digest, Training(cell.model, folder / TRAINED / digest))
    return list(trainings.values())


def train(training: Training) -> Training:
    """Train, or go on where an interrupted training stopped; the weights are those of an uninterrupted one."""
    if not training.done:
        config = training.model.training()
        if config.training.threads is None:  # sums depend on the threads, and the table must not
            schedule = config.training.model_copy(update={"threads": 1})
            config = config.model_copy(update={"training": schedule})
        l2o.train(config, training.folder, command=f"l2obound sweep: model {training.model.key}")
    return training


@dataclass(frozen=True)
class Named:
    """The optimizer of a `named` model, as it is sent to a worker: what names it, and the digest it must have there."""

    spec: str
    options: dict[str, Any]
    digest: str

    def made(self) -> Optimizer:
        """The optimizer, loaded or made in this process."""
        source = l2o.resolve_optimizer(self.spec, options=self.options)
        if source.digest() != self.digest:
            raise InputError(
                f"{self.spec}: it has changed since the sweep began, or is another one on this worker; start it again."
            )
        return source.fresh()


def sent_of(cell: Cell, folder: Path) -> Optimizer | Named:
    """The optimizer of a cell as it is sent to workers: code of the user is loaded there, and never pickled."""
    if not cell.model.named:
        return optimizer_of(cell, folder)
    model = cell.model
    return Named(model.name, model.options, l2o.resolve_optimizer(model.name, options=model.options).digest())


def optimizer_of(cell: Cell, folder: Path) -> Optimizer:
    """The optimizer of a cell; that of a trained model must have been trained."""
    if cell.model.named:
        return l2o.resolve_optimizer(cell.model.name, options=cell.model.options).fresh()
    model, weights = cell.model, weights_of(cell.model, cell.spec)
    if weights in (None, "random"):
        return make_method(model.name, model.options)
    if weights == "shipped":
        shipped = l2o.pretrained(model.network, model.shipped_key(cell.spec))
        if model.network != model.name:
            return make(model.name, {**model.options, "base": shipped})
        return _with_options(shipped, model)
    if weights == "trained":
        return l2o.load_trained(folder / TRAINED / model.training_key)[0]
    return _with_options(l2o.load_trained(weights)[0], model)


def _with_options(loaded: Any, model: ModelSection) -> Optimizer:
    """Weights that were loaded, under the options that the sweep gives (a step size, say)."""
    if loaded.name != model.name:
        raise InputError(f"model {model.key}: its weights are those of {loaded.name}, not of {model.name}.")
    if not model.options:
        return loaded
    options = {name: getattr(loaded, name) for name in option_names(model.name) if name != "step"}
    return make(model.name, {**options, **model.options}, parameters=loaded.parameters)
