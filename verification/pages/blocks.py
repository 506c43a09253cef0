"""What a page consists of: sections of paragraphs, tables, figures and what is folded, drawn by one template.

A text is escaped unless it is `markupsafe.Markup`; a `Markup` may also stand where a block does, for what no block is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib import figure as drawing

from . import figure_view, render


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Notes:
    """A paragraph below a table or figure that says how to read it."""

    text: str


@dataclass(frozen=True)
class Sentences:
    """A paragraph for each of `lines`, or with `bullets` a list of them."""

    lines: Sequence[str]
    bullets: bool = False


@dataclass(frozen=True)
class Table:
    """Rows below a `head`; the first cell of a row is its heading, and a cell that is no text is a number.

    `label` is what the table is called where it is not seen.
    """

    label: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure with its `title`; it is read out as `words`, and `notes` are written below it.

    The ids of its elements begin with `name`, which no other figure of the page may have.
    """

    figure: drawing.Figure
    name: str
    title: str
    words: str
    notes: str = ""

    @property
    def view(self) -> Mapping[str, Any]:
        """What the template shows."""
        return figure_view(self.figure, self.name, self.title, self.words, self.notes)


@dataclass(frozen=True)
class Folded:
    """Blocks below a `summary`, which unfolds them."""

    summary: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    """Blocks below a `heading`; the page links to it as `link`, at #`name`. The section "answer" is framed."""

    name: str
    link: str
    heading: str
    blocks: Sequence[Block] = field(default_factory=tuple)


Block = Text | Notes | Sentences | Table | Figure | Folded | Markup


def hint(value: str, words: str) -> str:
    """A cell that says `words`, where there are any, to who points at it."""
    return Markup('<span title="{}">{}</span>').format(words, value) if words else value


def page(title: str, sections: Sequence[Section], *, heading: str = "", created: str = "") -> str:
    """The page of these sections, below `heading`, or below its title; equal sections give equal bytes."""
    contents = {s.name: s.link for s in sections}
    return render(
        Path(__file__).parent, "blocks.html", title=title, contents=contents, created=created,
        heading=heading or title, sections=sections,
    )  # fmt: skip
