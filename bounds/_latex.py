"""LaTeX of formulas in named quantities, and of formulas that are too long for a line."""

from __future__ import annotations

import math
import re
from functools import lru_cache

import sympy as sp
from sympy.printing.latex import LatexPrinter

from .vocabulary import VOCABULARY

# carry an exponent without brackets: norms, inner products, F(...), a letter with a subscript or prime
_CLOSED = re.compile(r"\\lVert .*\\rVert(_\\infty)?|\\langle .*\\rangle|[A-Za-z]('|_[0-9])?|F'?\(.*\)")


class _Printer(LatexPrinter):
    def __init__(self, prime: str) -> None:
        super().__init__()
        self.prime = prime

    def _named(self, name: str, index: sp.Expr | None = None, exp: str | None = None) -> str:
        fields = {"p": self.prime}
        if index is not None:
            fields |= {"k": self._print(index), "j": self._print(index - 1)}
        text = VOCABULARY[name].latex.format(**fields)
        if exp is None:
            return text
        return f"{text}^{{{exp}}}" if _CLOSED.fullmatch(text) else rf"\left({text}\right)^{{{exp}}}"

    def _print_Indexed(self, expr: sp.Indexed, exp: str | None = None) -> str:
        if str(expr.base) not in VOCABULARY:
            return super()._print_Indexed(expr)
        return self._named(str(expr.base), expr.indices[0], exp)

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        return self._named(expr.name) if expr.name in VOCABULARY else super()._print_Symbol(expr, style)

    def _print_Pow(self, expr: sp.Pow) -> str:
        text = self._print(expr.base) if expr.exp == sp.Rational(1, 2) and isinstance(expr.base, sp.Indexed) else ""
        return text[: -len("^2")] if text.endswith(r"\rVert^2") else super()._print_Pow(expr)

    def _print_Add(self, expr: sp.Add, order: str | None = None) -> str:
        # what is added before what is subtracted: F(x_k) - F(x_{k-1})
        terms = sorted(self._as_ordered_terms(expr, order=order), key=lambda t: t.could_extract_minus_sign())
        text = self._print(terms[0])
        for term in terms[1:]:
            minus = term.could_extract_minus_sign()
            piece = self._print(-term if minus else term)
            bracket = minus and isinstance(-term, sp.Add)
            text += (" - " if minus else " + ") + (rf"\left({piece}\right)" if bracket else piece)
        return text


@lru_cache(maxsize=1024)
def to_latex(expression: sp.Expr, prime: bool = False) -> str:
    """LaTeX of an expression in named quantities; `prime` marks the out-of-distribution run (F', x')."""
    return _Printer("'" if prime else "").doprint(expression)


_PER_INCH = 12.2
"""Signs of a formula of 10 points in an inch of a line, at least."""
_OPEN = re.compile(r"[{(]|\\lVert|\\langle")
_CLOSE = re.compile(r"[})]|\\rVert|\\rangle")


def in_lines(lhs: sp.Expr, rhs: sp.Expr, width: float, prime: bool = False) -> str:
    """A display of lhs <= rhs, broken before terms of the right-hand side where it is too long for a line.

    Args:
        lhs: An expression in named quantities.
        rhs: The same; a product in it that is wider than a line is multiplied out.
        width: Of a line, in inches, for letters of 10 points.
        prime: As in `to_latex`.

    Returns:
        The environment align*. A single term that is still wider than a line stays whole.
    """
    room = width * _PER_INCH
    terms = [to_latex(term, prime) for term in sp.Add.make_args(rhs)]
    if max(map(signs, terms)) > room:
        wide = [signs(term) > room for term in terms]
        rhs = sp.Add(*(_multiplied(t) if w else t for t, w in zip(sp.Add.make_args(rhs), wide, strict=True)))
    lines: list[str] = []
    for piece in (to_latex(lhs, prime), *_terms(rf" \le {to_latex(rhs, prime)}")):
        if lines and signs(lines[-1] + piece) <= room:
            lines[-1] += piece
        else:
            lines.append(rf"\quad {{}}{piece}" if lines else piece)
    body = " \\\\\n".join(f"&{line}" for line in lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}\n"


def _multiplied(term: sp.Expr) -> sp.Expr:
    """A product with its longest sum multiplied out; what is summed over k stays as it is."""
    sums = [factor for factor in sp.Mul.make_args(term) if isinstance(factor, sp.Add)]
    if not sums:
        return term
    longest = max(sums, key=lambda factor: signs(to_latex(factor)))
    return sp.Add(*(term / longest * part for part in longest.args))


def _terms(text: str) -> list[str]:
    """A sum in pieces, each with the sign before it; what is inside brackets, norms or fractions stays together."""
    terms, depth = [""], 0
    for token in re.findall(r"\\[a-zA-Z]+|\s+[+-]\s+|.", text):
        depth += bool(_OPEN.fullmatch(token)) - bool(_CLOSE.fullmatch(token))
        if (
            depth == 0
            and token.strip() in ("+", "-")
            and token != token.strip()
            and not terms[-1].rstrip().endswith("le")
        ):
            terms.append("")
        terms[-1] += token
    return terms


def signs(text: str) -> float:
    """About how many letters of usual width a formula is long: of a fraction its longer part, of an index a part."""
    text = re.sub(r"\\(left|right|quad|textstyle|mathrm)\b", "", text)
    text = re.sub(r"\\(sum|max|min)\b", "mmm", text)
    text = re.sub(r"\\(tfrac|frac)\b", "/", text)
    text = re.sub(r"\\[a-zA-Z]+", "x", text)
    text = re.sub(r"(?<=\S) (?=\w)", "", text)
    before = None
    while text != before:
        before = text
        text = re.sub(r"[_^]{([^{}]*)}", lambda m: "." * math.ceil(0.6 * len(m[1])), text)
        text = re.sub(r"/{([^{}]*)}{([^{}]*)}", lambda m: max(m.groups(), key=len), text)
        text = re.sub(r"(?<![_^/}]){([^{}]*)}", r"\1", text)
    return len(re.sub(r"[{}&_^]", "", text))
