"""Files: written so that an interruption leaves the old one or the new one, read without running what is in them.

Every reader looks at the kind and the size of a file before it reads: a regular file only (a pipe would block for
ever, a device never ends), and no more than `memory_limit()` bytes, unpacked. What cannot be used is one `InputError`.
"""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from ...errors import InputError

LIMIT_VARIABLE = "L2OBOUND_MEMORY_GIB"
_LIMIT_GIB = 0.5
_MOST_ARRAYS = 10_000

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
    RuntimeError,  # NotImplementedError and RecursionError are some
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


def size_words(size: float) -> str:
    """A number of bytes for people, as in "3.2 GiB"."""
    power = next((i for i in range(6) if size < 1023.95 * 1024**i), 5)
    if power == 0:
        return f"{int(size)} bytes"
    value = size / 1024**power
    return (f"{value:.1f} " if value < 1e4 else f"{value:.0e} ") + ("KiB", "MiB", "GiB", "TiB", "PiB")[power - 1]


def memory_limit() -> int:
    """The bytes that one file may unpack to: 0.5 GiB, or $L2OBOUND_MEMORY_GIB GiB."""
    given = os.environ.get(LIMIT_VARIABLE, "").strip()
    try:
        gib = float(given) if given else _LIMIT_GIB
    except ValueError:
        gib = float("nan")
    if not 0 < gib < 2**20:
        raise InputError(f"{LIMIT_VARIABLE}: expected a number of GiB, greater than 0, got {given!r}.")
    return int(gib * 2**30)


def check_memory(size: float, where: str, limit: int | None = None) -> None:
    """Raise `InputError` if `where` would take more than `limit` bytes (default: `memory_limit()`)."""
    limit = memory_limit() if limit is None else limit
    if size > limit:
        raise InputError(
            f"{where}: it would take {size_words(size)} of memory, the limit is {size_words(limit)}; make it smaller, "
            f"or set {LIMIT_VARIABLE} to the GiB that it may take."
        )


_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
    (stat.S_ISSOCK, "it is a socket"),
)


def file_size(path: str | os.PathLike[str], what: str) -> int:
    """Size of a regular file in bytes; `InputError` if there is none or it is of another kind. Nothing is opened.

    `what` it should be completes the error, as in "a run written by Run.save".
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, so it cannot be read; expected {what}.") from None
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror}); expected {what}.") from None
    except ValueError as problem:  # a zero byte in the name
        raise InputError(f"{os.fspath(path)!r}: no name of a file ({problem}); expected {what}.") from None
    return _checked(status, path, what)


def _checked(status: os.stat_result, path: str | os.PathLike[str], what: str) -> int:
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "it is no regular file")
        raise InputError(f"{path}: cannot be read ({kind}); expected {what}, a file.")
    return status.st_size


def _check_length(size: int, path: str | os.PathLike[str], what: str, limit: int | None) -> None:
    if limit is None:
        check_memory(size, str(path))
    elif size > limit:
        raise InputError(f"{path}: it has {size_words(size)}, too much for {what} (at most {size_words(limit)}).")


def read_bytes(path: str | os.PathLike[str], what: str, limit: int | None = None) -> bytes:
    """The bytes of a regular file of at most `limit` bytes (default: `memory_limit()`); else one `InputError`."""
    _check_length(file_size(path, what), path, what, limit)
    try:
        # Not to wait, should the file have become a pipe since.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as stream:
            size = _checked(os.fstat(descriptor), path, what)
            _check_length(size, path, what, limit)
            data = stream.read(max(size, 1 << 16) + 1)
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror}); expected {what}.") from None
    if data is None or len(data) > max(size, 1 << 16):
        raise InputError(f"{path}: cannot be read (its size is not that of a file at rest); expected {what}.")
    return data


def decode_text(data: bytes, where: str, what: str) -> str:
    """Text in UTF-8, with or without a byte order mark; any other encoding is one `InputError` that says what to do."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{where}: not UTF-8 text, but UTF-16 or UTF-32; expected {what}; save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InputError(
            f"{where}: not UTF-8 text (byte {problem.start}); expected {what}; if it is text, save it as UTF-8."
        ) from None
    if "\0" in text:
        raise InputError(
            f"{where}: it holds zero bytes, so it is no UTF-8 text; expected {what}; if it is UTF-16, save it as UTF-8."
        )
    return text


