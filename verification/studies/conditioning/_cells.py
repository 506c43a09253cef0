"""The table: every method on every point in its precisions, the outcome of each run, and the cause of each failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...runs.inspection import as_numpy
from . import _causes
from ._causes import Evidence, Outcome
from ._heads import limiting_heads
from ._measure import Traces, follow
from ._methods import PLAIN, method
from ._points import CERTIFIED, FLOAT32, FLOAT64, Field, Point
from ._theory import modes_stable, promised_steps

Outcomes = Mapping[tuple[str, str, Point], tuple[Outcome, ...]]
"""(method, dtype, point) -> an outcome for each instance."""


@dataclass(frozen=True)
class Cell:
    """A method at one point in one precision: I runs.

    `axes` the point belongs to; `iterations` until the share eps of the initial gap, None where it is not reached;
    `gaps`, that share at the end, None where a run diverges; `causes` and `evidence` of each failed run, None where it
    converged. `promised`: steps that theory promises a gradient step with the same declared L, the most over the
    instances.
    """

    family: str
    axes: tuple[str, ...]
    method: str
    dtype: str
    kappa: float
    L: float
    c: float
    iterations: tuple[int | None, ...]
    gaps: tuple[float | None, ...]
    more: tuple[float | None, ...]
    grew: int
    causes: tuple[str | None, ...]
    evidence: tuple[str | None, ...]
    promised: float | None

    @property
    def point(self) -> Point:
        """Where it is."""
        return Point(self.kappa, self.L, self.c)

    @property
    def failed(self) -> int:
        """Runs that did not converge."""
        return sum(cause is not None for cause in self.causes)

    @property
    def median(self) -> float | None:
        """Median of the iterations, None unless all runs converged."""
        return None if None in self.iterations else float(np.median([v for v in self.iterations if v is not None]))

    @property
    def worst_gap(self) -> float | None:
        """The largest gap at the end; None where a run diverges."""
        return None if None in self.gaps else max(g for g in self.gaps if g is not None)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        lists = ("axes", "iterations", "gaps", "more", "causes", "evidence")
        return {**asdict(self), **{name: list(getattr(self, name)) for name in lists}, "failed": self.failed}


def run_all(
    fields: Mapping[str, Field],
    methods: Sequence[str],
    steps: int,
    eps: float,
    seed: int,
    progress: Callable[[str], None],
) -> Outcomes:
    """The outcomes on each of `fields`, by precision."""
    outcomes: dict[tuple[str, str, Point], tuple[Outcome, ...]] = {}
    for dtype, field in fields.items():
        for name in methods:
            progress(f"{field.family}, {name}, {dtype}")
            traces = follow(method(name), field, dtype, steps, eps, seed)
            for point in field.points:
                outcomes[name, dtype, point] = tuple(_outcome(traces, b, eps) for b in field.rows(point))
    return outcomes


def _outcome(t: Traces, b: int, eps: float) -> Outcome:
    return _causes.outcome_of(t.gap[b], t.blur[b], t.reached[b], t.grew[b], t.step[b], t.rounding[b], eps)


def promises(field: Field, eps: float) -> dict[Point, tuple[float | None, ...]]:
    """For each point and instance, the steps that theory promises a gradient step with a declared L of c L."""
    L, mu = as_numpy(field.judge.smoothness), as_numpy(field.judge.strong_convexity)
    if not field.judge.nonsmooth.is_zero:
        mu = np.zeros_like(mu)  # the form of B9 that is used needs r = 0
    relative = field.start / (L * field.R**2)
    eps = (1 - CERTIFIED) * eps  # a run is held against the lower end of an interval of F* that may be this wide
    return {
        point: tuple(promised_steps(point.c, mu[b] / L[b], relative[b], eps) for b in field.rows(point))
        for point in field.points
    }


def cells(
    fields: Mapping[str, Field],
    outcomes: Outcomes,
    methods: Sequence[str],
    axes: Mapping[str, Sequence[Point]],
    central_L: float,
    steps: int,
    eps: float,
) -> tuple[Cell, ...]:
    """The cells of a family; `axes` names the points of each axis."""
    promised = promises(fields[FLOAT64], eps)
    rest = {name: limiting_heads(method(name)) for name in methods}
    table = []
    for dtype, field in fields.items():
        for name in methods:
            for point in field.points:
                runs = outcomes[name, dtype, point]
                unstable = _unstable_at_rest(rest[name], point, field)
                decided = [
                    (None, None)
                    if run.reached is not None
                    else _causes.classify(
                        _evidence(outcomes, promised, name, dtype, point, i, central_L, steps, unstable)
                    )
                    for i, run in enumerate(runs)
                ]
                theory = promised[point]
                table.append(
                    Cell(
                        field.family,
                        tuple(axis for axis, points in axes.items() if point in points),
                        name,
                        dtype,
                        point.kappa,
                        point.L,
                        point.c,
                        tuple(run.reached for run in runs),
                        tuple(run.gap for run in runs),
                        tuple(run.more for run in runs),
                        sum(run.grew for run in runs),
                        tuple(cause for cause, _ in decided),
                        tuple(words for _, words in decided),
                        None if None in theory else max(v for v in theory if v is not None),
                    )
                )
    return tuple(table)


def _unstable_at_rest(rest: tuple[float, float, float] | None, point: Point, field: Field) -> bool | None:
    """Whether by B14 the heads at rest are unstable on this spectrum, with the declared L; None if it says nothing."""
    if rest is None or not field.exact.nonsmooth.is_zero:
        return None
    r, q, b = rest
    return not bool(modes_stable(r / point.c, q, b, point.kappa))


def _evidence(
    outcomes: Outcomes,
    promised: Mapping[Point, tuple[float | None, ...]],
    name: str,
    dtype: str,
    point: Point,
    i: int,
    central_L: float,
    steps: int,
    rest_unstable: bool | None,
) -> Evidence:
    def other(method_: str, dtype_: str, at: Point) -> Outcome | None:
        runs = outcomes.get((method_, dtype_, at))
        return None if runs is None else runs[i]

    with_true_L = Point(point.kappa, point.L, 1.0)
    central = Point(point.kappa, central_L, point.c)
    return Evidence(
        outcomes[name, dtype, point][i],
        steps,
        twin=other(name, FLOAT64, point) if dtype == FLOAT32 else None,
        rescaled=other(name, dtype, central) if central != point else None,
        plain=other(PLAIN, FLOAT64, point),
        plain_true=other(PLAIN, FLOAT64, with_true_L),
        promised=promised[point][i],
        rest_unstable=rest_unstable,
        promised_true=promised[with_true_L][i] if with_true_L in promised else None,
        same_method_true_L=other(name, dtype, with_true_L) if with_true_L != point else None,
    )


def broken_promises(table: Sequence[Cell], steps: int) -> list[str]:
    """Gradient steps in float64 that have not converged when theory promises it: a defect, of theory or of program."""
    return [
        f"{c.family}, kappa = {c.kappa:g}, L = {c.L:g}, c = {c.c:g}: a gradient step has not converged within "
        f"{c.promised:g} steps, as theory promises"
        for c in table
        if c.method == PLAIN and c.dtype == FLOAT64 and c.promised is not None and c.promised <= steps
        if any(reached is None or reached > c.promised for reached in c.iterations)
    ]
