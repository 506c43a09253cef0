"""Writes trees as text: Coq, or Lean 4."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from .nodes import Node

_SUM, _PRODUCT, _POWER, _APPLIED, _ATOM = range(5)
STEP: Mapping[str, str] = {"k": "k", "j": "pred k", "0": "0", "K": "K"}
"""What the indices are in definitions and statements."""
INNER: Mapping[str, str] = {**STEP, "k": "i", "j": "pred i"}
"""What they are inside of a sum."""
INDUCTION: Mapping[str, str] = {**STEP, "k": "S j", "j": "j"}
"""What they are in a proof about the step from x_j to x_(j+1)."""


@dataclass(frozen=True)
class Language:
    """How a language writes what differs."""

    coq: bool = True
    indices: Mapping[str, str] = field(default_factory=lambda: STEP)

    def with_indices(self, indices: Mapping[str, str]) -> Language:
        """The language with other texts for indices."""
        return Language(self.coq, indices)

    def __call__(self, node: Node) -> str:
        """The text of a tree."""
        return self._write(node)[0]

    def atom(self, node: Node) -> str:
        """The text of an argument of a function."""
        return self._at_least(node, _ATOM)

    def index(self, index: str, atom: bool = False) -> str:
        """The text of an index, in parentheses where an argument needs them."""
        text = self.indices[index]
        if not self.coq:
            text = {"S j": "j + 1", "pred k": "k - 1", "pred i": "i - 1"}.get(text, text)
        return f"({text})" if atom and " " in text else text

    def _at_least(self, node: Node, level: int) -> str:
        text, precedence = self._write(node)
        return text if precedence >= level else f"({text})"

    def _number(self, value: Fraction) -> tuple[str, int]:
        if value.denominator == 1:
            return (str(value), _ATOM) if value >= 0 else (f"- {-value}", _SUM)
        return (
            (f"{value.numerator} / {value.denominator}", _PRODUCT)
            if value > 0
            else (f"- ({-value.numerator} / {value.denominator})", _SUM)
        )

    def _write(self, node: Node) -> tuple[str, int]:
        return getattr(self, f"_{node.op}")(*node.args)

    # the constructors, by operation

    def _name(self, text: str) -> tuple[str, int]:
        return text, _ATOM

    def _at(self, base: str, index: str) -> tuple[str, int]:
        return f"{base} {self.index(index, True)}", _APPLIED

    def _index(self, index: str) -> tuple[str, int]:
        return self.index(index, True), _ATOM

    def _count(self, index: str) -> tuple[str, int]:
        text = self.index(index, True)
        if text == "1":
            return text, _ATOM
        return (f"INR {text}", _APPLIED) if self.coq else (f"({text} : ℝ)", _ATOM)

    def _add(self, *args: Node) -> tuple[str, int]:
        text = ""
        for arg in args:
            minus = arg.op == "neg"
            piece = self._at_least(arg.args[0], _PRODUCT) if minus else self._at_least(arg, _PRODUCT)
            text = f"{text} {'-' if minus else '+'} {piece}" if text else ("- " if minus else "") + piece
        return text, _SUM

    def _neg(self, arg: Node) -> tuple[str, int]:
        return f"- {self._at_least(arg, _PRODUCT)}", _SUM

    def _mul(self, *args: Node) -> tuple[str, int]:
        first, *rest = args
        pieces = [self._at_least(first, _PRODUCT), *(self._at_least(a, _POWER) for a in rest)]
        return " * ".join(pieces), _PRODUCT

    def _div(self, a: Node, b: Node) -> tuple[str, int]:
        return f"{self._at_least(a, _PRODUCT)} / {self._at_least(b, _POWER)}", _PRODUCT

    def _power(self, a: Node, exponent: int) -> tuple[str, int]:
        return f"{self._at_least(a, _APPLIED)} ^ {exponent}", _POWER

    def _max0(self, a: Node) -> tuple[str, int]:
        return f"{'Rmax' if self.coq else 'max'} 0 {self.atom(a)}", _APPLIED

    def _dot(self, u: Node, v: Node) -> tuple[str, int]:
        if self.coq:
            return f"dot {self.atom(u)} {self.atom(v)}", _APPLIED
        return f"⟪{self(u)}, {self(v)}⟫_ℝ", _ATOM

    def _sq(self, u: Node) -> tuple[str, int]:
        return (f"sq {self.atom(u)}", _APPLIED) if self.coq else (f"‖{self(u)}‖ ^ 2", _POWER)

    def _norm(self, u: Node) -> tuple[str, int]:
        return (f"norm {self.atom(u)}", _APPLIED) if self.coq else (f"‖{self(u)}‖", _ATOM)

    def _vzero(self) -> tuple[str, int]:
        return "vzero" if self.coq else "0", _ATOM

    def _vadd(self, u: Node, v: Node) -> tuple[str, int]:
        return f"{self._at_least(u, _SUM)} {'+v' if self.coq else '+'} {self._at_least(v, _PRODUCT)}", _SUM

    def _vsub(self, u: Node, v: Node) -> tuple[str, int]:
        return f"{self._at_least(u, _SUM)} {'-v' if self.coq else '-'} {self._at_least(v, _PRODUCT)}", _SUM

    def _vneg(self, u: Node) -> tuple[str, int]:
        return (f"vopp {self.atom(u)}", _APPLIED) if self.coq else (f"- {self._at_least(u, _PRODUCT)}", _SUM)

    def _vscal(self, c: Node, u: Node) -> tuple[str, int]:
        return f"{self._at_least(c, _APPLIED)} {'*v' if self.coq else '•'} {self._at_least(u, _APPLIED)}", _PRODUCT

    def _call(self, function: str, *args: Node) -> tuple[str, int]:
        return " ".join([function, *map(self.atom, args)]), _APPLIED

    def _inside(self) -> Language:
        return self.with_indices(INNER)

    def _sum(self, body: Node, index: str) -> tuple[str, int]:
        if self.coq:
            return f"sum {self.index(index, True)} (fun i => {self._inside()(body)})", _APPLIED
        return f"(∑ i ∈ Finset.Icc 1 {self.index(index, True)}, {self._inside()._at_least(body, _PRODUCT)})", _ATOM

    def _vsum(self, body: Node, index: str) -> tuple[str, int]:
        text, level = self._sum(body, index)
        return ("v" + text if self.coq else text), level

    def _discounted(self, factor: Node, start: Node, body: Node, index: str) -> tuple[str, int]:
        inside = self._inside()(body)
        pieces = self.atom(factor), self.atom(start), f"(fun i => {inside})", self.index(index, True)
        return " ".join(("discounted", *pieces)), _APPLIED

    def _discount(self, factor: Node) -> tuple[str, int]:
        return f"{self._at_least(factor, _APPLIED)} ^ (K - {self.index('k')})", _POWER

    def _power_of_K(self, factor: Node) -> tuple[str, int]:
        return f"{self._at_least(factor, _APPLIED)} ^ K", _POWER


_WIDTH = 116


def wrapped(text: str, indent: int) -> str:
    """The text broken at spaces to lines of at most `_WIDTH` characters."""
    pad = " " * indent
    return textwrap.fill(
        text, _WIDTH, initial_indent=pad, subsequent_indent=f"{pad}  ", break_long_words=False, break_on_hyphens=False
    )


COQ, LEAN = Language(), Language(coq=False)
