"""What the numbers say, in plain words, and how far each statement goes. Nothing here is typed in but the words."""

from __future__ import annotations

from collections.abc import Sequence

from ...pages.text import count, join, number, percent
from ..framework import Brief
from ._cost import LEVEL, Interval
from ._measure import Cell
from ._run import RIVALS, YARDSTICKS, Drift
from ._why import attributions, coordinates, features, short
from ._words import factor, place, shifted


def verdict(result: Drift) -> list[str]:
    """Whether anything contradicts the theory, and how much the bounds say."""
    if result.broken:
        return [f"{count(len(result.broken), 'contradiction')} found: {join(result.broken, 4)}."]
    counts: dict[tuple[str, str], list[int]] = {}
    doubtful: dict[str, list[str]] = {}
    cells = [c for c in result.cells if not c.none]
    for cell in cells:
        for b in cell.bounds:
            name = f"{b.number} ({b.bound})"
            sums = counts.setdefault((name, b.unit), [0, 0, 0, 0, 0])
            if b.inconclusive:
                doubtful.setdefault(name, []).append(f"{cell.model} under {cell.shift}")
            for i, amount in enumerate((b.verified, b.checks, b.vacuous, b.inconclusive, b.not_applicable)):
                sums[i] += amount
    words = [
        f"{name}: verified on {number(yes)} of {count(total, unit)}, vacuous on {number(vacuous)}"
        + (f", inconclusive on {number(between)} ({join(list(dict.fromkeys(doubtful[name])))})" if between else "")
        + (f", not applicable on {number(out)}" if out else "")
        for (name, unit), (yes, total, vacuous, between, out) in counts.items()
    ]
    if not words:
        return ["No bound was checked: no model fits a problem out of distribution."]
    steps = sum(a.steps for c in cells for a in c.attributions)
    summed = f" The three terms add up to the deviation on all {number(steps)} attributed steps, up to rounding."
    return [f"No bound is violated under any shift. {'. '.join(words)}.{summed if steps else ''}"]


def family(result: Drift) -> str:
    """What "in distribution" means here."""
    f, n = result.family, result.settings.batch
    return (
        "In distribution means: as the shipped weights were trained, by their manifests. That is LASSO of "
        f"{f.rows} × {f.dim}, with normal dictionaries of unit columns, {f.sparsity} normal non-zeros, no noise, lam = "
        f"{f.lam:g} and normal starts. There are {n} instances of the test split, the same {n} at every level as far "
        "as the shift leaves them unchanged."
    )


def costs(result: Drift) -> list[str]:
    """For each model the shift that costs most, and which cost at all."""
    eps, yardstick = result.settings.eps[0], YARDSTICKS[0]
    sentences, worst = [], []
    for model in result.models:
        cells = shifted(result, model)
        if not cells:
            continue
        slower = [c for c in cells if c.cost.slowdown.above]
        most = max(slower or cells, key=_excess)
        diverged = sum(c.diverged for c in cells)
        if not _excess(most)[1]:
            sentences.append(
                f"{model}: the cost of shifts cannot be measured at any practical level. Too few instances converge "
                f"within {count(result.settings.horizon, 'step')}, and {number(diverged)} end above F(x_0) or are "
                f"stopped."
            )
            continue
        worst.append(most)
        dear = [c for c in cells if c.cost.excess[yardstick].above]
        cheap = [c for c in cells if c.cost.excess[yardstick].below]
        base = result.select(model=model, none=True)[0].cost
        line = (
            f"{model} needs {number(base.iterations)} iterations in distribution and loses most under {place(most)}. "
            f"There it needs {factor(most.cost.slowdown)} the iterations, which is "
            f"{factor(most.cost.excess[yardstick])} beyond the slowdown of {yardstick}, and {most.cost.reached} of "
            f"{result.settings.batch} instances converge within {result.settings.horizon} steps. Of {len(cells)} "
            f"practical levels it clearly loses more than {yardstick} at {len(dear)}, clearly less at {len(cheap)}, "
            f"and {len(cells) - len(dear) - len(cheap)} are undecided."
        )
        if dear:
            line += f" At {sum(c in slower for c in dear)} of the {len(dear)} it is also slower than in distribution."
        if diverged:
            line += f" Runs that end above F(x_0) or are stopped: {number(diverged)}."
        largest = max(cells, key=_excess)
        if largest is not most:
            line += (
                f" The excess is larger under {place(largest)}, {factor(largest.cost.excess[yardstick])}, where the "
                f"model is not clearly slower ({factor(largest.cost.slowdown)}). The problem is easier there, and only "
                f"{yardstick} becomes faster."
            )
        sentences.append(line)
    if len(worst) > 1:
        cell = max(worst, key=_excess)
        sentences.insert(
            0,
            f"The practical shift that costs most is {place(cell)}, for {cell.model}: "
            f"{factor(cell.cost.excess[yardstick])} beyond what it costs {yardstick}, to {eps:g} of the initial gap; "
            + join([f"for {c.model} {place(c)}, {factor(c.cost.excess[yardstick])}" for c in worst if c is not cell])
            + ".",
        )
    return sentences


