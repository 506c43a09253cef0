"""Formulas as drawings: LaTeX through matplotlib's mathtext, without fonts or scripts on the page."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Sequence
from typing import Any

from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath, text_to_path

_SIZE = 13  # points


@functools.cache  # the same formulas stand on every page of a process, and each takes a fifth of a second
def formula_svg(latex: str, name: str | None = None) -> str | None:
    """The formula as an `<svg>` element in the colour of the text, None if it is beyond matplotlib's mathtext.

    Args:
        latex: The formula.
        name: Where given, letters are elements of their own whose ids begin with it, which `compact` makes small.
    """
    font = FontProperties(math_fontfamily="stix", size=_SIZE)
    text = f"${_mathtext(latex)}$"
    try:
        path = TextPath((0, 0), text, size=_SIZE, prop=font)
    except (ValueError, RuntimeError):
        return None
    if not len(path.vertices):
        return None
    box = path.get_extents()
    left, top, width, height = box.x0 - 1, -box.y1 - 1, box.width + 2, box.height + 2
    if name is None:
        drawn = f'<path fill="currentColor" d="{_data(path, 1.0)}"/>'
    else:
        drawn = _letters(name, *text_to_path.get_glyphs_mathtext(font, text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="formula" role="img" aria-label="{html.escape(latex)}" '
        f'viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}" style="width:{width:.1f}pt">'
        f"<title>{html.escape(latex)}</title>{drawn}</svg>"
    )


def _data(path: Path, flip: float) -> str:
    """The data of a path; with `flip` = 1 upside down, as drawings have it."""
    commands = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        letter = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}[int(code)]
        turned = [f"{v if i % 2 == 0 else (-v if flip else v):.2f}" for i, v in enumerate(points)]
        commands.append("Z" if letter == "Z" else letter + " ".join(turned))
    return "".join(commands)


def _letters(name: str, glyphs: Sequence[Any], outlines: dict[str, Any], bars: Sequence[Any]) -> str:
    """The formula as letters and bars, in the form of a text of a figure."""
    scale = _SIZE / text_to_path.FONT_SCALE
    defs = "".join(
        f'<path id="{name}-{key}" d="{_data(Path(*outline), 0.0).replace("Z", "z")}"/>'
        for key, outline in outlines.items()
    )
    uses = "".join(
        f'<use href="#{name}-{key}" transform="translate({float(x)} {float(y)})'
        + (f" scale({size})" if size != 1 else "")
        + '"/>'
        for key, x, y, size in glyphs
    )
    lines = "".join(f'<path d="{_data(Path(*bar), 0.0).replace("Z", "z")}"/>' for bar in bars)
    return (
        f'<g id="{name}-figure_1" fill="currentColor"><g transform="scale({scale:g} {-scale:g})">'
        f"<defs>{defs}</defs>{uses}{lines}</g></g>"
    )


def _mathtext(latex: str) -> str:
    """LaTeX in the words that mathtext knows; fractions outside of braces in display size."""
    latex = re.sub(r"\\[td]?frac(\w)(\w)", r"\\frac{\1}{\2}", latex.replace(r"\textstyle", ""))
    for pattern, word in [(r"\\le(?![a-zA-Z])", r"\\leq"), (r"\\ge(?![a-zA-Z])", r"\\geq"), (r"\\[td]frac", r"\\frac")]:
        latex = re.sub(pattern, word, latex)
    latex = re.sub(r"\\[lr]Vert(?![a-zA-Z])", r"\\Vert ", latex)
    latex = re.sub(r"'_(\{[^{}]*\}|\w)", r"_\1^{\\prime}", latex)  # the prime above the index, not before it
    depth, pieces = 0, []
    for token in re.findall(r"\\[a-zA-Z]+|\\.|.", latex, flags=re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        pieces.append(r"\dfrac" if token == r"\frac" and depth == 0 else token)
    return "".join(pieces)
