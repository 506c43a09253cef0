"""Whether a speed-up holds across scales and against more baselines: `verification.studies.speedup`, in brief."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from ...pages.figure_style import GRID, INK, MUTED, legend_in, method_looks, plain, size, style
from ...pages.text import count, join, number
from ..speedup.run import BEST, ITERATIONS
from ..speedup.timing import LATENCY

Results = Mapping[str, Any]
FAMILIES = {"lasso": "LASSO", "logistic_l1": "l1-logistic", "quadratic": "quadratic"}
LEARNED, MATCHED = "go-math-l2o", "go-math-l2o-matched"
_LEAST, _MOST = 0.05, 100.0


def across_scales(results: Results, learned: str = LEARNED) -> Figure:
    """Median factors in iterations of `learned` over each baseline against the number of variables, by family."""
    baselines = [b for b in (*results["config"]["paper"], *results["config"]["stronger"]) if b != learned]
    with style():
        drawn = Figure(figsize=size(3, 3.0), layout="constrained")
        looks = list(method_looks(baselines).values())
        panels = drawn.subplots(1, len(FAMILIES), sharey=True)
        for axes, (family, name) in zip(panels, FAMILIES.items()):
            axes.axhline(1, color=MUTED, linewidth=0.8)
            axes.axhline(results["claim"], color=INK, linewidth=0.9, linestyle="--")
            for j, baseline in enumerate(baselines):
                _line(axes, results, learned, family, baseline, looks[j]["color"], looks[j]["marker"], j)
            axes.set(xscale="log", yscale="log", ylim=(_LEAST, _MOST), xlabel="variables n")
            sizes = sorted({s["cell"]["dim"] for s in results["settings"] if s["vary"] == family})
            axes.set_xticks(sizes, [str(n) for n in sizes])
            axes.minorticks_off()
            axes.set_title(plain(name), color=INK)
            axes.grid(color=GRID)
        panels[0].set_ylabel("times fewer iterations")
        handles = [
            panels[0].plot([], [], color=look["color"], marker=look["marker"], markersize=4, linewidth=1.1)[0]
            for look in looks
        ]
        drawn.suptitle(plain(results["labels"].get(learned, learned)), fontsize="medium")
        labels = [plain(results["labels"][b]) for b in baselines]
        legend_in(drawn, handles, labels, len(labels), loc="outside lower center")
    return drawn


def _line(
    axes: Any, results: Results, learned: str, family: str, baseline: str, colour: str, marker: str, place: int
) -> None:
    """Medians with intervals; what is known from one side has its end at the edge of the panel."""
    rows = [(size, row) for size, row in _rows(results, family, baseline, learned)]
    if not rows:
        return
    x = [size * 1.04 ** (place - 2) for size, _ in rows]
    low = [max(r["median_low"], _LEAST) for _, r in rows]
    axes.plot(x, low, color=colour, marker=marker, markersize=4, linewidth=1.1)
    for at, (_, row) in zip(x, rows):
        upper = _MOST if row["upper"] is None else min(row["upper"], _MOST)
        axes.plot([at, at], [max(row["lower"], _LEAST), max(upper, _LEAST)], color=colour, linewidth=0.9)
        if row["median_high"] is None:
            axes.plot([at], [_MOST * 0.9], marker="^", color=colour, markersize=4, clip_on=False)


def _rows(results: Results, family: str, baseline: str, learned: str = LEARNED) -> list[tuple[int, Results]]:
    """(n, comparison) of a family, by n, at the gap that is shown."""
    settings = {s["key"]: s for s in results["settings"] if s["vary"] == family}
    rows = [
        (settings[r["setting"]]["cell"]["dim"], r)
        for r in results["comparisons"]
        if r["setting"] in settings
        and (r["learned"], r["baseline"], r["measure"], r["eps"])
        == (learned, baseline, ITERATIONS, results["config"]["shown"])
    ]
    return sorted(rows, key=lambda pair: pair[0])


def scale_sentences(results: Results) -> list[str]:
    """Whether the claimed factor holds at any scale, and how the factors go with the number of variables."""
    compared = [r for r in results["comparisons"] if r["learned"] == LEARNED and r["measure"] in (ITERATIONS, LATENCY)]
    sentences = [_counted(results, compared)]
    pairs = [(LEARNED, b) for b in ("ista", "fista", "l2o-pa", BEST)]
    if MATCHED in results["config"]["learned"]:
        pairs += [(MATCHED, b) for b in ("fista", "fista-restart", "l2o-pa")]
    for learned, baseline in pairs:
        words = []
        for family, name in FAMILIES.items():
            rows = _rows(results, family, baseline, learned)
            if len(rows) > 1:
                (first, a), (last, b) = rows[0], rows[-1]
                words.append(f"{name} {_median(a)} at n = {first}, {_median(b)} at n = {last}")
        if words:
            label = results["labels"].get(baseline, f"the {baseline}")
            gap = number(results["config"]["shown"])
            head = "" if learned == LEARNED else f"{results['labels'][learned]}: "
            words_of_gap = f"times fewer iterations than {label}, to a relative gap of {gap}: {'; '.join(words)}."
            sentences.append(head + (words_of_gap if head else words_of_gap[0].upper() + words_of_gap[1:]))
    return sentences


def baseline_sentences(results: Results) -> list[str]:
    """In how many settings each baseline needs more, or fewer, iterations and time than GO-Math-L2O."""
    compared = [r for r in results["comparisons"] if r["learned"] == LEARNED and r["measure"] in (ITERATIONS, LATENCY)]
    sentences = [_counted(results, compared)]
    for group, word in (("paper", "Learned optimizers and the paper's baselines"), ("stronger", "Stronger ones")):
        words = []
        for baseline in results["config"][group]:
            rows = [r for r in compared if r["baseline"] == baseline and r["eps"] == results["config"]["shown"]]
            counts = [_ahead([r for r in rows if r["measure"] == measure]) for measure in (ITERATIONS, LATENCY)]
            if rows:
                words.append(f"{results['labels'][baseline]} in {counts[0]} (in time: {counts[1]})")
        if words:
            gap = number(results["config"]["shown"])
            sentences.append(f"{word}, to a relative gap of {gap}: GO-Math-L2O is clearly ahead of {join(words, 12)}.")
    return sentences


def _ahead(rows: Sequence[Results]) -> str:
    """Settings in which the interval of the factor is above 1, of all."""
    return f"{sum(r['lower'] > 1 for r in rows)} of {len(rows)} settings"


def _counted(results: Results, rows: Sequence[Results]) -> str:
    verdicts = {v: sum(r["verdict"] == v for r in rows) for v in ("HOLDS", "FAILS", "OPEN")}
    held = list(
        dict.fromkeys(results["labels"].get(r["baseline"], r["baseline"]) for r in rows if r["verdict"] == "HOLDS")
    )
    where = f" (against {join(held)})" if held else ""
    return (
        f"{number(results['claim'])} times, in iterations or in time for one instance: HOLDS in {verdicts['HOLDS']} of "
        f"{count(len(rows), 'comparison')}{where}; FAILS in {verdicts['FAILS']}, OPEN in {verdicts['OPEN']}."
    )


def _median(row: Results) -> str:
    low, high = row["median_low"], row["median_high"]
    return (
        f"×{number(low)}" if low == high else f"at least ×{number(low)}" if high is None else f"at most ×{number(high)}"
    )
