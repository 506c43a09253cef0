"""What the numbers say, in plain words, and how far each statement goes."""

from __future__ import annotations

from collections.abc import Sequence

from ...pages.text import count, join, number, percent
from ..framework import Brief
from ._causes import CAUSES, CONDITIONING, INSTABILITY, WRONG_L
from ._cells import Cell
from ._failures import in_words, unexplained
from ._heads import SHIPPED
from ._methods import GO_MATH, PLAIN
from ._points import DTYPES, FLOAT32, FLOAT64
from ._run import Conditioning


def verdict(result: Conditioning) -> str:
    """Whether theory and runs disagree anywhere."""
    clear, points = sum(int(m.clear.sum()) for m in result.maps), sum(m.clear.size for m in result.maps)
    off = sum(len(m.disagreements) for m in result.maps)
    words = (
        f"Stability: {off} disagreements between B14 and rollouts at {number(clear)} of {number(points)} grid points. "
        f"The other points are within {number(result.settings.margin)} of the boundary and are not compared. "
    )
    if result.broken:
        return words + f"{count(len(result.broken), 'disagreement')} of theory and runs in all."
    return words + "No run contradicts a promise of B9 or B3, an end of a stable range of c, or a row of B12."


def headline(result: Conditioning) -> list[str]:
    """The question of the paper in a few sentences, for GO-Math-L2O as it is by default."""
    sentences = []
    displacement = [i for i in result.invariances if i.expected and "displacement" in i.name]
    along = result.select("L", method=GO_MATH)
    failed_runs = sum(c.failed for c in along)
    blind = bool(displacement) and all(i.blind for i in displacement)
    if along:
        runs, tail_of_L = sum(len(c.causes) for c in along), " and depends on L by rounding alone" if blind else ""
        if failed_runs:
            tail_of_L += f": the same ones at each L ({_why(along)})" if _alike(along) else f" ({_why(along)})"
        sentences.append(
            f"The size of L {'needs no tuning' if blind and _alike(along) else 'does matter'}: from L = "
            f"{number(min(result.settings.Ls))} to {number(max(result.settings.Ls))}, in both precisions, the default "
            f"of GO-Math-L2O fails in {failed_runs} of {runs} runs{tail_of_L}."
        )
        unscaled = [i.name for i in result.invariances if i.dtype == FLOAT64 and "GO-Math" in i.name and not i.blind]
        if unscaled:
            sentences.append(
                f"Gradient-only features alone do not ensure this. With the same features, {len(unscaled)} of the "
                f"other gradient maps and scalings of Q depend on L, by the units of their history weight (B12)."
            )
    causes = result.failures(result.select("kappa", method=GO_MATH))
    failed = sum(causes.values())
    runs = sum(len(c.causes) for c in result.select("kappa", method=GO_MATH))
    if runs:
        named = f" ({join([f'{n} {cause}' for cause, n in causes.items() if n])})" if failed else ""
        tail = ""
        if failed and causes[CONDITIONING] == failed:
            tail = ". Ill-conditioning costs steps, and causes neither instability nor loss of precision"
        sentences.append(
            f"Condition numbers from {number(min(result.settings.kappas))} to {number(max(result.settings.kappas))}: "
            f"{failed} of {runs} runs of the default have not converged within {number(result.settings.steps)} "
            f"steps{named}{tail}."
        )
    stable = [
        f"{family} down to {number(_least_stable(result, family, GO_MATH))} (a gradient step "
        f"{number(_least_stable(result, family, PLAIN))})"
        for family in result.settings.families
        if result.select("c", family=family, method=GO_MATH)
    ]
    if stable:
        along_c = result.select("c", method=GO_MATH)
        hurt = any(c.c < 1 and INSTABILITY in c.causes for c in along_c)
        slow = any(c.c > 1 and WRONG_L in c.causes for c in along_c)
        sentences.append(
            f"{'An L that is declared too small does harm. Of' if hurt else 'A wrong L: of'} the factors "
            f"{_listed(result.settings.cs)} the default is stable on {join(stable)}."
            + (" An L that is declared too large costs steps." if slow else "")
        )
    return sentences


def _alike(cells: Sequence[Cell]) -> bool:
    """Whether the same runs fail at each L, in each precision by itself."""
    outcomes: dict[tuple[str, str], set[tuple[bool, ...]]] = {}
    for c in cells:
        outcomes.setdefault((c.family, c.dtype), set()).add(tuple(cause is None for cause in c.causes))
    return all(len(same) == 1 for same in outcomes.values())


def _why(cells: Sequence[Cell]) -> str:
    """The causes of the failures, counted."""
    causes = [cause for c in cells for cause in c.causes if cause]
    return join([f"{causes.count(cause)} {cause}" for cause in CAUSES if cause in causes])


def _most(cells: Sequence[Cell]) -> str:
    """The cause of most failures, with their number; empty where no run fails."""
    causes = [cause for c in cells for cause in c.causes if cause]
    most = max(CAUSES, key=causes.count)
    return f"{most} ({causes.count(most)})" if causes else ""


