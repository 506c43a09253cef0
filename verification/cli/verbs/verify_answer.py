"""What `l2obound verify` and `l2obound assumption` print: the verdicts that decide, in a table, and the finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..answer import Answer, Table

ORDER = ("violated", "inconclusive", "verified", "vacuous", "not applicable")
"""Kinds of bounds, the one that matters most first; "vacuous" is VERIFIED and says nothing of the run."""
ASK_THE_RUN = (
    "check that the file holds what the run recorded, and that L and convexity of the problem are as declared; "
    "--verbose prints the steps concerned."
)


def kind_of(verification: Any) -> str:
    """Which of `ORDER` a verification is."""
    verdict = str(verification.overall)
    return "vacuous" if verdict == "verified" and not verification.decided.any() else verdict


def verify_answer(title: str, results: Sequence[Any], named: bool) -> Answer:
    """The answer of `verify`.

    Args:
        title: The run and the problem.
        results: The verifications.
        named: Whether the bounds were named. If not, those that say nothing about the run are counted and not listed.

    Returns:
        A row for each bound, the violated ones first, and the verdict over all of them.
    """
    kinds = {v.bound.key: kind_of(v) for v in results}
    ordered = sorted(results, key=lambda v: ORDER.index(kinds[v.bound.key]))
    listed = ordered if named else [v for v in ordered if kinds[v.bound.key] not in ORDER[3:]]
    rows = [_row(v, kinds[v.bound.key]) for v in listed]
    if not any(row[-1] for row in rows):
        rows = [row[:-1] for row in rows]
    columns = ("bound", "verdict", "says something on", "tightness", "why")[: len(rows[0]) if rows else 5]
    broken = [v for v in results if kinds[v.bound.key] == "violated"]
    return Answer(
        title=title,
        table=Table(columns, rows, "bounds"),
        finding=[*_finding(results, kinds), *_trusted(results)],
        next=ASK_THE_RUN if broken else _next(kinds),
        details=[v.summary() for v in results],
    )


def _row(v: Any, kind: str) -> list[str]:
    unit = "step" if v.bound.level == "step" else "run"
    tight = v.to_dict()["tightness_median"]
    why = ""
    if kind in ("not applicable", "inconclusive", "violated"):
        data = [f"it is not true that {c.statement}" for c in v.data if not c.holds.all()]
        unmet = [
            f"needs {h.required}, met by {h.share:.0%}" for h in v.hypotheses if h.share < 1 and kind != "violated"
        ]
        why = next(iter([*data, *unmet, *v.notes]), "")
    tightness = "vacuous" if kind == "vacuous" else "" if tight is None else f"{tight:.3g}"
    return [
        f"{v.bound.number} {v.bound.key}",
        str(v.overall).upper(),
        f"{int(v.decided.sum())} of {v.verdict.size} {unit}s",
        tightness,
        why,
    ]


def _finding(results: Sequence[Any], kinds: dict[str, str]) -> list[str]:
    counts = Counter(kinds.values())
    if counts["violated"]:
        names = ", ".join(f"{v.bound.number} {v.bound.key}" for v in results if kinds[v.bound.key] == "violated")
        verdict = f"VIOLATED: {names}."
    elif counts["verified"] + counts["vacuous"]:
        verdict = "VERIFIED: no bound is violated."
    else:
        verdict = "INCONCLUSIVE: nothing is decided." if counts["inconclusive"] else "NOT APPLICABLE: no bound applies."
    if len(results) == 1:
        return [verdict]
    parts = [
        f"{counts[kind]} {words}"
        for kind, words in (
            ("violated", "violated"),
            ("verified", "verified"),
            ("vacuous", "vacuous (they permit that F does not improve, so they say nothing here)"),
            ("inconclusive", "inconclusive"),
            ("not applicable", "not applicable"),
        )
        if counts[kind]
    ]
    tight = " Tightness is the share of a bound that the run uses, in the median: 1 is attained."
    return [f"{verdict} Of {len(results)} bounds: {', '.join(parts)}.{tight if counts['verified'] else ''}"]


def _trusted(results: Sequence[Any]) -> list[str]:
    """That verdicts rest on a number of the user's, which must not be hidden under --verbose."""
    notes = dict.fromkeys(note for v in results for note in v.notes if "as given on" in note)
    return [f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes]


def _next(kinds: dict[str, str]) -> str:
    name, which = (next(iter(kinds)), "the") if len(kinds) == 1 else ("NAME", "a")
    return (
        f"`l2obound bounds {name}` states {which} bound; `l2obound report` draws a page; --verbose prints every "
        "hypothesis."
    )


def assumption_answer(title: str, meter: Any) -> Answer:
    """The answer of `assumption`: how far the steps are from either reading of Assumption 1."""
    d = meter.to_dict()
    broken = [f"It is not true that {statement}." for statement in d["broken_data"]]
    if not meter.judged.any():
        return Answer(
            title=title,
            finding=[
                "Nothing can be measured: at every step G_k is within its rounding, or the data are wrong.",
                *broken,
            ],
            details=[meter.summary()],
        )
    names = {"gradient_descent": "1/L", "half_step": "1/(2L)"}
    rows = [[step, f"{d['sigma_median'][n]:.3g}", f"{d['nearer_share'][n]:.0%}"] for n, step in names.items()]
    first, share = d["first_failing_step"], d["fails_by_rho_share"]
    guaranteed = (
        "rho_k < 1 at every judged step, so each of them is guaranteed to decrease F."
        if first is None
        else f"rho_k >= 1 on {share:.1%} of the judged steps, first at step {first}: these are not guaranteed to "
        f"decrease F."
    )
    median, worst = d["rho_accelerated_median"], d["rho_accelerated_worst"]
    accelerated = (
        "" if median is None else f" From FISTA's step it is {median:.3g} in the median and {worst:.3g} at most."
    )
    return Answer(
        title=title,
        table=Table(("exact step", "relative deviation, median", "steps nearer to it"), rows),
        finding=[
            "rho_k, the distance of a step from the step 1/L over the size of the latter, is "
            f"{d['sigma_median']['gradient_descent']:.3g} in the median and {d['rho_worst']:.3g} at most. "
            f"{guaranteed}{accelerated}",
            *broken,
        ],
        next="--verbose prints the bias heads and the worst coordinate; `l2obound sensitivity --optimizer NAME` "
        "measures what deviations cost.",
        details=[meter.summary()],
    )


def claims_answer(experiments: Sequence[Any]) -> Answer:
    """The answer of `assumption --experiments`."""
    rows = [[e.to_dict()["experiment"], str(e.verdict).upper()] for e in experiments]
    counts = Counter(row[1] for row in rows)
    return Answer(
        table=Table(("claim", "verdict"), rows),
        finding=[f"Of {len(rows)} claims: {', '.join(f'{n} {word}' for word, n in counts.items())}."],
        next="--verbose prints the numbers behind each.",
        details=[e.summary() for e in experiments],
    )
