"""Running a sweep: what is there is taken over, the rest is run, everything is kept as it comes."""

from __future__ import annotations

import functools
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...l2o.optimizers import Optimizer
from ...l2o.support.files import write_bytes
from ..support.provenance import arithmetic, code_digest, versions
from .cells import Cell, Measures, cells_of, groups_of
from .config import SweepConfig
from .executors import Executor, dask, here, listens, processes
from .measure import Outcome, no_outcome, run_group
from .models import Named, Training, sent_of, train, trainings
from .store import Store, Tables, Worker, write_tables


@dataclass
class Status:
    """Where a sweep is: counts of cells, the same by optimizer, and what happened last."""

    total: int
    reused: int = 0
    ran: int = 0
    failed: int = 0
    what: str = ""
    last_error: str = ""
    by_optimizer: dict[str, list[int]] = field(default_factory=dict)  # [done, failed, total]

    @property
    def done(self) -> int:
        """Cells that need no more work, failed ones too."""
        return self.reused + self.ran + self.failed


@dataclass(frozen=True)
class Summary:
    """What came of it: counts of cells, the tables, and what there is to say.

    `failed` counts the cells without results, of this run and of earlier ones; `elsewhere` the results in the folder
    that are not of this sweep (of other settings, or of another version of the code or of a package).
    """

    folder: Path
    total: int
    reused: int
    ran: int
    failed: int
    missing: int
    elsewhere: int
    damaged: tuple[str, ...]
    seconds: float
    tables: Tables

    def lines(self) -> list[str]:
        """The same for people."""
        lines = [f"{self.total} cells: {self.ran} run, {self.reused} reused, {self.failed} failed"]
        if self.missing:
            lines[0] += f", {self.missing} still to be run"
        if self.damaged:
            lines.append(f"put aside as damaged, and run again: {', '.join(self.damaged)}")
        if self.elsewhere:
            lines.append(
                f"not used: {self.elsewhere} results in {self.folder} of other settings or another version of the code"
            )
        kinds = self.tables.timings["arithmetic"].unique().to_pylist()
        if len(kinds) > 1:
            lines.append(
                f"the cells were run with {len(kinds)} kinds of arithmetic ({' | '.join(kinds)}): their last digits "
                f"need not be those of one machine; timings.parquet names the kind of each"
            )
        if self.failed:
            lines.append("failed cells are kept with their errors in cells.parquet; --retry-failed runs them again")
        return lines


@dataclass(frozen=True)
class Task:
    """A group of cells as it is sent to a worker."""

    cells: tuple[Cell, ...]
    optimizers: dict[str, Optimizer | Named]
    measures: Measures
    version: dict[str, str]

    def __call__(self) -> tuple[list[Outcome], Worker]:
        """The outcomes, and who made them."""
        made = run_group(self.cells, self.optimizers, self.measures)
        return made, Worker(f"{socket.gethostname()}:{os.getpid()}", arithmetic())


def _run(task: Task) -> tuple[list[Outcome], Worker]:
    return task()


def _run_there(task: Task) -> tuple[list[Outcome], Worker]:
    """As `_run`, on another machine: what it finds is kept under the version of the code that sent it."""
    here, there = task.version, _version()
    if here != there:
        names = [name for name in here if here[name] != there.get(name)]
        raise InputError(
            f"the worker on {socket.gethostname()} has other versions of {', '.join(names)} than the process that was "
            f"started; install the same there."
        )
    return task()


@functools.cache
def _version() -> dict[str, str]:
    return {**versions(), "the code of l2obound": code_digest()}


def _abandoned(task: Task, why: str) -> tuple[list[Outcome], Worker]:
    return [Outcome(cell.key, error=f"WorkersLost: {why}") for cell in task.cells], Worker()


def _train(training: Training) -> tuple[Training, str | None]:
    try:
        return train(training), None
    except Exception as problem:  # the cells that wait for it fail with this
        return training, f"{type(problem).__name__}: {' '.join(str(problem).split())}"


def _untrained(training: Training, why: str) -> tuple[Training, str | None]:
    return training, f"WorkersLost: {why}"


