"""A report of runs that are given: verdicts, gaps under their bounds, and a page, on one problem.

The results are one plain dict, as those of the large report (`experiment`), and the page is made of nothing else.
Several runs under one name, as those of several seeds, are judged as the instances of one run and drawn as a band.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ... import bounds as catalogue
from ...errors import InputError
from ...l2o.problems import Composite
from ...l2o.runs.objectives import Objectives
from ...l2o.runs.run import Run, pooled
from ...l2o.support.threads import one_thread
from ..optima import Optimum
from ..optima import optimum as certify
from ..runs.inspection import as_numpy
from ..support.paper_styles import drawn_in
from ..support.provenance import code_digest, machine, versions
from ..support.together import write_together
from ..verdicts.evidence import gather
from ..verdicts.forms import forms_of
from ..verdicts.judge import judge
from ._ledger import bound_entry, checked_names, number_of
from ._run_certificates import KEY, certify_run
from ._series import RANGE, bound_curves, gap_bands, objective_bands, objectives, reach
from ._training_data import OTHER

FORMAT = "l2obound-own-runs-2"
Runs = Mapping[str, Run | Objectives | Sequence[Run] | Sequence[Objectives]]
PROBLEM, GIVEN = "problem", "given runs"
"""What stands for the problem and for the scenario in entries that are shaped like those of the large report."""


def report_runs(
    runs: Runs,
    problem: Composite,
    out: str | os.PathLike[str] = "report",
    *,
    optimum: Optimum | None = None,
    bounds: Sequence[str] | None = None,
    reference_step: float | str = "best",
    title: str = "Runs held against bounds",
    command: str = "l2obound.report(...)",
    progress: Callable[[str], None] | None = None,
    style: str | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Hold bounds against runs of yours and write a page, results.json, tables and figures.

    Args:
        runs: Runs of B instances by name; a list under one name is one of runs with several seeds, all of as many
            steps, whose instances are judged together and drawn as a median with its range. Where only objectives are
            there (`l2o.run_from_objectives`) they are drawn and compared with F*, and no bound is judged.
        problem: The problem that all of them were made on.
        out: The folder, made where there is none; other files in it are left alone.
        optimum: The interval of F* of the problem; certified where it is None.
        bounds: Names of bounds, of which "run_certificate" is the certificate of each run; every main entry that a run
            is enough for, and the certificate, where it is None.
        reference_step: h in (0, 1], or "best" (see `verification.judge`).
        title: Of the page.
        command: What the page says it was made with.
        progress: Called with what is done next.
        style: For which place figures are sized: "none", "neurips", "icml" or "beamer"; None is the current style.

    Returns:
        The path of the page, and the results.

    Raises:
        InputError: Where there is no run or no such style, one does not belong to the problem, those of one name do not
            fit together, or the folder cannot be used.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise InputError(f"{folder}: cannot be used as the report's folder ({reason.strerror}).") from None
    from ._own_page import files  # matplotlib is slow to import

    with drawn_in(style):
        results = results_of_runs(runs, problem, optimum, bounds, reference_step, title, command, progress)
        text = json.dumps(results, allow_nan=False) + "\n"
        write_together(folder, {"results.json": text.encode(), **files(results)})
    return folder / "report.html", results


def results_of_runs(
    runs: Runs,
    problem: Composite,
    optimum: Optimum | None = None,
    bounds: Sequence[str] | None = None,
    reference_step: float | str = "best",
    title: str = "Runs held against bounds",
    command: str = "l2obound.report(...)",
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """What `report_runs` writes, as one plain dict; its arguments are those of `report_runs`."""
    listed = _listed(runs, problem)
    keys = checked_names(None if bounds is None else tuple(map(_key, bounds)), False)
    keys = [key for key in keys if key != KEY]
    judged = {*keys, *([KEY] if bounds is None or KEY in map(_key, bounds) else [])}
    tell = progress or (lambda what: None)
    begun = time.perf_counter()
    with one_thread():
        tell("certifying F*")
        certified = certify(problem) if optimum is None else optimum
        entries = []
        for name, several in listed.items():
            tell(f"judging {name}")
            if isinstance(several[0], Objectives):
                entries.append(_log_entry(name, several, problem, certified))
            else:
                entries.append(_entry(name, several, problem, certified, keys, reference_step, KEY in judged))
    return {
        "format": FORMAT,
        "title": title,
        "provenance": {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command,
            "seconds": round(time.perf_counter() - begun, 2),
            "versions": versions(),
            "code_digest": code_digest(),
            "machine": machine(),
            "reference_step": reference_step,
        },
        "problem": _problem_entry(problem, certified),
        "bounds": [bound_entry(key) for key in catalogue.names(variants=True) if key in judged],
        "runs": entries,
    }


def _key(name: str) -> str:
    return catalogue.get(name).key


def _listed(runs: Runs, problem: Composite) -> dict[str, list[Run] | list[Objectives]]:
    """The runs of each name, checked."""
    if not isinstance(runs, Mapping) or not runs:
        raise InputError(f'report: expected runs by name, as in {{"mine": run}}, got {type(runs).__name__}.')
    listed: dict[str, Any] = {}
    for name, given in runs.items():
        several: list[Any] = list(given) if isinstance(given, (list, tuple)) else [given]
        kinds = {type(run) for run in several}
        if not isinstance(name, str) or kinds not in ({Run}, {Objectives}):
            raise InputError(
                f"report: {name!r}: expected a run or a list of runs under a text, got {type(given).__name__}; "
                "iterates become a run by l2o.run_from_iterates."
            )
        for run in several:
            dim = run.dim if isinstance(run, Run) else problem.dim
            if (run.batch_size, dim) != (problem.batch_size, problem.dim):
                raise InputError(
                    f"report: {name}: the run has {run.batch_size} instances of {dim} variables, the problem "
                    f"{problem.batch_size} of {problem.dim}; pass the problem that the runs were made on."
                )
        listed[name] = several
    return listed


def _head(name: str) -> dict[str, Any]:
    return {
        "key": name,
        "problem": PROBLEM,
        "scenario": {"key": "given", "label": GIVEN, "s": 0.0, "t": 0.0, "data": OTHER},
        "optimizer": {"name": name, "label": name, "learned": True},
    }


def _log_entry(name: str, several: Sequence[Objectives], problem: Composite, certified: Optimum) -> dict[str, Any]:
    """The same of objectives alone: their gaps, and by how much they are below what F* may be."""
    if len({run.steps for run in several}) > 1:
        raise InputError(
            f"report: {name}: its runs have {', '.join(str(run.steps) for run in several)} steps; give one K."
        )
    objective = np.concatenate([as_numpy(run.objective) for run in several])
    certified = certified.select(list(range(problem.batch_size)) * len(several))
    finite = np.isfinite(objective).all(axis=1)
    below = (certified.lower[:, None] - objective)[finite].max(initial=0.0)
    return {
        **_head(name),
        "made_by": several[0].optimizer,
        "precision": "not known",
        "seeds": len(several),
        "instances": len(objective),
        "steps": several[0].steps,
        "diverged": int((~finite).sum()),
        **objective_bands(objective, finite, certified, RANGE),
        "rho": {quantile: [] for quantile in RANGE},
        "reach": reach(objective, certified, finite),
        "below": float(below),
        "bound_curves": [],
        "certificate": None,
        "verdicts": [],
        "seconds": 0.0,
    }


def _entry(
    name: str,
    several: Sequence[Run],
    problem: Composite,
    certified: Optimum,
    keys: Sequence[str],
    h: float | str,
    with_certificate: bool,
) -> dict[str, Any]:
    """What is said of the runs of one name, in the shape of the runs of the large report."""
    begun = time.perf_counter()
    try:
        run = pooled(several)
    except InputError as reason:
        raise InputError(f"report: {name}: {reason}") from None
    if len(several) > 1:
        each = list(range(problem.batch_size)) * len(several)
        problem, certified = problem.select(each), certified.select(each)
    evidence = gather(run, problem, optimum=certified)
    inspection = evidence.inspection
    verdicts = {key: judge(key, evidence, h) for key in keys}
    forms = forms_of(verdicts)
    certificate, certified_verdict = certify_run(run, problem, certified, RANGE) if with_certificate else (None, None)
    return {
        **_head(name),
        "made_by": run.optimizer,
        "precision": str(run.objective.dtype).removeprefix("torch."),
        "seeds": len(several),
        "instances": problem.batch_size,
        "steps": run.steps,
        "diverged": int((~inspection.finite).sum()),
        **gap_bands(run, inspection, certified, RANGE),
        "reach": reach(objectives(run, inspection), certified, inspection.finite),
        "bound_curves": bound_curves(evidence, tuple(keys)),
        "certificate": certificate,
        "verdicts": [
            *(v.to_dict() | {"number": number_of(v.bound), "form_of": forms.get(key)} for key, v in verdicts.items()),
            *([certified_verdict] if certified_verdict else []),
        ],
        "seconds": round(time.perf_counter() - begun, 4),
    }


def _problem_entry(problem: Composite, certified: Optimum) -> dict[str, Any]:
    L = as_numpy(problem.smoothness)
    return {
        "name": problem.name,
        "instances": problem.batch_size,
        "dim": problem.dim,
        "smoothness": {"least": float(L.min()), "greatest": float(L.max())},
        "fingerprint": problem.fingerprint(),
        "lower": [float(v) if np.isfinite(v) else None for v in certified.lower],
        "upper": [float(v) if np.isfinite(v) else None for v in certified.upper],
        "solvers": dict(Counter(certified.solver)),
        "certificates": dict(Counter(certified.certificate)),
        "messages": [*certified.messages, *(r for r in certified.reason if r)],
    }
