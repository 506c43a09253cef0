"""The settings, the runs, and the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from l2obound import l2o
from l2obound.verification import Verdict, optimum, verify
from l2obound.verification.studies.framework import Context, now, plain, require_at_least, require_some

OPTIMIZERS = ("go-math-l2o", "l2o-rnnprop", "ista")


@dataclass(frozen=True)
class Settings:
    """`batch` instances of LASSO, on which each of `optimizers` takes `steps` steps."""

    optimizers: tuple[str, ...] = OPTIMIZERS
    batch: int = 8
    steps: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        require_some("optimizers", self.optimizers, OPTIMIZERS)
        require_at_least(self, {"batch": 1, "steps": 1})


def quick(settings: Settings) -> Settings:
    """A smaller version of the same question."""
    return replace(settings, batch=3, steps=10)


@dataclass(frozen=True)
class Row:
    """An optimizer on one instance.

    Attributes:
        optimizer: Its name.
        instance: The number of the instance.
        ratio: B6c over B3 after each number of steps; None where B6c does not apply.
        lead: For how many steps, from the first on, the ratio is below 1.
        violated: The numbers of steps after which B6c is violated; there should be none.
    """

    optimizer: str
    instance: int
    ratio: tuple[float | None, ...]
    lead: int
    violated: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """A row for each optimizer and instance."""

    settings: Settings
    rows: tuple[Row, ...]
    created: str

    @property
    def broken(self) -> tuple[Row, ...]:
        """Rows in which a proved bound is violated: a defect."""
        return tuple(row for row in self.rows if row.violated)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""
        return {"settings": plain(self.settings), "created": self.created, "rows": [vars(r) for r in self.rows]}


def run(settings: Settings, context: Context) -> Result:
    """B6c knows the deviations of the run; B3 is L R^2/(2K), which it would promise if there were none."""
    problem = l2o.synthetic.lasso(settings.batch, 20, 40, seed=settings.seed)
    x0 = l2o.synthetic.starts(problem, seed=settings.seed)
    best = optimum(problem)
    rows = []
    for done, name in enumerate(settings.optimizers):
        context.progress(done, len(settings.optimizers), name)
        learned = (name, "lasso") in l2o.pretrained_names()
        optimizer = l2o.pretrained(name, "lasso") if learned else l2o.optimizer(name)
        rows += _rows(name, l2o.rollout(optimizer, problem, x0, settings.steps, seed=settings.seed), problem, best)
    return Result(settings, tuple(rows), now())


def _rows(name: str, whole: l2o.Run, problem: l2o.Composite, best: Any) -> list[Row]:
    ratio = np.full((whole.batch_size, whole.steps), np.nan)
    violated = np.zeros(ratio.shape, dtype=bool)
    for k in range(1, whole.steps + 1):
        head = whole.head(k)
        sharper, exact = (verify(head, problem, bound, best) for bound in ("B6c", "B3"))
        ratio[:, k - 1] = np.where(sharper.judged, sharper.rhs / exact.rhs, np.nan)
        violated[:, k - 1] = sharper.verdict == Verdict.VIOLATED
    return [_row(name, i, ratio[i], violated[i]) for i in range(whole.batch_size)]


def _row(name: str, i: int, ratio: np.ndarray, violated: np.ndarray) -> Row:
    behind = np.flatnonzero(~(ratio < 1))  # B6c does not apply, or is above
    return Row(
        name,
        i,
        tuple(float(v) if np.isfinite(v) else None for v in ratio),
        int(behind[0]) if behind.size else ratio.size,
        tuple(int(k) for k in np.flatnonzero(violated) + 1),
    )
