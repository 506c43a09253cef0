"""The page and the table of a result, and the study that they belong to."""

from __future__ import annotations

from typing import Any

from ...pages.blocks import Block, Figure, Folded, Notes, Section, Sentences, Table, Text
from ...pages.text import number, percent
from ..framework import Study
from . import _figure, _sentences
from ._measure import Cell
from ._run import RIVALS, YARDSTICKS, Drift, Settings, drift, quick
from ._shifts import SHIFTS
from ._words import factor


def rows(result: Drift) -> list[dict[str, Any]]:
    """A row for each model and level."""
    return [_record(cell) for cell in result.cells]


def _record(cell: Cell) -> dict[str, Any]:
    row: dict[str, Any] = {n: getattr(cell, n) for n in ("model", "shift", "level", "none", "control", "practical")}
    cost, attributed = cell.cost if cell.applies else None, cell.attributed
    row |= {"reached": cost and cost.reached, "iterations": cost and cost.iterations, "diverged": cell.diverged}
    for name in ("slowdown", *YARDSTICKS):
        range_of = cost and (cost.slowdown if name == "slowdown" else cost.excess[name])
        head = name if name == "slowdown" else f"excess over {name}"
        row |= {f"{head} {end}": range_of and getattr(range_of, end) for end in ("low", "high", "lower", "upper")}
    row |= {"rho median": cell.rho_median, "rho largest": cell.rho_largest, "choice": attributed and attributed.choice}
    row |= {"dz": attributed and attributed.dz}
    for kind in ("share", "along", "size"):
        row |= {f"{kind} {t}": attributed and getattr(attributed, kind)[t] for t in ("bracket", "pshift", "bshift")}
    row["bounds"] = [f"{b.number} {b.bound}: {b.verified}/{b.checks}, vacuous {b.vacuous}" for b in cell.bounds]
    row["reason"] = cell.reason
    return row


def sections(result: Drift) -> list[Section]:
    """The page."""
    attribution = _figure.attributions(result)
    attributed = "What the deviations are made of"
    features = "Does the distance of the features order the cost?"
    robust = f"Is {RIVALS[0]} more robust than {RIVALS[1]}?"
    return [
        Section("answer", "Answer", "Answer", _answer(result)),
        Section("costs", "Costs", "What each shift costs", _costs(result)),
        *([Section("attribution", "Attribution", attributed, _attributed(result, attribution))] if attribution else []),
        *([Section("features", "Features", features, _features(result))] if attribution else []),
        *([Section("rivals", "Robustness", robust, _rivals(result))] if result.comparisons else []),
        Section("bounds", "Bounds", "The bounds under shift", _bounds(result)),
        Section("numbers", "Numbers", "The numbers", _numbers(result)),
        Section("methods", "Methods", "Methods", (Text(_methods(result)),)),
    ]


def _answer(result: Drift) -> list[Block]:
    broken = _sentences.verdict(result) if result.broken else []
    return [Sentences([*broken, *_sentences.headline(result), _sentences.family(result)])]


def _costs(result: Drift) -> list[Block]:
    figure = Figure(
        _figure.costs(result),
        "f-costs",
        "What each level costs",
        "A panel for each shift: iterations of each model relative to in distribution and to the yardstick.",
        f"Iterations to {result.settings.eps[0]:g} of the initial gap, over those in distribution, over the same ratio "
        f"of {YARDSTICKS[0]}: medians and 95 % intervals. Above 1 the model loses more than the problem became harder. "
        "Open triangles: at least. Grey band: in distribution; ochre band: the control.",
    )
    return [
        figure,
        Sentences(_sentences.costs(result)[1:], bullets=True),
        Sentences([*_sentences.harder(result), *_sentences.robustness(result)]),
        Notes(_sentences.confidence()),
    ]


def _attributed(result: Drift, drawn: Any) -> list[Block]:
    figure = Figure(
        drawn,
        "f-attribution",
        "What the deviations are made of",
        "Stacked bars for each level: shares of the bracket, the preconditioner shift and the bias shift.",
        "Shares of the sum of the three norms, means over steps and instances, step by step beside the paired run in "
        "distribution; hatched: coordinate by coordinate, where the number of variables differs. Framed: the control, "
        "two draws of one distribution. In distribution itself all is bracket.",
    )
    return [figure, Sentences([*_sentences.attributions(result), *_sentences.coordinates(result)])]


def _features(result: Drift) -> list[Block]:
    correlations = [
        [p.model, p.shift or "all practical", p.way, f"{p.instances} × {p.levels}", p.value,
         f"{number(p.low)} to {number(p.high)}"]
        for p in result.predictions
        if p.value is not None
    ]  # fmt: skip
    if not correlations:
        return [Sentences(_sentences.features(result))]
    head = ["model", "shift", "over", "instances × levels", "Spearman", "95 % interval"]
    notes = (
        f"Spearman's correlation of ||Dz|| with the excess over {YARDSTICKS[0]}; the control is left out, as are sizes "
        f"that cannot be paired. Bootstrap over instances with all their levels, {result.settings.resamples} draws, "
        f"for these levels and no others. Positive: further features, more cost."
    )
    return [
        Sentences(_sentences.features(result)),
        Folded("The correlations", (Table("Correlations", head, correlations),)),
        Notes(notes),
    ]


