"""A figure of the paper as a configuration: what it shows, how ours departs, and the sweep behind it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Field, field_validator

from .... import l2o
from ....errors import InputError
from ....l2o.optimizers.learned import LearnedOptimizer
from ....l2o.support.config import Section, read_config
from ...sweeps.config import CellSpec, SweepConfig, load_sweep
from ...sweeps.families import FAMILIES

_CLAIM = re.compile(r"(\S+) < (\S+)")


class Experiment(Section):
    """A figure. `shows` is what is plotted in the paper, and what it is there to support, in our words; `departs` how
    ours is different unless asked for otherwise; `panel` the field whose values get a panel each, `line` the fields
    whose values get a line each; `claims` what the paper says, as "A < B": A reaches small gaps in fewer iterations.
    `full` holds the entries of the sweep's [fixed] at the authors' sizes; `data` the family that reads the authors' own
    data from the user's files.
    """

    figure: int = Field(ge=1)
    title: str
    shows: str
    departs: tuple[str, ...] = ()
    panel: str | None = None
    line: tuple[str, ...] = ("optimizer",)
    claims: tuple[str, ...] = ()
    data: str | None = None
    sweep: dict[str, Any]
    full: dict[str, Any] = Field(default_factory=dict)

    @field_validator("panel", "line")
    @classmethod
    def _fields(cls, names: Any) -> Any:
        for name in (names,) if isinstance(names, str) else names or ():
            if name not in CellSpec.model_fields:
                raise ValueError(f"no field of a cell: {name!r}")
        return names

    @field_validator("claims")
    @classmethod
    def _orders(cls, claims: tuple[str, ...]) -> tuple[str, ...]:
        for claim in claims:
            if not _CLAIM.fullmatch(claim):
                raise ValueError(f'a claim is written "A < B", got {claim!r}')
        return claims

    def pairs(self) -> list[tuple[str, str]]:
        """(A, B) of the claims A < B."""
        return [(one, other) for one, _, other in (claim.partition(" < ") for claim in self.claims)]


def figure_numbers() -> tuple[int, ...]:
    """The figures there are configurations for."""
    names = (re.fullmatch(r"figure-(\d+)\.toml", entry.name) for entry in files(__package__).iterdir())
    return tuple(sorted(int(name[1]) for name in names if name))


@cache
def _packaged(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / name).read_text(encoding="utf-8"))


def load_experiment(figure: int) -> Experiment:
    """The experiment behind a figure of the paper."""
    if figure not in figure_numbers():
        raise InputError(
            f"figure {figure}: there are experiments for figures {figure_numbers()[0]} to {figure_numbers()[-1]}."
        )
    name = f"figure-{figure:02d}.toml"
    return read_config(_packaged(name), Experiment, name)


def sweep_of(
    experiment: Experiment,
    *,
    full: bool = False,
    authors_training: bool = False,
    data: str | None = None,
    device: str = "cpu",
    overrides: Mapping[str, Any] | None = None,
) -> SweepConfig:
    """The sweep of an experiment.

    `full`: at the authors' sizes. `authors_training`: every learned model trained as the authors did (hours on a CPU).
    `data`: the path of the authors' data, for the figures that need them. `device`: where models are trained and run.
    `overrides`: entries of [fixed], over all others.
    """
    source = dict(experiment.sweep)
    fixed = {**source.get("fixed", {}), **(experiment.full if full else {})}
    if data is not None:
        if experiment.data is None:
            raise InputError(f"figure {experiment.figure}: takes no data; figures 2, 14 and 15 do.")
        fixed |= {"family": experiment.data, "path": data}
    fixed |= {"device": device}
    given = {**fixed, **(overrides or {})}
    named = given.get("family")
    family = FAMILIES[named].trained_for if isinstance(named, str) and named in FAMILIES else "lasso"
    models = [_model(dict(m), family, authors_training, device) for m in source.get("model", ())]
    if authors_training:
        of_the_file = {m["key"] for m in models}
        names = {name for grid in source["grid"] for name in grid.get("optimizer", ())}
        models += [
            _model({"key": n, "name": n}, family, True, device) for n in sorted(names - of_the_file) if _learned(n)
        ]
    title = f"figure {experiment.figure}: {experiment.title}"
    return load_sweep({**source, "title": title, "fixed": fixed, "model": models}, overrides)


def _learned(name: str) -> bool:
    return name in l2o.optimizer_names() and issubclass(l2o.optimizers.optimizer_class(name), LearnedOptimizer)


def _model(model: dict[str, Any], family: str, authors: bool, device: str) -> dict[str, Any]:
    """A model with its training spelled out: the common table, and the entries of its own over it."""
    if not _learned(model["name"]) or (model.get("weights") != "trained" and not authors):
        return model
    training = _packaged("training.toml")
    table = training["authors"][family] if authors else training["small"]
    overrides = {**model.get("train", {})}
    if device != "cpu":
        overrides["training"] = {**overrides.get("training", {}), "device": device}
    if model["name"] == "ada-lista":  # its weights are of one number of rows
        model["options"] = {"rows": table["problem"]["rows"], **model.get("options", {})}
    parts = {name: {**table[name], **overrides.get(name, {})} for name in ("problem", "training", "validation")}
    return {**model, "weights": "trained", "train": parts}
