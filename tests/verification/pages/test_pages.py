"""The skeleton that pages of results share."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure

from l2obound.verification import pages

TEMPLATE = """{% extends "page.html" %}
{% import "parts.html" as parts with context %}
{% block main %}
{{ parts.sentences(said) }}
{{ parts.table("numbers", ["name", "value"], rows) }}
{{ parts.figure(view) }}
{{ parts.settings(config) }}
{% endblock %}
"""


def drawn() -> Figure:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1], [1, 3])
    return figure


def page(folder: Path, **values: object) -> str:
    (folder / "template.html").write_text(TEMPLATE, encoding="utf-8")
    view = pages.figure_view(drawn(), "f", "A <line>", "one line", "Notes & so on.")
    shown = {"said": ["1 < 2"], "rows": [["a", 0.12345], ["b", None]], "view": view, "config": "{}", **values}
    return pages.render(folder, "template.html", title="Title", contents={"one": "One"}, **shown)


def test_a_page(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert '<h1 dir="auto">Title</h1>' in text
    assert '<a href="#one">One</a>' in text
    assert "<p>1 &lt; 2</p>" in text
    assert '<th scope="row">a</th><td>0.123</td>' in text
    assert "<td>–</td>" in text
    assert text.count('class="plot"') == 1
    assert "Notes &amp; so on." in text
    assert "http" not in text.replace("http://www.w3.org", "")
    assert page(tmp_path) == text


def test_what_no_page_may_hold(tmp_path: Path) -> None:
    text = page(tmp_path, said=["a\x00b\ud800c", Markup("<b>kept</b>")], config="<script>")
    assert "a\ufffdb\ufffdc" in text
    assert "<b>kept</b>" in text
    assert "<script>" not in text
    with pytest.raises(jinja2.UndefinedError):
        page(tmp_path, view={})


def test_files(tmp_path: Path) -> None:
    one = pages.write_figure(drawn(), tmp_path / "a.b")
    two = pages.write_figure(drawn(), tmp_path / "c")
    assert [p.name for p in one] == ["a.b.svg", "a.b.pdf"]
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]
    assert json.loads(pages.write_json({"ä": [1, None]}, tmp_path / "x.json").read_text(encoding="utf-8")) == {
        "ä": [1, None]
    }
    with pytest.raises(ValueError, match="not JSON compliant"):
        pages.write_json({"x": float("nan")}, tmp_path / "x.json")


def test_a_table_as_csv() -> None:
    rows = [{"a": 1.5, "b": [1, None, 3], "c": ["x", "y, z"], "d": None}, {"a": 0, "b": [], "c": (), "d": "q"}]
    result = list(csv.DictReader(io.StringIO(pages.csv_table(rows))))
    assert result == [
        {"a": "1.5", "b": "1 - 3", "c": "x; y, z", "d": ""},
        {"a": "0", "b": "", "c": "", "d": "q"},
    ]
    assert pages.csv_table([]) == ""
