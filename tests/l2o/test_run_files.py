"""Iterates of any code: as arrays, lists and files, in the precision that they were made in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from l2obound import l2o, verification
from l2obound.l2o.runs.iterates import precision

P = l2o.synthetic.lasso(3, 12, 8, sparsity=2, seed=4)
ONE = P.select([0])
RUN = l2o.rollout(l2o.optimizer("ista"), P, l2o.synthetic.starts(P, shift=1.0), 12)
SINGLE = l2o.rollout(l2o.optimizer("ista"), P.to(torch.float32), RUN.x[:, 0].float(), 12).x


def same(run: l2o.Run, x: torch.Tensor = RUN.x) -> bool:
    return torch.equal(run.x, x)


POINTS = list(RUN.x.unbind(1))
GIVEN = {
    "array": RUN.x.numpy(),
    "nested lists": RUN.x.tolist(),
    "list of points": POINTS,
    "tuple of arrays": tuple(p.numpy() for p in POINTS),
    "list of lists": [p.tolist() for p in POINTS],
    "list of runs": list(RUN.x),
}


@pytest.mark.parametrize("how", GIVEN)
def test_iterates_come_in_any_form(how: str) -> None:
    run = l2o.run_from_iterates(P, GIVEN[how])
    assert same(run)
    assert run.objective.dtype is torch.float64


def test_points_of_one_instance() -> None:
    for points in ([p[0] for p in POINTS], [p[:1] for p in POINTS], RUN.x[0], [RUN.x[0]]):
        assert same(l2o.run_from_iterates(ONE, points), RUN.x[:1])


def test_a_list_that_may_be_of_points_or_of_runs_is_an_error() -> None:
    square = RUN.x[:, :3]
    with pytest.raises(l2o.InputError, match=r"stack\(points, axis=1\)"):
        l2o.run_from_iterates(P, list(square))
    assert same(l2o.run_from_iterates(P, square.tolist()), square)  # nested lists are the array that they show
    assert same(l2o.run_from_iterates(P, np.stack(list(square.unbind(1)), axis=1)), square)
    with pytest.raises(l2o.InputError, match="swap the first two"):
        l2o.run_from_iterates(P, RUN.x.transpose(0, 1))


def test_precision_is_that_of_any_part() -> None:
    zero, point = torch.zeros(3, 8, dtype=torch.float64), torch.zeros(3, 8)
    assert precision([zero, point]) is torch.float32
    assert precision(zero) is precision([[0.0, 1.0]]) is precision([zero.numpy()]) is torch.float64
    assert precision(point.numpy()) is precision([[np.float32(1)]]) is torch.float32


@pytest.mark.parametrize("arguments", [SINGLE, SINGLE.numpy(), list(SINGLE.unbind(1))], ids=["torch", "numpy", "list"])
def test_iterates_in_float32_are_judged_as_such(arguments: object) -> None:
    """Exact steps in float32 are exact to its rounding: the rate applies, and a note says what was granted."""
    run = l2o.run_from_iterates(P, arguments)
    assert run.objective.dtype is torch.float32
    assert same(run, SINGLE)
    verdict = verification.verify(run, P, "ind_rate")
    assert verdict.overall is verification.Verdict.VERIFIED
    assert any("in float32" in note for note in verdict.notes)
    assert verification.verify(run, P, "per_step_descent").count(verification.Verdict.VIOLATED) == 0


def test_float32_under_another_dtype_is_noticed_and_can_be_told() -> None:
    wide = SINGLE.double()
    verdict = verification.verify(l2o.run_from_iterates(P, wide), P, "ind_rate")
    assert verdict.overall is verification.Verdict.NOT_APPLICABLE
    assert any("numbers of float32" in note for note in verdict.notes)
    messages = l2o.run_from_iterates(P, wide, dtype="float32")
    assert verification.verify(messages, P, "ind_rate").overall is verification.Verdict.VERIFIED
    mine = verification.verify(RUN, P, "ind_rate")
    assert not any("float32" in note for note in mine.notes)


def test_float32_grants_its_rounding_and_no_more() -> None:
    """Steps that are off by a thousand roundings of float32 are no exact steps, in float32 either."""
    off = SINGLE.clone()
    off[:, 6] += 1e-4
    verdict = verification.verify(l2o.run_from_iterates(P, off), P, "ind_rate")
    assert verdict.overall is verification.Verdict.NOT_APPLICABLE


def test_float32_points_of_a_set_stay_in_it() -> None:
    p = l2o.Composite(l2o.least_squares(np.eye(4) * 1.7, [1.0, 0.2, 0.3, -1.0]), l2o.simplex(1.0))
    x = l2o.rollout(l2o.optimizer("ista"), p.to(torch.float32), torch.full((1, 4), 0.25), 10).x
    run = l2o.run_from_iterates(p, x)
    assert torch.isfinite(run.objective).all()
    assert verification.verify(run, p, "ind_rate").overall is verification.Verdict.VERIFIED


def text(path: Path, x: np.ndarray, **options: object) -> None:
    np.savetxt(path, x, **options)


x = RUN.x.numpy()
WRITERS: dict[str, Callable[[Path], object]] = {}
WRITERS["a.npy"] = lambda p: np.save(p, x)
WRITERS["a.npz"] = lambda p: np.savez(p, X=x, other=x[0])
WRITERS["b.npz"] = lambda p: np.savez(p, iterates=x, seeds=x[0])
WRITERS["c.npz"] = lambda p: np.savez(p, anything=x)
WRITERS["run.npz"] = RUN.save
WRITERS["a.pt"] = lambda p: torch.save(RUN.x, p)
WRITERS["b.pth"] = lambda p: torch.save({"x": POINTS, "lr": 0.1}, p)
WRITERS["c.pt"] = lambda p: torch.save(POINTS, p)


@pytest.mark.parametrize("name", WRITERS)
def test_files(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    run = l2o.read_run(path, P)
    assert same(run)
    assert run.optimizer == ("ista" if name == "run.npz" else path.stem)


TABLES: dict[str, Callable[[Path], None]] = {
    "commas.csv": lambda p: text(p, x[0], delimiter=","),
    "header.csv": lambda p: text(p, x[0], delimiter=",", header=",".join("abcdefgh"), comments=""),
    "remark.txt": lambda p: text(p, x[0], header="made by hand"),
    "semicolons.csv": lambda p: text(p, x[0], delimiter=";"),
    "index.csv": lambda p: text(p, np.column_stack([np.arange(13), x[0]]), delimiter=","),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(name: str, tmp_path: Path) -> None:
    TABLES[name](tmp_path / name)
    assert same(l2o.read_run(tmp_path / name, ONE, name="mine"), RUN.x[:1])


def test_a_table_of_a_float32_run(tmp_path: Path) -> None:
    text(tmp_path / "x.csv", SINGLE[0].numpy(), fmt="%.9g", delimiter=",")
    run = l2o.read_run(tmp_path / "x.csv", ONE, dtype="float32")
    assert same(run, SINGLE[:1])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "two.npz": (lambda p: np.savez(p, u=x, v=x), r"not clear \(it has u \(3, 13, 8\), v \(3, 13, 8\)\); call it X"),
    "both.npz": (lambda p: np.savez(p, x=x, points=x), "not clear"),
    "shape.npy": (lambda p: np.save(p, x[:2]), r"expected shape \(B, K\+1, n\) = \(3, >= 2, 8\), got \(2, 13, 8\)"),
    "axes.npy": (lambda p: np.save(p, x[0]), "got"),
    "pickle.npy": (lambda p: np.save(p, np.array([object()]), allow_pickle=True), "pickles"),
    "objects.pt": (lambda p: torch.save({"x": Path("a")}, p), "save a tensor"),
    "number.pt": (lambda p: torch.save(3.0, p), "got float"),
    "empty.csv": (lambda p: p.write_text(""), "empty"),
    "words.csv": (lambda p: p.write_text("a,b\n1,2\n3,x\n"), "line 3: expected numbers with a point, got 'x'"),
    "ragged.csv": (lambda p: p.write_text("1,2\n3\n"), "line 2 has 1 cells"),
    "single.csv": (lambda p: p.write_text("1,2\n"), "1 rows of numbers"),
    "lengths.csv": (lambda p: text(p, x[0], delimiter=","), "got"),  # one instance for a problem of three
    "nan.npy": (lambda p: np.save(p, np.full_like(x, np.nan)), "NaN"),
    "x.mat": (lambda p: p.write_text("1"), "expected a file named .npz, .npy"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_clear_error(name: str, tmp_path: Path) -> None:
    write, says = BAD[name]
    write(tmp_path / name)
    with pytest.raises(l2o.InputError, match=says) as caught:
        l2o.read_run(tmp_path / name, P)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_bad_precision() -> None:
    with pytest.raises(l2o.InputError, match="float32 or torch"):
        l2o.run_from_iterates(P, RUN.x, dtype="float16")
    with pytest.raises(l2o.InputError, match="leave dtype out"):
        l2o.run_from_iterates(P.to(torch.float32), RUN.x, dtype="float64")


def test_a_saved_run_has_its_precision(tmp_path: Path) -> None:
    with pytest.raises(l2o.InputError, match="leave dtype out"):
        l2o.read_run(RUN.save(tmp_path / "run.npz"), P, dtype="float32")
    with pytest.raises(l2o.InputError, match="no such file"):
        l2o.read_run(tmp_path / "none.npz", P)
