"""The page on conformance says of every check what the registry says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from l2obound.verification.conformance import CHECKS, PROFILES, registry

PAGE = (Path(__file__).parents[3] / "docs" / "conformance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_documented(name: str) -> None:
    entry = CHECKS[name].markdown()
    assert entry in PAGE, f"docs/conformance.md should hold\n{entry}"
    for title in ("Asserts", "Why", "What breaks it", "What to do"):
        assert f"**{title}:**" in entry
    declared = CHECKS[name].declares
    assert (f"Needs a declaration: `declares = {{'{declared}': ...}}`" in entry) == (declared is not None)


def test_nothing_else_is_documented() -> None:
    assert re.findall(r"^### `(\w+)`", PAGE, flags=re.M) == [
        c.name for level in ("optimizer", "problem") for c in registry.checks_of(level)
    ]
    assert all(f"`{profile}`" in PAGE for profile in PROFILES)


def test_the_numbers_of_checks_are_right() -> None:
    optimizers, problems = (len(registry.checks_of(level)) for level in ("optimizer", "problem"))
    assert f"tests an optimizer with {optimizers} checks, and a problem with {problems}." in " ".join(PAGE.split())
