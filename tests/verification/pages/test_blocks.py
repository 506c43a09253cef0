"""A page as a list of sections."""

from __future__ import annotations

import html5lib
from markupsafe import Markup
from matplotlib.figure import Figure as Drawing

from l2obound.verification.pages.blocks import Figure, Folded, Notes, Section, Sentences, Table, Text, hint, page


def drawn() -> Drawing:
    figure = Drawing(figsize=(2, 2))
    figure.subplots().plot([0, 1], [1, 3])
    return figure


def every_block() -> list[Section]:
    table = Table("Numbers", ["name", "value"], [["a<b", 0.12345], ["none", None], ["why", hint("–", 'not "found"')]])
    return [
        Section("answer", "Answer", "1 < 2", (Text("a & b", strong=True), Sentences(["one", "two"]), Notes("small"))),
        Section("list", "List", "A list", (Sentences(["<i>"], bullets=True), Sentences([], bullets=True))),
        Section("more", "More", "More", (Figure(drawn(), "f", "A line", "one line", "Notes."),)),
        Section("end", "End", "End", (Folded("The numbers", (table, Markup("<h3>raw</h3>"))),)),
    ]


def test_every_block_is_on_the_page() -> None:
    text = page("Title", every_block(), heading="Is it so?", created="today")
    for part in (
        "<title>Title</title>", "Is it so?</h1>", '<p class="muted">today</p>', '<a href="#more">More</a>',
        '<section id="answer" class="answer">', '<section id="list">', "<h2>1 &lt; 2</h2>", "<p><b>a &amp; b</b></p>",
        "<p>one</p>", '<p class="notes">small</p>', "<li>&lt;i&gt;</li>", "<summary>The numbers</summary>",
        '<th scope="row">a&lt;b</th><td>0.123</td>', "<td>–</td>", "<h3>raw</h3>",
        '<td><span title="not &#34;found&#34;">–</span></td>',
    ):  # fmt: skip
        assert part in text, part
    assert text.count('class="plot"') == 1
    assert text.count("<ul>") == 1
    assert text.index("<details>") < text.index("<table") < text.index("</details>")
    html5lib.HTMLParser(strict=True).parse(text)
    assert page("Title", every_block(), heading="Is it so?", created="today") == text


def test_the_title_is_the_heading_where_there_is_no_other() -> None:
    assert "Title</h1>" in page("Title", [Section("one", "One", "One")])


def test_what_no_page_may_hold_is_replaced_in_every_text() -> None:
    bad = "a\x00b\ud800c"
    table = Table(bad, [bad], [[bad]])
    text = page(bad, [Section("one", bad, bad, (Text(bad), Sentences([bad]), table, Folded(bad, (Text(bad),))))])
    assert "\x00" not in text
    assert text.count("a\ufffdb\ufffdc") == 11
    text.encode()


def test_an_empty_hint_is_no_hint() -> None:
    assert hint("1", "") == "1"
