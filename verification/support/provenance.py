"""What a report says of where it comes from: sources, versions, machine."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

import torch

_MKL = ("MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS")  # torch's matrix products follow these, and do not tell
_PACKAGES = (
    "l2obound",
    "torch",
    "numpy",
    "scipy",
    "sympy",
    "cvxpy",
    "clarabel",
    "scikit-learn",
    "matplotlib",
)


def versions() -> dict[str, str]:
    """Versions of the packages that numbers depend on."""
    return {name: _version(name) for name in _PACKAGES}


@functools.cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@functools.cache
def code_digest() -> str:
    """Hex digest of the sources of the three packages: a stored run is used again only by the code that made it."""
    digest = hashlib.sha256()
    for package in ("bounds", "l2o", "verification"):
        root = Path(str(files(f"l2obound.{package}")))
        for source in sorted(path for kind in ("*.py", "*.c", "*.h") for path in root.rglob(kind)):
            digest.update(f"{package}/{source.relative_to(root)}".encode())
            digest.update(source.read_bytes())
    return digest.hexdigest()


@functools.cache
def arithmetic() -> str:
    """What the last bits of results depend on beside the sources: the processor, and the kernels chosen for it.

    Two machines that say the same here, with the same versions and as many threads, give the same bytes. Others agree
    to rounding only: OpenBLAS and torch choose other kernels, and those add in another order.
    """
    import scipy.linalg  # noqa: F401  (loads the OpenBLAS that SciPy brings)
    from threadpoolctl import threadpool_info

    blas = sorted({str(pool["architecture"]) for pool in threadpool_info() if pool.get("architecture")})
    chosen = [f"BLAS {name}" for name in blas] + [f"torch {torch.backends.cpu.get_cpu_capability()}"]
    chosen += [f"{name}={os.environ[name]}" for name in _MKL if os.environ.get(name)]
    return "; ".join([_processor(), *chosen])


def machine() -> dict[str, str]:
    """Processor, memory, threads and system, as far as the system tells."""
    return {
        "processor": _processor(),
        "arithmetic": arithmetic(),
        "cores": str(_cores()),
        "memory": _memory(),
        "threads": str(torch.get_num_threads()),
        "system": platform.platform(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "not known"


def _cores() -> int:
    """The cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (AttributeError, ValueError, OSError):
        return "not known"
