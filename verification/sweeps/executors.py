"""Where groups of cells are run: in this process, in worker processes (joblib), or on a Dask cluster.

An executor is a function (tasks, run, abandoned) -> iterator of what `run` gives, in any order. `run` catches errors of
cells itself; for a task that workers are lost over, as far as that is known, `abandoned(task, why)` stands in.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...errors import InputError
from ...l2o.support.memory import require_memory

Run = Callable[[Any], Any]
Abandoned = Callable[[Any, str], Any]
Executor = Callable[[Sequence[Any], Run, Abandoned], Iterator[Any]]
_PATIENCE = 3  # times that workers may be lost in a row without anything being finished in between
_WORKER = 300 * 2**20  # bytes of a process that has loaded torch and has nothing to do
_WAITING = 500  # tasks that a scheduler is given at least, while there are some


class WorkersLost(ChildProcessError):
    """Workers went away again and again, or their scheduler did; what was finished is kept."""


def here(tasks: Sequence[Any], run: Run, abandoned: Abandoned) -> Iterator[Any]:
    """One after another, in this process."""
    yield from map(run, tasks)


def processes(jobs: int) -> Executor:
    """On `jobs` processes of this machine. A lost worker (killed, out of memory) costs what it was doing, which is
    done again by new ones.
    """

    def executor(tasks: Sequence[Any], run: Run, abandoned: Abandoned) -> Iterator[Any]:
        from joblib import Parallel, delayed
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        left, failures = dict(enumerate(tasks)), 0
        workers = min(jobs, max(2, len(left)))  # with one, joblib would run the tasks in this process
        what, instead = f"--jobs {jobs}: {workers} processes", "give fewer --jobs"
        require_memory(workers * _WORKER, what, instead)
        while left:
            pool = Parallel(n_jobs=workers, backend="loky", return_as="generator_unordered", batch_size=1)
            results = pool(delayed(_numbered)(run, number, task, os.getpid()) for number, task in left.copy().items())
            try:
                for number, result in results:
                    failures = 0
                    left.pop(number)
                    yield result
            except TerminatedWorkerError as problem:
                failures += 1
                if failures == _PATIENCE:
                    raise WorkersLost(
                        f"worker processes were lost {failures} times in a row, killed or out of memory; what is "
                        f"finished is kept. Start again with fewer --jobs, or smaller cells."
                    ) from problem

    return executor


def _numbered(run: Run, number: int, task: Any, parent: int) -> tuple[int, Any]:
    if os.getpid() != parent:
        _end_with(parent)
    return number, run(task)


@functools.cache
def _end_with(parent: int) -> None:
    """End this worker soon after the process that it works for: it would hold memory and pipes for minutes."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def listens(address: str, timeout: float = 5.0) -> None:
    """One clear `InputError` where nothing listens at `address`, tcp://HOST:PORT: before the work, within `timeout`.

    Dask's own client tries for longer, and goes on trying in a thread that writes tracebacks when it is given up.
    """
    kind, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    if kind not in ("", "tcp", "tls"):
        return  # another protocol of Dask
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise InputError(f"--scheduler: expected tcp://HOST:PORT, got {address!r}.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    except (OSError, UnicodeError) as problem:  # a name that cannot be one is the latter
        raise InputError(f"--scheduler {address}: no Dask scheduler answers there ({problem}).") from None


def dask(address: str, timeout: float = 5.0) -> Executor:
    """On the workers of a running Dask scheduler, which hands what a lost worker was doing to another."""

    def executor(tasks: Sequence[Any], run: Run, abandoned: Abandoned) -> Iterator[Any]:
        try:
            from distributed import CancelledError, Client, KilledWorker, as_completed
        except ImportError:
            raise InputError(
                '--scheduler needs Dask, which is not installed: pip install "l2obound[cluster]".'
            ) from None
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it logs tracebacks of what is said below
        try:
            client = Client(address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError) as problem:
            raise InputError(f"--scheduler {address}: no Dask scheduler answers there ({problem}).") from None
        with client:
            # Tasks are sent as they are needed: a scheduler should not hold a million of them, but more than it has
            # workers at first, since a cluster that adapts itself asks for workers by how many tasks wait.
            waiting, flying, sent = list(reversed(tasks)), as_completed(loop=client.loop), {}

            def send() -> None:
                task = waiting.pop()
                future = client.submit(run, task, pure=False)
                sent[future.key] = task
                flying.add(future)

            for _ in range(min(max(_WAITING, 2 * sum(client.ncores().values())), len(waiting))):
                send()
            for future in flying:
                task = sent.pop(future.key)
                try:
                    result = future.result()
                except KilledWorker as problem:  # several workers died of it, or it was there when they did
                    result = abandoned(task, f"its workers were lost again and again ({problem})")
                except (CancelledError, OSError) as problem:
                    raise WorkersLost(
                        f"the scheduler at {address} is gone; what is finished is kept. Start again with another."
                    ) from problem
                if waiting:
                    send()
                yield result

    return executor