def _excess(cell: Cell) -> tuple[float, float]:
    """By the lower end of the interval of the excess, then by the median."""
    excess = cell.cost.excess[YARDSTICKS[0]]
    return excess.lower or 0.0, excess.low or 0.0


def harder(result: Drift) -> list[str]:
    """Where the problem itself has become harder, and a slower model says nothing of the model."""
    cells = shifted(result, YARDSTICKS[0])
    if not cells:
        return []
    slow = [c for c in cells if c.cost.slowdown.above]
    if not slow:
        return [f"No practical shift makes the problems clearly harder for {YARDSTICKS[0]}."]
    most = max(slow, key=lambda c: c.cost.slowdown.low or 0.0)
    mistaken = [
        c
        for model in result.models
        for c in shifted(result, model)
        if c.cost.slowdown.above and not c.cost.excess[YARDSTICKS[0]].above
    ]
    return [
        f"The problems themselves become harder at {count(len(slow), 'level')}, most at {place(most)}, where "
        f"{YARDSTICKS[0]} has a slowdown of {factor(most.cost.slowdown)}. In {count(len(mistaken), 'case')} (a case is "
        "a model at a level) the model is clearly slower than in distribution, but not clearly more than the "
        "yardstick. A count of iterations alone would ascribe this to the model."
    ]


def robustness(result: Drift) -> list[str]:
    """How far the statements on costs depend on the yardstick and on eps."""
    one, two = YARDSTICKS
    same = opposed = 0
    by_eps: dict[float, int] = {}
    total = 0
    for model in result.models:
        for c in shifted(result, model):
            total += 1
            a, b = _sign(c.cost.excess[one]), _sign(c.cost.excess[two])
            same, opposed = same + (a == b), opposed + (a * b < 0)
            for more in c.costs[1:]:
                by_eps[more.eps] = by_eps.get(more.eps, 0) + (a * _sign(more.excess[one]) < 0)
    if not total:
        return []
    lines = [
        f"With {two} as the yardstick in place of {one} the answer (loses, gains, undecided) is the same in {same} of "
        f"{count(total, 'case')} and the opposite in {opposed}. A case is a model at a level. A shift that slows {two} "
        f"more than {one} makes every model look better beside {two}."
    ]
    lines += [
        f"At eps = {eps:g} in place of {result.settings.eps[0]:g} the answer is the opposite in {n} of {total} cases."
        for eps, n in by_eps.items()
    ]
    return lines


def _sign(interval: Interval) -> int:
    return 1 if interval.above else -1 if interval.below else 0


def rivals(result: Drift) -> list[str]:
    """Which of the two models loses less, shift by shift."""
    if not result.comparisons:
        return []
    first, second = RIVALS
    lines = []
    for shift in dict.fromkeys(c.shift for c in result.comparisons):
        compared = [c for c in result.comparisons if c.shift == shift and not c.control]
        by = [c.verdict for c in compared]
        whole = next(c for c in result.overall if c.shift == shift)
        lines.append(
            f"{shift}: {first} clearly loses less at {by.count(first)} of {count(len(compared), 'level')}, {second} at "
            f"{by.count(second)}, and {by.count('open')} are undecided. Over all levels, instance by instance, the "
            f"loss of {first} is {factor(whole.ratio)} that of {second} ({_in_words(whole.verdict)}; it is less for "
            f"{whole.less} instances and more for {whole.more})."
        )
    practical = [c for c in result.comparisons if c.practical and not c.control]
    if practical:
        by_shift = {c.shift: c.verdict for c in result.overall if c.practical}
        decided = [f"{v} loses less under {s}" for s, v in by_shift.items() if v != "open"]
        rest = [s for s, v in by_shift.items() if v == "open"]
        by, faster = [c.verdict for c in practical], [c.faster for c in practical]
        lines.insert(
            0,
            f"The paper says that {first} is more robust than {second}. Of {len(practical)} practical levels {first} "
            f"clearly loses less at {by.count(first)} and {second} at {by.count(second)}; {by.count('open')} are "
            f"undecided. "
            + _word(by.count(first), by.count(second))
            + f" In iterations alone {second} is clearly faster at {faster.count(second)} levels and {first} at "
            f"{faster.count(first)}. Over all levels of a shift: "
            + "; ".join([*decided, *([f"undecided under {join(rest)}"] if rest else [])])
            + ".",
        )
    return lines


