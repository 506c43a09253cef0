"""The settings of a sweep: a TOML file, checked against this schema; unknown keys are errors.

A cell is one optimizer on one batch of instances under one shift. `[fixed]` holds what all cells share, each `[[grid]]`
the axes of a Cartesian product, in the order of the file; a sweep is the union of its grids. An axis is named after a
field of `CellSpec` and lists its values; an axis of any other name lists tables of fields that change together, as
`size = [{rows = 20, dim = 40}, {rows = 250, dim = 500}]`. `[[model]]` names an optimizer with options or weights.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, field_validator, model_validator

from ... import bounds, user_code
from ...errors import InputError, suggestion
from ...l2o.optimizers.by_name import anchored, is_spec, make_method, method_class, method_names
from ...l2o.optimizers.learned import LearnedOptimizer
from ...l2o.pretrained import shipped_family
from ...l2o.problems.families import FAMILIES, check_family, family_of
from ...l2o.support.config import Section, read_config
from ...l2o.training import TrainingConfig


class CellSpec(Section):
    """One cell: what is run, on what, for how long.

    `batches` batches of `batch` instances each are streamed one after another; `s` shifts the initial point, `t` the
    objective. `prox = "official"` puts the authors' prox of the shifted l1 norm in place of the exact one, and
    `smoothness = "official"` their constant of the logistic loss; both are defects, measured. A float32 run is judged
    in float64. Runs are made on `device`, F* is certified on the CPU. `family` is a name, or MODULE:NAME or
    FILE.py:NAME for a function (seed, batch, **options) of the user's, which is given those fields that it takes.
    """

    family: str = "lasso"
    rows: int = Field(20, ge=1)
    dim: int = Field(40, ge=1)
    sparsity: int | None = Field(None, ge=0)
    lam: float | None = Field(None, ge=0, allow_inf_nan=False)
    condition: float | None = Field(None, ge=1, allow_inf_nan=False)
    path: str | None = None
    batch: int = Field(32, ge=1)
    batches: int = Field(1, ge=1, le=10**6)
    s: float = Field(0.0, allow_inf_nan=False)
    t: float = Field(0.0, allow_inf_nan=False)
    seed: int = Field(0, ge=0, lt=1000)
    optimizer: str = "ista"
    steps: int = Field(100, ge=1)
    precision: Literal["float64", "float32"] = "float64"
    device: str = "cpu"
    prox: Literal["exact", "official"] = "exact"
    smoothness: Literal["exact", "official"] = "exact"

    @field_validator("s", "t", "lam")
    @classmethod
    def _one_zero(cls, value: float | None) -> float | None:
        return value + 0.0 if value is not None else None  # -0.0 is 0.0: one cell, not two

    @field_validator("device")
    @classmethod
    def _device(cls, device: str) -> str:
        try:
            torch.device(device)
        except RuntimeError:
            raise ValueError(f"expected cpu, cuda or cuda:N, got {device!r}") from None
        return device

    @field_validator("family")
    @classmethod
    def _existing(cls, family: str) -> str:
        return check_family(family)

    @model_validator(mode="after")
    def _fits(self) -> CellSpec:
        family = FAMILIES.get(self.family)
        if family is None:  # code of the user, which is not run here
            return self
        if family.single and (self.batch, self.batches) != (1, 1):
            raise ValueError(f"{self.family} is one instance; set batch = 1 and batches = 1")
        if family.needs_path and self.path is None:
            raise ValueError(f'{self.family} needs path = "FILE"')
        return self

    @property
    def variables(self) -> int | None:
        """The number of variables where the family says it; runs code of the user's."""
        return family_of(self.family).variables(self.dim)


GUARDS = ("safeguarded", "guaranteed")
"""Optimizers that are put on another one, whose weights they run."""


class ModelSection(Section):
    """An optimizer under a name of its own: with options, and for a learned one with weights.

    `name` is a name, or what else `l2o.resolve_optimizer` takes as a text: MODULE:NAME or FILE.py:NAME, called with the
    options, a folder of `l2obound train`, NAME:FAMILY, or "PATH --kind KIND" for a checkpoint. These have weights of
    their own.

    `weights`: "shipped" (those for the family and size of the cell; the default where there are some), "shipped:lasso"
    (those that `l2obound list weights` has under this name, for every cell), "random", a folder of
    `l2obound train`, or "trained": trained by the sweep before its cells are run, as `train` says.
    """

    key: str = Field(pattern=r"^[A-Za-z0-9_.+-]+$", max_length=60)
    name: str
    label: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    weights: str | None = None
    train: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _possible(self) -> ModelSection:
        if self.named:
            if self.weights or self.train:
                raise ValueError(f"{self.name} has weights of its own; leave out weights and train")
            return self
        make_method(self.name, self.options)
        if self.name in GUARDS and not (self.weights in (None, "random") or self.shipped):
            raise ValueError('a safeguard is put on "shipped" or "random" weights')
        if not self.learned and (self.weights or self.train):
            raise ValueError(f"{self.name} has no weights; leave out weights and train")
        if (self.train is not None) != (self.weights == "trained"):
            raise ValueError('weights = "trained" and a table train belong together')
        if self.train is not None:
            self.training()
        return self

    @property
    def named(self) -> bool:
        """Whether it is no method by its bare name but code, a folder or a file."""
        return self.name not in method_names() and is_spec(self.name)

    @property
    def shipped(self) -> bool:
        """Whether shipped weights are asked for."""
        return (self.weights or "").partition(":")[0] == "shipped"

    @property
    def weights_folder(self) -> bool:
        """Whether the weights are a folder of `l2obound train`."""
        return not (self.shipped or self.weights in (None, "random", "trained"))

    def shipped_key(self, spec: CellSpec) -> str:
        """Under which name the shipped weights for a cell stand; runs code of the user's that makes its family."""
        named = (self.weights or "").partition(":")[2]
        family = family_of(spec.family).trained_for
        return named or shipped_family(self.network, family, spec.variables, rows=spec.rows, lam=spec.lam)

    @property
    def learned(self) -> bool:
        """Whether it has weights that the sweep chooses."""
        return not self.named and issubclass(method_class(self.network), LearnedOptimizer)

    @property
    def network(self) -> str:
        """The optimizer whose weights are taken: itself, or what a safeguard is put on."""
        return str(self.options.get("base", "go-math-l2o")) if self.name in GUARDS else self.name

    def training(self) -> TrainingConfig:
        """How the weights are trained."""
        assert self.train is not None
        return read_config(
            {"model": {"name": self.name, "options": self.options}, **self.train}, TrainingConfig, "train"
        )

    @property
    def training_key(self) -> str:
        """The name of the folder that its training is kept in: equal settings, equal name."""
        return self.training().digest[:24]


