"""What the pages of results share: one skeleton, one style, and how numbers and figures get into them.

A page is a list of sections of `blocks`, or a template that extends `page.html` and fills its `main` block;
`parts.html` holds tables and figures. The pages are self-contained, need no server, and equal results give equal bytes.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from matplotlib.figure import Figure

from ...l2o.support.files import write_bytes
from .figure_export import file_bytes, inline_svg
from .text import number, percent, printable

_HERE = Path(__file__).parent
STYLE = _HERE / "style.css"
"""The style sheet of every page."""


def render(folder: Path, name: str, *, title: str, contents: Mapping[str, str], **values: Any) -> str:
    """The template `name` in `folder`, which extends page.html: `title`, and links to the sections of `contents`.

    `contents` maps the id of each section to its name. Undefined names in a template are errors, and characters that no
    HTML file may hold are replaced in every text but markup.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else printable(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent}
    style = Markup(STYLE.read_text(encoding="utf-8"))
    return environment.get_template(name).render({"created": "", **values}, title=title, contents=contents, style=style)


def figure_view(
    figure: Figure, prefix: str, title: str, words: str, notes: str = "", drawn: bytes | None = None
) -> dict[str, Any]:
    """A figure for the `figure` macro: an `<svg>` whose ids begin with `prefix`, read out as `words`.

    `drawn` is its SVG file where there is one.
    """
    svg = Markup(inline_svg(drawn or file_bytes(figure, "svg"), prefix, title, words))
    return {"title": title, "svg": svg, "notes": notes, "finding": "", "files": ()}


def write_figure(figure: Figure, stem: Path) -> list[Path]:
    """The figure as `stem`.svg and `stem`.pdf; equal figures give equal bytes."""
    return [write_bytes(stem.with_name(name), data) for name, data in figure_files(figure, stem.name).items()]


def figure_files(figure: Figure, stem: str) -> dict[str, bytes]:
    """The same as contents of files, by their names."""
    return {f"{stem}.{kind}": file_bytes(figure, kind) for kind in ("svg", "pdf")}


def json_bytes(data: Mapping[str, Any]) -> bytes:
    """Strict JSON (no NaN)."""
    return (json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def write_json(data: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Strict JSON (no NaN), written atomically."""
    return write_bytes(Path(path), json_bytes(data))


def csv_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each row; lists are joined by spaces, texts by semicolons, and what there is not is empty."""
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _field(value) for name, value in row.items()})
    return text.getvalue()


def _field(value: Any) -> Any:
    if value is None:
        return ""
    if not isinstance(value, (list, tuple)):
        return value
    words = any(isinstance(v, str) for v in value)
    return ("; " if words else " ").join("-" if v is None else str(v) for v in value)
