"""What the numbers say, the figure, the page, and the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.ticker import NullLocator

from ...pages.blocks import Figure, Section, Sentences, Table, Text
from ...pages.figure_style import DASHES, legend_below, method_looks, plain, size, style
from ...pages.text import number
from ..framework import Brief, Study, chosen
from ._run import EPS, Row, Settings, Training, quick, run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

ENOUGH = 0.1
"""More training has stopped to matter where iterations are within this share of those of the last stage."""


def _trainings(result: Training) -> list[list[Row]]:
    """The stages of each training, in order."""
    names = dict.fromkeys(row.training for row in result.rows if row.training)
    return [[row for row in chosen(result.rows, training=name) if not row.best] for name in names]


def lines(result: Training) -> list[str]:
    """A sentence for each training."""
    return [*(_line(result, rows) for rows in _trainings(result)), *_carried_lines(result)]


def _carried_lines(result: Training) -> list[str]:
    """A sentence for each training about other sizes."""
    made = []
    for name in dict.fromkeys(row.training for row in result.carried if row.training):
        rows = chosen(result.carried, training=name)
        parts = ", ".join(f"{number(row.iterations[-1])} at {row.problem.partition(' ')[2]}" for row in rows)
        made.append(f"{name} in other sizes, iterations to {number(EPS[-1])}: {parts}.")
    return made


def _line(result: Training, rows: list[Row]) -> str:
    last = rows[-1]
    final = last.iterations[-1]
    rivals = {row.method: row.iterations[-1] for row in chosen(result.rows, problem=last.problem, training="")}
    words = f"{last.training} on {last.problem} needs, after {number(last.updates)} updates, "
    if final is None:
        return (
            f"{last.training} on {last.problem}: after {number(last.updates)} updates, half of the instances or more "
            f"do not come to a relative gap of {number(EPS[-1])} within the steps."
        )
    enough = next(
        row.updates for row in rows if row.iterations[-1] is not None and row.iterations[-1] <= final * (1 + ENOUGH)
    )
    classical = ", ".join(f"{name} {number(value)}" for name, value in rivals.items())
    return (
        f"{words}{number(final)} iterations to a relative gap of {number(EPS[-1])} (median; {classical}). After "
        f"{number(enough)} updates it needed at most {ENOUGH:.0%} more."
    )


def brief(result: Training) -> Brief:
    """A row for each stage."""
    head = ("training", "updates", *(f"to {number(eps)}" for eps in EPS), "median gap", "mean gap")
    words = "The table has the median iterations to each relative gap, and the gaps after the last step."
    return Brief((*lines(result), words), head, _cells(result))


def _carried_table(result: Training) -> Table:
    """Iterations to each gap: a row for each method, a column for each size."""
    sizes = list(dict.fromkeys(row.problem for row in result.carried))
    rows = {(row.training or row.method, row.problem): row for row in result.carried}
    head = ["weights or method", *(f"{size.partition(' ')[2]}, to {number(eps)}" for size in sizes for eps in EPS)]
    cells = [
        [name, *(number(value) for size in sizes for value in rows[name, size].iterations)]
        for name in dict.fromkeys(name for name, _ in rows)
    ]
    return Table("Iterations in other sizes", head, cells)


def _cells(result: Training) -> list[list[str]]:
    return [
        [
            row.training or row.method,
            "" if row.updates is None else f"{number(row.updates)}{' (best)' * row.best}",
            *map(number, row.iterations),
            number(row.gap),
            number(row.mean_gap),
        ]
        for row in result.rows
    ]


def figures(result: Training) -> Mapping[str, Drawing]:
    """Iterations to each tolerance against updates: a panel for each problem and tolerance."""
    from matplotlib.figure import Figure as Canvas

    problems = list(dict.fromkeys(row.problem for row in result.rows))
    methods = list(dict.fromkeys(row.method for row in result.rows))
    with style():
        looks = method_looks(methods)
        drawn = Canvas(figsize=size(2, 2.2 * len(problems) + 0.7), layout="constrained")
        panels = drawn.subplots(len(problems), len(EPS), squeeze=False)
        for line, problem in zip(panels, problems):
            rows = chosen(result.rows, problem=problem)
            for place, axes in enumerate(line):
                _panel(axes, rows, place, looks)
                axes.set_title(plain(problem))
        legend_below(drawn, panels.flat, 4)
    return {"curves": drawn}


def _panel(axes: Axes, rows: Sequence[Row], place: int, looks: Mapping[str, Any]) -> None:
    for row in chosen(rows, training=""):
        if row.iterations[place] is not None:
            axes.axhline(row.iterations[place], **looks[row.method] | {"marker": ""}, label=row.method)
    for i, name in enumerate(dict.fromkeys(row.training for row in rows if row.training)):
        drawn = [r for r in chosen(rows, training=name, best=False) if r.updates and r.iterations[place] is not None]
        if drawn:
            look = looks[drawn[0].method] | {"linestyle": DASHES[1 + i % (len(DASHES) - 1)]}
            axes.plot([r.updates for r in drawn], [r.iterations[place] for r in drawn], **look, label=name)
    ticks = sorted({row.updates for row in rows if row.updates and not row.best})
    axes.set(xscale="log", xlabel="updates", ylabel=f"iterations to {EPS[place]:.0e}".replace("e-0", "e-"))
    axes.set_xticks(ticks[::2] if len(ticks) > 4 else ticks, minor=False)
    axes.xaxis.set_major_formatter(lambda value, _: number(round(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def sections(result: Training) -> list[Section]:
    """The page."""
    words = "Iterations to a relative gap against the number of updates; level lines: classical methods."
    figure = Figure(
        figures(result)["curves"],
        "curves",
        "What more training brings",
        words,
        "Medians over instances that no training has seen; an iteration counts where the gap is certainly there.",
    )
    head = ["training", "updates", *(f"iterations to {number(eps)}" for eps in EPS), "median gap at the end", "mean"]
    methods = (
        f"Every stage takes the same {result.settings.batch} instances, drawn as those of its training are and from "
        f"seeds that no training uses, and {result.settings.steps} steps in float64. F* is a certified interval, and "
        f"gaps are upper ends. Every run is held against B6c, which is proved; all else is measured."
    )
    carried = [Section("sizes", "Sizes", "In other sizes", (_carried_table(result),))] if result.carried else []
    return [
        Section("answer", "Answer", "How much does more training bring?", (Sentences(lines(result)), figure)),
        Section("stages", "Stages", "Stage by stage", (Table("Stages", head, _cells(result)),)),
        *carried,
        Section("methods", "Methods", "How it is measured", (Text(methods),)),
    ]


STUDY = Study(
    name="training-curve",
    title="What more training brings",
    question="How much does more training bring?",
    settings=Settings,
    quick=quick,
    run=run,
    sections=sections,
    rows=lambda result: [vars(row) for row in (*result.rows, *result.carried)],
    lines=lines,
    headline=lines,
    brief=brief,
    figures=figures,
    in_words=lambda row: f"{row.training or row.method} at {row.updates} updates: B6c is violated on {row.violated}",
)
"""The study of stages of trainings, which `l2obound training-curve` runs."""
