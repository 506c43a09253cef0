"""The page and the table of a result, and the study that they belong to."""

from __future__ import annotations

from statistics import median
from typing import Any

from markupsafe import Markup

from ...pages.blocks import Block, Figure, Folded, Notes, Section, Sentences, Table, Text
from ...pages.text import number, percent
from ..framework import Study
from . import _figure, _sentences
from ._measure import NEED_CONVEXITY, SURVIVE, Entry
from ._methods import PROXIMAL
from ._run import BeyondConvex, Settings, beyond_convex, quick


def rows(result: BeyondConvex) -> list[dict[str, Any]]:
    """A row for each entry; the counts of the bounds are columns of their own."""
    return [_row(e) for e in result.entries]


def _row(e: Entry) -> dict[str, Any]:
    row = e.to_dict()
    held, bare, ledger = row.pop("held"), row.pop("asked"), row.pop("ledger")
    for bound in (*SURVIVE, *NEED_CONVEXITY):
        row |= {f"{bound} {word}": value for word, value in held[bound].items()}
    for bound in NEED_CONVEXITY:
        row |= {f"{bound} without convexity: {word}": value for word, value in bare[bound].items()}
    for bound, parts in ledger.items():
        for part in ("convexity", "smoothness", "r", "squares"):
            row[f"{bound} ledger: {part}"] = None if parts is None else parts[part]
    return row


def sections(result: BeyondConvex) -> list[Section]:
    """The page."""
    examples = Figure(
        _figure.counterexamples(result.counterexamples),
        "f-examples",
        "Descent without approach",
        "Above: F in one variable with the iterates of gradient descent. Below: F(x_k) - F* and bounds that pass "
        "under it.",
        "Every step descends. From the cross on the bound is below the run: false, were it not for its hypothesis.",
    )
    rises = Figure(
        _figure.rises(result),
        "f-rises",
        "Where F rises",
        "Shares of rising steps by method, and the change of F against rho, below the line of B1.",
        "Left: pairs of losses with r = 0, the l1 norm and a box. Right: steps of the trained models on losses "
        "that are not convex; no step may be above the line, which crosses 0 at rho = 1.",
    )
    stationarity = Figure(
        _figure.stationarity(result),
        "f-stationarity",
        "Stationarity, r = 0",
        "Least squared norm of the generalised gradient against the step, with B10 above it, by family.",
        "Solid: the run (first instance, first shift). Thin: B10 for it. Squares: the exact worst case "
        "of gradient descent over all smooth f with the same L and F(x_0) - F_low.",
    )
    counterexamples = [Sentences(_sentences.counterexample(c)) for c in result.counterexamples]
    descent, least = Sentences(_sentences.descent(result)), Sentences(_sentences.stationarity(result), bullets=True)
    return [
        Section("answer", "Answer", "What survives without convexity", _answer(result)),
        Section("needed", "Where convexity is needed", "Where convexity is needed", _where_needed(result)),
        Section("examples", "Counter-examples", "Counter-examples in one variable", (examples, *counterexamples)),
        Section("rises", "Rises", "Where F rises", (rises, descent)),
        Section("stationarity", "Stationarity", "Stationarity", (stationarity, least)),
        *([Section("minima", "Local minima", "Which local minimum", _minima(result))] if result.minima else []),
        Section("sets", "Constraints", "Constraints", _sets(result)),
        Section("methods", "Methods", "Methods", (Text(_METHODS),)),
    ]


_METHODS = (
    "Proved: B1, B2 and B10, for every smooth f and convex r; the split of B6, B6b and B6c into the inequalities of "
    "their proofs, which is an identity and is checked on each run against the catalogue; F* of the counter-examples. "
    "As solved: the exact worst cases. Measured: everything of runs. A run on which a bound without its hypothesis is "
    "false shows that the hypothesis is needed; a run on which it holds shows nothing. For f that are not convex F* is "
    "only known to be at least 0, and z is the best point found."
)


def _answer(result: BeyondConvex) -> list[Block]:
    verdicts = [
        [where, f"{bound}, {_sentences.NAMES[bound]}", *counts, percent(vacuous / judged), tight]
        for where, bound, *counts, judged, vacuous, tight in _sentences.verdicts(result)
    ]
    head = ["problems", "bound", "verified", "violated", "inconclusive", "vacuous", "tightness"]
    return [
        Text(_sentences.verdict(result), strong=True),
        Table("Verdicts", head, verdicts),
        Notes(
            "Steps, and for B10 itself runs. Vacuous: what the bound allows says nothing (a step: a rise). "
            "Tightness: the share of the bound that is used, median over the entries; 0 where a rise is allowed and "
            "there is none."
        ),
    ]