class SweepConfig(Section):
    """A whole sweep. `eps` are the relative gaps whose first iteration is recorded; `points` about how many
    iterations of a curve are kept, evenly spaced in log k (0: all of them); `bounds` are held against every run.
    """

    title: str = "sweep"
    rtol: float = Field(1e-10, gt=0, lt=1)
    eps: tuple[float, ...] = (1e-2, 1e-4, 1e-6, 1e-8)
    points: int = Field(60, ge=0)
    bounds_: tuple[str, ...] = Field((), alias="bounds")
    fixed: dict[str, Any] = Field(default_factory=dict)
    grid: tuple[dict[str, list[Any]], ...] = ({},)
    model: tuple[ModelSection, ...] = ()

    @field_validator("bounds_")
    @classmethod
    def _catalogued(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(bounds.get(name).key for name in names)

    @field_validator("eps")
    @classmethod
    def _positive(cls, eps: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < e < 1 for e in eps) or len(set(eps)) != len(eps):
            raise ValueError(f"expected different numbers in (0, 1), got {list(eps)}")
        return eps

    @field_validator("grid")
    @classmethod
    def _not_empty(cls, grid: tuple[dict[str, list[Any]], ...]) -> tuple[dict[str, list[Any]], ...]:
        for i, axes in enumerate(grid):
            for name, values in axes.items():
                if not values:
                    raise ValueError(f"grid {i + 1}: axis {name} is empty")
        return grid or ({},)

    @model_validator(mode="after")
    def _distinct(self) -> SweepConfig:
        keys = [m.key for m in self.model]
        if len(set(keys)) != len(keys):
            raise ValueError(f"model keys must differ, got {', '.join(keys)}")
        return self

    def model_of(self, key: str) -> ModelSection:
        """The model of that key; a name of `method_names()`, or what else names an optimizer, stands for itself."""
        for model in self.model:
            if model.key == key:
                return model
        if key not in method_names():
            if is_spec(key):
                return ModelSection.model_construct(key=key, name=key, options={}, label=None, weights=None, train=None)
            names = [*(m.key for m in self.model), *method_names()]
            raise InputError(
                f"optimizer {key!r}: neither a model of this sweep nor an optimizer; {suggestion(key, names)}"
                f"`l2obound list optimizers` has all names; or give MODULE:NAME, FILE.py:NAME, a folder of "
                f"`l2obound train` (a path with a /)."
            )
        return ModelSection(key=key, name=key)


def load_sweep(
    source: str | os.PathLike[str] | dict[str, Any], overrides: Mapping[str, Any] | None = None
) -> SweepConfig:
    """The configuration in a TOML file or a dict; `overrides` replace entries of `[fixed]`.

    A path in a file is relative to that file, one of `overrides` is not. What does not fit is one clear `InputError`.
    """
    config = read_config(source, SweepConfig)
    config = config if isinstance(source, dict) else _anchored(config, Path(source).parent)
    if overrides:
        _effective(config, overrides)
        config = config.model_copy(update={"fixed": {**config.fixed, **overrides}})
    return config


def _effective(config: SweepConfig, overrides: Mapping[str, Any]) -> None:
    """An error for an override of what every grid has as an axis: it would change nothing."""
    for name in overrides:
        if all(name in grid or any(_sets(axis, name) for axis in grid.values()) for grid in config.grid):
            raise InputError(f"{name} is an axis of the grid, over which [fixed] has no say; change the axis instead.")


def _sets(axis: list[Any], name: str) -> bool:
    return all(isinstance(value, dict) and name in value for value in axis)


def _anchored(config: SweepConfig, folder: Path) -> SweepConfig:
    keys = {m.key for m in config.model}
    moved: dict[str, Callable[[str], str]] = {
        "path": lambda text: str(folder / text),
        "family": lambda text: user_code.anchored(text, folder),
        "optimizer": lambda text: text if text in keys else anchored(text, folder),
    }

    def anchor(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: moved[name](v) if name in moved and isinstance(v, str) else v for name, v in fields.items()}

    def axis(name: str, values: list[Any]) -> list[Any]:
        if name in moved:
            return [moved[name](v) if isinstance(v, str) else v for v in values]
        return [anchor(v) if isinstance(v, dict) else v for v in values]

    grids = tuple({name: axis(name, values) for name, values in axes.items()} for axes in config.grid)
    models = tuple(
        m.model_copy(update={"weights": str(folder / str(m.weights))})
        if m.weights_folder
        else m.model_copy(update={"name": anchored(m.name, folder)})
        for m in config.model
    )
    return config.model_copy(update={"fixed": anchor(config.fixed), "grid": grids, "model": models})


__all__ = ["CellSpec", "ModelSection", "SweepConfig", "load_sweep"]
