"""The list of cells of a sweep, each with a key that everything it depends on goes into."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ... import l2o
from ...errors import InputError
from ...l2o.pretrained import manifest
from ...l2o.problems.families import code_digest_of, family_of
from ...l2o.support.config import Section, one_line
from ...l2o.support.memory import data_size, require_memory, run_size
from ..support.provenance import code_digest, versions
from .config import CellSpec, ModelSection, SweepConfig

FORMAT = 1
_PROBLEM_FIELDS = ("family", "rows", "dim", "sparsity", "lam", "condition", "path", "batch", "batches", "seed")


@dataclass(frozen=True)
class Cell:
    """Place in the sweep, what is run, the model behind `spec.optimizer`, and the key its results are kept under."""

    index: int
    spec: CellSpec
    model: ModelSection
    key: str

    @property
    def problem_key(self) -> tuple[Any, ...]:
        """Equal for cells that share their instances."""
        return (*(getattr(self.spec, name) for name in _PROBLEM_FIELDS), self.spec.smoothness)

    @property
    def work(self) -> float:
        """About how many multiplications the cell takes."""
        return 4.0 * self.spec.batch * self.spec.batches * self.spec.rows * self.spec.dim * self.spec.steps

    def describe(self) -> str:
        """The cell in one line, as in "fista on lasso 20 x 40, s = 10, seed 3"."""
        spec = self.spec
        size = f" {spec.rows} x {spec.dim}" if "rows" in family_of(spec.family).fields else ""
        shifts = "".join(f", {name} = {v:g}" for name, v in (("s", spec.s), ("t", spec.t)) if v)
        return f"{spec.optimizer} on {spec.family}{size}{shifts}, seed {spec.seed}"


class Measures(Section):
    """What is measured of every cell."""

    rtol: float
    eps: tuple[float, ...]
    points: int
    bounds: tuple[str, ...]

    @classmethod
    def of(cls, config: SweepConfig) -> Measures:
        """Those of a sweep."""
        return cls(rtol=config.rtol, eps=config.eps, points=config.points, bounds=config.bounds_)


MOST_CELLS = 1_000_000
"""Cells of a sweep; more are not listed, which would take minutes and gigabytes."""


def count_of(config: SweepConfig) -> int:
    """How many combinations the grids have, a cell that is in two of them counted twice; nothing is listed."""
    return sum(math.prod(map(len, axes.values())) for axes in config.grid)


def check_count(config: SweepConfig) -> int:
    """`count_of`, or one clear `InputError` for more than `MOST_CELLS`."""
    count = count_of(config)
    if count > MOST_CELLS:
        raise InputError(
            f"{config.title}: the grids have {count} cells, and a sweep may have {MOST_CELLS}; give fewer values, or "
            f"make several sweeps of it."
        )
    return count


def _check_memory(spec: CellSpec) -> None:
    """Refuse a cell whose data or run do not fit into memory."""
    if "dim" not in family_of(spec.family).fields:
        return
    rows = spec.rows if "rows" in family_of(spec.family).fields else spec.dim
    what, instead = f"{spec.batch} instances of {rows} x {spec.dim}", "ask for a smaller batch, fewer steps or sizes"
    require_memory(data_size(spec.batch, rows, spec.dim), what, instead)
    require_memory(run_size(spec.batch, spec.dim, spec.steps, arrays=False), f"{what}, {spec.steps} steps", instead)


def cells_of(config: SweepConfig) -> tuple[Cell, ...]:
    """Every cell once, in the order of the file; one clear `InputError` for a combination that is none, for too many
    cells, and for one that does not fit into memory.
    """
    check_count(config)
    sizes: set[tuple[Any, ...]] = set()
    common = [FORMAT, versions(), code_digest(), Measures.of(config).model_dump(mode="json")]
    cells: dict[str, Cell] = {}
    identities: dict[tuple[str, str, int | None], dict[str, Any]] = {}
    contents: dict[str, str] = {}
    families: dict[str, str | None] = {}
    for fields in _combinations(config):
        try:
            spec = CellSpec.model_validate(fields)
        except ValidationError as problem:
            values = ", ".join(f"{k} = {v!r}" for k, v in fields.items())
            raise InputError(f"{config.title}: {one_line(problem, CellSpec)} (in the cell {values})") from None
        size = (spec.family, spec.batch, spec.rows, spec.dim, spec.steps)
        if size not in sizes:
            _check_memory(spec)
            sizes.add(size)
        model = config.model_of(spec.optimizer)
        who = (model.key, family_of(spec.family).trained_for, spec.variables)
        if who not in identities:
            identities[who] = identity(model, spec)
        parts = [*common, spec.model_dump(mode="json"), identities[who]]
        if spec.family not in families:
            families[spec.family] = code_digest_of(spec.family)
        if families[spec.family] is not None:
            parts.append(families[spec.family])
        if spec.path is not None:
            parts.append(contents.setdefault(spec.path, _contents(Path(spec.path))))
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
        cells.setdefault(key, Cell(len(cells), spec, model, key))
    return tuple(cells.values())


def _combinations(config: SweepConfig) -> Iterator[dict[str, Any]]:
    for axes in config.grid:
        for values in itertools.product(*axes.values()):
            fields = dict(config.fixed)
            for name, value in zip(axes, values):
                if isinstance(value, dict):
                    fields.update(value)
                else:
                    fields[name] = value
            yield fields


def _contents(path: Path) -> str:
    """Digest of the user's data: a file, or the files of a folder."""
    digest = hashlib.sha256()
    try:
        for file in sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]:
            digest.update(file.name.encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder; expected your data, a file or folder.") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror}); expected your data.") from None
    return digest.hexdigest()


