"""How near to F* the shipped weights come, across sizes and shifts, next to classical methods.

    python tests/benchmarks/bench_gaps.py

Mean over held-out instances of (F(x_k) - F*)/F*, in float64. F* is the upper end of a certified interval.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from l2obound import l2o
from l2obound.l2o.training import split_seed
from l2obound.verification import optimum

CASES = (
    ("lasso", 1024, 20, 40, 5, 0.1),
    ("lasso", 32, 250, 500, 50, 0.1),
    ("logistic_l1", 1024, 60, 20, 8, 0.01),
    ("logistic_l1", 64, 200, 50, 20, 0.01),
)
SHIFTS = ((0.0, 0.0), (10.0, 0.0), (0.0, 10.0))
METHODS = ("go-math-l2o", "l2o-pa", "ista", "fista", "fista-restart")
AT = (20, 50, 100)


def main(arguments: list[str] | None = None) -> None:
    """Print a line for each family, size, shift and method."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(arguments)
    for family, batch, rows, dim, sparsity, lam in CASES:
        seed = split_seed("test", 1)
        base = getattr(l2o.synthetic, family)(batch, rows, dim, sparsity=sparsity, lam=lam, seed=seed)
        best = optimum(base).upper[:, None]
        for s, t in SHIFTS:
            p = base.shifted(t) if t else base
            print(f"{family} {rows} x {dim}, {batch} instances, s = {s:g}, t = {t:g}: mean relative gap at k = {AT}")
            for name in METHODS:
                weights = l2o.shipped_family(name, family, dim)
                shipped = (name, weights) in l2o.pretrained_names()
                opt = l2o.pretrained(name, weights) if shipped else l2o.optimizer(name)
                run = l2o.rollout(opt, p, l2o.synthetic.starts(base, seed=seed) + s, max(AT), record="scalars")
                gap = np.maximum(run.objective.numpy() / best - 1, 0.0).mean(0)
                print(f"  {name:14s}" + "".join(f"  {gap[k]:8.1e}" for k in AT), flush=True)


if __name__ == "__main__":
    main()
