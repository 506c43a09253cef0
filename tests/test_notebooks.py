"""The notebooks of the documentation run, and they and the gallery are kept as their scripts make them."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LIMIT = 1_000_000
"""Bytes of all pictures of the gallery."""


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A script of docs/_ext by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    yield importlib.import_module
    for name in ("gallery", "notebooks"):
        sys.modules.pop(name, None)


def read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def texts(notebook: dict[str, Any]) -> list[list[str]]:
    """The kinds of what each cell shows; of what is printed, also the first word of each line."""
    return [
        [kind for output in cell.get("outputs", ()) for kind in sorted(output.get("data", ()))]
        + [line.split()[0] for output in cell.get("outputs", ()) for line in output.get("text", ()) if line.strip()]
        for cell in notebook["cells"]
    ]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_from_top_to_bottom_and_shows_what_it_is_kept_with(
    tool: Any, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stored = read(file)
    done = tool("notebooks").run(stored, file.name)
    assert texts(done) == texts(stored)
    assert (tmp_path / "report" / "report.html").exists()


def test_a_cell_that_fails_or_shows_something_else_is_found(tool: Any) -> None:
    def cells(*codes: str) -> dict[str, Any]:
        return {"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": [code]} for code in codes]}

    run = tool("notebooks").run
    with pytest.raises(NameError, match="nothing"):
        run(cells("x = 1", "nothing"), "a.ipynb")
    assert texts(run(cells("x = 1", "print('a', x)\nx"), "a.ipynb")) == [[], ["text/plain", "a"]]
    assert texts(run(cells("print('b')"), "a.ipynb")) != texts(run(cells("print('a')"), "a.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_page_has_every_cell_and_output(tool: Any, file: Path) -> None:
    notebook = read(file)
    page = tool("notebooks").page(notebook, file.stem)
    assert page.startswith("# ")
    for cell in notebook["cells"]:
        assert "".join(cell["source"]) in page
    assert page.count("<svg") == sum(
        "image/svg+xml" in o.get("data", ()) for c in notebook["cells"] for o in c.get("outputs", ())
    )
    assert page.count("\n```{raw} html\n") >= 3


def test_notebooks_are_in_the_table_of_contents_and_known_by_their_names() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert "notebooks/*" in index
    assert (ROOT / "docs" / "notebooks" / "own_model.ipynb") in NOTEBOOKS
    assert "docs/notebooks/own_model.ipynb" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_gallery_shows_what_its_script_makes(tool: Any) -> None:
    gallery = tool("gallery")
    files = {file.name: file.stat().st_size for file in gallery.STATIC.iterdir()}
    assert set(files) == gallery.pictures()
    assert sum(files.values()) < LIMIT
    saved = {name for block in gallery.code() for name in gallery.SAVED.findall(block)}
    tables = {f"{name}.html" for name in gallery.TABLES}
    assert saved | tables | {"report.png"} == gallery.pictures()
