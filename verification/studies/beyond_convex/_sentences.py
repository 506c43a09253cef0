"""What the numbers say, in plain words, and how far each statement goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from ...pages.text import count, join, number, percent
from ..framework import Brief
from ._counterexamples import Counterexample
from ._curves import Curve
from ._measure import NEED_CONVEXITY, Entry
from ._methods import PROXIMAL, TRAINED
from ._problems import PAIRS
from ._run import BeyondConvex

NAMES = {
    "B1": "per-step descent",
    "B2": "descent where rho < 1",
    "B10": "stationarity",
    "B10:subdifferential": "the step from G to the subdifferential",
    "B10:constrained": "the variational inequality",
}


def total(entries: Iterable[Entry], bound: str, word: str) -> int:
    """How often, over the entries, `bound` has the verdict (or is vacuous) `word`."""
    return sum(e.held[bound][word] for e in entries)


def asked(entries: Iterable[Entry], bound: str, word: str) -> int:
    """How many runs of the entries are false, holds or outside for `bound` without its hypothesis of convexity."""
    return sum(e.asked[bound][word] for e in entries)


def verdict(result: BeyondConvex) -> str:
    """The answer in one sentence."""
    bent = [e for e in result.entries if not e.convex]
    if result.broken:
        return f"{count(len(result.broken), 'entry')} of {len(result.entries)} contradict what is proved."
    false = [name for name in NEED_CONVEXITY if asked(bent, name, "false")]
    runs = sum(e.instances for e in bent)
    words = (
        f"Descent and stationarity do not need a convex f (B1, B2, B10: no violation on {runs:,} runs whose f is not "
        f"convex)"
    )
    if not false:
        return f"{words}. On these runs no bound on F - F* would have been false."
    return (
        f"{words}. Bounds on F - F* do need it: {join(false)} would be false on some of these runs, with the best "
        f"point found in place of a minimiser."
    )


def verdicts(result: BeyondConvex) -> list[tuple[str, str, int, int, int, int, int, float | None]]:
    """Of the bounds that do not ask for a convex f: where, which, verified, violated, inconclusive, judged, vacuous,
    and the median over the entries of the tightness."""
    rows = []
    for label, chosen in (
        ("f not convex", [e for e in result.entries if not e.convex]),
        ("convex f on sets", [e for e in result.entries if e.convex and e.part == "sets"]),
    ):
        for bound in NAMES:
            verified, violated, inconclusive = (
                total(chosen, bound, word) for word in ("verified", "violated", "inconclusive")
            )
            judged = verified + violated + inconclusive
            if not judged:
                continue
            tight = [e.held[bound]["tightness"] for e in chosen if e.held[bound]["tightness"] is not None]
            middle = median(tight) if tight else None
            vacuous = total(chosen, bound, "vacuous")
            rows.append((label, bound, verified, violated, inconclusive, judged, vacuous, middle))
    return rows


def survive(result: BeyondConvex) -> list[str]:
    """Verdicts of the bounds that do not ask for a convex f."""
    return [
        f"{label}, {bound} ({NAMES[bound]}): verified on {verified:,} of {judged:,} "
        f"{'runs' if bound == 'B10' else 'steps'}, {violated} violated, {open_} inconclusive; vacuous on "
        f"{percent(vacuous / judged)}; tightness {number(tight)} (median over the entries"
        + ("; 0 means that rises are allowed and do not occur)." if tight == 0 else ").")
        for label, bound, verified, violated, open_, judged, vacuous, tight in verdicts(result)
    ]


def needed(result: BeyondConvex) -> list[str]:
    """Where the bounds that ask for convexity would be false, and by which inequality."""
    bent = [e for e in result.entries if not e.convex]
    flat = [e for e in result.entries if e.convex]
    sentences = []
    for bound in NEED_CONVEXITY:
        false, holds = asked(bent, bound, "false"), asked(bent, bound, "holds")
        if not false + holds:
            sentences.append(f"{bound}: no run meets its other hypotheses.")
            continue
        where = [e for e in bent if e.asked[bound]["false"]]
        words = f" ({_where(where, bound)})" if where else ""
        sentences.append(
            f"{bound} without its hypothesis would be false on {false:,} of {false + holds:,} runs whose f is not "
            f"convex{words}, and on {asked(flat, bound, 'false')} of "
            f"{asked(flat, bound, 'false') + asked(flat, bound, 'holds'):,} whose f is."
        )
    return sentences + _inequality(bent)


def _where(entries: Sequence[Entry], bound: str) -> str:
    shifts: dict[float, int] = {}
    families: dict[str, int] = {}
    for e in entries:
        false = e.asked[bound]["false"]
        shifts[e.shift] = shifts.get(e.shift, 0) + false
        families[e.family] = families.get(e.family, 0) + false
    by_family = join([f"{name} {n}" for name, n in families.items()])
    return f"{by_family}; " + join([f"{n} from s = {s:g}" for s, n in shifts.items()])


def _inequality(bent: Sequence[Entry]) -> list[str]:
    """The ledgers of the entries with a false bound, on the run of each that has least to spare."""
    sentences = []
    for bound, smooth in (("B6", "the descent lemma"), ("B6b", "interpolation"), ("B6c", "interpolation")):
        rows = [parts for e in bent if e.asked[bound]["false"] and (parts := e.ledger[bound])]
        if not rows:
            continue
        convexity, smoothness = [r["convexity"] for r in rows], [r["smoothness"] for r in rows]
        rest = [r["r"] + r["squares"] for r in rows]
        alone = sum(c + r < 0 for c, r in zip(convexity, rest))
        sentences.append(
            f"{bound}, on the worst run of each of the {count(len(rows), 'entry').replace('entrys', 'entries')} with a "
            f"false one, in units of F(x_0) - F(z): the inequality f(z) >= f(x) + <grad f(x), z - x> fails by "
            f"{number(-max(convexity))} to {number(-min(convexity))}. Of the other parts of the proof, {smooth} adds "
            f"{number(min(smoothness))} to {number(max(smoothness))}, and r and squares add {number(min(rest))} to "
            f"{number(max(rest))}. In {alone} of {len(rows)} the failure of convexity alone exceeds what r and squares "
            f"add."
        )
    return sentences


def counterexample(example: Counterexample) -> list[str]:
    """One counter-example."""
    false = [f"{b} from K = {k}" for b, k in example.first_false.items() if k is not None]
    never_false = [b for b, k in example.first_false.items() if k is None]
    part = example.ledger["B6"]
    steps = len(example.x) - 1
    return [
        f"{example.name.capitalize()}: f(x) = {example.formula}, L = {number(example.smoothness)}, x_0 = "
        f"{number(example.x[0])}, gradient descent with the step 1/L. "
        + (
            f"Every one of the {steps} steps descends ({_proved_at(example.shown, steps)}, largest rho "
            f"{number(example.largest_rho)})"
            if example.descends
            else f"Not every one of the {steps} steps is shown to descend"
        )
        + f", and F(x_K) - F* is {example.gap[-1]:.6g}, F* certified in [{example.lower:.10g}, {example.upper:.10g}].",
        f"False on it: {join(false)}"
        + (f"; {join(never_false)} holds for the {steps} steps" if never_false else "")
        + f". verify says {join(sorted({example.verdicts[b] for b in example.first_false}))}.",
        f"B6 misses by {number(-sum(part.values()))}: the convexity inequalities at x* add "
        f"{number(part['convexity'])}, the descent lemma {number(part['smoothness'])}. "
        f"f(x*) - f(x_k) - f'(x_k)(x* - x_k) is {number(example.convexity[0])} at the start and "
        f"{number(example.convexity[1])} at the least. B10 holds: least squared gradient "
        f"{number(example.stationarity[0])}, bound {number(example.stationarity[1])}.",
    ]


def _proved_at(proved_steps: int, steps: int) -> str:
    rest = "" if proved_steps == steps else f" at {proved_steps} of them, while rounding hides the others"
    return f"B1 and B2 verified{rest}"


def descent(result: BeyondConvex) -> list[str]:
    """Where F rises."""
    sentences = []
    for method in dict.fromkeys(e.method for e in result.entries):
        shares = []
        for convex in (False, True):
            entries = [e for e in result.select(part="pairs", method=method) if e.convex == convex]
            judged = sum(e.steps_judged for e in entries)
            shares.append(sum(e.rises for e in entries) / judged if judged else None)
        if any(shares):
            sentences.append(f"{method} {percent(shares[0])} (convex {percent(shares[1])})")
    least = [e.least_rho_of_rises for e in result.entries if e.least_rho_of_rises is not None]
    rises = sum(e.rises for e in result.entries)
    lines = [
        f"Share of steps at which F rises, f not convex against its convex partner: {join(sentences, 12) or 'none'}."
    ]
    if least:
        lines.append(
            f"F rises at {rises:,} steps in all; the least rho among them is {min(least):.6g}, and "
            f"{sum(e.unexplained for e in result.entries)} of them have rho <= 1 beyond rounding, which B1 excludes."
        )
    return lines


def stationarity(result: BeyondConvex) -> list[str]:
    """The run, B10 and the exact worst case."""
    sentences = []
    for curve in result.curves:
        if curve.method == PROXIMAL:
            solved = [i for i, v in enumerate(curve.exact) if v is not None]
            if solved:
                sentences.append(_exact(curve, solved[-1]))
    for method in (PROXIMAL, *TRAINED):
        entries = [e for e in result.entries if not e.convex and e.method == method and e.stationarity]
        if entries:
            ratios = [e.stationarity / e.stationarity_bound for e in entries if e.stationarity and e.stationarity_bound]
            sentences.append(
                f"{method}: min ||G_k||^2 is {number(median(ratios))} of B10 (median over {len(ratios)} entries whose "
                f"f is not convex), largest {number(max(ratios))}."
            )
    return sentences


def _exact(curve: Curve, i: int) -> str:
    exact, bound = curve.exact[i], curve.bound[i]
    assert exact is not None  # `i` is a place where the worst case was solved
    assert bound is not None
    return (
        f"{curve.family}, gradient descent, {curve.steps[i]} steps: least squared gradient {number(curve.least[i])}, "
        f"exact worst case {number(exact)}, B10 {number(bound)} ({number(bound / exact)} times the exact one)."
    )


def ends(result: BeyondConvex) -> list[str]:
    """Which local minimum."""
    sentences = []
    for m in result.minima:
        if m.method not in TRAINED or m.family not in PAIRS:
            continue
        words = [f"{word} {m.counts[word]} [{percent(m.low[word])}, {percent(m.high[word])}]" for word in m.counts]
        sentences.append(
            f"{m.family}, s = {m.shift:g}, {m.method} against {PROXIMAL}, n = {m.n}: {join(words)}"
            + (f" (the model on {m.restless})." if m.counts["not settled"] else ".")
        )
    return sentences


def stalls(result: BeyondConvex) -> list[str]:
    """Models that have not come to rest: on which side, and whether they have all but stopped or still move."""
    sentences = []
    for method in dict.fromkeys(m.method for m in result.minima):
        sides = []
        for label, bent in (("whose f is not convex", True), ("on the convex partners", False)):
            ends = [m for m in result.minima if m.method == method and (m.family in PAIRS) == bent]
            if not ends:
                continue
            restless = [m for m in ends if m.restless]
            words = f"{sum(m.restless for m in ends)} of {sum(m.n for m in ends)} runs {label}"
            if restless:
                words += f" ({join([f'{m.family}, s = {m.shift:g}: {m.restless} of {m.n}' for m in restless])}"
                steps = [m.last_step for m in restless if m.last_step is not None]
                if steps:
                    words += f"; last step {number(min(steps))} to {number(max(steps))} of that of {PROXIMAL}, medians"
                words += ")"
            sides.append(words)
        sentences.append(f"{method} has not come to rest after {result.settings.horizon:,} steps on {join(sides)}.")
    return sentences


def growth(result: BeyondConvex) -> list[str]:
    """By how much gradients outgrow that at x_0, which scales the features of GO-Math-L2O."""
    sentences = []
    for shift in result.settings.shifts:
        words = []
        for family, partner in PAIRS.items():
            sizes = []
            for name in (family, partner):
                entries = result.select(part="pairs", family=name, method=PROXIMAL, shift=shift)
                sizes.append([e.gradient_growth for e in entries if e.gradient_growth is not None])
            if all(sizes):
                words.append(f"{family} ×{number(max(sizes[0]))} ({partner} ×{number(max(sizes[1]))})")
        if words:
            sentences.append(
                f"Size of grad f along proximal gradient, over that at x_0, s = {shift:g}, largest of r = 0, l1 and "
                f"box: {join(words)}."
            )
    if sentences:
        sentences.append(
            "GO-Math-L2O divides its features by their size at x_0. For convex f and r = 0 the gradients of exact "
            "steps never exceed that size. On a plateau they do, and the features leave the range of training. Whether "
            "this is why a model stops is not shown."
        )
    return sentences


def constrained(result: BeyondConvex) -> list[str]:
    """Feasibility and speed on sets."""
    sentences = []
    for method in dict.fromkeys(e.method for e in result.select(part="sets")):
        entries = result.select(part="sets", method=method)
        runs = sum(e.instances for e in entries)
        left = [k for e in entries for k in e.left_at if k is not None]
        convex = [e for e in entries if e.convex]
        reached = [k for e in convex for k in e.iterations if k is not None]
        base = [k for e in result.select(part="sets", method=PROXIMAL) if e.convex for k in e.iterations]
        counts = [k for k in base if k is not None]
        words = f"leaves the set on {len(left)} of {runs} runs"
        if left:
            words += f" (first at step {min(left)}, median {number(median(left))})"
        words += f"; {number(result.settings.eps)} of the initial gap reached on {len(reached)} of "
        words += f"{sum(e.instances for e in convex)} convex runs"
        if reached:
            words += f", after {number(median(reached))} steps (median of those"
            words += f"; {PROXIMAL}: {number(median(counts))})" if counts and method != PROXIMAL else ")"
        sentences.append(f"{method}: {words}.")
    return sentences


def lines(result: BeyondConvex) -> Sequence[str]:
    """Everything, as the console shows it."""
    examples = [sentence for c in result.counterexamples for sentence in counterexample(c)]
    return [
        verdict(result), *survive(result), *needed(result), *examples, *descent(result), *stationarity(result),
        *ends(result), *stalls(result), *growth(result), *constrained(result),
    ]  # fmt: skip


def headline(result: BeyondConvex) -> list[str]:
    """What survives, what fails by which inequality, where trained models come to rest, and what they do on sets."""
    models = len(TRAINED)
    return [
        verdict(result),
        *[s for s in needed(result) if s.startswith("B6,")],
        *descent(result)[-1:],
        *stalls(result)[:models],
        *constrained(result)[:models],
    ]


def brief(result: BeyondConvex) -> Brief:
    """A row for each bound: on how many checks it holds, or would be false without its hypothesis."""
    bent = [e for e in result.entries if not e.convex]
    rows = []
    for bound in NEED_CONVEXITY:
        false, holds = asked(bent, bound, "false"), asked(bent, bound, "holds")
        if false + holds:
            rows.append([bound, "f not convex", f"would be false on {false:,} of {false + holds:,} runs"])
    for label, bound, verified, violated, _, judged, _, _ in verdicts(result):
        unit = "runs" if bound == "B10" else "steps"
        broken = f", violated on {violated}" if violated else ""
        rows.append([bound, label, f"verified on {verified:,} of {judged:,} {unit}{broken}"])
    open_ = any(inconclusive for *_, inconclusive, _, _, _ in verdicts(result))
    rest = (
        " A step or run that is not verified is inconclusive: its sides differ by less than rounding." if open_ else ""
    )
    meaning = (
        "B3, B6, B6b, B6c and B8 need a convex f and are NOT APPLICABLE without one; the table counts where their "
        f"inequality would be false.{rest}"
    )
    return Brief((verdict(result), meaning), ("bound", "where", "result"), rows)
