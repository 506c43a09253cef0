"""Running what a report shows: problems, certified optima, runs, verdicts, as one plain dict.

The dict is all that the page is made from, so a report regenerates from its results.json without running anything.
Each run is kept in a file of its own as soon as it is done; an interrupted report goes on from there.
"""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bounds
import l2o
from l2o._files import write_bytes
from l2o.optimizers._learned import LearnedOptimizer
from l2o.pretrained import manifest as weights_manifest
from l2o.problems import Composite, synthetic
from l2o.training.config import split_seed
from verification.inspection import as_numpy, inspect_run
from verification.measurement import measure
from verification.optimum import Optimum, optimum
from verification.report.config import ProblemSection, ReportConfig, Scenario
from verification.verify import verify

FORMAT = 1
_PACKAGES = (
    "l2obound",
    "torch",
    "numpy",
    "scipy",
    "sympy",
    "cvxpy",
    "clarabel",
    "scikit-learn",
    "matplotlib",
)
_LABELS = {"go-math-l2o": "GO-Math-L2O", "l2o-pa": "L2O-PA", "ista": "ISTA", "fista": "FISTA"}
# Run bounds drawn over the iterations, with what each of them bounds.
_CURVES = {
    "ind_rate": "F(x_k) - F*",
    "ood_last_iterate": "F(x_k) - F*",
    "ood_multi_step": "mean of F(x_1..k) - F*",
    "ood_multi_step_sharp": "mean of F(x_1..k) - F*",
    "a_priori": "mean of F(x_1..k) - F*",
}
_PREFIXES = 24


@dataclass(frozen=True)
class Progress:
    """Where the report is: `done` of `total` runs, and what is being done."""

    done: int
    total: int
    what: str


def _finite(array: np.ndarray) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in np.asarray(array, dtype=float)]


def _bands(array: np.ndarray) -> dict[str, list[float | None]]:
    """Median and 10 % and 90 % quantiles over the instances (rows) that stayed finite."""
    with np.errstate(invalid="ignore"):
        quantiles = {"median": 0.5, "q10": 0.1, "q90": 0.9}
        return {name: _finite(np.quantile(array, q, axis=0)) for name, q in quantiles.items()}


def _machine() -> dict[str, str]:
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "threads": str(torch.get_num_threads()),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@functools.cache
def code_digest() -> str:
    """Hex digest of the sources of the three packages: a stored run is used again only by the code that made it."""
    digest = hashlib.sha256()
    for package in ("bounds", "l2o", "verification"):
        root = Path(str(files(package)))
        for source in sorted(root.rglob("*.py")):
            digest.update(f"{package}/{source.relative_to(root)}".encode())
            digest.update(source.read_bytes())
    return digest.hexdigest()


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


def _optimizer_for(name: str, section: ProblemSection) -> tuple[Any, str | None]:
    """The optimizer, trained if it learns; or None and why it is left out."""
    if not issubclass(l2o.optimizers.optimizer_class(name), LearnedOptimizer):
        return l2o.optimizer(name), None
    if (name, section.trained_for) not in l2o.pretrained_names():
        return (
            None,
            f"{name}: no weights trained for {section.trained_for} are shipped, and untrained ones say nothing",
        )
    return l2o.pretrained(name, section.trained_for), None


def _prefix_steps(steps: int) -> list[int]:
    return sorted({int(k) for k in np.unique(np.geomspace(1, steps, _PREFIXES).round())})


