"""Settings every test runs under."""

from __future__ import annotations

import gc
import itertools
import os

import pytest
import scipy.linalg  # noqa: F401 - its library is limited below
import torch
from hypothesis import settings
from threadpoolctl import threadpool_limits

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=40, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# The workers of pytest-xdist share the cores: torch and the linear algebra of NumPy and SciPy have one thread each, in
# the processes that tests start as well.
torch.set_num_threads(1)
threadpool_limits(1)
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

# What is imported and collected is a million objects that stay. The collector of cycles would look through them again
# and again.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


_TESTS = itertools.count()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache of optima.

    Each has a folder of its own, which is made when something is kept there: `mktemp` looks through all folders that
    there are, and thousands of them take seconds.
    """
    monkeypatch.setenv("L2OBOUND_CACHE", str(tmp_path_factory.getbasetemp() / "caches" / str(next(_TESTS))))
