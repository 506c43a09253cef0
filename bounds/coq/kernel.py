"""Runs `coqc` on a file, where it is installed."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import InputError

LIBRARY = Path(__file__).with_name("L2O.v")
"""The definitions and lemmas that every file stands on."""
INSTALL = "install Coq, as with `apt-get install coq` or `opam install coq`, so that `coqc` is on the PATH"
MOST_SECONDS = 600


@dataclass(frozen=True)
class Checked:
    """What `coqc` said of a file: `valid`, `seconds` of waiting, `axioms` used, `message` where it refused."""

    valid: bool
    seconds: float
    axioms: tuple[str, ...]
    message: str


def coqc() -> str | None:
    """The path of `coqc`, None where it is not installed."""
    return shutil.which("coqc")


def library_digest() -> str:
    """SHA-256 of `L2O.v`."""
    return hashlib.sha256(LIBRARY.read_bytes()).hexdigest()


def check_text(text: str, theorem: str, folder: Path | None = None) -> Checked:
    """Have the kernel check a file.

    Args:
        text: A file of Coq, as `coq_text` writes it.
        theorem: The name of the theorem, whose axioms are asked for.
        folder: Where compiled files are kept, the library among them; a temporary folder if left out.

    Returns:
        What the kernel said.

    Raises:
        InputError: Where `coqc` is not installed, or the theorem is not in the file.
    """
    program = coqc()
    if program is None:
        raise InputError(f"there is no `coqc` here: {INSTALL}")
    if not re.search(rf"^ *Theorem {re.escape(theorem)}\b", text, re.M):
        raise InputError(f"the text has no theorem `{theorem}`; give the name after `Theorem`")
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            return check_text(text, theorem, Path(made))
    _compiled_library(program, str(folder))
    file = folder / f"{theorem}.v"
    file.write_text(f"{text}\nPrint Assumptions {theorem}.\n", encoding="utf-8")
    begun = time.perf_counter()
    try:
        done = _run(program, folder, file)
    except subprocess.TimeoutExpired:
        return Checked(False, float(MOST_SECONDS), (), f"not done in {MOST_SECONDS} seconds")
    seconds = time.perf_counter() - begun
    if done.returncode:
        return Checked(False, seconds, (), done.stderr.strip() or f"coqc ended with {done.returncode}")
    return Checked(True, seconds, _axioms(done.stdout), "")


def _axioms(output: str) -> tuple[str, ...]:
    """The names after `Axioms:`, each at the start of a line."""
    listed = output.partition("Axioms:")[2]
    return tuple(re.findall(r"^([A-Za-z_][\w.]*)", listed, re.M))


@lru_cache(maxsize=8)
def _compiled_library(program: str, folder: str) -> None:
    target = Path(folder) / "L2O.v"
    shutil.copy(LIBRARY, target)
    done = _run(program, Path(folder), target)
    if done.returncode:
        raise InputError(f"coqc refuses L2O.v: {done.stderr.strip()}; it was written for Coq 8.16 and later")


def _run(program: str, folder: Path, file: Path) -> subprocess.CompletedProcess[str]:
    command = [program, "-q", "-Q", str(folder), "L2O", str(file)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=MOST_SECONDS, check=False)
