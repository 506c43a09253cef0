"""The trade-off between speed in distribution and the exact worst case, for schedules of ten steps.

    python docs/examples/schedules.py --out FOLDER [--limits 3 1.5 none]

trains a schedule for each limit on the worst case, given in multiples of FISTA's and "none" for no limit, and writes
`trade-off.svg`, `trade-off.json` and, for each limit, the certificate in fractions. The page has its CPU time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2obound import bounds, l2o, verification
from l2obound.bounds.worst_cases import checker
from l2obound.l2o.training import split_seed
from l2obound.verification.pages.figure_style import MUTED, SERIES, style
from l2obound.verification.worst_cases.schedules import Schedule

STEPS, ROUNDS = 10, 60
LIMITS = ("3", "1.5", "1.1")
MOST = 200  # iterations of FISTA that are looked at


def instances(split: str, batch: int) -> tuple[l2o.Composite, torch.Tensor]:
    """LASSO 20 x 40, as the shipped models were trained on; of the test split nothing is used in training."""
    seed = split_seed(split, 7)
    problem = l2o.synthetic.lasso(batch, 20, 40, sparsity=5, seed=seed)
    return problem, l2o.synthetic.starts(problem, seed=seed)


def iterations_of_fista(gaps: torch.Tensor, reached: torch.Tensor) -> np.ndarray:
    """(B,) after how many iterations FISTA, with gaps (B, K+1), is as near to F* as `reached` (B,)."""
    there = (gaps <= reached[:, None]).double()
    assert bool(there.any(1).all()), "FISTA was not run for long enough"
    return there.argmax(1).numpy()


def judged(
    schedule: Schedule | None, opt: Any, gaps: torch.Tensor, test: tuple, lowest: torch.Tensor
) -> dict[str, Any]:
    """What a method of ten steps reaches on the test instances, against FISTA."""
    problem, x0 = test
    values = l2o.rollout(opt, problem, x0, STEPS).objective
    gap = values[:, -1] - lowest
    needed = iterations_of_fista(gaps, gap)
    return {
        "log10_share": float(torch.log10(gap / gaps[:, 0]).mean()),
        "fista_iterations": float(needed.mean()),
        "ratio": STEPS / float(needed.mean()),
        "numbers": None if schedule is None else schedule.numbers.tolist(),
    }


def main(out: Path, limits: Sequence[str]) -> None:
    """Train, judge, write."""
    out.mkdir(parents=True, exist_ok=True)
    train, test = instances("train", 192), instances("test", 512)
    fista = bounds.worst_case("composite", method="accelerated_gradient", steps=STEPS)
    lowest = l2o.rollout(l2o.optimizer("fista-restart"), *test, 1500).objective.min(1).values
    gaps = l2o.rollout(l2o.optimizer("fista"), *test, MOST).objective - lowest[:, None]
    rows = []
    exact = bounds.worst_case("composite", method="proximal_gradient", steps=STEPS)
    for name, opt, worst in (("FISTA", l2o.optimizer("fista"), fista), ("ISTA", l2o.optimizer("ista"), exact)):
        rows.append({"name": name, "upper": worst.upper, **judged(None, opt, gaps, test, lowest)})
    for limit in limits:
        number = None if limit == "none" else float(limit) * fista.lower
        try:
            # from exact steps, or where they break the limit from the schedule of the next larger one
            start = None if number is None or exact.upper <= number else rows[-1].get("numbers")
            schedule = verification.train_schedule(*train, steps=STEPS, limit=number, start=start, rounds=ROUNDS)
        except l2o.InputError as problem:
            print(limit, problem)
            continue
        row = {"name": f"limit {limit}", "upper": schedule.worst.upper, "path": schedule.path}
        row |= judged(schedule, schedule.optimizer, gaps, test, lowest)
        certificate = schedule.worst.certificate()
        if certificate is not None:
            row["certified"] = float(checker.check(certificate.data))
            (out / f"certificate-{limit}.json").write_text(json.dumps(certificate.data) + "\n")
        rows.append(row)
        print(json.dumps({k: v for k, v in row.items() if k not in ("numbers", "path")}), flush=True)
        (out / "trade-off.json").write_text(json.dumps({"fista": fista.lower, "rows": rows}, indent=1) + "\n")
    draw(out, fista.lower, rows)


def draw(out: Path, unit: float, rows: list[dict[str, Any]]) -> None:
    """Iterations relative to FISTA's against the worst case relative to FISTA's."""
    from matplotlib.figure import Figure

    with style():
        figure = Figure(figsize=(4.2, 3.0), layout="constrained")
        axes = figure.subplots()
        trained = sorted((r for r in rows if r["numbers"] is not None), key=lambda r: r["upper"])
        axes.plot([r["upper"] / unit for r in trained], [r["ratio"] for r in trained], "o-", color=SERIES[0], ms=4)
        for i, row in enumerate(rows):
            place = (row["upper"] / unit, row["ratio"])
            if row["numbers"] is None:
                axes.plot(*place, "s", color=MUTED, ms=4)
            axes.annotate(row["name"], place, textcoords="offset points", xytext=(4, -10 if i % 2 else 5), fontsize=7)
        axes.set_ylim(bottom=0.0)
        axes.margins(x=0.15)
        axes.set_xlabel("exact worst case after 10 steps / FISTA's")
        axes.set_ylabel("iterations / FISTA's to the same gap")
        figure.savefig(out / "trade-off.svg")


if __name__ == "__main__":
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(prog="python docs/examples/schedules.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limits", nargs="+", default=LIMITS)
    given = parser.parse_args()
    main(given.out, given.limits)
