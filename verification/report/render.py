"""The page of the report: one self-contained HTML file, made from the results and nothing else.

Every sentence with a number in it is computed here or in `sentences`, from the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from ..pages import blocks
from ..pages.figure_export import file_bytes
from ..pages.text import DASH, count, join, number, printable
from . import sentences, shift_sentences
from ._answer import answer
from ._catalogue_view import catalogue, looseness
from ._chosen import certificate_panels, first_panels, guarded_pairs
from ._compare import comparisons, rows
from ._first_screen import first_screen
from ._method_words import method, provenance
from ._next_view import figure_words, next_view, shown_next
from ._tables_view import accuracy, certificates, comparison, counted, upcoming
from .figures import figures as draw
from .figures import file_names, shown_attributions, shown_pairs
from .heat_map import KIND_WORDS, by_method, by_run, heat_map
from .tables import numbered, obstacles, remarks
from .worst_cases import grouped, worst_case_words

Results = Mapping[str, Any]
Views = Mapping[str, blocks.Figure]


def render(results: Results) -> tuple[str, dict[str, bytes]]:
    """The page, and the files of its figures by name; equal results give equal bytes."""
    page, drawn, files = _render(results)
    return page, files | {f"{name}.pdf": file_bytes(figure, "pdf") for name, figure in drawn.items()}


def render_html(results: Results) -> str:
    """The page alone."""
    return _render(results)[0]


def _render(results: Results) -> tuple[str, dict[str, Figure], dict[str, bytes]]:
    """The page, its figures by the name of their files, and those of the files that the page shows itself."""
    results = printable(results)
    drawn = draw(results)
    names = file_names(drawn)
    files = {f"{names[key]}.svg": file_bytes(figure, "svg") for key, figure in drawn.items()}
    compared = comparisons(results)
    views = _figure_views(results, drawn, names, files, compared)
    sections = [_first(results, views, compared), _together(results, views, compared)]
    sections += [_problem(results, problem, views, place) for place, problem in enumerate(results["problems"], 1)]
    sections += _long(results, views)
    sections += [_bounds(results, views)]
    sections.append(blocks.Section("method", "Method", "How it is measured", method(), True, "what the words mean"))
    made = results["provenance"]
    sections.append(
        blocks.Section(
            "provenance", "Provenance", "Provenance", provenance(results), True, "command, weights, digests, versions"
        )
    )
    created = made["created"] + (" · quick run: fewer and smaller problems than the full report" * results["quick"])
    page = blocks.page(results["title"], sections, created=created)
    return page, {names[key]: figure for key, figure in drawn.items()}, files


def _first(results: Results, views: Views, compared: Sequence[Results]) -> blocks.Section:
    fastest = views["iterations"].finding if "iterations" in views else None
    words = answer(results, compared, fastest, next_view(results)["headline"])
    columns = by_method(results["runs"])
    return first_screen(words, results["bounds"], columns, views.get("certified"), (KIND_WORDS,))


def _together(results: Results, views: Views, compared: Sequence[Results]) -> blocks.Section:
    """What is said of all problems at once."""
    overall = [views[key] for key in ("final-gaps", "iterations") if key in views]
    accurate = [views["f-star"], *accuracy(results)] if "f-star" in views else [blocks.Text("Nothing was run.")]
    parts: list[blocks.Block] = [
        blocks.Part("comparison", "Comparison", "Learned against classical methods", [*overall, *comparison(compared)]),
        blocks.Part("optimum", "F*", "How accurately F* is known", accurate),
        blocks.Part(
            "next", "Next instance", "What can be expected of the next instance?",
            upcoming(results, views.get("next-instance")),
        ),
        blocks.Part("counts", "Counts", "The checks of each bound", counted(results)),
    ]  # fmt: skip
    summary = "learned against classical methods, F*, the next instance, checks of each bound"
    return blocks.Section("together", "All problems", "All problems together", parts, True, summary)


_KINDS = (
    ("gaps", "Gaps", "How fast each method is", ("convergence", "certificates", "guarded")),
    ("bounded", "Bounds", "Learned methods under their bounds", ("bounds",)),
    ("steps", "Steps", "Each step of the learned methods", ("per-step", "deviation")),
    ("shifted", "Shifts", "What a shift changes", ("attribution", "shifts")),
)


def _problem(results: Results, problem: Results, views: Views, place: int) -> blocks.Section:
    """All that is said of one problem."""
    key, name = problem["key"], f"problem-{place}"
    runs = [run for run in results["runs"] if run["problem"] == key]
    parts: list[blocks.Block] = [blocks.Notes(_described(problem)), blocks.Notes(_f_star_words(problem["optima"]))]
    parts += [blocks.Text(f"Left out: {text}.", strong=True) for text in problem["left_out"]]
    messages = list(dict.fromkeys(text for o in problem["optima"] for text in o["messages"]))
    if messages:
        parts.append(blocks.Folded("Messages of the solvers", (blocks.Sentences(messages, bullets=True),)))
    for kind, link, heading, kinds in _KINDS:
        inside: list[blocks.Block] = [
            view for figure, view in views.items() if figure.split("/")[0] in kinds and figure.split("/")[1:2] == [key]
        ]
        if kind == "gaps":
            inside += certificates(runs, f"Run certificates on {problem['title']}")
        if inside:
            parts.append(blocks.Part(f"{name}-{kind}", link, heading, inside))
    parts.append(blocks.Part(f"{name}-verdicts", "Verdicts", "Verdicts", _verdicts(results, problem, runs)))
    return blocks.Section(name, key, problem["title"], parts, True, _summary(runs))


def _summary(runs: Sequence[Results]) -> str:
    """What the folded heading of a problem says."""
    if not runs:
        return "no run"
    violated = sum(v["counts"].get("violated", 0) for run in runs for v in run["verdicts"])
    kinds = join(list(dict.fromkeys(run["scenario"]["data"] for run in runs)))
    words = f"{count(violated, 'check')} violated" if violated else "no bound violated"
    return f"{count(len(runs), 'run')}, {kinds}; {words}"


def _described(problem: Results) -> str:
    def spread(values: Results) -> str:
        if values["min"] == values["max"]:
            return number(values["median"])
        return f"{number(values['median'])} (median; {number(values['min'])} to {number(values['max'])})"

    lam = f", λ = {spread(problem['lam'])}" if problem["lam"] else ""
    return (
        f"{count(problem['instances'], 'instance')}, {count(problem['rows'], 'row')}, dimension "
        f"{number(problem['dim'])}{lam}; smoothness L {spread(problem['smoothness'])}."
    )


def _verdicts(results: Results, problem: Results, runs: Sequence[Results]) -> list[blocks.Block]:
    if not runs:
        return [blocks.Text("No run on this problem.")]
    parts: list[blocks.Block] = [heat_map(results["bounds"], by_run(runs), f"Verdicts on {problem['title']}")]
    return parts + explained(results, problem["key"])


def explained(results: Results, problem: str) -> list[blocks.Block]:
    """Data that contradict themselves, why bounds do not apply, and notes on the checks."""
    parts: list[blocks.Block] = []
    if broken := remarks(results, problem, "broken_data"):
        parts.append(blocks.Text("The recorded data contradict themselves. It is not true that:", strong=True))
        parts.append(blocks.Sentences([f"{e['text']} ({join(e['runs'])})" for e in broken], bullets=True))
    if why := obstacles(results, problem):
        lines = [
            f"{e['number']} needs {e['hypothesis']['name']}, {e['hypothesis']['required']}: {join(e['runs'])}"
            for e in why
        ]
        parts.append(blocks.Folded("Why bounds do not apply", (blocks.Sentences(lines, bullets=True),)))
    if notes := remarks(results, problem, "notes"):
        lines = [f"{join(e['bounds'])}: {e['text']} ({join(e['runs'])})" for e in notes]
        parts.append(blocks.Folded("Notes on the checks", (blocks.Sentences(lines, bullets=True),)))
    return parts


def _long(results: Results, views: Views) -> list[blocks.Section]:
    """The section of long runs, where there are some."""
    drawn: list[blocks.Block] = [view for key, view in views.items() if key.startswith("transient/")]
    if not drawn:
        return []
    heading = "How many steps a shift costs"
    return [blocks.Section("transients", "Long runs", heading, drawn, True, "long runs after a shift")]


def _bounds(results: Results, views: Views) -> blocks.Section:
    """The catalogue."""
    parts: list[blocks.Block] = [blocks.Part("bounds", "Catalogue", "The catalogue of bounds", catalogue(results))]
    if grouped(results):
        loose = looseness(results, views.get("worst-cases"))
        parts.append(blocks.Part("looseness", "Looseness", "How loose each bound is", loose))
    summary = "statements, proofs, how loose each bound is"
    return blocks.Section("catalogue", "Bounds", "The bounds", parts, True, summary)


def _figure_views(
    results: Results,
    drawn: Mapping[str, Figure],
    names: Mapping[str, str],
    files: Mapping[str, bytes],
    compared: Sequence[Results],
) -> dict[str, blocks.Figure]:
    """Each figure with its title, its sentence, its notes and its files."""
    numbers = numbered(results)
    problems = {problem["key"]: problem for problem in results["problems"]}
    table = rows(results)
    views = {}
    for index, key in enumerate(drawn, 1):
        kind, _, rest = key.partition("/")
        where, _, name = rest.partition("/")
        runs = [r for r in results["runs"] if r["problem"] == where and name in ("", r["optimizer"]["name"])]
        compared_here = [c for c in compared if c["problem"]["key"] == where]
        if kind == "worst-cases":
            title, words, notes = "Bound over exact worst case", worst_case_words(results), list(_LOOSENESS_NOTES)
        elif kind == "next-instance":
            title, words, notes = figure_words(shown_next(results))
        elif kind in ("certified", "certificates", "guarded"):
            title, words, notes = _certificate_words(results, kind, problems.get(where), runs, numbers)
        elif kind in ("attribution", "shifts", "transient"):
            title, words, notes = _shift_words(results, kind, where, name)
        else:
            title, words, notes = _words(kind, problems.get(where), runs, compared_here, table, numbers)
        views[key] = blocks.Figure(
            drawn[key], f"f{index}", title, f"{title}. {words}", " ".join(notes), words,
            [f"figures/{names[key]}.{kind}" for kind in ("svg", "pdf")], files[f"{names[key]}.svg"],
        )  # fmt: skip
    return views


def _words(
    kind: str,
    problem: Results | None,
    runs: Sequence[Results],
    compared: Sequence[Results],
    table: Sequence[Any],
    numbers: Mapping[str, str],
) -> tuple[str, str, list[str]]:
    """Title, sentence and notes of a figure."""
    if problem is None:
        title, words_of, notes_of_table = {
            "final-gaps": ("Relative gap after the last step", sentences.final_gaps, _GAP_NOTES),
            "iterations": ("Iterations to a relative gap", sentences.iterations, _ITERATION_NOTES),
            "f-star": ("How accurately F* is known, and the lowest gap reached", sentences.f_star, _F_STAR_NOTES),
        }[kind]
        return title, words_of(table), list(notes_of_table)
    label = runs[0]["optimizer"]["label"]
    bands = sentences.quantiles(problem)
    stepping = [run for run in runs if run["descent"]]
    if kind == "convergence":
        notes = [*sentences.floor(runs), *sentences.diverged(runs), *bands]
        return f"Convergence on {problem['title']}", sentences.convergence(runs, compared), notes
    if kind == "bounds":
        title = f"Bounds over the run of {label} on {problem['title']}"
        return (
            title,
            sentences.bounds(runs, numbers),
            [*sentences.dashed(runs, numbers), *sentences.diverged(runs), *bands],
        )
    if kind == "per-step":
        title = f"Each step of {label} on {problem['title']}"
        notes = [*_STEP_NOTES, *sentences.unresolved(stepping), *sentences.diverged(stepping), *bands]
        return title, sentences.per_step(stepping), notes
    deltas = _DELTA_NOTES if any(run["deviation"] for run in runs) else ()
    notes = [*deltas, *sentences.ideal(runs), *sentences.diverged(runs), *bands]
    words = "Deviation from Assumption 1" if deltas else "Deviation from the ideal step"
    return f"{words} on {problem['title']}", sentences.deviation(runs), notes


def _certificate_words(
    results: Results, kind: str, problem: Results | None, runs: Sequence[Results], numbers: Mapping[str, str]
) -> tuple[str, str, list[str]]:
    """Title, sentence and notes of a figure with certificates or guards."""
    if problem is None:
        panels = first_panels(results)
        run = panels[0][0][1]
        title = f"Gaps, measured and certified, on {run['problem']}"
        note = sentences.quantiles(next(p for p in results["problems"] if p["key"] == run["problem"]))
        return title, sentences.certified([run for _, run in panels[0]], numbers), note
    on, bands = f"on {problem['title']}", sentences.quantiles(problem)
    if kind == "certificates":
        chosen = [run for row in certificate_panels(runs) for _, run in row]
        return f"What each run certifies of itself {on}", sentences.certified(chosen, numbers), [*_B15_NOTES, *bands]
    pairs = [(base, guarded) for (_, base), (_, guarded) in guarded_pairs(runs)]
    return f"Learned methods with and without a guard {on}", sentences.guarded(pairs), [*_GUARD_NOTES, *bands]


def _shift_words(results: Results, kind: str, where: str, name: str) -> tuple[str, str, list[str]]:
    """Title, sentence and notes of a figure about shifts."""
    if kind == "transient":
        entries = [entry for entry in results["transients"] if entry["problem"] == where]
        title = f"How many steps a shift costs, {entries[0]['title']}"
        notes = [*shift_sentences.transient_notes(entries), *sentences.quantiles(entries[0])]
        return title, shift_sentences.transients(entries), notes
    on = next(problem["title"] for problem in results["problems"] if problem["key"] == where)
    if kind == "shifts":
        pairs = shown_pairs(results, where)
        return f"Start or objective shifted on {on}", shift_sentences.shift_pairs(pairs), [*shift_sentences.PAIR_NOTES]
    entries = [e for e in shown_attributions(results, where) if e["optimizer"]["name"] == name]
    title = f"Where the deviation of {entries[0]['optimizer']['label']} comes from on {on}"
    return title, shift_sentences.attribution(entries), shift_sentences.attribution_notes(entries)


_GAP_NOTES = ("Medians over the instances. Grey: below the median width of the certified interval of F*.",)
_ITERATION_NOTES = (
    "The first k with F(x_k) certainly within the tolerance of F*, the median over the instances; an instance that "
    "never gets there counts as infinite.",
)
_F_STAR_NOTES = (
    "Grey bar: the relative widths of the certified intervals, from the narrowest to the widest instance, with the "
    "median. Markers: the median of each instance's lowest gap; hollow where it is not above the width.",
)
_STEP_NOTES = (
    "B1: F(x_k) - F(x_(k-1)) ≤ -‖G‖²/(2L) + (L/2)‖e‖². Top: the decrease and what B1 guarantees of it; a decrease "
    "below 0 has no place on the logarithmic axis and is counted in the middle.",
)
_B15_NOTES = (
    "The certificate (B15) uses points, values and gradients of the run alone; it is of the best point so far.",
)
_GUARD_NOTES = (
    "The guard makes accelerated steps beside the learned method and keeps the better point; its bound B16 holds "
    "whatever the network does.",
)
_LOOSENESS_NOTES = (
    "1: the bound is attained. Line: the largest step size h; band: over all h. A label with + n stands for n more "
    "forms or bounds on the same line; r = 0: over smooth functions. B8 is taken at the Δ of the worst-case run.",
)
_DELTA_NOTES = (
    "Reading gradient_descent of Assumption 1: δ1 = 2Lp - 1, δ2 = 2Lb - G; both are 0 for a perfectly trained model. "
    "Dotted, where apart: δ2 = 2Lb of the reading half_step, with the same δ1. ρ = L‖e‖/‖G‖ ≤ (‖δ1‖∞ + ‖δ2‖/‖G‖)/2.",
)


def _f_star_words(optima: Sequence[Results]) -> str:
    pairs = [pair for optimum in optima for pair in zip(optimum["lower"], optimum["upper"])]
    widths = sorted(high - low for low, high in pairs if None not in (low, high))
    if not widths:
        return "No instance has a certified interval of F*, so no gap is known."
    words = []
    for field in ("solvers", "certificates"):
        names: dict[str, int] = {}
        for optimum in optima:
            for name, amount in optimum[field].items():
                names[name] = names.get(name, 0) + amount
        words.append(join([f"{name} ({number(amount)})" for name, amount in names.items()]) or DASH)
    return (
        f"F* is certified to an interval for {number(len(widths))} of {count(len(pairs), 'instance')} (all scenarios), "
        f"of width {number(widths[len(widths) // 2])} in the median and {number(widths[-1])} at most. "
        f"Solver: {words[0]}. Certificate: {words[1]}."
    )