def _truncate(q: bounds.Quantities, steps: int) -> bounds.Quantities:
    """The quantities of the first `steps` steps."""

    def cut(items: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        lengths = {"step": steps, "iterate": steps + 1}
        return {
            name: a if bounds.VOCABULARY[name].level == "run" else a[:, : lengths[bounds.VOCABULARY[name].level]]
            for name, a in items.items()
        }

    return bounds.Quantities(cut(dict(q.values)), cut(dict(q.errors)), dict(q.facts), steps, q.batch)


def _bound_curves(inspection: Any, optimum_: Optimum, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Right-hand sides of run bounds after k steps, the median over instances, for a few k."""
    steps = _prefix_steps(inspection.run.steps)
    q = measure(inspection, optimum_, np.ones(inspection.run.batch_size))
    curves = []
    for name, of in _CURVES.items():
        if name not in names:
            continue
        bound = bounds.get(name)
        values, guaranteed = [], True
        for k in steps:
            head = _truncate(q, k)
            values.append(float(np.median(bound.evaluate(head).rhs[inspection.finite])))
            guaranteed &= all(bool(np.all(c.holds)) for c in bound.check(head))
        curves.append(
            {
                "bound": name,
                "k": steps,
                "median": _finite(np.array(values)),
                "of": of,
                "guaranteed": guaranteed,
            }
        )
    return curves


def _run_entry(
    section: ProblemSection,
    scenario: Scenario,
    name: str,
    opt: Any,
    problem: Composite,
    x0: torch.Tensor,
    certified: Optimum,
    config: ReportConfig,
) -> dict[str, Any]:
    begun = time.perf_counter()
    run = l2o.rollout(opt, problem, x0, section.steps)
    seconds = time.perf_counter() - begun
    inspection = inspect_run(run, problem)
    names = bounds.names() if config.bounds_ is None else config.bounds_
    verdicts = [
        verify(run, problem, b, certified, config.reference_step, inspection=inspection).to_dict() for b in names
    ]
    alive = inspection.finite
    gap = as_numpy(run.objective)[alive] - certified.upper[alive, None]
    size = np.maximum(np.abs(certified.upper[alive, None]), np.finfo(float).tiny)
    empty = {"median": [], "q10": [], "q90": []}
    any_alive = bool(alive.any())
    return {
        "key": f"{section.key}/{scenario.key}/{name}",
        "problem": section.key,
        "scenario": {"key": scenario.key, "label": scenario.label, "s": scenario.s, "t": scenario.t},
        "optimizer": {
            "name": name,
            "label": _LABELS.get(name, name),
            "learned": isinstance(opt, LearnedOptimizer),
        },
        "steps": section.steps,
        "seconds": round(seconds, 4),
        "diverged": int((~alive).sum()),
        "subgradient_rule": run.subgradient_rule,
        "k": list(range(section.steps + 1)),
        "gap": _bands(gap) if any_alive else empty,
        "mean_gap": _bands(np.cumsum(gap[:, 1:], axis=1) / np.arange(1, section.steps + 1)) if any_alive else empty,
        "relative_gap_median": _finite(np.median(gap / size, axis=0)) if any_alive else [],
        "floor": float(np.median(certified.width)) if np.isfinite(certified.width).all() else None,
        "rho": _bands(as_numpy(run.relative_deviation)[alive]) if any_alive else empty,
        "bound_curves": _bound_curves(inspection, certified, tuple(names)) if any_alive else [],
        "verdicts": verdicts,
    }


def _problem_entry(
    section: ProblemSection, problem: Composite, certified: Optimum, left_out: list[str]
) -> dict[str, Any]:
    smoothness = as_numpy(problem.smoothness)
    return {
        "key": section.key,
        "title": section.describe(problem),
        "instances": problem.batch_size,
        "rows": int(next(iter(problem.smooth.arrays().values())).shape[-2]),
        "dim": problem.dim,
        "lam": section.lam,
        "smoothness": {
            "min": float(smoothness.min()),
            "median": float(np.median(smoothness)),
            "max": float(smoothness.max()),
        },
        "f_star": {
            "lower": _finite(certified.lower),
            "upper": _finite(certified.upper),
            "relative_width_max": _finite([np.max(certified.relative_width)])[0],
            "solvers": dict(Counter(certified.solver)),
            "certificates": dict(Counter(certified.certificate)),
            "messages": [*certified.messages, *(r for r in certified.reason if r)],
        },
        "left_out": left_out,
    }


def _partial_path(folder: Path, key: str, digest: str) -> Path:
    return folder / "partial" / f"{key.replace('/', '--')}.{digest[:16]}.json"


def _read_partial(path: Path) -> dict[str, Any] | None:
    """A finished run left by an interrupted report; None where there is none or it is damaged."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) and "verdicts" in entry else None


def _run_digest(
    config: ReportConfig, section: ProblemSection, scenario: Scenario, name: str, sha: str, problem: Composite
) -> str:
    parts = [
        FORMAT,
        _versions(),
        code_digest(),
        config.seed,
        config.rtol,
        config.reference_step,
        config.bounds_,
        section.model_dump(mode="json", exclude={"scenarios", "optimizers", "title"}),
        scenario.model_dump(),
        name,
        sha,
        problem.fingerprint(),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


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
    total = sum(len(p.optimizers) * len(p.scenarios) for p in config.problem)
    done, reused = 0, []
    problems: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    weights: dict[tuple[str, str], dict[str, Any]] = {}

    def tell(what: str) -> None:
        if progress is not None:
            progress(Progress(done, total, what))

    for section in config.problem:
        tell(f"{section.key}: certifying F*")
        base = section.build(config.seed)
        certified = optimum(base, config.rtol)
        if certified.from_cache:
            reused.append(f"F* of {section.key} (cache)")
        left_out: list[str] = []
        start = synthetic.starts(base, seed=split_seed("test", 0, config.seed))
        available = {}
        for name in section.optimizers:
            opt, reason = _optimizer_for(name, section)
            if opt is None:
                left_out.append(str(reason))
                done += len(section.scenarios)
                continue
            available[name] = opt
            if isinstance(opt, LearnedOptimizer):
                weights[name, section.trained_for] = weights_manifest(name, section.trained_for)
        for scenario in section.scenarios:
            problem = base.shifted(scenario.t) if scenario.t else base
            here = optimum(problem, config.rtol) if scenario.t else certified
            for name, opt in available.items():
                tell(f"{section.key}, {scenario.label}: {name}")
                sha = weights.get((name, section.trained_for), {}).get("sha256", "")
                path = _partial_path(
                    folder,
                    f"{section.key}/{scenario.key}/{name}",
                    _run_digest(config, section, scenario, name, sha, problem),
                )
                entry = _read_partial(path)
                if entry is not None:
                    reused.append(entry["key"])
                else:
                    entry = _run_entry(section, scenario, name, opt, problem, start + scenario.s, here, config)
                    write_bytes(path, json.dumps(entry, allow_nan=False).encode())
                runs.append(entry)
                done += 1
        problems.append(_problem_entry(section, base, certified, left_out))
    tell("writing")
    names = bounds.names() if config.bounds_ is None else config.bounds_
    return {
        "format": FORMAT,
        "title": config.title,
        "quick": quick,
        "provenance": {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command,
            "seconds": round(time.perf_counter() - begun, 2),
            "versions": _versions(),
            "machine": _machine(),
            "seed": config.seed,
            "config_digest": config.digest,
            "weights": [
                {
                    "model": m["model"],
                    "family": m["family"],
                    "sha256": m["sha256"],
                    "updates": m["updates"],
                    "seed": m["seed"],
                    "command": m["command"],
                }
                for m in weights.values()
            ],
            "reused": reused,
        },
        "config": config.model_dump(mode="json", by_alias=True),
        "problems": problems,
        "bounds": [_bound_entry(bounds.get(name)) for name in names],
        "runs": runs,
    }
