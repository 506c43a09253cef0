"""The wheel of this checkout, built from a copy and installed into a folder; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def build(folder: Path, **environment: str) -> Path:
    """The wheel, built without isolation in `folder`, where what was compiled before is not."""
    source, wheels = folder / "source", folder / "wheels"
    for package in ("l2obound", "bounds", "l2o", "verification"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "setup.py"):
        shutil.copy(ROOT / name, source / name)
    command = [*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, source]
    subprocess.run(command, check=True, env={**os.environ, **environment})
    (wheel,) = wheels.iterdir()
    return wheel


def install(wheel: Path, target: Path) -> None:
    """Install it into `target`, a folder for the path of Python, without what it needs."""
    subprocess.run([*PIP, "install", "--no-deps", "--target", target, wheel], check=True)


def environment(folder: Path, wheel: Path) -> Path:
    """The Python of a fresh virtual environment with the wheel in it, and what the wheel needs from this environment.

    The packages of this environment lie on its path through a file of the kind pth, behind its own. A checkout that is
    installed as editable here does not get in: pth files of a folder that is on the path are not read.
    """
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    (packages,) = (folder / "lib").glob("python*/site-packages")
    subprocess.run([*PIP, "--python", python, "install", "--no-index", "--no-deps", wheel], check=True)
    needed = [path for path in sys.path if path.endswith("-packages")]
    (packages / "needed.pth").write_text("\n".join(needed) + "\n")
    return python
