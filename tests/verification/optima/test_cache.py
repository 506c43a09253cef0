"""The disk cache: hits, and every way a file can be unusable."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from l2obound.l2o.problems import Composite, synthetic
from l2obound.l2o.problems.nonsmooth import L1
from l2obound.verification.optima import _pipeline, optimum
from l2obound.verification.optima import cache as _cache


@pytest.fixture
def problem():
    return synthetic.lasso(2, 8, 12)


@pytest.fixture
def filled(problem, tmp_path):
    """A folder with one result in it, that result, and its file."""
    o = optimum(problem, cache_dir=tmp_path / "here")
    (file,) = (tmp_path / "here").iterdir()
    return o, file


def same(first, second) -> bool:
    return all(getattr(first, n).tobytes() == getattr(second, n).tobytes() for n in ("lower", "upper", "x"))


def forbid(monkeypatch):
    def refuse(*_):
        raise AssertionError("solved again")

    monkeypatch.setattr(_pipeline, "_compute", refuse)


def test_a_second_call_reads_the_file(problem, filled, monkeypatch):
    o, file = filled
    assert not o.from_cache
    forbid(monkeypatch)
    again = optimum(problem, cache_dir=file.parent)
    assert again.from_cache
    assert same(o, again)
    assert (again.solver, again.certificate, again.reason) == (o.solver, o.certificate, o.reason)


def test_same_input_same_file_bytes(problem, filled, tmp_path):
    _, file = filled
    optimum(problem, cache_dir=tmp_path / "there")
    assert (tmp_path / "there" / file.name).read_bytes() == file.read_bytes()


def test_other_tolerance_or_data_is_another_file(problem, filled):
    _, file = filled
    assert not optimum(problem, rtol=1e-8, cache_dir=file.parent).from_cache
    assert not optimum(problem.scaled(2.0), cache_dir=file.parent).from_cache
    assert len(list(file.parent.iterdir())) == 3


def test_other_code_is_another_file(problem, filled, monkeypatch):
    _, file = filled
    assert len(_cache.code_digest()) == 64
    monkeypatch.setattr(_cache, "code_digest", lambda: "another version")
    assert not optimum(problem, cache_dir=file.parent).from_cache


def test_another_class_of_the_same_kind_and_data_is_another_file(problem, filled):
    _, file = filled

    class Doubled(L1):
        def values(self, x):
            return 2 * super().values(x)

    other = Composite(problem.smooth, Doubled(problem.nonsmooth.lam))
    assert not optimum(other, cache_dir=file.parent).from_cache


def test_an_optimum_names_its_problem(problem, filled):
    o, file = filled
    assert o.problem == problem.fingerprint()
    assert optimum(problem, cache_dir=file.parent).problem == o.problem
    assert o.select([0, 1]).problem == ""
    single = problem.to(torch.float32)
    assert optimum(single, cache=False).problem == single.fingerprint()


def test_cache_off_writes_nothing(problem, tmp_path):
    optimum(problem, cache=False, cache_dir=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_environment_variable(problem, tmp_path, monkeypatch):
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path / "mine"))
    optimum(problem)
    assert len(list((tmp_path / "mine" / "optimum").iterdir())) == 1
    monkeypatch.delenv("L2OBOUND_CACHE")
    assert _cache.cache_folder(None).parts[-2:] == ("l2obound", "optimum")


def truncate(file: Path, problem) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path, problem) -> None:
    file.write_bytes(b"")


def scramble(file: Path, problem) -> None:
    file.write_bytes(np.random.default_rng(0).bytes(5000))


def flip_one_bit(file: Path, problem) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)


def swap(file: Path, problem) -> None:
    other = synthetic.lasso(2, 8, 12, seed=1)
    optimum(other, cache_dir=file.parent / "other")
    (theirs,) = (file.parent / "other").iterdir()
    os.replace(theirs, file)
    (file.parent / "other").rmdir()


def rewrite(file: Path, *, resealed: bool, **changes) -> None:
    with np.load(file) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays.update(changes)
    if resealed:
        arrays.pop("checksum")
        arrays["checksum"] = np.array(_cache._checksum(arrays))
    np.savez(file, **arrays)


def edit_lower(file: Path, problem) -> None:
    rewrite(file, resealed=False, lower=np.zeros(2))


def edit_upper_and_reseal(file: Path, problem) -> None:
    rewrite(file, resealed=True, lower=np.zeros(2), upper=np.full(2, 1e-3))


def cross_the_interval(file: Path, problem) -> None:
    rewrite(file, resealed=True, lower=np.full(2, 1e9))


def insert_nan(file: Path, problem) -> None:
    rewrite(file, resealed=True, lower=np.full(2, np.nan))


def other_shape(file: Path, problem) -> None:
    rewrite(file, resealed=True, lower=np.zeros(3))


def foreign_archive(file: Path, problem) -> None:
    np.savez(file, something=np.arange(3))


def pickled(file: Path, problem) -> None:
    np.savez(file, something=np.array([{}], dtype=object))


DAMAGES = [
    truncate,
    empty,
    scramble,
    flip_one_bit,
    swap,
    edit_lower,
    edit_upper_and_reseal,
    cross_the_interval,
    insert_nan,
    other_shape,
    foreign_archive,
    pickled,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_a_damaged_file_is_recomputed_replaced_and_mentioned(problem, filled, damage, monkeypatch):
    o, file = filled
    good = hashlib.sha256(file.read_bytes()).hexdigest()
    damage(file, problem)
    again = optimum(problem, cache_dir=file.parent)
    assert not again.from_cache
    assert same(o, again)
    assert any("was not used" in m and "recomputed" in m for m in again.messages)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == good
    assert [f.name for f in file.parent.iterdir()] == [file.name]
    forbid(monkeypatch)
    third = optimum(problem, cache_dir=file.parent)
    assert third.from_cache
    assert third.messages == ()


def test_a_folder_that_cannot_be_written_is_a_message(problem, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    o = optimum(problem, cache_dir=blocked)
    assert (o.relative_width <= 1e-10).all()
    assert any("not cached" in m for m in o.messages)


def test_cross_checks_are_kept_and_added_to(tmp_path):
    p = synthetic.lasso(10, 8, 12)
    first = optimum(p, cache_dir=tmp_path)
    assert len(first.cross_checked) == 1
    assert optimum(p, cache_dir=tmp_path).cross_checked == first.cross_checked
    more = optimum(p, cache_dir=tmp_path, cross_check=10)
    assert more.from_cache
    assert len(more.cross_checked) == 10
    assert len(optimum(p, cache_dir=tmp_path).cross_checked) == 10
