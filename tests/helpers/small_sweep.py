"""Sweeps that the tests share, and the processes that are killed in the middle of one.

`python -m tests.helpers.small_sweep kill FOLDER MOMENTS SEED` runs the sweep in a child process that is killed
(SIGKILL) MOMENTS times, at random moments, then to its end; `... cluster FOLDER` runs it on a Dask cluster of two
workers, one of which is killed half-way.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from l2obound.verification.sweeps import Status, Summary, load_sweep, run_sweep

GRID = {
    "title": "small",
    "eps": [1e-2, 1e-6],
    "points": 10,
    "fixed": {"batch": 2, "steps": 30},
    "grid": [
        {
            "size": [{"rows": 6, "dim": 10}, {"rows": 10, "dim": 6}],
            "seed": [0, 1, 2],
            "s": [0.0, 10.0],
            "optimizer": ["ista", "fista", "go-math-l2o", "wild", "nesterov"],
        }
    ],
    "model": [{"key": "wild", "name": "ista", "options": {"step": 5.0}}],
}
TRAIN = {
    "problem": {"rows": 4, "dim": 6, "sparsity": 2},
    "training": {"epochs": 1, "batches": 2, "batch": 4, "horizon": 10, "unroll": 5},
    "validation": {"every": 1, "batch": 4, "steps": 5},
}
"""A training of a few seconds, for a model of a sweep."""
CELLS, BROKEN = 60, 12  # nesterov does not run on the l1 norm


def sweep(folder: Path, **options: object) -> Summary:
    return run_sweep(load_sweep(GRID), folder, **options)


def _killed(folder: Path, moments: int, seed: int) -> None:
    rng, kills, done = random.Random(seed), 0, 0
    while kills < moments:
        child = os.fork()
        if child == 0:
            sweep(folder)
            os._exit(0)
        time.sleep(rng.uniform(0.0, 0.12))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        there = len(list((folder / "parts").glob("*.parquet"))) if folder.exists() else 0
        assert there >= done, "a finished cell was lost"
        done = there
        if not os.WIFSIGNALED(status):
            break
    print(kills, "kills;", done, "files before the last run;", sweep(folder).lines()[0])


def _on_a_cluster(folder: Path) -> None:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            victim = sorted(client.run(os.getpid).values())[0]
        killed = []

        def kill_half_way(status: Status) -> None:
            if status.done >= CELLS // 2 and not killed:
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

        summary = sweep(folder, scheduler=cluster.scheduler_address, progress=kill_half_way)
        assert killed
        print(summary.lines()[0])


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2])
    if what == "kill":
        _killed(where, int(sys.argv[3]), int(sys.argv[4]))
    else:
        _on_a_cluster(where)
