"""A bounded fuzzer: every verb with absurd options, every reader with damaged files. No traceback, no hang, no bombs.

Calls are drawn from a seed and made in this process, where starting one costs nothing; each has a limit of time, and
all of them one of memory. Findings are to be made tests of their own in test_hostile.py.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from l2obound import bounds, l2o
from l2obound.verification.cli import app as cli
from l2obound.verification.falsification import falsify
from l2obound.verification.report import load_report_config, run_report
from tests.helpers.hostile import (
    GRID,
    NUMBERS,
    REPORT,
    TEXTS,
    TRAINING,
    damaged,
    npz,
    numbers_elsewhere,
    strange_npz,
    verbs,
    write_modules,
)

SECONDS, BYTES = 20, 2 * 2**30
SMALL = ("--optimizer", "ista", "--batch", "2", "--rows", "4", "--dim", "5", "--steps", "3")
NOWHERE = ("--out", "file/x")  # of verbs that have no small version: their options are read, and nothing is run
BASE: dict[str, tuple[str, ...]] = {
    "verify": ("--bound", "B1", *SMALL),
    "assumption": SMALL,
    "guarantee": ("ista", "--instances", "20", "--rows", "4", "--dim", "5", "--steps", "3"),
    "worst-case": ("--steps", "2"),
    "falsify": ("B1", "--evaluations", "70", "--budget", "1"),
    "bounds": (),
    "list": ("studies",),
    "prove": ("B1",),
    "doctor": (),
    "sweep": ("grid.toml", "--out", "swept"),
    "train": ("t.toml", "--out", "trained"),
    "report": ("--from", "nosuch"),
    "check": ("ista", "--profile", "dev", "--check", "deterministic"),
    "experiment": ("3", *NOWHERE),
    "speedup": ("--quick", *NOWHERE),
    "sensitivity": ("--quick", *NOWHERE),
    "conditioning": ("--quick", *NOWHERE),
    "beyond-convex": ("--quick", *NOWHERE),
    "drift": ("--quick", *NOWHERE),
    "training-curve": ("--quick", *NOWHERE),
    "open-questions": ("--quick", *NOWHERE),
}
READERS: dict[str, tuple[str, ...]] = {
    "data.npz": ("verify", "--bound", "B1", "--optimizer", "ista", "--steps", "3", "--data"),
    "data.csv": ("verify", "--bound", "B1", "--optimizer", "ista", "--steps", "3", "--data"),
    "x.npz": ("verify", "--bound", "B1", "--data", "data.npz", "--iterates"),
    "run.npz": ("verify", "--bound", "B1", "--data", "data.npz", "--iterates"),
    "finding.npz": ("falsify", "--replay"),
    "certificate.json": ("worst-case", "--check"),
    "results.json": ("report", "--from"),
    "weights.npz": ("verify", *SMALL, "--bound", "B1", "--weights"),
    "manifest.json": ("verify", *SMALL, "--bound", "B1", "--weights"),
    "state.npz": ("train", "t.toml", "--out"),
    "checkpoint.pth": ("check", "--profile", "dev", "--check", "deterministic", "--kind", "go-math-l2o"),
    "grid.toml": ("sweep", "--out", "swept"),
    "t.toml": ("train", "--out", "again"),
    "r.toml": ("report", *NOWHERE),
}
"""What reads a file of that name. `results.json`, `weights.npz`, `manifest.json` and `state.npz` stand in a folder."""
FOLDERS = {"results.json": "reported", "weights.npz": "trained", "manifest.json": "trained", "state.npz": "trained"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one sound file for every reader."""
    folder = tmp_path_factory.mktemp("fuzz")
    rng = np.random.default_rng(0)
    A, y = rng.standard_normal((4, 6)), rng.standard_normal(4)
    write_modules(folder)
    (folder / "file").write_text("in the way")
    (folder / "data.npz").write_bytes(npz(A=A, y=y, lam=0.2))
    (folder / "data.csv").write_text("a,b,y\n" + "\n".join(f"{a},{b},{c}" for a, b, c in rng.random((5, 3))))
    (folder / "x.npz").write_bytes(npz(X=rng.standard_normal((1, 4, 6))))
    l2o.rollout(l2o.optimizer("ista"), l2o.lasso(A, y, 0.2), np.zeros((1, 6)), 3).save(folder / "run.npz")
    falsify("B1", "ista", evaluations=300, budget=5, goal="tightness").save(folder / "finding.npz")
    proof = bounds.worst_case(steps=1).certificate()
    (folder / "certificate.json").write_text(json.dumps(proof.data))
    for name, text in (("grid.toml", GRID), ("t.toml", TRAINING), ("r.toml", REPORT)):
        (folder / name).write_text(text)
    results = run_report(load_report_config(tomllib.loads(REPORT)), folder / "reported")
    (folder / "reported" / "results.json").write_text(json.dumps(results))
    l2o.train(tomllib.loads(TRAINING), folder / "trained")
    (folder / "checkpoint.pth").write_bytes(npz(A=A))
    return folder


