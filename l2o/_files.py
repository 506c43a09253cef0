"""Files: written so that an interruption leaves the old one or the new one, read without running what is in them."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from l2o._errors import InputError

# What truncated, flipped or foreign bytes raise on their way through zipfile, zlib and NumPy's header parser.
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    AttributeError,
    TypeError,
    IndexError,
    SyntaxError,
    OverflowError,
    MemoryError,
    RuntimeError,  # NotImplementedError is one
    BadZipFile,
    zlib.error,
    struct.error,
)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` to `path` atomically, making its folder if need be."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write arrays as a compressed npz, atomically and with fixed time stamps: same arrays, same bytes."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asanyarray(arrays[name]), allow_pickle=False)
            info = ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = ZIP_DEFLATED
            archive.writestr(info, entry.getvalue())
    return write_bytes(path, buffer.getvalue())


def read_npz(path: str | os.PathLike[str], what: str, instead: str) -> dict[str, np.ndarray]:
    """The arrays of an npz, no pickles; `what` it should be and what to do `instead` complete the error."""
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected {what}.") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror}); expected {what}.") from None
    return parse_npz(data, str(path), what, instead)


def parse_npz(data: bytes, where: str, what: str, instead: str) -> dict[str, np.ndarray]:
    """As `read_npz`, from bytes."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _DAMAGE as problem:
        reason = str(problem).splitlines()[0][:120] if str(problem) else type(problem).__name__
        raise InputError(f"{where}: not {what}, or damaged ({reason}); {instead}.") from None
