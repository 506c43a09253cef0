"""The page on how loose each bound is: its figure and table, computed when the documentation is built (some 15 s)."""

from __future__ import annotations

from functools import cache
from typing import Any

from l2obound.verification.pages.figure_export import file_bytes, inline_svg
from l2obound.verification.pages.figure_style import style
from l2obound.verification.report.figures._worst_cases import worst_cases
from l2obound.verification.report.worst_cases import Looseness, grouped, measured, violated, worst_case_words
from l2obound.verification.worst_cases.ledger import STEP_SIZES, STEPS

PAGE = "worst-case-ledger"
PLACE = "<!-- the figure and the table are put here by _ext/looseness.py -->"
_PLAIN = str.maketrans({c: f"\\{c}" for c in "*_|[]<>$"})


@cache
def computed() -> dict[str, Any]:
    """The ledger over the default grid, in the form of a report's results."""
    return {"worst_cases": measured(STEPS, STEP_SIZES)}


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(group: Looseness) -> tuple[str, ...]:
    note, narrower = group.rows[0]["note"], group.rows[0]["narrower"]
    question = f"{group.question}{f' ({note})' if note else ''}{'; a part of the class' if narrower else ''}"
    return tuple(text.translate(_PLAIN) for text in (group.label, question, group.grid, group.words))


def section(results: dict[str, Any]) -> str:
    """Sentence, figure and tables; a false bound has no page."""
    wrong = violated(results)
    assert not wrong, f"bounds below their exact worst case: {wrong}"
    groups, words = grouped(results), worst_case_words(results)
    with style():
        figure = worst_cases(groups)
    title = "Bound over exact worst case"
    drawing = inline_svg(file_bytes(figure, "svg"), "loose", title, f"{title}. {words}")
    without = [(e["number"].translate(_PLAIN), e["why"].translate(_PLAIN)) for e in results["worst_cases"]["without"]]
    return "\n\n".join(
        [
            words.translate(_PLAIN),
            # one line: an empty one would end the block of HTML
            f"<div class='drawn'>{' '.join(drawing.split())}</div>",
            _table(("bound", "worst case of", "asked at", "bound / worst case"), [_row(group) for group in groups]),
            "## Bounds without such a worst case",
            _table(("bound", "why"), without),
        ]
    )


def _source(app: Any, name: str, source: list[str]) -> None:
    if name == PAGE:
        assert PLACE in source[0]
        source[0] = source[0].replace(PLACE, section(computed()))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _source)
    # the page depends on the code, not on its own text alone
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: [PAGE])
    return {"parallel_read_safe": True}
