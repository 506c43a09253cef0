"""The paper's sizes fit in memory: batches are streamed, and a run keeps numbers, not iterates."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from l2obound.verification.studies.experiments import load_experiment
from l2obound.verification.studies.experiments.config import sweep_of
from l2obound.verification.sweeps import cells_of, read_tables

ROOT = Path(__file__).parents[4]
LIMIT = 6 * 2**30
BATCHES = int(os.environ.get("L2OBOUND_BATCHES", "32"))  # of 32 instances; memory does not depend on how many


def peak(process: subprocess.Popen, result: list[int]) -> None:
    """The most memory that a process and its children held together, sampled ten times a second."""
    result.append(0)
    while process.poll() is None:
        total = 0
        try:
            root = psutil.Process(process.pid)
            for one in [root, *root.children(recursive=True)]:
                total += one.memory_info().rss
        except psutil.Error:
            pass
        result[0] = max(result[0], total)
        time.sleep(0.1)


@pytest.mark.slow
def test_figure_3_at_full_size_streams_in_six_gigabytes(tmp_path: Path) -> None:
    """1,024 instances of 250 x 500, 1,000 iterations, 8 shifts, on two processes: some two hours on two cores."""
    cells = cells_of(sweep_of(load_experiment(3), full=True))
    assert {(c.spec.rows, c.spec.dim, c.spec.batch * c.spec.batches, c.spec.steps) for c in cells} == {
        (250, 500, 1024, 1000)
    }
    assert len({c.spec.s for c in cells}) == 8
    command = [
        sys.executable,
        "-m",
        "l2obound.verification.cli.app",
        "experiment",
        "3",
        "--full",
        "--jobs",
        "2",
        "--strict",
    ]
    settings = ["--out", str(tmp_path), "--set", f"batches={BATCHES}"]
    process = subprocess.Popen([*command, *settings], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    results: list[int] = []
    watch = threading.Thread(target=peak, args=(process, results))
    watch.start()
    assert process.wait() == 0
    watch.join()
    assert read_tables(tmp_path / "figure-03").table.num_rows == 32 * BATCHES * len(cells)
    print(f"peak memory {results[0] / 2**30:.2f} GiB")
    assert 2**28 < results[0] < LIMIT
