"""Wall-clock: what starting and a step of a method take, on one thread; measured here, and never twice the same.

A method starts with `init`, which includes L where it needs L (an eigenvalue problem for each instance). Every method
is the torch code that a sweep runs, on a problem that remembers the last gradient, once with a single instance
(latency) and once with the whole batch (throughput, divided by the number of instances). Repeats of all methods
alternate, so that a busy machine is one for all of them; the first is thrown away. A step is the median of the steps
of a repeat: other processes that interrupt a few of them change nothing.

Coordinate descent is timed by scikit-learn's compiled solver, one instance at a time, without its screening of
coordinates: a loop over coordinates in torch would say something about torch. A quadratic form is given to it as least
squares of its Cholesky factor, whose epochs cost the same; the factorisation is not timed.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ....l2o.optimizers import Optimizer
from ....l2o.optimizers.coordinate_descent import CoordinateDescent
from ....l2o.problems import Composite
from ....l2o.support.threads import one_thread

LATENCY, THROUGHPUT = "latency", "throughput"
CLOCKS = (LATENCY, THROUGHPUT)
_MULTIPLICATIONS = 2_000_000  # so many epochs of a compiled solver stand out from the call, some 0.4 ms
_EPOCHS = 10  # fewer than these are lost in the time of a call
_TRIES = 3  # the difference of two calls is soon nonsense where one was interrupted; the shorter ones were not


@dataclass(frozen=True)
class Timing:
    """Seconds of `start` and of one `step`, for one instance, in each repeat."""

    start: tuple[float, ...]
    step: tuple[float, ...]


def measure(
    optimizers: Mapping[str, Optimizer], problem: Composite, x0: torch.Tensor, *, steps: int, repeats: int
) -> dict[str, dict[str, Timing]]:
    """Clock -> method -> timing, over `repeats` repeats of `steps` steps each; under "L" what L alone takes."""
    sizes = {LATENCY: (_part(problem, 1), x0[:1]), THROUGHPUT: (problem, x0)}
    laps: dict[str, dict[str, list[tuple[float, float]]]] = {clock: {} for clock in CLOCKS}
    with one_thread(), torch.no_grad():
        for repeat in range(repeats + 1):
            for clock, (p, start) in sizes.items():
                rows = {"L": (_smoothness(p) / p.batch_size, 0.0)}
                for name, optimizer in optimizers.items():
                    if isinstance(optimizer, CoordinateDescent):
                        rows[name] = _epochs(p, start, repeat % p.batch_size, steps)
                    else:
                        rows[name] = _steps(optimizer, p, start, steps)
                for name, row in rows.items():
                    if repeat:
                        laps[clock].setdefault(name, []).append(row)
    return {clock: {name: Timing(*zip(*rows)) for name, rows in by_name.items()} for clock, by_name in laps.items()}


def _part(problem: Composite, size: int) -> Composite:
    return problem.select(list(range(size)))


def _fresh(problem: Composite) -> Composite:
    """The same problem, with nothing computed yet."""
    return Composite(problem.smooth.to(problem.dtype), problem.nonsmooth)


def _smoothness(problem: Composite) -> float:
    fresh = _fresh(problem)
    begun = time.perf_counter()
    _ = fresh.smoothness
    return time.perf_counter() - begun


def _steps(optimizer: Optimizer, problem: Composite, x0: torch.Tensor, steps: int) -> tuple[float, float]:
    """Seconds of a start and of a step, for one instance of the batch."""
    fresh = _fresh(problem).remembering()
    begun = time.perf_counter()
    state = optimizer.init(fresh, x0)
    marks = [time.perf_counter()]
    for _ in range(steps):
        state = optimizer.step(fresh, state)
        marks.append(time.perf_counter())
    size = problem.batch_size
    return (marks[0] - begun) / size, float(np.median(np.diff(marks))) / size


def _epochs(problem: Composite, x0: torch.Tensor, b: int, epochs: int) -> tuple[float, float]:
    """Seconds of what a call of scikit-learn's solver takes beside its epochs, and of an epoch, on instance b."""
    a, y, lam = _as_lasso(problem, b)
    start = x0[b].numpy()
    short = min(_solve(a, y, lam, start, 1) for _ in range(_TRIES))
    epochs = max(2 * _EPOCHS, epochs, _MULTIPLICATIONS // a.size)
    return start_and_epoch(short, min(_solve(a, y, lam, start, epochs) for _ in range(_TRIES)))


def start_and_epoch(short: tuple[float, int], long: tuple[float, int]) -> tuple[float, float]:
    """Seconds of a start and of an epoch, from the seconds and epochs of a short and of a long call."""
    (least, ran), (whole, more) = short, long
    if more - ran < _EPOCHS or whole <= least:
        return whole, 0.0  # it stopped with nothing left to change: whatever the gap, the call took no longer
    epoch = (whole - least) / (more - ran)
    return max(0.0, least - ran * epoch), epoch


def _solve(a: np.ndarray, y: np.ndarray, lam: float, start: np.ndarray, epochs: int) -> tuple[float, int]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import enet_path

    start = start.copy()  # the solver works in it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        begun = time.perf_counter()
        *_, ran = enet_path(
            a, y, l1_ratio=1.0, alphas=[lam / len(y)], coef_init=start, max_iter=epochs, tol=0.0,
            precompute=False, check_input=False, do_screening=False, return_n_iter=True,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
    return seconds, int(ran[0])


def _as_lasso(problem: Composite, b: int) -> tuple[np.ndarray, np.ndarray, float]:
    """A in the order that the solver wants, y and lam of instance b."""
    one = problem.select([b])
    arrays = one.smooth.arrays()
    if problem.smooth.kind == "quadratic":
        form, linear = arrays["Q"].reshape(problem.dim, -1).numpy(), arrays["c"][0].numpy()
        lower = np.linalg.cholesky(form)
        a, y = lower.T, np.linalg.solve(lower, linear)
    else:
        a, y = arrays["A"].reshape(-1, problem.dim).numpy(), arrays["y"][0].numpy()
    lam = one.nonsmooth.arrays().get("lam")
    return np.asfortranarray(a), np.ascontiguousarray(y), 0.0 if lam is None else float(lam.reshape(-1)[0])


def entries(timings: Mapping[str, Mapping[str, Timing]]) -> dict[str, dict[str, dict[str, Sequence[float]]]]:
    """The same as JSON."""
    return {
        clock: {name: {"start": list(t.start), "step": list(t.step)} for name, t in by_name.items()}
        for clock, by_name in timings.items()
    }


def from_entries(stored: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> dict[str, dict[str, Timing]]:
    """What `entries` wrote."""
    return {
        clock: {name: Timing(tuple(t["start"]), tuple(t["step"])) for name, t in by_name.items()}
        for clock, by_name in stored.items()
    }
