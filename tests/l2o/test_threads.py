"""One thread for small work, and the old number afterwards."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its library is among those that are limited
import torch
from threadpoolctl import threadpool_info, threadpool_limits

import l2obound.l2o as l2o
from l2obound.l2o.support.threads import one_thread


def counts() -> set[int]:
    """The numbers of threads of torch, and of the linear algebra of NumPy and SciPy. That of scs always has one."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    pools = [library["num_threads"] for library in libraries if "scs" not in library["filepath"]]
    assert pools
    return {torch.get_num_threads(), *pools}


@pytest.fixture
def two() -> object:
    """Two threads everywhere, for one test."""
    before = torch.get_num_threads()
    with threadpool_limits(2):
        torch.set_num_threads(2)
        if counts() != {2}:
            pytest.skip("the environment allows one thread")
        yield
        torch.set_num_threads(before)


@pytest.mark.usefixtures("two")
def test_the_number_comes_back() -> None:
    assert counts() == {2}
    with one_thread():
        assert counts() == {1}
        with one_thread():
            assert counts() == {1}
        assert counts() == {1}
    assert counts() == {2}
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert counts() == {2}


@pytest.mark.usefixtures("two")
def test_threads_do_not_change_each_others_number() -> None:
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_thread():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with one_thread():
        thread.start()
        entered.wait()
        assert counts() == {1}
    assert counts() == {2}
    leave.set()
    thread.join()
    assert counts() == {2}


@pytest.mark.usefixtures("two")
def test_small_runs_have_one_thread() -> None:
    seen = []

    class Watching:
        def init(self, problem: l2o.Composite, x0: torch.Tensor) -> torch.Tensor:
            return x0

        def step(self, problem: l2o.Composite, x: torch.Tensor) -> torch.Tensor:
            seen.append(counts())
            return x

    problem = l2o.synthetic.lasso(2, 4, 6, seed=0)
    l2o.rollout(l2o.adapt(Watching()), problem, np.zeros((2, 6)), 2)
    assert set.union(*seen) == {1}
    assert counts() == {2}


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(("rows", "threads", "expected"), [(8, None, 1), (8, 2, 2), (8, 1, 1), (25_000, None, 2)])
def test_small_trainings_have_one_thread(rows: int, threads: int | None, expected: int) -> None:
    seen: list[set[int]] = []
    settings = {
        "model": {"name": "l2o-pa"},
        "problem": {"family": "lasso", "rows": rows, "dim": 10, "sparsity": 2},
        "training": {"epochs": 1, "batches": 1, "batch": 2, "horizon": 2, "unroll": 2, "threads": threads},
        "validation": {"batch": 1, "steps": 1},
    }
    trained = l2o.train(settings, progress=lambda *_: seen.append(counts()))
    assert trained.manifest["threads"] == expected
    assert all(expected in numbers for numbers in seen)
    assert counts() == {2}
