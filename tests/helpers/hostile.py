"""Absurd arguments, damaged files and code that fails, as the tests of the command line give them."""

from __future__ import annotations

import io
import random
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from l2obound.verification.cli import app as cli

NUMBERS = (
    "0", "-1", "-1000000000000000000", "1e9", "1000000000", "1000000000000000000", "999999999999999999", "1e400",
    "-1e400", "nan", "inf", "-inf", "1e-400", "0x10", "1_0", "٣", "", " ", "1/0", "1" * 5000, "1,2,3", "None", "true",
)  # fmt: skip
"""Values for options that take a number: none of them makes long work of a verb that has an honest limit."""
TEXTS = (
    "",
    " ",
    "nosuch",
    "../../etc/passwd",
    "a" * 5000,
    "ista:",
    ":x",
    "os:nosuch",
    "nosuch:x",
    "\x1b[31m",
    "é≤∞",
    "-",
)
"""Values for options that take a name."""


@dataclass(frozen=True)
class Parameter:
    """An option as it is given, or an argument (then `option` is ""); `kind` is integer, real, path, flag or text."""

    option: str
    kind: str


def verbs() -> dict[str, list[Parameter]]:
    """The parameters of every verb, as the command has them."""
    by_name = {}
    for verb, command in cli.commands().items():
        types = get_type_hints(cli.function(verb))
        by_name[verb] = [
            Parameter(max((o for o in p.opts if o.startswith("-")), key=len, default=""), _kind(types[p.name]))
            for p in command.params
            if p.name in types
        ]
    return by_name


def _kind(annotation: Any) -> str:
    within = {annotation, *get_args(annotation)}
    within |= {inner for part in within for inner in get_args(part)}
    if within & {int, float}:
        return "integer" if int in within else "real"
    return "flag" if bool in within else "path" if Path in within else "text"


def damaged(data: bytes, rng: random.Random) -> bytes:
    """The bytes of a file as disks, transfers and editors leave them."""
    how = rng.choice(("cut", "flip", "flips", "empty", "zeros", "doubled", "text", "head"))
    place = rng.randrange(max(1, len(data)))
    if how == "cut":
        return data[:place]
    if how in ("flip", "flips"):
        changed = bytearray(data)
        for _ in range(1 if how == "flip" else 20):
            if changed:
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if how == "zeros":
        return data[:place] + bytes(min(200, len(data) - place)) + data[place + 200 :]
    if how == "doubled":
        return data + data
    if how == "head":
        return b"\xff\xfe" + data
    return b"" if how == "empty" else b"<!DOCTYPE html><html>404 Not Found</html>"


def npz(**arrays: Any) -> bytes:
    """The bytes of an npz."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def strange_npz() -> Iterator[bytes]:
    """Files in the format of npz that hold what no reader expects."""
    for value in (
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array([1 + 2j]),
        np.array([np.nan, np.inf]),
        np.array(3),
        np.zeros((0, 3)),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]),
        np.array([True, False]),
        np.zeros((1, 1, 1, 1, 1)),
        np.array([10**18]),
    ):
        names = ("A", "y", "X", "meta", "lam", "Q", "c", "labels", "x", "objective", "kind", "updates", "batches_done")
        yield npz(**dict.fromkeys(names, value))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("A.npy", b"not an array")
        archive.writestr("../y.npy", b"")
    yield buffer.getvalue()


def numbers_elsewhere(root: Any, rng: random.Random) -> Any:
    """A JSON value of which one leaf, or one branch, is something else."""
    others = (None, "x", -1, 1e308, [], {}, True, 10**30)
    if isinstance(root, dict) and root and rng.random() < 0.85:
        name = rng.choice(list(root))
        return {**root, name: numbers_elsewhere(root[name], rng)}
    if isinstance(root, list) and root and rng.random() < 0.85:
        place = rng.randrange(len(root))
        return [*root[:place], numbers_elsewhere(root[place], rng), *root[place + 1 :]]
    return rng.choice(others)


MODULE = """
import os
import types

from l2obound import l2o


def raises():
    raise ValueError("my own message")


def quits():
    raise SystemExit(0)


def prints():
    print("printed by the user's code")
    os.write(1, b"written by the user's code\\n")
    return l2o.optimizer("ista")


class Fails:
    name = "fails"

    def init(self, problem, x0, seed=0):
        return types.SimpleNamespace(x=x0)

    def step(self, problem, state):
        return 1 / 0


class Exits(Fails):
    def step(self, problem, state):
        raise SystemExit(0)
"""


def write_modules(folder: Path) -> None:
    """Modules of a user: one that runs, and some that do not even import."""
    texts = {"codes": MODULE, "syntax": "def f(:\n", "lacks": "import nosuch_package\n", "name": "x = undefined\n"}
    for name, text in texts.items():
        (folder / f"hostile_{name}.py").write_text(text)


Command = Callable[..., tuple[int, str, str]]
SMALL = ("--batch", "2", "--rows", "4", "--dim", "5", "--steps", "3")
GRID = 'title = "t"\n[fixed]\nrows = 4\ndim = 6\nbatch = 2\nsteps = 5\n[[grid]]\noptimizer = ["ista"]\n'
REPORT = """
title = "t"
proofs = false
[[problem]]
key = "a"
family = "lasso"
rows = 4
dim = 6
instances = 2
steps = 5
optimizers = ["ista"]
scenarios = [{}]
"""
TRAINING = """
[model]
name = "go-math-l2o"
options = { hidden_size = 3, layers = 1 }
[problem]
rows = 3
dim = 4
[training]
epochs = 1
batches = 1
batch = 2
horizon = 2
unroll = 2
[validation]
batch = 2
steps = 2
"""


def command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command in this process, run in `folder`: from its arguments to exit code, standard output and error."""
    monkeypatch.chdir(folder)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["l2obound", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code or 0, *capsys.readouterr()

    return call


def refused(result: tuple[int, str, str], *says: str) -> None:
    """Exit code 2 and one clear error."""
    code, out, err = result
    assert (code, out) == (2, ""), (sys.argv, err[-2000:])
    assert "Traceback" not in err
    for words in says:
        assert words in " ".join(err.split())
