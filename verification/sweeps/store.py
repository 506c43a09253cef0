"""Where a sweep is kept: a folder of small parquet files, one pair a cell, and the tables made of them.

    parts/KEY.curves.parquet    the curve of a cell
    parts/KEY.parquet           its instances; written last, so that a cell is there as a whole or not at all
    failed/KEY.json             the error of a cell that failed
    table.parquet, curves.parquet, cells.parquet    all cells of the sweep, in order: same sweep, same bytes
    timings.parquet             seconds, worker and arithmetic of each cell, which are never the same twice

Files are written beside their place and moved there, so a killed process leaves none that is half written; a file that
a disk has damaged all the same is put aside, said so, and its cell run again. One process may write at a time.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from ...errors import InputError
from ...l2o.support.files import write_bytes
from .cells import Cell
from .measure import Outcome

_COUNTS = ("diverged_at", "reached_")  # columns in which -1 stands for "never" and becomes null
_TIMING, _SEAL = b"l2obound.timing", b"l2obound.sha256"
_TIMINGS = pa.schema(
    {
        "cell": pa.int64(),
        "key": pa.string(),
        "seconds": pa.float64(),
        "worker": pa.string(),
        "arithmetic": pa.string(),
    }
)


@dataclass(frozen=True)
class Worker:
    """Who ran a cell: host and process, and the arithmetic there (`verification.support.provenance.arithmetic`)."""

    name: str = ""
    arithmetic: str = ""


@dataclass(frozen=True)
class Tables:
    """The tables of a sweep (pyarrow).

    `table`: a row per instance of a cell. `curves`: a row per kept step of a cell. `cells`: a row per cell, with its
    status, done, failed or missing, and its error. `timings`: seconds and worker of each finished cell. The columns
    of the cell stand in each row of the first three.
    """

    table: pa.Table
    curves: pa.Table
    cells: pa.Table
    timings: pa.Table


@dataclass
class Store:
    """A sweep's folder. `damaged` lists the files that were put aside."""

    folder: Path
    damaged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("parts", "failed"):
            try:
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            except OSError as problem:
                raise InputError(f"{self.folder}: cannot be used as a sweep's folder ({problem.strerror}).") from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder; an error where another process does. The lock of a killed process is free."""
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"{self.folder}: another process is running this sweep; wait for it, or give another --out."
            ) from None
        except (OSError, NotImplementedError) as problem:  # read-only, or a file system without locks
            raise InputError(f"{self.folder}: cannot be locked ({problem}); give another --out.") from None
        try:
            for name in ("parts", "failed"):
                for torn in (self.folder / name).glob(".*"):  # what a killed process was writing
                    torn.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def _part(self, key: str, kind: str = "") -> Path:
        return self.folder / "parts" / f"{key}{kind}.parquet"

    def keys(self) -> set[str]:
        """Keys of the cells that are done, of this sweep and of others that the folder has seen."""
        return {p.name.removesuffix(".parquet") for p in (self.folder / "parts").glob("*.parquet") if "." not in p.stem}

    def failures(self) -> dict[str, dict[str, Any]]:
        """Key -> error of the cells that failed."""
        failures = {}
        for path in (self.folder / "failed").glob("*.json"):
            try:
                entry = json.loads(path.read_text(encoding="utf-8"))
                failures[path.stem] = {"error": str(entry["error"]), "trace": str(entry["trace"])}
            except (OSError, ValueError, KeyError, TypeError):
                self._put_aside(path)
        return failures

    def forget(self, key: str) -> None:
        """Forget that a cell failed."""
        (self.folder / "failed" / f"{key}.json").unlink(missing_ok=True)

    def put(self, outcome: Outcome, worker: Worker = Worker()) -> None:
        """Keep what came of a cell, at once."""
        if outcome.error is not None:
            entry = {"error": outcome.error, "trace": outcome.trace}
            write_bytes(self.folder / "failed" / f"{outcome.key}.json", json.dumps(entry, indent=1).encode())
            return
        timing = json.dumps(
            {"seconds": outcome.seconds, "worker": worker.name, "arithmetic": worker.arithmetic}
        ).encode()
        write_bytes(self._part(outcome.key, ".curves"), _bytes(_sealed(_arrow(outcome.curves))))
        write_bytes(self._part(outcome.key), _bytes(_sealed(_arrow(outcome.instances), timing)))
        self.forget(outcome.key)

    def read(self, key: str) -> tuple[pa.Table, pa.Table] | None:
        """Instances and curve of a cell, None where they are not there or damaged."""
        pair = []
        for path in (self._part(key), self._part(key, ".curves")):
            try:
                table = pq.read_table(pa.BufferReader(path.read_bytes()), page_checksum_verification=True)
                metadata = table.schema.metadata or {}
                if not _sealed(table, metadata.get(_TIMING, b"")).schema.equals(table.schema, check_metadata=True):
                    raise ValueError("not what was written")  # checksums of pages leave out names and headers
                pair.append(table)
            except FileNotFoundError:
                return None
            except (OSError, pa.ArrowException, ValueError):
                self._put_aside(path)
                return None
        return pair[0], pair[1]

    def _put_aside(self, path: Path) -> None:
        self.damaged.append(path.name)
        os.replace(path, path.with_name(f"{path.name}.damaged"))

    def whole(self, cells: Sequence[Cell]) -> set[str]:
        """Keys of `cells` whose results are there and can be read."""
        there = self.keys()
        return {c.key for c in cells if c.key in there and self.read(c.key) is not None}

    def collect(self, cells: Sequence[Cell], empty: Outcome) -> Tables:
        """The tables of `cells`, in their order, from what is there; with the columns of `empty` if that is nothing."""
        failed = self.failures()
        tables, curves, rows, timings = [], [], [], []
        for cell in cells:
            parts = self.read(cell.key)
            fields = _fields(cell)
            if parts is not None:
                timing = json.loads(parts[0].schema.metadata[_TIMING])
                timings.append({"cell": cell.index, "key": cell.key, **timing})
                tables.append(_beside(fields, parts[0].replace_schema_metadata(None)))
                curves.append(_beside(fields, parts[1].replace_schema_metadata(None)))
            status = "done" if parts is not None else "failed" if cell.key in failed else "missing"
            error = failed[cell.key]["error"] if status == "failed" else None
            rows.append({**fields, "key": cell.key, "status": status, "error": error})
        if not tables:
            tables = [_beside(fields, _arrow(empty.instances))]
            curves = [_beside(fields, _arrow(empty.curves))]
        return Tables(_concat(tables), _concat(curves), _rows(rows), pa.Table.from_pylist(timings, _TIMINGS))


def write_tables(tables: Tables, folder: Path) -> None:
    """Write the tables; each replaces its predecessor as a whole."""
    for name in ("table", "curves", "cells", "timings"):
        write_bytes(folder / f"{name}.parquet", _bytes(getattr(tables, name)))


def read_tables(folder: str | os.PathLike[str]) -> Tables:
    """The tables that `run_sweep` wrote to `folder`; `.to_pandas()` or `.to_pydict()` make of them what you like."""
    tables = {}
    for name in ("table", "curves", "cells", "timings"):
        path = Path(folder) / f"{name}.parquet"
        try:
            tables[name] = pq.read_table(pa.BufferReader(path.read_bytes()), page_checksum_verification=True)
        except FileNotFoundError:
            raise InputError(
                f"{path}: no such table; run the sweep to its end, or `l2obound sweep --collect`."
            ) from None
        except (OSError, pa.ArrowException, ValueError) as problem:
            raise InputError(f"{path}: damaged ({str(problem).splitlines()[0]}); run the sweep again.") from None
    return Tables(**tables)


_NULLABLE = {
    "sparsity": pa.int64(),
    "lam": pa.float64(),
    "condition": pa.float64(),
    "path": pa.string(),
    "error": pa.string(),
}


def _fields(cell: Cell) -> dict[str, Any]:
    return {"cell": cell.index, **cell.spec.model_dump(), "method": cell.model.name}


def _beside(fields: dict[str, Any], table: pa.Table) -> pa.Table:
    """The fields of a cell in every row of its table."""
    clash = set(fields) & set(table.column_names)
    assert not clash, clash
    columns = {
        name: pa.repeat(pa.scalar(value, type=_NULLABLE.get(name)), table.num_rows) for name, value in fields.items()
    }
    return pa.table({**columns, **{name: table[name] for name in table.column_names}})


def _rows(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], type=_NULLABLE.get(name)) for name in rows[0]})


def _concat(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks()


def _arrow(columns: dict[str, np.ndarray]) -> pa.Table:
    """Columns as arrow arrays: NaN becomes null, and so does -1 where it stands for "never"."""
    arrays = {}
    for name, values in columns.items():
        values = np.ascontiguousarray(values)
        if values.dtype.kind == "f":
            arrays[name] = pa.array(values, from_pandas=True)
        elif name.startswith(_COUNTS):
            arrays[name] = pa.array(values, mask=values < 0)
        else:
            arrays[name] = pa.array(values)
    return pa.table(arrays)


def _sealed(table: pa.Table, timing: bytes = b"") -> pa.Table:
    """The table with `timing` and a digest of all that it holds, names and types too."""
    content = [str(table.schema.remove_metadata()), table.to_pydict(), timing.decode()]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest().encode()
    return table.replace_schema_metadata({**({_TIMING: timing} if timing else {}), _SEAL: digest})


def _bytes(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return buffer.getvalue()
