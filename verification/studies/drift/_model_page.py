"""The page, the table, the figure and the sentences of a drift of one's own data, and the study they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Drawing

from ...pages.blocks import Block, Figure, Folded, Notes, Section, Sentences, Table, Text
from ...pages.figure_style import MUTED, legend_below, method_looks, plain, size, style
from ...pages.figure_thinning import thinned
from ...pages.text import count, number, percent
from ...virtual_steps.decompose import TERMS
from ..framework import Brief, Study
from ._attribution import Attribution
from ._cost import Cost, Interval
from ._measure import BoundCount, Cell
from ._model import DEPLOYED, MODEL, MODEL_BOUNDS, TRAIN, ModelDrift, ModelSettings, run_model
from ._run import YARDSTICKS
from ._why import NAMES
from ._words import factor

LARGE = 20.0
"""With a rho above this the axis of rho is logarithmic."""


def quick(settings: ModelSettings) -> ModelSettings:
    """A small version of the same question.

    Args:
        settings: The settings.

    Returns:
        Fewer starts and steps; what is not the default stays.
    """
    small: dict[str, Any] = {"starts": 8, "steps": 10, "horizon": max(60, settings.steps)}
    return replace(settings, **{n: v for n, v in small.items() if getattr(settings, n) == getattr(ModelSettings, n)})


def _over(result: ModelDrift) -> str:
    """What varies between the pairs that a median is over."""
    things = count(result.settings.instances, "start" if result.settings.repeated else "instance")
    return f"{things} on these data" if result.settings.repeated else things


def _times(interval: Interval) -> str:
    """The factor in words; "an unknown number of times" where nothing is known of it."""
    return factor(interval) if interval.low or interval.high is not None else "an unknown number of times"


def _cost(cell: Cell) -> Cost:
    assert cell.cost is not None, "every cell of this study is measured"
    return cell.cost


def headline(result: ModelDrift) -> list[str]:
    """What the change of data costs, over what it costs a classical method."""
    cost = _cost(result.deployed)
    yardstick = _cost(result.of(YARDSTICKS[0], DEPLOYED)).slowdown
    excess = cost.excess[YARDSTICKS[0]]
    if not excess.low and excess.high is None:
        words = "half of the runs or more do not reach that gap within the horizon"
    elif excess.above:
        words = "the model loses more than the classical method"
    elif excess.below:
        words = "the model loses less than the classical method, or gains more"
    else:
        words = "the interval does not decide whether the model loses more than the classical method"
    over = f"The factor of the model over that of {YARDSTICKS[0]} is {_times(excess)}: {words}."
    if not excess.low and excess.high is None:
        over = f"The factor of the model over that of {YARDSTICKS[0]} is not known: {words}."
    return [
        f"{result.label} needs {_times(cost.slowdown)} the iterations to {percent(cost.eps)} of the initial gap on "
        f"{result.deployed_data} that it needs on {result.train_data} (median over {_over(result)}, with its 95 % "
        f"interval).",
        f"{YARDSTICKS[0]}, a classical method, needs {_times(yardstick)}. {over}",
    ]


def reached(result: ModelDrift) -> str:
    """How many runs are there, and how many diverge."""
    words = []
    for cell, data in ((result.train, result.train_data), (result.deployed, result.deployed_data)):
        cost = _cost(cell)
        middle = "" if cost.iterations is None else f", {number(cost.iterations)} iterations in the median"
        above = f", and {number(cell.diverged)} end above F(x_0)" if cell.diverged else ""
        words.append(f"{number(cost.reached)} of {result.settings.instances} runs converge{middle}{above} on {data}")
    return f"Within {result.settings.horizon} steps {'; '.join(words)}."


def deviations(result: ModelDrift) -> str:
    """The median of rho on both."""
    before, after = result.train.rho_median, result.deployed.rho_median
    return f"The median of rho is {number(before)} on the training data and {number(after)} on the deployed data."


def bounds_in_words(result: ModelDrift) -> str:
    """The bounds on the deployed data, beside the training data."""
    pairs = [
        f"{new.number} is {_verdicts(new)} (training data: {_verdicts(old)})"
        for old, new in zip(*(_plain_bounds(c) for c in (result.train, result.deployed)), strict=True)
    ]
    return f"On the deployed data {'; '.join(pairs)}."


def _plain_bounds(cell: Cell) -> list[BoundCount]:
    """Without those that need paired steps, which not every model has."""
    return [b for b in cell.bounds if b.bound in MODEL_BOUNDS]


def _verdicts(b: BoundCount) -> str:
    """ "verified on 3 of 8 runs, vacuous on 1"."""
    if b.not_applicable == b.checks:
        return "not applicable"
    return f"verified on {number(b.verified)} of {count(b.checks, b.unit)}, vacuous on {number(b.vacuous)}"


def attribution_in_words(result: ModelDrift) -> str:
    """What the deviations are made of, or why that is not available."""
    made, control = result.deployed.of("paired"), result.control
    if made is None:
        return f"The attribution of the deviations is not available: {_reason(result)}"
    line = (
        f"Of the sum of ||e'||, bracket / preconditioner shift / bias shift make {_split(made)}; the features of a "
        f"step are at a distance of {number(made.dz)} from those of the paired step (median, root mean square over the "
        f"coordinates)."
    )
    if control.along is not None:
        line += (
            f" Without any change of data, from other starts, they make {_split(control)} at a distance of "
            f"{number(control.dz)}. Only what exceeds that is due to the data."
        )
    return line


def _reason(result: ModelDrift) -> str:
    reasons = [a.reason for a in result.deployed.attributions if a.reason]
    return f"{reasons[0].rstrip('.')}." if reasons else "the steps cannot be paired."


def _split(made: Attribution) -> str:
    along = made.along or {}
    return " / ".join(percent(along[t]) for t in TERMS)


def verdict(result: ModelDrift) -> str:
    """Whether a bound is violated."""
    if not result.broken:
        return "No bound is violated, and every attribution adds up."
    return (
        f"A proved statement is contradicted. Either what a problem declares (L, convexity) is not true of it, or "
        f"there is a defect. The first: {result.broken[0]}."
    )


def lines(result: ModelDrift) -> list[str]:
    """All that the result says."""
    return [
        *headline(result), reached(result), deviations(result), bounds_in_words(result), attribution_in_words(result),
        verdict(result),
    ]  # fmt: skip


def brief(result: ModelDrift) -> Brief:
    """A row for the model and for each classical method: the iterations on both data sets."""
    rows = []
    for name in (MODEL, *YARDSTICKS):
        old, new = _cost(result.of(name, TRAIN)), _cost(result.of(name, DEPLOYED))
        rows.append(
            [
                result.label.partition(" (")[0] if name == MODEL else name,
                *(f"{number(c.iterations)} ({c.reached} of {result.settings.instances})" for c in (old, new)),
                factor(new.slowdown),
            ]
        )
    columns = ("method", "training data", "deployed data", "factor")
    answer = verdict(result) if result.broken else "No bound is violated."
    meaning = (
        f"Iterations to {percent(_cost(result.deployed).eps)} of the initial gap: the median, and how many of "
        f"{count(result.settings.instances, 'run')} converge within {result.settings.horizon} steps. The factor has "
        f"its 95 % interval."
    )
    return Brief((answer, meaning, headline(result)[0]), columns, rows)


def sections(result: ModelDrift) -> list[Section]:
    """The page."""
    over = (
        "Both data sets are one instance: the medians and intervals are over starts on these data, and nothing is said "
        "of other data."
        if result.settings.repeated
        else "Instance i of the one data set is paired with instance i of the other, from the same start; where one of "
        "them is one instance, it is paired with each of the others, and nothing is said of another in its place. An "
        "interval is about the distribution of such pairs, if they are independent draws."
    )
    methods = (
        f"Proved: the bounds, of every run to which one applies; that the three terms of an attribution add up to e'; "
        f"and the coverage of the interval of a median of independent draws, whatever their distribution. Measured: "
        f"all else. {over} F* is a certified interval, and an iteration counts where the tolerance is reached for "
        f"certain; “at least” is said where half of the runs or more are not there within {result.settings.horizon} "
        f"steps. A classical method is a yardstick and not the difficulty of a problem itself: another one gives "
        f"another factor. The control of the attribution is the training data from other starts."
    )
    return [
        Section("answer", "Answer", "Answer", [Text(verdict(result), strong=True), Sentences(lines(result)[:-1])]),
        Section("costs", "Costs", "What the change of data costs", _costs(result)),
        Section("bounds", "Bounds", "The bounds on both", _bounds(result)),
        Section("attribution", "Attribution", "What the deviations are made of", _attribution(result)),
        Section("methods", "Methods", "What is proved, and what is measured", (Text(methods),)),
    ]


def _costs(result: ModelDrift) -> list[Block]:
    head = [
        "method", "to", "reached, training / deployed", "iterations, training / deployed", "deployed over training",
        *(f"over that of {name}" for name in YARDSTICKS),
    ]  # fmt: skip
    rows: list[list[Any]] = []
    for name in (MODEL, *YARDSTICKS):
        pairs = zip(result.of(name, TRAIN).costs, result.of(name, DEPLOYED).costs, strict=True)
        rows += [
            [result.label if name == MODEL else name, percent(new.eps), f"{old.reached} / {new.reached}",
             f"{number(old.iterations)} / {number(new.iterations)}", factor(new.slowdown),
             *(factor(new.excess[y]) for y in YARDSTICKS)]
            for old, new in pairs
        ]  # fmt: skip
    words = "Median share of the initial gap, and median rho, against k, on the training data and on the deployed data."
    notes = (
        f"Medians over {_over(result)}: share of the initial gap F(x_0) - F*, from above, and rho_k of the first "
        f"{result.settings.steps} steps. Solid: training data; dashed: deployed data."
    )
    return [
        Figure(figure(result), "f-model", "Gaps and deviations on both data sets", words, notes),
        Table("Iterations", head, rows),
        Notes("A factor is the median over the pairs, with its 95 % interval."),
    ]


def _bounds(result: ModelDrift) -> list[Block]:
    head = ["data", "bound", "entry", "of", "verified", "vacuous", "inconclusive", "does not apply", "violated"]
    rows = [
        [c.level, b.number, b.bound, count(b.checks, b.unit), b.verified, b.vacuous, b.inconclusive, b.not_applicable,
         b.violated]
        for c in (result.train, result.deployed)
        for b in c.bounds
    ]  # fmt: skip
    notes = (
        f"Over {count(result.settings.steps, 'step')}. Vacuous: it holds and says nothing, no decrease of a step or no "
        f"less than F(x_0). B5, B6b and B6c are at the measured e'; B8 applies where rho < 1 at every step."
    )
    return [Table("Bounds", head, rows), Notes(notes)]


def _attribution(result: ModelDrift) -> list[Block]:
    made = result.deployed.of("paired")
    if made is None:
        return [Sentences([attribution_in_words(result)])]
    head = ["data", "part", "share of the sum of ||e'||", "share of the norms", "L ||term|| / ||G||", "steps"]
    rows = [
        [data, NAMES[t], percent(a.along[t]), percent(a.share[t]), a.size[t], a.steps]
        for data, a in (("deployed", made), ("control", result.control))
        if a.along is not None and a.share is not None and a.size is not None
        for t in TERMS
    ]
    return [Sentences([attribution_in_words(result)]), Folded("The numbers", (Table("Attribution", head, rows),))]


def figure(result: ModelDrift) -> Drawing:
    """Gaps and deviations along the runs, on both data sets.

    Args:
        result: What is drawn.

    Returns:
        The figure.
    """
    with style():
        drawn = Drawing(figsize=size(3, 2.9), layout="constrained")
        gap, rho = drawn.subplots(1, 2)
        looks = method_looks(dict.fromkeys((MODEL, *(c.method for c in result.curves))), [MODEL])
        longest = max(len(curve.gap) for curve in result.curves)
        gap.set_xlim(0, longest - 1)
        rho.set_xlim(0, longest - 1)
        for curve in result.curves:
            colour = looks[curve.method]["color"]
            label = plain(f"{result.label if curve.method == MODEL else curve.method}, {curve.data}")
            line = "-" if curve.data == TRAIN else "--"
            points = thinned(gap, range(len(curve.gap)), _positive(curve.gap))
            gap.plot(*points, linestyle=line, color=colour, label=label, linewidth=1.2)
            if curve.method == MODEL:
                points = thinned(rho, range(1, len(curve.rho) + 1), _positive(curve.rho))
                rho.plot(*points, linestyle=line, color=colour, linewidth=1.2)
        rho.axhline(1, color=MUTED, linewidth=0.8)
        gap.set(yscale="log", xlabel="k", ylabel="share of the initial gap")
        rho.set(xlabel="k", ylabel="rho of the model")
        if any(v is not None and v > LARGE for c in result.curves if c.method == MODEL for v in c.rho):
            rho.set_yscale("log")
        legend_below(drawn, [gap], 2)
    return drawn


def _positive(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if v is None or v <= 0 else v for v in values])


def rows(result: ModelDrift) -> list[dict[str, Any]]:
    """A row for each method, data set and tolerance."""
    table = []
    for cell in result.cells:
        for cost in cell.costs:
            row: dict[str, Any] = {
                "method": result.label if cell.model == MODEL else cell.model, "data": cell.level, "eps": cost.eps,
                "reached": cost.reached, "iterations": cost.iterations, "diverged": cell.diverged,
                "rho median": cell.rho_median, "rho largest": cell.rho_largest,
            }  # fmt: skip
            for name, interval in (("over training", cost.slowdown), *cost.excess.items()):
                head = name if name == "over training" else f"over that of {name}"
                row |= {f"{head} {end}": value for end, value in interval.to_dict().items()}
            row["bounds"] = [f"{b.number} {b.bound}: {b.verified}/{b.checks}, vacuous {b.vacuous}" for b in cell.bounds]
            made = cell.of("paired")
            row |= {f"along {t}": made and made.along and made.along[t] for t in TERMS} | {"dz": made and made.dz}
            table.append(row)
    return table


MODEL_STUDY = Study(
    name="model-drift",
    title="Drift of the data of a model",
    heading="What does it cost this model that its data have changed?",
    question="What does a change of data cost this model, beyond what it costs a classical method?",
    settings=ModelSettings,
    quick=quick,
    run=lambda settings, context: run_model(settings, context.progress),
    sections=sections,
    rows=rows,
    printed=("method", "data", "eps", "over training low", "over training high", "rho median", "dz", "diverged"),
    lines=lines,
    headline=headline,
    brief=brief,
    figures=lambda result: {"model": figure(result)},
)
"""The study of a pair of data sets of one's own, which `l2obound drift --train-data --deployed-data` runs."""
