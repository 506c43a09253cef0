"""The settings of a training: a TOML file, checked against this schema; unknown keys are errors."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, field_validator, model_validator

from ...errors import InputError, suggestion
from ..optimizers import Optimizer, optimizer, option_names
from ..optimizers.guaranteed import Guaranteed
from ..optimizers.learned import LearnedOptimizer
from ..problems import Composite
from ..problems.families import DRAWN, FAMILIES, build, check_family, code_digest_of, family_of
from ..support.config import Section, read_config, usable_device

_SPLITS = ("train", "validation", "test")
_SPLIT_WIDTH = 10**9
_LONG = 10**6  # batches that a split has, and more steps than anybody trains on


def split_seed(split: str, index: int = 0, seed: int = 0) -> int:
    """Seed of batch `index` of a split: the three splits own disjoint ranges, so no instance is ever in two."""
    if split not in _SPLITS:
        raise InputError(f"split: expected one of {', '.join(_SPLITS)}, got {split!r}.")
    if not 0 <= seed < 1000 or not 0 <= index < 10**6:
        raise InputError(f"expected 0 <= seed < 1000 and 0 <= index < 10**6, got {seed} and {index}.")
    return (1 + _SPLITS.index(split)) * _SPLIT_WIDTH + seed * 10**6 + index


class ModelConfig(Section):
    """Which optimizer is trained, and its options."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _learns(self) -> ModelConfig:
        model = self.build()
        if not isinstance(model, (LearnedOptimizer, Guaranteed)) or not model.learns:
            raise ValueError(
                f"{self.name} has nothing to learn; name a learned optimizer, with a head switched on, or give "
                f"ada-lista its rows"
            )
        return self

    def build(self, seed: int = 0) -> Optimizer:
        """The untrained optimizer; `seed` draws its weights unless the options name one.

        The base of a guaranteed one is a name, and `seed` draws its weights, or NAME:FAMILY: the shipped weights.
        """
        names = option_names(self.name)
        base = self.options.get("base")
        if self.name == Guaranteed.name and isinstance(base, str) and ":" not in base:
            drawn = {"seed": seed} if "seed" in option_names(base) else {}
            return optimizer(self.name, **self.options | {"base": optimizer(base, **drawn)})
        return optimizer(self.name, **({"seed": seed} if "seed" in names else {}) | self.options)


class ProblemConfig(Section):
    """The family the optimizer is trained on: a synthetic one, with its size, or MODULE:NAME or FILE.py:NAME for a
    function (seed, batch, **options) of the user's, which is given those of the fields that it takes.

    What a family does not have must be left out: a quadratic has a `dim` only, and the generator's condition number.
    """

    family: str = "lasso"
    rows: int = Field(20, ge=1)
    dim: int = Field(40, ge=1)
    sparsity: int | None = Field(None, ge=0)
    lam: float = Field(0.1, ge=0, allow_inf_nan=False)

    @field_validator("family")
    @classmethod
    def _drawn(cls, family: str) -> str:
        if family in FAMILIES and family not in DRAWN:
            raise ValueError(f"{family} are data; to train on draws of a distribution name one of {', '.join(DRAWN)}")
        return check_family(family)

    @model_validator(mode="after")
    def _fits(self) -> ProblemConfig:
        if self.family in FAMILIES:
            other = {"rows", "sparsity", "lam"} - set(FAMILIES[self.family].fields)
            given = sorted(n for n in other if getattr(self, n) != type(self).model_fields[n].default)
            if given:
                raise ValueError(f"a {self.family} has no {', '.join(given)}; leave it out")
        return self

    @property
    def data_rows(self) -> int:
        """Rows of the data of an instance."""
        return self.rows if "rows" in family_of(self.family).fields else self.dim

    def build(self, batch: int, seed: int, dtype: torch.dtype = torch.float64) -> Composite:
        """`batch` instances."""
        given = {"rows": self.rows, "dim": self.dim, "sparsity": self.sparsity, "lam": self.lam}
        options = {name: value for name, value in given.items() if name in family_of(self.family).fields}
        return build(self.family, batch, seed, dtype=dtype, **options)


