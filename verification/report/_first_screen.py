"""The first screen of a page: one sentence, the numbers that decide, the heat map, and one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from ..pages import blocks
from ..pages.text import number
from .heat_map import Column, heat_map

Results = Mapping[str, Any]

_NUMBERS = (
    ("violated", "violated", "false, beyond rounding and for every F* that is possible"),
    ("informative", "informative", "verified, and could have failed"),
    ("vacuous", "vacuous", "true of any run: says nothing"),
)
UNFOLDED = "Parts that are folded on the screen are not printed. They are in report.html, figures/ and tables/."


def totals(numbers: Mapping[str, int]) -> Markup:
    """The numbers that decide, large; the same as `counts` of the results."""
    items = [
        Markup('<li class="{}"><strong data-count="{}">{}</strong> {}<small>{}</small></li>').format(
            key if key != "violated" or numbers[key] else "none", key, number(numbers[key]), name, words
        )
        for key, name, words in _NUMBERS
    ]
    return Markup('<ul class="totals">\n{}\n</ul>').format(Markup("\n").join(items))


def first_screen(
    answer: Results,
    bounds: Sequence[Results],
    columns: Sequence[Column],
    figure: blocks.Figure | None,
    notes: Sequence[str] = (),
) -> blocks.Section:
    """The section "answer".

    Args:
        answer: What `_answer.answer` makes.
        bounds: The rows of the heat map.
        columns: Its columns.
        figure: The figure beside it.
        notes: Sentences below the heat map.
    """
    parts: list[blocks.Block] = [totals(answer["numbers"])]
    table: list[blocks.Block] = [heat_map(bounds, columns, "Bounds and runs")] if columns and bounds else []
    table += [blocks.Notes(text) for text in notes if table]
    if figure is not None:
        parts.append(blocks.Columns((table, (figure,))))
    else:
        parts += table
    parts.append(Markup('<p class="print-only">{}</p>').format(UNFOLDED))
    parts.append(blocks.Folded("The same in sentences", (blocks.Sentences(answer["sentences"]),)))
    return blocks.Section("answer", "Answer", answer["verdict"], parts, state=answer["state"])
