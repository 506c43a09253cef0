"""Formulas as drawings: LaTeX through matplotlib's mathtext, without fonts or scripts on the page."""

from __future__ import annotations

import functools
import html
import re

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath


@functools.cache  # the same formulas stand on every page of a process, and each takes a fifth of a second
def formula_svg(latex: str) -> str | None:
    """The formula as an `<svg>` element in the colour of the text, None if it is beyond matplotlib's mathtext."""
    try:
        path = TextPath((0, 0), f"${_mathtext(latex)}$", size=13, prop=FontProperties(math_fontfamily="stix"))
    except (ValueError, RuntimeError):
        return None
    if not len(path.vertices):
        return None
    box = path.get_extents()
    commands = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        letter = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}[int(code)]
        flipped = [f"{v if i % 2 == 0 else -v:.2f}" for i, v in enumerate(points)]
        commands.append("Z" if letter == "Z" else letter + " ".join(flipped))
    left, top, width, height = box.x0 - 1, -box.y1 - 1, box.width + 2, box.height + 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="formula" role="img" aria-label="{html.escape(latex)}" '
        f'viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}" style="width:{width:.1f}pt">'
        f"<title>{html.escape(latex)}</title>"
        f'<path fill="currentColor" d="{"".join(commands)}"/></svg>'
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