def _rivals(result: Drift) -> list[Block]:
    head = [
        "level", "instances: less / more / open", "probability to lose less", "loss, ratio", "loses less",
        "iterations, ratio", "faster",
    ]  # fmt: skip
    notes = (
        f"Loss: iterations out of over in distribution. Ratios are {RIVALS[0]} over {RIVALS[1]}, medians with 95 % "
        f"intervals; the yardstick cancels. The probability is a Clopper-Pearson interval over the decided instances."
    )
    return [
        Sentences(_sentences.rivals(result)[1:], bullets=True),
        Sentences(_sentences.moved(result)),
        Table("Robustness", head, [_comparison(c) for c in (*result.overall, *result.comparisons)]),
        Notes(notes),
    ]


def _comparison(c: Any) -> list[str]:
    share = "–" if c.share is None else f"{percent(c.share[0])} to {percent(c.share[1])}"
    where = f"{c.shift} {c.level}{' (control)' if c.control else ''}"
    return [
        where, f"{c.less} / {c.more} / {c.open}", share, factor(c.ratio), c.verdict,
        factor(c.ratio_there), c.faster,
    ]  # fmt: skip


def _bounds(result: Drift) -> list[Block]:
    notes = (
        '"Vacuous": the bound permits what it should exclude, an increase of F or no progress at all. Inconclusive: '
        "the least constant C2 of a pair is infinite, because the features are equal and the bias still differs: it "
        "depends on the problem as well, as that of l2o-pa does through its prox."
    )
    return [Sentences(_sentences.verdict(result)), Notes(notes)]


def _numbers(result: Drift) -> list[Block]:
    head = [
        "level", "model", "iterations", "there", "slowdown", *(f"excess over {name}" for name in YARDSTICKS),
        "rho, median / largest", "||Dz||", "shares", "along", "bounds that say something",
    ]  # fmt: skip
    tables: list[Block] = []
    for name in result.settings.shifts:
        cells = [_row(c, result.settings.batch) for c in result.select(shift=name)]
        tables.append(Folded(f"{name}: {SHIFTS[name].words}", (Table(f"Numbers: {name}", head, cells),)))
    return [*tables, *[Notes(s) for s in _sentences.left_out(result)]]


def _row(cell: Cell, batch: int) -> list[str]:
    mark = " (none)" if cell.none else " (control)" if cell.control else ""
    if not cell.applies:
        return [f"{cell.level}{mark}", cell.model, "not applicable", *["–"] * 8]
    cost, a = cell.cost, cell.attributed
    split = "–" if a is None else " / ".join(percent(v) for v in a.share.values())
    along = "–" if a is None else " / ".join(percent(v) for v in a.along.values())
    says = (
        "–" if not cell.bounds else ", ".join(f"{b.number}: {b.verified - b.vacuous}/{b.checks}" for b in cell.bounds)
    )
    return [
        f"{cell.level}{mark}", cell.model, number(cost.iterations), f"{cost.reached}/{batch}",
        factor(cost.slowdown), *(factor(v) for v in cost.excess.values()),
        f"{number(cell.rho_median)} / {number(cell.rho_largest)}", number(None if a is None else a.dz), split, along,
        says,
    ]  # fmt: skip


def _methods(result: Drift) -> str:
    settings = result.settings
    return (
        f"Proved: the sum of the three terms, the bounds B5, B6 and their sharper forms, and the coverage of the "
        f"intervals of medians and proportions. Measured: everything else. Iterations are counted to F(x_k) - F* <= "
        f"eps (F(x_0) - F*) with certified F*, from each run's own start, so that a far start makes a larger gap; "
        f"instances that have not converged within {settings.horizon} steps are censored and not dropped. Shares and "
        f'"along" are of bracket, preconditioner shift and bias shift, in this order, over the first {settings.steps} '
        f"steps until 1e-8 of the initial gap is left. The biases of l2o-pa and ada-lista depend on the data of the "
        f"problem too, and their bias shift holds that change; ||Dz|| is per coordinate (root mean square)."
        f' "Bounds that say '
        f'something": checks that are verified and not vacuous.'
    )


STUDY = Study(
    name="drift",
    title="Shifts of the distribution",
    heading="What do practical shifts cost a learned optimizer?",
    question="What do the shifts cost that occur in practice: another dictionary, noise, sparsity, regularisation, "
    "conditioning, dimension?",
    settings=Settings,
    quick=quick,
    run=lambda settings, context: drift(settings, context.progress),
    sections=sections,
    rows=rows,
    printed=("model", "shift", "level", "slowdown low", "slowdown high", "rho median", "dz", "diverged", "reason"),
    lines=_sentences.lines,
    headline=_sentences.headline,
    brief=_sentences.brief,
    figures=_figure.figures,
)
