"""The catalogue on the page: the ledger of bounds, and how loose each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ..pages import blocks
from ..pages.formula import formula_svg
from ..pages.text import number
from ._ledger_view import ledger_rows, ledger_words
from ._tables_view import small
from .tables import VERDICTS
from .worst_cases import grouped, violated, worst_case_words

Results = Mapping[str, Any]


def catalogue(results: Results) -> list[blocks.Block]:
    """Every entry of the catalogue with its proof and its checks."""
    rows = []
    for place, row in enumerate(ledger_rows(results), 1):
        name = Markup('<span id="bound-{}"></span><b>{}</b> {}').format(place, row["number"], row["title"])
        drawn = formula_svg(row["latex"], f"m{place}")
        formula = Markup("<code>{}</code>").format(row["latex"]) if drawn is None else Markup(drawn)
        rows.append(
            [
                small(name, Markup("<code>{}</code>").format(row["key"]), f"one check per {row['level']}"),
                row["kind"],
                row["origin"],
                small(Markup('<span class="badge verified">✓ {}</span>').format(row["standing"]), row["proved_words"])
                if row["standing"] in ("kernel-checked", "machine-checked")
                else row["proved_words"],
                row["unchecked"]
                or small("", *(f"{number(row['counts'][n])} {n}" for n in VERDICTS if row["counts"][n])),
                formula + _hypotheses(row),
            ]
        )
    head = ["Bound", "Kind", "Source", "Proved by machine", "Checks in this report", "Statement"]
    notes = (
        "Tight: for every number of steps some run attains it; upper: an upper bound, no such run is known. A machine "
        "proof is a list of known inequalities with multipliers whose sum was expanded to the statement exactly, for "
        "symbolic constants. Kernel-checked: the kernel of Coq accepted this very statement and its proof when the "
        "package was made; machine-checked: the prover and its own checker did, for this report; quoted: as the source "
        "has it. The data: tables/ledger.csv."
    )
    return [
        blocks.Text(ledger_words(results)),
        blocks.Table("The whole catalogue of bounds", head, rows, kind="ledger"),
        blocks.Notes(notes),
    ]


def _hypotheses(row: Results) -> Markup:
    needed = Markup("; ").join(
        Markup("{} (<code>{}</code>)").format(h["statement"], h["name"]) for h in row["hypotheses"]
    )
    words = Markup("Hypotheses: {}.").format(needed) if row["hypotheses"] else "No hypotheses."
    return Markup(
        '<details><summary>Hypotheses and source</summary><p>{}</p><p class="muted">Source: {}</p></details>'
    ).format(words, row["source"])


def looseness(results: Results, figure: blocks.Figure | None) -> list[blocks.Block]:
    """Each bound over the exact worst case of what it speaks of."""
    rows = []
    for group in grouped(results):
        if group.verdict == "attained":
            ratio: Any = Markup('<span class="badge verified">✓ attained</span>')
        elif group.verdict == "violated":
            ratio = Markup('<span class="badge violated">✗ violated</span> {}').format(group.words)
        else:
            ratio = group.words
        rows.append([group.label, small(group.question, group.rows[0]["note"]), group.grid, ratio])
    words = worst_case_words(results)
    parts: list[blocks.Block] = [
        Markup('<p class="alarm">{}</p>').format(words) if violated(results) else blocks.Text(words)
    ]
    parts += [figure] if figure is not None else []
    head = ["Bound", "Worst case of", "Asked at", "Bound / worst case"]
    parts.append(blocks.Table("Each bound beside the exact worst case", head, rows, kind="loose"))
    parts.append(
        blocks.Notes(
            "At L = 1 and an initial condition of 1. The worst case over all functions of the class and all runs is "
            "known from both sides, by an instance and by a dual bound; attained: the ratio is 1 to the width of that "
            "interval, which is at most 0.1 %. The data: tables/worst_cases.csv."
        )
    )
    without = (results["worst_cases"] or {"without": ()})["without"]
    if without:
        lines = [f"{entry['number']} {entry['title']}: {entry['why']}." for entry in without]
        parts.append(blocks.Folded("Bounds without such a worst case", (blocks.Sentences(lines, bullets=True),)))
    return parts
