"""The settings of the speed-up protocol: a TOML file, checked against this schema; unknown keys are errors.

`learned` and the baselines name optimizers (those of a sweep, coordinate descent too) or a `[[model]]` of this file.
`[fixed]` holds the fields that all cells share, as in a sweep; each `[[setting]]` has a `key`, what it varies, and the
fields in which it differs, as in `cell = {rows = 250, dim = 500}`.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from ....errors import InputError
from ....l2o.support.config import Section, one_line, read_config
from ...report.methods import LABELS as REPORTED
from ...sweeps import SweepConfig, load_sweep
from ...sweeps.config import CellSpec, ModelSection
from ...sweeps.families import FAMILIES
from ._weights import exported

_NEEDS_QUADRATIC, _NEEDS_SMOOTH = "f is not quadratic", "r is not 0"
_NEEDS_DICTIONARY = "its instances have no dictionary in common"
_QUADRATIC = ("lasso", "lasso_dictionary", "patches", "quadratic")
_SMOOTH = ("quadratic",)
_ONE_DICTIONARY = ("lasso_dictionary",)
_STRONGER = ("fista-restart", "optista", "silver-proximal", "adapg", "anderson", "coordinate-descent", "ogm", "lbfgs")
LABELS = {**REPORTED, "coordinate-descent": "coordinate descent", "lbfgs": "L-BFGS"}


class SettingSection(Section):
    """One batch of instances on which all methods are run.

    `vary` is what distinguishes it, for the order of a page; `trained` says that the learned methods were trained on
    this distribution. `weights` names the family whose shipped weights are used, where it is not the setting's own.
    """

    key: str = Field(pattern=r"^[A-Za-z0-9_.=-]+$", max_length=60)
    title: str | None = None
    vary: str = "base"
    trained: bool = False
    weights: str | None = None
    cell: dict[str, Any] = Field(default_factory=dict)


class SpeedupConfig(Section):
    """A whole comparison. `claim` is the factor in question, `level` that of every interval, `shown` the gap whose
    figures stand first. `paper` are the baselines of the paper, `stronger` others; a learned method is not compared
    with itself. `longer` says how many times as many steps a method is given, since a baseline that does not arrive
    says little. Times are medians of `repeats` repeats of `timed_steps` steps.
    """

    title: str = "How much sooner does a learned optimizer arrive?"
    claim: float = Field(10.0, gt=0, allow_inf_nan=False)
    level: float = Field(0.95, gt=0.5, lt=1)
    eps: tuple[float, ...] = (1e-2, 1e-4, 1e-6, 1e-8)
    shown: float = 1e-4
    rtol: float = Field(1e-10, gt=0, lt=1)
    learned: tuple[str, ...] = Field(("go-math-l2o", "l2o-pa"), min_length=1)
    paper: tuple[str, ...] = ("ista", "fista", "l2o-pa")
    stronger: tuple[str, ...] = _STRONGER
    longer: dict[str, int] = Field(default_factory=dict)
    repeats: int = Field(11, ge=1)
    timed_steps: int = Field(20, ge=1)
    fixed: dict[str, Any] = Field(default_factory=dict)
    setting: tuple[SettingSection, ...] = Field(min_length=1)
    model: tuple[ModelSection, ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> SpeedupConfig:
        keys = [s.key for s in self.setting]
        if len(set(keys)) != len(keys):
            raise ValueError(f"setting keys must differ, got {', '.join(keys)}")
        if not all(0 < e < 1 for e in self.eps) or self.shown not in self.eps:
            raise ValueError(f"expected eps in (0, 1) and shown among them, got {list(self.eps)} and {self.shown}")
        if set(self.paper) & set(self.stronger):
            raise ValueError("a baseline is in paper or in stronger, not in both")
        for setting in self.setting:
            wrong = {"optimizer", "batches", "prox", "device"} & {*self.fixed, *setting.cell}
            if wrong:
                raise ValueError(f"setting {setting.key}: {', '.join(sorted(wrong))} cannot be set; leave it out")
            self.spec(setting, "ista")
        strangers = [m for m in self.longer if m not in self.methods]
        if strangers:
            raise ValueError(f"longer: {', '.join(strangers)} is none of {', '.join(self.methods)}")
        return self

    @property
    def methods(self) -> tuple[str, ...]:
        """Every method once: the learned ones, then the baselines."""
        return tuple(dict.fromkeys((*self.learned, *self.paper, *self.stronger)))

    @property
    def baselines(self) -> tuple[str, ...]:
        """Those of the paper, then the stronger ones."""
        return (*self.paper, *self.stronger)

    def own(self, method: str) -> ModelSection:
        """The model of this file, or the optimizer, behind a name."""
        return SweepConfig(model=self.model).model_of(method)

    def label(self, method: str) -> str:
        """A method's name for people."""
        section = self.own(method)
        return section.label or (LABELS.get(method, method) if section.key == section.name else method)

    def spec(self, setting: SettingSection, method: str) -> CellSpec:
        """The cell of a method on a setting."""
        try:
            cell = CellSpec.model_validate({**self.fixed, **setting.cell})
        except ValidationError as problem:
            raise ValueError(f"setting {setting.key}: {one_line(problem, CellSpec)}") from None
        name, steps = self._name(setting, method, cell.family), cell.steps * self.longer.get(method, 1)
        return cell.model_copy(update={"optimizer": name, "steps": steps})

    def left_out(self, setting: SettingSection, method: str) -> str | None:
        """Why a method is not run on a setting, None where it is."""
        family, name = self.spec(setting, method).family, self.own(method).name.partition(":")[0]
        if name == "coordinate-descent" and family not in _QUADRATIC:
            return _NEEDS_QUADRATIC
        if name in ("ogm", "lbfgs") and family not in _SMOOTH:
            return _NEEDS_SMOOTH
        if name in ("lista", "alista", "gated-lista") and family not in _ONE_DICTIONARY:
            return _NEEDS_DICTIONARY
        pinned = (self.own(method).weights or "").partition(":")[2]
        if pinned and pinned.partition("-")[0] not in (FAMILIES[family].trained_for, setting.weights):
            return f"its weights were trained on {pinned}"
        return None

    def _name(self, setting: SettingSection, method: str, family: str) -> str:
        """The key under which a sweep runs `method` on `setting`: with other weights it is another model."""
        section = self.own(method)
        borrowed = section.learned and section.weights in (None, "shipped") and setting.weights is not None
        if not borrowed or setting.weights == FAMILIES[family].trained_for:
            return method
        return f"{method}+{setting.weights}"

    def sweep(self, folder: Path) -> SweepConfig:
        """The sweep behind the comparison; weights that a family borrows are put into `folder`."""
        models, grid = {m.key: m for m in self.model}, []
        for setting in self.setting:
            specs = {m: self.spec(setting, m) for m in self.methods if self.left_out(setting, m) is None}
            for method, spec in specs.items():
                if spec.optimizer != method:
                    section = self.own(method)
                    weights = str(exported(section.name, str(setting.weights), folder))
                    models[spec.optimizer] = section.model_copy(update={"key": spec.optimizer, "weights": weights})
            runs = [{"optimizer": spec.optimizer, "steps": spec.steps} for spec in specs.values()]
            cell = {name: [value] for name, value in setting.cell.items() if name != "steps"}
            grid.append({**cell, "run": runs})
        return load_sweep(
            {
                "title": self.title,
                "rtol": self.rtol,
                "eps": self.eps,
                "fixed": {name: value for name, value in self.fixed.items() if name != "steps"},
                "grid": grid,
                "model": [m.model_dump(mode="json") for m in models.values()],
            }
        )


def load_speedup(
    source: str | os.PathLike[str] | dict[str, Any] | None = None, *, quick: bool = False
) -> SpeedupConfig:
    """The configuration in a TOML file or a dict, or a shipped one: the default, or with `quick` a smaller one.

    Folders of weights in a file are relative to that file. What does not fit is one clear `InputError`.
    """
    if source is None:
        source = str(files("l2obound.verification.studies.speedup") / ("quick.toml" if quick else "default.toml"))
    config = read_config(source, SpeedupConfig)
    for method in config.methods:
        try:
            config.own(method)
        except InputError as problem:
            raise InputError(str(problem).replace("model of this sweep", "[[model]] of this file")) from None
    strangers = [m for m in config.learned if not config.own(m).learned]
    if strangers:
        raise InputError(f"learned: {', '.join(strangers)} has nothing learned; name it among the baselines.")
    if isinstance(source, dict):
        return config
    models = tuple(
        m.model_copy(update={"weights": str(Path(source).parent / str(m.weights))}) if m.weights_folder else m
        for m in config.model
    )
    return config.model_copy(update={"model": models})
