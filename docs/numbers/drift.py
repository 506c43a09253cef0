"""What is read out of the results of `l2obound drift`, a function for each value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from . import shown, table
from .comparisons import three
from .sentences import sentences

Results = Mapping[str, Any]
Values = Mapping[str, Callable[[Results], Any]]

_YARDSTICK = "fista-restart"


def _levels(results: Results, model: str) -> list[Results]:
    """The cells of a model at the practical levels that shift something, where it fits the problem."""
    return [
        c
        for c in results["cells"]
        if c["model"] == model and c["practical"] and not (c["none"] or c["control"] or c["reason"])
    ]


def _part(results: Results, model: str, term: str) -> float:
    """The median over the practical levels of the part of a term along the deviation."""
    paired = [a for c in _levels(results, model) for a in c["attributions"] if a["choice"] == "paired"]
    return median(a["along"][term] for a in paired if a["along"] is not None)


def _levels_correlation(results: Results, model: str) -> float:
    """The rank correlation of the distance of the features with the excess, over all practical levels."""
    wanted = (model, "", "levels")
    return next(p["value"] for p in results["predictions"] if (p["model"], p["shift"], p["way"]) == wanted)


TERMS = {"bracket": "bracket", "pshift": "preconditioner", "bshift": "bias"}
"""The terms of B4, and how they are written."""


def _paired(cell: Results, choice: str = "paired") -> Results | None:
    """The attribution of a cell by a choice of virtual steps, if there is one."""
    return next((a for a in cell["attributions"] if a["choice"] == choice and a["along"] is not None), None)


def _models(results: Results) -> list[str]:
    return [m for m in dict.fromkeys(c["model"] for c in results["cells"]) if any(map(_paired, _levels(results, m)))]


def _control(results: Results, model: str, choice: str = "paired") -> Results | None:
    cell = next((c for c in results["cells"] if c["model"] == model and c["control"]), None)
    return None if cell is None else _paired(cell, choice)


def _split(parts: Results) -> list[str]:
    return [shown(parts[term], ".0%") for term in TERMS]


def _attribution(results: Results) -> str:
    """The table of the three terms: medians over the practical levels, beside the control."""
    rows = []
    for model in _models(results):
        found = [a for c in _levels(results, model) if (a := _paired(c))]
        null = _control(results, model)
        for what, words in (("along", "part of the sum of norms of e'"), ("share", "share of the norms of the terms")):
            medians = {term: median(a[what][term] for a in found) for term in TERMS}
            control = _split(null[what]) if null else ["–"] * len(TERMS)
            rows.append([model, words, *_split(medians), *control])
    names = list(TERMS.values())
    return table(["", "", *names, *(f"control: {name}" for name in names)], rows)


def _leads(results: Results) -> str:
    """The table of the term that makes the largest part of the deviation, by level."""
    rows = []
    for model in _models(results):
        found = [a["along"] for c in _levels(results, model) if (a := _paired(c))]
        largest = [max(TERMS, key=parts.__getitem__) for parts in found]
        rows.append([model, *(f"{largest.count(term)} of {len(found)}" for term in TERMS)])
    return table(["the largest part at", *TERMS.values()], rows)


def _signed(entry: Results | None) -> str:
    """A correlation with its interval."""
    if entry is None or entry["value"] is None:
        return "–"
    if entry["low"] is None or entry["high"] is None:
        return f"{entry['value']:+.2f}"
    return f"{entry['value']:+.2f} [{entry['low']:+.2f}, {entry['high']:+.2f}]"


def _features(results: Results) -> str:
    """The table of the rank correlations of the distance of the features with the excess."""
    rows = []
    for model in _models(results):
        mine = {(p["shift"], p["way"]): p for p in results["predictions"] if p["model"] == model}
        shifts = [shift for shift, way in mine if shift and way == "pooled"]
        for shift in shifts:
            rows.append([model, shift, *(_signed(mine.get((shift, way))) for way in ("pooled", "within"))])
        rows.append([model, "all practical levels", _signed(mine.get(("", "levels"))), "–"])
    return table(["", "shift", "over instances and levels", "over the instances of a level"], rows)


def _cautions(results: Results) -> str:
    """The table of the distance of the features between two draws of one distribution."""
    rows = []
    for model in _models(results):
        found = [a["dz"] for c in _levels(results, model) if (a := _paired(c))]
        null = _control(results, model)
        if null is not None:
            below = sum(dz < null["dz"] for dz in found)
            rows.append([model, f"{null['dz']:.3g}", f"{below} of {len(found)}"])
    return table(["", "‖Dz‖ of the control", "practical levels with a smaller ‖Dz‖"], rows)


def _interval(ratio: Results) -> str:
    """A median with its interval; two ends where the median is known from both sides only."""
    low, high = ratio["low"], ratio["high"]
    middle = three(low) if low == high else f"{three(low)} to {three(high)}"
    return f"{middle} [{three(ratio['lower'])}, {three(ratio['upper'])}]"


def _rivals(results: Results) -> str:
    """The table of which of the two models loses less, shift by shift."""
    rows = []
    for whole in results["overall"]:
        levels = [c for c in results["comparisons"] if c["shift"] == whole["shift"] and not c["control"]]
        by = [c["verdict"] for c in levels]
        names = (whole["first"], whole["second"], "open")
        verdict = "undecided" if whole["verdict"] == "open" else f"{whole['verdict']} loses less"
        kind = "" if whole["practical"] else ", of the paper"
        rows.append([
            f"{whole['shift']}{kind}", *(str(by.count(name)) for name in names), _interval(whole["ratio"]), verdict,
        ])  # fmt: skip
    first, second = results["overall"][0]["first"], results["overall"][0]["second"]
    head = [
        "shift",
        f"levels at which {first} loses less",
        f"{second} less",
        "undecided",
        "ratio of losses",
        "over all",
    ]
    return table(head, rows)


def _sizes(results: Results) -> str:
    """The table of the terms on problems of other sizes, each coordinate beside the nearest one in distribution."""
    rows = []
    for model in _models(results):
        other = [c for c in _levels(results, model) if c["shift"] == "dimension" and not _paired(c)]
        found = [(c["level"], a) for c in other if (a := _paired(c, "coordinate"))]
        null = _control(results, model, "coordinate")
        if found and null:
            rows += [[model, level, *_split(a["along"]), f"{a['dz']:.3g}"] for level, a in found]
            rows.append([model, "control", *_split(null["along"]), f"{null['dz']:.3g}"])
    return table(["", "size", *TERMS.values(), "‖Dz‖"], rows)


DRIFT: dict[str, Callable[[Results], Any]] = {
    "bracket_go_math_l2o": lambda r: _part(r, "go-math-l2o", "bracket"),
    "preconditioner_shift_go_math_l2o": lambda r: _part(r, "go-math-l2o", "pshift"),
    "bias_shift_go_math_l2o": lambda r: _part(r, "go-math-l2o", "bshift"),
    "correlation_go_math_l2o": lambda r: _levels_correlation(r, "go-math-l2o"),
    "correlation_l2o_pa": lambda r: _levels_correlation(r, "l2o-pa"),
    "correlation_ada_lista": lambda r: _levels_correlation(r, "ada-lista"),
    "costs": sentences("iterations in distribution and loses most under"),
    "yardstick": sentences("The problems themselves become harder", "as the yardstick in place of", "At eps ="),
    "attribution": _attribution,
    "leads": _leads,
    "sizes": _sizes,
    "mended": sentences("divides its features by norms"),
    "features": _features,
    "cautions": _cautions,
    "bounds": sentences("bound is violated under any shift"),
    "loses_most": lambda r: " ".join(
        line.removeprefix("- ")
        for line in sentences("The practical shift that costs most", "The paper says that")(r).splitlines()
    ),
    "claimed": sentences("The paper says that"),
    "rivals": _rivals,
}
