"""Files for a proof kernel, as the verbs write them."""

from __future__ import annotations

from pathlib import Path


def write_coq(file: Path, text: str) -> None:
    """Write a file of Coq, and beside it the library that it stands on."""
    from ...bounds.coq import LIBRARY
    from ...l2o.support.files import write_bytes  # which imports torch

    write_bytes(file, text.encode())
    if file.name != LIBRARY.name:
        write_bytes(file.with_name(LIBRARY.name), LIBRARY.read_bytes())
