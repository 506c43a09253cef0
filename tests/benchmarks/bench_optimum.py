"""Certified optima of a LASSO batch against a loop over cvxpy and Clarabel.

    python tests/benchmarks/bench_optimum.py [--batch 256] [--rows 250] [--dim 500] [--sample N]

The loop solves every instance unless `--sample` asks for an extrapolation from N of them. Ours includes the certificate
and the cross-check, without the disk cache; making the problems is not counted.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cvxpy
import numpy as np

from l2obound.l2o.problems import Composite, synthetic
from l2obound.verification import optimum


def clarabel(p: Composite, b: int) -> float:
    """The value cvxpy and Clarabel report for instance b at their default tolerances."""
    a, y = p.smooth.map.matrix[b].numpy(), p.smooth.target[b].numpy()
    x = cvxpy.Variable(p.dim)
    lam = float(p.nonsmooth.lam[b if p.nonsmooth.batch_size > 1 else 0, 0])
    return float(
        cvxpy.Problem(cvxpy.Minimize(0.5 * cvxpy.sum_squares(a @ x - y) + lam * cvxpy.norm1(x))).solve(
            solver="CLARABEL"
        )
    )


def main(arguments: list[str] | None = None) -> float:
    """Print both times, their ratio and the largest width; return the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rows", type=int, default=250)
    parser.add_argument("--dim", type=int, default=500)
    parser.add_argument("--sample", type=int, default=None, help="solve N with cvxpy and extrapolate")
    options = parser.parse_args(arguments)

    small = synthetic.lasso(10, 4, 6, seed=1)  # imports and first calls belong to neither side
    optimum(small, cache=False)
    clarabel(small, 0)
    p = synthetic.lasso(options.batch, options.rows, options.dim)
    begun = time.perf_counter()
    o = optimum(p, cache=False)
    ours = time.perf_counter() - begun

    count = min(options.sample or options.batch, options.batch)
    begun = time.perf_counter()
    values = np.array([clarabel(p, b) for b in range(count)])
    loop = (time.perf_counter() - begun) * options.batch / count
    apart = np.abs(values - o.upper[:count]).max()

    kind = "" if count == options.batch else f", extrapolated from {count} instances"
    print(f"LASSO {options.batch} x {options.rows} x {options.dim}")
    print(f"optimum()            {ours:9.2f} s  (cross-checked: {[c.index for c in o.cross_checked]})")
    print(f"cvxpy + Clarabel     {loop:9.2f} s  (loop{kind})")
    print(f"ratio                {loop / ours:9.1f}")
    print(f"relative width, max  {o.relative_width.max():9.2e}")
    print(f"|Clarabel - F*|, max {apart:9.2e}")
    return loop / ours


if __name__ == "__main__":
    main()
