"""Running what a report shows: problems, certified optima, runs, verdicts, as one plain dict.

The dict is all that the page is made from, so a report regenerates from its results.json without running anything.
Each run is kept in a file of its own as soon as it is done; an interrupted report goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bounds
import l2o
from l2o.optimizers._learned import LearnedOptimizer
from l2o.pretrained import manifest as weights_manifest
from l2o.problems import Composite, synthetic
from l2o.training.config import split_seed
from verification.inspection import as_numpy, inspect_run
from verification.optimum import Optimum, optimum
from verification.optimum._ledger import single_thread
from verification.report._partial import partial_path, read_partial, write_partial
from verification.report._provenance import code_digest, machine, versions
from verification.report._series import bound_curves, series
from verification.report.config import ProblemSection, ReportConfig, Scenario
from verification.verify import verify

FORMAT = 2
_LABELS = {
    "go-math-l2o": "GO-Math-L2O",
    "l2o-pa": "L2O-PA",
    "gradient-descent": "gradient descent",
    "ista": "ISTA",
    "fista": "FISTA",
    "fista-restart": "restarted FISTA",
    "heavy-ball": "heavy ball",
    "nesterov": "Nesterov",
}
_STEP_BOUND = "per_step_descent"


@dataclass(frozen=True)
class Progress:
    """Where the report is: `done` of `total` runs, and what is being done."""

    done: int
    total: int
    what: str


@dataclass(frozen=True)
class _Method:
    """An optimizer as the report runs it; `weights` is the manifest of a learned one."""

    name: str
    optimizer: Any
    weights: dict[str, Any] | None = None

    @property
    def entry(self) -> dict[str, Any]:
        kept = ("family", "sha256")
        return {
            "name": self.name,
            "label": _LABELS.get(self.name, self.name),
            "learned": self.weights is not None,
            "weights": None if self.weights is None else {k: self.weights[k] for k in kept},
        }


def _bound_entry(bound: bounds.Bound) -> dict[str, Any]:
    return {
        "key": bound.key,
        "number": bound.number,
        "title": bound.title,
        "latex": bound.latex(),
        "level": bound.level,
        "source": str(bound.source),
        "kind": bound.kind,
        "hypotheses": [{"name": h.name, "statement": h.statement} for h in bound.hypotheses],
    }


def _methods(section: ProblemSection) -> tuple[list[_Method], list[str]]:
    """The optimizers of a section, the learned ones trained; and why others are left out."""
    found, left_out = [], []
    for name in section.optimizers:
        if not issubclass(l2o.optimizers.optimizer_class(name), LearnedOptimizer):
            found.append(_Method(name, l2o.optimizer(name)))
        elif (name, section.trained_for) in l2o.pretrained_names():
            weights = weights_manifest(name, section.trained_for)
            found.append(_Method(name, l2o.pretrained(name, section.trained_for), weights))
        else:
            left_out.append(
                f"{name}: no weights trained for {section.trained_for} are shipped, and untrained ones say nothing"
            )
    return found, left_out


def _run_entry(
    section: ProblemSection,
    scenario: Scenario,
    method: _Method,
    problem: Composite,
    x0: torch.Tensor,
    certified: Optimum,
    config: ReportConfig,
) -> dict[str, Any]:
    begun = time.perf_counter()
    there = problem.to(device=config.device)
    run = l2o.rollout(method.optimizer, there, x0.to(config.device), section.steps).to("cpu")
    ran = time.perf_counter()
    inspection = inspect_run(run, problem)
    names = bounds.names() if config.bounds_ is None else config.bounds_

    def check(name: str) -> Any:
        return verify(run, problem, name, certified, config.reference_step, inspection=inspection)

    checked = {name: check(name) for name in names}
    descent = checked.get(_STEP_BOUND) or check(_STEP_BOUND)
    learned = method.weights is not None
    entry = {
        "key": f"{section.key}/{scenario.key}/{method.name}",
        "problem": section.key,
        "scenario": _scenario_entry(scenario),
        "optimizer": method.entry,
        "instances": problem.batch_size,
        "steps": section.steps,
        "diverged": int((~inspection.finite).sum()),
        "subgradient_rule": run.subgradient_rule,
        **series(run, inspection, certified, descent, learned),
        "bound_curves": bound_curves(inspection, certified, tuple(names)),
        "verdicts": [v.to_dict() for v in checked.values()],
    }
    return entry | {"seconds": round(ran - begun, 4), "checking_seconds": round(time.perf_counter() - ran, 4)}


def _scenario_entry(scenario: Scenario) -> dict[str, Any]:
    return {"key": scenario.key, "label": scenario.label, "s": scenario.s, "t": scenario.t}


def _optimum_entry(scenario: Scenario, problem: Composite, certified: Optimum) -> dict[str, Any]:
    """What F* is known to under a scenario."""
    return {
        "scenario": _scenario_entry(scenario),
        "fingerprint": problem.fingerprint(),
        # In full: an interval of relative width 1e-13 does not survive rounding.
        "lower": [float(v) if np.isfinite(v) else None for v in certified.lower],
        "upper": [float(v) if np.isfinite(v) else None for v in certified.upper],
        "solvers": dict(Counter(certified.solver)),
        "certificates": dict(Counter(certified.certificate)),
        "messages": [*certified.messages, *(r for r in certified.reason if r)],
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    return {"min": float(values.min()), "median": float(np.median(values)), "max": float(values.max())}


def _problem_entry(
    section: ProblemSection, problem: Composite, optima: list[dict[str, Any]], left_out: list[str], seconds: float
) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.describe(problem),
        "family": section.family,
        "instances": problem.batch_size,
        "rows": int(next(iter(problem.smooth.arrays().values())).shape[-2]),
        "dim": problem.dim,
        "lam": _spread(as_numpy(problem.nonsmooth.lam)),
        "steps": section.steps,
        "fingerprint": problem.fingerprint(),
        "smoothness": _spread(as_numpy(problem.smoothness)),
        "optima": optima,
        "seconds": round(seconds, 4),
        "left_out": left_out,
    }


def _run_digest(
    config: ReportConfig, section: ProblemSection, scenario: Scenario, method: _Method, problem: Composite
) -> str:
    parts = [
        FORMAT,
        versions(),
        code_digest(),
        config.seed,
        config.rtol,
        config.device,
        config.reference_step,
        config.bounds_,
        section.model_dump(mode="json", exclude={"scenarios", "optimizers", "title", "path"}),
        scenario.model_dump(),
        method.entry,
        problem.fingerprint(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class _Report:
    """The state of a report in the making."""

    def __init__(self, config: ReportConfig, folder: Path, progress: Callable[[Progress], None] | None) -> None:
        self.config, self.folder, self.progress = config, folder, progress
        self.total = sum(len(p.optimizers) * len(p.scenarios) for p in config.problem)
        self.done = 0
        self.reused: list[str] = []
        self.runs: list[dict[str, Any]] = []
        self.weights: dict[tuple[str, str], dict[str, Any]] = {}

    def tell(self, what: str) -> None:
        if self.progress is not None:
            self.progress(Progress(self.done, self.total, what))

    def certify(self, section: ProblemSection, problem: Composite, where: str) -> Optimum:
        self.tell(f"{section.key}: certifying F*")
        certified = optimum(problem, self.config.rtol)
        if certified.from_cache:
            self.reused.append(f"F* of {section.key}{where} (cache)")
        return certified

    def problem(self, section: ProblemSection) -> dict[str, Any]:
        """Run a section; its runs go to `self.runs`."""
        base = section.build(self.config.seed)
        begun = time.perf_counter()
        certified = self.certify(section, base, "")
        seconds = time.perf_counter() - begun
        start = synthetic.starts(base, seed=split_seed("test", 0, self.config.seed))
        methods, left_out = _methods(section)
        self.done += len(left_out) * len(section.scenarios)
        for method in methods:
            if method.weights is not None:
                self.weights[method.name, section.trained_for] = method.weights
        optima = []
        for scenario in section.scenarios:
            problem, here = base, certified
            if scenario.t:
                problem, begun = base.shifted(scenario.t), time.perf_counter()
                here = self.certify(section, problem, f", {scenario.label}")
                seconds += time.perf_counter() - begun
            optima.append(_optimum_entry(scenario, problem, here))
            for method in methods:
                self.tell(f"{section.key}, {scenario.label}: {method.name}")
                self.runs.append(self.run(section, scenario, method, problem, start + scenario.s, here))
                self.done += 1
        return _problem_entry(section, base, optima, left_out, seconds)

    def run(
        self,
        section: ProblemSection,
        scenario: Scenario,
        method: _Method,
        problem: Composite,
        x0: torch.Tensor,
        certified: Optimum,
    ) -> dict[str, Any]:
        """The entry of a run, from its file if it is there and whole."""
        key = f"{section.key}/{scenario.key}/{method.name}"
        path = partial_path(self.folder, key, _run_digest(self.config, section, scenario, method, problem))
        entry = read_partial(path)
        if entry is not None:
            self.reused.append(key)
            return entry
        entry = _run_entry(section, scenario, method, problem, x0, certified, self.config)
        write_partial(path, entry)
        return entry


def run_report(
    config: ReportConfig,
    folder: Path,
    *,
    quick: bool = False,
    command: str = "l2obound report",
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Run everything `config` asks for and return the results; finished runs are kept in `folder`/partial."""
    begun = time.perf_counter()
    report = _Report(config, folder, progress)
    with single_thread():  # sums do not depend on the cores, and a busy machine makes two threads wait for each other
        problems = [report.problem(section) for section in config.problem]
        used = machine()
    report.tell("writing")
    names = bounds.names() if config.bounds_ is None else config.bounds_
    kept = ("model", "family", "sha256", "updates", "seed", "command")
    return {
        "format": FORMAT,
        "title": config.title,
        "quick": quick,
        "provenance": {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command,
            "seconds": round(time.perf_counter() - begun, 2),
            "versions": versions(),
            "code_digest": code_digest(),
            "machine": used,
            "seed": config.seed,
            "config_digest": config.digest,
            "weights": [{name: m[name] for name in kept} for m in report.weights.values()],
            "reused": report.reused,
        },
        "config": config.model_dump(mode="json", by_alias=True),
        "problems": problems,
        "bounds": [_bound_entry(bounds.get(name)) for name in names],
        "runs": report.runs,
    }
