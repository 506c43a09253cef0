"""Sweeps at their edges: odd values, nothing done, damage, and processes that go away."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from l2obound import l2o
from l2obound.verification.sweeps import cells_of, load_sweep, read_tables, run_sweep
from l2obound.verification.sweeps.cells import Measures
from l2obound.verification.sweeps.executors import WorkersLost, dask
from l2obound.verification.sweeps.measure import no_outcome
from l2obound.verification.sweeps.run import Task, _run_there
from l2obound.verification.sweeps.store import Store

ROOT = Path(__file__).parents[3]
FIXED = {"rows": 6, "dim": 10, "batch": 2, "steps": 5}


def test_equal_numbers_are_one_cell() -> None:
    assert len(cells_of(load_sweep({"fixed": FIXED, "grid": [{"s": [0, 0.0, -0.0], "lam": [0, -0.0]}]}))) == 1


BAD = {
    "bool": ({"rows": True}, "rows: expected an integer, got True"),
    "device": ({"device": "gpu"}, "device: expected cpu"),
    "path through a file": ({"path": f"{__file__}/x"}, "cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_values_are_one_clear_error(case: str) -> None:
    fields, says = BAD[case]
    with pytest.raises(l2o.InputError, match=says):
        cells_of(load_sweep({"fixed": {**FIXED, **fields}}))


def test_an_override_that_would_change_nothing_is_an_error(tmp_path: Path) -> None:
    source = {"grid": [{"s": [1, 2], "size": [{"rows": 5, "dim": 6}]}]}
    for name in ("s", "rows"):
        with pytest.raises(l2o.InputError, match=f"{name} is an axis of the grid"):
            load_sweep(source, {name: 3})
    assert load_sweep({"grid": [*source["grid"], {"lam": [0.1]}]}, {"s": 3}).fixed == {"s": 3}
    (tmp_path / "grid.toml").write_text("[fixed]\nsteps = 3\n")
    assert load_sweep(tmp_path / "grid.toml", {"path": "x.data"}).fixed["path"] == "x.data"


def test_each_eps_has_a_column(tmp_path: Path) -> None:
    config = load_sweep({"fixed": {**FIXED, "steps": 300}, "eps": [0.14, 0.12, 1e-2]})
    table = run_sweep(config, tmp_path).tables.table
    assert [n for n in table.column_names if n.startswith("reached")] == [
        "reached_1.4e-01",
        "reached_1.2e-01",
        "reached_1e-02",
    ]
    assert table["reached_1.4e-01"][0].as_py() <= table["reached_1.2e-01"][0].as_py()


def test_tables_without_a_row_have_their_columns(tmp_path: Path) -> None:
    """All cells failed: the files can be read as those of any other sweep."""
    source = {"fixed": FIXED, "bounds": ["per_step_descent"], "eps": [0.1, 1e-3]}
    made = run_sweep(load_sweep(source), tmp_path / "made").tables
    run_sweep(load_sweep({**source, "grid": [{"optimizer": ["nesterov"]}]}), tmp_path / "none")
    none = read_tables(tmp_path / "none")
    for name in ("table", "curves", "timings"):
        assert getattr(none, name).num_rows == 0
        assert getattr(none, name).schema.equals(getattr(made, name).schema), name


def test_an_objective_that_overflows_is_a_divergence(tmp_path: Path) -> None:
    """From the start on; F = inf outside the domain of r is none."""
    tables = run_sweep(load_sweep({"fixed": {**FIXED, "s": 1e160}}), tmp_path / "large").tables
    for row in tables.table.to_pylist():
        assert (row["diverged_at"], row["objective_start"], row["gap_final"]) == (0, None, None)
    assert {row["running"] for row in tables.curves.to_pylist()} == {0}
    simplex = load_sweep({"fixed": {**FIXED, "family": "simplex_least_squares", "s": 10.0}})
    for row in run_sweep(simplex, tmp_path / "simplex").tables.table.to_pylist():
        assert row["objective_start"] == float("inf")
        assert row["diverged_at"] is None
        assert row["gap_final"] < 1e3


def test_the_gap_is_absolute_where_the_optimum_is_zero(tmp_path: Path) -> None:
    """Without r, fewer rows than unknowns: F* = 0, of which the certificate leaves some 1e-30."""
    config = load_sweep({"fixed": {**FIXED, "lam": 0, "steps": 300}})
    for row in run_sweep(config, tmp_path).tables.table.to_pylist():
        assert row["gap_start"] == pytest.approx(row["objective_start"], rel=1e-9)


def test_a_byte_that_changed_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    """The checksums of parquet leave out names, headers and the timing."""
    config = load_sweep({"fixed": FIXED})
    run_sweep(config, tmp_path)
    cells, empty = cells_of(config), no_outcome(Measures.of(config))
    whole = Store(tmp_path).collect(cells, empty)
    noticed = 0
    for path in (tmp_path / "parts").glob("*.parquet"):
        data = path.read_bytes()
        for place in range(0, len(data), 23):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
            store = Store(tmp_path)
            result = store.collect(cells, empty)
            same = result.table.equals(whole.table) and result.curves.equals(whole.curves)
            assert same or store.damaged, (path.name, place)
            noticed += bool(store.damaged)
        path.write_bytes(data)
    assert noticed > 100


def test_what_is_no_entry_is_put_aside(tmp_path: Path) -> None:
    config = load_sweep({"fixed": FIXED})
    (tmp_path / "failed" / "folder.json").mkdir(parents=True)
    for number, text in enumerate(("[]", "{}", "3", "x")):
        (tmp_path / "failed" / f"{number}.json").write_text(text)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / ".torn.parquet.x1").write_bytes(b"half")
    summary = run_sweep(config, tmp_path)
    assert (summary.ran, summary.failed, len(summary.damaged)) == (1, 0, 5)
    assert not list((tmp_path / "parts").glob(".*"))


def test_a_folder_that_cannot_be_locked_is_said(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(l2o.InputError, match="cannot be locked"):
        run_sweep(load_sweep({"fixed": FIXED}), tmp_path)


GRID = "[fixed]\nrows = 6\ndim = 10\nbatch = 2\nsteps = 1000\n[[grid]]\nseed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n"


def started(folder: Path, *options: str) -> subprocess.Popen:
    """`l2obound sweep`, once its first cells are done."""
    folder.mkdir(exist_ok=True)
    (folder / "grid.toml").write_text(GRID)
    command = [
        sys.executable,
        "-m",
        "l2obound.verification.cli.app",
        "sweep",
        str(folder / "grid.toml"),
        "--out",
        str(folder / "out"),
    ]
    process = subprocess.Popen(
        [*command, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not [p for p in folder.glob("out/parts/*.parquet") if "." not in p.stem]:
        time.sleep(0.02)
    return process


SLOW = [pytest.param(how, marks=pytest.mark.slow) for how in (signal.SIGTERM, signal.SIGINT)]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, *SLOW])  # which leaves a process no time to tell its workers
def test_workers_end_with_the_process_that_started_them(how: signal.Signals, tmp_path: Path) -> None:
    process = started(tmp_path, "--jobs", "2")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(how)
    process.communicate(timeout=300)  # to the end of its pipes, which workers hold too
    gone, alive = psutil.wait_procs(children, timeout=300)
    assert len(gone) >= 2
    assert not alive
    summary = run_sweep(load_sweep(tmp_path / "grid.toml"), tmp_path / "out")
    assert summary.ran + summary.reused == 10
    assert summary.reused
    assert not summary.damaged


def test_a_scheduler_that_is_gone_is_an_error_of_the_system() -> None:
    """Which the command line says in a line; to the end, with processes, in the slow test below."""
    from distributed import LocalCluster

    ended: list[BaseException] = []

    def run(address: str) -> None:
        try:
            list(dask(address)(range(3), abs, print))
        except WorkersLost as problem:
            ended.append(problem)

    with LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        thread = threading.Thread(target=run, args=(cluster.scheduler_address,))
        thread.start()
        for _ in range(200):
            time.sleep(0.05)
            if len(cluster.scheduler.tasks) == 3:
                break
    thread.join(60)
    assert f"the scheduler at {cluster.scheduler_address} is gone; what is finished is kept" in str(ended[0])


@pytest.mark.slow
def test_a_scheduler_that_is_gone_is_said_in_a_line(tmp_path: Path) -> None:
    port = "18787"
    address = f"tcp://127.0.0.1:{port}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    place = ["--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    scheduler = subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_scheduler", *place], **quiet)
    options = ["--nthreads", "1", "--no-dashboard", "--death-timeout", "30"]
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, *options], cwd=ROOT, **quiet
    )
    try:
        process = started(tmp_path, "--scheduler", address)
        assert process.poll() is None, process.communicate()
        scheduler.kill()
        _, sentences = process.communicate(timeout=300)
        assert process.returncode == 2
        assert f"the scheduler at {address} is gone; what is finished is kept" in sentences.splitlines()[-1]
    finally:
        for one in (worker, scheduler):
            one.kill()
            one.wait()
    summary = run_sweep(load_sweep(tmp_path / "grid.toml"), tmp_path / "out")
    assert summary.reused > 0
    assert summary.ran + summary.reused == 10


def test_a_cluster_without_workers_sees_what_waits() -> None:
    """One that adapts itself asks for workers by the tasks that its scheduler holds."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        results: list[int] = []
        run = threading.Thread(target=lambda: results.extend(dask(cluster.scheduler_address)(range(30), abs, print)))
        run.start()
        for _ in range(200):
            time.sleep(0.05)
            if len(cluster.scheduler.tasks) == 30:
                break
        seen = len(cluster.scheduler.tasks)
        cluster.scale(1)
        run.join(30)
    assert seen == 30
    assert sorted(results) == list(range(30))


