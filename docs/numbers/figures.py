"""What is read out of the experiments behind the paper's figures: tables of claims, of iterations and of gaps."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from . import listed, shown
from . import table as markdown
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
    """What comes of a claim "A before B" of a figure over its panels, and how many times A's iterations B needs."""
    judged = _judged(figure, name)
    words = {word: sum(entry["word"] == word for entry in judged) for word in WORDS}
    pairs = [entry["steps"].get(SHOWN, (None, None)) for entry in judged]
    factors = sorted(b / a for a, b in pairs if a and b)
    first, second = _labels(name, figure)
    if len(judged) == 1:
        return f"{first} before {second}: {WORDS[judged[0]['word']]}"
    counts = [f"{WORDS[word]} in {count}" for word, count in words.items() if count]
    counts[0] += f" of {len(judged)} panels"
    spread = f"; {second} needs {factors[0]:.2f} to {factors[-1]:.2f} times as many iterations" if factors else ""
    return f"{first} before {second}: {', '.join(counts)}{spread}"


def _labels(name: str, figure: Results) -> tuple[str, str]:
    """What the two methods of a claim are called."""
    labels = {line["line"][0]: re.sub(", exact prox", "", line["label"]) for line in figure["lines"]}
    first, _, second = name.partition(" < ")
    return labels[first], labels[second]


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
_LOGISTIC: dict[str, Callable[[Results], Any]] = {
    "gaps_logistic": lambda results: gaps(results, (13, 16, 17)),
    **{f"holds_{number}": _counted(number, "holds") for number in (16, 17)},
    "panels_16": _panels(16),
}
FULL_FIGURES: dict[str, Callable[[Results], Any]] = {
    **_LASSO,
    "fista-restart_1": _to(1, "fista-restart"),
    "restart_3": _ahead(3, "fista-restart"),
    **{f"{method}_13": _to(13, method) for method in ("go-math-l2o", "l2o-pa", "fista", "fista-restart")},
    **_LOGISTIC,
}
FIGURES: dict[str, Callable[[Results], Any]] = {
    **_LASSO,
    "fails_3": _counted(3, "fails"),
    **_LOGISTIC,
}

GAPS = ("1e-02", "1e-04", "1e-06", "1e-08")
"""The relative gaps to which the ablations show iterations."""


def _reaching(line: Results, eps: str) -> float | None:
    """The median iterations of a line to a gap."""
    reached = line["reached"][eps]
    return reached["median"] if reached["share"] >= 0.5 else None


def variants(*numbers: int) -> Callable[[Results], str]:
    """A row for each variant of figures of one panel, with its median iterations to each gap."""

    def read(results: Results) -> str:
        rows = []
        for number in numbers:
            for line in _lines(_figure(results, number)):
                rows.append([str(number), line["label"], *(three(_reaching(line, eps)) for eps in GAPS)])
        return markdown(["figure", "variant", *(eps.replace("e-0", "e-") for eps in GAPS)], rows)

    return read


def training_settings(results: Results) -> str:
    """A row for each figure of training settings: the fewest and the most iterations, and which setting needs them."""
    rows = []
    for number in (6, 7, 8):
        lines = _lines(_figure(results, number))
        cells = []
        for eps in GAPS:
            steps = {line["line"][0]: _reaching(line, eps) for line in lines}
            arrived = {name: count for name, count in steps.items() if count is not None}
            if not arrived:
                cells.append("none arrives")
                continue
            least, most = min(arrived, key=arrived.__getitem__), max(arrived, key=arrived.__getitem__)
            late = len(steps) - len(arrived)
            words = f"{three(arrived[least])} ({least}) to {three(arrived[most])} ({most})"
            cells.append(words + (f", {late} of {len(steps)} do not arrive" if late else ""))
        rows.append([str(number), f"{lines[0]['line'][0]} to {lines[-1]['line'][0]}", *cells])
    return markdown(["figure", "settings", *(eps.replace("e-0", "e-") for eps in GAPS)], rows)


def claims(*numbers: int) -> Callable[[Results], str]:
    """What comes of the claims of figures, a line for each claim."""

    def read(results: Results) -> str:
        lines = []
        for number in numbers:
            figure = _figure(results, number)
            names = dict.fromkeys(entry["claim"] for entry in figure["claims"])
            lines += [f"Figure {number}, {claim(figure, name)}." for name in names]
        return listed(lines)

    return read


def _spread(*numbers: int) -> Callable[[Results], float]:
    """Over all panels of figures with two lines: how far the ratio of their iterations is from 1 at most."""

    def read(results: Results) -> float:
        pairs = [entry["steps"][SHOWN] for number in numbers for entry in _figure(results, number)["claims"]]
        return max(max(a / b, b / a) if a and b else 1.0 if a == b else math.inf for a, b in pairs)

    return read


ABLATIONS: dict[str, Callable[[Results], Any]] = {
    "instances": lambda results: _figure(results, 5)["lines"][0]["instances"],
    "variants": variants(5, 10),
    "claims": claims(5, 10, 11, 12),
    "largest_ratio": _spread(11, 12),
}
CHOSEN = "7"
"""The training setting that the paper chooses."""
FAR = 1.25
"""How many times the iterations of the chosen setting a setting needs that is far behind."""


def _to_shown(results: Results) -> dict[str, float]:
    """Median iterations to the gap `SHOWN` with each training setting that arrives there."""
    steps = {
        line["line"][0]: _reaching(line, SHOWN) for number in (6, 7, 8) for line in _lines(_figure(results, number))
    }
    return {setting: count for setting, count in steps.items() if count is not None}


def _behind(results: Results) -> str:
    """The settings that are far behind the chosen one."""
    steps = _to_shown(results)
    return " and ".join(setting for setting, count in steps.items() if count > FAR * steps[CHOSEN]) or "none"


SETTINGS: dict[str, Callable[[Results], Any]] = {
    "settings": training_settings,
    "claims": claims(9),
    "arriving": lambda results: len(_to_shown(results)),
    "chosen": lambda results: three(_to_shown(results)[CHOSEN]),
    "ahead": lambda results: sum(count < _to_shown(results)[CHOSEN] for count in _to_shown(results).values()),
    "fewest": lambda results: three(min(_to_shown(results).values())),
    "behind": _behind,
}
"""Of figures 6 to 9, for which 24 models are trained."""
