"""What was found, in sentences; every number in them is taken from the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...pages.text import count, join, number
from .run import BEST, BEST_OF_PAPER, CALLS, ITERATIONS, MEASURES
from .timing import LATENCY, THROUGHPUT

Results = Mapping[str, Any]
WORDS = {
    ITERATIONS: "in iterations",
    CALLS: "in gradient calls",
    LATENCY: "in time, one instance at a time",
    THROUGHPUT: "in time per instance of a batch",
}
MEANINGS = {
    "HOLDS": "the whole interval is at or above the claimed factor",
    "FAILS": "the whole interval is below it",
    "OPEN": "it lies in the interval, because the instances differ or the runs were not long enough",
}


def label(results: Results, method: str) -> str:
    """A method's name for people."""
    return results["labels"].get(method, f"the {method}" if method in (BEST_OF_PAPER, BEST) else method)


def title(results: Results, setting: str) -> str:
    """A setting's name for people."""
    return next(s["title"] for s in results["settings"] if s["key"] == setting)


def places(results: Results, rows: Sequence[Sequence[Any]]) -> str:
    """Settings, each with the gaps at which something is so."""
    by_setting: dict[str, list[float]] = {}
    for setting, eps in rows:
        by_setting.setdefault(setting, []).append(eps)
    return join([f"{title(results, s)} (ε = {', '.join(f'{e:g}' for e in gaps)})" for s, gaps in by_setting.items()], 8)


def interval(row: Results) -> str:
    """A median with its interval, as in "2.1 [1.8, 2.6]"; ≥ or ≤ where it is known from one side."""
    low, high = row["median_low"], row["median_high"]
    if low == high:
        middle = number(low)
    elif high is None:
        middle = f"≥ {number(low)}" if low else "not known"
    else:
        middle = f"≤ {number(high)}" if not low else f"{number(low)} to {number(high)}"
    return f"{middle} [{number(row['lower'])}, {'∞' if row['upper'] is None else number(row['upper'])}]"


def claim(results: Results) -> str:
    """The question."""
    rivals = join([label(results, m) for m in results["config"]["paper"]])
    others = join([label(results, m) for m in results["config"]["stronger"]])
    return (
        f'The paper claims convergence "up to 10 times" faster than the state of the art where the problems differ '
        f"from those of training. This page measures by what factor a learned method reaches a certified relative gap "
        f"ε sooner, instance by instance. Its rivals are those of the paper ({rivals}) and stronger ones "
        f"({others or 'none'}). The factor in question is {number(results['claim'])}."
    )


def headline(results: Results) -> list[str]:
    """For each learned method, against the best baseline on each instance: in how many comparisons the factor is
    reached, apart for the distributions it was trained on.
    """
    sentences = []
    trained = {s["key"] for s in results["settings"] if s["trained"]}
    for learned in results["config"]["learned"]:
        for baseline in (BEST_OF_PAPER, BEST):
            parts = []
            for measure in (ITERATIONS, CALLS, LATENCY, THROUGHPUT):
                row = _claim(results, learned, baseline, measure)
                if row is not None:
                    parts.append(f"{WORDS[measure]} {number(row['largest_lower'])}")
            rows = [c for c in results["comparisons"] if (c["learned"], c["baseline"]) == (learned, baseline)]
            if rows:
                new, old = (
                    _counts([c for c in rows if (c["setting"] in trained) == in_training])
                    for in_training in (False, True)
                )
                sentences.append(
                    f"{label(results, learned)} against {label(results, baseline)} on each instance, over all "
                    f"measures. Where the problems differ from those of training: {new}. Where they do not: {old}. "
                    f"The largest lower ends of intervals: {join(parts)}."
                )
    return sentences


def _counts(rows: Sequence[Results]) -> str:
    counts = {v: sum(r["verdict"] == v for r in rows) for v in MEANINGS}
    counted = [f"{v} in {'all ' if n == len(rows) else ''}{n}" for v, n in counts.items() if n]
    return f"{join(counted)} comparisons" if counted else "nothing was compared"


def answers(results: Results) -> list[str]:
    """For each learned method and measure: where the factor is reached, where it is not, where it is open."""
    sentences = []
    for learned in results["config"]["learned"]:
        for measure in MEASURES:
            for baseline in (BEST_OF_PAPER, BEST):
                row = _claim(results, learned, baseline, measure)
                if row is not None and (baseline == BEST or measure in (ITERATIONS, LATENCY, THROUGHPUT)):
                    sentences.append(_answer(results, row))
    return sentences


