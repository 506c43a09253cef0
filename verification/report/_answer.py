"""The headline of the page: is anything violated, how much do the bounds say, who wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..pages.text import count, join, number, percent
from .tables import SYMBOLS, VERDICTS, applicable, decided, overview
from .worst_cases import violated

Results = Mapping[str, Any]


def answer(
    results: Results, compared: Sequence[Results], fastest: str | None = None, upcoming: str | None = None
) -> dict[str, Any]:
    """The headline: totals, the state (a word for the style sheet), and sentences.

    `fastest` says who needs the fewest iterations, which the last gaps do not tell once they are all below what is
    known of F*. `upcoming` says what can be expected of the next instance.
    """
    pairs = [(run, v) for run in results["runs"] for v in run["verdicts"]]
    totals = {name: sum(v["counts"].get(name, 0) for _, v in pairs) for name in VERDICTS}
    checks = sum(v["checks"] for _, v in pairs)
    wrong = [(run, v) for run, v in pairs if v["counts"].get("violated")]
    false_data = sorted({run["key"] for run, v in pairs if v["broken_data"]})
    if not pairs:
        state, verdict = "inconclusive", "Nothing was checked."
    elif wrong:
        state, verdict = "violated", f"{count(totals['violated'], 'check')} violated."
    elif not totals["verified"]:
        state, verdict = "inconclusive", "No bound was violated, and none could be verified."
    else:
        state, verdict = "verified", "No bound was violated."
    false = violated(results)
    if false:
        state, verdict = "violated", f"False: {join(false)}." if not wrong else verdict
    alone = [v for _, v in pairs if not v.get("form_of")]
    empty = sum(round(v["vacuous_share"] * applicable(v)) for v in alone if v["vacuous_share"] is not None)
    repeated = sum(applicable(v) for _, v in pairs if v.get("form_of"))
    able = sum(decided(v) for v in alone)
    hidden = max(0, sum(map(applicable, alone)) - empty - able)
    sentences = [
        f"{count(able, 'check')} could have failed, of "
        f"{count(len(results['bounds']), 'bound')} on {count(len(results['runs']), 'run')}. These are what is left of "
        f"{number(checks)}: {number(totals['not applicable'])} do not apply, {number(repeated)} are another bound "
        f"once more, {number(empty)} are vacuous (their right-hand side says nothing), {number(hidden)} are "
        "inconclusive."
    ]
    sentences += _form_words(results)
    if wrong:
        where = [
            f"{v['number']} on {r['problem']}, {r['scenario']['label']}, {r['optimizer']['label']} "
            f"({number(v['counts']['violated'])} of {number(v['checks'])})"
            for r, v in wrong
        ]
        sentences.append(
            f"Violated: {join(where)}. A violation means that the bound, a declared constant or the data is wrong."
        )
    if false:
        sentences.append(f"Below the exact worst case, and so false: {join(false)}.")
    if false_data:
        sentences.append(f"The recorded data contradict themselves in {join(false_data)}.")
    return {
        "state": state,
        "verdict": verdict,
        "totals": [(name, SYMBOLS[name], totals[name]) for name in VERDICTS],
        "sentences": [
            *sentences,
            *_vacuous_words(results),
            *(text for text in (upcoming, fastest) if text),
            *_comparison_words(compared),
        ],
    }


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
        sentences.append(f"Vacuous on at least half of the checks they apply to: {join(named)}.")
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
    for inside, place in ((True, "In distribution"), (False, "Out of distribution")):
        for name in sorted({c["learned"] for c in compared}):
            cases = [c for c in compared if c["in_distribution"] == inside and c["learned"] == name]
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
