"""Figures on a page as small as they can be without a visible change.

A page draws the same letters, tick labels and styles in many figures: here each of them is written once. Coordinates
are rounded to a tenth of a point, and lines have no more points than a screen can tell apart.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

STEP = 0.1
"""Coordinates are multiples of this, in points."""
_PIXELS = 1.8
"""Pixels of a page in a point of a figure: it is drawn 1.35 times as large, and a point is 4/3 pixels."""
_NEAR = 0.5 / (_PIXELS * STEP)
"""Half a pixel, in steps: lines that are nearer to each other than this look the same."""
_DRAWING = re.compile(r'<svg[^>]*class="(?:plot|formula)".*?</svg>', re.DOTALL)
_NUMBER = r"-?\d+(?:\.\d+)?"
_TICK = re.compile(r'(?:<g class="\w+">)?<path d="M0 0([hv][-.\d]+)" class="(\w+)"/>(?:</g>)?')
"""A marker that is a single stroke from its place: how it goes on, and its style."""

Point = tuple[int, int]


def compact(page: str) -> str:
    """The page with smaller figures; every element of them is drawn where it was.

    Args:
        page: HTML with figures made by `inline_svg` and formulas made by `formula_svg`.

    Returns:
        The page. What figures share stands in one hidden drawing at the beginning of the body.
    """
    shared = _Shared()
    smaller = _DRAWING.sub(lambda match: shared.figure(match.group()), page)
    smaller = smaller.replace("</style>", f"{shared.rules()}</style>", 1).replace(
        "<body>", f"<body>{shared.drawing()}", 1
    )
    smaller = re.sub(r'<use href="#(\w+)"((?: [xy]="[-.\d]+")*)/>', _bare, smaller)
    # in HTML a value without spaces needs no quotes, where a space follows
    smaller = re.sub(r' class="(y\d+)"/>', r" class=\1 />", smaller)
    return re.sub(r' (href|class|clip-path|x|y)="(#\w+|y\d+|url\(#c\d+\)|-?[.\d]+)"(?= )', r" \1=\2", smaller)


def _bare(match: re.Match[str]) -> str:
    """A letter or a marker in its place, as HTML lets one write it: without quotes, and without zeros."""
    place = "".join(f" {axis}={value}" for axis, value in re.findall(r'([xy])="([^"]*)"', match[2]) if value != "0")
    return f"<use href=#{match[1]}{place} />"


class _Shared:
    """What figures have in common: letters, texts of them, and styles, each under a short name."""

    def __init__(self) -> None:
        self.letters: dict[str, str] = {}
        self.texts: dict[tuple[str, str], str] = {}
        self.styles: dict[str, str] = {}
        self.markers: dict[str, str] = {}
        self.regions = 0

    def figure(self, svg: str) -> str:
        """The figure without what it shares."""
        head, body = svg[: svg.index(">") + 1], svg[svg.index(">") + 1 :]
        first = re.search(r'id="([\w.-]+)-figure_1"', body)
        if first:
            body = self._without_letters(body, re.escape(first.group(1)))
        body = re.sub(r' d="([^"]*)"', lambda m: f' d="{path(m.group(1))}"', body)
        body = re.sub(rf' (x|y|width|height)="({_NUMBER})"', lambda m: f' {m[1]}="{_short(float(m[2]))}"', body)
        body = re.sub(r' transform="[^"]*"', lambda m: _terse(m.group()), body)
        body = re.sub(r' clip-path="[^"]*"( style="[^"]*var\(--grid\)[^"]*")', r"\1", body)  # ends at the axes anyway
        body = re.sub(r'<path[^>]* style="fill: none"/>', "", body)
        body = re.sub(r' style="([^"]*)"', self._style, body)
        used = set(re.findall(r'(?:href="|url\()#([\w.-]+)', body))
        body = re.sub(r' id="([\w.-]+)"', lambda m: m.group() if m.group(1) in used else "", body)
        body = re.sub(r"<defs>\s*</defs>", "", self._renamed(body))
        head = head.replace(' xmlns="http://www.w3.org/2000/svg"', "")  # HTML knows it
        return head + self._axes(re.sub(r">\s+<", "><", _without_plain_groups(body)))

    def _axes(self, body: str) -> str:
        """Grid lines and ticks of an axis as one path each; its labels, which touch neither, come after these."""
        grids = [name for style, name in self.styles.items() if "var(--grid)" in style]
        ticks = {name: tick for drawn, name in self.markers.items() if (tick := _TICK.fullmatch(drawn))}
        if not ticks:
            return body
        parts = (
            rf'<path d="(?P<line>M[^"]*)" class="(?P<style>{"|".join(grids) or "none"})"/>',
            rf'<use href="#(?P<tick>{"|".join(ticks)})" x="(?P<x>[^"]*)" y="(?P<y>[^"]*)"/>',
            r'(?P<label><use href="#t\d+"[^>]*/>)',
        )
        part = re.compile("|".join(parts))

        def joined(match: re.Match[str]) -> str:
            paths: dict[str, str] = {}
            labels = []
            for element in part.finditer(match[0]):
                if element["label"]:
                    labels.append(element["label"])
                    continue
                stroke, style = ticks[element["tick"]].groups() if element["tick"] else ("", element["style"])
                data = f"M{element['x']} {element['y']}{stroke}" if stroke else element["line"]
                paths[style] = paths.get(style, "") + data
            drawn = (f'<path d="{data}" class="{style}"/>' for style, data in paths.items())
            return "".join([*drawn, *labels])

        unnamed = re.sub(r"\?P<\w+>", "?:", part.pattern)
        return re.sub(f"(?:{unnamed})+", joined, body)

    def _renamed(self, body: str) -> str:
        """Markers moved out, and regions that lines are cut at under short names."""
        names: dict[str, str] = {}
        outlines: dict[str, str] = {}

        def marker(match: re.Match[str]) -> str:
            outlines[match[1]] = match[2]
            return ""

        def placed(match: re.Match[str]) -> str:
            if match[1] not in outlines:
                return match.group()
            outline = f"<path{outlines[match[1]]}/>"
            drawn = f"<g{match[3]}>{outline}</g>" if match[3] else outline  # what it inherits from its use
            return f'<use href="#{self.markers.setdefault(drawn, f"m{len(self.markers)}")}"{match[2]}/>'

        def region(match: re.Match[str]) -> str:
            self.regions += 1
            names[match[1]] = f"c{self.regions}"
            return f'<clipPath id="{names[match[1]]}"'

        body = re.sub(r'<path id="([\w.-]+)"([^>]*)/>', marker, body)
        body = re.sub(r'<use href="#([\w.-]+)"([^>]*?)( class="\w+")?/>', placed, body)
        body = re.sub(r'<clipPath id="([\w.-]+)"', region, body)
        return re.sub(r"url\(#([\w.-]+)", lambda m: f"url(#{names.get(m[1], m[1])}", body)

    def _without_letters(self, body: str, prefix: str) -> str:
        """Outlines of letters moved out, and texts that are nothing but letters."""
        letter = rf"{prefix}-([A-Z]\w*(?:-[A-Z]\w*)*-[0-9a-f]+)"

        def out(match: re.Match[str]) -> str:
            outline = f'd="{path(match[2] or "", 1.0)}"{match[3] or ""}'
            names[match[1]] = self.letters.setdefault(outline, f"l{len(self.letters)}")
            return ""

        def placed(match: re.Match[str]) -> str:
            place = _rounded(match[2] or "", 0)  # in hundredths of the size of the text
            alone = re.fullmatch(r' transform="translate\((\S+) (\S+)\)"', place)
            return f'<use href="#{names[match[1]]}"' + (f' x="{alone[1]}" y="{alone[2]}"/>' if alone else f"{place}/>")

        names: dict[str, str] = {}
        body = re.sub(rf'<path id="{letter}"(?: d="([^"]*)")?( transform="[^"]*")?/>', out, body)
        body = re.sub(rf'<use href="#{letter}"( transform="[^"]*")?/>', placed, body)
        text = rf'<g id="{prefix}-text_\d+">\s*<g( style="[^"]*")?( transform="[^"]*")?>((?:(?!</?g).)*)</g>\s*</g>'
        return re.sub(text, self._text, body, flags=re.DOTALL)

    def _text(self, match: re.Match[str]) -> str:
        style, place, inner = match.group(1) or "", match.group(2) or "", match.group(3)
        uses = re.findall(r"<use[^>]*/>", inner)
        if re.sub(r"<use[^>]*/>|</?defs>|\s", "", inner) or not uses:
            return match.group()
        level = re.fullmatch(r' transform="translate\((\S+) (\S+)\) (scale\([^()]*\))"', _terse(place, 1))
        drawn = "".join(uses)
        if level:  # its size is part of what is shared, so that only its place is left
            name = self.texts.setdefault((drawn, level[3]), f"t{len(self.texts)}")
            return f'<use href="#{name}" x="{level[1]}" y="{level[2]}"{style}/>'
        name = self.texts.setdefault((drawn, ""), f"t{len(self.texts)}")
        return f'<use href="#{name}"{style}{_rounded(place, 1)}/>'

    def _style(self, match: re.Match[str]) -> str:
        name = self.styles.setdefault(match.group(1), f"y{len(self.styles)}")
        return f' class="{name}"'

    def rules(self) -> str:
        """The styles, for the style sheet."""
        return "".join(f".{name}{{{style}}}\n" for style, name in self.styles.items())

    def drawing(self) -> str:
        """Letters, texts and markers, in a drawing that shows nothing; empty where there are none."""
        if not self.letters and not self.markers:
            return ""
        letters = "".join(f'<path id="{name}" {outline}/>' for outline, name in self.letters.items())
        texts = "".join(
            f'<g id="{name}" transform="{size}">{uses}</g>'.replace(' transform=""', "")
            for (uses, size), name in self.texts.items()
        )
        # what is drawn begins with its tag, <g or <path, behind which the name goes
        markers = "".join(re.sub(r"^<\w+", rf'\g<0> id="{name}"', drawn) for drawn, name in self.markers.items())
        return (
            '\n<svg xmlns="http://www.w3.org/2000/svg" class="shared" width="0" height="0" aria-hidden="true"><defs>'
            f"{letters}{texts}{markers}</defs></svg>"
        )


def _without_plain_groups(body: str) -> str:
    """The drawing without groups that say nothing of what is in them."""
    says: list[bool] = []
    parts = []
    for part in re.split(r"(<g\b[^>]*>|</g>)", body):
        if part.startswith("<g") and not part.endswith("/>"):
            says.append(part != "<g>")
        elif part == "</g>":
            part = part if says.pop() else ""
        parts.append("" if part == "<g>" else part)
    return "".join(parts)


def _short(value: float, digits: int = 1) -> str:
    """A number without what SVG does not need of it."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _rounded(element: str, digits: int) -> str:
    """An element with its translation rounded; scales and turns are as they were."""
    return re.sub(
        rf"translate\(({_NUMBER}) ({_NUMBER})\)",
        lambda m: f"translate({_short(float(m[1]), digits)} {_short(float(m[2]), digits)})",
        element,
    )