def _least_stable(result: Conditioning, family: str, name: str) -> float | None:
    """The smallest c of the axis from which on no run of a method is unstable; None if it is so at the largest."""
    least = None
    for c in sorted(result.select("c", family=family, method=name, dtype=FLOAT64), key=lambda cell: -cell.c):
        if INSTABILITY in c.causes:
            break
        least = c.c
    return least


def size_of_L(result: Conditioning) -> list[str]:
    """Which methods depend on the size of L, and where the constants against division by zero change a run."""
    low, high = number(min(result.settings.Ls)), number(max(result.settings.Ls))
    sentences = []
    for dtype in DTYPES:
        tried = [i for i in result.invariances if i.dtype == dtype]
        blind = [i for i in tried if i.blind]
        sees = [i.name for i in tried if not i.blind]
        default = next((i for i in blind if i.expected and "displacement" in i.name), None)
        words = f"{dtype}: {len(blind)} of {len(tried)} configurations do not depend on L between {low} and {high}"
        if default is not None:
            words += (
                f". The default of GO-Math-L2O differs by at most {number(default.roundings)} units of rounding at "
                f"powers of 10. At powers of 4 it is {'' if default.exact else 'not '}equal bit by bit; it is so from "
                f"L = {number(default.exact_from)} to {number(default.exact_to)}"
            )
        sentences.append(f"{words}. Those that depend on L: {join(sees, 12) or 'none'}.")
    for dtype in DTYPES:
        g = result.guards[dtype]
        bites = [i for i in result.invariances if i.dtype == dtype and i.blind and not i.exact]
        words = (
            f"Small constants that guard divisions begin to matter in {dtype}, by theory, at these L: the divisor "
            f"r + 1e-20 of the standard and recurrent map from about {number(g['divisor_above'])}, that of the step "
            f"above {number(g['step_above'])}, that of the features below {number(g['features_below'])}. Squares "
            f"overflow above {number(g['squares_overflow_above'])} and underflow below "
            f"{number(g['squares_underflow_below'])}."
        )
        if bites:
            worst = max(i.roundings or 0.0 for i in bites)
            words += (
                f" So {join([i.name for i in bites])} {'is' if len(bites) == 1 else 'are'} not equal bit by bit in the "
                f"range of L above; the difference is up to {number(worst)} units of rounding, which is harmless."
            )
        sentences.append(words)
    failed = result.select("L", method=GO_MATH)
    if failed:
        failed_runs = sum(c.failed for c in failed)
        steps = {c.iterations for c in failed if c.dtype == FLOAT64 and c.family == failed[0].family}
        same = "with the same iterations at each L" if len(steps) == 1 else "with other iterations at some L"
        sentences.append(
            f"Over the sizes of L the default fails in {failed_runs} of {sum(len(c.causes) for c in failed)} runs "
            f"({same} on {failed[0].family}); {_others(result)}."
        )
    return sentences


def _others(result: Conditioning) -> str:
    rows = []
    for name in result.settings.methods:
        chosen = result.select("L", method=name, dtype=FLOAT64)
        failed_runs = sum(c.failed for c in chosen)
        if name != GO_MATH and failed_runs:
            rows.append(f"{name} in {failed_runs} of {sum(len(c.causes) for c in chosen)}")
    return "in float64 " + join(rows, 12) if rows else "no other method fails there"


def condition_number(result: Conditioning) -> list[str]:
    """Iterations against kappa, and what stops there."""
    sentences = []
    for family in result.settings.families:
        words = []
        for name in (GO_MATH, "l2o-pa", PLAIN, "fista-restart"):
            chosen = sorted(result.select("kappa", family=family, method=name, dtype=FLOAT64), key=lambda c: c.kappa)
            if not chosen:
                continue
            first = next((c for c in chosen if c.failed), None)
            grew = sum(c.grew for c in chosen)
            solved = [c for c in chosen if c.median is not None]
            text = f"{name} "
            text += f"fails first at {number(first.kappa)}" if first else "converges at every kappa"
            if solved:
                text += f" ({number(solved[-1].median)} steps at {number(solved[-1].kappa)})"
            words.append(text + (f", {count(grew, 'run')} growing" if grew else ", none growing"))
        if words:
            sentences.append(f"Condition number, {family}: {'; '.join(words)}.")
    return sentences


def precision(result: Conditioning) -> str:
    """Which runs converge in one precision only."""
    single = [c for c in result.cells if c.dtype == FLOAT32]
    double = {(c.family, c.method, c.point): c for c in result.cells if c.dtype == FLOAT64}
    pairs = [(a, b) for c in single for a, b in zip(c.iterations, double[c.family, c.method, c.point].iterations)]
    only_double = sum(a is None and b is not None for a, b in pairs)
    won = sum(a is not None and b is None for a, b in pairs)
    return (
        f"Precision: {number(len(pairs))} runs were made in both precisions. {only_double} of them reach "
        f"{number(result.settings.eps)} of the initial gap in float64 only, and {won} in float32 only."
    )


