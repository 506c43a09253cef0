"""The page of the report: one self-contained HTML file, made from the results and nothing else.

Every sentence with a number in it is computed here from the results, the figures' captions included.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from verification.report.figures import NEGLIGIBLE, figures, formula_svg, to_svg
from verification.report.tables import (
    DASH,
    SYMBOLS,
    VERDICTS,
    applicable,
    comparisons,
    number,
    obstacles,
    overview,
    percent,
    remarks,
    verdict_tables,
    write_tables,
)

__all__ = ["render_html", "write_tables"]

_HERE = Path(__file__).parent
_MEANINGS = {
    "verified": "holds for every F* in the certified interval, up to rounding",
    "violated": "fails for every F* in the certified interval, beyond rounding",
    "inconclusive": "holds for some F* in the interval and fails for others",
    "not applicable": "the run breaks a hypothesis of the bound, which then promises nothing",
}

Results = Mapping[str, Any]


def render_html(results: Results) -> str:
    """The whole page; equal results give equal bytes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent}
    compared = comparisons(results)
    return environment.get_template("template.html").render(
        results=results,
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
        answer=_answer(results, compared),
        meanings=[(name, SYMBOLS[name], _MEANINGS[name]) for name in VERDICTS],
        overview=overview(results),
        compared=compared,
        problems=_problem_views(results, compared),
        bounds=[{**bound, "formula": formula_svg(bound["latex"])} for bound in results["bounds"]],
        config=json.dumps(results["config"], indent=2, ensure_ascii=False),
        dash=DASH,
    )


def _join(words: Sequence[str], most: int = 6) -> str:
    words = [*words[:most], f"{len(words) - most} more"] if len(words) > most else list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _count(amount: int, thing: str) -> str:
    return f"{number(amount)} {thing}{'' if amount == 1 else 's'}"


def _answer(results: Results, compared: Sequence[Results]) -> dict[str, Any]:
    """The headline: totals, the state (a word for the style sheet), and sentences."""
    pairs = [(run, v) for run in results["runs"] for v in run["verdicts"]]
    totals = {name: sum(v["counts"].get(name, 0) for _, v in pairs) for name in VERDICTS}
    checks = sum(v["checks"] for _, v in pairs)
    wrong = [(run, v) for run, v in pairs if v["counts"].get("violated")]
    false_data = sorted({run["key"] for run, v in pairs if v["broken_data"]})
    if not pairs:
        state, verdict = "inconclusive", "Nothing was checked."
    elif wrong:
        state, verdict = "violated", f"{_count(totals['violated'], 'check')} violated."
    elif not totals["verified"]:
        state, verdict = "inconclusive", "No bound was violated, and none could be verified."
    else:
        state, verdict = "verified", "No bound was violated."
    judged = checks - totals["not applicable"]
    empty = sum(round(v["vacuous_share"] * applicable(v)) for _, v in pairs if v["vacuous_share"] is not None)
    sentences = [
        f"{_count(checks, 'check')} of {_count(len(results['bounds']), 'bound')} on "
        f"{_count(len(results['runs']), 'run')}; of the {number(judged)} that apply {number(empty)} are vacuous: their "
        "right-hand side says nothing."
    ]
    if wrong:
        where = [
            f"{v['number']} on {r['problem']}, {r['scenario']['label']}, {r['optimizer']['label']} "
            f"({number(v['counts']['violated'])} of {number(v['checks'])})"
            for r, v in wrong
        ]
        sentences.append(
            f"Violated: {_join(where)}. A violation means that the bound, a declared constant or the data is wrong."
        )
    if false_data:
        sentences.append(f"The recorded data contradict themselves in {_join(false_data)}.")
    return {
        "state": state,
        "verdict": verdict,
        "totals": [(name, SYMBOLS[name], totals[name]) for name in VERDICTS],
        "sentences": [*sentences, *_vacuous_words(results), *_comparison_words(compared)],
    }


def _vacuous_words(results: Results) -> list[str]:
    judged = [row for row in overview(results) if row["vacuous"] is not None]
    empty = [row for row in judged if row["vacuous"] >= 0.5]
    telling = [row for row in judged if row["vacuous"] < 0.5 and row["median"] is not None]
    said = []
    if empty:
        named = [f"{row['bound']['number']} ({row['bound']['title']}, {percent(row['vacuous'])})" for row in empty]
        said.append(f"Vacuous on at least half of the checks they apply to: {_join(named)}.")
    elif judged:
        said.append("No bound is vacuous on half or more of the checks it applies to.")
    if telling:
        best = max(telling, key=lambda row: row["median"])
        said.append(
            f"Tightest: {best['bound']['number']} ({best['bound']['title']}); the measured value uses "
            f"{percent(best['median'])} of it (median over runs)."
        )
    return said