def _terse(place: str, digits: int = 2) -> str:
    """A transform with its translation to a hundredth of a point, and its scale without zeros and spaces."""
    place = _rounded(place, digits)
    return re.sub(
        rf"scale\(({_NUMBER}) (-{_NUMBER[2:]})\)", lambda m: f"scale({_bare_zero(m[1])}{_bare_zero(m[2])})", place
    )


def _bare_zero(number: str) -> str:
    return re.sub(r"^(-?)0\.", r"\1.", number)


def path(data: str, step: float = STEP) -> str:
    """The `data` of an SVG path of absolute M, L, Q, C and z as relative commands on a grid of `step`.

    Lines have no more points than needed (`straightened`). Other data come back as they are.
    """
    pieces = re.findall(r"([A-Za-z])([^A-Za-z]*)", data)
    if not pieces or pieces[0][0] != "M" or not {letter for letter, _ in pieces} <= set("MLQCz"):
        return data
    digits = 1 if step < 1 else 0
    parts: list[str] = []
    line: list[Point] = []

    def flush() -> None:
        points = straightened(line, _NEAR if step == STEP else 0.5)
        if len(points) > 1:
            moves = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(points)]
            parts.append(_straight(moves, step, digits))

    for letter, text in pieces:
        numbers = [round(float(v) / step) for v in text.split()]
        points = list(zip(numbers[::2], numbers[1::2]))
        if letter == "L":
            line += points
            continue
        flush()
        if letter == "M":
            parts.append("M" + _pairs(points[:1], step, digits))
            line = points  # the pairs after the first one are a line
            continue
        if letter == "z":
            parts.append("z")
            line = []
            continue
        size = {"Q": 2, "C": 3}[letter]
        for first in range(0, len(points), size):
            x, y = line[-1]
            curve = points[first : first + size]
            parts.append(letter.lower() + _pairs([(a - x, b - y) for a, b in curve], step, digits))
            line = [curve[-1]]
    flush()
    return "".join(parts)