def read_text(path: str | os.PathLike[str], what: str, limit: int | None = None) -> str:
    """The text of a regular file, see `read_bytes` and `decode_text`; every text file is read by this function."""
    return decode_text(read_bytes(path, what, limit), str(path), what)


def read_json(path: str | os.PathLike[str], what: str, instead: str, limit: int | None = None) -> Any:
    """What a JSON file holds; `what` it should be and what to do `instead` complete the error."""
    return parse_json(read_text(path, what, limit), str(path), what, instead)


def parse_json(text: str, where: str, what: str, instead: str) -> Any:
    """As `read_json`, from text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError, MemoryError) as problem:
        raise InputError(f"{where}: not {what}, which is JSON, or damaged ({_reason(problem)}); {instead}.") from None


def read_npz(path: str | os.PathLike[str], what: str, instead: str) -> dict[str, np.ndarray]:
    """The arrays of an npz, no pickles; `what` it should be and what to do `instead` complete the error.

    The sizes that the archive and the headers of its arrays declare are checked before anything is unpacked: they have
    to agree, and to stay below `memory_limit()`.
    """
    return parse_npz(read_bytes(path, what), str(path), what, instead)


def parse_npz(data: bytes, where: str, what: str, instead: str) -> dict[str, np.ndarray]:
    """As `read_npz`, from bytes."""
    try:
        return _arrays(data, where)
    except InputError:
        raise
    except _DAMAGE as problem:
        raise InputError(f"{where}: not {what}, or damaged ({_reason(problem)}); {instead}.") from None


def take_meta(arrays: dict[str, np.ndarray], where: str, what: str, instead: str) -> dict[str, Any]:
    """Take the array `meta` out of `arrays`: the JSON object, in bytes, that this package writes beside arrays."""
    meta = arrays.pop("meta", None)
    if meta is None or meta.dtype != np.uint8 or meta.ndim != 1:
        raise InputError(f"{where}: not {what} (it has no description, an array `meta` of bytes); {instead}.")
    read = parse_json(decode_text(meta.tobytes(), where, what), where, what, instead)
    if not isinstance(read, dict):
        raise InputError(f"{where}: not {what} (its description is no JSON object); {instead}.")
    return read


def _reason(problem: BaseException) -> str:
    return str(problem).splitlines()[0][:120] if str(problem) else type(problem).__name__


def _arrays(data: bytes, where: str) -> dict[str, np.ndarray]:
    if data.count(b"PK\x01\x02") > _MOST_ARRAYS:  # the mark of an entry: zipfile would read them all
        raise ValueError(f"it has more than {_MOST_ARRAYS} entries")
    arrays = {}
    with ZipFile(io.BytesIO(data)) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        names = [entry.filename.removesuffix(".npy") for entry in entries]
        if len(set(names)) < len(names):
            raise ValueError("two of its arrays have the same name")
        check_memory(sum(entry.file_size for entry in entries), where)
        for entry in entries:
            _check_entry(archive, entry)
        for name, entry in zip(names, entries):
            with archive.open(entry) as stream:
                arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
                if stream.read(1):  # also makes zipfile compare the checksum
                    raise ValueError(f"array {name} is followed by other bytes")
    return arrays


def _check_entry(archive: ZipFile, entry: ZipInfo) -> None:
    """Raise unless the header of an array declares as many bytes as the archive has of it."""
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{entry.filename} is packed in a way that NumPy does not use")
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        reader = {(1, 0): "read_array_header_1_0", (2, 0): "read_array_header_2_0"}.get(version)
        if reader is None:
            raise ValueError(f"{entry.filename} has the version {version} of the format")
        shape, _, dtype = getattr(np.lib.format, reader)(stream)
        header = stream.tell()
    if dtype.hasobject:
        raise ValueError(f"{entry.filename}: Object arrays are pickles, which are not loaded")
    count = 1
    for length in shape:
        count *= length
    if (
        min(shape, default=0) < 0
        or (dtype.itemsize == 0 and count)
        or header + count * dtype.itemsize != entry.file_size
    ):
        raise ValueError(
            f"{entry.filename} declares shape {shape} of {dtype}, {size_words(max(count, 0) * dtype.itemsize)}, but "
            f"the file has {size_words(entry.file_size - header)} of it"
        )
