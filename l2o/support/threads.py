"""One thread for work that is many small operations, in torch and in the linear algebra of NumPy and SciPy.

Threads of such work wait for each other at every operation. Where other programs use the cores, each wait lasts until
the scheduler comes round, and two threads are many times slower than one.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from functools import lru_cache

import torch
from threadpoolctl import ThreadpoolController

SMALL = 500_000  # numbers in a batch of data, under which a second thread costs more than it brings


@lru_cache(maxsize=4)
def _libraries(imported: tuple[bool, ...]) -> ThreadpoolController:
    """The libraries of linear algebra; a module that is imported later can bring another one."""
    return ThreadpoolController().select(user_api="blas")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Torch and BLAS on one thread; at the end they have as many as before.

    It may be entered again, and from several threads. Each thread has its own number in torch. That of BLAS is one for
    the process: the thread that comes first sets it, and sets it back.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    modules = tuple(name in sys.modules for name in ("numpy", "scipy.linalg"))
    try:
        with _libraries(modules).limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
