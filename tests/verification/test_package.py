"""The packages load nothing before they are asked; names are what they are, in whatever order things are imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from l2obound import verification

ORDERS = [
    "from l2obound import verification",
    "import l2obound.verification.verdicts.verify",
    "import l2obound.verification.optima",
    "import l2obound.verification.optima._result, l2obound.verification.verdicts.verify as v; assert callable(v)",
    "from l2obound.verification.optima import Optimum; from l2obound.verification import optimum as o; o.__call__",
    "from l2obound.verification.verdicts.verify import verify_all; from l2obound.verification import verify as v; v.__call__",
    "from l2obound import verification as v; v.Verdict; from l2obound.verification import decompose, asymptotics",
    "from l2obound import verification as v; f = v.verify; import l2obound.verification.optima._result; 1 / (v.verify is f)",
    "from l2obound.verification import cli, report, assumption_meter, equivariance_table",
    "from l2obound.verification import *; assert callable(optimum) and callable(verify)",
    "import importlib; from l2obound import verification; importlib.import_module('l2obound.verification.verdicts.verify'); "
    "importlib.reload(verification)",
]
SHARED = ("assumption_meter", "asymptotics", "decompose", "equivariance_table", "optimum", "verify")
"""Names that are a function of the package and a module in it."""

CHECK = f"""
import sys, types

for order in {ORDERS!r}:
    for name in [m for m in sys.modules if m.startswith("l2obound")]:
        del sys.modules[name]
    exec(order, {{}})
    package = sys.modules["l2obound.verification"]
    for name in {SHARED!r}:
        value, module = getattr(package, name), sys.modules["l2obound.verification." + name]
        assert isinstance(value, types.FunctionType) and isinstance(module, types.ModuleType), (order, name, value)
        assert getattr(module, name) is value, (order, name)
"""


def fresh(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    ).stdout


def test_importing_the_package_loads_nothing() -> None:
    heavy = ("torch", "numpy", "cvxpy", "sympy", "matplotlib", "l2obound.bounds", "l2obound.l2o")
    fresh(f"import l2obound.verification, sys; assert not set({heavy!r}) & sys.modules.keys()")


def test_functions_are_not_hidden_by_the_modules_of_their_names() -> None:
    fresh(CHECK)


@pytest.mark.parametrize("order", ["import l2obound.verification.optima, l2obound.verification.verdicts.verify", ""])
def test_the_same_in_a_fresh_process(order: str) -> None:
    code = "; ".join(f"print(type(verification.{name}).__name__)" for name in ("verify", "optimum"))
    assert fresh(f"from l2obound import verification; {order}\n{code}").split() == ["function", "function"]


def test_every_public_name_is_there_and_type_checkers_see_the_same_ones() -> None:
    (block,) = (node for node in ast.parse(Path(verification.__file__).read_text()).body if isinstance(node, ast.If))
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
