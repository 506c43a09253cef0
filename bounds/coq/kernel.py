"""Runs `coqc` on a file, where it is installed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import InputError

LIBRARY = Path(__file__).with_name("L2O.v")
"""The definitions and lemmas that every file stands on."""
INSTALL = "install Coq, as with `apt-get install coq` or `opam install coq`, so that `coqc` is on the PATH"
MOST_SECONDS = 1800
"""After so many seconds a check is given up."""


@dataclass(frozen=True)
class Checked:
    """What `coqc` said of a file: `valid`, `seconds` of processor time, `axioms` used, `message` where it refused."""

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
    if not re.search(rf"\bTheorem\s+{re.escape(theorem)}\b", text):
        raise InputError(f"the text has no theorem `{theorem}`; give the name after `Theorem`")
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            return check_text(text, theorem, Path(made))
    _compiled_library(program, str(folder))
    file = folder / f"{theorem}.v"
    file.write_text(f"{text}\nPrint Assumptions {theorem}.\n", encoding="utf-8")
    done = _run(program, folder, file)
    if done.code:
        return Checked(False, done.seconds, (), done.errors.strip() or f"coqc was ended by signal {-done.code}")
    return Checked(True, done.seconds, _axioms(done.output), "")


def _axioms(output: str) -> tuple[str, ...]:
    """The names after `Axioms:`, each at the start of a line."""
    listed = output.partition("Axioms:")[2]
    return tuple(re.findall(r"^([A-Za-z_][\w.]*)", listed, re.M))


@lru_cache(maxsize=8)
def _compiled_library(program: str, folder: str) -> None:
    target = Path(folder) / "L2O.v"
    shutil.copy(LIBRARY, target)
    done = _run(program, Path(folder), target)
    if done.code:
        raise InputError(f"coqc refuses L2O.v: {done.errors.strip()}; it was written for Coq 8.16 and later")


@dataclass(frozen=True)
class _Done:
    """How a process ended: code, output, and seconds, of processor time where the system says it."""

    code: int
    output: str
    errors: str
    seconds: float


def _run(program: str, folder: Path, file: Path) -> _Done:
    command = [program, "-q", "-Q", str(folder), "L2O", str(file)]
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=errors)
        timer = threading.Timer(MOST_SECONDS, process.kill)
        timer.start()
        try:
            if hasattr(os, "wait4"):  # what this process alone has used, whatever else the machine does
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                seconds = usage.ru_utime + usage.ru_stime
            else:
                process.wait()
                seconds = time.perf_counter() - begun
        finally:
            timer.cancel()
        output.seek(0)
        errors.seek(0)
        return _Done(process.returncode, output.read(), errors.read(), seconds)
