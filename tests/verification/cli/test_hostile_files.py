"""Folders that cannot be written to and files that are damaged: one clear error, and no half-written report."""

from __future__ import annotations

import json
import random
import tomllib
from pathlib import Path

import numpy as np
import pytest

from l2obound.l2o.support.files import write_bytes
from l2obound.verification import report as report_package
from l2obound.verification.cli.options import writable_file, writable_folder
from l2obound.verification.report import load_report_config, read_results, render_report, run_report
from l2obound.verification.report.csv_files import tables
from l2obound.verification.support import together as _together
from l2obound.verification.support.together import MARK
from tests.helpers.hostile import GRID, REPORT, TRAINING, command, damaged, npz, numbers_elsewhere, refused, verbs


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """The command in this process, in a folder of its own."""
    return command(tmp_path, monkeypatch, capsys)


OUTPUTS = {
    "report": ("report", "--quick", "--out"),
    "train": ("train", "t.toml", "--out"),
    "sweep": ("sweep", "grid.toml", "--out"),
    "speedup": ("speedup", "--quick", "--out"),
    "experiment": ("experiment", "3", "--out"),
    "falsify": ("falsify", "B1", "--out"),
    "guarantee": ("guarantee", "ista", "--out"),
    "sensitivity": ("sensitivity", "--quick", "--out"),
    "conditioning": ("conditioning", "--quick", "--out"),
    "beyond-convex": ("beyond-convex", "--quick", "--out"),
    "drift": ("drift", "--quick", "--out"),
    "training-curve": ("training-curve", "--quick", "--out"),
    "open-questions": ("open-questions", "--quick", "--out"),
    "certificate": ("worst-case", "--certificate"),
    "instance": ("worst-case", "--instance"),
}


def test_every_verb_that_writes_is_among_those_checked() -> None:
    writes = {verb for verb, parameters in verbs().items() if any(p.option == "--out" for p in parameters)}
    assert writes == {arguments[0] for arguments in OUTPUTS.values() if "--out" in arguments}


@pytest.mark.parametrize("case", OUTPUTS)
def test_a_folder_that_cannot_be_written_to_is_noticed_before_the_work(run, tmp_path: Path, case: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "grid.toml").write_text(GRID)
    (tmp_path / "t.toml").write_text(TRAINING)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "at-all")
    long = "n" * 300
    for place in ("file/x", long, f"new/{long}", f"new/{long}/x", "/proc/nothing/x", "dangling/x", "/dev/null/x"):
        refused(run(*OUTPUTS[case], place), "cannot be", "give another")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dangling", "file", "grid.toml", "t.toml"]


def test_a_folder_is_made_and_tried_and_stays(tmp_path: Path) -> None:
    for path in (tmp_path / "a" / "b", tmp_path / "a" / "b", tmp_path):
        assert writable_folder(path) == path
        assert list(path.iterdir()) == ([tmp_path / "a"] if path == tmp_path else [])
    assert writable_file(tmp_path / "c" / "x.json") == tmp_path / "c" / "x.json"
    assert (tmp_path / "c").is_dir()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the results of a report, and these."""
    folder = tmp_path_factory.mktemp("report")
    results = run_report(load_report_config(tomllib.loads(REPORT)), folder)
    (folder / "results.json").write_text(json.dumps(results))
    return folder, results


def test_damaged_results_are_one_clear_error(made, tmp_path: Path, run) -> None:
    folder, results = made
    data, rng = (folder / "results.json").read_bytes(), random.Random(0)
    target = tmp_path / "d"
    target.mkdir()
    for number in range(16):
        other = json.dumps(numbers_elsewhere(json.loads(data), rng)).encode() if number % 2 else damaged(data, rng)
        if other.strip() == data.strip() or json.loads(data) == _json(other):
            continue
        (target / "results.json").write_bytes(other)
        refused(run("report", "--from", target), "results.json")
    (target / "results.json").write_bytes(b"[" * 100_000)
    refused(run("report", "--from", target), "results.json")
    assert read_results(folder) == json.loads(json.dumps(results))


def _json(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


def test_a_report_that_is_interrupted_while_it_is_written_says_so(made, tmp_path: Path, run, monkeypatch) -> None:
    """Old files stay until all new ones are made; while these are moved into place a mark is there."""
    folder, results = made
    files = {f"tables/{name}": data for name, data in tables(results).items()}  # drawing a page takes seconds
    monkeypatch.setattr(report_package, "_files", lambda _: files)
    (tmp_path / "results.json").write_bytes((folder / "results.json").read_bytes())
    render_report(results, tmp_path)
    before = contents(tmp_path)

    monkeypatch.setattr(report_package, "_files", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        render_report(results, tmp_path)
    assert contents(tmp_path) == before

    monkeypatch.setattr(report_package, "_files", lambda _: files)
    written = []

    def killed(path: Path, data: bytes) -> Path:
        if len(written) == 5:
            raise KeyboardInterrupt
        written.append(path)
        return write_bytes(path, data)

    monkeypatch.setattr(_together, "write_bytes", killed)
    with pytest.raises(KeyboardInterrupt):
        render_report(results, tmp_path)
    monkeypatch.setattr(_together, "write_bytes", write_bytes)
    assert report_package.unfinished(tmp_path)
    assert "do not belong together" in (tmp_path / MARK).read_text()
    code, _, err = run("report", "--from", tmp_path)
    assert code == 0
    assert "interrupted" in err
    assert not report_package.unfinished(tmp_path)
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_damaged_data_files_are_one_clear_error(run, tmp_path: Path) -> None:
    rng = random.Random(1)
    data = npz(A=np.eye(3), y=np.ones(3), lam=0.1)
    (tmp_path / "f.npz").write_bytes(data)
    for _ in range(25):
        (tmp_path / "d.npz").write_bytes(damaged(data, rng))
        code, _, err = run("verify", "--bound", "B1", "--optimizer", "ista", "--steps", "2", "--data", "d.npz")
        assert code in (0, 2), err[-2000:]
