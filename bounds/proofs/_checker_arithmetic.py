"""Formulas of certificates as text: a parser that runs nothing, values modulo a prime, and signs of fractions.

Two formulas are the same if their values are at a random point modulo a random prime p of 256 bits, both drawn anew for
each check, so that no certificate can be written for them. The chance that a false identity passes is below 2^-120: a
formula has at most 10^5 characters, integers below 2^64 and powers that multiply to at most 4096, so with sums and
definitions put in, and less than 2^40 formulas in a certificate, an identity is one of integer polynomials of a degree
below 2^110 with coefficients of less than 2^120 bits. A coefficient that is not 0 has less than 2^113 prime factors of
256 bits, of more than 2^246 primes there are; a polynomial that is not 0 modulo p is 0 at a random point with a chance
of degree/p < 2^-144; and a composite number passes as p with a chance of 4^-64.
"""

from __future__ import annotations

import ast
import math
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache

BITS, ROUNDS = 256, 64
"""The length of the prime, and the rounds of its test."""
VECTOR = re.compile(r"([xgsuvw]|[a-z0-9]+vec)_[kj0Kztypeo]")
"""Names of vectors."""
_DRAW = random.SystemRandom()
_BINARY = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)
LONGEST, LARGEST, HIGHEST, NESTED = 100_000, 2**64, 64, 4096
"""Of a formula: the most characters, what its integers are below, the highest power, and that of powers of powers."""
_ODD = math.lcm(*range(3, 1000, 2))
_PRIME: ContextVar[int] = ContextVar("prime")


class Wrong(Exception):
    """The certificate does not hold; the message says where."""


def demand(condition: object, message: str) -> None:
    """Raise `Wrong` with this message unless the condition holds."""
    if not condition:
        raise Wrong(message)


@contextmanager
def fresh_prime() -> Iterator[None]:
    """Draw the prime of a check, from the system's random numbers; it holds inside."""
    while True:
        number = _DRAW.getrandbits(BITS) | 1 << (BITS - 1) | 1
        if is_prime(number):
            break
    token = _PRIME.set(number)
    try:
        yield
    finally:
        _PRIME.reset(token)


def prime() -> int:
    """The prime of this check."""
    return _PRIME.get()


def is_prime(number: int) -> bool:
    """Whether an odd number > 3 is prime, by Miller and Rabin; of a composite one wrong with a chance of 4^-64."""
    if math.gcd(number, _ODD) not in (1, number):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(_agrees(_DRAW.randrange(2, number - 1), number, odd, twos) for _ in range(ROUNDS))


def _agrees(base: int, number: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


@lru_cache(maxsize=20_000)
def parse(text: str) -> ast.expr:
    """The tree of a formula; nothing but sums, products, quotients, powers, names, entries, Sum, Max and sqrt."""
    demand(isinstance(text, str) and len(text) <= LONGEST, f"not a formula: {str(text)[:80]!r}")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, MemoryError):  # the latter from brackets too deep
        raise Wrong(f"not a formula: {text[:80]!r}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp):
            fine = isinstance(node.op, _BINARY)
        elif isinstance(node, ast.UnaryOp):
            fine = isinstance(node.op, (ast.USub, ast.UAdd))
        elif isinstance(node, ast.Constant):
            fine = type(node.value) is int and node.value < LARGEST
        elif isinstance(node, ast.Call):
            fine = isinstance(node.func, ast.Name) and node.func.id in ("Sum", "Max", "sqrt") and not node.keywords
        else:
            fine = isinstance(
                node, (ast.Name, ast.Subscript, ast.Tuple, ast.Load, ast.operator, ast.unaryop, ast.expr_context)
            )
        demand(fine, f"a formula has {type(node).__name__}, or too large a number: {text[:80]!r}")
    demand(_height(tree) <= NESTED, f"a formula has too high a power: {text[:80]!r}")
    return tree


def _height(tree: ast.AST) -> int:
    """The most that powers of powers in a formula multiply to."""
    exponent = 1
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Pow):
        exponent = max(1, abs(whole(tree.right) or 1))
        demand(exponent <= HIGHEST, f"a formula has the power {exponent}, and {HIGHEST} is the highest")
    return exponent * max(map(_height, ast.iter_child_nodes(tree)), default=1)


