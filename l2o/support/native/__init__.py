"""The functions compiled from C (kernel.c), and when they can be used.

Compiled when the package is installed, where there is a C compiler. Without one, on other devices and under torch's
function transforms, plain torch computes the same. A processor's instructions are chosen when a function is called: 512
bits wide where it has AVX-512, 256 bits with AVX2, else 128 bits. The environment variable L2OBOUND_KERNEL chooses
otherwise: "0" switches the functions off, "generic", "avx2" and "avx512" are what is to be used at most.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import os
from collections.abc import Mapping
from typing import Any

import torch

from ....errors import InputError

LEVELS = ("generic", "avx2", "avx512")
"""Sets of instructions, each with those before it."""
_OPENMP = ("GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads")


class Pool(ctypes.Structure):
    """Threads for the functions: those that torch has."""

    _fields_ = [(name, ctypes.c_void_p) for name in _OPENMP]


@functools.cache
def library() -> Any | None:
    """The compiled functions, or None where there are none or they are switched off."""
    if os.environ.get("L2OBOUND_KERNEL") == "0":
        return None
    try:
        compiled = importlib.import_module("._kernel", __package__)
    except ImportError:
        return None
    functions = ctypes.CDLL(str(compiled.__file__))
    functions.l2o_level.restype = functions.l2o_network.restype = functions.l2o_segment.restype = ctypes.c_int
    functions.l2o_gram.restype = None
    return functions


@functools.cache
def level() -> int:
    """The place in LEVELS of the instructions to be used; the functions take fewer where the processor has fewer."""
    wanted = os.environ.get("L2OBOUND_KERNEL", "1")
    if wanted in ("0", "1"):
        return len(LEVELS) - 1
    if wanted not in LEVELS:
        raise InputError(f"L2OBOUND_KERNEL: expected 0, 1 or one of {', '.join(LEVELS)}, got {wanted!r}; change it.")
    return LEVELS.index(wanted)


@functools.cache
def pool() -> Pool:
    """torch's threads, by the OpenMP functions of the process; without them the functions run on one thread."""
    process, addresses = ctypes.CDLL(None), []
    for name in _OPENMP:
        try:
            addresses.append(ctypes.cast(getattr(process, name), ctypes.c_void_p).value)
        except AttributeError:
            return Pool()
    return Pool(*addresses)


def takes(like: torch.Tensor) -> bool:
    """Whether compiled functions could take a tensor such as `like` here and now."""
    return (
        like.device.type == "cpu"
        and like.dtype in (torch.float32, torch.float64)
        # Under vmap and jacrev a tensor has no address, and a dual number would lose its tangent.
        and torch._C._functorch.peek_interpreter_stack() is None
        and torch.autograd.forward_ad._current_level < 0
    )


def addresses(arrays: Mapping[str, torch.Tensor | None], dtype: torch.dtype) -> dict[str, int | None]:
    """Where the numbers of tensors lie, by name."""
    for name, array in arrays.items():
        # The functions read memory, not tensors: what they are given must be what they expect.
        assert array is None or (array.is_contiguous() and array.dtype == dtype), name
    return {name: None if array is None else array.data_ptr() for name, array in arrays.items()}
