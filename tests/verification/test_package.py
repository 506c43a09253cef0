"""The packages load nothing before they are asked; names are what they are, in whatever order things are imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from l2obound import verification

HERE = "l2obound.verification"
ORDERS = [
    "from l2obound import verification",
    f"import {HERE}.verdicts.verify",
    f"import {HERE}.optima",
    f"import {HERE}.optima._result, {HERE}.verdicts.verify as v; assert callable(v.verify)",
    f"from {HERE}.optima import Optimum; from {HERE} import optimum as o; o.__call__",
    f"from {HERE}.verdicts.verify import verify_all; from {HERE} import verify as v; v.__call__",
    f"from l2obound import verification as v; v.Verdict; from {HERE} import decompose, asymptotics",
    f"from l2obound import verification as v; f = v.verify; import {HERE}.optima._result; assert v.verify is f",
    f"from {HERE} import cli, report, assumption_meter, equivariance_table",
    f"from {HERE} import *; assert callable(optimum) and callable(verify)",
    f"import importlib; from l2obound import verification; importlib.import_module('{HERE}.verdicts.verify'); "
    "importlib.reload(verification)",
]
SHARED = ("assumption_meter", "asymptotics", "decompose", "equivariance_table", "optimum", "verify")
"""Names of functions that modules have too."""

CHECK = f"""
import sys, types

for order in {ORDERS!r}:
    for name in [m for m in sys.modules if m.startswith("l2obound")]:
        del sys.modules[name]
    exec(order, {{}})
    package = sys.modules["l2obound.verification"]
    for name in {SHARED!r}:
        value = getattr(package, name)
        assert isinstance(value, types.FunctionType), (order, name, value)
        assert getattr(sys.modules[value.__module__], name) is value, (order, name)
"""


def fresh(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    ).stdout


def test_importing_the_package_loads_nothing() -> None:
    heavy = ("torch", "numpy", "cvxpy", "sympy", "matplotlib", "l2obound.bounds", "l2obound.l2o")
    fresh(f"import l2obound.verification, sys; assert not set({heavy!r}) & sys.modules.keys()")


@pytest.mark.slow
def test_functions_are_not_hidden_by_the_modules_of_their_names() -> None:
    fresh(CHECK)


@pytest.mark.parametrize("order", ["import l2obound.verification.optima, l2obound.verification.verdicts.verify"])
def test_the_same_in_a_fresh_process(order: str) -> None:
    code = "; ".join(f"print(type(verification.{name}).__name__)" for name in ("verify", "optimum"))
    assert fresh(f"from l2obound import verification; {order}\n{code}").split() == ["function", "function"]


def test_every_public_name_is_there_and_type_checkers_see_the_same_ones() -> None:
    tree = ast.parse(Path(verification.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name))
    seen = {alias.name: line.module for line in block.body for alias in line.names}
    assert sorted(seen) == sorted(verification.__all__)
    for name in verification.__all__:
        module = (
            sys.modules[f"l2obound.verification.{verification._HOMES[name]}"] if getattr(verification, name) else None
        )
        assert f"l2obound.verification.{seen[name]}" == module.__name__
        assert getattr(module, name) is getattr(verification, name)
    assert set(verification.__all__) <= set(dir(verification))


def test_names_that_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'optimun'"):
        _ = verification.optimun
    assert verification.profile.figure.__module__.startswith("l2obound.verification.worst_cases.profile")


def test_a_function_can_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "verify", len)
    assert verification.verify is len