@lru_cache(maxsize=20_000)
def divisors(tree: ast.expr) -> tuple[ast.expr, ...]:
    """All that a formula divides by, those inside of others too; numbers that are not 0 left out."""
    denominators = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            denominators.append(node.right)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and (whole(node.right) or 0) < 0:
            denominators.append(node.left)
    return tuple(one for one in denominators if not whole(one))


@lru_cache(maxsize=20_000)
def names(tree: ast.expr) -> frozenset[str]:
    """The names in a formula, functions left out."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called)


def _short(tree: ast.expr) -> str:
    return ast.unparse(tree)[:80]


def whole(tree: ast.expr) -> int | None:
    """The integer that an exponent is, or None."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        inside = whole(tree.operand)
        return None if inside is None else -inside
    return tree.value if isinstance(tree, ast.Constant) and isinstance(tree.value, int) else None


def called(tree: ast.Call) -> str:
    """The function that is called; `parse` lets through none but names."""
    return tree.func.id if isinstance(tree.func, ast.Name) else ""


class Point:
    """A random point modulo the prime: the value of each name, made when it is first asked for."""

    def __init__(self) -> None:
        self.drawn: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        if name not in self.drawn:
            self.drawn[name] = _DRAW.randrange(1, prime())
        return self.drawn[name]


