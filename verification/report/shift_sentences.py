"""One sentence for each figure about shifts, and notes on how to read it; every number is from the results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..pages.text import count, join, number, percent, times
from .figures import median_first
from .sentences import Results, place, sentence

ATTRIBUTION_NOTES = (
    "B4: e'_k = [(N1(z) - 1/L')G' + N2(z)] + (N1(z') - N1(z))G' + (N2(z') - N2(z)), z' the features of step k under "
    "the shift and z those of the same step and instance without the shift. The first term is what the model does at "
    "the features without the shift. The bias N2 is all of the step that is not p G; of a model without bias heads it "
    "is the memory term or the extrapolation. Shares of the sum of the three norms, medians over the instances, made "
    "to add up to 1.",
)
PAIR_NOTES = (
    "Both runs start from the same draw of x_0 and the same network state, so F(x + τ) from x_0 is F from x_0 + τ. "
    "Below: the largest difference over the instances, of the iterates mapped back (relative to the distance covered) "
    "and of F (relative to |F*|); what is 0 is not drawn.",
)
TRANSIENT_NOTES = (
    "The gap is to the lower end of the interval of F*, so at least the true one. B11: a floor needs a bias that does "
    "not vanish; that it vanishes is measured over the last tenth of the steps, not proved.",
)
_WORDS = {
    "bracket": "what the model does at the features without the shift",
    "pshift": "the shift of its preconditioner",
    "bshift": "the shift of its bias",
}


def attribution(entries: Sequence[Results]) -> str:
    """How much of the deviation of one learned optimizer is which term, scenario by scenario."""
    parts = []
    for entry in entries:
        label, where, shares = entry["optimizer"]["label"], place(entry["scenario"]), entry["overall"]
        if entry["inexact_steps"]:
            parts.append(
                f"{where} the terms do not add up to the deviation of {label} on "
                f"{count(entry['inexact_steps'], 'step')}, so nothing is attributed"
            )
        elif shares["bracket"] is None:
            parts.append(f"{where} no step of {label} has a deviation above rounding")
        elif not any("is due to" in part for part in parts):
            words = join([f"{words} by {percent(shares[name])}" for name, words in _WORDS.items()])
            parts.append(
                f"{where} the deviation of {label} is due to {words} (means over "
                f"{count(entry['resolved_steps'], 'step')})"
            )
        else:
            parts.append(f"{where} {join([percent(shares[name]) for name in _WORDS])}")
    return sentence(parts)


def attribution_notes(entries: Sequence[Results]) -> list[str]:
    """What was checked, and what is left out."""
    steps = sum(e["attributed_steps"] for e in entries)
    hidden = steps - sum(e["resolved_steps"] for e in entries)
    exact = sum(e["inexact_steps"] for e in entries) == 0
    sentences = (
        [f"On all of the {count(steps, 'step')} the terms add up to e'_k up to rounding."] if exact and steps else []
    )
    if hidden:
        sentences.append(f"Left out, since their terms are within rounding: {count(hidden, 'step')}.")
    return [*ATTRIBUTION_NOTES, *sentences]


def shift_pairs(pairs: Sequence[Results]) -> str:
    """Whether s = tau and t = tau are one experiment, for each learned optimizer, with the numbers and B12."""
    return sentence([_pair(pair) for pair in pairs])


def _pair(pair: Results) -> str:
    label, tau = pair["optimizer"]["label"], f"{pair['tau']:g}"
    apart, gap, verdict = pair["worst_iterates"], pair["worst_gap"], pair["equivariance"]["verdict"]
    cases = pair["equivariance"]["instances"]
    words = f"B12: {verdict} on {cases.get(verdict, 0)} of {count(sum(cases.values()), 'instance')}"
    if pair["expected"] is not None:
        agrees = {"yes": "equivariant", "no": "not equivariant"}.get(pair["expected"]) == verdict
        words += ", as its table expects" if agrees else f", where its table expects “{pair['expected']}”"
    if apart is None or gap is None:
        return f"with τ = {tau} a run of {label} diverges, and nothing can be compared ({words})"
    same = apart <= pair["agree"] and gap <= pair["agree"]
    sizes = f"{number(apart)} (iterates mapped back) and {number(gap)} (relative gaps)"
    if same:
        return f"with τ = {tau} the two runs of {label} are one experiment: they differ by at most {sizes} ({words})"
    return f"with τ = {tau} those of {label} are two experiments: they differ by up to {sizes} ({words})"


def transients(entries: Sequence[Results]) -> str:
    """From which step on each optimizer stays within eps, and whether there is a floor."""
    parts = []
    for key in dict.fromkeys(e["scenario"]["key"] for e in entries):
        group = [e for e in entries if e["scenario"]["key"] == key]
        sentences = [_transient(entry, index == 0) for index, entry in enumerate(group)]
        medians = sorted((m, e["optimizer"]["label"]) for e in group if (m := median_first(e)) is not None)
        compared = ""
        if len(medians) == len(group) > 1 and medians[0][0] > 0:
            compared = (
                f", so that {medians[-1][1]} takes {times(medians[-1][0], medians[0][0])} as long as {medians[0][1]}"
            )
            if medians[-1][0] == medians[0][0]:
                compared = ", equally long"
        parts.append(f"{place(group[0]['scenario'])} {join(sentences)}{compared}")
    floors = [f"{e['optimizer']['label']} {place(e['scenario'])}" for e in entries if e["verdict"] == "floor"]
    open_ = [f"{e['optimizer']['label']} {place(e['scenario'])}" for e in entries if e["verdict"] == "not settled"]
    wrong = [f"{e['optimizer']['label']} {place(e['scenario'])}" for e in entries if e["verdict"] not in _KNOWN]
    if floors:
        parts.append(f"a floor is seen for {join(floors)}")
    if open_:
        parts.append(f"whether there is a floor is not settled for {join(open_)}")
    if wrong:
        parts.append(f"the recorded data contradict themselves for {join(wrong)}")
    if entries and not floors + open_ + wrong:
        parts.append("no floor is seen for any of them")
    return sentence(parts)


_KNOWN = ("floor", "no floor", "not settled")


def _transient(entry: Results, first: bool) -> str:
    label, total = entry["optimizer"]["label"], len(entry["first"])
    reached = [k for k in entry["first"] if k is not None]
    eps = number(entry["eps"])
    goal = f"within a relative gap of {eps} at every step" if first else "there"
    if not reached:
        return f"{label} is not {goal} on any of {count(total, 'instance')} in {count(entry['steps'], 'step')}"
    middle = median_first(entry)
    from_ = f"from step {number(middle)} on in the median" if middle is not None else "on less than half the instances"
    return f"{label} is {goal} {from_} (at the latest {number(max(reached))}, {len(reached)} of {total} instances)"


def transient_notes(entries: Sequence[Results]) -> list[str]:
    """What the floor is read from, and remarks of the measurement."""
    sizes = [v for e in entries for v in e["floors"]["size"] if v is not None]
    sentences = [f"‖b/p‖ after the last step is at most {number(max(sizes))}."] if sizes else []
    heads = [f"{e['optimizer']['label']} ({join(e['bias_heads'])})" for e in entries if e["bias_heads"]]
    sentences.append(f"With bias heads: {join(list(dict.fromkeys(heads)))}." if heads else "They have no bias heads.")
    notes: list[Any] = list(dict.fromkeys(text for e in entries for text in e["notes"]))
    return [*TRANSIENT_NOTES, *sentences, *(f"{text}." for text in notes)]
