"""Time of small runs alone and beside one spinning process a core, with the threads one gets without asking.

    python tests/benchmarks/bench_beside.py [--before FOLDER] [--out FOLDER]

Medians of wall and CPU time over several processes in turn. Threads that wait for each other cost CPU time, and on
shared cores a time slice at every wait. So beside other work an iteration should take no more CPU time than alone.
`--before` measures a checkout of an earlier version, with its kernel compiled, in turn with this one. Only names are
used that both have. The first version has no folder l2obound.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
BATCHES = (32, 128, 512)
METHODS = ("ista", "go-math-l2o")
STEPS, CALLS, ROUNDS = 10, 15, 3
TRAINING: dict[str, Any] = {
    "model": {"name": "go-math-l2o"},
    "problem": {"family": "lasso", "rows": 20, "dim": 40, "sparsity": 5, "lam": 0.1},
    "training": {"epochs": 1, "batches": 6, "batch": 128, "horizon": 100, "unroll": 20},
    "validation": {"every": 6, "batch": 32, "steps": 20},
}


def median_times(function: Callable[[], object], calls: int = CALLS) -> dict[str, float]:
    """Median `wall` and `cpu` seconds of a call, after one that warms up."""
    function()
    wall, cpu = [], []
    for _ in range(calls):
        clocks = time.perf_counter(), time.process_time()
        function()
        wall.append(time.perf_counter() - clocks[0])
        cpu.append(time.process_time() - clocks[1])
    return {"wall": statistics.median(wall), "cpu": statistics.median(cpu)}


def rows() -> Iterator[dict[str, Any]]:
    """Seconds an iteration, bare and in `rollout`, and an update of a training, of the checkout that is imported."""
    import torch

    if os.environ["FIRST"]:  # which has its packages at the top
        import l2o
    else:
        from l2obound import l2o

    for batch in BATCHES:
        p = l2o.synthetic.lasso(batch, 20, 40, seed=1)
        x0 = l2o.synthetic.starts(p)
        for method in METHODS:
            optimizer = l2o.optimizer(method)

            @torch.no_grad()
            def bare(optimizer: Any = optimizer, p: Any = p, x0: Any = x0) -> None:
                state = optimizer.init(p, x0)
                for _ in range(STEPS):
                    state = optimizer.step(p, state)

            def whole(optimizer: Any = optimizer, p: Any = p, x0: Any = x0) -> None:
                l2o.rollout(optimizer, p, x0, STEPS)

            for task, function in (("step", bare), ("rollout", whole)):
                times = median_times(function)
                yield {"task": task, "method": method, "batch": batch, **{k: t / STEPS for k, t in times.items()}}
    a_batch = TRAINING["training"]["horizon"] // TRAINING["training"]["unroll"]
    updates = a_batch * TRAINING["training"]["batches"]
    times = median_times(lambda: l2o.train(TRAINING), 3)
    yield {"task": "training", "method": "go-math-l2o", "batch": 128, **{k: t / updates for k, t in times.items()}}


@contextmanager
def spinning(processes: int) -> Iterator[None]:
    """Other work on the machine: this many processes that do nothing but compute."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def measured(tree: Path) -> list[dict[str, Any]]:
    """The rows of a checkout, in a process of its own and outside all checkouts."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    environment |= {"PYTHONPATH": str(tree), "FIRST": "" if (tree / "l2obound").exists() else "1"}
    with tempfile.TemporaryDirectory() as elsewhere:
        command = [sys.executable, str(Path(__file__).resolve()), "--task"]
        done = subprocess.run(command, env=environment, cwd=elsewhere, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and write it where a folder is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, help="a checkout of an earlier version, measured in turn with this")
    parser.add_argument("--out", type=Path, help="folder for beside.json")
    parser.add_argument("--task", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.task:
        print(json.dumps(list(rows())))
        return
    table = []
    trees = {"now": HERE} | ({"before": options.before.resolve()} if options.before else {})
    for others in (0, os.cpu_count() or 1):
        rounds: dict[str, list[list[dict[str, Any]]]] = {name: [] for name in trees}
        with spinning(others):
            for _ in range(ROUNDS):
                for name, tree in trees.items():
                    rounds[name].append(measured(tree))
        for name, made in rounds.items():
            for same in zip(*made):
                times = {clock: statistics.median(row[clock] for row in same) for clock in ("wall", "cpu")}
                row = {"version": name, "beside": others, **same[0], **times}
                table.append(row)
                print(
                    f"beside {others} {name:6s} {row['task']:9s} {row['method']:12s} batch {row['batch']:4d}  "
                    f"wall {1e3 * row['wall']:8.3f} ms  CPU {1e3 * row['cpu']:8.3f} ms",
                    flush=True,
                )
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "beside.json").write_text(json.dumps(table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
