"""The problems: a loss that is not convex beside a convex one on the same data, and constraint sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from .... import l2o
from ....l2o import Composite
from ....l2o.problems.nonsmooth import NonsmoothTerm
from ....l2o.problems.smooth import SmoothTerm

ROWS, DIM, LAM, HALF_WIDTH, RADIUS = 20, 10, 0.1, 1.0, 0.5
PAIRS = {"sigmoid_loss": "logistic", "student_t": "huber", "welsch": "least_squares"}
"""The losses that are not convex, and the convex ones they are held beside."""
TERMS = ("zero", "l1", "box")
SETS = ("box", "nonnegative", "simplex", "l2_ball")
CONSTRAINED = ("least_squares", "quadratic", "student_t")
LOGISTIC = ("sigmoid_loss", "logistic")
"""Families for which the weights trained on l1-logistic problems are taken; for others those trained on LASSO."""


@dataclass(frozen=True, eq=False)
class Case:
    """B instances of F = f + r. `part`: "pairs" or "sets"; `convex` says whether f is; `partner` the other family."""

    part: str
    family: str
    term: str
    problem: Composite
    partner: str | None = None

    @property
    def convex(self) -> bool:
        """Whether f is convex."""
        return bool(self.problem.smooth.convex)

    def start(self, shift: float, seed: int) -> torch.Tensor:
        """(B,n) the usual start, normal and shifted; where r is an indicator, the point of the set nearest to it."""
        x0 = l2o.synthetic.starts(self.problem, shift=shift, seed=seed)
        indicator = self.problem.nonsmooth.is_indicator and not self.problem.nonsmooth.is_zero
        return self.problem.prox(x0, 1.0) if indicator else x0


def pairs(families: tuple[str, ...], batch: int, seed: int) -> Iterator[Case]:
    """Each family and its partner, of the same data, with r = 0, the l1 norm and a box."""
    for family in families:
        partner = PAIRS[family]
        for name, other in ((family, partner), (partner, family)):
            smooth = _smooth(name, family, batch, seed)
            for term in TERMS:
                yield Case("pairs", name, term, Composite(smooth, _term(term, family)), other)


def sets(names: tuple[str, ...], batch: int, seed: int) -> Iterator[Case]:
    """Two convex f and one that is not over each of the sets `names`."""
    for name in CONSTRAINED:
        smooth = l2o.synthetic.quadratic(batch, DIM, condition=30.0, seed=seed).smooth
        if name != "quadratic":
            smooth = _smooth(name, "student_t", batch, seed)
        for term in names:
            yield Case("sets", name, term, Composite(smooth, _set(term)))


def l1_case(name: str, family: str, batch: int, seed: int) -> Case:
    """The loss `name` on the data of `family` with the l1 norm, as in `pairs`."""
    return Case("pairs", name, "l1", Composite(_smooth(name, family, batch, seed), _term("l1", family)))


def _smooth(name: str, data: str, batch: int, seed: int) -> SmoothTerm:
    """The loss `name` on the data of the family `data`; residual losses have outliers, margins flipped labels."""
    if name in LOGISTIC:
        margins: Any = l2o.synthetic.sigmoid_l1(batch, 2 * ROWS, DIM, seed=seed).smooth
        return margins if name == "sigmoid_loss" else l2o.logistic(margins.map.matrix, margins.labels)
    make = l2o.synthetic.welsch_l1 if data == "welsch" else l2o.synthetic.student_t_l1
    made: Any = make(batch, ROWS, DIM, seed=seed).smooth
    A, y = made.map.matrix, made.target
    if name == "huber":
        return l2o.huber(A, y, made.nu.sqrt().reshape(-1))
    return l2o.least_squares(A, y) if name == "least_squares" else made


def _term(term: str, family: str) -> NonsmoothTerm:
    if term == "zero":
        return l2o.zero()
    # a mean of losses has slopes below 1/4 and needs less weight, or 0 is the solution
    return l2o.l1(0.01 if family in LOGISTIC else LAM) if term == "l1" else l2o.box(-HALF_WIDTH, HALF_WIDTH)


def _set(term: str) -> NonsmoothTerm:
    made: dict[str, Callable[[], NonsmoothTerm]] = {
        "box": lambda: l2o.box(-0.3, 0.3),
        "nonnegative": l2o.nonnegative,
        "simplex": l2o.simplex,
        "l2_ball": lambda: l2o.l2_ball(RADIUS),
    }
    return made[term]()
