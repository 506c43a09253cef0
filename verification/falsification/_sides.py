"""The two sides of a bound as differentiable torch expressions, from the catalogue's own formulas.

The tree of a sympy expression is walked as `bounds.evaluate_expression` walks it, on tensors in place of balls: there
is no second copy of any bound. Nothing here carries an error bound, so nothing here is a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import sympy as sp
import torch

from ...bounds.quantities import VOCABULARY
from ...l2o import InputError

_STEP, _STEPS = sp.Symbol("k", integer=True), VOCABULARY["K"].symbol
_SMALL = 1e-300  # below it a square root has no slope that float64 can hold
_FOLDS: dict[type[sp.Basic], Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    sp.Add: torch.add,
    sp.Mul: torch.mul,
    sp.Max: torch.maximum,
    sp.Min: torch.minimum,
}


def evaluate(expression: sp.Expr, quantities: Mapping[str, torch.Tensor], steps: int) -> torch.Tensor:
    """(B,1), or (B,K) where the step index is free, from quantities (B,), (B,K+1) and (B,K) by name."""
    return _Walk(quantities, steps)(sp.sympify(expression))


class _Walk:
    def __init__(self, quantities: Mapping[str, torch.Tensor], steps: int) -> None:
        self.quantities, self.steps = quantities, steps
        self.like = next(iter(quantities.values()))
        self.results: dict[sp.Basic, torch.Tensor] = {}

    def __call__(self, node: sp.Basic) -> torch.Tensor:
        if node not in self.results:
            self.results[node] = self.value(node)
        return self.results[node]

    def value(self, node: sp.Basic) -> torch.Tensor:
        if isinstance(node, (sp.Rational, sp.Float)):
            return self.like.new_full((1, 1), float(node))
        if isinstance(node, sp.Symbol):
            return self.symbol(node)
        if isinstance(node, sp.Indexed):
            return self.indexed(node)
        if isinstance(node, sp.Sum) and node.limits == (sp.Tuple(_STEP, sp.Integer(1), _STEPS),):
            term = self(node.function)
            free = _STEP in node.function.free_symbols
            return term.sum(1, keepdim=True) if free else term * self.steps
        for kind, fold in _FOLDS.items():
            if isinstance(node, kind):
                return reduce(fold, torch.broadcast_tensors(*map(self, node.args)))
        if isinstance(node, sp.Abs):
            return self(node.args[0]).abs()
        if isinstance(node, sp.Pow):
            return self.power(self(node.base), node.exp)
        raise InputError(
            f"falsify: `{node}` ({type(node).__name__}) cannot be evaluated; formulas are made of what "
            f"bounds.evaluate_expression takes."
        )

    def power(self, base: torch.Tensor, exponent: sp.Expr) -> torch.Tensor:
        if exponent == sp.Rational(1, 2):
            return base.clamp(min=_SMALL).sqrt()
        if exponent.is_Rational:
            return base ** (int(exponent) if exponent.is_Integer else float(exponent))
        return base.clamp(min=0.0) ** self(exponent)

    def symbol(self, node: sp.Symbol) -> torch.Tensor:
        if node == _STEP:
            return torch.arange(1, self.steps + 1, dtype=self.like.dtype, device=self.like.device).unsqueeze(0)
        if node == _STEPS:
            return self.like.new_full((1, 1), float(self.steps))
        return self.quantity(node.name).unsqueeze(1)

    def indexed(self, node: sp.Indexed) -> torch.Tensor:
        name, index = str(node.base), node.indices[0]
        first = 0 if VOCABULARY[name].level == "iterate" else 1
        if index.has(_STEP):
            shift = int(sp.expand(index - _STEP))
            low, high = 1 + shift, self.steps + shift
        else:
            low = high = int(index.subs(_STEPS, self.steps))
        return self.quantity(name)[:, low - first : high - first + 1]

    def quantity(self, name: str) -> torch.Tensor:
        if name not in self.quantities:
            raise InputError(
                f"falsify: `{name}` ({VOCABULARY[name].meaning}) is not measured on a run of this optimizer; the bound "
                f"needs one whose state names its preconditioner, such as ista or go-math-l2o."
            )
        return self.quantities[name]
