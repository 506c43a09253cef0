"""Measuring the quantities of many long runs and evaluating every bound on them, streamed in chunks.

    python tests/benchmarks/bench_bounds.py [--runs 1000] [--steps 1000] [--dim 500]

The arrays of the runs are given: making them is not timed. Two threads take chunks in turn (NumPy lets go of the lock).
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from l2obound import bounds

CHUNK, THREADS = 20, 2
NAMES = [name for name in bounds.names(variants=True) if bounds.get(name).on_runs]


def arrays(runs: int, steps: int, dim: int, seed: int) -> dict[str, np.ndarray]:
    """Arrays of a chunk of runs, as `bounds.measure` takes them."""
    rng = np.random.default_rng(seed)
    shape = (runs, steps, dim)
    return {
        "x": rng.standard_normal((runs, steps + 1, dim)),
        "gradient": rng.standard_normal(shape),
        "subgradient": rng.uniform(-0.1, 0.1, shape),
        "preconditioner": rng.uniform(0.1, 1.0, shape),
        "objective": rng.random((runs, steps + 1)),
        "comparator": rng.standard_normal((runs, dim)),
        "comparator_objective": np.zeros(runs),
        "comparator_residual": np.full(runs, 1e-12),
        "L": np.ones(runs),
        "gradient_error": np.full((runs, steps), 1e-14),
        "end_gradient": rng.standard_normal((runs, dim)),
        "comparator_gradient": rng.standard_normal((runs, dim)),
        "strong_convexity": np.zeros(runs),
        "objective_lower": np.zeros(runs),
        "mean_objective": rng.random(runs),
    }


def judge(arguments: dict[str, np.ndarray]) -> int:
    """Measure and evaluate everything; the number of values."""
    quantities = bounds.measure(**arguments, facts=dict.fromkeys(bounds.quantities.FACTS, True))
    return sum(bounds.get(name).evaluate(quantities).rhs.size for name in NAMES)


def main(arguments: list[str] | None = None) -> None:
    """Print seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option, default in (("--runs", 1000), ("--steps", 1000), ("--dim", 500)):
        parser.add_argument(option, type=int, default=default)
    o = parser.parse_args(arguments)
    seconds, count, values = 0.0, 0, 0
    # the same numbers again and again: what is timed does not look at them
    chunks = [arrays(CHUNK, o.steps, o.dim, seed) for seed in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        while count < o.runs:
            start = time.perf_counter()
            values += sum(pool.map(judge, chunks))
            seconds += time.perf_counter() - start
            count += CHUNK * THREADS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(NAMES)} bounds on {count} runs of {o.steps} steps, {o.dim} variables, {THREADS} threads")
    print(f"  {seconds:.1f} s, {1e3 * seconds / count:.1f} ms a run, {values} values; peak memory {peak:.2f} GiB")


if __name__ == "__main__":
    main()