def _comparison_words(compared: Sequence[Results]) -> list[str]:
    said = []
    for inside, place in ((True, "In distribution"), (False, "Out of distribution")):
        for name in dict.fromkeys(c["learned"] for c in compared):
            cases = [c for c in compared if c["in_distribution"] == inside and c["learned"] == name]
            if not cases:
                continue
            wins = sum(c["outcome"] == "below" for c in cases)
            order = {"below": 0, "equal": 1, "above": 2}
            ranked = sorted(cases, key=lambda c: (order[c["outcome"]], c["ratio"]))
            ends = [("at best", ranked[0]), ("at worst", ranked[-1])] if len(cases) > 1 else [("there", ranked[0])]
            parts = [
                f"{how} ({c['problem']['key']}, {c['scenario']['label']}) {c['words']} {c['classical']}"
                for how, c in ends
            ]
            said.append(
                f"{place} {name} ends below the best classical method in {wins} of {_count(len(cases), 'case')}: "
                f"{'; '.join(parts)}."
            )
    return said or ["There is no pair of a learned and a classical method to compare."]


def _problem_views(results: Results, compared: Sequence[Results]) -> list[dict[str, Any]]:
    drawn = figures(results)
    views = []
    for index, problem in enumerate(results["problems"], 1):
        key = problem["key"]
        runs = [run for run in results["runs"] if run["problem"] == key]
        shown = []
        names = dict.fromkeys(run["optimizer"]["name"] for run in runs)
        wanted = [("convergence", runs, f"convergence/{key}")]
        wanted += [
            ("bounds", [run for run in runs if run["optimizer"]["name"] == name], f"bounds/{key}/{name}")
            for name in names
        ]
        wanted.append(("deviation", runs, f"deviation/{key}"))
        for kind, own, name in (w for w in wanted if w[2] in drawn):
            title, caption = _CAPTIONS[kind](problem, own, compared, results)
            prefix = f"p{index}f{len(shown) + 1}"
            svg = Markup(to_svg(drawn[name], prefix, title, f"{title}. {caption}"))
            shown.append({"title": title, "caption": caption, "svg": svg})
        views.append(
            {
                "problem": problem,
                "anchor": f"problem-{index}",
                "runs": runs,
                "tables": verdict_tables(results, key) if runs else [],
                "obstacles": obstacles(results, key),
                "notes": remarks(results, key, "notes"),
                "broken": remarks(results, key, "broken_data"),
                "figures": shown,
                "f_star": _f_star_words(problem["f_star"]),
                "lost": [f"{r['scenario']['label']}, {r['optimizer']['label']}" for r in runs if r["diverged"]],
            }
        )
    return views


def _f_star_words(f_star: Results) -> str:
    widths = sorted(high - low for low, high in zip(f_star["lower"], f_star["upper"]) if None not in (low, high))
    total = len(f_star["upper"])
    if not widths:
        return "No instance has a certified interval of F*, so no gap is known."
    means = _join([f"{name} ({number(count)})" for name, count in f_star["solvers"].items()])
    proofs = _join([f"{name} ({number(count)})" for name, count in f_star["certificates"].items()])
    return (
        f"F* is certified to an interval on {number(len(widths))} of {_count(total, 'instance')}, of width "
        f"{number(widths[len(widths) // 2])} in the median and {number(widths[-1])} at most; relative width at most "
        f"{number(f_star['relative_width_max'])}. Solver: {means or DASH}. Certificate: {proofs or DASH}."
    )