def with_options(rng: random.Random) -> tuple[str, ...]:
    """A verb with one to three options that are absurd."""
    verb = rng.choice(sorted(BASE))
    call = [verb, *BASE[verb]]
    options = [p for p in verbs()[verb] if p.option and p.option not in ("--out", "--quick")]
    for parameter in rng.sample(options, min(len(options), rng.randint(1, 3))):
        values = NUMBERS if parameter.kind in ("integer", "real") else TEXTS
        if parameter.kind == "path":
            values = ("nosuch", "file", "file/x", "n" * 300, ".", "/dev/null", "", "data.npz")
        call.append(parameter.option if parameter.kind == "flag" else f"{parameter.option}={rng.choice(values)}")
    if rng.random() < 0.1:
        call.append(rng.choice((*NUMBERS, *TEXTS)))
    return tuple(call)


def with_file(rng: random.Random, place: Path, number: int) -> tuple[str, ...]:
    """A reader with a file that is damaged, of another kind, or strange inside."""
    name = rng.choice(sorted(READERS))
    source = place / FOLDERS.get(name, "") / name
    data, how = source.read_bytes(), rng.random()
    if how < 0.2:
        data = rng.choice(sorted(place.glob("*.*"))).read_bytes()
    elif how < 0.45 and name.endswith(".npz"):
        data = rng.choice(list(strange_npz()))
    elif how < 0.6 and name.endswith(".json"):
        data = json.dumps(numbers_elsewhere(json.loads(data), rng)).encode()
    else:
        data = damaged(data, rng)
    folder = place / f"call-{number}"
    folder.mkdir(exist_ok=True)
    if name in FOLDERS:
        for other in (place / FOLDERS[name]).iterdir():
            if other.is_file():
                (folder / other.name).write_bytes(other.read_bytes())
    (folder / name).write_bytes(data)
    target = folder if name in FOLDERS else folder / name
    verb, *rest = READERS[name]
    return (verb, *rest, str(target)) if rest and rest[-1].startswith("--") and "--kind" not in rest else (
        verb, str(target), *rest
    )  # fmt: skip


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """A TimeoutError after that many seconds."""

    def late(*_: object) -> None:
        raise TimeoutError("the call took too long")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fuzz(count: int, seed: int, place: Path, read: Callable[[], tuple[str, str]], monkeypatch) -> Counter[object]:
    """Make the calls; what goes wrong is listed, and the exit codes are counted."""
    rng, codes, wrong = random.Random(seed), Counter[object](), []
    monkeypatch.chdir(place)
    for number in range(count):
        call = with_options(rng) if rng.random() < 0.6 else with_file(rng, place, number)
        monkeypatch.setattr(sys, "argv", ["l2obound", *call])
        code: object = None
        try:
            with within(SECONDS):
                cli.main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException as problem:
            code = type(problem).__name__
        out, err = read()
        codes[code] += 1
        if code not in (0, 1, 2, 3) or "Traceback" in err or (code == 2 and (out or not err.strip())):
            wrong.append((call, code, err[-400:]))
    assert not wrong, f"{len(wrong)} of {count}: {wrong[:12]}"
    assert 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < BYTES
    return codes


def test_every_verb_and_every_reader_is_fuzzed() -> None:
    assert set(BASE) == set(verbs())


def test_a_few_absurd_calls(place: Path, capsys, monkeypatch) -> None:
    codes = fuzz(4, 1, place, capsys.readouterr, monkeypatch)
    assert codes[2] > 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_absurd_calls(place: Path, capsys, monkeypatch, seed: int) -> None:
    codes = fuzz(100, 100 + seed, place, capsys.readouterr, monkeypatch)
    assert codes[2] > 50
