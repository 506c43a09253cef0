"""What is read out of comparisons of costs: the speed-up, and the questions of scales and baselines."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from . import listed, shown, table

Results = Mapping[str, Any]
LEARNED = "go-math-l2o"
MATCHED, OF_20_40 = "go-math-l2o-matched", "go-math-l2o-small"
STRONG = {"fista", "fista-restart", "coordinate-descent", "lbfgs"}
"""Classical baselines that a claim of speed has to be compared with."""
MEASURES = ("iterations", "latency", "throughput")
LARGE, SMALL = 500, 20
"""Numbers of variables of the largest and of the smallest LASSO of the question of scales."""


def three(value: float | None) -> str:
    """Three significant digits, whole numbers in full; the sign for infinity where there is no number."""
    if value is None or math.isinf(value):
        return "∞"
    if float(value).is_integer() and abs(value) < 1e4:
        return f"{int(value):,}"
    return shown(value, ".3g")


def interval(row: Results) -> str:
    """A median factor with its interval; ≥ or ≤ where it is known from one side."""
    low, high = row["median_low"], row["median_high"]
    if low == high:
        middle = three(low)
    elif high is None:
        middle = f"≥ {three(low)}"
    else:
        middle = f"{three(low)} to {three(high)}" if low else f"≤ {three(high)}"
    return f"{middle} [{three(row['lower'])}, {three(row['upper'])}]"


def _cell(row: Results | None) -> str:
    if row is None:
        return "–"
    text = interval(row)
    return f"**{text}**" if row["verdict"] == "HOLDS" else f"{text} ?" if row["verdict"] == "OPEN" else text


def factors(results: Results, measure: str) -> str:
    """The table of the factors of GO-Math-L2O at the gap that is shown: a row for each setting, a column a baseline."""
    config, labels = results["config"], results["labels"]
    baselines = [name for name in (*config["paper"], *config["stronger"]) if name != LEARNED]
    rows = {
        (row["setting"], row["baseline"]): row
        for row in results["comparisons"]
        if (row["learned"], row["measure"], row["eps"]) == (LEARNED, measure, config["shown"])
    }
    lines = [
        [setting["title"], *(_cell(rows.get((setting["key"], name))) for name in baselines)]
        for setting in results["settings"]
    ]
    return table(["setting", *(labels[name] for name in baselines)], lines)


def verdicts(results: Results) -> str:
    """The table of the counts HOLDS / FAILS / OPEN with the highest lower end of an interval."""
    labels = results["labels"]
    lines = []
    pairs = dict.fromkeys((claim["learned"], claim["baseline"]) for claim in results["claims"])
    for learned, baseline in pairs:
        cells = []
        for measure in MEASURES:
            wanted = (learned, baseline, measure)
            claim = next(c for c in results["claims"] if (c["learned"], c["baseline"], c["measure"]) == wanted)
            cells.append(f"{claim['HOLDS']} / {claim['FAILS']} / {claim['OPEN']}, {three(claim['largest_lower'])}")
        lines.append([labels[learned], labels.get(baseline, f"the {baseline}"), *cells])
    return table(["learned", "against", *MEASURES], lines)


def _against_best(results: Results) -> list[Results]:
    return [c for c in results["claims"] if c["learned"] == LEARNED and c["baseline"] == "best of all baselines"]


def _highest(results: Results, baseline: str) -> float:
    """The highest upper end of an interval of GO-Math-L2O in iterations against a baseline."""
    rows = [
        row
        for row in results["comparisons"]
        if (row["learned"], row["baseline"], row["measure"]) == (LEARNED, baseline, "iterations")
    ]
    return max(math.inf if row["upper"] is None else row["upper"] for row in rows)


def _where(results: Results) -> str:
    """The table of the settings in which GO-Math-L2O reaches the factor, at any gap, by baseline and measure."""
    titles = {setting["key"]: setting["title"] for setting in results["settings"]}
    rows = []
    for baseline, label in results["labels"].items():
        claims = {c["measure"]: c for c in results["claims"] if (c["learned"], c["baseline"]) == (LEARNED, baseline)}
        if any(claim["HOLDS"] for claim in claims.values()):
            keys = [dict.fromkeys(key for key, _ in claims[measure]["holds_in"]) for measure in MEASURES]
            rows.append([label, *("; ".join(titles[key] for key in of) or "nowhere" for of in keys)])
    return table(["against", *MEASURES], rows)


def _baselines(results: Results) -> str:
    """The sentences of the question of baselines."""
    from l2obound.verification.studies.open_questions._scales import baseline_sentences  # imports torch

    return listed(baseline_sentences(results))


def _holders(results: Results) -> set[str]:
    """The baselines against which GO-Math-L2O reaches the factor, in any setting and measure."""
    return {c["baseline"] for c in results["claims"] if c["learned"] == LEARNED and c["HOLDS"]}


def _step(setting: Results, method: str, clock: str) -> float | None:
    """The median seconds of a step, None where the method was not run."""
    entries = [m for m in setting["methods"] if m["method"] == method]
    return median(entries[0]["seconds"][clock]["step"]) if entries else None


def _steps(results: Results) -> str:
    """The table of what a step of GO-Math-L2O costs, over that of a classical method: the range over the settings."""
    rows = []
    for baseline in ("fista", "fista-restart"):
        cells = []
        for clock in ("latency", "throughput"):
            pairs = [(_step(s, LEARNED, clock), _step(s, baseline, clock)) for s in results["settings"]]
            ratios = [ours / theirs for ours, theirs in pairs if ours is not None and theirs is not None]
            cells.append(f"{min(ratios):.2g} to {max(ratios):.2g}")
        rows.append([results["labels"][baseline], *cells])
    return table(["a step of GO-Math-L2O over one of", "one instance at a time", "in a batch, per instance"], rows)


def _paid(results: Results) -> str:
    """The table of when the training of GO-Math-L2O has paid off, at the gap that is shown."""
    rows = []
    for baseline, label in results["labels"].items():
        wanted = (LEARNED, baseline, results["config"]["shown"])
        entries = [r for r in results["amortisation"] if (r["learned"], r["baseline"], r["eps"]) == wanted]
        finite = [r for r in entries if r["instances_high"] is not None]
        if entries:
            soonest = min((r["instances_high"] for r in finite), default=None)
            after = "never" if soonest is None else f"{float(f'{soonest:.3g}'):,.0f} instances"
            rows.append([label, f"{len(finite)} of {len(entries)}", after])
    return table(["against", "comparisons of time in which it pays off", "the soonest after"], rows)


SPEEDUP: dict[str, Callable[[Results], Any]] = {
    "settings": lambda r: len(r["settings"]),
    "iterations": lambda r: factors(r, "iterations"),
    "latency": lambda r: factors(r, "latency"),
    "verdicts": verdicts,
    "holds_against_best": lambda r: sum(claim["HOLDS"] for claim in _against_best(r)),
    "fails_against_best": lambda r: sum(claim["FAILS"] for claim in _against_best(r)),
    "comparisons_with_best": lambda r: sum(c[v] for c in _against_best(r) for v in ("HOLDS", "FAILS", "OPEN")),
    "highest_fista": lambda r: _highest(r, "fista"),
    "highest_fista_restart": lambda r: _highest(r, "fista-restart"),
    "where": _where,
    "held_by_strong": lambda r: len(_holders(r) & STRONG),
    "steps": _steps,
    "paid": _paid,
}


def _ahead(results: Results, measure: str) -> int:
    """The settings in which GO-Math-L2O is clearly ahead of the best of all baselines at the gap that is shown."""
    wanted = (LEARNED, "best of all baselines", measure, results["config"]["shown"])
    rows = [r for r in results["comparisons"] if (r["learned"], r["baseline"], r["measure"], r["eps"]) == wanted]
    return sum(row["lower"] > 1 for row in rows)


BASELINES: dict[str, Callable[[Results], Any]] = {
    "settings": lambda r: len(r["settings"]),
    "ahead_in_iterations": lambda r: _ahead(r, "iterations"),
    "ahead_in_time": lambda r: _ahead(r, "latency"),
    "answers": _baselines,
}


def _compared(results: Results) -> list[Results]:
    """The comparisons of GO-Math-L2O in iterations and in time for one instance."""
    return [
        row
        for row in results["comparisons"]
        if row["learned"] == LEARNED and row["measure"] in ("iterations", "latency")
    ]


def _lasso(results: Results, dim: int) -> Results:
    return next(s for s in results["settings"] if s["vary"] == "lasso" and s["cell"]["dim"] == dim)


def _reached(results: Results, method: str) -> float:
    """The median number of iterations to the gap that is shown, on the largest LASSO."""
    entry = next(m for m in _lasso(results, LARGE)["methods"] if m["method"] == method)
    return next(r["median"] for r in entry["reached"] if r["eps"] == results["config"]["shown"])


def _factor(results: Results, dim: int) -> float:
    """The median factor in iterations against FISTA on LASSO with `dim` variables."""
    wanted = (_lasso(results, dim)["key"], "fista", "iterations", results["config"]["shown"])
    row = next(r for r in _compared(results) if (r["setting"], r["baseline"], r["measure"], r["eps"]) == wanted)
    return round(row["median_low"], 2)


SCALES: dict[str, Callable[[Results], Any]] = {
    "go_math_l2o": lambda r: _reached(r, LEARNED),
    "go_math_l2o_small": lambda r: _reached(r, OF_20_40),
    "go_math_l2o_matched": lambda r: _reached(r, MATCHED),
    "fista": lambda r: _reached(r, "fista"),
    "fista_restart": lambda r: _reached(r, "fista-restart"),
    "l2o_pa": lambda r: _reached(r, "l2o-pa"),
    "comparisons": lambda r: len(_compared(r)),
    "holds": lambda r: sum(row["verdict"] == "HOLDS" for row in _compared(r)),
    "fails": lambda r: sum(row["verdict"] == "FAILS" for row in _compared(r)),
    "factor_fista_20": lambda r: _factor(r, SMALL),
    "factor_fista_500": lambda r: _factor(r, LARGE),
}