def _where_needed(result: BeyondConvex) -> list[Block]:
    head = ["bound", "f not convex: false", "holds", "outside", "convex f: false", "holds", "outside"]
    return [
        Text(
            Markup(
                "Each proof of a bound on F - F* adds up f(z) ≥ f(x) + ⟨∇f(x), z - x⟩ at points x of the run, z a "
                "point with the least F known. Where f is not convex <code>verify</code> says NOT_APPLICABLE. The "
                "table asks what the inequality would have said, with its other hypotheses kept."
            )
        ),
        Table("Runs", head, [_needed(result, name) for name in NEED_CONVEXITY]),
        Notes(
            "Runs. Outside: of another hypothesis (B3 exact steps, B8 rho < 1), outside the domain of r, or out of "
            "float64. A false one is false for the comparator z, whatever F* is."
        ),
        Sentences(_sentences.needed(result), bullets=True),
    ]


def _minima(result: BeyondConvex) -> list[Block]:
    ends = [[f"{m.family}, s = {m.shift:g}", m.method, *_shares(m)] for m in result.minima]
    head = ["family", "method", "lower", "equal", "higher", "not settled", "of these the model"]
    return [
        Text(
            f"F at the end against that of proximal gradient with the step 1/L from the same start, F = loss + l1 "
            f"norm, after {result.settings.horizon} steps."
        ),
        Table("Local minima", head, ends),
        Notes(
            "Instances, with 95 % Clopper-Pearson intervals, each by itself. Equal: within 1e-4 of the decrease from "
            "F(x_0). Not settled: a proximal-gradient step at the end of one of the two runs is longer than 1e-5 of "
            "that at x_0."
        ),
        Sentences([*_sentences.stalls(result), *_sentences.growth(result)]),
    ]


def _sets(result: BeyondConvex) -> list[Block]:
    head = [
        "problem", "method", "leaves the set", "share of the initial gap at the end", "steps to eps",
        "of projected gradient", "B1 / B10 / B6b / B6c",
    ]  # fmt: skip
    notes = (
        f"Median over the runs; in brackets how many of {result.settings.batch} reach it, where not all do. eps = "
        f"{number(result.settings.eps)}. For student_t the gap is to the best point known, not to a certified F*."
    )
    table = Table("Constraints", head, [_set_row(e, result) for e in result.select(part="sets")])
    return [
        Sentences(_sentences.constrained(result), bullets=True),
        Folded("The numbers", (table, Notes(notes))),
    ]


def _needed(result: BeyondConvex, bound: str) -> list[Any]:
    row: list[Any] = [bound]
    for convex in (False, True):
        entries = [e for e in result.entries if e.convex == convex]
        row += [_sentences.asked(entries, bound, word) for word in ("false", "holds", "outside")]
    return row


def _shares(m: Any) -> list[str]:
    return [f"{m.counts[w]} [{100 * m.low[w]:.0f} %, {100 * m.high[w]:.0f} %]" for w in m.counts] + [str(m.restless)]


def _set_row(e: Entry, result: BeyondConvex) -> list[Any]:
    base = result.select(part="sets", family=e.family, term=e.term, shift=e.shift, method=PROXIMAL)[0]
    left = [k for k in e.left_at if k is not None]
    return [
        f"{e.family}, {e.term}, s = {e.shift:g}",
        e.method,
        f"{len(left)} of {e.instances}" + (f", from step {min(left)}" if left else ""),
        e.gap,
        _iterations(e),
        _iterations(base),
        " / ".join(_word(e, bound) for bound in ("B1", "B10", "B6b", "B6c")),
    ]


def _iterations(e: Entry) -> str:
    reached = [k for k in e.iterations if k is not None]
    return (f"{median(reached):g}" if reached else "–") + (f" ({len(reached)})" if len(reached) < e.instances else "")


def _word(e: Entry, bound: str) -> str:
    held = e.held[bound]
    for word in ("violated", "inconclusive", "verified"):
        if held[word]:
            return word
    return "n/a"


STUDY = Study(
    name="beyond-convex",
    title="Beyond convex problems",
    heading="Beyond convex problems",
    question="Do virtual features and gradient-only history extend to non-convex problems, and what do trained models "
    "do on them and under constraints?",
    settings=Settings,
    quick=quick,
    run=lambda settings, context: beyond_convex(settings, context.progress),
    sections=sections,
    rows=rows,
    printed=("family", "term", "shift", "method", "instances", "rises", "stationarity", "stationarity_bound", "gap"),
    lines=_sentences.lines,
    headline=_sentences.headline,
    brief=_sentences.brief,
    figures=_figure.figures,
    in_words=lambda e: f"{e.family}, {e.term}, s = {e.shift:g}, {e.method}: {'; '.join(e.broken)}",
)
