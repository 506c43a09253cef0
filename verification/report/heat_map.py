"""The heat map of a page: what each bound says of each run, or of each group of runs.

A cell is readable without colour: it has a number, a sign or a letter of its own.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ..pages.text import count, join, number, percent
from ._training_data import IN_DISTRIBUTION, KINDS, OTHER, SHIFTED
from .tables import applicable

Results = Mapping[str, Any]

LEVELS = (1e-3, 1e-2, 1e-1, 0.5)
"""Tightness at which the shade changes: one more level than numbers."""
_SHORT = {IN_DISTRIBUTION: "in", SHIFTED: "shift", OTHER: "other"}
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ROW_NAMES = {
    "per_step_descent": "descent of a step",
    "homogeneous_descent": "descent by deviation",
    "ind_rate": "rate of exact steps",
    "virtual_decomposition": "parts of a deviation",
    "ood_per_step": "descent, shifted",
    "ood_per_step:magnitude": "by features",
    "ood_multi_step": "mean gap",
    "ood_multi_step:virtual": "by features",
    "ood_multi_step_sharp": "mean gap, sharp",
    "ood_last_iterate": "last gap",
    "a_priori": "mean gap by deviation",
    "relative_deviation_rate": "last gap by deviation",
    "strong_convexity": "contraction",
    "nonconvex_stationarity": "size of gradients",
    "asymptotics": "point of rest",
    "equivariance": "equivariance",
    "assumption_sensitivity": "descent, inexact",
    "history_stability": "stability of memory",
    "run_certificate": "certified lower end",
    "accelerated_guard": "rate of a guard",
    "budgeted_deviations": "mean gap in a budget",
    "energy_descent": "descent of energy",
    "accelerated_inexact": "last gap, accelerated",
    "variable_metric": "mean gap in a metric",
}
"""What each bound is about, in few words; its title says it in full."""
_NOTHING = 0.999  # share of vacuous checks from which on a bound says nothing of a run


@dataclass(frozen=True)
class Column:
    """Runs that share a column, its `name`, the `group` that it stands in, and what it is, in full."""

    group: str
    name: str
    words: str
    runs: Sequence[Results]


@dataclass(frozen=True)
class Cell:
    """What a bound says of the runs of a column: the `kind` is a class of the style sheet, `words` say it in full."""

    kind: str
    text: str
    words: str


def by_method(runs: Sequence[Results]) -> list[Column]:
    """A column for each learned method and kind of data, and one for each other method."""
    columns, rest = [], []
    for name in dict.fromkeys(run["optimizer"]["name"] for run in runs):
        mine = [run for run in runs if run["optimizer"]["name"] == name]
        label = mine[0]["optimizer"]["label"]
        if not mine[0]["optimizer"]["learned"]:
            rest.append(Column("classical methods, all data", label, f"{label} on all data", mine))
            continue
        for kind in KINDS:
            of_kind = [run for run in mine if run["scenario"]["data"] == kind]
            if of_kind:
                columns.append(Column(label, _SHORT[kind], f"{label}, {kind}", of_kind))
    return [*columns, *rest]


def by_run(runs: Sequence[Results]) -> list[Column]:
    """A column for each run, in groups of scenarios."""
    return [
        Column(
            run["scenario"]["label"],
            run["optimizer"]["label"],
            f"{run['optimizer']['label']}, {run['scenario']['label']}",
            [run],
        )
        for run in runs
    ]


def cell(bound: str, runs: Sequence[Results]) -> Cell:
    """What a bound says of runs: the worst of their verdicts, and how much of the bound they use."""
    verdicts = [v for run in runs for v in run["verdicts"] if v["bound"] == bound]
    judged = [v for v in verdicts if applicable(v)]
    checks = sum(v["checks"] for v in verdicts)
    counts = {
        name: sum(v["counts"].get(name, 0) for v in verdicts) for name in ("violated", "inconclusive", "not applicable")
    }
    if not judged:
        return Cell("not-applicable", "–", "it does not apply" if verdicts else "not checked")
    if counts["violated"]:
        return Cell("violated", "✗", f"violated in {number(counts['violated'])} of {count(checks, 'check')}")
    empty = sum((v["vacuous_share"] or 0.0) * applicable(v) for v in judged) / sum(map(applicable, judged))
    parts = [f"on {number(sum(map(applicable, judged)))} of {count(checks, 'check')}"]
    if empty >= _NOTHING:
        return Cell("nothing", "○", f"true, but says nothing, {parts[0]}")
    if empty:
        parts.append(f"says nothing on {percent(empty)} of them")
    open_ = [v for v in judged if v["verdict"] == "inconclusive"]
    if open_:
        parts.append(f"{count(counts['inconclusive'], 'check')} open")
        return Cell("inconclusive", "?", f"inconclusive, {'; '.join(parts)}")
    medians = sorted(v["tightness_median"] for v in judged if v["tightness_median"] is not None)
    middle = medians[(len(medians) - 1) // 2] if medians else None
    if middle is not None:
        parts.append(f"the measured value is {number(middle)} of the bound")
    numbers = {v["bound"]: v["number"] for run in runs for v in run["verdicts"]}
    repeated = sorted({numbers[v["form_of"]] for v in judged if v.get("form_of")})
    if repeated:
        parts.append(f"the same inequality as {join(repeated)}")
    if len(repeated) == 1 and all(v.get("form_of") for v in judged):
        return Cell("repeat", f"= {html.escape(repeated[0])}", f"verified, {'; '.join(parts)}")
    return Cell(f"t{level(middle)}", tightness(middle), f"verified, {'; '.join(parts)}")


def level(value: float | None) -> int:
    """The shade of a tightness, from 0 to the number of `LEVELS`."""
    return 0 if value is None else sum(value > limit for limit in LEVELS)


def tightness(value: float | None) -> str:
    """A tightness in at most four characters: 1, .62, .04, 10⁻⁵; a tick where there is none to speak of."""
    if value is None or value <= 0:
        return "✓"
    if value >= 0.995:
        return "1"
    if value >= 0.0095:
        return f"{value:.2f}"[1:]
    return f"10{str(round(math.log10(value))).translate(_SUPERSCRIPT)}"


def _row_name(bound: Results) -> str:
    """Words with the number behind them; the number alone stays where there is no room."""
    main = bound["key"].partition(":")[0]
    words = html.escape(ROW_NAMES.get(bound["key"], ROW_NAMES.get(main, main.replace("_", " "))))
    number_ = html.escape(bound["number"])
    return f'<span class="words">{words} (</span><b>{number_}</b><span class="words">)</span>'


def heat_map(bounds: Sequence[Results], columns: Sequence[Column], label: str) -> Markup:
    """The map as a table, with its legend; bounds that apply to no run are named below it.

    Args:
        bounds: The rows, as the results list them.
        columns: The columns; neighbours of one group stand below its name.
        label: What the table is called where it is not seen.
    """
    rows = [(bound, [cell(bound["key"], column.runs) for column in columns]) for bound in bounds]
    speaking = [(bound, cells) for bound, cells in rows if any(c.kind != "not-applicable" for c in cells)]
    silent = [bound["number"] for bound, cells in rows if all(c.kind == "not-applicable" for c in cells)]
    groups: list[tuple[str, int]] = []
    for column in columns:
        if groups and groups[-1][0] == column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    starts, at = set(), 0
    for _, width in groups:
        starts.add(at)
        at += width
    first = [' class="first"' if place in starts else "" for place in range(len(columns))]
    head = "".join(f'<th scope="colgroup" colspan="{n}" class="first">{html.escape(name)}</th>' for name, n in groups)
    names = "".join(
        f'<th scope="col"{mark}><span title="{html.escape(column.words)}">{html.escape(column.name)}</span></th>'
        for column, mark in zip(columns, first)
    )
    lines = "\n".join(
        f'<tr><th scope="row" title="{html.escape(bound["title"])}">{_row_name(bound)}</th>'
        + "".join(
            f'<td class="{c.kind}{" first" if place in starts else ""}" title="{html.escape(c.words)}">{c.text}</td>'
            for place, c in enumerate(cells)
        )
        + "</tr>"
        for bound, cells in speaking
    )
    below = ""
    if silent:
        verb = "applies" if len(silent) == 1 else "apply"
        below = f'<p class="notes">{html.escape(join(silent, 12))} {verb} to none of these runs.</p>'
    return Markup(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{html.escape(label)}">\n<table class="heat">\n'
        f'<thead><tr><th scope="col" rowspan="2">Bound</th>{head}</tr>\n<tr>{names}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody></table></div>\n{_LEGEND}{below}"
    )


_LEGEND = (
    '<ul class="heat keys"><li><i class="t4">.62</i>verified; the number is the measured value over the bound, 1 where '
    "the bound is attained; the stronger the colour, the tighter the bound</li>"
    '<li><i class="t0">✓</i>verified, without a ratio: F falls where the bound lets it rise, or the gap is below the '
    "accuracy of F*</li>"
    '<li><i class="violated">✗</i>violated</li><li><i class="inconclusive">?</i>inconclusive</li>'
    '<li><i class="nothing">○</i>true, but says nothing</li>'
    '<li><i class="repeat">= B1</i>verified: on these runs the same inequality as B1</li>'
    '<li><i class="not-applicable">–</i>does not apply</li></ul>\n'
)
KIND_WORDS = (
    "in: drawn from the distribution of the training, by the manifest of the weights. shift: the same with start or "
    "objective shifted. other: other data."
)
