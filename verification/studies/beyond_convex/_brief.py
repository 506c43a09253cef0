"""The answer in brief, and the figures that show it, for a page of several questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _figure, _sentences
from ._methods import TRAINED
from ._run import BeyondConvex

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def headline(result: BeyondConvex) -> list[str]:
    """What survives, what fails by which inequality, where trained models come to rest, and what they do on sets."""
    shown = len(TRAINED)
    return [
        _sentences.verdict(result),
        *[s for s in _sentences.needed(result) if s.startswith("B6,")],
        *_sentences.descent(result)[-1:],
        *_sentences.stalls(result)[:shown],
        *_sentences.constrained(result)[:shown],
    ]


def figures(result: BeyondConvex) -> dict[str, Figure]:
    """The counter-examples and stationarity, by name."""
    return {
        "counter-examples": _figure.counterexamples(result.counterexamples),
        "stationarity": _figure.stationarity(result),
    }
