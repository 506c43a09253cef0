"""Running what a report shows: problems, certified optima, runs, verdicts, as one plain dict.

The dict is all that the page is made from, so a report regenerates from its results.json without running anything.
Each run is kept in a file of its own as soon as it is done; an interrupted report goes on from there.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ... import bounds
from ...l2o.problems import Composite, synthetic
from ...l2o.support.threads import one_thread
from ...l2o.training.config import split_seed
from ..optima import Optimum, optimum
from ..runs.inspection import as_numpy
from ..support.plain import plain
from ..support.provenance import arithmetic, code_digest, machine, versions
from ..support.store import partial_path, read_partial, write_partial
from ..verdicts.evidence import gather
from ..verdicts.forms import forms_of
from ..verdicts.judge import judge
from ..worst_cases.ledger import STEP_SIZES
from ._extras import EXTRAS, attribution, shift_pair, transient
from ._ledger import bound_entry, checked_names, ledger, number_of, prove_all
from ._next_instance import LAST_ITERATE, next_instance
from ._run_certificates import certify_run
from ._series import bound_curves, series
from .config import UNSHIFTED, ProblemSection, ReportConfig, Scenario, TransientSection
from .methods import Case, Method, Rollouts, methods_of
from .worst_cases import measured

FORMAT = 8
SEAL = "sha256"
"""The entry of the results that is a digest of all others."""
_STEP_BOUND = "per_step_descent"


@dataclass(frozen=True)
class Progress:
    """Where the report is: `done` of `total` runs, and what is being done."""

    done: int
    total: int
    what: str


def _run_entry(
    rollouts: Rollouts, case: Case, method: Method, reference: Case | None, config: ReportConfig
) -> dict[str, Any]:
    begun = time.perf_counter()
    section, problem, certified = rollouts.section, case.problem, case.optimum
    run = rollouts(case, method)
    ran = time.perf_counter()
    names = checked_names(config.bounds_, reference is not None, guarded=method.base is not None)

    paired: dict[str, Any] = {}
    if reference is not None and any(bounds.get(name).about_virtual_steps for name in names):
        paired = {"reference_run": rollouts(reference, method), "optimizer": method.optimizer}
    evidence = gather(run, problem, optimum=certified, **paired)
    inspection, h = evidence.inspection, config.reference_step
    checked = {name: judge(name, evidence, h) for name in names}
    forms = forms_of(checked)
    descent = checked.get(_STEP_BOUND) or judge(_STEP_BOUND, evidence, h)
    last = checked.get(LAST_ITERATE) or judge(LAST_ITERATE, evidence, h)
    entry = {
        "key": f"{section.key}/{case.scenario.key}/{method.name}",
        "problem": section.key,
        "scenario": case.entry(method.trained),
        "optimizer": method.entry,
        "instances": problem.batch_size,
        "steps": section.steps,
        "diverged": int((~inspection.finite).sum()),
        "subgradient_rule": run.subgradient_rule,
        **series(run, inspection, certified, descent, method.learned and method.base is None),
        "bound_curves": bound_curves(evidence, tuple(names)),
        "next_instance": next_instance(rollouts, config.seed, case, method, run, inspection, last),
        "certificate": None,
        "verdicts": [
            v.to_dict() | {"number": number_of(v.bound), "form_of": forms.get(name)} for name, v in checked.items()
        ],
    }
    judged = time.perf_counter()
    if config.certificates:
        certificate, verdict = certify_run(run, problem, certified)
        entry["certificate"] = certificate
        entry["verdicts"].append(verdict)
    done = time.perf_counter()
    seconds = {"seconds": ran - begun, "checking_seconds": judged - ran, "certifying_seconds": done - judged}
    return entry | {name: round(value, 4) for name, value in seconds.items()}


def _optimum_entry(case: Case, trained: bool) -> dict[str, Any]:
    """The certified interval of F* under a scenario; `trained`: methods of the section were trained on such draws."""
    problem, certified = case.problem, case.optimum
    return {
        "scenario": case.entry(trained),
        "fingerprint": problem.fingerprint(),
        # In full: an interval of relative width 1e-13 does not survive rounding.
        "lower": plain(certified.lower),
        "upper": plain(certified.upper),
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
        "lam": None if not hasattr(problem.nonsmooth, "lam") else _spread(as_numpy(problem.nonsmooth.lam)),
        "steps": section.steps,
        "fingerprint": problem.fingerprint(),
        "smoothness": _spread(as_numpy(problem.smoothness)),
        "optima": optima,
        "seconds": round(seconds, 4),
        "left_out": left_out,
    }


def _digest(config: ReportConfig, *parts: Any) -> str:
    """Of everything that a stored part depends on."""
    common = [FORMAT, versions(), code_digest(), arithmetic(), config.seed, config.rtol, config.device]
    return hashlib.sha256(json.dumps([*common, *parts], sort_keys=True).encode()).hexdigest()


def _section_digest(section: ProblemSection) -> dict[str, Any]:
    return section.model_dump(mode="json", exclude={"scenarios", "optimizers", "guaranteed", "title", "path"})


class _Report:
    """The state of a report in the making."""

    def __init__(self, config: ReportConfig, folder: Path, progress: Callable[[Progress], None] | None) -> None:
        self.config, self.folder, self.progress = config, folder, progress
        sections = (*config.problem, *config.transient)
        self.total = sum((len(p.optimizers) + len(p.guaranteed)) * len(p.scenarios) for p in sections)
        self.done = 0
        self.reused: list[str] = []
        self.runs: list[dict[str, Any]] = []
        self.extras: dict[str, list[dict[str, Any]]] = {name: [] for name in EXTRAS}
        self.weights: dict[tuple[str, str], Mapping[str, Any]] = {}

    def tell(self, what: str) -> None:
        if self.progress is not None:
            self.progress(Progress(self.done, self.total, what))

    def stored(self, key: str, digest: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A part of the report, from its file if it is there and whole."""
        path = partial_path(self.folder, key, digest)
        entry = read_partial(path)
        if entry is not None:
            self.reused.append(key)
            return entry
        entry = make()
        write_partial(path, entry)
        return entry

    def certify(self, section: ProblemSection, problem: Composite, where: str) -> Optimum:
        self.tell(f"{section.key}: certifying F*")
        certified = optimum(problem, self.config.rtol)
        if certified.from_cache:
            self.reused.append(f"F* of {section.key}{where} (cache)")
        return certified

    def cases(self, section: ProblemSection) -> Iterator[tuple[Case, float]]:
        """A case for each scenario, in order, and the seconds that F* took; one without a shift shares its F*."""
        base, begun = section.build(self.config.seed), time.perf_counter()
        certified = self.certify(section, base, "")
        start = synthetic.starts(base, seed=split_seed("test", 0, self.config.seed))
        seconds = time.perf_counter() - begun
        yield Case(Scenario(), base, start, certified), seconds
        for scenario in section.scenarios:
            problem, here, begun = base, certified, time.perf_counter()
            if scenario.t:
                problem = base.shifted(scenario.t)
                here = self.certify(section, problem, f", {scenario.label}")
            yield Case(scenario, problem, start + scenario.s, here), time.perf_counter() - begun

    def methods(self, section: ProblemSection) -> tuple[list[Method], list[str]]:
        """The methods of a section; their weights are noted, and those that are left out."""
        methods, left_out = methods_of(section)
        methods_wanted = len(section.optimizers) + len(section.guaranteed)
        self.done += (methods_wanted - len(methods)) * len(section.scenarios)
        trained = any(method.trained for method in methods)
        # a method that was not trained is compared on the data that the trained ones know
        methods = [m if m.learned else dataclasses.replace(m, trained=trained) for m in methods]
        for method in methods:
            if method.weights is not None:
                self.weights[method.name, method.weights["sha256"]] = method.weights
        return methods, left_out

    def problem(self, section: ProblemSection) -> dict[str, Any]:
        """Run a section; its runs go to `self.runs`, what is measured beside them to `self.extras`."""
        rollouts = Rollouts(section, self.config.device)
        methods, left_out = self.methods(section)
        (base, seconds), *rest = self.cases(section)
        cases = [case for case, _ in rest]
        reference = next((case for case in cases if case.scenario.key == UNSHIFTED), None)
        for case in cases:
            for method in methods:
                paired = reference if method.attributable and case is not reference else None
                self.tell(f"{section.key}, {case.scenario.label}: {method.name}")
                self.runs.append(self.run(rollouts, case, method, paired))
                self.done += 1
        for method in (m for m in methods if m.attributable):
            self.measure(rollouts, base, reference, cases, method)
        trained = any(method.trained for method in methods)
        optima = [_optimum_entry(case, trained) for case in cases]
        return _problem_entry(section, base.problem, optima, left_out, seconds + sum(s for _, s in rest))

    def run(self, rollouts: Rollouts, case: Case, method: Method, reference: Case | None) -> dict[str, Any]:
        section, config = rollouts.section, self.config
        parts = [config.reference_step, config.bounds_, config.certificates, _section_digest(section)]
        parts.append(case.entry(method.trained))
        digest = _digest(config, *parts, method.entry, case.problem.fingerprint(), reference is not None)
        key = f"{section.key}/{case.scenario.key}/{method.name}"
        return self.stored(key, digest, lambda: _run_entry(rollouts, case, method, reference, config))

    def measure(
        self, rollouts: Rollouts, base: Case, reference: Case | None, cases: list[Case], method: Method
    ) -> None:
        """Attribution of every shifted run, and pairs of shifts of equal size, of a method that can be attributed."""
        section = rollouts.section
        for case in cases:
            if reference is None or case is reference:
                continue
            self.tell(f"{section.key}, {case.scenario.label}: attribution of {method.name}")
            self.extra("attributions", rollouts, case, method, partial(attribution, rollouts, case, reference, method))
        for start, objective in pairs_of_shifts(cases):
            tau = objective.scenario.t
            self.tell(f"{section.key}, s = t = {tau:g}: {method.name}")
            pair = partial(shift_pair, rollouts, base, start, objective, method)
            self.extra("shift_pairs", rollouts, objective, method, pair)

    def extra(
        self, kind: str, rollouts: Rollouts, case: Case, method: Method, make: Callable[[], dict[str, Any]]
    ) -> None:
        """Add what `make` gives, with where it belongs, to the extras of a kind."""
        section = rollouts.section
        head = {
            "problem": section.key,
            "scenario": case.entry(method.trained),
            "optimizer": method.entry,
            "instances": case.problem.batch_size,
            "steps": section.steps,
        }
        digest = _digest(
            self.config, kind, _section_digest(section), head["scenario"], method.entry, case.problem.fingerprint()
        )
        key = f"{section.key}/{case.scenario.key}/{method.name}/{kind}"
        self.extras[kind].append(self.stored(key, digest, lambda: {"key": key, **head, **make()}))

    def transient(self, section: TransientSection) -> None:
        """Run a section of long runs; what comes of it goes to the extras."""
        rollouts = Rollouts(section, self.config.device)
        methods, left_out = self.methods(section)
        base, *rest = [case for case, _ in self.cases(section)]
        for case in rest:
            for method in methods:
                self.tell(f"{section.key}, {case.scenario.label}: transient of {method.name}")

                def measured(c: Case = case, m: Method = method) -> dict[str, Any]:
                    head = {"title": section.describe(base.problem), "left_out": left_out}
                    return head | transient(rollouts, c, m, section.eps)

                self.extra("transients", rollouts, case, method, measured)
                self.done += 1

    def proofs(self) -> dict[str, Any]:
        """The machine proofs, which take a while."""
        if not self.config.proofs:
            return {}
        self.tell("checking the machine proofs")
        return self.stored("machine proofs", _digest(self.config, "proofs"), prove_all)

    def worst_cases(self) -> dict[str, Any] | None:
        """The catalogue beside exact worst cases; None where it is not asked for."""
        if not self.config.worst_cases:
            return None
        self.tell("solving exact worst cases")
        steps = self.config.worst_case_steps
        return self.stored(
            "worst cases", _digest(self.config, "worst cases", steps), lambda: measured(steps, STEP_SIZES)
        )


