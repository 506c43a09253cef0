"""What is written: the results as JSON, the entries as CSV, and one self-contained page."""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import median
from typing import Any

from ... import pages
from ...pages.text import percent
from ...support.together import write_together
from . import _figure, _sentences
from ._measure import NEED_CONVEXITY, SURVIVE, Entry
from ._methods import PROXIMAL
from ._run import BeyondConvex

NAME = "beyond-convex"


def write(result: BeyondConvex, folder: str | os.PathLike[str]) -> Path:
    """Write beyond-convex.json, beyond-convex.csv and beyond-convex.html, and give back the page's path."""
    folder = Path(folder)
    data = {**result.to_dict(), "sentences": list(_sentences.lines(result))}
    files = {f"{NAME}.json": pages.json_bytes(data), f"{NAME}.csv": table(result).encode()}
    write_together(folder, files | {f"{NAME}.html": render(result).encode()})
    return folder / f"{NAME}.html"


def table(result: BeyondConvex) -> str:
    """A row for each entry; the counts of the bounds are columns of their own."""
    return pages.csv_table([_row(e) for e in result.entries])


def _row(e: Entry) -> dict[str, Any]:
    row = e.to_dict()
    held, asked, ledger = row.pop("held"), row.pop("asked"), row.pop("ledger")
    for bound in (*SURVIVE, *NEED_CONVEXITY):
        row |= {f"{bound} {word}": value for word, value in held[bound].items()}
    for bound in NEED_CONVEXITY:
        row |= {f"{bound} without convexity: {word}": value for word, value in asked[bound].items()}
    for bound, parts in ledger.items():
        for part in ("convexity", "smoothness", "r", "squares"):
            row[f"{bound} ledger: {part}"] = None if parts is None else parts[part]
    return row


def render(result: BeyondConvex) -> str:
    """The page; equal results give equal bytes."""
    contents = {
        "answer": "Answer",
        "needed": "Where convexity is needed",
        "examples": "Counter-examples",
        "rises": "Rises",
        "stationarity": "Stationarity",
        **({"minima": "Local minima"} if result.minima else {}),
        "sets": "Constraints",
        "methods": "Methods",
    }
    return pages.render(
        Path(__file__).parent,
        "template.html",
        title="Beyond convex problems",
        contents=contents,
        created=result.created,
        settings=result.settings,
        verdict=_sentences.verdict(result),
        verdicts=[
            [where, f"{bound}, {_sentences.NAMES[bound]}", *counts, percent(vacuous / judged), tight]
            for where, bound, *counts, judged, vacuous, tight in _sentences.verdicts(result)
        ],
        needed=_sentences.needed(result),
        needed_rows=[_needed(result, name) for name in NEED_CONVEXITY],
        examples=[_sentences.counterexample(c) for c in result.counterexamples],
        descent=_sentences.descent(result),
        stationarity=_sentences.stationarity(result),
        minima=result.minima,
        ends=[[f"{m.family}, s = {m.shift:g}", m.method, *_shares(m)] for m in result.minima],
        stalls=_sentences.stalls(result),
        growth=_sentences.growth(result),
        sets=_sentences.constrained(result),
        set_rows=[_set_row(e, result) for e in result.select(part="sets")],
        views=_views(result),
        config=json.dumps(result.to_dict()["settings"], indent=2, ensure_ascii=False),
    )


def _needed(result: BeyondConvex, bound: str) -> list[Any]:
    found: list[Any] = [bound]
    for convex in (False, True):
        own = [e for e in result.entries if e.convex == convex]
        found += [_sentences.asked(own, bound, word) for word in ("false", "holds", "outside")]
    return found


def _shares(m: Any) -> list[str]:
    return [f"{m.counts[w]} [{100 * m.low[w]:.0f} %, {100 * m.high[w]:.0f} %]" for w in m.counts] + [str(m.restless)]


def _set_row(e: Entry, result: BeyondConvex) -> list[Any]:
    base = result.select(part="sets", family=e.family, term=e.term, shift=e.shift, method=PROXIMAL)[0]
    left = [k for k in e.left_at if k is not None]
    return [
        f"{e.family}, {e.term}, s = {e.shift:g}",
        e.method,
        f"{len(left)} of {e.instances}" + (f", from step {min(left)}" if left else ""),
        e.gap,
        _iterations(e),
        _iterations(base),
        " / ".join(_word(e, bound) for bound in ("B1", "B10", "B6b", "B6c")),
    ]


def _iterations(e: Entry) -> str:
    reached = [k for k in e.iterations if k is not None]
    return (f"{median(reached):g}" if reached else "–") + (f" ({len(reached)})" if len(reached) < e.instances else "")


def _word(e: Entry, bound: str) -> str:
    held = e.held[bound]
    for word in ("violated", "inconclusive", "verified"):
        if held[word]:
            return word
    return "n/a"


def _views(result: BeyondConvex) -> dict[str, Any]:
    return {
        "stationarity": pages.figure_view(
            _figure.stationarity(result),
            "f-stationarity",
            "Stationarity, r = 0",
            "Least squared norm of the generalised gradient against the step, with B10 above it, by family.",
            "Solid: the run (first instance, first shift). Dashed: B10 for the same run. Squares: the exact worst case "
            "of gradient descent over all smooth f with the same L and F(x_0) - F_low.",
        ),
        "rises": pages.figure_view(
            _figure.rises(result),
            "f-rises",
            "Where F rises",
            "Shares of rising steps by method, and the change of F against rho, below the line of B1.",
            "Left: pairs of losses with r = 0, the l1 norm and a box. Right: steps of the trained models on losses "
            "that are not convex; no step may be above the line, which crosses 0 at rho = 1.",
        ),
        "examples": pages.figure_view(
            _figure.counterexamples(result.counterexamples),
            "f-examples",
            "Descent without approach",
            "Above: F in one variable with the iterates of gradient descent. Below: F(x_k) - F* and bounds that pass "
            "under it.",
            "Every step descends. From the cross on the bound is below the run: false, were it not for its hypothesis.",
        ),
    }
