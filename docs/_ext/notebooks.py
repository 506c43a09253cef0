"""The notebooks of docs/notebooks: run, kept with what they print and draw, and written as pages of the documentation.

`python docs/_ext/notebooks.py` runs each in an empty folder, one namespace a notebook, and stores its outputs in the
file. When the documentation is built, each becomes the page notebooks/NAME.md.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "notebooks"
Notebook = dict[str, Any]


def source(cell: dict[str, Any]) -> str:
    """The text of a cell."""
    return "".join(cell["source"])


def lines(text: str) -> list[str]:
    """A text as a notebook keeps it."""
    return text.splitlines(keepends=True)


def run(notebook: Notebook, name: str) -> Notebook:
    """The notebook with the outputs of its cells, which run in order in the current folder.

    Args:
        notebook: The JSON of the file.
        name: Of the file, for tracebacks.

    Returns:
        The same cells, those of code with what they print, and with what their last expression shows.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells, count = [], 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            outputs = run_cell(source(cell), namespace, f"{name} cell {count}")
            cell = {**cell, "execution_count": count, "outputs": outputs}
        cells.append(cell)
    return {**notebook, "cells": cells}


def run_cell(code: str, namespace: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Run the code; give what it prints, and what its last line shows where that is an expression."""
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, name, "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines(printed.getvalue())})
    if value is not None:
        outputs.append({"output_type": "display_data", "metadata": {}, "data": shown_as(value)})
    return outputs


def shown_as(value: Any) -> dict[str, list[str]]:
    """What a notebook shows of a value: a figure as SVG, else HTML where it has one, and always its line."""
    data = {"text/plain": lines(repr(value))}
    if hasattr(value, "savefig"):
        from gallery import trimmed

        file = io.BytesIO()
        value.savefig(file, format="svg")
        data["image/svg+xml"] = lines(
            re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>", "", trimmed(file.getvalue()).decode(), flags=re.S)
        )
    elif hasattr(value, "_repr_html_"):
        data["text/html"] = lines(value._repr_html_())
    return data


def page(notebook: Notebook, name: str) -> str:
    """The notebook as a page of MyST."""
    parts = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append(source(cell))
            continue
        parts.append(f"```python\n{source(cell)}\n```")
        for output in cell["outputs"]:
            if output["output_type"] == "stream":
                parts.append(f"```text\n{''.join(output['text']).rstrip()}\n```")
                continue
            data = output["data"]
            html = next((data[kind] for kind in ("image/svg+xml", "text/html") if kind in data), None)
            if html is None:
                parts.append(f"```text\n{''.join(data['text/plain'])}\n```")
            else:
                parts.append(f"```{{raw}} html\n{''.join(html).strip()}\n```")
    parts.append(f"This page is the notebook `docs/notebooks/{name}.ipynb`.")
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> None:
    """Write the page of each notebook, those that have changed."""
    for file in sorted(folder.glob("*.ipynb")):
        text = page(json.loads(file.read_text(encoding="utf-8")), file.stem)
        path = folder / f"{file.stem}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def main() -> None:
    """Run every notebook and keep its outputs."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "l2obound"
    for file in sorted(FOLDER.glob("*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            done = run(notebook, file.name)
        file.write_text(json.dumps(done, indent=1, ensure_ascii=False) + os.linesep, encoding="utf-8")
        print(f"{file}: {file.stat().st_size / 1e3:.0f} kB")


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / "notebooks"))
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    main()