def pairs_of_shifts(cases: Sequence[Case]) -> list[tuple[Case, Case]]:
    """(start shifted by tau, objective shifted by tau) for every tau of which there are both."""
    starts = {c.scenario.s: c for c in cases if c.scenario.s and not c.scenario.t}
    objectives = [c for c in cases if c.scenario.t and not c.scenario.s]
    return [(starts[c.scenario.t], c) for c in objectives if c.scenario.t in starts]


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
    for section in (*config.problem, *config.transient):
        section.check()
        methods_of(section)  # what is no optimizer is said before the first run
    report = _Report(config, folder, progress)
    with one_thread():  # sums do not depend on the cores, and a busy machine makes two threads wait for each other
        problems = [report.problem(section) for section in config.problem]
        for section in config.transient:
            report.transient(section)
        proofs = report.proofs()
        worst_cases = report.worst_cases()
        used = machine()
    report.tell("writing")
    held = {v["bound"] for run in report.runs for v in run["verdicts"]}
    names = [name for name in bounds.names(variants=True) if name in held | set(config.bounds_ or ())]
    columns = ("model", "family", "sha256", "updates", "seed", "command")
    results = {
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
            "weights": [
                {name: m[name] for name in columns} | {"family": _trained_on(m)} for m in report.weights.values()
            ],
            "reused": report.reused,
        },
        "config": config.model_dump(mode="json", by_alias=True),
        "problems": problems,
        "bounds": [bound_entry(name) for name in names],
        "catalogue": ledger(proofs, held),
        "worst_cases": worst_cases,
        "runs": report.runs,
        **report.extras,
    }
    return results | {SEAL: digest_of(results)}


def _trained_on(weights: Mapping[str, Any]) -> str:
    """The family of a training and the size of its problems, as far as the manifest has them."""
    trained = (weights.get("config") or {}).get("problem") or {}
    size = [str(trained[name]) for name in ("rows", "dim") if trained.get(name) is not None]
    return " ".join([weights["family"], " x ".join(size)]).strip()


def digest_of(results: Mapping[str, Any]) -> str:
    """Hex digest of everything in the results but the seal."""
    content = {name: value for name, value in results.items() if name != SEAL}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