def _caption_convergence(
    problem: Results, runs: Sequence[Results], compared: Sequence[Results], results: Results
) -> tuple[str, str]:
    said = []
    own = [c for c in compared if c["problem"]["key"] == problem["key"]]
    for case in own[:1]:
        ours, theirs = case["texts"]
        said.append(
            f"At k = {case['steps']} ({case['scenario']['label']}) the median gap of {case['learned']} is {ours}, "
            f"{case['words']} {case['classical']}'s ({theirs})."
        )
    said += [f"{c['learned']} at {c['scenario']['label']}: {c['words']} {c['classical']}'s." for c in own[1:]]
    if not own:
        ends = [(run["gap"]["median"][-1], run) for run in runs if run["gap"]["median"]]
        for value, run in sorted(((v, r) for v, r in ends if v is not None), key=lambda pair: pair[0])[:1]:
            said.append(
                f"The lowest median gap after the last step is {run['optimizer']['label']}'s "
                f"({run['scenario']['label']}): {number(max(value, run['floor'] or 0.0))} at k = {run['steps']}."
            )
    floor = max((run["floor"] or 0.0 for run in runs), default=0.0)
    reached = list(dict.fromkeys(run["optimizer"]["label"] for run in runs if _reaches(run)))
    if reached:
        said.append(f"At the floor, {number(floor)}, below which a gap is not known: {_join(reached)}.")
    elif floor:
        said.append(f"No median reaches the floor: F* is known to {number(floor)}.")
    lost = [f"{r['optimizer']['label']} ({r['scenario']['label']}, {r['diverged']})" for r in runs if r["diverged"]]
    if lost:
        said.append(f"Diverged instances, left out of the curves: {_join(lost)}.")
    if problem["instances"] > 1:
        said.append(
            f"Lines are medians over {problem['instances']} instances, bands go from the 10 % to the 90 % quantile."
        )
    return f"Convergence on {problem['title']}", " ".join(said)


def _reaches(run: Results) -> bool:
    return any(v is not None and v <= (run["floor"] or 0.0) for v in run["gap"]["median"])


def _caption_bounds(
    problem: Results, runs: Sequence[Results], compared: Sequence[Results], results: Results
) -> tuple[str, str]:
    numbers = {bound["key"]: bound["number"] for bound in results["bounds"]}
    first, label = runs[0], runs[0]["optimizer"]["label"]
    said = []
    gap = first["gap"]["median"][-1] if first["gap"]["median"] else None
    floor = first["floor"] or 0.0
    if gap is not None:
        words = f"at most {number(floor)} (the floor)" if gap <= floor else number(gap)
        said.append(f"After {_count(first['steps'], 'step')} ({first['scenario']['label']}) the median gap is {words}.")
    for curve in first["bound_curves"]:
        value, name = curve["median"][-1] if curve["median"] else None, numbers.get(curve["bound"], curve["bound"])
        if value is None or not curve["guaranteed"]:
            continue
        # A bound of the mean gap has no ratio to the last gap.
        mean = curve["of"].startswith("mean")
        known = gap is not None and gap > floor and not mean
        times = f", {number(float(f'{value / gap:.3g}'))} times what it is" if known else ""
        said.append(
            f"{name} promises at most {number(value)} for the {'mean gap so far' if mean else 'last gap'}{times}."
        )
    dashed = [curve for run in runs for curve in run["bound_curves"] if not curve["guaranteed"]]
    if dashed:
        names = dict.fromkeys(numbers.get(curve["bound"], curve["bound"]) for curve in dashed)
        said.append(f"Dashed, without guarantee since a hypothesis is broken: {_join(list(names))}.")
    return f"Bounds over the run of {label} on {problem['title']}", " ".join(said)


def _caption_deviation(
    problem: Results, runs: Sequence[Results], compared: Sequence[Results], results: Results
) -> tuple[str, str]:
    said = []
    for run in [run for run in runs if run["optimizer"]["learned"]] or runs:
        known = [(v, k) for k, v in zip(run["k"][1:], run["rho"]["median"]) if v is not None]
        if any(v > NEGLIGIBLE for v, _ in known):
            most, k = max(known, key=lambda pair: pair[0])
            said.append(
                f"{run['optimizer']['label']}, {run['scenario']['label']}: at most {number(most)} (k = {k}), below 1 "
                f"at {sum(v < 1 for v, _ in known)} of {_count(len(known), 'step')}."
            )
    zero = [run["optimizer"]["label"] for run in runs if all((v or 0.0) <= NEGLIGIBLE for v in run["rho"]["median"])]
    if zero:
        said.append(f"Zero up to rounding, so not drawn: {_join(list(dict.fromkeys(zero)))}.")
    said.append("Below 1 a step is sure to descend (B2).")
    return f"Median deviation from the ideal step on {problem['title']}", " ".join(said)


_CAPTIONS = {"convergence": _caption_convergence, "bounds": _caption_bounds, "deviation": _caption_deviation}
