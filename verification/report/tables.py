"""The verdicts arranged for the page: their counts, by bound over all runs, and why bounds do not apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..pages.text import count, number, percent

VERDICTS = ("verified", "violated", "inconclusive", "not applicable")
SYMBOLS = {"verified": "✓", "violated": "✗", "inconclusive": "?", "not applicable": "∅"}

Results = Mapping[str, Any]


def applicable(verdict: Results) -> int:
    """The number of checks (steps or runs) the bound speaks of."""
    return verdict["checks"] - verdict["counts"].get("not applicable", 0)


def decided(verdict: Results) -> int:
    """The number of checks that could have failed: true or false for certain, not vacuous, no form of another bound."""
    if verdict.get("form_of"):
        return 0
    vacuous = round((verdict["vacuous_share"] or 0.0) * applicable(verdict))
    return verdict.get("decided", max(0, applicable(verdict) - vacuous - verdict["counts"].get("inconclusive", 0)))


def counts(results: Results) -> dict[str, int]:
    """How many checks there are, and what they are worth: each is one of the last six.

    `violated`; `informative`: verified, and could have failed; `vacuous`: true of any run; `repeated`: the inequality
    of another bound once more; `inconclusive`; `not applicable`.
    """
    verdicts = [v for run in results["runs"] for v in run["verdicts"]]
    alone = [v for v in verdicts if not v.get("form_of")]
    violated = sum(v["counts"].get("violated", 0) for v in alone)
    informative = sum(map(decided, alone)) - violated
    vacuous = sum(round(v["vacuous_share"] * applicable(v)) for v in alone if v["vacuous_share"] is not None)
    return {
        "checks": sum(v["checks"] for v in verdicts),
        "violated": violated,
        "informative": informative,
        "vacuous": vacuous,
        "repeated": sum(applicable(v) for v in verdicts if v.get("form_of")),
        "inconclusive": max(0, sum(map(applicable, alone)) - vacuous - violated - informative),
        "not applicable": sum(v["counts"].get("not applicable", 0) for v in verdicts),
    }


def numbered(results: Results) -> dict[str, str]:
    """The number of each bound by its key."""
    return {bound["key"]: bound["number"] for bound in results["bounds"]}


def broken(verdict: Results) -> list[Results]:
    """The hypotheses that are not met everywhere, the least met first."""
    return sorted((h for h in verdict["hypotheses"] if _below(h["share"], 1)), key=lambda h: h["share"])


def overview(results: Results) -> list[dict[str, Any]]:
    """A row for each bound over all runs: counts, how vacuous, how tight."""
    rows = []
    numbers = numbered(results)
    places = {entry["key"]: place for place, entry in enumerate(results.get("catalogue", ()), 1)}
    for bound in results["bounds"]:
        verdicts = [v for run in results["runs"] for v in run["verdicts"] if v["bound"] == bound["key"]]
        counts = {name: sum(v["counts"].get(name, 0) for v in verdicts) for name in VERDICTS}
        checks = sum(v["checks"] for v in verdicts)
        stated = [v for v in verdicts if v["vacuous_share"] is not None and applicable(v)]
        weight = sum(applicable(v) for v in stated)
        medians = sorted(v["tightness_median"] for v in verdicts if v["tightness_median"] is not None)
        rows.append(
            {
                "bound": bound,
                "anchor": places.get(bound["key"]),
                "checks": checks,
                "decided": sum(decided(v) for v in verdicts),
                "forms": [f"{numbers.get(key, key)} on {count(n, 'run')}" for key, n in _forms(verdicts).items()],
                "counts": counts,
                "shares": {name: counts[name] / checks if checks else 0.0 for name in VERDICTS},
                "runs": len(verdicts),
                "vacuous": sum(v["vacuous_share"] * applicable(v) for v in stated) / weight if weight else None,
                "least": medians[0] if medians else None,
                "median": _median(medians),
                "greatest": medians[-1] if medians else None,
            }
        )
    return rows


def _forms(verdicts: Sequence[Results]) -> dict[str, int]:
    """The bounds that these verdicts repeat, and on how many runs."""
    return dict(Counter(v["form_of"] for v in verdicts if v.get("form_of")))


def obstacles(results: Results, problem: str) -> list[dict[str, Any]]:
    """Why bounds do not apply: for each bound and hypothesis the runs that break it, and by how much."""
    reasons: dict[tuple[str, str], dict[str, Any]] = {}
    for run in (r for r in results["runs"] if r["problem"] == problem):
        for verdict in run["verdicts"]:
            for hypothesis in broken(verdict):
                entry = reasons.setdefault(
                    (verdict["bound"], hypothesis["name"]),
                    {"number": verdict["number"], "hypothesis": hypothesis, "runs": []},
                )
                margin = hypothesis["worst_margin"]
                entry["runs"].append(
                    f"{_named(run)}: met by {percent(hypothesis['share'])}"
                    + (f", worst margin {number(margin)}" if margin is not None else "")
                )
    return list(reasons.values())


def _named(run: Results) -> str:
    """A run on a problem; one that was given has no scenario."""
    label = str(run["optimizer"]["label"])
    return label if run["scenario"]["key"] == "given" else f"{run['scenario']['label']}, {label}"


def remarks(results: Results, problem: str, field: str) -> list[dict[str, Any]]:
    """The distinct entries of `field` ("notes" or "broken_data") on a problem, with their bounds and runs."""
    notes: dict[str, dict[str, dict[str, None]]] = {}
    for run in (r for r in results["runs"] if r["problem"] == problem):
        for verdict in run["verdicts"]:
            for text in verdict[field]:
                entry = notes.setdefault(text, {"bounds": {}, "runs": {}})
                entry["bounds"][verdict["number"]] = None
                entry["runs"][_named(run)] = None
    return [{"text": t, "bounds": list(e["bounds"]), "runs": list(e["runs"])} for t, e in notes.items()]


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _median(ordered: Sequence[float]) -> float | None:
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
