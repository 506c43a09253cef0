"""Axes along which the instances leave the distribution that the shipped weights were trained on.

Each axis changes one thing of the family and keeps the random streams, so that instance b has the same dictionary,
signal and start at every level, as far as the change leaves them. The start x_0 is normal, as in training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from .... import l2o
from ....l2o import Composite, InputError
from ....l2o.pretrained import manifest
from ....l2o.training import split_seed


@dataclass(frozen=True)
class Family:
    """LASSO instances: `rows` x `dim` normal dictionaries of unit columns, `sparsity` normal entries, weight `lam`."""

    rows: int
    dim: int
    sparsity: int
    lam: float

    def build(self, batch: int, seed: int, **changed: Any) -> Composite:
        """`batch` instances; `changed` are arguments of `l2o.synthetic.lasso`, or fields of this family."""
        fields = {**asdict(self), **changed}
        return l2o.synthetic.lasso(batch, fields.pop("rows"), fields.pop("dim"), seed=seed, **fields)


def trained_family(models: Sequence[str]) -> Family:
    """The family on which the shipped weights of `models` for lasso were trained, by their manifests."""
    tables = {}
    for name in models:
        problem = manifest(name, "lasso")["config"]["problem"]
        tables[name] = Family(problem["rows"], problem["dim"], problem["sparsity"], problem["lam"])
    if len(set(tables.values())) != 1:
        raise InputError(f"drift: expected models trained on one family, got {tables or 'no model'}.")
    return next(iter(tables.values()))


@dataclass(frozen=True)
class Level:
    """A point of an axis. `change` is what the axis makes of it; `none` marks the family as it was trained on, and
    `control` another draw of that family, on which nothing is out of distribution.
    """

    label: str
    change: tuple[tuple[str, Any], ...] = ()
    none: bool = False
    control: bool = False


def _changed(family: Family, level: Level, batch: int, seed: int) -> tuple[Composite, torch.Tensor]:
    """The generator with other arguments; the control draws other instances for the same starts."""
    problem = family.build(batch, _seed(seed, 1 if level.control else 0), **dict(level.change))
    return problem, _starts(problem, seed)


@dataclass(frozen=True)
class Shift:
    """An axis: its levels in order, and `build(family, level, batch, seed)`, instances and where they start.

    `practical` is False for the paper's own shifts of the start and of the objective, shown for reference.
    """

    name: str
    words: str
    levels: tuple[Level, ...]
    practical: bool = True
    make: Callable[[Family, Level, int, int], tuple[Composite, torch.Tensor]] = _changed

    def build(self, family: Family, level: Level, batch: int, seed: int) -> tuple[Composite, torch.Tensor]:
        """The problem and its starts (B,n)."""
        return self.make(family, level, batch, seed)


def _seed(seed: int, draw: int = 0) -> int:
    """Instances of the test split, on which nothing is trained."""
    return split_seed("test", draw, seed)


def _starts(problem: Composite, seed: int, shift: float = 0.0) -> torch.Tensor:
    return l2o.synthetic.starts(problem, shift=shift, seed=_seed(seed))


def _started(family: Family, level: Level, batch: int, seed: int) -> tuple[Composite, torch.Tensor]:
    problem = family.build(batch, _seed(seed))
    return problem, _starts(problem, seed, dict(level.change)["s"])


def _translated(family: Family, level: Level, batch: int, seed: int) -> tuple[Composite, torch.Tensor]:
    problem, t = family.build(batch, _seed(seed)), dict(level.change)["t"]
    return (problem.shifted(t) if t else problem), _starts(problem, seed)


def _levels(field: str, values: Sequence[Any], none: Any) -> tuple[Level, ...]:
    return tuple(Level(_label(v), ((field, v),), none=v == none) for v in values)


def _label(value: Any) -> str:
    return "none" if value is None else f"{value:g}"


def _sizes(*sizes: tuple[int, int], none: tuple[int, int]) -> tuple[Level, ...]:
    """rows x dim, an eighth of the variables being non-zero, as in training."""
    return tuple(
        Level(f"{m}×{n}", (("rows", m), ("dim", n), ("sparsity", n // 8)), none=(m, n) == none) for m, n in sizes
    )


_FAR = (0.0, 1.0, 3.0, 10.0)

SHIFTS: dict[str, Shift] = {
    shift.name: shift
    for shift in (
        Shift(
            "dictionary",
            "columns that are correlated or of another law; 'redrawn' is a control, another draw of the same law",
            (
                Level("normal", (("correlation", 0.0), ("law", "normal")), none=True),
                Level("redrawn", (("law", "normal"),), control=True),
                Level("signs", (("law", "signs"),)),
                Level("student", (("law", "student"),)),
                Level("corr 0.3", (("correlation", 0.3),)),
                Level("corr 0.6", (("correlation", 0.6),)),
                Level("corr 0.9", (("correlation", 0.9),)),
            ),
        ),
        Shift(
            "noise",
            "standard deviation of the noise on y",
            _levels("noise", (0.0, 0.05, 0.2, 0.5, 1.0), 0.0),
        ),
        Shift("sparsity", "non-zeros of the planted signal", _levels("sparsity", (1, 5, 10, 20, 40), 5)),
        Shift("lam", "weight of the l1 norm", _levels("lam", (0.01, 0.03, 0.1, 0.3, 1.0), 0.1)),
        Shift(
            "conditioning",
            "ratio of the largest to the smallest singular value of A, log-spaced; in distribution it is as drawn",
            _levels("condition", (None, 10.0, 30.0, 100.0, 300.0), None),
        ),
        Shift(
            "dimension",
            "rows × variables",
            _sizes((10, 20), (20, 40), (20, 80), (40, 80), (80, 160), none=(20, 40)),
        ),
        Shift("start", "s, added to the start x_0", _levels("s", _FAR, 0.0), practical=False, make=_started),
        Shift("objective", "t, of the objective F(x + t)", _levels("t", _FAR, 0.0), practical=False, make=_translated),
    )
}
"""The axes by name. Levels `none` are stated for the family of the shipped weights, and checked to be it."""
