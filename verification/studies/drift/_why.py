"""Sentences on what the deviations are made of, and on whether the distance of the features orders the costs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ...pages.text import count, join, number, percent
from ...virtual_steps.decompose import TERMS
from ._attribution import Split
from ._predict import Prediction
from ._run import YARDSTICKS, Drift
from ._shifts import SHIFTS
from ._words import control, factor, place, shifted

STRONG = 0.5
"""Rank correlations below this are called weak."""

NAMES = {"bracket": "the bracket", "pshift": "the preconditioner shift", "bshift": "the bias shift (with the memory)"}


_OVER = {"pooled": "over instances and levels of one shift", "within": "over instances at one level"}


def attributions(result: Drift) -> list[str]:
    """How the deviations split, beside the control."""
    sentences = []
    for model in result.models:
        cells = [(c, a) for c in shifted(result, model) if (a := c.of("paired"))]
        if not cells:
            continue
        leading = dict.fromkeys(TERMS, 0)
        for _, a in cells:
            leading[max(a.along, key=a.along.__getitem__)] += 1
        most = max(cells, key=lambda pair: pair[1].along["pshift"])
        line = (
            f"{model}: of the sum of ||e'|| the largest part is {_leading(leading)} of {len(cells)} practical levels "
            f"(medians of bracket / preconditioner shift / bias shift: {_median([a.along for _, a in cells])}); step "
            f"by step the shares of the norms are {_median([a.share for _, a in cells])}. The preconditioner shift is "
            f"largest under {place(most[0])}, {percent(most[1].along['pshift'])} of the sum."
        )
        null = _of_control(result, model, "paired")
        if null:
            above = {n: sum(a.along[n] > null.along[n] for _, a in cells) for n in ("pshift", "bshift")}
            line += (
                f" The control is another draw of the same distribution, without any shift. It splits the sum into "
                f"{_split(null.along)} and the norms into {_split(null.share)}. The preconditioner shift is above that "
                f"at {count(above['pshift'], 'level')}, the bias shift at {above['bshift']}."
            )
        sentences.append(line)
    return sentences


def _of_control(result: Drift, model: str, choice: str) -> Split | None:
    """The attribution of the control by this choice of virtual steps."""
    cell = control(result, model)
    return None if cell is None else cell.of(choice)


def _leading(counts: dict[str, int]) -> str:
    ordered = sorted(TERMS, key=lambda n: -counts[n])
    return join([f"{NAMES[n]} at {counts[n]}" for n in ordered])


def _median(parts: Sequence[dict[str, float]]) -> str:
    return _split({n: median(p[n] for p in parts) for n in TERMS})


def short(result: Drift) -> list[str]:
    """How the attribution splits and whether ||Dz|| orders the costs, for the models that have an attribution."""
    sentences = []
    for model in result.models:
        cells = [a for c in shifted(result, model) if (a := c.of("paired"))]
        if not cells:
            continue
        heads = max(a.along["pshift"] for a in cells)
        line = (
            f"{model}: at its practical levels bracket / preconditioner shift / bias shift make "
            f"{_median([a.along for a in cells])} of the sum of ||e'|| (medians), the preconditioner shift "
            f"{percent(heads)} at most"
        )
        null = _of_control(result, model, "paired")
        if null:
            line += f"; without any shift, between two draws, it is {_split(null.along)}"
        overall = next((p for p in result.predictions if p.model == model and p.way == "levels" and p.value), None)
        if overall:
            line += f". ||Dz|| and the cost of the levels have a rank correlation of {_value(overall)}"
        sentences.append(f"{line}.")
    return sentences


def coordinates(result: Drift) -> list[str]:
    """The attribution of another number of variables, by nearest coordinates, beside the control by the same choice."""
    sentences = []
    for model in result.models:
        unpaired = [c for c in shifted(result, model) if c.shift == "dimension" and not c.of("paired")]
        cells = [(c, a) for c in unpaired if (a := c.of("coordinate"))]
        null = _of_control(result, model, "coordinate")
        if cells and null:
            words = [f"{c.level} {_split(a.along)}, ||Dz|| {number(a.dz)}" for c, a in cells]
            sentences.append(
                f"{model}, other sizes, each coordinate beside the nearest one in distribution (bracket / "
                f"preconditioner / bias): {join(words, 9)}; the control {_split(null.along)}, ||Dz|| {number(null.dz)}."
            )
    return sentences


def _split(parts: dict[str, float]) -> str:
    return " / ".join(percent(parts[n]) for n in TERMS)


def features(result: Drift) -> list[str]:
    """Whether the distance of the features orders the costs."""
    sentences = []
    for model in result.models:
        predictions = [p for p in result.predictions if p.model == model and p.value is not None]
        if not predictions:
            continue
        parts = []
        for way, words in _OVER.items():
            of = [p for p in predictions if p.way == way and p.shift in SHIFTS and SHIFTS[p.shift].practical]
            if of:
                against = [p.shift for p in of if p.sign < 0]
                parts.append(
                    f"{words} it is clearly positive for {sum(p.sign > 0 for p in of)} of "
                    f"{count(len(of), 'practical shift')} and clearly negative for "
                    f"{join(against) if against else 'none'} (largest {_named(max(of, key=_size))})"
                )
        for p in predictions:
            if p.way == "pooled" and not SHIFTS[p.shift].practical:
                parts.append(f"under {p.shift}, for reference, it is {_value(p)}")
        overall = next((p for p in predictions if p.way == "levels"), None)
        if overall:
            parts.append(f"over all {overall.levels} practical levels of equal size it is {_value(overall)}")
        sentences.append(
            f"{model}, rank correlation of ||Dz|| with the excess: {'; '.join(parts)}.{_holds(predictions)}"
        )
        null = control(result, model)
        paired = None if null is None else null.of("paired")
        if null and paired:
            cells = [a for c in shifted(result, model) if (a := c.of("paired"))]
            nearer = sum(a.dz < paired.dz for a in cells)
            sentences.append(
                f"Caution for {model}: without any shift the control has ||Dz|| = {number(paired.dz)} and an excess of "
                f"{factor(null.cost.excess[YARDSTICKS[0]])}. At {nearer} of {len(cells)} practical levels ||Dz|| is "
                "smaller than that. A ||Dz|| of this size shows that two runs differ, and not that one is out of "
                "distribution."
            )
    return sentences


def _holds(predictions: Sequence[Prediction]) -> str:
    """Whether "further features, more cost" holds, over levels and over the instances of a level."""
    overall = next((p for p in predictions if p.way == "levels"), None)
    within = [p for p in predictions if p.way == "within" and SHIFTS[p.shift].practical]
    if overall is None or not within:
        return ""
    if overall.sign > 0:
        how = "does go with" if _size(overall) >= STRONG else "goes, weakly, with"
    else:
        how = "is not shown to go with"
    few = sum(p.sign > 0 for p in within)
    return (
        f" Over levels a larger ||Dz|| {how} a larger cost. Among the instances of one level that is shown for "
        f"{few} of {count(len(within), 'practical shift')}."
    )


def _size(p: Prediction) -> float:
    return -1.0 if p.value is None else p.value


def _value(p: Prediction) -> str:
    ends = "no interval" if p.low is None or p.high is None else f"{p.low:+.2f}, {p.high:+.2f}"
    return f"{p.value:+.2f} [{ends}]"


def _named(p: Prediction) -> str:
    return f"{p.shift} {_value(p)}"
