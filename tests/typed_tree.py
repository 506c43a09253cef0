"""The type checker on the packages as they are installed: `python -m tests.typed_tree`.

The folders `bounds`, `l2o` and `verification` lie beside `l2obound` in a checkout and below it when installed, and mypy
has no setting for that. So a tree of links is made in `build/types`, and mypy is run there.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("bounds", "l2o", "verification")


def linked(root: Path, folder: Path) -> Path:
    """`folder` with `l2obound` in it, of links to the sources in `root`."""
    package = folder / "l2obound"
    package.mkdir(parents=True, exist_ok=True)
    for source in (*(root / "l2obound").glob("*.py"), *(root / name for name in PACKAGES)):
        link = package / source.name
        if not link.is_symlink():
            link.symlink_to(source, target_is_directory=source.is_dir())
    return folder


def check(root: Path, folder: Path) -> tuple[int, str]:
    """Exit status and report of mypy, with the settings of this project and paths as in `root`."""
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--package", "l2obound"]
    done = subprocess.run(command, cwd=linked(root, folder), capture_output=True, text=True)
    paths = re.compile(rf"^l2obound/(?=(?:{'|'.join(PACKAGES)})/)", flags=re.M)
    return done.returncode, paths.sub("", done.stdout) + done.stderr


if __name__ == "__main__":
    status, report = check(ROOT, ROOT / "build" / "types")
    print(report, end="")
    sys.exit(status)
