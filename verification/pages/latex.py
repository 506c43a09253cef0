"""Tables as LaTeX for a paper: booktabs, and longtable where a page is too short; no other package.

Numbers of a column are rounded alike and set right, so that their digits stand below each other. Ends of intervals are
rounded outwards.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

DIGITS = 3
"""Significant digits of a number that no interval belongs to."""
_ENDS = {"lower": ROUND_FLOOR, "upper": ROUND_CEILING}
_END_DIGITS = 8
"""Of the ends of an interval, whose first digits agree."""
_ROWS, _COLUMNS, _KEYS = 40, 8, 3
"""A table with more rows goes over pages, and one with more columns is cut, with the first text columns repeated."""
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': r"''",
    "–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\ldots{}", "\u00a0": "~",
    "≤": r"$\le$", "≥": r"$\ge$", "×": r"$\times$", "·": r"$\cdot$", "∞": r"$\infty$", "‖": r"$\|$", "²": "$^2$",
    "′": r"$'$", "∗": r"$*$", "−": "$-$", "±": r"$\pm$", "√": r"$\surd$", "α": r"$\alpha$", "β": r"$\beta$",
    "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\varepsilon$", "η": r"$\eta$", "κ": r"$\kappa$", "λ": r"$\lambda$",
    "μ": r"$\mu$", "ρ": r"$\rho$", "σ": r"$\sigma$", "τ": r"$\tau$", "Δ": r"$\Delta$", "⟨": r"$\langle$",
    "⟩": r"$\rangle$",
}  # fmt: skip


def escaped(text: str) -> str:
    """A text that LaTeX sets as it stands.

    Args:
        text: Any; what the common fonts of LaTeX lack is written as the number of the character.

    Returns:
        LaTeX.
    """
    parts = []
    for letter in " ".join(str(text).split()):
        if letter in _SPECIAL:
            parts.append(_SPECIAL[letter])
        elif 32 <= ord(letter) < 127 or (ord(letter) < 0x180 and unicodedata.category(letter)[0] == "L"):
            parts.append(letter)
        else:
            parts.append(f"(U+{ord(letter):04X})")
    return "".join(parts)


def latex_rows(rows: Sequence[Mapping[str, Any]], caption: str, label: str) -> str:
    """A table of mappings that all have the same keys, which are its head.

    Args:
        rows: Texts, numbers, truth values, None, and lists of these.
        caption: A sentence.
        label: As \\ref has it, after "tab:".

    Returns:
        LaTeX; without rows a comment that says so.
    """
    if not rows:
        return "% no rows\n"
    names = list(rows[0])
    lines = [[_joined(row[name]) for name in names] for row in rows]
    return latex_table([name.replace("_", " ") for name in names], lines, caption, label, fields=names)


def _joined(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    return "; ".join("-" if v is None else f"{v:.3g}" if isinstance(v, float) else str(v) for v in value)


def latex_table(
    head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str, label: str, *, fields: Sequence[str] = ()
) -> str:
    """A table in booktabs, cut into several where it has too many columns for a page.

    Args:
        head: A word for each column.
        rows: A cell for each column: a text, a number, a truth value, or None.
        caption: A sentence.
        label: As \\ref has it, after "tab:".
        fields: Names of the columns; "lower" and "upper" are rounded outwards.

    Returns:
        LaTeX that needs \\usepackage{booktabs}, and \\usepackage{longtable} where it is long.
    """
    columns = [_column(name, [row[i] for row in rows]) for i, name in enumerate(fields or head)]
    texts = [i for i, (numeric, _) in enumerate(columns) if not numeric]
    keys = [i for i in texts if i < _KEYS] if len(head) > _COLUMNS else []
    rest = [i for i in range(len(head)) if i not in keys]
    each = max(1, _COLUMNS - len(keys))
    parts = [keys + rest[start : start + each] for start in range(0, len(rest), each)] or [keys]
    made = []
    for place, part in enumerate(parts):
        more = f" (part {place + 1} of {len(parts)})" if len(parts) > 1 else ""
        name = f"{label}-{place + 1}" if place else label
        made.append(_tabular([head[i] for i in part], [columns[i] for i in part], len(rows), caption + more, name))
    return "\n".join(made)


def _tabular(
    head: Sequence[str], columns: Sequence[tuple[bool, list[str]]], rows: int, caption: str, label: str
) -> str:
    shape = "".join("r" if numeric else "l" for numeric, _ in columns)
    top = " & ".join(escaped(word) for word in head) + r" \\"
    lines = [" & ".join(cells[i] for _, cells in columns) + r" \\" for i in range(rows)]
    titled = rf"\caption{{{escaped(caption)}}}\label{{tab:{_name(label)}}}"
    if rows > _ROWS:
        return "\n".join([
            r"% needs \usepackage{booktabs,longtable}", rf"\begin{{longtable}}{{{shape}}}", titled + r" \\",
            r"\toprule", top, r"\midrule", r"\endfirsthead", r"\toprule", top, r"\midrule", r"\endhead", r"\bottomrule",
            r"\endfoot", *lines, r"\end{longtable}", "",
        ])  # fmt: skip
    return "\n".join([
        r"% needs \usepackage{booktabs}", r"\begin{table}", r"\centering", titled, rf"\begin{{tabular}}{{{shape}}}",
        r"\toprule", top, r"\midrule", *lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
    ])  # fmt: skip


def _name(label: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in label)


def _column(name: str, cells: Sequence[Any]) -> tuple[bool, list[str]]:
    """Whether a column is one of numbers, and its cells as LaTeX."""
    values = [cell for cell in cells if cell is not None and cell != ""]
    numeric = bool(values) and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if not numeric:
        return False, [_word(cell) for cell in cells]
    if all(isinstance(v, int) or (math.isfinite(v) and v == int(v) and abs(v) < 1e6) for v in values):
        return True, ["--" if c is None or c == "" else str(int(c)) for c in cells]
    return True, _numbers(cells, _END_DIGITS if name in _ENDS else DIGITS, _ENDS.get(name, ROUND_HALF_EVEN))


def _word(cell: Any) -> str:
    if cell is None or cell == "":
        return "--"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return escaped(f"{cell:.3g}" if isinstance(cell, float) else str(cell))


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
