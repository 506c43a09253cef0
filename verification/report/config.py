"""What a report is told: a TOML file, checked against this schema; unknown keys are errors."""

from __future__ import annotations

import os
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ... import bounds, user_code
from ...l2o.optimizers.by_name import anchored, is_spec, method_class, method_names
from ...l2o.optimizers.learned import LearnedOptimizer
from ...l2o.problems import Composite, real
from ...l2o.problems.families import FAMILIES, build, check_family, family_of
from ...l2o.support.config import Section, read_config, usable_device
from ...l2o.support.files import file_size
from ...l2o.support.memory import data_size, require_memory, run_size
from ...l2o.training.config import split_seed
from ..worst_cases.ledger import STEPS

UNSHIFTED = "unshifted"
"""The short name of the scenario without a shift."""


class Scenario(Section):
    """A shift of the initial point by s and of the objective, F(x + t), by t; (0, 0) shifts nothing."""

    s: float = Field(0.0, allow_inf_nan=False)
    t: float = Field(0.0, allow_inf_nan=False)

    @property
    def key(self) -> str:
        """Short name: unshifted, s10, t-20, s10t5."""
        parts = [f"{name}{value:g}" for name, value in (("s", self.s), ("t", self.t)) if value]
        return "".join(parts) or UNSHIFTED

    @property
    def label(self) -> str:
        """Name for people."""
        parts = [f"{name} = {value:g}" for name, value in (("s", self.s), ("t", self.t)) if value]
        return ", ".join(parts) or "no shift"


Kind = Literal["lasso", "logistic_l1"]
_TITLES = {
    "breast_cancer": "breast cancer (Wisconsin), l1-logistic",
    "digits": "handwritten digits, l1-logistic",
    "patches": "picture patches, LASSO",
}
_NAMES = {"lasso": "LASSO", "logistic_l1": "l1-logistic"}


