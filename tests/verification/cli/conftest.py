"""The command in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import hostile


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> hostile.Command:
    """The command in a folder of its own: from its arguments to exit code, standard output and error."""
    return hostile.command(tmp_path, monkeypatch, capsys)
