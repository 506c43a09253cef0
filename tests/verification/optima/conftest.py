"""How long the solvers go on where a test asks what is claimed, not how narrow it is."""

from __future__ import annotations

import pytest

from l2obound.verification.optima import _stages, _strict


@pytest.fixture(params=["brief", pytest.param("in full", marks=pytest.mark.slow)])
def effort(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is certified has to hold wherever a solver stops, so that it may stop early."""
    if request.param == "brief":
        monkeypatch.setattr(_stages, "ROUNDS", (30, 100))
        monkeypatch.setattr(_strict, "ITERATIONS", 50)