class ProblemSection(Section):
    """A family of problems, the optimizers run on it and the scenarios they are run under.

    `optimizers` are names, or what else `l2o.resolve_optimizer` takes as a text: MODULE:NAME or FILE.py:NAME, a folder
    of `l2obound train`, NAME:FAMILY, or "PATH --kind KIND" for a checkpoint. `family` is "data" for a file of the
    user's, a name of `l2o.problems.families`, or MODULE:NAME or FILE.py:NAME for a function (seed, batch, **options),
    which is given those of the fields that it takes. Those of `optimizers` that `guaranteed` names too are also run
    under an accelerated guard (`l2o.guaranteed`).
    """

    key: str = Field(pattern=r"^[A-Za-z0-9_.x-]+$", max_length=60)
    family: str
    path: str | None = None
    kind: Kind | None = None
    title: str | None = None
    rows: int = Field(20, ge=1)
    dim: int = Field(40, ge=1)
    sparsity: int | None = Field(None, ge=0)
    lam: float | None = Field(None, ge=0, allow_inf_nan=False)
    instances: int = Field(32, ge=1)
    steps: int = Field(100, ge=1)
    optimizers: tuple[str, ...] = ("go-math-l2o", "l2o-pa", "ista", "fista", "fista-restart", "optista")
    guaranteed: tuple[str, ...] = ()
    scenarios: tuple[Scenario, ...] = (Scenario(), Scenario(s=10.0), Scenario(t=10.0))

    @field_validator("family")
    @classmethod
    def _family_exists(cls, family: str) -> str:
        return family if family == "data" else check_family(family)

    @field_validator("optimizers")
    @classmethod
    def _optimizers_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not is_spec(name):
                method_class(name)  # its InputError is a ValueError and suggests a name
        return names

    @field_validator("optimizers", "guaranteed", "scenarios")
    @classmethod
    def _once(cls, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [e.key if isinstance(e, Scenario) else e for e in entries]
        if len(set(names)) != len(names):
            raise ValueError(f"each may be given once, got {', '.join(names)}")
        return entries

    @model_validator(mode="after")
    def _guards_what_runs(self) -> ProblemSection:
        missing = [name for name in self.guaranteed if name not in self.optimizers]
        if missing:
            raise ValueError(f"guaranteed names {', '.join(missing)}, which optimizers does not; add it there")
        return self

    @model_validator(mode="after")
    def _fits_family(self) -> ProblemSection:
        family = FAMILIES.get(self.family)
        if family is not None and family.single and self.instances != 1:
            raise ValueError(f"{self.family} is one instance; set instances = 1")
        if self.family == "data" and (self.path is None or self.kind is None):
            raise ValueError('data needs path = "FILE" and kind = "lasso" or "logistic_l1"')
        if self.family != "data" and self.kind is not None:
            raise ValueError(f'path and kind belong to family = "data", not to {self.family}')
        if family is not None and family.needs_path != (self.path is not None):
            needs = 'it needs path = "FILE"' if family.needs_path else 'path and kind belong to family = "data", not to'
            raise ValueError(f"{needs} {self.family}" if self.path else f"{self.family}: {needs}")
        return self

    @property
    def trained_for(self) -> str:
        """The family whose shipped weights fit."""
        return self.kind if self.kind is not None else family_of(self.family).trained_for

    @property
    def variables(self) -> int | None:
        """The number of variables where the section or its family says it; data have their own."""
        return None if self.family == "data" else family_of(self.family).variables(self.dim)

    def build(self, seed: int) -> Composite:
        """The problem, on instances of the test split; data are taken as they are, whatever `instances` says."""
        if self.family == "data":
            assert self.path is not None  # `_fits_family` asks for both
            assert self.kind is not None
            return real.load(self.path, self.kind, lam=self.lam)
        family = family_of(self.family)
        lam = 0.1 if self.lam is None and self.family in FAMILIES else self.lam
        given = {"rows": self.rows, "dim": self.dim, "sparsity": self.sparsity, "lam": lam, "path": self.path}
        options: dict[str, Any] = {name: value for name, value in given.items() if name in family.fields}
        return build(self.family, self.instances, seed if family.single else split_seed("test", 0, seed), **options)

    def check(self) -> None:
        """Refuse data that are not there, and sizes that do not fit into memory: before the first section is run."""
        if self.path is not None:
            file_size(self.path, f"the data of {self.key}")
        fields = () if self.family == "data" else family_of(self.family).fields
        if "dim" in fields:
            rows = self.rows if "rows" in fields else self.dim
            instead = "ask for fewer instances or steps, or smaller sizes"
            what = f"{self.key}: {self.instances} instances of {rows} x {self.dim}"
            require_memory(data_size(self.instances, rows, self.dim), what, instead)
            size = run_size(self.instances, self.dim, self.steps)
            require_memory(size, f"{what}, {self.steps} steps", instead)

    def describe(self, problem: Composite) -> str:
        """The title, made up where none is given."""
        if self.title:
            return self.title
        if self.family in _TITLES:
            return _TITLES[self.family]
        if self.path is not None:
            return f"{Path(self.path).name}, {_NAMES[self.trained_for]}"
        rows = f"{self.rows} x " if self.family in FAMILIES and "rows" in FAMILIES[self.family].fields else ""
        return f"{'synthetic ' * (self.family in FAMILIES)}{_NAMES.get(self.family, self.family)} {rows}{problem.dim}"


class TransientSection(ProblemSection):
    """A problem with long runs of learned methods: from which step on does the relative gap stay at most `eps`?"""

    eps: float = Field(1e-6, gt=0, lt=1)
    instances: int = Field(4, ge=1)
    steps: int = Field(1000, ge=1)
    optimizers: tuple[str, ...] = ("go-math-l2o", "l2o-pa")
    scenarios: tuple[Scenario, ...] = (Scenario(s=10.0),)

    @field_validator("optimizers")
    @classmethod
    def _learned(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name in method_names() and not issubclass(method_class(name), LearnedOptimizer):
                raise ValueError(f"a transient is measured of learned optimizers, and {name} is none; leave it out")
        return names


class ReportConfig(Section):
    """A whole report; runs are made on `device`, in float64, and checked on the CPU."""

    title: str = "Bounds of learned optimizers, held against runs"
    seed: int = Field(0, ge=0, lt=1000)
    rtol: float = Field(1e-10, gt=0, lt=1)
    reference_step: Annotated[float, Field(gt=0, le=1)] | Literal["best"] = "best"
    device: str = "cpu"
    bounds_: tuple[str, ...] | None = Field(None, alias="bounds")
    certificates: bool = True
    proofs: bool = True
    worst_cases: bool = False
    worst_case_steps: tuple[Annotated[int, Field(ge=1, le=50)], ...] = Field(STEPS, min_length=1)
    problem: tuple[ProblemSection, ...] = Field(min_length=1)
    transient: tuple[TransientSection, ...] = ()

    @field_validator("device")
    @classmethod
    def _present(cls, device: str) -> str:
        return usable_device(device)

    @field_validator("bounds_")
    @classmethod
    def _catalogued(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            bounds.get(name)  # its InputError is a ValueError and names the closest entry
        return names

    @model_validator(mode="after")
    def _distinct(self) -> ReportConfig:
        keys = [p.key for p in (*self.problem, *self.transient)]
        if len(set(keys)) != len(keys):
            raise ValueError(f"problem keys must differ, got {', '.join(keys)}")
        return self


def load_report_config(
    source: str | os.PathLike[str] | dict[str, Any] | None = None, *, quick: bool = False
) -> ReportConfig:
    """The configuration in a TOML file or a dict; without one, the shipped default (or the quick one).

    Paths in a file, of data and of optimizers, are relative to that file, in a dict to the working folder.
    """
    if source is None:
        name = "quick.toml" if quick else "default.toml"
        return read_config(tomllib.loads((files(__package__) / name).read_text(encoding="utf-8")), ReportConfig, name)
    config = read_config(source, ReportConfig)
    if isinstance(source, dict):
        return config
    folder = Path(source).parent

    def with_names(section: Any) -> Any:
        names, guarded = (
            tuple(anchored(name, folder) for name in listed) for listed in (section.optimizers, section.guaranteed)
        )
        path = None if section.path is None else str(folder / section.path)
        family = user_code.anchored(section.family, folder)
        return section.model_copy(update={"path": path, "optimizers": names, "guaranteed": guarded, "family": family})

    sections = {name: tuple(map(with_names, getattr(config, name))) for name in ("problem", "transient")}
    return config.model_copy(update=sections)