def _in_words(verdict: str) -> str:
    return "undecided" if verdict == "open" else f"{verdict} clearly loses less"


def _word(yes: int, no: int) -> str:
    if yes and no:
        return "Neither is the more robust one: it depends on the shift."
    if not yes and not no:
        return "No difference is shown."
    return "All decided levels support the claim." if yes else "All decided levels contradict the claim."


def moved(result: Drift) -> list[str]:
    """B12: whether a shifted objective is a shifted start."""
    same = [m for m, v in result.moved.items() if v == "equivariant"]
    other = [m for m, v in result.moved.items() if v == "not equivariant"]
    rest = [m for m in result.moved if m not in (*same, *other)]
    words = []
    if same:
        words.append(f"for {join(same)} a shifted objective and a shifted start are one experiment, step by step (B12)")
    if other:
        words.append(f"for {join(other)} a shifted objective and a shifted start are two experiments (B12)")
    if rest:
        words.append(f"for {join(rest)} rounding leaves open whether they are one (B12)")
    sentence = "; ".join(words)
    return [f"{sentence[:1].upper()}{sentence[1:]}."] if words else []


def left_out(result: Drift) -> list[str]:
    """What was not measured, with the reason."""
    reasons: dict[str, list[str]] = {}
    for cell in result.cells:
        if not cell.applies:
            reasons.setdefault(cell.reason, []).append(f"{cell.model} under {place(cell)}")
        elif not cell.none:
            for a in cell.attributions:
                if a.reason:
                    reasons.setdefault(a.reason, []).append(f"the attribution of {cell.model}")
    return [f"NOT APPLICABLE, {join(list(dict.fromkeys(who)), 3)}: {why}" for why, who in reasons.items()]


def confidence() -> str:
    """What the intervals mean."""
    return (
        f"Intervals of medians are by order statistics at {percent(LEVEL)}; they hold for any distribution. Clearly "
        "means that such an interval does not contain 1 (for a correlation: 0). Each interval holds by itself, so "
        "about one in twenty may be wrong. The largest of many estimates is more likely too large than too small."
    )


def sizes(result: Drift) -> list[str]:
    """Whether the features' size explains what more or fewer variables cost."""
    sentences = []
    for model in dict.fromkeys(r.model for r in result.sizes):
        rows = [r for r in result.sizes if r.model == model]
        words = [f"{number(r.shipped)} to {number(r.rescaled)} at {r.level} ({factor(r.ratio)})" for r in rows]
        mended, last = sum(r.ratio.above for r in rows), rows[-1]
        sentences.append(
            f"{model} divides its features by norms at x_0, which grow with the root of the number of variables. "
            f"Divided by the norms for the trained number of variables instead, its iterations change from "
            f"{join(words, 9)}. They are clearly fewer at {mended} of {count(len(rows), 'size')}. With features of "
            f"half and of twice that size they are {number(last.half)} and {number(last.twice)} at {last.level}."
        )
    return sentences


def headline(result: Drift) -> list[str]:
    """The answers in short."""
    return [*costs(result)[:1], *short(result), *rivals(result)[:1], *sizes(result)]


def lines(result: Drift) -> Sequence[str]:
    """Everything, as the console shows it."""
    return [
        *verdict(result), family(result), *costs(result), *harder(result), *robustness(result),
        *attributions(result), *coordinates(result), *features(result), *rivals(result), *sizes(result), *moved(result),
        *left_out(result), confidence(),
    ]  # fmt: skip


def brief(result: Drift) -> Brief:
    """A row for each model: the practical shift that costs most, and at how many levels the model clearly loses."""
    rows: list[list[str]] = []
    losses: list[str] = []
    for model in result.models:
        cells = shifted(result, model)
        if not cells:
            continue
        most = max([c for c in cells if c.cost.slowdown.above] or cells, key=_excess)
        slower = sum(c.cost.excess[YARDSTICKS[0]].above for c in cells)
        rows.append(
            [
                model,
                place(most),
                factor(most.cost.slowdown),
                factor(most.cost.excess[YARDSTICKS[0]]),
            ]
        )
        losses.append(f"{model} at {slower} of {len(cells)}")
    columns = ("model", "worst shift", "slowdown", f"over {YARDSTICKS[0]}")
    broken = verdict(result)[0] if result.broken else "No bound is violated under any shift."
    meaning = (
        f"Slowdown: the iterations under the shift over those in distribution (median and 95 % interval), and the same "
        f"divided by the slowdown of {YARDSTICKS[0]}, a classical method."
    )
    if not rows:
        return Brief((broken,), columns, rows)
    clearly = f"Shifts that clearly slow a model down more than {YARDSTICKS[0]}: {join(losses, 9)} levels."
    return Brief((broken, meaning, clearly), columns, rows)
