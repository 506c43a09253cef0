"""The first screen in words: is anything violated, how much do the bounds say, who wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..pages.text import count, join, number, percent
from .sentences import PLACES
from .tables import applicable, counts, overview
from .worst_cases import violated

Results = Mapping[str, Any]


def answer(
    results: Results, compared: Sequence[Results] = (), fastest: str | None = None, upcoming: str | None = None
) -> dict[str, Any]:
    """The first screen in words: the state (a word for the style sheet), one sentence, the numbers, and more sentences.

    Args:
        results: Of a report, or of given runs.
        compared: The learned runs against the classical ones.
        fastest: Who needs the fewest iterations, which the last gaps do not tell once they are all below what is known
            of F*.
        upcoming: What can be expected of the next instance.
    """
    pairs = [(run, v) for run in results["runs"] for v in run["verdicts"]]
    numbers = counts(results)
    verified = sum(v["counts"].get("verified", 0) for _, v in pairs)
    wrong = [(run, v) for run, v in pairs if v["counts"].get("violated")]
    false_data = sorted({run["key"] for run, v in pairs if v["broken_data"]})
    false = violated(results)
    if not pairs:
        state, verdict = "inconclusive", "Nothing was checked."
    elif wrong:
        amount = sum(v["counts"]["violated"] for _, v in wrong)
        state, verdict = "violated", f"{count(amount, 'check')} violated."
    elif false:
        state, verdict = "violated", f"{join(false)} {'is' if len(false) == 1 else 'are'} false."
    elif not verified:
        state, verdict = "inconclusive", "No bound was violated, and none could be verified."
    else:
        state, verdict = "verified", f"No bound was violated{_where(results)}."
    sentences = [
        f"{count(numbers['checks'], 'check')} of {count(len(results['bounds']), 'bound')} on "
        f"{count(len(results['runs']), 'run')}: {number(numbers['informative'])} are verified and could have failed, "
        f"{number(numbers['violated'])} are violated, {number(numbers['vacuous'])} are vacuous (true of any run), "
        f"{number(numbers['repeated'])} repeat another bound, {number(numbers['inconclusive'])} are inconclusive, and "
        f"{number(numbers['not applicable'])} do not apply."
    ]
    sentences += _form_words(results)
    if wrong:
        where = [
            f"{v['number']} on {_name(r)} ({number(v['counts']['violated'])} of {number(v['checks'])})"
            for r, v in wrong
        ]
        sentences.append(
            f"Violated: {join(where)}. A violation means that the bound, a declared constant or the data is wrong."
        )
    if false:
        sentences.append(f"Below the exact worst case, and so false: {join(false)}.")
    if false_data:
        sentences.append(f"The recorded data contradict themselves in {join(false_data)}.")
    sentences += [*_vacuous_words(results), *_certificate_words(results)]
    sentences += [text for text in (upcoming, fastest) if text]
    if "problems" in results:
        sentences += _comparison_words(compared)
    return {"state": state, "verdict": verdict, "numbers": numbers, "sentences": sentences}


def _where(results: Results) -> str:
    """On how many runs, methods and problems."""
    runs = results["runs"]
    methods = len({run["optimizer"]["name"] for run in runs})
    problems = len({run["problem"] for run in runs})
    if "problems" not in results:
        return f": {join([run['key'] for run in runs])} on {count(results['problem']['instances'], 'instance')}"
    return f" in {count(len(runs), 'run')} of {count(methods, 'method')} on {count(problems, 'problem')}"


def _name(run: Results) -> str:
    """A run in a sentence."""
    if run["scenario"]["key"] == "given":
        return str(run["key"])
    return f"{run['problem']}, {run['scenario']['label']}, {run['optimizer']['label']}"


def _certificate_words(results: Results) -> list[str]:
    """How near the certificates of the runs come to the true gap."""
    runs = [run for run in results["runs"] if run.get("certificate") and run["certificate"]["ratio"] is not None]
    if not runs:
        return []
    ratios = sorted(run["certificate"]["ratio"] for run in runs)
    checks = [v for run in results["runs"] for v in run["verdicts"] if v["bound"] == "run_certificate"]
    share = sum((v["vacuous_share"] or 0.0) * applicable(v) for v in checks) / max(1, sum(map(applicable, checks)))
    return [
        f"The certificate that a run makes of itself (B15) says nothing in {percent(share)} of its checks; the gap "
        f"that it certifies after the last step is {number(ratios[len(ratios) // 2])} times the true one (median over "
        f"{count(len(runs), 'run')}, from {number(ratios[0])} to {number(ratios[-1])})."
    ]


def _form_words(results: Results) -> list[str]:
    """Which bounds are another one once more on runs of this report."""
    sentences = [f"{row['bound']['number']} is {form}" for row in overview(results) for form in row["forms"]]
    return [f"The same inequality once more: {join(sentences)}."] if sentences else []


def _vacuous_words(results: Results) -> list[str]:
    judged = [row for row in overview(results) if row["vacuous"] is not None]
    empty = [row for row in judged if row["vacuous"] >= 0.5]
    telling = [row for row in judged if row["vacuous"] < 0.5 and row["median"] is not None]
    sentences = []
    if empty:
        named = [f"{row['bound']['number']} ({row['bound']['title']}, {percent(row['vacuous'])})" for row in empty]
        sentences.append(f"Vacuous on at least half of the checks that they apply to: {join(named)}.")
    elif judged:
        sentences.append("No bound is vacuous on half or more of the checks it applies to.")
    if telling:
        best = max(telling, key=lambda row: row["median"])
        sentences.append(
            f"Tightest: {best['bound']['number']} ({best['bound']['title']}); the measured value uses "
            f"{percent(best['median'])} of it (median over runs)."
        )
    return sentences


def _comparison_words(compared: Sequence[Results]) -> list[str]:
    sentences = []
    for kind, where in PLACES.items():
        place = f"{where[:1].upper()}{where[1:]}"
        for name in sorted({c["learned"] for c in compared}):
            cases = [c for c in compared if c["data"] == kind and c["learned"] == name]
            if not cases:
                continue
            wins = sum(c["outcome"] == "below" for c in cases)
            order = {"below": 0, "equal": 1, "above": 2}
            ranked = sorted(cases, key=lambda c: (order[c["outcome"]], c["ratio"]))
            ends = [("at best", ranked[0]), ("at worst", ranked[-1])] if len(cases) > 1 else [("there", ranked[0])]
            parts = [f"{how} ({c['problem']['key']}, {c['scenario']['label']}) {c['against']}" for how, c in ends]
            sentences.append(
                f"{place} {name} ends below the best classical method in {wins} of {count(len(cases), 'case')}: "
                f"{'; '.join(parts)}."
            )
    return sentences or ["There is no pair of a learned and a classical method to compare."]
