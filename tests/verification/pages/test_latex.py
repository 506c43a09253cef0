"""Tables as LaTeX: compiled where there is a LaTeX, and else held against what LaTeX asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from l2obound.verification.pages.latex import escaped, latex_rows, latex_table
from l2obound.verification.report.csv_files import tables
from tests.helpers.report_sample import HOSTILE, make_results

HEAD = ["name", "count", "share"]
ROWS = [["a_b & c", 3, 0.5], ["50 %", 12, 0.25], [None, None, None]]


def faults(text: str) -> list[str]:
    """What a LaTeX would stop at: groups, environments, columns, characters that are not escaped, other packages."""
    wrong = []
    code = "\n".join(line for line in text.split("\n") if not line.startswith("%"))
    bare = code.replace(r"\\", "").replace(r"\{", "").replace(r"\}", "")
    if bare.count("{") != bare.count("}"):
        wrong.append("braces")
    if [*re.findall(r"\\begin{(\w+)}", code)] != [*reversed(re.findall(r"\\end{(\w+)}", code))] and sorted(
        re.findall(r"\\begin{(\w+)}", code)
    ) != sorted(re.findall(r"\\end{(\w+)}", code)):
        wrong.append("environments")
    for part in re.split(r"(?=\\begin{(?:longtable|tabular)})", code)[1:]:
        shape = re.match(r"\\begin{\w+}{([lrc]+)}", part)
        if shape is None:
            wrong.append("no columns")
            continue
        for line in part.split("\n"):
            if line.endswith(r"\\") and not line.startswith(r"\caption"):
                cells = len(re.findall(r"(?<!\\)&", line)) + 1
                if cells != len(shape[1]):
                    wrong.append(f"{cells} cells in {len(shape[1])} columns")
    if re.search(r"(?<!\\)[#%_^](?![^$]*\$)", re.sub(r"\$[^$]*\$|\\label{[^}]*}", "", code)):
        wrong.append("a character that is not escaped")
    if len(re.findall(r"(?<!\\)\$", code)) % 2:
        wrong.append("mathematics that does not end")
    if not code.isascii() and any(ord(c) >= 0x180 for c in code):
        wrong.append("a character that fonts lack")
    if code and r"\label{tab:" not in code:
        wrong.append("no label")
    return wrong


def document(texts: list[str]) -> str:
    """A paper of these tables."""
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs,longtable}\begin{document}"
    return "\n".join([head, *texts, r"\end{document}"])


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
    wide = latex_rows([{"name": "x", **{f"c{i}": i for i in range(20)}}], "Wide.", "t")
    assert wide.count(r"\begin{tabular}") == 3
    assert "(part 3 of 3)" in wide
    assert len(set(re.findall(r"\\label{([^}]*)}", wide))) == 3
    assert wide.count("x & ") == 3
    assert faults(long) == faults(wide) == []
    assert latex_rows([], "None.", "t").startswith("%")


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


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_latex_sets_every_table(made: dict[str, str], tmp_path: Path) -> None:
    texts = [text for name, text in made.items() if name.endswith(".tex")]
    (tmp_path / "all.tex").write_text(document(texts), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:]
