"""Sizes and fonts of figures for the places they are printed in; reads no plotting library.

Widths are in inches and sizes in points, as the style files of the places have them. A font is one that matplotlib
ships: STIX for text in Times, DejaVu Sans for slides and pages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from ...errors import InputError, suggestion


@dataclass(frozen=True)
class PaperStyle:
    """How wide figures are and how their text is set.

    Attributes:
        name: As it is asked for.
        column: Width of a figure in one column, in inches.
        text: Width of a figure over the whole text, in inches.
        size: Size of text in figures, in points.
        font: The family of text, as matplotlib calls it.
        mathematics: The set of fonts of formulas, as matplotlib calls it.
        words: What it is for.
    """

    name: str
    column: float
    text: float
    size: float
    font: str
    mathematics: str
    words: str

    @property
    def scale(self) -> float:
        """The size of text over that of the style "none", by which margins grow."""
        return self.size / 8.0


STYLES = {
    style.name: style
    for style in (
        PaperStyle("none", 3.4, 7.0, 8.0, "DejaVu Sans", "dejavusans", "pages, and papers of two columns"),
        PaperStyle("neurips", 2.7, 5.5, 8.0, "STIXGeneral", "stix", "one column of 5.5 in, text in Times"),
        PaperStyle("icml", 3.25, 6.75, 8.0, "STIXGeneral", "stix", "two columns of 3.25 in, text in Times"),
        PaperStyle("beamer", 4.0, 5.5, 10.0, "DejaVu Sans", "dejavusans", "slides of 16 : 9, 6.3 in wide"),
    )
}
"""Every style by name."""
_CURRENT: ContextVar[PaperStyle] = ContextVar("paper_style", default=STYLES["none"])


def paper_style(name: str) -> PaperStyle:
    """The style of that name.

    Args:
        name: One of `STYLES`.

    Returns:
        The style.

    Raises:
        InputError: There is none of that name.
    """
    if name not in STYLES:
        raise InputError(f"style: {suggestion(name, STYLES)}expected one of {', '.join(STYLES)}, got {name!r}.")
    return STYLES[name]


def current_style() -> PaperStyle:
    """The style that figures are drawn in at the moment."""
    return _CURRENT.get()


@contextlib.contextmanager
def drawn_in(name: str | None) -> Iterator[PaperStyle]:
    """Figures are drawn and saved in the style of that name while this context is open.

    Args:
        name: One of `STYLES`; None keeps the current one.

    Yields:
        The style.

    Raises:
        InputError: There is none of that name.
    """
    token = _CURRENT.set(_CURRENT.get() if name is None else paper_style(name))
    try:
        yield _CURRENT.get()
    finally:
        _CURRENT.reset(token)