def run_sweep(
    config: SweepConfig,
    folder: str | os.PathLike[str],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    retry_failed: bool = False,
    tables: str | os.PathLike[str] | None = None,
    progress: Callable[[Status], None] | None = None,
) -> Summary:
    """Run every cell of `config` that `folder` does not hold, and write the tables there (or to the folder `tables`:
    several sweeps may share what is in `folder`).

    `jobs` processes of this machine do the work, or the workers of the Dask scheduler at the address `scheduler`. The
    results are the same to the byte, if all machines have one `arithmetic` (the timings name it). Each cell is kept in
    the folder as soon as it is done: a run that is stopped in any way is taken up by calling this again. A cell that
    raises is kept with its error and is run again with `retry_failed` only. Models with weights = "trained" are trained
    first, on this machine.

    Raises `InputError` for cells that cannot be, a folder in use or an address without a scheduler, and `WorkersLost`
    where workers are lost again and again.
    """
    begun = time.perf_counter()
    if scheduler is not None:
        listens(scheduler)
    cells, store = cells_of(config), Store(Path(folder))
    local: Executor = here if jobs == 1 else processes(jobs)
    with store.lock():
        _describe(config, Path(tables or folder))
        there, failures = store.whole(cells), store.failures()
        if retry_failed:
            for cell in cells:
                store.forget(cell.key)
            failures = {}
        left = [c for c in cells if c.key not in there and c.key not in failures]
        status = _status(cells, there, failures)

        def tell(what: str) -> None:
            status.what = what
            if progress is not None:
                progress(status)

        def keep(outcome: Outcome, cell: Cell, worker: Worker) -> None:
            store.put(outcome, worker)
            counts = status.by_optimizer[cell.spec.optimizer]
            if outcome.error is None:
                status.ran += 1
                counts[0] += 1
            else:
                status.failed += 1
                counts[1] += 1
                status.last_error = f"{cell.describe()}: {outcome.error}"
            tell(cell.describe())

        tell("starting")
        left = _trained(left, store, local, tell, keep)
        by_key = {cell.key: cell for cell in left}
        tasks = _tasks(left, store.folder, Measures.of(config), keep)
        execute, run = (local, _run) if scheduler is None else (dask(scheduler), _run_there)
        for outcomes, worker in execute(tasks, run, _abandoned):
            for outcome in outcomes:
                keep(outcome, by_key[outcome.key], worker)
        tell("writing the tables")
        return _summary(config, cells, store, tables, len(there), status.ran, begun)


def collect(
    config: SweepConfig, folder: str | os.PathLike[str], *, tables: str | os.PathLike[str] | None = None
) -> Summary:
    """Write the tables of what is there, and run nothing."""
    begun = time.perf_counter()
    cells, store = cells_of(config), Store(Path(folder))
    with store.lock():
        return _summary(config, cells, store, tables, len(store.whole(cells)), 0, begun)


def _summary(
    config: SweepConfig,
    cells: Sequence[Cell],
    store: Store,
    where: str | os.PathLike[str] | None,
    reused: int,
    ran: int,
    begun: float,
) -> Summary:
    tables, folder = store.collect(cells, no_outcome(Measures.of(config))), Path(where or store.folder)
    write_tables(tables, folder)
    statuses = tables.cells["status"].to_pylist()
    return Summary(
        folder=folder,
        total=len(cells),
        reused=reused,
        ran=ran,
        failed=statuses.count("failed"),
        missing=statuses.count("missing"),
        elsewhere=0 if where else len(store.keys() - {c.key for c in cells}),  # a shared store is full of them
        damaged=tuple(store.damaged),
        seconds=time.perf_counter() - begun,
        tables=tables,
    )


def _describe(config: SweepConfig, folder: Path) -> None:
    text = json.dumps(config.model_dump(mode="json", by_alias=True), indent=1, sort_keys=True)
    write_bytes(folder / "sweep.json", (text + "\n").encode())


def _status(cells: Sequence[Cell], there: set[str], failures: dict[str, Any]) -> Status:
    status = Status(len(cells))
    for cell in cells:
        counts = status.by_optimizer.setdefault(cell.spec.optimizer, [0, 0, 0])
        counts[2] += 1
        if cell.key in there:
            status.reused += 1
            counts[0] += 1
        elif cell.key in failures:
            status.failed += 1
            counts[1] += 1
            status.last_error = f"{cell.describe()}: {failures[cell.key]['error']}"
    return status


def _trained(
    cells: list[Cell],
    store: Store,
    execute: Executor,
    tell: Callable[[str], None],
    keep: Callable[[Outcome, Cell, Worker], None],
) -> list[Cell]:
    """Train what `cells` need; those whose training fails are kept as failed, the others come back."""
    wanted = [t for t in trainings(cells, store.folder) if not t.done]
    broken: dict[str, str] = {}
    for number, (training, error) in enumerate(execute(wanted, _train, _untrained)):
        tell(f"trained {training.model.key} ({number + 1} of {len(wanted)})")
        if error is not None:
            broken[training.folder.name] = error
    left = []
    for cell in cells:
        digest = cell.model.training_key if cell.model.train is not None else ""
        if digest in broken:
            keep(Outcome(cell.key, error=f"training of {cell.model.key}: {broken[digest]}"), cell, Worker())
        else:
            left.append(cell)
    return left


def _tasks(
    cells: list[Cell], folder: Path, measures: Measures, keep: Callable[[Outcome, Cell, Worker], None]
) -> list[Task]:
    made: dict[tuple[str, str, int | None], Optimizer | Named] = {}
    optimizers: dict[str, Optimizer | Named] = {}
    usable = []
    for cell in cells:
        try:
            who = (
                cell.model.key,
                cell.spec.family,
                cell.spec.variables,
            )  # weights are those of the family and the size
            if who not in made:
                made[who] = sent_of(cell, folder)
            optimizers[cell.key] = made[who]
            usable.append(cell)
        except Exception as problem:  # weights that cannot be loaded fail their cells; the others go on
            keep(Outcome(cell.key, error=f"{type(problem).__name__}: {' '.join(str(problem).split())}"), cell, Worker())
    return [Task(group, {c.key: optimizers[c.key] for c in group}, measures, _version()) for group in groups_of(usable)]
