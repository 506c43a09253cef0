"""The tables of the page, as blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..pages import blocks
from ..pages.text import DASH, join, number, percent
from ._compare import rows as compared_rows
from ._next_view import next_view
from .tables import SYMBOLS, VERDICTS, applicable, overview

Results = Mapping[str, Any]

_OUTCOMES = {"below": "▼", "equal": "=", "above": "▲"}


def badge(name: str) -> Markup:
    """A verdict with its sign."""
    return Markup('<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>').format(
        name.replace(" ", "-"), SYMBOLS[name], name
    )


def small(value: Any, *lines: Any, alarm: bool = False) -> Markup:
    """A cell with smaller lines below its value."""
    mark = Markup(' class="alarm"') if alarm else ""
    return Markup("{}").format(value) + Markup("").join(
        Markup("<small{}>{}</small>").format(mark, line) for line in lines if line
    )


def comparison(compared: Sequence[Results]) -> list[blocks.Block]:
    """The learned methods against the classical ones."""
    if not compared:
        return [blocks.Text("There is no pair of a learned and a classical method to compare.")]
    head = [
        "Problem", "Scenario", "Learned", "Median gap", "Best classical", "Median gap", "The learned one ends",
        "Steps to the classical one's last gap",
    ]  # fmt: skip
    rows = [
        [
            case["problem"]["key"], case["scenario"]["label"], case["learned"], case["texts"][0], case["classical"],
            case["texts"][1],
            Markup('<span class="{}"><span aria-hidden="true">{}</span> {}</span>').format(
                case["outcome"], _OUTCOMES[case["outcome"]], case["words"]
            ),
            f"not in {case['steps']}" if case["reached"] is None else f"{case['reached']} of {case['steps']}",
        ]
        for case in compared
    ]  # fmt: skip
    notes = (
        "Gaps are medians over the instances after the last step. ≤: at the width of the certified interval of F*; "
        "smaller gaps are not known. The data: tables/comparison.csv."
    )
    return [
        blocks.Table("Learned against classical methods", head, rows, kind="known compared"),
        blocks.Notes(notes),
    ]


def certificates(runs: Sequence[Results], label: str) -> list[blocks.Block]:
    """What the runs certify of themselves after the last step."""
    rows = []
    for run in (r for r in runs if r.get("certificate")):
        curve = run["certificate"]
        best = curve["best"]["median"][-1] if curve["best"]["median"] else None
        gap = curve["gap"]["median"][-1] if curve["gap"]["median"] else None
        at_floor = best is not None and run["floor"] is not None and best <= run["floor"]
        last = [c["median"][-1] for c in run["bound_curves"] if c["bound"] == "ood_last_iterate" and c["guaranteed"]]
        verdict = next((v for v in run["verdicts"] if v["bound"] == "run_certificate"), None)
        rows.append(
            [
                f"{run['scenario']['label']}, {run['optimizer']['label']}",
                f"≤ {number(run['floor'])}" if at_floor else number(best),
                number(gap),
                f"{'≥ ' if at_floor else ''}{number(curve['ratio'])}",
                number(last[0]) if last else DASH,
                percent(verdict["vacuous_share"]) if verdict and applicable(verdict) else DASH,
            ]
        )
    if not rows:
        return []
    head = ["Run", "Gap of the best point", "Certified gap", "Certified gap / gap", "B6c allows", "Says nothing"]
    notes = (
        "After the last step, medians over the instances. The certificate (B15) uses points, values and gradients of "
        "the run, and neither F* nor x*; its gap is that of the best point. ≤, ≥: the true gap is below what is known "
        "of F*. B6c: only where its hypotheses hold. Over the steps: tables/certificates.csv."
    )
    return [blocks.Table(label, head, rows), blocks.Notes(notes)]


def accuracy(results: Results) -> list[blocks.Block]:
    """How accurately F* is known, and who came nearest to it."""
    head = ["Problem", "Scenario", "Certified instances", "Relative width, median", "widest", "Lowest relative gap"]
    head += ["by", "Is it known?"]
    lines = []
    for row in compared_rows(results):
        widths = sorted(w for w in row.widths if w is not None)
        reached = [(e.lowest, e.label) for e in row.entries if e.lowest is not None]
        least, label = min(reached, default=(None, DASH))
        at_floor = least is not None and row.floor is not None and least <= row.floor
        resolved = DASH if row.floor is None or least is None else "no: not above the width" if at_floor else "yes"
        by = join([e.label for e in row.entries if e.lowest == least]) if at_floor else label
        lines.append(
            [
                row.problem_key, row.scenario["label"], f"{len(widths)} of {row.instances}",
                widths[len(widths) // 2] if widths else None, widths[-1] if widths else None,
                f"{'≤ ' if at_floor else ''}{number(least)}", by, resolved,
            ]
        )  # fmt: skip
    notes = (
        "Widths and gaps are relative to |F*|; the lowest gap is the median over the instances of each one's lowest. A "
        "gap that is not above the width cannot be told from 0. The data: tables/f_star.csv."
    )
    return [blocks.Table("Accuracy of F* and lowest gap", head, lines), blocks.Notes(notes)]


def upcoming(results: Results, figure: blocks.Figure | None) -> list[blocks.Block]:
    """What can be expected of the next instance."""
    view = next_view(results)
    if not view["tables"] or figure is None:
        parts: list[blocks.Block] = [
            blocks.Text("Nothing can be said of it: no problem has two or more instances that are independent draws.")
        ]
    else:
        words = _NEXT.format(delta=view["delta"], two=view["two"])
        parts = [blocks.Text(view["headline"]), blocks.Notes(words), figure]
        for table in view["tables"]:
            sentence = (
                f"{table['problem']['title']}: {table['sentence']} {table['instances']} instances show no probability "
                f"above {table['most']}, which is {view['delta']} to the power of 1/{table['instances']}."
            )
            inside = (blocks.Text(sentence), _next(table))
            parts.append(blocks.Folded(f"The next instance of {table['problem']['key']}", inside))
        parts.append(blocks.Notes(_NEXT_NOTES))
    if view["without"]:
        parts.append(blocks.Notes(f"No statement: {'; '.join(view['without'])}."))
    return parts


_NEXT = (
    "A worst case and a bound hold for every instance. What follows holds for an instance and a start that are drawn "
    "anew from the same generator with the same shift. Every single number is a statement of its own, wrong with "
    "probability at most {delta} over the draw of the instances, if weights, settings and seed were chosen without a "
    "look at them; two of them together have confidence {two}, and so on. A run that diverged and an F* that is not "
    "certified count as failures."
)
_NEXT_NOTES = (
    "Probabilities: the bound of Clopper and Pearson; below each how many instances were certainly so. Quantiles: that "
    "of the sample, below it the interval that holds the one of the distribution; open: so few instances do not bound "
    "it from above. At most: the largest instance. B6c is evaluated on each run, after it; the exact worst case, "
    "L‖x_0 - x*‖²/(4K) for proximal gradient steps, depends on the run by its start alone, with the certified point "
    "for x*. ρ is as float64 has it, at all steps: once a run is at the solution it is noise, which counts against the "
    "run. The data: tables/next_instance.csv."
)


def _next(table: Results) -> blocks.Table:
    most, high = table["most"], table["high"]
    head = [
        "Run", *table["tolerances"], small("median", "lies in"), small(f"{high}-quantile", "lies in"),
        small("at most", f"with probability ≥ {most}"), small("B6c", "median, largest"),
        small("exact worst case", "median, largest"), "P(< 1) is at least", small("median", "lies in"),
        small(f"{high}-quantile", "lies in"),
    ]  # fmt: skip
    groups = [
        ("P(relative gap ≤ ·) is at least", len(table["tolerances"])), ("F(x_K) - F* usually", 3),
        ("F(x_K) - F* at most, proved", 2), ("Largest ρ of the run", 3),
    ]  # fmt: skip
    rows = []
    for row in table["rows"]:
        run = row["run"]
        rows.append(
            [
                small(f"{run['scenario']['label']}, {run['optimizer']['label']}", row["failures"], alarm=True),
                *(small(cell["value"], cell["counted"]) for cell in row["within"]),
                *(small(cell["value"], cell["interval"]) for cell in row["gap"]),
                row["largest"],
                *(DASH if cell is None else small(cell[0], cell[1]) for cell in row["bounds"]),
                small(row["rho_below_1"]["value"], row["rho_below_1"]["counted"]),
                *(small(cell["value"], cell["interval"]) for cell in row["rho"]),
            ]
        )
    return blocks.Table(f"The next instance of {table['problem']['title']}", head, rows, groups, "upcoming")


def counted(results: Results) -> list[blocks.Block]:
    """The checks of each bound over all runs."""
    rows = []
    for row in overview(results):
        bar = Markup("").join(
            Markup('<i class="{}" style="flex-grow:{:.4f}"></i>').format(name.replace(" ", "-"), row["shares"][name])
            for name in VERDICTS
            if row["counts"][name]
        )
        tight = number(row["median"])
        if row["median"] is not None and row["least"] != row["greatest"]:
            tight += f" ({number(row['least'])} to {number(row['greatest'])})"
        rows.append(
            [
                f"{row['bound']['number']} {row['bound']['title']}",
                row["checks"],
                small(number(row["decided"]), *row["forms"]),
                *(
                    Markup('<b class="alarm">{}</b>').format(number(row["counts"][name]))
                    if name == "violated" and row["counts"][name]
                    else row["counts"][name]
                    for name in VERDICTS
                ),
                Markup('<div class="bar" aria-hidden="true">{}</div>').format(bar),
                percent(row["vacuous"]),
                tight,
            ]
        )
    head = ["Bound", "Checks", "Could fail", *map(badge, VERDICTS), "Share", "Vacuous", "Tightness (range over runs)"]
    notes = (
        "Could fail: checks that were decided and are neither vacuous nor another bound once more, which is then "
        "named. Tightness: the measured value over the bound, 1 where it is attained. The data: tables/verdicts.csv."
    )
    return [blocks.Table("Checks of each bound", head, rows, kind="overview"), blocks.Notes(notes)]


__all__ = ["accuracy", "badge", "certificates", "comparison", "counted", "small", "upcoming"]
