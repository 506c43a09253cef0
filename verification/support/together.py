"""Files that belong together, written so that nobody takes old ones and new ones for one set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ...l2o.support.files import write_bytes

MARK = "UNFINISHED.txt"
_WORDS = (
    "The files of this folder do not belong together: writing them was interrupted, or is going on.\n"
    "The command that writes them, given again, ends this.\n"
)


def write_together(folder: str | os.PathLike[str], files: Mapping[str, bytes]) -> None:
    """Write `files`, by their names in `folder`: all are there when this begins, and `MARK` stands beside them until
    all are written. Each replaces its predecessor as a whole; other files are left alone.
    """
    folder = Path(folder)
    mark = write_bytes(folder / MARK, _WORDS.encode())
    for name, data in files.items():
        write_bytes(folder / name, data)
    mark.unlink(missing_ok=True)


def unfinished(folder: str | os.PathLike[str]) -> bool:
    """Whether `write_together` was interrupted in this folder, or is going on."""
    return (Path(folder) / MARK).exists()
