"""The user's own data: an npz of arrays, or a csv with a header."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ....errors import InputError
from ...support.arrays import as_tensor
from ...support.files import check_memory, decode_text, file_size, read_bytes, read_npz
from ..composite import Composite
from ..constructors import lasso, logistic_l1, quadratic
from .columns import standardised, unit

_ARRAYS = {"lasso": ("A", "y"), "logistic_l1": ("A", "labels"), "quadratic": ("Q", "c")}


def load(
    path: str | os.PathLike[str],
    family: str,
    *,
    lam: Any = None,
    target: str | None = None,
    standardise: bool = False,
    unit_columns: bool = False,
    smoothness: str = "exact",
    dtype: torch.dtype = torch.float64,
) -> Composite:
    """A problem from a file of yours, npz or csv by its suffix; nothing is scaled or dropped unless asked for.

    An npz (`numpy.savez`, no pickles) has A (m,n) or (B,m,n) with y (m,) or (B,m) for "lasso", with labels of the same
    shape for "logistic_l1", or Q and c for "quadratic"; other arrays are ignored. A csv has one header line, then a
    row of numbers per line, separated by commas. Every column has a name: one without (or "Unnamed: 0") is the row
    index that pandas and R write, and an error. Labels are 0 and 1, or -1 and 1 (-1 becomes 0), both present.

    Args:
        path: The file.
        family: "lasso", "logistic_l1" or "quadratic".
        lam: Weight of the l1 norm; by default the array `lam` of an npz (a scalar or (B,)), else 0.1. A quadratic has
            none.
        target: Column of a csv that is y or the labels, by default the last; the others are A.
        standardise: Whether each column of A loses its mean and is divided by its standard deviation (divisor m); a
            constant column becomes zero.
        unit_columns: Whether columns are then scaled to norm 1; zero ones stay zero.
        smoothness: "exact" or "official", for "logistic_l1" only.
        dtype: torch.float32 or torch.float64.

    Returns:
        The problem.

    Raises:
        InputError: If the file cannot be read or its data make no problem, and for an argument that means nothing for
            the family.
    """
    path = Path(path)
    if not isinstance(family, str) or family not in _ARRAYS:
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
    _check_meaning(path, family, lam, standardise or unit_columns, smoothness)
    lam = 0.1 if lam is None else lam
    try:
        if family == "quadratic":
            return quadratic(first, second, dtype=dtype)
        A = as_tensor(first, "A", ndim=(2, 3)).numpy()
        A = standardised(A) if standardise else A
        A = unit(A) if unit_columns else A
        if family == "lasso":
            return lasso(A, second, lam, dtype=dtype)
        return logistic_l1(A, _labels(second), lam, smoothness=smoothness, dtype=dtype)
    except InputError as problem:
        raise InputError(f"{path}: {problem}") from None


def _check_meaning(path: Path, family: str, lam: Any, scaled: bool, smoothness: str) -> None:
    if family == "quadratic" and lam is not None:
        raise InputError(
            f"{path}: lam is the weight of an l1 norm, and a quadratic has none; leave it out, or use "
            f"l2o.quadratic(Q, c, nonsmooth=l2o.l1(lam))."
        )
    if family == "quadratic" and scaled:
        raise InputError(
            f"{path}: standardise and unit_columns scale the columns of A; a quadratic has none, leave them out."
        )
    if family != "logistic_l1" and smoothness != "exact":
        raise InputError(f"{path}: smoothness says how L of a logistic loss is taken; {family} has none, leave it out.")


def _labels(values: np.ndarray) -> np.ndarray:
    labels = as_tensor(values, "labels", ndim=(1, 2)).numpy()
    classes = np.unique(labels)
    if classes.tolist() == [-1.0, 1.0]:
        return (labels + 1.0) / 2.0
    if classes.tolist() != [0.0, 1.0]:
        listed = ", ".join(f"{v:g}" for v in classes[:6])
        listed += f", ... ({classes.size} values)" if classes.size > 6 else ""
        raise InputError(f"labels: expected 0 and 1 (or -1 and 1), both present, found {listed}; map the two classes.")
    return labels


def _from_npz(path: Path, family: str) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    first, second = _ARRAYS[family]
    what = "an npz of arrays"
    if file_size(path, what) == 0:
        raise InputError(f"{path}: the file is empty; save {first} and {second} with numpy.savez.")
    data = read_npz(path, what, f"save {first} and {second} with numpy.savez")
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


_MOST_COLUMNS = 100_000
_BYTES_PER_BYTE = 6  # of memory, while a table is read
_UNNAMED = re.compile(r"(Unnamed: \d+)?")  # what pandas calls a column without a name when it reads one


def _from_csv(path: Path, target: str | None) -> tuple[np.ndarray, np.ndarray]:
    what = "a csv"
    check_memory(_BYTES_PER_BYTE * file_size(path, what), str(path))
    data = read_bytes(path, what)
    decode_text(data, str(path), what)  # for its error
    with io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="") as stream:
        header, table = _table(path, _bounded(path, stream))
    target = header[-1] if target is None else target
    if target not in header:
        raise InputError(f"{path}: no column {target!r} (target); the header has {_some(header)}.")
    at = header.index(target)
    return np.delete(table, at, axis=1), table[:, at]


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f", ... ({len(names)} columns)" if len(names) > 20 else "")


def _bounded(path: Path, lines: Iterable[str]) -> Iterator[str]:
    """The lines, or an error at one of more columns than a table is read with."""
    for place, line in enumerate(lines, 1):
        if line.count(",") >= _MOST_COLUMNS:
            raise InputError(
                f"{path}: line {place} has {line.count(',') + 1} columns; a csv may have {_MOST_COLUMNS}, save an npz."
            )
        yield line


def _table(path: Path, lines: Iterable[str]) -> tuple[list[str], np.ndarray]:
    """Names of the columns, and (m, columns) the numbers below them."""
    reader = csv.reader(lines, skipinitialspace=True)
    header: list[str] = []
    numbers = array("d")
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(path, reader.line_num, cells)
            else:
                numbers.extend(_row(path, reader.line_num, header, cells))
    except csv.Error as problem:
        raise InputError(f"{path}: line {reader.line_num}: not a csv ({problem}).") from None
    if not header:
        raise InputError(f"{path}: the file is empty; expected a header line and rows of numbers.")
    if not numbers:
        raise InputError(f"{path}: a header and no rows; expected rows of numbers below it.")
    return header, np.array(numbers).reshape(-1, len(header))


def _header(path: Path, line: int, cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if any(number(cell) is not None for cell in header):
        raise InputError(f"{path}: line {line} holds numbers; expected a header line that names the columns.")
    if len(header) < 2:
        other = next((words for mark, words in ((";", "semicolons"), ("\t", "tabs")) if mark in header[0]), None)
        advice = f" (it has {other}; save it with commas, and points in the numbers)" if other else ""
        raise InputError(
            f"{path}: line {line}: one column only; expected features and a target, separated by commas{advice}."
        )
    for place, name in enumerate(header, 1):
        if _UNNAMED.fullmatch(name):
            advice = "name each column"
            if place == 1:
                advice = (
                    "it looks like the row index that pandas and R write; leave it out (to_csv(..., index=False), "
                    "write.csv(..., row.names = FALSE)), or name it if it is a feature"
                )
            elif place == len(header):
                advice = "name it, or take off the comma at the end of each line"
            raise InputError(f"{path}: line {line}: column {place} has no name ({name!r}); {advice}.")
    if len(set(header)) < len(header):
        twice = next(name for name, count in Counter(header).items() if count > 1)
        raise InputError(f"{path}: line {line}: column {twice!r} is named twice; make the names different.")
    return header


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> list[float]:
    if len(cells) != len(header):
        advice = ""
        if len(cells) == len(header) + 1:
            advice = " (R writes row names without a name above them: row.names = FALSE leaves them out)"
        elif len(cells) > len(header):
            advice = " (a comma within a number makes two cells of it: write points)"
        raise InputError(f"{path}: line {line} has {len(cells)} cells, the header {len(header)}{advice}.")
    values = []
    for name, cell in zip(header, cells):
        value = number(cell.strip())
        if value is None:
            advice = "; write numbers with a point and without marks between digits" if "," in cell else ""
            beginning = cell.strip() if len(cell) < 80 else cell.strip()[:80] + "..."
            raise InputError(f"{path}: line {line}, column {name!r}: expected a number, got {beginning!r}{advice}.")
        if not math.isfinite(value):
            raise InputError(f"{path}: line {line}, column {name!r}: expected a finite number, got {cell.strip()!r}.")
        values.append(value)
    return values
