"""Parts of a result that are finished, one file each with a checksum, so that interrupted work goes on from there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ...l2o.support.files import write_bytes


def partial_path(folder: Path, key: str, digest: str) -> Path:
    """The file of the part `key` made under the settings with this digest."""
    return folder / "partial" / f"{key.replace('/', '--')[:150]}.{digest[:16]}.json"


def read_partial(path: Path) -> dict[str, Any] | None:
    """A finished part; None where there is none, or where the file is not what was written, to the digit."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        entry = stored["run"]
        whole = stored["sha256"] == _digest(entry)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return entry if whole and isinstance(entry, dict) else None


def write_partial(path: Path, entry: dict[str, Any]) -> None:
    """Keep a finished part with its checksum."""
    stored = {"sha256": _digest(entry), "run": entry}
    write_bytes(path, json.dumps(stored, allow_nan=False).encode())


def _digest(entry: Any) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()
