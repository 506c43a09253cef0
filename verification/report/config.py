"""What a report is told: a TOML file, checked against this schema; unknown keys are errors."""

from __future__ import annotations

import os
import tomllib
from importlib.resources import files
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

import bounds
import l2o
from l2o._config import Section, read_config
from l2o.problems import Composite, real, synthetic
from l2o.training.config import split_seed


class Scenario(Section):
    """A shift of the initial point by s and of the objective, F(x + t), by t; (0, 0) is in distribution."""

    s: float = Field(0.0, allow_inf_nan=False)
    t: float = Field(0.0, allow_inf_nan=False)

    @property
    def key(self) -> str:
        """Short name: ind, s10, t-20, s10t5."""
        parts = [f"{name}{value:g}" for name, value in (("s", self.s), ("t", self.t)) if value]
        return "".join(parts) or "ind"

    @property
    def label(self) -> str:
        """Name for people."""
        parts = [f"{name} = {value:g}" for name, value in (("s", self.s), ("t", self.t)) if value]
        return ", ".join(parts) or "InD"


class ProblemSection(Section):
    """A family of problems, the optimizers run on it and the scenarios they are run under."""

    key: str = Field(pattern=r"^[A-Za-z0-9_.x-]+$", max_length=60)
    family: Literal["lasso", "logistic_l1", "breast_cancer"]
    title: str | None = None
    rows: int = Field(20, ge=1)
    dim: int = Field(40, ge=1)
    sparsity: int | None = Field(None, ge=0)
    lam: float = Field(0.1, ge=0, allow_inf_nan=False)
    instances: int = Field(32, ge=1)
    steps: int = Field(100, ge=1)
    optimizers: tuple[str, ...] = ("go-math-l2o", "l2o-pa", "ista", "fista")
    scenarios: tuple[Scenario, ...] = (Scenario(), Scenario(s=10.0), Scenario(t=10.0))

    @field_validator("optimizers")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in l2o.optimizer_names():
                raise ValueError(f"unknown optimizer {name!r}; expected one of {', '.join(l2o.optimizer_names())}")
        return names

    @model_validator(mode="after")
    def _one_instance(self) -> ProblemSection:
        if self.family == "breast_cancer" and self.instances != 1:
            raise ValueError("breast_cancer is one instance; set instances = 1")
        return self

    @property
    def trained_for(self) -> str:
        """The family whose shipped weights fit."""
        return "lasso" if self.family == "lasso" else "logistic_l1"

    def build(self, seed: int) -> Composite:
        """The problem, on instances of the test split."""
        if self.family == "breast_cancer":
            return real.breast_cancer(self.lam, seed=seed)
        make = getattr(synthetic, self.family)
        return make(
            self.instances,
            self.rows,
            self.dim,
            sparsity=self.sparsity,
            lam=self.lam,
            seed=split_seed("test", 0, seed),
        )

    def describe(self, problem: Composite) -> str:
        """The title, made up where none is given."""
        if self.title:
            return self.title
        if self.family == "breast_cancer":
            return "breast cancer (Wisconsin), l1-logistic"
        name = "LASSO" if self.family == "lasso" else "l1-logistic"
        return f"synthetic {name} {self.rows} x {problem.dim}"


class ReportConfig(Section):
    """A whole report."""

    title: str = "Bounds of learned optimizers, held against runs"
    seed: int = Field(0, ge=0, lt=1000)
    rtol: float = Field(1e-10, gt=0, lt=1)
    reference_step: float | Literal["best"] = "best"
    bounds_: tuple[str, ...] | None = Field(None, alias="bounds")
    problem: tuple[ProblemSection, ...] = Field(min_length=1)

    @field_validator("bounds_")
    @classmethod
    def _catalogued(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            bounds.get(name)  # its InputError is a ValueError and names the closest entry
        return names

    @model_validator(mode="after")
    def _distinct(self) -> ReportConfig:
        keys = [p.key for p in self.problem]
        if len(set(keys)) != len(keys):
            raise ValueError(f"problem keys must differ, got {', '.join(keys)}")
        return self


def load_report_config(
    source: str | os.PathLike[str] | dict[str, Any] | None = None, *, quick: bool = False
) -> ReportConfig:
    """The configuration in a TOML file or a dict; without one, the shipped default (or the quick one)."""
    if source is not None:
        return read_config(source, ReportConfig)
    name = "quick.toml" if quick else "default.toml"
    return read_config(tomllib.loads((files(__package__) / name).read_text(encoding="utf-8")), ReportConfig, name)
