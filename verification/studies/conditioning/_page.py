"""The page and the table of a result, and the study that they belong to."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ...pages.blocks import Block, Figure, Folded, Notes, Section, Sentences, Table, Text
from ...pages.text import DASH, number
from ..framework import Study
from . import _failures, _figure, _sentences
from ._causes import CAUSES
from ._invariance import Invariance
from ._methods import METHODS
from ._run import Conditioning, Settings, conditioning, quick

_DIVERGED = (
    "A triangle at the upper edge of the lower row: a run diverges or ends above F(x_0). Where there is no point in "
    "the upper row, a run has not converged within {} steps."
)
_METHODS = (
    "Proved: B14 for frozen scalars on quadratics, B12, and the steps that B9 and B3 promise a gradient step. "
    "Measured: everything of runs. F* is certified, each interval within a hundredth of the gap asked for; runs in "
    "float32 are judged in float64 on data that were not rounded. The condition number is that of the Hessian's "
    "non-zero eigenvalues: of LASSO, of A'A. Bounds use the true L, whatever L the optimizer sees; it sees c L, with "
    "L as float64 knows it, in both precisions. The evidence of each failed run is in conditioning.csv."
)


def sections(result: Conditioning) -> list[Section]:
    """The page."""
    settings = result.settings
    models = (
        f"The models were trained on LASSO problems of 20 rows and 40 columns; other gradient maps and scalings of Q "
        f"run the weights that were trained under the default, and quadratics are out of distribution for all of them. "
        f"{settings.instances} instances at each point."
    )
    kappa = [*_sentences.condition_number(result), _sentences.precision(result)]
    head = ["method", "family", "all runs converge for c in", "a run is unstable for c in"]
    by_method = Table("By method", head, _sentences.declared_rows(result))
    return [
        Section("answer", "Answer", "What the runs say", _answer(result)),
        Section("failures", "Failures", "Which runs fail, and why", _fail(result)),
        Section("stability", "Stability", "The stability boundary", _stability(result)),
        Section("kappa", "Condition number", "The condition number", (_along(result, "kappa"), Sentences(kappa))),
        Section("L", "Size of L", "The size of L", _size(result)),
        Section("declared", "Wrong L", "A wrongly declared L", (_along(result, "c"), by_method)),
        Section("methods", "Methods", "Methods", (Text(_METHODS), Text(models))),
    ]


def _answer(result: Conditioning) -> list[Block]:
    headline = [Text(s, strong=i == 0) for i, s in enumerate(_sentences.headline(result))]
    return [*headline, Text(_sentences.verdict(result)), Sentences(result.broken, bullets=True)]


def _fail(result: Conditioning) -> list[Block]:
    settings, causes = result.settings, list(CAUSES)
    by_axis = [
        [row["axis"], row["dtype"], row["runs"], row["failed"], *[row[c] for c in causes]]
        for row in _failures.failures(result)
    ]
    by_method = []
    for name in settings.methods:
        cells = result.select(method=name)
        failures = result.failures(cells)
        by_method.append([name, sum(len(c.causes) for c in cells), *[failures[c] for c in causes], METHODS[name]])
    notes = (
        f"A run fails where F - F* is not at most {number(settings.eps)} of the initial gap within "
        f"{number(settings.steps)} "
        f"steps. The centre is on several axes."
    )
    meanings = [Markup("<b>{}</b>: {}.").format(c, _failures.MEANING[c]) for c in causes]
    return [
        Table("Failures by axis", ["axis", "floats", "runs", "failed", *causes], by_axis),
        Notes(notes),
        Sentences(meanings, bullets=True),
        Markup("<h3>In words</h3>"),
        Sentences(_failures.in_words(result), bullets=True),
        Text(_failures.unexplained(result)),
        Table("Failures by method", ["method", "runs", *causes, "what it is"], by_method),
    ]


def _stability(result: Conditioning) -> list[Block]:
    between = _sentences.ends_in_words
    survivors = [
        [s.name, s.r, s.q, s.b, s.kappa, between(s.predicted, s.none_predicted), between(s.observed, s.none_observed)]
        for s in result.survivors
    ]
    return [
        Figure(
            _figure.stability(result),
            "f-stability",
            "Stability: B14 and rollouts",
            "Grids of frozen R L and Q: where rollouts grow, and the boundary that B14 predicts.",
            "Frozen scalars on quadratics with curvatures from L/kappa to L, over "
            f"{number(result.settings.map_steps)} steps. Each panel has {result.settings.map_r} x "
            f"{result.settings.map_q} rollouts: grey where they grow, white where they decay. Black: the boundary of "
            "B14, drawn from the catalogue. Each model is at its medians, in the row of the nearest B.",
        ),
        Sentences(_sentences.models(result)),
        Figure(
            _figure.heads(result),
            "f-heads",
            "Where the models are",
            "For each model the share of its steps by R L and Q.",
            "A step for each coordinate, of all runs of the model. Frozen coefficients are no proof for varying ones.",
        ),
        Markup("<h3>With which wrong L runs converge</h3>"),
        Table(
            "The c with which runs converge",
            ["scalars", "r", "Q", "B", "kappa", "c by B14", "c in rollouts"],
            survivors,
        ),
        Notes(
            "A declared c L divides r by c. c from 0.1 to 10 on a grid; an end that is not within is left out. Models: "
            "medians of their heads, frozen."
        ),
    ]


_ALONG = {
    "kappa": ("the condition number", "the condition number, in both precisions"),
    "L": ("the size of L", "L, by gradient map and scaling of Q"),
    "c": ("a wrong L", "the factor between the declared L and the true one, by map and scaling of Q"),
}


def _along(result: Conditioning, axis: str) -> Figure:
    """The figure of an axis."""
    settings, (title, words) = result.settings, _ALONG[axis]
    return Figure(
        _figure.along(result, axis),
        f"f-{axis}",
        f"Against {title}",
        f"Iterations and the gap at the end against {words}.",
        f"{_DIVERGED.format(number(settings.steps))} kappa = {number(settings.central_kappa)}, L = "
        f"{number(settings.central_L)}, c = 1 where not said otherwise.",
    )


def _size(result: Conditioning) -> list[Block]:
    head = [
        "configuration", "floats", "B12: sees L", "measured", "units of rounding", "bit by bit in the asked range",
        "bit by bit from L to L", "the same run from L to L",
    ]  # fmt: skip
    return [
        _along(result, "L"),
        Sentences(_sentences.size_of_L(result)),
        Folded("Every configuration", (Table("Invariance", head, [_invariant(i) for i in result.invariances]),)),
    ]


def _invariant(i: Invariance) -> list[Any]:
    return [
        i.name,
        i.dtype,
        "no" if i.expected else "yes",
        "no" if i.blind else "yes",
        number(i.roundings) if i.blind else DASH,
        "yes" if i.exact else "no",
        f"{number(i.exact_from)} to {number(i.exact_to)}",
        f"{number(i.same_from)} to {number(i.same_to)}",
    ]


STUDY = Study(
    name="conditioning",
    title="Conditioning and the size of L",
    heading="Does it need tuning for a large L, or an ill-conditioned problem?",
    question="Is gradient-only feature construction unstable, or does it need tuning, for a very large L or an "
    "ill-conditioned problem?",
    settings=Settings,
    quick=quick,
    run=lambda settings, context: conditioning(settings, context.progress),
    sections=sections,
    rows=lambda result: [cell.to_dict() for cell in result.cells],
    printed=("family", "axes", "method", "dtype", "kappa", "L", "c", "grew", "promised"),
    lines=_sentences.lines,
    headline=_sentences.headline,
    brief=_sentences.brief,
    figures=_figure.figures,
)
