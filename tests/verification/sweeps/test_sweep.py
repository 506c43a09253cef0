"""Sweeps: what comes out, and that nothing is lost or done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from l2obound import l2o
from l2obound.verification.cli import app as cli
from l2obound.verification.optima import optimum
from l2obound.verification.support.provenance import arithmetic
from l2obound.verification.sweeps import Status, cells_of, collect, load_sweep, read_tables, run_sweep
from l2obound.verification.sweeps.families import FAMILIES
from tests.helpers import small_sweep as small

ROOT = Path(__file__).parents[3]
TABLES = ("table", "curves", "cells")


def same_bytes(one: Path, two: Path) -> None:
    for name in TABLES:
        assert (one / f"{name}.parquet").read_bytes() == (two / f"{name}.parquet").read_bytes(), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the sweep, run without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    summary = small.sweep(folder)
    assert (summary.total, summary.ran, summary.failed) == (small.CELLS, small.CELLS - small.BROKEN, small.BROKEN)
    return folder


def test_the_table_says_what_a_plain_run_says(whole: Path) -> None:
    """A row is the run of one instance: objective, certified gap, first step below eps, step of divergence."""
    rows = read_tables(whole).table.to_pylist()
    assert len(rows) == 2 * (small.CELLS - small.BROKEN)
    chosen = [r for r in rows if (r["optimizer"], r["seed"], r["s"], r["rows"]) == ("fista", 1, 10.0, 6)]
    seed = l2o.training.config.split_seed("test", 0, 1)
    p = l2o.synthetic.lasso(2, 6, 10, seed=seed)
    run = l2o.rollout(l2o.optimizer("fista"), p, l2o.synthetic.starts(p, shift=10.0, seed=seed), 30)
    o = optimum(p)
    for b, row in enumerate(chosen):
        assert row["instance"] == b
        assert row["objective_final"] == pytest.approx(float(run.objective[b, -1]), rel=1e-12)
        gap = (run.objective[b].numpy() - o.lower[b]) / o.upper[b]
        assert row["gap_final"] == pytest.approx(gap[-1], rel=1e-6)
        assert row["optimum_lower"] <= row["optimum_upper"]
        first = np.flatnonzero(gap <= 1e-2)
        assert row["reached_1e-02"] == (int(first[0]) if len(first) else None)
        assert row["diverged_at"] is None


def test_divergence_is_a_step_and_no_nan(whole: Path) -> None:
    tables = read_tables(whole)
    wild = [r for r in tables.table.to_pylist() if r["optimizer"] == "wild"]
    assert wild
    assert all(0 < r["diverged_at"] < 30 and r["gap_final"] is None and r["objective_final"] is None for r in wild)
    curve = [r for r in tables.curves.to_pylist() if r["optimizer"] == "wild" and r["cell"] == wild[0]["cell"]]
    for row in curve:
        assert row["running"] + row["diverged"] == 2
        assert (row["mean"] is None) == (row["running"] == 0)
    assert curve[0]["running"] == 2
    assert curve[-1]["running"] == 0
    for table in (tables.table, tables.curves):
        for name in table.column_names:
            values = [v for v in table[name].to_pylist() if isinstance(v, float)]
            assert not np.isnan(values).any(), name


def test_failures_are_kept_with_their_error_and_retried_on_request(whole: Path, tmp_path: Path) -> None:
    failed = [r for r in read_tables(whole).cells.to_pylist() if r["status"] == "failed"]
    assert len(failed) == small.BROKEN
    assert all("nesterov cannot run" in r["error"] for r in failed)
    config = load_sweep({**small.GRID, "grid": [{"optimizer": ["nesterov", "ista"]}]})
    messages: list[int] = []
    first = run_sweep(config, tmp_path, progress=lambda s: messages.append(s.ran + s.failed))
    again = run_sweep(config, tmp_path)
    assert (first.ran, first.failed, again.ran, again.reused, again.failed) == (1, 1, 0, 1, 1)
    broken = next(c for c in cells_of(config) if c.spec.optimizer == "nesterov")
    selected = tmp_path / "failed" / f"{broken.key}.json"
    before = selected.stat().st_mtime_ns
    retried = run_sweep(config, tmp_path, retry_failed=True)
    assert (retried.ran, retried.reused, retried.failed) == (0, 1, 1)
    assert selected.stat().st_mtime_ns > before
    assert max(messages) == 2


def test_processes_give_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    summary = small.sweep(tmp_path, jobs=2)
    assert summary.ran == small.CELLS - small.BROKEN
    same_bytes(whole, tmp_path)


def test_a_sweep_that_grows_runs_what_is_new_only(whole: Path, tmp_path: Path) -> None:
    less = {**small.GRID, "grid": [{**small.GRID["grid"][0], "seed": [2, 0]}]}
    assert run_sweep(load_sweep(less), tmp_path).ran == 32
    summary = small.sweep(tmp_path)
    assert (summary.ran, summary.reused) == (16, 32)
    same_bytes(whole, tmp_path)
    smaller = run_sweep(load_sweep(less), tmp_path)
    assert (smaller.ran, smaller.elsewhere) == (0, 16)
    assert "another version" in "\n".join(smaller.lines())


def test_a_damaged_part_is_put_aside_and_run_again(whole: Path, tmp_path: Path) -> None:
    small.sweep(tmp_path)
    parts = sorted((tmp_path / "parts").glob("*.parquet"))
    for place, harm in enumerate((lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:60] + b"\xff" * 8 + b[68:])):
        parts[10 * place].write_bytes(harm(parts[10 * place].read_bytes()))
    (tmp_path / "failed" / "0.json").write_bytes(b"{")
    summary = small.sweep(tmp_path)
    assert summary.ran == 3
    assert len(summary.damaged) == 4
    assert "damaged" in "\n".join(summary.lines())
    same_bytes(whole, tmp_path)


@pytest.mark.parametrize("kills", [4, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_again_and_again_it_loses_nothing(whole: Path, tmp_path: Path, kills: int) -> None:
    """SIGKILL at random moments, writing included; the table is that of the uninterrupted run."""
    messages = run_module("kill", tmp_path / "killed", str(kills), "3")
    assert messages.startswith(f"{kills} kills"), messages
    same_bytes(whole, tmp_path / "killed")
    assert not list((tmp_path / "killed").rglob("*.damaged"))


@pytest.mark.slow
def test_a_cluster_gives_the_same_table(whole: Path, tmp_path: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        summary = small.sweep(tmp_path, scheduler=cluster.scheduler_address)
    assert summary.ran == small.CELLS - small.BROKEN
    same_bytes(whole, tmp_path)


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_finishes_with_the_same_table(whole: Path, tmp_path: Path) -> None:
    assert f"{small.CELLS - small.BROKEN} run" in run_module("cluster", tmp_path / "cluster")
    same_bytes(whole, tmp_path / "cluster")


def run_module(*arguments: object) -> str:
    command = [sys.executable, "-m", "tests.helpers.small_sweep", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_lost_worker_processes_are_replaced(whole: Path, tmp_path: Path) -> None:
    """A worker of joblib is killed half-way."""
    killed = []

    def kill_one(status: Status) -> None:
        if status.ran > 5 and not killed:
            children = [int(p) for p in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]
            workers = [p for p in children if b"loky" in Path(f"/proc/{p}/cmdline").read_bytes()]
            victims = [p for p in workers if b"resource_tracker" not in Path(f"/proc/{p}/cmdline").read_bytes()]
            os.kill(victims[0], signal.SIGKILL)
            killed.append(victims[0])

    summary = small.sweep(tmp_path, jobs=2, progress=kill_one)
    assert killed
    assert summary.ran == small.CELLS - small.BROKEN
    same_bytes(whole, tmp_path)


@pytest.mark.parametrize("elsewhere", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_one_process_at_a_time(tmp_path: Path, elsewhere: bool) -> None:
    """The lock is of the open file: a second run is refused in another process, and in this one."""
    config = load_sweep({**small.GRID, "grid": [{"optimizer": ["ista"]}]})
    inside: list[str] = []

    def again(status: Status) -> None:
        if not inside and elsewhere:
            command = [sys.executable, "-m", "tests.helpers.small_sweep", "kill", str(tmp_path), "0", "0"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
            inside.append(done.stderr)
        elif not inside:
            with pytest.raises(l2o.InputError) as refused:
                run_sweep(config, tmp_path)
            inside.append(str(refused.value))

    run_sweep(config, tmp_path, progress=again)
    assert "another process is running this sweep" in inside[0]


def test_what_is_there_can_be_collected_without_running(tmp_path: Path) -> None:
    config = load_sweep(small.GRID)

    class Enough(Exception):
        pass

    def stop(status: Status) -> None:
        if status.ran == 10:
            raise Enough

    with pytest.raises(Enough):
        run_sweep(config, tmp_path, progress=stop)
    with pytest.raises(l2o.InputError, match="no such table"):
        read_tables(tmp_path)
    summary = collect(config, tmp_path)
    assert (summary.ran, summary.reused, summary.missing) == (0, 10, small.CELLS - 10 - summary.failed)
    assert "still to be run" in summary.lines()[0]
    assert pq.read_table(tmp_path / "table.parquet").num_rows == 20


def test_timings_are_kept_apart(whole: Path) -> None:
    timings = read_tables(whole).timings
    assert timings.num_rows == small.CELLS - small.BROKEN
    assert set(timings.column_names) == {"cell", "key", "seconds", "worker", "arithmetic"}
    assert set(timings["arithmetic"].to_pylist()) == {arithmetic()}
    assert all(s > 0 for s in timings["seconds"].to_pylist())
    for name in TABLES:
        assert "seconds" not in pq.read_schema(whole / f"{name}.parquet").names


def test_cells_of_other_processors_are_used_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = {**small.GRID, "grid": [{"optimizer": ["ista"]}]}
    assert len(run_sweep(load_sweep(grid), tmp_path).lines()) == 1
    monkeypatch.setattr("l2obound.verification.sweeps.run.arithmetic", lambda: "another processor")
    summary = run_sweep(load_sweep({**grid, "grid": [{"optimizer": ["ista", "fista"]}]}), tmp_path)
    assert summary.reused > 0
    assert summary.ran > 0
    assert any("2 kinds of arithmetic" in line and "another processor" in line for line in summary.lines())


def test_bounds_are_held_against_the_runs(tmp_path: Path) -> None:
    config = load_sweep(
        {
            "bounds": ["per_step_descent", "ood_multi_step_sharp"],
            "fixed": {"rows": 6, "dim": 10, "batch": 2, "steps": 20},
            "grid": [{"optimizer": ["ista", "go-math-l2o"], "t": [0, 3], "prox": ["exact", "official"]}],
        }
    )
    rows = run_sweep(config, tmp_path).tables.table.to_pylist()
    for row in rows:
        wrong = row["prox"] == "official" and row["t"] != 0
        assert wrong or row["verdict_per_step_descent"] == "verified"
    # the authors' prox is not one: the g_k that it implies is no subgradient
    assert any(r["verdict_per_step_descent"] == "violated" for r in rows if r["prox"] == "official" and r["t"])


def test_batches_are_streamed(tmp_path: Path) -> None:
    """Two batches of three instances are those instances, whichever way they are cut."""
    config = load_sweep({"fixed": {"rows": 6, "dim": 10, "batch": 3, "batches": 2, "steps": 5}})
    rows = run_sweep(config, tmp_path).tables.table.to_pylist()
    assert [r["instance"] for r in rows] == list(range(6))
    for index in range(2):
        seed = l2o.training.config.split_seed("test", index, 0)
        p = l2o.synthetic.lasso(3, 6, 10, seed=seed)
        first = p.objective(l2o.synthetic.starts(p, seed=seed)).tolist()
        assert [r["objective_start"] for r in rows[3 * index : 3 * index + 3]] == pytest.approx(first, rel=1e-14)


def test_single_precision_is_judged_in_double(tmp_path: Path) -> None:
    fixed = {"rows": 6, "dim": 10, "batch": 2, "steps": 300, "optimizer": "fista"}
    config = load_sweep({"fixed": fixed, "grid": [{"precision": ["float64", "float32"]}]})
    rows = run_sweep(config, tmp_path).tables.table.to_pylist()
    double, single = ([r["gap_final"] for r in rows if r["precision"] == f"float{bits}"] for bits in (64, 32))
    # F is flat at its minimum: iterates that are off by 1e-7 give values that are off by 1e-14, if F is in float64.
    assert max(double) < 1e-9
    assert max(single) < 1e-9
    assert single != double


def test_models_are_trained_first_and_once(tmp_path: Path) -> None:
    model = {
        "key": "own",
        "name": "go-math-l2o",
        "options": {"hidden_size": 4},
        "weights": "trained",
        "train": small.TRAIN,
    }
    source = {"fixed": {"rows": 4, "dim": 6, "batch": 2, "steps": 5, "optimizer": "own"}, "model": [model]}
    one = run_sweep(load_sweep(source), tmp_path / "one")
    (folder,) = (tmp_path / "one" / "weights").iterdir()
    stamp = (folder / "weights.npz").stat().st_mtime_ns
    more = run_sweep(load_sweep({**source, "grid": [{"s": [0, 10]}]}), tmp_path / "one")
    assert (one.ran, more.ran, more.reused) == (1, 1, 1)
    assert (folder / "weights.npz").stat().st_mtime_ns == stamp
    run_sweep(load_sweep(source), tmp_path / "two", jobs=2)
    assert (tmp_path / "two/table.parquet").read_bytes() == (
        collect(load_sweep(source), tmp_path / "one").folder / "table.parquet"
    ).read_bytes()


def test_a_training_that_fails_fails_its_cells(tmp_path: Path) -> None:
    train = {**small.TRAIN, "training": {**small.TRAIN["training"], "batches": 40, "learning_rate": 1e200}}
    model = {"key": "own", "name": "l2o-pa", "weights": "trained", "train": train}
    source = {"fixed": {"rows": 4, "dim": 6, "batch": 2, "steps": 5}, "model": [model]}
    summary = run_sweep(load_sweep({**source, "grid": [{"optimizer": ["own", "ista"]}]}), tmp_path)
    assert (summary.ran, summary.failed) == (1, 1)
    (error,) = [e for e in summary.tables.cells["error"].to_pylist() if e]
    assert error.startswith("training of own: ")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[[model]]\nkey = "m"\nname = "l2o-pa"\nweights = "w"\n')
    assert load_sweep(tmp_path / "a.toml").model[0].weights == str(tmp_path / "w")


def grid_file(folder: Path, steps: int) -> Path:
    """16 cells, of which the 8 of Nesterov fail."""
    config = folder / "grid.toml"
    axes = '[[grid]]\nrows = [6, 7]\noptimizer = ["ista", "nesterov"]\ns = [0, 1, 2, 3]\n'
    config.write_text(f"[fixed]\nbatch = 2\nsteps = {steps}\n{axes}")
    return config


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def verb(*options: str) -> int:
        command = ["l2obound", "sweep", str(grid_file(tmp_path, 20)), "--out", str(tmp_path / "out"), *options]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0

    assert verb() == 0
    assert "8 run" in capsys.readouterr().out
    assert verb("--strict") == 3
    sentences = capsys.readouterr().out
    assert "of 16." in sentences
    assert "8 failed" in sentences
    assert verb("--set", "steps") == 2
    assert "NAME=VALUE" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_line_killed_with_all_its_workers(tmp_path: Path) -> None:
    """And taken up again."""
    config = grid_file(tmp_path, 2000)
    command = [
        sys.executable,
        "-m",
        "l2obound.verification.cli.app",
        "sweep",
        str(config),
        "--out",
        str(tmp_path / "out"),
    ]
    killed = subprocess.Popen([*command, "--jobs", "2"], cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    for _ in range(600):
        time.sleep(0.05)
        if list((tmp_path / "out").glob("parts/*.parquet")) or killed.poll() is not None:
            break
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    again = subprocess.run([*command, "--strict"], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert again.returncode == 3, again.stderr
    assert "of 16." in again.stdout
    assert "8 failed" in again.stdout


def test_every_family_can_be_swept(tmp_path: Path) -> None:
    """On every family that needs no file: cells of FISTA, certified where f is convex, no NaN."""
    names = [name for name, family in FAMILIES.items() if not family.needs_path]
    single = [name for name in names if FAMILIES[name].single]
    fixed = {"rows": 8, "dim": 10, "steps": 20, "optimizer": "fista"}
    grids = [
        {"family": [n for n in names if n not in single], "batch": [2]},
        {"family": single, "batch": [1]},
    ]
    summary = run_sweep(load_sweep({"fixed": fixed, "grid": grids}), tmp_path)
    assert summary.failed == 0, summary.tables.cells["error"].to_pylist()
    for row in summary.tables.table.to_pylist():
        assert row["optimum_lower"] is not None
        assert row["objective_final"] is not None, row["family"]
        if row["family"] not in ("student_t_l1", "welsch_l1", "sigmoid_l1"):
            assert row["optimum_upper"] - row["optimum_lower"] <= 1e-9 * max(1.0, row["optimum_upper"])


def test_the_users_data_are_part_of_the_key(tmp_path: Path) -> None:
    """A file that changes makes its cells anew."""
    config = load_sweep({"fixed": {"family": "spambase", "path": str(tmp_path / "x.data"), "batch": 1, "steps": 3}})
    with pytest.raises(l2o.InputError, match="no such file"):
        cells_of(config)
    values = np.random.default_rng(0).normal(size=(6, 57)).round(3)
    for value in (0.0, 1.0):
        values[0, 0] = value
        lines = [",".join([*map(str, row), str(i % 2)]) for i, row in enumerate(values)]
        (tmp_path / "x.data").write_text("\n".join(lines))
        assert run_sweep(config, tmp_path / "out").ran == 1
    assert run_sweep(config, tmp_path / "out").reused == 1


def test_a_safeguard_is_put_on_the_shipped_weights(tmp_path: Path) -> None:
    model = {"key": "guarded-pa", "name": "safeguarded", "options": {"base": "l2o-pa"}}
    source = {
        "fixed": {"batch": 2, "steps": 20},
        "grid": [{"optimizer": ["safeguarded", "guarded-pa"]}],
        "model": [model],
    }
    rows = run_sweep(load_sweep(source), tmp_path).tables.table.to_pylist()
    seed = l2o.training.config.split_seed("test", 0, 0)
    p = l2o.synthetic.lasso(2, 20, 40, seed=seed)
    for name, base in (("safeguarded", "go-math-l2o"), ("guarded-pa", "l2o-pa")):
        opt = l2o.optimizer("safeguarded", base=l2o.pretrained(base, "lasso"))
        run = l2o.rollout(opt, p, l2o.synthetic.starts(p, seed=seed), 20)
        results = [r["objective_final"] for r in rows if r["optimizer"] == name]
        np.testing.assert_allclose(results, run.objective[:, -1].numpy(), rtol=1e-12)


def test_shipped_weights_under_other_options(tmp_path: Path) -> None:
    """A model may give shipped weights other options: a shorter step, the authors' gradient of the batch mean."""
    models = [
        {"key": "short", "name": "go-math-l2o", "options": {"step": 0.01}},
        {"key": "mean", "name": "l2o-dm", "options": {"batch_mean": True}},
    ]
    names = ["go-math-l2o", "short", "l2o-dm", "mean"]
    source = {"fixed": {"batch": 4, "steps": 10}, "grid": [{"optimizer": names}], "model": models}
    summary = run_sweep(load_sweep(source), tmp_path)
    assert summary.failed == 0, summary.tables.cells["error"].to_pylist()
    finals = {n: [r["objective_final"] for r in summary.tables.table.to_pylist() if r["optimizer"] == n] for n in names}
    assert len({tuple(values) for values in finals.values()}) == 4
