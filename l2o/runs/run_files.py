"""Runs in files of any code: iterates as npy, npz, torch or csv, and runs written by `Run.save`."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch

from ...errors import InputError
from ..optimizers.checkpoints import read_torch
from ..problems.composite import Composite
from ..problems.real.files import number
from ..support.files import decode_text, file_size, parse_npz, read_bytes
from .iterates import SHAPES
from .rollout import run_from_iterates
from .run import Run

_NAMES = ("x", "xs", "iterates", "trajectory", "points")
_INSTEAD = "save X (B, K+1, n) with numpy.savez"
_WHAT = "iterates, or a run written by Run.save"


def read_run(path: str | os.PathLike[str], problem: Composite, *, name: str | None = None, dtype: Any = None) -> Run:
    """A run from a file of yours: its iterates, or what `Run.save` wrote. Nothing in a file is run.

    - npz: a run of `Run.save`, or iterates under X, x, xs, iterates, trajectory or points, or as the only array.
    - npy: the iterates.
    - pt, pth: a tensor, a list of tensors, or a dict with the names of an npz (`torch.save`).
    - csv, txt: the iterates of one instance, a row for each step and a column for each variable, with or without a
      header; separated by commas, semicolons, tabs or blanks. One more column, the first, may count 0, 1, 2, ...

    Args:
        path: The file, its kind by its suffix.
        problem: The problem that the iterates belong to.
        name: What the run is called; the name of the file where it is None, and that of the run in one of `Run.save`.
        dtype: The precision in which the run was made, where the file does not have it: "float32" for a csv of a run
            in float32.

    Returns:
        The run, see `run_from_iterates`.

    Raises:
        InputError: If the file cannot be read, is of another kind, or its iterates make no run of the problem.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: expected a file named {', '.join(_READERS)}, with {_WHAT}.")
    if file_size(path, _WHAT) == 0:
        raise InputError(f"{path}: the file is empty; expected {_WHAT}.")
    given = reader(path)
    if isinstance(given, Mapping):
        if path.suffix.lower() == ".npz" and "meta" in given and "objective" in given:
            if dtype is not None:
                raise InputError(f"{path}: it is a run of Run.save and has its precision; leave dtype out.")
            return Run.load(path)
        given = _chosen(given, path)
    if reader is _from_text and given.shape[1] == problem.dim + 1 and (given[:, 0] == np.arange(len(given))).all():
        given = given[:, 1:]
    try:
        return run_from_iterates(problem, given, name=path.stem if name is None else name, dtype=dtype)
    except InputError as reason:
        raise InputError(f"{path}: {reason}{_if_objectives(given, problem)}") from None


def _if_objectives(given: Any, problem: Composite) -> str:
    """What to do with numbers that may be objectives: one for each step, or for each instance and step."""
    shape = np.shape(given) if isinstance(given, (np.ndarray, torch.Tensor)) else ()
    per_step = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    per_instance = len(shape) == 2 and shape[0] == problem.batch_size
    if problem.dim == 1 or not (per_step or per_instance):
        return ""
    return (
        " If these are objectives F(x_k): no bound can be judged from objectives alone, since each needs e_k, G_k or "
        "distances, and so the iterates; l2o.run_from_objectives takes them for a report."
    )


def _chosen(arrays: Mapping[Any, Any], path: Path) -> Any:
    """The iterates among arrays: those called X, else the only one with a usual name, else the only one there is."""
    if "X" in arrays:
        return arrays["X"]
    usual = [key for key in arrays if str(key).lower() in _NAMES]
    candidates = usual or [key for key, value in arrays.items() if isinstance(value, (np.ndarray, torch.Tensor, list))]
    if len(candidates) == 1:
        return arrays[candidates[0]]
    listed = ", ".join(f"{key} {_shape(value)}" for key, value in list(arrays.items())[:8]) or "none"
    raise InputError(f"{path}: which array has the iterates is not clear (it has {listed}); call it X.")


def _shape(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else str(tuple(shape))


def _from_npz(path: Path) -> Mapping[str, np.ndarray]:
    return parse_npz(read_bytes(path, _WHAT), str(path), "an npz of iterates", _INSTEAD)


def _from_npy(path: Path) -> np.ndarray:
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:  # the sizes that its header declares are then checked like those of an npz
        archive.writestr("X.npy", read_bytes(path, _WHAT))
    return parse_npz(packed.getvalue(), str(path), "an npy of iterates", "save it with numpy.save")["X"]


def _from_torch(path: Path) -> Any:
    instead = "save a tensor (B, K+1, n), or a list of tensors"
    loaded = read_torch(read_bytes(path, _WHAT), path, f"a torch file of {_WHAT}", instead)
    if isinstance(loaded, (torch.Tensor, list, tuple, Mapping)):
        return loaded
    raise InputError(f"{path}: expected {SHAPES}, got {type(loaded).__name__}; {instead}.")


def _from_text(path: Path) -> np.ndarray:
    text = decode_text(read_bytes(path, _WHAT), str(path), "a table of numbers")
    lines = [(place, line) for place, line in enumerate(text.splitlines(), 1) if line.strip()]
    lines = [(place, line) for place, line in lines if not line.lstrip().startswith("#")]
    if not lines:
        raise InputError(f"{path}: no row of numbers; expected one for each step.")
    mark = next((m for m in (",", ";", "\t") if m in lines[0][1]), None)
    rows = [(place, next(csv.reader([line], delimiter=mark)) if mark else line.split()) for place, line in lines]
    if any(number(cell.strip()) is None for cell in rows[0][1]):
        rows = rows[1:]
    width = len(rows[0][1]) if rows else 0
    values = []
    for place, cells in rows:
        if len(cells) != width:
            raise InputError(f"{path}: line {place} has {len(cells)} cells, the one before {width}; give all the same.")
        numbers = [number(cell.strip()) for cell in cells]
        if None in numbers:
            cell = cells[numbers.index(None)]
            raise InputError(f"{path}: line {place}: expected numbers with a point, got {cell.strip()[:40]!r}.")
        values.append(numbers)
    if len(values) < 2:
        raise InputError(f"{path}: {len(values)} rows of numbers; expected K+1 >= 2, one for each step.")
    return np.array(values, dtype=float)


_READERS = {
    ".npz": _from_npz, ".npy": _from_npy, ".pt": _from_torch, ".pth": _from_torch, ".csv": _from_text,
    ".txt": _from_text,
}  # fmt: skip
