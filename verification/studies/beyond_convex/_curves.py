"""What the figures show of runs: stationarity against B10 and the exact worst case, and changes of F against rho."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .... import bounds
from ....l2o import Run
from ...optima import Optimum
from ...runs.inspection import as_numpy, inspect_run
from ...verdicts.evidence import gather
from ...verdicts.verify import verify
from ._methods import PROXIMAL, TRAINED, random
from ._problems import Case

SHOWN = (PROXIMAL, *TRAINED, random(TRAINED[0], 0))
AT = (1, 2, 3, 5, 8, 12, 20, 30, 40, 50, 60, 80, 100)
EXACT_TO = 12
"""The exact worst cases are solved up to this many steps."""
MOST_DOTS = 1500


@dataclass(frozen=True)
class Curve:
    """One run (the first instance), r = 0: min ||G_j||^2 over j <= k, and B10 at those k.

    `exact`: where 1 < k <= EXACT_TO and the method takes exact steps, the exact worst case over all smooth f of the
    same least squared gradient, of x_0..x_{k-1}, for the same L and F(x_0) - F_low.
    """

    family: str
    method: str
    steps: tuple[int, ...]
    least: tuple[float, ...]
    bound: tuple[float | None, ...]
    exact: tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class Scatter:
    """Steps of trained models: rho and the change of F in units of ||G_k||^2/(2L), which B1 bounds by rho^2 - 1."""

    rho: np.ndarray = field(default_factory=lambda: np.zeros(0))
    change: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def with_runs(self, other: Scatter) -> Scatter:
        """Both."""
        return Scatter(np.concatenate([self.rho, other.rho]), np.concatenate([self.change, other.change]))

    def thinned(self) -> Scatter:
        """At most MOST_DOTS of them, evenly taken."""
        take = np.unique(np.linspace(0, len(self.rho) - 1, min(MOST_DOTS, len(self.rho))).astype(int))
        return Scatter(self.rho[take], self.change[take])


def scatter(runs: Mapping[Any, Run], case: Case, optimum: Optimum) -> Scatter:
    """The steps of the runs whose change of F is above rounding."""
    points = Scatter()
    for run in runs.values():
        evidence = gather(run, case.problem, optimum=optimum)
        inspection, q = evidence.inspection, evidence.quantities(1.0)
        usable = inspection.alive[:, 1:] & inspection.in_domain[:, :-1] & inspection.in_domain[:, 1:]
        change = np.diff(inspection.objective, axis=1)
        blur = inspection.objective_error[:, 1:] + inspection.objective_error[:, :-1]
        unit = q.values["G2"] / (2 * q.values["L"][:, None])
        above_rounding = usable & (np.abs(change) > 10 * blur) & (unit > 10 * blur)
        points = points.with_runs(
            Scatter(q.values["sigma"][above_rounding], change[above_rounding] / unit[above_rounding])
        )
    return points


def curves(runs: Mapping[str, Run], case: Case, optimum: Optimum) -> list[Curve]:
    """The curves of the methods that are shown."""
    measured = []
    for method in SHOWN:
        if method not in runs:
            continue
        run = runs[method]
        inspection = inspect_run(run, case.problem)
        gradient, subgradient = inspection.gradient, inspection.subgradient
        assert gradient is not None, "a rollout keeps its iterates"
        assert subgradient is not None, "a rollout keeps its iterates"
        total = gradient[0] + subgradient[0]
        g2 = (total**2).sum(axis=1)
        steps = tuple(k for k in AT if k <= run.steps)
        bound = []
        for k in steps:
            rhs = verify(run.head(k), case.problem, "B10", optimum).rhs[0]
            bound.append(float(rhs) if np.isfinite(rhs) else None)
        scale = float(case.problem.smoothness[0]) * (as_numpy(run.objective)[0, 0] - optimum.lower[0])
        exact = [_exact(k - 1) if method == PROXIMAL and 1 < k <= EXACT_TO else None for k in steps]
        measured.append(
            Curve(
                case.family,
                method,
                steps,
                tuple(float(g2[:k].min()) for k in steps),
                tuple(bound),
                tuple(None if v is None else float(v * scale) for v in exact),
            )
        )
    return measured


def _exact(steps: int) -> float:
    """Exact worst case of min ||grad f(x_j)||^2, j = 0..steps, of gradient descent; L = 1, F(x_0) - inf F <= 1."""
    return bounds.worst_case(
        function_class="smooth_nonconvex", method="gradient", steps=steps, metric="best_gradient", initial="objective"
    ).value
