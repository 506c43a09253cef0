"""Memory that a request would take, asked for before anything is made."""

from __future__ import annotations

import math
import os
from pathlib import Path

from ...errors import InputError
from .files import size_words


def require_memory(size: float, what: str, instead: str) -> None:
    """An `InputError` where this process cannot have `size` bytes more.

    Args:
        size: bytes that will be needed at least.
        what: the numbers that were asked for, as "16 instances of 20 x 40"; begins the message.
        instead: what to do, ends the message.
    """
    free = available_memory()
    if not size <= free:  # not a number is too much
        raise InputError(
            f"{what}: needs at least {size_words(size)} of memory, and {size_words(free)} are free; {instead}."
        )


def data_size(batch: int, rows: int, dim: int) -> int:
    """Bytes of `batch` instances (A, y), A of rows x dim, in float64, with a random stream for each."""
    return batch * (8 * rows * (dim + 1) + 2000)


def run_size(batch: int, dim: int, steps: int, *, arrays: bool = True, itemsize: int = 8) -> int:
    """Bytes that a run takes at least: of each step six vectors of each instance, or without `arrays` six numbers."""
    return itemsize * batch * steps * 6 * (dim if arrays else 1)


def available_memory() -> float:
    """Bytes that this process may still take: what the system has free, within the limits set for the process.

    inf where the system does not tell.
    """
    return max(0.0, min(_system(), _address_space(), _group()))


def _number(path: str) -> float:
    """The number in a file of the system; inf where there is none."""
    try:
        return float(Path(path).read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return math.inf


def _system() -> float:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * float(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _address_space() -> float:
    """What is left of the limit that `ulimit -v` sets."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return math.inf
        taken = _number("/proc/self/statm") * resource.getpagesize()
    except (ImportError, OSError, ValueError):
        return math.inf
    return limit - (taken if taken < math.inf else 0.0)


_GROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
)


def _group() -> float:
    """What is left of the limit of a container; the system's copies of files, which it gives back, are not taken."""
    for folder, limit, usage in _GROUPS:
        most, taken = _number(f"{folder}/{limit}"), _number(f"{folder}/{usage}")
        if most < 2**60 and taken < math.inf:  # without a limit there is no number, or the largest that there is
            return most - taken + _file_copies(Path(folder) / "memory.stat")
    return math.inf


def _file_copies(path: Path) -> float:
    try:
        entries = dict(line.split()[:2] for line in path.read_text(encoding="ascii").splitlines())
        names = ("total_inactive_file", "total_active_file")
        names = names if names[0] in entries else ("inactive_file", "active_file")
        return sum(float(entries[name]) for name in names)
    except (OSError, ValueError, KeyError):
        return 0.0
