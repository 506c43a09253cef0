"""Which virtual steps give the tighter bounds: any choice gives valid ones, so the best is the least over choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import bounds
from ...l2o import InputError
from ...l2o.problems import Composite
from ...l2o.runs.run import Run
from ..optima import Optimum
from ..virtual_steps.pairing import CHOICES, pair
from .evidence import gather
from .quantities import with_virtual

BEST = "best"
_STEP_BOUND, _RUN_BOUND = "ood_per_step:magnitude", "ood_multi_step:virtual"


@dataclass(frozen=True, eq=False)
class Comparison:
    """The bounds by magnitudes for each choice of virtual steps and, under "best", for the best one at every step.

    `deviation` (B,K): bracket + C1 dz G_inf + C2 dz, the bound of ||e'_k(h)||. `step` (B,K): the right-hand side of B5
    made of it; `run` (B,): that of B6. `tighter_step` (B,K) and `tighter_run` (B,) name the choice with the least
    bound, the first one of `choices` where they agree. A bound of which nothing is known is inf.
    """

    choices: tuple[str, ...]
    deviation: dict[str, np.ndarray]
    step: dict[str, np.ndarray]
    run: dict[str, np.ndarray]
    tighter_step: np.ndarray
    tighter_run: np.ndarray

    def summary(self) -> str:
        """A few lines for people."""
        lines = []
        for name in self.choices:
            steps, runs = float((self.tighter_step == name).mean()), float((self.tighter_run == name).mean())
            lines.append(f"{name}: least bound on {steps:.0%} of steps, {runs:.0%} of runs{self._size(name)}")
        lines.append(f"the best at every step{self._size(BEST)}")
        return "\n".join(lines)

    def _size(self, name: str) -> str:
        """How large the bound of runs is, relative to the first choice."""
        first, value = self.run[self.choices[0]], self.run[name]
        usable = np.isfinite(first) & np.isfinite(value) & (first > 0)
        if not usable.any():
            return ""
        return f"; bound of runs {np.median(value[usable] / first[usable]):.3g} x that of {self.choices[0]} (median)"


def compare_choices(
    run_ood: Run,
    run_ind: Run | Sequence[Run],
    optimizer: Any,
    problem: Composite,
    *,
    choices: Sequence[str] = CHOICES,
    optimum: Optimum | None = None,
    reference_step: float = 1.0,
    scaled: bool | None = None,
    state_ood: Any = None,
    state_ind: Any = None,
) -> Comparison:
    """Compare the virtual steps that `decompose` can choose, by the bounds B5 and B6 that follow from them.

    Args:
        run_ood: The run out of distribution.
        run_ind: The run in distribution, or several; "paired" takes the first.
        optimizer: The model that made them.
        problem: That of `run_ood`.
        choices: Choices of `decompose`.
        optimum: The optimum of `problem`; computed where it is not given.
        reference_step: h > 0 in units of 1/L'.
        scaled: As in `decompose`.
        state_ood: As in `decompose`.
        state_ind: As in `decompose`.

    Returns:
        The bounds that each choice gives. All of them are valid, so the least is.

    Raises:
        InputError: For runs that do not belong together, and for other choices.
    """
    unknown = [name for name in choices if name not in CHOICES]
    if unknown or not choices:
        raise InputError(f"compare_choices: expected some of {', '.join(CHOICES)}, got {list(choices)}.")
    if not isinstance(reference_step, (int, float)) or not 0 < reference_step <= 1:
        raise InputError(f"compare_choices: reference_step must be a number in (0, 1], got {reference_step!r}.")
    references = [run_ind] if isinstance(run_ind, Run) else list(run_ind)
    starts = list(state_ind) if isinstance(state_ind, (list, tuple)) else [state_ind] * len(references)
    evidence = gather(run_ood, problem, optimum=optimum).certified
    h = np.full(run_ood.batch_size, float(reference_step))
    plain = evidence.quantities(h)
    by_choice: dict[str, bounds.Quantities] = {}
    for name in choices:
        used = slice(None, 1) if name == "paired" else slice(None)
        pairing = pair(
            run_ood,
            references[used],
            optimizer,
            choice=name,
            scaled=scaled,
            state=state_ood,
            reference_state=starts[used],
        )
        by_choice[name] = with_virtual(plain, evidence.inspection, pairing, h)
    deviation = {name: _deviation(q) for name, q in by_choice.items()}
    winner = np.stack(list(deviation.values())).argmin(axis=0)
    by_choice[BEST] = _mixed(list(by_choice.values()), winner)
    deviation[BEST] = _deviation(by_choice[BEST])
    step, run = ({n: _right(key, q) for n, q in by_choice.items()} for key in (_STEP_BOUND, _RUN_BOUND))
    names = np.array(list(choices), dtype=object)
    least = [np.stack([side[name] for name in choices]).argmin(axis=0) for side in (step, run)]
    return Comparison(tuple(choices), deviation, step, run, names[least[0]], names[least[1]])


def _deviation(q: bounds.Quantities) -> np.ndarray:
    v = q.values
    with np.errstate(invalid="ignore"):
        bound = v["bracket"] + v["C1"] * v["dz"] * v["G_inf"] + v["C2"] * v["dz"]
    return np.where(np.isnan(bound), np.inf, bound)


def _right(key: str, quantities: bounds.Quantities) -> np.ndarray:
    """The right-hand side of a bound, inf where nothing is known of it."""
    side = bounds.get(key).evaluate(quantities).rhs
    return np.where(np.isnan(side), np.inf, side)


def _mixed(candidates: list[bounds.Quantities], winner: np.ndarray) -> bounds.Quantities:
    """The quantities with those of the virtual steps taken from choice `winner` (B,K) at every step."""

    def picked(part: str, name: str) -> np.ndarray:
        return np.take_along_axis(np.stack([getattr(q, part)[name] for q in candidates]), winner[None], 0)[0]

    values, errors = ({name: picked(part, name) for name in bounds.quantities.VIRTUAL} for part in ("values", "errors"))
    first = candidates[0]
    return replace(first, values={**first.values, **values}, errors={**first.errors, **errors})
