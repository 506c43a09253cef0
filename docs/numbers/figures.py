"""What is read out of the experiments behind the paper's figures: tables of claims, of iterations and of gaps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import shown
from .comparisons import three

Results = Mapping[str, Any]
SHOWN = "1e-04"
"""The relative gap to which iterations are shown."""
AT = 100
"""The iteration near which the mean gap is shown: the next one that the curves keep."""
NONE = "–"
WORDS = {"holds": "holds", "mixed": "differs with the gap", "open": "open", "fails": "fails"}
"""The verdicts on a claim, and how they are written."""
RIVAL = "go-math-l2o < l2o-pa"
"""The claim of the paper that figures 3, 4, 16 and 17 show."""


def _figure(results: Results, number: int) -> Results:
    return results[f"figure-{number:02d}"]


def _lines(figure: Results, panel: float | None = None) -> list[Results]:
    """The lines of a figure that ran, in one panel; of lines with the exact prox and the authors', the exact ones."""
    return [
        line
        for line in figure["lines"]
        if line["status"] == "done" and line["panel"] == panel and "official" not in line["line"]
    ]


def _steps(line: Results) -> float | None:
    reached = line["reached"][SHOWN]
    return reached["median"] if reached["share"] >= 0.5 else None


def _judged(figure: Results, name: str) -> list[Results]:
    """The verdicts on a claim, with the exact prox."""
    return [entry for entry in figure["claims"] if entry["claim"] == name and "official" not in entry["line"]]


def iterations(figure: Results) -> str:
    """The methods of a figure of one panel by their median number of iterations, the fastest first."""
    lines = sorted(_lines(figure), key=lambda line: (_steps(line) is None, _steps(line) or 0, line["label"]))
    arrived = [f"{line['label']} {three(_steps(line))}" for line in lines if _steps(line) is not None]
    late = [line["label"] for line in lines if _steps(line) is None]
    beyond = f"; not within {figure['fixed']['steps']:,}: {', '.join(late)}" if late else ""
    return (", ".join(arrived) or "none arrives") + beyond


def claim(figure: Results, name: str) -> str:
    """How often a claim "A before B" of a figure holds over its panels, and how many times A's iterations B needs."""
    judged = _judged(figure, name)
    words = {word: sum(entry["word"] == word for entry in judged) for word in WORDS}
    pairs = [entry["steps"].get(SHOWN, (None, None)) for entry in judged]
    factors = sorted(b / a for a, b in pairs if a and b)
    counts = ", ".join(f"{WORDS[word]} in {count}" for word, count in words.items() if count)
    spread = f"; B / A is {factors[0]:.2f} to {factors[-1]:.2f}" if len(factors) > 1 else ""
    return f"{_words(name, figure)}: {counts}{spread}"


def _words(name: str, figure: Results) -> str:
    labels = {line["line"][0]: line["label"] for line in figure["lines"]}
    first, _, second = name.partition(" < ")
    return f"A = {re.sub(', exact prox', '', labels[first])}, B = {re.sub(', exact prox', '', labels[second])}"


def table(results: Results) -> str:
    """A row for each figure: what is claimed, and the iterations where it has one panel."""
    rows = [["figure", "question", "claims", f"median iterations to {SHOWN.replace('e-0', 'e-')}"], ["---"] * 4]
    for figure in results.values():
        names = dict.fromkeys(entry["claim"] for entry in figure["claims"])
        claims = "; ".join(claim(figure, name) for name in names) or NONE
        steps = iterations(figure) if figure["panel"] is None else NONE
        rows.append([str(figure["figure"]), figure["title"], claims, steps])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def gaps(results: Results, numbers: tuple[int, int, int]) -> str:
    """Mean gaps in distribution, from x_0 + 10, and on F(x + 10): figures with one panel, panels of s, and of t."""
    columns = [_lines(_figure(results, numbers[0]))]
    columns += [_lines(_figure(results, number), 10.0) for number in numbers[1:]]
    by_method = [{line["method"]: line for line in column} for column in columns]
    head = ["", *(f"{where}: k = {AT}" for where in ("in distribution", "s = 10", "t = 10"))]
    rows = [head, ["---"] * len(head)]
    for name, line in by_method[0].items():
        cells = [_gap(column.get(name)) for column in by_method]
        rows.append([line["label"], *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _gap(line: Results | None) -> str:
    if line is None:
        return NONE
    value = line["mean_gap"][min(line["mean_gap"], key=lambda k: abs(int(k) - AT))]
    text = "not finite" if value is None else f"{value:.2g}" if value >= 1e-2 else shown(value, ".1e")
    return text if not line["diverged"] else f"{text}, diverges on {line['diverged']}"


def _counted(number: int, word: str) -> Callable[[Results], int]:
    """In how many panels of a figure the claim against L2O-PA has a verdict."""
    return lambda results: sum(entry["word"] == word for entry in _judged(_figure(results, number), RIVAL))


def _panels(number: int) -> Callable[[Results], int]:
    return lambda results: len(_judged(_figure(results, number), RIVAL))


def _diverged(number: int, method: str) -> Callable[[Results], str]:
    """On how many runs of all panels of a figure a method diverges."""

    def read(results: Results) -> str:
        lines = [line for line in _figure(results, number)["lines"] if line["line"][0] == method]
        lines = [line for line in lines if "official" not in line["line"]]
        return f"{sum(line['diverged'] for line in lines)} of {sum(line['instances'] for line in lines)}"

    return read


def _ahead(number: int, method: str) -> Callable[[Results], str]:
    """How many times the iterations of GO-Math-L2O a method needs, from the least to the largest panel."""

    def read(results: Results) -> str:
        by: dict[Any, dict[str, float | None]] = {}
        for line in _figure(results, number)["lines"]:
            if "official" not in line["line"]:
                by.setdefault(line["panel"], {})[line["line"][0]] = _steps(line)
        ratios = sorted(b / a for steps in by.values() if (a := steps["go-math-l2o"]) and (b := steps[method]))
        return f"{ratios[0]:.2f} to {ratios[-1]:.2f}"

    return read


def _to(number: int, method: str, panel: float | None = None) -> Callable[[Results], str]:
    """The median iterations of a method in a figure."""

    def read(results: Results) -> str:
        lines = _lines(_figure(results, number), panel)
        return three(_steps(next(line for line in lines if line["method"] == method)))

    return read


def _instances(results: Results) -> int:
    return _figure(results, 1)["lines"][0]["instances"]


_LASSO: dict[str, Callable[[Results], Any]] = {
    "instances": _instances,
    "table": table,
    "gaps": lambda results: gaps(results, (1, 3, 4)),
    **{f"{method}_1": _to(1, method) for method in ("go-math-l2o", "l2o-pa", "fista")},
    **{f"holds_{number}": _counted(number, "holds") for number in (3, 4)},
    **{f"panels_{number}": _panels(number) for number in (3, 4)},
    "diverged_3": _diverged(3, "l2o-pa"),
}
FULL_FIGURES: dict[str, Callable[[Results], Any]] = {
    **_LASSO,
    "fista-restart_1": _to(1, "fista-restart"),
    "restart_3": _ahead(3, "fista-restart"),
}
FIGURES: dict[str, Callable[[Results], Any]] = {
    **_LASSO,
    "fails_3": _counted(3, "fails"),
    "gaps_logistic": lambda results: gaps(results, (13, 16, 17)),
    **{f"holds_{number}": _counted(number, "holds") for number in (16, 17)},
    "panels_16": _panels(16),
}
