"""The page, figures and tables of a report of given runs, made of its results and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from ..optima import GIVEN as GIVEN_LOWER
from ..pages import blocks, csv_table, figure_files
from ..pages.figure_style import line_styles, style
from ..pages.latex import latex_rows
from ..pages.text import DASH, count, join, number, printable
from ._answer import answer
from ._first_screen import first_screen
from ._method_words import method
from ._tables_view import certificates, counted
from .figures import certified, convergence, file_names, gap_bounds
from .heat_map import Column
from .own_runs import PROBLEM
from .render import explained
from .tables import VERDICTS, numbered

Results = Mapping[str, Any]
_PANELS = 3
"""Runs in the figure of the first screen, at most."""
_PRINTED = ("run", "number", "level", "verdict", "checks", "tightness_median", "worst_slack", "broken_hypotheses")
"""Columns of the verdicts as LaTeX; the CSV has all."""


def files(results: Results) -> dict[str, bytes]:
    """The page, tables and figures by their names in the folder."""
    figures = _figures(results)
    made = {
        "tables/verdicts.csv": csv_table(printable(_verdict_rows(results))).encode(),
        "tables/curves.csv": csv_table(printable(_curve_rows(results))).encode(),
    }
    made["tables/verdicts.tex"] = latex_rows(
        printable(_verdict_rows(results)), "Verdicts of each bound on each run.", "verdicts", columns=_PRINTED
    ).encode()
    made["tables/curves.tex"] = latex_rows(
        printable(_ends(results)), "Gaps and bounds at the last step.", "curves"
    ).encode()
    for key, name in file_names(figures).items():
        made |= {f"figures/{file}": data for file, data in figure_files(figures[key], name).items()}
    # the page draws figures of its own: one that has been saved is laid out anew, and slightly otherwise
    return made | {"report.html": render_runs(results).encode("utf-8")}


def _figures(results: Results) -> dict[str, Figure]:
    """ "convergence" of all runs, and "bounds/NAME" of each that has bounds on its gap."""
    runs = results["runs"]
    looks = line_styles({"runs": runs, "transients": ()})
    titled = [{**run, "scenario": {**run["scenario"], "label": _on(results)}} for run in runs]
    with style():
        drawn = {"convergence": convergence(titled, looks)}
        for run in (r for r in titled if r["bound_curves"]):
            drawn[f"bounds/{run['key']}"] = gap_bounds([run], looks, results["bounds"])
    return drawn


def _on(results: Results) -> str:
    problem = results["problem"]
    return f"{problem['name']}, n = {problem['dim']}"


def _verdict_rows(results: Results) -> list[dict[str, Any]]:
    return [
        {
            "run": run["key"], "bound": v["bound"], "number": v["number"], "level": v["level"], "verdict": v["verdict"],
            "checks": v["checks"], **{name.replace(" ", "_"): v["counts"].get(name, 0) for name in VERDICTS},
            "form_of": v["form_of"], "vacuous_share": v["vacuous_share"], "tightness_median": v["tightness_median"],
            "worst_slack": v["worst_slack"],
            "broken_hypotheses": [f"{h['name']} {h['share']}" for h in v["hypotheses"] if h["share"] < 1],
            "broken_data": v["broken_data"], "notes": v["notes"],
        }
        for run in results["runs"] for v in run["verdicts"]
    ]  # fmt: skip


def _curve_rows(results: Results) -> list[dict[str, Any]]:
    """A line for each number of each curve: gaps, relative gaps, rho and the right-hand sides of bounds."""
    rows: list[dict[str, Any]] = []
    for run in results["runs"]:
        curves = [(name, name, run["k"], run[name]) for name in ("gap", "relative_gap")]
        curves.append(("rho", "rho", run["k"][1:], run["rho"]))
        curves += [(c["bound"], c["of"], c["k"], {"median": c["median"]}) for c in run["bound_curves"]]
        for quantity, of, k, bands in curves:
            for statistic, values in bands.items():
                rows += [
                    {"run": run["key"], "quantity": quantity, "of": of, "statistic": statistic, "k": i, "value": value}
                    for i, value in zip(k, values)
                ]
    return rows


def _ends(results: Results) -> list[dict[str, Any]]:
    """Of each curve the row with the largest k, which is its last."""
    ends = {tuple(row[n] for n in ("run", "quantity", "of", "statistic")): row for row in _curve_rows(results)}
    return list(ends.values())


# --- the page --------------------------------------------------------------------------------------------------------


def render_runs(results: Results) -> str:
    """The page of results, and of nothing else; equal results give equal bytes."""
    results = printable(results)
    sections = [
        _first(results),
        blocks.Section("gaps", "Gaps and bounds", "How far each run is from the optimum", _gap_blocks(results), True),
        blocks.Section("verdicts", "Verdicts", "Which bounds hold", _verdict_blocks(results), True),
        blocks.Section("optimum", "F*", "How accurately F* is known", _optimum_blocks(results), True),
        blocks.Section("method", "Method", "How it is measured", method(), True),
        blocks.Section("provenance", "Provenance", "Provenance", _provenance_blocks(results), True),
    ]
    return blocks.page(results["title"], sections, created=results["provenance"]["created"])


def _first(results: Results) -> blocks.Section:
    runs = results["runs"]
    words = answer(results)
    words["sentences"] = [*_answer(results), *words["sentences"]]
    panels = [[(run["key"], run)] for run in runs[:_PANELS]]
    figure = None
    if panels:
        with style():
            looks = line_styles({"runs": runs, "transients": ()})
            drawn = certified(panels, looks, numbered(results), narrow=True)
        note = _band([run for ((_, run),) in panels])
        if len(runs) > _PANELS:
            note += f" The first {_PANELS} of {number(len(runs))} runs."
        ends = " ".join(_end(run) for ((_, run),) in panels)
        figure = blocks.Figure(drawn, "f0", "Gaps, measured and certified", ends, note, ends)
    columns = [Column("runs", run["key"], run["key"], [run]) for run in runs]
    return first_screen(words, results["bounds"], columns if _judged(results) else [], figure)


def _judged(results: Results) -> bool:
    return any(run["verdicts"] for run in results["runs"])


def _answer(results: Results) -> list[str]:
    runs = results["runs"]
    sentences = [f"The runs are on {_on(results)}."]
    if trusted := _trusted(results):
        sentences.append(f"{trusted}: nothing proves it, and what is verified on them rests on it.")
    logs = [run for run in runs if "below" in run]
    if logs:
        names = join([run["key"] for run in logs])
        sentences.append(
            f"Of {names} only objectives are given. No bound can be judged from objectives alone: each needs e_k, G_k "
            "or distances, and so the iterates. Their gaps, and iterations to a gap, can be told."
        )
    floor = "the lower end of F*" if _trusted(results) else "the certified F*"
    sentences += [
        f"{run['key']} has objectives below {floor}, by up to {number(run['below'])}: the log is rounded, or "
        f"is of another problem{', or the lower end that was given is wrong' if _trusted(results) else ''}."
        for run in logs
        if run["below"] > 0
    ]
    return sentences


def _trusted(results: Results) -> str:
    """On how many instances the user gave the lower end of F*, in words; nothing where on none."""
    given, instances = results["problem"]["certificates"].get(GIVEN_LOWER, 0), results["problem"]["instances"]
    return f"The lower end of F* is as given on {number(given)} of {count(instances, 'instance')}" if given else ""


def _end(run: Results) -> str:
    """Where a run ends, and what the best guaranteed bound on its last gap allows."""
    last = run["gap"]["median"][-1] if run["gap"]["median"] else None
    if last is None:
        return f"{run['key']}: every instance diverged, and nothing is bounded."
    floor = run["floor"] or 0.0
    size = f"at most {number(floor)}, to within which F* is known" if last <= floor else number(last)
    words = f"{run['key']} ends at a gap of {size} after {count(run['steps'], 'step')} (median)"
    if run["diverged"]:
        words += f", without {count(run['diverged'], 'instance')} that diverged"
    if "below" in run:
        return f"{words}."
    numbers = {v["bound"]: v["number"] for v in run["verdicts"]}
    allowed = [
        (curve["median"][-1], numbers[curve["bound"]])
        for curve in run["bound_curves"]
        if curve["guaranteed"] and not curve["of"].startswith("mean") and curve["median"][-1] is not None
    ]
    if not allowed:
        return f"{words}; no bound on its last gap is guaranteed."
    value, name = min(allowed)
    return f"{words}; {name} allows {number(value)}."


def _gap_blocks(results: Results) -> list[blocks.Block]:
    figures = _figures(results)
    runs = results["runs"]
    first = blocks.Figure(
        figures.pop("convergence"), "f1", "F(x_k) - F* of every run", " ".join(_end(run) for run in runs), _band(runs)
    )
    parts: list[blocks.Block] = [first]
    by_key = {run["key"]: run for run in runs}
    for place, (key, figure) in enumerate(figures.items(), 2):
        run = by_key[key.partition("/")[2]]
        unproved = [c["bound"] for c in run["bound_curves"] if not c["guaranteed"]]
        numbers = {v["bound"]: v["number"] for v in run["verdicts"]}
        notes = _band([run])
        if unproved:
            notes += f" Grey, without guarantee since a hypothesis is broken: {join([numbers[b] for b in unproved])}."
        parts.append(blocks.Figure(figure, f"f{place}", f"{run['key']} under its bounds", _end(run), notes))
    heads = [f"Iterations to a relative gap of {number(r['tolerance'])}" for r in runs[0]["reach"]]
    rows = [
        [run["key"], run["steps"], *(_reached(entry, run["instances"]) for entry in run["reach"]), _rho(run)]
        for run in runs
    ]
    parts.append(blocks.Table("Iterations", ["Run", "Steps", *heads, "Median ρ over the steps"], rows))
    parts.append(
        blocks.Notes(
            "Iterations: the first k with F(x_k) certainly within the tolerance of F*, the median over the instances, "
            "and how many get there; relative to |F*|. ρ = L‖e‖/‖G‖: 0 is an exact proximal gradient step of size 1/L."
        )
    )
    return parts


def _band(runs: Sequence[Results]) -> str:
    seeds = max(run["seeds"] for run in runs)
    if max(run["instances"] for run in runs) == 1:
        return "One instance: there are no bands."
    over = "the instances" if seeds == 1 else "the instances of all runs of a name"
    return (
        f"Lines: medians over {over}, of gaps and of bounds alike. Bands: gaps from the least to the greatest. A bound "
        "holds on each instance by itself, so a band may rise above the median of a bound."
    )


def _reached(entry: Results, instances: int) -> str:
    middle = DASH if entry["median"] is None else number(entry["median"])
    return f"{middle} ({number(entry['reached'])} of {number(instances)})"


def _rho(run: Results) -> float | None:
    values = sorted(v for v in run["rho"]["median"] if v is not None)
    return values[len(values) // 2] if values else None


def _verdict_blocks(results: Results) -> list[blocks.Block]:
    runs = results["runs"]
    if not _judged(results):
        return [blocks.Text("No bound was judged.")]
    parts: list[blocks.Block] = [*counted(results), *explained(results, PROBLEM)]
    return [*certificates(runs, "Run certificates"), *parts]


def _optimum_blocks(results: Results) -> list[blocks.Block]:
    problem = results["problem"]
    widths = sorted(high - low for low, high in zip(problem["lower"], problem["upper"]) if None not in (low, high))
    made = [
        join([f"{name} ({number(n)})" for name, n in problem[field].items()]) for field in ("solvers", "certificates")
    ]
    how = "known" if _trusted(results) else "certified"
    if widths:
        text = (
            f"F* is {how} to an interval for {number(len(widths))} of {count(problem['instances'], 'instance')}, "
            f"of width {number(widths[len(widths) // 2])} in the median and {number(widths[-1])} at most."
        )
    else:
        text = "No instance has a certified interval of F*: gaps are to the best point found."
    if trusted := _trusted(results):
        text = f"{text} {trusted}."
    parts: list[blocks.Block] = [blocks.Text(f"{text} Solver: {made[0]}. Certificate: {made[1]}.")]
    if problem["messages"]:
        parts.append(blocks.Folded("Messages of the solvers", (blocks.Sentences(problem["messages"], bullets=True),)))
    return parts


def _provenance_blocks(results: Results) -> list[blocks.Block]:
    made, problem = results["provenance"], results["problem"]
    rows = [
        ["Made with", made["command"]],
        ["Reference step h", str(made["reference_step"])],
        ["Data (SHA-256)", problem["fingerprint"]],
        ["Sources (SHA-256)", made["code_digest"]],
        *([name, version] for name, version in made["versions"].items()),
        *([name, str(value)] for name, value in made["machine"].items()),
        ["Seconds", str(made["seconds"])],
    ]
    runs = [[r["key"], r["made_by"], r["precision"], r["seeds"], r["instances"], r["steps"]] for r in results["runs"]]
    return [
        blocks.Table("Runs", ["Run", "Recorded as", "Precision", "Runs", "Instances", "Steps"], runs),
        blocks.Folded("Versions, machine and digests", (blocks.Table("Provenance", ["Of", "Value"], rows),)),
    ]
