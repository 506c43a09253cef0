"""Whether this installation is sound: what it needs is there, and what it says can be trusted here.

Each `Finding` is `ok`, or it is not and says what to do; a note is neither. The last ones are small runs with a known
answer, a bound that holds and one that is false: a machine on which the second is not found is no place for verdicts.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from ...errors import InputError

if TYPE_CHECKING:
    from ... import l2o


PACKAGE = "l2obound"
OLDEST = (3, 11)


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is as it should be (None: a note), what was found, and what to do."""

    name: str
    ok: bool | None
    result: str
    advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain strings (JSON)."""
        return asdict(self)


def doctor() -> tuple[Finding, ...]:
    """All findings; a few seconds. Nothing is changed but a file that is written to the cache folder and removed."""
    return tuple(_guarded(look) for look in LOOKS)


def _guarded(look: Callable[[], Finding]) -> Finding:
    """What breaks while looking is itself a finding."""
    try:
        return look()
    except Exception as problem:  # whatever it is: a broken installation may raise anything
        name = look.__name__.removeprefix("_").replace("_", " ")
        return Finding(name, False, f"{type(problem).__name__}: {problem}", "install the package again")


def _python() -> Finding:
    version_found = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "Python", sys.version_info >= OLDEST, version_found, f"use Python {'.'.join(map(str, OLDEST))} or newer"
    )


def _packages() -> Finding:
    from packaging.requirements import Requirement

    wrong, seen = [], 0
    for line in importlib.metadata.requires(PACKAGE) or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        seen += 1
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    return Finding("packages", not wrong, "; ".join(wrong) or f"{seen} as required", "install the package again")


def _weights() -> Finding:
    from ... import l2o

    broken = []
    for name, family in l2o.pretrained_names():
        try:
            l2o.pretrained(name, family)
        except InputError as problem:
            broken.append(str(problem))
    state = "; ".join(broken) or f"{len(l2o.pretrained_names())} sets, each with the hash in its manifest"
    return Finding("shipped weights", not broken, state, "install the package again")


def _cache() -> Finding:
    from ..optima.cache import ENVIRONMENT, cache_folder

    folder = cache_folder(None)
    advice = f"set {ENVIRONMENT} to a folder that can be written to; without a cache every F* is computed anew"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as problem:
        return Finding("cache of F*", False, f"{folder}: {problem.strerror or problem}", advice)
    files = [entry for entry in os.scandir(folder) if entry.is_file()]
    size = sum(entry.stat().st_size for entry in files) / 2**20
    return Finding("cache of F*", True, f"{folder}, {len(files)} files, {size:.1f} MiB", advice)


def _solvers() -> Finding:
    import cvxpy

    needed, there = {"CLARABEL"}, set(cvxpy.installed_solvers())
    missing = sorted(needed - there)
    state = f"{', '.join(missing)} missing" if missing else ", ".join(sorted(there))
    return Finding("solvers", not missing, state, "install clarabel")


def _native_kernel() -> Finding:
    from ...l2o.optimizers import kernel

    there = kernel.available(torch.zeros(1))
    state = "compiled" if there else "not compiled, or switched off: torch does the same, more slowly"
    return Finding("native kernel", True if there else None, state, "install again with a C compiler")


def _devices() -> Finding:
    names = [f"cpu ({torch.get_num_threads()} threads)"]
    names += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return Finding("devices", None, ", ".join(names))


def _figures() -> Finding:
    advice = "unset MPLBACKEND, or install matplotlib again; without figures no report is written"
    try:
        from matplotlib.figure import Figure

        from ..pages.figure_export import file_bytes

        sizes = [len(file_bytes(Figure(), kind)) for kind in ("svg", "pdf")]
    except Exception as problem:  # matplotlib raises a ValueError while it is imported where a setting is wrong
        return Finding("figures", False, f"{type(problem).__name__}: {problem}", advice)
    return Finding("figures", min(sizes) > 0, "svg and pdf", advice)


def _a_true_bound() -> Finding:
    run, problem, certified = _small_run()
    from ..verdicts.verify import verify

    overall = str(verify(run, problem, "ood_last_iterate", optimum=certified).overall)
    return Finding("a bound that holds", overall == "verified", overall, "do not trust verdicts of this installation")


def _a_false_bound() -> Finding:
    from ... import bounds

    run, problem, certified = _small_run()
    from ..verdicts.verify import verify

    false = bounds.get("per_step_descent")
    false = false.replace(rhs=3 * false.rhs)
    overall = str(verify(run, problem, false, optimum=certified).overall)
    advice = "do not trust verdicts of this installation: a false bound is not found"
    return Finding("a bound that is false", overall == "violated", overall, advice)


def _small_run() -> tuple[l2o.Run, l2o.Composite, Any]:
    from ... import l2o
    from ..optima import optimum

    problem = l2o.synthetic.lasso(2, 6, 8)
    run = l2o.rollout(l2o.optimizer("ista"), problem, l2o.synthetic.starts(problem), 5)
    with tempfile.TemporaryDirectory() as folder:  # solved here and now, and not read from a cache
        return run, problem, optimum(problem, cache_dir=folder)


LOOKS: tuple[Callable[[], Finding], ...] = (
    _python, _packages, _devices, _native_kernel, _solvers, _figures, _cache, _weights, _a_true_bound, _a_false_bound,
)  # fmt: skip
"""What is looked at, in this order."""
