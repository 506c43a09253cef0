"""What a statement says, rebuilt from the text of its two sides by the checker itself."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from . import _checker_base as base
from ._checker_arithmetic import VECTOR, Wrong, called, demand, names, parse, positive_part, same, whole

if TYPE_CHECKING:
    from .checker import Ground


@dataclass
class Reader:
    """What a formula of the statement says, as text in the names of proofs; what is not understood is `Wrong`."""

    ground: Ground
    stepwise: bool
    inside: bool = False

    def read(self, tree: ast.expr) -> str:
        if isinstance(tree, ast.Constant):
            return str(tree.value)
        if isinstance(tree, ast.Name):
            return self._name(tree.id)
        if isinstance(tree, ast.Subscript):
            return self._entry(tree)
        if isinstance(tree, ast.UnaryOp):
            return f"(-{self.read(tree.operand)})" if isinstance(tree.op, ast.USub) else self.read(tree.operand)
        if isinstance(tree, ast.Call):
            return self._call(tree)
        if not isinstance(tree, ast.BinOp):
            raise Wrong(f"the statement has {ast.unparse(tree)}")
        if isinstance(tree.op, ast.Pow):
            return self._power(tree)
        sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}[type(tree.op)]
        return _in_a_space(f"({self.read(tree.left)}{sign}({self.read(tree.right)}))")

    def _name(self, name: str) -> str:
        demand(name in base.RUN or (name == "k" and self.stepwise), f"the statement has {name}, here of no meaning")
        if name == "mean_grad":
            demand(not self.stepwise, "the statement has mean_grad, and speaks of a step")
            self.ground.grant((base.MEANT_UNDER["share"],), "the quantity mean_grad")
            rule = self.ground.sums.get("u", {"increment": "0", "factor": "1", "start": "0"})
            fine = same(rule["increment"], "share_k*g_k") and same(rule["factor"], "1") and same(rule["start"], "0")
            demand(fine, "the sum u of the certificate is not the mean of the gradients of the statement")
        return {"F_z": "(f_z + r_z)", "R": "dist_0"}.get(name, name)

    def _entry(self, tree: ast.Subscript) -> str:
        if not isinstance(tree.value, ast.Name):
            raise Wrong(f"the statement has {ast.unparse(tree)}")
        name, text = tree.value.id, ast.unparse(tree.slice)
        index = {"k": "k", "k - 1": "j", "0": "0", "K": "K"}.get(text)
        demand(index is not None and (index in "0K" or self.stepwise), f"the statement has {name}[{text}]")
        demand(index == "k" or name in base.AT_POINTS, f"the statement has {name}[{text}]")
        if name in base.MEANT_UNDER:
            self.ground.grant((base.MEANT_UNDER[name],), f"the quantity {name}")
        if name in base.FORMULAS:
            return f"({base.FORMULAS[name]})"
        if name == "F":
            return f"(f_{index} + r_{index})"
        if name == "gz2":
            return f"((g_{index} - g_z)**2)"
        if name == "grad2":
            return f"(g_{index}**2)"
        if name == "metric_dist2":
            return f"(aftervec_{index}**2)"
        if name == "energy":
            return f"(energy_a*L/2*memoryvec_{index}**2)"
        if name == "motion":
            return f"(L/2*stepvec_{index}**2)"
        demand(name in (*base.NUMBERS, *base.AT_POINTS), f"the statement has {name}, of which nothing is known")
        return f"{name}_{index}"

    def _call(self, tree: ast.Call) -> str:
        if called(tree) == "sqrt":
            (inside,) = tree.args
            if not isinstance(inside, ast.Subscript) or not isinstance(inside.value, ast.Name):
                raise Wrong(f"the statement has {ast.unparse(tree)}")
            return base.ROOTS[inside.value.id] if self._entry(inside) else ""
        if called(tree) == "Max":
            return f"Max(0, {self.read(positive_part(tree))})"
        demand(not self.inside, "the statement has a sum within a sum")
        body, *limits = tree.args
        demand([ast.unparse(one) for one in limits] == ["(k, 1, K)"], f"the statement has {ast.unparse(tree)}")
        factors, divisors = _factors(body)
        discounts = [f for f in factors if _is_power_of(f, "K - k")]
        demand(len(discounts) <= 1, f"the statement has {ast.unparse(tree)}")
        factor = self._constant(discounts[0].left) if discounts else "1"
        reader = Reader(self.ground, True, inside=True)
        rest = "*".join(["1", *(reader.read(f) for f in factors if f not in discounts)])
        rest = "/".join([rest, *(f"({reader.read(d)})" for d in divisors)])
        self.ground.demand_finite(rest, "the statement")
        self.ground.demand_finite(factor, "the statement")
        return f"{self._sum(_in_a_space(rest), factor, '0')}_K"

    def _sum(self, increment: str, factor: str, start: str) -> str:
        for name, rule in self.ground.sums.items():
            if all(
                same(rule[key], text) for key, text in zip(("increment", "factor", "start"), (increment, factor, start))
            ):
                return name
        raise Wrong(f"no sum of the certificate is that of the statement, of {increment[:80]}")

    def _constant(self, tree: ast.expr) -> str:
        fine = not any(isinstance(node, (ast.Subscript, ast.Call)) for node in ast.walk(tree)) and "k" not in names(
            tree
        )
        demand(fine, f"the statement has a power of {ast.unparse(tree)}")
        return self.read(tree)

    def _power(self, tree: ast.BinOp) -> str:
        if _is_power_of(tree, "K") and not self.inside:
            factor = self._constant(tree.left)
            self.ground.demand_finite(factor, "the statement")
            return f"{self._sum('0', factor, '1')}_K"
        power = whole(tree.right)
        demand(power is not None, f"the statement has the power {ast.unparse(tree)}")
        inside = self.read(tree.left)
        if power == 2 and re.fullmatch(r"dist_[kj0K]", inside):
            return f"((x_{inside[5:]} - x_z)**2)"
        return _in_a_space(f"({inside})**({power})")


def _in_a_space(text: str) -> str:
    """The formula, unless it has a product of inner products: ||u||^2 ||v||^2 and <u, v>^2 are one polynomial."""
    demand(_degree(parse(text)) <= 2, f"the statement has a product of inner products: {text[:80]}")
    return text


def _degree(tree: ast.expr) -> int:
    """The degree in the vectors, at most."""
    if isinstance(tree, ast.Name):
        return int(VECTOR.fullmatch(tree.id) is not None)
    if isinstance(tree, ast.UnaryOp):
        return _degree(tree.operand)
    if isinstance(tree, ast.Call):
        return max(map(_degree, tree.args))
    if not isinstance(tree, ast.BinOp):
        return 0
    if isinstance(tree.op, ast.Pow):
        return abs(whole(tree.right) or 0) * _degree(tree.left)
    left, right = _degree(tree.left), _degree(tree.right)
    return left + right if isinstance(tree.op, (ast.Mult, ast.Div)) else max(left, right)


def _is_power_of(tree: ast.expr, exponent: str) -> TypeGuard[ast.BinOp]:
    return isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Pow) and ast.unparse(tree.right) == exponent


def _factors(tree: ast.expr) -> tuple[list[ast.expr], list[ast.expr]]:
    """A product and what it is divided by."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, (ast.Mult, ast.Div)):
        left, right = _factors(tree.left), _factors(tree.right)
        if isinstance(tree.op, ast.Div):
            right = right[1], right[0]
        return left[0] + right[0], left[1] + right[1]
    return [tree], []