def weights_of(model: ModelSection, spec: CellSpec) -> str | None:
    """Which weights a cell uses: "shipped", "random", "trained", a folder, or None for a method without any."""
    if not model.learned:
        return None
    family = model.shipped_key(spec)
    if model.shipped or (model.weights is None and (model.network, family) in l2o.pretrained_names()):
        manifest(model.network, family)  # its error names the weights that there are
        return "shipped"
    if model.weights is None:
        raise InputError(
            f"{model.key} on {spec.family}: no weights trained for {family} are shipped; give a [[model]] with "
            f'weights = "random", a folder of `l2obound train`, or "trained" and a table train.'
        )
    return model.weights


def identity(model: ModelSection, spec: CellSpec) -> dict[str, Any]:
    """What a model is, for the key of its cells: options, and where its weights come from.

    Of code it holds a digest of the source and of the numbers in what it makes, so that changed code has other cells.
    """
    if model.named:
        source = l2o.resolve_optimizer(model.name, options=model.options)
        return {"name": model.name, "options": model.options, "sha256": source.digest()}
    weights = weights_of(model, spec)
    entry: dict[str, Any] = {"name": model.name, "options": model.options, "weights": weights}
    if weights == "shipped":
        entry["sha256"] = manifest(model.network, model.shipped_key(spec))["sha256"]
    elif weights == "trained":
        entry["training"] = model.training().digest
    elif weights not in (None, "random"):
        entry |= {"weights": "folder", "sha256": l2o.load_trained(weights)[1]["sha256"]}
    return entry


_SMALL = 2e9
"""Cells of less work than this (some ten seconds) are handed out together, so that they share their instances."""
_MOST = 16


def groups_of(cells: Sequence[Cell]) -> list[tuple[Cell, ...]]:
    """Cells that are run together: small ones on the same instances, the others one by one."""
    shared: dict[tuple[Any, ...], list[list[Cell]]] = {}
    for cell in cells:
        groups = shared.setdefault(cell.problem_key, [])
        fits = groups and len(groups[-1]) < _MOST and sum(c.work for c in groups[-1]) + cell.work <= _SMALL
        if fits:
            groups[-1].append(cell)
        else:
            groups.append([cell])
    return [tuple(group) for groups in shared.values() for group in groups]
