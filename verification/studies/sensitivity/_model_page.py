"""The page, the table, the figure and the sentences of the sensitivity of one model, and the study they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from ...pages.blocks import Block, Figure, Folded, Notes, Section, Sentences, Table, Text
from ...pages.figure_style import INK, MUTED, bound_looks, legend_below, method_looks, plain, size, style
from ...pages.text import DASH, count, join, number, percent
from ..framework import Brief, Study
from ._model import LIVE, ModelCell, ModelSensitivity, ModelSettings, Reach, run_model
from ._patterns import DESCRIPTIONS

SPOKEN_OF = 0.5
"""The size whose cost is spoken of, or the one tried that is nearest to it."""
COLUMNS = 4
LARGEST = 1e3
"""Shares above this are not drawn."""


def quick(settings: ModelSettings) -> ModelSettings:
    """A small version of the same question.

    Args:
        settings: The settings.

    Returns:
        Fewer patterns, sizes and steps, without bisections; what is not the default stays.
    """
    patterns = tuple(n for n in ("long-step", "bias-random", "momentum") if n in settings.patterns)
    small: dict[str, Any] = {"sizes": (0.0, 0.25, 0.75, 1.1), "steps": 10, "horizon": 60, "refine": 0}
    unchanged = {name: v for name, v in small.items() if getattr(settings, name) == getattr(ModelSettings, name)}
    return replace(settings, patterns=patterns or settings.patterns[:1], **unchanged)


def itself(result: ModelSensitivity) -> ModelCell:
    """The cell of the model without a deviation."""
    return result.tried[0]


def headline(result: ModelSensitivity) -> list[str]:
    """What the model is without a deviation, and where B8 and B6c end."""
    cell, settings = itself(result), result.settings
    standing = [b.number for b in cell.bounds if b.stands]
    lines = [
        f"{result.label} on {result.data}, without a deviation: rho is {number(cell.rho_median)} (median) and "
        f"{number(cell.rho_largest)} (largest) over {count(settings.steps, 'step')} of "
        f"{count(settings.problem.batch_size, 'instance')}; of the bounds, {join(standing, 12) or 'none'} "
        f"{'says' if len(standing) == 1 else 'say'} something."
    ]
    return lines + [line for n in ("B8", "B6c") for line in (_ends_in_words(result, n),) if line]


def _ends_in_words(result: ModelSensitivity, which: str) -> str:
    ends = [e for e in result.ends if e.number == which]
    if not ends:
        return ""
    if all(e.applies.to is None for e in ends):
        return f"{which} does not cover the model even without a deviation: {_reason(itself(result).of(which).why)}."
    words = []
    for what, verb in (("applies", "applies"), ("stands", "is not vacuous")):
        reaches = [(getattr(e, what), e.pattern) for e in ends]
        ending = [(r, p) for r, p in reaches if r.until is not None]
        if all(r.to is None for r, _ in reaches):
            words.append(f"is vacuous at all sizes, after {count(result.settings.steps, 'step')}")
        elif not ending:
            words.append(f"{verb} at all sizes tried, up to {number(result.settings.sizes[-1])}")
        else:
            first = min(ending, key=lambda pair: pair[0].until or 0.0)
            last = max(ending, key=lambda pair: pair[0].until or 0.0)
            line = f"{verb} up to a size of {_interval(first[0])} ({first[1]})"
            if last[0] != first[0]:
                line += f" to {_interval(last[0])} ({last[1]})"
            if len(ending) < len(reaches):
                line += f"; at all sizes tried under {join([p for r, p in reaches if r.until is None])}"
            words.append(line)
    return f"{which} {', and '.join(words)}."


def _reason(why: str) -> str:
    return why.partition(": ")[2] or why


def _interval(reach: Reach) -> str:
    """ "0.99 to 1": it still is so at the first, and no more at the second."""
    if reach.to is None:
        return "not at 0"
    if reach.until is None:
        return f"> {number(reach.to)}"
    return f"{number(reach.to)} to {number(reach.until)}"


def costs(result: ModelSensitivity) -> list[str]:
    """What a deviation costs in iterations, and at which sizes runs diverge."""
    settings = result.settings
    sizes = [s for s in settings.sizes if s > 0]
    lines = []
    if sizes:
        size = min(sizes, key=lambda s: abs(s - SPOKEN_OF))
        cells = [c for c in result.tried if c.size == size and c.factor is not None]
        if cells:
            best, worst = (f(cells, key=lambda c: c.factor or 0.0) for f in (min, max))
            lines.append(
                f"A deviation of size {number(size)} multiplies the iterations to {percent(settings.eps)} of the "
                f"initial gap by {number(best.factor)} ({best.pattern}) to {number(worst.factor)} ({worst.pattern}), "
                f"in medians over the instances that reach it with and without the deviation."
            )
    diverging = []
    for pattern in settings.patterns:
        first = min((c.size for c in result.tried if c.pattern == pattern and c.diverged), default=None)
        if first is not None:
            diverging.append(f"{pattern} from {number(first)} on")
    if itself(result).diverged:
        lines.append(f"Without a deviation {count(itself(result).diverged, 'run')} of the model diverge already.")
    elif diverging:
        lines.append(f"Runs end above F(x_0) within {settings.horizon} steps: {join(diverging, 9)} (sizes tried).")
    else:
        lines.append(f"No run ends above F(x_0) within {settings.horizon} steps, at any size tried.")
    return lines


def verdict(result: ModelSensitivity) -> list[str]:
    """Whether a bound is violated."""
    if not result.broken:
        checks = sum(b.checks - b.not_applicable for c in result.cells for b in c.bounds)
        return [f"No bound is violated: {number(checks)} checks on {count(len(result.cells), 'cell')}."]
    return [
        f"A bound is violated, in {count(len(result.broken), 'cell')}. Either what the problem declares (L, convexity) "
        f"is not true of it, or there is a defect. The first: {result.broken[0]}."
    ]


def lines(result: ModelSensitivity) -> list[str]:
    """All that the result says."""
    return [*headline(result), *costs(result), *verdict(result)]


def brief(result: ModelSensitivity) -> Brief:
    """A row for each bound that says something of the model: under which deviations it ends soonest and latest."""
    rows, silent = [], []
    for name in dict.fromkeys(e.number for e in result.ends):
        reaches = [(e.stands, e.pattern) for e in result.ends if e.number == name and e.stands.to is not None]
        if not reaches:
            silent.append(name)
            continue
        ordered = sorted(reaches, key=lambda pair: (pair[0].until is None, pair[0].to))
        rows.append([name, *(f"{_largest(reach)}, {pattern}" for reach, pattern in (ordered[0], ordered[-1]))])
    words = (
        "The table has the largest deviation, relative to the step, at which a bound says something: under the pattern "
        "where it ends first, and under the one where it ends last."
    )
    if silent:
        words += f" {join(silent, 12)} say{'s' * (len(silent) == 1)} nothing even without a deviation."
    columns = ("bound", "ends first after", "ends last after")
    if not rows:
        rows = [[name, DASH, DASH] for name in silent]
    cell = itself(result)
    model = (
        f"The steps of {result.label} on {result.data} deviate from the ideal step of 1/L by {number(cell.rho_median)} "
        f"of that step in the median, and by {number(cell.rho_largest)} at most."
    )
    answer = verdict(result)[0] if result.broken else "No bound is violated."
    return Brief((answer, model, words), columns, rows)


def sections(result: ModelSensitivity) -> list[Section]:
    """The page."""
    settings = result.settings
    methods = (
        f"Proved: the bounds, of every run to which one applies; and where r = 0, that exactly the deviation of the "
        f"size named is added to e_k. Measured: rho, gaps, iterations, and where each bound ends, for this model, "
        f"these {count(settings.problem.batch_size, 'instance')} and these starts. Nothing is said of other instances. "
        f"The size of a deviation is L ||w|| / ||G|| with G of the model's own step; where r is not 0, G changes with "
        f"the step, and the rho of the run is the one that is measured. F* is a certified interval; gaps are upper "
        f"ends, and an iteration counts where the tolerance is reached for certain. Bounds on steps (B1, B9, B13) are "
        f"held against the steps that start above {LIVE:g} of the initial gap. The reference steps are 1/L (h = 1), so "
        f"that sigma_k is rho_k. B13 speaks of the model's own p and b, against p = 1/(2L) and b = G/(2L): a step p = "
        f"1/L, b = 0 is at its edge, though its rho is 0. B1 asks the same of e_k alone."
    )
    return [
        Section("answer", "Answer", "Answer", [Text(verdict(result)[0], strong=True), Sentences(lines(result)[:-1])]),
        Section("bounds", "Bounds", "Gaps and bounds against the deviation", _drawn(result)),
        Section("ends", "Ends", "Where each guarantee ends", _ends(result)),
        Section("costs", "Costs", "What each deviation costs", _costs(result)),
        Section("methods", "Methods", "What is proved, and what is measured", (Text(methods),)),
    ]


def _ends(result: ModelSensitivity) -> list[Block]:
    rows = [[e.pattern, e.number, _interval(e.applies), _interval(e.stands), e.rho, e.why] for e in result.ends]
    head = ["pattern", "bound", "applies up to", "says something up to", "rho there", "why no more"]
    notes = (
        f"Sizes: “0.99 to 1” is so at 0.99 and not at 1; “not at 0”: not even without a deviation; “>”: at all sizes "
        f"tried. A bound on runs says something where it promises less than F(x_0) after {result.settings.steps} "
        f"steps; more steps make more of it. Between sizes that were tried nothing is known."
    )
    return [
        Table("Ends of the bounds", ["bound", *result.settings.patterns], _across(result)),
        Notes(
            "The largest size of a deviation at which the bound still says something; “–”: none, not even without a "
            "deviation; “≥”: the largest size tried."
        ),
        Folded("Why each ends, and the sizes around it", (Table("Ends", head, rows), Notes(notes))),
    ]


def _across(result: ModelSensitivity) -> list[list[str]]:
    reaches = {(e.number, e.pattern): e.stands for e in result.ends}
    return [
        [name, *(_largest(reaches[name, pattern]) for pattern in result.settings.patterns)]
        for name in dict.fromkeys(e.number for e in result.ends)
    ]


def _largest(reach: Reach) -> str:
    if reach.to is None:
        return DASH
    return number(reach.to) if reach.until is not None else f"{number(reach.to)} or more"


def _drawn(result: ModelSensitivity) -> list[Block]:
    title = f"Sensitivity of {result.label}"
    notes = (
        f"Share of the initial gap F(x_0) - F*: of the runs after {result.settings.steps} steps, and of the right-hand "
        f"sides of the bounds where they apply (medians over the instances). Above 1 a bound is vacuous. B6, B6b and "
        f"B7 are about the mean of F(x_1), ..., F(x_K), the others about F(x_K). At size 0 is the model; the rho "
        f"that was measured at each size is among the numbers."
    )
    words = f"{title}: a panel for each pattern; gaps and bounds against the size of the deviation."
    head = ["pattern", "size", "rho, median / largest", "gap, median / largest", *_numbers_of_runs(result)]
    rows = [
        [c.pattern, c.size, f"{number(c.rho_median)} / {number(c.rho_largest)}",
         f"{number(c.gap_median)} / {number(c.gap_largest)}", *(c.of(n).share for n in _numbers_of_runs(result))]
        for c in result.cells
    ]  # fmt: skip
    table = Table("Gaps and bounds, as shares of the initial gap", head, rows)
    patterns = [[n, DESCRIPTIONS[n]] for n in result.settings.patterns]
    return [
        Figure(figure(result), "f-model", title, words, notes),
        Folded("What the patterns are", (Table("Patterns, of a model that makes steps of 1/L", _PATTERN, patterns),)),
        Folded("The numbers", (table,)),
    ]


_PATTERN = ("pattern", "steps")


def _numbers_of_runs(result: ModelSensitivity) -> list[str]:
    """The bounds about F on runs that apply somewhere, by number."""
    return [
        b.number
        for i, b in enumerate(itself(result).bounds)
        if any(c.bounds[i].share is not None for c in result.cells)
    ]


def _costs(result: ModelSensitivity) -> list[Block]:
    head = ["pattern", "size", "rho, median / largest", "reached", "iterations, over none", "diverged"]
    total = result.settings.problem.batch_size
    rows = [
        [c.pattern, c.size, f"{number(c.rho_median)} / {number(c.rho_largest)}", f"{c.reached} of {total}",
         _times(c.factor), f"{c.diverged} of {total}"]
        for c in result.tried
    ]  # fmt: skip
    notes = (
        f"Reached: instances that certainly come to {percent(result.settings.eps)} of the initial gap within "
        f"{result.settings.horizon} steps. Iterations: over those of the model without a deviation, median over the "
        f"instances that both reach. Diverged: given up, or above F(x_0) at the end."
    )
    cells = {(c.pattern, c.size): c for c in result.tried}
    sizes = sorted({c.size for c in result.tried if c.size > 0})
    across = [
        [pattern, *(_cost(cells.get((pattern, size)), total) for size in sizes)] for pattern in result.settings.patterns
    ]
    return [
        Table("Iterations over those of the model", ["pattern", *map(number, sizes)], across),
        Notes(
            f"By the size of the deviation: iterations to {percent(result.settings.eps)} of the initial gap over those "
            f"without a deviation; “{DASH}”: no instance gets there; “diverges”: on at least half of the instances."
        ),
        Folded("All numbers", (Table("Costs", head, rows), Notes(notes))),
    ]


def _times(factor: float | None) -> str:
    return DASH if factor is None else f"×{number(factor)}"


def _cost(cell: ModelCell | None, total: int) -> str:
    if cell is None:
        return DASH
    return "diverges" if 2 * cell.diverged >= total else _times(cell.factor)


def figure(result: ModelSensitivity) -> Drawing:
    """A panel for each pattern: shares of the initial gap against the size of the deviation.

    Args:
        result: What is drawn.

    Returns:
        The figure.
    """
    names = result.settings.patterns
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    bounds = _numbers_of_runs(result)
    with style():
        drawn = Drawing(figsize=size(columns, 2.1 * rows + 0.9), layout="constrained")
        panels = drawn.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, name in zip(panels.flat, names):
            _panel(axes, [c for c in result.cells if c.pattern == name], bounds)
            axes.set_title(plain(name), color=INK)
        for axes in panels.flat[len(names) :]:
            axes.set_visible(False)
        for axes in panels[:, 0]:
            axes.set_ylabel("share of the initial gap")
        for axes in panels.flat[max(0, len(names) - columns) : len(names)]:
            axes.set_xlabel("size, L‖w‖/‖G‖")
        legend_below(drawn, panels.flat[: len(names)], min(4, 2 * columns))
    return drawn


def _panel(axes: Axes, cells: Iterable[ModelCell], bounds: list[str]) -> None:
    cells = sorted(cells, key=lambda c: c.size)
    sizes = np.array([c.size for c in cells])
    (look,) = method_looks(["model"]).values()
    curves = [("gap, median", [c.gap_median for c in cells], look)]
    curves.append(("gap, largest", [c.gap_largest for c in cells], look | {"linestyle": ":"}))
    for name, look_of in zip(bounds, bound_looks(bounds)):
        curves.append((name, [c.of(name).share for c in cells], look_of))
    for label, values, look_of in curves:
        y = np.array([np.nan if v is None or not 0 < v <= LARGEST else v for v in values], dtype=float)
        axes.plot(sizes, y, **{**look_of, "markersize": 2.5, "linewidth": 1.1}, label=label)
    axes.axhline(1, color=MUTED, linewidth=0.8)
    axes.set_yscale("log")
    if sizes.size and sizes.max() > 20:
        axes.set_xscale("symlog", linthresh=1.0)


def rows(result: ModelSensitivity) -> list[dict[str, Any]]:
    """A row for each cell and bound."""
    return [
        {
            "pattern": c.pattern, "size": c.size, "refined": c.refined, "rho median": c.rho_median,
            "rho largest": c.rho_largest, "gap median": c.gap_median, "gap largest": c.gap_largest,
            "reached": None if c.refined else c.reached, "iterations over none": c.factor,
            "diverged": None if c.refined else c.diverged,
            "bound": b.number, "entry": b.bound, "right-hand side": b.share, "applies": b.applies, "stands": b.stands,
            "checks": b.checks, "verified": b.verified, "violated": b.violated, "inconclusive": b.inconclusive,
            "not applicable": b.not_applicable, "vacuous": b.vacuous, "why": b.why,
        }
        for c in result.cells
        for b in c.bounds
    ]  # fmt: skip


MODEL_STUDY = Study(
    name="model-sensitivity",
    title="Sensitivity of a model",
    heading="How far may this model drift before its guarantees end?",
    question="What do deviations of known size cost this model, and where do its guarantees end?",
    settings=ModelSettings,
    quick=quick,
    run=lambda settings, context: run_model(settings, context.progress),
    sections=sections,
    rows=rows,
    printed=("pattern", "size", "bound", "rho median", "gap median", "right-hand side", "stands", "checks", "verified"),
    lines=lines,
    headline=headline,
    brief=brief,
    figures=lambda result: {"model": figure(result)},
)
"""The study of a model of one's own, which `l2obound sensitivity --optimizer` runs."""