class ScheduleConfig(Section):
    """How long and how fast.

    One update is made after each `unroll` iterations; a batch is iterated `horizon` times; `epochs` passes over
    `batches` batches, the learning rate multiplied by `decay` after each. `seeds` asks for a training with each of
    them, of which the best is kept; `seed` is then not used. Of `threads` no more are used than there are cores.
    Without `threads`, small problems have one (a batch of less than 500,000 numbers), others as many as torch has.
    """

    seed: int = Field(0, ge=0, lt=1000)
    seeds: tuple[Annotated[int, Field(ge=0, lt=1000)], ...] = ()
    epochs: int = Field(3, ge=1, le=_LONG)
    batches: int = Field(160, ge=1, le=_LONG)
    batch: int = Field(128, ge=1)
    horizon: int = Field(100, ge=1, le=_LONG)
    unroll: int = Field(20, ge=1, le=_LONG)
    loss: Literal["mean", "weighted_sum"] = "mean"
    learning_rate: float = Field(1e-2, gt=0)
    decay: float = Field(0.1, gt=0, le=1)
    clip: float | None = Field(1.0, gt=0)
    precision: Literal["float32", "float64"] = "float32"
    device: str = "cpu"
    threads: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _segments(self) -> ScheduleConfig:
        if self.horizon % self.unroll:
            raise ValueError(f"horizon ({self.horizon}) must be a multiple of unroll ({self.unroll})")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must differ, got {list(self.seeds)}")
        return self

    @field_validator("threads")
    @classmethod
    def _few(cls, threads: int | None) -> int | None:
        most = max(64, os.cpu_count() or 1)
        if threads is not None and threads > most:
            raise ValueError(f"expected at most {most} threads here, got {threads}")
        return threads

    @field_validator("device")
    @classmethod
    def _present(cls, device: str) -> str:
        return usable_device(device)

    @property
    def updates(self) -> int:
        """Number of weight updates in all."""
        return self.epochs * self.batches * (self.horizon // self.unroll)


class ValidationConfig(Section):
    """When, on what and by what the weights are judged, in float64: those with the lowest score are kept.

    The instances do not depend on the seed of the training, so that several seeds can be compared.
    """

    every: int = Field(20, ge=1)
    batch: int = Field(512, ge=1)
    steps: int = Field(100, ge=1, le=_LONG)
    seed: int = Field(0, ge=0, lt=1000)
    criterion: Literal["objective", "log_gap"] = "objective"


class TrainingConfig(Section):
    """A whole training run."""

    model: ModelConfig
    problem: ProblemConfig = ProblemConfig()
    training: ScheduleConfig = ScheduleConfig()
    validation: ValidationConfig = ValidationConfig()

    @property
    def digest(self) -> str:
        """That of the settings, and of the source of a family that is code of the user's."""
        source = code_digest_of(self.problem.family)
        return super().digest if source is None else sha256(f"{super().digest}{source}".encode()).hexdigest()


def shipped_configs() -> dict[str, Path]:
    """The trainings that made the shipped weights.

    Returns:
        Their TOML files by name, as "go-math-l2o-lasso".
    """
    return {path.stem: path for path in sorted(Path(__file__).with_name("configs").glob("*.toml"))}


def load_config(source: str | os.PathLike[str] | dict[str, Any]) -> TrainingConfig:
    """The configuration in a TOML file or a dict, or the shipped one of a name of `shipped_configs`.

    Raises:
        InputError: For unknown keys, bad values, and what is neither a file nor such a name.
    """
    if isinstance(source, str) and not Path(source).exists():
        shipped = shipped_configs()
        if source in shipped:
            return read_config(shipped[source], TrainingConfig)
        if Path(source).name == source and not source.endswith(".toml"):
            raise InputError(
                f"{source!r}: neither a file nor a shipped training; {suggestion(source, shipped)}"
                f"`l2obound train --list` has the names."
            )
    return read_config(source, TrainingConfig)
