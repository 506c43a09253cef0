"""What a verb prints for people: a short table, the finding, the files and the next command; the rest on request.

A name is never cut. In a terminal, text is broken between words, and a table that is too wide becomes one block for
each row. In a pipe nothing is broken: a row is a line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .console import console

MOST_ROWS = 12
"""Rows of a table without --verbose."""


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        columns: The heads.
        rows: As many cells as there are heads in each; the most important row first.
        rest: What the rows are that do not fit into `MOST_ROWS`, in the plural.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    rest: str = "rows"


@dataclass(frozen=True)
class Answer:
    """What a verb prints.

    Attributes:
        title: What was asked of what; a line above the table, none if empty.
        table: The numbers; None for none.
        finding: The verdict or the main finding, one or two sentences.
        where: Files that were written, the page first.
        next: What to do next; empty for nothing.
        details: Lines that --verbose adds.
    """

    title: str = ""
    table: Table | None = None
    finding: Sequence[str] = ()
    where: Sequence[Path | str] = ()
    next: str = ""
    details: Sequence[str] = ()


def print_answer(answer: Answer, verbose: bool = False) -> None:
    """Print an answer to standard output.

    Args:
        answer: What is printed.
        verbose: All rows of its table and its details, too.
    """
    print_lines(lines(answer, verbose=verbose))


def print_lines(texts: Sequence[str]) -> None:
    """Print lines; in a terminal they are broken between words."""
    width = _width()
    for text in texts:
        for line in text.split("\n"):
            console.print(_broken(line, width), highlight=False, markup=False, soft_wrap=True)


def lines(answer: Answer, *, verbose: bool = False, width: int | None = None) -> list[str]:
    """The lines of an answer.

    Args:
        answer: What is printed.
        verbose: All rows of its table and its details, too.
        width: Columns of the terminal; that of the console if None.

    Returns:
        Lines, not yet broken to the width but for those of the table.
    """
    printed = [answer.title] if answer.title else []
    if answer.table is not None and answer.table.rows:
        rows = answer.table.rows if verbose else answer.table.rows[:MOST_ROWS]
        printed += table_lines(answer.table.columns, rows, _width() if width is None else width)
        if left := len(answer.table.rows) - len(rows):
            printed.append(f"and {left} more {answer.table.rest}: --verbose prints them.")
    if verbose:
        printed += answer.details
    printed += answer.finding
    if answer.where:
        printed.append(f"Written: {answer.where[0]}{_others(len(answer.where) - 1)}")
    if answer.next:
        printed.append(f"Next: {answer.next}")
    return printed


def _others(count: int) -> str:
    return f", and {count} more file{'s' * (count > 1)}" if count else ""


def table_lines(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """A table as lines: aligned where it fits, else a block for each row.

    Args:
        columns: The heads.
        rows: Cells.
        width: Columns of the terminal; None for a pipe, where every line may be as long as it is.

    Returns:
        Lines without trailing spaces. No cell is cut.
    """
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    if width is None or sum(widths) + 2 * (len(widths) - 1) <= width:
        return [
            "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip()
            for row in (columns, *rows)
        ]
    printed = []
    for first, *others in rows:
        cells = [f"{head} {cell}".strip() for head, cell in zip(columns[1:], others, strict=True) if cell]
        # a number says nothing without its head, and a name needs none
        named = first if any(map(str.isalpha, first)) else f"{columns[0]} {first}"
        printed += [named, *_broken(f"    {'; '.join(cells)}", width).split("\n")]
    return printed


def _broken(text: str, width: int | None) -> str:
    """A line broken between words, never within one; what follows is indented by two more."""
    if width is None or len(text) <= width:
        return text
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.fill(
        text.strip(), max(width, 20), initial_indent=indent, subsequent_indent=f"{indent}  ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _width() -> int | None:
    """Columns of the terminal; None where nobody reads along."""
    return console.width if console.is_terminal else None
