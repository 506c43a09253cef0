"""Tables as LaTeX for a paper: booktabs, longtable where a page is too short, array where texts are set over lines.

Numbers of a column are rounded alike and set right, so that their digits stand below each other. Ends of intervals are
rounded outwards. A table is at most 5.5 inches wide: texts go over lines first, and then the table is cut by columns.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

DIGITS = 3
"""Significant digits of a number that no interval belongs to."""
_ENDS = {"lower": ROUND_FLOOR, "upper": ROUND_CEILING}
_END_DIGITS = 8
"""Of the ends of an interval, whose first digits agree."""
_LINES, _KEYS = 40, 3
"""A table with more lines goes over pages. One that is cut by columns repeats those of text among its first three."""
_SIZES = {"small": 43.5, "footnotesize": 49.0}
"""The most a table may be wide, in ems of its size: 5.5 inches, less what the estimate of a text may be short."""
_BETWEEN = 1.0
"""Twice \\tabcolsep of 4 points, in ems."""
_WRAPPED = (12.0, 9.0, 7.0)
"""Widths of a column of texts over lines, in ems; the widest with which a table need not be cut is taken."""
_WIDTHS = {
    **dict.fromkeys("fijlt.,:;'`!|()[]/ ", 0.34), **dict.fromkeys("mwMW%@", 0.88), **dict.fromkeys("rsIz-", 0.42),
    **dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&+<>=~", 0.76),
}  # fmt: skip
"""Of letters in Computer Modern, in ems; 0.55 for others, and 0.8 for those beyond ASCII."""
_BREAKS = "_/:.,;=|-"
"""Signs after which a long word may be broken."""
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': r"''",
    "–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\ldots{}", "\u00a0": "~",
    "≤": r"$\le$", "≥": r"$\ge$", "×": r"$\times$", "·": r"$\cdot$", "∞": r"$\infty$", "‖": r"$\|$", "²": "$^2$",
    "′": r"$'$", "∗": r"$*$", "−": "$-$", "±": r"$\pm$", "√": r"$\surd$", "α": r"$\alpha$", "β": r"$\beta$",
    "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\varepsilon$", "η": r"$\eta$", "κ": r"$\kappa$", "λ": r"$\lambda$",
    "μ": r"$\mu$", "ρ": r"$\rho$", "σ": r"$\sigma$", "τ": r"$\tau$", "Δ": r"$\Delta$", "⟨": r"$\langle$",
    "⟩": r"$\rangle$", "[": "{[}", "]": "{]}", "*": "{*}", "-": "-{}",
}  # fmt: skip

_NOT_SET = "ĦħĸĿŀŉŦŧſ"
"""Latin letters that LaTeX stops at, in the encoding T1 too."""
_T1 = "ÐðÞþĐđĄąĘęĮįŲųŊŋ«»"
"""Letters that it stops at in its old encoding."""


def escaped(text: str) -> str:
    """A text that LaTeX sets as it stands.

    Args:
        text: Any; what the common fonts of LaTeX lack is written as the number of the character.

    Returns:
        LaTeX.
    """
    return _together("".join(_letter(letter) for letter in " ".join(str(text).split())))


def _together(text: str) -> str:
    """A hyphen without the group that keeps it from becoming a dash, where no other follows."""
    return re.sub(r"-\{\}(?!-)", "-", text)


def _letter(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    latin = ord(letter) < 0x180 and unicodedata.category(letter)[0] == "L" and letter not in _NOT_SET
    if 32 <= ord(letter) < 127 or latin:
        return letter
    return f"(U+{ord(letter):04X})"


def latex_rows(rows: Sequence[Mapping[str, Any]], caption: str, label: str, *, columns: Sequence[str] = ()) -> str:
    """A table of mappings that all have the same keys, which are its head.

    Args:
        rows: Texts, numbers, truth values, None, and lists of these.
        caption: A sentence.
        label: As \\ref has it, after "tab:".
        columns: The keys that are printed; all of them if empty.

    Returns:
        LaTeX; without rows a comment that says so.
    """
    if not rows:
        return "% no rows\n"
    names = list(columns or rows[0])
    lines = [[_joined(row[name]) for name in names] for row in rows]
    return latex_table([name.replace("_", " ") for name in names], lines, caption, label, fields=names)


def _joined(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    return "; ".join("-" if v is None else f"{v:.3g}" if isinstance(v, float) else str(v) for v in value)


@dataclass(frozen=True)
class _Column:
    """A column: its head, its cells as texts or as LaTeX of numbers, and how wide it is, in ems.

    Attributes:
        head: A word.
        cells: Plain texts; LaTeX where `numeric`.
        numeric: Whether all of them are numbers.
        wide: The width of its texts on lines; None for one line each, as wide as the longest.
    """

    head: str
    cells: Sequence[str]
    numeric: bool
    wide: float | None = None

    @property
    def width(self) -> float:
        """With the space between two columns."""
        longest = max((_width(cell, self.numeric) for cell in self.cells), default=0.0)
        return _BETWEEN + (max(longest, _width(self.head)) if self.wide is None else self.wide)

    def within(self, width: float) -> _Column:
        """The same with texts over lines where it is wider than `width`, without the space between columns."""
        if self.numeric or self.width - _BETWEEN <= width:
            return self
        return _Column(self.head, self.cells, False, width)

    def lines(self, row: int) -> int:
        """How many lines a cell takes, roughly."""
        return 1 if self.wide is None else math.ceil(1.2 * _width(self.cells[row]) / self.wide)

    def printed(self, text: str) -> str:
        """A text of the column as LaTeX."""
        return escaped(text) if self.wide is None else _breakable(text, self.wide)


def latex_table(
    head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str, label: str, *, fields: Sequence[str] = ()
) -> str:
    """A table in booktabs, of which texts go over lines, or which is cut by columns, where it is too wide for a page.

    Args:
        head: A word for each column.
        rows: A cell for each column: a text, a number, a truth value, or None.
        caption: A sentence.
        label: As \\ref has it, after "tab:".
        fields: Names of the columns; "lower" and "upper" are rounded outwards.

    Returns:
        LaTeX. Its first line names the packages that it needs.
    """
    columns = [_column(head[i], name, [row[i] for row in rows]) for i, name in enumerate(fields or head)]
    over_lines = ([column.within(wide) for column in columns] for wide in _WRAPPED)
    tried = ((form, size) for form in (columns, *over_lines) for size in _SIZES)
    whole, size = next((pair for pair in tried if _fits(*pair)), (None, "small"))
    parts = _cut([column.within(_WRAPPED[0]) for column in columns], size) if whole is None else [whole]
    made = []
    for place, part in enumerate(parts):
        more = f" (part {place + 1} of {len(parts)})" if len(parts) > 1 else ""
        name = f"{label}-{place + 1}" if place else label
        made.append(_tabular(part, len(rows), caption + more, name, size))
    return "\n".join(made)


def _fits(columns: Sequence[_Column], size: str) -> bool:
    return sum(column.width for column in columns) <= _SIZES[size]


def _cut(columns: Sequence[_Column], size: str) -> list[list[_Column]]:
    """As many columns on each part as fit, with those of text among the first three on each."""
    keys = [column for column in columns[:_KEYS] if not column.numeric]
    keys = [column.within(_SIZES[size] / 2 / len(keys) - _BETWEEN) for column in keys]
    room = _SIZES[size] - sum(column.width for column in keys) - _BETWEEN
    parts: list[list[_Column]] = []
    for column in (c.within(room) for i, c in enumerate(columns) if i >= _KEYS or c.numeric):
        if parts and _fits([*parts[-1], column], size):
            parts[-1].append(column)
        else:
            parts.append([*keys, column])
    return parts or [keys]


def _tabular(columns: Sequence[_Column], rows: int, caption: str, label: str, size: str) -> str:
    shape = "".join(
        "r" if c.numeric else "l" if c.wide is None else rf">{{\raggedright\arraybackslash}}p{{{c.wide:.1f}em}}"
        for c in columns
    )
    top = " & ".join(escaped(c.head) if c.numeric else c.printed(c.head) for c in columns) + r" \\"
    lines = [
        " & ".join(c.cells[i] if c.numeric else c.printed(c.cells[i]) for c in columns) + r" \\" for i in range(rows)
    ]
    titled = rf"\caption{{{escaped(caption)}}}\label{{tab:{_name(label)}}}"
    array = "array," if ">{" in shape else ""
    encoding = r"\usepackage[T1]{fontenc}, " if set(_T1) & set("".join([titled, top, *lines])) else ""
    font = rf"\{size}\setlength{{\tabcolsep}}{{4pt}}"
    if sum(max((c.lines(i) for c in columns), default=1) for i in range(rows)) > _LINES:
        return "\n".join([
            rf"% needs {encoding}\usepackage{{{array}booktabs,longtable}}, and \onecolumn in a paper of two columns",
            rf"\begingroup{font}", rf"\begin{{longtable}}{{{shape}}}", titled + r" \\",
            r"\toprule", top, r"\midrule", r"\endfirsthead", r"\toprule", top, r"\midrule", r"\endhead", r"\bottomrule",
            r"\endfoot", *lines, r"\end{longtable}", r"\endgroup", "",
        ])  # fmt: skip
    wide = sum(c.width for c in columns) > _SIZES[size] / 2
    where = "table*" if wide else "table"
    return "\n".join([
        rf"% needs {encoding}\usepackage{{{array}booktabs}}", rf"\begin{{{where}}}", r"\centering" + font,
        titled + r"\smallskip",
        rf"\begin{{tabular}}{{{shape}}}",
        r"\toprule", top, r"\midrule", *lines, r"\bottomrule", r"\end{tabular}", rf"\end{{{where}}}", "",
    ])  # fmt: skip


def _width(text: str, numeric: bool = False) -> float:
    """Of a text in one line, in ems; of a number as LaTeX by what is printed of it."""
    if numeric:
        powers = text.count("times")
        text = re.sub(r"\\phantom|\\infty|\\times|[${}\\^ ]", "", text)
        return 0.52 * len(text) + (1.0 if powers else 0.0)
    return sum(_WIDTHS.get(letter, 0.55 if letter.isascii() else 0.8) * len(_visible(letter)) for letter in text)


def _visible(letter: str) -> str:
    """What is printed of a letter: itself, or its number."""
    made = _letter(letter)
    return made if made.startswith("(U+") else letter


def _breakable(text: str, width: float) -> str:
    """A text whose long words may be broken: after signs, and anywhere where that is not enough."""
    words = []
    for word in str(text).split():
        pieces, since = [], 0.0
        for letter in word:
            since += _width(letter)
            stop = _width(word) > 0.6 * width and (letter in _BREAKS or since > 0.8 * width)
            pieces.append(escaped(letter) + (r"\allowbreak{}" if stop else ""))
            since = 0.0 if stop else since
        words.append(_together("".join(pieces)))
    return " ".join(words)


def _name(label: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in label)


def _column(head: str, name: str, cells: Sequence[Any]) -> _Column:
    values = [cell for cell in cells if cell is not None and cell != ""]
    numeric = bool(values) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if not numeric:
        return _Column(head, [_word(cell) for cell in cells], False)
    if all(isinstance(v, int) or (math.isfinite(v) and v == int(v) and abs(v) < 1e6) for v in values):
        return _Column(head, ["--" if c is None or c == "" else str(int(c)) for c in cells], True)
    rounding = _ENDS.get(name, ROUND_HALF_EVEN)
    return _Column(head, _numbers(cells, _END_DIGITS if name in _ENDS else DIGITS, rounding), True)


def _word(cell: Any) -> str:
    if cell is None or cell == "":
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:.3g}" if isinstance(cell, float) else " ".join(str(cell).split())


def _numbers(cells: Sequence[Any], digits: int, rounding: str) -> list[str]:
    """Numbers of one column: with as many decimals each, or all with a power of ten where their sizes differ much."""
    finite = [abs(float(c)) for c in cells if isinstance(c, (int, float)) and math.isfinite(c) and c != 0]
    most = math.floor(math.log10(max(finite, default=1.0)))
    least = math.floor(math.log10(min(finite, default=1.0)))
    # The smallest keeps a digit less than the largest, or two less of many.
    fixed = least >= -3 and most <= 4 and most - least <= (1 if digits == DIGITS else 2)
    decimals = max(0, digits - 1 - most)
    exponents = [_rounded(c, digits, rounding)[1] for c in cells if _plain_number(c)]
    longest = max((len(str(abs(e))) for e in exponents), default=1)
    signed = any(e < 0 for e in exponents)
    made = []
    for cell in cells:
        if cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell)):
            made.append("--")
        elif math.isinf(cell):
            made.append(r"$\infty$" if cell > 0 else r"$-\infty$")
        elif fixed:
            made.append(f"${Decimal(repr(float(cell))).quantize(Decimal(1).scaleb(-decimals), rounding=rounding)}$")
        elif cell == 0:
            made.append("$0$")
        else:
            mantissa, exponent = _rounded(cell, digits, rounding)
            sign = "-" if exponent < 0 else r"\phantom{-}" if signed else ""
            pad = longest - len(str(abs(exponent)))
            filler = rf"\phantom{{{'0' * pad}}}" if pad else ""
            made.append(rf"${mantissa} \times 10^{{{filler}{sign}{abs(exponent)}}}$")
    return made


def _plain_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and math.isfinite(cell) and cell != 0


def _rounded(value: float, digits: int, rounding: str) -> tuple[Decimal, int]:
    """Mantissa in [1, 10) with so many digits, and the power of ten."""
    number = Decimal(repr(float(value)))
    exponent = number.adjusted()
    mantissa = number.scaleb(-exponent).quantize(Decimal(1).scaleb(1 - digits), rounding=rounding)
    if abs(mantissa) >= 10:
        exponent += 1
        mantissa = (mantissa / 10).quantize(Decimal(1).scaleb(1 - digits), rounding=rounding)
    return mantissa, exponent
