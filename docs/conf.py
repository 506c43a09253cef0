"""Settings of the documentation: `make docs` writes it to docs/_build, every warning an error."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "l2obound"
author = "the l2obound authors"
version = release = installed_version("l2obound")
extensions = ["myst_parser", "sphinx.ext.autodoc", "theory", "looseness", "checks", "notebooks", "verbs"]
exclude_patterns = ["_build", "_ext", "**.ipynb", "numbers", "*.in.md"]
html_theme = "furo"
html_title = "l2obound"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["formula.css", "plot.css"]
html_theme_options = {"footer_icons": []}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"show-inheritance": False}
suppress_warnings = ["config.cache"]


def _as_written(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with `code` in single backticks: escape the rest, keep indented lines verbatim."""
    out: list[str] = []
    verbatim = False
    for line in lines:
        if line[:1].isspace() or line.startswith(">>>"):
            if not verbatim:
                out += ["", "::", ""]
            verbatim = True
            out.append(f"    {line}")
        elif not line:
            out.append("")
        else:
            if verbatim:
                out.append("")
            verbatim = False
            pieces = re.split(r"`+([^`]+)`+", line)
            pieces[::2] = [re.sub(r"([\\*_|])", r"\\\1", piece) for piece in pieces[::2]]
            pieces[1::2] = [rf"\ ``{piece}``\ " for piece in pieces[1::2]]
            out.append("".join(pieces))
    lines[:] = out


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _as_written)
