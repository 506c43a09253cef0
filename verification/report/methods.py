"""The optimizers of a section, the runs they make, and the cases they are run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ... import l2o
from ...l2o.optimizers.by_name import method_names
from ...l2o.optimizers.learned import HeadNetwork
from ...l2o.problems import Composite
from ...l2o.runs.array_run import ArrayRun
from ..optima import Optimum
from ._training_data import kind_of, trained_here
from .config import ProblemSection, Scenario

LABELS = {
    "go-math-l2o": "GO-Math-L2O",
    "l2o-pa": "L2O-PA",
    "gradient-descent": "gradient descent",
    "ista": "ISTA",
    "fista": "FISTA",
    "fista-restart": "restarted FISTA",
    "heavy-ball": "heavy ball",
    "nesterov": "Nesterov",
    "ogm": "OGM",
    "optista": "OptISTA",
    "silver-gradient": "gradient descent, silver steps",
    "silver-proximal": "proximal gradient, silver steps",
    "adapg": "AdaPG",
    "anderson": "Anderson acceleration",
    "subgradient": "subgradient",
    "adam": "Adam",
    "adam-hd": "AdamHD",
    "shampoo": "Shampoo",
    "lbfgs": "L-BFGS",
    "ada-lista": "Ada-LISTA",
    "lista": "LISTA",
    "alista": "ALISTA",
    "gated-lista": "gated LISTA",
    "l2o-dm": "L2O-DM",
    "l2o-rnnprop": "L2O-RNNprop",
    "safeguarded": "safeguarded GO-Math-L2O",
    "guaranteed": "guarded GO-Math-L2O",
    "coordinate-descent": "coordinate descent",
}


@dataclass(frozen=True)
class Method:
    """An optimizer as the report runs it; `weights` is the manifest of a learned one.

    `digest` is that of an optimizer which is no method by its bare name: of its source or its weights. `trained` says
    whether the weights were trained on draws like those of the section. `base` is the name of the method that a guard
    was put on.
    """

    name: str
    optimizer: Any
    weights: Mapping[str, Any] | None = None
    digest: str | None = None
    trained: bool = False
    base: str | None = None

    @property
    def learned(self) -> bool:
        """Whether it is a learned one."""
        return self.weights is not None

    @property
    def attributable(self) -> bool:
        """Whether its steps under a shift can be held against those without one (B4)."""
        return self.learned and isinstance(self.optimizer, HeadNetwork)

    @property
    def entry(self) -> dict[str, Any]:
        """As the results name it."""
        columns = ("family", "sha256")
        return {
            "name": self.name,
            "label": label_of(self.name) if self.base is None else f"guarded {label_of(self.base)}",
            "learned": self.learned,
            "weights": None if self.weights is None else {k: self.weights[k] for k in columns},
            **({} if self.digest is None else {"sha256": self.digest}),
            **({} if self.base is None else {"guards": self.base}),
        }


@dataclass(frozen=True, eq=False)
class Case:
    """A problem under a scenario: what is minimised, from where, and what is known of its F*."""

    scenario: Scenario
    problem: Composite
    x0: torch.Tensor
    optimum: Optimum

    def entry(self, trained: bool) -> dict[str, Any]:
        """The scenario as the results name it, for methods that were `trained` on such draws or were not."""
        scenario, kind = self.scenario, kind_of(self.scenario, trained)
        label = scenario.label if scenario.s or scenario.t else kind
        return {"key": scenario.key, "label": label, "s": scenario.s, "t": scenario.t, "data": kind}


def label_of(name: str) -> str:
    """A method by its name for people."""
    return LABELS.get(name, name)


def methods_of(section: ProblemSection) -> tuple[list[Method], list[str]]:
    """The optimizers of a section, the learned ones trained, then those under a guard; and why others are left out."""
    methods, left_out = [], []
    for name in section.optimizers:
        source = l2o.resolve_optimizer(name, family=section.trained_for, dim=section.variables)
        if name not in method_names():
            methods.append(_named(name, source, section))
        elif source.learned and source.weights is None:
            left_out.append(
                f"{name}: no weights trained for {section.trained_for} are shipped, and untrained ones say nothing"
            )
        else:
            trained = trained_here(section, source.weights)
            methods.append(Method(name, source.fresh(), source.weights, trained=trained))
    bases = {method.name: method for method in methods}
    guarded = [_guarded(bases[name]) for name in section.guaranteed if name in bases]
    return [*methods, *guarded], left_out


def _guarded(base: Method) -> Method:
    name = f"guaranteed-{base.name}"
    return Method(name, l2o.guaranteed(base.optimizer), base.weights, base.digest, base.trained, base.name)


def _named(name: str, source: l2o.OptimizerSource, section: ProblemSection) -> Method:
    """Code of the user, a folder or a file as a method; what is not known of its weights is None."""
    digest = source.digest()
    unknown = {"model": source.label, "family": "not said", "updates": None, "seed": None, "command": None}
    weights = {**unknown, **(source.weights or {}), "sha256": digest} if source.learned else None
    return Method(name, source.fresh(), weights, digest, trained_here(section, source.weights))


class Rollouts:
    """The runs of a section. Those of learned methods are kept, for others are held against them; a run whose entry
    was taken over from an earlier report is made only if something asks for it.
    """

    def __init__(self, section: ProblemSection, device: str) -> None:
        self.section, self.device = section, device
        self._runs: dict[tuple[str, str], ArrayRun] = {}

    def __call__(self, case: Case, method: Method) -> ArrayRun:
        """The run of `method` on `case`, on the CPU."""
        key = (case.scenario.key, method.name)
        if key in self._runs:
            return self._runs[key]
        there = case.problem.to(device=self.device)
        run = l2o.rollout(method.optimizer, there, case.x0.to(self.device), self.section.steps).to("cpu")
        if method.learned:
            self._runs[key] = run
        return run
