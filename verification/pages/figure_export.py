"""A figure as files for a paper and as an element of a page. Equal figures give equal bytes."""

from __future__ import annotations

import html
import io
import re
import warnings

from matplotlib.figure import Figure
from matplotlib.patheffects import Normal
from matplotlib.text import Text

from .figure_style import GRID, INK, MUTED, SERIES, style

_METADATA = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "ModDate", "Creator", "Producer")),
}
_ENLARGED = 1.35  # a page is read from further away than a paper


def file_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as an "svg" or "pdf" file, without dates; text is drawn as outlines, so no font can be missing."""
    buffer = io.BytesIO()
    texts = figure.findobj(Text) if kind == "pdf" else []
    with style(), warnings.catch_warnings():
        # A label may hold characters that the font lacks; a box in their place is no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        # Text under a path effect is drawn as a path. Embedding subsets of fonts takes three times as long.
        for text in texts:
            text.set_path_effects([Normal()])
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
        for text in texts:
            text.set_path_effects([])
    return buffer.getvalue()


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
        f'style="width:{_ENLARGED * width:g}pt" aria-label="{html.escape(description)}">'
        f"<title>{html.escape(title)}</title>{body}</svg>"
    )
