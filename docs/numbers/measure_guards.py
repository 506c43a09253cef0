"""Measure what guards, regions and certificates of learned optimizers do.

`python -m docs.numbers run guards FOLDER` calls it, and reads the values for the pages.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2obound import l2o, verification
from l2obound.l2o.optimizers.accelerated_guard import AcceleratedGuard
from l2obound.l2o.pretrained import manifest
from l2obound.l2o.support.threads import one_thread
from l2obound.l2o.training.config import split_seed

FILE = "guards.json"
LEVELS = (1e-2, 1e-4, 1e-6)
"""Gaps, in units of that at the start, to which iterations are counted."""
_STEPS = 250
_COUNT = 48
_MOVED = 10.0
_MODELS = ("go-math-l2o", "l2o-pa")
_CERTIFIED = (*_MODELS, "fista-restart", "ista")
_POINTS = (5, 50)
_WAYS = ("nan", "late", "random", "diverging")
_LAST = 200
"""The last updates of a training, over which its validation score is looked at."""
_RISE = 1e-12  # of an energy, in units of itself: rounding


@dataclass(frozen=True)
class Failing:
    """A base that fails, in one of the ways of `_WAYS`."""

    way: str

    @dataclass(frozen=True)
    class State:
        """Iterate and number of the step."""

        x: torch.Tensor
        k: int = 0

    def init(self, problem: l2o.Composite, x0: torch.Tensor, seed: int = 0) -> State:
        """At x_0."""
        return self.State(x0)

    def step(self, problem: l2o.Composite, state: State) -> State:
        """A step that leads nowhere, or none."""
        x, step = state.x, (1 / problem.smoothness).unsqueeze(-1)
        if self.way == "random":
            x = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(state.k), dtype=x.dtype)
        elif self.way == "diverging":
            x = x - 10 * step * problem.smooth.gradient(x)
        elif self.way == "nan" or state.k == 6:
            x = x * float("nan")
        else:
            x = problem.prox(x - step * problem.smooth.gradient(x), step)
        return self.State(x, state.k + 1)


def _problem(family: str, place: str) -> tuple[l2o.Composite, torch.Tensor]:
    """Instances of the test split and starts, in distribution, or with the start or the objective moved."""
    seed, sizes = split_seed("test"), {"lasso": (20, 40), "logistic_l1": (60, 20)}[family]
    options = {"sparsity": 5} if family == "lasso" else {"sparsity": 8, "lam": 0.01}
    p = getattr(l2o.synthetic, family)(_COUNT, *sizes, seed=seed, **options)
    x0 = l2o.synthetic.starts(p, seed=seed)
    shift = torch.full((p.dim,), _MOVED / p.dim**0.5, dtype=x0.dtype)
    if place == "start":
        x0 = x0 + shift
    return (p.shifted(shift) if place == "objective" else p), x0


@contextmanager
def _watched(paid: list[tuple[torch.Tensor, torch.Tensor]]) -> Iterator[None]:
    """Within it every guard step adds which instances it was made for, and what it cost them, to `paid`."""
    plain = AcceleratedGuard._guard

    def guard(self: AcceleratedGuard, problem: Any, state: Any, due: torch.Tensor) -> Any:
        following, spent = plain(self, problem, state, due)
        paid.append((due.long(), spent))
        return following, spent

    AcceleratedGuard._guard = guard  # type: ignore[method-assign]
    try:
        yield
    finally:
        AcceleratedGuard._guard = plain  # type: ignore[method-assign]


def _measure(optimizer: Any, p: l2o.Composite, x0: torch.Tensor, least: torch.Tensor) -> dict[str, np.ndarray]:
    """Iterations (levels, B) until the gap is small enough, `_STEPS` + 1 where it never is, and what was asked for.

    `calls` are points at which f was asked for until then; of a guard also `guard` gradients and `values`.
    """
    remembering = p.remembering()
    state, paid = optimizer.init(remembering, x0), []
    objective = [p.objective(x0)]
    zero = torch.zeros(len(x0), dtype=torch.int64)
    calls, guard, spent = [getattr(state, "evaluations", zero)], [zero], [zero]
    with torch.no_grad(), _watched(paid):
        for k in range(_STEPS):
            state = optimizer.step(remembering, state)
            objective.append(p.objective(state.x).nan_to_num(nan=float("inf")))
            made, cost = paid.pop() if paid else (zero, zero)
            free = int(k == 0)  # y is x_0, whose gradient is known
            calls.append(getattr(state, "evaluations", zero + k + 1))
            guard.append(guard[-1] + made * (1 - free))
            spent.append(spent[-1] + cost)
    gap = torch.stack(objective, 1) - least.unsqueeze(1)
    found: dict[str, list[np.ndarray]] = {"iterations": [], "calls": [], "guard": [], "values": []}
    series = {"calls": torch.stack(calls, 1), "guard": torch.stack(guard, 1)}
    series["values"] = torch.stack(spent, 1) - series["guard"]
    for level in LEVELS:
        inside = gap <= level * gap[:, :1]
        first = torch.where(inside.any(1), inside.int().argmax(1), _STEPS + 1)
        found["iterations"].append(first.numpy())
        for name, counted in series.items():
            found[name].append(counted.gather(1, first.clamp(max=_STEPS).unsqueeze(1)).squeeze(1).numpy())
    return {name: np.stack(value) for name, value in found.items()}


def _medians(found: np.ndarray) -> list[float]:
    return [float(v) for v in np.median(found, axis=1)]


def _guards(family: str) -> list[dict[str, Any]]:
    """Models alone and under a guard, and bases that fail, against restarted FISTA."""
    rows = []
    for place in ("in", "start", "objective"):
        p, x0 = _problem(family, place)
        least = torch.as_tensor(np.array(verification.optimum(p).upper))
        rival = _measure(l2o.optimizer("fista-restart"), p, x0, least)
        bases = {name: l2o.pretrained(name, family) for name in _MODELS}
        bases |= {way: Failing(way) for way in _WAYS} if place == "in" else {}
        for name, base in bases.items():
            row = {"family": family, "place": place, "base": name, "rival": _medians(rival["iterations"])}
            alone = _measure(base, p, x0, least) if name in _MODELS else None
            for form, restart in (("guarded", False), ("restarted", True)):
                found = _measure(l2o.guaranteed(base, restart=restart), p, x0, least)
                times = found["iterations"] / rival["iterations"]
                row[form] = {
                    **{key: _medians(value) for key, value in found.items()},
                    "times": {"median": _medians(times), "largest": [float(v) for v in times.max(1)]},
                    "calls_per_rival": _medians(found["calls"] / rival["iterations"]),
                }
                if alone is not None:
                    reached = alone["iterations"] <= _STEPS
                    later = np.where(reached, found["iterations"] - alone["iterations"], 0)
                    own = alone["iterations"] + 1  # F(c_k) of the last point included, as the guard counts it
                    row["alone"] = {"iterations": _medians(alone["iterations"]), "missed": int((~reached[1]).sum())}
                    row[form] |= {
                        "later": int(later.max()),
                        "added_calls": _medians(found["calls"] / own - 1),
                        "most_added": float((found["calls"] / own - 1).max()),
                        "gradients": _medians((found["calls"] - found["values"]) / own),
                    }
            rows.append(row)
    return rows


def _regions(family: str) -> list[dict[str, Any]]:
    """Forms of mode "energy" against classical methods."""
    forms = {
        "L2O-PA trained in its region": l2o.pretrained("l2o-pa-energy", family),
        "the shipped L2O-PA moved into it": l2o.guaranteed(f"l2o-pa:{family}", mode="energy"),
        "ISTA": l2o.optimizer("ista"),
        "FISTA": l2o.optimizer("fista"),
        "restarted FISTA": l2o.optimizer("fista-restart"),
    }
    if family == "lasso":
        forms |= {
            "GO-Math-L2O trained in its region, 600 updates": l2o.pretrained("go-math-l2o-energy", family),
            "the shipped GO-Math-L2O moved into it": l2o.guaranteed(f"go-math-l2o:{family}", mode="energy"),
        }
    places = {}
    for place in ("in", "start", "objective"):
        p, x0 = _problem(family, place)
        least = torch.as_tensor(np.array(verification.optimum(p).upper))
        places[place] = {name: _medians(_measure(o, p, x0, least)["iterations"]) for name, o in forms.items()}
    return [{"form": name, **{place: found[name] for place, found in places.items()}} for name in forms]


def _heads() -> dict[str, float]:
    """The heads of the shipped models over 100 steps: median R of GO-Math-L2O, and shares that are in their region."""
    p, x0 = _problem("lasso", "in")
    model, seen = l2o.pretrained("go-math-l2o", "lasso"), []
    state, L = model.init(p, x0), p.smoothness.unsqueeze(-1)
    with torch.no_grad():
        for _ in range(100):
            state = model.step(p, state)
            seen.append((state.preconditioner * L, state.history_weight, state.forgetting))
        r, q, b = (torch.stack(part) for part in zip(*seen, strict=True))
    first, second = 1 / r - 0.5 - 0.5 * (1 - b) ** 2, 0.5 * (1 - b**2)
    inside = (first > 0) & (first * second >= ((q / r + b * (1 - b)) / 2) ** 2)
    pa, kept = l2o.pretrained("l2o-pa", "lasso"), []
    state, pull = pa.init(p, x0), torch.zeros_like(x0)
    with torch.no_grad():
        for _ in range(100):
            state = pa.step(p, state)
            step = state.preconditioner * L
            kept.append((step <= 1) & (pull.abs() <= 1) & (2 * (1 - pull**2) >= (1 / step - 1) * pull**2))
            pull = state.acceleration
    return {
        "median_r": float(r.median()),
        "inside_go_math_l2o": float(inside.double().mean()),
        "inside_l2o_pa": float(torch.stack(kept).double().mean()),
    }


def _rises() -> dict[str, Any]:
    """Steps of networks with any weights in their region, and in how many of them the energy rose beyond rounding."""
    cases = {
        "convex": [("l2o-pa", "motion", f) for f in ("lasso", "logistic_l1", "huber_l1")],
        "other": [("go-math-l2o", "energy", f) for f in ("welsch_l1", "sigmoid_l1", "lasso")],
    }
    counts: dict[str, Any] = {}
    for kind, listed in cases.items():
        steps = rises = 0
        for i, (name, scalar, family) in enumerate(listed):
            p = getattr(l2o.synthetic, family)(100, 20, 40, seed=split_seed("test", 1 + i))
            for seed in range(4):
                base = l2o.optimizer(name, seed=seed)
                weights = {key: (1.0, 3.0, 30.0, 1e3)[seed] * value for key, value in base.parameters.items()}
                opt = l2o.guaranteed(base.with_parameters(weights), mode="energy")
                run = l2o.rollout(opt, p, l2o.synthetic.starts(p, seed=seed), 100)
                total = run.objective + run.scalars[scalar]
                rises += int((total.diff(dim=1) > _RISE * (1 + total[:, 1:].abs())).sum())
                steps += total[:, 1:].numel()
        counts |= {f"steps_{kind}": steps, f"rises_{kind}": rises}
    return counts


def _budgets() -> dict[str, list[float]]:
    """sum_k ||e_k||/R over 100 steps, medians and the largest by place."""
    found: dict[str, list[float]] = {"usual": [], "moved_l2o_pa": []}
    largest = []
    for place in ("in", "start", "objective"):
        p, x0 = _problem("lasso", place)
        minimiser = torch.as_tensor(np.array(verification.optimum(p).x))
        reach = torch.linalg.vector_norm(x0 - minimiser, dim=-1)
        for name in _MODELS:
            run = l2o.rollout(l2o.pretrained(name, "lasso"), p, x0, 100)
            share = torch.linalg.vector_norm(run.deviation, dim=-1).sum(1) / reach
            if place != "objective":
                found["usual"].append(float(share.median()))
                largest.append(float(share.max()))
            elif name == "l2o-pa":
                found["moved_l2o_pa"] = [float(share.median())]
    return {**found, "largest": [max(largest)], "runs": [4 * _COUNT]}


def _certificates() -> dict[str, Any]:
    """Certified and true gaps in units of that at the start, and the CPU time of an instance."""
    p = l2o.synthetic.lasso(192, 20, 40, seed=3)
    least, rows, over, count = np.array(verification.optimum(p).upper), [], 0, 0
    for name, places in (("go-math-l2o", 2), ("l2o-pa", 2), ("fista-restart", 1), ("ista", 1)):
        for moved in (False, True)[:places]:
            x0 = l2o.synthetic.starts(p, seed=3) + moved * _MOVED / p.dim**0.5
            run = l2o.rollout(_optimizer(name), p, x0, 50)
            first = run.objective[:, 0].numpy() - least
            found = verification.run_certificate(run, p, steps=list(_POINTS))
            over, count = over + int((found.lower > least[:, None]).sum()), count + found.lower.size
            true = np.minimum.accumulate(run.objective.numpy(), axis=1)[:, list(_POINTS)] - least[:, None]
            shares = [[float(np.median(gap / first)) for gap in pair] for pair in zip(true.T, found.gap.T, strict=True)]
            rows.append({"optimizer": name, "moved": moved, "shares": shares})
    spent: dict[str, list[float]] = {}
    with one_thread():
        for batch in (1, 32, 64, 192):
            part = p.select(list(range(batch)))
            runs = (l2o.rollout(_optimizer(n), part, l2o.synthetic.starts(part, seed=3), 50) for n in _CERTIFIED)
            spent[str(batch)] = [_time(run, part) / batch for run in runs]
        large = l2o.synthetic.lasso(4, 250, 500, seed=3)
        run = l2o.rollout(l2o.pretrained("l2o-pa", "lasso-250x500"), large, l2o.synthetic.starts(large, seed=3), 200)
        spent["large"] = [_time(run, large) / 4]
        one = large.select([0])
        run = l2o.rollout(l2o.pretrained("l2o-pa", "lasso-250x500"), one, l2o.synthetic.starts(one, seed=3), 31)
        data = json.loads(json.dumps(verification.run_certificate(run, one).to_dict()))
        spent["checker"] = [_least(lambda: verification.check_run_certificate(data, one))]
    return {"rows": rows, "over": over, "count": count, "milliseconds": spent}


def _optimizer(name: str) -> Any:
    return l2o.pretrained(name, "lasso") if name in _MODELS else l2o.optimizer(name)


def _time(run: l2o.Run, problem: l2o.Composite) -> float:
    return _least(lambda: verification.run_certificate(run, problem))


def _least(work: Callable[[], Any]) -> float:
    """The least CPU time of three calls, in ms."""
    spent = []
    for _ in range(3):
        begun = time.process_time()
        work()
        spent.append(1e3 * (time.process_time() - begun))
    return min(spent)


def _trained() -> dict[str, float]:
    """Validation scores on the way of the trainings in a region, as the manifests of their weights have them."""
    slow, fast = manifest("go-math-l2o-energy", "lasso"), manifest("l2o-pa-energy", "logistic_l1")
    last = [score for update, score in slow["validation_curve"] if update >= slow["updates"] - _LAST]
    return {
        "updates": slow["updates"],
        "moved": max(last) - min(last),
        "updates_logistic": fast["updates"],
        "before_logistic": fast["validation_curve"][0][1],
        "after_logistic": fast["validation_loss"],
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, and write the file of results."""
    parser = argparse.ArgumentParser(prog="python docs/numbers/measure_guards.py")
    parser.add_argument("--out", type=Path, required=True)
    folder = parser.parse_args(arguments).out
    folder.mkdir(parents=True, exist_ok=True)
    results = {
        "guards": [*_guards("lasso"), *_guards("logistic_l1")],
        "regions": {family: _regions(family) for family in ("lasso", "logistic_l1")},
        "heads": _heads(),
        "rises": _rises(),
        "budgets": _budgets(),
        "certificates": _certificates(),
        "trained": _trained(),
    }
    (folder / FILE).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
