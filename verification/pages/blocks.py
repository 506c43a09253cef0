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
from .compact import compact


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

    `label` is what the table is called where it is not seen. `groups` is a row above the head: texts, and over how many
    columns each of them stands, the first column left out. `kind` is a class of the style sheet.
    """

    label: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    groups: Sequence[tuple[str, int]] = ()
    kind: str = "known"

    @property
    def firsts(self) -> frozenset[int]:
        """The columns at which a group begins."""
        places, at = [], 1
        for _, width in self.groups:
            places.append(at)
            at += width
        return frozenset(places)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure with its `title`; it is read out as `words`, and `notes` are written below it.

    The ids of its elements begin with `name`, which no other figure of the page may have. `finding` is a sentence above
    the notes that says what the figure shows; `files` are the names of its files. `svg` is the drawing where it was
    made before.
    """

    figure: drawing.Figure
    name: str
    title: str
    words: str
    notes: str = ""
    finding: str = ""
    files: Sequence[str] = ()
    svg: bytes | None = None

    @property
    def view(self) -> Mapping[str, Any]:
        """What the template shows."""
        view = figure_view(self.figure, self.name, self.title, self.words, self.notes, self.svg)
        return view | {"finding": self.finding, "files": self.files}


@dataclass(frozen=True)
class Folded:
    """Blocks below a `summary`, which unfolds them."""

    summary: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Part:
    """Blocks below a smaller `heading` within a section, which links to it as `link`, at #`name`."""

    name: str
    link: str
    heading: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Columns:
    """Blocks beside each other where there is room, and below each other elsewhere."""

    columns: Sequence[Sequence[Block]]


@dataclass(frozen=True)
class Section:
    """Blocks below a `heading`; the page links to it as `link`, at #`name`. The section "answer" is framed.

    A `folded` section shows its heading alone, with the sentence `summary`, until it is opened. `state` is a class of
    the style sheet, of the answer a verdict.
    """

    name: str
    link: str
    heading: str
    blocks: Sequence[Block] = field(default_factory=tuple)
    folded: bool = False
    summary: str = ""
    state: str = ""

    @property
    def parts(self) -> Sequence[Part]:
        """The parts that the section links to."""
        return [block for block in self.blocks if isinstance(block, Part)]


Block = Text | Notes | Sentences | Table | Figure | Folded | Part | Columns | Markup


def hint(value: str, words: str) -> str:
    """A cell that says `words`, where there are any, to who points at it."""
    return Markup('<span title="{}">{}</span>').format(words, value) if words else value


def page(title: str, sections: Sequence[Section], *, heading: str = "", created: str = "") -> str:
    """The page of these sections, below `heading`, or below its title; equal sections give equal bytes."""
    contents = {s.name: s.link for s in sections}
    text = render(
        Path(__file__).parent, "blocks.html", title=title, contents=contents, created=created,
        heading=heading or title, sections=sections,
    )  # fmt: skip
    return compact(text)
