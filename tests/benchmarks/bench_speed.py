"""Time and memory of training and of runs, next to plain torch, to ISTA and to what the arithmetic must cost.

    python tests/benchmarks/bench_speed.py [--quick] [--threads 2] [--levels] [--out FOLDER]

Every row is measured in a process of its own, so that its peak memory is its own. "Floor": the multiplications of the
network at the rate of a large matrix product and the bytes of A at that of a batched product, each measured here and
now, and nothing else: no exponential, no state of the network, no small operation. What stays above it may still be
the best that can be done; nothing that multiplies with the same instructions can be below.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from l2obound import l2o
from l2obound.l2o.optimizers.kernel import Workspace
from l2obound.l2o.problems import synthetic
from l2obound.l2o.support import native
from l2obound.l2o.training.config import load_config, split_seed
from l2obound.l2o.training.loop import _segment

SIZES = {"20x40": (20, 40), "250x500": (250, 500)}
UNROLL, BATCH, RUN_BATCH = 20, 128, 32
KERNELS = {"1": "ours", "generic": "128 bits", "avx2": "AVX2", "avx512": "AVX-512", "0": "plain torch"}
"""Values of L2OBOUND_KERNEL, and what they are."""
Cost = dict[str, float]
"""`seconds`, and the peak `memory` of the process in GiB."""


def least(function: Callable[[], object], seconds: float) -> float:
    """The shortest of the calls that fit in `seconds`, at least three, after one that warms up.

    On one thread it is the CPU time, on which other work on the machine has less influence.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    function()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 200):
        begun = clock()
        function()
        times.append(clock() - begun)
    return min(times)


def training_step(size: str, name: str, family: str, seconds: float) -> float:
    """Seconds of one update: 20 unrolled iterations of a model on 128 instances, and the gradient."""
    rows, dim = SIZES[size]
    settings = {"model": {"name": name}, "problem": {"rows": rows, "dim": dim}}
    model = load_config(settings).model.build()
    p = {"lasso": synthetic.lasso, "logistic": synthetic.logistic_l1}[family](
        BATCH, rows, dim, seed=split_seed("train")
    ).to(torch.float32)
    x0, workspace = synthetic.starts(p), Workspace()
    state = model.init(p, x0)

    def update() -> None:
        leaves = {n: w.float().requires_grad_() for n, w in model.parameters.items()}
        prepared = model.with_parameters(leaves).prepared(workspace)
        loss, _ = _segment(prepared, p.remembering(), state, UNROLL, "mean")
        torch.autograd.grad(loss, list(leaves.values()))

    return least(update, seconds)


def iteration(size: str, name: str, precision: str, seconds: float) -> float:
    """Seconds of an iteration of the bare method on 32 instances."""
    rows, dim = SIZES[size]
    p = synthetic.lasso(RUN_BATCH, rows, dim, seed=1).to(getattr(torch, precision))
    opt = l2o.optimizer(name)

    @torch.no_grad()
    def run() -> None:
        problem = p.remembering()
        state = opt.init(problem, x0)
        for _ in range(10):
            state = opt.step(problem, state)

    x0 = synthetic.starts(p)
    return least(run, seconds) / 10


def rollout(size: str, name: str, precision: str, seconds: float) -> float:
    """Seconds of an iteration of `l2o.rollout`, which also records what the bounds need."""
    rows, dim = SIZES[size]
    p = synthetic.lasso(RUN_BATCH, rows, dim, seed=1).to(getattr(torch, precision))
    opt, x0 = l2o.optimizer(name), synthetic.starts(p)
    return least(lambda: l2o.rollout(opt, p, x0, 10), seconds) / 10


