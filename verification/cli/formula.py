"""A formula of the catalogue on a line of a terminal: its LaTeX with the marks of plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", flags=re.S)
_WORDS = {
    "\\le": "<=", "\\nabla": "grad", "\\infty": "inf", "\\cdot": ".", "\\left": "", "\\right": "",
    "\\textstyle": "",
}  # fmt: skip
"""What a command of LaTeX is in plain text. A command that is not here stands for its name, as sigma does."""
_BRACKETS = {"\\lVert": "\x01", "\\rVert": "\x02", "\\langle": "\x03", "\\rangle": "\x04"}
"""Norms and inner products while it has to be known which of two bars opens, and what is a bracket and what a sign."""
_PLAIN = str.maketrans({"\x01": "||", "\x02": "||", "\x03": "<", "\x04": ">"})
_INSIDE = re.compile(r"\([^()]*\)|\x01[^\x01\x02]*\x02|\x03[^\x03\x04]*\x04|{[^{}]*}")
SYMBOLS = {
    r"'": "' marks what is out of distribution",
    r"\bF_low\b": "F_low a lower bound of F",
    r"\bz\b": "z the point that distances are measured to, near a minimiser",
    r"\bx'?_": "x_k the iterates",
    r"\bK\b": "K the number of steps",
    r"\bL\b": "L the smoothness constant of f",
    r"\bmu\b": "mu the constant of strong convexity",
    r"\bh\b": "h the reference step, in units of 1/L",
    r"\bD'?_": "D_k = x_{k-1} - x_k the step",
    r"\bG'?_": "G_k the generalised gradient at the step",
    r"\be'?_": "e_k(h) the deviation of the step from (h/L) G_k",
    r"\bsigma\b|\bsigma_": "sigma the relative deviation, L ||e_k(h)|| / ||G_k||",
    r"\bT\(": "T(z) a proximal gradient step from z",
    r"\bq\b": "r, q and b the coefficients R L, Q and B of GO-Math-L2O, which do not change over the steps",
    r"\bp_": "p_k and b_k preconditioner and bias of the step, D_k = p_k G_k + b_k",
}
"""Symbols of formulas as patterns, and what they are; the glossary and the theory have all of them."""


def in_plain_text(latex: str) -> str:
    """A formula as one types it: fractions with /, norms with bars, sums with their range.

    Args:
        latex: As `Bound.latex` gives it.

    Returns:
        One line of ASCII.
    """
    text = _read(iter(_TOKEN.findall(latex)))
    text = re.sub(r" +(?=[\x02\x04)\]}])|(?<=[\x01\x03(\[{]) +|(?<=max) +(?=\()| +$|^ +", "", text)
    return re.sub(r" {2,}", " ", text).translate(_PLAIN)


def symbols_of(text: str) -> list[str]:
    """What the symbols of a formula in plain text are, the usual ones."""
    return [words for pattern, words in SYMBOLS.items() if re.search(pattern, text)]


def _read(tokens: Iterator[str], stop: str = "") -> str:
    """The tokens up to `stop`, which is taken as well."""
    text = ""
    for token in tokens:
        if token == stop:
            break
        if token == "{":
            text += _read(tokens, "}")
        elif token in ("\\frac", "\\tfrac"):
            above, below = _argument(tokens), _argument(tokens)
            text += f"{_in_brackets(above, '[+-]')}/{_in_brackets(below, '[ /]')}"
        elif token in ("\\hat", "\\bar"):
            text += _argument(tokens) + token[1:]
        elif token == "_":
            below = _argument(tokens).replace(" ", "")
            text = f"{text.rstrip()}_{below if below.isalnum() else f'{{{below}}}'}"
        elif token == "^":
            above = _argument(tokens)
            text = f"{text.rstrip()}^{above if above.isalnum() else f'({above})'}"
        elif token in _BRACKETS:
            text += _BRACKETS[token]
        elif token == "\\mathrm":
            text += _argument(tokens)
        elif token.startswith("\\"):
            text += f"{_WORDS.get(token, token[1:])} "
        else:
            text += token
    return text


def _argument(tokens: Iterator[str]) -> str:
    """What belongs to a command: a group, or the next sign."""
    token = next(tokens, "")
    while token == " ":
        token = next(tokens, "")
    return (_read(tokens, "}") if token == "{" else _WORDS.get(token, token.removeprefix("\\"))).strip()


def _in_brackets(text: str, signs: str) -> str:
    """A part of a fraction, in brackets where it has such signs outside of its own brackets and norms."""
    outside, before = text, ""
    while outside != before:
        before, outside = outside, _INSIDE.sub("#", outside)
    return f"({text})" if re.search(signs, outside) else text
