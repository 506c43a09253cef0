"""The page of the report: one self-contained HTML file, made from the results and nothing else.

Every sentence with a number in it is computed here or in `sentences`, from the results.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from ..pages import STYLE
from ..pages.figure_export import file_bytes, inline_svg
from ..pages.formula import formula_svg
from ..pages.text import DASH, count, join, number, percent, printable
from . import sentences, shift_sentences
from ._answer import answer
from ._compare import comparisons, rows
from ._extras import EXTRAS
from ._ledger_view import ledger_rows, ledger_words
from ._next_view import figure_words, next_view, shown_next
from .figures import figures as draw
from .figures import file_names, shown_attributions, shown_pairs
from .tables import SYMBOLS, VERDICTS, obstacles, overview, remarks, verdict_tables
from .worst_cases import grouped, violated, worst_case_words

_HERE = Path(__file__).parent
_MEANINGS = {
    "verified": "holds for every F* in the certified interval, up to rounding",
    "violated": "fails for every F* in the certified interval, beyond rounding",
    "inconclusive": "holds for some F* in the interval and fails for others",
    "not applicable": "the run breaks a hypothesis of the bound, which then promises nothing",
}

Results = Mapping[str, Any]


def render(results: Results) -> tuple[str, dict[str, bytes]]:
    """The page, and the files of its figures by name; equal results give equal bytes."""
    page, drawn, files = _render(results)
    return page, files | {f"{name}.pdf": file_bytes(figure, "pdf") for name, figure in drawn.items()}


def render_html(results: Results) -> str:
    """The page alone."""
    return _render(results)[0]


def _render(results: Results) -> tuple[str, dict[str, Figure], dict[str, bytes]]:
    """The page, its figures by the name of their files, and those of the files that the page shows itself."""
    results = printable(results)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent}
    compared = comparisons(results)
    drawn = draw(results)
    names = file_names(drawn)
    files = {f"{names[key]}.svg": file_bytes(figure, "svg") for key, figure in drawn.items()}
    views = dict(_figure_views(results, drawn, names, files, compared))
    upcoming = next_view(results)
    page = environment.get_template("template.html").render(
        results=results,
        style=Markup(STYLE.read_text(encoding="utf-8")),
        answer=answer(
            results, compared, views["iterations"]["sentence"] if "iterations" in views else None, upcoming["headline"]
        ),
        meanings=[(name, SYMBOLS[name], _MEANINGS[name]) for name in VERDICTS],
        overview=overview(results),
        compared=compared,
        overall=[views[key] for key in ("final-gaps", "iterations") if key in views],
        known=_optima(results),
        known_figure=views.get("f-star"),
        upcoming=upcoming,
        upcoming_figure=views.get("next-instance"),
        problems=_problem_views(results, views),
        ledger=[{**row, "formula": formula_svg(row["latex"])} for row in ledger_rows(results)],
        ledger_sentence=ledger_words(results),
        looseness=grouped(results),
        looseness_sentence=worst_case_words(results),
        looseness_figure=views.get("worst-cases"),
        false_bounds=violated(results),
        without=(results["worst_cases"] or {"without": ()})["without"],
        transients=[view for key, view in views.items() if key.startswith("transient/")],
        slowest=sorted(results["runs"], key=lambda run: -_seconds(run)),
        config=json.dumps(results["config"], indent=2, ensure_ascii=False),
        parts=_parts(results),
        dash=DASH,
    )
    return page, {names[key]: figure for key, figure in drawn.items()}, files


def _parts(results: Results) -> int:
    """How many parts are kept on their own: runs, what is measured beside them, optima, proofs, worst cases."""
    optima = sum(len({o["fingerprint"] for o in problem["optima"]}) for problem in results["problems"])
    long = {(e["problem"], t) for e in results["transients"] for t in (0.0, e["scenario"]["t"])}
    proofs = any(row["proof"] for row in results["catalogue"])
    return (
        len(results["runs"])
        + sum(len(results[name]) for name in EXTRAS)
        + optima
        + len(long)
        + proofs
        + bool(results["worst_cases"])
    )


def _seconds(run: Results) -> float:
    return run["seconds"] + run["checking_seconds"]


def _figure_views(
    results: Results,
    drawn: Mapping[str, Figure],
    names: Mapping[str, str],
    files: Mapping[str, bytes],
    compared: Sequence[Results],
) -> list[tuple[str, dict[str, Any]]]:
    """Each figure with its title, its sentence, its notes and its files."""
    numbers = {bound["key"]: bound["number"] for bound in results["bounds"]}
    problems = {problem["key"]: problem for problem in results["problems"]}
    table = rows(results)
    views = []
    for index, key in enumerate(drawn, 1):
        kind, _, rest = key.partition("/")
        where, _, name = rest.partition("/")
        runs = [r for r in results["runs"] if r["problem"] == where and name in ("", r["optimizer"]["name"])]
        compared_here = [c for c in compared if c["problem"]["key"] == where]
        if kind == "worst-cases":
            title, words, notes = "Bound over exact worst case", worst_case_words(results), list(_LOOSENESS_NOTES)
        elif kind == "next-instance":
            title, words, notes = figure_words(shown_next(results))
        elif kind in ("attribution", "shifts", "transient"):
            title, words, notes = _shift_words(results, kind, where, name)
        else:
            title, words, notes = _words(kind, problems.get(where), runs, compared_here, table, numbers)
        svg = files[f"{names[key]}.svg"]
        view = {
            "title": title,
            "sentence": words,
            "notes": " ".join(notes),
            "svg": Markup(inline_svg(svg, f"f{index}", title, f"{title}. {words}")),
            "files": [f"figures/{names[key]}.{kind}" for kind in ("svg", "pdf")],
        }
        views.append((key, view))
    return views


def _words(
    kind: str,
    problem: Results | None,
    runs: Sequence[Results],
    compared: Sequence[Results],
    table: Sequence[Any],
    numbers: Mapping[str, str],
) -> tuple[str, str, list[str]]:
    """Title, sentence and notes of a figure."""
    if problem is None:
        title, words_of, notes_of_table = {
            "final-gaps": ("Relative gap after the last step", sentences.final_gaps, _GAP_NOTES),
            "iterations": ("Iterations to a relative gap", sentences.iterations, _ITERATION_NOTES),
            "f-star": ("How accurately F* is known, and the lowest gap reached", sentences.f_star, _F_STAR_NOTES),
        }[kind]
        return title, words_of(table), list(notes_of_table)
    label = runs[0]["optimizer"]["label"]
    bands = sentences.quantiles(problem)
    stepping = [run for run in runs if run["descent"]]
    if kind == "convergence":
        notes = [*sentences.floor(runs), *sentences.diverged(runs), *bands]
        return f"Convergence on {problem['title']}", sentences.convergence(runs, compared), notes
    if kind == "bounds":
        title = f"Bounds over the run of {label} on {problem['title']}"
        return (
            title,
            sentences.bounds(runs, numbers),
            [*sentences.dashed(runs, numbers), *sentences.diverged(runs), *bands],
        )
    if kind == "per-step":
        title = f"Each step of {label} on {problem['title']}"
        notes = [*_STEP_NOTES, *sentences.unresolved(stepping), *sentences.diverged(stepping), *bands]
        return title, sentences.per_step(stepping), notes
    deltas = _DELTA_NOTES if any(run["deviation"] for run in runs) else ()
    notes = [*deltas, *sentences.ideal(runs), *sentences.diverged(runs), *bands]
    words = "Deviation from Assumption 1" if deltas else "Deviation from the ideal step"
    return f"{words} on {problem['title']}", sentences.deviation(runs), notes


def _shift_words(results: Results, kind: str, where: str, name: str) -> tuple[str, str, list[str]]:
    """Title, sentence and notes of a figure about shifts."""
    if kind == "transient":
        entries = [entry for entry in results["transients"] if entry["problem"] == where]
        title = f"How many steps a shift costs, {entries[0]['title']}"
        notes = [*shift_sentences.transient_notes(entries), *sentences.quantiles(entries[0])]
        return title, shift_sentences.transients(entries), notes
    on = next(problem["title"] for problem in results["problems"] if problem["key"] == where)
    if kind == "shifts":
        pairs = shown_pairs(results, where)
        return f"Start or objective shifted on {on}", shift_sentences.shift_pairs(pairs), [*shift_sentences.PAIR_NOTES]
    entries = [e for e in shown_attributions(results, where) if e["optimizer"]["name"] == name]
    title = f"Where the deviation of {entries[0]['optimizer']['label']} comes from on {on}"
    return title, shift_sentences.attribution(entries), shift_sentences.attribution_notes(entries)


_GAP_NOTES = ("Medians over the instances. Grey: below the median width of the certified interval of F*.",)
_ITERATION_NOTES = (
    "The first k with F(x_k) certainly within the tolerance of F*, the median over the instances; an instance that "
    "never gets there counts as infinite.",
)
_F_STAR_NOTES = (
    "Grey bar: the relative widths of the certified intervals, from the narrowest to the widest instance, with the "
    "median. Markers: the median of each instance's lowest gap; hollow where it is not above the width.",
)
_STEP_NOTES = (
    "B1: F(x_k) - F(x_(k-1)) ≤ -‖G‖²/(2L) + (L/2)‖e‖². Top: the decrease and what B1 guarantees of it; a decrease "
    "below 0 has no place on the logarithmic axis and is counted in the middle.",
)
_LOOSENESS_NOTES = (
    "1: the bound is attained. Line: the largest step size h; band: over all h. A label with + n stands for n more "
    "forms or bounds on the same line; r = 0: over smooth functions. B8 is taken at the Δ of the worst-case run.",
)
_DELTA_NOTES = (
    "Reading gradient_descent of Assumption 1: δ1 = 2Lp - 1, δ2 = 2Lb - G; both are 0 for a perfectly trained model. "
    "Dotted, where apart: δ2 = 2Lb of the reading half_step, with the same δ1. ρ = L‖e‖/‖G‖ ≤ (‖δ1‖∞ + ‖δ2‖/‖G‖)/2.",
)


def _optima(results: Results) -> list[dict[str, Any]]:
    """A row for each problem and scenario: how accurately F* is known, and who got lowest."""
    optima = []
    for row in rows(results):
        widths = sorted(w for w in row.widths if w is not None)
        reached = [(e.lowest, e.label) for e in row.entries if e.lowest is not None]
        least, label = min(reached, default=(None, DASH))
        at_floor = least is not None and row.floor is not None and least <= row.floor
        optima.append(
            {
                "row": row,
                "certified": len(widths),
                "median": widths[len(widths) // 2] if widths else None,
                "most": widths[-1] if widths else None,
                "lowest": f"{'≤ ' if at_floor else ''}{number(least)}",
                "by": label if not at_floor else join([e.label for e in row.entries if e.lowest == least]),
                "resolved": None if row.floor is None or least is None else not at_floor,
            }
        )
    return optima


def _problem_views(results: Results, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    views = []
    for index, problem in enumerate(results["problems"], 1):
        key = problem["key"]
        runs = [run for run in results["runs"] if run["problem"] == key]
        figures_here = [view for name, view in figures.items() if name.split("/")[1:2] == [key]]
        views.append(
            {
                "problem": problem,
                "anchor": f"problem-{index}",
                "tables": verdict_tables(results, key) if runs else [],
                "obstacles": obstacles(results, key),
                "notes": remarks(results, key, "notes"),
                "broken": remarks(results, key, "broken_data"),
                "figures": figures_here,
                "f_star": _f_star_words(problem["optima"]),
                "messages": list(dict.fromkeys(text for o in problem["optima"] for text in o["messages"])),
            }
        )
    return views


def _f_star_words(optima: Sequence[Results]) -> str:
    pairs = [pair for optimum in optima for pair in zip(optimum["lower"], optimum["upper"])]
    widths = sorted(high - low for low, high in pairs if None not in (low, high))
    if not widths:
        return "No instance has a certified interval of F*, so no gap is known."
    words = []
    for field in ("solvers", "certificates"):
        names: dict[str, int] = {}
        for optimum in optima:
            for name, amount in optimum[field].items():
                names[name] = names.get(name, 0) + amount
        words.append(join([f"{name} ({number(amount)})" for name, amount in names.items()]) or DASH)
    return (
        f"F* is certified to an interval for {number(len(widths))} of {count(len(pairs), 'instance')} (all scenarios), "
        f"of width {number(widths[len(widths) // 2])} in the median and {number(widths[-1])} at most. "
        f"Solver: {words[0]}. Certificate: {words[1]}."
    )
