"""A figure as files for a paper and as an element of a page. Equal figures give equal bytes."""

from __future__ import annotations

import html
import io
import logging
import re
import warnings

from matplotlib.figure import Figure

from .figure_labels import LABEL
from .figure_style import ENLARGED, GRID, INK, MUTED, SERIES, style

_METADATA = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "ModDate", "Creator", "Producer")),
}
_PLACE = re.compile(r'\b(d=|x=|y=|points=)"([^"]*)"')
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_LONG = 1000  # characters of a curve with some 40 points or more; a tenth of a point is less than a fifth of a pixel


def file_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as an "svg" or "pdf" file, without dates; equal figures give equal bytes.

    Text of a PDF is text in an embedded font, and can be selected. Text of an SVG is outlines: it looks the same
    everywhere, and what does not touch here touches nowhere.

    Args:
        figure: That is saved, in the style that it was drawn in.
        kind: "svg" or "pdf".

    Returns:
        The contents of the file.
    """
    buffer = io.BytesIO()
    # What cuts fonts down to the letters in use has remarks on their dates.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    with style(), warnings.catch_warnings():
        # A label may hold characters that the font lacks; a box in their place is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
    return compact(buffer.getvalue()) if kind == "svg" else buffer.getvalue()


def compact(data: bytes) -> bytes:
    """An SVG whose coordinates have as many digits as can be seen: hundredths of a point, in long curves tenths.

    Args:
        data: As matplotlib writes it.

    Returns:
        The same drawing in fewer bytes.
    """
    named = re.sub(rf' id="{re.escape(LABEL)}[^"]*"', "", data.decode("utf-8"))  # of no use outside, and not unique
    text = _PLACE.sub(lambda match: f'{match[1]}"{_shorter(match[2])}"', named)
    return re.sub(r"\n[ \t]*", "\n", text).encode("utf-8")


def _shorter(numbers: str) -> str:
    digits = 1 if len(numbers) > _LONG else 2
    rounded = _NUMBER.sub(lambda match: f"{float(match[0]):.{digits}f}".rstrip("0").rstrip("."), numbers)
    joined = " ".join(rounded.split())
    # The command of a line holds for the pairs that follow it, and so does that of a curve.
    return joined if re.search("[CQ]", joined) else re.sub(r"(?<=\d) L(?= ?[-\d])", "", joined)


def inline_svg(data: bytes, prefix: str, title: str, description: str) -> str:
    """The file as an `<svg>` element for a page: ids begin with `prefix`, colours are style-sheet variables."""
    text = re.sub(r"<!--.*?-->|<style.*?</style>|<metadata.*?</metadata>", "", data.decode("utf-8"), flags=re.DOTALL)
    start = text.index("<svg")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text[start : text.index(">", start)])
    body = text[text.index(">", start) + 1 : text.rindex("</svg>")]
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body.replace("xlink:href", "href"))
    body = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", body)
    body = re.sub(r"\n\s*", "\n", body).replace(INK, "currentColor")
    for colour, name in [(MUTED, "muted"), (GRID, "grid"), *((c, f"s{i}") for i, c in enumerate(SERIES, 1))]:
        body = body.replace(colour, f"var(--{name})")
    width, height = (float(side) for side in size.groups()) if size else (504.0, 252.0)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'style="width:{ENLARGED * width:g}pt" aria-label="{html.escape(description)}">'
        f"<title>{html.escape(title)}</title>{body}</svg>"
    )