def long_run(instances: int, steps: int, dim: int) -> float:
    """Seconds of a run whose iterates would fill instances x (steps + 1) x dim numbers, recorded as scalars."""
    p = synthetic.lasso(instances, dim // 10, dim, seed=1)
    begun = time.perf_counter()
    l2o.rollout(l2o.optimizer("go-math-l2o"), p, synthetic.starts(p), steps, record="scalars")
    return time.perf_counter() - begun


def floor(
    size: str, batch: int, iterations: int, passes: int, network_passes: int, precision: str = "float32"
) -> float:
    """Seconds that the multiplications of `iterations` of go-math-l2o must take, at rates measured here."""
    rows, dim = SIZES[size]
    dtype = getattr(torch, precision)
    layout = l2o.optimizer("go-math-l2o").layout
    a, b = torch.randn(2, 2048, 2048, dtype=dtype)
    product = least(lambda: a @ b, 1.0) / 2048**3
    matrix, u = torch.randn(batch, rows, dim, dtype=dtype), torch.randn(batch, 1, rows, dtype=dtype)
    one_pass = least(lambda: torch.bmm(u, matrix), 0.5)
    return iterations * (batch * dim * network_passes * layout.size * product + passes * one_pass)


TASKS: dict[str, Callable[..., float]] = {f.__name__: f for f in (training_step, iteration, rollout, long_run, floor)}


def measured(threads: int, task: str, *arguments: object, kernel: str = "1") -> Cost:
    """The cost of a task in a process of its own; `kernel` is L2OBOUND_KERNEL, "0" for plain torch."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), L2OBOUND_KERNEL=kernel)
    command = [sys.executable, __file__, "--task", json.dumps([task, *arguments])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def peak_memory() -> float:
    """The largest resident memory of this process in GiB. What `getrusage` says counts that of the parent as well."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 2**20


def training_steps(sizes: list[str], threads: int, kernels: list[str]) -> Iterator[dict[str, object]]:
    """Rows of training steps: the kernels in turn, twice each and the shorter, since the machine may be shared."""
    for size in sizes:
        pause = 2.0 if size == "20x40" else 5.0
        floor = measured(threads, "floor", size, BATCH, UNROLL, 2, 3)["seconds"]
        for method, family in (("go-math-l2o", "lasso"), ("l2o-pa", "lasso"), ("go-math-l2o", "logistic")):
            costs: dict[str, list[Cost]] = {kernel: [] for kernel in kernels}
            for _ in range(2):
                for kernel in kernels:
                    costs[kernel].append(measured(threads, "training_step", size, method, family, pause, kernel=kernel))
            plain = min(cost["seconds"] for cost in costs["0"])
            print(f"training step, {family} {size}, {method}, batch {BATCH}, {UNROLL} unrolled; floor {floor:.3f} s")
            for kernel in kernels:
                cost = min(costs[kernel], key=lambda cost: cost["seconds"])
                print(
                    f"  {KERNELS[kernel]:12s} {cost['seconds']:8.3f} s  {cost['memory']:5.2f} GiB"
                    f"   plain torch / it {plain / cost['seconds']:.2f}",
                    flush=True,
                )
                yield {"size": size, "method": method, "family": family, "kernel": kernel, "floor": floor, **cost}


def iterations(sizes: list[str], threads: int) -> Iterator[dict[str, object]]:
    """Rows of iterations, of the bare method and of `rollout`."""
    for size in sizes:
        for precision in ("float32", "float64"):
            floor = measured(threads, "floor", size, RUN_BATCH, 1, 2, 1, precision)["seconds"]
            print(f"iteration, LASSO {size}, batch {RUN_BATCH}, {precision}; floor {1e3 * floor:.3f} ms")
            for task in ("iteration", "rollout"):
                ista = measured(threads, task, size, "ista", precision, 1.0)["seconds"]
                for method in ("ista", "fista", "l2o-pa", "go-math-l2o"):
                    cost = measured(threads, task, size, method, precision, 1.0)
                    print(
                        f"  {task:9s} {method:12s} {1e3 * cost['seconds']:7.3f} ms  {cost['memory']:5.2f} GiB"
                        f"   {cost['seconds'] / ista:.2f} x ISTA",
                        flush=True,
                    )
                    yield {"size": size, "method": method, "precision": precision, "task": task, "floor": floor, **cost}


def main(arguments: list[str] | None = None) -> None:
    """Print the tables, and write them where a folder is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="the small size only")
    parser.add_argument("--levels", action="store_true", help="also each set of instructions")
    parser.add_argument("--long", action="store_true", help="also a run of 1024 x 1001 x 500, some minutes")
    parser.add_argument("--out", type=Path, help="folder for speed.json")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.task:
        task, *rest = json.loads(options.task)
        seconds = TASKS[task](*rest)
        print(json.dumps({"seconds": seconds, "memory": peak_memory()}))
        return
    threads = options.threads
    compiled = "compiled" if native.library() is not None else "NOT COMPILED"
    print(f"{threads} threads; native kernel {compiled}; the shortest of several calls; peak memory of the process")
    sizes = list(SIZES)[:1] if options.quick else list(SIZES)
    tables = {
        "threads": threads,
        "training": list(training_steps(sizes, threads, list(KERNELS) if options.levels else ["1", "0"])),
        "iterations": list(iterations(sizes, threads)),
    }
    if options.long:
        cost = measured(threads, "long_run", 1024, 1000, 500)
        print(f"run of 1024 x 1001 x 500 recorded as scalars: {cost['seconds']:.1f} s, {cost['memory']:.2f} GiB")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "speed.json").write_text(json.dumps(tables, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
