"""Memory that a request would take, asked for before anything is made."""

from __future__ import annotations

import math
import os
from pathlib import Path

from l2o._errors import InputError


def require_memory(size: float, what: str, instead: str) -> None:
    """An `InputError` where this process cannot have `size` bytes more.

    Args:
        size: bytes that will be needed at least.
        what: the numbers that were asked for, as "16 instances of 20 x 40"; begins the message.
        instead: what to do, ends the message.
    """
    free = available_memory()
    if not size <= free:  # not a number is too much
        raise InputError(f"{what}: needs at least {_bytes(size)} of memory, and {_bytes(free)} are free; {instead}.")


def available_memory() -> float:
    """Bytes that this process may still take: what the system has free, within the limits set for the process.

    inf where the system does not tell.
    """
    return max(0.0, min(_system(), _address_space(), _group()))


def _bytes(size: float) -> str:
    """A size for people."""
    if not size < math.inf:
        return "endlessly much"
    for unit in ("MiB", "GiB", "TiB", "PiB"):
        size = size / 2**20 if unit == "MiB" else size / 1024
        if size < 1000:
            return f"{size:.3g} {unit}"
    return f"{size:.3g} PiB"


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
