"""The entry: a question, a search, a judgement, and the smallest instance that shows it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import torch

from ... import bounds
from ...l2o import InputError
from ...l2o.runs.rollout import threads_for
from ._families import Point, drawn, family_of
from ._judge import Judged, judging
from ._merit import _UNUSABLE, GOALS, Merit
from ._result import Falsification, scaled, subject
from ._search import METHODS, Budget, Progress, Search
from ._shrink import shrink

_DIMS = (2, 1, 3)
_ATTAINED = 1e-7  # a tightness this near to 1 is an attained bound, and no search does better
_STALLED = 12  # rounds without a better tightness after which a search ends
_SAMPLE = 64  # runs by which the search finds out whether the hypotheses can be met
_KEPT = 0.01  # how much of the tightness a simpler instance may lose


def _checked(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"falsify: {name} must be an integer from {low} to {high}, got {value!r}.")
    return value


def _dims(dim: int | Iterable[int] | None) -> tuple[int, ...]:
    if dim is None:
        return _DIMS
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if not dims:
        raise InputError("falsify: dim is empty; give a number of variables, or several to search in turn.")
    return tuple(_checked("dim", d, 1, 50) for d in dims)


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"falsify: {name} must be one of {', '.join(allowed)}, got {value!r}.")


def _positive(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise InputError(f"falsify: {name} must be a number > 0, got {value!r}.")


def falsify(
    bound: str | bounds.Bound,
    optimizer: Any = "ista",
    *,
    family: str = "composite",
    dim: int | Iterable[int] | None = None,
    steps: int = 3,
    goal: str = "violation",
    method: str = "both",
    budget: float = 30.0,
    evaluations: int | None = None,
    seed: int = 0,
    target: float | None = None,
    shifts: bool = True,
    constant: float = 1.0,
    reference_step: float = 1.0,
    progress: Progress | None = None,
) -> Falsification:
    """Search instances, starts and shifts for a run that breaks a bound, or that uses most of it.

    A violation counts only where `verify` says VIOLATED, with a certified interval of F*; that none is found proves
    nothing. What is found is then made small: fewer variables, zeros, few digits, as long as it stays a violation, or
    within 1 % of the tightness.

    Args:
        bound: A name of `bounds.names(variants=True)`, or a `Bound` of your own.
        optimizer: Whatever `check_optimizer` takes; shipped LASSO weights where a learned one is named.
        family: "composite", "lasso", "quadratic", "smooth" or "box".
        dim: A number of variables, or several that take turns; by default 2, 1, 3.
        steps: K.
        goal: "violation" ends with the first one. "tightness" goes on until the bound is attained, `target` is
            reached, or nothing better is met for a while. "deviation" looks for the largest rho_k.
        method: "random" draws only, "gradient" ascends from few draws, or "both".
        budget: Seconds, after which the search ends.
        evaluations: Runs to try at most, after which it ends. With these as the only limit met, the same seed gives
            the same answer.
        seed: Of the draws.
        target: The tightness that is enough.
        shifts: Whether problems are shifted too.
        constant: Factor of the right-hand side of the bound.
        reference_step: h in (0, 1], in units of 1/L.
        progress: Called as the search proceeds, and as the finding is made small: with the share of the limits that is
            used, the largest tightness (or rho_k) so far, and what is going on.

    Returns:
        The best instance, with its run, its verdict and what was searched.

    Raises:
        InputError: For arguments out of range, a bound that a run alone cannot decide, and where no run can be judged.
    """
    name = bound.key if isinstance(bound, bounds.Bound) else bound
    given = bounds.get(bound) if isinstance(bound, str) else bound
    if not isinstance(given, bounds.Bound):
        raise InputError(f"falsify: bound must be a name of bounds.names() or a Bound, got {type(bound).__name__}.")
    if not given.on_runs or given.quantities == ():
        raise InputError(
            f"falsify: `{name}` speaks of more than a run and its problem (virtual steps, a frozen mode, chosen "
            f"weights), so no instance is searched for; choose one whose `on_runs` is True."
        )
    chosen, kind = scaled(given, constant), family_of(family)
    _one_of("goal", goal, GOALS)
    _one_of("method", method, METHODS)
    _positive("budget", budget)
    if target is not None:
        _positive("target", target)
    if evaluations is not None:
        _checked("evaluations", evaluations, 1, 10**9)
    _checked("steps", steps, 1, 1000)
    _checked("seed", seed, 0, 2**31 - 1)
    if not isinstance(reference_step, (int, float)) or not 0 < reference_step <= 1:
        raise InputError(f"falsify: reference_step must be a number in (0, 1], got {reference_step!r}.")
    made, dims = subject(optimizer), _dims(dim)
    generator, limits = torch.Generator().manual_seed(seed), Budget(float(budget), evaluations)
    merit = Merit(chosen, made.fresh(), kind, steps, goal, float(reference_step))
    search = Search(merit, method, shifts, limits, generator)
    sample = search.projected(drawn(torch.Generator().manual_seed(seed), limits.within(_SAMPLE), dims[0]))
    with threads_for(kind.problem(sample)[0]):
        notes = []
        merits = search.value(sample)
        if goal != "deviation" and bool((merits <= _UNUSABLE).all()):
            # slop pays for hypotheses that hold to rounding only: where none holds it would drown the comparison
            chosen = chosen.replace(slop=None)
            search = replace(search, merit=replace(merit, bound=chosen, guarded=False))
            merits, limits.used = search.value(sample), len(sample["w"])  # the same runs, so none more is tried
            notes.append("no run that was drawn meets the hypotheses: the numbers are a comparison without guarantee")
        judged = judging(made.fresh, chosen, steps, float(reference_step))
        best = _searched(search, chain([search.best(merits, sample)], search.proposals(dims)), judged, target, progress)
        if best is None:
            raise InputError(
                f"falsify: no run of {made.label} on the family {family} could be judged; let it search longer, or "
                f"check that the optimizer runs on such problems."
            )
        still = _keeps(best, goal, best.score(goal)[1])
        patience = max(5.0, min(20.0, budget)) if evaluations is None else math.inf
        tell = None if progress is None else partial(_tell, progress, _reached(best, goal))
        small = shrink(best, judged, still, seconds=patience, tell=tell) if _uses_any(best, goal) else best
    try:
        custom = not _same(given, bounds.get(given.key))
    except bounds.InputError:
        custom = True
    return Falsification.of(
        small,
        bound=chosen,
        optimizer=made.spec,
        optimizer_label=made.label,
        family=family,
        steps=steps,
        goal=goal,
        method=method,
        reference_step=float(reference_step),
        constant=float(constant),
        seed=seed,
        reached=best.tightness,
        evaluations=limits.used,
        seconds=limits.elapsed,
        custom=custom,
        notes=(*notes, *search.notes, *(f"the run's data are wrong: {what}" for what in small.broken_data)),
        _fresh=made.fresh,
    )


def _same(one: bounds.Bound, two: bounds.Bound) -> bool:
    return all(getattr(one, n) == getattr(two, n) for n in ("lhs", "rhs", "level", "slop", "hypotheses"))


def _searched(
    search: Search,
    proposals: Iterable[tuple[float, Point]],
    judged: Any,
    target: float | None,
    progress: Progress | None,
) -> Judged | None:
    """The best judged instance of the proposals of a search; see `falsify` for when it ends."""
    goal, limits = search.merit.goal, search.budget
    best, highest, since = None, -float("inf"), 0
    for merit, point in proposals:
        since += 1
        promising = merit > highest + 1e-9 or (goal == "violation" and merit > 0)
        if promising or best is None:
            judgement = judged(search.family.instance(point, 0))
            if judgement is not None and (best is None or judgement.score(goal) > best.score(goal)):
                since = since if best is not None and judgement.excess < best.excess + 1e-5 else 0
                best, highest = judgement, max(highest, merit)
        if progress is not None:
            dim = len(point["w"][0])
            words = f"{dim} variable{'s' * (dim > 1)}"
            progress(_share(limits), -1.0 if best is None else _reached(best, goal), words)
        if best is not None and _done(best, goal, target, since):
            break
    return best


def _reached(best: Judged, goal: str) -> float:
    """What a search for `goal` has reached: a tightness, or the largest rho_k."""
    return best.measured["rho_max"] if goal == "deviation" else best.tightness


def _uses_any(best: Judged, goal: str) -> bool:
    """Whether a run shows anything that a simpler instance could keep: its left-hand side is more than rounding."""
    return goal == "deviation" or best.violated or (best.sharp and best.excess > -1 + 1e-9)


def _tell(progress: Progress, reached: float, done: int, most: int) -> None:
    progress(1.0, reached, f"made simpler, {done} of {most}")


def _share(limits: Budget) -> float:
    by_count = 0.0 if limits.evaluations is None else limits.used / limits.evaluations
    return min(1.0, max(limits.elapsed / limits.seconds, by_count))


def _done(best: Judged, goal: str, target: float | None, since: int) -> bool:
    if goal == "violation":
        return best.violated
    if target is not None and _reached(best, goal) >= target:
        return True
    attained = goal == "tightness" and best.sharp and abs(best.tightness - 1) < _ATTAINED
    return attained or since >= _STALLED


def _keeps(best: Judged, goal: str, value: float) -> Any:
    def keeps(other: Judged) -> bool:
        if best.broken_data != other.broken_data or other.verdict is not best.verdict:
            return False
        if not 1e-3 <= other.measured["L"] <= 1e3:  # a nearly flat f is no simpler, and absolute steps mind
            return False
        if goal == "deviation":
            return other.measured["rho_max"] >= (1 - _KEPT) * value
        if goal == "violation" and best.violated:
            return other.violated
        if best.excess >= 1 - 1e-9 or not best.tightness > 0:  # an increase where a decrease is promised
            return other.excess >= (1 - _KEPT) * best.excess if best.excess > 0 else other.excess >= best.excess
        return other.sharp and other.tightness >= (1 - _KEPT) * best.tightness

    return keeps