def wrong_L(result: Conditioning) -> list[str]:
    """At which factors c of the declared L runs are stable: theory, frozen rollouts, models."""
    sentences = []
    rows = [s for s in result.survivors if s.kappa == max(result.settings.map_kappas)]
    words = [
        f"{s.name} (r = {number(s.r)}, Q = {number(s.q)}, B = {number(s.b)}): "
        f"{ends_in_words(s.predicted, s.none_predicted)}, observed {ends_in_words(s.observed, s.none_observed)}"
        for s in rows
    ]
    kappa = number(max(result.settings.map_kappas))
    sentences.append(f"Frozen scalars with a declared L of c L, kappa = {kappa}, are stable for c: {'; '.join(words)}.")
    for name, family, there, unstable in declared_rows(result):
        if name in (GO_MATH, "l2o-pa", PLAIN, "fista-restart"):
            sentences.append(
                f"{name} with a declared L of c L, {family}: converges for c in {there}, unstable for c in {unstable}."
            )
    return sentences


def declared_rows(result: Conditioning) -> list[tuple[str, str, str, str]]:
    """For each method and family: the c at which all runs converge, and those at which one is unstable."""
    rows = []
    for name in result.settings.methods:
        for family in result.settings.families:
            chosen = sorted(result.select("c", family=family, method=name, dtype=FLOAT64), key=lambda c: c.c)
            converging, unstable = (
                [c.c for c in chosen if not c.failed],
                [c.c for c in chosen if INSTABILITY in c.causes],
            )
            rows.append((name, family, _listed(converging), _listed(unstable)))
    return rows


def ends_in_words(ends: tuple[float | None, float | None], none: bool) -> str:
    """The range of c between two ends; one that is None is not within what was tried."""
    if none:
        return "none"
    low, high = ends
    if low is None and high is None:
        return "all tried"
    below, above = None if low is None else f"from {number(low)}", None if high is None else f"up to {number(high)}"
    return " ".join(word for word in (below, above) if word)


def _listed(values: Sequence[float]) -> str:
    return "{" + ", ".join(number(v) for v in values) + "}" if values else "none"


def models(result: Conditioning) -> list[str]:
    """Where the heads of the shipped models are."""
    sentences = []
    for model in dict.fromkeys(h.model for h in result.heads):
        rows = [h for h in result.heads if h.model == model]
        runs, grew = sum(h.instances for h in rows), sum(h.grew for h in rows)
        outside = [h.outside for h in rows]
        spread = " to ".join(dict.fromkeys(percent(v) if v else "0 %" for v in (min(outside), max(outside))))
        sentences.append(
            f"{model}: medians R L {_span([h.r[1] for h in rows])}, Q {_span([h.q[1] for h in rows])}, B "
            f"{_span([h.b[1] for h in rows])}; {spread} of its steps (one for each coordinate) are outside of the "
            f"frozen region of large condition numbers, and {grew} of {runs} runs end above F(x_0)."
        )
    sentences.append(
        "Stability with frozen coefficients proves nothing for varying ones. The next step may undo one that is "
        "outside of the region, and steps that are each inside may still grow together."
    )
    edge = [h for h in result.heads if h.model == SHIPPED and h.family == "quadratic"]
    frozen = [s for s in result.survivors if s.name == f"{SHIPPED} on quadratic" and s.predicted[0] is not None]
    if edge and frozen and all(h.r[1] > 1.9 for h in edge):
        sentences.append(
            f"The shipped model for lasso makes steps of nearly 2/L, the largest that its head can. On quadratics such "
            f"steps are unstable for c below {number(frozen[-1].predicted[0])}, by B14. The cause is the length of the "
            f"step and not the history, whose Q is {number(edge[-1].q[1])}."
        )
    return sentences


def _span(values: Sequence[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"


def lines(result: Conditioning) -> list[str]:
    """Everything, as the console shows it."""
    return [
        *headline(result),
        verdict(result),
        *size_of_L(result),
        *condition_number(result),
        precision(result),
        *wrong_L(result),
        *models(result),
        *in_words(result),
        unexplained(result),
    ]


def brief(result: Conditioning) -> Brief:
    """A row for each axis: how many runs of the default of GO-Math-L2O fail on it, and why."""
    rows = []
    for axis, label, values in (
        ("L", "L", result.settings.Ls),
        ("kappa", "condition number", result.settings.kappas),
        ("c", "declared L / L", result.settings.cs),
    ):
        for name in (GO_MATH, PLAIN):
            cells = result.select(axis, method=name)
            runs = sum(len(c.causes) for c in cells)
            if runs:
                failed = sum(c.failed for c in cells)
                span = f"{number(min(values))} to {number(max(values))}"
                rows.append([f"{label}, {span}", name, f"{failed} of {runs}", _most(cells)])
    finding = "CONTRADICTED: theory and runs disagree." if result.broken else "No run contradicts the theory."
    return Brief((finding, *headline(result)[:1]), ("what varies", "method", "runs fail", "mostly of"), rows)
