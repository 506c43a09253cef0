"""What the numbers say, the figure, the page, and the study."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from l2obound.verification.pages.blocks import Figure, Section, Sentences, Table, Text
from l2obound.verification.pages.figure_style import INK, SERIES, masked, style
from l2obound.verification.pages.text import number
from l2obound.verification.studies.framework import Study, chosen

from .run import Result, Row, Settings, quick, run

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def lines(result: Result) -> list[str]:
    """A sentence for each optimizer."""
    steps = result.settings.steps
    sentences = []
    for name in result.settings.optimizers:
        rows = chosen(result.rows, optimizer=name)
        sentences.append(
            f"{name}: B6c is below B3 for the first {number(median(row.lead for row in rows))} of {steps} steps "
            f"(median); after all of them it is below on {sum(row.lead == steps for row in rows)} of {len(rows)} "
            f"instances, and the median of B6c over B3 is {number(_median(rows, steps))}."
        )
    return sentences


def _median(rows: tuple[Row, ...], k: int) -> float | None:
    ratios = [ratio for ratio in (row.ratio[k - 1] for row in rows) if ratio is not None]
    return median(ratios) if ratios else None


def figures(result: Result) -> Mapping[str, Drawing]:
    """The median of B6c over B3 against the number of steps."""
    from matplotlib.figure import Figure as Canvas

    at = range(1, result.settings.steps + 1)
    with style():
        drawn = Canvas(figsize=(4.2, 2.8), layout="constrained")
        axes = drawn.subplots()
        axes.axhline(1, color=INK, linewidth=0.8)
        for name, colour in zip(result.settings.optimizers, SERIES):
            rows = chosen(result.rows, optimizer=name)
            axes.plot(at, masked([_median(rows, k) for k in at]), color=colour, label=name)
        axes.set(xlabel="steps K", ylabel="B6c over B3, median", yscale="log")
        axes.legend()
    return {"ratio": drawn}


def sections(result: Result) -> list[Section]:
    """The page."""
    figure = Figure(
        figures(result)["ratio"],
        "ratio",
        "B6c over B3",
        "The median over the instances against the number of steps, a line for each optimizer.",
        "Below the line at 1 the bound of the run itself promises more than exact steps would be promised.",
    )
    head = ["optimizer", "instance", "steps in the lead", "B6c over B3 at the end"]
    table = Table("Instances", head, [[r.optimizer, r.instance, r.lead, r.ratio[-1]] for r in result.rows])
    methods = (
        "Proved: B3, the rate of exact steps, and B6c, which knows the deviations of the run. For a run that is not of "
        "exact steps B3 is a yardstick and no bound. Measured: everything else."
    )
    return [
        Section("answer", "Answer", "Which bound promises more", (Sentences(lines(result)), figure)),
        Section("instances", "Instances", "Instance by instance", (table,)),
        Section("methods", "Methods", "Methods", (Text(methods),)),
    ]


def _rows(result: Result) -> list[dict[str, Any]]:
    return [vars(row) for row in result.rows]


STUDY = Study(
    name="sharper-bound",
    title="The bound of the run",
    question="For how many steps does the bound of a run promise more than the rate of exact steps?",
    settings=Settings,
    quick=quick,
    run=run,
    sections=sections,
    rows=_rows,
    lines=lines,
    headline=lines,
    figures=figures,
    in_words=lambda row: f"{row.optimizer}, instance {row.instance}: B6c is violated after {row.violated} steps",
)
