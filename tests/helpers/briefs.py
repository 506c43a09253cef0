"""What the brief of every study must be."""

from __future__ import annotations

from typing import Any

from l2obound.verification.cli.answer import table_lines
from l2obound.verification.studies.framework import Brief, Study


def checked(study: Study[Any, Any], result: Any) -> Brief:
    """The brief of a result: up to three sentences, and a table of whole rows in which nothing is undefined.

    Everything fits into the 80 columns of a small terminal: the table aligned, and the sentences in a few lines.
    """
    brief = study.briefly(result)
    assert 1 <= len(brief.sentences) <= 3
    assert brief.rows
    for row in brief.rows:
        assert len(row) == len(brief.columns)
        assert all(isinstance(cell, str) for cell in row)
        assert not {"None", "nan"} & {*" ".join(row).split()}, row
    assert all(sentence.endswith(".") for sentence in brief.sentences), brief.sentences
    assert len(table_lines(brief.columns, brief.rows, 80)) == 1 + len(brief.rows), brief
    assert sum(map(len, brief.sentences)) <= 8 * 80, brief.sentences
    return brief