def _straight(moves: Sequence[Point], step: float, digits: int) -> str:
    """A line; a single move along an axis, as of a grid, has a command of its own."""
    if len(moves) == 1 and 0 in moves[0]:
        x, y = moves[0]
        return f"v{_short(y * step, digits)}" if x == 0 else f"h{_short(x * step, digits)}"
    return "l" + _pairs(moves, step, digits)


def _pairs(points: Sequence[Point], step: float, digits: int) -> str:
    text: list[str] = []
    before = ""
    for word in (_short(v * step, digits) for point in points for v in point):
        # a sign begins another number, and so does a second point
        apart = not text or word.startswith("-") or (word.startswith(".") and "." in before)
        text.append(word if apart else f" {word}")
        before = word
    return "".join(text)


def straightened(line: Sequence[Point], near: float = _NEAR) -> list[Point]:
    """A line without the points that are near to the line between those that stay (Douglas and Peucker).

    Args:
        line: Points on the grid.
        near: How far they may be from it, in steps.
    """
    points = [p for p, before in zip(line, [None, *line]) if p != before]
    if len(points) < 3:
        return points
    stay = {0, len(points) - 1}
    parts = [(0, len(points) - 1)]
    while parts:
        first, last = parts.pop()
        (x0, y0), (x1, y1) = points[first], points[last]
        dx, dy = x1 - x0, y1 - y0
        length = (dx * dx + dy * dy) ** 0.5
        farthest, most = 0, near
        for i in range(first + 1, last):
            x, y = points[i]
            along = (x - x0) * dx + (y - y0) * dy
            if length and 0 <= along <= length * length:
                far = abs((x - x0) * dy - (y - y0) * dx) / length
            else:
                far = min((x - x0) ** 2 + (y - y0) ** 2, (x - x1) ** 2 + (y - y1) ** 2) ** 0.5
            if far > most:
                farthest, most = i, far
        if farthest:
            stay.add(farthest)
            parts += [(first, farthest), (farthest, last)]
    return [points[i] for i in sorted(stay)]