def value(tree: ast.expr, lookup: Callable[[str], int], maximum: Callable[[ast.expr], int] | None = None) -> int:
    """The value of a formula modulo the prime."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        return tree.value % prime()
    if isinstance(tree, ast.Name):
        return lookup(tree.id)
    if isinstance(tree, ast.UnaryOp):
        inside = value(tree.operand, lookup, maximum)
        return -inside % prime() if isinstance(tree.op, ast.USub) else inside
    if isinstance(tree, ast.Call) and called(tree) == "Max" and maximum is not None:
        return maximum(positive_part(tree))
    if not isinstance(tree, ast.BinOp):  # what is wrong is put into words only where something is: that takes long
        raise Wrong(f"no number: {_short(tree)}")
    left = value(tree.left, lookup, maximum)
    if isinstance(tree.op, ast.Pow):
        power = whole(tree.right)
        if power is None:
            raise Wrong(f"the power {_short(tree)} is not a whole one")
        if power < 0 and left == 0:
            raise Wrong(f"a division by 0: {_short(tree)}")
        return pow(left, power, prime())
    right = value(tree.right, lookup, maximum)
    if isinstance(tree.op, ast.Add):
        return (left + right) % prime()
    if isinstance(tree.op, ast.Sub):
        return (left - right) % prime()
    if isinstance(tree.op, ast.Mult):
        return left * right % prime()
    if right == 0:
        raise Wrong(f"a division by 0: {_short(tree)}")
    return left * pow(right, -1, prime()) % prime()


def positive_part(tree: ast.Call) -> ast.expr:
    """x of Max(0, x)."""
    rest = [a for a in tree.args if whole(a) != 0]
    demand(len(tree.args) == 2 and len(rest) == 1, f"{ast.unparse(tree)[:80]} is not the positive part of something")
    return rest[0]


def same(one: str, other: str) -> bool:
    """Whether two formulas are the same rational function of their names, Max(0, x) taken as a name of its own."""
    if one == other:
        return True
    point = Point()

    def maximum(inside: ast.expr) -> int:
        return point(f"Max {value(inside, point, maximum)}")

    return value(parse(one), point, maximum) == value(parse(other), point, maximum)


def even(at: Callable[[int], int]) -> bool:
    """Whether a polynomial in the scale of the vectors has terms of degree 0 and 2 only."""
    scale = Point()("scale")
    none, one = at(0), at(1)
    return (at(scale) - none - scale * scale * (one - none)) % prime() == 0


# Signs: fractions of polynomials with positive coefficients

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]
Quotient = tuple[Polynomial, Polynomial]
_ONE: Polynomial = {(): Fraction(1)}


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    product: Polynomial = {}
    for m, c in a.items():
        for n, d in b.items():
            powers = dict(m)
            for name, power in n:
                powers[name] = powers.get(name, 0) + power
            key = tuple(sorted(powers.items()))
            product[key] = product.get(key, Fraction(0)) + c * d
    return {m: c for m, c in product.items() if c}


def _plus(a: Polynomial, b: Polynomial) -> Polynomial:
    total = dict(a)
    for m, c in b.items():
        total[m] = total.get(m, Fraction(0)) + c
    return {m: c for m, c in total.items() if c}


def _add(a: Quotient, b: Quotient, sign: int) -> Quotient:
    flipped = {m: sign * c for m, c in b[0].items()}
    if a[1] == b[1]:
        return _plus(a[0], flipped), a[1]
    return _plus(_times(a[0], b[1]), _times(flipped, a[1])), _times(a[1], b[1])


def _demand_not_0(divisor: Quotient, tree: ast.expr) -> None:
    if not divisor[0]:
        raise Wrong(f"a division by 0: {_short(tree)}")


def quotient(tree: ast.expr, lookup: Callable[[str], Quotient]) -> Quotient:
    """The formula as one fraction of polynomials."""
    if isinstance(tree, ast.Constant) and isinstance(tree.value, int):
        return ({(): Fraction(tree.value)} if tree.value else {}), _ONE
    if isinstance(tree, ast.Name):
        return lookup(tree.id)
    if isinstance(tree, ast.UnaryOp):
        top, bottom = quotient(tree.operand, lookup)
        return ({m: -c for m, c in top.items()} if isinstance(tree.op, ast.USub) else top), bottom
    if not isinstance(tree, ast.BinOp):
        raise Wrong(f"no sign is known of {_short(tree)}")
    a = quotient(tree.left, lookup)
    if isinstance(tree.op, ast.Pow):
        power = whole(tree.right)
        if power is None or abs(power) > HIGHEST:
            raise Wrong(f"no sign is known of {_short(tree)}")
        if power < 0:
            _demand_not_0(a, tree)
            a = a[1], a[0]
        product: Quotient = (_ONE, _ONE)
        for _ in range(abs(power)):
            product = _times(product[0], a[0]), _times(product[1], a[1])
        return product
    b = quotient(tree.right, lookup)
    if isinstance(tree.op, ast.Add):
        return _add(a, b, 1)
    if isinstance(tree.op, ast.Sub):
        return _add(a, b, -1)
    if isinstance(tree.op, ast.Div):
        _demand_not_0(b, tree)
        b = b[1], b[0]
    return _times(a[0], b[0]), _times(a[1], b[1])


def variable(name: str) -> Quotient:
    """A name as a fraction."""
    return {((name, 1),): Fraction(1)}, _ONE


def place_in(values: Callable[[str], Quotient], index: str, position: str) -> Callable[[str], Quotient]:
    """The same for a formula in the names of index k, taken at another index; `position` is that index as a number."""

    def lookup(name: str) -> Quotient:
        if name == "k" and position != "k":
            return quotient(parse(position), values)
        return values(f"{name[:-1]}{index}" if name.endswith("_k") else name)

    return lookup


def is_never_0(q: Quotient, at_least_0: Callable[[str], bool], above_0: Callable[[str], bool]) -> bool:
    """Whether the fraction is > 0, or < 0."""
    opposite = {m: -c for m, c in q[0].items()}, q[1]
    return any(has_sign(one, at_least_0, above_0, True) for one in (q, opposite))


def has_sign(q: Quotient, at_least_0: Callable[[str], bool], above_0: Callable[[str], bool], strict: bool) -> bool:
    """Whether the fraction is >= 0 (> 0): all coefficients of one sign, names without a sign in even powers only."""

    def one(polynomial: Polynomial, sign: int, strictly: bool) -> bool:
        if not all(sign * c > 0 for c in polynomial.values()):
            return False
        if not all(power % 2 == 0 or at_least_0(name) for m in polynomial for name, power in m):
            return False
        return not strictly or any(all(above_0(name) for name, _ in m) for m in polynomial)

    top, bottom = q
    return any(one(bottom, sign, True) and one(top, sign, strict) for sign in (1, -1))


def free(trees: Iterable[ast.expr]) -> set[str]:
    """The names of several formulas."""
    return set().union(*map(names, trees))


def lookup_in(values: Mapping[str, ast.expr], quotients: dict[str, Quotient]) -> Callable[[str], Quotient]:
    """Names as fractions in the symbols of a change of variables."""

    def lookup(name: str) -> Quotient:
        if name not in quotients:
            quotients[name] = variable(name)  # a circle in a table would end here
            if name in values:
                quotients[name] = quotient(values[name], lookup)
        return quotients[name]

    return lookup
