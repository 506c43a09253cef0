"""What a method is run on to be traced: vectors as linear combinations, and expressions that are linear in values and
inner products. Every operation that leaves these is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from numbers import Number
from typing import Any

from ...errors import InputError
from .._setting import number

Coefficients = dict[str, Fraction]
Value = tuple[str, str]
Pair = tuple[str, str]
ZERO, ONE = Fraction(0), Fraction(1)
LINEAR = "a step may add vectors and multiply them by numbers that do not depend on the run"


def refused(operation: str, why: str = LINEAR) -> InputError:
    """The error of an operation that cannot be traced."""
    return InputError(f"{operation} is not linear: {why}.")


def _is_number(value: Any) -> bool:
    simple = type(value) in (int, float, Fraction)
    return simple or (isinstance(value, Number) and not isinstance(value, (bool, complex)))


def _sum(one: Mapping, other: Mapping) -> dict:
    """The sum of two combinations, without what cancels."""
    total = dict(one)
    for name, value in other.items():
        before = total.get(name)
        if before is None:
            total[name] = value
        elif sum_ := before + value:
            total[name] = sum_
        else:
            del total[name]
    return total


def _times(weight: Fraction, entries: Mapping) -> dict:
    """A multiple of a combination."""
    if weight == 1:
        return dict(entries)
    return {name: weight * value for name, value in entries.items()} if weight else {}


def _square(entries: Coefficients) -> dict[Pair, Fraction]:
    """The squared norm of a vector."""
    listed = sorted(entries.items())
    form: dict[Pair, Fraction] = {}
    for at, (a, u) in enumerate(listed):
        form[a, a] = u * u
        for b, v in listed[at + 1 :]:
            form[a, b] = 2 * u * v
    return form


def _negative(entries: Mapping) -> dict:
    return {name: -value for name, value in entries.items()}


class _Traced:
    """What vectors and expressions have in common: the operations that neither has."""

    words = "a traced value"

    def _no(self, operation: str) -> InputError:
        return refused(f"{operation} of {self.words}")

    def __bool__(self) -> bool:
        raise refused(
            f"a condition (if, and, or, while) on {self.words}", "what a method does may not depend on values"
        )

    def __lt__(self, other: Any) -> bool:
        raise refused(f"a comparison with {self.words}", "what a method does may not depend on values")

    __le__ = __gt__ = __ge__ = __lt__

    def __abs__(self) -> Any:
        raise self._no("abs")

    def __float__(self) -> float:
        raise self._no("float")

    __int__ = __index__ = __float__

    def __len__(self) -> int:
        raise self._no("len")

    def __getitem__(self, index: Any) -> Any:
        raise refused(
            f"an entry [{index!r}] of {self.words}", "vectors have no coordinates, so that every dimension is meant"
        )

    def __rtruediv__(self, other: Any) -> Any:
        raise self._no("division by the value")

    def __floordiv__(self, other: Any) -> Any:
        raise self._no("// ")

    __rfloordiv__ = __mod__ = __rmod__ = __floordiv__

    def __array_ufunc__(self, ufunc: Any, call: str, *inputs: Any, **options: Any) -> Any:
        simple = {"multiply": "__mul__", "add": "__add__"}
        if call == "__call__" and len(inputs) == 2 and not options:
            one, other = inputs
            if ufunc.__name__ in simple:
                mine, rest = (one, other) if isinstance(one, _Traced) else (other, one)
                return getattr(mine, simple[ufunc.__name__])(rest)
            if ufunc.__name__ == "subtract":
                return one - other if isinstance(one, _Traced) else (-other) + one
            if ufunc.__name__ == "matmul":
                return one @ other
            if ufunc.__name__ in ("divide", "true_divide") and isinstance(one, _Traced):
                return one / other
        raise self._no(f"np.{ufunc.__name__}")


class Vector(_Traced):
    """A linear combination of the vectors of a run: its start, its minimiser, and what the functions returned."""

    words = "a vector"
    __slots__ = ("_key", "entries")

    def __init__(self, entries: Coefficients) -> None:
        self.entries = entries
        self._key: frozenset | None = None

    def _of(self, other: Any, operation: str) -> Vector:
        if isinstance(other, Vector):
            return other
        if _is_number(other) and other == 0:  # so that sum() works
            return Vector({})
        raise refused(f"{operation} of a vector and {type(other).__name__} {other!r:.40}")

    def __add__(self, other: Any) -> Vector:
        return Vector(_sum(self.entries, self._of(other, "the sum").entries))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Vector:
        return Vector(_sum(self.entries, _negative(self._of(other, "the difference").entries)))

    def __rsub__(self, other: Any) -> Vector:
        return (-self) + other

    def __neg__(self) -> Vector:
        return Vector(_negative(self.entries))

    def __pos__(self) -> Vector:
        return self

    def __mul__(self, other: Any) -> Vector:
        if isinstance(other, Vector):
            raise refused("vector * vector", "the inner product is x @ y, for metrics and initial conditions")
        if isinstance(other, Scalar):
            raise refused("a vector times a value or an inner product", "a step size may not depend on what a run sees")
        return Vector(_times(number(other, "the factor of a vector"), self.entries))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Vector:
        if isinstance(other, _Traced):
            raise refused("division of a vector by a value of the run", "a step size may not depend on what a run sees")
        divisor = number(other, "the divisor of a vector")
        if not divisor:
            raise InputError("a vector was divided by 0.")
        return Vector({name: value / divisor for name, value in self.entries.items()})

    def __matmul__(self, other: Any) -> Scalar:
        if not isinstance(other, Vector):
            raise refused(f"@ of a vector and {type(other).__name__}", "an inner product is of two vectors")
        if other is self:
            return Scalar({}, None, square=(ONE, self))
        form: dict[Pair, Fraction] = {}
        for a, u in self.entries.items():
            for b, v in other.entries.items():
                key = (a, b) if a <= b else (b, a)
                form[key] = form[key] + u * v if key in form else u * v
        return Scalar({}, {key: value for key, value in form.items() if value})

    def __pow__(self, power: Any) -> Scalar:
        if power != 2:
            raise refused(f"a vector ** {power!r}", "x ** 2 is the squared norm")
        return self @ self

    @property
    def key(self) -> frozenset:
        """Equal vectors have equal keys."""
        if self._key is None:
            self._key = frozenset([(name, *value.as_integer_ratio()) for name, value in self.entries.items()])
        return self._key


class Scalar(_Traced):
    """A linear function of function values and inner products, and a number.

    `square` is (w, v) where the inner products are w ||v||^2 for a vector v: `form` has all of them, and takes long.
    """

    words = "a value or an inner product"
    __slots__ = ("_form", "constant", "square", "values")

    def __init__(
        self,
        values: dict[Value, Fraction],
        form: dict[Pair, Fraction] | None,
        constant: Fraction = ZERO,
        square: tuple[Fraction, Vector] | None = None,
    ) -> None:
        self.values, self._form, self.constant, self.square = values, form, constant, square

    @property
    def form(self) -> dict[Pair, Fraction]:
        """The weights of inner products, by the names of both vectors, in order."""
        if self._form is None:
            weight, vector = self.square or (ZERO, Vector({}))
            self._form = _times(weight, _square(vector.entries))
        return self._form

    @property
    def names(self) -> set[str]:
        """The vectors of the inner products."""
        if self.square is not None:
            return set(self.square[1].entries) if self.square[0] else set()
        return {name for pair in self.form for name in pair}

    def plus(self, constant: Fraction) -> Scalar:
        """With a number added."""
        return Scalar(self.values, self._form, self.constant + constant, self.square)

    def __add__(self, other: Any) -> Scalar:
        if _is_number(other):
            return self.plus(number(other, "a summand"))
        if not isinstance(other, Scalar):
            raise refused(
                f"the sum of a value and {type(other).__name__}", "values and inner products add to their like"
            )
        values, constant = _sum(self.values, other.values), self.constant + other.constant
        for one, rest in ((self, other), (other, self)):
            if one.square is not None and rest.square is None and not rest.form:
                return Scalar(values, one._form, constant, one.square)
        return Scalar(values, _sum(self.form, other.form), constant)

    __radd__ = __add__

    def __neg__(self) -> Scalar:
        return -1 * self

    def __sub__(self, other: Any) -> Scalar:
        return self + (-other)

    def __rsub__(self, other: Any) -> Scalar:
        return (-self) + other

    def __mul__(self, other: Any) -> Scalar:
        if isinstance(other, _Traced):
            raise refused(f"a value times {other.words}", "metrics are linear in values and inner products")
        weight = number(other, "the factor of a value")
        values, constant = _times(weight, self.values), weight * self.constant
        if self.square is not None:
            return Scalar(values, None, constant, (weight * self.square[0], self.square[1]))
        return Scalar(values, _times(weight, self.form), constant)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Scalar:
        if isinstance(other, _Traced):
            raise refused("division by a value of the run", "metrics are linear in values and inner products")
        divisor = number(other, "the divisor of a value")
        if not divisor:
            raise InputError("a value was divided by 0.")
        return self * (1 / divisor)

    def __pow__(self, power: Any) -> Scalar:
        raise refused(f"a value ** {power!r}", "metrics are linear in values and inner products")
