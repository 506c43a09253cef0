"""The wheel of this checkout, built from a copy and installed into a folder; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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
