"""The intermediate form of an export: expressions as trees, which `_print` writes as Coq or as Lean 4.

A tree is a number, a name, a quantity at an index, or an operation on trees. Vectors and numbers have operations of
their own, so that a tree says which is meant. Indices are "k", "j" (k-1), "0" and "K"; what stands for them is chosen
when a tree is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Node:
    """``op`` applied to ``args``: trees, names, indices and fractions, by operation.

    number(Fraction), name(text), at(text, index), count(index); add, mul (trees), neg, div, power(tree, int), max0;
    dot, sq, norm; vadd, vsub, vneg, vscal, vzero; call(text, trees); sum(tree, index), vsum(tree, index),
    discounted(factor, start, tree, index), discount(factor): factor^(K-k), power_of_K(factor).
    """

    op: str
    args: tuple[Any, ...] = ()


def number(value: int | Fraction) -> Node:
    """A rational number."""
    return Node("number", (Fraction(value),))


def name(text: str) -> Node:
    """A constant of the run."""
    return Node("name", (text,))


def at(base: str, index: str) -> Node:
    """A sequence at an index."""
    return Node("at", (base, index))


def call(function: str, *args: Node) -> Node:
    """A function, with the constant arguments that its text has, of trees."""
    return Node("call", (function, *args))


def add(*args: Node) -> Node:
    """A sum of numbers."""
    return args[0] if len(args) == 1 else Node("add", args) if args else number(0)


def mul(*args: Node) -> Node:
    """A product of numbers, without factors 1."""
    left = tuple(a for a in args if a != number(1))
    return left[0] if len(left) == 1 else Node("mul", left) if left else number(1)


def sub(a: Node, b: Node) -> Node:
    """a - b."""
    return add(a, Node("neg", (b,)))
