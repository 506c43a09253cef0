"""Formulas as a terminal shows them."""

from __future__ import annotations

import pytest

from l2obound.verification.cli.formula import in_plain_text, symbols_of
from l2obound.verification.cli.verbs.bounds import stored_listing


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{L \lVert x_0 - z \rVert^{2}}{2 K h}", "L ||x_0 - z||^2/(2 K h)"),
        (r"\frac{a + b}{K} \le F(x_{k - 1})", "(a + b)/K <= F(x_{k-1})"),
        (r"\left(1 - \frac{h \mu}{L}\right)^{K - k}", "(1 - h mu/L)^(K - k)"),
        (r"\sum_{k=1}^{K} \langle e'_{k}(h), x'_{k} - z \rangle", "sum_{k=1}^K <e'_k(h), x'_k - z>"),
        (r"\tfrac1K {\textstyle\sum_k} x'_k", "1/K sum_k x'_k"),
        (r"\lVert \hat x_{k} - x_{k} \rVert_\infty", "||xhat_k - x_k||_inf"),
        (r"F_{\mathrm{low}} \max\left(0, - h\right)", "F_low max(0, - h)"),
    ],
)
def test_latex_in_plain_text(latex: str, text: str) -> None:
    assert in_plain_text(latex) == text


def test_no_formula_of_the_catalogue_has_marks_of_latex() -> None:
    for entry in stored_listing():
        text = in_plain_text(entry["latex"])
        assert text.isascii()
        assert text.isprintable()
        assert "\\" not in text
        assert all(text.count(a) == text.count(b) for a, b in ("()", "[]", "{}")), text
        assert symbols_of(text)


def test_symbols_are_those_of_the_formula() -> None:
    assert symbols_of("F(x_K) - F(z) <= L ||x_0 - z||^2/(2 K)")[-1] == "L the smoothness constant of f"
    assert not any(words.startswith(("mu", "h ", "'")) for words in symbols_of("F(x_K) - F(z) <= L/(2 K)"))