def test_a_worker_of_another_version_is_an_error() -> None:
    """Its results would be kept as those of the version that asked for them."""
    config = load_sweep({"fixed": FIXED})
    task = Task(cells_of(config), {}, Measures.of(config), {"torch": "0.1"})
    with pytest.raises(l2o.InputError, match="other versions of torch"):
        _run_there(task)


def test_lost_workers_are_no_crash() -> None:
    """The command line shows errors of the system in a line, without a traceback."""
    assert issubclass(WorkersLost, OSError)


def test_shipped_weights_of_a_name_are_taken_in_every_cell() -> None:
    model = {"key": "mine", "name": "go-math-l2o", "weights": "shipped:logistic_l1"}
    grid = [{"optimizer": ["mine", "go-math-l2o"], "family": ["lasso", "logistic_l1"]}]
    cells = cells_of(load_sweep({"fixed": FIXED, "grid": grid, "model": [model]}))
    keys = [(c.model.key, c.spec.family, c.model.shipped_key(c.spec)) for c in cells]
    assert sorted(keys) == [
        ("go-math-l2o", "lasso", "lasso"),
        ("go-math-l2o", "logistic_l1", "logistic_l1"),
        ("mine", "lasso", "logistic_l1"),
        ("mine", "logistic_l1", "logistic_l1"),
    ]
    wrong = {**model, "weights": "shipped:knapsack"}
    with pytest.raises(l2o.InputError, match="no weights of 'go-math-l2o' for 'knapsack' are shipped"):
        cells_of(load_sweep({"fixed": FIXED, "grid": grid, "model": [wrong]}))


def test_each_size_has_its_own_weights_in_one_sweep(tmp_path: Path) -> None:
    sizes = [{"rows": 6, "dim": 10}, {"rows": 30, "dim": 60}]
    grid = [{"optimizer": ["go-math-l2o"], "size": sizes}]
    config = load_sweep({"fixed": {"batch": 2, "steps": 5, "sparsity": 2, "lam": 0.1}, "grid": grid, "points": 0})
    curves = run_sweep(config, tmp_path).tables.curves.to_pylist()
    for size, weights in zip(sizes, ("lasso", "lasso-250x500")):
        seed = l2o.training.config.split_seed("test", 0, 0)
        problem = l2o.synthetic.lasso(2, **size, sparsity=2, lam=0.1, seed=seed)
        run = l2o.rollout(l2o.pretrained("go-math-l2o", weights), problem, l2o.synthetic.starts(problem, seed=seed), 5)
        (last,) = [r["objective_mean"] for r in curves if (r["dim"], r["k"]) == (size["dim"], 5)]
        assert last == pytest.approx(float(run.objective[:, -1].mean()), rel=1e-12)
