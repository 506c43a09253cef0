"""The user's own data: an npz of arrays, or a csv with a header."""

from __future__ import annotations

import csv
import io
import math
import os
from pathlib import Path

import numpy as np
import torch

from l2o._arrays import as_tensor
from l2o._errors import InputError
from l2o._files import read_npz
from l2o.problems.composite import Composite
from l2o.problems.constructors import lasso, logistic_l1, quadratic
from l2o.problems.real.columns import standardised, unit

_ARRAYS = {"lasso": ("A", "y"), "logistic_l1": ("A", "labels"), "quadratic": ("Q", "c")}


def load(
    path: str | os.PathLike[str],
    family: str,
    *,
    lam: float | None = None,
    target: str | None = None,
    standardise: bool = False,
    unit_columns: bool = False,
    smoothness: str = "exact",
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """A problem from a file of yours, npz or csv by its suffix; nothing is scaled or dropped unless asked for.

    npz (`numpy.savez`, no pickles): A (m,n) or (B,m,n) with y (m,) or (B,m) for "lasso", with labels of the same shape
    for "logistic_l1", or Q and c for "quadratic"; other arrays are ignored. `lam` is the argument, else the file's
    array `lam` (a scalar or (B,)), else 0.1. csv: one header line, then a row of numbers per line, separated by
    commas; column `target` (default: the last) is y or the labels, the others are A.

    Labels are 0 and 1, or -1 and 1 (-1 becomes 0), both present. `standardise` takes the mean off each column of A and
    divides by the standard deviation (divisor m), a constant column becoming zero; `unit_columns` then scales columns
    to norm 1, zero ones staying zero.
    """
    path = Path(path)
    if family not in _ARRAYS:
        raise InputError(f"load: family: expected {', '.join(_ARRAYS)}, got {family!r}.")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        if target is not None:
            raise InputError(f"{path}: target names a column of a csv; an npz has {' and '.join(_ARRAYS[family])}.")
        first, second, stored = _from_npz(path, family)
        lam = stored if lam is None else lam
    elif suffix == ".csv":
        if family == "quadratic":
            raise InputError(f"{path}: a quadratic needs Q and c, in an npz.")
        first, second = _from_csv(path, target)
    else:
        raise InputError(f"{path}: expected a file named .npz or .csv.")
    lam = 0.1 if lam is None else lam
    try:
        if family == "quadratic":
            if standardise or unit_columns:
                raise InputError("standardise and unit_columns scale the columns of A; a quadratic has none.")
            return quadratic(first, second, dtype=dtype)
        A = as_tensor(first, "A", ndim=(2, 3)).numpy()
        A = standardised(A) if standardise else A
        A = unit(A) if unit_columns else A
        if family == "lasso":
            return lasso(A, second, lam, dtype=dtype)
        return logistic_l1(A, _labels(second), lam, smoothness=smoothness, dtype=dtype)
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from None


def _labels(values: np.ndarray) -> np.ndarray:
    labels = as_tensor(values, "labels", ndim=(1, 2)).numpy()
    found = np.unique(labels)
    if found.tolist() == [-1.0, 1.0]:
        return (labels + 1.0) / 2.0
    if found.tolist() != [0.0, 1.0]:
        shown = ", ".join(f"{v:g}" for v in found[:6]) + (f", ... ({found.size} values)" if found.size > 6 else "")
        raise InputError(f"labels: expected 0 and 1 (or -1 and 1), both present, found {shown}; map the two classes.")
    return labels


def _from_npz(path: Path, family: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    first, second = _ARRAYS[family]
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; save {first} and {second} with numpy.savez.")
    data = read_npz(path, "an npz of arrays", f"save {first} and {second} with numpy.savez")
    for name in (first, second):
        if name not in data:
            raise InputError(
                f"{path}: no array {name}; {family} needs {first} and {second}, the file has "
                f"{', '.join(sorted(data)) or 'none'}."
            )
    return data[first], data[second], data.get("lam")


def number(cell: str) -> float | None:
    """The number that a cell of a table holds, None if it holds none."""
    try:
        return None if "_" in cell else float(cell)  # float() reads 1_000, which no table means
    except ValueError:
        return None


def _from_csv(path: Path, target: str | None) -> tuple[np.ndarray, np.ndarray]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a csv.") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror}); expected a csv.") from None
    except UnicodeDecodeError as problem:
        raise InputError(f"{path}: not UTF-8 text (byte {problem.start}); expected a csv.") from None
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    header: list[str] = []
    rows: list[list[float]] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(path, reader.line_num, cells)
            else:
                rows.append(_row(path, reader.line_num, header, cells))
    except csv.Error as problem:
        raise InputError(f"{path}: line {reader.line_num}: not a csv ({problem}).") from None
    if not header:
        raise InputError(f"{path}: the file is empty; expected a header line and rows of numbers.")
    if not rows:
        raise InputError(f"{path}: a header and no rows; expected rows of numbers below it.")
    target = header[-1] if target is None else target
    if target not in header:
        raise InputError(f"{path}: no column {target!r} (target); the header has {', '.join(header)}.")
    table, at = np.asarray(rows), header.index(target)
    return np.delete(table, at, axis=1), table[:, at]


def _header(path: Path, line: int, cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if any(number(cell) is not None for cell in header):
        raise InputError(f"{path}: line {line} holds numbers; expected a header line that names the columns.")
    if len(header) < 2:
        raise InputError(f"{path}: line {line}: one column only; expected features and a target, separated by commas.")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f"{path}: line {line}: column {twice[0]!r} is named twice; make the names different.")
    return header


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> list[float]:
    if len(cells) != len(header):
        raise InputError(f"{path}: line {line} has {len(cells)} cells, the header {len(header)}.")
    values = []
    for name, cell in zip(header, cells):
        value = number(cell.strip())
        if value is None:
            raise InputError(f"{path}: line {line}, column {name!r}: expected a number, got {cell.strip()!r}.")
        if not math.isfinite(value):
            raise InputError(f"{path}: line {line}, column {name!r}: expected a finite number, got {cell.strip()!r}.")
        values.append(value)
    return values
