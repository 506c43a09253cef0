"""The contract of a study: what it has to say of itself, and what is made of that."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from markupsafe import Markup
from matplotlib.figure import Figure

from ... import pages
from ...pages.blocks import Folded, Section, page
from ...pages.latex import latex_rows
from ...support.paper_styles import drawn_in
from ...support.plain import plain
from ...support.together import write_together

SENTENCES = 3
"""Of the headline that a verb prints where a study has no `brief`."""
Progress = Callable[[int, int, str], None]
"""Called with what is done, of how much, and what comes next."""


def silent(done: int, total: int, what: str) -> None:
    """Progress that nobody watches."""


@dataclass
class Counter:
    """Progress by pieces of work: tells what comes next, which counts as `step` pieces of `total`."""

    progress: Progress
    total: int
    done: int = 0

    def __call__(self, what: str, step: int = 1) -> None:
        """`what` begins."""
        self.progress(min(self.done, self.total), self.total, what)
        self.done += step


@dataclass(frozen=True)
class Context:
    """What a study is run with beside its settings.

    `progress` is called with how far the study is. `store` is a folder where what takes long may be kept for a later
    call with other settings; None keeps nothing.
    """

    progress: Progress = silent
    store: Path | None = None


class Result(Protocol):
    """What a study gives back: its settings, when it was made, what is broken, and all of it as plain numbers."""

    @property
    def settings(self) -> Any:
        """Those that it was run with."""

    @property
    def created(self) -> str:
        """When it was made."""

    @property
    def broken(self) -> Sequence[Any]:
        """What contradicts a proved statement: a defect of theory or program; there should be nothing."""

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings (JSON)."""


@dataclass(frozen=True)
class Brief:
    """The answer of a study as its verb prints it.

    Attributes:
        sentences: The main finding in two or three sentences.
        columns: The heads of a small table.
        rows: As many texts as there are heads in each; the most important row first, best no more than twelve.
    """

    sentences: Sequence[str]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


S = TypeVar("S")
R = TypeVar("R", bound=Result)


@dataclass(frozen=True, eq=False, kw_only=True)
class Study(Generic[S, R]):
    """A question, how it is answered, and how the answer is shown.

    Args:
        name: Of its files and of its verb.
        title: Of its page.
        question: What it asks.
        heading: The first line of its page; the question if empty.
        settings: The type of its settings, a frozen dataclass with `seed`.
        quick: Settings of a smaller version of the same question.
        run: The answer to settings.
        sections: The page of a result. The settings are folded below the last section.
        rows: The table of a result, a mapping for each row; all have the same keys.
        printed: The keys of these that its LaTeX has, which a reader of a paper looks for; all of them if empty.
        lines: All that a result says, in sentences.
        headline: The same in brief.
        figures: What shows the answer, by name.
        brief: What the verb prints; the first sentences of the headline if None.
        in_words: An entry of `broken` in words.
    """

    name: str
    title: str
    question: str
    settings: Callable[..., S]
    quick: Callable[[S], S]
    run: Callable[[S, Context], R]
    sections: Callable[[R], Sequence[Section]]
    rows: Callable[[R], Sequence[Mapping[str, Any]]]
    lines: Callable[[R], Sequence[str]]
    headline: Callable[[R], Sequence[str]]
    figures: Callable[[R], Mapping[str, Figure]]
    heading: str = ""
    brief: Callable[[R], Brief] | None = None
    in_words: Callable[[Any], str] = str
    printed: Sequence[str] = ()

    def render(self, result: R) -> str:
        """The page; equal results give equal bytes."""
        *sections, last = self.sections(result)
        text = json.dumps(plain(result.settings), indent=2, ensure_ascii=False)
        folded = Folded("Settings", (Markup("<pre>{}</pre>").format(text),))
        sections.append(replace(last, blocks=(*last.blocks, folded)))
        return page(self.title, sections, heading=self.heading or self.question, created=result.created)

    def briefly(self, result: R) -> Brief:
        """What the verb prints.

        Args:
            result: The answer to the question.

        Returns:
            The finding and a small table.
        """
        return Brief(tuple(self.headline(result))[:SENTENCES]) if self.brief is None else self.brief(result)

    def write(self, result: R, folder: str | os.PathLike[str], *, style: str | None = None) -> Path:
        """Write the numbers as JSON, the rows as CSV and LaTeX and the page, by the name of the study.

        Args:
            result: Of the study.
            folder: Where the files go.
            style: For which place figures are sized, as `support.paper_styles` names them; None is the current style.

        Returns:
            The path of the page.

        Raises:
            InputError: There is no such style.
        """
        with drawn_in(style):
            return self._write(result, folder)

    def _write(self, result: R, folder: str | os.PathLike[str]) -> Path:
        data = {**result.to_dict(), "sentences": list(self.lines(result))}
        rows = self.rows(result)
        files = {
            f"{self.name}.json": pages.json_bytes(data),
            f"{self.name}.csv": pages.csv_table(rows).encode(),
            f"{self.name}.tex": latex_rows(rows, self.question, self.name, columns=self.printed).encode(),
        }
        for name, figure in self.figures(result).items():
            files |= pages.figure_files(figure, f"{self.name}-{name}")
        # the page draws figures of its own: one that has been saved is laid out anew, and slightly otherwise
        files[f"{self.name}.html"] = self.render(result).encode()
        write_together(folder, files)
        return Path(folder) / f"{self.name}.html"


def chosen(entries: Iterable[Any], **fields: Any) -> tuple[Any, ...]:
    """The entries whose fields have these values."""
    return tuple(e for e in entries if all(getattr(e, name) == value for name, value in fields.items()))


def now() -> str:
    """When a result was made."""
    return datetime.now(UTC).isoformat(timespec="seconds")
