"""LaTeX of formulas in named quantities."""

from __future__ import annotations

import re

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


def to_latex(expression: sp.Expr, prime: bool = False) -> str:
    """LaTeX of an expression in named quantities; `prime` marks the out-of-distribution run (F', x')."""
    return _Printer("'" if prime else "").doprint(expression)
