"""The page and the table of a result, and the study that they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...pages import figure_view
from ...pages.blocks import Block, Figure, Folded, Notes, Section, Sentences, Table, Text, hint
from ...pages.text import number, percent
from ..framework import Study
from . import _figure, _sentences
from ._explore import script_data
from ._measure import Cell
from ._patterns import DESCRIPTIONS
from ._run import Sensitivity, Settings, quick, sensitivity

_NOTES = (
    "Shaded: guaranteed. Triangles at the upper edge: unbounded, above the panel or not found. The closed form ends "
    "where it is vacuous; it knows the distances of the run, max ||x_k - x*||, and may lie below the exact worst case, "
    "which knows R only. B8 and the worst cases are for s = {}."
)


def sections(result: Sensitivity) -> list[Section]:
    """The page."""
    settings, trained = result.settings, _sentences.trained(result)
    methods = (
        f"Proved: B8 and B13, where rho < 1 at each step; that each pattern has the deviation it is named by (and "
        f"measured to agree within rounding). As solved: the exact worst cases, over all f and r of the class and all "
        f"steps of that deviation, without a certificate. Measured: everything of runs, R (to the certified point, not "
        f"to x*), and the correlations. Gaps are in units of L R², largest over {settings.batch} instances; iterations "
        f"are those to {number(settings.eps)} of the initial gap, for certain, over those of exact steps."
    )
    stages = "Does training come nearer to Assumption 1?"
    shipped = "Shipped models: do instances with more deviation converge more slowly?"
    return [
        Section("answer", "Answer", "What a deviation costs", _answer(result)),
        Section("regions", "Regions", "Where each guarantee ends, and where runs diverge", _regions(result)),
        Section("explore", "Explore", "Explore", _explore(result)),
        Section("families", "Families", "By family", [b for f in settings.families for b in _family(result, f)]),
        *([Section("stages", "Stages of training", stages, _stages(result))] if result.checkpoints else []),
        *([Section("trained", "Shipped models", shipped, _shipped(result, trained))] if trained else []),
        Section("methods", "Methods", "Methods", (Text(methods),)),
    ]


def _answer(result: Sensitivity) -> list[Block]:
    head = [
        "rho", "guarantee B8 grows by", "exact worst case, r = 0", "exact worst case, any r",
        "steps for one exact step, r = 0 / any r",
    ]  # fmt: skip
    rows = [
        [row["rho"], *(f"×{number(v)}" for v in (row["guarantee_factor"], smooth["ratio"], composite["ratio"])),
         f"{number(smooth['worth'])} / {number(composite['worth'])}"]
        for row in result.costs
        for smooth, composite in [(row["smooth"], row["composite"])]
    ]  # fmt: skip
    notes = (
        f"Worst cases of F(x_K) - F* after K = {result.settings.steps} steps whose deviations are at most rho, over "
        f"that of exact steps. Last column: K over the number of exact steps with the same worst case."
    )
    return [
        Text(_sentences.verdict(result), strong=True),
        Table("Costs", head, rows),
        Notes(notes),
        Sentences(_sentences.costs(result), bullets=True),
        Sentences(_sentences.caution(result)),
    ]


def _regions(result: Sensitivity) -> list[Block]:
    settings = result.settings
    head = ["pattern", "what it does", "B8 ends at", "B13 ends at", "rho < 1 up to"]
    notes = (
        f"Sizes at which B8 and B13 turn vacuous are solved for in the catalogue's formulas (“of the run”: rho depends "
        f"on the run, no size decides); the other columns are of the sizes tried. Diverges: the size from which a run "
        f"of {settings.horizon} steps ends above F(x_0), or is given up; “>”: none up to that size. With r not 0 "
        f"patterns that need a prox with p > 0, or a bias below ||G||, have no sizes from 1 on."
    )
    head += [f"diverges, {family}" for family in settings.families]
    return [Table("Regions", head, [_region(result, n) for n in settings.patterns]), Notes(notes)]


def _region(result: Sensitivity, name: str) -> list[str]:
    diverging = []
    for family in result.settings.families:
        size = result.diverges_at(name, family)
        tried = max(c.size for c in result.select(pattern=name, family=family))
        diverging.append(f"> {number(tried)}" if size is None else number(size))
    ends = ["of the run" if v is None else number(v) for v in (result.regions[name][b] for b in ("B8", "B13"))]
    return [name, DESCRIPTIONS[name], *ends, number(result.measured_region(name)), *diverging]


def _explore(result: Sensitivity) -> list[Block]:
    """The panel whose family, pattern and number of steps are chosen; until its script runs, the first of each."""
    family = result.settings.families[0]
    name = next(n for n in result.settings.patterns if result.select(family=family, pattern=n))
    title = f"{name} on {family} after {result.settings.steps} steps"
    panel = figure_view(_figure.single(result, family, name), "f-static", title, title)["svg"]
    here = Path(__file__).parent
    texts = {"panel": panel, "steps": result.settings.steps, "data": script_data(result)}
    texts["script"] = Markup((here / "explore.js").read_text(encoding="utf-8"))
    return [Markup((here / "explore.html").read_text(encoding="utf-8")).format(**texts)]


def _family(result: Sensitivity, family: str) -> list[Block]:
    title = f"Sensitivity on {family}"
    head = [
        "pattern", "size", "s", "rho, median / largest", "B8", "exact", "method's own", "largest gap",
        "iterations, median / worst", "diverged",
    ]  # fmt: skip
    rows = [
        [c.pattern, c.size, c.shift, _rho(c), c.closed_form, _exact(c), hint(number(c.own), c.own_reason),
         c.gap, *_lengths(c)]
        for c in result.select(family=family)
    ]  # fmt: skip
    return [
        Figure(
            _figure.figure(result, family),
            f"f-{family}",
            title,
            f"{title}: a panel for each pattern; B8, exact worst cases and runs against the size of the deviation.",
            _NOTES.format(number(result.settings.shifts[0])),
        ),
        Folded("The numbers", (Table(f"Numbers: {family}", head, rows),)),
    ]


def _rho(c: Cell) -> str:
    return f"{number(c.rho_median)} / {number(c.rho_worst)}"


def _exact(c: Cell) -> str:
    return hint(number(c.exact), c.exact_reason)


def _lengths(c: Cell) -> tuple[str, str]:
    """Iterations over those of exact steps, and how many runs diverge."""
    return f"×{number(c.factor_median)} / ×{number(c.factor_worst)}", f"{c.diverged} of {len(c.iterations)}"


def _stages(result: Sensitivity) -> list[Block]:
    settings = result.settings
    widths = ", ".join(f"{m} {w}" for m, w in zip(("circle", "square", "triangle", "diamond"), settings.widths))
    correlations = [[c.family, c.shift, c.deviation, c.n, c.value, _interval(c)] for c in result.across]
    checkpoints = [
        [c.cell.family, c.cell.shift, c.hidden, c.seed, c.batches, _rho(c.cell), percent(c.inside), c.delta_sum,
         c.cell.closed_form, _exact(c.cell), c.cell.gap, c.rate, *_lengths(c.cell)]
        for c in result.checkpoints
    ]  # fmt: skip
    head = [
        "family", "s", "width", "seed", "batches", "rho, median / largest", "steps with rho < 1", "delta-sum", "B8",
        "exact", "largest gap", "decades a step", "iterations, median / worst", "diverged",
    ]  # fmt: skip
    notes = (
        f"Positive: checkpoints with more deviation converge more slowly. The checkpoints of one training are no "
        f"independent draws: the bootstrap draws whole trainings, of which there are "
        f"{len(settings.widths) * len(settings.seeds)} a family, and the interval is Student's for that number. It is "
        f"one for these stages and no others: a stage moves both numbers in all trainings at once."
    )
    return [
        Sentences(_sentences.stages(result)),
        Figure(
            _figure.trained(result),
            "f-stages",
            "Deviation and iterations of checkpoints",
            "Iterations over those of exact steps against the measured median rho, a panel for each family and shift.",
            f"Hidden size: {widths}. Crosses: the cells of the patterns. Dashes: growth of the guarantee; squares: "
            f"steps for one exact step in the exact worst case. Medians over {settings.batch} instances.",
        ),
        Table(
            "Correlations over checkpoints",
            ["family", "s", "deviation", "checkpoints", "Spearman with log-rate", "95 % interval"],
            correlations,
        ),
        Notes(notes),
        Folded("The numbers", (Table("Checkpoints", head, checkpoints),)),
    ]


def rows(result: Sensitivity) -> list[dict[str, Any]]:
    """A row for each cell; what is judged after fewer steps has columns of its own."""
    table = []
    for cell in result.cells:
        row = cell.to_dict()
        for early in row.pop("by_steps")[:-1]:
            row |= {f"{name} after {early['steps']}": early[name] for name in ("closed_form", "exact", "own", "gap")}
        table.append(row)
    return table


def _interval(c: Any) -> str:
    return f"{number(c.low)} to {number(c.high)}"


def _shipped(result: Sensitivity, sentences: list[str]) -> list[Block]:
    head = [
        "model", "family", "s", "deviation", "median", "decades a step, median", "n", "Spearman", "95 % interval",
    ]  # fmt: skip
    rows = [
        [c.model, c.family, c.shift, c.deviation, c.deviation_median, c.rate_median, c.n, c.value, _interval(c)]
        for c in result.correlations
    ]
    notes = (
        f"Positive: instances with more deviation converge more slowly. Percentile bootstrap over instances, "
        f"{result.settings.resamples} draws."
    )
    return [Sentences(sentences), Table("Correlations", head, rows), Notes(notes)]


STUDY = Study(
    name="sensitivity",
    title="Sensitivity to Assumption 1",
    heading="How far may steps drift from 1/L?",
    question="To what extent does a violation of Assumption 1 degrade the convergence rates?",
    settings=Settings,
    quick=quick,
    run=lambda settings, context: sensitivity(
        settings, context.progress, None if context.store is None else context.store / "trainings"
    ),
    sections=sections,
    rows=rows,
    printed=("family", "shift", "pattern", "size", "rho_median", "own", "gap", "factor_median", "diverged"),
    lines=_sentences.lines,
    headline=_sentences.headline,
    brief=_sentences.brief,
    figures=_figure.figures,
    in_words=lambda c: f"{c.family}, s = {c.shift:g}, {c.pattern} of size {c.size:g}: {'; '.join(c.broken)}",
)
