"""What starts quickly: the help of all verbs and the list of bounds import neither torch nor SymPy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click import unstyle
from typer.main import get_command
from typer.testing import CliRunner

from l2obound.verification.cli import app as cli
from l2obound.verification.cli.verbs.bounds import LISTING, listing


@pytest.mark.parametrize("arguments", [["--help"], ["bounds"], ["bounds", "ood_last_iterate"], ["bounds", "--json"]])
def test_it_imports_no_heavy_package(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["l2obound", *{arguments}]
from l2obound.verification.cli.app import main
try:
    main()
finally:
    heavy = {{"torch", "sympy", "numpy", "scipy", "cvxpy", "matplotlib"}} & {{*sys.modules}}
    print(*heavy, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert "ood_last_iterate" in done.stdout or "--help" in arguments


def test_no_help_imports_a_heavy_package() -> None:
    """The verbs import libraries when they are called."""
    code = """
import sys
from typer.main import get_command
from l2obound.verification.cli import app
group = get_command(app.app)
for name in app.VERBS:
    assert group.get_command(None, name).help.strip()
    print(name, *({"torch", "sympy", "scipy", "cvxpy", "matplotlib"} & {*sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    verbs = done.stdout.splitlines()
    assert len(verbs) > 10
    assert [line for line in verbs if " " in line] == []


def test_the_listing_is_that_of_the_catalogue() -> None:
    """After a change of the catalogue: python -m l2obound.verification.cli.verbs.bounds."""
    assert json.loads(LISTING.read_text(encoding="utf-8")) == listing()


def test_the_help_names_every_verb_and_each_has_a_help_of_its_own() -> None:
    shown = unstyle(CliRunner().invoke(cli.app, ["--help"]).stdout)
    group = get_command(cli.app)
    for name, (_, line) in cli.VERBS.items():
        assert name in shown
        assert line.split()[0] in shown
        assert group.get_command(None, name).help.strip()
    assert CliRunner().invoke(cli.app, ["nosuch"]).exit_code == 2
