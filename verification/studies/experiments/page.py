"""The page of the experiments: every figure whose results are in the folder, with its numbers and claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ....errors import InputError
from ....l2o.support.files import write_bytes
from ... import pages
from ...pages.figure_export import inline_svg
from ...pages.text import DASH, join, number, printable


def write_page(out: Path) -> Path:
    """`out`/index.html, self-contained, made from the results in `out`/figure-*."""
    views = []
    for path in sorted(out.glob("figure-*/result.json")):
        try:
            numbers = printable(json.loads(path.read_text(encoding="utf-8")))
            svg = (path.parent / "figure.svg").read_bytes()
        except (OSError, ValueError) as problem:
            raise InputError(f"{path}: cannot be read ({problem}); run the experiment again.") from None
        views.append(_view(numbers, svg, path.parent.name))
    page = pages.render(
        Path(__file__).parent,
        "template.html",
        title="Experiments, figure by figure",
        contents={f"figure-{view['figure']}": view["figure"] for view in views},
        figures=views,
        dash=DASH,
    )
    return write_bytes(out / "index.html", page.encode())


def _view(numbers: dict[str, Any], svg: bytes, folder: str) -> dict[str, Any]:
    title = f"Figure {numbers['figure']}. {numbers['title']}"
    sentences = claim_sentences(numbers)
    return {
        **numbers,
        "heading": title,
        "folder": folder,
        "sentences": sentences,
        "svg": Markup(inline_svg(svg, f"x{numbers['figure']}", title, f"{title}. {' '.join(sentences)}")),
        "steps": list(dict.fromkeys(k for line in numbers["lines"] for k in line.get("mean_gap", {}))),
        "failed": [line for line in numbers["lines"] if line["status"] != "done"],
    }


def claim_sentences(numbers: Mapping[str, Any]) -> list[str]:
    """What became of each claim, over the panels, in a sentence each."""
    labels = {line["line"][numbers["fields"].index("optimizer")]: line["label"] for line in numbers["lines"]}
    sentences = []
    for claim in dict.fromkeys(c["claim"] for c in numbers["claims"]):
        one, _, other = claim.partition(" < ")
        names = f"{labels.get(one, one)} before {labels.get(other, other)}"
        rows = [c for c in numbers["claims"] if c["claim"] == claim]
        if numbers["panel"] is None and len(rows) == 1:
            sentences.append(f"{names}: {rows[0]['word']}{_steps(rows[0])}.")
            continue
        for rest in dict.fromkeys(tuple(c["line"]) for c in rows):
            mine = [c for c in rows if tuple(c["line"]) == rest]
            counts = Counter(c["word"] for c in mine)
            extra = f" ({', '.join(map(str, rest))})" if rest else ""
            shares = [f"{word} in {amount} of {len(mine)} panels" for word, amount in counts.items()]
            sentences.append(f"{names}{extra}: {join(shares)}{_ratios(mine)}.")
    return sentences


def _steps(claim: Mapping[str, Any]) -> str:
    parts = [
        f"gap {eps}: {DASH if a is None else number(int(a))} against {DASH if b is None else number(int(b))} steps"
        for eps, (a, b) in claim["steps"].items()
        if (a, b) != (None, None)
    ]
    return f" ({'; '.join(parts)})" if parts else ""


def _ratios(claims: list[Mapping[str, Any]]) -> str:
    """The range of the factors in steps, where both converge."""
    ratios = [b / max(a, 1.0) for c in claims for a, b in c["steps"].values() if a is not None and b is not None]
    if not ratios:
        return "; in none do both reach a gap that was asked for"
    return f"; where both reach it, the latter takes {number(min(ratios))} to {number(max(ratios))} times the steps"
