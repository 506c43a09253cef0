"""The data behind the page as CSV files, where a missing value is empty, and as LaTeX for a paper."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...l2o.support.files import write_bytes
from ..pages.latex import latex_table
from ..pages.text import printable
from ._compare import Results, lowest_gaps, relative_widths, rows
from ._ledger_view import ledger_rows
from .tables import VERDICTS, broken, decided

_RUN = ("run", "problem", "scenario", "optimizer")
_VERDICT_FIELDS = (
    "run", "problem", "scenario", "data", "s", "t", "optimizer", "learned", "steps", "bound", "number", "level",
    "verdict", "checks", *(v.replace(" ", "_") for v in VERDICTS), "decided", "form_of",
    "vacuous_share", "tightness_median", "tightness_worst",
    "tightness_best", "worst_slack", "broken_hypotheses", "broken_data", "notes",
)  # fmt: skip
_CURVE_FIELDS = (*_RUN, "quantity", "of", "guaranteed", "statistic", "k", "value")
_LONG_FIELDS = (*_RUN, "quantity", "statistic", "k", "value")
_COMPARISON_FIELDS = (
    "problem", "scenario", "data", "s", "t", "optimizer", "learned", "instances", "diverged", "steps",
    "relative_gap_median", "relative_floor", "tolerance", "iterations_median", "instances_reached",
)  # fmt: skip
_F_STAR_FIELDS = (
    "problem", "scenario", "data", "instance", "lower", "upper", "relative_width", "lowest_relative_gap", "lowest_by",
    "resolved",
)  # fmt: skip
_LEDGER_FIELDS = (
    "bound", "number", "title", "level", "kind", "origin", "source", "latex", "hypotheses",
    "standing", "proved", "claims",
    "terms", "why_not_proved", "checks", *(v.replace(" ", "_") for v in VERDICTS), "why_not_checked",
)  # fmt: skip
_WORST_FIELDS = (
    "bound", "number", "question", "steps", "step", "parameter", "value", "lower", "upper", "ratio_low", "ratio_high",
    "verdict", "narrower", "on_instance", "note",
)  # fmt: skip
_PAIR_FIELDS = ("problem", "optimizer", "tau", "start", "objective", "expected", "measured", "quantity", "k", "value")
_NEXT_FIELDS = (
    *_RUN, "instances", "confidence", "quantity", "at", "successes", "undecided", "probability_at_least", "lower",
    "sample", "upper", "open",
)  # fmt: skip
_CERTIFICATE_FIELDS = (*_RUN, "data", "quantity", "statistic", "k", "value")
_STATISTICS = ("median", "q10", "q90")


@dataclass(frozen=True)
class _Printed:
    """What of a table stands in its LaTeX: the caption, the head of each column by its field, and of curves their end.

    Attributes:
        caption: A sentence.
        columns: The head of each field that is printed.
        last: Whether of each curve the value at its largest k alone is printed.
    """

    caption: str
    columns: Mapping[str, str]
    last: bool = False


_WHERE = {"problem": "problem", "scenario": "scenario", "optimizer": "method"}
_LAST = "The value at the largest k of each curve; all of them are in the CSV file."
_PRINTED = {
    "verdicts": _Printed(
        "Verdicts of each bound on each run. Tightness: the share of the bound that the run uses.",
        _WHERE | {"number": "bound", "verdict": "verdict", "checks": "checks", "decided": "decided",
                  "tightness_median": "tightness"},
    ),
    "curves": _Printed(
        f"Gaps and bounds. {_LAST}",
        _WHERE | {"quantity": "quantity", "of": "bounds", "statistic": "statistic", "k": "k", "value": "value"}, True,
    ),
    "per_step": _Printed(
        f"Decrease of single steps. {_LAST}",
        _WHERE | {"quantity": "quantity", "statistic": "statistic", "k": "k", "value": "value"}, True,
    ),
    "deviations": _Printed(
        f"Deviation from Assumption 1. {_LAST}",
        _WHERE | {"quantity": "quantity", "statistic": "statistic", "k": "k", "value": "value"}, True,
    ),
    "comparison": _Printed(
        "Relative gap after the last step, and iterations to a tolerance (medians over the instances).",
        _WHERE | {"instances": "instances", "relative_gap_median": "relative gap", "tolerance": "tolerance",
                  "iterations_median": "iterations", "instances_reached": "reached"},
    ),
    "f_star": _Printed(
        "Certified intervals of the optimum, and the lowest relative gap that a method reached.",
        {"problem": "problem", "scenario": "scenario", "instance": "instance", "lower": "lower", "upper": "upper",
         "relative_width": "relative width", "lowest_relative_gap": "lowest gap", "lowest_by": "reached by"},
    ),
    "ledger": _Printed(
        "The catalogue of bounds with the verdicts of this report.",
        {"number": "bound", "title": "title", "level": "about", "proved": "proved", "checks": "checks",
         **{v.replace(" ", "_"): v for v in VERDICTS}},
    ),
    "worst_cases": _Printed(
        "Bounds over exact worst cases; a ratio of 1: attained.",
        {"number": "bound", "question": "question", "steps": "K", "step": "h", "parameter": "parameter",
         "value": "bound", "ratio_low": "ratio", "verdict": "verdict"},
    ),
    "attribution": _Printed(
        f"Shares of the deviation of shifted runs. {_LAST}",
        _WHERE | {"quantity": "quantity", "statistic": "statistic", "k": "k", "value": "value"}, True,
    ),
    "shift_pairs": _Printed(
        f"Start shifted against objective shifted. {_LAST}",
        {"problem": "problem", "optimizer": "method", "tau": "shift", "expected": "expected", "measured": "measured",
         "quantity": "quantity", "k": "k", "value": "value"}, True,
    ),
    "transients": _Printed(
        f"Long runs. {_LAST}",
        _WHERE | {"quantity": "quantity", "statistic": "statistic", "k": "k", "value": "value"}, True,
    ),
    "certificates": _Printed(
        f"The gap that a run certifies of itself, beside the true one. {_LAST}",
        _WHERE | {"quantity": "quantity", "statistic": "statistic", "k": "k", "value": "value"}, True,
    ),
    "next_instance": _Printed(
        "Statements about the next instance, each with its confidence.",
        _WHERE | {"quantity": "statement", "at": "at", "probability_at_least": "probability", "lower": "lower",
                  "upper": "upper"},
    ),
}  # fmt: skip


def tables(results: Results) -> dict[str, bytes]:
    """Every table as a CSV file and as LaTeX, by its name.

    They are verdicts, curves, per_step, deviations, comparison, f_star, ledger, worst_cases, attribution, shift_pairs,
    transients, next_instance and certificates.
    """
    results = printable(results)
    rows_of = {
        "verdicts": (_VERDICT_FIELDS, _verdicts(results)),
        "curves": (_CURVE_FIELDS, _curves(results)),
        "per_step": (_LONG_FIELDS, _per_step(results)),
        "deviations": (_LONG_FIELDS, _deviations(results)),
        "comparison": (_COMPARISON_FIELDS, _comparison(results)),
        "f_star": (_F_STAR_FIELDS, _f_star(results)),
        "ledger": (_LEDGER_FIELDS, _ledger(results)),
        "worst_cases": (_WORST_FIELDS, _worst_cases(results)),
        "attribution": (_LONG_FIELDS, _attribution(results)),
        "shift_pairs": (_PAIR_FIELDS, _shift_pairs(results)),
        "transients": (_LONG_FIELDS, _transients(results)),
        "next_instance": (_NEXT_FIELDS, _next_instance(results)),
        "certificates": (_CERTIFICATE_FIELDS, _certificates(results)),
    }
    made: dict[str, bytes] = {}
    for name, (fields, lines) in rows_of.items():
        rows_here = list(lines)
        made[f"{name}.csv"] = _csv(fields, rows_here)
        made[f"{name}.tex"] = _latex(name, fields, rows_here)
    return made


def _latex(name: str, fields: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    """The columns that a reader looks for, with a caption."""
    printed = _PRINTED[name]
    if printed.last:
        k = fields.index("k")
        of = [i for i, field in enumerate(fields) if field not in ("k", "value")]
        ends: dict[tuple[Any, ...], Sequence[Any]] = {}
        for line in lines:
            key = tuple(line[i] for i in of)
            if key not in ends or (line[k] or 0) >= (ends[key][k] or 0):
                ends[key] = line
        lines = list(ends.values())
    at = [fields.index(field) for field in printed.columns]
    rows_here = [[line[i] for i in at] for line in lines]
    heads, names = list(printed.columns.values()), list(printed.columns)
    return latex_table(heads, rows_here, printed.caption, name.replace("_", "-"), fields=names).encode()


def write_tables(results: Results, folder: str | os.PathLike[str]) -> list[Path]:
    """Write every table to a folder of their own."""
    return [write_bytes(Path(folder) / name, data) for name, data in tables(results).items()]


def _head(run: Results) -> list[Any]:
    return [run["key"], run["problem"], run["scenario"]["key"], run["optimizer"]["name"]]


def _where(scenario: Results) -> list[Any]:
    return [scenario[name] for name in ("key", "data", "s", "t")]


def _verdicts(results: Results) -> Iterator[list[Any]]:
    for run in results["runs"]:
        scenario, optimizer = run["scenario"], run["optimizer"]
        for v in run["verdicts"]:
            yield (
                [run["key"], run["problem"], *_where(scenario), optimizer["name"]]
                + [optimizer["learned"], run["steps"], v["bound"], v["number"], v["level"], v["verdict"], v["checks"]]
                + [v["counts"].get(name, 0) for name in VERDICTS]
                + [decided(v), v.get("form_of") or ""]
                + [v["vacuous_share"], v["tightness_median"], v["tightness_worst"], v["tightness_best"]]
                + [v["worst_slack"], "; ".join(f"{h['name']} {h['share']}" for h in broken(v))]
                + ["; ".join(v["broken_data"]), "; ".join(v["notes"])]
            )


def _long(head: list[Any], quantity: Sequence[Any], k: Sequence[int], data: Results) -> Iterator[list[Any]]:
    for statistic in (s for s in _STATISTICS if s in data):
        yield from ([*head, *quantity, statistic, i, v] for i, v in zip(k, data[statistic]))


def _curves(results: Results) -> Iterator[list[Any]]:
    for run in results["runs"]:
        head = _head(run)
        for quantity, k in (("gap", run["k"]), ("relative_gap", run["k"]), ("mean_gap", run["k"][1:])):
            yield from _long(head, (quantity, "", ""), k, run[quantity])
        for curve in run["bound_curves"]:
            of = (curve["bound"], curve["of"], curve["guaranteed"])
            yield from _long(head, of, curve["k"], {"median": curve["median"]})


def _per_step(results: Results) -> Iterator[list[Any]]:
    for run in (r for r in results["runs"] if r["descent"]):
        head, k, descent = _head(run), run["k"][1:], run["descent"]
        for name in ("measured", "guaranteed"):
            yield from _long(head, (f"{name}_decrease",), k, descent[name])
        yield from _long(head, ("rounding",), k, {"median": descent["rounding"]})
        for name in ("rises", "unguaranteed"):
            yield from ([*head, name, "share", i, v] for i, v in zip(k, descent[name]))


def _deviations(results: Results) -> Iterator[list[Any]]:
    for run in results["runs"]:
        head, k = _head(run), run["k"][1:]
        yield from _long(head, ("rho",), k, run["rho"])
        if run["deviation"]:
            yield from _long(head, ("delta1_max",), k, run["deviation"]["delta1"])
            for reading, data in run["deviation"]["delta2"].items():
                yield from _long(head, (f"delta2_relative:{reading}",), k, data)


def _comparison(results: Results) -> Iterator[list[Any]]:
    for row in rows(results):
        scenario = row.scenario
        for entry in row.entries:
            head = [row.problem_key, *_where(scenario), entry.name, entry.learned]
            head += [row.instances, entry.diverged, row.steps, entry.gap, row.floor]
            for (tolerance, k), reached in zip(entry.reach, entry.reached):
                yield [*head, tolerance, k, reached]


def _f_star(results: Results) -> Iterator[list[Any]]:
    for problem in results["problems"]:
        for optimum in problem["optima"]:
            key = optimum["scenario"]["key"]
            runs = [r for r in results["runs"] if r["problem"] == problem["key"] and r["scenario"]["key"] == key]
            reached = [(run["optimizer"]["name"], lowest_gaps(run, optimum)) for run in runs]
            for index, width in enumerate(relative_widths(optimum)):
                gaps = [(gaps[index], name) for name, gaps in reached if gaps[index] is not None]
                least, name = min(gaps, default=(None, None))
                resolved = None if width is None or least is None else least > width
                ends = [optimum["lower"][index], optimum["upper"][index]]
                yield [problem["key"], key, optimum["scenario"]["data"], index, *ends, width, least, name, resolved]


def _ledger(results: Results) -> Iterator[list[Any]]:
    for row in ledger_rows(results):
        proof = row["proof"] or {}
        yield (
            [row[name] for name in ("key", "number", "title", "level", "kind", "origin", "source", "latex")]
            + [
                "; ".join(h["name"] for h in row["hypotheses"]),
                row["standing"],
                proof.get("valid"),
                proof.get("claims"),
            ]
            + [proof.get("inequalities"), proof.get("reason"), row["checks"]]
            + [row["counts"][name] for name in VERDICTS]
            + [row["unchecked"]]
        )


def _worst_cases(results: Results) -> Iterator[list[Any]]:
    for row in (results["worst_cases"] or {"rows": ()})["rows"]:
        yield [row[name] for name in _WORST_FIELDS]


def _extra_head(entry: Results) -> list[Any]:
    return [entry["key"], entry["problem"], entry["scenario"]["key"], entry["optimizer"]["name"]]


def _attribution(results: Results) -> Iterator[list[Any]]:
    for entry in results["attributions"]:
        head = _extra_head(entry)
        for name, share in entry["overall"].items():
            yield [*head, f"{name}_share", "mean", None, share]
        for name, shares in entry["share"].items():
            yield from ([*head, f"{name}_share", "median", k, v] for k, v in zip(entry["k"], shares))
        yield from ([*head, "resolved", "share", k, v] for k, v in zip(entry["k"], entry["resolved"]))


def _shift_pairs(results: Results) -> Iterator[list[Any]]:
    for pair in results["shift_pairs"]:
        head = [pair["problem"], pair["optimizer"]["name"], pair["tau"], pair["start"], pair["scenario"]["key"]]
        head += [pair["expected"], pair["equivariance"]["verdict"]]
        for name in ("iterates", "gap"):
            yield [*head, f"{name}_worst", None, pair[f"worst_{name}"]]
            yield from ([*head, name, k, v] for k, v in zip(pair["k"], pair[name]))


def _transients(results: Results) -> Iterator[list[Any]]:
    for entry in results["transients"]:
        head = _extra_head(entry)
        yield from _long(head, ("relative_gap",), entry["k"], entry["relative_gap"])
        for instance, (first, floor) in enumerate(zip(entry["first"], entry["floors"]["size"])):
            yield [*head, "first_k_for_good", f"instance {instance}", None, first]
            yield [*head, "floor", f"instance {instance}", entry["steps"], floor]


def _next_instance(results: Results) -> Iterator[list[Any]]:
    """A row for each statement of its own, and for each k of the medians that hold at once."""
    for run in (r for r in results["runs"] if r["next_instance"]["statement"]):
        statement = run["next_instance"]["statement"]
        head = [*_head(run), statement["instances"], 1 - statement["delta"]]
        for entry in statement["within"]:
            counted = [entry["successes"], entry["undecided"], entry["at_least"]]
            yield [*head, "P(relative gap <= at)", entry["tolerance"], *counted, *[None] * 4]
        below = statement["rho_below_1"]
        yield [*head, "P(max rho < at)", 1, below["successes"], 0, below["at_least"], *[None] * 4]
        for name in ("gap", "rho"):
            for entry in statement[name]["quantiles"]:
                ends = [entry["lower"], entry["sample"], entry["upper"], entry["open"]]
                yield [*head, f"{name} quantile", entry["quantile"], *[None] * 3, *ends]
            yield [
                *head,
                f"{name} largest",
                None,
                None,
                None,
                statement["most"],
                None,
                statement[name]["largest"],
                None,
                None,
            ]
        for name, allowed in statement["bounds"].items():
            for statistic in ("median", "largest") if allowed else ():
                yield [*head, f"{name} {statistic}", *[None] * 5, allowed[statistic], None, None]
        over = statement["over_k"]
        for k, low, middle, up in zip(over["k"], over["lower"], over["sample"], over["upper"]):
            yield [*head, "gap median at k, all k at once", k, *[None] * 3, low, middle, up, over["open"]]


def _certificates(results: Results) -> Iterator[list[Any]]:
    """Certified and true gaps over k, and at the last step how often the one is the other."""
    for run in (r for r in results["runs"] if r["certificate"]):
        head, curve = [*_head(run), run["scenario"]["data"]], run["certificate"]
        for name, quantity in (("gap", "certified_gap"), ("best", "true_gap_of_best_point")):
            yield from _long(head, (quantity,), curve["k"], curve[name])
        yield [*head, "certified_over_true", "median", run["steps"], curve["ratio"]]


def _csv(fields: Sequence[str], lines: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(["" if value is None else value for value in line] for line in lines)
    return text.getvalue().encode("utf-8")