def _claim(results: Results, learned: str, baseline: str, measure: str) -> Results | None:
    wanted = (learned, baseline, measure)
    return next((c for c in results["claims"] if (c["learned"], c["baseline"], c["measure"]) == wanted), None)


def _answer(results: Results, row: Results) -> str:
    who = f"{label(results, row['learned'])} against {label(results, row['baseline'])}, {WORDS[row['measure']]}"
    total = row["HOLDS"] + row["FAILS"] + row["OPEN"]
    counts = f"HOLDS in {row['HOLDS']}, FAILS in {row['FAILS']}, OPEN in {row['OPEN']} of {count(total, 'comparison')}"
    where = f"; it holds on {places(results, row['holds_in'])}" if row["holds_in"] else ""
    setting, eps = row["largest_at"]
    best, on = number(row["largest_lower"]), title(results, setting)
    return f"{who}: {counts}{where}; the largest lower end of an interval is {best} ({on}, ε = {eps:g})."


def single(results: Results) -> list[str]:
    """Against which single baselines the factor is reached somewhere, and against which nowhere."""
    sentences = []
    for learned in results["config"]["learned"]:
        for measure in MEASURES:
            rows = [
                c
                for c in results["claims"]
                if (c["learned"], c["measure"]) == (learned, measure) and c["baseline"] not in (BEST_OF_PAPER, BEST)
            ]
            groups = {v: [_against(results, c) for c in rows if c["up_to"] == v] for v in MEANINGS}
            parts = [
                f"{words} against {join(groups[v])}"
                for v, words in (("HOLDS", "on some settings"), ("FAILS", "on none"), ("OPEN", "undecided"))
                if groups[v]
            ]
            if parts:
                who, what = label(results, learned), WORDS[measure]
                sentences.append(f"{who} is {number(results['claim'])} times as fast {what}: {'; '.join(parts)}.")
    return sentences


def _against(results: Results, row: Results) -> str:
    """A baseline, with the settings on which the factor is reached against it."""
    where = list(dict.fromkeys(setting for setting, _ in row["holds_in"]))
    listed = f" ({', '.join(title(results, s) for s in where)})" if where else ""
    return f"{label(results, row['baseline'])}{listed}"


def not_reached(results: Results) -> list[str]:
    """Where a learned method does not arrive on at least half of the instances."""
    sentences = []
    for learned in results["config"]["learned"]:
        missing = [
            (s["key"], r["eps"])
            for s in results["settings"]
            for m in s["methods"]
            if m["method"] == learned
            for r in m["reached"]
            if r["share"] < 0.5
        ]
        if missing:
            where = places(results, missing)
            sentences.append(
                f"{label(results, learned)} does not reach the gap within its steps on most instances of {where}."
            )
    return sentences


def paid_off(results: Results) -> list[str]:
    """After how many instances the training has paid off, over the settings, at the gap that is shown."""
    sentences = []
    eps = results["config"]["shown"]
    for learned in results["config"]["learned"]:
        for baseline in results["labels"]:
            rows = [
                r
                for r in results["amortisation"]
                if (r["learned"], r["baseline"], r["eps"]) == (learned, baseline, eps)
            ]
            if not rows:
                continue
            finite = [r for r in rows if r["instances_high"] is not None]
            head = f"Training {label(results, learned)} against running {label(results, baseline)} to ε = {eps:g}"
            if not finite:
                sentences.append(f"{head} never pays off: in the median no time is saved.")
                continue
            best = min(finite, key=lambda r: r["instances_high"])
            sentences.append(
                f"{head} pays off in {len(finite)} of {count(len(rows), 'comparison')} of time, the soonest after "
                f"{number(best['instances_high'])} instances ({title(results, best['setting'])}, {best['clock']}; "
                f"{number(best['training_seconds'])} s of training, all seeds)."
            )
    return sentences


def left_out(results: Results) -> list[str]:
    """What was not run, and why."""
    why: dict[tuple[str, str], list[str]] = {}
    for setting in results["settings"]:
        for method, reason in setting["not_run"].items():
            why.setdefault((method, reason), []).append(setting["title"])
    return [
        f"{label(results, m)} was not run on {join(settings, 4)}: {reason}." for (m, reason), settings in why.items()
    ]
