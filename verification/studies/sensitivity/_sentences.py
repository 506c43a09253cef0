"""What the numbers say, in plain words, and how far each statement goes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pages.text import count, join, number
from ..framework import Brief
from ._checkpoints import Checkpoint
from ._correlation import Correlation
from ._run import Sensitivity


def _factor(value: float | None) -> str:
    return "no number" if value is None else f"×{value:.3g}"


def costs(result: Sensitivity) -> list[str]:
    """A sentence for each deviation: the guarantee, the exact worst case, the runs."""
    sentences = []
    for row in result.costs:
        rho = row["rho"]
        if rho == 0:
            continue
        members = [c for c in result.cells if c.nominal == rho]
        reached = [c for c in members if c.factor_worst is not None]
        measured = "no run has this deviation"
        if members:
            not_there = sum(v is None for c in members for v in c.iterations)
            runs = sum(len(c.iterations) for c in members)
            measured = f"{count(not_there, 'run')} of {runs} not converged within {result.settings.horizon} steps"
            if reached:
                worst = max(reached, key=lambda c: c.factor_worst or 0.0)
                best = min(c.factor_median for c in reached if c.factor_median is not None)
                measured = (
                    f"from {_factor(best)} (median of the best cell) to {_factor(worst.factor_worst)} (worst run, "
                    f"{worst.pattern} on {worst.family}, s = {worst.shift:g}); {measured}"
                )
        sentences.append(
            f"rho = {rho:g}: the guarantee B8 grows by {_factor(row['guarantee_factor'])}; the exact worst case after "
            f"{result.settings.steps} steps by {_factor(row['smooth']['ratio'])} where r = 0 and by "
            f"{_factor(row['composite']['ratio'])} with any r; iterations measured: {measured}."
        )
    return sentences


def caution(result: Sensitivity) -> list[str]:
    """What the factor of B8 is not."""
    worse = [r for r in result.costs if r["rho"] > 0 and (r["composite"]["ratio"] or 0) > r["guarantee_factor"]]
    members = [
        (c, c.own / base.exact)
        for c in result.cells
        for base in result.select(family=c.family, shift=c.shift, pattern=c.pattern, size=0.0)
        if c.own and base.exact and c.pattern == "short-step" and c.size == 0.5
    ]
    lines = []
    if worse:
        where = join([format(r["rho"], "g") for r in worse], 9)
        lines.append(
            "The factor of B8 is the ratio of two upper bounds, of which the second is loose at rho = 0. It is the "
            "factor of the guarantee, and no bound on what iterations cost. At rho = "
            f"{where} the exact worst case with any r grows by a larger factor."
        )
    if members:
        cell, ratio = max(members, key=lambda pair: pair[1])
        lines.append(
            f"This needs no unusual instance: steps of (1 - {cell.size:g})/L alone have an exact worst case "
            f"{_factor(ratio)} that of steps 1/L."
        )
    return lines


def regions(result: Sensitivity) -> list[str]:
    """Where each guarantee ends, and where runs diverge."""
    sentences = []
    for name, ends in result.regions.items():
        if ends["B8"] is None:
            size = result.measured_region(name)
            theory = (
                "no size is guaranteed in advance, because rho depends on the run; up to size "
                f"{number(size)} all runs have rho < 1"
            )
        else:
            theory = f"B8 turns vacuous at size {number(ends['B8'])}, B13 at size {number(ends['B13'])}"
        diverging = {family: result.diverges_at(name, family) for family in result.settings.families}
        tried = {f: max(c.size for c in result.select(pattern=name, family=f)) for f in diverging}
        words = [
            f"{family} " + (f"at none up to {number(tried[family])}" if size is None else f"from size {number(size)}")
            for family, size in diverging.items()
        ]
        sentences.append(f"{name}: {theory}. Runs end above F(x_0) or diverge on {join(words)}.")
    return sentences


def verdict(result: Sensitivity) -> str:
    """Whether any run contradicts a guarantee."""
    inside = [c for c in result.cells if c.guaranteed]
    if result.broken:
        total = len(result.cells) + len(result.checkpoints)
        return f"{count(len(result.broken), 'cell')} of {total} contradict a guarantee or a claim."
    return (
        f"No run contradicts a guarantee. {len(inside)} of {len(result.cells)} cells are inside the region rho < 1. "
        f"There every run is within B8 and within the exact worst case, and F does not rise over the steps judged."
    )


def trained(result: Sensitivity) -> list[str]:
    """What the correlations over instances say."""
    if not result.correlations:
        return []
    clear = [c for c in result.correlations if c.clear]
    n = result.correlations[0].n
    lines = [
        f"Trained models: {len(clear)} of {len(result.correlations)} rank correlations between an instance's deviation "
        f"and its log-rate (n = {n}, {result.settings.trained_steps} steps) have a 95 % interval without 0"
        + (f": {join([_named(c) for c in clear], 12)}." if clear else ".")
        + _signs(clear)
    ]
    least = min(c.deviation_median for c in result.correlations if c.deviation == "median rho")
    medians = {f"{c.model} on {c.family} at s = {c.shift:g}": c.rate_median for c in result.correlations}
    rising = [name for name, rate in medians.items() if rate >= 0]
    lines.append(
        f"Their median rho is {number(least)} or more: "
        + ("far outside" if least >= 1 else "partly inside")
        + " the guaranteed region, and "
        + (
            "none of their gaps falls in the median"
            if len(rising) == len(medians)
            else f"their gaps fall in the median{f', except those of {join(rising)}' if rising else ''}; the region is "
            "sufficient and not necessary"
        )
        + ". Many intervals are looked at, and about one in twenty does not contain 0 by chance. A correlation is no "
        "cause."
    )
    return lines


def stages(result: Sensitivity) -> list[str]:
    """What training does to the deviation, and to the iterations."""
    if not result.checkpoints:
        return []
    first, last = min(result.settings.stages), max(result.settings.stages)
    sentences, outside, diverging = [], 0, 0
    for family, shift in dict.fromkeys((c.cell.family, c.cell.shift) for c in result.checkpoints):
        members = [c for c in result.checkpoints if (c.cell.family, c.cell.shift) == (family, shift)]
        outside += sum(not c.cell.guaranteed for c in members)
        diverging += sum(bool(c.cell.diverged) for c in members)
        if first == last:
            continue
        rho, factor = zip(*(_medians([c for c in members if c.batches == b]) for b in (first, last)))
        over = next(
            (c for c in result.across if (c.family, c.shift, c.deviation) == (family, shift, "median rho")), None
        )
        spread = "" if over is None or over.value is None else f"; over the checkpoints {_direction(over)}"
        sentences.append(
            f"{family}, s = {shift:g}: from {first} to {last} batches "
            f"the median rho goes from {number(rho[0])} to {number(rho[1])} and the iterations from "
            f"{_factor(factor[0])} to {_factor(factor[1])} those of exact steps{spread}."
        )
    total = len(result.checkpoints)
    sentences.insert(
        0,
        f"{total - outside} of {total} checkpoints have rho < 1 at all of {result.settings.steps} steps, as "
        f"a guarantee requires; {'none has' if not diverging else f'{diverging} of {total} have'} a run that "
        f"diverges.",
    )
    return [*sentences, *_bought(result)]


def _bought(result: Sensitivity) -> list[str]:
    """Whether training buys less deviation."""
    clear = [c for c in result.across if c.clear and c.deviation == "median rho"]
    if not clear:
        return []
    faster = sum((c.value or 0.0) < 0 for c in clear)
    slower = len(clear) - faster
    opening = "Of" if faster <= slower else "Training does not make models faster by less deviation. Of"
    return [
        f"{opening} {count(len(clear), 'clear correlation')} between a checkpoint's median rho and its log-rate, in "
        f"{faster} the checkpoints that deviate more are the faster ones, in {slower} the slower ones. Training "
        "changes both together, so this is no cause."
    ]


def _medians(checkpoints: list[Checkpoint]) -> tuple[float, float | None]:
    factors = [c.cell.factor_median for c in checkpoints if c.cell.factor_median is not None]
    rho = float(np.median([c.cell.rho_median for c in checkpoints]))
    return rho, float(np.median(factors)) if factors else None


def _direction(c: Correlation) -> str:
    assert c.value is not None
    words = "no clear relation" if not c.clear else "more rho, slower" if c.value > 0 else "more rho, faster"
    interval = " without an interval" if c.low is None or c.high is None else f" [{c.low:+.2f}, {c.high:+.2f}]"
    return f"{words} (Spearman {c.value:+.2f}{interval}, n = {c.n})"


def _signs(clear: list[Correlation]) -> str:
    slower = sum((c.value or 0.0) > 0 for c in clear)
    if slower in (0, len(clear)):
        return ""
    return f" In {slower} of these more deviation goes with a slower run, in {len(clear) - slower} with a faster one."


def _named(c: Correlation) -> str:
    return f"{c.model}, {c.family}, s = {c.shift:g}, {c.deviation} {c.value:+.2f} [{c.low:+.2f}, {c.high:+.2f}]"


def headline(result: Sensitivity) -> list[str]:
    """The answer in brief: what half a step's deviation costs, where guarantees end, what training does."""
    middle = [s for row, s in zip([r for r in result.costs if r["rho"]], costs(result)) if row["rho"] == 0.5]
    clear = [c for c in result.correlations if c.clear]
    shipped = (
        [
            f"Shipped models: of {len(result.correlations)} rank correlations between an instance's deviation and its "
            f"log-rate {len(clear)} are clear.{_signs(clear)}"
        ]
        if result.correlations
        else []
    )
    of_stages = stages(result)
    return [verdict(result), *middle, *of_stages[:1], *_bought(result), *shipped]


