"""Tables as LaTeX: compiled where there is a LaTeX, and else held against what LaTeX asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from l2obound import bounds
from l2obound.verification.pages.latex import escaped, latex_rows, latex_table
from l2obound.verification.report.csv_files import tables
from tests.helpers.report_sample import HOSTILE, make_results

HEAD = ["name", "count", "share"]
ROWS = [["a_b & c", 3, 0.5], ["50 %", 12, 0.25], [None, None, None]]


def faults(text: str) -> list[str]:
    """What a LaTeX would stop at: groups, environments, columns, characters that are not escaped, other packages."""
    wrong = []
    code = "\n".join(line for line in text.split("\n") if not line.startswith("%"))
    code = re.sub(r"\\allowbreak\{\}|>\{[^{}]*\}(?=p)", "", code)
    bare = code.replace(r"\\", "").replace(r"\{", "").replace(r"\}", "")
    if bare.count("{") != bare.count("}"):
        wrong.append("braces")
    if sorted(re.findall(r"\\begin{([\w*]+)}", code)) != sorted(re.findall(r"\\end{([\w*]+)}", code)):
        wrong.append("environments")
    for part in re.split(r"(?=\\begin{(?:longtable|tabular)})", code)[1:]:
        shape = re.match(r"\\begin{\w+}{((?:[lrc]|p{[\d.]+em})+)}", part)
        if shape is None:
            wrong.append("no columns")
            continue
        for line in part.split("\n"):
            if line.endswith(r"\\") and not line.startswith(r"\caption"):
                cells = len(re.findall(r"(?<!\\)&", line)) + 1
                columns = len(re.sub(r"{[^}]*}", "", shape[1]))
                if cells != columns:
                    wrong.append(f"{cells} cells in {columns} columns")
                if line.startswith(("[", "*")):
                    wrong.append("a bracket or a star at the beginning of a line")
    if re.search(r"(?<!\\)[#%_^](?![^$]*\$)", re.sub(r"\$[^$]*\$|\\label{[^}]*}", "", code)):
        wrong.append("a character that is not escaped")
    if len(re.findall(r"(?<!\\)\$", code)) % 2:
        wrong.append("mathematics that does not end")
    if not code.isascii() and any(ord(c) >= 0x180 for c in code):
        wrong.append("a character that fonts lack")
    if code and r"\label{tab:" not in code:
        wrong.append("no label")
    return wrong


def document(texts: list[str], inches: float = 5.5) -> str:
    """A paper of these tables and displays, with text of that width."""
    packages = r"\usepackage[T1]{fontenc}\usepackage{amsmath,array,booktabs,longtable,graphicx}"
    page = rf"\usepackage[textwidth={inches}in,textheight=9in]{{geometry}}"
    return "\n".join([r"\documentclass[10pt]{article}", packages, page, r"\begin{document}", *texts, r"\end{document}"])


def complaints(text: str, folder: Path) -> list[str]:
    """What LaTeX says of a paper: its errors, what it cannot set, and what sticks out."""
    (folder / "paper.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "paper.tex"]
    for _ in range(2):  # the widths of a long table are known after the first time
        subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
    log = (folder / "paper.log").read_text(encoding="latin-1")
    wrong = re.findall(r"^(?:!|Missing character|Overfull|LaTeX Warning: Float too large).*", log, flags=re.MULTILINE)
    return wrong if (folder / "paper.pdf").is_file() else [*wrong, "no PDF"]


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return {name: data.decode() for name, data in tables(make_results()).items()}


def test_every_csv_has_its_latex(made: dict[str, str]) -> None:
    assert {name[:-4] for name in made if name.endswith(".csv")} == {n[:-4] for n in made if n.endswith(".tex")}
    assert {name: wrong for name, text in made.items() if name.endswith(".tex") and (wrong := faults(text))} == {}


def test_hostile_words_are_escaped() -> None:
    text = latex_table(["a_b"], [[HOSTILE], [r"\input{x} ~ ^ {"]], f"Of {HOSTILE}.", "a b/c")
    assert faults(text) == []
    assert r"\label{tab:a-b-c}" in text
    assert r"\textbackslash{}input\{x\}" in text
    assert escaped("50 % of $5 & ρ ≤ 1") == r"50 \% of \$5 \& $\rho$ $\le$ 1"
    assert escaped("\u4e2d") == "(U+4E2D)"


def test_numbers_of_a_column_are_rounded_alike() -> None:
    text = latex_table(HEAD, ROWS, "A table.", "t")
    assert [line for line in text.split("\n") if "&" in line and "name" not in line] == [
        r"a\_b \& c & 3 & $0.500$ \\", r"50 \% & 12 & $0.250$ \\", r"-- & -- & -- \\",
    ]  # fmt: skip
    assert r"\begin{tabular}{lrr}" in text
    spread = latex_table(["x"], [[1.23456e-9], [-4.5e12], [0.0], [float("inf")]], "A table.", "t")
    assert r"$1.23 \times 10^{\phantom{0}-9}$" in spread
    assert r"$-4.50 \times 10^{\phantom{-}12}$" in spread
    assert r"$\infty$" in spread


def test_ends_of_intervals_are_rounded_outwards() -> None:
    rows = [[2.000000019, 2.000000011], [3.5, 3.5]]
    text = latex_table(["from", "to"], rows, "A table.", "t", fields=["lower", "upper"])
    assert "$2.0000000$ & $2.0000001$" in text
    nearest = latex_table(["from", "to"], rows, "A table.", "t")
    assert "$2.00$ & $2.00$" in nearest


def test_long_and_wide_tables_are_cut() -> None:
    long = latex_table(["n"], [[i] for i in range(60)], "Long.", "t")
    assert long.count(r"\begin{longtable}") == 1
    assert r"\endhead" in long
    wide = latex_rows([{"name": "x", **{f"column {i}": i for i in range(20)}}], "Wide.", "t")
    assert wide.count(r"\begin{tabular}") == 3
    assert "(part 3 of 3)" in wide
    assert len(set(re.findall(r"\\label{([^}]*)}", wide))) == 3
    assert wide.count("x & ") == 3
    assert faults(long) == faults(wide) == []
    assert latex_rows([], "None.", "t").startswith("%")


def test_long_texts_go_over_lines() -> None:
    words = "a bound that is violated on two instances " * 3
    one = latex_table(["bound", "why", "step"], [["B1", words, 3]], "Words.", "t")
    assert re.search(r"\\begin{tabular}{l>{\\raggedright\\arraybackslash}p{[\d.]+em}r}", one)
    assert "array" in one.split("\n", maxsplit=1)[0]
    assert one.count(r"\begin{tabular}") == 1
    broken = latex_table(["file"], [["results/" * 30]], "A path.", "t")
    assert r"results/\allowbreak{}" in broken
    assert r"\allowbreak" in latex_table(["digest"], [["0123456789abcdef" * 8]], "A digest.", "t")
    many = latex_table(["why", "k"], [[words, k] for k in range(20)], "Twenty rows of three lines.", "t")
    assert r"\begin{longtable}" in many
    assert faults(one) == faults(broken) == faults(many) == []


def test_signs_with_a_meaning_after_a_line() -> None:
    """LaTeX takes "[...]" after a line as a length and "*" as no page break, and "--" as a dash."""
    text = latex_table(["a", "b"], [["[0, 1]", "*"], ["*", "--quick"]], "`l2obound report --quick`.", "t")
    assert "{[}0, 1{]} & {*}" in text
    assert text.count(r"-{}-quick") == 2
    assert escaped("own-model") == "own-model"
    assert faults(text) == []
    assert "a bracket or a star at the beginning of a line" in faults(text.replace("{[}", "[", 1))


def test_letters_without_a_command_are_numbers() -> None:
    assert escaped("Ħſ") == "(U+0126)(U+017F)"
    assert escaped("Müller, Łódź") == "Müller, Łódź"
    assert "T1" in latex_table(["a"], [["Wałęsa"]], "A name.", "t").split("\n", maxsplit=1)[0]
    assert "T1" not in latex_table(["a"], [["Müller"]], "A name.", "t")


def test_columns_that_a_table_prints() -> None:
    text = latex_rows([{"a": 1, "b": 2, "c_d": "x"}], "Some.", "t", columns=("c_d", "a"))
    assert "c d & a" in text
    assert "x & 1" in text
    assert "2" not in text


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (r"\end{tabular}", "", "environments"),
        (r"\caption{A table.}", r"\caption{A table.", "braces"),
        (r" & 3 & ", " & 3 ", "2 cells in 3 columns"),
        (r"a\_b", "a_b", "a character that is not escaped"),
        ("$0.500$", "$0.500", "mathematics that does not end"),
        ("name", "ρ", "a character that fonts lack"),
        (r"\label{tab:t}", "", "no label"),
    ],
)
def test_planted_faults_are_found(old: str, new: str, fault: str) -> None:
    text = latex_table(HEAD, ROWS, "A table.", "t")
    assert old in text
    assert fault in faults(text.replace(old, new, 1))


needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")


@needs_latex
@pytest.mark.slow
def test_latex_sets_every_table(made: dict[str, str], tmp_path: Path) -> None:
    letters = ["".join(map(chr, range(first, first + 8))) for first in range(0xA0, 0x180, 8)]
    odd = [["[x]", "*y", "--quick"], ["*", HOSTILE, "a_b/c" * 20], ["]", r"\end{tabular} %^~", "≤≥×·∞‖²′∗−±√⟨⟩…“”‘’—–"]]
    texts = [text for name, text in made.items() if name.endswith(".tex")]
    texts.append(latex_table(["[1]", "*", "a-b--c"], odd, f"Of [{HOSTILE}].", "odd"))
    texts.append(latex_table(["letters"], [[word] for word in [*letters, "αβγδεηκλμρστΔ"]], "Letters.", "letters"))
    assert complaints(document(texts), tmp_path) == []


@needs_latex
@pytest.mark.slow
def test_latex_sets_every_formula(tmp_path: Path) -> None:
    catalogue = [bounds.get(name) for name in bounds.names(variants=True)]
    needed = [rf"${hypothesis.latex}$\par" for bound in catalogue for hypothesis in bound.hypotheses]
    rate = bounds.discover(check_on=[8])
    texts = [*(bound.display() for bound in catalogue), *needed, rate.latex]
    assert complaints(document(texts), tmp_path) == []
    # in a column, single terms of three of them stick out
    wide = complaints(document([bound.display(3.25) for bound in catalogue], 3.25), tmp_path)
    assert len(wide) <= 3
    assert all(line.startswith("Overfull") for line in wide)


@needs_latex
@pytest.mark.slow
@pytest.mark.parametrize(
    ("planted", "complaint"), [(r"\undefined", "! Undefined"), (r"\rule{9in}{1pt}", "Overfull"), ("ſ", "! LaTeX Error")]
)
def test_planted_complaints_are_found(planted: str, complaint: str, tmp_path: Path) -> None:
    assert any(line.startswith(complaint) for line in complaints(document([planted]), tmp_path))
