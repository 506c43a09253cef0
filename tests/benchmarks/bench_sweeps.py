"""Sweeps: milliseconds a cell, against a loop over cells that shares no instances and uses one process."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from l2obound.verification.sweeps import SweepConfig, cells_of, load_sweep, run_sweep
from l2obound.verification.sweeps.cells import Measures
from l2obound.verification.sweeps.measure import run_group
from l2obound.verification.sweeps.models import optimizer_of

JOBS = 2


def grid(seeds: int) -> SweepConfig:
    """200 cells a seed: two sizes, five weights, five shifts, four methods."""
    return load_sweep(
        {
            "fixed": {"batch": 4, "steps": 100},
            "grid": [
                {
                    "size": [{"rows": 20, "dim": 40}, {"rows": 10, "dim": 20}],
                    "lam": [0.02, 0.05, 0.1, 0.2, 0.5],
                    "s": [-10, -1, 0, 1, 10],
                    "seed": list(range(seeds)),
                    "optimizer": ["ista", "fista", "fista-restart", "go-math-l2o"],
                }
            ],
        }
    )


def main(arguments: list[str] | None = None) -> None:
    """Time 2,000 cells on two processes, and 200 one by one."""
    few = cells_of(grid(1))
    begun = time.perf_counter()
    for cell in few:
        run_group([cell], {cell.key: optimizer_of(cell, Path())}, Measures.of(grid(1)))
    alone = (time.perf_counter() - begun) / len(few)
    with tempfile.TemporaryDirectory() as folder:
        summary = run_sweep(grid(10), folder, jobs=JOBS)
        swept = summary.seconds / summary.total
        again = run_sweep(grid(10), folder)
    print(f"{summary.total} cells on {JOBS} processes, parquet store included: {summary.seconds:.0f} s")
    print(f"a cell: {1e3 * swept:.0f} ms, alone {1e3 * alone:.0f} ms, ratio {alone / swept:.1f}")
    print(f"the same again, everything reused: {again.seconds:.1f} s")


if __name__ == "__main__":
    main()