def lines(result: Sensitivity) -> Sequence[str]:
    """Everything, as the console shows it."""
    return [verdict(result), *costs(result), *caution(result), *regions(result), *stages(result), *trained(result)]


def brief(result: Sensitivity) -> Brief:
    """A row for each deviation: by what factor the guarantee, the exact worst case and the runs become slower."""
    rows = []
    for row in result.costs:
        if row["rho"] == 0:
            continue
        members = [c for c in result.cells if c.nominal == row["rho"]]
        medians = [c.factor_median for c in members if c.factor_median is not None]
        worst = [c.factor_worst for c in members if c.factor_worst is not None]
        missing, runs = sum(v is None for c in members for v in c.iterations), sum(len(c.iterations) for c in members)
        rows.append(
            [
                f"{row['rho']:g}",
                _factor(row["guarantee_factor"]),
                _factor(row["smooth"]["ratio"]),
                _factor(row["composite"]["ratio"]),
                _factor(min(medians, default=None)),
                _factor(max(worst, default=None)),
                f"{missing} of {runs}" if runs else "no run",
            ]
        )
    columns = ("rho", "B8", "worst, r = 0", "worst, any r", "best runs", "worst run", "not converged")
    answer = verdict(result) if result.broken else "No run contradicts a guarantee."
    meaning = (
        f"rho is the relative deviation of a step from the ideal step of 1/L; B8 guarantees a rate for rho < 1 only. A "
        f"factor says how many times as large a number is as with ideal steps: the steps that B8 allows, the exact "
        f"worst case after {count(result.settings.steps, 'step')}, and the iterations of the runs (the best median, "
        f"and the worst run)."
    )
    return Brief((answer, meaning), columns, rows)
