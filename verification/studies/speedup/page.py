"""What is written: the results as JSON, a tidy table as CSV, and one self-contained page."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ... import pages
from ...pages.latex import latex_rows
from ...pages.text import printable
from ...support.together import write_together
from . import sentences
from .figures import forest
from .run import BEST, BEST_OF_PAPER, MEASURES

Results = Mapping[str, Any]
_CONTENTS = {
    "answer": "Answer",
    "factors": "Factors",
    "others": "Other gaps",
    "training": "What training costs",
    "methods": "Methods",
    "provenance": "Provenance",
}
FIELDS = (
    "setting", "vary", "trained", "eps", "learned", "baseline", "group", "measure", "instances", "reached_learned",
    "reached_baseline", "median_low", "median_high", "lower", "upper", "verdict",
)  # fmt: skip
_CLASSES = {"HOLDS": "verified", "FAILS": "not-applicable", "OPEN": "inconclusive"}
_NOTES = (
    "Medians over the instances, with intervals. Lines at 1 and, dashed, at the claimed factor. A triangle points to "
    "where a median lies that is beyond the edge or known from one side only, because a method does not reach the gap "
    "within its steps. Dotted: neither of the two reaches it."
)


def write(results: Results, folder: str | os.PathLike[str]) -> Path:
    """Write speedup.json, speedup.csv and speedup.html, and give back the page's path."""
    folder = Path(folder)
    files = {"speedup.json": pages.json_bytes(results), "speedup.csv": table(results).encode()}
    rows = list(csv.DictReader(io.StringIO(table(results))))
    files["speedup.tex"] = latex_rows(_numbers_of(rows), "Factors in iterations and in time.", "speedup").encode()
    write_together(folder, files | {"speedup.html": render(results).encode()})
    return folder / "speedup.html"


def _numbers_of(rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The rows of the CSV file with numbers in place of their digits."""

    def read(text: str) -> Any:
        if not text:
            return None
        try:
            return int(text) if text.lstrip("-").isdecimal() else float(text)
        except ValueError:
            return text

    return [{name: read(text) for name, text in row.items()} for row in rows]


def table(results: Results) -> str:
    """A row for each comparison; inf where a number has no upper end."""
    settings = {s["key"]: s for s in results["settings"]}
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    for row in results["comparisons"]:
        setting = settings[row["setting"]]
        cells = {name: "inf" if row[name] is None else row[name] for name in row}
        writer.writerow({**cells, "vary": setting["vary"], "trained": setting["trained"]})
    return text.getvalue()


def render(results: Results) -> str:
    """The page; equal results give equal bytes."""
    results = printable(results)
    learned, gaps = results["config"]["learned"], results["config"]["eps"]
    return pages.render(
        Path(__file__).parent,
        "template.html",
        title=results["title"],
        contents=_CONTENTS,
        created=results["provenance"]["created"],
        results=results,
        interval=sentences.interval,
        shown=results["config"]["shown"],
        claim=sentences.claim(results),
        headline=sentences.headline(results),
        answers=sentences.answers(results),
        single=sentences.single(results),
        not_reached=sentences.not_reached(results),
        paid_off=sentences.paid_off(results),
        left_out=sentences.left_out(results),
        meanings=sentences.MEANINGS,
        classes=_CLASSES,
        views=[_view(results, m, eps) for m in learned for eps in gaps],
        measures=MEASURES,
        totals=totals(results),
        config=json.dumps(results["config"], indent=2, ensure_ascii=False),
    )


def totals(results: Results) -> list[Results]:
    """A row for each learned method and baseline: verdicts by measure, over all settings and gaps."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for claim in results["claims"]:
        key = (claim["learned"], claim["baseline"])
        rows.setdefault(key, {})[claim["measure"]] = claim
    return [
        {
            "learned": sentences.label(results, learned),
            "baseline": sentences.label(results, baseline),
            "strong": baseline in (BEST_OF_PAPER, BEST),
            "measures": group,
        }
        for (learned, baseline), group in rows.items()
    ]


def _view(results: Results, learned: str, eps: float) -> dict[str, Any]:
    name = results["labels"][learned]
    title = f"{name} to ε = {eps:g}"
    prefix = f"f-{results['config']['learned'].index(learned)}-{results['config']['eps'].index(eps)}"
    words = f"{title}: median factors over each baseline, with intervals."
    view = pages.figure_view(forest(results, learned, eps), prefix, title, words, _NOTES)
    return {**view, "learned": learned, "eps": eps, "rows": _rows(results, learned, eps)}


def _rows(results: Results, learned: str, eps: float) -> list[dict[str, Any]]:
    """A row for each setting and baseline, with a comparison for each measure."""
    by_setting: dict[tuple[str, str], dict[str, Any]] = {}
    for row in results["comparisons"]:
        if (row["learned"], row["eps"]) == (learned, eps):
            row_of = by_setting.setdefault((row["setting"], row["baseline"]), {"measures": {}})
            row_of["measures"][row["measure"]] = row
    return [
        {
            "setting": sentences.title(results, setting),
            "baseline": sentences.label(results, baseline),
            "first": next(iter(row_of["measures"].values())),
            **row_of,
        }
        for (setting, baseline), row_of in by_setting.items()
    ]


def lines(results: Results) -> Sequence[str]:
    """What the console says below its table."""
    return [
        *sentences.headline(results),
        *sentences.single(results),
        *sentences.not_reached(results),
        *sentences.left_out(results),
    ]
